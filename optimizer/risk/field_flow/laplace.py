"""The mode of a latent Gaussian model, the Gaussian around it, and the chance of the
data under it (Laplace's approximation).

The log rate of segment s and the log mean of a cell there, searched in unit l, are

    eta_s = offset_s + x_s' beta + u_s + v_s,      x = log(expected) + eta_s + level_l,

with u ~ N(0, Q^-1) the field of `optimizer.risk.field_flow.field`, v ~ N(0, n I) what
is a segment's own (n its variance, the nugget), and independent normal priors on beta
and, where there are several units, on the levels. Newton's method finds the mode of the
posterior of z = (u, v, beta, levels). With w the curvature of the cells by segment, C =
sum of w x by segment, D = prior precisions + sum of w x x', R = 1 / (1 + n w) and K = n
R, eliminating v leaves the Hessian

    H = [ A   RC ]  +  V V',     A = Q + diag(R w),   B = D - C' K C,   S = B - (RC)' A^-1 RC,
        [ CR   B ]

with one column of V for each count that is known by area alone (Fisher's curvature, by
Woodbury's identity). A has the pattern of the road network: one sparse factorisation a
step, a solve a column, and Takahashi's selected inverse for the variances. The log
evidence is

    log p(y) ~ f(z*) + (log det Q + log det priors - log det A - log det S - sum of log(1 + n w)) / 2,

f the log likelihood and the log prior without its normalising constant.

References
----------
H. Rue, S. Martino, N. Chopin (2009), Approximate Bayesian inference for latent Gaussian
models, J. R. Statist. Soc. B 71(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from optimizer.risk.numerics.likelihood import AreaCount, Cells, LikelihoodTerms
from optimizer.risk.params import USUAL

if TYPE_CHECKING:
    from optimizer.risk.field_flow.field import Field

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


def log_evidence(
    latent: LatentModel, hyper: Hyperparameters, mode: PosteriorExpansion, hessian: Hessian
) -> float:
    """Return Laplace's approximation of the log chance of the data given the hyperparameters."""
    prior = latent.field.log_determinant(hyper.tau, hyper.kappa2) + float(
        np.log(latent.precision).sum()
    )
    return mode.value + 0.5 * (prior - hessian.log_determinant)


def draw(
    latent: LatentModel,
    hyper: Hyperparameters,
    mode: PosteriorExpansion,
    n: int,
    rng: np.random.Generator,
) -> Floats:
    """Return n draws of eta less its mode from the Gaussian around the mode, (n, m),
    units of effort at their mean level.
    """
    columns = latent.usual_columns
    points = draw_points(latent, hyper, mode, n, rng)
    drawn = [columns @ point.beta + point.u + point.v for point in points]
    return np.array(drawn).reshape(n, len(columns))


def draw_points(
    latent: LatentModel,
    hyper: Hyperparameters,
    mode: PosteriorExpansion,
    n: int,
    rng: np.random.Generator,
) -> list[LatentPoint]:
    """Return n draws of the latent variables less their mode from the Gaussian around
    the mode.

    A vector with covariance H, put together from the parts of H, times H^-1 has
    covariance H^-1 (Papandreou and Yuille 2010, Gaussian sampling by local
    perturbations).
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
        right_beta = (
            np.sqrt(latent.precision) * rng.standard_normal(latent.precision.size)
            + mode.area_beta @ by_area
        )
        right_beta[:p] += x.T @ np.bincount(cells.segment, shaken, m)
        if latent.levels:
            right_beta[p:] += np.bincount(cells.unit, shaken, latent.levels)
        owned = free * (own * at + np.sqrt(own) * rng.standard_normal(m))
        out.append(hessian.solve(noise[row] + at, right_beta, owned))
    return out


@dataclass(frozen=True)
class Design:
    """Covariates of the log rate."""

    #: (m, p) x.
    columns: Floats
    #: `prior_mean`, `prior_sd`: (p,) of beta.
    prior_mean: Floats
    prior_sd: Floats
    #: (m,).
    offset: Floats


@dataclass(frozen=True)
class Hyperparameters:
    """The hyperparameters."""

    #: `tau`, `kappa2`: Precision and inverse squared reach of the field, > 0.
    tau: float
    kappa2: float
    #: Variance of what is a segment's own, >= 0.
    nugget: float = 0.0
    #: Shape of a month's counts, > 0; infinity is Poisson.
    shape: float = np.inf


@dataclass(frozen=True)
class LatentModel:
    """What is known: cells, counts by area, covariates, and the graph of the field.

    `own` is the (m,) size of the nugget of each segment relative to
    `Hyperparameters.nugget`, > 0; None is the same everywhere. `unit_sd` is the prior
    standard deviation of the log level of a unit.

    With `blur`, (n_units, m) standard deviations of the log rate with the level of each
    unit, the log likelihood is its mean over normal log rates of that spread: finding
    the mode and taking the spread there, in turn, leads to the normal distribution that
    is nearest to the posterior in Kullback-Leibler divergence. The mode alone sits too
    high where seizures are few, for the posterior of a log rate has its long tail
    below. `area_blur`, (areas,), is the same for the log sums of areas: how a sum is
    divided may be known far worse than the sum.
    """

    field: Field
    cells: Cells
    areas: tuple[AreaCount, ...]
    design: Design
    n_units: int
    blur: Floats | None = None
    area_blur: Floats | None = None
    own: Floats | None = None
    unit_sd: float = USUAL.unit_sd

    @cached_property
    def levels(self) -> int:
        """How many levels of detection are free: none where all effort has one unit."""
        return self.n_units if self.n_units > 1 else 0

    @cached_property
    def searched(self) -> NDArray[np.int64]:
        """Segments that have a cell, in rising order."""
        return np.unique(self.cells.segment)

    @cached_property
    def precision(self) -> Floats:
        """(q,) prior precision of beta and the levels."""
        return np.concatenate(
            (self.design.prior_sd**-2.0, np.full(self.levels, self.unit_sd**-2.0))
        )

    @cached_property
    def centre(self) -> Floats:
        """(q,) prior mean of beta and the levels."""
        return np.concatenate((self.design.prior_mean, np.zeros(self.levels)))

    @cached_property
    def unit_share(self) -> Floats:
        """(levels,) share of each unit in the seizures expected of effort; empty where
        levels are not free.
        """
        if not self.levels:
            return np.zeros(0)
        expected = np.bincount(self.cells.unit, self.cells.expected, self.n_units)
        return np.asarray(expected / max(expected.sum(), 1e-300))

    @cached_property
    def usual_columns(self) -> Floats:
        """(m, q) covariates of the log rate of usual effort: units at their mean level
        by `unit_share`.
        """
        x = self.design.columns
        return np.column_stack((x, np.tile(self.unit_share, (len(x), 1)))) if self.levels else x

    def rates(self, point: LatentPoint) -> Floats:
        """Return the (m,) log rates eta of a unit of level 0."""
        p = self.design.columns.shape[1]
        return np.asarray(
            self.design.offset + self.design.columns @ point.beta[:p] + point.u + point.v
        )

    def level(self, beta: Floats, unit: NDArray[np.int64] | int) -> Floats:
        """Return the level of each unit asked for."""
        return (
            np.asarray(beta[self.design.columns.shape[1] :][unit])
            if self.levels
            else np.zeros(np.shape(unit))
        )


@dataclass(frozen=True)
class LatentPoint:
    """Values of the latent variables: (m,) field, (m,) what is a segment's own, (q,)
    beta and levels.
    """

    u: Floats
    v: Floats
    beta: Floats

    def moved(self, step: LatentPoint, length: float = 1.0) -> LatentPoint:
        """Return the point a step away."""
        return LatentPoint(
            self.u + length * step.u, self.v + length * step.v, self.beta + length * step.beta
        )


def nuggets(latent: LatentModel, hyper: Hyperparameters) -> Floats:
    """Return the (m,) variances of what is each segment's own."""
    return hyper.nugget * (
        np.ones(latent.field.neighbours.size) if latent.own is None else latent.own
    )


# The log posterior of the latent variables expanded to second order at a point: its
# value, gradient and curvature.
#
# Letters as in `optimizer.risk.field_flow.laplace`.

_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(9)

_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()


@dataclass(frozen=True)
class PosteriorExpansion:
    """Second-order expansion of f, the log posterior, at a point."""

    #: Where it is expanded.
    point: LatentPoint
    #: f, log likelihood and log prior without its normalising constant.
    value: float
    #: (m,) slope of the log likelihood in eta.
    pull: Floats
    #: `slope_u`, `slope_beta`: Gradient of f in u and beta.
    slope_u: Floats
    slope_beta: Floats
    #: (m,) w.
    weight: Floats
    #: (m, q) C.
    cross: Floats
    #: (q, q) D.
    fixed: Floats
    #: `area_u`, `area_beta`, `area_weight`: (m, a), (q, a) derivative of the areas' log
    #: means, and (a,) their Fisher curvature.
    area_u: Floats
    area_beta: Floats
    area_weight: Floats


def cell_terms(
    latent: LatentModel, hyper: Hyperparameters, point: LatentPoint, eta: Floats
) -> LikelihoodTerms:
    """Return the likelihood terms of each cell at the (m,) log rates, averaged over the
    blur if there is one.
    """
    cells = latent.cells
    at = eta[cells.segment] + latent.level(point.beta, cells.unit)
    if latent.blur is None:
        return cells.terms(at, hyper.shape)
    spread = at[:, None] + latent.blur[cells.unit, cells.segment, None] * _NODES
    terms = cells.terms(spread, hyper.shape)
    return LikelihoodTerms(
        terms.value @ _NODE_WEIGHTS, terms.slope @ _NODE_WEIGHTS, terms.curvature @ _NODE_WEIGHTS
    )


def expand_posterior(
    latent: LatentModel, hyper: Hyperparameters, point: LatentPoint
) -> PosteriorExpansion:
    """Return f, its gradient and its curvature at a point."""
    cells, x = latent.cells, latent.design.columns
    (m, p), q = x.shape, latent.centre.size
    eta = latent.rates(point)
    # Cells first: each has one segment and one unit, so their curvature in u is
    # diagonal (w).
    terms = cell_terms(latent, hyper, point, eta)
    value = terms.value
    slope = terms.slope
    weight = terms.curvature
    total = float(value.sum())
    pull: Floats = np.bincount(cells.segment, slope, m).astype(np.float64)
    weight_u: Floats = np.bincount(cells.segment, weight, m).astype(np.float64)
    slope_beta = np.zeros(q)
    cross = np.zeros((m, q))
    fixed = np.diag(latent.precision)
    # Only segments that were searched have a weight; the dense products over all m
    # would be mostly zeros.
    seen = latent.searched
    x_seen = x[seen]
    slope_beta[:p] = x_seen.T @ pull[seen]
    cross[seen, :p] = weight_u[seen, None] * x_seen
    fixed[:p, :p] = fixed[:p, :p] + x_seen.T @ cross[seen, :p]
    # The level of a unit is a covariate that is 1 in its own cells alone: its column of
    # RC and rows of D are sums over these.
    for unit in range(latent.levels):
        mine = cells.unit == unit
        slope_beta[p + unit] = slope[mine].sum()
        cross[:, p + unit] = np.bincount(cells.segment[mine], weight[mine], m)
        fixed[p + unit, p + unit] += weight[mine].sum()
        fixed[:p, p + unit] = fixed[p + unit, :p] = x_seen.T @ cross[seen, p + unit]
    area_u, area_beta = np.zeros((m, len(latent.areas))), np.zeros((q, len(latent.areas)))
    area_weight = np.zeros(len(latent.areas))
    # An area's count depends on log sum exp eta, whose gradient is the segments' shares
    # of the sum. Fisher's curvature is of rank one: one column of V with one weight,
    # never negative, so that H stays positive definite.
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


# The curvature of the log posterior, eliminated part by part, and what it answers:
# steps, variances, determinants.
#
# Letters as in `optimizer.risk.field_flow.laplace`.


@dataclass(frozen=True)
class NewtonStep:
    """A Newton step, and half of what f would gain by it if it were quadratic."""

    point: LatentPoint
    gain: float


class Hessian:
    """H as seen from a point, ready to solve with until the problem's field is used
    again.

    Parameters
    ----------
    latent, hyper, expansion
        Where.

    Attributes
    ----------
    log_determinant
        log det A + log det S + sum of log(1 + n w), with the areas' part.
    """

    def __init__(
        self, latent: LatentModel, hyper: Hyperparameters, expansion: PosteriorExpansion
    ) -> None:
        self._expansion = expansion
        self._free = 1 / (1 + nuggets(latent, hyper) * expansion.weight)  # R
        self._own = nuggets(latent, hyper) * self._free  # K
        self._factor = latent.field.with_evidence(
            hyper.tau, hyper.kappa2, self._free * expansion.weight
        )
        seen = latent.searched
        # without cells w and C are 0: areas alone tie the parts together
        self._seen = seen.size > 0
        cross = expansion.cross[seen]
        joint = self._free[seen, None] * cross
        whole = np.zeros_like(expansion.cross)
        if seen.size:
            whole[seen] = joint
            self._behind = self._factor.solve(whole)
        else:
            self._behind = whole
        schur = (
            expansion.fixed
            - cross.T @ (self._own[seen, None] * cross)
            - joint.T @ self._behind[seen]
        )
        self._schur = cho_factor(schur, lower=True)
        self.log_determinant = (
            self._factor.log_determinant
            + 2 * float(np.log(np.diag(self._schur[0])).sum())
            - float(np.log(self._free).sum())
        )
        self._field_variance: Floats | None = None
        self._area: tuple[Floats, Floats, tuple[Floats, bool]] | None = None
        active = expansion.area_weight > 0
        if active.any():
            at = expansion.area_u[:, active]
            beta = expansion.area_beta[:, active]
            weight = expansion.area_weight[active]
            parts = self.solve_without_areas(at, beta, self._own[:, None] * at)
            inner = at.T @ (parts.u + parts.v) + beta.T @ parts.beta
            root = np.sqrt(weight)
            self.log_determinant += float(
                np.linalg.slogdet(np.eye(root.size) + root[:, None] * inner * root)[1]
            )
            self._area = (at, beta, cho_factor(np.diag(1 / weight) + inner, lower=True))
            self._parts = parts

    def solve_without_areas(
        self, right_u: Floats, right_beta: Floats, owned: Floats
    ) -> LatentPoint:
        """Solve without the areas' part; `owned` is K times the right side of v. All
        three may have a second axis, of several right sides.
        """
        expansion = self._expansion
        if not self._seen:
            return LatentPoint(
                self._factor.solve(right_u), owned, cho_solve(self._schur, right_beta)
            )
        each = (slice(None), *(None,) * (right_u.ndim - 1))
        weight, own = expansion.weight[each], self._own[each]
        right_u = right_u - weight * owned
        right_beta = right_beta - expansion.cross.T @ owned
        beta = cho_solve(self._schur, right_beta - self._behind.T @ right_u)
        u = self._factor.solve(right_u) - self._behind @ beta
        return LatentPoint(u, owned - own * (weight * u + expansion.cross @ beta), beta)

    def solve(self, right_u: Floats, right_beta: Floats, owned: Floats) -> LatentPoint:
        """Return H^-1 times a right side: (m,) of u, (q,) of beta, and K times the (m,) of v."""
        point = self.solve_without_areas(right_u, right_beta, owned)
        if self._area is not None:
            at, beta, inner = self._area
            share = cho_solve(inner, at.T @ (point.u + point.v) + beta.T @ point.beta)
            moved = LatentPoint(
                self._parts.u @ share, self._parts.v @ share, self._parts.beta @ share
            )
            point = point.moved(moved, -1.0)
        return point

    def newton(self, nugget: Floats) -> NewtonStep:
        """Return Newton's step."""
        expansion = self._expansion
        step = self.solve(
            expansion.slope_u,
            expansion.slope_beta,
            self._own * expansion.pull - self._free * expansion.point.v,
        )
        gain = float(
            expansion.slope_u @ step.u + expansion.slope_beta @ step.beta + expansion.pull @ step.v
        )
        if nugget.any():
            gain -= float(expansion.point.v @ (step.v / nugget))
        return NewtonStep(step, gain / 2)

    def area_variance(self) -> Floats:
        """Return the (areas,) variances of the linear log sums of the areas."""
        variance = np.zeros(self._expansion.area_weight.size)
        if self._area is not None:
            weight = self._expansion.area_weight[self._expansion.area_weight > 0]
            inner = self._area[2]
            # with J = V' H0^-1 V, W the weights: J - J (1/W + J)^-1 J = 1/W - 1/W (1/W
            # + J)^-1 1/W
            variance[self._expansion.area_weight > 0] = (
                1 / weight - np.diag(cho_solve(inner, np.eye(weight.size))) / weight**2
            )
        return np.maximum(variance, 0.0)

    def unit_variance(self, latent: LatentModel) -> Floats:
        """Return the (n_units, m) variances of eta with the level of each unit."""
        x = latent.design.columns
        if not latent.levels:
            return self.rate_variance(x)[None]
        level = np.eye(latent.levels)
        return np.array(
            [self.rate_variance(np.column_stack((x, np.tile(one, (len(x), 1))))) for one in level]
        )

    def rate_variance(self, columns: Floats) -> Floats:
        """Return the (m,) variances of eta = columns @ beta + u + v, for the (m, p)
        covariates of the first p of beta and the levels.
        """
        p = columns.shape[1]
        if self._field_variance is None:
            self._field_variance = self._factor.inverse_diagonal()
        rest = -self._own[:, None] * self._expansion.cross - self._free[:, None] * self._behind
        rest[:, :p] += columns
        variance = self._free**2 * self._field_variance + self._own
        variance += (rest * cho_solve(self._schur, rest.T).T).sum(axis=1)
        if self._area is not None:
            inner = self._area[2]
            t = self._parts.u + self._parts.v + columns @ self._parts.beta[:p]
            variance -= (t * cho_solve(inner, t.T).T).sum(axis=1)
        return np.asarray(np.maximum(variance, 1e-12))
