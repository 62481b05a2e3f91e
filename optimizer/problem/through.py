"""The network as the searches of informed evaders need it: without dead ends, a road between two junctions as one arc.

Both are exact under every plan. A way between two ends has no reason to enter a dead end: it would have to come back to the node where it
left the road. A node with two neighbours, where no evader begins or ends, is passed from one of them to the other; so the arcs of such a road
come all or none, and in this order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.problem.evaders import arc_costs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.evaders import Searches


@dataclass(frozen=True)
class ThroughNetwork:
    """A network reduced to the roads between junctions and ends of evaders, and searches on it.

    Attributes
    ----------
    n_nodes
        Junctions and ends n.
    tail, head
        (roads,) positions of the ends of each road in [0, n).
    arcs
        (roads, m) 1 for each arc of the whole network that a road travels.
    searches
        The searches, over junctions and ends.
    """

    n_nodes: int
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    arcs: csr_array
    searches: Searches

    @classmethod
    def of(
        cls, n_nodes: int, tail: NDArray[np.integer], head: NDArray[np.integer], searches: Searches
    ) -> ThroughNetwork:
        """Return the reduced form of a network of (m,) tails and heads."""
        ends = np.zeros(n_nodes, dtype=bool)
        ends[searches.roots] = ends[searches.leaf] = True
        nodes = _without_dead_ends(tail, head, ends)
        left = np.flatnonzero(nodes[tail] & nodes[head] & (tail != head))
        inner = nodes & ~ends & _passed(tail[left].astype(np.int64), head[left].astype(np.int64), n_nodes)
        onward = _onward(left, tail, head, inner)
        at = left[~inner[tail[left]]]
        first, road = at, np.arange(at.size)
        steps, last = [np.array((road, at))], at.copy()
        while at.size:
            going = inner[head[at]]
            at, road = onward[at[going]], road[going]
            last[road] = at
            at, road = at[at >= 0], road[at >= 0]
            steps.append(np.array((road, at)))
        ended = np.flatnonzero(last >= 0)
        row, arc = np.concatenate(steps, axis=1)
        table = csr_array((np.ones(row.size), (row, arc)), shape=(first.size, tail.size))[ended]
        kept = nodes & ~inner
        place = np.cumsum(kept) - 1
        there = replace(searches, roots=place[searches.roots], leaf=place[searches.leaf])
        return cls(int(kept.sum()), place[tail[first[ended]]], place[head[last[ended]]], csr_array(table), there)

    def values(self, survival: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (evaders,) largest products along a way of the (m,) chances to pass each arc; 0 where every way is blocked."""
        return self.searches.values_at(self.n_nodes, self.tail, self.head, self.arcs @ arc_costs(survival))


def _without_dead_ends(
    tail: NDArray[np.integer], head: NDArray[np.integer], ends: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the mask of the nodes that are left when nodes of one neighbour, ends aside, are taken away until there are none."""
    n = ends.size
    low, high = np.minimum(tail, head).astype(np.int64), np.maximum(tail, head).astype(np.int64)
    one, other = np.divmod(np.unique((low * n + high)[low != high]), n)
    nodes = np.ones(n, dtype=bool)
    while True:
        neighbours = np.bincount(one, minlength=n) + np.bincount(other, minlength=n)
        dead = nodes & ~ends & (neighbours <= 1)
        if not dead.any():
            return nodes
        nodes &= ~dead
        left = nodes[one] & nodes[other]
        one, other = one[left], other[left]


def _passed(tail: NDArray[np.int64], head: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """Return the mask of the nodes with two neighbours, and at most one arc from and to each."""
    pair, count = np.unique(tail * n + head, return_counts=True)
    several = pair[count > 1]
    one, other = np.divmod(np.unique(np.minimum(tail, head) * n + np.maximum(tail, head)), n)
    passed = np.bincount(one, minlength=n) + np.bincount(other, minlength=n) == 2
    passed[several // n] = passed[several % n] = False
    return np.asarray(passed)


def _onward(
    arcs: NDArray[np.int64], tail: NDArray[np.integer], head: NDArray[np.integer], inner: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the (m,) arc that follows each arc into an inner node, without turning round; -1 where there is none."""
    out = np.full((2, inner.size), -1, dtype=np.int64)
    leaving = arcs[inner[tail[arcs]]]
    out[0, tail[leaving]] = leaving  # of two arcs the later one is kept
    others = leaving[out[0, tail[leaving]] != leaving]
    out[1, tail[others]] = others
    onward = np.full(tail.size, -1, dtype=np.int64)
    into = arcs[inner[head[arcs]]]
    for choice in out:
        following = choice[head[into]]
        fits = (following >= 0) & (head[following] != tail[into])
        onward[into[fits]] = following[fits]
    return onward
