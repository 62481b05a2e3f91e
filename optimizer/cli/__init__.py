"""Command line: arguments in, the pipeline or one step called, tables and exit codes out."""

from __future__ import annotations

import contextlib
import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C while Python still reads it ends as any other, and
    while Python ends it is ignored.
    """
    try:
        from optimizer.cli.terminal import begin

        begin()
        from optimizer.cli.app import main as run
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted before there was a plan.\n")
        sys.exit(3)
    try:
        run()
    finally:
        with contextlib.suppress(ValueError):  # in another thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)
