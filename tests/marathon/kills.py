"""Commands that are interrupted and killed at random moments: their folder is whole or
absent, and the next run works.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.children import started
from tests.marathon.commands import ENVIRONMENT, Command, leftovers, make_commands, settle, state
from tests.marathon.tally import Tally

SECONDS = 240
"""What a command may take until it ends, interrupted or not, on a busy machine."""
SIGNALS = (signal.SIGKILL, signal.SIGINT)
CODES = {0, 3}
"""Exit codes of a command that has ended by itself or was interrupted, with a plan or
before there was one.
"""

PYTHON_BEGINS = "Failed to import the site module"
"""What Python says of an interrupt before it comes to any program; its exit code is 1."""


def run_kills(tally: Tally, count: int, seed: int, only: Sequence[str] = ()) -> None:
    """Interrupt and kill `count` runs in all, of some commands or of all; half of them
    at any moment, half while they write.
    """
    with TemporaryDirectory(prefix="marathon-") as name:
        commands = [
            one for one in make_commands(Path(name) / "in", only) if only or one.name != "region"
        ]
        places = {one.name: Path(name) / one.name / f"out{one.suffix}" for one in commands}
        usual = {one.name: _whole_run(one, places[one.name], tally) for one in commands}
        for number in range(seed, seed + count):
            command = commands[number % len(commands)]
            rng = random.Random(f"kill {number}")  # noqa: S311 - no secret
            _ended(command, places[command.name], usual[command.name], rng, tally, number)
        for command in commands:
            _whole_run(command, places[command.name], tally)


def _whole_run(command: Command, out: Path, tally: Tally) -> float:
    """Run a command to its end and return its seconds."""
    began = time.monotonic()
    done = subprocess.run(
        command.line(out),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    good = done.returncode == 0 and state(out) == "whole" and not leftovers(out)
    tally.add(
        f"{command.name}, run again",
        "whole" if good else "failed",
        f"{leftovers(out)} {done.stderr[-300:]}",
    )
    return time.monotonic() - began


def _ended(
    command: Command, out: Path, usual: float, rng: random.Random, tally: Tally, number: int
) -> None:
    sent = SIGNALS[number // 6 % 2]
    group = f"{command.name}, {sent.name}"
    with started(
        command.line(out),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until = time.monotonic() + rng.uniform(0, 1.1 * usual)
        writing = rng.random() < 0.5
        while process.poll() is None and time.monotonic() < (
            until if not writing else until + usual
        ):
            if writing and leftovers(out):
                time.sleep(rng.uniform(0, 0.4 * usual) * rng.random())
                break
            time.sleep(0.002)
        process.send_signal(sent)
        try:
            _, errors = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            tally.add(group, "hang", f"run {number}")
            return
    if "Traceback" in errors and PYTHON_BEGINS not in errors:
        tally.add(
            group, "traceback", f"run {number}: {' | '.join(errors.strip().splitlines()[-3:])}"
        )
    if process.returncode not in CODES | {-sent} and PYTHON_BEGINS not in errors:
        tally.add(group, "wrong exit code", f"run {number}: {process.returncode}")
    found = state(out)
    if not command.suffix:
        settle(out)
        found = state(out) if found != "half-written" else found
        if leftovers(out):
            tally.add(group, "leftovers", f"run {number}: {leftovers(out)}")
    tally.add(group, found, f"run {number}")
