"""Rows of a table that people write: each cell is checked as it is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.names import close_match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.base.errors import FileProblems
    from optimizer.base.tables import TextTable

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
        Line of the file it begins on.
    cells
        Text of each known column, stripped; empty where the row or the table has none.
    faults
        Told of cells that are wrong.
    """

    line: int
    cells: dict[str, str]
    faults: FileProblems

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


def table_rows(table: TextTable, faults: FileProblems) -> list[Row]:
    """Return the rows of a table, whose cells note what is wrong with them in `faults`."""
    return [
        Row(line, dict(zip(table.text, cells, strict=True)), faults)
        for line, *cells in zip(table.number, *table.text.values(), strict=True)
    ]


def _parsed(text: str) -> float:
    try:
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan
