"""Compiled forms of the sums of `pooled_values` over paths, which are sorted by commodity; loaded where they pay (`solvers.compiled`).

Products are taken in the order of the columns, as NumPy takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


class OptionGains(NamedTuple):
    """(options,) gain of each, and the most that it could gain."""

    gain: NDArray[np.float64]
    most: NDArray[np.float64]


@njit(cache=True)
def path_values(
    value: NDArray[np.float64], option: NDArray[np.int64], survival: NDArray[np.float64], placed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the (paths,) values under an (options + 1,) mask, the last of padding."""
    values = np.empty(value.size)
    for p in range(value.size):
        product = 1.0
        for w in range(option.shape[1]):
            if placed[option[p, w]]:
                product *= survival[p, w]
        values[p] = value[p] * product
    return values


@njit(cache=True)
def gains(  # noqa: C901 - one loop over commodities
    start: NDArray[np.int64],
    weight: NDArray[np.float64],
    value: NDArray[np.float64],
    option: NDArray[np.int64],
    survival: NDArray[np.float64],
    placed: NDArray[np.bool_],
) -> OptionGains:
    """Return what adding each option gains; 0 for those placed.

    Parameters
    ----------
    start, weight
        (commodities + 1,) where the paths of each start, and (commodities,) weights.
    value, option, survival
        Paths, as in `path_pool.Paths`, by commodity.
    placed
        (options + 1,) mask; the last is padding.
    """
    n, width = placed.size - 1, option.shape[1]
    gain, most = np.zeros(n), np.zeros(n)
    values = path_values(value, option, survival, placed)
    for u in range(weight.size):
        best, first = 0.0, -1
        for p in range(start[u], start[u + 1]):
            if values[p] > best:
                best, first = values[p], p
        if first < 0:
            continue
        for w in range(width):
            j = option[first, w]
            if j == n or placed[j]:
                continue
            most[j] += weight[u] * best * (1 - survival[first, w])
            after = 0.0
            for p in range(start[u], start[u + 1]):
                left = values[p]
                if left <= after:
                    continue
                for v in range(width):
                    if option[p, v] == j:
                        left *= survival[p, v]
                        break
                after = max(after, left)
            gain[j] += weight[u] * (best - after)
    return OptionGains(gain, most)


@njit(cache=True)
def losses(  # noqa: C901 - one loop over commodities
    start: NDArray[np.int64],
    weight: NDArray[np.float64],
    value: NDArray[np.float64],
    option: NDArray[np.int64],
    survival: NDArray[np.float64],
    placed: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the (options,) rise of the value without each option, 0 for those not placed; parameters as in `gains`."""
    n, width = placed.size - 1, option.shape[1]
    loss, without = np.zeros(n), np.zeros(n)
    touched = np.empty(n, dtype=np.int64)
    values = path_values(value, option, survival, placed)
    for u in range(weight.size):
        best = 0.0
        for p in range(start[u], start[u + 1]):
            best = max(best, values[p])
        count = 0
        for p in range(start[u], start[u + 1]):
            for w in range(width):
                j = option[p, w]
                if j == n or not placed[j]:
                    continue
                left = 1.0
                for v in range(width):
                    if v != w and placed[option[p, v]]:
                        left *= survival[p, v]
                left *= value[p]
                if left > max(best, without[j]):
                    if without[j] == 0:
                        touched[count] = j
                        count += 1
                    without[j] = left
        for k in range(count):
            loss[touched[k]] += weight[u] * (without[touched[k]] - best)
            without[touched[k]] = 0.0
    return loss
