"""Folders of output: checked before the work, filled beside their place, swapped in at
once; over what the same command made, or new ones.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import check_place, read_json, write_errors, write_json
from optimizer.base.files.temporary import NEW, OLD, folder_beside, held, left_behind
from optimizer.base.schema import Strict, validated
from optimizer.base.text.messages import shortened
from optimizer.base.work.listener import interrupt_held_back

FILES_NAMED = 3
"""Files of a folder that a message names."""
MARKER = ".interdict.json"
"""File that says which command filled a folder, of what, and with which files."""


class Marker(Strict):
    """What a command says of a folder that it filled."""

    schema_version: Literal[1] = 1
    command: str
    sources: list[str]
    files: list[str]


@dataclass(frozen=True)
class OutputFolder:
    """A folder that a command fills."""

    #: The folder; it need not exist.
    path: Path
    #: Name of the command.
    command: str
    #: What it is made of: files as paths, anything else in words. A run with the same
    #: command and sources may replace it.
    sources: tuple[str | Path, ...]
    #: Names of the files that it may receive, as patterns of `fnmatch`.
    names: tuple[str, ...]
    #: Replace files of these names whoever wrote them.
    overwrite: bool = False

    def check(self) -> None:
        """Check that the folder can be written, before the work whose outcome it is to
        hold; restore what a killed run left halfway.

        Raises
        ------
        InputError
            If it cannot be written, or it holds files of these names that the same
            command did not make of the same sources.
        """
        with write_errors(self.path):
            place = self._place
            _check_replaceable(self.path, place)
            check_place(self.path)
            _restore(place)
        if not place.exists():
            return
        if not place.is_dir():
            raise InputError(
                Problem(
                    str(self.path), "a file", "a folder, or nothing yet", "Choose another --out"
                )
            )
        self._check_content(place)

    @contextmanager
    def written(self) -> Iterator[Path]:
        """Give an empty folder beside the place; swap it in if the block ends well.
        Other files of the place stay.

        Raises
        ------
        InputError
            As `check`, and if the disk is full.
        """
        self.check()
        place = self._place
        with write_errors(self.path):
            place.parent.mkdir(parents=True, exist_ok=True)
            with folder_beside(place) as new:
                yield new
                files = sorted(item.name for item in new.iterdir())
                marker = Marker(
                    command=self.command, sources=self._named_sources(place), files=files
                )
                write_json(new / MARKER, marker.model_dump())
                with interrupt_held_back():
                    _swap(new, place, self.names)

    @property
    def _place(self) -> Path:
        return Path(os.path.realpath(self.path))

    def _named_sources(self, place: Path) -> list[str]:
        return [
            source if isinstance(source, str) else relative_from(source, place)
            for source in self.sources
        ]

    def _check_content(self, place: Path) -> None:
        names = sorted(item.name for item in place.iterdir() if _matches(item.name, self.names))
        for name in names:
            if (place / name).is_dir():
                expected = "a file, or nothing yet"
                raise InputError(
                    Problem(
                        str(self.path / name),
                        "a folder",
                        expected,
                        "Move it, or choose another --out",
                    )
                )
        there, sources = _read_marker(place), self._named_sources(place)
        if self.overwrite or (there is None and not names):
            return
        if there is None:
            found = f"{shortened(names, FILES_NAMED)}, which this program did not write there"
        elif (there.command, there.sources) != (self.command, sources):
            found = f"what `{there.command}` made of {shortened(there.sources, FILES_NAMED)}"
        else:
            return
        expected = (
            f"a folder without such files, or what `{self.command}` made of"
            f" {shortened(sources, FILES_NAMED)}"
        )
        raise InputError(
            Problem(
                str(self.path),
                found,
                expected,
                "Choose another --out, or replace it with --overwrite",
            )
        )


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside a place where nothing stands yet; put it there if the
    block ends well.

    What is in it is the user's from then on: it has no mark, and no command replaces
    it.

    Raises
    ------
    InputError
        As `check_new_folder`, and if the disk is full.
    """
    check_new_folder(path)
    place = Path(os.path.realpath(path))
    with write_errors(path):
        place.parent.mkdir(parents=True, exist_ok=True)
        with folder_beside(place) as new:
            yield new
            if place.exists():
                shutil.copymode(place, new)
                place.rmdir()  # fails where somebody has put something there meanwhile
            new.rename(place)


def check_new_folder(path: Path) -> None:
    """Check that a folder can be made, and that nothing stands there, before the work
    whose outcome it is to hold.

    Raises
    ------
    InputError
        If it is a file, a folder with anything in it, one that cannot be replaced, or
        cannot be written.
    """
    place = Path(os.path.realpath(path))
    expected, remedy = "a new folder, or an empty one", "Name another folder"
    if place.exists() and not place.is_dir():
        raise InputError(Problem(str(path), "a file", expected, remedy))
    with write_errors(path):
        _check_replaceable(path, place)
        names = sorted(item.name for item in place.iterdir()) if place.exists() else []
        if names:
            raise InputError(
                Problem(
                    str(path), f"a folder with {shortened(names, FILES_NAMED)}", expected, remedy
                )
            )
        check_place(path)


def _check_replaceable(path: Path, place: Path) -> None:
    """Check that the folder can be renamed without pulling it from under a shell or a mount."""
    found = ""
    if Path.cwd().is_relative_to(place):
        found = "the folder you are in, or one around it"
    elif place.is_mount():
        found = "the root of a mounted disk"
    if found:
        expected = "a folder that can be replaced as a whole"
        raise InputError(
            Problem(str(path), found, expected, f"Name a folder, such as {path / 'out'}")
        )


def _swap(new: Path, place: Path, names: tuple[str, ...]) -> None:
    """Put a filled folder in its place; what other people put into the old one goes over to it."""
    if not place.exists():
        new.rename(place)
        return
    shutil.copymode(place, new)
    old = new.with_suffix(OLD)
    with held(place):
        try:
            place.rename(old)
            new.rename(place)
        except BaseException:
            if old.exists() and not place.exists():
                old.rename(place)
            raise
        _bring_over(old, place, names)


def _restore(place: Path) -> None:
    """End what runs that were killed while they swapped left halfway: the old folder
    comes back, or what it alone holds goes over.
    """
    for left in left_behind(place, OLD):
        if place.exists():
            _bring_over(left, place)
        else:
            left.rename(place)
    for left in left_behind(place, NEW):
        shutil.rmtree(left, ignore_errors=True)


def _bring_over(old: Path, place: Path, names: tuple[str, ...] = ()) -> None:
    """Move what no run of ours wrote from an old folder to the one in its place, and
    remove the rest.

    Where the old folder does not say what was written there, that is what goes by one
    of `names`.
    """
    marker = _read_marker(old)
    ours = names if marker is None else (MARKER, *marker.files)
    for item in old.iterdir():
        if not _matches(item.name, ours) and not os.path.lexists(place / item.name):
            item.rename(place / item.name)
    shutil.rmtree(old, ignore_errors=True)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _read_marker(folder: Path) -> Marker | None:
    path = folder / MARKER
    if not path.is_file():
        return None
    try:
        return validated(Marker, read_json(path, "the mark of a folder"), str(path))
    except InputError:
        return None


def command_of(folder: Path) -> str | None:
    """Return the command that filled a folder, from its mark; None where it has none."""
    marker = _read_marker(folder)
    return None if marker is None else marker.command


def folder_sources(folder: Path) -> tuple[Path, ...]:
    """Return the files that a folder of output was made of, from its mark; none where
    it has no mark, or one of them is gone.
    """
    marker = _read_marker(folder)
    paths = (
        [Path(os.path.normpath(folder / source)) for source in marker.sources]
        if marker is not None
        else []
    )
    return tuple(paths) if all(path.exists() for path in paths) else ()


def relative_from(source: Path, place: Path) -> str:
    """Return the path of a source from a folder: it stays the same when both move together."""
    try:
        return Path(os.path.relpath(os.path.realpath(source), place)).as_posix()
    except ValueError:  # another drive
        return source.absolute().as_posix()
