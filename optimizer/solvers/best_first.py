"""Best-first branch and bound: the open node of least bound is expanded next.

The proven bound of the whole is the least bound over the open nodes and those pruned. A
node stays open until its children are known, and the bound is passed on only after each
step, so an interrupt at any moment leaves the last one that was passed on true.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

NodeT = TypeVar("NodeT")


@dataclass(frozen=True, slots=True)
class Child(Generic[NodeT]):
    """A node with a proven lower bound of the value of every plan in it."""

    node: NodeT
    bound: float


class Branching(Protocol[NodeT]):
    """What a search needs to know of the problem."""

    @property
    def cutoff(self) -> float:
        """Bound from which on a node is pruned; it may fall as plans are found."""

    @property
    def out_of_time(self) -> bool:
        """Whether the search must end."""

    def expanded(self, node: NodeT, bound: float) -> Sequence[Child[NodeT]] | None:
        """Return the children of a node, none where it holds no plan or was pruned by
        the problem; None when time ran out.
        """

    def step_done(self, bound: float) -> None:
        """Take the bound of the whole after a node was expanded; infinite where no node
        is left and none was pruned.
        """


class BestFirstSearch(Generic[NodeT]):
    """The open nodes of one search, and the least bound of those pruned.

    Parameters
    ----------
    problem
        What is searched.
    newest_first
        Which of the nodes of equal bound comes first: the newest, or the oldest.
    when_pruned
        Told of each node that is pruned and not opened.

    Attributes
    ----------
    pruned
        Least bound of the plans that were pruned; infinite at first.
    expanded
        Number of nodes expanded.
    """

    def __init__(
        self,
        problem: Branching[NodeT],
        *,
        newest_first: bool,
        when_pruned: Callable[[NodeT], None] = lambda _: None,
    ) -> None:
        self._problem, self._when_pruned = problem, when_pruned
        self._turn = -1 if newest_first else 1
        self._heap: list[tuple[float, int, NodeT]] = []
        self._added = 0
        self.pruned = np.inf
        self.expanded = 0

    @property
    def bound(self) -> float:
        """The least bound over open and pruned nodes; infinite where there are none."""
        return min(self._heap[0][0] if self._heap else np.inf, self.pruned)

    @property
    def open_nodes(self) -> Iterator[NodeT]:
        """The open nodes, in no order."""
        return (node for _, _, node in self._heap)

    def prune(self, bound: float) -> None:
        """Note that plans of at least this value are not looked at further."""
        self.pruned = min(self.pruned, bound)

    def add(self, node: NodeT, bound: float) -> None:
        """Open a node, or prune it where its bound is not below the cutoff."""
        if bound >= self._problem.cutoff:
            self.prune(bound)
            self._when_pruned(node)
            return
        self._added += 1
        heapq.heappush(self._heap, (bound, self._turn * self._added, node))

    def run(self) -> None:
        """Expand nodes until all that are left are pruned or time is up."""
        while (
            self._heap and self._heap[0][0] < self._problem.cutoff and not self._problem.out_of_time
        ):
            bound, _, node = self._heap[0]
            children = self._problem.expanded(node, bound)
            if children is None:
                return
            heapq.heappop(self._heap)
            for child in children:
                self.add(child.node, child.bound)
            self.expanded += 1
            self._problem.step_done(self.bound)
