"""`roster`: from a plan folder to who goes where in which shift; `draw`: the plans of
days or shifts, drawn from a mixture.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.choices import DrawEvery
from optimizer.base.text.formatting import number
from optimizer.cli.arguments import (
    Json,
    Language,
    Overwrite,
    PlanFolderPath,
)
from optimizer.cli.commands import command
from optimizer.cli.console import (
    ProgressPrinter,
    print_json,
    print_line,
    print_note,
    print_page,
    print_table,
)

if TYPE_CHECKING:
    from optimizer.pipeline.roster.draw import Drawn
    from optimizer.roster.model import Roster


@command(
    "roster",
    "results/rio-grande --from 2026-12-01 --weeks 4",
    (
        "results/rio-grande --from 2026-12-29 --after"
        " results/rio-grande/roster-2026-12-01 --allow-gaps"
    ),
)
def roster(
    plan_folder: PlanFolderPath,
    first: Annotated[
        str, typer.Option("--from", metavar="DATE", help="First day, such as 2026-12-01.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; PLAN_FOLDER/roster-DATE if not given.")
    ] = None,
    weeks: Annotated[int, typer.Option(help="How many weeks, 1 to 26.")] = 4,
    after: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The roster before this one: rest and days in a row go on."
        ),
    ] = None,
    draws: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draws of a mixture, as `draw` writes them: each day its own duties.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    time_limit: Annotated[
        float,
        typer.Option(
            min=0.01,
            help=(
                "Seconds of search for the whole roster; a refusal may take 30 more for its reason."
                " With --allow-gaps each agency has its "
                "share by its crews and duties."
            ),
        ),
    ] = 60.0,
    allow_gaps: Annotated[
        bool,
        typer.Option(
            "--allow-gaps",
            help="Where no roster fills every shift, make one that lists what it lacks.",
        ),
    ] = False,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Assign crews to every duty of a plan: rest, hours and days off kept, nights and
    weekends shared.
    """
    from optimizer.base.version import package_version
    from optimizer.pipeline.roster.roster import roster_of_plan
    from optimizer.roster.infeasibility import NoRosterError
    from optimizer.roster.writing import summary

    try:
        saved = roster_of_plan(
            plan_folder,
            first,
            weeks=weeks,
            out=out,
            after=after,
            draws=draws,
            seed=seed,
            time_limit=time_limit,
            allow_gaps=allow_gaps,
            language=language,
            overwrite=overwrite,
            listener=ProgressPrinter(silent=as_json),
        )
    except NoRosterError as error:
        if as_json:
            print_json(
                {
                    "status": "infeasible",
                    "out": None,
                    "refusals": [r.as_json for r in error.reports],
                }
            )
        raise
    if as_json:
        line = summary(saved.roster, package_version())
        del line["last_shifts"]  # they are for the next roster, not for a line
        bent = {} if saved.frequencies is None else {"worst_deviation": saved.frequencies.worst}
        print_json(line | {"out": str(saved.folder)} | bent)
    else:
        _show(saved.roster, saved.folder)
        if saved.frequencies is not None and saved.frequencies.rows:
            worst = saved.frequencies.rows[0]
            print_note(
                "Note: no placement is manned on a share of shifts that is off its probability by"
                f" more than {worst.off:.1%}: {worst.placement} is manned in {worst.share:.1%} of"
                f" them, its probability is {worst.probability:.1%}"
            )


GAPS_SHOWN = 20
"""Most duties that lack people which the console names."""


def _show(made: Roster, folder: Path) -> None:
    """Print how evenly the work is spread, what is not filled, and where the files are."""
    from optimizer.roster.writing import PACK, summary

    words = summary(made, "")
    ended = {None: "", "time": " (stopped by its time limit)", "interrupted": " (interrupted)"}[
        made.limit
    ]
    title = (
        f"{made.duties.name}: {len(made.assignments)} assignments of {len(made.duties.crews)} crews"
    )
    even = (
        "CP-SAT finds none that is better balanced"
        if made.status == "optimal"
        else "a better balanced one may exist"
    )
    rows = [
        (key.replace("_", " "), number(spread["least"]), number(spread["most"]))
        for key, spread in words["spread"].items()
    ]
    print_table(f"{title}, {even}{ended}", ["by crew", "least", "most"], rows)
    for gap in made.gaps[:GAPS_SHOWN]:
        where = f"{gap.day.isoformat()}, {gap.shift.name}, {gap.duty.label}"
        print_note(f"Warning: {where}: {gap.missing} people missing")
    if len(made.gaps) > GAPS_SHOWN:
        print_note(
            f"{len(made.gaps) - GAPS_SHOWN} more duties that lack people are left out here;"
            " roster.html and --json have all."
        )
    for note in made.notes:
        print_note(f"Note: {note}")
    print_line(f"Roster: {folder / 'roster.html'}")
    print_line(f"Field pack: {folder / PACK}, {(folder / PACK).stat().st_size / 1e6:.1f} MB")


@command(
    "draw",
    "results/andorra-days --from 2026-12-01 --days 30 --seed-file andorra.seed --new-seed",
    (
        "results/andorra-days --from 2026-12-31 --begun 2026-12-01 --seed-file"
        " andorra.seed --override '2027-01-03 -crossing-w5203906-1'"
    ),
)
def draw(
    plan_folder: Annotated[
        Path, typer.Argument(metavar="PLAN_FOLDER", help="Folder that `plan --method mixed` wrote.")
    ],
    first: Annotated[
        str, typer.Option("--from", metavar="DATE", help="First day, such as 2026-12-01.")
    ],
    seed_file: Annotated[
        Path,
        typer.Option(
            "--seed-file", help="File with the secret of the draws; not in the plan folder."
        ),
    ],
    days: Annotated[int, typer.Option(help="How many days, 1 to 366.")] = 30,
    every: Annotated[
        DrawEvery, typer.Option(help="Draw a plan for each day, or for each shift.")
    ] = "day",
    stay: Annotated[
        int | None,
        typer.Option(
            help="Days, or shifts, that a plan stays, 1 to 30; as the scenario says if not given."
        ),
    ] = None,
    change: Annotated[
        float | None,
        typer.Option(
            help=(
                "Largest share of the sites that changes from one draw to the next, such as 0.2; as"
                " above."
            )
        ),
    ] = None,
    begun: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Day on which the use of this mixture began, to go on; --from if not given.",
        ),
    ] = None,
    new_seed: Annotated[bool, typer.Option("--new-seed", help="Make the seed file first.")] = False,
    override: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'DATE[@SHIFT] +SITE -SITE'",
            help="This site then, not that one; its price is shown. May be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write, with a page beside; PLAN_FOLDER/draws-DATE.json if not given."
        ),
    ] = None,
    language: Language = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw the plan of each day or shift from a mixture, so that every month's
    frequencies follow its probabilities.
    """
    from optimizer.pipeline.roster.draw import Override, draw_from_plan, draw_page

    drawn = draw_from_plan(
        plan_folder,
        first,
        seed_file,
        days=days,
        every=every,
        stay=stay,
        change=change,
        begun=begun,
        new_seed=new_seed,
        overrides=[Override.parsed(text) for text in override or ()],
        out=out,
        language=language,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if as_json:
        _print_lines(drawn)
    else:
        print_page(draw_page(drawn))
        print_line(f"To go on with these draws later: --begun {drawn.draws.begun.isoformat()}")
        print_line(f"Draws: {drawn.path}, and as a page: {drawn.page_path}")
    for warning in drawn.warnings:
        print_note(f"Warning: {warning}")


def _print_lines(drawn: Drawn) -> None:
    for row in drawn.draws.rows:
        print_json(
            {
                "date": row.date.isoformat(),
                "shift": row.shift,
                "plan": list(row.plan),
                "overridden": row.overridden,
            }
        )
    found = drawn.frequencies
    line: dict[str, object] = {
        "worst_deviation": found.worst,
        "worst_month": found.worst_month,
        "out": str(drawn.path),
    }
    price, gradual = drawn.price, drawn.gradual
    if gradual is not None:
        line |= {"round": gradual.periods, "steps": gradual.steps, "round_deviation": gradual.off}
        line |= {"most_changed": gradual.most, "round_exploitability": gradual.after}
    if price is not None:
        line |= {
            "exploitability_before": price.before,
            "exploitability_after": price.after,
            "if_known": price.known,
        }
    print_json(line)
