"""`delivered`: what was done of a plan, from tracks and logs."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.formatting import number
from optimizer.cli.arguments import Json, Language, Overwrite  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.operations.delivered import Delivered, DeliveryTally

SHOWN = 15
"""Units that are shown: those with the most hours that were not delivered."""


def delivered(
    plan_folder: Annotated[Path, typer.Argument(metavar="PLAN_FOLDER", help="Folder that `plan` wrote.")],
    tracks: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Positions of units: GPX, CSV (time, lon, lat, unit), a patrol of SMART (.xml), tracks of EarthRanger (.geojson). "
            "May be repeated.",
        ),
    ] = None,
    log: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Log of duty, as the field pack has it (CSV). May be repeated."),
    ] = None,
    roster: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Roster that was worked; those in PLAN_FOLDER if not given. May be repeated."),
    ] = None,
    draws: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Draws that were worked without a roster. May be repeated."),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=CREW", help="The crew that a name in the files stands for. May be repeated."),
    ] = None,
    clock: Annotated[
        list[str] | None,
        typer.Option(metavar="CREW=MINUTES", help="Minutes to add to the times of a crew's tracks. May be repeated."),
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="Scenario of the plan; where the folder says it is if not given.")
    ] = None,
    near: Annotated[float, typer.Option(min=1, help="Metres within which a unit stands at a planned place.")] = 300.0,
    within: Annotated[float, typer.Option(min=1, help="Metres within which a position belongs to a road.")] = 100.0,
    late: Annotated[float, typer.Option(min=0, help="Minutes after which a unit is late.")] = 15.0,
    effort_unit: Annotated[
        str, typer.Option(help="What the hours count as, such as the unit of the effort that the scenario has.")
    ] = "unit-hours",
    hours_each: Annotated[
        float | None,
        typer.Option(
            metavar="H", help="Hours of a crew that one of --effort-unit is: amount = hours / H; 1 if not given."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; PLAN_FOLDER/delivered if not given.")] = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Compare what units did with what a plan asked of them, and write their effort for the next fit."""
    from optimizer.base.text.language import check_language
    from optimizer.operations.delivered import DeliveredParams, delivered_of_plan
    from optimizer.operations.delivered_output import DELIVERED, tally_line, write_delivered
    from optimizer.operations.map_matching import MatchParams

    asked = None if language is None else check_language(language)
    place = plan_folder / "delivered" if out is None else out
    folder = DELIVERED.folder(place, plan_folder, *(tracks or ()), *(log or ()), overwrite=overwrite)
    found = delivered_of_plan(
        plan_folder,
        tracks=tracks or (),
        logs=log or (),
        rosters=roster,
        draws=draws or (),
        units=dict(_pair("--unit", text) for text in unit or ()),
        clocks={name: _minutes(text) for name, text in (_pair("--clock", text) for text in clock or ())},
        scenario=scenario,
        effort_unit=effort_unit,
        hours_each=hours_each,
        params=DeliveredParams(near_m=near, late_minutes=late, match=MatchParams(within_m=within)),
        listener=ProgressPrinter(silent=as_json),
    )
    write_delivered(folder, found, asked or found.language)
    for sentence in found.warnings:
        print_note(f"Note: {sentence}")
    if as_json:
        for tally in found.tallies:
            if tally.by == "unit":
                print_json(tally_line(tally))
    else:
        _show(found, place)


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not (equals and name.strip() and value.strip()):
        raise InputError(Problem(option, repr(text), "NAME=VALUE, such as 'car 7=laredo-2'"))
    return name.strip(), value.strip()


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = float("nan")
    if not abs(minutes) <= 24 * 60:
        raise InputError(Problem("--clock", repr(text), "minutes to add, such as -60 or 60"))
    return minutes


def _show(found: Delivered, folder: Path) -> None:
    counts = {"week": "Weeks", "sector": "Sectors", "base": "Bases"}
    for by, title in counts.items():
        rows = [_cells(found, tally) for tally in found.tallies if tally.by == by]
        print_table(f"{title}: planned against delivered", _columns(by), rows)
    units = [tally for tally in found.tallies if tally.by == "unit"]
    units.sort(key=lambda tally: tally.delivered_hours - tally.planned_hours)
    print_table("Units: planned against delivered", _columns("unit"), [_cells(found, tally) for tally in units[:SHOWN]])
    if len(units) > SHOWN:
        print_note(f"{len(units) - SHOWN} more units are left out here; --json and delivered.csv have all.")
    hours, roads = found.effort_hours, len({row.segment for row in found.effort})
    amount = f"{number(hours / found.hours_each, 4)} {found.effort_unit}"
    print_line(f"Effort: {amount} ({hours:.1f} hours of crews) on {roads} roads")
    print_line(f"Saved {folder}; for the next plan, copy records.toml of it into the scenario")


def _columns(by: str) -> Sequence[str]:
    return (by, "planned h", "delivered h", "visits", "manned", "late", "short", "elsewhere", "no record", "extra")


def _cells(found: Delivered, tally: DeliveryTally) -> Sequence[str]:
    return (
        found.names.get(tally.name, tally.name) or "-",
        f"{tally.planned_hours:.1f}",
        f"{tally.delivered_hours:.1f}",
        str(tally.stops_planned),
        *(str(count) for count in tally.count.values()),
        str(tally.extra),
    )
