"""Plans from scores: options in the order of their score for what they use, as long as budgets, conflicts and requirements allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.plan import BUDGET_TOLERANCE
from optimizer.problem.requirements import without_breaking
from optimizer.solvers.branch_and_cut.node import addable
from optimizer.solvers.feasible_start import feasible_start

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from optimizer.problem.instance import Instance
    from optimizer.solvers.adaptive.routes import RouteSet

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


class Placer:
    """Makes feasible plans from scores.

    Parameters
    ----------
    instance
        The problem.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.start: Mask = feasible_start(instance)
        self._allowed = np.array([not option.forbidden for option in instance.options], dtype=bool)
        budget = np.where(instance.budget > 0, instance.budget, 1e-12)
        self.price: Floats = np.maximum((instance.use / budget).max(axis=1, initial=0.0), 1e-3)
        self._rivals = [np.empty(0, dtype=np.int64) for _ in instance.options]
        for group in instance.conflicts:
            for j in group:
                self._rivals[j] = np.union1d(self._rivals[j], np.array([k for k in group if k != j], dtype=np.int64))
        self._most = instance.budget * (1 + BUDGET_TOLERANCE)

    def by_score(self, score: Floats) -> Mask:
        """Return a plan of options in the order of (options,) scores over price; those of a score of 0 or less are left out."""
        instance, placed = self._instance, self.start.copy()
        order = np.argsort(-score / self.price, kind="stable")
        left = self._most - placed @ instance.use
        for j in order[score[order] > 0].tolist():
            if placed[j] or not self._allowed[j] or (instance.use[j] > left).any() or placed[self._rivals[j]].any():
                continue
            if instance.requirements and not without_breaking(instance, placed)[j]:
                continue
            placed[j] = True
            left = left - instance.use[j]
        return placed

    def random(self, rng: np.random.Generator) -> Mask:
        """Return a plan of options in random order."""
        return self.by_score(np.asarray(rng.permutation(self.price.size) + 1.0, dtype=np.float64))

    def covering(self, routes: RouteSet, meets: csr_array, flow: Floats) -> Mask:
        """Return the plan of greedy maximal covering: flow on routes with at least one placed option (Church and ReVelle 1974).

        Parameters
        ----------
        routes
            The routes.
        meets
            (options, routes) sparse: 1 where a route meets an option.
        flow
            (routes,) flow.
        """
        instance, placed = self._instance, self.start.copy()
        open_flow = flow.copy()
        open_flow[_covered(routes, placed)] = 0.0
        while True:
            fitting = addable(instance, placed) & ~placed & self._allowed & without_breaking(instance, placed)
            gain = np.where(fitting, meets @ open_flow, 0.0)
            choice = int((gain / self.price).argmax())
            if gain[choice] <= 0:
                return placed
            placed[choice] = True
            open_flow[meets.indices[meets.indptr[choice] : meets.indptr[choice + 1]]] = 0.0


def _covered(routes: RouteSet, placed: Mask) -> Mask:
    """Return the (routes,) mask of those that meet a placed option."""
    return np.asarray(np.append(placed, False)[routes.option].any(axis=1))
