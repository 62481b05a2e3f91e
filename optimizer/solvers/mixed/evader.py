"""The exact answer of informed evaders to a mixture: theta_k(mu) = max over paths P of sum_x mu_x g_P(x).

The search is on the overlay, where it is exact: a piece of a path that meets no option has the same value under every plan. Before labels are
set (`label_setting`), arcs are left out on which no path could exceed the value that is known, even if nothing were placed, and plans that do
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
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.work.listener import SILENT, stop_if_cancelled
from optimizer.base.work.work_clock import machine_seconds_left, waiting, work_seconds
from optimizer.problem.instance.evaders import arc_costs
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.solvers.mixed.label_setting import best_paths
from optimizer.solvers.search.kernels import MIXED, ready

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.evaders import Searches

    Floats = NDArray[np.float64]
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
        members, known, most = members[~still], terms.known, terms.most
        enough = known[members] * (1 + terms.slack)
        limit = np.where(enough > 0, arc_costs(np.minimum(enough, 1.0)), np.inf)
        through = np.zeros(self._tail.size, dtype=bool)
        onward = self._cost + self._back[row, self._head]
        for k, most_cost in zip(members.tolist(), limit.tolist(), strict=True):
            cost = self._out[self._at[k], self._tail] + onward
            through |= (cost <= most_cost) & np.isfinite(cost)
        kept = np.flatnonzero(through)
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
            known[members],
            terms.slack,
            most,
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
