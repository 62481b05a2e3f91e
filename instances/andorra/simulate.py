"""Write the synthetic record of the Andorra scenario from a stated truth: `python
instances/andorra/simulate.py EXTRACT`.

The truth: loads enter at the border crossings and go to the settlements; each driver
takes the road that looks fastest to him. The search: each month 70 % of the checks go
near earlier finds, 30 % anywhere. README.md beside this file has the figures.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.base.files.readwrite import written_whole
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.region import Region, read_region

SEED = 20_250_101
MODES = ("drive", "service", "track")
MONTHS = [f"{year}-{month:02d}" for year in (2023, 2024) for month in range(1, 13)]
LOADS_A_DAY = 42.0
PORT_MASS, OTHER_MASS = 1.0, 0.15
DECAY_MINUTES = 40.0
DRIVERS = 40
PERCEPTION = 0.25
"""Standard deviation of the logarithm of how long a driver believes a road takes, over
what it takes.
"""
CHECKS_A_MONTH, HOURS_A_CHECK = 300, 2.0
CHASING, NEAR_M = 0.7, 400.0
"""Share of checks that chase earlier finds, and the distance over which the wish to
check there falls by a factor e.
"""
BUSY = {"trunk": 4.0, "primary": 4.0, "secondary": 4.0, "tertiary": 2.0, "track": 0.25}
"""How much likelier the other checks are on a kilometre of these roads than on one of
other roads.
"""
STOP_CHANCE = 0.3
"""Chance that a load which passes a check is found."""
DRUGS = {
    "cannabis": (0.55, 1.0),
    "cocaine": (0.2, -1.0),
    "amphetamines": (0.15, -1.5),
    "heroin": (0.1, -2.0),
}
"""Share of seizures, and mean of the logarithm of the kilograms (its standard deviation is 1)."""


def true_flow(region: Region, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return loads a day on each segment: gravity between crossings and settlements,
    each driver on the road he believes fastest.
    """
    network = region.network
    demand, origin, goal = _demand(region, rng)
    flow = np.zeros(network.n_segments)
    for _ in range(DRIVERS):
        believed = (
            network.time_s * rng.lognormal(0.0, PERCEPTION, network.n_segments)[network.segment]
        )
        graph = cost_graph(network.n_nodes, network.tail, network.head, believed)
        _, before = graph.trees(origin)
        for row in range(origin.size):
            for loads, arcs in zip(
                demand[row], graph.paths(before[row], goal.tolist()), strict=True
            ):
                flow[network.segment[list(arcs)]] += loads / DRIVERS
    return flow


def _demand(
    region: Region, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    settlements = [place for place in region.settlements if place.domestic]
    origin = np.array([gateway.node for gateway in region.gateways])
    goal = np.array([place.node for place in settlements])
    mass = np.array(
        [PORT_MASS if gateway.kind == "port" else OTHER_MASS for gateway in region.gateways]
    )
    mass = mass * rng.lognormal(0.0, 0.7, mass.size)
    population = np.array([place.population for place in settlements])
    minutes = region.network.time_graph().distances(origin)[:, goal] / 60
    demand = mass[:, None] * population * np.exp(-minutes / DECAY_MINUTES)
    return LOADS_A_DAY * demand / demand.sum(), origin, goal


def search(
    network: Network, flow: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return hours of checks and seizures, both (months, segments)."""
    hours = np.zeros((len(MONTHS), flow.size))
    finds = np.zeros((len(MONTHS), flow.size), dtype=np.int64)
    arc = network.segment_arc
    anywhere = network.length_m[arc] * [BUSY.get(road, 1.0) for road in network.road_class[arc]]
    anywhere /= anywhere.sum()
    for month in range(len(MONTHS)):
        wish = _wish(network, finds.sum(axis=0))
        chance = CHASING * wish / wish.sum() + (1 - CHASING) * anywhere if wish.any() else anywhere
        hours[month] = HOURS_A_CHECK * rng.multinomial(CHECKS_A_MONTH, chance)
        finds[month] = rng.poisson(STOP_CHANCE * hours[month] * flow / 24)
    return hours, finds


def _wish(network: Network, past: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much each segment is wanted for a check, (segments,): the earlier
    finds around it, the near ones first.
    """
    lon, lat = network.segment_midpoint.T
    wish = np.zeros(past.size)
    for segment in np.flatnonzero(past):
        wish += past[segment] * np.exp(
            -great_circle_m(lon, lat, lon[segment], lat[segment]) / NEAR_M
        )
    return wish


def write(
    folder: Path,
    network: Network,
    flow: NDArray[np.float64],
    hours: NDArray[np.float64],
    finds: NDArray[np.int64],
    rng: np.random.Generator,
) -> None:
    """Write truth.csv, effort.csv and seizures.csv."""
    middle = network.segment_midpoint
    road = network.road_class[network.segment_arc]
    _write(
        folder / "truth.csv",
        ("lon", "lat", "road_class", "loads_a_day", "source"),
        (
            (f"{middle[s, 0]:.6f}", f"{middle[s, 1]:.6f}", road[s], f"{flow[s]:.5f}", "synthetic")
            for s in np.flatnonzero(flow)
        ),
    )
    _write(
        folder / "effort.csv",
        ("time", "lon", "lat", "hours", "source"),
        (
            (
                MONTHS[t],
                f"{middle[s, 0]:.6f}",
                f"{middle[s, 1]:.6f}",
                f"{hours[t, s]:g}",
                "synthetic",
            )
            for t, s in np.argwhere(hours)
        ),
    )
    _write(
        folder / "seizures.csv",
        ("time", "lon", "lat", "drug", "kg", "source"),
        (
            _seizure(MONTHS[t], network.lines[s], rng)
            for t, s in np.argwhere(finds)
            for _ in range(finds[t, s])
        ),
    )


def _seizure(month: str, line: shapely.LineString, rng: np.random.Generator) -> tuple[str, ...]:
    """Return one row: a day of the month, a place on the inner four fifths of the
    segment, a drug and its weight.
    """
    point = line.interpolate(rng.uniform(0.1, 0.9), normalized=True)
    drug = str(rng.choice(list(DRUGS), p=[share for share, _ in DRUGS.values()]))
    weight = rng.lognormal(DRUGS[drug][1], 1.0)
    return (
        f"{month}-{rng.integers(1, 29):02d}",
        f"{point.x:.6f}",
        f"{point.y:.6f}",
        drug,
        f"{weight:.3f}",
        "synthetic",
    )


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with (
        written_whole(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def main(extract: Path, folder: Path) -> None:
    """Simulate and write."""
    rng = np.random.default_rng(SEED)
    region = read_region(extract, border="Andorra", modes=MODES)
    network = region.network
    flow = true_flow(region, rng)
    hours, finds = search(network, flow, rng)
    write(folder, network, flow, hours, finds, rng)
    searched = hours.any(axis=0)
    print(
        f"{network.n_segments} segments, {(flow > 0).sum()} with traffic, {searched.sum()} ever"
        " searched"
    )
    print(
        f"{finds.sum()} seizures in {hours.sum():.0f} hours on {finds.any(axis=0).sum()} segments"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent)
