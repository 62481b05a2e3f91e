"""Mixtures of plans: their bounds against the whole matrix game, solved by another
linear program over every plan and every path.
"""

from __future__ import annotations

import time
from dataclasses import replace
from heapq import heappop, heappush
from itertools import combinations, count, pairwise, product
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import linprog

from optimizer.analysis.cooperation.cooperation import cooperate
from optimizer.analysis.frontier.frontier import BudgetRange, frontier
from optimizer.analysis.uncertainty.uncertainty import UncertaintyRequest
from optimizer.base.errors import InfeasibleError, InputError
from optimizer.base.work.work_clock import work_seconds
from optimizer.lab.benchmark.families import plain_grid
from optimizer.pipeline.plan import plan_scenario
from optimizer.problem.instance.evaders import Evader, Searches
from optimizer.problem.plan.evaluation import evaluate
from optimizer.problem.plan.plan import (
    Mixture,
    Plan,
    make_beat,
    violations,
    with_beats,
    with_mixture,
    with_teams,
)
from optimizer.problem.plan.weight_scenarios import Objective
from optimizer.scenario.file.model import SolveModel
from optimizer.solvers.mixed import double_oracle, restricted_game
from optimizer.solvers.mixed import evader as evader_module
from optimizer.solvers.mixed.defender import Swaps
from optimizer.solvers.mixed.double_oracle import (
    CertifiedMixture,
    DoubleOracle,
    MarginalRelaxation,
    sampled_plan,
)
from optimizer.solvers.mixed.evader import EvaderAnswers, EvaderOracle, _no_better, best_paths
from optimizer.solvers.mixed.exploitability import exploitability
from optimizer.solvers.mixed.few_plans import FewPlans
from optimizer.solvers.mixed.restricted_game import RestrictedGame
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import (
    ClockParams,
    MixedParams,
    PatrolParams,
    SolveOptions,
    SolveParams,
)
from optimizer.solvers.place import place
from optimizer.solvers.solve import solve
from tests.cases import Recorder, path_values, random_instance, simple_paths
from tests.command import run
from tests.edge import edge_instance
from tests.examples import quick_first
from tests.kernel_cases import set_compiled
from tests.test_cooperate import with_agencies
from tests.test_joint import every_tour, small_case
from tests.test_requirements import with_requirements
from tests.tiny import write_scenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.mixed.evader import BestPaths
GAP = 1e-6


def masks(instance: Instance) -> list[NDArray[np.bool_]]:
    """Return every feasible plan."""
    every = (
        np.array(bits, dtype=bool) for bits in product((False, True), repeat=len(instance.options))
    )
    return [mask for mask in every if not violations(instance, mask)]


def rows_of_evader(
    instance: Instance, k: int, plans: list[NDArray[np.bool_]]
) -> NDArray[np.float64]:
    """Return the (answers, plans) values of what evader k may do: every simple path, or
    its routes.
    """
    evader = instance.evaders[k]
    if evader.routes:
        along = path_values(instance, np.array(plans), [route.arcs for route in evader.routes])
        return (along @ [route.share for route in evader.routes])[None]
    paths = list(simple_paths(instance, evader.origin, evader.destination))
    return path_values(instance, np.array(plans), paths).T


def game_value(instance: Instance, plans: list[NDArray[np.bool_]] | None = None) -> float:
    """Return the value of the game by one linear program over all paths and all plans,
    or those given.
    """
    plans, n = masks(instance) if plans is None else plans, len(instance.evaders)
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
    best = [
        (rows_of_evader(instance, k, plans) @ mixture.probabilities).max()
        for k in range(len(instance.evaders))
    ]
    return float(np.array([evader.weight for evader in instance.evaders]) @ best)


@pytest.mark.parametrize("seed", quick_first(range(40), 12))
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


@pytest.mark.parametrize("seed", quick_first(range(12), 3))
def test_bounds_hold_and_meet_where_a_time_limit_begins_with_a_proof_of_one_plan(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mixture that is proven is not that of the game: its upper bound is its own,
    and later ones have more plans.
    """
    monkeypatch.setattr(double_oracle, "FEW", 1)
    monkeypatch.setattr(double_oracle, "LEAST", 1)
    instance = random_instance(seed)
    told, value = Recorder(), game_value(instance)
    # by work: on a cold cache the suite waits within `solve` for another of its
    # processes to compile, for more than 60 s
    work = SolveParams(clock=ClockParams(by_work=True))
    result = solve(
        instance, method="mixed", gap=GAP, time_limit=60.0, threads=1, listener=told, params=work
    )
    assert result.mixed is not None
    assert result.upper is not None
    assert result.status == "optimal"
    assert all(lower <= value * (1 + 1e-9) <= upper * (1 + 2e-9) for lower, upper in told.bounds)
    assert result.upper == pytest.approx(mixture_value(instance, result.mixed.mixture), rel=GAP)


def test_few_plans_are_exchanged_until_they_are_nearly_the_best_few() -> None:
    """From any two plans: never worse, and mostly as good as the best two of all that there are."""
    reached, begun = list[bool](), list[bool]()
    for seed in range(8):
        instance = random_instance(seed)
        plans, master = masks(instance), MarginalRelaxation(instance, contract(instance)).master
        if len(plans) < 3:
            continue
        begin = plans[:2]
        before = game_value(instance, begin)
        few = FewPlans(master.commodities, master.pool, Swaps(instance, master.overlay))
        settled = few.settled(begin)
        assert settled is not None
        chosen, share = settled
        assert len(chosen) <= len(begin)
        assert all(not violations(instance, plan) for plan in chosen)
        mixture = Mixture(
            tuple(Plan.from_mask(instance, plan) for plan in chosen), tuple(share.tolist())
        )
        mixture.check()
        value = mixture_value(instance, mixture)
        assert value <= before * (1 + 1e-9)
        alone = np.argsort(
            [evaluate(instance, Plan.from_mask(instance, plan)).value for plan in plans]
        )
        near = [plans[x] for x in alone[:12].tolist()]
        best = min(game_value(instance, list(pair)) for pair in combinations([*near, *chosen], 2))
        reached.append(value <= best * 1.02 + 1e-12)
        begun.append(before <= best * 1.02 + 1e-12)
        assert few.settled(begin, work_seconds()) is None
    assert sum(reached) >= 0.8 * len(reached) > sum(begun)


@pytest.mark.parametrize("seed", range(3))
def test_a_game_whose_rows_are_left_out_has_a_strategy_that_proves_its_value(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restricted_game, "SLACK_SOLVES", 0)
    instance = plain_grid(6, budget=4, n_options=20, n_evaders=5, seed=seed)
    master = MarginalRelaxation(instance, contract(instance)).master
    game, rng = RestrictedGame(master.commodities, master.pool), np.random.default_rng(seed)
    none = np.zeros(len(instance.options), dtype=bool)
    for _ in range(12):
        for _ in range(3):
            plan = sampled_plan(instance, none, np.full(none.size, 0.2), rng)
            game.add(plan)
            game.pool.grow(plan * rng.random(plan.size), plan)
        solution = game.solve()
        assert solution is not None
        left = [
            solution.weight @ game.pool.paths.values(np.append(plan, False)) for plan in game.plans
        ]
        assert min(left) == pytest.approx(solution.value, rel=1e-6)
    assert game._program.n_rows < game._program.next_name


def test_bounds_told_on_the_way_hold_for_mixtures_of_any_beats() -> None:
    """Within the beats at hand more is proven: 3.76 was told here where 3.58 is proven
    over all beats.
    """
    instance, _ = small_case(0, teams=1)
    told = Recorder()
    few = SolveParams(patrols=PatrolParams(most_beats=0))
    result = solve(instance, method="mixed", gap=1e-5, threads=1, params=few, listener=told)
    assert result.lower is not None
    assert result.weighed_lower is not None
    assert result.lower < result.weighed_lower
    assert max(lower for lower, _ in told.bounds) <= result.lower


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
    option, evader = (
        replace(roads.options[0], site="", forced=False, forbidden=False),
        roads.evaders[0],
    )
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
    everything = tuple(
        replace(o, forced=False, forbidden=False, site="", uses={}) for o in instance.options
    )
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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_mixtures_drive_beats_and_their_bound_holds_over_every_tour(seed: int) -> None:
    instance, field = small_case(seed, teams=1)
    beats = [make_beat(field, 0, *tour, f"b{k}") for k, tour in enumerate(every_tour(field))]
    whole = with_beats(with_teams(instance), beats)
    one_tour = np.vstack((np.zeros(len(beats), dtype=bool), np.eye(len(beats), dtype=bool)))
    fixed = product((False, True), repeat=len(instance.options))
    every = [np.append(np.array(bits, dtype=bool), tour) for bits in fixed for tour in one_tour]
    value = game_value(whole, [mask for mask in every if not violations(whole, mask)])
    result = solve(instance, method="mixed", gap=1e-5)
    assert result.mixed is not None
    assert result.lower is not None
    assert result.upper is not None
    assert result.weighed_lower is not None
    assert result.lower <= value * (1 + 1e-9) <= result.upper * (1 + 2e-9)
    assert result.lower <= result.weighed_lower <= result.upper
    assert result.upper <= result.mixed.pure_upper * (1 + 1e-12)
    mixture = result.mixed.mixture
    assert exploitability(mixture, instance).value == pytest.approx(result.upper, rel=2e-5)
    for plan in mixture.plans:
        drawn = with_mixture(instance, mixture)
        assert not violations(drawn, drawn.placed(plan.options))


def test_other_steps_refuse_the_method() -> None:
    with pytest.raises(InputError, match="mixed"):
        place(random_instance(0), SolveOptions("mixed"))


@pytest.mark.parametrize("shares", [(0.5, 0.4), (1.5, -0.5), (1.0,), (0.0, 1.0)])
def test_probabilities_that_are_none_are_refused(shares: tuple[float, ...]) -> None:
    plans = (Plan(()), Plan.from_mask(random_instance(0), np.array([True] + [False] * 5)))
    with pytest.raises(InputError, match="mixture"):
        Mixture(plans, shares).check()


def random_mixture(instance: Instance, seed: int) -> Mixture:
    """Return a mixture of up to four plans, feasible or not."""
    rng = np.random.default_rng(seed)
    found = {mask.tobytes(): mask for mask in rng.random((4, len(instance.options))) < 0.4}
    share = rng.dirichlet(np.ones(len(found)))
    return Mixture(
        tuple(Plan.from_mask(instance, mask) for mask in found.values()), tuple(share.tolist())
    )


@pytest.mark.parametrize("seed", range(30))
def test_exploitability_is_that_of_every_simple_path(seed: int) -> None:
    instance = random_instance(seed, n_nodes=10)
    mixture = random_mixture(instance, seed)
    found = exploitability(mixture, instance)
    assert found.value == pytest.approx(mixture_value(instance, mixture), rel=1e-9)
    plans = [instance.placed(plan.options) for plan in mixture.plans]
    for evader, answer in zip(instance.evaders, found.evaders, strict=True):
        if not evader.routes:
            on_path = path_values(instance, np.array(plans), [answer.arcs])[:, 0]
            assert float(np.dot(on_path, mixture.probabilities)) == pytest.approx(
                answer.value, rel=1e-9
            )
    for plan in mixture.plans:
        assert exploitability(plan, instance) == evaluate(instance, plan)


def test_an_evader_who_is_where_he_wants_to_be_gets_through() -> None:
    instance = random_instance(1)
    mixture = random_mixture(instance, 1)
    stays = replace(instance.evaders[0], id="stays", origin=2, destination=2, routes=(), weight=0.5)
    found = exploitability(mixture, replace(instance, evaders=(*instance.evaders, stays)))
    assert found.value == pytest.approx(mixture_value(instance, mixture) + 0.5, rel=1e-9)


def best_by_search(
    instance: Instance, k: int, plans: list[NDArray[np.bool_]], shares: tuple[float, ...]
) -> float:
    """Return evader k's best expected value by a best-first search of its own: bounds
    from networkx, no dominance, no contraction.
    """
    survival = np.array([instance.survival(plan) for plan in plans])
    origin, destination = instance.evaders[k].origin, instance.evaders[k].destination
    onward = np.zeros((len(plans), instance.n_nodes))
    for x, chances in enumerate(survival):
        graph = nx.DiGraph()
        for t, h, s in zip(
            instance.tail.tolist(), instance.head.tolist(), chances.tolist(), strict=True
        ):
            cost = -np.log(s) if s > 0 else np.inf
            if cost < graph.get_edge_data(h, t, {"cost": np.inf})["cost"]:
                graph.add_edge(h, t, cost=cost)
        for node, cost in nx.single_source_dijkstra_path_length(
            graph, destination, weight="cost"
        ).items():
            onward[x, node] = np.exp(-cost)
    share = np.array(shares)
    start = np.ones(len(plans))
    heap = [(-float(share @ onward[:, origin]), 0, origin, start, frozenset({origin}))]
    count = 0
    while heap:
        less, _, node, chance, seen = heappop(heap)
        if node == destination:
            return -less
        for a in np.flatnonzero(instance.tail == node).tolist():
            after = int(instance.head[a])
            if after not in seen:
                count += 1
                further = chance * survival[:, a]
                heappush(
                    heap,
                    (
                        -float(share @ (further * onward[:, after])),
                        count,
                        after,
                        further,
                        seen | {after},
                    ),
                )
    return 0.0


@pytest.mark.slow
def test_an_independent_best_first_search_finds_the_same_answers_on_a_grid() -> None:
    instance = plain_grid(6, budget=4, n_options=30, n_evaders=12, seed=5)
    result = solve(instance, method="mixed", gap=0.001)
    assert result.mixed is not None
    mixture = result.mixed.mixture
    assert len(mixture.plans) > 3
    plans = [instance.placed(plan.options) for plan in mixture.plans]
    found = exploitability(mixture, instance)
    for k, answer in enumerate(found.evaders):
        assert answer.value == pytest.approx(
            best_by_search(instance, k, plans, mixture.probabilities), rel=1e-9
        )
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower <= found.value <= result.upper * (1 + 1e-9)


def test_a_rough_proof_leaves_less_slack_than_its_mixture_leaves_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proofs: list[tuple[float, float, float]] = []
    certify, answers = DoubleOracle._certify, EvaderOracle.answers

    def noted(self: DoubleOracle, solution: Any, until: float, _: float) -> float:
        proofs.append((solution.value, self.lower, 0.0))
        return certify(self, solution, until, 0.5)

    def slack_noted(self: EvaderOracle, *terms: Any) -> Any:
        proofs[-1] = (*proofs[-1][:2], terms[3])
        return answers(self, *terms)

    monkeypatch.setattr(DoubleOracle, "_certify", noted)
    monkeypatch.setattr(EvaderOracle, "answers", slack_noted)
    solve(
        plain_grid(6, budget=4, n_options=20, n_evaders=5, seed=3),
        method="mixed",
        gap=1e-3,
        threads=1,
    )
    assert proofs
    assert all(slack <= max(1 - lower / value, 1e-3) / 4 for value, lower, slack in proofs)


@pytest.mark.slow
def test_a_proof_of_several_passes_is_no_less_than_what_evaders_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Later passes look for no paths up to values that nobody reached, and take other
    evaders as settled.
    """
    instance = plain_grid(7, budget=5, n_options=60, n_evaders=6, seed=3)
    passes: list[int] = []
    proven: list[CertifiedMixture] = []
    certify, answers = DoubleOracle._certify, EvaderOracle.answers

    def noted(self: DoubleOracle, *terms: Any) -> float:
        passes.append(0)
        upper = certify(self, *terms)
        proven.append(self.best)
        return upper

    def counted(self: EvaderOracle, *terms: Any) -> EvaderAnswers:
        passes[-1] += 1
        return answers(self, *terms)

    monkeypatch.setattr(DoubleOracle, "_certify", noted)
    monkeypatch.setattr(EvaderOracle, "answers", counted)
    looks = count()
    monkeypatch.setattr(time, "thread_time", lambda: 1e-3 * next(looks))
    few = SolveParams(
        mixed=MixedParams(first_labels=32, most_labels=32), clock=ClockParams(by_work=True)
    )
    solve(instance, method="mixed", gap=1e-4, time_limit=3.0, threads=1, params=few)
    monkeypatch.undo()
    assert max(passes) > 1
    for best in proven:
        plans = tuple(Plan.from_mask(instance, plan) for plan in best.plans)
        mixture = Mixture(plans, tuple((best.probability / best.probability.sum()).tolist()))
        assert exploitability(mixture, instance).value <= best.upper * (1 + 1e-9)


def test_an_evader_whose_turn_came_in_any_pass_was_searched_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = plain_grid(4, budget=2, n_options=6, n_evaders=2, seed=0)
    overlay, none = contract(instance), np.zeros(len(instance.options), dtype=bool)
    relaxation = MarginalRelaxation(instance, overlay)
    single = CertifiedMixture((none,), np.ones(1), overlay.value(none))
    search = DoubleOracle(
        instance, overlay, relaxation, none, single, until=work_seconds() + 1000.0
    )
    turns = iter([np.array([True, False]), np.array([False, True]), np.array([True, True])])

    def answers(*terms: Any) -> EvaderAnswers:  # noqa: ARG001 - whose turn does not come
        return EvaderAnswers(np.ones(2), {}, next(turns))

    monkeypatch.setattr(search._evaders, "answers", answers)
    _, _, unsearched = search._proven(
        np.ones((1, 1)), np.ones(1), np.full(2, 0.5), 0.0, search.until
    )
    assert unsearched == 0


@pytest.mark.parametrize("most", [3, 10_000])
def test_answers_are_those_of_every_simple_path_where_many_are_nearly_as_good(most: int) -> None:
    """Labels are left out for others that do better on most plans, not on all; those
    are paths of nearly the same roads.
    """
    tighter = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n, plans = int(rng.integers(4, 8)), int(rng.integers(2, 7))
        tail, head = (column.ravel() for column in np.nonzero(~np.eye(n, dtype=bool)))
        reliability = rng.uniform(0.7, 1, tail.size)
        placed = rng.random((tail.size, plans)) < 0.3
        survival = reliability[:, None] * np.where(
            placed, rng.choice([0.3, 0.5, 0.7], (tail.size, 1)), 1.0
        )
        share = rng.dirichlet(np.ones(plans))
        evaders = [Evader(f"e{k}", k, n - 1, 1.0) for k in range(n - 1)]
        roads = nx.DiGraph(zip(tail.tolist(), head.tolist(), strict=True))
        arc_of = {ends: a for a, ends in enumerate(zip(tail.tolist(), head.tolist(), strict=True))}
        paths = [
            [[arc_of[x] for x in pairwise(path)] for path in nx.all_simple_paths(roads, k, n - 1)]
            for k in range(n - 1)
        ]
        best = np.array(
            [max(float(share @ survival[path].prod(axis=0)) for path in each) for each in paths]
        )
        oracle = EvaderOracle(n, tail, head, Searches.of(evaders))
        found = oracle.answers(survival, share, np.zeros(n - 1), slack=1e-10, most=most)
        order = [int(leaf) for leaf in Searches.of(evaders).leaf]
        assert (found.bound >= best[order] * (1 - 1e-12)).all()
        seen = share @ np.array(
            [
                [max(survival[path, x].prod() for path in each) for each in paths]
                for x in range(plans)
            ]
        )
        assert (found.bound <= seen[order] * (1 + 1e-9)).all()
        tighter += int((found.bound < seen[order] * (1 - 1e-6)).sum())
        if most > 3:
            assert found.bound == pytest.approx(best[order], rel=1e-9)
            assert [
                float(share @ survival[list(found.arcs[k])].prod(axis=0)) for k in range(n - 1)
            ] == pytest.approx(best[order], rel=1e-9)
    assert tighter > 0


def test_answers_are_those_of_every_way_where_bounds_ahead_are_weak(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Labels are then left out for others long before their bounds would do it; and
    each mixture is contracted for itself.
    """
    monkeypatch.setattr(evader_module, "OUTWARD", 1)
    links, ways = 6, 3
    tail = np.repeat(np.arange(links), ways)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        plans = int(rng.integers(4, 9))
        oracle = EvaderOracle(links + 1, tail, tail + 1, Searches.of([Evader("e", 0, links, 1.0)]))
        for _ in range(2):
            survival = rng.uniform(0.95, 1, (tail.size, 1)) * np.where(
                rng.random((tail.size, plans)) < 0.4, 0.5, 1.0
            )
            share, every = rng.dirichlet(np.ones(plans)), np.ones((1, plans))
            for link in survival.reshape(links, ways, plans):
                every = (every[:, None] * link).reshape(-1, plans)
            found = oracle.answers(survival, share, np.zeros(1), slack=1e-10)
            assert found.bound[0] == pytest.approx((every @ share).max(), rel=1e-9)


def test_a_label_is_left_out_where_no_completion_makes_it_better_than_another_one() -> None:
    """The rule is the dual of a linear program: the least that the other label is
    ahead, over completions that are worth enough.
    """
    rng, agreed, asked = np.random.default_rng(0), 0, 0
    for _ in range(400):
        plans = int(rng.integers(1, 8))
        less, more = rng.uniform(0.2, 1, (2, plans))
        onward = rng.dirichlet(np.ones(plans)) * rng.uniform(0.3, 1, plans)
        seen = (float(less @ onward), float(more @ onward))
        enough = float(rng.uniform(0.6, 1)) * seen[0]
        outdone = _no_better(less, more, onward, *seen, enough)[0]
        ahead = linprog(
            more - less, A_ub=[-less], b_ub=[-enough], bounds=[(0, most) for most in onward]
        ).fun
        assert ahead is not None
        assert not outdone or ahead > -1e-9
        asked += ahead > 1e-4
        agreed += outdone and ahead > 1e-4
    assert agreed > 0.9 * asked > 20


def flow_value(instance: Instance, survival: float) -> float:
    """Return the value of one unit against one evader without background loss, by the
    flow program of Washburn & Wood (1995).

    The evader sends a unit flow y from origin to destination so that the arc with an
    option that carries most of it carries least: z. Then the game is worth 1 - (1 -
    survival) z to it.
    """
    m, n = instance.tail.size, instance.n_nodes
    evader = instance.evaders[0]
    balance = np.zeros((n, m + 1))
    balance[instance.tail, np.arange(m)] += 1
    balance[instance.head, np.arange(m)] -= 1
    demand = np.zeros(n)
    demand[evader.origin], demand[evader.destination] = 1, -1
    watched = [option.arcs[0] for option in instance.options]
    most = np.zeros((len(watched), m + 1))
    most[np.arange(len(watched)), watched] = 1
    most[:, m] = -1
    cost = np.zeros(m + 1)
    cost[m] = 1
    outcome = linprog(cost, A_ub=most, b_ub=np.zeros(len(watched)), A_eq=balance, b_eq=demand)
    assert outcome.fun is not None
    return 1 - (1 - survival) * float(outcome.fun)


@pytest.mark.parametrize("seed", range(6))
def test_one_unit_against_one_evader_is_the_flow_program_of_washburn_and_wood(seed: int) -> None:
    grid = plain_grid(4, budget=1, n_options=30, n_evaders=1, seed=seed)
    options = tuple(replace(option, survival=(0.3,)) for option in grid.options)
    instance = replace(grid, options=options, reliability=np.ones(grid.tail.size))
    weight = instance.evaders[0].weight
    result = solve(instance, method="mixed", gap=1e-9)
    assert result.mixed is not None
    value = weight * flow_value(instance, 0.3)
    assert exploitability(result.mixed.mixture, instance).value == pytest.approx(value, rel=1e-9)
    assert result.lower == pytest.approx(value, rel=2e-7)


def test_days_drawn_from_a_mixture_let_through_what_is_stated() -> None:
    instance = plain_grid(5, budget=3, n_options=20, n_evaders=6, seed=2)
    result = solve(instance, method="mixed", gap=0.001)
    assert result.mixed is not None
    mixture, found = result.mixed.mixture, exploitability(result.mixed.mixture, instance)
    rng = np.random.default_rng(1)
    days = 40_000
    drawn = rng.choice(len(mixture.plans), days, p=np.array(mixture.probabilities))
    survival = np.array(
        [instance.survival(instance.placed(plan.options)) for plan in mixture.plans]
    )
    through = np.zeros(days)
    for evader, answer in zip(instance.evaders, found.evaders, strict=True):
        passed = np.ones(days, dtype=bool)
        for arc in answer.arcs:  # arc by arc, each a throw of its own
            passed &= rng.random(days) < survival[drawn, arc]
        through += evader.weight * passed
    assert through.mean() == pytest.approx(found.value, abs=4 * through.std() / np.sqrt(days))


def test_series_of_single_plans_refuse_mixtures(tmp_path: Path) -> None:
    """The value of a mixture is that of none of its plans: a curve or a split of such
    values would state what no plan reaches.
    """
    terms = SolveModel(method="mixed", time_limit=None)
    with pytest.raises(InputError, match="single plans"):
        frontier(random_instance(2), [BudgetRange.between("money", 0, 4, 2)], terms)
    with pytest.raises(InputError, match="single plans"):
        cooperate(with_agencies(1), terms)
    over_draws: dict[str, Any] = {"doubt": UncertaintyRequest(2, Objective.parsed("mean"))}
    for asked in ({"sensitivity": True}, over_draws):
        with pytest.raises(InputError, match="single plans"):
            plan_scenario(
                write_scenario(tmp_path),
                tmp_path / "out",
                options={"method": "mixed"},
                **asked,
                report=False,
            )
        assert not (tmp_path / "out").exists()


def test_processes_without_solves_to_share_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = write_scenario(tmp_path)
    told = run(
        capsys,
        monkeypatch,
        "plan",
        scenario,
        "--jobs",
        2,
        "--out",
        tmp_path / "out",
        "--gap",
        1,
        "--no-report",
    )
    assert told.code == 0
    assert "--jobs shares the solves" in told.err


PLANS = 10
TICK, SINGLE = 0.01, 3.0

"""Seconds that pass with each look at the clock, and those until the single plan is
found whatever the limit.
"""


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
    grid: Instance,
    mixture: tuple[list[NDArray[np.bool_]], NDArray[np.float64]],
    until: float = np.inf,
) -> EvaderAnswers:
    """Return what the search proves until then, from no known paths."""
    plans, share = mixture
    oracle = EvaderOracle(grid.n_nodes, grid.tail, grid.head, Searches.of(grid.evaders))
    survival = np.array([grid.survival(plan) for plan in plans]).T
    return oracle.answers(survival, share, np.zeros(len(grid.evaders)), until=until)


def seeing(
    grid: Instance, mixture: tuple[list[NDArray[np.bool_]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the (evaders,) values of evaders who see the plan of the day, plan by plan."""
    plans, share = mixture
    each = [
        [answer.value for answer in evaluate(grid, Plan.from_mask(grid, plan)).evaders]
        for plan in plans
    ]
    return np.asarray(share @ np.array(each))


def test_evaders_that_are_not_reached_are_bounded_as_if_they_saw_the_plan_of_the_day(
    grid: Instance, mixture: tuple[list[NDArray[np.bool_]], NDArray[np.float64]]
) -> None:
    late = answers(grid, mixture, until=work_seconds() - 1)
    assert late.skipped.sum() == len(grid.evaders)
    assert late.labels == 0
    assert late.bound == pytest.approx(seeing(grid, mixture), rel=1e-9)
    exact = answers(grid, mixture)
    assert not exact.skipped.any()
    assert (exact.bound <= late.bound * (1 + 1e-9)).all()
    assert (exact.bound < late.bound * 0.999).any()


def test_answers_are_paths_of_the_whole_network_where_plans_differ_on_little_of_it(
    grid: Instance,
) -> None:
    few = replace(grid, evaders=grid.evaders[:6])
    plans, share = (
        [np.isin(np.arange(len(grid.options)), placed) for placed in ([0, 1], [1, 2], [2, 3])],
        np.full(3, 1 / 3),
    )
    found = answers(few, (plans, share))
    survival = np.array([few.survival(plan) for plan in plans]).T
    for k, evader in enumerate(few.evaders):
        arcs = list(found.arcs[k])
        assert [evader.origin, *few.head[arcs].tolist()] == [
            *few.tail[arcs].tolist(),
            evader.destination,
        ]
        value = float(share @ survival[arcs].prod(axis=0))
        assert value == pytest.approx(found.bound[k], rel=1e-9)
        assert value == pytest.approx(
            best_by_search(few, k, plans, tuple(share.tolist())), rel=1e-9
        )


@pytest.mark.slow
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
    monkeypatch.setattr(best_paths, "asks_at", np.inf)  # what records is no kernel to compile
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(evader_module, "work_seconds", lambda: 0.0)
    least, total = np.inf, []
    for speed in (6e4, 2e5, 2e6, 1e9):
        monkeypatch.setattr(evader_module, "_speed", {False: speed, True: speed})
        runs.clear()
        found = answers(grid, mixture, until=1.0)
        total.append(sum(run.steps for _, run in runs))
        # what is under way when the steps are used up: a label with those that it is
        # compared with, and each arc once more
        labels = max((run.labels for _, run in runs), default=0)
        one_label = 4 * PLANS * (1 + 7) + 4 * (4 + 8 * PLANS) * labels + 17 * PLANS * grid.tail.size
        ends = len(grid.evaders) + grid.n_nodes
        assert all(run.steps <= most + one_label * ends for most, run in runs)
        assert (found.bound >= exact.bound * (1 - 1e-9)).all()
        assert (found.bound <= loosest * (1 + 1e-9)).all()
        assert found.bound.sum() <= least * (1 + 1e-9)
        least = float(found.bound.sum())
    assert total[0] < total[-1] / 2
    assert found.bound == pytest.approx(exact.bound, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, np.inf])
@pytest.mark.parametrize("limit", [0.5, 4.0, 8.0])
def test_a_search_that_runs_out_of_time_ends_soon_with_valid_bounds(
    grid: Instance, limit: float, size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without compiled kernels: those do not look at the clock by which the
    search ends.
    """
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


@pytest.mark.slow
def test_a_search_without_a_time_limit_ends_where_rounding_keeps_its_bounds_apart() -> None:
    """Numbers from 5e-324 on, and a gap below what sums can tell: work ends it, as
    there is no clock to do so.
    """
    instance = edge_instance(192)
    result = solve(instance, method="mixed", gap=1e-9, seed=192)
    assert result.status == "feasible"
    assert result.mixed is not None
    assert result.lower is not None
    assert result.lower <= exploitability(result.mixed.mixture, instance).value


@pytest.mark.parametrize("seed", quick_first(range(8), 3))
@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_mixture_has_at_most_so_many_plans_and_is_worth_what_is_stated(
    seed: int, most: int
) -> None:
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


@pytest.mark.parametrize("seed", quick_first(range(4), 1))
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


@pytest.mark.parametrize(
    ("support", "method", "fault"), [(0, "mixed", "at least 1"), (3, "cuts", "'cuts'")]
)
def test_a_support_that_cannot_be_is_refused(support: int, method: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        solve(random_instance(0), method=method, support=support)
