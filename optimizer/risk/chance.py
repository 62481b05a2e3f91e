"""Predictive distributions of counts and their p-values: Poisson or negative binomial,
averaged over a log-normal mean.

    Y ~ Poisson(mu) or negative binomial of mean mu and shape R,      log mu ~ N(m, s^2)

averaged over log mu by the trapezoid rule, whose error falls faster than any power for
integrands as smooth and as thin at the ends as these.

A count is discrete, so the chance of one at least as large, P(Y >= y), is too large on
the average, and where next to nothing is expected it is close to 1 for nearly every
place. Two other p-values are offered:

    mid           P(Y > y) + P(Y = y) / 2: right on the average over places of many sizes (Lancaster 1961)
    randomised    P(Y > y) + U P(Y = y), U uniform: exactly uniform where the model holds

References
----------
H. O. Lancaster (1961), Significance tests in discrete distributions, JASA 56(294). Y.
Benjamini, Y. Hochberg (1995), Controlling the false discovery rate, J. R. Statist. Soc.
B 57(1). C. E. Bonferroni (1936), Teoria statistica delle classi e calcolo delle
probabilita, Pubblicazioni del R. Istituto Superiore di Firenze 8. R. E. Tarone (1990),
A modified Bonferroni method for discrete data, Biometrics 46(2). Y. Benjamini, D.
Yekutieli (2001), The control of the false discovery rate in multiple testing under
dependency, Annals of Statistics 29(4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammainc, gammaincc

from optimizer.risk.estimate import Interval

Floats: TypeAlias = NDArray[np.float64]


NODES = np.linspace(-8.0, 8.0, 97)
NODE_WEIGHTS = np.exp(-(NODES**2) / 2)
NODE_WEIGHTS /= NODE_WEIGHTS.sum()
"""A standard normal as (97,) points and their weights."""
MOST_AT_ONCE = 20_000
"""Places that are averaged together, so that memory stays small."""


@dataclass(frozen=True)
class PredictiveCounts:
    """Predictive distributions of k counts."""

    #: `centre`, `sd`: (k,) mean and standard deviation of log mu.
    centre: Floats
    sd: Floats
    #: (k,) R > 0; infinity is Poisson.
    shape: Floats

    def take(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> PredictiveCounts:
        """Return the chosen places."""
        return PredictiveCounts(self.centre[chosen], self.sd[chosen], self.shape[chosen])

    def above(self, count: Floats) -> Floats:
        """Return P(Y > y) of the (k,) whole counts y; 1 where y < 0."""
        return self._averaged(count, upper=True)

    def up_to(self, count: Floats) -> Floats:
        """Return P(Y <= y) of the (k,) whole counts y; 0 where y < 0."""
        return self._averaged(count, upper=False)

    def _averaged(self, count: Floats, *, upper: bool) -> Floats:
        out = np.empty(count.size)
        for first in range(0, count.size, MOST_AT_ONCE):
            part = slice(first, first + MOST_AT_ONCE)
            mean = np.exp(self.centre[part, None] + self.sd[part, None] * NODES)
            out[part] = (
                _tail(count[part, None], mean, self.shape[part, None], upper=upper) @ NODE_WEIGHTS
            )
        return out

    def interval(self, level: float) -> Interval:
        """Return the central interval of the counts: its ends are the (1 - level) / 2
        and (1 + level) / 2 quantiles.
        """
        return Interval(self._quantile((1 - level) / 2), self._quantile((1 + level) / 2))

    def _quantile(self, chance: float) -> Floats:
        low, high = np.full(self.centre.size, -1.0), np.ones(self.centre.size)
        while (short := self.up_to(high) < chance).any():
            high = np.where(short, 2 * high + 1, high)
        while (open_ := high - low > 1).any():
            middle = np.floor((low + high) / 2)
            enough = self.up_to(middle) >= chance
            low, high = (
                np.where(open_ & ~enough, middle, low),
                np.where(open_ & enough, middle, high),
            )
        return high


def _tail(count: Floats, mean: Floats, shape: Floats, *, upper: bool) -> Floats:
    """Return P(Y > y) or P(Y <= y) given the mean."""
    y = np.maximum(count, -1.0) + 1
    nothing = y <= 0
    y = np.where(nothing, 1.0, y)
    infinite = np.isinf(shape)
    if infinite.all():
        chance = gammainc(y, mean) if upper else gammaincc(y, mean)
    else:
        r = np.where(infinite, 1.0, shape)
        mixed = betainc(y, r, mean / (r + mean)) if upper else betainc(r, y, r / (r + mean))
        chance = np.where(infinite, gammainc(y, mean) if upper else gammaincc(y, mean), mixed)
    return np.where(nothing, 1.0 if upper else 0.0, chance)


@dataclass(frozen=True, eq=False)
class PValues:
    """One-sided p-values of k counts."""

    #: `more`, `fewer`: (k,) of as many seizures or more, and of as few or fewer; in [0,
    #: 1].
    more: Floats
    fewer: Floats

    @property
    def two_sided(self) -> Floats:
        """(k,) twice the smaller of the two, at most 1."""
        return np.asarray(np.minimum(2 * np.minimum(self.more, self.fewer), 1.0))


def p_values(
    expected: PredictiveCounts, count: Floats, rng: np.random.Generator | None = None
) -> PValues:
    """Return the p-values of (k,) counts where so much was expected: the mid ones, or
    with a source of chance the randomised ones.
    """
    above, below = expected.above(count), expected.up_to(count - 1)
    here = np.maximum(1 - above - below, 0.0)
    part = np.full(count.size, 0.5) if rng is None else rng.random(count.size)
    return PValues(above + part * here, below + (1 - part) * here)


def false_discovery_rates(p: Floats, *, any_dependence: bool = False) -> Floats:
    """Return the (k,) smallest false discovery rates at which each of the p-values
    would be called.

    Parameters
    ----------
    p
        (k,) p-values in [0, 1].
    any_dependence
        Benjamini and Yekutieli's rule, which holds whatever the dependence; otherwise
        Benjamini and Hochberg's, which holds where p-values are independent or
        positively dependent.
    """
    if not p.size:
        return p
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(p, method="by" if any_dependence else "bh"))


def false_alarms(
    tested: PValues, least: Floats, scale: NDArray[np.integer], years: float, budget: float = 1.0
) -> Floats:
    """Return for each of k places how many false alarms a year are to be expected where
    all like it are called, all scales together.

    Both sides of each of S scales have an equal part of the budget, b = budget years /
    (2 S) false alarms. A limit of b / n on the p-values of n places makes b of them at
    most, whatever the dependence of places, and whatever has changed elsewhere: an
    expectation is a sum (Bonferroni 1936). Were scales tested one by one, their false
    alarms would add up. Places whose p-value of fewer is above the limit with no
    seizure at all cannot be called, and are not counted: n is the least whole number
    for which no more than n places have one of b / n or less (Tarone 1990). Which
    places these are rests on what is expected alone.

    Parameters
    ----------
    tested
        p-values of more and of fewer.
    least
        (k,) p-values of fewer that no seizure would have.
    scale
        (k,) number of the scale of each place.
    years
        How long the window is, > 0.
    budget
        False alarms a year to be called at, > 0; from 0 to this the numbers returned
        are exact, above it they say that a place is not called.
    """
    _, of, size = np.unique(scale, return_inverse=True, return_counts=True)
    limit = budget * years / (2 * size.size)
    testable = np.array([_testable(least[of == k], limit) for k in range(size.size)])
    more, fewer = tested.more * size[of], tested.fewer * testable[of]
    return np.asarray(np.minimum(more, fewer) * 2 * size.size / years)


def _testable(least: Floats, limit: float) -> int:
    """Return the least whole number n >= 1 for which no more than n of the p-values are
    limit / n or less.
    """
    n = np.arange(1, least.size + 1)
    within = np.searchsorted(np.sort(least), limit / n, side="right")
    return int(n[np.argmax(within <= n)]) if least.size else 1
