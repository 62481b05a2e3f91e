"""A benchmark of the methods on families of instances, what the command `bench` does: which runs there are to make, and their pool."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the dataclass's annotations are read by tools
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError
from optimizer.base.text.names import unknown_name
from optimizer.base.version import package_version
from optimizer.lab.benchmark.best_known import BestKnown, best_values, improve_known
from optimizer.lab.benchmark.families import INSTANCES, cases, instance_file, known_families
from optimizer.lab.benchmark.page import best_of, family_table, methods_of, scores, write_benchmark_page
from optimizer.lab.benchmark.peers import PEERS, check_peers, outside_packages
from optimizer.lab.benchmark.rows import AGAIN, FILE, PlacementRow
from optimizer.lab.benchmark.run import Job, PlannedRun, StoppedError, lost_row, run
from optimizer.lab.rows import RowStore
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.instance import content_digest
from optimizer.solvers.place import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import Future

    from optimizer.lab.benchmark.rows import RunOptions
    from optimizer.lab.pages import PageFiles, PageTable
    from optimizer.lab.rows import Case
    from optimizer.problem.instance.instance import Instance

GAP, TIME_LIMIT, MEMORY_LIMIT = 1e-4, 300.0, 4096.0
"""Options of a run where nothing else is given."""


@dataclass(frozen=True)
class Benchmark:
    """Runs to make.

    Attributes
    ----------
    cases
        The instances.
    planned
        Every run.
    todo
        Those that the folder has no row of.
    folder
        Where the rows go.
    """

    cases: Sequence[Case[Instance]]
    planned: Sequence[PlannedRun]
    todo: Sequence[PlannedRun]
    folder: Path

    def carry_out(
        self,
        on_row: Callable[[PlacementRow], None],
        *,
        jobs: int = 1,
        scheduler: str | None = None,
        tls_ca_file: Path | None = None,
        tls_cert: Path | None = None,
        tls_key: Path | None = None,
    ) -> None:
        """Make the runs of `todo`, on this machine `jobs` at a time or on the dask cluster of a scheduler's address.

        `on_row` is called after a row is kept; the files are those of an encrypted connection to the scheduler.

        Raises
        ------
        KeyboardInterrupt
            When it comes; every row so far is on disk.
        """
        if not self.todo:
            return
        if scheduler is None:
            carry_out(self.todo, self.folder, lambda todo: pool(todo, jobs), on_row)
            return
        from optimizer.base.work.cluster import TlsFiles
        from optimizer.lab.benchmark.run import cluster

        tls = TlsFiles(tls_ca_file, tls_cert, tls_key)
        carry_out(self.todo, self.folder, lambda todo: cluster(todo, scheduler, tls), on_row)

    def still_missing(self) -> list[PlannedRun]:
        """Return the runs that the folder has no row of now."""
        return missing(self.planned, self.folder)

    def table(self) -> PageTable:
        """Return the methods by family, from the rows that the folder has of these runs."""
        wanted = {one.job.key for one in self.planned}
        rows = [row for row in row_store(self.folder).read() if row.key in wanted]
        scored = scores(rows, best_of(rows, best_values(self.cases)))
        return family_table(scored, methods_of(scored))


def plan_benchmark(
    families: Sequence[str],
    folder: Path,
    options: RunOptions,
    *,
    large: bool = False,
    snip_dir: Path | None = None,
    instances: Path | None = None,
) -> Benchmark:
    """Return the runs of a benchmark, and which of them a folder lacks.

    Parameters
    ----------
    families
        Names of families, or `all`.
    folder
        Where the rows are and go.
    options
        How runs are made: by default of every method but peers, with `GAP`, `TIME_LIMIT` and `MEMORY_LIMIT`.
    large
        Add the instances too large for the repository.
    snip_dir
        Folder with the SNIP files.
    instances
        Folder of families; the repository's if None.

    Raises
    ------
    InputError
        If a family or method is not known, a peer's solver is not installed, or no instance matches.
    """
    for name in options.methods:
        if name not in METHODS and name not in PEERS:
            raise InputError(unknown_name("--method", name, [*METHODS, *PEERS]))
    check_peers(options.methods)
    chosen = cases(families, only=options.only, large=large, snip_dir=snip_dir, instances=instances or INSTANCES)
    planned = plan_runs(chosen, options, folder)
    return Benchmark(chosen, planned, missing(planned, folder), folder)


def improve_best_known(folder: Path, instances: Path | None = None) -> Iterator[tuple[Path, BestKnown]]:
    """Keep the solutions and bounds of a folder of rows that are better than those known; yield each with its file.

    Rows of peers are not used: their bounds hold for their solvers' tolerances only.
    """
    rows = [row for row in row_store(folder).read() if row.method not in PEERS]
    return improve_known(_kept_cases(instances or INSTANCES), rows)


def benchmark_page(folder: Path, instances: Path | None = None, **asked: float | None) -> PageFiles:
    """Write the page of a folder of rows; keywords as in `write_benchmark_page`."""
    return write_benchmark_page(folder, row_store(folder).read(), _kept_cases(instances or INSTANCES), **asked)


def _kept_cases(folder: Path) -> list[Case[Instance]]:
    """Return the instances whose best-known solutions a folder keeps."""
    return cases(["all"], instances=folder) if known_families(folder) else []


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
                    version=package_version(),
                    family=case.family,
                    instance=case.name,
                    content=content,
                    method=method,
                    seed=seed,
                    gap_asked=GAP if options.gap is None else options.gap,
                    time_limit=TIME_LIMIT if options.time_limit is None else options.time_limit,
                    memory_limit=MEMORY_LIMIT if options.memory_limit is None else options.memory_limit,
                    threads=options.threads,
                    best=best.get(case.name),
                    package=outside_packages().get(method, ""),
                ),
                path,
            )
            for method in dict.fromkeys(options.methods or METHODS)
            for seed in dict.fromkeys(options.seeds)
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
