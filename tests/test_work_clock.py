"""The clock of work: other programs do not move it, the limit by the clock of the
machine puts it forward.
"""

from __future__ import annotations

import time
from itertools import count

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.base.work.work_clock import (
    limited,
    limited_by_work,
    machine_limit,
    machine_seconds_left,
    put_forward,
    waiting,
    work_seconds,
)
from optimizer.solvers.mip import backend
from optimizer.solvers.mip.backend import MipModel, solve_mip
from optimizer.solvers.params import ClockParams, SolveParams
from optimizer.solvers.solve import solve
from tests.cases import random_instance


def test_a_thread_that_sleeps_does_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the machine goes on meanwhile, that of the thread does not."""
    now, done = [0.0], [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "thread_time", lambda: done[0])
    before = work_seconds()
    now[0] = 100.0
    assert work_seconds() == before
    done[0] = 1.0
    assert work_seconds() == before + 1.0


def test_a_wait_counts_where_it_is_said_to() -> None:
    before = work_seconds()
    with waiting():
        time.sleep(0.1)
    assert work_seconds() - before >= 0.1


def test_the_clock_is_never_put_back() -> None:
    before = work_seconds()
    put_forward(before - 10)
    assert work_seconds() >= before
    put_forward(before + 10)
    assert work_seconds() >= before + 10


def test_the_limit_of_the_machine_ends_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that began later; a limit within another is none, and none is left behind."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with limited(5.0):
        whole = work_seconds() + 5.0
        with limited(1.0):
            now[0] = 4.9
            assert work_seconds() < whole - 4
            assert machine_seconds_left() == pytest.approx(0.1)
        later = work_seconds() + 5.0
        now[0] = 5.0
        assert work_seconds() >= later >= whole
        assert machine_seconds_left() == 0
    assert machine_seconds_left() == float("inf")
    with limited(5.0, work=100.0):
        later = work_seconds() + 100.0
        now[0] = 10.0
        assert work_seconds() >= later


def test_a_limit_by_work_is_none_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for the parts of a search, nor for a solver that knows the clock alone;
    what is waited for counts as far as it was done here.
    """
    now, done = [0.0], [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: done[0])
    with limited(float("inf"), work=5.0):
        end = work_seconds() + 5.0
        now[0] = 1e6
        assert limited_by_work()
        assert machine_limit(2.0) == float("inf")
        assert work_seconds() < end - 4
        with waiting():
            now[0], done[0] = now[0] + 100.0, done[0] + 3.0
        assert end - 2.1 < work_seconds() < end - 1
    assert not limited_by_work()
    with limited(5.0):
        assert not limited_by_work()
        assert machine_limit(2.0) == 2.0


@pytest.mark.parametrize("method", ["cuts", "mixed"])
@pytest.mark.parametrize("by_work", [False, True])
@pytest.mark.parametrize("busy", ["monotonic", "thread_time"])
def test_a_search_is_ended_by_its_work_alone_where_its_parameters_say_so(
    method: str, by_work: bool, busy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at one clock finds it 10 s on, while the other stands still."""
    params, looks = SolveParams(clock=ClockParams(by_work=by_work)), count()
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(time, "thread_time", lambda: 0.0)
    monkeypatch.setattr(time, busy, lambda: 10.0 * next(looks))
    result = solve(random_instance(0), method=method, time_limit=50.0, threads=1, params=params)
    assert (result.limit == "time") == (busy == "thread_time" or not by_work)
    assert (result.status == "optimal") == (busy == "monotonic" and by_work)


@pytest.mark.slow
def test_a_solver_in_a_process_of_its_own_ends_by_its_work_which_counts_as_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four knapsacks to be half full at the least cost. Other children that end
    meanwhile do not count beyond the wait.
    """
    rng = np.random.default_rng(0)
    rows = csr_array(rng.integers(1, 10**6, (4, 60)).astype(np.float64))
    half: NDArray[np.float64] = rows.sum(axis=1) // 2
    everywhere = np.ones(60)
    model = MipModel(
        cost=np.asarray(rows.sum(axis=0)),
        lower=0 * everywhere,
        upper=everywhere,
        integer=everywhere > 0,
        rows=rows,
        row_lower=half,
    )
    real, others = backend._work_of_children, iter((0.0, 1e6))
    for extra in (None, others):
        if extra is not None:
            monkeypatch.setattr(backend, "_work_of_children", lambda: real() + next(others))
        work = work_seconds()
        outcome = solve_mip(model, gap=0.0, time_limit=1e5, work_limit=1.0, seed=0)
        assert outcome.limit == "time"
        assert outcome.x is not None
        assert 1.0 <= work_seconds() - work < 1e5
