"""The folder of a ledger: entries, one a line, and signed checkpoints; appended to, and on disk before an entry is acknowledged."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import read_json, write_errors, write_json, written_whole
from optimizer.base.output_folder import new_folder
from optimizer.base.schema import Strict, validated
from optimizer.ledger.checkpoints import SKEW_S, Checkpoint
from optimizer.ledger.entries import MOST_BYTES, Entry, EntryFile, read_entry, stamp, time_of
from optimizer.ledger.notes import checked_name

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO
    from pathlib import Path
    from typing import BinaryIO

SETTINGS, ENTRIES, CHECKPOINTS = "ledger.json", "entries.jsonl", "checkpoints"
ENDING = ".txt"
PERMIT = "let who runs this write there"


class LedgerSettings(Strict):
    """What ledger.json says."""

    schema_version: Literal[1] = 1
    origin: str = Field(min_length=1, max_length=200)


@dataclass(frozen=True)
class Appended:
    """What became of entries.

    Attributes
    ----------
    first
        Place of the first of them.
    size
        Entries of the ledger now.
    lines
        The entries as they stand there.
    warnings
        What whoever wrote them should know.
    """

    first: int
    size: int
    lines: tuple[bytes, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LedgerFolder:
    """A ledger on disk.

    Attributes
    ----------
    path
        Its folder.
    origin
        Name of the log.
    """

    path: Path
    origin: str

    @classmethod
    def made(cls, path: Path, origin: str | None = None) -> LedgerFolder:
        """Make a new ledger whose first entry holds the hash of its settings.

        Raises
        ------
        InputError
            If something stands there, or the name cannot be a log's.
        """
        name = checked_name(path.resolve().name if origin is None else origin, "--origin")
        with new_folder(path) as folder:
            write_json(folder / SETTINGS, LedgerSettings(origin=name).model_dump())
            (folder / CHECKPOINTS).mkdir()
            first = Entry("ledger", name, (EntryFile.of(folder / SETTINGS),))
            with (folder / ENTRIES).open("xb") as stream:
                stream.write(first.line(0) + b"\n")
                _flushed(stream)
        return cls(path, name)

    @classmethod
    def opened(cls, path: Path) -> LedgerFolder:
        """Return the ledger of a folder.

        Raises
        ------
        InputError
            If there is none, or its settings are at fault.
        """
        if not (path / SETTINGS).is_file() and not (path / ENTRIES).is_file():
            found = "a folder without a ledger" if path.is_dir() else "no folder"
            raise InputError(
                Problem(str(path), found, f"a ledger ({SETTINGS}, {ENTRIES})", f"Make it: ledger init {path}")
            )
        settings = validated(LedgerSettings, read_json(path / SETTINGS, "settings of a ledger"), str(path / SETTINGS))
        return cls(path, checked_name(settings.origin, str(path / SETTINGS)))

    @classmethod
    def ready(cls, path: Path) -> LedgerFolder:
        """Return the ledger of a folder after checking that entries can be added: what to call before the work that is to be recorded.

        Raises
        ------
        InputError
            As `opened`; if the entries cannot be written, or their end is no entry.
        """
        ledger = cls.opened(path)
        if not ledger.entries.is_file():
            found = f"a ledger without {ENTRIES}"
            raise InputError(
                Problem(str(path), found, f"a ledger ({SETTINGS}, {ENTRIES})", "Restore the folder from a copy")
            )
        with write_errors(path, PERMIT), _held(ledger.entries) as stream:
            _end_of(stream, ledger.entries)
        return ledger

    @property
    def entries(self) -> Path:
        """The file of entries."""
        return self.path / ENTRIES

    def content(self) -> bytes:
        """Return the bytes of all entries.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        try:
            return self.entries.read_bytes()
        except OSError as error:
            raise InputError(
                Problem(str(self.entries), error.strerror or str(error), "the entries of a ledger")
            ) from None

    def lines(self) -> list[bytes]:
        """Return the finished entries."""
        return self.content().split(b"\n")[:-1]

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Add entries, all or none; they are on disk when this returns. One that a crash left unfinished is removed: nobody was told of it.

        Raises
        ------
        InputError
            If the ledger cannot be written, or its end is no entry; then it is as it was.
        """
        warnings = []
        with write_errors(self.path, PERMIT), _held(self.entries) as stream:
            end = _end_of(stream, self.entries)
            if end.unfinished:
                warnings.append(
                    f"{end.unfinished} bytes of an entry that was never finished were removed from {self.entries}."
                )
                stream.truncate(end.end)
            now = stamp()
            lines = tuple([entry.line(place, now) for place, entry in enumerate(entries, end.size)])
            warnings += _clock_warnings(end.line, lines)
            _append_whole(stream, end.end, b"".join(line + b"\n" for line in lines))
        return Appended(end.size, end.size + len(lines), lines, tuple(warnings))

    def checkpoint_file(self, size: int) -> Path:
        """Return where the checkpoint of a size stands."""
        return checkpoint_path(self.path, size)

    def checkpoint_sizes(self) -> list[int]:
        """Return the sizes of the checkpoints, in order."""
        names = [path.name.removesuffix(ENDING) for path in (self.path / CHECKPOINTS).glob(f"*{ENDING}")]
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def checkpoint(self, size: int | None = None) -> Checkpoint | None:
        """Return the checkpoint of a size, the newest by default; None where there is none.

        Raises
        ------
        InputError
            If its file is no checkpoint.
        """
        sizes = self.checkpoint_sizes()
        if not sizes:
            return None
        file = self.checkpoint_file(sizes[-1] if size is None else size)
        return Checkpoint.parsed(file.read_bytes(), str(file))

    def write_checkpoint(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint, whole or not at all, and return its file."""
        return write_note(self.checkpoint_file(checkpoint.size), checkpoint.note.content)


def checkpoint_path(folder: Path, size: int) -> Path:
    """Return where the checkpoint of a size stands in the folder of a ledger."""
    return folder / CHECKPOINTS / f"{size:012d}{ENDING}"


@contextmanager
def _held(path: Path) -> Iterator[FileIO]:
    """Open a file of entries for one writer at a time."""
    with path.open("r+b", buffering=0) as stream:
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


@dataclass(frozen=True)
class _End:
    """Where the finished entries of a file end: the byte, how many entries, the last of them, and bytes after it."""

    end: int
    size: int
    line: bytes
    unfinished: int


def _end_of(stream: FileIO, path: Path) -> _End:
    """Return the end of a file of entries, from its last 128 KiB."""
    length = stream.seek(0, os.SEEK_END)
    begin = max(0, length - 2 * (MOST_BYTES + 1))
    stream.seek(begin)
    tail = stream.read()
    last = tail.rfind(b"\n")
    line = tail[tail.rfind(b"\n", 0, max(last, 0)) + 1 : max(last, 0)]
    entry = read_entry(line)
    if entry is None:
        found = "an end that is no entry"
        remedy = "Run `ledger verify` on it, and restore the folder from a copy"
        raise InputError(Problem(str(path), found, "entries of a ledger", remedy))
    return _End(begin + last + 1, entry.index + 1, line, length - begin - last - 1)


def _append_whole(stream: FileIO, end: int, content: bytes) -> None:
    """Write bytes at the end of a file; where that fails or is interrupted the file ends where it did."""
    try:
        stream.seek(end)
        left = memoryview(content)
        while left:
            left = left[stream.write(left) :]
        os.fsync(stream.fileno())
    except BaseException:
        stream.truncate(end)
        raise


def _clock_warnings(before: bytes, lines: Sequence[bytes]) -> list[str]:
    last, first = read_entry(before), read_entry(lines[0]) if lines else None
    earlier, later = (None if entry is None else time_of(entry) for entry in (last, first))
    if earlier is None or later is None or (earlier - later).total_seconds() <= SKEW_S:
        return []
    said = f"The clock says {later:%Y-%m-%d %H:%M} UTC, and the entry before is of {earlier:%Y-%m-%d %H:%M}"
    return [f"{said}: set the clock. Entries keep their order all the same."]


def _flushed(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def write_note(path: Path, content: str) -> Path:
    """Write a checkpoint or proof, whole or not at all, and return its file."""
    with written_whole(path) as temporary, temporary.open("wb") as stream:
        stream.write(content.encode())
        _flushed(stream)
    return path
