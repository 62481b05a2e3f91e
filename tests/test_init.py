"""`init`: a folder that `check` and `plan` take as it stands, from any source, whatever
names the map has; or nothing at all.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from optimizer.base.errors import InputError
from optimizer.base.files.readwrite import toml_comment, toml_value
from optimizer.base.schema import validated
from optimizer.pipeline.check import check_scenario_file
from optimizer.pipeline.init import init_scenario, with_first_exposures
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.region import read_region, save_region
from optimizer.region.model import Region, RegionTerms
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.file.model import RegionModel, SitesModel
from optimizer.scenario.sites.options import road_class_of
from optimizer.scenario.sites.sites import crossing_sites
from tests.command import Outcome
from tests.output_cases import csv_rows
from tests.shared_data import DATA, needs
from tests.standin import EAST, NORTH, SOUTH, WEST, World, sample_world, serving
from tests.tiny import tiny_region

FILES = ["README.md", "effort.csv", "network.gpkg", "scenario.toml", "seizures.csv"]
HOSTILE = [
    'quote " and \\ and """',
    "'''\n[sites]\nroads = 5",
    "line\r\nbreak\x85and\u2028more",
    "\x00\x1b[31m\x7f",
    "`code` <script>alert(1)</script> | **x**",
    "\U0001f6a7 \u202edetour\u2066",
    "# comment",
    "{braces} {0} %s",
]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    save_region(tiny_region(), tmp_path / "tiny.gpkg")
    return tmp_path / "tiny.gpkg"


def source(**fields: Any) -> RegionModel:
    return validated(RegionModel, fields, "test")


def content(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "scenario.toml").read_text(encoding="utf-8"))


def renamed(region: Region, name: str) -> Region:
    places: dict[str, Any] = {
        kind: tuple(replace(place, name=name) for place in getattr(region, kind))
        for kind in ("crossings", "gateways", "settlements")
    }
    return replace(region, attribution=name, **places)


@pytest.mark.slow
@pytest.mark.report
def test_what_init_writes_is_checked_and_planned_as_it_stands(
    network: Path, tmp_path: Path, command: Callable[..., Outcome]
) -> None:
    folder = tmp_path / "mine"
    written = command("init", folder, "--network", network, "--json")
    assert written.code == 0, written.err
    (line,) = written.objects
    assert line["scenario"] == str(folder / "scenario.toml")
    assert line["files"] == sorted(item.name for item in folder.iterdir()) == FILES
    assert (line["region"]["crossings"], line["region"]["gateways"]) == (
        {"official": 2, "unofficial": 1},
        3,
    )
    checked = command("check", folder / "scenario.toml", "--json")
    (answer,) = checked.objects
    assert (checked.code, answer["ok"], answer["problems"]) == (0, True, [])
    (said,) = answer["warnings"]
    assert said.startswith("Vehicles through 3 of 3 gateways are assumed by the class of the road")
    assert {item["what"].split()[0] for item in answer["unused"]} <= {"region"}
    assert {option["kind"] for option in answer["used"]["options"]} == {"post", "camera"}
    planned = command(
        "plan",
        folder / "scenario.toml",
        "--out",
        tmp_path / "out",
        "--json",
        "--gap",
        "0.5",
        "--time-limit",
        "60",
    )
    assert planned.code == 0, planned.err
    assert planned.objects[-1]["upper"] < 1
    assert planned.objects[-1]["plan"]
    assert (tmp_path / "out" / "report.html").is_file()


def test_the_network_is_the_one_that_was_found(network: Path, tmp_path: Path) -> None:
    written = init_scenario(source(network=network), tmp_path / "mine")
    kept, found = read_region(tmp_path / "mine" / "network.gpkg"), tiny_region()
    assert (kept.crossings, kept.settlements) == (found.crossings, found.settlements)
    exposure = {
        "west-port": 4000,
        "east-port": 4000,
        "ford": 2,
    }  # vehicles a day by class of road, a tenth without a control
    assert {gateway.id: gateway.exposure for gateway in kept.gateways} == exposure
    assert content(tmp_path / "mine")["evaders"]["exposure"] == exposure
    assert (
        content(tmp_path / "mine")["bases"][0]["label"] == "north-city"
    )  # attracts most: thirty times the inhabitants, half an hour farther
    assert written.checked.ok
    assert {Path(file.file) for file in written.checked.files} == {
        tmp_path / "mine" / name for name in ("scenario.toml", "network.gpkg")
    }


def test_every_number_that_the_map_does_not_give_is_marked_as_assumed(
    network: Path, tmp_path: Path
) -> None:
    init_scenario(source(network=network), tmp_path / "mine")
    marked = ""
    for line in (tmp_path / "mine" / "scenario.toml").read_text(encoding="utf-8").splitlines():
        code, _, comment = line.partition("  #")
        if code.startswith("["):
            marked = comment
        name, _, value = code.partition(" = ")
        is_number = any(mark.isdigit() for mark in value)
        from_map = name in {
            "schema_version",
            "lon",
            "lat",
            "network",
            "most_slots",
        } or marked.strip().startswith("ASSUMED")
        if (
            is_number
            and not code.startswith("#")
            and not from_map
            and name not in {"gap", "time_limit"}
        ):
            assert "ASSUMED" in comment or "ASSUMED" in marked, line


def test_example_rows_never_count_and_rows_that_are_added_do(network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    init_scenario(source(network=network), folder)
    for name in ("seizures.csv", "effort.csv"):
        rows = csv_rows(folder / name)
        assert [row["example"] for row in rows] == ["yes"]
    path = folder / "scenario.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    first = lines.index("# [[records.seizures]]")
    last = lines.index(
        "[background]                                   # the chance of detection without the plan"
    )
    lines[first:last] = [line.removeprefix("#").removeprefix(" ") for line in lines[first:last]]
    path.write_text("\n".join(lines), encoding="utf-8")
    empty = check_scenario_file(path)
    assert [Path(problem.where).name for problem in empty.problems] == [
        "seizures.csv",
        "effort.csv",
    ]
    assert all("left out by where: example" in problem.found for problem in empty.problems)
    with (folder / "seizures.csv").open("a", encoding="utf-8") as table:
        table.write("2024-05-02,10.0,50.05,heroin,1,kg,2,\n")
    with (folder / "effort.csv").open("a", encoding="utf-8") as table:
        table.write("2024,10.0,50.05,30,\n")
    evidence = read_evidence(path)
    assert evidence.records is not None
    assert evidence.effort is not None
    assert evidence.records.count.tolist() == [2]
    assert evidence.effort.amount.tolist() == [30]
    assert [
        file.rows
        for file in check_scenario_file(path).files
        if file.what.startswith(("seizures", "effort"))
    ] == [
        1,
        1,
    ]


def test_names_of_the_map_stay_names(tmp_path: Path) -> None:
    shown = "".join(HOSTILE).replace("\x00", "")  # no layer can hold it
    save_region(renamed(tiny_region(), shown), tmp_path / "tiny.gpkg")
    init_scenario(source(network=tmp_path / "tiny.gpkg"), tmp_path / "mine")
    plain, found = tmp_path / "plain", content(tmp_path / "mine")
    save_region(tiny_region(), tmp_path / "tiny.gpkg")
    init_scenario(source(network=tmp_path / "tiny.gpkg"), plain)
    assert found["bases"][0].pop("label") == shown
    assert found["report"].pop("sources") == [shown]
    expected = content(plain)
    del expected["bases"][0]["label"], expected["report"]["sources"]
    assert found == expected
    text = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    region = tiny_region()
    assert (
        f"{len(region.settlements)}, {sum(place.domestic for place in region.settlements)} of them"
        " on the defended side" in text
    )
    assert len(text.splitlines()) == len(
        (plain / "README.md").read_text(encoding="utf-8").splitlines()
    )
    outside = re.sub(r"`[^`\n]*`", "", text.replace("\\`", ""))
    assert "alert(1)" in outside
    assert "<script>" not in outside  # escaped there; as code it is shown, not run


def test_kinds_of_gateways_of_a_network_stay_kinds(tmp_path: Path) -> None:
    region, kind = tiny_region(), "".join(HOSTILE).replace("\x00", "")
    gateways = (replace(region.gateways[0], kind=kind), *region.gateways[1:])
    save_region(replace(region, gateways=gateways), tmp_path / "tiny.gpkg")
    init_scenario(source(network=tmp_path / "tiny.gpkg"), tmp_path / "mine")
    assert content(tmp_path / "mine")["sites"]["roads"] == 40
    assert "<script>" not in (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", [*HOSTILE, "\ud800 alone", ""])
def test_toml_gives_a_text_back(text: str) -> None:
    expected = text.replace("\ud800", "\ufffd")
    read = tomllib.loads(
        f"{toml_comment(text)}\na = {toml_value({text: [text, 1, 0.5, True, float('inf')]})}\n"
    )
    assert read == {"a": {expected: [expected, 1, 0.5, True, float("inf")]}}


def extract(folder: Path, world: World | None = None) -> Path:
    return (world or sample_world()).save(folder / "sample.osm")


def test_an_extract_with_its_border_named(tmp_path: Path, command: Callable[..., Outcome]) -> None:
    done = command(
        "init",
        tmp_path / "mine",
        "--file",
        extract(tmp_path),
        "--border",
        "Testland",
        "--modes",
        "drive,track",
        "--json",
    )
    assert done.code == 0, done.err
    assert done.objects[0]["region"]["gateways"] >= 2
    scenario = content(tmp_path / "mine")
    assert scenario["name"] == "Testland"
    text = (tmp_path / "mine" / "scenario.toml").read_text(encoding="utf-8")
    again = [
        line.removeprefix("# ")
        for line in text.splitlines()
        if line.startswith(("# file", "# modes", "# border"))
    ][:3]
    assert tomllib.loads("\n".join(again)) == {
        "file": "../sample.osm",
        "modes": ["drive", "track"],
        "border": "Testland",
    }
    (tmp_path / "mine" / "scenario.toml").write_text(
        text.replace('network = "network.gpkg"', again[0] + "\n" + "\n".join(again[1:]))
    )
    # the lines make the same region
    assert check_scenario_file(tmp_path / "mine" / "scenario.toml").ok


def test_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.chdir(tmp_path)
    import osmnx

    with serving(sample_world()) as servers:
        monkeypatch.setattr(osmnx.settings, "overpass_url", servers.overpass_url)
        monkeypatch.setattr(osmnx.settings, "nominatim_url", servers.nominatim_url)
        written = init_scenario(source(bbox=(9.8, 44.9, 10.3, 45.2)), tmp_path / "mine")
    assert content(tmp_path / "mine")["name"].startswith("Box 9.8")
    assert any(warning.startswith("No border") for warning in written.warnings)


def test_no_border_is_said_everywhere(tmp_path: Path, command: Callable[..., Outcome]) -> None:
    save_region(replace(tiny_region(), border=None), tmp_path / "tiny.gpkg")
    done = command("init", tmp_path / "mine", "--network", tmp_path / "tiny.gpkg")
    assert done.code == 0
    assert "Warning: No border" in done.err
    assert "NO BORDER" in (tmp_path / "mine" / "scenario.toml").read_text(encoding="utf-8")
    assert "No border" in (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")


def bad_input(folder: Path) -> dict[str, tuple[RegionModel, str]]:
    """Return sources at fault, and words of the message."""
    save_region(replace(tiny_region(), gateways=()), folder / "closed.gpkg")
    save_region(replace(tiny_region(), settlements=()), folder / "empty.gpkg")
    return {
        "missing": (source(file=folder / "absent.osm.pbf"), "absent.osm.pbf"),
        "border": (source(file=extract(folder), border="Atlantis"), "Atlantis"),
        "closed": (source(network=folder / "closed.gpkg"), "gateway"),
        "empty": (source(network=folder / "empty.gpkg"), "settlement"),
    }


@pytest.mark.parametrize("fault", ["missing", "border", "closed", "empty"])
def test_a_source_at_fault_is_one_message_and_leaves_nothing(fault: str, tmp_path: Path) -> None:
    given, words = bad_input(tmp_path)[fault]
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=words) as raised:
        init_scenario(given, tmp_path / "mine")
    assert len(raised.value.problems) == 1
    assert ".new" not in str(raised.value)  # no temporary folder is named
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_with_anything_in_it_is_refused_and_left_alone(
    network: Path, tmp_path: Path, command: Callable[..., Outcome]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    assert command("init", folder, "--network", network).code == 0  # an empty one is taken
    (folder / "scenario.toml").write_text("mine", encoding="utf-8")
    again = command("init", folder, "--network", network)
    assert (again.code, again.out) == (1, "")
    assert "a new folder, or an empty one" in again.err
    assert (folder / "scenario.toml").read_text(encoding="utf-8") == "mine"
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert "found a file" in command("init", tmp_path / "file", "--network", network).err


def test_the_folder_one_stands_in_is_refused(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match="the folder you are in"):
        init_scenario(source(network=network), ".")
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("sources", [(), ("--network", "a.gpkg", "--bbox", "1,2,3,4")])
def test_exactly_one_source(
    sources: tuple[str, ...], tmp_path: Path, command: Callable[..., Outcome]
) -> None:
    done = command("init", tmp_path / "mine", *sources)
    assert done.code == 2
    assert "exactly one of" in done.err


@pytest.mark.slow
@needs("osm", "liechtenstein-2024-03.osm.pbf")
def test_a_real_country(tmp_path: Path, command: Callable[..., Outcome]) -> None:
    done = command(
        "init",
        tmp_path / "mine",
        "--file",
        DATA / "osm" / "liechtenstein-2024-03.osm.pbf",
        "--border",
        "Liechtenstein",
        "--json",
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["ok"]
    assert content(tmp_path / "mine")["teams"][0]["number"] == 2


def test_carriageways_of_one_road_share_its_exposure_and_a_valley_sends_no_more_than_its_people() -> (
    None
):
    """Two carriageways 100 m apart, a road of another name beside them, and a main road
    into a hamlet that leads nowhere else.
    """
    places = [
        (10.0, 50.1),
        (10.0, 50.0),
        (10.001, 50.0),
        (10.002, 50.0),
        (10.4, 50.0),
        (10.4, 49.9),
    ]
    pairs = [
        (1, 0, "motorway", "A 1"),
        (2, 0, "motorway_link", "A 1"),
        (3, 0, "tertiary", "Lane"),
        (4, 0, "secondary", "Valley"),
    ]
    pairs.append((5, 4, "secondary", "Valley"))
    lon, lat = np.array(places).T
    tail, head = np.array(
        [(a, b) for a, b, _, _ in pairs] + [(b, a) for a, b, _, _ in pairs], dtype=np.int32
    ).T
    network = Network.from_arrays(
        tail,
        head,
        np.full(tail.size, 1000.0),
        node_id=np.arange(6),
        lon=lon,
        lat=lat,
        road_class=np.array([row[2] for row in pairs] * 2),
        name=np.array([row[3] for row in pairs] * 2),
        segment=np.tile(np.arange(len(pairs)), 2),
    )
    crossings = tuple(Crossing(f"x{n}", n, *places[n], True, "primary", "") for n in (1, 2, 3, 4))
    gateways = tuple(Gateway(f"x{n}", n, *places[n], "port") for n in (1, 2, 3, 4))
    home, hamlet = (
        Settlement(name, node, *places[node], name, people, domestic=domestic)
        for name, node, people, domestic in (("city", 0, 9000.0, True), ("hamlet", 5, 80.0, False))
    )
    border = shapely.LineString([(9.8, 50.0), (10.6, 50.0)])
    region = with_first_exposures(
        Region(network, border, crossings, gateways, (home, hamlet), (), "made up")
    )
    assert [gateway.exposure for gateway in region.gateways] == [7500, 7500, 600, 80]
    assert with_first_exposures(region) is region


def test_lanes_through_a_port_take_the_exposure_of_the_road_behind_them() -> None:
    """Two service roads of 300 m lead from the border to a trunk road; without a port
    they are a service road; beyond 2 km too.
    """
    places = [(10.0, 50.0), (10.0, 49.99), (10.0, 49.98), (10.0, 49.9)]
    for kind, lane_m, expected in (
        ("port", 300.0, 8000.0),
        ("unofficial", 300.0, 50.0),
        ("port", 1500.0, 50.0),
    ):
        lon, lat = np.array(places).T
        tail, head = np.array([(0, 1), (1, 2), (2, 3), (1, 0), (2, 1), (3, 2)], dtype=np.int32).T
        network = Network.from_arrays(
            tail,
            head,
            np.tile([lane_m, lane_m, 8000.0], 2),
            node_id=np.arange(4),
            lon=lon,
            lat=lat,
            road_class=np.tile(["service", "service", "trunk"], 2),
            segment=np.tile(np.arange(3), 2),
        )
        crossing = Crossing("x", 0, *places[0], kind == "port", "service", "")
        region = Region(
            network,
            shapely.LineString([(9.8, 50.0), (10.6, 50.0)]),
            (crossing,),
            (Gateway("x", 0, *places[0], kind),),
            (Settlement("city", 3, *places[3], "city", 9000.0, domestic=True),),
            (),
            "made up",
        )
        assert [gateway.exposure for gateway in with_first_exposures(region).gateways] == [expected]
        (site,) = crossing_sites(SitesModel(crossings="all"), region, [3])
        assert (site.segment, road_class_of(site, network)) == (
            0,
            "trunk" if expected == 8000 else "service",
        )


@pytest.mark.parametrize("inland", ["primary", "unclassified"])
def test_a_crossing_without_control_is_worth_the_lesser_class_of_its_two_sides(inland: str) -> None:
    """Editions of a map class a road differently on the two sides of a border; what
    passes must drive both.
    """
    places = [(10.0, 50.1), (10.0, 50.0), (10.0, 49.9)]
    lon, lat = np.array(places).T
    tail, head = np.array([(0, 1), (1, 2), (1, 0), (2, 1)], dtype=np.int32).T
    network = Network.from_arrays(
        tail,
        head,
        np.full(4, 9000.0),
        node_id=np.arange(3),
        lon=lon,
        lat=lat,
        road_class=np.tile([inland, "unclassified"], 2),
        segment=np.tile(np.arange(2), 2),
    )
    region = Region(
        network,
        shapely.LineString([(9.8, 50.0), (10.6, 50.0)]),
        (Crossing("x", 1, *places[1], False, inland, ""),),
        (Gateway("x", 1, *places[1], "unofficial"),),
        (Settlement("city", 0, *places[0], "city", 9000.0, domestic=True),),
        (),
        "made up",
    )
    assert [gateway.exposure for gateway in with_first_exposures(region).gateways] == [200]


def small_country() -> World:
    """Return a country with two places, in an extract with ten times as much road abroad;
    one road weaves over its border three times.
    """
    world = World()
    corners = [(WEST, SOUTH), (EAST, SOUTH), (EAST, NORTH), (WEST, NORTH)]
    world.line(900, [*corners, corners[0]], boundary="administrative")
    world.boundary(9000, [900], "Testland")
    weaving = [(9.9, 45.05), (10.002, 45.05), (9.998, 45.052), (10.002, 45.054), (10.05, 45.05)]
    world.line(100, weaving, highway="primary", name="Weaving Road")
    world.line(101, [(10.05, 45.05), (10.05, 45.12)], highway="primary", name="North Road")
    world.line(102, [(10.05, 45.05), (10.06, 45.055)], highway="residential", name="Lane")
    for number in range(20):
        ends = [(9.9, 45.05 + number / 500), (9.9, 45.052 + number / 500)]
        world.line(200 + number, [*ends, (9.89, ends[0][1])], highway="residential")
    world.node(600, 10.05, 45.05, place="town", name="Home")
    world.node(601, 10.06, 45.055, place="village", name="Little Home")
    world.node(602, 9.9, 45.06, place="city", name="Abroad")
    return world


def test_a_small_country_with_more_road_abroad_gets_teams_and_a_weaving_road_counts_once(
    tmp_path: Path, command: Callable[..., Outcome]
) -> None:
    extract = small_country().save(tmp_path / "world.osm")
    done = command("init", tmp_path / "mine", "--file", extract, "--border", "Testland")
    assert done.code == 0, done.err
    made = content(tmp_path / "mine")
    assert made["bases"][0]["label"] == "Home"
    assert made["teams"][0]["number"] == 2
    exposure = made["evaders"]["exposure"]
    assert exposure == {"w100-1": 4000.0, "w101-1": 4000.0}  # the first from abroad
    assert (
        "2\N{NO-BREAK SPACE}crossings within 3 km of another crossing of the same road" in done.err
    )
    assert "same_road_within_m = 0" in done.err
    apart = read_region(extract, terms=RegionTerms(same_road_within_m=0))
    assert [gateway.id for gateway in apart.gateways] == ["w100-1", "w100-2", "w100-3", "w101-1"]
    near = read_region(extract, terms=RegionTerms(same_road_within_m=10))
    assert len(near.gateways) == 4


def test_lanes_side_by_side_stay_gateways_of_their_own(tmp_path: Path) -> None:
    world = small_country()
    for number, south in ((300, 45.02), (301, 45.0202)):
        world.line(
            number,
            [(9.9, 45.05), (9.99, south), (10.01, south), (10.05, 45.05)],
            highway="trunk",
            name="Lanes",
            oneway="yes",
        )
    found = read_region(world.save(tmp_path / "world.osm"))
    assert {"w300-1", "w301-1"} <= {gateway.id for gateway in found.gateways}


def test_gateways_to_count_first_are_those_of_most_assumed_exposure(tmp_path: Path) -> None:
    extract = small_country().save(tmp_path / "world.osm")
    folder = tmp_path / "mine"
    said = init_scenario(source(file=extract, border="Testland"), folder).checked.warnings
    (words,) = [text for text in said if "assumed by the class" in text]
    assert words.startswith("Vehicles through 2 of 2 gateways")
    assert (
        "Count these first, which carry 100\N{NO-BREAK SPACE}% of it: Weaving Road, North Road."
        in words
    )
    path = folder / "scenario.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"w100-1" = 4000.0', '"w100-1" = 12000'), encoding="utf-8")
    (words,) = [w for w in check_scenario_file(path).warnings if "assumed by the class" in w]
    assert "1 of 2 gateways" in words
    assert "25\N{NO-BREAK SPACE}% of it: North Road." in words
    path.write_text(
        path.read_text(encoding="utf-8").replace('"w101-1" = 4000.0', '"w101-1" = 3000'),
        encoding="utf-8",
    )
    assert not [w for w in check_scenario_file(path).warnings if "assumed by the class" in w]
