"""Mixtures of few plans: exchanges of options, each judged by what evaders achieve
against the whole mixture.

A plan that answers the evaders' strategy (`defender`) is good where its probability is
small. Of N plans each has about 1 / N, and evaders leave the paths that it closes for
others. So the likeliest plans of a large game, or its answers, are far from the best N.

Sets      N plans x_i with probabilities mu_i; P known paths of commodities k, those of fixed routes among them
Minimise  sum_k p_k theta_k, theta_k = max over P of k of E_P, E_P = sum_i mu_i g_P(x_i)

1. Probabilities come from the game of these plans alone, with the paths that evaders
   would then take, until these raise its value no more.
2. In each plan in turn options are exchanged. Exchanges are ordered by their value
   against y_P = p_k e_P / sum_P e_P with e_P = exp((E_P / theta_k - 1) / `SOFT`), which
   knows where evaders would go next; the first of them are valued exactly, and the best
   is made.
3. Both are repeated until the value falls no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.base.work.listener import SILENT, Listener, stop_if_cancelled
from optimizer.base.work.work_clock import work_seconds
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool
from optimizer.solvers.mixed.restricted_game import RestrictedGame

if TYPE_CHECKING:
    from optimizer.solvers.mixed.defender import Swaps

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SOFT = 0.01
"""How far, relative, a path is below its evader's best one where it has 1 / e of its
weight.
"""

LIGHT = 1e-4
"""Share of the best path's weight below which a path has none."""

NEAR = 0.2
"""How far below the best one, relative, a path is left out of exact values as well."""

TRIALS, IN_A_ROW = 6, 3
"""Exchanges of a plan that are valued exactly, and most that are made before the next
plan's turn.
"""

FALLS, PATIENCE = 3e-4, 2
"""Relative fall of the value below which a sweep over the plans counts as idle, and so
many of these end the search.
"""

NOTHING = 1e-6
"""Relative fall of the value below which an exchange is not made."""

ANSWERED, TIMES = 2e-4, 4
"""Relative rise by new paths up to which probabilities are kept, and how often they are
found anew at most.
"""


@dataclass(frozen=True)
class FewPlans:
    """The search for the best mixture of a number of plans."""

    #: `commodities`, `pool`: The evaders, and their known paths; paths that evaders
    #: take against the mixtures are added.
    commodities: Commodities
    pool: PathPool
    #: Exchanges of the problem.
    swaps: Swaps
    #: Asked whether to stop.
    listener: Listener = SILENT

    def settled(
        self, plans: Sequence[Mask], until: float = np.inf
    ) -> tuple[list[Mask], Floats] | None:
        """Return as many plans, or fewer, with probabilities above 0 whose value is
        least; None where there is no time for any.

        Parameters
        ----------
        plans
            Feasible plans to begin from.
        until
            The search ends when `work_seconds()` passes it.
        """
        best = None
        least = np.inf
        idle = 0
        while idle < PATIENCE and (weighed := self._weighed(plans, until)) is not None:
            plans, probability, value = weighed
            idle = idle + 1 if value > least * (1 - FALLS) else 0
            if value < least:
                best, least = (plans, probability), value
            changed = self._exchanged(plans, probability, until)
            if changed is None:
                break
            plans = changed
        if best is None:
            return None
        some = np.flatnonzero(best[1])
        return [best[0][i] for i in some.tolist()], best[1][some]

    def _weighed(
        self, plans: Sequence[Mask], until: float
    ) -> tuple[list[Mask], Floats, float] | None:
        """Return the plans, each once, their best probabilities, and what evaders
        achieve with all paths that are then known.
        """
        game, found = RestrictedGame(self.commodities, self.pool), None
        for plan in plans:
            game.add(plan)
        for _ in range(TIMES):
            solution = game.solve(until)
            if solution is None:
                break
            self.pool.grow(
                np.array(game.plans).T @ solution.probability, np.zeros_like(game.plans[0])
            )
            found = game.plans, solution.probability, game.value_under(solution.probability)
            if found[2] <= solution.value * (1 + ANSWERED):
                break
        return found

    def _exchanged(
        self, plans: Sequence[Mask], probability: Floats, until: float
    ) -> list[Mask] | None:
        """Return the plans after exchanges that lower the value at these probabilities;
        None where none was made.
        """
        plans, changed = list(plans), False
        known = self.pool.paths.joined(self.commodities.fixed_routes, self.pool.filling)
        table = np.array([known.values(np.append(plan, False)) for plan in plans])
        expected = probability @ table
        theta = np.zeros(self.commodities.weight.size)
        np.maximum.at(theta, known.commodity, expected)
        near = np.flatnonzero((expected >= (1 - NEAR) * theta[known.commodity]) & (expected > 0))
        near = near[np.argsort(known.commodity[near], kind="stable")]
        paths = known.take(near)
        table = table[:, near]
        expected = expected[near]
        first = np.flatnonzero(np.diff(paths.commodity, prepend=-1))  # path of each commodity
        if not first.size:
            return None
        weight, count = (
            self.commodities.weight[paths.commodity[first]],
            np.diff(np.append(first, near.size)),
        )
        path, place = np.nonzero(paths.option < self.pool.filling)
        meeting = csr_array(
            (np.ones(path.size), (paths.option[path, place], path)), (self.pool.filling, near.size)
        )
        best = np.maximum.reduceat(expected, first)
        for i in np.argsort(-probability, kind="stable").tolist():
            stop_if_cancelled(self.listener)
            for _ in range(IN_A_ROW if probability[i] > 0 else 0):
                soft = np.exp(
                    (expected / np.repeat(np.where(best > 0, best, 1.0), count) - 1) / SOFT
                )
                soft[soft < LIGHT] = 0.0
                share = weight / np.maximum(
                    np.add.reduceat(soft, first), LIGHT
                )  # 0 where nothing gets through any more
                self.swaps.weigh(paths, soft * np.repeat(share, count))
                trials = []
                for plan in self.swaps.exchanges(plans[i], TRIALS):
                    own, met = (
                        table[i].copy(),
                        np.unique(meeting[np.flatnonzero(plan != plans[i])].indices),
                    )
                    own[met] = paths.take(met).values(np.append(plan, False))
                    after = expected + probability[i] * (own - table[i])
                    trials.append(
                        (float(weight @ np.maximum.reduceat(after, first)), plan, own, after)
                    )
                least = min(trials, key=itemgetter(0), default=None)
                if (
                    least is None
                    or least[0] >= (1 - NOTHING) * float(weight @ best)
                    or work_seconds() >= until
                ):
                    break
                _, plans[i], table[i], expected = least
                best, changed = np.maximum.reduceat(expected, first), True
        return plans if changed else None
