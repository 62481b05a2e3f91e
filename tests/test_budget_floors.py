"""Floors under the budgets: some found by hand, and the same in plain Python as compiled; `tests.tree_cases` has all plans."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.options import Resource
from optimizer.solvers.branch_and_cut.cuts.bound_tightening import tightened_bounds
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract
from tests.cases import random_instance
from tests.kernel_cases import plain_and_compiled
from tests.test_tree import roads
from tests.tree_cases import budget_case

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance

ONE = (Evader("e", 0, 1, 1.0),)


def floors_of(instance: Instance) -> NDArray[np.float64]:
    """Return the floors at the root, with all paths known that leave out one option."""
    overlay = contract(instance)
    master = Master(instance, overlay)
    root = Node(instance.forced, ~(overlay.free | instance.forced), master.commodities.floor).propagated(instance)
    n = overlay.free.size
    for option in range(n):
        master.pool.grow(np.zeros(n), overlay.free & (np.arange(n) != option))
    master.pool.grow(np.full(n, 0.5), np.zeros(n, dtype=bool))
    return tightened_bounds(instance, root, master.pool.paths, master.budget_cuts)


def test_28_agents_cannot_close_eight_roads_of_4() -> None:
    """The worst of the eight stays open at least; with a ninth road's agents none need be."""
    instance = roads([0.5] * 8, [4.0] * 8, 28.0, ONE, 0.9)
    assert floors_of(instance) == pytest.approx([0.9 * 0.9])
    enough = replace(instance, resources=(Resource("teams", 32.0),))
    assert floors_of(enough) == pytest.approx([0.9 * 0.5])


def test_weak_options_must_be_several_on_a_road() -> None:
    """A road whose option leaves 0.95 stays above 0.9 times its best, whatever is placed."""
    instance = roads([0.95, 0.5, 0.5], [1.0] * 3, 3.0, ONE, 0.9)
    assert floors_of(instance)[0] >= 0.9 * 0.9 * (1 - 1e-9)


def test_two_budgets_together_prove_what_neither_does() -> None:
    """Each of six roads is closed by an agent or by a camera, and there are two of each: the fifth road stays open."""
    one = roads([0.5] * 6, [1.0] * 6, 2.0, ONE, 0.9)
    cameras = tuple(replace(o, id=f"c{o.id}", uses={"cameras": 1.0}) for o in one.options)
    resources = (Resource("teams", 2.0), Resource("cameras", 2.0))
    instance = replace(one, options=one.options + cameras, resources=resources)
    assert floors_of(instance) == pytest.approx([0.9 * np.linspace(1, 0.9, 6)[4]])


def test_the_root_begins_from_them() -> None:
    """Linear programs close each road by seven eighths; the root of the tree knows that one stays open."""
    instance = roads([0.1] * 8, [4.0] * 8, 28.0, ONE, 0.9)
    bounds = []
    for floors in (False, True):
        tree = BranchAndCut(instance, contract(instance))
        for option in range(8):
            tree.master.pool.grow(np.zeros(8), np.arange(8) != option)
        tree.upper = 1.0
        tree.cut_root(floors=floors)
        bounds.append(tree.lower)
    assert bounds[0] < 0.3
    assert bounds[1] == pytest.approx(0.81)


@pytest.mark.parametrize("seed", range(12))
def test_compiled_floors_are_those_of_plain_python(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = budget_case(seed) if seed % 2 else random_instance(seed, n_nodes=12, n_options=9)
    plain, compiled = (floors_of(instance) for _ in plain_and_compiled(monkeypatch))
    np.testing.assert_array_equal(compiled, plain)
