"""Language packs: catalogues are complete, pages speak one language, and text of records stays text in each."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from copy import copy
from datetime import UTC, date, datetime
from functools import partial
from html import unescape
from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po

from optimizer.base.errors import InputError
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text import formatting, language
from optimizer.base.text.language import (
    check_language,
    counted,
    gettext,
    languages,
    long_date,
    markup,
    short_date,
    speaking,
    spoken,
)
from optimizer.base.text.messages import message, translated
from optimizer.pipeline.roster.roster import field_pack
from optimizer.plans.changes import in_language
from optimizer.report.page import page
from optimizer.roster.writing import write_roster
from optimizer.scenario.file.model import ReportModel
from tests import catalogue
from tests.report_case import full_content
from tests.test_field_pack import roster_of
from tests.test_report_page import Parsed, hostile_content

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.roster.model import Roster

MADE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OTHERS = [code for code in languages() if code != "en"]


@pytest.fixture(scope="module")
def spanish() -> str:
    with speaking("es"):
        return page(full_content(), {})


def english_parts() -> set[str]:
    """Return the parts of the catalogue's texts that are longer than three words, without places for values."""
    texts = {text for entry in catalogue.extracted() if entry.id for text in catalogue.all_texts(entry.id)}
    parts = {part.strip(" .,:;()") for text in texts for part in catalogue.PLACE.split(text)}
    return {part for part in parts if len(part.split()) > 3}


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated_with_the_same_places(code: str) -> None:
    assert catalogue.faults(code) == []


def test_a_gap_a_leftover_and_another_place_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    have = catalogue.catalogue_of("es")
    texts = [entry for entry in have if entry.id and isinstance(entry.id, str) and "{" in entry.id]
    missing, empty, other = texts[:3]
    del have[missing.id]
    empty.string, other.string = "", f"{other.string} {{more}}"
    have.add("nobody says this", "nadie dice esto")
    monkeypatch.setattr(catalogue, "catalogue_of", lambda _: have)
    found = "\n".join(catalogue.faults("es"))
    assert sorted(line.partition(":")[0].split(" [")[0] for line in found.splitlines()) == [
        "not there",
        "not translated",
        "places",
        "stale",
    ]


def test_a_new_language_begins_with_every_text_and_an_old_one_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "es.po").write_bytes(
        (language.FOLDER / "es.po").read_bytes().replace(b'msgid "Glossary"', b'msgid "Gone"')
    )
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    assert {"stale: 'Gone'", "not there: 'Glossary'"} <= set(catalogue.faults("es"))
    catalogue.update("es")
    catalogue.update("fr")
    assert catalogue.faults("es") == ["not translated: 'Glossary'"]
    wanted = {entry.id for entry in catalogue.extracted() if entry.id}
    with (tmp_path / "fr.po").open("rb") as file:
        made = read_po(file)
    assert {entry.id for entry in made if entry.id} == wanted
    assert made.num_plurals == 2


def test_the_update_leaves_a_catalogue_that_is_up_to_date_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (language.FOLDER / "es.po").read_bytes()
    (tmp_path / "es.po").write_bytes(before)
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    catalogue.update("es")
    assert (tmp_path / "es.po").read_bytes() == before


def test_a_spanish_report_holds_no_english_sentence(spanish: str) -> None:
    parts = english_parts()
    assert len(parts) > 150
    english = unescape(page(full_content(), {}))
    shown = unescape(spanish)
    assert sum(part in english for part in parts) > 60  # what is looked for is what the page says
    assert [part for part in parts if part in shown] == []


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


def test_numbers_and_dates_are_those_of_the_region() -> None:
    day = date(2026, 11, 26)
    assert (formatting.number(1234.5, 5), formatting.decimal(0.01), long_date(day), short_date(day)) == (
        "1,234.5",
        "<0.1",
        "2026-11-26",
        "Thu 26 Nov",
    )
    with speaking("es"):
        assert formatting.number(1234.5, 5) == "1.234,5"
        assert formatting.decimal(0.01) == "<0,1"
        assert long_date(day) == "26 de noviembre de 2026"
        assert short_date(day) == "jue 26 nov"
        assert counted("{count} site", "{count} sites", 1) == f"1{formatting.SPACE}sitio"
        assert counted("{count} site", "{count} sites", 1200) == f"1.200{formatting.SPACE}sitios"
    with speaking("es-MX"):
        assert formatting.number(1234.5, 5) == "1,234.5"
    assert spoken().code == "en"


def test_english_is_what_it_is_without_any_language() -> None:
    plain = page(full_content(), {})
    with speaking("en"):
        assert re.sub(r"<script.*", "", page(full_content(), {})) == re.sub(r"<script.*", "", plain)
    assert '<html lang="en">' in plain


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


def test_no_translation_holds_markup() -> None:
    for code in OTHERS:
        texts = [text for entry in catalogue.catalogue_of(code) for text in catalogue.all_texts(entry.string)]
        assert [text for text in texts if re.search(r"[<>\"&]", text)] == []


@pytest.mark.parametrize("code", ["xx", "", "en-US", "es-QQ9", "../es", "español"])
def test_an_unknown_language_is_told_which_there_are(code: str) -> None:
    with pytest.raises(InputError, match=r"expected one of en, es") as caught:
        check_language(code)
    assert "es-MX" in str(caught.value)


@pytest.mark.parametrize(("code", "made"), [("es", "es"), ("ES", "es"), ("es_mx", "es-MX"), (" en ", "en")])
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


def test_babel_is_loaded_for_other_languages_alone() -> None:
    code = "import sys, optimizer.base.text.language as l, optimizer.base.text.formatting as f; f.number(1.5); print('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_nothing_is_looked_up_for_an_empty_text() -> None:
    with speaking("es"):
        assert gettext("") == ""


def files_of(roster: Roster, folder: Path, code: str) -> dict[str, str]:
    """Return the texts of a roster's folder and of its field pack, by name, made in a language."""
    with speaking(code):
        write_roster(
            OutputFolder(folder, "roster", (), ("*",), overwrite=True), roster, MADE, "1", partial(field_pack, roster)
        )
    found = {
        path.name: path.read_text("utf-8")
        for path in folder.iterdir()
        if path.suffix in {".html", ".ics", ".csv", ".json"}
    }
    with zipfile.ZipFile(folder / "field-pack.zip") as archive:
        found |= {
            name: archive.read(name).decode() for name in archive.namelist() if name.endswith((".html", ".gpx", ".kml"))
        }
    return found


def test_rosters_calendars_and_field_packs_speak_spanish_and_tables_stay_english(tmp_path: Path) -> None:
    roster = roster_of("<b>Post & $x$</b>")
    english, spanish = (files_of(roster, tmp_path / code, code) for code in ("en", "es"))
    assert english.keys() == spanish.keys()
    assert english["roster.csv"] == spanish["roster.csv"]
    assert json.loads(english["summary.json"]) == json.loads(spanish["summary.json"])
    pages = {name: text for name, text in spanish.items() if name.endswith((".html", ".ics"))}
    parts = english_parts()
    assert any(part in unescape(english["roster.html"]) for part in parts)
    assert {name: part for name, text in pages.items() for part in parts if part in unescape(text)} == {}
    assert all('<html lang="es">' in text for name, text in pages.items() if name.endswith(".html"))
    assert all("<b>" not in text for name, text in pages.items() if name.endswith(".html"))
    assert "Rol de servicio" in spanish["roster.html"]
    assert "Ruta de patrulla B" in spanish["roster.ics"].replace("\r\n ", "")
    assert "De servicio de 06:00 a 14:00" in spanish["roster.ics"].replace("\r\n ", "")
    assert "-//border-interdiction//roster//ES" in spanish["roster.ics"]
    uids = [
        [line for line in files["roster.ics"].splitlines() if line.startswith("UID")] for files in (english, spanish)
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
