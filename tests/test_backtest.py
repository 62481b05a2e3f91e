"""Rolling origin, scores, intervals, tests and calibration of the backtest, with hand computations and other libraries as referees."""

from __future__ import annotations

import csv
import json
from dataclasses import fields, replace
from functools import partial
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import betaln
from typer.testing import CliRunner

from optimizer.base.errors import InputError, Problem
from optimizer.base.work.listener import SILENT
from optimizer.cli.risk import backtest
from optimizer.lab.backtest import forces as forces_module
from optimizer.lab.backtest.engine import folds, forecast_periods, held_by_top, label_of, periods_of
from optimizer.lab.backtest.forces import (
    MODELS,
    UNIT,
    ForecastTask,
    as_rows,
    backtest_forces,
    by_field,
    by_points,
    by_squares,
    make_task,
    same_everywhere,
    strength_of,
)
from optimizer.lab.backtest.run import write_backtest
from optimizer.lab.backtest.scenario import backtest_scenario, cells_of_rows
from optimizer.lab.backtest.searches import (
    ForceSearches,
    nearest_neighbours,
    plane,
    point_network,
    read_searches,
    squares,
)
from optimizer.lab.backtest.statistics import (
    LOGISTIC,
    POISSON,
    UNTOLD,
    interval,
    mean_interval,
    permutation_p,
    recalibrate,
    recalibrate_counts,
    regressions,
    resamples,
    scatter_p,
    tenths,
)
from optimizer.records import Effort, Seizures
from optimizer.records.importers.stop_search import import_stop_search
from optimizer.records.importers.writing import write_import
from optimizer.risk import FieldFlow
from optimizer.risk.evidence import cells_of, gather_evidence
from tests.examples import examples
from tests.output_cases import output_folder
from tests.risk_cases import effort_of, line_network, records_of
from tests.shared_data import DATA, needs
from tests.tiny import SCENARIO, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from optimizer.base.choices import PeriodLength
    from optimizer.lab.backtest.engine import PeriodForecast

pytestmark = pytest.mark.lab
ONE_KM = 0.009  # degrees of latitude, about


def searches_of(
    month: np.ndarray,
    point: np.ndarray,
    found: np.ndarray,
    *,
    place: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    group: np.ndarray | None = None,
) -> ForceSearches:
    """Return searches in months from January 2023 at numbered points, a kilometre apart unless (m, 2) places are given."""
    place = (
        np.column_stack((np.zeros(point.max() + 1), ONE_KM * np.arange(point.max() + 1))) if place is None else place
    )
    k = month.size
    return ForceSearches(
        force="force",
        month=np.datetime64("2023-01", "M") + month,
        lon=place[point, 0].astype(float),
        lat=place[point, 1].astype(float),
        group=np.arange(k) if group is None else group,
        weight=np.ones(k) if weight is None else weight,
        found=found.astype(float),
    )


def made_up(seed: int, spread: float, *, per_month: int = 500, months: int = 3) -> ForceSearches:
    """Return searches of 150 points whose log odds are those of 15 hamlets, with a standard deviation of `spread`."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(0, 20 * ONE_KM, (15, 2))
    hamlet = np.arange(150) % 15
    place = middle[hamlet] + rng.normal(0, 0.15 * ONE_KM, (150, 2))
    odds = -1.0 + spread * rng.standard_normal(15)[hamlet]
    month = np.repeat(np.arange(months), per_month)
    point = rng.integers(0, 150, month.size)
    return searches_of(month, point, rng.random(month.size) < 1 / (1 + np.exp(-odds[point])), place=place)


ROWS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({month for month, _, _ in rows}) > 1
)


@given(ROWS, st.sampled_from(["month", "quarter"]))
def test_each_row_is_foretold_once_and_from_earlier_ones_alone(
    rows: list[tuple[int, int, bool]], length: PeriodLength
) -> None:
    month = np.datetime64("2023-01", "M") + np.array([row[0] for row in rows])
    period = periods_of(month, length)
    told = folds(month, length)
    judged = sum((fold.during.astype(int) for fold in told), np.zeros(len(rows), dtype=int))
    np.testing.assert_array_equal(judged, period > period.min())
    for fold in told:
        assert (month[fold.before] < fold.start).all()
        assert ((month[fold.during] >= fold.start) & (month[fold.during] < fold.end)).all()
        assert fold.before.sum() == (month < fold.start).sum()


@examples(40)
@given(ROWS, st.data())
def test_a_later_row_never_enters_a_fit(rows: list[tuple[int, int, bool]], data: st.DataObject) -> None:
    month, point, found = (np.array(column) for column in zip(*rows, strict=True))
    plain = searches_of(month, point, found, place=np.random.default_rng(0).uniform(0, 0.1, (6, 2)))
    for fold in folds(plain.month):
        task = make_task(plain, fold)
        other = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
        # other outcomes in the period and after it, and every later row elsewhere
        changed = replace(
            plain,
            found=np.where(fold.before, plain.found, np.array(other, dtype=float)),
            lon=np.where(plain.month >= fold.end, plain.lon + 1, plain.lon),
        )
        again = make_task(changed, fold)
        for item in fields(ForecastTask):
            if item.name != "later_finds":
                np.testing.assert_array_equal(getattr(task, item.name), getattr(again, item.name))


@pytest.mark.parametrize("name", MODELS)
def test_what_is_foretold_does_not_depend_on_what_is_found_later(name: str) -> None:
    rows = made_up(1, 1.0, per_month=300)
    task = make_task(rows, folds(rows.month)[0])
    blind = replace(task, later_finds=np.zeros_like(task.later_finds))
    np.testing.assert_array_equal(MODELS[name](task).chance, MODELS[name](blind).chance)


def test_quarters_begin_in_january() -> None:
    month = np.array(["2022-12", "2023-01", "2023-03", "2023-04"], dtype="datetime64[M]")
    told = folds(month, "quarter")
    assert [fold.label for fold in told] == ["2023-Q1", "2023-Q2"]
    np.testing.assert_array_equal(told[0].during, [False, True, True, False])
    assert label_of(np.datetime64("2022-10"), "quarter") == "2022-Q4"


def hand_case() -> ForecastTask:
    # point 0: 1 of 2 before, 2 of 2 later; point 1: 0 of 2 before, nothing later; point 2: never before, 0 of 1 later
    month = np.array([0, 0, 0, 0, 1, 1, 1])
    point = np.array([0, 0, 1, 1, 0, 0, 2])
    found = np.array([1, 0, 0, 0, 1, 1, 0])
    rows = searches_of(month, point, found)
    return make_task(rows, folds(rows.month)[0])


def test_global_and_shrunk_scores_equal_a_hand_computation() -> None:
    task = hand_case()
    assert task.chance == pytest.approx(1 / 4)
    np.testing.assert_array_equal(task.judged, [0, 2])
    np.testing.assert_allclose(same_everywhere(task).log_chance, [2 * np.log(0.25), np.log(0.75)])
    strength = strength_of(task.finds, task.searches, 0.25)
    a, b = 0.25 * strength, 0.75 * strength
    two_of_two = (a + 1) / (a + b + 2) * (a + 2) / (a + b + 3)
    told = by_points(task)
    np.testing.assert_allclose(told.log_chance, [np.log(two_of_two), np.log(b / (a + b))], rtol=1e-7)
    np.testing.assert_allclose(told.chance, [(a + 1) / (a + b + 2), 0.25], rtol=1e-9)


def test_the_gain_is_the_mean_over_searches_in_mnats() -> None:
    rows = searches_of(
        np.array([0, 0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 0, 0, 2]), np.array([1, 0, 0, 0, 1, 1, 0])
    )
    judged = backtest_forces([rows]).judged[0]
    task = hand_case()
    more = by_points(task).log_chance - same_everywhere(task).log_chance
    assert judged.gain["points"].value == pytest.approx(1000 * more.sum() / 3)
    assert judged.gain["points"].unseen == pytest.approx(1000 * more[1])
    assert judged.unseen == pytest.approx(1 / 3)
    assert judged.periods[0].gain["points"] == pytest.approx(1000 * more.sum() / 3)


def test_the_likeliest_strength_beats_a_fine_grid() -> None:
    rng = np.random.default_rng(3)
    searches = rng.integers(1, 30, 80).astype(float)
    finds = rng.binomial(searches.astype(int), rng.beta(2, 6, 80)).astype(float)

    def chance(strength: float) -> float:
        a, b = 0.25 * strength, 0.75 * strength
        return float((betaln(a + finds, b + searches - finds) - betaln(a, b)).sum())

    best = strength_of(finds, searches, 0.25)
    assert chance(best) >= max(chance(value) for value in np.geomspace(0.2, 1e5, 400)) - 1e-6
    assert 4 < best < 16


def test_the_fields_score_is_the_products_own() -> None:
    rows = made_up(2, 1.0, per_month=200)
    task = make_task(rows, folds(rows.month)[0])
    network = point_network(task.lon, task.lat)
    model = FieldFlow(neighbours=nearest_neighbours(task.lon, task.lat), yes_no=(UNIT,), season=False)
    model.fit(*as_rows(task), network)
    at = task.judged
    later = replace(
        task, point=at, month=np.full(at.size, "2023-02", dtype="datetime64[M]"), amount=task.later_searches[at],
        found=task.later_finds[at],
    )  # fmt: skip
    assert by_field(task).log_chance.sum() == pytest.approx(model.score(*as_rows(later)) * task.later_searches.sum())


def test_rows_of_a_task_hold_what_was_searched() -> None:
    rows = made_up(4, 1.0, per_month=100)
    fold = folds(rows.month)[1]
    task = make_task(rows, fold)
    records, effort = as_rows(task)
    assert isinstance(records, Seizures)
    assert isinstance(effort, Effort)
    evidence = gather_evidence(records, effort, point_network(task.lon, task.lat))
    np.testing.assert_allclose(evidence.own_count, task.finds)
    cells, areas = cells_of(evidence, (UNIT,)), evidence.area_counts
    np.testing.assert_allclose(cells.searches, task.searches[task.searches > 0])
    assert not areas


@pytest.mark.slow
def test_places_with_known_differences_gain_and_alike_ones_lose_next_to_nothing() -> None:
    different = backtest_forces([made_up(5, 1.0)]).judged[0]
    assert different.gain["field"].interval is not None
    assert different.gain["field"].interval[0] > 0
    assert different.heterogeneity["cells"] < 0.01
    alike = [backtest_forces([made_up(seed, 0.0)]).judged[0].gain for seed in (6, 7)]
    for name, least in (
        ("field", -8.0),
        ("squares", -2.0),
    ):  # what the field loses to differences that are not there: docs/risk.md
        mean = np.mean([gain[name].value for gain in alike])
        assert least < mean < 2
    assert different.gain["field"].value > 20


def test_people_searched_together_are_one_search() -> None:
    month, point = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 0, 1])
    found, weight = np.array([1, 0, 0, 1, 0]), np.array([0.5, 0.5, 1, 1, 1])
    rows = searches_of(month, point, found, weight=weight, group=np.array([0, 0, 1, 2, 3]))
    assert rows.searches == 4
    assert rows.finds == 1.5
    task = make_task(rows, folds(rows.month)[0])
    np.testing.assert_allclose(task.searches, [1, 1])
    np.testing.assert_allclose(task.finds, [0.5, 0])


def test_an_interval_has_the_width_that_theory_gives_it() -> None:
    rng = np.random.default_rng(8)
    total, weight = 3 + rng.standard_normal(400), np.ones(400)
    ends = mean_interval(total, weight, resamples(400, rng, 2000))
    assert ends is not None
    assert (ends[1] - ends[0]) / 2 == pytest.approx(1.645 * total.std() / np.sqrt(400), rel=0.08)
    assert sum(ends) / 2 == pytest.approx(total.mean(), abs=0.01)


def test_cells_that_are_copies_of_each_other_widen_the_interval() -> None:
    rng = np.random.default_rng(9)
    value = rng.standard_normal(600)
    apart = mean_interval(value, np.ones(600), resamples(600, rng))
    clumped = mean_interval(10 * value[:60], np.full(60, 10.0), resamples(60, rng))  # each one ten times
    assert apart is not None
    assert clumped is not None
    assert clumped[1] - clumped[0] > 2.5 * (apart[1] - apart[0])


def test_a_figure_without_a_value_has_no_interval() -> None:
    assert interval(np.full(10, np.nan)) is None
    assert interval(np.array([*np.arange(19.0), np.nan])) == pytest.approx((0.9, 17.1))


def test_p_is_even_where_places_are_alike() -> None:
    rng = np.random.default_rng(10)
    values = []
    for _ in range(150):
        place, period = rng.integers(0, 12, 150), rng.integers(0, 2, 150)
        outcome = (rng.random(150) < np.array([0.2, 0.5])[period]).astype(float)  # periods differ, places do not
        values.append(permutation_p(place, period, outcome, rng, 99))
    assert stats.kstest(values, "uniform").pvalue > 0.01
    assert np.mean(np.array(values) <= 0.05) < 0.12


def test_p_is_small_where_places_differ() -> None:
    rng = np.random.default_rng(11)
    place = rng.integers(0, 12, 600)
    outcome = (rng.random(600) < np.linspace(0.1, 0.6, 12)[place]).astype(float)
    assert permutation_p(place, np.zeros(600, dtype=int), outcome, rng, 199) == pytest.approx(1 / 200)
    count = rng.poisson(np.linspace(0.2, 2.0, 12)[place]).astype(float)
    assert scatter_p(place, np.zeros(600, dtype=int), count, np.ones(600), rng, 199) == pytest.approx(1 / 200)


def test_what_lasts_is_told_from_what_happened_once() -> None:
    rng = np.random.default_rng(22)
    place, period = rng.integers(0, 12, 900), rng.integers(0, 3, 900)
    nights = np.linspace(0.1, 0.6, 12)
    lasting = rng.random(900) < nights[place]
    assert permutation_p(place, period, lasting.astype(float), rng, 199, lasting=True) == pytest.approx(1 / 200)
    values = []
    for _ in range(60):
        anew = np.array([rng.permutation(nights) for _ in range(3)])
        outcome = (rng.random(900) < anew[period, place]).astype(float)
        values.append([permutation_p(place, period, outcome, rng, 39, lasting=only) for only in (False, True)])
    all_in_all, common = np.mean(values, axis=0)
    assert all_in_all < 0.2
    assert common > 0.35  # places agree from period to period as often as not


def test_p_of_counts_is_even_where_places_are_alike() -> None:
    rng = np.random.default_rng(12)
    place, period = np.tile(np.arange(20), 2), np.repeat([0, 1], 20)
    expected = rng.gamma(1.0, 3.0, 40)
    values = [
        scatter_p(place, period, rng.poisson(expected * np.array([1, 2])[period]).astype(float), expected, rng, 99)
        for _ in range(150)
    ]
    assert stats.kstest(values, "uniform").pvalue > 0.01


def test_equal_outcomes_give_p_of_one() -> None:
    rng = np.random.default_rng(13)
    assert permutation_p(np.arange(8), np.zeros(8, dtype=int), np.ones(8), rng, 50) == 1


def calibration_rows(seed: int = 14) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    chance = rng.beta(2, 5, 200)
    searches = rng.integers(1, 20, 200).astype(float)
    odds = 0.3 + 0.6 * np.log(chance / (1 - chance))
    return chance, rng.binomial(searches.astype(int), 1 / (1 + np.exp(-odds))).astype(float), searches


def test_logistic_recalibration_equals_that_of_a_library() -> None:
    import statsmodels.api as sm  # a second and a half, for these tests alone

    chance, finds, searches = calibration_rows()
    x = np.log(chance / (1 - chance))
    times = np.random.default_rng(15).integers(0, 4, (3, 200))
    ours = regressions(x, finds, searches, times, LOGISTIC)
    for row, own in zip(times, ours, strict=True):
        outcomes = np.column_stack((finds, searches - finds)) * row[:, None]
        theirs = sm.GLM(outcomes[row > 0], sm.add_constant(x[row > 0]), family=sm.families.Binomial()).fit()
        np.testing.assert_allclose(own, theirs.params, rtol=1e-5)


def test_recalibration_of_counts_equals_poisson_regression_of_a_library() -> None:
    import statsmodels.api as sm  # a second and a half, for these tests alone

    rng = np.random.default_rng(16)
    index, expected = rng.gamma(2.0, 0.5, 150), rng.gamma(1.0, 4.0, 150)
    count = rng.poisson(expected * 1.2 * index**0.7).astype(float)
    ours = regressions(np.log(index), count, expected, np.ones((1, 150)), POISSON)[0]
    theirs = sm.GLM(count, sm.add_constant(np.log(index)), family=sm.families.Poisson(), offset=np.log(expected)).fit()
    np.testing.assert_allclose(ours, theirs.params, rtol=1e-5)
    tuned = recalibrate_counts(index, count, expected, np.arange(150), resamples(150, rng, 200))
    assert tuned.slope == pytest.approx(theirs.params[1], rel=1e-5)
    assert tuned.slope_interval is not None
    assert tuned.slope_interval[0] < 0.7 < tuned.slope_interval[1]


def test_the_interval_of_the_slope_is_as_wide_as_a_librarys() -> None:
    import statsmodels.api as sm  # a second and a half, for these tests alone

    chance, finds, searches = calibration_rows(17)
    tuned = recalibrate(chance, finds, searches, np.arange(200), resamples(200, np.random.default_rng(18), 500))
    outcomes = np.column_stack((finds, searches - finds))
    x = sm.add_constant(np.log(chance / (1 - chance)))
    theirs = sm.GLM(outcomes, x, family=sm.families.Binomial()).fit(cov_type="HC0")
    assert tuned.slope_interval is not None
    assert np.ptp(tuned.slope_interval) == pytest.approx(2 * 1.645 * theirs.bse[1], rel=0.25)


def test_where_nothing_can_be_told_of_calibration_nothing_is_said() -> None:
    drawn = resamples(4, np.random.default_rng(19), 20)
    cell, ones = np.arange(4), np.ones(4)
    assert recalibrate(np.full(4, 0.3), np.array([1.0, 0, 1, 0]), ones, cell, drawn) == UNTOLD  # one prediction
    assert recalibrate(np.array([0.1, 0.2, 0.3, 0.4]), np.zeros(4), ones, cell, drawn) == UNTOLD  # no find
    assert recalibrate_counts(np.array([0.1, 0.2, 0.3, 0.4]), np.zeros(4), ones, cell, drawn) == UNTOLD
    split = recalibrate(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 0, 1, 1]), ones, cell, drawn)
    assert split.slope is None  # the likeliest slope is infinite


@example([(0.010000000000000002, 7), (0.01, 1)])  # a mean that rounding takes below the chance it is of
@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.integers(1, 9)), min_size=1, max_size=60))
def test_tenths_rise_and_lose_no_search(rows: list[tuple[float, int]]) -> None:
    chance, searches = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    groups = tenths(chance, searches / 2, searches)
    assert len(groups) <= 10
    assert sum(group.searches for group in groups) == pytest.approx(searches.sum())
    assert sum(group.finds for group in groups) == pytest.approx(searches.sum() / 2)
    predicted = [group.predicted for group in groups]
    assert all(one < two for one, two in pairwise(predicted))


@examples(30)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), min_size=1, max_size=6), st.floats(0.05, 1.0))
def test_ties_at_the_edge_of_hot_spots_count_as_all_orders_would(rows: list[tuple[int, int]], share: float) -> None:
    score, later = np.array([float(row[0]) for row in rows]), np.array([float(row[1]) for row in rows])
    wanted = max(1, int(np.ceil(share * len(rows))))
    held = []
    for order in permutations(range(len(rows))):
        ranked = sorted(order, key=lambda place: -score[place])  # a stable sort keeps the order among ties
        held.append(later[ranked[:wanted]].sum())
    assert held_by_top(score, later, share) == pytest.approx(np.mean(held))


def test_points_are_tied_to_their_nearest() -> None:
    rng = np.random.default_rng(20)
    lon, lat = rng.uniform(0, 0.05, 40), rng.uniform(50, 50.05, 40)
    graph = nearest_neighbours(lon, lat, nearest=3)
    at = plane(lon, lat)
    distance = np.linalg.norm(at[:, None] - at, axis=2)
    pairs = set()
    for one in range(40):
        for two in np.argsort(distance[one])[1:4].tolist():
            pairs.add((min(one, two), max(one, two)))
    assert set(zip(graph.first.tolist(), graph.second.tolist(), strict=True)) == pairs
    apart = distance[graph.first, graph.second]
    np.testing.assert_allclose(graph.weight, np.minimum(1, 200 / apart) / 3)


def test_distances_below_fifty_metres_mean_nothing() -> None:
    metre = ONE_KM / 1000
    for step in (1, 50):
        graph = nearest_neighbours(np.zeros(3), metre * step * np.arange(3.0), nearest=1)
        np.testing.assert_allclose(graph.weight, 1.0)


def test_one_point_alone_has_no_neighbour() -> None:
    assert nearest_neighbours(np.zeros(1), np.zeros(1)).first.size == 0


def test_a_square_depends_on_no_other_point() -> None:
    rng = np.random.default_rng(21)
    lon, lat = rng.uniform(-3, -2.9, 200), rng.uniform(53.4, 53.5, 200)
    whole, part = squares(lon, lat), squares(lon[:80], lat[:80])
    same = whole[:80, None] == whole[:80]
    np.testing.assert_array_equal(same, part[:, None] == part)
    east, north = plane(lon, lat).T
    for one in np.unique(whole):
        assert np.ptp(east[whole == one]) < 505  # the plane's scale is right at the middle only
        assert np.ptp(north[whole == one]) < 505


def test_points_of_a_square_share_its_past() -> None:
    place = np.array([[0.001, 0.001], [0.002, 0.002], [0.1, 0.1]])  # the first two share a square
    rows = searches_of(
        np.array([0] * 6 + [1] * 2),
        np.array([0] * 3 + [2] * 3 + [1, 2]),
        np.array([1, 1, 1, 0, 0, 0, 1, 0]),
        place=place,
    )
    told = by_squares(make_task(rows, folds(rows.month)[0]))
    assert told.chance[0] > 0.5 > told.chance[1]


def test_a_period_that_fails_leaves_the_others_standing() -> None:
    """It is told with its reason; where every period fails the first error stands, and Ctrl-C keeps what was done before it."""
    good = cast("PeriodForecast", object())

    def failing() -> PeriodForecast | None:
        raise InputError(Problem("a period", "a fault", "none"))

    def interrupted() -> PeriodForecast | None:
        raise KeyboardInterrupt

    run = forecast_periods([("Q1", lambda: good), ("Q2", failing), ("Q3", lambda: good)], SILENT)
    assert run.periods == [good, good]
    assert not run.interrupted
    assert len(run.remarks) == 1
    assert run.remarks[0].startswith("Q2 could not be forecast")
    assert "a fault" in run.remarks[0]
    with pytest.raises(InputError, match="a fault"):
        forecast_periods([("Q1", failing), ("Q2", failing)], SILENT)
    run = forecast_periods([("Q1", lambda: good), ("Q2", failing), ("Q3", interrupted)], SILENT)
    assert run.interrupted
    assert run.periods == [good]


# `risk backtest`: what it reads, refuses, writes and prints; and a look at real searches.

REAL = DATA / "stop-search"
HEADER = "time,lon,lat,source,group,size,weight,found"


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resample and shuffle a little only: what is tested here is not the figures."""
    monkeypatch.setattr("optimizer.lab.backtest.engine.resamples", _few_resamples)
    monkeypatch.setattr("optimizer.lab.backtest.forces.permutation_p", partial(permutation_p, shuffles=99))


def _few_resamples(n_cells: int, rng: np.random.Generator) -> np.ndarray:
    return rng.multinomial(n_cells, np.full(n_cells, 1 / n_cells), size=50)


def lines(
    seed: int = 1, source: str = "essex", months: tuple[str, ...] = ("2020-01", "2020-02", "2020-03")
) -> list[str]:
    """Return rows of searches at twelve points, of which some find more than others."""
    rng = np.random.default_rng(seed)
    out = []
    for number in range(60 * len(months)):
        point = int(rng.integers(0, 12))
        found = int(rng.random() < 0.1 + 0.05 * point)
        out.append(f"{months[number // 60]},{0.1 + 0.01 * point:.2f},51.5,{source},{number},1,1.0,{found}")
    return out


def write(folder: Path, rows: list[str], header: str = HEADER) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "searches.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(backtest)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_folder_is_written_and_a_table_printed(tmp_path: Path) -> None:
    write(tmp_path, [*lines(), *lines(2, "kent")])
    done = run(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "essex" in done.stdout
    assert "kent: 2020-03" in done.stderr  # progress is told, not to those who read standard output
    assert "kent: 2020-03" not in done.stdout
    content = json.loads((tmp_path / "out" / "backtest.json").read_text())
    assert [one["name"] for one in content["judged"]] == ["essex", "kent"]
    assert [one["label"] for one in content["judged"][0]["periods"]] == ["2020-02", "2020-03"]
    page = (tmp_path / "out" / "backtest.md").read_text()
    assert "| essex | field |" in page
    assert "](calibration.png)" in page
    assert (tmp_path / "out" / "calibration.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / "out" / "backtest.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 2 * 3 * (1 + 2)  # forces, models, and all periods with each
    total = next(row for row in rows if row["force"] == "kent" and row["model"] == "field" and row["period"] == "all")
    assert float(total["gain_mnats"]) == pytest.approx(content["judged"][1]["gain"]["field"]["value"])
    assert float(total["searches"]) == 120


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, lines())
    done = run(tmp_path / "searches.csv", "--json", "--period", "month")
    content = json.loads(done.stdout)
    assert done.stderr == ""
    assert content["out"] is None
    assert set(content["judged"][0]["gain"]) == {"field", "points", "squares"}
    assert len(done.stdout.splitlines()) == 1


def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    write(tmp_path, lines())
    assert run(tmp_path, "--json", "--seed", 3).stdout == run(tmp_path, "--json", "--seed", 3).stdout


def test_rows_out_of_order_give_the_same_figures(tmp_path: Path) -> None:
    rows = lines()
    write(tmp_path / "a", rows)
    write(tmp_path / "b", [rows[k] for k in np.random.default_rng(5).permutation(len(rows))])
    (one,), _ = read_searches([tmp_path / "a"])
    (two,), _ = read_searches([tmp_path / "b"])
    first, second = (backtest_forces([force]).judged[0] for force in (one, two))
    assert first.gain["field"].value == pytest.approx(second.gain["field"].value, rel=1e-6)
    assert first.gain["points"].value == pytest.approx(second.gain["points"].value, rel=1e-6)


def test_names_that_a_spreadsheet_would_run_are_made_safe(tmp_path: Path) -> None:
    write(tmp_path, lines(source="=cmd|' /C calc'!A0"))
    forces, _ = read_searches([tmp_path])
    write_backtest(output_folder(tmp_path / "out"), backtest_forces(forces))
    rows = list(csv.DictReader((tmp_path / "out" / "backtest.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["force"][:2] for row in rows} == {"'="}
    assert "\\|" in (tmp_path / "out" / "backtest.md").read_text()  # and no bar breaks a table


def faults(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_searches([path])
    return str(caught.value)


def test_a_file_without_outcomes_is_refused(tmp_path: Path) -> None:
    said = faults(write(tmp_path, ["2020-01,0.1,51.5,essex,1,1.0"], "time,lon,lat,source,group,weight"))
    assert "no column 'found'" in said
    assert len(said.splitlines()) == 1


def test_a_file_as_the_police_publish_it_is_to_be_imported_first(tmp_path: Path) -> None:
    said = faults(write(tmp_path, ["a,b"], "Date,Outcome linked to object of search"))
    assert "Import it first" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("2020-13,0.1,51.5,essex,1,1,1.0,0", "2020-01 or 2020-01-31"),
        ("2020-01,0.1,51.5,essex,1,1,0,1", "a find needs one"),  # a find without effort
        ("2020-01,0.1,51.5,essex,1,1,1.0,2", "from 0 to 1"),
        ("2020-01,0.1,51.5,essex,1,1,1.0,", "found ''"),
        ("2020-01,0.1,91,essex,1,1,1.0,0", "from -90 to 90"),
        ("2020-01,0.1,51.5,,1,1,1.0,0", "name of the force"),
        ("2020-01,0.1,51.5,essex,1,1,-1,0", "from 0 to 1"),
    ],
)
def test_a_cell_that_cannot_be_understood_is_told_with_its_line(tmp_path: Path, row: str, word: str) -> None:
    said = faults(write(tmp_path, [*lines(), row]))
    assert word in said
    assert "line 182" in said
    assert len(said.splitlines()) == 1


def test_one_month_in_two_files_is_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, lines()) for name in ("a", "b")]
    with pytest.raises(InputError, match="3 months of a force in several files, such as 2020-01 of essex"):
        read_searches(paths)


def test_two_files_of_different_months_are_one_record(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a", lines(months=("2020-01",))),
        write(tmp_path / "b", lines(2, months=("2020-02",))),
    ]
    (force,), _ = read_searches(paths)
    assert len(force) == 120
    assert np.unique(force.group).size == 120  # number 1 of one file is not number 1 of the other
    assert len(backtest_forces([force]).judged[0].periods) == 1


def test_one_month_alone_gets_one_message(tmp_path: Path) -> None:
    write(tmp_path, lines(months=("2020-01",)))
    done = run(tmp_path)
    assert isinstance(done.exception, InputError)
    assert len(str(done.exception).splitlines()) == 1
    assert "all searches lie in one month (2020-01)" in str(done.exception)


def test_a_year_of_one_quarter_is_too_little_for_quarters(tmp_path: Path) -> None:
    write(tmp_path, lines())
    done = run(tmp_path, "--period", "quarter")
    assert "all searches lie in one quarter (2020-01 to 2020-03)" in str(done.exception)


def test_a_force_without_finds_is_left_out_and_the_others_judged(tmp_path: Path) -> None:
    nothing = [line[:-1] + "0" for line in lines(2, "kent")]
    write(tmp_path, [*lines(), *nothing])
    content = json.loads(run(tmp_path, "--json").stdout)
    assert [one["name"] for one in content["judged"]] == ["essex"]
    assert content["excluded"] == [
        {
            "force": "kent",
            "reason": "none of 180 searches found anything: there is no rate, and nothing to tell places apart",
        }
    ]


def test_a_period_without_finds_before_it_is_still_judged(tmp_path: Path) -> None:
    rows = [line[:-1] + "0" if line.startswith("2020-01") else line for line in lines()]
    (force,), _ = read_searches([write(tmp_path, rows)])
    judged = backtest_forces([force]).judged[0]
    assert judged.periods[0].chance == pytest.approx(0.5 / 60)
    assert all(np.isfinite(gain.value) for gain in judged.gain.values())


def test_forces_that_the_import_left_out_are_named(tmp_path: Path) -> None:
    write(tmp_path, lines())
    summary = {"dropped": {"no date": 3, "outcome not filled in, leicestershire": 445, "outcome unknown, essex": 2}}
    (tmp_path / "import.json").write_text(json.dumps(summary))
    _, excluded = read_searches([tmp_path])
    assert [(one.force, one.reason) for one in excluded] == [
        ("leicestershire", "outcome not filled in: the import left out its 445 searches")
    ]
    assert "leicestershire: outcome not filled in" in run(tmp_path).stdout


def test_ctrl_c_keeps_the_periods_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, [*lines(), *lines(2, "kent")])
    calls = 0

    def interrupted(task: ForecastTask) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return same_everywhere(task)

    monkeypatch.setattr(forces_module, "MODELS", MODELS | {"field": interrupted})
    done = run(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "Periods scored and kept: 1." in done.stderr
    content = json.loads((tmp_path / "out" / "backtest.json").read_text())
    assert content["interrupted"]
    assert [one["label"] for one in content["judged"][0]["periods"]] == ["2020-02"]
    assert "Interrupted" in (tmp_path / "out" / "backtest.md").read_text()


def test_ctrl_c_before_anything_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, lines())

    def interrupted(_: ForecastTask) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(forces_module, "MODELS", MODELS | {"field": interrupted})
    done = run(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 3
    assert not (tmp_path / "out").exists()


EVERY_MONTH = [f"2024-{month:02}" for month in range(1, 4)]


def scenario(folder: Path, seizures: list[str], effort: list[str], text: str = SCENARIO) -> Path:
    path = write_scenario(folder, text)
    (folder / "seizures.csv").write_text("\n".join(["time,lon,lat,area,count", *seizures]) + "\n")
    (folder / "effort.csv").write_text("\n".join(["time,lon,lat,area,amount", *effort]) + "\n")
    return path


def test_a_scenario_with_records_on_roads_is_judged(tmp_path: Path) -> None:
    effort = [f"{month},{lon},50.05,,{30}" for month in EVERY_MONTH for lon in (10.0, 10.2, 10.4)]
    seizures = [f"{month},10.0,50.05,,4" for month in EVERY_MONTH] + ["2024-03,10.4,50.05,,1", "2024-02,10.1,50.1,,2"]
    done = backtest_scenario(scenario(tmp_path, seizures, effort))
    judged = done.judged[0]
    assert judged.outcome == "find"
    assert [one.label for one in judged.periods] == EVERY_MONTH[1:]
    assert judged.gain["field-flow"].value > 0  # one road finds everything, again and again
    assert judged.gain["counts-over-effort"].value > 0
    assert judged.finds == 13  # what lies where nobody searched is left out ...
    assert any("2 later seizures have no effort" in remark for remark in judged.remarks)  # ... and told
    assert judged.hot_spots is not None
    write_backtest(output_folder(tmp_path / "out"), done)
    assert (tmp_path / "out" / "calibration.png").is_file()


def test_the_score_of_counts_equals_a_hand_computation(tmp_path: Path) -> None:
    effort = [f"{month},{lon},50.05,,{amount}" for month in EVERY_MONTH[:2] for lon, amount in ((10.0, 9), (10.4, 3))]
    seizures = ["2024-01,10.0,50.05,,3", "2024-01,10.4,50.05,,1", "2024-02,10.0,50.05,,2"]
    judged = backtest_scenario(scenario(tmp_path, seizures, effort)).judged[0]
    rate = 4 / 12
    by_hand = 2 * np.log(9 * rate) - 12 * rate - np.log(2)
    posterior = {0: (0.5 + 3, 0.5 + 9 * rate), 1: (0.5 + 1, 0.5 + 3 * rate)}
    told = 0.0
    for place, (count, amount) in {0: (2, 9), 1: (0, 3)}.items():
        shape, inverse = posterior[place]
        chance = inverse / (inverse + amount * rate)
        told += float(
            np.log([shape * (shape + 1) / 2, 1.0][place]) + count * np.log(1 - chance) + shape * np.log(chance)
        )
    assert judged.gain["counts-over-effort"].value == pytest.approx(1000 * (told - by_hand) / 2)


@pytest.mark.slow
def test_areas_are_scored_as_sums_and_said_to_be(tmp_path: Path) -> None:
    effort = [f"{month},,,{area},{amount}" for month in EVERY_MONTH for area, amount in (("south", 90), ("north", 30))]
    seizures = [f"{month},,,south,{30 + k % 2}" for k, month in enumerate(EVERY_MONTH)]
    judged = backtest_scenario(scenario(tmp_path, seizures, effort)).judged[0]
    assert judged.remarks[0].startswith("Areas are scored as sums")
    assert judged.gain["field-flow"].value > 0
    assert judged.cells == 2


def test_an_area_with_rows_is_one_cell() -> None:
    network = line_network(40)
    apart = cells_of_rows(network, records_of({0: 1.0}), effort_of({0: 1.0}))
    assert np.unique(apart).size > 20
    joined = cells_of_rows(network, records_of({0: 1.0}), effort_of({"a": 1.0}, {"a": range(10), "b": range(20)}))
    assert np.unique(joined[:10]).size == 1
    assert np.unique(joined[10:]).size > 20


def test_a_scenario_whose_effort_is_one_year_gets_one_message(tmp_path: Path) -> None:
    path = write_scenario(tmp_path)
    with pytest.raises(InputError, match="0 of 2 rows that lie within one month") as caught:
        backtest_scenario(path)
    assert len(caught.value.problems) == 1


def test_a_scenario_without_effort_gets_one_message(tmp_path: Path) -> None:
    start, end = SCENARIO.index("[[records.effort]]"), SCENARIO.index("[evaders]")
    with pytest.raises(InputError, match="no search effort"):
        backtest_scenario(write_scenario(tmp_path, SCENARIO[:start] + SCENARIO[end:]))


def test_a_scenario_and_searches_do_not_mix(tmp_path: Path) -> None:
    done = run(tmp_path / "scenario.toml", tmp_path)
    assert done.exit_code == 2
    assert "alone" in done.output


@needs("stop-search")
def test_real_searches_of_merseyside_tell_more_than_the_global_rate(tmp_path: Path) -> None:
    files = [REAL / f"{month}-{force}-stop-and-search.csv" for month in ("2019-12", "2020-01") for force in (
        "merseyside", "leicestershire"
    )]  # fmt: skip
    write_import(output_folder(tmp_path), import_stop_search(files))
    forces, excluded = read_searches([tmp_path])
    assert [one.force for one in excluded] == ["leicestershire"]
    judged = backtest_forces(forces, excluded=excluded).judged
    assert [one.name for one in judged] == ["merseyside"]
    assert judged[0].gain["field"].value > 0
    assert judged[0].heterogeneity["cells"] < 0.05
    assert 0.4 < judged[0].unseen < 0.7


@pytest.mark.slow
@needs("stop-search")
@pytest.mark.parametrize("force", ["city-of-london", "essex"])
def test_no_real_force_is_foretold_worse_than_by_two_mnats_a_search(tmp_path: Path, force: str) -> None:
    write_import(output_folder(tmp_path), import_stop_search(sorted(REAL.glob(f"*{force}*"))))
    forces, excluded = read_searches([tmp_path])
    (judged,) = backtest_forces(forces, excluded=excluded).judged
    assert judged.gain["field"].value > -2
