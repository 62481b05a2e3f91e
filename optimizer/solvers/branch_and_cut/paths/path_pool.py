"""Paths of informed commodities as sequences of options, and the pool of those found by
shortest-path searches at several prices.

A pool may also hold paths with detours (`detours`): they bound the value of a plan as
paths do, and have weaker options.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import (
    Floats,
    Floats2,
    Ints,
    Ints2,
    Mask,
    kernel,
    rare_kernel,
    ready,
)
from optimizer.problem.instance.evaders import Searches, arc_costs
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.solvers.branch_and_cut.lp.linear_program import places
from optimizer.solvers.branch_and_cut.paths.detours import Detour, DetourSearch
from optimizer.solvers.kernel_modules import SEARCH
from optimizer.solvers.overlay.overlay import Links, Overlay, bundle_links
from optimizer.solvers.overlay.searching import Arranged, arranged, new_paths

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.paths.commodities import Commodities


PRICES = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Factors of (1 - s) x in the arc costs of searches for paths, which are added to -ln r."""

SPREAD = np.int64(0x1E3779B97F4A7C15)
"""Odd number that the marks of a detour's arcs are multiplied by; 2 more where their
options count as placed.
"""


@dataclass(frozen=True)
class Paths:
    """Paths as the options they meet, in rows of equal width, each filled up with an
    option that does not exist (position `n_options`).
    """

    #: (paths,) the commodity of each.
    commodity: NDArray[np.int64]
    #: (paths,) R: survivals multiplied along the path, nothing placed.
    value: NDArray[np.float64]
    #: (paths, width) the options J(P), each once.
    option: NDArray[np.int64]
    #: (paths, width) rho: what each multiplies the value by; 1 in the padding.
    survival: NDArray[np.float64]

    def values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (paths,) values under an (options + 1,) mask, the last of padding."""
        return path_values(self.value, self.option, self.survival, placed)

    def best_under(
        self,
        placed: NDArray[np.bool_],
        present: NDArray[np.float64],
        among: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """Return the position of the path of largest value of each commodity that has
        paths, the first one of several.

        Under an (options + 1,) mask, and so many of each of the (options + 1,) options,
        none of them in the mask; the last pads. `among` are the positions that are
        looked at, by default all.
        """
        count = int(self.commodity.max(initial=-1)) + 1
        among = np.arange(self.value.size) if among is None else among
        best = _best_under(
            self.commodity, self.value, self.option, self.survival, placed, present, among, count
        )
        return best[best >= 0]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Paths:
        """Return some of the paths."""
        return Paths(self.commodity[rows], self.value[rows], self.option[rows], self.survival[rows])

    def joined(self, other: Paths, filling: int) -> Paths:
        """Return the paths of both, as wide as the wider."""
        width = max(self.option.shape[1], other.option.shape[1])
        options, survivals = [], []
        for part in (self, other):
            option, survival = part.option, part.survival
            if more := width - option.shape[1]:
                margin = ((0, 0), (0, more))
                option, survival = (
                    np.pad(option, margin, constant_values=filling),
                    np.pad(survival, margin, constant_values=1.0),
                )
            options.append(option)
            survivals.append(survival)
        return Paths(
            np.concatenate((self.commodity, other.commodity)),
            np.concatenate((self.value, other.value)),
            np.concatenate(options),
            np.concatenate(survivals),
        )


@kernel
def path_values(value: Floats, option: Ints2, survival: Floats2, placed: Mask) -> Floats:
    """Return the (paths,) values under an (options + 1,) mask; a row of a path ends
    with its first padding.
    """
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


@rare_kernel
def _best_under(  # noqa: C901 - one loop over paths
    commodity: Ints,
    value: Floats,
    option: Ints2,
    survival: Floats2,
    placed: Mask,
    present: Floats,
    among: Ints,
    count: int,
) -> Ints:
    """Return the (count,) position of the best path of each commodity, as
    `Paths.best_under` asks for it; -1 where there is none.
    """
    best, most = np.empty(count, dtype=np.int64), np.empty(count)
    for u in range(count):
        best[u], most[u] = -1, -1.0
    for place in range(among.size):
        p = among[place]
        if value[p] <= most[commodity[p]]:
            continue  # options only take off
        product, share = 1.0, 1.0
        for w in range(option.shape[1]):
            if option[p, w] == placed.size - 1:
                break
            if placed[option[p, w]]:
                product *= survival[p, w]
        if value[p] * product <= most[commodity[p]]:
            continue  # what is present only takes more off
        for w in range(option.shape[1]):
            if option[p, w] == present.size - 1:
                break
            if present[option[p, w]] > 0:
                share *= survival[p, w] ** present[option[p, w]]
                if value[p] * product * share <= most[commodity[p]]:
                    break
        if value[p] * product * share > most[commodity[p]]:
            best[commodity[p]], most[commodity[p]] = p, value[p] * product * share
    return best


@dataclass(frozen=True)
class _FoundPaths:
    """Paths of one search."""

    #: `commodity`, `value`: (paths,) whose they are, and survivals multiplied along the
    #: way, nothing placed.
    commodity: NDArray[np.int64]
    value: NDArray[np.float64]
    #: (2, steps) path and arc of each step along a watched arc.
    steps: NDArray[np.int64]
    #: (commodities,) whose best path bears a penalty.
    weighed: NDArray[np.bool_]


@dataclass(frozen=True)
class PoolNews:
    """Paths that another pool may lack, and the (paths,) keys by which pools of one
    overlay know equal paths.

    Where the pool keeps them, with `PathPool.steps` and `around`, by the place of a
    path among these.
    """

    paths: Paths
    keys: NDArray[np.int64]
    steps: NDArray[np.int64] | None = None
    around: dict[int, dict[int, Detour]] = field(default_factory=dict)


class PathPool:
    """The paths of informed evaders found so far; equal ones once.

    Parameters
    ----------
    overlay
        The problem.
    searches
        How the paths of the commodities are found.
    """

    def __init__(self, overlay: Overlay, searches: Searches) -> None:
        ready(SEARCH, overlay.tail.size * searches.leaf.size)
        self._overlay, self._searches = overlay, searches
        # paths of one commodity whose arcs' marks have equal sums count as equal: by
        # chance once in 2^63, and then one is lost
        self._mark = np.random.default_rng(0).integers(1, 2**63, overlay.tail.size)
        self._mark_of_commodity = np.random.default_rng(1).integers(1, 2**63, searches.leaf.size)
        self._keys = self._rising = np.empty(0, dtype=np.int64)
        none = _gather(overlay, np.empty(0, np.int64), np.empty(0), np.empty((2, 0), np.int64))
        self._grown = GrowingPaths(none, self.filling)
        self._detours: DetourSearch | None = None
        self.steps: list[NDArray[np.int64]] | None = None
        """Of a pool that keeps them: (2, steps) path and watched arc, the arcs of a
        path in their order (either way); None.
        """
        self.around: dict[int, dict[int, Detour]] = {}
        """Of a pool that keeps steps: for paths with detours, by first arc of a
        section, its detour.
        """

    @property
    def paths(self) -> Paths:
        """The paths found so far, in the order in which they were found."""
        return self._grown.paths

    @property
    def overlay(self) -> Overlay:
        """The overlay whose paths they are."""
        return self._overlay

    def over(self, overlay: Overlay, paths: Paths) -> PathPool:
        """Return a pool of the same paths over other options on the same arcs."""
        pool = PathPool(overlay, self._searches)
        pool._keys = self._keys
        pool._rising = self._rising
        pool._grown = GrowingPaths(paths, pool.filling)
        return pool

    @property
    def filling(self) -> int:
        """The option that does not exist, which pads rows."""
        return self._overlay.free.size

    def since(self, first: int) -> PoolNews:
        """Return the paths from the `first`-th on, in the order in which they were found."""
        paths, keys = self.paths.take(np.arange(first, self._keys.size)), self._keys[first:]
        if self.steps is None:
            return PoolNews(paths, keys)
        last: list[NDArray[np.int64]] = []
        # paths of an array are all newer than those of the one before
        for steps in reversed(self.steps):
            if steps.size and steps[0].max() < first:
                break
            last.append(steps)
        steps = np.concatenate([np.empty((2, 0), dtype=np.int64), *last[::-1]], axis=1)
        steps = steps[:, steps[0] >= first] - np.array([[first], [0]])
        around = {
            place - first: detours for place, detours in self.around.items() if place >= first
        }
        return PoolNews(paths, keys, steps, around)

    def merge(self, news: PoolNews) -> None:
        """Add the paths of another pool of the same overlay that are new here."""
        fresh = places(news.keys, self._rising) < 0
        if fresh.any():
            if self.steps is not None and news.steps is not None:
                place = self._keys.size + np.cumsum(fresh) - 1
                path, arc = news.steps[:, fresh[news.steps[0]]]
                self.steps.append(np.array((place[path], arc)))
                self.around |= {
                    int(place[k]): detours for k, detours in news.around.items() if fresh[k]
                }
            self._know(news.keys[fresh])
            self._grown.add(news.paths.take(fresh))

    def keys_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the keys of paths by their places here."""
        return self._keys[places]

    def places_of(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places here of paths that are known, by their keys."""
        order = np.argsort(self._keys, kind="stable")
        return order[np.searchsorted(self._keys[order], keys)]

    def grow(
        self,
        x: NDArray[np.float64],
        base: NDArray[np.bool_],
        among: NDArray[np.bool_] | None = None,
    ) -> int:
        """Add the best paths with `base` placed, with x of the other options penalised
        at every price; return how many are new.

        A path that is best at some price and bears no penalty is best at higher ones:
        its commodity is not searched for again.

        Parameters
        ----------
        x
            (options,) point in [0, 1].
        base
            (options,) mask of free options.
        among
            (informed commodities,) mask of those that are searched for, by default all.
        """
        overlay, before = self._overlay, self.paths.commodity.size
        cost = arc_costs(overlay.arc_survival(base))
        present = overlay.presence(np.where(base, 0.0, x))
        watched = np.append(present, 0.0)[overlay.option] * (1 - overlay.survival)
        found, search = list[_FoundPaths](), arranged(overlay, self._searches)
        search = search if among is None else search.only(among)
        for price in PRICES:
            found.append(self._new(cost + price * watched, search, watched))
            if not found[-1].weighed.any():
                break
            search = search.only(found[-1].weighed)
        self._add(found)
        return self.paths.commodity.size - before

    def grow_around(self, x: NDArray[np.float64], single: NDArray[np.bool_]) -> int:
        """Add the best paths with detours at an (options,) point; return how many are
        new. `single` is that of `DetourSearch`.
        """
        self._detours = search = self._detours or DetourSearch(self._overlay, single)
        detours = search.at(self._overlay.presence(x))
        cost = search.cost + detours.term
        found = self._new(
            cost, arranged(self._overlay, self._searches), np.zeros(cost.size), self._keys[:0]
        )
        path, arc = found.steps
        mark, spread = self._mark.copy(), np.where(detours.counted, SPREAD + 2, SPREAD)
        np.add.at(
            mark, np.repeat(np.arange(mark.size), detours.length), self._mark[detours.arcs] * spread
        )
        key = self._mark_of_commodity[found.commodity].copy()
        np.add.at(key, path, mark[arc])
        fresh = np.zeros(key.size, dtype=bool)
        fresh[np.unique(key, return_index=True)[1]] = True
        fresh &= (found.value > 0) & (places(key, self._rising) < 0)
        self._know(key[fresh])
        met = fresh[path]
        path, arc = (np.cumsum(fresh) - 1)[path[met]], arc[met]
        links = search.links(path, arc, detours)
        if self._overlay.bundle is not None:
            links = bundle_links(
                links.row, links.option, links.survival, int(fresh.sum()), self._overlay.bundle
            )
        if self.steps is not None:
            self.steps.append(np.array((path + self.paths.value.size, arc)))
            for place, a in self.steps[-1][:, detours.length[arc] > 0].T.tolist():
                self.around.setdefault(place, {})[a] = search.detour(detours, a)
        self._grown.add(padded(found.commodity[fresh], found.value[fresh], links, self.filling))
        return int(fresh.sum())

    def add(self, commodity: NDArray[np.int64], arcs: Sequence[Sequence[int]]) -> int:
        """Add paths, each given by its commodity and its overlay arcs in order of
        travel; return how many are new.
        """
        if self.steps is not None and not self._searches.reverse:
            arcs = [path[::-1] for path in arcs]  # in the order in which `grow` finds them
        overlay, before = self._overlay, self.paths.commodity.size
        row = np.repeat(np.arange(commodity.size), [len(path) for path in arcs])
        arc = np.array([a for path in arcs for a in path], dtype=np.int64)
        value = np.ones(commodity.size)
        np.multiply.at(value, row, overlay.reliability[arc])
        met = overlay.option[arc] >= 0
        self._add(
            [_FoundPaths(commodity, value, np.array((row[met], arc[met])), np.zeros(0, dtype=bool))]
        )
        return self.paths.commodity.size - before

    def _new(
        self,
        cost: NDArray[np.float64],
        search: Arranged,
        weight: NDArray[np.float64],
        known: NDArray[np.int64] | None = None,
    ) -> _FoundPaths:
        """Return the paths of least cost whose keys are not among the rising ones
        `known`, by default those of all paths.
        """
        overlay = self._overlay
        found = new_paths(
            *search,
            cost,
            overlay.reliability,
            overlay.option,
            weight,
            self._mark,
            self._mark_of_commodity,
            self._rising if known is None else known,
        )
        some, steps = slice(found.n_paths), found.steps[:, : found.n_steps]
        return _FoundPaths(found.commodity[some], found.value[some], steps, found.weighed)

    def _know(self, keys: NDArray[np.int64]) -> None:
        """Remember the keys of paths that are added."""
        self._keys = np.append(self._keys, keys)
        rising = np.sort(keys)
        self._rising = np.insert(self._rising, np.searchsorted(self._rising, rising), rising)

    def _add(self, found: list[_FoundPaths]) -> None:
        """Add the paths that are new."""
        if not found:
            return
        commodity = np.concatenate([paths.commodity for paths in found])
        value = np.concatenate([paths.value for paths in found])
        steps = np.concatenate([paths.steps for paths in found], axis=1)
        first = np.cumsum([0, *(paths.commodity.size for paths in found[:-1])])
        steps[0] += np.repeat(first, [paths.steps.shape[1] for paths in found])
        key = self._mark_of_commodity[commodity].copy()
        np.add.at(key, steps[0], self._mark[steps[1]])  # integer overflow wraps, which does no harm
        fresh = np.zeros(commodity.size, dtype=bool)
        fresh[np.unique(key, return_index=True)[1]] = True
        fresh &= (value > 0) & (places(key, self._rising) < 0)
        self._know(key[fresh])
        met = fresh[steps[0]]
        renumbered = np.array(((np.cumsum(fresh) - 1)[steps[0][met]], steps[1][met]))
        if self.steps is not None:
            self.steps.append(renumbered + np.array([[self.paths.value.size], [0]]))
        self._grown.add(_gather(self._overlay, commodity[fresh], value[fresh], renumbered))


def _gather(
    overlay: Overlay,
    commodity: NDArray[np.int64],
    value: NDArray[np.float64],
    steps: NDArray[np.int64],
) -> Paths:
    """Return paths from the watched arcs they take, the arcs of one option on a path
    multiplied together.
    """
    n = overlay.free.size
    if overlay.bundle is not None:
        arcs = steps[1]
        links = bundle_links(
            steps[0], overlay.option[arcs], overlay.survival[arcs], commodity.size, overlay.bundle
        )
        return padded(commodity, value, links, n)
    key, entry = np.unique(steps[0] * n + overlay.option[steps[1]], return_inverse=True)
    survival = np.ones(key.size)
    np.multiply.at(survival, entry, overlay.survival[steps[1]])
    return padded(commodity, value, Links(key // n, key % n, survival), n)


def padded(
    commodity: NDArray[np.int64], value: NDArray[np.float64], links: Links, n_options: int
) -> Paths:
    """Return paths from their links to options, sorted by path."""
    path = links.row
    rank = np.arange(path.size) - np.searchsorted(path, path)
    shape = (commodity.size, int(rank.max(initial=-1)) + 1)
    options, survivals = np.full(shape, n_options), np.ones(shape)
    options[path, rank], survivals[path, rank] = links.option, links.survival
    return Paths(commodity, value, options, survivals)


# Paths that are added to at their end: behind them is room for more, so that what is
# there is seldom copied.

GROWTH = 1.5
"""Room that is made, in multiples of what is needed."""


class GrowingPaths:
    """Paths, whose arrays begin larger ones; those given out before stay as they are.

    Parameters
    ----------
    paths
        The first.
    filling
        Option that pads rows.

    Attributes
    ----------
    paths
        All of them.
    """

    def __init__(self, paths: Paths, filling: int) -> None:
        self.paths = paths
        self._room = paths
        self._filling = filling

    def add(self, more: Paths) -> None:
        """Add paths."""
        first, width = self.paths.value.size, more.option.shape[1]
        last = first + more.value.size
        if last > self._room.value.size or width > self._room.option.shape[1]:
            self._make_room(last, max(width, self._room.option.shape[1]))
        room, new = self._room, slice(first, last)
        room.commodity[new], room.value[new] = more.commodity, more.value
        room.option[new, :width], room.survival[new, :width] = more.option, more.survival
        room.option[new, width:], room.survival[new, width:] = self._filling, 1.0
        self.paths = room.take(slice(last))

    def _make_room(self, size: int, width: int) -> None:
        old, rows = self.paths, int(GROWTH * size)
        n, taken = old.option.shape
        option, survival = np.empty((rows, width), dtype=old.option.dtype), np.empty((rows, width))
        option[:n, :taken], survival[:n, :taken] = old.option, old.survival
        option[:n, taken:], survival[:n, taken:] = self._filling, 1.0
        commodity, value = np.empty(rows, dtype=old.commodity.dtype), np.empty(rows)
        commodity[:n], value[:n] = old.commodity, old.value
        self._room = type(old)(commodity, value, option, survival)


# Values of plans over pooled paths: without a search of the network, and exact wherever
# the pool was refreshed.
#
# The pooled value of a commodity under a plan is the largest over its pooled paths, at
# most the true one. An option more lowers it only if it is on the commodity's best
# path, and then to the best of its paths with the option placed. So the gain of every
# option comes from one pass over the paths of the commodities that it can lower.


class Gains(NamedTuple):
    """What adding an option gains; 0 for those placed."""

    #: (options,) by how much the value over the pool falls with each option.
    gain: NDArray[np.float64]
    #: (options,) by how much it would fall if all paths but the best were closed.
    most: NDArray[np.float64]


REMEMBERED = 4
"""Masks that are kept of those whose values the pool has exactly."""


class PooledValues:
    """Values of plans over the paths of a pool, and the fixed routes.

    Parameters
    ----------
    commodities
        The terms of the value.
    pool
        Paths found so far; `refresh` adds to it.
    """

    def __init__(self, commodities: Commodities, pool: PathPool) -> None:
        self._commodities, self._pool = commodities, pool
        self._exact: list[NDArray[np.bool_]] = []
        self._gather()

    def refresh(self, placed: NDArray[np.bool_]) -> None:
        """Add the best paths under an (options,) mask, so that its value becomes exact.

        A commodity whose best path under fewer options meets none of the others keeps
        it: only the rest are searched for.
        """
        fewer = [mask for mask in self._exact if not (mask & ~placed).any()]
        most = max(fewer, key=np.count_nonzero, default=None)
        among = None if most is None else self._values(placed) < self._values(most)
        if among is None or among.any():
            self._pool.grow(placed.astype(np.float64), placed, among)
        if self._gathered != self._pool.paths.commodity.size:  # others add to it as well
            self._gather()
        self._exact = [*self._exact, placed.copy()][-REMEMBERED:]

    def _values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (informed commodities,) values of a mask over the pool."""
        values = np.zeros(self._commodities.weight.size)
        values[self._commodity] = self._best(self._paths.values(self._mask(placed)))
        return values[: self._commodities.searches.leaf.size]

    @property
    def knows(self) -> bool:
        """Whether there are paths."""
        return bool(self._gathered)

    def value(self, placed: NDArray[np.bool_]) -> float:
        """Return the value of an (options,) mask over the pool, at most the true one."""
        best = self._best(self._paths.values(self._mask(placed)))
        return weighted_sum(self._weights_at(best), best)

    def gains(self, placed: NDArray[np.bool_]) -> Gains:
        """Return the gain of each option that is added to an (options,) mask."""
        first, weight, values = self._at_mask(mask := self._mask(placed))
        return Gains(*_gains(first, weight, values, self._paths.option, self._paths.survival, mask))

    def losses(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (options,) rise of the value over the pool without each option; 0
        for those not placed.
        """
        first, weight, values = self._at_mask(mask := self._mask(placed))
        return _losses(
            first, weight, values, self._paths.value, self._paths.option, self._paths.survival, mask
        )

    def _at_mask(self, mask: NDArray[np.bool_]) -> tuple[Ints, Floats, Floats]:
        """Return where the paths of each commodity start, the weights of commodities
        and the values of paths under a mask.
        """
        values = self._paths.values(mask)
        return self._first, self._weights_at(self._best(values)), values

    def _weights_at(self, best: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of the commodities that have paths: over draws those of
        the draws that count at these values of theirs.
        """
        if self._commodities.scenario_weights is None:
            return self._weight
        values = np.zeros(self._commodities.weight.size)
        values[self._commodity] = best
        return self._commodities.weights_at(values)[self._commodity]

    def _best(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum.reduceat(values, self._start) if self._start.size else np.empty(0)

    def _mask(self, placed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return an (options,) mask with the place of padding; compiled code would read
        beyond one of another size.
        """
        if placed.size != self._pool.filling:
            raise ValueError(
                f"a mask of {placed.size} options, where paths meet {self._pool.filling}"
            )
        return np.append(placed, False)

    def _gather(self) -> None:
        """Sort the paths by commodity; commodities without a path of positive value add
        nothing and are left out.
        """
        self._gathered = self._pool.paths.commodity.size
        paths = self._pool.paths.joined(self._commodities.fixed_routes, self._pool.filling)
        self._paths: Paths = paths.take(np.argsort(paths.commodity, kind="stable"))
        self._commodity, self._start = np.unique(self._paths.commodity, return_index=True)
        self._weight = self._commodities.weight[self._commodity]
        self._first = np.append(self._start, self._paths.value.size)


@kernel
def _gains(  # noqa: C901 - one loop over commodities
    start: Ints, weight: Floats, values: Floats, option: Ints2, survival: Floats2, placed: Mask
) -> tuple[Floats, Floats]:
    """Return `Gains`.

    Parameters
    ----------
    start, weight
        (commodities + 1,) where the paths of each start, and (commodities,) weights.
    values, option, survival
        Paths by commodity: values under the mask, and as in `path_pool.Paths`.
    placed
        (options + 1,) mask; the last is padding.
    """
    n, width = placed.size - 1, option.shape[1]
    gain, most = np.zeros(n), np.zeros(n)
    for u in range(weight.size):
        best, first = 0.0, -1
        for p in range(start[u], start[u + 1]):
            if values[p] > best:
                best, first = values[p], p
        if first < 0:
            continue
        # only an option on the best path can lower the value, and then to the best of
        # all paths with the option placed
        for w in range(width):
            j = option[first, w]
            if j == n or placed[j]:
                continue
            most[j] += weight[u] * best * (1 - survival[first, w])
            after = 0.0
            for p in range(start[u], start[u + 1]):
                left = values[p]
                if left <= after:  # no option raises it
                    continue
                for v in range(width):
                    if option[p, v] == j:
                        left *= survival[p, v]
                        break
                after = max(after, left)
            gain[j] += weight[u] * (best - after)
    return gain, most


@rare_kernel
def _losses(  # noqa: C901 - one loop over commodities
    start: Ints,
    weight: Floats,
    values: Floats,
    value: Floats,
    option: Ints2,
    survival: Floats2,
    placed: Mask,
) -> Floats:
    """Return the (options,) rise of the value without each option, 0 for those not
    placed; parameters as in `_gains`, and (paths,) R.
    """
    n, width = placed.size - 1, option.shape[1]
    loss, without = np.zeros(n), np.zeros(n)
    touched = np.empty(n, dtype=np.int64)
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
                # multiplied anew without the option: dividing by a survival of 0 is not
                # to be
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
        for k in range(count):  # `without` is all 0 again for the next commodity
            loss[touched[k]] += weight[u] * (without[touched[k]] - best)
            without[touched[k]] = 0.0
    return loss
