"""Paths of informed commodities as sequences of options, and the pool of those found by shortest-path searches at several prices.

A pool may also hold paths with detours (`detours`): they bound the value of a plan as paths do, and have weaker options.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.instance.evaders import arc_costs
from optimizer.solvers.branch_and_cut.lp.sparse_rows import places
from optimizer.solvers.branch_and_cut.paths.detours import Detour, DetourSearch
from optimizer.solvers.overlay.overlay import Links, bundle_links
from optimizer.solvers.overlay.searching import arranged, new_paths
from optimizer.solvers.search.kernels import SEARCH, kernel, ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.instance.evaders import Searches
    from optimizer.solvers.overlay.overlay import Overlay
    from optimizer.solvers.search.kernels import Floats, Floats2, Ints2, Mask

PRICES = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Factors of (1 - s) x in the arc costs of searches for paths, which are added to -ln r."""

SPREAD = np.int64(0x1E3779B97F4A7C15)
"""Odd number that the marks of a detour's arcs are multiplied by; 2 more where their options count as placed."""


@dataclass(frozen=True)
class Paths:
    """Paths as the options they meet, in rows of equal width, each filled up with an option that does not exist (position `n_options`).

    Attributes
    ----------
    commodity
        (paths,) the commodity of each.
    value
        (paths,) R: survivals multiplied along the path, nothing placed.
    option
        (paths, width) the options J(P), each once.
    survival
        (paths, width) rho: what each multiplies the value by; 1 in the padding.
    """

    commodity: NDArray[np.int64]
    value: NDArray[np.float64]
    option: NDArray[np.int64]
    survival: NDArray[np.float64]

    def values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (paths,) values under an (options + 1,) mask, the last of padding."""
        return path_values(self.value, self.option, self.survival, placed)

    def shares_left(self, present: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (paths,) share that so many of each of the (options + 1,) options leave, the last of which pads."""
        return _shares_left(self.option, self.survival, present)

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
    """Return the (paths,) values under an (options + 1,) mask; a row of a path ends with its first padding."""
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


@kernel
def _shares_left(option: Ints2, survival: Floats2, present: Floats) -> Floats:
    """Return the (paths,) products of survivals, each as often as its option is present, by (options + 1,) numbers >= 0."""
    shares = np.empty(option.shape[0])
    for p in range(option.shape[0]):
        share = 1.0
        for w in range(option.shape[1]):
            if option[p, w] == present.size - 1:
                break
            if present[option[p, w]] > 0:
                share *= survival[p, w] ** present[option[p, w]]
        shares[p] = share
    return shares


@dataclass(frozen=True)
class _FoundPaths:
    """Paths of one search.

    Attributes
    ----------
    commodity, value
        (paths,) whose they are, and survivals multiplied along the way, nothing placed.
    steps
        (2, steps) path and arc of each step along a watched arc.
    """

    commodity: NDArray[np.int64]
    value: NDArray[np.float64]
    steps: NDArray[np.int64]


@dataclass(frozen=True)
class PoolNews:
    """Paths that another pool may lack, and the (paths,) keys by which pools of one overlay know equal paths.

    Where the pool keeps them, with `PathPool.steps` and `around`, by the place of a path among these.
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
        # paths of one commodity whose arcs' marks have equal sums count as equal: by chance once in 2^63, and then one is lost
        self._mark = np.random.default_rng(0).integers(1, 2**63, overlay.tail.size)
        self._mark_of_commodity = np.random.default_rng(1).integers(1, 2**63, searches.leaf.size)
        self._keys = self._rising = np.empty(0, dtype=np.int64)
        none = _gather(overlay, np.empty(0, np.int64), np.empty(0), np.empty((2, 0), np.int64))
        self._grown = GrowingPaths(none, self.filling)
        self._detours: DetourSearch | None = None
        self.steps: list[NDArray[np.int64]] | None = None
        """Of a pool that keeps them: (2, steps) path and watched arc, the arcs of a path in their order (either way); None."""
        self.around: dict[int, dict[int, Detour]] = {}
        """Of a pool that keeps steps: for paths with detours, by first arc of a section, its detour."""

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
        pool._keys, pool._rising, pool._grown = self._keys, self._rising, GrowingPaths(paths, pool.filling)
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
        for steps in reversed(self.steps):  # paths of an array are all newer than those of the one before
            if steps.size and steps[0].max() < first:
                break
            last.append(steps)
        steps = np.concatenate([np.empty((2, 0), dtype=np.int64), *last[::-1]], axis=1)
        steps = steps[:, steps[0] >= first] - np.array([[first], [0]])
        around = {place - first: detours for place, detours in self.around.items() if place >= first}
        return PoolNews(paths, keys, steps, around)

    def merge(self, news: PoolNews) -> None:
        """Add the paths of another pool of the same overlay that are new here."""
        fresh = places(news.keys, self._rising) < 0
        if fresh.any():
            if self.steps is not None and news.steps is not None:
                place = self._keys.size + np.cumsum(fresh) - 1
                path, arc = news.steps[:, fresh[news.steps[0]]]
                self.steps.append(np.array((place[path], arc)))
                self.around |= {int(place[k]): detours for k, detours in news.around.items() if fresh[k]}
            self._know(news.keys[fresh])
            self._grown.add(news.paths.take(fresh))

    def keys_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the keys of paths by their places here."""
        return self._keys[places]

    def places_of(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places here of paths that are known, by their keys."""
        order = np.argsort(self._keys, kind="stable")
        return order[np.searchsorted(self._keys[order], keys)]

    def grow(self, x: NDArray[np.float64], base: NDArray[np.bool_]) -> int:
        """Add the best paths with `base` placed, with x of the other options penalised at every price; return how many are new.

        Parameters
        ----------
        x
            (options,) point in [0, 1].
        base
            (options,) mask of free options.
        """
        overlay, before = self._overlay, self.paths.commodity.size
        cost = arc_costs(overlay.arc_survival(base))
        present = overlay.presence(np.where(base, 0.0, x))
        watched = np.append(present, 0.0)[overlay.option] * (1 - overlay.survival)
        prices = PRICES if watched.any() else PRICES[:1]
        self._add([self._new(cost + price * watched) for price in prices])
        return self.paths.commodity.size - before

    def grow_around(self, x: NDArray[np.float64], single: NDArray[np.bool_]) -> int:
        """Add the best paths with detours at an (options,) point; return how many are new. `single` is that of `DetourSearch`."""
        self._detours = search = self._detours or DetourSearch(self._overlay, single)
        detours = search.at(self._overlay.presence(x))
        found = self._new(search.cost + detours.term, self._keys[:0])
        path, arc = found.steps
        mark, spread = self._mark.copy(), np.where(detours.counted, SPREAD + 2, SPREAD)
        np.add.at(mark, np.repeat(np.arange(mark.size), detours.length), self._mark[detours.arcs] * spread)
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
            links = bundle_links(links.row, links.option, links.survival, int(fresh.sum()), self._overlay.bundle)
        if self.steps is not None:
            self.steps.append(np.array((path + self.paths.value.size, arc)))
            for place, a in self.steps[-1][:, detours.length[arc] > 0].T.tolist():
                self.around.setdefault(place, {})[a] = search.detour(detours, a)
        self._grown.add(padded(found.commodity[fresh], found.value[fresh], links, self.filling))
        return int(fresh.sum())

    def add(self, commodity: NDArray[np.int64], arcs: Sequence[Sequence[int]]) -> int:
        """Add paths, each given by its commodity and its overlay arcs in order of travel; return how many are new."""
        if self.steps is not None and not self._searches.reverse:
            arcs = [path[::-1] for path in arcs]  # in the order in which `grow` finds them
        overlay, before = self._overlay, self.paths.commodity.size
        row = np.repeat(np.arange(commodity.size), [len(path) for path in arcs])
        arc = np.array([a for path in arcs for a in path], dtype=np.int64)
        value = np.ones(commodity.size)
        np.multiply.at(value, row, overlay.reliability[arc])
        met = overlay.option[arc] >= 0
        self._add([_FoundPaths(commodity, value, np.array((row[met], arc[met])))])
        return self.paths.commodity.size - before

    def _new(self, cost: NDArray[np.float64], known: NDArray[np.int64] | None = None) -> _FoundPaths:
        """Return the paths of least cost whose keys are not among the rising ones `known`, by default those of all paths."""
        overlay, searches = self._overlay, self._searches
        found = new_paths(
            *arranged(overlay, searches),
            cost,
            (overlay.head if searches.reverse else overlay.tail).astype(np.int64),
            overlay.reliability,
            overlay.option,
            self._mark,
            self._mark_of_commodity,
            self._rising if known is None else known,
        )
        some, steps = slice(found.n_paths), found.steps[:, : found.n_steps]
        return _FoundPaths(found.commodity[some], found.value[some], steps)

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
    overlay: Overlay, commodity: NDArray[np.int64], value: NDArray[np.float64], steps: NDArray[np.int64]
) -> Paths:
    """Return paths from the watched arcs they take, the arcs of one option on a path multiplied together."""
    n = overlay.free.size
    if overlay.bundle is not None:
        arcs = steps[1]
        links = bundle_links(steps[0], overlay.option[arcs], overlay.survival[arcs], commodity.size, overlay.bundle)
        return padded(commodity, value, links, n)
    key, entry = np.unique(steps[0] * n + overlay.option[steps[1]], return_inverse=True)
    survival = np.ones(key.size)
    np.multiply.at(survival, entry, overlay.survival[steps[1]])
    return padded(commodity, value, Links(key // n, key % n, survival), n)


def padded(
    commodity: NDArray[np.int64],
    value: NDArray[np.float64],
    links: Links,
    n_options: int,
) -> Paths:
    """Return paths from their links to options, sorted by path."""
    path = links.row
    rank = np.arange(path.size) - np.searchsorted(path, path)
    shape = (commodity.size, int(rank.max(initial=-1)) + 1)
    options, survivals = np.full(shape, n_options), np.ones(shape)
    options[path, rank], survivals[path, rank] = links.option, links.survival
    return Paths(commodity, value, options, survivals)


# Paths that are added to at their end: behind them is room for more, so that what is there is seldom copied.

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
        self.paths, self._room, self._filling = paths, paths, filling

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
