"""Cuts hold at every plan, by enumeration; root bounds never pass the optimum."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.math_opt.python import mathopt
from scipy.sparse import csr_array

from optimizer.plan import violations
from optimizer.snip import snip_instance
from optimizer.solvers.cuts import RootLoop, Units, root_bound
from optimizer.solvers.overlay import Overlay, contract
from optimizer.solvers.pathpool import PathPool, Paths
from optimizer.solvers.relaxation import LinearProgram
from optimizer.solvers.separation import Cuts, chord_cuts, star_cuts, tangent_cuts
from tests.cases import brute_force, random_instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.instance import Instance

MEAN_GAP = 0.06
"""Measured: 0.045."""
SEEDS = st.integers(0, 2**20)
FOLDER = Path(__file__).parents[2] / "shared" / "data" / "snip"
shared = pytest.mark.skipif(not FOLDER.is_dir(), reason="the shared SNIP files are not on this machine")


def plans(overlay: Overlay) -> Iterator[np.ndarray]:
    """Every mask of the free options."""
    free = np.flatnonzero(overlay.free)
    for bits in product((False, True), repeat=free.size):
        mask = np.zeros(overlay.free.size, dtype=bool)
        mask[free] = bits
        yield mask


def unit_values(overlay: Overlay, units: Units, mask: np.ndarray) -> np.ndarray:
    informed = units.searches.values(overlay.n_nodes, overlay.tail, overlay.head, overlay.arc_survival(mask))
    return np.append(informed, overlay.chains.values(mask))


def sampled(instance: Instance, seed: int) -> tuple[Overlay, Units, PathPool, list[Cuts], list[Cuts]]:
    """Cuts of units, of every family, and rows of groups, at points fractional and nearly whole, with T of every size."""
    overlay = contract(instance)
    units = Units.of(overlay)
    pool = PathPool(overlay, units.searches)
    rng = np.random.default_rng(seed)
    cuts, rows = [], []
    for sharpness in (0.3, 1.0, 30.0):
        x = rng.beta(sharpness, sharpness, overlay.free.size) * overlay.free
        for share in (2.0, 0.5, 0.0):
            base = (x >= share) & overlay.free
            pool.grow(x, base)
            for paths in (pool.paths, units.chains):
                cuts += [chord_cuts(paths, x, base, units.floor), tangent_cuts(paths, x, units.floor)]
            cuts.append(star_cuts(pool.paths, x, base, units.floor))
        rows.append(units.rows(Cuts.join(cuts), x))
    return overlay, units, pool, cuts, rows


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_every_cut_holds_at_every_plan(seed: int) -> None:
    overlay, units, pool, cuts, rows = sampled(random_instance(seed), seed)
    for mask in plans(overlay):
        value = unit_values(overlay, units, mask)
        assert np.all(pool.paths.values(np.append(mask, False)) <= value[pool.paths.unit] * (1 + 1e-12))
        for part in cuts:
            assert np.all(part.values(mask.astype(float)) <= value[part.unit] + 1e-15)
        for part in rows:
            assert np.all(part.values(mask.astype(float)) <= units.sums(value)[part.unit] + 1e-15)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_star_with_a_plan_placed_is_exact_at_that_plan(seed: int) -> None:
    overlay = contract(random_instance(seed))
    units = Units.of(overlay)
    pool = PathPool(overlay, units.searches)
    mask = (np.random.default_rng(seed).random(overlay.free.size) < 0.5) & overlay.free
    pool.grow(mask.astype(float), mask)
    cuts = star_cuts(pool.paths, mask.astype(float), mask, units.floor)
    asked = units.floor[: units.searches.leaf.size].copy()
    asked[cuts.unit] = np.maximum(asked[cuts.unit], cuts.values(mask.astype(float)))
    assert np.allclose(asked, unit_values(overlay, units, mask)[: asked.size], rtol=1e-9)


def test_the_star_on_two_roads_is_the_one_in_the_books() -> None:
    """Roads worth 1 and 0.9, an option of survival 0 on each, a third worth 0.5: theta >= 1 - 0.1 x_0 - 0.4 x_1."""
    paths = Paths(
        unit=np.zeros(3, dtype=np.int64),
        value=np.array([0.5, 1.0, 0.9]),
        option=np.array([[2], [0], [1]]),
        survival=np.array([[1.0], [0.0], [0.0]]),
    )
    cuts = star_cuts(paths, np.array([0.5, 0.4]), np.zeros(2, dtype=bool), np.array([0.5]))
    assert cuts.side == pytest.approx([1.0])
    assert cuts.coefficient.toarray()[0] == pytest.approx([0.1, 0.4])


def test_the_chord_of_equal_survivals_is_the_convex_envelope() -> None:
    """Three options of survival 0.5 and x summing to 1.5: halfway between 0.5 and 0.25."""
    paths = Paths(np.array([0]), np.array([1.0]), np.array([[0, 1, 2]]), np.full((1, 3), 0.5))
    x = np.array([0.7, 0.5, 0.3])
    cuts = chord_cuts(paths, x, x > 0.6, np.array([0.125]))
    assert cuts.values(x) == pytest.approx([0.375])


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_the_root_bound_lies_between_the_trivial_bound_and_the_optimum(seed: int) -> None:
    instance = random_instance(seed)
    overlay = contract(instance)
    optimum, _ = brute_force(instance)
    root = root_bound(instance, overlay)
    assert root.limit is None
    assert root.lower <= optimum + 1e-12
    assert root.lower >= overlay.value(overlay.free | instance.forced) - 1e-12
    assert root.candidates
    assert not any(violations(instance, placed) for placed in root.candidates)


def test_the_root_bound_is_close_on_small_problems() -> None:
    """The mean gap of the root: a family of cuts that stops working shows here."""
    gaps = []
    for seed in range(60):
        instance = random_instance(seed)
        optimum, _ = brute_force(instance)
        if optimum > 0:
            gaps.append(1 - root_bound(instance, contract(instance)).lower / optimum)
    assert np.mean(gaps) < MEAN_GAP


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_the_bound_from_any_duals_is_valid(seed: int) -> None:
    instance = random_instance(seed)
    loop = RootLoop(instance, contract(instance))
    while loop.relax() and loop.separate():
        pass
    optimum, _ = brute_force(instance)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        assert loop.program.bound(rng.exponential(0.1, loop.program.n_rows)) * loop.total <= optimum + 1e-12


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_bounds_met_in_a_dive_are_valid_and_the_program_comes_back(seed: int) -> None:
    instance = random_instance(seed)
    loop = RootLoop(instance, contract(instance))
    loop.relax()
    before = loop.program.solve()
    loop.dive()
    after = loop.program.solve()
    assert before is not None
    assert after is not None
    assert after.bound >= before.bound - 1e-9, "cuts only raise the optimum of the released program"
    assert max(loop.lower, after.bound * loop.total) <= brute_force(instance)[0] + 1e-12
    assert loop.candidate is not None
    assert not violations(instance, loop.candidate)


def test_time_up_before_the_start_leaves_the_trivial_bound() -> None:
    instance = random_instance(4)
    overlay = contract(instance)
    root = root_bound(instance, overlay, until=time.monotonic())
    assert (root.limit, root.rounds, root.candidates) == ("time", 0, ())
    assert root.lower == pytest.approx(overlay.value(overlay.free | instance.forced))


def test_time_up_within_a_linear_program_is_no_failure() -> None:
    n = 400
    rng = np.random.default_rng(0)
    rows = csr_array(rng.random((n, n)))
    program = LinearProgram(rng.random(n), np.zeros(n), np.ones(n), rows, rng.random(n) * n / 3)
    assert program.solve(time.monotonic() + 1e-3) is None
    assert program.solve() is not None


def test_an_interrupt_keeps_what_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = random_instance(4)
    bounds: list[float] = []

    def interrupted(_: RootLoop) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(RootLoop, "separate", interrupted)
    root = root_bound(instance, contract(instance), on_bounds=lambda lower, _: bounds.append(lower))
    assert root.limit == "interrupted"
    assert root.lower == bounds[-1]


def test_highs_steps_in_where_glop_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = random_instance(7)
    with_glop = root_bound(instance, contract(instance)).lower

    def abnormal(*_: object, **__: object) -> None:
        raise AttributeError

    monkeypatch.setattr(mathopt.IncrementalSolver, "solve", abnormal)
    assert root_bound(instance, contract(instance)).lower == pytest.approx(with_glop, rel=1e-3)


def test_rows_come_and_go_and_the_optimum_follows() -> None:
    program = LinearProgram(np.ones(2), np.zeros(2), np.ones(2), csr_array(np.array([[1.0, 0.0]])), np.array([0.25]))
    assert (first := program.solve()) is not None
    assert first.bound == pytest.approx(0.25)
    program.add(csr_array(np.array([[1.0, 1.0], [0.0, 1.0]])), np.array([0.5, -1.0]))
    assert (second := program.solve()) is not None
    assert second.bound == pytest.approx(0.5)
    program.drop_slack(0)
    assert program.n_rows == 2
    assert (third := program.solve()) is not None
    assert third.bound == pytest.approx(0.5)


def snip(number: int, snipno: int, budget: float) -> tuple[float, float]:
    """Return the root bound and the value of the rounding."""
    instance = snip_instance(FOLDER, number=number, snipno=snipno, budget=budget)
    overlay = contract(instance)
    root = root_bound(instance, overlay)
    return root.lower, min(overlay.value(placed) for placed in root.candidates)


@shared
@pytest.mark.parametrize(
    ("number", "snipno", "budget", "optimum", "gap"),
    [
        (0, 1, 50, 0.306305, 0.001),
        (0, 3, 30, 0.216429, 0.001),
        (0, 3, 50, 0.182439, 0.015),
        (0, 3, 70, 0.150108, 0.02),
        (0, 3, 90, 0.121485, 0.02),
        (1, 3, 90, 0.113353, 0.035),
    ],
)
def test_snip_root_bounds(number: int, snipno: int, budget: float, optimum: float, gap: float) -> None:
    lower, rounding = snip(number, snipno, budget)
    assert optimum * (1 - gap) <= lower <= optimum + 5e-7
    assert rounding >= optimum - 5e-7
