"""Regions from OpenStreetMap's servers, against a stand-in on this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import osmnx
import pytest
import shapely

from optimizer.base.errors import InputError
from optimizer.region import (
    Region,
    read_region,
    region_from_address,
    region_from_bbox,
    region_from_place,
    region_from_polygon,
)
from optimizer.region.download import _chains, widened, within
from tests.standin import EAST, NORTH, SOUTH, WEST, Servers, World, sample_world, serving

WORLD_BOX = (9.8, 44.9, 10.3, 45.2)
EVERY_MODE = ("drive", "service", "track", "foot", "ferry")


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    # OSMnx waits a second before each look-up of a name
    monkeypatch.setattr("time.sleep", lambda _: None)
    with serving(sample_world()) as running:
        yield running


@pytest.fixture
def options(servers: Servers, tmp_path: Path) -> dict[str, Any]:
    return {
        "cache": tmp_path / "cache",
        "overpass_url": servers.overpass_url,
        "nominatim_url": servers.nominatim_url,
    }


def assert_same(first: Region, second: Region) -> None:
    assert first.crossings == second.crossings
    assert first.gateways == second.gateways
    assert first.settlements == second.settlements
    assert first.attribution == second.attribution
    for name in (
        "node_id",
        "tail",
        "head",
        "length_m",
        "time_s",
        "road_class",
        "name",
        "way",
        "segment",
        "shape",
    ):
        assert np.array_equal(getattr(first.network, name), getattr(second.network, name)), name


@pytest.mark.parametrize("modes", [("drive",), ("drive", "ferry"), EVERY_MODE])
def test_the_servers_and_an_extract_give_the_same_region(
    options: dict[str, Any], tmp_path: Path, modes: tuple[str, ...]
) -> None:
    extract = read_region(
        sample_world().save(tmp_path / "world.osm"), modes=modes, border="Testland"
    )
    fetched = region_from_bbox(WORLD_BOX, modes=modes, border="Testland", **options)
    assert fetched.crossings
    assert_same(extract, fetched)


def test_a_box_whose_latitudes_stand_first_is_refused_before_anything_is_fetched(
    servers: Servers, options: dict[str, Any]
) -> None:
    west, south, east, north = WORLD_BOX
    with pytest.raises(InputError, match=f"W,S,E,N is {west},{south},{east},{north}"):
        region_from_bbox((south, west, north, east), border="Testland", **options)
    assert not any("highway" in request for request in servers.requests)
    with pytest.raises(
        InputError, match=r"Latitudes seem to stand first.* W,S,E,N: -98.5,26,-98,27"
    ):
        region_from_bbox((26, -98.5, 27, -98), **options)


@pytest.mark.slow
def test_a_second_call_asks_nobody(servers: Servers, options: dict[str, Any]) -> None:
    first = region_from_bbox(WORLD_BOX, border="Testland", **options)
    assert len(servers.requests) == 3
    assert_same(first, region_from_bbox(WORLD_BOX, border="Testland", **options))
    assert len(servers.requests) == 3
    assert options["cache"].is_dir()


def test_only_what_was_asked_for_is_fetched(servers: Servers, options: dict[str, Any]) -> None:
    region_from_bbox(WORLD_BOX, modes=["track"], **options)
    ways, places = servers.requests
    assert '["highway"~"^(track)$"]' in ways
    assert "primary" not in ways
    assert "place" in places
    assert "border_control" in places


def test_by_place_with_a_margin(options: dict[str, Any]) -> None:
    region = region_from_place("Testland", margin_m=2000, border="Testland", **options)
    assert {"w100-1", "w100-2"} <= {crossing.id for crossing in region.crossings}
    assert [each.name for each in region.settlements] == ["Middle"]


def test_by_address(options: dict[str, Any]) -> None:
    region = region_from_address("Main Road 1", distance_m=2000, **options)
    assert set(region.network.way.tolist()) == {100, 101, 106}
    assert region.border is None


@pytest.mark.slow
def test_by_polygon_in_python_or_in_a_file(options: dict[str, Any], tmp_path: Path) -> None:
    outline = shapely.box(*WORLD_BOX)
    path = tmp_path / "outline.geojson"
    path.write_text(shapely.to_geojson(outline), encoding="utf-8")
    border = shapely.box(WEST, SOUTH, EAST, NORTH)
    assert_same(
        region_from_polygon(outline, border=border, **options),
        region_from_polygon(path, border=border, **options),
    )


def test_osmnx_is_left_as_it_was(servers: Servers, options: dict[str, Any]) -> None:
    names = [name for name in vars(osmnx.settings) if not name.startswith("_") and name.islower()]
    before, resolver = {name: getattr(osmnx.settings, name) for name in names}, socket.getaddrinfo
    region_from_bbox(WORLD_BOX, **options)
    servers.broken, servers.text = 500, "out of order"
    with pytest.raises(InputError):
        region_from_place("Elsewhere", **options)
    assert {name: getattr(osmnx.settings, name) for name in names} == before
    assert socket.getaddrinfo is resolver


def test_an_unknown_place(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"Atlantis.*spelling"):
        region_from_place("Atlantis", **options)
    with pytest.raises(InputError, match=r"Nowhere 5.*spelling"):
        region_from_address("Nowhere 5", **options)
    with pytest.raises(InputError, match="Atlantis"):
        region_from_bbox(WORLD_BOX, border="Atlantis", **options)


def test_a_place_without_an_outline(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"A Point.*outline"):
        region_from_place("A Point", **options)


def test_a_place_without_roads(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="box 50,0,51,1"):
        region_from_bbox((50, 0, 51, 1), **options)
    with pytest.raises(InputError, match=r"service"):
        region_from_bbox(WORLD_BOX, modes=["service"], **options)


@pytest.mark.parametrize(
    ("status", "text"),
    [(500, "out of order"), (200, "<html>busy</html>"), (200, "[]"), (200, "{}")],
)
def test_a_server_that_answers_nonsense(
    servers: Servers, options: dict[str, Any], status: int, text: str
) -> None:
    servers.broken, servers.text = status, text
    with pytest.raises(InputError, match="box"):
        region_from_bbox(WORLD_BOX, **options)


@pytest.mark.slow
def test_no_server(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(InputError, match=r"no answer from the server.*Check the network"):
        region_from_bbox(WORLD_BOX, cache=tmp_path, overpass_url=nobody)
    with pytest.raises(InputError, match="no answer from the server"):
        region_from_bbox(WORLD_BOX, cache=tmp_path, overpass_url="http://name.invalid/api")


def test_a_cache_that_cannot_be_written(options: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="a folder that can be written"):
        region_from_bbox(WORLD_BOX, **{**options, "cache": file / "cache"})


@pytest.mark.parametrize(
    ("box", "word"),
    [
        ((10.3, 44.9, 9.8, 45.2), "west < east"),
        ((9.8, 45.2, 10.3, 44.9), "south < north"),
        ((9.8, 44.9, 9.8, 45.2), "west < east"),
        ((-200, 44.9, 10.3, 45.2), "longitudes"),
        ((9.8, 44.9, 10.3, 95), "latitudes"),
        ((9.8, 44.9, float("nan"), 45.2), "each a number"),
    ],
)
def test_a_box_that_is_none(
    tmp_path: Path, box: tuple[float, float, float, float], word: str
) -> None:
    with pytest.raises(InputError, match=word):
        region_from_bbox(box, cache=tmp_path)


def test_arguments_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="margin_m"):
        region_from_place("Testland", margin_m=-1, cache=tmp_path)
    with pytest.raises(InputError, match="distance_m"):
        region_from_address("Main Road 1", distance_m=0, cache=tmp_path)
    with pytest.raises(InputError, match="polygon"):
        region_from_polygon(shapely.LineString([(0, 0), (1, 1)]), cache=tmp_path)
    with pytest.raises(InputError, match="modes"):
        region_from_bbox(WORLD_BOX, modes=["fly"], cache=tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "roads",
        '{"type": "FeatureCollection", "features": []}',
        '{"type": "LineString", "coordinates": [[0, 0], [1, 1]]}',
        '{"name": "region"}',
    ],
)
def test_a_file_that_is_no_polygon_is_told_of_a_polygon(content: str, tmp_path: Path) -> None:
    path = tmp_path / "area.geojson"
    path.write_text(content)
    with pytest.raises(InputError) as refused:
        region_from_polygon(path, cache=tmp_path)
    assert "polygon" in str(refused.value)
    assert "border" not in str(refused.value)


def test_margins_are_in_metres() -> None:
    box = within(shapely.Point(10.0, 60.0), 1000.0)
    west, south, east, north = box.bounds
    assert (north - south) * 111_195 == pytest.approx(2000, rel=1e-3)
    assert (east - west) * 111_195 * 0.5 == pytest.approx(2000, rel=1e-3)
    wide = widened(box, 500.0).bounds
    assert (wide[3] - north) * 111_195 == pytest.approx(500, rel=1e-2)
    assert (wide[2] - east) * 111_195 * 0.5 == pytest.approx(500, rel=1e-2)
    assert widened(box, 0.0) is box


@pytest.mark.parametrize(
    ("steps", "chains"),
    [
        ([(1, 2), (2, 3)], [[1, 2, 3]]),
        ([(2, 3), (1, 2)], [[1, 2, 3]]),
        ([(1, 2), (3, 4)], [[1, 2], [3, 4]]),
        ([(1, 2), (2, 3), (3, 1)], [[1, 2, 3, 1]]),
        ([(1, 2), (2, 3), (3, 4), (4, 2)], [[1, 2], [2, 3, 4, 2]]),
        ([(1, 2), (2, 3), (3, 2), (2, 4)], [[1, 2], [2, 3, 2], [2, 4]]),
    ],
)
def test_steps_of_a_way_are_put_together_again(
    steps: list[tuple[int, int]], chains: list[list[int]]
) -> None:
    assert list(_chains(steps)) == chains


def test_a_way_that_meets_itself_loses_nothing(
    options: dict[str, Any], tmp_path: Path, servers: Servers
) -> None:
    world = World()
    world.line(
        1,
        [(9.9, 45.0), (10.0, 45.0), (10.0, 45.1), (9.95, 45.05), (10.0, 45.0), (10.1, 45.0)],
        highway="road",
    )
    servers.requests.clear()
    with serving(world) as other:
        fetched = region_from_bbox(WORLD_BOX, **{**options, "overpass_url": other.overpass_url})
    extract = read_region(world.save(tmp_path / "world.osm"))
    assert fetched.network.length_m.sum() == pytest.approx(extract.network.length_m.sum())
    assert fetched.network.n_arcs == extract.network.n_arcs
