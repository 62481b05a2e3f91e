"""Real extracts: every way that meets the border is accounted for, against an
independent reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import osmium
import pytest
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from optimizer.base.errors import ProblemList
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.region import MODES, Region, load_region, read_region, save_region
from optimizer.scenario.file.model import SiteModel
from optimizer.scenario.file.placed import ListedSite, PlacedSite
from optimizer.scenario.sites.sites import place_sites, site_warnings
from tests.shared_data import DATA, needs

OSM = DATA / "osm"
ANDORRA, LIECHTENSTEIN = OSM / "andorra-2025-01.osm.pbf", OSM / "liechtenstein-2024-03.osm.pbf"
PORTO = OSM / "porto.osm.pbf"
ROADS = ("drive", "service", "track")

pytestmark = needs("osm")


@dataclass(frozen=True)
class Known:
    """What the study of the data counted: ways that cut the border by kind, border
    controls, area in square kilometres.
    """

    path: Path
    drive: int
    tracks: int
    controls: int
    area_km2: float


KNOWN = [Known(ANDORRA, 7, 18, 10, 468.2), Known(LIECHTENSTEIN, 12, 21, 3, 160.5)]
ids = [known.path.name.partition("-")[0] for known in KNOWN]


@pytest.fixture(scope="module")
def regions() -> dict[tuple[Path, tuple[str, ...]], Region]:
    return {}


def region_of(
    regions: dict[tuple[Path, tuple[str, ...]], Region], path: Path, modes: tuple[str, ...]
) -> Region:
    if (path, modes) not in regions:
        regions[path, modes] = read_region(path, modes=modes)
    return regions[path, modes]


def country_of(border: BaseGeometry) -> BaseGeometry:
    return shapely.union_all(shapely.get_parts(shapely.polygonize([border])))


@cache
def ways_on_the_border(
    path: Path, border: BaseGeometry
) -> dict[int, tuple[dict[str, str], shapely.LineString]]:
    """Return tags and line of each road or ferry that meets the border, read by
    osmium's own geometry, not by ours.
    """
    found = {}
    objects = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
    shapely.prepare(border)
    for way in objects.with_filter(osmium.filter.KeyFilter("highway", "route")):
        if way.is_way() and ("highway" in way.tags or way.tags["route"] == "ferry"):
            points = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
            if len(points) > 1 and border.intersects(shapely.LineString(points)):
                found[way.id] = dict(way.tags), shapely.LineString(points)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("known", KNOWN, ids=ids)
@pytest.mark.parametrize("modes", [("drive",), ROADS, tuple(MODES)], ids=["drive", "roads", "all"])
def test_every_way_that_meets_the_border_is_a_crossing_or_dropped(
    regions: dict[tuple[Path, tuple[str, ...]], Region], known: Known, modes: tuple[str, ...]
) -> None:
    region = region_of(regions, known.path, modes)
    assert region.border is not None
    meeting = ways_on_the_border(known.path, region.border)
    crossing = {each.way for each in region.crossings}
    dropped = {int(each.what.split()[1]) for each in region.dropped if each.what.startswith("way ")}
    assert crossing
    assert crossing <= set(meeting)
    assert set(meeting) <= crossing | dropped
    assert crossing <= set(region.network.way.tolist())


@pytest.mark.slow
@pytest.mark.parametrize("known", KNOWN, ids=ids)
def test_a_way_has_as_many_crossings_as_it_changes_sides(
    regions: dict[tuple[Path, tuple[str, ...]], Region], known: Known
) -> None:
    region = region_of(regions, known.path, tuple(MODES))
    assert region.border is not None
    country = country_of(region.border)
    compared = 0
    for way, (_, line) in ways_on_the_border(known.path, region.border).items():
        here = [shapely.Point(each.lon, each.lat) for each in region.crossings if each.way == way]
        assert all(
            shapely.distance(region.border, point) < 1e-7 > shapely.distance(line, point)
            for point in here
        )
        ends = shapely.points([line.coords[0], line.coords[-1]])
        if (
            way in region.network.way
            and line.is_simple
            and not shapely.intersects(ends, region.border).any()
        ):
            assert len(here) == changes_of_side(line, region.border, country), way
            compared += 1
    assert compared > 80


def changes_of_side(line: shapely.LineString, border: BaseGeometry, country: BaseGeometry) -> int:
    """Count how often a line goes from inside to outside or back, by GEOS: where its
    pieces off the border lie, in order.
    """
    middles = [
        piece.interpolate(0.5, normalized=True)
        for piece in shapely.get_parts(line.difference(border))
    ]
    middles.sort(key=line.project)
    sides = [bool(country.contains(middle)) for middle in middles]
    return sum(before != after for before, after in pairwise(sides))


@pytest.mark.slow
@pytest.mark.parametrize("known", KNOWN, ids=ids)
def test_counts_agree_with_the_study_of_the_data(
    regions: dict[tuple[Path, tuple[str, ...]], Region], known: Known
) -> None:
    region = region_of(regions, known.path, ROADS)
    assert region.border is not None
    assert abs(
        Geod(ellps="WGS84").geometry_area_perimeter(country_of(region.border))[0]
    ) / 1e6 == pytest.approx(known.area_km2, abs=0.06)
    drive = {each.way for each in region.crossings if each.road_class in MODES["drive"]}
    assert len(drive) == known.drive
    unconnected = {
        each.what for each in region.dropped if each.reason == "not connected to the main network"
    }
    tracks = {each.way for each in region.crossings if each.road_class == "track"}
    lost = {
        way
        for way, (tags, line) in ways_on_the_border(known.path, region.border).items()
        if tags["highway"] == "track"
        and f"way {way}" in unconnected
        and line.crosses(region.border)
    }
    assert len(tracks | lost) == known.tracks


@pytest.mark.slow
@pytest.mark.parametrize("known", KNOWN, ids=ids)
@pytest.mark.parametrize("modes", [("drive",), ROADS, tuple(MODES)], ids=["drive", "roads", "all"])
def test_the_network_hangs_together(
    regions: dict[tuple[Path, tuple[str, ...]], Region], known: Known, modes: tuple[str, ...]
) -> None:
    network = region_of(regions, known.path, modes).network
    assert network.weak_component().max() == 0
    assert (network.length_m > 0).all()
    assert np.isfinite(network.time_s).all()
    assert (network.tail != network.head).all()
    kmh = network.length_m / network.time_s * 3.6
    assert kmh.min() > 0.9
    assert kmh.max() <= 130 + 1e-6


def raw_distances(path: Path, sources: list[int], targets: list[int]) -> NDArray[np.float64]:
    """Return metres between nodes on the roads for driving of an extract, node by node,
    with nothing split, cut or merged.
    """
    tail, head, length = [], [], []
    for way in osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations():
        if (
            not way.is_way()
            or way.tags.get("highway") not in MODES["drive"]
            or way.tags.get("area") == "yes"
        ):
            continue
        oneway = way.tags.get("oneway", "")
        ahead = oneway != "-1"
        back = oneway not in {"yes", "true", "1"} and way.tags.get("junction") not in {
            "roundabout",
            "circular",
        }
        for a, b in pairwise(way.nodes):
            metres = float(great_circle_m(a.lon, a.lat, b.lon, b.lat))
            for one, other, open_ in ((a.ref, b.ref, ahead), (b.ref, a.ref, back)):
                if open_:
                    tail.append(one)
                    head.append(other)
                    length.append(metres)
    nodes, position = np.unique(np.array(tail + head), return_inverse=True)
    graph = cost_graph(nodes.size, position[: len(tail)], position[len(tail) :], np.array(length))
    return graph.distances(np.searchsorted(nodes, sources))[:, np.searchsorted(nodes, targets)]


@pytest.mark.slow
@pytest.mark.parametrize("known", KNOWN, ids=ids)
def test_distances_are_those_of_the_raw_ways(
    regions: dict[tuple[Path, tuple[str, ...]], Region], known: Known
) -> None:
    network = region_of(regions, known.path, ("drive",)).network
    chosen = np.random.default_rng(1).permutation(np.flatnonzero(network.node_id > 0))[:120]
    sources, targets = chosen[:20], chosen[20:]
    graph = cost_graph(network.n_nodes, network.tail, network.head, network.length_m)
    ours = graph.distances(sources)[:, targets]
    raw = raw_distances(
        known.path, network.node_id[sources].tolist(), network.node_id[targets].tolist()
    )
    assert np.isfinite(raw).mean() > 0.5
    assert (np.isfinite(ours) == np.isfinite(raw)).all()
    reached = np.isfinite(raw)
    assert ours[reached] == pytest.approx(raw[reached], rel=1e-6, abs=0.2)


@pytest.mark.parametrize("known", KNOWN, ids=ids)
@pytest.mark.slow
def test_length_is_that_of_the_ways(
    regions: dict[tuple[Path, tuple[str, ...]], Region], known: Known
) -> None:
    """Summed over whole ways, cutting loses and adds nothing (but for the centimetre
    that the shortest segment gets).
    """
    region = region_of(regions, known.path, ("drive",))
    assert region.border is not None
    for way, (_, line) in ways_on_the_border(known.path, region.border).items():
        of_way = np.flatnonzero(region.network.way == way)
        if of_way.size:
            first = np.unique(region.network.segment[of_way], return_index=True)[1]
            points = shapely.get_coordinates(line)
            whole = great_circle_m(
                points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1]
            ).sum()
            assert region.network.length_m[of_way][first].sum() == pytest.approx(
                whole, rel=1e-6, abs=0.02
            )


@pytest.mark.slow
def test_andorra_as_people_know_it(regions: dict[tuple[Path, tuple[str, ...]], Region]) -> None:
    region = region_of(regions, ANDORRA, ROADS)
    official = {each.name for each in region.crossings if each.official}
    assert {"CG-1", "N 22"} <= official
    assert not any(each.official for each in region.crossings if each.road_class == "track")
    assert sum(each.kind == "port" for each in region.gateways) >= 3
    places = {each.name: each for each in region.settlements}
    assert places["Andorra la Vella"].population == 24678
    assert not places["Andorra la Vella"].population_assumed
    assert sum(each.domestic for each in region.settlements) == 67
    assert {each.node for each in region.gateways} <= {each.node for each in region.crossings}
    assert "© OpenStreetMap contributors" in region.attribution


@pytest.mark.slow
def test_customs_posts_that_would_go_to_a_side_street_are_named(
    regions: dict[tuple[Path, tuple[str, ...]], Region],
) -> None:
    """Two real posts whose positions lie nearer to a side street than to the main road,
    and one on the main road itself.
    """
    network = region_of(regions, LIECHTENSTEIN, ("drive",)).network
    posts = [
        ("Schaan-Buchs", 9.4914, 47.1693),
        ("Bendern", 9.5073, 47.2115),
        ("Tisis", 9.5708, 47.21833),
    ]

    def placed(**more: str) -> list[PlacedSite]:
        sites = [
            SiteModel(id=name, label=name, lon=lon, lat=lat, **more) for name, lon, lat in posts
        ]
        problems = ProblemList()
        found = place_sites(
            [ListedSite("sites.csv", {}, site) for site in sites], network, 1000, problems
        )
        problems.raise_if_any()
        return found

    (said,) = site_warnings(placed(), network)
    assert (
        "Schaan-Buchs (19 m from Alte Zollstrasse, unclassified, 24 m from Zollstrasse, primary)"
        in said
    )
    assert "Bendern (5 m from Widagass, residential, 25 m from Eschner Strasse, primary)" in said
    assert "Tisis" not in said
    meant = placed(road_class="primary")
    assert {str(network.road_class[item.arcs[0]]) for item in meant} == {"primary"}
    assert not list(site_warnings(meant, network))


@pytest.mark.slow
def test_a_real_region_survives_saving(
    regions: dict[tuple[Path, tuple[str, ...]], Region], tmp_path: Path
) -> None:
    region = region_of(regions, LIECHTENSTEIN, ROADS)
    save_region(region, tmp_path / "saved.gpkg")
    loaded = load_region(tmp_path / "saved.gpkg")
    assert np.array_equal(region.network.shape, loaded.network.shape)
    assert np.array_equal(region.network.node_id, loaded.network.node_id)
    assert (region.crossings, region.dropped, region.border) == (
        loaded.crossings,
        loaded.dropped,
        loaded.border,
    )


@pytest.mark.slow
def test_building_twice_gives_the_same(regions: dict[tuple[Path, tuple[str, ...]], Region]) -> None:
    first, second = (
        region_of(regions, LIECHTENSTEIN, ROADS),
        read_region(LIECHTENSTEIN, modes=ROADS),
    )
    assert first.crossings == second.crossings
    assert first.dropped == second.dropped
    assert np.array_equal(first.network.shape, second.network.shape)


@pytest.mark.slow
@needs("osm", PORTO.name)
def test_a_city_without_a_border() -> None:
    region = read_region(PORTO)
    assert region.border is None
    assert region.crossings == ()
    assert region.network.weak_component().max() == 0
    first = region.network.segment_arc
    assert region.network.length_m.sum() / 1000 == pytest.approx(15916, rel=0.01)
    assert first.size == region.network.n_segments
    assert {"A 1", "A 3", "A 28"} <= {each.name for each in region.gateways}
    assert {each.kind for each in region.gateways} == {"edge"}
