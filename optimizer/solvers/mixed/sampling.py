"""Plans from marginal probabilities by systematic sampling (Madow 1949).

Options are put in random order and their probabilities laid end to end on a line; with a start u in [0, 1) those are placed whose stretch holds
u, u + 1, u + 2, ... Each option is placed with its own probability, and every run of options that follow one another in that order holds its
expected number, rounded up or down. Where a budget, an exclusion or a requirement is broken, options are left out, so the frequencies are near
the probabilities and not equal to them; the restricted game gives the plans their weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.requirements import without_breaking
from optimizer.solvers.branch_and_cut.node import addable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance

    Mask = NDArray[np.bool_]


def sampled_plan(instance: Instance, start: Mask, marginals: NDArray[np.float64], rng: np.random.Generator) -> Mask:
    """Return a feasible (options,) mask: a feasible `start`, and options drawn by their (options,) marginals as far as they fit."""
    placed = start.copy()
    for option in systematic_sample(np.where(placed, 0.0, marginals), rng).tolist():
        placed[option] = addable(instance, placed)[option] and without_breaking(instance, placed)[option]
    return placed


def systematic_sample(marginals: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the positions that are drawn, in random order."""
    order = rng.permutation(np.flatnonzero(marginals > 0))
    reached = np.cumsum(marginals[order]) + rng.random()
    before = np.append(reached[:1] - marginals[order[:1]], reached[:-1])
    return np.asarray(rng.permutation(order[np.floor(reached) > np.floor(before)]))
