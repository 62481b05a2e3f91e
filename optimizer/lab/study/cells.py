"""The cells of the study, in the order they are run, and the random streams that belong
to each.

A cell searches one truth in one way: a world of the family
(`optimizer.risk.simulation.settings`) as it is designed, or as it would be if it were
searched evenly; or a corner of it, one of the named worlds.

The rows of the study: maps and closed loops.
"""

from __future__ import annotations

from collections.abc import (
    Hashable,
    Sequence,
)
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from pydantic import Field

from optimizer.base.choices import EffortKind, WorldKind
from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import sha256
from optimizer.lab.benchmark.generated_roads import draw_land, land_demand
from optimizer.lab.rows import RunKey, StoredRow
from optimizer.problem.network.network import Network
from optimizer.region import read_region
from optimizer.risk import OdTable, World, make_world
from optimizer.risk.demand import gravity_table
from optimizer.risk.simulation.settings import WorldDesign, draw_family

ROOT = 20_261_124
"""First number of every seed of the study: nobody calibrated anything on these streams."""

REGIONS = ("andorra", "liechtenstein")

GENERATED = "generated"
"""Name of the region that is not a place."""

FAMILY_REGIONS = (*REGIONS, GENERATED)

FAMILY_WORLDS = 40
"""Worlds of the family."""

FAMILY_SEEDS = 5
"""Truths of each world in each region."""

FAMILY_SEED = 20_261_125
"""Seed of the hypercube that is reported."""

DESIGNED, EVEN = "designed", "even"
"""How a world of the family is searched: as it is designed, or all of its open roads alike."""

WORLDS: tuple[WorldKind, ...] = ("flows", "uninformed", "mixed", "local")

EFFORTS: tuple[EffortKind, ...] = ("feedback", "uniform")

SEIZURES = 400

SEEDS = 20

LOOP_REGIONS, LOOP_SEEDS = 1, 10

LOOP_WORLDS: tuple[WorldKind, ...] = ("flows", "mixed", "local")

LOOP = "loop"


class Stream(IntEnum):
    """What a random stream is for."""

    WORLD = 0
    HISTORY = 1
    AUDIT = 2
    TIES = 3
    LOOP = 4
    CLERK = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One truth, searched in one way."""

    #: Name of the roads.
    region: str
    #: Kind of the truth, or "f" and the number of a world of the family.
    world: str
    #: Kind of the search, or "loop" where each estimate says where is searched next;
    #: `DESIGNED` or `EVEN` in the family.
    effort: str
    #: Finds there are to be in the time that estimators see, about.
    seizures: int
    #: Number of the truth.
    seed: int

    @property
    def name(self) -> str:
        """The cell as `--only` and the rows call it."""
        return f"{self.region}-{self.world}-{self.effort}-{self.seizures}-{self.seed}"

    @property
    def key(self) -> Hashable:
        """What makes two cells the same."""
        return self.region, self.world, self.effort, self.seizures, self.seed

    @property
    def is_loop(self) -> bool:
        """Whether estimates say where is searched."""
        return self.effort == LOOP

    @property
    def is_family(self) -> bool:
        """Whether its world is one of the family."""
        return self.effort in {DESIGNED, EVEN}

    @property
    def design(self) -> WorldDesign:
        """The settings of a world of the family, as this cell searches it."""
        design = family()[int(self.world[1:])]
        if self.effort == EVEN:
            return replace(design, search=replace(design.search, movement="even", exploring=0.0))
        return design

    def stream(self, purpose: Stream) -> np.random.Generator:
        """Return the cell's random stream for a purpose: the same for every way to
        search and every number of seizures.
        """
        place = crc32(f"{self.region} {self.world}".encode())
        return np.random.default_rng(np.random.SeedSequence([ROOT, self.seed, place, int(purpose)]))


@lru_cache(maxsize=1)
def family() -> tuple[WorldDesign, ...]:
    """Return the worlds of the family that is reported."""
    return draw_family(FAMILY_WORLDS, FAMILY_SEED)


def family_plan(regions: Sequence[str] = FAMILY_REGIONS, seeds: int = FAMILY_SEEDS) -> list[Cell]:
    """Return the cells of the family in rounds, so that a study cut short is balanced.

    A round has every world once, each in the next of the regions: as designed and then,
    where effort moves, searched evenly.
    """
    found = []
    for seed, shift in product(range(seeds), range(len(regions))):
        for way in (DESIGNED, EVEN):
            found += [
                Cell(
                    regions[(number + shift) % len(regions)],
                    f"f{number:02d}",
                    way,
                    design.seizures,
                    seed,
                )
                for number, design in enumerate(family())
                if way == DESIGNED or design.search.movement != "even"
            ]
    return found


def plan(regions: Sequence[str] = REGIONS, seeds: int = SEEDS) -> list[Cell]:
    """Return the cells in the order they are run.

    First the seizures chased, then the same truths searched evenly, and the closed
    loop. Within each stage seeds are the outer loop, so that a study cut short is
    balanced. Other ways to search and other numbers of seizures are what the family is
    for.
    """
    cells = [
        Cell(region, world, effort, SEIZURES, seed)
        for effort, seed, region, world in product(EFFORTS, range(seeds), regions, WORLDS)
    ]
    loops = product(range(min(seeds, LOOP_SEEDS)), regions[:LOOP_REGIONS], LOOP_WORLDS)
    return cells + [Cell(region, world, LOOP, SEIZURES, seed) for seed, region, world in loops]


# The roads of the studies and the table of origins and destinations that estimators are
# given.
SUFFIXES = (".gpkg", ".osm.pbf", ".osm")

PORT, OTHER = 1.0, 0.15
"""Loads that enter by a crossing with checks and by one without, before any record has spoken."""

DECAY_HOURS = 2 / 3

GENERATED_NODES, GENERATED_SEED = 2200, 13

GENERATED_NAME = f"{GENERATED}-{GENERATED_NODES}-{GENERATED_SEED}"


@dataclass(frozen=True, eq=False)
class StudyRoads:
    """Roads and the prior table, which an estimator knows beside the record, and the
    SHA-256 of the file that both come from.
    """

    network: Network
    table: OdTable
    digest: str


def roads_file(folder: Path, region: str) -> Path:
    """Return the file of a region: of those whose names begin with the region's, the
    first by suffix and name.

    Raises
    ------
    InputError
        If there is none.
    """
    found = sorted(path for path in folder.glob(f"{region}*") if path.name.endswith(SUFFIXES))
    if not found:
        expected = f"a file {region}*.osm.pbf or {region}*.gpkg"
        raise InputError(
            Problem(str(folder), "no such file", expected, "Say with --data where the extracts are")
        )
    return min(
        found, key=lambda path: [path.name.endswith(suffix) for suffix in SUFFIXES].index(True)
    )


@lru_cache(maxsize=8)
def roads_digest(folder: Path, region: str) -> str:
    """Return the SHA-256 of a region's file, or the name of the generated one with its
    size and seed.
    """
    return GENERATED_NAME if region == GENERATED else sha256(roads_file(folder, region))


def study_roads(folder: Path, region: str) -> StudyRoads:
    """Return the roads of a region by its name; the generated one needs no file.

    Raises
    ------
    InputError
        If there is no file, it cannot be read, or nothing would travel on its roads.
    """
    return (
        generated_roads()
        if region == GENERATED
        else read_study_roads(roads_file(folder, region), region)
    )


@lru_cache(maxsize=1)
def generated_roads() -> StudyRoads:
    """Return two made-up countries with mountains between them: traffic goes from the
    larger towns of one to those of the other.
    """
    land = draw_land(GENERATED_NODES, "mountains", np.random.default_rng(GENERATED_SEED))
    demand = land_demand(land, 0.0)
    table = OdTable(demand.origins, demand.destinations, demand.shares(land.roads))
    return StudyRoads(land.roads.network, table, GENERATED_NAME)


@lru_cache(maxsize=4)
def read_study_roads(path: Path, region: str) -> StudyRoads:
    """Return the roads of a file, with its prior table; an extract's border is that of
    the country of the region's name.

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
        built.network,
        built.gateways,
        towns,
        masses / max(masses.sum(), 1e-12),
        decay_hours=DECAY_HOURS,
    )
    if not table.weight.sum() > 0:
        found = f"{len(built.gateways)} gateways, {len(towns)} settlements, no way between them"
        raise InputError(Problem(str(path), found, "roads that somebody would travel"))
    return StudyRoads(built.network, table, sha256(path))


@lru_cache(maxsize=2)
def _world(roads: StudyRoads, first: Cell) -> World:
    kind: Any = first.design.world if first.is_family else first.world
    return make_world(kind, roads.network, roads.table, first.stream(Stream.WORLD))


def world_of(roads: StudyRoads, cell: Cell) -> World:
    """Return the truth of a cell: one truth for all ways to search it and all numbers
    of seizures.
    """
    first = replace(cell, effort=DESIGNED if cell.is_family else "", seizures=0)
    return _world(roads, first)


MAPS = "rows.jsonl"
FAMILY = "family.jsonl"
LOOPS = "loops.jsonl"


class SimulatedRow(StoredRow):
    """A row of one simulated world, searched in one way."""

    roads: str = Field(description="SHA-256 of the file that the road network was read from")
    world: str
    effort: str
    seizures: int = Field(description="seizures asked for in the time that estimators see")
    seed: int

    @property
    def cell_options(self) -> dict[str, object]:
        """The cell it belongs to, as options of a key."""
        return {
            "world": self.world,
            "effort": self.effort,
            "seizures": self.seizures,
            "seed": self.seed,
        }


class EstimatorRow(SimulatedRow):
    """A row of one estimator."""

    region: str
    estimator: str
    seconds: float = Field(description="processor time of the fits, with intervals")


class MapRow(EstimatorRow):
    """What one estimator made of one record. Log chances are natural, each a later
    find; None where there was no later find.
    """

    segments: int
    found: int = Field(description="seizures that the estimator saw")
    searched: float = Field(description="share of segments with any search")
    rel5: float
    active: int = Field(description="segments with more than a tenth of the mean rate")
    coverage: list[float] | None = Field(
        description="share of active segments inside intervals of LEVELS"
    )
    flow_weight: float | None = Field(description="weight of the models with flows in the average")
    later: int = Field(description="seizures of the later months")
    log_model: float | None
    log_truth: float | None
    log_global: float | None
    audited: int = Field(description="seizures of as many later months searched evenly")
    audit_model: float | None
    audit_truth: float | None
    audit_global: float | None

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(self.version, self.roads, self.estimator, **self.cell_options)


class LoopRow(EstimatorRow):
    """One closed loop of estimate, placement, seizures and estimate; lists run over its rounds."""

    placement: str
    expected: list[float] = Field(description="expected seizures")
    oracle: list[float] = Field(description="expected seizures of the same placement by the truth")
    best: float = Field(
        description=(
            "expected seizures of a round with every search on the segment where most is found"
        )
    )
    rel5: list[float] = Field(description="of the estimate that the round was placed by")

    @property
    def key(self) -> RunKey:
        """What was run."""
        return RunKey.of(
            self.version, self.roads, self.estimator, **self.cell_options, placement=self.placement
        )
