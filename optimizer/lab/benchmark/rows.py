"""The raw rows of a benchmark: one JSON object a line, one line a run, appended so that a crash costs at most the line being written."""

from __future__ import annotations

import json
import os
from collections.abc import Hashable  # noqa: TC003 - pydantic and callers need it at run time
from pathlib import Path  # noqa: TC003
from typing import Literal

from pydantic import Field

from optimizer.base.errors import InputError, Problem
from optimizer.base.json_lines import read_json_lines
from optimizer.base.schema import Strict

RowStatus = Literal["optimal", "feasible", "infeasible", "unknown", "memory", "time", "failed", "lost"]
AGAIN = frozenset({"failed", "lost"})
"""A run that ended so says nothing of its method: it is done again when the benchmark is resumed."""
FILE = "rows.jsonl"


class Row(Strict):
    """One run.

    `optimal` and `feasible` are the method's own words. `memory` and `time`: the run was killed at its memory limit, or long after its
    time limit; its bounds are the last it reported. `failed`: its process ended without a result. `lost`: the machine that ran it went away.
    """

    instance: str
    family: str
    method: str
    seed: int
    status: RowStatus
    limit: str | None = Field(description="what ended the search early: time, memory")
    lower: float | None
    upper: float | None
    gap: float | None = Field(description="(upper - lower) / upper")
    gap_to_best: float | None = Field(description="(upper - best known) / upper, as known when the row was written")
    seconds: float | None = Field(description="wall-clock time of the search, reading the instance aside")
    peak_mb: float | None = Field(description="largest resident size of the run's processes together, 2^20 bytes")
    plan: list[str] | None
    note: str = ""
    gap_asked: float
    time_limit: float
    memory_limit: float = Field(description="2^20 bytes, resident")
    sha256: str = Field(description="of the instance file")
    nodes: int | None
    arcs: int | None
    options: int | None
    evaders: int | None
    version: str
    ortools: str
    python: str
    cpu: str
    cores: int
    date: str

    @property
    def key(self) -> Hashable:
        """What makes two runs the same."""
        return run_key(
            self.sha256, self.method, self.seed, self.gap_asked, self.time_limit, self.memory_limit, self.version
        )

    @property
    def setting(self) -> tuple[float, float, float, str]:
        """What must be equal for two rows to stand on one page: gap, time limit, memory limit, version."""
        return self.gap_asked, self.time_limit, self.memory_limit, self.version


def run_key(
    sha256: str, method: str, seed: int, gap: float, time_limit: float, memory_limit: float, version: str
) -> Hashable:
    """Return what makes two runs the same: an instance's content, how it is solved, and by which version."""
    return sha256, method, seed, gap, time_limit, memory_limit, version


class RowFile:
    """The file of rows in a folder.

    Opening it drops a last line that a crash left unfinished.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._path = folder / FILE
            self._stream = self._path.open("ab")
            _drop_half_line(self._path)
        except OSError as error:
            raise InputError(
                Problem(str(folder), error.strerror or str(error), "a folder to write in", "Choose another --out")
            ) from None

    def append(self, row: Row) -> None:
        """Add a row; it is on disk when this returns."""
        self._stream.write(json.dumps(row.model_dump(), allow_nan=False, ensure_ascii=False).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def read_rows(folder: Path) -> list[Row]:
    """Return the rows of a folder, the latest of each run, in the order they were first written; none where there is no file.

    Raises
    ------
    InputError
        If a line other than an unfinished last one is no row.
    """
    return read_json_lines(folder / FILE, Row)


def _drop_half_line(path: Path) -> None:
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)
