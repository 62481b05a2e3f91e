"""`import csv`: any CSV file of records, through a mapping of its columns."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json, Ledger, Overwrite  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter
from optimizer.cli.import_summary import OUT, Out, show_import

if TYPE_CHECKING:
    from optimizer.records.importers.writing import Imported

Column = str | None


class DuplicatesName(StrEnum):
    """What becomes of rows that equal an earlier one."""

    KEEP = "keep"
    DROP = "drop"


def csv_file(
    file: Annotated[Path, typer.Argument(help="CSV file with a header row.")],
    out: Out = OUT,
    mapping: Annotated[Path | None, typer.Option(help="TOML mapping (docs/records.md); options go before it.")] = None,
    date: Annotated[Column, typer.Option(help="Column of the date.")] = None,
    lon: Annotated[Column, typer.Option(help="Column of the longitude.")] = None,
    lat: Annotated[Column, typer.Option(help="Column of the latitude.")] = None,
    area: Annotated[Column, typer.Option(help="Column of the area's name.")] = None,
    segment: Annotated[Column, typer.Option(help="Column of the segment's number.")] = None,
    count: Annotated[Column, typer.Option(help="Column of the number of seizures.")] = None,
    outcome: Annotated[Column, typer.Option(help="Column that says whether a search found something.")] = None,
    searched: Annotated[
        Column, typer.Option(help="Column that says whether a stop led to a search; other stops are left out.")
    ] = None,
    effort: Annotated[Column, typer.Option(help="Column of the amount of effort.")] = None,
    drug: Annotated[Column, typer.Option(help="Column of what was seized.")] = None,
    quantity: Annotated[Column, typer.Option(help="Column of how much was seized.")] = None,
    source_column: Annotated[Column, typer.Option(help="Column of who keeps the record.")] = None,
    unit_column: Annotated[Column, typer.Option(help="Column of the unit of effort.")] = None,
    source: Annotated[str | None, typer.Option(help="Who keeps the record, where no column names it.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of effort, where no column names it.")] = None,
    quantity_unit: Annotated[str | None, typer.Option(help="kg, g, t, lb or oz.")] = None,
    date_format: Annotated[str | None, typer.Option(help="auto, fiscal-year or a pattern such as %d/%m/%Y.")] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(help="A word that means an empty cell; once for each. NA, NULL, - and the like if not given."),
    ] = None,
    duplicates: Annotated[DuplicatesName | None, typer.Option(help="Rows that equal an earlier one.")] = None,
    areas: Annotated[Path | None, typer.Option(help="GeoJSON of the areas: other names are faults.")] = None,
    ledger: Ledger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Read a CSV file of records through a mapping: which column is what. Columns that it does not name are not read."""
    from optimizer.pipeline.import_records import csv_mapping, import_to_folder
    from optimizer.records.areas import load_areas
    from optimizer.records.importers.general import import_csv

    columns = {
        "date": date,
        "lon": lon,
        "lat": lat,
        "area": area,
        "segment": segment,
        "count": count,
        "outcome": outcome,
        "searched": searched,
        "effort": effort,
        "drug": drug,
        "quantity": quantity,
        "source": source_column,
        "unit": unit_column,
    }
    settings = {
        "source": source,
        "unit": unit,
        "quantity_unit": quantity_unit,
        "date_format": date_format,
        "missing": missing,
        "duplicates": None if duplicates is None else duplicates.value,
    }

    def read() -> Imported:
        checked = csv_mapping(mapping, columns, settings)
        return import_csv(file, checked, areas=None if areas is None else [item.name for item in load_areas(areas)])

    saved = import_to_folder(
        out,
        [file],
        read,
        beside=[path for path in (mapping, areas) if path is not None],
        ledger=ledger,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    show_import(saved, as_json=as_json)
