"""What the rows come to: means and medians over truths, paired between estimators, with bootstrap intervals; and the goals set before."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Mapping,
)
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.study.measures import ESTIMATORS, FIELD, KERNELS, LEVELS, OURS, RAW

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.lab.study.cells import MapRow

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

DRAWS, SEED = 4000, 20_261_124

INTERVAL = (5, 95)
"""Percentiles of the bootstrap."""

NINETY = LEVELS.index(0.9)


@dataclass(frozen=True, slots=True)
class Statistic:
    """A figure with its 90 % bootstrap interval over truths.

    Attributes
    ----------
    value, low, high
        The figure and the ends of its interval.
    truths
        Over how many truths it was taken.
    """

    value: float
    low: float
    high: float
    truths: int


class Sample:
    """The rows of one way to search one kind of world, for all truths on which every estimator has a row.

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
        self._rows = {truth: found[truth] for truth in sorted(found) if found[truth].keys() >= ESTIMATORS.keys()}
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
    """Return a statistic and its interval; None where there is no truth or it is not a number.

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
    """Return the share of the truth's own gain in log score over one rate for all; None where the truth gains nothing."""
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
    return statistic(len(sample), lambda at: ours[at].mean(axis=-1) / theirs[:, at].mean(axis=-1).max(axis=0))


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
    """A goal that was set for a figure.

    Attributes
    ----------
    name
        What it is.
    least, most
        Where it is to lie.
    figure
        What the rows make of it; None where they do not say.
    reach
        The best that the truth itself could make of it; None where that says nothing.
    """

    name: str
    least: float
    most: float
    figure: Callable[[Samples], Statistic | None]
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


def _in(world: str, of: Callable[[Sample], Statistic | None]) -> Callable[[Samples], Statistic | None]:
    chased = (world, "feedback", USUAL_SEIZURES)
    return lambda known: of(known[chased]) if chased in known else None


def _loss(world: str) -> Callable[[Samples], Statistic | None]:
    even, chased = (world, "uniform", USUAL_SEIZURES), (world, "feedback", USUAL_SEIZURES)
    return lambda known: lost(known[even], known[chased], OURS) if even in known and chased in known else None


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
    Goal("rel5 over the field alone, where flows explain nothing", 0.95, inf, _in("local", over_field)),
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
