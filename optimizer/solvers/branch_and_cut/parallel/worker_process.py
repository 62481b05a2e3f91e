"""The process of one worker of a parallel tree (`workers.TreeProcesses`): messages come on standard input and go to standard output, pickled.

What they hold is made by the parent process, by the same program.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO

from optimizer.solvers.branch_and_cut.parallel.messages import BetterValue, Lost, Order, Pause, Ready, TreeState
from optimizer.solvers.branch_and_cut.parallel.worker import TreeWorker

if TYPE_CHECKING:
    from collections.abc import Callable


def main(number: int) -> None:
    """Obey orders until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    report = _reporter(os.fdopen(os.dup(1), "wb"))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what C++ prints is no message
    try:
        state: TreeState = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent
        worker = TreeWorker(state, number, report)
        orders: SimpleQueue[Order] = SimpleQueue()
        threading.Thread(target=_read, args=(sys.stdin.buffer, worker, orders), daemon=True).start()
        report(Ready())
        while True:
            report(worker.obey(orders.get()))
    except BrokenPipeError:  # the parent is gone
        os._exit(1)
    except EOFError:  # the parent is gone before it sent all
        os._exit(1)
    except Exception as error:  # noqa: BLE001 - the parent raises it
        traceback.print_exc()
        report(Lost(f"{type(error).__name__}: {error}"[:300], failed=True))


def _reporter(pipe: BinaryIO) -> Callable[[Any], None]:
    """Return a function that writes a message whole and at once, whichever thread calls it."""
    lock = threading.Lock()

    def report(message: Any) -> None:  # noqa: ANN401 - any message
        content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        with lock:
            pipe.write(content)
            pipe.flush()

    return report


def _read(pipe: BinaryIO, worker: TreeWorker, orders: SimpleQueue[Order]) -> None:
    """Take messages as they come; end this process when the parent closes its end."""
    while True:
        try:
            message = pickle.load(pipe)  # noqa: S301 - from the parent
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(1)
        if isinstance(message, Order):
            orders.put(message)
        elif isinstance(message, BetterValue):
            worker.know_value(message.upper)
        elif isinstance(message, Pause):
            worker.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]))
