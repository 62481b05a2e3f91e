"""Commands on terminals, disks, clocks and machines that fail them: one message, an
exit code that says so, nothing half written, no process left.
"""

from __future__ import annotations

import fcntl
import functools
import os
import pty
import resource
import shutil
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.children import processes_of_session
from tests.marathon.commands import (
    ENVIRONMENT,
    FOLDER,
    LEDGER,
    Command,
    commands,
    leftovers,
    make_inputs,
)
from tests.marathon.tally import Tally

SECONDS = 900
FINE, REFUSED = frozenset({0}), frozenset({1})
EITHER = FINE | REFUSED
EACH = 3
"""Commands that are run on each fault."""


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with the surroundings of a command."""

    #: What it is called in the counts.
    name: str
    #: Exit codes that a command may end with.
    codes: frozenset[int] = FINE
    #: Variables of its environment; None removes one.
    environment: Mapping[str, str | None] = field(default_factory=dict)
    #: What a shell runs; the command is `"$@"`.
    run: str = 'exec "$@"'
    #: Changes the place to write.
    place: Callable[[Path], Path | str] = Path
    #: The current folder, in place of the usual one.
    folder: str = ""
    #: Bytes that a file may have; None for any number.
    limit: int | None = None
    #: Width of the terminal that it writes to; None for a pipe.
    columns: int | None = None
    #: Seconds by which the clock of the machine is moved after a second; None for none.
    clock: int | None = None
    #: Options of a file system that is mounted at the place to write.
    mount: str = ""


def _dangling(out: Path) -> Path:
    out.unlink(missing_ok=True)
    out.symlink_to(out.parent / "nowhere" / "at all")
    return out


def _circle(out: Path) -> Path:
    out.symlink_to(out.name)
    return out


def _foreign(out: Path) -> Path:
    """Write a file of each name that a command writes, as if by somebody else."""
    if out.suffix:
        out.write_text("mine", encoding="utf-8")
        return out
    out.mkdir(parents=True)
    for name in (
        *("plan.json", "roster.csv", "region.gpkg", "import.json", "truth.csv"),
        *("frontier.csv", "release.json", "plan.gpkg"),
    ):
        (out / name).write_text("mine", encoding="utf-8")
    return out


BACK = -36_000
FAULTS = (
    Fault("stdout is /dev/full", EITHER, run='exec "$@" >/dev/full'),
    Fault("stderr is /dev/full", run='exec "$@" 2>/dev/full'),
    Fault("stdout is closed", REFUSED, run='exec "$@" >&-'),
    Fault("stderr is closed", run='exec "$@" 2>&-'),
    Fault("stdin is closed", run='exec "$@" <&-'),
    Fault("stdout, stdin and stderr are closed", REFUSED, run='exec "$@" <&- >&- 2>&-'),
    Fault("| head", run='set -o pipefail; "$@" | head -c 10'),
    Fault("| true", run='set -o pipefail; "$@" | true'),
    Fault("a terminal of 20 columns", columns=20),
    Fault("a terminal of 1 column", columns=1),
    Fault("a terminal of 0 columns", columns=0),
    Fault("TERM is dumb", environment={"TERM": "dumb", "COLUMNS": "7"}, columns=80),
    Fault("ASCII terminal", environment={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}),
    Fault("Windows-1252 terminal", environment={"PYTHONIOENCODING": "cp1252"}),
    Fault("LC_ALL=C", environment={"LC_ALL": "C", "LANG": "C"}),
    Fault("LANG=C without its coercion", environment={"LANG": "C", "LC_ALL": None, "PYTHONCOERCECLOCALE": "0"}),
    Fault("LC_ALL=tr_TR.UTF-8", environment={"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}),
    Fault("LC_ALL names nothing", environment={"LC_ALL": "xx_YY.KOI8-Q"}),
    Fault("no environment at all", run='exec env -i PYTHONPATH="$PYTHONPATH" "$@"'),
    Fault("no HOME", environment={"HOME": None}),
    Fault("HOME is not there", environment={"HOME": "/nonexistent/home"}),
    Fault("HOME cannot be written", environment={"HOME": "/proc", "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None}),
    Fault("PATH is empty", environment={"PATH": ""}),
    Fault("TMPDIR is not there", environment={"TMPDIR": "/nonexistent/tmp"}),
    Fault("TMPDIR cannot be written", environment={"TMPDIR": "/proc"}),
    Fault("a zone that is none", environment={"TZ": ":Nowhere/At_all"}),
    Fault("the zone of Kiritimati", environment={"TZ": "Pacific/Kiritimati"}),
    Fault("Python without docstrings", environment={"PYTHONOPTIMIZE": "2"}),
    Fault("read-only installation", environment={"NUMBA_CACHE_DIR": "/proc/nowhere", "PYTHONDONTWRITEBYTECODE": "1"}),
    Fault("the current folder cannot be written", folder="/proc"),
    Fault("the current folder is gone", run='mkdir gone && cd gone && rmdir ../gone && exec "$@"', codes=EITHER),
    Fault("umask 077", run='umask 077; exec "$@"'),
    Fault("umask 000", run='umask 000; exec "$@"'),
    Fault("no network", run='exec unshare -n "$@"'),
    Fault("40 open files at most", EITHER, run='ulimit -n 40; exec "$@"'),
    Fault("a clock that goes back ten hours", clock=BACK),
    Fault("a clock that goes back 56 years", clock=-1_780_000_000),
    Fault("a clock that jumps ahead 100 years", clock=3_155_760_000),
    Fault("full disk", REFUSED, mount="size=4k"),
    Fault("a disk of four files", EITHER, mount="size=64m,nr_inodes=4"),
    Fault("a disk that cannot be written", REFUSED, mount="ro"),
    Fault("a link in a circle", REFUSED, place=_circle),
    Fault("no file above 100 bytes", REFUSED, limit=100),
    Fault("dangling link", REFUSED, place=_dangling),
    Fault("name too long", REFUSED, place=lambda out: out.with_name("x" * 300)),
    Fault("below a file", REFUSED, place=lambda out: Path(__file__) / out.name),
    Fault("in /proc", REFUSED, place=lambda out: Path("/proc") / out.name),
    Fault("/dev/full", REFUSED, place=lambda _: Path("/dev/full")),
    Fault("/dev/null", REFUSED, place=lambda _: Path("/dev/null")),
    Fault("files of somebody else", REFUSED, place=_foreign),
    # GeoPackages of regions cannot have such a name: GDAL would leave the line end out
    Fault("a name with a line end and an escape", EITHER, place=lambda out: out.with_name(f"a\n\x1b[2J{out.name}")),
)  # fmt: skip
"""The table of what may be wrong."""

NAMED = {"a link in a circle", "dangling link", "files of somebody else", "name too long"}
"""Faults of a place that no ledger, which is there already, has."""

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
typedef int (*asked)(clockid_t, struct timespec *);
static int told(clockid_t clock, struct timespec *now) {
    static asked real; static struct timespec first; static long moved;
    if (!real) real = (asked)dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real(clock, now);
    if (answer || clock != CLOCK_REALTIME) return answer;
    if (!first.tv_sec) { first = *now; moved = atol(getenv("MOVED")); }
    if (now->tv_sec > first.tv_sec) now->tv_sec += moved;
    return 0;
}
int clock_gettime(clockid_t clock, struct timespec *now) { return told(clock, now); }
time_t time(time_t *place) {
    struct timespec now; told(CLOCK_REALTIME, &now);
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec found; told(CLOCK_REALTIME, &found); (void)zone;
    now->tv_sec = found.tv_sec; now->tv_usec = found.tv_nsec / 1000;
    return 0;
}
"""
"""A library that moves the clock of a process once it runs for a second."""


@functools.cache
def _clock(folder: Path) -> Path | None:
    """Return the library that moves the clock; None where there is no compiler."""
    if shutil.which("cc") is None:
        return None
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(CLOCK, encoding="ascii")
    made = ["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(made, check=True, capture_output=True)
    return library


def run_surroundings(tally: Tally, count: int, seed: int, only: Sequence[str] = ()) -> None:
    """Run `count` pairs of a fault and a command, from the one of that number on; 0 for
    three commands on each fault.
    """
    with TemporaryDirectory(prefix="marathon-") as name:
        folder = Path(name).resolve()
        inputs = make_inputs(folder / "in")
        every = [one for one in commands() if not one.searches]
        pairs = [
            (every[(EACH * f + k) % len(every)], fault)
            for k in range(len(every))
            for f, fault in enumerate(FAULTS)
        ]
        for number in range(seed, seed + (count or EACH * len(FAULTS))):
            command, fault = pairs[number % len(pairs)]
            if tally.stopped:
                return
            if only and not {command.name, fault.name} & set(only):
                continue
            if command.writes == LEDGER and fault.name in NAMED:
                continue
            place = folder / str(number)
            place.mkdir()
            out = place / "out" / (f"out{command.writes}" if command.writes[0] == "." else "out")
            out.parent.mkdir()
            _run(command, fault, out, inputs, folder, tally)
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _mounted(out: Path, options: str) -> Iterator[bool]:
    """Mount a file system at the folder of a place; give whether that is allowed here."""
    if not options:
        yield True
        return
    line = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(out.parent)]
    if subprocess.run(line, check=False, capture_output=True).returncode:
        yield False
        return
    try:
        with suppress(OSError):
            if options == "size=4k":
                (out.parent / "filler").write_bytes(b"x" * 4096)
        yield True
    finally:
        subprocess.run(["umount", "-l", str(out.parent)], check=False, capture_output=True)


def _run(
    command: Command, fault: Fault, out: Path, inputs: Path, folder: Path, tally: Tally
) -> None:
    group = fault.name
    with ExitStack() as stack:
        if command.writes == LEDGER:
            command.begin(out, inputs)
            if fault.mount:
                return  # it would be hidden
        if not stack.enter_context(_mounted(out, fault.mount)):
            return
        place = out if command.writes == LEDGER else fault.place(out)
        environment = {**ENVIRONMENT, **fault.environment}
        if fault.clock is not None:
            if (library := _clock(folder)) is None:
                return
            environment |= {"LD_PRELOAD": str(library), "MOVED": str(fault.clock)}
        line = ["/bin/bash", "-c", fault.run, "bash", *command.line(place, inputs)]
        options: dict[str, Any] = {
            "env": {name: text for name, text in environment.items() if text is not None},
            "cwd": fault.folder or str(out.parents[1]),
            "start_new_session": True,
        }
        limit = fault.limit
        if limit is not None:
            options["preexec_fn"] = lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (limit, limit)
            )
        try:
            code, said, session = _done(line, fault.columns, options)
        except subprocess.TimeoutExpired:
            tally.add(group, "hang", command.name)
            return
        mine = out if command.writes == LEDGER or fault.place is not _foreign else None
        _judge(command, fault, (code, said), Path(place), mine, tally)
        if left := processes_of_session(session):
            tally.add(group, "processes left", f"{command.name}: {left}")


def _done(line: list[str], columns: int | None, options: dict[str, Any]) -> tuple[int, str, int]:
    """Run a command; return its exit code, what it printed, and its session."""
    if columns is None:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, **options) as process:
            out, errors = process.communicate(timeout=SECONDS)
        return process.returncode, (errors + out).decode(errors="replace"), process.pid
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    said = bytearray()

    def listen() -> None:
        with suppress(OSError):
            while piece := os.read(ours, 65_536):
                said.extend(piece)

    with subprocess.Popen(line, stdin=theirs, stdout=theirs, stderr=theirs, **options) as process:
        os.close(theirs)
        listener = threading.Thread(target=listen)
        listener.start()
        process.wait(timeout=SECONDS)
        listener.join(5)
    os.close(ours)
    return process.returncode, said.decode(errors="replace"), process.pid


def _judge(
    command: Command,
    fault: Fault,
    done: tuple[int, str],
    place: Path,
    mine: Path | None,
    tally: Tally,
) -> None:
    """Count what came of a run; `mine` is a place that must be whole or absent."""
    group, (code, said) = fault.name, done
    told = said.strip()[-300:]
    codes = (
        fault.codes | FINE if command.writes == LEDGER and fault.place is not Path else fault.codes
    )
    if "Traceback" in said:
        tally.add(group, "traceback", f"{command.name}: {told}")
    elif code not in codes:
        tally.add(group, "wrong exit code", f"{command.name}: {code}: {told}")
    elif code == 1 and "closed" not in group and "expected" not in said and "cannot" not in said:
        tally.add(group, "unclear", f"{command.name}: {told}")
    elif code == 0 and fault.codes == FINE and command.state(place) != "whole":
        tally.add(group, "silent", f"{command.name}: exit 0, and {command.state(place)}: {told}")
    elif mine is not None and os.path.lexists(mine) and command.state(mine) == "half-written":
        tally.add(group, "half-written", command.name)
    elif command.writes in {FOLDER, LEDGER} and place.parent.is_dir() and leftovers(place):
        tally.add(group, "leftovers", f"{command.name}: {leftovers(place)}")
    else:
        tally.add(group, "right")
