"""Which runs there are to make, and a pool of threads that makes them on this machine."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the dataclass's annotations are read by tools
from typing import TYPE_CHECKING

from optimizer.lab.benchmark.families import instance_file
from optimizer.lab.benchmark.known import best_values
from optimizer.lab.benchmark.peers import outside_packages
from optimizer.lab.benchmark.rows import AGAIN, FILE, PlacementRow
from optimizer.lab.benchmark.run import Job, StoppedError, lost_row, run
from optimizer.lab.rows import RowStore
from optimizer.problem.digest import content_digest
from optimizer.problem.instance_file import read_instance

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import Future

    from optimizer.lab.case import Case
    from optimizer.problem.instance import Instance


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run to make, and the file of its instance."""

    job: Job
    file: Path


@dataclass(frozen=True, slots=True)
class RunOptions:
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
    threads
        As in `solve`.
    """

    methods: Sequence[str]
    seeds: Sequence[int]
    gap: float
    time_limit: float
    memory_limit: float
    threads: int = 1


def row_store(folder: Path) -> RowStore[PlacementRow]:
    """Return the rows of a folder."""
    return RowStore(folder / FILE, PlacementRow)


def plan_runs(cases: Sequence[Case[Instance]], options: RunOptions, folder: Path) -> list[PlannedRun]:
    """Return every run of a benchmark: instance by instance, method by method, seed by seed.

    Instances without a file of their own are written into `folder`/instances.
    """
    best = best_values(cases)
    planned = []
    for case in cases:
        path = instance_file(case, folder / "instances")
        content = content_digest(read_instance(path))
        planned += [
            PlannedRun(
                Job(
                    family=case.family,
                    instance=case.name,
                    content=content,
                    method=method,
                    seed=seed,
                    gap=options.gap,
                    time_limit=options.time_limit,
                    memory_limit=options.memory_limit,
                    threads=options.threads,
                    best=best.get(case.name),
                    package=outside_packages().get(method, ""),
                ),
                path,
            )
            for method in options.methods
            for seed in options.seeds
        ]
    return planned


def missing(planned: Sequence[PlannedRun], folder: Path) -> list[PlannedRun]:
    """Return the runs that a folder has no row of, or none that says anything of the method."""
    done = {row.key for row in row_store(folder).read() if row.status not in AGAIN}
    return [one for one in planned if one.job.key not in done]


def carry_out(
    todo: Sequence[PlannedRun],
    folder: Path,
    runner: Callable[[Sequence[PlannedRun]], Generator[PlacementRow, None, None]],
    on_row: Callable[[PlacementRow], None],
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
    store = row_store(folder)
    store.append()
    with closing(runner(todo)) as rows:
        for row in rows:
            store.append(row)
            on_row(row)


def pool(todo: Sequence[PlannedRun], jobs: int = 1) -> Generator[PlacementRow, None, None]:
    """Make runs on this machine, `jobs` at a time, and yield their rows as they end.

    With more than one at a time they share memory bandwidth and caches: times are clean with one.
    """
    stop = threading.Event()
    executor = ThreadPoolExecutor(jobs, thread_name_prefix="run")
    try:
        pending = {executor.submit(_kept, one, stop.is_set) for one in todo}
        while pending:
            # a plain wait is not interruptible everywhere; one with a timeout is
            done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            yield from _rows(done)
    finally:
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)


def _kept(planned: PlannedRun, stopped: Callable[[], bool]) -> PlacementRow | None:
    """Make a run; a failure to start it costs its own row only."""
    try:
        return run(planned.job, planned.file, stopped)
    except StoppedError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever it is, the other runs go on
        return lost_row(planned.job, f"{type(error).__name__}: {error}"[:200], "failed")


def _rows(done: set[Future[PlacementRow | None]]) -> Iterator[PlacementRow]:
    for future in done:
        row = future.result()
        if row is not None:
            yield row
