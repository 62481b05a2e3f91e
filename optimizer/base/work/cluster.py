"""A dask.distributed cluster: connecting to it, and tasks of a series on its workers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem, SolverError
from optimizer.base.version import package_version
from optimizer.base.work.tasks import LostTaskError, Task, TaskCall, TaskOutcome, outcome_of

if TYPE_CHECKING:
    from distributed import Client, Future, Security


CONNECT_SECONDS = 5
"""Longest wait for the scheduler's answer."""
WORKERS_SECONDS = 60
"""Longest wait for the first worker."""
LOOK_SECONDS = 0.5
"""Longest wait for a task to end."""
NO_WARNING = "1 TiB"
"""Size from which dask warns of what is sent."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files of an encrypted connection as `dask worker` takes them; without any, dask's
    own configuration holds.
    """

    #: Certificates of the authorities that are trusted (PEM).
    ca_file: Path | None = None
    #: `cert`, `key`: Certificate and private key of this client (PEM).
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
        files = {
            "tls_ca_file": self.ca_file,
            "tls_client_cert": self.cert,
            "tls_client_key": self.key,
        }
        named = {name: str(file) for name, file in files.items() if file is not None}
        return Security(**named, require_encryption=True) if named else Security()


NO_TLS = TlsFiles()
"""Nothing given: dask's own configuration holds."""


@contextmanager
def connected(address: str, tls: TlsFiles = NO_TLS) -> Iterator[Client]:
    """Yield a client of a cluster whose workers have this version of the package, and
    close it.

    Parameters
    ----------
    address
        The scheduler's, such as `tcp://10.0.0.1:8786`.
    tls
        Files of an encrypted connection, for `tls://` addresses.

    Raises
    ------
    InputError
        If the extra is not installed, nobody answers at the address, there are no
        workers, or a worker has another version of this package.
    """
    client = _client(address, tls)
    try:
        _check_workers(client, address)
        yield client
    finally:
        client.close()


class ClusterWorkers:
    """The workers of a cluster; a task whose worker dies is given to another by the
    scheduler.

    Parameters
    ----------
    address, tls
        As in `connected`.
    function
        A module's function.
    shared
        What all calls take; sent to each worker.
    """

    def __init__(
        self, address: str, tls: TlsFiles, function: Callable[[TaskCall], Any], shared: object
    ) -> None:
        self._stack = ExitStack()
        self._client: Client = self._stack.enter_context(connected(address, tls))
        self.cores = sum(self._client.nthreads().values())
        self.slots = self.cores + 2  # a few more, so that no worker waits for the next
        self._function = function
        self._shared = given_to_all(self._client, shared)
        self._running: dict[Future, TaskCall] = {}

    def submit(self, call: TaskCall) -> None:
        """Give a task to the scheduler."""
        future = self._client.submit(outcome_of, self._function, call, self._shared, pure=False)
        self._running[future] = call

    def ended(self) -> Sequence[TaskOutcome]:
        """Return what has ended within half a second.

        Raises
        ------
        SolverError
            If the scheduler has gone away.
        """
        until = time.monotonic() + LOOK_SECONDS
        while not (done := [future for future in self._running if future.status != "pending"]):
            if time.monotonic() >= until:
                return ()
            time.sleep(0.01)
        return [_outcome(future, self._running.pop(future).task) for future in done]

    def close(self) -> None:
        """Let go of what is under way, and of the cluster."""
        with suppress(Exception):  # a cluster that is gone needs no word
            self._client.cancel(list(self._running), force=True)
        self._stack.close()


def given_to_all(client: Client, shared: object) -> Future:
    """Return what tasks may take as an argument.

    It is a task's result and not scattered data: what only a lost worker held is made
    again from the argument that the scheduler keeps. It is sent once; dask, which takes
    it for the graph of a computation, would advise against that by a warning.
    """
    import dask

    with dask.config.set({"distributed.admin.large-graph-warning-threshold": NO_WARNING}):
        return client.submit(_same, shared, pure=False)


def _same(shared: object) -> object:
    return shared


def _outcome(future: Future, task: Task) -> TaskOutcome:
    if future.status == "finished":
        ended: TaskOutcome = future.result()
        return ended
    if future.status == "error":
        from distributed import KilledWorker

        error = future.exception()
        if isinstance(error, KilledWorker):
            error = LostTaskError(f"{error.allowed_failures + 1} workers died while running it")
        return TaskOutcome(task, None, error)
    raise SolverError(
        "The cluster's scheduler went away. What has ended is kept; the same command goes on from"
        " there."
    )


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
        _ask_scheduler(address, security)
        return Client(address, timeout=CONNECT_SECONDS, security=security, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        reason = (
            next(iter(str(error).splitlines()), "")
            or f"no answer within {CONNECT_SECONDS:g} seconds"
        )
        raise InputError(
            Problem(
                "--scheduler",
                f"{address!r}: {reason}",
                "the address of a running scheduler, such as tcp://10.0.0.1:8786",
                "Start one with `dask scheduler`, and workers with `dask worker ADDRESS`; a tls://"
                " address needs --tls-ca-file, --tls-cert and --tls-key, or the same in dask's"
                " configuration",
            )
        ) from None


def _ask_scheduler(address: str, security: Security) -> None:
    """Ask whoever listens at an address what it is; `Client` itself would wait for ever
    on a port that accepts and says nothing.

    Raises
    ------
    OSError
        If nobody answers in time, or not as a scheduler does.
    """
    import asyncio

    from distributed.comm import connect

    async def ask() -> object:
        try:
            comm = await connect(
                address, timeout=CONNECT_SECONDS, **security.get_connection_args("client")
            )
        except MemoryError:  # the beginning of another protocol, taken for a size
            return None
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            comm.abort()

    async def answer() -> object:
        asked = asyncio.ensure_future(ask())
        # `wait_for` waits for who ignores its end
        done, _ = await asyncio.wait({asked}, timeout=CONNECT_SECONDS)
        if not done:
            asked.cancel()
            raise TimeoutError
        return asked.result()

    found = asyncio.run(answer())
    if not (isinstance(found, dict) and found.get("type") == "Scheduler"):
        raise OSError("who answers there is no scheduler")


def _check_workers(client: Client, address: str) -> None:
    here = package_version()
    there = dict[str, str]()
    with contextlib.suppress(TimeoutError):
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        # a worker that is lost meanwhile is left out
        there = client.run(package_version, on_error="ignore")
    if not there:
        raise InputError(
            Problem(
                f"--scheduler {address}",
                "no workers",
                "at least one",
                f"Start some: dask worker {address}",
            )
        )
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
