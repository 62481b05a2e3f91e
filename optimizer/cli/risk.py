"""`risk`: alerts, where to look next, and how well the risk model predicts."""

from __future__ import annotations

import typer

from optimizer.cli.commands import add_command
from optimizer.cli.risk_alerts import alerts
from optimizer.cli.risk_backtest import backtest
from optimizer.cli.risk_look import look
from optimizer.cli.risk_study import study

risk_app = typer.Typer(
    help="Raise alerts, name where to look next, and measure how well the risk model predicts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

for command in (alerts, look, backtest, study):
    add_command(risk_app, command, group="risk")
