"""When the command began, for limits of time that count everything."""

from __future__ import annotations

import time

_began = time.monotonic()


def begin() -> None:
    """Note that a command begins."""
    global _began  # noqa: PLW0603 - one command a process; tests run several, one after another
    _began = time.monotonic()


def seconds_running() -> float:
    """Return the seconds since the command began."""
    return time.monotonic() - _began
