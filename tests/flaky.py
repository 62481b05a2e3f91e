"""Run test files beside a load and on one core, several times, and name what failed.

A test that depends on time, load or the number of cores passes on a quiet machine and
fails on another. `python -m tests.flaky FILE...` or `python -m tests.flaky --since REV`
(test files that differ from that revision, `main` by default) runs the files

- beside a load: as many processes that only count as `--load` says, and
- on one core (on Linux, which can hold a process to one).

It prints each test that failed in any run, with the number of runs in which it failed,
and ends with exit code 1 if there is one.

    --times 3      runs of each kind
    --load 6       processes of the load
    --select TEXT  marks, as pytest's -m (default: not slow; empty for all)
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]

FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+(?: \S+)*?)(?: - .*)?$", re.MULTILINE)
"""A line of pytest's summary, and the test that it names."""

NOT_A_FAILURE = (0, 5)
"""Exit codes of pytest: all passed, and no test was selected."""


def changed(since: str) -> list[str]:
    """Return the test files that differ from a revision, also those not committed yet."""
    asked = ["git", "diff", "--name-only", "--diff-filter=d", since, "--", "tests/test_*.py"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    return told.stdout.split()


@contextmanager
def load(processes: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep so many processes busy meanwhile; they end with this one."""
    endless = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(10**6))"
    busy = [subprocess.Popen([sys.executable, "-c", endless]) for _ in range(processes)]
    try:
        yield busy
    finally:
        for each in busy:
            each.kill()
            each.wait()


@contextmanager
def one_core() -> Iterator[None]:
    """Hold this process and those that it starts to one core meanwhile."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def failures(files: list[str], select: str) -> set[str]:
    """Run the files once; return the tests that failed."""
    asked = [sys.executable, "-m", "pytest", "-q", "-m", select, *files]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    found = set(FAILED.findall(done.stdout))
    if done.returncode not in NOT_A_FAILURE and not found:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        found = {f"pytest ended with exit code {done.returncode}: {' '.join(last)}"}
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments ask for; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*", help="test files")
    parser.add_argument("--since", default="main", help="without files: those changed since then")
    parser.add_argument("--times", type=int, default=3, help="runs of each kind")
    parser.add_argument("--load", type=int, default=6, help="processes of the load")
    parser.add_argument("--select", default="not slow", help="marks, as pytest's -m")
    asked = parser.parse_args(arguments)
    files = asked.files or changed(asked.since)
    if not files:
        print(f"no test file differs from {asked.since}")
        return 0
    kinds: dict[str, Callable[[], AbstractContextManager[object]]] = {
        f"beside a load of {asked.load}": lambda: load(asked.load)
    }
    if hasattr(os, "sched_setaffinity"):
        kinds["on one core"] = one_core
    failed: Counter[tuple[str, str]] = Counter()
    for kind, beside in kinds.items():
        for turn in range(asked.times):
            with beside():
                found = failures(files, asked.select)
            print(f"{kind}, run {turn + 1} of {asked.times}: {len(found)} failed", flush=True)
            failed.update((kind, test) for test in found)
    for (kind, test), times in sorted(failed.items()):
        print(f"{test}: failed in {times} of {asked.times} runs {kind}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
