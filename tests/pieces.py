"""Functions of series, in a file that imports little: each process that runs them begins by importing it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError

if TYPE_CHECKING:
    from optimizer.base.work.executor import PieceCall


def added(call: PieceCall) -> dict[str, Any]:
    """Return a piece's number and those before it, over what all share."""
    return {"sum": call.shared + call.piece.argument + sum(each["sum"] for each in call.earlier)}


def killed_once(call: PieceCall) -> int:
    """Kill the worker of one piece the first time, and of another every time."""
    if call.piece.key == "always" or (call.piece.key == "once" and not (mark := Path(call.shared)).exists()):
        if call.piece.key == "once":
            mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    return 2 * int(call.piece.argument)


def broken(call: PieceCall) -> int:
    """Fail on one piece."""
    if call.piece.argument == 1:
        raise InputError
    return int(call.piece.argument)


def slow(call: PieceCall) -> int:
    """Take a while."""
    time.sleep(0.1 if call.piece.argument < 2 else 600)
    return os.getpid()
