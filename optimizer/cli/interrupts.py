"""Ctrl-C on the command line."""

from __future__ import annotations

import contextlib
import os

from optimizer.base.interrupts import Stopping

LEFT = 130
"""Exit code after a second Ctrl-C, as shells have it."""


class CommandInterrupts(Stopping):
    """Says what the first Ctrl-C does, and leaves at the second, whatever is under way: what is written whole is there, nothing else."""

    def __init__(self) -> None:
        super().__init__(breakable=True)

    def first_interrupt(self) -> None:
        """Say so."""
        _tell("Stopping; what there is is kept. Ctrl-C again leaves at once.")

    def second_interrupt(self) -> None:
        """Leave."""
        _tell("Left at once; nothing more is written.")
        os._exit(LEFT)


def _tell(text: str) -> None:
    """Write past Python's buffer of standard error, which may be in use."""
    with contextlib.suppress(OSError):  # it is closed
        os.write(2, f"\n{text}\n".encode())
