"""Floors of nodes where some options are loose (`master`): each with what the loose options may take off it.

A floor a_u of a commodity over a node rests on *witnesses*: paths of which every plan of the node leaves one a value of at least a_u, but for
loose options. These multiply that value by prod s_Pe^y_e >= 1 - sum_e (1 - s_Pe) y_e, so with them

    f_u(x, y) >= a_u - sum_e d_ue y_e,    d_ue = a_u max over witnesses P of (1 - s_Pe).

Such a floor is no bound of theta_u but a row (`loose_entries`), which holds below the node as well, so that no child has a lower bound than
its node. A higher floor, with its losses, takes the place of a lower one. Floors under the budgets (`budget_floors`) and
of open path cut sets would have so many witnesses that they lose what they gain: with loose options neither are made.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.solvers.branch_and_cut.separation import best_of_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.master import Master
    from optimizer.solvers.branch_and_cut.node import Node
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
