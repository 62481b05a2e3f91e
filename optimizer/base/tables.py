"""CSV tables as text: the columns that are wanted, each row with the line it begins on. Other columns are never kept."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import FileProblems, InputError, Problem
from optimizer.base.files import existing_file
from optimizer.base.names import close_match

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class WantedColumns:
    """Columns of a table that are read.

    Attributes
    ----------
    required, optional
        Names of columns that must, and that may, be there.
    prefix
        Beginning of the names of further columns to read ("uses:"); empty for none.
    remedy
        What to do about a missing column that resembles no other.
    show_header
        Whether a message may list the names in the header; not where the first row might hold personal data.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    prefix: str = ""
    remedy: str = "Check that it is the right file"
    show_header: bool = False

    def among(self, header: Sequence[str]) -> list[str]:
        """Return the wanted columns that a header has, the further ones last."""
        further = [name for name in header if self.prefix and name.startswith(self.prefix)]
        return [name for name in dict.fromkeys([*self.required, *self.optional, *further]) if name in header]


@dataclass(frozen=True, slots=True)
class TextTable:
    """The wanted columns of a file, as text without blanks at either end.

    Attributes
    ----------
    unit
        What `number` counts: "line" of a CSV file or "feature" of a GeoJSON file.
    number
        (k,) the line on which each row begins (the header is line 1), or the feature it is (the first is 1).
    text
        Column -> (k,) texts; optional columns that the file does not have are absent.
    """

    unit: str
    number: list[int]
    text: dict[str, list[str]]

    def __len__(self) -> int:
        """Return the number of rows k."""
        return len(self.number)


def read_csv(
    path: Path, what: str, wanted: WantedColumns, *, problems: FileProblems | None = None, typed_by_hand: bool = False
) -> TextTable:
    """Read some columns of a CSV file.

    Parameters
    ----------
    path
        CSV file: comma, UTF-8, a header row.
    what
        What it is, for the messages.
    wanted
        The columns to read.
    problems
        Collector for rows of a wrong length, which the caller raises; None raises them here.
    typed_by_hand
        Whether people write the file: cells at the end of a row may then be missing, rows of empty cells are skipped, and a
        column whose name resembles a wanted one, or occurs twice, is refused as a slip.

    Raises
    ------
    InputError
        If the file is missing, empty or of another kind (`csv_text`), is no CSV, lacks a column, or has a column twice. No message repeats
        a cell below the header.
    """
    reader = csv.reader(io.StringIO(csv_text(path, what), newline=""), strict=True)
    collected = FileProblems(path) if problems is None else problems
    numbers: list[int] = []
    rows: list[list[str]] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header, wanted, every=typed_by_hand)
        columns = wanted.among(header)
        positions = [header.index(name) for name in columns]
        begin = reader.line_num + 1
        for row in reader:
            line, begin = begin, reader.line_num + 1
            if not row:
                continue
            if len(row) > len(header) or (len(row) < len(header) and not typed_by_hand):
                collected.add(line, f"{len(row)} cells", f"{len(header)}, one a column", "Quote cells that hold commas")
            elif not typed_by_hand or any(cell.strip() for cell in row):
                numbers.append(line)
                rows.append([row[position].strip() if position < len(row) else "" for position in positions])
    except csv.Error as error:
        expected = "comma-separated cells, with quotes that are closed"
        where = f"{path}, line {reader.line_num}"
        raise InputError(Problem(where, str(error), expected, "Correct the file there")) from None
    if problems is None:
        collected.raise_if_any()
    return TextTable("line", numbers, {name: [row[at] for row in rows] for at, name in enumerate(columns)})


def check_columns(where: str, header: Sequence[str], wanted: WantedColumns) -> None:
    """Check that the required columns are there, and each wanted one only once.

    Raises
    ------
    InputError
        With every column that is missing or there more than once.
    """
    problems = _column_problems(where, header, wanted)
    if problems:
        raise InputError(*problems)


def csv_text(path: Path, what: str) -> str:
    """Return the text of a CSV file; a file of another kind gets a message that says what it is.

    Raises
    ------
    InputError
        If the file is missing, empty, a ZIP archive or spreadsheet, a web page, not UTF-8, or holds NUL characters.
    """
    try:
        content = existing_file(path, what).read_bytes()
    except OSError as error:
        raise InputError(Problem(str(path), error.strerror or str(error), what)) from None
    if not content.strip():
        raise InputError(Problem(str(path), "an empty file", what, "Check that the file is complete"))
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


def _check_header(path: Path, header: Sequence[str], wanted: WantedColumns, *, every: bool) -> None:
    """Refuse a header; with `every`, also for columns that are not wanted."""
    if not header:
        raise InputError(Problem(f"{path}, line 1", "nothing", "a header row that names the columns"))
    where = f"{path}, line 1"
    problems = _column_problems(where, header, wanted, every=every)
    if every:
        further = wanted.among(header)
        known = [*wanted.required, *wanted.optional, *([wanted.prefix] if wanted.prefix else [])]
        for name in dict.fromkeys(header):
            before, colon, _ = name.partition(":")
            near = "" if name in known or name in further else close_match(before + colon, known)
            if near:
                problems.append(
                    Problem(where, f"column {name!r}", "a column that is known, or a name unlike any", near)
                )
    if problems:
        raise InputError(*problems)


def _column_problems(where: str, header: Sequence[str], wanted: WantedColumns, *, every: bool = False) -> list[Problem]:
    problems = []
    names = wanted.among(header)
    semicolons = len(header) == 1 and ";" in header[0]
    shown = f" among {', '.join(repr(name) for name in header[:12])}" if wanted.show_header else ""
    for name in dict.fromkeys(wanted.required):
        if name not in header:
            near = close_match(name, [column for column in header if column not in names])
            remedy = "Separate the columns by commas" if semicolons else near or wanted.remedy
            problems.append(Problem(where, f"no column {name!r}{shown}", "a header row with this column", remedy))
    for name in dict.fromkeys(header) if every else names:
        if name and header.count(name) > 1:
            found = f"column {name!r} {header.count(name)} times"
            problems.append(Problem(where, found, "each column once", "Rename or remove one of them"))
    return problems
