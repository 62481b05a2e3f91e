"""What goes wrong with input, said so that a person can mend it: where, what was found,
what was expected, what to do.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Marks without a width of their own that some scripts are not written without."""


def printable(text: str) -> str:
    r"""Return `text` with control, escape and direction characters, line ends and lone
    surrogates written as escapes such as `\x1b`.

    Text from files and records passes here wherever it is printed, so that it cannot
    steer a terminal or feign another line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        (
            mark
            if mark.isprintable() or mark in JOINERS or unicodedata.category(mark) == "Zs"
            else mark.encode("unicode_escape").decode()
        )
        for mark in text
    )


LONGEST = 600
"""Characters of a part of a message that are shown: a file may name a thing by any number."""


def _in_brief(text: str) -> str:
    """Return a text, without its middle where it is longer than `LONGEST`."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 103]}...{text[-100:]}"


PROBLEMS_SHOWN = 10
"""Problems of one file, or of one column of it, that are described; a file of another
kind has one on every line.
"""


@dataclass(frozen=True, slots=True)
class InputFault:
    """One fault in something a user gave us."""

    #: File, row, field or option that holds the fault.
    where: str
    #: What stands there.
    found: str
    #: What should stand there, in the user's words and units.
    expected: str
    #: What to do about it, as an imperative sentence without its full stop.
    remedy: str = ""

    def __str__(self) -> str:
        """Return the fault as one line that a terminal can show."""
        where, found, expected = map(_in_brief, (self.where, self.found, self.expected))
        line = f"{where}: found {found}; expected {expected.rstrip('.')}."
        remedy = self.remedy if self.remedy.endswith("?") else self.remedy.rstrip(".") + "."
        return printable(f"{line} {remedy}" if self.remedy else line)


Problem = InputFault


class OptimizerError(Exception):
    """Parent of every error this package raises on purpose."""

    #: What the command line returns when the error ends it.
    exit_code: ClassVar[int] = 1


class InputError(OptimizerError):
    """Input that cannot be used; holds every problem found, not the first alone."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class InfeasibleError(OptimizerError):
    """No plan satisfies the constraints; the message names the one that fails."""

    exit_code: ClassVar[int] = 3


class SolverError(OptimizerError):
    """The solver underneath failed in a way that its own limits do not explain."""

    exit_code: ClassVar[int] = 3


class ProblemList:
    """Collects the problems of one run, of any number of files, so that they are
    reported together.
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._files: dict[str, FileProblems] = {}

    def __bool__(self) -> bool:
        """Whether any problem was found."""
        return bool(self._problems) or any(self._files.values())

    def add(self, where: str, found: object, expected: str, remedy: str = "") -> None:
        """Note one problem; `found` is shown as given, cut at 80 characters."""
        self._problems.append(_problem(where, found, expected, remedy))

    def of_file(self, path: str | os.PathLike[str], unit: str = "line") -> FileProblems:
        """Return the collector of one file's problems, which are reported with those of
        this list, after its own.
        """
        return self._files.setdefault(str(path), FileProblems(path, unit))

    def append(self, problem: Problem) -> None:
        """Note a problem that is already described."""
        self._problems.append(problem)

    def extend(self, error: InputError) -> None:
        """Take over the problems of an error caught elsewhere."""
        self._problems.extend(error.problems)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Take over the problems of an `InputError` that ends the block, and go on after it."""
        try:
            yield
        except InputError as error:
            self.extend(error)

    def problems(self) -> list[Problem]:
        """Return what was collected so far; of more than `SHOWN` that differ in their
        place alone the first, with a count.
        """
        every = self._problems + [
            problem for file in self._files.values() for problem in file.problems()
        ]
        every = list(dict.fromkeys(every))  # a file that two steps read has its faults once
        alike = Counter((problem.found, problem.expected, problem.remedy) for problem in every)
        result: dict[object, Problem] = {}
        for problem in every:
            fault = (problem.found, problem.expected, problem.remedy)
            if alike[fault] > PROBLEMS_SHOWN:
                result.setdefault(
                    fault,
                    replace(problem, where=f"{problem.where}, and {alike[fault] - 1} more places"),
                )
            else:
                result[len(result), fault] = problem
        return list(result.values())

    def raise_if_any(self) -> None:
        """Raise `InputError` with everything collected, or do nothing.

        Raises
        ------
        InputError
            If at least one problem was added.
        """
        if problems := self.problems():
            raise InputError(*problems)


ALIKE_SHOWN = 3
"""Rows with one fault that are described each by itself; where there are more, they are
described together, with the first ones.
"""


@dataclass
class _AlikeFaults:
    """Rows that differ from what was expected in the same way: how many, and the first
    ones with what was found there.
    """

    expected: str
    remedy: str
    count: int = 0
    rows: list[tuple[int, str]] = field(default_factory=list)

    @property
    def first(self) -> tuple[int, str]:
        """The first row."""
        return min(self.rows)

    def add(self, number: int, found: str) -> None:
        self.count += 1
        self.rows.append((number, found))
        if len(self.rows) > 2 * PROBLEMS_SHOWN:
            self.rows = sorted(self.rows)[:PROBLEMS_SHOWN]

    def problems(self, path: str, unit: str, named: str) -> list[Problem]:
        """Return the fault of each row, or one for all of them where they are many."""
        shown = sorted(self.rows)[:ALIKE_SHOWN]
        if self.count <= ALIKE_SHOWN or not shown[0][0]:
            return [
                _problem(
                    f"{path}{f', {unit} {number}' if number else ''}{named}",
                    found,
                    self.expected,
                    self.remedy,
                )
                for number, found in sorted(self.rows)[:PROBLEMS_SHOWN]
            ]
        rows = ", ".join(str(number) for number, _ in shown)
        words = list(dict.fromkeys(found for _, found in shown))
        more = self.count - len(shown)
        where = f"{path}, {unit}s {rows} and {more:,} more{named}"
        found = f"{self.count:,} faults of one kind, such as {', '.join(map(_cut, words))}"
        return [Problem(where, found, self.expected, self.remedy)]


class FileProblems:
    """Collects the problems of one file of many rows. Rows of a column with the same
    fault are told together, with their count and the first of them; of many kinds of
    faults the first are told, in the order of their lines, and the others counted.

    Parameters
    ----------
    path
        The file.
    unit
        What its rows are numbered by in the messages: "line" or "feature".
    """

    def __init__(self, path: str | os.PathLike[str], unit: str = "line") -> None:
        self._path = str(path)
        self._unit = unit
        self._count: Counter[str] = Counter()
        self._kinds: defaultdict[str, dict[tuple[str, str], _AlikeFaults]] = defaultdict(dict)

    def __bool__(self) -> bool:
        """Whether any problem was found."""
        return bool(self._count)

    def add(
        self, number: int, found: str, expected: str, remedy: str = "", *, column: str = ""
    ) -> None:
        """Note one problem.

        Parameters
        ----------
        number
            Line or feature, from 1; 0 stands for the file as a whole.
        found, expected, remedy
            As in `Problem`. Rows with the same `expected` and `remedy` have the same
            fault.
        column
            Name of the column at fault, which becomes a part of `where`; the problems
            of each column are counted separately.
        """
        self._count[column] += 1
        kinds = self._kinds[column]
        alike = kinds.setdefault((expected, remedy), _AlikeFaults(expected, remedy))
        alike.add(number, found)
        if len(kinds) > 4 * PROBLEMS_SHOWN:
            first = sorted(kinds.items(), key=lambda item: item[1].first)
            self._kinds[column] = dict(first[:PROBLEMS_SHOWN])

    def add_each(
        self,
        numbers: NDArray[np.int64],
        describe: Callable[[int], str],
        expected: str,
        remedy: str = "",
    ) -> None:
        """Note one problem for each of `numbers`.

        `describe` returns what was found at a position of `numbers`; it is called for
        the first `SHOWN` positions only.
        """
        for position, number in enumerate(numbers[:PROBLEMS_SHOWN].tolist()):
            self.add(number, describe(position), expected, remedy)
        if numbers.size > PROBLEMS_SHOWN:
            more = numbers.size - PROBLEMS_SHOWN
            self._count[""] += more
            if alike := self._kinds[""].get((expected, remedy)):
                alike.count += more

    def problems(self) -> list[Problem]:
        """Return the problems of the first `SHOWN` kinds of each column, and one that
        counts the others.
        """
        result = []
        for column, count in self._count.items():
            named = f", column {column!r}" if column else ""
            kinds = sorted(self._kinds[column].values(), key=lambda kind: kind.first)
            told = kinds[:PROBLEMS_SHOWN]
            for kind in told:
                result += kind.problems(self._path, self._unit, named)
            if more := count - sum(kind.count for kind in told):
                found = f"{more:,} more faults, {count:,} in all"
                remedy = "Correct the first ones and read the file again"
                result.append(Problem(f"{self._path}{named}", found, "none", remedy))
        return result

    def raise_if_any(self) -> None:
        """Raise `InputError` with everything collected, or do nothing.

        Raises
        ------
        InputError
            If at least one problem was added.
        """
        if self:
            raise InputError(*self.problems())


def raise_together(*files: FileProblems) -> None:
    """Raise the problems of several files at once, or do nothing.

    Raises
    ------
    InputError
        With what each file's own would say.
    """
    problems = [problem for file in files for problem in file.problems()]
    if problems:
        raise InputError(*problems)


def _problem(where: str, found: object, expected: str, remedy: str) -> Problem:
    return Problem(where, _cut(str(found)), expected, remedy)


def _cut(text: str) -> str:
    """Return a text of at most 80 characters."""
    return text if len(text) <= 80 else text[:77] + "..."
