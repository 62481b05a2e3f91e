"""Tips as weak evidence of risk: noisy observations of flow with a share of false
reports, whose influence is bounded.

A cluster of tips near segment s is a report that is true with chance 1 - phi, and then
comes from where much passes, or false, and then from anywhere. With e^eta the segment's
index over the network's mean, its likelihood ratio is

    L(eta) = phi + (1 - phi) min(e^eta, R)          between phi and phi + (1 - phi) R

and it counts with the weight w = exp(-(d / REACH_KM)^2 / 2), d the distance. eta ~
N(mu, sd^2) is what the record says of the segment (its median and interval). The shift
is what the tips make of its mean,

    T = E[eta | tips] - mu,     cut at B = log(1.25)

Bound. L does not fall as eta rises, so T >= 0 (Chebyshev's inequality for two monotone
functions); the cut gives T <= B. However many tips there are, of whatever grade, no
index is lowered, and none raised by more than the factor e^B = 1.25. In a month at most
`MOST_CLUSTERS` clusters of a cell of the map count, the least doubtful, the earliest
among equals. What this means for a plan stands in `optimizer.scenario.demand.travel`.

Tips are no searches: effort, seizures and `searched` stay as they are, and a place that
nobody searched stays unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import ndtri

from optimizer.problem.network.geodesy import KM_PER_DEGREE
from optimizer.risk.estimate import RiskEstimate

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.records.tips import Tips

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BOUND = float(np.log(1.25))
"""B: the most by which tips raise the logarithm of an index."""
MOST_CLUSTERS = 3
"""Clusters of a cell and month that count."""
CELL_KM = 5.0
REACH_KM = 1.0
"""Standard deviation of the distance between a tip's place and the road that it is about."""
LARGEST_RATIO = 20.0
"""R: index over the mean beyond which more flow makes a true tip no likelier."""
WIDEST = 2.0
"""Standard deviation of a log index beyond which it is taken as this."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)


@dataclass(frozen=True, eq=False)
class TipShift:
    """What tips make of a risk map."""

    #: (m,) T of each segment, in [0, `BOUND`].
    log_factor: Floats
    #: Clusters that count.
    used: int
    #: Clusters that do not, because their cell and month is full.
    over_limit: int
    #: The clusters, k of them.
    tips: Tips
    #: What the record says.
    before: RiskEstimate
    #: (k,) whether each counts.
    counts: NDArray[np.bool_]
    #: (k,) the segment nearest to each; -1 where it does not count or none is within
    #: three times `REACH_KM`.
    nearest: Ints
    #: (k,) the factor by which it alone would raise the index of that segment, in [1,
    #: 1.25].
    alone: Floats

    def shifted(self, estimate: RiskEstimate) -> RiskEstimate:
        """Return the estimate with every index multiplied by its factor; what was
        searched stays as it is.
        """
        factor = np.exp(self.log_factor)
        return replace(
            estimate,
            median=estimate.median * factor,
            low=estimate.low * factor,
            high=estimate.high * factor,
            mean=estimate.mean * factor,
        )


def weigh_tips(tips: Tips, estimate: RiskEstimate, network: Network) -> TipShift:
    """Return how far clusters of tips raise each segment's index above what the record
    says.

    Parameters
    ----------
    tips
        The clusters.
    estimate
        What the record says.
    network
        The roads.
    """
    counted = _within_limit(tips)
    middle = network.segment_midpoint
    scale = KM_PER_DEGREE * np.array([np.cos(np.radians(middle[:, 1].mean())), 1.0])
    points = np.column_stack([tips.lon, tips.lat])[counted] * scale
    far = cKDTree(points).sparse_distance_matrix(
        cKDTree(middle * scale), 3 * REACH_KM, output_type="ndarray"
    )
    cluster, segment = far["i"].astype(np.int64), far["j"].astype(np.int64)
    apart = np.linalg.norm(middle[segment] * scale - points[cluster], axis=1)
    weight = np.exp(-0.5 * (apart / REACH_KM) ** 2)
    length = network.length_m[network.segment_arc]
    mean = float(length @ estimate.mean / length.sum())
    index, false_rate = _log_index(estimate, mean), tips.false_rate[counted]
    order = np.lexsort([apart, cluster])
    # the nearest segment of each cluster that has one
    near = order[np.unique(cluster[order], return_index=True)[1]]
    own = _LogIndex(index.middle[segment[near]], index.sd[segment[near]])
    nearest, alone = np.full(tips.size, -1), np.ones(tips.size)
    at = counted[cluster[near]]
    nearest[at] = segment[near]
    alone[at] = np.exp(_shift(own, np.arange(near.size), weight[near], false_rate[cluster[near]]))
    return TipShift(
        _shift(index, segment, weight, false_rate[cluster]),
        counted.size,
        tips.size - counted.size,
        tips,
        estimate,
        np.isin(np.arange(tips.size), counted),
        nearest,
        alone,
    )


def _within_limit(tips: Tips) -> Ints:
    """Return the clusters that count: of each cell and month `MOST_CLUSTERS`, those
    least often false, the earliest among equals.
    """
    east = np.floor(tips.lon * np.cos(np.radians(tips.lat)) * KM_PER_DEGREE / CELL_KM)
    cell = np.column_stack(
        [
            east,
            np.floor(tips.lat * KM_PER_DEGREE / CELL_KM),
            tips.day.astype("datetime64[M]").astype(np.int64),
        ]
    )
    place = np.unique(cell, axis=0, return_inverse=True)[1].ravel()
    order = np.lexsort([np.arange(tips.size), tips.false_rate, place])
    first = np.searchsorted(place[order], place[order], side="left")
    return np.sort(order[np.arange(tips.size) - first < MOST_CLUSTERS])


@dataclass(frozen=True, eq=False)
class _LogIndex:
    """What the record says of eta, the log index over the mean: (m,) middles, and
    standard deviations.
    """

    middle: Floats
    sd: Floats


def _log_index(estimate: RiskEstimate, mean: float) -> _LogIndex:
    z = float(ndtri((1 + estimate.level) / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log(estimate.median / mean)
        sd = (np.log(estimate.high) - np.log(estimate.low)) / (2 * z)
    usable = np.isfinite(middle) & np.isfinite(sd)
    return _LogIndex(np.where(usable, middle, 0.0), np.where(usable, np.minimum(sd, WIDEST), 0.0))


def _shift(index: _LogIndex, segment: Ints, weight: Floats, false_rate: Floats) -> Floats:
    """Return (m,) shifts of the mean log index, by quadrature over what the record says
    of each segment.
    """
    out = np.zeros(index.middle.size)
    touched, at = np.unique(segment, return_inverse=True)
    if not touched.size:
        return out
    sd = index.sd[touched]
    eta = index.middle[touched][:, None] + sd[:, None] * NODES
    log_ratio = np.zeros_like(eta)
    flow = np.minimum(np.exp(eta), LARGEST_RATIO)[at]
    np.add.at(
        log_ratio,
        at,
        weight[:, None] * np.log(false_rate[:, None] + (1 - false_rate[:, None]) * flow),
    )
    posterior = WEIGHTS * np.exp(log_ratio - log_ratio.max(axis=1, keepdims=True))
    shift = sd * (posterior @ NODES) / posterior.sum(axis=1)
    out[touched] = np.clip(shift, 0.0, BOUND)
    return out
