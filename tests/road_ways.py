"""Shortest ways over roads between places, to hold a network against distances that are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from instances.build_scenario import place
from optimizer.problem.network.network import Network


def ways_between(network: Network, pairs: list[tuple[str, str]], chosen: NDArray[np.bool_]) -> list[float]:
    """Return the kilometres of the shortest way between the nodes nearest to pairs of places, over some of the arcs."""
    size = network.n_nodes
    order = np.argsort(-network.length_m[chosen])  # of parallel arcs the shortest stands last, and is kept
    tail, head, length = (column[chosen][order] for column in (network.tail, network.head, network.length_m))
    key, last = np.unique((tail.astype(np.int64) * size + head)[::-1], return_index=True)
    graph = coo_array((length[::-1][last], (key // size, key % size)), shape=(size, size)).tocsr()
    lon, lat = np.array([place(text) for pair in pairs for text in pair]).T
    nodes, _ = network.nearest_nodes(lon, lat)
    found = dijkstra(graph, indices=nodes[::2])
    return [float(found[row, node]) / 1000 for row, node in enumerate(nodes[1::2])]
