"""Traffickers by rules that no policy has a model of: what advice is judged by.

They know what a layout does to a load on each route of theirs, without errors; amounts, sizes and gateways are those of `Traffickers`.

place-logit    route r draws exp(ln(base_r prod_{g on r} (1 - q_g)) / SHARPNESS) of its pair; q_g is the share of the own shipments that reached
               place g and were seized there, those of earlier periods fading by half
win-stay       what got through stays on its route; what was lost moves to the other routes of its pair, to each the same
last-month     all take the route that was best in the period before
mean-reply     all take the route that is best against the mean of the last `YEAR` periods, a policy's mixture
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

from optimizer.lab.adaptive.simulation.traffickers import PRIOR, Traffickers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.lab.adaptive.simulation.routes import Layout, Passages, RouteSet
    from optimizer.lab.adaptive.simulation.traffickers import PairLoads, PeriodOutcome
    from optimizer.scenario.file.adapt_model import AdaptModel

    Floats = NDArray[np.float64]

SHARPNESS = 0.1
"""Difference of logarithms of the chance to get through at which `place-logit` takes a route e times as often."""

KEPT = 0.5
"""Share of the shipments counted before that `place-logit` still counts a period later."""

YEAR = 12
"""Periods whose mean `mean-reply` answers."""


class _Told(Traffickers):
    """Traffickers who are told what a period's layout did to each of their routes."""

    def __init__(self, routes: RouteSet, crowd: PairLoads, terms: AdaptModel) -> None:
        super().__init__(routes, crowd, terms)
        self._through = routes.base
        self._taken = self.groups.first_best(routes.base)

    @property
    def shares(self) -> Floats:
        """(routes,) shares of the loads of its pair that do not keep to usual routes."""
        return self._taken

    def send(self, layout: Layout, passages: Passages, rng: np.random.Generator) -> PeriodOutcome:
        """Send the shipments, and see what became of them."""
        self._through = passages.through(layout)
        return super().send(layout, passages, rng)

    def learn(self, outcome: PeriodOutcome, standing: Floats, rng: np.random.Generator) -> None:  # noqa: ARG002 - nothing is drawn, nobody scouts
        """Choose routes anew by the own rule, and gateways, amounts and sizes as others do."""
        with np.errstate(invalid="ignore", divide="ignore"):
            losses = np.where(outcome.sent > 0, outcome.seized / outcome.sent, 0.0)
        payoff = self._reply(outcome)
        self._resize(losses, outcome.sent > 0)
        self._move(payoff, float(outcome.seized.sum() + outcome.found.sum()))

    def _reply(self, outcome: PeriodOutcome) -> Floats:
        """Set the (routes,) shares of the next period, and return the payoffs by which gateways are chosen."""
        raise NotImplementedError


class PlaceLogit(_Told):
    """A loss makes every route that passes its place dearer."""

    def __init__(self, routes: RouteSet, crowd: PairLoads, terms: AdaptModel) -> None:
        super().__init__(routes, crowd, terms)
        self._reached, self._lost = np.ones(routes.n_places), np.full(routes.n_places, PRIOR)

    def _reply(self, outcome: PeriodOutcome) -> Floats:
        self._reached = KEPT * self._reached + outcome.reached
        self._lost = KEPT * self._lost + outcome.lost
        with np.errstate(invalid="ignore", divide="ignore"):
            payoff = self.payoffs(np.where(self._reached > 0, self._lost / self._reached, PRIOR))
        self._taken = self.groups.softmax(np.log(np.maximum(payoff, 1e-12)) / SHARPNESS)
        return payoff


class WinStay(_Told):
    """What was lost moves, what got through stays."""

    def _reply(self, outcome: PeriodOutcome) -> Floats:  # noqa: ARG002 - of very many shipments
        lost = self._taken * (1 - self._through)
        of = self.groups.of
        others = np.bincount(of)[of] - 1
        # a pair with one route has nowhere to go
        arriving = (np.add.reduceat(lost, self.groups.start)[of] - lost) / np.maximum(others, 1)
        self._taken = np.where(others > 0, self._taken - lost + arriving, 1.0)
        return self._through


class LastMonth(_Told):
    """Everybody answers the period before."""

    def _reply(self, outcome: PeriodOutcome) -> Floats:  # noqa: ARG002 - the layout says all
        self._taken = self.groups.first_best(self._through)
        return self._through


class MeanReply(_Told):
    """Everybody answers the mixture that a policy turns out to play."""

    def __init__(self, routes: RouteSet, crowd: PairLoads, terms: AdaptModel) -> None:
        super().__init__(routes, crowd, terms)
        self._seen: deque[Floats] = deque(maxlen=YEAR)

    def _reply(self, outcome: PeriodOutcome) -> Floats:  # noqa: ARG002 - the layouts say all
        self._seen.append(self._through)
        payoff = np.asarray(np.mean(self._seen, axis=0))
        self._taken = self.groups.first_best(payoff)
        return payoff


OTHER_LEARNERS: Final[dict[str, Callable[[RouteSet, PairLoads, AdaptModel], Traffickers]]] = {
    "as adapt": Traffickers,
    "place-logit": PlaceLogit,
    "win-stay": WinStay,
    "last-month": LastMonth,
    "mean-reply": MeanReply,
}
"""Learners that advice is judged against: those of `adapt`, and by other rules."""
