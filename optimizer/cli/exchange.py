"""`exchange`: seizures and tips as STIX 2.1, GeoJSON and CSV."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import print_json, print_line, print_note


def exchange(
    source: Annotated[Path, typer.Argument(help="Seizures or tips: CSV, GeoJSON points, or a STIX 2.1 bundle.")],
    out: Annotated[Path, typer.Argument(help="File to write: .csv, .geojson, or .json for STIX.")],
    tips: Annotated[bool, typer.Option("--tips", help="Tips, not seizures.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if there is one.")] = False,
    as_json: Json = False,
) -> None:
    """Turn seizures or tips from one format of exchange into another."""
    from optimizer.sharing.format_conversion import exchange_records

    made = exchange_records(source, out, tips=tips, overwrite=overwrite)
    for remark in made.remarks:
        print_note(f"Note: {remark}")
    if as_json:
        print_json({"out": str(made.path), "format": made.format, "rows": made.rows, "left_out": made.left_out})
        return
    kind = "tips" if tips else "seizures"
    print_line(f"{made.rows} {kind} in {made.path} ({made.format})")
    if made.left_out:
        print_line(f"{made.left_out} rows of the other kind are left out{'' if tips else ': --tips'}.")
