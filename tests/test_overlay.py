"""The contraction against the roads themselves: every plan keeps its value, and nothing
is kept that no plan needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial, reduce
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.plans import comparison
from optimizer.problem.instance.evaders import ContractedNetwork, Evader, Route, Searches, arc_costs
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option
from optimizer.problem.network.shortest_paths import ArcOrder, cost_graph
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan
from optimizer.solvers.branch_and_cut.paths.path_pool import GrowingPaths, Paths
from optimizer.solvers.overlay import contraction, overlay
from optimizer.solvers.overlay.contraction import Contraction, Core, eliminate
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.overlay.searching import Arranged
from results.measure.overlay import measure_case, scaling_roads, write_overlay_page
from tests.cases import random_instance
from tests.examples import examples
from tests.kernel_cases import plain_and_compiled
from tests.test_cuts import random_paths

SEEDS = st.integers(0, 2**20)
many = examples(150)
few = examples(40)
KINDS = ("many ties", "many of no cost", "roads far cheaper than posts")


def rough_instance(seed: int, kind: str = "") -> Instance:
    """Return a network with whatever a road network may have: loops, parallels, pieces
    apart, dead ends, one-way arcs, ties.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 90))
    tail = rng.integers(0, n, int(n * rng.uniform(1, 2.5)))
    near = np.clip(tail + rng.integers(-3, 4, tail.size), 0, n - 1)
    head = near if rng.random() < 0.7 else rng.integers(0, n, tail.size)
    back = rng.random(tail.size) < 0.7
    tail, head = np.concatenate((tail, head[back])), np.concatenate((head, tail[back]))
    cost = _costs(rng, kind or str(rng.choice(KINDS)), tail.size)
    return Instance(
        name="rough",
        node_id=np.arange(n),
        tail=tail.astype(np.int32),
        head=head.astype(np.int32),
        reliability=np.exp(-cost),
        evaders=tuple(_evaders(rng, n, tail, head)),
        options=tuple(_options(rng, tail.size)),
        resources=(),
        exclusions=((0, 1),),
    )


def _costs(rng: np.random.Generator, kind: str, m: int) -> np.ndarray:
    if kind == "many ties":
        return rng.integers(0, 4, m) / 8
    if kind == "many of no cost":
        return np.where(rng.random(m) < 0.4, 0.0, rng.exponential(0.3, m))
    return rng.exponential(0.01, m)


def _evaders(
    rng: np.random.Generator, n: int, tail: np.ndarray, head: np.ndarray
) -> Iterator[Evader]:
    for k in range(int(rng.integers(1, 7))):
        yield Evader(f"e{k}", *_two(rng, n), float(rng.choice([0.0, 1.0, 2.5])))
    arcs = [int(rng.integers(0, tail.size))]
    while len(arcs) < 6 and (onward := np.flatnonzero(tail == head[arcs[-1]])).size:
        arcs.append(int(rng.choice(onward)))
    yield Evader(
        "habitual", int(tail[arcs[0]]), int(head[arcs[-1]]), 1.5, (Route(tuple(arcs), 1.0),)
    )


def _two(rng: np.random.Generator, n: int) -> tuple[int, int]:
    return int(rng.integers(0, n)), int(rng.integers(0, n))


def _options(rng: np.random.Generator, n_arcs: int) -> Iterator[Option]:
    for j in range(int(rng.integers(2, 9))):
        arcs = rng.choice(
            min(n_arcs, 25), min(n_arcs, int(rng.integers(1, 5))), replace=False
        )  # few arcs, so that they meet
        survival = np.where(
            rng.random(arcs.size) < 0.2, 0.0, np.exp(-rng.integers(1, 5, arcs.size) / 8)
        )
        forced, forbidden = rng.random() < 0.15, rng.random() < 0.15
        yield Option(
            f"o{j}",
            tuple(arcs.tolist()),
            tuple(survival.tolist()),
            forced=forced,
            forbidden=forbidden,
        )


def plans(instance: Instance, contracted: Overlay, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for share in (0.0, 0.2, 0.5, 0.8, 1.0):
        yield (rng.random(len(instance.options)) < share) & contracted.free | instance.forced


def assert_same_values(instance: Instance, contracted: Overlay, seed: int) -> None:
    for placed in plans(instance, contracted, seed):
        assert contracted.value(placed) == pytest.approx(
            plan_value(instance, placed), rel=1e-9, abs=0
        )


@given(SEEDS)
@many
def test_every_plan_keeps_its_value(seed: int) -> None:
    instance = rough_instance(seed)
    assert_same_values(instance, contract(instance), seed)


def searched_only(instance: Instance) -> Overlay:
    """Return the overlay that the searches make of the whole network, with nothing eliminated."""

    def untouched(
        n: int, tail: np.ndarray, head: np.ndarray, cost: np.ndarray, fixed: np.ndarray
    ) -> Contraction:
        del fixed
        tail, head = tail.astype(np.int64), head.astype(np.int64)
        often = Core(np.arange(n), np.repeat(tail, 90), np.repeat(head, 90), np.repeat(cost, 90))
        return Contraction(Core(np.arange(n), tail, head, cost), often)

    with pytest.MonkeyPatch.context() as patch:
        # the leanest stage is no choice: its arcs come 90 times over
        patch.setattr(overlay, "eliminate", untouched)
        return contract(instance)


@given(SEEDS)
@many
def test_the_searches_alone_keep_every_value(seed: int) -> None:
    instance = rough_instance(seed)
    assert_same_values(instance, searched_only(instance), seed)


@given(SEEDS)
@few
def test_searches_by_sections_find_what_searches_by_arcs_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for contracted in (contract(rough_instance(seed)), searched_only(rough_instance(seed))):
        searches = contracted.searches
        at = Arranged.of(contracted, searches)
        assert at.end.size == at.begin.size == at.last.size
        for number, last in enumerate(at.last.tolist()):
            arc = last
            while arc >= 0:
                assert at.section[arc] == number
                arc = int(at.before[arc])
        for share in (0.0, 0.5, 1.0):
            placed = rng.random(contracted.free.size) < share
            survival = contracted.arc_survival(placed)
            by_arcs = searches.values(
                contracted.n_nodes, contracted.tail, contracted.head, survival
            )
            assert contracted.informed_values(placed) == pytest.approx(by_arcs, rel=1e-12, abs=0)


def test_an_arc_of_many_options_is_one_section() -> None:
    sensors = tuple(Option(f"sensor-{k}", (1,), (0.9,)) for k in range(9))
    instance = Instance(
        "road",
        np.arange(4),
        np.array([0, 1, 2], dtype=np.int32),
        np.array([1, 2, 3], dtype=np.int32),
        np.full(3, 0.99),
        (Evader("there", 0, 3, 1.0),),
        sensors,
        resources=(),
    )
    contracted = contract(instance)
    assert contracted.tail.size >= 9
    assert Arranged.of(contracted, contracted.searches).end.size == 1
    assert_same_values(instance, contracted, 0)


@given(SEEDS)
@few
def test_no_plain_arc_repeats_others(seed: int) -> None:
    # costs at random: no ties
    contracted = searched_only(rough_instance(seed, "roads far cheaper than posts"))
    tail, head, n = contracted.tail, contracted.head, contracted.n_nodes
    everything = arc_costs(contracted.arc_survival(contracted.free))
    best = cost_graph(n, tail, head, everything).distances(np.arange(n))
    for arc in np.flatnonzero(contracted.option < 0).tolist():
        u, v = tail[arc], head[arc]
        by_way_of = best[u] + best[:, v]
        by_way_of[[u, v]] = np.inf
        assert everything[arc] < by_way_of.min() - 1e-15
        assert ((tail == u) & (head == v) & (everything <= everything[arc] + 1e-11)).sum() == 1


def test_a_connection_that_ties_with_a_way_past_a_terminal_is_kept() -> None:
    # 0 -> 1 -> 2 past the terminal 1 costs as much as 0 -> 3 -> 2 and is found first
    core = Core(
        np.arange(4),
        np.array([0, 0, 1, 3]),
        np.array([1, 3, 2, 2]),
        np.array([0.25, 0.375, 0.25, 0.125]),
    )
    exactly = partial(pytest.approx, abs=1e-15, rel=0)
    ends, costs = np.empty(0, dtype=np.int32), np.empty(0)
    connections = overlay.plain_connections(
        core, np.arange(3), overlay.Watched(ends, ends, costs, costs), 100
    )
    assert connections is not None
    plain = connections.plain
    found = list(zip(plain.tail.tolist(), plain.head.tolist(), plain.cost.tolist(), strict=True))
    assert sorted(found) == [(0, 1, exactly(0.25)), (0, 2, exactly(0.5)), (1, 2, exactly(0.25))]


def test_a_stage_of_fixed_nodes_alone_has_its_connections_wherever_its_arcs_are() -> None:
    n = 64  # the nodes searched from first have all arcs
    tail = np.repeat(np.arange(0, n, 2), 3)
    head = tail + np.tile((1, 3, 5), n // 2)
    core = Core(np.arange(n + 5), tail, head, np.ones(tail.size))
    ends, nothing = np.empty(0, dtype=np.int32), np.empty(0)
    connections = overlay.plain_connections(
        core, core.node, overlay.Watched(ends, ends, nothing, nothing)
    )
    assert connections is not None
    assert connections.plain.tail.size == tail.size


@given(SEEDS)
@many
def test_dropping_alone_keeps_every_value(seed: int) -> None:
    instance = rough_instance(seed)
    with pytest.MonkeyPatch.context() as patch:
        # look for dominated arcs even where there are few
        patch.setattr(contraction, "CROWDED", 0.0)
        contracted = contract(instance)
    assert_same_values(instance, contracted, seed)


@given(SEEDS)
@few
def test_no_evaders_path_changes_its_worth(seed: int) -> None:
    instance = rough_instance(seed)
    contracted = contract(instance)
    for placed in plans(instance, contracted, seed):
        survival = contracted.arc_survival(placed)
        for path, value in zip(
            contracted.paths(placed), contracted.informed_values(placed), strict=True
        ):
            if path:
                assert np.prod(survival[list(path)]) == pytest.approx(value, rel=1e-9)


@given(SEEDS)
@few
def test_what_is_kept_is_needed(seed: int) -> None:
    contracted = contract(rough_instance(seed))
    tail, head, n = contracted.tail, contracted.head, contracted.n_nodes
    assert (contracted.reliability > 0).all()
    own, everything = (
        arc_costs(contracted.reliability),
        arc_costs(contracted.arc_survival(contracted.free)),
    )
    best = cost_graph(n, tail, head, everything).distances(np.arange(n))
    plain = contracted.option < 0
    assert (own <= best[tail, head] + 1e-9)[plain].all(), (
        "a plain arc is worse than a way round with everything placed"
    )
    unwatched = cost_graph(n, tail, head, own).distances(np.arange(n))
    o, d = contracted.origin[:, None], contracted.destination[:, None]
    of_use = unwatched[o, tail] + own + unwatched[head, d] <= best[o, d] + 1e-9
    assert of_use.any(axis=0).all(), "an arc is on no evader's way"


def test_what_is_contracted_depends_on_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(15):
        instance = rough_instance(seed)
        plain, compiled = (contract(instance) for _ in plain_and_compiled(monkeypatch))
        for name in ("tail", "head", "option", "reliability", "survival"):
            assert np.array_equal(getattr(plain, name), getattr(compiled, name)), name


@given(SEEDS)
@few
def test_connections_are_the_best_paths_that_pass_no_terminal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 40))
    tail, head = rng.integers(0, n, (2, 3 * n))
    pair = np.unique((tail * n + head)[tail != head])
    core = Core(np.arange(n), pair // n, pair % n, rng.exponential(1.0, pair.size))
    terminal = np.flatnonzero(rng.random(n) < 0.3)
    ends, nothing = np.empty(0, dtype=np.int32), np.empty(0)
    connections = overlay.plain_connections(
        core, terminal, overlay.Watched(ends, ends, nothing, nothing), 10**6
    )
    assert connections is not None
    found = connections.plain
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(
        zip(core.tail.tolist(), core.head.tolist(), core.cost.tolist(), strict=True)
    )
    expected: dict[tuple[int, int], float] = {}
    for u in terminal.tolist() if graph else []:
        costs, paths = nx.single_source_dijkstra(graph, u) if u in graph else ({}, {})
        expected |= {
            (u, v): costs[v]
            for v in paths
            if v != u and [w for w in paths[v] if w in terminal] == [u, v]
        }
    pairs = zip(found.node[found.tail].tolist(), found.node[found.head].tolist(), strict=True)
    assert dict(zip(pairs, found.cost.tolist(), strict=True)) == pytest.approx(
        expected, rel=1e-9, abs=1e-11
    )


@given(SEEDS)
@few
def test_fixed_nodes_stay_as_far_apart_whatever_joins_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    instance = rough_instance(seed)
    cost = arc_costs(instance.reliability)
    fixed = np.unique(rng.integers(0, instance.n_nodes, 5))
    stages = eliminate(instance.n_nodes, instance.tail, instance.head, cost, fixed)
    extra = (rng.choice(fixed, 6), rng.choice(fixed, 6), rng.exponential(0.2, 6))
    before = _apart(fixed, instance.tail, instance.head, cost, extra)
    for stage in (stages.core, stages.leanest):
        after = _apart(fixed, stage.node[stage.tail], stage.node[stage.head], stage.cost, extra)
        assert np.allclose(before, after, rtol=1e-12, atol=1e-14)


def _apart(
    fixed: np.ndarray,
    tail: np.ndarray,
    head: np.ndarray,
    cost: np.ndarray,
    extra: tuple[np.ndarray, ...],
) -> np.ndarray:
    """Return the distances between fixed nodes, by networkx, with extra arcs among them."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(fixed.tolist())
    columns = (
        np.concatenate(pair).tolist() for pair in zip((tail, head, cost), extra, strict=True)
    )
    graph.add_weighted_edges_from(zip(*columns, strict=True))
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph))
    return np.array([[lengths[u].get(v, np.inf) for v in fixed.tolist()] for u in fixed.tolist()])


def test_a_long_road_with_one_post_is_one_post() -> None:
    n = 5000  # a road of many bends, with a dead end at each, and a post in the middle
    bend = np.arange(n - 1)
    stub = np.arange(n)
    tail = np.concatenate((bend, bend + 1, stub, stub + n)).astype(np.int32)
    head = np.concatenate((bend + 1, bend, stub + n, stub)).astype(np.int32)
    post = Option("post", (n // 2,), (0.5,))
    there = Evader("there", 0, n - 1, 1.0)
    instance = Instance(
        "road",
        np.arange(2 * n),
        tail,
        head,
        np.full(tail.size, 0.9999),
        (there,),
        (post,),
        resources=(),
    )
    contracted = contract(instance)
    assert contracted.n_nodes == 4
    assert contracted.tail.size <= 6
    (post_arc,) = np.flatnonzero(contracted.option == 0)
    beside = (contracted.tail == contracted.tail[post_arc]) & (
        contracted.head == contracted.head[post_arc]
    )
    assert beside.sum() == 1, "there is a way round the only road"
    assert_same_values(instance, contracted, 0)


def test_equal_ways_do_not_remove_each_other() -> None:
    # a ring of four posts both ways, and a hub, everything free to travel: every
    # connection ties with many others
    ring = np.arange(4)
    onward = np.roll(ring, -1)
    hub = np.full(4, 4)
    tail = np.concatenate((ring, onward, ring, hub)).astype(np.int32)
    head = np.concatenate((onward, ring, hub, ring)).astype(np.int32)
    options = tuple(Option(f"o{j}", (j, j + 4), (0.5, 0.5)) for j in range(4))
    evaders = tuple(Evader(f"{o}-{d}", o, d, 1.0) for o in range(4) for d in range(4))
    instance = Instance("ring", np.arange(5), tail, head, np.ones(16), evaders, options, ())
    contracted = contract(instance)
    assert_same_values(instance, contracted, 0)
    assert contracted.value(np.ones(4, dtype=bool)) == 16.0


def test_a_dense_network_full_of_options_gets_no_more_arcs_than_it_has() -> None:
    rng = np.random.default_rng(0)
    n = 60
    tail, head = rng.integers(0, n, (2, 240)).astype(np.int32)
    reliability = rng.uniform(0.98, 1, 240)  # posts cost far more than any way round
    options = tuple(Option(f"o{a}", (a,), (0.3,)) for a in range(0, 240, 2))
    evaders = tuple(Evader(f"e{k}", *_two(rng, n), 1.0) for k in range(30))
    instance = Instance("dense", np.arange(n), tail, head, reliability, evaders, options, ())
    contracted = contract(instance)
    assert contracted.tail.size <= instance.tail.size
    assert_same_values(instance, contracted, 0)


def test_a_post_on_nobodys_way_is_left_out() -> None:
    # 0 -> 1 -> 2 is free with everything placed; the post on the spur 1 -> 3 -> 1 meets
    # nobody
    instance = Instance(
        "spur",
        np.arange(4),
        np.array([0, 1, 1, 3], dtype=np.int32),
        np.array([1, 2, 3, 1], dtype=np.int32),
        np.full(4, 0.9),
        (Evader("e", 0, 2, 1.0),),
        (Option("spur", (2,), (0.5,)),),
        (),
    )
    assert (contract(instance).option == -1).all()


def test_only_habitual_evaders_need_no_network() -> None:
    instance = rough_instance(3)
    instance = replace(instance, evaders=tuple(e for e in instance.evaders if e.routes))
    contracted = contract(instance)
    assert contracted.tail.size == 0
    assert_same_values(instance, contracted, 3)


def test_the_overlay_of_a_larger_map_is_not_larger() -> None:
    def arcs(n_nodes: int) -> int:
        roads = scaling_roads(n_nodes)
        options = tuple(
            Option(f"o{s}", tuple(np.flatnonzero(roads.segment == s).tolist()), (0.6, 0.6))
            for s in np.flatnonzero(roads.major)[:20]
        )
        evaders = (Evader("e", 0, n_nodes // 2, 1.0),)
        reliability = np.exp(-roads.time_s / 1e5)
        instance = Instance(
            "roads",
            np.arange(n_nodes),
            roads.tail,
            roads.head,
            reliability,
            evaders,
            options,
            resources=(),
        )
        contracted = contract(instance)
        assert_same_values(instance, contracted, 0)
        return contracted.tail.size

    assert arcs(16_000) < 1000
    assert arcs(4_000) < 1000


def test_dropping_on_the_way_keeps_the_core_small() -> None:
    roads = scaling_roads(8000)
    fixed = np.arange(0, 8000, 80)
    pruned = eliminate(roads.n_nodes, roads.tail, roads.head, roads.time_s, fixed).core
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contraction, "CROWDED", np.inf)
        whole = eliminate(roads.n_nodes, roads.tail, roads.head, roads.time_s, fixed).core
    size = [core.tail.size + contraction.NODE * core.n_nodes for core in (pruned, whole)]
    assert size[0] < 0.9 * size[1]


def test_made_up_roads_look_like_roads() -> None:
    roads = scaling_roads(20_000)
    graph = cost_graph(roads.n_nodes, roads.tail, roads.head, roads.time_s)
    assert np.isfinite(graph.distances([0])).all()
    neighbours = np.diff(graph.matrix.indptr)
    assert 2.3 < neighbours.mean() < 3
    assert 0.4 < (neighbours <= 2).mean() < 0.7
    assert 0.02 < roads.major.mean() < 0.08
    again = scaling_roads(20_000)
    assert (again.time_s == roads.time_s).all()


def test_a_case_is_measured_and_the_table_says_so(tmp_path: Path) -> None:
    row = measure_case("2000", 20)
    assert row.difference <= 1e-9
    assert row.overlay_arcs < row.arcs
    assert row.faster == pytest.approx(row.scipy_s / row.contract_s)
    write_overlay_page(tmp_path / "overlay.md", [row])
    text = (tmp_path / "overlay.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert f"{row.overlay_arcs:,}" in lines[-1]


def check(
    n_nodes: int, tail: np.ndarray, head: np.ndarray, searches: Searches, rng: np.random.Generator
) -> int:
    """Assert equal values under random chances, some arcs blocked; return how many
    roads are left.
    """
    reduced = ContractedNetwork.of(n_nodes, tail, head, searches)
    for _ in range(10):
        survival = np.where(rng.random(tail.size) < 0.15, 0.0, rng.uniform(0.2, 1.0, tail.size))
        expected = searches.values(n_nodes, tail, head, survival)
        np.testing.assert_allclose(reduced.values(survival), expected, rtol=1e-12, atol=0)
    assert reduced.n_nodes <= n_nodes
    return reduced.tail.size


@pytest.mark.parametrize("seed", range(20))
def test_values_on_networks_of_long_roads_and_dead_ends(seed: int) -> None:
    rng = np.random.default_rng(seed)
    junctions = 6
    tail, head, n = [], [], junctions
    for _ in range(
        14
        # roads of several arcs between junctions, some one-way, some that end nowhere, some
        # round to where they began
    ):
        a, b = rng.integers(0, junctions, 2).tolist()
        inner = list(range(n, n + int(rng.integers(0, 5))))
        n += len(inner)
        road = [a, *inner] if rng.random() < 0.2 else [a, *inner, b]
        for u, v in pairwise(road):
            kind = rng.random()
            # one-way, both ways, twice one way
            tail += [u] if kind < 0.1 else [u, v] if kind < 0.95 else [u, v, u]
            head += [v] if kind < 0.1 else [v, u] if kind < 0.95 else [v, u, v]
    ends = [rng.choice(n, 2, replace=False).tolist() for _ in range(5)]
    searches = Searches.of([Evader("", a, b, 1.0) for a, b in ends])
    check(n, np.array(tail, dtype=np.int32), np.array(head, dtype=np.int32), searches, rng)


@pytest.mark.parametrize("seed", range(10))
def test_values_on_random_networks(seed: int) -> None:
    instance = random_instance(seed)
    if instance.informed.size:
        check(
            instance.n_nodes,
            instance.tail,
            instance.head,
            instance.searches,
            np.random.default_rng(seed),
        )


def test_a_road_is_one_arc_each_way_and_dead_ends_are_gone() -> None:
    # 0 - 1 - 2 - 3, a dead end 2 - 4 - 5, and a loop 1 - 6 - 7 - 1
    pairs = [(0, 1), (1, 2), (2, 3), (2, 4), (4, 5), (1, 6), (6, 7), (7, 1)]
    tail = np.array([a for a, _ in pairs] + [b for _, b in pairs], dtype=np.int32)
    head = np.array([b for _, b in pairs] + [a for a, _ in pairs], dtype=np.int32)
    reduced = ContractedNetwork.of(8, tail, head, Searches.of([Evader("", 0, 3, 1.0)]))
    assert reduced.n_nodes == 3  # 0, 1 with its loop, 3
    assert {(0, 1), (1, 2)} <= set(zip(reduced.tail.tolist(), reduced.head.tolist(), strict=True))


N = 25


def assert_same(one: Paths, two: Paths) -> None:
    for name in ("commodity", "value", "option", "survival"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize("seed", range(20))
def test_paths_added_bit_by_bit_are_those_joined(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [random_paths(rng, N, edges=False) for _ in range(8)]
    grown, before = GrowingPaths(parts[0], N), []
    for part in parts[1:]:
        before.append(grown.paths)
        grown.add(part)
    joined = [
        reduce(lambda one, two: one.joined(two, N), parts[: k + 1]) for k in range(len(parts))
    ]
    for found, expected in zip([*before, grown.paths], joined, strict=True):
        assert found.value.size == expected.value.size
        narrow = found.option.shape[1]
        assert_same(
            found,
            Paths(
                expected.commodity,
                expected.value,
                expected.option[:, :narrow],
                expected.survival[:, :narrow],
            ),
        )
        assert (expected.option[:, narrow:] == N).all()


@given(st.integers(0, 10_000))
@examples(30)
def test_arcs_ordered_once_give_the_cheapest_ways_under_any_costs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 7)), int(rng.integers(1, 25))
    tail, head = rng.integers(0, n, m), rng.integers(0, n, m)
    order = ArcOrder.of(n, tail, head)
    for _ in range(2):
        cost = np.where(rng.random(m) < 0.2, np.inf, rng.integers(0, 4, m).astype(float))
        graph = order.graph(cost)
        truth = nx.DiGraph()
        truth.add_nodes_from(range(n))
        for a, b, c in zip(tail.tolist(), head.tolist(), cost.tolist(), strict=True):
            if np.isfinite(c) and c < truth.get_edge_data(a, b, {"weight": np.inf})["weight"]:
                truth.add_edge(a, b, weight=c)
        away, before = graph.trees([0])
        known = nx.single_source_dijkstra_path_length(truth, 0)
        assert away[0].tolist() == [known.get(node, np.inf) for node in range(n)]
        for node, arcs in enumerate(graph.paths(before[0], range(n))):
            if np.isfinite(away[0, node]):
                assert cost[list(arcs)].sum() == away[0, node]
                assert [tail[a] for a in arcs][1:] == [head[a] for a in arcs][:-1]


@given(st.integers(0, 10_000))
@examples(15)
def test_layouts_compared_on_the_contraction_have_their_value(seed: int) -> None:
    instance = random_instance(seed)
    placed = np.random.default_rng(seed).random(len(instance.options)) < 0.5
    plan = Plan.from_mask(instance, placed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "CONTRACTED_FROM", 0)
        contracted = comparison.compare(instance, plan)
    plain = comparison.compare(instance, plan)
    assert contracted.marginal_values == pytest.approx(plain.marginal_values, abs=1e-9)
    assert contracted.value_of(~placed) == pytest.approx(plan_value(instance, ~placed), abs=1e-9)
