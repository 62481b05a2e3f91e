"""Borders from GeoJSON and from Python, and how they are refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pytest
import shapely

from optimizer.base.errors import InputError
from optimizer.pipeline.check import check_scenario_file
from optimizer.region import Region, RegionTerms, load_region, read_region, save_region
from optimizer.region.border import border_of_shape, read_border
from optimizer.region.model import terms_of_text
from optimizer.scenario.check.assumptions import Assumption
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.demand.risk_model import MODELS
from tests.shared_data import DATA, needs
from tests.standin import EAST, NORTH, SOUTH, WEST, World, sample_world
from tests.tiny import SCENARIO, tiny_region, write_scenario

RING = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
LINE = {"type": "LineString", "coordinates": RING[3:] + RING[1:4]}


def saved(folder: Path, content: object) -> Path:
    path = folder / "border.geojson"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def feature(geometry: object) -> dict[str, object]:
    return {"type": "Feature", "properties": {"name": "a border"}, "geometry": geometry}


def collection(*geometries: object) -> dict[str, object]:
    return {"type": "FeatureCollection", "features": [feature(each) for each in geometries]}


@pytest.mark.parametrize("content", [POLYGON, feature(POLYGON), collection(POLYGON)])
def test_a_polygon_is_the_defended_area(tmp_path: Path, content: object) -> None:
    border = read_border(saved(tmp_path, content))
    assert border.area is not None
    assert border.area.equals(shapely.box(WEST, SOUTH, EAST, NORTH))
    lon, lat = np.array([WEST + 0.01, WEST - 0.01]), np.full(2, SOUTH + 0.01)
    assert border.contains(lon, lat).tolist() == [True, False]


def test_the_rim_of_an_area_runs_anticlockwise(tmp_path: Path) -> None:
    for ring in (RING, RING[::-1]):
        border = read_border(saved(tmp_path, {"type": "Polygon", "coordinates": [ring]}))
        assert shapely.is_ccw(shapely.linearrings(shapely.get_coordinates(border.line)))


def test_a_plain_line_has_no_inside(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[10.02, 44.9], [10.02, 45.2]]}
    region = read_region(sample_world().save(tmp_path / "w.osm"), border=saved(tmp_path, line))
    assert [each.id for each in region.crossings] == ["w100-1", "w102-1", "w106-1"]
    assert len(region.gateways) == 3
    assert all(each.domestic for each in region.settlements)


def test_lines_that_continue_each_other_are_one(tmp_path: Path) -> None:
    halves = [{"type": "LineString", "coordinates": each} for each in (RING[:3], RING[2:])]
    border = read_border(saved(tmp_path, collection(*halves)))
    assert border.line.is_ring
    assert border.area is None


def test_heights_are_left_out(tmp_path: Path) -> None:
    high = {"type": "Polygon", "coordinates": [[[x, y, 100.0] for x, y in RING]]}
    assert not read_border(saved(tmp_path, high)).line.has_z


def test_the_same_border_from_the_extract_a_file_and_a_shape(tmp_path: Path) -> None:
    world = sample_world().save(tmp_path / "w.osm")
    own = read_region(world)
    for border in (
        saved(tmp_path, POLYGON),
        str(saved(tmp_path, POLYGON)),
        shapely.box(WEST, SOUTH, EAST, NORTH),
    ):
        other = read_region(world, border=border)
        assert [each.id for each in other.crossings] == [each.id for each in own.crossings]
        assert other.gateways == own.gateways
        assert other.settlements == own.settlements


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], ["GeoJSON"]),
        ({"kind": "x"}, ["GeoJSON"]),
        (collection(), ["nothing to draw"]),
        (collection(None), ["feature 1", "no geometry"]),
        (collection({"type": "Point", "coordinates": [1, 2]}), ["a Point", "a line or polygon"]),
        ({"type": "LineString", "coordinates": []}, ["without points"]),
        ({"type": "LineString", "coordinates": [["a", "b"], ["c", "d"]]}, ["cannot be read"]),
        ({"type": "LineString", "coordinates": [[1, 2]]}, ["cannot be read"]),
        ({"type": "LineString", "coordinates": 5}, ["cannot be read"]),
        ({"type": "LineString"}, ["cannot be read"]),
        ({"type": "LineString", "coordinates": [[45, 100], [46, 101]]}, ["Swap the coordinates"]),
        ({"type": ["x"]}, ["an object with type"]),
        ({"type": {"a": 1}}, ["an object with type"]),
        (
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "geometry": {"type": [1]}}],
            },
            ["no geometry"],
        ),
        (
            {"type": "LineString", "coordinates": [[1100000, 5600000], [1200000, 5600000]]},
            ["projected", "EPSG:4326"],
        ),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
            ["Self-intersection"],
        ),
    ],
)
def test_what_is_no_border(tmp_path: Path, content: object, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_border(saved(tmp_path, content))
    assert all(word in str(caught.value) for word in words)
    assert "border.geojson" in str(caught.value)


def test_all_faults_of_a_border_are_named(tmp_path: Path) -> None:
    content = collection({"type": "Point", "coordinates": [1, 2]}, POLYGON, None)
    with pytest.raises(InputError) as caught:
        read_border(saved(tmp_path, content))
    assert [problem.where[-9:] for problem in caught.value.problems] == ["feature 1", "feature 3"]


def test_a_shape_must_be_a_line_or_polygon() -> None:
    for shape in (
        shapely.Point(1, 1),
        shapely.Polygon(),
        shapely.GeometryCollection([shapely.Point(1, 1)]),
    ):
        with pytest.raises(InputError, match="a line or polygon"):
            border_of_shape(shape, "border")


def moved(east: float, north: float) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[[x + east, y + north] for x, y in RING]]}


def test_a_border_far_away_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="far away"):
        read_region(sample_world().save(tmp_path / "w.osm"), border=saved(tmp_path, moved(5, 0)))


def test_a_border_with_latitude_first_is_told_so(tmp_path: Path) -> None:
    swapped = {"type": "LineString", "coordinates": [[y, x] for x, y in RING]}
    with pytest.raises(InputError, match="Swap the coordinates"):
        read_region(sample_world().save(tmp_path / "w.osm"), border=saved(tmp_path, swapped))


def test_a_border_around_everything_is_allowed(tmp_path: Path) -> None:
    world = World()
    world.line(1, [(10.0, 45.0), (10.1, 45.0)], highway="primary")
    region = read_region(world.save(tmp_path / "w.osm"), border=shapely.box(9, 44, 11, 46))
    assert region.crossings == ()
    assert region.gateways == ()


def test_a_border_file_that_is_missing_or_no_json(tmp_path: Path) -> None:
    world = sample_world().save(tmp_path / "w.osm")
    with pytest.raises(InputError, match="no such file"):
        read_region(world, border="missing.geojson")
    broken = tmp_path / "broken.geojson"
    broken.write_text('{"type": "Polygon", ', encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        read_region(world, border=broken)


ANDORRA = DATA / "osm" / "andorra-2025-01.osm.pbf"


def pbf(folder: Path) -> Path:
    """Return a binary extract of many blocks."""
    world = World()
    for number in range(1, 30_001):
        world.node(number, 10 + number * 1e-5, 45.0, note=f"node number {number * 7919 % 30_011}")
    world.way(1, list(range(1, 2001)), highway="primary")
    path = folder / "long.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for each in osmium.FileProcessor(str(world.save(folder / "long.osm"))):
            writer.add(each)
    return path


def message(path: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read_region(path, **options)  # type: ignore[arg-type] # options vary by test
    text = str(caught.value)
    assert path.name in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", ["a.osm", "a.osm.pbf", "a.graphml", "a.gpkg"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    assert "no such file" in message(tmp_path / name)


@pytest.mark.parametrize("name", ["a.osm", "a.osm.pbf", "a.graphml", "a.gpkg"])
def test_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert "a folder" in message(tmp_path / name)


def test_an_unknown_suffix_names_the_known(tmp_path: Path) -> None:
    (tmp_path / "roads.shp").touch()
    text = message(tmp_path / "roads.shp")
    assert all(suffix in text for suffix in (".osm", ".osm.pbf", ".graphml", ".gpkg"))


@pytest.mark.parametrize(
    "name", ["a.osm", "a.osm.pbf", "a.osm.gz", "a.osm.bz2", "a.graphml", "a.gpkg"]
)
@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00" * 64, b"PK\x03\x04" + b"x" * 500])
def test_garbage(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    message(tmp_path / name)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_binary_extract(tmp_path: Path, share: float) -> None:
    path = pbf(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "cannot be read" in message(path)


@needs("osm", "andorra-2025-01.osm.pbf")
def test_a_truncated_real_extract(tmp_path: Path) -> None:
    path = tmp_path / "andorra.osm.pbf"
    content = ANDORRA.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "cannot be read" in message(path)


def test_a_truncated_text_extract(tmp_path: Path) -> None:
    path = sample_world().save(tmp_path / "world.osm")
    path.write_text(path.read_text(encoding="utf-8")[:-200], encoding="utf-8")
    assert "cannot be read" in message(path)


def test_an_xml_bomb(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY x0 "ha">{levels}]>'
    path = tmp_path / "bomb.osm"
    path.write_text(
        sample_world()
        .xml()
        .replace("<?xml version='1.0' encoding='UTF-8'?>", bomb)
        .replace("Main Road", "&x9;")
    )
    assert "cannot be read" in message(path)


def test_an_extract_with_impossible_values(tmp_path: Path) -> None:
    path = tmp_path / "odd.osm"
    for old, new in (
        ('lon="10.0"', 'lon="abc"'),
        ('ref="5"', 'ref="x"'),
        ('id="100"', 'id="99999999999999999999"'),
    ):
        path.write_text(sample_world().xml().replace(old, new), encoding="utf-8")
        assert "cannot be read" in message(path)


def test_an_empty_extract(tmp_path: Path) -> None:
    assert "no roads" in message(World().save(tmp_path / "empty.osm"))


def test_an_extract_without_roads_of_the_modes(tmp_path: Path) -> None:
    text = message(sample_world().save(tmp_path / "world.osm"), modes=["service"])
    assert "service" in text
    assert "more modes" in text


def test_an_extract_whose_roads_have_no_nodes(tmp_path: Path) -> None:
    world = sample_world()
    assert "no roads" in message(World({}, world.ways, {}).save(tmp_path / "world.osm"))


def test_an_unknown_mode(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="drive, service, track, foot, ferry"):
        read_region(sample_world().save(tmp_path / "world.osm"), modes=["fly"])


def built(folder: Path, **terms: Any) -> Region:
    return read_region(
        sample_world().save(folder / "world.osm"),
        modes=["drive", "track"],
        terms=RegionTerms(**terms),
    )


def test_speeds_replace_the_built_in_ones_and_not_a_limit(tmp_path: Path) -> None:
    usual, changed = (
        built(tmp_path).network,
        built(tmp_path, speed_kmh={"track": 30, "primary": 90}).network,
    )
    track = usual.road_class == "track"
    assert changed.time_s[track] == pytest.approx(usual.time_s[track] * 15 / 30)
    # the primary road has a limit
    assert changed.time_s[~track] == pytest.approx(usual.time_s[~track])


def test_populations_and_distances_replace_the_built_in_ones(tmp_path: Path) -> None:
    def population(region: Region) -> dict[str, float]:
        return {place.name: place.population for place in region.settlements}

    assert population(built(tmp_path))["Outside"] == 10_000
    assert population(built(tmp_path, population={"town": 7.0}))["Outside"] == 7
    assert population(built(tmp_path, population={"town": 7.0}))["Middle"] == 1234
    assert not population(built(tmp_path, settlement_within_m=1.0))
    assert any(crossing.official for crossing in built(tmp_path).crossings)
    assert not any(
        crossing.official for crossing in built(tmp_path, official_within_m=1.0).crossings
    )


def test_a_saved_region_takes_no_numbers(tmp_path: Path) -> None:
    save_region(tiny_region(), tmp_path / "saved.gpkg")
    with pytest.raises(InputError, match="built already"):
        read_region(tmp_path / "saved.gpkg", terms=RegionTerms(speed_kmh={"track": 30}))


def test_exposures_replace_those_of_the_region(tmp_path: Path) -> None:
    text = SCENARIO.replace("[evaders]", '[evaders]\nexposure = { "west-port" = 0.0 }')
    origins = {
        gateway.id: gateway.exposure
        for gateway in compile_scenario(write_scenario(tmp_path, text)).gateways
    }
    assert origins == {"west-port": 0.0, "east-port": 1.0, "ford": 1.0}
    with pytest.raises(InputError, match="west-port"):
        compile_scenario(write_scenario(tmp_path, text.replace('"west-port" =', '"west-prt" =')))


def test_check_lists_the_numbers_that_stood_in(tmp_path: Path) -> None:
    sample_world().save(tmp_path / "world.osm")
    text = (
        SCENARIO[: SCENARIO.index("[region]")]
        + '[region]\nfile = "world.osm"\nmodes = ["drive", "track"]\n'
    )
    text += "speed_kmh = { track = 20 }\n"
    text += SCENARIO[SCENARIO.index("[[agencies]]") :].replace(
        'file = "sites.csv"', 'roads = 2\nagency = "police"'
    )
    (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
    checked = check_scenario_file(tmp_path / "scenario.toml")
    assert not checked.problems
    assumed = {item.what: item.value for item in checked.assumed}
    speeds = assumed["speed on roads without a limit of their own, km/h by class"]
    assert "residential 25" in speeds
    assert "track" not in speeds
    assert assumed["a crossing is official where a border control stands within"].startswith(
        "500 m"
    )
    assert any(what.startswith("exposure of") for what in assumed)


def test_a_saved_region_lists_the_numbers_that_it_was_built_with(tmp_path: Path) -> None:
    def assumed(region: str) -> list[Assumption]:
        text = SCENARIO[: SCENARIO.index("[region]")] + f"[region]\n{region}\n"
        text += SCENARIO[SCENARIO.index("[[agencies]]") :].replace(
            'file = "sites.csv"', 'roads = 2\nagency = "police"'
        )
        (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
        checked = check_scenario_file(tmp_path / "scenario.toml")
        assert not checked.problems
        return list(checked.assumed)

    numbers: Any = {"speed_kmh": {"track": 20.0}, "official_within_m": 450.0}
    region = built(tmp_path, **numbers)
    save_region(region, tmp_path / "saved.gpkg")
    assert load_region(tmp_path / "saved.gpkg").terms == region.terms == RegionTerms(**numbers)
    source = (
        'file = "world.osm"\nmodes = ["drive", "track"]\nspeed_kmh = { track = 20'
        " }\nofficial_within_m = 450"
    )
    of_source = assumed(source)
    assert any(item.value.startswith("450 m") for item in of_source)
    assert assumed('network = "saved.gpkg"') == of_source
    save_region(replace(region, terms=None), tmp_path / "saved.gpkg")
    assert any(item.value.startswith("not known") for item in assumed('network = "saved.gpkg"'))


def test_modes_of_a_network_that_is_taken_whole_are_not_used(tmp_path: Path) -> None:
    save_region(tiny_region(), tmp_path / "network.gpkg")
    text = SCENARIO.replace("[region]", '[region]\nmodes = ["track"]')
    write_scenario(tmp_path, text)
    checked = check_scenario_file(tmp_path / "scenario.toml")
    assert "region.modes" in {item.what for item in checked.unused}


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"speed_kmh": 3}', '{"official_within_m": "x"}', '{"other": 1}', "[" * 100_000],
)
def test_numbers_of_a_saved_region_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="Build the region again"):
        terms_of_text(text, "saved.gpkg, layer metadata, terms")


@pytest.mark.parametrize("model", list(MODELS))
def test_the_numbers_of_the_risk_model_are_assumptions_where_there_is_a_record(
    tmp_path: Path, model: str
) -> None:
    def listed(text: str) -> list[str]:
        return [
            item.value
            for item in check_scenario_file(write_scenario(tmp_path, text)).assumed
            if item.what == f"numbers of the risk model '{model}'"
        ]

    (numbers,) = listed(f"{SCENARIO}\n[risk]\nmodel = '{model}'\n")
    assert any(mark.isdigit() for mark in numbers)
    no_record = re.sub(r"\[\[records\.\w+\]\]\n(?:[^\[\n].*\n)*", "", SCENARIO)
    assert listed(f"{no_record}\n[risk]\nmodel = '{model}'\n") == []
