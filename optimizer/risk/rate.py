"""Seizures per unit of effort, shrunk along the network (model: `optimizer.risk.shrinkage`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from optimizer.risk.evidence import gather_evidence
from optimizer.risk.misplaced import bear_misplaced
from optimizer.risk.numerics.gamma import GammaModel, log_area_likelihood
from optimizer.risk.shrinkage import fit_shapes, neighbour_evidence
from optimizer.risk.smoothing import walk

if TYPE_CHECKING:
    from optimizer.problem.network import Network
    from optimizer.records.model import Effort, Seizures
    from optimizer.risk.numerics.likelihood import AreaCount

REACHES = (1.0, 3.0, 9.0, 27.0)
"""Reaches that are tried, in mean lengths of a segment."""


class ShrunkRate(GammaModel):
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

    def fit(self, records: Seizures, effort: Effort | None, network: Network) -> Self:
        """Estimate the risk index of every segment.

        Raises
        ------
        InputError
            If seizures cannot be assigned to one unit of effort.
        """
        evidence = bear_misplaced(gather_evidence(records, effort, network), records, network)
        fixed = (self.segment_shape, self.neighbourhood_shape, self.typical_index)
        walks = [walk(network, reach) for reach in self._reaches(network)]
        fits = [(*fit_shapes(evidence, each, fixed), each) for each in walks]
        self.log_evidence_, self.shapes_, best = max(fits, key=lambda item: item[0])
        around = neighbour_evidence(evidence, best, self.shapes_)
        prior = self.shapes_.prior(around.count, around.expected)
        self.evidence_ = evidence
        self.reach_km_ = best.reach_km
        self.prior_ = prior
        self.shape_ = prior.shape + evidence.own_count
        self.rate_ = prior.shape / prior.mean + evidence.own_expected
        self._network = network
        return self

    def _area_log_likelihood(self, area: AreaCount) -> float:
        at = area.segment
        return log_area_likelihood(area, self.shape_[at], self.shape_[at] / self.rate_[at], self.prior_.known[at])

    def _reaches(self, network: Network) -> list[float]:
        if self.reach_km is not None:
            return [self.reach_km]
        mean = float(network.length_m[network.segment_arc].mean()) / 1000
        return [mean * multiple for multiple in REACHES]
