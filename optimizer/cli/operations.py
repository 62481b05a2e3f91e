"""After the plan: `delivered` (what was done of it), `passes` (what got through),
`audit` (full inspections), `trial`, `forecast` (sealed).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.choices import (
    TrialKind,
)
from optimizer.base.errors import InputError, Problem
from optimizer.base.text.formatting import number
from optimizer.base.work.listener import Listener
from optimizer.cli.arguments import (
    Json,
    Language,
    Overwrite,
    PlanFolderPath,
    SkipUnreachable,
)
from optimizer.cli.commands import command, group
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table
from optimizer.operations.trial_terms import TrialTerms

if TYPE_CHECKING:
    from optimizer.operations.delivered import Delivered, DeliveryTally
    from optimizer.operations.passes import Estimate, Passes
    from optimizer.operations.trial import TrialDesign
    from optimizer.operations.trial_inference import TrialPower


UNITS_SHOWN = 15
"""Units that are shown: those with the most hours that were not delivered."""


@command(
    "delivered",
    "results/rio-grande --tracks tracks.gpx --log log.csv",
    "results/rio-grande --tracks fixes.csv --out results/week-1",
)
def delivered(
    plan_folder: PlanFolderPath,
    tracks: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help=(
                "Positions of units: GPX, CSV (time, lon, lat, unit), a patrol of SMART (.xml),"
                " tracks of EarthRanger (.geojson). "
                "May be repeated."
            ),
        ),
    ] = None,
    log: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Log of duty, as the field pack has it (CSV). May be repeated."
        ),
    ] = None,
    roster: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Roster that was worked; those in PLAN_FOLDER if not given. May be repeated.",
        ),
    ] = None,
    draws: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Draws that were worked without a roster. May be repeated."
        ),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=CREW",
            help="The crew that a name in the files stands for. May be repeated.",
        ),
    ] = None,
    clock: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CREW=MINUTES",
            help="Minutes to add to the times of a crew's tracks. May be repeated.",
        ),
    ] = None,
    scenario: Annotated[
        Path | None,
        typer.Option(help="Scenario of the plan; where the folder says it is if not given."),
    ] = None,
    near: Annotated[
        float, typer.Option(min=1, help="Metres within which a unit stands at a planned place.")
    ] = 300.0,
    within: Annotated[
        float, typer.Option(min=1, help="Metres within which a position belongs to a road.")
    ] = 100.0,
    late: Annotated[float, typer.Option(min=0, help="Minutes after which a unit is late.")] = 15.0,
    effort_unit: Annotated[
        str,
        typer.Option(
            help="What the hours count as, such as the unit of the effort that the scenario has."
        ),
    ] = "unit-hours",
    hours_each: Annotated[
        float | None,
        typer.Option(
            metavar="H",
            help=(
                "Hours of a crew that one of --effort-unit is: amount = hours / H; 1 if not given."
            ),
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; PLAN_FOLDER/delivered if not given.")
    ] = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Compare what units did with what a plan asked of them, and write their effort for
    the next fit.
    """
    from optimizer.base.text.language import check_language
    from optimizer.operations.delivered import DeliveredParams, delivered_of_plan
    from optimizer.operations.delivered_output import (
        DELIVERED,
        delivered_page,
        tally_line,
        write_delivered,
    )
    from optimizer.operations.map_matching import MatchParams

    asked = None if language is None else check_language(language)
    place = plan_folder / "delivered" if out is None else out
    folder = DELIVERED.folder(
        place, plan_folder, *(tracks or ()), *(log or ()), overwrite=overwrite
    )
    found = delivered_of_plan(
        plan_folder,
        tracks=tracks or (),
        logs=log or (),
        rosters=roster,
        draws=draws or (),
        units=dict(_pair("--unit", text) for text in unit or ()),
        clocks={
            name: _minutes(text) for name, text in (_pair("--clock", text) for text in clock or ())
        },
        scenario=scenario,
        effort_unit=effort_unit,
        hours_each=hours_each,
        params=DeliveredParams(near_m=near, late_minutes=late, match=MatchParams(within_m=within)),
        listener=ProgressPrinter(silent=as_json),
    )
    write_delivered(folder, found, asked or found.language)
    if as_json:
        for tally in found.tallies:
            if tally.by == "unit":
                print_json(tally_line(tally))
    else:
        print_line(delivered_page(found).headline)
        _show_delivered(found, place)
    for sentence in found.warnings:
        print_note(f"Note: {sentence}")


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not (equals and name.strip() and value.strip()):
        raise InputError(Problem(option, repr(text), "NAME=VALUE, such as 'car 7=laredo-2'"))
    return name.strip(), value.strip()


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = float("nan")
    if not abs(minutes) <= 24 * 60:
        raise InputError(Problem("--clock", repr(text), "minutes to add, such as -60 or 60"))
    return minutes


def _show_delivered(found: Delivered, folder: Path) -> None:
    counts = {"week": "Weeks", "sector": "Sectors", "base": "Bases"}
    for by, title in counts.items():
        rows = [_cells(found, tally) for tally in found.tallies if tally.by == by]
        print_table(f"{title}: planned against delivered", _columns(by), rows)
    units = [tally for tally in found.tallies if tally.by == "unit"]
    units.sort(key=lambda tally: tally.delivered_hours - tally.planned_hours)
    print_table(
        "Units: planned against delivered",
        _columns("unit"),
        [_cells(found, tally) for tally in units[:UNITS_SHOWN]],
    )
    if len(units) > UNITS_SHOWN:
        print_note(
            f"{len(units) - UNITS_SHOWN} more units are left out here; --json and delivered.csv"
            " have all."
        )
    hours, roads = found.effort_hours, len({row.segment for row in found.effort})
    amount = f"{number(hours / found.hours_each, 4)} {found.effort_unit}"
    print_line(f"Effort: {amount} ({hours:.1f} hours of crews) on {roads} roads")
    print_line(f"Saved {folder}; for the next plan, copy records.toml of it into the scenario")


def _columns(by: str) -> Sequence[str]:
    return (
        by,
        "planned h",
        "delivered h",
        "visits",
        "manned",
        "late",
        "short",
        "elsewhere",
        "no record",
        "extra",
    )


def _cells(found: Delivered, tally: DeliveryTally) -> Sequence[str]:
    return (
        found.names.get(tally.name, tally.name) or "-",
        f"{tally.planned_hours:.1f}",
        f"{tally.delivered_hours:.1f}",
        str(tally.stops_planned),
        *(str(count) for count in tally.count.values()),
        str(tally.extra),
    )


# `passes`: what was sent, found, got through and went round.


PLACES_SHOWN = 15
"""Sites and gateways that are shown of each quarter: those by which most is sent."""


@command(
    "passes",
    "instances/rio-grande/scenario.toml --out results/rio-grande-passes",
    "instances/rio-grande/scenario.toml --plan results/rio-grande --quarters 8 --json",
)
def passes(
    scenario: Annotated[
        Path, typer.Argument(help="Scenario file (TOML) with a record of seizures.")
    ],
    plan: Annotated[
        Path | None,
        typer.Option(
            metavar="PLAN_FOLDER", help="The plan that stood; today's sites if not given."
        ),
    ] = None,
    quarters: Annotated[int, typer.Option(min=1, help="How many, the last of the record.")] = 4,
    draws: Annotated[int, typer.Option(min=10, max=1000, help="Draws of the fitted model.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for passes.csv, passes.json and a page to print.")
    ] = None,
    language: Language = None,
    skip_unreachable: SkipUnreachable = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Estimate what was sent, found, got through and went round: by site, sector,
    gateway and quarter, with 90 % intervals.
    """
    from optimizer.base.text.language import check_language
    from optimizer.operations.passes import passes_of_scenario
    from optimizer.operations.passes_output import PASSES, passes_line, passes_page, write_passes

    asked = None if language is None else check_language(language)
    sources = [scenario] if plan is None else [scenario, plan]
    folder = None if out is None else PASSES.folder(out, *sources, overwrite=overwrite)
    found = passes_of_scenario(
        scenario,
        plan=plan,
        quarters=quarters,
        draws=draws,
        seed=seed,
        skip_unreachable=skip_unreachable,
        listener=ProgressPrinter(silent=as_json),
    )
    if folder is not None:
        write_passes(folder, found, asked or found.language)
    if as_json:
        for row in found.rows:
            print_json(passes_line(row))
    else:
        print_line(passes_page(found).headline)
        _show_passes(found)
        if out is not None:
            print_line(f"Saved {out}")
    for sentence in (*found.warnings, *found.faults):
        print_note(f"Note: {sentence}")


def _show_passes(found: Passes) -> None:
    from optimizer.operations.passes_output import ASSUMED

    last = max(found.finds)
    rows = [row for row in found.rows if row.quarter == last]
    rate = "interdiction rate" + (", if stated chances are right" if found.if_right else "")
    for kind, title in (
        ("all", "In all"),
        ("gateway", "By gateway"),
        ("sector", "By sector"),
        ("site", "By site"),
    ):
        mine = sorted((row for row in rows if row.kind == kind), key=lambda row: -row.sent.median)
        cells = [
            (
                row.label,
                *(_amount(each) for each in (row.sent, row.found, row.through, row.around)),
                _share(row.rate),
            )
            for row in mine[:PLACES_SHOWN]
        ]
        if cells:
            columns = ["", "sent", "found", "through", "gone round", rate]
            print_table(
                f"{title}, {last}: loads, with 90 % intervals, under {found.layout}", columns, cells
            )
        if len(mine) > PLACES_SHOWN:
            print_note(f"{len(mine) - PLACES_SHOWN} more are left out here; --json has all.")
    for sentence in ASSUMED:
        print_line(sentence)


def _amount(one: Estimate) -> str:
    return f"{number(one.median)} ({number(one.low)} to {number(one.high)})"


def _share(one: Estimate) -> str:
    return "-" if math.isnan(one.median) else f"{one.median:.1%} ({one.low:.1%} to {one.high:.1%})"


# `audit`: random full inspections: when, their sheets, and what they say of what
# passes.


Audit = Annotated[Path, typer.Argument(metavar="AUDIT", help="File that `audit plan` wrote.")]


group(
    "audit",
    "Inspect vehicles that chance chooses, and say what passes.",
    (
        "plan results/rio-grande --from 2026-12-01 --seed-file ~/audit.seed --new-seed"
        " --out audit.json"
    ),
)


@command(
    "audit plan",
    "results/rio-grande --from 2026-12-01 --seed-file ~/audit.seed --new-seed --out audit.json",
)
def plan(
    plan_folder: PlanFolderPath,
    first: Annotated[
        str, typer.Option("--from", metavar="DATE", help="First day, such as 2026-12-01.")
    ],
    seed_file: Annotated[
        Path,
        typer.Option(
            "--seed-file", help="File with the secret of the times; not in the plan folder."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="File to write; who may not know the times may not read it.")
    ],
    days: Annotated[int, typer.Option(help="How many days, 1 to 366.")] = 28,
    vehicles: Annotated[
        int, typer.Option(help="Vehicles to inspect in all, shared by traffic.")
    ] = 400,
    rate: Annotated[float, typer.Option(help="Assumed share of vehicles with a load.")] = 0.01,
    change: Annotated[float, typer.Option(help="Factor of that share that is to be seen.")] = 2.0,
    minutes: Annotated[float, typer.Option(help="That an inspection takes.")] = 10.0,
    new_seed: Annotated[bool, typer.Option("--new-seed", help="Make the seed file first.")] = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw when vehicles are inspected in full at the sites of a plan, and say what
    such an audit can show.
    """
    from optimizer.operations.audit import check_audit_file, plan_audit, write_audit

    check_audit_file(out, overwrite=overwrite)
    found = plan_audit(
        plan_folder,
        first,
        seed_file,
        days=days,
        vehicles=vehicles,
        rate=rate,
        change=change,
        minutes=minutes,
        new_seed=new_seed,
    )
    write_audit(out, found.file, overwrite=overwrite)
    for sentence in found.warnings:
        print_note(f"Note: {sentence}")
    strata = list(zip(found.file.strata, found.width, strict=True))
    if as_json:
        for one, width in strata:
            line = {
                "site": one.site,
                "shift": one.shift,
                "vehicles": one.vehicles,
                "expected_width": round(width, 6),
            }
            line |= {"passing": round(one.passing, 1), "delay_minutes": one.vehicles * minutes}
            print_json(line | {"power": round(found.power, 6)})
        return
    rows = [
        (
            one.label,
            one.shift or "all day",
            f"{one.passing:,.0f}",
            str(one.vehicles),
            f"{width:.2%}",
        )
        for one, width in strata
    ]
    columns = ["site", "shift", "vehicles that pass", "inspected", "expected width"]
    print_table(
        f"Audit of {days} days from {first}: 90 % intervals if {rate:.2%} carry a load",
        columns,
        rows,
    )
    print_line(
        f"{len(found.file.rows)} vehicles of {number(minutes, 6)} minutes: {found.delay:,.0f}"
        " vehicle-minutes of delay in all."
    )
    print_line(
        f"Chance to see the share change by the factor {number(change, 6)} from one such audit to"
        f" the next: {found.power:.0%}."
    )
    print_line(f"Saved {out}; it holds the times. Sheets: audit sheets {out} --out DIR")


@command("audit sheets", "audit.json --out results/audit-sheets")
def sheets(
    audit: Audit,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write.")],
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a sheet for each post with its drawn times, to fill in, and one for the counts."""
    from optimizer.operations.audit import SHEETS, read_audit, write_sheets

    folder = SHEETS.folder(out, audit, overwrite=overwrite)
    names = write_sheets(folder, read_audit(audit))
    if as_json:
        for name in names:
            print_json({"file": str(out / name)})
    else:
        print_line(
            f"Saved {len(names)} sheets in {out}: fill in `done`, `audited` and `found`; in"
            " counts.csv the rest."
        )


@command("audit results", "audit.json results/audit-sheets --out results/audit")
def results(
    audit: Audit,
    filled: Annotated[
        list[Path],
        typer.Argument(
            metavar="SHEET...", help="Filled sheets, counts.csv among them; or folders of them."
        ),
    ],
    within: Annotated[
        float,
        typer.Option(
            min=0, help="Minutes after the drawn time within which the next vehicle counts."
        ),
    ] = 15.0,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for audit-results.csv and .json.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Read filled sheets, and say with 90 % intervals which share carries a load and
    how much passed undetected.
    """
    from optimizer.operations.audit import RESULTS, audit_results, write_results

    folder = None if out is None else RESULTS.folder(out, audit, *filled, overwrite=overwrite)
    found = audit_results(audit, filled, on_time=within)
    if folder is not None:
        write_results(folder, found)
    for sentence in found.warnings:
        print_note(f"Note: {sentence}")
    lines = [row.line() for row in found.rows]
    if as_json:
        for line in lines:
            print_json(line)
        return
    rows = [
        (
            line["label"],
            f"{line['audited']} of {line['drawn']}",
            f"{line['late']}, {line['missed']}",
            str(line["found"]),
            f"{line['rate_low']:.2%} to {line['rate_high']:.2%}",
            f"{line['passed_undetected_low']:,.0f} to {line['passed_undetected_high']:,.0f}",
            (
                "not known"
                if line["effectiveness_low"] is None
                else f"{line['effectiveness_low']:.0%} to {line['effectiveness_high']:.0%}"
            ),
        )
        for line in lines
    ]
    columns = ["site", "audited", "late, missed", "found", "share", "undetected", "effectiveness"]
    print_table(
        "Share of vehicles with a load, loads undetected, effectiveness of ordinary inspection",
        columns,
        rows,
    )
    if out is not None:
        print_line(f"Saved {out}")


# `trial`: whether a plan works: arms that chance draws, and what they changed.


TrialLedger = Annotated[
    Path | None, typer.Option("--ledger", metavar="DIR", help="Ledger that seals it.")
]


group(
    "trial",
    "Find out whether a plan works, by arms that chance draws.",
    (
        "design results/rio-grande --kind switch-back --from 2027-01-04 --seed-file"
        " ~/trial.seed --new-seed --out results/trial"
    ),
)


@command(
    "trial design",
    (
        "results/rio-grande --kind switch-back --from 2027-01-04 --seed-file ~/trial.seed"
        " --new-seed --out results/trial"
    ),
)
def design(
    plan_folder: PlanFolderPath,
    kind: Annotated[TrialKind, typer.Option(help="How chance decides what stands where.")],
    first: Annotated[
        str, typer.Option("--from", metavar="DATE", help="First day, such as 2026-12-01.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write.")],
    seed_file: Annotated[
        Path | None,
        typer.Option(
            "--seed-file", help="File with the secret of the arms; not in the plan folder."
        ),
    ] = None,
    terms: TrialTerms = TrialTerms(),
    new_seed: Annotated[bool, typer.Option("--new-seed", help="Make the seed file first.")] = False,
    ledger: TrialLedger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw the arms of a trial, say what it can show with traffickers who learn, and
    seal it before the first day.
    """
    from optimizer.base.errors import InputError, Problem
    from optimizer.operations.trial import DESIGN_FILES, design_trial, write_design

    if terms.own_evaders and kind not in {"switch-back", "stepped"}:
        expected = "--kind switch-back or stepped, whose arms are the plan and today's layout"
        raise InputError(Problem("--own-evaders", f"--kind {kind}", expected))
    DESIGN_FILES.folder(out, plan_folder, overwrite=overwrite)
    listener = ProgressPrinter(silent=as_json)
    found = design_trial(
        plan_folder, kind, first, seed_file, terms=terms, new_seed=new_seed, listener=listener
    )
    own, at_first = (
        _own_powers(plan_folder, found, terms, listener) if terms.own_evaders else (None, 0.0)
    )
    write_design(out, found, plan_folder, ledger=ledger, overwrite=overwrite, listener=listener)
    for sentence in found.warnings:
        print_note(f"Note: {sentence}")
    if terms.own_evaders and own is None:
        print_note(
            "Note: the scenario's own evaders get as much through under the plan as under today's"
            " layout, or nothing under that: there is no effect of it to find."
        )
    cells = len(found.file.cells)
    if as_json:
        for row in found.power:
            print_json(
                {"effect": row.effect, "power": row.power, "bias": row.bias, "holds": row.holds}
            )
        if own is not None:
            line = {
                "effect": own.effect,
                "power": own.power,
                "bias": own.bias,
                "holds": own.holds,
                "evaders": "own",
            }
            print_json(line | {"at_first": at_first})
        line = {
            "kind": kind,
            "units": len(found.file.units),
            "periods": len(found.file.periods),
            "rows": cells,
        }
        print_json(
            line | {"expected_finds": found.expected, "ratio_seen": found.ratio, "out": str(out)}
        )
        return
    if kind != "decoys":
        print_line(
            f"About {found.expected:,.0f} finds are expected in the arm with fewest rows: by counts"
            f" alone a ratio of {found.ratio:.2f} is seen with a power of 80%."
        )
    if found.power:
        cells_of = [
            (f"-{r.effect:.0%}", f"{r.power:.0%}", f"{r.bias:+.0%}", f"{r.holds:.0%}")
            for r in found.power
        ]
        title = (
            f"Simulated with traffickers who learn half in {terms.world.half_life:g} days; {terms.world.delivered:.0%}"
            " delivered in full"
        )
        print_table(
            title, ["effect", "power at 10%", "bias, of the effect", "90% interval holds"], cells_of
        )
    if own is not None:
        _show_own(own, at_first, terms.runs)
    print_line(
        f"Saved {out}: fill in outcomes.csv ({cells:,} rows). trial.json holds the arms; who counts"
        " may not see it."
    )


def _show_own(own: TrialPower, at_first: float, runs: int) -> None:
    print_line(
        "The scenario's own evaders: in its first week the plan changes what gets through by"
        f" {at_first:+.1%}, and once they have learned it by {own.effect:+.1%} (mean of"
        f" {LASTING_RUNS} runs). The lasting effect is found in {own.power:.0%} of {runs} simulated"
        f" trials; the estimate misses it by {own.bias:+.0%} of it on the mean, and its 90%"
        f" interval holds it in {own.holds:.0%}. Each sector is taken to be a border of its own."
    )
    if at_first < 0 < own.effect:
        print_note(
            "Note: they find ways round the plan that leave it worse than today's layout. Loads"
            " change gateway here as [adapt] mobility says; a plan counts with evaders.mobility:"
            " plan with --set evaders.mobility."
        )


LASTING_RUNS = 8
"""Runs whose mean is taken as the plan's own effect."""


def _own_powers(
    plan_folder: Path, found: TrialDesign, terms: TrialTerms, listener: Listener
) -> tuple[TrialPower | None, float]:
    """Return what the trial can show of the plan's lasting effect on the scenario's
    evaders, and that effect in the first week.

    None in place of the former where there is no such effect, or nothing passes today
    in the first week or the long run.
    """
    from optimizer.base.text.messages import shortened
    from optimizer.base.work.listener import step
    from optimizer.lab.adaptive.simulation.simulate import TrialTraffickers
    from optimizer.operations.trial import POOL, trial_setting
    from optimizer.operations.trial_inference import trial_of_traffickers, trial_powers
    from optimizer.plans.plan_folder import PlanFolder
    from optimizer.problem.plan.plan import with_plan
    from optimizer.scenario.compile.compile import compile_scenario

    opened = PlanFolder(plan_folder)
    compiled = compile_scenario(
        opened.scenario_told(listener.noted),
        settings=opened.settings,
        skip_unreachable=True,
        listener=listener,
    )
    if compiled.skipped:
        print_note(
            f"Note: loads to {shortened(compiled.skipped)} are left out, as no road leads there."
        )
    plan = opened.plan_of(compiled.instance)
    instance = with_plan(compiled.instance, plan)
    with step(listener, "simulating the trial with the scenario's own evaders"):
        evaders = TrialTraffickers.of(
            instance,
            instance.placed(plan.options),
            compiled.scenario.adapt,
            len(compiled.instance.options),
        )
        today, then = evaders.lasting(LASTING_RUNS)
        if then == today or not today:
            return None, 0.0
        before, begun = evaders.at_first()
        if not before:
            return None, 0.0
        simulate = trial_of_traffickers(evaders.through, today, then)
        setting = trial_setting(found.file, POOL)
        (power,) = trial_powers(
            setting, terms.world, effects=(1.0,), runs=terms.runs, simulate=simulate
        )
    return replace(power, effect=then / today - 1), begun / before - 1


@command("trial analyse", "results/trial results/trial/outcomes.csv --ledger results/ledger")
def analyse(
    trial: Annotated[
        Path, typer.Argument(metavar="TRIAL", help="Folder that `trial design` wrote.")
    ],
    outcomes: Annotated[
        list[Path], typer.Argument(metavar="OUTCOMES...", help="Filled forms of the outcomes.")
    ],
    seed_file: Annotated[
        Path | None,
        typer.Option(
            "--seed-file",
            help="Secret of the trial, to show that it is the one that its design names.",
        ),
    ] = None,
    ledger: TrialLedger = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for trial-results.csv and .json.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Say what the arms of a trial changed, by the schedules that chance could have
    drawn instead.
    """
    from optimizer.operations.trial import RESULT_FILES
    from optimizer.operations.trial_analysis import analyse_trial, write_results

    if out is not None:
        RESULT_FILES.folder(out, trial, *outcomes, overwrite=overwrite)
    listener = ProgressPrinter(silent=as_json)
    found = analyse_trial(trial, outcomes, ledger=ledger, seed_file=seed_file, listener=listener)
    if out is not None:
        write_results(
            out, found, trial, outcomes, ledger=ledger, overwrite=overwrite, listener=listener
        )
    for sentence in found.warnings:
        print_note(f"Note: {sentence}")
    lines = [row.line() for row in found.rows]
    if as_json:
        for line in lines:
            print_json(line)
        return
    rows = [
        (
            line["contrast"],
            _shown(line["effect"]),
            f"{_shown(line['low'])} to {_shown(line['high'])}",
            f"{line['p']:.3f}",
            _shown(line["without"]),
        )
        for line in lines
    ]
    title = f"{found.file.name}: {lines[0]['outcome'] if lines else 'no outcome'}"
    print_table(title, ["compared", "effect", "90% interval", "p", "without (or stated)"], rows)
    if out is not None:
        print_line(f"Saved {out}")


def _shown(value: float | None) -> str:
    return "no bound" if value is None else f"{value:.4g}"


# `forecast`: the risk map of a period, sealed before it and scored after it.


ForecastLedger = Annotated[
    Path, typer.Option("--ledger", metavar="DIR", help="Ledger of the forecasts.")
]


group(
    "forecast",
    "Seal where finds are expected before a period, and score it after.",
    "seal results/rio-grande --ledger results/ledger --out results/forecasts",
)


@command("forecast seal", "results/rio-grande --ledger results/ledger --out results/forecasts")
def seal(
    plan_folder: PlanFolderPath,
    ledger: ForecastLedger,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of all forecasts; each has its own in it.")
    ],
    period: Annotated[
        str | None,
        typer.Option(
            help="Quarter or month to come, such as 2027-Q1; the next quarter if not given."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write where the finds of a period to come are expected, and seal it in a ledger
    with plan and model.
    """
    from optimizer.operations.forecast import seal_forecast

    made, folder = seal_forecast(
        plan_folder, ledger, out, period=period, listener=ProgressPrinter(silent=as_json)
    )
    if as_json:
        print_json(
            {
                "period": made.name,
                "begin": str(made.begin),
                "end": str(made.end),
                "folder": str(folder),
            }
        )
    else:
        print_line(
            f"Sealed the forecast of {made.name} in {ledger}; keep {folder} as it is until it is"
            " scored."
        )


@command(
    "forecast score",
    "instances/rio-grande/scenario.toml --ledger results/ledger --sealed results/forecasts",
)
def score(
    scenario: Annotated[Path, typer.Argument(help="Scenario whose record now holds the periods.")],
    ledger: ForecastLedger,
    sealed: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder of all forecasts, as `forecast seal` wrote it."),
    ],
    as_json: Json = False,
) -> None:
    """Score every sealed forecast whose period has ended, beside sealed baselines; none
    can be left out.
    """
    from optimizer.operations.forecast import score_forecasts

    rows, warnings = score_forecasts(
        scenario, ledger, sealed, listener=ProgressPrinter(silent=as_json)
    )
    for sentence in warnings:
        print_note(f"Note: {sentence}")
    if as_json:
        for row in rows:
            print_json(row.line())
        return
    cells = [
        (
            row.period,
            row.model,
            "not ended" if row.finds is None else str(row.finds),
            "-" if row.log_score is None else "{:.3f} ({:.3f} to {:.3f})".format(*row.log_score),
            "-" if row.share_top5 is None else "{:.1%} ({:.1%} to {:.1%})".format(*row.share_top5),
        )
        for row in rows
    ]
    print_table(
        "Sealed forecasts, with 90 % intervals",
        ["period", "model", "finds", "log score", "finds in top 5 % of road"],
        cells,
    )
