"""The `andorra-like` family: a small mountain country of few valleys, between two large neighbours. Generated, without map data.

Three trunk valleys meet at the capital: one leads down to the southern neighbour, one climbs to the eastern one, one ends under the
peaks. Side valleys leave the trunks. Every valley has one through road, so a post on it is hard to avoid, except by the tracks over the
passes that join valley heads with each other and with the neighbours' own valleys. Towns are small street grids tied to their road. Abroad, a
road around the mountains joins the two crossings, the foreign towns and the feet of the passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.benchmark.borderland import budgets
from optimizer.lab.benchmark.roads import (
    CLASSES,
    Demand,
    RoadMap,
    beat,
    checkpoint_options,
    choke_points,
    patrol_options,
    traffic,
)
from optimizer.problem.files.instance_file import make_instance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance

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

    def chain(self, start: int, points: NDArray[np.float64], road_class: str, *, home: bool) -> list[int]:
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
            np.array(self.xy), np.array(self.ends), np.array(CLASSES)[self.rank], np.array(self.passing, dtype=float)
        )


def valleys_instance(
    spacing: float, *, n_side: int, blocks: int, n_posts: int, n_patrols: int, share: float, habitual: float, seed: int
) -> Instance:
    """Return a generated valley country as an instance; see the module for how it is made.

    Parameters
    ----------
    spacing
        Kilometres between junctions along valley roads, > 0: the smaller, the more nodes.
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
    sketch, towns, foreign = country.sketch, country.towns, country.foreign
    roads = sketch.roads()
    home = np.array(sketch.home)
    masses = rng.uniform(0.5, 1.5, len(foreign))
    demand = Demand(
        np.array(foreign),
        masses / masses.sum(),
        np.array([*towns, *foreign]),
        np.concatenate((np.round(25_000 / np.arange(1, len(towns) + 1)), np.full(len(foreign), 15_000.0))),
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
    """A drawn country: its roads, the nodes of its towns (the capital first) and those of the towns abroad."""

    sketch: _Sketch
    towns: list[int]
    foreign: list[int]


def draw_country(spacing: float, n_side: int, blocks: int, rng: np.random.Generator) -> ValleyCountry:
    """Draw a country."""
    sketch = _Sketch()
    capital = sketch.point(np.zeros(2), home=True)
    trunks = {
        name: sketch.chain(capital, _winding(np.zeros(2), bearing, length, spacing, rng), "primary", home=True)
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
        last = sketch.chain(trunks[name][-1], _steps(sketch, trunks[name][-1], gate, spacing), "primary", home=False)[
            -1
        ]
        sketch.join(last, gate, "primary", POST)
    _passes(sketch, heads, ring, spacing)
    return ValleyCountry(sketch, towns, foreign)


def _winding(
    start: NDArray[np.float64], bearing: float, length: float, spacing: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the points, (k, 2), of a road that winds along a bearing."""
    steps = max(3, round(length / spacing))
    turn = np.radians(bearing + np.cumsum(rng.normal(0, 8, steps)) * 0.5)
    return np.asarray(start + np.cumsum(np.column_stack((np.cos(turn), np.sin(turn))) * length / steps, axis=0))


def _streets(sketch: _Sketch, centre: int, blocks: int, rng: np.random.Generator) -> None:
    """Add a town: a small grid of streets tied to its centre."""
    size = 0.12
    turn = float(rng.uniform(0, np.pi / 2))
    across = np.array([np.cos(turn), np.sin(turn)]) * size
    along = np.array([-np.sin(turn), np.cos(turn)]) * size
    middle = np.array(sketch.xy[centre])
    nodes = np.array(
        [
            [sketch.point(middle + across * (i - blocks / 2) + along * (j + 1), home=True) for j in range(blocks)]
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


def _abroad(sketch: _Sketch, spacing: float, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Add the road around the mountains; return its nodes and the towns on it."""
    count = round(2 * np.pi * OUTSIDE_KM / (2 * spacing))
    bearings = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = OUTSIDE_KM + np.cumsum(rng.normal(0, 0.1, count))
    points = np.column_stack((np.cos(bearings), np.sin(bearings))) * radius[:, None]
    ring = sketch.chain(sketch.point(points[0], home=False), points[1:], "secondary", home=False)
    sketch.join(ring[-1], ring[0], "secondary")
    foreign = [ring[int(k)] for k in np.linspace(0, count, 9, endpoint=False) + rng.integers(0, max(1, count // 18), 9)]
    return ring, foreign


def _passes(sketch: _Sketch, heads: list[int], ring: list[int], spacing: float) -> None:
    """Add tracks over the passes: from every valley head abroad, and between heads near each other."""
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
