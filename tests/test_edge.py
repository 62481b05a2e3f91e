"""What solvers promise: a plan that was looked for, bounds that are true on numbers at
the edge, a status within the tolerance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.plan.result import PROVEN
from optimizer.solvers.mip.backend import solve_mip
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.solve import solve
from tests.cases import brute_force, random_instance
from tests.edge import FINE, GAPS, METHODS, check, edge_instance, program_bounds, truth
from tests.examples import quick_first
from tests.referees.compact import Enumeration, compact_model
from tests.test_joint import small_case


def road(
    *survivals: float, budget: float = 9.0, reliability: float = 1.0, weight: float = 1.0
) -> Instance:
    """Return one arc, on which each option has a survival and uses one team."""
    return Instance(
        name="road",
        node_id=np.array([0, 1]),
        tail=np.array([0], dtype=np.int32),
        head=np.array([1], dtype=np.int32),
        reliability=np.array([reliability]),
        evaders=(Evader("e", 0, 1, weight),),
        options=tuple(Option(f"o{j}", (0,), (s,), {"teams": 1.0}) for j, s in enumerate(survivals)),
        resources=(Resource("teams", budget),),
    )


@pytest.mark.parametrize("seed", quick_first([3257, 3444, *range(150)], 50))
def test_no_method_says_anything_false_on_numbers_at_the_edge(seed: int) -> None:
    """The first ones: no exchange improves the plan but one more option does; GLOP goes
    round in circles for ever.
    """
    assert [(method, what) for method, what in check(seed) if what not in FINE] == []


@pytest.mark.parametrize("seed", [819, 1351, 2929])
def test_a_false_bound_of_highs_is_not_taken_over(seed: int) -> None:
    """With its presolve HiGHS proves bounds of these that are too high by half."""
    instance = edge_instance(seed)
    assert program_bounds(instance, 0.0)[0] <= truth(instance).least * (1 + 1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_loose_gap_is_no_leave_to_stop_looking(method: str) -> None:
    result = solve(road(0.98, 0.99, budget=1.0), method=method, gap=0.05)
    assert result.plan is not None
    assert result.plan.options == ("o0",)
    assert (result.status, result.tolerance) == ("optimal", 0.05)
    assert not result.nothing_helps


@pytest.mark.parametrize("seed", quick_first(range(4), 1))
def test_with_teams_a_loose_gap_is_no_leave_to_stop_looking(seed: int) -> None:
    instance, _ = small_case(seed)
    best, loose = solve(instance, gap=1e-6), solve(instance, gap=0.9)
    assert best.plan is not None
    assert loose.plan is not None
    assert bool(loose.plan.options) == bool(best.plan.options)


@pytest.mark.parametrize("method", METHODS)
def test_that_nothing_helps_is_said_where_it_is_proven(method: str) -> None:
    dear = solve(road(0.5, budget=0.5), method=method, gap=0.05)
    assert dear.plan is not None
    assert dear.plan.options == ()
    # whether an option fits is no matter of the bound with everything placed, which is
    # all that greedy has
    assert dear.nothing_helps == (method != "greedy")
    assert not solve(road(0.5), method=method).nothing_helps


@pytest.mark.parametrize("method", METHODS)
def test_a_gap_of_zero_means_the_documented_tolerance(method: str) -> None:
    result = solve(road(0.9, 1 - 1e-9), method=method, gap=0.0)
    assert result.tolerance == PROVEN
    assert result.status == "optimal"
    assert result.gap is not None
    assert result.gap <= PROVEN
    assert result.lower is not None
    assert result.lower <= 0.9 * (1 - 1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tiny", [1e-300, 5e-324])
@pytest.mark.parametrize("weight", [1e-300, 1e15])
def test_any_number_that_a_file_may_hold_is_solved(method: str, tiny: float, weight: float) -> None:
    two = road(tiny, 0.5, 1 - 1e-16, reliability=tiny, weight=weight)
    wide = replace(two, resources=(Resource("teams", 1e15),))
    poor = replace(two, resources=(Resource("teams", tiny),))
    for instance in (two, wide, poor):
        result = solve(instance, method=method, gap=0.0)
        assert result.lower is not None
        assert result.upper is not None
        assert 0 <= result.lower <= result.upper


@pytest.mark.parametrize("seed", range(10))
def test_enumeration_finds_the_optimum_by_itself(seed: int) -> None:
    instance = random_instance(seed)
    overlay = contract(instance)
    trial = Enumeration(instance, overlay, overlay.value(instance.forced))
    trial.run()
    best = brute_force(instance)[0]
    assert trial.upper == pytest.approx(best, rel=1e-7, abs=1e-12)
    assert best * (1 - 2e-7) - 1e-12 <= trial.lower <= best + 1e-12


@pytest.mark.parametrize("seed", [185, 288, 328])
def test_the_solver_prints_nothing_of_its_own(seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    """HiGHS writes a line to standard output on these when it solves without presolve,
    whatever its options.
    """
    instance = edge_instance(seed)
    model = compact_model(instance, contract(instance))
    solve_mip(model.mip, gap=GAPS[seed % len(GAPS)], time_limit=None, seed=0, presolve=False)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("error")
def test_budgets_and_uses_of_any_size_give_no_warning(method: str) -> None:
    two = road(0.5, 0.6)
    options = (
        replace(two.options[0], uses={"teams": 1e15}),
        replace(two.options[1], uses={"teams": 5e-324}),
    )
    for budget in (0.0, 5e-324, 1e-300, 1e15):
        instance = replace(two, options=options, resources=(Resource("teams", budget),))
        result = solve(instance, method=method, gap=0.0)
        assert result.upper is not None
        assert result.upper <= (0.6 if budget else 1.0) * (1 + 1e-12)
