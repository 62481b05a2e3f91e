"""`export`: a plan as files that an analyst opens."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from optimizer.cli.arguments import Json, Language, Overwrite, SkipUnreachable  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table


def export(
    plan_folder: Annotated[Path, typer.Argument(metavar="PLAN_FOLDER", help="Folder that `plan` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write; PLAN_FOLDER/export if not given.")] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="Scenario file; by default the one that the folder was made of.")
    ] = None,
    alerts: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder that `risk alerts` wrote, for a layer of alerts.")
    ] = None,
    figures: Annotated[bool, typer.Option(help="Draw the figures as SVG, PDF and PNG, which takes longest.")] = True,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a plan as GeoPackage with styles, QGIS project, GeoJSON and CSV, and its figures as SVG and PDF."""
    from optimizer.pipeline.export import PROJECT, export_plan

    made = export_plan(
        plan_folder,
        out=out,
        scenario=scenario,
        alerts=alerts,
        figures=figures,
        language=language,
        skip_unreachable=skip_unreachable,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if as_json:
        print_json(
            {
                "out": str(made.folder),
                "rows": made.rows,
                "absent": made.absent,
                "files": list(made.files),
                "notes": list(made.notes),
            }
        )
        return
    print_table(
        f"{made.folder}: {len(made.files)} files", ["table", "rows"], [(n, str(k)) for n, k in made.rows.items()]
    )
    for name, why in made.absent.items():
        print_note(f"Note: no {name}: {why}")
    for note in made.notes:
        print_note(f"Warning: {note}")
    print_line(f"Open {made.folder / PROJECT} in QGIS")
