"""What tours can do as rows over elements, in place of columns.

For prices pi >= 0 of elements, and P_q proven to be no less than the prices that any tour of a team type at a base q collects (`pricing`),
every plan obeys

    sum_e pi_e y_e <= sum_q P_q n_q,      n_q teams driven from q, y_e how often their beats hold element e,

as each beat holds elements of at most P_q. Where bases share no elements there is such a row for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.teams import PatrolField

SPARE = 1e-9
"""Relative allowance for rounding in the bounds of prizes."""


@dataclass(frozen=True)
class TourPrizes:
    """What tours can collect.

    Attributes
    ----------
    price
        (elements,) prices >= 0.
    prize
        (patrols,) proven upper bound of the prices of the elements of any tour of a team type at a base, each as often as it has them.
    """

    price: NDArray[np.float64]
    prize: NDArray[np.float64]


@dataclass(frozen=True)
class TourRows:
    """Rows sum_q prize_q n_q - sum_e price_e y_e >= 0.

    Attributes
    ----------
    price
        (rows, elements), at most 1.
    prize
        (rows, patrols).
    """

    price: csr_array
    prize: csr_array

    @classmethod
    def of(cls, found: Sequence[TourPrizes], field: PatrolField) -> TourRows:
        """Return a row for each time that prizes were proven and each set of bases whose beats share elements."""
        held = held_elements(field)
        shared = csr_array(held.astype(np.int64) @ held.T.astype(np.int64))
        group = connected_components(shared, directed=False)[1]
        price = np.empty((0, held.shape[1]))
        prize = np.empty((0, held.shape[0]))
        for each in found:
            for one in np.unique(group):
                row = np.where(held[group == one].any(axis=0), each.price, 0.0)
                if (largest := row.max(initial=0.0)) > 0:
                    price = np.vstack((price, row / largest))
                    prize = np.vstack((prize, np.where(group == one, each.prize, 0.0) / largest * (1 + SPARE)))
        return cls(csr_array(price), csr_array(prize))


def held_elements(field: PatrolField) -> NDArray[np.bool_]:
    """Return the (patrols, elements) mask of those that beats of each can hold."""
    held = np.zeros((len(field.patrols), field.elements.size), dtype=bool)
    for q, patrol in enumerate(field.patrols):
        held[q, np.union1d(patrol.drives.indices, patrol.dwell.ravel())] = True
    return held
