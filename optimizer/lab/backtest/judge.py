"""Forces judged: each period foretold by every model, then the figures over all periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.listener import SILENT, step
from optimizer.lab.backtest.bootstrap import mean_interval, resamples
from optimizer.lab.backtest.calibration import recalibrate, tenths
from optimizer.lab.backtest.forecasts import MODELS, REFERENCE
from optimizer.lab.backtest.heterogeneity import permutation_p
from optimizer.lab.backtest.hotspots import held_by_top
from optimizer.lab.backtest.outcome import MNATS, Backtest, Gain, HotSpots, Judged, PeriodResult
from optimizer.lab.backtest.periods import Length, folds, periods_of
from optimizer.lab.backtest.points import squares
from optimizer.lab.backtest.searches import Excluded
from optimizer.lab.backtest.sums import sums
from optimizer.lab.backtest.task import make_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.lab.backtest.forecasts import Forecast
    from optimizer.lab.backtest.periods import Fold
    from optimizer.lab.backtest.searches import Searches
    from optimizer.lab.backtest.task import Task

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """One period with what each model foretold of it."""

    label: str
    task: Task
    forecast: dict[str, Forecast]


def backtest_forces(
    forces: Sequence[Searches],
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
        told: list[Told] = []
        try:
            for fold in folds(rows.month, length):
                with step(listener, f"{rows.force}: {fold.label}"):
                    told.append(_tell(rows, fold))
        except KeyboardInterrupt:
            interrupted = True
        if told:
            try:
                with step(listener, f"{rows.force}: intervals and tests"):
                    judged.append(_judge(rows, told, length, [seed, len(judged)]))
            except KeyboardInterrupt:  # what was foretold is kept: its figures take a moment
                interrupted = True
                judged.append(_judge(rows, told, length, [seed, len(judged)]))
        if interrupted:
            break
    if not judged and not interrupted:
        raise InputError(
            *(Problem(item.force, item.reason, "a force that can be judged", _remedy(item)) for item in left_out)
        )
    return Backtest(length.value, seed, judged, left_out, interrupted)


def _tell(rows: Searches, fold: Fold) -> Told:
    task = make_task(rows, fold)
    return Told(fold.label, task, {name: model(task) for name, model in MODELS.items()})


def _unfit(rows: Searches, length: Length) -> str:
    """Return why a force cannot be judged, or nothing."""
    months = np.unique(rows.month)
    if np.unique(periods_of(rows.month, length)).size < 2:
        span = str(months[0]) if months.size == 1 else f"{months[0]} to {months[-1]}"
        return f"all searches lie in one {length.value} ({span}): nothing is left to foretell"
    if not rows.found.any():
        return f"none of {rows.searches:g} searches found anything: there is no rate, and nothing to tell places apart"
    if rows.found.all():
        return f"every one of {rows.searches:g} searches found something: the outcome tells nothing"
    return ""


def _remedy(item: Excluded) -> str:
    return "Add earlier or later files" if "foretell" in item.reason else "Check the outcomes of the files"


def _judge(rows: Searches, told: Sequence[Told], length: Length, seed: list[int]) -> Judged:
    rng = np.random.default_rng(seed)
    at = [one.task.judged for one in told]
    lon, lat, searches, finds, known = (
        np.concatenate([getattr(one.task, name)[own] for one, own in zip(told, at, strict=True)])
        for name in ("lon", "lat", "later_searches", "later_finds", "searches")
    )
    cell = squares(lon, lat)
    drawn = resamples(int(cell.max()) + 1, rng)
    unseen = known == 0
    reference = np.concatenate([one.forecast[REFERENCE].log_chance for one in told])
    gain, calibration = {}, {}
    names = [name for name in MODELS if name != REFERENCE]
    for name in names:
        more = np.concatenate([one.forecast[name].log_chance for one in told]) - reference
        gain[name] = gain_of(more, searches, cell, drawn, unseen)
        chance = np.concatenate([one.forecast[name].chance for one in told])
        calibration[name] = recalibrate(chance, finds, searches, cell, drawn)
    place = np.unique(np.column_stack((rows.lon, rows.lat)), axis=0, return_inverse=True)[1].ravel()
    square = squares(rows.lon, rows.lat)
    first = np.concatenate([one.forecast[names[0]].chance for one in told])
    return Judged(
        name=rows.force,
        outcome="search",
        searches=rows.searches,
        finds=rows.finds,
        places=int(place.max()) + 1,
        cells=int(square.max()) + 1,
        periods=[_period(one) for one in told],
        unseen=float(searches[unseen].sum() / searches.sum()),
        gain=gain,
        calibration=calibration,
        tenths=tenths(first, finds, searches),
        heterogeneity=_heterogeneity(rows, square, place, length, rng),
        hot_spots=_hot_spots(told),
    )


def gain_of(
    more: Floats, outcomes: Floats, cell: NDArray[np.int64], drawn: NDArray[np.int64], unseen: NDArray[np.bool_]
) -> Gain:
    """Return the gain of (r,) log chances over the reference, for as many outcomes in each row."""
    total, weight = sums(cell, more, drawn.shape[1]), sums(cell, outcomes, drawn.shape[1])
    ends = mean_interval(MNATS * total, weight, drawn)
    new = float(outcomes[unseen].sum())
    return Gain(
        MNATS * float(total.sum() / max(weight.sum(), 1e-300)),
        ends,
        MNATS * float(more[unseen].sum()) / new if new > 0 else None,
    )


def _period(one: Told) -> PeriodResult:
    task, at = one.task, one.task.judged
    searches = task.later_searches[at]
    reference = one.forecast[REFERENCE].log_chance
    others = {name: forecast for name, forecast in one.forecast.items() if name != REFERENCE}
    return PeriodResult(
        label=one.label,
        learnt_from=float(task.searches.sum()),
        searches=float(searches.sum()),
        finds=float(task.later_finds.sum()),
        chance=task.chance,
        unseen=float(searches[task.searches[at] == 0].sum() / searches.sum()),
        gain={
            name: MNATS * float((forecast.log_chance - reference).sum() / searches.sum())
            for name, forecast in others.items()
        },
        note={name: forecast.note for name, forecast in others.items()},
    )


def _heterogeneity(
    rows: Searches, square: NDArray[np.int64], place: NDArray[np.int64], length: Length, rng: np.random.Generator
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


def _hot_spots(told: Sequence[Told]) -> HotSpots | None:
    by_finds = by_searches = later = 0.0
    for one in told:
        task = one.task
        size = int(task.cell.max()) + 1
        finds, searches, found = (
            sums(task.cell, values, size) for values in (task.finds, task.searches, task.later_finds)
        )
        seen = searches > 0
        by_finds += held_by_top(finds[seen], found[seen])
        by_searches += held_by_top(searches[seen], found[seen])
        later += float(found.sum())
    return HotSpots(by_finds / later, by_searches / later) if later > 0 else None
