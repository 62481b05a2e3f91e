"""`release`: what another agency may see."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from optimizer.cli.arguments import Json, Overwrite  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table


def release(
    source: Annotated[Path, typer.Argument(help="Scenario (TOML), or a record (CSV or GeoJSON) with owner and tlp.")],
    to: Annotated[str, typer.Option("--to", metavar="AGENCY", help="Id of the agency that is to see it.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    minimum: Annotated[
        int, typer.Option(min=2, help="Least rows in a total of withheld ones; totals are multiples of it.")
    ] = 10,
    plan: Annotated[
        Path | None, typer.Option(help="Plan folder, of which the agency's own placements are released.")
    ] = None,
    risk: Annotated[bool, typer.Option(help="Make a risk map of the released rows (scenarios).")] = True,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write what another agency may see: its own rows and those released to it, totals, a scenario, its part of a plan."""
    from optimizer.sharing.release import release_to

    made = release_to(
        source,
        to,
        out,
        minimum=minimum,
        plan=plan,
        risk=risk,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    for note in made.notes:
        print_note(f"Note: {note}")
    if as_json:
        print_json(
            {
                "rows": made.rows,
                "withheld": made.withheld,
                "files": list(made.files),
                "aggregates": made.aggregates,
                "out": str(made.folder),
                "notes": list(made.notes),
            }
        )
        return
    counts = [
        ("rows released", made.rows),
        ("rows withheld", made.withheld),
        ("totals of withheld rows", made.aggregates),
    ]
    print_table(f"{made.folder}: for {to}", ["", "count"], [(name, str(count)) for name, count in counts])
    print_line("Files: " + ", ".join(made.files))
