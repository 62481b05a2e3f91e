"""The arguments that several commands share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.base.errors import InputError
from optimizer.base.text.names import one_of
from optimizer.base.work.executor import thread_count
from optimizer.cli.purposes import MORE
from optimizer.problem.instance.methods import METHOD_NAMES, method_remedy

if TYPE_CHECKING:
    from optimizer.problem.instance.changes import Changes
    from optimizer.scenario.file.model import RegionModel

Json = Annotated[
    bool,
    typer.Option(
        "--json", help="Print one JSON object a line and nothing else on standard output."
    ),
]


def _known_method(name: str | None) -> str | None:
    if name is not None and name not in METHOD_NAMES:
        raise typer.BadParameter(
            f"{name!r} is not {one_of(METHOD_NAMES, name)}. {method_remedy(name)}".strip()
        )
    return name


Method = Annotated[
    str | None,
    typer.Option(
        callback=_known_method,
        autocompletion=lambda: METHOD_NAMES,
        metavar=f"[{'|'.join(METHOD_NAMES)}]",
        help="How to solve; auto if not given.",
    ),
]
Gap = Annotated[
    float | None, typer.Option(min=0, max=1, help="Relative gap at which to stop, such as 0.01.")
]
TimeLimit = Annotated[
    float | None,
    typer.Option(min=0.01, help="Seconds of solving; a plan's scenario has its own, `solve` none."),
]


def possible_threads(threads: int | None) -> int | None:
    """Return the threads asked for; a usage error where there are not so many cores."""
    try:
        thread_count(threads)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None
    return threads


Threads = Annotated[
    int | None,
    typer.Option(
        callback=possible_threads,
        rich_help_panel=MORE,
        help=(
            "Processes that search the tree, once it has taken some seconds; one for each core if"
            " not given."
        ),
    ),
]
Seed = Annotated[
    int | None, typer.Option(min=0, rich_help_panel=MORE, help="Seed of every random choice.")
]
Support = Annotated[
    int | None,
    typer.Option(
        min=1, rich_help_panel=MORE, help="Most different plans in a mixture, with --method mixed."
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Replace the files in --out, whichever command or source they are of."
    ),
]
Ledger = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        metavar="DIR",
        rich_help_panel=MORE,
        help="Ledger that receives the hashes of what is read and made.",
    ),
]
SkipUnreachable = Annotated[
    bool,
    typer.Option(
        "--skip-unreachable",
        rich_help_panel=MORE,
        help="Leave out evaders without a path from origin to destination; without it, a fault.",
    ),
]
Budgets = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="NAME[@AGENCY]=AMOUNT",
        help="How much there is of a resource; once for each.",
    ),
]
Teams = Annotated[
    list[str] | None,
    typer.Option(
        "--teams",
        metavar="TEAM=NUMBER",
        help="How many patrol teams of a type there are; once for each.",
    ),
]

Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        min=1,
        rich_help_panel=MORE,
        help="Processes that solve at the same time, one core each.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        rich_help_panel=MORE,
        help=(
            "Solve on the workers of a dask.distributed cluster instead. dask runs whatever reaches"
            " its ports: bind it to 127.0.0.1, a closed network, or use tls://."
        ),
    ),
]

Place = Annotated[str | None, typer.Option("--place", help="Place name.")]
Address = Annotated[str | None, typer.Option("--address", help="Address, with --radius around it.")]
Bbox = Annotated[
    str | None, typer.Option("--bbox", metavar="W,S,E,N", help="Bounding box in degrees.")
]
Polygon = Annotated[Path | None, typer.Option("--polygon", help="GeoJSON polygon.")]
Extract = Annotated[
    Path | None, typer.Option("--file", help="OpenStreetMap extract: .osm or .osm.pbf.")
]
NetworkFile = Annotated[Path | None, typer.Option("--network", help="Network: .gpkg or .graphml.")]
Radius = Annotated[float, typer.Option("--radius", help="Metres around --address.")]
Border = Annotated[
    str | None, typer.Option("--border", help="GeoJSON of the border, or a country of the extract.")
]
Modes = Annotated[
    str, typer.Option("--modes", help="Of drive, service, track, foot, ferry; with commas.")
]

Force = Annotated[
    list[str] | None,
    typer.Option("--force", metavar="SITE[:KIND]", help="A site that must be used; once for each."),
]
Forbid = Annotated[
    list[str] | None,
    typer.Option(
        "--forbid", metavar="SITE[:KIND]", help="A site that must not be used; once for each."
    ),
]
KeepToday = Annotated[bool, typer.Option("--keep-today", help="What stands today stays.")]
ChangeAtMost = Annotated[
    int | None,
    typer.Option(
        "--change-at-most", min=0, help="How many sites may differ from what stands today."
    ),
]


def _folder_of_plan(path: Path) -> Path:
    """Return the folder of a plan that is named by its file."""
    from optimizer.problem.files.plan_file import PLAN_FILE

    return path.parent if path.name == PLAN_FILE and path.is_file() else path


PlanFolderPath = Annotated[
    Path,
    typer.Argument(
        metavar="PLAN_FOLDER", callback=_folder_of_plan, help="Folder that `plan` wrote."
    ),
]
Start = Annotated[
    Path | None,
    typer.Option("--start", help="Plan folder, or plan.json, from which the search begins."),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="CODE",
        help=(
            "Language of the pages: en, es or pt; es-MX also takes the numbers and dates of a"
            " region."
        ),
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help=(
            "A field of the scenario to set, such as evaders.habitual_share=0.2 or"
            " kinds.tactical.detection=0.4."
        ),
    ),
]
ParamsFile = Annotated[
    Path | None,
    typer.Option(
        "--params",
        metavar="FILE",
        rich_help_panel=MORE,
        help="Parameters of the search (TOML); docs/parameters.md lists them.",
    ),
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME=VALUE",
        rich_help_panel=MORE,
        help="A parameter of the search, such as tree.splits=1; once for each.",
    ),
]


def changes_of(
    budget: list[str] | None,
    force: list[str] | None,
    forbid: list[str] | None,
    keep_today: bool,
    change_at_most: int | None,
    teams: list[str] | None = None,
) -> Changes:
    """Return what was asked to be different from the file.

    Raises
    ------
    typer.BadParameter
        As `budget_amounts`.
    """
    from optimizer.problem.instance.changes import Changes

    amounts = budget_amounts(budget) | budget_amounts(teams, "--teams")
    return Changes(amounts, tuple(force or ()), tuple(forbid or ()), keep_today, change_at_most)


def solve_options(
    method: str | None,
    gap: float | None,
    time_limit: float | None,
    seed: int | None,
    threads: int | None = None,
    scheduler: str | None = None,
    support: int | None = None,
) -> dict[str, Any]:
    """Return the options of a solve that were given.

    Raises
    ------
    typer.BadParameter
        If both a scheduler and a number of threads are given.
    """
    if threads is not None and scheduler is not None:
        raise typer.BadParameter("give --threads, of this machine, or --scheduler, of a cluster")
    options = {
        "method": method,
        "gap": gap,
        "time_limit": time_limit,
        "seed": seed,
        "threads": threads,
        "scheduler": scheduler,
        "support": support,
    }
    return {name: value for name, value in options.items() if value is not None}


def budget_amounts(budgets: list[str] | None, option: str = "--budget") -> dict[str, float]:
    """Return the amount of each resource, or the number of each type of teams, from
    texts `NAME=AMOUNT` of an option.

    Raises
    ------
    typer.BadParameter
        If a text has another form, or a resource is given twice.
    """
    amount_of: dict[str, float] = {}
    for word in budgets or []:
        name, _, text = word.rpartition("=")
        try:
            amount = float(text)
        except ValueError:
            amount = math.nan
        if not name or not 0 <= amount < math.inf:
            raise typer.BadParameter(
                f"{option} {word!r} is not RESOURCE=AMOUNT with an amount of at least 0, such as"
                " teams=5"
            )
        if name in amount_of:
            raise typer.BadParameter(f"{option} names {name!r} twice")
        amount_of[name] = amount
    return amount_of


def region_source(
    sources: dict[str, str | Path | None], *, radius: float, border: str | None, modes: str
) -> RegionModel:
    """Return where a region's roads come from.

    Parameters
    ----------
    sources
        What was given for each of place, address, bbox, polygon, file and network.
    radius, border, modes
        As typed.

    Raises
    ------
    typer.BadParameter
        If not exactly one source is given.
    InputError
        If a value is at fault.
    """
    from optimizer.base.schema import validated
    from optimizer.scenario.file.model import RegionModel

    given = {name: value for name, value in sources.items() if value is not None}
    if len(given) != 1:
        names, found = (", ".join(f"--{name}" for name in words) for words in (sources, given))
        raise typer.BadParameter(f"give exactly one of {names}; given: {found or 'none'}")
    content: dict[str, Any] = {
        name: four_numbers(str(v)) if name == "bbox" else v for name, v in given.items()
    }
    if "address" in content:
        content["radius_m"] = radius
    if border is not None:
        content["border"] = border
    content["modes"] = [mode.strip() for mode in modes.split(",") if mode.strip()]
    return validated(RegionModel, content, "options")


def four_numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of a bounding box.

    Raises
    ------
    typer.BadParameter
        If the text is not four numbers with commas.
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise typer.BadParameter(
            f"{text!r} is not W,S,E,N: four numbers in degrees, such as 1.4,42.4,1.8,42.7"
        )
    return numbers
