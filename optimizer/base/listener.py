"""How a long computation reports: steps, bounds and plans as they come, and whether the caller wants it to stop."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Listener(Protocol):
    """What a long computation calls; `SilentListener` does nothing and is the class to derive from."""

    def step_started(self, name: str) -> None:
        """Note that a step begins; steps may be nested."""

    def step_ended(self, name: str, seconds: float) -> None:
        """Note that the innermost step has ended, also by an exception, after so many seconds."""

    def noted(self, sentence: str) -> None:
        """Tell the user something that is no step, such as how many rows of a file are used."""

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Note the bounds of the optimal value; `upper` is infinite while no plan is known."""

    def plan_found(self, placed: NDArray[Any], value: float) -> None:
        """Note a feasible plan and its value.

        `placed` says how often each option of the instance is placed; a search over beats appends its beats in the order it made them.
        """

    def cancelled(self) -> bool:
        """Return whether to stop; a search that is cancelled ends as one that is interrupted by Ctrl-C."""


class SilentListener(Listener):
    """Ignores everything and never cancels."""

    def step_started(self, name: str) -> None:
        """Ignore it."""

    def step_ended(self, name: str, seconds: float) -> None:
        """Ignore it."""

    def noted(self, sentence: str) -> None:
        """Ignore it."""

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Ignore them."""

    def plan_found(self, placed: NDArray[Any], value: float) -> None:
        """Ignore it."""

    def cancelled(self) -> bool:
        """Return False."""
        return False


SILENT: Listener = SilentListener()
"""The default listener."""


class ForwardingListener(SilentListener):
    """Passes everything on to another listener; derive from it to change or add to some of it.

    Parameters
    ----------
    listener
        The other listener.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def step_started(self, name: str) -> None:
        """Pass it on."""
        self._listener.step_started(name)

    def step_ended(self, name: str, seconds: float) -> None:
        """Pass it on."""
        self._listener.step_ended(name, seconds)

    def noted(self, sentence: str) -> None:
        """Pass it on."""
        self._listener.noted(sentence)

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Pass them on."""
        self._listener.bounds_moved(lower, upper)

    def plan_found(self, placed: NDArray[Any], value: float) -> None:
        """Pass it on."""
        self._listener.plan_found(placed, value)

    def cancelled(self) -> bool:
        """Return what the other says."""
        return self._listener.cancelled()


class OnlyCancels(SilentListener):
    """Tells another listener nothing, as the bounds of a part are none of the whole, and asks it whether to stop."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def cancelled(self) -> bool:
        """Return what the other says."""
        return self._listener.cancelled()


@contextmanager
def step(listener: Listener, name: str, *, stoppable: bool = True) -> Iterator[None]:
    """Report that a step begins and, however it ends, that it has ended.

    Parameters
    ----------
    listener
        Who is told.
    name
        What is being done, in a few words.
    stoppable
        Whether the step is left out if the listener has cancelled the computation.

    Raises
    ------
    KeyboardInterrupt
        If it is left out.
    """
    if stoppable:
        stop_if_cancelled(listener)
    listener.step_started(name)
    began = time.monotonic()
    try:
        yield
    finally:
        listener.step_ended(name, time.monotonic() - began)


def stop_if_cancelled(listener: Listener) -> None:
    """Raise KeyboardInterrupt if the listener has cancelled the computation."""
    if listener.cancelled():
        raise KeyboardInterrupt
