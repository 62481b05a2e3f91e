"""Alerts: calibrated where nothing changed, loud where something did, and clear where
nothing can be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from optimizer.base.errors import InputError
from optimizer.records import Effort, Seizures
from optimizer.risk import FieldFlow
from optimizer.risk.alerts.monitor import AlertMonitor
from optimizer.risk.alerts.places import (
    area_places,
    crossing_places,
    neighbourhood_places,
    places_of_every_scale,
    segment_places,
    whole_place,
    zone_places,
)
from optimizer.risk.alerts.trend import ratio_interval, trend_picture, trends
from optimizer.risk.alerts.window import quarters, split_record, tally
from optimizer.risk.chance import (
    PredictiveCounts,
    false_alarms,
    false_discovery_rates,
    p_values,
)
from tests.examples import examples
from tests.risk_cases import effort_of, grid_network, line_network, records_of, rows_of

Table = TypeVar("Table", Seizures, Effort)
NETWORK = grid_network(7, np.random.default_rng(1), keep=1.0)
M = NETWORK.n_segments
MONTHS = 15
WINDOW = np.datetime64("2024-01-01")


def history(
    rng: np.random.Generator,
    factor: dict[int, float] | None = None,
    searched: np.ndarray | None = None,
) -> tuple[Seizures, Effort]:
    """Return 15 months in which every segment is searched each month; a `factor`
    multiplies the rate in the last three.
    """
    rate = 0.05 * np.exp(np.sin(np.arange(M) / 5.0))
    hours = rng.gamma(2.0, 4.0, (MONTHS, M))
    if searched is not None:
        hours *= searched
    mean = hours * rate
    for place, times in (factor or {}).items():
        mean[-3:, place] *= times
    found = rng.poisson(mean).astype(float)
    month, segment = np.nonzero(hours)
    return rows_of(segment, hours[month, segment], found[month, segment], month=month)


def stacked(tables: Sequence[Table]) -> Table:
    """Return the rows of all, one after the other."""
    columns: dict[str, Any] = {
        item.name: np.concatenate([getattr(table, item.name) for table in tables])
        for item in fields(tables[0])
        if isinstance(getattr(tables[0], item.name), np.ndarray)
    }
    return replace(tables[0], **columns)


def plain(seed: int = 0) -> AlertMonitor:
    return AlertMonitor(FieldFlow(season=False), *history(np.random.default_rng(seed)), NETWORK)


@examples(25)
@given(
    st.floats(-4, 4), st.floats(0.05, 2.5), st.sampled_from([np.inf, 8.0, 1.5]), st.integers(0, 60)
)
def test_the_chance_of_a_count_is_that_of_quadrature(
    centre: float, sd: float, shape: float, count: int
) -> None:
    expected = PredictiveCounts(np.array([centre]), np.array([sd]), np.array([shape]))
    z = np.linspace(-9, 9, 1601)
    weight = stats.norm.pdf(z) / stats.norm.pdf(z).sum()
    mean = np.exp(centre + sd * z)
    given_mean = (
        stats.poisson(mean) if np.isinf(shape) else stats.nbinom(shape, shape / (shape + mean))
    )
    np.testing.assert_allclose(
        expected.above(np.array([count])), weight @ given_mean.sf(count), rtol=1e-2, atol=1e-9
    )
    np.testing.assert_allclose(
        expected.up_to(np.array([count])), weight @ given_mean.cdf(count), rtol=1e-2, atol=1e-9
    )


def test_p_values_of_both_sides_make_a_whole() -> None:
    expected = PredictiveCounts(
        np.log([0.1, 2.0, 30.0]), np.array([1.0, 0.5, 0.1]), np.array([np.inf, 3.0, np.inf])
    )
    count = np.array([1.0, 0.0, 41.0])
    mid = p_values(expected, count)
    more, fewer = mid.more, mid.fewer
    np.testing.assert_allclose(more + fewer, 1.0)
    interval = expected.interval(0.9)
    low, high = interval.low, interval.high
    assert (expected.up_to(high) >= 0.95).all()
    assert (expected.up_to(high - 1) < 0.95).all()
    assert (low <= high).all()


def test_randomised_p_values_are_uniform_and_mid_ones_right_on_the_average() -> None:
    rng = np.random.default_rng(3)
    centre, sd = rng.uniform(-3, 3, 3_000), np.full(3_000, 0.7)
    count = rng.poisson(np.exp(centre + sd * rng.standard_normal(centre.size))).astype(float)
    expected = PredictiveCounts(centre, sd, np.full(centre.size, np.inf))
    drawn = p_values(expected, count, rng).more
    assert stats.kstest(drawn, "uniform").pvalue > 1e-3
    middle = p_values(expected, count).more
    assert abs(middle.mean() - 0.5) < 0.02
    for level in (0.01, 0.05):
        assert (middle < level).mean() < 1.3 * level + 0.004


@examples(30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.booleans())
def test_the_false_discovery_rate_is_that_of_statsmodels(
    p: list[float], any_dependence: bool
) -> None:
    method = "fdr_by" if any_dependence else "fdr_bh"
    referee = multipletests(p, method=method)[1]
    np.testing.assert_allclose(
        false_discovery_rates(np.array(p), any_dependence=any_dependence), referee, atol=1e-12
    )


def test_a_budget_bounds_the_false_alarms_of_all_scales_together_and_does_not_count_what_cannot_be_called() -> (
    None
):
    rng, years, k = np.random.default_rng(4), 0.25, 80
    scale = np.repeat([0, 1], [60, 20])
    expected = PredictiveCounts(
        np.log(np.where(scale == 0, 0.1, 12.0)), np.full(k, 0.05), np.full(k, np.inf)
    )
    least = p_values(expected, np.zeros(k)).fewer
    false = []
    for _ in range(120):
        count = rng.poisson(np.exp(expected.centre)).astype(float)
        false.append((false_alarms(p_values(expected, count), least, scale, years) <= 1).sum())
    assert np.mean(false) / years < 1.4  # 30 years: one a year has a standard error of .18
    none = np.exp(expected.centre).round()
    none[0], none[60] = 0, 0
    called = false_alarms(p_values(expected, none), least, scale, years)
    assert called[60] <= 1 < called[0]
    # Bonferroni's rule
    everyone = p_values(expected, none).two_sided * np.bincount(scale)[scale] * 2 / years
    assert called[60] <= everyone[60]


def test_zones_share_out_the_segments_and_every_scale_is_tested_with_one_budget() -> None:
    for steps in (1, 3):
        members = np.concatenate([zone.segments for zone in zone_places(NETWORK, steps)])
        assert np.sort(members).tolist() == list(range(M))
    places = places_of_every_scale(NETWORK)
    fallen = next(
        zone for zone in places if zone.scale.startswith("zone") and 20 < zone.segments.size < M
    )
    record = history(np.random.default_rng(6), dict.fromkeys(fallen.segments.tolist(), 0.1))
    found = AlertMonitor(FieldFlow(season=False), *record, NETWORK).test(places, false_a_year=1.0)
    assert found.false_a_year == 1
    assert fallen.id in {one.place.id for one in found.alarms if one.direction == "fewer"}
    assert all(one.q <= 1 for one in found.alarms)
    assert all(one.q > 1 for one in found.tested if not one.alarm)


@pytest.mark.slow
def test_counts_of_a_quiet_record_are_as_surprising_as_they_say() -> None:
    uniform, alarms = [], 0
    for seed in range(4):
        monitor = plain(seed)
        places, window = segment_places(NETWORK), monitor.split.window
        counted = tally(
            places, window.seizures, monitor.comparable(window.effort), NETWORK, monitor.reference
        )
        forecast = monitor.forecast(counted)
        drawn = p_values(
            forecast.counts, counted.observed[forecast.place], np.random.default_rng(seed)
        )
        uniform += drawn.two_sided.tolist()
        alarms += bool(monitor.test(places).alarms)
    assert alarms <= 2  # each has a chance of one in ten; three of four would be one in 300
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("kind", ["segment", "neighbourhood"])
def test_a_place_ten_times_as_risky_is_called(kind: str) -> None:
    places = segment_places(NETWORK) if kind == "segment" else neighbourhood_places(NETWORK)
    planted = places[40].segments.tolist()
    monitor = AlertMonitor(
        FieldFlow(season=False),
        *history(np.random.default_rng(5), dict.fromkeys(planted, 10.0)),
        NETWORK,
    )
    alarms = monitor.test(places).alarms
    called = [one for one in alarms if set(planted) & set(one.place.segments.tolist())]
    assert "40" in {one.place.id for one in called}
    assert len(alarms) - len(called) <= 1
    assert all(one.direction == "more" and one.observed > one.high for one in called)


def test_an_area_that_falls_silent_is_called() -> None:
    members = np.arange(0, 40)
    records, effort = history(np.random.default_rng(6), dict.fromkeys(members.tolist(), 0.1))
    areas: dict[str, Any] = {
        "area_name": ("south", "north"),
        "area_segment": (members, np.arange(44, M)),
    }
    records, effort = replace(records, **areas), replace(effort, **areas)
    found = AlertMonitor(FieldFlow(season=False), records, effort, NETWORK).test(
        area_places(records, effort)
    )
    assert [(one.place.id, one.direction) for one in found.alarms] == [("south", "fewer")]


def test_other_numbers_for_the_segments_change_nothing() -> None:
    records, effort = history(np.random.default_rng(7), {3: 8.0})
    order = np.random.default_rng(8).permutation(M)
    place = np.argsort(order)
    relabelled = replace(NETWORK, segment=place[NETWORK.segment].astype(np.int32))
    found, work = (
        replace(records, segment=place[records.segment]),
        replace(effort, segment=place[effort.segment]),
    )
    first = AlertMonitor(FieldFlow(season=False), records, effort, NETWORK).test(
        segment_places(NETWORK)
    )
    second = AlertMonitor(FieldFlow(season=False), found, work, relabelled).test(
        segment_places(relabelled)
    )
    p = {int(one.place.segments[0]): one.p for one in first.tested}
    other = {int(order[one.place.segments[0]]): one.p for one in second.tested}
    assert p.keys() == other.keys()
    np.testing.assert_allclose([p[s] for s in p], [other[s] for s in p], rtol=2e-2, atol=1e-6)
    assert [one.place.id for one in first.alarms] == ["3"]
    assert [order[int(one.place.id)] for one in second.alarms] == [3]


def test_a_place_that_nobody_searched_before_is_wide_and_says_so() -> None:
    searched = np.ones((MONTHS, M))
    searched[:-3, 10] = 0
    found = AlertMonitor(
        FieldFlow(season=False), *history(np.random.default_rng(9), searched=searched), NETWORK
    ).test(segment_places(NETWORK))
    new = [one for one in found.tested if one.new]
    assert [one.place.id for one in new] == ["10"]
    assert new[0].high >= np.median([one.high for one in found.tested])


def test_finds_without_a_search_are_listed_and_never_divided_by_nothing() -> None:
    searched = np.ones((MONTHS, M))
    searched[:, 12] = 0
    records, effort = history(np.random.default_rng(10), searched=searched)
    tip = records.take(np.array([0]))
    tip = replace(
        tip,
        segment=np.array([12]),
        count=np.array([3.0]),
        start=WINDOW + np.array([40]),
        end=WINDOW + np.array([41]),
    )
    found = AlertMonitor(FieldFlow(season=False), stacked([records, tip]), effort, NETWORK).test(
        segment_places(NETWORK)
    )
    assert [(one.segment, one.count) for one in found.unrecorded] == [(12, 3.0)]
    assert found.unrecorded[0].start == WINDOW + np.timedelta64(40, "D")
    assert "12" not in [one.place.id for one in found.tested]


def test_sheets_of_effort_that_were_lost_raise_no_alarm_and_their_finds_are_listed() -> None:
    records, effort = history(np.random.default_rng(12))
    zone = max(zone_places(NETWORK, 3), key=lambda place: place.segments.size).segments
    lost = np.isin(effort.segment, zone) & (effort.start >= WINDOW + np.array(31))
    monitor = AlertMonitor(FieldFlow(season=False), records, effort.take(~lost), NETWORK)
    found = monitor.test(places_of_every_scale(NETWORK), false_a_year=1.0)
    assert not found.alarms
    inner = {one.segment for one in found.unrecorded}
    assert inner
    assert inner <= set(zone.tolist())
    assert any("sheets of effort" in text for text in found.warnings)


def test_finds_written_down_beside_their_search_count_in_the_window_as_they_do_in_the_fit() -> None:
    searched = np.ones((MONTHS, M))
    searched[:, 1::2] = 0
    records, effort = history(np.random.default_rng(13), searched=searched)
    beside = {one.id: one.segments for one in neighbourhood_places(NETWORK)}
    moved = records.segment.copy()
    for row in range(0, len(records), 3):
        odd = [s for s in beside[str(records.segment[row])].tolist() if s % 2]
        moved[row] = odd[0] if odd else moved[row]
    records = replace(records, segment=moved)
    whole = (
        AlertMonitor(FieldFlow(season=False), records, effort, NETWORK)
        .test(segment_places(NETWORK))
        .whole
    )
    assert whole is not None
    assert whole.observed == records.count[records.start >= WINDOW].sum()
    assert whole.low <= whole.observed <= whole.high


def test_a_single_find_that_raises_an_alarm_is_called_thin() -> None:
    rng = np.random.default_rng(11)
    n = 30
    network = line_network(n)
    hours = np.full((MONTHS, n), 200.0)
    rate = np.full(n, 0.02)
    rate[:15] = 1e-7
    found = rng.poisson(hours * rate).astype(float)
    found[:, :15] = 0
    found[-1, 5] = 1
    month, segment = np.nonzero(hours)
    record = rows_of(segment, hours[month, segment], found[month, segment], month=month)
    alarms = (
        AlertMonitor(FieldFlow(season=False), *record, network)
        .test(segment_places(network), fdr=0.5)
        .alarms
    )
    assert [(one.place.id, one.thin) for one in alarms] == [("5", True)]


def test_two_units_of_effort_by_area_give_ratios_near_one_where_nothing_changed() -> None:
    network = line_network(12)
    areas = {"port": list(range(4)), "sector": list(range(4, 12))}
    units: dict[int | str, str] = {"port": "vehicles", "sector": "agents"}
    rng = np.random.default_rng(12)
    seized: list[Seizures] = []
    worked: list[Effort] = []
    for year in range(2018, 2024):
        work: dict[int | str, float] = {"port": 1e6, "sector": 300.0}
        finds: dict[int | str, float] = {
            "port": float(rng.poisson(200)),
            "sector": float(rng.poisson(90)),
        }
        days: dict[str, Any] = {
            "start": np.full(2, f"{year}-01-01", dtype="datetime64[D]"),
            "end": np.full(2, f"{year + 1}-01-01", dtype="datetime64[D]"),
        }
        seized.append(replace(records_of(finds, areas, units=units), **days))
        worked.append(replace(effort_of(work, areas, units=units), **days))
    records, effort = stacked(seized), stacked(worked)
    monitor = AlertMonitor(FieldFlow(), records, effort, network)
    assert str(monitor.split.window.span) == "2023-01-01 to 2023-12-31"
    found = monitor.test(area_places(records, effort))
    assert not found.alarms
    assert len(found.tested) == 2
    assert found.whole is not None
    assert 0.8 < found.whole.observed / found.whole.expected < 1.25
    assert found.whole.high < 2 * found.whole.expected
    drawn = trends(monitor, [whole_place(network), *area_places(records, effort)])
    assert [len(one.quarters) for one in drawn] == [6, 6, 6]
    assert all(0.7 < one.ratio < 1.4 for trend in drawn for one in trend.quarters)
    assert not monitor.test(segment_places(network)).tested


@pytest.mark.slow
def test_trends_add_up_and_draw() -> None:
    monitor = plain()
    drawn = trends(monitor, [whole_place(NETWORK), *segment_places(NETWORK)])
    assert [str(one.span.start) for one in drawn[0].quarters] == [
        "2023-01-01",
        "2023-04-01",
        "2023-07-01",
        "2023-10-01",
        "2024-01-01",
    ]
    assert [one.recent for one in drawn[0].quarters] == [False, False, False, False, True]
    for k, quarter in enumerate(drawn[0].quarters):
        assert quarter.observed == sum(trend.quarters[k].observed for trend in drawn[1:])
        assert quarter.low < quarter.ratio < quarter.high
    hostile = replace(drawn[1], place=replace(drawn[1].place, label='<b>"=1&\x00'))
    picture = trend_picture([drawn[0], hostile])
    assert picture.count("<circle") == 10
    assert "<b>" not in picture
    assert "\x00" not in picture


def test_the_interval_of_a_ratio_covers() -> None:
    rng = np.random.default_rng(13)
    k, sd = 600, 0.4
    centre, ratio = rng.uniform(0, 3, k), rng.uniform(0.5, 3.0, k)
    count = rng.poisson(ratio * np.exp(centre + sd * rng.standard_normal(k))).astype(float)
    interval = ratio_interval(count, centre, np.full(k, sd), 0.9)
    low, high = interval.low, interval.high
    assert abs(((low <= ratio) & (ratio <= high)).mean() - 0.9) < 0.04


def test_gateways_make_crossings_and_none_is_a_clear_fault() -> None:
    from optimizer.problem.network.places import Gateway

    gateway = Gateway(
        "g", int(NETWORK.tail[NETWORK.segment_arc[0]]), 0.0, 0.0, "port", name="Bridge"
    )
    (place,) = crossing_places(NETWORK, [gateway])
    assert 0 in place.segments
    assert place.label == "Bridge"
    with pytest.raises(InputError, match="without gateways"):
        crossing_places(NETWORK, [])
    records, effort = history(np.random.default_rng(1))
    with pytest.raises(InputError, match="without areas"):
        area_places(records, effort)


def test_windows_that_cannot_be_are_refused_clearly() -> None:
    records, effort = history(np.random.default_rng(14))
    with pytest.raises(InputError, match="no effort before it"):
        split_record(records, effort, np.datetime64("2022-05-01"))
    with pytest.raises(InputError, match="Begin the window earlier"):
        split_record(records, effort, np.datetime64("2024-06-01"))
    with pytest.raises(InputError, match="no search effort"):
        split_record(records, None)
    with pytest.raises(InputError, match="cannot be cut"):
        split_record(records_of({0: 1.0}), effort_of({0: 1.0}))
    with pytest.raises(InputError, match="at least one month"):
        split_record(records, effort, memory=0)


def test_the_cut_moves_to_where_dated_spans_begin_and_effort_is_shared_by_days() -> None:
    yearly = records_of({0: 2.0, 1: 1.0})
    yearly = replace(
        yearly,
        start=np.array(["2022-10-01", "2023-10-01"], dtype="datetime64[D]"),
        end=np.array(["2023-10-01", "2024-10-01"], dtype="datetime64[D]"),
    )
    effort = effort_of({0: 365.0})
    effort = replace(
        effort,
        start=np.array(["2023-01-01"], "datetime64[D]"),
        end=np.array(["2024-12-31"], "datetime64[D]"),
    )
    split = split_record(
        yearly, replace(effort, end=np.array(["2024-10-01"], dtype="datetime64[D]"))
    )
    assert split.window.span.start == np.datetime64("2023-10-01")
    assert split.before.effort.amount.sum() + split.window.effort.amount.sum() == pytest.approx(
        365.0
    )
    across = split_record(yearly, effort, np.datetime64("2024-01-01"))
    assert "reach over 2024-01-01" in across.warnings[0]
    assert len(across.window.seizures) == 0
    assert len(quarters(split)) == 2


def test_a_window_without_effort_of_a_place_and_records_with_nothing_in_them_answer_with_their_limits() -> (
    None
):
    records, effort = history(np.random.default_rng(15))
    nothing = records.take(records.count < 0)
    found = AlertMonitor(FieldFlow(season=False), nothing, effort, NETWORK).test(
        segment_places(NETWORK)
    )
    assert not found.alarms
    assert len(found.tested) == M
    one = records.take(np.flatnonzero(records.count)[-1:])
    assert (
        len(
            AlertMonitor(FieldFlow(season=False), one, effort, NETWORK)
            .test(segment_places(NETWORK))
            .tested
        )
        == M
    )
    idle = effort.take((effort.start < WINDOW) | (effort.segment == 0))
    idle = replace(idle, amount=np.where(idle.start < WINDOW, idle.amount, 0.0), unit=effort.unit)
    found = AlertMonitor(
        FieldFlow(season=False), records, idle, NETWORK, since=np.datetime64("2023-11-01")
    ).test(segment_places(NETWORK))
    assert found.window.end == WINDOW
    assert found.tested


def test_effort_of_a_unit_that_only_begins_in_the_window_is_left_out_and_told() -> None:
    records, effort = history(np.random.default_rng(16))
    unit = (effort.start >= WINDOW).astype(np.int64) * (effort.segment < 5)
    both = replace(effort, source=unit, source_name=("a", "b"), unit=("a", "b"))
    made_by = (records.start >= WINDOW).astype(np.int64) * (records.segment < 5)
    finds = replace(records, source=made_by, source_name=("a", "b"), effort_unit=("a", "b"))
    found = AlertMonitor(FieldFlow(season=False), finds, both, NETWORK).test(
        segment_places(NETWORK)
    )
    assert any("begins in the window" in text for text in found.warnings)
    assert len(found.tested) == M - 5


def test_a_shorter_memory_forgets_a_drift() -> None:
    rng = np.random.default_rng(17)
    hours = np.full((MONTHS, M), 5.0)
    rate = np.where(np.arange(MONTHS) < 9, 0.2, 0.05)
    found = rng.poisson(hours * rate[:, None]).astype(float)
    month, segment = np.nonzero(hours)
    record = rows_of(segment, hours[month, segment], found[month, segment], month=month)
    long = (
        AlertMonitor(FieldFlow(season=False), *record, NETWORK).test([whole_place(NETWORK)]).whole
    )
    short = (
        AlertMonitor(FieldFlow(season=False), *record, NETWORK, memory=3)
        .test([whole_place(NETWORK)])
        .whole
    )
    assert long is not None
    assert short is not None
    assert long.p < 1e-3
    assert short.p > 0.05


def test_places_of_a_network() -> None:
    network = line_network(5)
    around = neighbourhood_places(network)
    assert [place.segments.tolist() for place in around] == [
        [0, 1],
        [0, 1, 2],
        [1, 2, 3],
        [2, 3, 4],
        [3, 4],
    ]
    assert segment_places(network, np.array([3]))[0].label == "primary (3)"
