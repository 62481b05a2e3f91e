"""No result that is false: routes too small to compute with are left out with a word,
and every method ends in a check that knows nothing of the search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from optimizer.base.errors import SolverError
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import Plan
from optimizer.problem.plan.result import Result
from optimizer.problem.plan.weight_scenarios import Draws, Objective
from optimizer.solvers import solve as solve_module
from optimizer.solvers.final_check import checked_result
from optimizer.solvers.over_draws import solve_over_draws
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.solve import solve, solve_with
from tests.cases import Recorder, brute_force, random_instance
from tests.draw_cases import DrawCase
from tests.referees.compact import COMPACT

SEED = 2
"""A random instance with evaders of both kinds."""
METHODS = ("cuts", COMPACT, "greedy", "mixed")


def with_weights(instance: Instance, weight: Callable[[int], float]) -> Instance:
    """Return the instance with other weights of its evaders, by their places."""
    evaders = tuple(replace(e, weight=weight(k)) for k, e in enumerate(instance.evaders))
    return replace(instance, evaders=evaders)


def with_a_faint_habit(worth: float) -> Instance:
    """Return an instance whose first habitual evader has this weight."""
    base = random_instance(SEED)
    faint = next(k for k, e in enumerate(base.evaders) if e.routes)
    return with_weights(base, lambda k: worth if k == faint else base.evaders[k].weight)


@pytest.mark.parametrize("objective", ["cvar:0.5", "worst"])
@pytest.mark.parametrize("worth", [1e-308, 5.5e-309, 1e-315, 5e-324])
@pytest.mark.filterwarnings("error")
def test_draws_with_a_faint_habit_have_finite_bounds(objective: str, worth: float) -> None:
    instance = with_a_faint_habit(worth)
    rows = np.outer([0.5, 1.5, 1.0], [e.weight for e in instance.evaders])
    draws = Draws(instance, csr_array(rows), np.full(3, 1 / 3))
    told = Recorder()
    result = solve_over_draws(
        draws, Objective.parsed(objective), SolveOptions(threads=1, gap=0.0), listener=told
    )
    most = {"worst": 1.5, "cvar:0.5": 4 / 3}[objective]
    least = most * brute_force(instance)[0]
    assert result.status == "optimal"
    assert result.lower is not None
    assert result.lower <= least * (1 + 1e-9)
    assert result.upper == pytest.approx(least, rel=1e-6)
    assert any("left out" in sentence for sentence in told.sentences)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-309, 1e-320])
@pytest.mark.filterwarnings("error")
def test_a_problem_of_no_normal_value_is_not_called_optimal(method: str, scale: float) -> None:
    base = random_instance(SEED)
    instance = with_weights(base, lambda k: base.evaders[k].weight * scale)
    told = Recorder()
    result = solve(instance, method=method, threads=1, listener=told)
    assert result.status == "feasible"
    assert result.lower == 0.0
    assert result.upper is not None
    assert result.upper >= brute_force(instance)[0]
    left_out = contract(instance).left_out
    assert left_out >= len(instance.evaders)
    assert any(sentence.startswith(f"{left_out} evaders") for sentence in told.sentences)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("error")
def test_draws_of_no_normal_value_have_finite_bounds(seed: int) -> None:
    case = DrawCase(seed)
    draws = replace(
        case.draws,
        instance=with_weights(
            case.draws.instance, lambda k: case.draws.instance.evaders[k].weight * 1e-315
        ),
        weight=csr_array(case.draws.weight * 1e-315),
    )
    result = solve_over_draws(draws, Objective.parsed("worst"), SolveOptions(threads=1))
    assert result.status == "feasible"
    assert result.lower == 0.0
    assert result.upper is not None
    assert 0 <= result.upper < 1e-300


def test_what_is_left_out_is_counted_and_bounds_what_it_is_worth() -> None:
    base = random_instance(SEED)
    overlay = contract(with_weights(base, lambda k: 1e-310 * (k + 1)))
    routes = sum(max(1, len(evader.routes)) for evader in base.evaders)
    nothing = np.zeros(len(base.options), dtype=bool)
    assert overlay.left_out == routes
    assert overlay.value(nothing) == 0
    assert 0 < overlay.left_out_value <= sum(1e-310 * (k + 1) for k in range(len(base.evaders)))
    assert contract(base).left_out == 0


def test_an_instance_without_faint_routes_is_told_nothing() -> None:
    told = Recorder()
    solve(random_instance(SEED), threads=1, listener=told)
    assert not any("left out" in sentence for sentence in told.sentences)


def solved(method: str = "cuts") -> tuple[Instance, Result]:
    """Return an instance and its result."""
    instance = random_instance(5)
    return instance, solve_with(instance, SolveOptions(method=method, threads=1))


FALSE: dict[str, Callable[[Result], dict[str, Any]]] = {
    "lower bound is nan": lambda _: {"lower": np.nan},
    "lower bound is inf": lambda _: {"lower": np.inf},
    "upper bound is nan": lambda _: {"upper": np.nan},
    "upper bound is -": lambda _: {"upper": -1.0},
    "is above its upper bound": lambda r: {"lower": r.upper * (1 + 1e-6)},  # type: ignore[operator]
    "called optimal with a gap": lambda r: {"lower": r.upper * 0.5, "status": "optimal"},  # type: ignore[operator]
    "and not": lambda r: {"upper": r.upper * 1.001, "status": "feasible"},  # type: ignore[operator]
}


@pytest.mark.parametrize("fault", FALSE)
def test_a_false_result_is_refused_by_its_fault(fault: str) -> None:
    instance, result = solved()
    assert checked_result(instance, result) is result
    with pytest.raises(SolverError, match=fault):
        checked_result(instance, replace(result, **FALSE[fault](result)))


def test_a_plan_over_budget_is_refused() -> None:
    instance, result = solved()
    poor = replace(instance, resources=tuple(replace(r, budget=0.0) for r in instance.resources))
    assert result.plan is not None
    assert any(result.plan.placements)
    with pytest.raises(SolverError, match="over its budget"):
        checked_result(poor, result)


def test_a_false_mixture_is_refused() -> None:
    instance, result = solved("mixed")
    assert result.mixed is not None
    part = replace(result.mixed.mixture, probabilities=(0.7,) * len(result.mixed.mixture.plans))
    everything = Plan.from_mask(instance, np.ones(len(instance.options), dtype=bool))
    whole = replace(result.mixed.mixture, plans=(everything,), probabilities=(1.0,))
    for false, fault in ((part, "probabilities"), (whole, "exclude|budget|forbidden")):
        with pytest.raises(SolverError, match=fault):
            checked_result(instance, replace(result, mixed=replace(result.mixed, mixture=false)))
    with pytest.raises(SolverError, match="of single plans"):
        checked_result(instance, replace(result, mixed=replace(result.mixed, pure_lower=np.nan)))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_ends_in_the_check(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "solve_mixed" if method == "mixed" else "place"
    made = getattr(solve_module, name)
    monkeypatch.setattr(
        solve_module,
        name,
        lambda *arguments, **named: replace(made(*arguments, **named), lower=np.nan),
    )
    with pytest.raises(SolverError, match="lower bound is nan"):
        solve(random_instance(5), method=method, threads=1)
