"""CSV files as pandas frames of text that remember file and line, and their columns as numbers and as spans of days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.base.errors import PROBLEMS_SHOWN, InputError, Problem
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.base.text.formatting import number
from optimizer.records.period import FORMS, parse_period

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optimizer.base.errors import ProblemList
    from optimizer.records.period import Period

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
        Columns that must, and that may, be there. Only these are kept: other cells are dropped while their line is read.
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
        As `read_csv` does, and if there is no row. No message repeats a cell or the header, for it might be about a person.
    """
    wanted = WantedColumns(tuple(required), tuple(optional), numeric=tuple(numeric), degrees=tuple(degrees))
    table = read_csv(path, what, wanted, remarks=remarks)
    if not len(table):
        raise InputError(Problem(str(path), "a header and no row", what, "Check that the download was complete"))
    frame = pd.DataFrame(table.text, dtype=object)
    frame[FILE] = str(path)
    frame[LINE] = np.array(table.number, dtype=np.int64)
    return frame


def add_rows(problems: ProblemList, rows: pd.DataFrame, column: str, expected: str, remedy: str = "") -> None:
    """Note one problem for each of `rows`: what stands in `column` is not what was expected."""
    for file, own in rows.groupby(FILE, sort=False):
        ordered = own.sort_values(LINE, kind="stable")
        found = [f"{column} {text!r}" for text in ordered[column].head(PROBLEMS_SHOWN)]
        problems.of_file(str(file)).add_each(ordered[LINE].to_numpy(), found.__getitem__, expected, remedy)


def numbers(
    frame: pd.DataFrame,
    column: str,
    problems: ProblemList,
    *,
    least: float = 0.0,
    most: float = 1e15,
    whole: bool = False,
) -> pd.Series[float]:
    """Return a column as numbers, NaN where it is empty; what is no number in [least, most] goes to `problems`."""
    text = frame[column]
    plain = text.str.fullmatch(NUMBER)
    values = pd.to_numeric(text.where(plain), errors="coerce").astype(float)
    right = values.between(least, most)
    if whole:
        right &= values == np.floor(values)
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


def spans(frame: pd.DataFrame, column: str, problems: ProblemList, date_format: str = "auto") -> pd.DataFrame:
    """Return first day and day after the last of each row, columns `start` and `end`; NaT where the text is empty or a fault.

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
    known = {text: span for text in frame[column].unique() if text and (span := _span(text, date_format)) is not None}
    expected = FORMS if date_format in {"auto", "fiscal-year"} else f"a time written {date_format}"
    add_rows(problems, frame[(frame[column] != "") & ~frame[column].isin(list(known))], column, expected)
    return pd.DataFrame(
        {
            "start": pd.to_datetime(frame[column].map({text: span.start for text, span in known.items()})),
            "end": pd.to_datetime(frame[column].map({text: span.end for text, span in known.items()})),
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
