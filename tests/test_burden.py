"""Honest travellers: delay in line and by second inspections, and caps and parity of
searches, held by trying every plan.
"""

from __future__ import annotations

import html
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from optimizer.analysis.frontier.frontier import BudgetRange, frontier
from optimizer.base.errors import InfeasibleError, InputError
from optimizer.pipeline.check import check_scenario_file
from optimizer.pipeline.plan import plan_scenario
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.detection import checkpoint_survival
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import evaluate
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.model import SolveModel
from optimizer.scenario.file.traffic import DelayModel, SecondaryModel, Traffic, stopping_day
from optimizer.solvers.mixed.exploitability import exploitability
from optimizer.solvers.solve import solve
from tests.cases import check_methods
from tests.test_waiting import mean_wait
from tests.tiny import SCENARIO, SITES, write_scenario

COMMUNITIES = """
[[communities]]
id = "south"
label = "Southern villages"
areas = ["south"]
passages = 900
{south}

[[communities]]
id = "north"
areas = ["north"]
{north}
"""
SEARCHES = {"a": 400.0, "b": 480.0, "c": 300.0, "d": 480.0, "e": 40.0}
"""Vehicles that the post of each site of `tests.tiny` inspects a day: at most 30 an
hour over 16 busy hours.
"""
SOUTH, NORTH = ("a", "c", "d", "e"), ("b",)


def scenario(
    folder: Path, more: str = "", *, south: str = "", north: str = "", sites: str = SITES
) -> Path:
    text = SCENARIO.replace(
        "[sites]", COMMUNITIES.format(south=south, north=north) + more + "\n[sites]"
    )
    path = write_scenario(folder, text)
    (folder / "sites.csv").write_text(sites, encoding="utf-8")
    return path


def burdens(plan: tuple[str, ...]) -> tuple[float, float]:
    """Return searches per passage in the south and in the north, whose only traffic is
    that past its site.
    """
    return (
        sum(SEARCHES[s] for s in plan if s in SOUTH) / 900,
        sum(SEARCHES[s] for s in plan if s in NORTH) / 800,
    )


def best(instance: Instance, allowed: object) -> float:
    """Return the least value of the plans of at most three sites that are allowed."""
    assert callable(allowed)
    names = [option.id for option in instance.options]
    plans = [plan for size in range(4) for plan in itertools.combinations(names, size)]
    return min(evaluate(instance, plan).value for plan in plans if allowed(*burdens(plan)))


@pytest.mark.parametrize("cap", [0.2, 0.45, 0.6, 0.8])
def test_a_cap_is_kept_by_every_method_and_every_bound_holds_with_it(
    tmp_path: Path, cap: float
) -> None:
    instance = compile_scenario(scenario(tmp_path, f"[burden]\ncap = {cap}\n")).instance
    uses = {option.id: dict(option.uses) for option in instance.options}
    assert uses["d"] == {"teams@police": 1.0, "searches in south": pytest.approx(480 / 900)}
    assert uses["b"] == {"teams@police": 1.0, "searches in north": pytest.approx(480 / 800)}
    check_methods(instance, best(instance, lambda south, north: max(south, north) <= cap + 1e-9))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "value", "allowed"),
    [
        ("difference", 0.1, lambda s, n: abs(s - n) <= 0.1),
        ("difference", 0.3, lambda s, n: abs(s - n) <= 0.3),
        ("ratio", 1.2, lambda s, n: max(s, n) <= 1.2 * (900 * s + 800 * n) / 1700 + 1e-12),
        ("ratio", 1.0, lambda s, n: max(s, n) <= (900 * s + 800 * n) / 1700 + 1e-12),
    ],
)
def test_parity_is_kept_by_every_method_and_every_bound_holds_with_it(
    tmp_path: Path, limit: str, value: float, allowed: object
) -> None:
    instance = compile_scenario(scenario(tmp_path, f"[burden]\n{limit} = {value}\n")).instance
    check_methods(instance, best(instance, allowed))


def test_communities_of_one_label_are_told_apart(tmp_path: Path) -> None:
    path = scenario(tmp_path, "[burden]\ndifference = 0.3\n", north='label = "Southern villages"')
    instance = compile_scenario(path).instance
    assert (
        "Southern villages (south) at most 0.3 more than in Southern villages (north)"
        in instance.requirements[0].id
    )
    check_methods(instance, best(instance, lambda s, n: abs(s - n) <= 0.3))


def test_greedy_adds_what_mends_a_broken_parity(tmp_path: Path) -> None:
    instance = compile_scenario(scenario(tmp_path, "[burden]\nratio = 1.2\n")).instance
    nothing = evaluate(instance, ()).value
    result = solve(instance, method="greedy", gap=1e-6)
    assert result.upper is not None
    # any single site is more than the south or the north may bear alone
    assert result.upper < nothing


def test_a_mixture_keeps_caps_in_each_of_its_plans(tmp_path: Path) -> None:
    instance = compile_scenario(
        scenario(tmp_path, "[burden]\ncap = 0.6\ndifference = 0.5\n")
    ).instance
    result = solve(instance, method="mixed", gap=0.01)
    assert result.mixed is not None
    assert result.lower is not None
    for plan in result.mixed.mixture.plans:
        south, north = burdens(plan.options)
        assert max(south, north) <= 0.6 + 1e-9
        assert abs(south - north) <= 0.5 + 1e-9
    assert result.lower <= exploitability(result.mixed.mixture, instance).value * (1 + 1e-9)


def test_the_price_of_fairness_is_a_frontier_over_the_cap_of_all(tmp_path: Path) -> None:
    instance = compile_scenario(scenario(tmp_path, "[burden]\ncap = 1\n")).instance
    curve = frontier(instance, [BudgetRange.between("searches", 0.0, 1.0, 6)], SolveModel(gap=1e-6))
    for point in curve.points:
        cap = point.budgets[0]
        optimum = best(instance, lambda south, north, cap=cap: max(south, north) <= cap + 1e-9)
        assert point.lower <= optimum * (1 + 1e-9) <= point.upper * (1 + 2e-9)
        assert point.upper <= optimum * (1 + 1e-5)
    assert curve.points[0].plan.options == ()


def test_limits_live_in_the_instance_file(tmp_path: Path) -> None:
    instance = compile_scenario(scenario(tmp_path, "[burden]\ncap = 0.6\nratio = 1.5\n")).instance
    write_instance(tmp_path / "instance.json", instance)
    again = read_instance(tmp_path / "instance.json")
    assert [r.id for r in again.resources] == [
        "teams@police",
        "searches in south",
        "searches in north",
    ]
    assert [(r.id, r.least) for r in again.requirements] == [
        (r.id, r.least) for r in instance.requirements
    ]


@pytest.mark.slow
@pytest.mark.report
def test_the_report_and_the_plan_file_say_who_bears_the_searches(tmp_path: Path) -> None:
    path = scenario(tmp_path, "[burden]\ncap = 0.9\n", north="cap = 0.7")
    planned = plan_scenario(path, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))
    burden = planned.compiled.burden
    assert (
        dict(zip(planned.compiled.instance.option_index, burden.inspected.tolist(), strict=True))
        == SEARCHES
    )
    used = {resource["id"]: resource["used"] for resource in found["resources"]}
    south, north = burdens(tuple(planned.plan.options))
    assert used["searches in south"] == pytest.approx(south)
    assert used["searches in north"] == pytest.approx(north)
    page = html.unescape((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "Who bears the searches" in page
    assert "Southern villages" in page
    assert "searches in south" in page


@pytest.mark.parametrize(
    ("more", "limits", "message"),
    [
        ("[burden]\nratio = 0.5\n", {}, "ratio"),
        ("[burden]\ncap = -1\n", {}, "cap"),
        ("", {"south": 'roads = ["Nowhere Road"]'}, "which no road is called"),
        (
            '[[communities]]\nid = "x"\nareas = ["south"]\nroad_classes = ["motorway"]\n',
            {},
            "motorway",
        ),
        ('[[communities]]\nid = "x"\nareas = ["atlantis"]\n', {}, "atlantis"),
        ('[[communities]]\nid = "x"\n', {}, "at least one of areas, roads, road_classes"),
        (
            (
                '[[communities]]\nid = "x"\nareas = ["south"]\nroad_classes = ["track"]\ngender ='
                ' "f"\n'
            ),
            {},
            "gender",
        ),
        ('[[communities]]\nid = "south"\nareas = ["south"]\n', {}, "'south' again"),
    ],
)
def test_what_is_wrong_is_said_once(
    tmp_path: Path, more: str, limits: dict[str, str], message: str
) -> None:
    checked = check_scenario_file(scenario(tmp_path, more, **limits))
    assert any(message in f"{p.where} {p.found} {p.expected}" for p in checked.problems), (
        checked.problems
    )


def test_passages_that_nobody_knows_are_asked_for(tmp_path: Path) -> None:
    sites = SITES.replace(",800,post", ",,post")
    checked = check_scenario_file(scenario(tmp_path, sites=sites))
    assert [p.where.rpartition(", ")[2] for p in checked.problems] == ["passages"]


def test_a_cap_that_nothing_can_meet_is_one_message(tmp_path: Path) -> None:
    sites = SITES.replace("agency,existing,traffic,kinds", "agency,existing,traffic,kinds,forced")
    sites = sites.replace(",post,400,post\n", ",post,400,post,yes\n")
    path = scenario(tmp_path, south="cap = 0.3", sites=sites)
    [problem] = check_scenario_file(path).problems
    assert "'south', cap" in problem.where
    assert "0.3 searches per honest passage" in problem.found
    with pytest.raises(InputError, match="a cap that a plan can meet"):
        compile_scenario(path)
    parity = scenario(tmp_path, "[burden]\ndifference = 0\n", sites=sites)
    with pytest.raises(InfeasibleError, match="searches per passage in"):
        solve(compile_scenario(parity).instance)


def test_no_limits_leave_the_instance_as_it_was(tmp_path: Path) -> None:
    with_them = compile_scenario(scenario(tmp_path)).instance
    without = compile_scenario(write_scenario(tmp_path, SCENARIO)).instance
    assert [dict(o.uses) for o in with_them.options] == [dict(o.uses) for o in without.options]
    assert with_them.requirements == ()


BUSY = Traffic(2400.0, 24.0)


def test_the_wait_of_a_steady_day_comes_on_top_of_the_inspections() -> None:
    plain = stopping_day(60, 2, DelayModel(resource="d", minutes=1.5), None, BUSY)
    assert plain.lost == pytest.approx(2400 * 1.5 / 60)
    queued = stopping_day(
        60, 2, DelayModel(resource="d", minutes=1.5, longest_wait=300), None, BUSY
    )
    assert queued.share == pytest.approx(1, abs=1e-6)
    assert queued.lost == pytest.approx(2400 * (1.5 / 60 + mean_wait(100, 60, 2)), rel=1e-3)
    narrow = stopping_day(
        60, 2, DelayModel(resource="d", minutes=1.5, longest_wait=300, inspectors=3), None, BUSY
    )
    assert narrow.lost == pytest.approx(2400 * (1.5 / 60 + mean_wait(100, 20, 6)), rel=1e-3)


def test_traffic_by_hour_decides_the_share_that_is_inspected() -> None:
    uneven = Traffic(2400.0, 16.0, "site", (1.0,) * 12 + (3.0,) * 12)
    assert stopping_day(100, 1, None, None, uneven).share == pytest.approx(
        (50 * 12 + 100 * 12) / 2400
    )
    assert stopping_day(100, 1, None, None, BUSY).share == pytest.approx(1)
    queued = stopping_day(
        100, 1, DelayModel(resource="d", minutes=1, longest_wait=30), None, uneven
    )
    assert queued.share == pytest.approx((50 * 12 + 100 * 12) / 2400, rel=0.05)
    assert queued.lost > queued.inspected / 60


def test_second_inspections_find_more_take_longer_and_have_room_for_so_many() -> None:
    second = SecondaryModel(share=0.1, minutes=12, bays=1, referral=0.5, detection=0.8)
    delay = DelayModel(resource="d", minutes=1, longest_wait=600)
    roomy = stopping_day(400, 1, delay, second, Traffic(720.0, 24.0))
    first = stopping_day(400, 1, delay, None, Traffic(720.0, 24.0))
    assert roomy.done_again == pytest.approx(1, abs=1e-3)
    assert roomy.lost - first.lost == pytest.approx(72 * (12 / 60 + mean_wait(3, 5, 1)), rel=2e-3)
    crowded = stopping_day(400, 1, None, second, Traffic(7200.0, 24.0))
    assert crowded.done_again == pytest.approx(5 / 30)
    assert crowded.lost == 0


def test_a_kind_with_a_second_stage_in_a_scenario(tmp_path: Path) -> None:
    text = SCENARIO.replace(
        "detection = 0.5\n",
        "detection = 0.5\nsecondary = { share = 0.05, minutes = 10, bays = 20, referral = 0.6,"
        " detection = 0.9 }\n",
    )
    instance = compile_scenario(write_scenario(tmp_path, text)).instance
    b = instance.options[instance.option_index["b"]]
    assert b.survival[0] == pytest.approx(checkpoint_survival(30, 50, 1 - 0.5 * (1 - 0.6 * 0.9)))
    assert np.allclose(b.survival, b.survival[0])


def test_bad_hours_and_second_stages_are_refused(tmp_path: Path) -> None:
    few = SCENARIO.replace("[sites]", "[traffic]\nby_hour = [1, 2]\n[sites]")
    assert "24 numbers" in check_scenario_file(write_scenario(tmp_path, few)).problems[0].expected
    more = SCENARIO.replace(
        "detection = 0.5\n",
        "detection = 0.5\nsecondary = { share = 2, minutes = 10, bays = 1, referral = 0.6,"
        " detection = 0.9 }\n",
    )
    assert any(
        "secondary.share" in p.where
        for p in check_scenario_file(write_scenario(tmp_path, more)).problems
    )
