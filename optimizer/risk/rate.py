"""Seizures per unit of effort, shrunk along the network: the first risk of a road segment (model: `optimizer.risk.shrinkage`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from scipy.special import gammaincinv

from optimizer.risk.evidence import gather_evidence
from optimizer.risk.exposure import ROAD_UNIT
from optimizer.risk.shrinkage import likeliest_shapes, log_negative_binomial, log_pool_chance, look_around
from optimizer.risk.smoothing import walk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.network import Network
    from optimizer.risk.records import Effort, Records

REACHES = (1.0, 3.0, 9.0, 27.0)
"""Reaches that are tried, in mean lengths of a segment."""


@dataclass(frozen=True)
class RiskEstimate:
    """Risk index by segment (m of them): 1 where a unit of effort finds what it finds on the whole.

    Attributes
    ----------
    median, low, high
        (m,) median and the ends of the central interval, >= 0. Rank by the median: a mean can be ruled by places nobody visited.
    mean
        (m,) expected index, > 0: what to add up or multiply into expected loads. Where nobody searched the median may be all but nothing
        while the mean is not.
    searched
        (m,) whether any effort is recorded there.
    level
        Probability of the interval.
    units, global_rate
        Units of effort, and (len(units),) the seizures per unit where the index is 1; NaN for a unit without effort.
    warnings
        What a reader must know.
    """

    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    searched: NDArray[np.bool_]
    level: float
    units: tuple[str, ...]
    global_rate: NDArray[np.float64]
    warnings: tuple[str, ...]

    def rates(self, unit: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return median, low and high seizures per unit of effort, each (m,)."""
        rate = self.global_rate[self.units.index(unit)]
        return rate * self.median, rate * self.low, rate * self.high


class ShrunkRate:
    """Seizures per unit of effort by Gamma-Poisson shrinkage along the network.

    Parameters
    ----------
    level
        Probability of the interval, in (0, 1).
    reach_km
        How far evidence carries along the roads, in kilometres > 0; None tries a few and keeps the likeliest.
    segment_shape
        a: how alike the segments of a neighbourhood are, > 0; None estimates it, as below.
    neighbourhood_shape
        b: how alike neighbourhoods are, > 0.
    typical_index
        mu: what a neighbourhood's index is where there is no evidence, > 0.

    Attributes
    ----------
    reach_km_, shapes_
        The reach, and a, b and mu, as used.
    prior_
        Prior of each segment, from the evidence of all others.
    shape_, rate_
        (m,) parameters of the Gamma posterior of the risk index.
    evidence_
        What the records say (`Evidence`).
    log_evidence_
        Log of the maximised product, priors included.
    """

    def __init__(
        self,
        *,
        level: float = 0.9,
        reach_km: float | None = None,
        segment_shape: float | None = None,
        neighbourhood_shape: float | None = None,
        typical_index: float | None = None,
    ) -> None:
        self.level = level
        self.reach_km = reach_km
        self.segment_shape = segment_shape
        self.neighbourhood_shape = neighbourhood_shape
        self.typical_index = typical_index

    def fit(self, records: Records, effort: Effort | None, network: Network) -> Self:
        """Estimate the risk index of every segment.

        Raises
        ------
        InputError
            If seizures cannot be assigned to one unit of effort.
        """
        evidence = gather_evidence(records, effort, network)
        fixed = (self.segment_shape, self.neighbourhood_shape, self.typical_index)
        wanderers = [walk(network, reach) for reach in self._reaches(network)]
        found = [(*likeliest_shapes(evidence, wanderer, fixed), wanderer) for wanderer in wanderers]
        self.log_evidence_, self.shapes_, wanderer = max(found, key=lambda item: item[0])
        around = look_around(evidence, wanderer, self.shapes_)
        prior = self.shapes_.prior(around.count, around.expected)
        self.evidence_ = evidence
        self.reach_km_ = wanderer.reach_km
        self.prior_ = prior
        self.shape_ = prior.shape + evidence.own_count
        self.rate_ = prior.shape / prior.mean + evidence.own_expected
        self._network = network
        return self

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

    def sample(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """Return n draws of the risk index, (n, m); segments are drawn apart."""
        return rng.gamma(self.shape_, 1 / self.rate_, size=(n, self.shape_.size))

    def score(self, records: Records, effort: Effort | None) -> float:
        """Return the log chance of a later record given its own effort, a seizure (natural logarithm; higher is better).

        Seizures without effort are left out. With no seizure the whole log chance is returned. Where this rate was fitted without
        effort, the later record's number of seizures is taken as given and only their places are judged.

        Raises
        ------
        InputError
            If the record has effort in a unit that this rate has not seen.
        """
        units = self.evidence_.units
        known = None if units == (ROAD_UNIT,) else self.evidence_.global_rate
        later = gather_evidence(records, effort, self._network, units=units, global_rate=known)
        own = later.own_expected > 0
        total = log_negative_binomial(
            later.own_count[own], later.own_expected[own], self.shape_[own], self.rate_[own]
        ).sum()
        for pool in later.pools:
            at = pool.segment
            total += log_pool_chance(pool, self.shape_[at], self.shape_[at] / self.rate_[at], self.prior_.known[at])
        return float(total / max(later.count.sum(), 1.0))

    def _reaches(self, network: Network) -> list[float]:
        if self.reach_km is not None:
            return [self.reach_km]
        mean = float(network.length_m[network.segment_arc].mean()) / 1000
        return [mean * multiple for multiple in REACHES]
