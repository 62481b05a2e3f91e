"""Worlds whose truth is known, and records made in them: what every risk model is judged on.

A world is a true rate of finds per unit of effort on every segment. A history is what comes of searching it, month by month, under a way
of choosing where to look. The truth's travellers do not choose roads as any estimator here believes: each takes the road that looks
fastest to him (Burrell 1968), with his own error on every segment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.graph import cost_graph
from optimizer.risk.records import Effort, Records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.graph import CostGraph
    from optimizer.network import Network
    from optimizer.risk.od import OdTable

    Floats = NDArray[np.float64]

WorldKind = Literal["flows", "uninformed", "mixed", "local"]
"""All flows; flows of which the prior table knows the places and not the masses; 60 % flows and 40 % local; nothing but local."""
EffortKind = Literal["uniform", "static", "feedback", "tips", "exploring"]
"""Alike per kilometre; where searches always were; chasing earlier finds; that with finds from tips that no effort explains; that with
a share of exploration."""

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
CHASING, EXPLORING = 0.7, 0.2
NEAR_S = 15.0
"""Travel time over which the wish to search near an earlier find falls by a factor e."""
TIPPED = 0.25
"""Share of finds that come from tips."""
SEARCHES_A_MONTH = 350
STATIONS, BEAT_S = 6, 300.0
"""Places that searches start from, and the travel time over which they thin out by a factor e: habit knows nothing of the truth."""
FIRST_MONTH = np.datetime64("2023-01", "M")


@dataclass(frozen=True)
class World:
    """A truth.

    Attributes
    ----------
    network
        The roads, m segments.
    rate
        (m,) finds per unit of effort, up to a constant; its mean by length is 1.
    """

    network: Network
    rate: NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """What was done and found, month by month.

    Attributes
    ----------
    effort
        (months, m) searches.
    found
        (months, m) finds, those from tips among them.
    tipped
        (months, m) finds from tips, which no effort explains.
    """

    effort: Floats
    found: Floats
    tipped: Floats


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
    near = np.exp(-np.minimum(_around(network).distances(table.destinations), 1e5) / ADDRESS_S)
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
    away = _around(network).distances(network.tail[arc[places]], limit=12 * SPOT_REACH_S)
    for row, size in zip(away, rng.lognormal(0.0, 1.0, places.size), strict=True):
        rate += size * np.exp(-np.minimum(row[network.tail[arc]], row[network.head[arc]]) / SPOT_REACH_S)
    return np.asarray(rate * rng.lognormal(0.0, ROUGHNESS, rate.size))


def _around(network: Network) -> CostGraph:
    """Return the roads as if both ways were open everywhere: nearness has no direction."""
    tail, head = network.tail, network.head
    both = np.concatenate((tail, head)), np.concatenate((head, tail))
    return cost_graph(network.n_nodes, *both, np.tile(network.time_s, 2))


def make_history(
    world: World,
    kind: EffortKind,
    seizures: float,
    months: int,
    rng: np.random.Generator,
    rate_per_search: float | None = None,
) -> History:
    """Search a world for some months.

    Parameters
    ----------
    world
        The truth.
    kind
        How it is chosen where to look.
    seizures
        How many finds there are to be, about.
    months
        How long.
    rng
        Source of chance.
    rate_per_search
        Finds a search makes where the world's rate is 1; by default the one that makes about as many finds as are asked for, found by trial.
    """
    if rate_per_search is None:
        rate_per_search = _rate_for(world, kind, seizures, months, rng)
    return _searched(world, kind, rate_per_search, months, rng)


def _rate_for(world: World, kind: EffortKind, seizures: float, months: int, rng: np.random.Generator) -> float:
    length = world.network.length_m[world.network.segment_arc]
    rate = seizures / (SEARCHES_A_MONTH * months) / max(float((world.rate * length).sum() / length.sum()), 1e-12)
    for _ in range(4):
        found = float(_searched(world, kind, rate, months, rng).found.sum())
        rate *= min(max(seizures / max(found, 1.0), 0.2), 5.0)
    return rate


def _searched(world: World, kind: EffortKind, per_search: float, months: int, rng: np.random.Generator) -> History:
    network = world.network
    length = network.length_m[network.segment_arc]
    even = length / length.sum()
    usual = _usual(network, rng)
    near = _Near(network)
    effort, found, tipped = (np.zeros((months, length.size)) for _ in range(3))
    tip_share = world.rate * length / (world.rate * length).sum()
    for month in range(months):
        chance = even if kind == "uniform" else usual
        if kind not in {"uniform", "static"}:
            wish = near.wish(found[:month].sum(axis=0))
            chance = CHASING * wish + (1 - CHASING) * usual if wish.any() else usual
        if kind == "exploring":
            chance = EXPLORING * even + (1 - EXPLORING) * chance
        effort[month] = rng.multinomial(SEARCHES_A_MONTH, chance)
        found[month] = rng.poisson(per_search * effort[month] * world.rate)
        if kind == "tips":
            size = rng.poisson(found[month].sum() * TIPPED / (1 - TIPPED))
            tipped[month] = rng.multinomial(size, tip_share)
            found[month] += tipped[month]
    return History(effort, found, tipped)


def _usual(network: Network, rng: np.random.Generator) -> Floats:
    """Return the (m,) chance of a search where searches always were: around a few stations, and by habits of no reason."""
    arc = network.segment_arc
    stations = rng.integers(network.n_nodes, size=STATIONS)
    away = _around(network).distances(stations).min(axis=0)
    from_ends = np.minimum(away[network.tail[arc]], away[network.head[arc]])
    thinned = 0.1 + np.exp(-np.where(np.isfinite(from_ends), from_ends, np.inf) / BEAT_S)
    chance = network.length_m[arc] * thinned * rng.lognormal(0.0, 1.0, arc.size)
    return np.asarray(chance / chance.sum())


class _Near:
    """Where one wants to search after earlier finds; each segment's neighbourhood is worked out once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._graph = _around(network)
        self._known: dict[int, Floats] = {}

    def wish(self, past: Floats) -> Floats:
        """Return the (m,) shares of the wish; 0 where nothing was found yet."""
        arc = self._network.segment_arc
        out = np.zeros(arc.size)
        for segment in np.flatnonzero(past).tolist():
            if segment not in self._known:
                node = self._network.tail[arc[segment]]
                away = self._graph.distances([node], limit=6 * NEAR_S)[0]
                from_ends = np.minimum(away[self._network.tail[arc]], away[self._network.head[arc]])
                self._known[segment] = np.exp(-from_ends / NEAR_S)
            out += past[segment] * self._known[segment]
        return out / out.sum() if out.any() else out


def as_records(history: History) -> tuple[Records, Effort]:
    """Return what the record of a history shows: every find, and the effort that was written down, month by month."""
    return _finds(history.found), _searches(history.effort)


def _rows(at: NDArray[np.int64]) -> dict[str, object]:
    month = FIRST_MONTH + at[:, 0]
    return {
        "segment": at[:, 1].astype(np.int64),
        "area": np.full(len(at), -1, dtype=np.int64),
        "start": month.astype("datetime64[D]"),
        "end": (month + 1).astype("datetime64[D]"),
        "source": np.zeros(len(at), dtype=np.int64),
        "source_name": ("simulated",),
        "area_name": (),
        "area_segment": (),
        "unused": (),
        "warnings": (),
    }


def _finds(found: Floats) -> Records:
    at = np.argwhere(found > 0)
    return Records(
        **_rows(at),  # type: ignore[arg-type]  # fields of Located by name
        count=found[at[:, 0], at[:, 1]],
        quantity_kg=np.full(len(at), np.nan),
        drug=np.full(len(at), ""),
        effort_unit=("searches",),
    )


def _searches(effort: Floats) -> Effort:
    at = np.argwhere(effort > 0)
    return Effort(**_rows(at), amount=effort[at[:, 0], at[:, 1]], unit=("searches",))  # type: ignore[arg-type]  # as above


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
