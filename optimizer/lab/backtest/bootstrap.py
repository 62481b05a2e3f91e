"""Intervals by resampling whole cells: outcomes of one place are not independent of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DRAWS = 1000
LEVEL = 0.9


def resamples(n_cells: int, rng: np.random.Generator, draws: int = DRAWS) -> NDArray[np.int64]:
    """Return how often each of n cells is drawn in each resample, (draws, n)."""
    return rng.multinomial(n_cells, np.full(n_cells, 1 / n_cells), size=draws)


def interval(values: Floats, level: float = LEVEL) -> tuple[float, float] | None:
    """Return the central interval of the draws of a figure; None if more than a tenth of them have no value (NaN)."""
    known = values[np.isfinite(values)]
    if known.size < 0.9 * values.size or not known.size:
        return None
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def mean_interval(
    total: Floats, weight: Floats, drawn: NDArray[np.int64], level: float = LEVEL
) -> tuple[float, float] | None:
    """Return the interval of sum(total) / sum(weight) under resampling of cells.

    Parameters
    ----------
    total, weight
        (n,) by cell.
    drawn
        (draws, n) of `resamples`.
    level
        Probability of the interval.
    """
    below = drawn @ weight
    with np.errstate(divide="ignore", invalid="ignore"):
        return interval(np.where(below > 0, drawn @ total / below, np.nan), level)
