"""Every family of cuts holds at every plan, by enumeration."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import SolverError
from optimizer.base.work import executor
from optimizer.base.work.listener import SILENT, Listener, SilentListener
from optimizer.base.work.work_clock import work_seconds
from optimizer.lab.benchmark.families import INSTANCES, plain_grid
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Resource
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.plan.evaluation import weighted_sum
from optimizer.problem.plan.plan import within_limits
from optimizer.solvers.branch_and_cut.cuts import lagrangian_cuts, lifting
from optimizer.solvers.branch_and_cut.cuts import min_cut_heuristic as network_cut
from optimizer.solvers.branch_and_cut.cuts.lagrangian_cuts import (
    add_lagrangian_cuts,
    add_lagrangian_cuts_if_worthwhile,
    least_with_prices,
    proven_cut,
)
from optimizer.solvers.branch_and_cut.cuts.lifting import lifted
from optimizer.solvers.branch_and_cut.cuts.min_cut_heuristic import (
    cheapest_cut_plan,
    largest_shares,
    min_cut_heuristic,
)
from optimizer.solvers.branch_and_cut.cuts.separation import Cuts, Kinds, best_cuts
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.branch_and_cut.improve.local_search import PlanImprover, local_search
from optimizer.solvers.branch_and_cut.improve.state import SolveState
from optimizer.solvers.branch_and_cut.parallel.messages import (
    GroupTask,
    Lost,
    Order,
    Pause,
    ToWorker,
)
from optimizer.solvers.branch_and_cut.parallel.parallel_tree import ParallelTree
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, Paths, PooledValues
from optimizer.solvers.branch_and_cut.tree import path_set_branching
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.path_set_branching import (
    TINY,
    BranchingRule,
    NodeSolution,
    PathSet,
    values_without_each,
)
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.mip import backend
from optimizer.solvers.mip.backend import MipOutcome
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.params import (
    HeuristicParams,
    LagrangianParams,
    SolveOptions,
    SolveParams,
    TreeParams,
)
from optimizer.solvers.place import place
from tests.cases import Recorder, random_instance
from tests.examples import examples, quick_first
from tests.kernel_cases import plain_and_compiled
from tests.referees import kernels as referee
from tests.referees.kernels import chord_cuts, star_cuts, tangent_cuts
from tests.tree_cases import LocalTreeWorkers

SEEDS = st.integers(0, 2**20)


def plans(overlay: Overlay) -> Iterator[np.ndarray]:
    """Every mask of the free options."""
    free = np.flatnonzero(overlay.free)
    for bits in product((False, True), repeat=free.size):
        mask = np.zeros(overlay.free.size, dtype=bool)
        mask[free] = bits
        yield mask


def commodity_values(overlay: Overlay, commodities: Commodities, mask: np.ndarray) -> np.ndarray:
    informed = commodities.searches.values(
        overlay.n_nodes, overlay.tail, overlay.head, overlay.arc_survival(mask)
    )
    return np.append(informed, overlay.fixed_routes.values(mask))


def sampled(
    instance: Instance, seed: int
) -> tuple[Overlay, Commodities, PathPool, list[Cuts], list[Cuts]]:
    """Cuts of commodities, of every family, and rows of groups, at points fractional
    and nearly whole, with T of every size.
    """
    overlay = contract(instance)
    commodities = Commodities.of(overlay)
    pool = PathPool(overlay, commodities.searches)
    rng = np.random.default_rng(seed)
    cuts, rows = [], []
    for sharpness in (0.3, 1.0, 30.0):
        x = rng.beta(sharpness, sharpness, overlay.free.size) * overlay.free
        for share in (2.0, 0.5, 0.0):
            base = (x >= share) & overlay.free
            pool.grow(x, base)
            for paths in (pool.paths, commodities.fixed_routes):
                cuts += [
                    chord_cuts(paths, x, base, commodities.floor),
                    tangent_cuts(paths, x, commodities.floor),
                ]
            cuts.append(star_cuts(pool.paths, x, base, commodities.floor))
        rows.append(commodities.rows(Cuts.join(cuts), x, commodities.floor))
    return overlay, commodities, pool, cuts, rows


@pytest.mark.slow
@given(SEEDS)
@examples(100)
def test_every_cut_holds_at_every_plan(seed: int) -> None:
    overlay, commodities, pool, cuts, rows = sampled(random_instance(seed), seed)
    for mask in plans(overlay):
        value = commodity_values(overlay, commodities, mask)
        assert np.all(
            pool.paths.values(np.append(mask, False)) <= value[pool.paths.commodity] * (1 + 1e-12)
        )
        for part in cuts:
            assert np.all(part.values(mask.astype(float)) <= value[part.commodity] + 1e-15)
        for part in rows:
            assert np.all(
                part.values(mask.astype(float)) <= commodities.sums(value)[part.commodity] + 1e-15
            )


@given(SEEDS)
@examples(40)
def test_paths_with_detours_are_worth_no_more_than_the_evader_gets_at_every_plan(seed: int) -> None:
    """So every cut from them holds: they have survivals of their own, and nothing else
    about them is asked for.
    """
    instance, rng = random_instance(seed), np.random.default_rng(seed)
    overlay = contract(instance)
    commodities = Commodities.of(overlay)
    pool = PathPool(overlay, commodities.searches)
    for sharpness in (0.3, 1.0, 30.0):
        x = rng.beta(sharpness, sharpness, overlay.free.size) * overlay.free
        pool.grow_around(x, overlay.free)
        assert pool.grow_around(x, overlay.free) == 0  # equal ones once
    cuts = [star_cuts(pool.paths, x, (x >= 0.5) & overlay.free, commodities.floor)]
    cuts.append(tangent_cuts(pool.paths, x, commodities.floor))
    for mask in plans(overlay):
        value = commodity_values(overlay, commodities, mask)
        assert np.all(
            pool.paths.values(np.append(mask, False)) <= value[pool.paths.commodity] * (1 + 1e-12)
        )
        for part in cuts:
            assert np.all(part.values(mask.astype(float)) <= value[part.commodity] + 1e-15)


def test_an_option_that_can_be_driven_around_takes_off_what_the_detour_costs() -> None:
    """A road of survivals .1 and .2 beside one of reliability .9 and survival .5: .9 is
    left with one of the first two, .45 with the third too.

    Where the option of the detour has the larger x, it counts as placed where the
    others are, and takes off nothing by itself.
    """
    one = random_instance(4)
    instance = replace(
        one,
        node_id=np.array(["a", "b", "c"]),
        tail=np.array([0, 1, 0], dtype=np.int32),
        head=np.array([1, 2, 2], dtype=np.int32),
        reliability=np.array([1.0, 0.9, 1.0]),
        evaders=(Evader("e", 0, 2, 1.0),),
        options=tuple(
            replace(
                one.options[0],
                id=f"o{s}",
                arcs=(a,),
                survival=(s,),
                uses={"teams": 1.0},
                site="",
                forced=False,
            )
            for a, s in ((1, 0.5), (2, 0.1), (2, 0.2))
        ),
        resources=(Resource("teams", 3.0),),
        exclusions=(),
    )
    overlay = contract(instance)
    commodities = Commodities.of(overlay)
    for x, expected in (
        ([0.0, 0.4, 0.4], [1.0, 0.9, 0.9, 0.81, 0.5, 0.45, 0.45, 0.405]),
        ([0.9, 0.1, 0.1], [1.0, 0.45, 0.45, 0.2025, 1.0, 0.45, 0.45, 0.2025]),
    ):
        pool = PathPool(overlay, commodities.searches)
        assert pool.grow_around(np.array(x), np.ones(3, dtype=bool)) == 1
        assert pool.paths.value.tolist() == [1.0]
        left = [
            float(pool.paths.values(np.array([*placed, False]))[0])
            for placed in product((False, True), repeat=3)
        ]
        assert left == pytest.approx(expected)


@given(SEEDS)
@examples(40)
def test_the_star_with_a_plan_placed_is_exact_at_that_plan(seed: int) -> None:
    overlay = contract(random_instance(seed))
    commodities = Commodities.of(overlay)
    pool = PathPool(overlay, commodities.searches)
    mask = (np.random.default_rng(seed).random(overlay.free.size) < 0.5) & overlay.free
    pool.grow(mask.astype(float), mask)
    cuts = star_cuts(pool.paths, mask.astype(float), mask, commodities.floor)
    cut_value = commodities.floor[: commodities.searches.leaf.size].copy()
    cut_value[cuts.commodity] = np.maximum(
        cut_value[cuts.commodity], cuts.values(mask.astype(float))
    )
    assert np.allclose(
        cut_value, commodity_values(overlay, commodities, mask)[: cut_value.size], rtol=1e-9
    )


def test_the_star_on_two_roads_is_the_one_in_the_books() -> None:
    """Roads of value 1 and 0.9, an option of survival 0 on each, a third of value 0.5:
    theta >= 1 - 0.1 x_0 - 0.4 x_1.
    """
    paths = Paths(
        commodity=np.zeros(3, dtype=np.int64),
        value=np.array([0.5, 1.0, 0.9]),
        option=np.array([[2], [0], [1]]),
        survival=np.array([[1.0], [0.0], [0.0]]),
    )
    cuts = star_cuts(paths, np.array([0.5, 0.4]), np.zeros(2, dtype=bool), np.array([0.5]))
    assert cuts.side == pytest.approx([1.0])
    assert cuts.coefficient.toarray()[0] == pytest.approx([0.1, 0.4])


def test_the_chord_of_equal_survivals_is_the_convex_envelope() -> None:
    """Three options of survival 0.5 and x summing to 1.5: halfway between 0.5 and 0.25."""
    paths = Paths(np.array([0]), np.array([1.0]), np.array([[0, 1, 2]]), np.full((1, 3), 0.5))
    x = np.array([0.7, 0.5, 0.3])
    cuts = chord_cuts(paths, x, x > 0.6, np.array([0.125]))
    assert cuts.values(x) == pytest.approx([0.375])


def rows_at(cuts: Cuts, masks: np.ndarray) -> np.ndarray:
    """(rows, plans) right sides."""
    return np.asarray(cuts.side[:, None] - cuts.coefficient @ masks.T)


@given(SEEDS)
@examples(40)
def test_lifted_rows_hold_at_every_plan_and_take_off_no_more(seed: int) -> None:
    overlay, commodities, pool, cuts, _ = sampled(random_instance(seed), seed)
    masks = np.array(list(plans(overlay)), dtype=float)
    values = np.array([commodity_values(overlay, commodities, mask > 0) for mask in masks]).T
    x = np.random.default_rng(seed).random(overlay.free.size) * overlay.free
    for unordered in cuts:
        order = np.argsort(unordered.row, kind="stable")
        entries = {name: getattr(unordered, name)[order] for name in ("row", "option", "entry")}
        part = replace(unordered, **entries)
        made = lifted(part, pool.paths, x, commodities.floor)
        assert np.all(rows_at(made, masks) <= values[made.commodity] + 1e-15)
        assert np.all(made.entry <= part.entry)
        assert np.all(made.side >= part.side * (1 - 1e-11))


def test_an_option_on_both_roads_of_a_star_takes_off_what_it_leaves_of_the_better_one() -> None:
    """Roads of 1 and .9, an option of survival 0 on each and one of .5 on both: the
    star adds up .1 and .45 for it, and it takes off .5.
    """
    paths = Paths(
        commodity=np.zeros(2, dtype=np.int64),
        value=np.array([1.0, 0.9]),
        option=np.array([[0, 2], [1, 2]]),
        survival=np.array([[0.0, 0.5], [0.0, 0.5]]),
    )
    x, floor = np.array([0.6, 0.1, 0.2]), np.array([0.1])
    star = star_cuts(paths, x, np.zeros(3, dtype=bool), floor)
    assert star.coefficient.toarray()[0] == pytest.approx([0.1, 0.8, 0.55])
    assert lifted(star, paths, x, floor).coefficient.toarray()[0] == pytest.approx([0.1, 0.8, 0.5])


def test_rows_are_lifted_a_few_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same result: without a compiler one call for all rows of a large problem
    took minutes, as a kernel is compiled, or loaded, between two calls alone.
    """
    rng = np.random.default_rng(1)
    sizes: list[int] = []
    paths, x = random_paths(rng, 12, edges=False), rng.random(12)
    bases = np.array([x > share for share in (0.2, 0.4, 0.6, 0.8)])
    kinds = Kinds(np.ones(4, dtype=bool), np.ones(4, dtype=bool), tangents=True)
    floor = np.zeros(int(paths.commodity.max()) + 1)
    cuts = best_cuts(paths, x, bases, kinds, floor)
    kernel = lifting._lifted
    made = lifted(cuts, paths, x, floor)
    monkeypatch.setattr(lifting, "AT_ONCE", cuts.side.size)
    whole = lifted(cuts, paths, x, floor)
    monkeypatch.setattr(lifting, "AT_ONCE", 3)

    def counted(*parts: Any) -> Any:
        sizes.append(parts[2].size)
        return kernel(*parts)

    monkeypatch.setattr(lifting, "_lifted", counted)
    for other in (whole, lifted(cuts, paths, x, floor)):
        np.testing.assert_array_equal(made.side, other.side)
        np.testing.assert_array_equal(made.entry, other.entry)
    assert max(sizes) == 3
    assert sum(sizes) == cuts.side.size


def test_lifted_rows_meet_the_value_with_each_of_their_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of each option with a coefficient some plan that holds it attains the row, over
    the known paths; compiled or not.
    """
    rng, met, lowered = np.random.default_rng(0), 0, 0
    for _ in range(40):
        n, count = 8, int(rng.integers(2, 40))
        option = np.array([rng.permutation(n + 2)[:4] for _ in range(count)])
        option = np.sort(np.minimum(option, n), axis=1)
        survival = np.where(option < n, rng.random(option.shape) * 0.9, 1.0)
        paths = Paths(rng.integers(0, 3, count), rng.random(count), option, survival)
        x, floor = rng.random(n), rng.random(3) * 0.1
        kinds = Kinds(np.ones(2, dtype=bool), np.ones(2, dtype=bool), tangents=True)
        cuts = best_cuts(paths, x, np.array([np.zeros(n, dtype=bool), x > 0.6]), kinds, floor)
        one, made = (lifted(cuts, paths, x, floor) for _ in plain_and_compiled(monkeypatch))
        np.testing.assert_array_equal(made.side, one.side)
        np.testing.assert_array_equal(made.entry, one.entry)
        masks = np.array(list(product((False, True), repeat=n)))
        every = np.array([paths.values(np.append(mask, False)) for mask in masks]).T
        values = np.array(
            [np.max(every[paths.commodity == u], axis=0, initial=floor[u]) for u in made.commodity]
        )
        left = values - rows_at(made, masks.astype(float))
        assert left.min() > -1e-12
        for row, option, b in zip(made.row, made.option, made.entry, strict=True):
            met += b > 0
            assert b == 0 or left[row, masks[:, option]].min() < 1e-9
        lowered += int(np.sum(made.entry < cuts.entry * (1 - 1e-9)))
    assert met > 200
    assert lowered > 50


EDGES = (0.0, 5e-324, 1e-300, 1e-16, 0.5, 1 - 1e-16, 1.0)


def random_paths(rng: np.random.Generator, n_options: int, *, edges: bool) -> Paths:
    """Return paths of up to 20 options, with survivals and values at the edges of what
    there is if asked.
    """
    n, width = int(rng.integers(1, 120)), int(rng.integers(1, 20))
    option = np.array([rng.permutation(n_options)[:width] for _ in range(n)])
    survival = rng.choice(EDGES, (n, width)) if edges else rng.random((n, width))
    value = rng.choice([1.0, 5e-324, 1e-200, 0.3, 0.3, 1e300], n) if edges else rng.random(n)
    padding = np.arange(width) >= rng.integers(0, width + 1, n)[:, None]
    option[padding], survival[padding] = n_options, 1.0
    return Paths(rng.integers(0, 9, n), value, option, survival)


@pytest.mark.parametrize("edges", quick_first([True, False], 1))
@pytest.mark.parametrize("kind", ["stars", "chords", "tangents", "all"])
def test_the_best_cuts_are_numpys(edges: bool, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best cut of each commodity has the same value at the point, and where no
    other comes near it the same coefficients.
    """
    rng, same = np.random.default_rng(int(edges)), 0
    for _ in range(60):
        paths, n = random_paths(rng, 25, edges=edges), 25
        x = rng.random(n) * (rng.random(n) < 0.6)
        x = np.round(x) if rng.random() < 0.3 else x
        bases = np.array([np.zeros(n, dtype=bool), rng.random(n) < 0.3, rng.random(n) < 0.8])
        stars, chords = (np.full(3, kind in (each, "all")) for each in ("stars", "chords"))
        kinds, floor = (
            Kinds(stars, chords, tangents=kind in ("tangents", "all")),
            rng.random(9) * rng.choice([0, 0.1]),
        )
        plain = referee.best_cuts(paths, x, bases, kinds, floor)
        one, other = (
            best_cuts(paths, x, bases, kinds, floor) for _ in plain_and_compiled(monkeypatch)
        )
        for part in ("commodity", "side", "row", "option", "entry"):
            np.testing.assert_array_equal(getattr(other, part), getattr(one, part))
        found = [plain, other]
        values = []
        for cuts in found:
            value = floor.copy()
            value[cuts.commodity] = cuts.values(x)
            values.append(value)
        np.testing.assert_allclose(values[1], values[0], rtol=1e-9, atol=1e-9 * paths.value.max())
        if np.array_equal(plain.commodity, other.commodity):
            first, second = plain.coefficient.toarray(), other.coefficient.toarray()
            near = np.isclose(first, second, rtol=1e-9).all(axis=1) & np.isclose(
                plain.side, other.side, rtol=1e-9
            )
            same += int(near.sum())
    assert same > (30 if edges else 200)


BEST = 0.403382

"""Least value of grid-10-plain-12 (results/benchmarks.md)."""


@pytest.fixture(scope="module")
def cut() -> BranchAndCut:
    """Return a tree of a grid whose root was cut until it stalled."""
    instance = read_instance(INSTANCES / "grid" / "grid-10-plain-12.json")
    tree = BranchAndCut(instance, contract(instance), upper=BEST)
    tree.cut_root()
    return tree


def test_prices_of_nothing_give_the_value_with_all_that_fits(cut: BranchAndCut) -> None:
    """Without prices the bound is the least value of the group alone; prices far above
    it leave every option unplaced.
    """
    nothing = np.zeros(cut.overlay.free.size, dtype=bool)
    mean = cut.master.mean_rows(cut.root).take(np.array([0]))
    group = mean.commodity[0]
    start = cut.master.commodities.sums(cut.master.values(nothing))[group]
    floor = cut.master.commodities.sums(cut.master.values(cut.overlay.free))[group]
    dear = replace(mean, row=np.zeros(nothing.size, dtype=int), option=np.arange(nothing.size))
    dear = replace(dear, entry=np.full(nothing.size, start + 1))
    assert least_with_prices(cut, dear, nothing) == pytest.approx(start, rel=1e-2)
    free = least_with_prices(cut, replace(dear, entry=np.zeros(nothing.size)), nothing)
    assert floor * (1 - 1e-6) <= free <= start


def again(cut: BranchAndCut, params: LagrangianParams = LagrangianParams()) -> BranchAndCut:
    """Return another tree of the same problem, its root cut as far."""
    tree = BranchAndCut(
        cut.instance, cut.overlay, upper=BEST, params=SolveParams(lagrangian=params)
    )
    tree.cut_root()
    return tree


class LosesAGroup(LocalTreeWorkers):
    """Loses the worker of the second group; keeps that group, and those that are given after it."""

    n_groups = n_paused = 0
    lost: GroupTask | None = None

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.after: list[GroupTask] = []

    def send(self, worker: int, message: ToWorker) -> None:
        """Count it, and lose the worker or send it."""
        self.n_paused += isinstance(message, Pause)
        self.n_groups += isinstance(message, Order) and isinstance(message.task, GroupTask)
        if (
            isinstance(message, Order)
            and isinstance(message.task, GroupTask)
            and self.lost is not None
        ):
            self.after.append(message.task)
        if isinstance(message, Order) and self.n_groups == 2:
            assert isinstance(message.task, GroupTask)
            self.lost = self.lost or message.task
            self._events.append((worker, Lost("ended by signal 9")))
        else:
            super().send(worker, message)


def shared_by(
    workers: LocalTreeWorkers, tree: BranchAndCut, listener: Listener = SILENT
) -> ParallelTree:
    """Return what shares a tree with workers that have begun."""
    search = SolveState(
        tree.instance, 0.0, None, 0, listener, feasible_start(tree.instance), given=tree.overlay
    )
    search.contract()
    search.begin()
    tree.listener = search
    parallel = ParallelTree(search, tree, workers)
    parallel.begin()
    return parallel


@pytest.mark.slow
def test_searches_that_are_shared_give_the_same_bound_and_one_that_is_lost_is_made_again(
    cut: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lagrangian_cuts, "MOST_ROUNDS", 5)
    nothing = np.zeros(cut.overlay.free.size, dtype=bool)
    alone, shared = (again(cut, LagrangianParams(nodes=2, worthwhile=0.0)) for _ in range(2))
    before = alone.lower
    add_lagrangian_cuts(alone, nothing)
    workers = LosesAGroup(2)

    def here(tree: BranchAndCut, task: GroupTask, placed: np.ndarray) -> Cuts:
        workers.after += [] if workers.lost is None else [task]
        return proven_cut(tree, task, placed)

    monkeypatch.setattr(lagrangian_cuts, "proven_cut", here)
    add_lagrangian_cuts(shared, nothing, shared_by(workers, shared))
    assert workers.lost is not None
    # by another worker, or by this process
    assert sum(task is workers.lost for task in workers.after) == 1
    assert shared.lower == pytest.approx(alone.lower, rel=1e-6)
    assert alone.lower > before * (1 + 1e-4)


@pytest.mark.slow
def test_workers_stop_with_their_group_where_what_was_found_is_too_little(
    cut: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lagrangian_cuts, "MOST_ROUNDS", 5)
    workers, tree = LosesAGroup(4), again(cut, LagrangianParams(nodes=2, worthwhile=100.0))
    parallel = shared_by(workers, tree)
    add_lagrangian_cuts(tree, np.zeros(cut.overlay.free.size, dtype=bool), parallel)
    assert workers.n_paused
    parallel.run()
    assert tree.upper == pytest.approx(BEST, rel=1e-5)
    assert tree.lower == pytest.approx(BEST, rel=1e-5)


@pytest.mark.parametrize(
    ("gain", "searches"), [(0.0, lagrangian_cuts.IN_VAIN), (1e-9, LagrangianParams.tried)]
)
def test_searches_end_sooner_where_none_gains_anything_than_where_they_gain_little(
    cut: BranchAndCut, gain: float, searches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def gains(tree: BranchAndCut, task: GroupTask, *_: object) -> Cuts:
        made.append(tree)
        return replace(task.row, side=task.row.side + gain)

    monkeypatch.setattr(lagrangian_cuts, "proven_cut", gains)
    monkeypatch.setattr(lagrangian_cuts, "MOST_ROUNDS", 5)
    add_lagrangian_cuts(again(cut), np.zeros(cut.overlay.free.size, dtype=bool))
    assert len(made) == searches


class Interrupts(SilentListener):
    """Presses Ctrl-C once groups are searched."""

    def step_started(self, name: str) -> None:
        """Press it at that step."""
        if name == "cutting by groups of evaders":
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_while_groups_are_searched_ends_the_search_with_its_plan(
    cut: BranchAndCut, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "cores", lambda: 2)
    result = place(
        cut.instance,
        SolveOptions(
            gap=0.0, threads=threads, params=SolveParams(lagrangian=LagrangianParams(gap=0.0))
        ),
        listener=Interrupts(),
    )
    assert result.limit == "interrupted"
    assert result.plan is not None
    assert result.lower is not None
    assert 0 < result.lower <= BEST * (1 + 1e-5)


@pytest.mark.slow
def test_cuts_by_groups_raise_the_root_of_a_grid_and_no_further_than_its_best_plan(
    cut: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cut raises it by its gain; a gap that counts as narrow, and a time that is
    over, leave it as it is.
    """
    before, rows = cut.lower, cut.master.program.n_rows
    nothing = np.zeros(cut.overlay.free.size, dtype=bool)
    monkeypatch.setattr(lagrangian_cuts, "MOST_ROUNDS", 5)
    cut.params = SolveParams(lagrangian=LagrangianParams(gap=0.9))
    add_lagrangian_cuts_if_worthwhile(cut, nothing)
    assert (cut.lower, cut.master.program.n_rows) == (before, rows)
    cut.params = SolveParams(lagrangian=LagrangianParams(gap=0.0, nodes=2, worthwhile=0.0))
    cut.until = work_seconds()
    add_lagrangian_cuts_if_worthwhile(cut, nothing)
    assert cut.lower == before
    cut.until = np.inf
    add_lagrangian_cuts_if_worthwhile(cut, nothing)
    assert before * (1 + 1e-4) < cut.lower <= BEST * (1 + 1e-5)


ROADS = 12

"""Of each line."""
FIRST, SECOND = 0.5, 0.6

"""Chance to pass an option of either line."""


def two_lines() -> Instance:
    """Return two lines of parallel roads, one behind the other, with teams for one of
    them, and an evader whom no option meets.
    """
    one = random_instance(4)
    chances = [FIRST] * ROADS + [SECOND] * ROADS
    return replace(
        one,
        node_id=np.array(["a", "b", "c", "d"]),
        tail=np.array([0] * ROADS + [1] * ROADS + [3], dtype=np.int32),
        head=np.array([1] * ROADS + [2] * ROADS + [2], dtype=np.int32),
        reliability=np.full(2 * ROADS + 1, 0.9),
        evaders=(Evader("e", 0, 2, 1.0), Evader("unmet", 3, 2, 0.1)),
        options=tuple(
            replace(
                one.options[0],
                id=f"o{k}",
                arcs=(k,),
                survival=(s,),
                uses={"teams": 1.0},
                site="",
                forced=False,
            )
            for k, s in enumerate(chances)
        ),
        resources=(Resource("teams", float(ROADS)),),
        exclusions=(),
    )


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> BranchAndCut:
    """Return the tree of the two lines, with the second of them closed and the root
    cut; small problems are not left out.
    """
    monkeypatch.setattr(network_cut, "FEWEST", 2 * ROADS)
    instance = two_lines()
    tree = BranchAndCut(instance, contract(instance))
    tree.offer(np.arange(2 * ROADS) >= ROADS)
    tree.params = replace(
        tree.params, root=replace(tree.params.root, flat_rounds=5)
    )  # else the root finds the better line by itself
    tree.cut_root()
    return tree


def test_the_better_line_is_found_where_a_local_search_stays_at_the_other(
    tree: BranchAndCut,
) -> None:
    second = np.arange(2 * ROADS) >= ROADS
    pooled = PooledValues(tree.master.commodities, tree.master.pool)
    assert np.array_equal(local_search(tree.instance, tree.overlay, pooled, second), second)
    found = min_cut_heuristic(tree, SILENT)
    assert found is not None
    assert within_limits(tree.instance, found)
    assert tree.overlay.value(found) == pytest.approx(0.81 * FIRST + 0.1 * 0.9)


def test_minimum_cuts_find_the_better_line_without_a_program(tree: BranchAndCut) -> None:
    found = cheapest_cut_plan(tree, np.random.default_rng(0), SILENT)
    assert found is not None
    assert found.tolist() == (np.arange(2 * ROADS) < ROADS).tolist()
    tree.offer(found)
    # no better one is left
    assert cheapest_cut_plan(tree, np.random.default_rng(0), SILENT) is None


def test_few_minimum_cuts_are_drawn_where_all_are_far_worse_than_the_plan_known(
    tree: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counts(SilentListener):
        asked = 0

        def cancelled(self) -> bool:
            self.asked += 1
            return False

    monkeypatch.setattr(network_cut, "_worthwhile", lambda _: True)
    near, far = Counts(), Counts()
    tree.upper = 0.81 * FIRST + 0.1 * 0.9
    assert cheapest_cut_plan(tree, np.random.default_rng(0), near) is None
    tree.upper /= 2
    assert cheapest_cut_plan(tree, np.random.default_rng(0), far) is None
    assert far.asked < near.asked


@pytest.mark.parametrize("seed", range(4))
def test_a_minimum_cut_keeps_budgets_and_requirements_and_is_better_than_the_plan_known(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_cut, "FEWEST", 1)
    instance = random_instance(seed)
    tree = BranchAndCut(instance, contract(instance))
    tree.offer(instance.forced)
    before = tree.upper
    found = cheapest_cut_plan(tree, np.random.default_rng(seed), SILENT)
    if found is not None:
        assert within_limits(instance, found)
        assert requirements_met(instance, found)
        assert (found | ~instance.forced).all()
        assert tree.overlay.value(found) < before


@pytest.mark.slow
def test_the_plan_is_the_same_where_this_process_does_something_else_meanwhile(
    tree: BranchAndCut,
) -> None:
    done = []
    found = min_cut_heuristic(tree, SILENT, lambda: done.append(tree.dive()))
    assert len(done) == 1
    assert found is not None
    alone = min_cut_heuristic(tree, SILENT)
    assert alone is not None
    assert tree.overlay.value(found) == tree.overlay.value(alone)


def test_what_is_done_meanwhile_is_left_out_with_the_program(
    tree: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_cut, "FEWEST", 2 * ROADS + 1)
    assert min_cut_heuristic(tree, SILENT, lambda: pytest.fail("the program was solved")) is None


def test_an_interrupt_of_what_is_done_meanwhile_ends_the_solver(
    tree: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []

    def until_cancelled(*_: object, listener: Listener, **__: object) -> MipOutcome:
        while not listener.cancelled():
            time.sleep(0.01)
        ended.append(True)
        return MipOutcome("limit", "interrupted", None, -np.inf)

    def interrupted() -> None:
        raise KeyboardInterrupt

    class CancelsLater(SilentListener):
        looks = 0

        def cancelled(self) -> bool:
            self.looks += 1
            return self.looks > 2

    monkeypatch.setattr(backend, "solve_mip", until_cancelled)
    for listener, meanwhile in ((SILENT, interrupted), (CancelsLater(), lambda: None)):
        with pytest.raises(KeyboardInterrupt):
            min_cut_heuristic(tree, listener, meanwhile)
    assert len(ended) == 2


def test_a_narrow_gap_few_options_and_a_large_overlay_are_left_to_the_tree(
    tree: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(tree, "params", SolveParams(heuristics=HeuristicParams(min_cut_gap=1.0)))
        assert min_cut_heuristic(tree, SILENT) is None
    for limit, value in (("FEWEST", 2 * ROADS + 1), ("MOST_ARCS", 2 * ROADS)):
        with monkeypatch.context() as patched:
            patched.setattr(network_cut, limit, value)
            assert min_cut_heuristic(tree, SILENT) is None, limit


def test_swaps_around_the_plan_of_the_root_spare_a_dive(monkeypatch: pytest.MonkeyPatch) -> None:
    """On this grid they bring the gap from .048 to .028."""
    grid = plain_grid(8, budget=6, n_options=50, n_evaders=8, seed=4)
    options = SolveOptions(
        threads=1, params=SolveParams(heuristics=HeuristicParams(dive_gap=0.04, min_cut_gap=1.0))
    )
    dives = []
    monkeypatch.setattr(BranchAndCut, "dive", lambda tree: dives.append(tree.upper))
    place(grid, options)
    assert not dives
    monkeypatch.setattr(PlanImprover, "search_around", lambda _, start, *__, **___: start)
    place(grid, options)
    assert dives


def test_a_cancelled_search_ends_it(tree: BranchAndCut) -> None:
    with pytest.raises(KeyboardInterrupt):
        min_cut_heuristic(tree, Recorder(patience=0))
    with pytest.raises(KeyboardInterrupt):
        cheapest_cut_plan(tree, np.random.default_rng(0), Recorder(patience=0))


def test_a_solver_that_fails_ends_no_search(
    tree: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise SolverError("no licence")

    monkeypatch.setattr(backend, "solve_mip", fails)
    listener = Recorder()
    assert min_cut_heuristic(tree, listener) is None
    assert "no licence" in listener.sentences[-1]


def test_the_share_of_an_arc_is_that_of_the_best_path_through_it() -> None:
    """A road of half the reliability beside a line keeps half of the value."""
    instance = two_lines()
    reliability = instance.reliability.copy()
    reliability[0] = 0.45
    worse = contract(replace(instance, reliability=reliability))
    shares = largest_shares(worse)
    assert np.sort(np.unique(shares.round(9))) == pytest.approx([0.5, 1.0])
    assert worse.option[shares < 0.9].tolist() == [0]


N_OPTIONS, N_COMMODITIES = 25, 9
MOST_PATHS = 6


def sets_of(
    node: Node, solution: NodeSolution, commodity: int, without: np.ndarray
) -> Iterator[PathSet]:
    """Yield the sets of a commodity, path by path."""
    paths, x = solution.paths, solution.x
    value, undecided = paths.values(np.append(node.ones, False)), np.append(node.undecided, False)
    floor, deficit = np.full(N_COMMODITIES, np.inf), 0.0
    members: list[np.ndarray] = []
    own = np.flatnonzero((paths.commodity == commodity) & (value > node.floor[commodity]))
    for path in own[np.argsort(-value[own], kind="stable")].tolist():
        options = paths.option[path][undecided[paths.option[path]]]
        if any(set(before.tolist()) <= set(options.tolist()) for before in members):
            continue
        if not options.size or len(members) == MOST_PATHS:
            return
        members.append(options)
        floor = np.minimum(floor, without[options].max(axis=0))
        floor[commodity] = value[path]
        cost = solution.dual_cost[options] * (1 - x[options])
        deficit += float(
            cost.min()
            * max(0.0, 1 - x[options].sum())
            / max(path_set_branching.EPSILON, (1 - x[options]).max())
        )
        rise = weighted_sum(solution.weight, np.maximum(floor - solution.cut_value, 0.0))
        if rise > 0 and deficit > 0:
            yield PathSet(tuple(members), floor.copy(), rise, deficit)


def set_by_set(node: Node, solution: NodeSolution) -> list[PathSet]:
    """Return the sets of a node as `path_sets` is to find them."""
    x, weight, cut_value = solution.x, solution.weight, solution.cut_value
    without = values_without_each(node, solution.paths)
    least = path_set_branching.EPSILON * weighted_sum(weight, cut_value) + np.finfo(np.float64).tiny
    best = node.floor.copy()
    np.maximum.at(
        best, solution.paths.commodity, solution.paths.values(np.append(node.ones, False))
    )
    promise = weight * (best - cut_value)
    found = []
    for j in np.flatnonzero(
        node.undecided & (x > path_set_branching.EPSILON) & (x < 1 - path_set_branching.EPSILON)
    ).tolist():
        rise = max(weighted_sum(weight, np.maximum(without[j] - cut_value, 0.0)), least)
        found.append(
            PathSet(
                (np.array([j]),), np.zeros(9), rise, max(solution.dual_cost[j] * (1 - x[j]), least)
            )
        )
    for commodity in np.argsort(-promise, kind="stable").tolist():
        found += sets_of(node, solution, commodity, without) if promise[commodity] > 0 else []
    once: dict[frozenset[frozenset[int]], PathSet] = {}
    for one in sorted(found, key=lambda one: -one.rise_open * one.rise_closed):
        once.setdefault(frozenset(frozenset(options.tolist()) for options in one.members), one)
    return list(once.values())


def expected_score(rule: BranchingRule, split: PathSet, x: np.ndarray, left: float) -> float:
    """Return the score by which a rule is to order a split."""
    kind, j = int(split.option is None), split.option
    total, count, estimated, found = rule.learnt
    rises = found[kind] / estimated[kind] * (split.rise_open, split.rise_closed)
    for child, moved in enumerate((x[j], 1 - x[j]) if j is not None else ()):
        mean = total[child].sum() / max(count[child].sum(), 1)
        known = count[child, j] > 0
        rises[child] = (
            total[child, j] / count[child, j] * moved if known else max(mean * moved, rises[child])
        )
    first, second = (min(max(rise, 0.0), left) / left + TINY for rise in rises.tolist())
    return float(first * second)


def plainly(split: PathSet) -> tuple[object, ...]:
    """Return what a split holds in a form that can be compared."""
    members = [options.tolist() for options in split.members]
    return members, split.floor.tolist(), split.rise_open, split.rise_closed


@pytest.mark.parametrize("seed", range(60))
def test_tables_hold_what_is_found_set_by_set(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, n = np.random.default_rng(seed), N_OPTIONS
    paths, ones = random_paths(rng, n, edges=False), rng.random(n) < 0.1
    node = Node(
        ones, (rng.random(n) < rng.choice([0.1, 0.5])) & ~ones, rng.random(N_COMMODITIES) * 0.01
    )
    x = (
        np.where(ones, 1.0, rng.random(n) * ~node.zeros)
        * (rng.random(n) < 0.7)
        * rng.choice([0.05, 1.0])
    )
    cut_value = node.floor + rng.random(N_COMMODITIES) * rng.choice([0.001, 0.1])
    dual_cost = rng.random(n) * (rng.random(n) < 0.9)
    solution = NodeSolution(paths, x, cut_value, rng.random(N_COMMODITIES), dual_cost)
    left, rule = float(rng.choice([0.01, 1.0])), BranchingRule(n)
    for _ in plain_and_compiled(monkeypatch):
        found, plain = (
            path_set_branching.path_sets(node, solution, TreeParams(most_paths=MOST_PATHS)),
            set_by_set(node, solution),
        )
        assert [plainly(found[k]) for k in range(len(found))] == [plainly(split) for split in plain]
        for split in rng.permutation(np.array(plain, dtype=object))[:8].tolist():
            rule.learn(split, x, rng.random(2) * 0.1, left)
        by_score = sorted(plain, key=lambda split: -expected_score(rule, split, x, left))
        assert [plainly(split) for split in rule.ordered(found, x, left)] == [
            plainly(split) for split in by_score
        ]
