"""A dask.distributed cluster: connecting to it, and calls made on its workers a few at a time."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem, SolverError
from optimizer.lab.machine import package_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from distributed import Client, Future, Security

CONNECT_SECONDS = 5
"""Longest wait for the scheduler's answer."""
WORKERS_SECONDS = 60
"""Longest wait for the first worker."""


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


@contextmanager
def connected(address: str, tls: TlsFiles = NO_TLS) -> Iterator[Client]:
    """Yield a client of a cluster whose workers have this version of the package, and close it.

    Parameters
    ----------
    address
        The scheduler's, such as `tcp://10.0.0.1:8786`.
    tls
        Files of an encrypted connection, for `tls://` addresses.

    Raises
    ------
    InputError
        If the extra is not installed, nobody answers at the address, there are no workers, or a worker has another version of this package.
    """
    client = _client(address, tls)
    try:
        _check_workers(client, address)
        yield client
    finally:
        client.close()


@dataclass(frozen=True, slots=True)
class CompletedCall:
    """A call on a worker that ended: its arguments, and its result or why there is none.

    Attributes
    ----------
    arguments
        As they were given.
    result
        What it returned; None with a fault.
    fault
        Empty where it returned.
    lost
        Whether the fault is that workers died.
    """

    arguments: tuple[Any, ...]
    result: Any
    fault: str = ""
    lost: bool = False


def completed(client: Client, calls: Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]) -> Iterator[CompletedCall]:
    """Make calls on the workers and yield them as they end: as many at a time as workers can take and a few more, so that none pile up.

    Parameters
    ----------
    client
        Of the cluster.
    calls
        Functions with their arguments; the next is asked for when one has ended.

    Raises
    ------
    SolverError
        If the scheduler goes away meanwhile.
    """
    from distributed import as_completed

    given: dict[str, tuple[Any, ...]] = {}
    queue = as_completed(loop=client.loop)

    def submit() -> None:
        for function, arguments in calls:
            future = client.submit(function, *arguments, pure=False)
            given[future.key] = arguments
            queue.add(future)
            return

    for _ in range(2 + sum(client.nthreads().values())):
        submit()
    for future in queue:
        call = _outcome(future, given.pop(future.key))
        submit()
        yield call


def _outcome(future: Future, arguments: tuple[Any, ...]) -> CompletedCall:
    if future.status == "finished":
        return CompletedCall(arguments, future.result())
    if future.status == "error":
        from distributed import KilledWorker

        error = future.exception()
        if isinstance(error, KilledWorker):
            return CompletedCall(
                arguments, None, f"{error.allowed_failures + 1} workers died while running it", lost=True
            )
        return CompletedCall(arguments, None, f"{type(error).__name__}: {error}"[:200])
    raise SolverError(
        "The cluster's scheduler went away. The rows so far are kept; the same command goes on from there."
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
