"""The roads of the studies and the table of origins and destinations that estimators are given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import sha256
from optimizer.lab.study.cells import Stream
from optimizer.region import read_region
from optimizer.risk import make_world
from optimizer.risk.demand import gateway_masses, gravity_table

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.lab.study.cells import Cell
    from optimizer.problem.network import Network
    from optimizer.risk import OdTable, World

SUFFIXES = (".gpkg", ".osm.pbf", ".osm")
PORT, OTHER = 1.0, 0.15
"""Loads that enter by a crossing with checks and by one without, before any record has spoken."""
DECAY_HOURS = 2 / 3


@dataclass(frozen=True)
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
    """Return the SHA-256 of a region's file."""
    return sha256(roads_file(folder, region))


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
def _world(path: Path, region: str, first: Cell) -> World:
    roads = read_study_roads(path, region)
    return make_world(first.world, roads.network, roads.table, first.stream(Stream.WORLD))


@dataclass(frozen=True)
class StudyWorld:
    """The roads and the truth of a cell."""

    roads: StudyRoads
    truth: World


def world_of(folder: Path, cell: Cell) -> StudyWorld:
    """Return the roads and the truth of a cell: one truth for all ways to search it and all numbers of seizures."""
    path = roads_file(folder, cell.region)
    first = replace(cell, effort="", seizures=0)
    return StudyWorld(read_study_roads(path, cell.region), _world(path, cell.region, first))
