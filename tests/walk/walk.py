"""Takes borders through the table of steps: one loop, a row for each command."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import dropwhile
from pathlib import Path

import osmium

from tests.children import started
from tests.shared_data import DATA
from tests.standin import sample_world
from tests.test_help_examples import write_standins
from tests.walk.openers import faults_in_qgis, faults_of_files, faults_of_pages
from tests.walk.people import USERS, WORK
from tests.walk.steps import STAND_INS, Border, Step, commands

ROOT = Path(__file__).parents[2]

LIMITED = ("plan", "frontier", "cooperate", "explain", "solve", "agencies", "budget")
"""Commands whose search `--time-limit` ends."""

COLUMNS = 100
"""Width of the console."""

EXTRACT = DATA / "osm" / "andorra-2025-01.osm.pbf"
"""The extract of a real country, where it is there."""


@dataclass(frozen=True)
class Row:
    """What came of a command."""

    #: Name of the border.
    border: str
    #: The command, after `interdict`.
    command: str
    #: Its exit code.
    status: int
    #: By the clock, of the command alone.
    seconds: float
    #: What it printed: on standard output where it ended well, else from its error on.
    lines: tuple[str, ...]
    #: How many files it wrote, all of which were opened.
    opened: int
    #: What is wrong; empty where all is well.
    faults: tuple[str, ...]

    @property
    def first(self) -> str:
        """The first line said."""
        return self.lines[0].strip() if self.lines else ""


def prepared(border: Border, place: Path, *, short: bool) -> tuple[Path, str]:
    """Make the folder in which a border is walked, where it is not there yet; return it,
    with the name of the country of its extract.
    """
    folder = place / border.name
    real = EXTRACT.is_file() and not short
    country = "" if border.name != "my-border" else "Andorra" if real else "Testland"
    if folder.is_dir():
        return folder, country
    folder.mkdir(parents=True)
    if not border.scenario or (short and border.name in STAND_INS):
        write_standins(folder)
    elif border.scenario.startswith("instances/"):
        shutil.copytree(ROOT / border.folder, folder / border.folder)
    elif real:
        shutil.copy(EXTRACT, folder / "extract.osm.pbf")
    else:
        with osmium.SimpleWriter(str(folder / "extract.osm.pbf")) as writer:
            osmium.apply(str(sample_world().save(folder / "world.osm")), writer)
        (folder / "world.osm").unlink()
    return folder, country


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of the commands of a walk."""
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "COLUMNS": str(COLUMNS),
        "PYTHONFAULTHANDLER": "1",
    }


def walked(
    border: Border,
    place: Path,
    tell: Callable[[Row], None],
    *,
    short: bool = False,
    time_limit: float | None = None,
    reports: bool = True,
    only: str = "",
    begin: str = "",
) -> list[Row]:
    """Take a border through its steps and return a row for each.

    Parameters
    ----------
    border
        The border.
    place
        A folder, in which one of the border's name is made.
    tell
        Gets each row once it is there.
    short
        The smaller scenario, with what steps say of `less`.
    time_limit
        Seconds of a search; without it, what the command or the scenario says.
    reports
        Whether `plan` writes its report.
    only
        Commands that begin so alone.
    begin
        The first command that begins so and those after it alone.
    """
    limit = "" if time_limit is None else f" --time-limit {time_limit:g}"
    more = dict.fromkeys(LIMITED, limit)
    more["plan"] += "" if reports else " --no-report"
    border = border.smaller() if short else border
    folder, country = prepared(border, place, short=short)
    border = replace(border, words=dict(border.words) | {"country": country})
    rows: list[Row] = []
    for step, command in dropwhile(
        lambda each: not each[1].startswith(begin), commands(border, short=short)
    ):
        if not command.startswith(only):
            continue
        typed = command + more.get(command.partition(" ")[0], "")
        if short and step.less:
            typed += f" {step.less}"
        rows.append(_row(step, command, typed, border, folder))
        tell(rows[-1])
    return rows


def _row(step: Step, command: str, typed: str, border: Border, folder: Path) -> Row:
    """Let people do what comes before, run the command as it is typed, and open what it
    wrote.
    """
    faults: list[str] = []
    if step.before:
        try:
            WORK[step.before](folder, border)
        except Exception as fault:  # noqa: BLE001 - what a command before this one left out
            faults.append(f"before it, {step.before}: {type(fault).__name__}: {fault}"[:300])
    before = _files(folder)
    began = time.monotonic()
    if step.by:
        status, out, err = _served(step, typed, folder, border.words["country"], faults)
    else:
        done = subprocess.run(
            [sys.executable, ROOT / "cli.py", *shlex.split(typed)],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        status, out, err = done.returncode, done.stdout, done.stderr
    seconds = time.monotonic() - began
    faults += _faults_of_run(step, border, status, out, err)
    if status == 0 and step.made and not (folder / border.said(step.made)).exists():
        faults.append(f"{step.made} is not there")
    written = sorted(folder / name for name, at in _files(folder).items() if before.get(name) != at)
    written += unpacked(written, folder / ".unpacked")
    if status == 0 and not out.strip() and not written:
        faults.append("nothing is printed or written")
    faults += faults_of_files(written)
    faults += faults_in_qgis(written)
    faults += asyncio.run(faults_of_pages(written))
    said = out if status == 0 else err[max(err.find("Error: "), 0) :]
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    return Row(border.name, command, status, seconds, tuple(lines), len(written), tuple(faults))


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return every file of a folder, but hidden ones, with its time and size."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            found[str(name)] = (path.stat().st_mtime_ns, path.stat().st_size)
    return found


def unpacked(files: list[Path], place: Path) -> list[Path]:
    """Unpack the field packs among files, as crews do; return what was in them."""
    inner = []
    for path in files:
        if path.name == "field-pack.zip":
            shutil.rmtree(place, ignore_errors=True)
            with zipfile.ZipFile(path) as archive:
                archive.extractall(place)
            inner += sorted(each for each in place.rglob("*") if each.is_file())
    return inner


def _faults_of_run(step: Step, border: Border, status: int, out: str, err: str) -> list[str]:
    """Return what is wrong with how a command ended, and with what it printed."""
    faults = []
    if "Traceback (most recent call last)" in out + err or "Fatal Python error" in err:
        faults.append("a traceback")
    refusal = step.refused.get(border.name)
    if refusal is None and status:
        said = " ".join(err.split()[-60:])
        faults.append(f"exit {status} where README says 0: {said[-500:]}")
    elif refusal is not None and (status != 1 or refusal not in err):
        faults.append(f"exit {status}, and not 1 with a message of {refusal!r}: {err[-300:]}")
    return faults


PATIENCE_S = 60
"""Seconds that a served page may take to end."""


def _served(
    step: Step, typed: str, folder: Path, country: str, faults: list[str]
) -> tuple[int, str, str]:
    """Run a command that serves a page, let somebody use it, and end it as Ctrl-C does."""
    words = [sys.executable, str(ROOT / "cli.py"), *shlex.split(typed), "--no-browser", "--json"]
    with started(
        words,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stdout is not None
        line = served.stdout.readline()
        if line:
            try:
                found = asyncio.run(USERS[step.by](json.loads(line)["address"], country))
                faults += [f"the page, {each}" for each in found]
            except (AssertionError, KeyError, ValueError) as fault:
                faults.append(f"the page: {type(fault).__name__}: {str(fault)[:300]}")
            with suppress(ProcessLookupError):
                served.send_signal(signal.SIGINT)
        try:
            out, err = served.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            faults.append(f"not at its end {PATIENCE_S} s after Ctrl-C")
            served.send_signal(signal.SIGABRT)  # it then says where it was
            out, err = served.communicate()
            faults.append(err[-1500:])
    return served.returncode, line + out, err
