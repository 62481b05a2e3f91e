"""Layers of what a plan places, and of the routes that evaders take without and with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from optimizer.base.formatting import letter
from optimizer.base.language import gettext as _
from optimizer.report.geodata.styles import Mark, Style, StyleClass, marker, one_style
from optimizer.report.geodata.tables import LayerField, table
from optimizer.report.palette import AFTER, BEATS, BEFORE, POST, SITES, TODAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network import Network
    from optimizer.problem.plan_file import PlanFile, PlanSite
    from optimizer.report.content import ReportContent
    from optimizer.report.geodata.tables import GeoTable

NUMBER = LayerField("number", "whole", "number on the report's maps; empty where the site is not in the plan")
LETTER = LayerField("letter", "text", "letter of the beat on the report's maps")
WORTH = LayerField("worth", "number", "marginal value: what the plan loses without it, or gains with it")
SITE_FIELDS = (
    NUMBER,
    LayerField("id", "text", "id of the option, as in plan.json"),
    LayerField("label", "text", "what people call the site"),
    LayerField("kind", "text", "checkpoint, sensor, patrol, drone, or a word of the scenario"),
    LayerField("type", "text", "id of the entry of [[kinds]] that defines it"),
    LayerField("agency", "text", "its owner; empty where all share it"),
    LayerField("standing", "text", "new, changed (another kind than today), kept, given up, or not chosen"),
    LayerField("existing", "yes or no", "stands today"),
    LayerField("forced", "yes or no", "part of every plan"),
    LayerField("forbidden", "yes or no", "part of no plan"),
    LayerField("road", "text", "name or number of the road"),
    LayerField("road_class", "text", "class of the road"),
    LayerField("traffic", "number", "vehicles a day past it; empty where not known or of no matter"),
    LayerField("traffic_source", "text", "who gives the traffic: site, class, or nobody"),
    LayerField("inspected", "number", "share of the vehicles that it inspects"),
    LayerField("survival", "number", "chance to pass it undetected"),
    WORTH,
)
BEAT_FIELDS = (
    LETTER,
    LayerField("id", "text", "id of the placement, as in plan.json"),
    LayerField("team", "text", "what people call the team type"),
    LayerField("agency", "text", "its owner; empty where all share it"),
    LayerField("base", "text", "where it sets out"),
    LayerField("back_minute", "number", "minutes from the start of the shift to being back"),
    LayerField("dwell_minute", "number", "minutes at posts"),
    LayerField("length_km", "number", "kilometres driven"),
    WORTH,
)
STOP_FIELDS = (
    LayerField("mark", "text", "letter of the beat and place in its order, as on the report's maps"),
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
    LayerField("layout", "text", "before: nothing placed; today: with what stands today; after: with the plan"),
    LayerField("start", "text", "where the evader enters"),
    LayerField("end", "text", "where the evader goes"),
    LayerField("weight", "number", "share, or number, of loads"),
    LayerField("through", "number", "chance to get through"),
    LayerField("length_km", "number", "kilometres of the route"),
)


def placement_layers(content: ReportContent, plan: PlanFile) -> list[GeoTable]:
    """Return stops, sites, beats, watched roads and routes: what is drawn on top comes first."""
    return [_stops(content), _sites(content, plan), _beats(content), _watched(content), _routes(content)]


def line_of(network: Network, arcs: ArrayLike) -> shapely.LineString | None:
    """Return the line along the roads that arcs follow, in order of travel; None where it has no length."""
    points = network.polylines.take(np.asarray(arcs, dtype=np.int64)).shape()
    apart = np.ones(len(points), dtype=bool)
    apart[1:] = (np.diff(points, axis=0) != 0).any(axis=1)
    return shapely.LineString(points[apart]) if apart.sum() > 1 else None


def point(lon: float | None, lat: float | None) -> BaseGeometry | None:
    """Return a point; None where it has no place."""
    return None if lon is None or lat is None or not np.isfinite([lon, lat]).all() else shapely.Point(lon, lat)


def _length_km(network: Network, arcs: ArrayLike) -> float:
    return float(network.length_m[np.asarray(arcs, dtype=int)].sum()) / 1000


def _sites(content: ReportContent, plan: PlanFile) -> GeoTable:
    standing = {row.id: row.standing for row in content.sites}
    numbers = {row.id: k for k, row in enumerate(content.chosen, start=1)}
    every = sorted((*plan.sites, *plan.candidates), key=lambda site: (numbers.get(site.id, np.inf), site.id))

    def row(site: PlanSite) -> tuple[object, ...]:
        own = {"number": numbers.get(site.id), "standing": standing[site.id]}
        return tuple(own[field.name] if field.name in own else getattr(site, field.name) for field in SITE_FIELDS)

    drawn = [StyleClass(name, symbol.text, marker(symbol)) for name, symbol in SITES.items()]
    style = Style(tuple(reversed(drawn)), "standing", "number")
    places = [point(site.lon, site.lat) for site in every]
    return table("sites", _("Sites"), SITE_FIELDS, map(row, every), places, style)


def _watched(content: ReportContent) -> GeoTable:
    network = content.network
    pairs = [(k, row.id, segment) for k, row in enumerate(content.chosen, start=1) for segment in row.segments]
    arcs = [int(network.segment_arc[segment]) for _, _, segment in pairs]
    names = [(str(network.name[arc]), str(network.road_class[arc])) for arc in arcs]
    rows = [(*pair, *name) for pair, name in zip(pairs, names, strict=True)]
    lines = [network.lines[segment] for _, _, segment in pairs]
    style = one_style(Mark(SITES["new"].fill, 1.4))
    return table("watched", _("Roads that sites watch"), WATCHED_FIELDS, rows, lines, style)


def _beats(content: ReportContent) -> GeoTable:
    network, rows = content.network, []
    for k, beat in enumerate(content.driven):
        times = (beat.back_s / 60, beat.dwell_s / 60)
        length = _length_km(network, beat.arcs)
        rows.append((letter(k), beat.id, beat.team, beat.agency, beat.base, *times, length, beat.marginal_value))
    letters = [letter(k) for k in range(len(rows))]
    marks = [Mark(BEATS[k % len(BEATS)], 1.0) for k in range(len(rows))]
    classes = tuple(
        StyleClass(a, _("Beat {letter}").format(letter=a), mark) for a, mark in zip(letters, marks, strict=True)
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
    return table("stops", _("Posts of the beats"), STOP_FIELDS, rows(), places, one_style(marker(POST), "mark"))


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
                rows.append((route.evader, layout, route.start, route.end, route.weight, through, length))
                lines.append(line)
    after = StyleClass("after", _("Route with the plan"), Mark(AFTER, 0.8))
    today = StyleClass("today", _("Route with today's layout"), Mark(TODAY, 1.3))
    before = StyleClass("before", _("Route with nothing placed"), Mark(BEFORE, 1.8))
    return table("routes", _("Routes"), ROUTE_FIELDS, rows, lines, Style((after, today, before), "layout"))
