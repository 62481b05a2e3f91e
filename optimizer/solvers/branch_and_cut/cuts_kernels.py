"""Compiled forms of what `separation` does with every path of a pool; loaded only where there is much to do (`solvers.compiled`).

They take the same sums in the same order as NumPy: star cuts agree with `separation`'s own to the last digit, the choice of chord cuts but for
the last digit of logarithms. numba keeps what it has compiled beside this file, or in the user's cache where it may not write there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

EIGHT = 8
"""NumPy adds up rows of at least eight numbers in eight sums."""


class Grouped(NamedTuple):
    """Where the paths of each commodity begin in an order by commodity, and this order."""

    start: NDArray[np.int64]
    order: NDArray[np.int64]


class StarEntries(NamedTuple):
    """Star cuts: (cuts,) commodity and side; (entries,) cut, option and coefficient, an option of a cut perhaps several times."""

    commodity: NDArray[np.int64]
    side: NDArray[np.float64]
    row: NDArray[np.int64]
    option: NDArray[np.int64]
    coefficient: NDArray[np.float64]


@njit(cache=True)
def row_sum(row: NDArray[np.float64]) -> float:
    """Return the sum of a row of at most 128 numbers, as NumPy takes it."""
    n = row.size
    if n < EIGHT:
        total: float = 0.0
        for w in range(n):
            total += row[w]
        return total
    part = row[:EIGHT].copy()
    whole = n - n % EIGHT
    for first in range(EIGHT, whole, EIGHT):
        for w in range(EIGHT):
            part[w] += row[first + w]
    total = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]))
    for w in range(whole, n):
        total += row[w]
    return total


@njit(cache=True)
def by_commodity(commodity: NDArray[np.int64], groups: int) -> Grouped:
    """Return the paths in an order by commodity."""
    start = np.zeros(groups + 1, dtype=np.int64)
    for u in commodity:
        start[u + 1] += 1
    start = np.cumsum(start)
    place, order = start.copy(), np.empty(commodity.size, dtype=np.int64)
    for p in range(commodity.size):
        order[place[commodity[p]]] = p
        place[commodity[p]] += 1
    return Grouped(start, order)


@njit(cache=True)
def star_entries(  # noqa: C901, PLR0912, PLR0915 - one loop over commodities
    commodity: NDArray[np.int64],
    value: NDArray[np.float64],
    option: NDArray[np.int64],
    survival: NDArray[np.float64],
    base: NDArray[np.bool_],
    x: NDArray[np.float64],
    floor: NDArray[np.float64],
    longest: int,
) -> StarEntries:
    """Return for each commodity with paths the star cut of largest value at x.

    Parameters
    ----------
    commodity, value, option, survival
        Paths, as in `path_pool.Paths`.
    base, x
        (options + 1,) mask of T, and point; the last is padding.
    floor
        (commodities,) L.
    longest
        Most paths of one star.
    """
    n, width = option.shape
    under, touched, weighed = np.empty(n), np.empty(n), np.empty(n)
    scratch = np.empty((2, width))
    for p in range(n):
        product = 1.0
        for w in range(width):
            j, s = option[p, w], survival[p, w]
            if base[j]:
                product *= s
                scratch[0, w] = scratch[1, w] = 0.0
            else:
                loss = 1 - s
                scratch[0, w] = x[j] if loss > 0 else 0.0
                scratch[1, w] = scratch[0, w] * loss
        under[p] = value[p] * product
        touched[p], weighed[p] = row_sum(scratch[0]), row_sum(scratch[1])
    apart, apart_weighed = touched.max() + 1, weighed.max() + 1
    start, order = by_commodity(commodity, floor.size)
    cut_of, side = np.empty(floor.size, dtype=np.int64), np.empty(floor.size)
    row, column, coefficient = (
        np.empty(n * width, dtype=np.int64),
        np.empty(n * width, dtype=np.int64),
        np.empty(n * width),
    )
    ladder = np.empty(longest, dtype=np.int64)
    level, reach, following = np.empty(longest + 1), np.empty(longest + 1), np.empty(longest, dtype=np.int64)
    here, most = np.empty(width), np.empty(width)
    cuts = entries = 0
    for u in range(floor.size):
        own = order[start[u] : start[u + 1]]
        if not own.size:
            continue
        m, low, low_weighed = 0, np.inf, np.inf
        for k in np.argsort(-under[own], kind="mergesort"):
            p = own[k]
            # the shift is that of `separation`, whose rounding it repeats
            rank, rank_weighed = touched[p] - cuts * apart, weighed[p] - cuts * apart_weighed
            if m < longest and (rank < low - 1e-9 or rank_weighed < low_weighed - 1e-9):
                ladder[m] = p
                m += 1
            low, low_weighed = min(low, rank), min(low_weighed, rank_weighed)
        for i in range(m):
            level[i] = max(under[ladder[i]], floor[u])
        level[m] = reach[m] = max(0.0, floor[u])
        for i in range(m - 1, -1, -1):
            p, some = ladder[i], 0
            for w in range(width):
                j = option[p, w]
                loss = 1 - survival[p, w]
                if not base[j] and loss > 0 and x[j] != 0:
                    here[some], most[some] = x[j], level[i] * loss
                    some += 1
            reach[i] = -np.inf
            for k in range(i + 1, m + 1):
                drop, paid = level[i] - level[k], 0.0
                for w in range(some):
                    paid += here[w] * min(drop, most[w])
                total = level[i] - paid + reach[k] - level[k]
                if total > reach[i]:
                    reach[i], following[i] = total, k
        rung = np.argmax(reach[:m])
        cut_of[cuts], side[cuts] = u, level[rung]
        while rung < m:
            p, after = ladder[rung], following[rung]
            drop = level[rung] - level[after]
            for w in range(width):
                j = option[p, w]
                entry = 0.0 if base[j] else min(drop, level[rung] * (1 - survival[p, w]))
                if j < x.size - 1 and entry > 0:
                    row[entries], column[entries], coefficient[entries] = cuts, j, entry
                    entries += 1
            rung = after
        cuts += 1
    return StarEntries(
        cut_of[:cuts].copy(),
        side[:cuts].copy(),
        row[:entries].copy(),
        column[:entries].copy(),
        coefficient[:entries].copy(),
    )


@njit(cache=True)
def best_chords(
    commodity: NDArray[np.int64],
    value: NDArray[np.float64],
    option: NDArray[np.int64],
    survival: NDArray[np.float64],
    base: NDArray[np.bool_],
    x: NDArray[np.float64],
    groups: int,
    steepest: float,
    tiny: float,
) -> NDArray[np.int64]:
    """Return for each commodity with paths, by rising number, the path whose chord cut is largest at x; parameters as in `star_entries`."""
    n, width = option.shape
    best, largest = np.full(groups, -1), np.full(groups, -np.inf)
    scratch = np.empty(width)
    for p in range(n):
        product, least = 1.0, 1.0
        for w in range(width):
            s = survival[p, w]
            if base[option[p, w]]:
                product *= s
            elif s < least:
                least = s
        alive = value[p] * product
        if alive <= tiny:
            total = 0.0
        else:
            step = min(-math.log(least), 2 * steepest) if least > 0 else 2 * steepest
            for w in range(width):
                j, s = option[p, w], survival[p, w]
                if not base[j]:
                    scratch[w] = (1 - s) * x[j]
                    continue
                depth = min(-math.log(s), steepest) if s > 0 else steepest
                slope = math.expm1(depth)
                if step > 0:
                    whole = math.floor(depth / step)
                    rest = min(depth - whole * step, steepest)
                    slope = min(whole * (1 - least) + least * math.expm1(rest), slope)
                scratch[w] = slope * (x[j] - 1)
            total = alive * (1 - row_sum(scratch))
        u = commodity[p]
        if total > largest[u]:
            best[u], largest[u] = p, total
    return best[best >= 0]
