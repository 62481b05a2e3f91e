"""What maps name: towns, those at the border first, numbers of main roads, states and countries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from optimizer.report.geography import border_parts, plane_of
from optimizer.report.place_names import NamedPlace

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent

AT_BORDER_M = 25_000.0
"""Metres from the border up to which a town is a border town."""
NUMBERED = ("motorway", "trunk", "primary")
"""Classes of road whose numbers maps show, the most important first."""
LONGEST_NUMBER = 9
"""Characters of a road number; longer texts are names."""


class NamedTowns(NamedTuple):
    """Towns that have a name, each name once: those at the border, and the others."""

    border: list[NamedPlace]
    inland: list[NamedPlace]


def named_towns(content: ReportContent) -> NamedTowns:
    """Return the towns that have a name: those that the scenario lists first, in its order, then the largest first."""
    towns = [NamedPlace(town.name, town.lon, town.lat, "town", town.population) for town in content.settlements]
    listed = [place for place in content.places if place.kind == "town"]
    named = {town.name: town for town in (*listed, *sorted(towns, key=lambda town: (-town.population, town.name)))}
    named.pop("", None)
    border, every = border_parts(content), list(named.values())
    if not border.size or not every:
        return NamedTowns([], every)
    plane = plane_of(content)
    line = shapely.transform(shapely.union_all(border), plane.project)
    points = shapely.points(plane.project(np.array([(town.lon, town.lat) for town in every])))
    near = np.atleast_1d(shapely.distance(points, line) <= AT_BORDER_M).tolist()
    return NamedTowns(
        [town for town, there in zip(every, near, strict=True) if there],
        [town for town, there in zip(every, near, strict=True) if not there],
    )


def marked_places(content: ReportContent) -> list[tuple[float, float]]:
    """Return where the map has marks that the name of a border town must not cover (degrees): sites, crossings, gateways, bases."""
    places = [(site.lon, site.lat) for site in content.sites if np.isfinite(site.lon)]
    places += [(crossing.lon, crossing.lat) for crossing in content.crossings]
    places += [(gateway.lon, gateway.lat) for gateway in content.gateways]
    return places + [(beat.lon, beat.lat) for beat in content.beats]


def named_areas(content: ReportContent) -> list[NamedPlace]:
    """Return the states and countries that have a name."""
    return [place for place in content.places if place.kind in {"state", "country"}]


def road_numbers(content: ReportContent) -> list[NamedPlace]:
    """Return the numbers of main roads with where to write each: the middle of its longest segment; important and long roads first."""
    network = content.network
    arcs = network.segment_arc
    texts = (
        network.name[arcs]
        if network.ref is None
        else np.where(network.ref[arcs] != "", network.ref[arcs], network.name[arcs])
    )
    rank = {name: place for place, name in enumerate(NUMBERED)}
    total: dict[str, float] = {}
    best: dict[str, tuple[int, float, int]] = {}
    length = network.length_m[arcs].tolist()
    for segment, (text, road_class) in enumerate(zip(texts.tolist(), network.road_class[arcs].tolist(), strict=True)):
        number = text.split(";")[0].split("/")[0].strip()
        if (
            road_class not in rank
            or not 0 < len(number) <= LONGEST_NUMBER
            or not any(mark.isdigit() for mark in number)
        ):
            continue
        total[number] = total.get(number, 0.0) + length[segment]
        found = (rank[road_class], -length[segment], segment)
        best[number] = min(best.get(number, found), found)
    order = sorted(best, key=lambda number: (best[number][0], -total[number], number))
    middle = network.segment_midpoint.tolist()
    return [NamedPlace(number, middle[best[number][2]][0], middle[best[number][2]][1], "road") for number in order]
