"""`convert dimacs`: a road network of the DIMACS shortest-path challenge."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from optimizer.cli.arguments import Budgets, Json, SkipUnreachable, amounts
from optimizer.cli.convert_arguments import Name, Options, Out, PerHour, PerKm, Speed, Unit, show_converted


def dimacs(
    graph: Annotated[Path, typer.Argument(help="Graph (.gr or .gr.gz).")],
    options: Options,
    evaders: Annotated[Path, typer.Option(help="Table of evaders (CSV: origin, destination, weight).")],
    unit: Unit,
    out: Out,
    budget: Budgets = None,
    detection_per_hour: PerHour = None,
    detection_per_km: PerKm = None,
    speed_kmh: Speed = None,
    coordinates: Annotated[Path | None, typer.Option(help="Coordinates (.co), for drawing.")] = None,
    name: Name = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Turn a road network of the DIMACS shortest-path challenge, with a table of options, into an instance."""
    budgets = amounts(budget)
    from optimizer.lab.converters.hazard import hazard
    from optimizer.lab.converters.road_instance import InstanceInputs, dimacs_instance
    from optimizer.lab.converters.saving import save_converted

    rate = hazard(unit, per_hour=detection_per_hour, per_km=detection_per_km, speed_kmh=speed_kmh)
    saved = save_converted(
        out,
        lambda on_unreachable, remarks: dimacs_instance(
            graph,
            InstanceInputs(options, budgets, rate),
            evaders,
            coordinates=coordinates,
            name=name,
            on_unreachable=on_unreachable,
            remarks=remarks,
        ),
        skip_unreachable=skip_unreachable,
    )
    show_converted(saved, graph, skip_unreachable=skip_unreachable, as_json=as_json)
