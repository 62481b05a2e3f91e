"""Calls in a process of their own (`optimizer.base.work.aside`), and plans of one that
a search awaits.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from optimizer.base.errors import InputError, Problem, SolverError
from optimizer.base.work.aside import Aside, MessageProcess
from optimizer.base.work.listener import SILENT, SilentListener
from optimizer.base.work.work_clock import limited, put_forward, work_seconds
from optimizer.lab.benchmark.benchmark import Job, _WatchedChild
from optimizer.solvers.mip.backend import _SolverProcess


def fails(where: str) -> None:
    """Raise an error that a user sees."""
    raise InputError(Problem(where, "nothing", "something"))


def works(seconds: float, _given: object = None) -> int:
    """Put the clock forward as so many seconds of work would, and return which process did."""
    put_forward(work_seconds() + seconds)
    return os.getpid()


class CostlyToLoad:
    """What a process loads before its call begins, at the cost of much work."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the call that loads it."""
        return works, (1e6,)


def sleeps(path: Path) -> None:
    """Say which process this is, and sleep for long."""
    path.with_suffix(".part").write_text(str(os.getpid()))
    path.with_suffix(".part").rename(path)
    time.sleep(600)


def test_a_call_is_made_in_another_process_and_counts_as_work_since_it_was_begun() -> None:
    began = work_seconds()
    with Aside(works, 1000.0) as aside, limited(None):
        assert aside.result(SILENT) != os.getpid()
    assert work_seconds() - began >= 1000


def test_work_done_meanwhile_is_not_counted_twice() -> None:
    began = work_seconds()
    with Aside(works, 1000.0) as aside:
        works(2000.0)
        aside.result(SILENT)
    assert 2000 <= work_seconds() - began < 3000


def test_loading_the_program_is_no_work_of_the_call() -> None:
    began = work_seconds()
    with Aside(works, 1000.0, CostlyToLoad()) as aside:
        aside.result(SILENT)
    assert 1000 <= work_seconds() - began < 1e6


def test_what_the_call_raises_is_raised_here() -> None:
    with Aside(fails, "here") as aside, pytest.raises(InputError, match="here"):
        aside.result(SILENT)


def test_a_process_that_dies_is_an_error_with_its_reason() -> None:
    with Aside(os._exit, 7) as aside, pytest.raises(SolverError, match="exit code 7"):
        aside.result(SILENT)


def test_a_listener_that_cancels_ends_the_wait_and_leaving_ends_the_process(tmp_path: Path) -> None:
    class Cancels(SilentListener):
        def cancelled(self) -> bool:
            return (tmp_path / "pid").exists()

    with Aside(sleeps, tmp_path / "pid") as aside, pytest.raises(KeyboardInterrupt):
        aside.result(Cancels())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # files of what was not started stay open
@pytest.mark.parametrize("starts", [_SolverProcess, _WatchedChild, MessageProcess])
@pytest.mark.parametrize(
    ("platform", "apart"),
    [("win32", {"creationflags": 0x200}), ("linux", {"start_new_session": True})],
)
def test_the_terminals_ctrl_c_reaches_no_child_in_its_first_moments(
    starts: type,
    platform: str,
    apart: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[dict[str, Any]] = []

    def popen(_command: list[str], **options: Any) -> None:
        given.append(options)
        raise OSError("none is started")

    monkeypatch.setattr("subprocess.Popen", popen)
    monkeypatch.setattr("subprocess.CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.setattr("sys.platform", platform)
    asked = {"gap_asked": 0.0, "time_limit": 1.0, "memory_limit": 1.0, "version": "1"}
    job = Job(family="f", instance="i", content="0" * 64, method="auto", seed=0, **asked)
    arguments: dict[type, tuple[Any, ...]] = {
        _SolverProcess: (tmp_path, None),
        _WatchedChild: (job, tmp_path, None),
        MessageProcess: ("m", [], print),
    }
    with pytest.raises(OSError, match="none is started"):
        starts(*arguments[starts])
    assert apart.items() <= given[0].items()


def test_a_process_that_is_not_asked_ends_as_well(tmp_path: Path) -> None:
    with Aside(sleeps, tmp_path / "pid"):
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
