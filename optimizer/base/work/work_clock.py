"""The clock of a search: it counts work, so that a busy machine shortens a search and
does not change its way.

Parts of a search have shares of its time. By the clock of the machine such a share
holds less work where other programs run: a step would miss the plan that it finds on a
quiet machine, and all steps after it would go another way. So `work_seconds`, processor
seconds of the thread, time the parts. The limit of the whole is one by the clock of the
machine (`limited`); where it comes, the clock of work is put forward beyond it. Or it
is one by work: then the clock of the machine ends nothing, and a busy machine does not
shorten the search either.

A thread that waits for other processes does no work of its own. They say how much they
have done, which puts its clock forward (`put_forward`): it is then that of the longest
chain of work, as a logical clock is (Lamport 1978).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

BEYOND = 1.0
"""Seconds beyond the limit to which the clock is put forward there: parts that began a
little later than the whole have ended as well.
"""

INFINITY = float("inf")


class _ThreadClock(threading.local):
    """The clock of a thread: how far it was put forward, and the limit under way on both clocks."""

    ahead = 0.0
    end = INFINITY
    wall_end = INFINITY


_clock = _ThreadClock()


def work_seconds() -> float:
    """Return the time on the clock of work of this thread, in seconds; only differences
    mean something.
    """
    seconds = time.thread_time() + _clock.ahead
    if seconds < _clock.end and time.monotonic() >= _clock.wall_end:
        put_forward(_clock.end + BEYOND)
        return _clock.end + BEYOND
    return seconds


def put_forward(seconds: float) -> None:
    """Set the clock of this thread to a time, unless it is later already."""
    _clock.ahead = max(_clock.ahead, seconds - time.thread_time())


@contextmanager
def limited(seconds: float | None, work: float | None = None) -> Iterator[None]:
    """End what is done within after so many seconds by the clock of the machine; a
    limit within another, or None, is none.

    `work` is how far from now the parts within end by the clock of work, in seconds,
    where that is not the same: they begin late in a search, or `seconds` is infinite,
    and the limit is one by work.
    """
    if seconds is None or _clock.end < INFINITY:
        yield
        return
    try:
        _clock.end, _clock.wall_end = (
            work_seconds() + (seconds if work is None else work),
            time.monotonic() + seconds,
        )
        yield
    finally:
        _clock.end = _clock.wall_end = INFINITY


def machine_end() -> float:
    """Return the `time.monotonic()` of the limit under way; infinity without one."""
    return _clock.wall_end


def limited_by_work() -> bool:
    """Return whether a limit is under way that the clock of the machine has no part in."""
    return _clock.end < INFINITY and _clock.wall_end == INFINITY


def machine_limit(seconds: float) -> float:
    """Return the limit, in seconds, of a solver that knows the clock of the machine
    alone, at most so many: infinity under a limit by work.
    """
    return INFINITY if limited_by_work() else min(seconds, machine_seconds_left())


def machine_seconds_left() -> float:
    """Return the seconds by the clock of the machine until the limit under way, at
    least 0; infinity without one.
    """
    return max(machine_end() - time.monotonic(), 0.0)


@contextmanager
def waiting() -> Iterator[None]:
    """Count the time by the clock of the machine as work: for waits where nobody tells
    how much was done meanwhile.

    Under a limit by work no more counts than the processor seconds of this process,
    whose other threads do what is waited for.
    """
    began = time.monotonic()
    spent = time.process_time()
    work = work_seconds()
    try:
        yield
    finally:
        waited = time.monotonic() - began
        put_forward(
            work + (min(waited, time.process_time() - spent) if limited_by_work() else waited)
        )
