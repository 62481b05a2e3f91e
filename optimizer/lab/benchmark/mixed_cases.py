"""Cases for mixtures of plans: informed evaders from the rim of a road network to anywhere in it, and units for roads that good routes use.

On each map and seed 160 pairs of one of 16 origins in the outer tenth of the nodes and one of 24 destinations anywhere get random weights.
Roads are watched in proportion to the time on them, such that 75 % get over the median fastest route with nothing placed, times a random
factor of .8 to 1.25. Options are the roads with most traffic over six rounds of best routes, each of which makes the roads used so far dearer,
with a random factor of .5 to 1.5, apart by 1/120 of the map's width where there are enough; 30, 50 or 70 % get past one. All numbers are
assumed.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components

from optimizer.base.errors import InputError, Problem
from optimizer.lab.benchmark.borderland import draw_land
from optimizer.lab.benchmark.valleys import draw_country
from optimizer.lab.case import Case, matching
from optimizer.problem.evaders import Evader, Searches, arc_costs
from optimizer.problem.instance_file import make_instance
from optimizer.problem.options import Option, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance
    from optimizer.problem.network import Network

    Floats = NDArray[np.float64]

SIZES = ((200, 10), (500, 20))
"""Options, and units to place on them."""
EVADERS, ORIGINS, DESTINATIONS = 160, 16, 24
THROUGH = 0.75
SURVIVALS = (0.3, 0.5, 0.7)
ROUNDS, DEARER = 6, 1.6
ACROSS = 120
GENERATED: dict[str, Callable[[], Network]] = {
    "mountains": lambda: draw_land(10_000, "mountains", np.random.default_rng(1)).roads.network,
    "valleys": lambda: draw_country(0.4, 9, 12, np.random.default_rng(1)).sketch.roads().network,
}


def mixed_cases(only: Sequence[str], seeds: Sequence[int], extracts: Path | None) -> list[Case[Instance]]:
    """Return the cases `MAP-OPTIONS-UNITS-SEED` whose names match: of the generated maps, and of an extract or all in a folder.

    Raises
    ------
    InputError
        If none does.
    """
    found = [] if extracts is None else sorted(extracts.glob("*.osm.pbf")) if extracts.is_dir() else [extracts]
    maps: dict[str, Callable[[], Network]] = {_map_name(path): partial(_network_of, path) for path in found}
    maps |= GENERATED
    cases = [
        Case("mixed", f"{name}-{options}-{units}-{seed}", partial(_case, name, make, (options, units), seed))
        for options, units in SIZES
        for name, make in maps.items()
        for seed in seeds
    ]
    if not (chosen := matching(cases, only)):
        expected = f"a pattern that matches one such as {cases[0].name}, of the maps {', '.join(maps)}"
        raise InputError(Problem("--only", ", ".join(only), expected, "Name extracts with --extract"))
    return chosen


def _map_name(extract: Path) -> str:
    return extract.name.split(".")[0].split("-")[0]


@cache
def _network_of(extract: Path) -> Network:
    from optimizer.region import read_region

    return read_region(extract).network


def _case(name: str, make: Callable[[], Network], size: tuple[int, int], seed: int) -> Instance:
    return mixed_case(make(), f"{name}-{size[0]}-{size[1]}-{seed}", size, seed)


def mixed_case(network: Network, name: str, size: tuple[int, int], seed: int, evaders: int = EVADERS) -> Instance:
    """Return a case on a network, of so many options, units and evaders."""
    rng = np.random.default_rng(seed)
    pairs = _evaders(network, evaders, rng)
    searches = Searches.of(pairs)
    ends = (network.n_nodes, network.tail, network.head)
    slowly = np.exp(-network.time_s / network.time_s.sum())
    seconds = [network.time_s[list(path)].sum() for path in searches.paths(*ends, slowly)]
    watched = rng.uniform(0.8, 1.25, network.n_segments)[network.segment]
    reliability = np.exp(np.log(THROUGH) / np.median(seconds) * network.time_s * watched).clip(1e-9, 1.0)
    cost, load = arc_costs(reliability), np.zeros(network.n_segments)
    for _ in range(ROUNDS):
        used = np.zeros(load.size)
        for evader, path in zip(pairs, searches.paths(*ends, np.exp(-cost)), strict=True):
            used[np.unique(network.segment[list(path)])] += evader.weight
        load += used
        cost = cost * np.where(used[network.segment] > 0, DEARER, 1.0)
    chosen = _apart(network, np.where(load > 0, load * rng.uniform(0.5, 1.5, load.size), 0.0), size[0])
    options = []
    for j, segment in enumerate(chosen):
        arcs = tuple(np.flatnonzero(network.segment == segment).tolist())
        survival = float(rng.choice(SURVIVALS))
        options.append(Option(f"s{j}", arcs, (survival,) * len(arcs), {"units": 1.0}))
    resources = (Resource("units", float(size[1])),)
    return make_instance(
        network, reliability=reliability, evaders=pairs, options=options, resources=resources, name=name
    )


def _evaders(network: Network, count: int, rng: np.random.Generator) -> list[Evader]:
    """Return evaders with random ends in the largest piece of the network from every node of which every other is reached."""
    piece = connected_components(network.time_graph().matrix, directed=True, connection="strong")[1]
    nodes = np.flatnonzero(piece == np.bincount(piece).argmax())
    place = _plane(network)[nodes]
    far = np.hypot(*(place - place.mean(axis=0)).T)
    origins = rng.choice(nodes[far >= np.quantile(far, 0.9)], ORIGINS, replace=False)
    destinations = rng.choice(nodes, DESTINATIONS, replace=False)
    pairs = [(o, d) for o in origins.tolist() for d in destinations.tolist() if o != d]
    weight = rng.uniform(0.2, 1, count)
    ends = [pairs[at] for at in rng.choice(len(pairs), count, replace=False).tolist()]
    shares = (weight / weight.sum()).tolist()
    return [Evader(f"e{k}", o, d, share) for k, ((o, d), share) in enumerate(zip(ends, shares, strict=True))]


def _plane(network: Network) -> Floats:
    """Return the (nodes, 2) places of nodes, in degrees of latitude."""
    return np.column_stack((network.lon * np.cos(np.radians(network.lat.mean())), network.lat))


def _apart(network: Network, score: Floats, count: int) -> list[int]:
    """Return segments of the highest scores above 0: first those that are apart."""
    place = _plane(network)
    middle = np.zeros((network.n_segments, 2))
    middle[network.segment] = (place[network.tail] + place[network.head]) / 2
    near = float(np.hypot(*np.ptp(place, axis=0))) / ACROSS
    order = np.argsort(-score, kind="stable")
    order = order[score[order] > 0]
    chosen: list[int] = []
    for segment in order.tolist():
        if len(chosen) < count and not (np.hypot(*(middle[chosen] - middle[segment]).T) < near).any():
            chosen.append(segment)
    return (chosen + [s for s in order.tolist() if s not in set(chosen)])[:count]
