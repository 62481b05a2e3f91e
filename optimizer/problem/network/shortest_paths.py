"""Shortest paths on an arc table.

Parallel arcs are kept in the table and reduced to the cheapest for each search, because SciPy's CSR constructor would *sum* them.
Explicit zeros stay arcs of no cost; an arc of infinite cost is blocked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CostGraph:
    """Arcs with one cost each, reduced by minimum over parallels.

    Attributes
    ----------
    matrix
        (n, n) CSR of costs >= 0.
    arc
        (nnz,) index into the arc table of the arc each stored entry stands for.
    """

    matrix: csr_array
    arc: NDArray[np.int64]

    def distances(self, sources: Sequence[int] | NDArray[np.integer], *, limit: float = np.inf) -> NDArray[np.float64]:
        """Return the (len(sources), n) costs of cheapest paths; infinity where there is none within `limit`."""
        return np.atleast_2d(dijkstra(self.matrix, indices=np.asarray(sources, dtype=np.int32), limit=limit))

    def trees(self, sources: Sequence[int] | NDArray[np.integer]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return costs and predecessors, both (len(sources), n); a predecessor below 0 means none."""
        costs, predecessors = dijkstra(
            self.matrix, indices=np.asarray(sources, dtype=np.int32), return_predecessors=True
        )
        return np.atleast_2d(costs), np.atleast_2d(predecessors)

    def entering(self, predecessors: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the (n,) arc by which a tree, given by its (n,) predecessors, enters each node; -1 at its root and where it does not reach."""
        n = self.matrix.shape[0]
        reached = np.flatnonzero(predecessors >= 0)
        rows = np.repeat(np.arange(n, dtype=np.int64), np.diff(self.matrix.indptr))
        # Entries of a sorted CSR matrix are ordered by row * n + column, so that one binary search finds all arcs (predecessor, node).
        entry = np.searchsorted(rows * n + self.matrix.indices, predecessors[reached].astype(np.int64) * n + reached)
        arcs = np.full(n, -1, dtype=np.int64)
        arcs[reached] = self.arc[entry]
        return arcs

    def paths(self, predecessors: NDArray[np.int32], targets: Iterable[int]) -> list[tuple[int, ...]]:
        """Return for each target the arcs of the tree path that ends there, from the root on (none at the root or when unreached)."""
        entering, before = self.entering(predecessors).tolist(), predecessors.tolist()
        paths = []
        for target in targets:
            arcs = []
            node = target
            while (arc := entering[node]) >= 0:
                arcs.append(arc)
                node = before[node]
            paths.append(tuple(reversed(arcs)))
        return paths


def cost_graph(
    n_nodes: int,
    tail: NDArray[np.integer],
    head: NDArray[np.integer],
    cost: NDArray[np.float64],
    *,
    reverse: bool = False,
) -> CostGraph:
    """Build a `CostGraph` from arc arrays.

    Parameters
    ----------
    n_nodes
        Number of nodes n.
    tail, head
        (m,) node positions in [0, n).
    cost
        (m,) costs >= 0; infinity blocks the arc.
    reverse
        Turn every arc round, for searches towards a destination.
    """
    if reverse:
        tail, head = head, tail
    usable = np.flatnonzero(np.isfinite(cost))
    # Of parallel arcs the cheapest comes first, and is kept.
    order = usable[np.lexsort((cost[usable], head[usable], tail[usable]))]
    rows, columns = tail[order], head[order]
    first = np.ones(order.size, dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
    kept = order[first]
    start = np.zeros(n_nodes + 1, dtype=np.int32)
    np.cumsum(np.bincount(tail[kept], minlength=n_nodes), out=start[1:])
    matrix = csr_array((cost[kept], head[kept].astype(np.int32), start), shape=(n_nodes, n_nodes))
    return CostGraph(matrix, kept)


@dataclass(frozen=True, slots=True)
class ShortestPathTree:
    """The quickest ways from every node to a set of nodes.

    Attributes
    ----------
    arc
        (n,) first arc of the way; -1 at the nodes of the set, and where there is no way.
    cost
        (n,) cost of the way; infinity where there is none.
    """

    arc: NDArray[np.int64]
    cost: NDArray[np.float64]


def shortest_path_tree(
    n_nodes: int,
    tail: NDArray[np.integer],
    head: NDArray[np.integer],
    cost: NDArray[np.float64],
    nodes: Sequence[int] | NDArray[np.integer],
) -> ShortestPathTree:
    """Return the cheapest ways from every node to the nearest of some nodes.

    Parameters
    ----------
    n_nodes
        Number of nodes n.
    tail, head, cost
        (m,) arcs as in `cost_graph`.
    nodes
        Where the ways end.
    """
    ends, n = np.asarray(nodes, dtype=np.int32), n_nodes
    tails, heads = np.concatenate((tail, ends)), np.concatenate((head, np.full(ends.size, n, dtype=np.int32)))
    costs = np.concatenate((cost, np.zeros(ends.size)))  # a sink behind all of them
    graph = cost_graph(n + 1, tails, heads, costs, reverse=True)
    away, predecessors = graph.trees([n])
    first = graph.entering(predecessors[0])[:n]
    return ShortestPathTree(np.where(first < tail.size, first, -1), away[0, :n])
