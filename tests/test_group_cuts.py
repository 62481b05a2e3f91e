"""Lagrangian cuts for groups of evaders; `tests.tree_cases` holds each of them against all plans."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from optimizer.lab.benchmark.families import INSTANCES
from optimizer.problem.instance_file import read_instance
from optimizer.solvers.branch_and_cut import group_cuts
from optimizer.solvers.branch_and_cut.group_cuts import cut_by_groups, least_with_prices
from optimizer.solvers.branch_and_cut.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import contract

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


def test_cuts_by_groups_raise_the_root_of_a_grid_and_no_further_than_its_best_plan(
    cut: BranchAndCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cut raises it by its gain; a gap that counts as narrow, and a time that is over, leave it as it is."""
    before, rows = cut.lower, cut.master.program.n_rows
    nothing = np.zeros(cut.overlay.free.size, dtype=bool)
    monkeypatch.setattr(group_cuts, "WIDE", 0.9)
    cut_by_groups(cut, nothing)
    assert (cut.lower, cut.master.program.n_rows) == (before, rows)
    monkeypatch.setattr(group_cuts, "WIDE", 0.0)
    monkeypatch.setattr(group_cuts, "WORTHWHILE", 0.0)
    monkeypatch.setattr(group_cuts, "MOST_TURNS", 1)
    cut.until = time.monotonic()
    cut_by_groups(cut, nothing)
    assert cut.lower == before
    cut.until = np.inf
    cut_by_groups(cut, nothing)
    assert before * (1 + 1e-4) < cut.lower <= BEST * (1 + 1e-5)
