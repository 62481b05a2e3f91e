"""The latent Gaussian machinery against closed forms, dense algebra, finite differences
and brute force.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.special import logsumexp

from optimizer.risk.field_flow.field import Field, Neighbours, road_neighbours
from optimizer.risk.field_flow.laplace import (
    Design,
    Hessian,
    Hyperparameters,
    LatentModel,
    LatentPoint,
    PosteriorExpansion,
    draw,
    expand_posterior,
    find_mode,
    log_evidence,
)
from optimizer.risk.field_flow.model_averaging import (
    HYPER_MEAN,
    HYPER_SD,
    START,
    class_design,
    fit_at,
    fit_hyperparameters,
    log_volume,
)
from optimizer.risk.numerics.likelihood import (
    AreaCount,
    Cells,
    LikelihoodTerms,
    count_terms,
    search_terms,
)
from tests.examples import examples
from tests.risk_cases import grid_network, line_network

INF = float("inf")


def ring(m: int) -> Neighbours:
    first = np.concatenate((np.arange(m - 1), [0]))
    second = np.concatenate((np.arange(1, m), [m - 1]))
    return Neighbours(m, first, second, np.ones(m))


def test_a_field_on_a_ring_has_the_inverse_that_fourier_gives() -> None:
    m, tau, kappa2 = 40, 2.5, 0.3
    field = Field(ring(m))
    eigenvalue = tau * (kappa2 + 2 - 2 * np.cos(2 * np.pi * np.arange(m) / m))
    factor = field.with_evidence(tau, kappa2, np.zeros(m))
    np.testing.assert_allclose(factor.inverse_diagonal(), np.mean(1 / eigenvalue), rtol=1e-10)
    np.testing.assert_allclose(
        field.log_determinant(tau, kappa2), np.log(eigenvalue).sum(), rtol=1e-10
    )
    unit = np.eye(m)[0]
    covariance = np.fft.ifft(1 / eigenvalue).real
    np.testing.assert_allclose(factor.solve(unit), covariance, atol=1e-12)
    np.testing.assert_allclose(field.times(tau, kappa2, covariance), unit, atol=1e-12)


def test_neighbours_share_a_junction_and_a_junction_ties_with_weight_one() -> None:
    near = road_neighbours(grid_network(4, np.random.default_rng(0), keep=1.0), across_classes=1.0)
    pairs = set(zip(near.first.tolist(), near.second.tolist(), strict=True))
    assert len(pairs) == near.first.size
    total = np.bincount(near.first, near.weight, near.size) + np.bincount(
        near.second, near.weight, near.size
    )
    np.testing.assert_allclose(total, 2.0)  # every segment of a full lattice has two junctions


def test_unlike_classes_are_tied_more_loosely() -> None:
    near = road_neighbours(line_network(3, classes=["trunk", "trunk", "track"]), across_classes=0.2)
    np.testing.assert_allclose(near.weight, [1.0, 0.2])


@examples(60)
@given(
    y=st.integers(0, 30),
    x=st.floats(-6, 4),
    shape=st.one_of(st.just(INF), st.floats(0.2, 50)),
    more=st.integers(0, 50),
)
def test_slopes_and_curvatures_are_those_of_the_chances(
    y: int, x: float, shape: float, more: int
) -> None:
    count, at, h = np.array([float(y)]), np.array([x]), 1e-4
    n = np.array([float(max(y + more, 1))])

    def counted(z: NDArray[np.float64]) -> LikelihoodTerms:
        return count_terms(count, z, np.array([shape]))

    def searched(z: NDArray[np.float64]) -> LikelihoodTerms:
        return search_terms(count, n, z + np.log(n))

    for terms in (counted, searched):
        here = terms(at)
        value, slope, curvature = here.value, here.slope, here.curvature
        up, down = terms(at + h), terms(at - h)
        np.testing.assert_allclose(slope, (up.value - down.value) / (2 * h), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            -curvature, (up.slope - down.slope) / (2 * h), rtol=1e-4, atol=1e-5
        )
        assert (curvature >= 0).all()
        assert np.isfinite(value).all()


@pytest.mark.parametrize("y", [0, 1, 7])
def test_chances_are_those_of_scipy(y: int) -> None:
    count, x = np.array([float(y)]), np.array([0.7])
    mean = np.exp(0.7)
    np.testing.assert_allclose(
        count_terms(count, x, np.array([INF])).value, stats.poisson.logpmf(y, mean)
    )
    np.testing.assert_allclose(
        count_terms(count, x, np.array([3.0])).value, stats.nbinom.logpmf(y, 3, 3 / (3 + mean))
    )
    found = stats.binom.logpmf(y, 9, 1 - np.exp(-mean / 9)) - np.log(
        stats.binom(9, 0.5).pmf(y) * 2**9
    )
    np.testing.assert_allclose(search_terms(count, np.array([9.0]), x).value, found)


def latent_of(
    rng: np.random.Generator, *, units: int = 2, yes_no: bool = False
) -> tuple[LatentModel, Hyperparameters]:
    """Return a problem on about 200 segments with covariates, two units, counts by area
    and a nugget.
    """
    network = grid_network(12, rng)
    m = network.n_segments
    k = 120 * units
    segment, unit = rng.permutation(np.tile(np.arange(m), units))[:k], rng.integers(units, size=k)
    expected = rng.gamma(1.0, 1.0, k) + 0.05
    count = rng.poisson(expected).astype(float)
    searches = np.where((unit == 1) & yes_no, count + rng.integers(1, 5, k), np.nan)
    cells = Cells(segment, unit, count, expected, rng.uniform(1, 5, k), searches)
    areas = (
        AreaCount(np.arange(0, 30), rng.uniform(0.1, 1, 30), 0, np.full(30, 0.4), 3.0),
        AreaCount(np.arange(20, 60), rng.uniform(0.1, 1, 40), units - 1, np.full(40, 31 / 40), 1.0),
    )
    design = Design(
        np.column_stack((np.ones(m), rng.normal(size=m))),
        np.array([0.0, 1.0]),
        np.array([10.0, 0.5]),
        0.1 * rng.normal(size=m),
    )
    own = rng.uniform(0.5, 2, m)
    return LatentModel(
        Field(road_neighbours(network)), cells, areas, design, units, own=own
    ), Hyperparameters(1.3, 0.2, 0.4, 4.0)


def dense_precision(latent: LatentModel, hyper: Hyperparameters) -> np.ndarray:
    m = latent.field.neighbours.size
    return np.column_stack(
        [latent.field.times(hyper.tau, hyper.kappa2, unit) for unit in np.eye(m)]
    )


def mode_of(
    latent: LatentModel, hyper: Hyperparameters, start: LatentPoint | None = None
) -> tuple[PosteriorExpansion, Hessian]:
    found = find_mode(latent, hyper, start)
    return found.expansion, found.hessian


def dense_hessian(
    latent: LatentModel, hyper: Hyperparameters, expansion: PosteriorExpansion
) -> np.ndarray:
    """(2 m + q, 2 m + q) H over (u, v, beta), put together without any elimination."""
    m, q = expansion.cross.shape
    assert latent.own is not None
    w = np.diag(expansion.weight)
    h = np.zeros((2 * m + q, 2 * m + q))
    h[:m, :m] = dense_precision(latent, hyper) + w
    h[:m, m : 2 * m] = h[m : 2 * m, :m] = w
    h[m : 2 * m, m : 2 * m] = w + np.diag(1 / (hyper.nugget * latent.own))
    h[:m, 2 * m :] = h[m : 2 * m, 2 * m :] = expansion.cross
    h[2 * m :, :m] = h[2 * m :, m : 2 * m] = expansion.cross.T
    h[2 * m :, 2 * m :] = expansion.fixed
    v = np.vstack((expansion.area_u, expansion.area_u, expansion.area_beta))
    return np.asarray(h + v @ np.diag(expansion.area_weight) @ v.T)


@pytest.mark.parametrize("yes_no", [False, True])
def test_laplace_agrees_with_dense_algebra(yes_no: bool) -> None:  # the referee of the whole file
    latent, hyper = latent_of(np.random.default_rng(1), yes_no=yes_no)
    mode, hessian = mode_of(latent, hyper)
    assert np.abs(mode.slope_u).max() < 1e-3
    assert np.abs(mode.slope_beta).max() < 1e-3
    h = dense_hessian(latent, hyper, mode)
    covariance = np.linalg.inv(h)
    m, q = mode.cross.shape
    x = latent.design.columns
    rates = np.hstack((np.eye(m), np.eye(m), x, np.zeros((m, q - x.shape[1]))))
    np.testing.assert_allclose(
        hessian.rate_variance(x), np.diag(rates @ covariance @ rates.T), rtol=1e-7
    )
    assert latent.own is not None
    prior = (
        np.linalg.slogdet(dense_precision(latent, hyper))[1]
        - np.log(hyper.nugget * latent.own).sum()
        + np.log(latent.precision).sum()
    )
    exact = mode.value + 0.5 * (prior - np.linalg.slogdet(h)[1])
    np.testing.assert_allclose(log_evidence(latent, hyper, mode, hessian), exact, rtol=1e-9)


def test_the_gradient_is_that_of_f() -> None:
    rng = np.random.default_rng(2)
    latent, hyper = latent_of(rng)
    m, q = latent.design.columns.shape[0], int(latent.centre.size)
    point = LatentPoint(
        rng.normal(0, 0.3, (m,)), rng.normal(0, 0.3, (m,)), rng.normal(0, 0.3, (q,))
    )
    expansion = expand_posterior(latent, hyper, point)
    assert latent.own is not None
    slope_v = expansion.pull - point.v / (hyper.nugget * latent.own)
    for _ in range(5):
        way = LatentPoint(rng.normal(0, 1, (m,)), rng.normal(0, 1, (m,)), rng.normal(0, 1, (q,)))
        rise = (
            expand_posterior(latent, hyper, point.moved(way, 1e-5)).value
            - expand_posterior(latent, hyper, point.moved(way, -1e-5)).value
        ) / 2e-5
        np.testing.assert_allclose(
            expansion.slope_u @ way.u + slope_v @ way.v + expansion.slope_beta @ way.beta,
            rise,
            rtol=1e-5,
            atol=1e-4,
        )


def test_without_a_nugget_the_own_part_stays_at_nothing() -> None:
    latent, hyper = latent_of(np.random.default_rng(3))
    mode, hessian = mode_of(latent, replace(hyper, nugget=0.0))
    tiny, small = mode_of(latent, replace(hyper, nugget=1e-9))
    assert not mode.point.v.any()
    np.testing.assert_allclose(latent.rates(mode.point), latent.rates(tiny.point), atol=1e-5)
    np.testing.assert_allclose(hessian.log_determinant, small.log_determinant, rtol=1e-6)


@pytest.mark.slow
def test_draws_have_the_covariance_of_the_dense_inverse() -> None:
    latent, hyper = latent_of(np.random.default_rng(4))
    mode, _ = mode_of(latent, hyper)
    draws = draw(latent, hyper, mode, 3000, np.random.default_rng(5))
    covariance = np.linalg.inv(dense_hessian(latent, hyper, mode))
    m, q = mode.cross.shape
    share = np.bincount(latent.cells.unit, latent.cells.expected) / latent.cells.expected.sum()
    columns = np.hstack((latent.design.columns, np.tile(share, (m, 1))))
    assert columns.shape[1] == q
    rates = np.hstack((np.eye(m), np.eye(m), columns))
    exact = rates @ covariance @ rates.T
    scale = np.sqrt(np.diag(exact))
    assert np.abs(draws.mean(axis=0) / scale).max() < 0.1
    assert (
        np.abs(np.cov(draws.T) / np.outer(scale, scale) - exact / np.outer(scale, scale)).max()
        < 0.12
    )


def test_the_evidence_of_two_segments_is_near_the_integral() -> None:
    latent = LatentModel(
        Field(Neighbours(2, np.array([0]), np.array([1]), np.ones(1))),
        Cells(
            np.array([0, 1]),
            np.zeros(2, dtype=np.int64),
            np.array([9.0, 4.0]),
            np.array([5.0, 6.0]),
            np.ones(2),
            np.full(2, np.nan),
        ),
        (),
        Design(np.zeros((2, 0)), np.empty(0), np.empty(0), np.zeros(2)),
        1,
    )
    hyper = Hyperparameters(2.0, 0.5)
    mode, hessian = mode_of(latent, hyper)
    grid = np.linspace(-6, 6, 1201)
    a, b = np.meshgrid(grid, grid, indexing="ij")
    precision = 2.0 * np.array([[1.5, -1.0], [-1.0, 1.5]])
    log_prior = 0.5 * np.linalg.slogdet(precision)[1] - np.log(2 * np.pi)
    log_prior = log_prior - 0.5 * (
        precision[0, 0] * a**2 + 2 * precision[0, 1] * a * b + precision[1, 1] * b**2
    )
    chance = np.exp(
        log_prior + stats.poisson.logpmf(9, 5 * np.exp(a)) + stats.poisson.logpmf(4, 6 * np.exp(b))
    )
    exact = np.log(chance.sum() * (grid[1] - grid[0]) ** 2)
    assert abs(log_evidence(latent, hyper, mode, hessian) - exact) < 0.02


def test_the_blurred_climb_finds_the_nearest_normal() -> None:
    """One segment with no find: the posterior's mean log rate lies below its mode, and
    the blurred mode finds it.
    """
    latent = LatentModel(
        Field(Neighbours(1, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))),
        Cells(
            np.array([0]),
            np.array([0]),
            np.array([0.0]),
            np.array([1.0]),
            np.ones(1),
            np.array([np.nan]),
        ),
        (),
        Design(np.zeros((1, 0)), np.empty(0), np.empty(0), np.zeros(1)),
        1,
    )
    hyper = Hyperparameters(1.0, 0.25)
    mode, hessian = mode_of(latent, hyper)
    sharp = float(latent.rates(mode.point)[0])
    for _ in range(6):
        latent = replace(latent, blur=np.sqrt(hessian.unit_variance(latent)))
        mode, hessian = mode_of(latent, hyper, mode.point)
    grid = np.linspace(-20, 10, 30001)
    weight = np.exp(-np.exp(grid) - grid**2 / 8)
    mean = float((grid * weight).sum() / weight.sum())
    blurred = float(latent.rates(mode.point)[0])
    assert blurred < sharp - 0.2
    assert abs(blurred - mean) < 0.1


def test_columns_are_one_for_each_class_that_occurs_twice() -> None:
    design = class_design(line_network(5, classes=["a", "a", "b", "b", "c"]))
    np.testing.assert_array_equal(
        design.columns, [[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1], [1, 0, 0]]
    )
    assert class_design(line_network(3)).columns.shape == (3, 1)


def test_a_hessian_solves_its_own_system() -> None:
    latent, hyper = latent_of(np.random.default_rng(6))
    mode, _ = mode_of(latent, hyper)
    hessian = Hessian(latent, hyper, mode)
    m, q = mode.cross.shape
    rng = np.random.default_rng(7)
    right = rng.normal(size=2 * m + q)
    assert latent.own is not None
    nugget = hyper.nugget * latent.own
    owned = nugget / (1 + nugget * mode.weight) * right[m : 2 * m]
    solved = hessian.solve(right[:m], right[2 * m :], owned)
    dense = np.linalg.solve(dense_hessian(latent, hyper, mode), right)
    np.testing.assert_allclose(
        np.concatenate((solved.u, solved.v, solved.beta)), dense, rtol=1e-6, atol=1e-9
    )


def test_without_a_field_the_mode_is_the_poisson_regression_of_statsmodels() -> None:
    rng = np.random.default_rng(8)
    network = grid_network(12, rng)
    m = network.n_segments
    x = np.column_stack((np.ones(m), rng.normal(size=m)))
    expected = rng.gamma(2.0, 5.0, m)
    count = rng.poisson(expected * np.exp(x @ np.array([0.3, -0.5]))).astype(float)
    cells = Cells(
        np.arange(m), np.zeros(m, dtype=np.int64), count, expected, np.ones(m), np.full(m, np.nan)
    )
    design = Design(x, np.zeros(2), np.full(2, 1e4), np.zeros(m))
    latent = LatentModel(Field(road_neighbours(network)), cells, (), design, 1)
    mode, hessian = mode_of(latent, Hyperparameters(1e9, 1.0))
    referee = sm.GLM(count, x, family=sm.families.Poisson(), exposure=expected).fit(tol=1e-12)
    np.testing.assert_allclose(mode.point.beta, referee.params, rtol=1e-5)
    spread = np.einsum("ij,jk,ik->i", x, referee.cov_params(), x)
    np.testing.assert_allclose(hessian.rate_variance(x), spread, rtol=1e-4)


def test_a_pattern_serves_one_factor_after_another() -> None:
    rng = np.random.default_rng(9)
    field = Field(road_neighbours(grid_network(6, rng)))
    m = field.neighbours.size
    dense = np.column_stack([field.times(1.3, 0.2, unit) for unit in np.eye(m)])
    for _ in range(3):
        evidence = rng.gamma(1.0, 1.0, m)
        factor = field.with_evidence(1.3, 0.2, evidence)
        np.testing.assert_allclose(
            factor.inverse_diagonal(), np.diag(np.linalg.inv(dense + np.diag(evidence))), rtol=1e-9
        )


def test_the_volume_of_the_hyperparameters_is_that_of_the_quadratic_that_the_values_follow() -> (
    None
):
    """Curvature 5, 3 and 1 in units of the prior, seen at scattered points; less than
    the prior's own curvature is taken for the prior's.
    """
    rng = np.random.default_rng(3)
    z = rng.normal(size=(25, 3))
    z[0] = 0
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    for curvature, volume in (
        ([5.0, 3.0, 1.0], -0.5 * np.log(15)),
        ([2.0, 0.2, -1.0], -0.5 * np.log(2)),
    ):
        values = 7.0 - 0.5 * np.einsum("ki,ij,kj->k", z, turn @ np.diag(curvature) @ turn.T, z)
        assert log_volume(HYPER_MEAN + HYPER_SD * z, values) == pytest.approx(volume, abs=1e-6)


@pytest.mark.slow
def test_the_evidence_of_the_field_is_averaged_over_its_hyperparameters() -> None:
    """The referee sums over a lattice that covers the prior; Laplace's approximation is
    within half a nat.
    """
    network = line_network(12)
    found = np.array([3, 2, 4, 1, 0, 0, 0, 1, 0, 0, 0, 0], dtype=np.float64)
    expected = np.full(12, found.sum() / 12)
    k = np.arange(12)
    cells = Cells(
        k, np.zeros(12, dtype=np.int64), found, expected, np.ones(12), np.full(12, np.nan)
    )
    design = Design(np.ones((12, 1)), np.zeros(1), np.full(1, 10.0), np.zeros(12))
    latent = LatentModel(Field(road_neighbours(network)), cells, (), design, 1)
    fit = fit_hyperparameters(latent, START)
    step = np.linspace(-2.5, 2.5, 9)
    z = np.stack(np.meshgrid(step, step, step), -1).reshape(-1, 3)
    tried = np.exp(HYPER_MEAN + HYPER_SD * z)
    values = np.array(
        [fit_at(latent, Hyperparameters(*one), None).log_evidence for one in tried.tolist()]
    )
    exact = logsumexp(values) + 3 * np.log(step[1] - step[0]) - 1.5 * np.log(2 * np.pi)
    assert fit.log_evidence + fit.log_volume == pytest.approx(exact, abs=0.5)
    assert fit.log_volume < -0.3
