"""The loops of `budget_floors` in plain Python; `floors_kernels` compiles the same functions, so they use loops and sums alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN = 1e-7
"""Relative excess over what the rows allow that proves a level out of reach."""
SAME = 1e-12
"""Relative distance up to which values of paths count as equal; taken off every floor."""
SHORT = 1e-6
"""Depth that a path needs up to which one option on it is asked for, whatever it leaves."""
STEP = 2.0
"""Scale of the exponents of multipliers."""


def raised(
    start: NDArray[np.int64],
    value: NDArray[np.float64],
    option: NDArray[np.int64],
    depth: NDArray[np.float64],
    floor: NDArray[np.float64],
    use: NDArray[np.float64],
    turns: int,
) -> NDArray[np.float64]:
    """Return (commodities,) floors, each at least as large as before.

    Parameters
    ----------
    start
        (commodities + 1,) where the paths of each commodity start.
    value
        (paths,) falling within a commodity.
    option, depth
        (paths, width) options, and -ln of what each leaves of the path; 0 where it cannot be placed.
    floor
        (commodities,) floors before.
    use
        (options + 1, rows) what each uses of each row, whose right side is 1; the last option is padding.
    turns
        Multipliers that are tried for a level, after each row by itself.
    """
    floors = floor.copy()
    price, chosen = np.zeros(use.shape[0]), np.zeros(use.shape[0], dtype=np.bool_)
    for u in range(start.size - 1):
        first = end = start[u]
        while end < start[u + 1] and value[end] > floor[u] * (1 + MARGIN):
            end += 1
        low, high, step = first, end, 1
        while low < high:
            middle = max(low, high - step)
            last = middle
            while last + 1 < start[u + 1] and value[last + 1] >= value[middle] * (1 - SAME):
                last += 1
            if out_of_reach(first, last, value, option, depth, use, turns, price, chosen):
                high, step = middle, 2 * step
            else:
                low, step = middle + 1, max(1, (high - middle) // 2)
        if high < end:
            floors[u] = max(floor[u], value[high] * (1 - SAME))
    return floors


def out_of_reach(
    first: int,
    last: int,
    value: NDArray[np.float64],
    option: NDArray[np.int64],
    depth: NDArray[np.float64],
    use: NDArray[np.float64],
    turns: int,
    price: NDArray[np.float64],
    chosen: NDArray[np.bool_],
) -> bool:
    """Return whether it is proven that no plan within the rows brings all the paths from `first` to `last` below the value of the last.

    `price` and `chosen` are (options + 1,) scratch.
    """
    rows = use.shape[1]
    spent, used, multiplier = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    for turn in range(2 * rows + turns):  # each row twice, with the paths in either order, then mixtures
        for r in range(rows):
            multiplier[r] = 1.0 if r == turn // 2 else 0.0
        if turn >= 2 * rows:
            most = spent.max() / turn
            if most <= 1:
                return False
            multiplier[:] = np.exp(STEP * math.sqrt(turn - 2.0 * rows + 1) * (spent / turn - most))
        set_prices(first, last, option, use, multiplier, price, chosen)
        total = 0.0
        for step in range(last - first + 1):
            path = first + step if turn % 2 == 0 else last - step
            total += charge(path, value[path] / value[last], option, depth, price)
        if total > multiplier.sum() * (1 + MARGIN):
            return True
        used[:] = 0.0
        for path in range(first, last + 1):
            cover(path, value[path] / value[last], option, depth, price, chosen, use, used)
        if used.max() <= 1:
            return False
        spent += used
    return False


def set_prices(
    first: int,
    last: int,
    option: NDArray[np.int64],
    use: NDArray[np.float64],
    multiplier: NDArray[np.float64],
    price: NDArray[np.float64],
    chosen: NDArray[np.bool_],
) -> None:
    """Set the prices of the options on paths to what they use, at multipliers of the rows, and choose none of them."""
    for path in range(first, last + 1):
        for w in range(option.shape[1]):
            j = option[path, w]
            chosen[j] = False
            price[j] = 0.0
            for r in range(multiplier.size):
                price[j] += multiplier[r] * use[j, r]


def share(depth: float, need: float) -> float:
    """Return what an option does of what a path needs, at most 1."""
    if depth <= 0:
        return 0.0
    return 1.0 if need <= SHORT or depth >= need else depth / need


def charge(
    path: int, ratio: float, option: NDArray[np.int64], depth: NDArray[np.float64], price: NDArray[np.float64]
) -> float:
    """Return the least price, at most once each, of options that bring a path down by a ratio, and take it off their prices; inf if none do."""
    need, paid, done = math.log(ratio), 0.0, 0.0
    while done < 1 - MARGIN:
        done, least = 0.0, np.inf
        for w in range(option.shape[1]):
            part = share(depth[path, w], need)
            if part > 0 and price[option[path, w]] <= 0:
                done += part
            elif part > 0:
                least = min(least, price[option[path, w]] / part)
        if done < 1 - MARGIN:
            if least == np.inf:
                return np.inf
            paid += least * (1 - done)
            for w in range(option.shape[1]):
                part = share(depth[path, w], need)
                left = price[option[path, w]] - part * least
                if part > 0:
                    price[option[path, w]] = left if left > SAME * part * least else 0.0
    return paid


def cover(
    path: int,
    ratio: float,
    option: NDArray[np.int64],
    depth: NDArray[np.float64],
    price: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    use: NDArray[np.float64],
    used: NDArray[np.float64],
) -> None:
    """Choose options, the cheapest for what they do first, until a path is brought down by a ratio, and add what they use."""
    need, done = math.log(ratio), 0.0
    while done < 1 - MARGIN:
        done, least, best = 0.0, np.inf, -1
        for w in range(option.shape[1]):
            part = share(depth[path, w], need)
            if part > 0 and chosen[option[path, w]]:
                done += part
            elif part > 0 and price[option[path, w]] / part < least:
                least, best = price[option[path, w]] / part, option[path, w]
        if done >= 1 - MARGIN or best < 0:
            return
        chosen[best] = True
        for r in range(use.shape[1]):
            used[r] += use[best, r]
