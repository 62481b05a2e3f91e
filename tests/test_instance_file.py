"""The instance file: a round trip, and every fault named."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.problem.files.instance_file import (
    InstanceModel,
    instance_from_model,
    instance_schema,
    instance_to_model,
    make_instance,
    read_instance,
    write_instance,
)
from optimizer.problem.instance.checks import without_unreachable
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.network.geodesy import EARTH_RADIUS_M, great_circle_m
from optimizer.problem.network.shortest_paths import cost_graph
from tests.cases import put, random_instance
from tests.examples import examples
from tests.tiny import PLACES, tiny_region

SMALL: dict[str, Any] = {
    "schema_version": 1,
    "name": "small",
    "nodes": {"id": [1, 2, 3]},
    "arcs": {"tail": [1, 2, 1], "head": [2, 3, 3], "reliability": [0.9, 0.8, 0.5]},
    "evaders": [
        {"id": "e", "origin": 1, "destination": 3, "weight": 1},
        {
            "id": "h",
            "origin": 1,
            "destination": 3,
            "weight": 1,
            "routes": [{"arcs": [0, 1], "share": 1.0}],
        },
    ],
    "options": [
        {
            "id": "a",
            "effects": [{"arc": 0, "survival": 0.5}],
            "uses": {"teams": 1},
            "agency": "north",
        },
        {"id": "b", "effects": [{"arc": 2, "survival": 0.5}], "uses": {"teams": 1}},
    ],
    "resources": [{"id": "teams", "budget": 1, "agency": "north"}],
    "agencies": ["north", "south"],
    "exclusions": [["a", "b"]],
}


@given(st.integers(0, 2**20))
@examples(25)
def test_writing_and_reading_gives_the_same_instance(seed: int) -> None:
    instance = random_instance(seed)
    again = instance_from_model(
        InstanceModel.model_validate_json(instance_to_model(instance).model_dump_json()), "again"
    )
    for name in ("node_id", "tail", "head", "reliability"):
        assert np.array_equal(getattr(again, name), getattr(instance, name))
    for name in ("name", "evaders", "options", "resources", "exclusions"):
        assert getattr(again, name) == getattr(instance, name)


def test_a_file_round_trip_keeps_integers_integers(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(SMALL))
    instance = read_instance(tmp_path / "a.json")
    write_instance(tmp_path / "b.json", instance)
    assert read_instance(tmp_path / "b.json").options == instance.options
    assert read_instance(tmp_path / "b.json").node_id.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("nmae", "x"), "Did you mean 'name'"),
        (put("schema_version", 3), "schema_version"),
        (put("nodes.id", [1, 2, 2]), "2 again"),
        (put("nodes.id", [1, "2", 3]), "nodes.id"),
        (put("arcs.tail", [1, 2, 9]), r"arcs.tail\[2\]: found 9"),
        (put("arcs.tail", [1, 2]), "columns of one length"),
        (put("arcs.reliability", [0.9, 0.0, 0.5]), r"reliability\[1\]"),
        (put("evaders.0.destination", 9), r"evaders.destination\[0\]"),
        (put("evaders.0.destination", 1), "two different nodes"),
        (put("evaders.0.origin", 3), "no path|two different nodes"),
        (put("evaders.0.weight", -1), "weight"),
        (put("evaders.1.routes.0.arcs", [1, 0]), "a route from 2 to 2"),
        (put("evaders.1.routes.0.arcs", [0, 7]), "does not exist"),
        (put("evaders.1.routes.0.share", 0.5), "sum to 0.5"),
        (put("options.0.effects.0.arc", 3), "below 3"),
        (put("options.0.effects.0.survival", 1.0), "survival"),
        (put("options.0.uses", {"team": 1}), "Did you mean 'teams'"),
        (put("options.0.uses", {"teams": -1}), "uses.teams"),
        (put("options.0.agency", "south"), "belongs to 'north'"),
        (put("options.0.agency", "nort"), "Did you mean 'north'"),
        (put("options.1.id", "a"), "'a' again"),
        (put("exclusions.0", ["a", "c"]), r"exclusions\[0\]"),
        (put("resources.0.budget", -1), "budget"),
        (put("nodes.lon", [1.0, 2.0]), "nodes.lo"),
    ],
)
def test_every_fault_is_named(
    change: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    content = json.loads(json.dumps(SMALL))
    change(content)
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_instance(tmp_path / "x.json")


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    content = json.loads(json.dumps(SMALL))
    content["options"][0]["uses"] = {"team": 1}
    content["arcs"]["tail"][2] = 9
    content["exclusions"] = [["c"]]
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        read_instance(tmp_path / "x.json")
    assert len(caught.value.problems) == 3


def test_an_unreachable_destination_is_named(tmp_path: Path) -> None:
    content = json.loads(json.dumps(SMALL))
    content["arcs"] = {"tail": [1], "head": [2], "reliability": [0.9]}
    content["evaders"] = content["evaders"][:1]
    content["options"] = []
    content["exclusions"] = []
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="evader 'e': found no path from 1 to 3"):
        read_instance(tmp_path / "x.json")


def _cut_off(tmp_path: Path, reachable: int, lost: int) -> Path:
    """Write an instance with evaders from 1 to 2, and others from 2 to 1, where no arc leads."""
    content = json.loads(json.dumps(SMALL)) | {"options": [], "exclusions": []}
    content["arcs"] = {"tail": [1], "head": [2], "reliability": [0.9]}
    content["evaders"] = [
        {"id": f"there-{k}", "origin": 1, "destination": 2, "weight": 1} for k in range(reachable)
    ]
    content["evaders"] += [
        {"id": f"back-{k}", "origin": 2, "destination": 1, "weight": 1} for k in range(lost)
    ]
    (tmp_path / "x.json").write_text(json.dumps(content))
    return tmp_path / "x.json"


def test_ten_unreachable_evaders_are_named_and_all_counted(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_instance(_cut_off(tmp_path, 3, 12))
    *named, last = caught.value.problems
    assert [problem.where.rsplit(" ", 1)[1] for problem in named] == [
        f"'back-{k}'" for k in range(10)
    ]
    assert "--skip-unreachable" in named[0].remedy
    assert last.found == "2 more without a path, 12 of 15 in all"


def test_unreachable_evaders_are_left_out_when_somebody_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    instance = read_instance(_cut_off(tmp_path, 2, 2), on_unreachable=told.extend)
    assert told == ["back-0", "back-1"]
    assert [evader.id for evader in instance.evaders] == ["there-0", "there-1"]


def test_nobody_is_told_when_all_can_be_reached(tmp_path: Path) -> None:
    told: list[object] = []
    assert len(read_instance(_cut_off(tmp_path, 2, 0), on_unreachable=told.append).evaders) == 2
    assert not told


def test_an_instance_whose_evaders_are_all_cut_off_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="no path from origin to destination for any of the 3 evaders"
    ):
        read_instance(_cut_off(tmp_path, 0, 3), on_unreachable=lambda _: None)


@given(st.integers(0, 2**20))
@examples(60)
def test_reach_is_what_networkx_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 12))
    tail, head = rng.integers(0, n, (2, int(rng.integers(0, 2 * n)))).astype(np.int32)
    pairs = [(o, d) for o, d in rng.integers(0, n, (6, 2)).tolist() if o != d]
    evaders = tuple(Evader(f"e{k}", o, d, 1.0) for k, (o, d) in enumerate(pairs))
    instance = Instance("random", np.arange(n), tail, head, np.ones(tail.size), evaders, (), ())
    graph = nx.DiGraph(list(zip(tail.tolist(), head.tolist(), strict=True)))
    graph.add_nodes_from(range(n))
    lost = [
        evader.id for evader in evaders if not nx.has_path(graph, evader.origin, evader.destination)
    ]
    rest, skipped = without_unreachable(instance)
    assert list(skipped) == lost
    assert [evader.id for evader in rest.evaders] == [
        evader.id for evader in evaders if evader.id not in lost
    ]


def test_hundreds_of_parallel_arcs_are_a_way() -> None:
    ends = np.zeros(256, dtype=np.int32)
    evaders = (Evader("there", 0, 1, 1.0), Evader("back", 1, 0, 1.0))
    instance = Instance("bundle", np.arange(2), ends, ends + 1, np.ones(256), evaders, (), ())
    assert without_unreachable(instance)[1] == ("back",)


def test_make_instance_checks_what_it_is_given() -> None:
    network = tiny_region().network
    with pytest.raises(InputError, match="survival"):
        make_instance(
            network,
            reliability=np.full(network.n_arcs, 0.9),
            evaders=[],
            options=[Option("a", (0,), (1.5,))],
            resources=[Resource("teams", 1)],
        )


def test_the_schema_is_published_and_strict() -> None:
    schema = instance_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"name", "nodes", "arcs", "evaders"}


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
