"""`risk`: alerts, where to look next, and how well the risk model predicts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.choices import (
    PeriodLength,
    PlaceKind,
)
from optimizer.cli.arguments import (
    Json,
    Language,
    Overwrite,
)
from optimizer.cli.commands import command, group
from optimizer.cli.console import (
    ProgressPrinter,
    print_json,
    print_line,
    print_note,
    print_page,
    print_table,
)

if TYPE_CHECKING:
    from optimizer.lab.backtest.engine import Backtest
    from optimizer.lab.study.study import EndedCell


group(
    "risk",
    "Raise alerts, name where to look next, and measure how well the risk model predicts.",
    "alerts instances/andorra/scenario.toml",
)


@command("risk alerts", "instances/andorra/scenario.toml --since 2024-10 --out results/alerts")
def alerts(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    since: Annotated[
        str | None,
        typer.Option(
            help=(
                "First day of the recent window (2024-10-01 or 2024-10); by default the last"
                " quarter."
            )
        ),
    ] = None,
    fdr: Annotated[
        float | None,
        typer.Option(min=0.001, max=0.5, help="Expected share of false alarms among alarms (0.1)."),
    ] = None,
    by: Annotated[
        PlaceKind | None,
        typer.Option(
            help=(
                "What is tested; every: places of all sizes, with one budget of false alarms."
                " [segment; area where no road has effort of its own]"
            )
        ),
    ] = None,
    false_a_year: Annotated[
        float | None,
        typer.Option(min=0.01, max=100, help="By every: expected false alarms a year at most (1)."),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option(min=1, help="Months before the window to learn from; by default all of them."),
    ] = None,
    any_dependence: Annotated[
        bool,
        typer.Option(
            "--any-dependence",
            help="Benjamini and Yekutieli's rule, which holds however places depend on each other.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write: alerts and trends as CSV, alerts as GeoJSON, a figure, a page."
        ),
    ] = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Name the places whose recent seizures are more, or fewer, than their own search
    effort led to expect.
    """
    from optimizer.analysis.search_advice.alerts import alerts_content, alerts_page, find_alerts

    if by == "every" and (fdr is not None or any_dependence):
        raise typer.BadParameter(
            "--by every has one budget: give --false-a-year, and neither --fdr nor --any-dependence"
        )
    if by != "every" and false_a_year is not None:
        raise typer.BadParameter("--false-a-year goes with --by every; others take --fdr")
    result = find_alerts(
        scenario,
        since=since,
        fdr=0.1 if fdr is None else fdr,
        false_a_year=1.0 if false_a_year is None else false_a_year,
        by=by,
        memory=memory,
        any_dependence=any_dependence,
        language=language,
        out=out,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if as_json:
        saved = None if out is None else str(out)
        print_json({"scenario": str(scenario)} | alerts_content(result) | {"out": saved})
        return
    print_page(alerts_page(result))
    for warning in result.warnings:
        print_line(f"- {warning}")
    if out is not None:
        print_line(f"Saved {out}")


@command("risk look", "instances/andorra/scenario.toml --effort 5 --unit hours --top 20")
def look(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    effort: Annotated[
        float | None,
        typer.Option(
            help="Effort of one patrol; by default what a searched segment gets in a usual month."
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="Unit of it; by default the one in which most road was searched."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many roads to name.")] = 10,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write: look.csv and look.geojson, every road, and a page."),
    ] = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Rank roads by the information that one more patrol would give, with the chance
    that each is among the worst.
    """
    from optimizer.analysis.search_advice.search_advice import look_page, where_to_look

    result = where_to_look(
        scenario,
        effort=effort,
        unit=unit,
        language=language,
        out=out,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if as_json:
        head = {
            "scenario": str(scenario),
            "effort": result.patrol.amount,
            "unit": result.patrol.unit,
            "hours": result.patrol.hours,
        }
        roads = [asdict(road) for road in result.roads[:top]]
        tips = {"tips": [asdict(row) for row in result.tips]} if result.tips else {}
        tail = {
            "roads": roads,
            **tips,
            "warnings": list(result.warnings),
            "out": None if out is None else str(out),
        }
        print_json(head | tail)
        return
    print_page(look_page(result, top))
    for warning in result.warnings:
        print_line(f"- {warning}")
    if out is not None:
        print_line(f"Saved {out}")


SCENARIO = ".toml"

NOTHING = 3
"""Exit code of an interrupt before any period was scored."""


@command(
    "risk backtest",
    "results/import/police --period quarter --out results/backtest",
    "instances/andorra/scenario.toml",
)
def backtest(
    records: Annotated[
        list[Path],
        typer.Argument(
            help="searches.csv of `import stop-search`, or folders with one; or one SCENARIO.toml."
        ),
    ],
    period: Annotated[PeriodLength, typer.Option(help="Length of a test period.")] = "month",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write: backtest.json, backtest.csv, backtest.md, calibration.png."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of resampling and shuffling.")] = 0,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Forecast each period from everything before it, given its own effort, and score
    that against the global rate.

    Each force by itself. Ctrl-C keeps the periods that are done.
    """
    scenarios = [path for path in records if path.suffix.lower() == SCENARIO]
    if scenarios and len(records) > 1:
        raise typer.BadParameter("give one SCENARIO.toml alone, or files of searches")
    from optimizer.lab.backtest.run import as_json as contents
    from optimizer.lab.backtest.run import run_backtest

    done = run_backtest(
        records,
        period,
        seed=seed,
        out=out,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if done.interrupted:
        kept = sum(len(one.periods) for one in done.judged)
        print_note(f"Interrupted. Periods scored and kept: {kept}.")
        if not kept:
            raise typer.Exit(NOTHING)
    if as_json:
        print_json(contents(done) | {"out": None if out is None else str(out)})
    else:
        _show_backtest(done, out)


def _show_backtest(done: Backtest, out: Path | None) -> None:
    from optimizer.lab.backtest.run import gain_table, period_table, sentences

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
        "Period by period",
        [periods.head[k] for k in shown],
        [[row[k] for k in shown] for row in periods.cells],
    )
    for sentence in sentences(done):
        print_line(f"- {sentence}")
    if out is not None:
        print_line(f"Saved {out}")


OUT = Path("results/risk")

DATA = Path("../shared/data/osm")


@command("risk study", "--data osm --region andorra --seeds 5 --jobs 2 --out results/risk")
def study(
    data: Annotated[
        Path, typer.Option(help="Folder with an extract or saved network of each region.")
    ] = DATA,
    family: Annotated[
        bool,
        typer.Option(
            "--family",
            help="Run the family of worlds (f00 to f39) in place of the four named ones.",
        ),
    ] = False,
    region: Annotated[
        list[str] | None,
        typer.Option(
            help=(
                "Region: the beginning of its file's name. Repeatable. [andorra, liechtenstein; of"
                " the family also generated]"
            )
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help=(
                "Cells REGION-WORLD-EFFORT-SEIZURES-SEED that match, such as"
                " 'andorra-*-feedback-400-*'. Repeatable."
            ),
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, help="Truths of each kind. [20; of the family 5 in each region]"
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; times are clean with 1.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run on a dask.distributed cluster instead."),
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(min=0, help="Seconds after which no cell is begun.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the raw rows; the page is written beside it.")
    ] = OUT,
    table: Annotated[
        bool,
        typer.Option("--table", help="Make the page and its pictures from the rows; run nothing."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Fit every risk model to records of simulated worlds and compare it with the
    truth.

    A study that was interrupted goes on with the same command: what has a row is not
    done again. The cells that the goals are about come first. With --table nothing is
    run, and the page is made from the rows and from the other sections that lie beside
    them.
    """
    if table:
        _table(out, as_json)
        return
    from optimizer.lab.study.study import check_ended, plan_study

    planned = plan_study(
        data, out, regions=region or (), only=only or (), seeds=seeds, family=family
    )
    total, todo = len(planned.cells), len(planned.todo)
    printer = ProgressPrinter(silent=as_json)
    printer.line(f"{total} cells, {total - todo} of them done before")
    count = 0

    def show_cell(one: EndedCell) -> None:
        nonlocal count
        count += 1
        printer.line(f"{count}/{todo} {one.cell.name} {one.fault}".rstrip())
        if as_json:
            print_json({"cell": one.cell.name, "rows": len(one.rows), "fault": one.fault or None})

    try:
        ended = planned.carry_out(show_cell, jobs=jobs, time_limit=time_limit, scheduler=scheduler)
    except KeyboardInterrupt:
        print_note(
            f"Interrupted after {count} of {todo} cells. Rows are kept; the same command goes on"
            " from there."
        )
        return
    if len(ended) < todo:
        printer.line(f"{todo - len(ended)} cells are left for another time")
    check_ended(ended)


def _table(out: Path, as_json: bool) -> None:
    from optimizer.lab.study.page import write_study_page

    files = write_study_page(out)
    if as_json:
        print_json(
            {"page": str(files.page), "pictures": [str(picture) for picture in files.pictures]}
        )
    else:
        for line in (f"Page: {files.page}", *(f"Picture: {picture}" for picture in files.pictures)):
            print_line(line)
