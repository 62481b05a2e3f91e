"""Ctrl-C around calls of MathOpt.

MathOpt's binding calls Python while it converts a result (protobuf's `GetMessageClass`). A Ctrl-C that came during the solve is raised
there, and the binding drops the exception: the interrupt is lost. So it is held back until the call has returned, which is no later than it
would be raised anyway.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of `signal` without the conversions to enumerations, which took most of the time of a block."""
    return getattr(function, "__wrapped__", function)


_handler_of, _set_handler = _plain(signal.getsignal), _plain(signal.signal)


@contextmanager
def interrupt_held_back() -> Iterator[None]:
    """Call the handler of Ctrl-C that came within the block at its end; only the main thread receives signals.

    Raises
    ------
    KeyboardInterrupt
        At the end of the block, if Ctrl-C came within it and Python's own handler is installed.
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
