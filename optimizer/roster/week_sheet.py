"""A week of all posts and crews on one sheet of paper: posts and beats down, days and shifts across, numbers of crews in the cells.

What fits is computed from the width of letters, with room to spare, so that a sheet is one of A4 and of Letter, landscape. A week that does
not fit is split into the least number of sheets for its rows in their order, and each sheet says so.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from optimizer.base.formatting import number, plain
from optimizer.base.language import counted, short_date
from optimizer.base.language import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from optimizer.roster.model import Assignment, Crew, Roster, Shift

LETTER, SPACE = 4.46, 2.3
"""Points across of a digit or letter of 7 points, and of a space, in the widest of the page's fonts (DejaVu Sans)."""
LINE = 8.0
"""Points from line to line."""
WIDTH, HEIGHT = 745.0, 482.0
"""Points of the table's body, on Letter across and on A4 down: margins of 0.8 cm, title, two sentences and headings are taken off."""
NAME = 82.0
"""Points of the column with the names of posts."""
NARROWEST = 31.5
"""Points of the narrowest column of a shift: two numbers of three digits beside each other, and its edges."""
EDGES = 2.4
"""Points of a cell that are not for text, across and down."""
NAME_LINES = 2
"""Lines that the name of a post may take where its crews take less."""
SHIFT_LETTERS, MOST_LETTERS = 6, 60
"""Letters of a shift's name above its column, and of any other name."""


@dataclass(frozen=True, slots=True)
class WeekRow:
    """A post or beat: its mark, its name with what its crews are called, and who is there in each shift."""

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
    """A sheet of paper.

    Attributes
    ----------
    id, title
        On the page, and for people.
    notes
        Sentences above the table.
    days
        Each day with the number of its columns.
    shifts
        Heading of each column.
    rows
        Posts and beats.
    """

    id: str
    title: str
    notes: tuple[str, ...]
    days: tuple[tuple[str, int], ...]
    shifts: tuple[str, ...]
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
        split = _("{rows} in {shifts} do not fit on one sheet of paper: this is sheet {sheet} of {sheets}.")
        count = {
            "rows": counted("{count} post or beat", "{count} posts and beats", len(rows)),
            "shifts": counted("{count} shift", "{count} shifts", len(columns)),
            "sheets": number(len(tables)),
        }
        said = [(split.format(sheet=number(n), **count), *notes) for n in range(1, len(tables) + 1)]
    else:
        said = [notes]
    name = _("{week}, all posts and crews").format(week=title)
    return [
        replace(table, id=f"week-{k + 1}-all" + (f"-{n}" if n > 1 else ""), title=name, notes=sentences)
        for n, (table, sentences) in enumerate(zip(tables, said, strict=True), start=1)
    ]


def _table(shifts: Sequence[Shift], columns: Sequence[tuple[date, Shift]], rows: tuple[WeekRow, ...]) -> WeekTable:
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
    """Return the rows sheet by sheet: as many on each as fit, which makes the least number of sheets."""
    parts: list[list[WeekRow]] = [[]]
    left = HEIGHT
    for row in rows:
        down = row.points(width)
        if down > left and parts[-1]:
            parts.append([])
            left = HEIGHT
        parts[-1].append(row)
        left -= down
    return [tuple(part) for part in parts]


def _headings(shifts: Sequence[Shift]) -> dict[str, str]:
    """Return what stands above the column of each shift: when it begins, or its name where two begin alike."""
    starts = [f"{shift.start:%H:%M}" for shift in shifts]
    alike = len(set(starts)) < len(starts)
    return {
        shift.id: plain(shift.label, SHIFT_LETTERS) if alike else start
        for shift, start in zip(shifts, starts, strict=True)
    }


def _notes(roster: Roster, days: Sequence[date], shifts: Sequence[Shift]) -> tuple[str, ...]:
    heads = _headings(shifts)
    named = "; ".join(f"{heads[shift.id]} {plain(shift.label, MOST_LETTERS)}" for shift in shifts)
    first, last = days[0], days[-1]
    working = {one.crew.id for one in roster.assignments if first <= one.day <= last}
    idle = len(roster.duties.crews) - len(working)
    return (
        _("Shifts: {shifts}. Numbers are those of crews; -2 means that two people are missing.").format(shifts=named),
        *(
            [_("Without duty in this week: {crews}.").format(crews=counted("{count} crew", "{count} crews", idle))]
            if idle
            else []
        ),
    )


def _rows(roster: Roster, columns: Sequence[tuple[date, Shift]], marks: Mapping[str, str]) -> list[WeekRow]:
    """Return a row for each post and beat that somebody is wanted at in one of the shifts."""
    there: defaultdict[tuple[str, date, str], list[Assignment]] = defaultdict(list)
    lacking: dict[tuple[str, date, str], int] = {}
    first, last = columns[0][0], columns[-1][0]
    wanted: dict[str, str] = {}
    for duty in roster.duties.duties:
        wanted.setdefault(duty.option, duty.title if not duty.mark else duty.name)
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
        cells = tuple(_cell([one.crew for one in there[place]], stem, lacking.get(place, 0)) for place in places)
        rows.append(WeekRow(marks[option], plain(f"{stem}: {name}" if stem else name, MOST_LETTERS), cells))
    return sorted(rows, key=lambda row: (int(row.mark) if row.mark.isdecimal() else math.inf, len(row.mark), row.mark))


def _stem(crew: Crew) -> str:
    """Return the words before the number that a crew's name ends with; empty without one."""
    stem, _space, end = crew.label.rpartition(" ")
    return stem if end.isdecimal() else ""


def _cell(crews: Sequence[Crew], stem: str, missing: int) -> str:
    """Return who is there: the numbers of crews of one stem, or their names, and how many people are missing."""
    lack = [f"-{missing}"] if missing else []
    if stem:
        ends = sorted((crew.label.rpartition(" ")[2] for crew in crews), key=int)
        return " ".join([*ends, *lack])
    return "; ".join([*shortened([crew.label for crew in crews]), *lack])


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
