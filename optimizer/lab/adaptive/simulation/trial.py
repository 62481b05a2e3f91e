"""Traffickers of a scenario in the units of a trial: what gets through, week by week, where plan and today's layout take turns.

Each unit is a copy of the border with traffickers of its own, who learn as `[adapt]` says: none go from one unit to another. `[adapt]`
speaks of periods of D days, and a trial of weeks. A share c that chooses again in a period is 1 - (1 - c)^(7 / D) a week; loads and scouts
are 7 / D of those of a period, delay and history D / 7 times as many weeks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.adaptive.simulation.routes import Layout, Passages, choice_sets
from optimizer.lab.adaptive.simulation.traffickers import Traffickers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.lab.adaptive.simulation.routes import ChoiceSets
    from optimizer.problem.instance.instance import Instance
    from optimizer.scenario.file.adapt_model import AdaptModel

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

WEEK = 7.0
SETTLED = (100, 160)
"""Weeks of one layout whose mean counts as what lasts. At a mobility of .1 a week, effects of weeks 20 to 80 are twice those that last."""
MOST_HISTORY = 52
"""Weeks of today's layout before a trial, at most."""


class TrialTraffickers:
    """What gets through of the loads of populations who learn, under shares of the weeks in which a plan stands in place of today's layout.

    Parameters
    ----------
    sets
        Routes and crowd.
    today, plan
        (options,) masks.
    terms
        How traffickers learn, in steps of a week.
    """

    def __init__(self, sets: ChoiceSets, today: Mask, plan: Mask, terms: AdaptModel) -> None:
        self._sets, self._terms = sets, terms
        self._plans = np.stack([today, plan])
        self._passages = Passages(sets.routes)
        self._through = np.stack([self._passages.through(Layout.fixed(each)) for each in self._plans])

    @classmethod
    def of(cls, instance: Instance, plan: Mask, terms: AdaptModel, fixed: int) -> TrialTraffickers:
        """Return those of an instance; its options from `fixed` on are beats of teams. Terms are those of `[adapt]`."""
        terms, today = weekly(terms), np.array([option.existing for option in instance.options], dtype=bool)
        nothing = np.zeros(today.size, dtype=bool)
        sets = choice_sets(
            instance,
            [nothing, today, plan, today | plan],
            segment=np.arange(instance.tail.size),
            most=terms.routes,
            loads=terms.loads,
            fixed=fixed,
        )
        return cls(sets, today, plan, terms)

    def through(self, shares: Floats, rng: np.random.Generator) -> Floats:
        """Return the (weeks,) loads expected to get through, under (weeks,) shares of the days on which the plan stands."""
        traffickers, found = Traffickers(self._sets.routes, self._sets.crowd, self._terms), []
        history = self._terms.history if self._plans[0].any() else 0
        for share in (*[0.0] * history, *shares.tolist()):
            days = np.array([1 - share, share])
            layout = Layout(self._plans[days > 0], days[days > 0])
            found.append(float(traffickers.flows @ (days @ self._through)))
            outcome = traffickers.send(layout, self._passages, rng)
            traffickers.learn(outcome, self._sets.routes.place_detection(layout.presence), rng)
        return np.array(found[history:])

    def lasting(self, runs: int) -> tuple[float, float]:
        """Return the loads a week that get through under today's layout and under the plan, once all have learned it: means of runs."""
        begin, end = SETTLED
        today, plan = (
            float(
                np.mean([self.through(np.full(end, s), np.random.default_rng(k))[begin:].mean() for k in range(runs)])
            )
            for s in (0.0, 1.0)
        )
        return today, plan


def weekly(terms: AdaptModel) -> AdaptModel:
    """Return terms of weeks, of those of periods."""
    part = WEEK / terms.days
    return terms.model_copy(
        update={
            "rate": 1 - (1 - terms.rate) ** part,
            "mobility": 1 - (1 - terms.mobility) ** part,
            "loads": terms.loads * part,
            "scouts": terms.scouts * part,
            "delay": max(1, round(terms.delay / part)),
            "history": min(MOST_HISTORY, round(terms.history / part)),
            "days": round(WEEK),
        }
    )
