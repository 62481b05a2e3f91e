"""Catalogues of languages: complete, found by Babel, updated whole or not at all;
numbers and dates are those of the region.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po

from optimizer.base.text import formatting, language
from optimizer.base.text.language import counted, languages, long_date, short_date, speaking, spoken
from tests import catalogue

OTHERS = [code for code in languages() if code != "en"]


def _written() -> Iterator[tuple[Path, str]]:
    """Yield each text that a call in the package hands to a catalogue."""
    places = {"pgettext": slice(1, 2), "LayerField": slice(2, 3)} | dict.fromkeys(
        ("ngettext", "counted", "counted_message"), slice(2)
    )
    # a file without one need not be parsed
    call = re.compile(rf"\b({'|'.join(catalogue.KEYWORDS)})\s*\(")
    for path in sorted(Path("optimizer").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if call.search(text) else ():
            if (
                isinstance(node, ast.Call)
                and (name := getattr(node.func, "id", "")) in catalogue.KEYWORDS
            ):
                for each in node.args[places.get(name, slice(1))]:
                    if (
                        isinstance(each, ast.Constant)
                        and isinstance(each.value, str)
                        and each.value
                    ):
                        yield path, each.value


@pytest.mark.slow
@pytest.mark.report
def test_babel_finds_every_text_also_within_other_calls() -> None:
    known = {
        text
        for entry in catalogue.extracted()
        if entry.id
        for text in catalogue.all_texts(entry.id)
    }
    assert [f"{path}: {text}" for path, text in _written() if text not in known] == []


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_update_leaves_a_catalogue_that_is_up_to_date_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (language.FOLDER / "es.po").read_bytes()
    (tmp_path / "es.po").write_bytes(before)
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    catalogue.update("es")
    assert (tmp_path / "es.po").read_bytes() == before


def test_an_update_that_breaks_off_leaves_the_catalogue_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(file: BinaryIO, *_: object, **__: object) -> None:
        file.write(b"half")
        raise OSError

    (tmp_path / "es.po").write_bytes(b"whole")
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    monkeypatch.setattr(catalogue, "extracted", Catalog)
    monkeypatch.setattr(catalogue, "catalogue_of", lambda _: Catalog())
    monkeypatch.setattr(catalogue, "write_po", full_disk)
    with pytest.raises(OSError):  # noqa: PT011 - any
        catalogue.update("es")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("es.po", b"whole")]


def test_numbers_and_dates_are_those_of_the_region() -> None:
    day = date(2026, 11, 26)
    assert (
        formatting.number(1234.5, 5),
        formatting.decimal(0.01),
        long_date(day),
        short_date(day),
    ) == (
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


def test_no_translation_holds_markup() -> None:
    for code in OTHERS:
        texts = [
            text
            for entry in catalogue.catalogue_of(code)
            for text in catalogue.all_texts(entry.string)
        ]
        assert [text for text in texts if re.search(r"[<>\"&]", text)] == []
