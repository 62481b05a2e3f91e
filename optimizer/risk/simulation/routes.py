"""How drivers of a true world choose their roads: none of the ways is the one that the estimators believe in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.graph import cost_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.graph import CostGraph
    from optimizer.problem.network import Network
    from optimizer.risk.od import OdTable
    from optimizer.risk.simulation.settings import RouteChoice

    Floats = NDArray[np.float64]
    Routes = list[list[tuple[int, ...]]]

DRIVERS = 30
PERCEPTION = 0.3
"""Standard deviation of the log of how long a driver believes a segment takes over what it takes."""
ADDRESS_S = 120.0
"""Travel time from the middle of a settlement over which addresses thin out by a factor e."""
LOGIT_S = 60.0
"""Excess of travel time over which a route becomes less likely by a factor e, under `logit`."""
WIDER = 2.0
"""Errors of the drivers whose routes are chosen among, under `logit`, over those of `probit`."""
SHORTEST, PENALTY = 3, 1.4
"""Routes of a pair under `shortest`, and by what the travel time of a segment is multiplied once a route uses it."""


def around(network: Network) -> CostGraph:
    """Return the roads as if both ways were open everywhere: nearness has no direction."""
    tail, head = network.tail, network.head
    both = np.concatenate((tail, head)), np.concatenate((head, tail))
    return cost_graph(network.n_nodes, *both, np.tile(network.time_s, 2))


def true_flow(
    network: Network, table: OdTable, error: float, rng: np.random.Generator, routes: RouteChoice = "probit"
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
    demand = shares * rng.lognormal(0.0, error, (len(shares), 1)) * rng.lognormal(0.0, error, (1, shares.shape[1]))
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
    trips = [drivers.chosen(PERCEPTION * (WIDER if routes == "logit" else 1.0)) for _ in range(DRIVERS)]
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
        """Return for each origin and destination the arcs of the route that looks fastest to one driver."""
        network = self.network
        believed = network.time_s * self.rng.lognormal(0.0, perception, network.n_segments)[network.segment]
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
        """Return the (drivers, g, s) shares of routes under a logit of what each takes longer than the fastest way to where it ends."""
        direct = self.network.time_graph().distances(self.table.origins)
        excess = np.array(
            [
                [
                    [
                        self.network.time_s[list(arcs)].sum() - direct[g, self.network.head[arcs[-1]]] if arcs else 0.0
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
        """Return the (m,) flow over a few shortest routes of each pair that avoid each other, evenly."""
        network, flow = self.network, np.zeros(self.network.n_segments)
        addresses = self._addresses()
        for origin, sent in zip(self.table.origins.tolist(), demand, strict=True):
            times = np.ones(network.n_segments)
            for address, load in zip(addresses, sent, strict=True):
                times[:] = 1.0
                for _ in range(SHORTEST):
                    cost = network.time_s * times[network.segment]
                    graph = cost_graph(network.n_nodes, network.tail, network.head, cost)
                    used = network.segment[list(graph.paths(graph.trees([origin])[1][0], [address])[0])]
                    np.add.at(flow, used, load / SHORTEST)
                    times[used] *= PENALTY
        return flow
