"""`init`: a first scenario for a region, that `plan` runs as it stands."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import Annotated

import typer

from optimizer.cli.arguments import (
    Address,
    Bbox,
    Border,
    Extract,
    Json,
    Modes,
    NetworkFile,
    Place,
    Polygon,
    Radius,
    region_source,
)
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make; where it exists it is empty.")],
    place: Place = None,
    address: Address = None,
    bbox: Bbox = None,
    polygon: Polygon = None,
    file: Extract = None,
    network: NetworkFile = None,
    radius: Radius = 5000,
    border: Border = None,
    modes: Modes = "drive",
    as_json: Json = False,
) -> None:
    """Write a first scenario for a region: its roads, border, crossings and gateways, with assumptions to replace, each marked as one."""
    from optimizer.pipeline.init import init_scenario

    sources = {"place": place, "address": address, "bbox": bbox, "polygon": polygon, "file": file, "network": network}
    model = region_source(sources, radius=radius, border=border, modes=modes)
    written = init_scenario(model, folder, listener=ProgressPrinter(silent=as_json))
    for warning in written.warnings:
        print_note(f"Warning: {warning}")
    if as_json:
        print_json(written.as_json())
        return
    rows = [(what, str(count)) for what, count in written.checked.counts if count]
    print_table(f"Wrote {written.scenario}", ["", "count"], rows)
    print_line(
        f"Budgets, kinds, teams, traffic and evaders are assumed: {written.folder / 'README.md'} says what to fill in first."
    )
    print_line(f"Next: plan {written.scenario}")
