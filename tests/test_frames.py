"""Data frames in, data frames out; and the building blocks of a program: candidates,
evaders, places.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

import optimizer as opt
from optimizer.base.errors import InputError
from optimizer.records.reading import read_effort, read_seizures
from optimizer.records.sources import EffortSource, SeizureSource
from optimizer.risk.demand import gateway_masses, gravity, travel_hours
from optimizer.risk.simple_maps import CountsOverEffort
from tests.tiny import tiny_region


def street_grid(side: int = 6, seed: int = 0) -> opt.Network:
    """Return a square grid of streets both ways, of random length, about 100 m apart."""
    ids = np.arange(side * side).reshape(side, side)
    tail = np.concatenate((ids[:, :-1].ravel(), ids[:-1].ravel()))
    head = np.concatenate((ids[:, 1:].ravel(), ids[1:].ravel()))
    length = np.random.default_rng(seed).uniform(90, 110, tail.size)
    return opt.Network.from_arrays(
        np.concatenate((tail, head)),
        np.concatenate((head, tail)),
        np.tile(length, 2),
        node_id=1000 + np.arange(side * side),
        lon=9 + np.tile(np.arange(side), side) / 1000,
        lat=45 + np.repeat(np.arange(side), side) / 1000,
        road_class="residential",
    )


def test_evaders_and_resources_from_frames() -> None:
    network = street_grid()
    frame = pd.DataFrame(
        {
            "origin": [1000, 1001],
            "destination": [1035, 1030],
            "weight": [1, 2.5],
            "label": ["x", None],
        }
    )
    evaders = opt.evaders_from_frame(frame, network)
    assert evaders == (
        opt.Evader("1000 > 1035", 0, 35, 1.0, label="x"),
        opt.Evader("1001 > 1030", 1, 30, 2.5),
    )
    frame = pd.DataFrame(
        {"budget": [3, 1e5], "unit": ["", "EUR"]}, index=pd.Index(["teams", "money"], name="id")
    )
    assert opt.resources_from_frame(frame) == (
        opt.Resource("teams", 3.0),
        opt.Resource("money", 1e5, unit="EUR"),
    )


def test_options_from_frames_by_arc_by_segment_and_by_place() -> None:
    network = street_grid()
    by_arc = pd.DataFrame(
        {
            "id": ["a", "b", "a"],
            "arc": [0, 3, 5],
            "survival": [0.5, 0.4, 0.3],
            "uses:teams": [1, 2, np.nan],
            "kind": "patrol",
        }
    )
    assert opt.options_from_frame(by_arc, network) == (
        opt.Option("a", (0, 5), (0.5, 0.3), {"teams": 1.0}, kind="patrol"),
        opt.Option("b", (3,), (0.4,), {"teams": 2.0}, kind="patrol"),
    )
    by_segment = pd.DataFrame(
        {"id": ["a"], "segment": [7], "survival": [0.5], "forced": [True], "existing": [None]}
    )
    (option,) = opt.options_from_frame(by_segment, network)
    assert option.arcs == network.arcs_of(7)
    assert option.survival == (0.5, 0.5)
    assert option.forced
    assert not option.existing
    lon, lat = network.segment_midpoint[7]
    by_place = pd.DataFrame({"id": ["a"], "lon": [lon], "lat": [lat + 1e-5], "survival": [0.5]})
    points = gpd.GeoDataFrame(
        by_place[["id", "survival"]],
        geometry=gpd.points_from_xy(by_place["lon"], by_place["lat"]),
        crs="EPSG:4326",
    )
    for frame in (by_place, points, points.to_crs(32632)):
        assert opt.options_from_frame(frame, network)[0].arcs == network.arcs_of(7)


@pytest.mark.parametrize(
    ("use", "where", "message"),
    [
        (
            lambda n: opt.evaders_from_frame(pd.DataFrame({"origin": [1000], "weight": [1]}), n),
            "evaders, columns",
            "no 'destination' among",
        ),
        (
            lambda n: opt.evaders_from_frame(
                pd.DataFrame({"origin": [0], "destination": [1001], "weight": [1]}), n
            ),
            "evaders, origin",
            "0 at position 0; expected ids of nodes",
        ),
        (
            lambda n: opt.evaders_from_frame(
                pd.DataFrame({"origin": [1000], "destination": [1001], "weight": [-1]}), n
            ),
            "evaders, weight",
            "-1 at position 0",
        ),
        (lambda n: opt.evaders_from_frame([1], n), "evaders", "a list; expected a data frame"),
        (
            lambda _: opt.resources_from_frame(pd.DataFrame({"id": ["a"], "budgt": [1]})),
            "resources, columns",
            "Did you mean 'budgt'",
        ),
        (
            lambda n: opt.options_from_frame(pd.DataFrame({"id": ["a"], "survival": [0.5]}), n),
            "options, columns",
            "Say where",
        ),
        (
            lambda n: opt.options_from_frame(
                pd.DataFrame({"id": ["a"], "survival": [1.0], "arc": [0]}), n
            ),
            "options, survival",
            "1.0 at position 0; expected numbers from 0, below 1",
        ),
        (
            lambda n: opt.options_from_frame(
                pd.DataFrame({"id": ["a"], "survival": [0.5], "arc": [-1]}), n
            ),
            "options, arc",
            "-1 at position 0",
        ),
        (
            lambda n: opt.options_from_frame(
                pd.DataFrame({"id": ["a"], "survival": [0.5], "segment": [6000]}), n
            ),
            "options, segment",
            "6000 at position 0",
        ),
        (
            lambda n: opt.options_from_frame(
                pd.DataFrame({"id": ["a"], "survival": [0.5], "lon": [10], "lat": [45]}), n
            ),
            "options, place",
            "m to the nearest road",
        ),
        (
            lambda n: opt.options_from_frame(
                gpd.GeoDataFrame(
                    {"id": ["a"], "survival": [0.5]},
                    geometry=[shapely.LineString([(9, 45), (9, 46)])],
                ),
                n,
            ),
            "options, geometry",
            "LineString at position 0; expected points",
        ),
    ],
)
def test_every_fault_of_a_frame_has_one_clear_message(
    use: Callable[[opt.Network], object], where: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        use(street_grid())
    assert [problem.where for problem in caught.value.problems] == [where]


def records(network: opt.Network) -> pd.DataFrame:
    lon, lat = network.segment_midpoint[[3, 3, 9]].T
    days = ["2024-01-05", "2024-02-01", "2024-02-03"]
    return pd.DataFrame(
        {
            "time": days,
            "lon": lon,
            "lat": lat,
            "amount": [1.5, 2.0, 4.0],
            "drug": ["x", "", "y"],
            "count": [1, 2, 1],
        }
    )


def test_records_from_frames_are_those_of_files(tmp_path: Path) -> None:
    network = street_grid()
    frame = records(network)
    frame.to_csv(tmp_path / "frame", index=False)
    seizures = read_seizures(
        [SeizureSource(file="frame", source="frame")], network, folder=tmp_path
    )
    effort = read_effort(
        [EffortSource(file="frame", source="frame", unit="hours")], network, folder=tmp_path
    )
    points = gpd.GeoDataFrame(
        frame.drop(columns=["lon", "lat"]),
        geometry=gpd.points_from_xy(frame["lon"], frame["lat"]),
        crs=4326,
    ).to_crs(32632)
    for given in (frame, frame.assign(time=pd.to_datetime(frame["time"])), points):
        same_columns(opt.seizures_from_frame(given, network), seizures)
        same_columns(opt.effort_from_frame(given, network), effort)
    renamed = frame.rename(columns={"time": "day"})
    same_columns(opt.seizures_from_frame(renamed, network, columns={"time": "day"}), seizures)


def test_missing_values_of_every_kind_are_empty_cells() -> None:
    network = street_grid()
    frame = records(network)
    plain = frame.assign(drug=np.array(["x", None, "y"], dtype=object), count=[1, np.nan, 1])
    nullable = frame.assign(
        drug=pd.Series(["x", pd.NA, "y"], dtype="string"),
        count=pd.Series([1, pd.NA, 1], dtype="Int64"),
        quantity=pd.Series([pd.NA] * 3, dtype="Float64"),
    )
    same_columns(
        opt.seizures_from_frame(nullable, network), opt.seizures_from_frame(plain, network)
    )


def same_columns(one: Any, other: Any) -> None:
    for name, value in vars(other).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(one, name), value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns=["time"]), "no time"),
        (lambda f: f.drop(columns=["lon"]), "no place"),
        (lambda f: f[:0], "no row"),
        (lambda f: f.assign(time="soon"), "frame, row 1, column 'time'.*'soon'"),
        (lambda f: f.assign(count=-1), "frame, row 1, column 'count'"),
        (lambda _: [1], "a list; expected a data frame"),
    ],
)
def test_every_fault_of_records_has_a_message(change: Callable[[Any], Any], message: str) -> None:
    network = street_grid()
    with pytest.raises(InputError, match=message):
        opt.seizures_from_frame(change(records(network)), network)
    with pytest.raises(InputError, match="no column 'day' among"):
        opt.seizures_from_frame(records(network), network, columns={"time": "day"})


def small_instance() -> tuple[opt.Network, opt.Instance]:
    network = street_grid()
    evaders = opt.evaders_between(
        network, opt.gateways_at(network, [0, 5]), opt.settlements_at(network, [30, 35], [100, 300])
    )
    segments = opt.candidate_segments(network, 0.99, evaders, 10)
    options = opt.options_on(network, segments, survival=0.5, uses={"teams": 1})
    teams = opt.Resource("teams", 3)
    return network, opt.make_instance(
        network, reliability=0.99, evaders=evaders, options=options, resources=[teams]
    )


def test_plans_and_evaluations_become_frames() -> None:
    network, instance = small_instance()
    plan = opt.solve(instance).plan
    assert plan is not None
    frame = plan.to_frame()
    assert tuple(frame["id"]) == plan.options
    assert frame["uses:teams"].tolist() == [1.0] * len(plan.options)
    again = (
        frame[["id", "arcs", "survival", "uses:teams"]]
        .explode(["arcs", "survival"])
        .rename(columns={"arcs": "arc"})
    )
    options = opt.options_from_frame(again.astype({"arc": int, "survival": float}), network)
    assert [(each.id, each.arcs, each.survival, each.uses) for each in options] == [
        (each.id, each.arcs, each.survival, each.uses)
        for each in (placement.option for placement in plan.placements)
    ]
    evaluation = opt.evaluate(instance, plan)
    evaders = evaluation.to_frame()
    assert (evaders["weight"] * evaders["value"]).sum() == pytest.approx(evaluation.value)
    assert evaders["route"][0] == evaluation.evaders[0].route
    assert opt.Plan(()).to_frame().columns[0] == "id"
    assert len(opt.Plan(()).to_frame()) == 0


def test_an_estimate_becomes_a_frame() -> None:
    network = tiny_region().network
    frame = pd.DataFrame(
        {"time": "2024", "segment": range(network.n_segments), "amount": 1.0, "count": 1}
    )
    effort = opt.effort_from_frame(frame, network)
    estimate = (
        CountsOverEffort().fit(opt.seizures_from_frame(frame, network), effort, network).predict()
    )
    plain = estimate.to_frame()
    assert plain.index.name == "segment"
    np.testing.assert_array_equal(plain["median"], estimate.median)
    drawn = estimate.to_frame(network)
    assert drawn.crs.to_epsg() == 4326
    assert drawn.geometry.tolist() == network.lines.tolist()


def test_candidates_lie_on_best_routes_and_on_the_ways_round_them() -> None:
    network = street_grid(8)
    evaders = [opt.Evader("e", 0, 63, 1.0)]
    reliability = np.exp(-network.length_m / 1e4)
    first = opt.candidate_segments(network, reliability, evaders, 40, rounds=1)
    graph = network.to_networkx()
    path = nx.shortest_path(graph, 1000, 1063, weight="length")
    ends = [
        frozenset(network.node_id[[network.tail[a], network.head[a]]].tolist())
        for a in network.segment_arc
    ]
    assert {ends[segment] for segment in first.tolist()} == {
        frozenset(pair) for pair in itertools.pairwise(path)
    }
    more = opt.candidate_segments(network, reliability, evaders, 40)
    assert len(set(more.tolist())) == more.size > first.size
    apart = opt.candidate_segments(network, reliability, evaders, 40, spacing_m=250)
    middle = network.segment_midpoint[apart]
    for row in range(apart.size):
        others = np.delete(middle, row, axis=0)
        metres = 111_195 * np.hypot(
            (others[:, 0] - middle[row, 0]) * np.cos(np.radians(45)), others[:, 1] - middle[row, 1]
        )
        assert metres.min() > 249
    only = np.arange(network.n_segments) % 2 == 0
    assert only[opt.candidate_segments(network, reliability, evaders, 40, allowed=only)].all()
    assert opt.candidate_segments(network, reliability, evaders, 0).size == 0


def test_evaders_follow_gravity() -> None:
    network = street_grid()
    gateways = opt.gateways_at(network, [0, 5], kind="port", exposure=[1.0, 3.0])
    settlements = opt.settlements_at(network, [30, 35, 5], [100, 300, 50])
    evaders = opt.evaders_between(network, gateways, settlements, loads=10.0, decay_hours=0.05)
    assert sum(evader.weight for evader in evaders) == pytest.approx(10)
    assert [evader.id for evader in evaders] == [
        "1000 > 1030",
        "1000 > 1035",
        "1000 > 1005",
        "1005 > 1030",
        "1005 > 1035",
    ]
    hours = travel_hours(network, gateways, settlements)
    people = np.array([100.0, 300.0, 50.0])
    share = gravity(
        gateway_masses(gateways, np.ones(2), {}), people, hours, decay_hours=0.05, power=1.0
    )
    share[1, 2] = 0  # from a node to itself
    assert [evader.weight for evader in evaders] == pytest.approx(
        (10 * share[share > 0] / share.sum()).tolist()
    )


def test_some_evaders_keep_to_their_routes() -> None:
    network = street_grid()
    gateways, settlements = opt.gateways_at(network, 0), opt.settlements_at(network, [35])
    reliability = np.full(network.n_arcs, 0.99)
    informed, habitual = opt.evaders_between(
        network, gateways, settlements, habitual_share=0.25, reliability=reliability, draws=20
    )
    assert (informed.weight, habitual.weight) == pytest.approx((0.75, 0.25))
    assert not informed.routes
    assert sum(route.share for route in habitual.routes) == pytest.approx(1)
    opt.make_instance(
        network, reliability=reliability, evaders=[informed, habitual], options=[], resources=[]
    )


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda n: opt.gateways_at(n, [99]), "99 at position 0"),
        (lambda n: opt.gateways_at(n, [-1]), "-1 at position 0"),
        (
            lambda n: opt.settlements_at(n, [1], 0),
            "0 at position 0; expected finite numbers above 0",
        ),
        (lambda n: opt.settlements_at(n, [1, 2], [5, 6, 7]), r"shape \(3,\)"),
        (lambda n: opt.options_on(n, [0, 600], survival=0.5, uses={}), "600 at position 1"),
        (lambda n: opt.options_on(n, [0], survival=1, uses={}), "1 at position 0"),
        (lambda n: opt.evaders_between(n, [], opt.settlements_at(n, [1])), "gateways: found none"),
        (
            lambda n: opt.evaders_between(n, opt.gateways_at(n, [1]), opt.settlements_at(n, [1])),
            "loads between some pair",
        ),
        (
            lambda n: opt.evaders_between(
                n, opt.gateways_at(n, [1]), opt.settlements_at(n, [2]), loads=0
            ),
            "loads: found 0",
        ),
        (
            lambda n: opt.evaders_between(
                n, opt.gateways_at(n, [1]), opt.settlements_at(n, [2]), habitual_share=0.5
            ),
            "reliability: found none",
        ),
        (lambda n: opt.candidate_segments(n, 1.5, [], 3), "reliability"),
        (lambda n: opt.candidate_segments(n, 0.9, [], -3), "count: found -3"),
        (lambda n: opt.candidate_segments(n, 0.9, [], 3, allowed=[True]), "allowed"),
    ],
)
def test_building_blocks_name_their_faults(
    use: Callable[[opt.Network], object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        use(street_grid())
