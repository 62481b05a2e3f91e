"""`desk`: a page on this machine where a planner changes a plan and sees its value at once."""

from __future__ import annotations

import webbrowser
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.files.temporary import scratch_folder
from optimizer.cli.arguments import Json, Language, Param, ParamsFile, SkipUnreachable  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note

if TYPE_CHECKING:
    from optimizer.analysis.desk.page.server import DeskServer


def desk(
    plan: Annotated[Path, typer.Argument(help="Plan folder, as `plan` writes it, or a variant in it.")],
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Where to listen on this machine; any free port if not given."),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
    language: Language = None,
    params: ParamsFile = None,
    param: Param = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Open a page on this machine to force and forbid sites, move budgets, see the exact value, search from there, and save variants."""
    from optimizer.analysis.desk.page.server import serve
    from optimizer.analysis.desk.session import DeskSession
    from optimizer.plans.plan_folder import PlanFolder
    from optimizer.solvers.params import SolveParams

    spoken = PlanFolder(plan).language(language)
    session = DeskSession(
        plan,
        params=SolveParams.given(params, param or ()),
        skip_unreachable=skip_unreachable,
        listener=ProgressPrinter(silent=as_json),
    )
    with scratch_folder() as folder:

        def ready(server: DeskServer) -> None:
            if as_json:
                print_json({"address": server.address, "port": server.port})
            else:
                print_line(f"The desk is at {server.address}")
                print_note("Only this machine, and only with this address. Ctrl-C closes it.")
            if browser:
                _open(folder, server.address)

        try:
            serve(session, port=port, ready=ready, language=spoken)
        finally:
            session.close()
    saved = f" Saved: {', '.join(map(str, session.saved))}." if session.saved else " Nothing was saved."
    print_note(f"The desk is closed.{saved}")


def _open(folder: Path, address: str) -> None:
    """Open an address by a file of this user alone: a browser's arguments can be read by everyone on the machine."""
    page = folder / "desk.html"
    page.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={address}">', encoding="utf-8"
    )
    webbrowser.open(page.as_uri())
