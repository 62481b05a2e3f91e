"""The posterior where seizures are known by area alone: the sum of an area is kept
apart from how it is divided.

What a count by area tells is the sum S of e exp(eta) over the area's segments, closely,
and of how S is divided next to nothing. No normal distribution of eta says both:
segments that keep the prior's spread have a sum that scatters nearly as widely, and
above what it was at their mode, for exp is convex. So what everything else says, the
priors and the cells, stays the normal distribution N(mean, C) that it is,

    z ~ N(mean, C),   h_a' z = the linear log sum of area a (shares h_a of its segments, its unit's level),   G = H' C H = U diag(g) U',

    z = r + B xi,     B = C H U diag(g)^(-1/2),   xi ~ N(0, I) and independent of r: the direction in which the sums move,

and each draw of r (how the sums are divided, up to their size) takes its xi from the
counts as they are, exactly but for the last step:

    p(xi | r, counts) ~ exp(-xi' xi / 2) prod over a of p(count_a | S_a(r + B xi)),

a problem of as many dimensions as there are areas. Its mode is found by Newton's
method, xi is drawn from the t distribution around it, and the draw is weighted by
target over proposal, which also weights r by what the counts make of it. Weights are
cut where few draws would rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse import coo_array
from scipy.special import gammaln, logsumexp

from optimizer.risk.estimate import LARGEST_SD
from optimizer.risk.field_flow.field import blocks
from optimizer.risk.field_flow.laplace import (
    Hessian,
    Hyperparameters,
    LatentModel,
    PosteriorExpansion,
    cell_terms,
    expand_posterior,
    nuggets,
)
from optimizer.risk.numerics.likelihood import LARGEST, AreaCount, LikelihoodTerms, count_terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TAIL = 8.0
"""Degrees of freedom of the t distribution that xi is drawn from: wider tails than the
logarithm of a Gamma's on the one side that matters.
"""
NEWTON_STEPS, SHORTEST = 30, 0.5**12
STOP_GAIN = 1e-3
"""Gain in log chance at which the search for a draw's xi stops; the weights make up for
what is left.
"""
DRAWS = 4000
"""Draws for a summary."""

LEAST_DRAWS = 200
"""Draws that it has at least, where there are fewer than `DRAWS`."""

LARGEST_DRAWS = 5_000_000
"""Draws times segments above which there are fewer."""

RAKINGS, RAKED = 200, 1e-4
"""Rounds at most in which overlapping areas get their sums, and by how much a log sum
may be off at the end.
"""
SMALLEST_VARIANCE = 1e-9
"""Directions whose variance is below this share of the largest say nothing of their
own: areas that are one and the same.
"""


@dataclass(frozen=True, slots=True)
class RateDraws:
    """n joint draws: (n, m) log rates, and (n, levels) levels of the units of effort."""

    eta: Floats
    level: Floats


@dataclass(frozen=True)
class WeightedDraws:
    """n weighted draws."""

    #: (n, m) log rates.
    eta: Floats
    #: (n, levels) levels of the units, none where there is one unit.
    level: Floats
    #: (n,) weights, sum 1.
    weight: Floats
    #: (n, m) the part of eta that areas do not move, before it is weighted: normal with
    #: mean 0 about `AreaPosterior.mean`.
    rest: Floats
    #: Log chance of the counts by area given everything else.
    log_chance: float

    @property
    def effective(self) -> float:
        """How many draws of equal weight would say as much (Kish)."""
        return float(1 / (self.weight**2).sum())


@dataclass(frozen=True, eq=False)
class RateMoments:
    """Log rates as normal distributions."""

    #: `mean`, `sd`: (m,) log rate at level 0, and its standard deviation.
    mean: Floats
    sd: Floats
    #: `unit_mean`, `unit_sd`: (n_units, m) the same of the log rate with the level of
    #: each unit. The two are kept apart because log rates and levels are correlated:
    #: where a unit searched alone, only their sum is known.
    unit_mean: Floats
    unit_sd: Floats


@dataclass(frozen=True, eq=False)
class PosteriorSummary(RateMoments):
    """What weighted draws say."""

    #: `log_sum`, `log_expected_sum`: (areas,) mean of the log sum of each area at level
    #: 0, and the log of the mean of the sum.
    log_sum: Floats
    log_expected_sum: Floats
    #: (areas,) expected seizures of each area, with the level of its unit.
    expected: Floats
    #: `n`, `effective`: Draws, and how many of equal weight would say as much.
    n: int
    effective: float


class AreaPosterior:
    """The posterior of a problem with counts by area, drawn from.

    Parameters
    ----------
    latent, hyper, mode
        The model and its mode, at which cells are taken as normal.
    """

    def __init__(
        self, latent: LatentModel, hyper: Hyperparameters, mode: PosteriorExpansion
    ) -> None:
        self._latent_model, self._hyper = latent, hyper
        self._without = replace(latent, areas=())
        self._expansion = expand_posterior(self._without, hyper, mode.point)
        hessian = Hessian(self._without, hyper, self._expansion)
        own = nuggets(latent, hyper)
        free = own / (1 + own * self._expansion.weight)
        towards = hessian.newton(own).point
        x, p = latent.design.columns, latent.design.columns.shape[1]
        at, beta = mode.area_u, mode.area_beta
        moved = hessian.solve_without_areas(at, beta, free[:, None] * at)
        eta = x @ moved.beta[:p] + moved.u + moved.v
        level = moved.beta[p:]
        spread = at.T @ eta + beta[p:].T @ level
        size, turn = np.linalg.eigh((spread + spread.T) / 2)
        kept = size > SMALLEST_VARIANCE * size.max()
        self._to_xi = turn[:, kept].T / np.sqrt(size[kept])[:, None]
        self._at, self._of_level = at, beta[p:]
        self._along_eta, self._along_level = eta @ self._to_xi.T, level @ self._to_xi.T  # B
        before = mode.point.moved(towards)
        self.mean = latent.rates(before)
        self._mean_level = before.beta[p:]
        self._start = -self._to_xi @ (
            at.T @ (x @ towards.beta[:p] + towards.u + towards.v) + beta[p:].T @ towards.beta[p:]
        )
        variance = hessian.rate_variance(x) - (self._along_eta**2).sum(axis=1)
        self.rest_sd = np.sqrt(np.maximum(variance, 1e-12))

    def draw(self, n: int, rng: np.random.Generator) -> WeightedDraws:
        """Return n weighted draws."""
        without = self._drawn_without(n, rng)
        eta, level = without.eta, without.level
        xi = (eta @ self._at + level @ self._of_level) @ self._to_xi.T
        rest = eta - xi @ self._along_eta.T
        level = self._mean_level + level - xi @ self._along_level.T
        sums = [
            _Sum(
                area,
                np.log(area.expected)
                + self.mean[area.segment]
                + rest[:, area.segment]
                + (level[:, area.unit, None] if self._latent_model.levels else 0.0),
                self._along_eta[area.segment]
                + (self._along_level[area.unit] if self._latent_model.levels else 0.0),
                self._hyper.shape,
            )
            for area in self._latent_model.areas
        ]
        proposals = _propose(sums, np.tile(self._start, (n, 1)), rng)
        found, log_weight = proposals.xi, proposals.log_weight
        return WeightedDraws(
            self.mean + rest + found @ self._along_eta.T,
            level + found @ self._along_level.T,
            _cut(log_weight),
            rest,
            float(logsumexp(log_weight)) - float(np.log(n)),
        )

    def _drawn_without(self, n: int, rng: np.random.Generator) -> RateDraws:
        """Return n draws of what everything but the areas says, less its mean, as in
        `optimizer.risk.field_flow.laplace.draw`.
        """
        latent, expansion = self._without, self._expansion
        cells, x = latent.cells, latent.design.columns
        (m, p), k = x.shape, cells.segment.size
        eta = latent.rates(expansion.point)
        shaken = rng.standard_normal((k, n))
        shaken *= np.sqrt(cell_terms(latent, self._hyper, expansion.point, eta).curvature)[:, None]
        to_segment = coo_array((np.ones(k), (cells.segment, np.arange(k))), shape=(m, k)).tocsr()
        right_beta = np.sqrt(latent.precision)[:, None] * rng.standard_normal(
            (latent.precision.size, n)
        )
        for unit in range(latent.levels):
            right_beta[p + unit] += shaken[cells.unit == unit].sum(axis=0)
        own = nuggets(latent, self._hyper)[:, None]
        at = np.asarray(to_segment @ shaken)
        right_beta[:p] += x.T @ at
        alone = rng.standard_normal((m, n))
        noise = latent.field.noise(self._hyper.tau, self._hyper.kappa2, n, rng)
        hessian = Hessian(latent, self._hyper, expansion)
        drawn = RateDraws(np.empty((n, m)), np.empty((n, right_beta.shape[0] - p)))
        for part in blocks(n):
            owned = (own * at[:, part] + np.sqrt(own) * alone[:, part]) / (
                1 + own * expansion.weight[:, None]
            )
            point = hessian.solve_without_areas(
                at[:, part] + noise[part].T, right_beta[:, part], owned
            )
            drawn.eta[part] = (x @ point.beta[:p] + point.u + point.v).T
            drawn.level[part] = point.beta[p:].T
        return drawn

    def resampled(self, n: int, rng: np.random.Generator) -> RateDraws:
        """Return n draws of equal weight, out of two to eight times as many."""
        many = n * int(np.clip(LARGEST_DRAWS // max(n * self.mean.size, 1), 2, 8))
        draws = self.draw(many, rng)
        at = (rng.random() + np.arange(n)) / n
        chosen = np.minimum(np.searchsorted(np.cumsum(draws.weight), at), many - 1)
        return RateDraws(draws.eta[chosen], draws.level[chosen])

    def summary(self, share: float = 1.0) -> PosteriorSummary:
        """Return what draws say, always the same; where the counts say nothing, means
        and spreads are exact.

        On a network too large for `DRAWS`, a model with a small weight in an average of
        models gets as many draws as its weight asks for.
        """
        n = int(np.clip(LARGEST_DRAWS // self.mean.size, LEAST_DRAWS, DRAWS))
        if n < DRAWS:
            n = max(LEAST_DRAWS, int(np.ceil(share * n)))
        draws = self.draw(n, np.random.default_rng(0))
        weight = draws.weight
        eta = draws.eta
        rest = draws.rest
        middle = weight @ eta
        # what the unweighted draws of the rest miss of their known mean, 0, and their
        # known spread, is made up for
        mean = middle - rest.mean(axis=0)
        of_rest = weight @ (rest - weight @ rest) ** 2
        missed = of_rest * (self.rest_sd**2 / np.maximum(rest.var(axis=0), 1e-12) - 1)
        variance = np.maximum(weight @ (eta - middle) ** 2 + missed, 1e-12)
        logs = log_sums(self._latent_model.areas, eta)
        expected = logsumexp(logs, axis=0, b=weight[:, None])
        unit_mean = mean[None]
        unit_variance = variance[None]
        at_level = logs
        if self._latent_model.levels:
            mean_level = weight @ draws.level
            off = weight[:, None] * (draws.level - mean_level)
            unit_mean = mean + mean_level[:, None]
            unit_variance = (
                (off * (draws.level - mean_level)).sum(axis=0)[:, None]
                + variance
                + 2 * off.T @ (eta - middle)
            )
            at_level = logs + draws.level[:, [area.unit for area in self._latent_model.areas]]
        return PosteriorSummary(
            mean=mean,
            sd=np.sqrt(variance),
            unit_mean=unit_mean,
            unit_sd=np.sqrt(np.maximum(unit_variance, 1e-12)),
            log_sum=weight @ logs,
            log_expected_sum=np.asarray(expected),
            expected=weight @ np.exp(at_level),
            n=n,
            effective=draws.effective,
        )


def log_sums(areas: Sequence[AreaCount], eta: Floats) -> Floats:
    """Return the (n, areas) log sums of e exp(eta) at level 0, for (n, m) log rates."""
    return np.column_stack(
        [logsumexp(np.log(area.expected) + eta[:, area.segment], axis=1) for area in areas]
    )


def rake(areas: Sequence[AreaCount], eta: Floats, wanted: Floats) -> Floats:
    """Return (n, m) log rates moved area by area until their log sums are the (n,
    areas) wanted ones.
    """
    out = eta.copy()
    for _ in range(RAKINGS):
        worst = 0.0
        for number, area in enumerate(areas):
            short = wanted[:, number] - logsumexp(
                np.log(area.expected) + out[:, area.segment], axis=1
            )
            out[:, area.segment] += short[:, None]
            worst = max(worst, float(np.abs(short).max()))
        if worst < RAKED:
            break
    return out


def expected_rates(areas: Sequence[AreaCount], mean: Floats, sd: Floats, wanted: Floats) -> Floats:
    """Return (m,) expected rates exp(mean + share sd^2 / 2), the share such that all
    sums together are as wanted, then each area by itself.

    With share 1 they are those of log-normal rates, whose sums come out too high, for
    no segment can find more than its area did. Draws would say the same with much
    noise, and tell apart what the record does not.

    Parameters
    ----------
    areas
        Counts by area.
    mean, sd
        (m,) log rate and its standard deviation.
    wanted
        (areas,) log expected sums at level 0.
    """
    half = np.minimum(sd, LARGEST_SD) ** 2 / 2

    def over(share: float) -> float:
        return float(logsumexp(log_sums(areas, (mean + share * half)[None])) - logsumexp(wanted))

    share = (
        0.0
        if over(0.0) >= 0
        else 1.0
        if over(1.0) <= 0
        else float(brentq(over, 0.0, 1.0, xtol=1e-6))
    )
    return np.asarray(np.exp(rake(areas, (mean + share * half)[None], wanted[None])[0]))


@dataclass(frozen=True, slots=True)
class _SumTerms:
    """Of one area in n draws: (n,) terms of its count in log S with the expected
    curvature, and the (n, r) slope of log S in xi.
    """

    count: LikelihoodTerms
    direction: Floats


@dataclass(frozen=True, slots=True)
class _Target:
    """The log target at n draws' (n, r) xi: (n,) value, (n, r) slope, and (n, r, r)
    expected curvature (Fisher's).
    """

    xi: Floats
    value: Floats
    slope: Floats
    curvature: Floats

    def put(self, rows: Ints, other: _Target) -> None:
        """Replace the targets of some draws."""
        self.xi[rows], self.value[rows], self.slope[rows], self.curvature[rows] = (
            other.xi,
            other.value,
            other.slope,
            other.curvature,
        )


@dataclass(frozen=True, slots=True)
class _Modes:
    """Modes of the log targets of n draws: (n, r) xi and the (n, r, r) curvature there."""

    xi: Floats
    curvature: Floats


@dataclass(frozen=True, slots=True)
class _Proposals:
    """n proposals: (n, r) xi, and the (n,) log of target over proposal, both as densities."""

    xi: Floats
    log_weight: Floats


@dataclass(frozen=True)
class _Sum:
    """The sum of one area in each of n draws: log S = log sum over k of exp(parts + along xi)."""

    area: AreaCount
    parts: Floats
    along: Floats
    shape: float

    def take(self, chosen: NDArray[np.bool_] | Ints) -> _Sum:
        """Return the sum in some of the draws."""
        return replace(self, parts=self.parts[chosen])

    def terms(self, xi: Floats) -> _SumTerms:
        """Return the likelihood terms of the count in log S, and the slope of log S in xi."""
        parts = self.parts + xi @ self.along.T
        top = parts.max(axis=1)
        scaled = np.exp(parts - top[:, None])
        total = scaled.sum(axis=1)
        x = np.minimum(top + np.log(total), LARGEST)
        r = self.shape * self.area.clumps
        terms = count_terms(np.full(1, self.area.count), x, np.full(1, r))
        mean = np.exp(x)
        expected = replace(terms, curvature=mean if np.isinf(r) else mean * r / (r + mean))
        return _SumTerms(expected, scaled @ self.along / total[:, None])


def _log_target(sums: Sequence[_Sum], xi: Floats) -> _Target:
    value, slope = -0.5 * (xi**2).sum(axis=1), -xi
    curvature = np.tile(np.eye(xi.shape[1]), (len(xi), 1, 1))
    for one in sums:
        terms = one.terms(xi)
        direction = terms.direction
        value += terms.count.value
        slope = slope + terms.count.slope[:, None] * direction
        curvature += (
            terms.count.curvature[:, None, None] * direction[:, :, None] * direction[:, None, :]
        )
    return _Target(xi, value, slope, curvature)


def _modes(sums: Sequence[_Sum], xi: Floats) -> _Modes:
    """Return the modes of the draws' xi by Newton's method; draws that have converged
    are left alone.
    """
    xi = xi.copy()
    curvature = np.empty((len(xi), xi.shape[1], xi.shape[1]))
    left = np.arange(len(xi))
    target = _log_target(sums, xi)
    curvature[:] = target.curvature
    for _ in range(NEWTON_STEPS):
        step = np.linalg.solve(target.curvature, target.slope[:, :, None])[:, :, 0]
        gain = (step * target.slope).sum(axis=1) / 2
        going = gain >= STOP_GAIN
        if not going.any():
            break
        left = left[going]
        step = step[going]
        gain = gain[going]
        value = target.value[going]
        sums = [one.take(going) for one in sums]
        target = _stepped(sums, xi[left], step, value, gain)
        xi[left], curvature[left] = target.xi, target.curvature
    return _Modes(xi, curvature)


def _stepped(
    sums: Sequence[_Sum], xi: Floats, step: Floats, value: Floats, gain: Floats
) -> _Target:
    """Return the target where Newton's steps lead, each halved until it gains."""
    reached = _log_target(sums, xi + step)
    failed = reached.value < value + 0.1 * gain
    short, length = np.flatnonzero(failed), 1.0
    while short.size and length > SHORTEST:
        length /= 2
        sums = [one.take(failed) for one in sums]
        there = _log_target(sums, xi[short] + length * step[short])
        reached.put(short, there)
        failed = there.value < value[short] + 0.1 * length * gain[short]
        short = short[failed]
    return reached


def _propose(sums: Sequence[_Sum], start: Floats, rng: np.random.Generator) -> _Proposals:
    """Return xi drawn around their modes from the t distribution."""
    modes = _modes(sums, start)
    n, r = modes.xi.shape
    root = np.linalg.cholesky(modes.curvature)
    away = rng.standard_normal((n, r)) / np.sqrt(rng.chisquare(TAIL, n) / TAIL)[:, None]
    xi = modes.xi + np.linalg.solve(root.transpose(0, 2, 1), away[:, :, None])[:, :, 0]
    proposed = (
        gammaln((TAIL + r) / 2)
        - gammaln(TAIL / 2)
        - r / 2 * np.log(TAIL * np.pi)
        - (TAIL + r) / 2 * np.log1p((away**2).sum(axis=1) / TAIL)
        + np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    )
    return _Proposals(xi, _log_target(sums, xi).value - r / 2 * np.log(2 * np.pi) - proposed)


def _cut(log_weight: Floats) -> Floats:
    """Return the weights, sum 1, none above the mean times the square root of their
    number (Ionides 2008, truncated importance sampling).
    """
    weight = np.exp(log_weight - log_weight.max())
    weight = np.minimum(weight, weight.mean() * np.sqrt(weight.size))
    return np.asarray(weight / weight.sum())
