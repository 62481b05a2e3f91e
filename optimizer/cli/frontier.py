"""`frontier`: the best value and its proven bound over a range of budgets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import (
    Gap,
    Jobs,
    Json,
    Language,
    Method,
    Overwrite,
    Scheduler,
    Seed,
    Settings,
    SkipUnreachable,
    TimeLimit,
    solve_options,
)
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_page
from optimizer.cli.terminal import CommandInterrupts

if TYPE_CHECKING:
    from optimizer.analysis.frontier.frontier import BudgetRange, Frontier


def frontier(
    scenario: Annotated[Path, typer.Argument(help="Scenario (TOML), instance file (JSON) or plan folder.")],
    resource: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[@AGENCY]", help="The resource, or a type of teams; given twice, a grid of two."),
    ] = None,
    first: Annotated[
        list[float] | None, typer.Option("--from", help="Smallest budget; once for each resource.")
    ] = None,
    last: Annotated[list[float] | None, typer.Option("--to", help="Largest budget; once for each resource.")] = None,
    changes: Annotated[
        bool,
        typer.Option("--changes", help="In place of a resource: how many sites may differ from today, 0 to all."),
    ] = False,
    points: Annotated[
        list[int] | None, typer.Option(help="Number of budgets; once for each resource, or once for all.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write: frontier.csv, .json, and for one resource .png and .svg.")
    ] = None,
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    settings: Settings = None,
    skip_unreachable: SkipUnreachable = False,
    certificate: Annotated[
        bool,
        typer.Option(
            "--certificate",
            help="Write each point's problem and a proof of its bound into --out, for `verify`; each is searched once more.",
        ),
    ] = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Solve for a range of budgets, or of changes: value and proven bound of each, and what one more brings.

    --time-limit is for all points together; by default three times that of the scenario. Certificates take as long again at most. With --out
    an interrupted command goes on where it stopped: give it again.
    """
    from optimizer.analysis.frontier.frontier import BudgetRange, certified, frontier_digest, up_to_changes_made
    from optimizer.analysis.frontier.frontier import frontier as solve_frontier
    from optimizer.analysis.frontier.output import FRONTIER, write_frontier
    from optimizer.base.files.json_lines import FinishedTasks
    from optimizer.base.params import parsed_settings
    from optimizer.base.work.executor import Executor
    from optimizer.plans.problem_source import problem_source
    from optimizer.solvers.branch_and_cut.proof.record import check_certifiable

    if certificate and out is None:
        raise typer.BadParameter("give --out FOLDER for the certificates, or leave --certificate out")
    asked = _ranges_asked(resource or [], first or [], last or [], points or [], changes=changes)
    listener = ProgressPrinter(silent=as_json)
    folder = None if out is None else FRONTIER.folder(out, scenario, overwrite=overwrite)
    with CommandInterrupts(), tempfile.TemporaryDirectory() as made:
        source = problem_source(
            scenario,
            options=solve_options(method, gap, None, seed),
            settings=parsed_settings(settings or ()),
            language=language,
            skip_unreachable=skip_unreachable,
            listener=listener,
        )
        ranges = asked or [BudgetRange.of_changes(source.instance)]
        if certificate:
            check_certifiable(source.instance, source.solve.search())
        notes: list[str] = []
        starts = source.starts(source.instance, notes.append)
        finished = None
        if out is not None:
            digest = frontier_digest(source.instance, ranges, source.solve, time_limit, starts)
            finished = FinishedTasks.beside(out, digest, overwrite=overwrite)
        found = solve_frontier(
            source.instance,
            ranges,
            source.solve,
            starts=starts,
            time_limit=time_limit,
            executor=Executor(jobs, scheduler),
            finished=finished,
            listener=listener,
        )
        if changes:
            found = up_to_changes_made(found, source.instance)
        if certificate:
            found = certified(
                found, source.instance, source.solve, Path(made), time_limit=time_limit, listener=listener
            )
        if folder is not None and finished is not None:
            write_frontier(folder, found, source.instance.name, source.language, Path(made))
            if found.complete:
                finished.remove()
    for warning in (*source.warnings, *notes):
        print_note(f"Warning: {warning}")
    _tell(found, source.instance.name, out, as_json=as_json)


def _ranges_asked(
    resources: list[str], first: list[float], last: list[float], points: list[int], *, changes: bool
) -> list[BudgetRange]:
    """Return the budgets that were asked for; none where changes were."""
    from optimizer.analysis.frontier.frontier import BudgetRange

    if changes and (resources or first or last or points):
        raise typer.BadParameter("give --changes alone, or --resource with --from and --to")
    if not changes and not resources:
        raise typer.BadParameter("give --resource with --from and --to, or --changes")
    count, numbers = len(resources), points or [11]
    if not changes and (len(first) != count or len(last) != count or len(numbers) not in {1, count}):
        raise typer.BadParameter("give --resource, --from and --to equally often, and --points once or as often")
    numbers = numbers * count if len(numbers) == 1 else numbers
    return [BudgetRange.between(*each) for each in zip(resources, first, last, numbers, strict=True)]


def _tell(found: Frontier, name: str, out: Path | None, *, as_json: bool) -> None:
    from optimizer.analysis.frontier.output import frontier_page

    if not found.complete:
        again = "" if out is None else " The same command goes on from here."
        print_note(f"Not all points were searched; those have the bounds that the others prove.{again}")
    if as_json:
        _print_points(found)
        return
    print_page(frontier_page(found, name))
    if out is not None:
        print_line(f"Saved {out}")


def _print_points(found: Frontier) -> None:
    from optimizer.analysis.frontier.output import point_content

    names = [each.resource for each in found.ranges]
    for k in range(len(found.points)):
        line = point_content(found, k)
        budgets = line.pop("budgets")
        one = {"resource": names[0], "budget": budgets[0]} | ({"budgets": budgets} if len(names) > 1 else {})
        print_json(one | line | {"resources": names, "complete": found.complete})
