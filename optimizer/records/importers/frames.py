"""What importers share: CSV files as pandas frames of text that remember file and line,
and the folder that an import writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.base.errors import PROBLEMS_SHOWN, InputError, Problem, ProblemList
from optimizer.base.files.readwrite import write_json
from optimizer.base.files.tables import MAYBE_THOUSANDS, WantedColumns, read_csv
from optimizer.base.text.formatting import FORMULA, number
from optimizer.records.period import FORMS, Period, parse_period

if TYPE_CHECKING:
    from optimizer.base.files.output_folder import OutputFolder


NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"

FILE, LINE = "file of the row", "line of the row"
"""Columns of a frame that say where each row comes from."""


def read_columns(
    path: Path,
    what: str,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    numeric: Sequence[str] = (),
    degrees: Sequence[str] = (),
    remarks: list[str] | None = None,
) -> pd.DataFrame:
    """Read some columns of a CSV file as stripped text.

    Parameters
    ----------
    path, what, remarks
        As in `optimizer.base.files.tables.read_csv`.
    required, optional
        Columns that must, and that may, be there. Only these are kept: other cells are
        dropped while their line is read.
    numeric
        Those that hold numbers.
    degrees
        Those that hold longitudes and latitudes.

    Returns
    -------
    The columns that are there, and `FILE` and `LINE`, which say where each row begins. Empty lines are no rows.

    Raises
    ------
    InputError
        As `read_csv` does, and if there is no row. No message repeats a cell or the
        header, for it might be about a person.
    """
    wanted = WantedColumns(
        tuple(required), tuple(optional), numeric=tuple(numeric), degrees=tuple(degrees)
    )
    table = read_csv(path, what, wanted, remarks=remarks)
    if not len(table):
        raise InputError(
            Problem(str(path), "a header and no row", what, "Check that the download was complete")
        )
    frame = pd.DataFrame(table.text, dtype=object)
    frame[FILE] = str(path)
    frame[LINE] = np.array(table.number, dtype=np.int64)
    return frame


def add_rows(
    problems: ProblemList, rows: pd.DataFrame, column: str, expected: str, remedy: str = ""
) -> None:
    """Note one problem for each of `rows`: what stands in `column` is not what was expected."""
    for file, own in rows.groupby(FILE, sort=False):
        ordered = own.sort_values(LINE, kind="stable")
        found = [f"{column} {text!r}" for text in ordered[column].head(PROBLEMS_SHOWN)]
        problems.of_file(str(file)).add_each(
            ordered[LINE].to_numpy(), found.__getitem__, expected, remedy
        )


def numbers(
    frame: pd.DataFrame,
    column: str,
    problems: ProblemList,
    *,
    least: float = 0.0,
    most: float = 1e15,
    whole: bool = False,
) -> pd.Series[float]:
    """Return a column as numbers, NaN where it is empty; what is no number in [least,
    most] goes to `problems`.
    """
    text = frame[column]
    plain = text.str.fullmatch(NUMBER)
    values = pd.to_numeric(text.where(plain), errors="coerce").astype(float)
    right = values.between(least, most)
    if whole:
        right &= (values == np.floor(values)) & ~text.str.fullmatch(MAYBE_THOUSANDS)
    kind = "a whole number" if whole else "a number"
    add_rows(
        problems,
        frame[(text != "") & ~right],
        column,
        f"{kind} from {number(least, 6)} to {number(most, 6)}",
        "Write it with digits and a point, without separators of thousands",
    )
    return values.where(right)


EARLIEST = 1900
"""Year before which a date is taken for a slip; pandas cannot hold all of them."""


def spans(
    frame: pd.DataFrame, column: str, problems: ProblemList, date_format: str = "auto"
) -> pd.DataFrame:
    """Return first day and day after the last of each row, columns `start` and `end`;
    NaT where the text is empty or a fault.

    Parameters
    ----------
    frame
        Rows as text, with `FILE` and `LINE`.
    column
        The column of times.
    problems
        Collects the texts that are no time.
    date_format
        As in `optimizer.records.period.parse_period`.
    """
    known = {
        text: span
        for text in frame[column].unique()
        if text and (span := _span(text, date_format)) is not None
    }
    expected = FORMS if date_format in {"auto", "fiscal-year"} else f"a time written {date_format}"
    add_rows(
        problems, frame[(frame[column] != "") & ~frame[column].isin(list(known))], column, expected
    )
    return pd.DataFrame(
        {
            "start": pd.to_datetime(
                frame[column].map({text: span.start for text, span in known.items()})
            ),
            "end": pd.to_datetime(
                frame[column].map({text: span.end for text, span in known.items()})
            ),
        }
    )


def span_text(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """Write a span as scenarios read it: a day, a month, or first/last."""
    last = end - timedelta(days=1)
    if last == start:
        return start.strftime("%Y-%m-%d")
    if start.day != 1 or end.day != 1:
        return f"{start:%Y-%m-%d}/{last:%Y-%m-%d}"
    if (start.year, start.month) == (last.year, last.month):
        return start.strftime("%Y-%m")
    return f"{start:%Y-%m}/{last:%Y-%m}"


def _span(text: str, date_format: str) -> Period | None:
    try:
        span = parse_period(text, date_format)
    except InputError:
        return None
    return span if span.start.year >= EARLIEST else None


# The folder an import writes: tables that are safe to open, the lines a scenario needs,
# and what became of every row.

TABLES = ("seizures.csv", "effort.csv", "searches.csv", "traffic.csv", "unmatched.csv")

SNIPPET, COUNTS = "records.toml", "import.json"

FILES = (*TABLES, SNIPPET, COUNTS)
"""What the folder of an import may hold."""

_NUMBER = re.compile(NUMBER)

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+"
)
"""Characters that steer a terminal or the direction of a line, and line ends."""


@dataclass(frozen=True)
class ScenarioEntries:
    """Entries of a scenario that read what was imported."""

    #: `seizures`, `effort`: Those of `[[records.seizures]]` and `[[records.effort]]`.
    seizures: tuple[dict[str, Any], ...] = ()
    effort: tuple[dict[str, Any], ...] = ()
    #: Fields of `[traffic]`.
    traffic: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Imported:
    """What an importer makes of its files."""

    #: Name of a CSV file -> its rows.
    tables: dict[str, pd.DataFrame]
    #: What a scenario needs to read them.
    entries: ScenarioEntries
    #: What became of every row.
    summary: ImportSummary


def safe_text(text: pd.Series[str]) -> pd.Series[str]:
    """Put an apostrophe before text that a spreadsheet would take for a formula; make
    it one line without control and direction characters.

    By Python's own expressions: those of Arrow, which pandas takes for text where it is
    installed, know no single surrogates.
    """
    cells = text.tolist()
    safe = {
        cell: _safe(str(cell)) if isinstance(cell, str) or not pd.isna(cell) else cell
        for cell in dict.fromkeys(cells)
    }
    return pd.Series([safe[cell] for cell in cells], index=text.index, name=text.name, dtype=object)


def _safe(text: str) -> str:
    line = text if text.isprintable() else _UNPRINTABLE.sub(" ", text)
    return f"'{line}" if FORMULA.match(line) and not _NUMBER.fullmatch(line) else line


def write_import(out: OutputFolder, imported: Imported) -> int:
    """Write tables, `records.toml` and `import.json` into a folder, all or none.

    Parameters
    ----------
    out
        The folder; the files of an earlier import in it are replaced, all of them.
    imported
        What to write.

    Returns
    -------
    How many cells of text were changed so that no spreadsheet takes them for a formula.

    Raises
    ------
    InputError
        If the folder cannot be written, or holds what is not of an import of the same
        files.
    """
    changed = 0
    with out.written() as folder:
        for name, table in imported.tables.items():
            safe = table.copy()
            for column in safe.columns[
                [not pd.api.types.is_numeric_dtype(kind) for kind in safe.dtypes]
            ]:
                text = safe[column].astype(object)
                safe[column] = safe_text(text)
                changed += int(((safe[column] != text.map(str)) & text.notna()).sum())
            safe.to_csv(folder / name, index=False, lineterminator="\n", encoding="utf-8")
        (folder / SNIPPET).write_text(_snippet(imported), encoding="utf-8")
        write_json(folder / COUNTS, imported.summary.as_json() | {"cells_made_safe": changed})
    return changed


def _snippet(imported: Imported) -> str:
    lines = ["# For a scenario beside these files; elsewhere, mend the paths."]
    lines += [f"# {' '.join(note.split())}" for note in imported.summary.notes]
    for kind, entries in (
        ("seizures", imported.entries.seizures),
        ("effort", imported.entries.effort),
    ):
        for entry in entries:
            lines += ["", f"[[records.{kind}]]"] + [
                f"{name} = {_toml(value)}" for name, value in entry.items()
            ]
    if imported.entries.traffic:
        lines += ["", "[traffic]"] + [
            f"{name} = {_toml(value)}" for name, value in imported.entries.traffic.items()
        ]
    return "\n".join(lines) + "\n"


def _toml(value: str | float | Mapping[str, Any]) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    return (
        "{ "
        + ", ".join(f"{json.dumps(name)} = {_toml(item)}" for name, item in value.items())
        + " }"
    )


def filters(**value: str) -> dict[str, str]:
    """Return the `where` of a scenario that picks rows by their text as it is written."""
    return {
        name: str(safe_text(pd.Series([text], dtype=object)).iloc[0])
        for name, text in value.items()
    }


@dataclass(frozen=True)
class ImportSummary:
    """Counts of one import; `rows` is `kept` and everything in `dropped`."""

    #: What was imported.
    kind: str
    #: Names of the files, without their folders.
    files: tuple[str, ...]
    #: Rows read.
    rows: int
    #: Reason -> rows left out for it, in the order in which the reasons were asked.
    dropped: dict[str, int]
    #: Rows that stand behind what is written.
    kept: int
    #: Other figures, such as groups, events or written rows.
    counts: dict[str, Any]
    #: What a user of the records must know, one sentence each.
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the counts as one object for JSON."""
        return {
            "kind": self.kind,
            "files": list(self.files),
            "rows": self.rows,
            "dropped": self.dropped,
            "kept": self.kept,
            **self.counts,
            "notes": list(self.notes),
        }


class DropCounts:
    """Counts rows as they are left out, reason by reason."""

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}

    def drop(self, reason: str, rows: float) -> None:
        """Note that rows were left out; none is no reason worth telling."""
        if rows:
            self.dropped[reason] = self.dropped.get(reason, 0) + int(rows)
