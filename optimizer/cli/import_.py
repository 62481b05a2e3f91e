"""`import`: foreign records into the files of seizures and effort that a scenario reads."""

from __future__ import annotations

import typer

from optimizer.cli.commands import add_command
from optimizer.cli.import_cbp import cbp
from optimizer.cli.import_csv import csv_file
from optimizer.cli.import_stop_search import stop_search

import_app = typer.Typer(
    help="Turn foreign records into seizures and effort of a scenario.", no_args_is_help=True, rich_markup_mode=None
)
for name, command in (("stop-search", stop_search), ("cbp", cbp), ("csv", csv_file)):
    add_command(import_app, command, name=name, group="import")
