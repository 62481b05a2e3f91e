"""The Rio Grande on real roads: the files are what the tables build, and roads, ports,
counts and checkpoints are those of their sources.
"""

from __future__ import annotations

import math
import shutil
import tomllib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from instances import build_scenario as build
from instances import take_counts, take_roads
from instances.borders import read_border
from optimizer.base.errors import InputError
from optimizer.pipeline import check_scenario_file
from optimizer.problem.network.network import Network
from optimizer.region import Region
from tests.border_cases import (
    assert_made_of_facts,
    assert_numbers_have_their_length,
    changed_facts,
    land_seizures,
    ways_between,
)
from tests.output_cases import csv_rows
from tests.shared_data import DATA, needs

FOLDER = Path(__file__).parents[1] / "instances" / "rio-grande-roads"
FACTS = FOLDER / "facts"
BORDER = read_border(FOLDER)
SECTORS = {
    "EL PASO SECTOR",
    "BIG BEND SECTOR",
    "DEL RIO SECTOR",
    "LAREDO SECTOR",
    "RIO GRANDE VALLEY SECTOR",
}
OFFICES = {"EL PASO FIELD OFFICE", "LAREDO FIELD OFFICE"}
VEHICLES = ("passenger_vehicles", "trucks", "buses")
MILE_KM = 1.609344


@pytest.fixture(scope="module")
def made() -> build.Made:
    return build.build(build.read_facts(BORDER))


@pytest.fixture(scope="module")
def region() -> Region:
    return build.region_of(FOLDER)


@pytest.fixture(scope="module")
def network(region: Region) -> Network:
    return region.network


def table(name: str) -> list[dict[str, str]]:
    return csv_rows(FACTS / f"{name}.csv")


def place(text: str) -> tuple[float, float]:
    lon, lat = text.split()
    return float(lon), float(lat)


def kilometres(one: tuple[float, float], two: tuple[float, float]) -> float:
    east = math.cos(math.radians((one[1] + two[1]) / 2))
    return 111.195 * math.hypot((one[0] - two[0]) * east, one[1] - two[1])


@pytest.mark.slow
def test_committed_files_are_what_the_tables_build(made: build.Made) -> None:
    assert_made_of_facts(made, FOLDER)


@pytest.mark.slow
def test_the_network_is_as_large_as_real_roads_and_hangs_together(
    region: Region, network: Network
) -> None:
    assert 10_000 <= network.n_nodes <= 25_000
    assert len(set(network.weak_component())) == 1
    time = network.time_graph().distances([gateway.node for gateway in region.gateways])
    assert np.isfinite(time[:, [each.node for each in region.settlements]]).all()


@pytest.mark.slow
def test_known_distances_come_out_within_two_percent_on_average(network: Network) -> None:
    rows = table("known_distances")
    assert len(rows) == 21
    pairs = [(row["from_place"], row["to_place"]) for row in rows]
    miles = np.array([float(row["miles"]) for row in rows])
    found = np.array(ways_between(network, pairs, np.ones(network.n_arcs, dtype=bool))) / MILE_KM
    error = np.abs(found / miles - 1)
    assert error.mean() <= 0.02
    assert error.max() <= 0.07


@pytest.mark.slow
def test_distances_drawn_from_the_roads_come_out_within_one_percent(network: Network) -> None:
    rows = table("distances")
    assert len(rows) == 30
    inland = network.way >= 200  # the drawn ways stay in their country: without ports and fords
    found = ways_between(network, [(row["from"], row["to"]) for row in rows], inland)
    assert found == pytest.approx([float(row["km"]) for row in rows], rel=0.01)


def test_every_road_number_has_its_length_in_the_network(network: Network) -> None:
    assert len(assert_numbers_have_their_length(network, table("roads"))) > 3500


@pytest.mark.slow
@needs("roads")
def test_the_tables_hold_every_number_and_kilometre_of_the_files() -> None:
    source = take_roads.read_source(DATA / "roads", BORDER.roads)
    expected: dict[tuple[str, str], float] = defaultdict(float)
    found: dict[tuple[str, str], float] = defaultdict(float)
    for edge in source.edges:
        for number in edge.numbers:
            expected[number, edge.state] += edge.km
    for row in table("roads"):
        for number in filter(None, row["numbers"].split(";")):
            found[number, row["state"]] += float(row["km"])
    assert set(found) == set(expected)
    for key, km in expected.items():
        assert found[key] == pytest.approx(km, abs=0.05), key
    edges = csv_rows(DATA / "roads" / "tx-mx-roads-edges.csv")
    texas = sum(float(row["km"]) for row in edges if row["region"] == "TX")
    taken = sum(float(row["km"]) for row in table("roads") if row["state"] == "TX")
    # a few roads on islands and in parks hang together with nothing
    assert taken == pytest.approx(texas, rel=0.005)


def test_every_port_is_a_gateway_within_two_kilometres_of_its_true_place(region: Region) -> None:
    gateways = {gateway.id: gateway for gateway in region.gateways}
    ports = table("ports")
    assert len(ports) == 31
    for row in ports:
        gateway = gateways[f"w{row['number']}-1"]
        assert gateway.kind == "port"
        assert gateway.name == row["name"]
        assert kilometres((gateway.lon, gateway.lat), (float(row["lon"]), float(row["lat"]))) <= 2
    assert sum(gateway.kind == "port" for gateway in gateways.values()) == len(ports)


@needs("cbp")
def test_ports_are_the_road_crossings_of_the_compiled_list() -> None:
    shared = {
        row["Border Crossing Name"]: row
        for row in csv_rows(DATA / "cbp" / "tx-mx-crossing-coordinates.csv")
    }
    ports = {
        row["name"]: row
        for row in table("ports")
        if row["id"] not in {"port-santa-teresa", "port-columbus"}
    }
    assert set(ports) == {name for name in shared if "Rail" not in name}
    for name, row in ports.items():
        assert (float(row["lon"]), float(row["lat"])) == (
            float(shared[name]["Lon"]),
            float(shared[name]["Lat"]),
        )


def test_fords_lie_on_the_border_and_near_the_river_line(region: Region) -> None:
    fords = [gateway for gateway in region.gateways if gateway.kind == "unofficial"]
    assert len(fords) == len(table("reaches")) == 40
    river = shapely.geometry.shape(build.read_facts(BORDER).line["features"][0]["geometry"])
    points = shapely.points([(gateway.lon, gateway.lat) for gateway in fords])
    assert shapely.distance(region.border, points).max() < 1e-6
    assert shapely.distance(river, points).max() * 111 <= 1


def test_halves_of_ports_and_fords_take_the_time_that_is_assumed(network: Network) -> None:
    for road_class, longest, shortest in (("service", 17, 10), ("path", 12, 1.5)):
        minutes = network.time_s[network.road_class == road_class] / 60
        assert minutes.size
        assert minutes.max() <= longest
        assert minutes.min() >= shortest
        assert np.median(minutes) == pytest.approx(
            {"service": 15, "path": 10}[road_class], rel=0.05
        )


@pytest.mark.parametrize(
    "name",
    [
        "more_roads",
        "classes",
        "ports",
        "reaches",
        "destinations",
        "checkpoints",
        "wider_roads",
        "known_distances",
        "effort",
        "traffic",
    ],
)
def test_every_row_names_its_source(name: str) -> None:
    assert all(row["source"] for row in table(name))


@pytest.mark.slow
def test_checkpoints_stand_on_their_road_and_watch_the_way_inland(made: build.Made) -> None:
    rows = table("checkpoints")
    assert len(rows) >= 100
    existing = {row["id"] for row in rows if row["existing"] == "yes"}
    assert existing >= {
        "i35-laredo",
        "us281-falfurrias",
        "us77-sarita",
        "i10-sierra-blanca",
        "nm185-radium-springs",
    }
    for row in rows:
        ways = [way for way in made.ways if row["road"] in way.tags.get("ref", "").split(";")]
        at = (float(row["lon"]), float(row["lat"]))
        _, away, ahead = build._nearest_way(ways, at, float(row["heading"]))
        assert away < 50, row["id"]
        assert ahead, row["id"]
        if row["existing"] == "yes":
            assert row["certainty"] in {"sure", "fairly sure", "unsure"}


def test_the_falfurrias_checkpoint_is_thirteen_miles_south_of_the_town() -> None:
    row = next(row for row in table("checkpoints") if row["id"] == "us281-falfurrias")
    assert kilometres((float(row["lon"]), float(row["lat"])), (-98.1442, 27.227)) == pytest.approx(
        13 * MILE_KM, rel=0.05
    )


@pytest.mark.slow
def test_areas_hold_the_ports_of_their_office_and_no_road_lies_in_two(
    network: Network, made: build.Made
) -> None:
    areas = {
        properties["name"]: (shape, properties["classes"])
        for properties, shape in build.areas(made)
    }
    assert set(areas) == SECTORS | OFFICES
    middle = shapely.points(network.segment_midpoint)
    road_class = network.road_class[network.segment_arc]
    way = network.way[network.segment_arc]
    covered = np.zeros(network.n_segments, dtype=int)
    inside = {}
    for name, (shape, classes) in areas.items():
        shapely.prepare(shape)
        inside[name] = shapely.contains(shape, middle) & np.isin(road_class, classes)
        covered += inside[name]
    assert covered.max() == 1
    for row in table("ports"):
        assert inside[row["field_office"]][way == int(row["number"])].all(), row["name"]
    for row in table("reaches"):
        # the half on the US side
        assert inside[row["sector"]][way == 100 + int(row["number"])].sum() == 1, row["name"]
    assert (
        {row["area"] for row in table("seizures")}
        == {row["area"] for row in table("effort")}
        == set(areas)
    )


def test_exposure_of_a_port_is_the_mean_of_three_years_of_vehicles() -> None:
    scenario = tomllib.loads((FOLDER / "scenario.toml").read_text(encoding="utf-8"))
    exposure = scenario["evaders"]["exposure"]
    assert len(exposure) == 71
    # World Trade Bridge: trucks only, 2,175,276 in 2023, 2,288,051 in 2024, 2,221,226
    # in 2025
    number = next(row["number"] for row in table("ports") if row["id"] == "port-world-trade")
    assert exposure[f"w{number}-1"] == pytest.approx((2_175_276 + 2_288_051 + 2_221_226) / 3, abs=1)
    assert exposure["w8-1"] == 1  # no vehicle crosses at Boquillas


def test_months_of_a_port_add_up_to_its_years() -> None:
    years = {
        (row["port"], row["year"]): sum(float(row[mode]) for mode in VEHICLES)
        for row in table("exposure")
    }
    months: dict[tuple[str, str], float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for row in table("exposure_months"):
        months[row["port"], row["month"][:4]] += float(row["vehicles"])
        count[row["port"]] += 1
    assert set(count.values()) == {87}
    for key, vehicles in years.items():
        if key[1] > "2018":
            assert months[key] == pytest.approx(vehicles, abs=6), key


def test_effort_follows_the_agents_of_each_year_and_the_traffic_of_each_month() -> None:
    agents = {
        (row["sector"], int(row["fiscal_year"])): int(row["agents"]) for row in table("agents")
    }
    # of FY2013 there were 2,631: more than a fifth too many
    assert agents["EL PASO SECTOR", 2019] == 2160
    assert {year for _, year in agents} == set(range(1992, 2020))
    port = {row["port"]: row["field_office"] for row in table("exposure")}
    vehicles: dict[tuple[str, str], float] = defaultdict(float)
    for row in table("exposure_months"):
        vehicles[port[row["port"]], row["month"]] += float(row["vehicles"])
    rows = table("effort")
    assert len(rows) == 87 * len(SECTORS | OFFICES)
    for row in rows:
        if row["unit"] == "vehicles":
            assert float(row["amount"]) == pytest.approx(vehicles[row["area"], row["time"]], abs=20)
        else:
            year = int(row["time"][:4]) + (row["time"][5:] >= "10")
            assert float(row["amount"]) == pytest.approx(
                agents[row["area"], min(year, 2019)] / 12, abs=0.01
            )
            assert row["assumed"] == ("no" if year <= 2019 else "yes")


@pytest.mark.slow
@needs("cbp")
@needs("border-patrol")
def test_counts_are_those_of_the_agencies_tables(tmp_path: Path) -> None:
    shutil.copy(FACTS / "ports.csv", tmp_path)
    take_counts.write_counts(BORDER.counts, DATA, tmp_path)
    for name in (
        "exposure",
        "exposure_months",
        "port_years",
        "agents",
        "sector_years",
        "effort",
        "seizures",
    ):
        assert (tmp_path / f"{name}.csv").read_bytes() == (FACTS / f"{name}.csv").read_bytes(), name


@needs("cbp")
def test_seizure_table_carries_over_every_land_seizure_of_its_areas() -> None:
    expected = land_seizures(
        [*(DATA / "cbp").glob("cbp-nationwide-drugs-*.csv")], SECTORS | OFFICES
    )
    found: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0, 0.0])
    for row in table("seizures"):
        year = int(row["time"][:4]) + (row["time"][5:] >= "10")
        found[row["area"], year][0] += int(row["events"])
        found[row["area"], year][1] += float(row["pounds"])
    assert set(found) == set(expected)
    for key, (events, pounds) in expected.items():
        assert found[key] == [events, pytest.approx(pounds, abs=1.0)], key


@pytest.mark.slow
def test_the_scenario_has_no_fault_and_uses_every_row_of_effort() -> None:
    checked = check_scenario_file(FOLDER / "scenario.toml")
    assert not checked.problems
    sites, counted = table("checkpoints"), table("traffic")
    assert f"traffic past {len(counted)} of {len(sites)} sites, by counts" in [
        str(each.what) for each in checked.assumed
    ]
    stated = sum(row["traffic_assumed"] == "no" for row in sites)
    said = (
        f"Of {len(sites)} checkpoint sites {len(counted)} take their traffic from counts of 2019"
        f" within 30 km on their own road, {stated} from another source; that of"
        f" {len(sites) - len(counted) - stated} is assumed"
    )
    scenario = tomllib.loads((FOLDER / "scenario.toml").read_text(encoding="utf-8"))
    assert any(said in sentence for sentence in scenario["report"]["assumptions"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("roads.csv", "\n1,", "\n2,", "the name a second time"),
        ("roads.csv", ",motorway,TX,", ",highway,TX,", "'highway'"),
        ("classes.csv", ",112,", ",fast,", "'fast'"),
        ("ports.csv", ",port-presidio,", ",port-ojinaga,", "port-ojinaga"),
    ],
)
def test_a_fault_in_a_table_is_named(
    tmp_path: Path, name: str, old: str, new: str, found: str
) -> None:
    changed_facts(FACTS, tmp_path, name, (old, new))
    with pytest.raises(InputError, match=found):
        build.build(build.read_facts(replace(BORDER, folder=tmp_path)))


@pytest.mark.slow
def test_checkpoints_off_their_road_or_on_none_are_named_together(tmp_path: Path) -> None:
    far, unknown = (
        (",US 281,-98.14212,", ",US 281,-97.14212,"),
        (
            ",US 77,-97.79229,",
            ",US 9999,-97.79229,",
        ),
    )
    changed_facts(FACTS, tmp_path, "checkpoints.csv", far, unknown)
    with pytest.raises(InputError) as refused:
        build.build(build.read_facts(replace(BORDER, folder=tmp_path)))
    assert ["US 281 is" in refused.value.problems[0].found, refused.value.problems[1].found] == [
        True,
        "no road US 9999",
    ]
