"""The roster page: for each week who is where, by post, on one sheet, and who works when, by crew and base. It prints and asks no server.

A cell holds when a crew leaves and the mark of its duty on the report's maps; a table says what each mark is. So a week of many crews
fits on few sheets, and its tables on a phone, which shows one of them at a time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from optimizer.base.formatting import plain
from optimizer.base.language import ENGLISH, localised, long_date, markup, short_date, spoken
from optimizer.base.language import gettext as _
from optimizer.base.said import all_translated
from optimizer.roster.table import stops_text
from optimizer.roster.week_sheet import WeekTable, week_tables

if TYPE_CHECKING:
    from datetime import date

    from optimizer.roster.model import Assignment, Crew, Gap, Roster, Shift
    from optimizer.scenario.duties_file import Duty

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class CrewLine:
    """What a crew does in a week: its name, the lines of each of seven days, and its hours."""

    name: str
    days: tuple[list[str], ...]
    hours: str


@dataclass(frozen=True, slots=True)
class MarkLine:
    """What a mark means: shift, the duty, how many people, and of a beat its stops by the clock."""

    mark: str
    shift: str
    duty: str
    staff: int
    stops: str


@dataclass(frozen=True, slots=True)
class WeekSheet:
    """One week of the crews of a base.

    Attributes
    ----------
    id, title
        On the page, and for people.
    days
        Seven headings.
    crews
        Lines of its table.
    """

    id: str
    title: str
    days: tuple[str, ...]
    crews: tuple[CrewLine, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """A week: all posts and crews, and the crews of each base."""

    tables: tuple[WeekTable, ...]
    sheets: tuple[WeekSheet, ...]


def roster_page(roster: Roster) -> str:
    """Return the HTML of the page."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = plain
    environment.globals["_"] = markup
    last = roster.first + timedelta(days=7 * roster.weeks - 1)
    marks = _marks(roster)
    template = environment.get_template("roster.html")
    return template.render(
        roster=roster,
        language=spoken().code,
        first=long_date(roster.first),
        last=long_date(last),
        notes=all_translated(roster.notes),
        weeks=[_week(roster, k, marks) for k in range(roster.weeks)],
        gaps=[_gap(gap) for gap in roster.gaps],
        marks=_mark_lines(roster, marks),
    )


def _marks(roster: Roster) -> dict[str, str]:
    """Return the mark of each option: that of the report's maps, or a letter P and a number where it has none."""
    options = dict.fromkeys(duty.option for duty in roster.duties.duties)
    own = {duty.option: duty.mark for duty in roster.duties.duties if duty.mark}
    return {option: own.get(option) or f"P{k}" for k, option in enumerate(options, start=1)}


def _week(roster: Roster, k: int, marks: dict[str, str]) -> Week:
    days = [roster.first + timedelta(days=7 * k + d) for d in range(7)]
    headings = tuple(map(short_date, days))
    by_crew: defaultdict[tuple[str, date], list[Assignment]] = defaultdict(list)
    for one in roster.assignments:
        by_crew[one.crew.id, one.day].append(one)
    title = _("Week {number}: {first} to {last}").format(number=k + 1, first=headings[0], last=headings[6])
    groups: defaultdict[str, list[Crew]] = defaultdict(list)
    for crew in roster.duties.crews:
        groups[roster.duties.bases.get(crew.base, crew.base) or crew.agency].append(crew)
    sheets = tuple(
        WeekSheet(
            f"week-{k + 1}-{number}",
            _("{week}, crews of {base}").format(week=title, base=base)
            if base
            else _("{week}, crews").format(week=title),
            headings,
            crews=tuple(_crew_line(crew, days, by_crew, marks) for crew in crews),
        )
        for number, (base, crews) in enumerate(groups.items(), start=1)
    )
    return Week(tuple(week_tables(roster, k, title, marks)), sheets)


def _crew_line(
    crew: Crew, days: list[date], by_crew: defaultdict[tuple[str, date], list[Assignment]], marks: dict[str, str]
) -> CrewLine:
    worked = [one for day in days for one in by_crew[crew.id, day]]
    seconds = sum((one.back.timestamp() - one.leave.timestamp()) for one in worked)
    cells = tuple([f"{one.leave:%H:%M} {marks[one.duty.option]}" for one in by_crew[crew.id, day]] for day in days)
    return CrewLine(crew.label, cells, localised(f"{seconds / 3600:.1f}"))


def _by_shift(roster: Roster) -> list[tuple[Shift, Duty]]:
    """Return every duty with its shift, by the time the shift begins."""
    shifts = sorted(roster.duties.shifts, key=lambda shift: (shift.start, shift.id))
    used = {one.duty.id for one in roster.assignments} | {gap.duty.id for gap in roster.gaps}
    known = [duty for duty in roster.duties.duties if duty.id in used]
    return [(shift, duty) for shift in shifts for duty in known if duty.shift == shift.id]


def _mark_lines(roster: Roster, marks: dict[str, str]) -> list[MarkLine]:
    """Return what each mark means, with the stops of beats by the clock, as on their first day."""
    first = {one.duty.id: one for one in reversed(roster.assignments)}
    return [
        MarkLine(
            marks[duty.option],
            shift.label,
            duty.title,
            duty.staff,
            stops_text(duty.stops, first[duty.id]) if duty.id in first else "",
        )
        for shift, duty in _by_shift(roster)
    ]


def _gap(gap: Gap) -> str:
    return _("{day}, {shift}, {duty}: {count} people missing").format(
        day=f"{gap.day:%a} {gap.day.isoformat()}" if spoken().code == ENGLISH else short_date(gap.day),
        shift=gap.shift.label,
        duty=gap.duty.title,
        count=gap.missing,
    )
