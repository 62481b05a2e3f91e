"""Parser of one source's rows: column by column, every fault collected, every row that is not used given its reason."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import FileProblems, InputError
from optimizer.base.language import marked
from optimizer.base.said import said, said_count
from optimizer.base.table_dialect import blanked, missing_remark
from optimizer.records.period import parse_period
from optimizer.records.record_file import read_record_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.tables import TextTable
    from optimizer.records.period import Period
    from optimizer.records.sources import EffortSource, SeizureSource


@dataclass(frozen=True, slots=True)
class Unused:
    """A row that was read and not used.

    Attributes
    ----------
    file
        As the scenario names it.
    row
        Line of the CSV file on which the row begins (the header is line 1) or feature of the GeoJSON file (the first is 1).
    reason
        Why; rows left out for the same reason have the same text here.
    detail
        What stood there, or how far off it was.
    """

    file: str
    row: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DaySpans:
    """The days that each of k rows stands for.

    Attributes
    ----------
    start, end
        (k,) datetime64[D]: first day, and the day after the last.
    """

    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]

    def text(self, position: int) -> str:
        """Return one row's first and last day."""
        last = self.end[position] - np.timedelta64(1, "D")
        return str(self.start[position]) if last == self.start[position] else f"{self.start[position]} to {last}"


@dataclass
class RecordParser:
    """The rows of one source while they are parsed.

    Attributes
    ----------
    source
        What the scenario says of the file.
    path
        Where the file is.
    table
        Its text.
    used
        (k,) rows that are used, as far as is known.
    problems
        Faults so far.
    unused
        RecordParser left out so far.
    warnings
        What the user should know about rows that are used.
    """

    source: SeizureSource | EffortSource
    path: Path
    table: TextTable
    used: NDArray[np.bool_]
    problems: FileProblems
    unused: list[Unused] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

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
        text = self.table.text[name][position]
        if not remedy and not any(mark.isdigit() for mark in text):
            remedy = "If the word means that the value is missing, name it in missing"
        self.problems.add(self.table.number[position], repr(text), expected, remedy, column=column)

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
                self.leave_out(position, said("no {field}", field=name))
            elif not text:
                values[position] = empty
            else:
                try:
                    values[position] = read(text)
                except ValueError:
                    self.fault(position, name, expected)
        return values

    def days(self) -> DaySpans:
        """Return the days of each row; NaT where it is not used."""
        first = np.full(self.used.size, "NaT", dtype="datetime64[D]")
        after = first.copy()
        if self.source.period is not None:
            whole_file = parse_period(self.source.period)
            first[:], after[:] = np.datetime64(whole_file.start), np.datetime64(whole_file.end)
            return DaySpans(first, after)
        names = ("time",) if self.has("time") else ("start", "end")
        for position in np.flatnonzero(self.used).tolist():
            spans = [span for name in names if (span := self._span(position, name)) is not None]
            if len(spans) == len(names):
                first[position], after[position] = spans[0].start, spans[-1].end
                if first[position] >= after[position]:
                    self.fault(position, "end", "a day not before the first", "Swap them")
        return DaySpans(first, after)

    def _span(self, position: int, name: str) -> Period | None:
        text = self.table.text[name][position]
        if not text:
            self.leave_out(position, marked("no time"))
            return None
        try:
            return parse_period(text, self.source.date_format)
        except InputError as error:
            self.fault(position, name, error.problems[0].expected, error.problems[0].remedy)
            return None


def open_records(source: SeizureSource | EffortSource, folder: Path) -> RecordParser:
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
    remarks: list[str] = []
    return open_table(source, path, read_record_file(path, source, remarks), remarks)


def open_table(
    source: SeizureSource | EffortSource, path: Path, table: TextTable, remarks: Sequence[str] = ()
) -> RecordParser:
    """Return the parser of a table that is read, with `where` and `duplicates` applied.

    Parameters
    ----------
    source
        What it holds.
    path
        What messages call it.
    table
        Its text, by field.
    remarks
        What the user should know of it so far.
    """
    words: Counter[str] = Counter()
    table = _without_missing_words(table, source.missing, words)
    remarks = (
        [*remarks, said("{file}: {remark}", file=source.file.as_posix(), remark=missing_remark(words))]
        if words
        else remarks
    )
    rows = RecordParser(
        source, path, table, np.ones(len(table), dtype=bool), FileProblems(path, table.unit), warnings=list(remarks)
    )
    for column, allowed in source.where.items():
        for position, text in enumerate(table.text[f"column:{column}"]):
            if text not in allowed:
                rows.leave_out(position, said("left out by where: {column}", column=column), text)
    _repeated(rows)
    return rows


def _without_missing_words(table: TextTable, words: Sequence[str], found: Counter[str]) -> TextTable:
    """Return a table with empty cells where a word says that a value is missing, but not in what `where` chooses by; `found` counts them."""
    text = {
        name: column if name.startswith("column:") else blanked(column, words, found)
        for name, column in table.text.items()
    }
    return replace(table, text=text)


def _repeated(rows: RecordParser) -> None:
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
            rows.leave_out(position, marked("repeats an earlier row"))
    elif repeats:
        shown = ", ".join(str(rows.table.number[position]) for position in repeats[:5])
        more = ", ..." if len(repeats) > 5 else ""
        rows.warnings.append(
            said(
                '{file}: {rows} ({numbers}); counted all the same. If they are copies, state duplicates = "drop".',
                file=rows.label,
                rows=said_count(
                    "{count} row repeats an earlier row in every column that is read",
                    "{count} rows repeat an earlier row in every column that is read",
                    len(repeats),
                ),
                numbers=f"{rows.table.unit}{'s' * (len(repeats) > 1)} {shown}{more}",
            )
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
