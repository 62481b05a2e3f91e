"""Networks from data frames and arrays, and what every network and instance is checked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import osmnx as ox
import pandas as pd
import pytest

import optimizer as opt
from optimizer.base.errors import InputError
from optimizer.problem.network.network import Network
from tests.cases import random_instance
from tests.test_networkx import same_graph, town


def frames() -> tuple[Any, Any]:
    nodes, edges = ox.graph_to_gdfs(town())
    return nodes, edges


def test_frames_of_osmnx_give_the_network_of_its_graph() -> None:
    nodes, edges = frames()
    network, graph = Network.from_frames(nodes, edges), Network.from_networkx(town())
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
    ):
        np.testing.assert_array_equal(getattr(network, name), getattr(graph, name))
    same_graph(ox.graph_from_gdfs(nodes, edges), network.to_networkx())


def test_plain_frames_are_enough() -> None:
    nodes = pd.DataFrame({"id": ["a", "b"], "x": [9.0, 9.1], "y": [45.0, 45.0]})
    edges = pd.DataFrame({"u": ["a", "b"], "v": ["b", "a"], "metres": [8000, 8000]})
    network = Network.from_frames(nodes, edges, length="metres")
    assert network.length_m.tolist() == [8000, 8000]
    assert network.segment.tolist() == [0, 0]
    assert network.to_networkx().edges["a", "b", 0]["metres"] == 8000


def test_points_stand_in_for_x_and_y_and_projected_frames_are_brought_to_degrees() -> None:
    nodes, edges = frames()
    plain = Network.from_frames(nodes, edges)
    network = Network.from_frames(nodes.drop(columns=["x", "y"]).to_crs(32632), edges.to_crs(32632))
    np.testing.assert_allclose(network.lon, plain.lon, atol=1e-9)
    np.testing.assert_allclose(network.shape, plain.shape, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        (lambda n, e: (n, e.reset_index(drop=True)), "edges, columns", "no u among"),
        (
            lambda n, e: (n.drop(columns=["x", "y", "geometry"]), e),
            "nodes, columns",
            "x and y, or a geometry",
        ),
        (
            lambda n, e: (n, e.to_crs(32632)),
            "nodes and edges",
            "epsg:4326 and EPSG:32632.*one coordinate system",
        ),
        (lambda n, e: (pd.concat([n, n[:1]]), e), "nodes, ids", "11 again at position 3"),
        (lambda n, e: (n, pd.concat([e, e[:1]])), "edges, (u, v, key)", "again at position 6"),
        (
            lambda n, e: (n[:2], e),
            "edges, u",
            "13 at position 4, 13 at position 5; expected an id of the nodes",
        ),
        (lambda n, e: (n[:0], e[:0]), "frames", "no nodes"),
        (lambda n, e: (n, e[:0]), "frames", "no edges"),
        (
            lambda n, e: (n, e.assign(length=-1.0)),
            "frames, edges, length",
            r"-1.0 of edge \(11, 12, 0\).*and 3 more",
        ),
        (lambda n, _e: (n, [1, 2]), "edges", "a list; expected a data frame"),
    ],
)
def test_every_fault_of_frames_has_one_clear_message(
    change: Callable[[Any, Any], tuple[Any, Any]], where: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Network.from_frames(*change(*frames()))
    assert caught.value.problems[0].where == where


def test_arrays_and_their_defaults() -> None:
    network = Network.from_arrays(
        [0, 1, 1, 2], [1, 0, 2, 2], [100.0, 100.0, 50.0, 10.0], road_class="track"
    )
    assert network.node_id.tolist() == [0, 1, 2]
    assert network.time_s == pytest.approx([24, 24, 12, 2.4])
    assert network.segment.tolist() == [0, 0, 1, 2]
    assert not network.has_map
    instance = opt.make_instance(
        network,
        reliability=[0.9, 0.9, 0.8, 1.0],
        evaders=[opt.Evader("e", 0, 2, 1.0)],
        options=[],
        resources=[],
    )
    assert instance.lonlat is None
    assert opt.evaluate(instance, []).value == pytest.approx(0.72)  # and a loop does no harm


def test_parallel_arcs_pair_in_their_order() -> None:
    network = Network.from_arrays([0, 0, 1, 1, 1], [1, 1, 0, 0, 0], 100.0)
    assert network.segment.tolist() == [0, 1, 0, 1, 2]
    assert Network.from_arrays([0, 1], [1, 0], [100.0, 101.0]).segment.tolist() == [0, 1]
    assert Network.from_arrays([0, 1], [1, 0], [100.0, 101.0], segment=[0, 0]).n_segments == 1
    assert Network.from_arrays([0, 1], [1, 0], 100.0, way=[1, 2]).n_segments == 2


@pytest.mark.parametrize(
    ("arguments", "where", "message"),
    [
        ({"head": [1, -1]}, "head", "-1 at position 1"),
        (
            {"tail": [0, 9], "node_id": [1, 2]},
            "tail",
            "9 at position 1; expected positions of nodes from 0 to 1",
        ),
        ({"tail": ["a", "b"]}, "tail", "Give positions, not ids"),
        ({"tail": [], "head": []}, "tail", "no arcs"),
        ({"head": [1]}, "head", "1 values; expected 2"),
        (
            {"length_m": [1.0, 0.0]},
            "network, length_m",
            "0 at position 1; expected finite metres above 0",
        ),
        ({"length_m": [np.nan, 1.0]}, "network, length_m", "nan at position 0"),
        ({"length_m": [1.0, 2.0, 3.0]}, "length_m", r"shape \(3,\); expected shape \(2,\)"),
        ({"length_m": ["far", "off"]}, "length_m", "numbers"),
        (
            {"time_s": [-3.0, 1.0]},
            "network, time_s",
            "-3 at position 0; expected finite seconds above 0",
        ),
        ({"lon": [0.0, 999.0]}, "network, lon and lat", "999, 0 at position 1"),
        ({"node_id": [7, 7]}, "network, node_id", "7 again at position 1"),
        ({"segment": [0, 5]}, "network, segment", "5 at position 1"),
        ({"segment": [1, 1]}, "network, segment", "numbers up to 1 without 0"),
        ({"shape": [[0.0, 0.0]]}, "shape", "both, or neither"),
        (
            {"shape": [[0.0, 0.0], [1.0, 1.0]], "shape_start": [0, 1, 2]},
            "network, shape_start",
            "the shortest of 1 points",
        ),
        (
            {"shape": [[0.0, 0.0]] * 4, "shape_start": [0, 2]},
            "network, shape_start",
            r"shape \(2,\); expected shape \(3,\)",
        ),
    ],
)
def test_every_fault_of_arrays_has_one_clear_message(
    arguments: dict[str, Any], where: str, message: str
) -> None:
    given: dict[str, Any] = {"tail": [0, 1], "head": [1, 0], "length_m": 100.0} | arguments
    with pytest.raises(InputError, match=message) as caught:
        Network.from_arrays(**given)
    assert caught.value.problems[0].where == where


def test_faults_of_arrays_are_reported_together() -> None:
    with pytest.raises(InputError) as caught:
        Network.from_arrays([0, 1], [1, 0], [0.0, 1.0], [1.0, -1.0], lat=[0.0, 91.0])
    assert [problem.where for problem in caught.value.problems] == [
        "network, lon and lat",
        "network, length_m",
        "network, time_s",
        "network, shape",
    ]


def instance() -> opt.Instance:
    return opt.make_instance(
        Network.from_arrays([0, 1, 1], [1, 0, 2], 100.0),
        reliability=[0.9, 0.9, 0.8],
        evaders=[opt.Evader("e", 0, 2, 1.0), opt.Evader("h", 0, 2, 1.0, (opt.Route((0, 2), 1.0),))],
        options=[
            opt.Option("a", (0, 1), (0.5, 0.5), {"teams": 1}),
            opt.Option("b", (2,), (0.4,), {"teams": 1}),
        ],
        resources=[opt.Resource("teams", 1)],
        exclusions=[(0, 1)],
    )


def option(**change: Any) -> dict[str, Any]:
    return {"options": (replace(instance().options[0], **change), instance().options[1])}


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        (
            {"evaders": (opt.Evader("e", 0, 3, 1.0),)},
            "evaders, destination",
            "3 of evader 'e'.*from 0 to 2",
        ),
        ({"evaders": (opt.Evader("e", -1, 2, 1.0),)}, "evaders, origin", "-1 of evader 'e'"),
        (
            {"evaders": (opt.Evader("e", "A", 2, 1.0),)},  # type: ignore[arg-type]
            "evaders, origin",
            "Give the position of the node, not its id",
        ),
        ({"evaders": (opt.Evader("e", 0, 2, -1.0),)}, "evaders, weight", "-1 at position 0"),
        ({"evaders": (opt.Evader("e", 0, 2, float("nan")),)}, "evaders, weight", "nan"),
        (
            {"evaders": (opt.Evader("e", 0, 2, 1.0), opt.Evader("e", 0, 1, 1.0))},
            "evaders, id",
            "'e' 2 times",
        ),
        (
            {"evaders": (opt.Evader("e", 0, 2, 1, (opt.Route((0, 7), 1.0),)),)},
            "evader 'e', routes[0]",
            "does not exist",
        ),
        (
            {"evaders": (opt.Evader("e", 0, 2, 1, (opt.Route((0, 2), 1.5),)),)},
            "evader 'e', routes[0]",
            "a share of 1.5",
        ),
        ({"head": np.array([1, 0, -1])}, "head", "-1 at position 2"),
        ({"tail": np.array([0, 1, 9])}, "tail", "9 at position 2"),
        ({"tail": np.array([0, 1])}, "head", r"shape \(3,\); expected shape \(2,\)"),
        (
            {"reliability": np.array([0.9, 0.0, 1.1])},
            "reliability",
            "0 at position 1, 1.1 at position 2",
        ),
        ({"reliability": np.array([0.9, np.nan, 1.0])}, "reliability", "nan at position 1"),
        ({"node_id": np.array([0, 0, 1])}, "node_id", "0 again at position 1"),
        (
            option(survival=(1.0, 0.5)),
            "option 'a', survival",
            r"1.0; expected chances to pass undetected, in \[0, 1\)",
        ),
        (option(survival=(0.5,)), "option 'a', survival", "1 chances for 2 arcs"),
        (option(arcs=(0, 3)), "option 'a', arcs", "arc 3; expected positions of arcs from 0 to 2"),
        (option(arcs=(0, 0)), "option 'a', arcs", "an arc named twice"),
        (option(uses={"team": 1}), "option 'a', uses", "Did you mean 'teams'"),
        (option(uses={"teams": -1}), "option 'a', uses", "-1 of 'teams'"),
        (option(id="b"), "options, id", "'b' 2 times"),
        (option(forced=True, forbidden=True), "option 'a'", "both forced and forbidden"),
        ({"resources": (opt.Resource("teams", 1e16),)}, "resources, budget", r"1e\+16"),
        ({"exclusions": ((0, 2),)}, "exclusions[0]", "positions of options from 0 to 1"),
    ],
)
def test_solve_and_evaluate_refuse_what_is_at_fault(
    change: dict[str, Any], where: str, message: str
) -> None:
    faulty = replace(instance(), **change)
    for use in (opt.solve, lambda each: opt.evaluate(each, [])):
        with pytest.raises(InputError, match=message) as caught:
            use(faulty)
        assert caught.value.problems[0].where == f"instance, {where}"


@pytest.mark.parametrize("seed", range(20))
def test_random_instances_have_no_fault(seed: int) -> None:
    assert random_instance(seed).problems == ()


def test_an_instance_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    case = replace(instance())

    def no_problems(each: opt.Instance) -> tuple[()]:
        checked.append(each.name)
        return ()

    monkeypatch.setattr("optimizer.problem.instance.instance.instance_problems", no_problems)
    opt.evaluate(case, [])
    opt.evaluate(case, ["a"])
    opt.solve(case)
    assert checked == ["instance"]


def test_make_instance_refuses_a_network_at_fault() -> None:
    network = replace(Network.from_arrays([0, 1], [1, 0], 100.0), head=np.array([1, -1]))
    with pytest.raises(InputError, match="-1 at position 1"):
        opt.make_instance(network, reliability=np.ones(2), evaders=[], options=[], resources=[])


def test_budgets_and_marks_change_without_compiling() -> None:
    case = instance()
    base = opt.solve(case)
    assert base.plan is not None
    assert base.plan.options == ("b",)
    assert opt.solve(case.with_budget("teams", 0)).plan == opt.Plan(())
    forced = opt.solve(case.with_forced("a")).plan
    assert forced is not None
    assert forced.options == ("a",)
    other = opt.solve(case.with_forbidden("b")).plan
    assert other is not None
    assert other.options == ("a",)
    assert case.with_forbidden("b").with_forced("b").options[1].forbidden is False
    assert case.with_forced("b").with_forced("b", forced=False).options == case.options
    assert case.resources[0].budget == 1
    assert opt.evaluate(case.with_budget("teams", 2), ["b"]) == opt.evaluate(case, ["b"])


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda case: case.with_budget("team", 1), "Did you mean 'teams'"),
        (lambda case: case.with_budget("teams", -1), "found -1"),
        (lambda case: case.with_forced("a", "z"), "'z'"),
        (lambda case: case.with_forbidden("y", "z"), "'y'.*\n.*'z'"),
    ],
)
def test_changes_name_what_is_not_there(
    use: Callable[[opt.Instance], object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        use(instance())
