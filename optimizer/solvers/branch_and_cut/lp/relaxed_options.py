"""Floors of nodes where some options are relaxed (`master`): each with what the relaxed options may take off it.

A floor a_u of a commodity over a node rests on *witnesses*: paths of which every plan of the node leaves one a value of at least a_u, but for
relaxed options. These multiply that value by prod s_Pe^y_e >= 1 - sum_e (1 - s_Pe) y_e, so with them

    f_u(x, y) >= a_u - sum_e d_ue y_e,    d_ue = a_u max over witnesses P of (1 - s_Pe).

Of the product itself the tangent at a solution is taken (`tangent_losses`), which is 1 - sum_e (1 - s_Pe) y_e where nothing is present, and
the witness is the path that is worth most there (`node_at`).
Such a floor is no bound of theta_u but a row (`with_losses`), which holds below the node as well, so that no child has a lower bound than
its node. A higher floor, with its losses, takes the place of a lower one. Floors under the budgets (`bound_tightening`) and
of open path sets would have so many witnesses that they lose what they gain: with relaxed options neither are made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.solvers.branch_and_cut.cuts.separation import Cuts

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
    if not node.beside_relaxed:
        floor = np.minimum(master.values(master.overlay.free & ~node.zeros), master.commodities.start)
        floor = np.maximum(node.floor, floor)
        return replace(node, floor=floor).proven(master.commodities.value(floor))
    return node.with_floor(*_witnessed(node, master, np.zeros(master.relaxed_options.size)))


def node_at(node: Node, master: Master, point: NDArray[np.float64]) -> Node:
    """Return a node with losses whose floors are witnessed by the paths that are worth most with the relaxed options as at a point.

    Its plans are the same. Where teams watch the best path of an evader, the next one is what the evader has left.
    """
    floor, loss = _witnessed(node, master, point)
    return replace(node, floor=floor, loss=loss)


def _witnessed(node: Node, master: Master, point: NDArray[np.float64]) -> tuple[NDArray[np.float64], csr_array]:
    """Return (commodities,) floors of a node and their losses, each by the known path worth most with the relaxed options as at a point."""
    allowed = np.append(~node.zeros & ~master.relaxed_options, False)
    present = np.append(np.where(master.relaxed_options, point, 0.0), 0.0)
    floor, parts = np.zeros_like(node.floor), []
    for paths in (master.pool.paths, master.commodities.fixed_routes):
        best = paths.take(paths.best_under(allowed, present))
        floor[best.commodity] = best.values(allowed) * (1 - FLOOR_ROUNDING)
        parts.append(best)
    return floor, losses(parts[0].joined(parts[1], master.pool.filling), floor, master.relaxed_options)


ENTRY_ROUNDING = 1e-9
"""Relative allowance for rounding in entries."""

LOSS_ROUNDING = 1e-12
"""Relative allowance for rounding in the tangents of losses."""

DEEPEST = 700.0
"""Largest depth at which a tangent touches: exp(-DEEPEST) is above 0 in floating point, and a tangent at any depth holds."""


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
    cuts: Cuts,
    node: Node,
    start: NDArray[np.float64],
    share: NDArray[np.float64],
    relaxed_options: NDArray[np.bool_],
    point: NDArray[np.float64],
) -> Cuts:
    """Return cuts of a node with losses as rows that hold for every plan of it, whatever the relaxed options, and its floors as such rows.

    A cut shows r <= max(f_u, a_u) <= f_u + the loss of u, so f_u is at least r with the entries of `tangent_losses` at the (options,) point
    added to its own, and their constant taken off its side. Of the relaxed ones none need be more than t_e R_u: an option takes a
    (options + 1,) share of at most t_e = max over paths of (1 - s_Pe) from a value of at most R_u, all paths together.
    """
    lost = tangent_losses(node, point)
    table = csr_array(cuts.coefficient + lost.entry[cuts.commodity]).tocoo()
    row, option, entry = table.row.astype(np.int64), table.col.astype(np.int64), table.data
    of_relaxed = relaxed_options[option]
    most = start[cuts.commodity[row[of_relaxed]]] * share[option[of_relaxed]] * (1 + ENTRY_ROUNDING)
    entry[of_relaxed] = np.minimum(entry[of_relaxed], most)
    held = lost.entry.tocoo()
    floors = Cuts(
        np.arange(node.floor.size),
        node.floor - lost.constant,
        held.row.astype(np.int64),
        held.col.astype(np.int64),
        held.data,
        cuts.n_options,
    )
    side = cuts.side - lost.constant[cuts.commodity]
    return Cuts.join([Cuts(cuts.commodity, side, row, option, entry, cuts.n_options), floors])


@dataclass(frozen=True)
class TangentLosses:
    """What relaxed options take off floors at most: constant_u + sum_e entry_ue y_e.

    Attributes
    ----------
    constant
        (commodities,), >= 0.
    entry
        (commodities, options), >= 0.
    """

    constant: NDArray[np.float64]
    entry: csr_array


def tangent_losses(node: Node, point: NDArray[np.float64]) -> TangentLosses:
    """Return the losses of a node as linear functions that touch a_u (1 - prod_e s_ue^y_e) at an (options,) point, or nearly so.

    With D_e = -ln s_e > 0 and d = D y0 over the options A that are present at the point y0, exp(-D y) >= exp(-d) (1 + d - D y). Each option
    that is not there takes at most D_e exp(-d), as one of A, or else (1 - s_e) off the product. No entry need be above a_u exp(-d) (1 + d):
    options come in whole numbers, and one with that entry takes the right-hand side to 0 or below.
    """
    assert node.loss is not None  # noqa: S101 - the caller has looked
    loss = node.loss.tocoo()
    floor, present = node.floor[loss.row], point[loss.col]
    share = np.minimum(loss.data / np.where(floor > 0, floor, 1.0), 1.0)
    with np.errstate(divide="ignore"):
        depth = -np.log1p(-share)
    touched = (present > 0) & (share < 1)
    total = np.bincount(loss.row[touched], depth[touched] * present[touched], node.floor.size)
    total = np.minimum(total, DEEPEST)
    left = np.exp(-total) * (1 - LOSS_ROUNDING)
    most = left * (1 + total)
    entry = np.minimum(depth * left[loss.row], most[loss.row])
    entry = np.where(touched, entry, np.minimum(entry, share)) * floor * (1 + ENTRY_ROUNDING)
    return TangentLosses(node.floor * (1 - most), csr_array((entry, (loss.row, loss.col)), shape=node.loss.shape))
