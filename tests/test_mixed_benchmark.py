"""The suite `mixed`: cases, peers and page. That mixtures are proven is tested in
`tests.test_mixed`.
"""

from __future__ import annotations

import math
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.lab.benchmark.generated_roads import draw_country
from optimizer.lab.benchmark.mixed import (
    METHODS,
    PEERS,
    PeerTerms,
    measure,
    mixed_case,
    mixed_cases,
    planned_rows,
    roads_as_overlay,
    write_mixed_page,
)
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import violations
from optimizer.solvers.branch_and_cut.lp import linear_program
from optimizer.solvers.mixed.exploitability import exploitability
from optimizer.solvers.solve import solve

pytestmark = pytest.mark.lab


@cache
def case() -> Instance:
    network = draw_country(1.5, 3, 2, np.random.default_rng(1)).sketch.roads().network
    return mixed_case(network, "small", (20, 3), seed=1, evaders=30)


@cache
def bound() -> float:
    lower = solve(case(), method="mixed", gap=0.001, threads=1).lower
    assert lower is not None
    return lower


def test_a_case_is_the_same_each_time_and_has_what_it_says() -> None:
    instance = case()
    assert (len(instance.options), len(instance.evaders), instance.budget.tolist()) == (
        20,
        30,
        [3.0],
    )
    case.cache_clear()
    again = case()
    assert [option.arcs for option in again.options] == [option.arcs for option in instance.options]
    assert sum(evader.weight for evader in instance.evaders) == pytest.approx(1)


def test_the_roads_in_the_form_of_an_overlay_have_the_values_of_the_instance() -> None:
    instance, rng = case(), np.random.default_rng(0)
    roads = roads_as_overlay(instance)
    for _ in range(5):
        placed = rng.random(20) < 0.3
        assert roads.value(placed) == pytest.approx(plan_value(instance, placed), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_no_peer_gets_below_the_bound_and_all_its_plans_are_feasible(name: str) -> None:
    instance = case()
    answer = PEERS[name](instance, PeerTerms(0.01, math.inf))
    value = exploitability(answer.mixture, instance).value
    assert value >= bound() * (1 - 1e-9)
    assert not any(
        violations(instance, instance.placed(plan.options)) for plan in answer.mixture.plans
    )
    if name == "double oracle":
        assert answer.lower is not None
        assert answer.upper is not None
        assert answer.lower <= value * (1 + 1e-9)
        assert value <= answer.upper * (1 + 1e-9)
        assert answer.upper - answer.lower <= 0.01 * answer.upper * (1 + 1e-9)


@pytest.mark.slow
def test_rows_make_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", time.monotonic)  # restored after the clock is changed
    monkeypatch.setattr(linear_program, "LONGEST", linear_program.LONGEST)
    rows = [
        measure("small", case(), method, (0.01, 600.0))
        for method in ("mixed", "uniform", "double oracle")
    ]
    assert all(row.value is not None for row in rows)
    ours = rows[0]
    assert ours.reached["1"] <= ours.seconds
    text = write_mixed_page(tmp_path / "mixed.md", rows).page.read_text(encoding="utf-8")
    assert text.count("| small |") == 3


def test_unknown_methods_and_cases_are_named() -> None:
    with pytest.raises(InputError, match="greedie"):
        list(planned_rows([], None, None, ["greedie"]))
    with pytest.raises(InputError, match="nowhere"):
        mixed_cases(["nowhere-*"], [0], None)
    assert METHODS[0] == "mixed"
