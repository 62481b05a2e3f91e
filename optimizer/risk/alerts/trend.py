"""Seizures against expectation, quarter by quarter, and the small picture of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from optimizer.base.text.formatting import decimal, number, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked, term
from optimizer.base.text.messages import translated
from optimizer.risk.alerts.places import Place
from optimizer.risk.alerts.window import Span, effort_within, quarters, records_within, tally
from optimizer.risk.chance import NODE_WEIGHTS, NODES
from optimizer.risk.estimate import Interval

if TYPE_CHECKING:
    from optimizer.risk.alerts.monitor import AlertMonitor

Floats: TypeAlias = NDArray[np.float64]

LARGEST_LOG, HALVINGS = 20.0, 30
"""The log of the ratio is sought between these bounds, in so many halvings."""


@dataclass(frozen=True, eq=False)
class Quarter:
    """A place in one quarter."""

    #: When; longer than a quarter where seizures are dated by longer spans.
    span: Span
    #: Seizures with effort behind them.
    observed: float
    #: Median of the seizures that the effort led to expect, by the model of the time
    #: before the window; 0 where nobody searched.
    expected: float
    #: `ratio`, `low`, `high`: Found over expected and its central interval; NaN where
    #: nobody searched.
    ratio: float
    low: float
    high: float
    #: Whether it belongs to the window, which the model did not see.
    recent: bool


@dataclass(frozen=True, eq=False)
class Trend:
    """A place through all quarters of the record."""

    place: Place
    quarters: tuple[Quarter, ...]


def trends(monitor: AlertMonitor, places: Sequence[Place], level: float = 0.9) -> tuple[Trend, ...]:
    """Return each place quarter by quarter.

    Quarters before the window are among those the model was fitted to: their ratios
    scatter less about 1 than those of the window.

    Parameters
    ----------
    monitor
        A record and the model of its earlier part.
    places
        Where.
    level
        Probability of the intervals, of a Poisson count over an expectation that is not
        quite known.
    """
    spans = quarters(monitor.split)
    columns = [_quarter(monitor, places, span, level) for span in spans]
    return tuple(
        Trend(place, tuple(column[k] for column in columns)) for k, place in enumerate(places)
    )


def _quarter(
    monitor: AlertMonitor, places: Sequence[Place], span: Span, level: float
) -> list[Quarter]:
    recent = bool(span.start >= monitor.split.window.span.start)
    part = monitor.split.window if recent else monitor.split.before
    worked = monitor.comparable(effort_within(part.effort, span))
    counted = tally(
        places, records_within(part.seizures, span), worked, monitor.network, monitor.reference
    )
    forecast = monitor.forecast(counted)
    searched, expected = forecast.place, forecast.counts
    row = [
        Quarter(span, float(found), 0.0, np.nan, np.nan, np.nan, recent)
        for found in counted.observed
    ]
    interval = ratio_interval(counted.observed[searched], expected.centre, expected.sd, level)
    middle = np.exp(expected.centre)
    for at, k in enumerate(searched.tolist()):
        found = row[k].observed
        ratio = found / float(middle[at])
        row[k] = Quarter(
            span,
            found,
            float(middle[at]),
            ratio,
            float(interval.low[at]),
            float(interval.high[at]),
            recent,
        )
    return row


def ratio_interval(count: Floats, centre: Floats, sd: Floats, level: float) -> Interval:
    """Return the central interval of the ratio of a rate to what was expected.

    Under Jeffreys's prior the rate behind a count y is Gamma(y + 1/2); the expectation
    is log-normal. The ratio's distribution function is the mean over the expectation of
    the Gamma's.

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
        for _halving in range(HALVINGS):
            middle = (low + high) / 2
            below = gammainc(count[:, None] + 0.5, np.exp(middle)[:, None] * mean)
            short = below @ NODE_WEIGHTS < chance
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return np.asarray(np.exp((low + high) / 2))

    return Interval(end((1 - level) / 2), end((1 + level) / 2))


WIDTH = 640
PANEL = 110
MARGIN = 16
HEAD = 34

PLOT_LEFT, PLOT_HEIGHT = 46, 64

LONGEST_LABEL = 70

TITLE = marked("Seizures and expected seizures over time")
LEGEND = marked(
    "Grey bars: expected seizures, given the search effort. Dots: seizures. Shaded: the recent"
    " window."
)

GREY = "#c9c9c9"
DARK = "#1f3b57"
SHADE = "#fdf3d8"


def trend_picture(trends: Sequence[Trend]) -> str:
    """Return an SVG with a panel for each trend, in the language that is spoken:
    expected seizures, seizures, and the window.
    """
    height = HEAD + PANEL * max(len(trends), 1) + MARGIN
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
            ' font-family="sans-serif" font-size="11" role="img">'
        ),
        f"<title>{_text(_(TITLE))}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{MARGIN}" y="20">{_text(_(LEGEND))}</text>',
    ]
    for k, trend in enumerate(trends):
        parts += _panel(trend, HEAD + k * PANEL)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(trend: Trend, top: float) -> list[str]:
    quarters = trend.quarters
    base = top + 20 + PLOT_HEIGHT
    step = (WIDTH - PLOT_LEFT - MARGIN) / max(len(quarters), 1)
    most = max([1.0, *(max(one.observed, one.expected) for one in quarters)])
    label = plain(term(translated(trend.place.label)), LONGEST_LABEL)
    out = [f'<text x="{MARGIN}" y="{top + 14}" font-weight="bold">{_text(label)}</text>']
    for k, one in enumerate(quarters):
        left = PLOT_LEFT + k * step
        if one.recent:
            out.append(
                f'<rect x="{left:.1f}" y="{top + 18}" width="{step:.1f}" height="{PLOT_HEIGHT + 2}"'
                f' fill="{SHADE}"/>'
            )
        tall = PLOT_HEIGHT * one.expected / most
        middle, at = left + step / 2, base - PLOT_HEIGHT * one.observed / most
        words = _("{span}: {found} found, {expected} expected").format(
            span=translated(one.span.said),
            found=number(one.observed, 6),
            expected=decimal(one.expected),
        )
        out += [
            (
                f'<rect x="{left + step * 0.15:.1f}" y="{base - tall:.1f}" width="{step * 0.7:.1f}"'
                f' height="{tall:.1f}" fill="{GREY}"/>'
            ),
            (
                f'<circle cx="{middle:.1f}" cy="{at:.1f}" r="4"'
                f' fill="{DARK}"><title>{_text(words)}</title></circle>'
            ),
        ]
        if k in {0, len(quarters) - 1}:
            end = "start" if k == 0 else "end"
            x = left if k == 0 else left + step
            out.append(
                f'<text x="{x:.1f}" y="{base + 13:.1f}"'
                f' text-anchor="{end}">{str(one.span.start)[:7]}</text>'
            )
    out.append(f'<text x="{PLOT_LEFT - 6}" y="{top + 26}" text-anchor="end">{most:.0f}</text>')
    out.append(f'<text x="{PLOT_LEFT - 6}" y="{base}" text-anchor="end">0</text>')
    return out


def _text(words: str) -> str:
    return escape("".join(sign for sign in words if sign.isprintable()))
