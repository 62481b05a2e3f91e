"""Rows of tours at the prices of a solution: cutting planes for the tree beside any beats, in place of columns.

Rows at the last prices of column generation say nothing of elements that had no price there. Once floors have losses and options are decided,
others are worth something, and the linear program takes them for nothing. So for the prices pi_e that elements are worth at the duals of its
rows, the pricing problems are solved again, and the row sum_e pi_e y_e <= sum_q P_q n_q of `tour_rows` is added where the solution violates it.
With the same duals and a multiplier of 1 for this row its bound is that of Proposition 15 at these prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack

from optimizer.solvers.branch_and_cut.row_tables import taken
from optimizer.solvers.patrols.column_generation import tour_problem_at
from optimizer.solvers.patrols.pricing import best_tour
from optimizer.solvers.patrols.tour_rows import TourPrizes, TourRows, held_elements

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.teams import PatrolField
    from optimizer.solvers.patrols.merged_slots import MergedSlots

LONGEST = 0.5
"""Seconds for a pricing problem; the bound of one that is not solved by then is as true."""
LEAST = 1e-3
"""Share of what the elements present are worth by which a row must be violated."""


@dataclass(frozen=True)
class TourLimits:
    """Rows on columns of elements and numbers of teams, as `optimizer.solvers.branch_and_cut.master` asks for.

    Attributes
    ----------
    field
        What teams can do.
    merged
        How elements are columns.
    """

    field: PatrolField
    merged: MergedSlots

    def __call__(
        self, worth: NDArray[np.float64], present: NDArray[np.float64], teams: NDArray[np.float64]
    ) -> csr_array:
        """Return the (rows, columns and patrols) entries of the violated rows at what (columns,) are worth a unit.

        Patrols none of whose elements are both present and worth something are left out, with all that they can hold.
        """
        held = held_elements(self.field)
        price = self.merged.spread(np.maximum(worth, 0.0))
        idle = ~held[:, (price > 0) & (present[self.merged.column] > 0)].any(axis=1)
        price[held[idle].any(axis=0)] = 0.0
        problems = (tour_problem_at(patrol, price) for patrol in self.field.patrols)
        prize = np.array([best_tour(problem, time_limit=LONGEST).bound for problem in problems])
        rows = TourRows.of([TourPrizes(price, prize)], self.field)
        of_columns = self.merged.of_columns(rows.price)
        spent = np.asarray(of_columns @ present)
        table = csr_array(hstack((-of_columns, rows.prize)))
        return taken(table, spent - np.asarray(rows.prize @ teams) > LEAST * spent)
