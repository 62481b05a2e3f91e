"""Functions of series, in a file that imports little: each process that runs them
begins by importing it.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from optimizer.base.errors import InputError
from optimizer.base.work.tasks import TaskCall


def added(call: TaskCall) -> dict[str, Any]:
    """Return a task's number and those before it, over what all share."""
    return {"sum": call.shared + call.task.argument + sum(each["sum"] for each in call.earlier)}


def killed_once(call: TaskCall) -> int:
    """Kill the worker of one task the first time, and of another every time."""
    if call.task.key == "always" or (
        call.task.key == "once" and not (mark := Path(call.shared)).exists()
    ):
        if call.task.key == "once":
            mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    return 2 * int(call.task.argument)


def broken(call: TaskCall) -> int:
    """Fail on one task."""
    if call.task.argument == 1:
        raise InputError
    return int(call.task.argument)


def slow(call: TaskCall) -> int:
    """Take a while."""
    time.sleep(0.1 if call.task.argument < 2 else 600)
    return os.getpid()
