"""The raw rows of the comparison of plans with and without patrols, one JSON object a line, appended as they come."""

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

FILE = "rows.jsonl"
Method = Literal["checkpoints only", "patrols only", "joint", "pricing"]
PLANS: tuple[Method, ...] = ("checkpoints only", "patrols only", "joint")
"""What makes a plan; `pricing` is the root of `joint` by itself, for the times of its pricing problems."""


class PatrolRow(Strict):
    """One run."""

    case: str
    about: str
    shipped: bool = Field(description="whether it is a scenario of the repository and not made up")
    digest: str = Field(description="of the fixed options, budgets and patrols")
    method: Method
    seed: int
    gap_asked: float
    time_limit: float
    status: str
    limit: str | None = Field(description="what ended the search early: time, memory")
    value: float | None = Field(description="what gets through the plan")
    lower: float | None = Field(description="proven for plans of the fixed options and the beats that were made")
    lower_all: float | None = Field(
        description="proven for plans of the fixed options and any beats; as `lower` where teams stay at home"
    )
    exact: bool | None = Field(description="whether pricing was solved to proof for `lower_all`; None without beats")
    seconds: float
    checkpoints: list[str] | None = Field(description="fixed options of the plan")
    beats: int | None = Field(description="teams on the road in the plan")
    used: dict[str, float] = Field(description="of each resource with a budget, teams apart")
    budget: dict[str, float]
    made: int | None = Field(description="beats made")
    pricings: int | None = Field(description="pricing problems solved to proof")
    pricing_median: float | None = Field(description="seconds of one")
    pricing_largest: float | None = Field(description="seconds; None where the solver tells the median alone")
    nodes: int
    arcs: int
    options: int
    evaders: int
    teams: int
    bases: int
    posts: int = Field(description="of the largest pricing problem")
    load: float | None = Field(description="of the machine when the run ended, a mean over its last minute")
    code: str = Field(description="digest of the source of teams and solvers, comments and docstrings apart")
    version: str
    ortools: str
    python: str
    cpu: str
    cores: int
    date: str

    @property
    def key(self) -> Hashable:
        """What makes two runs the same."""
        return row_key(self.digest, self.method, self.seed, self.gap_asked, self.time_limit, self.code)

    @property
    def setting(self) -> tuple[float, float]:
        """What must be equal for two rows to stand on one page: gap, time limit."""
        return self.gap_asked, self.time_limit


def row_key(digest: str, method: str, seed: int, gap: float, time_limit: float, code: str) -> Hashable:
    """Return what makes two runs the same: a case's content, how it is planned, and by which code."""
    return digest, method, seed, gap, time_limit, code


def append_row(folder: Path, row: PatrolRow) -> None:
    """Add a row to the file in a folder, after dropping a last line that a crash left unfinished; it is on disk when this returns.

    Raises
    ------
    InputError
        If the folder cannot be written in.
    """
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            written = path.read_bytes()
            if written and not written.endswith(b"\n"):
                stream.truncate(written.rfind(b"\n") + 1)
            stream.write(json.dumps(row.model_dump(), allow_nan=False, ensure_ascii=False).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(Problem(str(folder), reason, "a folder to write in", "Choose another --out")) from None


def read_rows(folder: Path) -> list[PatrolRow]:
    """Return the rows of a folder, the latest of each run, in the order they were first written; none where there is no file.

    Raises
    ------
    InputError
        If a line other than an unfinished last one is no row.
    """
    return read_json_lines(folder / FILE, PatrolRow)
