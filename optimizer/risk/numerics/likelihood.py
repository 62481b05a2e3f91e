"""How likely a count is, given the log of its expected value: Poisson, negative
binomial, and yes or no for each search.

Each family is concave in the log mean x = log(expected) + eta, so that Newton's method
finds the one mode. Its `terms` are the log chance, its first derivative in x, and the
second with the sign turned (>= 0).

    Poisson             y x - exp(x) - log y!
    negative binomial   the Poisson mixed over a Gamma of mean 1 and shape r; r grows with the months that were searched, for what comes in
                        clumps (a convoy, a day's operation) comes anew each month
    yes or no           y of n searches found something, each with chance 1 - exp(-exp(x) / n): the chance that a Poisson number of loads in the
                        search is not 0 (the complementary log-log link), so that exp(eta) is the same rate per search in both

And the exact interval of a share of such yes-or-no trials.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, gammaln

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LikelihoodTerms:
    """A log likelihood and its derivatives in the log mean, arrays of one shape."""

    #: Log likelihood.
    value: Floats
    #: First derivative.
    slope: Floats
    #: Second derivative with the sign turned, >= 0.
    curvature: Floats


LARGEST = 50.0
"""Log means are cut here, far above any count, so that a wild Newton step stays finite."""


@dataclass(frozen=True)
class Cells:
    """Counts with a place of their own, k of them; a place has one for each unit of
    effort in which it was searched.
    """

    #: `segment`, `unit`: (k,) where, and in which unit of effort.
    segment: NDArray[np.int64]
    unit: NDArray[np.int64]
    #: (k,) seizures, >= 0; a group of people searched together may be less than one.
    count: Floats
    #: (k,) seizures that the effort would make at the global rate, > 0.
    expected: Floats
    #: (k,) over how many months the effort went, >= 1 (an effective number).
    clumps: Floats
    #: (k,) searches n where each ends in yes or no; NaN where seizures are counted.
    searches: Floats

    def take(self, chosen: NDArray[np.bool_]) -> Cells:
        """Return the chosen cells."""
        return Cells(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def terms(self, eta: Floats, shape: float) -> LikelihoodTerms:
        """Return the terms of each cell, of the shape of eta: (k,) or (k, q) for q
        values a cell.

        Parameters
        ----------
        eta
            Log rate over the global rate.
        shape
            r of a single month, > 0; infinity is Poisson.
        """
        extra = (slice(None), *(None,) * (eta.ndim - 1))
        x = np.minimum(np.log(self.expected)[extra] + eta, LARGEST)
        counted = np.isnan(self.searches)
        if counted.all():
            return count_terms(self.count[extra], x, shape * self.clumps[extra])
        out = LikelihoodTerms(np.empty_like(eta), np.empty_like(eta), np.empty_like(eta))
        for rows, terms in (
            (
                counted,
                count_terms(
                    self.count[counted][extra], x[counted], shape * self.clumps[counted][extra]
                ),
            ),
            (
                ~counted,
                search_terms(
                    self.count[~counted][extra], self.searches[~counted][extra], x[~counted]
                ),
            ),
        ):
            out.value[rows], out.slope[rows], out.curvature[rows] = (
                terms.value,
                terms.slope,
                terms.curvature,
            )
        return out


def count_terms(count: Floats, x: Floats, shape: Floats) -> LikelihoodTerms:
    """Return the terms of a count whose log mean is x: negative binomial of the given
    shape, Poisson where it is infinite.
    """
    mean = np.exp(x)
    if np.isinf(shape).all():
        return LikelihoodTerms(count * x - mean - gammaln(count + 1), count - mean, mean)
    over = shape / (shape + mean)
    value = gammaln(count + shape) - gammaln(shape) - gammaln(count + 1) + shape * np.log(over)
    value = value + count * (x - np.log(shape + mean))
    return LikelihoodTerms(
        value, count - (count + shape) * (1 - over), (count + shape) * over * (1 - over)
    )


def search_terms(found: Floats, searches: Floats, x: Floats) -> LikelihoodTerms:
    """Return the terms of `found` among n searches, each with chance 1 - exp(-v), v =
    exp(x) / n.
    """
    v = np.maximum(np.exp(x) / searches, 1e-300)
    rest = searches - found
    small = v < 1e-5
    grown = np.expm1(np.minimum(v, 500.0))
    ratio = np.where(small, 1 - v / 2, v / np.where(small, 1.0, grown))
    bend = np.where(small, v / 2, ratio * (v - 1 + ratio))
    value = found * np.log(-np.expm1(-v)) - rest * v
    return LikelihoodTerms(value, found * ratio - rest * v, found * bend + rest * v)


@dataclass(frozen=True, slots=True)
class AreaMean:
    """The mean of a count by area: its logarithm, and the (k,) share of each segment in it."""

    log: float
    share: Floats


@dataclass(frozen=True)
class AreaCount:
    """A count of which only the area is known: its mean is the sum over the area's
    segments of expected x exp(eta).
    """

    #: (k,) segments it may lie on.
    segment: NDArray[np.int64]
    #: (k,) seizures that the effort on each would make at the global rate, > 0.
    expected: Floats
    #: Position of the unit of effort that made them.
    unit: int
    #: (k,) the seizures, spread over the segments by effort, >= 0.
    spread: Floats
    #: Months over which the effort went.
    clumps: float

    @property
    def count(self) -> float:
        """How many seizures there were."""
        return float(self.spread.sum())

    def log_mean(self, eta: Floats) -> AreaMean:
        """Return the mean of the count for the (k,) log rates of its segments."""
        parts = np.log(self.expected) + eta
        top = parts.max()
        scaled = np.exp(parts - top)
        return AreaMean(min(float(top + np.log(scaled.sum())), LARGEST), scaled / scaled.sum())

    def terms(self, x: float, shape: float) -> LikelihoodTerms:
        """Return the (1,) terms of the count at the log mean x; the curvature is the
        *expected* one (Fisher's, which is never negative).
        """
        r = shape * self.clumps
        terms = count_terms(np.array([self.count]), np.array([x]), np.array([r]))
        mean = float(np.exp(x))
        return replace(terms, curvature=np.array([mean if np.isinf(r) else mean * r / (r + mean)]))


def clopper_pearson(
    found: ArrayLike, audited: ArrayLike, alpha: float = 0.1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the exact interval of a binomial share (Clopper and Pearson 1934); that of
    no trial is 0 to 1.

    Parameters
    ----------
    found, audited
        (k,) counts, found <= audited.
    alpha
        Chance, at most, that an interval misses the share; in (0, 1).
    """
    k, n = np.broadcast_arrays(np.asarray(found, dtype=float), np.asarray(audited, dtype=float))
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, alpha / 2), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - alpha / 2), 1.0)
    return low, high
