"""What the rows come to: means and medians over truths, paired between estimators, with
bootstrap intervals; and the goals set before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from optimizer.lab.pages import PageTable, short
from optimizer.lab.study.cells import (
    DESIGNED,
    EVEN,
    FAMILY_REGIONS,
    FAMILY_SEEDS,
    FAMILY_WORLDS,
    MapRow,
    family,
)
from optimizer.lab.study.study import ESTIMATORS, FIELD, KERNELS, LEVELS, OURS, RAW
from optimizer.risk.simulation.settings import WorldDesign

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


DRAWS, SEED = 4000, 20_261_124

INTERVAL = (5, 95)
"""Percentiles of the bootstrap."""

NINETY = LEVELS.index(0.9)


@dataclass(frozen=True, slots=True)
class Statistic:
    """A figure with its 90 % bootstrap interval over truths."""

    #: `value`, `low`, `high`: The figure and the ends of its interval.
    value: float
    low: float
    high: float
    #: Over how many truths it was taken.
    truths: int


class Sample:
    """The rows of one way to search one kind of world, for all truths on which every
    estimator has a row.

    Parameters
    ----------
    rows
        Rows of one world, effort and number of seizures.

    Attributes
    ----------
    truths
        Region and seed of each.
    """

    def __init__(self, rows: Iterable[MapRow]) -> None:
        found: dict[tuple[str, int], dict[str, MapRow]] = {}
        for row in rows:
            found.setdefault((row.region, row.seed), {})[row.estimator] = row
        self._rows = {
            truth: found[truth]
            for truth in sorted(found)
            if found[truth].keys() >= ESTIMATORS.keys()
        }
        self.truths = list(self._rows)

    def __len__(self) -> int:
        """Return the number of truths."""
        return len(self.truths)

    def of_region(self, region: str) -> Sample:
        """Return the truths of one region."""
        return self._only([truth for truth in self.truths if truth[0] == region])

    def among(self, other: Sample) -> Sample:
        """Return the truths that the other has too."""
        return self._only([truth for truth in self.truths if truth in other._rows])

    def _only(self, truths: Sequence[tuple[str, int]]) -> Sample:
        return Sample(row for truth in truths for row in self._rows[truth].values())

    def values(self, estimator: str, of: Callable[[MapRow], float | None]) -> Floats:
        """Return (truths,) values of an estimator; NaN where a row has none."""
        found = [of(rows[estimator]) for rows in self._rows.values()]
        return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def samples(rows: Iterable[MapRow]) -> dict[tuple[str, str, int], Sample]:
    """Return the sample of each world, effort and number of seizures."""
    groups: dict[tuple[str, str, int], list[MapRow]] = {}
    for row in rows:
        groups.setdefault((row.world, row.effort, row.seizures), []).append(row)
    return {name: sample for name, group in groups.items() if len(sample := Sample(group))}


def statistic(truths: int, measure: Callable[[Whole], Floats]) -> Statistic | None:
    """Return a statistic and its interval; None where there is no truth or it is not a
    number.

    Parameters
    ----------
    truths
        Number of truths k.
    measure
        From (draws, k) positions of truths to (draws,) numbers.
    """
    if not truths:
        return None
    everything = np.arange(truths)[None, :]
    value = float(measure(everything)[0])
    if not np.isfinite(value):
        return None
    drawn = measure(np.random.default_rng(SEED).integers(truths, size=(DRAWS, truths)))
    low, high = np.nanpercentile(drawn, INTERVAL)
    return Statistic(value, float(low), float(high), truths)


def mean_of(values: Floats) -> Statistic | None:
    """Return the mean of (truths,) values."""
    kept = values[np.isfinite(values)]
    return statistic(kept.size, lambda at: kept[at].mean(axis=-1))


def median_of(values: Floats) -> Statistic | None:
    """Return the median of (truths,) values."""
    kept = values[np.isfinite(values)]
    return statistic(kept.size, lambda at: np.median(kept[at], axis=-1))


def rel5(row: MapRow) -> float:
    """Return the true rate captured."""
    return row.rel5


def cover90(row: MapRow) -> float | None:
    """Return the coverage of 90 % intervals."""
    return None if row.coverage is None else row.coverage[NINETY]


def share(row: MapRow) -> float | None:
    """Return the share of the truth's own gain in log score over one rate for all; None
    where the truth gains nothing.
    """
    return _share(row.log_model, row.log_truth, row.log_global)


def audit_share(row: MapRow) -> float | None:
    """Return the same where later months are searched evenly."""
    return _share(row.audit_model, row.audit_truth, row.audit_global)


def _share(model: float | None, truth: float | None, overall: float | None) -> float | None:
    if model is None or truth is None or overall is None or truth <= overall:
        return None
    return (model - overall) / (truth - overall)


def over(sample: Sample, others: Sequence[str]) -> Statistic | None:
    """Return the mean rel5 of FieldFlow over that of the best of the others."""
    ours = sample.values(OURS, rel5)
    theirs = np.array([sample.values(name, rel5) for name in others])
    return statistic(
        len(sample), lambda at: ours[at].mean(axis=-1) / theirs[:, at].mean(axis=-1).max(axis=0)
    )


def over_kernel(sample: Sample) -> Statistic | None:
    """Return the ratio to network kernel density, with the better of its reaches."""
    return over(sample, KERNELS)


def over_counts(sample: Sample) -> Statistic | None:
    """Return the ratio to raw counts."""
    return over(sample, (RAW,))


def over_field(sample: Sample) -> Statistic | None:
    """Return the ratio to the field alone."""
    return over(sample, (FIELD,))


def most_over(sample: Sample, others: Sequence[str]) -> Statistic | None:
    """Return what the truth's own ranking makes of the same ratio: no estimator can do better."""
    theirs = np.array([sample.values(name, rel5) for name in others])
    return statistic(len(sample), lambda at: 1 / theirs[:, at].mean(axis=-1).max(axis=0))


def lost(even: Sample, chased: Sample, estimator: str = OURS) -> Statistic | None:
    """Return the mean rel5 that is lost from one way of searching to another."""
    gone = even.among(chased).values(estimator, rel5) - chased.among(even).values(estimator, rel5)
    return mean_of(gone)


Samples = Mapping[tuple[str, str, int], Sample]

USUAL_SEIZURES = 400

WORLD_NAMES = {
    "flows": "all flows",
    "uninformed": "all flows, wrong masses",
    "mixed": "60 % flows, 40 % local",
    "local": "nothing but local",
}


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal that was set for a figure."""

    #: What it is.
    name: str
    #: `least`, `most`: Where it is to lie.
    least: float
    most: float
    #: What the rows make of it; None where they do not say.
    figure: Callable[[Samples], Statistic | None]
    #: The best that the truth itself could make of it; None where that says nothing.
    reach: Callable[[Samples], Statistic | None] | None = None

    @property
    def bound(self) -> str:
        """The goal in signs."""
        if self.most == inf:
            return f"\N{GREATER-THAN OR EQUAL TO} {self.least:g}"
        if self.least == -inf:
            return f"\N{LESS-THAN OR EQUAL TO} {self.most:g}"
        return f"{self.least:g} to {self.most:g}"

    def verdict(self, found: Statistic | None) -> str:
        """Say whether it is met, and whether the other could be so by chance."""
        if found is None:
            return "not measured"
        met = self.least <= found.value <= self.most
        ends = [self.least <= end <= self.most for end in (found.low, found.high)]
        spans = found.low < self.least and found.high > self.most
        sure = not spans and all(end == met for end in ends)
        return ("met" if met else "missed") + ("" if sure else ", within chance")


def _in(
    world: str, of: Callable[[Sample], Statistic | None]
) -> Callable[[Samples], Statistic | None]:
    chased = (world, "feedback", USUAL_SEIZURES)
    return lambda known: of(known[chased]) if chased in known else None


def _loss(world: str) -> Callable[[Samples], Statistic | None]:
    even, chased = (world, "uniform", USUAL_SEIZURES), (world, "feedback", USUAL_SEIZURES)
    return lambda known: (
        lost(known[even], known[chased], OURS) if even in known and chased in known else None
    )


GOALS: tuple[Goal, ...] = (
    Goal(
        "rel5 over network kernel density, mixed world",
        1.5,
        inf,
        _in("mixed", over_kernel),
        _in("mixed", lambda sample: most_over(sample, KERNELS)),
    ),
    Goal(
        "rel5 over network kernel density, all flows",
        1.6,
        inf,
        _in("flows", over_kernel),
        _in("flows", lambda sample: most_over(sample, KERNELS)),
    ),
    Goal(
        "rel5 over raw counts, mixed world",
        1.8,
        inf,
        _in("mixed", over_counts),
        _in("mixed", lambda sample: most_over(sample, (RAW,))),
    ),
    Goal(
        "rel5 over the field alone, where flows explain nothing",
        0.95,
        inf,
        _in("local", over_field),
    ),
    Goal("rel5 lost from uniform to feedback effort, mixed world", -inf, 0.06, _loss("mixed")),
    Goal("rel5 lost from uniform to feedback effort, all flows", -inf, 0.06, _loss("flows")),
    *(
        Goal(
            f"share of the truth's own log-score gain, median: {words}",
            0.85,
            inf,
            _in(world, lambda sample: median_of(sample.values(OURS, share))),
        )
        for world, words in WORLD_NAMES.items()
    ),
    *(
        Goal(
            f"coverage of 90 % intervals on active segments: {words}",
            0.87,
            0.93,
            _in(world, lambda sample: mean_of(sample.values(OURS, cover90))),
        )
        for world, words in WORLD_NAMES.items()
    ),
    Goal(
        "seconds of a fit with intervals, mixed world, median",
        0,
        1,
        _in("mixed", lambda sample: median_of(sample.values(OURS, lambda row: row.seconds))),
    ),
)
"""Figures under feedback effort with about 400 seizures, unless the name says otherwise."""


# The family of worlds, the first section of the page: figures of each world, the worst
# cases, and what they have in common.


BY_CHANCE = 1.96
"""Rank correlation, times the root of the number of worlds less one, that chance
reaches in one factor of twenty (two-sided).
"""

SHOWN_FACTORS = 12

SHORT_NAMES = (
    "flow_share",
    "routes",
    "movement",
    "open_share",
    "tips",
    "displaced",
    "place_error_m",
    "seizures",
)
"""Factors that the table of lost worlds shows."""


@dataclass(frozen=True, slots=True)
class FamilyContent:
    """What the section says."""

    #: `worlds`, `truths`, `rows`: How many worlds, truths of all worlds (searched as
    #: designed), and rows.
    worlds: int
    truths: int
    rows: int
    #: `all_worlds`, `planned`: How many worlds and truths the whole family has.
    all_worlds: int
    planned: int
    #: Names of the roads.
    regions: str
    #: `aims`, `distribution`, `factors`, `losses`: Tables.
    aims: PageTable
    distribution: PageTable
    factors: PageTable
    losses: PageTable
    #: Worlds in which kernel density or a safer model of the same record captures more.
    lost: int
    #: From where on a rank correlation is in bold.
    notable: str


def family_content(rows: Sequence[MapRow]) -> FamilyContent | None:
    """Return the section of some rows of one version; None where no world has a truth
    with every estimator.
    """
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
        rows.append(
            [
                name,
                float(np.median(known)),
                float(np.percentile(known, bad)),
                float(worst),
                known.size,
            ]
        )

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
    rows = [
        [one.factor, one.over_kernel, one.share, one.coverage]
        for one in associations(worlds)[:SHOWN_FACTORS]
    ]
    return PageTable.of(columns, rows, dict.fromkeys(columns[1:], marked))


def _notable(worlds: Sequence[FamilyWorld]) -> float:
    return BY_CHANCE / math.sqrt(max(len(worlds) - 1, 1))


def _losses(lost: Sequence[FamilyWorld]) -> PageTable:
    columns = [
        "world",
        "rel5",
        "over kernel density",
        "over the safer models",
        "coverage",
        *SHORT_NAMES,
    ]
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
    """The recommended model in one world of the family, over the truths that were run."""

    #: `name`, `design`: The world.
    name: str
    design: WorldDesign
    #: How many.
    truths: int
    #: Mean share of the attainable traffic that it captures.
    rel5: float
    #: Baseline -> its mean rel5 over theirs.
    over: Mapping[str, float]
    #: Median share of the truth's own gain in log score; NaN where the truth gains
    #: nothing.
    share: float
    #: Mean coverage of 90 % intervals.
    coverage: float
    #: Mean rel5 lost beside the same worlds searched evenly; NaN where effort does not
    #: move.
    lost: float

    @property
    def over_safe(self) -> float:
        """Rel5 over that of the better of the field alone and the shrunk rate."""
        return min(self.over[FIELD], self.over[SHRUNK])


def family_worlds(rows: Iterable[MapRow]) -> list[FamilyWorld]:
    """Return the worlds that have at least one truth with every estimator, in the order
    of their numbers.
    """
    by_world: dict[str, list[MapRow]] = {}
    for row in rows:
        by_world.setdefault(row.world, []).append(row)
    found = []
    for name, mine in sorted(by_world.items()):
        sample = Sample(row for row in mine if row.effort == DESIGNED)
        if len(sample):
            found.append(
                _world(
                    name,
                    sample,
                    {(row.region, row.seed): row.rel5 for row in mine if row.effort == EVEN},
                )
            )
    return found


def _world(name: str, sample: Sample, even: Mapping[tuple[str, int], float]) -> FamilyWorld:
    ours = sample.values(OURS, rel5)
    theirs = {other: float(sample.values(other, rel5).mean()) for other in ESTIMATORS}
    theirs[KERNEL] = max(theirs[other] for other in KERNELS)
    lost = [
        even[truth] - mine
        for truth, mine in zip(sample.truths, ours.tolist(), strict=True)
        if truth in even
    ]
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
        Aim(
            "rel5 over the better of the field alone and the shrunk rate, worst world",
            0.95,
            float(safe.min()),
        ),
    )


@dataclass(frozen=True, slots=True)
class Association:
    """How a factor goes with the figures of the worlds: rank correlations, NaN where it
    does not vary.
    """

    factor: str
    over_kernel: float
    share: float
    coverage: float

    @property
    def strongest(self) -> float:
        """The largest of them in size."""
        return float(np.nanmax(np.abs([self.over_kernel, self.share, self.coverage, 0.0])))


def associations(worlds: Sequence[FamilyWorld]) -> list[Association]:
    """Return how each factor goes with the figures, the strongest first; a factor of
    names counts once a name.
    """
    figures = (
        [world.over[KERNEL] for world in worlds],
        [world.share for world in worlds],
        [world.coverage for world in worlds],
    )
    found = []
    for name, values in _numbers([world.design for world in worlds]).items():
        found.append(
            Association(name, *(_rank_correlation(values, np.array(figure)) for figure in figures))
        )
    return sorted(found, key=lambda one: -one.strongest)


def _numbers(designs: Sequence[WorldDesign]) -> dict[str, Floats]:
    out: dict[str, Floats] = {}
    for name in designs[0].factors if designs else ():
        values = [design.factors[name] for design in designs]
        if isinstance(values[0], str):
            for word in sorted(set(values)):
                out[f"{name}: {word}"] = np.array(
                    [value == word for value in values], dtype=np.float64
                )
        else:
            out[name] = np.array(values, dtype=np.float64)
    return out


def _rank_correlation(values: Floats, figure: Floats) -> float:
    known = np.isfinite(figure)
    if known.sum() < 3 or np.ptp(values[known]) == 0 or np.ptp(figure[known]) == 0:
        return np.nan
    return float(spearmanr(values[known], figure[known]).statistic)
