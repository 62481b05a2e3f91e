"""Candidate models of how traffickers reply, weighted by how well each explains a planner's own record.

A model has a temperature tau and a memory m: the payoffs of a period enter what is remembered with weight m, u <- (1 - m) u + m u(layout), and
route r draws the share exp(u_r / tau) of the loads of its pair that do not keep to their usual routes. A pair draws loads from others of its
destination in proportion to V_k exp(mean payoff of k / tau), V_k being its loads at first, a share mu a period, the mobility. With m = 0 nobody
learns or moves.

By a model the seizures n of a period fall on options in proportion to the mu_j that it expects of them. The logarithm of its weight is the
sum of n_j ln(mu_j / sum mu) over options and periods, in which earlier periods fade (a forecaster of exponential weights under logarithmic
loss). Nothing else is known of a period than what stood and what was seized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.lab.adaptive.simulation.routes import passage
from optimizer.lab.adaptive.simulation.traffickers import STEEPEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.lab.adaptive.simulation.policies import PeriodRecord
    from optimizer.lab.adaptive.simulation.routes import RoutePassage, RouteSet
    from optimizer.lab.adaptive.simulation.traffickers import PairLoads
    from optimizer.lab.adaptive.simulation.world import BestPlanInHindsight

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

TEMPERATURES = 0.005 * 2.0 ** np.arange(7)
"""Temperatures of the candidates: differences of chances to get through at which a route is chosen e times as often."""

MEMORIES = (0.0, 0.15, 0.5)
"""Weights of the newest period of the candidates."""

MOBILITIES = (0.0, 0.2, 0.5)
"""Shares of the loads that choose their gateway anew in a period, of the candidates that learn."""

LASTING = 0.9
"""Share of a model's logarithm of likelihood that is kept from period to period."""

UNEXPLAINED = 1e-6
"""Share of all loads that every option is expected to meet besides, so that no seizure is impossible."""

NEGLIGIBLE = 1e-3
"""Weight below which a model does not count."""


class ResponseModels:
    """The candidates and their weights.

    Parameters
    ----------
    routes, crowd
        Routes, and the loads of each pair as they are known at first.
    """

    def __init__(self, routes: RouteSet, crowd: PairLoads) -> None:
        self._routes, self._crowd = routes, crowd
        kinds = [(m, mu) for m in MEMORIES for mu in (MOBILITIES if m else (0.0,))]
        self._temperature = np.tile(TEMPERATURES, len(kinds))
        self._memory, self._mobility = np.repeat(np.array(kinds).T, TEMPERATURES.size, axis=1)
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
        """(models,) weights, which sum to 1: temperatures in turn for the first memory and mobility, then for the next mobility."""
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
        divided = self._divided(shares, self._recalled, self._temperature)
        self._loads = (1 - self._mobility) * self._loads + self._mobility * divided
        self._recalled = (1 - self._memory) * self._recalled + self._memory * passage.through[:, None]

    def long_run(self, through: Floats) -> Floats:
        """Return the (routes,) loads expected, on the mean over the models, where (routes,) chances to get through last for long."""
        weight = np.where(self.weight < NEGLIGIBLE, 0.0, self.weight)
        weight /= weight.sum()
        flows = self._unmoved @ weight[self._still]
        # in the long run it does not matter how fast loads move, but whether they do
        group = 2 * np.searchsorted(TEMPERATURES, self._temperature) + (self._mobility > 0)
        learning = np.bincount(group, np.where(self._still, 0.0, weight), 2 * TEMPERATURES.size).reshape(-1, 2)
        live = learning.any(axis=1)
        if live.any():
            payoff: Floats = through[:, None]
            temperature: Floats = np.asarray(TEMPERATURES, dtype=np.float64)[live]
            stay, move = learning[live].T
            shares, pair = self._shares(payoff, temperature), self._routes.pair
            flows = flows + self._crowd.loads[pair] * (shares @ stay)
            if move.any():
                loads = self._divided(shares, payoff, temperature)
                flows = flows + (loads[pair] * shares) @ move
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


# The mixture of plans that is best against the replies that are expected of it, by rounds of the double oracle over routes.
#
# Sought is a mixture mu at which no plan lets less through of the flows f(mu) that answer it, by the models above, than mu does.
# With one temperature and no choice of gateways it is the minimum of the convex F(mu) = sum_k V_k tau ln sum_{r of k} exp((U mu)_r /
# tau), U being the chances to get through by route and plan, whose slope is U'f: the logit equilibrium of the zero-sum game (McKelvey and
# Palfrey 1995). A round adds the plan that exchanges find against f(mu), and descends by entropic mirror descent; the mean of the later
# steps is kept.

STEPS = 25
"""Steps of mirror descent of a round; the second half of them is averaged."""

SPREAD = 0.01
"""Share of the uniform mixture in the one that the descent begins from, so that every plan can come back."""

STARTS = 3
"""Plans of the pool from which exchanges begin."""

MOST_PLANS = 60
"""Plans that are kept."""


class ReplyMixture:
    """A pool of plans, and the mixture of them.

    Parameters
    ----------
    routes, oracle
        The routes, and what finds the best plan against given flows.
    plans, probability
        (plans, options) masks and (plans,) probabilities to begin with.
    """

    def __init__(self, routes: RouteSet, oracle: BestPlanInHindsight, plans: Mask, probability: Floats) -> None:
        self._routes, self._oracle = routes, oracle
        self.plans, self.probability = plans, probability / probability.sum()
        self._through = np.array([passage(routes, plan).through for plan in plans]).T

    def improve(self, models: ResponseModels, rounds: int = 1) -> None:
        """Play rounds against the models as they are weighted now."""
        for _ in range(rounds):
            flows = models.long_run(self.through)
            nearest = np.argsort(np.einsum("r,rp->p", flows, self._through), kind="stable")[:STARTS]
            self._add(self._oracle.best(flows, list(self.plans[nearest])))
            self._descend(models)

    @property
    def through(self) -> Floats:
        """(routes,) chances to get through under the mixture."""
        return np.asarray(np.einsum("rp,p->r", self._through, self.probability))

    def _add(self, plan: Mask) -> None:
        if (self.plans == plan).all(axis=1).any():
            return
        if self.probability.size >= MOST_PLANS:
            kept = np.arange(self.probability.size) != self.probability.argmin()
            self.plans, self._through = self.plans[kept], self._through[:, kept]
            self.probability = self.probability[kept] / self.probability[kept].sum()
        self.plans = np.vstack((self.plans, plan))
        self._through = np.column_stack((self._through, passage(self._routes, plan).through))
        self.probability = np.append(self.probability, 0.0)

    def _descend(self, models: ResponseModels) -> None:
        here = (1 - SPREAD) * self.probability + SPREAD / self.probability.size
        total, scale = np.zeros(here.size), 0.0
        for step in range(1, STEPS + 1):
            flows = models.long_run(np.einsum("rp,p->r", self._through, here))
            slope = np.einsum("r,rp->p", flows, self._through)
            slope = slope - slope @ here
            scale = scale or 1.0 / max(float(np.abs(slope).max()), 1e-12)
            moved = here * np.exp(np.clip(-scale * slope / np.sqrt(step), -30, 30))
            here = moved / moved.sum()
            if 2 * step > STEPS:
                total += here
        self.probability = total / total.sum()
