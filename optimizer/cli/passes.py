"""`passes`: what was sent, found, got through and went round."""

from __future__ import annotations

import math
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.text.formatting import number
from optimizer.cli.arguments import Json, Language, Overwrite, SkipUnreachable  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from optimizer.operations.passes import Estimate, Passes

SHOWN = 15
"""Sites and gateways that are shown of each quarter: those by which most is sent."""


def passes(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML) with a record of seizures.")],
    plan: Annotated[
        Path | None, typer.Option(metavar="PLAN_FOLDER", help="The plan that stood; today's sites if not given.")
    ] = None,
    quarters: Annotated[int, typer.Option(min=1, help="How many, the last of the record.")] = 4,
    draws: Annotated[int, typer.Option(min=10, max=1000, help="Draws of the fitted model.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for passes.csv, passes.json and a page to print.")] = None,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Estimate what was sent, found, got through and went round: by site, sector, gateway and quarter, with 90 % intervals."""
    from optimizer.base.text.language import check_language
    from optimizer.operations.passes import PASSES, passes_line, passes_of_scenario, write_passes

    asked = None if language is None else check_language(language)
    sources = [scenario] if plan is None else [scenario, plan]
    folder = None if out is None else PASSES.folder(out, *sources, overwrite=overwrite)
    found = passes_of_scenario(
        scenario,
        plan=plan,
        quarters=quarters,
        draws=draws,
        seed=seed,
        skip_unreachable=skip_unreachable,
        listener=ProgressPrinter(silent=as_json),
    )
    if folder is not None:
        write_passes(folder, found, asked or found.language)
    for sentence in (*found.warnings, *found.faults):
        print_note(f"Note: {sentence}")
    if as_json:
        for row in found.rows:
            print_json(passes_line(row))
    else:
        _show(found)
        if out is not None:
            print_line(f"Saved {out}")


def _show(found: Passes) -> None:
    from optimizer.operations.passes import ASSUMED

    last = max(found.finds)
    rows = [row for row in found.rows if row.quarter == last]
    for kind, title in (("all", "In all"), ("gateway", "By gateway"), ("sector", "By sector"), ("site", "By site")):
        mine = sorted((row for row in rows if row.kind == kind), key=lambda row: -row.sent.median)
        cells = [
            (row.label, *(_amount(each) for each in (row.sent, row.found, row.through, row.around)), _share(row.rate))
            for row in mine[:SHOWN]
        ]
        if cells:
            columns = ["", "sent", "found", "through", "gone round", "interdiction rate"]
            print_table(f"{title}, {last}: loads, with 90 % intervals, under {found.layout}", columns, cells)
        if len(mine) > SHOWN:
            print_note(f"{len(mine) - SHOWN} more are left out here; --json has all.")
    for sentence in ASSUMED:
        print_line(sentence)


def _amount(one: Estimate) -> str:
    return f"{number(one.median)} ({number(one.low)} to {number(one.high)})"


def _share(one: Estimate) -> str:
    return "-" if math.isnan(one.median) else f"{one.median:.1%} ({one.low:.1%} to {one.high:.1%})"
