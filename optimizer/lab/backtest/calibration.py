"""Whether predictions come true: logistic (or Poisson) recalibration, and what was found in tenths of the prediction.

    logit P(found) = intercept + slope x logit(predicted)        intercept 0 and slope 1 where predictions come true;
                                                                 slope below 1: predictions differ more than places do

Reference
---------
D. R. Cox (1958), Two further applications of a model for binary regression, Biometrika 45.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy.special import expit, logit

from optimizer.lab.backtest.bootstrap import interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ends = tuple[float, float] | None

STEPS = 30
LEAST_SPREAD = 1e-6
"""Standard deviation of the log odds below which all predictions are equal, and no slope can be estimated."""
TENTHS = 10
AT_ONCE = 100


@dataclass(frozen=True)
class Recalibration:
    """Intercept and slope, with their intervals; None where nothing can be estimated."""

    intercept: float | None
    intercept_interval: Ends
    slope: float | None
    slope_interval: Ends


UNTOLD = Recalibration(None, None, None, None)
Family: TypeAlias = "tuple[Callable[[Floats], Floats], Callable[[Floats], Floats], Callable[[Floats], Floats]]"
LOGISTIC: Family = (expit, logit, lambda p: p * (1 - p))
POISSON: Family = (np.exp, np.log, lambda p: p)


@dataclass(frozen=True)
class Tenth:
    """Searches of a tenth of the predictions.

    Attributes
    ----------
    predicted
        Mean predicted chance of a find; where finds are counted, the mean predicted risk index.
    searches, finds
        How many searches there were, and how many found something; where finds are counted, how many the global rate expects, and how many
        there were.
    """

    predicted: float
    searches: float
    finds: float


def recalibrate(
    chance: Floats, finds: Floats, searches: Floats, cell: NDArray[np.int64], drawn: NDArray[np.int64]
) -> Recalibration:
    """Return intercept and slope of predicted chances, and intervals under resampling of cells.

    Parameters
    ----------
    chance, finds, searches
        (r,) predicted chance of one search, in (0, 1), and outcomes.
    cell
        (r,) place of each row.
    drawn
        (draws, cells) how often each cell is drawn.
    """
    if not 0 < finds.sum() < searches.sum():
        return UNTOLD
    return _with_intervals(logit(chance), finds, searches, cell, drawn, LOGISTIC)


def recalibrate_counts(
    index: Floats, finds: Floats, expected: Floats, cell: NDArray[np.int64], drawn: NDArray[np.int64]
) -> Recalibration:
    """Return intercept and slope of a predicted risk index: log E finds = log expected + intercept + slope x log index.

    Parameters
    ----------
    index
        (r,) predicted finds over those of the global rate, > 0.
    finds, expected
        (r,) what was found, and what the effort would have found at the global rate, > 0.
    cell, drawn
        As in `recalibrate`.
    """
    if not finds.sum() > 0:
        return UNTOLD
    return _with_intervals(np.log(index), finds, expected, cell, drawn, POISSON)


def _with_intervals(
    x: Floats, finds: Floats, size: Floats, cell: NDArray[np.int64], drawn: NDArray[np.int64], family: Family
) -> Recalibration:
    if np.sqrt(np.average((x - np.average(x, weights=size)) ** 2, weights=size)) < LEAST_SPREAD:
        return UNTOLD
    fitted = regressions(x, finds, size, np.ones((1, x.size)), family)[0]
    draws = np.concatenate(
        [regressions(x, finds, size, drawn[i : i + AT_ONCE][:, cell], family) for i in range(0, len(drawn), AT_ONCE)]
    )
    known = bool(np.isfinite(fitted).all())
    return Recalibration(
        float(fitted[0]) if known else None,
        interval(draws[:, 0]),
        float(fitted[1]) if known else None,
        interval(draws[:, 1]),
    )


def regressions(x: Floats, finds: Floats, size: Floats, times: NDArray[np.number], family: Family) -> Floats:
    """Return intercept and slope of b regressions on one covariate by Newton's method, (b, 2); NaN where there is no finite one.

    Parameters
    ----------
    x, finds, size
        (r,) covariate, finds, and searches (logistic) or expected finds (Poisson).
    times
        (b, r) how often each row counts in each regression.
    family
        Inverse of the link, link, and variance of one search over its mean.
    """
    mean_of, link, variance_of = family
    centre = float(np.average(x, weights=size))
    z = x - centre
    n, y = times * size, times * finds
    with np.errstate(all="ignore"):
        beta = np.column_stack((link(y.sum(axis=1) / n.sum(axis=1)), np.zeros(len(times))))
        for _ in range(STEPS):
            p = mean_of(beta[:, :1] + beta[:, 1:] * z)
            off, weight = y - n * p, n * variance_of(p)
            g0, g1 = off.sum(axis=1), off @ z
            h00, h01, h11 = weight.sum(axis=1), weight @ z, weight @ z**2
            det = h00 * h11 - h01**2
            step = np.column_stack(((h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det))
            far = np.maximum(np.abs(step[:, 1:]) * np.abs(z).max(), 1.0)  # no step moves a prediction by more than e
            beta = beta + step / far
            if not (np.abs(step) > 1e-10).any():
                break
        stuck = ~(np.abs(step) < 1e-6).all(axis=1)
    beta[:, 0] -= beta[:, 1] * centre
    beta[stuck] = np.nan
    return np.asarray(beta)


def tenths(chance: Floats, finds: Floats, searches: Floats) -> list[Tenth]:
    """Return up to ten groups of rows of rising predicted chance with about as many searches each; rows of one chance stay together."""
    value, row = np.unique(chance, return_inverse=True)
    row = row.ravel()
    n, y = np.bincount(row, searches), np.bincount(row, finds)
    middle = (np.cumsum(n) - n / 2) / n.sum()
    part = np.minimum((middle * TENTHS).astype(np.int64), TENTHS - 1)
    out = []
    for one in np.unique(part).tolist():
        mine = part == one
        total = float(n[mine].sum())
        mean = float(value[mine] @ n[mine]) / total
        within = float(
            np.clip(mean, value[mine].min(), value[mine].max())
        )  # rounding can take the mean of one value past it
        out.append(Tenth(within, total, float(y[mine].sum())))
    return out
