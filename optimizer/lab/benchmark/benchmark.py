"""A benchmark of the methods on families of instances, what the command `bench` does:
which runs there are to make, and their pool.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.temporary import scratch_folder
from optimizer.base.text.names import unknown_name
from optimizer.base.version import package_version
from optimizer.base.work.aside import own_session
from optimizer.base.work.cluster import NO_TLS, TlsFiles, connected
from optimizer.base.work.executor import Executor
from optimizer.base.work.listener import SILENT, Listener, Stopping, step
from optimizer.base.work.tasks import LostTaskError, Task, TaskCall
from optimizer.lab.benchmark.best_known import BestKnown, best_values, improve_known
from optimizer.lab.benchmark.families import INSTANCES, cases, instance_file, known_families
from optimizer.lab.benchmark.page import (
    best_of,
    family_table,
    methods_of,
    scores,
    write_benchmark_page,
)
from optimizer.lab.benchmark.peers import PEERS, check_peers, outside_packages
from optimizer.lab.benchmark.rows import AGAIN, FILE, PlacementAsked, PlacementRow, RunOptions
from optimizer.lab.pages import PageFiles, PageTable
from optimizer.lab.rows import Case, RowStore, family_of, kill_family, solver_stamp
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.instance import Instance, content_digest
from optimizer.problem.plan.result import relative_gap
from optimizer.solvers.place import METHODS

if TYPE_CHECKING:
    from distributed import Client

GAP = 1e-4
"""Relative gap of a run where nothing else is given."""

TIME_LIMIT = 300.0
"""Its seconds."""

MEMORY_LIMIT = 4096.0
"""Its memory, MB."""


@dataclass(frozen=True)
class Benchmark:
    """Runs to make."""

    #: The instances.
    cases: Sequence[Case[Instance]]
    #: Every run.
    planned: Sequence[PlannedRun]
    #: Those that the folder has no row of.
    todo: Sequence[PlannedRun]
    #: Where the rows go.
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
        """Make the runs of `todo`, on this machine `jobs` at a time or on the dask
        cluster of a scheduler's address.

        `on_row` is called after a row is kept; the files are those of an encrypted
        connection to the scheduler.

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
    listener: Listener = SILENT,
) -> Benchmark:
    """Return the runs of a benchmark, and which of them a folder lacks.

    Parameters
    ----------
    families
        Names of families, or `all`.
    folder
        Where the rows are and go.
    options
        How runs are made: by default of every method but peers, with `GAP`,
        `TIME_LIMIT` and `MEMORY_LIMIT`.
    large
        Add the instances too large for the repository.
    snip_dir
        Folder with the SNIP files.
    instances
        Folder of families; the repository's if None.
    listener
        Told which instance is drawn or read.

    Raises
    ------
    InputError
        If a family or method is not known, a peer's solver is not installed, or no
        instance matches.
    """
    for name in options.methods:
        if name not in METHODS and name not in PEERS:
            raise InputError(unknown_name("--method", name, [*METHODS, *PEERS]))
    check_peers(options.methods)
    chosen = cases(
        families,
        only=options.only,
        large=large,
        snip_dir=snip_dir,
        instances=instances or INSTANCES,
    )
    planned = plan_runs(chosen, options, folder, listener)
    return Benchmark(chosen, planned, missing(planned, folder), folder)


def improve_best_known(
    folder: Path, instances: Path | None = None
) -> Iterator[tuple[Path, BestKnown]]:
    """Keep the solutions and bounds of a folder of rows that are better than those
    known; yield each with its file.

    Rows of peers are not used: their bounds hold for their solvers' tolerances only.
    """
    rows = [row for row in row_store(folder).read() if row.method not in PEERS]
    return improve_known(_kept_cases(instances or INSTANCES), rows)


def benchmark_page(folder: Path, instances: Path | None = None, **asked: float | None) -> PageFiles:
    """Write the page of a folder of rows; keywords as in `write_benchmark_page`."""
    return write_benchmark_page(
        folder, row_store(folder).read(), _kept_cases(instances or INSTANCES), **asked
    )


def _kept_cases(folder: Path) -> list[Case[Instance]]:
    """Return the instances whose best-known solutions a folder keeps."""
    return cases(["all"], instances=folder) if known_families(folder) else []


def row_store(folder: Path) -> RowStore[PlacementRow]:
    """Return the rows of a folder."""
    return RowStore(folder / FILE, PlacementRow)


def plan_runs(
    cases: Sequence[Case[Instance]], options: RunOptions, folder: Path, listener: Listener = SILENT
) -> list[PlannedRun]:
    """Return every run of a benchmark: instance by instance, method by method, seed by
    seed.

    Instances without a file of their own are written into `folder`/instances.
    """
    best = best_values(cases)
    planned = []
    for number, case in enumerate(cases, 1):
        does = "reading" if case.path is not None else "drawing"
        with step(listener, f"{does} {case.name}, {number} of {len(cases)} instances"):
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
                    limit_by=options.limit_by,
                    memory_limit=(
                        MEMORY_LIMIT if options.memory_limit is None else options.memory_limit
                    ),
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
        Makes runs and yields their rows as they end; closed when the benchmark is
        interrupted.
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

    With more than one at a time they share memory bandwidth and caches: times are clean
    with one.
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


# One run in a process of its own, with limits of memory and time: a run that crashes
# costs its own row only.

WORKER = "optimizer.lab.benchmark.worker"
"""Module of the child process."""

LOOK_SECONDS = 0.05
"""Seconds between two measurements of the resident size."""

GRACE_SECONDS = 30.0
"""How long after one and a quarter times its time limit a run that has not ended by
itself is killed.
"""

HELD_UP = 20.0
"""How many times as long a run whose limit is one by work may take: other programs hold it up."""

READING_SECONDS = 900.0
"""Longest reading of an instance."""


class Job(PlacementAsked):
    """A run to be made; `best` is the best value known before it."""

    best: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run to make, and the file of its instance."""

    job: Job
    file: Path


class StoppedError(Exception):
    """The benchmark was asked to stop; the run leaves no row."""


def run(job: Job, instance: Path, stopped: Callable[[], bool] = lambda: False) -> PlacementRow:
    """Make a run in a process of its own and return its row.

    Parameters
    ----------
    job
        What to run.
    instance
        The instance file.
    stopped
        Asked often; the run is killed when it says yes.

    Raises
    ------
    StoppedError
        If `stopped` reported yes.
    """
    with tempfile.TemporaryFile() as errors:
        child = _WatchedChild(job, instance, errors)
        try:
            ended = child.watch(stopped)
        finally:
            child.end()
        if ended == "stopped":
            raise StoppedError
        reported = child.reported | ({"status": ended, "limit": ended} if ended else {})
        if "status" not in reported:
            reported |= {"status": "failed", "note": _last_line(errors, child.process.returncode)}
    return _row(
        job, reported, seconds=reported.get("seconds", child.seconds), peak_mb=child.peak_mb
    )


def lost_row(job: Job, note: str, status: str = "lost") -> PlacementRow:
    """Return the row of a run whose machine went away, or that could not be started."""
    return _row(job, {"status": status, "note": note}, seconds=None, peak_mb=None)


def _row(
    job: Job, reported: dict[str, Any], *, seconds: float | None, peak_mb: float | None
) -> PlacementRow:
    upper = reported.get("upper")
    content = {name: value for name, value in reported.items() if name in PlacementRow.model_fields}
    return PlacementRow(
        **(solver_stamp() | job.model_dump(exclude={"best"}) | content)
        | {
            "gap": relative_gap(reported.get("lower"), upper),
            "gap_to_best": relative_gap(job.best, upper),
            "seconds": None if seconds is None else round(seconds, 4),
            "peak_mb": (
                None
                if peak_mb is None
                else round(max(peak_mb, reported.get("own_peak_mb") or 0.0), 1)
            ),
        }
    )


def order_of(job: Job, instance: Path) -> dict[str, Any]:
    """Return what the process of a run is told (`optimizer.lab.benchmark.worker`)."""
    return {
        "instance": str(instance.absolute()),
        "method": job.method,
        "seed": job.seed,
        "gap": job.gap_asked,
        "time_limit": job.time_limit,
        "by_work": job.limit_by == "work",
        "threads": job.threads,
    }


class _WatchedChild:
    """The process of a run, in a session of its own so that Ctrl-C in the terminal
    reaches the parent alone.
    """

    def __init__(self, job: Job, instance: Path, errors: IO[bytes]) -> None:
        self.reported: dict[str, Any] = {}
        self.peak_mb: float | None = None
        self._job = job
        self._began = time.monotonic()
        self._ready: float | None = None
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", WORKER, json.dumps(order_of(job, instance))],
            stdin=subprocess.PIPE,  # the child ends itself when this closes
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=Path(__file__).parents[3],
            **own_session(),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def seconds(self) -> float | None:
        """Seconds since the instance was read; None before."""
        return None if self._ready is None else time.monotonic() - self._ready

    def watch(self, stopped: Callable[[], bool]) -> str | None:
        """Wait for the end; return why the process is to be killed (`memory`, `time`,
        `stopped`), or None when it ended by itself.
        """
        longest = self._job.time_limit * 1.25 + GRACE_SECONDS
        if self._job.limit_by == "work":
            longest *= HELD_UP
        while self.process.poll() is None:
            resident = sum(family_of(self.process.pid).values())
            self.peak_mb = max(self.peak_mb or 0.0, resident) or None
            if stopped():
                return "stopped"
            if resident > self._job.memory_limit:
                return "memory"
            if (
                self.seconds or 0.0
            ) > longest or time.monotonic() - self._began > longest + READING_SECONDS:
                return "time"
            time.sleep(LOOK_SECONDS)
        return None

    def end(self) -> None:
        """End the process and all it started, if it still runs, and read the rest of its output."""
        if self.process.poll() is None:
            kill_family(self.process)
        self._reader.join()
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            try:
                content = json.loads(line)
            except ValueError:  # cut short by the end of the process
                continue
            self.reported |= {name: value for name, value in content.items() if value is not None}
            self._ready = self._ready or time.monotonic()


def _last_line(errors: IO[bytes], code: int | None) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    ended = f"ended by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return f"{ended}: {lines[-1][:200]}" if lines else ended


_stopped: set[str] = set()
"""Benchmarks that this worker was asked to stop."""


def cluster(
    todo: Sequence[PlannedRun], address: str, tls: TlsFiles = NO_TLS
) -> Generator[PlacementRow, None, None]:
    """Make runs on the workers of a cluster and yield their rows as they end.

    The instance travels with the task, so workers need this package but no shared
    folder. When a worker dies, the scheduler gives its run to another; a run that takes
    down several workers is marked `lost`, and the benchmark goes on.

    Parameters
    ----------
    todo
        The runs.
    address
        The scheduler's, such as `tcp://10.0.0.1:8786`.
    tls
        Files of an encrypted connection, for `tls://` addresses.

    Raises
    ------
    InputError
        If the extra is not installed, nobody answers at the address, there are no
        workers, or a worker has another version of this package or of one that a method
        comes from.
    SolverError
        If the scheduler goes away while runs are being made.
    """
    token = uuid.uuid4().hex
    packed = {file: zlib.compress(file.read_bytes()) for file in {one.file for one in todo}}
    tasks = [Task(str(k), (one.job, packed[one.file], token)) for k, one in enumerate(todo)]
    with connected(address, tls) as client:
        _check_packages(client, {planned.job.method: planned.job.package for planned in todo})
        try:
            with Stopping() as stopping:
                for ended in Executor(scheduler=address, tls=tls).run(
                    run_packed, tasks, listener=stopping
                ):
                    if ended.error is not None:
                        lost = isinstance(ended.error, LostTaskError)
                        yield lost_row(
                            ended.task.argument[0], ended.fault, "lost" if lost else "failed"
                        )
                    elif ended.result is not None:
                        yield PlacementRow(**ended.result)
                if stopping.cancelled():
                    raise KeyboardInterrupt
        finally:
            _stop(client, token)


def run_packed(call: TaskCall) -> dict[str, Any] | None:
    """Make a run on a worker from a packed instance file; return its row as JSON
    content, or None when asked to stop.
    """
    job, packed, token = call.task.argument
    with scratch_folder() as folder:
        path = folder / f"{job.instance}.json"
        path.write_bytes(zlib.decompress(packed))
        try:
            return run(job, path, lambda: token in _stopped).model_dump()
        except StoppedError:
            return None


def leave_off(token: str) -> None:
    """Tell the runs of a benchmark on this worker to stop."""
    _stopped.add(token)


def _check_packages(client: Client, packages: dict[str, str]) -> None:
    """Raise what differs between the packages that methods come from here and on a worker."""
    for worker, outside in client.run(outside_packages).items():
        for method, package in packages.items():
            found = outside.get(method, "")
            if found != package:
                where = f"worker {worker}, method {method!r}"
                raise InputError(
                    Problem(where, found or "no package", package, "Install the same one")
                )


def _stop(client: Client, token: str) -> None:
    """Stop what still runs; a cluster that is gone needs no word."""
    with contextlib.suppress(Exception):
        client.run(leave_off, token)
