"""Floors of nodes where some options are relaxed (`master`): each with what the relaxed options may take off it.

A floor a_u of a commodity over a node rests on *witnesses*: paths of which every plan of the node leaves one a value of at least a_u, but for
relaxed options. These multiply that value by prod s_Pe^y_e >= 1 - sum_e (1 - s_Pe) y_e, so with them

    f_u(x, y) >= a_u - sum_e d_ue y_e,    d_ue = a_u max over witnesses P of (1 - s_Pe).

Such a floor is no bound of theta_u but a row (`with_losses`), which holds below the node as well, so that no child has a lower bound than
its node. A higher floor, with its losses, takes the place of a lower one. Floors under the budgets (`bound_tightening`) and
of open path sets would have so many witnesses that they lose what they gain: with relaxed options neither are made.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.solvers.branch_and_cut.cuts.separation import Cuts, best_of_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.lp.master import Master
    from optimizer.solvers.branch_and_cut.paths.path_pool import Paths
    from optimizer.solvers.branch_and_cut.tree.node import Node

FLOOR_ROUNDING = 1e-12
"""Relative allowance for rounding in the values of paths."""


def losses(witnesses: Paths, floor: NDArray[np.float64], relaxed_options: NDArray[np.bool_]) -> csr_array:
    """Return the (commodities, options) losses of (commodities,) floors by their witnesses."""
    path, place = np.nonzero(np.append(relaxed_options, False)[witnesses.option] & (witnesses.survival < 1))
    commodity = witnesses.commodity[path]
    share, key = 1 - witnesses.survival[path, place], commodity * relaxed_options.size + witnesses.option[path, place]
    order = np.lexsort((-share, key))
    key, first = np.unique(key[order], return_index=True)
    row, option = key // relaxed_options.size, key % relaxed_options.size
    return csr_array((floor[row] * share[order][first], (row, option)), shape=(floor.size, relaxed_options.size))


def root_with_losses(node: Node, master: Master) -> Node:
    """Return a node of a program with relaxed options with losses, and floors from the paths that are known; another one as it is."""
    if not master.relaxed_options.any():
        return node
    return prepared(replace(node, loss=csr_array((node.floor.size, master.relaxed_options.size))), master)


def prepared(node: Node, master: Master) -> Node:
    """Return a node with the values of all that it allows placed as floors; with relaxed options those of pooled paths, one witness each."""
    if node.loss is None:
        floor = np.minimum(master.values(master.overlay.free & ~node.zeros), master.commodities.start)
        floor = np.maximum(node.floor, floor)
        return replace(node, floor=floor).proven(master.commodities.value(floor))
    allowed = np.append(~node.zeros & ~master.relaxed_options, False)
    floor, parts = np.zeros_like(node.floor), []
    for paths in (master.pool.paths, master.commodities.fixed_routes):
        values = paths.values(allowed)
        best = best_of_each(paths.commodity, values)
        floor[paths.commodity[best]] = values[best] * (1 - FLOOR_ROUNDING)
        parts.append(paths.take(best))
    return node.with_floor(floor, losses(parts[0].joined(parts[1], master.pool.filling), floor, master.relaxed_options))


ENTRY_ROUNDING = 1e-9
"""Relative allowance for rounding in entries."""


class LargestShares:
    """The largest share that each option takes from any path of a pool, or any fixed route.

    Parameters
    ----------
    fixed_routes
        The fixed routes.
    options
        Number of options; the one after the last pads rows.
    """

    def __init__(self, fixed_routes: Paths, options: int) -> None:
        self._share, self._known = np.zeros(options + 1), 0
        np.maximum.at(self._share, fixed_routes.option.ravel(), 1 - fixed_routes.survival.ravel())

    def of(self, paths: Paths) -> NDArray[np.float64]:
        """Return the (options + 1,) shares over the paths of a pool, which only grows."""
        new = slice(self._known, paths.value.size)
        np.maximum.at(self._share, paths.option[new].ravel(), 1 - paths.survival[new].ravel())
        self._known = paths.value.size
        return self._share


def with_losses(
    cuts: Cuts, node: Node, start: NDArray[np.float64], share: NDArray[np.float64], relaxed_options: NDArray[np.bool_]
) -> Cuts:
    """Return cuts of a node with losses as rows that hold for every plan of it, whatever the relaxed options, and its floors as such rows.

    A cut shows r <= max(f_u, a_u) <= f_u + sum_e d_ue y_e (as above), so f_u is at least r with d_ue added to its entries; of the relaxed
    ones none need be more than t_e R_u: an option takes a (options + 1,) share of at most t_e = max over paths of (1 - s_Pe) from a value of at
    most R_u, all paths together.
    """
    assert node.loss is not None  # noqa: S101 - the caller has looked
    loss = node.loss
    table = csr_array(cuts.coefficient + loss[cuts.commodity]).tocoo()
    row, option, entry = table.row.astype(np.int64), table.col.astype(np.int64), table.data
    of_relaxed = relaxed_options[option]
    most = start[cuts.commodity[row[of_relaxed]]] * share[option[of_relaxed]] * (1 + ENTRY_ROUNDING)
    entry[of_relaxed] = np.minimum(entry[of_relaxed], most)
    held = loss.tocoo()
    floors = Cuts(
        np.arange(node.floor.size),
        node.floor,
        held.row.astype(np.int64),
        held.col.astype(np.int64),
        held.data,
        cuts.n_options,
    )
    return Cuts.join([Cuts(cuts.commodity, cuts.side, row, option, entry, cuts.n_options), floors])
