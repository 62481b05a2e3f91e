"""Layers and tables of a plan for a geographic information system, each a `GeoTable`.

What the plan places and the routes that evaders take; the ground (risk and effort of
each road, crossings, gateways, towns, the border); and what lies nowhere: what the plan
is compared with, what it uses, who still gets through, what was left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import ArrayLike

from optimizer.base.text.formatting import letter
from optimizer.base.text.language import gettext as _
from optimizer.problem.files.plan_file import PlanBeat, PlanFile, PlanSite
from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.report.content.placements import SiteRow
from optimizer.report.content.report_content import SECTIONS, ReportContent
from optimizer.report.content.report_table import LayerField
from optimizer.report.geodata.files import GeoTable, table
from optimizer.report.geodata.qgis_project import Mark, Style, StyleClass, marker, one_style
from optimizer.report.maps.map_layers import SHORTEST_KM, RoadLayer, road_layers
from optimizer.report.palette import (
    AFTER,
    BEATS,
    BEFORE,
    BORDER,
    GATEWAY,
    OFFICIAL,
    POST,
    SETTLEMENT,
    SITES,
    TODAY,
    UNOFFICIAL,
)

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network.network import Network

NUMBER = LayerField(
    "number", "whole", "number on the report's maps; empty where nothing is ordered there"
)

LETTER = LayerField("letter", "text", "letter of the beat on the report's maps")

WORTH = LayerField(
    "worth", "number", "marginal value: what the plan loses without it, or gains with it"
)

SITE_FIELDS = (
    NUMBER,
    LayerField("id", "text", "id of the option, as in plan.json"),
    LayerField("label", "text", "what people call the site"),
    LayerField("kind", "text", "checkpoint, sensor, patrol, drone, or a word of the scenario"),
    LayerField("type", "text", "id of the entry of [[kinds]] that defines it"),
    LayerField("agency", "text", "its owner; empty where all share it"),
    LayerField(
        "standing", "text", "new, changed (another kind than today), kept, given up, or not chosen"
    ),
    LayerField("existing", "yes or no", "stands today"),
    LayerField("forced", "yes or no", "part of every plan"),
    LayerField("forbidden", "yes or no", "part of no plan"),
    LayerField("road", "text", "name or number of the road"),
    LayerField("road_class", "text", "class of the road"),
    LayerField(
        "traffic", "number", "vehicles a day past it; empty where not known or of no matter"
    ),
    LayerField("traffic_source", "text", "who gives the traffic: site, count, class, or nobody"),
    LayerField("inspected", "number", "share of the vehicles that it inspects"),
    LayerField("survival", "number", "chance to pass it undetected"),
    WORTH,
    LayerField(
        "rests_on",
        "text",
        "record, gravity (assumed flows), or empty where not told, as in plan.json",
    ),
)

BEAT_FIELDS = (
    LETTER,
    LayerField("id", "text", "id of the placement, as in plan.json"),
    LayerField("team", "text", "what people call the team type"),
    LayerField("agency", "text", "its owner; empty where all share it"),
    LayerField("base", "text", "where it sets out"),
    LayerField("sets_out_minute", "number", "minutes from the start of the shift to setting out"),
    LayerField("back_minute", "number", "minutes from the start of the shift to being back"),
    LayerField("dwell_minute", "number", "minutes at posts"),
    LayerField("length_km", "number", "kilometres driven"),
    WORTH,
)

STOP_FIELDS = (
    LayerField(
        "mark", "text", "letter of the beat and place in its order, as on the report's maps"
    ),
    LayerField("beat", "text", "id of the beat"),
    LETTER,
    LayerField("place", "whole", "place in the order of the beat, from 1"),
    LayerField("label", "text", "what people call the post"),
    LayerField("arrive_minute", "number", "minutes from the start of the shift"),
    LayerField("leave_minute", "number", "minutes from the start of the shift"),
)

WATCHED_FIELDS = (
    NUMBER,
    LayerField("site", "text", "id of the option that watches it"),
    LayerField("segment", "whole", "segment of the road network"),
    LayerField("name", "text", "name of the road"),
    LayerField("road_class", "text", "class of the road"),
)

ROUTE_FIELDS = (
    LayerField("evader", "text", "id of the evader"),
    LayerField(
        "layout",
        "text",
        "before: nothing placed; today: with what stands today; after: with the plan",
    ),
    LayerField("start", "text", "where the evader enters"),
    LayerField("end", "text", "where the evader goes"),
    LayerField("weight", "number", "share, or number, of loads"),
    LayerField("through", "number", "chance to get through"),
    LayerField("length_km", "number", "kilometres of the route"),
)


def placement_layers(content: ReportContent) -> list[GeoTable]:
    """Return stops, sites, beats, watched roads and routes: what is drawn on top comes first."""
    return [_stops(content), _sites(content), _beats(content), _watched(content), _routes(content)]


def line_of(network: Network, arcs: ArrayLike) -> shapely.LineString | None:
    """Return the line along the roads that arcs follow, in order of travel; None where
    it has no length.
    """
    points = network.polylines.take(np.asarray(arcs, dtype=np.int64)).shape()
    apart = np.ones(len(points), dtype=bool)
    apart[1:] = (np.diff(points, axis=0) != 0).any(axis=1)
    return shapely.LineString(points[apart]) if apart.sum() > 1 else None


def point(lon: float | None, lat: float | None) -> BaseGeometry | None:
    """Return a point; None where it has no place."""
    return (
        None
        if lon is None or lat is None or not np.isfinite([lon, lat]).all()
        else shapely.Point(lon, lat)
    )


def _length_km(network: Network, arcs: ArrayLike) -> float:
    return float(network.length_m[np.asarray(arcs, dtype=int)].sum()) / 1000


def _sites(content: ReportContent) -> GeoTable:
    numbers = content.numbers
    every = sorted(content.sites, key=lambda site: (numbers.get(site.id, np.inf), site.id))

    def row(site: SiteRow) -> tuple[object, ...]:
        own = {"number": numbers.get(site.id), "standing": site.standing}
        return tuple(
            own[field.name] if field.name in own else getattr(site.entry, field.name)
            for field in SITE_FIELDS
        )

    drawn = [
        StyleClass(name, symbol.text, marker(symbol), name != "not chosen")
        for name, symbol in SITES.items()
    ]
    style = Style(tuple(reversed(drawn)), "standing", "number", every=True)
    places = [point(site.lon, site.lat) for site in every]
    return table("sites", _("Sites"), SITE_FIELDS, map(row, every), places, style)


def _watched(content: ReportContent) -> GeoTable:
    network = content.network
    pairs = [
        (k, row.id, segment)
        for k, row in enumerate(content.chosen, start=1)
        for segment in row.entry.segments
    ]
    arcs = [int(network.segment_arc[segment]) for _, _, segment in pairs]
    names = [(str(network.name[arc]), str(network.road_class[arc])) for arc in arcs]
    rows = [(*pair, *name) for pair, name in zip(pairs, names, strict=True)]
    lines = [network.lines[segment] for _, _, segment in pairs]
    style = one_style(Mark(SITES["new"].fill, 0.9), printed=False)
    return table("watched", _("Roads that sites watch"), WATCHED_FIELDS, rows, lines, style)


def _beats(content: ReportContent) -> GeoTable:
    network, rows = content.network, []
    for k, beat in enumerate(content.driven):
        times = (beat.sets_out_s / 60, beat.back_s / 60, beat.dwell_s / 60)
        length = _length_km(network, beat.arcs)
        rows.append(
            (
                letter(k),
                beat.id,
                beat.team,
                beat.agency,
                beat.home.label,
                *times,
                length,
                beat.entry.worth,
            )
        )
    letters = [letter(k) for k in range(len(rows))]
    marks = [Mark(BEATS[k % len(BEATS)], 1.0) for k in range(len(rows))]
    classes = tuple(
        StyleClass(a, _("Beat {letter}").format(letter=a), mark)
        for a, mark in zip(letters, marks, strict=True)
    )
    lines = [line_of(network, beat.arcs) for beat in content.driven]
    return table("beats", _("Beats"), BEAT_FIELDS, rows, lines, Style(classes, "letter"))


def _stops(content: ReportContent) -> GeoTable:
    def rows() -> Iterator[tuple[object, ...]]:
        for k, beat in enumerate(content.driven):
            for place, stop in enumerate(beat.stops, start=1):
                times = (stop.arrive_s / 60, stop.leave_s / 60)
                yield (f"{letter(k)}{place}", beat.id, letter(k), place, stop.label, *times)

    places = [point(stop.lon, stop.lat) for beat in content.driven for stop in beat.stops]
    return table(
        "stops",
        _("Posts of the beats"),
        STOP_FIELDS,
        rows(),
        places,
        one_style(marker(POST), "mark", every=True),
    )


def _routes(content: ReportContent) -> GeoTable:
    rows, lines = [], []
    for route in content.routes:
        for layout, arcs, through in (
            ("before", route.arcs_before, route.before),
            ("today", route.arcs_today, route.today),
            ("after", route.arcs_after, route.after),
        ):
            line = line_of(content.network, arcs)
            if line is not None:
                length = _length_km(content.network, arcs)
                rows.append(
                    (route.evader, layout, route.start, route.end, route.weight, through, length)
                )
                lines.append(line)
    after = StyleClass("after", _("Route with the plan"), Mark(AFTER, 0.5))
    today = StyleClass("today", _("Route with today's layout"), Mark(TODAY, 0.8), shown=False)
    before = StyleClass("before", _("Route with nothing placed"), Mark(BEFORE, 1.1))
    return table(
        "routes", _("Routes"), ROUTE_FIELDS, rows, lines, Style((after, today, before), "layout")
    )


MM = 0.2
"""Millimetres of a line's width for each pixel on the screen."""

UNDER = 0.55
"""Opacity of roads coloured by risk or effort: the plan stands out over them."""

ROAD_FIELDS = (
    LayerField("segment", "whole", "segment of the road network"),
    LayerField("name", "text", "name of the road"),
    LayerField("road_class", "text", "class of the road"),
    LayerField("length_km", "number", "kilometres of the segment"),
)

RISK_FIELDS = (
    *ROAD_FIELDS,
    LayerField("median", "number", "risk: its median, within its interval, in `unit`"),
    LayerField("low", "number", "lower end of the interval"),
    LayerField("high", "number", "upper end of the interval"),
    LayerField("interval", "number", "probability that the interval holds"),
    LayerField(
        "searched",
        "yes or no",
        "whether anybody ever searched there; where not, the risk is a guess",
    ),
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
    LayerField(
        "population_assumed", "yes or no", "whether that is a default for the class of place"
    ),
    LayerField("domestic", "yes or no", "whether it lies on the defended side"),
)


def ground_layers(content: ReportContent) -> list[GeoTable]:
    """Return towns, gateways, crossings, border, risk and effort: what is drawn on top
    comes first.
    """
    network, border = content.network, content.border
    official = StyleClass("official", OFFICIAL.text, marker(OFFICIAL))
    unofficial = StyleClass("unofficial", UNOFFICIAL.text, marker(UNOFFICIAL))
    return [
        _places(
            "towns",
            _("Towns"),
            TOWN_FIELDS,
            content.settlements,
            one_style(marker(SETTLEMENT), "label"),
        ),
        _places(
            "crossings",
            _("Crossings"),
            CROSSING_FIELDS,
            content.crossings,
            Style((official, unofficial), "standing"),
        ),
        _places(
            "gateways",
            _("Where evaders enter"),
            GATEWAY_FIELDS,
            content.gateways,
            one_style(marker(GATEWAY), printed=False),
        ),
        table(
            "border",
            _("Border"),
            (LayerField("name", "text", "of the scenario"),),
            [] if border is None else [(content.title,)],
            (
                []
                if border is None
                else [border.boundary if border.geom_type.endswith("Polygon") else border]
            ),
            one_style(Mark(BORDER, 0.7, dashed=True)),
        ),
        *(_risk(content, network), _effort(content, network)),
    ]


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
    return table(
        name, title, columns, rows, [point(place.lon, place.lat) for place in places], style
    )


def _roads(network: Network, segments: Sequence[int]) -> list[tuple[Any, ...]]:
    arcs = network.segment_arc[np.asarray(segments, dtype=int)]
    columns = (
        network.name[arcs].tolist(),
        network.road_class[arcs].tolist(),
        (network.length_m[arcs] / 1000).tolist(),
    )
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
        StyleClass(
            part.label + suffix,
            part.label + suffix,
            Mark(part.colour, part.width * MM, dashed=part.dashed, opacity=UNDER),
        )
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
        for road, median, low, high, searched, *names in zip(
            _roads(network, segments), *estimates, *named, strict=True
        )
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


USES = (
    LayerField("placement", "text", "id of the site's option or of the beat"),
    LayerField("chosen", "yes or no", "whether it is in the plan"),
    LayerField("resource", "text", "id of the resource"),
    LayerField("amount", "number", "what it takes of it"),
)


def comparison_tables(content: ReportContent, plan: PlanFile) -> list[GeoTable]:
    """Return the tables, those without rows among them."""
    tables = [
        table(
            data.name,
            _(data.title),
            data.fields,
            [_cells(row, data.fields) for row in data.rows(content)],
        )
        for section in SECTIONS
        for data in section.data
    ]
    placements: list[tuple[PlanSite | PlanBeat, bool]] = [(site, True) for site in plan.sites]
    placements += [(beat, True) for beat in plan.beats]
    placements += [(p, False) for p in plan.candidates]
    uses = [
        (placement.id, chosen, resource, amount)
        for placement, chosen in placements
        for resource, amount in placement.uses.items()
    ]
    return [*tables, table("uses", _("What each placement uses"), USES, uses)]


def _cells(row: object, fields: tuple[LayerField, ...]) -> tuple[object, ...]:
    cells = (getattr(row, field.name) for field in fields)
    return tuple(
        json.dumps(dict(cell), ensure_ascii=False) if isinstance(cell, dict) else cell
        for cell in cells
    )
