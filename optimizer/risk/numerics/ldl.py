"""Sparse L D L' factors of symmetric positive definite matrices that keep their pattern, and the parts of an inverse they give.

The factors come from QDLDL (B. Stellato et al. 2020, OSQP: an operator splitting solver for quadratic programs), which orders and analyses
a pattern once and then factorises it again in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import qdldl
from scipy.sparse import csc_array, csc_matrix, triu

from optimizer.risk.numerics.selected_inverse import Pattern

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.risk.numerics.selected_inverse import InverseOnPattern

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

COMPILED_FROM = 8_000
"""Rows from which on several right sides are solved by compiled code, which pays for loading the compiler."""


@dataclass(frozen=True)
class Parts:
    """L D L' of the matrix in another order.

    Attributes
    ----------
    lower
        (n, n) strictly lower triangle of L.
    pivot
        (n,) diagonal of D.
    order
        (n,) row of the matrix at each place of the factor.
    """

    lower: csc_array
    pivot: Floats
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

    @classmethod
    def of(cls, matrix: csc_array) -> Self:
        """Factorise a whole symmetric matrix."""
        upper = csc_array(triu(matrix, format="csc"))
        upper.sort_indices()
        return cls(upper)

    def refresh(self, data: Floats) -> None:
        """Factorise the matrix with the same pattern and other values, in the order of `upper.data`."""
        self._pattern.data = data
        self._solver.update(self._pattern, upper=True)
        self._parts = None

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
        from optimizer.risk.numerics.factor_kernels import solutions

        parts = self.parts
        lower = parts.lower
        return np.asarray(
            solutions(lower.indptr, lower.indices, lower.data, parts.pivot, parts.order, right), dtype=np.float64
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
        """Return the (k,) entries of the inverse at places where the matrix, or its factor, has an entry.

        Raises
        ------
        KeyError
            If the factor has no entry at one of the places.
        """
        inverse, place = self._inverse()
        return inverse.at(place[row], place[column])

    def inverse_diagonal(self) -> Floats:
        """Return the (n,) diagonal of the inverse: marginal variances, if the matrix is a precision."""
        inverse, place = self._inverse()
        return np.asarray(inverse.diagonal[place])

    def _inverse(self) -> tuple[InverseOnPattern, Ints]:
        """Return the inverse in the order of the factor, and the place of each row in that order."""
        parts = self.parts
        if self._known is None:
            self._known = Pattern(parts.lower), np.argsort(parts.order)
        pattern, place = self._known
        return pattern.inverse(parts.lower, parts.pivot), place
