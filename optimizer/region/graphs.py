"""Graphs that others made, as ways: GraphML and GeoPackage as OSMnx saves them, and
networks in memory.

A graph is taken whole, whatever its modes: someone chose what is in it. Two edges that
run to and fro over the same stretch become one line, so that both directions share a
segment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import shapely
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import existing_file
from optimizer.base.text.language import marked
from optimizer.problem.network.graph_conversion import above_zero, first_text
from optimizer.problem.network.network import Network
from optimizer.problem.network.polylines import LonLat
from optimizer.problem.network.road_classes import NO_SPEEDS, speed_kmh
from optimizer.region.model import Dropped
from optimizer.region.store import layer_names, read_layer
from optimizer.region.ways import Points, SourceWays, Ways

_WGS84 = "EPSG:4326"

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge as its file states it: ends, attributes, and points between and including
    the ends (None where it is straight).
    """

    tail: str
    head: str
    attributes: Mapping[str, Any]
    line: NDArray[np.float64] | None


@dataclass(frozen=True)
class RawGraph:
    """A graph as its file states it: degrees or metres of each node by id, edges,
    whether these have a direction, and its CRS.
    """

    nodes: Mapping[str, tuple[float, float]]
    edges: Sequence[Edge]
    directed: bool = True
    crs: str = _WGS84


@dataclass
class _GraphLines:
    """Lines being gathered, one entry a line in each list, and the edges left out;
    attributes by their name in `Ways`.
    """

    dropped: list[Dropped] = field(default_factory=list)
    point: list[NDArray[np.int64]] = field(default_factory=list)
    attributes: list[dict[str, int | float | str]] = field(default_factory=list)
    forward: list[bool] = field(default_factory=list)
    backward: list[bool] = field(default_factory=list)
    shape: list[NDArray[np.float64]] = field(default_factory=list)


def ways_of_graph(
    graph: RawGraph, where: str, speeds: Mapping[str, float] = NO_SPEEDS
) -> SourceWays:
    """Return the edges of a graph as lines, and those left out.

    Raises
    ------
    InputError
        If the graph has no edges, an edge names a node that is not there, or a
        coordinate cannot be; all faults together.
    """
    _check(graph, where)
    names = list(graph.nodes)
    position = {name: number for number, name in enumerate(names)}
    corners = np.array(list(graph.nodes.values()), dtype=np.float64).reshape(-1, 2)
    lines = _gather(graph, position, corners, speeds)
    if not lines.point:
        raise InputError(
            Problem(
                where, "no edges that lead anywhere", "at least one road", "Choose another file"
            )
        )
    shape = np.concatenate([corners, *lines.shape])
    lonlat = _to_degrees(shape, graph.crs, where)
    points = Points(
        id=_ids(names, len(shape)),
        lonlat=LonLat.of(lonlat),
        joint=np.arange(len(shape)) < len(names),
    )
    ways = Ways(
        points=points,
        start=np.concatenate(([0], np.cumsum([each.size for each in lines.point]))).astype(
            np.int64
        ),
        point=np.concatenate(lines.point),
        forward=np.array(lines.forward, dtype=bool),
        backward=np.array(lines.backward, dtype=bool),
        **{
            name: np.array([each[name] for each in lines.attributes])
            for name in lines.attributes[0]
        },
    )
    return SourceWays(ways, lines.dropped)


def _gather(
    graph: RawGraph,
    position: Mapping[str, int],
    corners: NDArray[np.float64],
    speeds: Mapping[str, float],
) -> _GraphLines:
    lines = _GraphLines()
    open_lines: dict[tuple[Any, ...], list[int]] = {}
    total = len(corners)
    for edge in graph.edges:
        tail, head = position[edge.tail], position[edge.head]
        inner = (
            np.empty((0, 2))
            if edge.line is None
            else _inner(edge.line, corners[tail], corners[head])
        )
        if tail == head and not len(inner):
            lines.dropped.append(
                Dropped(f"edge {edge.tail}-{edge.head}", marked("a loop of no length"))
            )
            continue
        attributes = _attributes(edge.attributes, speeds)
        there, back = (tail, head, inner.tobytes()), (head, tail, inner[::-1].tobytes())
        partners = open_lines.get((*back, repr(attributes)), [])
        if graph.directed and partners:
            lines.backward[partners.pop()] = True
            continue
        open_lines.setdefault((*there, repr(attributes)), []).append(len(lines.point))
        lines.point.append(
            np.concatenate(([tail], total + np.arange(len(inner)), [head])).astype(np.int64)
        )
        lines.attributes.append(attributes)
        lines.forward.append(True)
        lines.backward.append(not graph.directed)
        lines.shape.append(inner)
        total += len(inner)
    return lines


def _inner(
    line: NDArray[np.float64], begin: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the points of a line between its ends, turned round where the line was
    drawn from head to tail.
    """
    if (
        np.abs(line[0] - begin).sum() + np.abs(line[-1] - end).sum()
        > np.abs(line[0] - end).sum() + np.abs(line[-1] - begin).sum()
    ):
        line = line[::-1]
    inner = line[1:-1]
    return inner[np.append(True, (inner[1:] != inner[:-1]).any(axis=1))] if len(inner) else inner


def _attributes(
    stated: Mapping[str, Any], speeds: Mapping[str, float]
) -> dict[str, int | float | str]:
    """Return what an edge states, by the names of `Ways`: numbers are NaN where it states none."""
    way = first_text(stated.get("osmid"))
    road_class = first_text(stated.get("highway")) or first_text(stated.get("road_class")) or "road"
    speed = above_zero(stated.get("speed_kph"))
    if math.isnan(speed):
        speed = speed_kmh(road_class, first_text(stated.get("maxspeed")), speeds)
    return {
        "way": int(way) if re.fullmatch(r"-?\d{1,18}", way) else 0,
        "road_class": road_class,
        "name": first_text(stated.get("name")) or first_text(stated.get("ref")),
        "ref": first_text(stated.get("ref")),
        "speed_kmh": float(speed),
        "length_m": above_zero(stated.get("length")),
        "time_s": above_zero(stated.get("travel_time")),
    }


def _check(graph: RawGraph, where: str) -> None:
    problems = ProblemList()
    faults = [
        (f"node {name}", f"coordinates {x:g}, {y:g}")
        for name, (x, y) in graph.nodes.items()
        if not _possible(x, y, graph.crs)
    ]
    for what, found in faults[:_SHOWN]:
        problems.add(
            f"{where}, {what}",
            found,
            "x and y as finite numbers, longitude and latitude in degrees",
            "Correct it",
        )
    strays = [
        edge for edge in graph.edges if edge.tail not in graph.nodes or edge.head not in graph.nodes
    ]
    for edge in strays[:_SHOWN]:
        problems.add(
            f"{where}, edge {edge.tail}-{edge.head}",
            "a node that is not in the file",
            "ends that are",
            "Add it",
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
            Problem(
                where,
                f"a coordinate system that is unknown ({error})",
                "EPSG:4326",
                "Save it in that",
            )
        ) from None
    if not np.isfinite(lonlat).all():
        raise InputError(
            Problem(
                where,
                f"coordinates outside {crs}",
                "coordinates in the system that the file names",
                "Save it again",
            )
        )
    return lonlat


def _ids(names: Sequence[str], n_points: int) -> NDArray[Any]:
    """Return (n_points,) ids, whole numbers where all names are; points between nodes
    get 0 or nothing.
    """
    numbers = all(re.fullmatch(r"-?\d{1,18}", name) for name in names)
    ids = (
        np.zeros(n_points, dtype=np.int64)
        if numbers
        else np.full(n_points, "", dtype=f"<U{max(map(len, names))}")
    )
    ids[: len(names)] = [int(name) for name in names] if numbers else names
    return ids


def line_points(
    geometry: Any,  # noqa: ANN401
) -> NDArray[np.float64] | None:
    """Return the points of a line with at least two; None for anything else."""
    if geometry is None or geometry.geom_type != "LineString" or len(geometry.coords) < 2:
        return None
    return np.asarray(shapely.get_coordinates(geometry))


_NODE_IDS = ("osmid", "node_id", "id")


def read_graphml(path: Path) -> RawGraph:
    """Read a GraphML file with `x` and `y` on its nodes, as OSMnx saves it. Document
    type definitions are refused.

    Raises
    ------
    InputError
        If the file is missing, is no GraphML, declares entities, or has nodes without
        coordinates.
    """
    existing_file(path, "a graph as GraphML")
    try:
        root = parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException:
        found, remedy = (
            "a document type definition, which could name other files or expand without end",
            "Remove it",
        )
        raise InputError(Problem(str(path), found, "GraphML without one", remedy)) from None
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(
            Problem(str(path), f"XML that cannot be read ({error})", "GraphML", "Save it again")
        ) from None
    graph = None if root is None else next(_children(root, "graph"), None)
    if root is None or graph is None:
        raise InputError(
            Problem(str(path), "no element <graph> at the top", "GraphML", "Save it again")
        )
    names = {
        key.get("id", ""): key.get("attr.name", key.get("id", "")) for key in _children(root, "key")
    }
    problems = ProblemList()
    nodes = {}
    for node in _children(graph, "node"):
        values = _values(node, names)
        try:
            nodes[node.get("id", "")] = float(values["x"]), float(values["y"])
        except (KeyError, ValueError):
            problems.add(
                f"{path}, node {node.get('id')}",
                f"x {values.get('x')}, y {values.get('y')}",
                "two numbers",
                "Add them",
            )
    problems.raise_if_any()
    edges = [
        Edge(
            edge.get("source", ""),
            edge.get("target", ""),
            values,
            _line(values.get("geometry", "")),
        )
        for edge in _children(graph, "edge")
        for values in [_values(edge, names)]
    ]
    crs = _values(graph, names).get("crs", "EPSG:4326")
    return RawGraph(nodes, edges, graph.get("edgedefault") != "undirected", _crs(crs))


def read_graph_geopackage(path: Path) -> RawGraph:
    """Read a GeoPackage with the layers `nodes` and `edges`, as OSMnx saves it.

    Raises
    ------
    InputError
        If the file is missing, is no GeoPackage, or lacks a layer or field.
    """
    layers = layer_names(path)
    if not {"nodes", "edges"} <= set(layers):
        found = f"the layers {', '.join(layers) or 'none'}"
        raise InputError(
            Problem(
                str(path),
                found,
                "the layers nodes and edges, as OSMnx saves them",
                "Save it with both",
            )
        )
    node_layer, edge_layer = read_layer(path, "nodes"), read_layer(path, "edges")
    points, node_columns = node_layer.geometry, node_layer.columns
    columns = edge_layer.columns
    problems = ProblemList()
    id_column = next((name for name in _NODE_IDS if name in node_columns), "")
    if not id_column:
        problems.add(
            f"{path}, layer nodes",
            f"the fields {', '.join(node_columns)}",
            f"one of {', '.join(_NODE_IDS)}",
            "Add it",
        )
    for end in {"u", "v"} - set(columns):
        problems.add(
            f"{path}, layer edges", f"no field {end}", "u and v, the ends of each edge", "Add it"
        )
    if len(points) and (shapely.get_type_id(points) != shapely.GeometryType.POINT).any():
        problems.add(
            f"{path}, layer nodes", "a geometry that is no point", "points", "Save it again"
        )
    problems.raise_if_any()
    names = [str(name) for name in node_columns[id_column].tolist()]
    nodes = dict(zip(names, map(tuple, shapely.get_coordinates(points).tolist()), strict=True))
    fields = [name for name in columns if name not in {"u", "v"}]
    rows = zip(
        columns["u"].tolist(),
        columns["v"].tolist(),
        edge_layer.geometry,
        *(columns[name].tolist() for name in fields),
        strict=True,
    )
    edges = [
        Edge(str(u), str(v), dict(zip(fields, values, strict=True)), line_points(line))
        for u, v, line, *values in rows
    ]
    return RawGraph(nodes, edges, crs=_crs(node_layer.crs or "EPSG:4326"))


def _crs(name: str) -> str:
    """Return a coordinate system's name, with OSMnx's and the OGC's names for WGS 84 made one."""
    return (
        "EPSG:4326"
        if re.fullmatch(
            r"(epsg:4326|ogc:crs84|.*wgs 84.*\[\"epsg\",\s*\"?4326\"?\]\].*)",
            name.strip().lower(),
            re.DOTALL,
        )
        else name
    )


def _line(text: str) -> Any:  # noqa: ANN401 - as `line_points` returns it
    try:
        return line_points(shapely.from_wkt(text)) if text else None
    except shapely.errors.GEOSException:
        return None


def _children(parent: Element, tag: str) -> Iterator[Element]:
    return (child for child in parent if _local(child) == tag)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _values(element: Element, names: dict[str, str]) -> dict[str, str]:
    return {
        names.get(data.get("key", ""), data.get("key", "")): (data.text or "").strip()
        for data in _children(element, "data")
    }


def ways_of_network(network: Network) -> SourceWays:
    """Return the segments of a network as lines: one for both directions where they
    have the same length and time, else one for each.

    Loops without a line of their own are left out.
    """
    n = network.n_nodes
    arc, backward = _lines(network)
    count = network.polylines.count[arc]
    loop = (network.tail[arc] == network.head[arc]) & (count <= 2)
    tail, head = (
        network.node_id[ends[arc[loop]]].tolist() for ends in (network.tail, network.head)
    )
    dropped = [
        Dropped(f"edge {u}-{v}", marked("a loop of no length"))
        for u, v in zip(tail, head, strict=True)
    ]
    arc = arc[~loop]
    backward = backward[~loop]
    count = count[~loop]
    start = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    drawn = network.polylines.take(arc).shape()
    point = np.empty(int(start[-1]), dtype=np.int64)
    within = np.ones(point.size, dtype=bool)
    within[start[:-1]] = within[start[1:] - 1] = False
    point[start[:-1]], point[start[1:] - 1] = network.tail[arc], network.head[arc]
    point[within] = n + np.arange(np.count_nonzero(within))
    inner = drawn[within]
    nothing = np.zeros(len(inner), dtype=network.node_id.dtype)
    points = Points(
        id=np.concatenate((network.node_id, nothing)),
        lonlat=LonLat.of(np.concatenate((np.column_stack((network.lon, network.lat)), inner))),
        joint=np.arange(n + len(inner)) < n,
    )
    return SourceWays(
        Ways(
            points=points,
            start=start,
            point=point,
            way=network.way[arc],
            road_class=network.road_class[arc],
            name=network.name[arc],
            ref=np.full(arc.size, "") if network.ref is None else network.ref[arc],
            forward=np.ones(arc.size, dtype=bool),
            backward=backward,
            speed_kmh=network.length_m[arc] / network.time_s[arc] * 3.6,
            length_m=network.length_m[arc],
            time_s=network.time_s[arc],
        ),
        dropped,
    )


def _lines(network: Network) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the arc that each line is drawn as, and whether it stands for both directions."""
    order = np.argsort(network.segment, kind="stable")
    first = np.ones(order.size, dtype=bool)
    first[1:] = network.segment[order[1:]] != network.segment[order[:-1]]
    leader = order[np.flatnonzero(first)[np.cumsum(first) - 1]]
    same = (
        ~first
        & (network.tail[order] == network.head[leader])
        & (network.head[order] == network.tail[leader])
        & (network.length_m[order] == network.length_m[leader])
        & (network.time_s[order] == network.time_s[leader])
    )
    both = np.zeros(network.n_arcs, dtype=bool)
    both[leader[same]] = True
    arc = np.sort(order[~same])
    return arc, both[arc]
