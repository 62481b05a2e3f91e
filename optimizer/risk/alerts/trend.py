"""Seizures against expectation, quarter by quarter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy.special import gammainc

from optimizer.risk.alerts.chance import NODE_WEIGHTS, NODES
from optimizer.risk.alerts.tally import tally
from optimizer.risk.alerts.window import effort_within, quarters, records_within
from optimizer.risk.estimate import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.risk.alerts.monitor import AlertMonitor
    from optimizer.risk.alerts.places import Place
    from optimizer.risk.alerts.window import Span

    Floats: TypeAlias = NDArray[np.float64]

LARGEST_LOG, HALVINGS = 20.0, 30
"""The log of the ratio is sought between these bounds, in so many halvings."""


@dataclass(frozen=True, eq=False)
class Quarter:
    """A place in one quarter.

    Attributes
    ----------
    span
        When; longer than a quarter where seizures are dated by longer spans.
    observed
        Seizures with effort behind them.
    expected
        Median of the seizures that the effort led to expect, by the model of the time before the window; 0 where nobody searched.
    ratio, low, high
        Found over expected and its central interval; NaN where nobody searched.
    recent
        Whether it belongs to the window, which the model did not see.
    """

    span: Span
    observed: float
    expected: float
    ratio: float
    low: float
    high: float
    recent: bool


@dataclass(frozen=True, eq=False)
class Trend:
    """A place through all quarters of the record."""

    place: Place
    quarters: tuple[Quarter, ...]


def trends(monitor: AlertMonitor, places: Sequence[Place], level: float = 0.9) -> tuple[Trend, ...]:
    """Return each place quarter by quarter.

    Quarters before the window are among those the model was fitted to: their ratios scatter less about 1 than those of the window.

    Parameters
    ----------
    monitor
        A record and the model of its earlier part.
    places
        Where.
    level
        Probability of the intervals, of a Poisson count over an expectation that is not quite known.
    """
    spans = quarters(monitor.split)
    columns = [_quarter(monitor, places, span, level) for span in spans]
    return tuple(Trend(place, tuple(column[k] for column in columns)) for k, place in enumerate(places))


def _quarter(monitor: AlertMonitor, places: Sequence[Place], span: Span, level: float) -> list[Quarter]:
    recent = bool(span.start >= monitor.split.window.span.start)
    part = monitor.split.window if recent else monitor.split.before
    worked = monitor.comparable(effort_within(part.effort, span))
    counted = tally(places, records_within(part.seizures, span), worked, monitor.network, monitor.reference)
    forecast = monitor.forecast(counted)
    searched, expected = forecast.place, forecast.counts
    row = [Quarter(span, float(found), 0.0, np.nan, np.nan, np.nan, recent) for found in counted.observed]
    interval = ratio_interval(counted.observed[searched], expected.centre, expected.sd, level)
    middle = np.exp(expected.centre)
    for number, k in enumerate(searched.tolist()):
        found = row[k].observed
        ratio = found / float(middle[number])
        row[k] = Quarter(
            span, found, float(middle[number]), ratio, float(interval.low[number]), float(interval.high[number]), recent
        )
    return row


def ratio_interval(count: Floats, centre: Floats, sd: Floats, level: float) -> Interval:
    """Return the central interval of the ratio of a rate to what was expected.

    Under Jeffreys's prior the rate behind a count y is Gamma(y + 1/2); the expectation is log-normal. The ratio's distribution function is
    the mean over the expectation of the Gamma's.

    Parameters
    ----------
    count
        (k,) seizures, >= 0.
    centre, sd
        (k,) mean and standard deviation of the log of the expected seizures.
    level
        Probability of the interval, in (0, 1).
    """
    mean = np.exp(centre[:, None] + sd[:, None] * NODES)

    def end(chance: float) -> Floats:
        low, high = np.full(count.size, -LARGEST_LOG), np.full(count.size, LARGEST_LOG)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = gammainc(count[:, None] + 0.5, np.exp(middle)[:, None] * mean)
            short = below @ NODE_WEIGHTS < chance
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return np.asarray(np.exp((low + high) / 2))

    return Interval(end((1 - level) / 2), end((1 + level) / 2))
