"""Cuts that an agency answers a proposed plan with: what gets through of the loads it knows, as a lower bound that is linear in the options.

Agency i knows evaders k with weights p_k. Let x' be a proposed plan, P_k the best path of evader k against it, and s_jk the chance to pass the
arcs of option j on P_k. For every plan x,

    f_k(x) >= rho_k (1 - sum_{j not in x'} (1 - s_jk) x_j),    rho_k = f_k(x'),

as the path stays open to the evader, options of x' that are taken away only help him, and prod (1 - a_j) >= 1 - sum a_j. At x' both sides are
equal. A cut is the sum over the evaders of a group. It says how much gets through of a group under x', and by how much each option would lower
that at most: no path, no place of a load, no row of a record.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.problem.evaders import best_responses
from optimizer.problem.evaluation import evader_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance


@dataclass(frozen=True)
class JointCut:
    """A bound on what gets through of a group of loads.

    Attributes
    ----------
    agency
        Who knows the loads.
    group
        Which of its groups, a number.
    value
        What gets through under the proposed plan.
    slopes
        Option -> by how much it lowers that at most, for options that are not in the plan; those of 0 are left out.
    """

    agency: str
    group: int
    value: float
    slopes: Mapping[str, float]


class LoadKeeper:
    """An agency that answers proposals with cuts, and keeps its evaders to itself.

    Parameters
    ----------
    agency
        Its id.
    instance
        Its own problem: the roads and options that all know, and the evaders that it alone knows.
    share
        Weight of its loads in the joint value, > 0; its own weights are scaled to sum to it.
    groups
        Into how many groups its loads are put, by origin and in an order of no meaning, >= 1: more groups need fewer rounds and say more.
    """

    def __init__(self, agency: str, instance: Instance, share: float, groups: int) -> None:
        self.agency, self._instance = agency, instance
        weight = np.array([evader.weight for evader in instance.evaders])
        self._weight = weight * (share / weight.sum()) if weight.any() else weight
        origins = [instance.node_id[evader.origin] for evader in instance.evaders]
        mark = [hashlib.sha256(f"{agency}|{origin}".encode()).digest()[:8] for origin in origins]
        self._group = np.array([int.from_bytes(each, "big") % groups for each in mark])
        self.groups = groups
        option, arc, survival = instance.effects
        shape = (len(instance.options), instance.tail.size)
        self._loss = csr_array((np.log(np.maximum(survival, 1e-300)), (option, arc)), shape=shape)

    def value(self, placed: NDArray[np.bool_]) -> float:
        """Return what gets through of its loads under an (options,) mask."""
        return float(self._weight @ evader_values(self._instance, placed))

    def answer(self, placed: NDArray[np.bool_]) -> list[JointCut]:
        """Return its cuts at an (options,) mask, one a group of which anything gets through, at least one."""
        instance = self._instance
        survival = instance.survival(placed)
        answers = best_responses(instance.n_nodes, instance.tail, instance.head, survival, instance.evaders)
        ways: list[tuple[int, tuple[int, ...], float]] = []
        for k, evader in enumerate(instance.evaders):
            routes = [(route.arcs, route.share) for route in evader.routes] or [(answers[k], 1.0)]
            ways += [(k, arcs, share) for arcs, share in routes]
        rows = np.repeat(np.arange(len(ways)), [len(arcs) for _, arcs, _ in ways])
        columns = np.array([arc for _, arcs, _ in ways for arc in arcs], dtype=np.int64)
        on = csr_array((np.ones(columns.size), (rows, columns)), shape=(len(ways), instance.tail.size))
        # who has no arcs has no way through
        through = np.array([survival[list(arcs)].prod() if arcs else 0.0 for _, arcs, _ in ways])
        whose = np.array([k for k, _, _ in ways], dtype=np.int64)
        weight = self._weight[whose] * np.array([share for _, _, share in ways]) * through
        passed = csr_array(self._loss @ on.T)
        lowered = csr_array((-np.expm1(passed.data), passed.indices, passed.indptr), shape=passed.shape)
        cuts = []
        for group in range(self.groups):
            mine = np.where(self._group[whose] == group, weight, 0.0)
            if mine.any():
                slope: NDArray[np.float64] = np.asarray(lowered @ mine)
                names = {
                    o.id: float(slope[j]) for j, o in enumerate(instance.options) if not placed[j] and slope[j] > 0
                }
                cuts.append(JointCut(self.agency, group, float(mine.sum()), names))
        return cuts or [JointCut(self.agency, 0, 0.0, {})]
