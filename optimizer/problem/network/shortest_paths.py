"""Shortest paths on an arc table.

Parallel arcs are kept in the table and reduced to the cheapest for each search, because
SciPy's CSR constructor would *sum* them. Explicit zeros stay arcs of no cost; an arc of
infinite cost is blocked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra


@dataclass(frozen=True)
class CostGraph:
    """Arcs with one cost each, reduced by minimum over parallels."""

    #: (n, n) CSR of costs >= 0.
    matrix: csr_array
    #: (nnz,) index into the arc table of the arc each stored entry stands for.
    arc: NDArray[np.int64]

    def distances(
        self, sources: Sequence[int] | NDArray[np.integer], *, limit: float = np.inf
    ) -> NDArray[np.float64]:
        """Return the (len(sources), n) costs of cheapest paths; infinity where there is
        none within `limit`.
        """
        return np.atleast_2d(
            dijkstra(self.matrix, indices=np.asarray(sources, dtype=np.int32), limit=limit)
        )

    def trees(
        self, sources: Sequence[int] | NDArray[np.integer]
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return costs and predecessors, both (len(sources), n); a predecessor below 0
        means none.
        """
        costs, predecessors = dijkstra(
            self.matrix, indices=np.asarray(sources, dtype=np.int32), return_predecessors=True
        )
        return np.atleast_2d(costs), np.atleast_2d(predecessors)

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        """(nnz,) row * n + column of each stored entry, rising, so that one binary
        search finds arcs by their ends.
        """
        n = self.matrix.shape[0]
        rows = np.repeat(np.arange(n, dtype=np.int64), np.diff(self.matrix.indptr))
        return np.asarray(rows * n + self.matrix.indices)

    def _between(self, tails: NDArray[np.integer], heads: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the (k,) arcs from some nodes to neighbours of theirs."""
        wanted = tails.astype(np.int64) * self.matrix.shape[0] + heads
        return np.asarray(self.arc[np.searchsorted(self._keys, wanted)])

    def entering(self, predecessors: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the (n,) arc by which a tree, given by its (n,) predecessors, enters
        each node; -1 at its root and where it does not reach.
        """
        reached = np.flatnonzero(predecessors >= 0)
        arcs = np.full(self.matrix.shape[0], -1, dtype=np.int64)
        arcs[reached] = self._between(predecessors[reached], reached)
        return arcs

    def paths(
        self, predecessors: NDArray[np.int32], targets: Iterable[int]
    ) -> list[tuple[int, ...]]:
        """Return for each target the arcs of the tree path that ends there, from the
        root on (none at the root or when unreached).
        """
        before = predecessors.tolist()
        # paths of one tree share their beginnings: each is walked back to where an
        # earlier one was met, and taken from there
        # node -> the path that met it first, how many of its arcs lead there
        met: dict[int, tuple[int, int]] = {}
        heads: list[int] = []
        parts: list[tuple[int, int, int, int]] = []
        for number, target in enumerate(targets):
            node, first = target, len(heads)
            while before[node] >= 0 and node not in met:
                heads.append(node)
                node = before[node]
            heads[first:] = reversed(heads[first:])
            earlier, shared = met.get(node, (0, 0))
            parts.append((earlier, shared, first, len(heads)))
            met |= {head: (number, count) for count, head in enumerate(heads[first:], shared + 1)}
        along = np.array(heads, dtype=np.int64)
        arcs = self._between(predecessors[along], along).tolist()
        paths: list[tuple[int, ...]] = []
        for earlier, shared, first, last in parts:
            paths.append((paths[earlier][:shared] if shared else ()) + tuple(arcs[first:last]))
        return paths


@dataclass(frozen=True, eq=False)
class ArcOrder:
    """Arcs in the order of a CSR matrix, found once for searches under many costs."""

    #: Number of nodes n.
    n_nodes: int
    #: (m,) arcs by row, then column, then position.
    order: NDArray[np.int64]
    #: (pairs,) place in `order` of the first arc of each pair of nodes.
    first: NDArray[np.int64]
    #: (pairs,) column of each pair.
    columns: NDArray[np.int32]
    #: (n + 1,) place in `columns` of the first pair of each row.
    start: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        n_nodes: int,
        tail: NDArray[np.integer],
        head: NDArray[np.integer],
        *,
        reverse: bool = False,
    ) -> ArcOrder:
        """Order arcs given by (m,) node positions in [0, n); `reverse` turns every arc
        round, for searches towards a destination.
        """
        if reverse:
            tail, head = head, tail
        order = np.lexsort((head, tail))
        rows, columns = tail[order], head[order]
        begins = np.ones(order.size, dtype=bool)
        begins[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        first = np.flatnonzero(begins)
        start = np.zeros(n_nodes + 1, dtype=np.int32)
        np.cumsum(np.bincount(rows[first], minlength=n_nodes), out=start[1:])
        return cls(n_nodes, order, first, columns[first].astype(np.int32), start)

    @cached_property
    def _parallel(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of several arcs, their arcs one after the other, and the place in
        `_parallel[0]` of the pair of each.
        """
        size = np.diff(np.append(self.first, self.order.size))
        several = np.flatnonzero(size > 1)
        pair = np.repeat(np.arange(several.size), size[several])
        place = np.arange(pair.size) - np.repeat(
            np.cumsum(size[several]) - size[several], size[several]
        )
        return several, self.order[self.first[several][pair] + place], pair

    def graph(self, cost: NDArray[np.float64]) -> CostGraph:
        """Return the graph under (m,) costs >= 0; infinity blocks an arc. Of parallel
        arcs the cheapest is kept, the first of equal ones.
        """
        kept = self.order[self.first]
        several, arcs, pair = self._parallel
        if several.size:
            cheapest = np.lexsort((cost[arcs], pair))
            kept[several] = arcs[cheapest[np.searchsorted(pair, np.arange(several.size))]]
        costs = cost[kept]
        open_ = np.isfinite(costs)
        columns, start = self.columns, self.start
        if not open_.all():
            kept = kept[open_]
            costs = costs[open_]
            columns = columns[open_]
            start = np.concatenate(([0], np.cumsum(open_)))[start].astype(np.int32)
        return CostGraph(
            csr_array((costs, columns, start), shape=(self.n_nodes, self.n_nodes)), kept
        )


def cost_graph(
    n_nodes: int,
    tail: NDArray[np.integer],
    head: NDArray[np.integer],
    cost: NDArray[np.float64],
    *,
    reverse: bool = False,
) -> CostGraph:
    """Build a `CostGraph` from arc arrays; where many costs are searched on the same
    arcs, `ArcOrder` sorts them once.

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
    return ArcOrder.of(n_nodes, tail, head, reverse=reverse).graph(cost)


@dataclass(frozen=True, slots=True)
class ShortestPathTree:
    """The quickest ways from every node to a set of nodes."""

    #: (n,) first arc of the way; -1 at the nodes of the set, and where there is no way.
    arc: NDArray[np.int64]
    #: (n,) cost of the way; infinity where there is none.
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
    tails, heads = (
        np.concatenate((tail, ends)),
        np.concatenate((head, np.full(ends.size, n, dtype=np.int32))),
    )
    costs = np.concatenate((cost, np.zeros(ends.size)))  # a sink behind all of them
    graph = cost_graph(n + 1, tails, heads, costs, reverse=True)
    away, predecessors = graph.trees([n])
    first = graph.entering(predecessors[0])[:n]
    return ShortestPathTree(np.where(first < tail.size, first, -1), away[0, :n])
