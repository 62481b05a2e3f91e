"""What draws and changed assumptions say of plans."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtRow:
    """A plan over draws.

    Attributes
    ----------
    name
        What it is best for, or what it is.
    mean, cvar, worst
        Mean over the draws, mean of the worst draws, and worst draw.
    low, high
        Interval that holds nine draws in ten.
    beats_today
        Share of the draws in which it is better than today's layout; None where nothing stands today.
    regret, most_regret
        Mean and largest excess over the best plan of the table in each draw.
    note
        What to keep in mind.
    """

    name: str
    mean: float
    cvar: float
    worst: float
    low: float
    high: float
    beats_today: float | None
    regret: float
    most_regret: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtFacts:
    """The plan over draws.

    Attributes
    ----------
    draws
        How many.
    says
        Sentences: the objective with its bounds, what is drawn, what is not.
    level
        Share of the draws that `cvar` leaves out.
    rows
        Plans, that of the report first.
    """

    draws: int
    says: tuple[str, ...]
    level: float
    rows: tuple[DoubtRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityRow:
    """An assumption at the two ends of a range.

    Attributes
    ----------
    name, low, high
        What is varied, and its ends in words.
    source
        Whether the scenario states the range, or it is a default one.
    plan_low, plan_high
        Value of the plan as it is at the ends; None where it breaks a budget there, or nothing was solved.
    best_low, best_high
        Value of the best plan found there; None where none was searched for.
    flips
        What enters or leaves the plan there, in words; empty where no better plan was found.
    """

    name: str
    low: str
    high: str
    source: str
    plan_low: float | None
    plan_high: float | None
    best_low: float | None
    best_high: float | None
    flips: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityFacts:
    """Which assumption moves the value most: rows in that order, from the value as it is, and sentences on what was varied."""

    value: float
    rows: tuple[SensitivityRow, ...]
    says: tuple[str, ...]
