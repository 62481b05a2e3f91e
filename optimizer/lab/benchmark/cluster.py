"""Runs on a dask.distributed cluster: each task starts one watched process on the worker that takes it.

The instance travels with the task, so workers need this package but no shared folder. When a worker dies, the scheduler gives its
run to another; a run that takes down several workers is marked `lost`, and the benchmark goes on.
"""

from __future__ import annotations

import asyncio
import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem, SolverError
from optimizer.base.temporary import scratch_folder
from optimizer.lab.benchmark.rows import PlacementRow
from optimizer.lab.benchmark.run import Job, StoppedError, lost_row, run
from optimizer.lab.machine import package_version
from optimizer.problem.methods import method_packages

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from distributed import Client, Future, Security

    from optimizer.lab.benchmark.schedule import PlannedRun

CONNECT_SECONDS = 5
"""Longest wait for the scheduler's answer."""
WORKERS_SECONDS = 60
"""Longest wait for the first worker."""

_stopped: set[str] = set()
"""Benchmarks that this worker was asked to stop."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files of an encrypted connection as `dask worker` takes them; without any, dask's own configuration holds.

    Attributes
    ----------
    ca_file
        Certificates of the authorities that are trusted (PEM).
    cert, key
        Certificate and private key of this client (PEM).
    """

    ca_file: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def security(self) -> Security:
        """Return them as dask's object.

        Raises
        ------
        InputError
            If one is not there.
        """
        from distributed import Security

        given = {"--tls-ca-file": self.ca_file, "--tls-cert": self.cert, "--tls-key": self.key}
        problems = [
            Problem(option, f"no such file: {file}", "a PEM file")
            for option, file in given.items()
            if file is not None and not file.is_file()
        ]
        if problems:
            raise InputError(*problems)
        files = {"tls_ca_file": self.ca_file, "tls_client_cert": self.cert, "tls_client_key": self.key}
        named = {name: str(file) for name, file in files.items() if file is not None}
        return Security(**named, require_encryption=True) if named else Security()


NO_TLS = TlsFiles()
"""Nothing given: dask's own configuration holds."""


def cluster(todo: Sequence[PlannedRun], address: str, tls: TlsFiles = NO_TLS) -> Generator[PlacementRow, None, None]:
    """Make runs on the workers of a cluster and yield their rows as they end.

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
        If the extra is not installed, nobody answers at the address, there are no workers, or a worker has another version of this package
        or of one that a method comes from.
    SolverError
        If the scheduler goes away while runs are being made.
    """
    client = _client(address, tls)
    token = uuid.uuid4().hex
    try:
        _check_workers(client, address, {planned.job.method: planned.job.package for planned in todo})
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


def _client(address: str, tls: TlsFiles) -> Client:
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
        security = tls.security()
        asyncio.run(_ask_scheduler(address, security))
        return Client(address, timeout=CONNECT_SECONDS, security=security, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        reason = next(iter(str(error).splitlines()), "") or f"no answer within {CONNECT_SECONDS:g} seconds"
        raise InputError(
            Problem(
                "--scheduler",
                f"{address!r}: {reason}",
                "the address of a running scheduler, such as tcp://10.0.0.1:8786",
                "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`; a tls:// address needs --tls-ca-file, --tls-cert "
                "and --tls-key, or the same in dask's configuration",
            )
        ) from None


async def _ask_scheduler(address: str, security: Security) -> None:
    """Ask whoever listens at an address what it is; `Client` itself would wait for ever on a port that accepts and says nothing.

    Raises
    ------
    OSError
        If nobody answers in time, or not as a scheduler does.
    """
    from distributed.comm import connect

    async def ask() -> object:
        try:
            comm = await connect(address, timeout=CONNECT_SECONDS, **security.get_connection_args("client"))
        except MemoryError:  # the beginning of another protocol, taken for a size
            return None
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            comm.abort()

    asked = asyncio.ensure_future(ask())
    done, _ = await asyncio.wait({asked}, timeout=CONNECT_SECONDS)
    if not done:
        asked.cancel()
        raise TimeoutError
    answer = asked.result()
    if not (isinstance(answer, dict) and answer.get("type") == "Scheduler"):
        raise OSError("who answers there is no scheduler")


def _check_workers(client: Client, address: str, packages: dict[str, str]) -> None:
    here = package_version()
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        there = client.run(package_version)
        outside = client.run(method_packages)
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
        for method, package in packages.items():
            found = outside[worker].get(method, "")
            if found != package:
                where = f"worker {worker}, method {method!r}"
                raise InputError(Problem(where, found or "no package", package, "Install the same one"))


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
