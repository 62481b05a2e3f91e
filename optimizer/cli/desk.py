"""`desk`: a page on this machine where a planner changes a plan and sees its value at
once, or fills in a first scenario.
"""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.files.temporary import scratch_folder
from optimizer.cli.arguments import (
    Json,
    Language,
    Param,
    ParamsFile,
    SkipUnreachable,
)
from optimizer.cli.commands import command
from optimizer.cli.console import ProgressPrinter, print_json, print_line, print_note

if TYPE_CHECKING:
    from optimizer.analysis.desk.page.server import DeskServer, ServedPage


@command(
    "desk",
    "results/rio-grande",
    "results/rio-grande/variants/fewer-teams --port 8080 --no-browser",
    "--new my-border/scenario.toml",
)
def desk(
    plan: Annotated[
        Path | None,
        typer.Argument(
            help="Plan folder, as `plan` writes it, or a variant in it.", show_default=False
        ),
    ] = None,
    new: Annotated[
        Path | None,
        typer.Option(
            "--new",
            metavar="FILE",
            help="In place of a plan: fill in a first scenario, and write it to FILE.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=1,
            max=65535,
            help="Where to listen on this machine; any free port if not given.",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
    language: Language = None,
    params: ParamsFile = None,
    param: Param = None,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Open a page on this machine to force and forbid sites, move budgets, see the
    exact value, search from there, and save variants.
    """
    if (plan is None) == (new is None):
        raise typer.BadParameter("give a plan folder, or --new FILE for a first scenario")
    if new is not None:
        if params is not None or param or skip_unreachable:
            raise typer.BadParameter(
                "--params, --param and --skip-unreachable go with a plan folder, not with --new"
            )
        _serve_form(new, _Served(port, browser, as_json), language)
    elif plan is not None:
        _serve_plan(
            plan,
            _Served(port, browser, as_json),
            language,
            (params, tuple(param or ())),
            skip_unreachable,
        )


@dataclass(frozen=True)
class _Served:
    """How a page is served: where, and whether a browser is opened and the address
    printed as JSON.
    """

    port: int | None
    browser: bool
    as_json: bool

    def run(self, page: Callable[[], ServedPage], what: str, folder: Path, language: str) -> None:
        """Serve until Ctrl-C; `folder` is for temporary files."""
        from optimizer.analysis.desk.page.server import serve

        def ready(server: DeskServer) -> None:
            if self.as_json:
                print_json({"address": server.address, "port": server.port})
            else:
                print_line(f"The {what} is at {server.address}")
                print_note("Only this machine, and only with this address. Ctrl-C closes it.")
            if self.browser:
                _open(folder, server.address)

        serve(page, port=self.port, ready=ready, language=language)


def _serve_plan(
    plan: Path,
    served: _Served,
    language: str | None,
    params: tuple[Path | None, tuple[str, ...]],
    skip_unreachable: bool,
) -> None:
    from optimizer.analysis.desk.page.page import DeskPage
    from optimizer.analysis.desk.session import DeskSession
    from optimizer.base.text.language import speaking
    from optimizer.plans.plan_folder import PlanFolder
    from optimizer.solvers.params import SolveParams

    opened = PlanFolder(plan)
    spoken, words = opened.language(language), opened.own_words.translations
    session = DeskSession(
        plan,
        params=SolveParams.given(*params),
        skip_unreachable=skip_unreachable,
        listener=ProgressPrinter(silent=served.as_json),
    )
    with speaking(spoken, words), scratch_folder() as folder:
        session.map()  # reads the scenario before the page is asked for
        try:
            served.run(lambda: DeskPage(session), "desk", folder, spoken)
        finally:
            session.close()
    saved = (
        f" Saved: {', '.join(map(str, session.saved))}." if session.saved else " Nothing was saved."
    )
    print_note(f"The desk is closed.{saved}")


def _serve_form(file: Path, served: _Served, language: str | None) -> None:
    from optimizer.base.text.language import ENGLISH, check_language
    from optimizer.pipeline.form.form import FirstForm
    from optimizer.pipeline.form.page import FormPage

    spoken = ENGLISH if language is None else check_language(language, "--language")
    with scratch_folder() as folder:
        form = FirstForm(file, Path.cwd(), folder)
        served.run(lambda: FormPage(form), "form", folder, spoken)
    if form.last_written is None:
        print_note("The form is closed. Nothing was written.")
    else:
        print_note(f"The form is closed. Written: {', '.join(map(str, form.last_written.files))}.")
        print_line(f"Next: {form.last_written.command}")


def _open(folder: Path, address: str) -> None:
    """Open an address by a file of this user alone: a browser's arguments can be read
    by everyone on the machine.
    """
    page = folder / "desk.html"
    page.write_text(
        '<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="0;'
        f' url={address}">',
        encoding="utf-8",
    )
    webbrowser.open(page.as_uri())
