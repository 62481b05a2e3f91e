"""Small rosters to try, and a checker of every rule that knows nothing of the solver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.roster.model import Assignment, Duties, Duty, Roster
from optimizer.scenario.file.roster_model import WEEKDAYS, Crew, DutyBase, Shift

FIRST = date(2026, 12, 1)
"""A Tuesday without a change of clocks in its weeks."""
CHICAGO = ZoneInfo("America/Chicago")


def shift(name: str, start: str, hours: float, days: Iterable[int] = range(7)) -> Shift:
    return Shift(
        id=name,
        label=name.capitalize(),
        start=start,
        hours=hours,
        days=[WEEKDAYS[day] for day in days],
    )


def duty(option: str, shift_id: str, staff: int = 2, **given: Any) -> Duty:
    content: dict[str, Any] = {
        "id": f"{option}@{shift_id}",
        "option": option,
        "label": f"Post {option}",
        "kind": "checkpoint",
        "type": "post",
        "agency": "",
        "shift": shift_id,
        "staff": staff,
        "place": "US 83",
        "lon": -99.5,
        "lat": 27.5,
        "travel": {},
    }
    return Duty(**content | given)


def crew(name: str, people: int = 2, **given: Any) -> Crew:
    """Return a crew that may do everything, every day, with as good as no rule."""
    content: dict[str, Any] = {
        "id": name,
        "label": f"Crew {name}",
        "people": people,
        "hours_a_week": 168,
        "rest_hours": 0,
        "most_days": 400,
        "days_off": 0,
    }
    return Crew(**content | given)


def duties(
    shifts: Iterable[Shift], asked: Iterable[Duty], crews: Iterable[Crew], zone: ZoneInfo = CHICAGO
) -> Duties:
    bases = [
        DutyBase(id=name, label=name.capitalize(), lon=-99.5, lat=27.5)
        for name in ("north", "south")
    ]
    return Duties(
        schema_version=2,
        name="Case",
        time_zone=zone.key,
        shifts=[*shifts],
        bases=bases,
        duties=[*asked],
        crews=[*crews],
    )


def broken_rules(roster: Roster, first: date, weeks: int) -> list[str]:
    """Return every rule that a roster breaks, from its dates and times alone."""
    broken = _unfilled(roster, first, weeks)
    by_crew: defaultdict[str, list[Assignment]] = defaultdict(list)
    for one in roster.assignments:
        by_crew[one.crew.id].append(one)
        broken += _misplaced(roster, one)
    for mine in by_crew.values():
        broken += _overworked(sorted(mine, key=lambda one: one.leave.timestamp()), first, weeks)
    return broken


def _unfilled(roster: Roster, first: date, weeks: int) -> list[str]:
    people: defaultdict[tuple[date, str], int] = defaultdict(int)
    for one in roster.assignments:
        people[one.day, one.duty.id] += one.crew.people
    lacking = {(gap.day, gap.duty.id): gap.missing for gap in roster.gaps}
    broken = []
    for k in range(7 * weeks):
        day = first + timedelta(days=k)
        for asked in roster.duties.duties:
            begins = next(s for s in roster.duties.shifts if s.id == asked.shift)
            if day.weekday() in begins.weekdays:
                there = people.pop((day, asked.id), 0)
                if there + lacking.get((day, asked.id), 0) < asked.staff:
                    broken.append(f"{day} {asked.id}: {there} of {asked.staff}")
    return broken + [f"{key}: nobody asked for it" for key in people]


def _misplaced(roster: Roster, one: Assignment) -> list[str]:
    local = datetime.combine(one.day, one.shift.begins, roster.duties.zone)
    start = local.astimezone(UTC) + timedelta(minutes=one.duty.later)
    base = one.crew.base
    minutes = (
        (one.duty.travel[base] if base else min(one.duty.travel.values())) if one.duty.travel else 0
    )
    rules = {
        "shift": one.duty.shift == one.shift.id,
        "start": one.start.astimezone(UTC) == start,
        "end": one.end.astimezone(UTC) == start + timedelta(minutes=one.shift.minutes),
        "leave": one.leave.astimezone(UTC) == start - timedelta(minutes=minutes),
        "back": one.back.astimezone(UTC) == start + timedelta(minutes=one.shift.minutes + minutes),
        "agency": not one.duty.agency or one.crew.agency in {"", one.duty.agency},
        "can": not one.crew.can or bool({*one.crew.can} & {one.duty.kind, one.duty.type}),
        "away": one.day not in one.crew.away,
    }
    return [
        f"{one.crew.id} {one.day} {one.duty.id}: {rule}" for rule, kept in rules.items() if not kept
    ]


def _overworked(mine: list[Assignment], first: date, weeks: int) -> list[str]:
    limits = mine[0].crew
    broken = []
    for before, after in pairwise(mine):
        if after.leave.timestamp() - before.back.timestamp() < limits.rest_minutes * 60:
            broken.append(f"{limits.id} {after.day}: rest")
    for k in range(weeks):
        week = [one for one in mine if 7 * k <= (one.day - first).days < 7 * (k + 1)]
        if (
            sum(one.back.timestamp() - one.leave.timestamp() for one in week)
            > limits.week_minutes * 60
        ):
            broken.append(f"{limits.id} week {k}: hours")
        if len({one.day for one in week}) > 7 - limits.days_off:
            broken.append(f"{limits.id} week {k}: days off")
    days = {one.day for one in mine}
    runs = [
        day
        for day in days
        if all(day + timedelta(days=k) in days for k in range(limits.most_days + 1))
    ]
    return broken + [f"{limits.id} {day}: days in a row" for day in runs]
