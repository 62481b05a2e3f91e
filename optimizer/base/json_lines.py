"""Files of rows, one JSON object a line: appended to as work goes on, and read back as far as they were finished."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from optimizer.base.errors import InputError, Problem
from optimizer.base.schema import Strict, validated

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path


Row = TypeVar("Row", bound=Strict)


def read_json_lines(path: Path, kind: type[Row]) -> list[Row]:
    """Return the rows of a file, the latest of each key, in the order they were first written; none where there is no file.

    Parameters
    ----------
    path
        The file.
    kind
        A model with a `key`.

    Raises
    ------
    InputError
        If a line other than an unfinished last one is no such row.
    """
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last line break was never finished
    rows: dict[Hashable, Row] = {}
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        try:
            content = json.loads(line)
        except ValueError:
            found = repr(line[:60].decode(errors="replace"))
            raise InputError(Problem(where, found, "one JSON object", "Remove the line")) from None
        row = validated(kind, content, where)
        rows[_key(row)] = row
    return list(rows.values())


def _key(row: Strict) -> Hashable:
    key: Hashable = row.key  # type: ignore[attr-defined]  # every kind of row has one
    return key
