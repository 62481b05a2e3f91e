"""The command line, assembled from its commands. Nothing heavy is imported before a command runs, so that `--help` is fast."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from optimizer.base.errors import OptimizerError
from optimizer.cli.bench import bench
from optimizer.cli.check import check
from optimizer.cli.convert import convert_app
from optimizer.cli.evaluate import evaluate
from optimizer.cli.import_ import import_app
from optimizer.cli.plan import plan
from optimizer.cli.region import region
from optimizer.cli.risk import risk_app
from optimizer.cli.roster import roster
from optimizer.cli.schema import schema
from optimizer.cli.simulate import simulate
from optimizer.cli.solve import solve

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""

app = typer.Typer(
    name="interdict",
    help="Where to put checkpoints and patrols on a border's roads, with a proof of how good the plan is.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from optimizer.pipeline.outputs import package_version

        sys.stdout.write(package_version() + "\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """Where to put checkpoints and patrols on a border's roads, with a proof of how good the plan is."""
    del version  # its callback has answered


for command in (plan, check, region, solve, evaluate, schema, bench, simulate, roster):
    app.command()(command)
app.add_typer(convert_app, name="convert")
app.add_typer(import_app, name="import")
app.add_typer(risk_app, name="risk")


def main() -> None:
    """Run the command line; errors of ours end with one message and their exit code, an interrupt without a plan with 3."""
    try:
        app()
    except SystemExit as stop:
        if stop.code != INTERRUPTED:
            raise
        sys.stderr.write("Interrupted before there was a plan.\n")
        sys.exit(3)
    except OptimizerError as error:
        _complain(error)
        sys.exit(error.exit_code)


def _complain(error: OptimizerError) -> None:
    lines = str(error).splitlines()
    head = "Error: " if len(lines) == 1 else f"{len(lines)} problems:\n  "
    sys.stderr.write(head + "\n  ".join(lines) + "\n")
