"""Requirements: sums that a plan must reach, held by trying every plan, with options
alone and with beats.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize
from ortools.sat.python import cp_model

from optimizer.base.errors import InfeasibleError, InputError
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import Requirement, implied_options, requirements_met
from optimizer.problem.plan.plan import violations, with_plan
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.solve import solve
from tests.cases import brute_force, random_instance
from tests.examples import quick_first
from tests.referees.compact import COMPACT
from tests.test_joint import small_case, true_optimum

GAP = 1e-4


def with_requirements(instance: Instance, seed: int) -> Instance:
    rng = np.random.default_rng(seed)
    n = len(instance.options)
    requirements = []
    for number in range(int(rng.integers(1, 3))):
        count = int(rng.integers(1, n + 1))
        options = tuple(int(j) for j in rng.choice(n, count, replace=False))
        coefficients = tuple(float(c) for c in rng.choice([1, 1, 1, -1, 2, -3, 0.5], count))
        requirements.append(
            Requirement(f"r{number}", options, coefficients, float(rng.integers(-2, 3)))
        )
    return replace(instance, requirements=tuple(requirements))


@pytest.mark.parametrize("seed", range(24))
def test_every_method_finds_what_trying_every_plan_finds(seed: int) -> None:
    instance = with_requirements(random_instance(seed), seed + 77)
    optimum, _ = brute_force(instance)
    for method in ("cuts", COMPACT, "greedy"):
        if np.isinf(optimum):
            with pytest.raises(InfeasibleError, match="requirement"):
                solve(instance, method=method)
            continue
        result = solve(instance, method=method, gap=GAP)
        assert result.plan is not None
        assert result.lower is not None
        assert result.upper is not None
        assert not violations(instance, instance.placed(result.plan.options))
        assert result.lower <= optimum * (1 + 1e-9) <= result.upper * (1 + 2e-9)
        assert method == "greedy" or result.upper <= optimum * (1 + 1.1 * GAP)


@pytest.mark.parametrize("largest", [1.0, 1e6, 1e9, 1e12])
def test_a_start_is_found_beside_options_of_any_size(largest: float) -> None:
    """A use that exceeds its budget a trillion times leaves the small ones of the row in sight."""
    instance = random_instance(0)
    uses = [largest, 0.1, 0.3, largest, 0.2, 0.0][: len(instance.options)]
    options = tuple(
        replace(o, uses={"teams": use}, site="", forced=False, forbidden=False)
        for o, use in zip(instance.options, uses, strict=True)
    )
    asked = Requirement("two", tuple(range(len(options))), (1.0,) * 5 + (0.5,), 2.4)
    instance = replace(
        instance,
        options=options,
        exclusions=(),
        resources=(replace(instance.resources[0], budget=0.35, agency=""),),
        requirements=(asked,),
    )
    with pytest.raises(InfeasibleError):
        feasible_start(replace(instance, requirements=(replace(asked, least=3.0),)))
    assert feasible_start(instance).tolist() == [False, True, False, False, True, True]


def test_that_there_is_no_plan_is_not_the_word_of_one_solver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = random_instance(0)
    everything = Requirement(
        "all", tuple(range(len(instance.options))), (1.0,) * len(instance.options), 1.0
    )
    instance = replace(instance, requirements=(everything,))
    beyond = replace(
        instance, requirements=(replace(everything, least=len(instance.options) + 1.0),)
    )
    with pytest.raises(InfeasibleError) as told:
        feasible_start(beyond)
    assert "One solver" not in str(told.value)
    # a solver that errs
    monkeypatch.setattr(scipy.optimize, "milp", lambda *_, **__: SimpleNamespace(x=None))
    assert not violations(instance, feasible_start(instance))
    monkeypatch.setattr(cp_model.CpSolver, "solve", lambda *_: cp_model.UNKNOWN)
    with pytest.raises(InfeasibleError, match="One solver alone"):
        feasible_start(beyond)


def test_a_budget_that_many_plans_miss_by_next_to_nothing_is_told_at_once() -> None:
    """Ten of 24 options use a millionth more than there is: none of two million choices
    is tried by itself.
    """
    instance = random_instance(0)
    options = tuple(
        Option(f"o{j}", (0,), (0.5,), {"teams": 0.1 * (1 + 5e-7) + 1e-9 * (j % 3)})
        for j in range(24)
    )
    asked = Requirement("ten", tuple(range(24)), (1.0,) * 24, 10.0)
    resources = (Resource("teams", 1.0),)
    instance = replace(
        instance, options=options, exclusions=(), resources=resources, requirements=(asked,)
    )
    with pytest.raises(InfeasibleError):
        feasible_start(instance)
    assert feasible_start(replace(instance, requirements=(replace(asked, least=9.0),))).sum() == 9


@pytest.mark.slow
@pytest.mark.parametrize("seed", quick_first(range(4), 1))
def test_beats_beside_options_that_must_be_placed(seed: int) -> None:
    instance, field = small_case(seed)
    needed = replace(instance, requirements=(Requirement("one of both", (0, 1), (1.0, 1.0), 1.0),))
    forced = [instance.with_forced(option.id) for option in instance.options]
    optimum = min(true_optimum(one, field) for one in forced)
    result = solve(needed, gap=0.01)
    assert result.plan is not None
    assert result.lower is not None
    assert result.upper is not None
    whole = with_plan(needed, result.plan)
    assert not violations(whole, whole.placed(result.plan.options))
    assert result.lower <= optimum * (1 + 1e-9)
    assert optimum <= result.upper * (1 + 1e-9)
    assert result.upper <= optimum * 1.02


def test_what_requirements_imply_holds_in_every_plan() -> None:
    decided = 0
    for seed in range(60):
        instance = with_requirements(random_instance(seed), seed)
        rng = np.random.default_rng(seed)
        n = len(instance.options)
        state = rng.integers(0, 4, n)
        ones, zeros = state == 0, state == 1
        found = implied_options(instance, ones, zeros)
        plans = [
            plan
            for plan in (
                np.array([bits >> j & 1 for j in range(n)], dtype=bool) for bits in range(2**n)
            )
            if requirements_met(instance, plan)
            and not (ones & ~plan).any()
            and not (zeros & plan).any()
        ]
        assert found.possible or not plans
        for plan in plans:
            assert not (found.ones & ~plan).any()
            assert not (found.zeros & plan).any()
        decided += int((found.ones | found.zeros).sum()) - int((ones | zeros).sum())
    assert decided > 20


def test_what_is_in_the_way_is_named() -> None:
    instance = random_instance(3)
    everything = tuple(range(len(instance.options)))
    ones = (1.0,) * len(everything)
    too_much = Requirement("nearly all", everything, ones, float(len(everything)))
    little = Requirement("none is needed", everything, ones, 0.0)
    with pytest.raises(InfeasibleError, match="without 'nearly all' one would"):
        feasible_start(replace(instance, requirements=(little, too_much)))


def test_files_give_them_back(tmp_path: Path) -> None:
    instance = replace(
        random_instance(3), requirements=(Requirement("few", (0, 2), (1.0, -0.5), 0.25),)
    )
    write_instance(tmp_path / "i.json", instance)
    assert read_instance(tmp_path / "i.json").requirements == instance.requirements
    content = json.loads((tmp_path / "i.json").read_text())
    content["requirements"][0]["terms"][0]["option"] = "nobody"
    (tmp_path / "i.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="requirement 'few'"):
        read_instance(tmp_path / "i.json")


@pytest.mark.parametrize(
    ("requirement", "message"),
    [
        (Requirement("r", (0, 0), (1.0, 1.0), 1.0), "named twice"),
        (Requirement("r", (0,), (1.0, 1.0), 1.0), "one coefficient for each option"),
        (Requirement("r", (99,), (1.0,), 1.0), "positions of options"),
        (Requirement("r", (0,), (np.nan,), 1.0), "no number"),
        (Requirement("", (0,), (1.0,), 1.0), "each id once"),
    ],
)
def test_faults_are_named(requirement: Requirement, message: str) -> None:
    with pytest.raises(InputError, match=message):
        solve(replace(random_instance(3), requirements=(requirement,)))
