"""`simulate`: a world whose truth is known, and a record of searches in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.choices import EffortKind, WorldKind  # noqa: TC001 - typer reads the annotations
from optimizer.base.text.formatting import number
from optimizer.cli.arguments import Json, Overwrite  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter, print_json, print_table

if TYPE_CHECKING:
    from optimizer.lab.synthetic.simulate import Exercise


def simulate(
    source: Annotated[Path, typer.Argument(help="Network (.gpkg), extract (.osm.pbf) or scenario (.toml).")],
    world: Annotated[
        WorldKind,
        typer.Option(
            help="What the true risk consists of: flows; flows with masses that are not in any table; 60 % flows and 40 % local; local alone."
        ),
    ] = "mixed",
    effort: Annotated[
        EffortKind,
        typer.Option(
            help="Where is searched: uniformly; by habit; where seizures were made; so, with tips; so, with a fifth for exploration."
        ),
    ] = "feedback",
    seizures: Annotated[
        float, typer.Option(min=1, max=1e6, help="About how many seizures the record is to have.")
    ] = 400,
    months: Annotated[int, typer.Option(min=1, max=600, help="Length of the record, from January 2023.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    change: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLACE:FROM:FACTOR",
            help="Plant a change: from a month (2024-03) the rate of a segment, of LON,LAT or of a gateway is multiplied. Repeatable.",
        ),
    ] = None,
    border: Annotated[str | None, typer.Option(help="Of an extract: GeoJSON of the border, or a country.")] = None,
    modes: Annotated[
        str, typer.Option(help="Of an extract: drive, service, track, foot, ferry; with commas.")
    ] = "drive",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("results/simulated"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Make a truth on real roads and a record of searches in it, to try models on: seizures, effort, truth and a scenario."""
    from optimizer.lab.synthetic.simulate import simulate_records

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
        f"Saved {out}", ["", "count"], [(name.replace("_", " "), number(value, 6)) for name, value in counts.items()]
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
