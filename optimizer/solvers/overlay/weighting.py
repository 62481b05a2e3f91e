"""Weights of evaders by draw on an overlay, for objectives over draws (`optimizer.problem.draws`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, diags_array, hstack

from optimizer.base.sums import weighted_sum
from optimizer.problem.draws import worst_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.draws import Draws, Objective
    from optimizer.solvers.overlay.overlay import Overlay


@dataclass(frozen=True, eq=False)
class Weighting:
    """The value of a plan as the largest mean over an envelope of draws of weighted sums of terms.

    Attributes
    ----------
    table
        (draws, terms) sparse, >= 0: what a unit of each term adds to each draw.
    caps
        (draws,) largest weight of each draw, sum at least 1.
    """

    table: csr_array
    caps: NDArray[np.float64]

    def value(self, terms: NDArray[np.float64]) -> float:
        """Return the value of (terms,) values."""
        by_draw = np.asarray(self.table @ terms)
        return weighted_sum(worst_weights(by_draw, self.caps), by_draw)

    def weights_at(self, terms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (terms,) weights w with w @ terms the value, and w @ others at most the value of any others."""
        return np.asarray(self.table.T @ worst_weights(np.asarray(self.table @ terms), self.caps))


def weighted(overlay: Overlay, draws: Draws, objective: Objective) -> Overlay:
    """Return the overlay of an instance of draws whose values are those of an objective over the draws.

    Parameters
    ----------
    overlay
        The contraction of the draws' instance, its chains with their members.
    draws, objective
        Weights by draw, and what is made of the values.
    """
    if overlay.chains.members is None:
        raise ValueError("an overlay whose chains have lost their members")
    informed = [k for k, e in enumerate(draws.instance.evaders) if not e.routes and e.weight > 0]
    unit = diags_array(1.0 / overlay.chains.value)
    chains = csr_array((draws.weight @ overlay.chains.members.T) @ unit)
    table = csr_array(hstack((csr_array(draws.weight)[:, informed], chains)))
    return replace(overlay, weighting=Weighting(table, objective.caps(draws.probability)))
