"""`compare`: plans side by side on one model."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json, Language, Overwrite, SkipUnreachable  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_page

if TYPE_CHECKING:
    from optimizer.analysis.compare.compare import ComparedPlan


def compare(
    plans: Annotated[
        list[str],
        typer.Argument(
            help="Plan folders, plan files, `today`, tables with a column site (CSV), points and lines (GeoJSON)."
        ),
    ],
    on: Annotated[
        Path | None,
        typer.Option("--on", help="Scenario, instance or plan folder to value them on; by default the first folder."),
    ] = None,
    evaders: Annotated[
        int, typer.Option(min=0, help="Evaders of whom the routes left are looked for in each plan.")
    ] = 3,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for compare.json, compare.csv, differences.csv, a page, and maps of what differs."
        ),
    ] = None,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Value plans on one model: in all, by evaders, crossings and agencies; and what differs from the first."""
    from optimizer.analysis.compare.compare import compare_plans
    from optimizer.analysis.compare.output import compare_folder, comparison_page, plan_line, write_comparison
    from optimizer.base.text.language import check_language

    asked = None if language is None else check_language(language)
    folder = None if out is None else compare_folder(out, plans, on, overwrite=overwrite)
    listener = ProgressPrinter(silent=as_json)
    comparison = compare_plans(plans, on=on, evaders=evaders, skip_unreachable=skip_unreachable, listener=listener)
    if folder is not None:
        write_comparison(folder, comparison, asked or comparison.language)
    for plan in comparison.plans:
        _note(plan)
        if as_json:
            print_json(plan_line(plan, comparison))
    if not as_json:
        print_page(comparison_page(comparison))
        if out is not None:
            print_line(f"Saved {out}")


def _note(plan: ComparedPlan) -> None:
    name = plan.matched.name
    for sentence in plan.matched.notes:
        print_note(f"{name}: {sentence}")
    if plan.matched.unmatched:
        print_note(f"Warning: {name}: these are no options of the model: {', '.join(plan.matched.unmatched)}")
    for sentence in plan.violations:
        print_note(f"Warning: {name}: {sentence}")
