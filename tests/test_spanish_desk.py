"""The desk in Spanish: no English is left in what its page shows, in any state of it, and what it saves stays English."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.analysis.desk.page.page import DeskPage
from optimizer.analysis.desk.page.texts import progress
from optimizer.analysis.desk.session import DeskSession
from optimizer.analysis.desk.view import DeskProgress
from optimizer.base.text.language import speaking
from tests.browser import CHROMIUM, Browser
from tests.english import left_in
from tests.test_compare_plans import written
from tests.test_desk_page import READY, ROOT
from tests.test_spanish_answers import named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.report

ALL_TEXT = """(() => {
  const found = [], walk = (root) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.shadowRoot) walk(each.shadowRoot);
      for (const name of ["title", "aria-label", "placeholder", "alt"]) if (each.hasAttribute(name)) found.push(each.getAttribute(name));
      if (!["STYLE", "SCRIPT"].includes(each.tagName))
        for (const node of each.childNodes) if (node.nodeType === 3 && node.textContent.trim()) found.push(node.textContent.trim());
    }
  };
  walk(document);
  return found;
})()"""
"""Every text of the page, those within the shadow roots of widgets too."""
WIDER = """(() => {
  const found = [], wide = document.documentElement.clientWidth, walk = (root) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.shadowRoot) walk(each.shadowRoot);
      const box = each.getBoundingClientRect();
      const cut = each.tagName === "BUTTON" && each.getRootNode().host && (each.scrollWidth > each.clientWidth + 1
        || box.right > each.getRootNode().host.getBoundingClientRect().right + 1);
      if (box.width && (box.right > wide + 1 || cut)) found.push(each.tagName + ": " + each.textContent.trim().slice(0, 60));
    }
  };
  walk(document.body);
  return found;
})()"""
"""What ends beyond the right edge of the page, and buttons whose words do not fit."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    instance = named(4)
    resources = tuple(replace(each, budget=2.0) if each.id == "teams" else each for each in instance.resources)
    path = written(tmp_path / "plan", replace(instance, resources=resources), ["o3"])
    (path / "run.json").write_text(json.dumps({"language": "es"}))
    return path


def shown(page: DeskPage) -> str:
    """Return what the widgets of a page say, as HTML."""
    found = []
    for root in page.roots:
        for model in root.references():
            for name in ("text", "title", "label"):
                value = getattr(model, name, None)
                found += [value] if isinstance(value, str) else []
            found += [str(each) for each in getattr(model, "labels", None) or ()]
            found += [str(each[1]) for each in getattr(model, "options", None) or ()]
            tooltips = getattr(model, "tooltips", None)
            found += [str(each[0]) for each in tooltips] if isinstance(tooltips, list) else []
    return "".join(f"<p>{each}</p>" for each in found)


def ended(page: DeskPage, session: DeskSession) -> None:
    """Wait for the end of a search."""
    while session._search is not None:
        page.poll()


def visited(session: DeskSession) -> str:
    """Return what the page says in the states that a planner can bring it to."""
    page = DeskPage(session)
    seen = [shown(page)]

    def do(action: Callable[[], object]) -> None:
        page._do(action)
        seen.append(shown(page))

    names = [*session.desk.sites, *session.desk.base.option_index]
    for name in names:
        page._looked_at = name if name in session.desk.sites else page._looked_at
        for action in (session.force, session.forbid, session.turn):
            do(partial(action, name))
    for name in names:
        session.force(name)
    for resource in session.desk.base.resources:
        do(partial(session.set_budget, resource.id, 0.25))
    for wrong in (partial(session.save, "a/b"), partial(session.save, "bien"), partial(session.search, 0.0)):
        do(wrong)
    session.search(60)
    do(partial(session.turn, "b"))
    ended(page, session)
    seen.append(shown(page))
    while session.desk.can_undo:
        session.undo()
    do(session.undo)
    session.search(60)
    ended(page, session)
    seen.append(shown(page))
    do(page._save_variant)
    do(page._save_variant)
    return "".join(seen)


def test_no_state_of_the_page_holds_english(folder: Path) -> None:
    with speaking("es"):
        spanish = visited(DeskSession(folder))
    assert left_in(spanish, (str(folder), "--out")) == []
    for said in (
        "El plan mostrado usa",
        "Ningún plan puede tener todo lo que debe usarse",
        "Ningún plan: Ningún plan es factible: el recurso",
        "que ya existe",
        "se encontró",
        "una búsqueda en marcha",
        "Guardado: ",
        "El mejor plan hallado deja pasar",
    ):
        assert said in spanish, said
    run = json.loads((folder / "variants" / "variant-1" / "run.json").read_text())
    assert run["language"] == "es"
    assert run["desk"] == ["the best plan found from there"]


def test_kinds_are_said_in_spanish_but_for_those_that_a_scenario_names(tmp_path: Path) -> None:
    instance = named(4)
    own = {"post": "", "camera": "camera"}
    kinds = tuple(replace(each, type=own[each.type]) for each in instance.options)
    session = DeskSession(written(tmp_path / "plan", replace(instance, options=kinds), ["o3"]))
    site = next(name for name, options in session.desk.sites.items() if len(options) > 1)
    with speaking("es"):
        assert {kind for _, kind in session._site(site).kinds} == {"punto de control", "camera"}
        assert "como punto de control" in session.detail(site)


def test_english_words_stay_where_programs_read(folder: Path) -> None:
    session = DeskSession(folder)
    with speaking("es"):
        session.force("c")
        session.set_budget("teams", 1.5)
        assert session.desk.actions[-1].endswith(": 1.5")
        assert session.view().last.endswith(": 1,5")
    assert session.desk.actions[0].endswith("must be used")
    assert any("The plan shown uses" in each and "of 1.5" in each for each in session.desk.shortfalls)


@pytest.mark.parametrize("upper", [float("inf"), 0.5, 0.0])
def test_progress_is_said_in_spanish(upper: float) -> None:
    with speaking("es"):
        said = progress(DeskProgress(1.0, 30.0, "local search", 0.25, upper))
    assert "Buscando, 1 de 30 s como máximo (búsqueda local)" in said
    assert left_in(said) == []


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")
def test_a_browser_shows_the_page_in_spanish_and_nothing_is_cut(folder: Path) -> None:
    command = [sys.executable, str(ROOT / "cli.py"), "desk", str(folder), "--no-browser", "--json"]
    desk = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    async def steps(address: str) -> dict[int, Any]:
        found = {}
        async with Browser() as browser:
            for width in (1400, 390):
                await browser.open(address, width, 900)
                await browser.until(READY)
                texts = await browser.run(ALL_TEXT)
                language = await browser.run("document.documentElement.lang")
                found[width] = (texts, language, await browser.run(WIDER))
        return found

    try:
        assert desk.stdout is not None
        found = asyncio.run(steps(json.loads(desk.stdout.readline())["address"]))
        desk.send_signal(signal.SIGINT)
        desk.communicate(timeout=60)
    finally:
        desk.kill()
    for texts, language, wider in found.values():
        assert language == "es"
        assert left_in("".join(f"<p>{each}</p>" for each in texts)) == []
        assert {"Mesa de planificación", "Debe usarse", "Deshacer", "Mejor plan desde aquí"} <= set(texts)
        assert wider == []
