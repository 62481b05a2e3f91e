"""`convert tntp`: a road network in the TNTP format."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from optimizer.cli.arguments import Budgets, Json, SkipUnreachable, amounts
from optimizer.cli.convert_arguments import Name, Options, Out, PerHour, PerKm, Speed, Unit, show_converted


def tntp(
    network: Annotated[Path, typer.Argument(help="Network (*_net.tntp).")],
    options: Options,
    unit: Unit,
    out: Out,
    trips: Annotated[Path | None, typer.Option(help="Trips (*_trips.tntp): who travels, and their weights.")] = None,
    evaders: Annotated[Path | None, typer.Option(help="Table of evaders (CSV), instead of trips.")] = None,
    budget: Budgets = None,
    detection_per_hour: PerHour = None,
    detection_per_km: PerKm = None,
    speed_kmh: Speed = None,
    nodes: Annotated[Path | None, typer.Option(help="Nodes (*_node.tntp) in degrees, for drawing.")] = None,
    name: Name = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Turn a road network in the TNTP format, with a table of options, into an instance."""
    budgets = amounts(budget)
    if (trips is None) == (evaders is None):
        raise typer.BadParameter("give exactly one of --trips and --evaders")
    from optimizer.lab.converters.hazard import hazard
    from optimizer.lab.converters.road_instance import InstanceInputs, tntp_instance
    from optimizer.lab.converters.saving import save_converted

    rate = hazard(unit, per_hour=detection_per_hour, per_km=detection_per_km, speed_kmh=speed_kmh)
    saved = save_converted(
        out,
        lambda on_unreachable, remarks: tntp_instance(
            network,
            InstanceInputs(options, budgets, rate),
            trips=trips,
            evaders=evaders,
            nodes=nodes,
            name=name,
            on_unreachable=on_unreachable,
            remarks=remarks,
        ),
        skip_unreachable=skip_unreachable,
    )
    show_converted(saved, network, skip_unreachable=skip_unreachable, as_json=as_json)
