"""The split of a flat root by disjoint paths: a partition of the plans, whose bounds
hold and whose tree ends at the optimum.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from optimizer.base.work.work_clock import work_seconds
from optimizer.lab.benchmark.families import quota_grid, sensor_grid, two_kinds_grid
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import violations
from optimizer.solvers.branch_and_cut.tree.disjoint_paths import disjoint_paths
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract
from tests.cases import brute_force, random_instance


def dense(seed: int) -> Instance:
    """Return a grid of 3 x 3 nodes with options on all or nearly all of its streets."""
    budget = 2 + seed % 3
    if seed % 3 == 0:
        return sensor_grid(3, budget=budget, n_options=11 + seed % 2, n_evaders=3, seed=seed)
    if seed % 3 == 1:
        return quota_grid(3, budget=budget, n_options=12, n_evaders=3, seed=seed)
    return two_kinds_grid(3, n_sites=6, shares=(0.3, 0.4), n_evaders=3, seed=seed)


def flat_tree(instance: Instance, rounds: int) -> BranchAndCut:
    """Return a tree whose root was cut for some rounds and is split as if its bound had
    stood still.
    """
    tree = BranchAndCut(instance, contract(instance), gap=1e-9)
    tree.splits_flat = True
    tree._flat = 1
    tree.cut_root(most=rounds)
    tree._leaves_open(np.zeros(tree.root.ones.size))
    tree.to_split = True
    return tree


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("make", [dense, random_instance])
def test_the_nodes_hold_every_plan_and_their_bounds_no_more_than_its_value(
    make: object, seed: int
) -> None:
    instance = make(seed)  # type: ignore[operator]
    tree = flat_tree(instance, rounds=1 + seed % 3)
    paths = sorted(tree._paths or [], key=tree._value_without, reverse=True)
    if not tree.root.may_hold_plans(instance):
        return
    nodes = tree._split_by_disjoint_paths()
    best, _ = brute_force(instance)
    for taken in product((False, True), repeat=int(tree.root.undecided.sum())):
        placed = tree.root.ones.copy()
        placed[tree.root.undecided] = taken
        if violations(instance, placed):
            continue
        free = next((k for k, options in enumerate(paths) if not placed[options].any()), len(paths))
        assert (
            nodes[min(free, len(nodes) - 1)].lower <= tree.master.value(placed) * (1 + 1e-9) + 1e-12
        )
    assert min(*(node.lower for node in nodes), tree.upper) <= best * (1 + 1e-7)
    tree = flat_tree(instance, rounds=1)
    tree.branch()
    assert tree.upper == pytest.approx(best)
    assert tree.lower == pytest.approx(best)


def test_a_grid_with_sensors_on_every_street_has_a_path_in_each_row() -> None:
    instance = sensor_grid(6, budget=6, n_options=60, n_evaders=20, seed=3)
    overlay = contract(instance)
    paths = disjoint_paths(overlay, overlay.free)
    assert len(paths) == 6
    together = np.concatenate(paths)
    assert np.unique(together).size == together.size
    for options in paths:
        placed = overlay.free.copy()
        placed[options] = False
        values = overlay.value(placed)
        assert values > overlay.value(overlay.free)  # it leads from one side to the other


def test_where_a_way_has_no_options_there_are_no_disjoint_paths() -> None:
    overlay = contract(sensor_grid(6, budget=6, n_options=6, n_evaders=20, seed=3))
    assert disjoint_paths(overlay, overlay.free) == []
    none = np.zeros_like(overlay.free)
    assert disjoint_paths(overlay, none) == []


def test_a_root_is_split_where_each_node_has_time_for_twenty_rounds() -> None:
    instance = sensor_grid(6, budget=6, n_options=60, n_evaders=6, seed=1)
    tree = BranchAndCut(instance, contract(instance), gap=1e-9)
    paths, nothing = (
        disjoint_paths(tree.overlay, tree.root.undecided),
        np.zeros(len(instance.options)),
    )
    assert len(paths) > 1
    tree._solve_seconds = 10.0
    for rounds, splits in ((19, False), (21, True)):
        # half of the time left is for all of them
        tree.until = work_seconds() + 2 * len(paths) * rounds * tree._solve_seconds
        assert tree._leaves_open(nothing) is splits
