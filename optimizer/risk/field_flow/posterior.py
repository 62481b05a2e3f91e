"""The log posterior of the latent variables expanded to second order at a point: its value, gradient and curvature.

Letters as in `optimizer.risk.field_flow.laplace`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.risk.field_flow.latent import nuggets
from optimizer.risk.numerics.likelihood import LikelihoodTerms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.risk.field_flow.latent import Hyperparameters, LatentModel, LatentPoint

    Floats = NDArray[np.float64]

_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()


@dataclass(frozen=True)
class PosteriorExpansion:
    """Second-order expansion of f, the log posterior, at a point.

    Attributes
    ----------
    point
        Where it is expanded.
    value
        f, log likelihood and log prior without its normalising constant.
    pull
        (m,) slope of the log likelihood in eta.
    slope_u, slope_beta
        Gradient of f in u and beta.
    weight
        (m,) w.
    cross
        (m, q) C.
    fixed
        (q, q) D.
    area_u, area_beta, area_weight
        (m, a), (q, a) derivative of the areas' log means, and (a,) their Fisher curvature.
    """

    point: LatentPoint
    value: float
    pull: Floats
    slope_u: Floats
    slope_beta: Floats
    weight: Floats
    cross: Floats
    fixed: Floats
    area_u: Floats
    area_beta: Floats
    area_weight: Floats


def cell_terms(latent: LatentModel, hyper: Hyperparameters, point: LatentPoint, eta: Floats) -> LikelihoodTerms:
    """Return the likelihood terms of each cell at the (m,) log rates, averaged over the blur if there is one."""
    cells = latent.cells
    at = eta[cells.segment] + latent.level(point.beta, cells.unit)
    if latent.blur is None:
        return cells.terms(at, hyper.shape)
    spread = at[:, None] + latent.blur[cells.unit, cells.segment, None] * _NODES
    terms = cells.terms(spread, hyper.shape)
    return LikelihoodTerms(terms.value @ _NODE_WEIGHTS, terms.slope @ _NODE_WEIGHTS, terms.curvature @ _NODE_WEIGHTS)


def expand_posterior(latent: LatentModel, hyper: Hyperparameters, point: LatentPoint) -> PosteriorExpansion:
    """Return f, its gradient and its curvature at a point."""
    cells, x = latent.cells, latent.design.columns
    (m, p), q = x.shape, latent.centre.size
    eta = latent.rates(point)
    terms = cell_terms(latent, hyper, point, eta)
    value, slope, weight = terms.value, terms.slope, terms.curvature
    total = float(value.sum())
    pull: Floats = np.bincount(cells.segment, slope, m).astype(np.float64)
    weight_u: Floats = np.bincount(cells.segment, weight, m).astype(np.float64)
    slope_beta = np.zeros(q)
    cross = np.zeros((m, q))
    fixed = np.diag(latent.precision)
    seen = latent.searched
    x_seen = x[seen]
    slope_beta[:p] = x_seen.T @ pull[seen]
    cross[seen, :p] = weight_u[seen, None] * x_seen
    fixed[:p, :p] = fixed[:p, :p] + x_seen.T @ cross[seen, :p]
    for unit in range(latent.levels):
        mine = cells.unit == unit
        slope_beta[p + unit] = slope[mine].sum()
        cross[:, p + unit] = np.bincount(cells.segment[mine], weight[mine], m)
        fixed[p + unit, p + unit] += weight[mine].sum()
        fixed[:p, p + unit] = fixed[p + unit, :p] = x.T @ cross[:, p + unit]
    area_u, area_beta = np.zeros((m, len(latent.areas))), np.zeros((q, len(latent.areas)))
    area_weight = np.zeros(len(latent.areas))
    for number, area in enumerate(latent.areas):
        blurred = 0.0 if latent.area_blur is None else float(latent.area_blur[number]) ** 2 / 2
        mean = area.log_mean(eta[area.segment] + latent.level(point.beta, area.unit) + blurred)
        of_count, share = area.terms(mean.log, hyper.shape), mean.share
        rise = float(of_count.slope[0])
        area_weight[number] = of_count.curvature[0]
        total += float(of_count.value[0])
        area_u[area.segment, number] = share
        area_beta[:p, number] = x[area.segment].T @ share
        if latent.levels:
            area_beta[p + area.unit, number] = 1.0
        pull[area.segment] += rise * share
        slope_beta += rise * area_beta[:, number]
    drawn = latent.field.times(hyper.tau, hyper.kappa2, point.u)
    off = point.beta - latent.centre
    total -= 0.5 * float(point.u @ drawn + off @ (latent.precision * off))
    if hyper.nugget > 0:
        total -= 0.5 * float(point.v @ (point.v / nuggets(latent, hyper)))
    return PosteriorExpansion(
        point,
        total,
        pull,
        pull - drawn,
        slope_beta - latent.precision * off,
        weight_u,
        cross,
        fixed,
        area_u,
        area_beta,
        area_weight,
    )
