"""Graphs of other programs: networkx graphs and data frames read as columns, the
networks they stand for, and the way back.

networkx, pandas, geopandas and pyproj are imported where they are used and not with
this file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.text.names import close_match
from optimizer.problem.network.arrays import (
    at_fault,
    line_signature,
    paired_segments,
    repeated_problems,
)
from optimizer.problem.network.geodesy import great_circle_m, to_degrees
from optimizer.problem.network.polylines import Polylines
from optimizer.problem.network.road_classes import speed_kmh

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network


def is_graph(value: object) -> bool:
    """Return whether a value is a networkx graph, without importing networkx."""
    return all(
        hasattr(value, name) for name in ("nodes", "edges", "is_directed", "is_multigraph", "graph")
    )


def table_of_graph(graph: Any) -> GraphTable:  # noqa: ANN401 - networkx has no types
    """Return a networkx graph of any of its four kinds as columns.

    Raises
    ------
    InputError
        If it is no networkx graph.
    """
    if not is_graph(graph):
        found = f"a {type(graph).__name__}"
        remedy = "For a file use optimizer.read_region, for frames Network.from_frames"
        raise InputError(Problem("graph", found, "a networkx graph in memory", remedy))
    nodes = list(graph.nodes)
    position = {name: number for number, name in enumerate(nodes)}
    multigraph = bool(graph.is_multigraph())
    edges = list(graph.edges(keys=True, data=True)) if multigraph else list(graph.edges(data=True))
    return GraphTable(
        where="graph",
        node_id=nodes,
        tail=np.fromiter((position[edge[0]] for edge in edges), dtype=np.int32, count=len(edges)),
        head=np.fromiter((position[edge[1]] for edge in edges), dtype=np.int32, count=len(edges)),
        crs=graph.graph.get("crs"),
        given=GivenGraph(
            node_columns=_columns_of_rows([data for _, data in graph.nodes(data=True)]),
            edge_columns=_columns_of_rows([edge[-1] for edge in edges]),
            key=[edge[2] for edge in edges] if multigraph else (),
            attributes=dict(graph.graph),
            directed=bool(graph.is_directed()),
            multigraph=multigraph,
        ),
    )


def graph_of_network(network: Network, attributes: Mapping[str, ArrayLike] | None = None) -> Any:  # noqa: ANN401 - networkx has no types
    """Return the networkx graph of a network; as `Network.to_networkx`."""
    import networkx as nx

    given = network.given
    if given is None:
        graph = nx.MultiDiGraph(crs="epsg:4326")
        nodes = _rows({"x": network.lon.tolist(), "y": network.lat.tolist()}, network.n_nodes)
        arc = np.arange(network.n_arcs)
        described: Mapping[str, Sequence[Any]] = _described(network)
    else:
        kind = {
            (True, True): nx.MultiDiGraph,
            (True, False): nx.DiGraph,
            (False, True): nx.MultiGraph,
            (False, False): nx.Graph,
        }[given.directed, given.multigraph]
        graph = kind(**given.attributes)
        nodes = _rows(given.node_columns, network.n_nodes)
        arc = _first_arcs(network)
        described = given.edge_columns
    measured = {
        "length": network.length_m[arc].tolist(),
        "travel_time": network.time_s[arc].tolist(),
    }
    results = {
        name: _result(name, values, network.n_arcs, arc)
        for name, values in (attributes or {}).items()
    }
    edges = _rows({**described, **measured, **results}, arc.size)
    graph.add_nodes_from(zip(network.node_id.tolist(), nodes, strict=True))
    graph.add_edges_from(
        (*ends, data) for ends, data in zip(_edge_names(network, arc), edges, strict=True)
    )
    return graph


def edge_keys(network: Network) -> list[tuple[Any, ...]]:
    """Return for each arc the edge (u, v, key), or (u, v), by which the graph names it;
    as `Network.edge_keys`.
    """
    given = network.given
    if given is None:
        return _edge_names(network, np.arange(network.n_arcs))
    names = _edge_names(network, _first_arcs(network))
    return names if given.directed else [name for name in names for _ in range(2)]


def _edge_names(network: Network, arc: NDArray[np.int64]) -> list[tuple[Any, ...]]:
    """Return (u, v, key) of some arcs, or (u, v) where the graph has no keys; keys of a
    network of our own count parallel arcs.
    """
    tail, head = (network.node_id[ends[arc]].tolist() for ends in (network.tail, network.head))
    given = network.given
    if given is not None and not given.multigraph:
        return list(zip(tail, head, strict=True))
    keys: Iterable[Any] = (
        given.key if given is not None and len(given.key) else _counted(tail, head)
    )
    return list(zip(tail, head, keys, strict=True))


def _counted(tail: Sequence[Any], head: Sequence[Any]) -> list[int]:
    seen: dict[tuple[Any, Any], int] = {}
    keys = []
    for ends in zip(tail, head, strict=True):
        seen[ends] = seen.get(ends, -1) + 1
        keys.append(seen[ends])
    return keys


def _first_arcs(network: Network) -> NDArray[np.int64]:
    """Return the first arc of each edge of the graph that a network was made of."""
    return np.arange(0, network.n_arcs, 1 if network.given is None or network.given.directed else 2)


def _described(network: Network) -> dict[str, Sequence[Any]]:
    """Return what arcs state beside length and time, with OSMnx's names."""
    bent = np.flatnonzero(network.polylines.count > 2)
    geometry: list[Any] = [ABSENT] * network.n_arcs
    for arc, line in zip(bent.tolist(), network.polylines.take(bent).drawn(), strict=True):
        geometry[arc] = line
    return {
        "highway": network.road_class.tolist(),
        "name": [name or ABSENT for name in network.name.tolist()],
        "ref": [
            ref or ABSENT
            for ref in ([""] * network.n_arcs if network.ref is None else network.ref.tolist())
        ],
        "osmid": [way or ABSENT for way in network.way.tolist()],
        "geometry": geometry,
    }


def _result(name: str, values: ArrayLike, n_arcs: int, arc: NDArray[np.int64]) -> list[Any]:
    column = np.asarray(values)
    if column.shape != (n_arcs,):
        raise InputError(
            Problem(
                f"attribute {name!r}", f"shape {column.shape}", f"one value an arc: ({n_arcs},)"
            )
        )
    return list(column[arc].tolist())


def _columns_of_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return dictionaries as columns, `ABSENT` where a row lacks a name."""
    names = dict.fromkeys(chain.from_iterable(rows))
    return {name: [row.get(name, ABSENT) for row in rows] for name in names}


def _rows(columns: Mapping[str, Sequence[Any]], size: int) -> list[dict[str, Any]]:
    """Return columns as dictionaries, without what is absent."""
    rows: list[dict[str, Any]] = [{} for _ in range(size)]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            if value is not ABSENT:
                row[name] = value
    return rows


# Data frames of nodes and edges, as `osmnx.graph_to_gdfs` makes them, read as columns.
# pandas and geopandas are not imported here.

NODE_IDS = ("osmid", "node_id", "id")
"""Columns that may hold the ids of nodes where the index has no such name, in the order
they are looked for.
"""


def table_of_frames(nodes: Any, edges: Any) -> GraphTable:  # noqa: ANN401 - pandas or geopandas
    """Return two frames as one graph.

    Raises
    ------
    InputError
        If a column is missing, an id is there twice, an edge names a node that is not
        there, or the frames differ in their coordinate system.
    """
    problems = ProblemList()
    for name, frame in (("nodes", nodes), ("edges", edges)):
        if not (hasattr(frame, "columns") and hasattr(frame, "index")):
            problems.add(
                name,
                f"a {type(frame).__name__}",
                "a data frame",
                "Use Network.from_arrays for arrays",
            )
    problems.raise_if_any()
    crs, edge_crs = getattr(nodes, "crs", None), getattr(edges, "crs", None)
    crs = edge_crs if crs is None else crs
    if edge_crs is not None and crs != edge_crs:
        remedy = "Bring one to the other: edges.to_crs(nodes.crs)"
        problems.add(
            "nodes and edges",
            f"{_name(crs)} and {_name(edge_crs)}",
            "one coordinate system",
            remedy,
        )
    node_id = _frame_node_ids(nodes, problems)
    node_columns = _frame_columns(nodes, leave={"geometry"})
    if not {"x", "y"} <= set(node_columns):
        node_columns |= _points(nodes, problems)
    ends = _frame_ends(edges, problems)
    problems.raise_if_any()
    position = {name: number for number, name in enumerate(node_id)}
    tail, head = (_end_positions(ends[side], position, side) for side in "uv")
    key = ends.get("key", [])
    triples = [repr(each) for each in zip(ends["u"], ends["v"], key, strict=True)] if key else []
    repeated = (
        repeated_problems("edges, (u, v, key)", np.array(triples), "each edge once")
        if triples
        else []
    )
    if faults := [*repeated_problems("nodes, ids", np.array(node_id), "each node once"), *repeated]:
        raise InputError(*faults)
    return GraphTable(
        where="frames",
        node_id=node_id,
        tail=tail,
        head=head,
        crs=crs,
        given=GivenGraph(
            node_columns,
            _frame_columns(edges, leave={"u", "v", "key"}),
            key,
            {} if crs is None else {"crs": crs},
        ),
    )


def _frame_node_ids(nodes: Any, problems: ProblemList) -> list[Any]:  # noqa: ANN401 - as above
    """Return the ids of nodes: the index where it is named like one, or else the first
    column that is, or else the index.
    """
    column = next((name for name in NODE_IDS if name in nodes.columns), None)
    if nodes.index.nlevels > 1:
        problems.add(
            "nodes", f"an index of {nodes.index.nlevels} levels", "one id a node", "Reset the index"
        )
        return []
    if nodes.index.name in NODE_IDS or column is None:
        return list(nodes.index.tolist())
    return list(nodes[column].tolist())


def _points(nodes: Any, problems: ProblemList) -> dict[str, list[Any]]:  # noqa: ANN401 - as above
    """Return x and y of a frame that has points in place of them."""
    if "geometry" not in nodes.columns:
        found = ", ".join(map(str, nodes.columns)) or "none"
        problems.add("nodes, columns", found, "x and y, or a geometry of points", "Add them")
        return {}
    return {axis: [getattr(point, axis, ABSENT) for point in nodes["geometry"]] for axis in "xy"}


def _frame_ends(edges: Any, problems: ProblemList) -> dict[str, list[Any]]:  # noqa: ANN401 - as above
    """Return the columns u, v and, where it is there, key, from the index or the columns."""
    levels = {
        name: edges.index.get_level_values(name).tolist()
        for name in edges.index.names
        if name is not None
    }
    ends = {}
    for name in ("u", "v", "key"):
        if name in edges.columns:
            ends[name] = list(edges[name].tolist())
        elif name in levels:
            ends[name] = list(levels[name])
        elif name != "key":
            near = close_match(name, [str(column) for column in edges.columns])
            found = f"no {name} among {', '.join(map(str, [*levels, *edges.columns]))}"
            problems.add(
                "edges, columns",
                found,
                "u and v, in the index or as columns",
                near or "Name the ends u and v",
            )
    return ends


def _end_positions(names: list[Any], position: dict[Any, int], side: str) -> NDArray[np.int32]:
    found = np.array([position.get(name, -1) for name in names], dtype=np.int32)
    problems = at_fault(
        f"edges, {side}",
        found < 0,
        lambda row: repr(names[row]),
        "an id of the nodes",
        "Add the node, or drop the edge",
    )
    if problems:
        raise InputError(*problems)
    return found


def _frame_columns(frame: Any, leave: set[str]) -> dict[str, list[Any]]:  # noqa: ANN401 - as above
    """Return the columns of a frame but some, with gaps as `ABSENT`."""
    return {
        str(name): [ABSENT if is_absent(value) else value for value in frame[name].tolist()]
        for name in frame.columns
        if name not in leave
    }


def _name(crs: Any) -> str:  # noqa: ANN401 - a pyproj.CRS
    return str(getattr(crs, "srs", crs))


# A graph of another program as columns, and the network it stands for.
#
# Attributes have OSMnx's names. What an edge does not state has a default: its length
# is measured along its line; its time is its length at `speed_kph`, or else at
# `maxspeed` and the default speed of its class; its class is `road`. Positions default
# to 0, 0 where no node has any, and every edge then needs a length.

SHORTEST_M = 0.01
"""Length in metres of an edge without one whose ends share a spot."""


class Absent(Enum):
    """Marks an attribute that a node or edge does not have."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True)
class GivenGraph:
    """What a graph states beyond the arrays of a network, so that it can be given back."""

    #: `node_columns`, `edge_columns`: Name -> values as given, `ABSENT` where there is
    #: none, one a node or edge.
    node_columns: Mapping[str, Sequence[Any]]
    edge_columns: Mapping[str, Sequence[Any]]
    #: Key of each edge; empty where edges have none.
    key: Sequence[Any] = ()
    #: Attributes of the graph itself.
    attributes: Mapping[str, Any] = field(default_factory=dict)
    #: `directed`, `multigraph`: Kind of the graph. Without directions each edge is two
    #: arcs, next to each other.
    directed: bool = True
    multigraph: bool = True


@dataclass(frozen=True)
class AttributeNames:
    """Names of the attributes that are read: metres, seconds and km/h of an edge."""

    length: str = "length"
    travel_time: str = "travel_time"
    speed: str = "speed_kph"


@dataclass(frozen=True)
class GraphTable:
    """A graph as columns."""

    #: What to call it in messages.
    where: str
    #: Names of the n nodes.
    node_id: Sequence[Any]
    #: `tail`, `head`: (e,) positions of the ends of each edge.
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    #: Coordinate system of `x`, `y` and `geometry`: anything that pyproj understands.
    crs: object
    #: Its attributes and kind.
    given: GivenGraph

    def edge_name(self, edge: int) -> str:
        """Return what to call an edge in messages."""
        key = f", {self.given.key[edge]!r}" if len(self.given.key) else ""
        return f"edge ({self.node_id[self.tail[edge]]!r}, {self.node_id[self.head[edge]]!r}{key})"


def network_fields(table: GraphTable, names: AttributeNames) -> dict[str, Any]:
    """Return the fields of the network of a graph: one arc an edge, in its order, or
    two next to each other where it has no directions.

    Raises
    ------
    InputError
        With every fault of the nodes, or every fault of the edges.
    """
    node_id = _node_ids(table)
    xy = _positions(table)
    lonlat = (
        np.zeros((node_id.size, 2))
        if xy is None
        else to_degrees(xy, table.crs, f"{table.where}, nodes")
    )
    lines = edge_lines(
        table.given.edge_columns.get("geometry", ()),
        lonlat,
        (table.tail, table.head),
        table.crs,
        table.where,
    )
    length = _lengths(table, names.length, None if xy is None else lines)
    road_class = _texts(table, ("highway", "road_class"), "road")
    time = _times(table, names, length, road_class)
    way = np.array([_whole(text) for text in _texts(table, ("osmid",), "")], dtype=np.int64)
    ref = _texts(table, ("ref",), "")
    name = _texts(table, ("name",), "")
    directed = table.given.directed
    edge = np.arange(table.tail.size) if directed else np.repeat(np.arange(table.tail.size), 2)
    back = np.zeros(edge.size, dtype=bool) if directed else np.arange(edge.size) % 2 == 1
    alike = [
        *line_signature(lines.shape_start, lines.shape()),
        way,
        np.round(length * 1000).astype(np.int64),
    ]
    return {
        "node_id": node_id,
        "lon": np.ascontiguousarray(lonlat[:, 0]),
        "lat": np.ascontiguousarray(lonlat[:, 1]),
        "tail": np.where(back, table.head[edge], table.tail[edge]),
        "head": np.where(back, table.tail[edge], table.head[edge]),
        "length_m": length[edge],
        "time_s": time[edge],
        "road_class": road_class[edge],
        "name": np.where(name == "", ref, name)[edge],
        "way": way[edge],
        "segment": (
            paired_segments(table.tail, table.head, alike) if directed else edge.astype(np.int32)
        ),
        "polylines": lines.take(edge, back) if back.any() else lines,
        "ref": ref[edge],
        "given": table.given,
    }


def _node_ids(table: GraphTable) -> NDArray[Any]:
    """Return the ids of the nodes: integers where all are, strings where all are."""
    where, ids = table.where, table.node_id
    if not len(ids):
        raise InputError(
            Problem(where, "no nodes", "at least one node", "Check where the graph comes from")
        )
    if not table.tail.size:
        raise InputError(
            Problem(where, "no edges", "at least one edge", "Check where the graph comes from")
        )
    if all(isinstance(name, int | np.integer) and not isinstance(name, bool) for name in ids):
        return np.array(ids, dtype=np.int64)
    if all(isinstance(name, str) for name in ids):
        return np.array(ids, dtype=np.str_)
    odd = next(
        name for name in ids if isinstance(name, bool) or not isinstance(name, int | np.integer)
    )
    raise InputError(
        Problem(
            f"{where}, nodes",
            f"the node {odd!r} of type {type(odd).__name__}",
            "nodes that are all integers or all strings",
            'Rename them: networkx.convert_node_labels_to_integers(G, label_attribute="label")',
        )
    )


def _positions(table: GraphTable) -> NDArray[np.float64] | None:
    """Return (n, 2) x and y of the nodes as stated; None where no node states any."""
    columns = [table.given.node_columns.get(axis, ()) for axis in "xy"]
    if not any(value is not ABSENT for column in columns for value in column):
        return None
    axes = [_numbers(column, len(table.node_id)) for column in columns]
    problems = ProblemList()
    for axis, values in zip("xy", axes, strict=True):
        for problem in at_fault(
            f"{table.where}, nodes, {axis}",
            ~np.isfinite(values),
            lambda row: f"nothing, or no number, of node {table.node_id[row]!r}",
            "a number at every node, or at none",
            "Add it",
        ):
            problems.append(problem)
    problems.raise_if_any()
    return np.column_stack(axes)


def _lengths(table: GraphTable, name: str, lines: Polylines | None) -> NDArray[np.float64]:
    """Return (e,) metres of each edge: as stated, or else along its line; `lines` is
    None where nodes have no positions.
    """
    stated = _stated(table, name, "a length in metres above 0")
    missing = np.isnan(stated)
    if not missing.any():
        return stated
    if lines is None:
        raise InputError(
            *at_fault(
                f"{table.where}, edges, {name}",
                missing,
                lambda edge: f"no length of {table.edge_name(edge)}",
                "metres at every edge, as no node has a position to measure from",
                f"Add the attribute {name!r}, or x and y to the nodes",
            )
        )
    return np.where(missing, np.maximum(lengths_m(lines), SHORTEST_M), stated)


def _times(
    table: GraphTable,
    names: AttributeNames,
    length: NDArray[np.float64],
    road_class: NDArray[np.str_],
) -> NDArray[np.float64]:
    """Return (e,) seconds of each edge: as stated, or else its length at its speed."""
    stated = _stated(table, names.travel_time, "a time in seconds above 0")
    speed = _stated(table, names.speed, "a speed in km/h above 0")
    if not (np.isnan(stated) & np.isnan(speed)).any():
        return np.where(np.isnan(stated), length / (speed / 3.6), stated)
    limits = _texts(table, ("maxspeed",), "")
    known: dict[tuple[str, str], float] = {}
    default = np.array(
        [
            known.get(pair) or known.setdefault(pair, speed_kmh(*pair))
            for pair in zip(road_class.tolist(), limits.tolist(), strict=True)
        ]
    )
    speed = np.where(np.isnan(speed), default, speed)
    return np.where(np.isnan(stated), length / (speed / 3.6), stated)


def _stated(table: GraphTable, name: str, expected: str) -> NDArray[np.float64]:
    """Return (e,) numbers that edges state, NaN where they state none; refuse those
    that are not finite numbers above 0.
    """
    column = table.given.edge_columns.get(name, ())
    if not len(column):
        return np.full(table.tail.size, np.nan)
    values = _numbers(column, table.tail.size)
    silent = np.array([is_absent(value) for value in column])
    problems = at_fault(
        f"{table.where}, edges, {name}",
        ~silent & ~(np.isfinite(values) & (values > 0)),
        lambda edge: f"{column[edge]!r} of {table.edge_name(edge)}",
        expected,
        "Correct it, or leave it out for the default",
    )
    if problems:
        raise InputError(*problems)
    return values


def _texts(table: GraphTable, names: Sequence[str], default: str) -> NDArray[np.str_]:
    """Return (e,) texts of the first of some attributes that an edge states; the first
    of a list.
    """
    texts = [default] * table.tail.size
    for name in reversed(names):
        known: dict[Any, str] = {}
        column = table.given.edge_columns.get(name, ())
        for edge, value in enumerate(column):
            if value is ABSENT:
                continue
            text = known.get(value) if isinstance(value, str) else None
            if text is None:
                text = first_text(value)
                if isinstance(value, str):
                    known[value] = text
            texts[edge] = text or texts[edge]
    return np.array(texts, dtype=np.str_)


def _numbers(column: Sequence[Any], size: int) -> NDArray[np.float64]:
    """Return (size,) numbers; NaN for what is none. Text counts where it reads as a number."""
    if not len(column):
        return np.full(size, np.nan)
    return np.fromiter((_number(value) for value in column), dtype=np.float64, count=size)


def _number(value: Any) -> float:  # noqa: ANN401 - whatever a graph holds
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _whole(text: str) -> int:
    try:
        number = int(text or 0)
    except ValueError:
        return 0
    return number if abs(number) < 2**63 else 0


def is_absent(value: object) -> bool:
    """Return whether a value says nothing: absent, None or NaN, as data frames fill gaps."""
    return (
        value is ABSENT
        or value is None
        or (isinstance(value, float | np.floating) and bool(np.isnan(value)))
    )


FARTHEST_LINE_END_M = 10_000.0
"""Metres that the end of a line may lie from its node: farther off the two are in
different coordinate systems.
"""


def lengths_m(lines: Polylines) -> NDArray[np.float64]:
    """Return (m,) metres along each line, measured in the direction of travel."""
    own = lines.own()
    points = own.points.degrees()
    a, b = points[:-1], points[1:]
    along = np.concatenate(([0.0], great_circle_m(a[:, 0], a[:, 1], b[:, 0], b[:, 1])))
    along[own.start[:-1]] = 0.0  # from the end of one line to the beginning of the next
    return np.asarray(np.add.reduceat(along, own.start[:-1]))


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
        (e,) shapely lines or their text (WKT), anything else for straight edges; or
        empty.
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
    # OSMnx draws an edge of an undirected graph once, from either end: a line is turned
    # round where its ends then lie nearer to the nodes.
    as_drawn, turned = (
        np.maximum(_apart(first, begin), _apart(last, end)),
        np.maximum(_apart(first, end), _apart(last, begin)),
    )
    problems = at_fault(
        f"{where}, edges, geometry",
        np.minimum(as_drawn, turned) > FARTHEST_LINE_END_M,
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


def first_text(value: Any) -> str:  # noqa: ANN401 - whatever a file holds
    """Return a value as text: the first of a list, or of a list that OSMnx wrote as the
    text `['a', 'b']` or `[1, 2]`; empty for nothing.
    """
    if isinstance(value, list | tuple | set):
        value = next(iter(value), None)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = str(value).strip()
    match = re.match(r"[\[{(]\s*(?:'([^']*)'|\"([^\"]*)\"|([^,\]})]*))", text)
    return (
        next((group for group in match.groups() if group is not None), "").strip()
        if match
        else text
    )


def above_zero(value: Any) -> float:  # noqa: ANN401 - whatever a file holds
    """Return a value as a finite number above 0; NaN where it is none."""
    try:
        number = float(first_text(value) or "nan")
    except ValueError:
        return math.nan
    return number if 0 < number < math.inf else math.nan
