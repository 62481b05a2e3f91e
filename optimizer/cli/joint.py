"""`joint`: one plan of several agencies that show each other neither records nor loads."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from optimizer.cli.arguments import Json, budget_amounts
from optimizer.cli.console import ProgressPrinter, print_json, print_line, six_figures


def joint(
    exchange: Annotated[
        Path, typer.Argument(help="Folder of the exchange, which all agencies see; begun if not there.")
    ],
    problems: Annotated[
        list[str],
        typer.Argument(help="AGENCY=PROBLEM: your agency and its scenario, instance or plan folder."),
    ],
    share: Annotated[
        list[str] | None,
        typer.Option(metavar="AGENCY=AMOUNT", help="Weight of each agency's loads, to begin; equal if not given."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Most proposals.")] = 20,
    gap: Annotated[float, typer.Option(min=0, max=1, help="Relative gap at which to stop.")] = 0.02,
    groups: Annotated[int, typer.Option(min=1, max=100, help="Groups of each agency's loads, to begin.")] = 8,
    as_json: Json = False,
) -> None:
    """Plan jointly without pooling: answer what is proposed in an exchange, and propose once all have answered."""
    from optimizer.base.errors import InputError, Problem
    from optimizer.plans.problem_source import problem_source
    from optimizer.sharing.agencies_plan import plan_jointly

    own = {}
    for text in problems:
        agency, equals, path = text.partition("=")
        if not equals or not agency or agency in own:
            raise InputError(Problem("joint", repr(text), "AGENCY=PROBLEM, each agency once"))
        own[agency] = problem_source(path).instance
    shares = budget_amounts(share) if share else None
    listener = ProgressPrinter(silent=as_json)
    made = plan_jointly(exchange, own, shares=shares, rounds=rounds, gap=gap, groups=groups, listener=listener)
    if as_json:
        bounds = {"lower": made.lower, "upper": made.upper, "gap": made.gap, "rounds": made.rounds}
        print_json({**bounds, "plan": list(made.plan), "values": dict(made.values), "waiting": list(made.waiting)})
        return
    if made.upper is None:
        print_line(f"No plan is answered yet. Waiting for {', '.join(made.waiting)}.")
        return
    shown = "" if made.gap is None else f" (gap {made.gap:.1%})"
    between = f"{six_figures(made.lower)} .. {six_figures(made.upper)}{shown}"
    print_line(f"Joint value {between} after {made.rounds} rounds: {', '.join(made.plan) or 'nothing placed'}")
    for agency, value in made.values.items():
        print_line(f"  of the loads of {agency} {value:.4f} get through")
    if made.waiting:
        print_line(f"Waiting for {', '.join(made.waiting)}.")
