"""What opening, closing and changing costs against today's layout: every plan tried,
solvers, certificates, files, and bad input.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.base.errors import InputError
from optimizer.base.text.formatting import SPACE
from optimizer.certificate.check import check
from optimizer.pipeline.check import check_scenario_file
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance, content_digest
from optimizer.problem.instance.options import Option
from optimizer.problem.plan.plan import violations, within_limits
from optimizer.report.content.comparison import BudgetRow, changing_sentences
from optimizer.report.content.first_page import command_order
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.solvers.solve import solve
from tests.cases import enumerated_values
from tests.certificate_cases import certified
from tests.examples import quick_first
from tests.referees.compact import COMPACT
from tests.report_case import full_content
from tests.test_changes import sited
from tests.test_joint import small_case, true_optimum
from tests.tiny import SCENARIO, SITES, write_scenario

COSTS = (
    "uses = { teams = 1 }\nopen_cost = { teams = 1.5 }\nclose_cost = { teams = 2 }\ncost_years = 4"
)
"""A kind whose opening takes .375 teams a year, and whose closing .5."""


def costly(seed: int) -> Instance:
    """Return a random instance in which changes take money; closing takes at most what is used."""
    instance, rng = sited(seed), np.random.default_rng(seed + 100)
    options = []
    for option in instance.options:
        used = option.uses.get("money", 0.0)
        amount = used * rng.uniform(0, 1) if option.existing else rng.uniform(0, 2)
        options.append(
            replace(option, change={"money": float(amount)} if rng.random() < 0.8 else {})
        )
    money = sum(o.uses.get("money", 0.0) for o in options if o.existing) + float(rng.uniform(0, 3))
    resources = tuple(
        replace(r, budget=money) if r.id == "money" else replace(r, budget=6.0)
        for r in instance.resources
    )
    return replace(instance, options=tuple(options), resources=resources)


def keeps(instance: Instance, placed: NDArray[np.bool_]) -> bool:
    """Whether running and changing fit the budgets, and no site has two options; in words."""
    for resource in instance.resources:
        total = sum(
            o.uses.get(resource.id, 0.0) for o, x in zip(instance.options, placed, strict=True) if x
        )
        total += sum(
            o.change.get(resource.id, 0.0)
            for o, x in zip(instance.options, placed, strict=True)
            if x != o.existing
        )
        if total > resource.budget * (1 + 1e-9):
            return False
    sites = [o.site for o, x in zip(instance.options, placed, strict=True) if x]
    return len(set(sites)) == len(sites)


@pytest.mark.parametrize("seed", quick_first([1, 2, 3, 5, 0, 4], 3))
def test_changes_cost_by_trying_every_plan(seed: int, tmp_path: Path) -> None:
    instance = costly(seed)
    masks = np.array(list(product((False, True), repeat=len(instance.options))))
    allowed = [m for m in masks if keeps(instance, m)]
    assert [m.tolist() for m in allowed] == [
        m.tolist() for m in masks if not violations(instance, m)
    ]
    assert [m.tolist() for m in allowed] == [
        m.tolist() for m in masks if within_limits(instance, m)
    ]
    best = enumerated_values(instance, np.array(allowed)).min()
    for method in ("cuts", COMPACT):
        result = solve(instance, method=method, gap=0.0)
        assert result.upper == pytest.approx(best, rel=1e-6)
        assert result.lower == pytest.approx(best, rel=1e-6)
    mixed = solve(instance, method="mixed", gap=1e-4)
    assert mixed.mixed is not None
    assert mixed.upper <= best * (1 + 1e-6)
    assert all(keeps(instance, instance.placed(plan.options)) for plan in mixed.mixed.mixture.plans)
    file = tmp_path / "costs.json"
    write_instance(file, instance)
    again = read_instance(file)
    assert content_digest(again) == content_digest(instance)
    lower, value = check(str(file), str(certified(file, again)[1]))
    assert float(lower) <= best * (1 + 1e-9) <= float(value) * (1 + 2e-9)


def test_a_budget_that_is_met_exactly_is_met_whatever_sums_round_to(tmp_path: Path) -> None:
    """Closing takes all that is used: .1 + .2 of .3, so that the budget less what
    closing takes is nothing, or less for rounding.
    """
    instance = sited(1)
    (a,), (b,) = (
        [j for j, o in enumerate(instance.options) if o.site == site][:1] for site in ("s0", "s1")
    )
    amounts = {a: 0.1, b: 0.2}
    options = tuple(
        replace(
            option,
            existing=j in amounts,
            uses={"money": amounts.get(j, 3.0)},
            change={"money": amounts.get(j, 0.0)},
        )
        for j, option in enumerate(instance.options)
    )
    resources = tuple(
        replace(r, budget=0.3 if r.id == "money" else 6.0) for r in instance.resources
    )
    instance = replace(instance, options=options, resources=resources)
    masks = np.array(list(product((False, True), repeat=len(options))))
    allowed = [m for m in masks if keeps(instance, m)]
    assert len(allowed) == 4
    assert [m.tolist() for m in allowed] == [
        m.tolist() for m in masks if not violations(instance, m)
    ]
    best = enumerated_values(instance, np.array(allowed)).min()
    for method in ("cuts", COMPACT, "greedy"):
        assert solve(instance, method=method, gap=0.0).upper == pytest.approx(best, rel=1e-9)
    file = tmp_path / "exact.json"
    write_instance(file, instance)
    lower, value = check(str(file), str(certified(file, read_instance(file))[1]))
    assert float(lower) <= best * (1 + 1e-9) <= float(value) * (1 + 2e-9)


def test_amounts_say_what_is_run_and_what_is_changed() -> None:
    arcs: dict[str, tuple[int, ...]] = {"arcs": (0,), "survival": (0.5,)}  # type: ignore[dict-item]
    options = (
        Option("old", **arcs, uses={"money": 3.0}, site="a", existing=True, change={"money": 1.0}),  # type: ignore[arg-type]
        Option("new", **arcs, uses={"money": 2.0}, site="b", change={"money": 4.0}),  # type: ignore[arg-type]
    )
    instance = replace(sited(0), options=options, exclusions=(), requirements=())
    money = [resource.id for resource in instance.resources].index("money")
    stays, moves, nothing = (
        np.array(mask) for mask in ([True, False], [False, True], [False, False])
    )
    assert instance.amounts(stays)[money] == 3.0
    assert instance.amounts(moves)[money] == 7.0
    assert instance.amounts(nothing)[money] == 1.0
    assert instance.changed(moves).tolist() == [True, True]
    assert instance.changed(stays).tolist() == [False, False]
    less = Changes(budgets={"money": 6.5}).applied(instance)
    assert violations(less, stays) == []
    assert violations(less, moves) == [
        "resource 'money' is over its budget: 7 of 6.5 EUR, used by 'new'"
    ]


def test_an_option_under_other_terms_is_no_change() -> None:
    """A sensor that another team answers stays where it is."""
    arcs: dict[str, tuple[int, ...]] = {"arcs": (0,), "survival": (0.5,)}  # type: ignore[dict-item]
    terms = {"site": "a", "type": "camera", "uses": {"money": 3.0}, "change": {"money": 1.0}}
    options = (Option("one", **arcs, **terms, existing=True), Option("other", **arcs, **terms))  # type: ignore[arg-type]
    instance = replace(sited(0), options=options, exclusions=(), requirements=())
    money = [resource.id for resource in instance.resources].index("money")
    assert instance.amounts(np.array([False, True]))[money] == 3.0
    assert not instance.changed(np.array([False, True])).any()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 4])
def test_beats_and_changes_share_a_budget(seed: int) -> None:
    instance, field = small_case(seed)
    options = (
        replace(instance.options[0], existing=True, change={"agents": 1.0}),
        replace(instance.options[1], change={"agents": 0.5}),
    )
    instance = replace(instance, options=options)
    result = solve(instance, gap=1e-6)
    assert result.upper == pytest.approx(true_optimum(instance, field), rel=1e-6)


def test_a_scenario_says_what_changes_cost(tmp_path: Path) -> None:
    compiled = compile_scenario(
        write_scenario(tmp_path, SCENARIO.replace("uses = { teams = 1 }", COSTS))
    )
    change = {option.id: dict(option.change) for option in compiled.instance.options}
    assert change == {
        "a": {"teams@police": 0.5},
        **{key: {"teams@police": 0.375} for key in "bcde"},
    }
    assert compiled.instance.closing.tolist() == [0.5]
    assert compiled.instance.budget == pytest.approx(np.array([2.5]), rel=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("teams = 1.5", "teams = -1", "at least 0"),
        ("cost_years = 4", "cost_years = 0", "above 0"),
        ("\ncost_years = 4", "", "cost_years together with open_cost or close_cost"),
        ("cost_years = 4", "cost_years = 1", "Give at least 2 cost_years"),
        ("open_cost = { teams", "open_cost = { tems", "tems"),
    ],
)
def test_what_cannot_cost_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    scenario = write_scenario(
        tmp_path, SCENARIO.replace("uses = { teams = 1 }", COSTS.replace(old, new))
    )
    problems = check_scenario_file(scenario).problems
    assert said in " ".join(str(problem) for problem in problems)


def test_costs_need_a_layout_of_today_that_is_said_where_it_does_not_fit(tmp_path: Path) -> None:
    text = SCENARIO.replace("uses = { teams = 1 }", COSTS)
    scenario = write_scenario(tmp_path, text.replace("budget = 3", "budget = 0.75"))
    (warning,) = [
        each for each in check_scenario_file(scenario).warnings if "Today's layout" in each
    ]
    assert (
        warning
        == "Today's layout takes 1 of teams@police, and there is 0.75: not all of it can stay."
    )
    (tmp_path / "sites.csv").write_text(SITES.replace("police,post,", "police,,"), encoding="utf-8")
    problems = check_scenario_file(scenario).problems
    assert [problem.expected for problem in problems] == ["a layout of today"] * 2


def test_an_instance_whose_closing_takes_more_than_is_used_is_refused() -> None:
    option = Option("old", (0,), (0.5,), {"money": 1.0}, existing=True, change={"money": 1.5})
    instance = replace(sited(0), options=(option,), exclusions=(), requirements=())
    with pytest.raises(
        InputError, match=r"closing takes 1\.5 of 'money', more than the 1 that it uses"
    ):
        solve(instance)


def test_the_first_page_says_what_changes_take_once_and_a_year() -> None:
    row = BudgetRow(
        resource="money",
        unit="thousand USD a year",
        used=9.0,
        budget=10.0,
        once=12000.0,
        changing=2400.0,
    )
    content = full_content(budgets=(row,))
    (said,) = changing_sentences(content)
    expected = (
        "Opening and closing takes 12 of money once; its budget bears 2.4 of it (million USD a"
        " year)."
    )
    assert said.replace(SPACE, " ") == expected
    assert said in command_order(content).buys
