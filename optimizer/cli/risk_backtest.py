"""`risk backtest`: how much better than the global rate the risk model predicts searches that it has not seen."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json, Overwrite  # noqa: TC001 - the same
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from optimizer.lab.backtest.outcome import Backtest

SCENARIO = ".toml"
NOTHING = 3
"""Exit code of an interrupt before any period was scored."""


class PeriodName(StrEnum):
    """`optimizer.lab.backtest.periods.Length`, named here so that `--help` need not import it."""

    MONTH = "month"
    QUARTER = "quarter"


def backtest(
    records: Annotated[
        list[Path],
        typer.Argument(help="searches.csv of `import stop-search`, or folders with one; or one SCENARIO.toml."),
    ],
    period: Annotated[PeriodName, typer.Option(help="Length of a test period.")] = PeriodName.MONTH,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write: backtest.json, backtest.csv, backtest.md, calibration.png.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of resampling and shuffling.")] = 0,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Forecast each period from everything before it, given its own effort, and score that against the global rate.

    Each force by itself. Ctrl-C keeps the periods that are done.
    """
    scenarios = [path for path in records if path.suffix.lower() == SCENARIO]
    if scenarios and len(records) > 1:
        raise typer.BadParameter("give one SCENARIO.toml alone, or files of searches")
    from optimizer.lab.backtest.periods import Length
    from optimizer.lab.backtest.run import run_backtest
    from optimizer.lab.backtest.writing import as_json as contents

    done = run_backtest(
        records, Length(period.value), seed=seed, out=out, overwrite=overwrite, listener=ProgressPrinter(silent=as_json)
    )
    if done.interrupted:
        kept = sum(len(one.periods) for one in done.judged)
        print_note(f"Interrupted. Periods scored and kept: {kept}.")
        if not kept:
            raise typer.Exit(NOTHING)
    if as_json:
        print_json(contents(done) | {"out": None if out is None else str(out)})
    else:
        _show(done, out)


def _show(done: Backtest, out: Path | None) -> None:
    from optimizer.lab.backtest.page import gain_table, period_table, sentences

    gains = gain_table(done.judged)
    shown = [0, 1, 2, 3]  # a terminal is too narrow for the calibration, which the page has
    print_table(
        "Log score over the global rate, thousandths of a natural logarithm (mnats)",
        [gains.head[k] for k in shown],
        [[row[k] for k in shown] for row in gains.cells],
    )
    periods = period_table(done.judged)
    shown = [0, 1, 3, 4, 7]  # the model that is scored; the page has the others beside it
    print_table(
        "Period by period", [periods.head[k] for k in shown], [[row[k] for k in shown] for row in periods.cells]
    )
    for sentence in sentences(done):
        print_line(f"- {sentence}")
    if out is not None:
        print_line(f"Saved {out}")
