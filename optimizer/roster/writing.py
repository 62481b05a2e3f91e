"""The folder of a roster: table, calendars, page and summary, all or none.

The page says for each week who is where, by post, on one sheet, and who works when, by
crew and base. It prints and asks no server. A cell holds when a crew leaves and the
mark of its duty on the report's maps; a table says what each mark is. So a week of many
crews fits on few sheets, and its tables on a phone, which shows one of them at a time.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, groupby
from typing import Any

from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import write_json
from optimizer.base.text.formatting import number, plain
from optimizer.base.text.language import (
    ENGLISH,
    counted,
    localised,
    long_date,
    ngettext,
    short_date,
    spoken,
    term,
    zone_name,
)
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import all_translated
from optimizer.roster.calendar import is_night
from optimizer.roster.model import (
    Assignment,
    Duty,
    DutyStop,
    Gap,
    Roster,
    crew_name,
    last_shifts,
    leaving,
    moment,
    roster_csv,
    stop_name,
    stops_text,
)
from optimizer.roster.sheets import template
from optimizer.scenario.file.roster_model import Crew, Shift

TABLE = "roster.csv"
CALENDAR = "roster.ics"
PAGE = "roster.html"
SUMMARY = "summary.json"
PACK = "field-pack.zip"

FILES = (TABLE, CALENDAR, PAGE, SUMMARY, PACK)
"""What a roster's folder holds beside a calendar for each crew."""

NAME_LENGTH = 80


def write_roster(
    folder: OutputFolder,
    roster: Roster,
    made: datetime,
    version: str,
    pack: Callable[[dict[str, str]], bytes],
) -> tuple[str, ...]:
    """Write a roster in place of an earlier one, whose files are removed.

    Parameters
    ----------
    folder
        Made if need be.
    roster
        What to write.
    made
        When it was made.
    version
        Of this package.
    pack
        Makes the field pack of the calendars of crews with duties, by the name of their
        file.

    Returns
    -------
    The names of the files.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    of_crew: defaultdict[str, list[Assignment]] = defaultdict(list)
    for one in roster.assignments:
        of_crew[one.crew.id].append(one)
    names = calendar_names(roster.duties.crews)
    with folder.written() as temporary:
        texts = {
            TABLE: roster_csv(roster),
            CALENDAR: calendar(
                roster,
                roster.assignments,
                _("{plan}, all crews").format(plan=roster.duties.name),
                made,
                crew=True,
            ),
            PAGE: roster_page(roster),
        }
        for crew in roster.duties.crews:
            title = _("{plan}, {crew}").format(plan=roster.duties.name, crew=crew_name(crew))
            texts[names[crew.id]] = calendar(roster, of_crew[crew.id], title, made, crew=False)
        own = {
            names[crew.id]: texts[names[crew.id]]
            for crew in roster.duties.crews
            if of_crew[crew.id]
        }
        (temporary / PACK).write_bytes(pack(own))
        for name, text in texts.items():
            (temporary / name).write_text(text, encoding="utf-8", errors="replace", newline="")
        write_json(
            temporary / SUMMARY,
            summary(roster, version) | {"created": made.isoformat(timespec="seconds")},
        )
    return (*sorted(texts), SUMMARY, PACK)


def calendar_names(crews: Sequence[Crew]) -> dict[str, str]:
    """Return a file name for each crew that any system takes, each once whatever the case."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for crew in crews:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", crew.id).strip("-")[:NAME_LENGTH] or "x"
        name, k = stem, 2
        while name.lower() in taken:
            name, k = f"{stem}_{k}", k + 1
        taken.add(name.lower())
        names[crew.id] = f"crew-{name}.ics"
    return names


def summary(roster: Roster, version: str) -> dict[str, Any]:
    """Return what tools read: how the search ended, what each crew works, what is not filled."""
    rows = [_crew_row(roster, crew) for crew in roster.duties.crews]
    return {
        "schema_version": 1,
        "name": roster.duties.name,
        "from": roster.first.isoformat(),
        "weeks": roster.weeks,
        "time_zone": roster.duties.zone.key,
        "status": roster.status,
        "limit": roster.limit,
        "seconds": round(roster.seconds, 3),
        "seed": roster.seed,
        "version": version,
        "assignments": len(roster.assignments),
        "gaps": [
            {
                "date": g.day.isoformat(),
                "shift": g.shift.id,
                "duty": g.duty.id,
                "missing": g.missing,
            }
            for g in roster.gaps
        ],
        "spread": {
            key: {"least": min(row[key] for row in rows), "most": max(row[key] for row in rows)}
            for key in ("hours", "shifts", "nights", "weekend_shifts")
        },
        "crews": rows,
        "last_shifts": last_shifts(roster),
        "notes": list(roster.notes),
    }


def _crew_row(roster: Roster, crew: Crew) -> dict[str, Any]:
    mine = [one for one in roster.assignments if one.crew.id == crew.id]
    seconds = sum(one.back.timestamp() - one.leave.timestamp() for one in mine)
    return {
        "id": crew.id,
        "label": crew.name,
        "agency": crew.agency,
        "base": crew.base,
        "time_zone": roster.duties.zone_of(crew.base).key,
        "hours": round(seconds / 3600, 2),
        "shifts": len(mine),
        "nights": sum(is_night(one.start, one.end, roster.duties.zone) for one in mine),
        "weekend_shifts": sum(one.day.weekday() >= 5 for one in mine),
    }


# Calendars (RFC 5545): one event an assignment, from leaving the base to being back.
#
# Times are UTC, which every calendar shows in local time.
PRODUCER = "-//border-interdiction//roster//{language}"

LINE_OCTETS = 75
"""Longest line in octets, without its end (RFC 5545, 3.1)."""


def calendar(
    roster: Roster, assignments: Iterable[Assignment], name: str, made: datetime, *, crew: bool
) -> str:
    """Return a calendar of some assignments.

    Parameters
    ----------
    roster
        What they belong to.
    assignments
        One event each.
    name
        Of the calendar.
    made
        When the roster was made, with its zone.
    crew
        Whether the events name the crew: in the calendar of all, not in that of one.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCER.format(language=spoken().code.upper())}",
        "CALSCALE:GREGORIAN",
    ]
    lines += [f"NAME:{_escaped(name)}", f"X-WR-CALNAME:{_escaped(name)}"]
    for one in assignments:
        lines += _event(roster, one, made, crew=crew)
        for place, stop in enumerate(one.duty.stops, start=1):
            lines += _stop_event(roster, one, made, place, stop, crew=crew)
    lines.append("END:VCALENDAR")
    return "".join(_folded(line) + "\r\n" for line in lines)


def _event(roster: Roster, one: Assignment, made: datetime, *, crew: bool) -> Sequence[str]:
    zone = zone_name(roster.duties.zone_of(one.crew.base).key)
    base = roster.duties.base_name(one.base) or _("base")
    title = _("{shift}: {duty}").format(shift=term(one.shift.name), duty=one.duty.title)
    lines = [
        f"{crew_name(one.crew)} ({_people(one.crew.people)})",
        _("On duty {start} to {end} ({zone})").format(
            start=f"{one.start:%H:%M}", end=f"{one.end:%H:%M}", zone=zone
        ),
        _("Leave {base} at {leave}, back at {back}").format(
            base=base, leave=f"{one.leave:%H:%M}", back=f"{one.back:%H:%M}"
        ),
    ]
    if one.duty.stops:
        lines.append(_("Stops: {stops}").format(stops=stops_text(one.duty.stops, one)))
    return (
        "BEGIN:VEVENT",
        f"UID:{_uid(roster, one)}",
        f"DTSTAMP:{_utc(made)}",
        f"DTSTART:{_utc(one.leave)}",
        f"DTEND:{_utc(one.back)}",
        f"SUMMARY:{_escaped(f'{crew_name(one.crew)}: {title}' if crew else title)}",
        f"LOCATION:{_escaped(one.duty.place or one.duty.title)}",
        f"GEO:{one.duty.lat:.6f};{one.duty.lon:.6f}",
        f"CATEGORIES:{_escaped(one.duty.kind)}",
        "DESCRIPTION:" + "\\n".join(_escaped(line) for line in lines),
        "END:VEVENT",
    )


def _people(count: int) -> str:
    return ngettext("{count} person", "{count} people", count).format(count=count)


def _stop_event(
    roster: Roster, one: Assignment, made: datetime, place: int, stop: DutyStop, *, crew: bool
) -> Sequence[str]:
    """Return the event of a stop of a beat: beside that of the whole duty, it takes no
    time of its own.
    """
    title = f"{one.duty.mark}{place} {stop_name(stop)}"
    return (
        "BEGIN:VEVENT",
        f"UID:{_uid(roster, one, f'-{place}')}",
        f"DTSTAMP:{_utc(made)}",
        f"DTSTART:{_utc(moment(one, stop.arrive))}",
        f"DTEND:{_utc(moment(one, stop.leave))}",
        f"SUMMARY:{_escaped(f'{crew_name(one.crew)}: {title}' if crew else title)}",
        f"LOCATION:{_escaped(stop_name(stop))}",
        f"GEO:{stop.lat:.6f};{stop.lon:.6f}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    )


def _uid(roster: Roster, one: Assignment, part: str = "") -> str:
    """Return an id that stays when a roster is made anew: a crew sent elsewhere in a
    shift has its event moved, not doubled.
    """
    words = (roster.duties.name, one.crew.id, one.day.isoformat(), one.shift.id)
    digest = hashlib.sha256("\x1f".join(words).encode("utf-8", "replace")).hexdigest()
    return f"{digest[:32]}{part}@border-interdiction"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Return text on one line with the marks escaped that separate values (RFC 5545, 3.3.11)."""
    line = plain(text)
    for mark in ("\\", ";", ","):
        line = line.replace(mark, f"\\{mark}")
    return line


def _folded(line: str) -> str:
    """Break a line after at most 75 octets, between characters (RFC 5545, 3.1)."""
    if len(line.encode("utf-8", "replace")) <= LINE_OCTETS:
        return line
    pieces = []
    piece = ""
    octets = 0
    for character in line:
        size = len(character.encode("utf-8", "replace"))
        if octets + size > LINE_OCTETS:
            pieces.append(piece)
            piece, octets = " ", 1
        piece, octets = piece + character, octets + size
    return "\r\n".join([*pieces, piece])


@dataclass(frozen=True, slots=True)
class CrewLine:
    """What a crew does in a week: its name, the lines of each of seven days, and its hours.

    A line is when the crew leaves and the mark of its duty, then where that is: paper
    has the first alone, as its table of marks has the second.
    """

    name: str
    days: tuple[list[tuple[str, str]], ...]
    hours: str


@dataclass(frozen=True, slots=True)
class MarkLine:
    """What a mark means: the duty, its shifts, and of a beat its stops by the clock."""

    mark: str
    shift: str
    duty: Duty
    stops: str


@dataclass(frozen=True, slots=True)
class WeekSheet:
    """One week of the crews of a base."""

    #: `id`, `title`: On the page, and for people.
    id: str
    title: str
    #: Seven headings.
    days: tuple[str, ...]
    #: Lines of its table.
    crews: tuple[CrewLine, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """A week: all posts and crews, and the crews of each base."""

    tables: tuple[WeekTable, ...]
    sheets: tuple[WeekSheet, ...]


def roster_page(roster: Roster) -> str:
    """Return the HTML of the page."""
    last = roster.first + timedelta(days=7 * roster.weeks - 1)
    marks = _marks(roster)
    return template("roster.html").render(
        roster=roster,
        language=spoken().code,
        first=long_date(roster.first),
        last=long_date(last),
        notes=all_translated(roster.notes),
        weeks=[_week(roster, k, marks) for k in range(roster.weeks)],
        gaps=[_gap(gap) for gap in roster.gaps],
        marks=_mark_lines(roster, marks),
        zones=", ".join(map(zone_name, roster.duties.zone_names())),
    )


def _marks(roster: Roster) -> dict[str, str]:
    """Return the mark of each option: that of the report's maps, or a letter P and a
    number where it has none.
    """
    options = dict.fromkeys(duty.option for duty in roster.duties.duties)
    own = {duty.option: duty.mark for duty in roster.duties.duties if duty.mark}
    return {option: own.get(option) or f"P{k}" for k, option in enumerate(options, start=1)}


def _week(roster: Roster, k: int, marks: dict[str, str]) -> Week:
    days = [roster.first + timedelta(days=7 * k + d) for d in range(7)]
    headings = tuple(map(short_date, days))
    by_crew: defaultdict[tuple[str, date], list[Assignment]] = defaultdict(list)
    for one in roster.assignments:
        by_crew[one.crew.id, one.day].append(one)
    title = _("Week {number}: {first} to {last}").format(
        number=k + 1, first=headings[0], last=headings[6]
    )
    groups: defaultdict[str, list[Crew]] = defaultdict(list)
    for crew in roster.duties.crews:
        groups[term(roster.duties.base_name(crew.base)) or crew.agency].append(crew)
    sheets = tuple(
        WeekSheet(
            f"week-{k + 1}-{number}",
            _crews_title(roster, title, base, crews),
            headings,
            crews=tuple(_crew_line(crew, days, by_crew, marks) for crew in crews),
        )
        for number, (base, crews) in enumerate(groups.items(), start=1)
    )
    return Week(tuple(week_tables(roster, k, title, marks)), sheets)


def _crews_title(roster: Roster, week: str, base: str, crews: Sequence[Crew]) -> str:
    title = (
        _("{week}, crews of {base}").format(week=week, base=base)
        if base
        else _("{week}, crews").format(week=week)
    )
    if len(roster.duties.zone_names()) == 1:
        return title
    zones = sorted({zone_name(roster.duties.zone_of(crew.base).key) for crew in crews})
    return _("{title} (times are {zone})").format(title=title, zone=", ".join(zones))


def _crew_line(
    crew: Crew,
    days: list[date],
    by_crew: defaultdict[tuple[str, date], list[Assignment]],
    marks: dict[str, str],
) -> CrewLine:
    worked = [one for day in days for one in by_crew[crew.id, day]]
    seconds = sum((one.back.timestamp() - one.leave.timestamp()) for one in worked)
    cells = tuple(
        [
            (f"{leaving(one)} {marks[one.duty.option]}", _short_name(one.duty))
            for one in by_crew[crew.id, day]
        ]
        for day in days
    )
    return CrewLine(crew_name(crew), cells, localised(f"{seconds / 3600:.1f}"))


def _short_name(duty: Duty) -> str:
    """Return what a cell calls a duty beside its mark: the place without its kind, of a
    beat its first stop.
    """
    name = stop_name(duty.stops[0]) if duty.stops else duty.name
    return plain(term(name).partition(" (")[0], SHORT_NAME)


SHORT_NAME = 28
"""Letters of a name in a cell of crews."""


def _by_shift(roster: Roster) -> list[tuple[Shift, Duty]]:
    """Return every duty with its shift, by the time the shift begins."""
    shifts = sorted(roster.duties.shifts, key=lambda shift: (shift.start, shift.id))
    used = {one.duty.id for one in roster.assignments} | {gap.duty.id for gap in roster.gaps}
    known = [duty for duty in roster.duties.duties if duty.id in used]
    return [(shift, duty) for shift in shifts for duty in known if duty.shift == shift.id]


def _mark_lines(roster: Roster, marks: dict[str, str]) -> list[MarkLine]:
    """Return what each mark means, with the stops of beats by the clock, as on their
    first day; shifts that are alike in one line.
    """
    first = {one.duty.id: one for one in reversed(roster.assignments)}
    lines: dict[tuple[str, str, int, str], MarkLine] = {}
    for shift, duty in _by_shift(roster):
        stops = _stops(roster, first[duty.id]) if duty.id in first else ""
        key = marks[duty.option], duty.title, duty.staff, stops
        shifts = term(shift.name) if key not in lines else f"{lines[key].shift}, {term(shift.name)}"
        lines[key] = MarkLine(marks[duty.option], shifts, duty, stops)
    return list(lines.values())


def _stops(roster: Roster, one: Assignment) -> str:
    """Return the stops of an assignment by the clocks of its crew's base, which are
    named where crews follow several.
    """
    stops = stops_text(one.duty.stops, one)
    return (
        f"{stops} ({zone_name(roster.duties.zone_of(one.crew.base).key)})"
        if stops and len(roster.duties.zone_names()) > 1
        else stops
    )


def _gap(gap: Gap) -> str:
    return _("{day}, {shift}, {duty}: {count} people missing").format(
        day=(
            f"{gap.day:%a} {gap.day.isoformat()}"
            if spoken().code == ENGLISH
            else short_date(gap.day)
        ),
        shift=term(gap.shift.name),
        duty=gap.duty.title,
        count=gap.missing,
    )


# A week of all posts and crews on one sheet of paper: posts and beats down, days and
# shifts across, numbers of crews in the cells.
#
# What fits is computed from the width of letters, with room to spare, so that a sheet
# is one of A4 and of Letter, landscape. A week that does not fit is split into the
# least number of sheets for its rows in their order, and each sheet says so.
LETTER, SPACE = 4.46, 2.3
"""Points across of a digit or letter of 7 points, and of a space, in the widest of the
page's fonts (DejaVu Sans).
"""

LINE = 8.0
"""Points from line to line."""

WIDTH, HEIGHT = 745.0, 482.0
"""Points of the table's body, on Letter across and on A4 down: margins of 0.8 cm,
title, two sentences and headings are taken off.
"""

NAME = 82.0
"""Points of the column with the names of posts."""

NARROWEST = 31.5
"""Points of the narrowest column of a shift: two numbers of three digits beside each
other, and its edges.
"""

EDGES = 2.4
"""Points of a cell that are not for text, across and down."""

NAME_LINES = 2
"""Lines that the name of a post may take where its crews take less."""

SHIFT_LETTERS, MOST_LETTERS = 6, 60
"""Letters of a shift's name above its column, and of any other name."""


@dataclass(frozen=True, slots=True)
class WeekRow:
    """A post or beat: its mark, its name with what its crews are called, and who is
    there in each shift.
    """

    mark: str
    name: str
    cells: tuple[str, ...]

    def points(self, width: float) -> float:
        """Return how many points down the row takes, with columns of so many points across."""
        return max(NAME_LINES, *(_lines(cell, width - EDGES) for cell in self.cells)) * LINE + EDGES

    def cut(self, width: float) -> WeekRow:
        """Return the row with a name that takes no more lines than it has."""
        most = round((self.points(width) - EDGES) / LINE)
        name, letters = self.name, len(self.name)
        while _lines(f"{self.mark} {name}", NAME - EDGES) > most and letters > 1:
            letters -= 1
            name = plain(self.name, letters)
        return replace(self, name=name)


@dataclass(frozen=True, slots=True)
class WeekTable:
    """A sheet of paper."""

    #: `id`, `title`: On the page, and for people.
    id: str
    title: str
    #: Sentences above the table.
    notes: tuple[str, ...]
    #: Each day with the number of its columns.
    days: tuple[tuple[str, int], ...]
    #: Heading of each column.
    shifts: tuple[str, ...]
    #: Posts and beats.
    rows: tuple[WeekRow, ...]

    @property
    def starts(self) -> tuple[bool, ...]:
        """Which columns begin a day."""
        return tuple(place == 0 for _day, columns in self.days for place in range(columns))


def week_tables(roster: Roster, k: int, title: str, marks: Mapping[str, str]) -> list[WeekTable]:
    """Return the sheets of a week.

    Parameters
    ----------
    roster
        The roster.
    k
        The week, 0 for the first.
    title
        What the week is called.
    marks
        Mark of each option.
    """
    days = [roster.first + timedelta(days=7 * k + d) for d in range(7)]
    shifts = sorted(roster.duties.shifts, key=lambda shift: (shift.start, shift.id))
    columns = [(day, shift) for day in days for shift in shifts]
    rows = _rows(roster, columns, marks)
    most = int((WIDTH - NAME) // NARROWEST)
    across = max(1, most // len(shifts)) * len(shifts) if len(shifts) <= most else most
    tables = []
    for at in range(0, len(columns), across):
        here = columns[at : at + across]
        width = (WIDTH - NAME) / len(here)
        shown = [replace(row, cells=row.cells[at : at + across]).cut(width) for row in rows]
        tables += [_table(shifts, here, part) for part in _parts(shown, width)]
    notes = _notes(roster, days, shifts)
    if len(tables) > 1:
        split = _(
            "{rows} in {shifts} do not fit on one sheet of paper: this is sheet {sheet} of"
            " {sheets}."
        )
        count = {
            "rows": counted("{count} post or beat", "{count} posts and beats", len(rows)),
            "shifts": counted("{count} shift", "{count} shifts", len(columns)),
            "sheets": number(len(tables)),
        }
        said = [(split.format(sheet=number(n), **count), *notes) for n in range(1, len(tables) + 1)]
    else:
        said = [notes]
    name = _("{week}, all posts and crews").format(week=title)
    sheet = _("{name}, sheet {sheet} of {sheets}") if len(tables) > 1 else "{name}"
    return [
        replace(
            table,
            id=f"week-{k + 1}-all" + (f"-{n}" if n > 1 else ""),
            title=sheet.format(name=name, sheet=number(n), sheets=number(len(tables))),
            notes=sentences,
        )
        for n, (table, sentences) in enumerate(zip(tables, said, strict=True), start=1)
    ]


def _table(
    shifts: Sequence[Shift], columns: Sequence[tuple[date, Shift]], rows: tuple[WeekRow, ...]
) -> WeekTable:
    heads = _headings(shifts)
    days = groupby(day for day, _shift in columns)
    return WeekTable(
        id="",
        title="",
        notes=(),
        days=tuple((short_date(day), len(list(each))) for day, each in days),
        shifts=tuple(heads[shift.id] for _day, shift in columns),
        rows=rows,
    )


def _parts(rows: Sequence[WeekRow], width: float) -> list[tuple[WeekRow, ...]]:
    """Return the rows sheet by sheet: on the least number of sheets, which are about
    equally full.
    """
    down = [row.points(width) for row in rows]
    counts = _counts(down, HEIGHT)
    for lines in range(int(HEIGHT / LINE), 0, -1):
        if len(lower := _counts(down, lines * LINE)) > len(counts):
            break
        counts = lower
    ends = list(accumulate(counts))
    return [tuple(rows[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def _counts(down: Sequence[float], height: float) -> list[int]:
    """Return how many rows each sheet of a height has where each has as many as fit,
    which makes the least number of sheets.
    """
    counts, left = [0], height
    for points in down:
        if points > left and counts[-1]:
            counts.append(0)
            left = height
        counts[-1] += 1
        left -= points
    return counts


def _headings(shifts: Sequence[Shift]) -> dict[str, str]:
    """Return what stands above the column of each shift: when it begins, or its name
    where two begin alike.
    """
    starts = [shift.start for shift in shifts]
    alike = len(set(starts)) < len(starts)
    return {
        shift.id: plain(term(shift.name), SHIFT_LETTERS) if alike else start
        for shift, start in zip(shifts, starts, strict=True)
    }


def _notes(roster: Roster, days: Sequence[date], shifts: Sequence[Shift]) -> tuple[str, ...]:
    heads = _headings(shifts)
    named = "; ".join(
        f"{heads[shift.id]} {plain(term(shift.name), MOST_LETTERS)}" for shift in shifts
    )
    first, last = days[0], days[-1]
    working = {one.crew.id for one in roster.assignments if first <= one.day <= last}
    idle = len(roster.duties.crews) - len(working)
    zone = roster.duties.zone.key
    clocks = (
        [_("Starts of shifts are {zone}.").format(zone=zone_name(zone))]
        if set(roster.duties.zone_names()) != {zone}
        else []
    )
    return (
        _(
            "Shifts: {shifts}. Numbers are those of crews; -2 means that two people are missing."
        ).format(shifts=named),
        *clocks,
        *(
            [
                _("Without duty in this week: {crews}.").format(
                    crews=counted("{count} crew", "{count} crews", idle)
                )
            ]
            if idle
            else []
        ),
    )


def _rows(
    roster: Roster, columns: Sequence[tuple[date, Shift]], marks: Mapping[str, str]
) -> list[WeekRow]:
    """Return a row for each post and beat that somebody is wanted at in one of the shifts."""
    there: defaultdict[tuple[str, date, str], list[Assignment]] = defaultdict(list)
    lacking: dict[tuple[str, date, str], int] = {}
    first, last = columns[0][0], columns[-1][0]
    wanted: dict[str, str] = {}
    for duty in roster.duties.duties:
        wanted.setdefault(duty.option, duty.title if not duty.mark else term(duty.name))
    used = set()
    for one in roster.assignments:
        there[one.duty.option, one.day, one.shift.id].append(one)
        used |= {one.duty.option} if first <= one.day <= last else set()
    for gap in roster.gaps:
        key = gap.duty.option, gap.day, gap.shift.id
        lacking[key] = lacking.get(key, 0) + gap.missing
        used |= {gap.duty.option} if first <= gap.day <= last else set()
    rows = []
    for option, name in wanted.items():
        if option not in used:
            continue
        places = [(option, day, shift.id) for day, shift in columns]
        stems = {_stem(one.crew) for place in places for one in there[place]}
        stem = stems.pop() if len(stems) == 1 else ""
        cells = tuple(
            _cell([one.crew for one in there[place]], stem, lacking.get(place, 0))
            for place in places
        )
        rows.append(
            WeekRow(marks[option], plain(f"{stem}: {name}" if stem else name, MOST_LETTERS), cells)
        )
    return sorted(
        rows,
        key=lambda row: (
            int(row.mark) if row.mark.isdecimal() else math.inf,
            len(row.mark),
            row.mark,
        ),
    )


def _stem(crew: Crew) -> str:
    """Return the words before the number that a crew's name ends with; empty without one."""
    stem, _space, end = crew_name(crew).rpartition(" ")
    return stem if end.isdecimal() else ""


def _cell(crews: Sequence[Crew], stem: str, missing: int) -> str:
    """Return who is there: the numbers of crews of one stem, or their names, and how
    many people are missing.
    """
    lack = [f"-{missing}"] if missing else []
    if stem:
        ends = sorted((crew_name(crew).rpartition(" ")[2] for crew in crews), key=int)
        return " ".join([*ends, *lack])
    return "; ".join([*shortened([crew_name(crew) for crew in crews]), *lack])


def shortened(labels: Sequence[str]) -> Iterable[str]:
    """Return names that begin with the same words as one entry, such as `laredo 1, 7, 12`."""
    stem = labels[0].rpartition(" ")[0] + " " if len(labels) > 1 else ""
    if not all(label.startswith(stem) and label[len(stem) :].isdecimal() for label in labels):
        return labels
    return [stem + ", ".join(label[len(stem) :] for label in labels)]


def _lines(text: str, width: float) -> int:
    """Return how many lines a text takes, words broken where they are wider than the column."""
    lines, used = 1, 0.0
    for word in text.split(" "):
        across = len(word) * LETTER
        begun = used + SPACE if used else 0.0
        if begun + across <= width:
            used = begun + across
            continue
        lines += 1 if used else 0
        broken = math.ceil(across / (width // LETTER * LETTER)) - 1
        lines, used = lines + broken, across - broken * (width // LETTER) * LETTER
    return lines
