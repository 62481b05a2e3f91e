r"""The terminal as a command finds it: its streams, its Ctrl-C, and when the command
began.

Standard output and standard error may be closed, full, closed by the reader of a pipe,
or of an old encoding. What cannot be encoded is printed as an escape such as `\u0141`;
spaces and dashes of our own become plain ones. Standard error carries progress and
messages, so that a fault of it is ignored. A fault of standard output ends the command:
with one message, or silently where the reader of a pipe has read enough (`| head`).
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from optimizer.base.errors import OptimizerError
from optimizer.base.text.formatting import ARROW, DASH, ELLIPSIS, SPACE
from optimizer.base.work.listener import Stopping

READER_GONE = {errno.EPIPE, errno.ESHUTDOWN} | ({errno.EINVAL} if os.name == "nt" else set())
"""Errors of a write to a pipe that nobody reads any more; Windows has the third."""

ESCAPES = "interdict.escapes"
"""Name of the handler of characters that an encoding lacks."""

PLAIN = {SPACE: " ", DASH: "-", ELLIPSIS: "...", ARROW: "->"}
"""What stands for the characters of our own formatting where an encoding lacks them."""


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Return what is printed in place of characters that cannot be encoded, and where to go on."""
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - asked of streams that are written
    marks = error.object[error.start : error.end]
    return (
        "".join(PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in marks),
        error.end,
    )


codecs.register_error(ESCAPES, _escaped)


class OutputError(OptimizerError):
    """Standard output cannot be written."""


class ReaderGoneError(BaseException):
    """The reader of standard output has closed it: nothing more is wanted. Not an
    `Exception`, so that no command handles it.
    """


class _GuardedRaw(io.RawIOBase):
    """A stream of bytes that takes what is written after its first fault without a
    word, and says what that was.
    """

    def __init__(self, raw: io.RawIOBase, *, optional: bool) -> None:
        self._raw = raw
        self._optional = optional
        self._broken = False

    def write(self, content: object) -> int:
        size = memoryview(content).nbytes  # type: ignore[arg-type]
        if self._broken:
            return size
        try:
            return self._raw.write(content)  # type: ignore[arg-type]
        except (OSError, ValueError) as error:
            self._broken = True
            if self._optional:
                return size
            if isinstance(error, OSError) and error.errno in READER_GONE:
                raise ReaderGoneError from None
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise OutputError(
                f"standard output cannot be written: {reason}. What is not printed above is lost."
            ) from None

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._raw.isatty()

    def fileno(self) -> int:
        return self._raw.fileno()


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Guard standard output and standard error while a command runs; a closed standard
    output stays None.
    """
    _fill_descriptors()
    before = sys.stdout, sys.stderr
    # its name stays: a stream that nothing names closes what it writes to
    errors = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the life of the process
    sys.stderr = _guarded(errors, optional=True)
    if sys.stdout is not None:
        sys.stdout = _guarded(sys.stdout, optional=False)
    try:
        yield
    finally:
        with suppress(OutputError, ReaderGoneError):  # a command that ended well has flushed it
            if sys.stdout is not None:
                sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def check_open() -> None:
    """Raise OutputError if standard output is closed, before a command works for nothing."""
    if sys.stdout is None:
        raise OutputError(
            "standard output is closed. Redirect it to a file, or to /dev/null where it is not"
            " wanted."
        )


def _fill_descriptors() -> None:
    """Open nothing at the descriptors 0 to 2 that are closed, so that no file of ours
    gets one and receives what libraries print.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _guarded(stream: TextIO, *, optional: bool) -> TextIO:
    """Return a stream that guards another; one that is not the process's own, such as a
    test's, is returned as it is.
    """
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(raw, io.RawIOBase):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_GuardedRaw(raw, optional=optional)),
        encoding=stream.encoding,
        errors=ESCAPES,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def encodable(text: str) -> str:
    """Return a text as standard output shows it: what its encoding lacks as escapes, so
    that a table knows how wide it is.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, ESCAPES).decode(encoding)


LEFT = 130
"""Exit code after a second Ctrl-C, as shells have it."""


class CommandInterrupts(Stopping):
    """Says what the first Ctrl-C does, and leaves at the second, whatever is under way:
    what is written whole is there, nothing else.
    """

    def __init__(self) -> None:
        super().__init__(breakable=True)

    def first_interrupt(self) -> None:
        """Say so."""
        _tell("Stopping; what there is is kept. Ctrl-C again leaves at once.")

    def second_interrupt(self) -> None:
        """Leave."""
        _tell("Left at once; nothing more is written.")
        os._exit(LEFT)


def _tell(text: str) -> None:
    """Write past Python's buffer of standard error, which may be in use."""
    with contextlib.suppress(OSError):  # it is closed
        os.write(2, f"\n{text}\n".encode())


_began = time.monotonic()


def begin() -> None:
    """Note that a command begins."""
    global _began  # noqa: PLW0603 - one command a process; tests run several, one after another
    _began = time.monotonic()


def seconds_running() -> float:
    """Return the seconds since the command began."""
    return time.monotonic() - _began
