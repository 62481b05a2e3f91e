"""Sums by place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def sums(place: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the (size,) sum of (k,) values at each of the places 0 to size - 1."""
    return np.asarray(np.bincount(place, values, size), dtype=np.float64)
