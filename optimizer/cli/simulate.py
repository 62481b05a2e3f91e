"""`simulate`: a made-up record whose truth is known; `adapt`: simulated traffickers who
adapt to plans.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.base.choices import (
    EffortKind,
    LearningName,
    WorldKind,
)
from optimizer.base.text.formatting import number
from optimizer.cli.arguments import (
    Jobs,
    Json,
    Language,
    Overwrite,
    Scheduler,
    Settings,
    SkipUnreachable,
)
from optimizer.cli.commands import command
from optimizer.cli.console import (
    ProgressPrinter,
    print_json,
    print_line,
    print_note,
    print_page,
    print_table,
)
from optimizer.cli.terminal import CommandInterrupts

if TYPE_CHECKING:
    from optimizer.lab.simulate import Exercise


@command(
    "simulate",
    "instances/rio-grande/network.gpkg --world mixed --effort feedback --seizures 400 --seed 1",
)
def simulate(
    source: Annotated[
        Path, typer.Argument(help="Network (.gpkg), extract (.osm.pbf) or scenario (.toml).")
    ],
    world: Annotated[
        WorldKind,
        typer.Option(
            help=(
                "What the true risk consists of: flows; flows with masses that are not in any"
                " table; 60 % flows and 40 % local; local alone."
            )
        ),
    ] = "mixed",
    effort: Annotated[
        EffortKind,
        typer.Option(
            help=(
                "Where is searched: uniformly; by habit; where seizures were made; so, with tips;"
                " so, with a fifth for exploration."
            )
        ),
    ] = "feedback",
    seizures: Annotated[
        float, typer.Option(min=1, max=1e6, help="About how many seizures the record is to have.")
    ] = 400,
    months: Annotated[
        int, typer.Option(min=1, max=600, help="Length of the record, from January 2023.")
    ] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    change: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLACE:FROM:FACTOR",
            help=(
                "Plant a change: from a month (2024-03) the rate of a segment, of LON,LAT or of a"
                " gateway is multiplied. Repeatable."
            ),
        ),
    ] = None,
    border: Annotated[
        str | None, typer.Option(help="Of an extract: GeoJSON of the border, or a country.")
    ] = None,
    modes: Annotated[
        str, typer.Option(help="Of an extract: drive, service, track, foot, ferry; with commas.")
    ] = "drive",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("results/simulated"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Make a truth on real roads and a record of searches in it, to try models on:
    seizures, effort, truth and a scenario.
    """
    from optimizer.lab.simulate import simulate_records

    saved = simulate_records(
        source,
        out,
        world=world,
        effort=effort,
        seizures=seizures,
        months=months,
        seed=seed,
        changes=change or [],
        border=border,
        modes=[mode.strip() for mode in modes.split(",") if mode.strip()],
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    counts = _counts(saved.exercise)
    if as_json:
        print_json({"out": str(out), "world": world, "effort": effort, "seed": seed} | counts)
        return
    print_table(
        f"Saved {out}",
        ["", "count"],
        [(name.replace("_", " "), number(value, 6)) for name, value in counts.items()],
    )


def _counts(exercise: Exercise) -> dict[str, float]:
    history = exercise.history
    return {
        "segments": history.effort.shape[1],
        "months": history.effort.shape[0],
        "searches": int(history.effort.sum()),
        "segments_searched": int(history.effort.any(axis=0).sum()),
        "seizures": int(history.found.sum()),
        "seizures_from_tips": int(history.tipped.sum()),
        "finds_per_search": round(exercise.per_search, 6),
        "changes": len(exercise.changes),
    }


@command(
    "adapt",
    "instances/rio-grande/scenario.toml --periods 12 --runs 2 --out results/rio-grande-adapt",
    (
        "instances/andorra/scenario.toml --policies mixed,explore,fpl-ue --learning"
        " best-reply --rate 0.5 --json"
    ),
)
def adapt(
    scenario: Annotated[
        Path, typer.Argument(help="Scenario (TOML), instance file (JSON) or plan folder.")
    ],
    policies: Annotated[
        str | None,
        typer.Option(
            help=(
                "How planners plan again, with commas: today, hotspot, exact, mixed, explore,"
                " coverage (all if not given), fixed, random, "
                "fpl-ue, exp3."
            )
        ),
    ] = None,
    periods: Annotated[int, typer.Option(help="Periods of a run, such as months.")] = 60,
    runs: Annotated[int, typer.Option(help="Runs of each policy.")] = 30,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write: rows, figures, a page.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    learning: Annotated[LearningName | None, typer.Option(help="How traffickers learn.")] = None,
    rate: Annotated[float | None, typer.Option(help="How fast, from 0 to 1.")] = None,
    exploration: Annotated[
        float | None,
        typer.Option(
            help="Share of the days of `explore` and `fpl-ue` for what they teach, from 0 to 1."
        ),
    ] = None,
    supply_response: Annotated[
        float | None,
        typer.Option(help="Share of lost loads that is sent again on top, from -1 to 1."),
    ] = None,
    loads: Annotated[float | None, typer.Option(help="Loads a period.")] = None,
    beats: Annotated[
        int | None,
        typer.Option(help="Beats of patrol teams that policies choose among; 0 leaves teams out."),
    ] = None,
    map_periods: Annotated[
        str | None,
        typer.Option(
            help=(
                "Periods of which the page has maps, with commas; six from the first to the last by"
                " default."
            )
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
    """Simulate traffickers who learn from their losses against planners who plan again
    from their own records.

    What is not given is that of `[adapt]` in the scenario. With --out an interrupted
    command goes on where it stopped: give it again.
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
            policies=(
                None
                if policies is None
                else [name.strip() for name in policies.split(",") if name.strip()]
            ),
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
    if as_json:
        for row in found.rows:
            print_json(row.content())
    else:
        print_page(adapt_page(found))
        if out is not None:
            print_line(f"Saved {out}")
    for note in found.notes:
        print_note(f"Note: {note}")
    if not found.complete:
        again = "" if out is None else " The same command goes on from here."
        print_note(f"Interrupted: not all runs were made; figures are of those that were.{again}")


def _periods(text: str) -> list[int]:
    from optimizer.base.errors import InputError, Problem

    try:
        return [int(each) for each in text.split(",") if each.strip()]
    except ValueError:
        raise InputError(
            Problem("map periods", text, "whole numbers with commas, such as 1,12,60")
        ) from None
