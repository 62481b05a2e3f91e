"""What an instance must satisfy before it is solved or evaluated, and that its evaders
can reach where they go.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from optimizer.base.errors import PROBLEMS_SHOWN, InputError, Problem, ProblemList
from optimizer.base.text.names import unknown_name
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.options import Option, change_problems
from optimizer.problem.instance.requirements import requirement_problems
from optimizer.problem.network.arrays import at_fault, position_problems, repeated_problems

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance

LARGEST = 1e15
"""Largest weight, budget or amount used."""


def instance_problems(instance: Instance) -> tuple[Problem, ...]:
    """Return every fault of an instance; those of evaders and options only where the
    arcs are right.
    """
    where = instance.name
    arcs = [*_shape_problems(instance, where)] or [*_arc_problems(instance, where)]
    return tuple(arcs or [*_evader_problems(instance, where), *_option_problems(instance, where)])


def budget_problems(instance: Instance) -> tuple[Problem, ...]:
    """Return the faults of the budgets alone."""
    budgets = [resource.budget for resource in instance.resources]
    return tuple(_amount_problems(f"{instance.name}, resources, budget", budgets))


def _shape_problems(instance: Instance, where: str) -> Iterator[Problem]:
    n, m = np.size(instance.node_id), np.size(instance.tail)
    wanted: dict[str, tuple[int, ...]] = {
        "node_id": (n,),
        "tail": (m,),
        "head": (m,),
        "reliability": (m,),
    }
    if instance.lonlat is not None:
        wanted["lonlat"] = (n, 2)
    for name, shape in wanted.items():
        found = np.shape(getattr(instance, name))
        if found != shape:
            yield Problem(
                f"{where}, {name}",
                f"shape {found}",
                f"shape {shape}",
                "Give one value a node or arc",
            )
    if not n:
        yield Problem(f"{where}, node_id", "no nodes", "at least one")


def _arc_problems(instance: Instance, where: str) -> Iterator[Problem]:
    reliability = instance.reliability
    yield from repeated_problems(f"{where}, node_id", instance.node_id)
    yield from position_problems(f"{where}, tail", instance.tail, instance.n_nodes, "nodes")
    yield from position_problems(f"{where}, head", instance.head, instance.n_nodes, "nodes")
    yield from at_fault(
        f"{where}, reliability",
        ~((reliability > 0) & (reliability <= 1)),
        lambda arc: f"{reliability[arc]:g}",
        "chances to pass an arc undetected, in (0, 1]",
        "Leave out arcs that nobody passes",
    )


def _evader_problems(instance: Instance, where: str) -> Iterator[Problem]:
    evaders = instance.evaders
    yield from _id_problems(f"{where}, evaders", [evader.id for evader in evaders])
    for name in ("origin", "destination"):
        values = [getattr(evader, name) for evader in evaders]
        wrong = _not_positions(values, instance.n_nodes)
        yield from at_fault(
            f"{where}, evaders, {name}",
            wrong,
            lambda k, values=values: f"{values[k]!r} of evader {evaders[k].id!r}",  # type: ignore[misc]
            f"positions of nodes from 0 to {instance.n_nodes - 1}",
            "Give the position of the node, not its id",
        )
    yield from _amount_problems(f"{where}, evaders, weight", [evader.weight for evader in evaders])
    # Whether routes are unbroken and their shares sum to 1 is looked at once all
    # positions are sound (`check_evaders`).
    for evader in evaders:
        for number, route in enumerate(evader.routes):
            here = f"{where}, evader {evader.id!r}, routes[{number}]"
            if not route.arcs:
                yield Problem(here, "no arcs", "at least one arc")
            elif _not_positions(route.arcs, instance.tail.size).any():
                found = f"an arc position that does not exist among {len(route.arcs)} arcs"
                yield Problem(here, found, f"positions of arcs from 0 to {instance.tail.size - 1}")
            if not 0 < route.share <= 1:
                yield Problem(here, f"a share of {route.share!r}", "a share in (0, 1]")


def _option_problems(instance: Instance, where: str) -> Iterator[Problem]:
    options, n_arcs = instance.options, instance.tail.size
    agency = {resource.id: resource.agency for resource in instance.resources}
    yield from _id_problems(f"{where}, options", [option.id for option in options])
    yield from _id_problems(f"{where}, resources", [resource.id for resource in instance.resources])
    yield from budget_problems(instance)
    most = instance.patrols.teams_at_post if instance.patrols is not None else None
    if most is not None and not (isinstance(most, (int, np.integer)) and most >= 1):
        yield Problem(
            f"{where}, patrols, teams_at_post",
            f"{most}",
            "a whole number from 1",
            "Leave it out where there is no limit",
        )
    for option in options:
        here = f"{where}, option {option.id!r}"
        yield from _effect_problems(here, option, n_arcs)
        if option.forced and option.forbidden:
            yield Problem(here, "both forced and forbidden", "one of them at most")
        for field, name, amount in (
            *(("uses", *each) for each in option.uses.items()),
            *(("change", *each) for each in option.change.items()),
        ):
            if name not in agency:
                yield unknown_name(f"{here}, {field}", name, sorted(agency))
            # An option that all share may use up what belongs to any agency.
            elif option.agency and agency[name] not in {"", option.agency}:
                found = f"{name!r}, which belongs to {agency[name]!r}"
                yield Problem(
                    f"{here}, {field}",
                    found,
                    f"a resource of its own agency {option.agency!r}, or a shared one",
                )
            if not 0 <= amount <= LARGEST:
                yield Problem(
                    f"{here}, {field}",
                    f"{amount!r} of {name!r}",
                    f"an amount from 0 to {LARGEST:g}",
                )
    yield from change_problems(options, where)
    for number, group in enumerate(instance.exclusions):
        if _not_positions(group, len(options)).any():
            expected = f"positions of options from 0 to {len(options) - 1}"
            yield Problem(f"{where}, exclusions[{number}]", repr(tuple(group))[:80], expected)
    yield from requirement_problems(instance, where)


def _effect_problems(where: str, option: Option, n_arcs: int) -> Iterator[Problem]:
    arcs, survival = option.arcs, option.survival
    if len(arcs) != len(survival):
        expected = "one chance for each arc"
        yield Problem(
            f"{where}, survival", f"{len(survival)} chances for {len(arcs)} arcs", expected
        )
        return
    if _not_positions(arcs, n_arcs).any():
        odd = arcs[int(np.argmax(_not_positions(arcs, n_arcs)))]
        yield Problem(f"{where}, arcs", f"arc {odd!r}", f"positions of arcs from 0 to {n_arcs - 1}")
    elif len(set(arcs)) < len(arcs):
        yield Problem(
            f"{where}, arcs", "an arc named twice", "each arc once", "Multiply the survivals"
        )
    if not all(0 <= chance < 1 for chance in survival):
        odd_chance = next(chance for chance in survival if not 0 <= chance < 1)
        expected = "chances to pass undetected, in [0, 1)"
        yield Problem(
            f"{where}, survival",
            repr(odd_chance),
            expected,
            "Leave out arcs that it does not watch",
        )


def _id_problems(where: str, ids: Sequence[str]) -> Iterator[Problem]:
    if len(set(ids)) < len(ids):
        name, count = Counter(ids).most_common(1)[0]
        yield Problem(
            f"{where}, id", f"{name!r} {count} times", "each id once", "Rename the others"
        )
    if "" in ids:
        yield Problem(f"{where}, id", "an empty id", "a name")


def _amount_problems(where: str, values: Sequence[float]) -> list[Problem]:
    column = np.array(values, dtype=np.float64)
    wrong = ~((column >= 0) & (column <= LARGEST))
    return at_fault(
        where, wrong, lambda row: f"{column[row]:.10g}", f"numbers from 0 to {LARGEST:g}"
    )


def _not_positions(values: Sequence[Any], n: int) -> NDArray[np.bool_]:
    """Return which values are no positions from 0 to n - 1."""
    column = np.asarray(values)
    if column.size and column.dtype.kind not in "iu":
        return np.array(
            [not (isinstance(value, int | np.integer) and 0 <= value < n) for value in values]
        )
    return np.asarray((column < 0) | (column >= n)).reshape(-1)


def check_evaders(
    instance: Instance, where: str, *, on_unreachable: OnUnreachable | None = None
) -> Instance:
    """Check that every habitual route is a path of its evader and that every evader can
    reach its destination.

    Parameters
    ----------
    instance
        The problem.
    where
        File it comes from, for the messages.
    on_unreachable
        Called with the ids of the evaders that cannot, which the returned instance is
        without; None makes them a fault.

    Returns
    -------
    The instance, itself unless evaders are left out.

    Raises
    ------
    InputError
        Naming each evader at fault (the first ten of those that cannot reach their
        destination, and how many there are).
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
                    f"{here}, routes[{position}]",
                    fault,
                    "arcs that lead from the evader's origin to its destination",
                )
        if evader.routes and not math.isclose(
            sum(route.share for route in evader.routes), 1.0, abs_tol=1e-6
        ):
            problems.add(
                here,
                f"shares that sum to {sum(r.share for r in evader.routes):g}",
                "shares that sum to 1",
            )
    problems.raise_if_any()
    return settle_unreachable(instance, where, on_unreachable)


def _route_fault(instance: Instance, evader: Evader, arcs: tuple[int, ...]) -> str:
    if arcs and not (min(arcs) >= 0 and max(arcs) < instance.tail.size):
        return "an arc position that does not exist"
    tails, heads = instance.tail[list(arcs)], instance.head[list(arcs)]
    if tails[0] != evader.origin or heads[-1] != evader.destination:
        return f"a route from {instance.node_id[tails[0]]} to {instance.node_id[heads[-1]]}"
    breaks = np.flatnonzero(heads[:-1] != tails[1:])
    return f"a break after its arc {breaks[0]}" if breaks.size else ""


OnUnreachable = Callable[[Sequence[str]], None]
"""Told the ids of the evaders that are left out."""


def unreachable(instance: Instance) -> NDArray[np.int64]:
    """Return the positions of the evaders without any path from origin to destination.

    Nodes that reach each other both ways are one strong component, so most pairs need
    no search; the others are looked for in the graph of components, once for each
    origin's component.
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
    """Return the instance without the evaders that have no path, and their ids; the
    instance itself where all have one.
    """
    lost = set(unreachable(instance).tolist())
    if not lost:
        return instance, ()
    kept = tuple(evader for k, evader in enumerate(instance.evaders) if k not in lost)
    return replace(instance, evaders=kept), tuple(instance.evaders[k].id for k in sorted(lost))


def settle_unreachable(
    instance: Instance, where: str, on_unreachable: OnUnreachable | None
) -> Instance:
    """Refuse evaders that have no path, or leave them out when there is somebody to
    tell.

    Parameters
    ----------
    instance
        The problem.
    where
        File it comes from, for the messages.
    on_unreachable
        Called with the ids of the evaders that are left out, if there are any; None
        refuses them.

    Raises
    ------
    InputError
        Naming the first ten evaders without a path, and how many there are; or if no
        evader would be left.
    """
    if on_unreachable is None:
        _refuse(instance, unreachable(instance), where)
        return instance
    rest, skipped = without_unreachable(instance)
    if not rest.evaders:
        found = (
            f"no path from origin to destination for any of the {len(skipped)} evaders, the first"
            f" of them {skipped[0]!r}"
        )
        raise InputError(
            Problem(
                f"{where}, evaders",
                found,
                "at least one that can get through",
                "Connect the network",
            )
        )
    if skipped:
        on_unreachable(skipped)
    return rest


def _refuse(instance: Instance, lost: NDArray[np.int64], where: str) -> None:
    problems = ProblemList()
    for evader in (instance.evaders[k] for k in lost[:PROBLEMS_SHOWN].tolist()):
        problems.add(
            f"{where}, evader {evader.id!r}",
            f"no path from {instance.node_id[evader.origin]} to"
            f" {instance.node_id[evader.destination]}",
            "a destination that can be reached",
            "Connect the network, drop the evader, or solve the rest with --skip-unreachable",
        )
    if lost.size > PROBLEMS_SHOWN:
        found = (
            f"{lost.size - PROBLEMS_SHOWN} more without a path, {lost.size} of"
            f" {len(instance.evaders)} in all"
        )
        problems.add(f"{where}, evaders", found, "none")
    problems.raise_if_any()


def _pattern(n: int, tail: NDArray[np.int32], head: NDArray[np.int32]) -> csr_array:
    """Return the (n, n) sparse pattern of arcs; parallel ones count as one."""
    return csr_array((np.ones(tail.size, dtype=bool), (tail, head)), shape=(n, n))
