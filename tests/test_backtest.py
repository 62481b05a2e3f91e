"""Rolling origin, scores, intervals, tests and calibration of the backtest, with hand
computations and other libraries as referees.
"""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise, permutations
from typing import cast

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import betaln

from optimizer.base.choices import PeriodLength
from optimizer.base.errors import InputError, Problem
from optimizer.base.work.listener import SILENT
from optimizer.lab.backtest.engine import (
    PeriodForecast,
    folds,
    forecast_periods,
    held_by_top,
    label_of,
    periods_of,
)
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
from optimizer.lab.backtest.searches import (
    ForceSearches,
    nearest_neighbours,
    plane,
    point_network,
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
from optimizer.risk import FieldFlow
from optimizer.risk.evidence import cells_of, gather_evidence
from tests.examples import examples

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
    """Return searches in months from January 2023 at numbered points, a kilometre apart
    unless (m, 2) places are given.
    """
    place = (
        np.column_stack((np.zeros(point.max() + 1), ONE_KM * np.arange(point.max() + 1)))
        if place is None
        else place
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
    """Return searches of 150 points whose log odds are those of 15 hamlets, with a
    standard deviation of `spread`.
    """
    rng = np.random.default_rng(seed)
    middle = rng.uniform(0, 20 * ONE_KM, (15, 2))
    hamlet = np.arange(150) % 15
    place = middle[hamlet] + rng.normal(0, 0.15 * ONE_KM, (150, 2))
    odds = -1.0 + spread * rng.standard_normal(15)[hamlet]
    month = np.repeat(np.arange(months), per_month)
    point = rng.integers(0, 150, month.size)
    return searches_of(
        month, point, rng.random(month.size) < 1 / (1 + np.exp(-odds[point])), place=place
    )


ROWS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 5), st.booleans()), min_size=2, max_size=40
).filter(lambda rows: len({month for month, _, _ in rows}) > 1)


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
def test_a_later_row_never_enters_a_fit(
    rows: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
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
    # point 0: 1 of 2 before, 2 of 2 later; point 1: 0 of 2 before, nothing later; point
    # 2: never before, 0 of 1 later
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
    np.testing.assert_allclose(
        told.log_chance, [np.log(two_of_two), np.log(b / (a + b))], rtol=1e-7
    )
    np.testing.assert_allclose(told.chance, [(a + 1) / (a + b + 2), 0.25], rtol=1e-9)


def test_the_gain_is_the_mean_over_searches_in_mnats() -> None:
    rows = searches_of(
        np.array([0, 0, 0, 0, 1, 1, 1]),
        np.array([0, 0, 1, 1, 0, 0, 2]),
        np.array([1, 0, 0, 0, 1, 1, 0]),
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
    model = FieldFlow(
        neighbours=nearest_neighbours(task.lon, task.lat), yes_no=(UNIT,), season=False
    )
    model.fit(*as_rows(task), network)
    at = task.judged
    later = replace(
        task, point=at, month=np.full(at.size, "2023-02", dtype="datetime64[M]"), amount=task.later_searches[at],
        found=task.later_finds[at],
    )  # fmt: skip
    assert by_field(task).log_chance.sum() == pytest.approx(
        model.score(*as_rows(later)) * task.later_searches.sum()
    )


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
    # each one ten times
    clumped = mean_interval(10 * value[:60], np.full(60, 10.0), resamples(60, rng))
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
        # periods differ, places do not
        outcome = (rng.random(150) < np.array([0.2, 0.5])[period]).astype(float)
        values.append(permutation_p(place, period, outcome, rng, 99))
    assert stats.kstest(values, "uniform").pvalue > 0.01
    assert np.mean(np.array(values) <= 0.05) < 0.12


def test_p_is_small_where_places_differ() -> None:
    rng = np.random.default_rng(11)
    place = rng.integers(0, 12, 600)
    outcome = (rng.random(600) < np.linspace(0.1, 0.6, 12)[place]).astype(float)
    assert permutation_p(place, np.zeros(600, dtype=int), outcome, rng, 199) == pytest.approx(
        1 / 200
    )
    count = rng.poisson(np.linspace(0.2, 2.0, 12)[place]).astype(float)
    assert scatter_p(
        place, np.zeros(600, dtype=int), count, np.ones(600), rng, 199
    ) == pytest.approx(1 / 200)


def test_what_lasts_is_told_from_what_happened_once() -> None:
    rng = np.random.default_rng(22)
    place, period = rng.integers(0, 12, 900), rng.integers(0, 3, 900)
    nights = np.linspace(0.1, 0.6, 12)
    lasting = rng.random(900) < nights[place]
    assert permutation_p(
        place, period, lasting.astype(float), rng, 199, lasting=True
    ) == pytest.approx(1 / 200)
    values = []
    for _ in range(60):
        anew = np.array([rng.permutation(nights) for _ in range(3)])
        outcome = (rng.random(900) < anew[period, place]).astype(float)
        values.append(
            [permutation_p(place, period, outcome, rng, 39, lasting=only) for only in (False, True)]
        )
    all_in_all, common = np.mean(values, axis=0)
    assert all_in_all < 0.2
    assert common > 0.35  # places agree from period to period as often as not


def test_p_of_counts_is_even_where_places_are_alike() -> None:
    rng = np.random.default_rng(12)
    place, period = np.tile(np.arange(20), 2), np.repeat([0, 1], 20)
    expected = rng.gamma(1.0, 3.0, 40)
    values = [
        scatter_p(
            place,
            period,
            rng.poisson(expected * np.array([1, 2])[period]).astype(float),
            expected,
            rng,
            99,
        )
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
    return (
        chance,
        rng.binomial(searches.astype(int), 1 / (1 + np.exp(-odds))).astype(float),
        searches,
    )


def test_logistic_recalibration_equals_that_of_a_library() -> None:
    import statsmodels.api as sm  # a second and a half, for these tests alone

    chance, finds, searches = calibration_rows()
    x = np.log(chance / (1 - chance))
    times = np.random.default_rng(15).integers(0, 4, (3, 200))
    ours = regressions(x, finds, searches, times, LOGISTIC)
    for row, own in zip(times, ours, strict=True):
        outcomes = np.column_stack((finds, searches - finds)) * row[:, None]
        theirs = sm.GLM(
            outcomes[row > 0], sm.add_constant(x[row > 0]), family=sm.families.Binomial()
        ).fit()
        np.testing.assert_allclose(own, theirs.params, rtol=1e-5)


def test_recalibration_of_counts_equals_poisson_regression_of_a_library() -> None:
    import statsmodels.api as sm  # a second and a half, for these tests alone

    rng = np.random.default_rng(16)
    index, expected = rng.gamma(2.0, 0.5, 150), rng.gamma(1.0, 4.0, 150)
    count = rng.poisson(expected * 1.2 * index**0.7).astype(float)
    ours = regressions(np.log(index), count, expected, np.ones((1, 150)), POISSON)[0]
    theirs = sm.GLM(
        count, sm.add_constant(np.log(index)), family=sm.families.Poisson(), offset=np.log(expected)
    ).fit()
    np.testing.assert_allclose(ours, theirs.params, rtol=1e-5)
    tuned = recalibrate_counts(index, count, expected, np.arange(150), resamples(150, rng, 200))
    assert tuned.slope == pytest.approx(theirs.params[1], rel=1e-5)
    assert tuned.slope_interval is not None
    assert tuned.slope_interval[0] < 0.7 < tuned.slope_interval[1]


def test_the_interval_of_the_slope_is_as_wide_as_a_librarys() -> None:
    import statsmodels.api as sm  # a second and a half, for these tests alone

    chance, finds, searches = calibration_rows(17)
    tuned = recalibrate(
        chance, finds, searches, np.arange(200), resamples(200, np.random.default_rng(18), 500)
    )
    outcomes = np.column_stack((finds, searches - finds))
    x = sm.add_constant(np.log(chance / (1 - chance)))
    theirs = sm.GLM(outcomes, x, family=sm.families.Binomial()).fit(cov_type="HC0")
    assert tuned.slope_interval is not None
    assert np.ptp(tuned.slope_interval) == pytest.approx(2 * 1.645 * theirs.bse[1], rel=0.25)


def test_where_nothing_can_be_told_of_calibration_nothing_is_said() -> None:
    drawn = resamples(4, np.random.default_rng(19), 20)
    cell, ones = np.arange(4), np.ones(4)
    # one prediction
    assert recalibrate(np.full(4, 0.3), np.array([1.0, 0, 1, 0]), ones, cell, drawn) == UNTOLD
    # no find
    assert recalibrate(np.array([0.1, 0.2, 0.3, 0.4]), np.zeros(4), ones, cell, drawn) == UNTOLD
    assert (
        recalibrate_counts(np.array([0.1, 0.2, 0.3, 0.4]), np.zeros(4), ones, cell, drawn) == UNTOLD
    )
    split = recalibrate(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 0, 1, 1]), ones, cell, drawn)
    assert split.slope is None  # the likeliest slope is infinite


# a mean that rounding takes below the chance it is of
@example([(0.010000000000000002, 7), (0.01, 1)])
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
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), min_size=1, max_size=6),
    st.floats(0.05, 1.0),
)
def test_ties_at_the_edge_of_hot_spots_count_as_all_orders_would(
    rows: list[tuple[int, int]], share: float
) -> None:
    score, later = (
        np.array([float(row[0]) for row in rows]),
        np.array([float(row[1]) for row in rows]),
    )
    wanted = max(1, int(np.ceil(share * len(rows))))
    held = []
    for order in permutations(range(len(rows))):
        # a stable sort keeps the order among ties
        ranked = sorted(order, key=lambda place: -score[place])
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
    """It is told with its reason; where every period fails the first error stands, and
    Ctrl-C keeps what was done before it.
    """
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
