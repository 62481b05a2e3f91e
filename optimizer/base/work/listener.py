"""How a long computation reports steps, bounds and plans as they come, and how its
caller or Ctrl-C stops it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Listener(Protocol):
    """What a long computation calls; `SilentListener` does nothing and is the class to
    derive from.
    """

    def step_started(self, name: str) -> None:
        """Note that a step begins; steps may be nested."""

    def step_ended(self, name: str, seconds: float) -> None:
        """Note that the innermost step has ended, also by an exception, after so many seconds."""

    def noted(self, sentence: str) -> None:
        """Tell the user something that is no step, such as how many rows of a file are used."""

    def search_began(self, *, shares: bool, seconds: float | None) -> None:
        """Note that bounds will come: whether they are shares of all loads, and how
        many seconds the search has; None for no limit.
        """

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Note the bounds of the optimal value; `upper` is infinite while no plan is known."""

    def plan_found(self, placed: NDArray[Any], value: float) -> None:
        """Note a feasible plan and its value.

        `placed` says how often each option of the instance is placed; a search over
        beats appends its beats in the order it made them.
        """

    def cancelled(self) -> bool:
        """Return whether to stop; a search that is cancelled ends as one that is
        interrupted by Ctrl-C.
        """


class SilentListener(Listener):
    """Ignores everything and never cancels."""

    def step_started(self, name: str) -> None:
        """Ignore it."""

    def step_ended(self, name: str, seconds: float) -> None:
        """Ignore it."""

    def noted(self, sentence: str) -> None:
        """Ignore it."""

    def search_began(self, *, shares: bool, seconds: float | None) -> None:
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
    """Passes everything on to another listener; derive from it to change or add to some
    of it.

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

    def search_began(self, *, shares: bool, seconds: float | None) -> None:
        """Pass it on."""
        self._listener.search_began(shares=shares, seconds=seconds)

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
    """Asks another listener whether to stop, and tells it nothing but notes, if those:
    the bounds of a part are none of the whole.
    """

    def __init__(self, listener: Listener, *, notes: bool = False) -> None:
        self._listener = listener
        self._notes = notes

    def noted(self, sentence: str) -> None:
        """Pass it on if that is wished: a part that is repeated would say it again and again."""
        if self._notes:
            self._listener.noted(sentence)

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


# Ctrl-C: the first one stops a computation, which keeps what it has; the second one
# leaves.
#
# Python raises KeyboardInterrupt wherever it happens to be: between two steps of a
# solve that would lose the plan. Within `Stopping` it is raised inside `attempt` alone;
# elsewhere Ctrl-C is remembered, and `cancelled()` says so from then on. So it is too
# in what is left of an `attempt`, or of one that is `breakable`, after a `Stopping`
# within it has ended without an error: then there is something to keep.
#
# Code in C may turn the KeyboardInterrupt into another exception, with or without
# naming it as the cause: Python itself makes a SystemError of one that comes with a
# result, NumPy a TypeError of one within a comparison of structures.

T = TypeVar("T")

_active: list[Stopping] = []
"""Those within which the main thread is, the outermost first."""


class Stopping(ForwardingListener):
    """A listener that also cancels after Ctrl-C, which it takes over as a context
    manager; those within others share it.

    Ctrl-C is left alone outside the main thread, and where another program has a
    handler of its own. A search that is cancelled by the listener, or by a
    KeyboardInterrupt within `attempt`, is stopped in the same way.

    Parameters
    ----------
    listener
        Everything is passed on to it.
    breakable
        Whether the first Ctrl-C raises KeyboardInterrupt also outside of `attempt`:
        where there is nothing to keep yet.

    Attributes
    ----------
    stopped
        Whether to stop, as far as is known without asking the listener.
    interrupted
        Whether Ctrl-C was pressed.
    breakable
        Whether it would raise KeyboardInterrupt now.
    """

    def __init__(self, listener: Listener = SILENT, *, breakable: bool = False) -> None:
        super().__init__(listener)
        self.stopped = False
        self.breakable = breakable
        self.interrupted = False

    def __enter__(self) -> Self:
        """Take Ctrl-C over."""
        if threading.current_thread() is threading.main_thread():
            if _active:
                self.stopped = self.interrupted = _active[-1].interrupted
                _active.append(self)
            elif signal.getsignal(signal.SIGINT) in (
                signal.default_int_handler,
                _take,
            ):  # the latter was left by an interrupted exit
                _active.append(self)
                signal.signal(signal.SIGINT, _take)
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Give Ctrl-C back; one that comes within this is a KeyboardInterrupt, after
        which nothing of this one is left.
        """
        last = _active == [self]
        if error is None and len(_active) > 1:
            _active[-2].breakable = False
        if self in _active:
            _active.remove(self)
        if last:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def attempt(self, work: Callable[[], T]) -> T | None:
        """Return what some work returns; None, with `stopped` set, where Ctrl-C or the
        listener has broken it off.

        Any exception of work within which Ctrl-C came is taken for the interrupt.
        """
        before, interrupted = self.breakable, self.interrupted
        try:
            self.breakable = True
            return work()
        except KeyboardInterrupt:
            self.stopped = True
            return None
        except Exception as error:
            if self.interrupted == interrupted:
                raise
            if not is_interrupt(error):
                self.noted(f"Ctrl-C ended the work with an error: {type(error).__name__}: {error}")
            return None
        finally:
            self.breakable = before

    def cancelled(self) -> bool:
        """Return whether to stop."""
        self.stopped = self.stopped or super().cancelled()
        return self.stopped

    def first_interrupt(self) -> None:
        """Act on the first Ctrl-C, where this is the outermost: by default not at all."""

    def second_interrupt(self) -> None:
        """Act on each further Ctrl-C, where this is the outermost: by default raise
        KeyboardInterrupt, wherever that is.
        """
        raise KeyboardInterrupt


def is_interrupt(error: BaseException) -> bool:
    """Return whether an exception is a KeyboardInterrupt, or was made of one."""
    made_of: BaseException | None = error
    while made_of is not None and not isinstance(made_of, KeyboardInterrupt):
        made_of = made_of.__cause__ or made_of.__context__
    return made_of is not None


def _take(_: int, __: FrameType | None) -> None:
    """Handle SIGINT."""
    if not _active:  # it came while the last one was left
        raise KeyboardInterrupt
    if _active[0].interrupted:
        _active[0].second_interrupt()
        return
    for one in _active:
        one.stopped = one.interrupted = True
    _active[0].first_interrupt()
    if _active[-1].breakable:
        raise KeyboardInterrupt


# Ctrl-C around calls of MathOpt.
#
# MathOpt's binding calls Python while it converts a result (protobuf's
# `GetMessageClass`). A Ctrl-C that came during the solve is raised there, and the
# binding drops the exception: the interrupt is lost. So it is held back until the call
# has returned, which is no later than it would be raised anyway.


# The functions below those of `signal`, whose conversions to enumerations took most of
# the time of a block.
_plain = getattr(signal, "_signal", signal)
_handler_of, _set_handler = _plain.getsignal, _plain.signal


@contextmanager
def interrupt_held_back() -> Iterator[None]:
    """Call the handler of Ctrl-C that came within the block at its end; only the main
    thread receives signals.

    Raises
    ------
    KeyboardInterrupt
        At the end of the block, if Ctrl-C came within it and Python's own handler is
        installed.
    """
    handler = _handler_of(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[int] = []
    _set_handler(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        _set_handler(signal.SIGINT, handler)
        if came:
            handler(signal.SIGINT, None)
