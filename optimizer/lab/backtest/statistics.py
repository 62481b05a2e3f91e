"""Statistics of backtests: recalibration of predictions, intervals by resampling,
permutation tests, sums by place.

Whether predictions come true: logistic (or Poisson) recalibration, and what was found
in tenths of the prediction.

    logit P(found) = intercept + slope x logit(predicted)        intercept 0 and slope 1 where predictions come true;
                                                                 slope below 1: predictions differ more than places do

Reference
---------
D. R. Cox (1958), Two further applications of a model for binary regression, Biometrika
45.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Ends = tuple[float, float] | None

STEPS = 30

LEAST_SPREAD = 1e-6
"""Standard deviation of the log odds below which all predictions are equal, and no
slope can be estimated.
"""

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

Family: TypeAlias = (
    "tuple[Callable[[Floats], Floats], Callable[[Floats], Floats], Callable[[Floats], Floats]]"
)

LOGISTIC: Family = (expit, logit, lambda p: p * (1 - p))

POISSON: Family = (np.exp, np.log, lambda p: p)


@dataclass(frozen=True)
class Tenth:
    """Searches of a tenth of the predictions."""

    #: Mean predicted chance of a find; where finds are counted, the mean predicted risk
    #: index.
    predicted: float
    #: `searches`, `finds`: How many searches there were, and how many found something;
    #: where finds are counted, how many the global rate expects, and how many there
    #: were.
    searches: float
    finds: float


def recalibrate(
    chance: Floats,
    finds: Floats,
    searches: Floats,
    cell: NDArray[np.int64],
    drawn: NDArray[np.int64],
) -> Recalibration:
    """Return intercept and slope of predicted chances, and intervals under resampling
    of cells.

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
    index: Floats,
    finds: Floats,
    expected: Floats,
    cell: NDArray[np.int64],
    drawn: NDArray[np.int64],
) -> Recalibration:
    """Return intercept and slope of a predicted risk index: log E finds = log expected
    + intercept + slope x log index.

    Parameters
    ----------
    index
        (r,) predicted finds over those of the global rate, > 0.
    finds, expected
        (r,) what was found, and what the effort would have found at the global rate, >
        0.
    cell, drawn
        As in `recalibrate`.
    """
    if not finds.sum() > 0:
        return UNTOLD
    return _with_intervals(np.log(index), finds, expected, cell, drawn, POISSON)


def _with_intervals(
    x: Floats,
    finds: Floats,
    size: Floats,
    cell: NDArray[np.int64],
    drawn: NDArray[np.int64],
    family: Family,
) -> Recalibration:
    if np.sqrt(np.average((x - np.average(x, weights=size)) ** 2, weights=size)) < LEAST_SPREAD:
        return UNTOLD
    fitted = regressions(x, finds, size, np.ones((1, x.size)), family)[0]
    draws = np.concatenate(
        [
            regressions(x, finds, size, drawn[i : i + AT_ONCE][:, cell], family)
            for i in range(0, len(drawn), AT_ONCE)
        ]
    )
    known = bool(np.isfinite(fitted).all())
    return Recalibration(
        float(fitted[0]) if known else None,
        interval(draws[:, 0]),
        float(fitted[1]) if known else None,
        interval(draws[:, 1]),
    )


def regressions(
    x: Floats, finds: Floats, size: Floats, times: NDArray[np.number], family: Family
) -> Floats:
    """Return intercept and slope of b regressions on one covariate by Newton's method,
    (b, 2); NaN where there is no finite one.

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
            h00 = weight.sum(axis=1)
            h01 = weight @ z
            h11 = weight @ z**2
            det = h00 * h11 - h01**2
            step = np.column_stack(((h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det))
            # no step moves a prediction by more than e
            far = np.maximum(np.abs(step[:, 1:]) * np.abs(z).max(), 1.0)
            beta = beta + step / far
            if not (np.abs(step) > 1e-10).any():
                break
        stuck = ~(np.abs(step) < 1e-6).all(axis=1)
    beta[:, 0] -= beta[:, 1] * centre
    beta[stuck] = np.nan
    return np.asarray(beta)


def tenths(chance: Floats, finds: Floats, searches: Floats) -> list[Tenth]:
    """Return up to ten groups of rows of rising predicted chance with about as many
    searches each; rows of one chance stay together.
    """
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


# Intervals by resampling whole cells: outcomes of one place are not independent of each
# other.

DRAWS = 1000

LEVEL = 0.9


def resamples(n_cells: int, rng: np.random.Generator, draws: int = DRAWS) -> NDArray[np.int64]:
    """Return how often each of n cells is drawn in each resample, (draws, n)."""
    return rng.multinomial(n_cells, np.full(n_cells, 1 / n_cells), size=draws)


def interval(values: Floats, level: float = LEVEL) -> tuple[float, float] | None:
    """Return the central interval of the draws of a figure; None if more than a tenth
    of them have no value (NaN).
    """
    known = values[np.isfinite(values)]
    if known.size < 0.9 * values.size or not known.size:
        return None
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def mean_interval(
    total: Floats, weight: Floats, drawn: NDArray[np.int64]
) -> tuple[float, float] | None:
    """Return the interval of sum(total) / sum(weight) under resampling of cells.

    Parameters
    ----------
    total, weight
        (n,) by cell.
    drawn
        (draws, n) of `resamples`.
    """
    below = drawn @ weight
    with np.errstate(divide="ignore", invalid="ignore"):
        return interval(np.where(below > 0, drawn @ total / below, np.nan))


# Whether places are alike, by a permutation test: what searches found, shuffled among
# the searches of one period.
#
# The statistic is the sum over places of (finds - searches x chance of the period)^2,
# which is locally the most powerful against chances that vary from place to place.
# People searched together move together. Under the null hypothesis p is uniform.

SHUFFLES = 1999


def permutation_p(
    place: NDArray[np.int64],
    stratum: NDArray[np.int64],
    outcome: Floats,
    rng: np.random.Generator,
    shuffles: int = SHUFFLES,
    *,
    lasting: bool = False,
) -> float:
    """Return how often shuffled outcomes differ as much between places as the real
    ones, in (0, 1].

    Parameters
    ----------
    place
        (k,) place of each search, from 0.
    stratum
        (k,) outcomes are shuffled within these (the period).
    outcome
        (k,) what was found, in [0, 1].
    rng
        Source of chance.
    shuffles
        How many; p is a multiple of 1 / (shuffles + 1).
    lasting
        Count only what places have in common across periods (the sum over places and
        pairs of periods of the product of their residuals): a place where one night's
        operation found much does not count.
    """
    order = np.argsort(stratum, kind="stable")
    place, outcome = place[order], outcome[order]
    _, first, count = np.unique(stratum[order], return_index=True, return_counts=True)
    residual = outcome - np.repeat(np.add.reduceat(outcome, first) / count, count)
    number = np.repeat(np.arange(first.size), count)
    rows = np.arange(place.size)
    whole = coo_array((np.ones(place.size), (place, rows))).tocsr()
    parts = coo_array((np.ones(place.size), (place * first.size + number, rows))).tocsr()

    def differ(values: Floats) -> Floats:
        all_in_all = np.square(np.asarray(whole @ values)).sum(axis=0)
        return np.asarray(
            all_in_all - np.square(np.asarray(parts @ values)).sum(axis=0)
            if lasting
            else all_in_all
        )

    real = float(differ(residual))
    least = real - 1e-9 * abs(real)  # equal sums in another order
    as_far = 0
    for begin in range(0, shuffles, AT_ONCE):
        shuffled = np.tile(residual[:, None], (1, min(AT_ONCE, shuffles - begin)))
        for start, size in zip(first.tolist(), count.tolist(), strict=True):
            rng.permuted(shuffled[start : start + size], axis=0, out=shuffled[start : start + size])
        as_far += int((differ(shuffled) >= least).sum())
    return (1 + as_far) / (1 + shuffles)


def scatter_p(
    place: NDArray[np.int64],
    stratum: NDArray[np.int64],
    count: Floats,
    expected: Floats,
    rng: np.random.Generator,
    shuffles: int = SHUFFLES,
) -> float:
    """Return p where finds are counted: each period's finds are thrown at random on its
    effort.

    Finds that come in clumps (a convoy) make p too small.

    Parameters
    ----------
    place, stratum
        (k,) place and period of each row, from 0.
    count, expected
        (k,) finds, whole numbers, and what the effort would find at the global rate, >
        0.
    rng, shuffles
        As in `permutation_p`.
    """
    size = int(place.max()) + 1
    real, thrown = np.zeros(size), np.zeros((shuffles, size))
    for one in np.unique(stratum).tolist():
        mine = stratum == one
        effort = sums(place[mine], expected[mine], size)
        finds = sums(place[mine], count[mine], size)
        share = effort / effort.sum()
        total = float(finds.sum())
        real += finds - total * share
        thrown += rng.multinomial(round(total), share, size=shuffles) - total * share
    as_far = (thrown**2).sum(axis=1) >= (real**2).sum() * (1 - 1e-9)
    return (1 + int(as_far.sum())) / (1 + shuffles)


def sums(place: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the (size,) sum of (k,) values at each of the places 0 to size - 1."""
    return np.asarray(np.bincount(place, values, size), dtype=np.float64)
