"""Draws of a mixture of which little changes from one to the next: rounds through its plans, with feasible steps between them.

A share c of the sites may change: with N placements in the largest plan, at most m = floor(c N) may come new and at most m may go from one
draw to the next. With m = 0 no mixture keeps to it.

1. The plans are put in a cyclic order of small differences (nearest first, then exchanges of two arcs, 2-opt).
2. Between two that follow one another stand steps: each takes out up to m placements that the next plan does not have, and adds up to m that
   it has, as budgets and exclusions allow. Any part of a feasible plan keeps to those, so the steps always arrive, after at most
   ceil(out / m) + ceil(in / m) draws. With requirements they may not: then the mixture is refused.
3. A round has L draws: B steps, and x_s = 1 + (L - B - S) w_s / sum w of plan s of S, w_s = max(L p_s - 1, 0). L is the least number of
   blocks of 30 days with which no placement is expected to be off by more than `NEAR`, or of at most `MOST_BLOCKS` blocks the one with which
   the worst placement is off least.
4. Each round rounds x to whole counts with the same sums (`dependent_rounding`), and goes forward or back by chance. The plan that all rounds
   begin with is drawn once, by the secret, with probabilities x.

So the frequencies over whole rounds are off by what x says, give or take one draw. Over shorter times they are off by more, and who sees the
plan of today knows much of the next: that is the price of plans that change little.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.problem.mixture import Mixture, with_mixture
from optimizer.problem.plan import Plan
from optimizer.problem.requirements import meets
from optimizer.roster.balanced_sampling import SecretNumbers, dependent_rounding, telling_rows
from optimizer.solvers.branch_and_cut.node import addable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

NEAR = 1 / 60
"""How far a placement's expected frequency over a round may be off its probability where more draws help."""
MOST_BLOCKS = 12
WHERE = "change"


@dataclass(frozen=True)
class Round:
    """How a round goes.

    Attributes
    ----------
    plans
        Masks of the plans, in the order in which they follow one another.
    position
        (plans,) of each in the mixture.
    steps
        For each plan the masks between it and the next one; after the last one the first follows.
    expected
        (plans,) expected draws of each plan.
    off
        By how much the expected frequency of the worst placement over a round misses its probability.
    """

    plans: tuple[Mask, ...]
    position: tuple[int, ...]
    steps: tuple[tuple[Mask, ...], ...]
    expected: Floats
    off: float

    @property
    def length(self) -> int:
        """Draws of a round."""
        return round(float(self.expected.sum())) + sum(len(steps) for steps in self.steps)

    def mixture(self, instance: Instance) -> Mixture:
        """Return what an evader meets over a round, steps and all, as a mixture on an instance that has all beats."""
        share: dict[bytes, float] = {}
        for mask, often in zip(self.plans, self.expected.tolist(), strict=True):
            share[mask.tobytes()] = often
        for mask in (mask for steps in self.steps for mask in steps):
            share[mask.tobytes()] = share.get(mask.tobytes(), 0.0) + 1
        plans = tuple(Plan.from_mask(instance, np.frombuffer(mask, dtype=bool)) for mask in share)
        return Mixture(plans, tuple(often / self.length for often in share.values()))


@dataclass(frozen=True, slots=True)
class GradualDraw:
    """What is drawn: ids of placements, the position of the plan that it is or leads to, and whether it is such a step."""

    plan: tuple[str, ...]
    drawn: int
    step: bool


def round_of(mixture: Mixture, instance: Instance, change: float, block: int) -> Round:
    """Return how rounds go in which at most a share `change` of the sites, in (0, 1], changes from one draw to the next.

    Parameters
    ----------
    mixture, instance
        What is drawn from, and its problem.
    change
        The share.
    block
        Draws of 30 days.

    Raises
    ------
    InputError
        If that is less than one site, or requirements do not allow the steps.
    """
    whole = with_mixture(instance, mixture)
    masks = [whole.placed(plan.options) for plan in mixture.plans]
    most = most_changed(mixture, change)
    order = _tour(np.array(masks))
    plans = tuple(masks[k] for k in order)
    ends = [*plans, plans[0]] if len(plans) > 1 else [plans[0], plans[0]]
    steps = tuple(tuple(_steps(whole, a, b, most)) for a, b in pairwise(ends))
    share = np.array(mixture.probabilities)[order]
    table = np.array(plans, dtype=float).T
    between = sum((step.astype(float) for part in steps for step in part), np.zeros(len(table)))
    taken, best = sum(map(len, steps)), None
    for length in range(block, MOST_BLOCKS * block + 1, block):
        if length - taken < len(plans):
            continue
        weight = np.maximum(length * share - 1, 0.0)
        weight = weight if weight.any() else share
        expected = 1 + (length - taken - len(plans)) * weight / weight.sum()
        off = float(np.abs((table @ expected + between) / length - table @ share).max(initial=0.0))
        if best is None or off < best.off:
            best = Round(plans, tuple(order), steps, expected, off)
        if off <= NEAR:
            break
    if best is None:
        found = f"{len(plans)} plans with {taken} steps between them"
        expected_text = f"at most {MOST_BLOCKS * block} draws in a round"
        raise InputError(Problem(WHERE, found, expected_text, "Plan with --support, or let more sites change"))
    return best


def most_changed(mixture: Mixture, change: float) -> int:
    """Return how many placements may come new, or go, from one draw to the next.

    Raises
    ------
    InputError
        If none may, and the mixture has several plans.
    """
    largest = max(len(plan.options) for plan in mixture.plans)
    most = int(np.floor(change * largest + 1e-9))
    if most < 1 and len(mixture.plans) > 1:
        found = f"{change:.3g} of {largest} placements, which is less than one: no mixture keeps to it"
        remedy = "Let more sites change, or use plan.json, which is the same every day"
        raise InputError(Problem(WHERE, found, f"a share of at least {np.ceil(1000 / largest) / 1000:g}", remedy))
    return max(most, 1)


def gradual_draws(
    mixture: Mixture, instance: Instance, going: Round, secret: bytes, purpose: str
) -> Iterator[GradualDraw]:
    """Yield what is drawn, one after the other without end; it follows from the secret and the purpose."""
    whole = with_mixture(instance, mixture)
    ids = [_ids(whole, plan) for plan in going.plans]
    rows = telling_rows(np.array(going.plans).T)
    start, number, count = SecretNumbers(secret, f"{purpose}|start").next(), 0, len(ids)
    first = int(np.searchsorted(np.cumsum(going.expected) / going.expected.sum(), start, side="right"))
    first = min(first, count - 1)
    while True:
        numbers = SecretNumbers(secret, f"{purpose}|{number}")
        counts = dependent_rounding(going.expected, rows, numbers).tolist()
        turn = 1 if numbers.next() < 0.5 else -1
        for k in range(count):
            at, after = (first + turn * k) % count, (first + turn * (k + 1)) % count
            yield from [GradualDraw(ids[at], going.position[at], step=False)] * counts[at]
            steps = going.steps[at] if turn > 0 else going.steps[after][::-1]
            for step in steps:
                yield GradualDraw(_ids(whole, step), going.position[after], step=True)
        number += 1


def _ids(instance: Instance, mask: Mask) -> tuple[str, ...]:
    return tuple(Plan.from_mask(instance, mask).options)


def _tour(masks: Mask) -> list[int]:
    """Return the plans in a cyclic order in which those that follow one another differ little."""
    apart = (masks[:, None] != masks[None]).sum(axis=2)
    order, left = [0], set(range(1, len(masks)))
    while left:
        order.append(min(sorted(left), key=lambda k: int(apart[order[-1], k])))
        left.remove(order[-1])
    better = True
    while better:
        better = False
        for i in range(1, len(order) - 1):
            for j in range(i + 1, len(order)):
                a, b, c, d = order[i - 1], order[i], order[j], order[(j + 1) % len(order)]
                if apart[a, c] + apart[b, d] < apart[a, b] + apart[c, d]:
                    order[i : j + 1] = order[i : j + 1][::-1]
                    better = True
    return order


def _steps(instance: Instance, begin: Mask, end: Mask, most: int) -> list[Mask]:
    """Return the feasible plans between two, at most `most` placements come and at most `most` go at a time."""
    steps, here = [], begin
    while (going := np.flatnonzero(here & ~end)).size > most or (end & ~here).sum() > most:
        after = _step(instance, here, end, going[:most], most)
        if after is None:
            found = f"plans that differ by {int((begin & ~end).sum())} placements, with no feasible plan on the way"
            expected = f"steps of at most {most} placements that reach every requirement"
            raise InputError(Problem(WHERE, found, expected, "Let more sites change from one day to the next"))
        steps.append(here := after)
    return steps


def _step(instance: Instance, here: Mask, end: Mask, going: NDArray[np.int64], most: int) -> Mask | None:
    """Return the next plan on the way to another; None where requirements forbid it."""
    for leaving in range(going.size, -1, -1):
        after = here.copy()
        after[going[:leaving]] = False
        coming = 0
        for option in np.flatnonzero(end & ~here).tolist():
            if coming < most and addable(instance, after)[option]:
                after[option] = True
                coming += 1
        if (leaving or coming) and meets(instance, after):
            return after
    return None
