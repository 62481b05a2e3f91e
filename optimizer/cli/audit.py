"""`audit`: random full inspections: when, their sheets, and what they say of what passes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.base.text.formatting import number
from optimizer.cli.arguments import Json, Overwrite  # noqa: TC001 - typer reads the annotations
from optimizer.cli.commands import add_command
from optimizer.cli.console import print_json, print_line, print_note, print_table

Audit = Annotated[Path, typer.Argument(metavar="AUDIT", help="File that `audit plan` wrote.")]


def plan(
    plan_folder: Annotated[Path, typer.Argument(metavar="PLAN_FOLDER", help="Folder that `plan` wrote.")],
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, such as 2026-12-01.")],
    seed_file: Annotated[
        Path, typer.Option("--seed-file", help="File with the secret of the times; not in the plan folder.")
    ],
    out: Annotated[Path, typer.Option(help="File to write; who may not know the times may not read it.")],
    days: Annotated[int, typer.Option(help="How many days, 1 to 366.")] = 28,
    vehicles: Annotated[int, typer.Option(help="Vehicles to inspect in all, shared by traffic.")] = 400,
    rate: Annotated[float, typer.Option(help="Assumed share of vehicles with a load.")] = 0.01,
    change: Annotated[float, typer.Option(help="Factor of that share that is to be seen.")] = 2.0,
    minutes: Annotated[float, typer.Option(help="That an inspection takes.")] = 10.0,
    new_seed: Annotated[bool, typer.Option("--new-seed", help="Make the seed file first.")] = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw when vehicles are inspected in full at the sites of a plan, and say what such an audit can show."""
    from optimizer.operations.audit import check_audit_file, plan_audit, write_audit

    check_audit_file(out, overwrite=overwrite)
    found = plan_audit(
        plan_folder,
        first,
        seed_file,
        days=days,
        vehicles=vehicles,
        rate=rate,
        change=change,
        minutes=minutes,
        new_seed=new_seed,
    )
    write_audit(out, found.file, overwrite=overwrite)
    for sentence in found.warnings:
        print_note(f"Note: {sentence}")
    strata = list(zip(found.file.strata, found.width, strict=True))
    if as_json:
        for one, width in strata:
            line = {"site": one.site, "shift": one.shift, "vehicles": one.vehicles, "expected_width": round(width, 6)}
            line |= {"passing": round(one.passing, 1), "delay_minutes": one.vehicles * minutes}
            print_json(line | {"power": round(found.power, 6)})
        return
    rows = [
        (one.label, one.shift or "all day", f"{one.passing:,.0f}", str(one.vehicles), f"{width:.2%}")
        for one, width in strata
    ]
    columns = ["site", "shift", "vehicles that pass", "inspected", "expected width"]
    print_table(f"Audit of {days} days from {first}: 90 % intervals if {rate:.2%} carry a load", columns, rows)
    print_line(
        f"{len(found.file.rows)} vehicles of {number(minutes, 6)} minutes: {found.delay:,.0f} vehicle-minutes of delay in all."
    )
    print_line(
        f"Chance to see the share change by the factor {number(change, 6)} from one such audit to the next: {found.power:.0%}."
    )
    print_line(f"Saved {out}; it holds the times. Sheets: audit sheets {out} --out DIR")


def sheets(
    audit: Audit,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write.")],
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a sheet for each post with its drawn times, to fill in, and one for the counts."""
    from optimizer.operations.audit import SHEETS, read_audit, write_sheets

    folder = SHEETS.folder(out, audit, overwrite=overwrite)
    names = write_sheets(folder, read_audit(audit))
    if as_json:
        for name in names:
            print_json({"file": str(out / name)})
    else:
        print_line(
            f"Saved {len(names)} sheets in {out}: fill in `done`, `audited` and `found`; in counts.csv the rest."
        )


def results(
    audit: Audit,
    filled: Annotated[
        list[Path], typer.Argument(metavar="SHEET...", help="Filled sheets, counts.csv among them; or folders of them.")
    ],
    within: Annotated[
        float, typer.Option(min=0, help="Minutes after the drawn time within which the next vehicle counts.")
    ] = 15.0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for audit-results.csv and .json.")] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Read filled sheets, and say with 90 % intervals which share carries a load and how much passed undetected."""
    from optimizer.operations.audit import RESULTS, audit_results, write_results

    folder = None if out is None else RESULTS.folder(out, audit, *filled, overwrite=overwrite)
    found = audit_results(audit, filled, on_time=within)
    if folder is not None:
        write_results(folder, found)
    for sentence in found.warnings:
        print_note(f"Note: {sentence}")
    lines = [row.line() for row in found.rows]
    if as_json:
        for line in lines:
            print_json(line)
        return
    rows = [
        (
            line["label"],
            f"{line['audited']} of {line['drawn']}",
            f"{line['late']}, {line['missed']}",
            str(line["found"]),
            f"{line['rate_low']:.2%} to {line['rate_high']:.2%}",
            f"{line['passed_undetected_low']:,.0f} to {line['passed_undetected_high']:,.0f}",
            "not known"
            if line["effectiveness_low"] is None
            else f"{line['effectiveness_low']:.0%} to {line['effectiveness_high']:.0%}",
        )
        for line in lines
    ]
    columns = ["site", "audited", "late, missed", "found", "share", "undetected", "effectiveness"]
    print_table("Share of vehicles with a load, loads undetected, effectiveness of ordinary inspection", columns, rows)
    if out is not None:
        print_line(f"Saved {out}")


audit_app = typer.Typer(
    help="Inspect vehicles that chance chooses, and say what passes.", no_args_is_help=True, rich_markup_mode=None
)

for command in (plan, sheets, results):
    add_command(audit_app, command, group="audit")
