"""The shifts of a horizon on the clock and in elapsed time.

A shift begins when the clock shows its start and lasts its hours as elapsed time. On
the night on which the clocks go forward an eight-hour shift from 22:00 thus ends at
07:00, on the night on which they go back at 05:00. Every rule (rest, hours a week)
counts elapsed time. A start that the clock skips is taken an hour later by that clock,
and one that it shows twice is the first of the two (PEP 495).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.language import marked
from optimizer.base.text.messages import message

if TYPE_CHECKING:
    from optimizer.roster.model import Duties, Duty
    from optimizer.scenario.file.roster_model import Shift

MOST_WEEKS = 26
NIGHT = range(23, 30)
"""Hours of a night, counted from the midnight before: 23:00 to 06:00."""
NIGHT_MINUTES = 180
"""A shift that holds this much of a night is a night shift (article 2 of the European
Working Time Directive, 2003/88/EC).
"""
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Slot:
    """One shift of one day."""

    #: Day on which it begins.
    day: date
    #: Days since the roster's first.
    index: int
    #: Which shift.
    shift: Shift
    #: `start`, `end`: UTC.
    start: datetime
    end: datetime
    #: `night`, `weekend`: Whether it is a night shift; whether it begins on a Saturday
    #: or Sunday.
    night: bool
    weekend: bool
    #: What it asks for.
    duties: tuple[Duty, ...]

    @property
    def name(self) -> str:
        """Return 'Tuesday 2026-12-01, Night'."""
        return f"{DAY_NAMES[self.day.weekday()]} {self.day.isoformat()}, {self.shift.name}"


def first_day(text: str, where: str = "--from") -> date:
    """Return the day that `--from`, or another option, names.

    Raises
    ------
    InputError
        If it is no date, or one too near the calendar's ends for a roster.
    """
    remedy = "Give the first day"
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise InputError(Problem(where, repr(text), "a date, such as 2026-12-01", remedy)) from None
    if not 1970 <= day.year <= 2200:
        raise InputError(Problem(where, text, "a date from 1970 to 2200", remedy))
    return day


def check_weeks(weeks: int) -> None:
    """Refuse a horizon that is none, or longer than anybody plans.

    Raises
    ------
    InputError
        If `weeks` is not between 1 and 26.
    """
    if not 1 <= weeks <= MOST_WEEKS:
        remedy = "Make one roster after the other" if weeks > MOST_WEEKS else ""
        raise InputError(Problem("--weeks", str(weeks), f"1 to {MOST_WEEKS} weeks", remedy))


def slots_of(duties: Duties, first: date, weeks: int) -> list[Slot]:
    """Return every shift of the horizon that asks for somebody, in order of time."""
    slots = []
    for index in range(7 * weeks):
        day = first + timedelta(days=index)
        for shift in duties.shifts:
            asked = duties.duties_on(day, shift.id) if day.weekday() in shift.weekdays else ()
            if asked:
                start, end = span(day, shift, duties.zone)
                night = is_night(start, end, duties.zone)
                slots.append(Slot(day, index, shift, start, end, night, day.weekday() >= 5, asked))
    return sorted(slots, key=lambda slot: (slot.start, slot.shift.id))


def span(day: date, shift: Shift, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return start and end of a shift in UTC; between them lie its hours as elapsed time."""
    start = datetime.combine(day, shift.begins, zone).astimezone(UTC)
    return start, start + timedelta(minutes=shift.minutes)


def clock_notes(slots: Sequence[Slot], zone: ZoneInfo) -> list[str]:
    """Return a sentence for every shift during which the clocks change, and what that
    does to its end.
    """
    notes: list[str] = []
    for slot in slots:
        start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
        moved = (end.utcoffset() or timedelta()) - (start.utcoffset() or timedelta())
        if moved:
            minutes = round(moved.total_seconds() / 60)
            forward = marked(
                "{shift}: the clocks go forward by {minutes} minutes. The shift lasts its {hours:g}"
                " hours all the same and ends at {end}; it overlaps the next where shifts hand over"
                " by the clock."
            )
            back = marked(
                "{shift}: the clocks go back by {minutes} minutes. The shift lasts its {hours:g}"
                " hours all the same and ends at {end}; it leaves a gap before the next where"
                " shifts hand over by the clock."
            )
            notes.append(
                message(
                    forward if minutes > 0 else back,
                    shift=slot.name,
                    minutes=abs(minutes),
                    hours=slot.shift.minutes / 60,
                    end=f"{end:%H:%M}",
                )
            )
    return notes


def overlap_notes(duties: Duties) -> list[str]:
    """Return a sentence for every pair of shifts that overlap: both are manned then."""
    notes: list[str] = []
    for k, one in enumerate(duties.shifts):
        for other in duties.shifts[k + 1 :]:
            minutes = _overlap(one, other)
            if minutes:
                notes.append(
                    message(
                        "The shifts {one} and {other} overlap by {hours:g} hours: both are manned"
                        " then.",
                        one=one.name,
                        other=other.name,
                        hours=minutes / 60,
                    )
                )
    return notes


def _overlap(one: Shift, other: Shift) -> int:
    """Return the minutes of an ordinary day during which two shifts both run."""
    if not one.weekdays & other.weekdays:
        return 0
    day = 24 * 60
    a, b = (60 * shift.begins.hour + shift.begins.minute for shift in (one, other))
    shared = [
        min(a + one.minutes, b + k * day + other.minutes) - max(a, b + k * day) for k in (-1, 0, 1)
    ]
    return sum(max(0, minutes) for minutes in shared)


def is_night(start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    """Return whether what lasts from `start` to `end` counts as a night shift."""
    return _night_minutes(start.astimezone(UTC), end.astimezone(UTC), zone) >= NIGHT_MINUTES


def _night_minutes(start: datetime, end: datetime, zone: ZoneInfo) -> float:
    """Return the elapsed minutes between `start` and `end` (UTC) that lie in a night of
    the zone.
    """
    day, total = start.astimezone(zone).date() - timedelta(days=1), 0.0
    while day <= end.astimezone(zone).date():
        dusk = datetime.combine(day, time(NIGHT.start), zone).astimezone(UTC)
        dawn = datetime.combine(day + timedelta(days=1), time(NIGHT.stop - 24), zone).astimezone(
            UTC
        )
        total += max(0.0, (min(end, dawn) - max(start, dusk)).total_seconds() / 60)
        day += timedelta(days=1)
    return total
