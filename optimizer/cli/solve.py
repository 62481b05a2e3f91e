"""`solve`: instance files in, plans with bounds out; `evaluate`: the value of any plan;
`verify`: a certificate checked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.base.text.formatting import number
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
from optimizer.cli.commands import command
from optimizer.cli.console import (
    ProgressPrinter,
    note_unreachable,
    print_json,
    print_line,
    print_note,
    print_table,
    result_line,
    six_figures,
    unreachable_json,
    verdict,
)
from optimizer.cli.terminal import CommandInterrupts

if TYPE_CHECKING:
    from fractions import Fraction

    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.plan.result import Result


@command(
    "solve",
    "instances/grid/grid-10-plain-6.json",
    (
        "instances/grid/grid-10-plain-6.json instances/grid/grid-10-plain-12.json --gap"
        " 0.01 --time-limit 60 --json"
    ),
)
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
            help="File that receives a certificate of the bound, which `verify` checks.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Solve instance files."""
    from optimizer.certificate.check import stated
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
                print_json(
                    line
                    | (
                        {}
                        if certificate is None
                        else {"certified": certified_json(solved.certified)}
                    )
                )
            else:
                _show(source.instance, solved.result)
                if certificate is not None and solved.certified is not None:
                    print_note(f"Certificate {certificate}: {stated(*solved.certified)}.")


def _show(instance: Instance, result: Result) -> None:
    rows = [
        (placed.label or placed.id, placed.kind)
        for placed in (result.plan.placements if result.plan else ())
    ]
    print_table(f"{instance.name}: {verdict(result)}", ["placed", "kind"], rows)


WORST = 20
"""Evaders that are shown."""


@command("evaluate", "instances/grid/grid-10-plain-6.json instances/grid/grid-10-plain-6.sol.json")
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
            {"id": e.id, "weight": e.weight, "value": e.value, "route": list(e.route)}
            for e in evaluation.evaders
        ]
        print_json(
            {"value": evaluation.value, "evaders": evaders}
            | unreachable_json(skipped, wanted=skip_unreachable)
        )
        return
    worst = sorted(evaluation.evaders, key=lambda e: -e.weight * e.value)[:WORST]
    names = {evader.id: evader.label or evader.id for evader in evaluated.source.instance.evaders}
    rows = [
        (names[e.id], six_figures(e.weight), six_figures(e.value), six_figures(e.weight * e.value))
        for e in worst
    ]
    print_table(
        f"value {number(evaluation.value, 6)}; the evaders that contribute most",
        ["evader", "weight", "value", "contribution"],
        rows,
    )


@command("verify", "instances/grid/grid-10-plain-12.json grid.jsonl.gz", "results/my-border")
def verify(
    instance: Annotated[
        Path,
        typer.Argument(
            help=(
                "Instance file; or a folder: of a plan, or of instance files with certificates of"
                " their names."
            )
        ),
    ],
    certificate: Annotated[
        Path | None,
        typer.Argument(
            help="Certificate of `solve --certificate`; by default that of the plan folder."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a certificate: that its plan lets no more through than it says, and no plan
    less than its bound.

    The same as `python optimizer/certificate/check.py INSTANCE CERTIFICATE`, a program
    of one file that needs nothing but Python.
    """
    from optimizer.certificate.check import Fault, check, stated
    from optimizer.pipeline.solve import certificates_of

    pairs = certificates_of(instance, certificate)
    failed = False
    for problem, proof in pairs:
        named = {"file": proof.name} if len(pairs) > 1 else {}
        try:
            bounds = check(str(problem), str(proof))
        except Fault as fault:
            failed = True
            if as_json:
                print_json(named | {"certified": None, "fault": str(fault)})
            else:
                print_line(f"{proof.name}, {fault}")
            continue
        if as_json:
            print_json(named | {"certified": certified_json(bounds)})
        else:
            print_line(f"{proof.name}: {stated(*bounds)}" if named else stated(*bounds))
    if failed:
        raise typer.Exit(1)


def certified_json(bounds: tuple[Fraction, Fraction] | None) -> dict[str, Any] | None:
    """Return the bounds that a certificate proves, for `--json`; null where there are none."""
    return None if bounds is None else {"lower": float(bounds[0]), "value": float(bounds[1])}
