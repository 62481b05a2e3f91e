"""Choice sets: the routes of a pair that are a best reply to something, and those that it takes by habit.

Best replies are collected to nothing placed, to today's layout, to everything placed, and to plans of the first mixture. Of the routes of a
pair that are found, those are kept that are best most often; a pair whose loads are all habitual keeps its usual routes alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.problem.evaders import Evader, Searches
from optimizer.solvers.adaptive.routes import RouteSet
from optimizer.solvers.adaptive.traffickers import PairLoads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(eq=False)
class _Pair:
    """What is gathered of a pair: loads of both kinds, usual routes with their loads, how often each was a best reply, those of a mode."""

    ends: tuple[int, int]
    informed: float = 0.0
    habitual: float = 0.0
    usual: dict[tuple[int, ...], float] = field(default_factory=dict)
    replies: dict[tuple[int, ...], int] = field(default_factory=dict)
    of_mode: list[tuple[int, ...]] = field(default_factory=list)

    def kept(self, most: int) -> list[tuple[int, ...]]:
        """Return the routes to keep: usual ones, the best of each mode, then best replies, the most frequent first."""
        order = sorted(self.replies, key=lambda arcs: (-self.replies[arcs], len(arcs), arcs))
        certain = dict.fromkeys((*self.usual, *self.of_mode))
        new = [arcs for arcs in order if arcs not in certain]
        return [*certain, *new[: max(most - (len(order) - len(new)), 1 if self.informed else 0)]]


@dataclass(frozen=True, eq=False)
class ChoiceSets:
    """Routes with who takes them, and the arcs of each route.

    Attributes
    ----------
    routes, crowd
        What the simulation works with.
    gateways
        (gateways,) nodes; `crowd.gateway` counts them.
    arcs
        Arcs of each route in order of travel.
    ends
        Origin and destination node of each pair.
    """

    routes: RouteSet
    crowd: PairLoads
    gateways: Ints
    arcs: tuple[tuple[int, ...], ...]
    ends: tuple[tuple[int, int], ...]


def choice_sets(
    instance: Instance,
    plans: Sequence[Mask],
    *,
    segment: Ints,
    most: int,
    loads: float,
    fixed: int,
    closed: Sequence[Mask] = (),
) -> ChoiceSets:
    """Return the choice sets of an instance's pairs.

    Parameters
    ----------
    instance
        The problem.
    plans
        (options,) masks to which best replies are collected.
    segment
        (arcs,) stretch of road of each arc.
    most
        Routes of a pair at most, besides usual ones.
    loads
        Loads a period in all.
    fixed
        Options that are no beats of teams, the first ones.
    closed
        (arcs,) masks of the arcs that those who keep to a mode do not travel: the best route without them, nothing placed, is kept.
    """
    pairs: dict[tuple[int, int], _Pair] = {}
    for evader in instance.evaders:
        if evader.weight <= 0:
            continue
        # a local evader keeps to its place, which is no pair of gateway and destination that others share
        pair = pairs.setdefault((evader.origin, evader.destination), _Pair((evader.origin, evader.destination)))
        if evader.routes:
            pair.habitual += evader.weight
            for route in evader.routes:
                pair.usual[route.arcs] = pair.usual.get(route.arcs, 0.0) + evader.weight * route.share
        else:
            pair.informed += evader.weight
    listed = list(pairs.values())
    informed = [pair for pair in listed if pair.informed]
    searches = Searches.of([Evader("", *pair.ends, 1.0) for pair in informed])
    for plan in plans:
        survival = instance.survival(plan)
        found = searches.paths(instance.n_nodes, instance.tail, instance.head, survival)
        for pair, reply in zip(informed, found, strict=True):
            if reply or pair.ends[0] == pair.ends[1]:
                pair.replies[reply] = pair.replies.get(reply, 0) + 1
    _add_modes(instance, informed, searches, closed)
    kept = [pair.kept(most) for pair in listed]
    arcs = tuple(route for routes in kept for route in routes)
    of = np.repeat(np.arange(len(listed)), [len(routes) for routes in kept]).astype(np.int64)
    usual = np.array(
        [pair.usual.get(route, 0.0) for pair, routes in zip(listed, kept, strict=True) for route in routes]
    )
    weight = np.array([pair.informed + pair.habitual for pair in listed])
    habitual = np.array([pair.habitual for pair in listed])
    usual = usual / np.where(habitual > 0, habitual, 1.0)[of]
    gateways, gateway = np.unique([pair.ends[0] for pair in listed], return_inverse=True)
    destination = np.unique([pair.ends[1] for pair in listed], return_inverse=True)[1]
    crowd = PairLoads(
        loads * weight / weight.sum(), habitual / weight, gateway.astype(np.int64), destination.astype(np.int64)
    )
    routes = _route_set(instance, arcs, of, usual, segment, fixed)
    return ChoiceSets(routes, crowd, gateways.astype(np.int64), arcs, tuple(pair.ends for pair in listed))


def _add_modes(instance: Instance, pairs: list[_Pair], searches: Searches, closed: Sequence[Mask]) -> None:
    """Give each pair its best route without closed arcs, where it has one, mask by mask."""
    for mask in closed:
        survival = np.where(mask, 0.0, instance.survival(np.zeros(len(instance.options), dtype=bool)))
        found = searches.paths(instance.n_nodes, instance.tail, instance.head, survival)
        for pair, reply in zip(pairs, found, strict=True):
            if reply:
                pair.of_mode.append(reply)


def _route_set(
    instance: Instance, arcs: tuple[tuple[int, ...], ...], pair: Ints, usual: Floats, segment: Ints, fixed: int
) -> RouteSet:
    option, arc, survival = instance.effects
    order = np.argsort(arc, kind="stable")
    option, arc, survival = option[order], arc[order], survival[order]
    first = np.searchsorted(arc, np.arange(instance.tail.size + 1))
    base, elements = np.empty(len(arcs)), []
    for r, route in enumerate(arcs):
        reached = np.cumprod(instance.reliability[list(route)]) if route else np.ones(1)
        base[r] = reached[-1]
        met = [
            (int(option[e]), float(survival[e]), float(reached[step]))
            for step, each in enumerate(route)
            for e in range(first[each], first[each + 1])
        ]
        elements.append(_merged(met, fixed))
    width = max([1, *map(len, elements)])
    n = len(instance.options)
    shape = (len(arcs), width)
    table = (np.full(shape, n, dtype=np.int64), np.ones(shape), np.ones(shape))
    for r, met in enumerate(elements):
        for column, values in enumerate(met):
            for part, value in zip(table, values, strict=True):
                part[r, column] = value
    count = [len(route) for route in arcs]
    flat = np.array([each for route in arcs for each in route], dtype=np.int64)
    on = csr_array(
        (np.ones(flat.size), (np.repeat(np.arange(len(arcs)), count), segment[flat])),
        shape=(len(arcs), int(segment.max(initial=-1)) + 1),
    )
    on.data[:] = 1.0
    return RouteSet(pair, base, *table, usual=usual, segments=on, place=_places(instance))


def _merged(met: list[tuple[int, float, float]], fixed: int) -> list[tuple[int, float, float]]:
    """Return (option, survival, reached) in order of travel with those of each beat as one, where it is met first.

    A beat watches many roads. Whether a load gets through does not change by it; what seizes it, among options between, does a little.
    """
    found: dict[tuple[int, int], tuple[int, float, float]] = {}
    for at, (option, survival, reached) in enumerate(met):
        key = (option, -1 if option >= fixed else at)
        first = found.get(key, (option, 1.0, reached))
        found[key] = (option, first[1] * survival, first[2])
    return list(found.values())


def _places(instance: Instance) -> Ints:
    """Return the (options + 1,) place of each option; that of the padding is the last."""
    known: dict[str, int] = {}
    place = [known.setdefault(f"site {o.site}" if o.site else f"option {o.id}", len(known)) for o in instance.options]
    return np.array([*place, len(known)], dtype=np.int64)
