"""A truth: what a search finds on every segment, made of flows that an estimator's table half knows and of local markets.

The settings are frozen (`optimizer.risk.simulation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.problem.graph import cost_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.graph import CostGraph
    from optimizer.problem.network import Network
    from optimizer.risk.od import OdTable

    Floats = NDArray[np.float64]

WorldKind = Literal["flows", "uninformed", "mixed", "local"]
"""All flows; flows of which the prior table knows the places and not the masses; 60 % flows and 40 % local; nothing but local."""

DRIVERS = 30
PERCEPTION = 0.3
"""Standard deviation of the log of how long a driver believes a segment takes over what it takes."""
ADDRESS_S = 120.0
"""Travel time from the middle of a settlement over which addresses thin out by a factor e."""
MASS_ERROR, UNINFORMED_ERROR = 0.5, 1.5
"""Standard deviation of the log of true masses over those of the prior table."""
FLOWS_IN_MIXED = 0.6
SPOTS, SPOT_REACH_S, ROUGHNESS = 40, 45.0, 0.5
"""Local markets, the travel time in seconds over which what they draw falls by a factor e, and the standard deviation of the log of what is
each segment's own."""


@dataclass(frozen=True)
class World:
    """A truth.

    Attributes
    ----------
    network
        The roads, m segments.
    rate
        (m,) seizures per unit of effort, up to a constant; its mean by length is 1.
    """

    network: Network
    rate: NDArray[np.float64]


def make_world(kind: WorldKind, network: Network, table: OdTable, rng: np.random.Generator) -> World:
    """Return a truth of the kind asked for.

    Parameters
    ----------
    kind
        Which.
    network
        The roads.
    table
        The prior table that an estimator will be given; true masses differ from it by a log-normal error.
    rng
        Source of chance.
    """
    length = network.length_m[network.segment_arc]
    error = UNINFORMED_ERROR if kind == "uninformed" else MASS_ERROR
    flows = np.zeros(length.size) if kind == "local" else true_flow(network, table, error, rng)
    local = np.zeros(length.size) if kind in {"flows", "uninformed"} else local_markets(network, rng)
    share = {"flows": 1.0, "uninformed": 1.0, "mixed": FLOWS_IN_MIXED, "local": 0.0}[kind]
    rate = share * _scaled(flows, length) + (1 - share) * _scaled(local, length)
    return World(network, _scaled(rate, length))


def _scaled(rate: Floats, length: Floats) -> Floats:
    """Return the rate with mean 1 by length; nothing stays nothing."""
    mean = float((rate * length).sum() / length.sum())
    return rate / mean if mean > 0 else rate


def true_flow(network: Network, table: OdTable, error: float, rng: np.random.Generator) -> Floats:
    """Return the (m,) flow of drivers who go to an address near their destination by the road that looks fastest to them.

    Parameters
    ----------
    network, table
        The roads, and the table whose masses the true ones scatter about.
    error
        Standard deviation of the log of true masses over the table's.
    rng
        Source of chance.
    """
    shares = table.shares()
    demand = shares * rng.lognormal(0.0, error, (len(shares), 1)) * rng.lognormal(0.0, error, (1, shares.shape[1]))
    near = np.exp(-np.minimum(around(network).distances(table.destinations), 1e5) / ADDRESS_S)
    near /= near.sum(axis=1, keepdims=True)
    flow = np.zeros(network.n_segments)
    for _ in range(DRIVERS):
        believed = network.time_s * rng.lognormal(0.0, PERCEPTION, network.n_segments)[network.segment]
        graph = cost_graph(network.n_nodes, network.tail, network.head, believed)
        _, before = graph.trees(table.origins)
        addresses = [int(rng.choice(network.n_nodes, p=chance)) for chance in near]
        for row in range(len(shares)):
            for loads, arcs in zip(demand[row], graph.paths(before[row], addresses), strict=True):
                np.add.at(flow, network.segment[list(arcs)], loads / DRIVERS)
    return flow


def local_markets(network: Network, rng: np.random.Generator) -> Floats:
    """Return the (m,) rate that a few local markets make on the roads around them."""
    rate = np.zeros(network.n_segments)
    arc = network.segment_arc
    places = rng.choice(arc.size, size=min(SPOTS, arc.size), replace=False)
    away = around(network).distances(network.tail[arc[places]], limit=12 * SPOT_REACH_S)
    for row, size in zip(away, rng.lognormal(0.0, 1.0, places.size), strict=True):
        rate += size * np.exp(-np.minimum(row[network.tail[arc]], row[network.head[arc]]) / SPOT_REACH_S)
    return np.asarray(rate * rng.lognormal(0.0, ROUGHNESS, rate.size))


def around(network: Network) -> CostGraph:
    """Return the roads as if both ways were open everywhere: nearness has no direction."""
    tail, head = network.tail, network.head
    both = np.concatenate((tail, head)), np.concatenate((head, tail))
    return cost_graph(network.n_nodes, *both, np.tile(network.time_s, 2))


def captured(world: World, ranking: Floats, share: float = 0.05) -> float:
    """Return what the best `share` of the network's length by a ranking holds of the truth, over what the true ranking's holds.

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
