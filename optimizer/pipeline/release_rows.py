"""Which rows of a record an agency may see, and totals of those that it may not see, in steps of a least number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, ProblemList
from optimizer.records.marking import Marking, markings_of, strictest
from optimizer.records.period import parse_period
from optimizer.records.record_parser import RecordParser, open_records
from optimizer.records.sources import EffortSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from optimizer.records.sources import SeizureSource

MARKS = ("owner", "tlp", "released_to")
KEPT = {"time", "start", "end", "lon", "lat", "amount"}
"""Fields that are written even where they are empty."""
CELL = 1.0
"""Degrees of the cells in which rows with a point are counted."""


@dataclass(frozen=True)
class ReleasedTable:
    """The rows of a file that an agency may see.

    Attributes
    ----------
    source
        What the scenario says of the file.
    columns
        Field -> text of each row; owner and marking are the last two.
    withheld
        Rows that it may not see.
    """

    source: SeizureSource | EffortSource
    columns: dict[str, list[str]]
    withheld: int

    @property
    def kind(self) -> str:
        """What the rows are: seizures or effort."""
        return "effort" if isinstance(self.source, EffortSource) else "seizures"

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns["tlp"])

    @property
    def tlp(self) -> str:
        """The strictest marking of the rows."""
        return strictest(self.columns["tlp"])

    @property
    def owners(self) -> list[str]:
        """Whose rows they are."""
        return sorted(set(self.columns["owner"]))


@dataclass(frozen=True, order=True)
class Aggregate:
    """A total of rows that are withheld.

    Attributes
    ----------
    place
        Name of the area, or the cell of the point.
    year
        Calendar year in which the rows begin.
    at_least
        A multiple of the least number: so many rows, and fewer than that number more.
    """

    place: str
    year: int
    at_least: int


@dataclass(frozen=True)
class ReleasedRows:
    """What of a record an agency may see.

    Attributes
    ----------
    tables
        The files, without those of which it may see nothing.
    aggregates
        Totals of seizures that it may not see.
    withheld
        Rows that it may not see.
    agencies
        Every agency that the record names.
    """

    tables: tuple[ReleasedTable, ...]
    aggregates: tuple[Aggregate, ...]
    withheld: int
    agencies: frozenset[str]


def released_rows(
    sources: Sequence[SeizureSource | EffortSource], folder: Path, agency: str, minimum: int
) -> ReleasedRows:
    """Return the rows that an agency may see, and totals of the seizures that it may not see.

    A total counts the rows marked amber of one area (or cell of one degree) and year, in steps of `minimum`: a count below it is left out, and
    one from it to twice it is given as `minimum`. There are no sums over areas or years, so that nothing can be found by subtraction.

    Parameters
    ----------
    sources
        The files of seizures and of effort.
    folder
        Folder that their paths are relative to.
    agency
        Who is to see it.
    minimum
        The least number, >= 2.

    Raises
    ------
    InputError
        With every row that has no owner or no marking that is known, and every file that cannot be read.
    """
    problems = ProblemList()
    read: list[tuple[RecordParser, list[Marking | None]]] = []
    for source in sources:
        with problems.collected():
            rows = open_records(source, folder)
            read.append((rows, markings_of(rows, problems)))
    problems.raise_if_any()
    tables = [_table(rows, marks, agency) for rows, marks in read]
    hidden = (
        (rows, place)
        for rows, marks in read
        if not isinstance(rows.source, EffortSource)
        for place, mark in enumerate(marks)
        if mark is not None and mark.counted and not mark.seen_by(agency)
    )
    known = {
        name for _, marks in read for mark in marks if mark is not None for name in (mark.owner, *mark.released_to)
    }
    return ReleasedRows(
        tuple(table for table in tables if len(table)),
        tuple(_aggregates(hidden, minimum)),
        sum(table.withheld for table in tables),
        frozenset(known),
    )


def _table(rows: RecordParser, marks: Sequence[Marking | None], agency: str) -> ReleasedTable:
    seen = [place for place, mark in enumerate(marks) if mark is not None and mark.seen_by(agency)]
    fields = [name for name in rows.table.text if name not in MARKS and not name.startswith("column:")]
    columns = {name: [rows.table.text[name][place] for place in seen] for name in fields}
    columns = {name: texts for name, texts in columns.items() if name in KEPT or any(texts)}
    chosen = [mark for place in seen if (mark := marks[place]) is not None]
    columns |= {"owner": [mark.owner for mark in chosen], "tlp": [mark.tlp for mark in chosen]}
    used = int(np.count_nonzero(rows.used))
    return ReleasedTable(rows.source, columns, used - len(seen))


def _aggregates(hidden: Iterable[tuple[RecordParser, int]], minimum: int) -> list[Aggregate]:
    count: Counter[tuple[str, int]] = Counter()
    for rows, place in hidden:
        where, year = _place_of(rows, place), _year_of(rows, place)
        if where and year:
            count[where, year] += 1
    return sorted(
        Aggregate(where, year, number // minimum * minimum)
        for (where, year), number in count.items()
        if number >= minimum
    )


def _place_of(rows: RecordParser, place: int) -> str:
    """Return where a row is counted; empty where it has neither area nor point."""
    text = rows.table.text
    if area := text.get("area", [""] * (place + 1))[place]:
        return area
    try:
        lon, lat = (float(text[name][place]) for name in ("lon", "lat"))
    except (KeyError, ValueError):
        return ""
    west, south = np.floor(lon / CELL) * CELL, np.floor(lat / CELL) * CELL
    return f"cell {west:g} to {west + CELL:g}, {south:g} to {south + CELL:g}"


def _year_of(rows: RecordParser, place: int) -> int:
    """Return the year in which a row begins; 0 where it is not known."""
    text = rows.table.text
    column = text.get("time") or text.get("start")
    written = rows.source.period or (column[place] if column else "")
    try:
        return parse_period(written, "auto" if rows.source.period else rows.source.date_format).start.year
    except InputError:
        return 0
