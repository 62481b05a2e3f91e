"""The cells of the study, in the order they are run, and the random streams that belong to each.

A cell searches one truth in one way: a world of the family (`optimizer.risk.simulation.family`) as it is designed, or as it would be if it were
searched evenly; or a corner of it, one of the named worlds.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence  # noqa: TC003 - the dataclasses' annotations are read by tools
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from itertools import product
from zlib import crc32

import numpy as np

from optimizer.risk.simulation import EffortKind, WorldDesign, WorldKind, draw_family

ROOT = 20_261_124
"""First number of every seed of the study: nobody calibrated anything on these streams."""
REGIONS = ("andorra", "liechtenstein")
GENERATED = "generated"
"""Name of the region that is not a place."""
FAMILY_REGIONS = (*REGIONS, GENERATED)
FAMILY_WORLDS, FAMILY_SEEDS, FAMILY_SEED = 40, 5, 20_261_125
"""Worlds of the family, truths of each in each region, and the seed of the hypercube that is reported."""
DESIGNED, EVEN = "designed", "even"
"""How a world of the family is searched: as it is designed, or all of its open roads alike."""
WORLDS: tuple[WorldKind, ...] = ("flows", "uninformed", "mixed", "local")
EFFORTS: tuple[EffortKind, ...] = ("feedback", "uniform")
SEIZURES = 400
SEEDS = 20
LOOP_REGIONS, LOOP_SEEDS = 1, 10
LOOP_WORLDS: tuple[WorldKind, ...] = ("flows", "mixed", "local")


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
    """One truth, searched in one way.

    Attributes
    ----------
    region
        Name of the roads.
    world
        Kind of the truth, or "f" and the number of a world of the family.
    effort
        Kind of the search, or "loop" where each estimate says where is searched next; `DESIGNED` or `EVEN` in the family.
    seizures
        Finds there are to be in the time that estimators see, about.
    seed
        Number of the truth.
    """

    region: str
    world: str
    effort: str
    seizures: int
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
        """Return the cell's random stream for a purpose: the same for every way to search and every number of seizures."""
        place = crc32(f"{self.region} {self.world}".encode())
        return np.random.default_rng(np.random.SeedSequence([ROOT, self.seed, place, int(purpose)]))


LOOP = "loop"


@lru_cache(maxsize=1)
def family() -> tuple[WorldDesign, ...]:
    """Return the worlds of the family that is reported."""
    return draw_family(FAMILY_WORLDS, FAMILY_SEED)


def family_plan(regions: Sequence[str] = FAMILY_REGIONS, seeds: int = FAMILY_SEEDS) -> list[Cell]:
    """Return the cells of the family in rounds, so that a study cut short is balanced.

    A round has every world once, each in the next of the regions: as designed and then, where effort moves, searched evenly.
    """
    found = []
    for seed, shift in product(range(seeds), range(len(regions))):
        for way in (DESIGNED, EVEN):
            found += [
                Cell(regions[(number + shift) % len(regions)], f"f{number:02d}", way, design.seizures, seed)
                for number, design in enumerate(family())
                if way == DESIGNED or design.search.movement != "even"
            ]
    return found


def plan(regions: Sequence[str] = REGIONS, seeds: int = SEEDS) -> list[Cell]:
    """Return the cells in the order they are run.

    First the seizures chased, then the same truths searched evenly, and the closed loop. Within each stage seeds are the outer loop, so that a
    study cut short is balanced. Other ways to search and other numbers of seizures are what the family is for.
    """
    cells = [
        Cell(region, world, effort, SEIZURES, seed)
        for effort, seed, region, world in product(EFFORTS, range(seeds), regions, WORLDS)
    ]
    loops = product(range(min(seeds, LOOP_SEEDS)), regions[:LOOP_REGIONS], LOOP_WORLDS)
    return cells + [Cell(region, world, LOOP, SEIZURES, seed) for seed, region, world in loops]
