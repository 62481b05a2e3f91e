"""The defender's answer to a mixed strategy of the evaders: the plan of least value
against weighted paths.

Swaps of options find it, branch and cut bounds it.

Sets      J options; P paths that the evaders take, each with a weight y_P; C fixed routes
Minimise  sum_P y_P g_P(x) + sum_c h_c(x) over the feasible plans x, with g_P(x) = R_P prod_{j in P} rho_jP^{x_j}

Every path is then a fixed route: the problem is the placement problem without informed
evaders, and `branch_and_cut` bounds it. As y sums to p_k over the paths of commodity k,
its optimum is a lower bound of the value of every mixture.

Swaps. Let G_i be the (paths,) values with option i taken out of the plan, and s_jP = 1
- rho_jP. Exchanging i for j changes the value to sum_P G_iP - sum_P G_iP s_jP, so one
product of an (out, paths) with a (paths, in) table, sparse as paths meet few options,
values all swaps at once; i = none adds an option.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.base.work.listener import SILENT, Listener, OnlyCancels
from optimizer.base.work.work_clock import work_seconds
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.plan.plan import within_limits
from optimizer.solvers.branch_and_cut.paths.path_pool import Paths
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import FixedRoutes, Overlay

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

NOTHING = 1e-12
"""A gain below this share of the value is rounding."""
NEGLIGIBLE = 1e-12
"""Share of all weight below which a path does not steer the swaps."""


class Swaps:
    """Plans that swaps of one option find against weighted paths.

    Parameters
    ----------
    instance, overlay
        The problem.
    """

    def __init__(self, instance: Instance, overlay: Overlay) -> None:
        self._instance = instance
        n = len(instance.options)
        self._movable = np.flatnonzero(overlay.free)
        table = instance.conflict_table.toarray()
        self._conflict = table.T @ table > 0
        np.fill_diagonal(self._conflict, val=False)
        self._needs = np.zeros((len(instance.requirements), n))
        for q, each in enumerate(instance.requirements):
            self._needs[q, list(each.options)] = each.coefficients
        self._least = np.array([each.least - each.tolerance for each in instance.requirements])
        self._values, self._loss = np.empty(0), csr_array((n, 0))

    def weigh(self, paths: Paths, weight: Floats) -> None:
        """Take (paths,) weights of paths; fixed routes are paths of weight 1."""
        value = paths.value * weight
        kept = np.flatnonzero(value > NEGLIGIBLE * value.sum())
        self._values = value[kept]
        n = len(self._instance.options)
        path, place = np.nonzero(paths.option[kept] < n)
        entries = (paths.option[kept[path], place], path)
        self._loss = csr_array(
            (1 - paths.survival[kept[path], place], entries), shape=(n, kept.size)
        )

    def value(self, placed: Mask) -> float:
        """Return the value of a plan against the weighted paths."""
        return float(self._values @ self._survival(placed).prod(axis=0))

    def improved(self, placed: Mask, until: float = np.inf, most: int = 1000) -> Mask:
        """Return a plan that no exchange, or none within so many or before `until`
        (`work_seconds()`), makes better.
        """
        placed = placed.copy()
        for _ in range(most):
            exchange = None if work_seconds() >= until else next(self.exchanges(placed), None)
            if exchange is None:
                break
            placed = exchange
        return placed

    def exchanges(self, placed: Mask, most: int = 3) -> Iterator[Mask]:
        """Yield plans that one exchange makes better, the best first, out of so many
        exchanges of least value.
        """
        movable = self._movable
        out = movable[placed[movable]]
        into = movable[~placed[movable]]
        if not into.size:
            return
        left = self._without_each(placed, out)
        value = float(left[0].sum())
        after = left.sum(axis=1)[:, None] - np.asarray(self._loss @ left.T).T[:, into]
        after[~self._fitting(placed, out, into)] = np.inf
        for choice in np.argsort(after, axis=None, kind="stable")[:most].tolist():
            row, column = divmod(choice, into.size)
            if after[row, column] >= value * (1 - NOTHING):
                return
            candidate = placed.copy()
            candidate[into[column]] = True
            if row:
                candidate[out[row - 1]] = False
            if within_limits(self._instance, candidate) and requirements_met(
                self._instance, candidate
            ):
                yield candidate

    def _without_each(self, placed: Mask, out: NDArray[np.int64]) -> Floats:
        """Return the (1 + out, paths) values of the plan, and without each option of `out`."""
        fixed = placed.copy()
        fixed[out] = False
        survival = self._survival(out)
        ahead = np.vstack((np.ones(self._values.size), np.cumprod(survival, axis=0)))
        behind = np.vstack((np.cumprod(survival[::-1], axis=0)[::-1], np.ones(self._values.size)))
        base = self._values * self._survival(fixed).prod(axis=0)
        return np.asarray(base * np.vstack((ahead[-1:], ahead[:-1] * behind[1:])))

    def _survival(self, options: Mask | NDArray[np.int64]) -> Floats:
        """Return the (some, paths) survivals of some options."""
        return np.asarray(1 - self._loss[options].toarray())

    def _fitting(self, placed: Mask, out: NDArray[np.int64], into: NDArray[np.int64]) -> Mask:
        """Return the (1 + out, into) mask of swaps that budgets, conflicts and
        requirements allow.
        """
        instance = self._instance
        freed = np.vstack((np.zeros(instance.budget.size), instance.use[out]))
        room = instance.budget * (1 + BUDGET_TOLERANCE) - placed @ instance.use + freed
        allowed = np.ones((1 + out.size, into.size), dtype=bool)
        for r in range(instance.budget.size):
            allowed &= instance.use[into, r] <= room[:, r, None]
        in_the_way = self._conflict[into][:, placed].sum(axis=1)
        allowed &= in_the_way - np.vstack((np.zeros(into.size), self._conflict[out][:, into])) <= 0
        for q in range(self._least.size):
            lost = np.append(0.0, self._needs[q, out])
            allowed &= (
                float(self._needs[q] @ placed) - lost[:, None] + self._needs[q, into]
                >= self._least[q]
            )
        return allowed


def against_paths(overlay: Overlay, paths: Paths, weight: Floats) -> Overlay:
    """Return the overlay whose evaders keep to weighted paths: no informed ones, and
    every path a fixed route beside those there are.
    """
    kept = np.flatnonzero(weight * paths.value > 0)
    chosen, fixed_routes = paths.take(kept), overlay.fixed_routes
    row, place = np.nonzero(chosen.option < overlay.free.size)
    none = np.empty(0, dtype=np.int64)
    return replace(
        overlay,
        origin=none,
        destination=none,
        weight=np.empty(0),
        fixed_routes=FixedRoutes(
            np.append(fixed_routes.value, chosen.value * weight[kept]),
            np.append(fixed_routes.route, fixed_routes.value.size + row),
            np.append(fixed_routes.option, chosen.option[row, place]),
            np.append(fixed_routes.survival, chosen.survival[row, place]),
        ),
    )


class _Answers(OnlyCancels):
    """Keeps the plans that it is told of."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.plans: list[Mask] = []

    def plan_found(self, placed: Mask, value: float) -> None:  # noqa: ARG002 - their order is by falling value
        """Keep it."""
        self.plans.append(placed.copy())


class DefenderBound:
    """Branch and cut of the defender's answer to a strategy of the evaders.

    Parameters
    ----------
    instance, overlay
        The problem.
    paths, weight
        Paths of informed commodities with their (paths,) y.
    start
        A plan.
    listener
        Asked whether to stop.
    """

    def __init__(
        self,
        instance: Instance,
        overlay: Overlay,
        paths: Paths,
        weight: Floats,
        start: Mask,
        listener: Listener = SILENT,
    ) -> None:
        against = against_paths(overlay, paths, weight)
        self._answers = _Answers(listener)
        self._tree = BranchAndCut(
            instance, against, upper=against.value(start), listener=self._answers
        )

    @property
    def better(self) -> list[Mask]:
        """Plans that the search found, each better against the strategy than the one
        before and than the first.
        """
        return self._answers.plans

    def bound(self, gap: float, until: float) -> float:
        """Return a proven lower bound of the value of every mixture, once the relative
        gap is closed or time is up.
        """
        tree = self._tree
        tree.gap, tree.until = gap, until
        tree.cut_root()
        if tree.lower < tree.cutoff and work_seconds() < until:
            tree.branch()
        return tree.lower
