"""`compare`: plans side by side on one model."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json, Language, Overwrite, SkipUnreachable  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table, six_figures

if TYPE_CHECKING:
    from optimizer.analysis.compare.compare import ComparedPlan, PlanComparison

ORIGINS = 15
"""Crossings that are shown."""


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
        Path | None, typer.Option("--out", help="Folder for compare.json, compare.csv, a page, and maps side by side.")
    ] = None,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Value plans on one model: in all, by evaders, crossings and agencies; and what differs from the first."""
    from optimizer.analysis.compare.compare import compare_plans
    from optimizer.analysis.compare.output import compare_folder, plan_line, write_comparison
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
        _show(comparison)
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


def _show(comparison: PlanComparison) -> None:
    from optimizer.analysis.compare.output import BREAKDOWNS, breakdown_rows, order_sentence
    from optimizer.base.text.formatting import plain

    plans, first = comparison.plans, comparison.plans[0]
    for plan in plans[1:]:
        print_line(order_sentence(plan, first))
    names = [plan.matched.name for plan in plans]
    rows = [
        ("value", *(six_figures(plan.value) for plan in plans)),
        ("against the first", *(six_figures(plan.value - first.value) for plan in plans)),
        *(
            (what, *map(six_figures, amounts))
            for which in BREAKDOWNS
            for what, amounts in breakdown_rows(comparison, which)[: ORIGINS if which == "by_origin" else None]
        ),
    ]
    title = f"On {comparison.model}: what gets through; no feasible plan lets less than {six_figures(comparison.lower)} through"
    print_table(title, ["", *names], rows)
    if len(first.by_origin) > ORIGINS:
        print_note(f"{len(first.by_origin) - ORIGINS} more origins are left out here; --json has all.")
    for plan in plans[1:]:
        changes = [(plain(each.label), each.id, "only here") for each in plan.comes]
        changes += [(plain(each.label), each.id, "only in the first") for each in plan.goes]
        title = f"{plan.matched.name} against {names[0]}: {len(changes)} differ"
        print_table(title, ["placement", "id", "where"], changes)
    _show_routes(plans)


def _show_routes(plans: tuple[ComparedPlan, ...]) -> None:
    from optimizer.analysis.explain.output import evader_sentence

    for plan in plans:
        if plan.open_evaders:
            print_line("")
            print_line(f"{plan.matched.name}: of whom most gets through")
        for evader in plan.open_evaders:
            print_line(f"  {evader_sentence(evader)}")
