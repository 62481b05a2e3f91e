"""What the interactive map shows, as columns: lines (roads, traffic, border), points
(towns, ways in, sites) and beats with posts and bases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.base.text.formatting import (
    ARROW,
    DASH,
    amounts,
    known,
    number,
    percent,
    plain,
)
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.problem.network.places import Crossing, Gateway, NamedPlace, Settlement
from optimizer.report.content.placements import SiteRow
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.risk import SegmentRisk
from optimizer.report.content.summary import difference_with_unit, value
from optimizer.report.maps.geography import Plane, border_parts
from optimizer.report.maps.map_layers import (
    RIM,
    SHORTEST_KM,
    THIN,
    DrawnBeat,
    Layout,
    MapLayers,
    RouteTraffic,
    evader_names,
    flow_width,
    letters_by_base,
)
from optimizer.report.maps.place_names import PlaceNames
from optimizer.report.palette import (
    AFTER,
    BASE,
    BEFORE,
    BORDER,
    GATEWAY,
    HOLE,
    LOOK,
    OFFICIAL,
    SETTLEMENT,
    SITES,
    TODAY,
    UNOFFICIAL,
    Symbol,
)
from optimizer.report.words import word

FINEST_M = 5.0
"""Lines are thinned to a ten-thousandth of the map, but never by less than this, in metres."""

HOLE_PIXELS = 3.0
"""Width of a route past the plan."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class LineLayer:
    """Lines of one legend entry."""

    #: Legend text; fixed text and numbers only, never a record's.
    label: str
    #: `xs`, `ys` in metres, what the tooltips show, and whatever `width` names.
    columns: Columns
    #: `colour`, `dash`, `cap`: As bokeh takes them.
    colour: str
    #: `line_width` in screen pixels, or the column that holds it.
    width: dict[str, Any]
    #: `colour`, `dash`, `cap`: As bokeh takes them.
    dash: str | list[int] = "solid"
    #: `colour`, `dash`, `cap`: As bokeh takes them.
    cap: str = "round"
    #: Pairs of a label and a column reference; empty for none.
    tooltips: tuple[tuple[str, str], ...] = field(default=())
    #: Whether it is there when the map opens.
    shown: bool = True


def road_columns(
    content: ReportContent, plane: Plane, segments: NDArray[np.int64], layers: MapLayers
) -> Columns:
    """Return the lines of (k,) segments with all that their tooltips show: one set for
    all road layers.
    """
    network = content.network
    arcs = network.segment_arc[segments]
    columns = line_columns(network.lines[segments], plane, tolerance(content))
    names, classes = network.name[arcs].tolist(), network.road_class[arcs].tolist()
    columns["road"] = [
        " | ".join(filter(None, (plain(name, 60), plain(word(kind), 20))))
        for name, kind in zip(names, classes, strict=True)
    ]
    columns["mark"] = [f"road-{segment}" for segment in segments.tolist()]
    columns |= traffic_columns(content, segments, layers)
    if content.risk is not None:
        columns["risk"] = _risk_texts(content.risk, segments)
        columns["effort"] = _effort_texts(content, content.risk, segments)
    return columns


def road_tooltips(content: ReportContent) -> tuple[tuple[str, str], ...]:
    """Return the tooltip of a road: pairs of a label and a column of `road_columns`."""
    risk: tuple[tuple[str, str], ...] = ()
    if (
        content.risk is not None
        # the unit stands in the title of the layer: in each of thousands of texts it would
        # fill the page
    ):
        with_interval = _("Risk ({percent} interval)").format(
            percent=percent(content.risk.interval, 0)
        )
        risk = ((with_interval, "@risk"), (_("Search effort"), "@effort"))
    names = (_("nothing placed"), *([_("today")] if _known_today(content) else []), _("the plan"))
    loads = _("Loads: {layouts}").format(layouts=f" {ARROW} ".join(names))
    return ((_("Road"), "@road"), *risk, (loads, "@loads"), (_("Evaders"), "@evaders"))


def flow_lines(content: ReportContent, plane: Plane, layers: MapLayers) -> list[LineLayer]:
    """Return the routes under each layout as bands under the roads, as wide as the
    loads that set out are many; today's are hidden.
    """
    heaviest = max(
        float(flow.weight.max(initial=0.0)) for flow in (layers.before, layers.today, layers.after)
    )
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
            lines.append(
                LineLayer(label, columns, colour, {"line_width": "width"}, shown=layout != "today")
            )
    return lines


def hole_lines(content: ReportContent, plane: Plane, layers: MapLayers) -> list[LineLayer]:
    """Return the routes past the plan that the first page names, a layer each."""
    made = []
    for hole in layers.holes:
        columns, way = line_columns(hole.lines, plane, tolerance(content)), hole.way
        texts = {
            "mark": f"hole-{hole.number}",
            "hole": str(hole.number),
            "start": plain(way.entry or way.start, 60),
            "end": plain(way.end, 60),
            "by": plain(", ".join(way.roads), 120),
            "past": plain("; ".join(way.past), 120) or DASH,
            "through": value(content.summary, way.contribution),
        }
        columns |= {name: [text] * len(columns["xs"]) for name, text in texts.items()}
        tooltips = (
            (_("Best route left: No."), "@hole"),
            (_("Enters at"), "@start"),
            (_("To"), "@end"),
            (_("By"), "@by"),
            (_("Past these sites"), "@past"),
            (_("Gets through by these roads"), "@through"),
        )
        made.append(
            LineLayer(
                hole.label,
                columns,
                HOLE,
                {"line_width": HOLE_PIXELS},
                dash=hole.dash,
                cap="butt",
                tooltips=tooltips,
            )
        )
    return made


def border_lines(content: ReportContent, plane: Plane) -> list[LineLayer]:
    """Return the border as a layer; none where there is no border."""
    lines = border_parts(content.border)
    if not lines.size:
        return []
    columns = line_columns(lines, plane, tolerance(content))
    return [
        LineLayer(_("Border"), columns, BORDER, {"line_width": 2.2}, dash="dashdot", cap="butt")
    ]


def _risk_texts(risk: SegmentRisk, segments: NDArray[np.int64]) -> list[str]:
    rows = zip(
        risk.median[segments].tolist(),
        risk.low[segments].tolist(),
        risk.high[segments].tolist(),
        strict=True,
    )
    searched = risk.searched[segments].tolist()
    searched_said, unknown_said = (
        "{risk} ({low} {dash} {high})",
        _("UNKNOWN, at a guess {risk} ({low} {dash} {high})"),
    )
    return [
        (
            (searched_said if done else unknown_said).format(
                risk=number(median), low=number(low), dash=DASH, high=number(high)
            )
            if known(median)
            else DASH
        )
        for done, (median, low, high) in zip(searched, rows, strict=True)
    ]


def _effort_texts(
    content: ReportContent, risk: SegmentRisk, segments: NDArray[np.int64]
) -> list[str]:
    length = np.maximum(
        content.network.length_m[content.network.segment_arc[segments]] / 1000, SHORTEST_KM
    )
    columns = [
        (plain(effort.unit, 40), (effort.amount[segments] / length).tolist())
        for effort in risk.efforts
    ]
    said = _("{number} {unit} a km")
    searched = _("searched")
    never = _("never searched")
    return [
        (
            (
                "; ".join(
                    said.format(number=number(per_km[k]), unit=unit)
                    for unit, per_km in columns
                    if per_km[k]
                )
                or searched
            )
            if done
            else never
        )
        for k, done in enumerate(risk.searched[segments].tolist())
    ]


def traffic_columns(
    content: ReportContent, segments: NDArray[np.int64], layers: MapLayers
) -> Columns:
    """Return what tooltips say of the traffic on (k,) segments: `loads` with nothing
    placed, today and with the plan, and `evaders`.
    """
    loads, evaders = [DASH] * segments.size, [DASH] * segments.size
    flows = (layers.before, *([layers.today] if _known_today(content) else []), layers.after)
    for place in np.flatnonzero(
        np.sum([flow.weight[segments] > 0 for flow in flows], axis=0)
    ).tolist():
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
    """Return `xs` and `ys` of lines in whole metres: 1 m is five decimals of a degree,
    and integers are the shortest text.
    """
    flat = shapely.simplify(
        shapely.transform(lines, plane.project), tolerance, preserve_topology=False
    )
    points, index = shapely.get_coordinates(flat, return_index=True)
    parts = (
        np.split(points.round().astype(np.int64), np.flatnonzero(np.diff(index)) + 1)
        if index.size
        else []
    )
    return {
        "xs": [part[:, 0].tolist() for part in parts],
        "ys": [part[:, 1].tolist() for part in parts],
    }


def tolerance(content: ReportContent) -> float:
    """Return by how many metres lines may be thinned."""
    network = content.network
    span = max(float(np.ptp(network.lon)), float(np.ptp(network.lat))) if network.n_nodes else 0.0
    return max(FINEST_M, span * METRES_PER_DEGREE / 10_000)


ORDERS = {
    "new": marked("open"),
    "changed": marked("change"),
    "kept": marked("keep"),
    "given up": marked("close"),
    "not chosen": marked("none: not in the plan"),
}
"""What is ordered for a site of each standing."""


@dataclass(frozen=True, slots=True)
class PointLayer:
    """Points of one legend entry: `x`, `y` in metres, what the tooltips show, and
    `number` where one is written on them.
    """

    symbol: Symbol
    columns: Columns
    tooltips: tuple[tuple[str, str], ...]


def place_points(content: ReportContent, plane: Plane) -> list[PointLayer]:
    """Return settlements, gateways and crossings, in drawing order; kinds that do not
    occur are left out.
    """
    layers = [
        _settlements(content, plane),
        _gateways(content, plane),
        _crossings(content, plane, official=False),
        _crossings(content, plane, official=True),
    ]
    return [layer for layer in layers if layer.columns["x"]]


def site_points(
    content: ReportContent,
    plane: Plane,
    numbers: Mapping[str, str] | None = None,
    *,
    every: bool = False,
) -> list[PointLayer]:
    """Return sites by standing, in drawing order; those that are ordered carry their
    number, by id, else that of the content.

    `every` asks for the standings that no site has as well.
    """
    if numbers is None:
        numbers = {name: str(place) for name, place in content.numbers.items()}
    layers = []
    for standing, symbol in SITES.items():
        sites = [site for site in content.sites if site.standing == standing]
        if sites or every:
            layers.append(_sites(content, plane, symbol, sites, numbers))
    return layers


def look_points(content: ReportContent, plane: Plane) -> list[PointLayer]:
    """Return where to look next, numbered as in the table; none where nobody asked."""
    rows = content.look_first
    if content.look_next is None or not rows:
        return []
    middle = content.network.segment_midpoint[[row.segment for row in rows]]
    xy = plane.project(middle).round().astype(np.int64)
    columns: Columns = {"x": xy[:, 0].tolist(), "y": xy[:, 1].tolist()}
    columns["number"] = [str(place) for place in range(1, len(rows) + 1)]
    columns["mark"] = [f"look-{place}" for place in columns["number"]]
    columns["road"] = [plain(row.label, 60) for row in rows]
    columns["score"] = [
        f"{number(row.score)}, {plain(content.look_next.score_unit, 60)}" for row in rows
    ]
    columns["reason"] = [plain(row.reason, 200) for row in rows]
    tooltips = (
        (_("Look here: No."), "@number"),
        (_("Road"), "@road"),
        (_("Score"), "@score"),
        (_("Why"), "@reason"),
    )
    return [PointLayer(LOOK, columns, tooltips)]


def _settlements(content: ReportContent, plane: Plane) -> PointLayer:
    known = {town.name for town in content.settlements}
    others = [place for place in content.places if place.kind == "town" and place.name not in known]
    columns = _positions(plane, [*content.settlements, *others])
    columns["place"] = [plain(town.label, 60) for town in content.settlements] + [
        plain(town.name, 60) for town in others
    ]
    columns["people"] = [
        number(town.population) + (" " + _("(assumed)") if town.population_assumed else "")
        for town in content.settlements
    ] + [number(town.population) if town.population else DASH for town in others]
    return PointLayer(SETTLEMENT, columns, ((_("Town"), "@place"), (_("Inhabitants"), "@people")))


def _gateways(content: ReportContent, plane: Plane) -> PointLayer:
    columns = _positions(plane, content.gateways)
    columns["place"] = [plain(gateway.label, 60) for gateway in content.gateways]
    columns["kind"] = [plain(word(gateway.kind), 20) for gateway in content.gateways]
    columns["exposure"] = [number(gateway.exposure) for gateway in content.gateways]
    return PointLayer(
        GATEWAY,
        columns,
        ((_("Way in"), "@place"), (_("Kind"), "@kind"), (_("Exposure"), "@exposure")),
    )


def _crossings(content: ReportContent, plane: Plane, *, official: bool) -> PointLayer:
    crossings = [crossing for crossing in content.crossings if crossing.official == official]
    columns = _positions(plane, crossings)
    columns["place"] = [plain(crossing.label, 60) for crossing in crossings]
    columns["kind"] = [plain(word(crossing.road_class), 20) for crossing in crossings]
    label = _("Official crossing") if official else _("Unofficial crossing")
    return PointLayer(
        OFFICIAL if official else UNOFFICIAL, columns, ((label, "@place"), (_("Road"), "@kind"))
    )


def _sites(
    content: ReportContent,
    plane: Plane,
    symbol: Symbol,
    sites: list[SiteRow],
    numbers: Mapping[str, str],
) -> PointLayer:
    columns = _positions(plane, sites)
    columns["mark"] = [f"site-{plain(site.id)}" for site in sites]
    columns["site"] = [plain(site.place or site.label, 60) for site in sites]
    columns["kind"] = [
        ", ".join(
            filter(None, (plain(site.type or word(site.entry.kind), 40), plain(site.agency, 40)))
        )
        for site in sites
    ]
    columns["road"] = [plain(site.road, 60) or DASH for site in sites]
    columns["where"] = [plain(site.where, 60) or DASH for site in sites]
    columns["standing"] = [
        (
            _("change, today {other}").format(other=plain(site.other_type, 40))
            if site.standing == "changed"
            else _(ORDERS[site.standing])
        )
        for site in sites
    ]
    columns["costs"] = [amounts(site.costs) for site in sites]
    columns["survival"] = [percent(site.entry.survival) for site in sites]
    columns["marginal"] = [
        difference_with_unit(content.summary, site.entry.worth) for site in sites
    ]
    numbered = symbol is not SITES["not chosen"] and all(site.id in numbers for site in sites)
    if numbered:
        columns["number"] = [numbers[site.id] for site in sites]
    marginal = (
        _("Marginal value (lost without it)")
        if any(site.chosen for site in sites)
        else _("Marginal value (added beyond the budget)")
    )
    rows = (
        (_("Site"), "@site"),
        (_("Order"), "@standing"),
        (_("Kind"), "@kind"),
        (_("Road"), "@road"),
        (_("Where"), "@where"),
        (_("Costs"), "@costs"),
        (_("Chance to pass it"), "@survival"),
        *(
            [(marginal, "@marginal")] if any(known(site.entry.worth) for site in sites) else []
        ),  # a desk says it elsewhere
    )
    return PointLayer(symbol, columns, (((_("No."), "@number"), *rows) if numbered else rows))


def _positions(
    plane: Plane, places: Sequence[Settlement | Gateway | Crossing | SiteRow | NamedPlace]
) -> Columns:
    xy = (
        plane.project(
            np.array([(place.lon, place.lat) for place in places], dtype=np.float64).reshape(-1, 2)
        )
        .round()
        .astype(np.int64)
    )
    return {"x": xy[:, 0].tolist(), "y": xy[:, 1].tolist()}


TOUR_TOOLTIPS = (
    (marked("Beat"), "@beat"),
    (marked("Team"), "@team"),
    (marked("Base"), "@base"),
    (marked("Posts"), "@posts"),
    (marked("Back at"), "@back"),
    (marked("Marginal value (lost without it)"), "@marginal"),
)

WHITE = "#ffffff"

POST_TOOLTIPS = (
    (marked("Post"), "@number"),
    (marked("Where"), "@post"),
    (marked("Team arrives at"), "@arrive"),
    (marked("Leaves at"), "@leave"),
    (marked("Team"), "@team"),
    (marked("Base"), "@base"),
)


def beat_lines(content: ReportContent, plane: Plane, drawn: DrawnBeat) -> Columns:
    """Return the lines of a beat in drawing order: its white rim, then itself.

    It comes once more before the rim, thin, as a legend shows the first row.
    """
    lines = line_columns(drawn.lines, plane, tolerance(content))
    layers = (
        (drawn.colour, np.full(drawn.width.size, THIN)),
        (WHITE, drawn.width + 2 * RIM),
        (drawn.colour, drawn.width),
    )
    columns: Columns = {"xs": 3 * lines["xs"], "ys": 3 * lines["ys"]}
    columns["width"] = [width for colour, widths in layers for width in widths.round(1).tolist()]
    columns["colour"] = [colour for colour, widths in layers for k in range(widths.size)]
    columns["mark"] = [f"beat-{drawn.letter}"] * len(columns["xs"])
    return columns | {
        name: [text] * len(columns["xs"]) for name, text in _beat_texts(content, drawn).items()
    }


def beat_posts(plane: Plane, drawn: DrawnBeat) -> Columns:
    """Return the posts of a beat: `x`, `y` in metres, the beat's `colour`, `number` as
    in the table, and what tooltips show.
    """
    stops = drawn.beat.stops
    lonlat = np.array([(stop.lon, stop.lat) for stop in stops], dtype=np.float64).reshape(-1, 2)
    xy = plane.project(lonlat).round().astype(np.int64)
    same = {
        "colour": drawn.colour,
        "team": plain(drawn.beat.team, 60),
        "base": plain(drawn.beat.home.label, 60),
    }
    return {
        "x": xy[:, 0].tolist(),
        "y": xy[:, 1].tolist(),
        "number": drawn.numbers,
        "mark": [f"post-{number}" for number in drawn.numbers],
        "post": [PlaceNames.joined(plain(stop.label, 80), plain(stop.where, 60)) for stop in stops],
        "arrive": [drawn.beat.time(stop.arrive_s) for stop in stops],
        "leave": [drawn.beat.time(stop.leave_s) for stop in stops],
    } | {name: [text] * len(stops) for name, text in same.items()}


def base_points(plane: Plane, beats: Sequence[DrawnBeat]) -> list[PointLayer]:
    """Return the bases that beats set out from; none where there is no beat."""
    bases = letters_by_base(beats)
    if not bases:
        return []
    lonlat = np.array([(base.lon, base.lat) for base in bases], dtype=np.float64)
    xy = plane.project(lonlat).round().astype(np.int64)
    columns: Columns = {"x": xy[:, 0].tolist(), "y": xy[:, 1].tolist()}
    columns["base"] = [plain(base.label, 60) for base in bases]
    columns["beats"] = [", ".join(letters) for letters in bases.values()]
    return [PointLayer(BASE, columns, ((_("Base"), "@base"), (_("Beats"), "@beats")))]


def _beat_texts(content: ReportContent, drawn: DrawnBeat) -> dict[str, str]:
    beat = drawn.beat
    return {
        "beat": drawn.letter,
        "team": plain(beat.team, 60),
        "base": plain(beat.home.label, 60),
        "posts": "; ".join(
            _("{number} {arrive} to {leave}").format(
                number=number, arrive=beat.time(stop.arrive_s), leave=beat.time(stop.leave_s)
            )
            for number, stop in zip(drawn.numbers, beat.stops, strict=True)
        ),
        "back": beat.time(beat.back_s),
        "marginal": difference_with_unit(content.summary, beat.entry.worth),
    }
