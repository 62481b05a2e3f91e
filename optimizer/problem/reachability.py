"""Evaders that cannot get from origin to destination even with nothing placed: found, named, and left out on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from optimizer.base.errors import InputError, Problem, ProblemList

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance

NAMED = 10
"""Evaders that a message names; the others it counts."""

OnUnreachable = Callable[[Sequence[str]], None]
"""Told the ids of the evaders that are left out."""


def unreachable(instance: Instance) -> NDArray[np.int64]:
    """Return the positions of the evaders without any path from origin to destination.

    Nodes that reach each other both ways are one strong component, so most pairs need no search; the others are looked for in the graph of
    components, once for each origin's component.
    """
    n_parts, part = connected_components(
        _pattern(instance.n_nodes, instance.tail, instance.head), directed=True, connection="strong"
    )
    origin = part[[evader.origin for evader in instance.evaders]]
    destination = part[[evader.destination for evader in instance.evaders]]
    doubtful = origin != destination
    parts = _pattern(n_parts, part[instance.tail], part[instance.head])
    cut_off = np.zeros(len(instance.evaders), dtype=bool)
    for source in np.unique(origin[doubtful]).tolist():
        reached = np.zeros(n_parts, dtype=bool)
        reached[breadth_first_order(parts, source, return_predecessors=False)] = True
        here = doubtful & (origin == source)
        cut_off[here] = ~reached[destination[here]]
    return np.flatnonzero(cut_off)


def without_unreachable(instance: Instance) -> tuple[Instance, tuple[str, ...]]:
    """Return the instance without the evaders that have no path, and their ids; the instance itself where all have one."""
    lost = set(unreachable(instance).tolist())
    if not lost:
        return instance, ()
    kept = tuple(evader for k, evader in enumerate(instance.evaders) if k not in lost)
    return replace(instance, evaders=kept), tuple(instance.evaders[k].id for k in sorted(lost))


def settle_unreachable(instance: Instance, where: str, on_unreachable: OnUnreachable | None) -> Instance:
    """Refuse evaders that have no path, or leave them out when there is somebody to tell.

    Parameters
    ----------
    instance
        The problem.
    where
        File it comes from, for the messages.
    on_unreachable
        Called with the ids of the evaders that are left out, if there are any; None refuses them.

    Raises
    ------
    InputError
        Naming the first ten evaders without a path, and how many there are; or if no evader would be left.
    """
    if on_unreachable is None:
        _refuse(instance, unreachable(instance), where)
        return instance
    rest, skipped = without_unreachable(instance)
    if not rest.evaders:
        found = f"no path from origin to destination for any of the {len(skipped)} evaders, the first of them {skipped[0]!r}"
        raise InputError(
            Problem(f"{where}, evaders", found, "at least one that can get through", "Connect the network")
        )
    if skipped:
        on_unreachable(skipped)
    return rest


def _refuse(instance: Instance, lost: NDArray[np.int64], where: str) -> None:
    problems = ProblemList()
    for evader in (instance.evaders[k] for k in lost[:NAMED].tolist()):
        problems.add(
            f"{where}, evader {evader.id!r}",
            f"no path from {instance.node_id[evader.origin]} to {instance.node_id[evader.destination]}",
            "a destination that can be reached",
            "Connect the network, drop the evader, or solve the rest with --skip-unreachable",
        )
    if lost.size > NAMED:
        found = f"{lost.size - NAMED} more without a path, {lost.size} of {len(instance.evaders)} in all"
        problems.add(f"{where}, evaders", found, "none")
    problems.raise_if_any()


def _pattern(n: int, tail: NDArray[np.int32], head: NDArray[np.int32]) -> csr_array:
    """Return the (n, n) sparse pattern of arcs; parallel ones count as one."""
    return csr_array((np.ones(tail.size, dtype=bool), (tail, head)), shape=(n, n))
