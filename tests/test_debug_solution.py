"""The debug solution finds no fault in the search as it is, names the step that has
one, and is nothing where it is off.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.solvers.branch_and_cut.cuts import bound_tightening
from optimizer.solvers.branch_and_cut.debug_solution import CutOffError, DebugSolution
from optimizer.solvers.branch_and_cut.lp.master import Master, Relaxed
from optimizer.solvers.branch_and_cut.tree import tree as tree_module
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.solve import solve_with
from tests.debug_cases import (
    check_debug,
    false_columns,
    feasible_masks,
    series_case,
    watched_searches,
)
from tests.tree_cases import budget_case


def faults(seed: int) -> Iterator[str]:
    """Yield what a seed shows that is false."""
    yield from (line for line in check_debug(seed) if line.startswith(("false", "not")))


@pytest.mark.parametrize("seed", range(4))
def test_the_search_keeps_the_best_plan(seed: int) -> None:
    assert list(faults(seed)) == []


@pytest.mark.slow
def test_fixing_too_early_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = BranchAndCut._fixed

    def early(self: BranchAndCut, node: Node, relaxed: Relaxed) -> Node:
        return fixed(self, node, replace(relaxed, reduced=20 * relaxed.reduced))

    monkeypatch.setattr(tree_module.BranchAndCut, "_fixed", early)
    lines = [line for seed in range(4) for line in faults(seed)]
    assert any("fixing by reduced costs" in line for line in lines)


@pytest.mark.slow
def test_floors_under_the_budgets_are_held_against_all_plans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised = bound_tightening.tightened_bounds

    def higher(*arguments: Any) -> NDArray[np.float64]:
        return raised(*arguments) * 1.1

    monkeypatch.setattr(tree_module, "tightened_bounds", higher)
    lines = [line for seed in range(8) for line in faults(seed)]
    assert any("a floor under the budgets" in line for line in lines)


def test_a_search_without_a_debug_solution_has_none() -> None:
    instance = budget_case(1)
    tree = BranchAndCut(instance, contract(instance))
    tree.branch()
    assert tree.debug is None


def test_an_error_says_the_step_and_goes_to_another_process() -> None:
    error = CutOffError("a split", "it is lost")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    assert (again.step, str(again)) == (
        "a split",
        "a split cuts the debug solution off: it is lost",
    )


@pytest.mark.parametrize("seed", range(3))
def test_columns_of_beats_keep_the_best_plan(seed: int) -> None:
    assert list(false_columns(seed)) == ["debug solution over columns"]


@pytest.mark.parametrize(("method", "share"), [("dual_cost", 2.0), ("link_duals", 0.5)])
def test_false_reduced_costs_of_beats_are_named(
    monkeypatch: pytest.MonkeyPatch, method: str, share: float
) -> None:
    right = getattr(ColumnGeneration, method)
    monkeypatch.setattr(ColumnGeneration, method, lambda *given: share * right(*given))
    lines = [line for seed in range(3) for line in false_columns(seed)]
    assert any("the profit of beats" in line for line in lines)


def test_every_search_by_cuts_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut that a plan is below is named, whoever asks for the search."""
    add = Master._add

    def stronger(self: Master, rows: Any, node: Any) -> None:
        add(self, replace(rows, side=1.2 * rows.side), node)

    monkeypatch.setattr(Master, "_add", stronger)
    with watched_searches(alone=False), pytest.raises(CutOffError) as error:
        solve_with(budget_case(1), SolveOptions(threads=1, gap=0.0))
    assert error.value.step in {"a cut on values", "a row of the program", "the linear program"}


def test_a_plan_that_is_not_better_than_the_cutoff_may_go() -> None:
    instance = series_case(0)
    overlay = contract(instance)
    master = Master(instance, overlay)
    plan = feasible_masks(instance, overlay)[0]
    debug = DebugSolution.of(master, plan)
    tree = BranchAndCut(instance, overlay, master=master)
    node = replace(tree.root, zeros=plan, ones=~plan)
    assert not debug.watched(master, node, debug.value, "a step").watched
    debug.ended(tree.root, debug.value)
    with pytest.raises(CutOffError, match="decided options"):
        debug.watched(master, node, np.inf, "a step")
    with pytest.raises(CutOffError, match="its node is closed"):
        debug.ended(tree.root, np.inf)
