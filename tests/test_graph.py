"""Shortest paths and nearest places against networkx, shapely and arithmetic."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.problem.network.geodesy import EARTH_RADIUS_M, great_circle_m
from optimizer.problem.network.shortest_paths import cost_graph
from tests.examples import examples
from tests.tiny import PLACES, tiny_region

SEEDS = st.integers(0, 2**20)


@given(SEEDS, st.booleans())
@examples(60)
def test_distances_and_paths_agree_with_networkx(seed: int, reverse: bool) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 12)), int(rng.integers(1, 40))
    tail, head = rng.integers(0, n, m).astype(np.int32), rng.integers(0, n, m).astype(np.int32)
    cost = np.where(rng.random(m) < 0.2, 0.0, rng.uniform(0, 5, m))
    cost[rng.random(m) < 0.1] = np.inf
    graph = cost_graph(n, tail, head, cost, reverse=reverse)
    referee = nx.MultiDiGraph()
    referee.add_nodes_from(range(n))
    for a in np.flatnonzero(np.isfinite(cost)):
        ends = (head[a], tail[a]) if reverse else (tail[a], head[a])
        referee.add_edge(int(ends[0]), int(ends[1]), weight=float(cost[a]))
    costs, predecessors = graph.trees([0])
    truth = nx.single_source_dijkstra_path_length(referee, 0)
    for node, arcs in zip(range(n), graph.paths(predecessors[0], range(n)), strict=True):
        assert costs[0, node] == pytest.approx(truth.get(node, np.inf), abs=1e-12)
        if node != 0 and node in truth:
            assert cost[list(arcs)].sum() == pytest.approx(truth[node], abs=1e-12)
            starts, stops = (head, tail) if reverse else (tail, head)
            assert starts[arcs[0]] == 0
            assert stops[arcs[-1]] == node
            assert all(stops[a] == starts[b] for a, b in pairwise(arcs))
        else:
            assert arcs == ()


def test_parallel_arcs_keep_the_cheapest_and_its_identity() -> None:
    graph = cost_graph(2, np.array([0, 0, 0]), np.array([1, 1, 1]), np.array([3.0, 1.0, 2.0]))
    assert graph.distances([0])[0, 1] == 1.0
    assert graph.paths(graph.trees([0])[1][0], [1]) == [(1,)]


def test_great_circle_on_known_arcs() -> None:
    quarter = great_circle_m(np.array([0.0]), np.array([0.0]), np.array([90.0]), np.array([0.0]))
    assert quarter[0] == pytest.approx(np.pi / 2 * EARTH_RADIUS_M)
    pole = great_circle_m(np.array([10.0]), np.array([0.0]), np.array([200.0]), np.array([90.0]))
    assert pole[0] == pytest.approx(np.pi / 2 * EARTH_RADIUS_M)


def test_nearest_segment_and_node() -> None:
    network = tiny_region().network
    segment, distance = network.nearest_segments(np.array([10.2, 10.0]), np.array([50.2, 50.051]))
    assert network.name[network.segment_arc[segment]].tolist() == ["R5", "R0"]
    assert distance == pytest.approx([0, 0], abs=1e-3)
    lon, lat = PLACES["north-city"]
    node, off = network.nearest_nodes(np.array([lon]), np.array([lat + 0.01]))
    assert network.node_id[node[0]] == "north-city"
    assert off[0] == pytest.approx(np.radians(0.01) * EARTH_RADIUS_M, rel=1e-6)


def test_lines_follow_the_first_arc_of_each_segment() -> None:
    network = tiny_region().network
    for segment, arc in enumerate(network.segment_arc):
        first = network.lines[segment].coords[0]
        assert first == (network.lon[network.tail[arc]], network.lat[network.tail[arc]])
