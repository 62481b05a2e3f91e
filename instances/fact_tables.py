"""Tables of facts: CSV files that are checked as they are read, for the scripts that
build what a scenario reads.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from optimizer.base.errors import ProblemList
from optimizer.base.files.readwrite import read_text

Row = dict[str, str]
Columns = Mapping[str, Collection[str]]

EXPOSURE_YEARS = ("2023", "2024", "2025")
"""Years whose mean is a port's exposure, those of them that the table has."""


def read_tables(
    folder: Path, columns: Columns, numbers: Columns, problems: ProblemList
) -> dict[str, list[Row]]:
    """Read the tables of a folder; `columns` are those that each must have, `numbers`
    those of them that hold finite numbers.
    """
    return {
        name: _read_table(
            folder / f"{name}.csv", name, columns[name], numbers.get(name, ()), problems
        )
        for name in columns
    }


def _read_table(
    path: Path, name: str, columns: Collection[str], numbers: Iterable[str], problems: ProblemList
) -> list[Row]:
    reader = csv.DictReader(io.StringIO(read_text(path, f"the table of {name}")))
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        problems.add(
            str(path), f"no column {', '.join(missing)}", f"the columns {', '.join(columns)}"
        )
        return []
    rows = []
    for line, row in enumerate(reader, start=2):
        where = f"{path}, line {line}"
        if None in row or None in row.values():
            problems.add(
                where,
                "more or fewer cells than columns",
                "one cell a column",
                "Quote cells that hold commas",
            )
            continue
        for column in numbers:
            if not _is_finite(row[column]):
                problems.add(f"{where}, {column}", repr(row[column]), "a finite number")
        rows.append(row)
    return rows


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def check_unique(
    tables: Mapping[str, list[Row]], keys: Mapping[str, str], problems: ProblemList
) -> None:
    """Check that a column of each table, by the table's name, has each name once."""
    for name, key in keys.items():
        seen: set[str] = set()
        for row in tables[name]:
            if row[key] in seen:
                problems.add(
                    f"{name}.csv, {key} {row[key]!r}", "the name a second time", "each name once"
                )
            seen.add(row[key])


def written_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def agency_of(sector: str) -> str:
    """Return the id of a sector's agency."""
    return sector.lower().replace(" ", "-")
