"""What is false about plans, bounds and mixtures, as the referee sees it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from optimizer.base.work.listener import SilentListener
from optimizer.problem.plan.plan import Beat, Mixture, Plan
from optimizer.problem.plan.result import PROVEN, Result
from tests.hostile.referee import Placed, Referee, Tour

ROUNDING = 1e-9
"""Relative error of values and bounds."""


def placed(plan: Plan) -> Placed:
    """Return a plan as the referee knows it."""
    beats = [p for p in plan.placements if isinstance(p, Beat)]
    fixed = frozenset(p.id for p in plan.placements if not isinstance(p, Beat))
    return Placed(fixed, tuple(Tour(b.team.id, b.base.id, b.posts, b.slots) for b in beats))


class Told(SilentListener):
    """Keeps the bounds that it is told, and cancels when it was asked so often."""

    def __init__(self, patience: float = math.inf) -> None:
        self.patience, self.asked = patience, 0
        self.lower: list[float] = []
        self.upper: list[float] = []

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Keep them."""
        self.lower.append(lower)
        self.upper.append(upper)

    def cancelled(self) -> bool:
        """Return whether it was asked often enough."""
        self.asked += 1
        return self.asked > self.patience


def above(bound: float, value: float, size: float) -> bool:
    """Return whether a bound is above a value by more than rounding."""
    return bound > value * (1 + ROUNDING) + 1e-14 * size


def faults(referee: Referee, result: Result, gap: float, told: Told | None = None) -> Iterator[str]:
    """Yield what is false in the result of a search for one plan."""
    if result.plan is None or result.upper is None or result.lower is None:
        yield f"no plan or no bound: {result.status}"
        return
    yield from false_plan(referee, result.plan, result.upper)
    yield from false_bounds(referee, result, told)
    if result.status == "optimal" and above(
        result.upper * (1 - max(gap, PROVEN)), referee.least, referee.size
    ):
        yield f"false status: optimal at {result.upper!r} where {referee.least!r} is possible"


def false_plan(referee: Referee, plan: Plan, upper: float) -> Iterator[str]:
    """Yield what is false about a plan and its value."""
    if fault := referee.fault_of(placed(plan)):
        yield f"false plan: {fault}: {placed(plan)}"
        return
    value = referee.value(placed(plan))
    if abs(value - upper) > ROUNDING * value + 1e-14 * referee.size:
        yield f"false value: {upper!r} of {value!r}: {placed(plan)}"


def false_bounds(referee: Referee, result: Result, told: Told | None = None) -> Iterator[str]:
    """Yield what is false about the bounds of a search for one plan."""
    assert result.lower is not None
    if above(result.lower, referee.least, referee.size):
        yield f"false bound: {result.lower!r} above {referee.least!r}"
    if told is None:
        return
    if above(max(told.lower, default=0.0), referee.least, referee.size):
        yield f"false bound told: {max(told.lower)!r} above {referee.least!r}"
    falls = [before for before, after in pairwise(told.lower) if above(before, after, referee.size)]
    rises = [after for before, after in pairwise(told.upper) if above(after, before, referee.size)]
    if falls or rises:
        yield f"false bounds told: worse than one before: {falls or rises}"


def false_mixture(
    referee: Referee, result: Result, told: Told, support: int | None
) -> Iterator[str]:
    """Yield what is false about a mixture and its bounds."""
    low, high = referee.game()
    size, mixed = referee.size, result.mixed
    if mixed is None or result.lower is None or result.upper is None or result.plan is None:
        yield "no mixture or no bound"
        return
    if above(max(result.lower, *told.lower, 0.0), high, size):
        yield f"false bound: {result.lower!r}, told {max(told.lower, default=0)!r}, above {high!r}"
    if above(low, result.upper, size):
        yield f"false value: {result.upper!r} below {low!r}"
    yield from false_plan(referee, result.plan, mixed.pure_upper)
    if above(mixed.pure_lower, referee.least, size):
        yield f"false pure bound: {mixed.pure_lower!r} above {referee.least!r}"
    yield from false_parts(referee, mixed.mixture, result.upper)
    if support is not None and len(mixed.mixture.plans) > support:
        yield f"false support: {len(mixed.mixture.plans)} plans of {support}"
    if result.status == "optimal" and above(
        result.upper * (1 - max(result.tolerance, PROVEN)), high, size
    ):
        yield f"false status: optimal at {result.upper!r} where {high!r} is possible"


def false_parts(referee: Referee, mixture: Mixture, upper: float) -> Iterator[str]:
    """Yield what is false about the plans of a mixture and about what it is worth."""
    parts = [placed(plan) for plan in mixture.plans]
    for part in parts:
        if fault := referee.fault_of(part):
            yield f"false plan of a mixture: {fault}: {part}"
            return
    value = referee.mixture_value(parts, mixture.probabilities)
    if above(value, upper, referee.size):
        yield f"false value of a mixture: {upper!r} of {value!r}"
