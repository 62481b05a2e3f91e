"""Demand: how many loads go from which gateway to which settlement, and the roads that
creatures of habit take.

`evaders_between` makes evaders of it in one call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem
from optimizer.problem.instance.evaders import Evader, Route, arc_costs
from optimizer.problem.network.places import Gateway, Settlement
from optimizer.problem.network.shortest_paths import ArcOrder
from optimizer.risk.od_flows import OdTable

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network


def gateway_masses(
    gateways: Sequence[Gateway], risk_index: NDArray[np.float64], shares: Mapping[str, float]
) -> NDArray[np.float64]:
    """Return how the loads split over gateways: (len(gateways),), summing to 1.

    A rate per unit of effort, times the units that pass, is proportional to loads: mass
    = risk index * exposure. Exposures of different kinds of gateway (vehicles a year,
    kilometres of river) do not compare, so `shares` may fix how much each kind carries.

    Parameters
    ----------
    gateways
        Where evaders enter.
    risk_index
        (len(gateways),) seizures per unit of effort at each gateway relative to the
        whole, >= 0.
    shares
        Share of all loads by gateway kind; kinds not named split by mass alone when no
        kind is named, and carry nothing otherwise.
    """
    mass = risk_index * np.array([gateway.exposure for gateway in gateways])
    if shares:
        kind = np.array([gateway.kind for gateway in gateways])
        total = {k: mass[kind == k].sum() for k in shares}
        mass = np.array(
            [
                m * shares.get(k, 0.0) / total[k] if total.get(k) else 0.0
                for m, k in zip(mass, kind, strict=True)
            ]
        )
    return np.asarray(mass / mass.sum())


def travel_hours(
    network: Network, gateways: Sequence[Gateway], settlements: Sequence[Settlement]
) -> NDArray[np.float64]:
    """Return the (gateways, settlements) free-flow travel times in hours; infinity
    where there is no way.
    """
    reached = network.time_graph().distances([gateway.node for gateway in gateways])
    return np.asarray(reached[:, [settlement.node for settlement in settlements]] / 3600)


def gravity(
    masses: NDArray[np.float64],
    populations: NDArray[np.float64],
    hours: NDArray[np.float64],
    *,
    decay_hours: float,
    power: float,
) -> NDArray[np.float64]:
    """Return the (gateways, settlements) share of all loads on each pair.

    Each gateway's loads choose a destination s with probability proportional to
    population_s^power * exp(-hours_gs / decay_hours): the production-constrained
    gravity model (Wilson 1967). Rows sum to `masses`, or to 0 where a gateway reaches
    nothing.

    Parameters
    ----------
    masses
        (gateways,) loads that enter at each.
    populations
        (settlements,) inhabitants, > 0.
    hours
        (gateways, settlements) travel times; infinity where there is no way.
    decay_hours
        Travel time at which attraction has fallen to 1/e.
    power
        Exponent of population.
    """
    pull = populations[None, :] ** power * np.exp(-hours / decay_hours)
    total = pull.sum(axis=1, keepdims=True)
    return np.asarray(
        masses[:, None] * np.divide(pull, total, out=np.zeros_like(pull), where=total > 0)
    )


def gravity_table(
    network: Network,
    gateways: Sequence[Gateway],
    settlements: Sequence[Settlement],
    masses: NDArray[np.float64],
    *,
    decay_hours: float = 2 / 3,
) -> OdTable:
    """Return the table of origins and destinations that gravity expects, the prior of a
    risk model's flows.

    Parameters
    ----------
    network
        The roads.
    gateways, settlements
        Origins and destinations; either may be empty, and nothing flows then.
    masses
        (gateways,) loads that enter at each, before any record has spoken
        (`gateway_masses` with an index of 1).
    decay_hours
        As `gravity` takes it; population counts by its first power.
    """
    origins = np.array([gateway.node for gateway in gateways], dtype=np.int64)
    destinations = np.array([settlement.node for settlement in settlements], dtype=np.int64)
    if not origins.size or not destinations.size:
        return OdTable(origins, destinations, np.zeros((origins.size, destinations.size)))
    populations = np.array([settlement.population for settlement in settlements], dtype=np.float64)
    hours = travel_hours(network, gateways, settlements)
    return OdTable(
        origins,
        destinations,
        gravity(masses, populations, hours, decay_hours=decay_hours, power=1.0),
    )


def habitual_routes(
    network: Network,
    cost: NDArray[np.float64],
    origin: int,
    destinations: Sequence[int],
    *,
    draws: int,
    spread: float,
    rng: np.random.Generator,
    order: ArcOrder | None = None,
) -> list[tuple[Route, ...]]:
    """Return for each destination the routes that people who never look at the plan
    take, with their shares.

    Probit route choice by simulation (Burrell 1968): in each draw every segment's cost
    is multiplied by an independent log-normal error of standard deviation `spread`, and
    the cheapest route is taken; a route's share is the part of the draws that took it.

    Parameters
    ----------
    network
        The roads.
    cost
        (m,) generalised cost of each arc: time and exposure as -ln survival, >= 0.
    origin
        Node position.
    destinations
        Node positions, each reachable from `origin`.
    draws
        Number of draws, >= 1.
    spread
        Standard deviation of the logarithm of the error, >= 0.
    rng
        Source of the errors.
    order
        The network's arcs in order, where a caller asks for many origins; made anew
        where None.
    """
    order = order or ArcOrder.of(network.n_nodes, network.tail, network.head)
    taken: list[dict[tuple[int, ...], int]] = [{} for _ in destinations]
    for _ in range(draws):
        error = np.exp(spread * rng.standard_normal(network.n_segments))
        graph = order.graph(cost * error[network.segment])
        predecessors = graph.trees([origin])[1][0]
        for routes, arcs in zip(taken, graph.paths(predecessors, destinations), strict=True):
            routes[arcs] = routes.get(arcs, 0) + 1
    return [tuple(Route(arcs, count / draws) for arcs, count in routes.items()) for routes in taken]


def segment_loads(
    network: Network, evaders: Sequence[Evader], answers: Sequence[tuple[int, ...]]
) -> NDArray[np.float64]:
    """Return the (n_segments,) weight of the evaders that travel each segment.

    Parameters
    ----------
    network
        The roads.
    evaders
        Habitual ones spread over their routes.
    answers
        Arcs of each informed evader's path.
    """
    return SegmentLoads(network, evaders).under(answers)


class SegmentLoads:
    """The weight of some evaders on each segment, asked for under many answers; the
    routes of habitual ones are added up once.

    Parameters
    ----------
    network
        The roads.
    evaders
        Habitual ones spread over their routes.
    """

    def __init__(self, network: Network, evaders: Sequence[Evader]) -> None:
        self._network, self._count = network, len(evaders)
        self._informed: list[int] = []
        self._number: list[int] = []
        fixed: list[tuple[int, ...]] = []
        numbers: list[int] = []
        weights: list[float] = []
        for k, evader in enumerate(evaders):
            for route in evader.routes:
                numbers.append(len(weights))
                fixed.append(route.arcs)
                weights.append(evader.weight * route.share)
            if not evader.routes:
                self._informed.append(k)
                self._number.append(len(weights))
                weights.append(evader.weight)
        self._weight = np.array(weights)
        self._fixed = self._passed(fixed, numbers)

    def _passed(
        self, routes: Sequence[tuple[int, ...]], numbers: Sequence[int]
    ) -> NDArray[np.int64]:
        """Return number * segments + segment of what routes pass, each once, rising."""
        length = np.array([len(route) for route in routes], dtype=np.int64)
        arc = np.fromiter(chain.from_iterable(routes), dtype=np.int64, count=int(length.sum()))
        number = np.repeat(np.array(numbers, dtype=np.int64), length)
        passed = number * self._network.n_segments + self._network.segment[arc]
        passed.sort()  # np.unique hashes first: ten times as long for a million numbers
        # a route that travels a segment twice counts once there
        return np.asarray(passed[np.diff(passed, prepend=-1) > 0], dtype=np.int64)

    def under(self, answers: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
        """Return the (n_segments,) weights, given the arcs of each evader's path; those
        of habitual ones are not read.
        """
        if len(answers) != self._count:
            raise ValueError(f"{len(answers)} answers of {self._count} evaders")
        answered = self._passed([answers[k] for k in self._informed], self._number)
        # in the order of the evaders: sums are the same to the last digit
        passed = np.insert(self._fixed, np.searchsorted(self._fixed, answered), answered)
        at, segment = np.divmod(passed, self._network.n_segments)
        weight = self._weight[at]
        return np.bincount(segment, weight, self._network.n_segments).astype(np.float64)


@checked
def evaders_between(
    network: Network,
    gateways: Sequence[Gateway],
    settlements: Sequence[Settlement],
    *,
    loads: float = 1.0,
    risk_index: ArrayLike = 1.0,
    shares: Mapping[str, float] | None = None,
    decay_hours: float = 2 / 3,
    power: float = 1.0,
    smallest_share: float = 0.0,
    habitual_share: float = 0.0,
    reliability: NDArray[np.float64] | None = None,
    draws: int = 50,
    spread: float = 0.3,
    seed: int = 0,
) -> tuple[Evader, ...]:
    """Return an evader for each pair of a gateway and a settlement that loads travel
    between, by gravity.

    Parameters
    ----------
    network
        The roads.
    gateways, settlements
        Where evaders enter, and where they go.
    loads
        All loads a period, > 0: the sum of the weights. With 1 the value of a plan is
        the share of loads that get through.
    risk_index
        (gateways,) risk index of each gateway, >= 0, or one for all; a gateway's loads
        are proportional to it times its exposure.
    shares, decay_hours, power
        As in `optimizer.risk.demand.gateway_masses` and `gravity`.
    smallest_share
        Pairs with a smaller share of all loads are left out, and their loads go to the
        others.
    habitual_share
        Share of each pair's loads in [0, 1] that keeps to fixed routes, whatever the
        plan.
    reliability
        (m,) chance to pass each arc undetected with nothing placed, by which habitual
        evaders choose; needed for them alone.
    draws, spread, seed
        Of the routes of habitual evaders, as in
        `optimizer.risk.demand.habitual_routes`.

    Raises
    ------
    InputError
        If there are no gateways or settlements, none is reached, or a parameter is out
        of range.
    """
    index = np.broadcast_to(np.asarray(risk_index, dtype=np.float64), (len(gateways),))
    _check(gateways, settlements, loads, index, habitual_share, reliability)
    hours = travel_hours(network, gateways, settlements)
    reaching = np.isfinite(hours).any(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        masses = gateway_masses(gateways, np.where(reaching, index, 0.0), shares or {})
        populations = np.array([place.population for place in settlements], dtype=np.float64)
        share = gravity(masses, populations, hours, decay_hours=decay_hours, power=power)
    same = np.array([[gateway.node == place.node for place in settlements] for gateway in gateways])
    # tiny: a weight that underflows would make an evader whose load is a denormal
    # number, and bounds relative to it worthless.
    kept = np.where((share >= max(smallest_share, np.finfo(np.float64).tiny)) & ~same, share, 0.0)
    if not np.isfinite(kept).all() or not kept.any():
        found = "no gateway from which a road leads to a settlement"
        remedy = "Check positions, exposures, shares and decay_hours"
        raise InputError(Problem("evaders_between", found, "loads between some pair", remedy))
    # Loads of the pairs left out go to the others in proportion: the weights add up to
    # `loads` whatever is left out.
    weight = kept * (loads / kept.sum())
    cost = None if reliability is None else arc_costs(reliability)
    rng = np.random.default_rng(seed)
    evaders: list[Evader] = []
    for g, gateway in enumerate(gateways):
        to = np.flatnonzero(weight[g]).tolist()
        names = [
            (f"{gateway.id} > {settlements[s].id}", f"{gateway.label} > {settlements[s].label}")
            for s in to
        ]
        ends = [(gateway.node, settlements[s].node, float(weight[g, s])) for s in to]
        if habitual_share < 1:
            evaders += [
                Evader(name, origin, destination, load * (1 - habitual_share), label=label)
                for (name, label), (origin, destination, load) in zip(names, ends, strict=True)
            ]
        if habitual_share > 0 and cost is not None and to:
            targets = [destination for _, destination, _ in ends]
            routes = habitual_routes(
                network, cost, gateway.node, targets, draws=draws, spread=spread, rng=rng
            )
            evaders += [
                Evader(
                    f"{name}, habitual",
                    origin,
                    destination,
                    load * habitual_share,
                    usual,
                    f"{label}, habitual",
                )
                for (name, label), (origin, destination, load), usual in zip(
                    names, ends, routes, strict=True
                )
            ]
    return tuple(evaders)


def _check(
    gateways: Sequence[Gateway],
    settlements: Sequence[Settlement],
    loads: float,
    index: NDArray[np.float64],
    habitual_share: float,
    reliability: NDArray[np.float64] | None,
) -> None:
    problems = [
        Problem(f"evaders_between, {name}", found, expected)
        for name, wrong, found, expected in (
            ("gateways", not gateways, "none", "at least one"),
            ("settlements", not settlements, "none", "at least one"),
            ("loads", not 0 < loads < np.inf, f"{loads:.10g}", "a number above 0"),
            (
                "risk_index",
                not (np.isfinite(index) & (index >= 0)).all(),
                "a negative or missing index",
                "numbers from 0",
            ),
            (
                "habitual_share",
                not 0 <= habitual_share <= 1,
                f"{habitual_share:g}",
                "a share in [0, 1]",
            ),
            (
                "reliability",
                habitual_share > 0 and reliability is None,
                "none",
                "(m,) chances, by which they choose",
            ),
        )
        if wrong
    ]
    if problems:
        raise InputError(*problems)
