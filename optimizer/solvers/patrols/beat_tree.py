"""The tree of branch and cut over fixed options and every beat: elements are loose, and rows say what tours can do with them.

Column generation bounds all beats by columns, and a tree over its nodes would solve the pricing problems at each of them. Here the rows of
`tour_rows` take the place of columns: the numbers n_q of teams use the budgets, elements are loose options (`master`, `floor_losses`), and the
duals of a program bound every plan of a node, with any beats, by themselves. At the prices at which column generation ended, the rows with a
multiplier of 1 prove the bound that it proved. A node whose fixed options are all decided is left at its bound.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack

from optimizer.base.listener import OnlyCancels, step
from optimizer.problem.options import Option
from optimizer.solvers.branch_and_cut.master import Master
from optimizer.solvers.feasible_start import feasible_start
from optimizer.solvers.overlay.overlay import bundled
from optimizer.solvers.patrols.column_generation import tour_problem_at
from optimizer.solvers.patrols.merged_slots import MergedSlots
from optimizer.solvers.patrols.pricing import best_tour
from optimizer.solvers.patrols.tour_limits import TourLimits
from optimizer.solvers.patrols.tour_rows import TourPrizes, TourRows
from optimizer.solvers.solve import place
from optimizer.solvers.solve_state import BRANCHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.problem.result import Result
    from optimizer.solvers.overlay.overlay import Overlay
    from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
    from optimizer.solvers.patrols.column_generation import ColumnGeneration


PRICES = 8
"""How many of the last prices of column generation rows are made of."""
PRICING = 0.2
"""Share of the time that their pricing problems may take."""
SHORTEST, LONGEST = 0.05, 60.0
"""Seconds for a search at least, and where there is no limit."""


class _Offering(OnlyCancels):
    """Tells a search over beats of plans without beats."""

    def __init__(self, tree: BranchAndPrice) -> None:
        super().__init__(tree.listener)
        self._tree = tree

    def plan_found(self, placed: NDArray[np.bool_], value: float) -> None:  # noqa: ARG002 - it is valued again
        """Offer the fixed options."""
        generation = self._tree.generation
        number = np.zeros(len(generation.beats), dtype=np.int64)
        self._tree.offer(placed[: len(generation.instance.options)], number)


class _Alone(_Offering):
    """Also ends the search, from a moment of `time.monotonic()` on, once it has begun to branch: what it does then is to prove bounds."""

    def __init__(self, tree: BranchAndPrice, enough: float) -> None:
        super().__init__(tree)
        self._enough, self._branching = enough, False

    def step_started(self, name: str) -> None:
        """Note that it branches."""
        self._branching |= name == BRANCHING

    def cancelled(self) -> bool:
        """Return whether to stop."""
        return super().cancelled() or (self._branching and time.monotonic() >= self._enough)


class _Proving(_Offering):
    """Tells it of bounds over all beats as well, and passes on what cut them short."""

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002 - plans come by themselves
        """Take the bound."""
        self._tree.prove(lower)

    def noted(self, sentence: str) -> None:
        """Pass it on."""
        self._tree.listener.noted(sentence)


@dataclass(frozen=True)
class FixedOptions:
    """Searches for fixed options in a search over beats, which is told of the plans.

    Attributes
    ----------
    tree
        The search over beats.
    gap, seed, threads, scheduler, began
        As in `optimizer.solvers.solve.place`.
    """

    tree: BranchAndPrice
    gap: float
    seed: int
    threads: int | None
    scheduler: str | None
    began: float

    def alone(self, enough: float, until: float, starts: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Return the best (options,) mask found without beats.

        Parameters
        ----------
        enough, until
            `time.monotonic()` from which on it does not branch, and at which to stop; without limit the search has `LONGEST` seconds.
        starts
            (options,) masks to begin from.
        """
        instance = self.tree.generation.instance
        with step(self.tree.listener, "placing fixed options alone"):
            found = self._found(instance, until, starts, _Alone(self.tree, enough))
        return feasible_start(instance) if found.plan is None else instance.placed(found.plan.options)

    def bound(self, until: float, alone: NDArray[np.bool_]) -> None:
        """Bound all plans with any beats by a tree over fixed options that begins from an (options,) mask; `until` as in `alone`."""
        with step(self.tree.listener, "placing fixed options beside any beats"):
            problem = BeatTreeProblem.of(self.tree.generation, until)
            start = np.append(alone, np.zeros(problem.merged.size, dtype=bool))
            self.tree.prove(self._found(problem.instance, until, [start], _Proving(self.tree), problem).lower or 0.0)

    def _found(
        self,
        instance: Instance,
        until: float,
        starts: Sequence[NDArray[np.bool_]],
        listener: Listener,
        problem: BeatTreeProblem | None = None,
    ) -> Result:
        return place(
            instance,
            gap=self.gap,
            time_limit=LONGEST if np.isinf(until) else max(until - time.monotonic(), SHORTEST),
            seed=self.seed,
            threads=self.threads,
            scheduler=self.scheduler,
            began=self.began,
            listener=listener,
            overlay=None if problem is None else problem.overlay,
            proven=0.0 if problem is None else self.tree.lower,
            master=None if problem is None else problem.master,
            starts=starts,
        )


@dataclass(frozen=True)
class BeatTreeProblem:
    """What the tree beside any beats searches.

    Attributes
    ----------
    instance, overlay, master
        The instance, whose last options are columns of elements, which no plan places; its overlay and its linear program.
    merged
        How elements are columns.
    """

    instance: Instance
    overlay: Overlay
    master: Master
    merged: MergedSlots

    @classmethod
    def of(cls, generation: ColumnGeneration, until: float = np.inf) -> BeatTreeProblem:
        """Return the problem over fixed options, columns of elements and numbers of teams, with rows at the last prices.

        Pricing problems have a share of the time to `until`, of `time.monotonic()`; the bound of one that is not solved by then is as true.
        """
        fixed, base = len(generation.instance.options), generation.master
        merged = MergedSlots.of(generation.patrols)
        loose = tuple(Option(id=f"element {k}", arcs=(), survival=(), forbidden=True) for k in range(merged.size))
        instance = replace(generation.instance, options=(*generation.instance.options, *loose))
        free = np.append(generation.overlay.free[:fixed], np.ones(merged.size, dtype=bool))
        overlay = bundled(generation.overlay, free, merged.bundle(fixed))
        most = np.bincount(merged.column, merged.slots * generation.times[fixed:], merged.size).astype(np.int64)
        rows = TourRows.of(tour_prizes(generation, merged, until), generation.patrols)
        price = merged.of_columns(rows.price)
        master = Master(
            instance,
            overlay,
            csr_array(hstack((csr_array((price.shape[0], fixed)), -price))),
            np.append(generation.times[:fixed], most),
            loose=np.arange(fixed + merged.size) >= fixed,
            limits=TourLimits(generation.patrols, merged),
            commodities=replace(base.commodities, chains=merged.merged(base.commodities.chains, fixed)),
            pool=base.pool.over(overlay, merged.merged(base.pool.paths, fixed)),
        )
        found = base.value_rows
        others = found.rows.shape[1] - fixed - merged.column.size - len(generation.beats)
        master.add_value_rows(merged.merged_rows(found, fixed, others))
        teams = np.array(generation.most_teams, dtype=np.float64)
        master.add_columns(teams, generation.team_columns(range(teams.size), rows.prize))
        return cls(instance, overlay, master, merged)


def tour_prizes(generation: ColumnGeneration, merged: MergedSlots, until: float = np.inf) -> list[TourPrizes]:
    """Return what tours can collect at the last prices of column generation, made the same for each slot at a post."""
    prices, teams = generation.proven_prices[-PRICES:], range(len(generation.patrols.patrols))
    number = np.maximum(np.bincount(merged.column, minlength=merged.size), 1)
    limit = PRICING * (until - time.monotonic()) / max(len(prices) * len(teams), 1)
    found = []
    for each in prices:
        price = merged.spread(np.bincount(merged.column, each / merged.slots, merged.size) / number)
        problems = [tour_problem_at(generation.patrols.patrols[q], price) for q in teams]
        bounds = [best_tour(one, time_limit=max(limit, 0.0) if np.isfinite(limit) else None).bound for one in problems]
        found.append(TourPrizes(price, np.array(bounds)))
    return found
