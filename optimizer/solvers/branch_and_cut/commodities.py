"""Commodities: the informed evaders of one origin and destination as one, and chains of habitual routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.problem.evaders import Evader, Searches
from optimizer.solvers.branch_and_cut.path_pool import Paths, padded
from optimizer.solvers.branch_and_cut.separation import Cuts, best_of_each
from optimizer.solvers.overlay.overlay import Links, repeated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.overlay.overlay import Overlay

GROUPS = 150
"""Most groups of informed commodities, and of chains."""


@dataclass(frozen=True)
class Commodities:
    """Informed commodities first, then chains; the value of a plan is the weighted sum of theirs.

    Attributes
    ----------
    searches
        How the paths of the informed ones are found.
    chains
        The chains as paths.
    weight, start, floor
        (commodities,) p_u, R_u (value with nothing but forced options placed), L_u (with everything placed).
    group
        (commodities,) the group of each.
    """

    searches: Searches
    chains: Paths
    weight: NDArray[np.float64]
    start: NDArray[np.float64]
    floor: NDArray[np.float64]
    group: NDArray[np.int64]

    @classmethod
    def of(cls, overlay: Overlay, times: NDArray[np.int64] | None = None) -> Commodities:
        """Gather the commodities of an overlay; groups are evaders of one end, or chains that meet the same first options.

        Floors are values with each option placed as often as it can be: (options,) `times`, by default once.
        """
        n, routes = overlay.n_nodes, overlay.chains
        ends, commodity = np.unique(overlay.origin * n + overlay.destination, return_inverse=True)
        searches = Searches.of([Evader("", end // n, end % n, 1.0) for end in ends.tolist()])
        chain = ends.size + np.arange(routes.value.size)
        links = Links(routes.chain, routes.option, routes.survival)
        chains = padded(chain, routes.value, links, overlay.free.size)
        near = np.lexsort((searches.leaf, searches.row))
        alike = np.lexsort(chains.option.T[::-1]) if chains.option.size else np.arange(chain.size)
        start = commodity_values(overlay, searches, np.zeros_like(overlay.free))
        most = overlay if times is None else repeated(overlay, times)
        floor = commodity_values(most, searches, overlay.free)
        return cls(
            searches=searches,
            chains=chains,
            weight=np.append(np.bincount(commodity, overlay.weight, ends.size), np.ones(chain.size)),
            start=start,
            floor=np.minimum(start, floor),
            group=np.append(informed := _group_of(near), informed.max(initial=-1) + 1 + _group_of(alike)),
        )

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (groups,) weighted sums of (commodities,) values."""
        return np.asarray(np.bincount(self.group, self.weight * values), dtype=np.float64)

    def cut_values(self, cuts: Cuts, point: NDArray[np.float64], floor: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (commodities,) largest values of the cuts, or the floor, of each commodity at a point."""
        most = floor.copy()
        np.maximum.at(most, cuts.commodity, cuts.values(point))
        return most

    def rows(self, cuts: Cuts, point: NDArray[np.float64], floor: NDArray[np.float64]) -> Cuts:
        """Return one row a group: the sum over its commodities of the cut, or floor, of largest value at a point."""
        best = best_of_each(cuts.commodity, value := cuts.values(point))
        best = best[value[best] > floor[cuts.commodity[best]]]
        chosen = cuts.take(best)
        side = floor.copy()
        side[chosen.commodity] = chosen.side
        groups = int(self.group.max(initial=-1)) + 1
        place = (self.group[chosen.commodity], np.arange(best.size))
        sums = csr_array((self.weight[chosen.commodity], place), shape=(groups, best.size))
        return Cuts(np.arange(groups), self.sums(side), csr_array(sums @ chosen.coefficient))


def commodity_values(overlay: Overlay, searches: Searches, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the exact (commodities,) values under an (options,) mask."""
    informed = searches.values(overlay.n_nodes, overlay.tail, overlay.head, overlay.arc_survival(placed))
    return np.append(informed, overlay.chains.values(placed))


def _group_of(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the group of each element, of at most `GROUPS` about equal ones, when they are put in this order."""
    group = np.empty(order.size, dtype=np.int64)
    group[order] = np.arange(order.size) * min(GROUPS, order.size) // max(order.size, 1)
    return group
