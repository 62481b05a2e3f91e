"""An exercise made: a truth, and a record of searches in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.synthetic.writing import Exercise
from optimizer.risk.simulation import make_history, make_world, rate_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.lab.synthetic.ground import Ground
    from optimizer.risk.simulation import Change, EffortKind, WorldKind

TRIALS = 12
"""Records made, of which one is kept."""


def make_exercise(
    ground: Ground,
    world: WorldKind,
    effort: EffortKind,
    seizures: float,
    months: int,
    seed: int,
    changes: Sequence[Change] = (),
) -> Exercise:
    """Make a truth and search it; one seed gives one truth whatever the effort.

    Parameters
    ----------
    ground
        Roads and who travels on them.
    world, effort, seizures, months, changes
        As `optimizer.risk.simulation.make_world` and `make_history` take them.
    seed
        Of every random choice, >= 0.
    """
    of_world, of_history = np.random.SeedSequence(seed).spawn(2)
    truth = make_world(world, ground.region.network, ground.prior, np.random.default_rng(of_world))
    per_search = rate_for(truth, effort, seizures, months, np.random.default_rng(of_history))
    trials = of_history.spawn(TRIALS)
    # search that chases finds may find twice as much or half of what is usual: of a few records the nearest to what was asked for
    found = [
        make_history(truth, effort, seizures, months, np.random.default_rng(trial), per_search).found.sum()
        for trial in trials
    ]
    chosen = trials[int(np.argmin(np.abs(np.log(np.maximum(found, 1.0) / seizures))))]
    rng = np.random.default_rng(chosen)
    history = make_history(truth, effort, seizures, months, rng, per_search, changes=changes)
    return Exercise(ground, truth, history, per_search, tuple(changes))
