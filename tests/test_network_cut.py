"""Plans that close one cut of the network: found where a local search stays at another, left out where they are of no use."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from optimizer.base.errors import SolverError
from optimizer.base.work.listener import SILENT, SilentListener
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.options import Resource
from optimizer.problem.plan.plan import within_limits
from optimizer.solvers.branch_and_cut.cuts import min_cut_heuristic as network_cut
from optimizer.solvers.branch_and_cut.cuts.min_cut_heuristic import largest_shares, min_cut_heuristic
from optimizer.solvers.branch_and_cut.paths.pooled_values import PooledValues
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.mip import backend
from optimizer.solvers.mip.backend import MipOutcome
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import HeuristicParams, SolveParams
from optimizer.solvers.search.local_search import local_search
from tests.cases import random_instance

if TYPE_CHECKING:
    from optimizer.base.work.listener import Listener
    from optimizer.problem.instance.instance import Instance

ROADS = 12
"""Of each line."""
FIRST, SECOND = 0.5, 0.6
"""Chance to pass an option of either line."""


def two_lines() -> Instance:
    """Return two lines of parallel roads, one behind the other, with teams for one of them, and an evader whom no option meets."""
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
            replace(one.options[0], id=f"o{k}", arcs=(k,), survival=(s,), uses={"teams": 1.0}, site="", forced=False)
            for k, s in enumerate(chances)
        ),
        resources=(Resource("teams", float(ROADS)),),
        exclusions=(),
    )


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> BranchAndCut:
    """Return the tree of the two lines, with the second of them closed and the root cut; small problems are not left out."""
    monkeypatch.setattr(network_cut, "FEWEST", 2 * ROADS)
    instance = two_lines()
    tree = BranchAndCut(instance, contract(instance))
    tree.offer(np.arange(2 * ROADS) >= ROADS)
    tree.cut_root()
    return tree


def test_the_better_line_is_found_where_a_local_search_stays_at_the_other(tree: BranchAndCut) -> None:
    second = np.arange(2 * ROADS) >= ROADS
    pooled = PooledValues(tree.master.commodities, tree.master.pool)
    assert np.array_equal(local_search(tree.instance, tree.overlay, pooled, second), second)
    found = min_cut_heuristic(tree, SILENT)
    assert found is not None
    assert within_limits(tree.instance, found)
    assert tree.overlay.value(found) == pytest.approx(0.81 * FIRST + 0.1 * 0.9)


def test_the_plan_is_the_same_where_this_process_does_something_else_meanwhile(tree: BranchAndCut) -> None:
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


def test_a_cancelled_search_ends_it(tree: BranchAndCut) -> None:
    class Cancels(SilentListener):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(KeyboardInterrupt):
        min_cut_heuristic(tree, Cancels())


def test_a_solver_that_fails_ends_no_search(tree: BranchAndCut, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise SolverError("no licence")

    class Hears(SilentListener):
        said = ""

        def noted(self, sentence: str) -> None:
            self.said = sentence

    monkeypatch.setattr(backend, "solve_mip", fails)
    listener = Hears()
    assert min_cut_heuristic(tree, listener) is None
    assert "no licence" in listener.said


def test_the_share_of_an_arc_is_that_of_the_best_path_through_it() -> None:
    """A road of half the reliability beside a line keeps half of the value."""
    instance = two_lines()
    reliability = instance.reliability.copy()
    reliability[0] = 0.45
    worse = contract(replace(instance, reliability=reliability))
    shares = largest_shares(worse)
    assert np.sort(np.unique(shares.round(9))) == pytest.approx([0.5, 1.0])
    assert worse.option[shares < 0.9].tolist() == [0]
