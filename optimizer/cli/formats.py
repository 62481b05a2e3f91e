"""Files for other programs: `export` and `qgis` (a plan), `convert` (published
instances), `schema` (the formats of this one).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from optimizer.cli.arguments import (
    Budgets,
    Json,
    Language,
    Overwrite,
    PlanFolderPath,
    SkipUnreachable,
    budget_amounts,
)
from optimizer.cli.commands import command, group
from optimizer.cli.console import (
    ProgressPrinter,
    note_unreachable,
    print_json,
    print_line,
    print_note,
    print_table,
    unreachable_json,
)

if TYPE_CHECKING:
    from optimizer.problem.files.instance_file import ReadInstance


@command(
    "export",
    "results/rio-grande",
    (
        "results/rio-grande --alerts results/rio-grande-alerts --no-figures --out"
        " results/rio-grande-layers"
    ),
)
def export(
    plan_folder: PlanFolderPath,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; PLAN_FOLDER/export if not given.")
    ] = None,
    scenario: Annotated[
        Path | None,
        typer.Option(help="Scenario file; by default the one that the folder was made of."),
    ] = None,
    alerts: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder that `risk alerts` wrote, for a layer of alerts."),
    ] = None,
    figures: Annotated[
        bool, typer.Option(help="Draw the figures as SVG, PDF and PNG, which takes longest.")
    ] = True,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a plan as GeoPackage with styles, QGIS project, GeoJSON and CSV, and its
    figures as SVG and PDF.
    """
    from optimizer.pipeline.export import PROJECT, export_plan

    made = export_plan(
        plan_folder,
        out=out,
        scenario=scenario,
        alerts=alerts,
        figures=figures,
        language=language,
        skip_unreachable=skip_unreachable,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if as_json:
        print_json(
            {
                "out": str(made.folder),
                "rows": made.rows,
                "absent": made.absent,
                "files": list(made.files),
                "notes": list(made.notes),
            }
        )
        return
    print_table(
        f"{made.folder}: {len(made.files)} files",
        ["table", "rows"],
        [(n, str(k)) for n, k in made.rows.items()],
    )
    for name, why in made.absent.items():
        print_note(f"Note: no {name}: {why}")
    for note in made.notes:
        print_note(f"Warning: {note}")
    print_line(f"Open {made.folder / PROJECT} in QGIS")


@command("qgis", "--out results/interdict-qgis.zip")
def qgis(
    out: Annotated[Path, typer.Option(help="Archive to write.")] = Path("interdict-qgis.zip"),
    email: Annotated[str, typer.Option(help="Whom its users may write to.")] = "",
    tracker: Annotated[str, typer.Option(help="Web address where they report faults.")] = "",
    repository: Annotated[str, typer.Option(help="Web address of its source.")] = "",
) -> None:
    """Write the QGIS plugin: Processing algorithms that build regions, plan, evaluate
    and draw budget curves.
    """
    from optimizer.base.files.readwrite import check_file, written_whole
    from optimizer.report.qgis.archive import Contact, plugin_archive

    contact = Contact(email, tracker, repository)
    archive = plugin_archive(contact)
    check_file(out)
    with written_whole(out) as temporary:
        temporary.write_bytes(archive)
    print_line(f"Saved {out}. In QGIS: Plugins, Manage and Install Plugins, Install from ZIP")
    if contact.missing:
        options = ", ".join(f"--{name}" for name in contact.missing)
        print_note(
            f"Note: it names no {', '.join(contact.missing)}; a public plugin repository asks for"
            f" them ({options})"
        )


Out = Annotated[Path, typer.Option(help="Instance file to write.")]

Options = Annotated[
    Path, typer.Option(help="Table of options (CSV; docs/instance.md has its columns).")
]

Unit = Annotated[
    str, typer.Option(help="Unit of the network's numbers: s, min, h, m, km, mi, ft; or '0.1 m'.")
]

PerHour = Annotated[
    float | None,
    typer.Option("--detection-per-hour", help="Detections an hour: r = exp(-rate * hours)."),
]

PerKm = Annotated[
    float | None, typer.Option("--detection-per-km", help="Detections a kilometre, instead.")
]

Speed = Annotated[
    float | None,
    typer.Option("--speed-kmh", help="Turns lengths into hours for --detection-per-hour."),
]

Name = Annotated[
    str | None, typer.Option(help="Name of the instance; the network file's if not given.")
]


def show_converted(
    saved: ReadInstance, source: Path, *, skip_unreachable: bool, as_json: bool
) -> None:
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
        print_json(
            {"out": str(saved.file), **counts}
            | unreachable_json(saved.skipped, wanted=skip_unreachable)
        )
    else:
        print_table(
            f"Saved {saved.file}",
            ["", "count"],
            [(name, str(count)) for name, count in counts.items()],
        )


group(
    "convert",
    "Turn other problems' files into instances.",
    "snip --dir snip --instance 0 --snipno 1 --budget 30 --out snip-0-1-30.json",
)


@command("convert snip", "--dir snip --instance 0 --snipno 1 --budget 30 --out snip-0-1-30.json")
def snip(
    directory: Annotated[Path, typer.Option("--dir", help="Folder with the SNIP files.")],
    instance: Annotated[
        str,
        typer.Option(
            help="N of arcgainN.txt and intd_arcN.txt, or NAME of nonint_NAME.txt and int_NAME.txt."
        ),
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


@command("convert spni", "arcs.txt --source 0 --sink 24 --budget 5 --out grid.json")
def spni(
    arcs: Annotated[
        Path, typer.Argument(help="Arcs: tail, head, length, delay and cost, with blanks or tabs.")
    ],
    source: Annotated[int, typer.Option(help="Number of the node where the path begins.")],
    sink: Annotated[int, typer.Option(help="Number of the node where it ends.")],
    budget: Annotated[float, typer.Option(min=0, help="What interdictions may cost together.")],
    out: Out,
    as_json: Json = False,
) -> None:
    """Turn a problem of shortest-path interdiction into an instance."""
    from optimizer.lab.converters.road_instance import save_converted
    from optimizer.lab.converters.snip import spni_instance

    saved = save_converted(
        out,
        lambda _, remarks: spni_instance(
            arcs, source=source, sink=sink, budget=budget, remarks=remarks
        ),
    )
    show_converted(saved, arcs, skip_unreachable=False, as_json=as_json)


@command(
    "convert dimacs",
    (
        "usa.gr --options posts.csv --evaders loads.csv --unit '0.1 m' --detection-per-km"
        " 0.001 --budget teams=5 --out us.json"
    ),
)
def dimacs(
    graph: Annotated[Path, typer.Argument(help="Graph (.gr or .gr.gz).")],
    options: Options,
    evaders: Annotated[
        Path, typer.Option(help="Table of evaders (CSV: origin, destination, weight).")
    ],
    unit: Unit,
    out: Out,
    budget: Budgets = None,
    detection_per_hour: PerHour = None,
    detection_per_km: PerKm = None,
    speed_kmh: Speed = None,
    coordinates: Annotated[
        Path | None, typer.Option(help="Coordinates (.co), for drawing.")
    ] = None,
    name: Name = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Turn a road network of the DIMACS shortest-path challenge, with a table of
    options, into an instance.
    """
    budgets = budget_amounts(budget)
    from optimizer.lab.converters.road_instance import (
        InstanceInputs,
        dimacs_instance,
        hazard,
        save_converted,
    )

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


@command(
    "convert tntp",
    (
        "net.tntp --trips trips.tntp --options stations.csv --unit min"
        " --detection-per-hour 0.5 --budget teams=5 --out town.json"
    ),
)
def tntp(
    network: Annotated[Path, typer.Argument(help="Network (*_net.tntp).")],
    options: Options,
    unit: Unit,
    out: Out,
    trips: Annotated[
        Path | None, typer.Option(help="Trips (*_trips.tntp): who travels, and their weights.")
    ] = None,
    evaders: Annotated[
        Path | None, typer.Option(help="Table of evaders (CSV), instead of trips.")
    ] = None,
    budget: Budgets = None,
    detection_per_hour: PerHour = None,
    detection_per_km: PerKm = None,
    speed_kmh: Speed = None,
    nodes: Annotated[
        Path | None, typer.Option(help="Nodes (*_node.tntp) in degrees, for drawing.")
    ] = None,
    name: Name = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Turn a road network in the TNTP format, with a table of options, into an instance."""
    budgets = budget_amounts(budget)
    if (trips is None) == (evaders is None):
        raise typer.BadParameter("give exactly one of --trips and --evaders")
    from optimizer.lab.converters.road_instance import (
        InstanceInputs,
        hazard,
        save_converted,
        tntp_instance,
    )

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


FileFormat: TypeAlias = Literal["instance", "plan", "scenario"]
"""Formats that have a schema."""


@command("schema", "scenario", "instance --out results/instance-schema.json")
def schema(
    kind: Annotated[FileFormat, typer.Argument(help="Which format.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write instead of standard output.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the JSON schema of a file format."""
    from optimizer.base.files.readwrite import write_json
    from optimizer.problem.files.instance_file import instance_schema
    from optimizer.problem.files.plan_file import plan_schema
    from optimizer.scenario.file.model import scenario_schema

    content = {"instance": instance_schema, "plan": plan_schema, "scenario": scenario_schema}[
        kind
    ]()
    if out is not None:
        write_json(out, content)
    elif as_json:
        print_json(content)
    else:
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
