"""Cuts of the value of a plan: rows theta_u >= a - sum_j b_j x_j, b >= 0, for each
commodity u.

A commodity is an informed evader or a fixed route (`commodities`). A path P of value R
meets the options J(P), each of which leaves it a share rho_j (over all of P's arcs that
the option touches), so under a plan S its value is g_P(S) = R prod_{j in S and J(P)}
rho_j. theta_u is at least g_P(S) for every path P of an evader, and equal to it for a
fixed route. T is any set of options; a value "with T" counts those of T as placed.
Values only fall when options are added.

Star cuts (many paths of one evader). P_1, P_2, ... with values R_1 >= R_2 >= ... >= R_m
with T; R_{m+1} = L, the value with everything placed. Then, with c_ij = min(R_i -
R_{i+1}, R_i (1 - rho_ij)),

    theta >= R_1 - sum_i sum_{j in J(P_i) - T} c_ij x_j.

Proof. For a plan S let V_i be the largest value of P_i, P_{i+1}, ... with S and T, and
L; V_{m+1} = L, and theta >= V_1. By induction from i = m + 1 down, V_i >= R_i - (the
terms of i, i+1, ...). If S places no j of J(P_i) - T, V_i >= R_i. If some c_ij of S is
R_i - R_{i+1}, the right side is at most R_{i+1} - (the terms of i+1, ...) <= V_{i+1} <=
V_i. Else every such c_ij is R_i (1 - rho_ij), and V_i >= R_i prod rho_ij >= R_i - sum_j
R_i (1 - rho_ij). This is the mixing inequality (Gunluk & Pochet 2001) carried over to
the paths of an evader, with what one option leaves of a path, rather than what all
leave, as the least value of a touched path. For a given x the best sequence out of a
set of paths is a longest path over pairs (i, next), found by dynamic programming.

Chord cuts (one path). With u_j = -ln rho_j, q the least rho_j over J(P) - T, w = u mod
-ln q, k = floor(u / -ln q) and F(u) = k (1 - q) + q (e^w - 1),

    theta >= g_P(T) (1 - sum_{j in J(P) - T} (1 - rho_j) x_j + sum_{j in J(P) and T} F(u_j) (1 - x_j)).

Proof. Let S add A to T and take B out of it, v = sum_B u_j, U = sum_A u_j. g_P(S) /
g_P(T) = e^(v - U). For a given U, each u_j at most -ln q, the concave sum_A (1 -
e^-u_j) is least with as many u_j as fit at their most and one remainder; e^(v - U) plus
that, minus 1, is least over U at the first multiple of -ln q that is no less than v,
where it is F(v). F is superadditive (q (e^w - 1) is convex and 0 at 0, and F repeats
it), so F(v) >= sum_B F(u_j). With J(P) inside T the factor of (1 - x_j) is e^u_j - 1,
as prod (1 + z) >= 1 + sum z. If all rho are equal this is the chord of the convex
envelope; in general it is the lifting of Ahmed & Atamturk (2011).

Tangent cuts (one path): g_P is convex in x, so theta >= g_P(y) (1 + sum_j u_j y_j -
sum_j u_j x_j) for every y in [0, 1]^J.

Every cut may have b_j lowered to a - L: where x_j = 1, the right side is then at most
L.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.base.work.kernels import Floats, Floats2, Ints, Ints2, Mask, Masks, kernel, part

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.paths.path_pool import Paths

STAR, CHORD, TANGENT = 0, 1, 2
"""Families of cuts."""
LONGEST_STAR = 24
"""Most paths of one evader that a star is chosen from."""
STEEPEST = 700.0
"""Stands for -ln 0: e^-700 is less than any rounding."""
ROUNDING = 1e-12
"""Relative allowance for rounding in the products of a path's survivals; taken off the
side of every cut.
"""


TINY = float(np.finfo(np.float64).tiny) ** 0.5
"""Values of paths up to this are taken as 0."""


@dataclass(frozen=True)
class Cuts:
    """Rows theta_u >= side - sum_j b_j x_j, b >= 0 as entries: SciPy's tables would
    cost more than what is done with them.
    """

    #: (rows,) u: informed evaders first, then fixed routes.
    commodity: NDArray[np.int64]
    #: (rows,) a.
    side: NDArray[np.float64]
    #: `row`, `option`, `entry`: (entries,) of which row and option they are, each pair
    #: once, and b > 0.
    row: NDArray[np.int64]
    option: NDArray[np.int64]
    entry: NDArray[np.float64]
    #: Number of options.
    n_options: int
    #: (rows, 3 + `LONGEST_STAR`) what each is made of, for one who would prove it:
    #: family (`STAR`, `CHORD`, `TANGENT`), T, number of paths, and these paths; None
    #: where rows are not of one cut.
    made_of: NDArray[np.int64] | None = None

    @property
    def coefficient(self) -> csr_array:
        """(rows, options) b."""
        return csr_array(
            (self.entry, (self.row, self.option)), shape=(self.side.size, self.n_options)
        )

    def values(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (rows,) right sides at an (options,) point."""
        return np.asarray(
            self.side - np.bincount(self.row, self.entry * x[self.option], self.side.size)
        )

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Cuts:
        """Return some of the rows, each at most once."""
        chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        place = np.full(self.side.size, -1)
        place[chosen] = np.arange(chosen.size)
        row = place[self.row]
        kept = row >= 0
        return Cuts(
            self.commodity[chosen],
            self.side[chosen],
            row[kept],
            self.option[kept],
            self.entry[kept],
            self.n_options,
            None if self.made_of is None else self.made_of[chosen],
        )

    @staticmethod
    def join(parts: list[Cuts]) -> Cuts:
        """Return all rows of several sets (at least one)."""
        first = np.cumsum([0, *(part.side.size for part in parts[:-1])])
        made_of = [part.made_of for part in parts if part.made_of is not None]
        return Cuts(
            np.concatenate([part.commodity for part in parts]),
            np.concatenate([part.side for part in parts]),
            np.concatenate(
                [part.row + start for part, start in zip(parts, first.tolist(), strict=True)]
            ),
            np.concatenate([part.option for part in parts]),
            np.concatenate([part.entry for part in parts]),
            parts[0].n_options,
            np.concatenate(made_of) if len(made_of) == len(parts) else None,
        )


class Kinds(NamedTuple):
    """(bases,) masks: for which T star cuts and chord cuts are wanted; and whether
    tangent cuts are.
    """

    stars: NDArray[np.bool_]
    chords: NDArray[np.bool_]
    tangents: bool


def route_kinds(bases: int) -> Kinds:
    """Return which cuts fixed routes have, for so many T."""
    return Kinds(
        stars=np.zeros(bases, dtype=bool), chords=np.ones(bases, dtype=bool), tangents=True
    )


def best_cuts(
    paths: Paths,
    x: NDArray[np.float64],
    bases: NDArray[np.bool_],
    kinds: Kinds,
    floor: NDArray[np.float64],
    among: NDArray[np.int64] | None = None,
) -> Cuts:
    """Return for each commodity the cut of largest value at x, if that is above its
    floor.

    Parameters
    ----------
    paths
        Paths of the commodities.
    x
        (options,) point in [0, 1].
    floor
        (commodities,) L: values with everything placed.
    bases
        (bases, options) masks T.
    kinds
        Which cuts are wanted.
    among
        The positions of the paths that are looked at, by default all.
    """
    order = by_commodity(paths, among)
    wanted = np.array((kinds.stars, kinds.chords, np.full(len(bases), kinds.tangents)))
    found = _best_cuts(
        np.searchsorted(paths.commodity[order], np.arange(floor.size + 1)),
        order,
        paths.value,
        paths.option,
        paths.survival,
        np.column_stack((bases, np.zeros(len(bases), dtype=bool))),
        wanted,
        np.append(x, 0.0),
        floor,
    )
    cuts, entries = slice(found.n_cuts), slice(found.n_entries)
    side = found.side[cuts] * (1 - ROUNDING)
    return Cuts(
        found.commodity[cuts],
        side,
        found.row[entries],
        found.option[entries],
        found.coefficient[entries],
        x.size,
        found.made_of[cuts],
    )


def by_commodity(paths: Paths, among: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return the positions of paths, or of those among them, by commodity."""
    if among is None:
        return np.argsort(paths.commodity, kind="stable")
    return among[np.argsort(paths.commodity[among], kind="stable")]


def best_of_each(commodity: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the position of the largest value of each commodity, the first one of several."""
    most = np.full(commodity.max(initial=-1) + 1, -np.inf)
    np.maximum.at(most, commodity, value)
    largest = np.flatnonzero(value == most[commodity])
    return largest[np.unique(commodity[largest], return_index=True)[1]]


class _Found(NamedTuple):
    """Cuts: commodity, side and `Cuts.made_of` of each; cut, option and coefficient of
    each entry; and how many of either there are.
    """

    commodity: Ints
    side: Floats
    made_of: Ints2
    row: Ints
    option: Ints
    coefficient: Floats
    n_cuts: int
    n_entries: int


class _Paths(NamedTuple):
    """Paths, as in `path_pool.Paths`; a row of a path ends with its first padding."""

    value: Floats
    option: Ints2
    survival: Floats2


class _There(NamedTuple):
    """The paths of one commodity, without the options that add nothing at x: the first
    `size[0]` of each array.
    """

    #: `own`, `value`: (paths,) positions among all, and values.
    own: Ints
    value: Floats
    #: (paths + 1,) where the entries of each begin.
    first: Ints
    #: `option`, `survival`: (entries,) options of positive x or in some T, and what
    #: each leaves.
    option: Ints
    survival: Floats
    #: (paths,) least of what its other options leave, at most 1.
    rest: Floats
    #: (1,) number of paths.
    size: Ints


class _Scratch(NamedTuple):
    """The cut being made, and the best one so far of a commodity."""

    #: (2, options) of the cut being made and of the best one.
    coefficient: Floats2
    #: (2, options) those whose coefficient is not 0, the first `used` of each.
    options: Ints2
    #: (2,) how many.
    used: Ints
    #: (2,) left-hand sides.
    side: Floats
    #: (1,) value of the best cut at x.
    best: Floats
    #: (2, 3 + `LONGEST_STAR`) `Cuts.made_of` of the cut being made and of the best one.
    made_of: Ints2


@kernel
def _best_cuts(  # noqa: C901, PLR0912 - one loop over commodities
    start: Ints,
    order: Ints,
    value: Floats,
    option: Ints2,
    survival: Floats2,
    bases: Masks,
    kinds: Masks,
    x: Floats,
    floor: Floats,
) -> _Found:
    """Return for each commodity with paths the cut of largest value at x, where that is
    above its floor.

    Parameters
    ----------
    start, order
        (commodities + 1,) where the paths of each commodity begin in an order by
        commodity, and this order.
    value, option, survival
        Paths, as in `path_pool.Paths`.
    bases
        (bases, options + 1) masks T; the last option is padding.
    kinds
        (3, bases) whether star cuts, chord cuts and (in the first place alone) tangent
        cuts are wanted.
    x
        (options + 1,) point.
    floor
        (commodities,) L.
    """
    paths = _Paths(value, option, survival)
    n = x.size - 1
    most = 0
    # an option of no T whose x is 0 adds nothing to the value of a cut at x: paths are
    # searched without those, and written with them
    weighed = np.empty(n + 1, dtype=np.bool_)
    for j in range(n + 1):
        weighed[j] = x[j] > 0
        for b in range(bases.shape[0]):
            weighed[j] |= bases[b, j]
    for u in range(floor.size):
        most = max(most, start[u + 1] - start[u])
    there = _There(
        np.empty(most, dtype=np.int64),
        np.empty(most),
        np.empty(most + 1, dtype=np.int64),
        np.empty(most * option.shape[1], dtype=np.int64),
        np.empty(most * option.shape[1]),
        np.empty(most),
        np.zeros(1, dtype=np.int64),
    )
    scratch = _Scratch(
        np.zeros((2, n + 1)),
        np.empty((2, n + 1), dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        np.zeros(2),
        np.empty(1),
        np.zeros((2, 3 + LONGEST_STAR), dtype=np.int64),
    )
    cut_of, side = np.empty(floor.size, dtype=np.int64), np.empty(floor.size)
    made_of = np.zeros((floor.size, 3 + LONGEST_STAR), dtype=np.int64)
    row = np.empty(1024, dtype=np.int64)
    column = np.empty(1024, dtype=np.int64)
    coefficient = np.empty(1024)
    n_cuts = n_entries = 0
    for u in range(floor.size):
        if start[u] == start[u + 1]:
            continue
        scratch.best[0] = floor[u]
        _gather(paths, order, start[u], start[u + 1], weighed, there)
        for b in range(bases.shape[0]):
            if kinds[0, b]:
                _star(paths, there, bases, b, x, floor[u], scratch)
            if kinds[1, b]:
                _chord(paths, there, bases, b, x, floor[u], scratch)
        if kinds[2, 0]:
            _tangents(paths, there, x, floor[u], scratch)
        if scratch.best[0] <= floor[u]:
            continue
        while n_entries + scratch.used[1] > row.size:
            rows = row
            columns = column
            coefficients = coefficient
            row, column = (
                np.empty(2 * rows.size, dtype=np.int64),
                np.empty(2 * rows.size, dtype=np.int64),
            )
            coefficient = np.empty(2 * rows.size)
            for i in range(n_entries):
                row[i], column[i], coefficient[i] = rows[i], columns[i], coefficients[i]
        cut_of[n_cuts], side[n_cuts] = u, scratch.side[1]
        for k in range(3 + scratch.made_of[1, 2]):
            made_of[n_cuts, k] = scratch.made_of[1, k]
        for k in range(scratch.used[1]):
            j = scratch.options[1, k]
            row[n_entries], column[n_entries], coefficient[n_entries] = (
                n_cuts,
                j,
                scratch.coefficient[1, j],
            )
            n_entries += 1
        n_cuts += 1
    return _Found(cut_of, side, made_of, row, column, coefficient, n_cuts, n_entries)


@part
def _gather(paths: _Paths, order: Ints, begin: int, end: int, weighed: Mask, there: _There) -> None:
    """Set `there` to the paths of a commodity, with their entries of the options in a mask."""
    padding, n = weighed.size - 1, 0
    there.size[0] = end - begin
    for k in range(end - begin):
        p = order[begin + k]
        there.own[k], there.value[k], there.first[k], there.rest[k] = p, paths.value[p], n, 1.0
        for w in range(paths.option.shape[1]):
            j, s = paths.option[p, w], paths.survival[p, w]
            if j == padding:
                break
            if weighed[j]:
                there.option[n], there.survival[n] = j, s
                n += 1
            elif s < there.rest[k]:
                there.rest[k] = s
    there.first[end - begin] = n


@part
def _star(  # noqa: C901, PLR0912, PLR0915
    paths: _Paths, there: _There, bases: Masks, b: int, x: Floats, floor: float, scratch: _Scratch
) -> None:
    """Make the star cut of largest value at x of a commodity, unless the largest level
    is no more than the best value so far.
    """
    size = there.size[0]
    width = paths.option.shape[1]
    padding = x.size - 1
    under = np.empty(size)
    touched = np.zeros(size)
    weighed = np.zeros(size)
    highest = floor
    for k in range(size):
        product = 1.0
        for e in range(there.first[k], there.first[k + 1]):
            j, s = there.option[e], there.survival[e]
            if bases[b, j]:
                product *= s
            elif s < 1:
                touched[k] += x[j]
                weighed[k] += x[j] * (1 - s)
        under[k] = there.value[k] * product
        highest = max(highest, under[k])
    if highest <= scratch.best[0]:  # no cut exceeds its first level
        return
    # the ladder: by falling value the paths that x touches less, or weighs down less,
    # than all before them; others are never used
    order = _falling(under)
    ladder = np.empty(min(LONGEST_STAR, size), dtype=np.int64)
    m = 0
    low = np.inf
    low_weighed = np.inf
    for at in range(size):
        k = order[at]
        if m < ladder.size and (touched[k] < low - 1e-9 or weighed[k] < low_weighed - 1e-9):
            ladder[m] = k
            m += 1
        low, low_weighed = min(low, touched[k]), min(low_weighed, weighed[k])
    # reach[i] is the largest value of a star cut that begins at rung i, and
    # following[i] its next rung: longest paths from the end
    level = np.empty(m + 1)
    reach = np.empty(m + 1)
    following = np.empty(m, dtype=np.int64)
    for i in range(m):
        level[i] = max(under[ladder[i]], floor)
    level[m] = reach[m] = max(0.0, floor)
    here, most = np.empty(width), np.empty(width)
    for i in range(m - 1, -1, -1):
        some = 0
        for e in range(there.first[ladder[i]], there.first[ladder[i] + 1]):
            j, loss = there.option[e], 1 - there.survival[e]
            if not bases[b, j] and loss > 0:
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
    rung = 0
    for i in range(m):
        if reach[i] > reach[rung]:
            rung = i
    side = level[rung]
    _name(scratch, STAR, b)
    while rung < m:
        p, after = there.own[ladder[rung]], following[rung]
        _name_path(scratch, p)
        drop = level[rung] - level[after]
        for w in range(width):
            j = paths.option[p, w]
            if j == padding:
                break
            entry = 0.0 if bases[b, j] else min(drop, level[rung] * (1 - paths.survival[p, w]))
            if entry > 0:
                _put(scratch, j, entry)
        rung = after
    _keep_best(scratch, side, x, floor)


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
def _depth(survival: float) -> float:
    """Return -ln of a survival, at most `STEEPEST`."""
    return min(-math.log(survival), STEEPEST) if survival > 0 else STEEPEST


@part
def _slope(survival: float, least: float) -> float:
    """Return F(u) of an option inside T, where q is `least`."""
    step = min(-math.log(least), 2 * STEEPEST) if least > 0 else 2 * STEEPEST
    depth = _depth(survival)
    most = math.expm1(depth)
    if step <= 0:
        return most
    whole = math.floor(depth / step)
    within: float = whole * (1 - least) + least * math.expm1(min(depth - whole * step, STEEPEST))
    return min(within, most)


@part
def _chord(  # noqa: C901, PLR0912 - the choice, and the cut
    paths: _Paths, there: _There, bases: Masks, b: int, x: Floats, floor: float, scratch: _Scratch
) -> None:
    """Make the chord cut of largest value at x, before it is lowered, among those of a
    commodity's paths.
    """
    chosen = -1
    value = 0.0
    q = 1.0
    largest = 0.0
    for k in range(there.size[0]):
        # g_P(T), q, and what the factor of g_P(T) is at most: F(u) is at most 1 / rho -
        # 1, which needs no logarithm
        alive = there.value[k]
        least = there.rest[k]
        bound = 1.0
        for e in range(there.first[k], there.first[k + 1]):
            j, s = there.option[e], there.survival[e]
            if bases[b, j]:
                alive *= s
                if x[j] < 1:
                    bound += (1 / s - 1) * (1 - x[j]) if s > 0 else np.inf
            else:
                bound -= (1 - s) * x[j]
                least = min(least, s)
        if alive <= TINY or (chosen >= 0 and alive * bound <= largest):
            continue
        total = 1.0
        for e in range(there.first[k], there.first[k + 1]):
            j = there.option[e]
            if bases[b, j] and x[j] == 1:
                continue
            if bases[b, j]:
                total -= _slope(there.survival[e], least) * (x[j] - 1)
            else:
                total -= (1 - there.survival[e]) * x[j]
        if chosen < 0 or alive * total > largest:
            chosen = there.own[k]
            value = alive
            q = least
            largest = alive * total
    if chosen < 0:
        return
    side, padding = value, x.size - 1
    _name(scratch, CHORD, b)
    _name_path(scratch, chosen)
    for w in range(paths.option.shape[1]):
        j, s = paths.option[chosen, w], paths.survival[chosen, w]
        if j == padding:
            break
        slope = _slope(s, q) if bases[b, j] else 1 - s
        if bases[b, j]:
            side += value * slope
        if slope > 0:
            _put(scratch, j, value * slope)
    _keep_best(scratch, side, x, floor)


@part
def _tangents(paths: _Paths, there: _There, x: Floats, floor: float, scratch: _Scratch) -> None:
    """Make the tangent cuts at x of a commodity's paths, but for those whose left-hand
    side is no more than the best value so far.
    """
    padding = x.size - 1
    for k in range(there.size[0]):
        at = 0.0
        for e in range(there.first[k], there.first[k + 1]):
            at += _depth(there.survival[e]) * x[there.option[e]]
        value = there.value[k] * math.exp(-at)
        if value * (1 + at) <= scratch.best[0]:
            continue
        p = there.own[k]
        _name(scratch, TANGENT, 0)
        _name_path(scratch, p)
        for w in range(paths.option.shape[1]):
            j = paths.option[p, w]
            if j == padding:
                break
            entry = value * _depth(paths.survival[p, w])
            if entry > 0:
                _put(scratch, j, entry)
        _keep_best(scratch, value * (1 + at), x, floor)


@part
def _name(scratch: _Scratch, family: int, b: int) -> None:
    """Write down the family and T of the cut being made, which has no path yet."""
    scratch.made_of[0, 0], scratch.made_of[0, 1], scratch.made_of[0, 2] = family, b, 0


@part
def _name_path(scratch: _Scratch, path: int) -> None:
    """Write down the next path of the cut being made."""
    scratch.made_of[0, 3 + scratch.made_of[0, 2]] = path
    scratch.made_of[0, 2] += 1


@part
def _put(scratch: _Scratch, j: int, entry: float) -> None:
    """Add to the coefficient of an option of the cut being made."""
    if scratch.coefficient[0, j] == 0.0:
        scratch.options[0, scratch.used[0]] = j
        scratch.used[0] += 1
    scratch.coefficient[0, j] += entry


@part
def _keep_best(scratch: _Scratch, side: float, x: Floats, floor: float) -> None:
    """Lower the coefficients of the cut being made to a - L, and keep it if its value
    at x is the largest so far; begin another.
    """
    most, value = max(side - floor, 0.0), side
    for k in range(scratch.used[0]):
        j = scratch.options[0, k]
        scratch.coefficient[0, j] = min(scratch.coefficient[0, j], most)
        value -= scratch.coefficient[0, j] * x[j]
    better = value > scratch.best[0]
    if better:
        scratch.best[0], scratch.side[1], scratch.used[1] = value, side, scratch.used[0]
        for k in range(3 + scratch.made_of[0, 2]):
            scratch.made_of[1, k] = scratch.made_of[0, k]
    for k in range(scratch.used[0]):
        j = scratch.options[0, k]
        if better:
            scratch.coefficient[1, j] = scratch.coefficient[0, j]
            scratch.options[1, k] = j
        scratch.coefficient[0, j] = 0.0
    scratch.used[0] = 0
