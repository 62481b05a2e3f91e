"""Policies of the literature on learning in repeated security games, as opponents of ours.

fpl-ue  follow the perturbed leader with uniform exploration (Xu, Tran-Thanh and Jennings 2016, AAMAS): on a share of the days any plan that
        fits; on the others the best plan for the sums of rewards of options, perturbed by exponential draws. The reward of an option is what it
        seized, divided by the share of days on which it stood
exp3    exponential weights for exploration and exploitation (Auer et al. 2002): arms are plans, the reward of a day what the plan seized
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.solvers.adaptive.placing import Placer
from optimizer.solvers.adaptive.routes import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.adaptive.own_record import PeriodRecord
    from optimizer.solvers.adaptive.world import AdaptiveWorld

    Floats = NDArray[np.float64]


class FollowThePerturbedLeader:
    """FPL-UE, with a draw each day."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._terms, self._placer = world.terms, Placer(world.instance)
        self._reward = np.zeros(len(world.instance.options))
        self._periods = 0

    def take(self, period: PeriodRecord) -> None:
        """Add the rewards of a period."""
        presence = period.layout.presence
        seized = period.counts.sum(axis=0)
        self._reward += np.where(presence > 0, seized / np.maximum(presence, 1e-12), 0.0)
        self._periods += 1

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days."""
        scale = max(float(self._reward.max(initial=0.0)) / max(self._periods, 1), 1e-9) * np.sqrt(max(self._periods, 1))
        days = []
        for _ in range(self._terms.days):
            if rng.random() < self._terms.exploration:
                days.append(self._placer.random(rng))
            else:
                days.append(self._placer.by_score(self._reward + scale * rng.exponential(size=self._reward.size)))
        return Layout.drawn(days)


class Exp3:
    """EXP3 over the plans of the first pool and today's layout, with a draw each day."""

    def __init__(self, world: AdaptiveWorld) -> None:
        self._terms = world.terms
        self._arms = np.unique(np.vstack((world.first.plans, world.today[None])), axis=0)
        self._place = {arm.tobytes(): k for k, arm in enumerate(self._arms)}
        self._log = np.zeros(self._arms.shape[0])
        self._chance = np.full(self._log.size, 1 / self._log.size)

    def take(self, period: PeriodRecord) -> None:
        """Add the rewards of the days of a period; plans that are no arm teach nothing."""
        daily = self._terms.loads / self._terms.days
        for plan, counts in zip(period.layout.plans, period.counts, strict=True):
            arm = self._place.get(plan.tobytes())
            if arm is not None:
                gained = float(counts.sum()) / daily
                self._log[arm] += self._terms.exploration * gained / self._chance[arm] / self._log.size
        self._log -= self._log.max()

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw the days."""
        gamma, n = self._terms.exploration, self._log.size
        weight = np.exp(self._log)
        self._chance = (1 - gamma) * weight / weight.sum() + gamma / n
        self._chance /= self._chance.sum()
        return Layout.drawn(list(self._arms[rng.choice(n, size=self._terms.days, p=self._chance)]))
