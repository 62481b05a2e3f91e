"""One site out of work: brute force agrees, bounds are true."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import violations
from optimizer.solvers.one_out import solve_one_out, values_without
from optimizer.solvers.params import SolveOptions
from tests.cases import random_instance
from tests.command import Outcome
from tests.examples import quick_first
from tests.tiny import write_scenario


def worst(instance: Instance, placed: np.ndarray) -> float:
    """Return W by its definition, a network for each site whose options are gone."""
    sites = {option.site or option.id for option in instance.options}
    values = [plan_value(instance, placed)]
    for site in sites:
        gone = tuple(
            replace(o, survival=(1.0,) * len(o.arcs)) if (o.site or o.id) == site else o
            for o in instance.options
        )
        values.append(plan_value(replace(instance, options=gone), placed))
    return max(values)


def least_worst(instance: Instance) -> float:
    """Return the least W by trying every plan."""
    plans = (np.array(x, dtype=bool) for x in product((0, 1), repeat=len(instance.options)))
    return min(worst(instance, plan) for plan in plans if not violations(instance, plan))


@pytest.mark.parametrize("seed", quick_first(range(24), 8))
@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_the_plan_is_the_best_of_all_with_one_site_out(seed: int, gap: float) -> None:
    instance = random_instance(seed, n_options=8)
    found = solve_one_out(instance, SolveOptions(gap=gap))
    best = least_worst(instance)
    assert found.result.plan is not None
    assert found.result.lower is not None
    assert found.result.upper is not None
    placed = instance.placed(found.result.plan.options)
    assert not violations(instance, placed)
    assert worst(instance, placed) == pytest.approx(found.result.upper, rel=1e-9, abs=1e-12)
    assert found.result.lower <= best * (1 + 1e-9) + 1e-12
    assert best <= found.result.upper * (1 + 1e-9) + 1e-12
    assert found.result.status == "optimal"
    assert (found.result.gap or 0.0) <= max(gap, 1e-6)
    values = values_without(instance, found.result.plan)
    assert values[found.site] == pytest.approx(found.result.upper)
    assert found.usual_worst >= found.result.upper - 1e-12


def test_a_mixture_is_refused() -> None:
    with pytest.raises(InputError, match="one of auto, cuts, greedy"):
        solve_one_out(random_instance(1), SolveOptions("mixed"))


def test_the_command_says_what_one_site_out_costs(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path)
    planned = ("plan", scenario, "--no-report", "--robust-to-outages")
    done = command(*planned, "--out", tmp_path / "out", "--json")
    assert done.code == 0
    found = json.loads(done.out)
    one_out = found["one_out"]
    assert found["upper"] <= one_out["upper"] <= one_out["usual_upper"]
    assert one_out["lower"] <= one_out["upper"]
    assert any("one site out of work" in each for each in found["warnings"])
    plan = PlanFolder(tmp_path / "out")
    values = values_without(plan.instance, plan.plan_of(plan.instance))
    assert max(values.values()) == pytest.approx(one_out["upper"])


def test_what_cannot_be_asked_together_is_told(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path)
    done = command("plan", scenario, "--robust-to-outages", "--draws", "5")
    assert done.code == 1
    assert "--robust-to-outages and --draws: found both" in done.err
