"""A series of tasks: one after another in this process, in several processes, or on a
dask cluster. The results are the same in each.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any, NamedTuple

from optimizer.base.errors import InputError, Problem, SolverError
from optimizer.base.work.aside import ONE_THREAD
from optimizer.base.work.cluster import NO_TLS, ClusterWorkers, TlsFiles
from optimizer.base.work.listener import SILENT, Listener, Stopping, step
from optimizer.base.work.tasks import (
    LostTaskError,
    Task,
    TaskCall,
    TaskOutcome,
    Workers,
    outcome_of,
)

if TYPE_CHECKING:
    from optimizer.base.files.json_lines import FinishedTasks

LEAST_SECONDS = 0.05
"""Least time that a task is given."""


@dataclass(frozen=True, slots=True)
class Executor:
    """Who runs a series of calls."""

    #: Processes, >= 1; with 1 the calls are made in this one.
    jobs: int = 1
    #: Address of a dask scheduler, such as `tcp://10.0.0.1:8786`, whose workers run
    #: them instead.
    scheduler: str | None = None
    #: Files of an encrypted connection to it.
    tls: TlsFiles = NO_TLS

    def __post_init__(self) -> None:
        """Refuse a number of processes that is none."""
        if self.jobs < 1:
            raise InputError(Problem("jobs", str(self.jobs), "a whole number of at least 1"))

    def run(
        self,
        function: Callable[[TaskCall], Any],
        tasks: Sequence[Task],
        *,
        shared: object = None,
        until: float | None = None,
        finished: FinishedTasks | None = None,
        listener: Listener = SILENT,
    ) -> Iterator[TaskOutcome]:
        """Make the calls and yield them as they end.

        Ctrl-C, or a listener that cancels, ends the series: processes are killed and
        what they ran is lost; a call in this process ends as its own search does, and
        its result is yielded but not kept. A worker that dies costs the task that it
        ran: another worker begins it anew, and where that dies too the task has an
        error.

        Parameters
        ----------
        function
            A module's function.
        tasks
            The series; each after those whose results it takes.
        shared
            What all calls take, sent to each worker once.
        until
            `time.monotonic()` from which on no task is begun, the first aside; the time
            left is shared among the tasks left.
        finished
            Where results are kept as they come, and read from in place of calls; they
            must then be what JSON can hold. One that is `unfinished` is not kept.
        listener
            Told of each task, with the time left.

        Raises
        ------
        InputError
            If there is no cluster, or its workers have another version of this package.
        """
        series = _Series(tasks, until, listener)
        for key, result in (finished.results() if finished else {}).items():
            if key in series.waiting:
                yield series.end(TaskOutcome(series.waiting[key], result))
        if not series.waiting:
            return
        with (
            Stopping(listener) as stopping,
            closing(self._workers(function, shared, stopping)) as workers,
        ):
            for ended in series.carried_out(workers, stopping):
                if (
                    finished
                    and ended.error is None
                    and not (stopping.cancelled() or _is_unfinished(ended.result))
                ):
                    finished.keep(ended.task.key, ended.result)
                yield ended

    def _workers(
        self, function: Callable[[TaskCall], Any], shared: object, listener: Listener
    ) -> Workers:
        if self.scheduler is not None:
            return ClusterWorkers(self.scheduler, self.tls, function, shared)
        if self.jobs == 1:
            return _Here(function, shared, listener)
        return WorkerProcesses(self.jobs, function, shared)


SERIAL = Executor()
"""One call after another, in this process."""


def thread_count(threads: int | None) -> int:
    """Return how many processes to search with: as many as asked for, or one for each
    core.

    Raises
    ------
    InputError
        If fewer than 1 or more than there are cores are asked for.
    """
    most = cores()
    if threads is None:
        return most
    if not 1 <= threads <= most:
        expected = (
            "1, as there is one core"
            if most == 1
            else f"a whole number from 1 to {most}, the cores there are"
        )
        raise InputError(
            Problem("threads", str(threads), expected, "Leave it out to use all cores")
        )
    return threads


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _is_unfinished(result: object) -> bool:
    """Return whether a result says that its task ran out of time before all of it was done."""
    return isinstance(result, dict) and bool(result.get("unfinished"))


class _Running(NamedTuple):
    """When a task was begun, and how long it was given; None without a limit."""

    began: float
    seconds: float | None


class _Series:
    """Which tasks wait, run and have ended."""

    def __init__(self, tasks: Sequence[Task], until: float | None, listener: Listener) -> None:
        self.waiting = {task.key: task for task in tasks}
        self._total = len(tasks)
        self._until, self._listener = until, listener
        # of ended tasks, for those that take them; `None` where a task failed
        self._results: dict[str, Any] = {}
        # tasks that have ended in any way: one that waits for a failed task begins as
        # well, and its function sees that nothing came
        self._known: set[str] = set()
        self._running: dict[str, _Running] = {}
        self._made = 0
        self._overrun = 0.0
        self._began = time.monotonic()

    def end(self, ended: TaskOutcome) -> TaskOutcome:
        """Note that a task has ended."""
        key = ended.task.key
        self.waiting.pop(key, None)
        self._known.add(key)
        self._results[key] = ended.result
        return ended

    def carried_out(self, workers: Workers, stopping: Stopping) -> Iterator[TaskOutcome]:
        """Hand out tasks and yield them as they end."""
        self._began = time.monotonic()
        while not stopping.cancelled():
            self._hand_out(workers)
            if not self._running:
                return
            # `ended` waits half a second at most, so that Ctrl-C and a listener that
            # cancels are seen between any two tasks
            for ended in workers.ended():
                self._note_time(self._running.pop(ended.task.key))
                yield self.end(ended)
                if workers.slots > 1:
                    self._listener.noted(f"{self._state()}: {ended.task.key}")

    def _hand_out(self, workers: Workers) -> None:
        for task in list(
            self.waiting.values()
        ):  # in the order of the series: the later ones pass a task that waits for others
            if len(self._running) >= workers.slots or self._late():
                return
            if not self._known.issuperset(task.after):
                continue
            del self.waiting[task.key]
            earlier = tuple(self._results[key] for key in task.after)
            seconds = self._share(task.size, workers.cores)
            self._running[task.key] = _Running(time.monotonic(), seconds)
            call = TaskCall(None, task, earlier, seconds, workers.slots == 1, SILENT)
            name = f"{len(self._known) + 1} of {self._total}: {task.key}{self._left()}"
            if workers.slots == 1:
                with step(self._listener, name, stoppable=False):
                    workers.submit(call)
            else:
                workers.submit(call)

    def _late(self) -> bool:
        # the first task is begun however late it is: a series that gives nothing at all
        # would have no result to show
        return (
            self._until is not None
            and bool(self._made or self._running)
            and time.monotonic() >= self._until
        )

    def _share(self, size: int, cores: int) -> float | None:
        """Return the time of a task that begins: its share, by size, of that which is
        left, times those who run at a time.
        """
        if self._until is None:
            return None
        left = self._until - time.monotonic()
        # `cores` tasks run side by side, so that each may take so many times its share
        # of what is left. What tasks so far took beyond the seconds that they were
        # given (reading, a last linear program) is taken off beforehand, or the series
        # would end late by all of it.
        share = size * cores / (sum(task.size for task in self.waiting.values()) + size)
        return max(left * min(1.0, share) - self._overrun, LEAST_SECONDS)

    def _note_time(self, ended: _Running) -> None:
        """Learn by how much tasks take longer than they are given, on average."""
        self._made += 1
        if ended.seconds is not None:
            over = max(time.monotonic() - ended.began - ended.seconds, 0.0)
            self._overrun += (over - self._overrun) / self._made

    def _state(self) -> str:
        return f"{len(self._known)} of {self._total} done{self._left()}"

    def _left(self) -> str:
        """Return about how long the rest takes, at the pace so far."""
        if not self._made:
            return ""
        now = time.monotonic()
        seconds = (now - self._began) / self._made * (self._total - len(self._known))
        if self._until is not None:
            seconds = min(seconds, max(self._until - now, 0.0))
        return f", about {seconds:.0f} s left"


class _Here:
    """The process itself; a task is run as it is handed out."""

    slots = cores = 1

    def __init__(
        self, function: Callable[[TaskCall], Any], shared: object, listener: Listener
    ) -> None:
        self._function = function
        self._shared = shared
        self._listener = listener
        self._ended: deque[TaskOutcome] = deque()

    def submit(self, call: TaskCall) -> None:
        """Run it; one that is interrupted before it has anything leaves nothing."""
        try:
            self._ended.append(outcome_of(self._function, call, self._shared, self._listener))
        except KeyboardInterrupt:
            if not self._listener.cancelled():
                raise

    def ended(self) -> Sequence[TaskOutcome]:
        """Return what was run."""
        ended = list(self._ended)
        self._ended.clear()
        return ended

    def close(self) -> None:
        """Nothing is under way."""


TRIES = 2
"""How many workers may die of one task."""


@dataclass
class _Worker:
    """A process and what it runs."""

    process: SpawnProcess
    connection: Connection
    call: TaskCall | None = None
    tried: int = 0


class WorkerProcesses:
    """Processes of this machine, started as they are needed."""

    def __init__(self, jobs: int, function: Callable[[TaskCall], Any], shared: object) -> None:
        self.slots = self.cores = jobs
        self._function = function
        self._shared = pickle.dumps(shared)
        self._workers: list[_Worker] = []

    def submit(self, call: TaskCall) -> None:
        """Give a task to a worker that has none."""
        worker = next((each for each in self._workers if each.call is None), None)
        if worker is None:
            worker = self._started()
            self._workers.append(worker)
        self._give(worker, call, 1)

    def ended(self) -> Sequence[TaskOutcome]:
        """Return what has ended within half a second."""
        busy = {worker.connection: worker for worker in self._workers if worker.call is not None}
        found = []
        # a wait without a timeout is not interruptible everywhere
        for connection in wait(list(busy), timeout=0.5):
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

    def _give(self, worker: _Worker, call: TaskCall, tried: int) -> None:
        worker.call, worker.tried = call, tried
        try:
            worker.connection.send(call)
        except OSError:  # it died while it had nothing to do: `ended` sees that
            return

    def _lost(self, worker: _Worker) -> TaskOutcome | None:
        """Put another process in the place of one that died, with the task that it ran;
        give that up after `TRIES`.
        """
        call = worker.call
        assert call is not None  # noqa: S101 - it was busy
        worker.process.join()
        worker.connection.close()
        code = worker.process.exitcode
        self._workers.remove(worker)
        if worker.tried >= TRIES:
            reason = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
            return TaskOutcome(
                call.task,
                None,
                LostTaskError(f"{worker.tried} workers died of it, the last by {reason}"),
            )
        fresh = self._started()
        self._workers.append(fresh)
        self._give(fresh, call, worker.tried + 1)
        return None

    def _started(self) -> _Worker:
        context = get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(
            target=_serve, args=(there, self._function, self._shared), daemon=True
        )
        with _one_thread_each(), _interrupts_held_back():
            process.start()
        there.close()
        return _Worker(process, here)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Start processes meanwhile with `ONE_THREAD`; a process of `multiprocessing`
    inherits the environment and takes no other.
    """
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
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
    """Let each process that starts meanwhile begin with Ctrl-C held back: the terminal
    sends it to all, amid imports too.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, function: Callable[[TaskCall], Any], shared: bytes) -> None:
    """Run tasks until there are no more: the work of a process."""
    _settle()
    common = pickle.loads(shared)  # noqa: S301 - made by the parent
    while True:
        try:
            call = connection.recv()
        except EOFError:
            return
        connection.send_bytes(_packed(outcome_of(function, call, common)))


def _packed(ended: TaskOutcome) -> bytes:
    """Return an outcome as bytes; an error that cannot be sent as its words."""
    try:
        content = pickle.dumps(ended)
        pickle.loads(content)  # noqa: S301 - our own; some errors can be written and not read
    except Exception:  # noqa: BLE001 - whatever it is, the words are left
        return pickle.dumps(
            TaskOutcome(
                ended.task, None, SolverError(ended.fault or "a result that cannot be sent")
            )
        )
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
