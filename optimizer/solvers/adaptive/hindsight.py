"""The best plan once it is known who travelled where: the same plan in every period, or for one period alone.

With the flows f_r of the routes given, a plan lets sum_r f_r base_r prod_{j on r placed} s_j through; exchanges of the real solver
(`optimizer.solvers.mixed.defender`) look for the plan of least. What they find is feasible, so regret against it is at most the true one; on
small problems tests hold it against enumeration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.solvers.branch_and_cut.path_pool import Paths
from optimizer.solvers.mixed.defender import Exchanges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.solvers.adaptive.routes import RouteSet
    from optimizer.solvers.overlay.overlay import Overlay

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


NEGLIGIBLE = 1e-5
"""Share of all loads below which routes that meet the same options do not steer the exchanges."""


class Hindsight:
    """Finds best plans against given flows; routes that meet the same options with the same effect count as one.

    Parameters
    ----------
    instance, overlay
        The problem, without patrol teams, and its contraction.
    routes
        The routes.
    """

    def __init__(self, instance: Instance, overlay: Overlay, routes: RouteSet) -> None:
        self._exchanges = Exchanges(instance, overlay)
        self._base, n = routes.base, routes.n_options
        known: dict[tuple[tuple[int, float], ...], int] = {}
        group = np.empty(routes.pair.size, dtype=np.int64)
        for r, (option, survival) in enumerate(zip(routes.option.tolist(), routes.survival.tolist(), strict=True)):
            met: dict[int, float] = {}
            for j, s in zip(option, survival, strict=True):
                if j < n:
                    met[j] = met.get(j, 1.0) * s
            group[r] = known.setdefault(tuple(sorted(met.items())), len(known))
        self._group = group
        shape = (len(known), max([1, *map(len, known)]))
        options, survivals = np.full(shape, n, dtype=np.int64), np.ones(shape)
        for place, signature in enumerate(known):
            for column, (j, s) in enumerate(signature):
                options[place, column], survivals[place, column] = j, s
        self._paths = Paths(np.zeros(len(known), dtype=np.int64), np.ones(len(known)), options, survivals)

    def best(self, flow: Floats, starts: list[Mask]) -> Mask:
        """Return the best plan found against (routes,) flows by exchanges from each of some plans."""
        weight = np.bincount(self._group, flow * self._base, self._paths.value.size).astype(np.float64)
        steering = np.where(weight > NEGLIGIBLE * weight.sum(), weight, 0.0)
        self._exchanges.weigh(self._paths, steering)
        return min((self._exchanges.improved(start) for start in starts), key=self._exchanges.value)
