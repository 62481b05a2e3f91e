"""The entries of a sparse symmetric inverse where the factor has entries, without the rest of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse.linalg import SuperLU


def selected_inverse(factor: SuperLU) -> csc_array:
    """Return the lower triangle of the inverse on the pattern of L, rows and columns in the order of the factor.

    Takahashi's recursion from the last column to the first: with A = L D L' and I the rows below the diagonal of column j,
    Z[I, j] = -Z[I, I] L[I, j] and Z[j, j] = 1 / d_j - L[I, j]' Z[I, j]. Z[I, I] is a part of the block of the column's parent in the
    elimination tree, its first row below the diagonal. Work: the sum over columns of the square of their entries.

    Parameters
    ----------
    factor
        LU factors of a symmetric positive definite (n, n) matrix, pivoted on the diagonal (`perm_r` equal to `perm_c`).

    References
    ----------
    K. Takahashi, J. Fagan, M. Chin (1973), Formation of a sparse bus impedance matrix and its application to short circuit study;
    A. M. Erisman, W. F. Tinney (1975), On computing certain elements of the inverse of a sparse matrix, CACM 18(3).
    """
    lower = csc_array(factor.L)
    lower.sort_indices()
    pivot = factor.U.diagonal()
    start, index = lower.indptr, lower.indices
    parent = [int(index[a + 1]) if b - a > 1 else -1 for a, b in pairwise(start)]
    waiting = np.bincount([p for p in parent if p >= 0], minlength=len(parent))
    blocks: dict[int, NDArray[np.float64]] = {}
    values = np.empty(lower.nnz)
    for j in range(len(parent) - 1, -1, -1):
        rows, below = index[start[j] : start[j + 1]], lower.data[start[j] + 1 : start[j + 1]]
        block = np.empty((rows.size, rows.size))
        if (p := parent[j]) >= 0:
            block[1:, 1:] = _part(blocks[p], index[start[p] : start[p + 1]], rows[1:])
            block[0, 1:] = block[1:, 0] = -block[1:, 1:] @ below
            waiting[p] -= 1
            if not waiting[p]:
                del blocks[p]
        block[0, 0] = 1 / pivot[j] - below @ block[1:, 0]
        values[start[j] : start[j + 1]] = block[0]
        if waiting[j]:
            blocks[j] = block
    return csc_array((values, index, start), shape=lower.shape)


def _part(block: NDArray[np.float64], rows: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the block's wanted rows and columns; an entry that underflowed out of the factor counts as nothing."""
    at = np.minimum(np.searchsorted(rows, wanted), rows.size - 1)
    part: NDArray[np.float64] = block[at[:, None], at]
    absent = rows[at] != wanted
    if absent.any():
        part[absent] = 0
        part[:, absent] = 0
    return part
