"""The engine of every backtest: periods forecast one after the other, then the figures over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError
from optimizer.base.interrupts import Stopping
from optimizer.base.listener import step
from optimizer.lab.backtest.bootstrap import mean_interval, resamples
from optimizer.lab.backtest.calibration import tenths
from optimizer.lab.backtest.hotspots import held_by_top
from optimizer.lab.backtest.outcome import MNATS, Gain, HotSpots, Judged
from optimizer.lab.backtest.sums import sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.lab.backtest.calibration import Recalibration
    from optimizer.lab.backtest.outcome import PeriodResult

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PeriodForecast:
    """One test period with what each model forecast of it; cells are numbered alike in all periods.

    Attributes
    ----------
    result
        Its line of the table.
    cell, weight, gain, unseen
        (r,) scored rows: their cell, the number of outcomes that the gain is divided by, model -> log chance over that of the global rate,
        and whether nobody had searched there before.
    place_cell, finds, size, predicted
        (s,) places: their cell, what was found, searches (or expected finds), and model -> prediction.
    past_finds, past_searches, later_finds
        (c,) of cells, before the period and in it.
    """

    result: PeriodResult
    cell: Ints
    weight: Floats
    gain: dict[str, Floats]
    unseen: NDArray[np.bool_]
    place_cell: Ints
    finds: Floats
    size: Floats
    predicted: dict[str, Floats]
    past_finds: Floats
    past_searches: Floats
    later_finds: Floats


@dataclass(frozen=True)
class Subject:
    """What is judged: a force or a scenario, over all its periods.

    Attributes
    ----------
    name, outcome, searches, finds, places, cells, unseen, remarks
        As in `Judged`.
    recalibrate
        From predictions, finds, sizes, cells and resamples to intercept and slope.
    heterogeneity
        From a source of chance to the p of each test.
    """

    name: str
    outcome: str
    searches: float
    finds: float
    places: int
    cells: int
    unseen: float
    recalibrate: Callable[[Floats, Floats, Floats, Ints, Ints], Recalibration]
    heterogeneity: Callable[[np.random.Generator], dict[str, float]]
    remarks: tuple[str, ...] = ()


FAILURES = (InputError, ArithmeticError, ValueError, MemoryError)
"""Errors of one period that leave the others standing; numpy's LinAlgError is a ValueError."""


@dataclass(frozen=True)
class ForecastRun:
    """The periods that were forecast, those that failed with the reason of each, and whether Ctrl-C ended it before all were."""

    periods: list[PeriodForecast]
    failed: dict[str, str]
    interrupted: bool

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know of the periods that failed."""
        return tuple(
            f"{label} could not be forecast and is left out: {reason}" for label, reason in self.failed.items()
        )


def forecast_periods(
    todo: Iterable[tuple[str, Callable[[], PeriodForecast | None]]], listener: Listener
) -> ForecastRun:
    """Forecast periods, each by its label and what makes it; a period that fails and Ctrl-C keep the periods done.

    Raises
    ------
    InputError, ArithmeticError, ValueError
        If no period could be forecast, the first of their errors.
    """
    done: list[PeriodForecast] = []
    failed: dict[str, str] = {}
    first: Exception | None = None
    with Stopping(listener) as stopping:

        def forecast_all() -> None:
            nonlocal first
            for label, make in todo:
                try:
                    with step(stopping, label):
                        one = make()
                except FAILURES as error:
                    if stopping.interrupted:
                        raise
                    first = first or error
                    failed[label] = str(error) or type(error).__name__
                    continue
                if one is not None:
                    done.append(one)

        stopping.attempt(forecast_all)
    if stopping.stopped:
        return ForecastRun(done, failed, interrupted=True)
    if first is not None and not done:
        raise first
    return ForecastRun(done, failed, interrupted=False)


@dataclass(frozen=True)
class JudgedRun:
    """The figures, and whether Ctrl-C came while they were computed."""

    judged: Judged
    interrupted: bool


def judge(
    subject: Subject, periods: Sequence[PeriodForecast], seed: list[int], listener: Listener, label: str
) -> JudgedRun:
    """Return the figures over all periods.

    They take a moment: after a Ctrl-C they are computed again, so that the periods done are kept.
    """

    def judged() -> Judged:
        return _judged(subject, periods, np.random.default_rng(seed))

    with Stopping(listener) as stopping:

        def judged_in_a_step() -> Judged:
            with step(stopping, label):
                return judged()

        first = stopping.attempt(judged_in_a_step)
    return JudgedRun(judged() if first is None else first, stopping.stopped)


def _judged(subject: Subject, periods: Sequence[PeriodForecast], rng: np.random.Generator) -> Judged:
    cells, cell = np.unique(np.concatenate([one.cell for one in periods]), return_inverse=True)
    cell = cell.ravel()
    drawn = resamples(cells.size, rng)
    weight = np.concatenate([one.weight for one in periods])
    unseen = np.concatenate([one.unseen for one in periods])
    at = np.searchsorted(cells, np.concatenate([one.place_cell for one in periods]))
    finds = np.concatenate([one.finds for one in periods])
    size = np.concatenate([one.size for one in periods])
    names = list(periods[0].gain)
    predicted = {name: np.concatenate([one.predicted[name] for one in periods]) for name in names}
    return Judged(
        name=subject.name,
        outcome=subject.outcome,
        searches=subject.searches,
        finds=subject.finds,
        places=subject.places,
        cells=subject.cells,
        periods=[one.result for one in periods],
        unseen=subject.unseen,
        gain={
            name: _gain(np.concatenate([one.gain[name] for one in periods]), weight, cell, drawn, unseen)
            for name in names
        },
        calibration={name: subject.recalibrate(values, finds, size, at, drawn) for name, values in predicted.items()},
        tenths=tenths(predicted[names[0]], finds, size),
        heterogeneity=subject.heterogeneity(rng),
        hot_spots=_hot_spots(periods),
        remarks=subject.remarks,
    )


def _gain(gain: Floats, weight: Floats, cell: Ints, drawn: Ints, unseen: NDArray[np.bool_]) -> Gain:
    """Return the gain of (r,) log chances over the reference, for as many outcomes in each row."""
    total, outcomes = sums(cell, gain, drawn.shape[1]), sums(cell, weight, drawn.shape[1])
    ends = mean_interval(MNATS * total, outcomes, drawn)
    new = float(weight[unseen].sum())
    return Gain(
        MNATS * float(total.sum() / max(outcomes.sum(), 1e-300)),
        ends,
        MNATS * float(gain[unseen].sum()) / new if new > 0 else None,
    )


def _hot_spots(periods: Sequence[PeriodForecast]) -> HotSpots | None:
    by_finds = by_searches = later = 0.0
    for one in periods:
        seen = one.past_searches > 0
        by_finds += held_by_top(one.past_finds[seen], one.later_finds[seen])
        by_searches += held_by_top(one.past_searches[seen], one.later_finds[seen])
        later += float(one.later_finds.sum())
    return HotSpots(by_finds / later, by_searches / later) if later > 0 else None
