"""`plan`: from a scenario to a folder with a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.errors import InfeasibleError
from optimizer.cli.arguments import Gap, Json, Method, Seed, SkipUnreachable, TimeLimit, solve_options
from optimizer.cli.console import ProgressPrinter, number, print_json, print_table
from optimizer.cli.outcome import result_line, verdict
from optimizer.cli.unreachable import note_unreachable, unreachable_json

if TYPE_CHECKING:
    from optimizer.pipeline.plan import Planned


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
    """Plan a scenario: read, estimate risk, solve, evaluate, and write a folder with a report."""
    from optimizer.pipeline.plan import plan_scenario
    from optimizer.pipeline.solve import result_without_plan

    folder = out or Path("results") / (scenario.resolve().parent.name or scenario.stem)
    options = solve_options(method, gap, time_limit, seed)
    try:
        planned = plan_scenario(
            scenario,
            folder,
            options=options,
            skip_unreachable=skip_unreachable,
            listener=ProgressPrinter(silent=as_json),
        )
    except (InfeasibleError, KeyboardInterrupt) as error:
        if as_json:
            print_json(result_line(str(scenario), result_without_plan(error, options)) | {"out": None})
        raise
    if planned.result.plan is None or not planned.result.plan.options:
        sys.stderr.write("Warning: the plan places nothing: no site fits the budgets, or none would help.\n")
    if as_json:
        skipped = planned.compiled.skipped
        if skip_unreachable:  # without --json the scenario's own warnings say it
            note_unreachable(scenario, skipped)
        line = result_line(planned.compiled.instance.name, planned.result)
        print_json(line | {"out": str(folder)} | unreachable_json(skipped, wanted=skip_unreachable))
    else:
        _show(planned)


def _show(planned: Planned) -> None:
    """Print the sites and beats of a plan with their marginal values, the layouts it is compared with, and where the files are."""
    compiled, result, comparison = planned.compiled, planned.result, planned.comparison
    instance = compiled.instance
    fixed, beats = (result.plan.fixed, result.plan.beats) if result.plan else ((), ())
    rows = [
        (placed.label, "today" if placed.existing else "new", f"{comparison.marginal_values[placed.id]:.4f}")
        for placed in sorted(fixed, key=lambda placed: -comparison.marginal_values[placed.id])
    ]
    print_table(f"{instance.name}: {verdict(result)}", ["site", "stands", "marginal value"], rows)
    if beats:
        _show_beats(planned)
    layouts = [("nothing placed", number(comparison.nothing.value))]
    if comparison.existing is not None:
        layouts.append(("today's layout", number(comparison.existing.value)))
    everything = "every site used" + (", with these beats" if beats else "")
    layouts += [("this plan", number(comparison.plan.value)), (everything, number(comparison.everything))]
    print_table("Value of each layout", ["layout", "value"], layouts)
    for warning in compiled.warnings:
        sys.stderr.write(f"Note: {warning}\n")
    sys.stdout.write(f"Report: {planned.folder / 'report.html'}\n")


def _show_beats(planned: Planned) -> None:
    """Print the beats of a plan, lettered as in the report: team, base, posts with times from the start of the shift, marginal value."""
    from optimizer.base.formatting import clock, letter, plain
    from optimizer.pipeline.display_names import DisplayNames
    from optimizer.pipeline.patrol_briefing import beat_rows
    from optimizer.report.content import driven_order

    assert planned.result.plan is not None  # noqa: S101 - without a plan there are no beats to show
    names = DisplayNames.of(planned.compiled)
    rows = [
        (
            f"{letter(place)}: {plain(beat.team)}\nfrom {plain(beat.base)}",
            "\n".join(f"{plain(stop.label)}, {clock(stop.arrive_s)} to {clock(stop.leave_s)}" for stop in beat.stops),
            clock(beat.back_s),
            "-" if beat.marginal_value is None else f"{beat.marginal_value:.4f}",
        )
        for place, beat in enumerate(driven_order(beat_rows(planned.result.plan, planned.comparison, names)))
    ]
    columns = ["beat", "posts (h:mm from the start of the shift)", "back", "marginal value"]
    print_table("Beats", columns, rows)
