"""The selected inverse of a large factor, compiled: column by column, with memory for its entries alone.

Imported only where a factor is large: loading the compiler takes some tenths of a second, compiling once about one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@njit(cache=True)
def inverse_values(start: Ints, index: Ints, lower: Floats, pivot: Floats) -> Floats:
    """Return the (nnz,) entries of (L D L')^-1 where L has entries.

    Parameters
    ----------
    start, index
        (n + 1,), (nnz,) rows of each column, its own first.
    lower
        (nnz,) L; what stands at a column's own row does not matter.
    pivot
        (n,) diagonal of D.
    """
    n = start.size - 1
    out = np.zeros(index.size)
    place = np.full(n, -1)
    for column in range(n - 1, -1, -1):
        own, after = start[column], start[column + 1]
        for at in range(own + 1, after):
            place[index[at]] = at
        for at in range(own + 1, after):
            row, weight = index[at], lower[at]
            total = out[start[row]] * weight
            for other in range(start[row] + 1, start[row + 1]):
                found = place[index[other]]
                if found >= 0:
                    total += out[other] * lower[found]
                    out[found] -= out[other] * weight
            out[at] -= total
        diagonal = 1 / pivot[column]
        for at in range(own + 1, after):
            diagonal -= lower[at] * out[at]
            place[index[at]] = -1
        out[own] = diagonal
    return out
