"""Results of a series kept as they come, beside the output that they are for: the same command goes on from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InputError, Problem
from optimizer.base.json_lines import append_json_lines, read_json_lines
from optimizer.base.schema import Strict

if TYPE_CHECKING:
    from pathlib import Path


class FinishedRow(Strict):
    """A result: of which problem, of which piece of it."""

    problem: str
    piece: str
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FinishedPieces:
    """The file of a series.

    Attributes
    ----------
    file
        JSON lines; gone once the output is written.
    problem
        Digest of all that the results depend on.
    """

    file: Path
    problem: str

    @classmethod
    def beside(cls, out: Path, problem: str, *, overwrite: bool = False) -> FinishedPieces:
        """Return the file beside an output folder; checked before the work.

        Raises
        ------
        InputError
            If it holds results of another problem, unless they may be overwritten.
        """
        found = cls(out.with_name(f"{out.name}.pieces.jsonl"), problem)
        if overwrite and any(row.problem != problem for row in read_json_lines(found.file, FinishedRow)):
            found.remove()
        found.results()
        return found

    def results(self) -> dict[str, dict[str, Any]]:
        """Return the results so far by piece.

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

    def keep(self, piece: str, result: dict[str, Any]) -> None:
        """Add a result; it is on disk when this returns."""
        append_json_lines(self.file, [FinishedRow(problem=self.problem, piece=piece, result=result)])

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self.file.unlink(missing_ok=True)
