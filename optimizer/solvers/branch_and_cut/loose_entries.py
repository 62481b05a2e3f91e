"""Entries of cuts in loose options, where a node's losses count what they take off floors as well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from optimizer.solvers.branch_and_cut.path_pool import Paths
    from optimizer.solvers.branch_and_cut.separation import Cuts

ROUNDING = 1e-9
"""Relative allowance for rounding in entries."""


class LargestShares:
    """The largest share that each option takes from any path of a pool."""

    def __init__(self, options: int) -> None:
        self._share, self._known = np.zeros(options + 1), 0

    def of(self, paths: Paths) -> NDArray[np.float64]:
        """Return the (options + 1,) shares over the paths of a pool, which only grows."""
        new = slice(self._known, paths.value.size)
        np.maximum.at(self._share, paths.option[new].ravel(), 1 - paths.survival[new].ravel())
        self._known = paths.value.size
        return self._share


def capped(
    cuts: Cuts, loss: csr_array, start: NDArray[np.float64], share: NDArray[np.float64], loose: NDArray[np.bool_]
) -> Cuts:
    """Return cuts with entries of loose options lowered to what is left of the most they take from the commodity.

    A loose option takes a (options + 1,) share of at most t_e = max over paths of (1 - s_Pe) from a value of at most R_u, all paths together;
    d_ue of that is in the objective.
    """
    of_loose = np.flatnonzero(loose[cuts.option])
    commodity, option = cuts.commodity[cuts.row[of_loose]], cuts.option[of_loose]
    counted = np.asarray(loss[commodity, option]).ravel()
    entry = cuts.entry.copy()
    entry[of_loose] = np.minimum(
        entry[of_loose], np.maximum(start[commodity] * share[option] * (1 + ROUNDING) - counted, 0.0)
    )
    return replace(cuts, entry=entry)
