"""An exercise made: a truth, and a record of searches in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.exercise.writing import Exercise
from optimizer.risk.simulation import make_history, make_world, rate_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.exercise.ground import Ground
    from optimizer.risk.simulation import Change, EffortKind, WorldKind


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
    of_world, of_history = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    truth = make_world(world, ground.region.network, ground.prior, of_world)
    per_search = rate_for(truth, effort, seizures, months, of_history)
    history = make_history(truth, effort, seizures, months, of_history, per_search, changes=changes)
    return Exercise(ground, truth, history, per_search, tuple(changes))
