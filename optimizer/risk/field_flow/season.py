"""The months of the year: when a unit of effort finds more, and when less.

    seizures in month t ~ Poisson(exp(season_t) x what its effort would find in an average month),      season a random walk around the year

The spread of the walk's steps is the one of `SPREADS` under which the months' seizures
are likeliest; 0 among them is no season at all. A known season makes effort comparable:
an hour in a month that finds twice as much counts as two hours of an average month.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from optimizer.records.model import Effort, Exposure, Seizures, unit_of_seizures

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]

SPREADS = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Standard deviations of the step from one month's log factor to the next that are tried."""
NO_SEASON = np.ones(12)


def fit_season(count: Floats, expected: Floats) -> Floats:
    """Return the (12,) factors of the months, with mean 1.

    Parameters
    ----------
    count, expected
        (12,) seizures of each month of the year, and what the effort would have found
        had all months been alike.
    """
    if count.sum() <= 0 or (expected > 0).sum() < 2:
        return NO_SEASON
    expected = expected * count.sum() / expected.sum()
    chances = [_walk(count, expected, spread) for spread in SPREADS]
    season = max(chances, key=lambda item: item[0])[1]
    factor = np.exp(season)
    return np.asarray(factor / factor.mean())


def _walk(count: Floats, expected: Floats, spread: float) -> tuple[float, Floats]:
    """Return the log chance of the months' seizures under steps of a spread, by
    Laplace's approximation, and the likeliest log factors.
    """
    used = expected > 0
    log_expected = np.log(np.where(used, expected, 1.0))

    def value(season: Floats) -> float:
        mean = expected * np.exp(season)
        chance = count * (log_expected + season) - mean - gammaln(count + 1)
        return float(chance[used].sum())

    season = np.zeros(12)
    if spread == 0:
        return value(season), season
    step = np.eye(12) - np.roll(np.eye(12), 1, axis=1)
    # the year's own level is vague, as b0 is elsewhere
    precision = step.T @ step / spread**2 + np.eye(12) / 100
    for _ in range(50):
        mean = expected * np.exp(season)
        hessian = precision + np.diag(mean)
        change = np.linalg.solve(hessian, np.where(used, count - mean, 0.0) - precision @ season)
        season = season + np.clip(change, -1, 1)
        if np.abs(change).max() < 1e-9:
            break
    hessian = precision + np.diag(expected * np.exp(season))
    # what the vague level costs, which no season does not pay
    level = 0.5 * np.log((expected.sum() + 0.12) / 0.12)
    chance = value(season) - 0.5 * float(season @ precision @ season)
    chance += 0.5 * float(np.linalg.slogdet(precision)[1] - np.linalg.slogdet(hessian)[1])
    return chance + float(level), season


@dataclass(frozen=True)
class MonthlyCounts:
    """By month of the year: (12,) seizures, and (12,) what the effort would find in an
    average month.
    """

    count: Floats
    expected: Floats


def by_month(
    records: Seizures,
    effort: Effort,
    exposure: Exposure,
    network: Network,
    global_rate: Floats,
    index: Floats,
) -> MonthlyCounts:
    """Count seizures by month of the year.

    Units with a row that spans more than one month are left out: their rows cannot say
    which month it was.

    Parameters
    ----------
    records, effort
        The record.
    exposure
        Its effort by unit and segment.
    network
        The roads, m segments.
    global_rate
        Seizures by unit of effort, in the order of the effort's units.
    index
        (m,) risk index of each segment.
    """
    length = network.length_m[network.segment_arc]
    mean_of_area = np.array(
        [
            np.average(index[members], weights=length[members]) if members.size else 0.0
            for members in effort.area_segment
        ]
    )
    unit = np.array([exposure.units.index(name) for name in effort.unit], dtype=np.int64)[
        effort.source
    ]
    made_by = unit_of_seizures(records, exposure)
    monthly = np.ones(len(exposure.units), dtype=bool)
    monthly[unit[~_in_one_month(effort.start, effort.end)]] = False
    monthly[made_by[~_in_one_month(records.start, records.end)]] = False
    at = np.where(effort.segment >= 0, index[np.maximum(effort.segment, 0)], 0.0)
    in_area = effort.segment < 0
    at[in_area] = mean_of_area[effort.area[in_area]]
    rows = monthly[unit] & np.isfinite(global_rate)[unit]
    weighed = (effort.amount * at)[rows] * global_rate[unit[rows]]
    expected = np.bincount(_month(effort.start[rows]), weighed, 12).astype(np.float64)
    searched = exposure.amount[made_by, np.maximum(records.segment, 0)] > 0
    seizures = monthly[made_by] & ((records.segment < 0) | searched)
    return MonthlyCounts(
        np.bincount(_month(records.start[seizures]), records.count[seizures], 12).astype(
            np.float64
        ),
        expected,
    )


def in_average_months(effort: Effort, season: Floats) -> Effort:
    """Return the effort in hours of an average month: each row times the mean of the
    (12,) season over its days.
    """
    if (season == 1).all():
        return effort
    day = np.concatenate(([0.0], np.cumsum(season[_month(_CALENDAR)])))
    origin = _CALENDAR[0]
    start = np.clip((effort.start - origin).astype(np.int64), 0, day.size - 2)
    end = np.clip((effort.end - origin).astype(np.int64), start + 1, day.size - 1)
    return replace(effort, amount=effort.amount * (day[end] - day[start]) / (end - start))


_CALENDAR = np.arange("1950-01-01", "2100-01-01", dtype="datetime64[D]")


def _month(day: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return np.asarray(day.astype("datetime64[M]").astype(np.int64) % 12)


def _in_one_month(start: NDArray[np.datetime64], end: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    last = end - np.timedelta64(1, "D")
    return np.asarray(start.astype("datetime64[M]") == last.astype("datetime64[M]"))
