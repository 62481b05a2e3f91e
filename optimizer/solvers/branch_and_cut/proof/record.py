"""What a search writes down for a certificate of its bound.

A search that is recorded does the same as one that is not: it hands on what it has. Nodes carry the steps that lead to them (`Trail`) and the
duals of their bound; the record keeps what each row of the linear program is made of, and the nodes at which the search ended.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.problem.instance.methods import MIXED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetCuts
    from optimizer.solvers.branch_and_cut.cuts.separation import Cuts
    from optimizer.solvers.branch_and_cut.lp.master import Master
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
        raise InputError(Problem("certificate", found, "fixed options alone", f"{remedy}, or solve without the teams"))
    if options.method not in ("auto", "cuts", MIXED):
        found = f"the method {options.method!r}, whose bounds have no certificate yet"
        raise InputError(Problem("certificate", found, "the method 'cuts' or 'mixed'", remedy))
    if options.scheduler is not None:
        found = "a scheduler: a search that is shared with a cluster has no certificate yet"
        raise InputError(Problem("certificate", found, "a search in this process", f"{remedy}, or the scheduler"))


@dataclass(frozen=True, eq=False)
class Duals:
    """Duals of rows, in units of the value: (held,) names of rows, rising, and their duals > 0."""

    name: NDArray[np.int64]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, names: NDArray[np.int64], dual: NDArray[np.float64]) -> Duals:
        """Return those that are not 0."""
        held = np.flatnonzero(dual)
        return cls(names[held], dual[held])


@dataclass(frozen=True, eq=False)
class Fixing:
    """Options fixed by reduced costs: the duals, and (options,) masks of those placed and excluded."""

    duals: Duals
    ones: NDArray[np.bool_]
    zeros: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Trail:
    """The steps from the root to a node, the last one first.

    Attributes
    ----------
    before
        The steps before; None at the root.
    step
        A split, of which the node is one child, or a fixing.
    zeros
        (options,) mask of the options that were excluded before the step.
    closed
        Which child of a split.
    """

    before: Trail | None
    step: Fixing | PathSet
    zeros: NDArray[np.bool_]
    closed: bool = False

    @property
    def steps(self) -> list[Trail]:
        """The steps, the first one first."""
        steps, here = [], self
        while here is not None:
            steps.append(here)
            here = here.before  # type: ignore[assignment]
        return steps[::-1]


def joined(first: Trail | None, second: Trail | None) -> Trail | None:
    """Return the trail of the plans of two nodes: the steps of the first, then those that the second has besides."""
    trail = first
    known = {id(each.step) for each in first.steps} if first is not None else set()
    for each in second.steps if second is not None else ():
        if id(each.step) not in known:
            trail = Trail(trail, each.step, each.zeros, each.closed)
    return trail


class PathCutRows(NamedTuple):
    """Rows on values that were added together: group of each, and the cuts of commodities that they sum, made at a point."""

    groups: NDArray[np.int64]
    cuts: Cuts
    point: NDArray[np.float64]


class SplitRow(NamedTuple):
    """The row of a split: that a member is closed, or (None) that its single options are not all placed."""

    split: PathSet
    member: int | None


class Strategy(NamedTuple):
    """A strategy of the informed evaders against which every plan was bounded, as no mixture lets less through than the least of plans.

    Attributes
    ----------
    paths
        Arcs of each path in order of travel, and its weight.
    routes
        For each evader of the problem that was searched, where its routes come from: the evader of the whole instance, or -1 and a path.
    lower
        The bound that the search has proven.
    """

    paths: tuple[tuple[tuple[int, ...], float], ...]
    routes: tuple[tuple[int, int], ...]
    lower: float


class GroupRows(NamedTuple):
    """Rows on the values of whole groups, each proven by a search of the group."""

    cuts: Cuts


@dataclass(eq=False)
class SearchRecord:
    """What one search has written down.

    Attributes
    ----------
    instance, overlay, master
        The problem, and its linear program with its pool of paths.
    raised
        The root once floors under the budgets were raised; None where none were.
    ends
        Nodes that were not expanded further: with a bound that is high enough, without plans, or left open.
    groups
        Searches of groups of evaders alone, for the rows that they prove.
    strategy
        Of a mixture: what the search was of; None for a search of single plans.
    """

    instance: Instance = field(init=False)
    overlay: Overlay = field(init=False)
    master: Master = field(init=False)
    raised: Node | None = None
    ends: list[Node] = field(default_factory=list)
    groups: dict[int, SearchRecord] = field(default_factory=dict)
    strategy: Strategy | None = None
    _first: list[int] = field(default_factory=list)
    _added: list[Added] = field(default_factory=list)

    @property
    def begun(self) -> bool:
        """Whether a search has begun to write: one that is stopped early may end before it has a program."""
        return hasattr(self, "master")

    def begin(self, instance: Instance, overlay: Overlay, master: Master) -> None:
        """Take the problem; its pool keeps the arcs of paths from now on."""
        self.instance, self.overlay, self.master = instance, overlay, master
        master.pool.steps = []

    def _add(self, first: int, rows: Added) -> None:
        self._first.append(first)
        self._added.append(rows)

    def rows_of_values(self, first: int, groups: NDArray[np.int64], cuts: Cuts, point: NDArray[np.float64]) -> None:
        """Take rows on values, named from `first` on."""
        self._add(first, PathCutRows(groups, cuts, point))

    def rows_of_budgets(self, first: int, cuts: BudgetCuts) -> None:
        """Take budget cuts, named from `first` on."""
        self._add(first, cuts)

    def rows_of_split(self, first: int, split: PathSet) -> None:
        """Take the rows of the children of a split, named from `first` on."""
        single = 1 < len(split.members) == split.singles.size
        rows = [SplitRow(split, None)] if single else []
        self._add(first, rows + [SplitRow(split, m) for m, options in enumerate(split.members) if options.size > 1])

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
        self.ends.append(node)

    def finish(self, tree: BranchAndCut) -> None:
        """Take what the search has left open."""
        self.ends += tree.open_nodes
        if not self.ends:
            self.ends.append(tree.root)
