"""The `bench` command: the methods on families of instances, and this program's own commands, measured."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, bounds_text, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from optimizer.lab.benchmark.families import Case
    from optimizer.lab.benchmark.rows import Row
    from optimizer.lab.benchmark.schedule import Task, Terms

GAP, TIME_LIMIT, MEMORY_LIMIT = 1e-4, 300.0, 4096.0
"""What runs are asked for when nothing else is said."""
OUT = Path("results/benchmarks")


def bench(
    family: Annotated[
        list[str] | None,
        typer.Option(help="Family to run, or all: those in instances/, and snip with --snip-dir. Repeatable."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Instances whose name matches, such as 'snip-?-3-*'. Repeatable.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="Method; every one if not given. Repeatable.")] = None,
    seed: Annotated[list[int] | None, typer.Option(min=0, help="Seed; 0 if not given. Repeatable.")] = None,
    gap: Annotated[float | None, typer.Option(min=0, max=1, help=f"Relative gap to prove; {GAP:g}.")] = None,
    time_limit: Annotated[float | None, typer.Option(min=0.01, help=f"Seconds a run; {TIME_LIMIT:g}.")] = None,
    memory_limit: Annotated[
        float | None, typer.Option(min=1, help=f"MB a run may have resident; {MEMORY_LIMIT:g}.")
    ] = None,
    snip_dir: Annotated[Path | None, typer.Option(help="Folder with the SNIP files.")] = None,
    large: Annotated[bool, typer.Option("--large", help="Add the instances too large for the repository.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time on this machine; times are clean with 1.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on a dask.distributed cluster instead.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the raw rows; the page is written beside it.")] = OUT,
    table: Annotated[bool, typer.Option("--table", help="Make the page and its picture from the raw rows.")] = False,
    best_known: Annotated[
        bool, typer.Option("--best-known", help="Keep the solutions and bounds that are better than those known.")
    ] = False,
    generate: Annotated[
        bool, typer.Option("--generate", help="Write the generated families' instance files anew.")
    ] = False,
    instances: Annotated[Path | None, typer.Option(help="Folder of families, other than the repository's.")] = None,
    itself: Annotated[
        bool, typer.Option("--self", help="Measure this program's own commands on this machine.")
    ] = False,
    extract: Annotated[
        Path | None, typer.Option(help="With --self or --overlay: an extract to measure as well.")
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Measure how the contraction grows with the road network.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare the methods on families of instances, each run in a process of its own.

    A benchmark that was interrupted goes on with the same command: runs that have a row are not made again. --table, --best-known and
    --generate alone run nothing.
    """
    if not (family or table or best_known or generate or itself or overlay):
        raise typer.BadParameter(
            "give --family (or --family all) to run, or one of --table, --best-known, --generate, --self, --overlay"
        )
    if itself:
        _measure_self(extract, as_json)
    if overlay:
        _measure_overlay(extract, as_json)
    folder = _instances(instances)
    if generate:
        _generate(folder, family or [], as_json)
    elif family:
        terms = _terms(method, seed, gap, time_limit, memory_limit)
        chosen = _cases(family, only or [], folder, large=large, snip_dir=snip_dir)
        if not _run(chosen, terms, out, _runner(scheduler, jobs), as_json):
            return
    if best_known:
        _best_known(out, folder, as_json)
    if table:
        _table(out, folder, as_json, gap_asked=gap, time_limit=time_limit, memory_limit=memory_limit)


def _instances(folder: Path | None) -> Path:
    from optimizer.lab.benchmark.families import INSTANCES

    return folder or INSTANCES


def _terms(
    methods: list[str] | None,
    seeds: list[int] | None,
    gap: float | None,
    time_limit: float | None,
    memory_limit: float | None,
) -> Terms:
    from optimizer.base.errors import InputError
    from optimizer.base.names import unknown_name
    from optimizer.lab.benchmark.schedule import Terms
    from optimizer.solvers.solve import METHODS

    for name in methods or []:
        if name not in METHODS:
            raise InputError(unknown_name("--method", name, METHODS))
    return Terms(
        methods=list(dict.fromkeys(methods or METHODS)),
        seeds=list(dict.fromkeys(seeds or [0])),
        gap=GAP if gap is None else gap,
        time_limit=TIME_LIMIT if time_limit is None else time_limit,
        memory_limit=MEMORY_LIMIT if memory_limit is None else memory_limit,
    )


def _cases(families: list[str], only: list[str], folder: Path, *, large: bool, snip_dir: Path | None) -> list[Case]:
    from optimizer.lab.benchmark.families import cases

    return cases(families, only=only, large=large, snip_dir=snip_dir, instances=folder)


def _runner(scheduler: str | None, jobs: int) -> Callable[[Sequence[Task]], Generator[Row, None, None]]:
    if scheduler is not None:
        from optimizer.lab.benchmark.cluster import cluster

        return lambda todo: cluster(todo, scheduler)
    from optimizer.lab.benchmark.schedule import pool

    return lambda todo: pool(todo, jobs)


def _run(
    chosen: list[Case],
    terms: Terms,
    out: Path,
    runner: Callable[[Sequence[Task]], Generator[Row, None, None]],
    as_json: bool,
) -> bool:
    """Make the runs that are missing; return whether all were made."""
    from optimizer.lab.benchmark.rows import read_rows
    from optimizer.lab.benchmark.schedule import carry_out, missing, tasks

    printer = ProgressPrinter(silent=as_json)
    planned = tasks(chosen, terms, out)
    todo = missing(planned, out)
    printer.message(f"{len(planned)} runs, {len(planned) - len(todo)} of them made before")
    made = 0

    def tell(row: Row) -> None:
        nonlocal made
        made += 1
        printer.message(f"{made}/{len(todo)} {_sentence(row)}")
        if as_json:
            print_json(row.model_dump())

    try:
        if todo:
            carry_out(todo, out, runner, tell)
    except KeyboardInterrupt:
        kept = len(todo) - len(missing(planned, out))
        sys.stderr.write(
            f"Interrupted after {kept} of {len(todo)} runs. Their rows are kept; the same command goes on from there.\n"
        )
        return False
    if not as_json:
        wanted = {job.key for job, _ in planned}
        _show([row for row in read_rows(out) if row.key in wanted], chosen)
    return True


def _sentence(row: Row) -> str:
    seconds = "" if row.seconds is None else f", {row.seconds:.1f} s"
    memory = "" if row.peak_mb is None else f", {row.peak_mb:.0f} MB"
    note = f" ({row.note})" if row.note else ""
    bounds = bounds_text(row.lower, row.upper)
    return f"{row.instance}, {row.method}, seed {row.seed}: {row.status}, {bounds}{seconds}{memory}{note}"


def _show(rows: list[Row], chosen: list[Case]) -> None:
    from optimizer.lab.benchmark.known import best_values
    from optimizer.lab.benchmark.summary import best_of, scores
    from optimizer.lab.benchmark.table import FAMILY_HEAD, family_rows, methods_of

    scored = scores(rows, best_of(rows, best_values(chosen)))
    print_table("Methods by family", FAMILY_HEAD, family_rows(scored, methods_of(scored)))


def _kept_cases(folder: Path) -> list[Case]:
    """Return the instances whose best-known solutions a folder keeps."""
    from optimizer.lab.benchmark.families import cases, known_families

    return cases(["all"], instances=folder) if known_families(folder) else []


def _best_known(out: Path, folder: Path, as_json: bool) -> None:
    from optimizer.lab.benchmark.known import improve_known
    from optimizer.lab.benchmark.rows import read_rows

    count = 0
    for path, known in improve_known(_kept_cases(folder), read_rows(out)):
        count += 1
        if as_json:
            print_json({"best_known": str(path), "value": known.value, "bound": known.bound, "gap": known.gap})
        else:
            sys.stdout.write(f"{path}: {bounds_text(known.bound, known.value)}\n")
    if not as_json:
        sys.stdout.write(f"{count} best-known solutions are better than before.\n")


def _table(out: Path, folder: Path, as_json: bool, **asked: float | None) -> None:
    from optimizer.lab.benchmark.rows import read_rows
    from optimizer.lab.benchmark.table import write_page

    page, picture = write_page(out, read_rows(out), _kept_cases(folder), **asked)
    if as_json:
        print_json({"page": str(page), "picture": str(picture)})
    else:
        sys.stdout.write(f"Page: {page}\nPicture: {picture}\n")


def _generate(folder: Path, families: list[str], as_json: bool) -> None:
    from optimizer.lab.benchmark.families import write_families

    for path in write_families(folder, families):
        if as_json:
            print_json({"instance": str(path)})
        else:
            sys.stdout.write(f"{path}\n")


def _measure_self(extract: Path | None, as_json: bool) -> None:
    from optimizer.lab.benchmark.command_times import measure_self

    rows = measure_self(extract)
    if as_json:
        for row in rows:
            print_json(asdict(row))
        return
    cells = [(row.what, _tenths(row.goal), _tenths(row.seconds), _tenths(row.peak_mb), row.note[:60]) for row in rows]
    print_table("On this machine", ["command", "goal s", "took s", "peak MB", ""], cells)


def _tenths(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _measure_overlay(extract: Path | None, as_json: bool) -> None:
    from optimizer.lab.benchmark.overlay_scaling import measure_overlay

    rows = [asdict(row) for row in measure_overlay(extract=extract)]
    if as_json:
        for row in rows:
            print_json(row)
        return
    cells = [["-" if value is None else _plain(value) for value in row.values()] for row in rows]
    print_table("How the contraction grows", [name.replace("_", " ") for name in rows[0]], cells)


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
