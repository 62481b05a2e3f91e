"""What several `convert` commands take and print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.console import print_json, print_note, print_table
from optimizer.cli.unreachable import note_unreachable, unreachable_json

if TYPE_CHECKING:
    from optimizer.lab.converters.saving import ConvertedInstance

Out = Annotated[Path, typer.Option(help="Instance file to write.")]
Options = Annotated[Path, typer.Option(help="Table of options (CSV; docs/instance.md has its columns).")]
Unit = Annotated[str, typer.Option(help="Unit of the network's numbers: s, min, h, m, km, mi, ft; or '0.1 m'.")]
PerHour = Annotated[
    float | None, typer.Option("--detection-per-hour", help="Detections an hour: r = exp(-rate * hours).")
]
PerKm = Annotated[float | None, typer.Option("--detection-per-km", help="Detections a kilometre, instead.")]
Speed = Annotated[float | None, typer.Option("--speed-kmh", help="Turns lengths into hours for --detection-per-hour.")]
Name = Annotated[str | None, typer.Option(help="Name of the instance; the network file's if not given.")]


def show_converted(saved: ConvertedInstance, source: Path, *, skip_unreachable: bool, as_json: bool) -> None:
    """Print how large an instance is that was made of a foreign file."""
    problem = saved.instance
    note_unreachable(source, saved.skipped)
    for remark in saved.remarks:
        print_note(f"Warning: {remark}")
    counts = {
        "nodes": problem.n_nodes,
        "arcs": int(problem.tail.size),
        "options": len(problem.options),
        "evaders": len(problem.evaders),
    }
    if as_json:
        print_json({"out": str(saved.file), **counts} | unreachable_json(saved.skipped, wanted=skip_unreachable))
    else:
        print_table(f"Saved {saved.file}", ["", "count"], [(name, str(count)) for name, count in counts.items()])
