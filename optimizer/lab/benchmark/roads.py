"""Generated road maps: two-way segments on a plane, and the network, evaders, checkpoints and patrols that go with them.

Two families of the benchmark stand on it. Every number here is assumed; the point of the families is their shape (hierarchy, few
crossings, long parallel roads), not any real place. The plane is drawn around 0 degrees north and east, where there is open sea, so that
nobody takes a map for a country.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.options import Option
from optimizer.problem.network.arrays import straight_lines
from optimizer.problem.network.network import Network
from optimizer.problem.network.polylines import Polylines
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.risk.demand import gravity, habitual_routes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

CLASSES = ("motorway", "primary", "secondary", "minor", "track")
"""Road classes from the best down."""
SPEED_KMH = dict(zip(CLASSES, (110.0, 80.0, 60.0, 40.0, 20.0), strict=True))
WATCH_PER_HOUR = dict(zip(CLASSES, (0.04, 0.03, 0.02, 0.015, 0.01), strict=True))
"""Rate at which ordinary policing finds a load on the move."""
WINDING = 1.2
"""Length of a road over the straight line between its ends."""
STORED_KM_PER_DEGREE = 111.195
"""Length of a degree as the stored instances were made: with another, some coordinates round otherwise and the files come out changed."""
DIGITS = 6
"""Decimals of every generated probability."""


@dataclass(frozen=True)
class RoadMap:
    """Segments between points of a plane.

    Attributes
    ----------
    xy
        (n, 2) kilometres.
    ends
        (s, 2) node positions of each segment.
    road_class
        (s,) one of `CLASSES`.
    passing
        (s,) chance in (0, 1] to pass the check that stands on a segment for good, such as a border post; 1 where none does.
    """

    xy: NDArray[np.float64]
    ends: NDArray[np.int64]
    road_class: NDArray[np.str_]
    passing: NDArray[np.float64]

    @cached_property
    def length_km(self) -> NDArray[np.float64]:
        """(s,) kilometres by road."""
        apart = self.xy[self.ends[:, 0]] - self.xy[self.ends[:, 1]]
        return np.asarray(np.maximum(WINDING * np.hypot(apart[:, 0], apart[:, 1]), 0.01))

    @cached_property
    def hours(self) -> NDArray[np.float64]:
        """(s,) hours of travel."""
        return np.asarray(self.length_km / np.array([SPEED_KMH[c] for c in self.road_class]))

    @cached_property
    def middle(self) -> NDArray[np.float64]:
        """(s, 2) kilometres: half way along each segment."""
        return np.asarray(self.xy[self.ends].mean(axis=1))

    @cached_property
    def reliability(self) -> NDArray[np.float64]:
        """(2 s,) chance to pass each arc of `network` undetected with nothing placed."""
        watch = np.array([WATCH_PER_HOUR[c] for c in self.road_class])
        each = np.round(np.exp(-watch * self.hours) * self.passing, DIGITS)
        return np.tile(np.clip(each, 10.0**-DIGITS, 1.0), 2)

    @cached_property
    def network(self) -> Network:
        """The road network: arc a runs along segment a mod s, backwards from a = s on."""
        count = len(self.ends)
        lonlat = np.round(self.xy / STORED_KM_PER_DEGREE, 4)
        tail, head = np.concatenate((self.ends, self.ends[:, ::-1])).astype(np.int32).T
        return Network(
            node_id=np.arange(len(self.xy)),
            lon=lonlat[:, 0],
            lat=lonlat[:, 1],
            tail=np.ascontiguousarray(tail),
            head=np.ascontiguousarray(head),
            length_m=np.tile(self.length_km * 1000, 2),
            time_s=np.tile(self.hours * 3600, 2),
            road_class=np.tile(self.road_class, 2),
            name=np.full(2 * count, ""),
            way=np.zeros(2 * count, dtype=np.int64),
            segment=np.tile(np.arange(count, dtype=np.int32), 2),
            polylines=Polylines.of(*straight_lines(lonlat, tail, head)),
        )

    def arcs(self, segment: int) -> tuple[int, int]:
        """Return both arcs of a segment."""
        return segment, segment + len(self.ends)


def largest_part(roads: RoadMap) -> RoadMap:
    """Return the largest connected part of a map, nodes renumbered in their old order."""
    part = roads.network.weak_component()
    kept = part == np.bincount(part).argmax()
    position = np.cumsum(kept) - 1
    inside = kept[roads.ends[:, 0]]
    return RoadMap(
        roads.xy[kept], position[roads.ends[inside]], roads.road_class[inside], np.asarray(roads.passing[inside])
    )


@dataclass(frozen=True)
class Demand:
    """Who goes where: origins with their share of all loads, destinations with their pull.

    Attributes
    ----------
    origins, destinations
        Node positions.
    masses
        (origins,) shares of all loads.
    populations
        (destinations,) inhabitants, > 0.
    decay_hours
        Travel time at which a destination's pull has fallen to 1/e.
    smallest
        Pairs with a smaller share of all loads are left out.
    habitual
        Share of each pair's loads carried by those who keep to fixed routes; 0 for none.
    """

    origins: NDArray[np.int64]
    masses: NDArray[np.float64]
    destinations: NDArray[np.int64]
    populations: NDArray[np.float64]
    decay_hours: float
    smallest: float
    habitual: float = 0.0

    def shares(self, roads: RoadMap) -> NDArray[np.float64]:
        """Return the (origins, destinations) share of all loads on each pair, the small ones 0; they sum to 1."""
        hours = roads.network.time_graph().distances(self.origins)[:, self.destinations] / 3600
        shares = gravity(self.masses, self.populations, hours, decay_hours=self.decay_hours, power=1.0)
        shares[shares < self.smallest * shares.sum()] = 0.0
        return np.asarray(np.round(shares / shares.sum(), 7))

    def evaders(self, roads: RoadMap, rng: np.random.Generator) -> Iterator[Evader]:
        """Yield the evaders: an informed one for each pair, and a habitual one beside it if some are."""
        cost = roads.network.time_s / 3600 - np.log(roads.reliability)
        for origin, shares in zip(self.origins.tolist(), self.shares(roads), strict=True):
            served = np.flatnonzero(shares)
            goals = self.destinations[served].tolist()
            routes = (
                habitual_routes(roads.network, cost, origin, goals, draws=3, spread=0.3, rng=rng)
                if self.habitual and goals
                else [()] * len(goals)
            )
            for goal, share, kept in zip(goals, shares[served].tolist(), routes, strict=True):
                yield Evader(f"{origin}>{goal}", origin, goal, round(share * (1 - self.habitual), 9))
                if self.habitual:
                    yield Evader(f"{origin}>{goal}, habitual", origin, goal, round(share * self.habitual, 9), kept)


def traffic(roads: RoadMap, demand: Demand, rng: np.random.Generator, *, draws: int = 4) -> NDArray[np.float64]:
    """Return the (s,) share of loads on each segment when routes are chosen under random errors of judgement."""
    network = roads.network
    cost = network.time_s / 3600 - np.log(roads.reliability)
    shares = demand.shares(roads)
    loads = np.zeros(network.n_segments)
    for _ in range(draws):
        error = np.exp(0.4 * rng.standard_normal(network.n_segments))
        graph = cost_graph(network.n_nodes, network.tail, network.head, cost * error[network.segment])
        for origin, row in zip(demand.origins.tolist(), shares, strict=True):
            served = np.flatnonzero(row)
            predecessors = graph.trees([origin])[1][0]
            for arcs, share in zip(
                graph.paths(predecessors, demand.destinations[served].tolist()), row[served], strict=True
            ):
                loads[network.segment[list(arcs)]] += share / draws
    return loads


def choke_points(
    roads: RoadMap,
    loads: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    count: int,
    first: Sequence[int] = (),
) -> NDArray[np.int64]:
    """Return at most `count` segments: those named `first`, then allowed ones, the busiest first, no two of which share an end."""
    chosen = list(first[:count])
    taken = set(roads.ends[chosen].ravel().tolist())
    for segment in np.lexsort((np.arange(loads.size), -loads)).tolist():
        if len(chosen) == count:
            break
        one, two = roads.ends[segment].tolist()
        if loads[segment] > 0 and allowed[segment] and not {one, two} & taken:
            taken |= {one, two}
            chosen.append(segment)
    return np.array(chosen, dtype=np.int64)


def beat(roads: RoadMap, loads: NDArray[np.float64], start: int, length: int) -> tuple[int, ...]:
    """Return the segments of a patrol: from `start` on, always the busiest neighbour not yet in it."""
    segments = [start]
    while len(segments) < length:
        touched = np.isin(roads.ends, np.unique(roads.ends[segments])).any(axis=1)
        near = np.setdiff1d(np.flatnonzero(touched), segments)
        if not near.size:
            break
        segments.append(int(near[np.argmax(loads[near])]))
    return tuple(segments)


@dataclass(frozen=True, slots=True)
class CheckpointKind:
    """A kind of checkpoint: detection is drawn from a range, and posts of one site exclude each other."""

    kind: str
    detection: tuple[float, float]
    officers: float
    money: float


POSTS = (CheckpointKind("permanent", (0.5, 0.8), 8.0, 30.0), CheckpointKind("tactical", (0.25, 0.5), 4.0, 10.0))


def checkpoint_options(
    roads: RoadMap, segments: NDArray[np.int64], sector: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[Option]:
    """Yield the checkpoints that can stand on segments; on minor roads and tracks a tactical one only.

    Parameters
    ----------
    roads
        The map.
    segments
        Where they can stand.
    sector
        (s,) sector each segment belongs to: its agency, whose officers it uses.
    rng
        Source of the detection chances.
    """
    for segment in segments.tolist():
        small = roads.road_class[segment] in {"minor", "track"}
        agency = f"sector-{sector[segment]}"
        for post in POSTS[1:] if small else POSTS:
            survival = round(1.0 - float(rng.uniform(*post.detection)), DIGITS)
            yield Option(
                f"c{segment}:{post.kind}",
                roads.arcs(segment),
                (survival, survival),
                {f"officers@{agency}": post.officers, "money": post.money},
                site=f"c{segment}",
                agency=agency,
            )


def patrol_options(
    roads: RoadMap, beats: Sequence[tuple[int, ...]], sector: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[Option]:
    """Yield a patrol for each beat: it needs a vehicle, and an evader who travels the whole beat may meet it on every segment."""
    for j, segments in enumerate(beats):
        agency = f"sector-{sector[segments[0]]}"
        survival = round(1.0 - float(rng.uniform(0.06, 0.2)), DIGITS)
        arcs = tuple(arc for segment in segments for arc in roads.arcs(segment))
        yield Option(
            f"b{j}",
            arcs,
            (survival,) * len(arcs),
            {f"officers@{agency}": 2.0, "vehicles": 1.0},
            agency=agency,
            kind="patrol",
        )
