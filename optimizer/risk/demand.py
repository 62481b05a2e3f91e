"""Demand: how many loads go from which gateway to which settlement, and the roads that creatures of habit take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.evaders import Route
from optimizer.problem.graph import cost_graph
from optimizer.risk.od import OdTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.evaders import Evader
    from optimizer.problem.network import Network
    from optimizer.problem.places import Gateway, Settlement


def gateway_masses(
    gateways: Sequence[Gateway], risk_index: NDArray[np.float64], shares: Mapping[str, float]
) -> NDArray[np.float64]:
    """Return how the loads split over gateways: (len(gateways),), summing to 1.

    A rate per unit of effort, times the units that pass, is proportional to loads: mass = risk index * exposure. Exposures of different
    kinds of gateway (vehicles a year, kilometres of river) do not compare, so `shares` may fix how much each kind carries.

    Parameters
    ----------
    gateways
        Where evaders enter.
    risk_index
        (len(gateways),) seizures per unit of effort at each gateway relative to the whole, >= 0.
    shares
        Share of all loads by gateway kind; kinds not named split by mass alone when no kind is named, and carry nothing otherwise.
    """
    mass = risk_index * np.array([gateway.exposure for gateway in gateways])
    if shares:
        kind = np.array([gateway.kind for gateway in gateways])
        total = {k: mass[kind == k].sum() for k in shares}
        mass = np.array(
            [m * shares.get(k, 0.0) / total[k] if total.get(k) else 0.0 for m, k in zip(mass, kind, strict=True)]
        )
    return np.asarray(mass / mass.sum())


def travel_hours(
    network: Network, gateways: Sequence[Gateway], settlements: Sequence[Settlement]
) -> NDArray[np.float64]:
    """Return the (gateways, settlements) free-flow travel times in hours; infinity where there is no way."""
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

    Each gateway's loads choose a destination s with probability proportional to population_s^power * exp(-hours_gs / decay_hours): the
    production-constrained gravity model (Wilson 1967). Rows sum to `masses`, or to 0 where a gateway reaches nothing.

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
    return np.asarray(masses[:, None] * np.divide(pull, total, out=np.zeros_like(pull), where=total > 0))


def gravity_table(
    network: Network,
    gateways: Sequence[Gateway],
    settlements: Sequence[Settlement],
    masses: NDArray[np.float64],
    *,
    decay_hours: float = 2 / 3,
    power: float = 1.0,
) -> OdTable:
    """Return the table of origins and destinations that gravity expects, the prior of a risk model's flows.

    Parameters
    ----------
    network
        The roads.
    gateways, settlements
        Origins and destinations; either may be empty, and nothing flows then.
    masses
        (gateways,) loads that enter at each, before any record has spoken (`gateway_masses` with an index of 1).
    decay_hours, power
        As `gravity` takes them.
    """
    origins = np.array([gateway.node for gateway in gateways], dtype=np.int64)
    destinations = np.array([settlement.node for settlement in settlements], dtype=np.int64)
    if not origins.size or not destinations.size:
        return OdTable(origins, destinations, np.zeros((origins.size, destinations.size)))
    populations = np.array([settlement.population for settlement in settlements], dtype=np.float64)
    hours = travel_hours(network, gateways, settlements)
    return OdTable(origins, destinations, gravity(masses, populations, hours, decay_hours=decay_hours, power=power))


def habitual_routes(
    network: Network,
    cost: NDArray[np.float64],
    origin: int,
    destinations: Sequence[int],
    *,
    draws: int,
    spread: float,
    rng: np.random.Generator,
) -> list[tuple[Route, ...]]:
    """Return for each destination the routes that people who never look at the plan take, with their shares.

    Probit route choice by simulation (Burrell 1968): in each draw every segment's cost is multiplied by an independent log-normal error of
    standard deviation `spread`, and the cheapest route is taken; a route's share is the part of the draws that took it.

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
    """
    taken: list[dict[tuple[int, ...], int]] = [{} for _ in destinations]
    for _ in range(draws):
        error = np.exp(spread * rng.standard_normal(network.n_segments))
        graph = cost_graph(network.n_nodes, network.tail, network.head, cost * error[network.segment])
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
    loads = np.zeros(network.n_segments)
    for evader, arcs in zip(evaders, answers, strict=True):
        for route, share in [(route.arcs, route.share) for route in evader.routes] or [(arcs, 1.0)]:
            loads[np.unique(network.segment[list(route)])] += evader.weight * share
    return loads
