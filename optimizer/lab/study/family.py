"""The family of worlds, the first section of the page: figures of each world, the worst cases, and what they have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from optimizer.lab.pages import PageTable, short
from optimizer.lab.study.cells import DESIGNED, EVEN, FAMILY_REGIONS, FAMILY_SEEDS, FAMILY_WORLDS, family
from optimizer.lab.study.measures import ESTIMATORS, FIELD, KERNELS, OURS
from optimizer.lab.study.summary import Sample, cover90, rel5, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.lab.study.cells import MapRow
    from optimizer.risk.simulation.settings import WorldDesign

    Floats = NDArray[np.float64]

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


SHRUNK = "ShrunkRate"

KERNEL = "KernelDensity, the better reach"

BASELINES = (KERNEL, *(name for name in ESTIMATORS if name not in {OURS, *KERNELS}))


@dataclass(frozen=True)
class FamilyWorld:
    """The recommended model in one world of the family, over the truths that were run.

    Attributes
    ----------
    name, design
        The world.
    truths
        How many.
    rel5
        Mean share of the attainable traffic that it captures.
    over
        Baseline -> its mean rel5 over theirs.
    share
        Median share of the truth's own gain in log score; NaN where the truth gains nothing.
    coverage
        Mean coverage of 90 % intervals.
    lost
        Mean rel5 lost beside the same worlds searched evenly; NaN where effort does not move.
    """

    name: str
    design: WorldDesign
    truths: int
    rel5: float
    over: Mapping[str, float]
    share: float
    coverage: float
    lost: float

    @property
    def over_safe(self) -> float:
        """Rel5 over that of the better of the field alone and the shrunk rate."""
        return min(self.over[FIELD], self.over[SHRUNK])


def family_worlds(rows: Iterable[MapRow]) -> list[FamilyWorld]:
    """Return the worlds that have at least one truth with every estimator, in the order of their numbers."""
    by_world: dict[str, list[MapRow]] = {}
    for row in rows:
        by_world.setdefault(row.world, []).append(row)
    found = []
    for name, mine in sorted(by_world.items()):
        sample = Sample(row for row in mine if row.effort == DESIGNED)
        if len(sample):
            found.append(_world(name, sample, {(row.region, row.seed): row.rel5 for row in mine if row.effort == EVEN}))
    return found


def _world(name: str, sample: Sample, even: Mapping[tuple[str, int], float]) -> FamilyWorld:
    ours = sample.values(OURS, rel5)
    theirs = {other: float(sample.values(other, rel5).mean()) for other in ESTIMATORS}
    theirs[KERNEL] = max(theirs[other] for other in KERNELS)
    lost = [even[truth] - mine for truth, mine in zip(sample.truths, ours.tolist(), strict=True) if truth in even]
    shares = sample.values(OURS, share)
    return FamilyWorld(
        name,
        family()[int(name[1:])],
        len(sample),
        float(ours.mean()),
        {other: float(ours.mean()) / max(theirs[other], 1e-9) for other in BASELINES},
        float(np.median(shares[np.isfinite(shares)])) if np.isfinite(shares).any() else np.nan,
        float(np.nanmean(sample.values(OURS, cover90))),
        float(np.mean(lost)) if lost else np.nan,
    )


@dataclass(frozen=True, slots=True)
class Aim:
    """An aim over the family: what is to be how large, and what it is."""

    name: str
    least: float
    found: float

    @property
    def verdict(self) -> str:
        """Whether it is met."""
        return "met" if self.found >= self.least else "**missed**"


def aims(worlds: Sequence[FamilyWorld]) -> tuple[Aim, ...]:
    """Return the aims that were set for the family before it was run."""
    kernel = np.array([world.over[KERNEL] for world in worlds])
    coverage = np.array([world.coverage for world in worlds])
    safe = np.array([world.over_safe for world in worlds])
    return (
        Aim("rel5 over network kernel density, median world", 1.5, float(np.median(kernel))),
        Aim("worlds in which it is at least 1", 0.9, float((kernel >= 1).mean())),
        Aim(
            "worlds in which 90 % intervals cover 85 to 95 %",
            0.9,
            float(((coverage >= 0.85) & (coverage <= 0.95)).mean()),
        ),
        Aim("rel5 over the better of the field alone and the shrunk rate, worst world", 0.95, float(safe.min())),
    )


@dataclass(frozen=True, slots=True)
class Association:
    """How a factor goes with the figures of the worlds: rank correlations, NaN where it does not vary."""

    factor: str
    over_kernel: float
    share: float
    coverage: float

    @property
    def strongest(self) -> float:
        """The largest of them in size."""
        return float(np.nanmax(np.abs([self.over_kernel, self.share, self.coverage, 0.0])))


def associations(worlds: Sequence[FamilyWorld]) -> list[Association]:
    """Return how each factor goes with the figures, the strongest first; a factor of names counts once a name."""
    figures = (
        [world.over[KERNEL] for world in worlds],
        [world.share for world in worlds],
        [world.coverage for world in worlds],
    )
    found = []
    for name, values in _numbers([world.design for world in worlds]).items():
        found.append(Association(name, *(_rank_correlation(values, np.array(figure)) for figure in figures)))
    return sorted(found, key=lambda one: -one.strongest)


def _numbers(designs: Sequence[WorldDesign]) -> dict[str, Floats]:
    out: dict[str, Floats] = {}
    for name in designs[0].factors if designs else ():
        values = [design.factors[name] for design in designs]
        if isinstance(values[0], str):
            for word in sorted(set(values)):
                out[f"{name}: {word}"] = np.array([value == word for value in values], dtype=np.float64)
        else:
            out[name] = np.array(values, dtype=np.float64)
    return out


def _rank_correlation(values: Floats, figure: Floats) -> float:
    known = np.isfinite(figure)
    if known.sum() < 3 or np.ptp(values[known]) == 0 or np.ptp(figure[known]) == 0:
        return np.nan
    return float(spearmanr(values[known], figure[known]).statistic)
