"""`risk`: what the record says and cannot say, how well the model tells it, and where to look next."""

from __future__ import annotations

import typer

from optimizer.cli.risk_alerts import alerts
from optimizer.cli.risk_backtest import backtest
from optimizer.cli.risk_look import look
from optimizer.cli.risk_study import study

risk_app = typer.Typer(
    help="Judge the risk model, raise alerts, and say where to look next.", no_args_is_help=True, rich_markup_mode=None
)

for command in (alerts, look, backtest, study):
    risk_app.command()(command)
