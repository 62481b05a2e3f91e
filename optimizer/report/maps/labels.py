"""What maps name (towns, those at the border first, road numbers, states), and where
names and numbers lie without overlap.

Boxes are (west, south, east, north) in any unit of length that is the same both ways,
say pixels or points.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.problem.network.places import NamedPlace
from optimizer.problem.network.road_classes import HIGHWAY_CLASSES
from optimizer.report.maps.geography import Bounds, border_parts, plane_of

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent

AT_BORDER_M = 25_000.0
"""Metres from the border up to which a town is a border town."""

LONGEST_NUMBER = 9
"""Characters of a road number; longer texts are names."""


class NamedTowns(NamedTuple):
    """Towns that have a name, each name once: those at the border, and the others."""

    border: list[NamedPlace]
    inland: list[NamedPlace]


def named_towns(content: ReportContent) -> NamedTowns:
    """Return the towns that have a name: those that the scenario lists first, in its
    order, then the largest first.
    """
    towns = [
        NamedPlace(town.name, town.lon, town.lat, "town", town.population)
        for town in content.settlements
    ]
    listed = [place for place in content.places if place.kind == "town"]
    named = {
        town.name: town
        for town in (*listed, *sorted(towns, key=lambda town: (-town.population, town.name)))
    }
    named.pop("", None)
    border, every = border_parts(content.border), list(named.values())
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
    """Return where the map has marks that the name of a border town must not cover
    (degrees): sites, crossings, gateways, bases.
    """
    places = [(site.lon, site.lat) for site in content.sites if np.isfinite(site.lon)]
    places += [(crossing.lon, crossing.lat) for crossing in content.crossings]
    places += [(gateway.lon, gateway.lat) for gateway in content.gateways]
    return places + [(beat.home.lon, beat.home.lat) for beat in content.beats]


def named_areas(content: ReportContent) -> list[NamedPlace]:
    """Return the states and countries that have a name."""
    return [place for place in content.places if place.kind in {"state", "country"}]


def road_numbers(
    content: ReportContent, drawn: NDArray[np.int64] | None = None
) -> list[NamedPlace]:
    """Return the numbers of main roads with where to write each: the middle of its
    longest segment; important and long roads first.

    `drawn` are the segments that the map shows; None for all.
    """
    network = content.network
    arcs = network.segment_arc
    texts = (
        network.name[arcs]
        if network.ref is None
        else np.where(network.ref[arcs] != "", network.ref[arcs], network.name[arcs])
    )
    rank = {row.name: row.rank for row in HIGHWAY_CLASSES if row.numbered and row.rank is not None}
    total: dict[str, float] = {}
    best: dict[str, tuple[int, float, int]] = {}
    length = network.length_m[arcs].tolist()
    shown = range(network.n_segments) if drawn is None else drawn.tolist()
    classes = network.road_class[arcs].tolist()
    for segment in shown:
        text, road_class = str(texts[segment]), classes[segment]
        number = text.partition(";")[0].partition("/")[0].strip()
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
    return [
        NamedPlace(number, middle[best[number][2]][0], middle[best[number][2]][1], "road")
        for number in order
    ]


# Placing of names and numbers on a map so that they do not lie on one another.
#
# Boxes are (west, south, east, north) in any unit of length that is the same both ways,
# say pixels or points.


@dataclass(slots=True)
class OccupiedBoxes:
    """Boxes in which something stands already."""

    #: (k, 4) boxes.
    boxes: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))
    #: Box that everything must stay in; None for no bound.
    frame: Bounds | None = None

    def add(self, boxes: NDArray[np.float64]) -> None:
        """Add (k, 4) boxes."""
        self.boxes = np.vstack((self.boxes, boxes))

    def overlap(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (m,) the area that each of (m, 4) boxes shares with the occupied ones,
        each counted by itself; infinite outside the frame.
        """
        west, south, east, north = self.boxes.T
        across = np.minimum(east, boxes[:, 2:3]) - np.maximum(west, boxes[:, 0:1])
        down = np.minimum(north, boxes[:, 3:4]) - np.maximum(south, boxes[:, 1:2])
        shared = (np.maximum(across, 0.0) * np.maximum(down, 0.0)).sum(axis=1)
        if self.frame is not None:
            shared[[not self.frame.holds(box) for box in boxes]] = np.inf
        return np.asarray(shared)


def boxes_around(
    points: NDArray[np.float64], size: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (k, 4) boxes around (k, 2) points: squares of a size, or of a width and a height."""
    return np.hstack((points - size / 2, points + size / 2))


def place_names(
    points: NDArray[np.float64],
    widths: Iterable[float],
    height: float,
    gap: float,
    occupied: OccupiedBoxes,
    most: int,
) -> list[tuple[float, float] | None]:
    """Place names beside points, in the order given; those for which no side is free
    are left out.

    Parameters
    ----------
    points
        (k, 2) where they belong.
    widths, height
        Size of each.
    gap
        Distance from the point; with 0 the point itself is tried first.
    occupied
        Boxes that are occupied; what is placed is added to them.
    most
        How many to place.

    Returns
    -------
    list
        For each name the offset of the middle of its box from its point; None where no
        side is free.
    """
    # Greedy, the most important name first: a name once placed never moves, so a later
    # one gives way to it.
    offsets: list[tuple[float, float] | None] = []
    for point, width in zip(points, widths, strict=True):
        if most <= 0:
            offsets.append(None)
            continue
        sides = _sides(width, height, gap)
        boxes = boxes_around(point + np.array(sides), np.array((width, height)))
        free = np.flatnonzero(occupied.overlap(boxes) == 0)
        if free.size:
            occupied.add(boxes[free[:1]])
            most -= 1
        offsets.append(sides[free[0]] if free.size else None)
    return offsets


def _sides(width: float, height: float, gap: float) -> list[tuple[float, float]]:
    """Return the middles of the boxes that are tried, nearest first: on the point
    without a gap, else beside it at up to four gaps.
    """
    sides = [] if gap else [(0.0, 0.0)]
    for far in (1, 2, 4):
        x, y = far * gap + width / 2, far * gap + height / 2
        sides += [(x, y), (x, 0.0), (x, -y), (-x, y), (-x, 0.0), (-x, -y), (0.0, y), (0.0, -y)]
    return sides


def place_badges(
    points: NDArray[np.float64],
    size: float,
    occupied: OccupiedBoxes,
    *,
    reach: float = 4.0,
    every: bool = True,
) -> NDArray[np.float64]:
    """Place numbered badges on their points, or beside them where another badge is.

    Parameters
    ----------
    points
        (k, 2) where they belong.
    size
        Width and height of a badge.
    occupied
        Boxes that are occupied; what is placed is added to them.
    reach
        How far from its point a badge may stand, in sizes.
    every
        Whether a badge is placed too where no spot is free.

    Returns
    -------
    ndarray
        (k, 2) offsets; among the spots tried the nearest that is free, or else the one
        that covers least, or not a number.
    """
    spots = _spots(size, reach)
    offsets = np.zeros_like(points)
    for place, point in enumerate(points):
        covered = occupied.overlap(boxes_around(point + spots, size))
        best = int(np.argmin(covered))  # the first of the least: spots are sorted by distance
        if covered[best] > 0 and not every:
            offsets[place] = np.nan
            continue
        offsets[place] = spots[best]
        occupied.add(boxes_around(point[None] + spots[best], size))
    return offsets


class Group(NamedTuple):
    """Badges that stand close, of which one mark says how many there are: their `rows`,
    and the (2,) place of the mark.
    """

    rows: tuple[int, ...]
    place: NDArray[np.float64]


def group_badges(
    points: NDArray[np.float64], size: float, occupied: OccupiedBoxes, *, reach: float, wide: float
) -> tuple[NDArray[np.float64], list[Group]]:
    """Place badges on their points or near them; those for which there is no room are
    grouped with the nearest.

    Parameters
    ----------
    points
        (k, 2) where they belong.
    size, wide
        Width and height of a badge, and width of the mark of a group.
    occupied
        Boxes that are occupied; what is placed is added to them.
    reach
        How far from its point a badge may stand, and a mark from the middle of its
        group, in sizes.

    Returns
    -------
    offsets
        (k, 2) offsets; not a number for those in groups.
    groups
        The groups, each of two badges at least.
    """
    # Agglomerative: place all, join what found no room with what is nearest, and place
    # all anew, groups first.
    spots = _spots(size, reach)
    items: list[tuple[int, ...]] = [(row,) for row in range(len(points))]
    while True:
        items.sort(key=lambda rows: (-len(rows), rows))
        middles = np.array([points[list(rows)].mean(axis=0) for rows in items]).reshape(-1, 2)
        tried = OccupiedBoxes(occupied.boxes, occupied.frame)
        places, without = np.empty_like(middles), []
        for k, (rows, middle) in enumerate(zip(items, middles, strict=True)):
            boxes = boxes_around(middle + spots, size if len(rows) == 1 else np.array((wide, size)))
            covered = tried.overlap(boxes)
            best = int(np.argmin(covered))
            places[k] = middle + spots[best]
            tried.add(boxes[best : best + 1])
            if covered[best] > 0:
                without.append(k)
        joined = _joined(items, middles, without, 2 * (reach + 1) * size)
        if len(joined) == len(items):
            break
        items = joined
    occupied.boxes = tried.boxes
    offsets = np.full_like(points, np.nan)
    for rows, place in zip(items, places, strict=True):
        if len(rows) == 1:
            offsets[rows[0]] = place - points[rows[0]]
    return offsets, [
        Group(rows, place) for rows, place in zip(items, places, strict=True) if len(rows) > 1
    ]


def _joined(
    items: list[tuple[int, ...]], middles: NDArray[np.float64], without: list[int], near: float
) -> list[tuple[int, ...]]:
    """Return the items with each of some joined to the nearest, where that is near;
    none is joined twice.
    """
    left, joined = dict(enumerate(items)), []
    for k in without:
        others = [j for j in left if j != k]
        if k not in left or not others:
            continue
        far = np.hypot(*(middles[others] - middles[k]).T)
        if far.min() <= near:
            joined.append(tuple(sorted(left.pop(k) + left.pop(others[int(np.argmin(far))]))))
    return [*left.values(), *joined]


def _spots(size: float, reach: float) -> NDArray[np.float64]:
    """Return the (m, 2) offsets that are tried for a badge, the nearest first."""
    return np.vstack(
        [_ring(radius * size) for radius in (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0) if radius <= reach]
    )


def _ring(radius: float) -> NDArray[np.float64]:
    if radius == 0:
        return np.zeros((1, 2))
    angle = np.radians(np.arange(0, 360, 22.5))
    return radius * np.column_stack((np.cos(angle), np.sin(angle)))


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is set, in the unit of its font size: wide scripts
    count double.
    """
    return size * sum(0.6 if ord(mark) < 0x2E80 else 1.05 for mark in text)
