"""Map matching: against every sequence of states, against networkx, against another
matcher, and against the truth of a drive.
"""

from __future__ import annotations

from itertools import pairwise, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.operations.map_matching import (
    MatchParams,
    _routes,
    _States,
    _viterbi,
    length_graph,
    match_path,
)
from optimizer.operations.stays import StayParams, Track, movement, stays
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.problem.network.network import Network
from tests.examples import examples

LON, LAT, BLOCK = 10.0, 50.0, 300.0
"""Corner of a grid of streets, in degrees, and the length of a block in metres."""
SIDE = 7


def degrees(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude of metres from the corner."""
    return LON + x / METRES_PER_DEGREE / np.cos(np.radians(LAT)), LAT + y / METRES_PER_DEGREE


def grid(one_way: float = 0.2, seed: int = 0) -> Network:
    """Return a grid of streets of uneven speed, some of them one-way."""
    rng = np.random.default_rng(seed)
    index = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    streets = [*zip(index[:, :-1].ravel(), index[:, 1:].ravel(), strict=True)]
    streets += [*zip(index[:-1].ravel(), index[1:].ravel(), strict=True)]
    arcs = [(a, b, s) for s, (a, b) in enumerate(streets)]
    arcs += [(b, a, s) for a, b, s in arcs if rng.random() > one_way]
    tail, head, segment = (np.array(column) for column in zip(*arcs, strict=True))
    y, x = np.divmod(np.arange(SIDE * SIDE), SIDE)
    lon, lat = degrees(x * BLOCK, y * BLOCK)
    time = BLOCK / rng.uniform(8, 20, len(streets))[segment]
    length = np.full(tail.size, BLOCK)
    return Network.from_arrays(tail, head, length, time, lon=lon, lat=lat, segment=segment)


def drive(
    network: Network, nodes: tuple[int, ...], every_s: float, noise_m: float, seed: int
) -> tuple[Track, NDArray[np.float64], NDArray[np.int64]]:
    """Return the track of a drive by the shortest way through some nodes, the hours on
    each segment, and the segment of each position.
    """
    rng = np.random.default_rng(seed)
    graph = length_graph(network)
    arcs = [arc for a, b in pairwise(nodes) for arc in graph.paths(graph.trees([a])[1][0], [b])[0]]
    ends = np.cumsum(network.time_s[arcs])
    times = np.arange(0, ends[-1], every_s)
    k = np.searchsorted(ends, times, side="right")
    share = 1 - (ends[k] - times) / network.time_s[np.array(arcs)[k]]
    arc = np.array(arcs)[k]
    lon, lat = (
        end[network.tail[arc]] + share * (end[network.head[arc]] - end[network.tail[arc]])
        for end in (network.lon, network.lat)
    )
    noise = rng.normal(0, noise_m / METRES_PER_DEGREE, (2, times.size))
    hours = np.bincount(network.segment[arcs], network.time_s[arcs], network.n_segments) / 3600
    track = Track("car", "car.gpx", times, lon + noise[0] / np.cos(np.radians(LAT)), lat + noise[1])
    return track, hours, network.segment[arc].astype(np.int64)


@examples(40)
@given(st.integers(0, 10**6))
def test_viterbi_finds_the_most_probable_of_all_sequences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    emission, step = rng.normal(size=(n, k)), rng.normal(size=(n - 1, k, k))
    chosen, linked = _viterbi(emission, step)

    def worth(states: tuple[int, ...]) -> float:
        steps = (float(step[t, states[t], states[t + 1]]) for t in range(n - 1))
        return sum(float(emission[t, s]) for t, s in enumerate(states)) + sum(steps)

    assert worth(tuple(chosen.tolist())) == pytest.approx(
        max(map(worth, product(range(k), repeat=n)))
    )
    assert linked.all()


def test_a_chain_ends_where_no_road_goes_on() -> None:
    step = np.zeros((2, 2, 2))
    step[1] = -np.inf
    chosen, linked = _viterbi(np.array([[0.0, 1.0], [0.0, -np.inf], [-np.inf, -np.inf]]), step)
    assert chosen.tolist() == [1, 0, -1]
    assert linked.tolist() == [True, False]


@pytest.mark.parametrize("seed", range(3))
def test_ways_by_road_are_those_of_networkx(seed: int) -> None:
    network, rng = grid(0.4, seed), np.random.default_rng(seed)
    lon, lat = degrees(*rng.uniform(0, (SIDE - 1) * BLOCK, (2, 12)))
    states = _States.near(network, lon, lat, MatchParams(within_m=160, candidates=3))
    found = _routes(network, length_graph(network), states, np.full(11, 3000.0))
    graph = nx.DiGraph()
    for tail, head, metres in zip(
        network.tail.tolist(), network.head.tolist(), network.length_m, strict=True
    ):
        graph.add_edge(tail, head, weight=float(metres))
    between = dict(nx.all_pairs_dijkstra_path_length(graph))
    for t, a, b in product(range(11), range(found.shape[1]), range(found.shape[1])):
        if not (np.isfinite(states.off_m[t, a]) and np.isfinite(states.off_m[t + 1, b])):
            assert np.isinf(found[t, a, b])
            continue
        ways = [
            states.leave_m[t, a, i]
            + between[int(states.leave_node[t, a, i])].get(
                int(states.reach_node[t + 1, b, j]), np.inf
            )
            + states.reach_m[t + 1, b, j]
            for i, j in product(range(2), repeat=2)
        ]
        if states.segment[t, a] == states.segment[t + 1, b]:
            ways.append(abs(states.along_m[t, a] - states.along_m[t + 1, b]))
        expected = min(ways) if min(ways) <= 3000 else np.inf
        assert found[t, a, b] == pytest.approx(expected, abs=1e-6)


def test_hours_of_a_drive_come_out_on_their_roads() -> None:
    network = grid()
    found, truth = np.zeros(network.n_segments), np.zeros(network.n_segments)
    for seed in range(6):
        track, hours, _ = drive(network, (0, 48, 6, 42, 24), 30, 15, seed)
        move = movement(track, network, length_graph(network))
        found += (
            np.bincount(
                move.segment[move.segment >= 0], move.seconds[move.segment >= 0], found.size
            )
            / 3600
        )
        truth += hours
    assert found.sum() == pytest.approx(truth.sum(), rel=0.05)
    assert np.abs(found - truth).sum() < 0.12 * truth.sum()


def test_another_matcher_agrees() -> None:
    """Leuven.MapMatching (Meert and Verbeke 2018) on the same streets."""
    distance = pytest.importorskip("leuvenmapmatching.matcher.distance")
    inmem = pytest.importorskip("leuvenmapmatching.map.inmem")
    network = grid(0.0)
    track, _, truth = drive(network, (0, 48, 6, 42), 10, 15, 1)
    ours = match_path(
        network, length_graph(network), np.diff(track.time), track.lon, track.lat
    ).segment
    streets = inmem.InMemMap("grid", use_latlon=True)
    for node in range(network.n_nodes):
        streets.add_node(node, (float(network.lat[node]), float(network.lon[node])))
    of_ends = {}
    for tail, head, segment in zip(
        *(x.tolist() for x in (network.tail, network.head, network.segment)), strict=True
    ):
        streets.add_edge(tail, head)
        of_ends[tail, head] = segment
    matcher = distance.DistanceMatcher(
        streets, max_dist=150, obs_noise=15, non_emitting_states=True
    )
    states, last = matcher.match([*zip(track.lat.tolist(), track.lon.tolist(), strict=True)])
    assert last == track.time.size - 1
    theirs = np.full(track.time.size, -1)
    for state in matcher.lattice_best:
        if state.obs_ne == 0:
            theirs[state.obs] = of_ends[state.edge_m.l1, state.edge_m.l2]
    assert len(states) >= track.time.size
    right = [float((found == truth).mean()) for found in (ours, theirs)]
    assert right[0] >= right[1] - 0.02
    assert (ours == theirs).mean() > 0.9


def standing(
    minutes: float, every_s: float, x: float, begin: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return (k, 3) times and metres of a unit that stands."""
    times = np.arange(begin, begin + 60 * minutes, every_s)
    return np.column_stack(
        (times, x + rng.normal(0, 15, times.size), rng.normal(0, 15, times.size))
    )


@pytest.mark.parametrize("every_s", [5, 60, 300])
def test_stays_are_found_and_slow_driving_is_none(every_s: float) -> None:
    rng = np.random.default_rng(3)
    creep = np.arange(4000, 7000, every_s)
    rows = np.concatenate(
        (
            standing(30, every_s, 0, 0, rng),
            # 4 km/h for 50 minutes
            np.column_stack((creep, 3000 + 1.2 * (creep - 4000), np.zeros(creep.size))),
            standing(45, every_s, 9000, 8000, rng),
        )
    )
    lon, lat = degrees(rows[:, 1], rows[:, 2])
    found = stays(rows[:, 0], lon, lat, StayParams())
    assert len(found) == 2
    for (first, last), minutes in zip(found, (30, 45), strict=True):
        assert rows[last, 0] - rows[first, 0] == pytest.approx(
            60 * minutes, abs=max(2 * every_s, 90)
        )


def test_positions_off_the_roads_and_gaps_are_no_effort() -> None:
    network = grid()
    track, _, _ = drive(network, (0, 6), 30, 5, 0)
    away = Track("car", "", track.time + 7200, track.lon, track.lat + 0.3)
    both = Track(
        "car",
        "",
        *(np.concatenate((getattr(track, n), getattr(away, n))) for n in ("time", "lon", "lat")),
    )
    move = movement(both, network, length_graph(network))
    on = move.segment >= 0
    assert move.seconds[on].sum() == pytest.approx(track.time[-1], rel=0.02)
    assert move.off_roads == track.time.size
    assert len(move.covered) == 2


def test_a_track_of_no_or_one_position_is_nothing() -> None:
    network = grid()
    for n in (0, 1):
        track = Track("car", "", *(np.full(n, value) for value in (0.0, LON, LAT)))
        assert movement(track, network, length_graph(network)).seconds.sum() == 0
