"""The roster as a table: one row an assignment, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import plain
from optimizer.base.text.language import short_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from optimizer.roster.duties_file import DutyStop
    from optimizer.roster.model import Assignment, Roster

COLUMNS = (
    "date",
    "weekday",
    "shift",
    "start",
    "end",
    "crew",
    "people",
    "mark",
    "duty",
    "kind",
    "place",
    "lon",
    "lat",
    "base",
    "leave_base",
    "back_at_base",
    "stops",
    "crew_id",
    "duty_id",
    "time_zone",
)
FORMULA = re.compile(r"[=+\-@]")
"""What a cell of text begins with that spreadsheets may take for a formula or a command; the same as of imported tables."""


def roster_csv(roster: Roster) -> str:
    """Return the rows as CSV: comma, UTF-8, a header row; times with their offset from UTC."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(roster, assignment) for assignment in roster.assignments)
    return stream.getvalue()


def stops_text(stops: Sequence[DutyStop], assignment: Assignment) -> str:
    """Return the stops of a beat with their clock times: '22:40-23:10 Rest area; ...'."""

    def clock(minutes: float) -> str:
        return f"{moment(assignment, minutes):%H:%M}"

    return "; ".join(f"{clock(stop.arrive)}-{clock(stop.leave)} {stop_name(stop)}" for stop in stops)


def stop_name(stop: DutyStop) -> str:
    """Return what people call a stop: its place where it has no label."""
    return stop.label or f"{stop.lat:.5f}, {stop.lon:.5f}"


def leaving(assignment: Assignment) -> str:
    """Return when a crew leaves, by the clock of its base: '05:10', or '23:10 (28 Nov)' where that is not the day of the shift."""
    clock = f"{assignment.leave:%H:%M}"
    day = assignment.leave.date()
    return clock if day == assignment.day else f"{clock} ({short_date(day)})"


def moment(assignment: Assignment, minutes: float) -> datetime:
    """Return the time some minutes after the start of an assignment, in its zone."""
    return (assignment.start.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(assignment.start.tzinfo)


def safe_cell(text: str) -> str:
    """Make text one line, with an apostrophe before what a spreadsheet would take for a formula."""
    line = plain(text)
    return f"'{line}" if FORMULA.match(line) else line


def _row(roster: Roster, one: Assignment) -> list[str | int | float]:
    base = roster.duties.bases.get(one.base, one.base)
    return [
        one.day.isoformat(),
        f"{one.day:%a}",
        safe_cell(one.shift.label),
        one.start.isoformat(timespec="minutes"),
        one.end.isoformat(timespec="minutes"),
        safe_cell(one.crew.label),
        one.crew.people,
        safe_cell(one.duty.mark),
        safe_cell(one.duty.name),
        safe_cell(one.duty.kind),
        safe_cell(one.duty.place),
        one.duty.lon,
        one.duty.lat,
        safe_cell(base),
        one.leave.isoformat(timespec="minutes"),
        one.back.isoformat(timespec="minutes"),
        safe_cell(stops_text(one.duty.stops, one)),
        safe_cell(one.crew.id),
        safe_cell(one.duty.id),
        roster.duties.zone_of(one.crew.base).key,
    ]


LOG_COLUMNS = ("unit", "duty", "place", "planned_begin", "planned_end", "begin", "end", "hours", "staff", "vehicles")
"""Columns of a log of duty; crews fill in `begin` and `end`, or `hours`, and `staff` and `vehicles` (searched)."""


def log_csv(roster: Roster) -> str:
    """Return a log of duty to be filled in as CSV: a row a crew and place, with the planned times."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(LOG_COLUMNS)
    for one in roster.assignments:
        visits = [(stop_name(stop), moment(one, stop.arrive), moment(one, stop.leave)) for stop in one.duty.stops]
        for place, begin, end in visits or [(one.duty.name, one.start, one.end)]:
            times = (begin.isoformat(timespec="minutes"), end.isoformat(timespec="minutes"))
            ids = (one.crew.id, one.duty.id, place)
            writer.writerow([*(safe_cell(text) for text in ids), *times, "", "", "", "", ""])
    return stream.getvalue()
