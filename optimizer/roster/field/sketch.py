"""A small map of a duty as SVG: its places and track, the base, the roads and what lies near, a scale and where north is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from optimizer.base.formatting import plain
from optimizer.base.language import gettext as _
from optimizer.base.language import localised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.roster.field.tracks import Waypoint
    from optimizer.scenario.duties_file import DutyRoad

WIDTH, HEIGHT, EDGE = 360.0, 260.0, 28.0
KM_PER_DEGREE = 111.195
ROADS_NUMBERED, APART = 8, 34.0
"""Numbers of roads on a map, and how far in pixels one keeps from what stands there."""
LEAST_KM = 3.0
"""A map is at least so wide."""


class _Spot(NamedTuple):
    """A point of the picture, in pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """From degrees to the picture: the middle of the map, and pixels a kilometre."""

    lon: float
    lat: float
    scale: float

    def at(self, lon: float, lat: float) -> _Spot:
        east = (lon - self.lon) * KM_PER_DEGREE * math.cos(math.radians(self.lat))
        return _Spot(WIDTH / 2 + east * self.scale, HEIGHT / 2 - (lat - self.lat) * KM_PER_DEGREE * self.scale)


def sketch(
    places: Sequence[Waypoint],
    bases: Sequence[Waypoint],
    track: Sequence[tuple[float, float]],
    others: Sequence[Waypoint],
    roads: Sequence[DutyRoad] = (),
) -> str:
    """Return the map; `others` and `roads` are drawn where they lie within it."""
    frame = _frame([(p.lon, p.lat) for p in (*places, *bases)] + list(track))
    size = {"width": f"{WIDTH:g}", "height": f"{HEIGHT:g}", "viewBox": f"0 0 {WIDTH:g} {HEIGHT:g}"}
    root = ET.Element("svg", size | {"role": "img", "aria-label": _("Map of the places below, north up")})
    ET.SubElement(root, "rect", x="0", y="0", width="100%", height="100%", fill="#fff", stroke="#8c8c8c")
    _add_roads(root, frame, roads, [frame.at(p.lon, p.lat) for p in (*places, *bases)])
    for other in others:
        x, y = frame.at(other.lon, other.lat)
        if EDGE / 2 < x < WIDTH - EDGE / 2 and EDGE / 2 < y < HEIGHT - EDGE / 2:
            _text(root, x, y - 5, other.mark, "#6b6b6b", 9)
            ET.SubElement(root, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", fill="#6b6b6b")
    if len(track) > 1:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (frame.at(*point) for point in track))
        ET.SubElement(root, "polyline", {"points": points, "fill": "none", "stroke": "#7a00b8", "stroke-width": "3"})
    for base in bases:
        x, y = frame.at(base.lon, base.lat)
        ET.SubElement(
            root, "rect", x=f"{x - 5:.1f}", y=f"{y - 5:.1f}", width="10", height="10", fill="#ffd92f", stroke="#000"
        )
        _text(root, min(max(x, 60), WIDTH - 60), y + 17, plain(base.name, 24), "#1a1a1a", 10)
    for place in places:
        x, y = frame.at(place.lon, place.lat)
        ET.SubElement(root, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="7", fill="#006b4f", stroke="#fff")
        _text(root, x, y - 10, place.mark or "x", "#1a1a1a", 13)
    _add_scale(root, frame.scale)
    return ET.tostring(root, encoding="unicode")


def _frame(points: Sequence[tuple[float, float]]) -> _Frame:
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    lon, lat = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
    wide = (max(lons) - min(lons)) * KM_PER_DEGREE * math.cos(math.radians(lat))
    high = (max(lats) - min(lats)) * KM_PER_DEGREE
    scale = min((WIDTH - 2 * EDGE) / max(wide, LEAST_KM), (HEIGHT - 2 * EDGE) / max(high, LEAST_KM / 2))
    return _Frame(lon, lat, scale)


def _add_roads(root: ET.Element, frame: _Frame, roads: Sequence[DutyRoad], taken: Sequence[_Spot]) -> None:
    """Draw the roads that the map shows, minor ones first, and the numbers of main ones once each where nothing stands."""
    written, names = list(taken), set[str]()
    for road in sorted(roads, key=lambda road: road.main):
        spots = [frame.at(*point) for point in road.points]
        xs, ys = [spot.x for spot in spots], [spot.y for spot in spots]
        if min(xs) > WIDTH or max(xs) < 0 or min(ys) > HEIGHT or max(ys) < 0:
            continue
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in spots)
        look = (
            {"stroke": "#767676", "stroke-width": "1.8"} if road.main else {"stroke": "#8f8f8f", "stroke-width": "0.8"}
        )
        ET.SubElement(root, "polyline", {"points": line, "fill": "none", **look})
        middle = len(spots) // 2
        if not road.main or not road.number or road.number in names or len(names) >= ROADS_NUMBERED or middle < 1:
            continue
        x, y = (spots[middle - 1].x + spots[middle].x) / 2, (spots[middle - 1].y + spots[middle].y) / 2
        inside = EDGE < x < WIDTH - EDGE and EDGE < y < HEIGHT - EDGE
        if inside and all(math.hypot(x - spot.x, y - spot.y) > APART for spot in written):
            _text(root, x, y + 3, plain(road.number, 12), "#1f3d7a", 9)
            written.append(_Spot(x, y))
            names.add(road.number)


def _add_scale(root: ET.Element, scale: float) -> None:
    """Draw a bar of a round number of kilometres, and an arrow to the north."""
    longest = 100 / scale
    power = 10 ** math.floor(math.log10(longest))
    km = max(k * power for k in (1, 2, 5) if k * power <= longest)
    ET.SubElement(root, "rect", x="10", y=f"{HEIGHT - 12:g}", width=f"{km * scale:.1f}", height="3", fill="#1a1a1a")
    _text(root, 10 + km * scale / 2, HEIGHT - 16, localised(f"{km:g} km"), "#1a1a1a", 10)
    ET.SubElement(root, "path", d=f"M{WIDTH - 15:g} 8 l5 14 l-5 -4 l-5 4 z", fill="#1a1a1a")
    _text(root, WIDTH - 15, 33, _("N"), "#1a1a1a", 10)


def _text(root: ET.Element, x: float, y: float, text: str, colour: str, size: int) -> None:
    words = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": "middle", "font-size": str(size), "fill": colour}
    words |= {"stroke": "#fff", "stroke-width": "3", "paint-order": "stroke"}  # legible over roads
    ET.SubElement(root, "text", words).text = text
