"""`region`: a network with its border, crossings, gateways and settlements; `init`: a first scenario for one, that `plan` runs as it stands."""

from __future__ import annotations

from pathlib import Path
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
    Overwrite,
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


def region(
    place: Place = None,
    address: Address = None,
    bbox: Bbox = None,
    polygon: Polygon = None,
    file: Extract = None,
    network: NetworkFile = None,
    radius: Radius = 5000,
    border: Border = None,
    modes: Modes = "drive",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("results/region"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Build a region's network with its border, crossings, gateways and settlements, and save it as a GeoPackage."""
    from optimizer.pipeline.region import build_region
    from optimizer.region import border_warnings, summary

    sources = {"place": place, "address": address, "bbox": bbox, "polygon": polygon, "file": file, "network": network}
    model = region_source(sources, radius=radius, border=border, modes=modes)
    built = build_region(model, out, overwrite=overwrite, listener=ProgressPrinter(silent=as_json))
    counts = summary(built.region)
    warnings = border_warnings(built.region)
    for warning in warnings:
        print_note(f"Warning: {warning}")
    if as_json:
        print_json(counts | {"warnings": warnings})
        return
    rows = [(name, str(value)) for name, value in counts.items() if isinstance(value, int)]
    rows += [(f"crossings, {kind}", str(count)) for kind, count in counts["crossings"].items()]
    rows += [(f"dropped: {item['reason']}", str(item["count"])) for item in counts["dropped"]]
    print_table(f"Saved {built.file}", ["", "count"], rows)
