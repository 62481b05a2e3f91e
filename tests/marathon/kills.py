"""Commands that are interrupted and killed at random moments: what they write is whole
or absent, no process is left, and the next run works.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.children import ids_of_session, processes_of_session, started
from tests.marathon.commands import (
    ENVIRONMENT,
    FOLDER,
    Cluster,
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
    #: Whom they are sent to: the process that was started, every process of its
    #: group as a terminal does, or a worker alone.
    to: str = "command"


ENDS = (
    End("Ctrl-C", (signal.SIGINT,), frozenset({0, 3})),
    End("Ctrl-C at the terminal", (signal.SIGINT,), frozenset({0, 3}), "group"),
    End("Ctrl-C twice", (signal.SIGINT, signal.SIGINT), frozenset({0, 3, 130})),
    End("SIGTERM", (signal.SIGTERM,), frozenset({0, 3, -signal.SIGTERM})),
    End("SIGKILL", (signal.SIGKILL,), frozenset({0, 3, -signal.SIGKILL})),
    End("SIGKILL of a worker", (signal.SIGKILL,), frozenset({0, 3}), "worker"),
)

MOMENTS = ("at any moment", "while it searches", "while it writes")
INTERRUPTED = 3
"""Exit code of a command that a Ctrl-C ended, with what there was by then."""
TWICE = 130
"""Exit code of one that a second Ctrl-C ended."""
ANEW = 0.5
"""Share of the runs that write where nothing is; the others replace a whole output."""
SEARCHES = "solving"
"""What a command says on standard error once it searches."""


@dataclass(frozen=True)
class _Place:
    """Where a command reads and writes."""

    inputs: Path
    out: Path
    cluster: Cluster

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the command, with a folder for temporary files of its own."""
        scratch = self.out.parent / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        return ENVIRONMENT | {"TMPDIR": str(scratch)}

    @property
    def errors(self) -> Path:
        """The file that has what the command says on standard error."""
        return self.out.parent / "errors.txt"

    def line(self, command: Command) -> list[str]:
        """Return the command line."""
        return command.line(self.out, self.inputs, self.cluster.address)

    def scratch(self) -> list[str]:
        """Return what lies in its folder for temporary files."""
        return sorted(path.name for path in (self.out.parent / "scratch").glob("interdict-*"))


def run_kills(tally: Tally, count: int, seed: int, only: Sequence[str] = ()) -> None:
    """End `count` runs in all: each command in each way, at any moment, while it
    searches and while it writes; 0 for each of these once.
    """
    wanted = commands(only)
    on_cluster = any("{scheduler}" in one.words for one in wanted)
    with TemporaryDirectory(prefix="marathon-") as name, cluster(start=on_cluster) as shared:
        _heed_interrupts()
        inputs = make_inputs(Path(name) / "in")
        chosen = [one for one in wanted if shared.address or "{scheduler}" not in one.words]
        places = {
            one.name: _Place(inputs, Path(name) / str(k) / "out", shared)
            if one.writes in {FOLDER, "ledger"}
            else _Place(inputs, Path(name) / str(k) / f"out{one.writes}", shared)
            for k, one in enumerate(chosen)
        }
        usual = {one.name: _whole_run(one, places[one.name], tally) for one in chosen}
        table = [
            (one, end, when)
            for when in MOMENTS
            for end in ENDS
            for one in chosen
            if (one.searches or when != MOMENTS[1]) and (one.workers or end.to != "worker")
        ]
        random.Random(f"order {seed}").shuffle(table)  # noqa: S311 - no secret
        for number in range(seed, seed + (count or len(table))):
            if tally.stopped:
                break
            command, end, when = table[number % len(table)]
            case = f"{command.name}, {end.name} {when}, run {number}"
            _ended(command, end, when, places[command.name], usual[command.name], tally, case)
        for command in chosen:
            _whole_run(command, places[command.name], tally)


def _heed_interrupts() -> None:
    """Have the commands heed Ctrl-C where a shell started this in its background, which
    has them ignore it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _whole_run(command: Command, place: _Place, tally: Tally) -> float:
    """Run a command to its end and return its seconds; nothing that killed runs left is
    there afterwards.
    """
    command.begin(place.out, place.inputs)
    began = time.monotonic()
    done = subprocess.run(
        place.line(command),
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


@dataclass(frozen=True)
class _Ended:
    """What came of a run that was ended: its exit code, what it said, whether a signal
    reached a process that ran, and what still runs.
    """

    code: int
    errors: str
    reached: bool
    left: list[str]
    tasks: list[str]

    @property
    def began(self) -> bool:
        """Whether Python came to the program before the signal did; once it has, it says
        something of every SIGINT that ends it.
        """
        silent = self.code == -signal.SIGINT and not self.errors
        return not silent and not any(words in self.errors for words in PYTHON_BEGINS)

    def faults(self, end: End) -> Iterator[tuple[str, str]]:
        """Yield the faults of the run itself, each with its detail."""
        last = self.errors[-300:]
        if self.left:
            yield "processes left", str(self.left)
        if self.tasks:
            yield "tasks left", str(self.tasks)
        if self.began and "Traceback" in self.errors:
            yield "traceback", _from_traceback(self.errors)
        if self.began and self.code not in end.codes:
            yield "wrong exit code", f"{self.code}: {last}"
        if self.code == INTERRUPTED and "nterrupted" not in self.errors:
            yield "silent", f"exit {self.code} without a word on it: {last}"


def _from_traceback(errors: str) -> str:
    """Return the line before a traceback, and it."""
    before, mark, after = errors.partition("Traceback")
    return before[-200:] + mark + after[:2000]


def _ended(
    command: Command, end: End, when: str, place: _Place, usual: float, tally: Tally, case: str
) -> None:
    """End a run and count what came of it."""
    group = f"{command.name}, {end.name}"
    rng = random.Random(f"kill {case}")  # noqa: S311 - no secret
    if command.writes == FOLDER and rng.random() < ANEW:
        shutil.rmtree(place.out, ignore_errors=True)
    before = _contents(place.out)
    try:
        ended = _run(command, end, when, place, usual, rng)
    except subprocess.TimeoutExpired:
        tally.add(group, "hang", case)
        return
    for outcome, detail in ended.faults(end):
        tally.add(group, outcome, f"{case}: {detail}")
    was_killed = ended.code < 0 or ended.code == TWICE
    if not was_killed and (left := leftovers(place.out) + place.scratch()):
        tally.add(group, "leftovers", f"{case}: {left}")
    found = command.state(place.out)
    if command.writes == FOLDER:
        settle(place.out)
        found = command.state(place.out)
        if left := leftovers(place.out):
            tally.add(group, "leftovers", f"{case}: {left} after the next run began")
    if ended.code == 0 and (found != "whole" or _contents(place.out) == before):
        tally.add(group, "silent", f"{case}: exit 0, and nothing new in {found} output")
    late = found == "whole" and ended.code == 0 and (end.to != "worker" or not ended.reached)
    tally.add(group, "too late" if late else found, case)


def _run(
    command: Command, end: End, when: str, place: _Place, usual: float, rng: random.Random
) -> _Ended:
    """Run a command and end it at its moment."""
    with (
        place.errors.open("w+", encoding="utf-8") as told,
        started(place.line(command), env=place.environment, stdout=told, stderr=told) as process,
    ):
        _wait(process, place, usual, rng, when)
        reached = False
        for k, sent in enumerate(end.signals):
            if k:
                time.sleep(rng.uniform(0, 0.5))
            reached |= _send(process, end, sent, command, place, rng)
        process.wait(timeout=SECONDS)
        left = _left(lambda: processes_of_session(process.pid))
    tasks = _left(place.cluster.tasks)
    errors = place.errors.read_text(encoding="utf-8", errors="replace")
    return _Ended(process.returncode, errors, reached, left, tasks)


def _contents(out: Path) -> list[tuple[str, int, int]]:
    """Return what tells one output at a place from another."""
    if not out.exists():
        return []
    paths = [out, *out.rglob("*")]
    return sorted((str(path), path.stat().st_ino, path.stat().st_mtime_ns) for path in paths)


def _send(
    process: subprocess.Popen[bytes],
    end: End,
    sent: signal.Signals,
    command: Command,
    place: _Place,
    rng: random.Random,
) -> bool:
    """Send a signal to whom it is for; return whether that still ran."""
    if process.poll() is not None:
        return False
    if end.to == "command":
        process.send_signal(sent)
        return True
    on_cluster = "{scheduler}" in command.words
    workers = place.cluster.workers() if on_cluster else sorted(_others(process.pid))
    with suppress(ProcessLookupError):
        if end.to == "group":
            os.killpg(process.pid, sent)
            return True
        if workers:
            os.kill(rng.choice(workers), sent)
            return True
    return False


def _others(session: int) -> set[int]:
    """Return the processes of a session beside the one that began it."""
    return {number for number in ids_of_session(session) if number != session}


def _wait(
    process: subprocess.Popen[bytes], place: _Place, usual: float, rng: random.Random, when: str
) -> None:
    """Wait until the moment at which a run is ended."""
    longest = rng.uniform(0, 1.1 * usual) if when == MOMENTS[0] else 2 * usual
    until = time.monotonic() + longest
    while process.poll() is None and time.monotonic() < until:
        if when == MOMENTS[1] and SEARCHES in place.errors.read_text(errors="replace"):
            time.sleep(rng.uniform(0, 0.7 * usual))
            return
        if when == MOMENTS[2] and leftovers(place.out):
            time.sleep(rng.uniform(0, 0.4 * usual) * rng.random())
            return
        time.sleep(0.002)


def _left(running: Callable[[], list[str]]) -> list[str]:
    """Return what runs, of processes or tasks, and does not end by itself."""
    until = time.monotonic() + LEAVE_SECONDS
    while (left := running()) and time.monotonic() < until:
        time.sleep(0.1)
    return left
