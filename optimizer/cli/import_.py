"""`import`: foreign records into the files of seizures, effort and traffic that a
scenario reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.choices import (
    Duplicates,
    Groups,
    Unfilled,
)
from optimizer.base.text.formatting import number
from optimizer.cli.arguments import (
    Json,
    Ledger,
    Overwrite,
)
from optimizer.cli.commands import command, group
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_table

if TYPE_CHECKING:
    from optimizer.pipeline.import_records import SavedImport
    from optimizer.records.importers.frames import Imported, ImportSummary


OUT = Path("results/import")

Out = Annotated[Path, typer.Option(help="Folder to write.")]


import_app = group(
    "import",
    "Turn foreign records into seizures, effort and traffic of a scenario.",
    "stop-search 2024-01-essex-stop-and-search.csv --out results/import/essex",
)


@command(
    "import stop-search", "data.police.uk --object 'Controlled drugs' --out results/import/police"
)
def stop_search(
    files: Annotated[
        list[Path], typer.Argument(help="Files of data.police.uk, or folders with them.")
    ],
    out: Out = OUT,
    objects: Annotated[
        list[str] | None,
        typer.Option(
            "--object", help="Object of search to keep; 'all' keeps every one. [Controlled drugs]"
        ),
    ] = None,
    unfilled: Annotated[
        Unfilled,
        typer.Option(
            help=(
                "Where the outcome is empty: auto reads no further action as nothing found if the"
                " force fills only positive ones, and "
                "leaves out forces that do not fill it in; drop leaves both out; negative reads"
                " every empty one as nothing found."
            )
        ),
    ] = "auto",
    groups: Annotated[
        Groups, typer.Option(help="People searched together: one search, or each of them one.")
    ] = "one",
    force: Annotated[
        str | None,
        typer.Option(help="Police force of all files; taken from the file names if not given."),
    ] = None,
    ledger: Ledger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Read UK police stop and search: each row a search, at an anonymous map point,
    that ends in yes or no.
    """
    from optimizer.pipeline.import_records import import_to_folder
    from optimizer.records.importers.stop_search import DRUGS, import_stop_search

    saved = import_to_folder(
        out,
        files,
        lambda: import_stop_search(
            files, objects=objects or (DRUGS,), unfilled=unfilled, groups=groups, force=force
        ),
        ledger=ledger,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    show_import(saved, as_json=as_json)


@command(
    "import cbp",
    "nationwide-drugs-fy24.csv --crossings crossings.csv --land-only --out results/import/cbp",
)
def cbp(
    files: Annotated[list[Path], typer.Argument(help="Files of CBP nationwide drug seizures.")],
    out: Out = OUT,
    crossings: Annotated[
        Path | None, typer.Option(help="Proxy: CSV of yearly northbound crossings.")
    ] = None,
    staffing: Annotated[
        Path | None, typer.Option(help="Proxy: CSV of staff (area, time, staff).")
    ] = None,
    constant: Annotated[
        float | None, typer.Option(help="Proxy: the same amount for every area and month.")
    ] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option(help="Mode of --crossings to count; road vehicles if not given."),
    ] = None,
    office: Annotated[
        list[str] | None,
        typer.Option(metavar="REGION=AREA", help="Field office of a region of --crossings."),
    ] = None,
    component: Annotated[list[str] | None, typer.Option(help="Component to keep.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="Field office or sector to keep.")] = None,
    drug: Annotated[list[str] | None, typer.Option(help="Drug to keep.")] = None,
    land_only: Annotated[
        bool, typer.Option("--land-only", help="Keep only seizures that CBP counts as land.")
    ] = False,
    ledger: Ledger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Read CBP nationwide drug seizures by month and area; exactly one proxy of search
    effort must be stated.
    """
    offices = _pairs(office)
    from optimizer.pipeline.import_records import import_to_folder
    from optimizer.records.importers.cbp import OFFICE_OF_REGION, VEHICLES, import_cbp

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
            raise typer.BadParameter(
                f"--office {word!r} is not REGION=AREA, such as Laredo=LAREDO FIELD OFFICE"
            )
        pairs[region.strip()] = area.strip()
    return pairs


Column = str | None


@command(
    "import csv",
    "records.csv --mapping mapping.toml --out results/import/customs",
    "records.csv --date day --lon lon --lat lat --source customs",
)
def csv_file(
    file: Annotated[Path, typer.Argument(help="CSV file with a header row.")],
    out: Out = OUT,
    mapping: Annotated[
        Path | None, typer.Option(help="TOML mapping (docs/records.md); options go before it.")
    ] = None,
    date: Annotated[Column, typer.Option(help="Column of the date.")] = None,
    lon: Annotated[Column, typer.Option(help="Column of the longitude.")] = None,
    lat: Annotated[Column, typer.Option(help="Column of the latitude.")] = None,
    area: Annotated[Column, typer.Option(help="Column of the area's name.")] = None,
    segment: Annotated[Column, typer.Option(help="Column of the segment's number.")] = None,
    count: Annotated[
        Column,
        typer.Option(
            help=(
                "Column of the number of seizures; without it, --outcome and --effort each row is"
                " one."
            )
        ),
    ] = None,
    outcome: Annotated[
        Column, typer.Option(help="Column that says whether a search found something.")
    ] = None,
    searched: Annotated[
        Column,
        typer.Option(
            help="Column that says whether a stop led to a search; other stops are left out."
        ),
    ] = None,
    effort: Annotated[Column, typer.Option(help="Column of the amount of effort.")] = None,
    drug: Annotated[Column, typer.Option(help="Column of what was seized.")] = None,
    quantity: Annotated[Column, typer.Option(help="Column of how much was seized.")] = None,
    source_column: Annotated[Column, typer.Option(help="Column of who keeps the record.")] = None,
    unit_column: Annotated[Column, typer.Option(help="Column of the unit of effort.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Who keeps the record, where no column names it.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Unit of effort, where no column names it.")
    ] = None,
    quantity_unit: Annotated[str | None, typer.Option(help="kg, g, t, lb or oz.")] = None,
    date_format: Annotated[
        str | None, typer.Option(help="auto, fiscal-year or a pattern such as %d/%m/%Y.")
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(
            help=(
                "A word that means an empty cell; once for each. NA, NULL, - and the like if not"
                " given."
            )
        ),
    ] = None,
    duplicates: Annotated[
        Duplicates | None, typer.Option(help="Rows that equal an earlier one.")
    ] = None,
    areas: Annotated[
        Path | None, typer.Option(help="GeoJSON of the areas: other names are faults.")
    ] = None,
    ledger: Ledger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Read a CSV file of records through a mapping: which column is what. Columns that
    it does not name are not read.
    """
    from optimizer.pipeline.import_records import csv_mapping, import_to_folder
    from optimizer.records.areas import load_areas
    from optimizer.records.importers.mapped_csv import import_csv

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
        "duplicates": duplicates,
    }

    def read() -> Imported:
        checked = csv_mapping(mapping, columns, settings)
        return import_csv(
            file,
            checked,
            areas=None if areas is None else [item.name for item in load_areas(areas)],
        )

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


@command(
    "import aadt",
    "counts.csv --form txdot --year 2019 --scenario scenario.toml --out results/import/traffic",
)
def aadt(
    file: Annotated[Path, typer.Argument(help="CSV file of annual average daily traffic.")],
    scenario: Annotated[Path, typer.Option(help="Scenario whose roads the counts are matched to.")],
    out: Out = OUT,
    form: Annotated[
        str | None,
        typer.Option(
            help=(
                "Known form of the file: txdot, caltrans or france; txdot if neither it nor"
                " --mapping is given."
            )
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="TOML mapping of any other form, in place of --form (docs/records.md)."),
    ] = None,
    year: Annotated[
        int | None, typer.Option(min=1900, max=2100, help="Year whose counts are taken.")
    ] = None,
    within: Annotated[
        float, typer.Option(min=1, help="Metres that a count may lie from the road of its number.")
    ] = 1000,
    crs: Annotated[
        str | None, typer.Option(help="Coordinate system of the file, such as EPSG:2154.")
    ] = None,
    ledger: Ledger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Read traffic counts and match them to roads by number and distance; those that
    match no road are listed.
    """
    from optimizer.pipeline.import_records import import_counts

    saved = import_counts(
        out,
        file,
        scenario,
        form=form,
        mapping=mapping,
        year=year,
        within_m=within,
        crs=crs,
        ledger=ledger,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    show_import(saved, as_json=as_json)


def show_import(saved: SavedImport, *, as_json: bool) -> None:
    """Print what became of every row."""
    summary = saved.summary
    if as_json:
        print_json(
            {
                "out": str(saved.folder),
                **summary.as_json(),
                "cells_made_safe": saved.cells_made_safe,
            }
        )
        return
    show_summary(f"Saved {saved.folder}: {summary.kind}", summary, saved.cells_made_safe)


def show_summary(title: str, summary: ImportSummary, cells_made_safe: int) -> None:
    """Print the counts and notes of records that were read."""
    rows = [("rows read", str(summary.rows))]
    rows += [(f"dropped: {reason}", str(count)) for reason, count in summary.dropped.items()]
    rows += [("kept", str(summary.kept))]
    for name, value in summary.counts.items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            rows += [(f"{label}: {key}", _number(amount)) for key, amount in value.items()]
        elif isinstance(value, list):
            rows.append((label, str(len(value))))
        else:
            rows.append((label, _number(value)))
    if cells_made_safe:
        rows.append(("cells made safe for spreadsheets", str(cells_made_safe)))
    print_table(title, ["", "count"], rows)
    for note in summary.notes:
        print_line(f"- {note}")


def _number(value: object) -> str:
    return (
        number(value, 6)
        if isinstance(value, float) and value != int(value)
        else str(int(value) if isinstance(value, float) else value)
    )
