"""From `duties.json` to duties."""

from __future__ import annotations

import math
from datetime import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.language import check_language
from optimizer.roster.model import Crew, Duties, Shift
from optimizer.scenario.duties_file import DUTIES, read_duties_file
from optimizer.scenario.roster_model import WEEKDAYS

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.scenario.duties_file import CrewRow, DutiesFile, ShiftRow


def read_duties(folder: Path) -> Duties:
    """Read the duties of a plan folder.

    Raises
    ------
    InputError
        If the folder has no duties, with every fault in them, or if the plan needs nobody.
    """
    content = read_duties_file(folder)
    if not content.duties:
        found = "no duty: the plan places nothing that needs people"
        remedy = "Check roster.people and the `uses` of the kinds placed"
        raise InputError(Problem(str(folder / DUTIES), found, "at least one", remedy))
    duties = duties_of(content)
    _check_shifts(duties.shifts, str(folder / DUTIES))
    return duties


def duties_of(content: DutiesFile) -> Duties:
    """Return the duties that a checked file holds."""
    return Duties(
        name=content.name,
        zone=ZoneInfo(content.time_zone),
        shifts=tuple(_shift(row) for row in content.shifts),
        duties=tuple(content.duties),
        crews=tuple(_crew(row) for row in content.crews),
        bases={base.id: base.label or base.id for base in content.bases},
        places=tuple(content.bases),
        roads=tuple(content.roads),
        language=check_language(content.language),
    )


def _shift(row: ShiftRow) -> Shift:
    days = frozenset(WEEKDAYS.index(day) for day in row.days) or frozenset(range(7))
    return Shift(row.id, row.label or row.id, time.fromisoformat(row.start), round(row.hours * 60), days)


def _crew(row: CrewRow) -> Crew:
    return Crew(
        id=row.id,
        label=row.label or row.id,
        agency=row.agency,
        base=row.base,
        people=row.people,
        can=frozenset(row.can),
        week_minutes=math.floor(row.hours_a_week * 60),
        rest_minutes=math.ceil(row.rest_hours * 60),
        most_days=row.most_days,
        days_off=row.days_off,
        away=frozenset(row.away),
    )


def _check_shifts(shifts: tuple[Shift, ...], where: str) -> None:
    """Reject two shifts that begin together: other overlaps may be wanted, this is one shift written twice."""
    problems = ProblemList()
    for k, shift in enumerate(shifts):
        for other in shifts[:k]:
            if shift.start == other.start and shift.days & other.days:
                found = f"shifts {other.id!r} and {shift.id!r} that both begin at {shift.start:%H:%M}"
                problems.add(where, found, "shifts that begin at different times", "Remove one, or part them by `days`")
    problems.raise_if_any()
