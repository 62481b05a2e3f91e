"""Runs on a dask.distributed cluster: each task starts one watched process on the worker that takes it.

The instance travels with the task, so workers need this package but no shared folder. When a worker dies, the scheduler gives its
run to another; a run that takes down several workers is marked `lost`, and the benchmark goes on.
"""

from __future__ import annotations

import contextlib
import uuid
import zlib
from typing import TYPE_CHECKING, Any

from optimizer.base.cluster import connected
from optimizer.base.errors import InputError, Problem
from optimizer.base.executor import Executor, LostPieceError, Piece
from optimizer.base.interrupts import Stopping
from optimizer.base.temporary import scratch_folder
from optimizer.base.tls import NO_TLS, TlsFiles
from optimizer.lab.benchmark.peers import outside_packages
from optimizer.lab.benchmark.rows import PlacementRow
from optimizer.lab.benchmark.run import StoppedError, lost_row, run

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from distributed import Client

    from optimizer.base.executor import PieceCall
    from optimizer.lab.benchmark.schedule import PlannedRun

_stopped: set[str] = set()
"""Benchmarks that this worker was asked to stop."""


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
    token = uuid.uuid4().hex
    packed = {file: zlib.compress(file.read_bytes()) for file in {one.file for one in todo}}
    pieces = [Piece(str(k), (one.job, packed[one.file], token)) for k, one in enumerate(todo)]
    with connected(address, tls) as client:
        _check_packages(client, {planned.job.method: planned.job.package for planned in todo})
        try:
            with Stopping() as stopping:
                for ended in Executor(scheduler=address, tls=tls).run(run_packed, pieces, listener=stopping):
                    if ended.error is not None:
                        lost = isinstance(ended.error, LostPieceError)
                        yield lost_row(ended.piece.argument[0], ended.fault, "lost" if lost else "failed")
                    elif ended.result is not None:
                        yield PlacementRow(**ended.result)
                if stopping.cancelled():
                    raise KeyboardInterrupt
        finally:
            _stop(client, token)


def run_packed(call: PieceCall) -> dict[str, Any] | None:
    """Make a run on a worker from a packed instance file; return its row as JSON content, or None when asked to stop."""
    job, packed, token = call.piece.argument
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
                raise InputError(Problem(where, found or "no package", package, "Install the same one"))


def _stop(client: Client, token: str) -> None:
    """Stop what still runs; a cluster that is gone needs no word."""
    with contextlib.suppress(Exception):
        client.run(leave_off, token)
