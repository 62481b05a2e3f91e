"""Extracts of a made-up world become regions."""

from __future__ import annotations

import bz2
import gzip
import math
from pathlib import Path

import numpy as np
import osmium
import pytest
import shapely

from optimizer.base.errors import InputError
from optimizer.base.text.language import speaking
from optimizer.base.text.messages import translated
from optimizer.problem.network.geodesy import EARTH_RADIUS_M, great_circle_m
from optimizer.problem.network.network import Network
from optimizer.region import Region, read_region, summary
from tests.standin import EAST, NORTH, SOUTH, WEST, World, sample_world
from tests.test_region_store import assert_same

EVERY_MODE = ("drive", "service", "track", "foot", "ferry")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Region:
    path = sample_world().save(tmp_path_factory.mktemp("world") / "testland.osm")
    return read_region(path, modes=EVERY_MODE)


def built(world: World, tmp_path: Path, **options: object) -> Region:
    return read_region(world.save(tmp_path / "world.osm"), **options)  # type: ignore[arg-type] # options vary by test


def arcs_of(network: Network, way: int) -> list[tuple[int, int]]:
    """Return ends, as node ids, of the arcs of a way."""
    of_way = network.way == way
    return list(
        zip(
            network.node_id[network.tail[of_way]].tolist(),
            network.node_id[network.head[of_way]].tolist(),
            strict=True,
        )
    )


def reasons(region: Region, what: str) -> list[str]:
    return [item.reason for item in region.dropped if item.what == what]


def small(*lines: list[tuple[float, float]], **tags: str) -> World:
    world = World()
    for number, line in enumerate(lines, start=1):
        world.line(number, line, **{"highway": "residential", **tags})
    return world


def test_what_is_found_in_testland(everything: Region) -> None:
    found = summary(everything)
    assert (found["nodes"], found["edges"]) == (15, 30)
    assert found["crossings"] == {"official": 1, "unofficial": 6}
    assert (found["gateways"], found["settlements"]) == (6, 2)
    assert sum(entry["count"] for entry in found["dropped"]) == len(everything.dropped)
    assert everything.attribution == "© OpenStreetMap contributors, ODbL 1.0"


def test_the_network_hangs_together_and_measures_what_it_draws(everything: Region) -> None:
    network = everything.network
    assert (network.weak_component() == 0).all()
    assert np.unique(network.node_id).size == network.n_nodes
    for arc in range(network.n_arcs):
        line = network.shape[network.shape_start[arc] : network.shape_start[arc + 1]]
        drawn = great_circle_m(line[:-1, 0], line[:-1, 1], line[1:, 0], line[1:, 1]).sum()
        assert network.length_m[arc] == pytest.approx(drawn, rel=1e-9)
        assert line[0].tolist() == [network.lon[network.tail[arc]], network.lat[network.tail[arc]]]
        assert line[-1].tolist() == [network.lon[network.head[arc]], network.lat[network.head[arc]]]


def test_both_directions_share_a_segment_and_nothing_else_does(everything: Region) -> None:
    network = everything.network
    for segment in range(network.n_segments):
        arcs = np.flatnonzero(network.segment == segment)
        assert arcs.size in {1, 2}
        ends = {frozenset((int(network.tail[arc]), int(network.head[arc]))) for arc in arcs}
        assert len(ends) == 1
        if arcs.size == 2:
            first, second = (
                network.shape[network.shape_start[a] : network.shape_start[a + 1]] for a in arcs
            )
            assert (first == second[::-1]).all()


def test_a_crossing_splits_its_way_and_both_directions_at_one_new_node(everything: Region) -> None:
    network = everything.network
    crossing = next(each for each in everything.crossings if each.id == "w100-1")
    assert (crossing.lon, crossing.lat) == pytest.approx((WEST, 45.0505))
    assert network.node_id[crossing.node] < 0
    assert (network.lon[crossing.node], network.lat[crossing.node]) == (crossing.lon, crossing.lat)
    into = np.count_nonzero(network.head == crossing.node)
    out = np.count_nonzero(network.tail == crossing.node)
    assert into == out == 2


def test_a_cut_shares_out_length_and_time(tmp_path: Path) -> None:
    world = small([(9.9, 45.05), (10.05, 45.05)], maxspeed="36")
    whole = built(world, tmp_path).network
    cut = built(world, tmp_path, border=shapely.box(WEST, SOUTH, EAST, NORTH)).network
    assert (whole.n_segments, cut.n_segments) == (1, 2)
    assert cut.length_m.sum() == pytest.approx(whole.length_m.sum(), rel=1e-6)
    assert cut.time_s == pytest.approx(cut.length_m / 10)


def test_crossings_by_way_with_class_and_name(everything: Region) -> None:
    by_id = {crossing.id: crossing for crossing in everything.crossings}
    assert set(by_id) == {"w100-1", "w100-2", "w102-1", "w102-2", "w102-3", "w103-1", "w104-1"}
    assert by_id["w103-1"].road_class == "track"
    assert by_id["w103-1"].name == "Smugglers' Run"
    assert by_id["w104-1"].way == 104
    assert [each.id for each in everything.crossings if each.official] == ["w100-1"]


def test_a_gateway_needs_a_way_in(everything: Region) -> None:
    kinds = {gateway.id: gateway.kind for gateway in everything.gateways}
    assert kinds["w100-1"] == "port"
    assert kinds["w103-1"] == "unofficial"
    assert "w102-2" not in kinds
    assert "one-way out" in reasons(everything, "gateway w102-2")[0]
    nodes = {crossing.id: crossing.node for crossing in everything.crossings}
    assert all(gateway.node == nodes[gateway.id] for gateway in everything.gateways)


def test_settlements(everything: Region) -> None:
    middle, outside = everything.settlements
    assert (middle.name, middle.population, middle.population_assumed, middle.domestic) == (
        "Middle",
        1234,
        False,
        True,
    )
    assert (outside.name, outside.population_assumed, outside.domestic) == ("Outside", True, False)
    network = everything.network
    assert (network.lon[middle.node], network.lat[middle.node]) == (10.05, 45.08)
    assert reasons(everything, "node 602") == ["place=locality: not a settlement of its own"]
    assert reasons(everything, "node 603") == ["nobody lives there"]


def test_what_is_dropped_says_why(everything: Region) -> None:
    assert reasons(everything, "way 105") == ["not connected to the main network"]
    assert reasons(everything, "way 106") == ["touches the border without crossing it"]
    assert "not a road yet" in reasons(everything, "way 107")[0]
    assert "an area" in reasons(everything, "way 108")[0]
    with speaking("es"):
        assert "aún no es vía" in translated(
            next(item.reason for item in everything.dropped if item.what == "way 107")
        )


def test_modes_choose_ways(tmp_path: Path) -> None:
    drive = built(sample_world(), tmp_path)
    assert set(drive.network.way.tolist()) == {100, 101, 102, 106}
    assert reasons(drive, "way 103") == ["mode track was not asked for"]
    assert reasons(drive, "way 109") == ["mode ferry was not asked for"]
    track = built(sample_world(), tmp_path, modes=["track", "drive"])
    assert set(track.network.way.tolist()) == {100, 101, 102, 103, 106}


def test_one_way_against_the_drawing(everything: Region) -> None:
    network = everything.network
    assert len(arcs_of(network, 102)) == len(np.unique(network.segment[network.way == 102]))
    assert not (network.lat == 45.12).any()  # a bend is no node
    first = network.shape[network.shape_start[:-1][network.way == 102]]
    last = network.shape[network.shape_start[1:][network.way == 102] - 1]
    assert [9.95, 45.05] in first.tolist()
    assert [10.05, 45.08] in last.tolist()


def test_a_ferry_takes_its_own_duration(everything: Region) -> None:
    network = everything.network
    ferry = network.road_class == "ferry"
    assert network.time_s[ferry].tolist() == [1800.0, 1800.0]


def test_speed_comes_from_the_limit_or_the_class(everything: Region) -> None:
    network = everything.network
    kmh = network.length_m / network.time_s * 3.6
    assert kmh[network.way == 100] == pytest.approx(60)
    assert kmh[network.way == 101] == pytest.approx(25)
    assert kmh[network.way == 104] == pytest.approx(5)


def test_bends_are_shape_and_junctions_are_nodes(tmp_path: Path) -> None:
    world = small([(0.0, 0.0), (0.01, 0.01), (0.02, 0.0), (0.03, 0.0)], [(0.02, 0.0), (0.02, 0.05)])
    network = built(world, tmp_path).network
    assert network.n_nodes == 4
    assert sorted(np.diff(network.shape_start).tolist()) == [2, 2, 2, 2, 3, 3]


def test_no_arc_is_a_loop(tmp_path: Path) -> None:
    ring = [(0.02, 0.0), (0.03, 0.01), (0.04, 0.0), (0.03, -0.01), (0.02, 0.0)]
    network = built(small([(0.0, 0.0), (0.02, 0.0)], ring), tmp_path).network
    assert (network.tail != network.head).all()
    assert network.n_segments == 3


def test_two_nodes_on_one_spot_have_a_segment_of_some_length(tmp_path: Path) -> None:
    world = World()
    for number, lon in enumerate([0.0, 0.01, 0.01, 0.02], start=1):
        world.node(number, lon, 0.0)
    for way in (1, 2, 3):
        world.way(way, [way, way + 1], highway="residential")
    network = built(world, tmp_path).network
    assert network.n_segments == 3
    assert (network.length_m > 0).all()
    assert (network.time_s > 0).all()


def test_a_clipped_way_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    world = small(
        [(0.0, 0.0), (0.01, 0.0), (0.02, 0.0), (0.03, 0.0), (0.04, 0.0)],
        [(0.0, 0.0), (0.0, 0.1), (0.02, 0.1)],
    )
    region = built(world.without_nodes(3), tmp_path)
    assert arcs_of(region.network, 1) == [(1, 2), (2, 1)]
    assert reasons(region, "way 1") == ["part of the way lies outside the extract"]


def test_a_way_with_one_node_left_is_dropped(tmp_path: Path) -> None:
    world = small([(0.0, 0.0), (0.01, 0.0)], [(0.01, 0.0), (0.05, 0.05)])
    world.way(3, [2, 2], highway="residential")
    region = built(world.without_nodes(3), tmp_path)
    assert reasons(region, "way 2") == ["fewer than two points inside the extract"]
    assert reasons(region, "way 3") == ["fewer than two points inside the extract"]


def test_the_order_of_objects_in_the_file_does_not_matter(tmp_path: Path) -> None:
    world = sample_world()
    turned = World(
        dict(reversed(world.nodes.items())),
        dict(reversed(world.ways.items())),
        dict(reversed(world.relations.items())),
    )
    first, second = built(world, tmp_path), built(turned, tmp_path)
    assert first.crossings == second.crossings
    assert first.settlements == second.settlements
    assert (first.network.node_id == second.network.node_id).all()
    assert (first.network.shape == second.network.shape).all()


@pytest.mark.parametrize("size", [4, 5, 11])
def test_a_map_in_small_portions_is_the_same(
    everything: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    for module in ("problem.network.polylines", "region.ways", "region.extract", "region.border"):
        monkeypatch.setattr(f"optimizer.{module}.PORTION", size)
    for module in ("problem.network.polylines", "region.ways"):
        monkeypatch.setattr(f"optimizer.{module}.ARCS_AT_ONCE", size // 4)
    monkeypatch.setattr("optimizer.region.extract.WAYS_AT_ONCE", size - 3)
    assert_same(everything, built(sample_world(), tmp_path, modes=EVERY_MODE))


def test_new_nodes_are_numbered_below_those_of_the_file(tmp_path: Path) -> None:
    world = World()
    for number, lon in ((-7, 9.9), (-6, 10.05)):
        world.node(number, lon, 45.05)
    world.way(1, [-7, -6], highway="residential")
    network = built(world, tmp_path, border=shapely.box(WEST, SOUTH, EAST, NORTH)).network
    assert sorted(network.node_id.tolist()) == [-8, -7, -6]


def test_compressed_and_binary_extracts_read_alike(tmp_path: Path) -> None:
    xml = sample_world().save(tmp_path / "testland.osm")
    text = xml.read_bytes()
    (tmp_path / "testland.osm.gz").write_bytes(gzip.compress(text))
    (tmp_path / "testland.osm.bz2").write_bytes(bz2.compress(text))
    with osmium.SimpleWriter(str(tmp_path / "testland.osm.pbf")) as writer:
        for each in osmium.FileProcessor(str(xml)):
            writer.add(each)
    plain = read_region(xml, modes=EVERY_MODE)
    for suffix in ("osm.gz", "osm.bz2", "osm.pbf"):
        other = read_region(tmp_path / f"testland.{suffix}", modes=EVERY_MODE)
        assert other.crossings == plain.crossings
        assert other.dropped == plain.dropped
        assert (other.network.length_m == plain.network.length_m).all()


def test_a_boundary_is_known_by_any_of_its_names(tmp_path: Path) -> None:
    for name in ("Testland", "land of tests", "TT"):
        assert len(built(sample_world(), tmp_path, border=name).crossings) == 5


def test_a_boundary_that_does_not_close_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not close.*Testland"):
        built(sample_world(), tmp_path, border="Otherland")
    with pytest.raises(InputError, match=r"does not hold.*Testland"):
        built(sample_world(), tmp_path, border="Atlantis")


def test_of_several_closed_boundaries_one_must_be_named(tmp_path: Path) -> None:
    world = sample_world()
    world.line(902, [(EAST, SOUTH), (10.2, SOUTH), (10.2, NORTH), (EAST, NORTH), (EAST, SOUTH)])
    world.boundary(9002, [902], "Eastland")
    with pytest.raises(InputError, match="Testland, Eastland"):
        built(world, tmp_path)
    assert [each.id for each in built(world, tmp_path, border="Eastland").crossings] == ["w100-1"]


def test_an_extract_without_a_border_still_builds(tmp_path: Path) -> None:
    world = small(
        [(0.0, 0.0), (0.01, 0.0), (0.05, 0.0)],
        [(0.01, 0.0), (0.01, 0.02)],
        [(0.01, 0.0), (0.02, 0.02)],
    )
    world.ways[1][1]["highway"] = "primary"
    world.node(99, 0.01, 0.001, place="village", name="There")
    region = built(world, tmp_path)
    assert region.border is None
    assert region.crossings == ()
    assert [(gateway.id, gateway.kind) for gateway in region.gateways] == [
        ("edge-1", "edge"),
        ("edge-3", "edge"),
    ]
    assert region.settlements[0].domestic


def test_edge_gateways_fall_back_on_lesser_roads_and_need_a_way_in(tmp_path: Path) -> None:
    world = small(
        [(0.0, 0.0), (0.01, 0.0)], [(0.01, 0.0), (0.02, 0.01)], [(0.01, 0.0), (0.02, -0.01)]
    )
    assert len(built(world, tmp_path).gateways) == 3
    world.ways[1][1]["oneway"] = "-1"
    assert [gateway.id for gateway in built(world, tmp_path).gateways] == ["edge-3", "edge-4"]


def test_an_enclave_is_no_part_of_the_country(tmp_path: Path) -> None:
    world = sample_world()
    world.line(
        903, [(10.03, 45.045), (10.04, 45.045), (10.04, 45.055), (10.03, 45.055), (10.03, 45.045)]
    )
    world.relations[9000][0].append(("way", 903, "inner"))
    ids = [crossing.id for crossing in built(world, tmp_path).crossings if crossing.way == 100]
    assert ids == ["w100-1", "w100-2", "w100-3", "w100-4"]


def test_a_user_may_list_crossings_as_official(tmp_path: Path) -> None:
    def official(*marks: object) -> set[str]:
        region = built(sample_world(), tmp_path, modes=EVERY_MODE, official=marks)
        return {crossing.id for crossing in region.crossings if crossing.official}

    assert official("w100-2") == {"w100-1", "w100-2"}
    assert official(103) == official("103") == official("way 103") == {"w100-1", "w103-1"}
    assert official((EAST + 0.001, 45.05)) == {"w100-1", "w100-2"}


def test_every_mark_that_fits_no_crossing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="w100-9") as caught:
        built(
            sample_world(), tmp_path, official=["w100-9", 4711, (0.0, 0.0), (1.0,), None, "w100-2"]
        )
    assert len(caught.value.problems) == 5
    assert "w100-1" in str(caught.value)


@pytest.mark.parametrize(
    ("highway", "away", "official"),
    [("primary", 400, True), ("primary", 600, False), ("track", 90, True), ("track", 200, False)],
)
def test_how_near_a_border_control_must_be(
    tmp_path: Path, highway: str, away: float, official: bool
) -> None:
    world = small([(9.9, 45.05), (10.05, 45.05)], highway=highway)
    metre = 180 / math.pi / EARTH_RADIUS_M / math.cos(math.radians(45.05))
    world.node(99, WEST + away * metre, 45.05, barrier="border_control")
    region = built(world, tmp_path, modes=EVERY_MODE, border=shapely.box(WEST, SOUTH, EAST, NORTH))
    assert [crossing.official for crossing in region.crossings] == [official]


def test_where_no_boundary_closes_none_is_offered(tmp_path: Path) -> None:
    world = sample_world()
    del world.relations[9000]
    with pytest.raises(InputError) as refused:
        built(world, tmp_path, border="Otherland")
    (problem,) = refused.value.problems
    assert problem.expected == (
        "a border that closes: this extract holds none; it holds parts of those of Otherland"
    )
    assert problem.remedy.startswith("Take an extract that holds the whole country, or draw it")
    assert "Name one" not in str(problem)
