"""The command line, assembled from its commands. Nothing heavy is imported before a
command runs, so that `--help` is fast.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from optimizer.base.errors import OptimizerError, printable
from optimizer.base.work.listener import is_interrupt
from optimizer.cli import (  # noqa: F401 - each file declares its commands
    bench,
    desk,
    formats,
    import_,
    ledger,
    operations,
    plan,
    questions,
    risk,
    roster,
    scenario,
    sharing,
    simulate,
    solve,
)
from optimizer.cli.commands import app
from optimizer.cli.terminal import ReaderGoneError, check_open, guarded_streams

__all__ = ["app", "main"]

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""


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
