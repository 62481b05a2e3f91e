"""Families of generated roads. `region`: two countries, a border with a barrier along
it, few official crossings and many tracks.

How a region is made, all from one seed:

1. points at random, about one every 2.25 square kilometres, the border a wavy line from
   west to east through the middle, home in the north;
2. roads along the Gabriel graph of the points (Gabriel & Sokal 1969), thinned to its
   minimum spanning tree and some of the rest, which gives junctions the three ways that
   real ones mostly have;
3. the barrier: of the roads that cross the border a few become official crossings, some
   tracks, the rest none; by `mountains` the roads within 8 km of the border are tracks
   besides, and half of what is not in the tree is gone; a `river` leaves its banks as
   they are;
4. towns of rank-size population (Zipf) spread over both countries; cities are joined by
   motorways, towns to their two nearest larger ones by primary roads, villages and
   crossings to their nearest town by secondary ones; each later road follows earlier
   ones where it can;
5. evaders from the larger towns abroad to those at home by a gravity model;
6. checkpoints on every crossing and on the busiest roads at home within 60 km of the
   border, patrols over several segments behind the crossings; each sector of the border
   has officers of its own, vehicles and money are shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

from optimizer.problem.files.instance_file import make_instance
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.network.arrays import straight_lines
from optimizer.problem.network.network import Network
from optimizer.problem.network.polylines import Polylines
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.risk.demand import gravity, habitual_routes

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
    """A road map with what lies on it."""

    #: The map; y grows from the border into the home country.
    roads: RoadMap
    #: (n,) kilometres north of the border; negative abroad.
    depth: NDArray[np.float64]
    #: (s,) whether a segment crosses the border.
    crossing: NDArray[np.bool_]
    #: (s,) whether it does so at a border post.
    official: NDArray[np.bool_]
    #: Node positions of the towns of both countries.
    towns: NDArray[np.int64]
    #: (towns,) inhabitants.
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
    """Return a generated border region as an instance; see the module for how it is
    made.

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
    """Yield the resources that options use, each with a budget of `share` of what all
    of them would use, rounded up to whole units.
    """
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
    passing = np.where(
        official, 0.8, np.where(crossing, np.round(rng.uniform(0.9, 0.98, len(ends)), 3), 1.0)
    )
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


def _thinned(
    xy: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the Gabriel graph's edges, thinned, and which of them belong to its
    minimum spanning tree.
    """
    corners = Delaunay(xy).simplices.astype(np.int64)
    pairs = np.sort(
        np.concatenate((corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]])), axis=1
    )
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
    """Return each segment's class: roads are built from the best class down, and follow
    those that stand.
    """
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
    for level, pairs in enumerate(
        (_between_cities(land), _to_larger_towns(land), _to_nearest_town(land))
    ):
        used = _along(roads, cost, pairs)
        cost[used] *= FOLLOW
        rank[used] = np.minimum(rank[used], level)
    rank[land.official] = np.minimum(rank[land.official], CLASSES.index("secondary"))
    return np.asarray(np.array(CLASSES)[rank])


def _along(
    roads: RoadMap, cost: NDArray[np.float64], pairs: list[tuple[int, int]]
) -> NDArray[np.int64]:
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
    """Return pairs of cities: in each country a chain of the four largest from west to
    east, and the two capitals.
    """
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
    """Return villages (one node in forty) and the ends of official crossings, each with
    the nearest town of its country.
    """
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
    """Return who goes where: from the larger half of the towns abroad to the larger
    half of those at home.
    """
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
    """(s,) whether a checkpoint can stand on a segment: at home, near enough to the
    border, and not across it.
    """
    depth = land.depth[land.roads.ends]
    return np.asarray((depth.min(axis=1) > 0) & (depth.max(axis=1) < REACH_KM))


def _crossings(land: Land, loads: NDArray[np.float64]) -> list[int]:
    """Return the segments that cross the border, the busiest first."""
    crossings = np.flatnonzero(land.crossing)
    return [int(segment) for segment in crossings[np.argsort(-loads[crossings], kind="stable")]]


def _exits(land: Land, loads: NDArray[np.float64]) -> list[list[int]]:
    """Return for each crossing, the busiest first, the segments that lead on from its
    home end, the busiest first.
    """
    inland = _inland(land)
    exits = []
    for segment in _crossings(land, loads):
        near = np.flatnonzero(
            np.isin(land.roads.ends, land.roads.ends[segment]).any(axis=1) & inland
        )
        exits.append(near[np.argsort(-loads[near], kind="stable")].tolist())
    return exits


def _posts(land: Land, loads: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return where checkpoints can stand: on the crossings, the busiest first, then at
    the choke points of the home country.
    """
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


# The `andorra-like` family: a small mountain country of few valleys, between two large
# neighbours. Generated, without map data.
#
# Three trunk valleys meet at the capital: one leads down to the southern neighbour, one
# climbs to the eastern one, one ends under the peaks. Side valleys leave the trunks.
# Every valley has one through road, so a post on it is hard to avoid, except by the
# tracks over the passes that join valley heads with each other and with the neighbours'
# own valleys. Towns are small street grids tied to their road. Abroad, a road around
# the mountains joins the two crossings, the foreign towns and the feet of the passes.


TRUNKS = (("south", -110.0, 16.0), ("east", 25.0, 19.0), ("north", 125.0, 13.0))
"""Name, bearing (degrees from east, anticlockwise) and length, km, of the trunk valleys."""
OUTSIDE_KM = 26.0
"""Radius of the road around the mountains."""
PASS_KM = 13.0
"""Longest track over a pass between two valley heads."""
PASS = 0.95
"""Chance to pass the watch on a pass that leads abroad."""
POST = 0.8
"""Chance to pass an official crossing."""


@dataclass
class _Sketch:
    """Points and segments as they are drawn."""

    xy: list[tuple[float, float]] = field(default_factory=list)
    ends: list[tuple[int, int]] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)
    passing: list[float] = field(default_factory=list)
    home: list[bool] = field(default_factory=list)

    def point(self, xy: NDArray[np.float64], *, home: bool) -> int:
        """Add a point."""
        self.xy.append((round(float(xy[0]), 3), round(float(xy[1]), 3)))
        self.home.append(home)
        return len(self.xy) - 1

    def join(self, one: int, two: int, road_class: str, passing: float = 1.0) -> None:
        """Add a segment."""
        self.ends.append((one, two))
        self.rank.append(CLASSES.index(road_class))
        self.passing.append(passing)

    def chain(
        self, start: int, points: NDArray[np.float64], road_class: str, *, home: bool
    ) -> list[int]:
        """Add a road from a node through new points; return its nodes, the start included."""
        nodes = [start]
        for xy in points:
            nodes.append(self.point(xy, home=home))
            self.join(nodes[-2], nodes[-1], road_class)
        return nodes

    def track(self, one: int, two: int, spacing: float, passing: float = 1.0) -> None:
        """Add a track between two nodes, its check, if any, on the last segment."""
        a, b = np.array(self.xy[one]), np.array(self.xy[two])
        pieces = max(2, round(float(np.hypot(*(b - a))) / spacing))
        between = [a + (b - a) * k / pieces for k in range(1, pieces)]
        nodes = self.chain(one, np.array(between), "track", home=self.home[one])
        self.join(nodes[-1], two, "track", passing)

    def roads(self) -> RoadMap:
        """Return the map."""
        return RoadMap(
            np.array(self.xy),
            np.array(self.ends),
            np.array(CLASSES)[self.rank],
            np.array(self.passing, dtype=float),
        )


def valleys_instance(
    spacing: float,
    *,
    n_side: int,
    blocks: int,
    n_posts: int,
    n_patrols: int,
    share: float,
    habitual: float,
    seed: int,
) -> Instance:
    """Return a generated valley country as an instance; see the module for how it is
    made.

    Parameters
    ----------
    spacing
        Kilometres between junctions along valley roads, > 0: the smaller, the more
        nodes.
    n_side
        Side valleys.
    blocks
        Streets of a town each way, >= 2.
    n_posts
        Segments that can take a checkpoint.
    n_patrols
        Patrol beats of four segments.
    share
        Budgets as a share, in (0, 1], of what everything together would use.
    habitual
        Share of the loads carried on fixed routes, in [0, 1).
    seed
        Seed of everything drawn.
    """
    rng = np.random.default_rng(seed)
    country = draw_country(spacing, n_side, blocks, rng)
    sketch = country.sketch
    towns = country.towns
    foreign = country.foreign
    roads = sketch.roads()
    home = np.array(sketch.home)
    masses = rng.uniform(0.5, 1.5, len(foreign))
    demand = Demand(
        np.array(foreign),
        masses / masses.sum(),
        np.array([*towns, *foreign]),
        np.concatenate(
            (np.round(25_000 / np.arange(1, len(towns) + 1)), np.full(len(foreign), 15_000.0))
        ),
        decay_hours=0.8,
        smallest=0.001,
        habitual=habitual,
    )
    loads = traffic(roads, demand, rng)
    inside = np.asarray(home[roads.ends].all(axis=1))
    sector = (roads.middle[:, 1] > 0).astype(np.int64)
    crossings = np.flatnonzero(roads.passing < 1.0)
    posts = choke_points(roads, loads, inside, n_posts)
    starts = [*crossings.tolist(), *np.flatnonzero(inside & (roads.road_class == "track")).tolist()]
    starts = list(dict.fromkeys(starts[:: max(1, len(starts) // n_patrols)]))[:n_patrols]
    options = (
        *checkpoint_options(roads, posts, sector, rng),
        *patrol_options(roads, [beat(roads, loads, start, 4) for start in starts], sector, rng),
    )
    return make_instance(
        roads.network,
        reliability=roads.reliability,
        evaders=tuple(e for e in demand.evaders(roads, rng) if e.origin != e.destination),
        options=options,
        resources=tuple(budgets(options, share)),
        name=f"andorra-like-{len(roads.xy)}-{round(100 * share)}",
    )


@dataclass(frozen=True)
class ValleyCountry:
    """A drawn country: its roads, the nodes of its towns (the capital first) and those
    of the towns abroad.
    """

    sketch: _Sketch
    towns: list[int]
    foreign: list[int]


def draw_country(
    spacing: float, n_side: int, blocks: int, rng: np.random.Generator
) -> ValleyCountry:
    """Draw a country."""
    sketch = _Sketch()
    capital = sketch.point(np.zeros(2), home=True)
    trunks = {
        name: sketch.chain(
            capital, _winding(np.zeros(2), bearing, length, spacing, rng), "primary", home=True
        )
        for name, bearing, length in TRUNKS
    }
    heads = [trunks["north"][-1]]
    towns = [capital]
    for name, _, _ in TRUNKS:
        towns += [trunks[name][len(trunks[name]) // 3], trunks[name][2 * len(trunks[name]) // 3]]
    for k in range(n_side):
        name, bearing, _ = TRUNKS[k % len(TRUNKS)]
        trunk = trunks[name]
        foot = trunk[int(rng.integers(len(trunk) // 5, len(trunk) - 1))]
        away = bearing + float(rng.choice([-1, 1])) * float(rng.uniform(50, 90))
        side = _winding(np.array(sketch.xy[foot]), away, float(rng.uniform(4, 9)), spacing, rng)
        nodes = sketch.chain(foot, side, "secondary", home=True)
        heads.append(nodes[-1])
        towns.append(nodes[len(nodes) // 2])
    for town in towns:
        _streets(sketch, town, blocks, rng)
    ring, foreign = _abroad(sketch, spacing, rng)
    for name in ("south", "east"):
        gate = _nearest(sketch, ring, trunks[name][-1])
        last = sketch.chain(
            trunks[name][-1], _steps(sketch, trunks[name][-1], gate, spacing), "primary", home=False
        )[-1]
        sketch.join(last, gate, "primary", POST)
    _passes(sketch, heads, ring, spacing)
    return ValleyCountry(sketch, towns, foreign)


def _winding(
    start: NDArray[np.float64],
    bearing: float,
    length: float,
    spacing: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the points, (k, 2), of a road that winds along a bearing."""
    steps = max(3, round(length / spacing))
    turn = np.radians(bearing + np.cumsum(rng.normal(0, 8, steps)) * 0.5)
    return np.asarray(
        start + np.cumsum(np.column_stack((np.cos(turn), np.sin(turn))) * length / steps, axis=0)
    )


def _streets(sketch: _Sketch, centre: int, blocks: int, rng: np.random.Generator) -> None:
    """Add a town: a small grid of streets tied to its centre."""
    size = 0.12
    turn = float(rng.uniform(0, np.pi / 2))
    across = np.array([np.cos(turn), np.sin(turn)]) * size
    along = np.array([-np.sin(turn), np.cos(turn)]) * size
    middle = np.array(sketch.xy[centre])
    nodes = np.array(
        [
            [
                sketch.point(middle + across * (i - blocks / 2) + along * (j + 1), home=True)
                for j in range(blocks)
            ]
            for i in range(blocks)
        ]
    )
    for i in range(blocks):
        for j in range(blocks):
            if i + 1 < blocks:
                sketch.join(int(nodes[i, j]), int(nodes[i + 1, j]), "minor")
            if j + 1 < blocks:
                sketch.join(int(nodes[i, j]), int(nodes[i, j + 1]), "minor")
    sketch.join(centre, int(nodes[blocks // 2, 0]), "minor")


def _abroad(
    sketch: _Sketch, spacing: float, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Add the road around the mountains; return its nodes and the towns on it."""
    count = round(2 * np.pi * OUTSIDE_KM / (2 * spacing))
    bearings = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = OUTSIDE_KM + np.cumsum(rng.normal(0, 0.1, count))
    points = np.column_stack((np.cos(bearings), np.sin(bearings))) * radius[:, None]
    ring = sketch.chain(sketch.point(points[0], home=False), points[1:], "secondary", home=False)
    sketch.join(ring[-1], ring[0], "secondary")
    foreign = [
        ring[int(k)]
        for k in np.linspace(0, count, 9, endpoint=False) + rng.integers(0, max(1, count // 18), 9)
    ]
    return ring, foreign


def _passes(sketch: _Sketch, heads: list[int], ring: list[int], spacing: float) -> None:
    """Add tracks over the passes: from every valley head abroad, and between heads near
    each other.
    """
    for head in heads:
        sketch.track(head, _nearest(sketch, ring, head), spacing, PASS)
    for k, one in enumerate(heads):
        for two in heads[k + 1 :]:
            apart = np.hypot(*(np.array(sketch.xy[one]) - np.array(sketch.xy[two])))
            if 0.5 < apart < PASS_KM:
                sketch.track(one, two, spacing)


def _nearest(sketch: _Sketch, nodes: list[int], node: int) -> int:
    """Return which of `nodes` lies nearest to a node."""
    apart = np.hypot(*(np.array([sketch.xy[k] for k in nodes]) - np.array(sketch.xy[node])).T)
    return nodes[int(apart.argmin())]


def _steps(sketch: _Sketch, one: int, two: int, spacing: float) -> NDArray[np.float64]:
    """Return the points strictly between two nodes, (k, 2), at least one."""
    a, b = np.array(sketch.xy[one]), np.array(sketch.xy[two])
    pieces = max(2, round(float(np.hypot(*(b - a))) / spacing))
    return np.asarray(a + (b - a) * (np.arange(1, pieces) / pieces)[:, None])


# Generated road maps: two-way segments on a plane, and the network, evaders,
# checkpoints and patrols that go with them.
#
# Two families of the benchmark stand on it. Every number here is assumed; the point of
# the families is their shape (hierarchy, few crossings, long parallel roads), not any
# real place. The plane is drawn around 0 degrees north and east, where there is open
# sea, so that nobody takes a map for a country.


CLASSES = ("motorway", "primary", "secondary", "minor", "track")
"""Road classes from the best down."""
SPEED_KMH = dict(zip(CLASSES, (110.0, 80.0, 60.0, 40.0, 20.0), strict=True))
WATCH_PER_HOUR = dict(zip(CLASSES, (0.04, 0.03, 0.02, 0.015, 0.01), strict=True))
"""Rate at which ordinary policing finds a load on the move."""
WINDING = 1.2
"""Length of a road over the straight line between its ends."""
STORED_KM_PER_DEGREE = 111.195
"""Length of a degree as the stored instances were made: with another, some coordinates
round otherwise and the files come out changed.
"""
DIGITS = 6
"""Decimals of every generated probability."""


@dataclass(frozen=True)
class RoadMap:
    """Segments between points of a plane."""

    #: (n, 2) kilometres.
    xy: NDArray[np.float64]
    #: (s, 2) node positions of each segment.
    ends: NDArray[np.int64]
    #: (s,) one of `CLASSES`.
    road_class: NDArray[np.str_]
    #: (s,) chance in (0, 1] to pass the check that stands on a segment for good, such
    #: as a border post; 1 where none does.
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
        roads.xy[kept],
        position[roads.ends[inside]],
        roads.road_class[inside],
        np.asarray(roads.passing[inside]),
    )


@dataclass(frozen=True)
class Demand:
    """Who goes where: origins with their share of all loads, destinations with their
    pull.
    """

    #: `origins`, `destinations`: Node positions.
    origins: NDArray[np.int64]
    #: (origins,) shares of all loads.
    masses: NDArray[np.float64]
    #: `origins`, `destinations`: Node positions.
    destinations: NDArray[np.int64]
    #: (destinations,) inhabitants, > 0.
    populations: NDArray[np.float64]
    #: Travel time at which a destination's pull has fallen to 1/e.
    decay_hours: float
    #: Pairs with a smaller share of all loads are left out.
    smallest: float
    #: Share of each pair's loads carried by those who keep to fixed routes; 0 for none.
    habitual: float = 0.0

    def shares(self, roads: RoadMap) -> NDArray[np.float64]:
        """Return the (origins, destinations) share of all loads on each pair, the small
        ones 0; they sum to 1.
        """
        hours = roads.network.time_graph().distances(self.origins)[:, self.destinations] / 3600
        shares = gravity(
            self.masses, self.populations, hours, decay_hours=self.decay_hours, power=1.0
        )
        shares[shares < self.smallest * shares.sum()] = 0.0
        return np.asarray(np.round(shares / shares.sum(), 7))

    def evaders(self, roads: RoadMap, rng: np.random.Generator) -> Iterator[Evader]:
        """Yield the evaders: an informed one for each pair, and a habitual one beside
        it if some are.
        """
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
                yield Evader(
                    f"{origin}>{goal}", origin, goal, round(share * (1 - self.habitual), 9)
                )
                if self.habitual:
                    yield Evader(
                        f"{origin}>{goal}, habitual",
                        origin,
                        goal,
                        round(share * self.habitual, 9),
                        kept,
                    )


def traffic(
    roads: RoadMap, demand: Demand, rng: np.random.Generator, *, draws: int = 4
) -> NDArray[np.float64]:
    """Return the (s,) share of loads on each segment when routes are chosen under
    random errors of judgement.
    """
    network = roads.network
    cost = network.time_s / 3600 - np.log(roads.reliability)
    shares = demand.shares(roads)
    loads = np.zeros(network.n_segments)
    for _ in range(draws):
        error = np.exp(0.4 * rng.standard_normal(network.n_segments))
        graph = cost_graph(
            network.n_nodes, network.tail, network.head, cost * error[network.segment]
        )
        for origin, row in zip(demand.origins.tolist(), shares, strict=True):
            served = np.flatnonzero(row)
            predecessors = graph.trees([origin])[1][0]
            for arcs, share in zip(
                graph.paths(predecessors, demand.destinations[served].tolist()),
                row[served],
                strict=True,
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
    """Return at most `count` segments: those named `first`, then allowed ones, the
    busiest first, no two of which share an end.
    """
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
    """Return the segments of a patrol: from `start` on, always the busiest neighbour
    not yet in it.
    """
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
    """A kind of checkpoint: detection is drawn from a range, and posts of one site
    exclude each other.
    """

    kind: str
    detection: tuple[float, float]
    officers: float
    money: float


POSTS = (
    CheckpointKind("permanent", (0.5, 0.8), 8.0, 30.0),
    CheckpointKind("tactical", (0.25, 0.5), 4.0, 10.0),
)


def checkpoint_options(
    roads: RoadMap, segments: NDArray[np.int64], sector: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[Option]:
    """Yield the checkpoints that can stand on segments; on minor roads and tracks a
    tactical one only.

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
    roads: RoadMap,
    beats: Sequence[tuple[int, ...]],
    sector: NDArray[np.int64],
    rng: np.random.Generator,
) -> Iterator[Option]:
    """Yield a patrol for each beat: it needs a vehicle, and an evader who travels the
    whole beat may meet it on every segment.
    """
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
