"""Graphs that others saved, as ways: nodes with coordinates and edges between them, as in OSMnx's GraphML and GeoPackage.

A graph is taken whole, whatever its modes: someone chose what is in it. Two edges that run to and fro over the same stretch become one
line, so that both directions share a segment.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.language import marked
from optimizer.problem.attribute_values import above_zero, first_text
from optimizer.problem.lonlat import LonLat
from optimizer.problem.road_classes import NO_SPEEDS, speed_kmh
from optimizer.region.model import Dropped
from optimizer.region.ways import Points, SourceWays, Ways

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_WGS84 = "EPSG:4326"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge as its file states it: ends, attributes, and points between and including the ends (None where it is straight)."""

    tail: str
    head: str
    attributes: Mapping[str, Any]
    line: NDArray[np.float64] | None


@dataclass(frozen=True)
class RawGraph:
    """A graph as its file states it: degrees or metres of each node by id, edges, whether these have a direction, and its CRS."""

    nodes: Mapping[str, tuple[float, float]]
    edges: Sequence[Edge]
    directed: bool = True
    crs: str = _WGS84


@dataclass(frozen=True, slots=True)
class _EdgeAttributes:
    """What an edge states: numbers are NaN where it states none."""

    way: int
    road_class: str
    name: str
    ref: str
    speed_kmh: float
    length_m: float
    time_s: float


@dataclass
class _GraphLines:
    """Lines being gathered, one entry a line in each list, and the edges left out."""

    dropped: list[Dropped] = field(default_factory=list)
    point: list[NDArray[np.int64]] = field(default_factory=list)
    attributes: list[_EdgeAttributes] = field(default_factory=list)
    forward: list[bool] = field(default_factory=list)
    backward: list[bool] = field(default_factory=list)
    shape: list[NDArray[np.float64]] = field(default_factory=list)


def ways_of_graph(graph: RawGraph, where: str, speeds: Mapping[str, float] = NO_SPEEDS) -> SourceWays:
    """Return the edges of a graph as lines, and those left out.

    Raises
    ------
    InputError
        If the graph has no edges, an edge names a node that is not there, or a coordinate cannot be; all faults together.
    """
    _check(graph, where)
    names = list(graph.nodes)
    position = {name: number for number, name in enumerate(names)}
    corners = np.array(list(graph.nodes.values()), dtype=np.float64).reshape(-1, 2)
    lines = _gather(graph, position, corners, speeds)
    if not lines.point:
        raise InputError(Problem(where, "no edges that lead anywhere", "at least one road", "Choose another file"))
    shape = np.concatenate([corners, *lines.shape])
    lonlat = _to_degrees(shape, graph.crs, where)
    points = Points(id=_ids(names, len(shape)), lonlat=LonLat.of(lonlat), joint=np.arange(len(shape)) < len(names))
    ways = Ways(
        points=points,
        start=np.concatenate(([0], np.cumsum([each.size for each in lines.point]))).astype(np.int64),
        point=np.concatenate(lines.point),
        way=np.array([each.way for each in lines.attributes], dtype=np.int64),
        road_class=np.array([each.road_class for each in lines.attributes], dtype=np.str_),
        name=np.array([each.name for each in lines.attributes], dtype=np.str_),
        ref=np.array([each.ref for each in lines.attributes], dtype=np.str_),
        forward=np.array(lines.forward, dtype=bool),
        backward=np.array(lines.backward, dtype=bool),
        speed_kmh=np.array([each.speed_kmh for each in lines.attributes], dtype=np.float64),
        length_m=np.array([each.length_m for each in lines.attributes], dtype=np.float64),
        time_s=np.array([each.time_s for each in lines.attributes], dtype=np.float64),
    )
    return SourceWays(ways, lines.dropped)


def _gather(
    graph: RawGraph, position: Mapping[str, int], corners: NDArray[np.float64], speeds: Mapping[str, float]
) -> _GraphLines:
    lines = _GraphLines()
    open_lines: dict[tuple[Any, ...], list[int]] = {}
    total = len(corners)
    for edge in graph.edges:
        tail, head = position[edge.tail], position[edge.head]
        inner = np.empty((0, 2)) if edge.line is None else _inner(edge.line, corners[tail], corners[head])
        if tail == head and not len(inner):
            lines.dropped.append(Dropped(f"edge {edge.tail}-{edge.head}", marked("a loop of no length")))
            continue
        attributes = _attributes(edge.attributes, speeds)
        there, back = (tail, head, inner.tobytes()), (head, tail, inner[::-1].tobytes())
        partners = open_lines.get((*back, repr(attributes)), [])
        if graph.directed and partners:
            lines.backward[partners.pop()] = True
            continue
        open_lines.setdefault((*there, repr(attributes)), []).append(len(lines.point))
        lines.point.append(np.concatenate(([tail], total + np.arange(len(inner)), [head])).astype(np.int64))
        lines.attributes.append(attributes)
        lines.forward.append(True)
        lines.backward.append(not graph.directed)
        lines.shape.append(inner)
        total += len(inner)
    return lines


def _inner(line: NDArray[np.float64], begin: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points of a line between its ends, turned round where the line was drawn from head to tail."""
    if (
        np.abs(line[0] - begin).sum() + np.abs(line[-1] - end).sum()
        > np.abs(line[0] - end).sum() + np.abs(line[-1] - begin).sum()
    ):
        line = line[::-1]
    inner = line[1:-1]
    return inner[np.append(True, (inner[1:] != inner[:-1]).any(axis=1))] if len(inner) else inner


def _attributes(stated: Mapping[str, Any], speeds: Mapping[str, float]) -> _EdgeAttributes:
    way = first_text(stated.get("osmid"))
    road_class = first_text(stated.get("highway")) or first_text(stated.get("road_class")) or "road"
    speed = above_zero(stated.get("speed_kph"))
    return _EdgeAttributes(
        int(way) if re.fullmatch(r"-?\d{1,18}", way) else 0,
        road_class,
        first_text(stated.get("name")) or first_text(stated.get("ref")),
        first_text(stated.get("ref")),
        speed_kmh(road_class, first_text(stated.get("maxspeed")), speeds) if math.isnan(speed) else speed,
        above_zero(stated.get("length")),
        above_zero(stated.get("travel_time")),
    )


def _check(graph: RawGraph, where: str) -> None:
    problems = ProblemList()
    faults = [
        (f"node {name}", f"coordinates {x:g}, {y:g}")
        for name, (x, y) in graph.nodes.items()
        if not _possible(x, y, graph.crs)
    ]
    for what, found in faults[:_SHOWN]:
        problems.add(
            f"{where}, {what}", found, "x and y as finite numbers, longitude and latitude in degrees", "Correct it"
        )
    strays = [edge for edge in graph.edges if edge.tail not in graph.nodes or edge.head not in graph.nodes]
    for edge in strays[:_SHOWN]:
        problems.add(
            f"{where}, edge {edge.tail}-{edge.head}", "a node that is not in the file", "ends that are", "Add it"
        )
    hidden = max(0, len(faults) - _SHOWN) + max(0, len(strays) - _SHOWN)
    if hidden:
        problems.add(where, f"{hidden} more of the same", "none")
    problems.raise_if_any()


def _possible(x: float, y: float, crs: str) -> bool:
    degrees = crs.upper() != _WGS84 or (-180 <= x <= 180 and -90 <= y <= 90)
    return math.isfinite(x) and math.isfinite(y) and degrees


def _to_degrees(points: NDArray[np.float64], crs: str, where: str) -> NDArray[np.float64]:
    if crs.upper() == _WGS84:
        return points
    import pyproj

    try:
        transformer = pyproj.Transformer.from_crs(crs, _WGS84, always_xy=True)
        lonlat = np.column_stack(transformer.transform(points[:, 0], points[:, 1]))
    except pyproj.exceptions.ProjError as error:
        raise InputError(
            Problem(where, f"a coordinate system that is unknown ({error})", "EPSG:4326", "Save it in that")
        ) from None
    if not np.isfinite(lonlat).all():
        raise InputError(
            Problem(
                where, f"coordinates outside {crs}", "coordinates in the system that the file names", "Save it again"
            )
        )
    return lonlat


def _ids(names: Sequence[str], n_points: int) -> NDArray[Any]:
    """Return (n_points,) ids, whole numbers where all names are; points between nodes get 0 or nothing."""
    numbers = all(re.fullmatch(r"-?\d{1,18}", name) for name in names)
    ids = np.zeros(n_points, dtype=np.int64) if numbers else np.full(n_points, "", dtype=f"<U{max(map(len, names))}")
    ids[: len(names)] = [int(name) for name in names] if numbers else names
    return ids


def line_points(geometry: Any) -> NDArray[np.float64] | None:  # noqa: ANN401 - a shapely geometry or None
    """Return the points of a line with at least two; None for anything else."""
    if geometry is None or geometry.geom_type != "LineString" or len(geometry.coords) < 2:
        return None
    return np.asarray(shapely.get_coordinates(geometry))
