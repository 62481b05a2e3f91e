"""Exchange of seizures and tips: there and back through each format, and STIX as the
library of its authors reads it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from optimizer.base.errors import InputError
from optimizer.sharing.format_conversion import (
    FIELDS,
    MARKING_IDS,
    NAMES,
    OWN,
    TLP,
    exchange_records,
)
from tests.command import run
from tests.output_cases import csv_rows

SEIZURES = """time,lon,lat,area,drug,quantity,quantity_unit,count,grade,owner,tlp,released_to
2026-03-01,-99.51,27.5,,cocaine,12.5,kg,,B2,police,green,
2026-03-01,-99.51,27.5,,cocaine,12.5,kg,,B2,police,green,
2026-04,,,Laredo Sector,heroin,3,lb,2,,customs,amber+strict,police guard
FY2025,-98.2,26.1,,'=1+1,,,,F6,,,
"""
TIPS = """time,lon,lat,grade,text,confirmed,owner,tlp
2026-03-04,-99.4,27.6,C3,trucks at night on the quarry road,,police,amber
2026-03-05,-99.4,27.6,,,yes,,red
"""
MADE = datetime(2026, 11, 26, 8, tzinfo=UTC)


def rows_of(path: Path) -> list[dict[str, str]]:
    return [{name: cell for name, cell in row.items() if cell} for row in csv_rows(path)]


def test_a_link_that_leads_nowhere_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(SEIZURES, encoding="utf-8")
    link = tmp_path / "out.json"
    link.symlink_to(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match="which does not exist"):
        exchange_records(tmp_path / "rows.csv", link)
    assert link.is_symlink()


@pytest.mark.parametrize(("text", "tips"), [(SEIZURES, False), (TIPS, True)])
def test_rows_come_back_from_each_format(tmp_path: Path, text: str, tips: bool) -> None:
    source = tmp_path / "rows.csv"
    source.write_text(text, encoding="utf-8")
    for name in ("rows.json", "rows.geojson"):
        there = exchange_records(source, tmp_path / name, tips=tips)
        assert there.rows == len(rows_of(source))
        exchange_records(there.path, tmp_path / "back.csv", tips=tips, overwrite=True)
        back = rows_of(tmp_path / "back.csv")
        for row, again in zip(rows_of(source), back, strict=True):
            assert plain(again) == plain(row)


def plain(row: dict[str, str]) -> dict[str, object]:
    """Return a row with its coordinates as numbers."""
    return {name: float(cell) if name in {"lon", "lat"} else cell for name, cell in row.items()}


@pytest.mark.parametrize(("text", "tips"), [(SEIZURES, False), (TIPS, True)])
def test_the_library_of_its_authors_reads_our_stix(tmp_path: Path, text: str, tips: bool) -> None:
    stix2 = pytest.importorskip("stix2")
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    made = exchange_records(tmp_path / "rows.csv", tmp_path / "rows.json", tips=tips, made=MADE)
    content = json.loads(made.path.read_text())
    bundle = stix2.parse(content, allow_custom=False)
    kinds = [one["type"] for one in bundle.objects]
    assert kinds.count("note" if tips else "incident") == len(text.splitlines()) - 1
    assert {"identity", "extension-definition", "marking-definition"} <= set(kinds)
    marks = {
        one["id"]: one["extensions"][TLP]["tlp_2_0"]
        for one in bundle.objects
        if one["type"] == "marking-definition"
    }
    assert all(MARKING_IDS[mark] == name for name, mark in marks.items())
    for one in bundle.objects:
        if one["type"] in {"incident", "note"}:
            assert set(one["extensions"][OWN]) - {"extension_type", "kind"} <= set(NAMES)
    first = (tmp_path / "rows.json").read_bytes()
    exchange_records(
        tmp_path / "rows.csv", tmp_path / "rows.json", tips=tips, made=MADE, overwrite=True
    )
    assert (tmp_path / "rows.json").read_bytes() == first


def bundle(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"type": "bundle", "id": "bundle--1", "objects": list(objects)}


def test_stix_of_others_is_read_as_far_as_it_has_words(tmp_path: Path) -> None:
    place = {"type": "location", "id": "location--1", "longitude": -99.5, "latitude": 27.5}
    maker = {"type": "identity", "id": "identity--1", "name": "Guard"}
    mark = {
        "type": "marking-definition",
        "id": "marking-definition--9",
        "extensions": {TLP: {"tlp_2_0": "amber"}},
    }
    common = {
        "created": "2026-02-03T10:00:00.000Z",
        "created_by_ref": "identity--1",
        "object_marking_refs": ["marking-definition--9"],
    }
    event = {"type": "incident", "id": "incident--1", "name": "x"} | common
    tie = {"type": "relationship", "source_ref": "incident--1", "target_ref": "location--1"}
    note = {
        "type": "note",
        "id": "note--1",
        "content": "a red lorry",
        "object_refs": ["location--1"],
    } | common
    path = tmp_path / "b.json"
    path.write_text(json.dumps(bundle(place, maker, mark, event, tie, note, {"type": "malware"})))
    made = exchange_records(path, tmp_path / "s.csv")
    assert (made.rows, made.left_out) == (1, 1)
    alike = {"time": "2026-02-03", "lon": "-99.5", "lat": "27.5", "owner": "Guard", "tlp": "amber"}
    assert rows_of(made.path) == [alike]
    assert rows_of(exchange_records(path, tmp_path / "t.csv", tips=True).path) == [
        alike | {"text": "a red lorry"}
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"type": "x"}, "FeatureCollection"),
        ({"type": "bundle"}, "a bundle of STIX 2.1"),
        (
            bundle(
                {
                    "type": "incident",
                    "object_marking_refs": [
                        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
                    ],
                }
            ),
            "none of TLP 2.0",
        ),
        (
            bundle({"type": "incident", "object_marking_refs": list(MARKING_IDS.values())[:2]}),
            "one marking",
        ),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    (tmp_path / "b.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        exchange_records(tmp_path / "b.json", tmp_path / "s.csv")
    assert not (tmp_path / "s.csv").exists()


def test_unknown_markings_and_places_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("time,lon,lat,tlp\n2026,200,x,white\n", encoding="utf-8")
    outcome = run(capsys, monkeypatch, "exchange", source, tmp_path / "o.json")
    assert outcome.code == 1
    assert all(word in outcome.err for word in ("'white'", "lon '200'", "lat 'x'"))
    source.write_text("time,lon,lat,tlp\n2026,20,2,TLP:GREEN\n", encoding="utf-8")
    assert (
        run(capsys, monkeypatch, "exchange", source, tmp_path / "o.json", "--json").objects[0][
            "rows"
        ]
        == 1
    )
    assert run(capsys, monkeypatch, "exchange", source, tmp_path / "o.json").code == 1
    assert run(capsys, monkeypatch, "exchange", source, tmp_path / "o.xml").code == 1
    assert run(capsys, monkeypatch, "exchange", source, tmp_path / "p.csv").code == 0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2024-13-01,10.1,50.1", "row 1, time: found '2024-13-01'"),
        ("2024-01-01,26.2,-98.2", "lat '-98.2'.*Exchange lon and lat"),
        ("2024-01-01,500100,2911403", "lat '2911403'.*EPSG:4326"),
    ],
)
def test_what_others_would_take_for_something_else_is_refused(
    tmp_path: Path, row: str, said: str
) -> None:
    (tmp_path / "a.csv").write_text(f"time,lon,lat\n{row}\n", encoding="utf-8")
    with pytest.raises(InputError, match=said):
        exchange_records(tmp_path / "a.csv", tmp_path / "b.json")
    assert not (tmp_path / "b.json").exists()


def test_columns_that_are_not_taken_over_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "time,lon,lat,driver_name\n2024-01-01,10.1,50.1,Ann\n", encoding="utf-8"
    )
    made = exchange_records(tmp_path / "a.csv", tmp_path / "b.geojson")
    assert made.remarks == ("a.csv: columns that nothing reads: 'driver_name'",)
    assert "Ann" not in (tmp_path / "b.geojson").read_text(encoding="utf-8")


def test_the_data_dictionary_has_every_field() -> None:
    from tests.test_docs import DOCS

    page = (DOCS / "sharing.md").read_text(encoding="utf-8").partition("## Data dictionary")[2]
    for field in FIELDS:
        assert (
            f"| `{field.name}` | {' and '.join(f'{kind}s' for kind in field.kinds)} |"
            f" {field.meaning} | {field.stix} |" in page
        )


def test_half_a_character_is_taken_out_of_texts(tmp_path: Path) -> None:
    tip = {
        "type": "Feature",
        "geometry": None,
        "properties": {"time": "2024-03-01", "text": "\ud800 lorries"},
    }
    (tmp_path / "tips.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [tip]})
    )
    exchange_records(tmp_path / "tips.geojson", tmp_path / "tips.csv", tips=True)
    assert "lorries" in (tmp_path / "tips.csv").read_text(encoding="utf-8")


def test_fields_of_another_kind_in_a_bundle_are_told_and_no_traceback(tmp_path: Path) -> None:
    note = {
        "type": "note",
        "id": "note--1",
        "object_refs": 7,
        "object_marking_refs": [{}],
        "extensions": {OWN: {"drug": []}},
    }
    (tmp_path / "b.json").write_text(
        json.dumps({"type": "bundle", "objects": [note, {"type": ["note"]}]})
    )
    with pytest.raises(InputError, match="a list of ids"):
        exchange_records(tmp_path / "b.json", tmp_path / "tips.csv", tips=True)
