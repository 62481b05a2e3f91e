"""A border of a mesh of roads: read within a second, with a search that its limit ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely

from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.region import save_region
from optimizer.region.model import Region
from tests.tiny import AREAS, EFFORT, SCENARIO, SEIZURES, network_of

SIDE = 14
STEP = 0.05
"""Degrees between two crossroads."""
CLASSES = ("primary", "secondary", "track")
N_SITES = 200
BUDGET = 30


def _region(rng: np.random.Generator) -> Region:
    number = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    lon = 10.0 + STEP * np.tile(np.arange(SIDE), SIDE) + rng.uniform(-0.01, 0.01, SIDE * SIDE)
    lat = 50.0 + STEP * np.repeat(np.arange(SIDE), SIDE) + rng.uniform(-0.01, 0.01, SIDE * SIDE)
    lat[:SIDE] = 50.0
    names = [f"n{k}" for k in range(SIDE * SIDE)]
    ends = [
        *zip(number[:, :-1].ravel().tolist(), number[:, 1:].ravel().tolist(), strict=True),
        *zip(number[:-1].ravel().tolist(), number[1:].ravel().tolist(), strict=True),
    ]
    roads = [(a, b, CLASSES[int(rng.integers(3))], s) for s, (a, b) in enumerate(ends)]
    gateways = range(0, SIDE, 2)
    towns = [int(number[row, column]) for row in (3, 5, 8) for column in (1, 4, 7)]
    return Region(
        network_of(names, lon, lat, roads),
        shapely.LineString([(9.8, 50.0), (10.6, 50.0)]),
        tuple(
            Crossing(f"x-{names[n]}", n, lon[n], lat[n], n % 4 == 0, "primary", names[n])
            for n in gateways
        ),
        tuple(
            Gateway(
                names[n],
                n,
                lon[n],
                lat[n],
                "port" if n % 4 == 0 else "unofficial",
                1.0,
                names[n],
            )
            for n in gateways
        ),
        tuple(
            Settlement(names[n], n, lon[n], lat[n], names[n], float(rng.integers(2_000, 90_000)))
            for n in towns
        ),
        (),
        "made up for the marathon",
    )


def write_mesh(folder: Path) -> Path:
    """Write the border and its scenario into a folder; return the scenario's path."""
    rng = np.random.default_rng(47)
    folder.mkdir(parents=True)
    region = _region(rng)
    save_region(region, folder / "network.gpkg")
    lines = ["id,label,lon,lat,agency,existing,traffic,kinds"]
    network = region.network
    once = network.tail < network.head
    for k, arc in enumerate(rng.permutation(np.flatnonzero(once))[:N_SITES]):
        a, b = int(network.tail[arc]), int(network.head[arc])
        lon = (network.lon[a] + network.lon[b]) / 2
        lat = (network.lat[a] + network.lat[b]) / 2
        lines.append(f"s{k},Site {k},{lon:.5f},{lat:.5f},police,,{rng.integers(50, 900)},post")
    text = SCENARIO.replace("Tiny border", "Mesh").replace("budget = 3", f"budget = {BUDGET}")
    for name, content in (
        ("areas.geojson", AREAS),
        ("seizures.csv", SEIZURES),
        ("effort.csv", EFFORT),
        ("sites.csv", "\n".join(lines) + "\n"),
        ("scenario.toml", text + "\n[solve]\ngap = 0.0\n"),
    ):
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "scenario.toml"
