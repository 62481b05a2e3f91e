"""CSV tables as text: the columns that are wanted, each row with the line it begins on.
Other columns are never kept.

Commas, semicolons, tabs and vertical bars separate cells, numbers may have a decimal
comma, coordinates may be degrees, minutes and seconds, titles may stand above the
header, text may be UTF-16 with its mark, and the file a workbook, where that is clear
and the caller passes it on; what is not clear is refused, and the message names what
was seen.

Of a workbook (.xlsx, .xls, .ods; python-calamine, which the extra `sheets` installs)
one sheet is read: the first one that is not hidden and has cells. Cells have their
stored values: a formula is its last result, a date is ISO text, a number has all its
digits. A cell with an error (#N/A) or a formula without a stored result is empty. What
cells look like (formats, colours, hidden rows) is not read.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from optimizer.base.errors import FileProblems, InputError, Problem
from optimizer.base.files.readwrite import (
    SPREADSHEETS,
    binary_kind,
    not_utf8,
    read_bytes,
    text_kind,
)
from optimizer.base.text.messages import counted_message, listed, message
from optimizer.base.text.names import close_match


@dataclass(frozen=True, slots=True)
class WantedColumns:
    """Columns of a table that are read."""

    #: `required`, `optional`: Names of columns that must, and that may, be there.
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    #: Beginning of the names of further columns to read ("uses:"); empty for none.
    prefix: str = ""
    #: What to do about a missing column that resembles no other.
    remedy: str = "Check that it is the right file"
    #: Whether a message may list the names in the header; not where the first row might
    #: hold personal data.
    show_header: bool = False
    #: Name -> names, in small letters, under which the column is read where it is
    #: missing and one of them alone is there.
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Names of columns of numbers, which may have a decimal comma; the further columns
    #: hold numbers too.
    numeric: tuple[str, ...] = ()
    #: Names of columns of longitudes and latitudes, which may be degrees, minutes and
    #: seconds.
    degrees: tuple[str, ...] = ("lon", "lat")

    def among(self, header: Sequence[str]) -> list[str]:
        """Return the wanted columns that a header has, the further ones last."""
        further = [name for name in header if self.prefix and name.startswith(self.prefix)]
        return [
            name
            for name in dict.fromkeys([*self.required, *self.optional, *further])
            if name in header
        ]

    def spellings(self) -> set[str]:
        """Return every name under which a wanted column may be found, in small letters."""
        others = (name for names in self.aliases.values() for name in names)
        return {name.casefold() for name in (*self.required, *self.optional, *others)}


@dataclass(frozen=True, slots=True)
class TextTable:
    """The wanted columns of a file, as text without blanks at either end."""

    #: What `number` counts: "line" of a CSV file or "feature" of a GeoJSON file.
    unit: str
    #: (k,) the line on which each row begins (the header is line 1), or the feature it
    #: is (the first is 1).
    number: list[int]
    #: Column -> (k,) texts; optional columns that the file does not have are absent.
    text: dict[str, list[str]]
    #: Names of the columns that were not read, where a message may show them.
    unread: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows k."""
        return len(self.number)


def read_csv(
    path: Path,
    what: str,
    wanted: WantedColumns,
    *,
    problems: FileProblems | None = None,
    typed_by_hand: bool = False,
    remarks: list[str] | None = None,
) -> TextTable:
    """Read some columns of a CSV file.

    Parameters
    ----------
    path
        CSV file with a header row.
    what
        What it is, for the messages.
    wanted
        The columns to read.
    problems
        Collector for rows of a wrong length, which the caller raises; None raises them
        here.
    typed_by_hand
        Whether people write the file: cells at the end of a row may then be missing,
        rows of empty cells are skipped, and a column whose name resembles a wanted one,
        or occurs twice, is refused as a slip.
    remarks
        Receives a sentence on how the file was read where it is not comma-separated
        UTF-8 with decimal points and the wanted names; with None such a file is
        refused, for nobody would be told.

    Raises
    ------
    InputError
        If the file is missing, empty or of another kind (`csv_text`), is no CSV, lacks
        a column, or has a column twice. No message repeats a cell below the header.
    """
    decoded = csv_text(path, what)
    above = lines_above_header(decoded.text, wanted)
    separator = separator_of(_without_lines(decoded.text, above), wanted.spellings())
    reader = csv.reader(_lines(decoded.text), strict=True, delimiter=separator)
    collected = FileProblems(path) if problems is None else problems
    dialect = _layout(decoded, above, separator)
    numbers: list[int] = []
    rows: list[list[str]] = []
    try:
        while reader.line_num < above:
            next(reader)
        where = ", ".join(filter(None, (str(path), decoded.encoding, f"line {above + 1}")))
        header = [name.strip() for name in next(reader, [])]
        meant = renamed(header, wanted.aliases)
        dialect += [
            message("the column {column!r} for {name!r}", column=column, name=name)
            for column, name in meant.items()
        ]
        header = [meant.get(name, name) for name in header]
        _check_header(where, header, wanted, every=typed_by_hand)
        columns = wanted.among(header)
        positions = [header.index(name) for name in columns]
        begin = reader.line_num + 1
        for row in reader:
            # A row begins at `line`; `line_num` is where it ends, which is lines later
            # where a quoted cell holds line ends.
            line, begin = begin, reader.line_num + 1
            if not row:
                continue
            # What people type may lack cells at the end of a row, and have rows of bare
            # separators, as spreadsheets leave them.
            if len(row) > len(header) or (len(row) < len(header) and not typed_by_hand):
                quote = f"Quote cells that hold {SEPARATORS[separator]}"
                collected.add(line, f"{len(row)} cells", f"{len(header)}, one a column", quote)
            elif not typed_by_hand or any(cell.strip() for cell in row):
                numbers.append(line)
                rows.append(
                    [row[position].strip() if position < len(row) else "" for position in positions]
                )
    except csv.Error as error:
        expected = f"cells separated by {SEPARATORS[separator]}, with quotes that are closed"
        where = f"{path}, line {reader.line_num}"
        raise InputError(Problem(where, str(error), expected, "Correct the file there")) from None
    if problems is None:
        collected.raise_if_any()
    text = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
    further = [name for name in columns if name not in {*wanted.required, *wanted.optional}]
    dialect += _decimal_degrees(text, wanted.degrees)
    dialect += _points_for_commas(text, [*wanted.numeric, *further])
    if dialect:
        _pass_on(path, dialect, remarks)
    doubted = [
        name for name in (*wanted.numeric, *further) if name in text and name not in wanted.degrees
    ]
    _tell_doubtful_points(path, numbers, {name: text[name] for name in doubted}, remarks)
    unread = [name for name in header if name and name not in columns] if wanted.show_header else []
    return TextTable("line", numbers, text, tuple(unread))


def _layout(decoded: DecodedText, above: int, separator: str) -> list[str]:
    """Return what to say of encoding, lines above the header and separator."""
    said = [decoded.encoding] if decoded.encoding else []
    if above:
        said.append(message("its header on line {line}", line=above + 1))
    if separator != ",":
        said.append(message("{marks} between cells", marks=SEPARATORS[separator]))
    return said


def lines_above_header(text: str, wanted: WantedColumns) -> int:
    """Return how many lines of titles and notes stand above the header: 0 unless a
    later line alone names every required column.

    Where none is required it is the line that alone names two wanted ones. Files that
    people keep, and exports of offices, have a title, a date or a note above their
    table.
    """
    lines = list(islice(_lines(text), MOST_ABOVE))
    needed = [{name.casefold(), *wanted.aliases.get(name, ())} for name in wanted.required]
    known = wanted.spellings()

    def is_header(names: set[str]) -> bool:
        return all(each & names for each in needed) if needed else len(names & known) > 1

    complete = [
        at
        for at, line in enumerate(lines)
        if any(is_header(set(_cells(line, mark))) for mark in SEPARATORS)
    ]
    if len(complete) != 1 or any(line.count('"') % 2 for line in lines[: complete[0]]):
        return 0
    first = next((line for line in lines if line.strip()), "")
    named = {name for mark in SEPARATORS for name in _cells(first, mark)} & known
    return 0 if named and lines.index(first) != complete[0] else complete[0]


def _lines(text: str) -> io.StringIO:
    """Return what gives the lines of a text as `csv.reader` counts them: a form feed in
    a title ends none.
    """
    return io.StringIO(text, newline="")


def _without_lines(text: str, count: int) -> str:
    if not count:
        return text
    lines = _lines(text)
    for _ in range(count):
        lines.readline()
    return lines.read()


def _decimal_degrees(text: dict[str, list[str]], columns: Sequence[str]) -> list[str]:
    """Put decimal degrees in place of degrees, minutes and seconds; return what to say
    of it.

    A column is changed as a whole, as a cell that cannot be read so is for its reader
    to refuse.
    """
    changed = {}
    for name in columns:
        cells = text.get(name, [])
        if any(SEXAGESIMAL.fullmatch(cell) for cell in cells):
            changed[name] = [decimal_degrees(cell) or cell for cell in cells]
    text |= changed
    return [message("degrees, minutes and seconds")] if changed else []


def decimal_degrees(cell: str) -> str:
    r"""Return a coordinate in degrees, minutes and seconds as decimal degrees; empty
    where it is none.

    >>> decimal_degrees("98° 14' 30.5\" W")
    '-98.2418056'
    >>> decimal_degrees("N 26 12.5")
    '26.2083333'
    """
    found = SEXAGESIMAL.fullmatch(cell)
    if (
        found is None
        or (found["before"] and found["after"])
        or (found["sign"] and (found["before"] or found["after"]))
    ):
        return ""
    parts = [
        float((found[part] or "0").replace(",", ".")) for part in ("degrees", "minutes", "seconds")
    ]
    if max(parts[1:]) >= 60:
        return ""
    is_negative = found["sign"] in {"-", "\u2212"} or (
        found["before"] or found["after"] or ""
    ).upper() in {"S", "W"}
    size = parts[0] + parts[1] / 60 + parts[2] / 3600
    return f"{-size if is_negative else size:.7f}".rstrip("0").rstrip(".")


def _points_for_commas(text: dict[str, list[str]], numeric: Sequence[str]) -> list[str]:
    """Put decimal points into columns of numbers that have decimal commas; return what
    to say of it.
    """
    names = [name for name in numeric if name in text]
    if not has_decimal_comma(text[name] for name in names):
        return []
    text |= {name: [with_point(cell) for cell in text[name]] for name in names}
    return [message("decimal commas")]


def _pass_on(path: Path, dialect: Sequence[str], remarks: list[str] | None) -> None:
    """Say how a file was read, or refuse it where nobody would be told."""
    if remarks is None:
        expected = (
            "commas between cells, UTF-8, decimal points and the documented names of the columns"
        )
        remedy = "Separate the columns by commas and save the file as CSV UTF-8"
        raise InputError(Problem(str(path), " and ".join(dialect), expected, remedy))
    remarks.append(message("{file}: read with {dialect}.", file=path.name, dialect=listed(dialect)))


def _tell_doubtful_points(
    path: Path,
    lines: Sequence[int],
    columns: Mapping[str, Sequence[str]],
    remarks: list[str] | None,
) -> None:
    """Say which points of numbers are read as decimal points and may stand between
    thousands, or refuse them where nobody would be told.
    """
    for name, cells in columns.items():
        doubtful = doubtful_points(cells)
        if not doubtful:
            continue
        at = doubtful[0]
        cell = MAYBE_THOUSANDS.match(cells[at])
        found = cells[at] if cell is None else cell[1]
        where = f"{path.name}, line {lines[at]}, column {name!r}"
        if remarks is None:
            expected = "a number whose point can be read in one way"
            remedy = (
                f"Write {found.replace('.', '')} if the point stands between thousands, else"
                f" {found}0"
            )
            raise InputError(Problem(where, found, expected, remedy))
        remarks.append(
            message(
                "{where}: {found} is read as {small}; {cells} of the column may have a point"
                " between thousands. If so, write {large}; if not, write {clear}.",
                where=where,
                found=found,
                small=f"{float(found):.10g}",
                cells=counted_message("{count} number", "{count} numbers", len(doubtful)),
                large=found.replace(".", ""),
                clear=f"{found}0",
            )
        )


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


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The text of a file, and its encoding, as people are told of it, where that is not UTF-8."""

    text: str
    encoding: str = ""


def csv_text(path: Path, what: str) -> DecodedText:
    """Return the text of a CSV file, or of a sheet of a workbook; a file of another
    kind gets a message that says what it is.

    Bytes that are not UTF-8 are read as Windows-1252, which Excel writes, where nothing
    else can be meant (`_western_text`).

    Raises
    ------
    InputError
        If the file is missing, empty, of another kind (an archive, a web page, JSON, a
        workbook that cannot be opened), in none of these encodings, or holds NUL
        characters.
    """
    content = read_bytes(path, what)
    if not content.strip():
        raise InputError(
            Problem(str(path), "an empty file", what, "Check that the file is complete")
        )
    if (kind := binary_kind(content)) is not None:
        remedy = kind.remedy
        if kind in SPREADSHEETS:
            if (sheet := sheet_of(path, content, kind.name)) is not None:
                return DecodedText(sheet.text, _sheet_said(sheet))
            remedy += ", or install what reads workbooks: pip install 'border-interdiction[sheets]'"
        raise InputError(Problem(str(path), kind.name, f"{what} as CSV in UTF-8", remedy))
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        if not wide and (western := _western_text(content)) is not None:
            letters = "".join(sorted({letter for letter in western if not letter.isascii()}))
            return DecodedText(
                western, message("Windows-1252 as its encoding ({letters})", letters=letters)
            )
        line = content.count(b"\n", 0, error.start) + 1
        found = "bytes that are not UTF-16, after its mark" if wide else not_utf8(error)
        remedy = "Save it as CSV UTF-8"
        raise InputError(
            Problem(f"{path}, line {line}", found, f"{what} in UTF-8", remedy)
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(
            Problem(
                f"{path}, line {line}", "a NUL character", f"{what} as CSV", "Save it as CSV UTF-8"
            )
        )
    if mark := MERGE_MARK.search(text):
        line = text.count("\n", 0, mark.start()) + 1
        raise InputError(
            Problem(
                f"{path}, line {line}",
                f"a mark of a merge of two versions ({mark[0].strip()[:20]})",
                f"{what} as CSV",
                "Keep the rows of one version, and remove the marks",
            )
        )
    start = text.lstrip()[:1]
    if start and start in "<{[" and (other := text_kind(text)) is not None:
        raise InputError(
            Problem(str(path), other.name, f"{what} as CSV", other.remedy or "Save it as CSV UTF-8")
        )
    return DecodedText(text, "UTF-16" if wide else "")


MERGE_MARK = re.compile(r"^(<{7} .*|={7}\r?$|>{7} .*)", re.MULTILINE)
"""What version control leaves in a file where two versions of it differ."""


def _sheet_said(sheet: Sheet) -> str:
    said = message("the sheet {name!r} of a workbook", name=sheet.name)
    others = counted_message(
        "{count} other sheet was not read", "{count} other sheets were not read", len(sheet.others)
    )
    errors = counted_message(
        "{count} cell of the workbook holds an error such as #N/A, and is empty here",
        "{count} cells of the workbook hold errors such as #N/A, and are empty here",
        sheet.errors,
    )
    more = [text for text, there in ((others, sheet.others), (errors, sheet.errors)) if there]
    return f"{said} ({'; '.join(more)})" if more else said


LETTERS = "áéíóúàèìòùâêîôûäëïöüãõñçßÁÉÍÓÚÀÈÌÒÙÂÊÎÔÛÄËÏÖÜÃÕÑÇ"
"""Letters of Spanish, Portuguese, French, German and Italian; other languages of
Windows-1252 share too many codes with other encodings.
"""

SIGNS = "¿¡ºª°€«»"
"""Signs of these languages that stand at the end of a word; in the middle of one they
are letters of MS-DOS or of the Mac.
"""

MOST_FOREIGN = 1 / 2
"""Largest share of letters beyond ASCII among all letters of the words that have one:
more is another alphabet.
"""


def _western_text(content: bytes) -> str | None:
    """Return bytes as Windows-1252 where nothing else can be meant; None where another
    encoding may be.

    Every letter beyond ASCII is one of `LETTERS`, no three of them stand together, and
    they are few in their words: Cyrillic and Greek words consist of such codes. `SIGNS`
    stand beside letters on one side at most. Codes 128 to 159, in which MS-DOS and the
    Mac have their letters, do not occur but for the euro sign.
    """
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return None
    beyond = {letter for letter in text if not letter.isascii()}
    if not beyond <= {*LETTERS, *SIGNS}:
        return None
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    foreign, letters = (
        sum(letter in LETTERS for word in words for letter in word),
        sum(map(len, words)),
    )
    several = re.search(f"[{LETTERS}]{{3}}", text)
    inside = re.search(f"[^\\W\\d_][{SIGNS}][^\\W\\d_]", text)
    return None if several or inside or foreign > MOST_FOREIGN * letters else text


def csv_header(path: Path, what: str, known: Collection[str]) -> list[str]:
    """Return the names of the columns of a CSV file, casefolded, whatever separates
    them.

    Parameters
    ----------
    path, what
        As in `read_csv`.
    known
        Names by which a header is found below titles.

    Raises
    ------
    InputError
        As `csv_text`.
    """
    text = csv_text(path, what).text
    header = _without_lines(
        text, lines_above_header(text, WantedColumns((), tuple(known)))
    ).partition("\n")[0]
    return [name.strip().strip('"') for name in re.split(r"[,;\t|]", header.strip().casefold())]


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The head of a table, to look at: names of its columns, its first rows, and how it
    was read.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()


def first_rows(path: Path, what: str, known: Collection[str], most: int = 5) -> FirstRows:
    """Return the head of a CSV file or a sheet of a workbook; parameters as of
    `csv_header`, and `most` rows.

    Raises
    ------
    InputError
        As `csv_text`, and if a row cannot be read.
    """
    decoded = csv_text(path, what)
    above = lines_above_header(decoded.text, WantedColumns((), tuple(known)))
    text = _without_lines(decoded.text, above)
    separator = separator_of(text, {name.casefold() for name in known})
    reader = csv.reader(_lines(text), delimiter=separator)
    try:
        rows = [
            tuple(cell.strip() for cell in row) for row in islice(filter(any, reader), most + 1)
        ]
    except csv.Error as error:
        line = above + reader.line_num
        raise InputError(
            Problem(f"{path}, line {line}", str(error), f"{what} as CSV", "Save it as CSV UTF-8")
        ) from None
    return FirstRows(
        rows[0] if rows else (), tuple(rows[1:]), tuple(_layout(decoded, above, separator))
    )


def _check_header(where: str, header: Sequence[str], wanted: WantedColumns, *, every: bool) -> None:
    """Refuse a header; with `every`, also for columns that are not wanted."""
    if not header:
        raise InputError(Problem(where, "nothing", "a header row that names the columns"))
    problems = _column_problems(where, header, wanted, every=every)
    if every:
        further = wanted.among(header)
        known = [*wanted.required, *wanted.optional, *([wanted.prefix] if wanted.prefix else [])]
        for name in dict.fromkeys(header):
            before, colon, _ = name.partition(":")
            near = "" if name in known or name in further else close_match(before + colon, known)
            if near:
                problems.append(
                    Problem(
                        where,
                        f"column {name!r}",
                        "a column that is known, or a name unlike any",
                        near,
                    )
                )
    if problems:
        raise InputError(*problems)


def _column_problems(
    where: str, header: Sequence[str], wanted: WantedColumns, *, every: bool = False
) -> list[Problem]:
    problems = []
    names = wanted.among(header)
    shown = f" among {', '.join(repr(name) for name in header[:12])}" if wanted.show_header else ""
    for name in dict.fromkeys(wanted.required):
        if name not in header:
            near = close_match(name, [column for column in header if column not in names])
            problems.append(
                Problem(
                    where,
                    f"no column {name!r}{shown}",
                    "a header row with this column",
                    near or wanted.remedy,
                )
            )
    for name in dict.fromkeys(header) if every else names:
        if name and header.count(name) > 1:
            found = f"column {name!r} {header.count(name)} times"
            problems.append(
                Problem(where, found, "each column once", "Rename or remove one of them")
            )
    return problems


# How a text table is written: what separates its cells, and whether its numbers have a
# decimal comma. What is not clear stays as it is.
SEPARATORS = {
    ",": message("commas"),
    ";": message("semicolons"),
    "\t": message("tabs"),
    "|": message("vertical bars"),
}

POINT_ALIASES = {
    "lon": ("lon", "lng", "long", "longitude"),
    "lat": ("lat", "latitude"),
}
"""Names of columns that can mean nothing else than longitude and latitude; x and y may
be metres of a projected system.
"""

MISSING = ("NA", "N/A", "#N/A", "NULL", "-")
"""Words by which statistics programs, spreadsheets, databases and people mark a missing value."""

MOST_ABOVE = 30
"""Lines in which a header is looked for."""

SEXAGESIMAL = re.compile(
    r"(?P<sign>[-+\u2212])?(?P<before>[NSEWnsew])?\s*(?P<degrees>\d{1,3})\s*(?:[°º:]\s*|\s)"
    r"(?P<minutes>\d{1,2}(?:[.,]\d+)?)\s*(?:['\u2019\u2032:]\s*|\s|$|(?=[NSEWnsew]))"
    r"(?:(?P<seconds>\d{1,2}(?:[.,]\d+)?)\s*(?:[\"\u201d\u2033]|'')?)?\s*(?P<after>[NSEWnsew])?"
)
"""Degrees and minutes, and perhaps seconds, with a sign or a letter of the compass. O
is not read: it is west in Spanish and east in German.
"""

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")

THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")

MAYBE_THOUSANDS = re.compile(r"([+-]?[1-9]\d{0,2}(?:\.\d{3})+)(?:\s*[^\W\d_]+\.?)?")
"""A number, perhaps with a unit behind it, whose point may stand between thousands."""

DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+")

TELLS_POINTS = re.compile(r"[+-]?(?:\d*\.\d|\d{4})")
"""The beginning of a number that says what a point is, if it is not `MAYBE_THOUSANDS`."""


def separator_of(text: str, wanted: Collection[str]) -> str:
    """Return what separates the cells of a table: under which its first line holds most
    of the wanted names, a comma where several do.

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
    """Return column of the header -> wanted name, for wanted names that are not there
    and one other column that can mean nothing else.

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
    """Return a column with empty cells in place of words that mean a missing value,
    whatever their case; `found` counts each spelling.
    """
    meant = {word.casefold() for word in words}
    missing = [bool(cell) and cell.casefold() in meant for cell in column]
    found.update(cell for cell, is_missing in zip(column, missing, strict=True) if is_missing)
    return ["" if is_missing else cell for cell, is_missing in zip(column, missing, strict=True)]


def missing_remark(found: Counter[str]) -> str:
    """Return a sentence on the cells that were read as missing values."""
    return message(
        "{cells} read as missing values ({words}); state other words under missing.",
        cells=counted_message("{count} cell", "{count} cells", found.total()),
        words=", ".join(sorted(found)),
    )


def has_decimal_comma(columns: Iterable[Sequence[str]]) -> bool:
    """Return whether the numbers of some columns have a decimal comma: one that cannot
    separate thousands, and no number with a point.
    """
    clear = False
    for column in columns:
        for cell in column:
            if DECIMAL_POINT.fullmatch(cell):
                return False
            clear = clear or (
                DECIMAL_COMMA.fullmatch(cell) is not None and THOUSANDS.fullmatch(cell) is None
            )
    return clear


def doubtful_points(cells: Sequence[str]) -> list[int]:
    """Return the positions of cells such as 1.400 that may be 1,400; none where other
    cells of the column tell what a point is.

    A number of four digits without a point says that thousands have no mark, and one
    with a point but not three decimals what points are.

    >>> doubtful_points(["3", "1.400 kg", ""]), doubtful_points(["0.250", "1.400"]), doubtful_points(["1200", "1.400"])
    ([1], [], [])
    """
    found = [position for position, cell in enumerate(cells) if MAYBE_THOUSANDS.fullmatch(cell)]
    others = (cell for cell in cells if MAYBE_THOUSANDS.fullmatch(cell) is None) if found else ()
    return [] if any(TELLS_POINTS.match(cell) for cell in others) else found


def with_point(cell: str) -> str:
    """Return a number with a decimal comma with a point; other text as it is."""
    return cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell


LARGEST = 1 << 29
"""Bytes that the parts of a workbook may have unpacked: a small archive can hold what
no memory does.
"""

MOST_CELLS = 1 << 24
"""Cells from the first to the last filled one of a sheet: one stray cell far off makes
a sheet that no memory holds.
"""

CANNOT_UNPACK = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
)
"""What Python's zipfile raises for damaged archives."""

AT_ONCE = 1 << 20
"""Bytes of a part that are looked through at a time."""

CELL_NAME = re.compile(rb"""\sr\s*=\s*["']\s*([A-Za-z]{0,9})(\d{1,19})""")
"""Name of a cell, or number of a row, of an .xlsx."""

ROW = re.compile(rb"<(?:\w+:)?row(?=[\s/>])([^>]*)")

NAMELESS = re.compile(rb"<(?:\w+:)?c(?=[\s/>])(?![^>]*\sr\s*=)")
"""A cell that goes by its place in its row."""

LONGEST_TAG = 256
"""Bytes that a tag of a row or cell has at most, for what stands between two pieces."""

ERRORS = (b' t="e"', b'value-type="error"')
"""How parts of .xlsx and .ods mark a cell with an error, which the reader gives as empty."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook."""

    #: CSV with commas; its lines are the rows of the sheet, from the first on.
    text: str
    #: The sheet's name.
    name: str
    #: Names of the other sheets, which are not read: those with cells, and all that are
    #: hidden.
    others: tuple[str, ...]
    #: Cells of the workbook, in whichever sheet, that hold an error and are read as
    #: empty; 0 for .xls, which is not looked through.
    errors: int = 0


def sheet_of(path: Path, content: bytes, kind: str) -> Sheet | None:
    """Return the sheet that is read of a workbook, which messages call `kind`; None
    where the reader of workbooks is not installed.

    Raises
    ------
    InputError
        If the workbook is damaged, locked by a password, too large unpacked, or has no
        sheet with cells.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum
    except ImportError:
        return None
    damaged = Problem(
        str(path),
        kind,
        "one that is whole and opens without a password",
        "Save the sheet as CSV UTF-8",
    )
    try:
        errors = _checked(path, content)
    except CANNOT_UNPACK as error:
        raise InputError(replace(damaged, found=f"{kind} ({error})")) from None
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        every = [
            sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet
        ]
        shown = [sheet.name for sheet in every if sheet.visible == SheetVisibleEnum.Visible]
        sheets = {
            name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for name in shown
        }
    except CalamineError as error:
        raise InputError(replace(damaged, found=f"{kind} ({error})")) from None
    filled = [
        name for name, rows in sheets.items() if any(cell != "" for row in rows for cell in row)
    ]
    if not filled:
        raise InputError(
            Problem(
                str(path),
                "a workbook without a filled cell in a sheet that is shown",
                "a sheet with a header row",
                "Show the sheet that holds the table, or save it as CSV UTF-8",
            )
        )
    first = filled[0]
    unread = (sheet.name for sheet in every if sheet.name not in shown or sheet.name in filled[1:])
    return Sheet(_as_csv(sheets[first]), first, tuple(unread), errors)


def _checked(path: Path, content: bytes) -> int:
    """Refuse a workbook that would not fit into memory; return how many cells hold errors.

    Every part is unpacked once, piece by piece: what an archive says of its sizes, and
    a sheet of its extent, may be false.
    """
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return 0  # .xls is no archive: it is as large as its file
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > LARGEST:
            found = f"a workbook of {unpacked / 1e6:,.0f} MB unpacked"
            expected = f"at most {LARGEST / 1e6:,.0f} MB"
            raise InputError(Problem(str(path), found, expected, "Save the sheet as CSV UTF-8"))
        errors = 0
        for part in archive.infolist():
            with archive.open(part) as stream:
                if part.filename == "content.xml":
                    errors += _looked_through_ods(path, stream)
                else:
                    errors += _looked_through(path, stream)
    return errors


def _looked_through(path: Path, stream: IO[bytes]) -> int:
    """Refuse a part of an .xlsx whose last cell lies too far off; return its errors.

    Rows and cells without a name follow those before them.
    """
    rows = columns = nameless_rows = nameless = errors = 0
    before = b""
    while piece := stream.read(AT_ONCE):
        text = before + piece
        errors += sum(text.count(mark) - before.count(mark) for mark in ERRORS)
        for name, number in CELL_NAME.findall(text):
            rows = max(rows, int(number))
            column = reduce(lambda far, letter: 26 * far + letter - 64, name.upper(), 0)
            columns = max(columns, column)
        for found in ROW.finditer(text, len(before)):
            nameless_rows += CELL_NAME.search(found[0]) is None
        if NAMELESS.search(text):
            first, *others = ROW.split(text[len(before) :])[::2]
            nameless += len(NAMELESS.findall(first))
            for row in others:
                columns = max(columns, nameless)
                nameless = len(NAMELESS.findall(row))
        _check_extent(path, max(columns, nameless), rows + nameless_rows)
        before = text[-LONGEST_TAG:]
    return errors


def _looked_through_ods(path: Path, stream: IO[bytes]) -> int:
    """Refuse the content of an .ods whose last filled cell lies too far off; return its
    errors. A cell may stand for many, and a row.
    """
    at = _Position()
    parser = expat.ParserCreate()
    parser.StartElementHandler = at.begun
    parser.EndElementHandler = at.ended
    errors, before = 0, b""
    try:
        while piece := stream.read(AT_ONCE):
            text = before + piece
            errors += sum(text.count(mark) - before.count(mark) for mark in ERRORS)
            parser.Parse(piece)
            _check_extent(path, at.columns, at.rows)
            before = text[-LONGEST_TAG:]
    except expat.ExpatError as error:
        raise ValueError(str(error)) from None
    return errors


class _Position:
    """Where the reader of an .ods stands: row and column, and the farthest filled ones."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self._row = self._column = self._many_rows = self._many = 0

    def begun(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2]
        if kind == "table":
            self._row = 0
        elif kind == "table-row":
            self._column, self._many_rows = 0, _repeated(attributes, "rows")
        elif kind in {"table-cell", "covered-table-cell"}:
            self._many = _repeated(attributes, "columns")
            if any(key.endswith(("value-type", ":formula")) for key in attributes):
                self._filled()
        elif kind == "p":
            self._filled()

    def ended(self, name: str) -> None:
        kind = name.rpartition(":")[2]
        if kind == "table-row":
            self._row += self._many_rows
        elif kind in {"table-cell", "covered-table-cell"}:
            self._column += self._many

    def _filled(self) -> None:
        self.rows = max(self.rows, self._row + self._many_rows)
        self.columns = max(self.columns, self._column + self._many)


def _repeated(attributes: Mapping[str, str], what: str) -> int:
    """Return how many rows or columns an element of an .ods stands for."""
    text = attributes.get(f"table:number-{what}-repeated", "1")
    return int(text) if text.isdecimal() else 1


def _check_extent(path: Path, columns: int, rows: int) -> None:
    if columns * rows > MOST_CELLS:
        found = f"a sheet whose last filled cell is in row {rows:,} and column {columns:,}"
        expected = f"at most {MOST_CELLS:,} cells up to there"
        raise InputError(
            Problem(
                str(path),
                found,
                expected,
                "Delete empty rows and columns, or save the sheet as CSV UTF-8",
            )
        )


def _as_csv(rows: list[list[Any]]) -> str:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    for row in rows:
        cells = [_as_text(cell) for cell in row]
        if any(cells):
            writer.writerow(cells)
        else:
            # an empty row keeps its line, so that messages name the rows of the sheet
            written.write("\n")
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
