"""What a plan does on each arc: for maps and graphs of other programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.problem.evaluation import evaluate
from optimizer.problem.plan import Plan, with_plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance


@dataclass(frozen=True, eq=False)
class ArcResults:
    """What a plan does on each of m arcs.

    Attributes
    ----------
    placed
        (m,) how many of the plan's options and beats watch it.
    survival
        (m,) chance in [0, 1] to pass it undetected under the plan.
    load
        (m,) weight of the evaders that travel it when they answer the plan; habitual ones spread over their routes.
    """

    placed: NDArray[np.int64]
    survival: NDArray[np.float64]
    load: NDArray[np.float64]

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the three columns by name, as `Network.to_networkx` takes them."""
        return {"placed": self.placed, "survival": self.survival, "load": self.load}


def arc_results(instance: Instance, plan: Plan | Iterable[str]) -> ArcResults:
    """Return what a plan, or the options of some ids, does on each arc.

    Raises
    ------
    InputError
        If the instance has faults.
    KeyError
        If the plan names an option the instance does not have.
    """
    plan = plan if isinstance(plan, Plan) else Plan.of(instance, plan)
    answers = evaluate(instance, plan).evaders
    instance = with_plan(instance, plan)
    placed = instance.placed(plan.options)
    option, arc, _ = instance.effects
    load = np.zeros(instance.tail.size)
    for evader, answer in zip(instance.evaders, answers, strict=True):
        for arcs, share in [(route.arcs, route.share) for route in evader.routes] or [(answer.arcs, 1.0)]:
            np.add.at(load, np.array(arcs, dtype=np.int64), evader.weight * share)
    watched = np.bincount(arc[placed[option]], minlength=instance.tail.size)
    return ArcResults(watched.astype(np.int64), instance.survival(placed), load)
