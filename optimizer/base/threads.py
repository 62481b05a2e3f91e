"""How many processes a solve may use."""

from __future__ import annotations

import os

from optimizer.base.errors import InputError, Problem


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_count(threads: int | None) -> int:
    """Return how many processes to search with: as many as asked for, or one for each core.

    Raises
    ------
    InputError
        If fewer than 1 or more than there are cores are asked for.
    """
    most = cores()
    if threads is None:
        return most
    if not 1 <= threads <= most:
        expected = "1, as there is one core" if most == 1 else f"a whole number from 1 to {most}, the cores there are"
        raise InputError(Problem("threads", str(threads), expected, "Leave it out to use all cores"))
    return threads
