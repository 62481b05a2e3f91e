"""Spreadsheets (.xlsx, .xls, .ods) as the text of a CSV file, through python-calamine, which the extra `sheets` installs.

One sheet is read: the first one that is not hidden and has cells. Cells have their stored values: a formula is its last result, a date is ISO
text, a number has all its digits. A cell with an error (#N/A) or a formula without a stored result is empty. What cells look like (formats,
colours, hidden rows) is not read.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, time
from functools import reduce
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1 << 29
"""Bytes that the parts of a workbook may have unpacked: a small archive can hold what no memory does."""

MOST_CELLS = 1 << 25
"""Cells from the first to the last filled one of a sheet: one stray cell far off makes a sheet that no memory holds."""

CANNOT_UNPACK = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError, OSError)
"""What Python's zipfile raises for damaged archives."""

EXTENT = re.compile(rb'<dimension ref="(?:[A-Z]+\d+:)?([A-Z]+)(\d+)"')

ERRORS = (b' t="e"', b'value-type="error"')
"""How parts of .xlsx and .ods mark a cell with an error, which the reader gives as empty."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook.

    Attributes
    ----------
    text
        CSV with commas; its lines are the rows of the sheet, from the first on.
    name
        The sheet's name.
    others
        Names of the other sheets, which are not read: those with cells, and all that are hidden.
    errors
        Cells of the workbook, in whichever sheet, that hold an error and are read as empty; 0 for .xls, which is not looked through.
    """

    text: str
    name: str
    others: tuple[str, ...]
    errors: int = 0


def sheet_of(path: Path, content: bytes, kind: str) -> Sheet | None:
    """Return the sheet that is read of a workbook, which messages call `kind`; None where the reader of workbooks is not installed.

    Raises
    ------
    InputError
        If the workbook is damaged, locked by a password, too large unpacked, or has no sheet with cells.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum
    except ImportError:
        return None
    damaged = Problem(str(path), kind, "one that is whole and opens without a password", "Save the sheet as CSV UTF-8")
    try:
        errors = _checked(path, content)
    except CANNOT_UNPACK as error:
        raise InputError(replace(damaged, found=f"{kind} ({error})")) from None
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        every = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        shown = [sheet.name for sheet in every if sheet.visible == SheetVisibleEnum.Visible]
        sheets = {name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in shown}
    except CalamineError as error:
        raise InputError(replace(damaged, found=f"{kind} ({error})")) from None
    filled = [name for name, rows in sheets.items() if any(cell != "" for row in rows for cell in row)]
    if not filled:
        raise InputError(
            Problem(str(path), "a workbook without a filled cell in a sheet that is shown", "a sheet with a header row")
        )
    first = filled[0]
    unread = (sheet.name for sheet in every if sheet.name not in shown or sheet.name in filled[1:])
    return Sheet(_as_csv(sheets[first]), first, tuple(unread), errors)


def _checked(path: Path, content: bytes) -> int:
    """Refuse a workbook that would not fit into memory; return how many cells hold errors."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return 0  # .xls is no archive: it is as large as its file
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > LARGEST:
            found = f"a workbook of {unpacked / 1e6:,.0f} MB unpacked"
            expected = f"at most {LARGEST / 1e6:,.0f} MB"
            raise InputError(Problem(str(path), found, expected, "Save the sheet as CSV UTF-8"))
        parts = [name for name in archive.namelist() if name == "content.xml" or name.startswith("xl/worksheets/sheet")]
        errors = 0
        for name in parts:
            part = archive.read(name)
            errors += sum(part.count(mark) for mark in ERRORS)
            if extent := EXTENT.search(part, 0, 4096):
                column = reduce(lambda far, letter: 26 * far + letter - 64, extent[1], 0)
                _check_extent(path, column, int(extent[2]))
    return errors


def _check_extent(path: Path, columns: int, rows: int) -> None:
    if columns * rows > MOST_CELLS:
        found = f"a sheet whose last filled cell is in row {rows:,} and column {columns:,}"
        expected = f"at most {MOST_CELLS:,} cells up to there"
        raise InputError(
            Problem(str(path), found, expected, "Delete empty rows and columns, or save the sheet as CSV UTF-8")
        )


def _as_csv(rows: list[list[Any]]) -> str:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    for row in rows:
        cells = [_as_text(cell) for cell in row]
        if any(cells):
            writer.writerow(cells)
        else:
            written.write("\n")  # an empty row keeps its line, so that messages name the rows of the sheet
    return written.getvalue()


def _as_text(cell: object) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="minutes" if not cell.second else "seconds")
    return " ".join(str(cell).splitlines())
