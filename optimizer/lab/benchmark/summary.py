"""What the rows come to: medians over seeds, mean times, ratios."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.lab.benchmark.rows import PlacementRow

SHIFT_SECONDS = 1.0
"""Shift of the geometric mean of times: differences well below it hardly count."""
LEAST_SECONDS = 0.01
"""Times below this are taken as this in ratios."""


@dataclass(frozen=True, slots=True)
class Score:
    """How a method did on one problem, over all seeds.

    Attributes
    ----------
    instance, family, method
        Names.
    seconds
        Median time, s; a run that did not prove the gap asked for counts as its time limit.
    proven
        Whether the median run proved the gap.
    gap
        Median gap; 1 where a run has no bounds.
    gap_to_best
        Median of (upper - best known) / upper; None where no run has a plan.
    upper, lower
        Best of the runs; None where unknown.
    peak_mb
        Largest of the runs.
    runs
        Number of seeds.
    """

    instance: str
    family: str
    method: str
    seconds: float
    proven: bool
    gap: float
    gap_to_best: float | None
    upper: float | None
    lower: float | None
    peak_mb: float | None
    runs: int


def usual_setting(rows: Sequence[PlacementRow], **asked: float | None) -> list[PlacementRow]:
    """Return the rows of one setting: the newest row's among those that match what is asked for.

    A setting is a gap, a time and a memory limit, and a version; of a method of another package, the version of its newest row.
    """
    matching = [row for row in rows if all(value in {None, getattr(row, name)} for name, value in asked.items())]
    if not matching:
        return []
    newest = max(matching, key=lambda row: row.date)
    same = [row for row in matching if row.setting == newest.setting]
    package = {row.method: row.package for row in sorted(same, key=lambda row: row.date)}
    return [row for row in same if row.package == package[row.method]]


def scores(rows: Iterable[PlacementRow], best: dict[str, float]) -> list[Score]:
    """Return one score for each instance and method, in the order the instances come."""
    groups: dict[tuple[str, str, str], list[PlacementRow]] = {}
    for row in rows:
        groups.setdefault((row.family, row.instance, row.method), []).append(row)
    return [_score(group, best.get(group[0].instance)) for group in groups.values()]


def best_of(rows: Iterable[PlacementRow], known: dict[str, float]) -> dict[str, float]:
    """Return the best value of each instance: what was known, or a run's where it is better by more than a rounded value's last place."""
    best = dict(known)
    for row in rows:
        if row.upper is not None:
            best[row.instance] = min(row.upper, best.get(row.instance, np.inf))
    return best


def shifted_mean(seconds: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the geometric mean of times, shifted by `SHIFT_SECONDS`."""
    return float(np.exp(np.mean(np.log(np.asarray(seconds) + SHIFT_SECONDS))) - SHIFT_SECONDS)


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean of ratios > 0."""
    return float(np.exp(np.mean(np.log(ratios))))


def complete(table: Sequence[Score], methods: Sequence[str]) -> dict[str, dict[str, Score]]:
    """Return the problems that every one of the methods was run on: instance to method to score."""
    problems: dict[str, dict[str, Score]] = {}
    for score in table:
        problems.setdefault(score.instance, {})[score.method] = score
    return {name: row for name, row in problems.items() if all(method in row for method in methods)}


@dataclass(frozen=True, slots=True)
class Choice:
    """How well `auto` chooses: its total time beside that of the best single method of each problem.

    Attributes
    ----------
    problems
        Number of problems compared.
    auto, best
        Total seconds.
    chosen
        How often each method was the best one.
    """

    problems: int
    auto: float
    best: float
    chosen: dict[str, int]

    @property
    def ratio(self) -> float:
        """Total time of `auto` over that of the best methods."""
        return self.auto / max(self.best, LEAST_SECONDS)


def choice(table: Sequence[Score], methods: Sequence[str], auto: str = "auto") -> Choice | None:
    """Return how `auto` compares with the better method chosen problem by problem; None when there is nothing to compare."""
    others = [method for method in methods if method != auto]
    problems = complete(table, methods)
    if auto not in methods or not others or not problems:
        return None
    winners = [min((row[method] for method in others), key=lambda score: score.seconds) for row in problems.values()]
    return Choice(
        problems=len(problems),
        auto=sum(row[auto].seconds for row in problems.values()),
        best=sum(score.seconds for score in winners),
        chosen=dict(Counter(score.method for score in winners).most_common()),
    )


def profile(table: Sequence[Score], methods: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return for each method its sorted times over the best method's, problem by problem; infinity where it proved nothing in time.

    Performance profiles: Dolan & More, Mathematical Programming 91 (2002). Only problems that every method was run on count.
    """
    problems = list(complete(table, methods).values())
    times = {
        method: np.array(
            [max(row[method].seconds, LEAST_SECONDS) if row[method].proven else np.inf for row in problems]
        )
        for method in methods
    }
    if not problems:
        return {method: np.empty(0) for method in methods}
    quickest = np.min(list(times.values()), axis=0)
    return {
        method: np.sort(
            np.divide(own, quickest, out=np.full(own.size, np.inf), where=np.isfinite(own) & np.isfinite(quickest))
        )
        for method, own in times.items()
    }


def _score(runs: list[PlacementRow], best: float | None) -> Score:
    first = runs[0]
    seconds = np.median([_counted(row) for row in runs])
    to_best = [(row.upper - best) / row.upper if row.upper else 0.0 for row in runs if row.upper is not None and best]
    return Score(
        instance=first.instance,
        family=first.family,
        method=first.method,
        seconds=float(seconds),
        proven=2 * sum(row.status == "optimal" for row in runs) > len(runs),
        gap=float(np.median([1.0 if row.gap is None else row.gap for row in runs])),
        gap_to_best=float(np.median(to_best)) if to_best else None,
        upper=min((row.upper for row in runs if row.upper is not None), default=None),
        lower=max((row.lower for row in runs if row.lower is not None), default=None),
        peak_mb=max((row.peak_mb for row in runs if row.peak_mb is not None), default=None),
        runs=len(runs),
    )


def _counted(row: PlacementRow) -> float:
    """Return the seconds a run counts: its own if it proved what was asked, else its time limit."""
    return row.seconds if row.status == "optimal" and row.seconds is not None else row.time_limit
