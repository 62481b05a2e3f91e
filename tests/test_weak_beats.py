"""Beats that bring little: those below their floor, those that give way to sites, and
what the others bring and take.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.base.text.formatting import SPACE, Amount
from optimizer.pipeline.briefing.guarantees import plan_warnings
from optimizer.plans.comparison import Comparison, compare
from optimizer.plans.weak_beats import beats_account, sites_for_beats, without_weak_beats
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.plan.evaluation import marginal_values, plan_value
from optimizer.problem.plan.plan import Plan, make_beat, violations, with_plan
from optimizer.problem.plan.result import Result
from optimizer.report.content.comparison import BeatsLeftOutRow, BeatsWorthFacts, beats_worth_table
from optimizer.report.content.first_page import command_order
from optimizer.solvers.solve import solve
from tests.report_case import full_content
from tests.test_joint import small_case


def test_a_beat_that_stops_less_than_its_floor_is_not_driven() -> None:
    instance, _ = small_case(1)
    found = solve(instance, gap=0.01)
    assert found.plan is not None
    assert found.upper is not None
    worth = marginal_values(with_plan(instance, found.plan), found.plan)
    beats = {beat.id: worth[beat.id] for beat in found.plan.beats}
    assert beats
    assert without_weak_beats(instance, found, {"mobile": 0.5 * min(beats.values())}).found is found
    driven = without_weak_beats(instance, found, {"mobile": 1e9})
    assert driven.found.plan is not None
    assert driven.found.plan.beats == ()
    whole = with_plan(instance, driven.found.plan)
    assert driven.found.upper == plan_value(whole, whole.placed(driven.found.plan.options))
    assert driven.found.upper > found.upper
    assert driven.found.lower == found.lower
    assert "not driven, as each stops less than the floor of its teams" in driven.warnings[0]


def of_beats_alone() -> tuple[Instance, Result, Comparison]:
    """Return a case whose plan is two beats, although a site for the same agents stops
    more: all ways into a destination.
    """
    instance, _ = small_case(1)
    gate = tuple(np.flatnonzero(instance.head == instance.evaders[2].destination).tolist())
    agents = replace(instance.resources[0], budget=2.0)
    options = (*instance.options, Option("gate", gate, (0.01,) * len(gate), {"agents": 2.0}))
    instance = replace(instance, options=options, resources=(agents,))
    none = replace(instance, options=tuple(replace(o, forbidden=True) for o in instance.options))
    found = solve(none, gap=0.01)
    assert found.plan is not None
    assert found.plan.beats
    return instance, found, compare(instance, found.plan)


def test_beats_give_way_to_sites_that_bring_more() -> None:
    instance, found, comparison = of_beats_alone()
    better = sites_for_beats(instance, found, comparison)
    plan, value = better.found.plan, better.found.upper
    assert plan is not None
    assert value is not None
    whole = with_plan(instance, plan)
    placed = whole.placed(plan.options)
    assert not violations(whole, placed)
    assert value == plan_value(whole, placed)
    assert value < comparison.plan.value
    assert [each.id for each in plan.fixed] == ["gate"]
    assert "what they took of the budgets brings more there" in better.warnings[0]
    again = sites_for_beats(instance, better.found, compare(instance, plan))
    assert again.found.upper is not None
    assert again.found.upper <= value


def test_an_optimal_plan_keeps_its_beats() -> None:
    instance, _ = small_case(1)
    found = solve(instance, gap=0.0)
    assert found.plan is not None
    assert sites_for_beats(instance, found, compare(instance, found.plan)).found is found


def test_the_account_of_beats_is_exact_and_compares_with_the_best_site_for_the_money() -> None:
    instance, found, comparison = of_beats_alone()
    assert found.plan is not None
    account = beats_account(comparison, len(instance.options))
    assert account is not None
    worth = [comparison.marginal_values[beat] for beat in account.order]
    assert worth == sorted(worth)
    whole, beats = comparison.instance, {beat.id: beat for beat in found.plan.beats}
    for k, value in enumerate(account.values):
        rest = whole.placed(b for b in found.plan.options if b not in account.order[: k + 1])
        assert value == pytest.approx(plan_value(whole, rest))
    money = instance.resources[0].id
    taken = np.cumsum([whole.use[whole.option_index[beat], 0] for beat in account.order])
    assert [row[money] for row in account.freed] == taken.tolist()
    assert set(account.order) == set(beats)
    rates = [
        comparison.marginal_values[option.id] / option.uses[money]
        for option in instance.options
        if option.uses[money]
    ]
    site = instance.options[instance.option_index[account.site]]
    assert account.gain / site.uses[money] == pytest.approx(max(rates))
    lost = np.array(account.values) - comparison.plan.value
    steps = np.diff([0.0, *lost]) < max(rates) * np.diff([0.0, *taken])
    assert account.weak == next((k for k, weak in enumerate(steps) if not weak), len(steps))
    assert account.cost == {money: site.uses[money]}
    scarce = Resource("dogs", 0.0)
    options = (
        *instance.options[:-1],
        replace(instance.options[-1], uses={**instance.options[-1].uses, "dogs": 1.0}),
    )
    found_scarce = beats_account(
        compare(
            replace(instance, options=options, resources=(*instance.resources, scarce)), found.plan
        ),
        len(options),
    )
    assert found_scarce is not None
    assert (found_scarce.weak, found_scarce.site) == (0, "")  # there is no dog for the exchange


def test_a_plan_without_beats_has_no_account() -> None:
    instance, _ = small_case(1)
    assert beats_account(compare(instance, Plan(())), len(instance.options)) is None


def test_page_one_says_which_beats_bring_less_than_a_site_would() -> None:
    content = full_content()
    summary = replace(content.summary, upper=0.4, lower=0.38, beats=None)
    beats = content.driven
    rows = tuple(
        BeatsLeftOutRow(
            beat=beat.id,
            value=0.401 + place / 100,
            freed={"money": Amount(1500 * (place + 1), "thousand USD a year")},
        )
        for place, beat in enumerate(beats)
    )
    facts = BeatsWorthFacts(
        rows=rows,
        weak=1,
        site="North <b>",
        gain=0.02,
        costs={"money": Amount(2250, "thousand USD a year")},
    )
    content = replace(content, summary=summary, beats_worth=facts, mixture=None)
    said = next(
        each for each in command_order(content).buys if each.startswith("Beats bring")
    ).replace(SPACE, " ")
    assert (
        "Leaving out 1 beat of least worth lets 0.1 percentage points more through and frees money"
        " 1.5 million USD a year; North <b> would bring 2.0 percentage points for money 2.25"
        " million USD a year." in said
    )
    table = beats_worth_table(content).rows
    assert len(table) == len(beats)
    assert [bool(row[-1]) for row in table] == [True] + [False] * (len(beats) - 1)
    fewer = replace(content, beats_worth=replace(facts, weak=0))
    assert not any("Without the" in each for each in command_order(fewer).buys)


def test_three_teams_at_one_post_are_warned_of_and_two_are_not() -> None:
    instance, field = small_case(3, teams=3)
    forbidden = replace(
        instance, options=tuple(replace(option, forbidden=True) for option in instance.options)
    )
    found = solve(forbidden, gap=0.5)
    beats = tuple(make_beat(field, 0, [1], [1], f"b{k}") for k in range(3))
    for count in (2, 3):
        plan = Plan(beats[:count])
        said = plan_warnings(replace(found, plan=plan), compare(instance, plan))
        crowded = [each for each in said if "or more teams of one shift dwell at" in each]
        assert len(crowded) == (count == 3)
        limited = replace(instance, patrols=replace(field, teams_at_post=3))
        assert not any(
            each in crowded
            for each in plan_warnings(replace(found, plan=plan), compare(limited, plan))
        )
        assert all(beats[0].stops[0].post.label in each for each in crowded)
