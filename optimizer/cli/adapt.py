"""`adapt`: policies of planning again over the periods in which traffickers learn."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Any

import typer

from optimizer.base.choices import LearningName  # noqa: TC001 - typer reads the annotations
from optimizer.cli.arguments import Jobs, Json, Language, Overwrite, Scheduler, Settings, SkipUnreachable  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_page
from optimizer.cli.terminal import CommandInterrupts


def adapt(
    scenario: Annotated[Path, typer.Argument(help="Scenario (TOML), instance file (JSON) or plan folder.")],
    policies: Annotated[
        str | None,
        typer.Option(
            help="How planners plan again, with commas: today, hotspot, exact, mixed, explore, coverage (all if not given), fixed, random, "
            "fpl-ue, exp3."
        ),
    ] = None,
    periods: Annotated[int, typer.Option(help="Periods of a run, such as months.")] = 60,
    runs: Annotated[int, typer.Option(help="Runs of each policy.")] = 30,
    out: Annotated[Path | None, typer.Option(help="Folder to write: rows, figures, a page.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    learning: Annotated[LearningName | None, typer.Option(help="How traffickers learn.")] = None,
    rate: Annotated[float | None, typer.Option(help="How fast, from 0 to 1.")] = None,
    exploration: Annotated[
        float | None, typer.Option(help="Share of the days of `explore` and `fpl-ue` for what they teach, from 0 to 1.")
    ] = None,
    supply_response: Annotated[
        float | None, typer.Option(help="Share of lost loads that is sent again on top, from -1 to 1.")
    ] = None,
    loads: Annotated[float | None, typer.Option(help="Loads a period.")] = None,
    beats: Annotated[
        int | None, typer.Option(help="Beats of patrol teams that policies choose among; 0 leaves teams out.")
    ] = None,
    map_periods: Annotated[
        str | None,
        typer.Option(
            help="Periods of which the page has maps, with commas; six from the first to the last by default."
        ),
    ] = None,
    settings: Settings = None,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Simulate traffickers who learn from their losses against planners who plan again from their own records.

    What is not given is that of `[adapt]` in the scenario. With --out an interrupted command goes on where it stopped: give it again.
    """
    from optimizer.base.params import parsed_settings
    from optimizer.base.work.executor import Executor
    from optimizer.lab.adaptive.analysis.adapt import adapt as simulate_policies
    from optimizer.lab.adaptive.analysis.output import adapt_page

    asked: dict[str, Any] = {
        "learning": learning,
        "rate": rate,
        "exploration": exploration,
        "supply_response": supply_response,
        "loads": loads,
        "beats": beats,
    }
    with CommandInterrupts():
        found = simulate_policies(
            scenario,
            policies=None if policies is None else [name.strip() for name in policies.split(",") if name.strip()],
            periods=periods,
            runs=runs,
            seed=seed,
            terms={name: value for name, value in asked.items() if value is not None},
            map_periods=None if map_periods is None else _periods(map_periods),
            settings=parsed_settings(settings or ()),
            language=language,
            skip_unreachable=skip_unreachable,
            out=out,
            overwrite=overwrite,
            executor=Executor(jobs, scheduler),
            listener=ProgressPrinter(silent=as_json),
        )
    for note in found.notes:
        print_note(f"Note: {note}")
    if not found.complete:
        again = "" if out is None else " The same command goes on from here."
        print_note(f"Interrupted: not all runs were made; figures are of those that were.{again}")
    if as_json:
        for row in found.rows:
            print_json(row.content())
        return
    print_page(adapt_page(found))
    if out is not None:
        print_line(f"Saved {out}")


def _periods(text: str) -> list[int]:
    from optimizer.base.errors import InputError, Problem

    try:
        return [int(each) for each in text.split(",") if each.strip()]
    except ValueError:
        raise InputError(Problem("map periods", text, "whole numbers with commas, such as 1,12,60")) from None
