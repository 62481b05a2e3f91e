"""Workers of a parallel tree on a dask.distributed cluster: one order at a time on each of its workers.

A worker keeps its linear program and its paths from one order to the next. It hears of plans that others find with its next order, and tells
its own with the outcome. One that dies is `Lost`; whoever joins the cluster takes the place.
"""

from __future__ import annotations

import pickle
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING
from uuid import uuid4

from optimizer.base.cluster import given_to_all
from optimizer.solvers.branch_and_cut.tree_messages import Lost, Order, Ready
from optimizer.solvers.branch_and_cut.tree_worker import TreeWorker
from optimizer.solvers.branch_and_cut.tree_workers import TreeWorkers

if TYPE_CHECKING:
    from distributed import Client, Future

    from optimizer.solvers.branch_and_cut.tree_messages import TaskOutcome, ToWorker, TreeState
    from optimizer.solvers.branch_and_cut.tree_workers import Event

LOOK_SECONDS = 0.5
"""Seconds between two looks at which workers the cluster has."""
WAIT_SECONDS = 20.0
"""How long a place waits for a worker that joins."""
MOST_RUNS = 4
"""Most runs that have a linear program in one worker of the cluster; a run beyond them takes the place of the oldest."""


class ClusterTreeWorkers(TreeWorkers):
    """The workers that a cluster has now.

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
        """Let go of all orders; a worker ends the one under way by itself, within the seconds of the order."""
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


def _said(future: Future) -> TaskOutcome | Lost:
    if future.status == "finished":
        outcome: TaskOutcome | Lost = future.result()
        return outcome
    if future.status == "error":
        error = future.exception()
        return Lost(f"{type(error).__name__}: {error}"[:300], failed=type(error).__name__ != "KilledWorker")
    return Lost("the scheduler has dropped its order")


@dataclass(frozen=True)
class OrderKey:
    """A tree worker in a worker of the cluster: its run and process number, and whether its order is its first."""

    run: str
    number: int
    first: bool


_workers: dict[tuple[str, int], TreeWorker] = {}
"""In a worker of the cluster: the tree workers of the runs under way, by run and process number, the oldest first."""
_lock = threading.Lock()


def obeyed(key: OrderKey, state: bytes, order: Order) -> TaskOutcome | Lost:
    """Carry out an order in a worker of the cluster; `Lost` where the tree worker of earlier orders is no longer there."""
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
    """Drop the tree worker that this run had here before, and the oldest of other runs where there are many."""
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
