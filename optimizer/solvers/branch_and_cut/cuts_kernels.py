"""The compiled form of `separation.best_cuts`; loaded only where there is much to do (`solvers.compiled`).

The formulas are those of `separation`, whose proofs hold here. Values agree but for the rounding of sums taken in another order. numba keeps
what it has compiled beside this file, or in the user's cache where it may not write there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Grouped(NamedTuple):
    """Where the paths of each commodity begin in an order by commodity, and this order."""

    start: NDArray[np.int64]
    order: NDArray[np.int64]


class CutEntries(NamedTuple):
    """Cuts: (cuts,) commodity and side; (entries,) cut, option and coefficient, each option of a cut once."""

    commodity: NDArray[np.int64]
    side: NDArray[np.float64]
    row: NDArray[np.int64]
    option: NDArray[np.int64]
    coefficient: NDArray[np.float64]


class PathArrays(NamedTuple):
    """Paths, as in `path_pool.Paths`."""

    commodity: NDArray[np.int64]
    value: NDArray[np.float64]
    option: NDArray[np.int64]
    survival: NDArray[np.float64]


class Scratch(NamedTuple):
    """The cut being made, and the best one so far of a commodity.

    Attributes
    ----------
    coefficient
        (2, options) of the cut being made and of the best one.
    options
        (2, options) those whose coefficient is not 0, the first `used` of each.
    used
        (2,) how many.
    side
        (2,) left-hand sides.
    best
        (1,) value of the best cut at x.
    """

    coefficient: NDArray[np.float64]
    options: NDArray[np.int64]
    used: NDArray[np.int64]
    side: NDArray[np.float64]
    best: NDArray[np.float64]


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
def _put(scratch: Scratch, j: int, entry: float) -> None:
    """Add to the coefficient of an option of the cut being made."""
    if scratch.coefficient[0, j] == 0.0:
        scratch.options[0, scratch.used[0]] = j
        scratch.used[0] += 1
    scratch.coefficient[0, j] += entry


@njit(cache=True)
def _made(scratch: Scratch, side: float, x: NDArray[np.float64], floor: float) -> None:
    """Lower the coefficients of the cut being made to a - L, and keep it if its value at x is the largest so far; begin another."""
    most, value = max(side - floor, 0.0), side
    for k in range(scratch.used[0]):
        j = scratch.options[0, k]
        scratch.coefficient[0, j] = min(scratch.coefficient[0, j], most)
        value -= scratch.coefficient[0, j] * x[j]
    better = value > scratch.best[0]
    if better:
        scratch.best[0], scratch.side[1], scratch.used[1] = value, side, scratch.used[0]
    for k in range(scratch.used[0]):
        j = scratch.options[0, k]
        if better:
            scratch.coefficient[1, j] = scratch.coefficient[0, j]
            scratch.options[1, k] = j
        scratch.coefficient[0, j] = 0.0
    scratch.used[0] = 0


@njit(cache=True)
def _star(  # noqa: C901, PLR0912
    paths: PathArrays,
    own: NDArray[np.int64],
    base: NDArray[np.bool_],
    x: NDArray[np.float64],
    floor: float,
    longest: int,
    scratch: Scratch,
) -> None:
    """Make the star cut of largest value at x of a commodity, whose paths are `own`."""
    width = paths.option.shape[1]
    under, touched, weighed = np.empty(own.size), np.zeros(own.size), np.zeros(own.size)
    for k in range(own.size):
        p = own[k]
        product = 1.0
        for w in range(width):
            j, s = paths.option[p, w], paths.survival[p, w]
            if base[j]:
                product *= s
            elif s < 1:
                touched[k] += x[j]
                weighed[k] += x[j] * (1 - s)
        under[k] = paths.value[p] * product
    ladder = np.empty(min(longest, own.size), dtype=np.int64)
    m, low, low_weighed = 0, np.inf, np.inf
    for k in np.argsort(-under, kind="mergesort"):
        if m < ladder.size and (touched[k] < low - 1e-9 or weighed[k] < low_weighed - 1e-9):
            ladder[m] = k
            m += 1
        low, low_weighed = min(low, touched[k]), min(low_weighed, weighed[k])
    level, reach, following = np.empty(m + 1), np.empty(m + 1), np.empty(m, dtype=np.int64)
    for i in range(m):
        level[i] = max(under[ladder[i]], floor)
    level[m] = reach[m] = max(0.0, floor)
    here, most = np.empty(width), np.empty(width)
    for i in range(m - 1, -1, -1):
        p, some = own[ladder[i]], 0
        for w in range(width):
            j = paths.option[p, w]
            loss = 1 - paths.survival[p, w]
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
    side = level[rung]
    while rung < m:
        p, after = own[ladder[rung]], following[rung]
        drop = level[rung] - level[after]
        for w in range(width):
            j = paths.option[p, w]
            entry = 0.0 if base[j] else min(drop, level[rung] * (1 - paths.survival[p, w]))
            if j < x.size - 1 and entry > 0:
                _put(scratch, j, entry)
        rung = after
    _made(scratch, side, x, floor)


@njit(cache=True)
def _slopes(paths: PathArrays, p: int, base: NDArray[np.bool_], steepest: float, slope: NDArray[np.float64]) -> float:
    """Set the (width,) slopes of a path's chord cut, 1 - rho outside T and F(u) inside; return its value with T."""
    width, least = slope.size, 1.0
    alive: float = paths.value[p]
    for w in range(width):
        s = paths.survival[p, w]
        if base[paths.option[p, w]]:
            alive *= s
        elif s < least:
            least = s
    step = min(-math.log(least), 2 * steepest) if least > 0 else 2 * steepest
    for w in range(width):
        s = paths.survival[p, w]
        if not base[paths.option[p, w]]:
            slope[w] = 1 - s
            continue
        depth = min(-math.log(s), steepest) if s > 0 else steepest
        slope[w] = math.expm1(depth)
        if step > 0:
            whole = math.floor(depth / step)
            gain = whole * (1 - least) + least * math.expm1(min(depth - whole * step, steepest))
            slope[w] = min(gain, slope[w])
    return alive


@njit(cache=True)
def _chord(
    paths: PathArrays,
    own: NDArray[np.int64],
    base: NDArray[np.bool_],
    x: NDArray[np.float64],
    floor: float,
    steepest: float,
    tiny: float,
    scratch: Scratch,
) -> None:
    """Make the chord cut, among those of a commodity's paths, of largest value at x before it is lowered."""
    width = paths.option.shape[1]
    slope = np.empty(width)
    best, largest = -1, 0.0
    for p in own:
        alive = _slopes(paths, p, base, steepest, slope)
        if alive <= tiny:
            continue
        total = 1.0
        for w in range(width):
            j = paths.option[p, w]
            total -= slope[w] * (x[j] - 1 if base[j] else x[j])
        if best < 0 or alive * total > largest:
            best, largest = p, alive * total
    if best < 0:
        return
    alive = _slopes(paths, best, base, steepest, slope)
    side = alive
    for w in range(width):
        j = paths.option[best, w]
        if base[j]:
            side += alive * slope[w]
        if j < x.size - 1 and slope[w] > 0:
            _put(scratch, j, alive * slope[w])
    _made(scratch, side, x, floor)


@njit(cache=True)
def _tangent(
    paths: PathArrays, p: int, x: NDArray[np.float64], floor: float, steepest: float, scratch: Scratch
) -> None:
    """Make the tangent cut of a path at x."""
    at, width = 0.0, paths.option.shape[1]
    for w in range(width):
        s = paths.survival[p, w]
        at += (min(-math.log(s), steepest) if s > 0 else steepest) * x[paths.option[p, w]]
    value = paths.value[p] * math.exp(-at)
    for w in range(width):
        j, s = paths.option[p, w], paths.survival[p, w]
        entry = value * (min(-math.log(s), steepest) if s > 0 else steepest)
        if j < x.size - 1 and entry > 0:
            _put(scratch, j, entry)
    _made(scratch, value * (1 + at), x, floor)


@njit(cache=True)
def best_cuts(  # noqa: C901 - one loop over commodities
    commodity: NDArray[np.int64],
    value: NDArray[np.float64],
    option: NDArray[np.int64],
    survival: NDArray[np.float64],
    bases: NDArray[np.bool_],
    kinds: NDArray[np.bool_],
    x: NDArray[np.float64],
    floor: NDArray[np.float64],
    longest: int,
    steepest: float,
    tiny: float,
) -> CutEntries:
    """Return for each commodity with paths the cut of largest value at x, where that is above its floor.

    Parameters
    ----------
    commodity, value, option, survival
        Paths, as in `path_pool.Paths`.
    bases
        (bases, options + 1) masks T; the last option is padding.
    kinds
        (3, bases) whether star cuts, chord cuts and (in the first place alone) tangent cuts are wanted.
    x
        (options + 1,) point.
    floor
        (commodities,) L.
    longest
        Most paths of one star.
    steepest, tiny
        Of `separation`.
    """
    paths, n = PathArrays(commodity, value, option, survival), x.size - 1
    start, order = by_commodity(commodity, floor.size)
    scratch = Scratch(
        np.zeros((2, n + 1)),
        np.empty((2, n + 1), dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        np.zeros(2),
        np.empty(1),
    )
    cut_of, side = np.empty(floor.size, dtype=np.int64), np.empty(floor.size)
    room = 1024
    row, column, coefficient = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64), np.empty(room)
    cuts = entries = 0
    for u in range(floor.size):
        own = order[start[u] : start[u + 1]]
        if not own.size:
            continue
        scratch.best[0] = floor[u]
        for b in range(bases.shape[0]):
            if kinds[0, b]:
                _star(paths, own, bases[b], x, floor[u], longest, scratch)
            if kinds[1, b]:
                _chord(paths, own, bases[b], x, floor[u], steepest, tiny, scratch)
        if kinds[2, 0]:
            for p in own:
                _tangent(paths, p, x, floor[u], steepest, scratch)
        if scratch.best[0] > floor[u]:
            while entries + scratch.used[1] > room:
                room *= 2
                row, column = np.append(row, row), np.append(column, column)
                coefficient = np.append(coefficient, coefficient)
            cut_of[cuts], side[cuts] = u, scratch.side[1]
            for k in range(scratch.used[1]):
                j = scratch.options[1, k]
                row[entries], column[entries], coefficient[entries] = cuts, j, scratch.coefficient[1, j]
                entries += 1
            cuts += 1
    return CutEntries(
        cut_of[:cuts].copy(),
        side[:cuts].copy(),
        row[:entries].copy(),
        column[:entries].copy(),
        coefficient[:entries].copy(),
    )
