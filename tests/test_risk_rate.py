"""The shrunk rate against closed forms, and what more evidence must do to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from optimizer.base.errors import InputError
from optimizer.records.model import ROAD_UNIT
from optimizer.risk import ShrunkRate
from optimizer.risk.estimate import log_area_likelihood, log_negative_binomial
from optimizer.risk.numerics.likelihood import AreaCount
from optimizer.risk.shrunk_rate import ShrinkageShapes
from tests.examples import examples
from tests.risk_cases import (
    by_segment,
    effort_of,
    grid_network,
    line_network,
    network_of,
    records_of,
)

FIXED = {"segment_shape": 0.8, "neighbourhood_shape": 2.0, "typical_index": 0.7}
SHAPE = 1 / ((1 + 1 / 0.8) * (1 + 1 / 2.0) - 1)
"""alpha of FIXED with no evidence around."""


@examples(50)
@given(
    count=st.integers(0, 200),
    expected=st.floats(1e-3, 1e3),
    shape=st.floats(0.05, 50),
    rate=st.floats(0.01, 100),
)
def test_the_chance_of_a_count_is_negative_binomial(
    count: int, expected: float, shape: float, rate: float
) -> None:
    arrays = [np.array([float(x)]) for x in (count, expected, shape, rate)]
    exact = stats.nbinom.logpmf(count, shape, rate / (rate + expected))
    np.testing.assert_allclose(log_negative_binomial(*arrays), exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("count", "expected", "shape", "rate"),
    [(0, 2.0, 0.6, 0.3), (3, 1.5, 1.2, 2.0), (40, 9.0, 5, 1)],
)
def test_the_chance_of_a_count_is_the_integral_over_rates(
    count: int, expected: float, shape: float, rate: float
) -> None:
    def joint(index: float) -> float:
        return float(
            stats.poisson.pmf(count, expected * index)
            * stats.gamma.pdf(index, shape, scale=1 / rate)
        )

    chance = integrate.quad(joint, 0, 1)[0] + integrate.quad(joint, 1, np.inf)[0]
    arrays = [np.array([float(x)]) for x in (count, expected, shape, rate)]
    np.testing.assert_allclose(np.exp(log_negative_binomial(*arrays)), chance, rtol=1e-6)


def test_a_pool_of_segments_that_vary_apart_is_a_sum_of_gammas() -> None:
    pool = AreaCount(np.arange(5), np.full(5, 2.0), 0, np.full(5, 1.4), 1.0)
    chance = log_area_likelihood(pool, np.full(5, 0.6), np.full(5, 1.3), np.full(5, np.inf))
    np.testing.assert_allclose(
        chance, stats.nbinom.logpmf(7, 3.0, 3.0 / (3.0 + 10 * 1.3)), rtol=1e-9
    )


def test_a_pool_of_segments_that_vary_together_is_one_gamma() -> None:
    pool = AreaCount(np.arange(5), np.full(5, 2.0), 0, np.full(5, 1.4), 1.0)
    chance = log_area_likelihood(pool, np.full(5, 0.6), np.full(5, 1.3), np.full(5, 0.6))
    np.testing.assert_allclose(
        chance, stats.nbinom.logpmf(7, 0.6, 0.6 / (0.6 + 10 * 1.3)), rtol=1e-9
    )


@given(a=st.floats(0.1, 20), b=st.floats(0.1, 20), mu=st.floats(0.1, 5))
@examples(20)
def test_the_prior_has_the_moments_of_a_segment_in_its_neighbourhood(
    a: float, b: float, mu: float
) -> None:
    prior = ShrinkageShapes(a, b, mu).prior(np.zeros(1), np.zeros(1))
    second = (1 + 1 / a) * (1 + 1 / b)  # E[x^2 z^2] of independent Gammas with mean 1
    np.testing.assert_allclose(prior.mean, mu)
    np.testing.assert_allclose(1 + 1 / prior.shape, second)


@pytest.mark.parametrize(("finds", "hours"), [(5.0, 3.0), (1.0, 40.0), (0.0, 40.0)])
def test_a_segment_far_from_all_others_has_the_gamma_poisson_posterior(
    finds: float, hours: float
) -> None:
    network = network_of(
        np.array([1.5, 1.51, 1.7, 1.71]), np.full(4, 42.5), np.array([[0, 1], [2, 3]])
    )
    estimate = (
        ShrunkRate(**FIXED)
        .fit(records_of({0: finds, 1: 2.0}), effort_of({0: hours, 1: 4.0}), network)
        .predict()
    )
    rate = (finds + 2) / (hours + 4)
    posterior = stats.gamma(SHAPE + finds, scale=1 / (SHAPE / 0.7 + rate * hours))
    np.testing.assert_allclose(
        [estimate.low[0], estimate.median[0], estimate.high[0]],
        posterior.ppf([0.05, 0.5, 0.95]),
        rtol=1e-9,
    )
    np.testing.assert_allclose(estimate.mean[0], posterior.mean())
    rates = estimate.rates("hours")
    at_first = [rates.median[0], rates.interval.low[0], rates.interval.high[0]]
    np.testing.assert_allclose(at_first, rate * posterior.ppf([0.5, 0.05, 0.95]))


def test_a_neighbour_is_believed_by_distance_and_as_one_example() -> None:
    network = line_network(2)
    rate = ShrunkRate(reach_km=1.0, **FIXED).fit(
        records_of({0: 9.0}), effort_of({0: 3.0, 1: 6.0}), network
    )
    length = network.length_m[0] / 1000
    # the two-segment system solved by hand: potentials at the far ends equal the
    # segments' own
    strength = 2 / length
    through = strength / (length + strength)
    # leaves by the shared end, may come back, passes over with one half
    weight = 0.5 * through / (1 - 0.5 * through)
    count, expected = (weight * value / (1 + 3.0 * 0.7 / 0.8) for value in (9.0, 3.0))
    np.testing.assert_allclose(rate.prior_.known[1], 2.0 + count, rtol=1e-9)
    np.testing.assert_allclose(
        rate.prior_.mean[1], (2.0 + count) / (2.0 / 0.7 + expected), rtol=1e-9
    )
    np.testing.assert_allclose(rate.shape_[1], rate.prior_.shape[1])
    np.testing.assert_allclose(rate.rate_[1], rate.prior_.shape[1] / rate.prior_.mean[1] + 6.0)


def test_a_segment_does_not_inform_its_own_prior() -> None:
    network = grid_network(5, np.random.default_rng(2))
    rng = np.random.default_rng(3)
    hours = rng.gamma(2.0, size=network.n_segments)
    finds = rng.poisson(hours).astype(float)
    more_finds, more_hours = finds.copy(), hours.copy()
    more_finds[7] += 3
    # so that the global rate, and what others expect, stay as they were
    more_hours[7] += 3 * hours.sum() / finds.sum()
    priors = [
        ShrunkRate(reach_km=2.0, **FIXED)
        .fit(records_of(by_segment(y)), effort_of(by_segment(e)), network)
        .prior_
        for y, e in ((finds, hours), (more_finds, more_hours))
    ]
    np.testing.assert_allclose(priors[0].mean[7], priors[1].mean[7], rtol=1e-9)
    assert not np.allclose(np.delete(priors[0].mean, 7), np.delete(priors[1].mean, 7), rtol=1e-9)


def world(seed: int = 0) -> tuple[dict[int | str, float], dict[int | str, float], int]:
    rng = np.random.default_rng(seed)
    m = grid_network(8, np.random.default_rng(1)).n_segments
    hours = rng.gamma(1.0, 5.0, m) * (rng.random(m) < 0.6)
    return (
        by_segment(rng.poisson(hours * rng.gamma(0.7, 1.0, m)).astype(float)),
        by_segment(hours),
        m,
    )


def test_numbering_the_segments_otherwise_changes_nothing() -> None:
    finds, hours, m = world()
    network = grid_network(8, np.random.default_rng(1))
    order = np.random.default_rng(4).permutation(m)
    turned = network_of(
        network.lon,
        network.lat,
        np.column_stack((network.tail, network.head))[:m][np.argsort(order)],
    )
    before = ShrunkRate().fit(records_of(finds), effort_of(hours), network).predict()
    after = (
        ShrunkRate()
        .fit(
            records_of({int(order[int(s)]): y for s, y in finds.items()}),
            effort_of({int(order[int(s)]): e for s, e in hours.items()}),
            turned,
        )
        .predict()
    )
    for name in ("low", "median", "high", "searched"):
        np.testing.assert_allclose(
            getattr(after, name)[order], getattr(before, name), rtol=1e-4, atol=1e-9
        )


@pytest.mark.parametrize("segment", [0, 17, 40])
def test_the_same_finds_for_more_effort_are_a_lower_rate(segment: int) -> None:
    finds, hours, _ = world()
    network = grid_network(8, np.random.default_rng(1))
    model = ShrunkRate()
    rates = []
    for factor in (1, 3, 9):
        more = hours | {segment: factor * hours.get(segment, 1.0)}
        rates.append(
            model.fit(records_of(finds), effort_of(more), network)
            .predict()
            .rates("hours")
            .median[segment]
        )
    assert rates[0] > rates[1] > rates[2]


def test_the_interval_narrows_with_evidence() -> None:
    network = line_network(6)
    width = []
    for evidence in (1, 10, 100):
        estimate = (
            ShrunkRate(**FIXED)
            .fit(
                records_of({0: 2.0 * evidence, 1: 1.0 * evidence}),
                effort_of({0: 1.0 * evidence, 1: 3.0 * evidence}),
                network,
            )
            .predict()
        )
        width.append(np.log(estimate.high[0] / estimate.low[0]))
    assert width[0] > 2 * width[1] > 4 * width[2]


def test_roads_never_searched_are_unknown_not_safe() -> None:
    finds, hours, m = world()
    estimate = (
        ShrunkRate()
        .fit(records_of(finds), effort_of(hours), grid_network(8, np.random.default_rng(1)))
        .predict()
    )
    searched = np.zeros(m, dtype=bool)
    searched[[int(s) for s in hours]] = True
    np.testing.assert_array_equal(estimate.searched, searched)
    assert (estimate.median[~searched] > 0).all()
    assert (estimate.mean[~searched] > 0.05).all()
    ratio = estimate.high / estimate.low
    assert np.median(ratio[~searched]) > np.median(ratio[searched])
    barren = np.array([s for s in hours if s not in finds and hours[s] > 10], dtype=np.int64)
    assert barren.size
    assert estimate.high[~searched].min() > estimate.high[barren].max()


def test_the_interval_of_an_unsearched_road_widens_with_distance() -> None:
    model = ShrunkRate(reach_km=2.0, segment_shape=3.0, neighbourhood_shape=1.0, typical_index=1.0)
    estimate = model.fit(
        records_of({0: 40.0, 1: 40.0}), effort_of({0: 8.0, 1: 8.0}), line_network(12)
    ).predict()
    assert (np.diff(np.log(estimate.high[2:] / estimate.low[2:])) > 0).all()


def test_an_area_tells_the_mean_of_its_roads_and_not_which() -> None:
    areas = {"west": list(range(10)), "east": list(range(10, 20))}
    network = line_network(20)
    model = ShrunkRate(reach_km=0.1, segment_shape=1.0, neighbourhood_shape=1.0, typical_index=1.0)
    estimate = model.fit(
        records_of({"west": 15_000.0, "east": 5_000.0}, areas),
        effort_of({"west": 1.0, "east": 1.0}, areas),
        network,
    )
    np.testing.assert_allclose(estimate.prior_.mean, np.repeat([1.5, 0.5], 10), rtol=1e-3)
    np.testing.assert_allclose(estimate.shape_, 1.0, rtol=1e-3)
    pointed = model.fit(
        records_of({s: 1500.0 if s < 10 else 500.0 for s in range(20)}),
        effort_of({"west": 1.0, "east": 1.0}, areas),
        network,
    )
    assert (pointed.shape_ > 400).all()


def test_overlapping_areas_searched_in_different_units_both_speak() -> None:
    areas = {"office": [0, 1, 2], "sector": [0, 1, 2, 3, 4, 5], "other": [6, 7, 8]}
    units: dict[int | str, str] = {
        "office": "vehicles",
        "sector": "staff",
        "other": "staff",
        9: "vehicles",
    }
    estimate = ShrunkRate().fit(
        records_of({"office": 300.0, "sector": 50.0, "other": 10.0, 9: 10.0}, areas, units=units),
        effort_of({"office": 1e6, "sector": 20.0, "other": 20.0, 9: 1e6}, areas, units=units),
        line_network(10),
    )
    median = estimate.predict().median
    assert median[:3].min() > median[3:6].max() > median[6:9].max()
    assert estimate.predict().searched.all()


@pytest.mark.parametrize(
    ("finds", "hours"),
    [
        ({}, {0: 1.0, 1: 5.0}),
        ({2: 1.0}, {0: 1.0, 2: 5.0}),
        ({2: 1.0}, {}),
        ({}, {}),
        ({0: 3.0}, {1: 5.0}),
        ({0: 3.0}, {0: 0.0}),
        ({1: 1e6}, {1: 1e-6, 2: 1e9}),
    ],
)
def test_little_or_strange_evidence_still_gives_an_answer(
    finds: dict[int | str, float], hours: dict[int | str, float]
) -> None:
    estimate = ShrunkRate().fit(records_of(finds), effort_of(hours), line_network(5)).predict()
    for values in (estimate.low, estimate.median, estimate.high):
        assert values.shape == (5,)
        assert np.isfinite(values).all()
    assert (estimate.low <= estimate.median).all()
    assert (estimate.median <= estimate.high).all()
    assert estimate.high.any()
    assert bool(estimate.warnings) == (
        not (finds and set(finds) <= {s for s, e in hours.items() if e > 0})
    )


def test_no_find_in_much_effort_is_little_risk_per_unit() -> None:
    little = (
        ShrunkRate().fit(records_of({}), effort_of({0: 1.0, 1: 1.0}), line_network(2)).predict()
    )
    much = (
        ShrunkRate().fit(records_of({}), effort_of({0: 100.0, 1: 100.0}), line_network(2)).predict()
    )
    less, more = little.rates("hours"), much.rates("hours")
    np.testing.assert_allclose(more.median * 100, less.median, rtol=1e-9)
    np.testing.assert_allclose(more.interval.low * 100, less.interval.low, rtol=1e-9)
    np.testing.assert_allclose(more.interval.high * 100, less.interval.high, rtol=1e-9)
    assert (less.median > 0).all()


def test_draws_follow_the_interval() -> None:
    finds, hours, m = world()
    model = ShrunkRate(level=0.8).fit(
        records_of(finds), effort_of(hours), grid_network(8, np.random.default_rng(1))
    )
    draws = np.exp(model.sample(4000, np.random.default_rng(0)))
    estimate = model.predict()
    assert draws.shape == (4000, m)
    inside = ((draws >= estimate.low) & (draws <= estimate.high)).mean(axis=0)
    assert np.abs(inside - 0.8).max() < 0.04
    assert np.abs((draws < estimate.median).mean(axis=0) - 0.5).max() < 0.05


def test_the_score_is_the_negative_binomial_chance_of_the_later_record() -> None:
    network = network_of(
        np.array([1.5, 1.51, 1.7, 1.71]), np.full(4, 42.5), np.array([[0, 1], [2, 3]])
    )
    model = ShrunkRate(**FIXED).fit(
        records_of({0: 4.0, 1: 2.0}), effort_of({0: 3.0, 1: 3.0}), network
    )
    score = model.score(records_of({0: 1.0, 1: 2.0}), effort_of({0: 2.0, 1: 5.0}))
    total = sum(
        stats.nbinom.logpmf(y, SHAPE + own, (SHAPE / 0.7 + 3.0) / (SHAPE / 0.7 + 3.0 + e))
        for y, e, own in ((1, 2.0, 4), (2, 5.0, 2))
    )
    np.testing.assert_allclose(score, total / 3, rtol=1e-9)
    quiet = model.score(records_of({}), effort_of({0: 2.0}))
    np.testing.assert_allclose(
        quiet, stats.nbinom.logpmf(0, SHAPE + 4, (SHAPE / 0.7 + 3) / (SHAPE / 0.7 + 5)), rtol=1e-9
    )


def test_a_record_with_structure_predicts_a_later_one_better_than_the_global_rate() -> None:
    network = grid_network(8, np.random.default_rng(1))
    rng = np.random.default_rng(8)
    index = rng.gamma(0.5, 2.0, network.n_segments)
    hours = rng.gamma(1.0, 4.0, network.n_segments)
    first, later = (
        records_of(by_segment(rng.poisson(hours * index).astype(float))) for _ in range(2)
    )
    effort = effort_of(by_segment(hours))
    learnt = ShrunkRate().fit(first, effort, network).score(later, effort)
    flat = ShrunkRate(segment_shape=1e6, neighbourhood_shape=1e6, typical_index=1.0).fit(
        first, effort, network
    )
    assert learnt > flat.score(later, effort) + 0.1


def test_scoring_works_without_effort_and_with_areas() -> None:
    areas = {"west": [0, 1, 2], "east": [3, 4, 5]}
    plain = ShrunkRate().fit(records_of({0: 4.0}), None, line_network(6))
    assert plain.predict().units == (ROAD_UNIT,)
    assert plain.score(records_of({0: 1.0}), None) > plain.score(records_of({5: 1.0}), None)
    effort = effort_of({"west": 5.0, "east": 5.0}, areas)
    pooled = ShrunkRate().fit(
        records_of({"west": 40.0, "east": 2.0}, areas), effort, line_network(6)
    )
    assert pooled.score(records_of({"west": 9.0, "east": 1.0}, areas), effort) > pooled.score(
        records_of({"west": 1.0, "east": 9.0}, areas), effort
    )


def test_a_later_record_in_an_unknown_unit_is_a_fault() -> None:
    model = ShrunkRate().fit(records_of({0: 1.0}), effort_of({0: 1.0}), line_network(2))
    with pytest.raises(InputError, match="'vehicles'"):
        model.score(records_of({0: 1.0}), effort_of({0: 1.0}, units={0: "vehicles"}))


@pytest.mark.slow
def test_intervals_of_known_truths_hold_as_often_as_they_say() -> None:
    network = line_network(1500, step=0.005)
    rng = np.random.default_rng(11)
    index = rng.gamma(SHAPE, 0.7 / SHAPE, 1500)
    hours = rng.gamma(0.5, 4.0, 1500) * (rng.random(1500) < 0.6)
    finds = rng.poisson(hours * index).astype(float)
    told = ShrunkRate(reach_km=1e-4, segment_shape=0.8, neighbourhood_shape=2.0, typical_index=1.0)
    for model in (told, ShrunkRate()):
        estimate = model.fit(
            records_of(by_segment(finds)), effort_of(by_segment(hours)), network
        ).predict()
        truth = index / estimate.global_rate[0]
        inside = (estimate.low <= truth) & (truth <= estimate.high)
        assert 0.87 < inside[estimate.searched].mean() < 0.93
        assert 0.87 < inside[~estimate.searched].mean() < 0.93
