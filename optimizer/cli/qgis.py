"""`qgis`: the plugin for QGIS as an archive that its plugin manager installs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.console import print_line


def qgis(
    out: Annotated[Path, typer.Option(help="Archive to write.")] = Path("interdict-qgis.zip"),
) -> None:
    """Write the QGIS plugin: Processing algorithms that build regions, plan, evaluate and draw budget curves."""
    from optimizer.base.files import check_file, written_whole
    from optimizer.report.qgis.archive import plugin_archive

    check_file(out)
    with written_whole(out) as temporary:
        temporary.write_bytes(plugin_archive())
    print_line(f"Saved {out}. In QGIS: Plugins, Manage and Install Plugins, Install from ZIP")
