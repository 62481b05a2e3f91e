"""The mixture of plans that is best against the replies that are expected of it, by rounds of the double oracle over routes.

Sought is a mixture mu at which no plan lets less through of the flows f(mu) that answer it, by the models of `reply_models`, than mu does.
With one temperature and no choice of gateways it is the minimum of the convex F(mu) = sum_k V_k tau ln sum_{r of k} exp((U mu)_r / tau), U
being the chances to get through by route and plan, whose slope is U'f: the logit equilibrium of the zero-sum game (McKelvey and Palfrey 1995).
A round adds the plan that exchanges find against f(mu), and descends by entropic mirror descent; the mean of the later steps is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.solvers.adaptive.routes import passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.adaptive.hindsight import Hindsight
    from optimizer.solvers.adaptive.reply_models import ReplyModels
    from optimizer.solvers.adaptive.routes import RouteSet

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

STEPS = 25
"""Steps of mirror descent of a round; the second half of them is averaged."""
SPREAD = 0.01
"""Share of the uniform mixture in the one that the descent begins from, so that every plan can come back."""
STARTS = 3
"""Plans of the pool from which exchanges begin."""
MOST = 60
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

    def __init__(self, routes: RouteSet, oracle: Hindsight, plans: Mask, probability: Floats) -> None:
        self._routes, self._oracle = routes, oracle
        self.plans, self.probability = plans, probability / probability.sum()
        self._through = np.array([passage(routes, plan).through for plan in plans]).T

    def improve(self, models: ReplyModels, rounds: int = 1) -> None:
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
        if self.probability.size >= MOST:
            kept = np.arange(self.probability.size) != self.probability.argmin()
            self.plans, self._through = self.plans[kept], self._through[:, kept]
            self.probability = self.probability[kept] / self.probability[kept].sum()
        self.plans = np.vstack((self.plans, plan))
        self._through = np.column_stack((self._through, passage(self._routes, plan).through))
        self.probability = np.append(self.probability, 0.0)

    def _descend(self, models: ReplyModels) -> None:
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
