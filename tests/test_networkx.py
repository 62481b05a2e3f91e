"""Networks from networkx graphs in memory, and back; networkx is the referee of shortest paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import osmnx as ox
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import optimizer as opt
from optimizer.base.errors import InputError
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.region.sources import read_region
from tests.examples import examples
from tests.standin import EAST, NORTH, SOUTH, WEST

KINDS: tuple[Any, ...] = (nx.MultiDiGraph, nx.DiGraph, nx.MultiGraph, nx.Graph)
CLASSES = ("primary", "residential", "track", ["residential", "service"])


def town() -> Any:
    """Return a small OSMnx graph: a one-way street, a bend, parallel edges, a loop,
    attributes that are lists.
    """
    graph = nx.MultiDiGraph(crs="epsg:4326", created_with="a test", simplified=True)
    for name, (x, y) in {11: (9.9, 45.05), 12: (10.05, 45.05), 13: (10.05, 45.08)}.items():
        graph.add_node(name, x=x, y=y, street_count=name - 10)
    bend = [(9.9, 45.05), (9.95, 45.06), (10.05, 45.05)]
    there = {
        "osmid": [7, 8],
        "highway": "primary",
        "length": 12000.5,
        "lanes": ["2", "3"],
        "oneway": False,
        "maxspeed": "50",
    }
    graph.add_edge(11, 12, **there, reversed=False, geometry=shapely.LineString(bend))
    graph.add_edge(12, 11, **there, reversed=True, geometry=shapely.LineString(bend[::-1]))
    graph.add_edge(
        12,
        13,
        osmid=9,
        highway=["residential", "service"],
        length=3400.0,
        travel_time=240.0,
        oneway=True,
    )
    graph.add_edge(12, 13, osmid=10, highway="track", length=3500.0, speed_kph=30.0, name="Alm")
    loop = shapely.LineString([(10.05, 45.08), (10.06, 45.085), (10.05, 45.09), (10.05, 45.08)])
    graph.add_edge(13, 13, osmid=11, highway="residential", length=2500.0, geometry=loop)
    graph.add_edge(13, 12, osmid=12, highway="unclassified", length=3600.0, ref="L1")
    return graph


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """Draw a graph of any kind, with or without places, whose edges state more or less."""
    seed, kind = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from(KINDS))
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    names: list[Any] = (
        [f"n{k}" for k in range(n)] if rng.random() < 0.5 else rng.permutation(50)[:n].tolist()
    )
    placed = bool(rng.random() < 0.8)
    graph = kind(crs="epsg:4326") if rng.random() < 0.8 else kind()
    for name in names:
        place = {"x": float(rng.uniform(9, 10)), "y": float(rng.uniform(45, 46))} if placed else {}
        graph.add_node(name, **place, **({"street_count": 3} if rng.random() < 0.5 else {}))
    for _ in range(int(rng.integers(1, 20))):
        u, v = (names[k] for k in rng.integers(0, n, 2))
        graph.add_edge(u, v, **_edge(rng, graph.nodes[u], graph.nodes[v], placed=placed))
        if rng.random() < 0.3 and kind is nx.MultiDiGraph:
            graph.add_edge(
                v,
                u,
                key=f"back{graph.number_of_edges()}",
                **_edge(rng, graph.nodes[v], graph.nodes[u], placed=placed),
            )
    return graph


def _edge(rng: np.random.Generator, begin: Any, end: Any, *, placed: bool) -> dict[str, Any]:
    edge: dict[str, Any] = {}
    if rng.random() < 0.5 or not placed:
        edge["length"] = float(rng.uniform(1, 5000))
    if rng.random() < 0.3:
        edge["travel_time"] = float(rng.uniform(1, 500))
    if rng.random() < 0.3:
        edge["speed_kph"] = float(rng.uniform(5, 120))
    if rng.random() < 0.6:
        edge["highway"] = CLASSES[int(rng.integers(len(CLASSES)))]
    if rng.random() < 0.4:
        edge["osmid"] = int(rng.integers(1, 5)) if rng.random() < 0.5 else [3, 4]
    if rng.random() < 0.3:
        edge["name"], edge["bridge"] = "Main", "yes"
    if placed and rng.random() < 0.3:
        middle = (float(rng.uniform(9, 10)), float(rng.uniform(45, 46)))
        line = [(begin["x"], begin["y"]), middle, (end["x"], end["y"])]
        edge["geometry"] = shapely.LineString(line[:: 1 if rng.random() < 0.7 else -1])
    return edge


def same_graph(given: Any, back: Any) -> None:
    """Assert that a graph came back: its kind, its attributes, its nodes and edges in
    their order, all that each stated.
    """
    assert type(back) is type(given)
    assert back.graph == given.graph
    assert list(back.nodes) == list(given.nodes)
    for name, data in given.nodes(data=True):
        assert back.nodes[name] == data
    edges = list(
        given.edges(keys=True, data=True) if given.is_multigraph() else given.edges(data=True)
    )
    returned = list(
        back.edges(keys=True, data=True) if given.is_multigraph() else back.edges(data=True)
    )
    assert len(returned) == len(edges)
    for one, other in zip(edges, returned, strict=True):
        assert one[:-1] == other[:-1]
        assert {name: other[-1][name] for name in one[-1]} == one[-1]
        assert set(other[-1]) - set(one[-1]) <= {"length", "travel_time"}


@examples(60)
@given(graphs())
def test_a_round_trip_loses_nothing(graph: Any) -> None:
    network = Network.from_networkx(graph)
    assert network.problems == ()
    back = network.to_networkx()
    same_graph(graph, back)
    again = Network.from_networkx(back)
    np.testing.assert_array_equal(again.length_m, network.length_m)
    np.testing.assert_array_equal(again.time_s, network.time_s)
    np.testing.assert_array_equal(again.segment, network.segment)


@examples(60)
@given(graphs(), st.sampled_from(["length", "travel_time"]))
def test_shortest_paths_are_those_of_networkx(graph: Any, weight: str) -> None:
    network = Network.from_networkx(graph)
    cost = network.length_m if weight == "length" else network.time_s
    ours = cost_graph(network.n_nodes, network.tail, network.head, cost).distances(
        range(network.n_nodes)
    )
    theirs = dict(nx.all_pairs_dijkstra_path_length(network.to_networkx(), weight=weight))
    for row, origin in enumerate(network.node_id.tolist()):
        for column, target in enumerate(network.node_id.tolist()):
            assert ours[row, column] == pytest.approx(theirs[origin].get(target, np.inf), rel=1e-9)


@examples(40)
@given(graphs())
def test_both_directions_of_an_undirected_edge_share_a_segment_and_a_line(graph: Any) -> None:
    network = Network.from_networkx(graph)
    for segment in range(network.n_segments):
        arcs = list(network.arcs_of(segment))
        assert 1 <= len(arcs) <= 2
        if len(arcs) == 2:
            one, other = (
                network.shape[network.shape_start[a] : network.shape_start[a + 1]] for a in arcs
            )
            np.testing.assert_allclose(one, other[::-1])
            assert network.tail[arcs[0]] == network.head[arcs[1]]
    if not graph.is_directed():
        assert network.n_arcs == 2 * graph.number_of_edges() == 2 * network.n_segments


def test_a_town_of_osmnx() -> None:
    network = Network.from_networkx(town())
    assert network.node_id.tolist() == [11, 12, 13]
    assert network.segment.tolist() == [0, 0, 1, 2, 3, 4]
    assert network.way.tolist() == [7, 7, 9, 10, 11, 12]
    assert network.road_class.tolist() == [
        "primary",
        "primary",
        "residential",
        "track",
        "residential",
        "unclassified",
    ]
    assert network.name.tolist() == ["", "", "", "Alm", "", "L1"]
    assert network.time_s == pytest.approx([864.036, 864.036, 240, 420, 360, 518.4])
    assert np.diff(network.shape_start).tolist() == [3, 3, 2, 2, 4, 2]
    same_graph(town(), network.to_networkx())


def test_a_graph_that_is_not_simplified_and_one_without_lengths_are_measured() -> None:
    graph = nx.MultiDiGraph(crs="epsg:4326", simplified=False)
    graph.add_nodes_from(
        [(1, {"x": 9.0, "y": 45.0}), (2, {"x": 9.1, "y": 45.0}), (3, {"x": 9.1, "y": 45.1})]
    )
    graph.add_edges_from([(1, 2), (2, 1), (2, 3)], highway="residential")
    graph.add_edge(3, 3)
    network = Network.from_networkx(graph)
    apart = great_circle_m(np.array([9.0]), np.array([45.0]), np.array([9.1]), np.array([45.0]))[0]
    assert network.length_m[:2] == pytest.approx([apart, apart])
    assert network.length_m[3] == 0.01
    assert network.time_s[0] == pytest.approx(apart / (25 / 3.6))
    assert network.segment.tolist() == [0, 0, 1, 2]
    lengths = nx.get_edge_attributes(ox.distance.add_edge_lengths(graph), "length")
    assert network.length_m[:3] == pytest.approx(
        [lengths[edge] for edge in ((1, 2, 0), (2, 1, 0), (2, 3, 0))], rel=1e-4
    )


def test_a_projected_graph_is_brought_to_degrees_and_given_back_in_metres() -> None:
    graph = ox.project_graph(town())
    network = Network.from_networkx(graph)
    plain = Network.from_networkx(town())
    np.testing.assert_allclose(network.lon, plain.lon, atol=1e-9)
    np.testing.assert_allclose(network.shape, plain.shape, atol=1e-9)
    assert network.segment.tolist() == plain.segment.tolist()
    same_graph(graph, network.to_networkx())


def test_osmnx_works_on_what_comes_back() -> None:
    graph = Network.from_networkx(town()).to_networkx()
    assert ox.routing.shortest_path(graph, 11, 13, weight="travel_time") == [11, 12, 13]
    nodes, edges = ox.graph_to_gdfs(graph)
    assert len(nodes) == 3
    assert len(edges) == 6


def test_a_network_of_our_own_becomes_an_osmnx_graph() -> None:
    network = Network.from_arrays(
        [0, 1, 0],
        [1, 0, 1],
        1000.0,
        lon=[9.0, 9.01],
        lat=[45.0, 45.0],
        name=["A", "A", ""],
        way=[5, 5, 6],
    )
    graph = network.to_networkx()
    assert isinstance(graph, nx.MultiDiGraph)
    assert list(graph.edges(keys=True)) == [(0, 1, 0), (0, 1, 1), (1, 0, 0)]
    assert graph.edges[0, 1, 0] == {
        "length": 1000.0,
        "travel_time": 144.0,
        "highway": "road",
        "name": "A",
        "osmid": 5,
    }
    assert network.edge_keys == [(0, 1, 0), (1, 0, 0), (0, 1, 1)]
    assert Network.from_networkx(graph).n_segments == network.n_segments == 2


def test_results_are_written_back_as_edge_attributes() -> None:
    graph = town()
    network = Network.from_networkx(graph)
    options = [
        opt.Option(f"post-{s}", network.arcs_of(s), (0.5,) * len(network.arcs_of(s)), {"teams": 1})
        for s in range(3)
    ]
    instance = opt.make_instance(
        network,
        reliability=np.full(network.n_arcs, 0.9),
        evaders=[opt.Evader("e", 0, 2, 2.0)],
        options=options,
        resources=[opt.Resource("teams", 1)],
    )
    plan = opt.solve(instance).plan
    assert plan is not None
    results = opt.arc_results(instance, plan)
    assert results.load.sum() == pytest.approx(4.0)  # weight 2 on two arcs
    nx.set_edge_attributes(
        graph, dict(zip(network.edge_keys, results.load.tolist(), strict=True)), "load"
    )
    assert graph.edges[11, 12, 0]["load"] == pytest.approx(2.0)
    written = network.to_networkx(results.columns())
    assert written.edges[11, 12, 0]["placed"] == int("post-0" in plan.options)
    assert written.edges[11, 12, 0]["survival"] == pytest.approx(0.45)
    with pytest.raises(InputError, match="one value an arc"):
        network.to_networkx({"load": np.zeros(2)})


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        (lambda _: nx.MultiDiGraph(), "graph", "found no nodes; expected at least one node"),
        (nx.create_empty_copy, "graph", "found no edges; expected at least one edge"),
        (
            lambda _: nx.grid_2d_graph(2, 2),
            "graph, nodes",
            r"the node \(0, 0\) of type tuple.*convert_node_labels_to_integers",
        ),
        (
            lambda g: nx.relabel_nodes(g, {11: "eleven"}),
            "graph, nodes",
            "all integers or all strings",
        ),
        (lambda g: g.nodes[12].pop("x"), "graph, nodes, x", "nothing, or no number, of node 12"),
        (lambda g: g.nodes[12].update(x=200.0), "graph, nodes", "200, 45.05 at position 1"),
        (
            lambda g: g.edges[12, 13, 0].update(length=-5),
            "graph, edges, length",
            r"-5 of edge \(12, 13, 0\)",
        ),
        (
            lambda g: g.edges[12, 13, 0].update(length=0),
            "graph, edges, length",
            "a length in metres above 0",
        ),
        (lambda g: g.edges[12, 13, 0].update(length="far"), "graph, edges, length", "'far'"),
        (lambda g: g.edges[12, 13, 0].update(length=float("inf")), "graph, edges, length", "inf"),
        (
            lambda g: g.edges[12, 13, 0].update(travel_time=-1),
            "graph, edges, travel_time",
            "a time in seconds above 0",
        ),
        (
            lambda g: g.edges[12, 13, 1].update(speed_kph=0),
            "graph, edges, speed_kph",
            "a speed in km/h above 0",
        ),
        (lambda g: g.graph.update(crs="epsg:32632"), "graph, edges, geometry", ""),
        (
            lambda g: g.graph.update(crs="no such system"),
            "graph, nodes",
            "a coordinate system that is unknown",
        ),
        (
            lambda g: g.edges[11, 12, 0].update(geometry=shapely.Point(9, 45)),
            "graph, edges, geometry",
            "a Point at position 0",
        ),
        (
            lambda g: g.edges[11, 12, 0].update(
                geometry=shapely.LineString([(570000, 4.99e6), (580000, 4.99e6)])
            ),
            "graph, edges, geometry",
            "coordinates in epsg:4326",
        ),
        (
            lambda g: g.edges[11, 12, 0].update(
                geometry=shapely.LineString([(11, 45.05), (11.1, 45.05)])
            ),
            "graph, edges, geometry",
            r"a line 8\d km from its nodes",
        ),
        (lambda _: nx.Graph([(0, 1)]), "graph, edges, length", r"no length of edge \(0, 1\)"),
        (
            lambda _: "map.graphml",
            "graph",
            "a str; expected a networkx graph in memory.*read_region",
        ),
    ],
)
def test_every_fault_of_a_graph_has_one_clear_message(
    change: Callable[[Any], Any], where: str, message: str
) -> None:
    graph = town()
    changed = change(graph)
    graph = changed if isinstance(changed, str | nx.Graph) else graph
    if (
        where == "graph, edges, geometry" and not message
    ):  # nodes and lines in degrees, said to be metres: far from Europe, but together
        assert Network.from_networkx(graph).lat.max() < 1
        return
    with pytest.raises(InputError, match=message) as caught:
        Network.from_networkx(graph)
    assert caught.value.problems[0].where.startswith(where)
    assert len(caught.value.problems) == 1


def test_a_region_is_made_of_a_graph_in_memory() -> None:
    graph = town()
    region = read_region(graph, border=shapely.box(WEST, SOUTH, EAST, NORTH))
    assert len(region.crossings) == 1
    network = region.network
    assert network.length_m[network.way == 7].sum() == pytest.approx(2 * 12000.5)
    assert network.time_s[network.way == 7].sum() == pytest.approx(2 * 864.036)
    same = read_region(Network.from_networkx(graph))
    assert same.network.node_id.tolist()[:3] == [11, 12, 13]
    assert set(same.network.way.tolist()) == {7, 9, 10, 11, 12}


def test_a_region_of_a_graph_in_memory_is_that_of_the_file(tmp_path: Any) -> None:
    graph = town()
    ox.save_graphml(graph, tmp_path / "town.graphml")
    border = shapely.box(WEST, SOUTH, EAST, NORTH)
    one, other = (
        read_region(graph, border=border).network,
        read_region(tmp_path / "town.graphml", border=border).network,
    )

    def rows(network: Network) -> list[Any]:
        ends = (network.node_id[network.tail].tolist(), network.node_id[network.head].tolist())
        return sorted(
            zip(
                *ends,
                network.way.tolist(),
                network.length_m.round(6).tolist(),
                network.time_s.round(6).tolist(),
                strict=True,
            )
        )

    assert rows(one) == rows(other)


def test_what_is_no_region_is_told_where_to_go() -> None:
    with pytest.raises(InputError, match="from_frames"):
        read_region({"nodes": []})
    with pytest.raises(InputError, match="nodes with x and y"):
        read_region(nx.Graph([(0, 1, {"length": 5})]))
