"""`forecast`: the risk map of a period, sealed before it and scored after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.commands import add_command
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table

LedgerOption = Annotated[Path, typer.Option("--ledger", metavar="DIR", help="Ledger of the forecasts.")]


def seal(
    plan_folder: Annotated[Path, typer.Argument(metavar="PLAN_FOLDER", help="Folder that `plan` wrote.")],
    ledger: LedgerOption,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of all forecasts; each has its own in it.")],
    period: Annotated[
        str | None, typer.Option(help="Quarter or month to come, such as 2027-Q1; the next quarter if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write where the finds of a period to come are expected, and seal it in a ledger with plan and model."""
    from optimizer.operations.forecast import seal_forecast

    made, folder = seal_forecast(plan_folder, ledger, out, period=period, listener=ProgressPrinter(silent=as_json))
    if as_json:
        print_json({"period": made.name, "begin": str(made.begin), "end": str(made.end), "folder": str(folder)})
    else:
        print_line(f"Sealed the forecast of {made.name} in {ledger}; keep {folder} as it is until it is scored.")


def score(
    scenario: Annotated[Path, typer.Argument(help="Scenario whose record now holds the periods.")],
    ledger: LedgerOption,
    sealed: Annotated[Path, typer.Option(metavar="DIR", help="Folder of all forecasts, as `forecast seal` wrote it.")],
    as_json: Json = False,
) -> None:
    """Score every sealed forecast whose period has ended, beside sealed baselines; none can be left out."""
    from optimizer.operations.forecast import score_forecasts

    rows, warnings = score_forecasts(scenario, ledger, sealed, listener=ProgressPrinter(silent=as_json))
    for sentence in warnings:
        print_note(f"Note: {sentence}")
    if as_json:
        for row in rows:
            print_json(row.line())
        return
    cells = [
        (
            row.period,
            row.model,
            "not ended" if row.finds is None else str(row.finds),
            "-" if row.log_score is None else "{:.3f} ({:.3f} to {:.3f})".format(*row.log_score),
            "-" if row.share_top5 is None else "{:.1%} ({:.1%} to {:.1%})".format(*row.share_top5),
        )
        for row in rows
    ]
    print_table(
        "Sealed forecasts, with 90 % intervals",
        ["period", "model", "finds", "log score", "finds in top 5 % of road"],
        cells,
    )


forecast_app = typer.Typer(
    help="Seal where finds are expected before a period, and score it after.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

for command in (seal, score):
    add_command(forecast_app, command, group="forecast")
