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
    from collections.abc import Sequence

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

    def trace(self, predecessors: NDArray[np.int32], target: int) -> list[int]:
        """Return the arcs of the tree path that ends in `target`, in order of travel (empty at the root or when unreached)."""
        arcs: list[int] = []
        node = target
        while (before := int(predecessors[node])) >= 0:
            arcs.append(self._arc_between(before, node))
            node = before
        arcs.reverse()
        return arcs

    def arc_into(self, predecessors: NDArray[np.int32], node: int) -> int:
        """Return the arc by which a tree enters `node`; -1 at the root and where the tree does not reach."""
        before = int(predecessors[node])
        return self._arc_between(before, node) if before >= 0 else -1

    def _arc_between(self, tail: int, head: int) -> int:
        start, end = int(self.matrix.indptr[tail]), int(self.matrix.indptr[tail + 1])
        return int(self.arc[start + np.searchsorted(self.matrix.indices[start:end], head)])


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
    order = usable[np.lexsort((cost[usable], head[usable], tail[usable]))]
    rows, columns = tail[order], head[order]
    first = np.ones(order.size, dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
    kept = order[first]
    start = np.zeros(n_nodes + 1, dtype=np.int32)
    np.cumsum(np.bincount(tail[kept], minlength=n_nodes), out=start[1:])
    matrix = csr_array((cost[kept], head[kept].astype(np.int32), start), shape=(n_nodes, n_nodes))
    return CostGraph(matrix, kept)
