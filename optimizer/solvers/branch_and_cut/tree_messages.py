"""What the processes of a parallel tree say to one another: all of it can be pickled, and nothing of it is trusted but bounds.

A *part* of the tree is a node with the rows of its ancestors. Names of rows and ids of nodes mean the same in every process (`row_exchange`).
A plan is a mask; whoever receives one values it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.solvers.branch_and_cut.branching_rule import Learnt
    from optimizer.solvers.branch_and_cut.master import Master
    from optimizer.solvers.branch_and_cut.node import Node
    from optimizer.solvers.branch_and_cut.path_pool import PoolNews
    from optimizer.solvers.branch_and_cut.relaxation import NamedRows
    from optimizer.solvers.branch_and_cut.separation import Cuts
    from optimizer.solvers.overlay.overlay import Overlay

    Mask = NDArray[np.bool_]
    RowsOf = dict[int, NamedRows]


@dataclass(frozen=True)
class TreeState:
    """What a worker begins from: the problem, and the linear program with the cuts and paths that the root left.

    Attributes
    ----------
    instance, overlay, master
        The problem, its contraction and its linear program.
    placed
        (options,) mask of a feasible plan.
    learnt
        What the branching rule has learnt.
    gap, seed
        Of the search; each worker draws its own numbers.
    improving
        Whether workers search around plans near their nodes.
    """

    instance: Instance
    overlay: Overlay
    master: Master
    placed: Mask
    learnt: Learnt
    gap: float
    seed: int
    improving: bool = True


@dataclass(frozen=True)
class TreeNews:
    """What one process found that holds, or helps, everywhere: paths, sums of the branching rule, and rows of the root."""

    paths: PoolNews
    learnt: Learnt
    rows: NamedRows


@dataclass(frozen=True)
class BranchTask:
    """Expand these nodes and what comes of them, for some time; what is open then is handed back.

    Attributes
    ----------
    nodes
        The nodes.
    rows
        Rows of their ancestors, by node id.
    seconds, most
        Seconds, and nodes, after which to hand back; at least one node is expanded.
    """

    nodes: tuple[Node, ...]
    rows: RowsOf
    seconds: float
    most: int


@dataclass(frozen=True)
class ImproveTask:
    """Search around the best plan, or around a greedy one, for at least a share of the time that is left where there is a limit."""

    greedy: bool
    share: float = 0.0


@dataclass(frozen=True)
class GroupTask:
    """Prove a row of a group of informed evaders, theta_g + pi x >= v, for the largest v of some nodes or seconds (`group_cuts`)."""

    row: Cuts
    nodes: int
    seconds: float


@dataclass(frozen=True)
class Order:
    """What a worker is to do next.

    Attributes
    ----------
    task
        What.
    placed, upper, lower
        The best plan, its value, and the bound of the whole.
    seconds_left
        Until the end of the search.
    news
        What others found since the last order.
    """

    task: BranchTask | ImproveTask | GroupTask
    placed: Mask
    upper: float
    lower: float
    seconds_left: float
    news: tuple[TreeNews, ...] = ()


@dataclass(frozen=True)
class TaskOutcome:
    """What came of an order.

    Attributes
    ----------
    placed
        The worker's best plan.
    news
        What was found that helps everywhere.
    nodes, rows, pruned
        Open nodes, rows of their ancestors, and the least bound of what was pruned.
    expanded, rounds
        Nodes expanded and linear programs solved.
    seen
        Plans that were searched around.
    greedy
        The greedy plan, where one was made.
    group_cut
        The row of a group with the bound that was proven.
    """

    placed: Mask
    news: TreeNews | None = None
    nodes: tuple[Node, ...] = ()
    rows: RowsOf = field(default_factory=dict)
    pruned: float = float("inf")
    expanded: int = 0
    rounds: int = 0
    seen: frozenset[bytes] = frozenset()
    greedy: Mask | None = None
    group_cut: Cuts | None = None


@dataclass(frozen=True)
class Ready:
    """A worker has its state and waits for an order."""


@dataclass(frozen=True)
class PlanFound:
    """A worker found a better plan than it knew."""

    placed: Mask


@dataclass(frozen=True)
class BoundMoved:
    """The bound of the plans of a worker's order, and how many nodes of it are open."""

    bound: float
    n_open: int


@dataclass(frozen=True)
class Lost:
    """A worker is gone; with `failed`, by an error of the program, which another would meet as well."""

    reason: str
    failed: bool = False


@dataclass(frozen=True)
class BetterValue:
    """A plan of this value is known."""

    upper: float


@dataclass(frozen=True)
class Pause:
    """Hand back what is open after the node under way."""


FromWorker = Ready | PlanFound | BoundMoved | TaskOutcome | Lost
ToWorker = Order | BetterValue | Pause
