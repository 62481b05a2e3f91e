"""`convert`: other people's problem files into instance files (SNIP, shortest-path interdiction, DIMACS, TNTP)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Budgets, Json, SkipUnreachable, budget_amounts
from optimizer.cli.commands import add_command
from optimizer.cli.console import note_unreachable, print_json, print_note, print_table, unreachable_json

if TYPE_CHECKING:
    from optimizer.lab.converters.road_instance import ConvertedInstance

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


def snip(
    directory: Annotated[Path, typer.Option("--dir", help="Folder with the SNIP files.")],
    instance: Annotated[
        str, typer.Option(help="N of arcgainN.txt and intd_arcN.txt, or NAME of nonint_NAME.txt and int_NAME.txt.")
    ],
    snipno: Annotated[int, typer.Option(min=1, max=4, help="Effect of a sensor.")],
    budget: Annotated[float, typer.Option(min=0, help="Number of sensors.")],
    out: Out,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Turn a problem of the stochastic network interdiction benchmark into an instance."""
    from optimizer.lab.converters.road_instance import save_converted
    from optimizer.lab.converters.snip import snip_instance

    saved = save_converted(
        out,
        lambda on_unreachable, _: snip_instance(
            directory, number=instance, snipno=snipno, budget=budget, on_unreachable=on_unreachable
        ),
        skip_unreachable=skip_unreachable,
    )
    show_converted(saved, directory, skip_unreachable=skip_unreachable, as_json=as_json)


def spni(
    arcs: Annotated[Path, typer.Argument(help="Arcs: tail, head, length, delay and cost, with blanks or tabs.")],
    source: Annotated[int, typer.Option(help="Number of the node where the path begins.")],
    sink: Annotated[int, typer.Option(help="Number of the node where it ends.")],
    budget: Annotated[float, typer.Option(min=0, help="What interdictions may cost together.")],
    out: Out,
    as_json: Json = False,
) -> None:
    """Turn a problem of shortest-path interdiction into an instance."""
    from optimizer.lab.converters.road_instance import save_converted
    from optimizer.lab.converters.spni import spni_instance

    saved = save_converted(
        out,
        lambda _, remarks: spni_instance(arcs, source=source, sink=sink, budget=budget, remarks=remarks),
    )
    show_converted(saved, arcs, skip_unreachable=False, as_json=as_json)


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
    budgets = budget_amounts(budget)
    from optimizer.lab.converters.road_instance import InstanceInputs, dimacs_instance, hazard, save_converted

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
    budgets = budget_amounts(budget)
    if (trips is None) == (evaders is None):
        raise typer.BadParameter("give exactly one of --trips and --evaders")
    from optimizer.lab.converters.road_instance import InstanceInputs, hazard, save_converted, tntp_instance

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


convert_app = typer.Typer(
    help="Turn other problems' files into instances.", no_args_is_help=True, rich_markup_mode=None
)

for command in (snip, spni, dimacs, tntp):
    add_command(convert_app, command, group="convert")
