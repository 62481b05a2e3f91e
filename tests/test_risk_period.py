"""Times as records write them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.choices import PeriodLength
from optimizer.base.errors import InputError
from optimizer.lab.backtest import forces
from optimizer.lab.backtest.engine import folds
from optimizer.lab.backtest.forces import ForecastTask, make_task
from optimizer.lab.backtest.searches import ForceSearches
from optimizer.records import Period, parse_period
from optimizer.records.period import found_format
from optimizer.risk import FieldFlow
from optimizer.risk.evidence import cells_of
from tests.risk_cases import line_network, rows_of


@pytest.mark.parametrize(
    ("text", "form", "start", "end"),
    [
        ("2024-02-29", "auto", date(2024, 2, 29), date(2024, 3, 1)),
        ("2019-12-31T23:59:59+00:00", "auto", date(2019, 12, 31), date(2020, 1, 1)),
        ("2019-12-31 08:30", "auto", date(2019, 12, 31), date(2020, 1, 1)),
        ("2023-12", "auto", date(2023, 12, 1), date(2024, 1, 1)),
        ("2023", "auto", date(2023, 1, 1), date(2024, 1, 1)),
        ("FY2023", "auto", date(2022, 10, 1), date(2023, 10, 1)),
        ("fy 23", "auto", date(2022, 10, 1), date(2023, 10, 1)),
        ("2022-10/2023-03", "auto", date(2022, 10, 1), date(2023, 4, 1)),
        ("FY2019/FY2021", "auto", date(2018, 10, 1), date(2021, 10, 1)),
        ("2023", "fiscal-year", date(2022, 10, 1), date(2023, 10, 1)),
        ("2026 (FYTD)", "fiscal-year", date(2025, 10, 1), date(2026, 10, 1)),
        ("2019/2021", "fiscal-year", date(2018, 10, 1), date(2021, 10, 1)),
        ("31/12/2023", "%d/%m/%Y", date(2023, 12, 31), date(2024, 1, 1)),
        ("2/2024", "%m/%Y", date(2024, 2, 1), date(2024, 3, 1)),
        ("in 2024", "in %Y", date(2024, 1, 1), date(2025, 1, 1)),
    ],
)
def test_a_time_is_the_days_it_spans(text: str, form: str, start: date, end: date) -> None:
    assert parse_period(text, form) == Period(start, end)


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["31/12/2023", "", "1/2/2024"], "%d/%m/%Y"),
        (["01.02.2023", "13.02.2023"], "%d.%m.%Y"),
        (["12-31-2023", "01-02-2024"], "%m-%d-%Y"),
        (["31/12/2023 8:30", "01/02/2024 23:59"], "%d/%m/%Y %H:%M"),
        (["12/31/2023T08:30:00"], "%m/%d/%YT%H:%M:%S"),
        (["01/02/2023", "03/04/2023"], "auto"),
        (["31/12/2023", "12/31/2023"], "auto"),
        # months first, and one slip
        ([f"{month}/1/2023" for month in range(1, 13)] + ["13/1/2023"], "auto"),
        (["31/12/2023", "2023-12-31"], "auto"),
        (["31/12/2023"] * 9 + ["yesterday"], "%d/%m/%Y"),
        (["31/12/2023"] * 8 + ["yesterday"], "auto"),
        (["31/12/23"], "auto"),
        (["2023-12-31", "2023/2024"], "auto"),
        ([], "auto"),
    ],
)
def test_day_and_month_are_told_apart_by_the_file_as_a_whole(texts: list[str], form: str) -> None:
    assert found_format(texts) == form
    if form != "auto":
        spans = [parse_period(text, form) for text in texts if text not in {"", "yesterday"}]
        assert all((span.end - span.start).days == 1 for span in spans)


def test_a_file_that_does_not_tell_the_day_from_the_month_is_refused_with_what_to_state() -> None:
    with pytest.raises(InputError, match=r'State date_format, such as "%d/%m/%Y" or "%m/%d/%Y"'):
        parse_period("01/02/2023")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2023-02-30", "auto"),
        ("2023-13", "auto"),
        ("01/02/2023", "auto"),
        ("next week", "auto"),
        ("", "auto"),
        ("2024/2023", "auto"),
        ("2023-01-01x", "auto"),
        ("9999-12-31", "auto"),
        ("0000", "auto"),
        ("2023-01-05", "%d/%m/%Y"),
        ("=2023", "auto"),
    ],
)
def test_a_time_that_cannot_be_read_says_what_was_expected(text: str, form: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_period(text, form)
    (problem,) = caught.value.problems
    assert problem.found == repr(text)
    assert ("2023-04-30" if form == "auto" else form) in problem.expected


@given(
    st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 1, 1)),
    st.dates(max_value=date(2200, 1, 1)),
)
def test_a_span_runs_from_its_first_day_to_its_last(first: date, last: date) -> None:
    text = f"{first.isoformat()}/{last.isoformat()}"
    if first > last:
        with pytest.raises(InputError):
            parse_period(text)
    else:
        span = parse_period(text)
        assert (span.start, (span.end - last).days) == (first, 1)
        assert str(span) == f"{first} to {last}"


SEASON = np.exp(1.2 * np.cos(2 * np.pi * np.arange(12) / 12))
UNIT = "a"


def seasonal_searches(
    rng: np.random.Generator, *, months: int = 26, a_month: int = 200
) -> ForceSearches:
    """Return searches at 25 points whose chance follows the season."""
    month = np.repeat(np.datetime64("2020-01", "M") + np.arange(months), a_month)
    point = rng.integers(0, 25, month.size)
    chance = 1 - np.exp(-0.15 * SEASON[month.astype(np.int64) % 12])
    found = (rng.random(month.size) < chance).astype(np.float64)
    lon, lat = (np.asarray(0.02 * at, dtype=np.float64) for at in (point % 5, 2550 + point // 5))
    return ForceSearches("a", month, lon, lat, np.arange(month.size), np.ones(month.size), found)


def test_searches_stay_whole_numbers_under_a_season() -> None:
    """One search with one seizure in a month of few: once scaled by the season it was
    less than one search.
    """
    rng = np.random.default_rng(1)
    network = line_network(40)
    month = np.tile(np.arange(24), 40)
    segment = np.repeat(np.arange(40), 24)
    found = (rng.random(month.size) < 1 - np.exp(-0.3 * SEASON[month % 12])).astype(np.float64)
    kept = (segment > 0) | (month == 6)
    found[(segment == 0) & (month == 6)] = 1.0
    records, effort = rows_of(segment[kept], np.ones(kept.sum()), found[kept], month=month[kept])
    model = FieldFlow(yes_no=(UNIT,)).fit(records, effort, network)
    assert model.season_[6] < 0.8  # else the test tests nothing
    cells = cells_of(model.evidence_, (UNIT,))
    np.testing.assert_array_equal(cells.searches, np.bincount(segment[kept]))
    assert not model.record_check_.contradictions
    july = (
        records.take(np.flatnonzero(records.segment == 0)),
        effort.take(np.flatnonzero(effort.segment == 0)),
    )
    assert model.score(*july) < 0.0
    assert np.exp(model.score(*july)) == pytest.approx(0.1, abs=0.1)


def without_season(task: ForecastTask, monkeypatch: pytest.MonkeyPatch) -> forces.Forecast:
    with monkeypatch.context() as patch:
        patch.setattr(forces, "MONTHS_FOR_A_SEASON", 10_000)
        return forces.by_field(task)


@pytest.mark.parametrize(
    ("seasonal", "length"), [(True, "month"), (True, "quarter"), (False, "month")]
)
def test_a_season_never_costs_more_than_chance(
    seasonal: bool, length: PeriodLength, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held against the same model without a season, on the periods of the last year;
    where there is one, it must gain.
    """
    rng = np.random.default_rng(4)
    rows = seasonal_searches(rng)
    if not seasonal:
        rows = replace(rows, found=rng.permutation(rows.found))
    more, searches = [], 0.0
    for fold in folds(rows.month, length)[-(8 if length == "month" else 3) :: 2]:
        task = make_task(rows, fold)
        more.append(forces.by_field(task).log_chance - without_season(task, monkeypatch).log_chance)
        searches += float(task.later_searches.sum())
    gain = np.concatenate(more)
    error = float(np.sqrt(gain.size) * gain.std())
    assert gain.sum() > -2 * error - 1e-9
    if seasonal:
        assert 1000 * gain.sum() / searches > 5


def test_the_effort_of_a_forecast_is_weighed_by_its_own_months() -> None:
    """The same hours make more seizures in January than in July."""
    rng = np.random.default_rng(2)
    month, segment = np.tile(np.arange(24), 20), np.repeat(np.arange(20), 24)
    count = rng.poisson(2.0 * SEASON[month % 12]).astype(np.float64)
    records, effort = rows_of(segment, np.ones(month.size), count, month=month)
    model = FieldFlow().fit(records, effort, line_network(20))
    january, july = (model.expected_seizures(effort.take(month == at)) for at in (0, 6))
    np.testing.assert_allclose(january / july, model.season_[0] / model.season_[6])
    assert january.sum() / july.sum() == pytest.approx(np.exp(2.4), rel=0.3)
    assert model.expected_seizures(effort).sum() == pytest.approx(count.sum(), rel=0.02)
