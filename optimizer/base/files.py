"""Files: read with a clear message, written whole or not at all, and fingerprinted."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def existing_file(path: Path, what: str) -> Path:
    """Return `path` if it is a readable file.

    Raises
    ------
    InputError
        If there is no such file, or it is a folder.
    """
    if path.is_dir():
        raise InputError(Problem(str(path), "a folder", f"a file ({what})", "Name the file inside it"))
    if not path.is_file():
        raise InputError(
            Problem(
                str(path), "no such file", what, "Check the path; in a scenario it is relative to the scenario's folder"
            )
        )
    return path


def read_text(path: Path, what: str) -> str:
    """Return the text of a UTF-8 file (a byte-order mark is dropped).

    Raises
    ------
    InputError
        If the file is missing or is not UTF-8.
    """
    try:
        return existing_file(path, what).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            Problem(
                f"{path}, byte {error.start}", "bytes that are not UTF-8", f"{what} in UTF-8", "Save the file as UTF-8"
            )
        ) from None


def read_json(path: Path, what: str) -> Any:  # noqa: ANN401 - JSON is untyped until a schema has seen it
    """Return the parsed content of a JSON file; NaN and Infinity are refused.

    Raises
    ------
    InputError
        If the file is missing, is not UTF-8, or is not JSON.
    """

    def refuse(constant: str) -> None:
        raise InputError(Problem(str(path), constant, "a finite number, or null where it is unknown", "Replace it"))

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(
                Problem(str(path), f"the key {twice!r} twice in one object", "each key once", "Remove one")
            )
        return content

    try:
        return json.loads(read_text(path, what), parse_constant=refuse, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InputError(
            Problem(
                f"{path}, line {error.lineno}, column {error.colno}",
                error.msg,
                f"{what} as JSON",
                "Mend the file there",
            )
        ) from None
    except RecursionError:
        raise InputError(Problem(str(path), "brackets nested too deep to read", f"{what} as JSON")) from None
    except ValueError as error:  # Python refuses integers of thousands of digits
        raise InputError(Problem(str(path), str(error), f"{what} as JSON, with numbers of ordinary size")) from None


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it over `path` only if the block ends well.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    except OSError as error:
        raise _unwritable(path, error) from None
    os.close(handle)
    temporary = Path(name)
    temporary.unlink()  # some writers insist on making the file themselves
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; move its files into `path` only if the block ends well.

    Files of an earlier run with other names stay where they are.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        yield temporary
        items = sorted(temporary.iterdir())
        check_folder(path, [item.name for item in items])
        path.mkdir(exist_ok=True)
        for item in items:
            item.replace(path / item.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_folder(path: Path, names: Sequence[str] = ()) -> None:
    """Check that a folder can be written, before the work whose outcome it is to hold.

    Parameters
    ----------
    path
        The folder; it need not exist.
    names
        Files it is to receive.

    Raises
    ------
    InputError
        If something that is no folder stands in its place, a folder stands in a file's place, or it cannot be written.
    """
    nearest = path.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise InputError(Problem(str(nearest), "a file", "a folder, or nothing yet", "Choose another --out"))
    if not os.access(nearest, os.W_OK):
        raise InputError(
            Problem(str(nearest), "no permission to write", "a folder that can be written", "Choose another --out")
        )
    for name in names:
        if (path / name).is_dir():
            raise InputError(
                Problem(str(path / name), "a folder", "a file, or nothing yet", "Move it, or choose another --out")
            )


def write_json(path: Path, content: object, *, indent: int | None = 2) -> None:
    """Write `content` as UTF-8 JSON, whole or not at all; NaN is refused.

    Raises
    ------
    ValueError
        If `content` holds NaN or infinity: a caller writes None for an unknown number.
    """
    with written_whole(path) as temporary:
        temporary.write_text(
            json.dumps(content, indent=indent, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        Problem(str(path), error.strerror or str(error), "a place that can be written", "Choose another --out")
    )
