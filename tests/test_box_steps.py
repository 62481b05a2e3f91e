"""Steps within boxes: they raise a bound that stands still, and no bound from them
exceeds the value of a plan.
"""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from optimizer.lab.benchmark.families import plain_grid
from optimizer.solvers.branch_and_cut.lp.box_steps import BoxSteps
from optimizer.solvers.branch_and_cut.tree import tree as tree_module
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract
from tests.cases import brute_force, random_instance


@pytest.mark.parametrize("seed", range(40))
def test_no_bound_of_a_step_exceeds_the_best_plan(seed: int) -> None:
    instance = random_instance(seed)
    tree = BranchAndCut(instance, contract(instance), gap=1e-9)
    best, _ = brute_force(instance)
    tree.master.enter(tree.root)
    last = tree.master.relax()
    assert last is not None
    boxes = BoxSteps(tree.master, tree.root, last)
    for _ in range(12):
        lower, upper = boxes.box
        relaxed = tree.master.relax(near=boxes.box)
        assert relaxed is not None
        assert np.all(relaxed.x >= np.clip(lower, 0, 1) - 1e-6)
        assert np.all(relaxed.x <= np.clip(upper, 0, 1) + 1e-6)
        assert relaxed.bound <= best * (1 + 1e-9) + 1e-12
        boxes.cut(tree.root, relaxed)
    whole = tree.master.relax()
    assert whole is not None
    assert whole.bound <= best * (1 + 1e-9) + 1e-12


@pytest.mark.slow
def test_a_root_of_a_large_budget_leaves_the_value_of_everything_placed() -> None:
    instance = plain_grid(10, budget=50, n_options=330, n_evaders=6, seed=8)
    tree = BranchAndCut(instance, contract(instance))
    everything = tree.lower
    tree._cut_until_stalled()
    assert tree.was_flat
    assert tree.lower <= everything * (1 + 1e-9)
    tree.cut_root()
    assert tree.lower > 1.2 * everything
    assert tree.lower <= tree.upper


def test_a_root_that_moved_again_is_cut_by_lifted_rows_in_place_of_boxes() -> None:
    instance = plain_grid(10, budget=50, n_options=330, n_evaders=6, seed=8)
    tree = BranchAndCut(instance, contract(instance))
    tree._cut_until_stalled()
    before, tree._moved = tree.lower, True  # by detours, say
    with patch.object(BranchAndCut, "_cut_in_boxes", side_effect=AssertionError):
        tree.cut_root()
    assert tree.master.thorough
    assert before <= tree.lower <= tree.upper


@pytest.mark.parametrize("seed", range(20))
def test_a_flat_search_ends_at_the_optimum(seed: int) -> None:
    instance = random_instance(seed)
    best, _ = brute_force(instance)
    with patch.object(tree_module, "SOON", 0):
        tree = BranchAndCut(instance, contract(instance), gap=1e-9)
        tree.cut_root()
        tree.branch()
    assert tree.upper == pytest.approx(best, rel=1e-6)
    assert tree.lower <= best * (1 + 1e-9) + 1e-12
