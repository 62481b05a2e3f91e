"""What the rows of the family come to: figures of each world, their distribution over worlds, and the factors that they go with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from optimizer.lab.study.cells import DESIGNED, EVEN, family
from optimizer.lab.study.estimators import ESTIMATORS, FIELD, KERNELS, OURS
from optimizer.lab.study.summary import Sample, cover90, rel5, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.lab.study.rows import MapRow
    from optimizer.risk.simulation import WorldDesign

    Floats = NDArray[np.float64]

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
