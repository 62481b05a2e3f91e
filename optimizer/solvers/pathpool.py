"""Paths of informed evaders as decisions see them, and the pool in which they are gathered by searches at many prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.evaders import TREE_CELLS, Searches, arc_costs
from optimizer.graph import cost_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.overlay import Overlay

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
        self._mark = np.random.default_rng(0).integers(1, 2**63, overlay.tail.size)  # paths of equal sums of marks count as equal
        self._mark_of_unit = np.random.default_rng(1).integers(1, 2**63, searches.leaf.size)
        self._keys = np.empty(0, dtype=np.int64)
        self.paths = _gather(overlay, np.empty(0, np.int64), np.empty(0), np.empty((2, 0), np.int64))

    def grow(self, x: NDArray[np.float64], base: NDArray[np.bool_]) -> int:
        """Add the best paths with `base` placed where options of share x are in the way, for every price; return how many are new."""
        overlay, before = self._overlay, self.paths.unit.size
        survival = overlay.arc_survival(base)
        watched = np.append(np.where(base, 0.0, x), 0.0)[overlay.option] * (1 - overlay.survival)
        for price in PRICES:
            self._add(*self._walk(arc_costs(survival) + price * watched))
        return self.paths.unit.size - before

    def _walk(
        self, cost: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Return the units that arrive, the survivals along their cheapest paths, and the (2, steps) watched (position, arc) steps."""
        overlay, searches = self._overlay, self._searches
        graph = cost_graph(overlay.n_nodes, overlay.tail, overlay.head, cost, reverse=searches.reverse)
        units, values, steps = [], [], []
        step = max(1, TREE_CELLS // max(1, overlay.n_nodes))
        count = 0
        for start in range(0, searches.roots.size, step):
            here = np.flatnonzero((searches.row >= start) & (searches.row < start + step))
            before = graph.trees(searches.roots[start : start + step])[1]
            entering = np.array([graph.entering(tree) for tree in before])
            row, node = searches.row[here] - start, searches.leaf[here]
            value, walker = np.ones(here.size), np.arange(here.size)
            arrives = before[row, node] >= 0
            walker, row, node = walker[arrives], row[arrives], node[arrives]
            while walker.size:
                arc = entering[row, node]
                value[walker] *= overlay.reliability[arc]
                met = overlay.option[arc] >= 0
                steps.append(np.array((count + walker[met], arc[met])))
                node = before[row, node]
                going = before[row, node] >= 0
                walker, row, node = walker[going], row[going], node[going]
            units.append(here)
            values.append(np.where(arrives, value, 0.0))
            count += here.size
        return np.concatenate(units), np.concatenate(values), np.concatenate([np.empty((2, 0), np.int64), *steps], axis=1)

    def _add(self, unit: NDArray[np.int64], value: NDArray[np.float64], steps: NDArray[np.int64]) -> None:
        """Add the paths that are new."""
        key = self._mark_of_unit[unit].copy()
        np.add.at(key, steps[0], self._mark[steps[1]])  # wraps round, which is as good
        fresh = (value > 0) & ~np.isin(key, self._keys)
        self._keys = np.concatenate((self._keys, key[fresh]))
        position = np.cumsum(fresh) - 1
        kept = fresh[steps[0]]
        steps = np.array((position[steps[0][kept]], steps[1][kept]))
        self.paths = _stacked(self.paths, _gather(self._overlay, unit[fresh], value[fresh], steps))


def _gather(
    overlay: Overlay, unit: NDArray[np.int64], value: NDArray[np.float64], steps: NDArray[np.int64]
) -> Paths:
    """Return paths from the watched arcs they take, the arcs of one option on a path multiplied together."""
    n = overlay.free.size
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


def _stacked(above: Paths, below: Paths) -> Paths:
    """Return the paths of both, as wide as the wider."""
    n, width = above.unit.size, max(above.option.shape[1], below.option.shape[1])
    filling = int(max(above.option.max(initial=0), below.option.max(initial=0)))
    option, survival = np.full((n + below.unit.size, width), filling), np.ones((n + below.unit.size, width))
    option[:n, : above.option.shape[1]], survival[:n, : above.option.shape[1]] = above.option, above.survival
    option[n:, : below.option.shape[1]], survival[n:, : below.option.shape[1]] = below.option, below.survival
    return Paths(np.concatenate((above.unit, below.unit)), np.concatenate((above.value, below.value)), option, survival)
