"""Releases: nothing of a withheld row in any file, markings, totals, the differencing
of neighbouring records.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.records.marking import MARKINGS, Marking, strictest
from optimizer.region import load_region, save_region
from optimizer.scenario.check.check import check_scenario
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.model import file_fields
from optimizer.sharing.ledger.store import LedgerFolder, read_entry
from optimizer.sharing.release import FILES_OF_SCENARIO, release_to
from tests.command import Outcome
from tests.examples import examples
from tests.output_cases import csv_rows
from tests.tiny import SCENARIO, write_scenario

AGENCIES = ("police", "customs", "guard")
HEADER = "time,lon,lat,area,drug,quantity,owner,tlp,released_to"


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, str]]:
    """Draw rows whose every value stands in one row alone, so that it can be found."""
    rows = []
    for k in range(draw(st.integers(0, 30))):
        area = draw(st.booleans())
        rows.append(
            {
                "time": f"20{k % 3 + 20}-0{k % 9 + 1}-1{k % 10}",
                "lon": "" if area else f"10.{70_001 + 37 * k}",
                "lat": "" if area else f"50.{60_003 + 41 * k}",
                "area": f"district {chr(65 + k % 26)}{chr(97 + k // 26)}x" if area else "",
                "drug": f"substance-{8000 + k}",
                "quantity": f"{9000 + k}.{k:02d}7",
                "owner": draw(st.sampled_from(AGENCIES)),
                "tlp": draw(st.sampled_from([*MARKINGS, "TLP:AMBER", "Green"])),
                "released_to": draw(st.sampled_from(["", "customs", "guard police", "police"])),
            }
        )
    return rows


def written(folder: Path, rows: list[dict[str, str]], name: str = "record.csv") -> Path:
    with (folder / name).open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, HEADER.split(","))
        table.writeheader()
        table.writerows(rows)
    return folder / name


def seen(row: dict[str, str], agency: str) -> bool:
    mark = row["tlp"].casefold().removeprefix("tlp:")
    return (
        agency == row["owner"] or agency in row["released_to"].split() or mark in {"green", "clear"}
    )


@examples(60)
@given(records(), st.sampled_from(AGENCIES))
def test_no_value_name_or_place_of_a_withheld_row_is_in_any_file(
    rows: list[dict[str, str]], agency: str
) -> None:
    extra = {"owner": agency, "tlp": "green", "time": "2020", "lon": "1", "lat": "1"}
    with tempfile.TemporaryDirectory() as place:
        record = written(Path(place), [*rows, dict.fromkeys(HEADER.split(","), "") | extra])
        made = release_to(record, agency, Path(place) / "out")
        everything = b"\n".join(content_of(made.folder).values()).decode()
        for row in rows:
            values = [row[name] for name in ("lon", "lat", "area", "drug", "quantity") if row[name]]
            assert [value in everything for value in values] == [seen(row, agency)] * len(values)
        assert made.withheld == sum(not seen(row, agency) for row in rows)
        assert made.rows == len(rows) + 1 - made.withheld


@examples(30)
@given(records(), st.sampled_from(AGENCIES), st.data())
def test_neighbouring_records_give_the_same_files(
    rows: list[dict[str, str]], agency: str, data: st.DataObject
) -> None:
    """One withheld row more, or another in its place, changes no byte, unless it makes
    a total reach the next multiple.
    """
    row = data.draw(
        records()
        .map(lambda drawn: drawn[-1] if drawn else None)
        .filter(lambda one: one is not None)
    )
    assert row is not None
    row |= {
        "owner": next(name for name in AGENCIES if name != agency),
        "released_to": "",
        "tlp": "red",
    }
    own = dict.fromkeys(HEADER.split(","), "") | {
        "owner": agency,
        "tlp": "clear",
        "time": "2020",
        "lon": "1",
        "lat": "1",
    }
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        outs = []
        for place, record in ((one, [own, *rows]), (other, [own, *rows, row])):
            outs.append(
                content_of(
                    release_to(written(Path(place), record), agency, Path(place) / "out").folder
                )
            )
        assert outs[0] == outs[1]


def test_totals_come_in_steps_and_only_of_rows_that_may_be_counted(tmp_path: Path) -> None:
    def row(k: int, tlp: str) -> dict[str, str]:
        place = {"time": f"2024-01-{k % 28 + 1:02d}", "lon": f"{-99.5 + k / 1000}", "lat": "27.5"}
        return dict.fromkeys(HEADER.split(","), "") | place | {"owner": "police", "tlp": tlp}

    def totals(rows: list[dict[str, str]]) -> list[list[str]]:
        mine = row(0, "clear") | {"owner": "customs", "lon": "1"}
        release_to(written(tmp_path, [mine, *rows]), "customs", tmp_path / "out", minimum=10)
        file = tmp_path / "out" / "aggregates.csv"
        return list(csv.reader(file.read_text().splitlines()))[1:] if file.exists() else []

    assert totals([row(k, "amber") for k in range(9)]) == []
    for count, least in ((10, "10"), (19, "10"), (20, "20")):
        assert totals([row(k, "amber") for k in range(count)]) == [
            ["cell -100 to -99, 27 to 28", "2024", least, str(int(least) + 10), "amber"]
        ]
    assert totals([row(k, "amber+strict") for k in range(40)]) == []
    assert totals([row(k, "red") for k in range(40)]) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tlp": "white"}, "'white'"),
        ({"tlp": "grene"}, "Did you mean 'green'?"),
        ({"tlp": ""}, "no marking"),
        ({"owner": ""}, "no owner"),
    ],
)
def test_nothing_is_released_on_a_guess(
    command: Callable[..., Outcome], tmp_path: Path, change: dict[str, str], message: str
) -> None:
    row = dict.fromkeys(HEADER.split(","), "") | {
        "time": "2024",
        "lon": "1",
        "lat": "1",
        "owner": "police",
        "tlp": "red",
    }
    record = written(tmp_path, [row, row | change])
    outcome = command("release", record, "--to", "police", "--out", tmp_path / "out")
    assert outcome.code == 1
    assert message in outcome.err
    assert "line 3" in outcome.err
    assert not (tmp_path / "out").exists()


def test_an_agency_that_is_named_nowhere_is_refused(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    row = dict.fromkeys(HEADER.split(","), "") | {
        "time": "2024",
        "lon": "1",
        "lat": "1",
        "owner": "police",
        "tlp": "clear",
    }
    record = written(tmp_path, [row])
    outcome = command("release", record, "--to", "polise", "--out", tmp_path / "out")
    assert (outcome.code, "Did you mean 'police'?" in outcome.err) == (1, True)
    assert (
        command("release", record, "--to", "police", "--out", tmp_path / "out", "--minimum", 1).code
        == 2
    )


CUSTOMS = """[[agencies]]
id = "customs"

[[resources]]
name = "dogs"
agency = "customs"
budget = 1

"""
CUSTOMS_POST = """
[[kinds]]
id = "dog"
survival = 0.6
uses = { dogs = 1 }

[[site]]
id = "customs-post"
lon = 10.3
lat = 50.1
agency = "customs"
kinds = ["dog"]
"""


def shared(folder: Path, more: str = "") -> Path:
    """Write a scenario of two agencies, whose record has rows of both."""
    folder.mkdir(exist_ok=True)
    text = SCENARIO.replace(
        'source = "made up"\n', 'source = "made up"\nowner = "police"\ntlp = "amber"\n', 1
    )
    text = text.replace('unit = "hours"\n', 'unit = "hours"\nowner = "police"\ntlp = "green"\n', 1)
    text = text.replace("[[resources]]", CUSTOMS + "[[resources]]", 1) + CUSTOMS_POST
    scenario = write_scenario(folder, text)
    (folder / "seizures.csv").write_text(
        "time,lon,lat,drug,quantity,owner,tlp\n"
        "2024-03-01,10.0,50.05,cocaine,2.5,customs,\n2024-04-01,10.4,50.05,cocaine,1.5,,green\n"
        "2024-05-01,10.4,50.05,cocaine,1.0,,\n2024-06-01,10.2,50.21,heroin,7.125,,\n" + more,
        encoding="utf-8",
    )
    return scenario


@pytest.mark.slow
def test_the_scenario_of_an_agency_plans_on_what_it_may_see(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = shared(tmp_path / "a")
    with scenario.open("a", encoding="utf-8") as stream:
        stream.write(
            '\n[records]\ntips = "tips.csv"\n\n[ledger]\nfolder = "log"\nagency = "police"\n'
        )
    (tmp_path / "a" / "tips.csv").write_text(
        "time,lon,lat,text\n2024-03,10.4,50.05,lorries\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match="customz"):
        release_to(scenario, "customz", tmp_path / "none")
    assert not (tmp_path / "a" / "log").exists(), "nothing to record begins no ledger"
    assert (
        command(
            "plan", scenario, "--out", tmp_path / "plan", "--method", "greedy", "--no-report"
        ).code
        == 0
    )
    outcome = command(
        "release",
        scenario,
        "--to",
        "customs",
        "--out",
        tmp_path / "out",
        "--plan",
        tmp_path / "plan",
        "--json",
    )
    assert outcome.code == 0, outcome.err
    (line,) = outcome.objects
    assert list(line)[:3] == ["rows", "withheld", "files"]
    assert (line["rows"], line["withheld"]) == (4, 2)
    assert any(note.startswith("Tips are not released") for note in line["notes"])
    assert {
        "seizures.csv",
        "effort.csv",
        "scenario.toml",
        "risk.csv",
        "plan.geojson",
        "release.json",
    } <= set(line["files"])
    compiled = compile_scenario(tmp_path / "out" / "scenario.toml")
    assert {option.agency for option in compiled.instance.options} == {"customs"}
    assert compiled.records is not None
    assert len(compiled.records) == 2
    everything = b"".join(
        content for name, content in content_of(tmp_path / "out").items() if name != "network.gpkg"
    ).decode()
    for secret in ("7.125", "heroin", "North road", "West of the junction", "teams", "lorries"):
        assert secret not in everything
    risk = csv_rows(tmp_path / "out" / "risk.csv")
    assert {(row["owner"], row["tlp"]) for row in risk} == {("customs police", "amber")}
    last = read_entry(LedgerFolder.opened(tmp_path / "a" / "log").lines()[-1])
    assert last is not None
    assert (last.kind, last.facts) == ("release", {"to": "customs", "rows": 4})


WEEK = """
[roster]
time_zone = "Europe/Berlin"
people = "teams"

[[shifts]]
id = "early"
start = "06:00"
hours = 8

[[bases]]
id = "barracks"
lon = 10.4
lat = 50.1
agency = "police"

[[crews]]
id = "police-crew"
agency = "police"
base = "barracks"
"""
CUSTOMS_CREW = """
[[crews]]
id = "customs-crew"
agency = "customs"
base = "barracks"
can = ["dog", "flyer"]
"""
DRONE = """
[[kinds]]
id = "flyer"
label = "Nightingale"
survival = 0.123
shifts = ["early"]
"""


@pytest.mark.parametrize("crew", ["", CUSTOMS_CREW])
def test_the_scenario_of_an_agency_is_whole(tmp_path: Path, crew: str) -> None:
    """Shifts go out with roster and crews or not at all, and a kind that only another
    agency's sites offer does not go out.
    """
    scenario = shared(tmp_path / "a")
    sites = (
        (tmp_path / "a" / "sites.csv")
        .read_text()
        .replace("police,,800,post", "police,,800,post flyer")
    )
    (tmp_path / "a" / "sites.csv").write_text(sites)
    pursuit = (
        'id = "customs"\njurisdiction = { areas = ["south"], pursuit_km = 5, pursuit_kinds ='
        ' ["flyer"] }\n'
    )
    text = (
        scenario.read_text()
        .replace('id = "customs"\n', pursuit, 1)
        .replace("uses = { dogs = 1 }", 'uses = { dogs = 1 }\nshifts = ["early"]')
    )
    scenario.write_text(text + WEEK + crew + DRONE)
    assert not check_scenario(scenario).problems
    release_to(scenario, "customs", tmp_path / "out", risk=False)
    found = check_scenario(tmp_path / "out" / "scenario.toml")
    assert not found.problems
    assert found.scenario is not None
    assert [kind.id for kind in found.scenario.kinds] == ["dog"]
    assert (found.scenario.roster is not None, len(found.scenario.shifts)) == (
        bool(crew),
        int(bool(crew)),
    )
    assert [(one.id, one.can) for one in found.scenario.crews] == (
        [("customs-crew", ["dog"])] if crew else []
    )
    written = (tmp_path / "out" / "scenario.toml").read_text()
    assert not any(
        secret in written for secret in ("flyer", "Nightingale", "0.123", "police-crew", "teams")
    )


@pytest.mark.slow
def test_withheld_seizures_cannot_be_read_back_from_a_risk_map(tmp_path: Path) -> None:
    """Differencing: records with and without withheld seizures, at any place, give
    releases of the same bytes, the map included.
    """
    places = ["10.0,50.05", "10.2,50.05", "10.1,50.1"]
    more = [
        "",
        *(
            f"2024-07-0{k + 1},{place},fentanyl,{k}.5,police,amber\n"
            for k, place in enumerate(places)
        ),
    ]
    found = []
    for k, text in enumerate(more):
        scenario = shared(tmp_path / str(k), text)
        found.append(content_of(release_to(scenario, "customs", tmp_path / f"out-{k}").folder))
    assert "risk.csv" in found[0]
    for each in found[1:]:
        assert [name for name in found[0] if found[0][name] != each[name]] == []


def test_markings_are_ordered() -> None:
    assert strictest(["clear", "amber", "green"]) == "amber"
    assert strictest([]) == "clear"
    red = Marking("a", "red", frozenset({"b"}))
    assert [red.seen_by(name) for name in "abc"] == [True, True, False]
    assert not red.counted
    with pytest.raises(InputError):
        release_to(Path("nowhere.csv"), "a", Path("out"))


def test_geojson_and_effort_are_released(command: Callable[..., Outcome], tmp_path: Path) -> None:
    marks: dict[str, Any] = {"owner": "police", "tlp": "green"}
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [1.5, 2.5]},
        "properties": {"time": "2024"} | marks,
    }
    record = tmp_path / "record.geojson"
    record.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert command("release", record, "--to", "police", "--out", tmp_path / "a").code == 0
    assert "1.5,2.5,police,green" in (tmp_path / "a" / "seizures.csv").read_text()
    effort = tmp_path / "effort.csv"
    effort.write_text(
        "time;lon;lat;amount;owner;tlp\n2024;1,5;2,5;3;police;clear\n", encoding="utf-8"
    )
    (line,) = command(
        "release", effort, "--to", "police", "--out", tmp_path / "b", "--json"
    ).objects
    assert line["files"] == ["effort.csv", "records.toml", "release.json"]


def test_every_file_that_a_scenario_names_goes_over_or_is_withheld(tmp_path: Path) -> None:
    """A new field that names a file must say where its content goes; the release of a
    scenario that names counts and translations is whole.
    """
    assert set(file_fields()) == set(FILES_OF_SCENARIO)
    folder = tmp_path / "a"
    scenario = shared(folder)
    text = scenario.read_text().replace(
        'name = "Tiny border"\n', 'name = "Tiny border"\ntranslations_file = "words.csv"\n', 1
    )
    text = text.replace('id = "dog"\n', 'id = "dog"\nlabel = "dog: a \\"team\\""\n', 1)
    scenario.write_text(text + '\n[traffic]\ncounts = "facts/counts.csv"\n')
    (folder / "words.csv").write_text(
        'term,es\ndogs,perros\n"dog: a ""team""",equipo canino\nteams,equipos\nPolice,Guardia\n'
    )
    (folder / "facts").mkdir()
    counts = "road,lon,lat,vehicles_a_day,note\n7,10.3,50.1,1234.5,secret of police\n"
    (folder / "facts" / "counts.csv").write_text(counts)
    region = load_region(folder / "network.gpkg")
    refs = np.full(region.network.n_arcs, "7", dtype=object)
    numbered = replace(region, network=replace(region.network, ref=refs))
    save_region(numbered, folder / "network.gpkg")
    assert not check_scenario(scenario).problems
    released = release_to(scenario, "customs", tmp_path / "out", risk=False)
    assert "traffic.csv" in released.files
    found = check_scenario(tmp_path / "out" / "scenario.toml")
    assert not found.problems
    assert found.scenario is not None
    assert found.counted is not None
    assert found.counted.counts.daily.tolist() == [1234.5]
    assert found.scenario.translations == {
        "es": {"dogs": "perros", 'dog: a "team"': "equipo canino"}
    }
    written = b"".join((tmp_path / "out" / name).read_bytes() for name in released.files)
    assert not any(word in written for word in (b"secret", b"equipos", b"Guardia"))
