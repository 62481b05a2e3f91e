"""Lines of the edges of a graph: brought to degrees, drawn from tail to head, straight where an edge has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from optimizer.base.errors import InputError, Problem
from optimizer.problem.network import great_circle_m
from optimizer.problem.network_checks import at_fault
from optimizer.problem.polylines import Polylines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WGS84 = "EPSG:4326"
FARTHEST_M = 10_000.0
"""Metres that the end of a line may lie from its node: farther off the two are in different coordinate systems."""
_DEGREES = frozenset({"", "EPSG:4326", "OGC:CRS84", "4326", "WGS84", "WGS 84"})


def lengths_m(lines: Polylines) -> NDArray[np.float64]:
    """Return (m,) metres along each line, measured in the direction of travel."""
    own = lines.own()
    points = own.points.degrees()
    a, b = points[:-1], points[1:]
    along = np.concatenate(([0.0], great_circle_m(a[:, 0], a[:, 1], b[:, 0], b[:, 1])))
    along[own.start[:-1]] = 0.0  # from the end of one line to the beginning of the next
    return np.asarray(np.add.reduceat(along, own.start[:-1]))


def to_degrees(xy: NDArray[np.float64], crs: object, where: str) -> NDArray[np.float64]:
    """Return (p, 2) points of a coordinate system as longitude and latitude in WGS 84.

    Raises
    ------
    InputError
        If the system is unknown, or the points do not lie in it.
    """
    remedy = 'Say which system it is: G.graph["crs"], or frame.set_crs(...)'
    if not is_degrees(crs):
        import pyproj

        try:
            transformer = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True)
        except (pyproj.exceptions.ProjError, TypeError, ValueError) as error:
            found = f"a coordinate system that is unknown ({error})"[:120]
            raise InputError(Problem(where, found, "one that pyproj knows, such as EPSG:32632", remedy)) from None
        xy = np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
    with np.errstate(invalid="ignore"):
        wrong = ~((np.abs(xy[:, 0]) <= 180) & (np.abs(xy[:, 1]) <= 90))
    name = str(crs or WGS84)[:60]
    problems = at_fault(
        where,
        wrong,
        lambda row: f"{xy[row, 0]:g}, {xy[row, 1]:g}",
        f"coordinates in {name}, the system of the graph",
        remedy,
    )
    if problems:
        raise InputError(*problems)
    return xy


def is_degrees(crs: object) -> bool:
    """Return whether a coordinate system is WGS 84 in degrees, longitude first as graphs have it; none at all counts as that."""
    if crs is None or str(crs).strip().upper() in _DEGREES:
        return True
    import pyproj

    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.ProjError:
        return False
    return system.to_epsg() == 4326 or system.to_authority() == ("OGC", "CRS84")


def edge_lines(
    geometry: Sequence[Any],
    lonlat: NDArray[np.float64],
    ends: tuple[NDArray[np.int32], NDArray[np.int32]],
    crs: object,
    where: str,
) -> Polylines:
    """Return the lines of edges.

    Parameters
    ----------
    geometry
        (e,) shapely lines or their text (WKT), anything else for straight edges; or empty.
    lonlat
        (n, 2) degrees of the nodes.
    ends
        (e,) tail and (e,) head.
    crs
        Coordinate system of `geometry`.
    where
        What to call the graph in messages.

    Raises
    ------
    InputError
        If a geometry is no line, or does not lie where its nodes are.
    """
    tail, head = ends
    drawn = _lines(geometry, tail.size, where)
    given = np.flatnonzero(shapely.get_num_points(drawn) >= 2)
    count = np.full(tail.size, 2, dtype=np.int64)
    count[given] = shapely.get_num_points(drawn[given])
    start = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    points = np.empty((int(start[-1]), 2))
    points[start[:-1]], points[start[1:] - 1] = lonlat[tail], lonlat[head]
    if not given.size:
        return Polylines.of(start, points)
    inside = np.zeros(tail.size, dtype=bool)
    inside[given] = True
    points[np.repeat(inside, count)] = to_degrees(
        shapely.get_coordinates(drawn[given]), crs, f"{where}, edges, geometry"
    )
    first, last = points[start[given]], points[start[given + 1] - 1]
    begin, end = lonlat[tail[given]], lonlat[head[given]]
    as_drawn, turned = (
        np.maximum(_apart(first, begin), _apart(last, end)),
        np.maximum(_apart(first, end), _apart(last, begin)),
    )
    problems = at_fault(
        f"{where}, edges, geometry",
        np.minimum(as_drawn, turned) > FARTHEST_M,
        lambda row: f"a line {min(as_drawn[row], turned[row]) / 1000:.0f} km from its nodes",
        "lines and nodes in one coordinate system",
        "Bring both to one system, or drop the geometry",
    )
    if problems:
        raise InputError(*problems)
    back = np.zeros(tail.size, dtype=bool)
    back[given] = turned < as_drawn
    return Polylines.of(start, points).take(np.arange(tail.size), back)


def _lines(geometry: Sequence[Any], size: int, where: str) -> NDArray[np.object_]:
    """Return (size,) shapely lines, None where an edge has none."""
    lines = np.full(size, None, dtype=object)
    for edge, value in enumerate(geometry):
        if isinstance(value, shapely.Geometry):
            lines[edge] = value
        elif isinstance(value, str) and value:
            lines[edge] = shapely.from_wkt(value, on_invalid="ignore")
    kind = shapely.get_type_id(lines)
    wrong = (kind >= 0) & (kind != shapely.GeometryType.LINESTRING)
    problems = at_fault(
        f"{where}, edges, geometry",
        wrong,
        lambda row: f"a {lines[row].geom_type}",
        "a LineString, or nothing",
        "Drop it for a straight edge, or draw it as one line",
    )
    if problems:
        raise InputError(*problems)
    return lines


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return great_circle_m(one[:, 0], one[:, 1], other[:, 0], other[:, 1])
