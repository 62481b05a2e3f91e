"""`draw`: the plans of days or shifts, drawn from a mixture."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.choices import DrawEvery  # noqa: TC001 - typer reads the annotations
from optimizer.cli.arguments import Json, Overwrite  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table, six_figures

if TYPE_CHECKING:
    from optimizer.pipeline.roster.draw import Drawn

SHOWN = 12
"""Placements whose frequency is shown: those farthest from their probability."""


def draw(
    plan_folder: Annotated[
        Path, typer.Argument(metavar="PLAN_FOLDER", help="Folder that `plan --method mixed` wrote.")
    ],
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, such as 2026-12-01.")],
    seed_file: Annotated[
        Path, typer.Option("--seed-file", help="File with the secret of the draws; not in the plan folder.")
    ],
    days: Annotated[int, typer.Option(help="How many days, 1 to 366.")] = 30,
    every: Annotated[DrawEvery, typer.Option(help="Draw a plan for each day, or for each shift.")] = "day",
    stay: Annotated[
        int | None, typer.Option(help="Days, or shifts, that a plan stays, 1 to 30; as the scenario says if not given.")
    ] = None,
    change: Annotated[
        float | None,
        typer.Option(help="Largest share of the sites that changes from one draw to the next, such as 0.2; as above."),
    ] = None,
    begun: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Day on which the use of this mixture began, to go on; --from if not given."),
    ] = None,
    new_seed: Annotated[bool, typer.Option("--new-seed", help="Make the seed file first.")] = False,
    override: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'DATE[@SHIFT] +SITE -SITE'",
            help="This site then, not that one; its price is shown. May be repeated.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; PLAN_FOLDER/draws-DATE.json if not given.")] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw the plan of each day or shift from a mixture, so that every month's frequencies follow its probabilities."""
    from optimizer.pipeline.roster.draw import Override, draw_from_plan

    drawn = draw_from_plan(
        plan_folder,
        first,
        seed_file,
        days=days,
        every=every,
        stay=stay,
        change=change,
        begun=begun,
        new_seed=new_seed,
        overrides=[Override.parsed(text) for text in override or ()],
        out=out,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if as_json:
        _print_lines(drawn)
    else:
        _show(drawn)
    for warning in drawn.warnings:
        print_note(f"Warning: {warning}")


def _print_lines(drawn: Drawn) -> None:
    for row in drawn.draws.rows:
        print_json(
            {"date": row.date.isoformat(), "shift": row.shift, "plan": list(row.plan), "overridden": row.overridden}
        )
    found = drawn.frequencies
    line: dict[str, object] = {"worst_deviation": found.worst, "worst_month": found.worst_month, "out": str(drawn.path)}
    price, gradual = drawn.price, drawn.gradual
    if gradual is not None:
        line |= {"round": gradual.periods, "steps": gradual.steps, "round_deviation": gradual.off}
        line |= {"most_changed": gradual.most, "round_exploitability": gradual.after}
    if price is not None:
        line |= {"exploitability_before": price.before, "exploitability_after": price.after, "if_known": price.known}
    print_json(line)


def _show(drawn: Drawn) -> None:
    draws, found, price = drawn.draws, drawn.frequencies, drawn.price
    always = {name for name, share in draws.marginals.items() if share >= 1}
    rows = [
        (
            row.date.isoformat(),
            row.shift or "all",
            f"{row.drawn + 1}{' (on the way)' if row.step else ''}{' (overridden)' if row.overridden else ''}",
            [drawn.names.get(name, name) for name in row.plan if name not in always] or ["-"],
        )
        for row in draws.rows
    ]
    title = f"{draws.name}: {len(rows)} draws; {len(always)} placements stand always"
    print_table(title, ["date", "shift", "plan", "placed besides"], rows)
    farthest = [
        (drawn.names.get(row.placement, row.placement), f"{row.probability:.1%}", f"{row.share:.1%}")
        for row in found.rows[:SHOWN]
    ]
    print_table("Farthest from their probability", ["placement", "probability", "share of draws"], farthest)
    month = "" if found.worst_month is None else f", {found.worst_month:.1%} over any 30 days of them"
    print_line(f"No placement is off by more than {found.worst:.1%} over these draws{month}.")
    if (gradual := drawn.gradual) is not None:
        print_line(
            f"At most {gradual.most} placements come and {gradual.most} go from one draw to the next. A round takes {gradual.periods} "
            f"{draws.every}s, and steps between plans: {gradual.steps:.1%} of the draws. Over many rounds no placement is off by more than "
            f"{gradual.off:.1%}."
        )
        if gradual.before is not None and gradual.after is not None:
            print_line(
                f"Evaders who know the shares achieve {six_figures(gradual.after)} over many rounds, and {six_figures(gradual.before)} "
                f"against the mixture ({gradual.after - gradual.before:+.3g}). Who sees what stands today can tell much of tomorrow."
            )
    if price is not None:
        print_line(
            f"{price.periods} overridden: evaders who know the shares achieve {six_figures(price.before)} without and "
            f"{six_figures(price.after)} with the overrides ({price.price:+.3g}); if they learn of them, {six_figures(price.known)} then."
        )
    print_line(f"To go on with these draws later: --begun {draws.begun.isoformat()}")
    print_line(f"Draws: {drawn.path}")
