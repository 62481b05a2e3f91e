"""What a large factor L D L' is used for, compiled: several right sides at a time, and the selected inverse.

Imported only where a factor is large: loading the compiler takes some tenths of a second, compiling once about one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def _compiled(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - numba has no types
    """Return the compiled function, which numba keeps where it may write."""
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # "no locator available": nothing can be written
        return njit(function)


@_compiled
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


@_compiled
def solutions(start: Ints, index: Ints, lower: Floats, pivot: Floats, order: Ints, right: Floats) -> Floats:
    """Return the (n, k) solutions for a matrix that is L D L' in another order: to the bit what QDLDL returns for each column.

    Columns are solved eight at a time, so that L is read an eighth as often; the operations on each column and their order are QDLDL's.

    Parameters
    ----------
    start, index, lower
        (n + 1,), (nnz,), (nnz,) columns of L below the diagonal, which is 1.
    pivot
        (n,) diagonal of D.
    order
        (n,) row of the matrix at each place of the factor.
    right
        (n, k) right sides.
    """
    n, k = right.shape
    out = np.empty((k, n)).T
    x = np.zeros((n, 8))
    for first in range(0, k, 8):
        width = min(8, k - first)
        for place in range(n):
            for side in range(width):
                x[place, side] = right[order[place], first + side]
        for column in range(n):
            a, b, c, d = x[column, 0], x[column, 1], x[column, 2], x[column, 3]
            e, f, g, h = x[column, 4], x[column, 5], x[column, 6], x[column, 7]
            for at in range(start[column], start[column + 1]):
                row, weight = index[at], lower[at]
                x[row, 0] -= weight * a
                x[row, 1] -= weight * b
                x[row, 2] -= weight * c
                x[row, 3] -= weight * d
                x[row, 4] -= weight * e
                x[row, 5] -= weight * f
                x[row, 6] -= weight * g
                x[row, 7] -= weight * h
        for column in range(n - 1, -1, -1):
            share = 1.0 / pivot[column]
            a, b, c, d = x[column, 0] * share, x[column, 1] * share, x[column, 2] * share, x[column, 3] * share
            e, f, g, h = x[column, 4] * share, x[column, 5] * share, x[column, 6] * share, x[column, 7] * share
            for at in range(start[column], start[column + 1]):
                row, weight = index[at], lower[at]
                a -= weight * x[row, 0]
                b -= weight * x[row, 1]
                c -= weight * x[row, 2]
                d -= weight * x[row, 3]
                e -= weight * x[row, 4]
                f -= weight * x[row, 5]
                g -= weight * x[row, 6]
                h -= weight * x[row, 7]
            x[column, 0], x[column, 1], x[column, 2], x[column, 3] = a, b, c, d
            x[column, 4], x[column, 5], x[column, 6], x[column, 7] = e, f, g, h
        for place in range(n):
            for side in range(width):
                out[order[place], first + side] = x[place, side]
    return out
