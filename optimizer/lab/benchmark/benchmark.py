"""A benchmark of the methods on families of instances: what the command `bench` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError
from optimizer.base.names import unknown_name
from optimizer.lab.benchmark.families import INSTANCES, cases, known_families
from optimizer.lab.benchmark.known import BestKnown, best_values, improve_known
from optimizer.lab.benchmark.page import family_table, methods_of, write_benchmark_page
from optimizer.lab.benchmark.peers import PEERS, check_peers
from optimizer.lab.benchmark.schedule import RunOptions, carry_out, missing, plan_runs, pool, row_store
from optimizer.lab.benchmark.summary import best_of, scores
from optimizer.solvers.solve import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from optimizer.lab.benchmark.rows import PlacementRow
    from optimizer.lab.benchmark.schedule import PlannedRun
    from optimizer.lab.case import Case
    from optimizer.lab.pages import PageFiles, PageTable
    from optimizer.problem.instance import Instance

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
        from optimizer.base.tls import TlsFiles
        from optimizer.lab.benchmark.cluster import cluster

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
    only: Sequence[str] = (),
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
        How runs are made.
    only
        Patterns of instance names; none takes all.
    large
        Add the instances too large for the repository.
    snip_dir
        Folder with the SNIP files.
    instances
        Folder of families; the repository's if None.

    Raises
    ------
    InputError
        If a family is not known, or no instance matches.
    """
    chosen = cases(families, only=only, large=large, snip_dir=snip_dir, instances=instances or INSTANCES)
    planned = plan_runs(chosen, options, folder)
    return Benchmark(chosen, planned, missing(planned, folder), folder)


def run_options(
    methods: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    gap: float | None = None,
    time_limit: float | None = None,
    memory_limit: float | None = None,
    threads: int = 1,
) -> RunOptions:
    """Return the options of the runs; what is None has its default: every method but peers, seed 0, `GAP`, `TIME_LIMIT` and `MEMORY_LIMIT`.

    Raises
    ------
    InputError
        If there is no method of a name, or a peer's solver is not installed.
    """
    for name in methods or ():
        if name not in METHODS and name not in PEERS:
            raise InputError(unknown_name("--method", name, [*METHODS, *PEERS]))
    check_peers(methods or ())
    return RunOptions(
        methods=list(dict.fromkeys(methods or METHODS)),
        seeds=list(dict.fromkeys(seeds or [0])),
        gap=GAP if gap is None else gap,
        time_limit=TIME_LIMIT if time_limit is None else time_limit,
        memory_limit=MEMORY_LIMIT if memory_limit is None else memory_limit,
        threads=threads,
    )


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
