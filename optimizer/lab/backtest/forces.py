"""The backtest of forces: searches at points that end in yes or no, each period
forecast by every model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import betaln

from optimizer.base.choices import PeriodLength
from optimizer.base.errors import InputError, Problem
from optimizer.base.work.listener import SILENT, Listener
from optimizer.lab.backtest.engine import (
    FAILURES,
    MNATS,
    Backtest,
    Fold,
    Judged,
    PeriodForecast,
    PeriodResult,
    Subject,
    folds,
    forecast_periods,
    judge,
    periods_of,
)
from optimizer.lab.backtest.searches import (
    Excluded,
    ForceSearches,
    nearest_neighbours,
    point_network,
    squares,
)
from optimizer.lab.backtest.statistics import permutation_p, recalibrate, sums
from optimizer.records import Effort, Seizures
from optimizer.risk import FieldFlow
from optimizer.risk.estimate import log_chance
from optimizer.risk.numerics.likelihood import Cells

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def backtest_forces(
    forces: Sequence[ForceSearches],
    length: PeriodLength = "month",
    *,
    excluded: Sequence[Excluded] = (),
    seed: int = 0,
    listener: Listener = SILENT,
) -> Backtest:
    """Judge each force by itself; Ctrl-C keeps the periods done.

    Parameters
    ----------
    forces
        Their searches.
    length
        Of a test period.
    excluded
        Forces that were left out before, with reasons.
    seed
        Of resampling and shuffling.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If no force can be judged, with the reason of each.
    """
    judged: list[Judged] = []
    left_out = list(excluded)
    interrupted = False
    for rows in forces:
        if reason := _unfit(rows, length):
            left_out.append(Excluded(rows.force, reason))
            continue
        square = squares(rows.lon, rows.lat)
        try:
            forecast = forecast_periods(
                (
                    (f"{rows.force}: {fold.label}", partial(_forecast, rows, square, fold))
                    for fold in folds(rows.month, length)
                ),
                listener,
            )
        except FAILURES as error:  # other forces stand
            left_out.append(Excluded(rows.force, f"no period could be forecast: {error}"))
            continue
        interrupted = forecast.interrupted
        if forecast.periods:
            subject = replace(
                _subject(rows, square, forecast.periods, length), remarks=forecast.remarks
            )
            label = f"{rows.force}: intervals and tests"
            done = judge(subject, forecast.periods, [seed, len(judged)], listener, label)
            interrupted |= done.interrupted
            judged.append(done.judged)
        if interrupted:
            break
    if not judged and not interrupted:
        raise InputError(
            *(
                Problem(item.force, item.reason, "a force that can be judged", _remedy(item))
                for item in left_out
            )
        )
    return Backtest(length, seed, judged, left_out, interrupted)


def _unfit(rows: ForceSearches, length: PeriodLength) -> str:
    """Return why a force cannot be judged, or nothing."""
    months = np.unique(rows.month)
    if np.unique(periods_of(rows.month, length)).size < 2:
        span = str(months[0]) if months.size == 1 else f"{months[0]} to {months[-1]}"
        return f"all searches lie in one {length} ({span}): nothing is left to forecast"
    if not rows.found.any():
        return (
            f"none of {rows.searches:g} searches found anything: there is no rate, and nothing to"
            " tell places apart"
        )
    if rows.found.all():
        return f"every one of {rows.searches:g} searches found something: the outcome tells nothing"
    return ""


def _remedy(item: Excluded) -> str:
    return (
        "Add earlier or later files"
        if "forecast" in item.reason
        else "Check the outcomes of the files"
    )


def _forecast(rows: ForceSearches, square: Ints, fold: Fold) -> PeriodForecast:
    """Return what every model forecasts of one period; `square` is the (k,) cell of each search."""
    task = make_task(rows, fold)
    forecasts = {name: model(task) for name, model in MODELS.items()}
    at = task.judged
    searches = task.later_searches[at]
    unseen = task.searches[at] == 0
    reference = forecasts[REFERENCE].log_chance
    others = {name: forecast for name, forecast in forecasts.items() if name != REFERENCE}
    gain = {name: forecast.log_chance - reference for name, forecast in others.items()}
    n_cells = int(task.cell.max()) + 1
    finds, searched, later = (
        sums(task.cell, values, n_cells) for values in (task.finds, task.searches, task.later_finds)
    )
    cell = square[task.first[at]]
    result = PeriodResult(
        label=fold.label,
        learnt_from=float(task.searches.sum()),
        searches=float(searches.sum()),
        finds=float(task.later_finds.sum()),
        chance=task.chance,
        unseen=float(searches[unseen].sum() / searches.sum()),
        gain={name: MNATS * float(values.sum() / searches.sum()) for name, values in gain.items()},
        note={name: forecast.note for name, forecast in others.items()},
    )
    return PeriodForecast(
        result=result,
        cell=cell,
        weight=searches,
        gain=gain,
        unseen=unseen,
        place_cell=cell,
        finds=task.later_finds[at],
        size=searches,
        predicted={name: forecast.chance for name, forecast in others.items()},
        past_finds=finds,
        past_searches=searched,
        later_finds=later,
    )


def _subject(
    rows: ForceSearches, square: Ints, periods: Sequence[PeriodForecast], length: PeriodLength
) -> Subject:
    place = np.unique(np.column_stack((rows.lon, rows.lat)), axis=0, return_inverse=True)[1].ravel()
    searches = np.concatenate([one.weight for one in periods])
    unseen = np.concatenate([one.unseen for one in periods])
    return Subject(
        name=rows.force,
        outcome="search",
        searches=rows.searches,
        finds=rows.finds,
        places=int(place.max()) + 1,
        cells=int(square.max()) + 1,
        unseen=float(searches[unseen].sum() / searches.sum()),
        recalibrate=recalibrate,
        heterogeneity=lambda rng: _heterogeneity(rows, square, place, length, rng),
    )


def _heterogeneity(
    rows: ForceSearches, square: Ints, place: Ints, length: PeriodLength, rng: np.random.Generator
) -> dict[str, float]:
    """Return p for cells, for places, and for what lasts in cells; people searched
    together move as one.
    """
    _, first, unit = np.unique(
        np.column_stack((rows.group, place)), axis=0, return_index=True, return_inverse=True
    )
    unit = unit.ravel()
    outcome = sums(unit, rows.weight * rows.found, first.size) / sums(unit, rows.weight, first.size)
    stratum = periods_of(rows.month, length)[first].astype(np.int64)
    return {
        "cells": permutation_p(square[first], stratum, outcome, rng),
        "places": permutation_p(place[first], stratum, outcome, rng),
        "lasting": permutation_p(square[first], stratum, outcome, rng, lasting=True),
    }


PSEUDO_COUNT = 0.5
"""Finds, or searches without one, that stand for none in the global chance."""


@dataclass(frozen=True)
class ForecastTask:
    """One test period of one force, on the m points that were searched before or during
    it.

    The points of the period are known, for its effort is given; its finds are for the
    scores alone (`later_finds`).
    """

    #: `lon`, `lat`: (m,) degrees.
    lon: Floats
    lat: Floats
    #: (m,) square of each point.
    cell: NDArray[np.int64]
    #: `point`, `month`, `amount`, `found`: (k,) the rows to learn from, one a point and
    #: month: searches and how many of them found something.
    point: NDArray[np.int64]
    month: NDArray[np.datetime64]
    amount: Floats
    found: Floats
    #: `searches`, `finds`: (m,) the same by point.
    searches: Floats
    finds: Floats
    #: `later_searches`, `later_finds`: (m,) those of the test period.
    later_searches: Floats
    later_finds: Floats
    #: (m, 12) searches of the test period by month of the year.
    later_by_month: Floats
    #: (m,) a row of the searches at each point.
    first: NDArray[np.int64]

    @property
    def chance(self) -> float:
        """The global chance that a search finds something, from the searches before the period."""
        total = float(self.searches.sum())
        return float(
            np.clip(self.finds.sum(), PSEUDO_COUNT, max(total - PSEUDO_COUNT, total / 2)) / total
        )

    @property
    def judged(self) -> NDArray[np.int64]:
        """Points that are searched in the period."""
        return np.flatnonzero(self.later_searches)


def make_task(rows: ForceSearches, fold: Fold) -> ForecastTask:
    """Return what a test period asks; rows of other periods after it leave no trace."""
    chosen = fold.before | fold.during
    points = np.column_stack((rows.lon, rows.lat))[chosen]
    place, first, point = np.unique(points, axis=0, return_index=True, return_inverse=True)
    point = point.ravel()
    before = fold.before[chosen]
    weight, found = rows.weight[chosen], (rows.weight * rows.found)[chosen]
    m = len(place)
    later_month = 12 * point[~before] + rows.month[chosen][~before].astype(np.int64) % 12
    month = rows.month[chosen][before].astype(np.int64)
    key, row = np.unique(np.column_stack((point[before], month)), axis=0, return_inverse=True)
    row = row.ravel()
    return ForecastTask(
        lon=place[:, 0],
        lat=place[:, 1],
        cell=squares(place[:, 0], place[:, 1]),
        point=key[:, 0],
        month=key[:, 1].astype("datetime64[M]"),
        amount=sums(row, weight[before], len(key)),
        found=sums(row, found[before], len(key)),
        searches=sums(point[before], weight[before], m),
        finds=sums(point[before], found[before], m),
        later_searches=sums(point[~before], weight[~before], m),
        later_finds=sums(point[~before], found[~before], m),
        later_by_month=sums(later_month, weight[~before], 12 * m).reshape(m, 12),
        first=np.flatnonzero(chosen)[first],
    )


# What models forecast of searches at points: the log chance of each point's outcomes,
# and the chance of a single search.
#
# global      every search finds something with the chance of all searches before
# field       `FieldFlow` on the graph of nearest points, without flows (the product's model)
# points      y of n searches of a point found something: beta-binomial around the global chance, its strength fitted
# squares     the same for squares of 500 m: a point has the chance of its square

UNIT = "searches"

MONTHS_FOR_A_SEASON = 13
"""Months to learn from as of which one month of the year has been seen twice; before, a
season and a trend cannot be separated.
"""

STRENGTHS = (-2.0, 12.0)
"""Range of the log strength of the beta distribution; at its end all places are alike."""


@dataclass(frozen=True)
class Forecast:
    """What a model forecasts of the points searched in a test period (those of
    `ForecastTask.judged`, j of them).
    """

    #: (j,) log chance of the point's outcomes in the period, all together.
    log_chance: Floats
    #: (j,) chance that one search there finds something, in (0, 1).
    chance: Floats
    #: What was fitted, in a few words.
    note: str = ""


def same_everywhere(task: ForecastTask) -> Forecast:
    """Forecast the global chance."""
    at, chance = task.judged, task.chance
    found, searches = task.later_finds[at], task.later_searches[at]
    return Forecast(
        found * np.log(chance) + (searches - found) * np.log1p(-chance),
        np.full(at.size, chance),
        f"{chance:.3f}",
    )


def by_field(task: ForecastTask) -> Forecast:
    """Forecast by the field on the graph of nearest points."""
    months = np.unique(task.month).size
    model = FieldFlow(
        neighbours=nearest_neighbours(task.lon, task.lat),
        yes_no=(UNIT,),
        season=months >= MONTHS_FOR_A_SEASON,
    ).fit(*as_rows(task), point_network(task.lon, task.lat))
    at = task.judged
    seasonal = task.later_by_month[at] @ model.season_ / task.later_searches[at]
    rate = float(model.evidence_.global_rate[0]) * seasonal
    mean, sd = model.mean_[at], model.sd_[at]
    chance = np.exp(
        log_chance(_cells(at, np.ones(at.size), np.ones(at.size), rate), mean, sd, np.inf)
    )
    cells = _cells(at, task.later_finds[at], task.later_searches[at], rate)
    spread = float(np.std(np.log(chance / (1 - chance))))
    return Forecast(log_chance(cells, mean, sd, np.inf), chance, f"log odds spread {spread:.2f}")


def as_rows(task: ForecastTask) -> tuple[Seizures, Effort]:
    """Return the searches to learn from as seizures and effort on a point network."""
    first = task.month.astype("datetime64[D]")
    after = (task.month + np.timedelta64(1, "M")).astype("datetime64[D]")
    k = task.point.size
    effort = Effort(
        segment=task.point,
        area=np.full(k, -1, dtype=np.int64),
        start=first,
        end=after,
        source=np.zeros(k, dtype=np.int64),
        source_name=(UNIT,),
        area_name=(),
        area_segment=(),
        unused=(),
        warnings=(),
        amount=task.amount,
        unit=(UNIT,),
    )
    found = task.found > 0
    records = Seizures.counted(
        count=task.found[found],
        segment=task.point[found],
        area=effort.area[found],
        start=first[found],
        end=after[found],
        source=effort.source[found],
        source_name=(UNIT,),
        area_name=(),
        area_segment=(),
        unused=(),
        warnings=(),
        effort_unit=(UNIT,),
    )
    return records, effort


def _cells(at: NDArray[np.int64], found: Floats, searches: Floats, rate: Floats) -> Cells:
    return Cells(
        at, np.zeros(at.size, dtype=np.int64), found, rate * searches, np.ones(at.size), searches
    )


def by_points(task: ForecastTask) -> Forecast:
    """Forecast each point by its own past, shrunk to the global chance."""
    return _shrunk(task, np.arange(task.lon.size))


def by_squares(task: ForecastTask) -> Forecast:
    """Forecast each square of points by its own past, shrunk to the global chance."""
    return _shrunk(task, task.cell)


def _shrunk(task: ForecastTask, place: NDArray[np.int64]) -> Forecast:
    """Forecast by beta-binomial places; a place's outcomes are forecast together and
    shared among its points by their searches.
    """
    size = int(place.max()) + 1
    finds, searches = sums(place, task.finds, size), sums(place, task.searches, size)
    strength = strength_of(finds, searches, task.chance)
    a, b = strength * task.chance + finds, strength * (1 - task.chance) + searches - finds
    later = sums(place, task.later_finds, size), sums(place, task.later_searches, size)
    together = betaln(a + later[0], b + later[1] - later[0]) - betaln(a, b)
    at = task.judged
    share = task.later_searches[at] / later[1][place[at]]
    return Forecast(
        share * together[place[at]], (a / (a + b))[place[at]], f"strength {strength:.3g}"
    )


def strength_of(finds: Floats, searches: Floats, chance: float) -> float:
    """Return the likeliest strength (how many searches the prior counts as) of
    beta-binomial places around one chance.

    Parameters
    ----------
    finds, searches
        (c,) by place.
    chance
        The mean of the places' chances, in (0, 1).
    """
    seen = searches > 0
    y, n = finds[seen], searches[seen]

    def cost(log_strength: float) -> float:
        a, b = np.exp(log_strength) * chance, np.exp(log_strength) * (1 - chance)
        return -float((betaln(a + y, b + n - y) - betaln(a, b)).sum())

    return float(np.exp(minimize_scalar(cost, bounds=STRENGTHS, method="bounded").x))


REFERENCE = "global"

MODELS: dict[str, Callable[[ForecastTask], Forecast]] = {
    REFERENCE: same_everywhere,
    "field": by_field,
    "points": by_points,
    "squares": by_squares,
}
"""Name -> forecast; gains are over the first."""
