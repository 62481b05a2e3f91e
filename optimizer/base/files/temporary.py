"""Temporary folders that no run leaves for good: each is locked while its run lives,
and what a killed run left is removed by the next.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from optimizer.base.work.listener import interrupt_held_back

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


SCRATCH = "interdict-"
"""What the names of folders in the system's folder for temporary files begin with."""
NEW, OLD = ".new", ".old"
"""Endings of a folder that is being filled, and of one that was moved away to make room."""
NAME_BYTES = 200
"""Bytes of a name that the name of its temporary folder repeats; systems allow 255 in all."""
ABANDONED_S = 86_400.0
"""Seconds after which a folder counts as left behind where the system has no locks."""


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path`, on the same disk; it is removed at the end,
    unless it was renamed.

    Folders that killed runs left there for the same `path` are removed first.

    Raises
    ------
    OSError
        If the folder cannot be made.
    """
    for left in left_behind(path, NEW):
        shutil.rmtree(left, ignore_errors=True)
    with _locked_folder(
        lambda: _made(path.parent / f"{_stem(path)}{secrets.token_hex(4)}{NEW}")
    ) as folder:
        yield folder


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give an empty folder in the system's folder for temporary files; those that
    killed runs of this user left are removed first.

    Raises
    ------
    OSError
        If the folder cannot be made.
    """
    parent = Path(tempfile.gettempdir())
    for left in _abandoned(parent, re.compile(re.escape(SCRATCH) + r"[a-z0-9_]{8}")):
        shutil.rmtree(left, ignore_errors=True)
    with _locked_folder(lambda: Path(tempfile.mkdtemp(prefix=SCRATCH))) as folder:
        yield folder


def left_behind(path: Path, ending: str) -> list[Path]:
    """Return the temporary folders of `path` with an ending that no living run holds."""
    return _abandoned(
        path.parent, re.compile(re.escape(_stem(path)) + r"[0-9a-f]{8}" + re.escape(ending))
    )


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, so that no other run takes it for one that was left behind."""
    lock = _lock(folder)
    try:
        yield
    finally:
        _unlock(lock)


def _stem(path: Path) -> str:
    return f".{path.name.encode()[:NAME_BYTES].decode(errors='ignore')}-"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def _locked_folder(make: Callable[[], Path]) -> Iterator[Path]:
    folder: Path | None = None
    lock: int | None = None
    try:
        # Ctrl-C comes when the folder is known, and is removed with it
        with interrupt_held_back():
            while lock is None:  # where another run took it for one that was left behind
                folder = make()
                lock = _lock(folder)
        assert folder is not None  # noqa: S101 - a lock has a folder
        yield folder
    finally:
        # a second Ctrl-C may come while the first one has it removed
        with interrupt_held_back():
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            _unlock(lock)


def _abandoned(parent: Path, name: re.Pattern[str]) -> list[Path]:
    """Return the folders of this user in `parent` whose names match and that nobody holds."""
    try:
        found = [Path(entry.path) for entry in os.scandir(parent) if name.fullmatch(entry.name)]
    except OSError:
        return []
    return sorted(folder for folder in found if _mine(folder) and _free(folder))


def _mine(folder: Path) -> bool:
    try:
        return (
            folder.is_dir()
            and not folder.is_symlink()
            and (os.name == "nt" or folder.stat().st_uid == os.getuid())
        )
    except OSError:
        return False


def _free(folder: Path) -> bool:
    if fcntl is None:
        return time.time() - folder.stat().st_mtime > ABANDONED_S
    lock = _lock(folder)
    _unlock(lock)
    return lock is not None


def _lock(folder: Path) -> int | None:
    """Return the descriptor that holds a folder; None where another run holds it or it
    is gone, -1 where there are no locks.
    """
    if fcntl is None:
        return -1
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:  # a file system without locks
        return descriptor
    os.close(descriptor)
    return None


def _unlock(lock: int | None) -> None:
    if lock is not None and lock >= 0:
        os.close(lock)
