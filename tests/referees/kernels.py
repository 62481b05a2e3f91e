"""Kernels of searches once more, in arrays of NumPy, by SciPy, or by enumeration:
slower to run, quicker to check.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.instance.evaders import Searches
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.solvers.branch_and_cut.cuts.separation import (
    LONGEST_STAR,
    ROUNDING,
    STEEPEST,
    TINY,
    Cuts,
    Kinds,
    best_of_each,
)
from optimizer.solvers.branch_and_cut.paths.path_pool import Paths
from optimizer.solvers.overlay.overlay import Overlay
from optimizer.solvers.patrols.tours import pricing
from optimizer.solvers.patrols.tours.pricing import TourImprover
from optimizer.solvers.patrols.tours.tour import Tour, seconds_of


def cheapest_paths(
    overlay: Overlay, searches: Searches, cost: NDArray[np.float64]
) -> list[tuple[int, float, list[int]]]:
    """Return commodity, value and watched arcs, from its end on, of the path of least
    cost of every commodity, as SciPy finds it.
    """
    graph = cost_graph(overlay.n_nodes, overlay.tail, overlay.head, cost, reverse=searches.reverse)
    before = graph.trees(searches.roots)[1]
    entering = [graph.entering(tree) for tree in before]
    found = []
    for commodity, (row, leaf) in enumerate(
        zip(searches.row.tolist(), searches.leaf.tolist(), strict=True)
    ):
        node, value, watched = leaf, 1.0, []
        while before[row, node] >= 0:
            arc = int(entering[row][node])
            value *= float(overlay.reliability[arc])
            watched += [arc] if overlay.option[arc] >= 0 else []
            node = int(before[row, node])
        if node != leaf:
            found.append((commodity, value, watched))
    return found


def best_cuts(
    paths: Paths,
    x: NDArray[np.float64],
    bases: NDArray[np.bool_],
    kinds: Kinds,
    floor: NDArray[np.float64],
) -> Cuts:
    """Return what `separation.best_cuts` returns: of all cuts of each commodity the best."""
    parts = [star_cuts(paths, x, base, floor) for base in bases[kinds.stars]]
    parts += [chord_cuts(paths, x, base, floor) for base in bases[kinds.chords]]
    every = Cuts.join([*parts, *([tangent_cuts(paths, x, floor)] if kinds.tangents else [])])
    best = best_of_each(every.commodity, value := every.values(x))
    return every.take(best[value[best] > floor[every.commodity[best]]])


def chord_cuts(
    paths: Paths, x: NDArray[np.float64], base: NDArray[np.bool_], floor: NDArray[np.float64]
) -> Cuts:
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
    return _cuts(
        chosen.commodity, side, chosen.option, chords.value[:, None] * chords.slope, floor, x.size
    )


@dataclass(frozen=True)
class _Chords:
    """The chord cut of each of some paths."""

    #: (paths, width) whether the option belongs to T.
    inside: NDArray[np.bool_]
    #: (paths, width) 1 - rho_j outside T, and F(u_j) inside.
    slope: NDArray[np.float64]
    #: (paths,) g_P(T); 0 where it is too small to compute with.
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


def _best_chords(
    paths: Paths, x: NDArray[np.float64], base: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the path of each commodity whose chord cut is largest at x."""
    chords, point = _Chords.of(paths, base), np.append(x, 0.0)[paths.option]
    cut_value = chords.value * (
        1 - (chords.slope * np.where(chords.inside, point - 1, point)).sum(axis=1)
    )
    return best_of_each(paths.commodity, cut_value)


def tangent_cuts(paths: Paths, x: NDArray[np.float64], floor: NDArray[np.float64]) -> Cuts:
    """Return the tangent cut at x of every path; parameters as in `chord_cuts`."""
    point = np.append(x, 0.0)[paths.option]
    with np.errstate(divide="ignore"):
        depth = np.minimum(-np.log(paths.survival), STEEPEST)
    at = (depth * point).sum(axis=1)
    value = paths.value * np.exp(-at)
    return _cuts(
        paths.commodity, value * (1 + at), paths.option, value[:, None] * depth, floor, x.size
    )


def star_cuts(
    paths: Paths, x: NDArray[np.float64], base: NDArray[np.bool_], floor: NDArray[np.float64]
) -> Cuts:
    """Return for each commodity the star cut over its paths of largest value at x;
    parameters as in `chord_cuts`.
    """
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
        parts.append(
            (row, paths.option[used], np.minimum(drop, level[row, rung][:, None] * loss[row, rung]))
        )
        going = (after < last) & there[row, np.minimum(after, last - 1)]
        row, rung = row[going], after[going]
    rows, option, coefficient = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _cuts(commodity, side, option, coefficient, floor, x.size, rows)


def _best_sequence(
    level: NDArray[np.float64], loss: NDArray[np.float64], point: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return, by commodity and path, the largest value of a star cut that begins there,
    and the path that follows in it.

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
    commodity: NDArray[np.int64],
    value: NDArray[np.float64],
    point: NDArray[np.float64],
    loss: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the commodities, and for each at most `LONGEST_STAR` of its paths by
    falling value, -1 in the padding.

    Kept are paths that are touched less than every better one, where touched means the
    sum of x, or of x (1 - rho).
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


def _cuts(
    commodity: NDArray[np.int64],
    side: NDArray[np.float64],
    option: NDArray[np.int64],
    coefficient: NDArray[np.float64],
    floor: NDArray[np.float64],
    n_options: int,
    row: NDArray[np.int64] | None = None,
) -> Cuts:
    """Gather (lines, width) coefficients, line l part of cut row[l] (l itself if None),
    and lower each to a - L.

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


def fill(
    arrive: NDArray[np.float64],
    leave: NDArray[np.float64],
    prize: NDArray[np.float64],
    drive: NDArray[np.int64],
    leg: NDArray[np.float64],
    cells: int,
    most: int,
) -> None:
    """Fill the tables as `label_search._fill` does, all times within a slot at once."""
    whole = len(arrive) // 2 - 1
    column, flat = np.arange(len(prize)), arrive.ravel()
    for start in range(0, whole + 1, cells):
        row = np.arange(start, min(start + cells, whole + 1)) + whole + 1
        now = slice(row[0], row[-1] + 1)
        for slots in range(1, most + 1):
            before = leave[row[0] - slots * cells : row[-1] + 1 - slots * cells]
            np.maximum(arrive[now], before + prize[:, slots], out=arrive[now])
        at = (row[:, None, None] - drive) * column.size + column
        np.maximum(leave[now], (flat[at] + leg).max(axis=2), out=leave[now])


@dataclass(frozen=True, slots=True)
class _Extension:
    """A visit to add to a tour, or (post 0) a dwell to lengthen, with its gain per
    second, at a place in the tour, by so many slots.
    """

    rate: float
    place: int
    post: int
    slots: int


class Recreating(TourImprover):
    """A `TourImprover` that takes its steps by arrays."""

    def _recreated(self, posts: list[int], slots: list[int]) -> Tour:
        problem, power = self._problem, self._rng.uniform(*pricing.POWERS)
        shaking = self._rng.uniform(1 - pricing.SHAKE, 1 + pricing.SHAKE, problem.n + 1)
        left = problem.shift - seconds_of(problem, Tour(tuple(posts), tuple(slots)))
        self._dwell = problem.slot * np.arange(problem.most_slots + 1)
        while True:
            step = self._best_step(posts, slots, left, power, shaking)
            if step is None:
                return Tour(tuple(posts), tuple(slots))
            place, post = step.place, step.post
            if post:
                at = [0, *posts, 0]
                i, j = at[place], at[place + 1]
                left -= int(self._travel[i, post] + self._travel[post, j] - self._travel[i, j])
                posts.insert(place, post)
                slots.insert(place, step.slots)
            else:
                slots[place] += step.slots
            left -= step.slots * problem.slot

    def _best_step(
        self,
        posts: list[int],
        slots: list[int],
        left: int,
        power: float,
        shaking: NDArray[np.float64],
    ) -> _Extension | None:
        """Return the visit to add, or the dwell to lengthen, of the best rate; None
        where nothing fits.
        """
        problem = self._problem
        at = np.array([0, *posts, 0])
        i, j = at[:-1], at[1:]
        longer = self._travel[i] + self._travel[:, j].T - self._travel[i, j][:, None]
        gain = problem.leg[i] + problem.leg[:, j].T - problem.leg[i, j][:, None]
        longer[:, at] = 2 * problem.shift + 1
        place, post = np.nonzero(longer + problem.slot <= left)
        seconds = longer[place, post][:, None] + self._dwell[1:]
        rate = (
            _rate(gain[place, post][:, None] + self._prize[post, 1:], seconds, power)
            * shaking[post][:, None]
        )
        rate[seconds > left] = -1.0
        best = divmod(int(rate.argmax()), problem.most_slots) if rate.size else (0, 0)
        top = rate[best] if rate.size else -1.0
        if problem.most_slots > 1:
            other = self._best_stay(posts, slots, left, power, shaking)
            if other.rate > max(float(top), 0.0):
                return other
        return (
            _Extension(float(top), int(place[best[0]]), int(post[best[0]]), best[1] + 1)
            if top >= 0
            else None
        )

    def _best_stay(
        self,
        posts: list[int],
        slots: list[int],
        left: int,
        power: float,
        shaking: NDArray[np.float64],
    ) -> _Extension:
        """Return the longer dwell of the best rate, negative where none fits."""
        had = np.array(slots)[:, None]
        total = np.arange(self._problem.most_slots + 1)
        gain = self._prize[posts] - np.take_along_axis(self._prize[posts], had, axis=1)
        seconds = (total - had) * self._problem.slot
        rate = _rate(gain, seconds, power) * shaking[posts][:, None]
        rate[(seconds <= 0) | (seconds > left)] = -1.0
        place, slot = np.unravel_index(int(rate.argmax()), rate.shape)
        return _Extension(float(rate[place, slot]), int(place), 0, int(slot) - slots[place])


def _rate(
    gain: NDArray[np.float64], seconds: NDArray[np.int64], power: float
) -> NDArray[np.float64]:
    """Return the gain, raised to a power, per second; negative where nothing is gained
    but by a visit that takes no time.
    """
    return np.asarray(np.maximum(gain, 0.0) ** power / np.maximum(seconds, 1))
