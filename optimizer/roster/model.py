"""Shifts, crews, assignments and rosters; a duty is `optimizer.scenario.duties_file.Duty`, as it stands in the file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, time
    from zoneinfo import ZoneInfo

    from optimizer.scenario.duties_file import Duty, DutyBase, DutyRoad

Rule = Literal["crews", "one at a time", "away", "rest", "hours", "days in a row", "days off"]
"""What can keep a crew from a shift: nobody who may do it, elsewhere at that time, leave, and the four rules of a crew."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A part of the day that is worked.

    Attributes
    ----------
    id, label
        Name, and what people call it.
    start
        Clock time at which it begins.
    minutes
        Elapsed minutes it lasts, on days on which the clocks change too.
    days
        Days of the week on which it begins, 0 for Monday.
    """

    id: str
    label: str
    start: time
    minutes: int
    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class Crew:
    """People who go out together, with the rules that they work by.

    Attributes
    ----------
    id, label, agency, base
        Name, what people call it, whose duties it does (all where empty), where it sets out (anywhere where empty).
    people
        How many, >= 1.
    can
        Kinds or types of duty; everything where empty.
    week_minutes
        Most minutes away from base in each week of the roster.
    rest_minutes
        Least minutes from being back to leaving again.
    most_days
        Most days in a row with work.
    days_off
        Least days without work in each week of the roster.
    away
        Days on which it begins no shift.
    """

    id: str
    label: str
    agency: str
    base: str
    people: int
    can: frozenset[str]
    week_minutes: int
    rest_minutes: int
    most_days: int
    days_off: int
    away: frozenset[date]

    def may_do(self, duty: Duty) -> bool:
        """Return whether agency, base and training fit a duty."""
        return (
            (self.agency in {"", duty.agency} or not duty.agency)
            and (not duty.travel or not self.base or self.base in duty.travel)
            and (not self.can or duty.kind in self.can or duty.type in self.can)
        )

    def travel_to(self, duty: Duty) -> int:
        """Return the whole minutes from the crew's base to a duty, or from the nearest base where the crew has none."""
        if not duty.travel:
            return 0
        return math.ceil(duty.travel[self.base] if self.base else min(duty.travel.values()))

    def base_for(self, duty: Duty) -> str:
        """Return the base that the crew sets out from for a duty."""
        if self.base or not duty.travel:
            return self.base
        return min(duty.travel, key=lambda base: (math.ceil(duty.travel[base]), base))


@dataclass(frozen=True)
class Duties:
    """What a plan asks of people, and who there is.

    Attributes
    ----------
    name
        Of the scenario.
    zone
        Whose clocks the shifts follow.
    shifts, duties, crews
        Everything there is.
    bases
        Label of each base, by id.
    places
        The same bases, with where they are.
    language
        That pages are made in where nobody asks for another.
    drawn
        Ids of what is placed, by day and shift, where plans are drawn; empty for a single plan. A shift that is not there places nothing.
    roads
        Roads near the duties, for small maps.
    """

    name: str
    zone: ZoneInfo
    shifts: tuple[Shift, ...]
    duties: tuple[Duty, ...]
    crews: tuple[Crew, ...]
    bases: Mapping[str, str]
    drawn: Mapping[tuple[date, str], frozenset[str]] = field(default_factory=dict)
    places: tuple[DutyBase, ...] = ()
    roads: tuple[DutyRoad, ...] = ()
    language: str = "en"

    def duties_on(self, day: date, shift: str) -> tuple[Duty, ...]:
        """Return the duties of one shift of one day: of a single plan the same every day, of draws those of what is placed then."""
        asked = tuple(duty for duty in self.duties if duty.shift == shift)
        placed = self.drawn.get((day, shift), frozenset())
        return tuple(duty for duty in asked if duty.option in placed) if self.drawn else asked


@dataclass(frozen=True, slots=True)
class Assignment:
    """One crew on one duty.

    Attributes
    ----------
    day
        Day on which the shift begins.
    shift, crew, duty
        Who does what.
    start, end
        Of the duty, with the zone's offset from UTC.
    leave, back
        When the crew leaves its base and is back there; `start` and `end` themselves for a beat, which is one tour from its base.
    base
        Id of that base; empty where there is none.
    """

    day: date
    shift: Shift
    crew: Crew
    duty: Duty
    start: datetime
    end: datetime
    leave: datetime
    back: datetime
    base: str


@dataclass(frozen=True, slots=True)
class Gap:
    """People a duty lacks in one shift, in a roster that was allowed gaps."""

    day: date
    shift: Shift
    duty: Duty
    missing: int


@dataclass(frozen=True)
class Roster:
    """Who goes where in which shift.

    Attributes
    ----------
    duties
        What it was made for.
    first
        Its first day.
    weeks
        How many weeks.
    assignments
        In order of time.
    gaps
        Empty unless gaps were allowed.
    status
        `optimal` (no roster is better balanced) or `feasible`.
    limit
        What ended the search early; None when nothing did.
    seconds
        Wall-clock time.
    seed
        Of the search.
    notes
        Sentences for whoever uses the roster.
    """

    duties: Duties
    first: date
    weeks: int
    assignments: tuple[Assignment, ...]
    gaps: tuple[Gap, ...]
    status: Literal["optimal", "feasible"]
    limit: Literal["time", "interrupted"] | None
    seconds: float
    seed: int
    notes: tuple[str, ...]
