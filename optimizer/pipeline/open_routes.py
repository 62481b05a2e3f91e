"""The evaders of whom most gets through under a plan, with the routes left to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.problem.evaluation import evader_values
from optimizer.problem.routes_left import SitesOnArcs, routes_left

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.evaders import Evader
    from optimizer.problem.instance import Instance
    from optimizer.problem.routes_left import RoutesLeft


@dataclass(frozen=True)
class ExplainedEvader:
    """An evader of whom much gets through, with the routes left to him.

    Attributes
    ----------
    evader
        Who.
    through
        Chance to get through under the plan.
    left
        His best routes under the plan.
    """

    evader: Evader
    through: float
    left: RoutesLeft


def evaders_left(
    instance: Instance, placed: NDArray[np.bool_], beats: Collection[str], count: int, listener: Listener
) -> tuple[ExplainedEvader, ...]:
    """Return the evaders of whom most gets through, weight included; fewer where the listener has cancelled.

    Parameters
    ----------
    instance
        The problem, with the beats of the plan behind its options.
    placed
        Its (options,) mask.
    beats
        Ids of the beats, by which routes are not told apart.
    count
        How many evaders, at most.
    listener
        Asked whether to stop before each.
    """
    values = evader_values(instance, placed)
    through = values * np.array([evader.weight for evader in instance.evaders])
    sites = SitesOnArcs.of(option for option in instance.options if option.id not in beats)
    survival = instance.survival(placed)
    found: list[ExplainedEvader] = []
    for k in np.argsort(-through, kind="stable")[:count].tolist():
        if listener.cancelled() or through[k] <= 0:
            break
        evader = instance.evaders[k]
        found.append(ExplainedEvader(evader, float(values[k]), routes_left(instance, survival, evader, sites)))
    return tuple(found)


def evader_line(explained: ExplainedEvader) -> dict[str, Any]:
    """Return an evader with the routes left to him, for JSON."""
    return {
        "evader": explained.evader.id,
        "weight": explained.evader.weight,
        "value": explained.through,
        "complete": explained.left.complete,
        "routes": [
            {"value": r.through, "share": r.share, "sites": list(r.sites), "arcs": list(r.arcs)}
            for r in explained.left.routes
        ],
    }
