"""networkx graphs in memory: read as columns, and made from networks. networkx is imported where a graph is made."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.problem.graph_table import ABSENT, GraphTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from optimizer.problem.graph_table import GivenGraph
    from optimizer.problem.network import Network


def is_graph(value: object) -> bool:
    """Return whether a value is a networkx graph, without importing networkx."""
    return all(hasattr(value, name) for name in ("nodes", "edges", "is_directed", "is_multigraph", "graph"))


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
        key=[edge[2] for edge in edges] if multigraph else (),
        node_columns=_columns([data for _, data in graph.nodes(data=True)]),
        edge_columns=_columns([edge[-1] for edge in edges]),
        crs=graph.graph.get("crs"),
        directed=bool(graph.is_directed()),
        multigraph=multigraph,
        attributes=dict(graph.graph),
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
        arc = _first_arcs(given)
        described = given.edge_columns
    measured = {"length": network.length_m[arc].tolist(), "travel_time": network.time_s[arc].tolist()}
    results = {name: _result(name, values, network.n_arcs, arc) for name, values in (attributes or {}).items()}
    edges = _rows({**described, **measured, **results}, arc.size)
    graph.add_nodes_from(zip(network.node_id.tolist(), nodes, strict=True))
    graph.add_edges_from((*ends, data) for ends, data in zip(_ends(network, arc), edges, strict=True))
    return graph


def edge_keys(network: Network) -> list[tuple[Any, ...]]:
    """Return for each arc the edge (u, v, key), or (u, v), by which the graph names it; as `Network.edge_keys`."""
    given = network.given
    if given is None:
        return _ends(network, np.arange(network.n_arcs))
    names = _ends(network, _first_arcs(given))
    return [names[edge] for edge in given.edge.tolist()]


def _ends(network: Network, arc: NDArray[np.int64]) -> list[tuple[Any, ...]]:
    """Return (u, v, key) of some arcs, or (u, v) where the graph has no keys; keys of a network of our own count parallel arcs."""
    tail, head = (network.node_id[ends[arc]].tolist() for ends in (network.tail, network.head))
    given = network.given
    if given is not None and not given.multigraph:
        return list(zip(tail, head, strict=True))
    keys: Iterable[Any] = given.key if given is not None and len(given.key) else _counted(tail, head)
    return list(zip(tail, head, keys, strict=True))


def _counted(tail: Sequence[Any], head: Sequence[Any]) -> list[int]:
    seen: dict[tuple[Any, Any], int] = {}
    keys = []
    for ends in zip(tail, head, strict=True):
        seen[ends] = seen.get(ends, -1) + 1
        keys.append(seen[ends])
    return keys


def _first_arcs(given: GivenGraph) -> NDArray[np.int64]:
    """Return the first arc of each edge."""
    return np.unique(given.edge, return_index=True)[1]


def _described(network: Network) -> dict[str, Sequence[Any]]:
    """Return what arcs state beside length and time, with OSMnx's names."""
    bent = np.flatnonzero(network.polylines.count > 2)
    geometry: list[Any] = [ABSENT] * network.n_arcs
    for arc, line in zip(bent.tolist(), network.polylines.take(bent).drawn(), strict=True):
        geometry[arc] = line
    return {
        "highway": network.road_class.tolist(),
        "name": [name or ABSENT for name in network.name.tolist()],
        "ref": [ref or ABSENT for ref in ([""] * network.n_arcs if network.ref is None else network.ref.tolist())],
        "osmid": [way or ABSENT for way in network.way.tolist()],
        "geometry": geometry,
    }


def _result(name: str, values: ArrayLike, n_arcs: int, arc: NDArray[np.int64]) -> list[Any]:
    column = np.asarray(values)
    if column.shape != (n_arcs,):
        raise InputError(Problem(f"attribute {name!r}", f"shape {column.shape}", f"one value an arc: ({n_arcs},)"))
    return list(column[arc].tolist())


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
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
