"""Ctrl-C in a computation that holds others: what is there by then is kept, wherever within them it comes."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.analysis.explain.explain import Explanation, explain_plan
from optimizer.analysis.uncertainty.uncertainty import MIDDLE, UncertaintyRequest, plans_over_draws
from optimizer.base.work.listener import SilentListener, Stopping
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.plan.weight_scenarios import Objective
from optimizer.report.short_page import write_short_page
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.solvers.branch_and_cut.lp.linear_program import LinearProgram
from optimizer.solvers.mixed.double_oracle import DoubleOracle
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.search.state import SolveState
from optimizer.solvers.solve import solve
from tests.cases import random_instance
from tests.command import run
from tests.test_cooperate import with_agencies
from tests.test_explain import known_plan
from tests.test_interrupts import press
from tests.tiny import write_scenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optimizer.problem.instance.instance import Instance
    from optimizer.solvers.overlay.overlay import Overlay
    from tests.command import Outcome


@pytest.fixture(autouse=True)
def _usual_handler() -> Any:
    """Give the tests Python's own handler, which a shell that starts them in the background takes away."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    return lambda *arguments: run(capsys, monkeypatch, *arguments)


class PressAtStep(SilentListener):
    """Presses Ctrl-C at the first bounds within a step, or as it ends."""

    def __init__(self, name: str, *, ends: bool = False) -> None:
        self.name, self.ends = name, ends
        self.within = self.pressed = False
        self.lower = 0.0

    def step_started(self, name: str) -> None:
        """Note the step."""
        self.within |= name == self.name

    def step_ended(self, name: str, seconds: float) -> None:  # noqa: ARG002
        """Press where that is asked for."""
        if name == self.name and self.ends:
            press()
        self.within &= name != self.name

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002
        """Keep the bound, and press."""
        if self.within and not (self.ends or self.pressed):
            self.lower, self.pressed = lower, True
            press()


def half_added(program: LinearProgram) -> None:
    """Press Ctrl-C between two assignments of an addition of rows."""
    program._rows.size += 1
    press()


def test_once_a_computation_within_has_ended_the_first_is_remembered() -> None:
    with Stopping(breakable=True) as outer:
        with Stopping():
            pass
        press()
        assert outer.stopped
    with Stopping() as outer:

        def work() -> int:
            with Stopping():
                pass
            press()
            return 3

        assert outer.attempt(work) == 3
        assert outer.stopped


def test_a_computation_within_that_fails_leaves_nothing_to_keep() -> None:
    def fails() -> None:
        with pytest.raises(ValueError, match="nothing"), Stopping():
            raise ValueError("nothing")
        press()

    with Stopping() as outer:
        assert outer.attempt(fails) is None
        assert outer.stopped


@pytest.mark.report
@pytest.mark.parametrize("writes", ["frontier", "explain", "cooperate"])
def test_ctrl_c_while_a_series_is_written_does_not_lose_it(
    writes: str, command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = write_scenario(tmp_path)
    arguments: list[object] = [writes, scenario]
    if writes == "frontier":
        arguments += ["--resource", "teams", "--from", "0", "--to", "2", "--points", "2"]
    if writes == "explain":
        command("plan", scenario, "--out", tmp_path / "plan", "--json", "--no-report")
        arguments = [writes, tmp_path / "plan"]
    if writes == "cooperate":
        write_instance(tmp_path / "three.json", with_agencies(5))
        arguments = [writes, tmp_path / "three.json"]
    real = write_short_page

    def pressed(*given: Any) -> None:
        press()
        real(*given)

    monkeypatch.setattr("optimizer.report.short_page.write_short_page", pressed)
    outcome = command(*arguments, "--out", tmp_path / "out", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.objects
    assert list((tmp_path / "out").glob("*.html"))


def explained(listener: SilentListener) -> Explanation:
    return explain_plan(known_plan(random_instance(11)), time_limit=None, listener=listener)


def test_routes_left_are_kept_however_the_root_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = explained(SilentListener())
    assert whole.evaders
    kept = explained(PressAtStep("looking for the routes left", ends=True))
    assert (kept.evaders, kept.options) == (whole.evaders, ())
    real = LinearProgram.add

    def add(program: LinearProgram, *rows: Any) -> None:
        half_added(program)
        real(program, *rows)

    monkeypatch.setattr(LinearProgram, "add", add)
    kept = explained(SilentListener())
    assert (kept.evaders, kept.options) == (whole.evaders, ())


def test_the_bound_of_mixtures_proven_so_far_is_kept() -> None:
    listener = PressAtStep("bounding mixtures")
    result = solve(random_instance(28), method="mixed", gap=1e-3, listener=listener)
    assert result.limit == "interrupted"
    assert result.lower is not None
    assert result.lower >= listener.lower > 0


def test_a_mixture_of_too_many_plans_falls_back_whatever_an_interrupt_left_half_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = random_instance(28)
    real = DoubleOracle.run

    def pressed(search: DoubleOracle) -> None:
        real(search)
        assert len(search.best.plans) > 2
        search.game._row_of = search.game._row_of[:-1]  # as while a path is taken in
        press()

    monkeypatch.setattr(DoubleOracle, "run", pressed)
    result = solve(instance, method="mixed", gap=1e-3, support=2)
    assert result.limit == "interrupted"
    assert result.mixed is not None
    assert result.mixed.mixture.plans == (result.plan,)


def test_ctrl_c_while_the_network_is_contracted_for_mixtures_keeps_the_plan_to_begin_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = random_instance(11)
    start = solve(instance).plan
    assert start is not None

    def pressed(given: Instance) -> Overlay:
        press()
        return contract(given)

    monkeypatch.setattr("optimizer.solvers.mixed.solve_mixed.contract", pressed)
    result = solve(instance, method="mixed", start=start)
    assert result.limit == "interrupted"
    assert result.plan == start
    with pytest.raises(KeyboardInterrupt):
        solve(instance, method="mixed")


class CancelsAfterFirst(SilentListener):
    """Cancels after the first solve."""

    stops = False

    def step_ended(self, name: str, seconds: float) -> None:  # noqa: ARG002
        """Stop where it was that."""
        self.stops |= MIDDLE in name

    def cancelled(self) -> bool:
        """Return whether to stop."""
        return self.stops


def test_a_listener_that_cancels_keeps_the_plan_over_draws(tmp_path: Path) -> None:
    compiled = compile_scenario(write_scenario(tmp_path))
    doubt = plans_over_draws(compiled, UncertaintyRequest(4, Objective("mean")), listener=CancelsAfterFirst())
    assert doubt.chosen.options


def test_ctrl_c_before_a_plan_over_draws_is_no_want_of_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile_scenario(write_scenario(tmp_path))
    monkeypatch.setattr(SolveState, "contract", lambda _: press())
    with pytest.raises(KeyboardInterrupt):
        plans_over_draws(compiled, UncertaintyRequest(4, Objective("mean")))
