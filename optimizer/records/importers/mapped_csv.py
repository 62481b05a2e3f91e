"""A CSV file of any making, read through a mapping: which column is what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from optimizer.base.choices import Duplicates
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import read_toml
from optimizer.base.files.tables import MISSING, blanked, missing_remark
from optimizer.base.schema import Id, OneOrMore, Strict, validated
from optimizer.base.text.names import close_match
from optimizer.records.areas import name_key
from optimizer.records.grades import GRADE_FORMS, parse_grade
from optimizer.records.importers.frames import (
    FILE,
    LINE,
    DropCounts,
    Imported,
    ImportSummary,
    ScenarioEntries,
    add_rows,
    filters,
    numbers,
    read_columns,
    span_text,
    spans,
)
from optimizer.records.period import found_format
from optimizer.records.personal import is_personal
from optimizer.records.record_parser import PIECES, found_format_remark
from optimizer.records.sources import KILOGRAMS, WEIGHTS, WITH_UNIT

PLACE = ("segment", "lon", "lat", "area")

SEARCHES = "searches"

NUMBERS = ("lon", "lat", "segment", "count", "effort", "quantity", "parcels")

DAY_OR_MONTH = r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?"


@dataclass(frozen=True)
class MappedRows:
    """Rows of a CSV file, read through a mapping."""

    #: Those that are kept, with `start`, `end` (the day after the last),
    #: `written_time`, `line`, `source`, `drug`, and of the place, `count`, `amount`,
    #: `quantity`, `unit`, `parcels`, `place`, `grade` and `confirmed` what the mapping
    #: names.
    rows: pd.DataFrame
    #: Rows read.
    total: int
    #: Reason -> rows left out for it.
    dropped: dict[str, int]
    #: How the file was read.
    notes: tuple[str, ...]
    #: Rows that equal an earlier one and are kept.
    repeats: int
    #: How their times are written: as the mapping says, or as the file as a whole
    #: shows.
    date_format: str


def import_csv(path: Path, mapping: Mapping, *, areas: Sequence[str] | None = None) -> Imported:
    """Read a CSV file through a mapping.

    Parameters
    ----------
    path
        The file.
    mapping
        Which column is what; others are not read.
    areas
        Names that areas may have; None takes every name.

    Returns
    -------
    `seizures.csv` (time, place, count, drug, quantity, source, effort_unit), if the mapping names a count or an outcome, or neither of them
    and no effort, which makes each row one seizure; and
    `effort.csv` (time, place, amount, source, unit), if it names an effort or an outcome. Rows without a seizure are no seizures.
    With an outcome and points also `searches.csv`, one row a search, which `risk backtest` reads.

    Raises
    ------
    InputError
        With the problems of the file by line: what is no date, number or outcome, is
        negative, off the globe or an unknown area; or if no row is left.
    """
    read = read_mapped(path, mapping, areas=areas)
    rows, raw_notes = read.rows, read.notes
    tables = _tables(rows, mapping)
    starts = rows["start"]
    counts: dict[str, Any] = {
        "rows_out_of_date_order": int((starts < starts.shift()).sum()),
        "rows_like_an_earlier_one": read.repeats,
        "rows_by_source": rows["source"].value_counts().sort_index().astype(int).to_dict(),
    }
    if "seizures.csv" in tables:
        counts["finds_written"] = int(tables["seizures.csv"]["count"].sum())
    if "effort.csv" in tables:
        counts["effort_by_unit"] = tables["effort.csv"].groupby("unit")["amount"].sum().to_dict()
    notes = (*raw_notes, *_notes(rows, tables, read.repeats))
    summary = ImportSummary("CSV", (path.name,), read.total, read.dropped, len(rows), counts, notes)
    return Imported(tables, _entries(tables, mapping), summary)


def read_mapped(
    path: Path, mapping: Mapping, *, areas: Sequence[str] | None = None, unplaced: bool = False
) -> MappedRows:
    """Read the rows of a CSV file that a mapping asks for, each part understood.

    Parameters
    ----------
    path, mapping, areas
        As in `import_csv`.
    unplaced
        Whether rows without a place are kept.

    Raises
    ------
    InputError
        As `import_csv`.
    """
    columns = mapping.columns
    notes: list[str] = []
    numeric = [column for name, column in columns.named().items() if name in NUMBERS]
    wanted = [*columns.named().values(), *mapping.where]
    degrees = [column for name, column in columns.named().items() if name in {"lon", "lat"}]
    raw = read_columns(
        path, "a CSV file of records", wanted, numeric=numeric, degrees=degrees, remarks=notes
    )
    drops = DropCounts()
    total = len(raw)
    raw = _without_missing_words(_picked(raw, mapping, drops), mapping, notes)
    raw = _searched(raw, mapping, drops, notes)
    copies = raw.duplicated(list(raw.columns.drop([FILE, LINE])))
    if mapping.duplicates == "drop":
        drops.drop("copy of an earlier row", copies.sum())
        raw = raw[~copies]
    repeats = int(copies.sum()) if mapping.duplicates == "keep" else 0
    raw = _complete(raw, mapping, drops, unplaced=unplaced)
    if raw.empty:
        found = ", ".join(f"{count} {reason}" for reason, count in drops.dropped.items())
        raise InputError(
            Problem(
                str(path), f"no row that can be used: {found}", "at least one", "Check the mapping"
            )
        )
    if mapping.date_format == "auto" and (found := found_format(raw[columns.date])) != "auto":
        mapping = mapping.model_copy(update={"date_format": found})
        notes.append(f"{columns.date}: {found_format_remark(found)}")
    rows = _parsed(raw, mapping, areas)
    if _rows_are_seizures(mapping):
        notes.append(
            f"The mapping names no count, outcome or effort: each of the {len(rows)} rows counts as"
            " one seizure. Where a row is several, or may be none, name the column."
        )
    rows["written_time"], rows["line"] = raw[columns.date], raw[LINE]
    return MappedRows(rows, total, drops.dropped, tuple(notes), repeats, mapping.date_format)


def _picked(raw: pd.DataFrame, mapping: Mapping, drops: DropCounts) -> pd.DataFrame:
    for column, allowed in mapping.where.items():
        kept = raw[column].isin(list(allowed))
        drops.drop(f"left out by where: {column}", (~kept).sum())
        raw = raw[kept]
    return raw


def _without_missing_words(raw: pd.DataFrame, mapping: Mapping, notes: list[str]) -> pd.DataFrame:
    """Return the rows with empty cells where a word of the mapping says that a value is
    missing; a sentence with their number joins `notes`.
    """
    outcomes = {word.casefold() for word in (*mapping.yes, *mapping.no)}
    words = [word for word in mapping.missing if word.casefold() not in outcomes]
    found: Counter[str] = Counter()
    columns = dict.fromkeys(mapping.columns.named().values())
    raw = raw.assign(**{name: blanked(raw[name].tolist(), words, found) for name in columns})
    if found:
        notes.append(missing_remark(found))
    return raw


def _searched(
    raw: pd.DataFrame, mapping: Mapping, drops: DropCounts, notes: list[str]
) -> pd.DataFrame:
    """Return the rows of stops that led to a search; a sentence with the number of
    seizures without a search joins `notes`.
    """
    column, outcome = mapping.columns.searched, mapping.columns.outcome
    if column is None or outcome is None:
        return raw
    problems = ProblemList()
    filled = raw[raw[column] != ""]
    searched = _finds(filled, column, mapping, problems)
    problems.raise_if_any()
    conducted = pd.Series(False, index=raw.index)
    conducted[filled.index] = searched > 0
    drops.drop("stop without a search", (~conducted).sum())
    unsearched = (
        raw.loc[~conducted, outcome].str.casefold().isin([word.casefold() for word in mapping.yes])
    )
    if unsearched.any():
        notes.append(
            f"{int(unsearched.sum())} stops without a search found something: they are left out,"
            " for no search made them."
        )
    return raw[conducted]


def _complete(
    raw: pd.DataFrame, mapping: Mapping, drops: DropCounts, *, unplaced: bool
) -> pd.DataFrame:
    """Return the rows that have a date, a place and everything that is counted."""
    columns = mapping.columns
    undated = raw[columns.date] == ""
    drops.drop("no date", undated.sum())
    raw = raw[~undated]
    placed = pd.Series(False, index=raw.index)
    for name in (columns.segment, columns.area):
        if name is not None:
            placed |= raw[name] != ""
    if columns.lon is not None and columns.lat is not None:
        placed |= (raw[columns.lon] != "") & (raw[columns.lat] != "")
    if not unplaced:
        drops.drop("no place", (~placed).sum())
        raw = raw[placed]
    for thing in ("count", "outcome", "effort"):
        column = getattr(columns, thing)
        if column is not None:
            empty = raw[column] == ""
            drops.drop(f"no {thing}", empty.sum())
            raw = raw[~empty]
    return raw


def _parsed(raw: pd.DataFrame, mapping: Mapping, areas: Sequence[str] | None) -> pd.DataFrame:
    """Return the rows with their parts understood: start, end, place, count, amount,
    quantity, drug, source, unit.
    """
    columns = mapping.columns
    problems = ProblemList()
    rows = spans(raw, columns.date, problems, mapping.date_format)
    rows["source"] = _text(raw, columns.source, mapping.source)
    rows["drug"] = _text(raw, columns.drug, "")
    _place(rows, raw, mapping, areas, problems)
    if _rows_are_seizures(mapping):
        rows["count"] = 1.0
    if columns.count is not None:
        rows["count"] = numbers(raw, columns.count, problems, whole=True)
    if columns.outcome is not None:
        rows["count"] = _finds(raw, columns.outcome, mapping, problems)
        rows["amount"] = 1.0
    if columns.effort is not None:
        rows["amount"] = numbers(raw, columns.effort, problems)
    if columns.quantity is not None:
        rows["quantity"] = _weights(raw, columns.quantity, mapping, problems)
    _parcels_and_grades(rows, raw, mapping, problems)
    if "amount" in rows:
        rows["unit"] = _text(raw, columns.unit, mapping.unit or SEARCHES)
    elif mapping.unit is not None or columns.unit is not None:
        rows["unit"] = _text(raw, columns.unit, mapping.unit or "")
    problems.raise_if_any()
    return rows


def _weights(
    raw: pd.DataFrame, column: str, mapping: Mapping, problems: ProblemList
) -> pd.Series[float]:
    """Return a column of quantities in the mapping's unit; NaN where there is none, or
    what is counted and not weighed.
    """
    units = {*WEIGHTS, *PIECES}
    parts = raw[column].str.extract(f"^{WITH_UNIT.pattern}$", flags=WITH_UNIT.flags)
    behind = parts["unit"].str.casefold().isin(units)
    word = parts["unit"].str.casefold().where(behind, "")
    if mapping.columns.quantity_unit is not None:
        said = raw[mapping.columns.quantity_unit].str.strip().str.casefold().str.rstrip(".")
        word = word.where(behind, said)
        add_rows(
            problems,
            raw[(word != "") & ~word.isin(units)],
            mapping.columns.quantity_unit,
            f"one of {', '.join(KILOGRAMS)}, or a word such as pieces or tablets for what is not"
            " weighed",
            "Correct it, or leave the column of units out",
        )
    amount = parts["number"].str.strip().where(behind, raw[column]).where(~word.isin(PIECES), "")
    values = numbers(raw.assign(**{column: amount}), column, problems)
    own = KILOGRAMS[mapping.quantity_unit]
    factor = {
        unit: KILOGRAMS[WEIGHTS.get(unit, mapping.quantity_unit)] / own for unit in word.unique()
    }
    return values * word.map(factor)


def _rows_are_seizures(mapping: Mapping) -> bool:
    """Return whether each row is one seizure: nothing says how many it counts, nor that
    it is a search.
    """
    return mapping.columns.count is mapping.columns.outcome is mapping.columns.effort is None


def _parcels_and_grades(
    rows: pd.DataFrame, raw: pd.DataFrame, mapping: Mapping, problems: ProblemList
) -> None:
    """Add parcels, the place in words, the grade and whether the report was confirmed,
    where the mapping names them.
    """
    columns = mapping.columns
    if columns.parcels is not None:
        rows["parcels"] = numbers(raw, columns.parcels, problems)
    for name in ("place", "grade"):
        if (column := getattr(columns, name)) is not None:
            rows[name] = raw[column]
    if columns.confirmed is not None:
        filled = raw[raw[columns.confirmed] != ""]
        rows["confirmed"] = _finds(filled, columns.confirmed, mapping, problems)
    if columns.grade is not None:
        _check_grades(raw, columns.grade, problems)


def _place(
    rows: pd.DataFrame,
    raw: pd.DataFrame,
    mapping: Mapping,
    areas: Sequence[str] | None,
    problems: ProblemList,
) -> None:
    """Add the columns of `PLACE` that the mapping names; half a point is none."""
    columns = mapping.columns
    if columns.lon is not None and columns.lat is not None:
        point = pd.DataFrame(
            {
                "lon": numbers(raw, columns.lon, problems, least=-180, most=180),
                "lat": numbers(raw, columns.lat, problems, least=-90, most=90),
            }
        )
        rows[["lon", "lat"]] = point.where(point.notna().all(axis="columns"))
    if columns.segment is not None:
        rows["segment"] = numbers(raw, columns.segment, problems, whole=True).astype("Int64")
    if columns.area is not None:
        rows["area"] = raw[columns.area]
        if areas is not None:
            _check_areas(raw, columns.area, areas, problems)


def _text(raw: pd.DataFrame, column: str | None, fallback: str) -> pd.Series[str]:
    if column is None:
        return pd.Series(fallback, index=raw.index, dtype=object)
    return raw[column].where(raw[column] != "", fallback)


def _finds(
    raw: pd.DataFrame, column: str, mapping: Mapping, problems: ProblemList
) -> pd.Series[float]:
    word = raw[column].str.casefold()
    yes = word.isin([text.casefold() for text in mapping.yes])
    no = word.isin([text.casefold() for text in mapping.no])
    expected = f"one of {', '.join(mapping.yes)}, or of {', '.join(mapping.no)}"
    add_rows(problems, raw[~(yes | no)], column, expected, "State the words under yes and no")
    return yes.astype(float)


def _check_areas(
    raw: pd.DataFrame, column: str, areas: Sequence[str], problems: ProblemList
) -> None:
    known = {name_key(name) for name in areas}
    strange = ~raw[column].map(name_key).isin(known) & (raw[column] != "")
    for text, own in raw[strange].groupby(column, sort=False):
        add_rows(problems, own, column, "the name of an area", close_match(str(text), areas))


def _check_grades(raw: pd.DataFrame, column: str, problems: ProblemList) -> None:
    strange = [text for text in raw[column].unique() if text and parse_grade(text) is None]
    add_rows(problems, raw[raw[column].isin(strange)], column, GRADE_FORMS)


def _tables(rows: pd.DataFrame, mapping: Mapping) -> dict[str, pd.DataFrame]:
    place = [name for name in PLACE if name in rows]
    rows = rows.copy()
    pairs = rows[["start", "end"]].drop_duplicates()
    pairs["time"] = [
        span_text(start, end) for start, end in zip(pairs["start"], pairs["end"], strict=True)
    ]
    rows["time"] = rows.merge(pairs, on=["start", "end"], how="left")["time"].to_numpy()
    tables = {}
    if "count" in rows:
        seizures = rows[rows["count"] > 0].rename(columns={"unit": "effort_unit"})
        wanted = [
            "time",
            *place,
            "place",
            "count",
            "drug",
            "quantity",
            "parcels",
            "source",
            "effort_unit",
            "grade",
        ]
        kept = [
            name
            for name in wanted
            if name in seizures and (name != "drug" or mapping.columns.drug is not None)
        ]
        tables["seizures.csv"] = seizures[kept].astype({"count": np.int64})
    if "amount" in rows:
        tables["effort.csv"] = rows[["time", *place, "amount", "source", "unit"]]
    searches = _searches(rows, mapping)
    return tables if searches.empty else tables | {"searches.csv": searches}


def _searches(rows: pd.DataFrame, mapping: Mapping) -> pd.DataFrame:
    """Return one row a search with an outcome, a point and a day or month, in order of
    time, as `import stop-search` writes them.
    """
    if mapping.columns.outcome is None or "lon" not in rows:
        return pd.DataFrame()
    single = rows[rows["lon"].notna() & rows["time"].str.fullmatch(DAY_OR_MONTH)]
    single = single.sort_values("time", kind="stable", ignore_index=True)
    alone: dict[str, Any] = {
        "group": np.arange(1, len(single) + 1),
        "size": 1,
        "weight": 1.0,
        "found": single["count"].astype(np.int64),
    }
    return single[["time", "lon", "lat", "source"]].assign(**alone)


def _notes(rows: pd.DataFrame, tables: dict[str, pd.DataFrame], repeats: int) -> tuple[str, ...]:
    notes = []
    if "searches.csv" in tables and len(tables["searches.csv"]) < len(rows):
        left_out = len(rows) - len(tables["searches.csv"])
        notes.append(
            f"{left_out} searches without a point, or of more than a month, are not in"
            " searches.csv, which `risk backtest` reads."
        )
    if repeats:
        notes.append(
            f"{repeats} rows equal an earlier one in every column that is read and are counted; if"
            ' they are copies, state duplicates = "drop".'
        )
    if "amount" not in rows:
        notes.append(
            "The file carries no search effort: seizures alone say where people looked as much as"
            " where drugs pass."
        )
    elif "count" in rows:
        blind = int(((rows["amount"] == 0) & (rows["count"] > 0)).sum())
        if blind:
            notes.append(
                f"{blind} rows have seizures and an effort of zero: searches that nobody recorded."
            )
    if "count" in rows and not (rows["count"] > 0).any():
        notes.append(
            "No row has a seizure: seizures.csv holds its header alone, and no entry names it."
        )
    return tuple(notes)


def _entries(tables: dict[str, pd.DataFrame], mapping: Mapping) -> ScenarioEntries:
    seizures, effort = [], []
    if "seizures.csv" in tables:
        table = tables["seizures.csv"]
        keys = [name for name in ("source", "effort_unit") if name in table]
        for pair in table[keys].drop_duplicates().sort_values(keys).to_dict("records"):
            named = {str(name): str(value) for name, value in pair.items()}
            unit = {"effort_unit": named["effort_unit"]} if named.get("effort_unit") else {}
            if "quantity" in table:
                unit["quantity_unit"] = mapping.quantity_unit
            seizures.append(
                {"file": "seizures.csv", "source": named["source"], "where": filters(**named)}
                | unit
            )
    if "effort.csv" in tables:
        for pair in (
            tables["effort.csv"][["source", "unit"]]
            .drop_duplicates()
            .sort_values(["source", "unit"])
            .to_dict("records")
        ):
            named = {str(name): str(value) for name, value in pair.items()}
            effort.append(
                {
                    "file": "effort.csv",
                    "source": named["source"],
                    "where": filters(**named),
                    "unit": named["unit"],
                }
            )
    return ScenarioEntries(tuple(seizures), tuple(effort))


Words = Annotated[tuple[str, ...], OneOrMore]


class MappedColumns(Strict):
    """Column of the file that holds each thing; what is not named is not read."""

    date: Id = Field(description="Day, month, year, fiscal year or span.")
    lon: Id | None = Field(None, description="Longitude in degrees (WGS 84).")
    lat: Id | None = Field(None, description="Latitude in degrees (WGS 84).")
    area: Id | None = Field(None, description="Name of an area.")
    segment: Id | None = Field(None, description="Number of a segment of the network.")
    count: Id | None = Field(
        None,
        description=(
            "Seizures of the row, a whole number; without it, an outcome and an effort each row is"
            " one seizure."
        ),
    )
    outcome: Id | None = Field(None, description="Whether the row's search found something.")
    searched: Id | None = Field(
        None,
        description=(
            "Whether the row's stop led to a search; where it did not, the row has no outcome and"
            " is left out."
        ),
    )
    effort: Id | None = Field(
        None, description="Amount of searching; 1 where each row is a search with an outcome."
    )
    source: Id | None = Field(None, description="Who keeps the record.")
    unit: Id | None = Field(None, description="What the effort counts.")
    drug: Id | None = Field(None, description="What was seized.")
    quantity: Id | None = Field(
        None, description="How much was seized; a unit may stand behind the number (58.39 kg)."
    )
    quantity_unit: Id | None = Field(
        None,
        description=(
            "Unit of each row's quantity: kg, g, t, lb, oz, or a word such as pieces for what is"
            " not weighed."
        ),
    )
    parcels: Id | None = Field(
        None, description="In how many parcels it was packed; `fuse` compares it with weights."
    )
    place: Id | None = Field(
        None, description="Place in words, such as a town or a road; `fuse` compares it."
    )
    grade: Id | None = Field(
        None, description="Grade of the report: Admiralty (B2) or 3x5x2 (1A P)."
    )
    confirmed: Id | None = Field(
        None,
        description=(
            "Whether the report was later confirmed (yes) or refuted (no); empty where nobody"
            " knows."
        ),
    )

    def named(self) -> dict[str, str]:
        """Return thing -> column, for those that are named."""
        return {name: column for name, column in self.model_dump().items() if column is not None}


class Mapping(Strict):
    """Description of a general CSV file."""

    columns: MappedColumns
    source: Id = Field("records", description="Who keeps the record, where no column says it.")
    unit: Id | None = Field(None, description="What the effort counts, where no column says it.")
    date_format: Id = Field(
        "auto",
        description="auto, fiscal-year or a strptime pattern such as %d/%m/%Y, as in a scenario.",
    )
    quantity_unit: Literal["kg", "g", "t", "lb", "oz"] = Field(
        "kg", description="Unit of quantities that name none."
    )
    yes: Words = Field(
        ("true", "yes", "1"), description="Outcomes that are a seizure, whatever their case."
    )
    no: Words = Field(("false", "no", "0"), description="Outcomes that are none.")
    where: dict[Id, Words] = Field(
        default_factory=dict, description="Column -> values; other rows are left out."
    )
    missing: Words = Field(
        MISSING,
        description=(
            "Words that mean an empty cell, whatever their case, unless they are among yes or no."
        ),
    )
    duplicates: Duplicates = Field(
        "keep", description="Rows that equal an earlier one in all columns read."
    )


def read_mapping(path: Path) -> dict[str, object]:
    """Return the content of a TOML mapping, not yet checked.

    Raises
    ------
    InputError
        If the file is missing or is no TOML.
    """
    return read_toml(path, "a mapping")


def checked_mapping(content: object, where: str) -> Mapping:
    """Return a mapping that can be used.

    Parameters
    ----------
    content
        Parsed TOML, or the like made of options.
    where
        File it comes from, for the messages.

    Raises
    ------
    InputError
        If a field is wrong, a column is about a person, or place, amounts or unit are
        missing or contradict each other.
    """
    mapping = validated(Mapping, content, where)
    columns = mapping.columns
    problems = ProblemList()
    for field, column in [
        *columns.named().items(),
        *((f"where {name}", name) for name in mapping.where),
    ]:
        if is_personal(column):
            problems.add(
                f"{where}, {field}",
                f"the column {column!r}, which looks like one about people",
                "a column about a place, a time, an amount or an outcome",
                "Leave it out: nothing about a person is read; if it is none, rename it in the"
                " file",
            )
    if (columns.lon is None) != (columns.lat is None):
        problems.add(f"{where}, columns", "one of lon and lat", "both")
    if (
        columns.lon is None
        and columns.area is None
        and columns.segment is None
        and columns.place is None
    ):
        problems.add(
            f"{where}, columns", "no place", "lon and lat, or area, or segment", "Name the column"
        )
    if columns.count is not None and columns.outcome is not None:
        problems.add(f"{where}, columns", "count and outcome", "one of them", "Leave one out")
    if columns.searched is not None and columns.outcome is None:
        problems.add(
            f"{where}, columns",
            "searched and no outcome",
            "what the searches found",
            "Name the outcome",
        )
    if columns.effort is not None and columns.unit is None and mapping.unit is None:
        problems.add(
            f"{where}, unit", "nothing", "what the effort counts, such as hours", "State it"
        )
    shared = {word.casefold() for word in mapping.yes} & {word.casefold() for word in mapping.no}
    if shared:
        problems.add(
            f"{where}, yes and no", ", ".join(sorted(shared)), "words that are in one of them"
        )
    problems.raise_if_any()
    return mapping
