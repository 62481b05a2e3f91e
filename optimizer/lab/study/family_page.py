"""The first section of the page: the family of worlds, its worst cases, and what they have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.pages import PageTable, short
from optimizer.lab.study.cells import FAMILY_REGIONS, FAMILY_SEEDS, FAMILY_WORLDS
from optimizer.lab.study.family_summary import (
    BASELINES,
    KERNEL,
    FamilyWorld,
    aims,
    associations,
    family_worlds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.lab.study.rows import MapRow

BY_CHANCE = 1.96
"""Rank correlation, times the root of the number of worlds less one, that chance reaches in one factor of twenty (two-sided)."""
SHOWN_FACTORS = 12
SHORT_NAMES = ("flow_share", "routes", "movement", "open_share", "tips", "displaced", "place_error_m", "seizures")
"""Factors that the table of lost worlds shows."""


@dataclass(frozen=True, slots=True)
class FamilyContent:
    """What the section says.

    Attributes
    ----------
    worlds, truths, rows
        How many worlds, truths of all worlds (searched as designed), and rows.
    all_worlds, planned
        How many worlds and truths the whole family has.
    regions
        Names of the roads.
    aims, distribution, factors, losses
        Tables.
    lost
        Worlds in which kernel density or a safer model of the same record captures more.
    notable
        From where on a rank correlation is in bold.
    """

    worlds: int
    truths: int
    rows: int
    all_worlds: int
    planned: int
    regions: str
    aims: PageTable
    distribution: PageTable
    factors: PageTable
    losses: PageTable
    lost: int
    notable: str


def family_content(rows: Sequence[MapRow]) -> FamilyContent | None:
    """Return the section of some rows of one version; None where no world has a truth with every estimator."""
    worlds = family_worlds(rows)
    if not worlds:
        return None
    lost = [world for world in worlds if world.over[KERNEL] < 1 or world.over_safe < 0.95]
    return FamilyContent(
        len(worlds),
        sum(world.truths for world in worlds),
        len(rows),
        FAMILY_WORLDS,
        FAMILY_WORLDS * FAMILY_SEEDS * len(FAMILY_REGIONS),
        ", ".join(dict.fromkeys(row.region.capitalize() for row in rows)),
        PageTable.of(
            ["aim", "at least", "found", ""],
            [[one.name, one.least, one.found, one.verdict] for one in aims(worlds)],
            {"at least": short, "found": short},
        ),
        _distribution(worlds),
        _factors(worlds),
        _losses(lost),
        len(lost),
        short(_notable(worlds)),
    )


def _distribution(worlds: Sequence[FamilyWorld]) -> PageTable:
    rows: list[list[object]] = []

    def add(name: str, values: list[float], *, high_is_bad: bool = False) -> None:
        known = np.array([value for value in values if np.isfinite(value)])
        if not known.size:
            return
        bad = 90 if high_is_bad else 10
        worst = known.max() if high_is_bad else known.min()
        rows.append([name, float(np.median(known)), float(np.percentile(known, bad)), float(worst), known.size])

    add("rel5", [world.rel5 for world in worlds])
    for name in BASELINES:
        add(f"rel5 over {name}", [world.over[name] for world in worlds])
    add("share of the truth's own log-score gain", [world.share for world in worlds])
    add("coverage of 90 % intervals", [world.coverage for world in worlds])
    add("rel5 lost beside even search", [world.lost for world in worlds], high_is_bad=True)
    columns = ["figure", "median world", "worst tenth from", "worst world", "worlds"]
    return PageTable.of(columns, rows, dict.fromkeys(columns[1:4], short))


def _factors(worlds: Sequence[FamilyWorld]) -> PageTable:
    def marked(value: float) -> str:
        return f"**{short(value)}**" if abs(value) >= notable else short(value)

    notable = _notable(worlds)

    columns = ["factor", "rel5 over kernel density", "share of log score", "coverage"]
    rows = [[one.factor, one.over_kernel, one.share, one.coverage] for one in associations(worlds)[:SHOWN_FACTORS]]
    return PageTable.of(columns, rows, dict.fromkeys(columns[1:], marked))


def _notable(worlds: Sequence[FamilyWorld]) -> float:
    return BY_CHANCE / math.sqrt(max(len(worlds) - 1, 1))


def _losses(lost: Sequence[FamilyWorld]) -> PageTable:
    columns = ["world", "rel5", "over kernel density", "over the safer models", "coverage", *SHORT_NAMES]
    rows = [
        [
            world.name,
            world.rel5,
            world.over[KERNEL],
            world.over_safe,
            world.coverage,
            *(world.design.factors[name] for name in SHORT_NAMES),
        ]
        for world in sorted(lost, key=lambda one: min(one.over[KERNEL], one.over_safe / 0.95))
    ]
    numbers = [name for name in SHORT_NAMES if name not in {"routes", "movement"}]
    return PageTable.of(columns, rows, dict.fromkeys((*columns[1:5], *numbers), short))
