"""`cooperate`: agencies alone, in every coalition, and together; the worth of cooperation and a fair split."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.choices import Others  # noqa: TC001 - typer reads the annotations
from optimizer.cli.arguments import (
    Budgets,
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
    budget_amounts,
    solve_options,
)
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_page
from optimizer.cli.terminal import CommandInterrupts

if TYPE_CHECKING:
    from optimizer.analysis.cooperation.cooperation import Cooperation


def cooperate(
    scenario: Annotated[Path, typer.Argument(help="Scenario (TOML), instance file (JSON) or plan folder.")],
    others: Annotated[
        Others,
        typer.Option(help="What those outside a coalition have: nothing, or what stands today, which stays."),
    ] = "absent",
    orders: Annotated[int, typer.Option(min=2, help="Above 8 agencies: orders of joining that are sampled.")] = 16,
    sites: Annotated[
        bool, typer.Option("--sites", help="With --json, a line for each site of the plan of all too.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write: a page, cooperation.json, tables and a figure."),
    ] = None,
    budget: Budgets = None,
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    settings: Settings = None,
    skip_unreachable: SkipUnreachable = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Plan for each agency alone, for each coalition, and for all; say what cooperation is worth and split it fairly.

    A coalition has the options and resources of its members, and in full what all share. --time-limit is for all coalitions together; by
    default five times that of the scenario. With --out an interrupted command goes on where it stopped: give it again.
    """
    from optimizer.analysis.cooperation.cooperation import cooperate as plan_coalitions
    from optimizer.analysis.cooperation.cooperation import cooperation_digest
    from optimizer.analysis.cooperation.output import COOPERATION, cooperation_page, write_cooperation
    from optimizer.base.files.json_lines import FinishedTasks
    from optimizer.base.params import parsed_settings
    from optimizer.base.work.executor import Executor
    from optimizer.plans.problem_source import problem_source
    from optimizer.problem.instance.changes import Changes

    listener = ProgressPrinter(silent=as_json)
    folder = None if out is None else COOPERATION.folder(out, scenario, overwrite=overwrite)
    with CommandInterrupts():
        source = problem_source(
            scenario,
            options=solve_options(method, gap, None, seed),
            settings=parsed_settings(settings or ()),
            language=language,
            skip_unreachable=skip_unreachable,
            listener=listener,
        )
        instance = Changes(budget_amounts(budget)).applied(source.instance)
        notes: list[str] = []
        starts = source.starts(instance, notes.append)
        finished = None
        if out is not None:
            digest = cooperation_digest(instance, source.solve, others, orders, time_limit, starts)
            finished = FinishedTasks.beside(out, digest, overwrite=overwrite)
        found = plan_coalitions(
            instance,
            source.solve,
            others=others,
            orders=orders,
            starts=starts,
            own_words=source.own_words,
            time_limit=time_limit,
            executor=Executor(jobs, scheduler),
            finished=finished,
            listener=listener,
        )
        if folder is not None and finished is not None:
            write_cooperation(folder, found, source.language)
            if found.complete:
                finished.remove()
    for warning in (*source.warnings, *notes):
        print_note(f"Warning: {warning}")
    if not found.complete:
        missing = sum(not each.solved for each in found.coalitions)
        print_note(
            f"{missing} of {len(found.coalitions)} coalitions were not solved; those have the bounds that the others prove."
        )
    if as_json:
        _print_lines(found, sites=sites)
    else:
        print_page(cooperation_page(found))
        if out is not None:
            print_line(f"Saved {out}")


def _print_lines(found: Cooperation, *, sites: bool) -> None:
    from optimizer.analysis.cooperation.output import coalition_line, share_line, site_line

    for coalition in found.coalitions:
        print_json(coalition_line(coalition))
    for share in found.shares:
        print_json(share_line(found, share))
    for gain in found.gains if sites else ():
        print_json(site_line(gain))
