"""The flows that explain a planner's own record: the estimator that makes evaders of a record (`optimizer.risk.route_flows`), on its sites.

Row j of the record is an option, its effort e_j the share of days on which it stood, summed over the periods with weights that fall by
the share `forgetting` a period. Route r passes the row with the seizures of option j that are expected of one load on it, summed likewise,
over e_j: what stands before the option on the route is thus taken off. The prior is that of the instance's evaders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.risk.route_flows import CandidateRoutes, Counted, explain_by_routes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.adaptive.own_record import PeriodRecord
    from optimizer.solvers.adaptive.routes import Passages, RouteSet
    from optimizer.solvers.adaptive.traffickers import PairLoads

    Floats = NDArray[np.float64]

INFORMED_TEMPERATURE = 0.05
"""Prior of the informed loads of a pair over its routes: by chance to get through with nothing placed, at this temperature."""
EXPLAINED = 30
"""Rounds of expectation and maximisation at most, as the record is read anew each period."""
LEAST_SHARE = 1e-4
"""Least prior share of a route of its pair."""


@dataclass(frozen=True, eq=False)
class Flows:
    """An estimate: (pairs,) share of all loads of each, and (routes,) share of all loads on each."""

    pairs: Floats
    routes: Floats


class Refit:
    """The record in sums, kept up period after period.

    Parameters
    ----------
    routes, crowd
        Routes, and the loads of each pair as they are known at first.
    forgetting
        Share of what was counted before that no longer counts a period later.
    """

    def __init__(self, routes: RouteSet, crowd: PairLoads, forgetting: float) -> None:
        self._routes, self._kept = routes, 1 - forgetting
        self._prior = prior_shares(routes, crowd)
        self._weight = crowd.loads / crowd.loads.sum()
        self._crowd = crowd
        self._expected = np.zeros(routes.option.shape)
        self._effort = np.zeros(routes.n_options)
        self._counts = np.zeros(routes.n_options)
        self._mark = np.random.default_rng(0).random(
            routes.n_options
        )  # tells the sets of options that routes meet apart
        row, column = np.nonzero(routes.option < routes.n_options)
        self._at, self._option = (row, column), routes.option[row, column]

    def add(self, period: PeriodRecord, passages: Passages) -> None:
        """Take a period of the record."""
        mean = passages.mean(period.layout)
        self._expected = self._kept * self._expected + mean.seized
        reach = period.layout.presence
        self._effort = self._kept * self._effort + reach
        self._counts = self._kept * self._counts + period.counts.sum(axis=0)

    def flows(self) -> Flows:
        """Return the flows that explain the record; those known at first where nothing was seized."""
        routes = self._routes
        if not self._counts.any():
            prior = self._weight[routes.pair] * self._prior
            return Flows(self._weight, prior)
        effort = np.maximum(self._effort, 1e-12)
        data = self._expected[self._at] / effort[self._option]
        seen = data > 0
        place = (self._option[seen], self._at[0][seen])
        on = csr_array((data[seen], place), shape=(routes.n_options, routes.pair.size))
        # routes of a pair that the record sees alike are one to it: their Gamma priors add up, and what is found is shared by the prior
        keys = np.column_stack((routes.pair.astype(np.float64), np.asarray(on.T @ self._mark)))
        _, first, one = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        prior = np.bincount(one.ravel(), self._prior).astype(np.float64)
        candidates = CandidateRoutes(
            self._crowd.gateway,
            self._crowd.destination,
            self._weight,
            routes.pair[first],
            prior,
            csr_array(on[:, first]),
        )
        searched = csr_array((self._effort, (np.arange(effort.size), np.arange(effort.size))))
        merged = explain_by_routes(candidates, Counted(searched, self._counts[:, None]), EXPLAINED).flow[:, 0]
        found = (merged / prior)[one.ravel()] * self._prior
        total = max(float(found.sum()), 1e-300)
        return Flows(routes.sums(found) / total, found / total)


def prior_shares(routes: RouteSet, crowd: PairLoads) -> Floats:
    """Return the (routes,) prior shares of the routes of a pair: usual ones of the habitual loads, good ones of the others."""
    best = routes.best(routes.base)[routes.pair]
    weight = np.exp((routes.base - best) / INFORMED_TEMPERATURE)
    informed = weight / routes.sums(weight)[routes.pair]
    habitual = crowd.habitual[routes.pair]
    share = np.maximum(habitual * routes.usual + (1 - habitual) * informed, LEAST_SHARE)
    return np.asarray(share / routes.sums(share)[routes.pair])
