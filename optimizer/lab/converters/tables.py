"""A CSV table with a heading, read row by row: columns checked first, then each cell as it is asked for."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.files import read_text
from optimizer.base.names import close_match

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optimizer.lab.converters.faults import Faults

MOST_AMOUNT = 1e15
LONGEST_ID = 200
"""What an instance file takes."""
YES, NO = {"yes", "true", "1"}, {"no", "false", "0", ""}


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    line
        Line of the file it ends on.
    cells
        Text of each known column, stripped; empty where the row or the table has none.
    faults
        Told of cells that are wrong.
    """

    line: int
    cells: dict[str, str]
    faults: Faults

    def text(self, column: str) -> str:
        """Return a cell as it stands."""
        return self.cells.get(column, "")

    def number(self, column: str, *, least: float = 0.0, below: float = math.inf, most: float = MOST_AMOUNT) -> float:
        """Return a number in [least, most] and below `below`; `least` after noting anything else."""
        value = _parsed(self.text(column))
        if math.isfinite(value) and least <= value <= most and value < below:
            return value
        limit = f"in [{least:g}, {below:g})" if below < math.inf else f"from {least:g} to {most:g}"
        self.faults.add(self.line, f"{column} {self.text(column)!r}", f"a number {limit}")
        return least

    def whole(self, column: str, most: int, what: str) -> int:
        """Return a whole number from 1 to `most`; 0 after noting anything else."""
        value = _parsed(self.text(column))
        if 1 <= value <= most and value == int(value):
            return int(value)
        self.faults.add(self.line, f"{column} {self.text(column)!r}", f"{what}, from 1 to {most}")
        return 0

    def flag(self, column: str) -> bool:
        """Return whether a cell says yes; an empty one says no."""
        word = self.text(column).lower()
        if word not in YES | NO:
            self.faults.add(self.line, f"{column} {self.text(column)!r}", "yes or no")
        return word in YES

    def one_of(self, column: str, words: Sequence[str]) -> str:
        """Return one of some words, the first of them for an empty cell."""
        word = self.text(column) or words[0]
        if word not in words:
            self.faults.add(self.line, f"{column} {word!r}", " or ".join(words), close_match(word, words))
        return word

    def new_id(self, column: str, fallback: str, seen: dict[str, int]) -> str:
        """Return an id that no row above has, and note its line in `seen`."""
        name = self.text(column) or fallback
        if len(name) > LONGEST_ID:
            self.faults.add(self.line, f"{column} of {len(name)} letters", f"at most {LONGEST_ID}")
        if name in seen:
            self.faults.add(self.line, f"{column} {name!r}, which line {seen[name]} has", "each id once")
        seen.setdefault(name, self.line)
        return name


def read_table(
    path: Path, what: str, *, required: Sequence[str], optional: Sequence[str], prefix: str, faults: Faults
) -> tuple[list[Row], list[str]]:
    """Read a table.

    Parameters
    ----------
    path
        CSV file in UTF-8 with commas and a heading.
    what
        What it is, for the messages.
    required, optional
        Columns that must, and that may, be there. Others are not read, but one whose name resembles a known one is a fault.
    prefix
        Beginning of further columns to read ("uses:"); empty for none.
    faults
        Told of what is wrong; raised here if the columns are.

    Returns
    -------
    The rows that are not empty, and the names of the columns with the prefix.

    Raises
    ------
    InputError
        If there is no such file, it is no CSV, or its columns are not as they should be.
    """
    reader = csv.reader(io.StringIO(read_text(path, what)), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        rows.extend((reader.line_num, [cell.strip() for cell in cells]) for cells in reader)
    except csv.Error as error:
        faults.add(reader.line_num, str(error), "comma-separated cells, with quotes that are closed")
        faults.raise_if_any()
    heading = rows[0][1] if rows else []
    further = [name for name in heading if prefix and name.startswith(prefix)]
    _check_heading(heading, required, [*required, *optional, *([prefix] if prefix else [])], further, faults)
    faults.raise_if_any()
    known = {*required, *optional, *further}
    read = []
    for line, cells in rows[1:]:
        if len(cells) > len(heading):
            faults.add(line, f"{len(cells)} cells", f"{len(heading)}, one a column", "Quote cells that hold commas")
        elif any(cells):
            pairs = zip(heading, cells, strict=False)
            read.append(Row(line, {name: cell for name, cell in pairs if name in known}, faults))
    return read, further


def _check_heading(
    heading: list[str], required: Sequence[str], known: Sequence[str], further: Sequence[str], faults: Faults
) -> None:
    for name in required:
        if name not in heading:
            near = close_match(name, [column for column in heading if column not in known])
            faults.add(1, f"no column {name!r}", f"the columns {', '.join(required)}", near)
    for name in dict.fromkeys(heading):
        if name and heading.count(name) > 1:
            faults.add(1, f"column {name!r} {heading.count(name)} times", "each column once")
        near = (
            ""
            if name in known or name in further
            else close_match(name.split(":")[0] + ":" if ":" in name else name, known)
        )
        if near:
            faults.add(1, f"column {name!r}", "a column that is known, or a name unlike any", near)


def _parsed(text: str) -> float:
    try:
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan
