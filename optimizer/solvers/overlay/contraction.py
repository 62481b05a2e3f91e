"""Elimination of network nodes: fewer nodes and arcs, the same best connections between
the nodes that stay.

Eliminating a node x puts a shortcut u -> v of cost c(u, x) + c(x, v) for every arc into
x and every arc out of it, as contraction hierarchies do (Geisberger, Sanders, Schultes
& Delling, WEA 2008). Here whole batches of nodes without common arcs are eliminated at
once on arrays, cheapest first: dead ends and degree-2 chains, then junctions of ever
more arcs.

Between rounds an arc u -> v is dropped when some route u -> w -> v is *strictly*
cheaper. Such an arc lies on no cheapest path, whatever is added to the network and
whatever those additions cost. This makes it safe to drop any number at once, ties
included: a cheapest path has no dropped arc, so all its arcs stay, and nothing dropped
was ever needed. Without dropping, the last rounds would make a complete graph.

Both are exact for decisions that touch arcs between fixed nodes only: for any further
arcs between fixed nodes, at any costs, the cheapest paths between fixed nodes cost the
same before and after. Elimination stops when a step costs more than it saves the
searches that follow.

Cost: O(m log m) time a round in NumPy, a constant share of the nodes going in each;
memory O(m).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import Floats, Ints, Mask, kernel

STRICTLY = 1e-12
"""How much cheaper (in -ln survival) another route must be before an arc counts as
dominated: above rounding, below any effect of options.
"""

SHARE = 0.5
"""Quantile of the arcs that nodes would add up to which nodes may go in a round."""

ENOUGH = 0.1
"""While this share of the nodes can go without adding arcs, only such nodes go."""

ROUNDS = 2
"""Rounds of elimination between two looks for dominated arcs."""

WITNESSES = 16
"""Cheapest arcs out of a node that are tried as the first half of a cheaper route."""

CROWDED = 4.0
"""Arcs a node above which there are enough triangles for that to pay."""

NODE = 12
"""Time of a node that is searched, in arcs that SciPy's search visits meanwhile
(measured), as are the next three.
"""

TOUCH = 10
"""Time of an arc in a round."""

JOIN = 3
"""Time of a shortcut in a round."""

LOOKUP = 2
"""Time of a lookup. It takes a quarter of that; with 2 the elimination ends about where
it ended before lookups were compiled.
"""


@dataclass(frozen=True)
class Core:
    """What is left of a network."""

    #: (n,) positions in the network of the nodes that are left, rising.
    node: NDArray[np.int64]
    #: `tail`, `head`: (m,) positions in `node`, sorted by tail, then head; no loops, no
    #: parallels.
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    #: (m,) finite costs >= 0.
    cost: NDArray[np.float64]

    @property
    def n_nodes(self) -> int:
        """Number of nodes n."""
        return self.node.size

    def positions(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the positions in the core of nodes of the network, all of which must be left."""
        return np.searchsorted(self.node, nodes)


@dataclass(frozen=True)
class Contraction:
    """Two stages of one elimination, both with all fixed nodes and their best
    connections.
    """

    #: The stage on which searches from all fixed nodes are fastest.
    core: Core
    #: The stage with the fewest arcs; never more than the network has.
    leanest: Core


def eliminate(
    n_nodes: int,
    tail: NDArray[np.integer],
    head: NDArray[np.integer],
    cost: NDArray[np.float64],
    fixed: NDArray[np.integer],
) -> Contraction:
    """Eliminate the nodes of a network that are not fixed, as far as it pays.

    Parameters
    ----------
    n_nodes
        Number of nodes n of the network.
    tail, head
        (m,) node positions; loops and parallels are allowed.
    cost
        (m,) costs >= 0; infinity blocks the arc.
    fixed
        Nodes that stay, as positions.
    """
    usable = np.isfinite(cost) & (tail != head)
    stays = np.zeros(n_nodes, dtype=bool)
    stays[fixed] = True
    arcs = [tail[usable].astype(np.int64) * n_nodes + head[usable], cost[usable]]
    # of a large network nothing stands twice: the arcs are handed over
    del tail, head, cost, usable
    core = leanest = _connected(_cheapest(np.arange(n_nodes), arcs.pop(0), arcs.pop()), stays)
    rng = np.random.default_rng(0)
    saved, work = np.inf, 0
    while saved > work and core.n_nodes > fixed.size:
        before, work = core, 0
        for _ in range(ROUNDS):
            reduced = _round(core, stays[core.node], rng)
            core = reduced.core
            work += TOUCH * core.tail.size + JOIN * reduced.count
        if core.tail.size > CROWDED * core.n_nodes:
            reduced = _undominated(core)
            core = reduced.core
            work += LOOKUP * reduced.count
        saved = fixed.size * (
            NODE * (before.n_nodes - core.n_nodes) + before.tail.size - core.tail.size
        )
        leanest = min(leanest, core, key=lambda stage: stage.tail.size)
    return Contraction(core, leanest)


@dataclass(frozen=True)
class _Reduced:
    """What is left of a core after a step, and how many shortcuts were made or arcs
    looked up for it.
    """

    core: Core
    count: int


def _round(core: Core, fixed: NDArray[np.bool_], rng: np.random.Generator) -> _Reduced:
    """Eliminate a batch of nodes of which no two are neighbours; the shortcuts made are counted."""
    leaving = _batch(core, fixed, rng)
    into, out_of = np.flatnonzero(leaving[core.head]), leaving[core.tail]
    first = _starts(core)
    count = np.diff(first)[core.head[into]]
    # every arc into a leaving node beside every arc out of it: arcs are sorted by tail,
    # so the latter stand in one row
    left = np.repeat(into, count)
    right = np.arange(left.size) + np.repeat(
        first[core.head[into]] - np.cumsum(count) + count, count
    )
    turns = core.tail[left] == core.head[right]
    left, right = left[~turns], right[~turns]
    rest = ~(leaving[core.head] | out_of)
    made = _cheapest(
        core.node,
        np.concatenate((core.tail[rest], core.tail[left])) * core.n_nodes
        + np.concatenate((core.head[rest], core.head[right])),
        np.concatenate((core.cost[rest], core.cost[left] + core.cost[right])),
    )
    return _Reduced(_connected(made, fixed), left.size)


def _batch(core: Core, fixed: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return the (n,) mask of the nodes to eliminate next: each would add fewer arcs
    than any of its neighbours, and not too many.
    """
    free = ~fixed
    into, out_of = (np.bincount(end, minlength=core.n_nodes) for end in (core.head, core.tail))
    added = (
        into * out_of - np.minimum(into, out_of) - into - out_of
    )  # as if all roads that can be were two-way: no turns back
    limit = 0.0
    if free.any() and (added[free] <= 0).mean() < ENOUGH:
        limit = max(limit, float(np.quantile(added[free], SHARE)))
    rank = np.where(free & (added <= limit), added + rng.random(core.n_nodes), np.inf)
    lowest = np.full(core.n_nodes, np.inf)
    np.minimum.at(lowest, core.tail, rank[core.head])
    np.minimum.at(lowest, core.head, rank[core.tail])
    return rank < lowest


def _undominated(core: Core) -> _Reduced:
    """Drop arcs u -> v that are strictly dearer than a route u -> w -> v by a cheap arc
    u -> w; the arcs looked up are counted.
    """
    keep = np.ones(core.tail.size, dtype=bool)
    count = drop_dominated(_starts(core), core.head, core.cost, keep)
    return _Reduced(Core(core.node, core.tail[keep], core.head[keep], core.cost[keep]), count)


@kernel
def drop_dominated(first: Ints, head: Ints, cost: Floats, keep: Mask) -> int:
    """Take out of a mask the arcs u -> v that are strictly dearer than u -> w -> v by
    one of the cheapest arcs out of u.

    Parameters
    ----------
    first
        (nodes + 1,) where the arcs out of each node start.
    head, cost
        (arcs,) their other ends, and costs.
    keep
        (arcs,) the mask, changed in place.

    Returns
    -------
    int
        How many arcs w -> v were looked at.
    """
    n, count = first.size - 1, 0
    between = np.full(n, -1)  # the arc from u to each node
    cheap = np.empty(WITNESSES, dtype=np.int64)
    for u in range(n):
        size, dearest = 0, 0.0
        for a in range(first[u], first[u + 1]):
            between[head[a]] = a
            dearest = max(dearest, cost[a])
            place = min(size, WITNESSES - 1)
            if size == WITNESSES and cost[a] >= cost[cheap[place]]:
                continue
            while place > 0 and cost[a] < cost[cheap[place - 1]]:
                cheap[place] = cheap[place - 1]
                place -= 1
            cheap[place], size = a, min(size + 1, WITNESSES)
        for rank in range(size):
            half, w = cheap[rank], head[cheap[rank]]
            if cost[half] >= dearest:
                break
            for b in range(first[w], first[w + 1]):
                a = between[head[b]]
                if a >= 0 and cost[b] < cost[a] - STRICTLY - cost[half]:
                    keep[a] = False
            count += first[w + 1] - first[w]
        for a in range(first[u], first[u + 1]):
            between[head[a]] = -1
    return count


def _cheapest(node: NDArray[np.int64], pair: NDArray[np.int64], cost: NDArray[np.float64]) -> Core:
    """Return the core of arcs in any order, each set of parallels reduced to its
    cheapest cost.

    `pair` is tail times the number of nodes plus head: of a large network the ends are
    not held beside it.
    """
    order = np.argsort(pair, kind="stable")  # the arcs of the round before are in order already
    pair, cost = pair[order], cost[order]
    del order
    first = np.flatnonzero(np.append(True, pair[1:] != pair[:-1])[: pair.size])
    cost = np.minimum.reduceat(cost, first) if first.size else cost
    return Core(node, *np.divmod(pair[first], max(node.size, 1)), cost)


def _connected(core: Core, fixed: NDArray[np.bool_]) -> Core:
    """Return the core without nodes that have no arc, unless they are fixed."""
    stays = fixed.copy()
    stays[core.tail] = stays[core.head] = True
    position = np.cumsum(stays) - 1
    return Core(core.node[stays], position[core.tail], position[core.head], core.cost)


def _starts(core: Core) -> NDArray[np.int64]:
    """Return where the arcs out of each node start, and end with their number: (n + 1,)."""
    return np.concatenate(([0], np.cumsum(np.bincount(core.tail, minlength=core.n_nodes))))
