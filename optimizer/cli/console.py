"""Output of the commands: tables on standard output and progress on standard error for people, one JSON object a line for tools."""

from __future__ import annotations

import json
import math
import sys
import time
from enum import Enum
from typing import TYPE_CHECKING, Any

from optimizer.base.formatting import printable
from optimizer.base.listener import SilentListener
from optimizer.cli.terminal import encodable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


class Verbosity(Enum):
    """How much is printed on standard error while a command works."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


QUIET_SECONDS = 0.25
"""Least time between two lines on the bounds."""

_verbosity = Verbosity.NORMAL


def set_verbosity(verbosity: Verbosity) -> None:
    """Set how much the printers that are made from now on print."""
    global _verbosity  # noqa: PLW0603 - one command a process, set before it begins
    _verbosity = verbosity


def print_json(content: dict[str, Any]) -> None:
    """Print one object on one line of standard output; NaN is a defect and raises."""
    line = json.dumps(content, allow_nan=False, ensure_ascii=False)
    if encodable(line) != line:  # JSON has escapes of its own
        line = json.dumps(content, allow_nan=False)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def to_people() -> Console:
    """Return a console on standard output."""
    from rich.console import Console

    return Console(highlight=False)


def print_line(text: str) -> None:
    """Print a sentence for people on standard output, as long as it is, without what would steer the terminal."""
    to_people().print(encodable(printable(text)), markup=False, soft_wrap=True)


def print_note(text: str) -> None:
    """Print a sentence on standard error, without what would steer the terminal."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def shown(cell: str | Sequence[str]) -> str:
    """Return a cell or title, or the lines of one, as the terminal shows it: nothing in its text steers the terminal or breaks a line."""
    return encodable("\n".join(map(printable, [cell] if isinstance(cell, str) else cell)))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str | Sequence[str]]]) -> None:
    """Print a small table; text is shown as it is, never as markup. A cell of several lines is a sequence of them."""
    from rich.table import Table
    from rich.text import Text

    console = to_people()
    console.print(Text(shown(title), style="bold"), soft_wrap=True)
    table = Table()
    for k, column in enumerate(columns):
        table.add_column(shown(column), justify="left" if k == 0 else "right")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    console.print(table)


class ProgressPrinter(SilentListener):
    """Prints steps and bounds on standard error: nothing with `--quiet`, every step and its seconds with `--verbose`.

    Parameters
    ----------
    silent
        Print nothing, unless `--verbose` was given.
    """

    def __init__(self, *, silent: bool) -> None:
        self._verbose = _verbosity is Verbosity.VERBOSE
        self._silent = not self._verbose and (silent or _verbosity is Verbosity.QUIET)
        self._began = time.monotonic()
        self._printed = -QUIET_SECONDS
        self._last = ""
        self._steps: list[str] = []
        self._bounds = ""

    def message(self, text: str) -> None:
        """Print a line with the time since the start."""
        if not self._silent:
            sys.stderr.write(f"[{time.monotonic() - self._began:6.1f} s] {printable(text)}\n")
            sys.stderr.flush()

    def noted(self, sentence: str) -> None:
        """Print a sentence, also where progress is not wanted; nothing with `--quiet`."""
        if _verbosity is not Verbosity.QUIET:
            print_note(sentence)

    def step_started(self, name: str) -> None:
        """Print a step; one within another is printed below it with the bounds, unless it is over at once."""
        self._steps.append(name)
        if self._verbose or len(self._steps) == 1:
            self._bounds = ""
            self.message("  " * (len(self._steps) - 1) + name)
        else:
            self._print_state()

    def step_ended(self, name: str, seconds: float) -> None:
        """Return to the step around it."""
        self._steps.pop()
        if self._verbose:
            self.message("  " * len(self._steps) + f"{name}: {seconds:.3f} s")

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Print where the bounds stand, if they have moved and the last line is not too recent."""
        self._bounds = f": {bounds_text(lower, upper if math.isfinite(upper) else None)}"
        self._print_state()

    def _print_state(self) -> None:
        text = f"  {self._steps[-1] if self._steps else 'bounds'}{self._bounds}"
        now = time.monotonic()
        if text != self._last and (self._verbose or now - self._printed >= QUIET_SECONDS):
            self.message(text)
            self._last, self._printed = text, now


def bounds_text(lower: float | None, upper: float | None) -> str:
    """Return 'lower .. upper (gap %)' with unknown bounds as dashes."""
    from optimizer.problem.result import relative_gap

    gap = relative_gap(lower, upper)
    return f"{number(lower)} .. {number(upper)}" + (f" (gap {gap:.2%})" if gap is not None else "")


def number(value: float | None) -> str:
    """Return a number to six figures, or a dash."""
    return "-" if value is None else f"{value:.6g}"
