"""Where the marks of a plan crowd on its map: the places that insets and buttons of the interactive map show larger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optimizer.base.formatting import plain
from optimizer.report.bounds import Bounds
from optimizer.report.map_labels import named_towns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.report.content import ReportContent

MOST = 3
"""Places that are shown larger."""
LEAST_MARKS = 4
"""Crowded marks that make a place."""
NEAR = 1 / 45
"""Marks nearer to one another than this share of the map lie on one another, as on a sheet they are about so wide."""
WINDOW = 1 / 6
"""Width of a place, as a share of the map."""
SHAPE = 0.8
"""Its height over its width, on the ground."""


class Crowd(NamedTuple):
    """A place where marks crowd: the town there that people know it by (empty where there is none), and its box in degrees."""

    name: str
    bounds: Bounds


def crowds(content: ReportContent, bounds: Bounds) -> tuple[Crowd, ...]:
    """Return up to three boxes that hold most of the crowded marks, from west to east; none share a mark.

    Marks are places of sites of the plan, of sites that close, of posts of beats, and of official crossings. `bounds` (degrees) are those of
    the map.
    """
    places = [(site.lon, site.lat) for site in content.sites if site.chosen or site.standing == "given up"]
    places += [(stop.lon, stop.lat) for beat in content.beats for stop in beat.stops]
    places += [(crossing.lon, crossing.lat) for crossing in content.crossings if crossing.official]
    lonlat = np.unique(np.array(places, dtype=np.float64).reshape(-1, 2).round(4), axis=0)
    lonlat = lonlat[np.isfinite(lonlat).all(axis=1)]
    ground = np.array([np.cos(np.radians(bounds.middle_latitude)), 1.0])
    width = max(bounds.width * ground[0], bounds.height)
    marks = lonlat * ground
    half = WINDOW * width * np.array([1.0, SHAPE]) / 2
    found: list[Crowd] = []
    left = np.ones(len(marks), dtype=bool)
    crowded = _crowded(marks, NEAR * width)
    while len(found) < MOST and (left & crowded).any():
        inside = (np.abs(marks[:, None] - marks[None]) <= half).all(axis=2) & left  # (k, k): a box around each mark
        full = (inside & crowded).sum(axis=1) * left
        best = int(np.argmax(full))
        if full[best] < LEAST_MARKS:
            break
        own = marks[inside[best]]
        middle = (own.min(axis=0) + own.max(axis=0)) / 2
        low, high = (middle - half) / ground, (middle + half) / ground
        box = Bounds(*np.concatenate((low, high)).tolist())
        found.append(Crowd(_name(content, box, own.mean(axis=0) / ground), box))
        left &= ~(np.abs(marks - middle) <= half).all(axis=1)
    return tuple(sorted(found, key=lambda crowd: crowd.bounds.west))


def _crowded(marks: NDArray[np.float64], near: float) -> NDArray[np.bool_]:
    """(k,) whether another mark is near each of (k, 2) marks."""
    apart = np.hypot(*(marks[:, None] - marks[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    return np.asarray((apart < near).any(axis=1), dtype=bool)


def _name(content: ReportContent, box: Bounds, middle: NDArray[np.float64]) -> str:
    """Return the town in a box that is near the middle of its marks, the first that maps name; one at the border where there is one."""
    towns = named_towns(content)
    for group in (towns.border, towns.inland):
        inside = [town for town in group if box.holds(np.array([town.lon, town.lat] * 2))]
        if inside:
            apart = np.array([np.hypot(town.lon - middle[0], town.lat - middle[1]) for town in inside])
            return plain(inside[int(np.argmax(apart <= apart.min() + box.width / 6))].name, 24)
    return ""
