"""The folder of a ledger: entries, one a line, and signed checkpoints; appended to, and
on disk before an entry is acknowledged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from pydantic import ConfigDict, Field

from optimizer.base.choices import EntryKind
from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import new_folder
from optimizer.base.files.readwrite import (
    existing_file,
    read_bytes,
    sha256,
    write_errors,
    write_json,
    written_whole,
)
from optimizer.base.schema import Strict, read_model, valid
from optimizer.sharing.ledger.notes import SKEW_S, Checkpoint, checked_name

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SETTINGS = "ledger.json"
ENTRIES = "entries.jsonl"
CHECKPOINTS = "checkpoints"

ENDING = ".txt"

PERMIT = "let who runs this write there"


class LedgerSettings(Strict):
    """What ledger.json says."""

    schema_version: Literal[1] = 1
    origin: str = Field(min_length=1, max_length=200)


@dataclass(frozen=True)
class Appended:
    """What became of entries."""

    #: Place of the first of them.
    first: int
    #: Entries of the ledger now.
    size: int
    #: The entries as they stand there.
    lines: tuple[bytes, ...]
    #: What whoever wrote them should know.
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LedgerFolder:
    """A ledger on disk."""

    #: Its folder.
    path: Path
    #: Name of the log.
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
                Problem(
                    str(path),
                    found,
                    f"a ledger ({SETTINGS}, {ENTRIES})",
                    f"Make it: ledger init {path}",
                )
            )
        settings = read_model(
            path / SETTINGS, LedgerSettings, "settings of a ledger, as `ledger init` writes them"
        )
        return cls(path, checked_name(settings.origin, str(path / SETTINGS)))

    @classmethod
    def ready(cls, path: Path) -> LedgerFolder:
        """Return the ledger of a folder after checking that entries can be added: what
        to call before the work that is to be recorded.

        Raises
        ------
        InputError
            As `opened`; if the entries cannot be written, or their end is no entry.
        """
        ledger = cls.opened(path)
        if not ledger.entries.is_file():
            found = f"a ledger without {ENTRIES}"
            raise InputError(
                Problem(
                    str(path),
                    found,
                    f"a ledger ({SETTINGS}, {ENTRIES})",
                    "Restore the folder from a copy",
                )
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
        return read_bytes(self.entries, "the entries of a ledger")

    def lines(self) -> list[bytes]:
        """Return the finished entries."""
        return self.content().split(b"\n")[:-1]

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Add entries, all or none; they are on disk when this returns. One that a
        crash left unfinished is removed: nobody was told of it.

        Raises
        ------
        InputError
            If the ledger cannot be written, or its end is no entry; then it is as it
            was.
        """
        warnings = []
        with write_errors(self.path, PERMIT), _held(self.entries) as stream:
            end = _end_of(stream, self.entries)
            if end.unfinished:
                warnings.append(
                    f"{end.unfinished} bytes of an entry that was never finished were removed from"
                    f" {self.entries}."
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
        names = [
            path.name.removesuffix(ENDING) for path in (self.path / CHECKPOINTS).glob(f"*{ENDING}")
        ]
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint; None where there is none.

        Raises
        ------
        InputError
            If its file is no checkpoint.
        """
        sizes = self.checkpoint_sizes()
        if not sizes:
            return None
        file = self.checkpoint_file(sizes[-1])
        return Checkpoint.parsed(read_bytes(file, "a checkpoint"), str(file))

    def write_checkpoint(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint, whole or not at all, and return its file."""
        return write_note(self.checkpoint_file(checkpoint.size), checkpoint.note.content)


def checkpoint_path(folder: Path, size: int) -> Path:
    """Return where the checkpoint of a size stands in the folder of a ledger."""
    return folder / CHECKPOINTS / f"{size:012d}{ENDING}"


@contextmanager
def _held(path: Path) -> Iterator[FileIO]:
    """Open a file of entries for one writer at a time."""
    with existing_file(path, "the entries of a ledger").open("r+b", buffering=0) as stream:
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


@dataclass(frozen=True)
class _End:
    """Where the finished entries of a file end: the byte, how many entries, the last of
    them, and bytes after it.
    """

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
    """Write bytes at the end of a file; where that fails or is interrupted the file
    ends where it did.
    """
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
    said = (
        f"The clock says {later:%Y-%m-%d %H:%M} UTC, and the entry before is of"
        f" {earlier:%Y-%m-%d %H:%M}"
    )
    return [f"{said}: set the clock. Entries keep their order all the same."]


def _flushed(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def write_note(path: Path, content: str) -> Path:
    """Write a checkpoint or proof, whole or not at all, and return its file; it
    outlasts a crash of the machine from then on.
    """
    with written_whole(path) as temporary, temporary.open("wb") as stream:
        stream.write(content.encode())
        _flushed(stream)
    _flush_folder(path.parent)
    return path


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Let one process at a time into a block that reads and writes files of a folder;
    the folder is made where there is none.

    Raises
    ------
    InputError
        If the folder cannot be made.
    """
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield  # Windows: a folder cannot be locked there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Flush the names of a folder's files to the disk, where the system lets a folder be opened."""
    if fcntl is None:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that flushes no folders
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


# What a ledger records: hashes of files and facts about them, never the content.

Kind = EntryKind | Literal["ledger", "key", "checkpoint"]
KINDS = get_args(EntryKind)

MOST_BYTES = 65_536
"""Bytes of an entry."""

Fact = str | int | float | bool | None

_QUOTED = json.encoder.encode_basestring

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class _AsWritten(Strict):
    """A part of an entry: texts are taken with the blanks around them, as the hash covers them."""

    model_config = ConfigDict(str_strip_whitespace=False)


class EntryFileModel(_AsWritten):
    """A file that an entry is about."""

    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class EntryModel(_AsWritten):
    """An entry of a ledger, version 1."""

    index: int = Field(ge=0, description="its place, from 0")
    kind: Kind = Field(description="what happened")
    time: str = Field(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
        description="by the clock of who wrote it, in UTC",
    )
    agency: str = Field(description="who did it; empty where nobody said")
    name: str = Field(description="what it is about, in words")
    files: list[EntryFileModel] = Field(description="name, SHA-256 and size of each file")
    facts: dict[str, Fact] = Field(description="figures and settings")


@dataclass(frozen=True)
class EntryFile:
    """A file that an entry is about: the last part of its path, its SHA-256 and its size."""

    name: str
    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path, name: str | None = None) -> EntryFile:
        """Return what is recorded of a file.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        existing_file(path, "a file to record")
        return cls(path.name if name is None else name, sha256(path), path.stat().st_size)


@dataclass(frozen=True)
class Entry:
    """Something that happened, before it has a place in a ledger."""

    #: One of `KINDS`, or of the ledger's own.
    kind: Kind
    #: What it is about, in words.
    name: str
    #: The files.
    files: Sequence[EntryFile] = ()
    #: Figures and settings.
    facts: Mapping[str, Fact] | None = None
    #: Who did it.
    agency: str = ""
    #: When, in UTC; now by default.
    time: datetime | None = None

    def line(self, index: int, now: str = "") -> bytes:
        """Return the entry as the ledger holds it at a place: one line of JSON, without
        its end; `now` is the time of one without a time.

        Raises
        ------
        InputError
            If it is longer than 64 KiB.
        """
        files = ",".join(
            f'{{"name":{_QUOTED(file.name)},"sha256":"{file.sha256}","bytes":{file.size}}}'
            for file in self.files
        )
        text = (
            f'{{"index":{index},"kind":"{self.kind}","time":"{stamp(self.time) if self.time or not now else now}",'
            f'"agency":{_QUOTED(self.agency)},"name":{_QUOTED(self.name)},"files":[{files}],'
            f'"facts":{_ENCODE(dict(self.facts or {}))}}}'
        )
        line = text.encode("utf-8", errors="replace")
        if len(line) > MOST_BYTES:
            found = f"an entry of {len(line):,} bytes"
            raise InputError(
                Problem(
                    "ledger", found, f"at most {MOST_BYTES:,} bytes", "Record fewer files at once"
                )
            )
        return line


def stamp(time: datetime | None = None) -> str:
    """Return a time, now by default, as entries write it."""
    return f"{time or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def read_entry(line: bytes) -> EntryModel | None:
    """Return the entry of a line as the ledger writes it; None of any other bytes."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    entry = valid(EntryModel, content)
    if entry is None:
        return None
    # half a surrogate pair is no text
    same = _ENCODE(entry.model_dump()).encode("utf-8", errors="replace") == line
    return entry if same else None


def time_of(entry: EntryModel) -> datetime | None:
    """Return when an entry says that it was made; None where there is no such time."""
    try:
        return datetime.strptime(entry.time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
