"""Folders of output for tests of what fills them, and rows of tables in them."""

from __future__ import annotations

import csv
from pathlib import Path

from optimizer.base.files.output_folder import OutputFolder


def output_folder(path: Path, *sources: str) -> OutputFolder:
    """Return a folder that a test fills."""
    return OutputFolder(path, "test", sources, ())


def csv_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


RESULT_KEYS = [
    "instance",
    "method",
    "status",
    "limit",
    "lower",
    "upper",
    "gap",
    "seconds",
    "plan",
    "seed",
    "tolerance",
    "version",
]
"""What `solve` and `plan` print with --json, in this order."""
