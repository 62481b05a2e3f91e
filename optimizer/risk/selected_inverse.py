"""The entries of an inverse where the Cholesky factor has entries: all that marginal variances need.

Takahashi's recursion from the last column to the first: with A = L D L' and I the rows below the diagonal of column j,
Z[I, j] = -Z[I, I] L[I, j] and Z[j, j] = 1 / d_j - L[I, j]' Z[I, j]. The first row of I is the parent of j in the elimination tree, and
Z[I, I] is a part of the parent's own block. So columns at the same depth of the tree do not need each other, and those with equally many
entries are worked out together. Work: the sum over columns of the square of their entries.

References
----------
K. Takahashi, J. Fagan, M. Chin (1973), Formation of a sparse bus impedance matrix and its application to short circuit study;
A. M. Erisman, W. F. Tinney (1975), On computing certain elements of the inverse of a sparse matrix, CACM 18(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csc_array

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class InverseBlocks:
    """For each column of the factor the block of the inverse over the column's own row and the rows below.

    Attributes
    ----------
    start, index
        (n + 1,), (nnz,) rows of each column, its own first, then those of the factor in rising order.
    values
        The first row of each block, laid out like `index`: the inverse on the factor's pattern.
    """

    start: Ints
    index: Ints
    values: Floats

    def at(self, row: Ints, column: Ints) -> Floats:
        """Return the (k,) entries of the inverse at (row, column), in the order of the factor, where it has an entry.

        Raises
        ------
        KeyError
            If the factor has none there.
        """
        n = self.start.size - 1
        low, high = np.minimum(row, column), np.maximum(row, column)
        keys = np.repeat(np.arange(n), np.diff(self.start)) * n + self.index
        wanted = low * n + high
        place = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
        if (keys[place] != wanted).any():
            raise KeyError("the factor has no entry at some of the places asked for")
        return np.asarray(self.values[place])


def inverse_blocks(lower: csc_array, pivot: Floats) -> InverseBlocks:
    """Return the inverse of L D L' on the pattern of L.

    Parameters
    ----------
    lower
        (n, n) strictly lower triangle of the unit factor L.
    pivot
        (n,) diagonal of D, > 0.
    """
    lower.sort_indices()
    n = pivot.size
    below = np.diff(lower.indptr).astype(np.int64)
    start = np.concatenate(([0], np.cumsum(below + 1)))
    own = start[:-1]
    index = np.empty(start[-1], dtype=np.int64)
    index[own] = np.arange(n)
    others = np.ones(start[-1], dtype=bool)
    others[own] = False
    index[others] = lower.indices
    parent = np.full(n, -1, dtype=np.int64)
    parent[below > 0] = lower.indices[lower.indptr[:-1][below > 0]]
    within = _place_in_parent(start, index, parent)
    block_start = np.concatenate(([0], np.cumsum((below + 1) ** 2)))
    blocks = np.empty(block_start[-1])
    for columns in _batches(_depths(parent), below):
        k = int(below[columns[0]])
        corner = block_start[columns]
        if k == 0:
            blocks[corner] = 1 / pivot[columns]
            continue
        up = parent[columns]
        at = within[own[columns, None] + 1 + np.arange(k)]
        inside = block_start[up, None, None] + at[:, :, None] * (below[up] + 1)[:, None, None] + at[:, None, :]
        block = np.empty((columns.size, k + 1, k + 1))
        block[:, 1:, 1:] = blocks[inside]
        weight = lower.data[lower.indptr[columns, None] + np.arange(k)]
        edge = -(block[:, 1:, 1:] @ weight[:, :, None])[:, :, 0]
        block[:, 0, 1:] = block[:, 1:, 0] = edge
        block[:, 0, 0] = 1 / pivot[columns] - (weight * edge).sum(axis=1)
        blocks[corner[:, None] + np.arange((k + 1) ** 2)] = block.reshape(columns.size, -1)
    first_row = np.repeat(block_start[:-1] - own, below + 1) + np.arange(start[-1])
    return InverseBlocks(start, index, blocks[first_row])


def _place_in_parent(start: Ints, index: Ints, parent: Ints) -> Ints:
    """(nnz,) where each row of a column stands among the rows of its parent's column."""
    n = parent.size
    column = np.repeat(np.arange(n), np.diff(start))
    keys = column * n + index
    return np.asarray(np.searchsorted(keys, np.maximum(parent[column], 0) * n + index) - start[parent[column]])


def _depths(parent: Ints) -> Ints:
    """(n,) steps from each column up to the root of its tree; parents come after their children."""
    depth = [0] * parent.size
    above = parent.tolist()
    for column in range(parent.size - 1, -1, -1):
        if above[column] >= 0:
            depth[column] = depth[above[column]] + 1
    return np.array(depth, dtype=np.int64)


def _batches(depth: Ints, below: Ints) -> list[Ints]:
    """Return the columns of equal depth and equal size, roots first."""
    order = np.lexsort((below, depth))
    changes = np.flatnonzero((np.diff(depth[order]) != 0) | (np.diff(below[order]) != 0)) + 1
    return np.split(order, changes)
