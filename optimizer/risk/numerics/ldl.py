"""Sparse L D L' factors of symmetric positive definite matrices that keep their
pattern, and the parts of an inverse they give.

The factors come from QDLDL (B. Stellato et al. 2020, OSQP: an operator splitting solver
for quadratic programs), which orders and analyses a pattern once and then factorises it
again in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import qdldl
from numpy.typing import NDArray
from scipy.sparse import csc_array, csc_matrix, triu

from optimizer.base.work.kernels import Floats, Floats2, Ints, kernel, ready

COMPILED_FROM = 8_000
"""Rows from which on several right sides are solved by compiled code, which pays for
loading the compiler.
"""


@dataclass(frozen=True)
class Parts:
    """L D L' of the matrix in another order."""

    #: (n, n) strictly lower triangle of L.
    lower: csc_array
    #: (n,) diagonal of D.
    pivot: Floats
    #: (n,) row of the matrix at each place of the factor.
    order: Ints


class Factor:
    """Factors of a positive definite matrix given by its upper triangle.

    Parameters
    ----------
    upper
        (n, n) upper triangle with sorted indices and a stored diagonal.
    """

    def __init__(self, upper: csc_array) -> None:
        self._pattern = csc_matrix(upper)
        self._solver = qdldl.Solver(self._pattern, upper=True)
        self._known: tuple[Pattern, Ints] | None = None
        self._parts: Parts | None = None
        self._inverted: InverseOnPattern | None = None

    def __reduce__(self) -> tuple[type[Factor], tuple[csc_array]]:
        """Return what pickling keeps: the matrix, which is factorised anew."""
        return type(self), (csc_array(self._pattern),)

    @classmethod
    def of(cls, matrix: csc_array) -> Self:
        """Factorise a whole symmetric matrix."""
        upper = csc_array(triu(matrix, format="csc"))
        upper.sort_indices()
        return cls(upper)

    def refresh(self, data: Floats) -> None:
        """Factorise the matrix with the same pattern and other values, in the order of
        `upper.data`.
        """
        self._pattern.data = data
        self._solver.update(self._pattern, upper=True)
        self._parts = self._inverted = None

    def solve(self, right: Floats) -> Floats:
        """Return the solution for (n,) or (n, k) right sides."""
        if right.ndim == 1:
            return np.asarray(self._solver.solve(right))
        if len(right) >= COMPILED_FROM:
            return self._compiled(right)
        solved = np.empty_like(right, order="F")
        for column in range(right.shape[1]):
            solved[:, column] = self._solver.solve(np.ascontiguousarray(right[:, column]))
        return solved

    def _compiled(self, right: Floats) -> Floats:
        ready((__name__,))
        lower, order = self.parts.lower, self.parts.order.astype(np.int64)
        start, index = lower.indptr.astype(np.int64), lower.indices.astype(np.int64)
        return solutions(
            start, index, lower.data, self.parts.pivot, order, np.ascontiguousarray(right)
        )

    @property
    def parts(self) -> Parts:
        """The factors as they are."""
        if self._parts is None:
            lower, pivot, order = self._solver.factors()
            self._parts = Parts(csc_array(lower), np.asarray(pivot), np.asarray(order))
        return self._parts

    @property
    def log_determinant(self) -> float:
        """Logarithm of the determinant."""
        return float(np.log(self.parts.pivot).sum())

    def inverse_at(self, row: NDArray[np.integer], column: NDArray[np.integer]) -> Floats:
        """Return the (k,) entries of the inverse at places where the matrix, or its
        factor, has an entry.

        Raises
        ------
        KeyError
            If the factor has no entry at one of the places.
        """
        inverse, place = self._inverse()
        return inverse.at(place[row], place[column])

    def inverse_diagonal(self) -> Floats:
        """Return the (n,) diagonal of the inverse: marginal variances, if the matrix is
        a precision.
        """
        inverse, place = self._inverse()
        return np.asarray(inverse.diagonal[place])

    def _inverse(self) -> tuple[InverseOnPattern, Ints]:
        """Return the inverse in the order of the factor, and the place of each row in
        that order.
        """
        parts = self.parts
        if self._known is None:
            self._known = Pattern(parts.lower), np.argsort(parts.order)
        pattern, place = self._known
        if self._inverted is None:
            self._inverted = pattern.inverse(parts.lower, parts.pivot)
        return self._inverted, place


# The entries of an inverse where the Cholesky factor has entries: all that marginal
# variances need.
#
# Takahashi's recursion from the last column to the first: with A = L D L' and I the
# rows below the diagonal of column j, Z[I, j] = -Z[I, I] L[I, j] and Z[j, j] = 1 / d_j
# - L[I, j]' Z[I, j]. The first row of I is the parent of j in the elimination tree, and
# Z[I, I] is a part of the parent's own block. So columns at the same depth of the tree
# do not need each other, and those with equally many entries are worked out together.
# Work: the sum over columns of the square of their entries. What follows from the
# pattern alone is found once. Where the blocks together are larger than
# `LARGEST_BLOCKS`, compiled code works column by column instead.
#
# References
# ----------
# K. Takahashi, J. Fagan, M. Chin (1973), Formation of a sparse bus impedance matrix and
# its application to short circuit study; A. M. Erisman, W. F. Tinney (1975), On
# computing certain elements of the inverse of a sparse matrix, CACM 18(3).

LARGEST_BLOCKS = 5_000_000
"""Numbers in the blocks of all columns up to which NumPy works on them: about 60,000
segments of a road network.
"""


@dataclass(frozen=True)
class InverseOnPattern:
    """The inverse where the factor has entries."""

    #: `start`, `index`: (n + 1,), (nnz,) rows of each column, its own first, then those
    #: of the factor in rising order.
    start: Ints
    index: Ints
    #: (nnz,) the inverse, laid out like `index`.
    values: Floats

    @property
    def diagonal(self) -> Floats:
        """(n,) diagonal, in the order of the factor."""
        return np.asarray(self.values[self.start[:-1]])

    def at(self, row: Ints, column: Ints) -> Floats:
        """Return the (k,) entries of the inverse at (row, column), in the order of the
        factor, where it has an entry.

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


class Pattern:
    """The pattern of a factor L: for each column a block of the inverse over its own
    row and the rows below, and who waits for whom.

    Parameters
    ----------
    lower
        (n, n) strictly lower triangle of L; its values do not matter.
    """

    def __init__(self, lower: csc_array) -> None:
        lower.sort_indices()
        n = lower.shape[0]
        self._first = lower.indptr[:-1].astype(np.int64)
        self._below = np.diff(lower.indptr).astype(np.int64)
        self._start = np.concatenate(([0], np.cumsum(self._below + 1)))
        own = self._start[:-1]
        self._index = np.empty(self._start[-1], dtype=np.int64)
        self._index[own] = np.arange(n)
        self._others = np.ones(self._start[-1], dtype=bool)
        self._others[own] = False
        self._index[self._others] = lower.indices
        self._parent = np.full(n, -1, dtype=np.int64)
        self._parent[self._below > 0] = lower.indices[lower.indptr[:-1][self._below > 0]]
        self._block = np.concatenate(([0], np.cumsum((self._below + 1) ** 2)))

    @cached_property
    def _within(self) -> Ints:
        return _place_in_parent(self._start, self._index, self._parent)

    @cached_property
    def _batches(self) -> list[Ints]:
        return _batches(_depths(self._parent), self._below)

    def inverse(self, lower: csc_array, pivot: Floats) -> InverseOnPattern:
        """Return the inverse of L D L' where L has entries.

        Parameters
        ----------
        lower
            L, of this pattern.
        pivot
            (n,) diagonal of D, > 0.
        """
        lower.sort_indices()
        if self._block[-1] > LARGEST_BLOCKS:
            return self._compiled(lower, pivot)
        below = self._below
        parent = self._parent
        own = self._start[:-1]
        blocks = np.empty(self._block[-1])
        for columns in self._batches:
            k = int(below[columns[0]])
            corner = self._block[columns]
            if k == 0:
                blocks[corner] = 1 / pivot[columns]
                continue
            up = parent[columns]
            at = self._within[own[columns, None] + 1 + np.arange(k)]
            inside = (
                self._block[up, None, None]
                + at[:, :, None] * (below[up] + 1)[:, None, None]
                + at[:, None, :]
            )
            block = np.empty((columns.size, k + 1, k + 1))
            block[:, 1:, 1:] = blocks[inside]
            weight = lower.data[self._first[columns, None] + np.arange(k)]
            edge = -(block[:, 1:, 1:] @ weight[:, :, None])[:, :, 0]
            block[:, 0, 1:] = block[:, 1:, 0] = edge
            block[:, 0, 0] = 1 / pivot[columns] - (weight * edge).sum(axis=1)
            blocks[corner[:, None] + np.arange((k + 1) ** 2)] = block.reshape(columns.size, -1)
        first_row = np.repeat(self._block[:-1] - own, below + 1) + np.arange(self._start[-1])
        return InverseOnPattern(self._start, self._index, blocks[first_row])

    def _compiled(self, lower: csc_array, pivot: Floats) -> InverseOnPattern:
        values = np.zeros(self._start[-1])
        values[self._others] = lower.data
        ready((__name__,))
        return InverseOnPattern(
            self._start, self._index, inverse_values(self._start, self._index, values, pivot)
        )


def _place_in_parent(start: Ints, index: Ints, parent: Ints) -> Ints:
    """(nnz,) where each row of a column stands among the rows of its parent's column."""
    n = parent.size
    column = np.repeat(np.arange(n), np.diff(start))
    keys = column * n + index
    return np.asarray(
        np.searchsorted(keys, np.maximum(parent[column], 0) * n + index) - start[parent[column]]
    )


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


# What a large factor L D L' is used for: several right sides at a time, and the
# selected inverse.


@kernel
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


@kernel
def solutions(
    start: Ints, index: Ints, lower: Floats, pivot: Floats, order: Ints, right: Floats2
) -> Floats2:
    """Return the (n, k) solutions for a matrix that is L D L' in another order: to the
    bit what QDLDL returns for each column.

    Columns are solved eight at a time, so that L is read an eighth as often; the
    operations on each column and their order are QDLDL's.

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
            a = x[column, 0]
            b = x[column, 1]
            c = x[column, 2]
            d = x[column, 3]
            e = x[column, 4]
            f = x[column, 5]
            g = x[column, 6]
            h = x[column, 7]
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
            a = x[column, 0] * share
            b = x[column, 1] * share
            c = x[column, 2] * share
            d = x[column, 3] * share
            e = x[column, 4] * share
            f = x[column, 5] * share
            g = x[column, 6] * share
            h = x[column, 7] * share
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
