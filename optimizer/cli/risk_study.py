"""`risk study`: the risk models in simulated worlds whose truth is known, row by row, and the page of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note

if TYPE_CHECKING:
    from optimizer.lab.study.run import EndedCell

OUT = Path("results/risk")
DATA = Path("../shared/data/osm")


def study(
    data: Annotated[Path, typer.Option(help="Folder with an extract or saved network of each region.")] = DATA,
    family: Annotated[
        bool, typer.Option("--family", help="Run the family of worlds (f00 to f39) in place of the four named ones.")
    ] = False,
    region: Annotated[
        list[str] | None,
        typer.Option(
            help="Region: the beginning of its file's name. Repeatable. [andorra, liechtenstein; of the family also generated]"
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Cells REGION-WORLD-EFFORT-SEIZURES-SEED that match, such as 'andorra-*-feedback-400-*'. Repeatable.",
        ),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Truths of each kind. [20; of the family 5 in each region]")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; times are clean with 1.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on a dask.distributed cluster instead.")
    ] = None,
    time_limit: Annotated[float | None, typer.Option(min=0, help="Seconds after which no cell is begun.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the raw rows; the page is written beside it.")] = OUT,
    table: Annotated[
        bool, typer.Option("--table", help="Make the page and its pictures from the rows; run nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fit every risk model to records of simulated worlds and compare it with the truth.

    A study that was interrupted goes on with the same command: what has a row is not done again. The cells that the goals are about come
    first. With --table nothing is run, and the page is made from the rows and from the other sections that lie beside them.
    """
    if table:
        _table(out, as_json)
        return
    from optimizer.lab.study.study import check_ended, plan_study

    planned = plan_study(data, out, regions=region or (), only=only or (), seeds=seeds, family=family)
    total, todo = len(planned.cells), len(planned.todo)
    printer = ProgressPrinter(silent=as_json)
    printer.message(f"{total} cells, {total - todo} of them done before")
    count = 0

    def show_cell(one: EndedCell) -> None:
        nonlocal count
        count += 1
        printer.message(f"{count}/{todo} {one.cell.name} {one.fault}".rstrip())
        if as_json:
            print_json({"cell": one.cell.name, "rows": len(one.rows), "fault": one.fault or None})

    try:
        ended = planned.carry_out(show_cell, jobs=jobs, time_limit=time_limit, scheduler=scheduler)
    except KeyboardInterrupt:
        print_note(f"Interrupted after {count} of {todo} cells. Rows are kept; the same command goes on from there.")
        return
    if len(ended) < todo:
        printer.message(f"{todo - len(ended)} cells are left for another time")
    check_ended(ended)


def _table(out: Path, as_json: bool) -> None:
    from optimizer.lab.study.page import write_study_page

    files = write_study_page(out)
    if as_json:
        print_json({"page": str(files.page), "pictures": [str(picture) for picture in files.pictures]})
    else:
        for line in (f"Page: {files.page}", *(f"Picture: {picture}" for picture in files.pictures)):
            print_line(line)
