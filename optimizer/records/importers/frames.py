"""CSV files as pandas frames of text that remember file and line, and their columns as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.base.errors import SHOWN, InputError, Problem
from optimizer.base.tables import WantedColumns, read_csv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optimizer.base.errors import ProblemList

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
    remarks: list[str] | None = None,
) -> pd.DataFrame:
    """Read some columns of a CSV file as stripped text.

    Parameters
    ----------
    path, what, remarks
        As in `optimizer.base.tables.read_csv`.
    required, optional
        Columns that must, and that may, be there. Only these are kept: other cells are dropped while their line is read.
    numeric
        Those that hold numbers.

    Returns
    -------
    The columns that are there, and `FILE` and `LINE`, which say where each row begins. Empty lines are no rows.

    Raises
    ------
    InputError
        As `read_csv` does, and if there is no row. No message repeats a cell or the header, for it might be about a person.
    """
    wanted = WantedColumns(tuple(required), tuple(optional), numeric=tuple(numeric))
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
        found = [f"{column} {text!r}" for text in ordered[column].head(SHOWN)]
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
        f"{kind} from {least:g} to {most:g}",
        "Write it with digits and a point, without separators of thousands",
    )
    return values.where(right)
