"""The `bench` command: the methods on families of instances, and the suites of the benchmark."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optimizer.cli.arguments import Json, possible_threads
from optimizer.cli.commands import command
from optimizer.cli.console import (
    ProgressPrinter,
    bounds_text,
    print_json,
    print_line,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from optimizer.lab.benchmark.benchmark import Benchmark
    from optimizer.lab.benchmark.rows import PlacementRow, RunOptions
    from optimizer.lab.pages import PageFiles

OUT = Path("results/benchmarks")

MOVED = frozenset({"tours", "overlay"})
"""Suites of earlier versions that are no longer part of the package."""


@command(
    "bench",
    "--family grid --method cuts --time-limit 60 --out results/my-benchmark --table",
    "--family all --scheduler tcp://10.0.0.1:8786",
)
def bench(
    family: Annotated[
        list[str] | None,
        typer.Option(
            help=(
                "Family to run, a folder of instance files, or all: those in instances/, and snip"
                " with --snip-dir. "
                "Or a suite with rows and a page of its own: "
                "patrols, steadiness, mixed, commands. Repeatable."
            )
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Instances whose name matches, such as 'snip-?-3-*'. Repeatable."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help=(
                "Method; every one if not given. Or a peer, another solver with our cuts: scip,"
                " highs. Repeatable."
            )
        ),
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(min=0, help="Seed; 0 if not given. Repeatable.")
    ] = None,
    gap: Annotated[
        float | None, typer.Option(min=0, max=1, help="Relative gap to prove; 0.0001 if not given.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(min=0.01, help="Seconds a run; 300 if not given.")
    ] = None,
    limit_by: Annotated[
        Literal["clock", "work"],
        typer.Option(
            help=(
                "What the time limit counts: seconds by the clock, or work, the processor seconds"
                " of the search "
                "(of several processes those of the longest chain), which other programs on the"
                " machine do not shorten."
            )
        ),
    ] = "clock",
    threads: Annotated[
        int, typer.Option(callback=possible_threads, help="Processes of each search.")
    ] = 1,
    memory_limit: Annotated[
        float | None, typer.Option(min=1, help="MB a run may have resident; 4096 if not given.")
    ] = None,
    snip_dir: Annotated[Path | None, typer.Option(help="Folder with the SNIP files.")] = None,
    large: Annotated[
        bool, typer.Option("--large", help="Add the instances too large for the repository.")
    ] = False,
    jobs: Annotated[
        int, typer.Option(min=1, help="Runs at a time on this machine; times are clean with 1.")
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help=(
                "Run on a dask.distributed cluster instead. dask runs whatever reaches its ports:"
                " bind it to 127.0.0.1, a closed network, or use tls://."
            ),
        ),
    ] = None,
    tls_ca_file: Annotated[
        Path | None,
        typer.Option(
            help=(
                "With --scheduler tls://...: authorities to trust (PEM), as `dask worker` takes it."
            )
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="The same: this client's certificate (PEM).")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The same: its private key (PEM).")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help=(
                f"Folder of the rows; the page is written beside it. {OUT}; of a suite,"
                " results/SUITE."
            )
        ),
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Make the page and its picture from the raw rows.")
    ] = False,
    best_known: Annotated[
        bool,
        typer.Option(
            "--best-known", help="Keep the solutions and bounds that are better than those known."
        ),
    ] = False,
    generate: Annotated[
        bool, typer.Option("--generate", help="Write the generated families' instance files anew.")
    ] = False,
    archive: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.zip",
            help=(
                "Write an archive of the families' problems with values, bounds, certificates and"
                " bilevel files, in place of runs."
            ),
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            help=(
                "CSV of results (instance, value, plan) to hold against the best known, in place of"
                " runs."
            )
        ),
    ] = None,
    instances: Annotated[
        Path | None, typer.Option(help="Folder of families, other than the repository's.")
    ] = None,
    extract: Annotated[
        Path | None,
        typer.Option(
            help=("An extract for commands to measure as well; for mixed also a folder of them.")
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the methods on families of instances, each run in a process of its own.

    A benchmark that was interrupted goes on with the same command: runs that have a row
    are not made again. --table, --best-known and --generate alone run nothing.
    """
    if compare is not None:
        _compare(compare, instances, as_json)
        return
    _check_asked(family or [], alone=table or best_known or generate, archive=archive is not None)
    from optimizer.lab.benchmark.rows import RunOptions

    options = RunOptions(
        methods=method or (),
        seeds=seed or (0,),
        gap=gap,
        time_limit=time_limit,
        limit_by=limit_by,
        threads=threads,
        memory_limit=memory_limit,
        only=only or (),
        extract=extract,
    )
    families, suites = _split(family or [])
    if archive is not None:
        _archive(
            archive,
            out or OUT,
            options,
            as_json,
            families,
            large=large,
            snip_dir=snip_dir,
            instances=instances,
        )
        return
    for name in suites:
        if not _suite(name, out or OUT.with_name(name), options, table, as_json):
            return
    if suites and not families:
        return
    from optimizer.base.work.listener import step
    from optimizer.lab.benchmark.benchmark import plan_benchmark

    out = out or OUT
    if generate:
        _generate(instances, families, as_json)
    elif families:
        printer = ProgressPrinter(silent=as_json)
        with step(printer, "preparing the instances"):
            benchmark = plan_benchmark(
                families,
                out,
                options,
                large=large,
                snip_dir=snip_dir,
                instances=instances,
                listener=printer,
            )
        where = partial(
            benchmark.carry_out,
            jobs=jobs,
            scheduler=scheduler,
            tls_ca_file=tls_ca_file,
            tls_cert=tls_cert,
            tls_key=tls_key,
        )
        if not _run(benchmark, where, printer, as_json):
            return
    if best_known:
        _show_best_known(out, instances, as_json)
    _make_page(
        table,
        out,
        instances,
        as_json,
        gap_asked=gap,
        time_limit=time_limit,
        memory_limit=memory_limit,
    )


def _check_asked(families: list[str], *, alone: bool, archive: bool) -> None:
    if archive and not families:
        raise typer.BadParameter("give --family, or --family all, with --archive")
    for name in MOVED.intersection(families):
        told = f"{name} is measured in a clone of the repository: python -m results.measure {name}"
        raise typer.BadParameter(told)
    if not (families or alone):
        raise typer.BadParameter(
            "give --family (or --family all) to run, or one of --table, --best-known, --generate,"
            " --compare"
        )


def _split(names: list[str]) -> tuple[list[str], list[str]]:
    """Return the families and the suites among some names."""
    from optimizer.lab.benchmark.suites import SUITES

    return [name for name in names if name not in SUITES], [
        name for name in names if name in SUITES
    ]


def _suite(name: str, folder: Path, options: RunOptions, table: bool, as_json: bool) -> bool:
    """Add the rows that a suite lacks, or with --table make its page; return whether it
    was not interrupted.
    """
    from optimizer.lab.benchmark.suites import SUITES

    if table:
        _show_page(SUITES[name].page(folder), as_json)
        return True
    printer = ProgressPrinter(silent=as_json)
    printer.line(f"{name}: {SUITES[name].about}")
    try:
        for row in SUITES[name].run(folder, options):
            printer.line(row.summary)
            if as_json:
                print_json(row.model_dump())
    except KeyboardInterrupt:
        print_note("Interrupted. The rows so far are kept; the same command goes on from there.")
        return False
    return True


def _make_page(
    table: bool, out: Path, instances: Path | None, as_json: bool, **asked: float | None
) -> None:
    """Make the page of a folder of rows, where it is asked for."""
    from optimizer.lab.benchmark.benchmark import benchmark_page

    if table:
        _show_page(benchmark_page(out, instances, **asked), as_json)


def _show_page(files: PageFiles, as_json: bool) -> None:
    if as_json:
        print_json(
            {"page": str(files.page), "pictures": [str(picture) for picture in files.pictures]}
        )
        return
    print_line(f"Page: {files.page}")
    for picture in files.pictures:
        print_line(f"Picture: {picture}")


def _run(
    benchmark: Benchmark, carry_out: Callable[..., None], printer: ProgressPrinter, as_json: bool
) -> bool:
    """Make the runs that are missing, where `carry_out` makes them; return whether all
    were made.
    """
    total, todo = len(benchmark.planned), len(benchmark.todo)
    printer.line(f"{total} runs, {total - todo} of them made before")
    made = 0

    def show_row(row: PlacementRow) -> None:
        nonlocal made
        made += 1
        printer.line(f"{made}/{todo} {_sentence(row)}")
        if as_json:
            print_json(row.model_dump())

    try:
        carry_out(show_row)
    except KeyboardInterrupt:
        kept = todo - len(benchmark.still_missing())
        print_note(
            f"Interrupted after {kept} of {todo} runs. Their rows are kept; the same command goes"
            " on from there."
        )
        return False
    if not as_json:
        table = benchmark.table()
        print_table("Methods by family", table.head, table.cells)
    return True


def _sentence(row: PlacementRow) -> str:
    seconds = "" if row.seconds is None else f", {row.seconds:.1f} s"
    memory = "" if row.peak_mb is None else f", {row.peak_mb:.0f} MB"
    note = f" ({row.note})" if row.note else ""
    bounds = bounds_text(row.lower, row.upper)
    return (
        f"{row.instance}, {row.method}, seed {row.seed}: {row.status},"
        f" {bounds}{seconds}{memory}{note}"
    )


def _show_best_known(out: Path, instances: Path | None, as_json: bool) -> None:
    from optimizer.lab.benchmark.benchmark import improve_best_known

    count = 0
    for path, known in improve_best_known(out, instances):
        count += 1
        if as_json:
            print_json(
                {
                    "best_known": str(path),
                    "value": known.value,
                    "bound": known.bound,
                    "gap": known.gap,
                }
            )
        else:
            print_line(f"{path}: {bounds_text(known.bound, known.value)}")
    if not as_json:
        print_line(f"{count} best-known solutions are better than before.")


def _compare(table: Path, instances: Path | None, as_json: bool) -> None:
    from dataclasses import asdict

    from optimizer.lab.benchmark.best_known import compare_results
    from optimizer.lab.benchmark.families import INSTANCES

    compared = compare_results(table, instances or INSTANCES)
    if as_json:
        for each in compared:
            print_json(asdict(each))
        return
    head = ("instance", "value", "best known", "bound", "difference", "verdict", "plan")
    cells = [
        (
            each.instance,
            f"{each.value:.6f}",
            f"{each.best:.6f}",
            f"{each.bound:.6f}",
            f"{100 * each.difference:+.3f} %",
            each.verdict,
            "checked" if each.plan_checked else "not given",
        )
        for each in compared
    ]
    print_table("Beside the best known", head, cells)


def _archive(
    archive: Path,
    folder: Path,
    options: RunOptions,
    as_json: bool,
    families: list[str],
    *,
    large: bool,
    snip_dir: Path | None,
    instances: Path | None,
) -> None:
    from optimizer.base.files.readwrite import check_file
    from optimizer.certificate.check import stated
    from optimizer.lab.benchmark.families import INSTANCES
    from optimizer.lab.benchmark.library import library_problems, write_library

    check_file(archive)
    printer = ProgressPrinter(silent=as_json)
    problems = []
    for problem in library_problems(
        families, folder, options, large=large, snip_dir=snip_dir, instances=instances or INSTANCES
    ):
        problems.append(problem)
        told = (
            problem.fault or "no certificate"
            if problem.certified is None
            else stated(*problem.certified)
        )
        printer.line(f"{problem.name}: {told}")
    made = write_library(archive, problems, lambda name: printer.line(f"{name}: bilevel files"))
    certified = sum(problem.certified is not None for problem in problems)
    if as_json:
        counts = {"problems": len(problems), "certified": certified, "bilevel": made.bilevel}
        print_json({"archive": str(archive), "bytes": made.size, "files": made.files} | counts)
        return
    print_line(
        f"Saved {archive}: {len(problems)} problems, {certified} with a certificate, {made.bilevel}"
        f" with bilevel files; {made.files} files, {made.size / 1e6:.1f} MB"
    )


def _generate(instances: Path | None, families: list[str], as_json: bool) -> None:
    from optimizer.lab.benchmark.families import INSTANCES, write_families

    for path in write_families(instances or INSTANCES, families):
        if as_json:
            print_json({"instance": str(path)})
        else:
            print_line(f"{path}")
