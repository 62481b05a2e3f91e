"""Limits that planners state, held by trying every plan."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.base.errors import InfeasibleError, InputError
from optimizer.pipeline.check import check_scenario_file
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import evaluate
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.solvers.solve import solve
from tests.cases import check_methods
from tests.tiny import SCENARIO, write_scenario

Sites = set[str]


def scenario(folder: Path, *limits: str) -> Path:
    stated = "".join(f'[[limits]]\nid = "limit-{k}"\n{limit}\n' for k, limit in enumerate(limits))
    return write_scenario(folder, SCENARIO.replace("[sites]", stated + "\n[sites]"))


def best(instance: Instance, allowed: Callable[[Sites], bool]) -> float:
    """Return the least value of the plans of at most three sites that are allowed."""
    sites = {option.id: option.site for option in instance.options}
    plans = (plan for size in range(4) for plan in itertools.combinations(sites, size))
    kept = [plan for plan in plans if allowed({sites[option] for option in plan})]
    return min(evaluate(instance, plan).value for plan in kept)


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        (['sites = ["a", "c", "d"]\nat_most = 1'], lambda s: len(s & {"a", "c", "d"}) <= 1),
        (['sites = ["c", "e"]\nat_least = 2'], lambda s: {"c", "e"} <= s),
        (['areas = ["south"]\nexactly = 2'], lambda s: len(s & {"a", "c", "d", "e"}) == 2),
        (['resource = "teams"\nat_most = 2'], lambda s: len(s) <= 2),
        (
            ['areas = ["north"]\nat_least = 1', 'areas = ["south"]\nat_least = 1\nat_most = 1'],
            lambda s: "b" in s and len(s - {"b"}) == 1,
        ),
    ],
)
def test_the_best_plan_within_limits_is_found_by_every_method(
    tmp_path: Path, limits: list[str], allowed: Callable[[Sites], bool]
) -> None:
    instance = compile_scenario(scenario(tmp_path, *limits)).instance
    check_methods(instance, best(instance, allowed))


def test_limits_that_no_plan_keeps_together_are_named(tmp_path: Path) -> None:
    path = scenario(tmp_path, 'areas = ["south"]\nat_least = 3', 'areas = ["north"]\nat_least = 1')
    with pytest.raises(InfeasibleError, match="without 'limit-0' or 'limit-1' one would"):
        solve(compile_scenario(path).instance)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ('kinds = ["post-x"]\nat_most = 1', "'post-x'"),
        ('agencies = ["army"]\nat_most = 1', "'army'"),
        ('resource = "money"\nat_most = 1', "'money'"),
        ('sites = ["z"]\nat_most = 1', "'z'"),
        ('areas = ["west"]\nat_most = 1', "'west'"),
        ("", "at_most, at_least or both; or exactly alone"),
        ("at_least = 2\nat_most = 1", "at_least that is not above at_most"),
        ("exactly = 2\nat_most = 3", "at_most, at_least or both; or exactly alone"),
        ("at_most = 0", "at_most"),
    ],
)
def test_check_names_what_a_limit_has_wrong(tmp_path: Path, limit: str, words: str) -> None:
    problems = check_scenario_file(scenario(tmp_path, limit)).problems
    assert [problem for problem in problems if words in str(problem)], problems


def test_a_limit_above_what_is_offered_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="offers no more sites that count"):
        compile_scenario(scenario(tmp_path, 'areas = ["south"]\nat_least = 5'))
