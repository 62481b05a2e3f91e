"""The evaders of a scenario: informed, mobile and habitual ones for each pair of a
gateway and a settlement, and those who keep to a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.network.shortest_paths import ArcOrder
from optimizer.region.model import Region, beyond_border
from optimizer.risk.demand import habitual_routes

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.scenario.demand.gravity import GravityDemand
    from optimizer.scenario.demand.record_demand import RecordDemand
    from optimizer.scenario.file.model import ScenarioModel

MOBILE = "mobile"
"""What ids and labels call informed evaders who may enter at another gateway."""


@dataclass(frozen=True)
class Pair:
    """Where an evader enters and where it goes, by position in the gateways and
    settlements of `Compiled`.
    """

    #: `gateway`, `settlement`: Where its loads enter by the scenario, and where they
    #: go.
    gateway: int
    settlement: int
    #: Its share of the loads of that gateway and settlement.
    share: float = 1.0
    #: Whether it may enter at another gateway, at a cost
    #: (`optimizer.scenario.demand.source_measures`).
    mobile: bool = False


def background_cost(region: Region, scenario: ScenarioModel) -> NDArray[np.float64]:
    """Return the (m,) generalised cost of each arc, -ln r_a.

    It is the hazard by time and by length, the inspections of its road class, and on
    the far side of the border what a load meets there: a loss by going back over the
    border, which each way from one crossing to another pays once, and a hazard by time.
    """
    network, background = region.network, scenario.background
    hours = network.time_s / 3600
    cost = background.per_hour * hours + background.per_km * network.length_m / 1000
    for road_class, chance in background.by_class.items():
        cost = cost + np.where(network.road_class == road_class, -np.log1p(-chance), 0.0)
    if background.far_side_loss or background.far_side_per_hour:
        beyond = beyond_border(region)
        there, back = (
            beyond[network.tail] | beyond[network.head],
            beyond[network.head] & ~beyond[network.tail],
        )
        cost = cost + np.where(there, background.far_side_per_hour * hours, 0.0)
        cost = cost + np.where(back, -np.log1p(-background.far_side_loss), 0.0)
    return np.asarray(cost)


@dataclass(frozen=True, eq=False)
class PairRoutes:
    """The routes of pairs that may have loads."""

    #: Gateway and settlement of each pair, by position.
    ends: tuple[tuple[int, int], ...]
    #: The routes of each pair with their shares; none where nobody keeps to a route.
    routes: tuple[tuple[Route, ...], ...]

    def by_pair(self) -> dict[tuple[int, int], tuple[Route, ...]]:
        """Return the routes by gateway and settlement."""
        return dict(zip(self.ends, self.routes, strict=True))

    def merged(self, other: PairRoutes) -> PairRoutes:
        """Return the routes of these and of others between the same ends, half of each
        pair's loads on either.
        """
        merged = []
        for own, more in zip(self.routes, other.routes, strict=True):
            share: dict[tuple[int, ...], float] = {}
            for route in (*own, *more):
                share[route.arcs] = share.get(route.arcs, 0.0) + route.share / 2
            merged.append(tuple(Route(arcs, part) for arcs, part in share.items()))
        return PairRoutes(self.ends, tuple(merged))


def usual_routes(
    demand: GravityDemand, network: Network, cost: NDArray[np.float64], least: float, seed: int
) -> PairRoutes:
    """Return the routes that people take by travel time alone between the gateways and
    settlements that gravity joins.

    Parameters
    ----------
    demand
        Gateways and settlements, and what a scenario says of evaders.
    network
        The roads.
    cost
        (m,) generalised cost of each arc.
    least
        Pairs with a smaller share of all loads by gravity are left out.
    seed
        Of the draws.
    """
    gateways, settlements = demand.gateways, demand.settlements
    joined = demand.prior().weight >= max(least, np.finfo(np.float64).tiny)
    ends = tuple(
        (g, s) for g, s in np.argwhere(joined).tolist() if settlements[s].node != gateways[g].node
    )
    return routes_between(demand, network, cost, ends, seed)


def routes_between(
    demand: GravityDemand,
    network: Network,
    cost: NDArray[np.float64],
    ends: tuple[tuple[int, int], ...],
    seed: int,
) -> PairRoutes:
    """Return the routes that are taken by a cost between gateways and settlements that
    roads join.

    Parameters
    ----------
    demand
        Gateways and settlements, and what a scenario says of evaders.
    network
        The roads.
    cost
        (m,) of each arc.
    ends
        Gateway and settlement of each pair, gateway by gateway.
    seed
        Of the draws.
    """
    model, rng = demand.terms, np.random.default_rng(seed)
    order = ArcOrder.of(network.n_nodes, network.tail, network.head)
    goals: list[list[int]] = [[] for _ in demand.gateways]
    for g, s in ends:
        goals[g].append(demand.settlements[s].node)
    routes: list[tuple[Route, ...]] = []
    for gateway, reached in zip(demand.gateways, goals, strict=True):
        draws, spread = model.habitual_draws, model.habitual_spread
        routes += habitual_routes(
            network, cost, gateway.node, reached, draws=draws, spread=spread, rng=rng, order=order
        )
    return PairRoutes(ends, tuple(routes))


@dataclass(frozen=True)
class ScenarioEvaders:
    """Evaders of a scenario."""

    #: Those of pairs, and then those who keep to a place that is listed.
    evaders: tuple[Evader, ...]
    #: Where each enters and goes, in the same order; None for those who keep to a
    #: place.
    pairs: tuple[Pair | None, ...]
    #: Loads that keep to places that are not listed
    #: (`optimizer.scenario.demand.source_measures`).
    elsewhere: float = 0.0


def scenario_evaders(
    demand: GravityDemand, network: Network, record: RecordDemand
) -> ScenarioEvaders:
    """Return the evaders of every gateway and settlement, informed and habitual, and
    then those who keep to a listed place.

    Parameters
    ----------
    demand
        Gateways and settlements, and what a scenario says of evaders.
    network
        The roads.
    record
        Weights and routes.
    """
    gateways = demand.gateways
    settlements = demand.settlements
    model = demand.terms
    shares = record.shares
    loads = np.where(shares >= max(model.smallest_share, np.finfo(np.float64).tiny), shares, 0.0)
    every = model.loads * record.amount
    loads *= every * (1 - record.local_share) / loads.sum()
    entered = {gateway.node for gateway in gateways}
    evaders: list[Evader] = []
    pairs: list[Pair | None] = []
    for g, s in np.argwhere(loads > 0).tolist():
        gateway, settlement = gateways[g], settlements[s]
        if settlement.node == gateway.node:
            continue
        routes = record.routes.get((g, s), ())
        informed = 1 - model.habitual_share
        # a destination at a gateway would be reached through it past every road: its
        # loads keep their gateway
        mobility = 0.0 if settlement.node in entered else model.mobility
        for name, share, kept in (
            ("informed", informed * (1 - mobility), ()),
            (MOBILE, informed * mobility, ()),
            ("habitual", model.habitual_share, routes),
        ):
            if share > 0:
                weight = float(share * loads[g, s])
                ids, label = (
                    f"{gateway.id} > {settlement.id}, {name}",
                    f"{gateway.label} > {settlement.label}, {name}",
                )
                evaders.append(Evader(ids, gateway.node, settlement.node, weight, kept, label))
                pairs.append(Pair(g, s, share, name == MOBILE))
    stay, places = record.local_share * every, record.local.listed
    local = [
        _local_evader(network, way, float(share * stay))
        for way, share in zip(
            record.local.ways[:places], record.local.weight[:places].tolist(), strict=True
        )
    ]
    return ScenarioEvaders(
        (*evaders, *local), (*pairs, *(None for _ in local)), float(record.local.elsewhere * stay)
    )


def _local_evader(network: Network, way: tuple[int, ...], weight: float) -> Evader:
    """Return the evader that keeps to the way from a segment to the nearest through road."""
    arc = way[0]
    segment = int(network.segment[arc])
    lon, lat = network.segment_midpoint[segment]
    road = str(network.name[arc]) or str(network.road_class[arc])
    start, end = int(network.tail[arc]), int(network.head[way[-1]])
    ends = f"{network.node_id[start]} > {network.node_id[end]}"
    return Evader(
        f"{ends}, local {segment}",
        start,
        end,
        weight,
        (Route(way, 1.0),),
        f"{road} ({lat:.3f}, {lon:.3f}), local",
    )
