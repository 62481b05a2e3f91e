"""`plan`: from a scenario to a folder with a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Gap, Json, Method, Seed, SkipUnreachable, TimeLimit, solve_options
from optimizer.cli.console import Sayer, number, print_json, print_table
from optimizer.cli.outcome import result_line, verdict, without_plan
from optimizer.cli.skipping import Skipper
from optimizer.errors import InfeasibleError

if TYPE_CHECKING:
    from optimizer.pipeline.run import Planned


def plan(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    out: Annotated[Path | None, typer.Option(help="Folder to write; results/<scenario's folder> if not given.")] = None,
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Plan a scenario: read, estimate, solve, judge, and write a folder with a report."""
    from optimizer.pipeline.run import plan_scenario

    folder = out or Path("results") / (scenario.resolve().parent.name or scenario.stem)
    sayer = Sayer(silent=as_json)
    options = solve_options(method, gap, time_limit, seed)
    try:
        planned = plan_scenario(
            scenario,
            folder,
            options=options,
            skip_unreachable=skip_unreachable,
            on_step=sayer.step,
            on_progress=sayer.progress,
        )
    except (InfeasibleError, KeyboardInterrupt) as error:
        if as_json:
            print_json(result_line(str(scenario), without_plan(error, options)) | {"out": None})
        raise
    if planned.result.plan is None or not planned.result.plan.options:
        sys.stderr.write("Warning: the plan places nothing: no site fits the budgets, or none would help.\n")
    if as_json:
        skipper = Skipper(scenario, wanted=skip_unreachable)
        skipper.tell(planned.compiled.skipped)  # without --json the scenario's own warnings say it
        line = result_line(planned.compiled.instance.name, planned.result)
        print_json(line | {"out": str(folder)} | skipper.json)
    else:
        _show(planned)


def _show(planned: Planned) -> None:
    """Print the sites of a plan with what each is worth, the layouts it is compared with, and where the files are."""
    compiled, result, judgement = planned.compiled, planned.result, planned.judgement
    instance = compiled.instance
    chosen = sorted(result.plan.options if result.plan else (), key=lambda option: -judgement.worths[option])
    rows = []
    for name in chosen:
        option = instance.options[instance.option_index[name]]
        rows.append((option.label or option.id, "today" if option.existing else "new", f"{judgement.worths[name]:.4f}"))
    print_table(f"{instance.name}: {verdict(result)}", ["site", "stands", "worth"], rows)
    layouts = [("nothing placed", number(judgement.nothing.value))]
    if judgement.existing is not None:
        layouts.append(("today's layout", number(judgement.existing.value)))
    layouts += [("this plan", number(judgement.plan.value)), ("every site used", number(judgement.everything))]
    print_table("Value of each layout", ["layout", "value"], layouts)
    for warning in compiled.warnings:
        sys.stderr.write(f"Note: {warning}\n")
    sys.stdout.write(f"Report: {planned.folder / 'report.html'}\n")
