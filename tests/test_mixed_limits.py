"""The method `mixed` under a time limit, by a clock that the tests set: no assertion here is on wall time."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from optimizer.lab.benchmark.grids import plain_grid
from optimizer.problem.instance.evaders import Searches
from optimizer.problem.plan.evaluation import evaluate
from optimizer.problem.plan.plan import Plan
from optimizer.solvers.mixed import evader
from optimizer.solvers.mixed.evader import EvaderOracle
from optimizer.solvers.mixed.exploitability import exploitability
from optimizer.solvers.mixed.label_setting import best_paths
from optimizer.solvers.solve import solve
from tests.edge import edge_instance
from tests.kernel_cases import set_compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.mixed.evader import EvaderAnswers
    from optimizer.solvers.mixed.label_setting import BestPaths

PLANS = 10
TICK, SINGLE = 0.01, 3.0
"""Seconds that pass with each look at the clock, and those until the single plan is found whatever the limit."""


@pytest.fixture
def grid() -> Instance:
    """Return an instance of roads that are many alternatives to one another."""
    return plain_grid(8, budget=6, n_options=60, n_evaders=20, seed=5)


@pytest.fixture
def mixture(grid: Instance) -> tuple[list[NDArray[np.bool_]], NDArray[np.float64]]:
    """Return plans and their probabilities."""
    rng = np.random.default_rng(3)
    return list(rng.random((PLANS, len(grid.options))) < 0.3), rng.dirichlet(np.ones(PLANS))


def answers(
    grid: Instance, mixture: tuple[list[NDArray[np.bool_]], NDArray[np.float64]], until: float = np.inf
) -> EvaderAnswers:
    """Return what the search proves until then, from no known paths."""
    plans, share = mixture
    oracle = EvaderOracle(grid.n_nodes, grid.tail, grid.head, grid.reliability, Searches.of(grid.evaders))
    survival = np.array([grid.survival(plan) for plan in plans]).T
    return oracle.answers(survival, share, np.zeros(len(grid.evaders)), until=until)


def seeing(grid: Instance, mixture: tuple[list[NDArray[np.bool_]], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the (evaders,) values of evaders who see the plan of the day, plan by plan."""
    plans, share = mixture
    each = [[answer.value for answer in evaluate(grid, Plan.from_mask(grid, plan)).evaders] for plan in plans]
    return np.asarray(share @ np.array(each))


def test_evaders_that_are_not_reached_are_bounded_as_if_they_saw_the_plan_of_the_day(
    grid: Instance, mixture: tuple[list[NDArray[np.bool_]], NDArray[np.float64]]
) -> None:
    late = answers(grid, mixture, until=time.monotonic() - 1)
    assert late.unsearched == len(grid.evaders)
    assert late.labels == 0
    assert late.bound == pytest.approx(seeing(grid, mixture), rel=1e-9)
    exact = answers(grid, mixture)
    assert exact.unsearched == 0
    assert (exact.bound <= late.bound * (1 + 1e-9)).all()
    assert (exact.bound < late.bound * 0.999).any()


def test_label_setting_keeps_to_the_steps_that_fit_into_the_time(
    grid: Instance,
    mixture: tuple[list[NDArray[np.bool_]], NDArray[np.float64]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs: list[tuple[float, BestPaths]] = []

    def recorded(search: Callable[..., BestPaths]) -> Callable[..., BestPaths]:
        def run(*arguments: Any) -> BestPaths:
            found = search(*arguments)
            runs.append((arguments[-1], found))
            return found

        return run

    exact, loosest = answers(grid, mixture), seeing(grid, mixture)
    monkeypatch.setattr(best_paths, "plain", recorded(best_paths.plain))
    monkeypatch.setattr(best_paths, "compiled", None)
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    least, total = np.inf, []
    for speed in (6e4, 2e5, 2e6, 1e9):
        monkeypatch.setattr(evader, "_speed", {False: speed, True: speed})
        runs.clear()
        found = answers(grid, mixture, until=1.0)
        total.append(sum(run.steps for _, run in runs))
        one_label = 4 * PLANS * (1 + 7) + 4 * 4 * max((run.labels for _, run in runs), default=0)
        ends = len(grid.evaders) + grid.n_nodes
        assert all(run.steps <= most + one_label * ends for most, run in runs)
        assert (found.bound >= exact.bound * (1 - 1e-9)).all()
        assert (found.bound <= loosest * (1 + 1e-9)).all()
        assert found.bound.sum() <= least * (1 + 1e-9)
        least = float(found.bound.sum())
    assert total[0] < total[-1] / 2
    assert found.bound == pytest.approx(exact.bound, rel=1e-9)


@pytest.mark.parametrize("size", [0, np.inf])
@pytest.mark.parametrize("limit", [0.5, 4.0, 8.0])
def test_a_search_that_runs_out_of_time_ends_soon_with_valid_bounds(
    grid: Instance, limit: float, size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without compiled kernels: those do not look at the clock by which the search ends."""
    set_compiled(monkeypatch, size > 0)
    ticks = count()
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: next(ticks) * TICK)
        result = solve(grid, method="mixed", gap=0.0, time_limit=limit)
    assert next(ticks) * TICK <= max(limit, SINGLE) + 0.5
    assert result.status == "feasible"
    assert result.limit == "time"
    assert result.mixed is not None
    assert result.lower is not None
    assert result.upper is not None
    reached = exploitability(result.mixed.mixture, grid).value
    assert result.lower <= reached <= result.upper * (1 + 1e-9)
    assert result.upper <= result.mixed.pure_upper * (1 + 1e-12)


def test_a_search_without_a_time_limit_ends_where_rounding_keeps_its_bounds_apart() -> None:
    """Numbers from 5e-324 on, and a gap below what sums can tell: work ends it, as there is no clock to do so."""
    instance = edge_instance(192)
    result = solve(instance, method="mixed", gap=1e-9, seed=192)
    assert result.status == "feasible"
    assert result.mixed is not None
    assert result.lower is not None
    assert result.lower <= exploitability(result.mixed.mixture, instance).value
