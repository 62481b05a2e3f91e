"""Mixtures of at most so many plans: their bounds against every set of so many plans, on instances where all can be tried."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.problem.plan.evaluation import evaluate
from optimizer.problem.plan.plan import Plan, violations
from optimizer.solvers.solve import solve
from tests.cases import random_instance
from tests.test_mixed import GAP, game_value, masks, mixture_value


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_mixture_has_at_most_so_many_plans_and_is_worth_what_is_stated(seed: int, most: int) -> None:
    instance = random_instance(seed)
    result = solve(instance, method="mixed", gap=GAP, support=most)
    assert result.mixed is not None
    assert result.lower is not None
    assert result.upper is not None
    mixture = result.mixed.mixture
    mixture.check()
    assert len(mixture.plans) <= most
    assert all(not violations(instance, instance.placed(plan.options)) for plan in mixture.plans)
    assert result.upper == pytest.approx(mixture_value(instance, mixture), rel=GAP)
    assert result.lower <= game_value(instance) * (1 + 1e-9)
    assert result.upper <= result.mixed.pure_upper * (1 + 1e-12)
    chosen = [instance.placed(plan.options) for plan in mixture.plans]
    assert result.upper <= game_value(instance, chosen) * (1 + GAP)


@pytest.mark.parametrize("seed", range(4))
def test_no_two_plans_are_below_the_best_two(seed: int) -> None:
    instance = random_instance(seed)
    plans = masks(instance)
    values = [evaluate(instance, Plan.from_mask(instance, plan)).value for plan in plans]
    near = [plans[x] for x in np.argsort(values)[:12]]
    result = solve(instance, method="mixed", gap=GAP, support=2)
    assert result.mixed is not None
    assert result.upper is not None
    chosen = [instance.placed(plan.options) for plan in result.mixed.mixture.plans]
    best = min(game_value(instance, list(pair)) for pair in combinations([*near, *chosen], 2))
    assert best <= result.upper * (1 + 1e-9)
    one = solve(instance, method="mixed", gap=GAP, support=1)
    assert one.upper == pytest.approx(min(values), rel=GAP)


def test_enough_plans_change_nothing() -> None:
    instance = random_instance(5)
    free, wide = (solve(instance, method="mixed", gap=GAP, support=most) for most in (None, 100))
    assert wide.upper == free.upper
    assert wide.mixed == free.mixed


@pytest.mark.parametrize(("support", "method", "fault"), [(0, "mixed", "at least 1"), (3, "cuts", "'cuts'")])
def test_a_support_that_cannot_be_is_refused(support: int, method: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        solve(random_instance(0), method=method, support=support)
