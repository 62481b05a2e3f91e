"""Questions to a plan: `compare` (plans side by side), `cooperate` (coalitions),
`explain` (why it is as it is), `frontier` (other budgets).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.base.choices import Others
from optimizer.cli.arguments import (
    Budgets,
    Gap,
    Jobs,
    Json,
    Language,
    Method,
    Overwrite,
    Param,
    ParamsFile,
    Scheduler,
    Seed,
    Settings,
    SkipUnreachable,
    TimeLimit,
    budget_amounts,
    solve_options,
)
from optimizer.cli.commands import command
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_page
from optimizer.cli.terminal import CommandInterrupts, seconds_running

if TYPE_CHECKING:
    from optimizer.analysis.compare.compare import ComparedPlan
    from optimizer.analysis.cooperation.cooperation import Cooperation
    from optimizer.analysis.frontier.frontier import BudgetRange, Frontier


@command(
    "compare",
    "results/rio-grande results/few today",
    "results/rio-grande drawn.geojson sites.csv --on results/rio-grande",
)
def compare(
    plans: Annotated[
        list[str],
        typer.Argument(
            help=(
                "Plan folders, plan files, `today`, tables with a column site (CSV), points and"
                " lines (GeoJSON)."
            )
        ),
    ],
    on: Annotated[
        Path | None,
        typer.Option(
            "--on",
            help="Scenario, instance or plan folder to value them on; by default the first folder.",
        ),
    ] = None,
    evaders: Annotated[
        int,
        typer.Option(min=0, help="Evaders of whom the routes left are looked for in each plan."),
    ] = 3,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help=(
                "Folder for compare.json, compare.csv, differences.csv, a page, and maps of what"
                " differs."
            ),
        ),
    ] = None,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Value plans on one model: in all, by evaders, crossings and agencies; and what
    differs from the first.
    """
    from optimizer.analysis.compare.compare import compare_plans
    from optimizer.analysis.compare.output import (
        compare_folder,
        comparison_page,
        plan_line,
        write_comparison,
    )
    from optimizer.base.text.language import check_language

    asked = None if language is None else check_language(language)
    folder = None if out is None else compare_folder(out, plans, on, overwrite=overwrite)
    listener = ProgressPrinter(silent=as_json)
    comparison = compare_plans(
        plans, on=on, evaders=evaders, skip_unreachable=skip_unreachable, listener=listener
    )
    if folder is not None:
        write_comparison(folder, comparison, asked or comparison.language)
    for plan in comparison.plans:
        _note(plan)
        if as_json:
            print_json(plan_line(plan, comparison))
    if not as_json:
        print_page(comparison_page(comparison))
        if out is not None:
            print_line(f"Saved {out}")


def _note(plan: ComparedPlan) -> None:
    name = plan.matched.name
    for sentence in plan.matched.notes:
        print_note(f"{name}: {sentence}")
    if plan.matched.unmatched:
        print_note(
            f"Warning: {name}: these are no options of the model:"
            f" {', '.join(plan.matched.unmatched)}"
        )
    for sentence in plan.violations:
        print_note(f"Warning: {name}: {sentence}")


@command(
    "cooperate",
    "instances/rio-grande/scenario.toml --time-limit 300 --jobs 2 --out results/sectors",
    "instances/rio-grande/scenario.toml --others today --json",
)
def cooperate(
    scenario: Annotated[
        Path, typer.Argument(help="Scenario (TOML), instance file (JSON) or plan folder.")
    ],
    others: Annotated[
        Others,
        typer.Option(
            help="What those outside a coalition have: nothing, or what stands today, which stays."
        ),
    ] = "absent",
    orders: Annotated[
        int, typer.Option(min=2, help="Above 8 agencies: orders of joining that are sampled.")
    ] = 16,
    sites: Annotated[
        bool,
        typer.Option("--sites", help="With --json, a line for each site of the plan of all too."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write: a page, cooperation.json, tables and a figure."),
    ] = None,
    budget: Budgets = None,
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    settings: Settings = None,
    skip_unreachable: SkipUnreachable = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Plan for each agency alone, for each coalition, and for all; say what cooperation
    is worth and split it fairly.

    A coalition has the options and resources of its members, and in full what all
    share. --time-limit is for the search of all coalitions together, and begins when
    the scenario is read and its risk is estimated; by default five times that of the
    scenario. With --out an interrupted command goes on where it stopped: give it again.
    """
    from optimizer.analysis.cooperation.cooperation import cooperate as plan_coalitions
    from optimizer.analysis.cooperation.cooperation import cooperation_digest
    from optimizer.analysis.cooperation.output import (
        COOPERATION,
        cooperation_page,
        write_cooperation,
    )
    from optimizer.base.files.json_lines import FinishedTasks
    from optimizer.base.params import parsed_settings
    from optimizer.base.work.executor import Executor
    from optimizer.plans.problem_source import problem_source
    from optimizer.problem.instance.changes import Changes

    listener = ProgressPrinter(silent=as_json)
    folder = None if out is None else COOPERATION.folder(out, scenario, overwrite=overwrite)
    with CommandInterrupts():
        source = problem_source(
            scenario,
            options=solve_options(method, gap, None, seed),
            settings=parsed_settings(settings or ()),
            language=language,
            skip_unreachable=skip_unreachable,
            listener=listener,
        )
        instance = Changes(budget_amounts(budget)).applied(source.instance)
        notes: list[str] = []
        starts = source.starts(instance, notes.append)
        finished = None
        if out is not None:
            digest = cooperation_digest(
                instance, source.solve, others, orders, time_limit, starts, source.own_words
            )
            finished = FinishedTasks.beside(out, digest, overwrite=overwrite)
        found = plan_coalitions(
            instance,
            source.solve,
            others=others,
            orders=orders,
            starts=starts,
            own_words=source.own_words,
            time_limit=time_limit,
            executor=Executor(jobs, scheduler),
            finished=finished,
            listener=listener,
        )
        if folder is not None and finished is not None:
            write_cooperation(folder, found, source.language)
            if found.complete:
                finished.remove()
    if as_json:
        _print_lines(found, sites=sites)
    else:
        print_page(cooperation_page(found))
        if out is not None:
            print_line(f"Saved {out}")
    for warning in (*source.warnings, *notes):
        print_note(f"Warning: {warning}")
    if not found.complete:
        missing = sum(not each.solved for each in found.coalitions)
        print_note(
            f"{missing} of {len(found.coalitions)} coalitions were not solved; those have the"
            " bounds that the others prove."
        )


def _print_lines(found: Cooperation, *, sites: bool) -> None:
    from optimizer.analysis.cooperation.output import coalition_line, share_line, site_line

    for coalition in found.coalitions:
        print_json(coalition_line(coalition))
    for share in found.shares:
        print_json(share_line(found, share))
    for gain in found.gains if sites else ():
        print_json(site_line(gain))


SECONDS, SECONDS_OF_RECORDS = 60.0, 300.0
"""Time where none is said: for everything, and for the searches of plans for other records."""


@command(
    "explain",
    "results/rio-grande",
    "results/rio-grande --site us281-falfurrias --time-limit 20",
    "results/rio-grande --at=-98.136,26.90 --kind tactical",
)
def explain(
    plan: Annotated[Path, typer.Argument(help="Plan folder, as `plan` writes it.")],
    site: Annotated[
        list[str] | None,
        typer.Option(
            "--site",
            metavar="SITE[:KIND]",
            help="A site to explain, used or not, by its id or label; once for each.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="LON,LAT",
            help=(
                "Say in place of prices what a post on the road nearest to this point would be"
                " worth, in degrees; written --at=-98.136,26.90."
            ),
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="With --at, a kind of the scenario to ask about; once for each (all)."),
    ] = None,
    others: Annotated[
        int | None, typer.Option(min=0, help="Sites that are not used to price as well (20).")
    ] = None,
    evaders: Annotated[
        int | None, typer.Option(min=0, help="Evaders of whom the routes left are looked for (5).")
    ] = None,
    routes: Annotated[
        bool, typer.Option("--routes", help="With --json, a line for each of these evaders too.")
    ] = False,
    record: Annotated[
        int,
        typer.Option(
            min=0,
            help=(
                "Say in place of prices which sites rest on the record: plan again for so many"
                " records with permuted places, such as 4."
            ),
        ),
    ] = 0,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            help=(
                "Seconds for everything, the start of the program too (60); with --record seconds"
                " of all searches, fits aside (300)."
            ),
        ),
    ] = None,
    gap: Gap = None,
    seed: Seed = None,
    params: ParamsFile = None,
    param: Param = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for explain.json, explain.csv and a page.")
    ] = None,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    overwrite: Overwrite = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> None:
    """Say what each site of a plan adds, what would replace it, what others would cost,
    and which routes remain.
    """
    from optimizer.analysis.explain.explain import evader_line, explain_folder
    from optimizer.analysis.explain.output import (
        EXPLANATION,
        explanation_page,
        option_line,
        write_explanation,
    )
    from optimizer.base.work.executor import LEAST_SECONDS, Executor
    from optimizer.plans.plan_folder import PlanFolder
    from optimizer.solvers.params import SolveParams

    asked = bool(site or routes) or others is not None or evaders is not None
    _check_asked(at, record, kind, prices=asked)
    if at is not None:
        _explain_at(plan, at, kind or (), out, language, overwrite=overwrite, as_json=as_json)
        return
    spoken = PlanFolder(plan).language(language)
    seconds = time_limit or (SECONDS_OF_RECORDS if record else SECONDS)
    terms: dict[str, Any] = {
        "gap": 1e-4 if gap is None else gap,
        "time_limit": seconds if record else max(seconds - seconds_running(), LEAST_SECONDS),
        "seed": seed or 0,
        "params": SolveParams.given(params, param or ()),
        "skip_unreachable": skip_unreachable,
        "executor": Executor(jobs, scheduler),
        "listener": ProgressPrinter(silent=as_json),
    }
    if record:
        _explain_record(
            plan,
            out,
            spoken,
            terms | {"permutations": record},
            overwrite=overwrite,
            as_json=as_json,
        )
        return
    folder = None if out is None else EXPLANATION.folder(out, plan, overwrite=overwrite)
    with CommandInterrupts():
        explanation = explain_folder(
            plan,
            sites=site or (),
            others=20 if others is None else others,
            evaders=5 if evaders is None else evaders,
            **terms,
        )
        if folder is not None:
            write_explanation(folder, explanation, spoken, PlanFolder(plan).own_words)
    if as_json:
        for option in explanation.options:
            print_json(option_line(option))
        for evader in explanation.evaders if routes else ():
            print_json(evader_line(evader))
    else:
        page = explanation_page(explanation, saved=out is not None)
        print_page(page)
        if explanation.better is not None:
            print_note(page.warnings[0])
    if out is not None and not as_json:
        print_line(f"Saved {out}")
    missing = explanation.wanted - len(explanation.options)
    if missing:
        print_note(
            f"Warning: {missing} of {explanation.wanted} options are not priced. Give more time"
            " with --time-limit."
        )


def _check_asked(at: str | None, record: int, kinds: list[str] | None, *, prices: bool) -> None:
    """Refuse options of `explain` that ask for two answers at once."""
    if at is not None and (prices or record):
        raise typer.BadParameter(
            "--at prices no sites: leave --site, --others, --evaders, --routes and --record out"
        )
    if record and prices:
        raise typer.BadParameter(
            "--record prices no sites: leave --site, --others, --evaders and --routes out"
        )
    if kinds and at is None:
        raise typer.BadParameter("--kind says what to ask about at a point: add --at LON,LAT")


def _explain_at(
    plan: Path,
    at: str,
    kinds: Sequence[str],
    out: Path | None,
    language: str | None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    from optimizer.analysis.explain.anywhere import worth_at
    from optimizer.analysis.explain.anywhere_output import (
        PLACE,
        place_content,
        place_page,
        write_place,
    )
    from optimizer.plans.plan_folder import PlanFolder

    lon, lat = _degrees(at)
    opened = PlanFolder(plan)
    spoken = opened.language(language)
    folder = None if out is None else PLACE.folder(out, plan, overwrite=overwrite)
    with CommandInterrupts():
        asked = worth_at(plan, lon, lat, kinds=kinds, listener=ProgressPrinter(silent=as_json))
        if folder is not None:
            write_place(folder, asked, spoken, opened.own_words)
    if as_json:
        print_json(place_content(asked))
        return
    print_page(place_page(asked, opened.own_words))
    if out is not None:
        print_line(f"Saved {out}")
    for note in asked.notes:
        print_note(f"Warning: {note}")


def _degrees(at: str) -> tuple[float, float]:
    """Return longitude and latitude of an option."""
    from optimizer.records.record_parser import plain_number

    try:
        lon, lat = (plain_number(part.strip()) for part in at.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"--at: found {at!r}; expected longitude and latitude in degrees, such as -98.136,26.90"
        ) from None
    return lon, lat


def _explain_record(
    plan: Path,
    out: Path | None,
    language: str,
    terms: Mapping[str, Any],
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    from optimizer.analysis.explain.record import (
        RECORD,
        record_support,
        support_content,
        support_page,
        write_support,
    )

    folder = None if out is None else RECORD.folder(out, plan, overwrite=overwrite)
    with CommandInterrupts():
        support = record_support(plan, **terms)
        if folder is not None:
            write_support(folder, support, language)
    if as_json:
        print_json(support_content(support))
        return
    print_page(support_page(support))
    if out is not None:
        print_line(f"Saved {out}")


@command(
    "frontier",
    "instances/grid/grid-10-plain-6.json --resource sensors --from 0 --to 8 --points 9",
    (
        "instances/rio-grande/scenario.toml --resource agents@laredo-sector --from 50"
        " --to 150 --out results/laredo-budget"
    ),
)
def frontier(
    scenario: Annotated[
        Path, typer.Argument(help="Scenario (TOML), instance file (JSON) or plan folder.")
    ],
    resource: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[@AGENCY]",
            help="The resource, or a type of teams; given twice, a grid of two.",
        ),
    ] = None,
    first: Annotated[
        list[float] | None, typer.Option("--from", help="Smallest budget; once for each resource.")
    ] = None,
    last: Annotated[
        list[float] | None, typer.Option("--to", help="Largest budget; once for each resource.")
    ] = None,
    changes: Annotated[
        bool,
        typer.Option(
            "--changes",
            help="In place of a resource: how many sites may differ from today, 0 to all.",
        ),
    ] = False,
    points: Annotated[
        list[int] | None,
        typer.Option(help="Number of budgets; once for each resource, or once for all."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write: frontier.csv, .json, and for one resource .png and .svg."
        ),
    ] = None,
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    settings: Settings = None,
    skip_unreachable: SkipUnreachable = False,
    certificate: Annotated[
        bool,
        typer.Option(
            "--certificate",
            help=(
                "Write each point's problem and a proof of its bound into --out, for `verify`; each"
                " is searched once more."
            ),
        ),
    ] = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Solve for a range of budgets, or of changes: value and proven bound of each, and
    what one more brings.

    --time-limit is for the search of all points together, and begins when the scenario
    is read and its risk is estimated; by default three times that of the scenario.
    Certificates take as long again at most. With --out an interrupted command goes on
    where it stopped: give it again.
    """
    from optimizer.analysis.frontier.frontier import (
        CHANGES,
        BudgetRange,
        certified,
        frontier_digest,
        up_to_changes_made,
    )
    from optimizer.analysis.frontier.frontier import frontier as solve_frontier
    from optimizer.analysis.frontier.output import FRONTIER, write_frontier
    from optimizer.base.files.json_lines import FinishedTasks
    from optimizer.base.params import parsed_settings
    from optimizer.base.work.executor import Executor
    from optimizer.plans.problem_source import problem_source
    from optimizer.solvers.branch_and_cut.proof.record import check_certifiable

    if certificate and out is None:
        raise typer.BadParameter(
            "give --out FOLDER for the certificates, or leave --certificate out"
        )
    asked = _ranges_asked(resource or [], first or [], last or [], points or [], changes=changes)
    listener = ProgressPrinter(silent=as_json)
    folder = None if out is None else FRONTIER.folder(out, scenario, overwrite=overwrite)
    with CommandInterrupts(), tempfile.TemporaryDirectory() as made:
        source = problem_source(
            scenario,
            options=solve_options(method, gap, None, seed),
            settings=parsed_settings(settings or ()),
            language=language,
            skip_unreachable=skip_unreachable,
            budgets=[each.resource for each in asked if each.resource != CHANGES],
            listener=listener,
        )
        ranges = asked or [BudgetRange.of_changes(source.instance)]
        if certificate:
            check_certifiable(source.instance, source.solve.search())
        notes: list[str] = []
        starts = source.starts(source.instance, notes.append)
        finished = None
        if out is not None:
            digest = frontier_digest(source.instance, ranges, source.solve, time_limit, starts)
            finished = FinishedTasks.beside(out, digest, overwrite=overwrite)
        found = solve_frontier(
            source.instance,
            ranges,
            source.solve,
            starts=starts,
            time_limit=time_limit,
            executor=Executor(jobs, scheduler),
            finished=finished,
            listener=listener,
        )
        if changes:
            found = up_to_changes_made(found, source.instance)
        if certificate:
            found = certified(
                found,
                source.instance,
                source.solve,
                Path(made),
                time_limit=time_limit,
                listener=listener,
            )
        if folder is not None and finished is not None:
            write_frontier(
                folder, found, source.instance.name, source.language, Path(made), source.own_words
            )
            if found.complete:
                finished.remove()
    _tell(found, source.instance.name, out, as_json=as_json)
    for warning in (*source.warnings, *notes):
        print_note(f"Warning: {warning}")


def _ranges_asked(
    resources: list[str], first: list[float], last: list[float], points: list[int], *, changes: bool
) -> list[BudgetRange]:
    """Return the budgets that were asked for; none where changes were."""
    from optimizer.analysis.frontier.frontier import BudgetRange

    if changes and (resources or first or last or points):
        raise typer.BadParameter("give --changes alone, or --resource with --from and --to")
    if not changes and not resources:
        raise typer.BadParameter("give --resource with --from and --to, or --changes")
    count, numbers = len(resources), points or [11]
    if not changes and (
        len(first) != count or len(last) != count or len(numbers) not in {1, count}
    ):
        raise typer.BadParameter(
            "give --resource, --from and --to equally often, and --points once or as often"
        )
    numbers = numbers * count if len(numbers) == 1 else numbers
    return [
        BudgetRange.between(*each) for each in zip(resources, first, last, numbers, strict=True)
    ]


def _tell(found: Frontier, name: str, out: Path | None, *, as_json: bool) -> None:
    from optimizer.analysis.frontier.output import frontier_page

    if as_json:
        _print_points(found)
    else:
        print_page(frontier_page(found, name))
        if out is not None:
            print_line(f"Saved {out}")
    if not found.complete:
        again = "" if out is None else " The same command goes on from here."
        print_note(
            f"Not all points were searched; those have the bounds that the others prove.{again}"
        )


def _print_points(found: Frontier) -> None:
    from optimizer.analysis.frontier.output import point_content

    names = [each.resource for each in found.ranges]
    for k in range(len(found.points)):
        line = point_content(found, k)
        budgets = line.pop("budgets")
        one = {"resource": names[0], "budget": budgets[0]} | (
            {"budgets": budgets} if len(names) > 1 else {}
        )
        print_json(one | line | {"resources": names, "complete": found.complete})
