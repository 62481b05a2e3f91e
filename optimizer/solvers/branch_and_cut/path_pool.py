"""Paths of informed evaders as decisions see them, and the pool in which they are gathered by searches at many prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.evaders import TREE_CELLS, Searches, arc_costs
from optimizer.problem.graph import cost_graph
from optimizer.solvers.overlay.overlay import bundle_links

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimizer.solvers.overlay.overlay import Overlay

    _Found = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]
    """Units, values, and (2, steps) path and arc of each watched step."""

PRICES = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0)
"""What an option in the way costs in searches for paths: times (1 - s) x, beside -ln r."""


@dataclass(frozen=True)
class Paths:
    """Paths as decisions see them, in rows of equal width, filled up with an option that does not exist (position `n_options`).

    Attributes
    ----------
    unit
        (paths,) whose path it is.
    value
        (paths,) R: survivals multiplied along the path, nothing placed.
    option
        (paths, width) the options J(P), each once.
    survival
        (paths, width) rho: what each multiplies the value by; 1 in the filling.
    """

    unit: NDArray[np.int64]
    value: NDArray[np.float64]
    option: NDArray[np.int64]
    survival: NDArray[np.float64]

    def values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (paths,) values under an (options + 1,) mask."""
        return np.asarray(self.value * np.where(placed[self.option], self.survival, 1.0).prod(axis=1))

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Paths:
        """Return some of the paths."""
        return Paths(self.unit[rows], self.value[rows], self.option[rows], self.survival[rows])

    def joined(self, other: Paths, filling: int) -> Paths:
        """Return the paths of both, as wide as the wider."""
        width = max(self.option.shape[1], other.option.shape[1])
        options, survivals = [], []
        for part in (self, other):
            margin = ((0, 0), (0, width - part.option.shape[1]))
            options.append(np.pad(part.option, margin, constant_values=filling))
            survivals.append(np.pad(part.survival, margin, constant_values=1.0))
        return Paths(
            np.concatenate((self.unit, other.unit)),
            np.concatenate((self.value, other.value)),
            np.concatenate(options),
            np.concatenate(survivals),
        )


class PathPool:
    """The paths of informed evaders found so far; equal ones once.

    Parameters
    ----------
    overlay
        The problem.
    searches
        How the paths of the units are found.
    """

    def __init__(self, overlay: Overlay, searches: Searches) -> None:
        self._overlay, self._searches = overlay, searches
        # paths of one unit whose arcs' marks add up to the same count as equal: by accident once in 2^63, and then one is not kept
        self._mark = np.random.default_rng(0).integers(1, 2**63, overlay.tail.size)
        self._mark_of_unit = np.random.default_rng(1).integers(1, 2**63, searches.leaf.size)
        self._keys = np.empty(0, dtype=np.int64)
        self.paths = _gather(overlay, np.empty(0, np.int64), np.empty(0), np.empty((2, 0), np.int64))

    @property
    def filling(self) -> int:
        """The option that does not exist, which fills rows up."""
        return self._overlay.free.size

    def grow(self, x: NDArray[np.float64], base: NDArray[np.bool_]) -> int:
        """Add the best paths with `base` placed where options of share x are in the way, at every price; return how many are new.

        Parameters
        ----------
        x
            (options,) point in [0, 1].
        base
            (options,) mask of free options.
        """
        overlay, before = self._overlay, self.paths.unit.size
        cost = arc_costs(overlay.arc_survival(base))
        present = overlay.presence(np.where(base, 0.0, x))
        watched = np.append(present, 0.0)[overlay.option] * (1 - overlay.survival)
        prices = PRICES if watched.any() else PRICES[:1]
        self._add([found for price in prices for found in self._search(cost + price * watched)])
        return self.paths.unit.size - before

    def _search(self, cost: NDArray[np.float64]) -> Iterator[_Found]:
        """Yield the paths of least cost, of every unit that has one."""
        overlay, searches = self._overlay, self._searches
        graph = cost_graph(overlay.n_nodes, overlay.tail, overlay.head, cost, reverse=searches.reverse)
        step = max(1, TREE_CELLS // max(1, overlay.n_nodes))
        for start in range(0, searches.roots.size, step):
            before = graph.trees(searches.roots[start : start + step])[1]
            entering = np.array([graph.entering(tree) for tree in before])
            unit = np.flatnonzero((searches.row >= start) & (searches.row < start + step))
            unit = unit[before[searches.row[unit] - start, searches.leaf[unit]] >= 0]
            yield unit, *self._walk(before, entering, searches.row[unit] - start, searches.leaf[unit])

    def _walk(
        self, before: NDArray[np.int32], entering: NDArray[np.int64], row: NDArray[np.int64], node: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Go back from nodes to the roots of their trees, all paths at once.

        Returns the (paths,) survivals multiplied along the way, nothing placed, and the (2, steps) path and arc of each watched step.
        """
        overlay, walker = self._overlay, np.arange(row.size)
        value, steps = np.ones(row.size), [np.empty((2, 0), dtype=np.int64)]
        while walker.size:
            arc = entering[row, node]
            value[walker] *= overlay.reliability[arc]
            met = overlay.option[arc] >= 0
            steps.append(np.array((walker[met], arc[met])))
            node = before[row, node].astype(np.int64)
            going = before[row, node] >= 0
            walker, row, node = walker[going], row[going], node[going]
        return value, np.concatenate(steps, axis=1)

    def _add(self, found: list[_Found]) -> None:
        """Add the paths that are new."""
        if not found:
            return
        units, values, parts = zip(*found, strict=True)
        unit, value = np.concatenate(units), np.concatenate(values)
        first = np.cumsum([0, *(part.size for part in units[:-1])])
        steps = np.concatenate(parts, axis=1)
        steps[0] += np.repeat(first, [part.shape[1] for part in parts])
        key = self._mark_of_unit[unit].copy()
        np.add.at(key, steps[0], self._mark[steps[1]])  # wraps round, which is as good
        fresh = np.zeros(unit.size, dtype=bool)
        fresh[np.unique(key, return_index=True)[1]] = True
        fresh &= (value > 0) & ~np.isin(key, self._keys)
        self._keys = np.append(self._keys, key[fresh])
        met = fresh[steps[0]]
        renumbered = np.array(((np.cumsum(fresh) - 1)[steps[0][met]], steps[1][met]))
        new = _gather(self._overlay, unit[fresh], value[fresh], renumbered)
        self.paths = self.paths.joined(new, self.filling)


def _gather(overlay: Overlay, unit: NDArray[np.int64], value: NDArray[np.float64], steps: NDArray[np.int64]) -> Paths:
    """Return paths from the watched arcs they take, the arcs of one option on a path multiplied together."""
    n = overlay.free.size
    if overlay.bundle is not None:
        arcs = steps[1]
        links = bundle_links(steps[0], overlay.option[arcs], overlay.survival[arcs], unit.size, overlay.bundle)
        return padded(unit, value, *links, n)
    key, entry = np.unique(steps[0] * n + overlay.option[steps[1]], return_inverse=True)
    survival = np.ones(key.size)
    np.multiply.at(survival, entry, overlay.survival[steps[1]])
    return padded(unit, value, key // n, key % n, survival, n)


def padded(
    unit: NDArray[np.int64],
    value: NDArray[np.float64],
    path: NDArray[np.int64],
    option: NDArray[np.int64],
    survival: NDArray[np.float64],
    n_options: int,
) -> Paths:
    """Return paths from links (path, option, survival) sorted by path."""
    rank = np.arange(path.size) - np.searchsorted(path, path)
    shape = (unit.size, int(rank.max(initial=-1)) + 1)
    options, survivals = np.full(shape, n_options), np.ones(shape)
    options[path, rank], survivals[path, rank] = option, survival
    return Paths(unit, value, options, survivals)
