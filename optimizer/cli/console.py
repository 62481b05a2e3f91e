"""What commands print: tables on standard output, progress on standard error, one JSON
object a line for tools.

Streams that are closed, full or of an old encoding: `optimizer.cli.terminal`.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, TextIO

from optimizer.base.errors import printable
from optimizer.base.text.formatting import ValueText, number, percent
from optimizer.base.text.messages import shortened
from optimizer.base.work.listener import SilentListener
from optimizer.cli.terminal import encodable
from optimizer.report.content.report_table import first_rows

if TYPE_CHECKING:
    from rich.console import Console

    from optimizer.problem.plan.result import Result
    from optimizer.report.answer import ShortPage


class Verbosity(Enum):
    """How much is printed on standard error while a command works."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


QUIET_SECONDS = 0.25
"""Least time between two lines on the bounds."""

TICK_SECONDS = 1.0
"""Age at which the line that is rewritten shows its seconds anew."""

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
    """Print a sentence for people on standard output, without what would steer the terminal."""
    to_people().print(encodable(_wrapped(text, sys.stdout)), markup=False, soft_wrap=True)


def print_note(text: str) -> None:
    """Print a sentence on standard error, without what would steer the terminal."""
    end_rewritten()
    sys.stderr.write(_wrapped(text, sys.stderr) + "\n")
    sys.stderr.flush()


def _wrapped(text: str, stream: TextIO) -> str:
    """Return a sentence as a stream gets it: a terminal in lines that break between
    words, a file or pipe in one.
    """
    line = printable(text)
    if not stream.isatty():
        return line
    return (
        "\n".join(
            textwrap.wrap(
                line, max(1, _columns(stream) - 1), break_on_hyphens=False, drop_whitespace=True
            )
        )
        or line
    )


def shown(cell: str | Sequence[str]) -> str:
    """Return a cell or title, or the lines of one, as the terminal shows it: nothing in
    its text steers the terminal or breaks a line.
    """
    return encodable("\n".join(map(printable, [cell] if isinstance(cell, str) else cell)))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Sequence[str]]],
    nothing: str = "",
) -> None:
    """Print a small table; text is shown as it is, never as markup. A cell of several
    lines is a sequence of them.

    `nothing` is said below the title in place of a table without rows.
    """
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    console = to_people()
    console.print(Text(shown(title), style="bold"), soft_wrap=True)
    if nothing and not rows:
        print_line(nothing)
        return
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    cells = [[shown(cell) for cell in row] for row in rows]
    widths, least = [], []
    for k, column in enumerate(columns):
        lines = [line for row in cells for line in row[k].split("\n")]
        short = all(cell_len(line) <= NARROW for line in lines)
        head = (
            "\n".join(textwrap.wrap(shown(column), NARROW, break_long_words=False))
            if short
            else shown(column)
        )
        widths.append(max(map(cell_len, [*lines, *head.split("\n")])))
        words = [
            word for line in [*([] if short else lines), *head.split("\n")] for word in line.split()
        ]
        least.append(
            widths[k] if short else min(max(map(cell_len, words), default=1), LONGEST_WORD)
        )
        table.add_column(
            head, justify="left" if k == 0 or not short else "right", no_wrap=short, overflow="fold"
        )
    room = console.width - 2 * len(columns)  # padding and lines of the box
    if sum(least) > room:
        for row in cells:
            console.print(
                "",
                *(
                    f"{shown(head)}: {cell}".removeprefix(": ")
                    for head, cell in zip(columns, row, strict=True)
                ),
                sep="\n",
                markup=False,
            )
        return
    while sum(widths) > room:  # the widest gives way, but to no word
        k = max((k for k in range(len(widths)) if widths[k] > least[k]), key=widths.__getitem__)
        widths[k] -= 1
    for made, width in zip(table.columns, widths, strict=True):
        made.width = width
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


NARROW = 12
"""Characters up to which cells are never broken: numbers and single words. Names give
way to them.
"""

LONGEST_WORD = 20
"""Characters up to which words are not broken; where a terminal has no room for them,
rows are printed a cell a line.
"""


def print_page(page: ShortPage) -> None:
    """Print what a short page says: the answer, then each part with its first rows;
    folded parts and figures are in the folder alone.
    """
    print_line(page.headline)
    for section in page.sections:
        if section.folded:
            continue
        for sentence in section.sentences:
            print_line(sentence)
        for table in section.tables:
            if not table.rows:
                continue
            shown_rows, rest = first_rows(table)
            print_line("")
            print_table(table.caption, [column.header for column in table.columns], shown_rows)
            if rest:
                print_line(f"{rest} more rows: --out FOLDER writes {table.file} with all.")


class ProgressPrinter(SilentListener):
    """Prints steps and bounds on standard error: nothing with `--quiet`, every step and
    its seconds with `--verbose`.

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
        self._bounds = self._narrow = ""
        self._shares = False
        self._search_began: float | None = None
        self._seconds: float | None = None

    def line(self, text: str) -> None:
        """Print a line with the time since the start."""
        if not self._silent:
            end_rewritten()
            sys.stderr.write(f"[{time.monotonic() - self._began:6.1f} s] {printable(text)}\n")
            sys.stderr.flush()

    def noted(self, sentence: str) -> None:
        """Print a sentence, also where progress is not wanted; nothing with `--quiet`."""
        if _verbosity is not Verbosity.QUIET:
            print_note(sentence)

    def search_began(self, *, shares: bool, seconds: float | None) -> None:
        """Remember how bounds are to be said, and how long the search has."""
        self._shares = shares
        self._seconds = seconds
        self._search_began = time.monotonic()

    def step_started(self, name: str) -> None:
        """Print a step; one within another is printed below it with the bounds, unless
        it is over at once.
        """
        self._steps.append(name)
        if self._verbose or len(self._steps) == 1:
            self._bounds = ""
            self.line("  " * (len(self._steps) - 1) + name)
        else:
            self._print_state()

    def step_ended(self, name: str, seconds: float) -> None:
        """Return to the step around it; what was rewritten last stays when the outermost ends."""
        self._steps.pop()
        if not self._steps:
            end_rewritten()
        if self._verbose:
            self.line("  " * len(self._steps) + f"{name}: {seconds:.3f} s")

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Print where the bounds stand, if they have moved and the last line is not too recent."""
        known = upper if math.isfinite(upper) else None
        self._bounds = (
            f": {shares_text(lower, known) if self._shares else bounds_text(lower, known)}"
        )
        bound, value = ValueText(self._shares).bound(lower), ValueText(self._shares).value(upper)
        self._narrow = f"{'no plan' if known is None else value}, bound {bound}"
        self._print_state()

    def cancelled(self) -> bool:
        """Bring the seconds of the line that is rewritten up to date, about once a
        second; a printer never stops a search.
        """
        late = time.monotonic() - self._printed >= TICK_SECONDS
        if (
            late
            and self._bounds
            and self._search_began is not None
            and not self._verbose
            and sys.stderr.isatty()
        ):
            self._print_state(again=True)
        return False

    def _print_state(self, *, again: bool = False) -> None:
        text = f"  {self._steps[-1] if self._steps else 'bounds'}{self._bounds}"
        now = time.monotonic()
        if (text == self._last and not again) or (
            not self._verbose and now - self._printed < QUIET_SECONDS
        ):
            return
        self._last, self._printed = text, now
        if self._silent:
            return
        if self._verbose or not sys.stderr.isatty():
            self.line(text)
        elif self._bounds and self._search_began is not None:
            of = "" if self._seconds is None else f" of {self._seconds:.0f}"
            seconds = f"; {now - self._search_began:.0f}{of} s"
            bounds = self._bounds[2:] + seconds
            named = f"{self._steps[-1]}: {bounds}" if len(self._steps) > 1 else bounds
            rewrite(
                next(
                    (line for line in (named, bounds) if len(line) < _columns(sys.stderr)),
                    self._narrow + seconds,
                )
            )
        else:
            rewrite(text.strip())


_rewritten = 0
"""Characters of the line of standard error that is rewritten; 0 while there is none."""


def rewrite(text: str) -> None:
    """Write over the line of standard error that was rewritten last, within the width
    of the terminal.
    """
    global _rewritten  # noqa: PLW0603 - a process has one terminal
    wide = _columns(sys.stderr) - 1
    text = printable(text)[:wide]
    sys.stderr.write("\r" + text.ljust(min(_rewritten, wide)))
    sys.stderr.flush()
    _rewritten = max(len(text), 1)


def _columns(stream: TextIO) -> int:
    """Return how wide the terminal of a stream is; that of another may be a file, or
    another terminal.
    """
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return columns or shutil.get_terminal_size().columns


def end_rewritten() -> None:
    """Let the line that is rewritten stand, and begin a new one; nothing where there is none."""
    global _rewritten  # noqa: PLW0603 - a process has one terminal
    if _rewritten:
        sys.stderr.write("\n")
        sys.stderr.flush()
        _rewritten = 0


def shares_text(lower: float | None, upper: float | None) -> str:
    """Return bounds of the share of loads that gets through in words."""
    found = "no plan yet" if upper is None else f"at best {SHARES.value(upper)} get through so far"
    return found if lower is None else f"{found}, no plan can go below {SHARES.bound(lower)}"


SHARES = ValueText(share=True)


def bounds_text(lower: float | None, upper: float | None) -> str:
    """Return 'lower .. upper (gap %)' with unknown bounds as dashes."""
    from optimizer.problem.plan.result import relative_gap

    gap = relative_gap(lower, upper)
    return f"{six_figures(lower)} .. {six_figures(upper)}" + (
        f" (gap {gap:.2%})" if gap is not None else ""
    )


def six_figures(value: float | None) -> str:
    """Return a number to six figures, or a dash."""
    return "-" if value is None else number(value, 6)


def result_line(instance: str, result: Result) -> dict[str, Any]:
    """Return what `solve` and `plan` print with --json."""
    from optimizer.base.version import package_version
    from optimizer.problem.plan.result import result_summary

    plan = list(result.plan.options) if result.plan else []
    summary = {"instance": instance, **result_summary(result), "plan": plan, "seed": result.seed}
    more = weighed_beats(result) | mixture_line(result)
    return summary | {"tolerance": result.tolerance, "version": package_version()} | more


def mixture_line(result: Result) -> dict[str, Any]:
    """Return the mixture and what it is compared with, for --json; nothing for other
    methods than `mixed`.
    """
    mixed, upper = result.mixed, result.upper
    if mixed is None or upper is None:
        return {}
    mixture = mixed.mixture
    return {
        "support": [
            {"plan": list(plan.options), "probability": probability}
            for plan, probability in zip(mixture.plans, mixture.probabilities, strict=True)
        ],
        "marginals": mixture.marginals,
        "pure_lower": mixed.pure_lower,
        "pure_upper": mixed.pure_upper,
        "gain": mixed.gain(upper),
        "proven_gain": mixed.proven_gain(upper),
        "saturated": mixed.saturated,
    }


def verdict_in_percent(result: Result, everything: str = "all loads") -> str:
    """Return in one sentence how a search over shares of loads ended: what gets through
    of `everything`, and the bound on every plan.
    """
    from optimizer.problem.plan.result import GIVEN

    if result.upper is None:
        return verdict(result)
    through = f"{percent(result.upper)} of {everything} get through"
    if result.method == GIVEN and not result.lower:
        return f"the plan was given: {through}; no bound was asked for."
    ended = {None: "", "interrupted": ", when it was interrupted"}.get(
        result.limit, f", when its {result.limit} limit ended the search"
    )
    if result.lower is None:
        return f"{through}{ended}; how much better another plan could be was not proven."
    if result.upper - result.lower <= 1e-8 * result.upper:
        return f"{through}; no plan within the budgets does better: that is proven."
    every = "" if result.weighed is None else ", whatever beats its teams drive"
    bound, _value = SHARES.pair(result.lower, result.upper)
    return f"{through}{ended}; no plan within the budgets can go below {bound}{every}."


def weighed_beats(result: Result) -> dict[str, Any]:
    """Return the bounds within the beats that were generated, for --json; nothing without teams."""
    if result.weighed is None:
        return {}
    return {"weighed_lower": result.weighed_lower, "weighed_gap": result.weighed_gap}


def verdict(result: Result) -> str:
    """Return status, limit and bounds in a phrase; with teams both the bounds over
    every beat and within those weighed.

    Of a plan that was given it is the value alone, unless a bound is known.
    """
    from optimizer.problem.plan.result import GIVEN

    if result.method == GIVEN and not result.lower:
        return f"given, {six_figures(result.upper)}; no bound was asked for"
    limit = result.limit
    ended = {None: "", "interrupted": " (interrupted)"}.get(
        limit, f" (stopped by its {limit} limit)"
    )
    words = f"{result.status}{ended}, {bounds_text(result.lower, result.upper)}"
    if result.weighed is None:
        return words
    return (
        f"{words} against every beat (it has no certificate); within the beats weighed"
        f" {bounds_text(result.weighed_lower, result.upper)}"
    )


def note_unreachable(where: object, ids: Sequence[str]) -> None:
    """Print a note on what was left out of the problem of a file; nothing where that is nobody."""
    if ids:
        print_note(f"Note: {where}: left out, no path ({len(ids)}): {shortened(ids)}")


def unreachable_json(ids: Sequence[str], *, wanted: bool) -> dict[str, Any]:
    """Return what is added to a JSON line: nothing where `--skip-unreachable` was not given."""
    return {"skipped": list(ids)} if wanted else {}
