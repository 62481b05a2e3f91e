"""Folders of output for tests of what fills them, and rows of tables in them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from optimizer.base.files.output_folder import OutputFolder


def output_folder(path: Path, *sources: str) -> OutputFolder:
    """Return a folder that a test fills."""
    return OutputFolder(path, "test", sources, ())


def csv_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def csv_text(rows: list[dict[str, str]]) -> str:
    """Return the text of a CSV file of rows that have the same columns."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


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
