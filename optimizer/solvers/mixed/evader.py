"""The exact answer of informed evaders to a mixture: theta_k(mu) = max over paths P of sum_x mu_x g_P(x).

The search is on the overlay, where it is exact: a piece of a path that meets no option has the same value under every plan. Before labels are
set (`label_setting`), arcs are left out on which no path could exceed the value that is known, even if nothing were placed, and plans that do
not differ on the arcs that are left are one. Evaders with the same destination share a search; where there are fewer origins, arcs are turned
round and those with the same origin do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.listener import SILENT, stop_if_cancelled
from optimizer.problem.evaders import arc_costs
from optimizer.problem.graph import cost_graph
from optimizer.solvers.mixed.label_setting import BestPaths, best_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.evaders import Searches

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MOST_LABELS = 20_000
"""Labels of the search for one evader; with more its bound is weaker, and still valid."""
OUTWARD, LEAST_OUTWARD = 8, 300
"""Labels of the search for W of one node: one in so many of those, and at least so many."""
ROUNDING = 1e-12
"""Relative allowance for rounding in products of survivals."""
LARGE, WORTH_COMPILING = 300, 1_000_000
"""Arcs of a search, and labels times plans of this process so far, from which on searches are compiled: some 15 s of processor time, once for
an installation."""
_work = [0]
_compiled: list[Callable[..., BestPaths]] = []


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
    """

    bound: Floats
    arcs: dict[int, tuple[int, ...]]
    labels: int = 0


class EvaderOracle:
    """Exact answers on a network.

    Parameters
    ----------
    n_nodes, tail, head, reliability
        The network: an overlay, or the roads themselves.
    searches
        Ends of the informed commodities.
    """

    def __init__(
        self,
        n_nodes: int,
        tail: NDArray[np.integer],
        head: NDArray[np.integer],
        reliability: Floats,
        searches: Searches,
    ) -> None:
        self._cost = arc_costs(reliability)
        self._roots, self._row, self._leaf = searches.roots, searches.row, searches.leaf
        self._turned = not searches.reverse  # the common end is the destination of the search
        self._tail, self._head = (head, tail) if self._turned else (tail, head)
        ends = (n_nodes, self._tail, self._head, self._cost)
        self._leaves, self._at = np.unique(self._leaf, return_inverse=True)
        self._out = cost_graph(*ends).distances(self._leaves) if self._leaf.size else np.empty((0, n_nodes))
        self._back = (
            cost_graph(*ends, reverse=True).distances(self._roots) if self._leaf.size else np.empty((0, n_nodes))
        )

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
            `time.monotonic()` from which on the rest is bounded by what evaders reach with nothing placed.
        listener
            Asked whether to stop.
        """
        found = EvaderAnswers(known * (1 + slack), {})
        for row in range(self._roots.size):
            stop_if_cancelled(listener)
            members = np.flatnonzero(self._row == row)
            if time.monotonic() >= until:
                found.bound[members] = np.exp(-self._out[self._at[members], self._roots[row]]) * (1 + ROUNDING)
                continue
            still = self._leaf[members] == self._roots[row]
            for k in members[still].tolist():
                found.bound[k] = 1.0
            self._answer(row, members[~still], found, (survival, probability, known, slack, most))
        return found

    def _answer(self, row: int, members: Integers, found: EvaderAnswers, terms: tuple[Any, ...]) -> None:
        """Answer for commodities with a common end."""
        survival, probability, known, slack, most = terms
        enough = known[members] * (1 + slack)
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
            return
        members, origins = members[there[:-1] >= 0], there[:-1][there[:-1] >= 0]
        if not members.size:
            return
        table, same = np.unique(survival[kept], axis=1, return_inverse=True)
        share = np.bincount(same.ravel(), probability, table.shape[1])
        answer = _search(kept.size)(
            *graph.arrays(table),
            share,
            origins,
            int(there[-1]),
            known[members],
            slack,
            most,
            max(LEAST_OUTWARD, most // OUTWARD),
        )
        begin = 0
        for k, bound, value, stop in zip(members.tolist(), answer.bound, answer.value, answer.stop, strict=True):
            found.bound[k] = bound * (1 + ROUNDING)
            if value > 0:
                arcs = kept[graph.order[answer.arcs[begin:stop]]].tolist()
                found.arcs[k] = tuple(arcs if self._turned else arcs[::-1])
            begin = stop
        found.labels += answer.labels
        _work[0] += answer.labels * share.size


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

    def arrays(self, survival: Floats) -> tuple[Any, ...]:
        """Return the arguments of `best_paths` that describe the arcs."""
        ordered = np.ascontiguousarray(survival[self.order])
        return self.start, self.head, self.into, self.entering, self.tail, ordered


def _first_of_each(sorted_nodes: Integers, n_nodes: int) -> Integers:
    """Return the (nodes + 1,) positions from which on each node stands."""
    return np.searchsorted(sorted_nodes, np.arange(n_nodes + 1)).astype(np.int64)


def _search(arcs: int) -> Callable[..., BestPaths]:
    """Return the search, compiled where it is large or there has been enough work for it."""
    if arcs < LARGE and _work[0] < WORTH_COMPILING:
        return best_paths
    if not _compiled:
        from numba import njit

        _compiled.append(njit(cache=True)(best_paths))
    return _compiled[0]
