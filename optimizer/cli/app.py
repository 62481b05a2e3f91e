"""The commands. Nothing heavy is imported before a command runs: `--help` answers at once."""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.console import Sayer, bounds_text, number, print_json, print_table
from optimizer.errors import InfeasibleError, InputError, OptimizerError, ProblemList

if TYPE_CHECKING:
    from optimizer.instance import Instance
    from optimizer.pipeline.run import Planned
    from optimizer.result import Result

app = typer.Typer(
    name="interdict",
    help="Where to put checkpoints and patrols on a border's roads, with a proof of how good the plan is.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from optimizer.pipeline.outputs import package_version

        sys.stdout.write(package_version() + "\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """Where to put checkpoints and patrols on a border's roads, with a proof of how good the plan is."""
    del version  # its callback has answered


convert_app = typer.Typer(
    help="Turn other problems' files into instances.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(convert_app, name="convert")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line and nothing else on standard output.")]


class MethodName(StrEnum):
    """The methods of `optimizer.solvers.methods`, named here so that `--help` need not import them."""

    AUTO = "auto"
    COMPACT = "compact"
    GREEDY = "greedy"


class SchemaName(StrEnum):
    """The file formats with a schema."""

    INSTANCE = "instance"
    SCENARIO = "scenario"


Method = Annotated[MethodName | None, typer.Option(help="How to solve; auto if not given.")]
Gap = Annotated[float | None, typer.Option(min=0, max=1, help="Relative gap at which to stop, such as 0.01.")]
TimeLimit = Annotated[
    float | None, typer.Option(min=0.01, help="Seconds of solving; a plan's scenario has its own, `solve` none.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of every random choice.")]


INTERRUPTED = 130
"""What typer makes of Ctrl-C."""


def main() -> None:
    """Run the command line; errors of ours end with one message and their exit code, an interrupt without a plan with 3."""
    try:
        app()
    except SystemExit as stop:
        if stop.code != INTERRUPTED:
            raise
        sys.stderr.write("Interrupted before there was a plan.\n")
        sys.exit(3)
    except OptimizerError as error:
        _complain(error)
        sys.exit(error.exit_code)


@app.command()
def plan(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    out: Annotated[Path | None, typer.Option(help="Folder to write; results/<scenario's folder> if not given.")] = None,
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Plan a scenario: read, estimate, solve, judge, and write a folder with a report."""
    from optimizer.pipeline.run import plan_scenario

    folder = out or Path("results") / (scenario.resolve().parent.name or scenario.stem)
    sayer = Sayer(silent=as_json)
    options = _given(method, gap, time_limit, seed)
    try:
        planned = plan_scenario(scenario, folder, options=options, on_step=sayer.step, on_progress=sayer.progress)
    except (InfeasibleError, KeyboardInterrupt) as error:
        if as_json:
            print_json(_line(str(scenario), _no_plan(error, options)) | {"out": None})
        raise
    if planned.result.plan is None or not planned.result.plan.options:
        sys.stderr.write("Warning: the plan places nothing: no site fits the budgets, or none would help.\n")
    if as_json:
        print_json(_line(planned.compiled.instance.name, planned.result) | {"out": str(folder)})
    else:
        _show_plan(planned)


@app.command()
def solve(
    instances: Annotated[list[Path], typer.Argument(help="Instance files (JSON).")],
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Solve instance files."""
    from optimizer.solvers.methods import solve as solve_instance

    sayer = Sayer(silent=as_json)
    options = _given(method, gap, time_limit, seed)
    without_plan: InfeasibleError | KeyboardInterrupt | None = None
    for path, instance in _read_all(instances):
        sayer.step(f"solving {path}")
        try:
            result = solve_instance(instance, **options, on_progress=sayer.progress)
        except (InfeasibleError, KeyboardInterrupt) as error:
            result, without_plan = _no_plan(error, options), error
        if as_json:
            print_json(_line(str(path), result))
        else:
            _show_result(instance, result)
        if result.limit == "interrupted":
            break
    if without_plan is not None:
        raise without_plan


@app.command()
def evaluate(
    instance: Annotated[Path, typer.Argument(help="Instance file (JSON).")],
    plan: Annotated[Path, typer.Argument(help='plan.json, or any JSON with "options": [id, ...].')],
    as_json: Json = False,
) -> None:
    """Value any plan exactly on the full network, with every evader's best answer."""
    from optimizer.evaluation import evaluate as value_plan
    from optimizer.instance_file import read_instance
    from optimizer.plan import read_plan, violations

    problem = read_instance(instance)
    chosen = read_plan(plan, problem)
    evaluation = value_plan(problem, chosen)
    broken = violations(problem, problem.placed(chosen.options))
    for sentence in broken:
        sys.stderr.write(f"Warning: {sentence}\n")
    if as_json:
        evaders = [
            {"id": e.id, "weight": e.weight, "value": e.value, "route": list(e.route)} for e in evaluation.evaders
        ]
        print_json({"value": evaluation.value, "evaders": evaders})
        return
    worst = sorted(evaluation.evaders, key=lambda e: -e.weight * e.value)[:20]
    rows = [(e.id, number(e.weight), number(e.value), number(e.weight * e.value)) for e in worst]
    print_table(
        f"value {evaluation.value:.6g}; the evaders that contribute most",
        ["evader", "weight", "value", "contribution"],
        rows,
    )


@app.command()
def region(
    place: Annotated[str | None, typer.Option(help="Place name.")] = None,
    address: Annotated[str | None, typer.Option(help="Address, with --radius around it.")] = None,
    bbox: Annotated[str | None, typer.Option(metavar="W,S,E,N", help="Bounding box in degrees.")] = None,
    polygon: Annotated[Path | None, typer.Option(help="GeoJSON polygon.")] = None,
    file: Annotated[Path | None, typer.Option(help="OpenStreetMap extract: .osm or .osm.pbf.")] = None,
    network: Annotated[Path | None, typer.Option(help="Network: .gpkg or .graphml.")] = None,
    radius: Annotated[float, typer.Option(help="Metres around --address.")] = 5000,
    border: Annotated[str | None, typer.Option(help="GeoJSON of the border, or a country of the extract.")] = None,
    modes: Annotated[str, typer.Option(help="Of drive, service, track, foot, ferry; with commas.")] = "drive",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("results/region"),
    as_json: Json = False,
) -> None:
    """Build a region's network with its border, crossings, gateways and settlements, and save it as a GeoPackage."""
    from optimizer.files import check_folder
    from optimizer.region import save_region, summary
    from optimizer.scenario.model import RegionModel
    from optimizer.scenario.region_source import obtain_region
    from optimizer.schema import validated

    sources = {
        "--place": place,
        "--address": address,
        "--bbox": bbox,
        "--polygon": polygon,
        "--file": file,
        "--network": network,
    }
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        raise typer.BadParameter(f"give exactly one of {', '.join(sources)}; given: {', '.join(given) or 'none'}")
    check_folder(out, ["region.gpkg"])
    content = {
        "place": place,
        "address": address,
        "bbox": None if bbox is None else _four_numbers(bbox),
        "polygon": polygon,
        "file": file,
        "network": network,
        "radius_m": radius,
        "border": border,
        "modes": [mode.strip() for mode in modes.split(",") if mode.strip()],
    }
    model = validated(RegionModel, {name: value for name, value in content.items() if value is not None}, "options")
    Sayer(silent=as_json).step("building the network")
    built, _ = obtain_region(model, Path("options"))
    save_region(built, out / "region.gpkg")
    counts = summary(built)
    if as_json:
        print_json(counts)
        return
    rows = [(name, str(value)) for name, value in counts.items() if isinstance(value, int)]
    rows += [(f"crossings, {kind}", str(count)) for kind, count in counts["crossings"].items()]
    rows += [(f"dropped: {item['reason']}", str(item["count"])) for item in counts["dropped"]]
    print_table(f"Saved {out / 'region.gpkg'}", ["", "count"], rows)


@convert_app.command()
def snip(
    directory: Annotated[Path, typer.Option("--dir", help="Folder with the SNIP files.")],
    instance: Annotated[int, typer.Option(help="Instance number, 0 or 1.")],
    snipno: Annotated[int, typer.Option(min=1, max=4, help="Effect of a sensor.")],
    budget: Annotated[float, typer.Option(min=0, help="Number of sensors.")],
    out: Annotated[Path, typer.Option(help="Instance file to write.")],
    as_json: Json = False,
) -> None:
    """Turn a problem of the stochastic network interdiction benchmark into an instance."""
    from optimizer.instance_file import write_instance
    from optimizer.snip import snip_instance

    problem = snip_instance(directory, number=instance, snipno=snipno, budget=budget)
    write_instance(out, problem)
    counts = {
        "nodes": problem.n_nodes,
        "arcs": int(problem.tail.size),
        "options": len(problem.options),
        "evaders": len(problem.evaders),
    }
    if as_json:
        print_json({"out": str(out), **counts})
    else:
        print_table(f"Saved {out}", ["", "count"], [(name, str(count)) for name, count in counts.items()])


@app.command()
def schema(
    kind: Annotated[SchemaName, typer.Argument(help="Which format.")],
    out: Annotated[Path | None, typer.Option(help="File to write instead of standard output.")] = None,
    as_json: Json = False,
) -> None:
    """Print the JSON schema of a file format."""
    from optimizer.files import write_json
    from optimizer.instance_file import instance_schema
    from optimizer.scenario.model import scenario_schema

    content = instance_schema() if kind is SchemaName.INSTANCE else scenario_schema()
    if out is not None:
        write_json(out, content)
    elif as_json:
        print_json(content)
    else:
        import json

        sys.stdout.write(json.dumps(content, indent=2) + "\n")


@app.command()
def bench(
    itself: Annotated[
        bool, typer.Option("--self", help="Measure this program's own commands on this machine.")
    ] = False,
    extract: Annotated[Path | None, typer.Option(help="An extract whose reading to measure as well.")] = None,
    as_json: Json = False,
) -> None:
    """Measure how long the main commands take on this machine, beside their goals."""
    from optimizer.cli.measure import measure_self

    if not itself:
        raise typer.BadParameter("give --self: it is the only benchmark there is so far")
    rows = measure_self(extract)
    if as_json:
        for row in rows:
            print_json(asdict(row))
        return
    cells = [(row.what, _tenths(row.goal), _tenths(row.seconds), _tenths(row.peak_mb), row.note[:60]) for row in rows]
    print_table("On this machine", ["command", "goal s", "took s", "peak MB", ""], cells)


def _tenths(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _line(instance: str, result: Result) -> dict[str, Any]:
    """Return what `solve` and `plan` print with --json."""
    from optimizer.pipeline.outputs import package_version, result_summary

    plan = list(result.plan.options) if result.plan else []
    summary = {"instance": instance, **result_summary(result), "plan": plan, "seed": result.seed}
    return summary | {"version": package_version()}


def _read_all(paths: list[Path]) -> list[tuple[Path, Instance]]:
    """Read instance files; the problems of all of them are reported together."""
    from optimizer.instance_file import read_instance

    problems = ProblemList()
    read = []
    for path in paths:
        try:
            read.append((path, read_instance(path)))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return read


def _no_plan(error: BaseException, options: dict[str, Any]) -> Result:
    """Return the result of a solve that ended without a plan: infeasible, or interrupted before there was one."""
    from optimizer.result import Result

    interrupted = isinstance(error, KeyboardInterrupt)
    return Result(
        method=options.get("method", "auto"),
        status="unknown" if interrupted else "infeasible",
        limit="interrupted" if interrupted else None,
        plan=None,
        lower=None,
        upper=None,
        seconds=0.0,
        seed=options.get("seed", 0),
    )


def _given(method: MethodName | None, gap: float | None, time_limit: float | None, seed: int | None) -> dict[str, Any]:
    """Return the solve options that were given."""
    options = {"method": None if method is None else method.value, "gap": gap, "time_limit": time_limit, "seed": seed}
    return {name: value for name, value in options.items() if value is not None}


def _four_numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise typer.BadParameter(f"{text!r} is not W,S,E,N: four numbers in degrees, such as 1.4,42.4,1.8,42.7")
    return numbers


def _verdict(status: str, limit: str | None, lower: float | None, upper: float | None) -> str:
    ended = {None: "", "interrupted": " (interrupted)"}.get(limit, f" (stopped by its {limit} limit)")
    return f"{status}{ended}, {bounds_text(lower, upper)}"


def _show_result(instance: Instance, result: Result) -> None:
    chosen = result.plan.options if result.plan else ()
    rows = [(option, instance.options[instance.option_index[option]].label) for option in chosen]
    verdict = _verdict(result.status, result.limit, result.lower, result.upper)
    print_table(f"{instance.name}: {verdict}", ["option", "label"], rows)


def _show_plan(planned: Planned) -> None:
    """Print the sites of a plan with what each is worth, the layouts it is compared with, and where the files are."""
    compiled, result, judgement = planned.compiled, planned.result, planned.judgement
    instance = compiled.instance
    chosen = sorted(result.plan.options if result.plan else (), key=lambda option: -judgement.worths[option])
    rows = []
    for name in chosen:
        option = instance.options[instance.option_index[name]]
        rows.append((option.label or option.id, "today" if option.existing else "new", f"{judgement.worths[name]:.4f}"))
    print_table(
        f"{instance.name}: {_verdict(result.status, result.limit, result.lower, result.upper)}",
        ["site", "stands", "worth"],
        rows,
    )
    layouts = [("nothing placed", number(judgement.nothing.value))]
    if judgement.existing is not None:
        layouts.append(("today's layout", number(judgement.existing.value)))
    layouts += [("this plan", number(judgement.plan.value)), ("every site used", number(judgement.everything))]
    print_table("Value of each layout", ["layout", "value"], layouts)
    for warning in compiled.warnings:
        sys.stderr.write(f"Note: {warning}\n")
    sys.stdout.write(f"Report: {planned.folder / 'report.html'}\n")


def _complain(error: OptimizerError) -> None:
    lines = str(error).splitlines()
    head = "Error: " if len(lines) == 1 else f"{len(lines)} problems:\n  "
    sys.stderr.write(head + "\n  ".join(lines) + "\n")
