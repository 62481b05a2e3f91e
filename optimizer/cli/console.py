"""What a command says: tables and progress for people on standard error and output, one JSON object a line for tools."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from optimizer.problem.result import Progress

QUIET_SECONDS = 0.25
"""Bounds that close faster than this are not worth a line each."""


def print_json(content: dict[str, Any]) -> None:
    """Print one object on one line of standard output; NaN is a defect and raises."""
    sys.stdout.write(json.dumps(content, allow_nan=False, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def to_people() -> Console:
    """Return a console on standard output."""
    from rich.console import Console

    return Console(highlight=False)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a small table; text is shown as it is, never as markup."""
    from rich.table import Table
    from rich.text import Text

    console = to_people()
    console.print(Text(title, style="bold"), soft_wrap=True)
    table = Table()
    for k, column in enumerate(columns):
        table.add_column(column, justify="left" if k == 0 else "right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


class Sayer:
    """Tells a person on standard error what is being done and how the bounds close."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._began = time.monotonic()
        self._last = -QUIET_SECONDS
        self._said = ""

    def step(self, name: str) -> None:
        """Say that a step begins."""
        self._say(name)

    def progress(self, progress: Progress) -> None:
        """Say where the bounds stand, if they have moved and the last word is not too fresh."""
        words = f"  {progress.step}: {bounds_text(progress.lower, progress.upper)}"
        now = time.monotonic()
        if words != self._said and now - self._last >= QUIET_SECONDS:
            self._say(words)
            self._said, self._last = words, now

    def _say(self, words: str) -> None:
        if not self._silent:
            sys.stderr.write(f"[{time.monotonic() - self._began:6.1f} s] {words}\n")
            sys.stderr.flush()


def bounds_text(lower: float | None, upper: float | None) -> str:
    """Return 'lower .. upper (gap %)' with unknown bounds as dashes."""
    from optimizer.problem.result import relative_gap

    gap = relative_gap(lower, upper)
    return f"{number(lower)} .. {number(upper)}" + (f" (gap {gap:.2%})" if gap is not None else "")


def number(value: float | None) -> str:
    """Return a number to six figures, or a dash."""
    return "-" if value is None else f"{value:.6g}"
