"""Values of plans over pooled paths: without a search of the network, and exact wherever the pool was refreshed.

The pooled value of a commodity under a plan is the largest over its pooled paths, at most the true one. An option more lowers it only if it is
on the commodity's best path, and then to the best of its paths with the option placed. So the gain of every option comes from one pass over
the paths of the commodities that it can lower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.solvers.search.kernels import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
    from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, Paths
    from optimizer.solvers.search.kernels import Floats, Floats2, Ints, Ints2, Mask


class Gains(NamedTuple):
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
        first, weight, values = self._at_mask(mask := self._mask(placed))
        return Gains(*_gains(first, weight, values, self._paths.option, self._paths.survival, mask))

    def losses(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (options,) rise of the value over the pool without each option; 0 for those not placed."""
        first, weight, values = self._at_mask(mask := self._mask(placed))
        return _losses(first, weight, values, self._paths.value, self._paths.option, self._paths.survival, mask)

    def _at_mask(self, mask: NDArray[np.bool_]) -> tuple[Ints, Floats, Floats]:
        """Return where the paths of each commodity start, the weights of commodities and the values of paths under a mask."""
        values = self._paths.values(mask)
        return self._first, self._weights_at(self._best(values)), values

    def _weights_at(self, best: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of the commodities that have paths: over draws those of the draws that count at these values of theirs."""
        if self._commodities.scenario_weights is None:
            return self._weight
        values = np.zeros(self._commodities.weight.size)
        values[self._commodity] = best
        return self._commodities.weights_at(values)[self._commodity]

    def _best(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum.reduceat(values, self._start) if self._start.size else np.empty(0)

    def _mask(self, placed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return an (options,) mask with the place of padding; compiled code would read beyond one of another size."""
        if placed.size != self._pool.filling:
            raise ValueError(f"a mask of {placed.size} options, where paths meet {self._pool.filling}")
        return np.append(placed, False)

    def _gather(self) -> None:
        """Sort the paths by commodity; commodities without a path of positive value add nothing and are left out."""
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
        # only an option on the best path can lower the value, and then to the best of all paths with the option placed
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


@kernel
def _losses(  # noqa: C901 - one loop over commodities
    start: Ints, weight: Floats, values: Floats, value: Floats, option: Ints2, survival: Floats2, placed: Mask
) -> Floats:
    """Return the (options,) rise of the value without each option, 0 for those not placed; parameters as in `_gains`, and (paths,) R."""
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
                # multiplied anew without the option: dividing by a survival of 0 is not to be
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
