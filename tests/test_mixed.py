"""Mixtures of plans: their bounds against the whole matrix game, solved by another linear program over every plan and every path."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import linprog

from optimizer.base.errors import InfeasibleError, InputError
from optimizer.problem.mixture import Mixture
from optimizer.problem.plan import Plan, violations
from optimizer.solvers.solve import place, solve
from tests.cases import Recorder, path_value, random_instance, simple_paths
from tests.test_requirements import with_requirements

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance import Instance

GAP = 1e-6


def masks(instance: Instance) -> list[NDArray[np.bool_]]:
    """Return every feasible plan."""
    every = (np.array(bits, dtype=bool) for bits in product((False, True), repeat=len(instance.options)))
    return [mask for mask in every if not violations(instance, mask)]


def rows_of_evader(instance: Instance, k: int, plans: list[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Return the (answers, plans) values of what evader k may do: every simple path, or its routes."""
    evader = instance.evaders[k]
    if evader.routes:
        return np.array([[sum(r.share * path_value(instance, plan, r.arcs) for r in evader.routes) for plan in plans]])
    paths = simple_paths(instance, evader.origin, evader.destination)
    return np.array([[path_value(instance, plan, path) for plan in plans] for path in paths])


def game_value(instance: Instance) -> float:
    """Return the value of the game by one linear program over all plans and paths."""
    plans, n = masks(instance), len(instance.evaders)
    rows = [rows_of_evader(instance, k, plans) for k in range(n)]
    own = np.repeat(-np.eye(n), [len(part) for part in rows], axis=0)
    table = np.hstack((own, np.concatenate(rows)))
    outcome = linprog(
        np.append([evader.weight for evader in instance.evaders], np.zeros(len(plans))),
        A_ub=table,
        b_ub=np.zeros(len(table)),
        A_eq=np.append(np.zeros(n), np.ones(len(plans)))[None],
        b_eq=[1.0],
    )
    assert outcome.status == 0
    assert outcome.fun is not None
    return float(outcome.fun)


def mixture_value(instance: Instance, mixture: Mixture) -> float:
    """Return what evaders achieve against a mixture, from the definition."""
    plans = [instance.placed(plan.options) for plan in mixture.plans]
    best = [(rows_of_evader(instance, k, plans) @ mixture.probabilities).max() for k in range(len(instance.evaders))]
    return float(np.array([evader.weight for evader in instance.evaders]) @ best)


@pytest.mark.parametrize("seed", range(40))
def test_bounds_meet_at_the_value_of_the_whole_matrix_game(seed: int) -> None:
    instance = random_instance(seed)
    if seed % 2:
        instance = with_requirements(instance, seed)
    if not masks(instance):
        with pytest.raises(InfeasibleError, match="requirement"):
            solve(instance, method="mixed")
        return
    value = game_value(instance)
    result = solve(instance, method="mixed", gap=GAP)
    assert result.mixed is not None
    assert result.lower is not None
    assert result.upper is not None
    assert result.status == "optimal"
    assert result.lower <= value * (1 + 1e-9) <= result.upper * (1 + 2e-9)
    assert result.upper == pytest.approx(mixture_value(instance, result.mixed.mixture), rel=GAP)
    result.mixed.mixture.check()
    for plan in result.mixed.mixture.plans:
        assert not violations(instance, instance.placed(plan.options))
    assert result.mixed.pure_lower * (1 + 1e-9) >= result.lower
    assert result.upper <= result.mixed.pure_upper * (1 + 1e-12)
    assert result.mixed.proven_gain(result.upper) <= result.mixed.gain(result.upper) + 1e-9


def test_one_unit_on_two_equal_roads_stands_on_each_half_of_the_days() -> None:
    roads = replace(
        random_instance(0),
        name="two roads",
        node_id=np.array(["a", "b", "c", "d"]),
        tail=np.array([0, 1, 0, 2], dtype=np.int32),
        head=np.array([1, 3, 2, 3], dtype=np.int32),
        reliability=np.ones(4),
        exclusions=(),
    )
    option, evader = replace(roads.options[0], site="", forced=False, forbidden=False), roads.evaders[0]
    one = [
        replace(option, id=name, arcs=(arc,), survival=(0.2,), uses={"teams": 1.0})
        for name, arc in (("x", 0), ("y", 2))
    ]
    teams = replace(roads.resources[0], budget=1.0)
    instance = replace(
        roads,
        options=tuple(one),
        resources=(teams,),
        evaders=(replace(evader, origin=0, destination=3, weight=2.0, routes=()),),
    )
    result = solve(instance, method="mixed", gap=1e-9)
    assert result.mixed is not None
    assert result.upper == pytest.approx(2 * 0.6)
    assert result.mixed.mixture.marginals == pytest.approx({"x": 0.5, "y": 0.5})
    assert result.mixed.pure_upper == pytest.approx(2.0)
    assert result.mixed.gain(1.2) == pytest.approx(0.4)
    assert not result.mixed.saturated


def test_a_value_that_is_that_of_everything_placed_is_called_saturated() -> None:
    instance = random_instance(3)
    everything = tuple(replace(o, forced=False, forbidden=False, site="", uses={}) for o in instance.options)
    result = solve(replace(instance, options=everything, exclusions=()), method="mixed", gap=GAP)
    assert result.mixed is not None
    assert result.mixed.saturated


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_a_search_that_is_cancelled_keeps_the_best_mixture_so_far(patience: int) -> None:
    instance = random_instance(12, n_nodes=12, n_options=8)
    recorder = Recorder(patience=patience)
    result = solve(instance, method="mixed", gap=0.0, listener=recorder)
    assert not recorder.open
    assert result.limit == "interrupted"
    assert result.mixed is not None
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower <= result.upper
    assert mixture_value(instance, result.mixed.mixture) <= result.upper * (1 + 1e-12)


def test_other_steps_refuse_the_method() -> None:
    with pytest.raises(InputError, match="mixed"):
        place(random_instance(0), method="mixed")


@pytest.mark.parametrize("shares", [(0.5, 0.4), (1.5, -0.5), (1.0,), (0.0, 1.0)])
def test_probabilities_that_are_none_are_refused(shares: tuple[float, ...]) -> None:
    plans = (Plan(()), Plan.from_mask(random_instance(0), np.array([True] + [False] * 5)))
    with pytest.raises(InputError, match="mixture"):
        Mixture(plans, shares).check()
