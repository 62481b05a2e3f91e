"""What a search writes down for a certificate of its bound.

A search that is recorded does the same as one that is not: it hands on what it has.
Nodes carry the steps that lead to them (`Step`) and the duals of their bound; the
record keeps what each row of the linear program is made of, and the nodes at which the
search ended.

Where the tree is shared, each process has a record of its own, and the supervisor joins
them (`handed_on`, `take`). So names of rows in duals, and numbers of steps, mean the
same in all processes, and paths are named by the keys of their pools on the way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.problem.instance.methods import MIXED

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetCuts
    from optimizer.solvers.branch_and_cut.cuts.separation import Cuts
    from optimizer.solvers.branch_and_cut.lp.master import Master
    from optimizer.solvers.branch_and_cut.parallel.messages import RowExchange
    from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool
    from optimizer.solvers.branch_and_cut.tree.node import Node
    from optimizer.solvers.branch_and_cut.tree.path_set_branching import PathSet
    from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
    from optimizer.solvers.overlay.overlay import Overlay
    from optimizer.solvers.params import SolveOptions

    Added: TypeAlias = "PathCutRows | BudgetCuts | GroupRows | list[SplitRow]"


def check_certifiable(instance: Instance, options: SolveOptions) -> None:
    """Raise InputError, by name, where what is asked for has no certificate yet."""
    remedy = "Leave --certificate out"
    if instance.patrols is not None:
        found = "patrol teams: bounds over all their beats have no certificate yet"
        raise InputError(
            Problem(
                "certificate", found, "fixed options alone", f"{remedy}, or solve without the teams"
            )
        )
    if options.method not in ("auto", "cuts", MIXED):
        found = f"the method {options.method!r}, whose bounds have no certificate yet"
        raise InputError(Problem("certificate", found, "the method 'cuts' or 'mixed'", remedy))
    if options.scheduler is not None:
        found = "a scheduler: a search that is shared with a cluster has no certificate yet"
        raise InputError(
            Problem("certificate", found, "a search in this process", f"{remedy}, or the scheduler")
        )


@dataclass(frozen=True, eq=False)
class Duals:
    """Duals of rows, in units of the value: (held,) names of rows, which hold in all
    processes, and their duals > 0.
    """

    name: NDArray[np.int64]
    value: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fixing:
    """Options fixed by reduced costs: its number, the duals, and (options,) masks of
    those placed and excluded.
    """

    number: int
    duals: Duals
    ones: NDArray[np.bool_]
    zeros: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Split:
    """A split: its number, and the options of each path of its set."""

    number: int
    members: tuple[NDArray[np.int64], ...]


@dataclass(frozen=True, eq=False)
class Step:
    """A step from a node to one below it."""

    #: A split, of which the node below is one child, or a fixing.
    made: Fixing | Split
    #: (options,) mask of the options that were excluded before the step.
    zeros: NDArray[np.bool_]
    #: Which child of a split.
    closed: bool = False


def joined(first: tuple[Step, ...], second: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps to the plans of two nodes: those of the first, then those that
    the second has besides.
    """
    known = {step.made.number for step in first}
    return (*first, *(step for step in second if step.made.number not in known))


class PathCutRows(NamedTuple):
    """Rows on values that were added together: group of each, and the cuts that they
    sum (`Cuts.commodity`, `made_of`), made at a point.
    """

    groups: NDArray[np.int64]
    commodity: NDArray[np.int64]
    made_of: NDArray[np.int64]
    point: NDArray[np.float64]

    def renamed(
        self, n_informed: int, names: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    ) -> PathCutRows:
        """Return the rows with other names of the paths of informed commodities."""
        made_of = self.made_of.copy()
        rows, column = np.nonzero(np.arange(made_of.shape[1] - 3) < made_of[:, [2]])
        informed = self.commodity[rows] < n_informed
        place = rows[informed], 3 + column[informed]
        made_of[place] = names(made_of[place])
        return self._replace(made_of=made_of)


class SplitRow(NamedTuple):
    """The row of a split: that a member is closed, or (None) that its single options
    are not all placed.
    """

    split: Split
    member: int | None


class End(NamedTuple):
    """A node at which a search ended, as far as a certificate needs it (`Node`)."""

    trail: tuple[Step, ...]
    zeros: NDArray[np.bool_]
    duals: Duals | None
    lower: float


class RecordNews(NamedTuple):
    """What a process has recorded since it told last: rows with their first names, of
    paths by their keys, and ends.
    """

    rows: list[tuple[int, Added]]
    ends: list[End]


class Strategy(NamedTuple):
    """A strategy of the informed evaders against which every plan was bounded, as no
    mixture lets less through than the least of plans.
    """

    #: Arcs of each path in order of travel, and its weight.
    paths: tuple[tuple[tuple[int, ...], float], ...]
    #: For each evader of the problem that was searched, where its routes come from: the
    #: evader of the whole instance, or -1 and a path.
    routes: tuple[tuple[int, int], ...]
    #: The bound that the search has proven.
    lower: float


class GroupRows(NamedTuple):
    """Rows on the values of whole groups, each proven by a search of the group."""

    cuts: Cuts


@dataclass(eq=False)
class SearchRecord:
    """What one search has written down."""

    #: `instance`, `overlay`, `master`: The problem, and its linear program with its
    #: pool of paths.
    instance: Instance = field(init=False)
    overlay: Overlay = field(init=False)
    master: Master = field(init=False)
    #: The root once floors under the budgets were raised; None where none were.
    raised: Node | None = None
    #: Nodes that were not expanded further: with a bound that is high enough, without
    #: plans, or left open.
    ends: list[End] = field(default_factory=list)
    #: Searches of groups of evaders alone, for the rows that they prove.
    groups: dict[int, SearchRecord] = field(default_factory=dict)
    #: Of a mixture: what the search was of; None for a search of single plans.
    strategy: Strategy | None = None
    #: Of a mixture: the record of its marginal relaxation, which ends at its best
    #: bound.
    relaxed: SearchRecord | None = None
    _first: list[int] = field(default_factory=list)
    _added: list[Added] = field(default_factory=list)
    _exchange: RowExchange | None = None
    _number: int = 0

    @property
    def begun(self) -> bool:
        """Whether a search has begun to write: one that is stopped early may end before
        it has a program.
        """
        return hasattr(self, "master")

    def begin(self, instance: Instance, overlay: Overlay, master: Master) -> None:
        """Take the problem; its pool keeps the arcs of paths from now on."""
        self.instance = instance
        self.overlay = overlay
        self.master = master
        if master.pool.steps is None:
            master.pool.steps = []

    def share(self, exchange: RowExchange, first: int) -> None:
        """Be one record of several: rows have names that hold in all processes, and
        steps are numbered from `first` on.
        """
        self._exchange, self._number = exchange, max(self._number, first)

    def handed_on(self) -> RecordNews:
        """Return all that this record of a worker holds, and forget it."""
        rows = [
            (first, self._renamed(added, self._pool.keys_of))
            for first, added in zip(self._first, self._added, strict=True)
        ]
        news = RecordNews(rows, self.ends)
        self._first = []
        self._added = []
        self.ends = []
        return news

    def take(self, news: RecordNews) -> None:
        """Take what a worker has recorded, once its paths are known here."""
        for first, added in news.rows:
            place = bisect_right(self._first, first)
            self._first.insert(place, first)
            self._added.insert(place, self._renamed(added, self._pool.places_of))
        self.ends += news.ends

    @property
    def lower(self) -> float:
        """The least bound of the nodes at which the search ended: all that is proven of
        a search that others shared and were cut off in.
        """
        return min((end.lower for end in self.ends), default=np.inf)

    @property
    def _pool(self) -> PathPool:
        return self.master.pool

    def _renamed(
        self, added: Added, names: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    ) -> Added:
        n_informed = self.master.commodities.searches.row.size
        return added.renamed(n_informed, names) if isinstance(added, PathCutRows) else added

    def named(self, names: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return names of rows of this program as all processes know them."""
        return names if self._exchange is None else self._exchange.common_names(names)

    def number(self) -> int:
        """Return a number that no other step has."""
        self._number += 1
        return self._number

    def _add(self, first: int, rows: Added) -> None:
        self._first.append(int(self.named(np.array([first]))[0]))
        self._added.append(rows)

    def rows_of_values(
        self, first: int, groups: NDArray[np.int64], cuts: Cuts, point: NDArray[np.float64]
    ) -> None:
        """Take rows on values, named from `first` on."""
        assert cuts.made_of is not None  # noqa: S101 - they come from separation
        own = np.isin(self.master.commodities.group[cuts.commodity], groups)
        self._add(first, PathCutRows(groups, cuts.commodity[own], cuts.made_of[own], point))

    def rows_of_budgets(self, first: int, cuts: BudgetCuts) -> None:
        """Take budget cuts, named from `first` on."""
        self._add(first, cuts)

    def split(self, first: int, paths: PathSet) -> Split:
        """Take the rows of the children of a split, named from `first` on, and return the split."""
        split = Split(self.number(), paths.members)
        rows = [SplitRow(split, None)] if 1 < len(paths.members) == paths.singles.size else []
        self._add(
            first,
            rows
            + [SplitRow(split, m) for m, options in enumerate(paths.members) if options.size > 1],
        )
        return split

    def rows_of_groups(self, first: int, cuts: Cuts) -> None:
        """Take the rows that searches of `groups` have proven, named from `first` on."""
        self._add(first, GroupRows(cuts))

    def made_of(self, name: int) -> tuple[Added, int] | None:
        """Return with what a row was added, and which of these it is; None for side constraints."""
        place = bisect_right(self._first, name) - 1
        return None if place < 0 else (self._added[place], name - self._first[place])

    def floors_raised(self, root: Node) -> None:
        """Take the root with its floors raised as far as the budgets prove them."""
        self.raised = root

    def ended(self, node: Node) -> None:
        """Take a node that is not expanded further."""
        self.ends.append(End(node.trail, node.zeros, node.duals, node.lower))

    def finish(self, tree: BranchAndCut, shared: Iterable[Node] = ()) -> None:
        """Take what the search has left open, here and where it was shared."""
        for node in (*tree.open_nodes, *shared):
            self.ended(node)
        if not self.ends:
            self.ended(tree.root)
