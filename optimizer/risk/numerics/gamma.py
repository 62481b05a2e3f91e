"""Answers of a model whose risk indices are Gamma distributed, each segment on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincinv, gammaln, xlogy

from optimizer.risk.estimate import RiskEstimate
from optimizer.risk.evidence import later_evidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.records.model import Effort, Seizures
    from optimizer.risk.evidence import Evidence
    from optimizer.risk.numerics.likelihood import AreaCount

    Floats = NDArray[np.float64]


class GammaModel:
    """What models with independent Gamma posteriors share; a subclass fits `shape_` and `rate_`.

    Attributes
    ----------
    level
        Probability of the interval.
    shape_, rate_
        (m,) parameters of the Gamma posterior of the risk index.
    evidence_
        What the records say.
    """

    level: float
    shape_: Floats
    rate_: Floats
    evidence_: Evidence
    _network: Network

    def predict(self) -> RiskEstimate:
        """Return the risk index of every segment."""
        low, median, high = (
            gammaincinv(self.shape_, chance) / self.rate_
            for chance in (0.5 - self.level / 2, 0.5, 0.5 + self.level / 2)
        )
        evidence = self.evidence_
        return RiskEstimate(
            median=median,
            low=low,
            high=high,
            mean=self.shape_ / self.rate_,
            searched=evidence.searched,
            level=self.level,
            units=evidence.units,
            global_rate=evidence.global_rate,
            warnings=evidence.warnings,
        )

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Return n draws of the log risk index, (n, m); segments are drawn apart."""
        least = np.finfo(np.float64).tiny
        return np.log(np.maximum(rng.gamma(self.shape_, 1 / self.rate_, size=(n, self.shape_.size)), least))

    def score(self, records: Seizures, effort: Effort | None) -> float:
        """Return the log chance of a later record given its own effort, a seizure (natural logarithm; higher is better).

        Seizures without effort are left out. With no seizure the whole log chance is returned. Where the model was fitted without effort,
        the later record's number of seizures is taken as given and only their places are judged.

        Raises
        ------
        InputError
            If the record has effort in a unit that was not fitted.
        """
        later = later_evidence(self.evidence_, records, effort, self._network)
        return float(self._log_chances_of(later).sum() / max(later.count.sum(), 1.0))

    def log_chances(self, records: Seizures, effort: Effort | None) -> Floats:
        """Return the (m,) log chance of a later record by segment, whose sum is `score` times its seizures.

        What is known by area alone stands at the first of the area's segments.

        Raises
        ------
        InputError
            If the record has effort in a unit that was not fitted.
        """
        return self._log_chances_of(later_evidence(self.evidence_, records, effort, self._network))

    def _log_chances_of(self, later: Evidence) -> Floats:
        own = later.own_expected > 0
        out = np.zeros(own.size)
        out[own] = log_negative_binomial(
            later.own_count[own], later.own_expected[own], self.shape_[own], self.rate_[own]
        )
        for area in later.area_counts:
            out[area.segment[0]] += self._area_log_likelihood(area)
        return out

    def _area_log_likelihood(self, area: AreaCount) -> float:
        """Return the log chance of a pool's count: by default segments err apart."""
        at = area.segment
        return log_area_likelihood(area, self.shape_[at], self.shape_[at] / self.rate_[at], np.full(at.size, np.inf))


def log_negative_binomial(count: Floats, expected: Floats, shape: Floats, rate: Floats) -> Floats:
    """Return log P(y) for y ~ Poisson(e r), r ~ Gamma(shape, rate): a negative binomial."""
    odds = expected / rate
    return np.asarray(
        gammaln(shape + count)
        - gammaln(shape)
        - gammaln(count + 1)
        + xlogy(count, odds)
        - (shape + count) * np.log1p(odds)
    )


def log_area_likelihood(area: AreaCount, shape: Floats, mean: Floats, known: Floats) -> float:
    """Return log P(count) of a pool whose segments' indices are Gamma(shape, mean).

    The sum of e_s r_s is matched by a Gamma of the same mean and variance. Segments err together as far as their neighbourhood does
    (squared coefficient of variation 1 / `known`), and apart in the rest.
    """
    part = area.expected * mean
    together = np.minimum(1 / known, 1 / shape)
    variance = np.sum(part**2 * (1 / shape - together)) + np.sum(part * np.sqrt(together)) ** 2
    total = part.sum()
    matched = np.array([total**2 / variance])
    return float(log_negative_binomial(np.array([area.count]), np.array([total]), matched, matched)[0])
