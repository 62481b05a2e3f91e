"""`qgis`: the plugin for QGIS as an archive that its plugin manager installs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.console import print_line, print_note


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
