"""The mode of a latent Gaussian model, the Gaussian around it, and the chance of the data under it (Laplace's approximation).

The log rate of segment s and the log mean of a cell there, searched in unit l, are

    eta_s = offset_s + x_s' beta + u_s + v_s,      x = log(expected) + eta_s + level_l,

with u ~ N(0, Q^-1) the field of `optimizer.risk.field_flow.field`, v ~ N(0, n I) what is a segment's own (n its variance, the nugget), and
independent normal priors on beta and, where there are several units, on the levels. Newton's method finds the mode of the posterior of z =
(u, v, beta, levels). With w the curvature of the cells by segment, C = sum of w x by segment, D = prior precisions + sum of w x x',
R = 1 / (1 + n w) and K = n R, eliminating v leaves the Hessian

    H = [ A   RC ]  +  V V',     A = Q + diag(R w),   B = D - C' K C,   S = B - (RC)' A^-1 RC,
        [ CR   B ]

with one column of V for each count that is known by area alone (Fisher's curvature, by Woodbury's identity). A has the pattern of the
road network: one sparse factorisation a step, a solve a column, and Takahashi's selected inverse for the variances. The log evidence is

    log p(y) ~ f(z*) + (log det Q + log det priors - log det A - log det S - sum of log(1 + n w)) / 2,

f the log likelihood and the log prior without its normalising constant.

References
----------
H. Rue, S. Martino, N. Chopin (2009), Approximate Bayesian inference for latent Gaussian models, J. R. Statist. Soc. B 71(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.risk.field_flow.hessian import Hessian
from optimizer.risk.field_flow.latent import LatentPoint, nuggets
from optimizer.risk.field_flow.posterior import cell_terms, expand_posterior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.risk.field_flow.latent import Hyperparameters, LatentModel
    from optimizer.risk.field_flow.posterior import PosteriorExpansion

    Floats = NDArray[np.float64]

MOST_STEPS = 60
HALVINGS = 30


@dataclass(frozen=True)
class FoundMode:
    """The mode of a posterior: its expansion there, and the Hessian."""

    expansion: PosteriorExpansion
    hessian: Hessian


def find_mode(
    latent: LatentModel,
    hyper: Hyperparameters,
    start: LatentPoint | None = None,
    *,
    close: float = 1e-8,
    most: int = MOST_STEPS,
) -> FoundMode:
    """Return the mode, by Newton's method with halved steps, and the Hessian there.

    Parameters
    ----------
    latent, hyper
        The posterior whose mode is sought.
    start
        A point to begin at; by default the priors' means.
    close
        Stop when a step would raise f by less than about this.
    most
        Steps at most, >= 1; the Hessian is then that before the last.
    """
    nothing = np.zeros(latent.design.offset.size)
    start = start or LatentPoint(nothing, nothing, latent.centre)
    if hyper.nugget == 0 and start.v.any():
        start = LatentPoint(start.u + start.v, nothing, start.beta)
    here = expand_posterior(latent, hyper, start)
    for _ in range(most):
        hessian = Hessian(latent, hyper, here)
        step = hessian.newton(nuggets(latent, hyper))
        if step.gain < close:
            break
        length = 1.0
        for _ in range(HALVINGS):
            there = expand_posterior(latent, hyper, here.point.moved(step.point, length))
            if there.value >= here.value + 0.1 * length * step.gain:
                break
            length /= 2
        else:
            break
        here = there
    return FoundMode(here, hessian)


def log_evidence(latent: LatentModel, hyper: Hyperparameters, mode: PosteriorExpansion, hessian: Hessian) -> float:
    """Return Laplace's approximation of the log chance of the data given the hyperparameters."""
    prior = latent.field.log_determinant(hyper.tau, hyper.kappa2) + float(np.log(latent.precision).sum())
    return mode.value + 0.5 * (prior - hessian.log_determinant)


def draw(
    latent: LatentModel, hyper: Hyperparameters, mode: PosteriorExpansion, n: int, rng: np.random.Generator
) -> Floats:
    """Return n draws of eta less its mode from the Gaussian around the mode, (n, m), units of effort at their mean level."""
    columns = latent.usual_columns
    points = draw_points(latent, hyper, mode, n, rng)
    drawn = [columns @ point.beta + point.u + point.v for point in points]
    return np.array(drawn).reshape(n, len(columns))


def draw_points(
    latent: LatentModel, hyper: Hyperparameters, mode: PosteriorExpansion, n: int, rng: np.random.Generator
) -> list[LatentPoint]:
    """Return n draws of the latent variables less their mode from the Gaussian around the mode.

    A vector with covariance H, put together from the parts of H, times H^-1 has covariance H^-1 (Papandreou and Yuille 2010, Gaussian
    sampling by local perturbations).
    """
    cells, x = latent.cells, latent.design.columns
    m, p = x.shape
    eta = latent.rates(mode.point)
    weight = cell_terms(latent, hyper, mode.point, eta).curvature
    hessian = Hessian(latent, hyper, mode)
    own = nuggets(latent, hyper)
    free = 1 / (1 + own * mode.weight)
    noise = latent.field.noise(hyper.tau, hyper.kappa2, n, rng)
    out = []
    for row in range(n):
        shaken = np.sqrt(weight) * rng.standard_normal(weight.size)
        by_area = np.sqrt(mode.area_weight) * rng.standard_normal(mode.area_weight.size)
        at = np.bincount(cells.segment, shaken, m) + mode.area_u @ by_area
        right_beta = np.sqrt(latent.precision) * rng.standard_normal(latent.precision.size) + mode.area_beta @ by_area
        right_beta[:p] += x.T @ np.bincount(cells.segment, shaken, m)
        if latent.levels:
            right_beta[p:] += np.bincount(cells.unit, shaken, latent.levels)
        owned = free * (own * at + np.sqrt(own) * rng.standard_normal(m))
        out.append(hessian.solve(noise[row] + at, right_beta, owned))
    return out
