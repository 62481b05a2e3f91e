"""Detours: a path whose options can be driven around is worth as much as one with
weaker options on it.

Where options lie on most roads, linear programs spread them thinly over many lines:
every path meets many small parts, and the product of what they leave is small. Whole
options do not add up so, as a single one in a street is driven around through the next
street. Rows on single paths know nothing of that.

Sets      P a path of an informed evader; A its sections with options: an arc, or the arcs in series that stand for a road with several
          options; o(A) the options of a section; for some sections a detour Q_A: a walk from its first node to its last over arcs b that
          have other options than o(A), or none; M_A some of these options
Data      R_P value of P with nothing placed; r reliabilities, r(Q) their product along Q; u_a = -ln s_a, s_a what the option leaves of arc a
          U_A = sum_{a in A} u_a; l_A = max(0, ln r(A) - ln r(Q_A)) + sum_{b in Q_A, o(b) in M_A} u_b, what the detour costs where all of M_A
          is placed; only detours of l_A < U_A are of use

For every plan x in {0, 1}^J

    f(x) >= R_P exp(-w x),
    w x = sum_{A without} sum_{a in A} u_a x_o(a)
        + sum_{A with a detour} (sum_{a in A} min(u_a, l_A) x_o(a) + sum_{b in Q_A, o(b) not in M_A} min(u_b, U_A - l_A) x_o(b)).        (1)

Proof. Let the evader follow P and leave each section with a placed option for Q_A where
that is better. The walk has a value of at least R_P exp(-sum_A t_A), where t_A = 0 if
no option of A is placed, t_A <= sum_a u_a x_o(a) always, and t_A <= l_A + y with a
detour, y = sum_b u_b x_o(b) over the b in (1). An option that it meets several times
counts each time. Its cycles have factors of at most 1, so the path that is left without
them is worth no less. If a placed o(a) has u_a >= l_A, the first sum of (1) is at least
l_A, the second at least min(y, U_A - l_A), and t_A <= min(U_A, l_A + y). Else the first
sum is sum_a u_a x_o(a), or no option of A is placed.

M_A are the options of Q_A with larger x than the options of A together. An option
counts as placed wherever one of A is, or by its own x: whichever is less. A linear
program that spreads a line of options thinly, the weak ones more than the strong, so
gains nothing from it.

So (R_P, w) is as good as a path with survivals exp(-w_j): Propositions 5 to 8, 10, 13
and 15a ask no more of a path than f >= g_P at every plan. The evader must see the plan.
Elements of beats, of which there may be several or parts, are in no section and no M:
where they are on a section or a detour they take off u_b each. So o(A) are options that
are placed once at most, and min(u_b, U_A - l_A) is for these alone.

The best (P, Q) at a point: each section has the detour of least term, found by
Dijkstra's algorithm with the costs x_A (-ln r_b) + min(u_b, u_A) min(x_o(b), x_A), x_A
the sum of its x and u_A the largest u_a, which is near it; P is a shortest path with
-ln r and these terms as costs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import Floats, Ints, Mask, rare_kernel
from optimizer.problem.instance.evaders import arc_costs
from optimizer.solvers.overlay.overlay import Links, Overlay

SETTLED = 60
"""Nodes that the search for one detour settles at most."""
LEAST = 0.003
"""x that options count with in that search at least, so that detours are found around
those that are not placed at the point.
"""
STEEPEST = 700.0
"""Stands for -ln 0. Half of it leaves nothing: U - l of a section that nothing passes
is a little less than this.
"""
ROUNDING = 1e-12
"""Relative allowance for rounding in w, which is raised by it."""


class Detour(NamedTuple):
    """A detour: its arcs in order of travel, and M, the options on it that count as placed."""

    arcs: list[int]
    counted: list[int]


class Detours(NamedTuple):
    """The detours of all sections at a point, each by the first arc of its section."""

    #: (arcs,) l.
    loss: NDArray[np.float64]
    #: `first`, `arcs`, `counted`: (arcs + 1,) where the arcs of each detour start,
    #: these, the last one first, and the mask of those with an option in M; none for
    #: arcs without a detour of use.
    first: NDArray[np.int64]
    arcs: NDArray[np.int64]
    counted: NDArray[np.bool_]
    #: (arcs,) what each arc adds to w x at the point, the first of a section with a
    #: detour for all of it.
    term: NDArray[np.float64]

    @property
    def length(self) -> NDArray[np.int64]:
        """(arcs,) number of arcs of each detour."""
        return np.diff(self.first)


class DetourSearch:
    """The search for detours on an overlay, whose options are parts of others where it
    has a bundle.

    Parameters
    ----------
    overlay
        The problem.
    single
        (options,) mask of those that are placed once at most, and whole; others are
        elements of beats.
    """

    def __init__(self, overlay: Overlay, single: NDArray[np.bool_]) -> None:
        self._option = overlay.option.astype(np.int64)
        self._n = single.size
        self._single = single
        if overlay.bundle is not None:  # a part is as whole as the one option that holds it once
            held = overlay.bundle.tocoo()
            alone = np.bincount(held.row, minlength=overlay.bundle.shape[0])[held.row] == 1
            whole = alone & (held.data == 1) & single[held.col]
            self._n = overlay.bundle.shape[0]
            self._single = np.isin(np.arange(self._n), held.row[whole])
        order = np.argsort(overlay.tail, kind="stable")
        self._arranged = (
            np.searchsorted(overlay.tail[order], np.arange(overlay.n_nodes + 1)),
            order,
            overlay.tail.astype(np.int64),
            overlay.head.astype(np.int64),
        )
        self._cost = arc_costs(overlay.reliability)
        with np.errstate(divide="ignore"):
            self._depth = np.where(
                self._option >= 0, np.minimum(-np.log(overlay.survival), STEEPEST), 0.0
            )
        self._next = next_in_series(overlay)
        self._lead, self._whole = np.arange(overlay.tail.size), self._depth.copy()
        later = np.flatnonzero(self._next >= 0)
        for arc in later[~np.isin(later, self._next)].tolist():
            section = np.array(series_from(self._next, arc))
            self._lead[section] = arc
            self._whole[arc] = self._depth[section[self._single[self._option[section]]]].sum()

    @property
    def cost(self) -> NDArray[np.float64]:
        """(arcs,) -ln r."""
        return self._cost

    def at(self, x: NDArray[np.float64]) -> Detours:
        """Return the detours at a point, by how often the (parts,) options are placed there."""
        weight = np.maximum(x, LEAST)
        found = _detours(
            *self._arranged,
            self._option,
            self._single,
            self._cost,
            self._depth,
            self._next,
            x,
            weight,
            SETTLED,
        )
        size = found.first[-1]
        return found._replace(arcs=found.arcs[:size], counted=found.counted[:size])

    def detour(self, detours: Detours, arc: int) -> Detour:
        """Return the detour of a section by its first arc."""
        there = slice(detours.first[arc], detours.first[arc + 1])
        arcs = detours.arcs[there][::-1]
        counted = self._option[detours.arcs[there][detours.counted[there]]]
        return Detour(arcs.tolist(), np.unique(counted).tolist())

    def links(self, path: NDArray[np.int64], arc: NDArray[np.int64], detours: Detours) -> Links:
        """Return what each option leaves of paths that take (steps,) arcs with options
        and their detours, sorted by path: exp(-w).
        """
        depth = self._depth[arc]
        lead = self._lead[arc]
        length = detours.length
        around = np.flatnonzero(length[arc])
        step = np.repeat(around, length[arc[around]])
        place = np.arange(step.size) - np.repeat(
            np.cumsum(length[arc[around]]) - length[arc[around]], length[arc[around]]
        )
        place += detours.first[arc[step]]
        other = detours.arcs[place]
        met = (self._option[other] >= 0) & ~detours.counted[place]
        step, other = step[met], other[met]
        avoided = (length[lead] > 0) & self._single[self._option[arc]]
        weaker = np.where(avoided, np.minimum(depth, detours.loss[lead]), depth)
        key = np.append(
            path * self._n + self._option[arc], path[step] * self._n + self._option[other]
        )
        left = self._whole[arc[step]] - detours.loss[arc[step]]
        w = np.append(
            weaker,
            np.minimum(
                self._depth[other], np.where(self._single[self._option[other]], left, np.inf)
            ),
        )
        pair, entry = np.unique(key, return_inverse=True)
        sums = np.bincount(entry, w, pair.size) * (1 + ROUNDING)
        return Links(
            pair // self._n, pair % self._n, np.where(sums < STEEPEST / 2, np.exp(-sums), 0.0)
        )


def next_in_series(overlay: Overlay) -> NDArray[np.int64]:
    """Return the (arcs,) arc that follows each one in its series; -1 where none does."""
    following = np.full(overlay.tail.size, -1)
    if overlay.node is not None:
        arc_from = np.full(overlay.n_nodes, -1)
        arc_from[overlay.tail] = np.arange(overlay.tail.size)
        joint = overlay.node[overlay.head] < 0
        following[joint] = arc_from[overlay.head[joint]]
    return following


def series_from(following: NDArray[np.int64], arc: int) -> list[int]:
    """Return the arcs of a series from its first one on, by the (arcs,) next one of each."""
    section = [arc]
    while (arc := int(following[arc])) >= 0:
        section.append(arc)
    return section


@rare_kernel
def _detours(  # noqa: C901, PLR0912, PLR0915 - one search an arc
    first: Ints,
    order: Ints,
    tail: Ints,
    head: Ints,
    option: Ints,
    single: Mask,
    cost: Floats,
    depth: Floats,
    following: Ints,
    x: Floats,
    weight: Floats,
    settled: int,
) -> Detours:
    """Return the detours of all sections, with room behind `Detours.arcs`.

    Parameters
    ----------
    first, order, tail, head, option, cost, depth
        Forward star: where the arcs out of each node start in `order`; (arcs,) their
        ends, options (-1 for none), -ln r and u.
    single
        (options,) mask of those that are placed once at most.
    following
        (arcs,) next arc of a section, -1 for its last one.
    x, weight
        (options,) point, and x with which detours are looked for.
    settled
        Nodes that one search settles at most.
    """
    n, m = first.size - 1, tail.size
    loss = np.zeros(m)
    term = np.zeros(m)
    begin = np.zeros(m + 1, dtype=np.int64)
    leads = np.ones(m, dtype=np.bool_)
    arcs = np.empty(4 * m + n, dtype=np.int64)
    counted = np.zeros(4 * m + n, dtype=np.bool_)
    count = 0
    distance = np.full(n, np.inf)
    entering = np.empty(n, dtype=np.int64)
    state = np.zeros(n, dtype=np.int64)
    front, touched = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    own = np.zeros(weight.size, dtype=np.bool_)
    for a in range(m):
        if option[a] >= 0:
            term[a] = depth[a] * x[option[a]]
        if following[a] >= 0:
            leads[following[a]] = False
    for a in range(m):
        begin[a] = count
        if option[a] < 0 or not leads[a]:
            continue
        # of the section: its last arc, x together, U, the largest u, its own term, and
        # -ln r
        last = a
        together = 0.0
        whole = 0.0
        u = 0.0
        limit = 0.0
        length_cost = 0.0
        at = a
        while at >= 0:
            if single[option[at]]:
                own[option[at]] = True
                together += weight[option[at]]
                whole += depth[at]
                u = max(u, depth[at])
                limit += depth[at] * weight[option[at]]
            length_cost += cost[at]
            last, at = at, following[at]
        if together == 0.0:
            continue
        size = 1
        seen = 1
        done = 0
        front[0], touched[0], distance[tail[a]] = tail[a], tail[a], 0.0
        # Dijkstra's algorithm from the tail; `state` is 1 for nodes of the front, which
        # is so small that a list serves as its heap, and 2 for settled ones. A node at
        # `limit`, the section's own term, ends it: no detour over it is of use
        while size > 0 and done < settled:
            nearest = 0
            for k in range(1, size):
                if distance[front[k]] < distance[front[nearest]]:
                    nearest = k
            node = front[nearest]
            size -= 1
            front[nearest], state[node] = front[size], 2
            done += 1
            if node == head[last] or distance[node] >= limit:
                break
            for k in range(first[node], first[node + 1]):
                b = order[k]
                # the proof of (1) has no option of the section on its detour
                if b == a or state[head[b]] == 2 or (option[b] >= 0 and own[option[b]]):
                    continue
                far = distance[node] + cost[b] * together
                if option[b] >= 0:
                    if single[option[b]]:
                        far += min(depth[b], u) * min(weight[option[b]], together)
                    else:
                        far += depth[b] * weight[option[b]]
                if far < distance[head[b]]:
                    if state[head[b]] == 0:
                        front[size], touched[seen], state[head[b]] = head[b], head[b], 1
                        size += 1
                        seen += 1
                    distance[head[b]], entering[head[b]] = far, b
        if state[head[last]] == 2 and tail[a] != head[last]:
            # once back along the detour for l, once for its terms, which need l, and
            # once more for its arcs if they are of use
            dearer = -length_cost
            more_placed = 0.0
            node = head[last]
            length = 0
            while node != tail[a]:
                b = entering[node]
                dearer += cost[b]
                if option[b] >= 0 and single[option[b]] and weight[option[b]] > together:
                    more_placed += depth[b]
                node = tail[b]
                length += 1
            lost = max(dearer, 0.0) + more_placed
            here = 0.0
            searched = 0.0
            at = a
            while at >= 0:
                if single[option[at]]:
                    here += min(depth[at], lost) * x[option[at]]
                    searched += min(depth[at], lost) * weight[option[at]]
                at = following[at]
            node = head[last]
            while node != tail[a]:
                b = entering[node]
                if option[b] >= 0 and (not single[option[b]] or weight[option[b]] <= together):
                    taken = min(depth[b], whole - lost) if single[option[b]] else depth[b]
                    here += taken * x[option[b]]
                    searched += taken * weight[option[b]]
                node = tail[b]
            if lost < whole and searched < limit:
                while count + length > arcs.size:
                    more, more_counted = (
                        np.empty(2 * arcs.size, dtype=np.int64),
                        np.zeros(2 * arcs.size, dtype=np.bool_),
                    )
                    for i in range(count):
                        more[i], more_counted[i] = arcs[i], counted[i]
                    arcs, counted = more, more_counted
                loss[a], node = lost, head[last]
                at = a
                while at >= 0:
                    if single[option[at]]:
                        term[at] = 0.0
                    at = following[at]
                term[a] += here
                while node != tail[a]:
                    b = entering[node]
                    arcs[count] = b
                    counted[count] = (
                        option[b] >= 0 and single[option[b]] and weight[option[b]] > together
                    )
                    count += 1
                    node = tail[b]
        for k in range(seen):  # all nodes are as new for the next arc, without a pass over all
            distance[touched[k]], state[touched[k]] = np.inf, 0
        at = a
        while at >= 0:
            own[option[at]], at = False, following[at]
    begin[m] = count
    return Detours(loss, begin, arcs, counted, term)
