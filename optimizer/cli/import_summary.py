"""What every `import` command takes and prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.console import print_json, print_line, print_table

if TYPE_CHECKING:
    from optimizer.pipeline.import_records import SavedImport
    from optimizer.records.importers.summary import ImportSummary

Out = Annotated[Path, typer.Option(help="Folder to write.")]
OUT = Path("results/import")


def show_import(saved: SavedImport, *, as_json: bool) -> None:
    """Print what became of every row."""
    summary = saved.summary
    if as_json:
        print_json({"out": str(saved.folder), **summary.as_json(), "cells_made_safe": saved.cells_made_safe})
        return
    show_summary(f"Saved {saved.folder}: {summary.kind}", summary, saved.cells_made_safe)


def show_summary(title: str, summary: ImportSummary, cells_made_safe: int) -> None:
    """Print the counts and notes of records that were read."""
    rows = [("rows read", str(summary.rows))]
    rows += [(f"dropped: {reason}", str(count)) for reason, count in summary.dropped.items()]
    rows += [("kept", str(summary.kept))]
    for name, value in summary.counts.items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            rows += [(f"{label}: {key}", _number(amount)) for key, amount in value.items()]
        elif isinstance(value, list):
            rows.append((label, str(len(value))))
        else:
            rows.append((label, _number(value)))
    if cells_made_safe:
        rows.append(("cells made safe for spreadsheets", str(cells_made_safe)))
    print_table(title, ["", "count"], rows)
    for note in summary.notes:
        print_line(f"- {note}")


def _number(value: object) -> str:
    return (
        f"{value:g}"
        if isinstance(value, float) and value != int(value)
        else str(int(value) if isinstance(value, float) else value)
    )
