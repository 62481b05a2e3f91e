"""The marginal relaxation: a lower bound of the value of every mixture, from the probabilities alone with which options are placed.

Sets      J options; P paths of an informed commodity k; C chains of habitual routes
Data      p_k weight; g_P(x) value of a path under a plan x; h_c(x) of a chain
Variables xbar_j in [0, 1] marginal probability of option j; theta_k what commodity k achieves
Minimise  sum_k p_k theta_k + sum_c theta_c
such that theta_k >= a - sum_j b_j xbar_j    for every row of one path P of k with g_P(x) >= a - sum_j b_j x_j at all plans x
          theta_c likewise
          xbar in the convex hull of the feasible plans, or something larger: budgets, conflicts, requirements, budget cuts

A mixture mu has theta_k(mu) = max_P E g_P(x) >= E (a - sum_j b_j x_j) = a - sum_j b_j xbar_j, so every row of `separation` that is of one
path is valid: chords (between consecutive numbers of placed options, where all multiply the path by the same) and tangents. Star cuts are not:
they bound E max_P g_P, what evaders achieve who see the plan of the day. The linear program is `branch_and_cut.master`, whose bound is computed
from its duals.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SILENT
from optimizer.solvers.branch_and_cut.master import Master
from optimizer.solvers.branch_and_cut.node import Node

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.solvers.overlay.overlay import Overlay

STALLED, PATIENCE = 2e-4, 6
"""Relative rise of the bound over so many rounds below which the cuts end."""
FLAT = 40
"""Rounds after which a bound that has not moved at all counts as stalled."""
SLACK = 4
"""Solves after which a row without a dual is dropped."""


class MarginalRelaxation:
    """The linear program over marginal probabilities.

    Parameters
    ----------
    instance, overlay
        The problem; its forced options are feasible by themselves, or with others.

    Attributes
    ----------
    master
        The linear program, with the pool of paths.
    lower
        Proven lower bound of the value of every mixture; true whenever the cuts are broken off.
    x
        (options,) marginal probabilities of the last solution.
    """

    def __init__(self, instance: Instance, overlay: Overlay) -> None:
        self.master = Master(instance, overlay, mixed=True)
        commodities = self.master.commodities
        forced = instance.forced
        self._root = Node(forced, ~(overlay.free | forced), commodities.floor)
        self.lower = float(commodities.weight @ commodities.floor)
        self.x: NDArray[np.float64] = forced.astype(np.float64)

    def cut(self, until: float = np.inf, upper: float = np.inf, listener: Listener = SILENT) -> None:
        """Raise the bound by cuts until it stalls, time is up (`time.monotonic()`), or it reaches an upper bound."""
        history: list[float] = []
        while (relaxed := self.master.relax(until)) is not None:
            self.x = relaxed.x
            self.lower = max(self.lower, relaxed.bound)
            listener.bounds_moved(self.lower, upper)
            history.append(self.lower)
            if self.lower >= upper or _has_stalled(history) or time.monotonic() >= until:
                break
            self.master.program.drop_slack(SLACK)
            tightened = self.master.tighten(relaxed.x)
            if not self.master.separate(self._root, relaxed) and not tightened:
                break


def _has_stalled(history: list[float]) -> bool:
    if history[-1] == history[0]:
        return len(history) > FLAT
    return len(history) > PATIENCE and history[-1] - history[-1 - PATIENCE] <= STALLED * abs(history[-1])
