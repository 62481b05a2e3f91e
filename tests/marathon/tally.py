"""What a part of the marathon counts."""

from __future__ import annotations

import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

GOOD = {"accepted", "refused", "right", "whole", "absent", "too late"}
"""Outcomes that are as they should be; any other is a fault. A signal that came when a
command had ended by itself was too late.
"""


class HangError(BaseException):
    """A case that took longer than it may; no handler of the code under test catches it."""


@dataclass
class Tally:
    """Outcomes by group, and the faults in words."""

    #: (group, outcome) -> number of cases.
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: One line each.
    faults: list[str] = field(default_factory=list)
    #: Print faults as they are found.
    loud: bool = False
    #: Whether SIGTERM asked for no more cases.
    stopped: bool = False

    def add(self, group: str, outcome: str, detail: str = "") -> None:
        """Count one case; an outcome that is a fault is kept with its detail."""
        self.counts[group, outcome] += 1
        if outcome not in GOOD:
            self.faults.append(f"{group}: {outcome}: {detail}")
            if self.loud:
                sys.stderr.write(f"FAULT {self.faults[-1]}\n")

    def total(self, outcome: str = "") -> int:
        """Return how many cases there were, of one outcome or of all."""
        return sum(number for (_, kind), number in self.counts.items() if outcome in {"", kind})


def last_frame(error: BaseException) -> str:
    """Return the exception with the innermost place of our own code that it came through."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "/optimizer/" in frame.filename
    ]
    at = f"{frames[-1].filename.split('/optimizer/')[-1]}:{frames[-1].lineno}" if frames else "?"
    text = str(error).replace("\n", " ")
    return f"{type(error).__name__} at {at}: {text[:160]}"


@contextmanager
def peak_memory() -> Iterator[Callable[[], int]]:
    """Give what returns the bytes of memory that the block took at most, beyond those
    before it; 0 where the system does not say.
    """
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _status("VmRSS")
    yield lambda: max(0, _status("VmHWM") - before)


def _status(name: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raise `HangError` where the block takes longer."""

    def late(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
