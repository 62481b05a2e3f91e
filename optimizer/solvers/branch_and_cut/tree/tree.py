"""Branch and cut: a root loop of cuts on values and on budgets, a dive for a plan, and
a best-first tree that branches on path sets.

The linear program is in `master`, the cuts in `separation` and `budget_hull`, the
branching in `path_set_branching`, the order of nodes in `best_first`.

Root: solve, find for each commodity its most violated cut at a point between x and the
mean of those before, add one row a group, drop rows that have been slack for some
solves; until the bound stalls. Where it has not moved for long, no row is dropped until
it does. From then on the point lies near the mean, and rows may be tangents: the
optimal face is wide, and x some corner of it. There, and where the gap is wide when the
bound stalls, paths may have `detours`. A root that stands still goes on by `box_steps`,
one that stood still before with lifted rows. Then floors are raised to what budgets
leave of each commodity at least (`bound_tightening`), and the loop begins again, as
long as that gains.

Node: the same with the node's floors, at x itself and mostly from pooled paths. An
option whose reduced cost raises the bound above `upper (1 - gap)` is fixed; the plans
that this excludes have at least that value. Then the node is split by the path set, or
single option, that raises the bounds of both children most, out of a few for which the
linear programs of the children are solved: those of which most is expected
(`BranchingRule`). A child that this shows to hold nothing below the cutoff is left out,
and the node goes on as the other one.

A root whose bound has stood still may be split by `disjoint_paths` first, and is cut
for fewer rounds then (`BranchAndCut.splits_flat`).

Every plan is valued exactly. Every bound comes from duals, or from exact values of the
node's floors, never from the solver's own objective.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SILENT, Listener
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.problem.plan.plan import within_limits
from optimizer.problem.plan.result import tolerance_of
from optimizer.solvers.best_first import BestFirstSearch, Child
from optimizer.solvers.branch_and_cut.cuts.bound_tightening import tightened_bounds
from optimizer.solvers.branch_and_cut.lp.box_steps import BoxSteps
from optimizer.solvers.branch_and_cut.lp.master import VIOLATION, Master, Near, Relaxed
from optimizer.solvers.branch_and_cut.lp.relaxed_options import prepared, root_with_losses
from optimizer.solvers.branch_and_cut.proof.record import Fixing, SearchRecord, Step
from optimizer.solvers.branch_and_cut.tree.disjoint_paths import disjoint_paths
from optimizer.solvers.branch_and_cut.tree.node import Node, options_that_fit
from optimizer.solvers.branch_and_cut.tree.path_set_branching import (
    BranchingRule,
    NodeSolution,
    PathSet,
    path_sets,
    score,
)
from optimizer.solvers.overlay.overlay import Overlay
from optimizer.solvers.params import RootParams, SolveParams

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.debug_solution import DebugSolution

Mask = NDArray[np.bool_]
Improvement = Callable[[Mask], Mask | None]

ROUNDING = 1e-6
"""Share of the gap by which the bounds of nodes must exceed it, so that the final gap
is within the one asked for.
"""

WHOLE = 0.999
"""x from which on the dive places an option."""

DIVE_SHARE = 0.15
"""Share of the time left that a dive may take: it solves a program for each few options
that it places.
"""

WORTH_KEEPING = 0.01
"""Share of the distance to the cutoff that the other child of a path set must gain for
a node to become it.
"""

STEADY = 0.03
"""Relative rise over some rounds below which a root that is to be split by disjoint
paths is cut no further.
"""

FIRST_SHARE = 0.5
"""Share of the time left in which all nodes of that split are cut once."""

FEWEST_ROUNDS = 20
"""Rounds of cuts for each of them that this share must have room for."""

FIRST_ROUNDS = 8
"""Most rounds of cuts of one of them at a time."""

FIRST_GAIN = 0.03
"""Share of the distance to the cutoff that these rounds must gain for more of them at the
node of least bound.
"""

BOX_SHARE = 0.2
"""Share of the time left that steps within boxes may take."""

BOX_PATIENCE = 25
"""Steps over which they must bring V and the bound nearer."""

BOX_SLACK = 10
"""Linear programs after which a row without a dual is dropped there."""

HOUSEKEEPING = 20
"""Nodes after which the rows of nodes that are closed are dropped."""


def never() -> bool:
    """Return False: a search with this pause does not pause."""
    return False


def nothing() -> None:
    """Do nothing."""


@dataclass
class _Trials:
    """The splits of a node tried so far."""

    #: The node, without what the splits have shown to hold no plan below the cutoff.
    node: Node
    #: `best`, `score`: The children of the best split, none at first, and its score.
    best: list[Node] = field(default_factory=list)
    score: float = -1.0
    #: Splits tried since.
    idle: int = 0


@dataclass
class BranchAndCut:
    """The state of one search."""

    #: `instance`, `overlay`: The problem; its forced options must be feasible by
    #: themselves. Options that are free in the overlay may be forced or forbidden.
    instance: Instance
    overlay: Overlay
    #: Value of the best plan known.
    upper: float = np.inf
    #: Relative gap to `upper` at which to stop, >= 0.
    gap: float = 0.0
    #: `work_seconds()` at which to stop; also the end of a linear program under way,
    #: not of a separation.
    until: float = np.inf
    #: Told of every plan that is better than `upper`, and of the bounds whenever they
    #: may have moved.
    listener: Listener = SILENT
    #: The linear program; made anew where none is given that was cut before.
    master: Master = None  # type: ignore[assignment]  # set below
    #: Asked between nodes: whether `branch` and `branch_on` are to leave the rest of
    #: the nodes open.
    pause: Callable[[], bool] = never
    #: Parameters of the root, of nodes and of the cuts and heuristics that are given
    #: this tree.
    params: SolveParams = SolveParams()
    #: Called once where the bound of the root has not moved for long: its loop may take
    #: all the time, and rounding finds poor plans there.
    when_flat: Callable[[], None] = nothing
    #: Whether a root may be split by disjoint paths before `branch` expands any node.
    splits_flat: bool = False
    #: Proven lower bound of the value of every feasible plan; an interrupt anywhere
    #: leaves it true.
    lower: float = field(init=False)
    #: Whether it will be: its bound has stood still for long, its last solution closes
    #: less than half of these paths, and there is time to cut the nodes of the split.
    #: It is cut for fewer rounds then.
    to_split: bool = field(init=False, default=False)
    #: `rounds`, `nodes`: Linear programs solved, and nodes expanded.
    rounds: int = field(init=False, default=0)
    nodes: int = field(init=False, default=0)
    root: Node = field(init=False)
    _search: BestFirstSearch[Node] = field(init=False)
    _improve: Improvement = field(init=False, default=lambda _: None)
    _last_id: int = field(init=False, default=0)
    _moved: bool = field(init=False, default=False)
    _flat: int = field(init=False, default=0)
    _paths: list[NDArray[np.int64]] | None = field(init=False, default=None)
    _root_x: NDArray[np.float64] = field(init=False)
    _solve_seconds: float = field(init=False, default=0.0)
    rule: BranchingRule = field(init=False)

    def __post_init__(self) -> None:
        """Set up the linear program and the root."""
        if self.master is None:
            self.master = Master(self.instance, self.overlay)
        commodities = self.master.commodities
        forbidden = np.array([option.forbidden for option in self.instance.options], dtype=bool)
        zeros = ~(self.overlay.free | self.instance.forced) | forbidden
        root = Node(
            self.instance.forced.copy(),
            zeros,
            commodities.floor,
            lower=commodities.value(commodities.floor),
        )
        self.root = root_with_losses(root.propagated(self.instance), self.master)
        self.lower = self.root.lower
        self._search = self._new_search()
        self.rule = BranchingRule(self.overlay.free.size)

    def _new_search(self) -> BestFirstSearch[Node]:
        return BestFirstSearch(self, newest_first=True, when_pruned=self._ended)

    def _ended(self, node: Node) -> None:
        """Note that a node is not expanded further."""
        if self.debug is not None:
            self.debug.ended(node, self.cutoff)
        if self.record is not None:
            self.record.ended(node)

    @property
    def record(self) -> SearchRecord | None:
        """What receives all that a certificate needs; None where there is to be none."""
        return self.master.record

    @property
    def debug(self) -> DebugSolution | None:
        """A plan that the search must not lose; None but in tests."""
        return self.master.debug

    @property
    def was_flat(self) -> bool:
        """Whether the bound of the root has stood still for long."""
        return self._flat > 0

    @property
    def cutoff(self) -> float:
        """Bound from which on a node need not be looked at further."""
        return self.upper * (1 - tolerance_of(self.gap) * (1 - ROUNDING))

    @property
    def out_of_time(self) -> bool:
        """Whether the search must end, or pause."""
        return work_seconds() >= self.until or self.pause()

    @property
    def open_nodes(self) -> list[Node]:
        """The nodes that are not expanded yet."""
        return list(self._search.open_nodes)

    @property
    def pruned(self) -> float:
        """Least bound of the plans that were pruned in the search under way; infinite
        where none were.
        """
        return self._search.pruned

    def cut_root(
        self, most: int | None = None, *, by_turns: bool = False, floors: bool = True
    ) -> Relaxed | None:
        """Raise the bound of the root by cuts until it stalls, meets `upper` or took
        `most` rounds; return the last solution, if any.

        By turns, values are cut where the program after the last budget cuts gives no
        more of those. With `floors`, and without `most`, the cuts go on from floors
        under the budgets (`bound_tightening`), without relaxed options; such cuts hold
        under these budgets alone. Before that they go on with `detours` where the gap
        is wide: on SNIP, whose gaps are narrow, these took time and gained nothing.
        Without `most` a bound that stood still is raised by rows that are made
        thoroughly where the gap is wide then, and within boxes (`box_steps`) if it
        still has not moved.
        """
        last = self._cut_until_stalled(most, by_turns=by_turns)
        wide = self.lower < self.upper * (1 - self.params.heuristics.wide_gap)
        if floors and most is None and wide and not (self.master.drives_around or self.out_of_time):
            self.master.drives_around = True
            last = self._cut_until_stalled(moved=True) or last
        if most is None and self.was_flat and wide and not self.to_split:
            self.master.thorough = True
            last = (
                self._cut_until_stalled(moved=True) if self._moved else self._cut_in_boxes(last)
            ) or last
        for _ in range(
            self.params.root.most_tightenings
            if floors and most is None and not self.root.beside_relaxed
            else 0
        ):
            if self.lower >= self.cutoff or self.out_of_time or not self._raise_floors():
                break
            last = self._cut_until_stalled() or last
        return last

    def cut_thoroughly(self) -> None:
        """Raise the bound of a root that was cut by rows that are made thoroughly
        (`Master.thorough`), until it stalls.
        """
        self.master.thorough = True
        self._cut_until_stalled(moved=True)

    def _raise_floors(self) -> bool:
        """Raise the floors of the root as far as the budgets prove them; return whether
        that is worth another loop of cuts.
        """
        commodities, before = self.master.commodities, self.root.floor
        until = (now := work_seconds()) + self.params.root.tightening_share * (self.until - now)
        paths, cuts = self.master.pool.paths, self.master.budget_cuts
        self.root = self.root.with_floor(
            tightened_bounds(self.instance, self.root, paths, cuts, until, self.listener)
        )
        if self.record is not None:
            self.record.floors_raised(self.root)
        if self.debug is not None:
            self.debug.floors(self.root, "a floor under the budgets")
        return (
            commodities.value(self.root.floor) - commodities.value(before)
            > self.params.root.stalled * self.lower
        )

    def _cut_until_stalled(
        self, most: int | None = None, *, by_turns: bool = False, moved: bool = False
    ) -> Relaxed | None:
        history: list[float] = []
        last = None
        self.master.enter(self.root)
        while (relaxed := self._relax()) is not None:
            last = relaxed
            self._prove_root(relaxed)
            history.append(self.lower)
            params = (
                replace(self.params.root, stalled=STEADY) if self.to_split else self.params.root
            )
            stalled = has_stalled(history, params, moved=moved or self.root.beside_relaxed)
            if self.lower >= self.cutoff or stalled or len(history) == most:
                break
            self._moved |= has_moved(history)
            still = not self.root.beside_relaxed and not self._moved and len(history) > SOON
            if still and not self._flat:
                self.when_flat()
            self._flat += still or self._flat > 0
            self.to_split = self.splits_flat and self.was_flat and self._leaves_open(relaxed.x)
            # while the bound stands still no row has a dual, and all that was learnt
            # would be dropped
            if not still:
                self.master.program.drop_slack(self.params.root.slack_solves)
            tightened = self.master.tighten(relaxed.x) | self.master.limit(relaxed, len(history))
            if by_turns and tightened and len(history) % 2:
                continue
            if not self.master.separate(self.root, relaxed, flat=self._flat) and not tightened:
                break
        return last

    def _cut_in_boxes(self, last: Relaxed | None) -> Relaxed | None:
        """Raise the bound of a root that has stood still by `box_steps`, until it comes
        near V, both stall, or a share of the time is spent.
        """
        if last is None or self.root.beside_relaxed or self.master.commodities.draw is not None:
            return None
        until = (now := work_seconds()) + BOX_SHARE * (self.until - now)
        self.master.enter(self.root)
        boxes = BoxSteps(self.master, self.root, last)
        left, best = list[float](), -np.inf
        while work_seconds() < until and (relaxed := self._relax(boxes.box)) is not None:
            last = relaxed
            self._prove_root(relaxed)
            boxes.cut(self.root, relaxed)
            best = max(best, relaxed.bound)  # below the floor at first, where `lower` tells nothing
            left.append(boxes.value - best)
            least = self.params.root.stalled * abs(self.lower)
            if (
                self.lower >= self.cutoff
                or left[-1] <= least
                or (len(left) > BOX_PATIENCE and left[-1 - BOX_PATIENCE] - left[-1] <= least)
            ):
                break
            self.master.program.drop_slack(BOX_SLACK)
        return last

    def _prove_root(self, relaxed: Relaxed) -> None:
        """Take a solution of the root's program over: its bound, its basis, and the
        plan that it is rounded to.
        """
        self.root = replace(
            self.root.proven(relaxed.bound, relaxed.duals), basis=self.master.program.basis
        )
        self.lower = max(self.lower, min(self.root.lower, self._search.pruned, self.upper))
        self._round(self.root, relaxed.x)
        self.listener.bounds_moved(self.lower, self.upper)

    def dive(self) -> Mask | None:
        """Place the options of largest x, solve and cut again, and so on, until nothing
        is left to place.

        Returns the plan at its end, or None when time ran out, or its share of it;
        every step is rounded to a plan as well.
        """
        node, until = self.root, (now := work_seconds()) + DIVE_SHARE * (self.until - now)
        while work_seconds() < until:
            self.master.enter(node)
            if (relaxed := self._relax()) is None:
                return None
            if self.master.separate(node, relaxed) and (relaxed := self._relax()) is None:
                return None
            self._round(node, relaxed.x)
            if (further := self._dived(node, relaxed.x)) is None:
                return node.ones
            node = further
        return None

    def branch(self, improve: Improvement = lambda _: None) -> None:
        """Expand nodes, that of least bound first, until the bounds meet or time is up.

        Parameters
        ----------
        improve
            Called after each node with a plan near its solution; returns a better plan
            that it found, or None.
        """
        self._improve = improve
        if not (self.nodes or self.open_nodes) and self.root.may_hold_plans(self.instance):
            for node in self._split_by_disjoint_paths() if self.to_split else [self.root]:
                self._search.add(node, node.lower)
        self._search.run()

    def branch_on(
        self,
        nodes: Iterable[Node],
        improve: Improvement = lambda _: None,
        *,
        pruned: float = np.inf,
    ) -> None:
        """Begin a search of these nodes, and plans of at least a value that are pruned;
        expand the nodes as `branch` does.

        `lower` becomes a bound of the plans in the nodes, and of those pruned.
        """
        self._improve = improve
        self._search = self._new_search()
        self._search.prune(pruned)
        for node in nodes:
            if self.debug is not None:
                self.debug.handed_over(self.master, (node,), self.cutoff, "a node handed over")
            self._search.add(node, node.lower)
        self.lower = self._search.bound
        if self.debug is not None and self.debug.whole:
            self.debug.bound(self.lower, "the bound over all nodes")
        self._search.run()

    def hand_over(self) -> list[Node]:
        """Return the open nodes, and keep none."""
        nodes, self._search = self.open_nodes, self._new_search()
        return nodes

    def number_from(self, first: int) -> None:
        """Give further nodes ids after this one."""
        self._last_id = first

    def expanded(self, node: Node, bound: float) -> list[Child[Node]] | None:  # noqa: ARG002 - a node holds its bound
        """Return the children of a node, or the node where its bound exceeds the
        cutoff; None when time ran out.
        """
        children = self._children(node)
        if children is None:
            return None
        held = []
        for child in children:
            if child.may_hold_plans(self.instance):
                held.append(Child(child, child.lower))
            else:
                self._ended(replace(child, lower=np.inf))
        return held

    def step_done(self, bound: float) -> None:
        """Take the bound over all nodes, report it, and drop rows that no open node needs."""
        self.nodes += 1
        self.lower = max(self.lower, min(bound, self.upper))
        if self.debug is not None and self.debug.whole:
            self.debug.bound(self.lower, "the bound over all nodes")
        self.listener.bounds_moved(self.lower, self.upper)
        if self.nodes % HOUSEKEEPING == 0:
            self.master.program.drop_nodes(
                {one for node in self._search.open_nodes for one in node.ancestors}
            )

    def offer(self, placed: Mask) -> None:
        """Take a plan if it is feasible and better than `upper`."""
        if self.debug is not None and not self.debug.takes():
            return
        value = self.master.value(placed)
        if (
            value < self.upper
            and within_limits(self.instance, placed)
            and requirements_met(self.instance, placed)
        ):
            self.upper = value
            self.listener.plan_found(placed, value)

    def _children(self, node: Node) -> list[Node] | None:
        """Return what is left of a node once it was cut and split; None when time ran out."""
        node = self._prepared(node)
        self.master.enter(node)
        history: list[float] = []
        while True:
            if (relaxed := self._relax()) is None:
                return None
            node = replace(
                node.proven(relaxed.bound, relaxed.duals), basis=self.master.program.basis
            )
            if node.lower >= self.cutoff:
                # not []: the search prunes it at its bound, which the bound of the
                # whole must keep
                return [node]
            fixed = self._fixed(node, relaxed)
            if fixed is not node:
                # fewer options may be placed now, so floors are higher: rows of this
                # node with them are stronger
                node = self._prepared(fixed)
                if not node.may_hold_plans(self.instance):
                    self._ended(replace(node, lower=np.inf))
                    return []
                self.master.enter(node)
            history.append(node.lower)
            if self._is_slow(history) or not self._cut(node, relaxed, len(history)):
                break
        near = self._round(node, relaxed.x)
        if (better := self._improve(near)) is not None:
            self.offer(better)
        if not node.undecided.any() and node.beside_relaxed:
            # beside relaxed options the node holds plans with any beats, which nothing
            # here can split: its bound stays
            self._search.prune(node.lower)
            return []
        if not node.undecided.any():
            return [node.proven(self.master.value(node.ones))]
        return [node] if node.lower >= self.cutoff else self._split(node, relaxed)

    def _leaves_open(self, x: NDArray[np.float64]) -> bool:
        """Whether a solution of the root closes less than half of the disjoint paths,
        and there is time for the nodes of their split.
        """
        if self._paths is None:
            self._paths = disjoint_paths(self.overlay, self.root.undecided)
        self._root_x = x
        seconds = len(self._paths) * FEWEST_ROUNDS * self._solve_seconds
        if seconds > FIRST_SHARE * (self.until - work_seconds()):
            return False
        return bool(2 * sum(x[options].sum() < WHOLE for options in self._paths) > len(self._paths))

    def _value_without(self, options: NDArray[np.int64]) -> float:
        """Return about what informed evaders are worth at the solution of the root
        without some options.
        """
        overlay = self.overlay
        commodities = self.master.commodities
        x = self._root_x.copy()
        x[options] = 0.0
        left = (
            overlay.reliability
            * overlay.survival ** np.append(overlay.presence(x), 0.0)[overlay.option]
        )
        values = commodities.searches.values(overlay.n_nodes, overlay.tail, overlay.head, left)
        return weighted_sum(commodities.weight[: values.size], values)

    def _split_by_disjoint_paths(self) -> list[Node]:
        """Return the nodes in which one of disjoint paths is free and those before it
        are not, and one in which none is free, all of them cut.

        Paths that serve evaders best come first: the others are free where these are
        closed. At the end the node of least bound is cut on, as long as this gains.
        What time leaves undone is one node.
        """
        rest, nodes = self.root, list[Node]()
        end = (now := work_seconds()) + FIRST_SHARE * (self.until - now)
        paths = sorted(self._paths or [], key=self._value_without, reverse=True)
        for left, options in zip(range(len(paths), 0, -1), paths, strict=True):
            if self.lower >= self.cutoff or (now := work_seconds()) >= self.until:
                break
            self._last_id += 2
            split = PathSet((options,), rest.floor, 0.0, 0.0)
            free = split.opened(rest, self._last_id - 1)
            if self.debug is not None:
                free = self.debug.child(self.master, rest, split, free, self.cutoff, closed=False)
            nodes.append(self._cut_first(free, now + (end - now) / (left + 1)))
            if options.size > 1:
                self.master.close([options], self._last_id)
            closed = split.closed(rest, self._last_id)
            if self.debug is not None:
                closed = self.debug.child(
                    self.master, rest, split, closed, self.cutoff, closed=True
                )
            rest = closed
        nodes.append(self._cut_first(rest, self.until))
        while True:
            least = min(range(len(nodes)), key=lambda k: nodes[k].lower)
            before = nodes[least].lower
            self.lower = max(self.lower, min(before, self.upper))
            self.listener.bounds_moved(self.lower, self.upper)
            if before >= self.cutoff or work_seconds() >= self.until:
                return nodes
            nodes[least] = self._cut_first(nodes[least], self.until)
            if nodes[least].lower - before < FIRST_GAIN * (self.cutoff - before):
                return nodes

    def _cut_first(self, node: Node, until: float) -> Node:
        """Return a node of that split with the bound after some rounds of cuts."""
        if node.may_hold_plans(self.instance):
            node = self._prepared(node)
        if not node.may_hold_plans(self.instance):
            return replace(node, lower=np.inf)
        self.master.enter(node)
        for _ in range(FIRST_ROUNDS):
            if (relaxed := self._relax()) is None:
                break
            node = replace(
                node.proven(relaxed.bound, relaxed.duals), basis=self.master.program.basis
            )
            self._round(node, relaxed.x)
            self.master.program.drop_slack(self.params.tree.slack_solves)
            if (
                node.lower >= self.cutoff
                or work_seconds() >= until
                or not self.master.separate(node, relaxed)
            ):
                break
        return node

    def _is_slow(self, history: list[float]) -> bool:
        """Whether the last rounds at a node gained little; one without any gain may
        only have moved between equal optima.
        """
        if len(history) <= 3:
            return False
        rise, params = history[-1] - history[-3], self.params.tree
        least = params.worthwhile_beside_relaxed if self.root.beside_relaxed else params.worthwhile
        return rise < least * (self.cutoff - history[-1]) and (
            rise > 0 or len(history) > params.most_rounds
        )

    def _prepared(self, node: Node) -> Node:
        """Return a node without the options that no longer fit, and with the exact
        values of all the others placed as its floors.
        """
        node = prepared(node.propagated(self.instance), self.master)
        if self.debug is None:
            return node
        self.debug.floors(node, "a floor of all that a node allows")
        return self.debug.watched(
            self.master, node, self.cutoff, "leaving out options that no longer fit"
        )

    def _cut(self, node: Node, relaxed: Relaxed, count: int) -> bool:
        """Add rows that the solution violates: from the pool, or with a search for paths."""
        self.master.program.drop_slack(self.params.tree.slack_solves)
        tightened = self.master.limit(relaxed, count) | (
            count == 1 and self.master.tighten(relaxed.x, node)
        )
        if count % self.params.tree.search_every and self.master.separate(
            node, relaxed, search=False
        ):
            return True
        return self.master.separate(node, relaxed) or tightened

    def _fixed(self, node: Node, relaxed: Relaxed) -> Node:
        """Return the node with those options fixed that are the same in every plan of
        it below the cutoff, by their reduced costs.
        """
        left = self.cutoff - relaxed.bound
        zeros = node.undecided & (relaxed.reduced >= left)
        ones = node.undecided & (-relaxed.reduced >= left)
        if not (zeros.any() or ones.any()):
            return node
        self._search.prune(self.cutoff)
        trail = node.trail
        if self.record is not None and relaxed.duals is not None:
            trail = (
                *trail,
                Step(Fixing(self.record.number(), relaxed.duals, ones, zeros), node.zeros),
            )
        fixed = replace(node, ones=node.ones | ones, zeros=node.zeros | zeros, trail=trail)
        if self.debug is None:
            return fixed
        return self.debug.watched(self.master, fixed, self.cutoff, "fixing by reduced costs")

    def _split(self, node: Node, relaxed: Relaxed) -> list[Node] | None:
        """Return the children of a node by the split of highest score, out of a few
        that are tried; None when time ran out.

        Where one child of a split that is tried holds no plan below the cutoff, the
        node becomes the other child.
        """
        trials, params = _Trials(node), self.params.tree
        patient = params.splits_beside_relaxed if node.beside_relaxed else params.splits
        for split in self._candidates(node, relaxed):
            if trials.idle >= patient and (trials.best or trials.node is not node):
                break
            refused = split.option is None and trials.idle >= patient
            if refused or not all(
                trials.node.undecided[options].all() for options in split.members
            ):
                # one by an option is still wanted; or the node was changed by a split
                # before
                continue
            children = self._solved_children(trials.node, split, relaxed)
            if children is None:
                return None
            if min(child.lower for child in children) >= self.cutoff:
                # nothing below the cutoff is left in this node: no better split can be
                # found
                return children
            self._weigh(trials, split, relaxed.x, children)
        return trials.best or [trials.node]

    def _weigh(
        self, trials: _Trials, split: PathSet, x: NDArray[np.float64], children: list[Node]
    ) -> None:
        """Learn from a split that was tried, and keep it if it is the best or decides something."""
        node = trials.node
        left = min(self.cutoff - node.lower, self.master.total)
        rises = np.array([child.lower - node.lower for child in children])
        self.rule.learn(split, x, rises, left)
        trials.idle += 1
        if max(child.lower for child in children) >= self.cutoff:
            if split.option is not None or rises.min() >= WORTH_KEEPING * left:
                # one child is pruned, so the node is the other one; splits tried before
                # are of the larger node and shrink with it
                self._search.prune(self.cutoff)
                self._ended(children[int(rises.argmax())])
                trials.node = children[int(rises.argmin())]
                trials.best = [child.within(trials.node) for child in trials.best]
                if self.debug is not None:
                    step = "a split that was tried"
                    self.debug.handed_over(self.master, trials.best, self.cutoff, step)
        elif split.option is None and rises.min() < VIOLATION * left:
            pass  # such children could be split so again without end
        elif (found := float(score(rises, left))) > trials.score:
            trials.best = children
            trials.score = found
            trials.idle = 0

    def _candidates(self, node: Node, relaxed: Relaxed) -> Iterable[PathSet]:
        """Return the splits of a node, the most promising first."""
        master, commodities = self.master, self.master.commodities
        cuts = master.cuts_at(relaxed.x, node.floor, search=False)
        values = commodities.cut_values(cuts, relaxed.x, node.floor)
        solution = NodeSolution(
            paths=master.pool.paths,
            x=relaxed.x,
            cut_value=values,
            weight=commodities.weights_at(values),
            dual_cost=np.maximum(relaxed.dual_cost, 0.0),
        )
        left = min(self.cutoff - node.lower, self.master.total)
        return self.rule.ordered(path_sets(node, solution, self.params.tree), relaxed.x, left)

    def _solved_children(self, node: Node, split: PathSet, relaxed: Relaxed) -> list[Node] | None:
        """Return the children in which a path set is open and closed, with the bounds
        of their programs; None when time ran out.
        """
        self._last_id += 2
        recorded = (
            None if self.record is None else self.record.split(self.master.program.next_name, split)
        )
        if 1 < len(split.members) == split.singles.size:
            self.master.leave_open(split.singles, self._last_id - 1)
        several = [options for options in split.members if options.size > 1]
        if several:
            self.master.close(several, self._last_id)
        children = []
        for closed, child in enumerate(
            (split.opened(node, self._last_id - 1), split.closed(node, self._last_id))
        ):
            if recorded is not None:
                child = replace(  # noqa: PLW2901
                    child, trail=(*node.trail, Step(recorded, node.zeros, bool(closed)))
                )
            if self.debug is not None:
                child = self.debug.child(  # noqa: PLW2901
                    self.master, node, split, child, self.cutoff, closed=bool(closed)
                )
            bounded = self._bounded(child, relaxed, fully=split.option is not None)
            if bounded is None:
                return None
            children.append(bounded)
        return children

    def _bounded(self, node: Node, above: Relaxed, *, fully: bool) -> Node | None:
        """Return a new node with the bound of its linear program, infinite if it holds
        no plan; None when time ran out.
        """
        if node.may_hold_plans(self.instance):
            node = self._prepared(node) if fully else node.propagated(self.instance)
        if not node.may_hold_plans(self.instance):
            return replace(node, lower=np.inf)
        self.master.separate_below(node, above)
        self.master.enter(node)
        if (relaxed := self._relax()) is None:
            return None
        node = replace(node.proven(relaxed.bound, relaxed.duals), basis=self.master.program.basis)
        return node if node.lower >= self.cutoff else self._fixed(node, relaxed)

    def _relax(self, near: Near | None = None) -> Relaxed | None:
        self.rounds += 1
        began = work_seconds()
        relaxed = self.master.relax(self.until, near)
        self._solve_seconds = work_seconds() - began
        return relaxed

    def _round(self, node: Node, x: NDArray[np.float64]) -> Mask:
        """Return the plan that places a node's options by falling x, as long as they
        fit; it is taken if it is better.
        """
        placed = node.rounded(self.instance, x, VIOLATION)
        self.offer(placed)
        return placed

    def _dived(self, node: Node, x: NDArray[np.float64]) -> Node | None:
        """Return the node with the options placed whose x is almost 1, or else largest,
        as far as they fit; None if there is none.
        """
        largest = float(np.max(x, where=node.undecided, initial=0.0))
        if largest <= VIOLATION:
            return None
        ones = node.ones.copy()
        for option in np.flatnonzero(node.undecided & (x >= min(largest, WHOLE))).tolist():
            ones[option] = options_that_fit(self.instance, ones)[option]
        # a guess: a debug solution need not be in it
        return replace(node, ones=ones, watched=False).propagated(self.instance)


SOON = 30
"""Solutions of the root within which the bound mostly begins to move: until then cuts
are found as everywhere.
"""

MOVED = 1e-2
"""Relative rise of the root's bound from which on it counts as moved: before the pool
has enough paths it may stand still for long.
"""


def has_moved(history: list[float]) -> bool:
    """Whether the bound of the root has risen since its first solution, by more than
    what moves between equal optima.
    """
    return history[-1] - history[0] > MOVED * abs(history[-1])


def has_stalled(history: list[float], params: RootParams, *, moved: bool = False) -> bool:
    """Whether the last rounds at the root gained next to nothing; `moved` says that the
    bound has moved before.
    """
    moved |= has_moved(history)
    if len(history) <= max(params.patience, 0 if moved else params.flat_rounds):
        return False
    return history[-1] - history[-1 - params.patience] <= params.stalled * abs(history[-1])
