"""Branch and price: bounds over all beats, and plans of fixed options and beats.

A node fixes some options and leaves beats free; it is bounded by column generation over
it (`column_generation`) and split by an option. Nodes are expanded best first
(`best_first`), so the proven bound over all plans with any beats is the least over the
nodes that are left. Plans come from solutions, whose options and beats are placed by
falling values, and from dives: what is nearest to integral in a node's solution is
placed, beats are priced again, and so on.

A node whose options are all integral is left at its bound: the rest of the gap to a
plan is the rounding of beats.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.listener import SILENT, Listener, stop_if_cancelled
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.instance.requirements import (
    implied_options,
    options_that_break_none,
    requirements_met,
)
from optimizer.problem.plan.plan import within_limits
from optimizer.problem.plan.result import tolerance_of
from optimizer.solvers.best_first import BestFirstSearch, Child
from optimizer.solvers.branch_and_cut.lp.master import Relaxed
from optimizer.solvers.branch_and_cut.tree.node import options_that_fit
from optimizer.solvers.params import PatrolParams
from optimizer.solvers.patrols.column_generation import BeatNode, ColumnGeneration

if TYPE_CHECKING:
    from optimizer.solvers.patrols.debug_beats import DebugBeats

CLOSE = 2e-4
"""What a round of cuts and beats must gain, relative to the bound, for another; and how
near to the program a proven bound must come.
"""
STALLING_AT_ROOT = 3
"""Rounds of the root that together must gain so much, as one can gain nothing before
the next gains; paths are sought in one of three.
"""
ROUNDS_AT_NODE = 8
"""Rounds at a node below the root."""
INTEGRAL = 1e-6
"""Values nearer to integers than this are integral."""
NEARLY = 0.999
"""x from which on a dive places an option."""


@dataclass(frozen=True)
class ProvenRelaxation:
    """A solution of the linear program whose duals, with the pricing bounds, prove a
    bound over all beats.
    """

    relaxed: Relaxed
    bound: float


@dataclass(frozen=True)
class _Bounded:
    """A proven bound of a node and its last solution; None when time ran out before
    there was one.
    """

    bound: float
    relaxed: Relaxed | None


@dataclass(frozen=True)
class _Addable:
    """Which options, and which beats, can be added to a plan, one at a time."""

    options: NDArray[np.bool_]
    beats: NDArray[np.bool_]


@dataclass
class BranchAndPrice:
    """The state of one search."""

    #: The linear program and its beats.
    generation: ColumnGeneration
    #: Relative gap to `upper` at which to stop.
    gap: float = 0.0
    #: Told of each better plan (how often each fixed option, then each beat made so
    #: far, is placed), and when the proven bound rises.
    listener: Listener = SILENT
    #: `upper`, `lower`: Value of the best plan, and the proven bound over all plans
    #: with any beats.
    upper: float = np.inf
    #: Parameters of column generation and of the tree.
    params: PatrolParams = PatrolParams()
    #: `upper`, `lower`: Value of the best plan, and the proven bound over all plans
    #: with any beats.
    lower: float = field(init=False)
    #: `placed`, `number`: The best plan made here: (options,) mask and (beats,) how
    #: often each is driven; the forced options alone before there is one.
    placed: NDArray[np.bool_] = field(init=False)
    number: NDArray[np.int64] = field(init=False)
    #: The solution that proves the best bound at the root; None before there is one.
    #: Its bound may be below `lower`.
    proof: ProvenRelaxation | None = field(init=False, default=None)
    #: Whether every bound in `lower` rests on pricing that was solved to proof.
    exact: bool = field(init=False, default=True)
    _search: BestFirstSearch[BeatNode] = field(init=False)
    _until: float = field(init=False, default=np.inf)

    def __post_init__(self) -> None:
        """Begin with the value of everything placed as the bound."""
        self.lower = self.generation.floor
        self.placed, self.number = self.generation.instance.forced, np.empty(0, dtype=np.int64)
        self._search = BestFirstSearch(self, newest_first=False)

    @property
    def cutoff(self) -> float:
        """Bound from which on a node need not be looked at further."""
        return self.upper * (1 - tolerance_of(self.gap))

    @property
    def out_of_time(self) -> bool:
        """Whether the search under way must end."""
        return work_seconds() >= self._until

    @property
    def nodes(self) -> int:
        """Number of nodes expanded."""
        return self._search.expanded

    @property
    def debug(self) -> DebugBeats | None:
        """A plan with beats that the search must not lose; None but in tests."""
        return self.generation.debug

    def prove(self, bound: float) -> None:
        """Take a bound over all plans that was proven elsewhere."""
        if self.debug is not None:
            self.debug.proven(bound, "a bound that was proven elsewhere")
        self._rise(bound)

    def cut_root(self, until: float = np.inf) -> Relaxed | None:
        """Bound the root until it stalls or `work_seconds()` passes `until`; return its
        last solution.
        """
        self._until = until
        bounded = self._bounded(self.generation.root, self.params.most_rounds, proving=True)
        self.generation.keep_root_rows()
        self._rise(bounded.bound)
        return bounded.relaxed

    def branch(self, until: float = np.inf, upper: float = np.inf) -> None:
        """Expand nodes, that of least bound first, until the bounds meet or time is up;
        `upper` is the value of a plan made elsewhere.
        """
        self._until, self.upper = until, min(self.upper, upper)
        root = self.generation.root
        if self._may_hold_plans(root):
            self._search.add(root, self.lower)
        self._search.run()

    def expanded(self, node: BeatNode, bound: float) -> list[Child[BeatNode]] | None:
        """Return the children of a node; none where its bound exceeds the cutoff or its
        options are integral, None when time ran out.
        """
        bounded = self._bounded(node, ROUNDS_AT_NODE)
        if bounded.relaxed is None:
            return None
        bound = max(bound, bounded.bound)
        children = [] if bound >= self.cutoff else self._split(node, bounded.relaxed)
        if children is None:
            return None
        if not children:
            self._search.prune(bound)
        held = [child for child in children if self._may_hold_plans(child)]
        if self.debug is not None and children:
            self.debug.split(node, held, self.cutoff)
        return [Child(child, bound) for child in held]

    def _may_hold_plans(self, node: BeatNode) -> bool:
        instance = self.generation.instance
        return (
            within_limits(instance, node.ones)
            and implied_options(instance, node.ones, node.zeros).possible
        )

    def step_done(self, bound: float) -> None:
        """Take the bound over all nodes, and report it where it rises."""
        self._rise(bound)

    def dive(self, node: BeatNode, until: float = np.inf) -> float | None:
        """Place step by step what is nearest to integral; return the value of the plan
        at the end, None when time ran out.
        """
        generation = self.generation
        ones, zeros = node.ones.copy(), node.zeros.copy()
        number = np.zeros(len(generation.beats), dtype=np.int64)
        while True:
            stop_if_cancelled(self.listener)
            can = self._addable(ones, number)
            zeros |= ~ones & ~can.options
            generation.enter(BeatNode(ones, zeros, number, can.beats))
            relaxed = generation.relax(until)
            if relaxed is not None and generation.add_quickly(relaxed):
                number = np.pad(number, (0, len(generation.beats) - number.size))
                generation.enter(BeatNode(ones, zeros, number, self._addable(ones, number).beats))
                relaxed = generation.relax(until)
            number = np.pad(number, (0, len(generation.beats) - number.size))
            if relaxed is None:
                self.offer(ones, number)  # what was placed so far is a plan
                return None
            x = np.where(ones | zeros, 0.0, relaxed.x[: ones.size])
            beats = np.where(self._addable(ones, number).beats, relaxed.added - number, 0.0)
            if max(x.max(initial=0.0), beats.max(initial=0.0)) <= INTEGRAL:
                return self.offer(ones, number)
            if x.max(initial=0.0) >= min(beats.max(initial=0.0), NEARLY):
                nearly = x >= min(float(x.max()), NEARLY)
                for j in np.flatnonzero(nearly).tolist():
                    ones[j] = self._addable(ones, number).options[j]
                zeros |= nearly & ~ones
            else:
                number[int(beats.argmax())] += 1

    def _round(self, node: BeatNode, relaxed: Relaxed) -> None:
        """Offer the plan that places a node's options and beats by falling values, as
        long as they fit.
        """
        ones = node.ones.copy()
        number = np.pad(node.number, (0, len(self.generation.beats) - node.number.size))
        while True:
            can = self._addable(ones, number)
            x = np.where(can.options & ~(ones | node.zeros), relaxed.x[: ones.size], 0.0)
            beats = np.where(can.beats, np.minimum(relaxed.added - number, 1.0), 0.0)
            if max(x.max(initial=0.0), beats.max(initial=0.0)) <= INTEGRAL:
                break
            if x.max(initial=0.0) >= beats.max(initial=0.0):
                ones[int(x.argmax())] = True
            else:
                number[int(beats.argmax())] += 1
        self.offer(ones, number)

    def _addable(self, ones: NDArray[np.bool_], number: NDArray[np.int64]) -> _Addable:
        """Return what can be added to (options,) ones and (beats,) numbers of beats."""
        generation = self.generation
        instance = generation.instance
        of_beat = generation.uses()
        taken = number @ of_beat[: number.size]
        left = instance.budget * (1 + BUDGET_TOLERANCE) - taken
        options = options_that_fit(instance, ones) & np.all(
            ones @ instance.use + instance.use <= left, axis=1
        )
        options &= options_that_break_none(instance, ones)
        beats = np.all(ones @ instance.use + of_beat <= left, axis=1) & generation.room_at_posts(
            ones, number
        )
        return _Addable(options, beats)

    def offer(self, ones: NDArray[np.bool_], number: NDArray[np.int64]) -> float:
        """Take a plan within the budgets, by (options,) ones and (beats,) numbers, if
        it is better; return its value.
        """
        value = self._value(ones, number)
        met = requirements_met(self.generation.instance, ones) and not self.generation.crowds(
            ones, number
        )
        if self.debug is not None and self.debug.alone:
            return value
        if value < self.upper and met:
            self.placed = ones.copy()
            self.number = number.copy()
            self.upper = value
            self.listener.plan_found(np.concatenate((ones, number)), value)
            self.listener.bounds_moved(self.lower, value)
        return value

    def _value(self, ones: NDArray[np.bool_], number: NDArray[np.int64]) -> float:
        """Return the exact value of a plan: elements as often as its beats hold them."""
        generation = self.generation
        present = np.zeros(generation.patrols.elements.size)
        for b in np.flatnonzero(number).tolist():
            present += number[b] * generation.beats[b].elements
        return generation.value(ones, present)

    def _bounded(self, node: BeatNode, rounds: int, *, proving: bool = False) -> _Bounded:
        """Return a proven bound of a node and the last solution; the solutions that
        prove bounds of the root are kept.
        """
        generation = self.generation
        generation.enter(node)
        best, last = -np.inf, None
        before = [-np.inf] * (STALLING_AT_ROOT if proving else 1)
        for turn in range(rounds):
            stop_if_cancelled(self.listener)
            relaxed = generation.relax(self._until)
            if relaxed is None:
                break
            last = relaxed
            self._round(node, relaxed)
            made = generation.add_quickly(relaxed)
            cut = generation.cut(relaxed)
            moved = abs(relaxed.bound - before[0]) > CLOSE * abs(relaxed.bound)
            before = [*before[1:], relaxed.bound]
            if (
                (made or cut)
                and moved
                and turn < rounds - 1
                and (turn + 1) % self.params.proof_every
            ):
                continue
            # heuristics found nothing, or it is time for a proof: what the best tour of
            # each base would still gain is taken off the bound
            pricing = generation.add_proving(relaxed, self._until)
            if relaxed.bound - pricing.missing > best:
                best = relaxed.bound - pricing.missing
                if self.debug is not None:
                    self.debug.bounded(node, best)
                self.exact &= pricing.exact
                if proving:
                    self.proof = ProvenRelaxation(relaxed, best)
                    self._rise(best)
            if best >= self.cutoff or not (made or cut or pricing.made):
                break
            if relaxed.bound - best <= CLOSE * abs(best) and not moved:
                break
        return _Bounded(best, last)

    def _rise(self, bound: float) -> None:
        if bound > self.lower:
            self.lower = min(bound, self.upper)
            if self.debug is not None:
                self.debug.proven(self.lower, "the bound over all nodes and beats")
            self.listener.bounds_moved(self.lower, self.upper)

    def _split(self, node: BeatNode, relaxed: Relaxed) -> list[BeatNode] | None:
        """Return the children of a node by an option; none where all options are
        integral, None when time ran out.
        """
        x = np.where(node.ones | node.zeros, 0.0, relaxed.x[: node.ones.size])
        fraction = np.minimum(x, 1 - x)
        likely = np.argsort(-fraction, kind="stable")[: self.params.candidates]
        best: tuple[float, list[BeatNode]] = (-1.0, [])
        for j in likely[fraction[likely] > INTEGRAL].tolist():
            children, bounds = [self._child(node, j, placed) for placed in (False, True)], []
            for child in children:
                self.generation.enter(child)
                after = self.generation.relax(self._until)
                if after is None:
                    return None
                bounds.append(after.bound)
            rises = [max(value - relaxed.bound, 0.0) for value in bounds]
            score = (rises[0] + INTEGRAL) * (rises[1] + INTEGRAL)
            if score > best[0]:
                best = score, children
        return best[1]

    def _child(self, node: BeatNode, j: int, placed: bool) -> BeatNode:
        ones, zeros = node.ones.copy(), node.zeros.copy()
        if placed:
            ones[j] = True
            zeros |= ~ones & ~options_that_fit(self.generation.instance, ones)
        else:
            zeros[j] = True
        return replace(node, ones=ones, zeros=zeros)
