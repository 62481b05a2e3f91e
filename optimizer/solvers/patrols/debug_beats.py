"""A debug solution with beats (`branch_and_cut.debug_solution`): a plan of fixed options
and tours that column generation and its tree must not lose.

The tours of the plan need not be among the columns. At a node that holds the plan

- the bound over the columns at hand plus the reduced costs of the plan's other tours
  must be at most its value;
- each pricing problem must have a bound of at least what the plan's tours collect, and
  where all tours are known, what any collects; what the tours that are not made may
  lower the bound by must be at least what they do;
- the bound over all beats must be at most its value, and one of the children must hold
  the plan, unless it is no better than the cutoff;
- where all beats that a better plan could hold are listed, its own must be among them.

The tree beside any beats is handed the same plan over its columns (`beside`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.problem.plan.plan import make_beat
from optimizer.solvers.branch_and_cut.debug_solution import ROUNDING, CutOffError, DebugSolution
from optimizer.solvers.branch_and_cut.lp.master import Relaxed
from optimizer.solvers.overlay.overlay import repeated
from optimizer.solvers.overlay.searching import search_values
from optimizer.solvers.patrols.column_generation import BeatNode, ColumnGeneration, beat_uses
from optimizer.solvers.patrols.tours.tour import Tour

if TYPE_CHECKING:
    from optimizer.solvers.patrols.beat_tree import MergedSlots

Floats = NDArray[np.float64]

TINY = float(np.finfo(np.float64).tiny)


@dataclass
class DebugBeats:
    """A plan with beats that is watched through a search over columns."""

    #: (options,) mask of its fixed options.
    placed: NDArray[np.bool_]
    #: The patrol of each of its beats, and the tour.
    tours: tuple[tuple[int, Tour], ...]
    #: (beats, elements) how often each of these holds each element.
    held: Floats
    #: The plan as a point over fixed options and elements.
    solution: DebugSolution
    #: The patrol of every tour that there is, and how often it holds each element; none
    #: where they are not known.
    every: tuple[tuple[int, Floats], ...] = ()
    #: Whether the search takes no plan: so its cutoff stays above the value, and every
    #: step is judged to the end.
    alone: bool = True
    _entered: BeatNode | None = field(init=False, default=None)

    @classmethod
    def watching(
        cls,
        generation: ColumnGeneration,
        placed: NDArray[np.bool_],
        tours: Sequence[tuple[int, Tour]],
        *,
        every: Iterable[tuple[int, Floats]] = (),
        alone: bool = True,
    ) -> DebugBeats:
        """Have a search watch a plan of (options,) fixed options and tours of patrols,
        and return it; `every` as the attribute.
        """
        patrols, master = generation.patrols, generation.master
        beats = [make_beat(patrols, q, tour.posts, tour.slots, "watched") for q, tour in tours]
        held = np.array([beat.elements for beat in beats], dtype=np.float64).reshape(
            len(beats), patrols.elements.size
        )
        count = np.concatenate((placed, held.sum(axis=0), [0.0]))
        overlay = repeated(generation.overlay, np.maximum(count[:-1], 1.0))
        routes = master.commodities.fixed_routes
        values = np.append(
            search_values(overlay, master.commodities.searches, count[:-1] > 0),
            routes.value * np.prod(routes.survival ** count[routes.option], axis=1),
        )
        value = master.commodities.value(values)
        solution = DebugSolution(count[:-1], values, value, alone=alone)
        debug = cls(placed, tuple(tours), held, solution, tuple(every), alone=alone)
        generation.debug, master.debug = debug, solution
        return debug

    @property
    def value(self) -> float:
        """The value of the plan."""
        return self.solution.value

    def holds(self, node: BeatNode) -> bool:
        """Return whether a node holds the plan by its definition: it has no more of any
        beat than the plan needs.
        """
        return not (
            (node.ones & ~self.placed).any()
            or (node.zeros & self.placed).any()
            or node.number.any()
            or not node.open.all()
        )

    def beside(self, merged: MergedSlots, teams: int) -> DebugSolution:
        """Return the plan as a point of the tree beside any beats: over fixed options,
        merged columns, and the teams driven from each of so many patrols.
        """
        present = self.held.sum(axis=0)
        columns = np.bincount(merged.column, present * merged.slots, merged.size)
        x = np.concatenate((self.placed.astype(np.float64), columns.astype(np.float64)))
        driven = Counter(q for q, _ in self.tours)
        added = np.array([float(driven[q]) for q in range(teams)])
        return DebugSolution(x, self.solution.values, self.value, added, alone=self.alone)

    # What steps ask.

    def entered(self, node: BeatNode) -> None:
        """Note the node whose program is solved next."""
        self._entered = node

    def relaxed(self, generation: ColumnGeneration, relaxed: Relaxed) -> None:
        """Hold the bound over the columns at hand against the plan, whose other tours
        may lower it by their reduced costs.
        """
        if self._entered is None or not self.holds(self._entered):
            return
        bound = relaxed.bound
        pi = self._prices(relaxed)
        for (q, tour), elements in zip(self.tours, self.held, strict=True):
            if not generation.knows(q, tour):
                bound += generation.dual_cost(q, relaxed) - weighted_sum(pi, elements)
        self._at_most(bound, "reduced costs of beats")

    def priced(self, q: int, price: Floats, bound: float, step: str) -> None:
        """Hold the bound of a pricing problem at (elements,) prices against tours."""
        own = (
            (patrol, elements) for (patrol, _), elements in zip(self.tours, self.held, strict=True)
        )
        for patrol, elements in (*own, *self.every):
            worth = weighted_sum(price, elements)
            if patrol == q and worth > bound * (1 + ROUNDING) + TINY:
                raise CutOffError(step, f"a beat collects {worth!r}, and its bound is {bound!r}")

    def missing(self, generation: ColumnGeneration, relaxed: Relaxed, missing: float) -> None:
        """Hold it against all tours by how much those that were not made lower the
        bound at most.
        """
        instance, patrols = generation.instance, generation.patrols
        pi, price = self._prices(relaxed), relaxed.price[: instance.budget.size]
        most: dict[str, float] = {}
        for q, elements in self.every:
            # rows of budgets are divided by these; beyond twice a budget all is alike
            use, team = beat_uses(instance, patrols, q), patrols.patrols[q].team.id
            cost = sum(
                (min(u / b, 2.0) if b > 0 else 1.0) * y
                for u, b, y in zip(use, instance.budget, price, strict=True)
                if u > 0
            )
            profit = generation.most_teams[q] * float(weighted_sum(pi, elements) - cost)
            most[team] = max(most.get(team, 0.0), profit)
        lowers = sum(most.values())
        if lowers > missing + ROUNDING * generation.master.total:
            what = f"other beats may lower the bound by {lowers!r}, and not by {missing!r}"
            raise CutOffError("the profit of beats", what)

    def bounded(self, node: BeatNode, bound: float) -> None:
        """Hold the bound of a node over all beats against the plan."""
        if self.holds(node):
            self._at_most(bound, "the bound over all beats")

    def split(self, node: BeatNode, children: Sequence[BeatNode], cutoff: float) -> None:
        """Hold the children of a node against the plan; where there are none its bound stays."""
        better = self.value * (1 + ROUNDING) < cutoff
        if children and better and self.holds(node) and not any(map(self.holds, children)):
            raise CutOffError("a split over beats", "no child holds the plan")

    def proven(self, lower: float, step: str) -> None:
        """Hold a bound over all plans with any beats against the plan."""
        self._at_most(lower, step)

    def listed(self, generation: ColumnGeneration, slack: float, bound: float) -> None:
        """Hold it against the plan that all beats were made of a reduced cost of at most
        a slack, over a bound.
        """
        missing = [tour for q, tour in self.tours if not generation.knows(q, tour)]
        if missing and self.value * (1 + ROUNDING) < bound + slack:
            raise CutOffError("listing all beats", f"{missing[0]} is not among them")

    def _prices(self, relaxed: Relaxed) -> Floats:
        """Return the (elements,) duals of links, which are the last of the rows kept."""
        return relaxed.price[relaxed.price.size - self.held.shape[1] :]

    def _at_most(self, bound: float, step: str) -> None:
        if bound > self.value * (1 + ROUNDING) + TINY:
            raise CutOffError(step, f"the bound {bound!r} is above its value {self.value!r}")
