"""Detours: a path whose options can be driven around is worth as much as one with weaker options on it.

Where options lie on most roads, linear programs spread them thinly over many lines: every path meets many small parts, and the product of what
they leave is small. Whole options do not add up so, as a single one in a street is driven around through the next street. Rows on single paths
know nothing of that.

Sets      P a path of an informed evader; a the arcs of P with an option o(a); for some of them a detour Q_a: a walk from the tail of a to its
          head over arcs b that have another option than o(a), or none
Data      R_P value of P with nothing placed; r reliabilities, r(Q) their product along Q; s_a what o(a) leaves of a, u_a = -ln s_a
          d_a = max(0, ln r_a - ln r(Q_a)), what the detour costs with nothing placed; only detours of d_a < u_a are of use

For every plan x in {0, 1}^J

    f(x) >= R_P exp(-w x),
    w x = sum_{a without} u_a x_o(a) + sum_{a with a detour} (d_a x_o(a) + sum_{b in Q_a} min(u_b, u_a - d_a) x_o(b)).                  (1)

Proof. Let the evader follow P and leave each arc a of a placed o(a) for Q_a where that is better. The walk has a value of at least
R_P exp(-sum_a l_a), with l_a = u_a x_o(a) for arcs without a detour, and l_a <= min(u_a, d_a + sum_{b in Q_a} u_b x_o(b)) x_o(a) for those
with one; an option that it meets several times counts each time. Its cycles have factors of at most 1, so the path that is left without them
is worth no less. As min(u, d + y) <= d + min(u - d, y) for y >= 0, and min(c, sum_b y_b) <= sum_b min(c, y_b), l_a is at most its term in (1).

So (R_P, w) is as good as a path with survivals exp(-w_j): Propositions 5 to 8, 10 and 13 ask no more of a path than f >= g_P at every plan. The
evader must see the plan, every option is placed once at most, and a survival stands on an arc and not on the path: it is used for no others.

The best (P, Q) at a point: each arc has the detour of least term, found by Dijkstra's algorithm with the costs x_o(a) (-ln r_b) +
min(u_b, u_a) x_o(b), which is near it, and P is a shortest path with -ln r and these terms as costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optimizer.problem.instance.evaders import arc_costs
from optimizer.solvers.overlay.overlay import Links
from optimizer.solvers.search.kernels import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.overlay.overlay import Overlay
    from optimizer.solvers.search.kernels import Floats, Ints

SETTLED = 60
"""Nodes that the search for one detour settles at most."""
LEAST = 0.01
"""x that options count with in that search at least, so that detours are found around those that are not placed at the point."""
STEEPEST = 700.0
"""Stands for -ln 0, and leaves nothing."""
ROUNDING = 1e-12
"""Relative allowance for rounding in w, which is raised by it."""


class Detours(NamedTuple):
    """The detours of all arcs at a point.

    Attributes
    ----------
    loss
        (arcs,) d.
    first, arcs
        (arcs + 1,) where the arcs of each detour start, and these, the last one first; none for arcs without a detour of use.
    term
        (arcs,) what each arc adds to w x at the point.
    """

    loss: NDArray[np.float64]
    first: NDArray[np.int64]
    arcs: NDArray[np.int64]
    term: NDArray[np.float64]

    @property
    def length(self) -> NDArray[np.int64]:
        """(arcs,) number of arcs of each detour."""
        return np.diff(self.first)

    def of(self, arc: int) -> list[int]:
        """Return the arcs of a detour in order of travel."""
        arcs: list[int] = self.arcs[self.first[arc] : self.first[arc + 1]][::-1].tolist()
        return arcs


class DetourSearch:
    """The search for detours on an overlay."""

    def __init__(self, overlay: Overlay) -> None:
        self._option, self._n = overlay.option.astype(np.int64), overlay.free.size
        order = np.argsort(overlay.tail, kind="stable")
        self._arranged = (
            np.searchsorted(overlay.tail[order], np.arange(overlay.n_nodes + 1)),
            order,
            overlay.tail.astype(np.int64),
            overlay.head.astype(np.int64),
        )
        self._cost = arc_costs(overlay.reliability)
        with np.errstate(divide="ignore"):
            self._depth = np.where(self._option >= 0, np.minimum(-np.log(overlay.survival), STEEPEST), 0.0)

    @property
    def cost(self) -> NDArray[np.float64]:
        """(arcs,) -ln r."""
        return self._cost

    def at(self, x: NDArray[np.float64]) -> Detours:
        """Return the detours at an (options,) point."""
        found = _detours(*self._arranged, self._option, self._cost, self._depth, x, np.maximum(x, LEAST), SETTLED)
        return found._replace(arcs=found.arcs[: found.first[-1]])

    def links(self, path: NDArray[np.int64], arc: NDArray[np.int64], detours: Detours) -> Links:
        """Return what each option leaves of paths that take (steps,) arcs with options and their detours, sorted by path: exp(-w)."""
        depth, length = self._depth[arc], detours.length[arc]
        around = np.flatnonzero(length)
        step = np.repeat(around, length[around])
        place = np.arange(step.size) - np.repeat(np.cumsum(length[around]) - length[around], length[around])
        other = detours.arcs[detours.first[arc[step]] + place]
        met = self._option[other] >= 0
        step, other = step[met], other[met]
        weaker = np.where(length > 0, detours.loss[arc], depth)
        key = np.append(path * self._n + self._option[arc], path[step] * self._n + self._option[other])
        w = np.append(weaker, np.minimum(self._depth[other], depth[step] - detours.loss[arc[step]]))
        pair, entry = np.unique(key, return_inverse=True)
        sums = np.bincount(entry, w, pair.size) * (1 + ROUNDING)
        return Links(pair // self._n, pair % self._n, np.where(sums < STEEPEST, np.exp(-sums), 0.0))


@kernel
def _detours(  # noqa: C901, PLR0912, PLR0915 - one search an arc
    first: Ints,
    order: Ints,
    tail: Ints,
    head: Ints,
    option: Ints,
    cost: Floats,
    depth: Floats,
    x: Floats,
    weight: Floats,
    settled: int,
) -> Detours:
    """Return the detours of all arcs, with room behind `Detours.arcs`.

    Parameters
    ----------
    first, order, tail, head, option, cost, depth
        Forward star: where the arcs out of each node start in `order`; (arcs,) their ends, options (-1 for none), -ln r and u.
    x, weight
        (options,) point, and x with which detours are looked for.
    settled
        Nodes that one search settles at most.
    """
    n, m = first.size - 1, tail.size
    loss, term, begin = np.zeros(m), np.zeros(m), np.zeros(m + 1, dtype=np.int64)
    arcs, count = np.empty(4 * m + n, dtype=np.int64), 0
    distance, entering, state = np.full(n, np.inf), np.empty(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    front, touched = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for a in range(m):
        begin[a] = count
        own = option[a]
        if own < 0:
            continue
        u = depth[a]
        term[a] = u * x[own]
        limit, size, seen, done = u * weight[own], 1, 1, 0
        front[0], touched[0], distance[tail[a]] = tail[a], tail[a], 0.0
        # Dijkstra's algorithm from the tail; `state` is 1 for nodes of the front, which is so small that a list serves as its heap, and 2 for
        # settled ones. A node at `limit`, the arc's own term, ends it: no detour over it is of use
        while size > 0 and done < settled:
            nearest = 0
            for k in range(1, size):
                if distance[front[k]] < distance[front[nearest]]:
                    nearest = k
            node = front[nearest]
            size -= 1
            front[nearest], state[node] = front[size], 2
            done += 1
            if node == head[a] or distance[node] >= limit:
                break
            for k in range(first[node], first[node + 1]):
                b = order[k]
                if b == a or option[b] == own or state[head[b]] == 2:  # the proof of (1) has no o(a) on Q_a
                    continue
                far = distance[node] + cost[b] * weight[own]
                if option[b] >= 0:
                    far += min(depth[b], u) * weight[option[b]]
                if far < distance[head[b]]:
                    if state[head[b]] == 0:
                        front[size], touched[seen], state[head[b]] = head[b], head[b], 1
                        size += 1
                        seen += 1
                    distance[head[b]], entering[head[b]] = far, b
        if state[head[a]] == 2 and tail[a] != head[a]:
            # once back along the detour for d, once for its terms, which need d, and once more for its arcs if they are of use
            d, node, length = -cost[a], head[a], 0
            while node != tail[a]:
                d += cost[entering[node]]
                node = tail[entering[node]]
                length += 1
            d = max(d, 0.0)
            here, searched, node = d * x[own], d * weight[own], head[a]
            while node != tail[a]:
                b = entering[node]
                if option[b] >= 0:
                    here += min(depth[b], u - d) * x[option[b]]
                    searched += min(depth[b], u - d) * weight[option[b]]
                node = tail[b]
            if d < u and searched < limit:
                while count + length > arcs.size:
                    more = np.empty(2 * arcs.size, dtype=np.int64)
                    for i in range(count):
                        more[i] = arcs[i]
                    arcs = more
                loss[a], term[a], node = d, here, head[a]
                while node != tail[a]:
                    arcs[count] = entering[node]
                    count += 1
                    node = tail[entering[node]]
        for k in range(seen):  # all nodes are as new for the next arc, without a pass over all
            distance[touched[k]], state[touched[k]] = np.inf, 0
    begin[m] = count
    return Detours(loss, begin, arcs, term)
