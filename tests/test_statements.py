"""Every statement is made from bounds: what they leave open is said to be not yet
known, on every page.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.analysis.cooperation.cooperation import cooperate
from optimizer.analysis.cooperation.output import cooperation_page, sentences
from optimizer.analysis.frontier.frontier import BudgetRange, Frontier, FrontierPoint
from optimizer.analysis.frontier.output import (
    budget_titles,
    fall_sentence,
    frontier_page,
    knee_sentence,
)
from optimizer.analysis.uncertainty.sensitivity import (
    Sensitivity,
    Variation,
    VariationEnd,
    VariedAssumption,
    VariedPlan,
    sensitivity_sentences,
)
from optimizer.base.text.formatting import SPACE
from optimizer.cli.console import verdict
from optimizer.problem.instance.changes import Changes, change_sentences
from optimizer.problem.plan.plan import Plan
from optimizer.problem.plan.result import NOTHING, Result, ValueBounds, difference
from optimizer.report.analysis_figures import frontier_figure
from optimizer.report.answer import short_page
from optimizer.report.content.first_page import command_order
from optimizer.report.content.mixture import MixtureFacts, MixtureRow, mixture_sentences
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.summary import headline, not_enough, solve_sentence
from optimizer.report.page import page as report_page
from optimizer.scenario.file.model import SolveModel
from tests.cases import random_instance
from tests.report_case import full_content

VALUES = st.floats(0, 1)


@given(VALUES, VALUES, VALUES, VALUES)
def test_what_is_said_of_a_difference_is_true_of_every_value_within_the_bounds(
    a: float, b: float, c: float, d: float
) -> None:
    before, after = ValueBounds(min(a, b), max(a, b)), ValueBounds(min(c, d), max(c, d))
    says = difference(before, after).says
    for one in (before.lower, before.upper):
        for other in (after.lower, after.upper):
            assert says != "less" or one > other
            assert says != "more" or one < other
            assert says != "nothing" or abs(one - other) <= NOTHING * before.upper


def _curve(*bounds: tuple[float, float]) -> Frontier:
    points = tuple(
        FrontierPoint((float(k),), low, high, Plan(())) for k, (low, high) in enumerate(bounds)
    )
    return Frontier(
        (BudgetRange("teams", tuple(float(k) for k in range(len(bounds)))),), points, complete=True
    )


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ([(0.37, 0.89), (0.37, 0.89), (0.37, 0.89)], "too short to say"),
        ([(0.8895, 0.89), (0.8895, 0.89), (0.8895, 0.89)], "brings nothing"),
        ([(0.88, 0.89), (0.6, 0.61), (0.5, 0.51)], "goes from"),
    ],
)
def test_a_curve_says_what_its_bounds_say(bounds: list[tuple[float, float]], says: str) -> None:
    found = _curve(*bounds)
    assert says in fall_sentence(found)
    page = frontier_page(found, "tiny")
    assert page.known == (says != "too short to say")
    assert ("not yet known" in str(page.sections)) == (says == "too short to say")
    assert ('class="unknown"' in short_page(page, {})) == (says == "too short to say")
    lower, upper = ([pair[k] for pair in bounds] for k in (0, 1))
    title = (
        frontier_figure("teams", [0, 1, 2], lower, upper, None, found.text)
        .axes[0]
        .get_title(loc="left")
    )
    title = " ".join(title.split())  # it may break between any two words
    assert ("brings nothing" in title) == (says == "brings nothing")
    assert ("not yet known" in title) == (says == "too short to say")


def test_budgets_stand_with_their_unit() -> None:
    """Money in thousands a year is no money: the unit stands in sentences, columns, and
    the figure; once where it names the resource.
    """
    found = replace(
        _curve((0.88, 0.89), (0.6, 0.61), (0.5, 0.51)),
        ranges=(BudgetRange("money", (0.0, 1.0, 2.0)),),
        units=("thousand USD a year",),
    )
    assert "From money 0 thousand USD a year to money 2 thousand USD a year" in fall_sentence(
        found
    ).replace(SPACE, " ")
    knee = found.knee()
    assert knee is not None
    assert "Up to 1 thousand USD a year of money a unit" in knee_sentence(found, knee)
    assert budget_titles(found) == ["money, thousand USD a year"]
    named = replace(found, units=("money of 2026",))
    assert "From 0 money of 2026 to 2 money of 2026" in fall_sentence(named).replace(SPACE, " ")
    assert "Up to 1 of money of 2026 a unit" in knee_sentence(named, knee)
    assert budget_titles(named) == ["money of 2026"]


def test_a_changed_budget_is_said_in_its_unit() -> None:
    instance = random_instance(1)
    first, *others = instance.resources
    paid = replace(
        instance, resources=(replace(first, name="funds", unit="thousand USD a year"), *others)
    )
    for name in ("funds", first.id):
        (said,) = change_sentences(Changes(budgets={name: 2250.0}), paid.resources)
        assert said == f"the budget of {name} is 2,250 thousand USD a year"


def test_a_knee_is_one_that_bounds_prove() -> None:
    assert _curve((0.88, 0.89), (0.6, 0.61), (0.5, 0.51)).knee() is not None
    assert _curve((0.2, 0.89), (0.2, 0.61), (0.2, 0.51)).knee() is None


def test_cooperation_without_time_is_not_yet_known() -> None:
    instance = random_instance(2)
    two = replace(
        instance,
        resources=tuple(replace(each, agency="", budget=0.0) for each in instance.resources),
        options=tuple(
            replace(option, agency=("north", "south")[j % 2], forced=False)
            for j, option in enumerate(instance.options)
        ),
    )
    found = cooperate(two, SolveModel(time_limit=1e-6, threads=1))
    loose = replace(
        found, coalitions=tuple(replace(c, lower=0.1, upper=found.nobody) for c in found.coalitions)
    )
    assert cooperation_page(loose).headline.startswith("As found,")
    assert not cooperation_page(loose).known
    wide = replace(
        loose,
        worth=replace(found.worth, low=-0.5 * found.nobody, found=0.0, high=0.5 * found.nobody),
    )
    assert "not yet known" in " ".join(sentences(wide))


def test_what_moves_the_value_most_is_said_where_it_is_proven() -> None:
    def varied(name: str, low: tuple[float, float], high: tuple[float, float]) -> VariedAssumption:
        ends = [VariedPlan(each[1], *each) for each in (low, high)]
        return VariedAssumption(
            Variation(name, "default", VariationEnd("a"), VariationEnd("b")), *ends
        )

    tight = (varied("agents", (0.48, 0.5), (0.89, 0.9)), varied("decay", (0.68, 0.7), (0.7, 0.72)))
    proven = Sensitivity(0.7, tight, (), teams=False, lower=0.69)
    assert "agents moves the value most, by 0.4" in " ".join(
        map(str, sensitivity_sentences(proven))
    )
    loose = (varied("agents", (0.2, 0.7), (0.2, 0.89)), varied("decay", (0.6, 0.7), (0.7, 0.72)))
    said = " ".join(
        map(str, sensitivity_sentences(Sensitivity(0.7, loose, (), teams=False, lower=0.2)))
    )
    assert "moves the value most, by" not in said
    assert "not yet known: agents by between 0 and 0.69" in said


def _content(**summary: object) -> ReportContent:
    content = full_content()
    return replace(content, summary=replace(content.summary, **summary))  # type: ignore[arg-type]


@pytest.mark.report
@pytest.mark.slow
def test_an_order_that_was_not_searched_enough_is_not_to_be_signed() -> None:
    enough = _content(lower=0.65, upper=0.67, gap=0.03, nothing=0.89, existing=0.8)
    assert not not_enough(enough)
    assert 'class="sign"' in report_page(enough, {})
    loose = _content(
        lower=0.37,
        upper=0.79,
        gap=0.53,
        nothing=0.89,
        existing=0.8,
        limit="time",
        status="feasible",
    )
    assert (
        "No order to sign yet: with the best plan the share of loads that get through is between"
        " 37.0 % and 79.0 %" in not_enough(loose)[0].replace("\xa0", " ")
    )
    close = _content(lower=0.37, upper=0.7904, gap=0.53, nothing=0.89, existing=0.8)
    said = not_enough(close)[0].replace("\xa0", " ")
    assert "between 36.9 % and 79.0 %" in said  # of 42.04 points apart: 42.1 are shown
    page = report_page(loose, {})
    assert 'class="sign"' not in page
    assert 'class="unknown"' in page
    assert "Draft, not an order: " in page
    assert "Draft, not an order: " not in report_page(enough, {})


def test_of_a_given_plan_no_bound_was_asked_for() -> None:
    content = _content(lower=0.0, upper=0.8253, gap=1.0, method="given", status="feasible")
    assert "no bound was asked for" in headline(content)
    assert "no bound was asked for" in solve_sentence(content)
    assert "no bound was asked for" in " ".join(command_order(content).sure)
    assert not not_enough(content)
    result = Result("given", "feasible", None, Plan(()), 0.0, 0.8253, 0.0, 0)
    assert verdict(result) == "given, 0.8253; no bound was asked for"
    assert "gap" in verdict(replace(result, lower=0.5))


def test_the_order_of_a_mixture_orders_the_mixture() -> None:
    rows = (
        MixtureRow("North road", "checkpoint", "Police", 1.0, today=True, id="a"),
        MixtureRow("Ford", "checkpoint", "Police", 0.4, today=False, id="b"),
    )
    facts = MixtureFacts(3, 0.6, 0.59, 0.7, 0.14, 0.1, saturated=False, rows=rows, likeliest=0.6)
    content = replace(full_content(sites=(), beats=()), mixture=facts)
    order = command_order(content)
    assert "No order" not in order.summary
    assert "1 of 2\xa0placements stand always" in order.summary
    lines = {
        line.place: f"{line.verb} {line.details}" for group in order.groups for line in group.lines
    }
    assert "always" in lines["North road"]
    assert "on 40" in lines["Ford"]
    assert lines["Ford"].startswith("open")
    one = command_order(replace(content, mixture=replace(facts, plans=1)))
    assert not one.groups, "a mixture of one plan is ordered as that plan"
    almost = command_order(replace(content, mixture=replace(facts, likeliest=0.999)))
    assert "practically one plan" in almost.summary
    said = " ".join(mixture_sentences(content)).replace("\xa0", " ")
    assert "takes 14.00 % off it" in said
    assert "at least 10.00 % less is proven" in said
    unproven = replace(facts, lower=None, proven_gain=0.0, saturated=True)
    said = " ".join(mixture_sentences(replace(content, mixture=unproven)))
    assert "not proven that no plan" in said
    assert "Proven:" not in said
    assert "more sites would lower it" in said
