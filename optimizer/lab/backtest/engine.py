"""The engine of every backtest: periods forecast one after the other, then the figures
over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.choices import PeriodLength
from optimizer.base.errors import InputError
from optimizer.base.work.listener import Listener, Stopping, step
from optimizer.lab.backtest.statistics import (
    Recalibration,
    Tenth,
    mean_interval,
    resamples,
    sums,
    tenths,
)

if TYPE_CHECKING:
    from optimizer.lab.backtest.searches import Excluded

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PeriodForecast:
    """One test period with what each model forecast of it; cells are numbered alike in
    all periods.
    """

    #: Its line of the table.
    result: PeriodResult
    #: `cell`, `weight`, `gain`, `unseen`: (r,) scored rows: their cell, the number of
    #: outcomes that the gain is divided by, model -> log chance over that of the global
    #: rate, and whether nobody had searched there before.
    cell: Ints
    weight: Floats
    gain: dict[str, Floats]
    unseen: NDArray[np.bool_]
    #: `place_cell`, `finds`, `size`, `predicted`: (s,) places: their cell, what was
    #: found, searches (or expected finds), and model -> prediction.
    place_cell: Ints
    finds: Floats
    size: Floats
    predicted: dict[str, Floats]
    #: `past_finds`, `past_searches`, `later_finds`: (c,) of cells, before the period
    #: and in it.
    past_finds: Floats
    past_searches: Floats
    later_finds: Floats


@dataclass(frozen=True, kw_only=True)
class JudgedRecord:
    """A record that models are judged by: that of one force, or of one scenario, over
    all its periods.
    """

    #: Force, or folder of the scenario.
    name: str
    #: What the gain is divided by: `search`, or `find` where finds are counted.
    outcome: str
    #: `searches`, `finds`, `places`, `cells`: Searches (where finds are counted, the
    #: finds that the effort makes at the global rate), finds, places that were
    #: searched, and the cells they lie in.
    searches: float
    finds: float
    places: int
    cells: int
    #: Share of the searches of the test periods at places where nobody had searched
    #: before.
    unseen: float
    #: What a reader must know.
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Subject(JudgedRecord):
    """A record that is to be judged, with the tests that fit its outcomes."""

    #: From predictions, finds, sizes, cells and resamples to intercept and slope.
    recalibrate: Callable[[Floats, Floats, Floats, Ints, Ints], Recalibration]
    #: From a source of chance to the p of each test.
    heterogeneity: Callable[[np.random.Generator], dict[str, float]]


FAILURES = (InputError, ArithmeticError, ValueError, MemoryError)
"""Errors of one period that leave the others standing; numpy's LinAlgError is a ValueError."""


@dataclass(frozen=True)
class ForecastRun:
    """The periods that were forecast, those that failed with the reason of each, and
    whether Ctrl-C ended it before all were.
    """

    periods: list[PeriodForecast]
    failed: dict[str, str]
    interrupted: bool

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know of the periods that failed."""
        return tuple(
            f"{label} could not be forecast and is left out: {reason}"
            for label, reason in self.failed.items()
        )


def forecast_periods(
    todo: Iterable[tuple[str, Callable[[], PeriodForecast | None]]], listener: Listener
) -> ForecastRun:
    """Forecast periods, each by its label and what makes it; a period that fails and
    Ctrl-C keep the periods done.

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
    subject: Subject,
    periods: Sequence[PeriodForecast],
    seed: list[int],
    listener: Listener,
    label: str,
) -> JudgedRun:
    """Return the figures over all periods.

    They take a moment: after a Ctrl-C they are computed again, so that the periods done
    are kept.
    """

    def judged() -> Judged:
        return _judged(subject, periods, np.random.default_rng(seed))

    with Stopping(listener) as stopping:

        def judged_in_a_step() -> Judged:
            with step(stopping, label):
                return judged()

        first = stopping.attempt(judged_in_a_step)
    return JudgedRun(judged() if first is None else first, stopping.stopped)


def _judged(
    subject: Subject, periods: Sequence[PeriodForecast], rng: np.random.Generator
) -> Judged:
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
        **{one.name: getattr(subject, one.name) for one in fields(JudgedRecord)},
        periods=[one.result for one in periods],
        gain={
            name: _gain(
                np.concatenate([one.gain[name] for one in periods]), weight, cell, drawn, unseen
            )
            for name in names
        },
        calibration={
            name: subject.recalibrate(values, finds, size, at, drawn)
            for name, values in predicted.items()
        },
        tenths=tenths(predicted[names[0]], finds, size),
        heterogeneity=subject.heterogeneity(rng),
        hot_spots=_hot_spots(periods),
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


MNATS = 1000.0
"""Thousandths of a natural logarithm."""


@dataclass(frozen=True)
class Gain:
    """Log score over that of the global rate, in mnats a search (a find where finds are
    counted).
    """

    #: Mean over the searches of all test periods.
    value: float
    #: 90 % interval, cells resampled; None where there are too few.
    interval: tuple[float, float] | None
    #: Mean over searches where nobody had searched before; None where there are none.
    unseen: float | None


@dataclass(frozen=True)
class PeriodResult:
    """One test period."""

    #: Such as 2020-01.
    label: str
    #: `learnt_from`, `searches`, `finds`: Searches before it; its own, and how many of
    #: them found something. Where finds are counted: finds before it; those that its
    #: effort would make at the rate before, and those it made.
    learnt_from: float
    searches: float
    finds: float
    #: Finds per unit of effort before it; None where there are several units.
    chance: float | None
    #: Share of its searches at places where nobody had searched before.
    unseen: float
    #: Model -> mnats a search.
    gain: dict[str, float]
    #: Model -> what was fitted.
    note: dict[str, str]


@dataclass(frozen=True)
class HotSpots:
    """Later finds held by the 5 % of places with most past finds, and with most past
    searches: shares of them all.
    """

    by_finds: float
    by_searches: float


@dataclass(frozen=True, kw_only=True)
class Judged(JudgedRecord):
    """What was found of one record."""

    #: The test periods that were judged.
    periods: list[PeriodResult]
    #: Model -> gain; the first is the one that is judged.
    gain: dict[str, Gain]
    #: Model -> recalibration.
    calibration: dict[str, Recalibration]
    #: The first model's predictions against what was found.
    tenths: list[Tenth]
    #: p of the test for cells, for places, and (searches alone) for what cells have in
    #: common across periods: `cells`, `places`, `lasting`.
    heterogeneity: dict[str, float]
    #: None where no later find is left.
    hot_spots: HotSpots | None


@dataclass(frozen=True)
class Backtest:
    """The results of one run."""

    #: `period`, `seed`: Length of the test periods; seed of resampling and shuffling.
    period: str
    seed: int
    #: `judged`, `excluded`: Forces with figures, and forces without, with the reason.
    judged: list[Judged]
    excluded: list[Excluded]
    #: Whether Ctrl-C ended it before all periods were judged.
    interrupted: bool


@dataclass(frozen=True)
class Fold:
    """One test period."""

    #: Such as 2020-01 or 2020-Q1.
    label: str
    #: `start`, `end`: datetime64[M]: its first month, and the month after its last.
    start: np.datetime64
    end: np.datetime64
    #: `before`, `during`: (k,) rows to learn from, and rows to forecast.
    before: NDArray[np.bool_]
    during: NDArray[np.bool_]


def periods_of(month: NDArray[np.datetime64], length: PeriodLength) -> NDArray[np.datetime64]:
    """Return the (k,) first month of the period in which each month lies."""
    months = 3 if length == "quarter" else 1
    number = month.astype("datetime64[M]").astype(np.int64)
    return np.asarray((number // months * months).astype("datetime64[M]"))


def folds(month: NDArray[np.datetime64], length: PeriodLength = "month") -> list[Fold]:
    """Return the test periods in the order of time, the first period that has rows left
    out.

    Parameters
    ----------
    month
        (k,) datetime64[M] of each row, in any order.
    length
        How long a period is.
    """
    period = periods_of(month, length)
    months = 3 if length == "quarter" else 1
    return [
        Fold(
            label_of(start, length),
            start,
            start + np.timedelta64(months, "M"),
            period < start,
            period == start,
        )
        for start in np.unique(period)[1:]
    ]


def label_of(start: np.datetime64, length: PeriodLength) -> str:
    """Return what a period that begins in a month is called."""
    text = str(start.astype("datetime64[M]"))
    return text if length == "month" else f"{text[:4]}-Q{(int(text[5:]) + 2) // 3}"


SHARE = 0.05


def held_by_top(score: Floats, later: Floats, share: float = SHARE) -> float:
    """Return how much of `later` lies in the share of places with the highest score;
    places that tie at the edge count in part.

    Parameters
    ----------
    score, later
        (c,) what places are ranked by, and what they hold.
    share
        Share of the places, in (0, 1]; at least one place.
    """
    wanted = max(1, int(np.ceil(share * score.size)))
    edge = np.partition(score, score.size - wanted)[score.size - wanted]
    above, ties = score > edge, score == edge
    return float(later[above].sum() + later[ties].sum() * (wanted - above.sum()) / ties.sum())
