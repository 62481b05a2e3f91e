"""Which runs there are to make, and a pool of threads that makes them on this machine."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.files import sha256
from optimizer.lab.benchmark.known import best_values
from optimizer.lab.benchmark.rows import AGAIN, RowFile, read_rows
from optimizer.lab.benchmark.run import Job, StoppedError, lost_row, run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from optimizer.lab.benchmark.families import Case
    from optimizer.lab.benchmark.rows import Row

Task = tuple[Job, "Path"]
"""A run to make, and its instance's file."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How runs are made.

    Attributes
    ----------
    methods
        Names of methods.
    seeds
        Seeds, >= 0.
    gap, time_limit
        As in `optimizer.solvers.solve.solve`.
    memory_limit
        MB resident.
    """

    methods: Sequence[str]
    seeds: Sequence[int]
    gap: float
    time_limit: float
    memory_limit: float


def tasks(cases: Sequence[Case], terms: Terms, folder: Path) -> list[Task]:
    """Return every run of a benchmark: instance by instance, method by method, seed by seed.

    Instances without a file of their own are written into `folder`/instances.
    """
    best = best_values(cases)
    planned = []
    for case in cases:
        path = case.file(folder / "instances")
        content = sha256(path)
        planned += [
            (
                Job(
                    family=case.family,
                    instance=case.name,
                    sha256=content,
                    method=method,
                    seed=seed,
                    gap=terms.gap,
                    time_limit=terms.time_limit,
                    memory_limit=terms.memory_limit,
                    best=best.get(case.name),
                ),
                path,
            )
            for method in terms.methods
            for seed in terms.seeds
        ]
    return planned


def missing(planned: Sequence[Task], folder: Path) -> list[Task]:
    """Return the runs that a folder has no row of, or none that says anything of the method."""
    done = {row.key for row in read_rows(folder) if row.status not in AGAIN}
    return [task for task in planned if task[0].key not in done]


def carry_out(
    todo: Sequence[Task],
    folder: Path,
    runner: Callable[[Sequence[Task]], Generator[Row, None, None]],
    on_row: Callable[[Row], None],
) -> None:
    """Make runs, and keep each row as it comes.

    Parameters
    ----------
    todo
        The runs.
    folder
        Where the rows go.
    runner
        Makes runs and yields their rows as they end; closed when the benchmark is interrupted.
    on_row
        Called after a row is kept.

    Raises
    ------
    KeyboardInterrupt
        When it comes; every row so far is on disk, and no run is left behind.
    """
    with closing(RowFile(folder)) as file, closing(runner(todo)) as rows:
        for row in rows:
            file.append(row)
            on_row(row)


def pool(todo: Sequence[Task], jobs: int = 1) -> Generator[Row, None, None]:
    """Make runs on this machine, `jobs` at a time, and yield their rows as they end.

    With more than one at a time they share memory bandwidth and caches: times are clean with one.
    """
    stop = threading.Event()
    executor = ThreadPoolExecutor(jobs, thread_name_prefix="run")
    try:
        pending = {executor.submit(_kept, task, stop.is_set) for task in todo}
        while pending:
            # a plain wait is not interruptible everywhere; one with a timeout is
            done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            yield from _rows(done)
    finally:
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)


def _kept(task: Task, stopped: Callable[[], bool]) -> Row | None:
    """Make a run; what goes wrong with starting it costs its own row."""
    job, path = task
    try:
        return run(job, path, stopped)
    except StoppedError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever it is, the other runs go on
        return lost_row(job, f"{type(error).__name__}: {error}"[:200], "failed")


def _rows(done: set[Future[Row | None]]) -> Iterator[Row]:
    for future in done:
        row = future.result()
        if row is not None:
            yield row
