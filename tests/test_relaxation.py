"""The linear program that grows and sheds rows: its bound is true for any duals, and it
survives its solvers' failures and Ctrl-C.
"""

from __future__ import annotations

import contextlib
import signal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from optimizer.base.errors import SolverError
from optimizer.base.work.listener import interrupt_held_back
from optimizer.solvers.branch_and_cut.lp import linear_program
from optimizer.solvers.branch_and_cut.lp.linear_program import Basis, GrowingRows, LinearProgram
from tests.examples import examples

SEEDS = st.integers(0, 2**20)


def random_program(seed: int) -> tuple[LinearProgram, np.random.Generator]:
    """Return a feasible program of 6 columns and 4 rows."""
    rng = np.random.default_rng(seed)
    rows = csr_array(rng.uniform(-1, 1, (4, 6)) * (rng.random((4, 6)) < 0.6))
    side = rows @ rng.random(6) - rng.random(4)
    return LinearProgram(rng.uniform(-1, 1, 6), np.zeros(6), np.ones(6), rows, side), rng


def test_an_answer_that_misses_much_is_found_again_from_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GLOP is asked not to call an answer imprecise, as one that misses by a little serves."""
    solve = linear_program.WarmSolver.solve

    def missing(*arguments: Any, **named: Any) -> Any:
        answer = solve(*arguments, **named)
        assert answer is not None
        return answer[0] - 0.5, answer[1]

    whole = random_program(3)[0].solve()
    monkeypatch.setattr(linear_program.WarmSolver, "solve", missing)
    found = random_program(3)[0].solve()
    assert whole is not None
    assert found is not None
    np.testing.assert_allclose(found.values, whole.values, atol=1e-9)
    assert found.bound == pytest.approx(whole.bound, rel=1e-9)


def test_an_answer_that_misses_much_serves_where_no_solver_has_a_better_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = random_program(3)[0].solve()
    monkeypatch.setattr(linear_program.State, "met_by", lambda *_: False)
    found = random_program(3)[0].solve()
    assert whole is not None
    assert found is not None
    assert found.bound == pytest.approx(whole.bound, rel=1e-9)


def scipy_optimum(
    program: LinearProgram, rows: np.ndarray, side: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> float:
    bounds = list(zip(lower.tolist(), upper.tolist(), strict=True))
    found = linprog(program._cost, A_ub=-rows, b_ub=-side, bounds=bounds)
    return np.inf if found.fun is None else float(found.fun)


@given(SEEDS)
@examples(60)
def test_rows_and_bounds_come_and_go_as_scipy_says(seed: int) -> None:
    program, rng = random_program(seed)
    kept_rows, kept_side = program.state.rows.toarray(), program.state.least
    of_node: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    inside = rng.random(6)
    for node in (1, 2, 3):
        rows = rng.uniform(-1, 1, (2, 6))
        of_node[node] = rows, rows @ inside - rng.random(2) * 0.1
        program.add(csr_array(rows), of_node[node][1], node)
    for active in ([1], [1, 2], [], [3]):
        fixed = rng.integers(6)
        lower, upper = np.zeros(6), np.ones(6)
        lower[fixed] = upper[fixed] = float(rng.integers(2))
        program.activate(active)
        program.move_bounds(lower, upper)
        rows = np.vstack([kept_rows, *(of_node[node][0] for node in active)])
        side = np.concatenate([kept_side, *(of_node[node][1] for node in active)])
        optimum = scipy_optimum(program, rows, side, lower, upper)
        if np.isfinite(optimum):
            assert (solution := program.solve()) is not None
            assert solution.bound == pytest.approx(optimum, abs=1e-7)
            assert solution.bound <= optimum + 1e-9
    program.drop_nodes([3])
    assert program.n_rows == kept_side.size + 2


@given(SEEDS)
@examples(60)
def test_a_basis_that_was_kept_starts_any_later_solve(seed: int) -> None:
    """Rows come and go, and bases are those of another moment: the optimum is that of a
    fresh program.
    """
    program, rng = random_program(seed)
    kept_rows, kept_side, inside = program.state.rows.toarray(), program.state.least, rng.random(6)
    lower, upper = np.zeros(6), np.ones(6)
    bases: list[Basis | None] = [None]
    for node in range(1, 8):
        rows = rng.uniform(-1, 1, (3, 6))
        side = rows @ inside - rng.random(3) * 0.1
        program.activate([])
        program.add(csr_array(rows), side, node)
        if node % 3 == 0:
            program.drop_slack(0)
            rows, side = program.state.rows.toarray()[4:], program.state.least[4:]
        program.start_from(bases[int(rng.integers(len(bases)))])
        optimum = scipy_optimum(
            program, np.vstack((kept_rows, rows)), np.append(kept_side, side), lower, upper
        )
        if np.isfinite(optimum):
            assert (solution := program.solve()) is not None
            assert solution.bound == pytest.approx(optimum, abs=1e-7)
            assert solution.bound <= optimum + 1e-9
            bases.append(program.basis)


def test_a_kept_basis_spares_the_work() -> None:
    """A program solved from the basis of its optimum needs no step, though others were
    solved in between.
    """
    rng = np.random.default_rng(3)
    n, steps = 60, []
    rows = csr_array(rng.random((n, n)))
    program = LinearProgram(rng.random(n), np.zeros(n), np.ones(n), rows, rng.random(n) * n / 4)
    assert (first := program.solve()) is not None
    basis = program.basis
    program.add(csr_array(rng.random((9, n))), rng.random(9) * n / 3, 1)
    assert program.solve() is not None
    for start in (None, basis):
        program.activate([1])
        program.start_from(None)
        assert program.solve() is not None
        program.activate([])
        program.start_from(start)
        assert (again := program.solve()) is not None
        assert again.bound == pytest.approx(first.bound, abs=1e-9)
        assert program._solver is not None
        steps.append(program._solver.steps)
    assert steps[1] == 0 < steps[0]


def test_a_basis_whose_condition_is_bounded_badly_is_used_all_the_same() -> None:
    """GLOP's bound of a condition number grows with the rows: 1.9^200 here, where
    solutions move by little.
    """
    rng = np.random.default_rng(5)
    n = 200
    rows = np.tril(np.full((n, n), 0.9), -1) + np.eye(n)
    program = LinearProgram(
        rows.T @ rng.uniform(0.5, 1, n),
        np.zeros(n),
        np.ones(n),
        csr_array(rows),
        rows @ rng.random(n),
    )
    assert program.solve() is not None
    assert program._solver is not None
    assert program._solver.steps >= n
    program.add(csr_array(rows[-1:]), rows[-1:] @ np.full(n, 0.2))
    assert program.solve() is not None
    assert program._solver.steps <= 5


@given(SEEDS)
@examples(60)
def test_the_bound_from_any_duals_is_valid(seed: int) -> None:
    program, rng = random_program(seed)
    optimum = scipy_optimum(
        program, program.state.rows.toarray(), program.state.least, np.zeros(6), np.ones(6)
    )
    for _ in range(20):
        assert program.bound(rng.exponential(0.5, program.n_rows)) <= optimum + 1e-9


@given(SEEDS)
@examples(40)
def test_moving_a_column_costs_at_least_its_reduced_cost(seed: int) -> None:
    program, _ = random_program(seed)
    solution = program.solve()
    assert solution is not None
    for column in range(6):
        for value in (0.0, 1.0):
            lower, upper = np.zeros(6), np.ones(6)
            lower[column] = upper[column] = value
            moved = scipy_optimum(
                program, program.state.rows.toarray(), program.state.least, lower, upper
            )
            best = 0.0 if solution.reduced[column] >= 0 else 1.0
            assert moved >= solution.bound + solution.reduced[column] * (value - best) - 1e-9


def test_rows_without_a_dual_are_dropped_and_the_optimum_stays() -> None:
    program = LinearProgram(
        np.ones(2), np.zeros(2), np.ones(2), csr_array(np.array([[1.0, 0.0]])), np.array([0.25])
    )
    assert (first := program.solve()) is not None
    assert first.bound == pytest.approx(0.25)
    program.add(csr_array(np.array([[1.0, 1.0], [0.0, 1.0]])), np.array([0.5, -1.0]))
    assert (second := program.solve()) is not None
    assert second.bound == pytest.approx(0.5)
    program.drop_slack(0)
    assert program.n_rows == 2
    assert (third := program.solve()) is not None
    assert third.bound == pytest.approx(0.5)


def test_time_up_within_a_linear_program_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver is asked with three millionths of a second left, in which it cannot end."""
    n = 400
    rng = np.random.default_rng(0)
    rows = csr_array(rng.random((n, n)))
    program = LinearProgram(rng.random(n), np.zeros(n), np.ones(n), rows, rng.random(n) * n / 3)
    with monkeypatch.context() as patch:
        patch.setattr(linear_program, "work_seconds", lambda: 0.0)
        assert program.solve(1e-6) is None
    assert program.solve() is not None


@pytest.mark.parametrize("failing", [("_from_last_basis",), ("_from_last_basis", "_glop_afresh")])
def test_another_solver_steps_in_where_one_gives_up(
    monkeypatch: pytest.MonkeyPatch, failing: tuple[str, ...]
) -> None:
    program, _ = random_program(7)
    assert (usual := program.solve()) is not None
    for name in failing:
        monkeypatch.setattr(LinearProgram, name, lambda *_: None)
    assert (instead := program.solve()) is not None
    assert instead.bound == pytest.approx(usual.bound, abs=1e-7)


def test_highs_steps_in_where_glop_takes_too_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    program, usual = random_program(7)[0], random_program(7)[0].solve()
    assert usual is not None
    monkeypatch.setattr(linear_program, "_most_steps", lambda _: 1)
    with monkeypatch.context() as patch:
        patch.setattr(LinearProgram, "_highs", lambda *_: None)
        with pytest.raises(SolverError, match="GLOP"):
            program.solve()
    assert (instead := program.solve()) is not None
    assert instead.bound == pytest.approx(usual.bound, abs=1e-7)


def test_a_program_that_no_solver_takes_is_an_error_of_ours() -> None:
    program = LinearProgram(
        np.array([np.nan]), np.zeros(1), np.ones(1), csr_array((1, 1)), np.zeros(1)
    )
    with pytest.raises(SolverError, match="GLOP and HiGHS"):
        program.solve()


def test_ctrl_c_that_a_binding_drops_is_raised_after_the_call() -> None:
    reached: list[str] = []

    def call() -> None:
        with interrupt_held_back():
            with contextlib.suppress(KeyboardInterrupt):  # as the binding does
                signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        call()
    assert reached
    assert signal.getsignal(signal.SIGINT) is before


@given(SEEDS)
@examples(60)
def test_rows_that_come_and_go_are_those_of_plain_lists(seed: int) -> None:
    """Through additions, drops and wider tables, names, sides, nodes and entries stay
    together, whatever room is behind them.
    """
    rng = np.random.default_rng(seed)
    rows, expected, width, name = GrowingRows(3), [], 3, 0
    for _ in range(12):
        new = int(rng.integers(5))
        dense = rng.random((new, int(rng.integers(1, width + 1)))) * (rng.random((new, 1)) < 0.7)
        side, node = rng.random(new), rng.integers(4, size=new)
        rows.add(csr_array(dense), side, name + np.arange(new), node)
        expected += [
            (
                name + i,
                int(node[i]),
                float(side[i]),
                [*dense[i].tolist(), *[0.0] * (width - dense.shape[1])],
            )
            for i in range(new)
        ]
        name += new
        if rng.random() < 0.5:
            gone = rng.random(rows.size) < rng.random()
            left = set(rows.name[~gone].tolist())
            rows.drop(gone)
            expected = [one for one in expected if one[0] in left]
        if rng.random() < 0.2:
            wider = rng.random((min(2, rows.size), 1))
            first = rows.name[: wider.size].tolist()
            rows.widen(csr_array(wider))
            width += 1
            added = dict(zip(first, wider[:, 0].tolist(), strict=True))
            expected = [
                (one, at, least, [*row, added.get(one, 0.0)]) for one, at, least, row in expected
            ]
        there = np.flatnonzero(rows.there)
        found = zip(
            rows.name[there].tolist(),
            rows.node[there].tolist(),
            rows.side[there].tolist(),
            rows.table(there).toarray().tolist(),
            strict=True,
        )
        assert list(found) == expected
        assert not rows.active[~rows.there].any()
        assert rows.active[there].all()
        assert rows.size <= 2 * there.size
