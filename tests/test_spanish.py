"""Spanish pages of a comparison, an explanation, a cooperation and a simulation over
time: no English is left, tables and JSON stay English.
"""

from __future__ import annotations

import asyncio
import csv
import html
import json
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from optimizer.analysis.compare.compare import compare_plans
from optimizer.analysis.compare.output import comparison_page
from optimizer.analysis.cooperation.cooperation import cooperate
from optimizer.analysis.cooperation.output import sentences
from optimizer.analysis.desk.page.page import DeskPage
from optimizer.analysis.desk.page.texts import progress
from optimizer.analysis.desk.session import DeskSession
from optimizer.analysis.desk.view import DeskProgress
from optimizer.analysis.explain.output import option_sentences
from optimizer.analysis.frontier.frontier import BudgetRange, Frontier, FrontierPoint
from optimizer.analysis.frontier.output import FRONTIER, write_frontier
from optimizer.analysis.uncertainty import sensitivity
from optimizer.analysis.uncertainty.sensitivity import Sensitivity, sensitivity_facts, variations
from optimizer.base.errors import InputError
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text import formatting
from optimizer.base.text.formatting import Amount, ValueText
from optimizer.base.text.language import (
    check_language,
    gettext,
    in_english,
    markup,
    speaking,
    term,
)
from optimizer.base.text.messages import message, shortened, translated
from optimizer.lab.adaptive.analysis.adapt import adapt
from optimizer.lab.adaptive.analysis.output import adapt_page
from optimizer.pipeline.plan import plan_scenario
from optimizer.pipeline.roster.roster import field_pack
from optimizer.plans.changes import in_language
from optimizer.plans.display_names import DisplayNames
from optimizer.plans.plan_folder import PlanFolder
from optimizer.plans.problem_source import problem_source
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import Plan, violations
from optimizer.report.answer import short_page
from optimizer.report.page import page
from optimizer.roster.making import make_roster
from optimizer.roster.model import DutyStop, Roster, roster_csv
from optimizer.roster.sheets import field_duties, index, sheet
from optimizer.roster.writing import roster_page, write_roster
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.model import ReportModel
from tests import catalogue
from tests.browser import CHROMIUM, Browser
from tests.command import Outcome, run
from tests.english import left_in
from tests.report_case import full_content
from tests.roster_cases import FIRST, crew, duties, duty, shift
from tests.test_burden import COMMUNITIES
from tests.test_compare_plans import on_a_map, written
from tests.test_cooperate import TERMS, with_agencies
from tests.test_cues import scenario
from tests.test_desk_page import READY, ROOT
from tests.test_field_pack import roster_of
from tests.test_measures import MEASURES
from tests.test_report_page import Parsed, hostile_content
from tests.test_tips import tips_file
from tests.tiny import AREAS, SCENARIO, write_scenario


def named(seed: int) -> Instance:
    """Return an instance whose names are Spanish."""
    instance = on_a_map(seed)
    options = tuple(replace(each, label=f"Puesto {j}") for j, each in enumerate(instance.options))
    return replace(instance, options=options, name="caso")


def pages_and_rest(folder: Path) -> tuple[str, dict[str, str]]:
    """Return the page of a folder, and its tables and JSON by name."""
    (page,) = folder.glob("*.html")
    rest = {
        path.name: path.read_text("utf-8")
        for path in folder.iterdir()
        if path.suffix in {".csv", ".json"}
    }
    rest.pop(".interdict.json")
    return html.unescape(page.read_text("utf-8")), rest


@pytest.mark.slow
def test_pages_hold_no_english_and_files_for_programs_no_spanish(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    folder = written(tmp_path / "uno", named(4), ["o3"])
    other = written(tmp_path / "dos", named(4), ["o2", "o4"])
    agencies = tmp_path / "agencies.json"
    write_instance(agencies, replace(with_agencies(2), name="caso"))
    asked = {
        "compare": (folder, other, "today"),
        "explain": (folder, "--others", "3"),
        "cooperate": (agencies,),
    }
    for name, arguments in asked.items():
        found = {}
        for code in ("en", "es"):
            out = tmp_path / f"{name}-{code}"
            done = command(name, *arguments, "--language", code, "--out", out)
            assert done.code == 0
            found[code] = (*pages_and_rest(out), done.out.replace(str(out), ""))
        assert left_in(found["es"][0]) == [], name
        assert len(left_in(found["en"][0])) >= 3, name
        assert '<html lang="es">' in found["es"][0]
        assert found["en"][1] == found["es"][1]
        assert found["en"][2] == found["es"][2]  # the console
        said = {
            "compare": (
                "Lo que menos deja pasar es",
                "quienes mantienen su ruta",
                ">despliegue de hoy<",
            ),
            "explain": (
                "se usa: con él pasa",
                "Cambia las probabilidades de",
                "Mejores rutas que le quedan: ",
            ),
            "cooperate": ("Juntas logran", "El reparto", "Parte justa"),
        }
        for text in said[name]:
            assert text in found["es"][0], text


def test_what_is_against_a_plan_is_said_in_spanish(tmp_path: Path) -> None:
    instance = named(1)
    full = instance.placed(tuple(o.id for o in instance.options))
    poor = replace(instance, resources=tuple(replace(r, budget=0.5) for r in instance.resources))
    marked = replace(
        poor,
        options=tuple(
            replace(o, forced=j == 0, forbidden=j == 1) for j, o in enumerate(poor.options)
        ),
    )
    none = full & False
    with speaking("es"):
        said = [translated(each) for each in (*violations(marked, full), *violations(marked, none))]
    assert any("supera su presupuesto" in each and "0,5" in each for each in said)
    assert any("está prohibida pero se despliega" in each for each in said)
    assert any("es obligatoria pero no está desplegada" in each for each in said)
    assert left_in("".join(f"<p>{each}</p>" for each in said)) == []
    folder = written(tmp_path / "uno", instance, ["o3"])
    sites = [{"id": "x", "site": "a", "type": "post"}, {"id": "y", "site": "otro", "type": "post"}]
    strange = written(tmp_path / "dos", instance, ["x", "o2", "y"], sites=sites)
    with speaking("es"):
        page = html.unescape(short_page(comparison_page(compare_plans([folder, strange])), {}))
    assert "x se toma por o1." in page
    assert "no son opciones del modelo: y" in page
    assert left_in(page, (str(tmp_path),)) == []


@pytest.mark.slow
def test_every_sentence_of_an_explanation_has_a_translation() -> None:
    """Sentences of cases of every outcome: none in Spanish is what it is in English,
    but for names.
    """
    from optimizer.analysis.explain.explain import explain_plan
    from tests.cases import random_instance
    from tests.test_explain import known_plan

    seen: set[str] = set()
    for seed in range(6):
        for one in explain_plan(
            known_plan(random_instance(seed)), gap=0, time_limit=None, evaders=0
        ).options:
            with speaking("es"):
                spanish = option_sentences(one)
            assert left_in("".join(f"<p>{each}</p>" for each in spanish)) == [] or one.price.reason
            assert len(spanish) == len(option_sentences(one))
            seen |= {each.split()[0] for each in spanish}
    assert {"Cambia", "En", "Prescindir", "Tenerlo"} <= seen


def test_every_sentence_of_a_cooperation_has_a_translation() -> None:
    found = cooperate(with_agencies(2), TERMS)
    apart = (("a", "b"),) * 5
    worse = replace(found.worth, found=-0.25)
    for each in (
        found,
        replace(found, others="today", in_core=None, better_apart=apart, sampled=1600, worth=worse),
        replace(found, in_core=None, better_apart=()),
        replace(found, in_core=False, better_apart=apart[:1]),
        replace(found, in_core=False, better_apart=()),
        replace(found, in_core=True),
    ):
        english = sentences(each)
        with speaking("es"):
            spanish = sentences(each)
        assert len(left_in("".join(f"<p>{one}</p>" for one in english))) == len(english)
        assert left_in("".join(f"<p>{one}</p>" for one in spanish)) == []
        assert "1.600 órdenes" in " ".join(spanish) or each.sampled is None


@pytest.mark.slow
@pytest.mark.parametrize("areas", [False, True])
def test_a_simulation_over_time_holds_no_english(tmp_path: Path, areas: bool) -> None:
    bare = SCENARIO.replace('areas = "areas.geojson"\n', "")
    bare = bare[: bare.index("[[records.seizures]]")] + bare[bare.index("[evaders]") :]
    path = write_scenario(tmp_path, SCENARIO if areas else bare)
    drawn = json.loads(AREAS)
    for name, west, south, east, north in (
        ("north", 9.9, 50.12, 10.15, 50.3),
        ("lejano", 1.0, 1.0, 2.0, 2.0),
    ):
        corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        shape = {"type": "Polygon", "coordinates": [corners]}
        drawn["features"] = [
            each for each in drawn["features"] if each["properties"]["name"] != name
        ]
        drawn["features"].append(
            {"type": "Feature", "properties": {"name": name}, "geometry": shape}
        )
    (tmp_path / "areas.geojson").write_text(json.dumps(drawn), encoding="utf-8")
    found = adapt(
        path,
        policies=["today", "hotspot" if areas else "mixed"],
        periods=2,
        runs=2,
        terms={"loads": 1500, "days": 5, "history": 3},
        language="es",
        out=tmp_path / "out",
    )
    page = html.unescape((tmp_path / "out" / "adapt.html").read_text(encoding="utf-8"))
    assert '<html lang="es">' in page
    assert left_in(page, ("today",)) == []
    for said in (
        "En 2 periodos, con lo que menos pasa es",
        "de 1.500 cargamentos por periodo",
        "Mostrar",
    ):
        assert said in page, said
    assert len(left_in(html.unescape(short_page(adapt_page(found), {})))) >= 5
    assert areas or any("no districts" in note for note in found.notes)
    assert areas or "El escenario no tiene distritos" in page
    assert ("Las líneas discontinuas son distritos" in page) == areas
    assert (
        "Se omiten los distritos por los que no pasa ninguna vía de la red: lejano." in page
    ) == areas
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page)
    table = (tmp_path / "out" / "displacement.csv").read_text(encoding="utf-8")
    parts = {row["part"] for row in csv.DictReader(table.splitlines())}
    assert parts == {
        "vehicle",
        "track",
        *(("south", "north", "outside all districts") if areas else ()),
    }
    assert {"Vehículo", "Camino de terracería"} <= set(cells)
    assert ("Fuera de todos los distritos" in cells) == areas
    assert not {"vehicle", "track", "outside all districts"} & set(cells)


def test_the_language_of_a_plan_folder_is_that_of_its_run(tmp_path: Path) -> None:
    folder = written(tmp_path / "uno", named(4), ["o3"])
    assert PlanFolder(folder).language() == "en"
    (folder / "run.json").write_text(json.dumps({"language": "es-MX"}))
    assert PlanFolder(folder).language() == "es-MX"
    assert PlanFolder(folder / "plan.json").language() == "es-MX"
    assert PlanFolder(folder).language("en") == "en"
    assert compare_plans([folder]).language == "es-MX"
    (folder / "run.json").write_text(json.dumps({"language": "python"}))
    with pytest.raises(
        InputError, match=r"run\.json, language: found 'python'; expected one of en, es"
    ):
        PlanFolder(folder).language()


NOTHING = Plan(())


@pytest.mark.slow
@pytest.mark.parametrize("agencies", [1, 2])
def test_the_page_of_a_curve_or_grid_holds_no_english(tmp_path: Path, agencies: int) -> None:
    ranges = tuple(
        BudgetRange.between(name, 0, 2000, 3) for name in ("agentes", "dinero")[:agencies]
    )
    points = tuple(
        FrontierPoint((1000.0 * k,) * agencies, value - 0.001, value, NOTHING)
        for k, value in enumerate((0.9, 0.5, 0.4))
    )
    pages, tables = {}, {}
    for code in ("en", "es"):
        folder = FRONTIER.folder(tmp_path / code, tmp_path / "case.toml", overwrite=False)
        write_frontier(folder, Frontier(ranges, points, complete=False), "Caso", code)
        pages[code] = (tmp_path / code / "frontier.html").read_text(encoding="utf-8")
        tables[code] = [
            (tmp_path / code / f"frontier.{kind}").read_text(encoding="utf-8")
            for kind in ("csv", "json")
        ]
    assert tables["en"] == tables["es"]
    assert left_in(pages["es"]) == []
    assert len(left_in(pages["en"])) >= 3
    assert '<html lang="es">' in pages["es"]
    assert "De 0 agentes" in pages["es"]
    if agencies == 1:
        assert (
            "Hasta 1.000 de agentes, una unidad aporta de media más que en toda la curva"
            in pages["es"]
        )
        assert "0,0004 (de " in pages["es"]


@pytest.mark.slow
def test_the_language_is_that_of_the_scenario_or_the_one_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write_scenario(tmp_path, SCENARIO + '\n[report]\nlanguage = "es"\n')
    assert problem_source(path).language == "es"
    with pytest.raises(InputError, match="one of en, es"):
        problem_source(path, language="xx")
    where = ["--resource", "teams", "--from", "0", "--to", "2", "--points", "2"]
    for code, more in (
        ("es", []),
        ("es-MX", ["--language", "es-MX"]),
        ("en", ["--language", "en"]),
    ):
        out = tmp_path / code
        assert run(capsys, monkeypatch, "frontier", path, *where, *more, "--out", out).code == 0
        assert re.search(
            f'<html lang="{code}">', (out / "frontier.html").read_text(encoding="utf-8")
        )


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no chromium (Debian: apt-get install chromium)")
def test_headers_of_a_spanish_roster_break_within_no_word(tmp_path: Path) -> None:
    with speaking("es"):
        page = roster_page(roster_of("Puesto"))
    path = tmp_path / "roster.html"
    path.write_text(
        page.replace("overflow-wrap: anywhere", "overflow-wrap: normal"), encoding="utf-8"
    )
    wide = (
        "[...document.querySelectorAll('thead th')].filter(th => th.scrollWidth >"
        " th.clientWidth).map(th => th.textContent)"
    )

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
        "{left} of {ends} ends were not solved before the time was over: give more with"
        " --time-limit",
        left=6,
        ends=26,
    )
    with speaking("es"):
        assert (
            sensitivity_facts(Sensitivity(0.5, (), (left,), teams=False), {}).says[-1]
            == "6 de 26 extremos no se resolvieron antes de que se acabara el tiempo: dé más con"
            " --time-limit."
        )


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
    resources = tuple(
        replace(each, budget=2.0) if each.id == "teams" else each for each in instance.resources
    )
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
    for wrong in (
        partial(session.save, "a/b"),
        partial(session.save, "bien"),
        partial(session.search, 0.0),
    ):
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


@pytest.mark.slow
@pytest.mark.report
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


@pytest.mark.report
def test_kinds_are_said_in_spanish_but_for_those_that_a_scenario_names(tmp_path: Path) -> None:
    instance = named(4)
    own = {"post": "", "camera": "camera"}
    kinds = tuple(replace(each, type=own[each.type]) for each in instance.options)
    session = DeskSession(written(tmp_path / "plan", replace(instance, options=kinds), ["o3"]))
    site = next(name for name, options in session.desk.sites.items() if len(options) > 1)
    with speaking("es"):
        found = next(each for each in session.view().sites if each.name == site)
        assert {kind for _, kind in found.kinds} == {"punto de control", "camera"}
        assert "como punto de control" in session.detail(site)


@pytest.mark.report
def test_english_words_stay_where_programs_read(folder: Path) -> None:
    session = DeskSession(folder)
    with speaking("es"):
        session.force("c")
        session.set_budget("teams", 1.5)
        assert session.desk.actions[-1].endswith(": 1.5")
        assert session.view().last.endswith(": 1,5")
    assert session.desk.actions[0].endswith("must be used")
    assert any(
        "The plan shown uses" in each and "of 1.5" in each for each in session.desk.shortfalls
    )


@pytest.mark.report
@pytest.mark.parametrize("upper", [float("inf"), 0.5, 0.0])
def test_progress_is_said_in_spanish(upper: float) -> None:
    with speaking("es"):
        said = progress(DeskProgress(1.0, 30.0, "local search", 0.25, upper), ValueText(share=True))
    assert "Buscando, 1 de 30 s como máximo (búsqueda local)" in said
    assert left_in(said) == []


@pytest.mark.slow
@pytest.mark.report
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
                tongue = await browser.run("document.documentElement.lang")
                found[width] = (texts, tongue, await browser.run(WIDER))
        return found

    try:
        assert desk.stdout is not None
        found = asyncio.run(steps(json.loads(desk.stdout.readline())["address"]))
        desk.send_signal(signal.SIGINT)
        desk.communicate(timeout=600)
    finally:
        desk.kill()
    for texts, tongue, wider in found.values():
        assert tongue == "es"
        assert left_in("".join(f"<p>{each}</p>" for each in texts)) == []
        assert {"Mesa de planificación", "Debe usarse", "Deshacer", "Mejor plan desde aquí"} <= set(
            texts
        )
        assert wider == []


NAMES = (
    "Southern villages", "Eradication upstream", "community programme", "West of the junction", "North road", "East port road",
    "Ford track", "West of the…", "weights_by", "made up for a test", "made up for the tests", "made up", "sites-not-chosen.csv",
)  # fmt: skip

"""What the scenario calls its places, measures and sources, a field, and a file beside
the report.
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a report with communities, a measure at the source, sensors that cue
    teams, tips and rows that are not used.
    """
    folder = tmp_path_factory.mktemp("spanish")
    measures = MEASURES.format(gateway="west-port", reduction=0.4, more="")
    path = scenario(folder, more=COMMUNITIES.format(south="cap = 3", north="") + measures)
    text = path.read_text(encoding="utf-8")
    head = "[[records.seizures]]"
    path.write_text(
        text.replace(head, f'[records]\ntips = "tips.csv"\n\n{head}', 1), encoding="utf-8"
    )
    rows = [f"2024-0{1 + at % 6}-01,10.2,50.2,A1,trucks {at}" for at in range(40)]
    tips_file(folder, *rows, head="time,lon,lat,grade,text")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sensitivity, "variations", lambda compiled: variations(compiled)[:3])
        plan_scenario(
            path,
            folder / "out",
            settings={"report.language": "es"},
            options={"time_limit": 120},
            sensitivity=True,
        )
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.report
def test_the_report_of_a_plan_holds_no_english(report: str) -> None:
    assert left_in(report, NAMES) == []
    shown = html.unescape(report)
    for said in (
        "con respuesta desde",
        "Ningún equipo que pudiera responder está al alcance de",
        "Quién soporta las revisiones",
        "revisiones por paso honesto",
        "Elevan el índice de riesgo en",
        "Las denuncias no son revisiones.",
        "Eradication upstream reduce los cargamentos de",
        "seizures.csv, renglón 5",
    ):
        assert said in shown, said


@pytest.fixture(scope="module")
def rosters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Return the texts of a roster and its field pack by name, by language."""
    folder, roster = tmp_path_factory.mktemp("rosters"), roster_of("<b>Puesto & $x$</b>")
    return {code: files_of(roster, folder / code, code) for code in ("en", "es")}


@pytest.mark.slow
@pytest.mark.report
def test_a_roster_and_its_field_pack_hold_no_english(rosters: dict[str, dict[str, str]]) -> None:
    pages = {name: text for name, text in rosters["es"].items() if name.endswith(".html")}
    assert len(pages) == 6
    assert {name: left for name, text in pages.items() if (left := left_in(text))} == {}


@pytest.mark.slow
@pytest.mark.report
def test_english_is_found_wherever_a_page_shows_it(
    report: str, rosters: dict[str, dict[str, str]]
) -> None:
    files = rosters["en"]
    assert all(left_in(text) for name, text in files.items() if name.endswith(".html"))
    planted = "There are no roads of that kind"
    for before, after in (
        ("</main>", f"<p>{planted}</p></main>"),
        ('role="img"', f'role="img" aria-label="{planted}"'),
        ("<main>", f'<main><script type="application/json">{{"a": ["{planted}"]}}</script>'),
    ):
        page = (
            files["roster.html"]
            if before in files["roster.html"]
            else next(t for t in files.values() if before in t)
        )
        assert planted in left_in(page.replace(before, after, 1)), before
    assert planted in left_in(report.replace("</main>", f"{planted}</main>"), NAMES)
    assert left_in("<p>De las no van: a no me he</p>") == []


MADE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def spanish() -> str:
    with speaking("es"):
        return page(full_content(), {})


@pytest.fixture(scope="module")
def english() -> str:
    return page(full_content(), {})


@cache
def english_parts() -> set[str]:
    """Return the parts of the catalogue's texts that are longer than three words,
    without places for values.
    """
    texts = {
        text
        for entry in catalogue.extracted()
        if entry.id
        for text in catalogue.all_texts(entry.id)
    }
    parts = {part.strip(" .,:;()") for text in texts for part in catalogue.PLACE.split(text)}
    return {part for part in parts if len(part.split()) > 3}


@pytest.mark.slow
def test_portuguese_is_not_spanish() -> None:
    """A page says its language, and no longer text is that of the other catalogue."""
    with speaking("pt-BR"):
        text = page(full_content(), {})
    assert '<html lang="pt-BR">' in text
    assert "Ordens por órgão" in text
    assert "45,0\N{NO-BREAK SPACE}%" in text
    spanish = {
        entry.id: entry.string
        for entry in catalogue.catalogue_of("es")
        if isinstance(entry.id, str)
    }
    texts = [(entry.id, entry.string) for entry in catalogue.catalogue_of("pt") if entry.id]
    same = [
        text
        for of, text in texts
        if isinstance(of, str) and isinstance(text, str) and spanish[of] == text
    ]
    assert [text for text in same if len(catalogue.PLACE.sub("", text).split()) > 8] == []


@pytest.mark.slow
def test_a_spanish_report_holds_no_english_sentence(spanish: str, english: str) -> None:
    parts = english_parts()
    assert len(parts) > 150
    shown, said = unescape(spanish), unescape(english)
    assert sum(part in said for part in parts) > 60  # what is looked for is what the page says
    assert [part for part in parts if part in shown] == []


@pytest.mark.slow
def test_a_page_names_its_language_and_writes_numbers_and_dates_of_it(spanish: str) -> None:
    parsed = Parsed(spanish)
    assert next(attrs["lang"] for tag, attrs in parsed.elements if tag == "html") == "es"
    assert "14 de marzo de 2025" in parsed.text
    assert f"31,2{formatting.SPACE}%" in parsed.text
    assert "1.200" in parsed.text
    with speaking("es-MX"):
        mexican = Parsed(page(full_content(), {}))
    assert next(attrs["lang"] for tag, attrs in mexican.elements if tag == "html") == "es-MX"
    assert f"31.2{formatting.SPACE}%" in mexican.text
    assert "1,200" in mexican.text
    assert "Punto porcentual" in mexican.text


@pytest.mark.slow
def test_english_is_what_it_is_without_any_language(english: str) -> None:
    with speaking("en"):
        assert re.sub(r"<script.*", "", page(full_content(), {})) == re.sub(
            r"<script.*", "", english
        )
    assert '<html lang="en">' in english


@pytest.mark.slow
def test_text_of_records_stays_text(spanish: str) -> None:
    content = hostile_content()
    english = Parsed(page(content, {}))
    with speaking("es"):
        parsed = Parsed(page(content, {}))
    assert [tag for tag, _ in parsed.elements] == [tag for tag, _ in english.elements]
    assert [attrs for attrs, _ in parsed.scripts] == [attrs for attrs, _ in Parsed(spanish).scripts]
    assert parsed.unbalanced == []


def test_values_in_a_text_of_a_template_are_escaped() -> None:
    assert str(markup("Risk is {unit}.", unit="<b>&</b>")) == "Risk is &lt;b&gt;&amp;&lt;/b&gt;."
    with speaking("es"):
        assert "<b>" not in markup("Risk is {unit}.", unit="<b>&</b>")


@pytest.mark.parametrize("code", ["xx", "", "en-US", "es-QQ9", "../es", "español"])
def test_an_unknown_language_is_told_which_there_are(code: str) -> None:
    with pytest.raises(InputError, match=r"expected one of en, es") as caught:
        check_language(code)
    assert "es-MX" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "made"), [("es", "es"), ("ES", "es"), ("es_mx", "es-MX"), (" en ", "en")]
)
def test_a_code_is_written_as_html_has_it(code: str, made: str) -> None:
    assert check_language(code) == made


def test_what_the_console_says_is_english_and_can_be_said_again() -> None:
    inner = message("{number} points", number=3)
    made = message("{low} to {high}", low=1234.5, high=inner)
    assert made == "1234.5 to 3 points"
    assert json.dumps([made]) == '["1234.5 to 3 points"]'
    with speaking("es"):
        assert translated(made) == "1234,5 a 3 puntos"
        assert translated("as it is") == "as it is"
    copied = copy(made)  # it goes to other processes with the scenario
    assert (copied, copied.template, copied.values) == (made, made.template, made.values)


def test_a_sentence_names_places_by_the_scenarios_own_translations() -> None:
    inner = message("{names} and {count} more", names=shortened(["East bridge", "US 281"]), count=2)
    made = message(
        "{place}: {others}; {each}",
        place="East bridge",
        others=inner,
        each=["East bridge", "East bridge (post)"],
    )
    terms = {"es": {"East bridge": "Puente del este", "post": "puesto"}}
    with speaking("es-MX", terms):
        assert (
            translated(made)
            == "Puente del este: Puente del este, US 281 y 2 más; Puente del este; Puente del este"
            " (puesto)"
        )
    with speaking("es"):
        assert translated(made).startswith("East bridge: East bridge, US 281 y 2 más")
    assert made.startswith("East bridge: East bridge")


def test_babel_is_loaded_for_other_languages_alone() -> None:
    code = (
        "import sys, optimizer.base.text.language as l, optimizer.base.text.formatting as f;"
        " f.number(1.5); print('babel' in sys.modules)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "False\n"
    )


def test_nothing_is_looked_up_for_an_empty_text() -> None:
    with speaking("es"):
        assert gettext("") == ""


def files_of(roster: Roster, folder: Path, code: str) -> dict[str, str]:
    """Return the texts of a roster's folder and of its field pack, by name, made in a language."""
    with speaking(code):
        write_roster(
            OutputFolder(folder, "roster", (), ("*",), overwrite=True),
            roster,
            MADE,
            "1",
            partial(field_pack, roster),
        )
    found = {
        path.name: path.read_text("utf-8")
        for path in folder.iterdir()
        if path.suffix in {".html", ".ics", ".csv", ".json"}
    }
    with zipfile.ZipFile(folder / "field-pack.zip") as archive:
        found |= {
            name: archive.read(name).decode()
            for name in archive.namelist()
            if name.endswith((".html", ".gpx", ".kml"))
        }
    return found


@pytest.mark.slow
def test_rosters_say_crews_and_searches_by_the_words_of_all_pages() -> None:
    roster, said = roster_of("Puesto"), {}
    for code in ("es", "pt"):
        with speaking(code):
            every = field_duties(roster)
            said[code] = (
                roster_page(roster) + index(roster, every, {}) + sheet(roster, every[0], every)
            )
    assert "Tripulación" in said["es"]
    assert "Vehículos revisados" in said["es"]
    assert "equipo" not in said["es"].lower()
    assert "; turno de 06:00" in said["pt"]
    assert "dez.." not in said["pt"]


def test_a_sheet_names_its_place_and_base_by_the_scenarios_translations() -> None:
    roster = roster_of("Hill post")
    with speaking("pt", {"pt": {"Hill post": "Posto do morro"}}):
        every = field_duties(roster)
        sheets = [sheet(roster, each, every) for each in every]
    assert all("Posto do morro" in each for each in sheets)
    assert not any("Hill post" in re.sub(r"Hill post \d+", "", each) for each in sheets), (
        "but of crews"
    )


def test_crews_and_teams_of_beats_are_called_by_their_terms() -> None:
    stops = (DutyStop(label="I-35", lon=-99.5, lat=27.5, arrive=30, leave=90),)
    known = duties(
        [shift("day", "06:00", 8)],
        [duty("beat", "day", label="mobile team: I-35, I-10 (29.4, -98.5)", mark="A", stops=stops)],
        [crew(f"{k}", label=f"Valley {k}") for k in (1, 2)],
    )
    roster = make_roster(known, FIRST, 1)
    with speaking("pt", {"pt": {"mobile team": "equipe móvel", "Valley": "Vale"}}):
        every = field_duties(roster)
        pages = roster_page(roster), index(roster, every, {}), sheet(roster, every[0], every)
    for text in pages:
        assert "Vale 1" in text
        assert "Valley" not in text
        assert "mobile team" not in text
    assert "equipe móvel: I-35, I-10" in pages[0]
    assert "Valley" in roster_csv(roster)


@pytest.mark.slow
def test_rosters_calendars_and_field_packs_speak_spanish_and_tables_stay_english(
    rosters: dict[str, dict[str, str]],
) -> None:
    english, spanish = rosters["en"], rosters["es"]
    assert english.keys() == spanish.keys()
    assert english["roster.csv"] == spanish["roster.csv"]
    assert json.loads(english["summary.json"]) == json.loads(spanish["summary.json"])
    pages = {name: text for name, text in spanish.items() if name.endswith((".html", ".ics"))}
    parts = english_parts()
    assert any(part in unescape(english["roster.html"]) for part in parts)
    assert {
        name: part for name, text in pages.items() for part in parts if part in unescape(text)
    } == {}
    assert all('<html lang="es">' in text for name, text in pages.items() if name.endswith(".html"))
    assert all("<b>" not in text for name, text in pages.items() if name.endswith(".html"))
    assert "Rol de servicio" in spanish["roster.html"]
    calendar = spanish["roster.ics"].replace("\n ", "")  # long lines are folded
    assert "Ruta de patrulla B" in calendar
    assert "De servicio de 06:00 a 14:00" in calendar
    assert "-//border-interdiction//roster//ES" in calendar
    uids = [
        [line for line in files["roster.ics"].splitlines() if line.startswith("UID")]
        for files in (english, spanish)
    ]
    assert uids[0] == uids[1]  # an event keeps its id whatever the language


def test_a_scenario_or_an_argument_chooses_the_language() -> None:
    assert ReportModel(language="es_mx").language == "es-MX"
    with pytest.raises(ValueError, match="one of en, es"):
        ReportModel(language="xx")
    assert in_language(None) == {}
    assert in_language("ES") == {"report.language": "es"}
    with pytest.raises(InputError, match="one of en, es"):
        in_language("xx")


OWN_TERMS = """
[[shifts]]
id = "day"
label = "Day"
start = "06:00"
hours = 8
[[crews]]
id = "crew"
[roster]
time_zone = "Europe/Madrid"
[report]
language = "es"
[translations.es]
post = "puesto"
teams = "equipos"
"teams a shift" = "equipos por turno <b>\\u001b"
Police = "Policía"
"""
OF_TERMS = SCENARIO.replace('name = "teams"', 'name = "teams"\nunit = "teams a shift"') + OWN_TERMS


def test_a_scenario_translates_its_own_terms_and_counts_what_it_does_not(tmp_path: Path) -> None:
    compiled = compile_scenario(write_scenario(tmp_path, OF_TERMS))
    (warning,) = [each for each in compiled.warnings if "without a translation" in each]
    assert "into es: 1\N{NO-BREAK SPACE}term of the scenario (Day)" in warning
    resource = compiled.instance.resources[0].id
    for code, kind, amount, agency in (
        ("es-MX", "puesto", Amount(2, "equipos por turno <b>"), "Policía"),
        ("en", "post", Amount(2, "teams a shift"), "Police"),
    ):
        with speaking(code, compiled.scenario.translations):
            names = DisplayNames.of(compiled)
            assert (names.kinds["post"], names.agency("police")) == (kind, agency)
            assert list(names.amounts({resource: 2}).values()) == [amount]
            assert term("US 281 (post)") == f"US 281 ({kind})"
            with in_english():
                assert term("post") == "post"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[translations.es]\npots = "puesto"', "Did you mean 'post'"),
        ('[translations.xx]\npost = "puesto"', "one of en, es"),
        ('[translations.en]\npost = "picket"', "other than that of the terms"),
        ('[translations.es]\npost = " "', "not empty"),
        ("[translations.es]\npost = 3", "translations.es.post"),
    ],
)
def test_terms_that_are_none_are_faults(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_evidence(write_scenario(tmp_path, SCENARIO + table))


FILED = SCENARIO.replace(
    "schema_version = 1", 'schema_version = 1\ntranslations_file = "words.csv"'
)


def test_a_file_of_translations_names_sites_places_and_sentences_and_tables_come_first(
    tmp_path: Path,
) -> None:
    text = FILED + '[report]\nsubtitle = "A plan"\n[translations.es]\npost = "puesto"\n'
    words = "term,es,pt\npost,poste,posto\nNorth road,vía A,via A\nA plan,Un plan,\n"
    path = write_scenario(tmp_path, text)
    (tmp_path / "words.csv").write_text(words, encoding="utf-8")
    compiled = compile_scenario(path)
    assert tmp_path / "words.csv" in compiled.inputs
    for code, site, plan in (
        ("es", "vía A (puesto)", "Un plan"),
        ("pt", "via A (posto)", "A plan"),
    ):
        with speaking(code, compiled.scenario.translations):
            assert (term("North road (post)"), term("A plan")) == (site, plan)
            assert DisplayNames.of(compiled).sites["b"] == site.partition(" (")[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("term,es\npots,puesto\n", "Did you mean 'post'"),
        ("term,es\npost,puesto\npost,garita\n", "'post' twice"),
        ("es\npuesto\n", "term"),
        (f"term,es\npost,{'x' * 1001}\n", "1001 characters for 'post'"),
    ],
)
def test_a_faulty_file_of_translations_is_refused(tmp_path: Path, words: str, said: str) -> None:
    path = write_scenario(tmp_path, FILED)
    (tmp_path / "words.csv").write_text(words, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_evidence(path)


def test_rosters_say_terms_in_the_language_of_their_pages() -> None:
    case = duties(
        [shift("day", "06:00", 8)], [duty("a", "day", label="US 281 (post)")], [crew("c")]
    )
    words = {"es": {"Day": "Turno de día", "post": "puesto"}}
    made = make_roster(case, FIRST, 1)
    with speaking("es", words):
        page = roster_page(made)
    assert "Turno de día" in page
    assert "US 281 (puesto)" in page
    assert "US 281 (post)" in roster_page(made)
