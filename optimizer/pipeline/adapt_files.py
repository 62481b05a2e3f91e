"""The folder of a simulation over time: rows, figures with intervals, a page, and run.json."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.files import write_json
from optimizer.base.output_folder import OutputFolder
from optimizer.base.version import package_version
from optimizer.report.geodata.files import write_csv

if TYPE_CHECKING:
    import os

    from optimizer.pipeline.adapt import Adaptation

FILES = ("rows.csv", "rows.jsonl", "summary.csv", "run.json", "adapt.html", "README.md", "*.png", "*.svg")


def adapt_folder(out: str | os.PathLike[str], source: Path, *, overwrite: bool) -> OutputFolder:
    """Return the folder for a simulation of a problem; check it before the work.

    Raises
    ------
    InputError
        If it cannot be written, or holds what another command or problem left.
    """
    folder = OutputFolder(Path(out), "adapt", (source,), FILES, overwrite)
    folder.check()
    return folder


def write_adaptation(folder: OutputFolder, found: Adaptation) -> None:
    """Write the files of a simulation, all or none."""
    rows = [row.content() for row in found.rows]
    with folder.written() as place:
        write_csv(place / "rows.csv", rows)
        lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
        (place / "rows.jsonl").write_text(lines, encoding="utf-8")
        write_json(place / "run.json", run_content(found))


def run_content(found: Adaptation) -> dict[str, Any]:
    """Return the content of run.json: what it takes to make the simulation again."""
    return {
        "schema_version": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": package_version(),
        "python": platform.python_version(),
        "instance": found.name,
        "policies": list(found.policies),
        "periods": found.periods,
        "runs": found.runs,
        "seed": found.seed,
        "complete": found.complete,
        "terms": found.terms.model_dump(),
        "facts": dict(found.facts),
        "notes": list(found.notes),
    }
