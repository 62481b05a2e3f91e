"""`import`: foreign records into the files of seizures and effort that a scenario reads."""

from __future__ import annotations

import typer

from optimizer.cli.import_cbp import cbp
from optimizer.cli.import_csv import csv_file
from optimizer.cli.import_stop_search import stop_search

import_app = typer.Typer(
    help="Turn foreign records into seizures and effort of a scenario.", no_args_is_help=True, rich_markup_mode=None
)
import_app.command("stop-search")(stop_search)
import_app.command()(cbp)
import_app.command("csv")(csv_file)
