"""The variables of the objective over draws (`master`): z, and u_d for each draw d."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.commodities import Commodities

MARGIN = 1e-9
"""Room above the largest values of z and u, relative, for rounding."""


@dataclass(frozen=True)
class DrawColumns:
    """The variables z and u of the objective over draws; none where there are no draws.

    Attributes
    ----------
    theta_cost
        (groups,) cost of theta.
    cost, upper
        (1 + draws,) cost of z and each u, and their largest values.
    row, entry
        (groups,) draw of each theta, and what a unit of it is of the total.
    """

    theta_cost: NDArray[np.float64]
    cost: NDArray[np.float64]
    upper: NDArray[np.float64]
    row: NDArray[np.int64]
    entry: NDArray[np.float64]

    @classmethod
    def of(
        cls, commodities: Commodities, scale: NDArray[np.float64], most: NDArray[np.float64], total: float
    ) -> DrawColumns:
        """Return the variables that commodities need, in units of the total."""
        if commodities.weighting is None or commodities.draw is None:
            nothing = np.empty(0)
            return cls(scale / total, nothing, nothing, np.empty(0, dtype=np.int64), nothing)
        caps, draw = commodities.weighting.caps, commodities.draw
        widest = np.bincount(draw, most, caps.size) / total
        return cls(
            np.zeros_like(scale),
            np.append(1.0, caps),
            np.append(widest.max(initial=0.0), widest) * (1 + MARGIN),
            draw,
            scale / total,
        )

    def links(self, n_options: int) -> csr_array:
        """Return the rows z + u_d >= sum_g theta_g, one a draw."""
        n, groups, draws = n_options, self.entry.size, self.cost.size - 1
        first, each = n + groups + 1, np.arange(draws)
        row = np.concatenate((self.row, each, each))
        column = np.concatenate((n + np.arange(groups), np.full(draws, first), first + 1 + each))
        entry = np.concatenate((-self.entry, np.ones(2 * draws)))
        return csr_array((entry, (row, column)), shape=(draws, first + 1 + draws))
