"""Command line: arguments in, the pipeline or one step called, tables and exit codes out."""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

__all__ = ["main"]

SOON_S = 0.01
"""Seconds after which the main thread has left what Python clears away."""


def main() -> None:
    """Run the command line; Ctrl-C while Python still reads it ends as any other, and
    while Python ends it is ignored.
    """
    sys.unraisablehook = _interrupt_again
    try:
        from optimizer.cli.terminal import LEFT, begin

        begin()
        from optimizer.cli.app import main as run
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted before there was a plan.\n")
        sys.exit(3)
    try:
        try:
            run()
        finally:
            with contextlib.suppress(ValueError):  # in another thread
                signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:  # after the command, while its last lines are printed
        sys.exit(LEFT)


def _interrupt_again(found: UnraisableHookArgs) -> None:
    """Have Ctrl-C come once more where it came while Python cleared an object away: what
    is raised there is printed and lost.
    """
    if issubclass(found.exc_type, KeyboardInterrupt):
        # raised here, it would be lost again
        _thread.start_new_thread(_interrupt_soon, ())
    else:
        sys.__unraisablehook__(found)


def _interrupt_soon() -> None:
    time.sleep(SOON_S)
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # also ends what the main thread waits for
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
