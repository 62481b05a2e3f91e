"""Floors under the budgets: values that no plan can bring an evader below, whatever else it gives up.

Sets      P the paths of one informed commodity found so far; J options that are not decided; rows A x <= b: what is left of the budgets, and
          of budget cuts (`budget_hull`)
Data      R_P the value of a path with what is placed; u_Pj = -ln rho_Pj, rho_Pj what option j leaves of path P

A plan brings the commodity below v only if every path with R_P >= v gets options with sum_j u_Pj x_j > ln(R_P / v), so only if

    sum_j c_Pj x_j >= 1,   c_Pj = min(1, u_Pj / ln(R_P / v)),   for these P,     A x <= b,     0 <= x <= 1           (1)

has a solution. With multipliers mu >= 0 of the rows and y_P >= 0, summing (1) shows that it has none if

    sum_P y_P > mu b + sum_j max(0, sum_P c_Pj y_P - (mu A)_j),                                                        (2)

and then v is a floor. y is found path by path: y_P is raised while that raises the left side of (2) by more than the right one, with prices
(mu A)_j of which earlier paths have taken their part. mu are the rows one by one, then mixtures with most weight on the rows that were used
most by the options that covered the paths so far (multiplicative weights); when the mean of these covers is within all rows, it solves (1).
Values of paths are the levels v that are tried. For many roads of about equal value the linear program closes each in part; where the budgets
cannot close all of them, the floor is the value of the best road that must stay open.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.work.listener import SILENT
from optimizer.problem.plan.plan import BUDGET_TOLERANCE
from optimizer.solvers.branch_and_cut.cuts import floors_loops
from optimizer.solvers.branch_and_cut.cuts.separation import STEEPEST
from optimizer.solvers.search.compiled import COMPILING_SECONDS, kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetCuts
    from optimizer.solvers.branch_and_cut.paths.path_pool import Paths
    from optimizer.solvers.branch_and_cut.tree.node import Node

TURNS = 16
"""Mixtures of rows that are tried for a level."""
NOTHING_LEFT = 1e-6
"""Share of a budget up to which nothing is left of it: what still uses it is fixed by propagation."""
LOOPS = 30
"""How many numbers NumPy would work through in the time that the loops take for one, in plain Python."""
AT_ONCE = 8
"""Commodities whose floors are raised before the time is looked at."""


def raised_floors(
    instance: Instance,
    node: Node,
    paths: Paths,
    cuts: BudgetCuts,
    until: float = np.inf,
    listener: Listener = SILENT,
) -> NDArray[np.float64]:
    """Return (commodities,) floors of the plans of a node, each at least as large as the node's.

    Parameters
    ----------
    instance
        Whose budgets hold.
    node
        The node, propagated.
    paths
        Paths of informed commodities, with every option on them.
    cuts
        Budget cuts.
    until
        `time.monotonic()` from which on commodities keep the floors they have; compiling the loops does not count.
    listener
        Told of that.
    """
    use = _rows(instance, node, cuts)
    value = paths.values(np.append(node.ones, False))
    above = np.flatnonzero(value > node.floor[paths.commodity])
    if not use.shape[1] or not above.size:
        return node.floor
    order = above[np.lexsort((-value[above], paths.commodity[above]))]
    option = paths.option[order]
    with np.errstate(divide="ignore"):
        depth = np.minimum(-np.log(paths.survival[order]), STEEPEST) * np.append(node.undecided, False)[option]
    compiled = kernels("floors", LOOPS * option.size)
    loops = floors_loops if compiled is None else compiled
    start = np.searchsorted(paths.commodity[order], np.arange(node.floor.size + 1))
    floor, values, compiled_for = node.floor.copy(), value[order], COMPILING_SECONDS[0]
    for k in range(0, floor.size, AT_ONCE):
        if time.monotonic() >= until + COMPILING_SECONDS[0] - compiled_for:
            listener.noted(
                f"Floors under the budgets were raised for {k} of {floor.size} commodities in their share of the time; the bound is lower for "
                "it. A longer time limit raises more."
            )
            break
        some = slice(k, k + AT_ONCE)
        floor[some] = loops.raised(start[k : k + AT_ONCE + 1], values, option, depth, node.floor[some], use, TURNS)
    return floor


def _rows(instance: Instance, node: Node, cuts: BudgetCuts) -> NDArray[np.float64]:
    """Return the (options + 1, rows) uses of the rows of which something is left, as shares of that; the last option is padding."""
    coefficient = cuts.coefficient.toarray()
    use = np.vstack((np.column_stack((instance.use, coefficient.T)), np.zeros(instance.budget.size + cuts.side.size)))
    budget = np.append(instance.budget * (1 + 2 * BUDGET_TOLERANCE), cuts.side)
    left = budget - np.append(node.ones, False) @ use
    used = np.isfinite(left) & (left > NOTHING_LEFT * budget) & (use[np.append(node.undecided, False)] > 0).any(axis=0)
    return np.ascontiguousarray(use[:, used] / left[used])
