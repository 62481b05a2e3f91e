"""Gamma-Poisson shrinkage along a network: prior of a segment from the evidence on others, with estimated weights.

Model
-----
For segment s with y seizures where e were expected (`optimizer.risk.evidence`), risk index r:

    y_s ~ Poisson(e_s r_s),   r_s ~ Gamma(shape alpha_s, mean m_s)

Evidence elsewhere counts at a discount, the probability F_st that a random walk from s passes t (`optimizer.risk.smoothing`), and however well
searched, one segment is one example of its neighbourhood (w_t). A segment's own evidence stays out of its prior:

    Y_s = sum over t != s of F_st w_t y_t,   E_s = sum over t != s of F_st w_t e_t,   w_t = 1 / (1 + e_t mu / a)

(seizures that are known by area alone come with F = w = 1 to the segments of that area, for it is their mean that they tell), and
    m_s = (b + Y_s) / (b / mu + E_s)              the neighbourhood's index, itself shrunk to the typical index mu
    1 / alpha_s = 1 / a + 1 / B_s + 1 / (a B_s)   a segment varies about its neighbourhood (shape a), and the neighbourhood is known
                                                  as well as B_s = b + Y_s seizures tell it: squared coefficients of variation of a
                                                  product of two independent Gammas

so that the posterior is Gamma(alpha_s + y_s, alpha_s / m_s + e_s), and far from evidence the prior falls back to the whole.
The reach of the walk, a, b and mu maximise the product over segments of the negative binomial chance of y_s, and over areas of the
chance of their pooled count, each with its own evidence left out, times log-normal priors: an empirical Bayes estimate.

References
----------
D. Clayton, J. Kaldor (1987), Empirical Bayes estimates of age-standardized relative risks, Biometrics 43(3);
J. G. Ibrahim, M.-H. Chen (2000), Power prior distributions for regression models, Statistical Science 15(1): evidence at a discount.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from optimizer.risk.numerics.gamma import log_area_likelihood, log_negative_binomial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.risk.evidence import Evidence
    from optimizer.risk.smoothing import Walk

    Floats = NDArray[np.float64]

SPREAD = (1.5, 1.5, 1.0)
"""Standard deviations of the log-normal priors of a, b and mu, each with median 1."""


@dataclass(frozen=True, slots=True)
class NeighbourEvidence:
    """Discounted evidence from elsewhere.

    Attributes
    ----------
    count, expected
        (m,) Y and E around each segment, its own evidence left out.
    areas
        For each pool Y and E around its segments, the pool left out.
    """

    count: Floats
    expected: Floats
    areas: tuple[tuple[Floats, Floats], ...]


@dataclass(frozen=True, slots=True)
class GammaPrior:
    """Gamma priors of the risk index.

    Attributes
    ----------
    shape, mean
        (k,) alpha and m.
    known
        (k,) B: how many seizures the neighbourhood's index rests on.
    """

    shape: Floats
    mean: Floats
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


def neighbour_evidence(evidence: Evidence, walk: Walk, shapes: ShrinkageShapes) -> NeighbourEvidence:
    """Gather the evidence around every segment and pool, discounted by the chance to pass it and by how far it is credible.

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
    around = gathered[:, :2] - credible[:, None] * np.column_stack((evidence.own_count, evidence.own_expected))
    for number, area in enumerate(areas):
        carried = gathered[area.segment, 2 * number + 2 : 2 * number + 4]
        around[area.segment] += (area.count, area.expected.sum()) - carried
    around = np.maximum(around, 0.0)  # rounding in the differences
    outside = (around[area.segment] - (area.count, area.expected.sum()) for area in areas)
    return NeighbourEvidence(
        around[:, 0], around[:, 1], tuple((rest[:, 0], rest[:, 1]) for rest in (np.maximum(o, 0.0) for o in outside))
    )


def fit_shapes(evidence: Evidence, walk: Walk, fixed: Sequence[float | None]) -> tuple[float, ShrinkageShapes]:
    """Return the log of the maximised product of priors and leave-own-out chances, and where it is.

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
        return -log_likelihood(evidence, neighbour_evidence(evidence, walk, shapes), shapes) + 0.5 * float(
            ((logs / SPREAD)[free] ** 2).sum()
        )

    if not free:
        return -cost(np.empty(0)), ShrinkageShapes(*np.exp(logs))
    corners = np.vstack((np.zeros(len(free)), np.eye(len(free))))
    options = {"initial_simplex": corners, "xatol": 0.01, "fatol": 0.001}
    found = minimize(cost, np.zeros(len(free)), method="Nelder-Mead", options=options)  # type: ignore[call-overload]  # stubs lack initial_simplex
    return -cost(found.x), ShrinkageShapes(*np.exp(logs))


def log_likelihood(evidence: Evidence, around: NeighbourEvidence, shapes: ShrinkageShapes) -> float:
    """Return the sum of log chances of each segment's own count and each pool's, its own evidence left out of its prior."""
    own = evidence.own_expected > 0
    prior = shapes.prior(around.count[own], around.expected[own])
    rate = prior.shape / prior.mean
    total = log_negative_binomial(evidence.own_count[own], evidence.own_expected[own], prior.shape, rate).sum()
    for area, (count, expected) in zip(evidence.area_counts, around.areas, strict=True):
        prior = shapes.prior(count, expected)
        total += log_area_likelihood(area, prior.shape, prior.mean, prior.known)
    return float(total)
