"""`trial`: whether a plan works: arms that chance draws, and what they changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.choices import TrialKind, TrialOutcome  # noqa: TC001 - typer reads the annotations
from optimizer.cli.arguments import Json, Overwrite  # noqa: TC001 - typer reads the annotations
from optimizer.cli.commands import add_command
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note, print_table

if TYPE_CHECKING:
    from optimizer.base.work.listener import Listener
    from optimizer.operations.trial import TrialDesign, TrialTerms
    from optimizer.operations.trial_world import TrialPower

LedgerOption = Annotated[Path | None, typer.Option("--ledger", metavar="DIR", help="Ledger that seals it.")]


def design(
    plan_folder: Annotated[Path, typer.Argument(metavar="PLAN_FOLDER", help="Folder that `plan` wrote.")],
    kind: Annotated[TrialKind, typer.Option(help="How chance decides what stands where.")],
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, such as 2026-12-01.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write.")],
    seed_file: Annotated[
        Path | None, typer.Option("--seed-file", help="File with the secret of the arms; not in the plan folder.")
    ] = None,
    outcome: Annotated[TrialOutcome, typer.Option(help="What is counted.")] = "audited",
    draws: Annotated[Path | None, typer.Option(metavar="FILE", help="Draws that are carried out (draws).")] = None,
    near: Annotated[float, typer.Option(help="Kilometres within which sites are neighbours (draws).")] = 25.0,
    clusters: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Table of sectors, with risk and effort; the plan's agencies if not given."),
    ] = None,
    blocks: Annotated[int, typer.Option(help="Blocks, or steps and one more (switch-back, stepped).")] = 6,
    block_days: Annotated[int, typer.Option(help="Days of a block.")] = 42,
    washout: Annotated[int, typer.Option(help="Days at the begin of a block that do not count.")] = 28,
    places: Annotated[int, typer.Option(help="Roads of each class (risk).")] = 10,
    visits: Annotated[int, typer.Option(help="Visits to each road, or runs at each site (risk, decoys).")] = 4,
    days: Annotated[int, typer.Option(help="Days over which these are spread.")] = 28,
    rate: Annotated[float, typer.Option(help="Finds for each vehicle or hour that are expected today.")] = 0.01,
    amount: Annotated[float, typer.Option(help="Vehicles or hours of a place and period.")] = 100.0,
    half_life: Annotated[float, typer.Option(help="Days in which traffickers learn half of a change.")] = 7.0,
    displaced: Annotated[float, typer.Option(help="Share of the deterred loads that goes to neighbours.")] = 0.5,
    delivered: Annotated[float, typer.Option(help="Share of the places and periods delivered in full.")] = 0.85,
    redrawn: Annotated[int, typer.Option(help="Other schedules of the analysis.")] = 1000,
    runs: Annotated[int, typer.Option(help="Simulated runs of each effect.")] = 200,
    own_evaders: Annotated[
        bool,
        typer.Option(
            "--own-evaders",
            help="Simulate also the plan's own effect on the scenario's evaders, who learn as [adapt] says.",
        ),
    ] = False,
    accept_biased: Annotated[
        bool, typer.Option("--accept-biased", help="Take an outcome that rises with effort, with a warning.")
    ] = False,
    new_seed: Annotated[bool, typer.Option("--new-seed", help="Make the seed file first.")] = False,
    ledger: LedgerOption = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw the arms of a trial, say what it can show with traffickers who learn, and seal it before the first day."""
    from optimizer.base.errors import InputError, Problem
    from optimizer.operations.trial import DESIGN_FILES, TrialTerms, design_trial, write_design
    from optimizer.operations.trial_world import TrialWorld

    if own_evaders and kind not in {"switch-back", "stepped"}:
        expected = "--kind switch-back or stepped, whose arms are the plan and today's layout"
        raise InputError(Problem("--own-evaders", f"--kind {kind}", expected))
    DESIGN_FILES.folder(out, plan_folder, overwrite=overwrite)
    terms = TrialTerms(
        outcome=outcome,
        draws=draws,
        clusters=clusters,
        near_km=near,
        blocks=blocks,
        block_days=block_days,
        washout=washout,
        places=places,
        visits=visits,
        days=days,
        redrawn=redrawn,
        runs=runs,
        accept_biased=accept_biased,
        world=TrialWorld(rate=rate, amount=amount, half_life=half_life, displaced=displaced, delivered=delivered),
    )
    listener = ProgressPrinter(silent=as_json)
    found = design_trial(plan_folder, kind, first, seed_file, terms=terms, new_seed=new_seed, listener=listener)
    own = _own_powers(plan_folder, found, terms, listener) if own_evaders else None
    write_design(out, found, plan_folder, ledger=ledger, overwrite=overwrite, listener=listener)
    for sentence in found.warnings:
        print_note(f"Note: {sentence}")
    if own_evaders and own is None:
        print_note(
            "Note: the scenario's own evaders get as much through under the plan as under today's layout, or nothing under that: there is no "
            "effect of it to find."
        )
    cells = len(found.file.cells)
    if as_json:
        for row in found.power:
            print_json({"effect": row.effect, "power": row.power, "bias": row.bias, "holds": row.holds})
        if own is not None:
            print_json(
                {"effect": own.effect, "power": own.power, "bias": own.bias, "holds": own.holds, "evaders": "own"}
            )
        line = {"kind": kind, "units": len(found.file.units), "periods": len(found.file.periods), "rows": cells}
        print_json(line | {"expected_finds": found.expected, "ratio_seen": found.ratio, "out": str(out)})
        return
    if kind != "decoys":
        print_line(
            f"About {found.expected:,.0f} finds are expected in the arm with fewest rows: by counts alone a ratio of {found.ratio:.2f} is "
            "seen with a power of 80%."
        )
    if found.power:
        cells_of = [(f"-{r.effect:.0%}", f"{r.power:.0%}", f"{r.bias:+.0%}", f"{r.holds:.0%}") for r in found.power]
        title = f"Simulated with traffickers who learn half in {half_life:g} days; {delivered:.0%} delivered in full"
        print_table(title, ["effect", "power at 10%", "bias, of the effect", "90% interval holds"], cells_of)
    if own is not None:
        print_line(
            f"The scenario's own evaders: once they have learned it, the plan changes what gets through by {own.effect:+.1%} "
            f"(mean of {LASTING_RUNS} runs). Such an effect "
            f"is found in {own.power:.0%} of {runs} simulated trials; the estimate misses it by {own.bias:+.0%} of it on the mean, and its "
            f"90% interval holds it in {own.holds:.0%}. Each sector is taken to be a border of its own."
        )
    print_line(
        f"Saved {out}: fill in outcomes.csv ({cells:,} rows). trial.json holds the arms; who counts may not see it."
    )


LASTING_RUNS = 8
"""Runs whose mean is taken as the plan's own effect."""


def _own_powers(plan_folder: Path, found: TrialDesign, terms: TrialTerms, listener: Listener) -> TrialPower | None:
    """Return what the trial can show of the plan's own effect on the scenario's evaders; None where it has none, or nothing passes today."""
    from optimizer.base.text.messages import shortened
    from optimizer.base.work.listener import step
    from optimizer.lab.adaptive.simulation.simulate import TrialTraffickers
    from optimizer.operations.trial import POOL, trial_setting
    from optimizer.operations.trial_world import trial_of_traffickers, trial_powers
    from optimizer.plans.plan_folder import PlanFolder
    from optimizer.problem.plan.plan import with_plan
    from optimizer.scenario.compile.compile import compile_scenario

    opened = PlanFolder(plan_folder)
    compiled = compile_scenario(opened.scenario, settings=opened.settings, skip_unreachable=True, listener=listener)
    if compiled.skipped:
        print_note(f"Note: loads to {shortened(compiled.skipped)} are left out, as no road leads there.")
    plan = opened.plan_of(compiled.instance)
    instance = with_plan(compiled.instance, plan)
    with step(listener, "simulating the trial with the scenario's own evaders"):
        evaders = TrialTraffickers.of(
            instance, instance.placed(plan.options), compiled.scenario.adapt, len(compiled.instance.options)
        )
        today, then = evaders.lasting(LASTING_RUNS)
        if then == today or not today:
            return None
        simulate = trial_of_traffickers(evaders.through, today, then)
        setting = trial_setting(found.file, POOL)
        (power,) = trial_powers(setting, terms.world, effects=(1.0,), runs=terms.runs, simulate=simulate)
    return replace(power, effect=then / today - 1)


def analyse(
    trial: Annotated[Path, typer.Argument(metavar="TRIAL", help="Folder that `trial design` wrote.")],
    outcomes: Annotated[list[Path], typer.Argument(metavar="OUTCOMES...", help="Filled forms of the outcomes.")],
    seed_file: Annotated[
        Path | None,
        typer.Option("--seed-file", help="Secret of the trial, to show that it is the one that its design names."),
    ] = None,
    ledger: LedgerOption = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for trial-results.csv and .json.")] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Say what the arms of a trial changed, by the schedules that chance could have drawn instead."""
    from optimizer.operations.trial import RESULT_FILES
    from optimizer.operations.trial_analysis import analyse_trial, write_results

    if out is not None:
        RESULT_FILES.folder(out, trial, *outcomes, overwrite=overwrite)
    listener = ProgressPrinter(silent=as_json)
    found = analyse_trial(trial, outcomes, ledger=ledger, seed_file=seed_file, listener=listener)
    if out is not None:
        write_results(out, found, trial, outcomes, ledger=ledger, overwrite=overwrite, listener=listener)
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


trial_app = typer.Typer(
    help="Find out whether a plan works, by arms that chance draws.", no_args_is_help=True, rich_markup_mode=None
)

for command in (design, analyse):
    add_command(trial_app, command, group="trial")
