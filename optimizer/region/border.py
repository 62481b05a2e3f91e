"""The border: which line it is (a closed boundary of the extract, a GeoJSON file, or a
shape given in Python), and where ways cross it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import (
    IN_DEGREES,
    TO_DEGREES,
    geometry_type,
    json_kind,
    read_json,
)
from optimizer.base.text.language import marked
from optimizer.problem.network.polylines import GRID, PORTION
from optimizer.region.model import Dropped
from optimizer.region.osm import Boundary
from optimizer.region.ways import Ways, with_joints

BorderSource = BaseGeometry | str | os.PathLike[str] | None
"""A shape in degrees, a GeoJSON file, the name of a boundary in the extract, or None:
the only one that closes, if there is one.
"""

_LINES = {"LineString", "MultiLineString", "LinearRing"}

_AREAS = {"Polygon", "MultiPolygon"}


class WantedShapes(NamedTuple):
    """What a file of shapes should hold: what it is called, which types of GeoJSON it
    may have, in words too, and what to draw.
    """

    name: str
    types: frozenset[str]
    shapes: str
    remedy: str


BORDER = WantedShapes(
    "border",
    frozenset(_LINES | _AREAS),
    "line or polygon (GeoJSON LineString, MultiLineString, Polygon or MultiPolygon)",
    "draw the border as a line",
)
POLYGON = WantedShapes(
    "polygon",
    frozenset(_AREAS),
    "polygon (GeoJSON Polygon or MultiPolygon)",
    "draw the region as a polygon",
)

_GEOJSON = {".geojson", ".json"}


@dataclass(frozen=True)
class Border:
    """A border."""

    #: Line or lines in degrees. The rim of an area runs anticlockwise round it.
    line: BaseGeometry
    #: The defended area; None where the border is a plain line, which has no inside.
    area: BaseGeometry | None

    def contains(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(k,) whether points lie on the defended side; always where the border is a plain line."""
        if self.area is None:
            return np.ones(np.shape(lon), dtype=bool)
        shapely.prepare(self.area)
        return np.asarray(shapely.contains_xy(self.area, lon, lat))


def is_border_file(source: BorderSource) -> bool:
    """Whether a source names a file rather than a boundary."""
    return isinstance(source, os.PathLike) or (
        isinstance(source, str) and Path(source).suffix.lower() in _GEOJSON
    )


def choose_border(
    source: BorderSource, boundaries: Sequence[Boundary], where: str
) -> Border | None:
    """Return the border that a source means; None where none is asked for and the
    extract has none that closes.

    Raises
    ------
    InputError
        If several boundaries close and none is named, if the named one is unknown or
        does not close, or if a file or shape is no border.
    """
    if isinstance(source, BaseGeometry):
        return border_of_shape(source, where)
    if source is not None and is_border_file(source):
        return read_border(Path(source))
    closed = [boundary for boundary in boundaries if boundary.area is not None]
    if source is None:
        if len(closed) > 1:
            found = (
                f"{len(closed)} closed borders: {', '.join(boundary.label for boundary in closed)}"
            )
            raise InputError(
                Problem(where, found, "one border", "Name the one to defend with `border`")
            )
        return _border_of_area(closed[0].area) if closed else None
    wanted = str(source).strip().casefold()
    named = [
        boundary
        for boundary in boundaries
        if wanted in {name.casefold() for name in boundary.names}
    ]
    usable = [boundary for boundary in named if boundary.area is not None]
    if not usable:
        found = (
            f"border {str(source)!r}, which"
            f" {'does not close in this extract' if named else 'it does not hold'}"
        )
        draw = 'draw it and give the file: border = "border.geojson" (--border border.geojson)'
        if closed:
            known = f"one that closes: {', '.join(boundary.label for boundary in closed)}"
            remedy = f"Name one of these, {draw}, or take a larger extract"
        else:
            held = ", ".join(boundary.label for boundary in boundaries)
            parts = f"; it holds parts of those of {held}" if held else ""
            known = f"a border that closes: this extract holds none{parts}"
            remedy = f"Take an extract that holds the whole country, or {draw}"
        raise InputError(Problem(where, found, known, remedy))
    return _border_of_area(usable[0].area)


def read_border(path: Path, wanted: WantedShapes = BORDER) -> Border:
    """Read a border, or the polygon round a region, from GeoJSON: geometry, Feature or
    FeatureCollection, of lines or polygons, in degrees.

    Raises
    ------
    InputError
        If the file is no GeoJSON, holds no line or polygon, or coordinates that cannot
        be; all faults together.
    """
    problems = ProblemList()
    shapes = []
    for where, geometry in _geometries(
        read_json(path, f"a {wanted.name}"), str(path), wanted, problems
    ):
        shape = _shape(geometry, where, wanted, problems)
        if shape is not None:
            shapes.append(shape)
    if not problems and not shapes:
        problems.add(
            str(path), "nothing to draw", f"at least one {wanted.shapes}", f"Draw the {wanted.name}"
        )
    problems.raise_if_any()
    return border_of_shape(
        shapely.union_all(shapes) if len(shapes) > 1 else shapes[0], str(path), wanted
    )


def border_of_shape(shape: BaseGeometry, where: str, wanted: WantedShapes = BORDER) -> Border:
    """Return a shape in degrees as a border. A polygon is the defended area.

    Raises
    ------
    InputError
        If the shape is empty, crosses itself, or is neither line nor polygon.
    """
    if shape.is_empty or shape.geom_type not in wanted.types:
        found = "an empty shape" if shape.is_empty else f"a {shape.geom_type}"
        raise InputError(Problem(where, found, f"a {wanted.shapes}", wanted.remedy.capitalize()))
    if not shapely.is_valid(shape):
        found = f"a shape that is faulty ({shapely.is_valid_reason(shape)})"
        raise InputError(Problem(where, found, f"a {wanted.shapes}", "Mend it"))
    shape = shapely.force_2d(shape)
    if shape.geom_type in _AREAS:
        return _border_of_area(shape)
    return Border(
        shapely.line_merge(shape) if shape.geom_type == "MultiLineString" else shape, None
    )


def check_reach(border: Border, bounds: tuple[float, float, float, float], where: str) -> None:
    """Refuse a border that has nothing to do with a network within `bounds` (west,
    south, east, north; degrees).

    Raises
    ------
    InputError
        If it neither meets the box nor holds it. Says so where it would with longitude
        and latitude swapped.
    """
    box = shapely.box(*bounds)
    if shapely.intersects(border.line, box) or (
        border.area is not None and shapely.contains(border.area, box)
    ):
        return
    swapped = shapely.transform(border.line, lambda points: points[:, ::-1])
    west, south, east, north = border.line.bounds
    found = f"a border between {west:.3f}, {south:.3f} and {east:.3f}, {north:.3f}"
    near = (
        f"one that meets the roads between {bounds[0]:.3f}, {bounds[1]:.3f} and {bounds[2]:.3f},"
        f" {bounds[3]:.3f} (longitude, latitude)"
    )
    if shapely.intersects(swapped, box):
        raise InputError(
            Problem(where, f"{found}: latitude before longitude", near, "Swap the coordinates")
        )
    raise InputError(
        Problem(where, f"{found}: far away", near, "Check that it belongs to this region")
    )


def _border_of_area(area: BaseGeometry | None) -> Border:
    oriented = cast("BaseGeometry", shapely.orient_polygons(area))
    return Border(cast("BaseGeometry", shapely.boundary(oriented)), oriented)


def _geometries(
    content: Any,  # noqa: ANN401 - parsed JSON
    where: str,
    wanted: WantedShapes,
    problems: ProblemList,
) -> Iterator[tuple[str, Any]]:
    """Give each geometry of a GeoJSON object with its place in the file."""
    kind = geometry_type(content)
    if kind == "FeatureCollection" and isinstance(content.get("features"), list):
        for number, feature in enumerate(content["features"], start=1):
            yield from _geometries(feature, f"{where}, feature {number}", wanted, problems)
    elif kind == "Feature":
        yield where, content.get("geometry")
    elif kind in _LINES | _AREAS | {"Point", "MultiPoint", "GeometryCollection"}:
        yield where, content
    else:
        problems.add(
            where,
            (
                (f"type {kind!r}" if kind else json_kind(content))
                if isinstance(content, dict)
                else "no object"
            ),
            "GeoJSON",
            f"Save the {wanted.name} as GeoJSON",
        )


def _shape(
    geometry: Any,  # noqa: ANN401 - parsed JSON
    where: str,
    wanted: WantedShapes,
    problems: ProblemList,
) -> BaseGeometry | None:
    """Return the shape of a GeoJSON line or polygon; None, with a problem noted, where
    it is none.
    """
    kind, expected = geometry_type(geometry), f"a {wanted.shapes}"
    if kind not in wanted.types:
        problems.add(
            where,
            f"a {kind}" if kind else "no geometry",
            expected,
            f"Remove it, or {wanted.remedy}",
        )
        return None
    try:
        shape = shapely.geometry.shape(geometry)
        points = shapely.get_coordinates(shape)
    except (
        shapely.errors.GEOSException,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
    ):
        problems.add(
            where,
            f"a {kind} whose coordinates cannot be read",
            expected,
            "Save it again as GeoJSON",
        )
        return None
    if not points.size:
        problems.add(where, f"a {kind} without points", expected, "Draw it")
        return None
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        swapped = -180 <= south <= north <= 180 and -90 <= west <= east <= 90
        found = f"coordinates from {west:g}, {south:g} to {east:g}, {north:g}"
        remedy = "Swap the coordinates" if swapped else TO_DEGREES
        problems.append(Problem(where, found, IN_DEGREES, remedy))
        return None
    return shape


# Where ways cross a border line.
#
# Each stretch of a way on the border (mostly a single point) is judged by the sides on
# which the way comes and goes: other sides make a crossing, the same side a touch. Ways
# that end on the border are judged together, point by point: a road that mappers split
# just at the border crosses it once.

_TOUCHES = marked("touches the border without crossing it")

_RUNS = marked("runs along the border without crossing it")

_ENDS = marked("ends at the border without crossing it")

_SHARED = marked("meets the border where another way's crossing stands")


class Cut(NamedTuple):
    """A crossing: the line that crosses and the point where it does, as positions in `Ways`."""

    line: int
    point: int


class _Stretch(NamedTuple):
    """Entries first..last of a line that lie on the border, and the sides it comes from
    and goes to (None where it begins or ends).
    """

    line: int
    first: int
    last: int
    before: int | None
    after: int | None


@dataclass(frozen=True)
class CutWays:
    """Ways with a joint wherever they cross a border line."""

    #: The same lines with the new points in them.
    ways: Ways
    #: One for each way and place of crossing, in the order of the lines and along each.
    #: Ways that end on the border, one on each side, make one crossing together, in the
    #: name of the first.
    cuts: list[Cut]
    #: Ways that meet the border without a crossing of their own there, and why.
    dropped: list[Dropped]


def cut_ways(ways: Ways, line: BaseGeometry) -> CutWays:
    """Put a joint into ways wherever they cross a border line.

    Parameters
    ----------
    ways
        Lines in degrees.
    line
        Border line or lines in degrees.
    """
    border = border_on_grid(line)
    contacts = find_contacts(ways, border)
    ways = contacts.ways
    owner = ways.owner
    entries = np.flatnonzero(np.isin(ways.point, contacts.crossings)).tolist()
    ends: dict[int, list[_Stretch]] = defaultdict(list)
    dropped: list[Dropped] = []
    for stretch in _stretches(contacts, border):
        if stretch.before is None and stretch.after is None:
            dropped.append(_dropped(ways, stretch, _RUNS))
        elif stretch.before is None or stretch.after is None:
            ends[int(ways.point[stretch.last if stretch.after is None else stretch.first])].append(
                stretch
            )
        elif stretch.before != stretch.after and ON not in {stretch.before, stretch.after}:
            entries.append(stretch.first)
        else:
            dropped.append(
                _dropped(ways, stretch, _TOUCHES if stretch.first == stretch.last else _RUNS)
            )
    crossed = set(ways.point[entries].tolist())
    for point, stretches in ends.items():
        entries += _joint_crossing(ways, stretches, dropped, crossed=point in crossed)
    cuts = [Cut(int(owner[entry]), int(ways.point[entry])) for entry in sorted(entries)]
    return CutWays(
        with_joints(ways, np.array([cut.point for cut in cuts], dtype=np.int64)), cuts, dropped
    )


def _stretches(contacts: Contacts, border: GridBorder) -> Iterator[_Stretch]:
    ways, on_border = contacts.ways, contacts.on_border
    inserted = set(contacts.crossings.tolist())
    flagged = np.flatnonzero(np.isin(ways.point, list(on_border)))

    def side(entry: int, direction: int) -> int | None:
        """Return the side on which the line leaves the border at an entry; None where
        the line ends there.
        """
        line = owner[entry]
        other = entry + direction
        while (
            ways.start[line] <= other < ways.start[line + 1] and int(ways.point[other]) in inserted
        ):
            # a crossing's own coordinates are rounded: look at the corner behind it
            other += direction
        if not ways.start[line] <= other < ways.start[line + 1]:
            return None
        here = int(ways.point[entry])
        at, to = ways.points.lonlat.steps(np.array([here, int(ways.point[other])]))
        return border.side(on_border[here], at, to)

    owner = ways.owner
    for run in _runs(
        flagged.tolist(), lambda entry: owner[entry] == owner[entry + 1] and side(entry, 1) == ON
    ):
        yield _Stretch(int(owner[run[0]]), run[0], run[-1], side(run[0], -1), side(run[-1], 1))


def _runs(entries: list[int], joined: Callable[[int], bool]) -> Iterator[list[int]]:
    """Group rising numbers: n and n + 1 share a group where `joined(n)`."""
    run = entries[:1]
    for last, entry in pairwise(entries):
        if entry == last + 1 and joined(last):
            run.append(entry)
        else:
            yield run
            run = [entry]
    if run:
        yield run


def _joint_crossing(
    ways: Ways, stretches: list[_Stretch], dropped: list[Dropped], *, crossed: bool
) -> list[int]:
    """Return the entry of the crossing that ways ending in one point make together (one
    or none); the ways without one join `dropped`.
    """
    sides = {stretch.before if stretch.after is None else stretch.after for stretch in stretches}
    if crossed:
        dropped += [_dropped(ways, stretch, _SHARED) for stretch in stretches]
        return []
    if not {LEFT, RIGHT} <= sides:
        dropped += [_dropped(ways, stretch, _ENDS) for stretch in stretches]
        return []
    first, *others = sorted(stretches, key=lambda stretch: stretch.line)
    dropped += [_dropped(ways, other, _SHARED) for other in others]
    return [first.last if first.after is None else first.first]


def _dropped(ways: Ways, stretch: _Stretch, reason: str) -> Dropped:
    return Dropped(f"way {ways.way[stretch.line]}", reason)


LEFT, ON, RIGHT = 1, 0, -1
"""Sides of the border line, as it is drawn."""


@dataclass(frozen=True)
class GridBorder:
    """A border line in whole steps of the grid, as straight pieces.

    Coordinates are taken on OpenStreetMap's own grid of 1e-7 degree as integers, so
    that "left of", "on" and "right of" are exact answers (for straight pieces shorter
    than 200 degrees; their products then fit 64 bits).
    """

    #: `begin`, `end`: (b, 2) grid coordinates of each piece.
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    #: `before`, `after`: (b,) the pieces that each one continues; -1 for none.
    before: NDArray[np.int64]
    after: NDArray[np.int64]

    def side(self, piece: int, at: NDArray[np.int64], to: NDArray[np.int64]) -> int | None:
        """Return on which side a straight line leaves the border.

        Parameters
        ----------
        piece
            A border piece that `at` lies on.
        at, to
            (2,) grid coordinates.

        Returns
        -------
        int or None
            `LEFT`, `RIGHT`, or `ON` along the border; None where the border itself ends
            at `at`, so that it has no sides there.
        """
        ahead, behind = self.end[piece], self.begin[piece]
        if (at == ahead).all():
            ahead = self.end[self.after[piece]] if self.after[piece] >= 0 else at
        elif (at == behind).all():
            behind = self.begin[self.before[piece]] if self.before[piece] >= 0 else at
        a, b, u = ([int(v) for v in point - at] for point in (ahead, behind, to))
        if any(_cross(w, u) == 0 and _dot(w, u) > 0 for w in (a, b)):
            return ON
        if not any(a) or not any(b):
            return None
        # Left is what a turn from `ahead` anticlockwise to `behind` sweeps over.
        swept = _cross(a, u) > 0, _cross(u, b) > 0
        bend = _cross(a, b)
        wide = bend < 0 or (bend == 0 and _dot(a, b) < 0)
        return (
            LEFT
            if (any(swept) if wide and bend else all(swept) if bend else wide and swept[0])
            else RIGHT
        )


class Contacts(NamedTuple):
    """Ways that have a point wherever they meet the border."""

    #: The ways with the new points in them.
    ways: Ways
    #: (k,) the new points at which two straight pieces cut each other inside both.
    crossings: NDArray[np.int64]
    #: A border piece for each other point that lies on the border.
    on_border: dict[int, int]


def on_grid(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (k, 2) integers: degrees in steps of the grid."""
    return np.rint(np.column_stack((lon, lat)) * GRID).astype(np.int64)


def border_on_grid(line: BaseGeometry) -> GridBorder:
    """Return a line, or several, as straight pieces on the grid."""
    begin = []
    end = []
    before = []
    after = []
    offset = 0
    for part in shapely.get_parts(line):
        points = on_grid(*shapely.get_coordinates(part).T)
        points = points[np.append(True, (points[1:] != points[:-1]).any(axis=1))]
        numbers = offset + np.arange(len(points) - 1)
        closed = numbers.size > 0 and bool((points[0] == points[-1]).all())
        begin.append(points[:-1])
        end.append(points[1:])
        before.append(np.roll(numbers, 1) if closed else numbers - 1)
        after.append(np.roll(numbers, -1) if closed else numbers + 1)
        if numbers.size and not closed:
            before[-1][0] = after[-1][-1] = -1
        offset += numbers.size
    return GridBorder(*(np.concatenate(each) for each in (begin, end, before, after)))


def find_contacts(ways: Ways, border: GridBorder) -> Contacts:
    """Put a point into the ways at every contact with the border that is inside a
    straight piece of theirs.
    """
    step, piece = _candidates(ways, border)
    lonlat = ways.points.lonlat
    p, q = lonlat.steps(ways.point[step]), lonlat.steps(ways.point[step + 1])
    begin, end = border.begin[piece], border.end[piece]
    side_p, side_q = _turn(begin, end, p), _turn(begin, end, q)
    side_begin, side_end = _turn(p, q, begin), _turn(p, q, end)

    crosses = _opposite(side_p, side_q) & _opposite(side_begin, side_end)
    along = side_p[crosses] / (side_p[crosses] - side_q[crosses])
    where = p[crosses] + along[:, None] * (q[crosses] - p[crosses])

    at, corner = _corners(p, q, (begin, end), (side_begin, side_end), step)
    corner_along = np.hypot(*(corner - p[at]).T) / np.hypot(*(q[at] - p[at]).T)

    on_border: dict[int, int] = {}
    for entry, point, side in ((step, p, side_p), (step + 1, q, side_q)):
        touches = (side == 0) & _in_box(begin, end, point)
        on_border.update(
            zip(ways.point[entry[touches]].tolist(), piece[touches].tolist(), strict=True)
        )
    new = len(ways.points) + np.arange(along.size + at.size)
    on_border.update(zip(new[along.size :].tolist(), piece[at].tolist(), strict=True))

    entries, fractions = (
        np.concatenate((step[crosses], step[at])),
        np.concatenate((along, corner_along)),
    )
    ids = _new_ids(ways.points.id, entries, fractions)
    cut = ways.with_insertions(entries, fractions, np.concatenate((where, corner)) / GRID, ids)
    return Contacts(cut, new[: along.size], on_border)


def _candidates(ways: Ways, border: GridBorder) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of a straight piece of a way (its first entry) and of the border
    whose boxes meet.
    """
    if not len(border.begin):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    at = _near(ways, np.concatenate((border.begin, border.end)))
    p, q = (ways.points.lonlat.steps(ways.point[each]) for each in (at, at + 1))
    low, high = np.minimum(p, q), np.maximum(p, q)
    tree = shapely.STRtree(
        np.asarray(
            shapely.linestrings(np.stack((border.begin, border.end), axis=1).astype(np.float64))
        )
    )
    found, piece = tree.query(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]))
    return at[found], piece


def _near(ways: Ways, corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first entry of each straight piece of a way whose box meets the box of
    some points on the grid.
    """
    low, high = corners.min(axis=0), corners.max(axis=0)
    steps, found = ways.steps, [np.empty(0, dtype=np.int64)]
    for first in range(0, steps.size, PORTION):
        at = steps[first : first + PORTION]
        p, q = (ways.points.lonlat.steps(ways.point[each]) for each in (at, at + 1))
        found.append(at[((np.minimum(p, q) <= high) & (np.maximum(p, q) >= low)).all(axis=1)])
    return np.concatenate(found)


def _corners(
    p: NDArray[np.int64],
    q: NDArray[np.int64],
    corners: tuple[NDArray[np.int64], NDArray[np.int64]],
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    step: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return border corners inside straight pieces p-q: the pair each is found in (k,),
    and its grid coordinates (k, 2), once a piece.
    """
    inside = [
        (side == 0) & _in_box(p, q, corner) & (corner != p).any(1) & (corner != q).any(1)
        for corner, side in zip(corners, sides, strict=True)
    ]
    pair = np.concatenate([np.flatnonzero(each) for each in inside])
    corner = np.concatenate([each[mask] for each, mask in zip(corners, inside, strict=True)])
    first = np.unique(np.column_stack((step[pair], corner)), axis=0, return_index=True)[1]
    return pair[first], corner[first]


def _new_ids(
    ids: NDArray[Any], entries: NDArray[np.int64], along: NDArray[np.float64]
) -> NDArray[Any]:
    """Return a new id for each new point: below zero, as OpenStreetMap numbers new
    objects, counted in the order of the ways.
    """
    rank = np.empty(entries.size, dtype=np.int64)
    rank[np.lexsort((along, entries))] = np.arange(entries.size)
    if ids.dtype.kind == "i":
        return min(0, int(ids.min(initial=0))) - 1 - rank
    taken = set(ids.tolist())
    prefix = "border"
    while any(f"{prefix}-{number + 1}" in taken for number in range(entries.size)):
        prefix += "-"
    return np.array([f"{prefix}-{number + 1}" for number in rank], dtype=np.str_)


def _turn(a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64]) -> NDArray[np.int64]:
    """(k,) above 0 where a, b, c (each (k, 2)) turn left, 0 where they lie on one line,
    below 0 where they turn right.
    """
    return np.asarray(
        (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    )


def _opposite(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(((a > 0) & (b < 0)) | ((a < 0) & (b > 0)))


def _in_box(a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(((np.minimum(a, b) <= c) & (c <= np.maximum(a, b))).all(axis=1))


def _cross(a: list[int], b: list[int]) -> int:
    return a[0] * b[1] - a[1] * b[0]


def _dot(a: list[int], b: list[int]) -> int:
    return a[0] * b[0] + a[1] * b[1]
