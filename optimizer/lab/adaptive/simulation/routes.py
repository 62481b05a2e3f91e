"""The routes that populations choose among, and what a layout does to a load on each.

A load on a route meets elements (option, survival) in order of travel. It passes arc a undetected by ordinary policing with r_a, and a placed
element l with s_l. With b_l the product of r up to the arc of l, it is seized by l with

    q_l = b_l prod_{i < l placed} s_i (1 - s_l)      if l is placed, else 0,

gets through with prod_a r_a prod_{l placed} s_l, and is otherwise found by ordinary policing. Under a layout of several plans, each on a share
of the days, all are means over the days, as a load travels on any day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.lab.adaptive.simulation.traffickers import PairLoads
from optimizer.problem.instance.evaders import Evader, Searches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RouteSet:
    """Routes of all pairs of gateway and destination; those of a pair are next to each other.

    Attributes
    ----------
    pair
        (routes,) the pair of each, rising.
    base
        (routes,) chance to get through with nothing placed.
    option, survival
        (routes, width) elements in order of travel; padded with the number of options, and 1.
    before
        (routes, width) chance that ordinary policing has not found a load up to the element's arc.
    usual
        (routes,) share of the habitual loads of its pair; 0 on routes that nobody takes by habit.
    segments
        (routes, segments) sparse: which stretches of road it travels.
    place
        (options + 1,) place of each option: options of a site share one. The last is that of the padding.
    """

    pair: Ints
    base: Floats
    option: Ints
    survival: Floats
    before: Floats
    usual: Floats
    segments: csr_array
    place: Ints

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return int(self.pair[-1]) + 1 if self.pair.size else 0

    @property
    def n_options(self) -> int:
        """Number of options."""
        return self.place.size - 1

    @property
    def n_places(self) -> int:
        """Number of places, without that of the padding."""
        return int(self.place[-1])

    @cached_property
    def start(self) -> Ints:
        """(pairs,) first route of each pair."""
        return np.flatnonzero(np.append(True, self.pair[1:] != self.pair[:-1])).astype(np.int64)

    @cached_property
    def arriving(self) -> Mask:
        """(routes, width) whether an element is the first of its place that a load meets there."""
        place = self.place[self.option]
        same = np.zeros(place.shape, dtype=bool)
        same[:, 1:] = place[:, 1:] == place[:, :-1]
        return (place < self.n_places) & ~same

    @cached_property
    def passing(self) -> csr_array:
        """(routes, places) how often each route passes each place."""
        row, column = np.nonzero(self.arriving)
        place = self.place[self.option[row, column]]
        return csr_array((np.ones(row.size), (row, place)), shape=(self.pair.size, self.n_places))

    def place_detection(self, presence: Floats) -> Floats:
        """Return the (places,) chance to be seized of options that stand on (options,) shares of the days."""
        kept = np.ones(self.n_places)
        np.multiply.at(kept, self.place[: self.n_options], 1 - presence * (1 - self._strongest))
        return 1 - kept

    @cached_property
    def _strongest(self) -> Floats:
        """(options,) least survival of each option on any route."""
        survival = np.ones(self.n_options + 1)
        np.minimum.at(survival, self.option, self.survival)
        return survival[:-1]

    def promise(self, flows: Floats) -> Floats:
        """Return the (options,) loads that each option would seize alone of (routes,) flows."""
        every = self.before * (1 - self.survival) * flows[:, None]
        return np.bincount(self.option.ravel(), every.ravel(), self.n_options + 1)[:-1].astype(np.float64)

    def best(self, values: Floats) -> Floats:
        """Return the (pairs,) largest of (routes,) values of each pair."""
        return np.asarray(np.maximum.reduceat(values, self.start)) if values.size else np.empty(0)

    def sums(self, values: Floats) -> Floats:
        """Return the (pairs,) sums of (routes,) values of each pair."""
        return np.asarray(np.add.reduceat(values, self.start)) if values.size else np.empty(0)


@dataclass(frozen=True, eq=False)
class RoutePassage:
    """What a plan does to a load on each route.

    Attributes
    ----------
    through
        (routes,) chance to get through.
    seized
        (routes, width) chance to be seized by each element.
    """

    through: Floats
    seized: Floats


@dataclass(frozen=True, eq=False)
class Layout:
    """What stands in a period: plans, each on a number of its days.

    Attributes
    ----------
    plans
        (plans, options) masks.
    days
        (plans,) on how many days each stands, >= 0; the sum is the number of days of the period.
    """

    plans: Mask
    days: Floats

    @classmethod
    def fixed(cls, plan: Mask, days: int = 1) -> Layout:
        """Return the layout of one plan on every day."""
        return cls(plan[None].copy(), np.array([float(days)]))

    @classmethod
    def drawn(cls, plans: list[Mask]) -> Layout:
        """Return the layout of a plan for each day, equal ones together."""
        table = np.array(plans, dtype=bool)
        distinct, days = np.unique(table, axis=0, return_counts=True)
        return cls(distinct, days.astype(np.float64))

    @property
    def share(self) -> Floats:
        """(plans,) share of the days."""
        return np.asarray(self.days / self.days.sum())

    @property
    def presence(self) -> Floats:
        """(options,) share of the days on which each option stands."""
        return np.asarray(self.share @ self.plans)


class Passages:
    """What plans do to loads, computed once a plan.

    Parameters
    ----------
    routes
        The routes.
    most
        Plans that are kept.
    """

    def __init__(self, routes: RouteSet, most: int = 48) -> None:
        self.routes, self._most = routes, most
        self._known: dict[bytes, RoutePassage] = {}

    def of(self, plan: Mask) -> RoutePassage:
        """Return what a plan, an (options,) mask, does."""
        key = plan.tobytes()
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            found = self._known[key] = passage(self.routes, plan)
        return found

    def mean(self, layout: Layout) -> RoutePassage:
        """Return what a layout does on the mean over its days."""
        if layout.days.size == 1:
            return self.of(layout.plans[0])
        parts = [self.of(plan) for plan in layout.plans]
        through = sum(share * part.through for share, part in zip(layout.share, parts, strict=True))
        seized = sum(share * part.seized for share, part in zip(layout.share, parts, strict=True))
        return RoutePassage(np.asarray(through), np.asarray(seized))

    def through(self, layout: Layout) -> Floats:
        """Return the (routes,) chances to get through on the mean over the days."""
        return self.mean(layout).through


def passage(routes: RouteSet, plan: Mask) -> RoutePassage:
    """Return what a plan, an (options,) mask, does to a load on each route."""
    placed = np.append(plan, False)
    survival = np.where(placed[routes.option], routes.survival, 1.0)
    left = np.cumprod(survival, axis=1)
    reaching = np.ones_like(left)
    reaching[:, 1:] = left[:, :-1]
    return RoutePassage(routes.base * left[:, -1], routes.before * reaching * (1.0 - survival))


# Choice sets: the routes of a pair that are a best reply to something, and those that it takes by habit.
#
# Best replies are collected to nothing placed, to today's layout, to everything placed, and to plans of the first mixture. Of the routes of a
# pair that are found, those are kept that are best most often; a pair whose loads are all habitual keeps its usual routes alone.


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
            # An empty reply means that no path is left, unless the pair ends where it begins.
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
        # What may stand on the route, in order of travel, with the chance to have reached it.
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
    on.data[:] = 1.0  # the constructor adds up a segment that a route drives twice
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
