"""The plans that every method looks for: a greedy one, and local searches around plans, for a share of the time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import step
from optimizer.problem.result import PROVEN
from optimizer.solvers.branch_and_cut.commodities import Commodities
from optimizer.solvers.branch_and_cut.path_pool import PathPool
from optimizer.solvers.heuristics import filled, greedy, local_search, ruin_and_recreate
from optimizer.solvers.pooled_values import PooledValues

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from optimizer.solvers.solve_state import SolveState

SEARCH_SECONDS = 10.0
"""Longest local search, in seconds."""
SEARCH_SHARE = 0.25
"""Longest local search, as a share of the time left; and of all of them, as a share of the time spent."""
NODES_BETWEEN = 8
"""Without a time limit, in place of shares of the time: nodes between two local searches near nodes, so that a search can be repeated."""
WIDE = 0.05
"""Gap after the first local search from which on a greedy plan is made to search around as well."""


class PlanImprover:
    """Local searches around the plans of a tree, for a share of its time.

    Attributes
    ----------
    pooled
        Values over pooled paths.
    seen
        Plans that were searched around, and those that came of it, as bytes.
    """

    def __init__(self, search: SolveState, pooled: PooledValues) -> None:
        self.pooled = pooled
        self._search = search
        self._began = time.monotonic()
        self._spent = 0.0
        self._fruitless = 0
        self._nodes = 0
        self._rng = np.random.default_rng(search.seed)
        self.seen: set[bytes] = set()
        self._greedy: NDArray[np.bool_] | None = None

    @classmethod
    def without_tree(cls, search: SolveState) -> PlanImprover:
        """Return an improver with a pool of its own, for methods that have no tree."""
        commodities = Commodities.of(search.overlay)
        return cls(search, PooledValues(commodities, PathPool(search.overlay, commodities.searches)))

    def fill(self, start: NDArray[np.bool_]) -> None:
        """Offer a plan with what is left of the budgets spent."""
        if not self.pooled.knows:
            self.pooled.refresh(start)
        self._search.offer(filled(self._search.instance, self.pooled, start))

    def greedy(self) -> NDArray[np.bool_]:
        """Return a greedy plan, offered as well; it is made once."""
        search = self._search
        if self._greedy is None:
            with step(search.listener, "greedy"):
                made = greedy(
                    search.instance,
                    search.overlay,
                    self.pooled,
                    start=search.start,
                    until=search.until,
                    listener=search,
                )
            search.offer(made)
            self._greedy = made
        return self._greedy

    def know(self, seen: Iterable[bytes], made: NDArray[np.bool_] | None) -> None:
        """Take note of plans that another process has searched around, and of the greedy plan if it made it."""
        self.seen |= set(seen)
        if made is not None and self._greedy is None:
            self._greedy = made

    def look(self, least: float = PROVEN) -> None:
        """Make sure of a greedy plan and a local search around the best, unless the bounds leave nothing to gain or time is up.

        A gap is a promise about the bound, not leave to stop looking. No greedy plan is made where the gap is at most `least`.
        """
        search = self._search
        if search.gap_left > least and not search.out_of_time:
            self.greedy()
        if search.gap_left > PROVEN and not search.out_of_time and search.placed.tobytes() not in self.seen:
            self.search_around(search.placed, ruins=False)
        search.looked = search.gap_left <= PROVEN or not search.out_of_time

    def search_around(self, start: NDArray[np.bool_], share: float = 0.0, *, ruins: bool = True) -> NDArray[np.bool_]:
        """Search around a plan, for at least a share of the time that is left where there is a limit, and offer what is found.

        While the gap is wide the search goes on with ruins, where they are wanted. Without a limit it ends when it finds nothing more.
        """
        search, began = self._search, time.monotonic()
        left = search.until - began
        seconds = max(min(SEARCH_SECONDS, left * SEARCH_SHARE), share * left) if np.isfinite(left) else np.inf
        problem = (search.instance, search.overlay, self.pooled)
        with step(search.listener, "local search"):
            enough = search.enough if search.quick else 0.0
            improved = local_search(*problem, start, until=began + seconds, enough=enough, listener=search)
            search.offer(improved)
            if ruins and search.gap_left > WIDE:
                until = began + seconds
                improved = ruin_and_recreate(*problem, improved, rng=self._rng, until=until, listener=search)
                search.offer(improved)
        self._spent += time.monotonic() - began
        self.seen |= {start.tobytes(), improved.tobytes()}
        return improved

    def near_node(self, near: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Search around a plan near a part's solution, unless that was done or the share of time is spent.

        The share falls with the number of searches since the last that found a better plan.
        """
        if not self._has_turn() or near.tobytes() in self.seen:
            return None
        self._nodes = 0
        before = self._search.upper
        improved = self.search_around(near)
        self._fruitless = 0 if self._search.upper < before else self._fruitless + 1
        return improved

    def _has_turn(self) -> bool:
        """Return whether a search near a node may be made: by the time that searches have taken, without a time limit by nodes."""
        self._nodes += 1
        if not np.isfinite(self._search.until):
            return self._nodes >= NODES_BETWEEN * (1 + self._fruitless)
        return self._spent <= SEARCH_SHARE / (1 + self._fruitless) * (time.monotonic() - self._began)
