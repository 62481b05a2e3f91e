"""What a ledger records: hashes of files and facts about them, never the content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import existing_file, sha256
from optimizer.base.schema import Strict, valid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Kind = Literal["file", "records", "model", "plan", "override", "release", "joint", "ledger", "key", "checkpoint"]
KINDS = ("file", "records", "model", "plan", "override", "release", "joint")
"""What a user may record; the other kinds are made by the ledger itself."""
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
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", description="by the clock of who wrote it, in UTC")
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
    """Something that happened, before it has a place in a ledger.

    Attributes
    ----------
    kind
        One of `KINDS`, or of the ledger's own.
    name
        What it is about, in words.
    files
        The files.
    facts
        Figures and settings.
    agency
        Who did it.
    time
        When, in UTC; now by default.
    """

    kind: Kind
    name: str
    files: Sequence[EntryFile] = ()
    facts: Mapping[str, Fact] | None = None
    agency: str = ""
    time: datetime | None = None

    def line(self, index: int, now: str = "") -> bytes:
        """Return the entry as the ledger holds it at a place: one line of JSON, without its end; `now` is the time of one without a time.

        Raises
        ------
        InputError
            If it is longer than 64 KiB.
        """
        files = ",".join(
            f'{{"name":{_QUOTED(file.name)},"sha256":"{file.sha256}","bytes":{file.size}}}' for file in self.files
        )
        text = (
            f'{{"index":{index},"kind":"{self.kind}","time":"{stamp(self.time) if self.time or not now else now}",'
            f'"agency":{_QUOTED(self.agency)},"name":{_QUOTED(self.name)},"files":[{files}],'
            f'"facts":{_ENCODE(dict(self.facts or {}))}}}'
        )
        line = text.encode("utf-8", errors="replace")
        if len(line) > MOST_BYTES:
            found = f"an entry of {len(line):,} bytes"
            raise InputError(Problem("ledger", found, f"at most {MOST_BYTES:,} bytes", "Record fewer files at once"))
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
    same = _ENCODE(entry.model_dump()).encode("utf-8", errors="replace") == line  # half a surrogate pair is no text
    return entry if same else None


def time_of(entry: EntryModel) -> datetime | None:
    """Return when an entry says that it was made; None where there is no such time."""
    try:
        return datetime.strptime(entry.time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
