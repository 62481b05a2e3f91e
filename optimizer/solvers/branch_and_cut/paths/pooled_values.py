"""Values of plans over pooled paths: without a search of the network, and exact wherever the pool was refreshed.

The pooled value of a commodity under a plan is the largest over its pooled paths, at most the true one. An option more lowers it only if it is
on the commodity's best path, and then to the best of its paths with the option placed. So the gain of every option comes from one pass over
the paths of the commodities that it can lower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.solvers.search.compiled import kernels

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
    from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, Paths


LARGEST_TABLE = 20_000_000
"""Most options times paths for which a table of all of them is kept: gains are ten times faster with it."""


@dataclass(frozen=True)
class Gains:
    """What adding an option gains; 0 for those placed.

    Attributes
    ----------
    gain
        (options,) by how much the value over the pool falls with each option.
    most
        (options,) by how much it would fall if all paths but the best were closed.
    """

    gain: NDArray[np.float64]
    most: NDArray[np.float64]


class PooledValues:
    """Values of plans over the paths of a pool, and the chains.

    Parameters
    ----------
    commodities
        The terms of the value.
    pool
        Paths found so far; `refresh` adds to it.
    """

    def __init__(self, commodities: Commodities, pool: PathPool) -> None:
        self._commodities, self._pool = commodities, pool
        self._gather()

    def refresh(self, placed: NDArray[np.bool_]) -> None:
        """Add the best paths under an (options,) mask, so that its value becomes exact."""
        self._pool.grow(placed.astype(np.float64), placed)
        if self._gathered != self._pool.paths.commodity.size:  # others add to it as well
            self._gather()

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
        if (compiled := self._compiled) is not None:
            return Gains(*compiled.gains(*self._arrays, self._mask(placed)))
        paths, n = self._paths, placed.size
        values = paths.values(np.append(placed, False))
        best = self._best(values)
        weight = self._weights_at(best)
        first = self._first_at(values, best)
        commodity, slot = np.nonzero(np.append(~placed, False)[paths.option[first]] & (best > 0)[:, None])
        option = paths.option[first[commodity], slot]
        most = np.bincount(
            option, weight[commodity] * best[commodity] * (1 - paths.survival[first[commodity], slot]), n
        )
        if self._table is not None:
            return Gains(self._gains_of(np.unique(option), values, best, weight), most.astype(np.float64))
        # every pair (commodity, option on its best path) against every path of the commodity
        length = self._length[commodity]
        pair = np.repeat(np.arange(commodity.size), length)
        path = np.repeat(self._start[commodity] - np.cumsum(length) + length, length) + np.arange(length.sum())
        met = paths.option[path] == option[pair, None]
        left = values[path] * np.where(met, paths.survival[path], 1.0).prod(axis=1)
        after = np.maximum.reduceat(left, np.cumsum(length) - length) if length.size else left
        gain = np.bincount(option, weight[commodity] * (best[commodity] - after), n)
        return Gains(gain.astype(np.float64), most.astype(np.float64))

    def _gains_of(
        self,
        options: NDArray[np.int64],
        values: NDArray[np.float64],
        best: NDArray[np.float64],
        weight: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the (options,) gains, 0 but for some options: each of these against every path at once."""
        gain = np.zeros(self._pool.filling)
        for option in options.tolist():
            after = self._best(values * self._table[option])  # type: ignore[index]  # there is a table
            gain[option] = weighted_sum(weight, best - after)
        return gain

    def losses(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (options,) rise of the value over the pool without each option; 0 for those not placed."""
        if (compiled := self._compiled) is not None:
            return np.asarray(compiled.losses(*self._arrays, self._mask(placed)))
        best = self._best(self._paths.values(np.append(placed, False)))
        weight, loss = self._weights_at(best), np.zeros(placed.size)
        for option in np.flatnonzero(placed).tolist():
            fewer = placed.copy()
            fewer[option] = False
            touching = np.flatnonzero((self._paths.option == option).any(axis=1))
            without = best.copy()
            np.maximum.at(without, self._at[touching], self._paths.take(touching).values(np.append(fewer, False)))
            loss[option] = weighted_sum(weight, without - best)
        return loss

    def _weights_at(self, best: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of the commodities that have paths: over draws those of the draws that count at these values of theirs."""
        if self._commodities.weighting is None:
            return self._weight
        values = np.zeros(self._commodities.weight.size)
        values[self._commodity] = best
        return self._commodities.weights_at(values)[self._commodity]

    def _best(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum.reduceat(values, self._start) if self._start.size else np.empty(0)

    def _first_at(self, values: NDArray[np.float64], best: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return for each commodity the position of its first path of the best value."""
        at = np.flatnonzero(values >= np.repeat(best, self._length))
        return at[np.searchsorted(self._at[at], np.arange(best.size))] if at.size else at

    def _mask(self, placed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return an (options,) mask with the place of padding; compiled code would read beyond one of another size."""
        if placed.size != self._pool.filling:
            raise ValueError(f"a mask of {placed.size} options, where paths meet {self._pool.filling}")
        return np.append(placed, False)

    def _gather(self) -> None:
        """Sort the paths by commodity; commodities without a path of positive value add nothing and are left out."""
        self._gathered = self._pool.paths.commodity.size
        paths = self._pool.paths.joined(self._commodities.chains, self._pool.filling)
        self._paths: Paths = paths.take(np.argsort(paths.commodity, kind="stable"))
        commodity, self._start, self._at, self._length = np.unique(
            self._paths.commodity, return_index=True, return_inverse=True, return_counts=True
        )
        self._commodity, self._weight = commodity, self._commodities.weight[commodity]
        self._arrays = (
            np.append(self._start, self._at.size),
            self._weight,
            self._paths.value,
            self._paths.option,
            self._paths.survival,
        )
        self._table = self._every_share() if self._compiled is None else None

    @property
    def _compiled(self) -> ModuleType | None:
        """The compiled sums, if they pay by now; they know of no draws. A table that was made earlier is left unused then."""
        return None if self._commodities.weighting is not None else kernels("values", self._paths.option.size)

    def _every_share(self) -> NDArray[np.float64] | None:
        """Return the (options, paths) shares that options leave of paths; None where the table would be too large."""
        paths, n = self._paths, self._pool.filling
        if n * paths.value.size > LARGEST_TABLE:
            return None
        table = np.ones((n + 1, paths.value.size))
        table[paths.option, np.arange(paths.value.size)[:, None]] = paths.survival
        return table[:n]
