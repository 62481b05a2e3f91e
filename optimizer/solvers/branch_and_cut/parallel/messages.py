"""What the processes of a parallel tree say to one another: all of it can be pickled,
and nothing of it is trusted but bounds.

A *part* of the tree is a node with the rows of its ancestors. Names of rows and ids of
nodes mean the same in every process. A plan is a mask; whoever receives one values it
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer.solvers.branch_and_cut.proof.record import RecordNews
from optimizer.solvers.params import SolveParams

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.branch_and_cut.cuts.separation import Cuts
    from optimizer.solvers.branch_and_cut.lp.linear_program import LinearProgram, NamedRows
    from optimizer.solvers.branch_and_cut.lp.master import Master
    from optimizer.solvers.branch_and_cut.paths.path_pool import PoolNews
    from optimizer.solvers.branch_and_cut.tree.node import Node
    from optimizer.solvers.branch_and_cut.tree.path_set_branching import Learnt
    from optimizer.solvers.overlay.overlay import Overlay

    RowsOf = dict[int, NamedRows]

Mask = NDArray[np.bool_]
Names = NDArray[np.int64]


@dataclass(frozen=True)
class TreeState:
    """What a worker begins from: the problem, and the linear program with the cuts and
    paths that the root left.
    """

    #: `instance`, `overlay`, `master`: The problem, its contraction and its linear
    #: program.
    instance: Instance
    overlay: Overlay
    master: Master
    #: (options,) mask of a feasible plan.
    placed: Mask
    #: What the branching rule has learnt.
    learnt: Learnt
    #: `gap`, `seed`: Of the search; each worker draws its own numbers.
    gap: float
    seed: int
    #: Whether workers search around plans near their nodes.
    improving: bool = True
    #: Parameters of their search.
    params: SolveParams = SolveParams()
    #: Whether workers record what a certificate needs.
    recorded: bool = False


@dataclass(frozen=True)
class TreeNews:
    """What one process found that holds, or helps, everywhere: paths, sums of the
    branching rule, and rows of the root.
    """

    paths: PoolNews
    learnt: Learnt
    rows: NamedRows


@dataclass(frozen=True)
class BranchTask:
    """Expand these nodes and what comes of them, for some time; what is open then is
    handed back.
    """

    #: The nodes.
    nodes: tuple[Node, ...]
    #: Rows of their ancestors, by node id.
    rows: RowsOf
    #: `seconds`, `most`: Seconds, and nodes, after which to hand back; at least one
    #: node is expanded.
    seconds: float
    most: int


@dataclass(frozen=True)
class ImproveTask:
    """Search around the best plan, or around a greedy one, for at least a share of the
    time that is left where there is a limit.
    """

    greedy: bool
    share: float = 0.0


@dataclass(frozen=True)
class GroupTask:
    """Prove a row of a group of informed evaders, theta_g + pi x >= v, for the largest
    v of some nodes or seconds (`cuts.lagrangian_cuts`).
    """

    row: Cuts
    nodes: int
    seconds: float


@dataclass(frozen=True)
class Order:
    """What a worker is to do next."""

    #: What.
    task: BranchTask | ImproveTask | GroupTask
    #: `placed`, `upper`, `lower`: The best plan, its value, and the bound of the whole.
    placed: Mask
    upper: float
    lower: float
    #: `seconds_left`, `machine_seconds_left`: Until the end of this part of the search
    #: by the clock of work, and until that of the whole by the machine's, infinite
    #: without a limit.
    seconds_left: float
    machine_seconds_left: float
    #: What others found since the last order.
    news: tuple[TreeNews, ...] = ()
    #: Whether rows are made thoroughly (`Master.thorough`).
    thorough: bool = False


@dataclass(frozen=True)
class OrderOutcome:
    """What came of an order."""

    #: The worker's best plan.
    placed: Mask
    #: What was found that helps everywhere.
    news: TreeNews | None = None
    #: `nodes`, `rows`, `pruned`: Open nodes, rows of their ancestors, and the least
    #: bound of what was pruned.
    nodes: tuple[Node, ...] = ()
    rows: RowsOf = field(default_factory=dict)
    pruned: float = float("inf")
    #: `expanded`, `rounds`: Nodes expanded and linear programs solved.
    expanded: int = 0
    rounds: int = 0
    #: Plans that were searched around.
    seen: frozenset[bytes] = frozenset()
    #: The greedy plan, where one was made.
    greedy: Mask | None = None
    #: The row of a group with the bound that was proven.
    group_cut: Cuts | None = None
    #: Of work since the order came.
    seconds: float = 0.0
    #: What a certificate needs of it, where the search is recorded.
    recorded: RecordNews | None = None


@dataclass(frozen=True)
class Ready:
    """A worker has its state and waits for an order."""


@dataclass(frozen=True)
class PlanFound:
    """A worker found a better plan than it knew."""

    placed: Mask


@dataclass(frozen=True)
class Noted:
    """Something that the user is told."""

    sentence: str


@dataclass(frozen=True)
class BoundMoved:
    """The bound of the plans of a worker's order, how many nodes of it are open, and
    the seconds of work since the order came.
    """

    bound: float
    n_open: int
    seconds: float = 0.0


@dataclass(frozen=True)
class Lost:
    """A worker is gone."""

    #: Why.
    reason: str
    #: Whether by an error of the program, which another would meet as well.
    failed: bool = False
    #: Whether another may be started in its place.
    again: bool = True


@dataclass(frozen=True)
class BetterValue:
    """A plan of this value is known."""

    upper: float


@dataclass(frozen=True)
class Pause:
    """Hand back what is open after the node under way."""


FromWorker = Ready | PlanFound | BoundMoved | Noted | OrderOutcome | Lost

ToWorker = Order | BetterValue | Pause


Event = tuple[int, FromWorker]
"""Number of a worker, from 0, and what it says."""


class TreeWorkers(Protocol):
    """Workers; each says `Ready`, and then answers every order with a `TaskOutcome`, or
    is `Lost`.

    Each has a process number of its own, which no other had before it: what a lost
    worker handed back still bears the lost one's number.
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


APART = 40
"""Bits of the rows and nodes of one process; its number stands above them."""


def first_of(process: int) -> int:
    """Return the number from which a process counts its nodes and names its rows for
    others; the supervisor is number 0.
    """
    return process << APART


class RowExchange:
    """The rows of a linear program under names that hold in all processes.

    A linear program numbers its rows as they come. Rows that all processes had when
    they parted keep their numbers; others are known to the rest by their number plus an
    offset of the process that made them, and get a number of the program's own where
    they arrive.

    Parameters
    ----------
    program
        The program.
    shared
        Name from which on its rows are not those of all processes.
    process
        Number of this process.
    """

    def __init__(self, program: LinearProgram, shared: int, process: int) -> None:
        self._program = program
        self._shared = shared
        self._first = first_of(process)
        self._own_name: dict[int, int] = {}
        self._common_name: dict[int, int] = {}

    def exported(self, nodes: Iterable[Node]) -> RowsOf:
        """Return the rows of the ancestors of some nodes, by node id."""
        wanted = {one for node in nodes for one in node.ancestors}
        rows = self.common(self._program.named_rows(wanted, 0))
        return {one: rows.take(rows.node == one) for one in wanted}

    def common(self, rows: NamedRows) -> NamedRows:
        """Return rows of the program under their common names."""
        return replace(rows, name=self.common_names(rows.name))

    def add(self, several: Iterable[NamedRows]) -> None:
        """Add rows that come under common names, but for those that are here."""
        for rows in several:
            there = np.isin(self._to_own(rows.name), self._program.names)
            new = rows.take(~there)
            own = range(self._program.next_name, self._program.next_name + new.name.size)
            self._program.add(new.rows, new.side, new.node)
            for one, common in zip(own, new.name.tolist(), strict=True):
                self._own_name[common], self._common_name[one] = one, common

    def sent(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        """Return nodes with the rows of their bases under common names."""
        return tuple(self._renamed(node, self.common_names) for node in nodes)

    def received(self, nodes: Sequence[Node]) -> tuple[Node, ...]:
        """Return nodes that come under common names with those of this program, once
        the rows of their ancestors are here.
        """
        return tuple(self._renamed(node, self._to_own) for node in nodes)

    @staticmethod
    def _renamed(node: Node, names: Callable[[Names], Names]) -> Node:
        basis = node.basis
        if basis is None:
            return node
        named = names(basis.name)
        return replace(node, basis=replace(basis, name=named))

    def common_names(self, names: Names) -> Names:
        """Return the names by which all processes know rows of the program."""
        found = [
            name if name < self._shared else self._common_name.get(name, self._first + name)
            for name in names.tolist()
        ]
        return np.array(found, dtype=np.int64)

    def _to_own(self, names: Names) -> Names:
        """Return the names that rows have, or had, in this program; those that never
        were here get names that no row has.
        """
        found = [self._own(name, unknown) for unknown, name in enumerate(names.tolist())]
        return np.array(found, dtype=np.int64)

    def _own(self, name: int, unknown: int) -> int:
        if name in self._own_name:
            return self._own_name[name]
        if name < self._shared:
            return name
        own = name - self._first
        return own if 0 <= own < 1 << APART else -1 - unknown
