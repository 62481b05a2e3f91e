"""Floors of nodes where some options are loose (`master`): each with what the loose options may take off it.

A floor a_u of a commodity over a node rests on *witnesses*: paths of which every plan of the node leaves one a value of at least a_u, but for
loose options. These multiply that value by prod s_Pe^y_e >= 1 - sum_e (1 - s_Pe) y_e, so with them

    f_u(x, y) >= a_u - sum_e d_ue y_e,    d_ue = a_u max over witnesses P of (1 - s_Pe).

All rows of the program hold for max(f_u, a_u), which is at most f_u + sum_e d_ue y_e: so theta_u stands for that, and y_e has the cost
-sum_u p_u d_ue. A higher floor, with its losses, takes the place of a lower one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.base.listener import SILENT
from optimizer.solvers.branch_and_cut.budget_floors import raised_floors
from optimizer.solvers.branch_and_cut.path_cut_sets import left_out
from optimizer.solvers.branch_and_cut.separation import best_of_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance
    from optimizer.solvers.branch_and_cut.master import Master
    from optimizer.solvers.branch_and_cut.node import Node
    from optimizer.solvers.branch_and_cut.path_cut_sets import PathCutSet
    from optimizer.solvers.branch_and_cut.path_pool import Paths

ROUNDING = 1e-12
"""Relative allowance for rounding in the values of paths."""


def losses(witnesses: Paths, floor: NDArray[np.float64], loose: NDArray[np.bool_]) -> csr_array:
    """Return the (commodities, options) losses of (commodities,) floors by their witnesses."""
    path, place = np.nonzero(np.append(loose, False)[witnesses.option] & (witnesses.survival < 1))
    commodity = witnesses.commodity[path]
    share, key = 1 - witnesses.survival[path, place], commodity * loose.size + witnesses.option[path, place]
    order = np.lexsort((-share, key))
    key, first = np.unique(key[order], return_index=True)
    row, option = key // loose.size, key % loose.size
    return csr_array((floor[row] * share[order][first], (row, option)), shape=(floor.size, loose.size))


def loosened(node: Node, master: Master) -> Node:
    """Return a node of a program with loose options with losses, and floors from the paths that are known; another one as it is."""
    if not master.loose.any():
        return node
    return prepared(replace(node, loss=csr_array((node.floor.size, master.loose.size))), master)


def prepared(node: Node, master: Master) -> Node:
    """Return a node with the values of all that it allows placed as floors; with loose options the values of pooled paths, one witness each."""
    if node.loss is None:
        floor = np.minimum(master.values(master.overlay.free & ~node.zeros), master.commodities.start)
        floor = np.maximum(node.floor, floor)
        return replace(node, floor=floor, lower=max(node.lower, master.commodities.value(floor)))
    allowed = np.append(~node.zeros & ~master.loose, False)
    floor, parts = np.zeros_like(node.floor), []
    for paths in (master.pool.paths, master.commodities.chains):
        values = paths.values(allowed)
        best = best_of_each(paths.commodity, values)
        floor[paths.commodity[best]] = values[best] * (1 - ROUNDING)
        parts.append(paths.take(best))
    return node.with_floor(floor, losses(parts[0].joined(parts[1], master.pool.filling), floor, master.loose))


def under_budgets(instance: Instance, node: Node, master: Master, until: float, listener: Listener = SILENT) -> Node:
    """Return a node with its floors under the budgets; the paths that a proof of a floor uses are its witnesses."""
    paths = master.pool.paths
    witness = np.zeros(paths.commodity.size, dtype=np.bool_) if master.loose.any() else None
    floor = raised_floors(instance, node, paths, master.budget_cuts, until, listener, witness)
    if witness is None:
        return node.with_floor(floor)
    witness &= (floor > node.floor)[paths.commodity]
    return node.with_floor(floor, losses(paths.take(np.flatnonzero(witness)), floor, master.loose))


def opened(node: Node, split: PathCutSet, child: int, master: Master) -> Node:
    """Return the child of a node in which one of the paths of a set is open, with the losses of its floors."""
    found = split.opened(node, child)
    raised = split.floor > node.floor
    if not (master.loose.any() and raised.any()):
        return found
    paths = master.pool.paths
    wanted = np.zeros(node.zeros.size + 1, dtype=bool)
    wanted[np.concatenate(split.members)] = True
    others = paths.take(np.flatnonzero(raised[paths.commodity] & wanted[paths.option].any(axis=1)))
    each = left_out(node, others)
    # an open path leaves out all its options: for one of them at least, the best path without it is worth the floor
    high = wanted[each.option] & (each.value >= split.floor[others.commodity[each.path]])
    path, key = each.path[high], others.commodity[each.path[high]] * node.zeros.size + each.option[high]
    best = np.unique(path[best_of_each(key, each.value[high])])
    witnesses = paths.take(np.array(split.own)).joined(others.take(best), master.pool.filling)
    witnesses = witnesses.take(raised[witnesses.commodity])
    lowered = node.with_floor(split.floor, losses(witnesses, split.floor, master.loose))
    return replace(found, floor=lowered.floor, loss=lowered.loss)
