"""The compiled form of the tables of `tour_bounds.Walks`; loaded only where there is much to do (`solvers.compiled`).

The formulas are those of `tour_bounds`; every number is the same, as sums are of two terms and the rest is maxima.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@njit(cache=True)
def fill(
    arrive: NDArray[np.float64],
    leave: NDArray[np.float64],
    prize: NDArray[np.float64],
    drive: NDArray[np.int64],
    leg: NDArray[np.float64],
    cells: int,
    most: int,
) -> None:
    """Fill the rows of times from 0 on of A and T, where T holds the ways home at first.

    Parameters
    ----------
    arrive, leave
        As in `tour_bounds.Completion`; minus infinity elsewhere.
    prize
        (n + 1, L + 1) p_vl - lambda_v, minus infinity at the base.
    drive, leg
        (n + 1, n + 1) driving in cells, more than the shift where there is no way, and q.
    cells, most
        Cells to a slot, and most slots of one visit.
    """
    rows, size = arrive.shape
    for row in range(rows // 2, rows):
        for v in range(1, size):
            for slots in range(1, most + 1):
                arrive[row, v] = max(arrive[row, v], leave[row - slots * cells, v] + prize[v, slots])
        for u in range(size):
            best = leave[row, u]
            for v in range(1, size):
                best = max(best, arrive[row - drive[u, v], v] + leg[u, v])
            leave[row, u] = best
