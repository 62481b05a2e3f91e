"""Nodes of the branch-and-cut tree, and which options can still be added to a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.instance.requirements import implied_options, options_that_break_none
from optimizer.problem.plan.plan import within_budgets, within_limits
from optimizer.solvers.branch_and_cut.proof.record import Duals, Step, joined

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.branch_and_cut.lp.linear_program import Basis

ROUNDING = 1e-12
"""Relative distance from a budget within which a sum is computed again in the order of
`plan.within_limits`.
"""


@dataclass(frozen=True)
class Node:
    """Plans that place some options and not others, and obey the rows of some branching
    decisions.
    """

    #: `ones`, `zeros`: (options,) masks: placed in every plan of the node, placed in
    #: none.
    ones: NDArray[np.bool_]
    zeros: NDArray[np.bool_]
    #: (commodities,) lower bound of the value of each commodity over the node.
    floor: NDArray[np.float64]
    #: Ids of the nodes whose rows hold here: those on the way from the root, and its
    #: own last; empty for the root.
    ancestors: tuple[int, ...] = ()
    #: Proven lower bound of the value of every plan in the node.
    lower: float = 0.0
    #: Basis from which its linear program is solved first; None for the last one.
    basis: Basis | None = None
    #: (commodities, options) sparse: what a relaxed option (`master`) at most takes off
    #: the floor of a commodity; None where nothing does.
    loss: csr_array | None = None
    #: `duals`, `trail`: For a certificate: what proves `lower` (None: the floors), and
    #: the steps that lead from the root to the node.
    duals: Duals | None = None
    trail: tuple[Step, ...] = ()
    #: Whether a debug solution is in the node (`debug_solution`); it means nothing
    #: where there is none.
    watched: bool = True

    @property
    def beside_relaxed(self) -> bool:
        """Whether relaxed options may take something off the floors."""
        return self.loss is not None

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """(options,) mask of the options in neither."""
        return ~(self.ones | self.zeros)

    def within(self, other: Node) -> Node:
        """Return the node of the plans that are in another as well; its own id stays
        the last, and its bound is infinite if there are none.
        """
        ones, zeros = self.ones | other.ones, self.zeros | other.zeros
        others = tuple(one for one in other.ancestors if one not in self.ancestors)
        lower = np.inf if (ones & zeros).any() else max(self.lower, other.lower)
        ancestors = (*others, *self.ancestors)
        node = self.with_floor(other.floor, other.loss).proven(other.lower, other.duals)
        trail = joined(other.trail, self.trail)
        return replace(
            node,
            ones=ones,
            zeros=zeros,
            ancestors=ancestors,
            lower=lower,
            trail=trail,
            watched=self.watched and other.watched,
        )

    def proven(self, lower: float, duals: Duals | None = None) -> Node:
        """Return the node with a lower bound, and what proves it, if it is better than its own."""
        return replace(self, lower=lower, duals=duals) if lower > self.lower else self

    def with_floor(self, floor: NDArray[np.float64], loss: csr_array | None = None) -> Node:
        """Return the node with the higher of its and other (commodities,) floors, each
        with what it may lose.
        """
        raised, found = (floor > self.floor).astype(np.float64), self.loss
        if found is not None and loss is not None and raised.any():
            found = csr_array(diags_array(1 - raised) @ found + diags_array(raised) @ loss)
        return replace(self, floor=np.maximum(self.floor, floor), loss=found)

    def rounded(
        self, instance: Instance, x: NDArray[np.float64], least: float
    ) -> NDArray[np.bool_]:
        """Return the plan that places the options of (options,) x above `least` by
        falling x, as long as they fit and break no requirement.
        """
        placed, can = self.ones.copy(), self._can_take(instance, self.ones)
        for option in np.argsort(-x, kind="stable")[: int((x > least).sum())].tolist():
            if can[option]:
                placed[option] = True
                can = self._can_take(instance, placed)
        return placed

    def _can_take(self, instance: Instance, placed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return (
            self.undecided
            & ~placed
            & options_that_fit(instance, placed)
            & options_that_break_none(instance, placed)
        )

    def propagated(self, instance: Instance) -> Node:
        """Return the node with those options fixed that no longer fit beside the placed
        ones, or that a requirement cannot do without.
        """
        node = replace(
            self, zeros=self.zeros | (self.undecided & ~options_that_fit(instance, self.ones))
        )
        if not instance.requirements:
            return node
        more = implied_options(instance, node.ones, node.zeros)
        fixed = replace(node, ones=more.ones, zeros=more.zeros)
        if more.possible and (more.ones != node.ones).any() and within_limits(instance, more.ones):
            return fixed.propagated(instance)
        return fixed

    def may_hold_plans(self, instance: Instance) -> bool:
        """Return whether budgets, exclusions and requirements leave room for a plan,
        each looked at by itself.
        """
        return (
            within_limits(instance, self.ones)
            and implied_options(instance, self.ones, self.zeros).possible
        )


def options_that_fit(instance: Instance, placed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the (options,) mask of those that can be added, one at a time, to a mask
    that fits; it agrees with `within_limits` exactly.
    """
    most = instance.budget * (1 + BUDGET_TOLERANCE)
    used = placed @ instance.use + instance.use
    fitting = np.asarray((used <= most).all(axis=1))
    # sums of whole numbers have no rounding
    uneven = (instance.use != np.rint(instance.use)).any(axis=0)
    if uneven.any():
        near = (instance.use > 0) & (np.abs(used - most) <= ROUNDING * most) & uneven
        # a sum in another order may fall on the other side
        for option in np.flatnonzero(near.any(axis=1) & ~placed).tolist():
            fitting[option] = within_budgets(
                instance, placed | np.equal(np.arange(placed.size), option)
            )
    table = instance.conflict_table
    taken = placed[table.indices]
    if taken.any():
        conflict = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
        broken = np.bincount(conflict, taken, table.shape[0]) > 0
        fitting[table.indices[broken[conflict]]] = False
    return fitting
