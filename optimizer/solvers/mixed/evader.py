"""The exact answer of informed evaders to a mixture: theta_k(mu) = max over paths P of sum_x mu_x g_P(x).

The search is on the overlay, where it is exact: a piece of a path that meets no option has the same value under every plan. Before labels are
set (`label_setting`), arcs are left out on which no path could exceed the value that is known, even if nothing were placed, and plans that do
not differ on the arcs that are left are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.problem.evaders import arc_costs
from optimizer.problem.graph import cost_graph
from optimizer.solvers.mixed.label_setting import BestPath, best_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.commodities import Commodities
    from optimizer.solvers.overlay.overlay import Overlay

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MOST_LABELS = 2_000_000
"""Labels of one search; with more its bound is weaker, and still valid."""
ROUNDING = 1e-12
"""Relative allowance for rounding in products of survivals."""
WORTH_COMPILING = 200_000
"""Arcs times plans of searches in this process before they are compiled, which takes some seconds once for an installation."""
_work = [0]
_compiled: list[Callable[..., BestPath]] = []


@dataclass(frozen=True)
class EvaderAnswer:
    """What one informed commodity achieves against a mixture.

    Attributes
    ----------
    bound
        Proven upper bound of what any path achieves.
    arcs
        Overlay arcs of a path of a value above the one that was known; None where none was found.
    labels
        Number of labels of the search.
    """

    bound: float
    arcs: tuple[int, ...] | None
    labels: int


class EvaderOracle:
    """Exact answers on an overlay.

    Parameters
    ----------
    overlay, commodities
        The problem.
    """

    def __init__(self, overlay: Overlay, commodities: Commodities) -> None:
        self._overlay = overlay
        searches = commodities.searches
        roots = searches.roots[searches.row]
        self.origin, self.destination = (searches.leaf, roots) if searches.reverse else (roots, searches.leaf)
        own = arc_costs(overlay.reliability)
        self._from, self._row = np.unique(self.origin, return_inverse=True)
        self._to, self._column = np.unique(self.destination, return_inverse=True)
        self._cost = own
        ends = (overlay.n_nodes, overlay.tail, overlay.head, own)
        self._out = cost_graph(*ends).distances(self._from) if self._from.size else np.empty((0, 0))
        self._back = cost_graph(*ends, reverse=True).distances(self._to) if self._to.size else np.empty((0, 0))

    def survivals(self, plans: list[NDArray[np.bool_]]) -> Floats:
        """Return the (arcs, plans) chances to pass overlay arcs under (options,) masks."""
        table = [self._overlay.arc_survival(plan) for plan in plans]
        return np.array(table).reshape(len(plans), self._overlay.tail.size).T

    def answer(
        self, commodity: int, survival: Floats, probability: Floats, known: float, most: int = MOST_LABELS
    ) -> EvaderAnswer:
        """Return what a commodity achieves beyond a value that is known to be achieved, or to be near enough.

        Parameters
        ----------
        commodity
            Position of the informed commodity.
        survival, probability
            (arcs, plans) as `survivals` gives them, and (plans,) mu.
        known
            Paths up to this value are not looked for; the bound is at least this.
        most
            Most labels.
        """
        overlay = self._overlay
        origin, destination = int(self.origin[commodity]), int(self.destination[commodity])
        if origin == destination:
            return EvaderAnswer(1.0, None if known >= 1 else (), 0)
        out, back = self._out[self._row[commodity]], self._back[self._column[commodity]]
        limit = -np.log(known) if known > 0 else np.inf
        through = out[overlay.tail] + self._cost + back[overlay.head]
        kept = np.flatnonzero((through <= limit) & np.isfinite(through))
        if not kept.size:
            return EvaderAnswer(known, None, 0)
        graph = _Compact.of(overlay.tail[kept], overlay.head[kept], origin, destination)
        if graph is None:
            return EvaderAnswer(known, None, 0)
        table, same = np.unique(survival[kept], axis=1, return_inverse=True)
        share = np.bincount(same.ravel(), probability, table.shape[1])
        found = _search(table.size)(*graph.arrays(table), share, graph.origin, graph.destination, known, most)
        arcs = kept[graph.order[found.arcs[::-1]]]
        return EvaderAnswer(
            found.bound * (1 + ROUNDING), tuple(arcs.tolist()) if found.value > 0 else None, found.labels
        )


@dataclass(frozen=True)
class _Compact:
    """Some arcs with their nodes numbered anew, sorted by tail (`order`) and, within these, by head."""

    order: Integers
    start: Integers
    head: Integers
    into: Integers
    entering: Integers
    tail: Integers
    origin: int
    destination: int

    @classmethod
    def of(cls, tail: NDArray[np.integer], head: NDArray[np.integer], origin: int, destination: int) -> _Compact | None:
        """Return the arcs with their nodes numbered; None where an end is not among them."""
        nodes, place = np.unique(np.concatenate((tail, head)), return_inverse=True)
        ends = np.searchsorted(nodes, [origin, destination])
        if (ends >= nodes.size).any() or (nodes[ends] != [origin, destination]).any():
            return None
        order = np.argsort(place[: tail.size], kind="stable")
        tails: Integers = place[: tail.size][order].astype(np.int64)
        heads: Integers = place[tail.size :][order].astype(np.int64)
        entering = np.argsort(heads, kind="stable")
        start = _first_of_each(tails, nodes.size)
        into = _first_of_each(heads[entering], nodes.size)
        return cls(order, start, heads, into, entering, tails, int(ends[0]), int(ends[1]))

    def arrays(self, survival: Floats) -> tuple[Any, ...]:
        """Return the arguments of `best_path` that describe the arcs."""
        ordered = np.ascontiguousarray(survival[self.order])
        return self.start, self.head, self.into, self.entering, self.tail, ordered


def _first_of_each(sorted_nodes: Integers, n_nodes: int) -> Integers:
    """Return the (nodes + 1,) positions from which on each node stands."""
    return np.searchsorted(sorted_nodes, np.arange(n_nodes + 1)).astype(np.int64)


def _search(cells: int) -> Callable[..., BestPath]:
    """Return the search, compiled once there has been enough work for it."""
    _work[0] += cells
    if _work[0] < WORTH_COMPILING:
        return best_path
    if not _compiled:
        from numba import njit

        _compiled.append(njit(cache=True)(best_path))
    return _compiled[0]
