"""Processes that run the pieces of a series, one piece each at a time; one that dies costs the piece that it ran."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import SolverError
from optimizer.base.executor import EndedPiece, LostPieceError, PieceCall, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TRIES = 2
"""How many workers may die of one piece."""


@dataclass
class _Worker:
    """A process and what it runs."""

    process: SpawnProcess
    connection: Connection
    call: PieceCall | None = None
    tried: int = 0


class WorkerProcesses:
    """Processes of this machine, started as they are needed."""

    def __init__(self, jobs: int, function: Callable[[PieceCall], Any], shared: object) -> None:
        self.slots = self.cores = jobs
        self._function = function
        self._shared = pickle.dumps(shared)
        self._workers: list[_Worker] = []

    def submit(self, call: PieceCall) -> None:
        """Give a piece to a worker that has none."""
        worker = next((each for each in self._workers if each.call is None), None)
        if worker is None:
            worker = self._started()
            self._workers.append(worker)
        self._give(worker, call, 1)

    def ended(self) -> Sequence[EndedPiece]:
        """Return what has ended within half a second."""
        busy = {worker.connection: worker for worker in self._workers if worker.call is not None}
        found = []
        for connection in wait(list(busy), timeout=0.5):  # a wait without a timeout is not interruptible everywhere
            worker = busy[connection]  # type: ignore[index]
            try:
                ended = pickle.loads(worker.connection.recv_bytes())  # noqa: S301 - our own process
            except (EOFError, OSError):
                ended = self._lost(worker)
            else:
                worker.call = None
            found += [] if ended is None else [ended]
        return found

    def close(self) -> None:
        """Kill the processes."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers.clear()

    def _give(self, worker: _Worker, call: PieceCall, tried: int) -> None:
        worker.call, worker.tried = call, tried
        try:
            worker.connection.send(call)
        except OSError:  # it died while it had nothing to do: `ended` sees that
            return

    def _lost(self, worker: _Worker) -> EndedPiece | None:
        """Put another process in the place of one that died, with the piece that it ran; give that up after `TRIES`."""
        call = worker.call
        assert call is not None  # noqa: S101 - it was busy
        worker.process.join()
        worker.connection.close()
        code = worker.process.exitcode
        self._workers.remove(worker)
        if worker.tried >= TRIES:
            reason = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
            return EndedPiece(
                call.piece, None, LostPieceError(f"{worker.tried} workers died of it, the last by {reason}")
            )
        fresh = self._started()
        self._workers.append(fresh)
        self._give(fresh, call, worker.tried + 1)
        return None

    def _started(self) -> _Worker:
        context = get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, self._function, self._shared), daemon=True)
        with _one_thread_each(), _interrupts_held_back():
            process.start()
        there.close()
        return _Worker(process, here)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let each process that starts meanwhile use one thread in its linear algebra: times are then those of one core."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let each process that starts meanwhile begin with Ctrl-C held back: the terminal sends it to all, amid imports too."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, function: Callable[[PieceCall], Any], shared: bytes) -> None:
    """Run pieces until there are no more: the work of a process."""
    _settle()
    common = pickle.loads(shared)  # noqa: S301 - made by the parent
    while True:
        try:
            call = connection.recv()
        except EOFError:
            return
        connection.send_bytes(_packed(outcome_of(function, call, common)))


def _packed(ended: EndedPiece) -> bytes:
    """Return an outcome as bytes; an error that cannot be sent as its words."""
    try:
        content = pickle.dumps(ended)
        pickle.loads(content)  # noqa: S301 - our own; some errors can be written and not read
    except Exception:  # noqa: BLE001 - whatever it is, the words are left
        return pickle.dumps(EndedPiece(ended.piece, None, SolverError(ended.fault or "a result that cannot be sent")))
    return content


def _settle() -> None:
    """In a new process: leave Ctrl-C to the parent, and end when it has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def follow_parent() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow_parent, daemon=True).start()
