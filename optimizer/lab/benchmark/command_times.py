"""How long this program takes on this machine: whole commands, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.files.temporary import scratch_folder
from optimizer.base.version import package_version
from optimizer.base.work.executor import cores
from optimizer.lab.benchmark.rows import CommandRow, command_key
from optimizer.lab.machine import stamp
from optimizer.lab.pages import PageFiles, PageTable, fixed, write_page
from optimizer.lab.rows import PlannedRow, distinct, newest_version, when_made

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class TimedCommand:
    """A command to measure.

    Attributes
    ----------
    name
        What the rows call it.
    goal_s
        Seconds that it should take at most on two cores.
    arguments
        Of `cli.py`; `{out}` stands for a folder to write.
    """

    name: str
    goal_s: float
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
        commands.append(TimedCommand(name, 60, ("region", "--file", str(extract), "--out", "{out}")))
    return commands


def _plan(scenario: str, goal_s: float) -> TimedCommand:
    file = ROOT / "instances" / scenario / "scenario.toml"
    return TimedCommand(f"plan instances/{scenario}", goal_s, ("plan", str(file), "--out", "{out}"))


def planned_rows(extract: Path | None = None) -> Iterator[PlannedRow[CommandRow]]:
    """Give the rows of the commands."""
    for command in timed_commands(extract):
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
"""Program that runs a command and measures it. It is small itself: on Linux a new process inherits the peak of the one that starts it."""


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
    content = {
        "cpu": distinct(row.cpu for row in chosen if row.cpu),
        "cores": distinct(str(row.cores) for row in chosen),
        "version": distinct(row.version for row in chosen),
        "python": distinct(row.python for row in chosen),
        "dates": when_made(chosen),
        "table": command_table(chosen),
    }
    return PageFiles(write_page(path, "commands.md.j2", **content), [])
