"""The budget curve: the best value, and its proven bound, over a range of budgets of one resource, or a grid of two.

With a larger budget every plan of a smaller one is still feasible, so the optimal value f never rises: f(b) >= f(b') for b <= b'. So a plan
found at b is an upper bound at every larger budget, and a bound proven at b' holds at every smaller one. The largest budget is solved first,
then the others from the smallest, each from the plan before it, over one contraction of the network. What each point proves is passed on to all
others, so the curve and its bound never rise, whatever the search missed at a point.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.interrupts import Stopping
from optimizer.base.listener import SILENT, step
from optimizer.problem.changes import Changes
from optimizer.problem.result import relative_gap
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.solve import place, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.problem.plan import Plan
    from optimizer.problem.result import Result
    from optimizer.scenario.model import SolveModel
    from optimizer.solvers.overlay.overlay import Overlay

SINGLE_SOLVES = 3.0
"""Time of a curve, in time limits of a single solve, where none is given."""
LEAST_SECONDS = 0.1
"""Least time of a point."""


@dataclass(frozen=True, slots=True)
class BudgetRange:
    """Budgets of a resource, from the smallest to the largest.

    Attributes
    ----------
    resource
        Its id, or its name where one agency alone has it.
    amounts
        The budgets, rising.
    """

    resource: str
    amounts: tuple[float, ...]

    @classmethod
    def between(cls, resource: str, first: float, last: float, points: int) -> BudgetRange:
        """Return so many budgets at even distances, whole numbers where both ends are and there is room for as many.

        Raises
        ------
        InputError
            If the ends are swapped, equal or out of range, or there are fewer than two points.
        """
        problems = ProblemList()
        where = f"budgets of {resource}"
        if not 0 <= first <= 1e15 or not 0 <= last <= 1e15:
            problems.add(where, f"from {first:g} to {last:g}", "numbers from 0 to 1e15")
        elif first >= last:
            problems.add(
                where, f"from {first:g} to {last:g}", "the smaller budget first", f"Give --from {last:g} --to {first:g}"
            )
        if points < 2:
            problems.add(where, f"{points} points", "at least 2")
        problems.raise_if_any()
        amounts = np.linspace(first, last, points)
        if float(first).is_integer() and float(last).is_integer() and points - 1 <= last - first:
            amounts = np.round(amounts)
        return cls(resource, tuple(amounts.tolist()))


@dataclass(frozen=True)
class FrontierPoint:
    """The best plan found for some budgets, and the bound that no plan within them goes below.

    Attributes
    ----------
    budgets
        One for each resource, in the order of the ranges.
    lower, upper
        Proven bound, and value of the plan.
    plan
        The plan, of this point or of a smaller budget.
    """

    budgets: tuple[float, ...]
    lower: float
    upper: float
    plan: Plan

    @property
    def gap(self) -> float:
        """Relative gap of the bounds."""
        return relative_gap(self.lower, self.upper) or 0.0


@dataclass(frozen=True)
class MarginalGain:
    """What one more unit of a resource brings from one point of a curve to the next: how much the value falls, in [low, high], and as found."""

    budget: float
    found: float
    low: float
    high: float


@dataclass(frozen=True)
class Frontier:
    """A budget curve, or a grid of two.

    Attributes
    ----------
    ranges
        The resources and their budgets.
    points
        In the order of the budgets, those of the last resource running fastest.
    complete
        Whether every point was searched; one that was not has what the others prove of it.
    """

    ranges: tuple[BudgetRange, ...]
    points: tuple[FrontierPoint, ...]
    complete: bool

    def gains(self) -> tuple[MarginalGain, ...]:
        """Return what one more unit brings between neighbours of a curve of one resource."""
        found = []
        for before, after in zip(self.points, self.points[1:], strict=False):
            width = after.budgets[0] - before.budgets[0]
            least, most = max(before.lower - after.upper, 0.0), before.upper - after.lower
            found.append(
                MarginalGain(before.budgets[0], (before.upper - after.upper) / width, least / width, most / width)
            )
        return tuple(found)

    def knee(self) -> FrontierPoint | None:
        """Return the point of a curve of one resource that lies furthest below the line from its first to its last; None on a straight line."""
        first, last = self.points[0], self.points[-1]
        fall = first.upper - last.upper
        if len(self.ranges) > 1 or fall <= 0:
            return None
        width = last.budgets[0] - first.budgets[0]
        depth = [(first.upper - p.upper) / fall - (p.budgets[0] - first.budgets[0]) / width for p in self.points]
        best = int(np.argmax(depth))
        return self.points[best] if depth[best] > 1e-9 else None


def frontier(
    instance: Instance,
    ranges: Sequence[BudgetRange],
    terms: SolveModel,
    *,
    time_limit: float | None = None,
    listener: Listener = SILENT,
) -> Frontier:
    """Solve an instance over a range of budgets of one resource, or a grid of two.

    Ctrl-C ends the search; points that were not searched have the bounds that the others prove.

    Parameters
    ----------
    instance
        The problem.
    ranges
        One or two resources with their budgets.
    terms
        Method, gap and seed of each point.
    time_limit
        Seconds for all points together; by default three times that of `terms`, None where that has none.
    listener
        Told of each point.

    Raises
    ------
    InputError
        If a resource is not the instance's, or there are other than one or two different ones.
    InfeasibleError
        If no plan is feasible with a budget.
    KeyboardInterrupt
        If it comes before a plan of the smallest budget is known.
    """
    if len(ranges) not in {1, 2} or len({each.resource for each in ranges}) < len(ranges):
        found = ", ".join(each.resource for each in ranges) or "none"
        raise InputError(Problem("resources of the frontier", found, "one resource, or two different ones"))
    grid = list(product(*(each.amounts for each in ranges)))
    cases = [
        Changes(dict(zip((each.resource for each in ranges), amounts, strict=True))).applied(instance)
        for amounts in grid
    ]
    if time_limit is None and terms.time_limit is not None:
        time_limit = SINGLE_SOLVES * terms.time_limit
    search = _FrontierSearch(
        grid, cases, terms, None if time_limit is None else time.monotonic() + time_limit, listener
    )
    complete = search.run()
    return Frontier(tuple(ranges), search.points(), complete)


class _FrontierSearch:
    """The points of a frontier as they become known."""

    def __init__(
        self,
        grid: list[tuple[float, ...]],
        cases: list[Instance],
        terms: SolveModel,
        until: float | None,
        listener: Listener,
    ) -> None:
        self._grid, self._cases, self._terms, self._until, self._listener = grid, cases, terms, until, listener
        self._results: dict[int, Result] = {}
        self._overlay: Overlay | None = None

    def run(self) -> bool:
        """Search the points, the largest budget first; return whether all were searched."""
        order = [len(self._cases) - 1, *range(len(self._cases) - 1)]
        with Stopping(self._listener) as stopping:
            for done, k in enumerate(order):
                if stopping.cancelled() and 0 in self._results:
                    return False
                left = None
                if self._until is not None:
                    left = max((self._until - time.monotonic()) / (len(order) - done), LEAST_SECONDS)
                amounts = ", ".join(f"{amount:g}" for amount in self._grid[k])
                with step(stopping, f"point {done + 1} of {len(order)}: budget {amounts}", stoppable=False):
                    self._results[k] = self._solved(k, left, stopping)
        return True

    def points(self) -> tuple[FrontierPoint, ...]:
        """Return the points with what each proves of the others."""
        return tuple(self._point(k) for k in range(len(self._grid)))

    def _solved(self, k: int, seconds: float | None, listener: Listener) -> Result:
        case, terms, start = self._cases[k], self._terms, self._best_below(k)
        if case.patrols is not None:
            return solve(
                case,
                method=terms.method,
                gap=terms.gap,
                time_limit=seconds,
                seed=terms.seed,
                start=None if start is None else start.plan,
                listener=listener,
            )
        if self._overlay is None and terms.method != "compact":
            self._overlay = contract(case)
        plan = None if start is None else start.plan
        return place(
            case,
            method=terms.method,
            gap=terms.gap,
            time_limit=seconds,
            seed=terms.seed,
            listener=listener,
            overlay=self._overlay,
            starts=() if plan is None else (case.placed(plan.options),),
            proven=self._bound_above(k),
        )

    def _point(self, k: int) -> FrontierPoint:
        best, lower = self._best_below(k), self._bound_above(k)
        if best is None or best.plan is None or best.upper is None:
            raise KeyboardInterrupt  # before there was a plan of the smallest budget
        return FrontierPoint(self._grid[k], min(lower, best.upper), best.upper, best.plan)

    def _best_below(self, k: int) -> Result | None:
        """Return the best result of a budget that is nowhere larger, if there is one."""
        here = self._grid[k]
        smaller = [r for i, r in self._results.items() if all(a <= b for a, b in zip(self._grid[i], here, strict=True))]
        return min((r for r in smaller if r.upper is not None), key=lambda r: r.upper or 0.0, default=None)

    def _bound_above(self, k: int) -> float:
        """Return the best bound that is proven for a budget that is nowhere smaller."""
        here = self._grid[k]
        larger = [r for i, r in self._results.items() if all(a >= b for a, b in zip(self._grid[i], here, strict=True))]
        return max((r.lower or 0.0 for r in larger), default=0.0)
