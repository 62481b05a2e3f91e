"""The suites of the benchmark besides the placement families: what each runs, where its rows lie, and its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence  # noqa: TC003 - the dataclasses' annotations are read by tools
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - as above

from optimizer.base.errors import InputError, Problem
from optimizer.lab.benchmark import command_times, overlay_scaling, tours
from optimizer.lab.benchmark import mixed as mixed_runs
from optimizer.lab.benchmark import patrols as patrol_cases
from optimizer.lab.benchmark import patrols as patrol_page
from optimizer.lab.benchmark import patrols as patrol_runs
from optimizer.lab.benchmark import patrols as steadiness
from optimizer.lab.benchmark.mixed import mixed_cases
from optimizer.lab.benchmark.rows import FILE, CommandRow, MixedRow, OverlayRow, PatrolRow, TourComparisonRow, TourRow
from optimizer.lab.case import Case, matching
from optimizer.lab.pages import PageFiles  # noqa: TC001 - as above
from optimizer.lab.rows import RowStore, StoredRow, add_missing
from optimizer.problem.instance.instance import Instance  # noqa: TC001 - as above

COMPARISONS = "pyvrp.jsonl"
GAP, TIME_LIMIT = 1e-4, 120.0
"""What runs with patrols are asked for when nothing else is said."""


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """What a suite is to run.

    Attributes
    ----------
    only
        Patterns with * and ? of which a case's name must match one; all cases without one.
    seeds, gap, time_limit, threads
        Of runs with patrols and of mixtures, whose seeds are those of their cases; None for what a suite is asked for by itself.
    extract
        OpenStreetMap extract for the suites `overlay` and `commands` to measure as well; for `mixed` it may be a folder of them.
    methods
        Of the suite `mixed`; every one where empty.
    """

    only: Sequence[str] = ()
    seeds: Sequence[int] = (0,)
    gap: float | None = None
    time_limit: float | None = None
    extract: Path | None = None
    threads: int = 1
    methods: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Suite:
    """A part of the benchmark with rows and a page of its own.

    Attributes
    ----------
    about
        What it measures.
    run
        Adds the rows that a folder lacks, and yields each once it is on disk.
    page
        Writes the page of a folder `X` as `X.md` beside it.
    """

    about: str
    run: Callable[[Path, SuiteOptions], Iterator[StoredRow]]
    page: Callable[[Path], PageFiles]


def chosen_patrol_cases(only: Sequence[str]) -> list[Case[Instance]]:
    """Return the cases with patrols whose names match.

    Raises
    ------
    InputError
        If none does.
    """
    cases = patrol_cases.patrol_cases()
    chosen = matching(cases, only)
    if not chosen:
        expected = f"a pattern that matches one of {', '.join(case.name for case in cases)}"
        raise InputError(Problem("--only", ", ".join(only), expected))
    return chosen


def _run_patrols(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    planned = patrol_runs.planned_rows(chosen_patrol_cases(options.only), _several(options))
    yield from add_missing(RowStore(folder / FILE, PatrolRow), planned)


def _run_steadiness(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    chosen = [case for case in chosen_patrol_cases(options.only) if options.only or case.shipped]
    planned = patrol_runs.planned_rows(chosen, _several(options), ("joint",))
    yield from add_missing(RowStore(folder / FILE, PatrolRow), planned)


def _several(options: SuiteOptions) -> list[patrol_runs.PatrolOptions]:
    gap = GAP if options.gap is None else options.gap
    limit = TIME_LIMIT if options.time_limit is None else options.time_limit
    return [patrol_runs.PatrolOptions(seed, gap, limit, options.threads) for seed in options.seeds]


def _run_tours(folder: Path, _: SuiteOptions) -> Iterator[StoredRow]:
    yield from add_missing(RowStore(folder / FILE, TourRow), tours.planned_proofs())
    yield from add_missing(RowStore(folder / COMPARISONS, TourComparisonRow), tours.planned_comparisons())


def _run_overlay(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    planned = overlay_scaling.planned_rows(extract=options.extract)
    yield from add_missing(RowStore(folder / FILE, OverlayRow), planned)


def _run_commands(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    yield from add_missing(RowStore(folder / FILE, CommandRow), command_times.planned_rows(options.extract))


def _run_mixed(folder: Path, options: SuiteOptions) -> Iterator[StoredRow]:
    cases = mixed_cases(options.only, options.seeds, options.extract)
    yield from add_missing(
        RowStore(folder / FILE, MixedRow),
        mixed_runs.planned_rows(cases, options.gap, options.time_limit, options.methods),
    )


def _patrol_page(folder: Path) -> PageFiles:
    return patrol_page.write_patrol_page(_page_of(folder), RowStore(folder / FILE, PatrolRow).read())


def _steadiness_page(folder: Path) -> PageFiles:
    return steadiness.write_steadiness_page(_page_of(folder), RowStore(folder / FILE, PatrolRow).read())


def _tour_page(folder: Path) -> PageFiles:
    proofs = RowStore(folder / FILE, TourRow).read()
    return tours.write_tour_page(_page_of(folder), proofs, RowStore(folder / COMPARISONS, TourComparisonRow).read())


def _overlay_page(folder: Path) -> PageFiles:
    return overlay_scaling.write_overlay_page(_page_of(folder), RowStore(folder / FILE, OverlayRow).read())


def _command_page(folder: Path) -> PageFiles:
    return command_times.write_command_page(_page_of(folder), RowStore(folder / FILE, CommandRow).read())


def _mixed_page(folder: Path) -> PageFiles:
    return mixed_runs.write_mixed_page(_page_of(folder), RowStore(folder / FILE, MixedRow).read())


def _page_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.md")


SUITES: dict[str, Suite] = {
    "patrols": Suite("checkpoints and patrols in one plan, beside each alone", _run_patrols, _patrol_page),
    "steadiness": Suite("joint plans of one case under several seeds", _run_steadiness, _steadiness_page),
    "tours": Suite("the best tour of one team, beside CP-SAT and PyVRP", _run_tours, _tour_page),
    "overlay": Suite("the contraction of road networks of growing size", _run_overlay, _overlay_page),
    "mixed": Suite("mixtures of plans, beside other ways to randomise", _run_mixed, _mixed_page),
    "commands": Suite("time and memory of this program's own commands", _run_commands, _command_page),
}
