"""The workers of a parallel tree as its supervisor sees them: in processes of their
own, or on a cluster.
"""

from __future__ import annotations

import contextlib
import pickle
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from optimizer.base.work.aside import MessageProcess, ProcessEnded
from optimizer.base.work.cluster import given_to_all
from optimizer.solvers.branch_and_cut.parallel.messages import (
    Event,
    Lost,
    Order,
    OrderOutcome,
    Ready,
    ToWorker,
    TreeState,
    TreeWorkers,
)
from optimizer.solvers.branch_and_cut.parallel.worker import TreeWorker

if TYPE_CHECKING:
    from distributed import Client, Future


# Workers of a parallel tree in processes of their own: `python -m
# optimizer.solvers.branch_and_cut.parallel.worker`, messages over pipes.

WORKER = "optimizer.solvers.branch_and_cut.parallel.worker"


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
        self._processes: dict[int, MessageProcess] = {}
        self._numbers = count(1)

    @property
    def size(self) -> int:
        """Number of workers."""
        return self._size

    @property
    def process_ids(self) -> list[int]:
        """Ids of the processes."""
        return [one.process.pid for one in self._processes.values()]

    def start(self, state: TreeState) -> None:
        """Start the processes and send them the state."""
        self._state = pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)
        for worker in range(self._size):
            self._begin(worker)

    def send(self, worker: int, message: ToWorker) -> None:
        """Tell a worker something."""
        if worker in self._processes:
            self._processes[worker].tell(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))

    def events(self, seconds: float) -> list[Event]:
        """Return what has come; wait so long for the first."""
        found: list[Event] = []
        with contextlib.suppress(Empty):
            found.append(
                self._events.get(timeout=seconds) if seconds > 0 else self._events.get_nowait()
            )
            while True:
                found.append(self._events.get_nowait())
        return found

    def replace(self, worker: int) -> None:
        """Start another process in place of one that is lost."""
        self._processes.pop(worker).end()
        self._begin(worker)

    def end(self) -> None:
        """Kill all processes and wait for them."""
        for one in self._processes.values():
            one.process.kill()
        for one in self._processes.values():
            one.end()
        self._processes.clear()

    def _begin(self, worker: int) -> None:
        """Start a process; where none can be started the worker is lost, and the search
        goes on without it.
        """

        def received(message: Any) -> None:  # noqa: ANN401 - any message
            lost = isinstance(message, ProcessEnded)
            self._events.put((worker, Lost(message.reason) if lost else message))

        try:
            self._processes[worker] = MessageProcess(WORKER, [str(next(self._numbers))], received)
        except OSError as error:
            self._events.put((worker, Lost(f"it could not be started: {error}", again=False)))
        else:
            self._processes[worker].tell(self._state)


LOOK_SECONDS = 0.5
"""Seconds between two looks at which workers the cluster has."""

WAIT_SECONDS = 20.0
"""How long a place waits for a worker that joins."""

MOST_RUNS = 4
"""Most runs that have a linear program in one worker of the cluster; a run beyond them
takes the place of the oldest.
"""


class ClusterTreeWorkers(TreeWorkers):
    """The workers that a cluster has now.

    A worker keeps its linear program and its paths from one order to the next. It hears
    of plans that others find with its next order, and tells its own with the outcome.
    One that dies is `Lost`; whoever joins the cluster takes the place.

    Parameters
    ----------
    client
        Of the cluster.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._addresses: list[str | None] = list(self._present())
        self._numbers = count(1)
        self._number: dict[int, int] = {}
        self._running: dict[int, Future] = {}
        self._empty_since: dict[int, float] = {}
        self._events: list[Event] = []
        self._run = uuid4().hex
        self._looked = 0.0
        self._state: Future | None = None

    @property
    def size(self) -> int:
        """Number of workers."""
        return len(self._addresses)

    def start(self, state: TreeState) -> None:
        """Send the state to all workers."""
        content = pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)
        self._state = given_to_all(self._client, content)
        self._events += [(worker, Ready()) for worker in range(self.size)]

    def send(self, worker: int, message: ToWorker) -> None:
        """Give a worker an order; all else waits for its next one."""
        address = self._addresses[worker]
        if isinstance(message, Order) and address is not None:
            first = worker not in self._number
            if first:
                self._number[worker] = next(self._numbers)
            key = OrderKey(self._run, self._number[worker], first)
            self._running[worker] = self._client.submit(
                obeyed, key, self._state, message, workers=[address], pure=False, retries=0
            )

    def events(self, seconds: float) -> list[Event]:
        """Return what has ended, and who is gone or has come."""
        until = time.monotonic() + seconds
        while True:
            self._look()
            for worker, future in list(self._running.items()):
                if future.status != "pending":
                    del self._running[worker]
                    self._events.append((worker, _said(future)))
            if self._events or time.monotonic() >= until:
                break
            time.sleep(0.01)
        events, self._events = self._events, []
        return events

    def replace(self, worker: int) -> None:
        """Let a worker that joins, or has no place yet, take the place."""
        self._addresses[worker] = None
        self._number.pop(worker, None)
        self._empty_since[worker] = time.monotonic()

    def end(self) -> None:
        """Let go of all orders; a worker ends the one under way by itself, within the
        seconds of the order.
        """
        with suppress(Exception):  # a cluster that is gone needs no word
            self._client.cancel(list(self._running.values()), force=True)
            self._client.run(forget, self._run)
        self._running.clear()

    def _present(self) -> list[str]:
        return sorted(self._client.scheduler_info(n_workers=-1)["workers"])

    def _look(self) -> None:
        """Note which workers are gone, and give empty places to those that have none."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        present = self._present()
        for worker, address in enumerate(self._addresses):
            if address is not None and address not in present:
                self._addresses[worker] = None
                future = self._running.pop(worker, None)
                if future is not None:
                    future.cancel()
                self._events.append((worker, Lost(f"{address} has left the cluster")))
        free = [address for address in present if address not in self._addresses]
        for worker, since in list(self._empty_since.items()):
            if free:
                self._addresses[worker] = free.pop()
                self._events.append((worker, Ready()))
            elif now - since < WAIT_SECONDS:
                continue
            else:
                self._events.append((worker, Lost("no other worker has joined the cluster")))
            del self._empty_since[worker]


def _said(future: Future) -> OrderOutcome | Lost:
    if future.status == "finished":
        outcome: OrderOutcome | Lost = future.result()
        return outcome
    if future.status == "error":
        error = future.exception()
        return Lost(
            f"{type(error).__name__}: {error}"[:300], failed=type(error).__name__ != "KilledWorker"
        )
    return Lost("the scheduler has dropped its order")


@dataclass(frozen=True)
class OrderKey:
    """A tree worker in a worker of the cluster: its run and process number, and whether
    its order is its first.
    """

    run: str
    number: int
    first: bool


_workers: dict[tuple[str, int], TreeWorker] = {}
"""In a worker of the cluster: the tree workers of the runs under way, by run and
process number, the oldest first.
"""

_lock = threading.Lock()


def obeyed(key: OrderKey, state: bytes, order: Order) -> OrderOutcome | Lost:
    """Carry out an order in a worker of the cluster; `Lost` where the tree worker of
    earlier orders is no longer there.
    """
    with _lock:
        worker = _workers.get((key.run, key.number))
        if worker is None:
            if not key.first:
                return Lost("its process was started anew")
            _make_room(key.run)
            worker = TreeWorker(pickle.loads(state), key.number, lambda _: None)  # noqa: S301 - from the supervisor
            _workers[key.run, key.number] = worker
        return worker.obey(order)


def _make_room(run: str) -> None:
    """Drop the tree worker that this run had here before, and the oldest of other runs
    where there are many.
    """
    own = [key for key in _workers if key[0] == run]
    for key in own or list(_workers)[: max(len(_workers) - MOST_RUNS + 1, 0)]:
        del _workers[key]


def forget(run: str) -> None:
    """Drop what a run left in this worker, unless an order of it is under way."""
    if _lock.acquire(blocking=False):
        try:
            for key in [one for one in _workers if one[0] == run]:
                del _workers[key]
        finally:
            _lock.release()
