"""A small region and rows for the tests of the study and of the simulator's command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from optimizer.lab.study.cells import LoopRow, MapRow
from optimizer.problem.network.places import Gateway, Settlement
from optimizer.region.model import Region
from optimizer.region.store import save_region
from tests.risk_cases import grid_network

SIDE = 7


def small_region() -> Region:
    """Return a lattice with two gateways on its southern corners and three towns."""
    network = grid_network(SIDE, np.random.default_rng(1), keep=1.0)
    corners, last = (0, SIDE - 1), SIDE * SIDE - 1
    gateways = tuple(
        Gateway(f"port-{k}", node, float(network.lon[node]), float(network.lat[node]), "port")
        for k, node in enumerate(corners)
    )
    towns = tuple(
        Settlement(
            f"town-{k}",
            node,
            float(network.lon[node]),
            float(network.lat[node]),
            f"Town {k}",
            1000.0 * (k + 1),
        )
        for k, node in enumerate((last, last - 3, last // 2))
    )
    return Region(network, None, (), gateways, towns, (), "made up for the tests")


def save_small_region(folder: Path, name: str = "small") -> Path:
    """Write the region into a folder; return its path."""
    path = folder / f"{name}.gpkg"
    save_region(small_region(), path)
    return path


COMMON: dict[str, Any] = {
    "seconds": 0.5,
    "version": "0",
    "python": "3",
    "cpu": "one",
    "date": "2026-11-24T00:00:00+00:00",
}


def map_row(estimator: str = "FieldFlow", **changed: object) -> MapRow:
    """Return a row of a map."""
    content: dict[str, Any] = COMMON | {
        "region": "andorra",
        "world": "mixed",
        "effort": "feedback",
        "seizures": 400,
        "seed": 0,
        "estimator": estimator,
        "segments": 100,
        "found": 400,
        "searched": 0.5,
        "rel5": 0.9,
        "active": 50,
        "coverage": [0.5, 0.8, 0.9, 0.95],
        "flow_weight": 1.0,
        "later": 80,
        "log_model": -2.1,
        "log_truth": -2.0,
        "log_global": -3.0,
        "audited": 60,
        "audit_model": -2.2,
        "audit_truth": -2.0,
        "audit_global": -3.0,
    }
    return MapRow.model_validate({"roads": changed.get("region", "andorra")} | content | changed)


def loop_row(**changed: object) -> LoopRow:
    """Return a row of a closed loop."""
    content: dict[str, Any] = COMMON | {
        "region": "andorra",
        "world": "mixed",
        "effort": "loop",
        "seizures": 400,
        "seed": 0,
        "estimator": "FieldFlow",
        "placement": "top",
        "expected": [40.0] * 3 + [80.0] * 3,
        "oracle": [100.0] * 6,
        "best": 500.0,
        "rel5": [0.5] * 6,
    }
    return LoopRow.model_validate({"roads": "andorra"} | content | changed)
