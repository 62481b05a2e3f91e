"""Draws of a mixture over days or shifts, and how far the frequencies of placements lie
from their probabilities.

Which plan of a mixture is used when: draws whose frequencies follow the probabilities,
of every plan and of every placement.

Plans s have probabilities p_s; placement j is in plan s where A_js = 1. Periods are
drawn in blocks of L. Each block gets counts n_s with sum_s n_s = L by dependent
rounding of L p_s (Gandhi, Khuller, Parthasarathy, Srinivasan 2006; the walk is the cube
method of Deville and Tille 2004):

1. x = L p. A plan is settled when x_s is whole; a placement is settled when sum_s A_js
   x_s is whole.
2. Along a direction d with sum_s d_s = 0 and A_j d = 0 for every settled placement j,
   over plans that are not settled, x moves forward or back to where the next plan or
   placement is settled, by a step of mean 0: so E[n_s] = L p_s, and each count is L p_s
   rounded up or down.
3. Where there is no such direction, the settled placement with fewest open plans is
   given up (Beck and Fiala 1981); its count may then be off by more than one.

A block is halved by the same rounding with x = n / 2, and its halves again, until parts
of at most `SHORTEST` periods are left, which are put in random order: parts of a block
track p nearly as well as the whole. Somebody who has seen the beginning of a part can
guess a little of its end: that is the price of frequencies that are kept.

One rounding has E[n_s] = L p_s exactly. Of `TRIES` roundings of a block the one is
taken in which the count of the placement that is worst off is nearest to its
probability, so that E[n_s] = L p_s holds up to that choice.

Numbers come from HMAC-SHA-256 of a secret, so that they are the same on every machine
and say nothing of one another without the secret.

Draws of a mixture of which little changes from one to the next: rounds through its
plans, with feasible steps between.

A share c of the sites may change: with N placements in the largest plan, at most m =
floor(c N) may come new and at most m may go from one draw to the next. With m = 0 no
mixture keeps to it.

1. A round has whole counts n_s of plans s with E[n_s] = L p_s, where L is the draws of
   30 days, or of more months where the steps of a path through all plans would be more
   than a third of that (`balanced_counts`). It is halved, and halves are, while that
   path's steps are no more than a sixth of the part (`balanced_parts`).
2. The plans of a part follow one another in an order of small differences, forward or
   back by chance: the nearest next, then exchanges of two links (2-opt). Where all are
   near enough to each other, draws are in random order.
3. Between two that follow one another stand steps: each takes out up to m placements
   that the next plan does not have, and adds up to m that it has, as budgets and
   exclusions allow. Any part of a feasible plan keeps to those, so the steps always
   arrive, after at most ceil(out / m) + ceil(in / m) draws. With requirements they may
   not: then the mixture is refused.

So a round of B steps takes L + B draws, and over whole rounds a placement's share
misses its probability by at most B / (L + B), up to one draw of a plan a round; by
less, as steps are made of the plans beside them. What it comes to is measured over
`MEASURED` rounds of another secret. Over times shorter than a round shares are off by
more, and who sees the plan of today knows much of the next: that is the price of little
change.

The seed file: the secret from which draws and times of audits follow, that its owner
alone can read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import secrets
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import check_private, existing_file
from optimizer.base.schema import ComposedId, Strict, read_model
from optimizer.base.text.formatting import plural
from optimizer.base.text.messages import counted_message, message
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.plan.plan import PRACTICALLY_ONE, Mixture, Plan, with_mixture
from optimizer.roster.calendar import slots_of
from optimizer.roster.model import Duties, Roster
from optimizer.solvers.branch_and_cut.tree.node import options_that_fit

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance

Floats = NDArray[np.float64]
Incidence = NDArray[np.bool_]
Mask = NDArray[np.bool_]

BLOCK_DAYS = 30
"""Days of a block of draws: within each the frequencies follow the probabilities."""


def practically_one(mixture: Mixture) -> str:
    """Return a sentence where a mixture is one plan, or practically so; empty where its
    draws differ.
    """
    likeliest = max(mixture.probabilities)
    if len(mixture.plans) == 1:
        return message(
            "The mixture is one plan: every draw is the same, and whoever sees one knows them all."
        )
    if likeliest < PRACTICALLY_ONE:
        return ""
    return message(
        "The mixture is practically one plan: one of {plans} is drawn {share:.2%} of the time."
        " Whoever watches a few draws knows the others.",
        plans=counted_message("{count} plan", "{count} plans", len(mixture.plans)),
        share=likeliest,
    )


@dataclass(frozen=True, slots=True)
class DrawPeriod:
    """One shift, or one day where `shift` is None."""

    date: date
    shift: str | None


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often something is placed, and how often it should be."""

    #: Its id.
    placement: str
    #: In the mixture.
    probability: float
    #: Share of the periods in which it is placed.
    share: float

    @property
    def off(self) -> float:
        """By how much the share misses the probability."""
        return abs(self.share - self.probability)


@dataclass(frozen=True)
class Frequencies:
    """Frequencies over all periods, and over any 30 days of them."""

    #: Of each placement, the one that is farthest off first.
    rows: tuple[Frequency, ...]
    #: The largest miss over any `BLOCK_DAYS` days in a row; None where there are fewer.
    worst_month: float | None

    @property
    def worst(self) -> float:
        """The largest miss over all periods."""
        return max((row.off for row in self.rows), default=0.0)


def periods_of(first: date, days: int, shifts: Sequence[str]) -> list[DrawPeriod]:
    """Return the periods of some days: one a shift, or one a day where no shifts are named."""
    return [
        DrawPeriod(first + timedelta(days=day), shift)
        for day in range(days)
        for shift in tuple(shifts) or (None,)
    ]


def draws_since(begun: date, periods: Sequence[DrawPeriod], *, shifts: int, stay: int) -> list[int]:
    """Return the number of the draw that each period has, from `begun` on, with so many
    shifts a day; each stays for so many periods.
    """
    numbers = []
    seen = None
    count = 0
    for period in periods:
        count = 0 if period.date != seen else count + 1
        seen = period.date
        numbers.append(((period.date - begun).days * shifts + count) // stay)
    return numbers


def block_length(shifts: int, stay: int) -> int:
    """Return the draws of `BLOCK_DAYS` days."""
    return max(1, -(-BLOCK_DAYS * shifts // stay))


def draw_plans(
    mixture: Mixture,
    secret: bytes,
    purpose: str,
    begun: date,
    periods: Sequence[DrawPeriod],
    *,
    shifts: int,
    stay: int,
) -> list[int]:
    """Return for each period the position of the plan that is drawn.

    What is drawn for a period depends on the secret, the purpose, `begun`, `shifts`,
    `stay` and the period, not on which periods are asked for.

    Parameters
    ----------
    mixture
        What to draw from.
    secret
        Key of the random numbers.
    purpose
        What they are for; another mixture has another purpose.
    begun
        First day of the first block of `BLOCK_DAYS` days.
    periods
        As `periods_of` gives them; none before `begun`.
    shifts
        Draws a day, >= 1.
    stay
        Periods that a plan stays, >= 1.
    """
    ids = list(mixture.marginals)
    placed = np.array(
        [[name in set(plan.options) for plan in mixture.plans] for name in ids], dtype=bool
    )
    placed = placed.reshape(len(ids), len(mixture.plans))
    length = block_length(shifts, stay)
    blocks: dict[int, list[int]] = {}
    drawn = []
    for number in draws_since(begun, periods, shifts=shifts, stay=stay):
        block, place = divmod(number, length)
        if block not in blocks:
            numbers = SecretNumbers(
                secret, f"{purpose}|{begun.isoformat()}|{shifts}|{stay}|{block}"
            )
            blocks[block] = balanced_block(mixture.probabilities, placed, length, numbers)
        drawn.append(blocks[block][place])
    return drawn


def frequencies(
    probabilities: Mapping[str, float], rows: Sequence[frozenset[str]], a_day: int
) -> Frequencies:
    """Return how often each placement is in some rows, beside its probability.

    Parameters
    ----------
    probabilities
        By id of placement.
    rows
        What is placed in each period.
    a_day
        Periods a day.
    """
    ids = sorted(set(probabilities).union(*rows))
    table = np.array([[name in row for row in rows] for name in ids], dtype=bool).reshape(
        len(ids), len(rows)
    )
    wanted = np.array([probabilities.get(name, 0.0) for name in ids])
    share = table.mean(axis=1) if len(rows) else np.zeros(len(ids))
    found = [
        Frequency(name, float(p), float(s)) for name, p, s in zip(ids, wanted, share, strict=True)
    ]
    month = BLOCK_DAYS * a_day
    return Frequencies(
        rows=tuple(sorted(found, key=lambda row: (-row.off, row.placement))),
        worst_month=max(_misses(table, wanted, month)) if len(rows) >= month else None,
    )


def _misses(table: NDArray[np.bool_], wanted: NDArray[np.float64], length: int) -> Iterator[float]:
    """Yield the largest miss over each run of so many periods."""
    sums: NDArray[np.float64] = np.concatenate(
        (np.zeros((len(table), 1)), np.cumsum(table, axis=1)), axis=1
    )
    for start in range(table.shape[1] - length + 1):
        share = (sums[:, start + length] - sums[:, start]) / length
        yield float(np.abs(share - wanted).max(initial=0.0))


# The draws file: which plan of a mixture is used in which period, and which placements
# that means.
class DrawRow(Strict):
    """What is placed in one shift, or on one day."""

    date: dt.date = Field(description="day on which it begins")
    shift: str | None = Field(None, description="id of the shift; null for all shifts of the day")
    plan: list[ComposedId] = Field(description="ids of everything that is placed")
    drawn: int = Field(
        ge=0,
        description="position in the mixture of the plan that was drawn, or that a step leads to",
    )
    step: bool = Field(
        False,
        description="whether it is on the way from one plan to the next, so that little changes",
    )
    overridden: bool = Field(False, description="whether somebody changed what was drawn")


class DrawsFile(Strict):
    """Draws, version 1."""

    schema_version: Literal[1] = Field(description="version of the format")
    name: str = Field(description="title of the scenario")
    mixture: str = Field(description="SHA-256 of the mixture.json that was drawn from")
    begun: dt.date = Field(description="first day of the first block of draws")
    every: Literal["day", "shift"] = Field(description="how often a plan is drawn")
    stay: Annotated[int, Field(ge=1, le=30)] = Field(
        1, description="days, or shifts, that a plan stays"
    )
    change: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="largest share of the sites that changes from one draw to the next"
    )
    marginals: dict[str, float] = Field(description="probability of each placement in the mixture")
    rows: list[DrawRow] = Field(min_length=1, description="in order of time")


def read_draws(path: Path) -> DrawsFile:
    """Read a draws file.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    content = read_model(path, DrawsFile, "draws, as `draw` writes them")
    problems, seen = ProblemList(), set()
    for k, row in enumerate(content.rows):
        if (row.date, row.shift) in seen:
            problems.add(
                f"{path}, rows[{k}]", f"{_period(row)} again", "each period once", "Draw again"
            )
        if (row.shift is None) != (content.every == "day"):
            problems.add(
                f"{path}, rows[{k}].shift", repr(row.shift), f"draws of one plan a {content.every}"
            )
        if set(row.plan) - set(content.marginals) and not row.overridden:
            problems.add(
                f"{path}, rows[{k}].plan",
                "placements without a probability",
                "placements of `marginals`",
            )
        seen.add((row.date, row.shift))
    problems.raise_if_any()
    return content


def _period(row: DrawRow) -> str:
    return row.date.isoformat() + (f", shift {row.shift}" if row.shift else "")


def check_covers(draws: DrawsFile, days: list[dt.date], where: str) -> None:
    """Refuse draws that say nothing of some of the days.

    Raises
    ------
    InputError
        Naming the first such day.
    """
    missing = sorted(set(days) - {row.date for row in draws.rows})
    if missing:
        first, last = draws.rows[0].date, draws.rows[-1].date
        found = f"draws from {first} to {last}, without {missing[0]}"
        remedy = f"Draw from {min(days)} for {len(days)} days"
        raise InputError(Problem(where, found, f"draws from {min(days)} to {max(days)}", remedy))


# Duties of draws: each shift has those of what is placed in it, and a roster may man
# less than was drawn.
def with_draws(duties: Duties, draws: DrawsFile) -> Duties:
    """Return duties that are asked for in the shifts alone in which their placement is drawn."""
    every = [shift.id for shift in duties.shifts]
    drawn = {
        (row.date, shift): frozenset(row.plan)
        for row in draws.rows
        for shift in ([row.shift] if row.shift is not None else every)
    }
    return duties.as_drawn(drawn)


def manned_frequencies(roster: Roster, draws: DrawsFile) -> Frequencies:
    """Return how often each placement that needs people is fully manned, over the
    shifts in which it may be, beside its probability.
    """
    short = {(gap.day, gap.shift.id, gap.duty.option) for gap in roster.gaps}
    asked = {duty.option for duty in roster.duties.duties}
    slots = slots_of(roster.duties, roster.first, roster.weeks)
    manned = [
        frozenset(
            duty.option
            for duty in slot.duties
            if (slot.day, slot.shift.id, duty.option) not in short
        )
        for slot in slots
    ]
    return frequencies(
        {name: p for name, p in draws.marginals.items() if name in asked},
        manned,
        len(roster.duties.shifts),
    )


SHORTEST = 8
"""Periods up to which a part is not halved again."""

TRIES = 20
"""Roundings of a block, of which the best is taken."""

WHOLE = 1e-9
"""How near a number lies to a whole one to count as it."""


class SecretNumbers:
    """Uniform numbers in [0, 1) that follow from a secret and a purpose.

    Parameters
    ----------
    secret
        Key.
    purpose
        Another purpose gives other numbers.
    """

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._secret = secret
        self._purpose = purpose
        self._count = 0

    def next(self) -> float:
        """Return the next number."""
        message = f"{self._purpose}|{self._count}".encode()
        self._count += 1
        digest = hmac.new(self._secret, message, hashlib.sha256).digest()
        return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)

    def shuffled(self, items: Sequence[int]) -> list[int]:
        """Return the items in random order."""
        order = list(items)
        for k in range(len(order) - 1, 0, -1):
            other = int(self.next() * (k + 1))
            order[k], order[other] = order[other], order[k]
        return order


def balanced_block(
    probabilities: Sequence[float], placements: Incidence, periods: int, numbers: SecretNumbers
) -> list[int]:
    """Return the position of the plan of each of some periods.

    Parameters
    ----------
    probabilities
        (plans,) p, with a sum of 1.
    placements
        (placements, plans) A.
    periods
        How many, >= 1.
    numbers
        Source of chance.
    """
    rows = telling_rows(placements)
    counts = balanced_counts(np.asarray(probabilities, dtype=float), rows, periods, numbers)
    parts = balanced_parts(counts, rows, SHORTEST, numbers)
    return [
        plan
        for part in parts
        for plan in numbers.shuffled(np.repeat(np.arange(part.size), part).tolist())
    ]


def balanced_counts(
    share: Floats, rows: Incidence, periods: int, numbers: SecretNumbers
) -> NDArray[np.int64]:
    """Return how often each plan is drawn in a block: the best of `TRIES` roundings;
    (plans,) p and (placements, plans) `telling_rows`.
    """
    expected = periods * share / share.sum()
    tried = [dependent_rounding(expected, rows, numbers) for _ in range(TRIES)]
    return min(tried, key=lambda counts: float(np.abs(rows @ (counts - expected)).max(initial=0.0)))


def dependent_rounding(x: Floats, rows: Incidence, numbers: SecretNumbers) -> NDArray[np.int64]:
    """Return whole (plans,) numbers of mean x with the sum of x: each is x rounded up
    or down, as are most sums over (placements, plans) rows.

    Raises
    ------
    ValueError
        If the sum of x is not whole.
    """
    total = round(float(x.sum()))
    if abs(float(x.sum()) - total) > 1e-6 * max(1, total):
        raise ValueError(f"the sum {x.sum():g} is not whole")
    x, kept = _snapped(x), np.ones(len(rows), dtype=bool)
    while (free := np.flatnonzero(np.abs(x - np.round(x)) > WHOLE)).size > 1:
        sums = rows @ x
        touched = kept & rows[:, free].any(axis=1)
        settled = touched & (np.abs(sums - np.round(sums)) <= 10 * WHOLE)
        direction = _null_vector(np.vstack((np.ones(free.size), rows[settled][:, free])))
        while direction is None:
            tight = np.flatnonzero(settled)
            dropped = tight[int(np.argmin(rows[tight][:, free].sum(axis=1)))]
            kept[dropped] = settled[dropped] = touched[dropped] = False
            direction = _null_vector(np.vstack((np.ones(free.size), rows[settled][:, free])))
        moving = rows[touched & ~settled]
        levels, rates = (
            np.append(x[free], moving @ x),
            np.append(direction, moving[:, free] @ direction),
        )
        forward, back = _farthest(levels, rates), _farthest(levels, -rates)
        x[free] += (forward if numbers.next() * (forward + back) < back else -back) * direction
        x = _snapped(x)
    return np.round(x).astype(np.int64)


def balanced_parts(
    counts: NDArray[np.int64], rows: Incidence, shortest: int, numbers: SecretNumbers
) -> list[NDArray[np.int64]]:
    """Return (plans,) counts of parts of a block, one after the other: halves of
    halves, down to at most `shortest` periods, all balanced.
    """
    length = int(counts.sum())
    if length <= shortest:
        return [counts]
    first = length // 2 if numbers.next() < 0.5 else length - length // 2
    half = dependent_rounding(np.asarray(counts * (first / length), dtype=float), rows, numbers)
    both = (half, counts - half)
    return [part for each in both for part in balanced_parts(each, rows, shortest, numbers)]


def telling_rows(placements: Incidence) -> Incidence:
    """Return the rows that say something: not those of placements in every plan or in
    none, and each once.
    """
    rows = np.unique(placements, axis=0)
    return np.asarray(rows[rows.any(axis=1) & ~rows.all(axis=1)])


def _snapped(x: Floats) -> Floats:
    """Return x with what is nearly whole made whole."""
    near = np.round(x)
    return np.where(np.abs(x - near) <= WHOLE, near, x)


def _farthest(levels: Floats, rates: Floats) -> float:
    """Return how far all levels can move at their rates before one is whole."""
    moving = np.abs(rates) > WHOLE
    room = np.where(rates > 0, np.ceil(levels) - levels, levels - np.floor(levels))
    return float((room[moving] / np.abs(rates[moving])).min())


def _null_vector(matrix: Floats) -> Floats | None:
    """Return a vector that every row of a matrix is orthogonal to, of largest entry 1;
    None where there is none. The same on every machine.
    """
    work = matrix.astype(float)
    pivots: list[int] = []
    for column in range(work.shape[1]):
        row = len(pivots)  # pivots so far
        best = row + int(np.argmax(np.abs(work[row:, column]))) if row < len(work) else row
        if row == len(work) or abs(work[best, column]) <= WHOLE:
            vector = np.zeros(work.shape[1])
            vector[column] = 1.0
            for k, pivot in enumerate(pivots):
                vector[pivot] = -work[k, column]
            return np.asarray(vector / np.abs(vector).max())
        work[[row, best]] = work[[best, row]]
        work[row] /= work[row, column]
        for other in range(len(work)):
            if other != row and work[other, column] != 0:
                work[other] -= work[other, column] * work[row]
        pivots.append(column)
    return None


WHERE = "change"

STEPS = 1 / 3
"""Steps of a round of all plans for each draw of a plan, above which rounds are longer."""

MOST_BLOCKS = 12

MEASURED = 12
"""Rounds over which shares are measured."""


@dataclass(frozen=True, slots=True)
class GradualDraw:
    """What is drawn: ids of placements, the position of the plan that it is or leads
    to, and whether it is such a step.
    """

    plan: tuple[str, ...]
    drawn: int
    step: bool


@dataclass(frozen=True)
class GradualRounds:
    """How rounds are made."""

    #: The problem with all beats.
    instance: Instance
    #: (plans, options) of the mixture.
    masks: Mask
    #: (plans,) p.
    share: Floats
    #: Placements that may come, and that may go.
    most: int
    #: `length`, `part`: L, draws of plans in a round; and in its parts at most.
    length: int
    part: int
    _known: dict[tuple[int, int], list[Mask]] = field(default_factory=dict)

    @classmethod
    def of(cls, mixture: Mixture, instance: Instance, change: float, block: int) -> GradualRounds:
        """Return the rounds of a mixture in which at most a share `change` of the
        sites, in (0, 1], changes at a time.

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
        """Yield what is drawn, one after the other without end; it follows from the
        secret and the purpose.
        """
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
            self._known[begin, end] = _steps(
                self.instance, self.masks[begin], self.masks[end], self.most
            )
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
        """Return the draws of `MEASURED` rounds and a part of the next, of a secret
        that is none.
        """
        draws = self.draws(b"", "measured")
        return tuple(islice(draws, MEASURED * self.length))


def drawn_mixture(draws: Sequence[GradualDraw], instance: Instance) -> Mixture:
    """Return what an evader meets over some draws as a mixture, on an instance that has
    all beats.
    """
    often = Counter(one.plan for one in draws)
    return Mixture(
        tuple(Plan.of(instance, plan) for plan in often),
        tuple(number / len(draws) for number in often.values()),
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
        found = (
            f"{change:.3g} of {largest} placements, which is less than one: no mixture keeps to it"
        )
        remedy = "Let more sites change, or use plan.json, which is the same every day"
        raise InputError(
            Problem(WHERE, found, f"a share of at least {np.ceil(1000 / largest) / 1000:g}", remedy)
        )
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
                a = order[i - 1]
                b = order[i]
                c = order[j]
                onward = (
                    apart[b, order[j + 1]] - apart[c, order[j + 1]] if j + 1 < len(order) else 0
                )
                if apart[a, c] - apart[a, b] + onward < 0:
                    order[i : j + 1] = order[i : j + 1][::-1]
                    better = True
    return order


def _steps(instance: Instance, begin: Mask, end: Mask, most: int) -> list[Mask]:
    """Return the feasible plans between two, at most `most` placements come and at most
    `most` go at a time.
    """
    steps, here = [], begin
    while (going := np.flatnonzero(here & ~end)).size > most or (end & ~here).sum() > most:
        after = _step(instance, here, end, going[:most], most)
        if after is None:
            found = (
                f"plans that differ by {int((begin & ~end).sum())} placements, with no feasible"
                " plan on the way"
            )
            expected = f"steps of at most {most} placements that reach every requirement"
            raise InputError(
                Problem(WHERE, found, expected, "Let more sites change from one day to the next")
            )
        steps.append(here := after)
    return steps


def _step(
    instance: Instance, here: Mask, end: Mask, going: NDArray[np.int64], most: int
) -> Mask | None:
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


LEAST_SECRET = 16
"""Letters of a secret below which it could be guessed."""

LONGEST_SECRET = 4096
"""Letters above which a file is none: what was named is another file."""


def read_secret(path: Path, plan_folder: Path, *, new: bool = False) -> bytes:
    """Return the secret of a seed file.

    Parameters
    ----------
    path
        The file.
    plan_folder
        Folder of the plan, in which it must not lie.
    new
        Make it first; it must not exist.

    Raises
    ------
    InputError
        If the file lies in the plan folder, is missing, not one line of ASCII of a
        length that a secret has, readable by others, or there already where it is to
        be made.
    """
    if path.resolve().is_relative_to(plan_folder.resolve()):
        found = "a file in the plan folder"
        expected = "a file elsewhere: who reads the plan must not read the draws"
        raise InputError(Problem("--seed-file", found, expected))
    if new:
        _make(path)
    if not path.exists():
        raise InputError(
            Problem(str(path), "no such file", "a seed file", "Make one with --new-seed")
        )
    existing_file(path, "a seed file")
    check_private(path, "a seed file, from which every draw can be told,")
    with path.open("rb") as file:
        secret = file.read(LONGEST_SECRET + 1).strip()
    one_line = secret.isascii() and secret.decode("ascii").isprintable() and secret[:1] != b"<"
    if not one_line or not LEAST_SECRET <= len(secret) < LONGEST_SECRET:
        found = plural(len(secret), "letter") if one_line else "other bytes than letters of a line"
        expected = f"one line of {LEAST_SECRET} to {LONGEST_SECRET - 1:,} letters of ASCII"
        raise InputError(Problem(str(path), found, expected, "Make one with --new-seed"))
    return secret


def _make(path: Path) -> None:
    """Write a new secret that its owner alone can read."""
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR
        )
    except FileExistsError:
        raise InputError(
            Problem(str(path), "a file", "no file yet, for --new-seed", "Leave --new-seed out")
        ) from None
    except OSError as error:
        raise InputError(
            Problem(str(path), error.strerror or str(error), "a place for a seed file")
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
