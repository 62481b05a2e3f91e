"""What the first few changes of a plan alone bring: layouts that are feasible and
exact, with beats too; what the page says of them.
"""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from matplotlib.figure import Figure

from optimizer.base.text.formatting import SPACE
from optimizer.base.text.language import speaking
from optimizer.plans.comparison import first_changes
from optimizer.problem.instance.changes import Changes, changes_made
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import violations, with_plan
from optimizer.report.content.comparison import (
    FewChangesRow,
    FirstChangesFacts,
    first_changes_sentences,
)
from optimizer.report.content.first_page import command_order
from optimizer.report.figures import draw_changes
from optimizer.solvers.solve import solve
from tests.cases import brute_force
from tests.report_case import full_content
from tests.test_changes import sited
from tests.test_joint import small_case


@pytest.mark.parametrize("seed", range(6))
def test_layouts_of_few_changes_are_feasible_exact_and_no_better_than_the_best(seed: int) -> None:
    instance = sited(seed)
    instance = replace(
        instance, resources=tuple(replace(r, budget=12.0) for r in instance.resources)
    )
    value, placed = brute_force(instance)
    made = changes_made(instance.options, placed)
    found = first_changes(
        instance, placed, placed.size, lambda mask: plan_value(instance, mask), few=(2, 1, 0)
    )
    assert found.made == made
    assert [layout.most for layout in found.layouts] == [n for n in (2, 1, 0) if n < made]
    assert [count for count, _ in found.curve] == sorted({count for count, _ in found.curve})
    assert found.curve[-1] == (made, plan_value(instance, placed))
    for count, reached in found.curve:
        least = brute_force(Changes(change_at_most=count).applied(instance))[0]
        assert least * (1 - 1e-9) <= reached
    for layout in found.layouts:
        case = Changes(change_at_most=layout.most).applied(instance)
        assert not violations(case, layout.placed)
        assert layout.value == plan_value(instance, layout.placed)
        assert value * (1 - 1e-9) <= brute_force(case)[0] * (1 - 1e-9) <= layout.value


def test_a_layout_of_fewer_changes_stands_where_it_lets_less_through() -> None:
    """As in the chart beside it: what a layout of so many changes has in its way may be
    gone in one of fewer.
    """
    better = 0
    for seed in range(6):
        instance = sited(seed)
        instance = replace(
            instance, resources=tuple(replace(r, budget=12.0) for r in instance.resources)
        )
        _, placed = brute_force(instance)
        found = first_changes(
            instance, placed, placed.size, lambda mask: crc32(mask.tobytes()) / 2**32, few=(3, 2, 1)
        )
        curve = dict(found.curve)
        for layout in found.layouts:
            assert layout.value == min(
                reached for count, reached in curve.items() if count <= layout.most
            )
            better += layout.value < curve.get(layout.most, 0.0)
    assert better


def test_beats_make_room_for_what_stands_today() -> None:
    instance, _ = small_case(1)
    options = tuple(replace(option, existing=True) for option in instance.options)
    instance = replace(
        instance, options=options, resources=(replace(instance.resources[0], budget=4.0),)
    )
    plan = solve(
        replace(instance, options=tuple(replace(o, forbidden=True) for o in options)), gap=0.01
    ).plan
    assert plan is not None
    assert len(plan.beats) == 2
    whole = with_plan(instance, plan)
    placed = whole.placed(plan.options)
    (none,) = first_changes(
        whole, placed, len(options), lambda mask: plan_value(whole, mask), few=(0,)
    ).layouts
    assert none.placed[: len(options)].all()
    assert not none.placed[len(options) :].any()
    assert not violations(whole, none.placed)


def test_the_page_says_what_five_changes_bring_and_what_is_open() -> None:
    content = full_content()
    summary = replace(content.summary, existing=0.5, upper=0.4, lower=0.38, beats=None)
    rows = tuple(
        FewChangesRow(
            most=most, value=value, opens=("North", "South"), changes=(), closes=("East",)
        )
        for most, value in ((5, 0.42), (10, 0.55))
    )
    facts = FirstChangesFacts(rows=rows, made=28, tried=312)
    content = replace(content, summary=summary, first_changes=facts, beats_worth=None, mixture=None)
    said = [each.replace(SPACE, " ") for each in first_changes_sentences(content)]
    assert said == [
        (
            "5 of its 28 changes alone, with its beats as far as they fit, bring 80 % of what it"
            " gains on today, 8.0 percentage points; of any 5 at most 12.0 percentage points is"
            " proven."
        ),
        (
            "What 10 of its 28 changes alone, with its beats as far as they fit, bring is not yet"
            " known: between 0.0 percentage points and 12.0 percentage points."
        ),
        (
            "The first 5: open North, South; close East. This was found by taking changes back one"
            " by one; 312 layouts were valued."
        ),
    ]
    without = first_changes_sentences(replace(content, beats=()))
    assert (
        without[0]
        .replace(SPACE, " ")
        .startswith("5 of its 28 changes alone bring 80 % of what it gains on today")
    )
    order = [each.replace(SPACE, " ") for each in command_order(content).buys]
    assert set(said) <= set(order)


def test_a_plan_of_few_changes_has_nothing_to_say() -> None:
    instance = sited(1)
    today = np.array([option.existing for option in instance.options])
    found = first_changes(instance, today, today.size, lambda mask: plan_value(instance, mask))
    assert found.layouts == ()


def test_no_line_of_the_chart_goes_through_its_legend() -> None:
    content = full_content()
    facts = FirstChangesFacts(
        rows=(), curve=tuple((k, 0.74 - 0.001 * k) for k in range(27)), made=26, tried=27
    )
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    ax = figure.add_subplot()
    with speaking("pt"):
        draw_changes(ax, replace(content, first_changes=facts))
    figure.draw_without_rendering()
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y1 < ax.get_window_extent().y0
