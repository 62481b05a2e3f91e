"""The roads of the studies and the table of origins and destinations that estimators are given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import sha256
from optimizer.lab.benchmark.borderland import draw_land, land_demand
from optimizer.lab.study.cells import DESIGNED, GENERATED, Stream
from optimizer.region import read_region
from optimizer.risk import OdTable, make_world
from optimizer.risk.demand import gateway_masses, gravity_table

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.lab.study.cells import Cell
    from optimizer.problem.network import Network
    from optimizer.risk import World

SUFFIXES = (".gpkg", ".osm.pbf", ".osm")
PORT, OTHER = 1.0, 0.15
"""Loads that enter by a crossing with checks and by one without, before any record has spoken."""
DECAY_HOURS = 2 / 3
GENERATED_NODES, GENERATED_SEED = 2200, 13
GENERATED_NAME = f"{GENERATED}-{GENERATED_NODES}-{GENERATED_SEED}"


@dataclass(frozen=True, eq=False)
class StudyRoads:
    """Roads and the prior table, which an estimator knows beside the record, and the SHA-256 of the file that both come from."""

    network: Network
    table: OdTable
    digest: str


def roads_file(folder: Path, region: str) -> Path:
    """Return the file of a region: of those whose names begin with the region's, the first by suffix and name.

    Raises
    ------
    InputError
        If there is none.
    """
    found = sorted(path for path in folder.glob(f"{region}*") if path.name.endswith(SUFFIXES))
    if not found:
        expected = f"a file {region}*.osm.pbf or {region}*.gpkg"
        raise InputError(Problem(str(folder), "no such file", expected, "Say with --data where the extracts are"))
    return min(found, key=lambda path: [path.name.endswith(suffix) for suffix in SUFFIXES].index(True))


@lru_cache(maxsize=8)
def roads_digest(folder: Path, region: str) -> str:
    """Return the SHA-256 of a region's file, or the name of the generated one with its size and seed."""
    return GENERATED_NAME if region == GENERATED else sha256(roads_file(folder, region))


def study_roads(folder: Path, region: str) -> StudyRoads:
    """Return the roads of a region by its name; the generated one needs no file.

    Raises
    ------
    InputError
        If there is no file, it cannot be read, or nothing would travel on its roads.
    """
    return generated_roads() if region == GENERATED else read_study_roads(roads_file(folder, region), region)


@lru_cache(maxsize=1)
def generated_roads() -> StudyRoads:
    """Return two made-up countries with mountains between them: traffic goes from the larger towns of one to those of the other."""
    land = draw_land(GENERATED_NODES, "mountains", np.random.default_rng(GENERATED_SEED))
    demand = land_demand(land, 0.0)
    table = OdTable(demand.origins, demand.destinations, demand.shares(land.roads))
    return StudyRoads(land.roads.network, table, GENERATED_NAME)


@lru_cache(maxsize=4)
def read_study_roads(path: Path, region: str) -> StudyRoads:
    """Return the roads of a file, with its prior table; an extract's border is that of the country of the region's name.

    Raises
    ------
    InputError
        If the file cannot be read, or nothing would travel on its roads.
    """
    border = None if path.suffix == ".gpkg" else region.capitalize()
    built = read_region(path, border=border)
    towns = [place for place in built.settlements if place.domestic]
    masses = np.array([PORT if gateway.kind == "port" else OTHER for gateway in built.gateways])
    table = gravity_table(
        built.network, built.gateways, towns, masses / max(masses.sum(), 1e-12), decay_hours=DECAY_HOURS
    )
    if not table.weight.sum() > 0:
        found = f"{len(built.gateways)} gateways, {len(towns)} settlements, no way between them"
        raise InputError(Problem(str(path), found, "roads that somebody would travel"))
    return StudyRoads(built.network, table, sha256(path))


def read_alert_roads(extract: Path) -> StudyRoads:
    """Return the drive network of an extract of Andorra for the studies of alerts and exploration: all gateways have the same mass."""
    built = read_region(extract, border="Andorra", modes=("drive",))
    towns = [place for place in built.settlements if place.domestic]
    masses = gateway_masses(built.gateways, np.ones(len(built.gateways)), {})
    return StudyRoads(built.network, gravity_table(built.network, built.gateways, towns, masses), sha256(extract))


@lru_cache(maxsize=2)
def _world(roads: StudyRoads, first: Cell) -> World:
    kind: Any = first.design.world if first.is_family else first.world
    return make_world(kind, roads.network, roads.table, first.stream(Stream.WORLD))


def world_of(roads: StudyRoads, cell: Cell) -> World:
    """Return the truth of a cell: one truth for all ways to search it and all numbers of seizures."""
    first = replace(cell, effort=DESIGNED if cell.is_family else "", seizures=0)
    return _world(roads, first)
