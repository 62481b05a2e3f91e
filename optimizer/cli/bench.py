"""The `bench` command: the methods on families of instances, and the suites of the benchmark."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, bounds_text, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from optimizer.lab.benchmark.rows import PlacementRow
    from optimizer.lab.benchmark.schedule import PlannedRun, RunOptions
    from optimizer.lab.benchmark.suites import SuiteOptions
    from optimizer.lab.case import Case
    from optimizer.lab.pages import PageFiles
    from optimizer.problem.instance import Instance

GAP, TIME_LIMIT, MEMORY_LIMIT = 1e-4, 300.0, 4096.0
"""What runs are asked for when nothing else is said."""
OUT = Path("results/benchmarks")


def bench(
    family: Annotated[
        list[str] | None,
        typer.Option(
            help="Family to run, or all: those in instances/, and snip with --snip-dir. Or a suite with rows and a page of its own: "
            "patrols, tours, overlay, commands. Repeatable."
        ),
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
    out: Annotated[
        Path | None,
        typer.Option(help=f"Folder of the rows; the page is written beside it. {OUT}; of a suite, results/SUITE."),
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Make the page and its picture from the raw rows.")] = False,
    best_known: Annotated[
        bool, typer.Option("--best-known", help="Keep the solutions and bounds that are better than those known.")
    ] = False,
    generate: Annotated[
        bool, typer.Option("--generate", help="Write the generated families' instance files anew.")
    ] = False,
    instances: Annotated[Path | None, typer.Option(help="Folder of families, other than the repository's.")] = None,
    extract: Annotated[
        Path | None, typer.Option(help="With the suites overlay and commands: an extract to measure as well.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the methods on families of instances, each run in a process of its own.

    A benchmark that was interrupted goes on with the same command: runs that have a row are not made again. --table, --best-known and
    --generate alone run nothing.
    """
    if not (family or table or best_known or generate):
        raise typer.BadParameter("give --family (or --family all) to run, or one of --table, --best-known, --generate")
    families, suites = _split(family or [])
    for name in suites:
        asked = _suite_options(only, seed, gap, time_limit, extract)
        if not _suite(name, out or OUT.with_name(name), asked, table, as_json):
            return
    if suites and not families:
        return
    out = out or OUT
    folder = _instances(instances)
    if generate:
        _generate(folder, families, as_json)
    elif families:
        options = _options(method, seed, gap, time_limit, memory_limit)
        chosen = _cases(families, only or [], folder, large=large, snip_dir=snip_dir)
        if not _run(chosen, options, out, _runner(scheduler, jobs), as_json):
            return
    if best_known:
        _best_known(out, folder, as_json)
    if table:
        _table(out, folder, as_json, gap_asked=gap, time_limit=time_limit, memory_limit=memory_limit)


def _split(names: list[str]) -> tuple[list[str], list[str]]:
    """Return the families and the suites among some names."""
    from optimizer.lab.benchmark.suites import SUITES

    return [name for name in names if name not in SUITES], [name for name in names if name in SUITES]


def _suite_options(
    only: list[str] | None,
    seeds: list[int] | None,
    gap: float | None,
    time_limit: float | None,
    extract: Path | None,
) -> SuiteOptions:
    from optimizer.lab.benchmark.suites import GAP as SUITE_GAP
    from optimizer.lab.benchmark.suites import TIME_LIMIT as SUITE_TIME_LIMIT
    from optimizer.lab.benchmark.suites import SuiteOptions

    return SuiteOptions(
        only=only or (),
        seeds=seeds or (0,),
        gap=SUITE_GAP if gap is None else gap,
        time_limit=SUITE_TIME_LIMIT if time_limit is None else time_limit,
        extract=extract,
    )


def _suite(name: str, folder: Path, options: SuiteOptions, table: bool, as_json: bool) -> bool:
    """Add the rows that a suite lacks, or with --table make its page; return whether it was not interrupted."""
    from optimizer.lab.benchmark.suites import SUITES

    if table:
        _say_page(SUITES[name].page(folder), as_json)
        return True
    printer = ProgressPrinter(silent=as_json)
    printer.message(f"{name}: {SUITES[name].about}")
    try:
        for row in SUITES[name].run(folder, options):
            printer.message(row.summary)
            if as_json:
                print_json(row.model_dump())
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. The rows so far are kept; the same command goes on from there.\n")
        return False
    return True


def _say_page(files: PageFiles, as_json: bool) -> None:
    if as_json:
        print_json({"page": str(files.page), "pictures": [str(picture) for picture in files.pictures]})
        return
    sys.stdout.write(f"Page: {files.page}\n")
    for picture in files.pictures:
        sys.stdout.write(f"Picture: {picture}\n")


def _instances(folder: Path | None) -> Path:
    from optimizer.lab.benchmark.families import INSTANCES

    return folder or INSTANCES


def _options(
    methods: list[str] | None,
    seeds: list[int] | None,
    gap: float | None,
    time_limit: float | None,
    memory_limit: float | None,
) -> RunOptions:
    from optimizer.base.errors import InputError
    from optimizer.base.names import unknown_name
    from optimizer.lab.benchmark.schedule import RunOptions
    from optimizer.solvers.solve import METHODS

    for name in methods or []:
        if name not in METHODS:
            raise InputError(unknown_name("--method", name, METHODS))
    return RunOptions(
        methods=list(dict.fromkeys(methods or METHODS)),
        seeds=list(dict.fromkeys(seeds or [0])),
        gap=GAP if gap is None else gap,
        time_limit=TIME_LIMIT if time_limit is None else time_limit,
        memory_limit=MEMORY_LIMIT if memory_limit is None else memory_limit,
    )


def _cases(
    families: list[str], only: list[str], folder: Path, *, large: bool, snip_dir: Path | None
) -> list[Case[Instance]]:
    from optimizer.lab.benchmark.families import cases

    return cases(families, only=only, large=large, snip_dir=snip_dir, instances=folder)


def _runner(scheduler: str | None, jobs: int) -> Callable[[Sequence[PlannedRun]], Generator[PlacementRow, None, None]]:
    if scheduler is not None:
        from optimizer.lab.benchmark.cluster import cluster

        return lambda todo: cluster(todo, scheduler)
    from optimizer.lab.benchmark.schedule import pool

    return lambda todo: pool(todo, jobs)


def _run(
    chosen: list[Case[Instance]],
    options: RunOptions,
    out: Path,
    runner: Callable[[Sequence[PlannedRun]], Generator[PlacementRow, None, None]],
    as_json: bool,
) -> bool:
    """Make the runs that are missing; return whether all were made."""
    from optimizer.lab.benchmark.schedule import carry_out, missing, plan_runs, row_store

    printer = ProgressPrinter(silent=as_json)
    planned = plan_runs(chosen, options, out)
    todo = missing(planned, out)
    printer.message(f"{len(planned)} runs, {len(planned) - len(todo)} of them made before")
    made = 0

    def tell(row: PlacementRow) -> None:
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
        wanted = {one.job.key for one in planned}
        _show([row for row in row_store(out).read() if row.key in wanted], chosen)
    return True


def _sentence(row: PlacementRow) -> str:
    seconds = "" if row.seconds is None else f", {row.seconds:.1f} s"
    memory = "" if row.peak_mb is None else f", {row.peak_mb:.0f} MB"
    note = f" ({row.note})" if row.note else ""
    bounds = bounds_text(row.lower, row.upper)
    return f"{row.instance}, {row.method}, seed {row.seed}: {row.status}, {bounds}{seconds}{memory}{note}"


def _show(rows: list[PlacementRow], chosen: list[Case[Instance]]) -> None:
    from optimizer.lab.benchmark.known import best_values
    from optimizer.lab.benchmark.page import family_table, methods_of
    from optimizer.lab.benchmark.summary import best_of, scores

    scored = scores(rows, best_of(rows, best_values(chosen)))
    shown = family_table(scored, methods_of(scored))
    print_table("Methods by family", shown.head, shown.cells)


def _kept_cases(folder: Path) -> list[Case[Instance]]:
    """Return the instances whose best-known solutions a folder keeps."""
    from optimizer.lab.benchmark.families import cases, known_families

    return cases(["all"], instances=folder) if known_families(folder) else []


def _best_known(out: Path, folder: Path, as_json: bool) -> None:
    from optimizer.lab.benchmark.known import improve_known
    from optimizer.lab.benchmark.schedule import row_store

    count = 0
    for path, known in improve_known(_kept_cases(folder), row_store(out).read()):
        count += 1
        if as_json:
            print_json({"best_known": str(path), "value": known.value, "bound": known.bound, "gap": known.gap})
        else:
            sys.stdout.write(f"{path}: {bounds_text(known.bound, known.value)}\n")
    if not as_json:
        sys.stdout.write(f"{count} best-known solutions are better than before.\n")


def _table(out: Path, folder: Path, as_json: bool, **asked: float | None) -> None:
    from optimizer.lab.benchmark.page import write_benchmark_page
    from optimizer.lab.benchmark.schedule import row_store

    _say_page(write_benchmark_page(out, row_store(out).read(), _kept_cases(folder), **asked), as_json)


def _generate(folder: Path, families: list[str], as_json: bool) -> None:
    from optimizer.lab.benchmark.families import write_families

    for path in write_families(folder, families):
        if as_json:
            print_json({"instance": str(path)})
        else:
            sys.stdout.write(f"{path}\n")
