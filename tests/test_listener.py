"""Steps are told and ended, bounds close in, plans have the value that is told, and a
listener that cancels ends a search.
"""

from __future__ import annotations

import enum
import sys
from dataclasses import replace
from types import FrameType

import numpy as np
import pytest

from optimizer.base.work.listener import ForwardingListener, interrupt_held_back, step
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import violations
from optimizer.solvers.place import METHODS
from optimizer.solvers.solve import solve
from tests.cases import Recorder, random_instance
from tests.test_joint import small_case


@pytest.mark.parametrize("method", METHODS)
def test_a_solve_reports_steps_closing_bounds_and_plans_with_their_values(method: str) -> None:
    instance = random_instance(12, n_nodes=12, n_options=8)
    recorder = Recorder()
    result = solve(instance, method=method, gap=0.0, listener=recorder)
    assert recorder.steps[0] == "contracting"
    assert not recorder.open
    lower, upper = np.array(recorder.bounds).T
    assert (np.diff(lower) >= 0).all()
    assert (np.diff(upper) <= 1e-15).all()
    for placed, value in zip(recorder.plans, recorder.values, strict=True):
        assert not violations(instance, placed)
        assert value == pytest.approx(plan_value(instance, placed))
    assert recorder.values[-1] == pytest.approx(result.upper)


def test_a_listener_that_cancels_ends_the_solve_with_the_best_plan_so_far() -> None:
    instance = random_instance(12, n_nodes=12, n_options=8)
    result = solve(instance, method="cuts", gap=0.0, listener=Recorder(patience=1))
    assert result.limit == "interrupted"
    assert result.plan is not None
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower <= result.upper


def test_a_step_ends_when_it_fails_and_does_not_begin_when_it_is_cancelled() -> None:
    recorder = Recorder()
    with pytest.raises(ValueError, match="broken"), step(ForwardingListener(recorder), "one"):
        raise ValueError("broken")
    assert recorder.steps == ["one"]
    assert not recorder.open
    with pytest.raises(KeyboardInterrupt), step(Recorder(patience=0), "two"):
        raise AssertionError


@pytest.mark.slow
@pytest.mark.parametrize("patience", [1, 2, 4])
def test_a_plan_with_beats_that_is_cancelled_keeps_the_best_plan_so_far(patience: int) -> None:
    instance, field = small_case(1)
    recorder = Recorder(patience=patience)
    result = solve(replace(instance, patrols=field), gap=0.0, listener=recorder)
    assert result.limit == "interrupted"
    assert result.plan is not None
    assert not recorder.open
    assert "branching" not in recorder.steps


def test_holding_back_an_interrupt_makes_no_enumerations() -> None:
    """A search does so some thousand times, around each call of a kernel."""
    called: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        with interrupt_held_back():
            pass
    finally:
        sys.setprofile(None)
    assert called
    assert enum.__file__ not in called
