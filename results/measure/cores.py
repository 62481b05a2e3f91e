"""What two processes gain on one problem, measured fairly on a loaded machine: `python
-m results.measure cores GAP INSTANCE...` prints a table.

Each problem is solved to the gap by one process and by two workers with their
supervisor, each run a process of its own. Seconds are processor seconds, which other
programs do not stretch. Two cores that nothing else uses would take at least what this
process takes until the workers are started, then the larger of what the busier worker
takes and half of what all take. The times that this leaves out, in which a worker has
nothing to do, are given as a share of its life by the clock.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

COLUMNS = (
    "problem",
    "one process, s",
    "nodes",
    "before the workers, s",
    "supervisor after, s",
    "workers, s",
    "nodes",
    "two cores, s, at least",
    "times",
    "idle",
)


class Watch:
    """Notes what the workers of a parallel tree use, and when they have nothing to do."""

    def __init__(self) -> None:
        self.before = self.life = 0.0
        self.workers: list[float] = []
        self.idle = 0.0
        self._free: dict[int, float] = {}

    def put_on(self) -> None:
        """Have the parallel tree tell of its workers."""
        from optimizer.solvers.branch_and_cut.parallel.parallel_tree import ParallelTree
        from optimizer.solvers.branch_and_cut.parallel.workers import TreeProcesses

        self._around(ParallelTree, "_give", before=self._given)
        self._around(ParallelTree, "_settle", after=self._settled)
        self._around(TreeProcesses, "start", before=lambda *_: self._begun())
        self._around(
            TreeProcesses, "end", before=lambda processes: self._ended(processes.process_ids)
        )

    @staticmethod
    def _around(
        owner: type,
        name: str,
        before: Callable[..., Any] | None = None,
        after: Callable[..., Any] | None = None,
    ) -> None:
        call = getattr(owner, name)

        def watched(*arguments: Any) -> Any:
            if before is not None:
                before(*arguments)
            result = call(*arguments)
            if after is not None:
                after(*arguments)
            return result

        setattr(owner, name, watched)

    def _begun(self) -> None:
        self.before, self.life = time.process_time(), time.monotonic()

    def _given(self, *arguments: Any) -> None:
        self.idle += time.monotonic() - self._free.pop(arguments[1], time.monotonic())

    def _settled(self, *arguments: Any) -> None:
        self._free[arguments[1]] = time.monotonic()

    def _ended(self, processes: list[int]) -> None:
        if not processes:
            return
        now, ticks = time.monotonic(), os.sysconf("SC_CLK_TCK")
        self.idle += sum(now - since for since in self._free.values())
        self._free.clear()
        self.life = (now - self.life) * len(processes)
        for process in processes:
            user, system = (
                Path(f"/proc/{process}/stat")
                .read_text(encoding="utf-8")
                .rpartition(")")[2]
                .split()[11:13]
            )
            self.workers.append((int(user) + int(system)) / ticks)


def solved(path: str, gap: str, threads: str) -> str:
    """Solve a problem; return processor seconds of this process, before and after the
    workers began, theirs, nodes, and the share idle.
    """
    from optimizer.problem.files.instance_file import read_instance
    from optimizer.solvers.solve import solve

    watch = Watch()
    watch.put_on()
    began = time.process_time()
    result = solve(read_instance(Path(path)), gap=float(gap), threads=int(threads), seed=0)
    took = time.process_time() - began
    before = watch.before - began if watch.workers else took
    workers = ",".join(f"{each:.1f}" for each in watch.workers)
    return f"{before}|{took - before}|{workers}|{result.statistics['nodes']}|{watch.idle / watch.life if watch.workers else 0}|{result.gap}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("gap", type=float)
    parser.add_argument("instances", nargs="+")


def main(asked: argparse.Namespace) -> None:
    """Print a table."""
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for path in asked.instances:
        one, two = (_run(path, str(asked.gap), threads) for threads in ("1", "2"))
        workers = [float(each) for each in two[2].split(",")]
        before, after = float(two[0]), float(two[1])
        least = before + max(*workers, (after + sum(workers)) / 2)
        cells = (
            Path(path).stem,
            f"{float(one[0]):.1f}",
            one[3],
            f"{before:.1f}",
            f"{after:.1f}",
            two[2],
            two[3],
            f"{least:.1f}",
            f"{float(one[0]) / least:.2f}",
            f"{float(two[4]):.0%}",
        )
        print("| " + " | ".join(cells) + " |", flush=True)


def _run(path: str, gap: str, threads: str) -> list[str]:
    alone = "import sys; from results.measure.cores import solved; print(solved(*sys.argv[1:]))"
    command = [sys.executable, "-c", alone, path, gap, threads]
    return (
        subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        .stdout.strip()
        .split("|")
    )
