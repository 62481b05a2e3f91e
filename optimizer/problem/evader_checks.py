"""Whether evaders can do what an instance says of them: routes that are paths, destinations within reach."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import ProblemList
from optimizer.problem.reachability import settle_unreachable

if TYPE_CHECKING:
    from optimizer.problem.evaders import Evader
    from optimizer.problem.instance import Instance
    from optimizer.problem.reachability import OnUnreachable


def check_evaders(instance: Instance, where: str, *, on_unreachable: OnUnreachable | None = None) -> Instance:
    """Check that every habitual route is a path of its evader and that every evader can reach its destination.

    Parameters
    ----------
    instance
        The problem.
    where
        File it comes from, for the messages.
    on_unreachable
        Called with the ids of the evaders that cannot, which the returned instance is without; None makes them a fault.

    Returns
    -------
    The instance, itself unless evaders are left out.

    Raises
    ------
    InputError
        Naming each evader at fault (the first ten of those that cannot reach their destination, and how many there are).
    """
    problems = ProblemList()
    for evader in instance.evaders:
        here = f"{where}, evader {evader.id!r}"
        if evader.origin == evader.destination:
            problems.add(here, "the same node as origin and destination", "two different nodes")
        for position, route in enumerate(evader.routes):
            fault = _route_fault(instance, evader, route.arcs)
            if fault:
                problems.add(
                    f"{here}, routes[{position}]", fault, "arcs that lead from the evader's origin to its destination"
                )
        if evader.routes and not math.isclose(sum(route.share for route in evader.routes), 1.0, abs_tol=1e-6):
            problems.add(here, f"shares that sum to {sum(r.share for r in evader.routes):g}", "shares that sum to 1")
    problems.raise_if_any()
    return settle_unreachable(instance, where, on_unreachable)


def _route_fault(instance: Instance, evader: Evader, arcs: tuple[int, ...]) -> str:
    if not all(0 <= arc < instance.tail.size for arc in arcs):
        return "an arc position that does not exist"
    tails, heads = instance.tail[list(arcs)], instance.head[list(arcs)]
    if tails[0] != evader.origin or heads[-1] != evader.destination:
        return f"a route from {instance.node_id[tails[0]]} to {instance.node_id[heads[-1]]}"
    breaks = np.flatnonzero(heads[:-1] != tails[1:])
    return f"a break after its arc {breaks[0]}" if breaks.size else ""
