"""Star cuts beside relaxed options: rows in the options x and in numbers y of relaxed
ones, elements of beats.

A path P_i of an informed evader has the value R_i with T placed; with the elements y it
keeps R_i exp(-D_i y), D_ie = -ln s_ie. A star takes each of its paths in one of three
ways. With any point y0 >= 0 and d_i = D_i y0 these are

    its elements as options       Q_i = R_i,                       H_i = 0,                       k_i = 0;
    its elements at a tangent     Q_i = R_i e^(-d_i) (1 + d_i),    H_ie = R_i e^(-d_i) D_ie,      k_i = 0;
    the same, but higher          Q_i = R_i,                       H_ie = R_i e^(-d_i) D_ie,      k_i = R_i (1 - e^(-d_i) (1 + d_i)).

The witness W of the floor a, a path of which every plan of the node leaves that much,
comes last, at a tangent: Q_W, H_W, k_W. Let Q_1 >= ... >= Q_m >= Q_{m+1} = Q_W and c_ij
= min(Q_i - Q_{i+1}, Q_i (1 - rho_ij)), for options and, on paths of the first way, for
elements. With H_e the largest of all H_ie and H_We, and k the largest of all k_i and
k_W,

    theta >= Q_1 - k - sum_i sum_{j in J(P_i) - T} c_ij x_j - sum_{i of the first way} sum_e c_ie y_e - sum_e H_e y_e.

The proof is that of Proposition 15b (docs/mathematics.md): induction over the paths, as
of a star, with V_i >= Q_i - k - H y - (terms in c). H is a largest value, where a sum
would charge an element once for each path that meets it. Coefficients of x may be
lowered to Q_1 - Q_W, those of y to Q_1 - k, as y is whole, and to what one element
takes off all paths together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import Floats, Floats2, Ints, Ints2, Mask, Masks, kernel, part
from optimizer.solvers.branch_and_cut.cuts.separation import Cuts, by_commodity

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.paths.path_pool import Paths

MOST_RUNGS = 40
"""Most paths, each in some way, that a star is chosen from."""
OPTIONS, TANGENT, HIGHER = 0, 1, 2
"""How a star takes a path."""
STEEPEST = 700.0
"""Stands for -ln 0: e^-700 is less than any rounding."""
ROUNDING = 1e-9
"""Relative allowance for rounding; taken off the side of every row and added to its
entries of relaxed options.
"""


@dataclass(frozen=True)
class RelaxedStars:
    """Stars, at most one a commodity, and the (paths,) mask of those that stars were tried of."""

    cuts: Cuts
    used: NDArray[np.bool_]


def relaxed_stars(
    paths: Paths,
    witnesses: Witnesses,
    x: NDArray[np.float64],
    bases: NDArray[np.bool_],
    terms: StarTerms,
    among: NDArray[np.int64] | None = None,
) -> RelaxedStars:
    """Return for each commodity the star of largest value at a point, found by dynamic
    programming.

    Parameters
    ----------
    paths
        Paths of the commodities.
    witnesses
        Which of them are witnesses, and of what.
    x
        (options,) point: options, and how often relaxed ones are there, which is where
        tangents touch.
    bases
        (bases, options) masks T, of no relaxed options.
    terms
        What is the same for all points.
    among
        The positions of the paths that are looked at, by default all.
    """
    order, used = by_commodity(paths, among), np.zeros(paths.value.size, dtype=bool)
    found = _relaxed_stars(
        np.searchsorted(paths.commodity[order], np.arange(witnesses.floor.size + 1)),
        order,
        paths.value,
        paths.option,
        paths.survival,
        np.column_stack((bases, np.zeros(len(bases), dtype=bool))),
        np.append(x, 0.0),
        np.append(terms.relaxed, False),
        witnesses.position,
        witnesses.floor,
        terms.most,
        terms.share,
        used,
    )
    cuts, entries = slice(found.n_cuts), slice(found.n_entries)
    return RelaxedStars(
        Cuts(
            found.commodity[cuts],
            found.side[cuts] * (1 - ROUNDING),
            found.row[entries],
            found.option[entries],
            found.coefficient[entries],
            x.size,
        ),
        used,
    )


@dataclass(frozen=True)
class Witnesses:
    """The witness of each commodity."""

    #: (commodities,) its position among paths, -1 for none.
    position: NDArray[np.int64]
    #: (commodities,) the value a that every plan of a node leaves it, but for relaxed
    #: options; whatever these do where it has no witness.
    floor: NDArray[np.float64]


@dataclass(frozen=True)
class StarTerms:
    """What stars need to know beside paths."""

    #: (options,) mask of the relaxed options.
    relaxed: NDArray[np.bool_]
    #: (commodities,) values with nothing placed.
    most: NDArray[np.float64]
    #: (options + 1,) the largest share that one of each option takes off any path that
    #: is known.
    share: NDArray[np.float64]


class _FoundStars(NamedTuple):
    commodity: Ints
    side: Floats
    row: Ints
    option: Ints
    coefficient: Floats
    n_cuts: int
    n_entries: int


class _NearPaths(NamedTuple):
    """The paths of one commodity and its witness, the last, without what adds nothing
    at the point.
    """

    #: `own`, `value`: (paths + 1,) positions among all, and values; of the witness,
    #: with all that its node allows placed.
    own: Ints
    value: Floats
    #: (paths + 2,) where the entries of each begin.
    first: Ints
    #: `option`, `loss`, `depth`: (entries,) options that are there at the point or in
    #: some T; 1 - survival; and -ln survival of relaxed ones, else 0.
    option: Ints
    loss: Floats
    depth: Floats
    #: (paths + 1,) d: sum of depths times how often they are there.
    touch: Floats
    #: (1,) number of paths.
    size: Ints


class _Rungs(NamedTuple):
    """Paths of a star to choose from, by falling level Q."""

    #: `path`, `tangent`, `level`: (rungs,) which, whether at a tangent, and Q.
    path: Ints
    tangent: Mask
    level: Floats
    #: `scale`, `constant`: (rungs,) R e^-d of those at a tangent, else 0; and k.
    scale: Floats
    constant: Floats
    #: `reach`, `after`: (rungs,) the largest value at the point of a star that begins
    #: here, and its next rung.
    reach: Floats
    after: Ints


class _Row(NamedTuple):
    """The row being made, the best so far and H, one after the other in `coefficient`,
    `options` and `used`; as in `separation._Scratch`.
    """

    coefficient: Floats2
    options: Ints2
    used: Ints
    side: Floats
    best: Floats


@kernel
def _relaxed_stars(  # noqa: C901 - one loop over commodities
    start: Ints,
    order: Ints,
    value: Floats,
    option: Ints2,
    survival: Floats2,
    bases: Masks,
    x: Floats,
    relaxed: Mask,
    witness: Ints,
    floor: Floats,
    most: Floats,
    share: Floats,
    used: Mask,
) -> _FoundStars:
    """Return the stars of `relaxed_stars`."""
    n, longest = x.size - 1, 0
    for u in range(floor.size):
        longest = max(longest, start[u + 1] - start[u])
    room = (longest + 1) * option.shape[1]
    there = _NearPaths(
        np.empty(longest + 1, dtype=np.int64),
        np.empty(longest + 1),
        np.empty(longest + 2, dtype=np.int64),
        np.empty(room, dtype=np.int64),
        np.empty(room),
        np.empty(room),
        np.empty(longest + 1),
        np.zeros(1, dtype=np.int64),
    )
    rungs = _Rungs(
        np.empty(MOST_RUNGS + 1, dtype=np.int64),
        np.empty(MOST_RUNGS + 1, dtype=np.bool_),
        np.empty(MOST_RUNGS + 1),
        np.empty(MOST_RUNGS + 1),
        np.empty(MOST_RUNGS + 1),
        np.empty(MOST_RUNGS + 1),
        np.empty(MOST_RUNGS + 1, dtype=np.int64),
    )
    chain = _Rungs(
        np.empty(MOST_RUNGS + 1, dtype=np.int64),
        np.empty(MOST_RUNGS + 1, dtype=np.bool_),
        np.empty(MOST_RUNGS + 1),
        np.empty(MOST_RUNGS + 1),
        np.empty(MOST_RUNGS + 1),
        np.empty(0),
        np.empty(0, dtype=np.int64),
    )
    row = _Row(
        np.zeros((3, n + 1)),
        np.empty((3, n + 1), dtype=np.int64),
        np.zeros(3, dtype=np.int64),
        np.zeros(2),
        np.zeros(1),
    )
    at = np.zeros(n + 1)  # H of a rung
    cut_of, side = np.empty(floor.size, dtype=np.int64), np.empty(floor.size)
    rows = np.empty(4096, dtype=np.int64)
    columns = np.empty(4096, dtype=np.int64)
    entries = np.empty(4096)
    n_cuts = n_entries = 0
    for u in range(floor.size):
        if start[u] == start[u + 1]:
            continue
        _gather(
            value,
            option,
            survival,
            order,
            start[u],
            start[u + 1],
            bases,
            x,
            relaxed,
            witness[u],
            floor[u],
            there,
        )
        size = there.size[0]
        row.best[0] = -np.inf
        for b in range(bases.shape[0]):
            count = _ladder(there, bases, b, x, rungs)
            d = there.touch[size]
            for way in (TANGENT, HIGHER):
                level = floor[u] * (math.exp(-d) * (1 + d) if way == TANGENT else 1.0)
                while count and rungs.level[count - 1] <= level:
                    count -= 1
                if count == 0:
                    break
                _set(rungs, count, there, size, way, level)
                _choose(there, bases, b, x, rungs, count, at)
                length = _begin(rungs, count, chain)
                length = _polish(there, bases, b, x, relaxed, chain, length, most[u], share, row)
                _build(
                    option,
                    survival,
                    bases,
                    b,
                    x,
                    relaxed,
                    there,
                    chain,
                    length,
                    most[u],
                    share,
                    row,
                    used,
                )
        if row.best[0] <= floor[u] * math.exp(-there.touch[size]):
            continue
        while n_entries + row.used[1] > rows.size:
            old = rows.size
            more_rows, more_columns = (
                np.empty(2 * old, dtype=np.int64),
                np.empty(2 * old, dtype=np.int64),
            )
            more_entries = np.empty(2 * old)
            for k in range(old):
                more_rows[k], more_columns[k], more_entries[k] = rows[k], columns[k], entries[k]
            rows = more_rows
            columns = more_columns
            entries = more_entries
        cut_of[n_cuts], side[n_cuts] = u, row.side[1]
        for k in range(row.used[1]):
            j = row.options[1, k]
            rows[n_entries], columns[n_entries], entries[n_entries] = (
                n_cuts,
                j,
                row.coefficient[1, j],
            )
            n_entries += 1
        n_cuts += 1
    return _FoundStars(cut_of, side, rows, columns, entries, n_cuts, n_entries)


# `_depth`, `_falling` and `_put` stand in `separation` too: the parts of a kernel stand
# in its file (docs/architecture.md).


@part
def _depth(survival: float) -> float:
    """Return -ln of a survival, at most `STEEPEST`."""
    return min(-math.log(survival), STEEPEST) if survival > 0 else STEEPEST


@part
def _gather(
    value: Floats,
    option: Ints2,
    survival: Floats2,
    order: Ints,
    begin: int,
    end: int,
    bases: Masks,
    x: Floats,
    relaxed: Mask,
    witness: int,
    floor: float,
    there: _NearPaths,
) -> None:
    """Set `there` to the paths of a commodity and its witness."""
    padding = x.size - 1
    n = 0
    size = end - begin
    there.size[0] = size
    for k in range(size + 1):
        p = order[begin + k] if k < size else witness
        there.own[k], there.value[k], there.first[k] = p, value[p] if k < size else floor, n
        touch = 0.0
        for w in range(option.shape[1] if p >= 0 else 0):
            j, s = option[p, w], survival[p, w]
            if j == padding:
                break
            weighed = x[j] > 0 and s < 1
            for b in range(bases.shape[0]):
                weighed |= bases[b, j]
            if weighed and (k < size or relaxed[j]):
                depth = _depth(s) if relaxed[j] else 0.0
                there.option[n], there.loss[n], there.depth[n] = j, 1 - s, depth
                touch += depth * x[j]
                n += 1
        there.touch[k] = min(touch, STEEPEST)
    there.first[size + 1] = n


@part
def _ladder(there: _NearPaths, bases: Masks, b: int, x: Floats, rungs: _Rungs) -> int:
    """Set the rungs to the paths, either way, that x touches or weighs down less than
    all of larger level; return how many.
    """
    size = there.size[0]
    level = np.empty(2 * size)
    touched = np.empty(2 * size)
    weighed = np.empty(2 * size)
    for k in range(size):
        product = 1.0
        some = 0.0
        heavy = 0.0
        some_of_relaxed = 0.0
        heavy_of_relaxed = 0.0
        for e in range(there.first[k], there.first[k + 1]):
            j = there.option[e]
            if bases[b, j]:
                product *= 1 - there.loss[e]
            elif there.depth[e] > 0:
                some_of_relaxed += x[j]
                heavy_of_relaxed += x[j] * there.loss[e]
            else:
                some += x[j]
                heavy += x[j] * there.loss[e]
        d, value = there.touch[k], there.value[k] * product
        level[2 * k + OPTIONS], touched[2 * k + OPTIONS] = value, some + some_of_relaxed
        weighed[2 * k + OPTIONS] = heavy + heavy_of_relaxed
        # without elements both ways are the same
        level[2 * k + TANGENT] = value * math.exp(-d) * (1 + d) if d > 0 else -1.0
        touched[2 * k + TANGENT], weighed[2 * k + TANGENT] = some, heavy + d / (1 + d)
    last = there.value[size] * math.exp(-there.touch[size])
    order = _falling(level)
    count = 0
    low = np.full(2, np.inf)
    low_weighed = np.full(2, np.inf)
    for place in range(2 * size):
        k = order[place]
        if level[k] <= last or count == MOST_RUNGS:
            break
        path = k // 2
        way = k % 2
        better = False
        for each in range(2):
            if each == way or there.touch[path] == 0:
                better |= touched[k] < low[each] - 1e-9 or weighed[k] < low_weighed[each] - 1e-9
                low[each], low_weighed[each] = (
                    min(low[each], touched[k]),
                    min(low_weighed[each], weighed[k]),
                )
        if better:
            _set(rungs, count, there, path, way, level[k])
            count += 1
    return count


@part
def _set(rungs: _Rungs, k: int, there: _NearPaths, path: int, way: int, level: float) -> None:
    """Set a rung to a path taken some way."""
    d = there.touch[path]
    left = math.exp(-d)
    rungs.path[k], rungs.tangent[k], rungs.level[k], rungs.scale[k], rungs.constant[k] = (
        path,
        False,
        level,
        0.0,
        0.0,
    )
    if way == TANGENT:
        rungs.tangent[k], rungs.scale[k] = True, level / (1 + d)
    elif way == HIGHER:
        rungs.tangent[k], rungs.scale[k], rungs.constant[k] = (
            True,
            level * left,
            level * (1 - left * (1 + d)),
        )


@part
def _falling(value: Floats) -> Ints:
    """Return the positions of values from the largest on, equal ones in their order: a
    merge sort, which numba compiles faster than its own.
    """
    n = value.size
    order = np.empty(n, dtype=np.int64)
    other = np.empty(n, dtype=np.int64)
    run = 1
    for i in range(n):
        order[i] = i
    while run < n:
        for begin in range(0, n, 2 * run):
            left = begin
            right = min(begin + run, n)
            end = min(begin + 2 * run, n)
            middle = right
            for at in range(begin, end):
                if right >= end or (left < middle and value[order[left]] >= value[order[right]]):
                    other[at] = order[left]
                    left += 1
                else:
                    other[at] = order[right]
                    right += 1
        order, other, run = other, order, 2 * run
    return order


@part
def _choose(
    there: _NearPaths, bases: Masks, b: int, x: Floats, rungs: _Rungs, count: int, at: Floats
) -> None:
    """Set reach and next rung of each rung: longest paths from the end.

    An element counts for what its H rises from a rung to the one before; these rises
    add up to the largest H, or more.
    """
    rungs.reach[count] = rungs.scale[count]  # Q_W - H_W y0 - k_W
    for i in range(count):
        rungs.reach[i] = -np.inf
    for k in range(count, 0, -1):
        first, end = there.first[rungs.path[k]], there.first[rungs.path[k] + 1]
        for e in range(first, end):
            at[there.option[e]] = rungs.scale[k] * there.depth[e]
        for i in range(k):
            drop = rungs.level[i] - rungs.level[k]
            paid = max(0.0, rungs.constant[i] - rungs.constant[k])
            for e in range(there.first[rungs.path[i]], there.first[rungs.path[i] + 1]):
                j = there.option[e]
                if there.depth[e] > 0 and rungs.tangent[i]:
                    paid += x[j] * max(0.0, rungs.scale[i] * there.depth[e] - at[j])
                elif not bases[b, j]:
                    paid += x[j] * min(drop, rungs.level[i] * there.loss[e])
            total = drop - paid + rungs.reach[k]
            if total > rungs.reach[i]:
                rungs.reach[i], rungs.after[i] = total, k
        for e in range(first, end):
            at[there.option[e]] = 0.0


@part
def _begin(rungs: _Rungs, count: int, chain: _Rungs) -> int:
    """Copy the rungs of largest reach, and the witness as the last, to a chain; return
    how many there are before it.
    """
    rung, length = 0, 0
    for i in range(count):
        if rungs.reach[i] > rungs.reach[rung]:
            rung = i
    while True:
        _copy(rungs, rung, chain, length)
        if rung == count:
            return length
        rung, length = rungs.after[rung], length + 1


@part
def _copy(source: _Rungs, i: int, target: _Rungs, k: int) -> None:
    """Copy a rung."""
    target.path[k], target.tangent[k] = source.path[i], source.tangent[i]
    target.level[k], target.scale[k], target.constant[k] = (
        source.level[i],
        source.scale[i],
        source.constant[i],
    )


@part
def _polish(
    there: _NearPaths,
    bases: Masks,
    b: int,
    x: Floats,
    relaxed: Mask,
    chain: _Rungs,
    length: int,
    most: float,
    share: Floats,
    row: _Row,
) -> int:
    """Leave out rungs, one after another, where that raises the value of the row, as H
    is a largest value; return how many are left.
    """
    best = _worth(there, bases, b, x, relaxed, chain, length, most, share, row)
    k = 0
    while k < length:
        path = chain.path[k]
        tangent = chain.tangent[k]
        level = chain.level[k]
        scale, constant = chain.scale[k], chain.constant[k]
        if length > 1:
            for i in range(k, length):
                _copy(chain, i + 1, chain, i)
            value = _worth(there, bases, b, x, relaxed, chain, length - 1, most, share, row)
            if value > best:
                best, length = value, length - 1
                continue
            for i in range(length, k, -1):
                _copy(chain, i - 1, chain, i)
            chain.path[k], chain.tangent[k], chain.level[k] = path, tangent, level
            chain.scale[k], chain.constant[k] = scale, constant
        k += 1
    return length


@part
def _worth(
    there: _NearPaths,
    bases: Masks,
    b: int,
    x: Floats,
    relaxed: Mask,
    chain: _Rungs,
    length: int,
    most: float,
    share: Floats,
    row: _Row,
) -> float:
    """Return the value at x of the row of a chain."""
    side = chain.level[0]
    last = chain.level[length]
    constant = 0.0
    for k in range(length + 1):
        constant = max(constant, chain.constant[k])
        drop = 0.0 if k == length else chain.level[k] - chain.level[k + 1]
        for e in range(there.first[chain.path[k]], there.first[chain.path[k] + 1]):
            j = there.option[e]
            if there.depth[e] > 0 and chain.tangent[k]:
                _raise(row, j, chain.scale[k] * there.depth[e])
            elif k < length and not bases[b, j]:
                _put(row, 0, j, min(drop, chain.level[k] * there.loss[e]))
    value: float = (
        side - constant - _charged(x, relaxed, side - constant, side - last, most, share, row)
    )
    return value


@part
def _charged(
    x: Floats, relaxed: Mask, side: float, above: float, most: float, share: Floats, row: _Row
) -> float:
    """Return what the coefficients take off at x, and clear them."""
    charged = 0.0
    for k in range(row.used[2]):
        j = row.options[2, k]
        charged += x[j] * min(row.coefficient[2, j] + row.coefficient[0, j], side, most * share[j])
        row.coefficient[2, j] = row.coefficient[0, j] = 0.0
    for k in range(row.used[0]):
        j = row.options[0, k]
        charged += x[j] * min(
            row.coefficient[0, j], min(side, most * share[j]) if relaxed[j] else above
        )
        row.coefficient[0, j] = 0.0
    row.used[0] = row.used[2] = 0
    return charged


@part
def _build(  # noqa: C901, PLR0912 - the row, its limits, and the choice
    option: Ints2,
    survival: Floats2,
    bases: Masks,
    b: int,
    x: Floats,
    relaxed: Mask,
    there: _NearPaths,
    chain: _Rungs,
    length: int,
    most: float,
    share: Floats,
    row: _Row,
    used: Mask,
) -> None:
    """Make the row of a chain, and keep it if its value at x is the largest so far."""
    padding = x.size - 1
    above = chain.level[0] - chain.level[length]
    constant = 0.0
    for rung in range(length + 1):
        constant = max(constant, chain.constant[rung])
        p, tangent = there.own[chain.path[rung]], chain.tangent[rung]
        if p < 0:  # a floor without a witness: nothing takes anything off it
            break
        used[p] = True
        drop = 0.0 if rung == length else chain.level[rung] - chain.level[rung + 1]
        whole = chain.scale[rung] * math.exp(there.touch[chain.path[rung]])
        for w in range(option.shape[1]):
            j, s = option[p, w], survival[p, w]
            if j == padding:
                break
            if relaxed[j] and tangent:
                entry = chain.scale[rung] * _depth(s)
                if x[j] == 0:  # the tangent at 0 in this element alone, or the chord to one of it
                    entry = min(entry, whole * (1 - s))
                _raise(row, j, entry)
            elif not bases[b, j] and rung < length:
                _put(row, 0, j, min(drop, chain.level[rung] * (1 - s)))
    for k in range(row.used[2]):
        j = row.options[2, k]
        _put(row, 0, j, row.coefficient[2, j])
        row.coefficient[2, j] = 0.0
    row.used[2] = 0
    side = chain.level[0] - constant
    value = side
    for k in range(row.used[0]):
        j = row.options[0, k]
        if relaxed[j]:
            row.coefficient[0, j] = min(row.coefficient[0, j], side, most * share[j]) * (
                1 + ROUNDING
            )
        else:
            row.coefficient[0, j] = min(row.coefficient[0, j], above)
        value -= row.coefficient[0, j] * x[j]
    better = value > row.best[0]
    if better:
        row.best[0], row.side[1], row.used[1] = value, side, row.used[0]
    for k in range(row.used[0]):
        j = row.options[0, k]
        if better:
            row.coefficient[1, j] = row.coefficient[0, j]
            row.options[1, k] = j
        row.coefficient[0, j] = 0.0
    row.used[0] = 0


@part
def _put(row: _Row, which: int, j: int, entry: float) -> None:
    """Add to the coefficient of an option of a row."""
    if entry <= 0:
        return
    if row.coefficient[which, j] == 0.0:
        row.options[which, row.used[which]] = j
        row.used[which] += 1
    row.coefficient[which, j] += entry


@part
def _raise(row: _Row, j: int, entry: float) -> None:
    """Raise H of an element to an entry."""
    if entry > row.coefficient[2, j]:
        if row.coefficient[2, j] == 0.0:
            row.options[2, row.used[2]] = j
            row.used[2] += 1
        row.coefficient[2, j] = entry
