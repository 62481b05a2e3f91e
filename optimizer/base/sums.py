"""Sums of products whose last digits do not depend on BLAS.

NumPy's `@` calls BLAS, which adds up in another order on another processor, with more threads, or where OPENBLAS_CORETYPE says so. A search
breaks ties by last digits: where one of its values has others, it solves other programs and may end with another plan of the same value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def weighted_sum(weight: NDArray[np.float64], values: NDArray[np.number] | NDArray[np.bool_]) -> float:
    """Return the sum of (terms,) values, each times its weight."""
    return float((weight * values).sum())
