"""The raw rows of the study, one JSON object a line, appended so that a crash costs at most the line being written."""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Iterable  # noqa: TC003 - pydantic needs it at run time
from pathlib import Path  # noqa: TC003
from typing import TypeVar

from pydantic import Field

from optimizer.base.errors import InputError, Problem
from optimizer.base.json_lines import read_json_lines
from optimizer.base.schema import Strict

MAPS, LOOPS = "rows.jsonl", "loops.jsonl"


class _Row(Strict):
    region: str
    world: str
    effort: str
    seizures: int = Field(description="finds asked for in the time that estimators see")
    seed: int
    estimator: str
    seconds: float = Field(description="processor time of the fits, with intervals")
    settings: str = Field(description="digest of the settings of simulator and study")
    code: str = Field(description="digest of the source of the risk room and of the study's measures")
    version: str
    python: str
    cpu: str
    date: str

    @property
    def cell(self) -> Hashable:
        """The cell it belongs to."""
        return self.region, self.world, self.effort, self.seizures, self.seed


class MapRow(_Row):
    """What one estimator made of one record. Log chances are natural, each a later find; None where there was no later find."""

    segments: int
    found: int = Field(description="finds that the estimator saw")
    searched: float = Field(description="share of segments with any search")
    rel5: float
    active: int = Field(description="segments with more than a tenth of the mean rate")
    coverage: list[float] | None = Field(description="share of active segments inside intervals of LEVELS")
    flows_believed: float | None = Field(description="how far models with flows are believed")
    later: int = Field(description="finds of the later months")
    log_model: float | None
    log_truth: float | None
    log_global: float | None
    audited: int = Field(description="finds of as many later months searched evenly")
    audit_model: float | None
    audit_truth: float | None
    audit_global: float | None

    @property
    def key(self) -> Hashable:
        """What makes two rows the same."""
        return self.cell, self.estimator


class LoopRow(_Row):
    """One closed loop of estimate, placement, finds and estimate; lists run over its rounds."""

    placement: str
    finds: list[float] = Field(description="expected finds")
    oracle: list[float] = Field(description="expected finds of the same placement by the truth")
    best: float = Field(description="expected finds of a round with every search on the segment where most is found")
    rel5: list[float] = Field(description="of the estimate that the round was placed by")

    @property
    def key(self) -> Hashable:
        """What makes two rows the same."""
        return self.cell, self.estimator, self.placement


Row = TypeVar("Row", MapRow, LoopRow)


class RowFile:
    """A file of rows; opening it drops a last line that a crash left unfinished."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("ab")
            content = path.read_bytes()
        except OSError as error:
            raise InputError(
                Problem(str(path), error.strerror or str(error), "a file to append to", "Choose another --out")
            ) from None
        if content and not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)

    def append(self, rows: Iterable[MapRow | LoopRow]) -> None:
        """Add the rows of a cell; they are on disk when this returns."""
        lines = (json.dumps(row.model_dump(), allow_nan=False, ensure_ascii=False) for row in rows)
        self._stream.write("".join(f"{line}\n" for line in lines).encode())
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Return the rows of a file, the latest of each, in the order they were first written; none where there is no file.

    Raises
    ------
    InputError
        If a line other than an unfinished last one is no such row.
    """
    return read_json_lines(path, kind)
