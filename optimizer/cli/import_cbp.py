"""`import cbp`: nationwide drug seizures of US Customs and Border Protection."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import Annotated

import typer

from optimizer.cli.arguments import Json, Ledger, Overwrite  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter
from optimizer.cli.import_summary import OUT, Out, show_import


def cbp(
    files: Annotated[list[Path], typer.Argument(help="Files of CBP nationwide drug seizures.")],
    out: Out = OUT,
    crossings: Annotated[Path | None, typer.Option(help="Proxy: CSV of yearly northbound crossings.")] = None,
    staffing: Annotated[Path | None, typer.Option(help="Proxy: CSV of staff (area, time, staff).")] = None,
    constant: Annotated[float | None, typer.Option(help="Proxy: the same amount for every area and month.")] = None,
    mode: Annotated[
        list[str] | None, typer.Option(help="Mode of --crossings to count; road vehicles if not given.")
    ] = None,
    office: Annotated[
        list[str] | None, typer.Option(metavar="REGION=AREA", help="Field office of a region of --crossings.")
    ] = None,
    component: Annotated[list[str] | None, typer.Option(help="Component to keep.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="Field office or sector to keep.")] = None,
    drug: Annotated[list[str] | None, typer.Option(help="Drug to keep.")] = None,
    land_only: Annotated[bool, typer.Option("--land-only", help="Keep only seizures that CBP counts as land.")] = False,
    ledger: Ledger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Read CBP nationwide drug seizures by month and area; exactly one proxy of search effort must be stated."""
    offices = _pairs(office)
    from optimizer.pipeline.import_records import import_to_folder
    from optimizer.records.importers.cbp import import_cbp
    from optimizer.records.importers.proxy import OFFICE_OF_REGION, VEHICLES

    saved = import_to_folder(
        out,
        files,
        lambda: import_cbp(
            files,
            crossings=crossings,
            staffing=staffing,
            constant=constant,
            modes=mode or VEHICLES,
            office_of=OFFICE_OF_REGION | offices,
            components=component or (),
            areas=area or (),
            drugs=drug or (),
            land_only=land_only,
        ),
        beside=[path for path in (crossings, staffing) if path is not None],
        ledger=ledger,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    show_import(saved, as_json=as_json)


def _pairs(words: list[str] | None) -> dict[str, str]:
    pairs = {}
    for word in words or []:
        region, _, area = word.partition("=")
        if not region or not area:
            raise typer.BadParameter(f"--office {word!r} is not REGION=AREA, such as Laredo=LAREDO FIELD OFFICE")
        pairs[region.strip()] = area.strip()
    return pairs
