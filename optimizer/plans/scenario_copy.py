"""The scenario in a plan folder: the file with all that it names, in one archive, so that
a folder that is copied can still be asked what only its scenario knows.
"""

from __future__ import annotations

import atexit
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256 as hashed
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import sha256
from optimizer.base.files.temporary import scratch_folder
from optimizer.base.schema import Strict, validated

SCENARIO_COPY = "scenario.zip"
CONTENT_FILE = "content.json"

LARGEST = 500_000_000
"""Bytes that the files of a scenario may have together to be kept in a plan folder."""

MOST_FILES = 10_000

OLDEST = (1980, 1, 1, 0, 0, 0)
"""Time of every entry, so that the same files make the same archive."""

_opened: dict[tuple[str, str], Path] = {}
"""Where archives were unpacked, by their path and hash."""

_kept = ExitStack()
"""Holds these folders until the process ends."""

atexit.register(_kept.close)

_rewritten: set[Path] = set()
"""Scenarios that were unpacked with other paths than they had."""


class CopyContent(Strict):
    """What an archive holds."""

    schema_version: Literal[1] = 1
    scenario: str = Field(description="its file, in the archive")
    files: dict[str, str] = Field(description="SHA-256 of each file, by its path in the archive")
    absolute: dict[str, str] = Field(
        description="paths that the scenario gives from the root, and where the files stand here"
    )


@dataclass(frozen=True)
class ScenarioCopy:
    """The scenario that a plan folder keeps."""

    #: The archive.
    path: Path

    @property
    def exists(self) -> bool:
        """Whether the folder has it."""
        return self.path.is_file()

    @property
    def content(self) -> CopyContent:
        """The list of its files.

        Raises
        ------
        InputError
            If the archive cannot be read, or is none that `plan` wrote.
        """
        with self._faults(), zipfile.ZipFile(self.path) as archive:
            return self._content(archive)

    def is_whole_at(self, scenario: Path) -> bool:
        """Return whether every file stands beside a scenario, changed or not."""
        return all(path.is_file() for path in self._beside(scenario))

    def changed_since(self, scenario: Path) -> list[str]:
        """Return the names of the files that are not, beside a scenario that stands,
        what they are here.
        """
        return sorted(
            path.name
            for path, digest in self._beside(scenario).items()
            if not path.is_file() or sha256(path) != digest
        )

    def _beside(self, scenario: Path) -> dict[Path, str]:
        """Return where the files are of a scenario that stands, and their hashes here."""
        content = self.content
        base = Path(os.path.normpath(scenario.absolute()))
        for _ in PurePosixPath(content.scenario).parts:
            base = base.parent
        return {base / name: digest for name, digest in content.files.items()}

    def unpacked(self) -> Path:
        """Return the scenario of the archive, unpacked until the process ends.

        Raises
        ------
        InputError
            If the archive is damaged, or holds what it does not list.
        """
        key = (os.path.realpath(self.path), sha256(self.path))
        with self._faults(), zipfile.ZipFile(self.path) as archive:
            content = self._content(archive)
            if key not in _opened:
                with ExitStack() as stack:
                    folder = stack.enter_context(scratch_folder())
                    self._unpack(archive, content, folder)
                    _kept.push(stack.pop_all())
                _opened[key] = folder
        return _opened[key] / content.scenario

    def _content(self, archive: zipfile.ZipFile) -> CopyContent:
        where = f"{self.path}, {CONTENT_FILE}"
        if archive.getinfo(CONTENT_FILE).file_size > LARGEST // 100:
            raise self._fault("a list of files that is too long")
        content = validated(CopyContent, json.loads(archive.read(CONTENT_FILE)), where)
        outside = [name for name in content.files if not _inside(name)]
        if outside or content.scenario not in content.files or len(content.files) > MOST_FILES:
            raise self._fault(f"files that may not be there: {outside[:1] or content.scenario!r}")
        return content

    def _unpack(self, archive: zipfile.ZipFile, content: CopyContent, folder: Path) -> None:
        """Write the files that are listed, each as large and of the hash that is stated."""
        if sum(archive.getinfo(name).file_size for name in content.files) > LARGEST:
            raise self._fault("files that are too large")
        for name, digest in content.files.items():
            data = archive.read(name)
            if hashed(data).hexdigest() != digest:
                raise self._fault(f"another {name} than it lists")
            if name == content.scenario:
                data = _with_paths(data, content, folder)
                if content.absolute:
                    _rewritten.add(folder / name)
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def _fault(self, found: str) -> InputError:
        expected = "the scenario as `plan` keeps it"
        return InputError(
            Problem(str(self.path), found, expected, "Name the scenario with --scenario FILE")
        )

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn errors of reading into a fault of the archive."""
        try:
            yield
        except (OSError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            raise self._fault(f"what cannot be read: {error}") from None


def write_scenario_copy(folder: Path, inputs: Iterable[Path]) -> str:
    """Write the archive into a folder that exists.

    Parameters
    ----------
    folder
        A plan folder.
    inputs
        The scenario first, then every file that it names.

    Returns
    -------
    str
        Why there is no archive; empty where there is one.
    """
    paths = [Path(os.path.normpath(path.absolute())) for path in dict.fromkeys(inputs)]
    size = sum(path.stat().st_size for path in paths)
    if size > LARGEST:
        return (
            f"the files of the scenario are too large to keep ({size / 1e6:,.0f} MB; at most"
            f" {LARGEST / 1e6:,.0f})"
        )
    try:
        base = Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError:  # another drive
        return "the files of the scenario lie on more than one drive"
    names = {path: path.relative_to(base).as_posix() for path in paths}
    text = paths[0].read_text(encoding="utf-8", errors="replace")
    content = CopyContent(
        scenario=names[paths[0]],
        files={name: sha256(path) for path, name in names.items()},
        absolute={str(path): name for path, name in names.items() if str(path) in text},
    )
    with zipfile.ZipFile(folder / SCENARIO_COPY, "w", zipfile.ZIP_DEFLATED) as archive:
        listed = json.dumps(content.model_dump(), ensure_ascii=False, indent=1).encode()
        archive.writestr(zipfile.ZipInfo(CONTENT_FILE, OLDEST), listed, zipfile.ZIP_DEFLATED)
        for path, name in names.items():
            entry = zipfile.ZipInfo(name, OLDEST)
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return ""


def is_rewritten(path: Path) -> bool:
    """Return whether a file is an unpacked scenario that has other paths than before."""
    return path in _rewritten


def _inside(name: str) -> bool:
    """Return whether a path stays within the folder that it is unpacked into."""
    path = PurePosixPath(name)
    usual = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    return usual and "\\" not in name and ":" not in name and name != CONTENT_FILE


def _with_paths(data: bytes, content: CopyContent, folder: Path) -> bytes:
    """Return a scenario whose paths from the root lead to the files that are unpacked."""
    with suppress(UnicodeDecodeError):
        text = data.decode("utf-8")
        for path, name in content.absolute.items():
            if name in content.files:
                for mark in "\"'":
                    text = text.replace(f"{mark}{path}{mark}", json.dumps(str(folder / name)))
        return text.encode("utf-8")
    return data
