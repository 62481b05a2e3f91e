"""One source's rows: read as text by field, parsed column by column, and brought to one
unit.

Every fault is collected, and every row that is not used is given its reason
(`RecordParser`). `read_record_file` reads CSV or GeoJSON points.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import FileProblems, InputError, ProblemList
from optimizer.base.files.readwrite import GEOJSON_SUFFIXES, geometry_type, read_features
from optimizer.base.files.tables import (
    MAYBE_THOUSANDS,
    POINT_ALIASES,
    FirstRows,
    TextTable,
    WantedColumns,
    blanked,
    check_columns,
    first_rows,
    missing_remark,
    read_csv,
)
from optimizer.base.text.formatting import plain, plural
from optimizer.base.text.language import marked
from optimizer.base.text.messages import counted_message, message, shortened
from optimizer.records.period import Period, found_format, parse_period
from optimizer.records.personal import is_personal
from optimizer.records.sources import (
    KILOGRAMS,
    USUAL_NAMES,
    WEIGHTS,
    WITH_UNIT,
    EffortSource,
    SeizureSource,
)


@dataclass(frozen=True, slots=True)
class Unused:
    """A row that was read and not used."""

    #: As the scenario names it.
    file: str
    #: Line of the CSV file on which the row begins (the header is line 1) or feature of
    #: the GeoJSON file (the first is 1).
    row: int
    #: Why; rows left out for the same reason have the same text here.
    reason: str
    #: What stood there, or how far off it was.
    detail: str = ""


LONGEST_NAME = 60
"""Characters of a column's name that a sentence shows."""


@dataclass(frozen=True, slots=True)
class UnreadColumns:
    """Columns of a file that were not read: the file as the scenario names it, and their names."""

    file: str
    names: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Which columns these are; those that look as if they were about people come
        first, so that they are not cut off.
        """
        first = sorted(self.names, key=lambda name: not is_personal(name))
        shown = shortened([repr(plain(name, LONGEST_NAME)) for name in first])
        return message("columns that nothing reads: {columns}", columns=shown)


@dataclass(frozen=True, slots=True)
class DaySpans:
    """The days that each of k rows stands for."""

    #: `start`, `end`: (k,) datetime64[D]: first day, and the day after the last.
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]

    def text(self, position: int) -> str:
        """Return one row's first and last day."""
        last = self.end[position] - np.timedelta64(1, "D")
        return (
            str(self.start[position])
            if last == self.start[position]
            else f"{self.start[position]} to {last}"
        )


@dataclass
class RecordParser:
    """The rows of one source while they are parsed."""

    #: What the scenario says of the file.
    source: SeizureSource | EffortSource
    #: Where the file is.
    path: Path
    #: Its text.
    table: TextTable
    #: (k,) rows that are used, as far as is known.
    used: NDArray[np.bool_]
    #: Faults so far.
    problems: FileProblems
    #: RecordParser left out so far.
    unused: list[Unused] = field(default_factory=list)
    #: What the user should know about rows that are used.
    warnings: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The file as the scenario names it."""
        return self.source.file.as_posix()

    def has(self, name: str) -> bool:
        """Whether the file has the column."""
        return name in self.table.text

    @cached_property
    def date_format(self) -> str:
        """How times are written: as the source says, or as all rows that are used show;
        others may be of another agency.
        """
        if self.source.date_format != "auto":
            return self.source.date_format
        columns = (self.table.text[name] for name in ("time", "start", "end") if self.has(name))
        return found_format(text for column in columns for text in compress(column, self.used))

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
        marked_number = any(
            mark in text for mark in ",' \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
        )
        if not remedy and name in NUMBERS and (marked_number or MAYBE_THOUSANDS.fullmatch(text)):
            remedy = "Write decimals with a point, and thousands without a mark"
        self.problems.add(self.table.number[position], repr(text), expected, remedy, column=column)

    def numbers(
        self, name: str, read: Callable[[str], float], expected: str, *, empty: float | None = None
    ) -> NDArray[np.float64]:
        """Return (k,) numbers of one column, NaN for rows that are not used.

        `read` raises ValueError at what it cannot take. An empty field gives `empty`,
        or leaves the row out where that is None.
        """
        values = np.full(self.used.size, np.nan)
        for position in np.flatnonzero(self.used).tolist():
            text = self.table.text[name][position]
            if not text and empty is None:
                self.leave_out(position, message("no {field}", field=name))
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
        if self.date_format != self.source.date_format:
            self.warnings.append(f"{self.label}: {found_format_remark(self.date_format)}")
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
            return parse_period(text, self.date_format)
        except InputError as error:
            self.fault(position, name, error.problems[0].expected, error.problems[0].remedy)
            return None


def found_format_remark(date_format: str) -> str:
    """Return what is to be said where a form of days was found that nobody stated."""
    return message(
        "days are read as {form}, for the file as a whole tells the day from the month; state"
        " date_format if that is wrong.",
        form=date_format,
    )


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
        [
            *remarks,
            message("{file}: {remark}", file=source.file.as_posix(), remark=missing_remark(words)),
        ]
        if words
        else remarks
    )
    rows = RecordParser(
        source,
        path,
        table,
        np.ones(len(table), dtype=bool),
        FileProblems(path, table.unit),
        warnings=list(remarks),
    )
    for column, allowed in source.where.items():
        for position, text in enumerate(table.text[f"column:{column}"]):
            if text not in allowed:
                rows.leave_out(
                    position, message("left out by where: {column}", column=column), text
                )
    _repeated(rows)
    return rows


def _without_missing_words(
    table: TextTable, words: Sequence[str], found: Counter[str]
) -> TextTable:
    """Return a table with empty cells where a word says that a value is missing, but
    not in what `where` chooses by; `found` counts them.
    """
    text = {
        name: column if name.startswith("column:") else blanked(column, words, found)
        for name, column in table.text.items()
    }
    return replace(table, text=text)


def _repeated(rows: RecordParser) -> None:
    """Warn of rows whose every column that is read equals an earlier row's, and of finds
    that differ from an earlier one by whole hours alone; or leave them out.
    """
    seen: set[tuple[str, ...]] = set()
    repeats: list[int] = []
    for position, texts in enumerate(zip(*rows.table.text.values(), strict=True)):
        if rows.used[position]:
            if texts in seen:
                repeats.append(position)
            seen.add(texts)
    shifted = _shifted(rows, set(repeats))
    if rows.source.duplicates == "drop":
        for position in repeats:
            rows.leave_out(position, marked("repeats an earlier row"))
        for position, hours in shifted.items():
            rows.leave_out(
                position, marked("repeats an earlier row some whole hours apart"), f"{hours} h"
            )
        return
    if repeats:
        rows.warnings.append(
            message(
                "{file}: {rows} ({numbers}); counted all the same. If they are copies, state"
                ' duplicates = "drop".',
                file=rows.label,
                rows=counted_message(
                    "{count} row repeats an earlier row in every column that is read",
                    "{count} rows repeat an earlier row in every column that is read",
                    len(repeats),
                ),
                numbers=_numbered(rows, repeats),
            )
        )
    if shifted:
        hours, often = Counter(shifted.values()).most_common(1)[0]
        rows.warnings.append(
            message(
                "{file}: {rows} ({numbers}; {often} of them by {hours} h); counted all the same. If"
                " they are copies with the clock of another time zone or of summer time, state"
                ' duplicates = "drop".',
                file=rows.label,
                rows=counted_message(
                    "{count} find repeats an earlier one in place, drug and quantity, whole hours"
                    " apart",
                    "{count} finds repeat an earlier one in place, drug and quantity, whole hours"
                    " apart",
                    len(shifted),
                ),
                numbers=_numbered(rows, list(shifted)),
                often=often,
                hours=hours,
            )
        )


def _numbered(rows: RecordParser, positions: Sequence[int]) -> str:
    """Return the lines of the first rows: `lines 3, 5`."""
    shown = ", ".join(str(rows.table.number[position]) for position in positions[:5])
    more = ", ..." if len(positions) > 5 else ""
    return f"{rows.table.unit}{'s' * (len(positions) > 1)} {shown}{more}"


MOST_HOURS = 14
"""Hours between two clocks up to which equal finds are taken as copies of one."""


def _shifted(rows: RecordParser, repeats: AbstractSet[int]) -> dict[int, int]:
    """Return the finds that equal an earlier one in every column but the time, which is
    whole hours off, and by how many.

    Only finds with a quantity, at a point or on a segment, are looked at. Times on the
    full hour are often rounded, so that equal finds some hours apart may be two: there
    one hour counts alone, and the same moment with another offset.
    """
    table, found = rows.table, dict[int, int]()
    if not (isinstance(rows.source, SeizureSource) and rows.has("time") and rows.has("quantity")):
        return found
    placed = ("segment",) if rows.has("segment") else POINT
    if not all(rows.has(name) for name in placed):
        return found
    others = [column for name, column in table.text.items() if name != "time"]
    needed = [table.text[name] for name in ("quantity", *placed)]
    times: defaultdict[tuple[str, ...], list[datetime]] = defaultdict(list)
    for position in np.flatnonzero(rows.used).tolist():
        text = table.text["time"][position]
        if position in repeats or ":" not in text or not all(col[position] for col in needed):
            continue
        moment = _moment(text, rows.date_format)
        if moment is None:
            continue
        earlier = times[tuple(column[position] for column in others)]
        for other in earlier:
            if (moment.tzinfo is None) != (other.tzinfo is None):
                continue
            apart = abs(moment - other)
            hours = round(apart.total_seconds() / 3600)
            rounded = not (moment.minute or moment.second)
            if apart == timedelta(hours=hours) and hours <= (1 if rounded else MOST_HOURS):
                found[position] = hours
                break
        else:
            earlier.append(moment)
    return found


def _moment(text: str, date_format: str) -> datetime | None:
    """Return the moment of a time with a clock; None where it has none that is known."""
    try:
        if date_format in {"auto", "fiscal-year"}:
            return datetime.fromisoformat(text)
        return datetime.strptime(text, date_format)  # noqa: DTZ007 - clocks are compared alone
    except ValueError:
        return None


def amount(text: str) -> float:
    """Return a finite number >= 0 written plainly; ValueError for anything else."""
    value = plain_number(text)
    if value < 0:
        raise ValueError("negative")
    return value


def whole(text: str) -> float:
    """Return a whole number >= 0; ValueError for anything else, 2.000 among it, which
    may be two thousand.
    """
    value = amount(text)
    if value != math.floor(value) or MAYBE_THOUSANDS.fullmatch(text):
        raise ValueError("not whole")
    return value


def plain_number(text: str) -> float:
    """Return a finite number written with digits, a point and perhaps an exponent;
    ValueError for anything else.
    """
    value = float(text)
    if not math.isfinite(value) or "_" in text:
        raise ValueError("not a plain number")
    return value


POINT = ("lon", "lat")

ALIASES = {**POINT_ALIASES, "quantity_unit": ("quantity_unit", "unit", "units", "uom")}
"""Names under which a field is looked for where its column is not named."""

NUMBERS = (*POINT, "count", "quantity", "amount", "segment")


def read_record_file(
    path: Path, source: SeizureSource | EffortSource, remarks: list[str]
) -> TextTable:
    """Read the fields of a source, under the fields' names, and the columns of its
    `where` (under `column:` and their names).

    Parameters
    ----------
    path
        `.geojson` or `.json` is read as GeoJSON points, everything else as CSV.
    source
        What the scenario says of the file. A field with a named column must be there;
        another is looked for under its usual name, in whatever case, and a point also
        under names such as lng and latitude.
    remarks
        As in `optimizer.base.files.tables.read_csv`.

    Raises
    ------
    InputError
        If the file is missing, is not UTF-8, cannot be parsed, lacks a column that was
        named, or has no place, time, amount or row.
    """
    columns = source.columns
    stated = {field: getattr(columns, field) for field in type(columns).model_fields}
    column_of = {field: name or columns.usual_name(field) for field, name in stated.items()}
    column_of |= {f"column:{name}": name for name in source.where}
    required = [name for name in [*stated.values(), *source.where] if name is not None]
    if path.suffix.lower() in GEOJSON_SUFFIXES:
        table = _read_geojson(path, column_of, required)
    else:
        wanted = replace(
            _wanted(column_of, required),
            aliases={
                name: ALIASES.get(field, (name.casefold(),))
                for field, name in column_of.items()
                if stated.get(field, name) is None
            },
            numeric=tuple(column_of[field] for field in NUMBERS if field in column_of),
            degrees=tuple(column_of[field] for field in POINT if field in column_of),
        )
        table = _by_field(read_csv(path, "a file of records", wanted, remarks=remarks), column_of)
    check_fields(path, source, table)
    return table


def head_of_records(path: Path) -> FirstRows:
    """Return the head of a file that may hold records: its columns and first rows; a
    GeoJSON file's are the properties of its features.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if path.suffix.lower() not in GEOJSON_SUFFIXES:
        return first_rows(
            path,
            "a file of records",
            {name for names in ALIASES.values() for name in names} | USUAL_NAMES,
        )
    shown = [feature["properties"] for feature in read_features(path)[:HEAD]]
    header = tuple(dict.fromkeys(name for row in shown for name in row))
    return FirstRows(
        header, tuple(tuple(_as_text(row.get(name)) for name in header) for row in shown)
    )


HEAD = 5
"""Features of a GeoJSON file that are looked at for its columns."""


def _read_geojson(path: Path, column_of: Mapping[str, str], required: list[str]) -> TextTable:
    """Read features: their points as `lon` and `lat`, the other fields from their properties."""
    features = read_features(path)
    problems = ProblemList()
    point: dict[str, list[str]] = {"lon": [], "lat": []}
    for number, feature in enumerate(features, start=1):
        geometry = feature.get("geometry")
        position = geometry.get("coordinates") if isinstance(geometry, dict) else None
        if geometry is None:
            position = ["", ""]
        elif (
            geometry_type(geometry) != "Point"
            or not isinstance(position, list)
            or len(position) < 2
        ):
            found = geometry_type(geometry) or "a geometry without a type"
            problems.add(
                f"{path}, feature {number}",
                found,
                "a Point, or no geometry",
                "Give one point a record",
            )
            continue
        for name, degrees in zip(POINT, position, strict=False):
            point[name].append(str(degrees))
    problems.raise_if_any()
    in_properties = {field: name for field, name in column_of.items() if field not in POINT}
    needed = [name for name in in_properties.values() if name in required]
    header = list(dict.fromkeys(name for feature in features for name in feature["properties"]))
    wanted = _wanted(in_properties, needed)
    check_columns(str(path), header, wanted)
    text = {
        name: [_as_text(feature["properties"].get(name)) for feature in features]
        for name in wanted.among(header)
    }
    unread = tuple(name for name in header if name and name not in text)
    table = _by_field(
        TextTable("feature", list(range(1, len(features) + 1)), text, unread), in_properties
    )
    table.text.update(point)
    return table


def _wanted(column_of: Mapping[str, str], required: list[str]) -> WantedColumns:
    return WantedColumns(
        tuple(required),
        tuple(column_of.values()),
        remedy="Correct the columns mapping",
        show_header=True,
    )


def _by_field(table: TextTable, column_of: Mapping[str, str]) -> TextTable:
    text = {field: table.text[name] for field, name in column_of.items() if name in table.text}
    return TextTable(table.unit, table.number, text, table.unread)


def check_fields(path: Path, source: SeizureSource | EffortSource, table: TextTable) -> None:
    """Refuse a table without a place, a time, an amount or a row.

    Raises
    ------
    InputError
        With all that is missing.
    """
    problems = ProblemList()
    has = table.text.keys()
    shown = f" among {', '.join(map(repr, table.unread[:12]))}" if table.unread else ""
    remedy = "Name the column under columns"
    if source.period is None and "time" not in has and not {"start", "end"} <= has:
        problems.add(
            f"{path}, columns",
            f"no time{shown}",
            "a column of times",
            remedy + ", or state the period of all rows",
        )
    if not ({"segment"} & has or {"area"} & has or {"lon", "lat"} <= has):
        problems.add(
            f"{path}, columns", f"no place{shown}", "lon and lat, or segment, or area", remedy
        )
    if getattr(source, "amount_per_row", 1) is None and "amount" not in has:
        problems.add(
            f"{path}, columns",
            f"no amount{shown}",
            "a column of amounts",
            remedy + ", or state amount_per_row",
        )
    if not table.number:
        problems.add(
            str(path),
            "no row",
            "at least one record",
            "Add rows below the header, or leave its table out of [records]",
        )
    problems.raise_if_any()


def _as_text(value: Any) -> str:  # noqa: ANN401 - JSON
    return "" if value is None else str(value).strip()


PIECES = frozenset(
    [
        "piece",
        "pieces",
        "pc",
        "pcs",
        "item",
        "items",
        "unit",
        "units",
        "tablet",
        "tablets",
        "pill",
        "pills",
        "plant",
        "plants",
        "dose",
        "doses",
        "capsule",
        "capsules",
        "ampoule",
        "ampoules",
        "bag",
        "bags",
        "package",
        "packages",
        "ml",
        "l",
        "litre",
        "litres",
        "liter",
        "liters",
    ]
)
"""Words for what is counted or measured but not weighed."""


def quantities(rows: RecordParser, source: SeizureSource) -> NDArray[np.float64]:
    """Return (k,) kilograms of each row, NaN where unknown or not a weight, and note on
    the rows what was converted and what was not weighed.

    A unit may stand behind the number ("500 g"), or in the column of units; else it is
    the source's.
    """
    size = rows.used.size
    if not rows.has("quantity"):
        return np.full(size, np.nan)
    words = [
        word.casefold().rstrip(".") for word in rows.table.text.get("quantity_unit", [""] * size)
    ]
    if not any(word in WEIGHTS for word in words):
        words = [""] * size  # a column of that name that is about something else
    units: Counter[str] = Counter()
    pieces: Counter[str] = Counter()
    values = np.full(size, np.nan)
    expected = (
        f"an amount >= 0 in {source.quantity_unit}, or with one of {', '.join(KILOGRAMS)} behind it"
    )
    for position in np.flatnonzero(rows.used).tolist():
        text, word = rows.table.text["quantity"][position], words[position]
        behind = WITH_UNIT.fullmatch(text)
        if behind is not None and behind["unit"].casefold() in WEIGHTS.keys() | PIECES:
            text, word = behind["number"], behind["unit"].casefold()
        if not text:
            continue
        if word in PIECES:
            pieces[word] += 1
            continue
        if word and word not in WEIGHTS:
            rows.fault(
                position,
                "quantity_unit",
                f"one of {', '.join(KILOGRAMS)}, or a word such as pieces or tablets for what is"
                " not weighed",
                "Correct it, or choose rows by where",
            )
            continue
        try:
            value = amount(text)
        except ValueError:
            rows.fault(position, "quantity", expected)
            continue
        unit = WEIGHTS.get(word, source.quantity_unit)
        units[unit] += 1
        values[position] = value * KILOGRAMS[unit]
    _remark(rows, units, pieces)
    return values


def _remark(rows: RecordParser, units: Counter[str], pieces: Counter[str]) -> None:
    if len(units) > 1:
        shown = ", ".join(f"{unit} ({count})" for unit, count in units.most_common())
        rows.warnings.append(
            message(
                "{file}: quantities come in several units, {shown}; all were converted to kg.",
                file=rows.label,
                shown=shown,
            )
        )
    if pieces:
        shown = ", ".join(f"{word} ({count})" for word, count in pieces.most_common(5))
        rows.warnings.append(
            message(
                "{file}: {rows} give a quantity that is no weight: {shown}. These quantities are"
                " left out; the seizures count.",
                file=rows.label,
                rows=counted_message("{count} row", "{count} rows", pieces.total()),
                shown=shown,
            )
        )


def refuse_mixed_effort(rows: RecordParser, source: EffortSource) -> None:
    """Note a fault where a column of units says that amounts are of several kinds, and
    a warning where it names another unit than the source.

    A column `unit` in which no word is the source's unit may be about something else,
    such as who searched, and is let be where it has several.
    """
    if not rows.has("unit"):
        return
    used = Counter(
        rows.table.text["unit"][position] for position in np.flatnonzero(rows.used).tolist()
    )
    del used[""]
    same = [word for word in used if word.casefold() == source.unit.casefold()]
    shown = ", ".join(f"{word!r} ({plural(count, 'row')})" for word, count in used.most_common(5))
    name = source.columns.unit or "unit"
    if len(used) > 1 and same:
        rows.problems.add(
            0,
            f"effort in {len(used)} units: {shown}",
            "one unit, for amounts in different units cannot be added",
            f'Write one entry for each, with its unit and where = {{ {name} = "{same[0]}" }} and so'
            " on; if they are one unit, spell it alike",
            column=name,
        )
    elif len(used) == 1 and not same:
        rows.warnings.append(
            message(
                "{file}: its column {column!r} says {shown}, the scenario says {unit!r}. Amounts"
                " are taken as {unit}.",
                file=rows.label,
                column=name,
                shown=shown,
                unit=source.unit,
            )
        )
