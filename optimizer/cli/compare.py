"""`compare`: plans side by side on one model."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.arguments import Json, SkipUnreachable  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, number, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from optimizer.pipeline.compare_plans import ComparedPlan, PlanComparison

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
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Value plans on one model: in all, by evaders, crossings and agencies; and what differs from the first."""
    from optimizer.pipeline.compare_plans import compare_plans

    listener = ProgressPrinter(silent=as_json)
    comparison = compare_plans(plans, on=on, evaders=evaders, skip_unreachable=skip_unreachable, listener=listener)
    for plan in comparison.plans:
        _note(plan)
        if as_json:
            print_json(_line(plan, comparison))
    if not as_json:
        _show(comparison)


def _note(plan: ComparedPlan) -> None:
    name = plan.matched.name
    for sentence in plan.matched.notes:
        print_note(f"{name}: {sentence}")
    if plan.matched.unmatched:
        print_note(f"Warning: {name}: these are no options of the model: {', '.join(plan.matched.unmatched)}")
    for sentence in plan.violations:
        print_note(f"Warning: {name}: {sentence}")


def _line(plan: ComparedPlan, comparison: PlanComparison) -> dict[str, Any]:
    from optimizer.pipeline.open_routes import evader_line

    return {
        "plan": plan.matched.name,
        "value": plan.value,
        "lower": comparison.lower,
        "differs": list(plan.differs),
        "comes": list(plan.comes),
        "goes": list(plan.goes),
        "model": comparison.model,
        "options": list(plan.matched.plan.options),
        "by_kind": dict(plan.by_kind),
        "by_origin": dict(plan.by_origin),
        "by_agency": dict(plan.by_agency),
        "by_drug": dict(plan.by_drug),
        "open_routes": [evader_line(each) for each in plan.open_evaders],
        "unmatched": plan.matched.unmatched,
        "notes": plan.matched.notes,
        "violations": list(plan.violations),
    }


def _show(comparison: PlanComparison) -> None:
    plans, first = comparison.plans, comparison.plans[0]
    names = [plan.matched.name for plan in plans]
    rows = [
        ("value", *(number(plan.value) for plan in plans)),
        ("against the first", *(number(plan.value - first.value) for plan in plans)),
        *_rows(plans, "by_kind", "evaders: "),
        *_rows(plans, "by_origin", "from ")[:ORIGINS],
        *_rows(plans, "by_agency", "added by "),
        *_rows(plans, "by_drug", "drug: "),
    ]
    title = (
        f"On {comparison.model}: what gets through; no feasible plan lets less than {number(comparison.lower)} through"
    )
    print_table(title, ["", *names], rows)
    if len(first.by_origin) > ORIGINS:
        print_note(f"{len(first.by_origin) - ORIGINS} more origins are left out here; --json has all.")
    for plan in plans[1:]:
        changes = [(each, "only here") for each in plan.comes] + [(each, "only in the first") for each in plan.goes]
        print_table(f"{plan.matched.name} against {names[0]}: {len(changes)} differ", ["placement", "where"], changes)

    _show_routes(plans)


def _show_routes(plans: tuple[ComparedPlan, ...]) -> None:
    from optimizer.pipeline.explain_sentences import evader_sentence

    for plan in plans:
        if plan.open_evaders:
            print_line("")
            print_line(f"{plan.matched.name}: of whom most gets through")
        for evader in plan.open_evaders:
            print_line(f"  {evader_sentence(evader)}")


def _rows(plans: tuple[ComparedPlan, ...], which: str, before: str) -> list[tuple[str, ...]]:
    """Return a row for each name in a breakdown, in the order of the first plan."""
    keys = dict.fromkeys(name for plan in plans for name in getattr(plan, which))
    return [
        (f"{before}{name or 'no agency'}", *(number(getattr(plan, which).get(name, 0.0)) for plan in plans))
        for name in keys
    ]
