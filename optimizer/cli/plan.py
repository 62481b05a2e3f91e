"""`plan`: from a scenario to a folder with a report."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.base.errors import InfeasibleError
from optimizer.cli.arguments import (
    Budgets,
    ChangeAtMost,
    Forbid,
    Force,
    Gap,
    Jobs,
    Json,
    KeepToday,
    Language,
    Method,
    Overwrite,
    Param,
    ParamsFile,
    Scheduler,
    Seed,
    Settings,
    SkipUnreachable,
    Start,
    Support,
    Teams,
    Threads,
    TimeLimit,
    changes_of,
    solve_options,
)
from optimizer.cli.commands import command
from optimizer.cli.console import (
    SHARES,
    ProgressPrinter,
    print_json,
    print_line,
    print_note,
    print_table,
    result_line,
    six_figures,
    unreachable_json,
    verdict,
    verdict_in_percent,
)
from optimizer.cli.terminal import CommandInterrupts

if TYPE_CHECKING:
    from optimizer.analysis.uncertainty.sensitivity import Sensitivity
    from optimizer.analysis.uncertainty.uncertainty import PlansOverDraws, UncertaintyRequest
    from optimizer.pipeline.plan import Planned
    from optimizer.problem.files.plan_file import MobilityValues, PlanFile, PlanSite
    from optimizer.report.content.placements import BeatStopRow


@command(
    "plan",
    "instances/rio-grande/scenario.toml",
    "instances/andorra/scenario.toml --gap 0.01 --time-limit 60 --out results/andorra",
    "instances/andorra/scenario.toml --method mixed --out results/andorra-days",
)
def plan(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    out: Annotated[
        Path | None,
        typer.Option(
            help=(
                "Folder to write; by default results/FOLDER for FOLDER/scenario.toml, and"
                " FOLDER-NAME for others."
            )
        ),
    ] = None,
    method: Method = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    seed: Seed = None,
    threads: Threads = None,
    scheduler: Scheduler = None,
    support: Support = None,
    params: ParamsFile = None,
    param: Param = None,
    budget: Budgets = None,
    teams: Teams = None,
    force: Force = None,
    forbid: Forbid = None,
    keep_today: KeepToday = False,
    change_at_most: ChangeAtMost = None,
    start: Start = None,
    given: Annotated[
        Path | None,
        typer.Option(
            "--given",
            help="Plan folder, or plan.json, to take as it is: its report without a search.",
        ),
    ] = None,
    language: Language = None,
    settings: Settings = None,
    draws: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Plan over so many draws of flows and of ranges of detection."
        ),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="mean|cvar:ALPHA|worst",
            help="With --draws: what the plan is judged by over them (mean).",
        ),
    ] = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="Vary the assumptions one by one: which moves the value, which the plan.",
        ),
    ] = False,
    outages: Annotated[
        bool,
        typer.Option(
            "--robust-to-outages",
            help="Plan for the worst of one site out of work, which everybody knows of.",
        ),
    ] = False,
    jobs: Jobs = 1,
    skip_unreachable: SkipUnreachable = False,
    no_report: Annotated[
        bool,
        typer.Option(
            "--no-report",
            help="Leave out report.html and its figures; every other file is written.",
        ),
    ] = False,
    no_copy: Annotated[
        bool,
        typer.Option(
            "--no-copy",
            help=(
                "Leave out scenario.zip, the scenario with its records, by which later commands"
                " work where the folder is copied to."
            ),
        ),
    ] = False,
    certificate: Annotated[
        bool,
        typer.Option(
            "--certificate",
            help="Write certificate.jsonl.gz, a proof of the bound that `verify` checks.",
        ),
    ] = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Plan a scenario: read, estimate risk, solve, evaluate, and write a folder with a
    report.

    With --draws the scenario is solved for its middle and for each objective, at most
    --time-limit each; --jobs and --scheduler share these.
    """
    from optimizer.analysis.uncertainty.sensitivity import sensitivity_content
    from optimizer.analysis.uncertainty.uncertainty import uncertainty_content
    from optimizer.base.params import parsed_settings
    from optimizer.base.work.executor import Executor
    from optimizer.pipeline.plan import plan_scenario
    from optimizer.pipeline.solve import result_without_plan
    from optimizer.plans.changes import in_language
    from optimizer.solvers.params import SolveParams

    folder = _default_folder(scenario) if out is None else out
    options = solve_options(method, gap, time_limit, seed, threads, scheduler, support)
    options.pop("scheduler", None)  # it is of this machine, and no setting of a scenario
    changes = changes_of(budget, force, forbid, keep_today, change_at_most, teams)
    fields = {
        f"solve.params.{name}": value
        for name, value in SolveParams.given(params, param or ()).items()
    }
    fields |= parsed_settings(settings or ()) | in_language(language)
    doubt = _doubt(draws, objective)
    if jobs > 1 and doubt is None and not sensitivity:
        print_note(
            "Warning: --jobs shares the solves of --draws and --sensitivity, and has no effect"
            " without one of them"
        )
    try:
        with CommandInterrupts():
            planned = plan_scenario(
                scenario,
                folder,
                options=options,
                changes=changes,
                settings=fields,
                start=start,
                given=given,
                scheduler=scheduler,
                doubt=doubt,
                sensitivity=sensitivity,
                outages=outages,
                executor=Executor(jobs, scheduler),
                skip_unreachable=skip_unreachable,
                report=not no_report,
                certificate=certificate,
                copy=not no_copy,
                overwrite=overwrite,
                listener=ProgressPrinter(silent=as_json),
            )
    except (InfeasibleError, KeyboardInterrupt) as error:
        if as_json:
            print_json(
                result_line(str(scenario), result_without_plan(error, options)) | {"out": None}
            )
        raise
    warnings = planned.compiled.warnings
    if as_json:
        line = result_line(planned.compiled.instance.name, planned.result)
        tail: dict[str, Any] = {"out": str(folder), "warnings": list(warnings)}
        tail |= {} if planned.doubt is None else {"doubt": uncertainty_content(planned.doubt)}
        tail |= {} if planned.one_out is None else {"one_out": planned.one_out.content}
        tail |= (
            {}
            if planned.sensitivity is None
            else {"sensitivity": sensitivity_content(planned.sensitivity)}
        )
        print_json(
            line | tail | unreachable_json(planned.compiled.skipped, wanted=skip_unreachable)
        )
    else:
        _show(planned, change_at_most)
    for warning in warnings:
        print_note(f"Warning: {warning}")


def _doubt(draws: int | None, objective: str | None) -> UncertaintyRequest | None:
    """Return what is asked of draws; an objective without draws is a fault."""
    from optimizer.analysis.uncertainty.uncertainty import UncertaintyRequest
    from optimizer.base.errors import InputError, Problem
    from optimizer.problem.plan.weight_scenarios import Objective
    from optimizer.scenario.compile.uncertainty import check_count

    if objective is None and draws is None:
        return None
    asked = Objective.parsed(objective or "mean")
    if draws is None:
        raise InputError(
            Problem(
                "objective", repr(objective), "draws to judge a plan by", "Give --draws 50 as well"
            )
        )
    check_count(draws)
    return UncertaintyRequest(draws, asked)


def _default_folder(scenario: Path) -> Path:
    """Return where the plan of a scenario goes: each scenario of a folder to a place of its own."""
    parts = [scenario.resolve().parent.name, "" if scenario.stem == "scenario" else scenario.stem]
    return Path("results") / ("-".join(part for part in parts if part) or "plan")


NO_SITE = "The plan uses no site."


def _show(planned: Planned, change_at_most: int | None = None) -> None:
    """Print the sites and beats of a plan with their marginal values, the layouts it is
    compared with, and where the files are.
    """
    from optimizer.problem.plan.result import GIVEN, ValueBounds, searched_enough
    from optimizer.scenario.demand.weighed_demand import weighing_sentence

    plan, values = planned.plan, planned.plan.values
    shares = planned.compiled.scenario.evaders.loads == 1.0
    terms = planned.compiled.scenario.evaders
    everything = {"quantity": "all kilograms", "harm": "all units of harm"}.get(
        terms.weights_by, "all loads"
    )
    said = verdict_in_percent(planned.result, everything) if shares else verdict(planned.result)
    _show_sites(plan, f"{plan.name}: {said}", shares=shares)
    print_line(_changes_sentence(plan, change_at_most))
    if weighing := weighing_sentence(planned.compiled.record, terms):
        print_line(weighing)
    result = planned.result
    if result.upper is not None and (result.method != GIVEN or result.lower):
        known, before = ValueBounds(result.lower or 0.0, result.upper), values.existing
        if not searched_enough(known, values.nothing if before is None else before):
            bounds = (known.lower, known.upper)
            low, high = SHARES.pair(*bounds) if shares else map(six_figures, bounds)
            print_line(
                f"Not yet known: with the best plan between {low} and {high} get through. A better"
                " plan may gain more than this one does: let the program search longer"
                " (--time-limit)."
            )
    if plan.beats:
        _show_beats(planned, shares=shares)
        _show_beats_account(planned, shares=shares)
    shown = _percent if shares else six_figures
    layouts = [("nothing placed", shown(values.nothing))]
    if values.existing is not None:
        layouts.append(("today's layout", shown(values.existing)))
    every = "every site used" + (", with these beats" if plan.beats else "")
    mixed = planned.result.mixed is not None
    if mixed and planned.result.upper is not None:
        layouts.append(("the mixture of plans", shown(planned.result.upper)))
    single = "the best plan that is the same every day, shown above" if mixed else "this plan"
    layouts += [(single, shown(values.plan)), (every, shown(values.everything))]
    print_table(
        "What gets through each layout", ["layout", "gets through" if shares else "value"], layouts
    )
    if values.by_mobility:
        _show_mobility(planned, shares=shares)
    if planned.doubt is not None:
        show_doubt(planned.doubt)
    if planned.sensitivity is not None:
        show_sensitivity(planned.sensitivity)
    _show_files(planned)


def _show_files(planned: Planned) -> None:
    """Print where the report is, and what the folder holds of the record."""
    from optimizer.plans.scenario_copy import SCENARIO_COPY

    report = planned.folder / "report.html"
    print_line(
        f"Report: {report}"
        if report.name in planned.files
        else f"Plan, without a report: {planned.folder}"
    )
    if SCENARIO_COPY in planned.files:
        print_line(
            f"The folder can be copied: {SCENARIO_COPY} in it holds the scenario with its records."
            " Give it to nobody who may not see these, or leave it out (--no-copy)."
        )


ORDER = ("Open", "Change", "Close", "Keep")
"""What a plan does with sites, in the order in which it is told."""


def _ordered_sites(plan: PlanFile) -> list[tuple[str, PlanSite, float | None]]:
    """Return what the plan does with each site that it has, or that stands today, and
    what it adds: openings first, then changes of kind, closings, and what is kept.
    """
    today = {site.site for site in plan.candidates if site.existing and site.site}
    planned = {site.site for site in plan.sites if site.site}
    rows: list[tuple[str, PlanSite, float | None]] = [
        (
            "Keep" if site.existing else "Change" if site.site in today else "Open",
            site,
            site.worth,
        )
        for site in plan.sites
    ]
    rows += [
        ("Close", site, None)
        for site in plan.candidates
        if site.existing and site.site not in planned
    ]
    return sorted(rows, key=lambda row: (ORDER.index(row[0]), -(row[2] or 0.0)))


FLOOR = 0.0005
"""Share of loads below which what opens or changes has no row, as on the order."""


def _show_sites(plan: PlanFile, title: str, *, shares: bool) -> None:
    """Print what is done with each site, and what adds next to nothing in a sentence."""
    little = _worth_little(plan) if shares else []
    rows = [
        (verb, site.label or site.id, _amount(worth, shares=shares))
        for verb, site, worth in _ordered_sites(plan)
        if site not in little
    ]
    print_table(title, ["", "site", "adds (points)" if shares else "adds"], rows, NO_SITE)
    if little:
        print_line(
            f"Last or not at all, as each adds less than {100 * FLOOR:g} points:"
            f" {', '.join(site.label or site.id for site in little)}."
        )


def _worth_little(plan: PlanFile) -> list[PlanSite]:
    """Return the sites that open or change and add next to nothing."""
    return [
        site
        for verb, site, worth in _ordered_sites(plan)
        if verb in {"Open", "Change"} and worth is not None and worth < FLOOR
    ]


def _changes_sentence(plan: PlanFile, change_at_most: int | None) -> str:
    """Return how many sites the plan opens, changes, closes and keeps, and how many
    beats it drives.
    """
    from optimizer.base.text.language import counted

    counts = Counter(verb for verb, _, _ in _ordered_sites(plan))
    parts = [f"{verb.lower()} {counts[verb]}" for verb in ORDER if counts[verb]]
    said = f"{', '.join(parts)} of the sites above" if parts else ""
    if plan.beats:
        beats = counted("{count} beat", "{count} beats", len(plan.beats))
        said = "; ".join(filter(None, (said, f"drive {beats}")))
    if change_at_most is not None:
        changes = sum(counts[verb] for verb in ORDER[:3])
        said = f"{changes} of at most {change_at_most} changes: {said or 'none'}"
    if not said:
        return "The plan places nothing."
    none = f" {NO_SITE}" if counts and not plan.sites else ""  # what is closed is listed
    return f"{said[:1].upper()}{said[1:]}.{none}"


def _show_mobility(planned: Planned, *, shares: bool) -> None:
    """Print what plan and today's layout let through if other shares of the informed
    loads may change gateway, and the range of the gain.
    """
    from optimizer.base.text.formatting import decimal, number, percent
    from optimizer.scenario.demand.source_measures import MOBILE

    values = planned.plan.values.by_mobility
    assumed = planned.compiled.scenario.evaders.mobility
    shown = _percent if shares else six_figures

    def gain(amount: float) -> str:
        return decimal(100 * amount) if shares else number(amount)

    def gains_of(row: MobilityValues) -> tuple[float, ...]:
        """Return the gains of a row, the first as the two values beside it show it."""
        before = row.nothing if row.existing is None else row.existing
        own = row.gains[:1] if before is None or not shares else (SHARES.less(before, row.plan),)
        return (*own, *row.gains[1:])

    by_row = [gains_of(row) for row in values]
    rows = [
        (
            percent(row.mobility, 0)
            + (", at no cost" if row.free else ", as assumed" if row.mobility == assumed else ""),
            shown(row.existing),
            shown(row.plan),
            gain(found[0]) if found else "-",
            _span(gain(min(found)), gain(max(found))) if found else "-",
        )
        for row, found in zip(values, by_row, strict=True)
    ]
    title = "If traffickers may change gateway (the search and its bound are of the assumed case)"
    gained = "gain (points)" if shares else "gain"
    print_table(
        title, ["informed loads that may", "today's layout", "this plan", gained, "range"], rows
    )
    gains = [each for found in by_row for each in found]
    if gains:
        own = next(
            found[0]
            for row, found in zip(values, by_row, strict=True)
            if row.mobility == assumed and not row.free
        )
        than = "with nothing placed" if values[0].existing is None else "under today's layout"
        points = " points" if shares else ""
        over = "who may change gateway and how well sites detect"
        if any(row.low_local is not None for row in values):
            over = (
                "who may change gateway, how well sites detect, and how many loads keep to a place"
            )
        if own < 0:
            print_line(_worse(planned, f"{gain(-own)}{points}"))
        if _is_today(planned):
            print_line("The plan is today's layout: nothing changes, and as much gets through.")
            gains = []
    if gains:
        told = f"{gain(own)}{points} as assumed, " if own >= 0 else ""
        print_line(
            f"Less gets through than {than}: {told}{gain(min(gains))} to"
            f" {gain(max(gains))}{points if own < 0 else ''} over {over}. What else may be wrong"
            " with the record and the assumed flows is not in that range. Proven is the search in"
            " this model, not the world."
        )
    if not assumed:
        print_line(
            "Assumed: mobility 0, every load keeps its gateway whatever stands behind it. Loads"
            " that change gateway make the plan worth less; a fifth is of the size that was"
            f" measured: --set evaders.mobility={MOBILE[1]:g} plans for it (docs/evaders.md)."
        )


def _span(low: str, high: str) -> str:
    """Return a range; one number where both ends are shown the same."""
    return low if low == high else f"{low} to {high}"


def _is_today(planned: Planned) -> bool:
    """Return whether a plan places what stands today, and nothing else."""
    options, plan = planned.compiled.instance.options, planned.plan
    today = {option.id for option in options if option.existing}
    return bool(today) and not plan.beats and set(plan.options) == today


def _worse(planned: Planned, points: str) -> str:
    """Say that more gets through than under today's layout, and by how much that layout
    exceeds the budgets.
    """
    from optimizer.base.text.formatting import amount_with_unit, number, plain
    from optimizer.problem.instance.options import BUDGET_TOLERANCE

    instance = planned.compiled.instance
    today = [j for j, option in enumerate(instance.options) if option.existing]
    over = [
        (float(used) / resource.budget if resource.budget else math.inf, resource, float(used))
        for resource, used in zip(instance.resources, instance.use[today].sum(axis=0), strict=True)
        if used > resource.budget * (1 + BUDGET_TOLERANCE)
    ]
    if planned.comparison.existing is None:
        return f"{points} more get through than with nothing placed."
    if not over:
        from optimizer.analysis.desk.desk import shortfalls

        placed = instance.placed([instance.options[j].id for j in today])
        if broken := " ".join(shortfalls(instance, placed, {})):
            broken = broken.replace("he plan shown", "oday's layout")
            return (
                f"{points} more get through than today. Today's layout breaks a demand that this"
                f" plan must keep: {broken}"
            )
        return (
            f"{points} more get through than today. Today's layout keeps these budgets and every"
            " other demand: let the search run longer (--time-limit)."
        )
    ratio, resource, used = max(over, key=lambda each: each[0])
    amount = amount_with_unit(used, resource.unit)
    budget = amount_with_unit(resource.budget, resource.unit)
    named = plain(resource.name or resource.id)
    if ratio < 1.05 or ratio == math.inf:
        return f"{points} more get through than today: that layout takes {amount} of {named}, and this budget is {budget}."
    return (
        f"{points} more get through than today: that layout takes {amount} of {named},"
        f" {number(ratio, 2)} times this budget ({budget})."
    )


def show_doubt(doubt: PlansOverDraws) -> None:
    """Print the plans over the draws."""
    from optimizer.analysis.uncertainty.uncertainty import plan_name
    from optimizer.base.text.formatting import number

    rows = [
        (
            plan_name(plan, doubt),
            number(plan.mean, 4),
            f"{number(plan.low, 4)} to {number(plan.high, 4)}",
            number(plan.cvar, 4),
            number(plan.worst, 4),
            "-" if plan.beats_today is None else f"{plan.beats_today:.0%}",
            number(plan.regret),
        )
        for plan in doubt.plans
    ]
    columns = [
        "best for",
        "mean",
        "nine in ten",
        f"cvar:{doubt.level:g}",
        "worst",
        "beats today",
        "regret",
    ]
    title = (
        f"Plans over {doubt.request.draws} draws; regret is against the best of these plans in the"
        " same draw"
    )
    print_table(title, columns, rows)


def show_sensitivity(found: Sensitivity) -> None:
    """Print the assumptions, that which moves the value most first."""
    from optimizer.base.text.formatting import number

    rows = [
        (
            each.variation.name,
            f"{each.variation.low.text} to {each.variation.high.text}",
            each.variation.source,
            *("-" if end is None else number(end.upper, 4) for end in (each.low, each.high)),
        )
        for each in found.varied
    ]
    columns = ["assumption", "range", "", "at low", "at high"]
    print_table("Assumptions varied: the best plan found", columns, rows)


def _show_beats(planned: Planned, *, shares: bool) -> None:
    """Print the beats of a plan, lettered as in the report: team, base, posts with
    times, marginal value.
    """
    from optimizer.base.text.formatting import letter, plain
    from optimizer.plans.display_names import DisplayNames, beat_rows
    from optimizer.report.content.placements import beat_times, driven_order

    def road(stop: BeatStopRow) -> str:  # where it is on it, the report says
        return plain(stop.label.removesuffix(f" ({stop.lat:.3f}, {stop.lon:.3f})"))

    beats = driven_order(beat_rows(planned.plan.beats, DisplayNames.of(planned.compiled)))
    rows = [
        (
            [f"{letter(place)}: {plain(beat.team)}", f"from {plain(beat.home.label)}"],
            [
                f"{road(stop)}, {beat.time(stop.arrive_s)} to {beat.time(stop.leave_s)}"
                for stop in beat.stops
            ],
            beat.time(beat.sets_out_s),
            beat.time(beat.back_s),
            _amount(beat.entry.worth, shares=shares),
        )
        for place, beat in enumerate(beats)
    ]
    columns = [
        "beat",
        "posts",
        "sets out",
        "back",
        "adds (points)" if shares else "adds",
    ]
    print_table("Beats", columns, rows)
    print_line(beat_times(beats))


def _show_beats_account(planned: Planned, *, shares: bool) -> None:
    """Print what all beats bring and take, and which of them bring less for it than a
    site would that is not chosen.
    """
    from optimizer.base.text.formatting import amounts, plain
    from optimizer.base.text.language import counted
    from optimizer.pipeline.briefing.briefing import beats_worth_facts
    from optimizer.plans.display_names import DisplayNames

    facts = beats_worth_facts(
        planned.compiled, planned.comparison, DisplayNames.of(planned.compiled)
    )
    if facts is None:
        return

    def points(amount: float) -> str:
        return f"{_amount(amount, shares=shares)}{' points' if shares else ''}"

    value, every = planned.comparison.plan.value, facts.rows[-1]
    all_beats = counted("{count} beat", "{count} beats", len(facts.rows))
    print_line(
        f"Beats bring {points(every.value - value)} in all and take {amounts(every.freed)}"
        f" ({all_beats})."
    )
    if facts.weak:
        row = facts.rows[facts.weak - 1]
        print_line(
            f"Leaving out {counted('{count} beat', '{count} beats', facts.weak)} of least worth"
            f" lets {points(row.value - value)} more through and frees {amounts(row.freed)};"
            f" {plain(facts.site, 60)} would bring {points(facts.gain)} for"
            f" {amounts(facts.costs)}."
        )


def _amount(amount: float | None, *, shares: bool) -> str:
    """Return a marginal value: percentage points where values are shares."""
    from optimizer.base.text.formatting import decimal

    if amount is None:
        return "-"
    return decimal(100 * amount, 2) if shares else f"{amount:.4f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
