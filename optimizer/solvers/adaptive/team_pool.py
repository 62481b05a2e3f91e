"""Patrol teams among what policies place: a pool of beats stands for all that teams could drive.

Column generation (`optimizer.solvers.patrols.column_generation`) for mixtures makes beats at a limit of rounds in place of time, so that it
repeats, priced by heuristics alone. Of each team type at each base those of least reduced cost in its last program are the pool. They stand
behind the other options, and the teams are a resource like others: every policy, referee and bound over options then counts them. What no beat
of the pool does is out of reach of the policies, so that no bound over all beats follows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.listener import SILENT, step
from optimizer.problem.beats import with_beats, with_teams
from optimizer.solvers.patrols.column_generation import ColumnGeneration

if TYPE_CHECKING:
    from optimizer.base.listener import Listener
    from optimizer.problem.instance import Instance

ROUNDS = 8
"""Linear programs of column generation at most."""


def with_team_pool(instance: Instance, number: int, seed: int = 0, listener: Listener = SILENT) -> Instance:
    """Return an instance whose options have a pool of beats behind them, and which has no teams beside; without beats where there are none.

    Parameters
    ----------
    instance
        The problem.
    number
        Beats of the pool at most, shared evenly by team types and bases, at least one each; 0 leaves the teams out.
    seed
        Seed of the pricing.
    listener
        Told of the step.

    Raises
    ------
    KeyboardInterrupt
        If the listener cancels.
    """
    patrols = instance.patrols
    if patrols is None or not patrols.patrols or not number:
        return replace(instance, patrols=None)
    whole = with_teams(instance)
    generation = ColumnGeneration(whole, patrols, seed=seed, mixed=True)
    generation.enter(generation.root)
    reduced = np.zeros(0)
    with step(listener, "making beats"):
        for _ in range(ROUNDS):
            relaxed = generation.relax()
            if listener.cancelled():
                raise KeyboardInterrupt
            if relaxed is None:
                break
            reduced = generation.reduced_at(relaxed)
            made = generation.add_quickly(relaxed)
            if not generation.cut(relaxed) and not made:
                break
    each, kept = max(number // len(patrols.patrols), 1), []
    for q in range(len(patrols.patrols)):
        own = [k for k in np.argsort(reduced, kind="stable").tolist() if generation.beats[k].patrol == q]
        kept += own[:each]
    return with_beats(replace(whole, patrols=None), [generation.beats[k] for k in sorted(kept)])
