"""Commands that are interrupted and killed at random moments: what they write is whole
or absent, no process is left, and the next run works.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.children import processes_of_session, started
from tests.marathon.commands import (
    ENVIRONMENT,
    FOLDER,
    Command,
    cluster,
    commands,
    leftovers,
    make_inputs,
    settle,
)
from tests.marathon.tally import Tally

SECONDS = 900
"""What a command may take until it ends, interrupted or not, on a busy machine."""
LEAVE_SECONDS = 30
"""What its processes may take to notice that it has ended, on a busy machine."""
PYTHON_BEGINS = ("Failed to import the site module", "Fatal Python error")
"""What Python says of an interrupt before it comes to any program; its exit code is 1."""


@dataclass(frozen=True)
class End:
    """One way to end a command."""

    #: What it is called in the counts.
    name: str
    #: Sent one after another.
    signals: tuple[signal.Signals, ...]
    #: Exit codes that the command may have then: 0 and 3 where it ended by itself or
    #: wrote what there was.
    codes: frozenset[int]


ENDS = (
    End("Ctrl-C", (signal.SIGINT,), frozenset({0, 3})),
    End("Ctrl-C twice", (signal.SIGINT, signal.SIGINT), frozenset({0, 3, 130})),
    End("SIGTERM", (signal.SIGTERM,), frozenset({0, 3, -signal.SIGTERM})),
    End("SIGKILL", (signal.SIGKILL,), frozenset({0, 3, -signal.SIGKILL})),
)

MOMENTS = ("at any moment", "while it writes")


@dataclass(frozen=True)
class _Place:
    """Where a command reads and writes."""

    inputs: Path
    out: Path
    scheduler: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the command, with a folder for temporary files of its own."""
        scratch = self.out.parent / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        return ENVIRONMENT | {"TMPDIR": str(scratch)}

    def scratch(self) -> list[str]:
        """Return what lies in its folder for temporary files."""
        return sorted(path.name for path in (self.out.parent / "scratch").glob("interdict-*"))


def run_kills(tally: Tally, count: int, seed: int, only: Sequence[str] = ()) -> None:
    """End `count` runs in all: each command in each way, at any moment and while it
    writes; 0 for each of these once.
    """
    wanted = commands(only)
    on_cluster = any("{scheduler}" in one.words for one in wanted)
    with TemporaryDirectory(prefix="marathon-") as name, cluster(start=on_cluster) as scheduler:
        inputs = make_inputs(Path(name) / "in")
        chosen = [one for one in wanted if scheduler or "{scheduler}" not in one.words]
        places = {
            one.name: _Place(inputs, Path(name) / str(k) / "out", scheduler)
            if one.writes in {FOLDER, "ledger"}
            else _Place(inputs, Path(name) / str(k) / f"out{one.writes}", scheduler)
            for k, one in enumerate(chosen)
        }
        usual = {one.name: _whole_run(one, places[one.name], tally) for one in chosen}
        table = [(one, end, when) for when in MOMENTS for end in ENDS for one in chosen]
        random.Random(f"order {seed}").shuffle(table)  # noqa: S311 - no secret
        for number in range(seed, seed + (count or len(table))):
            if tally.stopped:
                break
            command, end, when = table[number % len(table)]
            case = f"{command.name}, {end.name} {when}, run {number}"
            _ended(command, end, when, places[command.name], usual[command.name], tally, case)
        for command in chosen:
            _whole_run(command, places[command.name], tally)


def _whole_run(command: Command, place: _Place, tally: Tally) -> float:
    """Run a command to its end and return its seconds; nothing that killed runs left is
    there afterwards.
    """
    command.begin(place.out, place.inputs)
    began = time.monotonic()
    done = subprocess.run(
        command.line(place.out, place.inputs, place.scheduler),
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    left = leftovers(place.out) + place.scratch()
    good = done.returncode == 0 and command.state(place.out) == "whole" and not left
    tally.add(
        f"{command.name}, run again",
        "whole" if good else "failed",
        f"{done.returncode}, {left}: {done.stderr[-300:]}",
    )
    return time.monotonic() - began


def _ended(
    command: Command, end: End, when: str, place: _Place, usual: float, tally: Tally, case: str
) -> None:
    group = f"{command.name}, {end.name}"
    rng = random.Random(f"kill {case}")  # noqa: S311 - no secret
    with started(
        command.line(place.out, place.inputs, place.scheduler),
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        _wait(process, place.out, usual, rng, writing=when == MOMENTS[1])
        for k, sent in enumerate(end.signals):
            if k:
                time.sleep(rng.uniform(0, 0.5))
            process.send_signal(sent)
        try:
            _, errors = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            tally.add(group, "hang", case)
            return
        if left := _left(process.pid):
            tally.add(group, "processes left", f"{case}: {left}")
    python_began = not any(words in errors for words in PYTHON_BEGINS)
    if "Traceback" in errors and python_began:
        lines = " | ".join(errors.strip().splitlines()[-3:])
        tally.add(group, "traceback", f"{case}: {lines}")
    if process.returncode not in end.codes and python_began:
        tally.add(group, "wrong exit code", f"{case}: {process.returncode}: {errors[-200:]}")
    was_killed = process.returncode in {-signal.SIGKILL, -signal.SIGTERM, 130}
    if not was_killed and (left := leftovers(place.out) + place.scratch()):
        tally.add(group, "leftovers", f"{case}: {left}")
    found = command.state(place.out)
    if command.writes == FOLDER:
        settle(place.out)
        found = command.state(place.out)
        if left := leftovers(place.out):
            tally.add(group, "leftovers", f"{case}: {left} after the next run began")
    tally.add(group, found, case)


def _wait(
    process: subprocess.Popen[str], out: Path, usual: float, rng: random.Random, *, writing: bool
) -> None:
    """Wait until the moment at which a run is ended."""
    until = time.monotonic() + (2 * usual if writing else rng.uniform(0, 1.1 * usual))
    while process.poll() is None and time.monotonic() < until:
        if writing and leftovers(out):
            time.sleep(rng.uniform(0, 0.4 * usual) * rng.random())
            return
        time.sleep(0.002)


def _left(session: int) -> list[str]:
    """Return the processes of a session that do not end by themselves."""
    until = time.monotonic() + LEAVE_SECONDS
    while (left := processes_of_session(session)) and time.monotonic() < until:
        time.sleep(0.1)
    return left
