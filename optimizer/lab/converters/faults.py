"""The faults of one text file, by line: the first ten in full, the others counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, ProblemList

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SHOWN = 10
"""Faults of a file that are described; a file of another kind has one on every line."""


class Faults:
    """Collects what is wrong with a file, so that it is reported together and in the order of its lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._described: list[tuple[int, str, str, str]] = []

    def add(self, line: int, found: str, expected: str, remedy: str = "") -> None:
        """Note one fault; line 0 stands for the file as a whole."""
        self._count += 1
        self._described.append((line, found, expected, remedy))
        if len(self._described) > 2 * SHOWN:
            self._described = self._first()

    def add_each(
        self, lines: NDArray[np.int64], describe: Callable[[int], str], expected: str, remedy: str = ""
    ) -> None:
        """Note one fault a line; `describe` says what was found at a position of `lines`, and is asked for the first ten alone."""
        for position, line in enumerate(lines[:SHOWN].tolist()):
            self.add(line, describe(position), expected, remedy)
        self._count += max(0, lines.size - SHOWN)

    def raise_if_any(self) -> None:
        """Raise what was collected, or do nothing.

        Raises
        ------
        InputError
            With the first ten faults, and the number of the others.
        """
        problems = ProblemList()
        for line, found, expected, remedy in self._first():
            problems.add(f"{self._path}, line {line}" if line else str(self._path), found, expected, remedy)
        if self._count > SHOWN:
            found = f"{self._count - SHOWN} more faults, {self._count} in all"
            problems.add(str(self._path), found, "none", "Mend the first ones and read the file again")
        problems.raise_if_any()

    def _first(self) -> list[tuple[int, str, str, str]]:
        return sorted(self._described)[:SHOWN]


def raise_together(*several: Faults) -> None:
    """Raise the faults of several files at once, or do nothing.

    Raises
    ------
    InputError
        With what each file's own would say.
    """
    problems = ProblemList()
    for faults in several:
        try:
            faults.raise_if_any()
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
