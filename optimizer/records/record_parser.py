"""One source's rows on their way in: parsed column by column, each fault collected, each unused row given its reason."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, ProblemList
from optimizer.records.period import parse_period
from optimizer.records.record_table import Table, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.records.sources import EffortSource, SeizureSource

SHOWN = 20
"""Faults of one column that are told one by one; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Unused:
    """A row that was read and not used.

    Attributes
    ----------
    file
        As the scenario names it.
    row
        Row of the CSV (the header is row 1) or feature of the GeoJSON (the first is 1).
    reason
        Why; rows left out for the same reason share the same words.
    detail
        What stood there, or how far off it was.
    """

    file: str
    row: int
    reason: str
    detail: str = ""


@dataclass
class Rows:
    """The rows of one source.

    Attributes
    ----------
    source
        What the scenario says of the file.
    path
        Where the file is.
    table
        Its text.
    used
        (k,) rows that nothing speaks against so far.
    problems
        Faults so far.
    unused
        Rows left out so far.
    warnings
        What the user should know about rows that are used.
    """

    source: SeizureSource | EffortSource
    path: Path
    table: Table
    used: NDArray[np.bool_]
    problems: ProblemList = field(default_factory=ProblemList)
    unused: list[Unused] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _faults: Counter[str] = field(default_factory=Counter)

    @property
    def label(self) -> str:
        """The file as the scenario names it."""
        return self.source.file.as_posix()

    def has(self, name: str) -> bool:
        """Whether the file has the column."""
        return name in self.table.text

    def leave_out(self, position: int, reason: str, detail: str = "") -> None:
        """Leave one row out, unless it already is."""
        if self.used[position]:
            self.used[position] = False
            self.unused.append(Unused(self.label, self.table.number[position], reason, detail))

    def fault(self, position: int, name: str, expected: str, remedy: str = "") -> None:
        """Note that a field cannot be understood; the file will be refused."""
        column = getattr(self.source.columns, name) or self.source.columns.usual_name(name)
        self._faults[column] += 1
        if self._faults[column] <= SHOWN:
            where = f"{self.path}, row {self.table.number[position]}, column {column!r}"
            self.problems.add(where, repr(self.table.text[name][position]), expected, remedy)

    def raise_if_any(self) -> None:
        """Raise `InputError` if the file has any fault; faults beyond the first 20 of a column are counted, not told."""
        for column, count in self._faults.items():
            if count > SHOWN:
                self.problems.add(f"{self.path}, column {column!r}", f"{count - SHOWN} more rows like these", "none")
        self.problems.raise_if_any()

    def numbers(
        self, name: str, read: Callable[[str], float], expected: str, *, empty: float | None = None
    ) -> NDArray[np.float64]:
        """Return (k,) numbers of one column, NaN for rows that are not used.

        `read` raises ValueError at what it cannot take. An empty field gives `empty`, or leaves the row out where that is None.
        """
        values = np.full(self.used.size, np.nan)
        for position in np.flatnonzero(self.used).tolist():
            text = self.table.text[name][position]
            if not text and empty is None:
                self.leave_out(position, f"no {name}")
            elif not text:
                values[position] = empty
            else:
                try:
                    values[position] = read(text)
                except ValueError:
                    self.fault(position, name, expected)
        return values

    def days(self) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
        """Return first day and day after the last of each row, two (k,) arrays of datetime64[D]; NaT where not used."""
        first = np.full(self.used.size, "NaT", dtype="datetime64[D]")
        after = first.copy()
        if self.source.period is not None:
            span = parse_period(self.source.period)
            first[:], after[:] = np.datetime64(span.start), np.datetime64(span.end)
            return first, after
        names = ("time",) if self.has("time") else ("start", "end")
        for position in np.flatnonzero(self.used).tolist():
            spans = [days for name in names if (days := self._span(position, name)) is not None]
            if len(spans) == len(names):
                first[position], after[position] = spans[0][0], spans[-1][1]
                if first[position] >= after[position]:
                    self.fault(position, "end", "a day not before the first", "Swap them")
        return first, after

    def _span(self, position: int, name: str) -> tuple[np.datetime64, np.datetime64] | None:
        text = self.table.text[name][position]
        if not text:
            self.leave_out(position, "no time")
            return None
        try:
            span = parse_period(text, self.source.date_format)
        except InputError as error:
            self.fault(position, name, error.problems[0].expected, error.problems[0].remedy)
            return None
        return np.datetime64(span.start), np.datetime64(span.end)


def open_rows(source: SeizureSource | EffortSource, folder: Path) -> Rows:
    """Read a source's file and apply `where` and `duplicates`.

    Parameters
    ----------
    source
        What the scenario says of the file.
    folder
        Folder that `source.file` is relative to.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    """
    path = folder / source.file
    columns = source.columns
    named = {field: getattr(columns, field) for field in type(columns).model_fields}
    usual = {field: columns.usual_name(field) for field in named}
    table = read_table(path, named, usual, source.where)
    _complain_of_missing(path, source, table)
    rows = Rows(source, path, table, np.ones(len(table.number), dtype=bool))
    for column, allowed in source.where.items():
        for position, text in enumerate(table.text[f"column:{column}"]):
            if text not in allowed:
                rows.leave_out(position, f"left out by where: {column}", text)
    _repeated(rows)
    return rows


def _complain_of_missing(path: Path, source: SeizureSource | EffortSource, table: Table) -> None:
    problems = ProblemList()
    has = table.text.keys()
    remedy = "Name the column under columns"
    if source.period is None and "time" not in has and not {"start", "end"} <= has:
        problems.add(f"{path}, columns", "no time", "a column of times", remedy + ", or state the period of all rows")
    if not ({"segment"} & has or {"area"} & has or {"lon", "lat"} <= has):
        problems.add(f"{path}, columns", "no place", "lon and lat, or segment, or area", remedy)
    if getattr(source, "amount_per_row", 1) is None and "amount" not in has:
        problems.add(f"{path}, columns", "no amount", "a column of amounts", remedy + ", or state amount_per_row")
    if not table.number:
        problems.add(str(path), "no row", "at least one record")
    problems.raise_if_any()


def _repeated(rows: Rows) -> None:
    """Warn of rows whose every column that is read equals an earlier row's, or leave them out."""
    seen: set[tuple[str, ...]] = set()
    repeats: list[int] = []
    for position, texts in enumerate(zip(*rows.table.text.values(), strict=True)):
        if rows.used[position]:
            if texts in seen:
                repeats.append(position)
            seen.add(texts)
    if rows.source.duplicates == "drop":
        for position in repeats:
            rows.leave_out(position, "repeats an earlier row")
    elif repeats:
        shown = ", ".join(str(rows.table.number[position]) for position in repeats[:5])
        more = ", ..." if len(repeats) > 5 else ""
        rows.warnings.append(
            f"{rows.label}: {len(repeats)} rows repeat an earlier row in every column that is read (rows {shown}{more}); "
            'they are counted. If they are copies, state duplicates = "drop".'
        )


def amount(text: str) -> float:
    """Return a finite number >= 0 written plainly; ValueError for anything else."""
    value = plain_number(text)
    if value < 0:
        raise ValueError("negative")
    return value


def whole(text: str) -> float:
    """Return a whole number >= 0; ValueError for anything else."""
    value = amount(text)
    if value != math.floor(value):
        raise ValueError("not whole")
    return value


def plain_number(text: str) -> float:
    """Return a finite number written with digits, a point and perhaps an exponent; ValueError for anything else."""
    value = float(text)
    if not math.isfinite(value) or "_" in text:
        raise ValueError("not a plain number")
    return value
