"""Plans over draws: brute force agrees for every objective, bounds are true, and
objectives are in order.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.problem.plan.plan import Plan
from optimizer.problem.plan.weight_scenarios import Objective, worst_weights
from optimizer.solvers.over_draws import solve_over_draws
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.solve import solve
from tests.draw_cases import OBJECTIVES, DrawCase
from tests.examples import quick_first


@pytest.mark.parametrize("seed", quick_first(range(12), 4))
def test_every_objective_is_the_best_of_all_plans(seed: int) -> None:
    case = DrawCase(seed, draws=2 + seed % 5, layers=1 + seed % 3)
    for objective in OBJECTIVES:
        result = solve_over_draws(case.draws, objective, SolveOptions(gap=0.0))
        assert result.plan is not None
        assert result.lower is not None
        best = case.best(objective)
        placed = case.draws.instance.placed(result.plan.options)
        assert case.value(objective, placed) == pytest.approx(result.upper, rel=1e-9, abs=1e-12)
        assert result.upper == pytest.approx(best, rel=1e-6, abs=1e-9)
        assert result.lower <= best * (1 + 1e-9) + 1e-12
        assert result.status == "optimal"


@pytest.mark.parametrize("seed", quick_first(range(20, 26), 2))
def test_bounds_of_a_search_that_stops_early_are_true(seed: int) -> None:
    case = DrawCase(seed, draws=6, n_options=8)
    for objective in OBJECTIVES:
        result = solve_over_draws(case.draws, objective, SolveOptions(gap=0.3))
        best = case.best(objective)
        assert result.lower is not None
        assert result.upper is not None
        assert result.lower <= best * (1 + 1e-9) + 1e-12
        assert best <= result.upper * (1 + 1e-9) + 1e-12
        assert result.gap is not None
        assert result.gap <= 0.3 + 1e-9


@pytest.mark.parametrize("seed", range(30, 36))
def test_mean_is_at_most_cvar_and_cvar_at_most_the_worst(seed: int) -> None:
    case = DrawCase(seed, draws=7)
    for plan in case.plans():
        values = [
            objective.value(case.draws.values(plan), case.draws.probability)
            for objective in OBJECTIVES
        ]
        assert np.all(np.diff(values) >= -1e-12)
        assert values[0] == pytest.approx(values[1], rel=1e-12)  # cvar:0 is the mean
    uppers = [
        solve_over_draws(case.draws, objective, SolveOptions(gap=0.0)).upper or 0.0
        for objective in OBJECTIVES
    ]
    assert np.all(np.diff(uppers) >= -1e-6 * uppers[-1])


@pytest.mark.parametrize("seed", range(40, 44))
def test_one_draw_is_the_plain_problem(seed: int) -> None:
    case = DrawCase(seed, draws=1, layers=1)
    plain = solve(case.each[0], gap=0.0)
    for objective in OBJECTIVES:
        result = solve_over_draws(case.draws, objective, SolveOptions(gap=0.0))
        assert result.upper == pytest.approx(plain.upper, rel=1e-7)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_draws_in_which_nobody_gets_through(objective: Objective) -> None:
    case = DrawCase(3, draws=2)
    whole = case.draws.instance
    lost = tuple(replace(e, destination=whole.n_nodes, routes=()) for e in whole.evaders)
    island = replace(whole, node_id=np.append(whole.node_id, "island"), evaders=lost)
    result = solve_over_draws(replace(case.draws, instance=island), objective)
    assert (result.lower, result.upper) == (0.0, 0.0)


def test_a_plan_to_begin_from_is_kept_where_nothing_is_better() -> None:
    case = DrawCase(3, draws=4)
    best = solve_over_draws(case.draws, Objective.parsed("worst"), SolveOptions(gap=0.0))
    assert best.plan is not None
    start = Plan.of(case.draws.instance, best.plan.options)
    again = solve_over_draws(
        case.draws,
        Objective.parsed("worst"),
        SolveOptions(gap=0.0),
        starts=[start],
        proven=best.lower or 0.0,
    )
    assert again.upper == pytest.approx(best.upper, rel=1e-12)


def test_worst_weights_fill_the_largest_values_first() -> None:
    weights = worst_weights(np.array([1.0, 3.0, 2.0]), np.array([0.5, 0.4, 0.4]))
    assert weights.tolist() == pytest.approx([0.2, 0.4, 0.4])


@pytest.mark.parametrize(
    "text", ["", "cvar", "cvar:", "cvar:1", "cvar:-0.1", "cvar:nan", "median", "worst:0.5", "mean:"]
)
def test_an_objective_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cvar:ALPHA"):
        Objective.parsed(text)


def test_a_method_that_knows_the_mean_alone_is_refused() -> None:
    with pytest.raises(InputError, match="other than the mean"):
        solve_over_draws(DrawCase(1).draws, Objective.parsed("worst"), SolveOptions("mixed"))
