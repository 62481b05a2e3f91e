"""The field + flow model: what it must do with records, and a regression library as
referee of its special cases.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from optimizer.base.errors import InputError
from optimizer.records import Effort, Seizures
from optimizer.records.model import ROAD_UNIT
from optimizer.risk import (
    CountsOverEffort,
    FieldFlow,
    FlowRegression,
    KernelDensity,
    Neighbours,
    OdTable,
    RawCounts,
    RiskModel,
    ShrunkRate,
)
from optimizer.risk.field_flow.model_averaging import (
    class_design,
    flow_column,
    learning_subgraph,
    restrict,
    with_flow,
)
from optimizer.risk.field_flow.season import NO_SEASON, fit_season, in_average_months
from optimizer.risk.od_flows import path_flows
from optimizer.risk.params import USUAL, RiskParams
from optimizer.risk.simple_maps import HALF
from tests.risk_cases import (
    by_segment,
    effort_of,
    grid_network,
    line_network,
    network_of,
    records_of,
    rows_of,
)

NETWORK = grid_network(9, np.random.default_rng(1), keep=1.0)
CORNERS = OdTable(
    np.array([0, 8]), np.array([80, 72, 40]), np.array([[3.0, 1.0, 1.0], [1.0, 1.0, 2.0]])
)
M = NETWORK.n_segments


def flow_of(table: OdTable = CORNERS) -> np.ndarray:
    flow = path_flows(NETWORK, table, 1 / 90).net(table.shares()).sum(axis=0)
    return np.asarray(flow / flow.mean())


def record(
    rate: np.ndarray, seed: int, scale: float = 4.0, searched: float = 0.6
) -> tuple[Seizures, Effort]:
    rng = np.random.default_rng(seed)
    hours = rng.gamma(1.0, scale, M) * (rng.random(M) < searched)
    return records_of(by_segment(rng.poisson(hours * rate).astype(float))), effort_of(
        by_segment(hours)
    )


MODELS: list[RiskModel] = [
    FieldFlow(CORNERS),
    FieldFlow(),
    RawCounts(),
    KernelDensity(),
    CountsOverEffort(),
    ShrunkRate(),
    FlowRegression(CORNERS),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_every_model_answers_alike(model: RiskModel) -> None:
    assert isinstance(model, RiskModel)
    seizures, effort = record(flow_of(), 3)
    assert model.fit(seizures, effort, NETWORK) is model
    estimate = model.predict()
    assert (estimate.low < estimate.median).all()
    assert (estimate.median < estimate.high).all()
    assert (estimate.mean > 0).all()
    np.testing.assert_array_equal(estimate.unknown, np.bincount(effort.segment, minlength=M) == 0)
    draws = model.sample(2000, np.random.default_rng(0))
    assert draws.shape == (2000, M)
    inside = ((np.exp(draws) >= estimate.low) & (np.exp(draws) <= estimate.high)).mean()
    assert abs(inside - 0.9) < 0.03
    score = model.score(*record(flow_of(), 4))
    assert np.isfinite(score)
    assert score < 0


def test_the_model_predicts_better_than_every_baseline_in_a_world_of_flows() -> None:
    first, later = record(flow_of(), 3), record(flow_of(), 4)
    scores = [type(model).__name__ for model in MODELS]
    values = [model.fit(*first, NETWORK).score(*later) for model in MODELS]
    assert scores[int(np.argmax(values))] in {"FieldFlow", "FlowRegression"}
    assert values[0] > max(values[1:6])


def test_flows_that_explain_nothing_are_not_believed() -> None:
    rng = np.random.default_rng(5)
    rate = rng.permutation(flow_of())
    first, later = record(rate, 6, scale=20.0), record(rate, 7, scale=20.0)
    both = FieldFlow(CORNERS).fit(*first, NETWORK)
    alone = FieldFlow().fit(*first, NETWORK)
    assert both.score(*later) > alone.score(*later) - 0.02
    truth = FieldFlow(CORNERS).fit(*record(flow_of(), 6, scale=20.0), NETWORK)
    assert truth.weights_[0] < 0.01 < both.weights_[0]


def test_masses_move_towards_the_truth_where_the_prior_table_is_wrong() -> None:
    true = CORNERS.with_weight(np.array([[0.2, 0.1, 0.1], [8.0, 1.0, 0.2]]))
    model = FieldFlow(CORNERS).fit(*record(flow_of(true), 8, scale=20.0), NETWORK)
    found = model.table()
    assert found is not None
    assert (
        np.abs(found.shares() - true.shares()).sum()
        < 0.6 * np.abs(CORNERS.shares() - true.shares()).sum()
    )


def test_drawn_tables_are_nearer_to_the_truth_than_the_prior_and_differ() -> None:
    true = CORNERS.with_weight(np.array([[0.2, 0.1, 0.1], [8.0, 1.0, 0.2]]))
    model = FieldFlow(CORNERS).fit(*record(flow_of(true), 8, scale=20.0), NETWORK)
    shares = np.array([table.shares() for table in model.tables(20, np.random.default_rng(0))])
    assert shares.shape == (20, 2, 3)
    off = np.abs(shares - true.shares()).sum(axis=(1, 2))
    assert off.mean() < 0.6 * np.abs(CORNERS.shares() - true.shares()).sum()
    assert shares.std(axis=0).max() > 0.002
    assert FieldFlow().fit(*record(flow_of(), 8), NETWORK).tables(3, np.random.default_rng(0)) == []


def test_poisson_regression_is_that_of_statsmodels() -> None:
    seizures, effort = record(flow_of(), 9)
    model = FlowRegression(CORNERS, ridge=np.inf).fit(seizures, effort, NETWORK)
    design = with_flow(
        class_design(NETWORK),
        flow_column(path_flows(NETWORK, CORNERS, 1 / 90).net(CORNERS.shares()).sum(axis=0)),
    )
    seen = model.evidence_.own_expected > 0
    referee = sm.GLM(
        model.evidence_.own_count[seen],
        design.columns[seen],
        family=sm.families.Poisson(),
        exposure=model.evidence_.own_expected[seen],
    ).fit(tol=1e-12)
    np.testing.assert_allclose(model.coefficients_, referee.params, rtol=1e-6)
    np.testing.assert_allclose(model.covariance_, referee.cov_params(), rtol=1e-5)


def test_searches_of_yes_or_no_are_the_complementary_log_log_of_statsmodels() -> None:
    """With hardly any field left, and one class, the model is a binomial with one level."""
    rng = np.random.default_rng(10)
    searches = rng.integers(1, 40, M).astype(float)
    found = rng.binomial(searches.astype(int), 0.3).astype(float)
    effort = effort_of(by_segment(searches), units=dict.fromkeys(range(M), "searches"))
    model = FieldFlow(yes_no={"searches"}, season=False).fit(
        records_of(by_segment(found)), effort, NETWORK
    )
    referee = sm.GLM(
        np.column_stack((found, searches - found)),
        np.ones(M),
        family=sm.families.Binomial(sm.families.links.CLogLog()),
    ).fit()
    rate = model.evidence_.global_rate[0] * np.exp(model.candidates_[0].mean)
    np.testing.assert_allclose(
        np.average(1 - np.exp(-rate), weights=searches), referee.fittedvalues[0], rtol=0.02
    )
    # per search: the entropy of 0.3 is 0.61
    assert -1.0 < model.score(records_of(by_segment(found)), effort) < -0.5


def test_more_finds_than_searches_are_a_fault() -> None:
    with pytest.raises(InputError, match="more seizures than searches"):
        FieldFlow(yes_no={"hours"}).fit(
            records_of({0: 3.0}), effort_of({0: 2.0, 1: 5.0}), line_network(3)
        )


def test_the_score_of_a_sure_model_is_the_poisson_chance() -> None:
    rng = np.random.default_rng(11)
    hours = np.full(30, 1e6)
    network = line_network(30)
    model = FieldFlow(season=False).fit(
        records_of(by_segment(rng.poisson(hours * 0.3).astype(float))),
        effort_of(by_segment(hours)),
        network,
    )
    later = rng.poisson(0.3 * 5.0, 30).astype(float)
    exact = stats.poisson.logpmf(later, 0.3 * 5.0).sum() / later.sum()
    np.testing.assert_allclose(
        model.score(records_of(by_segment(later)), effort_of(by_segment(np.full(30, 5.0)))),
        exact,
        rtol=0.01,
    )


def test_more_effort_for_the_same_finds_is_less_risk() -> None:
    finds: dict[int | str, float] = {3: 4.0, 9: 2.0, 30: 1.0}
    hours: dict[int | str, float] = dict.fromkeys(range(60), 2.0)
    rates = []
    for factor in (1, 4, 16):
        estimate = (
            FieldFlow(CORNERS)
            .fit(records_of(finds), effort_of(hours | {3: 2.0 * factor}), NETWORK)
            .predict()
        )
        rates.append(estimate.rates("hours").median[3])
    assert rates[0] > rates[1] > rates[2]


def test_roads_never_searched_are_unknown_and_their_intervals_wide() -> None:
    rate = np.random.default_rng(12).lognormal(0, 0.5, M)
    seizures, effort = record(rate, 12, scale=60.0, searched=0.5)
    estimate = FieldFlow(CORNERS).fit(seizures, effort, NETWORK).predict()
    width = np.log(estimate.high / estimate.low)
    assert width[estimate.unknown].min() > np.median(width[estimate.searched])


def _few_searches(stray: float) -> tuple[Seizures, Effort]:
    """Two finds of half an hour, as tips leave them; places where a hundred hours found
    as much an hour as around; finds of no hour.
    """
    hours, finds = np.full(40, 20.0), np.full(40, 3.0)
    finds[[8, 9, 10, 11]] = [10.0, 30.0, 30.0, 10.0]
    finds[18:23] = 5.0
    hours[30], finds[30] = 0.5, 2.0
    hours[39], finds[39] = 0.0, stray
    return records_of(by_segment(finds)), effort_of(by_segment(hours))


def test_finds_where_hardly_anybody_searched_rank_behind_as_many_that_effort_explains() -> None:
    seen = _few_searches(1.0)
    believed, doubted = (
        FieldFlow(season=False, params=RiskParams(doubt=doubt, simpler=0.0)).fit(
            *seen, line_network(40)
        )
        for doubt in (0.0, 1.5)
    )
    assert believed.predict().median[30] > believed.predict().median[20]
    assert doubted.predict().median[30] < doubted.predict().median[20]
    # What later searches are expected to find, tips among it, stays.
    np.testing.assert_allclose(doubted.predict().mean, believed.predict().mean)
    assert doubted.score(*seen) == believed.score(*seen)
    assert np.argmax(doubted.predict().median) == np.argmax(believed.predict().median)


def test_a_record_whose_seizures_all_lie_where_is_searched_is_taken_at_its_word() -> None:
    """Doubt had lowered unsearched roads of such records too, and intervals with them:
    fewer of them held the truth.
    """
    model = FieldFlow(season=False).fit(*_few_searches(0.0), line_network(40))
    estimate = model.predict()
    np.testing.assert_allclose(estimate.median, np.exp(model.mean_))
    np.testing.assert_allclose(np.sqrt(estimate.low * estimate.high), estimate.median)
    assert model.widening == pytest.approx(USUAL.widening)


def test_in_a_record_with_faults_simpler_maps_weigh_in_where_flows_explain_nothing() -> None:
    network, seen = line_network(40), _few_searches(1.0)
    alone, pooled, most = (
        FieldFlow(season=False, params=RiskParams(simpler=share)).fit(*seen, network)
        for share in (0.0, 0.2, 1.0)
    )
    simpler = (
        sum(
            np.log(one.fit(*seen, network).predict().median)
            for one in (ShrunkRate(), KernelDensity())
        )
        / 2
    )
    logs = [np.log(one.predict().median) for one in (alone, pooled, most)]
    # Without flows the share counts in full; the level is that of the effort's mean
    # either way.
    np.testing.assert_allclose(np.diff(logs[2]), np.diff(simpler), atol=1e-8)
    np.testing.assert_allclose(logs[1], 0.8 * logs[0] + 0.2 * logs[2], atol=1e-8)
    effort = alone.evidence_.own_expected
    for one in logs:
        assert np.average(one - alone.mean_, weights=effort) == pytest.approx(0, abs=1e-8)
    np.testing.assert_allclose(
        pooled.sample(4000, np.random.default_rng(1)).mean(axis=0), logs[1], atol=0.15
    )
    np.testing.assert_allclose(pooled.predict().mean, alone.predict().mean)


def test_simpler_maps_weigh_little_where_flows_explain_the_index() -> None:
    rate = flow_of() + 0.05
    hours = np.full(M, 30.0)
    finds = np.round(hours * rate)
    hours[0], finds[0] = 0.0, 1.0
    seen = records_of(by_segment(finds)), effort_of(by_segment(hours))

    def moved(flows: OdTable | None) -> float:
        alone, pooled = (
            FieldFlow(flows, season=False, params=RiskParams(simpler=share))
            .fit(*seen, NETWORK)
            .predict()
            .median
            for share in (0.0, 0.2)
        )
        return float(np.std(np.log(pooled / alone)))

    assert 0 < moved(CORNERS) < 0.2 * moved(None)


def test_doubt_moves_medians_and_not_their_intervals() -> None:
    """Intervals that doubt lowered held less of the traffic on roads that little was known of."""
    network, seen = line_network(40), _few_searches(1.0)
    believed, doubted, distrusted = (
        FieldFlow(season=False, params=RiskParams(doubt=doubt)).fit(*seen, network).predict()
        for doubt in (0.0, 1.5, 20.0)
    )
    model = FieldFlow(season=False).fit(*seen, network)
    np.testing.assert_allclose(
        np.log(believed.low * believed.high) / 2, model.mean_ - USUAL.faults_excess, atol=1e-9
    )
    np.testing.assert_allclose(doubted.low, believed.low)
    np.testing.assert_allclose(doubted.high, believed.high)
    assert np.ptp(np.log(doubted.median / believed.median)) > 0.1
    for one in (believed, doubted, distrusted):
        assert ((one.low <= one.median) & (one.median <= one.high)).all()
    assert (distrusted.low == distrusted.median).any()


def test_a_factor_that_is_given_leaves_intervals_of_a_faulty_record_about_the_models_own_index() -> (
    None
):
    model = FieldFlow(season=False, widening=1.0, params=RiskParams(doubt=0.0, simpler=0.0))
    estimate = model.fit(*_few_searches(1.0), line_network(40)).predict()
    np.testing.assert_allclose(np.log(estimate.low * estimate.high) / 2, model.mean_, atol=1e-9)


def test_areas_tell_their_mean() -> None:
    areas = {"west": list(range(10)), "east": list(range(10, 20))}
    network = network_of(
        np.concatenate((np.linspace(1.5, 1.6, 11), np.linspace(1.8, 1.9, 11))),
        np.full(22, 42.5),
        np.array([[i, i + 1] for i in range(21) if i != 10]),
    )
    model = FieldFlow(season=False).fit(
        records_of({"west": 900.0, "east": 100.0}, areas),
        effort_of({"west": 100.0, "east": 100.0}, areas),
        network,
    )
    estimate = model.predict()
    np.testing.assert_allclose(
        [estimate.mean[:10].mean(), estimate.mean[10:].mean()], [1.8, 0.2], rtol=0.05
    )
    np.testing.assert_allclose(estimate.median[:10], estimate.median[4], rtol=0.3)
    assert estimate.high[0] / estimate.low[0] > 1.2  # the mean is known, which road it was is not
    assert model.score(
        records_of({"west": 9.0, "east": 1.0}, areas), effort_of({"west": 1.0, "east": 1.0}, areas)
    ) > model.score(
        records_of({"west": 1.0, "east": 9.0}, areas), effort_of({"west": 1.0, "east": 1.0}, areas)
    )


def test_units_have_levels_of_their_own() -> None:
    """Where both units searched the same roads, a unit that is worked only on poor
    roads is not taken for a bad unit.
    """
    rate = np.where(np.arange(M) < M // 2, 4.0, 0.25)
    rng = np.random.default_rng(13)
    both = [(s, unit) for s in range(M) for unit in (0, 1) if unit == 0 or s >= M // 3]
    segment, unit = np.array(both).T
    hours = np.full(len(both), 4.0)
    found = rng.poisson(hours * rate[segment] * np.where(unit == 1, 0.5, 1.0)).astype(float)
    seizures, effort = rows_of(segment, hours, found, unit=unit)
    model = FieldFlow(season=False, shape=np.inf).fit(seizures, effort, NETWORK)
    level = model.candidates_[0].latent.level(
        model.candidates_[0].mode.point.beta, np.array([0, 1])
    )
    global_rate = model.evidence_.global_rate
    np.testing.assert_allclose(
        np.exp(level[1] - level[0]) * global_rate[1] / global_rate[0], 0.5, rtol=0.25
    )


def test_a_record_in_two_units_is_as_sure_of_the_index_as_in_one() -> None:
    """What the units' levels leave open is a matter of units and not of the index."""
    rate = np.where(np.arange(M) < M // 2, 3.0, 0.5)
    rng = np.random.default_rng(14)
    hours = np.full(M, 8.0)
    found = rng.poisson(hours * rate).astype(float)
    half = rng.binomial(found.astype(int), 0.5).astype(float)
    one = FieldFlow(season=False, shape=np.inf).fit(*rows_of(np.arange(M), hours, found), NETWORK)
    twice, unit = np.tile(np.arange(M), 2), np.repeat([0, 1], M)
    split = rows_of(twice, np.tile(hours / 2, 2), np.concatenate((half, found - half)), unit=unit)
    two = FieldFlow(season=False, shape=np.inf).fit(*split, NETWORK)
    np.testing.assert_allclose(two.mean_, one.mean_, atol=0.15)
    np.testing.assert_allclose(two.sd_, one.sd_, rtol=0.15)
    drawn = two.sample(400, np.random.default_rng(15)).std(axis=0)
    assert np.median(drawn / (two.widening * two.sd_)) == pytest.approx(1, abs=0.1)


def test_a_season_is_found_where_there_is_one_and_only_there() -> None:
    truth = np.exp(0.8 * np.cos(2 * np.pi * np.arange(12) / 12))
    truth /= truth.mean()
    rng = np.random.default_rng(14)
    expected = np.full(12, 80.0)
    np.testing.assert_allclose(
        fit_season(rng.poisson(expected * truth).astype(float), expected), truth, rtol=0.3
    )
    flat = fit_season(rng.poisson(expected).astype(float), expected)
    assert np.abs(flat - 1).max() < 0.15
    np.testing.assert_array_equal(fit_season(np.zeros(12), expected), NO_SEASON)


def test_effort_is_counted_in_average_months() -> None:
    season = np.ones(12)
    season[0], season[6] = 2.0, 0.5
    effort = effort_of({0: 10.0, 1: 10.0})
    effort.start[:] = np.array(["2023-01-05", "2023-06-01"], dtype="datetime64[D]")
    effort.end[:] = np.array(["2023-01-06", "2023-08-01"], dtype="datetime64[D]")
    np.testing.assert_allclose(
        in_average_months(effort, season).amount, [20.0, 10 * (30 + 31 * 0.5) / 61]
    )


def test_a_season_in_the_record_reaches_the_score() -> None:
    rng = np.random.default_rng(15)
    season = np.where(np.arange(12) < 6, 1.8, 0.2)
    months, segment = np.meshgrid(np.arange(24), np.arange(40), indexing="ij")
    count = rng.poisson(season[months.ravel() % 12]).astype(float)
    seizures, effort = rows_of(segment.ravel(), np.ones(months.size), count, month=months.ravel())
    network = line_network(40)
    seasonal, flat = (FieldFlow(season=on).fit(seizures, effort, network) for on in (True, False))
    np.testing.assert_allclose(seasonal.season_, season, rtol=0.3, atol=0.15)
    january = months.ravel() == 0
    later = seizures.take(january), effort.take(january)
    assert seasonal.score(*later) > flat.score(*later) + 0.05


def test_clumped_counts_choose_a_negative_binomial() -> None:
    rng = np.random.default_rng(16)
    hours = np.full(M, 10.0)
    clumped = rng.poisson(hours * rng.gamma(0.3, 1 / 0.3, M)).astype(float)
    even = rng.poisson(hours).astype(float)
    effort = effort_of(by_segment(hours))
    flat = FieldFlow().fit(records_of(by_segment(even)), effort, NETWORK)
    wild = FieldFlow().fit(records_of(by_segment(clumped)), effort, NETWORK)
    spread = [
        one.candidates_[0].hyper.nugget + 1 / one.candidates_[0].hyper.shape for one in (flat, wild)
    ]
    assert spread[1] > 5 * spread[0]


@pytest.mark.parametrize(
    ("finds", "hours"),
    [
        ({}, {0: 1.0, 1: 5.0}),
        ({2: 1.0}, {0: 1.0, 2: 5.0}),
        ({2: 1.0}, {}),
        ({}, {}),
        ({0: 3.0}, {1: 5.0}),
        ({0: 3.0}, {0: 0.0}),
    ],
)
def test_little_or_strange_evidence_still_gives_an_answer(
    finds: dict[int | str, float], hours: dict[int | str, float]
) -> None:
    nowhere = OdTable(np.empty(0, dtype=np.int64), np.array([1]), np.zeros((0, 1)))
    for flows in (None, nowhere, OdTable(np.array([0]), np.array([5]), np.ones((1, 1)))):
        model = FieldFlow(flows).fit(records_of(finds), effort_of(hours), line_network(5))
        estimate = model.predict()
        assert np.isfinite([estimate.low, estimate.median, estimate.high, estimate.mean]).all()
        assert (estimate.low < estimate.high).all()
        assert any("No pair" in warning for warning in estimate.warnings) == (flows is nowhere)


def test_without_effort_places_are_judged_and_nothing_counts_as_searched() -> None:
    model = FieldFlow(season=False).fit(records_of({0: 4.0, 1: 3.0}), None, line_network(12))
    assert model.predict().units == (ROAD_UNIT,)
    assert model.predict().unknown.all()
    assert model.score(records_of({0: 1.0}), None) > model.score(records_of({11: 1.0}), None)


def test_a_graph_of_ones_own_takes_the_place_of_the_roads() -> None:
    apart = Neighbours(M, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
    seizures, effort = record(flow_of(), 17)
    alone = FieldFlow(neighbours=apart).fit(seizures, effort, NETWORK).predict()
    unknown = np.log(alone.median[alone.unknown])
    assert np.ptp(unknown) < 1e-6  # nothing carries over to what has no neighbour


def test_a_part_of_a_problem_keeps_its_own_cells() -> None:
    seizures, effort = record(flow_of(), 18)
    latent = FieldFlow().fit(seizures, effort, NETWORK).candidates_[0].latent
    segments = learning_subgraph(latent, 50)
    smaller = restrict(latent, segments)
    assert segments.size == 50
    assert smaller.field.neighbours.size == 50
    np.testing.assert_array_equal(
        np.isin(latent.cells.segment, segments).sum(), smaller.cells.segment.size
    )
    np.testing.assert_array_equal(
        segments[smaller.cells.segment],
        latent.cells.segment[np.isin(latent.cells.segment, segments)],
    )
    assert learning_subgraph(latent, 10_000).size == M


def test_counts_ignore_effort_and_counts_over_effort_do_not() -> None:
    finds: dict[int | str, float] = {0: 4.0, 1: 2.0}
    hours: dict[int | str, float] = {0: 40.0, 1: 1.0, 2: 9.0}
    network = line_network(4)
    raw = RawCounts().fit(records_of(finds), effort_of(hours), network)
    rate = CountsOverEffort().fit(records_of(finds), effort_of(hours), network)
    assert raw.predict().median[0] > raw.predict().median[1]
    assert rate.predict().median[0] < rate.predict().median[1]
    np.testing.assert_allclose(rate.predict().median[3], stats.gamma(HALF, scale=1 / HALF).median())
    np.testing.assert_allclose(
        raw.predict().median[0], stats.gamma(HALF + 4, scale=1 / (HALF + 6 / 4)).median()
    )


def test_the_kernel_spreads_along_the_roads() -> None:
    estimate = (
        KernelDensity(1.0)
        .fit(records_of({5: 20.0}), effort_of(dict.fromkeys(range(11), 1.0)), line_network(11))
        .predict()
    )
    assert (np.diff(estimate.median[:6]) > 0).all()
    np.testing.assert_allclose(estimate.median, estimate.median[::-1], rtol=1e-6)


def cells_alike(
    seed: int,
) -> tuple[Neighbours, tuple[Seizures, Effort], tuple[Seizures, Effort], float]:
    """Return 150 places of one chance of a find, two records of about 200 finds, and
    what the global rate of the first scores on the second.
    """
    rng = np.random.default_rng([7, seed])
    size, chance = 150, 0.25
    places = rng.random((size, 2))
    near = np.argsort(((places[:, None] - places) ** 2).sum(axis=2), axis=1)[:, 1:5]
    pairs = np.unique(
        np.sort(np.column_stack((np.repeat(np.arange(size), 4), near.ravel())), axis=1), axis=0
    )
    pairs_of = Neighbours(size, pairs[:, 0], pairs[:, 1], np.full(len(pairs), 0.5))
    searches = rng.geometric(0.19, (2, size)).astype(float)
    found = rng.binomial(searches.astype(int), chance).astype(float)
    units: dict[int | str, str] = dict.fromkeys(range(size), "searches")
    first, later = (
        (records_of(by_segment(found[part])), effort_of(by_segment(searches[part]), units=units))
        for part in (0, 1)
    )
    rate = found[0].sum() / searches[0].sum()
    score = found[1].sum() * np.log(rate) + (searches[1] - found[1]).sum() * np.log1p(-rate)
    return pairs_of, first, later, float(score / searches[1].sum())


def test_places_that_are_alike_are_called_alike_and_cost_next_to_nothing() -> None:
    loss, belief = [], []
    for seed in range(4):
        near, first, later, plain = cells_alike(seed)
        model = FieldFlow(yes_no={"searches"}, season=False, neighbours=near).fit(
            *first, line_network(150)
        )
        loss.append(plain - model.score(*later))
        belief.append(model.weights_[-1])
    assert model.candidates_[-1].name == "alike"
    assert np.median(belief) > 0.5
    assert np.mean(loss) < 0.002  # log chance a search


def test_places_that_are_not_alike_are_not_called_so() -> None:
    rate = np.where(np.arange(M) < M // 2, 4.0, 0.25)
    model = FieldFlow(season=False).fit(*record(rate, 19), NETWORK)
    assert model.weights_[-1] == 0
    assert np.isnan(model.candidates_[-1].sd).all()


def test_intervals_are_widened_by_how_far_flows_are_believed() -> None:
    flowing = FieldFlow(CORNERS).fit(*record(flow_of(), 3), NETWORK)
    alone = FieldFlow().fit(*record(flow_of(), 3), NETWORK)
    with_flows = sum(
        belief
        for belief, one in zip(flowing.weights_, flowing.candidates_, strict=True)
        if one.flows
    )
    assert alone.widening == pytest.approx(1.1)
    assert flowing.widening == pytest.approx(1.1 + 0.2 * with_flows)
    assert FieldFlow(CORNERS, widening=1.0).widening == 1.0
    width = np.log(flowing.predict().high / flowing.predict().low)
    np.testing.assert_allclose(width, 2 * stats.norm.ppf(0.95) * flowing.widening * flowing.sd_)


def test_masses_learnt_on_a_part_move_as_on_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    true = CORNERS.with_weight(np.array([[0.2, 0.1, 0.1], [8.0, 1.0, 0.2]]))
    seizures, effort = record(flow_of(true), 8, scale=20.0)
    whole = FieldFlow(CORNERS).fit(seizures, effort, NETWORK)
    monkeypatch.setattr(
        "optimizer.risk.field_flow.model_averaging.learning_subgraph",
        lambda latent: learning_subgraph(latent, 110),
    )
    part = FieldFlow(CORNERS).fit(seizures, effort, NETWORK)
    assert M > 110
    assert (
        part.candidates_[2].latent.design.columns.shape
        == whole.candidates_[2].latent.design.columns.shape
    )
    tables = [model.table() for model in (whole, part)]
    assert tables[0] is not None
    assert tables[1] is not None
    gap = np.abs(tables[0].shares() - tables[1].shares()).sum()
    assert 0 < gap < 0.4 * np.abs(tables[0].shares() - CORNERS.shares()).sum()
    assert np.abs(whole.mean_ - part.mean_).mean() < 0.1


@pytest.mark.parametrize(
    "model", [FieldFlow(), ShrunkRate(), FlowRegression()], ids=lambda model: type(model).__name__
)
def test_log_chances_by_segment_add_up_to_the_score_and_those_of_a_place_to_its_own(
    model: Any,
) -> None:
    """Points and an area: the sum over segments is the score times the seizures; what
    one part of the roads found is scored alike alone.
    """
    areas = {"west": [0, 1, 2]}
    first = (
        records_of({"west": 4.0, 4: 2.0, 6: 1.0}, areas),
        effort_of({"west": 6.0, 4: 2.0, 5: 3.0, 6: 2.0}, areas),
    )
    model.fit(*first, line_network(8))
    later = (
        records_of({"west": 3.0, 5: 2.0}, areas),
        effort_of({"west": 5.0, 4: 1.0, 5: 2.0}, areas),
    )
    chances = model.log_chances(*later)
    assert chances.sum() == pytest.approx(5.0 * model.score(*later))
    west = model.score(records_of({"west": 3.0}, areas), effort_of({"west": 5.0}, areas)) * 3.0
    assert chances[:3].sum() == pytest.approx(west)
    assert chances[7] == 0.0


def test_a_record_that_does_not_tell_places_apart_says_so_and_one_that_does_says_nothing() -> None:
    """Forty segments searched alike: finds thrown evenly, and the same number in one stretch."""
    network = grid_network(6, np.random.default_rng(1), keep=1.0)
    m = network.n_segments
    effort = effort_of(by_segment(np.full(m, 20.0)))
    even = (
        FieldFlow(season=False)
        .fit(records_of(by_segment(np.full(m, 2.0))), effort, network)
        .predict()
    )
    assert any("no spatial signal" in remark for remark in even.warnings)
    stretch = np.where(np.arange(m) < 8, 2.0 * m / 8, 0.0)
    uneven = FieldFlow(season=False).fit(records_of(by_segment(stretch)), effort, network).predict()
    assert not any("no spatial signal" in remark for remark in uneven.warnings)


def test_parameters_change_the_estimate_and_bad_ones_are_refused() -> None:
    seen = record(flow_of(), 6)
    usual, wider = (
        FieldFlow(params=p).fit(*seen, NETWORK) for p in (RiskParams(), RiskParams(widening=2.2))
    )
    assert wider.widening == pytest.approx(2 * usual.widening)
    assert RiskParams.read(None, ["class_sd=0.5"]).changed() == {"class_sd": 0.5}
    with pytest.raises(InputError, match="class_sd"):
        FieldFlow(params=RiskParams(class_sd=-1.0))
