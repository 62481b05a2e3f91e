"""The clock of work: other programs do not move it, the limit by the clock of the machine puts it forward."""

from __future__ import annotations

import time

import pytest

from optimizer.base.work.work_clock import limited, machine_seconds_left, put_forward, waiting, work_seconds


def test_a_thread_that_sleeps_does_no_work() -> None:
    before = work_seconds()
    time.sleep(0.2)
    assert work_seconds() - before < 0.1


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
