"""Times as records write them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.records import Period, parse_period


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


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 1, 1)), st.dates(max_value=date(2200, 1, 1)))
def test_a_span_runs_from_its_first_day_to_its_last(first: date, last: date) -> None:
    text = f"{first.isoformat()}/{last.isoformat()}"
    if first > last:
        with pytest.raises(InputError):
            parse_period(text)
    else:
        span = parse_period(text)
        assert (span.start, (span.end - last).days) == (first, 1)
        assert str(span) == f"{first} to {last}"
