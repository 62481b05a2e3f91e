"""`solve`: instance files in, plans with bounds out."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import (
    Budgets,
    ChangeAtMost,
    Forbid,
    Force,
    Gap,
    Json,
    KeepToday,
    Ledger,
    Method,
    Param,
    ParamsFile,
    Scheduler,
    Seed,
    SkipUnreachable,
    Start,
    Support,
    Threads,
    TimeLimit,
    changes_of,
    solve_options,
)
from optimizer.cli.console import (
    ProgressPrinter,
    note_unreachable,
    print_json,
    print_note,
    print_table,
    result_line,
    unreachable_json,
    verdict,
)
from optimizer.cli.terminal import CommandInterrupts

if TYPE_CHECKING:
    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.result import Result


def solve(
    instances: Annotated[list[Path], typer.Argument(help="Instance files (JSON).")],
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    threads: Threads = None,
    scheduler: Scheduler = None,
    support: Support = None,
    params: ParamsFile = None,
    param: Param = None,
    budget: Budgets = None,
    force: Force = None,
    forbid: Forbid = None,
    keep_today: KeepToday = False,
    change_at_most: ChangeAtMost = None,
    start: Start = None,
    skip_unreachable: SkipUnreachable = False,
    ledger: Ledger = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File that receives a certificate of the bound, which `verify` checks; the search runs in one process.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Solve instance files."""
    from optimizer.certificate.check import stated
    from optimizer.cli.verify import certified_json
    from optimizer.pipeline.solve import solve_files
    from optimizer.solvers.params import SolveParams

    options = solve_options(method, gap, time_limit, seed, threads, scheduler, support)
    options["params"] = SolveParams.read(params, param or ())
    changes = changes_of(budget, force, forbid, keep_today, change_at_most)
    for sentence in changes.sentences:
        print_note(f"As asked: {sentence}.")
    series = solve_files(
        instances,
        options=options,
        changes=changes,
        start=start,
        skip_unreachable=skip_unreachable,
        ledger=ledger,
        certificate=certificate,
        listener=ProgressPrinter(silent=as_json),
    )
    with CommandInterrupts():
        for solved in series:
            source = solved.source
            note_unreachable(source.file, source.skipped)
            if as_json:
                line = result_line(str(source.file), solved.result)
                line |= unreachable_json(source.skipped, wanted=skip_unreachable)
                print_json(line | ({} if certificate is None else {"certified": certified_json(solved.certified)}))
            else:
                _show(source.instance, solved.result)
                if certificate is not None and solved.certified is not None:
                    print_note(f"Certificate {certificate}: {stated(*solved.certified)}.")


def _show(instance: Instance, result: Result) -> None:
    rows = [(placed.label or placed.id, placed.kind) for placed in (result.plan.placements if result.plan else ())]
    print_table(f"{instance.name}: {verdict(result)}", ["placed", "kind"], rows)
