"""`region`: a network with its border, crossings, gateways and settlements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.arguments import Json, Overwrite, four_numbers
from optimizer.cli.console import ProgressPrinter, print_json, print_note, print_table


def region(
    place: Annotated[str | None, typer.Option(help="Place name.")] = None,
    address: Annotated[str | None, typer.Option(help="Address, with --radius around it.")] = None,
    bbox: Annotated[str | None, typer.Option(metavar="W,S,E,N", help="Bounding box in degrees.")] = None,
    polygon: Annotated[Path | None, typer.Option(help="GeoJSON polygon.")] = None,
    file: Annotated[Path | None, typer.Option(help="OpenStreetMap extract: .osm or .osm.pbf.")] = None,
    network: Annotated[Path | None, typer.Option(help="Network: .gpkg or .graphml.")] = None,
    radius: Annotated[float, typer.Option(help="Metres around --address.")] = 5000,
    border: Annotated[str | None, typer.Option(help="GeoJSON of the border, or a country of the extract.")] = None,
    modes: Annotated[str, typer.Option(help="Of drive, service, track, foot, ferry; with commas.")] = "drive",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("results/region"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Build a region's network with its border, crossings, gateways and settlements, and save it as a GeoPackage."""
    from optimizer.base.schema import validated
    from optimizer.pipeline.region import build_region
    from optimizer.region import border_warnings, summary
    from optimizer.scenario.model import RegionModel

    sources = {
        "--place": place,
        "--address": address,
        "--bbox": bbox,
        "--polygon": polygon,
        "--file": file,
        "--network": network,
    }
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        raise typer.BadParameter(f"give exactly one of {', '.join(sources)}; given: {', '.join(given) or 'none'}")
    content = {
        "place": place,
        "address": address,
        "bbox": None if bbox is None else four_numbers(bbox),
        "polygon": polygon,
        "file": file,
        "network": network,
        "radius_m": radius,
        "border": border,
        "modes": [mode.strip() for mode in modes.split(",") if mode.strip()],
    }
    model = validated(RegionModel, {name: value for name, value in content.items() if value is not None}, "options")
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
