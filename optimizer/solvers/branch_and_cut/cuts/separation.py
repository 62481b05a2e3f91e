"""Cuts of the value of a plan: rows theta_u >= a - sum_j b_j x_j, b >= 0, for each commodity u.

A commodity is an informed evader or a chain of habitual routes (`commodities`).
A path P of value R meets the options J(P), each of which leaves it a share rho_j (over all of P's arcs that the option touches), so under a
plan S its value is g_P(S) = R prod_{j in S and J(P)} rho_j. theta_u is at least g_P(S) for every path P of an evader, and equal to it for a
chain. T is any set of options; a value "with T" counts those of T as placed. Values only fall when options are added.

Star cuts (many paths of one evader). P_1, P_2, ... with values R_1 >= R_2 >= ... >= R_m with T; R_{m+1} = L, the value with everything
placed. Then, with c_ij = min(R_i - R_{i+1}, R_i (1 - rho_ij)),

    theta >= R_1 - sum_i sum_{j in J(P_i) - T} c_ij x_j.

Proof. For a plan S let V_i be the largest value of P_i, P_{i+1}, ... with S and T, and L; V_{m+1} = L, and theta >= V_1. By induction from
i = m + 1 down, V_i >= R_i - (the terms of i, i+1, ...). If S places no j of J(P_i) - T, V_i >= R_i. If some c_ij of S is R_i - R_{i+1}, the
right side is at most R_{i+1} - (the terms of i+1, ...) <= V_{i+1} <= V_i. Else every such c_ij is R_i (1 - rho_ij), and
V_i >= R_i prod rho_ij >= R_i - sum_j R_i (1 - rho_ij). This is the mixing inequality (Gunluk & Pochet 2001) carried over to the paths of an
evader, with what one option leaves of a path, rather than what all leave, as the least value of a touched path. For a given x the best
sequence out of a set of paths is a longest path over pairs (i, next), found by dynamic programming.

Chord cuts (one path). With u_j = -ln rho_j, q the least rho_j over J(P) - T, w = u mod -ln q, k = floor(u / -ln q) and
F(u) = k (1 - q) + q (e^w - 1),

    theta >= g_P(T) (1 - sum_{j in J(P) - T} (1 - rho_j) x_j + sum_{j in J(P) and T} F(u_j) (1 - x_j)).

Proof. Let S add A to T and take B out of it, v = sum_B u_j, U = sum_A u_j. g_P(S) / g_P(T) = e^(v - U). For a given U, each u_j at most -ln q,
the concave sum_A (1 - e^-u_j) is least with as many u_j as fit at their most and one remainder; e^(v - U) plus that, minus 1, is least over U
at the first multiple of -ln q that is no less than v, where it is F(v). F is superadditive (q (e^w - 1) is convex and 0 at 0, and F
repeats it), so F(v) >= sum_B F(u_j). With J(P) inside T the factor of (1 - x_j) is e^u_j - 1, as prod (1 + z) >= 1 + sum z. If all rho
are equal this is the chord of the convex envelope; in general it is the lifting of Ahmed & Atamturk (2011).

Tangent cuts (one path): g_P is convex in x, so theta >= g_P(y) (1 + sum_j u_j y_j - sum_j u_j x_j) for every y in [0, 1]^J.

Every cut may have b_j lowered to a - L: where x_j = 1, the right side is then at most L.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from optimizer.solvers.search.compiled import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.paths.path_pool import Paths

LONGEST_STAR = 24
"""Most paths of one evader that a star is chosen from."""
STEEPEST = 700.0
"""Stands for -ln 0: e^-700 is less than any rounding."""
ROUNDING = 1e-12
"""Relative allowance for rounding in the products of a path's survivals; taken off the side of every cut."""


TINY = float(np.finfo(np.float64).tiny) ** 0.5
"""Values of paths up to this are taken as 0."""


@dataclass(frozen=True)
class Cuts:
    """Rows theta_u >= side - sum_j b_j x_j, b >= 0 as entries: SciPy's tables would cost more than what is done with them.

    Attributes
    ----------
    commodity
        (rows,) u: informed evaders first, then chains.
    side
        (rows,) a.
    row, option, entry
        (entries,) of which row and option they are, each pair once, and b > 0.
    n_options
        Number of options.
    """

    commodity: NDArray[np.int64]
    side: NDArray[np.float64]
    row: NDArray[np.int64]
    option: NDArray[np.int64]
    entry: NDArray[np.float64]
    n_options: int

    @property
    def coefficient(self) -> csr_array:
        """(rows, options) b."""
        return csr_array((self.entry, (self.row, self.option)), shape=(self.side.size, self.n_options))

    def values(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (rows,) right sides at an (options,) point."""
        return np.asarray(self.side - np.bincount(self.row, self.entry * x[self.option], self.side.size))

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Cuts:
        """Return some of the rows, each at most once."""
        chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        place = np.full(self.side.size, -1)
        place[chosen] = np.arange(chosen.size)
        row = place[self.row]
        kept = row >= 0
        return Cuts(
            self.commodity[chosen], self.side[chosen], row[kept], self.option[kept], self.entry[kept], self.n_options
        )

    @staticmethod
    def join(parts: list[Cuts]) -> Cuts:
        """Return all rows of several sets (at least one)."""
        first = np.cumsum([0, *(part.side.size for part in parts[:-1])])
        return Cuts(
            np.concatenate([part.commodity for part in parts]),
            np.concatenate([part.side for part in parts]),
            np.concatenate([part.row + start for part, start in zip(parts, first.tolist(), strict=True)]),
            np.concatenate([part.option for part in parts]),
            np.concatenate([part.entry for part in parts]),
            parts[0].n_options,
        )


class Kinds(NamedTuple):
    """(bases,) masks: for which T star cuts and chord cuts are wanted; and whether tangent cuts are."""

    stars: NDArray[np.bool_]
    chords: NDArray[np.bool_]
    tangents: bool


def best_cuts(
    paths: Paths, x: NDArray[np.float64], bases: NDArray[np.bool_], kinds: Kinds, floor: NDArray[np.float64]
) -> Cuts:
    """Return for each commodity the cut of largest value at x, if that is above its floor.

    Parameters
    ----------
    paths, x, floor
        As in `chord_cuts`.
    bases
        (bases, options) masks T.
    kinds
        Which cuts are wanted.
    """
    compiled = kernels("cuts", int(kinds.stars.sum() + kinds.chords.sum() + kinds.tangents) * paths.option.size)
    if compiled is not None:
        wanted = np.array((kinds.stars, kinds.chords, np.full(len(bases), kinds.tangents)))
        found = compiled.best_cuts(
            paths.commodity,
            paths.value,
            paths.option,
            paths.survival,
            np.column_stack((bases, np.zeros(len(bases), dtype=bool))),
            wanted,
            np.append(x, 0.0),
            floor,
            LONGEST_STAR,
            STEEPEST,
            TINY,
        )
        return Cuts(found.commodity, found.side * (1 - ROUNDING), found.row, found.option, found.coefficient, x.size)
    parts = [star_cuts(paths, x, base, floor) for base in bases[kinds.stars]]
    parts += [chord_cuts(paths, x, base, floor) for base in bases[kinds.chords]]
    every = Cuts.join([*parts, *([tangent_cuts(paths, x, floor)] if kinds.tangents else [])])
    best = best_of_each(every.commodity, value := every.values(x))
    return every.take(best[value[best] > floor[every.commodity[best]]])


def chord_cuts(paths: Paths, x: NDArray[np.float64], base: NDArray[np.bool_], floor: NDArray[np.float64]) -> Cuts:
    """Return for each commodity the chord cut, among its paths, of largest value at x.

    Parameters
    ----------
    paths
        Paths of the commodities.
    x
        (options,) point in [0, 1].
    base
        (options,) mask of T.
    floor
        (commodities,) L: values with everything placed.
    """
    chosen = paths.take(_best_chords(paths, x, base))
    chords = _Chords.of(chosen, base)
    side = chords.value * (1 + np.where(chords.inside, chords.slope, 0.0).sum(axis=1))
    return _cuts(chosen.commodity, side, chosen.option, chords.value[:, None] * chords.slope, floor, x.size)


@dataclass(frozen=True)
class _Chords:
    """The chord cut of each of some paths.

    Attributes
    ----------
    inside
        (paths, width) whether the option belongs to T.
    slope
        (paths, width) 1 - rho_j outside T, and F(u_j) inside.
    value
        (paths,) g_P(T); 0 where it is too small to compute with.
    """

    inside: NDArray[np.bool_]
    slope: NDArray[np.float64]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, paths: Paths, base: NDArray[np.bool_]) -> _Chords:
        inside, slope = np.append(base, False)[paths.option], 1 - paths.survival
        path, place = np.nonzero(inside)
        least = np.where(inside | (slope == 0), 1.0, paths.survival).min(axis=1, initial=1.0)[path]
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = np.minimum(-np.log(paths.survival[path, place]), STEEPEST)
            step = np.minimum(-np.log(least), 2 * STEEPEST)
            whole = np.where(step > 0, np.floor(depth / step), 0.0)
        gain = whole * (1 - least) + least * np.expm1(np.minimum(depth - whole * step, STEEPEST))
        slope[path, place] = np.where(step > 0, np.minimum(gain, np.expm1(depth)), np.expm1(depth))
        value = paths.values(np.append(base, False))
        alive = value > TINY
        slope[~alive], value[~alive] = 0.0, 0.0
        return cls(inside, slope, value)


def _best_chords(paths: Paths, x: NDArray[np.float64], base: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the path of each commodity whose chord cut is largest at x."""
    chords, point = _Chords.of(paths, base), np.append(x, 0.0)[paths.option]
    cut_value = chords.value * (1 - (chords.slope * np.where(chords.inside, point - 1, point)).sum(axis=1))
    return best_of_each(paths.commodity, cut_value)


def tangent_cuts(paths: Paths, x: NDArray[np.float64], floor: NDArray[np.float64]) -> Cuts:
    """Return the tangent cut at x of every path; parameters as in `chord_cuts`."""
    point = np.append(x, 0.0)[paths.option]
    with np.errstate(divide="ignore"):
        depth = np.minimum(-np.log(paths.survival), STEEPEST)
    at = (depth * point).sum(axis=1)
    value = paths.value * np.exp(-at)
    return _cuts(paths.commodity, value * (1 + at), paths.option, value[:, None] * depth, floor, x.size)


def star_cuts(paths: Paths, x: NDArray[np.float64], base: NDArray[np.bool_], floor: NDArray[np.float64]) -> Cuts:
    """Return for each commodity the star cut over its paths of largest value at x; parameters as in `chord_cuts`."""
    if not paths.commodity.size:
        return _cuts(paths.commodity, paths.value, paths.option, paths.survival, floor, x.size)
    value = paths.values(np.append(base, False))
    loss = np.where(np.append(base, False)[paths.option], 0.0, 1 - paths.survival)
    point = np.append(x, 0.0)[paths.option] * (loss > 0)
    commodity, ladder = _ladders(paths.commodity, value, point, loss)
    there = ladder >= 0
    level = np.where(there, value[ladder], 0.0)
    level = np.maximum(np.column_stack((level, np.zeros(commodity.size))), floor[commodity, None])
    loss, point = loss[ladder], np.where(there[:, :, None], point[ladder], 0.0)
    reach, following = _best_sequence(level, loss, point)
    row, rung = np.arange(commodity.size), reach[:, :-1].argmax(axis=1)
    side = level[row, rung]
    parts = []
    last = ladder.shape[1]
    while row.size:
        after = following[row, rung]
        drop = (level[row, rung] - level[row, after])[:, None]
        used = ladder[row, rung]
        parts.append((row, paths.option[used], np.minimum(drop, level[row, rung][:, None] * loss[row, rung])))
        going = (after < last) & there[row, np.minimum(after, last - 1)]
        row, rung = row[going], after[going]
    rows, option, coefficient = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _cuts(commodity, side, option, coefficient, floor, x.size, rows)


def _best_sequence(
    level: NDArray[np.float64], loss: NDArray[np.float64], point: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return, by commodity and path, the largest value of a star cut that begins there, and the path that follows in it.

    Parameters
    ----------
    level
        (commodities, m + 1) R_i, falling; the last is L.
    loss, point
        (commodities, m, width) 1 - rho and x of the options of each path.
    """
    commodities, m, width = loss.shape
    reach, following = level.copy(), np.full(level.shape, m)
    for i in range(m - 1, -1, -1):
        drop = level[:, i : i + 1] - level[:, i + 1 :]
        paid = np.zeros(drop.shape)
        for w in range(width):
            here = point[:, i, w]
            if here.any():
                paid += here[:, None] * np.minimum(drop, (level[:, i] * loss[:, i, w])[:, None])
        total = level[:, i : i + 1] - paid + reach[:, i + 1 :] - level[:, i + 1 :]
        best = total.argmax(axis=1)
        following[:, i] = i + 1 + best
        reach[:, i] = total[np.arange(commodities), best]
    return reach, following


def _ladders(
    commodity: NDArray[np.int64], value: NDArray[np.float64], point: NDArray[np.float64], loss: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the commodities, and for each at most `LONGEST_STAR` of its paths by falling value, -1 in the padding.

    Kept are paths that are touched less than every better one, where touched means the sum of x, or of x (1 - rho).
    """
    order = np.lexsort((-value, commodity))
    commodity = commodity[order]
    first = np.ones(commodity.size, dtype=bool)
    first[1:] = commodity[1:] != commodity[:-1]
    number = np.cumsum(first) - 1
    keep = first.copy()
    for touched in (point.sum(axis=1), (point * loss).sum(axis=1)):
        ranked = touched[order] - number * (
            touched.max() + 1
        )  # each commodity lies below all before it, so one running minimum serves all
        keep[1:] |= ranked[1:] < np.minimum.accumulate(ranked)[:-1] - 1e-9
    order, number = order[keep], number[keep]
    start = np.searchsorted(number, number)
    rank = np.arange(order.size) - start
    short = rank < LONGEST_STAR
    ladder = np.full((number[-1] + 1, int(rank[short].max()) + 1), -1)
    ladder[number[short], rank[short]] = order[short]
    return commodity[first], ladder


def best_of_each(commodity: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the position of the largest value of each commodity, the first one of several."""
    most = np.full(commodity.max(initial=-1) + 1, -np.inf)
    np.maximum.at(most, commodity, value)
    largest = np.flatnonzero(value == most[commodity])
    return largest[np.unique(commodity[largest], return_index=True)[1]]


def _cuts(
    commodity: NDArray[np.int64],
    side: NDArray[np.float64],
    option: NDArray[np.int64],
    coefficient: NDArray[np.float64],
    floor: NDArray[np.float64],
    n_options: int,
    row: NDArray[np.int64] | None = None,
) -> Cuts:
    """Gather (lines, width) coefficients, line l part of cut row[l] (l itself if None), and lower each to a - L.

    An option may be there several times in a cut only where `row` is given.
    """
    there = (option < n_options) & (coefficient > 0)
    entry, option_of = coefficient[there], option[there]
    if row is None:
        row_of = np.nonzero(there)[0]
    else:
        key = np.broadcast_to(row[:, None], option.shape)[there] * n_options + option_of
        key, place = np.unique(key, return_inverse=True)
        entry, row_of, option_of = (
            np.bincount(place, entry, key.size).astype(np.float64),
            key // n_options,
            key % n_options,
        )
    entry = np.minimum(entry, np.maximum(side - floor[commodity], 0.0)[row_of])
    return Cuts(commodity, side * (1 - ROUNDING), row_of, option_of, entry, n_options)
