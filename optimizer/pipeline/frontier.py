"""The budget curve: the best value, and its proven bound, over a range of budgets of one resource, or a grid of two.

With a larger budget every plan of a smaller one is still feasible, so the optimal value f never rises: f(b) >= f(b') for b <= b'. So a plan
found at b is an upper bound at every larger budget, and a bound proven at b' holds at every smaller one. The smallest and the largest budget
are solved first, then the one in the middle, and so on by halves: each from the plan of the nearest smaller one, below the bound of the nearest
larger one, over one contraction of the network, with the rows on values that the root programs of both have in use: these hold under any budget
(`value_rows`), and one or two programs more are mostly enough. Plans to begin from are that of the smaller budget and that of the larger one
without what there is no room for, filled greedily. So no point waits for more than the two around it, and they can be solved at the same time.
What each point proves is passed on to all others, so the curve and its bound never rise, whatever the search missed at a point.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.executor import SERIAL, LostPieceError
from optimizer.base.interrupts import Stopping
from optimizer.base.listener import SILENT, step
from optimizer.pipeline.frontier_points import Curve, best_below, bound_above, pieces_of, solve_points
from optimizer.problem.changes import Changes
from optimizer.problem.digest import series_digest
from optimizer.problem.methods import check_single_plans
from optimizer.problem.plan import unpacked_plan
from optimizer.problem.result import relative_gap
from optimizer.solvers.overlay.overlay import contract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimizer.base.executor import Executor
    from optimizer.base.finished_pieces import FinishedPieces
    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.problem.plan import Plan
    from optimizer.scenario.model import SolveModel

SINGLE_SOLVES = 3.0
"""Time of a curve, in time limits of a single solve, where none is given."""


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
    executor: Executor = SERIAL,
    finished: FinishedPieces | None = None,
    listener: Listener = SILENT,
) -> Frontier:
    """Solve an instance over a range of budgets of one resource, or a grid of two.

    Ctrl-C ends the search; points that were not searched have the bounds that the others prove. The same holds for points whose time has run
    out before they were begun.

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
    executor
        Who solves the points.
    finished
        Where points are kept as they are solved, and read from in place of solving them.
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
    check_single_plans(terms.method, "the frontier")
    if time_limit is None and terms.time_limit is not None:
        time_limit = SINGLE_SOLVES * terms.time_limit
    until = None if time_limit is None else time.monotonic() + time_limit
    grid = list(product(*(each.amounts for each in ranges)))
    resources = tuple(each.resource for each in ranges)
    for budgets in (grid[0], grid[-1]):
        Changes(dict(zip(resources, budgets, strict=True))).applied(instance)  # raises what is wrong with the names
    overlay = None
    with Stopping(listener) as stopping:
        if instance.patrols is None and terms.method != "compact":
            with step(stopping, "contracting"):
                overlay = contract(instance)
        pieces = pieces_of([each.amounts for each in ranges], linked=overlay is not None)
        shared = Curve(instance, resources, terms, overlay)
        known: dict[tuple[float, ...], dict[str, Any]] = {}
        for ended in executor.run(
            solve_points, pieces, shared=shared, until=until, finished=finished, listener=stopping
        ):
            if isinstance(ended.error, LostPieceError):
                stopping.noted(f"Budgets {ended.piece.key} were not solved: {ended.fault}.")
            else:
                known |= {tuple(each["budgets"]): each for each in ended.value()["points"]}
    points = tuple(_point(instance, budgets, known) for budgets in grid)
    return Frontier(tuple(ranges), points, complete=len(known) == len(grid))


def frontier_digest(
    instance: Instance, ranges: Sequence[BudgetRange], terms: SolveModel, time_limit: float | None
) -> str:
    """Return the digest of all that the points of a frontier depend on, for `FinishedPieces`."""
    spans = [[each.resource, *each.amounts] for each in ranges]
    return series_digest(instance, "frontier in stretches", spans, terms.of_search(), time_limit)


def _point(
    instance: Instance, budgets: tuple[float, ...], known: Mapping[tuple[float, ...], dict[str, Any]]
) -> FrontierPoint:
    """Return a point with what the others prove of it."""
    best, lower = best_below(budgets, known), bound_above(budgets, known)
    if best is None:
        raise KeyboardInterrupt  # before there was a plan of the smallest budget
    return FrontierPoint(budgets, min(lower, best["upper"]), best["upper"], unpacked_plan(instance, best["plan"]))
