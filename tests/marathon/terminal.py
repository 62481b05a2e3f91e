"""Commands on terminals and disks that fail them: one message, an exit code that says
so, nothing half written.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.marathon.commands import ENVIRONMENT, Command, leftovers, make_commands, state
from tests.marathon.tally import Tally

SECONDS = 240
CODES = {0, 1, 2, 3}


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with the surroundings of a command.

    Attributes
    ----------
    name
        What it is called in the counts.
    codes
        Exit codes that a command may end with.
    environment
        Variables of its environment.
    redirection
        What a shell does with its streams.
    place
        Changes the place to write.
    limit
        Bytes that a file may have; None for any number.
    """

    name: str
    codes: frozenset[int] = frozenset(CODES)
    environment: dict[str, str] = field(default_factory=dict)
    redirection: str = ""
    place: Callable[[Path], Path | str] = Path
    limit: int | None = None


def _dangling(out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    out.symlink_to(out.parent / "nowhere" / "at all")
    return out


def _full_disk(out: Path) -> Path:
    """Put a file system of one page there, which is full at once; where that is not
    allowed, a place that nobody can write.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    mounted = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(out.parent)]
    if subprocess.run(mounted, check=False, capture_output=True).returncode:
        return Path("/proc") / out.name
    (out.parent / "filler").write_bytes(b"x" * 4096)
    return out


def _circle(out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.symlink_to(out.name)
    return out


def _foreign(out: Path) -> Path:
    """Write a file of each name that a command writes, as if by somebody else."""
    out.mkdir(parents=True)
    for name in ("plan.json", "roster.csv", "region.gpkg", "import.json", "truth.csv"):
        (out / name).write_text("mine", encoding="utf-8")
    return out


FAULTS = [
    Fault("stdout is /dev/full", redirection=">/dev/full"),
    Fault("stderr is /dev/full", redirection="2>/dev/full"),
    Fault("stdout is closed", redirection=">&-"),
    Fault("stderr is closed", redirection="2>&-"),
    Fault("stdin is closed", redirection="<&-"),
    Fault("ASCII terminal", frozenset({0}), {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}),
    Fault("Windows-1252 terminal", frozenset({0}), {"PYTHONIOENCODING": "cp1252"}),
    Fault("LC_ALL=C", frozenset({0}), {"LC_ALL": "C", "LANG": "C"}),
    Fault("LC_ALL=tr_TR.UTF-8", frozenset({0}), {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}),
    Fault(
        "read-only installation",
        frozenset({0}),
        {"NUMBA_CACHE_DIR": "/proc/nowhere", "PYTHONDONTWRITEBYTECODE": "1"},
    ),
    Fault("full disk", frozenset({1}), place=_full_disk),
    Fault("a link in a circle", frozenset({1}), place=_circle),
    Fault("no file above 100 bytes", frozenset({1}), limit=100),
    Fault("dangling link", frozenset({1}), place=_dangling),
    Fault("name too long", frozenset({1}), place=lambda out: out.with_name("x" * 300)),
    Fault("below a file", frozenset({1}), place=lambda out: Path(__file__) / out.name),
    Fault("in /proc", frozenset({1}), place=lambda out: Path("/proc") / out.name),
    Fault("files of somebody else", frozenset({1}), place=_foreign),
]


def run_terminal(tally: Tally, count: int, seed: int) -> None:
    """Run `count` pairs of a command and a fault, all of them in turn."""
    with TemporaryDirectory(prefix="marathon-") as name:
        commands = make_commands(Path(name) / "in")
        pairs = [(command, fault) for fault in FAULTS for command in commands]
        for number in range(seed, seed + count):
            command, fault = pairs[number * 17 % len(pairs)]
            _run(command, fault, Path(name) / str(number) / f"out{command.suffix}", tally)


def _run(command: Command, fault: Fault, out: Path, tally: Tally) -> None:
    group = f"{command.name}, {fault.name}"
    if fault.place is _foreign and command.suffix:
        return
    place = fault.place(out)
    line = ["/bin/sh", "-c", f'exec "$@" {fault.redirection}', "sh", *command.line(place)]
    options: dict[str, Any] = {
        "env": ENVIRONMENT | fault.environment,
        "capture_output": True,
        "start_new_session": True,
        "timeout": SECONDS,
    }
    limit = fault.limit
    if limit is not None:
        options["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        done = subprocess.run(line, check=False, **options)
    except subprocess.TimeoutExpired:
        tally.add(group, "hang")
        return
    finally:
        if fault.place is _full_disk:
            subprocess.run(["umount", str(out.parent)], check=False, capture_output=True)
    errors = done.stderr.decode(errors="replace")
    if "Traceback" in errors:
        tally.add(group, "traceback", errors.strip().splitlines()[-1])
    elif done.returncode not in fault.codes:
        tally.add(group, "wrong exit code", f"{done.returncode}: {errors.strip()[-200:]}")
    elif os.path.lexists(out) and fault.place is not _foreign and state(out) == "half-written":
        tally.add(group, "half-written")
    elif out.parent.exists() and leftovers(out):
        tally.add(group, "leftovers", str(leftovers(out)))
    else:
        tally.add(group, "right")
