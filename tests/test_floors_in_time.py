"""Floors under the budgets end when their time has passed, and say so."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.work.listener import SilentListener
from optimizer.solvers.branch_and_cut.cuts import bound_tightening as budget_floors
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.overlay.overlay import contract
from tests.tree_cases import budget_case

if TYPE_CHECKING:
    import pytest


class _Notes(SilentListener):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def noted(self, sentence: str) -> None:
        self.notes.append(sentence)


def test_no_floor_is_raised_once_the_time_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_floors, "AT_ONCE", 1)
    later = 0
    for seed in range(12):
        instance = budget_case(seed)
        overlay = contract(instance)
        master = Master(instance, overlay)
        master.pool.grow(np.zeros(overlay.free.size), np.zeros(overlay.free.size, dtype=bool))
        node = Node(instance.forced.copy(), ~(overlay.free | instance.forced), master.commodities.floor)
        arguments = (instance, node, master.pool.paths, master.budget_cuts)
        every, clock, told = budget_floors.tightened_bounds(*arguments), count(), _Notes()
        with monkeypatch.context() as patch:
            patch.setattr(budget_floors, "time", SimpleNamespace(monotonic=lambda clock=clock: next(clock)))
            some = budget_floors.tightened_bounds(*arguments, until=1, listener=told)
        if some is node.floor:
            continue
        assert some[0] == every[0]
        np.testing.assert_array_equal(some[1:], node.floor[1:])
        assert told.notes == [] if node.floor.size == 1 else "1 of" in told.notes[0]
        later += int((every[1:] > node.floor[1:]).sum())
    assert later
