"""What the rows come to: medians over seeds, mean times, ratios."""

from __future__ import annotations

import math
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
        Median of `seconds_of`; a run that did not prove the gap asked for within its time limit counts as that limit.
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


def newest_by_method(rows: Sequence[PlacementRow], methods: Iterable[str]) -> list[PlacementRow]:
    """Return the rows of some methods, of each those of the setting of its newest row."""
    return [row for method in methods for row in usual_setting([row for row in rows if row.method == method])]


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
    return {name: row for name, row in by_problem(table).items() if all(method in row for method in methods)}


def by_problem(table: Iterable[Score]) -> dict[str, dict[str, Score]]:
    """Return the scores by instance and method."""
    problems: dict[str, dict[str, Score]] = {}
    for score in table:
        problems.setdefault(score.instance, {})[score.method] = score
    return problems


@dataclass(frozen=True, slots=True)
class Total:
    """The total time of `auto` on some problems beside that of the best other method of each problem, chosen afterwards.

    Attributes
    ----------
    family
        Name; `all` for all problems.
    problems
        Number of problems compared: those that `auto` and some other method were run on.
    auto, best
        Total seconds.
    unproven
        Seconds that count on both sides for problems that no method proved.
    chosen
        How often each other method was the best one, on the problems that one of them proved.
    """

    family: str
    problems: int
    auto: float
    best: float
    unproven: float
    chosen: dict[str, int]

    @property
    def ratio(self) -> float:
        """Total time of `auto` over that of the best methods."""
        return self.auto / max(self.best, LEAST_SECONDS)

    @property
    def ratio_of_proven(self) -> float:
        """The same on the problems that some method proved."""
        return (self.auto - self.unproven) / max(self.best - self.unproven, LEAST_SECONDS)


def totals(table: Sequence[Score], auto: str = "auto") -> list[Total]:
    """Return how `auto` compares with the best other method chosen problem by problem: by family, and on all problems; none without any."""
    problems = [row for row in by_problem(table).values() if auto in row and len(row) > 1]
    families = dict.fromkeys(row[auto].family for row in problems)
    found = [_total(family, [row for row in problems if row[auto].family == family], auto) for family in families]
    return [*found, _total("all", problems, auto)] if problems else []


def _total(family: str, problems: Sequence[dict[str, Score]], auto: str) -> Total:
    rivals = [[score for score in row.values() if score.method != auto] for row in problems]
    winners = [min(scores, key=lambda score: (not score.proven, score.seconds)) for scores in rivals]
    return Total(
        family=family,
        problems=len(problems),
        auto=math.fsum(row[auto].seconds for row in problems),
        best=math.fsum(score.seconds for score in winners),
        unproven=math.fsum(row[auto].seconds for row in problems if not any(score.proven for score in row.values())),
        chosen=dict(Counter(score.method for score in winners if score.proven).most_common()),
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
        proven=2 * sum(map(_proven, runs)) > len(runs),
        gap=float(np.median([1.0 if row.gap is None else row.gap for row in runs])),
        gap_to_best=float(np.median(to_best)) if to_best else None,
        upper=min((row.upper for row in runs if row.upper is not None), default=None),
        lower=max((row.lower for row in runs if row.lower is not None), default=None),
        peak_mb=max((row.peak_mb for row in runs if row.peak_mb is not None), default=None),
        runs=len(runs),
    )


def seconds_of(row: PlacementRow) -> float | None:
    """Return the time of a run: processor seconds where one process searched and they were recorded, else by the clock; None where unknown."""
    return row.processor_s if row.threads == 1 and row.processor_s is not None else row.seconds


def _proven(row: PlacementRow) -> bool:
    took = seconds_of(row)
    return row.status == "optimal" and took is not None and took <= row.time_limit


def _counted(row: PlacementRow) -> float:
    """Return the seconds a run counts: its own if it proved what was asked in time, else its time limit."""
    took = seconds_of(row)
    return took if took is not None and _proven(row) else row.time_limit
