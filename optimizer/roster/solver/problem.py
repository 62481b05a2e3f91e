"""The roster problem as CP-SAT sees it: crews, tasks, weeks, and what came of a search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import Literal

RuleName = Literal["away", "rest", "hours", "days in a row", "days off"]
Pair = tuple[int, int]
"""Positions of a crew and a task."""
Ended = Literal["optimal", "feasible", "infeasible", "unknown"]

LEAST_BLOCK = 60
"""Minutes of a block of duty when hours are balanced, where no longer one measures all shifts."""


@dataclass(frozen=True)
class RosterTask:
    """A duty in one shift of one day.

    Attributes
    ----------
    start, end
        Minutes since any moment, the same for all tasks.
    day
        Days since the first of the horizon.
    staff
        People needed.
    night, weekend
        Whether it counts as such.
    travel
        Minutes of each crew that may do it, by its position.
    """

    start: int
    end: int
    day: int
    staff: int
    night: bool
    weekend: bool
    travel: dict[int, int]


@dataclass(frozen=True)
class CrewLimits:
    """What may be asked of a crew; minutes and days, as in `optimizer.roster.model.Crew`."""

    people: int
    week_minutes: int
    rest_minutes: int
    most_days: int
    days_off: int
    away: frozenset[int] = frozenset()


@dataclass(frozen=True)
class EarlierShift:
    """A shift that a crew worked before the horizon: its day (below 0) and the minutes at which it left its base and was back."""

    crew: int
    day: int
    leave: int
    back: int


@dataclass(frozen=True)
class RosterProblem:
    """Crews and tasks of whole weeks.

    Attributes
    ----------
    crews, tasks
        Everything that takes part; tasks in order of their start.
    weeks
        Length of the horizon.
    before
        What crews did just before it.
    """

    crews: tuple[CrewLimits, ...]
    tasks: tuple[RosterTask, ...]
    weeks: int
    before: tuple[EarlierShift, ...] = ()

    @cached_property
    def block(self) -> int:
        """Minutes that measure every task, at least an hour: blocks of duty are what is balanced."""
        return max(LEAST_BLOCK, gcd(*(task.end - task.start for task in self.tasks)))


@dataclass(frozen=True)
class RosterOutcome:
    """What came of a search.

    Attributes
    ----------
    ended
        `optimal`: no roster is more even. `infeasible`: none exists, proven by the first `weeks` weeks alone.
    limit
        What ended it early.
    pairs
        Who does what; empty where nothing was found.
    weeks
        Weeks that hold the proof of infeasibility, or the horizon.
    """

    ended: Ended
    limit: Literal["time", "interrupted"] | None
    pairs: tuple[Pair, ...]
    weeks: int
