"""Processes that a test starts: none outlives its test, whatever the test makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def started(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Start a process in a group of its own; at the end the whole group is killed.

    Coverage is not measured in it: a signal that comes while coverage's tracer holds
    its lock would leave the process waiting for ever.
    """
    given = options.pop("env", None) or os.environ
    options["env"] = {
        name: value for name, value in given.items() if not name.startswith("COVERAGE_PROCESS")
    }
    process = subprocess.Popen(command, start_new_session=os.name != "nt", **options)
    try:
        yield process
    finally:
        if os.name == "nt":
            process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def ids_of_session(session: int) -> list[int]:
    """Return the numbers of the living processes of a session, on Linux."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            state, _, _, its_session = status.read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state not in "ZX":
                found.append(int(status.parent.name))
    return found


def processes_of_session(session: int) -> list[str]:
    """Return the command lines of the living processes of a session, on Linux."""
    found = []
    for number in ids_of_session(session):
        with suppress(OSError):
            line = Path(f"/proc/{number}/cmdline").read_bytes()
            found.append(line.replace(b"\0", b" ").decode(errors="replace").strip()[:200])
    return found
