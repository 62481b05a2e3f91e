"""The command line, assembled from its commands. Nothing heavy is imported before a
command runs, so that `--help` is fast.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from optimizer.base.errors import OptimizerError, printable
from optimizer.base.work.listener import is_interrupt
from optimizer.cli.bench import bench
from optimizer.cli.commands import add_command, add_group, examples_text
from optimizer.cli.desk import desk
from optimizer.cli.formats import convert_app, export, qgis, schema
from optimizer.cli.import_ import import_app
from optimizer.cli.ledger import ledger_app
from optimizer.cli.operations import audit_app, delivered, forecast_app, passes, trial_app
from optimizer.cli.plan import plan
from optimizer.cli.purposes import Program
from optimizer.cli.questions import compare, cooperate, explain, frontier
from optimizer.cli.risk import risk_app
from optimizer.cli.roster import draw, roster
from optimizer.cli.scenario import check, init, region
from optimizer.cli.sharing import exchange, fuse, joint, release
from optimizer.cli.simulate import adapt, simulate
from optimizer.cli.solve import evaluate, solve, verify
from optimizer.cli.terminal import ReaderGoneError, check_open, guarded_streams

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""

app = typer.Typer(
    name="interdict",
    cls=Program,
    help=(
        "Where to put checkpoints and patrols on a border's roads, with a proof of how good the"
        " plan is."
    ),
    epilog=examples_text(""),
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from optimizer.base.version import package_version

        sys.stdout.write(package_version() + "\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """Where to put checkpoints and patrols on a border's roads, with a proof of how
    good the plan is.
    """
    del version  # its callback has answered


for command in (
    init,
    plan,
    check,
    region,
    solve,
    frontier,
    explain,
    export,
    qgis,
    compare,
    cooperate,
    joint,
    adapt,
    desk,
    fuse,
    evaluate,
    verify,
    schema,
    bench,
    simulate,
    draw,
    roster,
    delivered,
    passes,
    release,
    exchange,
):
    add_command(app, command)
for group, name in (
    (audit_app, "audit"),
    (convert_app, "convert"),
    (forecast_app, "forecast"),
    (import_app, "import"),
    (ledger_app, "ledger"),
    (risk_app, "risk"),
    (trial_app, "trial"),
):
    add_group(app, group, name)


def main() -> None:
    """Run the command line; errors of ours end with one message and their exit code, an
    interrupt without a plan with 3.
    """
    with guarded_streams():
        code = _run()
    sys.exit(code)


def _run() -> int:
    """Run the command that was given and return the exit code."""
    try:
        check_open()
        code = _standard_exit_code()
        sys.stdout.flush()
    except ReaderGoneError:
        return 0
    except OptimizerError as error:
        _complain(error)
        return error.exit_code
    if code == INTERRUPTED:
        sys.stderr.write("Interrupted before there was a plan.\n")
        return 3
    return code


def _standard_exit_code() -> int:
    try:
        app()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except OptimizerError:
        raise
    except BaseException as error:  # one of a library in C that was interrupted, too
        if not is_interrupt(error):
            raise
        return INTERRUPTED
    return 0


def _complain(error: OptimizerError) -> None:
    lines = [printable(line) for line in str(error).split("\n")]
    head = "Error: " if len(lines) == 1 else f"{len(lines)} problems:\n  "
    sys.stderr.write(head + "\n  ".join(lines) + "\n")
