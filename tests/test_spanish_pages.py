"""No English is left on Spanish pages: a report of a plan with all that a scenario can offer, a roster with its field pack."""

from __future__ import annotations

import ast
import html
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from optimizer.pipeline.plan import plan_scenario
from tests import catalogue
from tests.english import left_in
from tests.test_burden import COMMUNITIES
from tests.test_cues import scenario
from tests.test_field_pack import roster_of
from tests.test_language import files_of
from tests.test_measures import MEASURES
from tests.test_tips import tips_file

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.report

NAMES = (
    "Southern villages", "Eradication upstream", "community programme", "West of the junction", "North road", "East port road",
    "Ford track", "West of the j…", "made up for a test", "made up for the tests", "made up",
)  # fmt: skip
"""What the scenario calls its places, measures and sources."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a report with communities, a measure at the source, sensors that cue teams, tips and rows that are not used."""
    folder = tmp_path_factory.mktemp("spanish")
    measures = MEASURES.format(gateway="west-port", reduction=0.4, more="")
    path = scenario(folder, more=COMMUNITIES.format(south="cap = 3", north="") + measures)
    text = path.read_text(encoding="utf-8")
    head = "[[records.seizures]]"
    path.write_text(text.replace(head, f'[records]\ntips = "tips.csv"\n\n{head}', 1), encoding="utf-8")
    rows = [f"2024-0{1 + at % 6}-01,10.2,50.2,A1,trucks {at}" for at in range(40)]
    tips_file(folder, *rows, head="time,lon,lat,grade,text")
    plan_scenario(
        path, folder / "out", settings={"report.language": "es"}, options={"time_limit": 120}, sensitivity=True
    )
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


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


def test_a_roster_and_its_field_pack_hold_no_english(tmp_path: Path) -> None:
    files = files_of(roster_of("Puesto"), tmp_path / "es", "es")
    pages = {name: text for name, text in files.items() if name.endswith(".html")}
    assert len(pages) == 6
    assert {name: left for name, text in pages.items() if (left := left_in(text))} == {}


def test_english_is_found_wherever_a_page_shows_it(report: str, tmp_path: Path) -> None:
    files = files_of(roster_of("Post"), tmp_path / "en", "en")
    assert all(left_in(text) for name, text in files.items() if name.endswith(".html"))
    planted = "There are no roads of that kind"
    for before, after in (
        ("</main>", f"<p>{planted}</p></main>"),
        ('role="img"', f'role="img" aria-label="{planted}"'),
        ("<main>", f'<main><script type="application/json">{{"a": ["{planted}"]}}</script>'),
    ):
        page = (
            files["roster.html"] if before in files["roster.html"] else next(t for t in files.values() if before in t)
        )
        assert planted in left_in(page.replace(before, after, 1)), before
    assert planted in left_in(report.replace("</main>", f"{planted}</main>"), NAMES)
    assert left_in("<p>De las no van: a no me he</p>") == []


def _written() -> Iterator[tuple[Path, str]]:
    """Yield each text that a call in the package hands to a catalogue."""
    places = {"pgettext": slice(1, 2), "LayerField": slice(2, 3)} | dict.fromkeys(
        ("ngettext", "counted", "counted_message"), slice(2)
    )
    for path in sorted(Path("optimizer").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (name := getattr(node.func, "id", "")) in catalogue.KEYWORDS:
                for each in node.args[places.get(name, slice(1))]:
                    if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value:
                        yield path, each.value


def test_babel_finds_every_text_also_within_other_calls() -> None:
    known = {text for entry in catalogue.extracted() if entry.id for text in catalogue.all_texts(entry.id)}
    assert [f"{path}: {text}" for path, text in _written() if text not in known] == []
