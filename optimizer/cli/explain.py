"""`explain`: why a plan is as it is, site by site."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.arguments import (  # noqa: TC001 - typer reads the annotations
    Gap,
    Jobs,
    Json,
    Language,
    Overwrite,
    Param,
    ParamsFile,
    Scheduler,
    Seed,
    SkipUnreachable,
)
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_page
from optimizer.cli.terminal import CommandInterrupts, seconds_running

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS, SECONDS_OF_RECORDS = 60.0, 300.0
"""Time where none is said: for everything, and for the searches of plans for other records."""


def explain(
    plan: Annotated[Path, typer.Argument(help="Plan folder, as `plan` writes it.")],
    site: Annotated[
        list[str] | None,
        typer.Option(
            "--site", metavar="SITE[:KIND]", help="A site to explain, used or not, by its id or label; once for each."
        ),
    ] = None,
    others: Annotated[int | None, typer.Option(min=0, help="Sites that are not used to price as well (20).")] = None,
    evaders: Annotated[
        int | None, typer.Option(min=0, help="Evaders of whom the routes left are looked for (5).")
    ] = None,
    routes: Annotated[
        bool, typer.Option("--routes", help="With --json, a line for each of these evaders too.")
    ] = False,
    record: Annotated[
        int,
        typer.Option(
            min=0,
            help="Say in place of prices which sites rest on the record: plan again for so many records with permuted places, such as 4.",
        ),
    ] = 0,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            help="Seconds for everything, the start of the program too (60); with --record seconds of all searches, fits aside (300).",
        ),
    ] = None,
    gap: Gap = None,
    seed: Seed = None,
    params: ParamsFile = None,
    param: Param = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for explain.json, explain.csv and a page.")] = None,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    overwrite: Overwrite = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> None:
    """Say what each site of a plan adds, what would replace it, what others would cost, and which routes remain."""
    from optimizer.analysis.explain.explain import evader_line, explain_folder
    from optimizer.analysis.explain.output import EXPLANATION, explanation_page, option_line, write_explanation
    from optimizer.base.work.executor import LEAST_SECONDS, Executor
    from optimizer.plans.plan_folder import PlanFolder
    from optimizer.solvers.params import SolveParams

    if record and (site or routes or others is not None or evaders is not None):
        raise typer.BadParameter("--record prices no sites: leave --site, --others, --evaders and --routes out")
    spoken = PlanFolder(plan).language(language)
    seconds = time_limit or (SECONDS_OF_RECORDS if record else SECONDS)
    terms: dict[str, Any] = {
        "gap": 1e-4 if gap is None else gap,
        "time_limit": seconds if record else max(seconds - seconds_running(), LEAST_SECONDS),
        "seed": seed or 0,
        "params": SolveParams.given(params, param or ()),
        "skip_unreachable": skip_unreachable,
        "executor": Executor(jobs, scheduler),
        "listener": ProgressPrinter(silent=as_json),
    }
    if record:
        _explain_record(plan, out, spoken, terms | {"permutations": record}, overwrite=overwrite, as_json=as_json)
        return
    folder = None if out is None else EXPLANATION.folder(out, plan, overwrite=overwrite)
    with CommandInterrupts():
        explanation = explain_folder(
            plan,
            sites=site or (),
            others=20 if others is None else others,
            evaders=5 if evaders is None else evaders,
            **terms,
        )
        if folder is not None:
            write_explanation(folder, explanation, spoken)
    if as_json:
        for option in explanation.options:
            print_json(option_line(option))
        for evader in explanation.evaders if routes else ():
            print_json(evader_line(evader))
    else:
        print_page(explanation_page(explanation))
    if out is not None and not as_json:
        print_line(f"Saved {out}")
    missing = explanation.wanted - len(explanation.options)
    if missing:
        print_note(
            f"Warning: {missing} of {explanation.wanted} options are not priced. Give more time with --time-limit."
        )


def _explain_record(
    plan: Path, out: Path | None, language: str, terms: Mapping[str, Any], *, overwrite: bool, as_json: bool
) -> None:
    from optimizer.analysis.explain.record import (
        RECORD,
        record_support,
        support_content,
        support_page,
        write_support,
    )

    folder = None if out is None else RECORD.folder(out, plan, overwrite=overwrite)
    with CommandInterrupts():
        support = record_support(plan, **terms)
        if folder is not None:
            write_support(folder, support, language)
    if as_json:
        print_json(support_content(support))
        return
    print_page(support_page(support))
    if out is not None:
        print_line(f"Saved {out}")
