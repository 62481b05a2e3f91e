"""Counts of traffic: which road a number means, which counts match, what a scenario
makes of them, and what is refused.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline import check_scenario_file
from optimizer.pipeline.import_records import import_counts
from optimizer.problem.network.network import Network
from optimizer.records.importers.aadt import CountsMapping, import_aadt, read_counts_mapping
from optimizer.records.traffic_counts import (
    CountedRoads,
    TrafficCounts,
    read_traffic_counts,
    road_numbers,
)
from optimizer.region import save_region
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.sites.options import past
from tests.tiny import ROADS, SCENARIO, tiny_region, write_scenario

NUMBERS = ["US 62", "US 385", "", "FM 76", "FM 76", "I-35E", "", "Loop 375"]
STATIONS = """ID,ON_ROAD,x,y,AADT_2019,AADT_2018
1,FM0076,10.1,50.1005,700,1
2,IH0035E,10.2,50.2,9000,2
3,US0062,10.0,50.05,0,3
4,SH0018,10.0,50.05,500,4
5,US0385,10.4,50.3,800,5
6,MAIN ST,10.0,50.05,500,6
"""


def numbered() -> Network:
    network = tiny_region().network
    assert len(NUMBERS) == len(ROADS)
    return replace(
        network, ref=np.array([NUMBERS[segment] for segment in network.segment.tolist()])
    )


def stations(folder: Path, text: str = STATIONS) -> Path:
    path = folder / "counts.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("FM0076", "FM 76"),
        ("I-35E", "IH0035E"),
        ("SL0375", "Loop 375"),
        ("31D0044", "D 44"),
        ("A0064", "A64"),
    ],
)
def test_one_road_has_one_number_however_it_is_written(text: str, same: str) -> None:
    systems = {"IH": "I", "SL": "LOOP"}
    assert road_numbers(text, systems) == road_numbers(same, systems) != []


def test_counts_match_the_road_of_their_number_and_the_others_are_listed(tmp_path: Path) -> None:
    made = import_aadt(stations(tmp_path), read_counts_mapping("txdot"), numbered(), year=2019)
    kept, lost = made.tables["traffic.csv"], made.tables["unmatched.csv"]
    assert kept["station"].tolist() == ["1", "2"]
    assert kept["road"].tolist() == ["FM 76", "I 35E"]
    assert kept["vehicles_a_day"].tolist() == [350, 4500]  # half of both directions
    assert dict(zip(lost["station"], lost["why"], strict=True)) == {
        "4": "no road of this number",
        "5": "too far from the road of this number",
    }
    summary = made.summary
    assert summary.rows == summary.kept + sum(summary.dropped.values()) == 6
    assert summary.dropped["not counted (empty or 0)"] == summary.dropped["no road number"] == 1
    assert any("has a count on its own number" in note for note in summary.notes)


def test_counts_of_frontage_roads_do_not_stand_for_their_highway(tmp_path: Path) -> None:
    text = "ID,T_FLAG,ON_ROAD,x,y,AADT_2019\n1,116H21,IH0035E,10.2,50.2,17334\n2,116H21WBSR,IH0035E,10.2,50.2,250\n"
    made = import_aadt(
        stations(tmp_path, text), read_counts_mapping("txdot"), numbered(), year=2019
    )
    assert made.tables["traffic.csv"]["station"].tolist() == ["1"]
    assert made.summary.dropped["of a frontage road or rest area beside the numbered road"] == 1
    without = import_aadt(stations(tmp_path), read_counts_mapping("txdot"), numbered(), year=2019)
    assert any("No column T_FLAG" in note for note in without.summary.notes)


def test_a_number_without_letters_is_of_any_system_and_several_columns_are_averaged(
    tmp_path: Path,
) -> None:
    text = "ROUTE,X,Y,BACK_AADT,AHEAD_AADT,OBJECTID\n385,10.4,50.05,1000,3000,9\n62,10.0,50.05,,800,8\n"
    made = import_aadt(stations(tmp_path, text), read_counts_mapping("caltrans"), numbered())
    assert made.tables["traffic.csv"]["counted"].tolist() == [2000, 800]


def test_the_french_form_is_read_from_its_own_projection(tmp_path: Path) -> None:
    text = "route;xD;yD;xF;yF;TMJA;anneeMesureTrafic;cumulD\nN0062;100000,5;7000000;100010,5;7000000;1000;2019;1\n"
    # Lambert 93: far from the tiny border
    with pytest.raises(InputError, match="none of 1 counts within 1,000 m"):
        import_aadt(stations(tmp_path, text), read_counts_mapping("france"), numbered(), year=2019)


def test_several_years_without_the_one_that_is_asked_for_are_refused(tmp_path: Path) -> None:
    mapping = CountsMapping.model_validate(
        {"columns": {"road": "nr", "x": "a", "y": "b", "daily": "n", "year": "of"}, "directions": 1}
    )
    path = stations(tmp_path, "nr,a,b,n,of\nFM 76,10.1,50.1,90,2018\nFM 76,10.1,50.1,150,2019\n")
    with pytest.raises(
        InputError, match=r"column 'of': found counts of 2 years: '2018', '2019'.*--year 2019"
    ):
        import_aadt(path, mapping, numbered())
    assert import_aadt(path, mapping, numbered(), year=2018).tables["traffic.csv"][
        "counted"
    ].tolist() == [90]
    one = stations(tmp_path, "nr,a,b,n,of\nFM 76,10.1,50.1,90,2018\nFM 76,10.1,50.1,0,2019\n")
    assert import_aadt(one, mapping, numbered()).tables["traffic.csv"]["counted"].tolist() == [90]


@pytest.mark.parametrize(
    ("text", "settings", "year", "found"),
    [
        (STATIONS, {}, None, "no year"),
        (
            STATIONS.replace("10.1,50.1005", "511656,6204078"),
            {},
            2019,
            "no degrees, such as 511656, 6204078",
        ),
        (
            STATIONS,
            {"crs": "EPSG:99999"},
            2019,
            "a coordinate system that is unknown: 'EPSG:99999'; .*with --crs or crs of the mapping",
        ),
        (STATIONS.replace(",700,", ",many,"), {}, 2019, "AADT_2019 'many'"),
        (
            STATIONS.replace(",700,", ",0,")
            .replace(",9000,", ",0,")
            .replace(",500,", ",,")
            .replace(",800,", ",,"),
            {},
            2019,
            "no count",
        ),
    ],
)
def test_what_cannot_be_counts_is_refused(
    tmp_path: Path, text: str, settings: dict[str, str], year: int | None, found: str
) -> None:
    mapping = CountsMapping.model_validate(
        {**read_counts_mapping("txdot").model_dump(), **settings}
    )
    with pytest.raises(InputError, match=found):
        import_aadt(stations(tmp_path, text), mapping, numbered(), year=year)


def test_any_other_form_is_read_by_a_mapping(tmp_path: Path) -> None:
    mapping = tmp_path / "counts.toml"
    mapping.write_text(
        'directions = 1\n[columns]\nroad = "nr"\nx = "a"\ny = "b"\ndaily = "n"\n', encoding="utf-8"
    )
    path = stations(tmp_path, "nr,a,b,n\nFM 76,10.1,50.1,90\n")
    made = import_aadt(path, read_counts_mapping("", mapping), numbered())
    assert made.tables["traffic.csv"]["vehicles_a_day"].tolist() == [90]
    mapping.write_text('[columns]\nroad = "nr"\n', encoding="utf-8")
    with pytest.raises(InputError, match="x"):
        read_counts_mapping("", mapping)


def test_a_form_beside_a_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--form france and --mapping"):
        read_counts_mapping("france", tmp_path / "counts.toml")
    assert read_counts_mapping(None) == read_counts_mapping("txdot")


def test_a_form_that_is_not_known_is_named() -> None:
    with pytest.raises(InputError, match="one of txdot, caltrans, france"):
        read_counts_mapping("ontario")


def test_a_scenario_takes_counts_where_a_site_gives_no_traffic(tmp_path: Path) -> None:
    path = write_scenario(tmp_path)
    save_region(replace(tiny_region(), network=numbered()), tmp_path / "network.gpkg")
    import_counts(tmp_path / "made", stations(tmp_path), path, year=2019)
    sites = (
        (tmp_path / "sites.csv")
        .read_text(encoding="utf-8")
        .replace(",800,", ",,")
        .replace(",300,", ",,")
    )
    (tmp_path / "sites.csv").write_text(sites, encoding="utf-8")
    counted = (
        SCENARIO
        + '\n[traffic]\ncounts = "made/traffic.csv"\ncounts_within_km = 20\nby_class = { primary ='
        " 77 }\n"
    )
    path.write_text(counted, encoding="utf-8")
    assert any(
        "1 of 5 sites, by counts" in str(each.what) for each in check_scenario_file(path).assumed
    )
    compiled = compile_scenario(path)
    found = {
        name: past(item, compiled.scenario, compiled.region.network)
        for name, item in {item.site.id: item for item in compiled.sites.values()}.items()
    }
    assert (found["a"].daily, found["a"].source) == (400, "site")
    assert (found["b"].daily, found["b"].source) == (4500, "count")
    assert (found["c"].daily, found["c"].source) == (77, "class")
    assert any("by counts" in str(each.what) for each in compiled.assumed)


def test_counts_of_other_roads_than_the_map_s_are_a_fault_of_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "counts.csv").write_text(
        "road,lon,lat,vehicles_a_day\nSH 18,10.0,50.05,500\n", encoding="utf-8"
    )
    scenario = write_scenario(tmp_path, SCENARIO + '\n[traffic]\ncounts = "counts.csv"\n')
    problems = check_scenario_file(scenario).problems
    assert [(problem.where.split("/")[-1], problem.found) for problem in problems] == [
        ("counts.csv, road", "no road of the network with the number of one of 1 counts")
    ]


def test_a_count_speaks_for_a_place_on_its_road_and_not_for_the_middle_of_the_stretch() -> None:
    network = numbered()
    lon, lat = network.segment_midpoint[4]
    # 10 km off
    counts = TrafficCounts(("FM 76",), np.array([lon]), np.array([lat + 0.09]), np.array([350.0]))
    at = CountedRoads(counts, network, 6.0).at
    places, north = np.array([lon, lon]), np.array([lat, lat + 0.045])
    assert np.isnan(CountedRoads(counts, network, 6.0).of_segments[4])
    np.testing.assert_equal(at(np.array([4, 4]), places, north), [np.nan, 350.0])
    np.testing.assert_equal(at(np.array([0, 0]), places, north), [np.nan, np.nan])


def test_a_count_speaks_for_its_own_road_within_its_reach(tmp_path: Path) -> None:
    path = tmp_path / "traffic.csv"
    path.write_text("road,lon,lat,vehicles_a_day\nFM 76,10.1,50.1,350\n", encoding="utf-8")
    counts = read_traffic_counts(path)
    near, far = (CountedRoads(counts, numbered(), km).of_segments for km in (5.0, 30.0))
    assert np.flatnonzero(np.isfinite(near)).tolist() == [3]
    assert np.flatnonzero(np.isfinite(far)).tolist() == [3, 4]
    path.write_text(
        "road,lon,lat,vehicles_a_day\nFM 76,10.1,50.1,0\nhighway,10,95,-3\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match="vehicles_a_day '0'"):
        read_traffic_counts(path)
