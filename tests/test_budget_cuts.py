"""Floors under the budgets: some found by hand, and the same in plain Python as
compiled; `tests.tree_cases` has all plans.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Resource
from optimizer.solvers.branch_and_cut.cuts import bound_tightening
from optimizer.solvers.branch_and_cut.cuts.bound_tightening import tightened_bounds
from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetHull
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract
from tests.cases import Recorder, random_instance
from tests.kernel_cases import plain_and_compiled
from tests.test_tree import roads
from tests.tree_cases import budget_case, check_tree

ONE = (Evader("e", 0, 1, 1.0),)


def floors_of(instance: Instance) -> NDArray[np.float64]:
    """Return the floors at the root, with all paths known that leave out one option."""
    overlay = contract(instance)
    master = Master(instance, overlay)
    root = Node(
        instance.forced, ~(overlay.free | instance.forced), master.commodities.floor
    ).propagated(instance)
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
    """Each of six roads is closed by an agent or by a camera, and there are two of
    each: the fifth road stays open.
    """
    one = roads([0.5] * 6, [1.0] * 6, 2.0, ONE, 0.9)
    cameras = tuple(replace(o, id=f"c{o.id}", uses={"cameras": 1.0}) for o in one.options)
    resources = (Resource("teams", 2.0), Resource("cameras", 2.0))
    instance = replace(one, options=one.options + cameras, resources=resources)
    assert floors_of(instance) == pytest.approx([0.9 * np.linspace(1, 0.9, 6)[4]])


def test_the_root_begins_from_them() -> None:
    """Linear programs close each road by seven eighths; the root of the tree knows that
    one stays open.
    """
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
def test_compiled_floors_are_those_of_plain_python(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = budget_case(seed) if seed % 2 else random_instance(seed, n_nodes=12, n_options=9)
    plain, compiled = (floors_of(instance) for _ in plain_and_compiled(monkeypatch))
    np.testing.assert_array_equal(compiled, plain)


def with_uses(uses: dict[str, list[float]], budgets: dict[str, float]) -> BudgetHull:
    """Return the hull of options with these uses."""
    one = random_instance(4)
    count = len(next(iter(uses.values())))
    option = replace(one.options[0], site="", forced=False, agency="")
    options = tuple(
        replace(option, id=f"o{j}", uses={name: amounts[j] for name, amounts in uses.items()})
        for j in range(count)
    )
    resources = tuple(Resource(name, budget) for name, budget in budgets.items())
    return BudgetHull(
        replace(one, options=options, resources=resources, exclusions=()),
        np.ones(count, dtype=bool),
    )


def test_the_cut_of_posts_of_8_4_and_2_is_the_rounded_budget() -> None:
    """8 p + 4 t + 2 v <= 19 with two v: whole options use 18 at most, so 2 p + t + v <= 5."""
    hull = with_uses({"a": [8.0] * 3 + [4.0] * 5 + [2.0] * 2}, {"a": 19.0})
    cuts = hull.cuts(np.array([1, 0.375, 0, 1, 0, 0, 0, 0, 1, 1]))  # 8 * 1.375 + 4 + 4 = 19
    assert cuts.side.tolist() == [5.0]
    assert cuts.coefficient.toarray()[0].tolist() == [2.0] * 3 + [1.0] * 5 + [1.0] * 2


def test_a_budget_of_tenths_counts_its_rounding_as_the_plan_does() -> None:
    """Three times 0.1 is more than 0.3 in floating point, and fits; 0.35 of budget is
    spent as 0.3.
    """
    for budget in (0.3, 0.1 + 0.1 + 0.1, 0.35):
        hull = with_uses({"a": [0.1] * 5}, {"a": budget})
        assert not hull.cuts(np.array([1.0, 1, 1, 0, 0])).side.size
    cuts = hull.cuts(np.array([1.0, 1, 1, 0.5, 0]))
    assert cuts.side.tolist() == [3.0]
    assert cuts.coefficient.toarray()[0].tolist() == [1.0] * 5


def test_budgets_together_say_more_than_each_by_itself() -> None:
    """Each of a and b alone leaves room for 1.5 pairs; together for one, as an option
    uses 2 of both or 1 of each in turn.
    """
    uses = {"a": [2.0, 2.0, 1.0, 1.0], "b": [2.0, 2.0, 1.0, 0.0], "c": [1.0, 1.0, 0.0, 1.0]}
    hull = with_uses(uses, {"a": 3.0, "b": 3.0, "c": 1.0})
    fits = [
        mask
        for mask in np.ndindex(2, 2, 2, 2)
        if (np.array(mask) @ np.array(list(uses.values())).T <= (3, 3, 1)).all()
    ]
    point = np.array([0.5, 0.5, 0.5, 0.25])
    cuts = hull.cuts(point)
    assert cuts.side.size
    assert (cuts.coefficient @ point > cuts.side).all()
    assert (np.array(fits) @ cuts.coefficient.toarray().T <= cuts.side).all()


def test_what_is_left_in_a_node_is_cut_where_the_whole_hull_is_not() -> None:
    """Beside a post of 2 of 11, those of 4 and 7 do not fit together; over all plans
    the half of the one lies in the hull.
    """
    hull, x = with_uses({"a": [2.0, 2.0, 4.0, 7.0]}, {"a": 11.0}), np.array([1.0, 0.0, 0.5, 1.0])
    ones, zeros = np.array([True, False, False, False]), np.zeros(4, dtype=bool)
    assert not hull.cuts(x).side.size
    cuts = hull.cuts(x, ones, zeros)
    assert cuts.coefficient.toarray().tolist() == [[0.0, 0.0, 1.0, 1.0]]
    assert cuts.side.tolist() == [1.0]


def test_a_node_where_all_that_is_left_fits_or_nothing_does_has_no_cut() -> None:
    hull, x = with_uses({"a": [2.0, 2.0, 4.0, 7.0]}, {"a": 11.0}), np.array([1.0, 1.0, 1.0, 0.4])
    assert not hull.cuts(
        x, np.zeros(4, dtype=bool), np.array([False, False, False, True])
    ).side.size
    assert not hull.cuts(x, np.ones(4, dtype=bool), np.zeros(4, dtype=bool)).side.size


@pytest.mark.parametrize(
    ("use", "budget"), [(np.pi, 10.0), (1.0, 1e300), (1e-300, 1.0), (1e15, 3.5e15), (0.0, 1.0)]
)
def test_uses_at_the_edge_give_no_false_cut(use: float, budget: float) -> None:
    hull = with_uses({"a": [use, use, use, use, 0.0]}, {"a": budget})
    cuts = hull.cuts(np.array([1.0, 1.0, 1.0, 0.9, 1.0]))
    most = int(min(4.0, np.floor(budget * (1 + 1e-9) / use))) if use > 0 else 4
    assert (cuts.coefficient.toarray()[:, :most].sum(axis=1) <= cuts.side).all()


def test_the_program_takes_the_cuts_that_its_solution_violates() -> None:
    """Fifteen roads with a post of use 2 each and a budget of 5: two posts, where the
    program alone places 2.5.
    """
    one = random_instance(4)
    option = replace(one.options[0], site="", forced=False, agency="", uses={"a": 2.0})
    n = 15
    instance = replace(
        one,
        tail=np.zeros(n, dtype=np.int32),
        head=np.ones(n, dtype=np.int32),
        reliability=np.full(n, 0.9),
        evaders=(replace(one.evaders[0], origin=0, destination=1, routes=()),),
        options=tuple(replace(option, id=f"o{k}", arcs=(k,), survival=(0.5,)) for k in range(n)),
        resources=(Resource("a", 5.0),),
        exclusions=(),
    )
    master = Master(instance, contract(instance))
    x = np.full(n, 2.5 / n)
    assert master.tighten(x)
    assert not master.tighten(np.full(n, 2.0 / n))
    placed = np.arange(n) == 0
    node = Node(placed, np.zeros(n, dtype=bool), master.commodities.floor, ancestors=(1, 7))
    assert master.tighten(np.where(placed, 1.0, 1.2 / (n - 1)), node)
    assert not master.tighten(np.where(placed, 1.0, 0.9 / (n - 1)), node)
    assert master.budget_cuts.side.size == 1
    assert master.program.named_rows([7], 0).side.size == 1


@pytest.mark.slow
def test_the_tree_agrees_with_every_plan_tried() -> None:
    """A sample; `python -m tests.tree_cases` tries thousands."""
    found = [what for seed in range(40) for what in check_tree(seed)]
    assert not [what for what in found if ":" in what]
    assert found.count("budget cut") > 50
    assert found.count("tree") > 5


def test_no_floor_is_raised_once_the_time_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound_tightening, "AT_ONCE", 1)
    later = 0
    for seed in range(12):
        instance = budget_case(seed)
        overlay = contract(instance)
        master = Master(instance, overlay)
        master.pool.grow(np.zeros(overlay.free.size), np.zeros(overlay.free.size, dtype=bool))
        node = Node(
            instance.forced.copy(), ~(overlay.free | instance.forced), master.commodities.floor
        )
        arguments = (instance, node, master.pool.paths, master.budget_cuts)
        every, clock, told = bound_tightening.tightened_bounds(*arguments), count(), Recorder()
        with monkeypatch.context() as patch:
            patch.setattr(bound_tightening, "work_seconds", lambda clock=clock: next(clock))
            some = bound_tightening.tightened_bounds(*arguments, until=1, listener=told)
        if some is node.floor:
            continue
        assert some[0] == every[0]
        np.testing.assert_array_equal(some[1:], node.floor[1:])
        assert told.sentences == [] if node.floor.size == 1 else "1 of" in told.sentences[0]
        later += int((every[1:] > node.floor[1:]).sum())
    assert later
