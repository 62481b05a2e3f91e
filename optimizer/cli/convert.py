"""`convert`: other people's problem files into instance files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Budgets, Json, SkipUnreachable, amounts
from optimizer.cli.console import print_json, print_table
from optimizer.cli.skipping import Skipper

if TYPE_CHECKING:
    from optimizer.problem.instance import Instance

convert_app = typer.Typer(
    help="Turn other problems' files into instances.", no_args_is_help=True, rich_markup_mode=None
)

Out = Annotated[Path, typer.Option(help="Instance file to write.")]
Options = Annotated[Path, typer.Option(help="Table of options (CSV; docs/instance.md has its columns).")]
Unit = Annotated[str, typer.Option(help="Unit of the network's numbers: s, min, h, m, km, mi, ft; or '0.1 m'.")]
PerHour = Annotated[float | None, typer.Option("--detection-per-hour", help="Finds an hour: r = exp(-rate * hours).")]
PerKm = Annotated[float | None, typer.Option("--detection-per-km", help="Finds a kilometre, instead.")]
Speed = Annotated[float | None, typer.Option("--speed-kmh", help="Turns lengths into hours for --detection-per-hour.")]
Name = Annotated[str | None, typer.Option(help="Name of the instance; the network file's if not given.")]


@convert_app.command()
def snip(
    directory: Annotated[Path, typer.Option("--dir", help="Folder with the SNIP files.")],
    instance: Annotated[int, typer.Option(help="Instance number, 0 or 1.")],
    snipno: Annotated[int, typer.Option(min=1, max=4, help="Effect of a sensor.")],
    budget: Annotated[float, typer.Option(min=0, help="Number of sensors.")],
    out: Out,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Turn a problem of the stochastic network interdiction benchmark into an instance."""
    from optimizer.lab.converters.snip import snip_instance

    _check_place(out)
    skipper = Skipper(directory, wanted=skip_unreachable)
    problem = snip_instance(
        directory, number=instance, snipno=snipno, budget=budget, on_unreachable=skipper.on_unreachable
    )
    _save(problem, out, skipper, as_json=as_json)


@convert_app.command()
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
    from optimizer.lab.converters.road_instance import Placement, dimacs_instance

    _check_place(out)
    skipper = Skipper(graph, wanted=skip_unreachable)
    rate = hazard(unit, per_hour=detection_per_hour, per_km=detection_per_km, speed_kmh=speed_kmh)
    problem = dimacs_instance(
        graph,
        Placement(options, budgets, rate),
        evaders,
        coordinates=coordinates,
        name=name,
        on_unreachable=skipper.on_unreachable,
    )
    _save(problem, out, skipper, as_json=as_json)


@convert_app.command()
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
    from optimizer.lab.converters.road_instance import Placement, tntp_instance

    _check_place(out)
    skipper = Skipper(network, wanted=skip_unreachable)
    rate = hazard(unit, per_hour=detection_per_hour, per_km=detection_per_km, speed_kmh=speed_kmh)
    problem = tntp_instance(
        network,
        Placement(options, budgets, rate),
        trips=trips,
        evaders=evaders,
        nodes=nodes,
        name=name,
        on_unreachable=skipper.on_unreachable,
    )
    _save(problem, out, skipper, as_json=as_json)


def _check_place(out: Path) -> None:
    """Refuse a file that cannot be written before the work whose outcome it is to hold."""
    from optimizer.base.files import check_folder

    check_folder(out.parent, [out.name])


def _save(problem: Instance, out: Path, skipper: Skipper, *, as_json: bool) -> None:
    """Write an instance and say how large it is."""
    from optimizer.problem.instance_file import write_instance

    write_instance(out, problem)
    counts = {
        "nodes": problem.n_nodes,
        "arcs": int(problem.tail.size),
        "options": len(problem.options),
        "evaders": len(problem.evaders),
    }
    if as_json:
        print_json({"out": str(out), **counts} | skipper.json)
    else:
        print_table(f"Saved {out}", ["", "count"], [(name, str(count)) for name, count in counts.items()])
