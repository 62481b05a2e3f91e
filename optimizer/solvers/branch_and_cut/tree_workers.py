"""The workers of a parallel tree as its supervisor sees them: processes here (`tree_processes`), or a cluster's (`cluster_tree_workers`).

`LocalTreeWorkers` runs them one after the other in this process, so that a search is the same in every run.
"""

from __future__ import annotations

import pickle
from itertools import count
from typing import TYPE_CHECKING, Protocol

from optimizer.solvers.branch_and_cut.tree_messages import FromWorker, Order, Ready
from optimizer.solvers.branch_and_cut.tree_worker import TreeWorker

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.tree_messages import ToWorker, TreeState

Event = tuple[int, FromWorker]
"""Number of a worker, from 0, and what it says."""


class TreeWorkers(Protocol):
    """Workers; each says `Ready`, and then answers every order with a `TaskOutcome`, or is `Lost`.

    Each has a process number of its own, which no other had before it: what a lost worker handed back still bears the lost one's number.
    """

    @property
    def size(self) -> int:
        """Number of workers."""

    def start(self, state: TreeState) -> None:
        """Start the workers; they begin from this state."""

    def send(self, worker: int, message: ToWorker) -> None:
        """Tell a worker something; nothing happens where it is gone."""

    def events(self, seconds: float) -> list[Event]:
        """Return what workers have said since the last call; wait so long for it."""

    def replace(self, worker: int) -> None:
        """Start another worker in place of one that is lost."""

    def end(self) -> None:
        """End all workers, whatever they are doing."""


class LocalTreeWorkers(TreeWorkers):
    """Workers in this process that take turns: what they do depends on nothing but their orders, if these have no time limits.

    Parameters
    ----------
    size
        Number of workers.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._workers: list[TreeWorker] = []
        self._numbers = count(1)
        self._orders: dict[int, Order] = {}
        self._events: list[Event] = []
        self._state = b""

    @property
    def size(self) -> int:
        """Number of workers."""
        return self._size

    def start(self, state: TreeState) -> None:
        """Make the workers."""
        self._state = pickle.dumps(state)
        self._workers = [self._new(worker) for worker in range(self._size)]

    def send(self, worker: int, message: ToWorker) -> None:
        """Keep an order for the worker's turn; all else would depend on when it comes."""
        if isinstance(message, Order):
            self._orders[worker] = pickle.loads(pickle.dumps(message))  # noqa: S301 - made here

    def events(self, seconds: float) -> list[Event]:  # noqa: ARG002 - an order takes as long as it takes
        """Carry out the order of one worker."""
        if self._orders:
            worker = min(self._orders)
            outcome = self._workers[worker].obey(self._orders.pop(worker))
            self._events.append((worker, pickle.loads(pickle.dumps(outcome))))  # noqa: S301 - made here
        events, self._events = self._events, []
        return events

    def replace(self, worker: int) -> None:
        """Make the worker anew."""
        self._workers[worker] = self._new(worker)

    def end(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def _new(self, worker: int) -> TreeWorker:
        self._events.append((worker, Ready()))
        state = pickle.loads(self._state)  # noqa: S301 - made here
        return TreeWorker(state, next(self._numbers), lambda message: self._events.append((worker, message)))
