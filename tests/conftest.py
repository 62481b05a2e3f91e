"""What holds for the whole suite.

A test asserts behaviour, never a time, so hypothesis gives no deadline. Tests that need the shared data are skipped where it is absent. Ctrl-C
reaches the processes that tests start, even where the suite itself was started with interrupts ignored, as a job of a shell script is.
"""

import os
import signal

import pytest
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "no deadline"))

collect_ignore = ["quick_worker.py"]  # a program of its own, no module of tests

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # children inherit the default, not "ignored"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose shared data is not there."""
    for mark in item.iter_markers("data"):
        (path,) = mark.args
        if not path.exists():
            pytest.skip(
                f"{path.relative_to(path.parents[len(path.parts) - path.parts.index('shared') - 1])} is not there"
            )
