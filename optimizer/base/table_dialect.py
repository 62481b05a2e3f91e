"""How a text table is written: what separates its cells, and whether its numbers have a decimal comma. What is not clear stays as it is."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from optimizer.base.said import said, said_count

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Iterable, Mapping, Sequence

SEPARATORS = {",": said("commas"), ";": said("semicolons"), "\t": said("tabs"), "|": said("vertical bars")}
POINT_ALIASES = {
    "lon": ("lon", "lng", "long", "longitude"),
    "lat": ("lat", "latitude"),
}
"""Names of columns that can mean nothing else than longitude and latitude; x and y may be metres of a projected system."""
MISSING = ("NA", "N/A", "#N/A", "NULL", "-")
"""Words by which statistics programs, spreadsheets, databases and people mark a missing value."""
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+")


def separator_of(text: str, wanted: Collection[str]) -> str:
    """Return what separates the cells of a table: under which its first line holds most of the wanted names, a comma where several do.

    Where it holds none of them under any, it is what alone splits the line.
    """
    line = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    cells = {mark: _cells(line, mark) for mark in SEPARATORS}
    known = {mark: len(set(found) & set(wanted)) for mark, found in cells.items()}
    most = max(known.values())
    if most:
        return next(mark for mark in SEPARATORS if known[mark] == most)
    splitting = [mark for mark, found in cells.items() if len(found) > 1]
    return splitting[0] if len(splitting) == 1 else ","


def _cells(line: str, mark: str) -> list[str]:
    try:
        return [cell.strip().casefold() for cell in next(csv.reader([line], delimiter=mark), [])]
    except csv.Error:
        return []


def renamed(header: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return column of the header -> wanted name, for wanted names that are not there and one other column that can mean nothing else.

    Parameters
    ----------
    header
        The names in the file.
    aliases
        Wanted name -> names, in small letters, that mean the same.
    """
    result = {}
    for name, others in aliases.items():
        meant = [column for column in header if column.casefold() in others]
        if name not in header and len(meant) == 1:
            result[meant[0]] = name
    return result


def blanked(column: Sequence[str], words: Collection[str], found: Counter[str]) -> list[str]:
    """Return a column with empty cells in place of words that mean a missing value, whatever their case; `found` counts each spelling."""
    meant = {word.casefold() for word in words}
    missing = [bool(cell) and cell.casefold() in meant for cell in column]
    found.update(cell for cell, is_missing in zip(column, missing, strict=True) if is_missing)
    return ["" if is_missing else cell for cell, is_missing in zip(column, missing, strict=True)]


def missing_remark(found: Counter[str]) -> str:
    """Return a sentence on the cells that were read as missing values."""
    return said(
        "{cells} read as missing values ({words}); state other words under missing.",
        cells=said_count("{count} cell", "{count} cells", found.total()),
        words=", ".join(sorted(found)),
    )


def has_decimal_comma(columns: Iterable[Sequence[str]]) -> bool:
    """Return whether the numbers of some columns have a decimal comma: one that cannot separate thousands, and no number with a point."""
    clear = False
    for column in columns:
        for cell in column:
            if DECIMAL_POINT.fullmatch(cell):
                return False
            clear = clear or (DECIMAL_COMMA.fullmatch(cell) is not None and THOUSANDS.fullmatch(cell) is None)
    return clear


def with_point(cell: str) -> str:
    """Return a number with a decimal comma with a point; other text as it is."""
    return cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell
