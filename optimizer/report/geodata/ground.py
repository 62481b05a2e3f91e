"""Layers of the ground: risk and search effort of each road, crossings, gateways, towns and the border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.language import gettext as _
from optimizer.report.geodata.placements import point
from optimizer.report.geodata.styles import Mark, Style, StyleClass, marker, one_style
from optimizer.report.geodata.tables import LayerField, table
from optimizer.report.palette import BORDER, GATEWAY, OFFICIAL, SETTLEMENT, UNOFFICIAL
from optimizer.report.road_layers import SHORTEST_KM, road_layers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network import Network
    from optimizer.problem.places import Crossing, Gateway, Settlement
    from optimizer.report.content import ReportContent
    from optimizer.report.geodata.tables import GeoTable
    from optimizer.report.road_layers import RoadLayer

MM = 0.3
"""Millimetres of a line's width for each pixel on the screen."""
ROAD_FIELDS = (
    LayerField("segment", "whole", "segment of the road network"),
    LayerField("name", "text", "name of the road"),
    LayerField("road_class", "text", "class of the road"),
    LayerField("length_km", "number", "kilometres of the segment"),
)
RISK_FIELDS = (
    *ROAD_FIELDS,
    LayerField("median", "number", "risk: the middle of its interval, in `unit`"),
    LayerField("low", "number", "lower end of the interval"),
    LayerField("high", "number", "upper end of the interval"),
    LayerField("interval", "number", "probability that the interval holds"),
    LayerField("searched", "yes or no", "whether anybody ever searched there; where not, the risk is a guess"),
    LayerField("unit", "text", "what the risk counts"),
    LayerField("class", "text", "class of risk on the report's map"),
    LayerField("sure", "text", "upper end of the interval over its lower end, in classes"),
)
EFFORT_FIELDS = (
    *ROAD_FIELDS,
    LayerField("unit", "text", "unit of the effort"),
    LayerField("amount", "number", "effort over the whole record, in `unit`"),
    LayerField("per_km", "number", "the same for each kilometre of road"),
    LayerField("class", "text", "class of effort on the report's map, with its unit"),
)
PLACE_FIELDS = (
    LayerField("id", "text", "id of the region's place"),
    LayerField("label", "text", "what people call it"),
)
CROSSING_FIELDS = (
    *PLACE_FIELDS,
    LayerField("official", "yes or no", "whether travellers are checked there"),
    LayerField("road_class", "text", "class of the way that crosses"),
    LayerField("standing", "text", "official or unofficial"),
)
GATEWAY_FIELDS = (
    *PLACE_FIELDS,
    LayerField("kind", "text", "port, unofficial, or edge (where a road enters the map)"),
    LayerField("exposure", "number", "how much passes there, in the unit of the scenario"),
)
TOWN_FIELDS = (
    *PLACE_FIELDS,
    LayerField("population", "number", "inhabitants"),
    LayerField("population_assumed", "yes or no", "whether that is a default for the class of place"),
    LayerField("domestic", "yes or no", "whether it lies on the defended side"),
)


def ground_layers(content: ReportContent) -> list[GeoTable]:
    """Return towns, gateways, crossings, border, risk and effort: what is drawn on top comes first."""
    network = content.network
    official = StyleClass("official", OFFICIAL.text, marker(OFFICIAL))
    unofficial = StyleClass("unofficial", UNOFFICIAL.text, marker(UNOFFICIAL))
    return [
        _places("towns", _("Towns"), TOWN_FIELDS, content.settlements, one_style(marker(SETTLEMENT), "label")),
        _places(
            "crossings", _("Crossings"), CROSSING_FIELDS, content.crossings, Style((official, unofficial), "standing")
        ),
        _places("gateways", _("Where evaders enter"), GATEWAY_FIELDS, content.gateways, one_style(marker(GATEWAY))),
        table(
            "border",
            _("Border"),
            (LayerField("name", "text", "of the scenario"),),
            [] if content.border is None else [(content.title,)],
            [] if content.border is None else [_boundary(content.border)],
            one_style(Mark(BORDER, 0.7, dashed=True)),
        ),
        *(_risk(content, network), _effort(content, network)),
    ]


def _boundary(border: BaseGeometry) -> BaseGeometry:
    """Return a border as a line, whatever the region gives."""
    return border.boundary if border.geom_type.endswith("Polygon") else border


def _places(
    name: str,
    title: str,
    columns: tuple[LayerField, ...],
    places: Sequence[Crossing | Gateway | Settlement],
    style: Style,
) -> GeoTable:
    def cell(place: Crossing | Gateway | Settlement, column: str) -> object:
        if column == "standing":
            return "official" if getattr(place, "official", False) else "unofficial"
        return getattr(place, column)

    rows = [tuple(cell(place, field.name) for field in columns) for place in places]
    return table(name, title, columns, rows, [point(place.lon, place.lat) for place in places], style)


def _roads(network: Network, segments: Sequence[int]) -> list[tuple[Any, ...]]:
    arcs = network.segment_arc[np.asarray(segments, dtype=int)]
    columns = (network.name[arcs].tolist(), network.road_class[arcs].tolist(), (network.length_m[arcs] / 1000).tolist())
    return list(zip(segments, *columns, strict=True))


def _class_of(layer: RoadLayer, count: int) -> list[str]:
    """Return the class of each segment, as the legend of the report's map calls it."""
    names = [""] * count
    for part in layer.classes:
        for segment in part.segments.tolist():
            names[segment] = part.label
    return names


def _classes(layer: RoadLayer, suffix: str = "") -> list[StyleClass]:
    return [
        StyleClass(part.label + suffix, part.label + suffix, Mark(part.colour, part.width * MM, dashed=part.dashed))
        for part in reversed(layer.classes)
    ]


def _risk(content: ReportContent, network: Network) -> GeoTable:
    risk, title = content.risk, _("Risk")
    if risk is None:
        return table("risk", title, RISK_FIELDS, [], [])
    layers = {layer.id: layer for layer in road_layers(content)}
    segments = list(range(network.n_segments))
    same = (risk.interval, risk.unit)
    named = (_class_of(layers["risk"], len(segments)), _class_of(layers["sure"], len(segments)))
    estimates = (a.tolist() for a in (risk.median, risk.low, risk.high, risk.searched))
    rows = [
        (*road, median, low, high, same[0], searched, same[1], *names)
        for road, median, low, high, searched, *names in zip(_roads(network, segments), *estimates, *named, strict=True)
    ]
    style = Style(tuple(_classes(layers["risk"])), "class")
    return table("risk", f"{title}, {risk.unit}", RISK_FIELDS, rows, list(network.lines), style)


def _effort(content: ReportContent, network: Network) -> GeoTable:
    rows: list[tuple[Any, ...]] = []
    classes: list[StyleClass] = []
    layers = {layer.id: layer for layer in road_layers(content)}
    for place, effort in enumerate(content.risk.efforts if content.risk else (), start=1):
        layer, unit = layers[f"effort-{place}"], f" {effort.unit} a km"
        segments = np.flatnonzero(effort.amount > 0).tolist()
        every = _class_of(layer, network.n_segments)
        names = [every[segment] + unit for segment in segments]
        amounts = effort.amount[segments].tolist()
        rows += [
            (*road, effort.unit, amount, amount / max(road[-1], SHORTEST_KM), name)
            for road, amount, name in zip(_roads(network, segments), amounts, names, strict=True)
        ]
        classes += [one for one in _classes(layer, unit) if one.value in set(names)]
    lines = [network.lines[row[0]] for row in rows]
    style = Style(tuple(classes), "class", shown=False)
    return table("effort", _("Search effort"), EFFORT_FIELDS, rows, lines, style)
