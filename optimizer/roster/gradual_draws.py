"""Draws of a mixture of which little changes from one to the next: rounds through its plans, with feasible steps between.

A share c of the sites may change: with N placements in the largest plan, at most m = floor(c N) may come new and at most m may go from one
draw to the next. With m = 0 no mixture keeps to it.

1. A round has whole counts n_s of plans s with E[n_s] = L p_s, where L is the draws of 30 days, or of more months where the steps of a path
   through all plans would be more than a third of that (`balanced_counts`). It is halved, and halves are, while that path's steps are no more
   than a sixth of the part (`balanced_parts`).
2. The plans of a part follow one another in an order of small differences, forward or back by chance: the nearest next, then exchanges of two
   links (2-opt). Where all are near enough to each other, draws are in random order.
3. Between two that follow one another stand steps: each takes out up to m placements that the next plan does not have, and adds up to m that
   it has, as budgets and exclusions allow. Any part of a feasible plan keeps to those, so the steps always arrive, after at most
   ceil(out / m) + ceil(in / m) draws. With requirements they may not: then the mixture is refused.

So a round of B steps takes L + B draws, and over whole rounds a placement's share misses its probability by at most B / (L + B), up to one draw
of a plan a round; by less, as steps are made of the plans beside them. What it comes to is measured over `MEASURED` rounds of another secret.
Over times shorter than a round shares are off by more, and who sees the plan of today knows much of the next: that is the price of little
change.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import count, islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.plan.plan import Mixture, Plan, with_mixture
from optimizer.roster.balanced_sampling import SHORTEST, SecretNumbers, balanced_counts, balanced_parts, telling_rows
from optimizer.solvers.branch_and_cut.tree.node import options_that_fit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

WHERE = "change"
STEPS = 1 / 3
"""Steps of a round of all plans for each draw of a plan, above which rounds are longer."""
MOST_BLOCKS = 12
MEASURED = 12
"""Rounds over which shares are measured."""


@dataclass(frozen=True, slots=True)
class GradualDraw:
    """What is drawn: ids of placements, the position of the plan that it is or leads to, and whether it is such a step."""

    plan: tuple[str, ...]
    drawn: int
    step: bool


@dataclass(frozen=True)
class GradualRounds:
    """How rounds are made.

    Attributes
    ----------
    instance
        The problem with all beats.
    masks
        (plans, options) of the mixture.
    share
        (plans,) p.
    most
        Placements that may come, and that may go.
    length, part
        L, draws of plans in a round; and in its parts at most.
    """

    instance: Instance
    masks: Mask
    share: Floats
    most: int
    length: int
    part: int
    _known: dict[tuple[int, int], list[Mask]] = field(default_factory=dict)

    @classmethod
    def of(cls, mixture: Mixture, instance: Instance, change: float, block: int) -> GradualRounds:
        """Return the rounds of a mixture in which at most a share `change` of the sites, in (0, 1], changes at a time.

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
        whole, most = with_mixture(instance, mixture), most_changed(mixture, change)
        masks = np.array([whole.placed(plan.options) for plan in mixture.plans])
        order = _path(masks, np.arange(len(masks)))
        steps = sum(len(_steps(whole, masks[a], masks[b], most)) for a, b in pairwise(order))
        blocks = min(MOST_BLOCKS, max(1, int(np.ceil(steps / (STEPS * block)))))
        part = max(SHORTEST, int(np.ceil(2 * steps / STEPS)))
        return cls(whole, masks, np.array(mixture.probabilities), most, blocks * block, part)

    def draws(self, secret: bytes, purpose: str) -> Iterator[GradualDraw]:
        """Yield what is drawn, one after the other without end; it follows from the secret and the purpose."""
        rows, last = telling_rows(self.masks.T), -1
        for number in count():
            numbers = SecretNumbers(secret, f"{purpose}|{number}")
            for part in balanced_parts(
                balanced_counts(self.share, rows, self.length, numbers), rows, self.part, numbers
            ):
                for plan in self._order(part, last, numbers):
                    for step in self._between(last, plan) if last >= 0 else ():
                        yield GradualDraw(self.instance.ids_of(step), plan, step=True)
                    yield GradualDraw(self.instance.ids_of(self.masks[plan]), plan, step=False)
                    last = plan

    def _between(self, begin: int, end: int) -> list[Mask]:
        """Return the steps from one plan to another."""
        if (begin, end) not in self._known:
            self._known[begin, end] = _steps(self.instance, self.masks[begin], self.masks[end], self.most)
        return self._known[begin, end]

    def _order(self, often: NDArray[np.int64], last: int, numbers: SecretNumbers) -> list[int]:
        """Return the draws of the plans of a part, after that of the last plan."""
        chosen = np.flatnonzero(often)
        around = self.masks[chosen if last < 0 else np.append(chosen, last)]
        come = (around[:, None] & ~around[None]).sum(axis=2)
        if come.max(initial=0) <= self.most:
            return numbers.shuffled(np.repeat(chosen, often[chosen]).tolist())
        path = _path(self.masks, chosen)
        path = path if numbers.next() < 0.5 else path[::-1]
        return [plan for plan in path for _ in range(int(often[plan]))]

    def measured(self) -> tuple[GradualDraw, ...]:
        """Return the draws of `MEASURED` rounds and a part of the next, of a secret that is none."""
        draws = self.draws(b"", "measured")
        return tuple(islice(draws, MEASURED * self.length))


def drawn_mixture(draws: Sequence[GradualDraw], instance: Instance) -> Mixture:
    """Return what an evader meets over some draws as a mixture, on an instance that has all beats."""
    often = Counter(one.plan for one in draws)
    return Mixture(
        tuple(Plan.of(instance, plan) for plan in often), tuple(number / len(draws) for number in often.values())
    )


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


def _path(masks: Mask, chosen: NDArray[np.int64]) -> list[int]:
    """Return the chosen plans in an order in which those that follow one another differ little."""
    apart = (masks[:, None] != masks[None]).sum(axis=2)
    order, left = [int(chosen[0])], set(chosen[1:].tolist())
    while left:
        order.append(min(sorted(left), key=lambda k: int(apart[order[-1], k])))
        left.remove(order[-1])
    better = True
    while better:
        better = False
        for i in range(1, len(order) - 1):
            for j in range(i + 1, len(order)):
                a, b, c = order[i - 1], order[i], order[j]
                onward = apart[b, order[j + 1]] - apart[c, order[j + 1]] if j + 1 < len(order) else 0
                if apart[a, c] - apart[a, b] + onward < 0:
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
            if coming < most and options_that_fit(instance, after)[option]:
                after[option] = True
                coming += 1
        if (leaving or coming) and requirements_met(instance, after):
            return after
    return None
