"""The `region` family: two countries, a border with a barrier along it, few official crossings and many tracks.

How a region is made, all from one seed:

1. points at random, about one every 2.25 square kilometres, the border a wavy line from west to east through the middle, home in the north;
2. roads along the Gabriel graph of the points (Gabriel & Sokal 1969), thinned to its minimum spanning tree and some of the rest,
   which gives junctions the three ways that real ones mostly have;
3. the barrier: of the roads that cross the border a few become official crossings, some tracks, the rest none; by `mountains` the roads
   within 8 km of the border are tracks besides, and half of what is not in the tree is gone; a `river` leaves its banks as they are;
4. towns of rank-size population (Zipf) spread over both countries; cities are joined by motorways, towns to their two nearest larger
   ones by primary roads, villages and crossings to their nearest town by secondary ones; each later road follows earlier ones where it can;
5. evaders from the larger towns abroad to those at home by a gravity model;
6. checkpoints on every crossing and on the busiest roads at home within 60 km of the border, patrols over several segments
   behind the crossings; each sector of the border has officers of its own, vehicles and money are shared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

from optimizer.lab.benchmark.roads import (
    CLASSES,
    Demand,
    RoadMap,
    beat,
    checkpoint_options,
    choke_points,
    largest_part,
    patrol_options,
    traffic,
)
from optimizer.problem.files.instance_file import make_instance
from optimizer.problem.instance.options import Resource
from optimizer.problem.network.shortest_paths import cost_graph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.instance.options import Option

Barrier = Literal["mountains", "river"]

KM2_PER_NODE = 2.25
STRIP_KM = 8.0
"""Half the width of the mountains."""
KEPT = 0.4
"""Share of the Gabriel roads outside the spanning tree that are built."""
REACH_KM = 60.0
"""How far from the border checkpoints can stand."""
FOLLOW = 0.6
"""Cost of a road already built in relation to a new one of the same length."""


@dataclass(frozen=True)
class Land:
    """A road map with what lies on it.

    Attributes
    ----------
    roads
        The map; y grows from the border into the home country.
    depth
        (n,) kilometres north of the border; negative abroad.
    crossing
        (s,) whether a segment crosses the border.
    official
        (s,) whether it does so at a border post.
    towns
        Node positions of the towns of both countries.
    populations
        (towns,) inhabitants.
    """

    roads: RoadMap
    depth: NDArray[np.float64]
    crossing: NDArray[np.bool_]
    official: NDArray[np.bool_]
    towns: NDArray[np.int64]
    populations: NDArray[np.float64]


def region_instance(
    n_nodes: int,
    *,
    barrier: Barrier,
    n_posts: int,
    n_patrols: int,
    n_sectors: int,
    share: float,
    habitual: float = 0.0,
    seed: int,
) -> Instance:
    """Return a generated border region as an instance; see the module for how it is made.

    Parameters
    ----------
    n_nodes
        Junctions drawn; a few that end up cut off are left out.
    barrier
        `mountains` or `river`.
    n_posts
        Segments that can take a checkpoint.
    n_patrols
        Patrol beats of four segments.
    n_sectors
        Sectors from west to east, each with officers of its own.
    share
        Budgets as a share, in (0, 1], of what everything together would use.
    habitual
        Share of the loads carried on fixed routes, in [0, 1).
    seed
        Seed of everything drawn.
    """
    rng = np.random.default_rng(seed)
    land = draw_land(n_nodes, barrier, rng)
    demand = land_demand(land, habitual)
    loads = traffic(land.roads, demand, rng)
    sector = _sectors(land.roads.middle[:, 0], n_sectors)
    options = (
        *checkpoint_options(land.roads, _posts(land, loads, n_posts), sector, rng),
        *patrol_options(land.roads, _beats(land, loads, n_patrols), sector, rng),
    )
    return make_instance(
        land.roads.network,
        reliability=land.roads.reliability,
        evaders=tuple(demand.evaders(land.roads, rng)),
        options=options,
        resources=tuple(budgets(options, share)),
        name=f"region-{n_nodes}-{barrier}-{round(100 * share)}",
    )


def budgets(options: tuple[Option, ...], share: float) -> Iterable[Resource]:
    """Yield the resources that options use, each with a budget of `share` of what all of them would use, rounded up to whole units."""
    names = sorted({name for option in options for name in option.uses})
    for name in names:
        every = sum(option.uses.get(name, 0.0) for option in options)
        unit, _, agency = name.partition("@")
        yield Resource(name, float(np.ceil(share * every)), agency, unit)


def draw_land(n_nodes: int, barrier: Barrier, rng: np.random.Generator) -> Land:
    """Draw roads, border and towns."""
    width = np.sqrt(n_nodes * KM2_PER_NODE * 1.6)
    height = n_nodes * KM2_PER_NODE / width
    xy = np.round(rng.random((n_nodes, 2)) * (width, height) - (width / 2, height / 2), 2)
    depth = xy[:, 1] - _border(xy[:, 0], width)
    ends, in_tree = _thinned(xy, rng)
    crossing = (depth[ends[:, 0]] > 0) != (depth[ends[:, 1]] > 0)
    built, official = _built(xy, ends, in_tree, crossing, depth, barrier, rng)
    passing = np.where(official, 0.8, np.where(crossing, np.round(rng.uniform(0.9, 0.98, len(ends)), 3), 1.0))
    plain = RoadMap(xy, ends[built], np.full(built.sum(), "minor", dtype="<U9"), passing[built])
    roads = largest_part(plain)
    depth = roads.xy[:, 1] - _border(roads.xy[:, 0], width)
    crossing = (depth[roads.ends[:, 0]] > 0) != (depth[roads.ends[:, 1]] > 0)
    land = Land(roads, depth, crossing, roads.passing == 0.8, *_towns(depth, roads.xy, rng))
    return replace(land, roads=replace(roads, road_class=_classes(land, barrier)))


def _border(x: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Return the y of the border, km: two waves whose height grows with the region."""
    turn = 2 * np.pi * x / width
    return np.asarray(0.04 * width * np.sin(turn) + 0.015 * width * np.sin(3.7 * turn + 1.0))


def _thinned(xy: NDArray[np.float64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the Gabriel graph's edges, thinned, and which of them belong to its minimum spanning tree."""
    corners = Delaunay(xy).simplices.astype(np.int64)
    pairs = np.sort(np.concatenate((corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]])), axis=1)
    pairs = np.unique(pairs, axis=0)
    half = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) / 2
    nearest = cKDTree(xy).query(xy[pairs].mean(axis=1))[0]
    pairs, half = pairs[nearest >= half * (1 - 1e-9)], half[nearest >= half * (1 - 1e-9)]
    n = len(xy)
    tree = minimum_spanning_tree(csr_array((half + 1e-6, pairs.T), shape=(n, n))).tocoo()
    in_tree = np.isin(pairs[:, 0] * n + pairs[:, 1], tree.row.astype(np.int64) * n + tree.col)
    kept = in_tree | (rng.random(len(pairs)) < KEPT)
    return pairs[kept], in_tree[kept]


def _built(
    xy: NDArray[np.float64],
    ends: NDArray[np.int64],
    in_tree: NDArray[np.bool_],
    crossing: NDArray[np.bool_],
    depth: NDArray[np.float64],
    barrier: Barrier,
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which roads are built, and which of them are official crossings."""
    width = np.ptp(xy[:, 0])
    candidates = np.flatnonzero(crossing)
    x = xy[ends[candidates]].mean(axis=1)[:, 0]
    posts = max(3, round(width / 50))
    wanted = (np.arange(posts) + rng.uniform(0.25, 0.75, posts)) / posts * width + xy[:, 0].min()
    official = np.zeros(len(ends), dtype=bool)
    official[candidates[np.abs(x[None, :] - wanted[:, None]).argmin(axis=1)]] = True
    others = candidates[~official[candidates]]
    tracks = rng.choice(others, min(others.size, max(8, round(width / 8))), replace=False)
    built = ~crossing | official
    built[tracks] = True
    if barrier == "mountains":
        high = np.abs(depth[ends]).max(axis=1) < STRIP_KM
        built &= ~(high & ~crossing & ~in_tree & (rng.random(len(ends)) < 0.5))
    return built, official


def _towns(
    depth: NDArray[np.float64], xy: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return towns, in falling order of size within each country, and their inhabitants."""
    each = int(np.clip(len(xy) // 150, 8, 60))
    towns: list[int] = []
    apart = 0.5 * np.sqrt(len(xy) * KM2_PER_NODE / (2 * each))
    for home in (False, True):
        mine: list[int] = []
        side = np.flatnonzero((depth > 2) if home else (depth < -2))
        for node in rng.permutation(side).tolist():
            if not mine or np.hypot(*(xy[mine] - xy[node]).T).min() > apart:
                mine.append(node)
                if len(mine) == each:
                    break
        towns += mine
    rank = np.concatenate([np.arange(1, count + 1) for count in _counts(depth[towns] > 0)])
    return np.array(towns, dtype=np.int64), np.round(500_000 / rank)


def _counts(home: NDArray[np.bool_]) -> tuple[int, int]:
    return int((~home).sum()), int(home.sum())


def _classes(land: Land, barrier: Barrier) -> NDArray[np.str_]:
    """Return each segment's class: roads are built from the best class down, and follow those that stand."""
    roads = land.roads
    cost = roads.length_km.copy()
    high = np.abs(land.depth[roads.ends]).max(axis=1) < STRIP_KM
    if barrier == "mountains":
        cost[high] *= 3.0
    cost[land.crossing & ~land.official] = np.inf
    rank = np.full(len(roads.ends), CLASSES.index("minor"))
    if barrier == "mountains":
        rank[high] = CLASSES.index("track")
    rank[land.crossing & ~land.official] = CLASSES.index("track")
    for level, pairs in enumerate((_between_cities(land), _to_larger_towns(land), _to_nearest_town(land))):
        used = _along(roads, cost, pairs)
        cost[used] *= FOLLOW
        rank[used] = np.minimum(rank[used], level)
    rank[land.official] = np.minimum(rank[land.official], CLASSES.index("secondary"))
    return np.asarray(np.array(CLASSES)[rank])


def _along(roads: RoadMap, cost: NDArray[np.float64], pairs: list[tuple[int, int]]) -> NDArray[np.int64]:
    """Return the segments on the cheapest ways between pairs of nodes."""
    network = roads.network
    graph = cost_graph(network.n_nodes, network.tail, network.head, np.tile(cost, 2))
    used: set[int] = set()
    for source in sorted({one for one, _ in pairs}):
        targets = [two for one, two in pairs if one == source]
        for arcs in graph.paths(graph.trees([source])[1][0], targets):
            used.update(network.segment[list(arcs)].tolist())
    return np.array(sorted(used), dtype=np.int64)


def _between_cities(land: Land) -> list[tuple[int, int]]:
    """Return pairs of cities: in each country a chain of the four largest from west to east, and the two capitals."""
    home = land.depth[land.towns] > 0
    pairs = [(int(land.towns[~home][0]), int(land.towns[home][0]))]
    for side in (home, ~home):
        cities = land.towns[side][:4]
        chain = cities[np.argsort(land.roads.xy[cities, 0], kind="stable")].tolist()
        pairs += pairwise(chain)
    return pairs


def _to_larger_towns(land: Land) -> list[tuple[int, int]]:
    """Return each town with its two nearest larger ones of the same country."""
    pairs = []
    home = land.depth[land.towns] > 0
    for side in (home, ~home):
        towns = land.towns[side]
        for k in range(1, towns.size):
            apart = np.hypot(*(land.roads.xy[towns[:k]] - land.roads.xy[towns[k]]).T)
            pairs += [(int(towns[k]), int(towns[j])) for j in np.argsort(apart, kind="stable")[:2]]
    return pairs


def _to_nearest_town(land: Land) -> list[tuple[int, int]]:
    """Return villages (one node in forty) and the ends of official crossings, each with the nearest town of its country."""
    villages = np.arange(20, len(land.roads.xy), 40)
    nodes = np.unique(np.concatenate((villages, land.roads.ends[land.official].ravel())))
    pairs = []
    for home in (False, True):
        towns = land.towns[(land.depth[land.towns] > 0) == home]
        mine = nodes[(land.depth[nodes] > 0) == home]
        nearest = cKDTree(land.roads.xy[towns]).query(land.roads.xy[mine])[1]
        pairs += [(int(t), int(n)) for n, t in zip(mine, towns[nearest], strict=True) if t != n]
    return pairs


def land_demand(land: Land, habitual: float) -> Demand:
    """Return who goes where: from the larger half of the towns abroad to the larger half of those at home."""
    home = land.depth[land.towns] > 0
    abroad, goals = land.towns[~home], land.towns[home]
    origins, goals = abroad[: max(8, abroad.size // 2)], goals[: max(8, goals.size // 2)]
    masses = land.populations[~home][: origins.size]
    return Demand(
        origins,
        masses / masses.sum(),
        goals,
        land.populations[home][: goals.size],
        decay_hours=1.5,
        smallest=0.0004,
        habitual=habitual,
    )


def _inland(land: Land) -> NDArray[np.bool_]:
    """(s,) whether a checkpoint can stand on a segment: at home, near enough to the border, and not across it."""
    depth = land.depth[land.roads.ends]
    return np.asarray((depth.min(axis=1) > 0) & (depth.max(axis=1) < REACH_KM))


def _crossings(land: Land, loads: NDArray[np.float64]) -> list[int]:
    """Return the segments that cross the border, the busiest first."""
    crossings = np.flatnonzero(land.crossing)
    return [int(segment) for segment in crossings[np.argsort(-loads[crossings], kind="stable")]]


def _exits(land: Land, loads: NDArray[np.float64]) -> list[list[int]]:
    """Return for each crossing, the busiest first, the segments that lead on from its home end, the busiest first."""
    inland = _inland(land)
    exits = []
    for segment in _crossings(land, loads):
        near = np.flatnonzero(np.isin(land.roads.ends, land.roads.ends[segment]).any(axis=1) & inland)
        exits.append(near[np.argsort(-loads[near], kind="stable")].tolist())
    return exits


def _posts(land: Land, loads: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return where checkpoints can stand: on the crossings, the busiest first, then at the choke points of the home country."""
    return choke_points(land.roads, loads, _inland(land), count, _crossings(land, loads))


def _beats(land: Land, loads: NDArray[np.float64], count: int) -> list[tuple[int, ...]]:
    """Return patrol beats that begin behind the crossings, the busiest first, and go on inland."""
    inland = _inland(land)
    busy = np.where(inland, loads, -1.0)
    used = np.flatnonzero(inland & (loads > 0))
    starts = [segment for behind in _exits(land, loads) for segment in behind]
    starts += used[np.argsort(-busy[used], kind="stable")].tolist()
    return [beat(land.roads, busy, start, 4) for start in list(dict.fromkeys(starts))[:count]]


def _sectors(x: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the sector, from the west, that each x lies in: of equal width."""
    place = (x - x.min()) / np.ptp(x) * count
    return np.asarray(np.clip(place.astype(np.int64), 0, count - 1))
