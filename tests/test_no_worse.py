"""No command reports a plan worse than one that it was given, than today's layout or
than a greedy pass, however early its time ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.analysis.cooperation.cooperation import cooperate
from optimizer.analysis.desk.desk import Desk
from optimizer.analysis.desk.session import DeskSearch
from optimizer.analysis.frontier.frontier import BudgetRange, frontier
from optimizer.analysis.uncertainty.sensitivity import VariationEnd, _Base, vary
from optimizer.base.work.listener import SILENT
from optimizer.base.work.tasks import Task, TaskCall
from optimizer.base.work.work_clock import put_forward, work_seconds
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.agencies import coalition_problem
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan, violations
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.model import SolveModel
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start, made_to_fit
from optimizer.solvers.branch_and_cut.improve.local_search import PlanImprover, greedy
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, PooledValues
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.solve import solve
from tests.cases import brute_force, random_instance
from tests.referees.compact import COMPACT
from tests.test_compare_plans import on_a_map, written
from tests.test_joint import small_case
from tests.tiny import write_scenario

NO_TIME = 1e-6
"""Seconds: the time ends before any search begins."""

TERMS = SolveModel(gap=1e-6, time_limit=NO_TIME, threads=1)

SEEDS = (2, 5, 8)


def greedy_value(instance: Instance) -> float:
    """Return the value of a greedy plan."""
    overlay = contract(instance)
    commodities = Commodities.of(overlay)
    pooled = PooledValues(commodities, PathPool(overlay, commodities.searches))
    return plan_value(instance, greedy(instance, overlay, pooled, start=feasible_start(instance)))


def fitting_value(instance: Instance, placed: NDArray[np.bool_]) -> float:
    """Return the value of what of a plan fits; infinity where that is not feasible."""
    fits = made_to_fit(instance, placed)
    return np.inf if violations(instance, fits) else plan_value(instance, fits)


def least(instance: Instance, *plans: NDArray[np.bool_]) -> float:
    """Return what a plan of the instance must not be worse than."""
    today = np.array([option.existing for option in instance.options])
    known = (feasible_start(instance), today, *plans)
    return min(greedy_value(instance), *(fitting_value(instance, plan) for plan in known)) * (
        1 + 1e-9
    )


def solved(instance: Instance, given: Plan | None, method: str) -> list[tuple[Instance, float]]:
    """Solve with hardly any time."""
    result = solve(instance, method=method, time_limit=NO_TIME, start=given, threads=1)
    single = result.upper if result.mixed is None else result.mixed.pure_upper
    assert result.upper is not None
    assert single is not None
    assert result.upper <= single * (1 + 1e-9)
    return [(instance, single)]


def curve(instance: Instance, given: Plan | None) -> list[tuple[Instance, float]]:
    """Solve a budget curve around the plan's budget with hardly any time."""
    found = frontier(
        instance, [BudgetRange.between("money", 0, 12, 5)], TERMS, starts=[given] if given else []
    )
    return [
        (Changes({"money": point.budgets[0]}).applied(instance), point.upper)
        for point in found.points
    ]


def coalitions(instance: Instance, given: Plan | None) -> list[tuple[Instance, float]]:
    """Solve every coalition with hardly any time."""
    two = replace(
        instance,
        resources=tuple(replace(each, agency="") for each in instance.resources),
        options=tuple(
            replace(option, agency=("north", "south")[j % 2], forced=False)
            for j, option in enumerate(instance.options)
        ),
    )
    found = cooperate(two, TERMS, starts=[given] if given else [])
    return [(coalition_problem(two, each.members), each.upper) for each in found.coalitions]


COMMANDS: dict[str, Callable[[Instance, Plan | None], list[tuple[Instance, float]]]] = {
    "solve": lambda instance, given: solved(instance, given, "auto"),
    COMPACT: lambda instance, given: solved(instance, given, COMPACT),
    "mixed": lambda instance, given: solved(instance, given, "mixed"),
    "frontier": curve,
    "cooperate": coalitions,
}


@pytest.mark.parametrize("given", ["nothing", "a poor plan", "the best plan"])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_answer_is_worse_than_what_is_known(name: str, given: str) -> None:
    for seed in SEEDS:
        instance = random_instance(seed)
        forced = feasible_start(instance)
        known = {"a poor plan": forced, "the best plan": brute_force(instance)[1]}.get(given)
        for case, upper in COMMANDS[name](
            instance, None if known is None else Plan.from_mask(instance, known)
        ):
            assert upper <= least(case, *([] if known is None else [known]))


def test_a_wide_gap_is_no_leave_to_repeat_the_plan_of_a_smaller_budget() -> None:
    for seed in SEEDS:
        instance = random_instance(seed)
        found = frontier(
            instance, [BudgetRange.between("money", 0, 12, 5)], SolveModel(gap=0.9, threads=1)
        )
        for point in found.points:
            assert point.upper <= greedy_value(
                Changes({"money": point.budgets[0]}).applied(instance)
            ) * (1 + 1e-9)


def test_a_plan_made_to_fit_keeps_to_how_many_sites_may_change() -> None:
    instance = replace(random_instance(2), exclusions=(), resources=())
    free = replace(
        instance,
        options=tuple(replace(o, uses={}, forced=False, forbidden=False) for o in instance.options),
    )
    case = Changes(change_at_most=2).applied(free)
    assert not violations(case, made_to_fit(case, np.ones(len(case.options), dtype=bool)))


def test_a_desk_does_not_lose_the_plan_that_is_shown(tmp_path: Path) -> None:
    instance = on_a_map(2)
    _, best = brute_force(instance)
    desk = Desk(PlanFolder(written(tmp_path / "plan", instance, list(instance.ids_of(best)))).known)
    search = DeskSearch(desk, time_limit=NO_TIME)
    search.start()
    search.wait()
    search.take()
    assert desk.value <= least(instance, best)


def test_assumptions_are_varied_from_the_plan_whatever_fits_of_it(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    compiled = compile_scenario(scenario, solve={"time_limit": 60.0, "threads": 1})
    plan = solve(compiled.instance, threads=1).plan
    assert plan is not None
    placed = compiled.instance.placed(plan.options)
    base = _Base(scenario, {}, False, compiled, compiled.instance, plan)
    for amount in (1.0, 2.0, 4.0):
        end = VariationEnd("", budgets={compiled.instance.resources[0].id: amount})
        varied = vary(TaskCall(base, Task("", end), (), NO_TIME, True, SILENT))
        case = Changes(end.budgets).applied(compiled.instance)
        assert varied.upper <= least(case, placed)


@pytest.mark.slow
def test_teams_keep_what_fits_of_a_given_plan() -> None:
    instance, _ = small_case(1)
    best = solve(instance, gap=1e-4, threads=1)
    assert best.plan is not None
    assert best.upper is not None
    again = solve(instance, time_limit=NO_TIME, start=best.plan, threads=1)
    assert again.upper == pytest.approx(min(best.upper, again.upper or 1.0))
    found = frontier(instance, [BudgetRange.between("agents", 0, 6, 3)], TERMS, starts=[best.plan])
    assert found.points[-1].upper <= best.upper * (1 + 1e-9)
    assert found.points[0].upper >= found.points[1].upper >= found.points[2].upper


def hardly_better_than_today() -> tuple[Instance, NDArray[np.bool_]]:
    """Return a problem whose greedy plan is no better than today's layout, and that."""
    instance = random_instance(48)
    today = np.array([True, True, False, False, False, False])
    options = tuple(
        replace(option, existing=bool(used))
        for option, used in zip(instance.options, today, strict=True)
    )
    instance = replace(instance, options=options)
    assert greedy_value(instance) >= plan_value(instance, today)
    return instance, today


@pytest.mark.parametrize("method", ["auto", "greedy", "mixed"])
def test_todays_layout_is_bettered_whatever_the_time(method: str) -> None:
    """Where a greedy plan lets as much through as today's layout, options of that layout
    are exchanged until less does.
    """
    instance, today = hardly_better_than_today()
    ((_, value),) = solved(instance, None, method)
    assert value < plan_value(instance, today) * (1 - 1e-3)


def test_todays_layout_is_bettered_where_the_time_ends_with_the_greedy_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance, today = hardly_better_than_today()
    make = PlanImprover.greedy

    def and_then_time_is_up(self: PlanImprover, *, afresh: bool = False) -> NDArray[np.bool_]:
        made = make(self, afresh=afresh)
        put_forward(work_seconds() + 1e6)
        return made

    monkeypatch.setattr(PlanImprover, "greedy", and_then_time_is_up)
    result = solve(instance, method="greedy", time_limit=1e5, threads=1)
    assert result.limit == "time"
    assert result.upper is not None
    assert result.upper < plan_value(instance, today) * (1 - 1e-3)
