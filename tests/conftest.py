"""What holds for the whole suite.

A test asserts behaviour, never a time, so hypothesis gives no deadline. Tests that need
the shared data are skipped where it is absent. Ctrl-C reaches the processes that tests
start, even where the suite itself was started with interrupts ignored, as a job of a
shell script is.
"""

import gc
import os
import signal
import sys
from collections.abc import Callable, Generator
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer.main

if os.name != "nt":
    from fcntl import LOCK_EX, LOCK_UN, flock

import optimizer.report
from optimizer.base.work import executor
from tests import made_once
from tests.command import Outcome, run
from tests.examples import load_profile

load_profile()

AS_SHIPPED = bool(os.environ.get("AS_SHIPPED"))
"""Whether the program runs as users have it: on all cores, with figures of full size,
every region read and every record fitted anew. Nothing below is replaced then; a part of
`.ci/run` runs so.
"""

# A search of a test takes one process, unless the test says how many: the cores are
# busy with other tests, and a process takes some seconds to start, more than most
# searches here. Modules take the function by name, so it is replaced before any of them
# is imported.
_threads = executor.thread_count
if not AS_SHIPPED:
    executor.thread_count = lambda threads: _threads(1 if threads is None else threads)

# The tree of all commands takes 33 ms to make, and the command line makes it in each of
# some thousand calls of this process. It is made anew where commands were added. Tests
# that ask for a tree have one of their own, as a command keeps what they make of it.
_trees: dict[object, Any] = {}


def _commands(app: typer.Typer) -> tuple[object, ...]:
    below = (
        _commands(group.typer_instance) for group in app.registered_groups if group.typer_instance
    )
    return (*map(id, app.registered_commands), *below)


def _called(app: typer.Typer, *words: Any, **named: Any) -> Any:
    shape = (id(app), _commands(app))
    if shape not in _trees:
        _trees[shape] = typer.main.get_command(app)
    return _trees[shape](*words, **named)


if not AS_SHIPPED:
    typer.main.Typer.__call__ = _called  # type: ignore[assignment]

FEW_DOTS = 40
"""Dots an inch of the figures that tests draw: packing those of 170 takes a third of a
report. The mark `full_size` has those of a user.
"""

collect_ignore = ["quick_worker.py"]  # a program of its own, no module of tests

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # children inherit the default, not "ignored"
    signal.signal(signal.SIGINT, signal.default_int_handler)

# tests start some hundred processes; where Python may not keep what it compiled, each
# compiles the package anew, and pytest all tests (12 s)
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# the width of whoever starts the suite is not that of what tests read
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

DRAWING = ("slow", "report", "lab")
"""Marks of tests that may draw figures."""

BEGAN = pytest.StashKey[float]()


def _processor_seconds() -> float:
    """Return what this process and its ended children have used."""
    return sum(os.times()[:4])


def _of_few_dots(savefig: Any) -> Any:
    return lambda figure, *words, **named: savefig(
        figure, *words, dpi=min(figure.dpi, FEW_DOTS), **named
    )


def _unmarked(*_: object) -> None:
    pytest.fail(
        "draws a report: plan with report=False (--no-report), or mark the test with `report`"
    )


def _compiled_by_one(ready: Callable[..., None]) -> Callable[..., None]:
    """Let one process compile kernels, and others wait for it and load them: side by
    side, each would compile them all.
    """

    @wraps(ready)
    def one_at_a_time(*words: Any, **named: Any) -> None:
        folder = os.open(Path(__file__).parent, os.O_RDONLY)
        try:
            flock(folder, LOCK_EX)
            ready(*words, **named)
        finally:
            flock(folder, LOCK_UN)  # a child that was forked meanwhile has the descriptor too
            os.close(folder)

    return one_at_a_time


def pytest_configure(config: pytest.Config) -> None:
    """Prepare a process that runs tests; one that only hands them out needs none of it."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        # before any module is imported that takes these functions by name
        if not AS_SHIPPED:
            made_once.install()
        if not AS_SHIPPED and os.name != "nt":
            kernels: Any = import_module("optimizer.base.work.kernels")
            kernels.ready = _compiled_by_one(kernels.ready)
        # until tests are collected: modules and tests stay, and looking through them
        # takes a seventh of the time
        gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage from now on, but not among the modules and tests."""
    gc.enable()
    gc.freeze()


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Return what runs `cli.py` with arguments in this process."""
    return lambda *arguments: run(capsys, monkeypatch, *arguments)


@pytest.fixture
def made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let regions be read and records be fitted anew, for a test that watches or replaces how."""
    monkeypatch.setattr(made_once, "anew", True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose shared data is not there."""
    for mark in item.iter_markers("data"):
        (path,) = mark.args
        if not path.exists():
            pytest.skip(
                f"{path.relative_to(path.parents[len(path.parts) - path.parts.index('shared') - 1])}"
                " is not there"
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note where a test begins, and let no test without the mark `report` draw one:
    that takes nine tenths of a small plan.
    """
    item.stash[BEGAN] = _processor_seconds()
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("report") is None and not AS_SHIPPED:
            # setattr would load the report first
            patch.setitem(vars(optimizer.report), "write_report", _unmarked)
        if (
            not AS_SHIPPED
            and item.get_closest_marker("full_size") is None
            and any(map(item.get_closest_marker, DRAWING))
        ):
            figure = import_module("matplotlib.figure").Figure
            patch.setattr(figure, "savefig", _of_few_dots(figure.savefig))
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Write a test's processor seconds and marks into the file of --junitxml, from
    which `python -m tests.times` reads them.
    """
    if call.when == "teardown":
        marks = {mark.name for mark in item.iter_markers()}
        item.user_properties.append(
            ("processor_s", round(_processor_seconds() - item.stash[BEGAN], 3))
        )
        item.user_properties.append(("marks", " ".join(sorted(marks & {"slow", "report", "lab"}))))
