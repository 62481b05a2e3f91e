"""The tree of branch and cut over fixed options and every beat: elements are loose, and rows say what tours can do with them.

Column generation bounds all beats by columns, and a tree over its nodes would solve the pricing problems at each of them. Here the rows of
`tour_rows` take the place of columns: the numbers n_q of teams use the budgets, elements are loose options (`master`, `floor_losses`), and the
duals of a program bound every plan of a node, with any beats, by themselves. At the prices at which column generation ended, the rows with a
multiplier of 1 prove the bound that it proved. A node whose fixed options are all decided is left at its bound.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack

from optimizer.base.listener import OnlyCancels
from optimizer.solvers.branch_and_cut.master import Master
from optimizer.solvers.patrols.tour_rows import TourRows
from optimizer.solvers.solve import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
    from optimizer.solvers.patrols.column_generation import ColumnGeneration


SHORTEST, LONGEST = 0.05, 60.0
"""Seconds for the tree at least, and where there is no limit."""


class _Offering(OnlyCancels):
    """Tells a search over beats of the bounds, and of the plans without beats."""

    def __init__(self, tree: BranchAndPrice) -> None:
        super().__init__(tree.listener)
        self._tree = tree

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002 - plans come by themselves
        """Take the bound, which holds over all beats."""
        self._tree.prove(lower)

    def plan_found(self, placed: NDArray[np.bool_], value: float) -> None:  # noqa: ARG002 - it is valued again
        """Offer the fixed options."""
        generation = self._tree.generation
        number = np.zeros(len(generation.beats), dtype=np.int64)
        self._tree.offer(placed[: len(generation.instance.options)], number)


def beside_beats(
    tree: BranchAndPrice,
    *,
    gap: float,
    until: float,
    seed: int,
    threads: int | None,
    scheduler: str | None,
    began: float,
    starts: Sequence[NDArray[np.bool_]],
) -> NDArray[np.bool_]:
    """Bound all plans with any beats, by a tree over the fixed options; return the best mask of these that it found without beats.

    Parameters
    ----------
    tree
        The search over beats, whose pricing was solved to proof at least once; it is told of bounds and plans.
    gap, seed, threads, scheduler, began
        As in `optimizer.solvers.solve.place`.
    until
        `time.monotonic()` at which to stop; infinity for `LONGEST` seconds from now.
    starts
        (options,) masks of fixed options to begin from.
    """
    generation = tree.generation
    instance = tree_instance(generation)
    n, elements = len(generation.instance.options), generation.patrols.elements.size
    result = place(
        instance,
        gap=gap,
        time_limit=LONGEST if np.isinf(until) else max(until - time.monotonic(), SHORTEST),
        seed=seed,
        threads=threads,
        scheduler=scheduler,
        began=began,
        listener=_Offering(tree),
        overlay=generation.overlay,
        proven=tree.lower,
        master=tree_master(generation, instance),
        starts=[np.append(start, np.zeros(elements, dtype=bool)) for start in starts],
    )
    tree.prove(result.lower or 0.0)
    return generation.instance.forced if result.plan is None else instance.placed(result.plan.options)[:n]


def tree_instance(generation: ColumnGeneration) -> Instance:
    """Return the instance with every element as an option that no plan places."""
    whole, n = generation.whole, len(generation.instance.options)
    elements = tuple(replace(option, forbidden=True) for option in whole.options[n:])
    return replace(whole, options=(*whole.options[:n], *elements))


def tree_master(generation: ColumnGeneration, instance: Instance) -> Master:
    """Return the linear program over fixed options, elements and numbers of teams, with the rows of all prices so far."""
    n, elements = len(generation.instance.options), generation.patrols.elements.size
    rows = TourRows.of(generation.tour_prizes, generation.patrols)
    master = Master(
        instance,
        generation.overlay,
        csr_array(hstack((csr_array((rows.price.shape[0], n)), -rows.price))),
        generation.times,
        loose=np.arange(n + elements) >= n,
        commodities=generation.master.commodities,
        pool=generation.master.pool,
    )
    teams = np.array(generation.most_teams, dtype=np.float64)
    master.add_columns(teams, generation.team_columns(range(teams.size), rows.prize))
    found = generation.master.value_rows
    master.add_value_rows(replace(found, rows=csr_array(found.rows[:, : found.rows.shape[1] - len(generation.beats)])))
    return master
