"""Spanish pages of a comparison, an explanation, a cooperation and a simulation over time: no English is left, tables and JSON stay English."""

from __future__ import annotations

import csv
import html
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from optimizer.analysis.compare.compare import compare_plans
from optimizer.analysis.compare.output import comparison_page
from optimizer.analysis.cooperation.cooperation import cooperate
from optimizer.analysis.cooperation.output import sentences
from optimizer.analysis.explain.output import option_sentences
from optimizer.base.errors import InputError
from optimizer.base.text.language import speaking
from optimizer.base.text.messages import translated
from optimizer.lab.adaptive.analysis.adapt import adapt
from optimizer.lab.adaptive.analysis.output import adapt_page
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.plan.plan import violations
from optimizer.report.short_page import short_page
from tests.command import Outcome, run
from tests.english import left_in
from tests.test_compare_plans import on_a_map, written
from tests.test_cooperate import TERMS, with_agencies
from tests.tiny import AREAS, SCENARIO, write_scenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optimizer.problem.instance.instance import Instance


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    return lambda *arguments: run(capsys, monkeypatch, *arguments)


def named(seed: int) -> Instance:
    """Return an instance whose names are Spanish."""
    instance = on_a_map(seed)
    options = tuple(replace(each, label=f"Puesto {j}") for j, each in enumerate(instance.options))
    return replace(instance, options=options, name="caso")


def pages_and_rest(folder: Path) -> tuple[str, dict[str, str]]:
    """Return the page of a folder, and its tables and JSON by name."""
    (page,) = folder.glob("*.html")
    rest = {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.suffix in {".csv", ".json"}}
    rest.pop(".interdict.json")
    return html.unescape(page.read_text("utf-8")), rest


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
            "compare": ("Lo que menos deja pasar es", "evasores: ", ">hoy<"),
            "explain": ("se usa: con él pasa", "Cambia las probabilidades de", "Rutas que le quedan: "),
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
        options=tuple(replace(o, forced=j == 0, forbidden=j == 1) for j, o in enumerate(poor.options)),
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


def test_every_sentence_of_an_explanation_has_a_translation() -> None:
    """Sentences of cases of every outcome: none in Spanish is what it is in English, but for names."""
    from optimizer.analysis.explain.explain import explain_plan
    from tests.cases import random_instance
    from tests.test_explain import known_plan

    seen: set[str] = set()
    for seed in range(6):
        for one in explain_plan(known_plan(random_instance(seed)), gap=0, time_limit=None, evaders=0).options:
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


@pytest.mark.parametrize("areas", [False, True])
def test_a_simulation_over_time_holds_no_english(tmp_path: Path, areas: bool) -> None:
    bare = SCENARIO.replace('areas = "areas.geojson"\n', "")
    bare = bare[: bare.index("[[records.seizures]]")] + bare[bare.index("[evaders]") :]
    path = write_scenario(tmp_path, SCENARIO if areas else bare)
    drawn = json.loads(AREAS)
    for name, west, south, east, north in (("north", 9.9, 50.12, 10.15, 50.3), ("lejano", 1.0, 1.0, 2.0, 2.0)):
        corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        shape = {"type": "Polygon", "coordinates": [corners]}
        drawn["features"] = [each for each in drawn["features"] if each["properties"]["name"] != name]
        drawn["features"].append({"type": "Feature", "properties": {"name": name}, "geometry": shape})
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
    for said in ("En 2 periodos, con lo que menos pasa", "de 1.500 cargamentos por periodo", "Mostrar"):
        assert said in page, said
    assert len(left_in(html.unescape(short_page(adapt_page(found), {})))) >= 5
    assert areas or any("no districts" in note for note in found.notes)
    assert areas or "El escenario no tiene distritos" in page
    assert ("Las líneas discontinuas son distritos" in page) == areas
    assert ("Se omiten los distritos por los que no pasa ninguna vía de la red: lejano." in page) == areas
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page)
    table = (tmp_path / "out" / "displacement.csv").read_text(encoding="utf-8")
    parts = {row["part"] for row in csv.DictReader(table.splitlines())}
    assert parts == {"vehicle", "track", *(("south", "north", "outside all districts") if areas else ())}
    assert {"vehículo", "camino de terracería"} <= set(cells)
    assert ("fuera de todos los distritos" in cells) == areas
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
    with pytest.raises(InputError, match=r"run\.json, language: found 'python'; expected one of en, es"):
        PlanFolder(folder).language()
