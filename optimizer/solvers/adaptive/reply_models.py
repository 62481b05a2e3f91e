"""Candidate models of how traffickers reply, weighted by how well each explains a planner's own record.

A model has a temperature tau and a memory m: the payoffs of a period enter what is remembered with weight m, u <- (1 - m) u + m u(layout), and
route r draws the share exp(u_r / tau) of the loads of its pair that do not keep to their usual routes. A pair draws loads from others of its
destination in proportion to V_k exp(mean payoff of k / tau), V_k being its loads at first, a share `MOVING` a period. With m = 0 nobody learns.

By a model the seizures n of a period fall on options in proportion to the mu_j that it expects of them. The logarithm of its weight is the
sum of n_j ln(mu_j / sum mu) over options and periods, in which earlier periods fade (a forecaster of exponential weights under logarithmic
loss). Nothing else is known of a period than what stood and what was seized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.solvers.adaptive.traffickers import STEEPEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.adaptive.own_record import PeriodRecord
    from optimizer.solvers.adaptive.routes import RoutePassage, RouteSet
    from optimizer.solvers.adaptive.traffickers import PairLoads

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

TEMPERATURES = 0.005 * 2.0 ** np.arange(7)
"""Temperatures of the candidates: differences of chances to get through at which a route is chosen e times as often."""
MEMORIES = (0.0, 0.15, 0.5)
"""Weights of the newest period of the candidates."""
MOVING = 0.2
"""Share of the loads that choose their gateway anew in a period, in every candidate that learns."""
LASTING = 0.9
"""Share of a model's logarithm of likelihood that is kept from period to period."""
UNEXPLAINED = 1e-6
"""Share of all loads that every option is expected to meet besides, so that no seizure is impossible."""
NEGLIGIBLE = 1e-3
"""Weight below which a model does not count."""


class ReplyModels:
    """The candidates and their weights.

    Parameters
    ----------
    routes, crowd
        Routes, and the loads of each pair as they are known at first.
    """

    def __init__(self, routes: RouteSet, crowd: PairLoads) -> None:
        self._routes, self._crowd = routes, crowd
        self._temperature = np.tile(TEMPERATURES, len(MEMORIES))
        self._memory = np.repeat(np.array(MEMORIES), TEMPERATURES.size)
        self._recalled = np.repeat(routes.base[:, None], self._memory.size, axis=1)
        self._loads = np.repeat(crowd.loads[:, None], self._memory.size, axis=1)
        self._fit = np.zeros(self._memory.size)
        self._habitual = crowd.habitual[routes.pair, None]
        self._kept = self._habitual * routes.usual[:, None]
        pairs = np.arange(crowd.loads.size)
        self._into = csr_array((np.ones(pairs.size), (crowd.destination, pairs)))
        row, column = np.nonzero(routes.option < routes.n_options)
        self._at, self._option = (row, column), routes.option[row, column]
        self._still = self._memory == 0
        shares = self._shares(routes.base[:, None], self._temperature[self._still])
        self._unmoved = crowd.loads[routes.pair, None] * shares

    @property
    def weight(self) -> Floats:
        """(models,) weights, which sum to 1: temperatures in turn for the first memory, then for the next."""
        found = np.exp(self._fit - self._fit.max())
        return np.asarray(found / found.sum())

    def take(self, period: PeriodRecord, passage: RoutePassage) -> None:
        """Weigh the models by a period of the record, given what its layout did to loads, and let them learn of it."""
        routes, presence, seized = self._routes, period.layout.presence, period.counts.sum(axis=0)
        shares = self._shares(self._recalled, self._temperature)
        seizing = csr_array(
            (passage.seized[self._at], (self._option, self._at[0])), shape=(routes.n_options, routes.pair.size)
        )
        expected = seizing @ (self._loads[routes.pair] * shares)
        expected += UNEXPLAINED * float(self._crowd.loads.sum()) * presence[:, None]
        self._fit = LASTING * self._fit
        where = seized > 0
        if where.any():
            self._fit += seized[where] @ np.log(expected[where] / expected.sum(axis=0))
        moving = np.where(self._still, 0.0, MOVING)
        self._loads = (1 - moving) * self._loads + moving * self._divided(shares, self._recalled, self._temperature)
        self._recalled = (1 - self._memory) * self._recalled + self._memory * passage.through[:, None]

    def long_run(self, through: Floats) -> Floats:
        """Return the (routes,) loads expected, on the mean over the models, where (routes,) chances to get through last for long."""
        weight = np.where(self.weight < NEGLIGIBLE, 0.0, self.weight)
        weight /= weight.sum()
        flows = self._unmoved @ weight[self._still]
        learning = np.bincount(
            np.searchsorted(TEMPERATURES, self._temperature), np.where(self._still, 0.0, weight), TEMPERATURES.size
        )
        live = learning > 0
        if live.any():
            payoff: Floats = through[:, None]
            temperature: Floats = np.asarray(TEMPERATURES, dtype=np.float64)[live]
            shares = self._shares(payoff, temperature)
            loads = self._divided(shares, payoff, temperature)
            flows = flows + (loads[self._routes.pair] * shares) @ learning[live]
        return np.asarray(flows)

    def _shares(self, payoff: Floats, temperature: Floats) -> Floats:
        """Return the (routes, models) shares of the loads of a pair by (routes, models) payoffs and (models,) temperatures."""
        routes = self._routes
        lift = payoff - np.maximum.reduceat(payoff, routes.start)[routes.pair]
        drawn = np.exp(lift / temperature)
        drawn /= np.add.reduceat(drawn, routes.start)[routes.pair]
        return np.asarray(self._kept + (1 - self._habitual) * drawn)

    def _divided(self, shares: Floats, payoff: Floats, temperature: Floats) -> Floats:
        """Return the (pairs, models) loads when all gateways are chosen anew by (routes, models) shares and payoffs."""
        crowd = self._crowd
        value = np.add.reduceat(shares * payoff, self._routes.start)
        best = np.full((self._into.shape[0], value.shape[1]), -np.inf)
        np.maximum.at(best, crowd.destination, value)
        lift = (value - best[crowd.destination]) / temperature
        wish = crowd.loads[:, None] * np.exp(np.maximum(lift, -STEEPEST))
        ratio = np.asarray(self._into @ crowd.loads)[:, None] / np.asarray(self._into @ wish)
        return np.asarray(wish * ratio[crowd.destination])
