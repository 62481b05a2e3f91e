"""Seizures per unit of effort, shrunk along the network: the model, its Gamma-Poisson
prior, and the random walk that discounts.

`ShrunkRate` is fitted; `fit_shapes` finds its prior; `walk` says how much one segment
tells of another. Formulas stand with each part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import coo_array, csc_array, diags_array

from optimizer.records.model import Effort, Seizures
from optimizer.risk.estimate import GammaModel, log_area_likelihood, log_negative_binomial
from optimizer.risk.evidence import Evidence, gather_evidence
from optimizer.risk.location_error import fit_location_error
from optimizer.risk.numerics.ldl import Factor
from optimizer.risk.numerics.likelihood import AreaCount

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]

REACHES = (1.0, 3.0, 9.0, 27.0)
"""Reaches that are tried, in mean lengths of a segment."""


class ShrunkRate(GammaModel):
    """Seizures per unit of effort by Gamma-Poisson shrinkage along the network.

    Parameters
    ----------
    level
        Probability of the interval, in (0, 1).
    reach_km
        How far evidence carries along the roads, in kilometres > 0; None tries a few
        and keeps the likeliest.
    segment_shape
        a: how alike the segments of a neighbourhood are, > 0; None estimates it, as
        below.
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
        evidence = fit_location_error(gather_evidence(records, effort, network), records, network)
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
        return log_area_likelihood(
            area, self.shape_[at], self.shape_[at] / self.rate_[at], self.prior_.known[at]
        )

    def _reaches(self, network: Network) -> list[float]:
        if self.reach_km is not None:
            return [self.reach_km]
        mean = float(network.length_m[network.segment_arc].mean()) / 1000
        return [mean * multiple for multiple in REACHES]


# Gamma-Poisson shrinkage along a network: prior of a segment from the evidence on
# others, with estimated weights.
#
# Model
# -----
# For segment s with y seizures where e were expected (`optimizer.risk.evidence`), risk
# index r:
#
#     y_s ~ Poisson(e_s r_s),   r_s ~ Gamma(shape alpha_s, mean m_s)
#
# Evidence elsewhere counts at a discount, the probability F_st that a random walk from
# s passes t (`optimizer.risk.shrunk_rate`), and however well searched, one segment is
# one example of its neighbourhood (w_t). A segment's own evidence stays out of its
# prior:
#
#     Y_s = sum over t != s of F_st w_t y_t,   E_s = sum over t != s of F_st w_t e_t,   w_t = 1 / (1 + e_t mu / a)
#
# (seizures that are known by area alone come with F = w = 1 to the segments of that
# area, for it is their mean that they tell), and
#     m_s = (b + Y_s) / (b / mu + E_s)              the neighbourhood's index, itself shrunk to the typical index mu
#     1 / alpha_s = 1 / a + 1 / B_s + 1 / (a B_s)   a segment varies about its neighbourhood (shape a), and the neighbourhood is known
#                                                   as well as B_s = b + Y_s seizures tell it: squared coefficients of variation of a
#                                                   product of two independent Gammas
#
# so that the posterior is Gamma(alpha_s + y_s, alpha_s / m_s + e_s), and far from
# evidence the prior falls back to the whole. The reach of the walk, a, b and mu
# maximise the product over segments of the negative binomial chance of y_s, and over
# areas of the chance of their pooled count, each with its own evidence left out, times
# log-normal priors: an empirical Bayes estimate.
#
# References
# ----------
# D. Clayton, J. Kaldor (1987), Empirical Bayes estimates of age-standardized relative
# risks, Biometrics 43(3); J. G. Ibrahim, M.-H. Chen (2000), Power prior distributions
# for regression models, Statistical Science 15(1): evidence at a discount.

SPREAD = (1.5, 1.5, 1.0)
"""Standard deviations of the log-normal priors of a, b and mu, each with median 1."""


@dataclass(frozen=True, slots=True)
class NeighbourEvidence:
    """Discounted evidence from elsewhere."""

    #: `count`, `expected`: (m,) Y and E around each segment, its own evidence left out.
    count: Floats
    expected: Floats
    #: For each pool Y and E around its segments, the pool left out.
    areas: tuple[tuple[Floats, Floats], ...]


@dataclass(frozen=True, slots=True)
class GammaPrior:
    """Gamma priors of the risk index."""

    #: `shape`, `mean`: (k,) alpha and m.
    shape: Floats
    mean: Floats
    #: (k,) B: how many seizures the neighbourhood's index rests on.
    known: Floats


@dataclass(frozen=True, slots=True)
class ShrinkageShapes:
    """The hyperparameters a, b and mu, all > 0."""

    segment: float
    neighbourhood: float
    typical: float

    def prior(self, count: Floats, expected: Floats) -> GammaPrior:
        """Return the priors that discounted evidence Y (k,) and E (k,) give."""
        known = self.neighbourhood + count
        mean = known / (self.neighbourhood / self.typical + expected)
        return GammaPrior(1 / ((1 + 1 / self.segment) * (1 + 1 / known) - 1), mean, known)


def neighbour_evidence(
    evidence: Evidence, walk: Walk, shapes: ShrinkageShapes
) -> NeighbourEvidence:
    """Gather the evidence around every segment and pool, discounted by the chance to
    pass it and by how far it is credible.

    To the segments it is about, a pool counts whole: their mean is what it measures.
    """
    areas = evidence.area_counts
    credible = 1 / (1 + evidence.expected * shapes.typical / shapes.segment)
    columns = np.zeros((evidence.count.size, 2 + 2 * len(areas)))
    columns[:, 0], columns[:, 1] = evidence.count, evidence.expected
    for number, area in enumerate(areas):
        columns[area.segment, 2 * number + 2] = area.spread
        columns[area.segment, 2 * number + 3] = area.expected
    gathered = walk.gathered(columns * credible[:, None])
    around = gathered[:, :2] - credible[:, None] * np.column_stack(
        (evidence.own_count, evidence.own_expected)
    )
    for number, area in enumerate(areas):
        carried = gathered[area.segment, 2 * number + 2 : 2 * number + 4]
        around[area.segment] += (area.count, area.expected.sum()) - carried
    around = np.maximum(around, 0.0)  # rounding in the differences
    outside = (around[area.segment] - (area.count, area.expected.sum()) for area in areas)
    return NeighbourEvidence(
        around[:, 0],
        around[:, 1],
        tuple((rest[:, 0], rest[:, 1]) for rest in (np.maximum(o, 0.0) for o in outside)),
    )


def fit_shapes(
    evidence: Evidence, walk: Walk, fixed: Sequence[float | None]
) -> tuple[float, ShrinkageShapes]:
    """Return the log of the maximised product of priors and leave-own-out chances, and
    where it is.

    Parameters
    ----------
    evidence, walk
        What the records say, and how it carries.
    fixed
        a, b and mu where they are given, None where they are to be found.
    """
    free = [number for number, value in enumerate(fixed) if value is None]
    logs = np.array([0.0 if value is None else np.log(value) for value in fixed])

    def cost(chosen: Floats) -> float:
        logs[free] = chosen
        shapes = ShrinkageShapes(*np.exp(logs))
        return -log_likelihood(
            evidence, neighbour_evidence(evidence, walk, shapes), shapes
        ) + 0.5 * float(((logs / SPREAD)[free] ** 2).sum())

    if not free:
        return -cost(np.empty(0)), ShrinkageShapes(*np.exp(logs))
    corners = np.vstack((np.zeros(len(free)), np.eye(len(free))))
    options = {"initial_simplex": corners, "xatol": 0.01, "fatol": 0.001}
    found = minimize(cost, np.zeros(len(free)), method="Nelder-Mead", options=options)  # type: ignore[call-overload]  # stubs lack initial_simplex
    return -cost(found.x), ShrinkageShapes(*np.exp(logs))


def log_likelihood(evidence: Evidence, around: NeighbourEvidence, shapes: ShrinkageShapes) -> float:
    """Return the sum of log chances of each segment's own count and each pool's, its
    own evidence left out of its prior.
    """
    own = evidence.own_expected > 0
    prior = shapes.prior(around.count[own], around.expected[own])
    rate = prior.shape / prior.mean
    total = log_negative_binomial(
        evidence.own_count[own], evidence.own_expected[own], prior.shape, rate
    ).sum()
    for area, (count, expected) in zip(evidence.area_counts, around.areas, strict=True):
        prior = shapes.prior(count, expected)
        total += log_area_likelihood(area, prior.shape, prior.mean, prior.known)
    return float(total)


# How much a seizure on one segment says about another: the probability that a random
# walk from one passes the other.
#
# The walk is Brownian motion along the roads from the middle of a segment: it turns at
# random at junctions and back at dead ends, and is killed at a constant rate, such that
# on one long road it gets farther than x km each way with probability exp(-x / reach).
# Its Green function solves, on the segments (length h, potential u) and the junctions
# (potential v, no length),
#
#     h u + c (u - v1) + c (u - v2) = f,    sum over the segments at a junction of c (v - u) = 0,    c = 2 reach^2 / h,
#
# the finite-volume form of u - reach^2 u'' = f. Eliminating the segments leaves one
# symmetric M-matrix over the junctions, as sparse as the road network itself. With G
# the inverse, the probability to pass t from s is F_st = G_st / G_tt, in [0, 1], and
# F_ss is 1.

SHORTEST_KM = 0.001
"""Segments shorter than a metre count as a metre, which keeps the matrix well conditioned."""


@dataclass(frozen=True)
class Walk:
    """A random walk on the segments of a network."""

    #: Distance over which the probability to get so far falls by a factor e, on one
    #: long road.
    reach_km: float
    #: (m,) h + 2 c of each segment.
    load: NDArray[np.float64]
    #: (m, n) sparse c of each segment at its two ends.
    link: csc_array
    #: Factors of the (n, n) matrix over the junctions.
    factor: Factor
    #: (m,) G_ss, the Green function of each segment at itself.
    home: NDArray[np.float64]

    def gathered(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return for each segment s the sum over t of F_st x evidence_t; `evidence` is
        (m,) or (m, k).
        """
        columns = evidence.reshape(len(evidence), -1) / self.home[:, None] / self.load[:, None]
        spread = columns + self.link @ self.factor.solve(self.link.T @ columns) / self.load[:, None]
        return np.asarray(spread.reshape(evidence.shape))


def walk(network: Network, reach_km: float) -> Walk:
    """Return the random walk with a reach of `reach_km` > 0 kilometres. Time grows a
    little faster than the number of segments.
    """
    arc = network.segment_arc
    length = np.maximum(network.length_m[arc] / 1000, SHORTEST_KM)
    strength = 2 * reach_km**2 / length
    load = length + 2 * strength
    segment = np.arange(arc.size)
    ends = np.concatenate((network.tail[arc], network.head[arc]))
    link = coo_array(
        (np.tile(strength, 2), (np.tile(segment, 2), ends)), shape=(arc.size, network.n_nodes)
    ).tocsc()
    total: NDArray[np.float64] = np.asarray(link.sum(axis=0))
    total[total == 0] = 1.0  # a node without a road
    matrix = csc_array(diags_array(total) - link.T @ diags_array(1 / load) @ link)
    factor = Factor.of(matrix)
    return Walk(reach_km, load, link, factor, _home(network, factor, strength, load))


def _home(
    network: Network, factor: Factor, strength: NDArray[np.float64], load: NDArray[np.float64]
) -> NDArray[np.float64]:
    tail, head = network.tail[network.segment_arc], network.head[network.segment_arc]
    own = factor.inverse_diagonal()
    between = factor.inverse_at(tail, head)
    return np.asarray(1 / load + (strength / load) ** 2 * (own[tail] + own[head] + 2 * between))
