"""Workers of a parallel tree in processes of their own: `python -m optimizer.solvers.branch_and_cut.tree_process`, messages over pipes.

Each is in a session of its own, so that the terminal's Ctrl-C reaches the parent alone, and ends when its standard input closes: none outlives
its parent. They are not forked: a fork of a process with threads may hang, and some systems have none.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from optimizer.solvers.branch_and_cut.tree_messages import Lost
from optimizer.solvers.branch_and_cut.tree_workers import TreeWorkers

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.tree_messages import ToWorker, TreeState
    from optimizer.solvers.branch_and_cut.tree_workers import Event

WORKER = "optimizer.solvers.branch_and_cut.tree_process"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of a worker: each has one core."""


class TreeProcesses(TreeWorkers):
    """Worker processes on this machine.

    Parameters
    ----------
    size
        Number of processes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._state = b""
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._processes: list[_TreeProcess] = []
        self._numbers = count(1)

    @property
    def size(self) -> int:
        """Number of workers."""
        return self._size

    @property
    def process_ids(self) -> list[int]:
        """Ids of the processes."""
        return [one.process.pid for one in self._processes]

    def start(self, state: TreeState) -> None:
        """Start the processes and send them the state."""
        self._state = pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)
        self._processes = [self._new(worker) for worker in range(self._size)]

    def send(self, worker: int, message: ToWorker) -> None:
        """Tell a worker something."""
        self._processes[worker].tell(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))

    def events(self, seconds: float) -> list[Event]:
        """Return what has come; wait so long for the first."""
        found: list[Event] = []
        with contextlib.suppress(Empty):
            found.append(self._events.get(timeout=seconds) if seconds > 0 else self._events.get_nowait())
            while True:
                found.append(self._events.get_nowait())
        return found

    def replace(self, worker: int) -> None:
        """Start another process in place of one that is lost."""
        self._processes[worker].end()
        self._processes[worker] = self._new(worker)

    def end(self) -> None:
        """Kill all processes and wait for them."""
        for one in self._processes:
            one.process.kill()
        for one in self._processes:
            one.end()
        self._processes.clear()

    def _new(self, worker: int) -> _TreeProcess:
        return _TreeProcess(worker, next(self._numbers), self._state, self._events)


class _TreeProcess:
    """One process, and the threads that write to it and read from it."""

    def __init__(self, worker: int, number: int, state: bytes, events: SimpleQueue[Event]) -> None:
        self._worker, self._events = worker, events
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", WORKER, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
            cwd=Path(__file__).parents[3],
            env=os.environ | ONE_THREAD,
        )
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._write, self._read)]
        for thread in self._threads:
            thread.start()
        self.tell(state)

    def tell(self, message: bytes) -> None:
        """Send a message, in the order of the calls, without waiting for the process to read it."""
        self._outbox.put(message)

    def end(self) -> None:
        """Kill the process, if it still runs, and wait for it."""
        self.process.kill()
        self.process.wait()
        self._outbox.put(None)
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]

    def _write(self) -> None:
        pipe: Any = self.process.stdin
        while (message := self._outbox.get()) is not None:
            try:
                pipe.write(message)
                pipe.flush()
            except (OSError, ValueError):  # it is gone, as `_read` notices
                return

    def _read(self) -> None:
        pipe: Any = self.process.stdout
        while True:
            try:
                message = pickle.load(pipe)  # noqa: S301 - from our own process
            except (EOFError, OSError, ValueError, pickle.UnpicklingError):  # the end, or the middle of a message
                break
            self._events.put((self._worker, message))
        code = self._ended()
        self._events.put((self._worker, Lost(self._why(code))))

    def _ended(self) -> int | None:
        """Return the exit code of a process whose output has ended."""
        until = time.monotonic() + 5
        while (code := self.process.poll()) is None and time.monotonic() < until:
            time.sleep(0.01)
        return code

    def _why(self, code: int | None) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        ended = f"ended by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return f"{ended}: {lines[-1][:200]}" if lines else ended
