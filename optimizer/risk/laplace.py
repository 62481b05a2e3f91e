"""The mode of a latent Gaussian model, the Gaussian around it, and the chance of the data under it (Laplace's approximation).

The log rate of segment s and the log mean of a cell there, searched in unit l, are

    eta_s = offset_s + x_s' beta + u_s + v_s,      x = log(expected) + eta_s + level_l,

with u ~ N(0, Q^-1) the field of `optimizer.risk.field`, v ~ N(0, n I) what is a segment's own (n its variance, the nugget), and
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
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.risk.field import Field
    from optimizer.risk.likelihood import AreaCount, Cells

    Floats = NDArray[np.float64]

LEVEL_SD = 1.0
"""Prior standard deviation of the log level of detection of a unit of effort, relative to its own global rate."""
MOST_STEPS = 60
HALVINGS = 30
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()


@dataclass(frozen=True)
class Design:
    """Covariates of the log rate.

    Attributes
    ----------
    columns
        (m, p) x.
    prior_mean, prior_sd
        (p,) of beta.
    offset
        (m,).
    """

    columns: Floats
    prior_mean: Floats
    prior_sd: Floats
    offset: Floats


@dataclass(frozen=True)
class Setting:
    """The hyperparameters.

    Attributes
    ----------
    tau, kappa2
        Precision and inverse squared reach of the field, > 0.
    nugget
        Variance of what is a segment's own, >= 0.
    shape
        Shape of a month's counts, > 0; infinity is Poisson.
    """

    tau: float
    kappa2: float
    nugget: float = 0.0
    shape: float = np.inf


@dataclass(frozen=True)
class Problem:
    """What is known: cells, counts by area, covariates, and the graph of the field.

    `own` is the (m,) size of the nugget of each segment relative to `Setting.nugget`, > 0; None is the same everywhere.

    With `blur`, (m,) standard deviations of the log rates, the log likelihood is its mean over normal log rates of that spread: climbing it and
    taking the spread there, in turn, leads to the normal distribution that is nearest to the posterior in Kullback and Leibler's sense.
    The mode alone sits too high where finds are few, for the posterior of a log rate has its long tail below.
    """

    field: Field
    cells: Cells
    areas: tuple[AreaCount, ...]
    design: Design
    n_units: int
    blur: Floats | None = None
    own: Floats | None = None

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
        return np.concatenate((self.design.prior_sd**-2.0, np.full(self.levels, LEVEL_SD**-2.0)))

    @cached_property
    def centre(self) -> Floats:
        """(q,) prior mean of beta and the levels."""
        return np.concatenate((self.design.prior_mean, np.zeros(self.levels)))

    def rates(self, point: Point) -> Floats:
        """Return the (m,) log rates eta of a unit of level 0."""
        p = self.design.columns.shape[1]
        return np.asarray(self.design.offset + self.design.columns @ point.beta[:p] + point.u + point.v)

    def level(self, beta: Floats, unit: NDArray[np.int64] | int) -> Floats:
        """Return the level of each unit asked for."""
        return np.asarray(beta[self.design.columns.shape[1] :][unit]) if self.levels else np.zeros(np.shape(unit))


@dataclass(frozen=True)
class Point:
    """Values of the latent variables: (m,) field, (m,) what is a segment's own, (q,) beta and levels."""

    u: Floats
    v: Floats
    beta: Floats

    def moved(self, step: Point, length: float = 1.0) -> Point:
        """Return the point a step away."""
        return Point(self.u + length * step.u, self.v + length * step.v, self.beta + length * step.beta)


@dataclass(frozen=True)
class View:
    """What f looks like from a point.

    Attributes
    ----------
    point
        Where.
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

    point: Point
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


def nuggets(problem: Problem, setting: Setting) -> Floats:
    """Return the (m,) variances of what is each segment's own."""
    return setting.nugget * (np.ones(problem.field.neighbours.size) if problem.own is None else problem.own)


def _terms(problem: Problem, setting: Setting, point: Point, eta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return log chance, slope and curvature of each cell, over the blur if there is one."""
    cells = problem.cells
    at = eta[cells.segment] + problem.level(point.beta, cells.unit)
    if problem.blur is None:
        return cells.terms(at, setting.shape)
    spread = at[:, None] + problem.blur[cells.segment, None] * _NODES
    value, slope, weight = (term @ _NODE_WEIGHTS for term in cells.terms(spread, setting.shape))
    return value, slope, weight


def look(problem: Problem, setting: Setting, point: Point) -> View:
    """Return f, its gradient and its curvature at a point."""
    cells, x = problem.cells, problem.design.columns
    (m, p), q = x.shape, problem.centre.size
    eta = problem.rates(point)
    value, slope, weight = _terms(problem, setting, point, eta)
    total = float(value.sum())
    pull: Floats = np.bincount(cells.segment, slope, m).astype(np.float64)
    weight_u: Floats = np.bincount(cells.segment, weight, m).astype(np.float64)
    slope_beta = np.zeros(q)
    cross = np.zeros((m, q))
    fixed = np.diag(problem.precision)
    seen = problem.searched
    x_seen = x[seen]
    slope_beta[:p] = x_seen.T @ pull[seen]
    cross[seen, :p] = weight_u[seen, None] * x_seen
    fixed[:p, :p] = fixed[:p, :p] + x_seen.T @ cross[seen, :p]
    for unit in range(problem.levels):
        mine = cells.unit == unit
        slope_beta[p + unit] = slope[mine].sum()
        cross[:, p + unit] = np.bincount(cells.segment[mine], weight[mine], m)
        fixed[p + unit, p + unit] += weight[mine].sum()
        fixed[:p, p + unit] = fixed[p + unit, :p] = x.T @ cross[:, p + unit]
    area_u, area_beta = np.zeros((m, len(problem.areas))), np.zeros((q, len(problem.areas)))
    area_weight = np.zeros(len(problem.areas))
    for number, area in enumerate(problem.areas):
        blurred = 0.0 if problem.blur is None else problem.blur[area.segment] ** 2 / 2
        mean, share = area.log_mean(eta[area.segment] + problem.level(point.beta, area.unit) + blurred)
        chance, rise, area_weight[number] = area.terms(mean, setting.shape)
        total += chance
        area_u[area.segment, number] = share
        area_beta[:p, number] = x[area.segment].T @ share
        if problem.levels:
            area_beta[p + area.unit, number] = 1.0
        pull[area.segment] += rise * share
        slope_beta += rise * area_beta[:, number]
    drawn = problem.field.times(setting.tau, setting.kappa2, point.u)
    off = point.beta - problem.centre
    total -= 0.5 * float(point.u @ drawn + off @ (problem.precision * off))
    if setting.nugget > 0:
        total -= 0.5 * float(point.v @ (point.v / nuggets(problem, setting)))
    return View(
        point,
        total,
        pull,
        pull - drawn,
        slope_beta - problem.precision * off,
        weight_u,
        cross,
        fixed,
        area_u,
        area_beta,
        area_weight,
    )


class Hessian:
    """H as seen from a point, ready to solve with until the problem's field is used again.

    Parameters
    ----------
    problem, setting, view
        Where.

    Attributes
    ----------
    log_determinant
        log det A + log det S + sum of log(1 + n w), with the areas' part.
    """

    def __init__(self, problem: Problem, setting: Setting, view: View) -> None:
        self._view = view
        self._free = 1 / (1 + nuggets(problem, setting) * view.weight)  # R
        self._own = nuggets(problem, setting) * self._free  # K
        self._factor = problem.field.with_evidence(setting.tau, setting.kappa2, self._free * view.weight)
        seen = problem.searched
        cross = view.cross[seen]
        joint = self._free[seen, None] * cross
        whole = np.zeros_like(view.cross)
        whole[seen] = joint
        self._behind = self._factor.solve(whole)
        schur = view.fixed - cross.T @ (self._own[seen, None] * cross) - joint.T @ self._behind[seen]
        self._schur = cho_factor(schur, lower=True)
        self.log_determinant = (
            self._factor.log_determinant
            + 2 * float(np.log(np.diag(self._schur[0])).sum())
            - float(np.log(self._free).sum())
        )
        self._area: tuple[Floats, Floats, tuple[Floats, bool]] | None = None
        active = view.area_weight > 0
        if active.any():
            at, beta, weight = view.area_u[:, active], view.area_beta[:, active], view.area_weight[active]
            parts = [self._solve_plain(*pair, self._own * pair[0]) for pair in zip(at.T, beta.T, strict=True)]
            t_eta = np.column_stack([part.u + part.v for part in parts])
            inner = at.T @ t_eta + beta.T @ np.column_stack([part.beta for part in parts])
            root = np.sqrt(weight)
            self.log_determinant += float(np.linalg.slogdet(np.eye(root.size) + root[:, None] * inner * root)[1])
            self._area = (at, beta, cho_factor(np.diag(1 / weight) + inner, lower=True))
            self._parts = parts

    def _solve_plain(self, right_u: Floats, right_beta: Floats, owned: Floats) -> Point:
        """Solve without the areas' part; `owned` is K times the right side of v."""
        view = self._view
        right_u = right_u - view.weight * owned
        right_beta = right_beta - view.cross.T @ owned
        beta = cho_solve(self._schur, right_beta - self._behind.T @ right_u)
        u = self._factor.solve(right_u) - self._behind @ beta
        return Point(u, owned - self._own * (view.weight * u + view.cross @ beta), beta)

    def solve(self, right_u: Floats, right_beta: Floats, owned: Floats) -> Point:
        """Return H^-1 times a right side: (m,) of u, (q,) of beta, and K times the (m,) of v."""
        point = self._solve_plain(right_u, right_beta, owned)
        if self._area is not None:
            at, beta, inner = self._area
            for part, share in zip(
                self._parts, cho_solve(inner, at.T @ (point.u + point.v) + beta.T @ point.beta), strict=True
            ):
                point = point.moved(part, -share)
        return point

    def newton(self, nugget: Floats) -> tuple[Point, float]:
        """Return Newton's step and half of what f would gain by it if it were a parabola."""
        view = self._view
        step = self.solve(view.slope_u, view.slope_beta, self._own * view.pull - self._free * view.point.v)
        gain = float(view.slope_u @ step.u + view.slope_beta @ step.beta + view.pull @ step.v)
        if nugget.any():
            gain -= float(view.point.v @ (step.v / nugget))
        return step, gain / 2

    def rate_variance(self, columns: Floats) -> Floats:
        """Return the (m,) variances of eta = columns @ beta + u + v, for the (m, p) covariates."""
        p = columns.shape[1]
        rest = -self._own[:, None] * self._view.cross - self._free[:, None] * self._behind
        rest[:, :p] += columns
        variance = self._free**2 * self._factor.inverse_diagonal() + self._own
        variance += (rest * cho_solve(self._schur, rest.T).T).sum(axis=1)
        if self._area is not None:
            inner = self._area[2]
            t = np.column_stack([part.u + part.v + columns @ part.beta[:p] for part in self._parts])
            variance -= (t * cho_solve(inner, t.T).T).sum(axis=1)
        return np.asarray(np.maximum(variance, 1e-12))


def climb(
    problem: Problem, setting: Setting, start: Point | None = None, *, close: float = 1e-8, most: int = MOST_STEPS
) -> tuple[View, Hessian]:
    """Return the mode, by Newton's method with halved steps, and the Hessian there.

    Parameters
    ----------
    problem, setting
        What is climbed.
    start
        A point to begin at; by default the priors' means.
    close
        Stop when a step would raise f by less than about this.
    most
        Steps at most, >= 1; the Hessian is then that before the last.
    """
    nothing = np.zeros(problem.design.offset.size)
    start = start or Point(nothing, nothing, problem.centre)
    if setting.nugget == 0 and start.v.any():
        start = Point(start.u + start.v, nothing, start.beta)
    here = look(problem, setting, start)
    for _ in range(most):
        hessian = Hessian(problem, setting, here)
        step, gain = hessian.newton(nuggets(problem, setting))
        if gain < close:
            break
        length = 1.0
        for _ in range(HALVINGS):
            there = look(problem, setting, here.point.moved(step, length))
            if there.value >= here.value + 0.1 * length * gain:
                break
            length /= 2
        else:
            break
        here = there
    return here, hessian


def log_evidence(problem: Problem, setting: Setting, mode: View, hessian: Hessian) -> float:
    """Return Laplace's approximation of the log chance of the data given the hyperparameters."""
    prior = problem.field.log_determinant(setting.tau, setting.kappa2) + float(np.log(problem.precision).sum())
    return mode.value + 0.5 * (prior - hessian.log_determinant)


def draw(problem: Problem, setting: Setting, mode: View, n: int, rng: np.random.Generator) -> Floats:
    """Return n draws of eta less its mode from the Gaussian around the mode, (n, m).

    A vector with covariance H, put together from the parts of H, times H^-1 has covariance H^-1 (Papandreou and Yuille 2010, Gaussian
    sampling by local perturbations).
    """
    cells, x = problem.cells, problem.design.columns
    m, p = x.shape
    eta = problem.rates(mode.point)
    weight = _terms(problem, setting, mode.point, eta)[2]
    hessian = Hessian(problem, setting, mode)
    own = nuggets(problem, setting)
    free = 1 / (1 + own * mode.weight)
    noise = problem.field.noise(setting.tau, setting.kappa2, n, rng)
    out = np.empty((n, m))
    for row in range(n):
        shaken = np.sqrt(weight) * rng.standard_normal(weight.size)
        by_area = np.sqrt(mode.area_weight) * rng.standard_normal(mode.area_weight.size)
        at = np.bincount(cells.segment, shaken, m) + mode.area_u @ by_area
        right_beta = np.sqrt(problem.precision) * rng.standard_normal(problem.precision.size) + mode.area_beta @ by_area
        right_beta[:p] += x.T @ np.bincount(cells.segment, shaken, m)
        if problem.levels:
            right_beta[p:] += np.bincount(cells.unit, shaken, problem.levels)
        owned = free * (own * at + np.sqrt(own) * rng.standard_normal(m))
        point = hessian.solve(noise[row] + at, right_beta, owned)
        out[row] = x @ point.beta[:p] + point.u + point.v
    return out
