"""Lines of the interactive map: roads with what is known of them, traffic, the border."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from optimizer.base.formatting import ARROW, DASH, known, number, percent, plain
from optimizer.base.language import gettext as _
from optimizer.report.geography import METRES_PER_DEGREE, border_parts
from optimizer.report.palette import AFTER, BEFORE, BORDER, TODAY
from optimizer.report.road_layers import SHORTEST_KM
from optimizer.report.traffic import evader_names, flow_width
from optimizer.report.values import value
from optimizer.report.words import word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent, SegmentRisk
    from optimizer.report.geography import Plane
    from optimizer.report.map_layers import MapLayers
    from optimizer.report.traffic import Layout, RouteTraffic

FINEST_M = 5.0
"""Lines are thinned to a ten-thousandth of the map, but never by less than this, in metres."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class LineLayer:
    """Lines of one legend entry.

    Attributes
    ----------
    label
        Legend text; fixed text and numbers only, never a record's.
    columns
        `xs`, `ys` in metres, what the tooltips show, and whatever `width` names.
    colour, dash, cap
        As bokeh takes them.
    width
        `line_width` in screen pixels, or the column that holds it.
    tooltips
        Pairs of a label and a column reference; empty for none.
    shown
        Whether it is there when the map opens.
    """

    label: str
    columns: Columns
    colour: str
    width: dict[str, Any]
    dash: str | list[int] = "solid"
    cap: str = "round"
    tooltips: tuple[tuple[str, str], ...] = field(default=())
    shown: bool = True


def road_columns(content: ReportContent, plane: Plane, segments: NDArray[np.int64], layers: MapLayers) -> Columns:
    """Return the lines of (k,) segments with all that their tooltips show: one set for all road layers."""
    network = content.network
    arcs = network.segment_arc[segments]
    columns = line_columns(network.lines[segments], plane, tolerance(content))
    names, classes = network.name[arcs].tolist(), network.road_class[arcs].tolist()
    columns["road"] = [
        " | ".join(filter(None, (plain(name, 60), plain(word(kind), 20))))
        for name, kind in zip(names, classes, strict=True)
    ]
    columns["mark"] = [f"road-{segment}" for segment in segments.tolist()]
    columns |= _traffic_columns(content, segments, layers)
    if content.risk is not None:
        columns["risk"] = _risk_texts(content.risk, segments)
        columns["effort"] = _effort_texts(content, content.risk, segments)
    return columns


def road_tooltips(content: ReportContent) -> tuple[tuple[str, str], ...]:
    """Return the tooltip of a road: pairs of a label and a column of `road_columns`."""
    risk = ((_("Risk"), "@risk"), (_("Search effort"), "@effort")) if content.risk is not None else ()
    names = (_("nothing placed"), *([_("today")] if _known_today(content) else []), _("the plan"))
    loads = _("Loads: {layouts}").format(layouts=f" {ARROW} ".join(names))
    return ((_("Road"), "@road"), *risk, (loads, "@loads"), (_("Evaders"), "@evaders"))


def flow_lines(content: ReportContent, plane: Plane, layers: MapLayers) -> list[LineLayer]:
    """Return the routes under each layout as bands under the roads, as wide as the loads that set out are many; today's are hidden."""
    heaviest = max(float(flow.weight.max(initial=0.0)) for flow in (layers.before, layers.today, layers.after))
    lines: list[LineLayer] = []
    flows: tuple[tuple[RouteTraffic, str, str, Layout], ...] = (
        (layers.before, BEFORE, _("Routes with nothing placed"), "before"),
        (layers.today, TODAY, _("Routes with today's layout"), "today"),
        (layers.after, AFTER, _("Routes with the plan"), "after"),
    )
    for flow, colour, label, layout in flows:
        busy = np.flatnonzero(flow.weight)
        if busy.size:
            columns = line_columns(content.network.lines[busy], plane, tolerance(content))
            columns["width"] = flow_width(flow.weight[busy], heaviest, layout).round(1).tolist()
            lines.append(LineLayer(label, columns, colour, {"line_width": "width"}, shown=layout != "today"))
    return lines


def border_lines(content: ReportContent, plane: Plane) -> list[LineLayer]:
    """Return the border as a layer; none where there is no border."""
    lines = border_parts(content)
    if not lines.size:
        return []
    columns = line_columns(lines, plane, tolerance(content))
    return [LineLayer(_("Border"), columns, BORDER, {"line_width": 2.2}, dash="dashdot", cap="butt")]


def _risk_texts(risk: SegmentRisk, segments: NDArray[np.int64]) -> list[str]:
    rows = zip(risk.median[segments].tolist(), risk.low[segments].tolist(), risk.high[segments].tolist(), strict=True)
    searched = risk.searched[segments].tolist()
    unit = plain(risk.unit, 60)
    searched_said = _("{risk} {unit} ({percent} interval {low} {dash} {high})")
    unknown_said = _("UNKNOWN, at a guess {risk} {unit} ({percent} interval {low} {dash} {high})")
    interval = percent(risk.interval, 0)
    return [
        (searched_said if done else unknown_said).format(
            risk=number(median), unit=unit, percent=interval, low=number(low), dash=DASH, high=number(high)
        )
        if known(median)
        else DASH
        for done, (median, low, high) in zip(searched, rows, strict=True)
    ]


def _effort_texts(content: ReportContent, risk: SegmentRisk, segments: NDArray[np.int64]) -> list[str]:
    length = np.maximum(content.network.length_m[content.network.segment_arc[segments]] / 1000, SHORTEST_KM)
    columns = [(plain(effort.unit, 40), (effort.amount[segments] / length).tolist()) for effort in risk.efforts]
    said, searched, never = _("{number} {unit} a km"), _("searched"), _("never searched")
    return [
        (
            "; ".join(said.format(number=number(per_km[k]), unit=unit) for unit, per_km in columns if per_km[k])
            or searched
        )
        if done
        else never
        for k, done in enumerate(risk.searched[segments].tolist())
    ]


def _traffic_columns(content: ReportContent, segments: NDArray[np.int64], layers: MapLayers) -> Columns:
    """Return what tooltips say of the traffic on (k,) segments: `loads` with nothing placed, today and with the plan, and `evaders`."""
    loads, evaders = [DASH] * segments.size, [DASH] * segments.size
    flows = (layers.before, *([layers.today] if _known_today(content) else []), layers.after)
    for place in np.flatnonzero(np.sum([flow.weight[segments] > 0 for flow in flows], axis=0)).tolist():
        segment = int(segments[place])
        routes = [position for flow in reversed(flows) for position in flow.routes.get(segment, [])]
        weights = (value(content.summary, flow.weight[segment]) for flow in flows)
        loads[place] = f" {ARROW} ".join(weights)
        evaders[place] = evader_names(content, dict.fromkeys(routes))
    return {"loads": loads, "evaders": evaders}


def _known_today(content: ReportContent) -> bool:
    """Return whether routes under today's layout are known."""
    return any(len(route.arcs_today) for route in content.routes)


def line_columns(lines: NDArray[np.object_], plane: Plane, tolerance: float) -> Columns:
    """Return `xs` and `ys` of lines in whole metres: 1 m is five decimals of a degree, and integers are the shortest text."""
    flat = shapely.simplify(shapely.transform(lines, plane.project), tolerance, preserve_topology=False)
    points, index = shapely.get_coordinates(flat, return_index=True)
    parts = np.split(points.round().astype(np.int64), np.flatnonzero(np.diff(index)) + 1) if index.size else []
    return {"xs": [part[:, 0].tolist() for part in parts], "ys": [part[:, 1].tolist() for part in parts]}


def tolerance(content: ReportContent) -> float:
    """Return by how many metres lines may be thinned."""
    network = content.network
    span = max(float(np.ptp(network.lon)), float(np.ptp(network.lat))) if network.n_nodes else 0.0
    return max(FINEST_M, span * METRES_PER_DEGREE / 10_000)
