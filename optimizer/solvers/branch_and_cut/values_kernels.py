"""Compiled forms of sums over paths, those of `pooled_values` sorted by commodity; loaded where they pay (`solvers.compiled`).

A row of a path ends with its first padding. Products are taken in the order of the columns, as NumPy takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from optimizer.solvers.branch_and_cut.cuts_kernels import by_commodity

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
            if option[p, w] == placed.size - 1:
                break
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


@njit(cache=True)
def without_each(
    commodity: NDArray[np.int64],
    value: NDArray[np.float64],
    option: NDArray[np.int64],
    survival: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    undecided: NDArray[np.bool_],
    floor: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (options, commodities) the largest of a floor and the values of paths under all allowed options but an undecided one.

    Parameters
    ----------
    commodity, value, option, survival
        Paths, as in `path_pool.Paths`, in any order.
    allowed, undecided
        (options + 1,) masks, the second within the first; the last is padding.
    floor
        (commodities,) values that are there in any case.
    """
    most = np.repeat(floor, allowed.size - 1).reshape(floor.size, -1)
    place, before = np.empty(option.shape[1], dtype=np.int64), np.empty(option.shape[1])
    for p in by_commodity(commodity, floor.size).order:
        product, some, u = value[p], 0, commodity[p]
        for w in range(option.shape[1]):
            if option[p, w] == allowed.size - 1:
                break
            if allowed[option[p, w]]:
                place[some], before[some] = w, product
                product *= survival[p, w]
                some += 1
        after = 1.0
        for k in range(some - 1, -1, -1):
            j = option[p, place[k]]
            if undecided[j]:
                most[u, j] = max(most[u, j], before[k] * after)
            after *= survival[p, place[k]]
    return most.T


@njit(cache=True)
def uncovered(
    chain: NDArray[np.int64], option: NDArray[np.int64], undecided: NDArray[np.bool_], most: int
) -> NDArray[np.bool_]:
    """Return the (paths,) mask of those, at most so many a chain, whose undecided options include all of no path before in their chain.

    A path without undecided options is not among them, nor one after it.

    Parameters
    ----------
    chain, option
        (paths,) the chain of each, rising, and (paths, width) its options, as in `path_pool.Paths`.
    undecided
        (options + 1,) mask; the last is padding.
    """
    found, before = np.zeros(chain.size, dtype=np.bool_), np.empty(most, dtype=np.int64)
    on, count = np.where(undecided, -1, chain.size), 0  # the last path with each option; past all for others
    for p in range(chain.size):
        if p > 0 and chain[p] != chain[p - 1]:
            count = 0
        if count == most:
            continue
        for j in option[p]:
            if undecided[j]:
                on[j], found[p] = p, True
        for q in before[:count]:
            for j in option[q]:
                if on[j] < p:
                    break
            else:
                found[p] = False
                break
        else:
            before[count] = p
            count += 1
    return found
