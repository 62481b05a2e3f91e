"""The restricted game: the mixture of some plans that lets least through, to evaders
who have some paths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.solvers.branch_and_cut.cuts.separation import best_of_each
from optimizer.solvers.branch_and_cut.lp.linear_program import LinearProgram
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

VIOLATED = 1e-9
"""Violation of a row, relative to the value of its commodity with nothing placed, from
which on it is added.
"""

SLACK_SOLVES = 30
"""Solves without a dual after which a row is left out until it is violated again."""

ROOM = 2
"""How many times as many paths, and plans, as there are the table of their values has room for."""

NO_ROW = -1
"""Stands for the name of the row of a path that has none."""

NEGLIGIBLE = 1e-9
"""Probability below which a plan is left out of a mixture."""


@dataclass(frozen=True)
class GameSolution:
    """The solution of a restricted game."""

    #: What the evaders achieve with the paths at hand.
    value: float
    #: (plans,) mu.
    probability: Floats
    #: (paths,) y of each path of the pool.
    weight: Floats


class RestrictedGame:
    """The linear program over plans and paths, which grow.

    Sets      X plans (columns); P paths of informed commodities k; C fixed routes
    Data      p_k weight of a commodity; R_P value of a path with nothing placed, g_P(x) under plan x; H(x) value of all fixed routes
    Variables mu_x in [0, 1] probability of a plan; theta_k in [0, R_k]; eta in [0, H(nothing)]
    Minimise  sum_k p_k theta_k + eta
    such that theta_k + sum_x (R_P - g_P(x)) mu_x >= R_P        for the paths P of k that matter, dual y_P >= 0
              eta + sum_x (H(nothing) - H(x)) mu_x >= H(nothing)
              -sum_x mu_x >= -1

    Written with losses R_P - g_P(x), a row has entries for those plans alone that touch
    its path, and probabilities need not be forced up to a sum of 1: more never raises
    the value. Rows are added once a solution violates them. theta_k is scaled by R_k,
    eta by H(nothing), and the objective by their weighted sum, so that all variables
    lie in [0, 1].

    The duals y_P, scaled to sum to p_k over the paths of each commodity, are the
    evaders' mixed strategy: for any such y and every plan x, sum_P y_P g_P(x) + H(x) >=
    min over feasible x of it, which bounds the value of every mixture from below
    (`defender`).

    Parameters
    ----------
    commodities, pool
        The evaders, and their paths found so far; paths that are added to the pool are
        taken in.
    """

    def __init__(self, commodities: Commodities, pool: PathPool) -> None:
        self.commodities, self.pool = commodities, pool
        self.plans: list[Mask] = []
        self._known: set[bytes] = set()
        self._informed = commodities.searches.leaf.size
        self._open = commodities.start[: self._informed]
        self._scale = np.where(self._open > 0, self._open, 1.0)
        self._values = np.empty((0, 0))
        self._fixed_routes = np.empty(0)
        self._fixed_routes_open = float(commodities.fixed_routes.value.sum())
        self._row_of = np.empty(0, dtype=np.int64)
        weight = commodities.weight[: self._informed]
        cost = np.append(weight * self._scale, self._fixed_routes_open)
        self._total = max(float(cost.sum()), np.finfo(np.float64).tiny)
        width = self._informed + 1
        rows = csr_array(([1.0], ([1], [self._informed])), shape=(2, width))
        side = np.array([-1.0, 1.0 if self._fixed_routes_open > 0 else 0.0])
        self._program = LinearProgram(
            cost / self._total, np.zeros(width), np.ones(width), rows, side
        )

    def add(self, plan: Mask) -> bool:
        """Add a plan, an (options,) mask; return whether it is new."""
        if plan.tobytes() in self._known:
            return False
        self._known.add(plan.tobytes())
        self.plans.append(plan)
        return True

    def values_under(self, probability: Floats) -> Floats:
        """Return the (commodities,) values that the paths at hand give informed
        commodities, and those of fixed routes, under a mixture.
        """
        self._take_in()
        expected = self._values @ probability
        best = np.zeros(self._informed)
        np.maximum.at(best, self.pool.paths.commodity, expected)
        return best

    def fixed_route_value(self, probability: Floats) -> float:
        """Return the value of all habitual evaders under a mixture."""
        self._take_in()
        return float(self._fixed_routes @ probability)

    def value_under(self, probability: Floats) -> float:
        """Return what the evaders achieve with the paths at hand."""
        weight = self.commodities.weight[: self._informed]
        return float(weight @ self.values_under(probability)) + self.fixed_route_value(probability)

    def solve(self, until: float = np.inf, allowed: Mask | None = None) -> GameSolution | None:
        """Return the best mixture of the plans, of the (plans,) `allowed` ones where
        given; None when time ran out.

        `until` is a `work_seconds()`.
        """
        self._program.drop_slack(SLACK_SOLVES)
        self._row_of[~np.isin(self._row_of, self._program.names)] = NO_ROW
        self._take_in()
        width, paths = self._informed + 1, self.pool.paths
        upper = np.ones(width + len(self.plans))
        if allowed is not None:
            upper[width:] = allowed
        self._program.move_bounds(np.zeros(upper.size), upper)
        while True:
            solution = self._program.solve(until)
            if solution is None:
                return None
            probability = np.maximum(solution.values[width:], 0.0)
            probability[probability < NEGLIGIBLE] = 0.0
            probability /= probability.sum() if probability.any() else 1.0
            if not probability.any():
                probability[0] = 1.0
            expected = self._values @ probability
            over = expected - solution.values[paths.commodity] * self._scale[paths.commodity]
            over = np.where(self._row_of == NO_ROW, over / self._scale[paths.commodity], 0.0)
            worst = best_of_each(paths.commodity, over)
            worst = worst[over[worst] > VIOLATED]
            if not worst.size:
                break
            self._add_rows(worst)
        return GameSolution(
            self.value_under(probability), probability, self._weights(solution.dual)
        )

    def _weights(self, dual: Floats) -> Floats:
        """Return y of each path; commodities whose rows have no dual put their weight
        on their best path.
        """
        paths, weight = self.pool.paths, self.commodities.weight[: self._informed]
        y = np.zeros(paths.commodity.size)
        has = self._row_of != NO_ROW
        y[has] = dual[self._places(has)] / self._scale[paths.commodity[has]]
        total = np.bincount(paths.commodity, y, self._informed)
        best = best_of_each(paths.commodity, paths.value)
        empty = best[total[paths.commodity[best]] <= 0]
        y[empty] = 1.0
        total = np.bincount(paths.commodity, y, self._informed)
        return np.asarray(y * (weight / np.where(total > 0, total, 1.0))[paths.commodity])

    def _places(self, paths: NDArray[np.int64] | Mask) -> NDArray[np.int64]:
        """Return where the rows of some paths stand among those that are stored."""
        return np.searchsorted(self._program.stored_names, self._row_of[paths])

    def _add_rows(self, which: NDArray[np.int64]) -> None:
        paths = self.pool.paths
        commodity = paths.commodity[which]
        loss = (paths.value[which, None] - self._values[which]) / self._scale[commodity, None]
        table = csr_array(loss)
        own = csr_array(
            (np.ones(which.size), (np.arange(which.size), commodity)),
            shape=(which.size, self._informed + 1),
        )
        from scipy.sparse import hstack

        self._row_of[which] = self._program.next_name + np.arange(which.size)
        self._program.add(
            csr_array(hstack((own, table))), paths.value[which] / self._scale[commodity]
        )

    def _take_in(self) -> None:
        """Value new plans on old paths and all plans on new paths, and add the new
        plans to the program.
        """
        paths, (n_paths, n_plans) = self.pool.paths, self._values.shape
        fresh = self.plans[n_plans:]
        if paths.value.size == n_paths and not fresh:
            return
        old = paths.take(np.arange(n_paths))
        new = paths.take(np.arange(n_paths, paths.value.size))
        beside = (
            np.array([old.values(np.append(plan, False)) for plan in fresh])
            .reshape(len(fresh), n_paths)
            .T
        )
        below = np.array([new.values(np.append(plan, False)) for plan in self.plans])
        below = below.reshape(len(self.plans), new.value.size).T
        table = self._values.base
        if table is None or (np.array(table.shape) < (paths.value.size, len(self.plans))).any():
            table = np.empty((ROOM * paths.value.size, ROOM * len(self.plans)))
            table[:n_paths, :n_plans] = self._values
        (
            table[:n_paths, n_plans : len(self.plans)],
            table[n_paths : paths.value.size, : len(self.plans)],
        ) = (beside, below)
        self._values = table[: paths.value.size, : len(self.plans)]
        self._row_of = np.append(self._row_of, np.full(new.value.size, NO_ROW))
        if not fresh:
            return
        fixed_routes = self.commodities.fixed_routes
        value = np.array(
            [float(fixed_routes.values(np.append(plan, False)).sum()) for plan in fresh]
        )
        self._fixed_routes = np.append(self._fixed_routes, value)
        entries = np.zeros((self._program.stored_names.size, len(fresh)))
        entries[0] = -1.0
        if self._fixed_routes_open > 0:
            entries[1] = 1 - value / self._fixed_routes_open
        path = np.flatnonzero(self._row_of != NO_ROW)
        loss = paths.value[path, None] - self._values[path, n_plans:]
        entries[self._places(path)] = loss / self._scale[paths.commodity[path], None]
        self._program.add_columns(np.ones(len(fresh)), csr_array(entries))
