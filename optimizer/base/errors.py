"""What goes wrong with input, said so that a person can mend it: where, what was found, what was expected, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in something a user gave us.

    Attributes
    ----------
    where
        File, row, field or option that holds the fault.
    found
        What stands there.
    expected
        What should stand there, in the user's words and units.
    remedy
        What to do about it, as an imperative sentence without its full stop.
    """

    where: str
    found: str
    expected: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the fault as one line."""
        line = f"{self.where}: found {self.found}; expected {self.expected}."
        remedy = self.remedy if self.remedy.endswith("?") else self.remedy.rstrip(".") + "."
        return f"{line} {remedy}" if self.remedy else line


class OptimizerError(Exception):
    """Parent of every error this package raises on purpose.

    Attributes
    ----------
    exit_code
        What the command line returns when the error ends it.
    """

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
    """Collects the problems of one file so that they are reported together."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def __bool__(self) -> bool:
        """Whether any problem was found."""
        return bool(self._problems)

    def add(self, where: str, found: object, expected: str, remedy: str = "") -> None:
        """Note one problem; `found` is shown as given, cut at 80 characters."""
        text = str(found)
        self._problems.append(Problem(where, text if len(text) <= 80 else text[:77] + "...", expected, remedy))

    def append(self, problem: Problem) -> None:
        """Note a problem that is already described."""
        self._problems.append(problem)

    def extend(self, error: InputError) -> None:
        """Take over the problems of an error caught elsewhere."""
        self._problems.extend(error.problems)

    def raise_if_any(self) -> None:
        """Raise `InputError` with everything collected, or do nothing.

        Raises
        ------
        InputError
            If at least one problem was added.
        """
        if self._problems:
            raise InputError(*self._problems)
