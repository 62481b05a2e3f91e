"""The method `compact`: one mixed-integer program in HiGHS, whose bound is checked in our own arithmetic; few options are all tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SilentListener, step
from optimizer.solvers.compact import compact_model
from optimizer.solvers.enumeration import Enumeration
from optimizer.solvers.heuristics import tidy
from optimizer.solvers.plan_improver import PlanImprover

if TYPE_CHECKING:
    from optimizer.solvers.compact import CompactModel
    from optimizer.solvers.solve_state import SolveState

FEW = 10
"""Most free options whose plans are all tried where the bound of the mixed-integer program is in doubt."""


def search_compact(search: SolveState) -> None:
    """Solve the compact model in HiGHS from the best of a greedy plan and a local search."""
    from optimizer.solvers.backend import solve_mip

    improver = PlanImprover.without_tree(search)
    improver.look()
    if search.closed or search.out_of_time:
        search.limit = "time" if search.out_of_time else None
        return
    model = compact_model(search.instance, search.overlay)
    search.statistics |= {"rows": model.mip.rows.shape[0], "columns": model.mip.rows.shape[1]}
    start = np.full(model.mip.cost.size, np.nan)
    start[: search.placed.size] = search.placed
    with step(search.listener, "branching"):
        outcome = solve_mip(
            model.mip,
            gap=search.gap / 2,  # the rest for what the tolerances may hide
            time_limit=search.seconds_left,
            seed=search.seed,
            presolve=not model.delicate,
            start=start,
            listener=_Scaled(search, model),
        )
    search.statistics["nodes"] = outcome.nodes
    search.limit = outcome.limit
    if outcome.x is not None:
        search.offer(tidy(search.instance, search.overlay, outcome.x[: search.placed.size] > 0.5))
    proven = model.proven(outcome.bound)
    if proven <= search.upper:  # else the solver contradicts a plan, and nothing that it says is proven
        search.prove(proven)
    search.report()
    if not search.closed and search.limit is None and int(search.overlay.free.sum()) <= FEW:
        _enumerate(search)
    if search.limit is None:
        improver.look()  # a plan of the solver within the gap may leave an option out that fits


def _enumerate(search: SolveState) -> None:
    """Try all plans, in exact arithmetic."""
    with step(search.listener, "enumerating"):
        trial = Enumeration(search.instance, search.overlay, search.upper, search.gap, search.until, search)
        trial.run()
    search.prove(trial.lower)
    search.limit = "time" if trial.out_of_time else None
    search.tidy()


class _Scaled(SilentListener):
    """Passes on the bounds of a scaled model where they are better than what the search has; they are not proven yet."""

    def __init__(self, search: SolveState, model: CompactModel) -> None:
        self._search, self._model = search, model

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Report them in the commodities of the problem."""
        search, model = self._search, self._model
        best = min(upper * model.scale, search.upper)
        search.listener.bounds_moved(min(max(model.proven(lower), search.lower), best), best)

    def cancelled(self) -> bool:
        """Return whether the search is to stop."""
        return self._search.cancelled()
