"""Chains: habitual routes as the options they meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.problem.evaders import arc_costs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance


@dataclass(frozen=True)
class Chains:
    """Habitual routes as the options they meet; routes that meet the same options with the same survivals are one chain.

    Attributes
    ----------
    value
        (chains,) R: evader weight, route share and survival multiplied, forced options included, free ones not; summed over its routes.
    chain, option, survival
        (links,) which chain meets which free option, and rho: what the option multiplies its value by. Sorted by chain, then option.
    members
        (chains, evaders) sparse: what a unit of each evader's weight adds to R; None where options are parts of others.
    """

    value: NDArray[np.float64]
    chain: NDArray[np.int64]
    option: NDArray[np.int64]
    survival: NDArray[np.float64]
    members: csr_array | None = None

    def values(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (chains,) values under an (options,) mask."""
        met = placed[self.option]
        values = self.value.copy()
        np.multiply.at(values, self.chain[met], self.survival[met])
        return values


def chains_of(instance: Instance, base: NDArray[np.float64], free: NDArray[np.bool_]) -> Chains:
    """Return the routes of habitual evaders, the arcs of one option on a route multiplied together."""
    option, arc, survival = instance.effects
    kept = free[option]
    habits = instance.habits
    n_options, n_arcs = len(instance.options), instance.tail.size
    # -ln rho of every (route, option): how often the route travels each arc, times what the option does there
    effect = csr_array((arc_costs(survival[kept]), (arc[kept], option[kept])), shape=(n_arcs, n_options))
    cost = csr_array(habits.arcs @ effect)
    cost.sort_indices()
    weight = np.array([evader.weight for evader in instance.evaders])[habits.evader] * habits.share
    through = np.exp(-(habits.arcs @ arc_costs(base)))
    value = weight * through
    total: dict[tuple[bytes, bytes], float] = {}
    links: dict[tuple[bytes, bytes], slice] = {}
    place: dict[tuple[bytes, bytes], int] = {}
    of_route: list[int] = []
    routes = np.flatnonzero(value)
    for route in routes.tolist():
        span = slice(int(cost.indptr[route]), int(cost.indptr[route + 1]))
        key = (cost.indices[span].tobytes(), cost.data[span].tobytes())
        links.setdefault(key, span)
        place.setdefault(key, len(place))
        of_route.append(place[key])
        total[key] = total.get(key, 0.0) + float(value[route])
    entry = np.concatenate([np.arange(span.start, span.stop) for span in links.values()] or [np.empty(0)]).astype(int)
    return Chains(
        value=np.array(list(total.values()), dtype=np.float64),
        chain=np.repeat(np.arange(len(links)), [span.stop - span.start for span in links.values()]).astype(np.int64),
        option=cost.indices[entry].astype(np.int64),
        survival=np.exp(-cost.data[entry]),
        members=csr_array(
            ((habits.share * through)[routes], (np.array(of_route, dtype=np.int64), habits.evader[routes])),
            shape=(len(links), len(instance.evaders)),
        ),
    )
