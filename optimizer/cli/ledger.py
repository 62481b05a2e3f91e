"""`ledger`: an append-only, signed log of what was received, fitted, planned and released."""

from __future__ import annotations

import typer

from optimizer.cli.commands import add_command
from optimizer.cli.ledger_check import diff, prove, verify
from optimizer.cli.ledger_write import append, checkpoint, cosign, init, key

ledger_app = typer.Typer(
    help="Keep a signed log that other agencies can check.", no_args_is_help=True, rich_markup_mode=None
)
for command in (init, key, append, checkpoint, cosign, prove, verify, diff):
    add_command(ledger_app, command, group="ledger")
