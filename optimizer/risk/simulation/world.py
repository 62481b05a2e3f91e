"""A truth: what a search finds on every segment, made of flows that an estimator's table half knows and of local markets.

The settings are frozen (`optimizer.risk.simulation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.risk.simulation.routes import around, true_flow
from optimizer.risk.simulation.settings import WORLD_KINDS, WorldKind, WorldSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.risk.od import OdTable

    Floats = NDArray[np.float64]

SPOT_REACH_S, ROUGHNESS = 45.0, 0.5
"""Travel time in seconds over which what a local market draws falls by a factor e, and the standard deviation of the log of what is each
segment's own."""
SIGHTS, SIGHT_REACH_S = 12, 240.0
"""Places around which detection is alike, and the travel time over which that falls by a factor e."""


@dataclass(frozen=True)
class World:
    """A truth.

    Attributes
    ----------
    network
        The roads, m segments.
    rate
        (m,) what passes, up to a constant; its mean by length is 1.
    detection
        (m,) how well a search detects there, about 1; None where it is 1 everywhere.
    """

    network: Network
    rate: Floats
    detection: Floats | None = None

    @property
    def found(self) -> Floats:
        """(m,) seizures per unit of effort, up to a constant: what passes times how well it is detected."""
        return self.rate if self.detection is None else self.rate * self.detection


def make_world(kind: WorldKind | WorldSettings, network: Network, table: OdTable, rng: np.random.Generator) -> World:
    """Return a truth of the kind asked for.

    Parameters
    ----------
    kind
        Which, by name or by its settings.
    network
        The roads.
    table
        The prior table that an estimator will be given; true masses differ from it by a log-normal error.
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
        rate += size * np.exp(-np.minimum(row[network.tail[arc]], row[network.head[arc]]) / SPOT_REACH_S)
    return np.asarray(rate * rng.lognormal(0.0, ROUGHNESS, rate.size))


def _detection(network: Network, spread: float, rng: np.random.Generator) -> Floats:
    """Return (m,) factors with logarithms of standard deviation `spread`, alike within a neighbourhood."""
    tail = network.tail[network.segment_arc]
    places = rng.integers(network.n_nodes, size=SIGHTS)
    near = np.exp(-np.minimum(around(network).distances(places), 1e5)[:, tail] / SIGHT_REACH_S)
    logs = rng.standard_normal(SIGHTS) @ near + 0.5 * rng.standard_normal(tail.size)
    return np.asarray(np.exp(spread * (logs - logs.mean()) / max(float(logs.std()), 1e-12)))


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
