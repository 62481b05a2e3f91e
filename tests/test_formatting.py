"""Numbers and sentences of the report."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import JOINERS, printable
from optimizer.base.text.formatting import (
    DASH,
    SPACE,
    Amount,
    amount_with_unit,
    amounts,
    decimal,
    known,
    number,
    percent,
    plain,
)
from optimizer.base.text.language import speaking
from optimizer.base.text.messages import message
from optimizer.problem.files.plan_file import LayoutValues, MobilityValues
from optimizer.report.content.comparison import MobilityRow
from optimizer.report.content.risk import RecordFacts, SegmentRisk, record_limits
from optimizer.report.content.summary import PlanSummary, difference, headline, solve_sentence
from optimizer.report.maps.map_layers import RoadClass, risk_classes, width_classes
from tests.report_case import changed_content, full_content


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_a_missing_number_is_a_dash(missing: float | None) -> None:
    summary = PlanSummary(status="unknown")
    assert {decimal(missing), percent(missing), number(missing), difference(summary, missing)} == {
        DASH
    }


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.0, "0.0 %"),
        (-0.0, "0.0 %"),
        (0.312, "31.2 %"),
        (0.0004, "<0.1 %"),
        (1.0, "100.0 %"),
        (-0.0001, "0.0 %"),
        (12.5, "1,250.0 %"),
    ],
)
def test_percent(amount: float, text: str) -> None:
    assert percent(amount).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (1234567.0, "1,234,567"),
        (0.01234, "0.0123"),
        (0.5, "0.5"),
        (0.01101, "0.011"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (2.5e-9, "2.5e-09"),
        (-3.0, "-3"),
    ],
)
def test_number(amount: float, text: str) -> None:
    assert number(amount) == text


@given(st.floats(min_value=1e-6, max_value=1e14))
def test_a_number_reads_back_to_three_digits(amount: float) -> None:
    assert float(number(amount).replace(",", "")) == pytest.approx(amount, rel=0.0051)


@pytest.mark.slow
@given(st.text())
def test_plain_text_is_one_printable_line_that_can_be_written(text: str) -> None:
    line = plain(text)
    assert line == line.strip()
    assert not set(line) & set("\n\r\t\x00\u202e\u2028")
    assert line.encode("utf-8").decode("utf-8") == plain(line)


def test_plain_text_drops_what_cannot_be_written_and_is_cut() -> None:
    assert plain("a\ud800b\u202ec\nd") == "a b c d"
    assert plain("Hightown", 5) == "High\N{HORIZONTAL ELLIPSIS}"
    assert plain("Old Hightown Road (north)", 15) == "Old Hightown\N{HORIZONTAL ELLIPSIS}"
    assert plain("Old Hightown Road (north)", 18) == "Old Hightown Road\N{HORIZONTAL ELLIPSIS}"
    assert plain("Old Hightownships", 12) == "Old Hightow\N{HORIZONTAL ELLIPSIS}"


OF_THE_MODEL = (
    " Proven is the search in this model, not the world: it holds as far as what is assumed holds."
)


def _headline(**changes: object) -> str:
    """Return the headline without the sentence that stands beside a proven number."""
    content = full_content()
    summary = replace(content.summary, **changes)  # type: ignore[arg-type] # one helper for fields of every type
    said = headline(replace(content, summary=summary)).replace("\N{NO-BREAK SPACE}", " ")
    assert said.endswith(OF_THE_MODEL) == (summary.lower is not None and known(summary.upper))
    return said.removesuffix(OF_THE_MODEL)


def test_headline_says_the_value_and_the_bound() -> None:
    assert (
        _headline()
        == "With the 2 sites and 3 beats below, 13.8 percentage points less gets through than under"
        " today's layout: the share of loads that get through is 31.2 %; no layout within these"
        " budgets can bring it below 30.9 %."
    )


def _mobile(share: float, *layouts: tuple[float, float]) -> MobilityValues:
    """Return values of today's layout and the plan: as assumed, at low and at high detection."""
    (existing, plan), low, high = layouts
    return MobilityValues(
        mobility=share,
        existing=existing,
        plan=plan,
        low_detection=LayoutValues(existing=low[0], plan=low[1]),
        high_detection=LayoutValues(existing=high[0], plan=high[1]),
    )


def test_headline_gives_the_gain_over_who_may_change_gateway_and_over_detection() -> None:
    rows = (
        MobilityRow(_mobile(0.0, (0.45, 0.312), (0.5, 0.38), (0.4, 0.25)), assumed=True),
        MobilityRow(_mobile(1.0, (0.5, 0.51), (0.5, 0.52), (0.5, 0.49)), assumed=False),
    )
    said = headline(replace(full_content(), mobility=rows)).replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "13.8 percentage points less gets through than under today's layout as assumed, and -2.0 to"
        " 15.0 over who may change gateway" in said
    )


def test_headline_rounds_the_bound_down_never_up() -> None:
    assert "below 30.9 %" in _headline(lower=0.30999)
    assert "below 31.0 %" in _headline(lower=0.31)


@given(st.floats(min_value=1e-5, max_value=1e7))
def test_a_bound_in_other_units_is_never_overstated(lower: float) -> None:
    text = _headline(lower=lower, upper=lower * 2, share=False, unit="number of loads")
    shown = float(text.rsplit("below ", 1)[1].split(" (")[0].rstrip(".").replace(",", ""))
    assert shown <= lower * (1 + 1e-9)
    assert shown >= lower * 0.98


def test_headline_warns_of_a_bound_that_says_little() -> None:
    assert _headline(lower=0.05).endswith("below 5.0 % (what lies between is not known).")


def test_headline_of_a_proven_optimum_names_no_bound() -> None:
    assert _headline(lower=0.3118, status="optimal").endswith(
        "is 31.2 %; no layout within these budgets does better."
    )


def test_headline_claims_no_bound_that_is_not_proven() -> None:
    assert _headline(lower=None, gap=None).endswith(
        "how much better another layout could be was not proven."
    )


def test_headline_without_a_plan() -> None:
    assert _headline(upper=None, status="infeasible", limit=None).startswith(
        "No plan: no layout meets the budgets"
    )
    assert (
        _headline(upper=math.nan, status="unknown")
        == "No plan was found before the time limit ended the search."
    )


def test_headline_of_an_empty_plan() -> None:
    content = full_content(sites=(), beats=())
    assert headline(content).startswith(
        "With nothing placed, the share of loads that get through is"
    )


def test_the_solve_is_described_with_its_limit_and_gap() -> None:
    text = solve_sentence(full_content()).replace("\N{NO-BREAK SPACE}", " ")
    assert (
        text == "Method compact, 12.3 s, status feasible (stopped by its time limit), gap 0.71 %."
    )


def _risk(rates: list[float], searched: list[bool]) -> SegmentRisk:
    median = np.array(rates)
    return SegmentRisk(
        median=median,
        low=median,
        high=median,
        searched=np.array(searched, dtype=bool),
        unit="finds",
    )


def steps_of(classes: tuple[RoadClass, ...]) -> list[int]:
    """Return the step of each segment, 0 the lowest; -1 where nobody looked."""
    steps = [part for part in classes if not part.dashed]
    step = np.full(sum(part.segments.size for part in classes), -1)
    for k, part in enumerate(steps):
        step[part.segments] = k
    return step.tolist()


@given(st.lists(st.tuples(st.floats(min_value=0, max_value=1e3), st.booleans()), max_size=60))
def test_classes_are_ordered_by_risk_and_leave_the_unsearched_apart(
    rows: list[tuple[float, bool]],
) -> None:
    rates, searched = [rate for rate, _ in rows], [done for _, done in rows]
    classes = risk_classes(_risk(rates, searched))
    every = np.concatenate([part.segments for part in classes] or [np.empty(0, int)])
    assert sorted(every.tolist()) == list(range(len(rows)))
    colours = [part.colour for part in classes]
    assert len(colours) == len(set(colours))
    step = np.array(steps_of(classes), dtype=int)
    assert ((step == -1) == ~np.array(searched, dtype=bool)).all()
    assert step.max(initial=-1) == sum(not part.dashed for part in classes) - 1
    in_order = np.argsort(np.array(rates)[step >= 0], kind="stable")
    assert (np.diff(step[step >= 0][in_order]) >= 0).all()


def test_equal_rates_make_one_class_named_by_the_rate() -> None:
    assert [part.label for part in risk_classes(_risk([0.25] * 6, [True] * 6))] == ["0.25"]


def test_an_unknown_rate_counts_as_unsearched() -> None:
    assert steps_of(risk_classes(_risk([math.nan, 0.5], [True, True]))) == [-1, 0]


def test_the_width_of_an_interval_is_a_class_of_its_ends_ratio() -> None:
    one = np.ones(7)
    high = np.array([2.9, 3.0, 50.0, 999.0, 1e6, 5.0, math.nan])
    searched = np.array([True, True, True, True, True, False, True])
    risk = SegmentRisk(median=one, low=one, high=high, searched=searched, unit="finds")
    assert steps_of(width_classes(risk)) == [0, 1, 2, 3, 4, -1, -1]
    nothing = SegmentRisk(median=one, low=0 * one, high=high, searched=searched, unit="finds")
    assert steps_of(width_classes(nothing)) == [4, 4, 4, 4, 4, -1, -1]


def _limits(**changes: object) -> str:
    content = full_content()
    assert content.record is not None
    record = replace(content.record, **changes)  # type: ignore[arg-type] # one helper for fields of every type
    return " ".join(record_limits(replace(content, record=record))).replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_the_limits_of_a_record_are_told_in_its_own_figures() -> None:
    text = _limits()
    assert "Nobody ever searched 25 % of the road length" in text
    assert (
        "the upper end of the 90 % interval is at least 6 times its lower end (a rough figure)"
        in text
    )
    assert "120 of 400 seizures name only an area (3 areas in all)" in text
    assert "7 of 400 seizures have no search effort behind them" in text
    assert "The seizures of Guard carry no search effort of their own" in text
    assert (
        "taken from Shift book (search hours) and Toll gate (vehicles), and used as reported"
        in text
    )
    assert "is assumed, not found" in text
    assert "known by area alone" not in text
    assert "known by area alone" in _limits(effort_by_area=True)


def test_the_share_whose_interval_holds_the_average_is_of_searched_length() -> None:
    content = full_content()
    assert content.risk is not None
    ends = {"low": np.full(40, 0.5), "high": np.where(np.arange(40) % 4 == 1, 2.0, 0.8)}
    risk = replace(content.risk, **ends, average=1.0)  # type: ignore[arg-type] # arrays
    line = " ".join(record_limits(replace(content, risk=risk, record=None)))
    assert "on 33\N{NO-BREAK SPACE}% of it the interval holds the average" in line
    every = replace(risk, high=np.full(40, 2.0))
    assert "on all of it the interval holds" in " ".join(
        record_limits(replace(content, risk=every))
    )


def test_a_record_without_areas_or_gaps_says_nothing_of_them() -> None:
    text = _limits(area_only=0.0, without_effort=0.0, effort_sources=(("Guard", "hours"),))
    assert "only an area" not in text
    assert "no search effort behind" not in text
    assert "Search effort is taken from Guard (hours)" in text
    assert "assumed, not found" not in text


def test_a_record_without_effort_says_so() -> None:
    content = full_content()
    assert content.risk is not None
    never = replace(content.risk, searched=np.zeros(40, dtype=bool), efforts=())
    lines = record_limits(replace(content, risk=never, record=RecordFacts(seizures=3.0)))
    assert lines[0].startswith("No road is known to have been searched")
    assert lines[-1].startswith("No search effort was recorded.")
    assert record_limits(replace(content, risk=None, record=None)) == []
    assert (
        record_limits(replace(content, risk=None, record=RecordFacts(seizures=0.0)))[0]
        == "The record holds no seizure."
    )


@pytest.mark.parametrize(
    ("share", "text"), [(0.996, "more than 99 %"), (0.004, "<1 %"), (0.5, "50 %")]
)
def test_a_share_of_the_roads_never_claims_all_or_none(share: float, text: str) -> None:
    content = full_content()
    assert content.risk is not None
    length = np.full(40, 0.0)
    length[0], length[1] = share, 1 - share
    network = replace(content.network, length_m=np.repeat(length, 2))
    risk = replace(content.risk, searched=np.arange(40) != 0)
    line = record_limits(changed_content(content, network=network, risk=risk))[0].replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert f"Nobody ever searched {text} of" in line


def test_text_from_records_cannot_steer_a_terminal() -> None:
    hostile = "a\x1b[31m\u202eb\r\nc\x00\x9b\u2028\ud800\t"
    shown = printable(hostile)
    assert shown.isprintable()
    assert shown == r"a\x1b[31m\u202eb\r\nc\x00\x9b\u2028\ud800\t"
    assert printable("Łódź, 12\u00a0%\N{EN DASH}7") == "Łódź, 12\u00a0%\N{EN DASH}7"


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
    | st.text(" ab\u200d\u00a0\n", max_size=8)
)
def test_plain_text_is_what_reading_it_mark_by_mark_gives(text: str) -> None:
    marks = "".join(
        mark if mark.isprintable() or mark in JOINERS or mark == SPACE else " " for mark in text
    )
    assert plain(text).split() == marks.split()
    single = {
        marks[at]
        for at in range(1, len(marks) - 1)
        if not (marks[at - 1].isspace() or marks[at + 1].isspace())
    }
    assert (SPACE in plain(text)) == (SPACE in single)
    assert "  " not in plain(text)


def test_plain_text_keeps_a_number_with_its_sign() -> None:
    assert plain(f" 78{SPACE}% of{SPACE}\n{SPACE}it ") == f"78{SPACE}% of it"


def test_an_amount_stands_with_its_unit() -> None:
    assert amount_with_unit(2250.0, "thousand USD a year") == f"2.25{SPACE}million USD a year"
    assert amount_with_unit(999.0, "thousand USD a year") == f"999{SPACE}thousand USD a year"
    with speaking("es"):
        assert (
            amount_with_unit(2250.0, "miles de USD al año") == f"2,25{SPACE}millones de USD al año"
        )
    assert amount_with_unit(3.0, "") == "3"
    costs = {
        "agents": Amount(4.0, "agents a shift"),
        "money": Amount(2250.0, "thousand USD a year"),
        "cars": Amount(1.0),
    }
    assert (
        amounts(costs).replace(SPACE, " ")
        == "4 agents a shift; money 2.25 million USD a year; cars 1"
    )
    assert amounts({}) == DASH


def test_what_is_proven_is_not_said_to_be_stopped_by_a_limit() -> None:
    said = solve_sentence(
        changed_content(
            full_content(),
            summary=PlanSummary(status="optimal", limit="time", upper=0.3, lower=0.3),
        )
    )
    assert "limit" not in said
    assert "proof" in said


def test_no_sentence_has_a_number_with_an_exponent() -> None:
    said = message(
        "{a:g} of {b:.4g}, {c:.3g}, {d:g} and {e:g}", a=5e6, b=1434.4, c=1434.4, d=0.1, e=20
    )
    assert said == "5,000,000 of 1,434, 1,434, 0.1 and 20"
    assert message("{a:g}", a=math.inf) == "inf"


def test_a_share_in_a_message_is_written_as_on_every_page() -> None:
    said = message("{share:.0%} of the loads", share=0.1)
    assert said == f"10{SPACE}% of the loads"
    assert message("{share:.1%}", share=0.1234) == percent(0.1234)
