"""Enumeration of the plans of a few options: best first, each node bounded by its value with all undecided options placed.

No solver, no tolerances: it proves the rest where a mixed-integer solver's bound is in doubt by more than the gap and options are few.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SILENT
from optimizer.problem.result import tolerance_of
from optimizer.solvers.best_first import BestFirstSearch, Child
from optimizer.solvers.branch_and_cut.node import Node

if TYPE_CHECKING:
    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.solvers.overlay.overlay import Overlay


@dataclass
class Enumeration:
    """The state of one search.

    Attributes
    ----------
    instance, overlay
        The problem; its forced options must be feasible by themselves.
    upper
        Value of the best plan known.
    gap
        Relative gap to `upper` at which to stop, >= 0.
    until
        `time.monotonic()` at which to stop.
    listener
        Told of every plan that is better than `upper`, and of the bounds after each node.
    """

    instance: Instance
    overlay: Overlay
    upper: float
    gap: float = 0.0
    until: float = np.inf
    listener: Listener = SILENT
    _search: BestFirstSearch[Node] = field(init=False)

    def __post_init__(self) -> None:
        """Open the root."""
        self._search = BestFirstSearch(self, newest_first=True)
        forced = self.instance.forced
        root = Node(forced, ~(self.overlay.free | forced), np.empty(0)).propagated(self.instance)
        self._search.add(root, self._bound(root))

    @property
    def cutoff(self) -> float:
        """Bound from which on a node need not be looked at further."""
        return self.upper * (1 - tolerance_of(self.gap))

    @property
    def out_of_time(self) -> bool:
        """Whether the search must end."""
        return time.monotonic() >= self.until

    @property
    def lower(self) -> float:
        """Proven lower bound of the value of every feasible plan."""
        return min(self._search.bound, self.upper)

    def run(self) -> None:
        """Expand nodes until the bounds meet or time is up."""
        self._search.run()

    def expanded(self, node: Node, bound: float) -> list[Child[Node]]:
        """Return the node with and without its first undecided option; none, but an offer, where all are decided."""
        if not node.undecided.any():
            self._search.prune(bound)
            if bound < self.upper:
                self.upper = bound
                self.listener.plan_found(node.ones, bound)
            return []
        first = np.equal(np.arange(node.ones.size), int(node.undecided.argmax()))
        with_it = replace(node, ones=node.ones | first).propagated(self.instance)
        without = replace(node, zeros=node.zeros | first)
        return [Child(child, self._bound(child)) for child in (with_it, without) if child.may_hold_plans(self.instance)]

    def step_done(self, bound: float) -> None:
        """Report the bound over all nodes."""
        self.listener.bounds_moved(min(bound, self.upper), self.upper)

    def _bound(self, node: Node) -> float:
        return self.overlay.value(node.ones | node.undecided)
