"""Processes of this program beside this one: messages to and from one, and one call
made in one.

Each runs a module of this package, in a session of its own, so that the terminal's
Ctrl-C reaches the parent alone, and ends when its standard input closes: none outlives
its parent. They are not forked: a fork of a process with threads may hang, and some
systems have none. Nor are they processes of `multiprocessing`, which run the script of
a user anew. Messages are pickled, and made by this program at both ends.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, BinaryIO, Self

from optimizer.base.errors import OptimizerError, SolverError
from optimizer.base.work.listener import Listener, stop_if_cancelled
from optimizer.base.work.work_clock import put_forward, work_seconds

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of a worker process: its linear algebra uses one core, so that times are
those of one core.
"""


@dataclass(frozen=True)
class ProcessEnded:
    """A process has ended, and why."""

    reason: str


def own_session() -> dict[str, Any]:
    """Return the arguments of `Popen` for a process that the terminal's Ctrl-C does not
    reach, from its first moment.
    """
    # it has no sessions: in a group of its own a process is not told of Ctrl-C
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


class MessageProcess:
    """One process, and the threads that write to it and read from it.

    Parameters
    ----------
    module
        What it runs, `python -m MODULE ARGUMENTS`; it begins with `message_pipe`.
    arguments
        Those.
    received
        Told of each message, in a thread of its own, and at last that the process has
        `ProcessEnded`.
    """

    def __init__(self, module: str, arguments: list[str], received: Callable[[Any], None]) -> None:
        self._received = received
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                cwd=Path(__file__).parents[3],
                env=os.environ | ONE_THREAD,
                **own_session(),
            )
        except OSError:
            self._errors.close()
            raise
        self._threads = [
            threading.Thread(target=one, daemon=True) for one in (self._write, self._read)
        ]
        for thread in self._threads:
            thread.start()

    def tell(self, message: bytes) -> None:
        """Send a pickled message, in the order of the calls, without waiting for the
        process to read it.
        """
        self._outbox.put(message)

    def end(self) -> None:
        """Kill the process, if it still runs, and wait for it."""
        self.process.kill()
        self.process.wait()
        self._outbox.put(None)
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]

    def _write(self) -> None:
        pipe: Any = self.process.stdin
        while (message := self._outbox.get()) is not None:
            try:
                pipe.write(message)
                pipe.flush()
            except (OSError, ValueError):  # it is gone, as `_read` notices
                return

    def _read(self) -> None:
        pipe: Any = self.process.stdout
        while True:
            try:
                message = pickle.load(pipe)  # noqa: S301 - from our own process
            except Exception:  # noqa: BLE001 - the end, the middle of a message, or one that cannot be read: nothing may keep the end unsaid
                break
            self._received(message)
        self.process.kill()
        code = self._ended()
        self._received(ProcessEnded(self._why(code)))

    def _ended(self) -> int | None:
        """Return the exit code of a process whose output has ended."""
        until = time.monotonic() + 5
        while (code := self.process.poll()) is None and time.monotonic() < until:
            time.sleep(0.01)
        return code

    def _why(self, code: int | None) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        ended = f"ended by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return f"{ended}: {lines[-1][:200]}" if lines else ended


def message_pipe() -> Callable[[Any], None]:
    """Begin a process that gets messages: return a function that sends one whole and at
    once, whichever thread calls it.

    Ctrl-C is left to the parent, and what C++ prints is no message.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe: BinaryIO = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    lock = threading.Lock()

    def report(message: Any) -> None:  # noqa: ANN401 - any message
        content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        with lock:
            pipe.write(content)
            pipe.flush()

    return report


MODULE = "optimizer.base.work.aside"

WAIT_SECONDS = 0.1
"""Longest wait for an answer, after which the listener is asked whether to stop."""


class Aside:
    """A call in a process of its own, which begins at once; as a context manager it
    ends the process, whether the call has ended or not.

    Parameters
    ----------
    function
        A module's function. Where it is a generator its result is what it yields last,
        and each before that can be had at once.
    arguments
        What it is called with; they and the result can be pickled.

    Raises
    ------
    SolverError
        If no process can be started.
    """

    def __init__(
        self, function: Callable[..., Any], /, *arguments: object, **named: object
    ) -> None:
        call = pickle.dumps((function, arguments, named), protocol=pickle.HIGHEST_PROTOCOL)
        self._began = work_seconds()
        self._received: SimpleQueue[Any] = SimpleQueue()
        self._so_far: Any = None
        try:
            self._process = MessageProcess(MODULE, [], self._received.put)
        except OSError as error:
            raise SolverError(f"No process beside this one can be started: {error}.") from error
        self._process.tell(call)

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.end()

    def end(self) -> None:
        """End the process, whether the call has ended or not."""
        self._process.end()

    def so_far(self) -> Any:  # noqa: ANN401 - whatever the function yields
        """Return what a generator has yielded last, without waiting; None for nothing.
        After it there is no result to wait for.
        """
        with contextlib.suppress(Empty):
            while True:
                answer = self._received.get_nowait()
                if not isinstance(answer, ProcessEnded):
                    _, self._so_far, _ = answer
        return self._so_far

    def result(self, listener: Listener) -> Any:  # noqa: ANN401 - whatever the function returns
        """Wait for the result, once. The call counts as work of this thread since it
        was begun, less what was done meanwhile.

        Raises
        ------
        KeyboardInterrupt
            If the listener cancels.
        SolverError
            If the process was lost, or the call ended with an error of the program.
        OptimizerError
            What else the call raised.
        """
        while True:
            stop_if_cancelled(listener)
            with contextlib.suppress(Empty):
                answer = self._received.get(timeout=WAIT_SECONDS)
                if isinstance(answer, ProcessEnded) or answer[0] is not None:
                    break
                _, self._so_far, _ = answer
        if isinstance(answer, ProcessEnded):
            raise SolverError(f"A process beside this one {answer.reason}.")
        seconds, result, error = answer
        put_forward(self._began + seconds)
        if error is not None:
            raise error
        return result


def main() -> None:
    """Make the call that stands on standard input."""
    report = message_pipe()
    function, arguments, named = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent
    threading.Thread(target=end_with_parent, daemon=True).start()
    result = error = None
    began = work_seconds()  # what loading the program took is no work of the call
    try:
        result = function(*arguments, **named)
        if isinstance(result, Iterator):
            found = result
            result = None
            for result in found:
                report((None, result, None))  # its seconds come at the end
    except Exception as raised:  # noqa: BLE001 - the parent raises it
        error = (
            raised
            if isinstance(raised, OptimizerError)
            else SolverError(f"{type(raised).__name__}: {raised}"[:300])
        )
    report((work_seconds() - began, result, error))


def end_with_parent() -> None:
    """End this process when the parent closes its end; read below Python's buffer,
    whose lock would hold up a normal end.
    """
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
