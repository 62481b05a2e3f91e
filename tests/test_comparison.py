"""Marginal values of a plan: found without an evaluation for each option, equal to those found with one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.plans import comparison
from optimizer.plans.comparison import compare
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan
from tests.cases import random_instance


@pytest.mark.parametrize("seed", range(25))
def test_additions_equal_an_evaluation_of_each_option(seed: int) -> None:
    instance = random_instance(seed, n_options=8)
    placed = np.random.default_rng(seed).random(len(instance.options)) < 0.3
    found = compare(instance, Plan.from_mask(instance, placed)).marginal_values
    value = plan_value(instance, placed)
    for j in np.flatnonzero(~placed).tolist():
        option = instance.options[j]
        changed = placed & np.array([not option.site or other.site != option.site for other in instance.options])
        changed[j] = True
        assert found[option.id] == pytest.approx(max(0.0, value - plan_value(instance, changed)), abs=1e-15)


def test_options_that_nobody_passes_are_not_evaluated_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = random_instance(3, n_options=8)
    calls: list[int] = []

    def counted(*arguments: object) -> float:
        calls.append(1)
        return plan_value(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(comparison, "plan_value", counted)
    twice = np.concatenate((np.arange(len(instance.options)), np.arange(len(instance.options))))
    many = replace(
        instance,
        options=tuple(replace(instance.options[j], id=f"o{k}", site="") for k, j in enumerate(twice)),
        exclusions=(),
    )
    compare(many, Plan.of(many, set()))
    assert len(calls) <= 2 + len(instance.options)
