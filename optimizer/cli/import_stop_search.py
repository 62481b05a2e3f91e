"""`import stop-search`: UK police stop and search."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import Annotated

import typer

from optimizer.cli.arguments import Json, Ledger, Overwrite  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter
from optimizer.cli.import_summary import OUT, Out, show_import


class UnfilledName(StrEnum):
    """`optimizer.records.importers.stop_search.Unfilled`, named here so that `--help` need not import it."""

    AUTO = "auto"
    DROP = "drop"
    NEGATIVE = "negative"


class GroupsName(StrEnum):
    """`optimizer.records.importers.stop_search.Groups`, likewise."""

    ONE = "one"
    EACH = "each"


def stop_search(
    files: Annotated[list[Path], typer.Argument(help="Files of data.police.uk, or folders with them.")],
    out: Out = OUT,
    objects: Annotated[
        list[str] | None,
        typer.Option("--object", help="Object of search to keep; 'all' keeps every one. [Controlled drugs]"),
    ] = None,
    unfilled: Annotated[
        UnfilledName,
        typer.Option(
            help="Where the outcome is empty: auto reads no further action as nothing found if the force fills only positive ones, and "
            "leaves out forces that do not fill it in; drop leaves both out; negative reads every empty one as nothing found."
        ),
    ] = UnfilledName.AUTO,
    groups: Annotated[
        GroupsName, typer.Option(help="People searched together: one search, or each of them one.")
    ] = GroupsName.ONE,
    force: Annotated[
        str | None, typer.Option(help="Police force of all files; taken from the file names if not given.")
    ] = None,
    ledger: Ledger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Read UK police stop and search: each row a search, at an anonymous map point, that ends in yes or no."""
    from optimizer.pipeline.import_records import import_to_folder
    from optimizer.records.importers.stop_search import DRUGS, Groups, Unfilled, import_stop_search

    saved = import_to_folder(
        out,
        files,
        lambda: import_stop_search(
            files,
            objects=objects or (DRUGS,),
            unfilled=Unfilled(unfilled.value),
            groups=Groups(groups.value),
            force=force,
        ),
        ledger=ledger,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    show_import(saved, as_json=as_json)
