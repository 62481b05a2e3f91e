"""Agencies together: `exchange` (formats of others), `fuse` (records made one), `joint`
(one plan), `release` (what another may see), `dossier` (what an authority asks).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.base.choices import FormName
from optimizer.base.text.formatting import plural
from optimizer.cli.arguments import Json, Ledger, Overwrite, budget_amounts
from optimizer.cli.commands import command
from optimizer.cli.console import (
    ProgressPrinter,
    print_json,
    print_line,
    print_note,
    print_table,
    six_figures,
)
from optimizer.cli.import_ import show_summary


@command("exchange", "seizures.csv seizures.json", "from-police.json tips.csv --tips")
def exchange(
    source: Annotated[
        Path, typer.Argument(help="Seizures or tips: CSV, GeoJSON points, or a STIX 2.1 bundle.")
    ],
    out: Annotated[Path, typer.Argument(help="File to write: .csv, .geojson, or .json for STIX.")],
    tips: Annotated[bool, typer.Option("--tips", help="Tips, not seizures.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if there is one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Turn seizures or tips from one format of exchange into another."""
    from optimizer.sharing.format_conversion import exchange_records

    made = exchange_records(source, out, tips=tips, overwrite=overwrite)
    for remark in made.remarks:
        print_note(f"Note: {remark}")
    if as_json:
        print_json(
            {
                "out": str(made.path),
                "format": made.format,
                "rows": made.rows,
                "left_out": made.left_out,
            }
        )
        return
    kind = "tip" if tips else "seizure"
    print_line(f"{plural(made.rows, kind)} in {made.path} ({made.format})")
    if made.left_out:
        print_line(
            f"Left out, as they are of the other kind{'' if tips else ' (--tips)'}:"
            f" {plural(made.left_out, 'row')}."
        )


@command(
    "fuse",
    "customs-feed.toml police-feed.toml --out results/fused",
    (
        "customs-feed.toml police-feed.toml --review results/fused/review.csv --areas"
        " sectors.geojson --out results/fused"
    ),
)
def fuse(
    feeds: Annotated[
        list[Path],
        typer.Argument(
            help=(
                "Feed of each agency (TOML, docs/fusion.md), or CSV files with a mapping beside"
                " each (a.csv, a.toml)."
            )
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("results/fused"),
    review: Annotated[
        Path | None,
        typer.Option(help="review.csv of an earlier run with decisions: same or different."),
    ] = None,
    areas: Annotated[
        Path | None, typer.Option(help="GeoJSON of areas that reports name in place of a point.")
    ] = None,
    window: Annotated[
        int,
        typer.Option(
            min=1, max=31, help="Days between the days of two reports of one event at most."
        ),
    ] = 3,
    ledger: Ledger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Find the events that several agencies report, and make one record of them;
    doubtful pairs are listed for a person.
    """
    from optimizer.sharing.fuse import fuse_feeds

    fused = fuse_feeds(
        feeds,
        out,
        review=review,
        areas=areas,
        window=window,
        ledger=ledger,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if as_json:
        print_json(
            {
                "out": str(fused.folder),
                "rows": fused.rows,
                "merged": fused.merged,
                "doubtful": fused.doubtful,
                "seconds": round(fused.seconds, 3),
            }
            | {key: value for key, value in fused.summary.as_json().items() if key != "rows"}
            | {"cells_made_safe": fused.cells_made_safe}
        )
        return
    show_summary(
        f"Saved {fused.folder}: {fused.summary.kind}", fused.summary, fused.cells_made_safe
    )
    print_line(f"{fused.seconds:.1f} s")


@command(
    "joint",
    "shared/exchange customs=customs/scenario.toml police=police/scenario.toml --rounds 20",
    "shared/weighted customs=customs/scenario.toml --share customs=2 --share police=1",
)
def joint(
    exchange: Annotated[
        Path,
        typer.Argument(help="Folder of the exchange, which all agencies see; begun if not there."),
    ],
    problems: Annotated[
        list[str],
        typer.Argument(
            help="AGENCY=PROBLEM: your agency and its scenario, instance or plan folder."
        ),
    ],
    share: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AGENCY=AMOUNT",
            help="Weight of each agency's loads, to begin; equal if not given.",
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Most proposals.")] = 20,
    gap: Annotated[float, typer.Option(min=0, max=1, help="Relative gap at which to stop.")] = 0.02,
    groups: Annotated[
        int, typer.Option(min=1, max=100, help="Groups of each agency's loads, to begin.")
    ] = 8,
    as_json: Json = False,
) -> None:
    """Plan jointly without pooling: answer what is proposed in an exchange, and propose
    once all have answered.
    """
    from optimizer.base.errors import InputError, Problem
    from optimizer.plans.problem_source import problem_source
    from optimizer.sharing.agencies_plan import plan_jointly

    own = {}
    for text in problems:
        agency, equals, path = text.partition("=")
        if not equals or not agency or agency in own:
            raise InputError(Problem("joint", repr(text), "AGENCY=PROBLEM, each agency once"))
        own[agency] = problem_source(path).instance
    shares = budget_amounts(share) if share else None
    listener = ProgressPrinter(silent=as_json)
    made = plan_jointly(
        exchange, own, shares=shares, rounds=rounds, gap=gap, groups=groups, listener=listener
    )
    if as_json:
        bounds = {"lower": made.lower, "upper": made.upper, "gap": made.gap, "rounds": made.rounds}
        print_json(
            {
                **bounds,
                "plan": list(made.plan),
                "values": dict(made.values),
                "waiting": list(made.waiting),
            }
        )
        return
    if made.upper is None:
        print_line(f"No plan is answered yet. Waiting for {', '.join(made.waiting)}.")
        return
    shown = "" if made.gap is None else f" (gap {made.gap:.1%})"
    between = f"{six_figures(made.lower)} .. {six_figures(made.upper)}{shown}"
    print_line(
        f"Joint value {between} after {made.rounds} rounds:"
        f" {', '.join(made.plan) or 'nothing placed'}"
    )
    for agency, value in made.values.items():
        print_line(f"  of the loads of {agency} {value:.4f} get through")
    if made.waiting:
        print_line(f"Waiting for {', '.join(made.waiting)}.")


@command(
    "release",
    (
        "instances/rio-grande/scenario.toml --to laredo-sector --out results/for-laredo"
        " --plan results/rio-grande"
    ),
    "seizures.csv --to customs --out results/for-customs --minimum 20",
)
def release(
    source: Annotated[
        Path,
        typer.Argument(help="Scenario (TOML), or a record (CSV or GeoJSON) with owner and tlp."),
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="AGENCY", help="Id of the agency that is to see it.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    minimum: Annotated[
        int,
        typer.Option(
            min=2, help="Least rows in a total of withheld ones; totals are multiples of it."
        ),
    ] = 10,
    plan: Annotated[
        Path | None,
        typer.Option(help="Plan folder, of which the agency's own placements are released."),
    ] = None,
    risk: Annotated[
        bool, typer.Option(help="Make a risk map of the released rows (scenarios).")
    ] = True,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write what another agency may see: its own rows and those released to it, totals,
    a scenario, its part of a plan.
    """
    from optimizer.sharing.release import release_to

    made = release_to(
        source,
        to,
        out,
        minimum=minimum,
        plan=plan,
        risk=risk,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    for note in made.notes:
        print_note(f"Note: {note}")
    if as_json:
        print_json(
            {
                "rows": made.rows,
                "withheld": made.withheld,
                "files": list(made.files),
                "aggregates": made.aggregates,
                "out": str(made.folder),
                "notes": list(made.notes),
            }
        )
        return
    counts = [
        ("rows released", made.rows),
        ("rows withheld", made.withheld),
        ("totals of withheld rows", made.aggregates),
    ]
    print_table(
        f"{made.folder}: for {to}", ["", "count"], [(name, str(count)) for name, count in counts]
    )
    print_line("Files: " + ", ".join(made.files))


@command(
    "dossier",
    "results/rio-grande --form omb --out results/rio-grande-dossier",
    "results/rio-grande results/rio-grande-passes --form atrs --out results/rio-grande-atrs",
)
def dossier(
    plan: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    answers: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders of answers about it, such as `passes` or `risk backtest`; ledgers."
        ),
    ] = None,
    form: Annotated[
        FormName,
        typer.Option(help="omb: US inventory; atrs: UK standard; app: UK policing."),
    ] = "omb",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("results/dossier"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Fill an authority's form with what the folders of a plan hold; the rest is left for
    a person.
    """
    from optimizer.analysis.dossier.dossier import make_dossier

    made = make_dossier(plan, answers or (), out, form=form, overwrite=overwrite)
    if as_json:
        print_json({"out": str(out), "form": form, "answered": made.answered, "row": made.row()})
        return
    fields = len(made.answers)
    print_line(
        f"Saved {out}: folders hold something for {made.answered} of {fields} fields;"
        f" {plural(fields - made.answered, 'field')} a person must fill in"
    )
    for field, held in zip(made.form.fields, made.answers, strict=True):
        if not held:
            print_line(f"  {field.asks}{f' ({field.number})' if field.number else ''}")
