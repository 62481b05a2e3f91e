"""Spreadsheets (.xlsx, .xls, .ods) as the text of a CSV file, through python-calamine, which the extra `sheets` installs.

One sheet is read: the first one that is not hidden and has cells. Cells have their stored values: a formula is its last result, a date is ISO
text, a number has all its digits. What cells look like (formats, colours, hidden rows) is not read.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1 << 29
"""Bytes that the parts of a workbook may have unpacked: a small archive can hold what no memory does."""


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
        Names of the other such sheets, which are not read.
    """

    text: str
    name: str
    others: tuple[str, ...]


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
    _check_size(path, content)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        shown = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        sheets = {name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in shown}
    except CalamineError as error:
        expected = "one that is whole and opens without a password"
        raise InputError(Problem(str(path), f"{kind} ({error})", expected, "Save the sheet as CSV UTF-8")) from None
    filled = [name for name, rows in sheets.items() if any(cell != "" for row in rows for cell in row)]
    if not filled:
        raise InputError(
            Problem(str(path), "a workbook without a filled cell in a sheet that is shown", "a sheet with a header row")
        )
    first = filled[0]
    return Sheet(_as_csv(sheets[first]), first, tuple(filled[1:]))


def _check_size(path: Path, content: bytes) -> None:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return  # .xls is no archive: it is as large as its file
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > LARGEST:
        found = f"a workbook of {unpacked / 1e6:,.0f} MB unpacked"
        raise InputError(Problem(str(path), found, f"at most {LARGEST / 1e6:,.0f} MB", "Save the sheet as CSV UTF-8"))


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
