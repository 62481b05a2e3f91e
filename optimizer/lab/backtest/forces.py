"""The backtest of forces: searches at points that end in yes or no, each period forecast by every model."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.listener import SILENT
from optimizer.lab.backtest.calibration import recalibrate
from optimizer.lab.backtest.engine import FAILURES, PeriodForecast, Subject, forecast_periods, judge
from optimizer.lab.backtest.forecasts import MODELS, REFERENCE
from optimizer.lab.backtest.heterogeneity import permutation_p
from optimizer.lab.backtest.outcome import MNATS, Backtest, Judged, PeriodResult
from optimizer.lab.backtest.periods import Length, folds, periods_of
from optimizer.lab.backtest.points import squares
from optimizer.lab.backtest.searches import Excluded
from optimizer.lab.backtest.sums import sums
from optimizer.lab.backtest.task import make_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.lab.backtest.periods import Fold
    from optimizer.lab.backtest.searches import ForceSearches

    Ints = NDArray[np.int64]


def backtest_forces(
    forces: Sequence[ForceSearches],
    length: Length = Length.MONTH,
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
            subject = replace(_subject(rows, square, forecast.periods, length), remarks=forecast.remarks)
            label = f"{rows.force}: intervals and tests"
            done = judge(subject, forecast.periods, [seed, len(judged)], listener, label)
            interrupted |= done.interrupted
            judged.append(done.judged)
        if interrupted:
            break
    if not judged and not interrupted:
        raise InputError(
            *(Problem(item.force, item.reason, "a force that can be judged", _remedy(item)) for item in left_out)
        )
    return Backtest(length.value, seed, judged, left_out, interrupted)


def _unfit(rows: ForceSearches, length: Length) -> str:
    """Return why a force cannot be judged, or nothing."""
    months = np.unique(rows.month)
    if np.unique(periods_of(rows.month, length)).size < 2:
        span = str(months[0]) if months.size == 1 else f"{months[0]} to {months[-1]}"
        return f"all searches lie in one {length.value} ({span}): nothing is left to forecast"
    if not rows.found.any():
        return f"none of {rows.searches:g} searches found anything: there is no rate, and nothing to tell places apart"
    if rows.found.all():
        return f"every one of {rows.searches:g} searches found something: the outcome tells nothing"
    return ""


def _remedy(item: Excluded) -> str:
    return "Add earlier or later files" if "forecast" in item.reason else "Check the outcomes of the files"


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


def _subject(rows: ForceSearches, square: Ints, periods: Sequence[PeriodForecast], length: Length) -> Subject:
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
    rows: ForceSearches, square: Ints, place: Ints, length: Length, rng: np.random.Generator
) -> dict[str, float]:
    """Return p for cells, for places, and for what lasts in cells; people searched together move as one."""
    _, first, unit = np.unique(np.column_stack((rows.group, place)), axis=0, return_index=True, return_inverse=True)
    unit = unit.ravel()
    outcome = sums(unit, rows.weight * rows.found, first.size) / sums(unit, rows.weight, first.size)
    stratum = periods_of(rows.month, length)[first].astype(np.int64)
    return {
        "cells": permutation_p(square[first], stratum, outcome, rng),
        "places": permutation_p(place[first], stratum, outcome, rng),
        "lasting": permutation_p(square[first], stratum, outcome, rng, lasting=True),
    }
