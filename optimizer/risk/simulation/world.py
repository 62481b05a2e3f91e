"""A truth: what a search finds on every segment, made of drivers' flows that an
estimator's table half knows and of local markets.

The settings are frozen (`optimizer.risk.simulation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.choices import WorldKind
from optimizer.problem.network.shortest_paths import CostGraph, cost_graph
from optimizer.risk.od_flows import OdTable
from optimizer.risk.simulation.settings import WORLD_KINDS, RouteChoice, WorldSettings

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]
Routes = list[list[tuple[int, ...]]]

SPOT_REACH_S, ROUGHNESS = 45.0, 0.5
"""Travel time in seconds over which what a local market draws falls by a factor e, and
the standard deviation of the log of what is each segment's own.
"""

SIGHTS, SIGHT_REACH_S = 12, 240.0
"""Places around which detection is alike, and the travel time over which that falls by
a factor e.
"""


@dataclass(frozen=True)
class World:
    """A truth."""

    #: The roads, m segments.
    network: Network
    #: (m,) what passes, up to a constant; its mean by length is 1.
    rate: Floats
    #: (m,) how well a search detects there, about 1; None where it is 1 everywhere.
    detection: Floats | None = None

    @property
    def found(self) -> Floats:
        """(m,) seizures per unit of effort, up to a constant: what passes times how
        well it is detected.
        """
        return self.rate if self.detection is None else self.rate * self.detection


def make_world(
    kind: WorldKind | WorldSettings, network: Network, table: OdTable, rng: np.random.Generator
) -> World:
    """Return a truth of the kind asked for.

    Parameters
    ----------
    kind
        Which, by name or by its settings.
    network
        The roads.
    table
        The prior table that an estimator will be given; true masses differ from it by a
        log-normal error.
    rng
        Source of chance.
    """
    chosen = kind if isinstance(kind, WorldSettings) else WORLD_KINDS[kind]
    length = network.length_m[network.segment_arc]
    share = chosen.flow_share
    flows, local = np.zeros(length.size), np.zeros(length.size)
    if share > 0:
        flows = true_flow(network, table, chosen.mass_error, rng, chosen.routes)
    if share < 1:
        quiet = flows <= np.median(flows) if chosen.off_flows and flows.any() else None
        local = local_markets(network, rng, chosen.spots, quiet)
    rate = share * _scaled(flows, length) + (1 - share) * _scaled(local, length)
    detection = _detection(network, chosen.detection, rng) if chosen.detection > 0 else None
    return World(network, _scaled(rate, length), detection)


def _scaled(rate: Floats, length: Floats) -> Floats:
    """Return the rate with mean 1 by length; nothing stays nothing."""
    mean = float((rate * length).sum() / length.sum())
    return rate / mean if mean > 0 else rate


def local_markets(
    network: Network, rng: np.random.Generator, spots: int, allowed: NDArray[np.bool_] | None = None
) -> Floats:
    """Return the (m,) rate that a few local markets make on the roads around them.

    Parameters
    ----------
    network
        The roads.
    rng
        Source of chance.
    spots
        How many markets.
    allowed
        (m,) segments where they may lie; everywhere by default.
    """
    rate = np.zeros(network.n_segments)
    arc = network.segment_arc
    where = np.arange(arc.size) if allowed is None else np.flatnonzero(allowed)
    places = rng.choice(where, size=min(spots, where.size), replace=False)
    away = around(network).distances(network.tail[arc[places]], limit=12 * SPOT_REACH_S)
    for row, size in zip(away, rng.lognormal(0.0, 1.0, places.size), strict=True):
        rate += size * np.exp(
            -np.minimum(row[network.tail[arc]], row[network.head[arc]]) / SPOT_REACH_S
        )
    return np.asarray(rate * rng.lognormal(0.0, ROUGHNESS, rate.size))


def _detection(network: Network, spread: float, rng: np.random.Generator) -> Floats:
    """Return (m,) factors with logarithms of standard deviation `spread`, alike within
    a neighbourhood.
    """
    tail = network.tail[network.segment_arc]
    places = rng.integers(network.n_nodes, size=SIGHTS)
    near = np.exp(-np.minimum(around(network).distances(places), 1e5)[:, tail] / SIGHT_REACH_S)
    logs = rng.standard_normal(SIGHTS) @ near + 0.5 * rng.standard_normal(tail.size)
    return np.asarray(np.exp(spread * (logs - logs.mean()) / max(float(logs.std()), 1e-12)))


def captured(world: World, ranking: Floats, share: float = 0.05) -> float:
    """Return what the best `share` of the network's length by a ranking holds of the
    truth, over what the true ranking's holds.

    Parameters
    ----------
    world
        The truth.
    ranking
        (m,) the higher, the sooner taken.
    share
        Share of the length of all roads, in (0, 1].
    """
    return _held(world, ranking, share) / _held(world, world.rate, share)


def _held(world: World, ranking: Floats, share: float) -> float:
    length = world.network.length_m[world.network.segment_arc]
    order = np.argsort(-ranking, kind="stable")
    before = np.cumsum(length[order]) - length[order]
    part = np.clip(
        (share * length.sum() - before) / length[order], 0, 1
    )  # the last segment counts by the part that still fits
    return float((part * length[order] * world.rate[order]).sum())


DRIVERS = 30

PERCEPTION = 0.3
"""Standard deviation of the log of how long a driver believes a segment takes over what
it takes.
"""

ADDRESS_S = 120.0
"""Travel time from the middle of a settlement over which addresses thin out by a factor e."""

LOGIT_S = 60.0
"""Excess of travel time over which a route becomes less likely by a factor e, under `logit`."""

WIDER = 2.0
"""Errors of the drivers whose routes are chosen among, under `logit`, over those of `probit`."""

SHORTEST, PENALTY = 3, 1.4
"""Routes of a pair under `shortest`, and by what the travel time of a segment is
multiplied once a route uses it.
"""


def around(network: Network) -> CostGraph:
    """Return the roads as if both ways were open everywhere: nearness has no direction."""
    tail, head = network.tail, network.head
    both = np.concatenate((tail, head)), np.concatenate((head, tail))
    return cost_graph(network.n_nodes, *both, np.tile(network.time_s, 2))


def true_flow(
    network: Network,
    table: OdTable,
    error: float,
    rng: np.random.Generator,
    routes: RouteChoice = "probit",
) -> Floats:
    """Return the (m,) flow of drivers who go to an address near their destination.

    Parameters
    ----------
    network, table
        The roads, and the table whose masses the true ones scatter about.
    error
        Standard deviation of the log of true masses over the table's.
    rng
        Source of chance.
    routes
        How they choose their roads.
    """
    shares = table.shares()
    demand = (
        shares
        * rng.lognormal(0.0, error, (len(shares), 1))
        * rng.lognormal(0.0, error, (1, shares.shape[1]))
    )
    near = np.exp(-np.minimum(around(network).distances(table.destinations), 1e5) / ADDRESS_S)
    near /= near.sum(axis=1, keepdims=True)
    drivers = _Drivers(network, table, near, rng)
    if routes == "shortest":
        return drivers.flow_of_shortest(demand)
    flow = np.zeros(network.n_segments)
    if routes == "probit":
        for _ in range(DRIVERS):
            drivers.add(flow, drivers.chosen(PERCEPTION), demand / DRIVERS)
        return flow
    trips = [
        drivers.chosen(PERCEPTION * (WIDER if routes == "logit" else 1.0)) for _ in range(DRIVERS)
    ]
    weight = drivers.logit(trips) if routes == "logit" else drivers.habit(demand.shape)
    for part, trip in zip(weight, trips, strict=True):
        drivers.add(flow, trip, part * demand)
    return flow


@dataclass(frozen=True, slots=True)
class _Drivers:
    """Who drives: `near` is the (s, n) chance of each address of a destination."""

    network: Network
    table: OdTable
    near: Floats
    rng: np.random.Generator

    def _addresses(self) -> list[int]:
        return [int(self.rng.choice(self.network.n_nodes, p=chance)) for chance in self.near]

    def chosen(self, perception: float) -> Routes:
        """Return for each origin and destination the arcs of the route that looks
        fastest to one driver.
        """
        network = self.network
        believed = (
            network.time_s
            * self.rng.lognormal(0.0, perception, network.n_segments)[network.segment]
        )
        graph = cost_graph(network.n_nodes, network.tail, network.head, believed)
        _, before = graph.trees(self.table.origins)
        addresses = self._addresses()
        return [graph.paths(row, addresses) for row in before]

    def add(self, flow: Floats, trips: Routes, loads: Floats) -> None:
        """Add (g, s) loads on their routes to a flow."""
        for row, sent in zip(trips, loads, strict=True):
            for arcs, load in zip(row, sent, strict=True):
                np.add.at(flow, self.network.segment[list(arcs)], load)

    def logit(self, trips: list[Routes]) -> Floats:
        """Return the (drivers, g, s) shares of routes under a logit of what each takes
        longer than the fastest way to where it ends.
        """
        direct = self.network.time_graph().distances(self.table.origins)
        excess = np.array(
            [
                [
                    [
                        (
                            self.network.time_s[list(arcs)].sum()
                            - direct[g, self.network.head[arcs[-1]]]
                            if arcs
                            else 0.0
                        )
                        for arcs in row
                    ]
                    for g, row in enumerate(trip)
                ]
                for trip in trips
            ]
        )
        weight = np.exp(-excess / LOGIT_S)
        return np.asarray(weight / weight.sum(axis=0))

    def habit(self, shape: tuple[int, ...]) -> Floats:
        """Return (drivers, g, s) shares that are 1 for one route of each pair."""
        mine = self.rng.integers(DRIVERS, size=shape)
        return np.asarray((np.arange(DRIVERS)[:, None, None] == mine).astype(np.float64))

    def flow_of_shortest(self, demand: Floats) -> Floats:
        """Return the (m,) flow over a few shortest routes of each pair that avoid each
        other, evenly.
        """
        network, flow = self.network, np.zeros(self.network.n_segments)
        addresses = self._addresses()
        for origin, sent in zip(self.table.origins.tolist(), demand, strict=True):
            times = np.ones(network.n_segments)
            for address, load in zip(addresses, sent, strict=True):
                times[:] = 1.0
                for _ in range(SHORTEST):
                    cost = network.time_s * times[network.segment]
                    graph = cost_graph(network.n_nodes, network.tail, network.head, cost)
                    used = network.segment[
                        list(graph.paths(graph.trees([origin])[1][0], [address])[0])
                    ]
                    np.add.at(flow, used, load / SHORTEST)
                    times[used] *= PENALTY
        return flow
