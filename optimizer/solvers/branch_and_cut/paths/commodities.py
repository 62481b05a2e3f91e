"""Commodities: the informed evaders of one origin and destination as one, and fixed routes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from optimizer.problem.instance.evaders import Evader, Searches
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.solvers.branch_and_cut.cuts.separation import Cuts, best_of_each
from optimizer.solvers.branch_and_cut.paths.path_pool import Paths, padded
from optimizer.solvers.overlay.overlay import (
    LEAST_NORMAL,
    Links,
    Overlay,
    ScenarioWeights,
    repeated,
)
from optimizer.solvers.overlay.searching import search_values

GROUPS = 150
"""Most groups of informed commodities, and of fixed routes."""


@dataclass(frozen=True)
class Commodities:
    """Informed commodities first, then fixed routes; the value of a plan is the
    weighted sum of theirs.
    """

    #: How the paths of the informed ones are found.
    searches: Searches
    #: The fixed routes as paths.
    fixed_routes: Paths
    #: `weight`, `start`, `floor`: (commodities,) p_u, R_u (value with nothing but
    #: forced options placed), L_u (with everything placed).
    weight: NDArray[np.float64]
    start: NDArray[np.float64]
    floor: NDArray[np.float64]
    #: (commodities,) the group of each.
    group: NDArray[np.int64]
    #: How commodities make up the value over draws; None where it is the sum by
    #: `weight`.
    scenario_weights: ScenarioWeights | None = None
    #: `terms`, `draw`: (sums, commodities) sparse: the weights of the sums that the
    #: linear program has a variable for, and (sums,) the draw of each; without draws
    #: None, and a sum is a group.
    terms: csr_array | None = None
    draw: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, overlay: Overlay, times: NDArray[np.int64] | None = None) -> Commodities:
        """Gather the commodities of an overlay; groups are evaders of one end, or fixed
        routes that meet the same first options.

        Floors are values with each option placed as often as it can be: (options,)
        `times`, by default once.
        """
        n, routes = overlay.n_nodes, overlay.fixed_routes
        ends, commodity = np.unique(overlay.origin * n + overlay.destination, return_inverse=True)
        searches = Searches.of([Evader("", end // n, end % n, 1.0) for end in ends.tolist()])
        route = ends.size + np.arange(routes.value.size)
        links = Links(routes.route, routes.option, routes.survival)
        fixed_routes = padded(route, routes.value, links, overlay.free.size)
        near = np.lexsort((searches.leaf, searches.row))
        alike = (
            np.lexsort(fixed_routes.option.T[::-1])
            if fixed_routes.option.size
            else np.arange(route.size)
        )
        start = commodity_values(overlay, searches, np.zeros_like(overlay.free))
        most = overlay if times is None else repeated(overlay, times)
        floor = commodity_values(most, searches, overlay.free)
        whole = cls(
            searches=searches,
            fixed_routes=fixed_routes,
            weight=np.append(
                np.bincount(commodity, overlay.weight, ends.size), np.ones(route.size)
            ),
            start=start,
            floor=np.minimum(start, floor),
            group=np.append(
                informed := _group_of(near), informed.max(initial=-1) + 1 + _group_of(alike)
            ),
        )
        return (
            whole
            if overlay.scenario_weights is None
            else _by_draw(whole, overlay.scenario_weights, commodity, near, alike)
        )

    def value(self, values: NDArray[np.float64]) -> float:
        """Return the value of (commodities,) values."""
        return (
            weighted_sum(self.weight, values)
            if self.scenario_weights is None
            else self.scenario_weights.value(values)
        )

    def weights_at(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (commodities,) weights whose sum over (commodities,) values is
        their value, and over any others at most theirs.
        """
        return (
            self.weight
            if self.scenario_weights is None
            else self.scenario_weights.weights_at(values)
        )

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (groups,) weighted sums of (commodities,) values; 0 for a sum below
        `LEAST_NORMAL`, by which no row can be scaled. As values are >= 0, such a bound
        is lower, and still true.
        """
        if self.terms is not None:
            sums = np.asarray(self.terms @ values)
        else:
            sums = np.asarray(np.bincount(self.group, self.weight * values), dtype=np.float64)
        return np.where(np.abs(sums) < LEAST_NORMAL, 0.0, sums)

    def cut_values(
        self, cuts: Cuts, point: NDArray[np.float64], floor: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the (commodities,) largest values of the cuts, or the floor, of each
        commodity at a point.
        """
        most = floor.copy()
        np.maximum.at(most, cuts.commodity, cuts.values(point))
        return most

    def largest(self, cuts: Cuts, point: NDArray[np.float64], floor: NDArray[np.float64]) -> Cuts:
        """Return for each commodity the cut of largest value at a point, if that is
        above its floor.
        """
        best = best_of_each(cuts.commodity, value := cuts.values(point))
        return cuts.take(best[value[best] > floor[cuts.commodity[best]]])

    def rows(self, cuts: Cuts, point: NDArray[np.float64], floor: NDArray[np.float64]) -> Cuts:
        """Return one row a group: the sum over its commodities of the cut, or floor, of
        largest value at a point.
        """
        chosen = self.largest(cuts, point, floor)
        side = floor.copy()
        side[chosen.commodity] = chosen.side
        n = chosen.n_options
        if self.terms is not None:
            table = csr_array(
                csr_array(self.terms[:, chosen.commodity]) @ chosen.coefficient
            ).tocoo()
            row = table.row
            option = table.col
            entry = table.data
            groups = self.terms.shape[0]
            return Cuts(
                np.arange(groups),
                self.sums(side),
                row.astype(np.int64),
                option.astype(np.int64),
                entry,
                n,
            )
        groups = int(self.group.max(initial=-1)) + 1
        commodity = chosen.commodity[chosen.row]
        place = self.group[commodity] * n + chosen.option
        sums = np.bincount(place, self.weight[commodity] * chosen.entry, groups * n).astype(
            np.float64
        )
        there = np.flatnonzero(sums)
        return Cuts(
            np.arange(groups),
            self.sums(side),
            there // max(n, 1),
            there % max(n, 1),
            sums[there],
            n,
        )


def _by_draw(
    whole: Commodities,
    scenario_weights: ScenarioWeights,
    commodity: NDArray[np.int64],
    near: NDArray[np.int64],
    alike: NDArray[np.int64],
) -> Commodities:
    """Return commodities with a scenario_weights of theirs, from one of informed
    evaders and fixed routes, and sums by draw and group.
    """
    draws, n_informed = scenario_weights.table.shape[0], commodity.size
    place = (np.arange(n_informed), commodity)
    merged = csr_array((np.ones(n_informed), place), shape=(n_informed, near.size))
    informed = csr_array(scenario_weights.table[:, :n_informed] @ merged)
    table = csr_array(hstack((informed, csr_array(scenario_weights.table[:, n_informed:]))))
    table.eliminate_zeros()
    spread = (
        draws * table.shape[1] / max(table.nnz, 1)
    )  # as many groups as leave about `GROUPS` sums that are not empty
    count = max(1, round(GROUPS * spread / draws))
    first = _group_of(near, count)
    group = np.append(first, first.max(initial=-1) + 1 + _group_of(alike, count))
    entries = table.tocoo()
    sums, row = np.unique(
        entries.row * (int(group.max(initial=0)) + 1) + group[entries.col], return_inverse=True
    )
    terms = csr_array((entries.data, (row, entries.col)), shape=(sums.size, table.shape[1]))
    return replace(
        whole,
        group=group,
        scenario_weights=ScenarioWeights(table, scenario_weights.caps),
        terms=terms,
        draw=sums // (int(group.max(initial=0)) + 1),
    )


def commodity_values(
    overlay: Overlay, searches: Searches, placed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the exact (commodities,) values under an (options,) mask."""
    return np.append(search_values(overlay, searches, placed), overlay.fixed_routes.values(placed))


def _group_of(order: NDArray[np.int64], most: int = GROUPS) -> NDArray[np.int64]:
    """Return the group of each element, of at most so many about equal ones, when they
    are put in this order.
    """
    group = np.empty(order.size, dtype=np.int64)
    group[order] = np.arange(order.size) * min(most, order.size) // max(order.size, 1)
    return group
