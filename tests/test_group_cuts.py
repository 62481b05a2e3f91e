"""Lagrangian cuts for groups of evaders; `tests.tree_cases` holds each of them against all plans."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from optimizer.base.work import executor as threads_module
from optimizer.base.work.listener import SILENT, SilentListener
from optimizer.lab.benchmark.families import INSTANCES
from optimizer.problem.files.instance_file import read_instance
from optimizer.solvers.branch_and_cut.cuts import lagrangian_cuts
from optimizer.solvers.branch_and_cut.cuts.lagrangian_cuts import add_lagrangian_cuts, cut_by_groups, least_with_prices
from optimizer.solvers.branch_and_cut.parallel.messages import GroupTask, Lost, Order, Pause
from optimizer.solvers.branch_and_cut.parallel.parallel_tree import ParallelTree
from optimizer.solvers.branch_and_cut.parallel.workers import LocalTreeWorkers
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import LagrangianParams, SolveOptions, SolveParams
from optimizer.solvers.place import place
from optimizer.solvers.search.feasible_start import feasible_start
from optimizer.solvers.search.state import SolveState

if TYPE_CHECKING:
    from optimizer.base.work.listener import Listener
    from optimizer.solvers.branch_and_cut.cuts.separation import Cuts
    from optimizer.solvers.branch_and_cut.parallel.messages import ToWorker

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
    """Without prices the bound is the least value of the group alone; prices far above it leave every option unplaced."""
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
    tree = BranchAndCut(cut.instance, cut.overlay, upper=BEST, params=SolveParams(lagrangian=params))
    tree.cut_root()
    return tree


class LosesAGroup(LocalTreeWorkers):
    """Loses the worker of the second group."""

    n_groups = n_paused = 0

    def send(self, worker: int, message: ToWorker) -> None:
        """Count it, and lose the worker or send it."""
        self.n_paused += isinstance(message, Pause)
        self.n_groups += isinstance(message, Order) and isinstance(message.task, GroupTask)
        if isinstance(message, Order) and self.n_groups == 2:
            self._events.append((worker, Lost("ended by signal 9")))
        else:
            super().send(worker, message)


def shared_by(workers: LocalTreeWorkers, tree: BranchAndCut, listener: Listener = SILENT) -> ParallelTree:
    """Return what shares a tree with workers that have begun."""
    search = SolveState(tree.instance, 0.0, None, 0, listener, feasible_start(tree.instance), given=tree.overlay)
    search.contract()
    search.begin()
    tree.listener = search
    parallel = ParallelTree(search, tree, workers)
    parallel.begin()
    return parallel


def test_searches_that_are_shared_give_the_same_bound_and_one_that_is_lost_is_made_again(
    cut: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lagrangian_cuts, "MOST_ROUNDS", 5)
    nothing = np.zeros(cut.overlay.free.size, dtype=bool)
    alone, shared = (again(cut, LagrangianParams(nodes=2, worthwhile=0.0)) for _ in range(2))
    before = alone.lower
    add_lagrangian_cuts(alone, nothing)
    workers = LosesAGroup(2)
    add_lagrangian_cuts(shared, nothing, shared_by(workers, shared))
    assert workers.n_groups > 3
    assert shared.lower == pytest.approx(alone.lower, rel=1e-6)
    assert alone.lower > before * (1 + 1e-4)


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


@pytest.mark.parametrize(("gain", "searches"), [(0.0, lagrangian_cuts.IN_VAIN), (1e-9, LagrangianParams.tried)])
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
    monkeypatch.setattr(threads_module, "cores", lambda: 2)
    result = place(
        cut.instance,
        SolveOptions(gap=0.0, threads=threads, params=SolveParams(lagrangian=LagrangianParams(gap=0.0))),
        listener=Interrupts(),
    )
    assert result.limit == "interrupted"
    assert result.plan is not None
    assert result.lower is not None
    assert 0 < result.lower <= BEST * (1 + 1e-5)


def test_cuts_by_groups_raise_the_root_of_a_grid_and_no_further_than_its_best_plan(
    cut: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cut raises it by its gain; a gap that counts as narrow, and a time that is over, leave it as it is."""
    before, rows = cut.lower, cut.master.program.n_rows
    nothing = np.zeros(cut.overlay.free.size, dtype=bool)
    monkeypatch.setattr(lagrangian_cuts, "MOST_ROUNDS", 5)
    cut.params = SolveParams(lagrangian=LagrangianParams(gap=0.9))
    cut_by_groups(cut, nothing)
    assert (cut.lower, cut.master.program.n_rows) == (before, rows)
    cut.params = SolveParams(lagrangian=LagrangianParams(gap=0.0, nodes=2, worthwhile=0.0))
    cut.until = time.monotonic()
    cut_by_groups(cut, nothing)
    assert cut.lower == before
    cut.until = np.inf
    cut_by_groups(cut, nothing)
    assert before * (1 + 1e-4) < cut.lower <= BEST * (1 + 1e-5)
