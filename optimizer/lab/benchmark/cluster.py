"""Runs on a dask.distributed cluster: each task starts one watched process on the worker that takes it.

The instance travels with the task, so workers need this package but no shared folder. When a worker dies, the scheduler gives its
run to another; a run that takes down several workers is marked `lost`, and the benchmark goes on.
"""

from __future__ import annotations

import uuid
import zlib
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem, SolverError
from optimizer.base.temporary import scratch_folder
from optimizer.lab.benchmark.rows import PlacementRow
from optimizer.lab.benchmark.run import Job, StoppedError, lost_row, run
from optimizer.lab.machine import package_version

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from distributed import Client, Future

    from optimizer.lab.benchmark.schedule import PlannedRun

CONNECT_SECONDS = 10
"""Longest wait for the scheduler's answer."""
WORKERS_SECONDS = 60
"""Longest wait for the first worker."""

_stopped: set[str] = set()
"""Benchmarks that this worker was asked to stop."""


def cluster(todo: Sequence[PlannedRun], address: str) -> Generator[PlacementRow, None, None]:
    """Make runs on the workers of a cluster and yield their rows as they end.

    Parameters
    ----------
    todo
        The runs.
    address
        The scheduler's, such as `tcp://10.0.0.1:8786`.

    Raises
    ------
    InputError
        If the extra is not installed, nobody answers at the address, there are no workers, or a worker has another version of this package.
    SolverError
        If the scheduler goes away while runs are being made.
    """
    client = _client(address)
    token = uuid.uuid4().hex
    try:
        _check_workers(client, address)
        yield from _rows(client, todo, token)
    finally:
        _leave(client, token)


def run_packed(job: Job, packed: bytes, token: str) -> dict[str, Any] | None:
    """Make a run on a worker from a packed instance file; return its row as JSON content, or None when asked to stop."""
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


def _client(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            Problem(
                "--scheduler",
                "no dask.distributed here",
                "the extra `cluster`",
                "Install it: python -m pip install 'border-interdiction[cluster]'",
            )
        ) from None
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            Problem(
                "--scheduler",
                f"{address!r}: {str(error).splitlines()[0]}",
                "the address of a running scheduler, such as tcp://10.0.0.1:8786",
                "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
            )
        ) from None


def _check_workers(client: Client, address: str) -> None:
    here = package_version()
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        there = client.run(package_version)
    except TimeoutError:
        raise InputError(
            Problem(f"--scheduler {address}", "no workers", "at least one", f"Start some: dask worker {address}")
        ) from None
    for worker, version in there.items():
        if version != here:
            raise InputError(
                Problem(
                    f"worker {worker}",
                    f"version {version} of this package",
                    f"version {here}, as here",
                    "Install the same one",
                )
            )


def _rows(client: Client, todo: Sequence[PlannedRun], token: str) -> Iterator[PlacementRow]:
    """Keep as many runs with the scheduler as workers can take, and a few more, so that instances do not pile up there."""
    from distributed import as_completed

    waiting = iter(todo)
    jobs: dict[str, Job] = {}
    queue = as_completed(loop=client.loop)

    def submit() -> None:
        for planned in waiting:
            packed = zlib.compress(planned.file.read_bytes())
            future = client.submit(run_packed, planned.job, packed, token, pure=False)
            jobs[future.key] = planned.job
            queue.add(future)
            return

    for _ in range(2 + sum(client.nthreads().values())):
        submit()
    for future in queue:
        job = jobs.pop(future.key)
        row = _outcome(future, job)
        submit()
        if row is not None:
            yield row


def _outcome(future: Future, job: Job) -> PlacementRow | None:
    if future.status == "finished":
        content = future.result()
        return None if content is None else PlacementRow(**content)
    if future.status == "error":
        from distributed import KilledWorker

        error = future.exception()
        if isinstance(error, KilledWorker):
            return lost_row(job, f"{error.allowed_failures + 1} workers died while running it")
        return lost_row(job, f"{type(error).__name__}: {error}"[:200], "failed")
    raise SolverError(
        "The cluster's scheduler went away. The rows so far are kept; the same command goes on from there."
    )


def _leave(client: Client, token: str) -> None:
    """Stop what still runs and close the connection; a cluster that is gone needs neither."""
    import contextlib

    with contextlib.suppress(Exception):
        client.run(leave_off, token)
    client.close()
