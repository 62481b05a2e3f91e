"""Graphs that others saved: GraphML, and GeoPackages as OSMnx writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyogrio
import pytest
import shapely

from optimizer.base.errors import InputError
from optimizer.problem.network.network import Network
from optimizer.region import read_region
from tests.standin import EAST, NORTH, SOUTH, WEST

COUNTRY = shapely.box(WEST, SOUTH, EAST, NORTH)


def graphml(
    nodes: dict[str, tuple[object, object]],
    edges: list[tuple[str, str, dict[str, object]]],
    *,
    directed: bool = True,
    crs: str = "epsg:4326",
) -> str:
    """Return GraphML as OSMnx writes it: every value a string."""
    names = [
        "osmid",
        "highway",
        "name",
        "length",
        "geometry",
        "maxspeed",
        "speed_kph",
        "travel_time",
    ]
    keys = [
        f'<key id="{name}" for="edge" attr.name="{name}" attr.type="string"/>' for name in names
    ]
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        '<key id="d0" for="node" attr.name="x" attr.type="string"/>',
        '<key id="d1" for="node" attr.name="y" attr.type="string"/>',
        '<key id="d2" for="graph" attr.name="crs" attr.type="string"/>',
        *keys,
        (
            f'<graph edgedefault="{"directed" if directed else "undirected"}"><data'
            f' key="d2">{crs}</data>'
        ),
    ]
    for name, (x, y) in nodes.items():
        lines.append(f'<node id="{name}"><data key="d0">{x}</data><data key="d1">{y}</data></node>')
    for tail, head, values in edges:
        inner = "".join(f'<data key="{key}">{value}</data>' for key, value in values.items())
        lines.append(f'<edge source="{tail}" target="{head}">{inner}</edge>')
    return "\n".join([*lines, "</graph></graphml>"])


NODES: dict[str, tuple[object, object]] = {
    "1": (9.9, 45.05),
    "2": (10.05, 45.05),
    "3": (10.05, 45.08),
}
BEND = "LINESTRING (9.9 45.05, 9.95 45.06, 10.05 45.05)"
BEND_BACK = "LINESTRING (10.05 45.05, 9.95 45.06, 9.9 45.05)"


def read(path: Path, text: str, **options: Any) -> Any:
    file = path / "graph.graphml"
    file.write_text(text, encoding="utf-8")
    return read_region(file, **options)


def ends(network: Network) -> list[tuple[Any, Any]]:
    return list(
        zip(
            network.node_id[network.tail].tolist(),
            network.node_id[network.head].tolist(),
            strict=True,
        )
    )


def test_to_and_fro_become_one_segment(tmp_path: Path) -> None:
    edges: list[tuple[str, str, dict[str, object]]] = [
        ("1", "2", {"osmid": 7, "highway": "primary", "geometry": BEND}),
        ("2", "1", {"osmid": 7, "highway": "primary", "geometry": BEND_BACK}),
        (
            "2",
            "3",
            {
                "osmid": "[8, 9]",
                "highway": "['residential', 'service']",
                "name": "['Lane', 'Other']",
            },
        ),
    ]
    network = read(tmp_path, graphml(NODES, edges)).network
    assert ends(network) == [(1, 2), (2, 1), (2, 3)]
    assert network.segment.tolist() == [0, 0, 1]
    assert network.way.tolist() == [7, 7, 8]
    assert network.road_class.tolist() == ["primary", "primary", "residential"]
    assert network.name.tolist() == ["", "", "Lane"]
    assert np.diff(network.shape_start).tolist() == [3, 3, 2]


def test_parallel_edges_in_one_direction_stay_apart(tmp_path: Path) -> None:
    network = read(
        tmp_path, graphml(NODES, [("1", "2", {}), ("1", "2", {}), ("2", "3", {})])
    ).network
    assert ends(network) == [(1, 2), (1, 2), (2, 3)]
    assert network.n_segments == 3


def test_an_undirected_graph_goes_both_ways(tmp_path: Path) -> None:
    network = read(
        tmp_path, graphml(NODES, [("1", "2", {}), ("2", "3", {})], directed=False)
    ).network
    assert ends(network) == [(1, 2), (2, 1), (2, 3), (3, 2)]
    assert network.segment.tolist() == [0, 0, 1, 1]


def test_stated_lengths_times_and_speeds_are_taken(tmp_path: Path) -> None:
    edges: list[tuple[str, str, dict[str, object]]] = [
        ("1", "2", {"length": 20000, "travel_time": 900}),
        ("2", "3", {"length": 5000, "speed_kph": 36}),
        ("3", "2", {"length": 5000, "maxspeed": "18"}),
    ]
    network = read(tmp_path, graphml(NODES, edges)).network
    assert network.length_m.tolist() == [20000, 5000, 5000]
    assert network.time_s == pytest.approx([900, 500, 1000])
    assert network.road_class.tolist() == ["road"] * 3


def test_a_border_shares_out_what_an_edge_states(tmp_path: Path) -> None:
    edges: list[tuple[str, str, dict[str, object]]] = [
        ("1", "2", {"length": 15000, "travel_time": 600, "osmid": 7}),
        ("2", "1", {"length": 15000, "travel_time": 600, "osmid": 7}),
        ("2", "3", {}),
    ]
    region = read(tmp_path, graphml(NODES, edges), border=COUNTRY, official=["w7-1"])
    network = region.network
    assert [(crossing.id, crossing.official) for crossing in region.crossings] == [("w7-1", True)]
    assert ends(network) == [(1, -1), (-1, 1), (-1, 2), (2, -1), (2, 3)]
    assert network.length_m[:2] == pytest.approx([10000, 10000], rel=1e-3)
    assert network.time_s[[0, 2]].sum() == pytest.approx(600)


def test_names_that_are_no_numbers_stay_text(tmp_path: Path) -> None:
    nodes: dict[str, tuple[object, object]] = {"a": (9.9, 45.05), "2": (10.05, 45.05)}
    region = read(tmp_path, graphml(nodes, [("a", "2", {})]), border=COUNTRY)
    assert sorted(region.network.node_id.tolist()) == ["2", "a", "border-1"]


def test_a_projected_graph_is_brought_to_degrees(tmp_path: Path) -> None:
    nodes: dict[str, tuple[object, object]] = {"1": (500000, 4983000), "2": (510000, 4983000)}
    network = read(tmp_path, graphml(nodes, [("1", "2", {})], crs="epsg:32632")).network
    assert network.lon[0] == pytest.approx(9.0)
    assert network.lat[0] == pytest.approx(45.0, abs=0.01)
    assert network.length_m[0] == pytest.approx(10000, rel=0.005)


def test_a_loop_of_no_length_is_dropped_and_a_drawn_one_split(tmp_path: Path) -> None:
    loop = "LINESTRING (10.05 45.05, 10.06 45.06, 10.07 45.05, 10.05 45.05)"
    region = read(
        tmp_path, graphml(NODES, [("1", "2", {}), ("2", "2", {}), ("2", "2", {"geometry": loop})])
    )
    assert [(item.what, item.reason) for item in region.dropped] == [
        ("edge 2-2", "a loop of no length")
    ]
    assert (region.network.tail != region.network.head).all()
    assert np.unique(region.network.node_id).size == region.network.n_nodes


def test_every_fault_of_a_graph_is_named(tmp_path: Path) -> None:
    nodes = {**NODES, "4": (200, 45), "5": (10, "nan")}
    with pytest.raises(InputError) as caught:
        read(tmp_path, graphml(nodes, [("1", "99", {}), ("1", "2", {})]))
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "node 4" in text
    assert "node 5" in text
    assert "edge 1-99" in text


def test_many_faults_are_counted_not_listed(tmp_path: Path) -> None:
    nodes: dict[str, tuple[object, object]] = {str(number): (999, 0) for number in range(50)}
    with pytest.raises(InputError, match="30 more") as caught:
        read(tmp_path, graphml(nodes, [("1", "2", {})]))
    assert len(caught.value.problems) == 2
    assert "node 0, and 19 more places" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (graphml({"1": ("", 45)}, []), "node 1"),
        (graphml(NODES, []), "no edges"),
        (graphml(NODES, [("1", "2", {})], crs="epsg:999999"), "coordinate system"),
        (graphml(NODES, [("1", "2", {})])[:-30], "cannot be read"),
        ("not xml at all", "cannot be read"),
        ("", "cannot be read"),
        ("<osm/>", "<graph>"),
    ],
)
def test_what_is_no_graph(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        read(tmp_path, text)


def test_a_document_type_definition_is_refused(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE g [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    with pytest.raises(InputError, match="document type definition"):
        read(tmp_path, bomb + graphml(NODES, [("1", "2", {"name": "&b;"})]).partition("?>")[2])


@pytest.fixture(scope="module")
def osmnx_graph() -> nx.MultiDiGraph[int]:
    import networkx as nx

    graph = nx.MultiDiGraph(crs="epsg:4326", simplified=True)
    for number, (x, y) in NODES.items():
        graph.add_node(int(number), x=x, y=y, street_count=2)
    bend = shapely.from_wkt(BEND)
    common: dict[str, Any] = {
        "osmid": [7, 8],
        "highway": "primary",
        "oneway": False,
        "name": "Main",
    }
    graph.add_edge(1, 2, length=12345.6, geometry=bend, reversed=False, **common)
    graph.add_edge(2, 1, length=12345.6, geometry=bend.reverse(), reversed=True, **common)
    graph.add_edge(2, 3, length=3000.0, osmid=9, highway="track", oneway=True, reversed=False)
    return graph


@pytest.mark.parametrize("suffix", ["graphml", "gpkg"])
def test_what_osmnx_saves_is_read(
    osmnx_graph: nx.MultiDiGraph[int], tmp_path: Path, suffix: str
) -> None:
    import osmnx

    path = tmp_path / f"saved.{suffix}"
    if suffix == "graphml":
        osmnx.save_graphml(osmnx_graph, path)
    else:
        osmnx.save_graph_geopackage(osmnx_graph, path, directed=True)
    region = read_region(path, border=COUNTRY)
    network = region.network
    assert [crossing.id for crossing in region.crossings] == ["w7-1"]
    assert ends(network) == [(1, -1), (-1, 1), (-1, 2), (2, -1), (2, 3)]
    assert network.way.tolist() == [7, 7, 7, 7, 9]
    assert network.name.tolist() == ["Main"] * 4 + [""]
    assert network.length_m[[0, 2, 4]].sum() == pytest.approx(15345.6)


def write_layer(path: Path, layer: str, shapes: list[Any], kind: str, **columns: list[Any]) -> None:
    wkb = np.array([shape.wkb for shape in shapes], dtype=object)
    data = [np.array(values) for values in columns.values()]
    pyogrio.raw.write(
        path,
        wkb,
        data,
        list(columns),
        layer=layer,
        driver="GPKG",
        geometry_type=kind,
        crs="EPSG:4326",
    )


def test_a_geopackage_that_lacks_something_says_what(tmp_path: Path) -> None:
    path = tmp_path / "foreign.gpkg"
    write_layer(path, "nodes", [shapely.Point(10, 45)], "Point", label=[1])
    with pytest.raises(InputError, match="the layers nodes and edges"):
        read_region(path)
    write_layer(path, "edges", [shapely.LineString([(10, 45), (11, 45)])], "LineString", u=[1])
    with pytest.raises(InputError) as caught:
        read_region(path)
    assert "one of osmid" in str(caught.value)
    assert "no field v" in str(caught.value)
