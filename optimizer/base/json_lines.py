"""Files of rows, one JSON object a line: appended to as work goes on, and read back as far as they were finished."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, TypeVar

from optimizer.base.errors import InputError, Problem
from optimizer.base.schema import Strict, validated

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Model = TypeVar("Model", bound=Strict)


def read_json_lines(path: Path, kind: type[Model]) -> list[Model]:
    """Return the rows of a file; none where there is no file.

    Parameters
    ----------
    path
        The file.
    kind
        Model of a row.

    Raises
    ------
    InputError
        If a line other than an unfinished last one is no such row.
    """
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last line break was never finished
    rows = []
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        try:
            content = json.loads(line)
        except ValueError:
            found = repr(line[:60].decode(errors="replace"))
            raise InputError(Problem(where, found, "one JSON object", "Remove the line")) from None
        rows.append(validated(kind, content, where))
    return rows


def append_json_lines(path: Path, rows: Iterable[Strict]) -> None:
    """Add rows to a file, after removing a last line that a crash left unfinished; they are on disk when this returns.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    lines = [json.dumps(row.model_dump(), allow_nan=False, ensure_ascii=False) for row in rows]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as stream:
            stream.truncate(_finished(path))
            stream.write("".join(f"{line}\n" for line in lines).encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(Problem(str(path.parent), reason, "a folder to write in", "Choose another --out")) from None


def _finished(path: Path) -> int:
    """Return how many bytes of a file are finished lines."""
    content = path.read_bytes()
    return content.rfind(b"\n") + 1
