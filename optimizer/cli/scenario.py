"""Before a plan: `region` (a network with its border and ways in), `init` (a first
scenario for one), `check` (what a scenario lacks).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.errors import InputError
from optimizer.base.text.formatting import number, plain
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
    Settings,
    SkipUnreachable,
    region_source,
)
from optimizer.cli.commands import command
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from optimizer.pipeline.check import CheckedScenario


@command(
    "init",
    "my-border --file andorra.osm.pbf --border Andorra",
    "rio-grande --network instances/rio-grande/network.gpkg",
)
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
    """Write a first scenario for a region: its roads, border, crossings and gateways,
    with assumptions to replace, each marked as one.
    """
    from optimizer.pipeline.init import init_scenario

    sources = {
        "place": place,
        "address": address,
        "bbox": bbox,
        "polygon": polygon,
        "file": file,
        "network": network,
    }
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
        f"Budgets, kinds, teams, traffic and evaders are assumed: {written.folder / 'README.md'}"
        " says what to fill in first."
    )
    print_line(f"Next: plan {written.scenario}")


@command(
    "region",
    "--file andorra.osm.pbf --border Andorra --out results/andorra-region",
    "--bbox 1.4,42.4,1.8,42.7 --modes drive,service,track",
)
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
    """Build a region's network with its border, crossings, gateways and settlements,
    and save it as a GeoPackage.
    """
    from optimizer.pipeline.init import build_region
    from optimizer.region import border_warnings, summary

    sources = {
        "place": place,
        "address": address,
        "bbox": bbox,
        "polygon": polygon,
        "file": file,
        "network": network,
    }
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


VALUE_LENGTH = 160
"""Characters of an assumed value on the console."""


# `check`: whether a scenario and everything it names is in order, before anything slow
# runs.


@dataclass(frozen=True, slots=True)
class _Table:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@command("check", "instances/andorra/scenario.toml")
def check(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    settings: Settings = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Check a scenario and every file it names: every fault, or else what would be
    used, what is missing and what is assumed.
    """
    from optimizer.base.params import parsed_settings
    from optimizer.pipeline.check import check_scenario_file

    listener = ProgressPrinter(silent=as_json)
    set_here = parsed_settings(settings or ())
    checked = check_scenario_file(
        scenario, settings=set_here, skip_unreachable=skip_unreachable, listener=listener
    )
    if as_json:
        print_json(checked.as_json())
    if not checked.ok:
        raise InputError(*checked.problems)
    if not as_json:
        _show(checked)


def _show(checked: CheckedScenario) -> None:
    for table in _tables(checked):
        if table.rows:
            print_table(table.title, table.columns, table.rows)
    for heading, sentences in (("Missing", checked.missing), ("Note", checked.warnings)):
        for sentence in sentences:
            print_line(f"{heading}: {sentence}")
    print_line(f"{checked.name}: no fault.")


def _tables(checked: CheckedScenario) -> Iterator[_Table]:
    """Yield the tables to print."""
    files = [
        (file.file, file.what, "" if file.rows is None else str(file.rows))
        for file in checked.files
    ]
    yield _Table("Files used", ["file", "what", "rows used"], files)
    yield _Table("Counts", ["", "count"], [(what, str(count)) for what, count in checked.counts])
    options = [(option.kind, option.agency, str(option.count)) for option in checked.options]
    yield _Table("Options at known sites", ["kind", "agency", "options"], options)
    teams = [
        (team.id, team.agency, str(team.number), ", ".join(team.bases)) for team in checked.teams
    ]
    yield _Table("Teams", ["team", "agency", "number", "bases"], teams)
    crews = [
        (crew.id, crew.agency, crew.base, str(crew.number), str(crew.people))
        for crew in checked.crews
    ]
    yield _Table("Crews", ["crew", "agency", "base", "number", "people in each"], crews)
    resources = [
        (resource.id, number(resource.budget), resource.unit) for resource in checked.resources
    ]
    yield _Table("Resources", ["resource", "a plan may use", "unit"], resources)
    yield _Table(
        "Not used",
        ["what", "why", "count"],
        [(item.what, item.reason, str(item.count)) for item in checked.unused],
    )
    assumed = [(item.what, plain(item.value, VALUE_LENGTH)) for item in checked.assumed]
    cut = any(
        shown != item.value for (_, shown), item in zip(assumed, checked.assumed, strict=True)
    )
    title = (
        "Assumed (a value that ends in … is whole in the report, and with --json)"
        if cut
        else "Assumed"
    )
    yield _Table(title, ["what", "value"], assumed)
