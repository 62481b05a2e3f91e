"""Compiled forms of `separation.best_cuts` and of sums over pooled paths; loaded only where there is much to do (`search.compiled`).

The formulas are those of `separation`, whose proofs hold here. A row of a path ends with its first padding. Values agree but for the
rounding of sums taken in another order. numba keeps what it has compiled beside this file, or in the user's cache where it may not write there.
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


class PathsAtPoint(NamedTuple):
    """The paths of one commodity, without the options that add nothing at x.

    Attributes
    ----------
    own, value
        (paths,) positions among all, and values.
    first
        (paths + 1,) where the entries of each begin.
    option, survival
        (entries,) options of positive x or in some T, and what each leaves.
    rest
        (paths,) least of what its other options leave, at most 1.
    """

    own: NDArray[np.int64]
    value: NDArray[np.float64]
    first: NDArray[np.int64]
    option: NDArray[np.int64]
    survival: NDArray[np.float64]
    rest: NDArray[np.float64]


class Chord(NamedTuple):
    """The path of a chord cut, its value with T, and q: the least that an option on it outside T leaves."""

    path: int
    value: float
    least: float


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
def _weighed(paths: PathArrays, own: NDArray[np.int64], weighed: NDArray[np.bool_]) -> PathsAtPoint:
    """Return the paths `own` of a commodity with their entries of the options in a mask."""
    width, padding = paths.option.shape[1], weighed.size - 1
    first, rest = np.empty(own.size + 1, dtype=np.int64), np.ones(own.size)
    option, survival = np.empty(own.size * width, dtype=np.int64), np.empty(own.size * width)
    n = 0
    for k in range(own.size):
        first[k] = n
        for w in range(width):
            j, s = paths.option[own[k], w], paths.survival[own[k], w]
            if j == padding:
                break
            if weighed[j]:
                option[n], survival[n] = j, s
                n += 1
            elif s < rest[k]:
                rest[k] = s
    first[own.size] = n
    return PathsAtPoint(own, paths.value[own], first, option, survival, rest)


@njit(cache=True)
def _star(  # noqa: C901, PLR0912
    paths: PathArrays,
    there: PathsAtPoint,
    base: NDArray[np.bool_],
    x: NDArray[np.float64],
    floor: float,
    longest: int,
    scratch: Scratch,
) -> None:
    """Make the star cut of largest value at x of a commodity, unless the largest level is no more than the best value so far."""
    size, width, padding = there.own.size, paths.option.shape[1], x.size - 1
    under, touched, weighed = np.empty(size), np.zeros(size), np.zeros(size)
    for k in range(size):
        product = 1.0
        for e in range(there.first[k], there.first[k + 1]):
            j, s = there.option[e], there.survival[e]
            if base[j]:
                product *= s
            elif s < 1:
                touched[k] += x[j]
                weighed[k] += x[j] * (1 - s)
        under[k] = there.value[k] * product
    if max(under.max(), floor) <= scratch.best[0]:
        return
    ladder = np.empty(min(longest, size), dtype=np.int64)
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
        some = 0
        for e in range(there.first[ladder[i]], there.first[ladder[i] + 1]):
            j, loss = there.option[e], 1 - there.survival[e]
            if not base[j] and loss > 0:
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
        p, after = there.own[ladder[rung]], following[rung]
        drop = level[rung] - level[after]
        for w in range(width):
            j = paths.option[p, w]
            if j == padding:
                break
            entry = 0.0 if base[j] else min(drop, level[rung] * (1 - paths.survival[p, w]))
            if entry > 0:
                _put(scratch, j, entry)
        rung = after
    _made(scratch, side, x, floor)


@njit(cache=True)
def _depth(survival: float, steepest: float) -> float:
    """Return -ln of a survival, at most `steepest`."""
    return min(-math.log(survival), steepest) if survival > 0 else steepest


@njit(cache=True)
def _slope(survival: float, least: float, steepest: float) -> float:
    """Return F(u) of an option inside T, where q is `least`."""
    step, depth = _depth(least, 2 * steepest), _depth(survival, steepest)
    most = math.expm1(depth)
    if step <= 0:
        return most
    whole = math.floor(depth / step)
    within: float = whole * (1 - least) + least * math.expm1(min(depth - whole * step, steepest))
    return min(within, most)


@njit(cache=True)
def _best_chord(
    there: PathsAtPoint, base: NDArray[np.bool_], x: NDArray[np.float64], steepest: float, tiny: float
) -> Chord:
    """Return the chord cut of largest value at x, before it is lowered, among those of a commodity's paths; path -1 if there is none."""
    best, largest = Chord(-1, 0.0, 1.0), 0.0
    for k in range(there.own.size):
        alive, least, bound = there.value[k], there.rest[k], 1.0
        for e in range(there.first[k], there.first[k + 1]):
            j, s = there.option[e], there.survival[e]
            if base[j]:
                alive *= s
                if x[j] < 1:  # F(u) is at most 1 / rho - 1, which needs no logarithm
                    bound += (1 / s - 1) * (1 - x[j]) if s > 0 else np.inf
            else:
                bound -= (1 - s) * x[j]
                least = min(least, s)
        if alive <= tiny or (best.path >= 0 and alive * bound <= largest):
            continue
        total = 1.0
        for e in range(there.first[k], there.first[k + 1]):
            j = there.option[e]
            if base[j] and x[j] == 1:
                continue
            if base[j]:
                total -= _slope(there.survival[e], least, steepest) * (x[j] - 1)
            else:
                total -= (1 - there.survival[e]) * x[j]
        if best.path < 0 or alive * total > largest:
            best, largest = Chord(there.own[k], alive, least), alive * total
    return best


@njit(cache=True)
def _chord(
    paths: PathArrays,
    there: PathsAtPoint,
    base: NDArray[np.bool_],
    x: NDArray[np.float64],
    floor: float,
    steepest: float,
    tiny: float,
    scratch: Scratch,
) -> None:
    """Make the best chord cut of a commodity."""
    chosen = _best_chord(there, base, x, steepest, tiny)
    if chosen.path < 0:
        return
    side, padding = chosen.value, x.size - 1
    for w in range(paths.option.shape[1]):
        j, s = paths.option[chosen.path, w], paths.survival[chosen.path, w]
        if j == padding:
            break
        slope = _slope(s, chosen.least, steepest) if base[j] else 1 - s
        if base[j]:
            side += chosen.value * slope
        if slope > 0:
            _put(scratch, j, chosen.value * slope)
    _made(scratch, side, x, floor)


@njit(cache=True)
def _tangents(
    paths: PathArrays, there: PathsAtPoint, x: NDArray[np.float64], floor: float, steepest: float, scratch: Scratch
) -> None:
    """Make the tangent cuts at x of a commodity's paths, but for those whose left-hand side is no more than the best value so far."""
    padding = x.size - 1
    for k in range(there.own.size):
        at = 0.0
        for e in range(there.first[k], there.first[k + 1]):
            at += _depth(there.survival[e], steepest) * x[there.option[e]]
        value = there.value[k] * math.exp(-at)
        if value * (1 + at) <= scratch.best[0]:
            continue
        p = there.own[k]
        for w in range(paths.option.shape[1]):
            j = paths.option[p, w]
            if j == padding:
                break
            entry = value * _depth(paths.survival[p, w], steepest)
            if entry > 0:
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
    weighed = x > 0
    for base in bases:
        weighed |= base
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
        there = _weighed(paths, own, weighed)
        for b in range(bases.shape[0]):
            if kinds[0, b]:
                _star(paths, there, bases[b], x, floor[u], longest, scratch)
            if kinds[1, b]:
                _chord(paths, there, bases[b], x, floor[u], steepest, tiny, scratch)
        if kinds[2, 0]:
            _tangents(paths, there, x, floor[u], steepest, scratch)
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


# Compiled forms of sums over paths, those of `pooled_values` sorted by commodity; loaded where they pay (`solvers.compiled`).
#
# A row of a path ends with its first padding. Products are taken in the order of the columns, as NumPy takes them.


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
