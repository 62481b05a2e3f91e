"""Evaluation, overlay and solvers against enumeration, on random problems with every feature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InfeasibleError, InputError
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Resource
from optimizer.problem.plan.evaluation import evaluate, marginal_values, plan_value
from optimizer.problem.plan.plan import Plan, violations
from optimizer.solvers.branch_and_cut.improve.local_search import greedy, local_search
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, PooledValues
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.solve import solve
from tests.cases import Recorder, brute_force, enumerated_value, random_instance
from tests.examples import examples
from tests.referees.compact import COMPACT

SEEDS = st.integers(0, 2**20)
few = examples(40)


def pooled_values(instance: Instance) -> PooledValues:
    overlay = contract(instance)
    commodities = Commodities.of(overlay)
    return PooledValues(commodities, PathPool(overlay, commodities.searches))


@pytest.mark.parametrize("seed", range(30))
def test_values_over_the_pool_are_exact_as_options_are_added_one_by_one(seed: int) -> None:
    instance = random_instance(seed, n_nodes=14, n_options=9)
    overlay, rng = contract(instance), np.random.default_rng(seed)
    pooled, placed = pooled_values(instance), instance.forced.copy()
    for option in (None, *rng.permutation(np.flatnonzero(overlay.free)).tolist()):
        if option is not None:
            placed[option] = True
        pooled.refresh(placed)
        assert pooled.value(placed) == pytest.approx(overlay.value(placed), rel=1e-12)
        # as greedy does with an option that it does not take in the end
        if option is not None and rng.random() < 0.3:
            placed[option] = False


def masks(instance: Instance, seed: int, count: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.random(len(instance.options)) < p for p in np.linspace(0, 1, count)]


@given(SEEDS)
@few
def test_evaluate_equals_enumeration(seed: int) -> None:
    instance = random_instance(seed)
    for mask in masks(instance, seed):
        truth = enumerated_value(instance, mask)
        evaluation = evaluate(instance, Plan.from_mask(instance, mask))
        assert evaluation.value == pytest.approx(truth, abs=1e-9)
        assert plan_value(instance, mask) == pytest.approx(truth, abs=1e-9)
        assert sum(e.weight * e.value for e in evaluation.evaders) == pytest.approx(truth, abs=1e-9)


@given(SEEDS)
@few
def test_the_route_shown_is_worth_the_value_shown(seed: int) -> None:
    instance = random_instance(seed)
    mask = masks(instance, seed)[1]
    survival = instance.survival(mask)
    for evader, response in zip(
        instance.evaders, evaluate(instance, Plan.from_mask(instance, mask)).evaders, strict=True
    ):
        if evader.routes:
            assert response.arcs in {route.arcs for route in evader.routes}
        elif response.value > 0:
            assert np.prod(survival[list(response.arcs)]) == pytest.approx(
                response.value, rel=1e-12
            )
            ends = (instance.node_id[evader.origin], instance.node_id[evader.destination])
            assert (response.route[0], response.route[-1]) == ends


@given(SEEDS)
@few
def test_overlay_keeps_the_value_of_every_plan(seed: int) -> None:
    instance = random_instance(seed)
    overlay = contract(instance)
    forced = np.array([o.forced for o in instance.options])
    for mask in masks(instance, seed, 6):
        allowed = (mask & overlay.free) | forced
        assert overlay.value(allowed) == pytest.approx(plan_value(instance, allowed), abs=1e-9)


@given(SEEDS)
@examples(80)
def test_compact_at_gap_zero_finds_the_optimum(seed: int) -> None:
    instance = random_instance(seed)
    optimum, _ = brute_force(instance)
    result = solve(instance, method=COMPACT, gap=0.0)
    assert result.plan is not None
    assert result.lower is not None
    placed = instance.placed(result.plan.options)
    assert not violations(instance, placed)
    assert result.upper == pytest.approx(optimum, abs=1e-9)
    assert result.upper == pytest.approx(evaluate(instance, result.plan).value, abs=1e-12)
    assert result.lower <= optimum + 1e-6
    assert result.lower >= optimum - 1e-6
    assert result.status == "optimal"


@given(SEEDS)
@few
def test_greedy_is_feasible_never_below_the_optimum_and_claims_no_more_than_is_true(
    seed: int,
) -> None:
    instance = random_instance(seed)
    optimum, _ = brute_force(instance)
    result = solve(instance, method="greedy")
    assert result.plan is not None
    assert result.upper is not None
    assert result.lower is not None
    assert not violations(instance, instance.placed(result.plan.options))
    assert result.upper >= optimum - 1e-12
    assert result.lower <= optimum + 1e-12
    assert result.status == "feasible" or result.upper <= optimum * (1 + 1e-4) + 1e-12


@given(SEEDS)
@few
def test_more_budget_never_hurts(seed: int) -> None:
    instance = random_instance(seed)
    richer = replace(
        instance, resources=tuple(replace(r, budget=r.budget + 1) for r in instance.resources)
    )
    poor, rich = solve(instance, gap=0.0).upper, solve(richer, gap=0.0).upper
    assert poor is not None
    assert rich is not None
    assert rich <= poor + 1e-9


@given(SEEDS)
@few
def test_relabelling_nodes_and_arcs_changes_nothing(seed: int) -> None:
    instance = random_instance(seed)
    rng = np.random.default_rng(seed)
    nodes, arcs = rng.permutation(instance.n_nodes), rng.permutation(instance.tail.size)
    moved = np.argsort(arcs)
    again = replace(
        instance,
        node_id=instance.node_id[np.argsort(nodes)],
        tail=nodes[instance.tail[arcs]].astype(np.int32),
        head=nodes[instance.head[arcs]].astype(np.int32),
        reliability=instance.reliability[arcs],
        evaders=tuple(
            replace(
                e,
                origin=int(nodes[e.origin]),
                destination=int(nodes[e.destination]),
                routes=tuple(
                    replace(r, arcs=tuple(moved[list(r.arcs)].tolist())) for r in e.routes
                ),
            )
            for e in instance.evaders
        ),
        options=tuple(
            replace(o, arcs=tuple(moved[list(o.arcs)].tolist())) for o in instance.options
        ),
    )
    assert solve(again, gap=0.0).upper == pytest.approx(solve(instance, gap=0.0).upper, abs=1e-9)


@given(SEEDS)
@few
def test_a_worse_parallel_road_does_not_matter(seed: int) -> None:
    instance = random_instance(seed)
    doubled = replace(
        instance,
        tail=np.concatenate((instance.tail, instance.tail)),
        head=np.concatenate((instance.head, instance.head)),
        # the twin is worth less than the road with every option placed, so no plan
        # makes it attractive
        reliability=np.concatenate(
            (
                instance.reliability,
                instance.survival(np.ones(len(instance.options), dtype=bool)) * 0.99 + 1e-12,
            )
        ),
    )
    for mask in masks(instance, seed):
        assert plan_value(doubled, mask) == pytest.approx(plan_value(instance, mask), abs=1e-9)


@given(SEEDS)
@few
def test_worth_is_what_is_lost_without_the_option(seed: int) -> None:
    instance = random_instance(seed)
    mask = masks(instance, seed, 3)[1]
    plan = Plan.from_mask(instance, mask)
    for option, worth in marginal_values(instance, plan).items():
        without = [o for o in plan.options if o != option]
        lost = enumerated_value(instance, instance.placed(without)) - enumerated_value(
            instance, mask
        )
        assert worth == pytest.approx(lost, abs=1e-9)


def test_a_greedy_plan_that_takes_long_after_the_time_limit_is_ended_with_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance, listener = random_instance(3), Recorder()
    whole = solve(instance, time_limit=1e-6, listener=listener)
    assert listener.sentences == []
    monkeypatch.setattr("optimizer.solvers.branch_and_cut.improve.local_search.LEAST_OVER", 0.0)
    cut = solve(instance, time_limit=1e-6, listener=listener)
    assert "ended after 0 s of work beyond the time limit" in listener.sentences[0]
    assert whole.upper is not None
    assert cut.upper is not None
    assert cut.plan is not None
    assert whole.upper <= cut.upper
    assert not violations(instance, instance.placed(cut.plan.options))


def test_greedy_gets_past_two_equal_roads_side_by_side() -> None:
    """Neither road's checkpoint gains alone; together they do."""
    instance = random_instance(0)
    two = replace(
        instance,
        node_id=np.array([0, 1]),
        tail=np.array([0, 0], dtype=np.int32),
        head=np.array([1, 1], dtype=np.int32),
        reliability=np.array([0.9, 0.9]),
        evaders=(replace(instance.evaders[0], origin=0, destination=1, weight=1.0, routes=()),),
        options=tuple(
            replace(
                o,
                arcs=(k,),
                survival=(0.5,),
                uses={"teams": 1.0},
                site="",
                forced=False,
                forbidden=False,
            )
            for k, o in enumerate(instance.options[:2])
        ),
        resources=(Resource("teams", 2.0),),
        exclusions=(),
    )
    assert greedy(two, contract(two), pooled_values(two)).all()
    single = replace(two, resources=(Resource("teams", 1.0),))
    assert not greedy(single, contract(single), pooled_values(single)).any(), (
        "a lone checkpoint beside an open road is worth nothing and is tidied away"
    )


def test_forced_options_over_budget_name_the_resource() -> None:
    instance = random_instance(3)
    broke = replace(
        instance,
        options=tuple(
            replace(o, forced=True, forbidden=False, site="", uses={"teams": 2.0})
            for o in instance.options
        ),
        resources=(Resource("teams", 1.0),),
        exclusions=(),
    )
    with pytest.raises(InfeasibleError, match="'teams' is over its budget: 12 of 1"):
        solve(broke)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"method": "gredy"}, "greedy"),
        ({"method": "compact"}, "Use cuts"),
        ({"gap": -1.0}, "gap"),
        ({"time_limit": 0.0}, "time limit"),
        ({"seed": -1}, "seed"),
    ],
)
def test_arguments_out_of_range_are_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        solve(random_instance(1), **arguments)


@pytest.fixture
def _always_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.solvers.mip.backend.IN_PROCESS_INTEGERS", -1)


@pytest.mark.usefixtures("_always_a_child")
@pytest.mark.parametrize("seed", range(5))
def test_the_child_process_proves_the_same_optimum(seed: int) -> None:
    instance = random_instance(seed)
    result = solve(instance, method=COMPACT, gap=0.0)
    assert result.upper == pytest.approx(brute_force(instance)[0], abs=1e-9)
    assert result.status == "optimal"


@given(SEEDS)
@few
def test_local_search_stays_feasible_and_never_makes_worse(seed: int) -> None:
    instance = random_instance(seed)
    overlay = contract(instance)
    start = instance.forced
    better = local_search(instance, overlay, pooled_values(instance), start)
    assert not violations(instance, better)
    assert overlay.value(better) <= overlay.value(start) + 1e-12


@given(SEEDS)
@few
def test_pooled_values_are_exact_once_refreshed_and_gains_are_true_after_that(seed: int) -> None:
    instance = random_instance(seed)
    overlay, pooled = contract(instance), pooled_values(instance)
    rng = np.random.default_rng(seed)
    placed = (rng.random(len(instance.options)) < 0.3) & overlay.free
    pooled.refresh(placed)
    assert pooled.value(placed) == pytest.approx(overlay.value(placed), rel=1e-12, abs=1e-15)
    for option in np.flatnonzero(overlay.free & ~placed).tolist():
        more = placed.copy()
        more[option] = True
        pooled.refresh(more)
    gains = pooled.gains(placed)
    gain, most = gains.gain, gains.most
    loss = pooled.losses(placed)
    for option in np.flatnonzero(overlay.free).tolist():
        other = placed.copy()
        other[option] = not placed[option]
        change = overlay.value(other) - overlay.value(placed)
        if placed[option]:
            assert loss[option] <= change + 1e-12
        else:
            assert gain[option] == pytest.approx(-change, abs=1e-12)
            assert most[option] >= gain[option] - 1e-12


@pytest.mark.parametrize("after", range(1, 12))
def test_an_interrupt_anywhere_keeps_the_best_plan(
    monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Ctrl-C at the n-th exact valuation: whatever was found by then comes back, with
    true bounds.
    """
    instance = random_instance(11)
    calls = 0
    value = Overlay.value

    def interrupted(self: Overlay, placed: np.ndarray) -> float:
        nonlocal calls
        calls += 1
        if calls == after:
            raise KeyboardInterrupt
        return value(self, placed)

    monkeypatch.setattr(Overlay, "value", interrupted)
    try:
        result = solve(instance, gap=0.0)
    except KeyboardInterrupt:
        assert calls <= 2, "before the first plan is valued there is none to keep"
        return
    optimum = brute_force(instance)[0]
    assert result.plan is not None
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower - 1e-9 <= optimum <= result.upper + 1e-9
    assert result.limit == ("interrupted" if calls >= after else None)
