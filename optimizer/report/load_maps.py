"""Maps of the loads on roads, for each policy and chosen period: line work of a page
that shows them one period at a time, without a script.

Two views: loads, and their change against the first period that is shown. Roads are in
classes with edges of 1, 2 or 5 times a power of ten, the same for all maps of a view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.base.text.formatting import DASH, number, plain, round_below
from optimizer.base.text.language import gettext as _
from optimizer.report.maps.geography import Bounds, Plane
from optimizer.report.maps.labels import OccupiedBoxes, text_width

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SIZE = 640
"""Longer side of a map in its own units."""
MARGIN = 12
LOAD_EDGES = (0.01, 0.05, 0.2, 0.5)
CHANGE_EDGES = (0.1, 0.4)
"""Edges of the classes as shares of the largest load or change, before rounding."""
LEAST_LOADS = 1e-3
"""Loads below which a road has no traffic."""
LETTERS = 14
"""Size of the letters of a district's name, in units of the map."""

LINE = 17
"""Height of its line."""

BASELINE = 5
"""How far below its middle the letters stand."""

LONGEST_NAME = 28


@dataclass(frozen=True, slots=True)
class RoadLines:
    """Roads of one class: its position in the key, and what an SVG path draws."""

    step: int
    path: str


@dataclass(frozen=True, slots=True)
class LoadFrame:
    """A map of one period: loads, and their change against the first period that is shown."""

    period: int
    loads: tuple[RoadLines, ...]
    change: tuple[RoadLines, ...]


@dataclass(frozen=True, slots=True)
class DistrictName:
    """A name on the map, in units of the map."""

    name: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class LoadMaps:
    """Maps of a page."""

    #: `width`, `height`: Units of each map.
    width: int
    height: int
    #: `ground`, `outlines`: Paths of all roads, and of the districts.
    ground: str
    outlines: str
    #: Names of the districts.
    names: tuple[DistrictName, ...]
    #: The last of the periods with nothing placed; its change is against the mean over
    #: the policies of their first period.
    nothing: LoadFrame
    #: Name and maps of each policy, one a period.
    policies: tuple[tuple[str, tuple[LoadFrame, ...]], ...]
    #: `load_key`, `change_key`: Labels of the classes, the lowest first.
    load_key: tuple[str, ...]
    change_key: tuple[str, ...]

    @property
    def periods(self) -> tuple[int, ...]:
        """Return the periods that are shown."""
        return tuple(frame.period for frame in self.policies[0][1])


def load_maps(
    network: Network,
    areas: Sequence[tuple[str, BaseGeometry]],
    periods: Sequence[int],
    policies: Mapping[str, Floats],
    nothing: Floats,
) -> LoadMaps:
    """Draw the maps.

    Parameters
    ----------
    network
        The roads.
    areas
        Names and polygons of the districts, in degrees.
    periods
        The periods that are shown.
    policies
        (periods, segments) loads on each road by policy; at least one policy.
    nothing
        (periods, segments) loads on each road with nothing placed.
    """
    sheet = _Sheet.of(network)
    lines = sheet.paths(network.lines)
    tables = list(policies.values())
    top = max(float(table.max(initial=0.0)) for table in (nothing, *tables))
    most = max(float(np.abs(table - table[0]).max(initial=0.0)) for table in tables)
    load_edges, edges = _edges(top, LOAD_EDGES), _edges(most, CHANGE_EDGES)
    change_edges = np.concatenate((-edges[::-1], edges))

    def frame(period: int, loads: Floats, first: Floats) -> LoadFrame:
        travelled = loads >= LEAST_LOADS
        # A road that lost all its traffic is in the map of the change, with the roads
        # that are travelled now.
        change = np.searchsorted(change_edges, loads - first, side="right")
        return LoadFrame(
            period,
            _classed(
                lines,
                np.where(travelled, np.searchsorted(load_edges, loads, side="right"), -1),
                lambda k: k,
            ),
            _classed(
                lines,
                np.where(travelled | (first >= LEAST_LOADS), change, -1),
                lambda k: abs(k - change_edges.size // 2),
            ),
        )

    drawn = [
        (
            name,
            tuple(
                frame(period, loads, table[0]) for period, loads in zip(periods, table, strict=True)
            ),
        )
        for name, table in policies.items()
    ]
    shapes = [(name, sheet.plane_shape(shape)) for name, shape in areas]
    return LoadMaps(
        width=sheet.width,
        height=sheet.height,
        ground="".join(lines),
        outlines="".join(_path(ring) for _, shape in shapes for ring in _rings(shape)),
        names=_names(shapes, sheet),
        nothing=frame(periods[-1], nothing[-1], np.mean([table[0] for table in tables], axis=0)),
        policies=tuple(drawn),
        load_key=_load_key(load_edges),
        change_key=_change_key(edges),
    )


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Degrees to units of the map, y downwards."""

    plane: Plane
    low: Floats
    scale: float
    width: int
    height: int

    @classmethod
    def of(cls, network: Network) -> _Sheet:
        plane = Plane(*network.centre)
        points = plane.project(network.shape)
        low, high = points.min(axis=0), points.max(axis=0)
        extent = np.maximum(high - low, 1.0)
        scale = (SIZE - 2 * MARGIN) / float(extent.max())
        width, height = (extent * scale + 2 * MARGIN).round().astype(int).tolist()
        return cls(plane, np.array([low[0], high[1]]), scale, width, max(height, SIZE // 8))

    def units(self, lonlat: Floats) -> Floats:
        moved = (self.plane.project(lonlat) - self.low) * self.scale
        return np.asarray(moved * (1.0, -1.0) + MARGIN)

    def plane_shape(self, shape: BaseGeometry) -> BaseGeometry:
        """Return a shape in units of the map, cut at its edges, as fine as they show."""
        moved = shapely.make_valid(shapely.simplify(shapely.transform(shape, self.units), 1.0))
        return shapely.intersection(moved, shapely.box(0, 0, self.width, self.height))

    def paths(self, lines: NDArray[np.object_]) -> list[str]:
        """Return the path of each line."""
        return [_path(line) for line in shapely.simplify(shapely.transform(lines, self.units), 0.7)]


def _path(line: BaseGeometry) -> str:
    points = shapely.get_coordinates(line).round().astype(int)
    kept = np.append(True, (points[1:] != points[:-1]).any(axis=1))
    kept[-1] |= kept.sum() < 2
    steps = np.diff(points[kept], axis=0)
    return (
        f"M{points[0, 0]} {points[0, 1]}l" + " ".join(f"{x} {y}" for x, y in steps.tolist())
        if len(steps)
        else ""
    )


def _rings(shape: BaseGeometry) -> list[BaseGeometry]:
    parts = shapely.get_parts(shape)
    return list(
        shapely.get_rings(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
    )


def _classed(
    lines: Sequence[str], step: Ints, weight: Callable[[int], int]
) -> tuple[RoadLines, ...]:
    """Return the roads of each class that has any, those drawn thinnest first; -1 is no class."""
    there = sorted(np.unique(step[step >= 0]).tolist(), key=weight)
    return tuple(
        RoadLines(k, "".join(lines[road] for road in np.flatnonzero(step == k).tolist()))
        for k in there
    )


def _edges(top: float, shares: Sequence[float]) -> Floats:
    """Return rising edges near shares of the largest amount; none is below `LEAST_LOADS`."""
    return np.array([round_below(share * max(top, LEAST_LOADS / shares[0])) for share in shares])


def _load_key(edges: Floats) -> tuple[str, ...]:
    between = [f"{number(low)} {DASH} {number(high)}" for low, high in pairwise(edges.tolist())]
    return (
        _("under {amount}").format(amount=number(float(edges[0]))),
        *between,
        _("{amount} and over").format(amount=number(float(edges[-1]))),
    )


def _change_key(edges: Floats) -> tuple[str, ...]:
    low, high = (number(float(edge)) for edge in edges)
    return (
        _("{amount} fewer and over").format(amount=high),
        _("{low} {dash} {high} fewer").format(low=low, dash=DASH, high=high),
        _("less than {amount} either way").format(amount=low),
        _("{low} {dash} {high} more").format(low=low, dash=DASH, high=high),
        _("{amount} more and over").format(amount=high),
    )


def _names(shapes: Sequence[tuple[str, BaseGeometry]], sheet: _Sheet) -> tuple[DistrictName, ...]:
    """Return the names at a point of each district, moved up or down where they would
    lie on another; left out where there is no room.
    """
    occupied = OccupiedBoxes(frame=Bounds(0, 0, sheet.width, sheet.height))
    found: list[DistrictName] = []
    for name, shape in shapes:
        if shape.is_empty:
            continue
        text = plain(name, LONGEST_NAME)
        point, half = shapely.point_on_surface(shape), text_width(text, LETTERS) / 2
        x = float(np.clip(point.x, half, max(sheet.width - half, half)))
        for turn in (0, 1, -1, 2, -2, 3, -3):
            y = point.y + turn * LINE
            box = np.array([x - half, y - LINE / 2, x + half, y + LINE / 2])
            if occupied.overlap(box[None])[0] == 0:
                occupied.add(box[None])
                found.append(DistrictName(text, round(x), round(y + BASELINE)))
                break
    return tuple(found)
