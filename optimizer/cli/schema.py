"""`schema`: the JSON schemas of the file formats."""

from __future__ import annotations

import json
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Literal, TypeAlias

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import print_json

FileFormat: TypeAlias = Literal["instance", "plan", "scenario"]
"""Formats that have a schema."""


def schema(
    kind: Annotated[FileFormat, typer.Argument(help="Which format.")],
    out: Annotated[Path | None, typer.Option(help="File to write instead of standard output.")] = None,
    as_json: Json = False,
) -> None:
    """Print the JSON schema of a file format."""
    from optimizer.base.files.readwrite import write_json
    from optimizer.problem.files.instance_file import instance_schema
    from optimizer.problem.files.plan_file import plan_schema
    from optimizer.scenario.file.model import scenario_schema

    content = {"instance": instance_schema, "plan": plan_schema, "scenario": scenario_schema}[kind]()
    if out is not None:
        write_json(out, content)
    elif as_json:
        print_json(content)
    else:
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
