"""Ctrl-C, with real signals: at every event of a solve, and anywhere in its code; the
plan is kept, the second one leaves.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from ortools.math_opt.python import mathopt

from optimizer.analysis.explain.explain import Explanation, explain_plan
from optimizer.analysis.uncertainty.uncertainty import MIDDLE, UncertaintyRequest, plans_over_draws
from optimizer.base.files import output_folder as output_folder_module
from optimizer.base.files.temporary import folder_beside
from optimizer.base.work.listener import SilentListener, Stopping
from optimizer.cli.terminal import LEFT
from optimizer.plans.comparison import Comparison, compare
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import evaluate, plan_value
from optimizer.problem.plan.plan import Plan, violations, with_plan
from optimizer.problem.plan.result import Result
from optimizer.problem.plan.weight_scenarios import Objective
from optimizer.report.answer import write_short_page
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.solvers.branch_and_cut.improve.state import SolveState
from optimizer.solvers.branch_and_cut.lp.linear_program import LinearProgram
from optimizer.solvers.mip.backend import solve_mip
from optimizer.solvers.mixed.double_oracle import DoubleOracle
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.params import PatrolParams, SolveParams
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.solve import solve
from tests.cases import Recorder, brute_force, random_instance
from tests.command import Outcome, run
from tests.output_cases import output_folder
from tests.referees.compact import COMPACT, compact_model
from tests.test_cooperate import with_agencies
from tests.test_explain import known_plan
from tests.test_joint import small_case, true_optimum
from tests.tiny import write_scenario

GAP = 0.01


@pytest.fixture(autouse=True)
def _usual_handler() -> Any:
    """Give the tests Python's own handler, which a shell that starts them in the
    background takes away.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_the_first_is_remembered_and_breaks_off_what_may_be_broken_off() -> None:
    reached: list[str] = []

    def work() -> bool:
        press()
        reached.append("after")
        return True

    with Stopping() as stopping:
        assert stopping.attempt(lambda: 3) == 3
        assert not stopping.cancelled()
        assert not stopping.attempt(work)
        assert stopping.cancelled()
    assert reached == []
    with Stopping() as stopping:
        press()
        assert stopping.cancelled()


def lost_in_c(*_: Any) -> Any:
    """Press Ctrl-C in what Python reports as a fault of a function in C."""
    try:
        press()
    except KeyboardInterrupt as error:
        raise SystemError("returned a result with an exception set") from error


def swallowed_in_c(*_: Any) -> Any:
    """Press Ctrl-C where NumPy compares structures, as in `np.unique` by an axis: it
    says that they cannot be compared.
    """
    with contextlib.suppress(KeyboardInterrupt):
        press()
    raise TypeError("Cannot compare structured arrays unless they have a common dtype.")


LOST = [lost_in_c, swallowed_in_c]


@pytest.mark.parametrize("work", LOST)
def test_an_error_that_code_in_c_makes_of_it_is_the_interrupt(work: Callable[[], Any]) -> None:
    def wrong() -> None:
        raise SystemError("returned NULL without setting an exception")

    told = Recorder()
    with Stopping(told) as stopping:
        with pytest.raises(SystemError):
            stopping.attempt(wrong)
        assert not stopping.stopped
        assert stopping.attempt(work) is None
        assert stopping.stopped
        with pytest.raises(SystemError):  # no Ctrl-C came within this one
            stopping.attempt(wrong)
    assert len(told.sentences) == (work is swallowed_in_c), (
        "an error that does not name the interrupt is told"
    )


@pytest.mark.parametrize("work", LOST)
@pytest.mark.parametrize("place", ["tree.BranchAndCut.cut_root", "tree.BranchAndCut.offer"])
def test_an_interrupt_lost_in_c_keeps_the_plan_of_a_solve(
    work: Callable[[], Any], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = random_instance(11)
    monkeypatch.setattr(f"optimizer.solvers.branch_and_cut.tree.{place}", work)
    result = solve(instance, method="cuts", gap=GAP)
    check_plan(instance, result, brute_force(instance)[0])
    assert result.limit == "interrupted"


def test_an_interrupt_that_a_solver_in_this_process_drops_is_raised_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = random_instance(11)
    real = mathopt.solve

    def dropping(*arguments: Any, **named: Any) -> Any:
        with contextlib.suppress(KeyboardInterrupt):
            press()
        return real(*arguments, **named)

    monkeypatch.setattr(mathopt, "solve", dropping)
    model = compact_model(instance, contract(instance)).mip
    with pytest.raises(KeyboardInterrupt):
        solve_mip(model, gap=GAP, time_limit=None, seed=0)
    assert solve(instance, method=COMPACT, gap=0.0).limit == "interrupted"


def test_the_second_leaves_wherever_it_comes() -> None:
    def twice() -> None:
        with Stopping():
            press()
            press()

    def after_an_attempt() -> None:
        with Stopping() as stopping:
            stopping.attempt(press)
            press()

    for second in (twice, after_an_attempt):
        with pytest.raises(KeyboardInterrupt):
            second()


def test_those_within_others_share_it() -> None:
    with Stopping() as outer:
        with Stopping() as inner:
            outer.attempt(press)  # the innermost says whether it may raise
            assert inner.stopped
        assert outer.stopped
        with Stopping() as later:
            assert later.cancelled()
    with pytest.raises(KeyboardInterrupt), Stopping(breakable=True):
        press()


def test_the_handler_of_another_program_is_left_alone() -> None:
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    with Stopping() as stopping:
        press()
        assert not stopping.cancelled()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert seen == [signal.SIGINT]


def test_other_threads_are_left_alone() -> None:
    kept: list[Any] = []

    def run() -> None:
        with Stopping(Recorder(patience=0)) as stopping:
            kept.append((stopping.cancelled(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert kept == [(True, signal.default_int_handler)]


class PressAt(SilentListener):
    """Presses Ctrl-C at the n-th event."""

    def __init__(self, n: int) -> None:
        self.n, self.count = n, 0

    @property
    def pressed(self) -> bool:
        """Whether there was such an event."""
        return self.count >= self.n

    def _event(self) -> None:
        self.count += 1
        if self.count == self.n:
            press()

    def step_started(self, name: str) -> None:  # noqa: ARG002
        """Count it."""
        self._event()

    def step_ended(self, name: str, seconds: float) -> None:  # noqa: ARG002
        """Count it."""
        self._event()

    def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002
        """Count it."""
        self._event()

    def plan_found(self, placed: Any, value: float) -> None:  # noqa: ARG002
        """Count it."""
        self._event()


def check_plan(instance: Instance, result: Result, optimum: float) -> None:
    assert result.plan is not None
    assert result.lower is not None
    assert result.upper is not None
    whole = with_plan(instance, result.plan)
    assert not violations(whole, whole.placed(result.plan.options))
    assert evaluate(instance, result.plan).value == pytest.approx(result.upper, rel=1e-9)
    assert result.lower <= optimum * (1 + 1e-9)
    assert optimum <= result.upper * (1 + 1e-9)


def events(instance: Instance, method: str) -> int:
    listener = PressAt(0)
    solve(instance, method=method, gap=GAP, listener=listener)
    return listener.count


@pytest.mark.parametrize("method", ["cuts", COMPACT, "greedy"])
def test_ctrl_c_at_any_event_keeps_the_plan(method: str) -> None:
    instance = random_instance(11)
    optimum = brute_force(instance)[0]
    count = events(instance, method)
    assert count > 6
    for n in range(3, count + 1):
        result = solve(instance, method=method, gap=GAP, listener=PressAt(n))
        check_plan(instance, result, optimum)
        assert result.limit == "interrupted", n


def test_ctrl_c_before_there_is_a_plan_is_an_interrupt() -> None:
    for n in (1, 2):  # contracting begins and ends
        with pytest.raises(KeyboardInterrupt):
            solve(random_instance(11), listener=PressAt(n))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["auto", COMPACT])
def test_ctrl_c_at_any_event_keeps_a_plan_with_beats(method: str) -> None:
    instance, field = small_case(2)
    optimum = true_optimum(instance, field)
    count = events(instance, method)
    assert count > 12
    pressed = 0
    for n in range(2, count + 1, max(1, count // 5)):
        listener = PressAt(n)
        result = solve(instance, method=method, gap=GAP, listener=listener)
        check_plan(instance, result, optimum)
        # searches that share their time do not report equally often: one may end before
        # its n-th event
        assert result.limit == ("interrupted" if listener.pressed else None), n
        pressed += listener.pressed
    assert pressed > 3


@pytest.mark.parametrize("at", ["generating", "making beats"])
def test_ctrl_c_before_there_are_beats_keeps_a_plan_of_fixed_options(
    at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PressAtStep(SilentListener):
        def step_started(self, name: str) -> None:
            if name == at:
                press()

    def generating(*arguments: Any, **named: Any) -> ColumnGeneration:
        if at == "generating":
            press()
        return ColumnGeneration(*arguments, **named)

    monkeypatch.setattr("optimizer.solvers.patrols.joint.ColumnGeneration", generating)
    instance, field = small_case(2)
    result = solve(instance, gap=GAP, listener=PressAtStep())
    assert result.limit == "interrupted"
    assert result.upper is not None
    assert result.upper < plan_value(instance, instance.forced) * 0.999
    check_plan(instance, result, true_optimum(instance, field))


def test_ctrl_c_at_the_first_bounds_of_patrols_alone_keeps_their_beats() -> None:
    class PressAtBounds(SilentListener):
        making = False

        def step_started(self, name: str) -> None:
            self.making = name == "making beats"

        def bounds_moved(self, lower: float, upper: float) -> None:  # noqa: ARG002
            if self.making:
                self.making = False
                press()

    instance, field = small_case(2)
    patrols = replace(instance, options=())
    result = solve(patrols, gap=GAP, listener=PressAtBounds())
    assert result.limit == "interrupted"
    assert result.plan is not None
    assert result.plan.beats
    check_plan(patrols, result, true_optimum(patrols, field))


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # Python drops what is raised while a generator is closed
@pytest.mark.parametrize("teams", [False, True])
def test_ctrl_c_anywhere_in_the_code_keeps_the_plan_once_there_is_one(teams: bool) -> None:
    """Ctrl-C at the n-th call of a function, for many n, by a profiler: between any two
    steps as well as within them.
    """
    instance, optimum = (
        (small_case(2)[0], true_optimum(*small_case(2))) if teams else (random_instance(11), 0.0)
    )
    optimum = optimum or brute_force(instance)[0]
    _, calls, _ = _calls(instance, 0)
    kept = 0
    for n in range(1, calls, max(1, calls // (15 if teams else 60))):
        result, _, had_plan = _calls(instance, n)
        if result is not None:
            check_plan(instance, result, optimum)
            kept += 1
        assert result is not None or not had_plan, "once there is a plan no interrupt loses it"
    assert kept > (7 if teams else 30)


@pytest.mark.slow
@pytest.mark.parametrize("at", [2, 3, 5])
def test_ctrl_c_in_the_exact_steps_keeps_the_plan_with_beats(
    monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Their solves begin after there is a plan with beats, and have one of their own."""
    instance, field = small_case(2)
    real, count = SolveState.contract, 0

    def contract(search: SolveState) -> None:
        nonlocal count
        count += 1
        if count == at:
            press()
        real(search)

    monkeypatch.setattr(SolveState, "contract", contract)
    result = solve(instance, gap=GAP, params=SolveParams(patrols=PatrolParams(listed=0)))
    assert count == at + 1, "after it the placement problem with beats alone"
    assert result.limit == "interrupted"
    check_plan(instance, result, true_optimum(instance, field))


def _calls(instance: Instance, n: int) -> tuple[Result | None, int, bool]:
    """Solve with Ctrl-C at the n-th call; return the result, None for an interrupt, the
    number of calls, and whether a plan was there then.

    As in a command, Ctrl-C is taken over before the solve begins and given back after
    it has returned.
    """
    count = 0
    had_plan = False
    listener = Recorder()

    def profile(_: FrameType, event: str, __: object) -> None:
        nonlocal count, had_plan
        if event == "call":
            count += 1
            if count == n:
                had_plan = bool(listener.plans)
                press()

    instance = replace(instance)  # without what is cached on it
    with Stopping():
        sys.setprofile(profile)
        try:
            return solve(instance, gap=GAP, listener=listener), count, had_plan
        except KeyboardInterrupt:
            return None, count, had_plan
        finally:
            sys.setprofile(None)


def test_ctrl_c_while_it_is_given_back_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interrupt within the exit is one of Python's own; the next computation takes
    Ctrl-C over as if there had been none.
    """
    real = signal.signal

    def pressed(number: int, handler: Any) -> Any:
        if handler is signal.default_int_handler:
            press()
        return real(number, handler)

    monkeypatch.setattr(signal, "signal", pressed)
    with pytest.raises(KeyboardInterrupt), Stopping():
        pass
    monkeypatch.undo()
    with Stopping() as stopping:
        press()
        assert stopping.interrupted
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_while_the_command_line_is_read_ends_as_any_other() -> None:
    code = """
import builtins
from optimizer.cli import main
real = builtins.__import__
def pressed(name, *rest):
    if name == "typer":
        raise KeyboardInterrupt
    return real(name, *rest)
builtins.__import__ = pressed
main()
"""
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stdout) == (3, "")
    assert child.stderr == "Interrupted before there was a plan.\n"


def test_ctrl_c_while_an_object_is_cleared_away_is_not_lost() -> None:
    """What a callback of a weak reference raises is printed and dropped by Python."""
    program = (
        "import signal, time, weakref\n"
        "from optimizer import cli\n"
        "class Thing: pass\n"
        "def run():\n"
        "    thing = Thing()\n"
        "    weak = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))\n"
        "    try:\n"
        "        del thing\n"
        "        time.sleep(60)\n"
        "        print('lost')\n"
        "    except KeyboardInterrupt:\n"
        "        print('came')\n"
        "import optimizer.cli.app\n"
        "optimizer.cli.app.main = run\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("came\n", "")


def test_ctrl_c_while_python_ends_changes_nothing() -> None:
    code = """
import atexit, signal, sys
from optimizer.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(signal.raise_signal, signal.SIGINT)
sys.argv = ["interdict", "--version"]
main()
"""
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.report
def test_ctrl_c_in_the_report_or_before_keeps_the_plan_of_a_command(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first Ctrl-C while a plan is evaluated, or written: all files are there, but
    for the report that was under way.
    """
    scenario = write_scenario(tmp_path)

    def pressed(instance: Instance, plan: Plan) -> Comparison:
        press()
        return compare(instance, plan)

    monkeypatch.setattr("optimizer.pipeline.plan.compare", pressed)
    outcome = command("plan", scenario, "--out", tmp_path / "out", "--json")
    assert outcome.code == 0
    assert (
        outcome.objects[0]["plan"]
        == json.loads((tmp_path / "out/plan.json").read_text())["options"]
    )
    assert (tmp_path / "out/report.html").exists()
    monkeypatch.setattr("optimizer.pipeline.plan.compare", compare)
    monkeypatch.setattr("optimizer.report.write_report", lambda *_: press())
    outcome = command("plan", scenario, "--out", tmp_path / "other", "--json")
    assert outcome.code == 0
    assert (tmp_path / "other/plan.json").exists()
    assert not (tmp_path / "other/report.html").exists()


TWICE = """
import signal, sys
from optimizer.pipeline import plan as pipeline
signal.signal(signal.SIGINT, signal.default_int_handler)
compare = pipeline.compare
def pressed(*arguments):
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    return compare(*arguments)
pipeline.compare = pressed
from optimizer.cli import main
main()
"""


@pytest.mark.slow
def test_a_second_ctrl_c_leaves_a_command_at_once_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["plan", str(write_scenario(tmp_path)), "--out", str(out), "--json"]
    child = subprocess.run(
        [sys.executable, "-c", TWICE, *arguments], capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stdout) == (130, "")
    assert "Left at once" in child.stderr
    assert not out.exists()


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


@pytest.mark.slow
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

    monkeypatch.setattr("optimizer.report.answer.write_short_page", pressed)
    outcome = command(*arguments, "--out", tmp_path / "out", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.objects
    assert list((tmp_path / "out").glob("*.html"))


def explained(listener: SilentListener) -> Explanation:
    return explain_plan(known_plan(random_instance(11)), time_limit=None, listener=listener)


def test_routes_left_are_kept_however_the_root_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
    doubt = plans_over_draws(
        compiled, UncertaintyRequest(4, Objective("mean")), listener=CancelsAfterFirst()
    )
    assert doubt.chosen.options


def test_ctrl_c_before_a_plan_over_draws_is_no_want_of_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = compile_scenario(write_scenario(tmp_path))
    monkeypatch.setattr(SolveState, "contract", lambda _: press())
    with pytest.raises(KeyboardInterrupt):
        plans_over_draws(compiled, UncertaintyRequest(4, Objective("mean")))


@pytest.mark.parametrize("again", [False, True], ids=["where nothing was", "over another"])
def test_an_interrupt_while_a_folder_is_removed_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    out = tmp_path / "out"
    if again:
        with output_folder(out).written() as folder:
            (folder / "plan.json").write_text("1")
    real = shutil.rmtree

    def pressed(*arguments: Any, **named: Any) -> None:
        press()
        real(*arguments, **named)

    def interrupted() -> None:
        with output_folder(out).written() as folder:
            (folder / "plan.json").write_text("2")
            press()

    monkeypatch.setattr("optimizer.base.files.temporary.shutil.rmtree", pressed)
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["out"] * again
    assert not again or (out / "plan.json").read_text() == "1"


def test_an_interrupt_while_a_folder_is_made_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.mkdir

    def pressed(path: Path, *arguments: Any, **named: Any) -> None:
        real(path, *arguments, **named)
        press()

    def interrupted() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "mkdir", pressed)
            with folder_beside(tmp_path / "out"):
                pytest.fail("the block began")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["rename", "iterdir"])
def test_an_interrupt_while_a_folder_is_swapped_in_comes_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    out = tmp_path / "out"
    with output_folder(out).written() as folder:
        (folder / "plan.json").write_text("1")
    (out / "notes.txt").write_text("mine")
    real, swap = getattr(Path, moment), output_folder_module._swap

    def swapped(*arguments: Any) -> None:
        def pressed(path: Path, *more: Any) -> Any:
            press()
            return real(path, *more)

        with monkeypatch.context() as patched:
            patched.setattr(Path, moment, pressed)
            swap(*arguments)

    monkeypatch.setattr(output_folder_module, "_swap", swapped)
    with pytest.raises(KeyboardInterrupt), output_folder(out).written() as folder:
        (folder / "plan.json").write_text("2")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "plan.json").read_text() == "2"
    assert (out / "notes.txt").read_text() == "mine"


def test_an_interrupt_while_the_last_lines_are_printed_ends_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    def ended() -> int:
        monkeypatch.setattr(sys.stdout, "flush", interrupted)
        return 0

    monkeypatch.setattr("optimizer.cli.app._standard_exit_code", ended)
    assert run(capsys, monkeypatch, "--version").code == LEFT
