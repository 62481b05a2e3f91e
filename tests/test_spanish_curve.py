"""Spanish pages of a budget curve and of a roster: no English is left, the language is that asked for, no word of a header breaks."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from optimizer.analysis.frontier.frontier import BudgetRange, Frontier, FrontierPoint
from optimizer.analysis.frontier.output import FRONTIER, write_frontier
from optimizer.analysis.uncertainty.sensitivity import Sensitivity, sensitivity_facts
from optimizer.base.errors import InputError
from optimizer.base.text.language import speaking
from optimizer.base.text.messages import message
from optimizer.plans.problem_source import problem_source
from optimizer.problem.plan.plan import Plan
from optimizer.roster.roster_page import roster_page
from tests.browser import CHROMIUM, Browser
from tests.command import run
from tests.english import left_in
from tests.test_field_pack import roster_of
from tests.tiny import SCENARIO, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = Plan(())


@pytest.mark.parametrize("agencies", [1, 2])
def test_the_page_of_a_curve_or_grid_holds_no_english(tmp_path: Path, agencies: int) -> None:
    ranges = tuple(BudgetRange.between(name, 0, 2000, 3) for name in ("agentes", "dinero")[:agencies])
    points = tuple(
        FrontierPoint((1000.0 * k,) * agencies, 0.5 - 0.2 * k, value, NOTHING)
        for k, value in enumerate((0.9, 0.5, 0.4))
    )
    pages, tables = {}, {}
    for code in ("en", "es"):
        folder = FRONTIER.folder(tmp_path / code, tmp_path / "case.toml", overwrite=False)
        write_frontier(folder, Frontier(ranges, points, complete=False), "Caso", code)
        pages[code] = (tmp_path / code / "frontier.html").read_text(encoding="utf-8")
        tables[code] = [(tmp_path / code / f"frontier.{kind}").read_text(encoding="utf-8") for kind in ("csv", "json")]
    assert tables["en"] == tables["es"]
    assert left_in(pages["es"]) == []
    assert len(left_in(pages["en"])) >= 3
    assert '<html lang="es">' in pages["es"]
    assert "De 0 agentes" in pages["es"]
    if agencies == 1:
        assert "Hasta 1.000 de agentes, cada unidad aporta más que la media" in pages["es"]
        assert "0,0004 (de " in pages["es"]


def test_the_language_is_that_of_the_scenario_or_the_one_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write_scenario(tmp_path, SCENARIO + '\n[report]\nlanguage = "es"\n')
    assert problem_source(path).language == "es"
    with pytest.raises(InputError, match="one of en, es"):
        problem_source(path, language="xx")
    where = ["--resource", "teams", "--from", "0", "--to", "2", "--points", "2"]
    for code, more in (("es", []), ("es-MX", ["--language", "es-MX"]), ("en", ["--language", "en"])):
        out = tmp_path / code
        assert run(capsys, monkeypatch, "frontier", path, *where, *more, "--out", out).code == 0
        assert re.search(f'<html lang="{code}">', (out / "frontier.html").read_text(encoding="utf-8"))


@pytest.mark.skipif(not CHROMIUM, reason="no chromium (Debian: apt-get install chromium)")
def test_headers_of_a_spanish_roster_break_within_no_word(tmp_path: Path) -> None:
    with speaking("es"):
        page = roster_page(roster_of("Puesto"))
    path = tmp_path / "roster.html"
    path.write_text(page.replace("overflow-wrap: anywhere", "overflow-wrap: normal"), encoding="utf-8")
    wide = "[...document.querySelectorAll('thead th')].filter(th => th.scrollWidth > th.clientWidth).map(th => th.textContent)"

    async def steps() -> dict[str, object]:
        found = {}
        async with Browser() as browser:
            for width, media in ((1440, "screen"), (390, "screen"), (1010, "print")):
                await browser.open(path.as_uri(), width, 900)
                await browser.until("document.readyState === 'complete'")
                await browser.call("Emulation.setEmulatedMedia", media=media)
                await browser.run(
                    "document.head.append(Object.assign(document.createElement('style'), "
                    "{textContent: 'section.sheet { display: block !important }'}))"
                )
                found[f"{media} {width}"] = await browser.run(wide)
        return found

    assert {name: broken for name, broken in asyncio.run(steps()).items() if broken} == {}


def test_ends_of_assumptions_that_were_not_solved_are_said_in_spanish() -> None:
    left = message(
        "{left} of {ends} ends were not solved before the time was over: give more with --time-limit", left=6, ends=26
    )
    with speaking("es"):
        assert sensitivity_facts(Sensitivity(0.5, (), (left,), teams=False), {}).says[-1] == (
            "6 de 26 extremos no se resolvieron antes de que se acabara el tiempo: dé más con --time-limit."
        )
