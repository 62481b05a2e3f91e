"""The suites of the benchmark besides the placement families: what each runs, where its rows lie, and its page.

How long this program takes on this machine: whole commands, each in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence  # noqa: TC003 - the dataclasses' annotations are read by tools
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.temporary import scratch_folder
from optimizer.base.version import package_version
from optimizer.base.work.executor import cores
from optimizer.lab.benchmark import mixed as mixed_runs
from optimizer.lab.benchmark import overlay_scaling, tours
from optimizer.lab.benchmark import patrols as patrol_cases
from optimizer.lab.benchmark import patrols as patrol_page
from optimizer.lab.benchmark import patrols as patrol_runs
from optimizer.lab.benchmark import patrols as steadiness
from optimizer.lab.benchmark.mixed import mixed_cases
from optimizer.lab.benchmark.rows import (
    FILE,
    CommandRow,
    MixedRow,
    OverlayRow,
    PatrolRow,
    TourComparisonRow,
    TourRow,
    command_key,
)
from optimizer.lab.machine import stamp
from optimizer.lab.pages import (
    PageFiles,
    PageTable,
    fixed,
    write_page,
)
from optimizer.lab.rows import (
    Case,
    PlannedRow,
    RowStore,
    StoredRow,
    add_missing,
    distinct,
    matching,
    newest_version,
    when_made,
)
from optimizer.problem.instance.instance import Instance  # noqa: TC001 - as above

COMPARISONS = "pyvrp.jsonl"

GAP, TIME_LIMIT = 1e-4, 120.0
"""What runs with patrols are asked for when nothing else is said."""


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """What a suite is to run.

    Attributes
    ----------
    only
        Patterns with * and ? of which a case's name must match one; all cases without one.
    seeds, gap, time_limit, threads
        Of runs with patrols and of mixtures, whose seeds are those of their cases; None for what a suite is asked for by itself.
    extract
        OpenStreetMap extract for the suites `overlay` and `commands` to measure as well; for `mixed` it may be a folder of them.
    methods
        Of the suite `mixed`; every one where empty.
    """

    only: Sequence[str] = ()
    seeds: Sequence[int] = (0,)
    gap: float | None = None
    time_limit: float | None = None
    extract: Path | None = None
    threads: int = 1
    methods: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Suite:
    """A part of the benchmark with rows and a page of its own.

    Attributes
    ----------
    about
        What it measures.
    run
        Adds the rows that a folder lacks, and yields each once it is on disk.
    page
        Writes the page of a folder `X` as `X.md` beside it.
    """

    about: str
    run: Callable[[Path, SuiteOptions], Iterator[StoredRow]]
    page: Callable[[Path], PageFiles]


def chosen_patrol_cases(only: Sequence[str]) -> list[Case[Instance]]:
    """Return the cases with patrols whose names match.

    Raises
    ------
    InputError
        If none does.
    """
    cases = patrol_cases.patrol_cases()
    chosen = matching(cases, only)
    if not chosen:
        expected = f"a pattern that matches one of {', '.join(case.name for case in cases)}"
        raise InputError(Problem("--only", ", ".join(only), expected))
    return chosen


def _run_patrols(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    planned = patrol_runs.planned_rows(chosen_patrol_cases(options.only), _several(options))
    yield from add_missing(RowStore(folder / FILE, PatrolRow), planned)


def _run_steadiness(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    chosen = [case for case in chosen_patrol_cases(options.only) if options.only or case.shipped]
    planned = patrol_runs.planned_rows(chosen, _several(options), ("joint",))
    yield from add_missing(RowStore(folder / FILE, PatrolRow), planned)


def _several(options: SuiteOptions) -> list[patrol_runs.PatrolOptions]:
    gap = GAP if options.gap is None else options.gap
    limit = TIME_LIMIT if options.time_limit is None else options.time_limit
    return [patrol_runs.PatrolOptions(seed, gap, limit, options.threads) for seed in options.seeds]


def _run_tours(folder: Path, _: SuiteOptions) -> Iterator[StoredRow]:
    yield from add_missing(RowStore(folder / FILE, TourRow), tours.planned_proofs())
    yield from add_missing(RowStore(folder / COMPARISONS, TourComparisonRow), tours.planned_comparisons())


def _run_overlay(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    planned = overlay_scaling.planned_rows(extract=options.extract)
    yield from add_missing(RowStore(folder / FILE, OverlayRow), planned)


def _run_commands(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    yield from add_missing(RowStore(folder / FILE, CommandRow), planned_rows(options.extract))


def _run_mixed(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    cases = mixed_cases(options.only, options.seeds, options.extract)
    yield from add_missing(
        RowStore(folder / FILE, MixedRow),
        mixed_runs.planned_rows(cases, options.gap, options.time_limit, options.methods),
    )


def _patrol_page(folder: Path) -> PageFiles:
    return patrol_page.write_patrol_page(_page_of(folder), RowStore(folder / FILE, PatrolRow).read())


def _steadiness_page(folder: Path) -> PageFiles:
    return steadiness.write_steadiness_page(_page_of(folder), RowStore(folder / FILE, PatrolRow).read())


def _tour_page(folder: Path) -> PageFiles:
    proofs = RowStore(folder / FILE, TourRow).read()
    return tours.write_tour_page(_page_of(folder), proofs, RowStore(folder / COMPARISONS, TourComparisonRow).read())


def _overlay_page(folder: Path) -> PageFiles:
    return overlay_scaling.write_overlay_page(_page_of(folder), RowStore(folder / FILE, OverlayRow).read())


def _command_page(folder: Path) -> PageFiles:
    return write_command_page(_page_of(folder), RowStore(folder / FILE, CommandRow).read())


def _mixed_page(folder: Path) -> PageFiles:
    return mixed_runs.write_mixed_page(_page_of(folder), RowStore(folder / FILE, MixedRow).read())


def _page_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.md")


SUITES: dict[str, Suite] = {
    "patrols": Suite("checkpoints and patrols in one plan, beside each alone", _run_patrols, _patrol_page),
    "steadiness": Suite("joint plans of one case under several seeds", _run_steadiness, _steadiness_page),
    "tours": Suite("the best tour of one team, beside CP-SAT and PyVRP", _run_tours, _tour_page),
    "overlay": Suite("the contraction of road networks of growing size", _run_overlay, _overlay_page),
    "mixed": Suite("mixtures of plans, beside other ways to randomise", _run_mixed, _mixed_page),
    "commands": Suite("time and memory of this program's own commands", _run_commands, _command_page),
}


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
