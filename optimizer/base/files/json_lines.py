"""Rows of JSON, one object a line: appended as work goes on, read back as far as they
were finished.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import existing_file, read_bytes
from optimizer.base.schema import Strict, validated

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
        If it cannot be read, or a line other than an unfinished last one is no such row.
    """
    if not os.path.lexists(path):
        return []
    *lines, unfinished = read_bytes(path, "rows of JSON").split(b"\n")
    if unfinished.strip(b"\0") and (not unfinished.startswith(b"{") or b"\r" in unfinished):
        raise InputError(  # a row that a crash cut off begins as one
            Problem(
                f"{path}, line {len(lines) + 1}",
                repr(unfinished[:60].decode(errors="replace")),
                "one JSON object a line, each with a line feed at its end",
                "Restore the file from a copy",
            )
        )
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
    """Add rows to a file, after removing a last line that a crash left unfinished; they
    are on disk when this returns.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    lines = [json.dumps(row.model_dump(), allow_nan=False, ensure_ascii=False) for row in rows]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path):
            existing_file(path, "rows of JSON")
        with path.open("ab+") as stream:
            stream.truncate(_finished(path))
            stream.write("".join(f"{line}\n" for line in lines).encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            Problem(str(path.parent), reason, "a folder to write in", "Choose another --out")
        ) from None


def _finished(path: Path) -> int:
    """Return how many bytes of a file are finished lines."""
    content = path.read_bytes()
    return content.rfind(b"\n") + 1


# Results of a series kept as they come, beside the output that they are for: the same
# command goes on from them.


class FinishedRow(Strict):
    """A result: of which problem, of which task of its series (`piece`, as the files
    have had it).
    """

    problem: str
    piece: str
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FinishedTasks:
    """The file of a series."""

    #: JSON lines; gone once the output is written.
    file: Path
    #: Digest of all that the results depend on.
    problem: str

    @classmethod
    def beside(cls, out: Path, problem: str, *, overwrite: bool = False) -> FinishedTasks:
        """Return the file beside an output folder; checked before the work.

        Raises
        ------
        InputError
            If it holds results of another problem, unless they may be overwritten.
        """
        found = cls(out.with_name(f"{out.name}.pieces.jsonl"), problem)
        if overwrite and any(
            row.problem != problem for row in read_json_lines(found.file, FinishedRow)
        ):
            found.remove()
        found.results()
        return found

    def results(self) -> dict[str, dict[str, Any]]:
        """Return the results so far by task.

        Raises
        ------
        InputError
            If the file is of another problem, or damaged.
        """
        rows = read_json_lines(self.file, FinishedRow)
        if any(row.problem != self.problem for row in rows):
            raise InputError(
                Problem(
                    str(self.file),
                    "finished pieces of another problem, or of the same one with other options",
                    "those of this command",
                    "Repeat the command that was interrupted, remove the file, or give --overwrite",
                )
            )
        return {row.piece: row.result for row in rows}

    def keep(self, task: str, result: dict[str, Any]) -> None:
        """Add a result; it is on disk when this returns."""
        append_json_lines(self.file, [FinishedRow(problem=self.problem, piece=task, result=result)])

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self.file.unlink(missing_ok=True)
