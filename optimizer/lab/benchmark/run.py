"""One run in a process of its own, with limits of memory and time: a run that crashes costs its own row only."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.temporary import scratch_folder
from optimizer.base.work.cluster import NO_TLS, TlsFiles, connected
from optimizer.base.work.executor import Executor
from optimizer.base.work.listener import Stopping
from optimizer.base.work.tasks import LostTaskError, Task
from optimizer.lab.benchmark.peers import outside_packages
from optimizer.lab.benchmark.rows import PlacementAsked, PlacementRow
from optimizer.lab.machine import family_of, kill_family, solver_stamp
from optimizer.problem.plan.result import relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from distributed import Client

    from optimizer.base.work.tasks import TaskCall

WORKER = "optimizer.lab.benchmark.worker"
"""Module of the child process."""

LOOK_SECONDS = 0.05
"""Seconds between two measurements of the resident size."""

GRACE_SECONDS = 30.0
"""How long after one and a quarter times its time limit a run that has not ended by itself is killed."""

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
    return _row(job, reported, seconds=reported.get("seconds", child.seconds), peak_mb=child.peak_mb)


def lost_row(job: Job, note: str, status: str = "lost") -> PlacementRow:
    """Return the row of a run whose machine went away, or that could not be started."""
    return _row(job, {"status": status, "note": note}, seconds=None, peak_mb=None)


def _row(job: Job, reported: dict[str, Any], *, seconds: float | None, peak_mb: float | None) -> PlacementRow:
    upper = reported.get("upper")
    content = {name: value for name, value in reported.items() if name in PlacementRow.model_fields}
    return PlacementRow(
        **(solver_stamp() | job.model_dump(exclude={"best"}) | content)
        | {
            "gap": relative_gap(reported.get("lower"), upper),
            "gap_to_best": relative_gap(job.best, upper),
            "seconds": None if seconds is None else round(seconds, 4),
            "peak_mb": None if peak_mb is None else round(max(peak_mb, reported.get("own_peak_mb") or 0.0), 1),
        }
    )


class _WatchedChild:
    """The process of a run, in a session of its own so that Ctrl-C in the terminal reaches the parent alone."""

    def __init__(self, job: Job, instance: Path, errors: IO[bytes]) -> None:
        self.reported: dict[str, Any] = {}
        self.peak_mb: float | None = None
        self._job = job
        self._began = time.monotonic()
        self._ready: float | None = None
        order = {
            "instance": str(instance.absolute()),
            "method": job.method,
            "seed": job.seed,
            "gap": job.gap_asked,
            "time_limit": job.time_limit,
            "threads": job.threads,
        }
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", WORKER, json.dumps(order)],
            stdin=subprocess.PIPE,  # the child ends itself when this closes
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            cwd=Path(__file__).parents[3],
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def seconds(self) -> float | None:
        """Seconds since the instance was read; None before."""
        return None if self._ready is None else time.monotonic() - self._ready

    def watch(self, stopped: Callable[[], bool]) -> str | None:
        """Wait for the end; return why the process is to be killed (`memory`, `time`, `stopped`), or None when it ended by itself."""
        longest = self._job.time_limit * 1.25 + GRACE_SECONDS
        while self.process.poll() is None:
            resident = sum(family_of(self.process.pid).values())
            self.peak_mb = max(self.peak_mb or 0.0, resident) or None
            if stopped():
                return "stopped"
            if resident > self._job.memory_limit:
                return "memory"
            if (self.seconds or 0.0) > longest or time.monotonic() - self._began > longest + READING_SECONDS:
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


def cluster(todo: Sequence[PlannedRun], address: str, tls: TlsFiles = NO_TLS) -> Generator[PlacementRow, None, None]:
    """Make runs on the workers of a cluster and yield their rows as they end.

    The instance travels with the task, so workers need this package but no shared folder. When a worker dies, the scheduler gives its run
    to another; a run that takes down several workers is marked `lost`, and the benchmark goes on.

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
    tasks = [Task(str(k), (one.job, packed[one.file], token)) for k, one in enumerate(todo)]
    with connected(address, tls) as client:
        _check_packages(client, {planned.job.method: planned.job.package for planned in todo})
        try:
            with Stopping() as stopping:
                for ended in Executor(scheduler=address, tls=tls).run(run_packed, tasks, listener=stopping):
                    if ended.error is not None:
                        lost = isinstance(ended.error, LostTaskError)
                        yield lost_row(ended.task.argument[0], ended.fault, "lost" if lost else "failed")
                    elif ended.result is not None:
                        yield PlacementRow(**ended.result)
                if stopping.cancelled():
                    raise KeyboardInterrupt
        finally:
            _stop(client, token)


def run_packed(call: TaskCall) -> dict[str, Any] | None:
    """Make a run on a worker from a packed instance file; return its row as JSON content, or None when asked to stop."""
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
                raise InputError(Problem(where, found or "no package", package, "Install the same one"))


def _stop(client: Client, token: str) -> None:
    """Stop what still runs; a cluster that is gone needs no word."""
    with contextlib.suppress(Exception):
        client.run(leave_off, token)
