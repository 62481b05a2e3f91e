"""How long this program takes on this machine: whole commands, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One command.

    Attributes
    ----------
    what
        What was run.
    goal
        Seconds it should take at most on two cores; None where no goal is set.
    seconds
        Wall-clock time; None where it could not run.
    peak_mb
        Largest resident size of any one process of the command, in MB; None where unknown.
    note
        Why it could not run, or how it ended.
    """

    what: str
    goal: float | None
    seconds: float | None
    peak_mb: float | None
    note: str = ""


def measure_self(extract: Path | None) -> list[Measurement]:
    """Measure start-up, the shipped scenario, Andorra where its extract is at hand, and the reading of `extract` if given."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out")
        rows = [
            _run("--help", 0.5, ["--help"]),
            _run(
                "plan instances/rio-grande",
                60,
                ["plan", str(ROOT / "instances/rio-grande/scenario.toml"), "--out", out],
            ),
            _run("plan instances/andorra", 90, ["plan", str(ROOT / "instances/andorra/scenario.toml"), "--out", out]),
        ]
        if extract is not None:
            rows.append(_run(f"region --file {extract.name}", 60, ["region", "--file", str(extract), "--out", out]))
    return rows


def _run(what: str, goal: float, arguments: list[str]) -> Measurement:
    began = time.monotonic()
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and command
            [sys.executable, str(ROOT / "cli.py"), *arguments], stdout=words, stderr=words
        )
        peak = None
        if hasattr(os, "wait4"):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            peak = usage.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
        seconds = time.monotonic() - began if process.wait() is not None else None
        words.seek(0)
        text = words.read().decode(errors="replace").strip()
    if process.returncode:
        return Measurement(what, goal, None, None, text.splitlines()[-1] if text else f"exit code {process.returncode}")
    return Measurement(what, goal, seconds, peak)
