"""`evaluate`: the exact value of any plan."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from optimizer.base.text.formatting import number
from optimizer.cli.arguments import Json, SkipUnreachable  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import note_unreachable, print_json, print_note, print_table, six_figures, unreachable_json

WORST = 20
"""Evaders that are shown."""


def evaluate(
    instance: Annotated[Path, typer.Argument(help="Instance file (JSON).")],
    plan: Annotated[Path, typer.Argument(help='plan.json, or any JSON with "options": [id, ...].')],
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Value any plan exactly on the full network, with every evader's best response."""
    from optimizer.pipeline.solve import evaluate_file

    evaluated = evaluate_file(instance, plan, skip_unreachable=skip_unreachable)
    evaluation, skipped = evaluated.evaluation, evaluated.source.skipped
    note_unreachable(instance, skipped)
    for sentence in evaluated.violations:
        print_note(f"Warning: {sentence}")
    if as_json:
        evaders = [
            {"id": e.id, "weight": e.weight, "value": e.value, "route": list(e.route)} for e in evaluation.evaders
        ]
        print_json({"value": evaluation.value, "evaders": evaders} | unreachable_json(skipped, wanted=skip_unreachable))
        return
    worst = sorted(evaluation.evaders, key=lambda e: -e.weight * e.value)[:WORST]
    names = {evader.id: evader.label or evader.id for evader in evaluated.source.instance.evaders}
    rows = [(names[e.id], six_figures(e.weight), six_figures(e.value), six_figures(e.weight * e.value)) for e in worst]
    print_table(
        f"value {number(evaluation.value, 6)}; the evaders that contribute most",
        ["evader", "weight", "value", "contribution"],
        rows,
    )
