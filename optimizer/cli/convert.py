"""`convert`: other people's problem files into instance files."""

from __future__ import annotations

import typer

from optimizer.cli.commands import add_command
from optimizer.cli.convert_dimacs import dimacs
from optimizer.cli.convert_snip import snip
from optimizer.cli.convert_tntp import tntp

convert_app = typer.Typer(
    help="Turn other problems' files into instances.", no_args_is_help=True, rich_markup_mode=None
)

for command in (snip, dimacs, tntp):
    add_command(convert_app, command, group="convert")
