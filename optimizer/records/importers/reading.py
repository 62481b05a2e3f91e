"""Tables as text, by a whitelist of columns: what is not on the list is dropped while the line is read."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import existing_file
from optimizer.base.names import close_match
from optimizer.records.importers.faults import FILE, LINE, Faults

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def read_columns(path: Path, what: str, required: Sequence[str], optional: Sequence[str] = ()) -> pd.DataFrame:
    """Read some columns of a CSV file as stripped text.

    Parameters
    ----------
    path
        CSV file: comma, UTF-8, a header row.
    what
        What it is, for the messages.
    required, optional
        Columns that must, and that may, be there. Only these are kept: other cells are dropped while their line is read.

    Returns
    -------
    The columns that are there, and `FILE` and `LINE`, which say where each row begins. Empty lines are no rows.

    Raises
    ------
    InputError
        If the file is missing, empty, not UTF-8, a web page or a spreadsheet, lacks a column or a row, or has rows of another length
        than its header. No message repeats a cell, for it might be about a person.
    """
    reader = csv.reader(io.StringIO(_text(path, what), newline=""), strict=True)
    faults = Faults()
    try:
        header = [name.strip() for name in next(reader, [])]
        columns = _columns(path, header, required, optional, faults)
        positions = [header.index(name) for name in columns]
        rows: list[list[str]] = []
        lines: list[int] = []
        begin = reader.line_num + 1
        for row in reader:
            if len(row) == len(header):
                rows.append([row[position].strip() for position in positions])
                lines.append(begin)
            elif row:
                remedy = "Quote cells that hold commas"
                faults.add(str(path), begin, f"{len(row)} cells", f"{len(header)}, one a column", remedy)
            begin = reader.line_num + 1
    except csv.Error as error:
        where = f"{path}, line {reader.line_num}"
        raise InputError(Problem(where, str(error), "comma-separated cells", "Mend the file there")) from None
    faults.raise_if_any()
    if not rows:
        raise InputError(Problem(str(path), "a header and no row", what, "Check that the download was complete"))
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    frame[FILE] = str(path)
    frame[LINE] = np.array(lines, dtype=np.int64)
    return frame


def numbers(
    frame: pd.DataFrame,
    column: str,
    faults: Faults,
    *,
    least: float = 0.0,
    most: float = 1e15,
    whole: bool = False,
) -> pd.Series[float]:
    """Return a column as numbers, NaN where it is empty; what is no number in [least, most] goes to `faults`."""
    text = frame[column]
    plain = text.str.fullmatch(NUMBER)
    values = pd.to_numeric(text.where(plain), errors="coerce").astype(float)
    right = values.between(least, most)
    if whole:
        right &= values == np.floor(values)
    kind = "a whole number" if whole else "a number"
    faults.add_rows(
        frame[(text != "") & ~right],
        column,
        f"{kind} from {least:g} to {most:g}",
        "Write it with digits and a point, without separators of thousands",
    )
    return values.where(right)


def _columns(
    path: Path, header: Sequence[str], required: Sequence[str], optional: Sequence[str], faults: Faults
) -> list[str]:
    """Return the wanted columns that exist."""
    wanted = list(dict.fromkeys([*required, *optional]))
    semicolons = len(header) == 1 and ";" in header[0]
    for name in dict.fromkeys(required):
        if name not in header:
            near = close_match(name, [column for column in header if column not in wanted])
            hint = "Separate the columns by commas" if semicolons else near or "Check that it is the right file"
            faults.add(str(path), 1, f"no column {name!r}", "a header row with this column", hint)
    for name in wanted:
        if header.count(name) > 1:
            faults.add(str(path), 1, f"column {name!r} {header.count(name)} times", "each column once")
    faults.raise_if_any()
    return [name for name in wanted if name in header]


def _text(path: Path, what: str) -> str:
    try:
        content = existing_file(path, what).read_bytes()
    except OSError as error:
        raise InputError(Problem(str(path), error.strerror or str(error), what)) from None
    if not content.strip():
        raise InputError(Problem(str(path), "an empty file", what, "Download it again"))
    for magic, found in (
        (b"PK\x03\x04", "a ZIP archive or a spreadsheet"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ):
        if content.startswith(magic):
            raise InputError(Problem(str(path), found, f"{what} as CSV in UTF-8", "Unpack it, or save it as CSV UTF-8"))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f"{path}, line {line}"
        raise InputError(Problem(where, "bytes that are not UTF-8", f"{what} in UTF-8", "Save it as UTF-8")) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(Problem(f"{path}, line {line}", "a NUL character", f"{what} as CSV", "Save it as CSV UTF-8"))
    if text.lstrip().startswith("<"):
        remedy = "Download the file itself; the server may have answered with an error page"
        raise InputError(Problem(str(path), "a web page", f"{what} as CSV", remedy))
    return text
