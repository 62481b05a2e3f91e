"""What every command has besides its own arguments: `--quiet`, `--verbose`, and
examples at the end of its help.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from optimizer.cli.console import Verbosity, set_verbosity
from optimizer.cli.purposes import CommandInPanels

_COMMON = {
    "quiet": Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="No progress on standard error; warnings and errors alone."
        ),
    ],
    "verbose": Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Every step with the seconds it took, also with --json."
        ),
    ],
}


def add_command(
    app: typer.Typer,
    function: Callable[..., Any],
    *,
    name: str | None = None,
    group: str = "",
    examples: tuple[str, ...] | None = None,
) -> None:
    """Add a command to the command line, or to a group of it.

    Parameters
    ----------
    app
        `optimizer.cli.app.app`, or a group's.
    function
        Its annotated arguments become those of the command, its docstring the help.
    name
        The command; by default the function's name.
    group
        The group's name.
    examples
        Arguments as typed in a shell, without the program; by default those of
        `optimizer.cli.commands.EXAMPLES`.
    """
    own = name or function.__name__
    app.command(own, cls=CommandInPanels, epilog=examples_text(f"{group} {own}".strip(), examples))(
        _with_verbosity(function)
    )


def add_group(app: typer.Typer, group: typer.Typer, name: str) -> None:
    """Add a group of commands."""
    app.add_typer(group, name=name, epilog=examples_text(name))


def _with_verbosity(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that takes `--quiet` and `--verbose` as well."""
    signature = inspect.signature(function, eval_str=True)

    @functools.wraps(function)
    def command(*, quiet: bool = False, verbose: bool = False, **arguments: Any) -> Any:  # noqa: ANN401 - what the command takes and returns
        if quiet and verbose:
            raise typer.BadParameter("give --quiet or --verbose, not both")
        set_verbosity(
            Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL
        )
        return function(**arguments)

    own = [
        *signature.parameters.values(),
        *(
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation
            )
            for name, annotation in _COMMON.items()
        ),
    ]
    command.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in own}
    return command


EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "": (
        "check instances/rio-grande/scenario.toml",
        "plan instances/rio-grande/scenario.toml --out results/rio-grande",
    ),
    "init": (
        "init my-border --file andorra.osm.pbf --border Andorra",
        "init rio-grande --network instances/rio-grande/network.gpkg",
    ),
    "verify": (
        "verify instances/grid/grid-10-plain-12.json grid.jsonl.gz",
        "verify results/my-border",
    ),
    "plan": (
        "plan instances/rio-grande/scenario.toml",
        "plan instances/andorra/scenario.toml --gap 0.01 --time-limit 60 --out results/andorra",
        "plan instances/andorra/scenario.toml --method mixed --out results/andorra-days",
    ),
    "check": ("check instances/andorra/scenario.toml",),
    "region": (
        "region --file andorra.osm.pbf --border Andorra --out results/andorra-region",
        "region --bbox 1.4,42.4,1.8,42.7 --modes drive,service,track",
    ),
    "solve": (
        "solve instances/grid/grid-10-plain-6.json",
        (
            "solve instances/grid/grid-10-plain-6.json instances/grid/grid-10-plain-12.json --gap"
            " 0.01 --time-limit 60 --json"
        ),
    ),
    "frontier": (
        (
            "frontier instances/grid/grid-10-plain-6.json --resource sensors --from 0 --to 8"
            " --points 9"
        ),
        (
            "frontier instances/rio-grande/scenario.toml --resource agents@laredo-sector --from 50"
            " --to 150 --out results/laredo-budget"
        ),
    ),
    "evaluate": (
        "evaluate instances/grid/grid-10-plain-6.json instances/grid/grid-10-plain-6.sol.json",
    ),
    "compare": (
        "compare results/rio-grande results/few today",
        "compare results/rio-grande drawn.geojson sites.csv --on results/rio-grande",
    ),
    "cooperate": (
        (
            "cooperate instances/rio-grande/scenario.toml --time-limit 300 --jobs 2 --out"
            " results/sectors"
        ),
        "cooperate instances/rio-grande/scenario.toml --others today --json",
    ),
    "joint": (
        (
            "joint shared/exchange customs=customs/scenario.toml police=police/scenario.toml"
            " --rounds 20"
        ),
        "joint shared/weighted customs=customs/scenario.toml --share customs=2 --share police=1",
    ),
    "adapt": (
        (
            "adapt instances/rio-grande/scenario.toml --periods 12 --runs 2 --out"
            " results/rio-grande-adapt"
        ),
        (
            "adapt instances/andorra/scenario.toml --policies mixed,explore,fpl-ue --learning"
            " best-reply --rate 0.5 --json"
        ),
    ),
    "explain": (
        "explain results/rio-grande",
        "explain results/rio-grande --site us281-falfurrias --time-limit 20",
    ),
    "export": (
        "export results/rio-grande",
        (
            "export results/rio-grande --alerts results/rio-grande-alerts --no-figures --out"
            " results/rio-grande-layers"
        ),
    ),
    "qgis": ("qgis --out results/interdict-qgis.zip",),
    "desk": (
        "desk results/rio-grande",
        "desk results/rio-grande/variants/fewer-teams --port 8080 --no-browser",
        "desk --new my-border/scenario.toml",
    ),
    "fuse": (
        "fuse customs-feed.toml police-feed.toml --out results/fused",
        (
            "fuse customs-feed.toml police-feed.toml --review results/fused/review.csv --areas"
            " sectors.geojson --out results/fused"
        ),
    ),
    "schema": ("schema scenario", "schema instance --out results/instance-schema.json"),
    "bench": (
        "bench --family grid --method cuts --time-limit 60 --out results/my-benchmark --table",
        "bench --family all --scheduler tcp://10.0.0.1:8786",
    ),
    "simulate": (
        (
            "simulate instances/rio-grande/network.gpkg --world mixed --effort feedback --seizures"
            " 400 --seed 1"
        ),
    ),
    "audit": (
        (
            "audit plan results/rio-grande --from 2026-12-01 --seed-file ~/audit.seed --new-seed"
            " --out audit.json"
        ),
    ),
    "audit plan": (
        (
            "audit plan results/rio-grande --from 2026-12-01 --seed-file ~/audit.seed --new-seed"
            " --out audit.json"
        ),
    ),
    "audit sheets": ("audit sheets audit.json --out results/audit-sheets",),
    "audit results": ("audit results audit.json results/audit-sheets --out results/audit",),
    "draw": (
        "draw results/andorra-days --from 2026-12-01 --days 30 --seed-file andorra.seed --new-seed",
        (
            "draw results/andorra-days --from 2026-12-31 --begun 2026-12-01 --seed-file"
            " andorra.seed --override '2027-01-03 -crossing-w5203906-1'"
        ),
    ),
    "roster": (
        "roster results/rio-grande --from 2026-12-01 --weeks 4",
        (
            "roster results/rio-grande --from 2026-12-29 --after"
            " results/rio-grande/roster-2026-12-01 --allow-gaps"
        ),
    ),
    "delivered": (
        "delivered results/rio-grande --tracks tracks.gpx --log log.csv",
        "delivered results/rio-grande --tracks fixes.csv --out results/week-1",
    ),
    "passes": (
        "passes instances/rio-grande/scenario.toml --out results/rio-grande-passes",
        "passes instances/rio-grande/scenario.toml --plan results/rio-grande --quarters 8 --json",
    ),
    "release": (
        (
            "release instances/rio-grande/scenario.toml --to laredo-sector --out results/for-laredo"
            " --plan results/rio-grande"
        ),
        "release seizures.csv --to customs --out results/for-customs --minimum 20",
    ),
    "exchange": (
        "exchange seizures.csv seizures.json",
        "exchange from-police.json tips.csv --tips",
    ),
    "convert": (
        "convert snip --dir snip --instance 0 --snipno 1 --budget 30 --out snip-0-1-30.json",
    ),
    "convert snip": (
        "convert snip --dir snip --instance 0 --snipno 1 --budget 30 --out snip-0-1-30.json",
    ),
    "convert dimacs": (
        (
            "convert dimacs usa.gr --options posts.csv --evaders loads.csv --unit '0.1 m'"
            " --detection-per-km 0.001 --budget teams=5 --out us.json"
        ),
    ),
    "convert spni": ("convert spni arcs.txt --source 0 --sink 24 --budget 5 --out grid.json",),
    "convert tntp": (
        (
            "convert tntp net.tntp --trips trips.tntp --options stations.csv --unit min"
            " --detection-per-hour 0.5 --budget teams=5 --out town.json"
        ),
    ),
    "import": ("import stop-search 2024-01-essex-stop-and-search.csv --out results/import/essex",),
    "import stop-search": (
        "import stop-search data.police.uk --object 'Controlled drugs' --out results/import/police",
    ),
    "import cbp": (
        (
            "import cbp nationwide-drugs-fy24.csv --crossings crossings.csv --land-only --out"
            " results/import/cbp"
        ),
    ),
    "import aadt": (
        (
            "import aadt counts.csv --form txdot --year 2019 --scenario scenario.toml --out"
            " results/import/traffic"
        ),
    ),
    "import csv": (
        "import csv records.csv --mapping mapping.toml --out results/import/customs",
        "import csv records.csv --date day --lon lon --lat lat --source customs",
    ),
    "ledger": ("ledger verify results/ledger --key customs.pub --held held/customs.txt",),
    "ledger init": ("ledger init results/ledger --origin customs.example/ledger",),
    "ledger key": ("ledger key ~/keys/customs.key --name customs.example/ledger",),
    "ledger append": (
        "ledger append results/ledger seizures.csv --kind records --agency customs",
        "ledger append results/ledger results/rio-grande/plan.json --kind plan",
    ),
    "ledger checkpoint": (
        "ledger checkpoint results/ledger --key ~/keys/customs.key --out to-police.txt",
    ),
    "ledger cosign": (
        (
            "ledger cosign results/ledger --key ~/keys/police.key --held held/customs.txt --log-key"
            " customs.pub"
        ),
        "ledger cosign results/ledger --add from-police.txt",
    ),
    "ledger prove": (
        "ledger prove results/ledger seizures.csv --out seizures.tlog-proof",
        "ledger prove results/ledger --since held/customs.txt --out extension.txt",
    ),
    "ledger verify": (
        (
            "ledger verify results/ledger --key customs.pub --held held/customs.txt --witness"
            " police.pub"
        ),
        "ledger verify seizures.tlog-proof --key customs.pub --file seizures.csv",
    ),
    "ledger diff": ("ledger diff results/ledger copy/ledger",),
    "forecast": (
        "forecast seal results/rio-grande --ledger results/ledger --out results/forecasts",
    ),
    "forecast seal": (
        "forecast seal results/rio-grande --ledger results/ledger --out results/forecasts",
    ),
    "forecast score": (
        (
            "forecast score instances/rio-grande/scenario.toml --ledger results/ledger --sealed"
            " results/forecasts"
        ),
    ),
    "trial": (
        (
            "trial design results/rio-grande --kind switch-back --from 2027-01-04 --seed-file"
            " ~/trial.seed --new-seed --out results/trial"
        ),
    ),
    "trial design": (
        (
            "trial design results/rio-grande --kind switch-back --from 2027-01-04 --seed-file"
            " ~/trial.seed --new-seed --out results/trial"
        ),
    ),
    "trial analyse": (
        "trial analyse results/trial results/trial/outcomes.csv --ledger results/ledger",
    ),
    "risk": ("risk alerts instances/andorra/scenario.toml",),
    "risk alerts": (
        "risk alerts instances/andorra/scenario.toml --since 2024-10 --out results/alerts",
    ),
    "risk look": ("risk look instances/andorra/scenario.toml --effort 5 --unit hours --top 20",),
    "risk backtest": (
        "risk backtest results/import/police --period quarter --out results/backtest",
        "risk backtest instances/andorra/scenario.toml",
    ),
    "risk study": ("risk study --data osm --region andorra --seeds 5 --jobs 2 --out results/risk",),
}
"""Arguments by command, as typed in a shell; the key "" is the program itself."""


def examples_text(command: str, examples: tuple[str, ...] | None = None) -> str:
    r"""Return the end of a command's help.

    Parameters
    ----------
    command
        Its words, such as `risk look`.
    examples
        Its examples, if they stand elsewhere; by default those of `EXAMPLES`.
    """
    lines = EXAMPLES[command] if examples is None else examples
    heading = "Example:" if len(lines) == 1 else "Examples:"
    # \b: lines are not joined
    return "\n".join(["\b", heading, *(f"  interdict {line}" for line in lines)])
