"""`export`: a plan as files that an analyst opens; `qgis`: the plugin for QGIS as an archive that its plugin manager installs."""

from __future__ import annotations

from pathlib import Path
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


def qgis(
    out: Annotated[Path, typer.Option(help="Archive to write.")] = Path("interdict-qgis.zip"),
    email: Annotated[str, typer.Option(help="Whom its users may write to.")] = "",
    tracker: Annotated[str, typer.Option(help="Web address where they report faults.")] = "",
    repository: Annotated[str, typer.Option(help="Web address of its source.")] = "",
) -> None:
    """Write the QGIS plugin: Processing algorithms that build regions, plan, evaluate and draw budget curves."""
    from optimizer.base.files.readwrite import check_file, written_whole
    from optimizer.report.qgis.archive import Contact, plugin_archive

    contact = Contact(email, tracker, repository)
    archive = plugin_archive(contact)
    check_file(out)
    with written_whole(out) as temporary:
        temporary.write_bytes(archive)
    print_line(f"Saved {out}. In QGIS: Plugins, Manage and Install Plugins, Install from ZIP")
    if contact.missing:
        options = ", ".join(f"--{name}" for name in contact.missing)
        print_note(
            f"Note: it names no {', '.join(contact.missing)}; a public plugin repository asks for them ({options})"
        )
