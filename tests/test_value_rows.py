"""Rows that solves of a series leave to each other: they hold for every plan, whatever
the budgets, and so do the bounds that they prove.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.sparse import csr_array

from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import within_limits
from optimizer.solvers.branch_and_cut.improve.warm_start import ValueRows, WarmStart
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.place import place
from tests.cases import brute_force, random_instance
from tests.test_tree import harder

ROUNDING = 1e-9


@cache
def left_by_a_solve(seed: int, gap: float = 0.0) -> WarmStart:
    """Return the rows of a solve under the budgets of a random instance."""
    warm_start = WarmStart()
    instance = harder(seed)
    place(
        instance,
        SolveOptions(gap=gap, threads=1),
        overlay=contract(instance),
        warm_start=warm_start,
    )
    return warm_start


def check_every_plan(instance: Instance, overlay: Overlay, rows: ValueRows) -> None:
    """Assert that rows hold for every mask of the free options with the exact values of
    its groups, whatever it uses.
    """
    master = Master(instance, overlay)
    most = master.commodities.sums(master.commodities.start)
    scale = np.where(most > 0, most, 1.0)
    free = np.flatnonzero(overlay.free)
    for bits in product((False, True), repeat=free.size):
        mask = instance.forced.copy()
        mask[free] = bits
        theta = master.commodities.sums(master.values(mask)) / scale
        assert (rows.rows @ np.concatenate((mask, theta, [0.0])) >= rows.side - ROUNDING).all()


@pytest.mark.parametrize("seed", range(12))
def test_rows_hold_for_every_plan_within_any_budget(seed: int) -> None:
    instance = harder(seed)
    overlay = contract(instance)
    tree = BranchAndCut(instance, overlay)
    tree.cut_root(floors=False)
    check_every_plan(instance, overlay, tree.master.value_rows)
    tree.cut_root()  # rows over floors under the budgets are not among them
    check_every_plan(instance, overlay, tree.master.value_rows)
    tree.dive()
    tree.branch()  # rows of nodes, and of the root once options are fixed, are not among them
    check_every_plan(instance, overlay, tree.master.value_rows)


@pytest.mark.slow
def test_some_rows_are_left() -> None:
    assert (
        sum(
            rows.side.size for seed in range(12) if (rows := left_by_a_solve(seed).rows) is not None
        )
        > 12
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_bounds_are_true_at_every_budget(seed: int) -> None:
    instance = harder(seed)
    overlay = contract(instance)
    sets, starts = [left_by_a_solve(seed, 0.05).rows], [instance.forced]
    for money in (40.0, 0.0, 3.0, 25.0, 9.0, 15.0):
        case = instance.with_budget("money", money)
        if not within_limits(case, case.forced):
            continue
        warm_start = WarmStart(ValueRows.joined([each for each in sets if each is not None]))
        result = place(
            case,
            SolveOptions(gap=1e-6, threads=1),
            overlay=overlay,
            warm_start=warm_start,
            starts=starts,
        )
        optimum, _ = brute_force(case)
        assert result.lower is not None
        assert result.lower <= optimum * (1 + ROUNDING)
        assert result.upper == pytest.approx(optimum, rel=2e-6, abs=1e-12)
        sets.append(warm_start.rows)
        assert result.plan is not None
        starts = [case.placed(result.plan.options)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5, 7, 8, 9])  # 6 is like 3, and larger
def test_options_that_the_overlay_leaves_free_can_be_forced_or_forbidden(seed: int) -> None:
    instance = harder(seed)
    overlay, rows = contract(instance), left_by_a_solve(seed).rows
    for option in np.flatnonzero(overlay.free).tolist():
        for change in (instance.with_forced, instance.with_forbidden):
            case = change(instance.options[option].id)
            if not within_limits(case, case.forced):
                continue
            result = place(
                case, SolveOptions(gap=1e-6, threads=1), overlay=overlay, warm_start=WarmStart(rows)
            )
            optimum, _ = brute_force(case)
            assert result.lower is not None
            assert result.lower <= optimum * (1 + ROUNDING)
            assert result.upper == pytest.approx(optimum, rel=2e-6, abs=1e-12)


def test_rows_in_32_bits_are_weaker_and_survive_packing() -> None:
    rng = np.random.default_rng(1)
    table, side = csr_array(rng.random((20, 7)) * (rng.random((20, 7)) < 0.5)), rng.random(20)
    rows = ValueRows.weakened(table, side)
    assert (rows.rows.astype(np.float64).toarray() >= table.toarray()).all()
    assert (rows.side.astype(np.float64) <= side).all()
    again = ValueRows.unpacked(rows.packed())
    assert (again.rows.toarray() == rows.rows.toarray()).all()
    assert (again.side == rows.side).all()
    twice = ValueRows.joined([rows, again, ValueRows(rows.rows[[3]], rows.side[[3]])])
    assert twice is not None
    assert (twice.rows.toarray() == rows.rows.toarray()).all()


def test_no_plan_is_worse_for_coming_from_a_neighbour() -> None:
    instance = replace(random_instance(5), name="a series")
    warm_start = WarmStart()
    alone = place(
        instance,
        SolveOptions(gap=1e-6, threads=1),
        overlay=contract(instance),
        warm_start=warm_start,
    )
    again = place(
        instance,
        SolveOptions(gap=1e-6, threads=1),
        overlay=contract(instance),
        warm_start=warm_start,
        starts=[instance.forced],
    )
    assert again.upper == pytest.approx(alone.upper, rel=2e-6)
