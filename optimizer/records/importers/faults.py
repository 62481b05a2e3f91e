"""What is wrong with imported files, by file and line: the first ten of each file in full, the others counted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from optimizer.base.errors import ProblemList

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.base.errors import InputError

SHOWN = 10
"""Faults of a file that are described; a file of another kind has one on every line."""

FILE, LINE = "file of the row", "line of the row"
"""Columns of a table in memory that say where each row comes from."""


class Faults:
    """Collects faults of several files, so that they are reported together and in the order of their lines."""

    def __init__(self) -> None:
        self._count: defaultdict[str, int] = defaultdict(int)
        self._described: defaultdict[str, list[tuple[int, str, str, str]]] = defaultdict(list)
        self._others: list[InputError] = []

    def add(self, file: str, line: int, found: str, expected: str, remedy: str = "") -> None:
        """Note one fault; line 0 stands for the file as a whole."""
        self._count[file] += 1
        if self._count[file] <= 100 * SHOWN:
            self._described[file].append((line, found, expected, remedy))

    def add_rows(self, rows: pd.DataFrame, column: str, expected: str, remedy: str = "") -> None:
        """Note one fault a row: what stands in `column` is not what was expected."""
        for file, own in rows.groupby(FILE, sort=False):
            name = str(file)
            first = own.nsmallest(SHOWN, LINE)
            for line, text in zip(first[LINE].tolist(), first[column].tolist(), strict=True):
                self.add(name, line, f"{column} {text!r}", expected, remedy)
            self._count[name] += max(0, len(own) - SHOWN)

    def take(self, error: InputError) -> None:
        """Take over what was caught elsewhere, as it stands."""
        self._others.append(error)

    def raise_if_any(self) -> None:
        """Raise what was collected, or do nothing.

        Raises
        ------
        InputError
            With the first ten faults of each file, and the number of the others.
        """
        problems = ProblemList()
        for error in self._others:
            problems.extend(error)
        for file, count in self._count.items():
            for line, found, expected, remedy in sorted(self._described[file])[:SHOWN]:
                problems.add(f"{file}, line {line}" if line else file, found, expected, remedy)
            if count > SHOWN:
                more = f"{count - SHOWN} more faults, {count} in all"
                problems.add(file, more, "none", "Mend the first ones and read the file again")
        problems.raise_if_any()
