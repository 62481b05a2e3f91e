"""Cuts of a node with losses, as rows that hold in it and below it: with what loose options take off its floors among their entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.solvers.branch_and_cut.separation import Cuts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.solvers.branch_and_cut.node import Node
    from optimizer.solvers.branch_and_cut.path_pool import Paths

ROUNDING = 1e-9
"""Relative allowance for rounding in entries."""


class LargestShares:
    """The largest share that each option takes from any path of a pool, or any chain.

    Parameters
    ----------
    chains
        The chains.
    options
        Number of options; the one after the last pads rows.
    """

    def __init__(self, chains: Paths, options: int) -> None:
        self._share, self._known = np.zeros(options + 1), 0
        np.maximum.at(self._share, chains.option.ravel(), 1 - chains.survival.ravel())

    def of(self, paths: Paths) -> NDArray[np.float64]:
        """Return the (options + 1,) shares over the paths of a pool, which only grows."""
        new = slice(self._known, paths.value.size)
        np.maximum.at(self._share, paths.option[new].ravel(), 1 - paths.survival[new].ravel())
        self._known = paths.value.size
        return self._share


def with_losses(
    cuts: Cuts, node: Node, start: NDArray[np.float64], share: NDArray[np.float64], loose: NDArray[np.bool_]
) -> Cuts:
    """Return cuts of a node with losses as rows that hold for every plan of it, whatever the loose options, and its floors as such rows.

    A cut shows r <= max(f_u, a_u) <= f_u + sum_e d_ue y_e (`floor_losses`), so f_u is at least r with d_ue added to its entries; of the loose
    ones none need be more than t_e R_u: an option takes a (options + 1,) share of at most t_e = max over paths of (1 - s_Pe) from a value of at
    most R_u, all paths together.
    """
    assert node.loss is not None  # noqa: S101 - the caller has looked
    loss = node.loss
    table = csr_array(cuts.coefficient + loss[cuts.commodity]).tocoo()
    row, option, entry = table.row.astype(np.int64), table.col.astype(np.int64), table.data
    of_loose = loose[option]
    most = start[cuts.commodity[row[of_loose]]] * share[option[of_loose]] * (1 + ROUNDING)
    entry[of_loose] = np.minimum(entry[of_loose], most)
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
