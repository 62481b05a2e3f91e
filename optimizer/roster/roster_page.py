"""The roster page: for each week who works when, by crew, and who is where, by post. One HTML file that prints and asks no server."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from optimizer.base.formatting import plain
from optimizer.roster.table import stops_text

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
class PostLine:
    """Who is at a post in one shift of a week: shift, post, and the lines of each of seven days."""

    shift: str
    post: str
    days: tuple[list[str], ...]


@dataclass(frozen=True, slots=True)
class BeatLine:
    """A beat with its stops by the clock."""

    name: str
    stops: str


@dataclass(frozen=True, slots=True)
class WeekTables:
    """One week of the page.

    Attributes
    ----------
    days
        Seven headings.
    crews
        A line of the table by crew, for each.
    posts
        A line of the table by post, for each shift and post.
    """

    days: tuple[str, ...]
    crews: tuple[CrewLine, ...]
    posts: tuple[PostLine, ...]


def roster_page(roster: Roster) -> str:
    """Return the HTML of the page."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = plain
    last = roster.first + timedelta(days=7 * roster.weeks - 1)
    template = environment.get_template("roster.html")
    return template.render(
        roster=roster,
        last=last.isoformat(),
        weeks=[_week(roster, k) for k in range(roster.weeks)],
        gaps=[_gap(gap) for gap in roster.gaps],
        beats=_beats(roster),
    )


def _week(roster: Roster, k: int) -> WeekTables:
    days = [roster.first + timedelta(days=7 * k + d) for d in range(7)]
    here = [one for one in roster.assignments if days[0] <= one.day <= days[-1]]
    by_crew: defaultdict[tuple[str, date], list[Assignment]] = defaultdict(list)
    by_duty: defaultdict[tuple[str, date], list[Assignment]] = defaultdict(list)
    for one in here:
        by_crew[one.crew.id, one.day].append(one)
        by_duty[one.duty.id, one.day].append(one)
    lacking = {(gap.duty.id, gap.day): gap.missing for gap in roster.gaps}
    return WeekTables(
        days=tuple(f"{day:%a} {day.day} {day:%b}" for day in days),
        crews=tuple(_crew_line(crew, days, by_crew) for crew in roster.duties.crews),
        posts=tuple(
            PostLine(
                shift.label,
                duty.title,
                tuple(_names(by_duty[duty.id, day], lacking.get((duty.id, day), 0)) for day in days),
            )
            for shift, duty in _by_shift(roster)
        ),
    )


def _crew_line(crew: Crew, days: list[date], by_crew: defaultdict[tuple[str, date], list[Assignment]]) -> CrewLine:
    worked = [one for day in days for one in by_crew[crew.id, day]]
    seconds = sum((one.back.timestamp() - one.leave.timestamp()) for one in worked)
    cells = tuple([f"{one.leave:%H:%M} {one.duty.title}" for one in by_crew[crew.id, day]] for day in days)
    return CrewLine(crew.label, cells, f"{seconds / 3600:.1f}")


def _names(there: list[Assignment], missing: int) -> list[str]:
    lack = [f"{missing} MISSING"] if missing else []
    return [one.crew.label for one in there] + lack


def _by_shift(roster: Roster) -> list[tuple[Shift, Duty]]:
    """Return every duty with its shift, by the time the shift begins."""
    shifts = sorted(roster.duties.shifts, key=lambda shift: (shift.start, shift.id))
    used = {duty.id: duty for one in roster.assignments for duty in [one.duty]} | {
        g.duty.id: g.duty for g in roster.gaps
    }
    known = [duty for duty in roster.duties.duties if duty.id in used]
    return [(shift, duty) for shift in shifts for duty in known if duty.shift == shift.id]


def _beats(roster: Roster) -> list[BeatLine]:
    """Return each beat with its stops by the clock, as on its first day."""
    first = {one.duty.id: one for one in reversed(roster.assignments) if one.duty.stops}
    return [BeatLine(f"{one.shift.label}: {one.duty.title}", stops_text(one.duty.stops, one)) for one in first.values()]


def _gap(gap: Gap) -> str:
    return f"{gap.day:%a} {gap.day.isoformat()}, {gap.shift.label}, {gap.duty.title}: {gap.missing} people missing"
