"""One run in a process of its own, with limits of memory and time: a run that crashes costs its own row only."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from optimizer.base.version import package_version
from optimizer.lab.benchmark.processes import family_of, kill_family
from optimizer.lab.benchmark.rows import PlacementRow, placement_key
from optimizer.lab.machine import checkout, solver_stamp
from optimizer.problem.result import relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.lab.rows import RunKey

WORKER = "optimizer.lab.benchmark.worker"
"""Module of the child process."""
LOOK_SECONDS = 0.05
"""Seconds between two measurements of the resident size."""
GRACE_SECONDS = 30.0
"""How long after one and a quarter times its time limit a run that has not ended by itself is killed."""
READING_SECONDS = 900.0
"""Longest reading of an instance."""


@dataclass(frozen=True, slots=True)
class Job:
    """A run to be made.

    Attributes
    ----------
    family, instance
        Names.
    content
        Digest of what the instance says.
    method, seed, gap, time_limit
        As in `optimizer.solvers.solve.solve`.
    memory_limit
        MB that the run's processes may have resident together.
    best
        Best value known before the run; None where none is.
    version
        Version of this package.
    package
        Package of the method and its version; empty where it is this package.
    threads
        As in `solve`.
    """

    family: str
    instance: str
    content: str
    method: str
    seed: int
    gap: float
    time_limit: float
    memory_limit: float
    best: float | None = None
    version: str = field(default_factory=package_version)
    package: str = ""
    threads: int = 1

    @property
    def key(self) -> RunKey:
        """What is to be run."""
        return placement_key(
            self.version,
            self.content,
            self.method,
            self.package,
            seed=self.seed,
            gap=self.gap,
            time_limit=self.time_limit,
            memory_limit=self.memory_limit,
            threads=self.threads,
        )


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
    lower, upper = reported.get("lower"), reported.get("upper")
    own = {name: reported[name] for name in ("ortools", "python") if name in reported}
    return PlacementRow(
        instance=job.instance,
        family=job.family,
        method=job.method,
        package=job.package,
        commit=checkout(),
        seed=job.seed,
        status=reported["status"],
        limit=reported.get("limit"),
        lower=lower,
        upper=upper,
        gap=relative_gap(lower, upper),
        gap_to_best=relative_gap(job.best, upper),
        seconds=None if seconds is None else round(seconds, 4),
        processor_s=reported.get("processor_s"),
        load=reported.get("load"),
        peak_mb=None if peak_mb is None else round(max(peak_mb, reported.get("own_peak_mb") or 0.0), 1),
        plan=reported.get("plan"),
        note=reported.get("note", ""),
        gap_asked=job.gap,
        time_limit=job.time_limit,
        memory_limit=job.memory_limit,
        threads=job.threads,
        content=job.content,
        nodes=reported.get("nodes"),
        arcs=reported.get("arcs"),
        options=reported.get("options"),
        evaders=reported.get("evaders"),
        **(solver_stamp() | own | {"version": job.version}),
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
            "gap": job.gap,
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
