"""The exact answer of informed evaders to a mixture: theta_k(mu) = max over paths P of sum_x mu_x g_P(x).

The search is on the overlay, where it is exact: a piece of a path that meets no option has the same value under every plan. Before labels are
set (`best_paths`), arcs are left out on which no path could exceed the value that is known, even if nothing were placed, and plans that do
not differ on the arcs that are left are one. Evaders with the same destination share a search; where there are fewer origins, arcs are turned
round and those with the same origin do.

Under a time limit each search may take so many steps as fit into its share of the time left, at the speed measured so far. Evaders for whom
that is not enough, or whose turn does not come, are bounded by what they would reach if they saw the plan of the day: the maximum of a sum is
at most the sum of the maxima, sum_x mu_x max_P g_P(x), by one shortest-path search for each plan and destination.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from optimizer.base.work.kernels import kernel, part, ready
from optimizer.base.work.listener import SILENT, Listener, stop_if_cancelled
from optimizer.base.work.work_clock import machine_seconds_left, waiting, work_seconds
from optimizer.problem.instance.evaders import Searches, arc_costs
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.solvers.search.kernel_modules import MIXED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.work.kernels import Floats, Floats2, Ints

    Integers = NDArray[np.int64]


MOST_LABELS = 20_000
"""Labels of the search for one evader; with more its bound is weaker, and still valid."""
OUTWARD = 60
"""Labels of the search for W of one node: more make W tighter, and cost more than they save."""
ROUNDING = 1e-12
"""Relative allowance for rounding in products of survivals."""
SHARE = 2
"""A search may take so many times the mean of the time left for each."""
PREPARING = 10
"""Steps of a search, for each arc, plan and end, before any label."""
LEAST_MEASURED = 0.05
"""Seconds of a search from which on its speed is measured."""
_speed = {False: 1e5, True: 1e8}
"""Steps a second in this process, of searches that are compiled or not; at first assumed."""
_counting = Lock()


@dataclass
class EvaderAnswers:
    """What informed commodities achieve against a mixture.

    Attributes
    ----------
    bound
        (commodities,) proven upper bound of what any path achieves.
    arcs
        Arcs of a path of a value above the one that was known, by commodity, for those where there is one.
    labels
        Number of labels of the searches.
    unsearched
        Number of commodities that no search was begun for, for want of time.
    """

    bound: Floats
    arcs: dict[int, tuple[int, ...]]
    labels: int = 0
    unsearched: int = 0


@dataclass(frozen=True)
class _Terms:
    """What all searches against one mixture have in common: arguments of `EvaderOracle.answers`."""

    survival: Floats
    probability: Floats
    known: Floats
    slack: float
    most: int
    until: float


class EvaderOracle:
    """Exact answers on a network.

    Parameters
    ----------
    n_nodes, tail, head, reliability
        The network: an overlay, or the roads themselves.
    searches
        Ends of the informed commodities.
    threads
        Common ends that are searched at once, >= 1: compiled searches run beside one another.
    """

    def __init__(
        self,
        n_nodes: int,
        tail: NDArray[np.integer],
        head: NDArray[np.integer],
        reliability: Floats,
        searches: Searches,
        threads: int = 1,
    ) -> None:
        ready(MIXED, tail.size * searches.leaf.size)
        self._threads = threads
        self._searches, self._ends = searches, (n_nodes, tail, head)
        self._cost = arc_costs(reliability)
        self._roots, self._row, self._leaf = searches.roots, searches.row, searches.leaf
        self._turned = not searches.reverse  # the common end is the destination of the search
        self._tail, self._head = (head, tail) if self._turned else (tail, head)
        ends = (n_nodes, self._tail, self._head, self._cost)
        self._leaves, self._at = np.unique(self._leaf, return_inverse=True)
        self._out = cost_graph(*ends).distances(self._leaves) if self._leaf.size else np.empty((0, n_nodes))
        begun = time.monotonic()
        self._back = (
            cost_graph(*ends, reverse=True).distances(self._roots) if self._leaf.size else np.empty((0, n_nodes))
        )
        self._seconds = time.monotonic() - begun

    def answers(
        self,
        survival: Floats,
        probability: Floats,
        known: Floats,
        slack: float = 0.0,
        most: int = MOST_LABELS,
        until: float = np.inf,
        listener: Listener = SILENT,
    ) -> EvaderAnswers:
        """Return what the commodities achieve beyond values that are known to be achieved.

        Parameters
        ----------
        survival, probability
            (arcs, plans) chances to pass arcs under the plans, and (plans,) mu.
        known
            (commodities,) paths up to these values are not looked for; the bounds are at least these.
        slack
            By how much, relative, a bound may exceed the best value.
        most
            Most labels of one commodity.
        until
            `work_seconds()` until which to search; those whose turn does not come by then are bounded by what they reach who see the plan.
        listener
            Asked whether to stop.
        """
        found = EvaderAnswers(known * (1 + slack), {})
        bounding = self._seconds * probability.size  # of those whose turn does not come
        left = min(until - work_seconds(), machine_seconds_left())
        # threads have no clock of work in common: they share the time by the clock of the machine
        until = time.monotonic() + left - min(bounding, max(left, 0.0) / 2)
        terms = _Terms(survival, probability, known, slack, most, until)

        def search(row: int) -> bool:
            """Answer for one common end where there is time and nobody asked to stop; return whether it was done."""
            left = until - time.monotonic()
            seconds = min(left, left * SHARE * self._threads / (self._roots.size - row))
            return seconds > 0 and not listener.cancelled() and self._answer(row, found, terms, seconds)

        with waiting(), ThreadPoolExecutor(self._threads) as pool:
            skipped = ~np.fromiter(pool.map(search, range(self._roots.size)), dtype=bool, count=self._roots.size)
        stop_if_cancelled(listener)
        self._bound_those_who_see(np.flatnonzero(skipped), found, terms)
        return found

    def _bound_those_who_see(self, rows: Integers, found: EvaderAnswers, terms: _Terms) -> None:
        """Bound the commodities with these common ends by what they reach who see the plan of the day."""
        members = np.flatnonzero(np.isin(self._row, rows))
        if not members.size:
            return
        place = np.searchsorted(rows, self._row[members])
        searches = replace(self._searches, roots=self._roots[rows], row=place, leaf=self._leaf[members])
        plans, same = np.unique(terms.survival, axis=1, return_inverse=True)
        share = np.bincount(same.ravel(), terms.probability, plans.shape[1])
        value = np.zeros(members.size)
        for x in np.flatnonzero(share).tolist():
            value += share[x] * searches.values(*self._ends, np.ascontiguousarray(plans[:, x]))
        found.bound[members] = np.maximum(found.bound[members], value * (1 + ROUNDING))
        found.unsearched += members.size

    def _answer(self, row: int, found: EvaderAnswers, terms: _Terms, seconds: float) -> bool:
        """Answer for commodities with a common end; return False, and leave them, where the time is not enough to begin."""
        members = np.flatnonzero(self._row == row)
        still = self._leaf[members] == self._roots[row]
        found.bound[members[still]] = 1.0
        members = members[~still]
        kept = self._arcs_that_count(row, members, terms)
        graph = _Compact.of(self._tail[kept], self._head[kept])
        there = graph.places(np.append(self._leaf[members], self._roots[row]))
        if there[-1] < 0:
            return True
        members, origins = members[there[:-1] >= 0], there[:-1][there[:-1] >= 0]
        if not members.size:
            return True
        table, same = np.unique(terms.survival[kept], axis=1, return_inverse=True)
        share = np.asarray(np.bincount(same.ravel(), terms.probability, table.shape[1]), dtype=np.float64)
        compiled = best_paths.compiled is not None
        steps, preparing = seconds * _speed[compiled], float(PREPARING * table.size * (members.size + 1))
        if preparing >= steps:
            return False
        begun = time.monotonic()
        answer = best_paths(
            *graph.arrays(table),
            share,
            origins,
            int(there[-1]),
            terms.known[members],
            terms.slack,
            terms.most,
            OUTWARD,
            steps - preparing,
        )
        with _counting:
            if (taken := time.monotonic() - begun) >= LEAST_MEASURED:
                _speed[compiled] = (_speed[compiled] + (preparing + answer.steps) / taken) / 2
            found.labels += answer.labels
        begin = 0
        for k, bound, value, stop in zip(members.tolist(), answer.bound, answer.value, answer.stop, strict=True):
            found.bound[k] = bound * (1 + ROUNDING)
            if value > 0:
                arcs = kept[graph.order[answer.arcs[begin:stop]]].tolist()
                found.arcs[k] = tuple(arcs if self._turned else arcs[::-1])
            begin = stop
        return True

    def _arcs_that_count(self, row: int, members: Integers, terms: _Terms) -> Integers:
        """Return the arcs on a path that could exceed the value known for one of some commodities, if nothing were placed."""
        enough = terms.known[members] * (1 + terms.slack)
        limit = np.where(enough > 0, arc_costs(np.minimum(enough, 1.0)), np.inf)
        through = np.zeros(self._tail.size, dtype=bool)
        onward = self._cost + self._back[row, self._head]
        for k, most_cost in zip(members.tolist(), limit.tolist(), strict=True):
            cost = self._out[self._at[k], self._tail] + onward
            through |= (cost <= most_cost) & np.isfinite(cost)
        return np.flatnonzero(through)


@dataclass(frozen=True)
class _Compact:
    """Some arcs with their nodes numbered anew, sorted by tail (`order`) and, within these, by head."""

    order: Integers
    start: Integers
    head: Integers
    into: Integers
    entering: Integers
    tail: Integers
    nodes: NDArray[np.integer]

    @classmethod
    def of(cls, tail: NDArray[np.integer], head: NDArray[np.integer]) -> _Compact:
        """Return the arcs with their nodes numbered."""
        nodes, place = np.unique(np.concatenate((tail, head)), return_inverse=True)
        order = np.argsort(place[: tail.size], kind="stable")
        tails: Integers = place[: tail.size][order].astype(np.int64)
        heads: Integers = place[tail.size :][order].astype(np.int64)
        entering = np.argsort(heads, kind="stable")
        start = _first_of_each(tails, nodes.size)
        into = _first_of_each(heads[entering], nodes.size)
        return cls(order, start, heads, into, entering, tails, nodes)

    def places(self, nodes: Integers) -> Integers:
        """Return the numbers of nodes of the network; -1 for those that no arc touches."""
        at = np.minimum(np.searchsorted(self.nodes, nodes), max(self.nodes.size - 1, 0))
        return np.where(self.nodes[at] == nodes, at, -1) if self.nodes.size else np.full(nodes.size, -1)

    def arrays(self, survival: Floats) -> tuple[Integers, Integers, Integers, Integers, Integers, Floats]:
        """Return the arguments of `best_paths` that describe the arcs."""
        ordered = np.ascontiguousarray(survival[self.order])
        return self.start, self.head, self.into, self.entering, self.tail, ordered


def _first_of_each(sorted_nodes: Integers, n_nodes: int) -> Integers:
    """Return the (nodes + 1,) positions from which on each node stands."""
    return np.searchsorted(sorted_nodes, np.arange(n_nodes + 1)).astype(np.int64)


# The best paths of evaders with one destination against a mixture, by label setting.
#
# Data      mu_x probability of plan x; g_x(Q) survival of a path Q under it; h_x(i) the best survival from node i to the destination under x;
#           W(i) = max over Q from i to the destination of sum_x mu_x g_x(Q)
# Label     a path from a source to node i, with its survival s_x under each plan; its best completion is worth max_Q sum_x mu_x s_x g_x(Q)
#
# Bounds of a completion. An evader who sees the plan from here on reaches sum_x mu_x s_x h_x(i). And for any c >= 0, as s_x <= c + (s_x - c)^+,
#
#     sum_x mu_x s_x g_x(Q) <= c W(i) + sum_x mu_x (s_x - c)^+ h_x(i),
#
# which is convex in c and least where the plans with s_x > c have sum mu_x h_x(i) = W(i); with c = 0 it is the first bound.
#
# W is found by the same search, with one node after another as the source, those near the destination first, so that each search has the
# bounds of the nodes before it. Last come the origins. Labels are taken by falling bound. A label is left out where another one at its node has
# no smaller survival under any plan, and where its bound is not above the value that is known, times 1 + a slack: bounds are then within it.


class BestPaths(NamedTuple):
    """What a search found.

    Attributes
    ----------
    bound, value
        (origins,) proven bound, and value of the best path above the one that was known; 0 where there is none.
    stop, arcs
        (origins,) where the arcs of each path end in (arcs,) all of them, each path from the destination back to its origin.
    labels
        Number of labels.
    steps
        Number of steps: multiplications of survivals, and comparisons of labels.
    """

    bound: NDArray[np.float64]
    value: NDArray[np.float64]
    stop: NDArray[np.int64]
    arcs: NDArray[np.int64]
    labels: int
    steps: float


HALVINGS = 7
"""Bisections for c."""
COMPARED = 4
"""Steps that one comparison of two labels counts for: most end after a few plans."""

PLACE, PARENT, BY, EARLIER, DEAD = range(5)
"""Columns of a label: its node, the label before it and the arc from there, the label that came to its node before it, and whether another one
dominates it; -1 for none."""


@kernel
def best_paths(  # noqa: C901, PLR0912, PLR0915 - one search from every node in turn
    start: Ints,
    head: Ints,
    into: Ints,
    entering: Ints,
    tail: Ints,
    survival: Floats2,
    probability: Floats,
    origins: Ints,
    destination: int,
    known: Floats,
    slack: float,
    most: int,
    outward: int,
    most_steps: float,
) -> BestPaths:
    """Return the best path from each origin, if its value is above the one that is known, and a bound of the value of every path.

    Parameters
    ----------
    start, head
        Arcs sorted by tail: those of node i are start[i] to start[i + 1] - 1.
    into, entering, tail
        The same arcs by head: those into node i are entering[into[i]] to entering[into[i + 1] - 1], by position; (arcs,) tails.
    survival, probability
        (arcs, plans) chance to pass each arc under each plan, and (plans,) mu.
    origins, known
        (origins,) none of them the destination, and the value that is known to be achieved from each, or 0: the bound is at least this.
    slack
        By how much, relative, a bound may exceed the best value.
    most
        Most labels from one origin; the bound is then the largest of those left.
    outward
        Most labels of the search for W of a node, likewise.
    most_steps
        Most steps of all label setting, or infinity: half of them for W, the rest for the origins in turn. Once they are used up, bounds are
        those of labels that are left, which for an origin not yet begun is what an evader reaches who sees the plan.
    """
    n, plans, n_origins = start.size - 1, probability.size, origins.size
    # onward[i, x] is mu_x h_x(i); through[k, i] what an evader from origin k who sees the plan gets over node i; in the last row, whether any
    # origin's best path can lead over the node
    onward, through = np.zeros((n, plans)), np.zeros((n_origins + 1, n))
    _best_survivals(into, entering, tail, survival, destination, onward)
    for i in range(n):
        for x in range(plans):
            onward[i, x] *= probability[x]
    so_far, forward = np.empty((n, plans)), np.arange(head.size)
    for k in range(n_origins):
        _best_survivals(start, forward, head, survival, origins[k], so_far)
        for i in range(n):
            for x in range(plans):
                through[k, i] += so_far[i, x] * onward[i, x]
            if through[k, i] > known[k] * (1 + slack):
                through[n_origins, i] = 1.0
    # worth[i] bounds W(i): at first what is reached by one who sees the plan, once a search from i was made (`fixed`) what that has proven;
    # reached[i] are the survivals of the best path known from i on
    seen, worth = np.zeros(n), np.empty(n)
    for i in range(n):
        for x in range(plans):
            seen[i] += onward[i, x]
        worth[i] = seen[i]
    reached, fixed = np.zeros((n, plans)), np.zeros(n, dtype=np.bool_)
    for x in range(plans):
        reached[destination, x] = 1.0
    fixed[destination] = True
    # sources by falling survival, so that a search has the bounds of the nodes nearer to the destination; the origins come last
    order, sources, inner = _falling(seen), np.empty(n + n_origins, dtype=np.int64), 0
    for at in range(n):
        if order[at] != destination and through[n_origins, order[at]] > 0:
            sources[inner] = order[at]
            inner += 1
    for k in range(n_origins):
        sources[inner + k] = origins[k]
    chance, label = np.empty((256, plans)), np.empty((256, 5), dtype=np.int64)  # survivals and columns of each label
    bound_of, heap = (
        np.empty(256),
        np.empty(256, dtype=np.int64),
    )  # bound of each label, and a heap of those that are left
    latest, trial = (
        np.empty(n, dtype=np.int64),
        np.empty(plans),
    )  # the last label at each node; survivals of the one being made
    labels, steps = 0, 0.0
    bounds, values, stop = np.zeros(n_origins), np.zeros(n_origins), np.zeros(n_origins, dtype=np.int64)
    arcs, n_arcs = np.empty(256, dtype=np.int64), 0
    for turn in range(inner + n_origins):
        source, own = sources[turn], max(turn - inner, -1)
        last = own >= 0  # a search from an origin: only paths above the known value matter, and the path is wanted
        least = known[own] * (1 + slack) if last else 0.0
        until_step = most_steps * (1 + (own + 1) / n_origins) / 2
        for i in range(n):
            latest[i] = -1
        latest[source] = 0
        for x in range(plans):
            chance[0, x] = 1.0
        label[0, PLACE], label[0, DEAD] = source, 0
        label[0, PARENT] = label[0, BY] = label[0, EARLIER] = -1
        count, winner = 1, -1
        best = known[own] if last else 0.0
        if not last:  # one arc, and the best path known from its head, are a path
            for a in range(start[source], start[source + 1]):
                value = 0.0
                for x in range(plans):
                    value += probability[x] * survival[a, x] * reached[head[a], x]
                if value > best:
                    best = value
                    for x in range(plans):
                        reached[source, x] = survival[a, x] * reached[head[a], x]
        bound = best * (1 + slack)
        bound_of[0] = worth[source]
        size = _push(heap, 0, bound_of, 0)
        while size > 0:
            now = _pop(heap, size, bound_of)
            size -= 1
            if bound_of[now] <= best * (1 + slack):
                break  # nothing that is left can be better
            if count > (most if last else outward) or steps > until_step:
                bound = bound_of[now]  # given up: the largest bound left holds
                break
            if label[now, DEAD]:
                continue
            node = label[now, PLACE]
            for a in range(start[node], start[node + 1]):
                after = head[a]
                if through[own, after] <= least:  # own is -1, the last row, where the source is no origin
                    continue
                promise, high = 0.0, 0.0
                # what sees the plan from `after` on bounds every completion; it costs one pass over the plans, so it is tried first
                steps += plans
                for x in range(plans):
                    trial[x] = chance[now, x] * survival[a, x]
                    promise += trial[x] * onward[after, x]
                    high = max(high, trial[x])
                # not above the value that is known, times 1 + slack: leaving it out keeps the bound true within the slack
                if promise <= best * (1 + slack):
                    continue
                if fixed[after] and after != destination:
                    # the bound with W(after) is convex in c: its slope at c has the sign of W - (sum of mu_x h_x over s_x > c)
                    low = 0.0
                    steps += HALVINGS * plans
                    for _ in range(HALVINGS):
                        c = (low + high) / 2
                        above, blend = 0.0, c * worth[after]
                        for x in range(plans):
                            if trial[x] > c:
                                above += onward[after, x]
                                blend += (trial[x] - c) * onward[after, x]
                        promise = min(promise, blend)
                        if above > worth[after]:
                            low = c
                        else:
                            high = c
                    if promise <= best * (1 + slack):
                        continue
                # against the other labels at the node, the latest first: those that the new one dominates are dead and leave the list. A dead
                # label may still lie in the heap, from which nothing can be taken out; it is passed over when its turn comes.
                dominated = False
                other, following = latest[after], -1
                while other >= 0:
                    no_less, no_more = True, True
                    steps += COMPARED
                    for x in range(plans):
                        if chance[other, x] < trial[x]:
                            no_less = False
                        elif chance[other, x] > trial[x]:
                            no_more = False
                        if not (no_less or no_more):
                            break
                    if no_less:
                        dominated = True
                        break
                    if no_more:
                        label[other, DEAD] = 1
                        if following < 0:
                            latest[after] = label[other, EARLIER]
                        else:
                            label[following, EARLIER] = label[other, EARLIER]
                    else:
                        following = other
                    other = label[other, EARLIER]
                if dominated:
                    continue
                if count == bound_of.size:
                    chance, label, bound_of, heap = _taller(chance), _taller(label), _longer(bound_of), _longer(heap)
                for x in range(plans):
                    chance[count, x] = trial[x]
                label[count, PLACE], label[count, PARENT], label[count, BY] = after, now, a
                label[count, EARLIER], label[count, DEAD], bound_of[count] = latest[after], 0, promise
                latest[after] = count
                if after != destination:
                    size = _push(heap, size, bound_of, count)
                elif promise > best:  # a whole path, whose bound is its value
                    best, winner = promise, count
                    if not last:
                        for x in range(plans):
                            reached[source, x] = trial[x]
                count += 1
        labels += count
        # labels were left out up to best * (1 + slack), so nothing below that is proven, even where no label is left
        bound = max(bound, best * (1 + slack))
        if not last:
            worth[source], fixed[source] = min(bound, seen[source]), True
            continue
        bounds[own], values[own] = min(bound, max(worth[source], best * (1 + slack))), best if winner >= 0 else 0.0
        now = winner
        while now >= 0 and label[now, BY] >= 0:
            if n_arcs == arcs.size:
                arcs = _longer(arcs)
            arcs[n_arcs] = label[now, BY]
            n_arcs += 1
            now = label[now, PARENT]
        stop[own] = n_arcs
    return BestPaths(bounds, values, stop, arcs, labels, steps)


@part
def _best_survivals(first: Ints, arcs: Ints, end: Ints, survival: Floats2, root: int, best: Floats2) -> None:
    """Set (nodes, plans) the best survivals between a root and each node; the arcs at node i are arcs[first[i]] to arcs[first[i + 1] - 1]."""
    n, plans = best.shape
    queue, value, node = (
        np.empty(end.size + 1, dtype=np.int64),
        np.empty(end.size + 1),
        np.empty(end.size + 1, np.int64),
    )
    done = np.empty(n, dtype=np.bool_)
    for x in range(plans):
        for i in range(n):
            best[i, x], done[i] = 0.0, False
        best[root, x], value[0], node[0], entries = 1.0, 1.0, root, 1
        size = _push(queue, 0, value, 0)
        while size > 0:
            now = _pop(queue, size, value)
            size -= 1
            if done[node[now]]:
                continue
            done[node[now]] = True
            for q in range(first[node[now]], first[node[now] + 1]):
                passed = value[now] * survival[arcs[q], x]
                if passed > best[end[arcs[q]], x]:
                    best[end[arcs[q]], x], value[entries], node[entries] = passed, passed, end[arcs[q]]
                    size = _push(queue, size, value, entries)
                    entries += 1


@part
def _before(one: int, other: int, value: Floats) -> bool:
    """Return whether an entry comes before another one: of larger value, of equal ones the earlier."""
    return value[one] > value[other] or (value[one] == value[other] and one < other)


@part
def _push(heap: Ints, size: int, value: Floats, new: int) -> int:
    """Put an entry into a heap of entries by falling value; return the new size."""
    place = size
    while place > 0 and _before(new, heap[(place - 1) >> 1], value):
        heap[place] = heap[(place - 1) >> 1]
        place = (place - 1) >> 1
    heap[place] = new
    return size + 1


@part
def _pop(heap: Ints, size: int, value: Floats) -> int:
    """Take the first entry out of a heap of a size, and return it."""
    first: int = heap[0]
    moved, place = heap[size - 1], 0
    while 2 * place + 1 < size - 1:
        child = 2 * place + 1
        if child + 1 < size - 1 and _before(heap[child + 1], heap[child], value):
            child += 1
        if not _before(heap[child], moved, value):
            break
        heap[place] = heap[child]
        place = child
    heap[place] = moved
    return first


@part
def _falling(value: Floats) -> Ints:
    """Return the positions of values from the largest on."""
    order, size = np.empty(value.size, dtype=np.int64), 0
    heap = np.empty(value.size, dtype=np.int64)
    for i in range(value.size):
        size = _push(heap, size, value, i)
    for at in range(value.size):
        order[at] = _pop(heap, size, value)
        size -= 1
    return order


@part
def _longer(entries: NDArray[Any]) -> NDArray[Any]:
    """Return (n,) entries with room for as many more."""
    longer = np.empty(2 * entries.size, entries.dtype)
    for i in range(entries.size):
        longer[i] = entries[i]
    return longer


@part
def _taller(rows: NDArray[Any]) -> NDArray[Any]:
    """Return (n, k) rows with room for as many more."""
    taller = np.empty((2 * rows.shape[0], rows.shape[1]), rows.dtype)
    for i in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            taller[i, k] = rows[i, k]
    return taller
