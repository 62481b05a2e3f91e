"""Draws of a mixture over days or shifts, and how far the frequencies of placements lie from their probabilities."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import read_json
from optimizer.base.schema import ComposedId, Strict, validated
from optimizer.base.text.messages import counted_message, message
from optimizer.problem.plan.plan import PRACTICALLY_ONE
from optimizer.roster.balanced_sampling import SecretNumbers, balanced_block
from optimizer.roster.calendar import slots_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.problem.plan.plan import Mixture
    from optimizer.roster.model import Duties, Roster

BLOCK_DAYS = 30
"""Days of a block of draws: within each the frequencies follow the probabilities."""


def practically_one(mixture: Mixture) -> str:
    """Return a sentence where a mixture is one plan, or practically so; empty where its draws differ."""
    likeliest = max(mixture.probabilities)
    if len(mixture.plans) == 1:
        return message("The mixture is one plan: every draw is the same, and whoever sees one knows them all.")
    if likeliest < PRACTICALLY_ONE:
        return ""
    return message(
        "The mixture is practically one plan: one of {plans} is drawn {share:.2%} of the time. Whoever watches a few draws knows the others.",
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
    """How often something is placed, and how often it should be.

    Attributes
    ----------
    placement
        Its id.
    probability
        In the mixture.
    share
        Share of the periods in which it is placed.
    """

    placement: str
    probability: float
    share: float

    @property
    def off(self) -> float:
        """By how much the share misses the probability."""
        return abs(self.share - self.probability)


@dataclass(frozen=True)
class Frequencies:
    """Frequencies over all periods, and over any 30 days of them.

    Attributes
    ----------
    rows
        Of each placement, the one that is farthest off first.
    worst_month
        The largest miss over any `BLOCK_DAYS` days in a row; None where there are fewer.
    """

    rows: tuple[Frequency, ...]
    worst_month: float | None

    @property
    def worst(self) -> float:
        """The largest miss over all periods."""
        return max((row.off for row in self.rows), default=0.0)


def periods_of(first: date, days: int, shifts: Sequence[str]) -> list[DrawPeriod]:
    """Return the periods of some days: one a shift, or one a day where no shifts are named."""
    return [
        DrawPeriod(first + timedelta(days=day), shift) for day in range(days) for shift in (tuple(shifts) or (None,))
    ]


def draws_since(begun: date, periods: Sequence[DrawPeriod], *, shifts: int, stay: int) -> list[int]:
    """Return the number of the draw that each period has, from `begun` on, with so many shifts a day; each stays for so many periods."""
    numbers, seen, count = [], None, 0
    for period in periods:
        count = 0 if period.date != seen else count + 1
        seen = period.date
        numbers.append(((period.date - begun).days * shifts + count) // stay)
    return numbers


def block_length(shifts: int, stay: int) -> int:
    """Return the draws of `BLOCK_DAYS` days."""
    return max(1, -(-BLOCK_DAYS * shifts // stay))


def draw_plans(
    mixture: Mixture, secret: bytes, purpose: str, begun: date, periods: Sequence[DrawPeriod], *, shifts: int, stay: int
) -> list[int]:
    """Return for each period the position of the plan that is drawn.

    What is drawn for a period depends on the secret, the purpose, `begun`, `shifts`, `stay` and the period, not on which periods are asked for.

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
    placed = np.array([[name in set(plan.options) for plan in mixture.plans] for name in ids], dtype=bool)
    placed = placed.reshape(len(ids), len(mixture.plans))
    length = block_length(shifts, stay)
    blocks: dict[int, list[int]] = {}
    drawn = []
    for number in draws_since(begun, periods, shifts=shifts, stay=stay):
        block, place = divmod(number, length)
        if block not in blocks:
            numbers = SecretNumbers(secret, f"{purpose}|{begun.isoformat()}|{shifts}|{stay}|{block}")
            blocks[block] = balanced_block(mixture.probabilities, placed, length, numbers)
        drawn.append(blocks[block][place])
    return drawn


def frequencies(probabilities: Mapping[str, float], rows: Sequence[frozenset[str]], a_day: int) -> Frequencies:
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
    table = np.array([[name in row for row in rows] for name in ids], dtype=bool).reshape(len(ids), len(rows))
    wanted = np.array([probabilities.get(name, 0.0) for name in ids])
    share = table.mean(axis=1) if len(rows) else np.zeros(len(ids))
    found = [Frequency(name, float(p), float(s)) for name, p, s in zip(ids, wanted, share, strict=True)]
    month = BLOCK_DAYS * a_day
    return Frequencies(
        rows=tuple(sorted(found, key=lambda row: (-row.off, row.placement))),
        worst_month=max(_misses(table, wanted, month)) if len(rows) >= month else None,
    )


def _misses(table: NDArray[np.bool_], wanted: NDArray[np.float64], length: int) -> Iterator[float]:
    """Yield the largest miss over each run of so many periods."""
    sums: NDArray[np.float64] = np.concatenate((np.zeros((len(table), 1)), np.cumsum(table, axis=1)), axis=1)
    for start in range(table.shape[1] - length + 1):
        share = (sums[:, start + length] - sums[:, start]) / length
        yield float(np.abs(share - wanted).max(initial=0.0))


# The draws file: which plan of a mixture is used in which period, and which placements that means.


class DrawRow(Strict):
    """What is placed in one shift, or on one day."""

    date: dt.date = Field(description="day on which it begins")
    shift: str | None = Field(None, description="id of the shift; null for all shifts of the day")
    plan: list[ComposedId] = Field(description="ids of everything that is placed")
    drawn: int = Field(ge=0, description="position in the mixture of the plan that was drawn, or that a step leads to")
    step: bool = Field(False, description="whether it is on the way from one plan to the next, so that little changes")
    overridden: bool = Field(False, description="whether somebody changed what was drawn")


class DrawsFile(Strict):
    """Draws, version 1."""

    schema_version: Literal[1] = Field(description="version of the format")
    name: str = Field(description="title of the scenario")
    mixture: str = Field(description="SHA-256 of the mixture.json that was drawn from")
    begun: dt.date = Field(description="first day of the first block of draws")
    every: Literal["day", "shift"] = Field(description="how often a plan is drawn")
    stay: Annotated[int, Field(ge=1, le=30)] = Field(1, description="days, or shifts, that a plan stays")
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
    content = validated(DrawsFile, read_json(path, "draws"), str(path))
    problems, seen = ProblemList(), set()
    for k, row in enumerate(content.rows):
        if (row.date, row.shift) in seen:
            problems.add(f"{path}, rows[{k}]", f"{_period(row)} again", "each period once", "Draw again")
        if (row.shift is None) != (content.every == "day"):
            problems.add(f"{path}, rows[{k}].shift", repr(row.shift), f"draws of one plan a {content.every}")
        if set(row.plan) - set(content.marginals) and not row.overridden:
            problems.add(f"{path}, rows[{k}].plan", "placements without a probability", "placements of `marginals`")
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


# Duties of draws: each shift has those of what is placed in it, and a roster may man less than was drawn.


def with_draws(duties: Duties, draws: DrawsFile) -> Duties:
    """Return duties that are asked for in the shifts alone in which their placement is drawn."""
    every = [shift.id for shift in duties.shifts]
    drawn = {
        (row.date, shift): frozenset(row.plan)
        for row in draws.rows
        for shift in ([row.shift] if row.shift is not None else every)
    }
    return replace(duties, drawn=drawn)


def manned_frequencies(roster: Roster, draws: DrawsFile) -> Frequencies:
    """Return how often each placement that needs people is fully manned, over the shifts in which it may be, beside its probability."""
    short = {(gap.day, gap.shift.id, gap.duty.option) for gap in roster.gaps}
    asked = {duty.option for duty in roster.duties.duties}
    slots = slots_of(roster.duties, roster.first, roster.weeks)
    manned = [
        frozenset(duty.option for duty in slot.duties if (slot.day, slot.shift.id, duty.option) not in short)
        for slot in slots
    ]
    return frequencies(
        {name: p for name, p in draws.marginals.items() if name in asked}, manned, len(roster.duties.shifts)
    )
