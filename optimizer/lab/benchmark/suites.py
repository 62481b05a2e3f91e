"""The suites of the benchmark besides the placement families: what each runs, where its
rows lie, and its page.

How long this program takes on this machine: whole commands, each in a process of its
own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.temporary import scratch_folder
from optimizer.base.version import package_version
from optimizer.base.work.executor import cores
from optimizer.lab.benchmark import mixed, patrols
from optimizer.lab.benchmark.rows import (
    FILE,
    CommandRow,
    MixedRow,
    PatrolRow,
    RunOptions,
    command_key,
)
from optimizer.lab.pages import PageFiles, PageTable, fixed, write_page
from optimizer.lab.rows import (
    Case,
    PlannedRow,
    RowStore,
    StoredRow,
    add_missing,
    made_with,
    matching,
    newest_version,
    stamp,
)
from optimizer.problem.instance.instance import Instance


@dataclass(frozen=True, slots=True)
class Suite:
    """A part of the benchmark with rows and a page of its own."""

    #: What it measures.
    about: str
    #: File -> model of its rows, and what gives those to make.
    rows: Mapping[str, tuple[type[StoredRow], Callable[[RunOptions], Iterable[PlannedRow[Any]]]]]
    #: Writes a page of the rows of each file, in this order.
    write_page: Callable[..., PageFiles]

    def run(self, folder: Path, options: RunOptions) -> Iterator[StoredRow]:
        """Add the rows that a folder lacks, and yield each once it is on disk."""
        for file, (kind, planned) in self.rows.items():
            yield from add_missing(RowStore(folder / file, kind), planned(options))

    def page(self, folder: Path) -> PageFiles:
        """Write the page of a folder `X` as `X.md` beside it.

        Raises
        ------
        InputError
            If there are no rows.
        """
        rows = [RowStore(folder / file, kind).read() for file, (kind, _) in self.rows.items()]
        if not any(rows):
            raise InputError(Problem(str(folder), "no rows", "rows of runs", "Run some first"))
        return self.write_page(folder.with_name(f"{folder.name}.md"), *rows)


def chosen_patrol_cases(only: Sequence[str]) -> list[Case[Instance]]:
    """Return the cases with patrols whose names match.

    Raises
    ------
    InputError
        If none does.
    """
    cases = patrols.patrol_cases()
    chosen = matching(cases, only)
    if not chosen:
        expected = f"a pattern that matches one of {', '.join(case.name for case in cases)}"
        raise InputError(Problem("--only", ", ".join(only), expected))
    return chosen


def _patrol_rows(options: RunOptions) -> Iterator[PlannedRow[PatrolRow]]:
    return patrols.planned_rows(chosen_patrol_cases(options.only), options)


def _steadiness_rows(options: RunOptions) -> Iterator[PlannedRow[PatrolRow]]:
    chosen = [case for case in chosen_patrol_cases(options.only) if options.only or case.shipped]
    return patrols.planned_rows(chosen, options, ("joint",))


def _mixed_rows(options: RunOptions) -> Iterator[PlannedRow[MixedRow]]:
    cases = mixed.mixed_cases(options.only, options.seeds, options.extract)
    return mixed.planned_rows(cases, options.gap, options.time_limit, options.methods)


ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class TimedCommand:
    """A command to measure."""

    #: What the rows call it.
    name: str
    #: Seconds that it should take at most on two cores.
    goal_s: float
    #: Of `cli.py`; `{out}` stands for a folder to write.
    arguments: tuple[str, ...]


def timed_commands(extract: Path | None = None) -> list[TimedCommand]:
    """Return start-up, the shipped scenarios and the reading of `extract` if given."""
    commands = [
        TimedCommand("--help", 0.5, ("--help",)),
        _plan("rio-grande", 60),
        _plan("andorra", 90),
    ]
    if extract is not None:
        name = f"region --file {extract.name}"
        commands.append(
            TimedCommand(name, 60, ("region", "--file", str(extract), "--out", "{out}"))
        )
    return commands


def _plan(scenario: str, goal_s: float) -> TimedCommand:
    file = ROOT / "instances" / scenario / "scenario.toml"
    return TimedCommand(f"plan instances/{scenario}", goal_s, ("plan", str(file), "--out", "{out}"))


def _command_rows(options: RunOptions) -> Iterator[PlannedRow[CommandRow]]:
    for command in timed_commands(options.extract):
        yield PlannedRow(command_key(package_version(), command.name), partial(measure, command))


WATCH = """
import json, os, subprocess, sys, time
began, peak = time.monotonic(), None
process = subprocess.Popen(sys.argv[1:], stdout=2, stderr=2)
if hasattr(os, "wait4"):
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
code = process.wait()
print(json.dumps({"seconds": time.monotonic() - began, "peak_mb": peak, "code": code}))
"""
"""Program that runs a command and measures it. It is small itself: on Linux a new
process inherits the peak of the one that starts it.
"""


def measure(command: TimedCommand) -> CommandRow:
    """Run a command and return its time and memory."""
    with scratch_folder() as folder:
        arguments = [argument.format(out=folder / "out") for argument in command.arguments]
        done = subprocess.run(  # noqa: S603 - our own interpreter and command
            [sys.executable, "-S", "-c", WATCH, sys.executable, str(ROOT / "cli.py"), *arguments],
            capture_output=True,
            check=True,
        )
    measured = json.loads(done.stdout)
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    failed = measured["code"] != 0
    return CommandRow(
        command=command.name,
        goal_s=command.goal_s,
        seconds=None if failed else measured["seconds"],
        peak_mb=None if failed else measured["peak_mb"],
        note=(lines[-1] if lines else f"exit code {measured['code']}") if failed else "",
        cores=cores(),
        **stamp(),
    )


COLUMNS = ("command", "goal, s", "took, s", "peak, MB", "note")

FORMATS = {"goal, s": "{:g}".format, "took, s": fixed(1), "peak, MB": fixed(0)}


def command_table(rows: Sequence[CommandRow]) -> PageTable:
    """Return the rows as a table."""
    cells = [(f"`{row.command}`", row.goal_s, row.seconds, row.peak_mb, row.note) for row in rows]
    return PageTable.of(COLUMNS, cells, FORMATS)


def write_command_page(path: Path, rows: Sequence[CommandRow]) -> PageFiles:
    """Write the page of the rows of the newest version."""
    chosen = newest_version(rows)
    content = {**made_with(chosen), "table": command_table(chosen)}
    return PageFiles(write_page(path, "commands.md.j2", **content), [])


SUITES: dict[str, Suite] = {
    "patrols": Suite(
        "checkpoints and patrols in one plan, beside each alone",
        {FILE: (PatrolRow, _patrol_rows)},
        patrols.write_patrol_page,
    ),
    "steadiness": Suite(
        "joint plans of one case under several seeds",
        {FILE: (PatrolRow, _steadiness_rows)},
        patrols.write_steadiness_page,
    ),
    "mixed": Suite(
        "mixtures of plans, beside other ways to randomise",
        {FILE: (MixedRow, _mixed_rows)},
        mixed.write_mixed_page,
    ),
    "commands": Suite(
        "time and memory of this program's own commands",
        {FILE: (CommandRow, _command_rows)},
        write_command_page,
    ),
}
