"""Teams, posts and beats on small roads: times, survivals by hand, and a team simulated
against evaders one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, permutations, product

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.base.errors import InputError
from optimizer.base.work.listener import SilentListener
from optimizer.problem.instance.detection import drive_meeting, dwell_meeting
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.teams import NO_WAY, PatrolField, TeamBase, TeamType, team_resource
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Beat, BeatStop, departures, make_beat, with_teams
from optimizer.scenario.demand.patrols import FROM_JUNCTION_M, choose_posts, patrol_field, post_on
from optimizer.solvers.branch_and_cut.lp.master import Relaxed
from optimizer.solvers.params import PatrolParams
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import (
    ColumnGeneration,
    most_times,
    note_times,
    proven_times,
)
from optimizer.solvers.patrols.joint import _completed
from optimizer.solvers.patrols.tours.tour import Tour
from optimizer.solvers.solve import solve
from tests.cases import Recorder
from tests.examples import examples

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEEDS = st.integers(0, 2**20)
SHIFT, SLOT = 8 * 3600, 1800
EVADERS = 40_000


def town(seed: int) -> Network:
    """Return a ring of nine nodes with chords, two of its roads one-way, one doubled,
    of two classes.
    """
    rng = np.random.default_rng(seed)
    n = 9
    ends = [(k, (k + 1) % n) for k in range(n)] + [(0, 4), (2, 7), (1, 5), (0, 4)]
    one_way = {int(s) for s in rng.choice(n, 2, replace=False)}
    back = [s for s in range(len(ends)) if s not in one_way]
    segment = np.array([*range(len(ends)), *back], dtype=np.int32)
    arcs = np.array(ends + [ends[s][::-1] for s in back], dtype=np.int32)
    tail, head = np.ascontiguousarray(arcs[:, 0]), np.ascontiguousarray(arcs[:, 1])
    angle = 2 * np.pi * np.arange(n) / n
    lon, lat = 1.5 + 0.2 * np.cos(angle), 42.5 + 0.2 * np.sin(angle)
    road_class = np.where(rng.random(len(ends)) < 0.5, "primary", "track")[segment]
    length = (
        great_circle_m(lon[tail], lat[tail], lon[head], lat[head])
        * rng.uniform(1, 1.5, len(ends))[segment]
    )
    return Network.from_arrays(
        tail,
        head,
        length,
        length / np.where(road_class == "primary", 20.0, 8.0),
        lon=lon,
        lat=lat,
        road_class=road_class,
        segment=segment,
    )


def team_of(**changes: object) -> TeamType:
    """Return a team that dwells up to two slots, and drives slower than others on primary roads."""
    usual = {
        "id": "mobile",
        "number": 2,
        "shift_s": SHIFT,
        "slot_s": SLOT,
        "most_slots": 2,
        "detection": 0.7,
        "passing": 0.4,
        "speed": {"primary": 40.0},
    }
    return TeamType(**(usual | changes))  # type: ignore[arg-type]


def field_of(
    seed: int,
    *,
    order: Sequence[int] = (0, 1, 2, 3),
    closed: Sequence[int] = (),
    team: TeamType | None = None,
) -> tuple[Network, PatrolField]:
    """Return a town and what one team type at node 0 could do on four posts, given in
    some order.
    """
    network = town(seed)
    segments = np.random.default_rng(seed + 1).permutation(network.n_segments)[:4]
    posts = [post_on(network, int(segments[k]), traffic=100.0) for k in order]
    base = TeamBase("yard", 0, float(network.lon[0]), float(network.lat[0]))
    return network, patrol_field(network, posts, [(team or team_of(), base, range(4))], closed)


def tours(field: PatrolField) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return all tours that fit the shift."""
    patrol = field.patrols[0]
    found = []
    for length in range(1, patrol.posts.size + 1):
        for posts in permutations(range(1, patrol.posts.size + 1), length):
            driven = sum(int(patrol.travel_s[i, j]) for i, j in pairwise((0, *posts, 0)))
            left = (patrol.team.shift_s - driven) // patrol.team.slot_s
            dwells = product(range(1, patrol.team.most_slots + 1), repeat=length)
            found += [(posts, slots) for slots in dwells if sum(slots) <= left]
    return found


def some_beat(field: PatrolField, seed: int) -> Beat | None:
    fitting = tours(field)
    if not fitting:
        return None
    return make_beat(field, 0, *fitting[np.random.default_rng(seed).integers(len(fitting))], "b")


def seconds_of(network: Network, team: TeamType) -> Floats:
    """Return the (m,) seconds that a team drives, by hand."""
    limit = np.array([team.speed.get(name, np.inf) for name in network.road_class.tolist()])
    return np.maximum(network.time_s, network.length_m / (limit / 3.6))


def survivals(network: Network, beat: Beat) -> Floats:
    """Return the (m,) chances to pass each arc by a beat."""
    survival = np.ones(network.n_arcs)
    survival[list(beat.option.arcs)] = beat.option.survival
    return survival


def opposite(network: Network, arc: int) -> int | None:
    same = np.flatnonzero(
        (network.segment == network.segment[arc]) & (network.tail == network.head[arc])
    )
    return int(same[0]) if same.size else None


@examples(40)
@given(SEEDS)
def test_the_times_of_a_beat_add_up(seed: int) -> None:
    network, field = field_of(seed)
    beat = some_beat(field, seed)
    if beat is None:
        return
    patrol = field.patrols[0]
    clock, at = 0, 0
    for post, slots, stop in zip(beat.posts, beat.slots, beat.stops, strict=True):
        clock += int(patrol.travel_s[at, post])
        assert stop.post == field.posts[patrol.posts[post - 1]]
        assert (stop.arrive_s, stop.leave_s) == (clock, clock + slots * SLOT)
        clock, at = stop.leave_s, post
    assert beat.back_s == clock + patrol.travel_s[at, 0] <= SHIFT
    driven = seconds_of(network, patrol.team)[list(beat.route)].sum()
    on_the_road = beat.back_s - sum(beat.slots) * SLOT
    # each leg is rounded up to a second
    assert driven <= on_the_road + 1e-6 <= driven + len(beat.posts) + 1 + 2e-6
    assert beat.option.uses[team_resource("mobile")] == 1


@examples(40)
@given(SEEDS)
def test_the_route_goes_from_the_base_by_the_posts_and_back(seed: int) -> None:
    network, field = field_of(seed)
    beat = some_beat(field, seed)
    if beat is None:
        return
    at = [0, *(stop.post.node for stop in beat.stops), 0]
    nodes = [0, *network.head[list(beat.route)].tolist()]
    assert all(network.tail[arc] == node for arc, node in zip(beat.route, nodes, strict=False))
    assert nodes[-1] == 0
    place = 0
    for node in at:
        place = nodes.index(node, place)  # in this order


@examples(40)
@given(SEEDS)
def test_survival_on_each_arc_is_the_product_worked_out_by_hand(seed: int) -> None:
    network, field = field_of(seed, team=team_of(capacity=60.0))
    beat = some_beat(field, seed)
    if beat is None:
        return
    team = field.patrols[0].team
    own = seconds_of(network, team)
    expected = np.ones(network.n_arcs)
    for stop in beat.stops:
        watched = list(network.arcs_of(stop.post.segment))
        looked_at = 60 / 100  # vehicles that a team can look at, of those that pass
        expected[watched] *= 1 - looked_at * 0.7 * float(
            dwell_meeting(stop.leave_s - stop.arrive_s, SHIFT)
        )
    for arc in beat.route:
        expected[arc] *= 1 - 0.4 * float(drive_meeting(own[arc], network.time_s[arc], SHIFT)[1])
        towards = opposite(network, arc)
        if towards is not None:
            expected[towards] *= 1 - 0.4 * float(
                drive_meeting(own[arc], network.time_s[towards], SHIFT)[0]
            )
    assert survivals(network, beat) == pytest.approx(expected, abs=1e-7)
    assert all(0 <= s < 1 for s in beat.option.survival)


@examples(40)
@given(SEEDS)
def test_what_a_beat_does_on_a_path_is_the_sum_of_its_elements(seed: int) -> None:
    network, field = field_of(seed)
    beat = some_beat(field, seed)
    if beat is None:
        return
    elements = field.elements
    path = np.random.default_rng(seed).random(network.n_arcs) < 0.5  # any set of arcs will do
    whole = -np.log(survivals(network, beat)[path]).sum()
    depth = np.where(path[elements.arc], -np.log(elements.survival), 0.0)
    parts = np.bincount(elements.element, depth, elements.size)
    assert whole == pytest.approx(parts @ beat.elements, rel=1e-9)


@examples(6)
@given(SEEDS)
def test_no_tour_holds_an_element_more_often_than_it_says(seed: int) -> None:
    _, field = field_of(seed)
    for tour in tours(field):
        assert (make_beat(field, 0, *tour, "b").elements <= field.elements.times).all()


@examples(6)
@given(SEEDS)
def test_an_element_said_to_come_too_seldom_is_counted_as_often_as_beats_can_hold_it(
    seed: int,
) -> None:
    network, field = field_of(seed)
    once = replace(field.elements, times=np.ones_like(field.elements.times))
    found = most_times(instance_of(network), replace(field, elements=once))[1:]
    for tour in tours(field):
        assert (make_beat(field, 0, *tour, "b").elements <= found).all()
    told = list[str]()
    for elements in (field.elements, once):
        listener = SilentListener()
        listener.noted = told.append  # type: ignore[assignment, method-assign]
        note_times(replace(field, elements=elements), listener)
    low = int((proven_times(field) > 1).sum())
    # of the second alone
    assert [sentence.split()[1] for sentence in told] == ([str(low)] if low else [])
    # what a scenario says is proven, and stands
    assert (found <= most_times(instance_of(network), field)[1:]).all()


@examples(20)
@given(SEEDS, st.permutations(range(4)))
def test_the_names_of_posts_change_nothing(seed: int, order: list[int]) -> None:
    network, field = field_of(seed)
    _, other = field_of(seed, order=order)
    beat = some_beat(field, seed)
    if beat is None:
        return
    place = {int(other.patrols[0].posts[k]): k + 1 for k in range(other.patrols[0].posts.size)}
    same = [place[order.index(field.posts.index(stop.post))] for stop in beat.stops]
    renamed = make_beat(other, 0, same, beat.slots, "b")
    assert (renamed.back_s, renamed.route) == (beat.back_s, beat.route)
    assert survivals(network, renamed) == pytest.approx(survivals(network, beat), rel=1e-12)
    assert len(tours(other)) == len(tours(field))


@examples(20)
@given(SEEDS, st.sets(st.integers(1, 8), min_size=1, max_size=2))
def test_teams_never_pass_a_closed_node(seed: int, closed: set[int]) -> None:
    network, field = field_of(seed, closed=sorted(closed))
    patrol = field.patrols[0]
    driven = np.array([arc for arcs in patrol.routes.values() for arc in arcs], dtype=np.int64)
    assert not closed & set(network.tail[driven].tolist()) | closed & set(
        network.head[driven].tolist()
    )
    assert not closed & {field.posts[p].node for p in patrol.posts.tolist()}
    free = field_of(seed)[1].patrols[0]
    kept = [0, *(1 + free.posts.tolist().index(p) for p in patrol.posts.tolist())]
    assert (patrol.travel_s >= free.travel_s[np.ix_(kept, kept)]).all()


def test_a_base_on_a_closed_node_reaches_what_stands_there_alone() -> None:
    network = town(1)
    posts = [post_on(network, segment) for segment in range(network.n_segments)]
    here = [k for k, post in enumerate(posts) if post.node == 0]
    field = patrol_field(
        network, posts, [(team_of(), TeamBase("yard", 0, 0.0, 0.0), range(len(posts)))], [0]
    )
    assert field.patrols[0].posts.tolist() == here
    assert not any(field.patrols[0].routes.values())
    none = patrol_field(
        network, posts[1:3], [(team_of(), TeamBase("yard", 0, 0.0, 0.0), range(2))], [0]
    )
    assert none.patrols[0].posts.size == none.elements.size == 0
    assert none.patrols[0].travel_s.shape == (1, 1)


@pytest.mark.parametrize("limit", [3.0, 20.0, 60.0, 500.0])
def test_speed_limits_slow_teams_where_they_are_lower_than_the_road(limit: float) -> None:
    network, slow = field_of(3, team=team_of(speed={"primary": limit}))
    fast = field_of(3, team=team_of(speed={}))[1].patrols[0]
    patrol = slow.patrols[0]
    time = np.where(
        network.road_class == "primary", network.length_m / (min(limit, 72.0) / 3.6), network.time_s
    )
    nodes = [0, *(slow.posts[p].node for p in patrol.posts.tolist())]
    shortest = cost_graph(network.n_nodes, network.tail, network.head, time).distances(
        np.array(nodes)
    )[:, nodes]
    assert (patrol.travel_s == np.ceil(shortest)).all()
    if limit > 72:
        assert (patrol.travel_s == fast.travel_s).all()
    else:
        assert patrol.posts.size < fast.posts.size or patrol.travel_s.sum() > fast.travel_s.sum()


def test_where_there_is_no_way_back_there_is_no_post() -> None:
    network = town(0)
    out = (network.tail != 8) & (network.head != 8) | (network.head == 8)  # no arc leaves node 8
    cut = np.where(out, network.time_s, np.inf)
    assert np.isinf(cost_graph(9, network.tail, network.head, cut).distances([8])[0, 0])
    segment = int(network.segment[np.flatnonzero(network.tail == 8)[0]])
    closed = [int(n) for n in {*network.head[network.tail == 8].tolist()} - {0, 7}]
    posts = [post_on(network, segment)]
    field = patrol_field(
        network,
        posts,
        [(team_of(shift_s=2 * SLOT), TeamBase("b", 4, 0.0, 0.0), [0])],
        [*closed, 0, 7],
    )
    assert field.patrols[0].posts.size == 0
    assert (field.patrols[0].travel_s < NO_WAY).all()


def test_the_same_roads_give_the_same_field() -> None:
    first, again = field_of(7)[1], field_of(7)[1]
    for name in ("element", "arc", "survival", "post", "times"):
        assert np.array_equal(getattr(first.elements, name), getattr(again.elements, name))
    assert first.posts == again.posts
    assert first.patrols[0].routes == again.patrols[0].routes
    assert np.array_equal(first.patrols[0].drives.todense(), again.patrols[0].drives.todense())


@pytest.mark.parametrize(
    ("posts", "slots"),
    [((), ()), ((1, 1), (1, 1)), ((9,), (1,)), ((1,), (3,)), ((1,), (0,)), ((1, 2), (1,))],
)
def test_a_tour_that_there_is_not_is_refused(
    posts: tuple[int, ...], slots: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"posts|tour"):
        make_beat(field_of(2)[1], 0, posts, slots, "b")


@examples(25)
@given(SEEDS, st.sampled_from([0.0, 8_000.0, 20_000.0, 1e6]), st.integers(0, 8))
def test_posts_are_few_apart_allowed_and_on_roads_that_evaders_use(
    seed: int, spacing: float, count: int
) -> None:
    network, rng = town(seed), np.random.default_rng(seed)
    ends = rng.permutation(9)[:6].reshape(3, 2).tolist()
    evaders = [Evader(f"e{k}", o, d, 1.0) for k, (o, d) in enumerate(ends)]
    reliability = np.exp(-network.time_s / 36_000)
    allowed = rng.random(network.n_segments) < 0.8
    posts = choose_posts(network, reliability, evaders, allowed, count, spacing)
    assert posts == choose_posts(network, reliability, evaders, allowed, count, spacing)
    assert len(posts) <= count
    assert len({post.segment for post in posts}) == len(posts)
    assert all(allowed[post.segment] for post in posts)
    assert all(post.node == network.tail[network.segment_arc[post.segment]] for post in posts)
    middle = network.segment_midpoint[[post.segment for post in posts]]
    for k in range(1, len(posts)):
        assert (
            great_circle_m(
                middle[:k, 0], middle[:k, 1], np.full(k, middle[k, 0]), np.full(k, middle[k, 1])
            ).min()
            >= spacing
        )
    used = {
        int(s)
        for evader in evaders
        for s in network.segment[first_answer(network, reliability, evader)]
    }
    if count >= 4 and any(allowed[segment] for segment in used):
        assert posts
        assert posts[0].segment in used


def first_answer(network: Network, reliability: Floats, evader: Evader) -> Ints:
    """Return the arcs of an evader's best path with nothing watched."""
    graph = cost_graph(network.n_nodes, network.tail, network.head, -np.log(reliability))
    before = graph.trees(np.array([evader.origin]))[1]
    return np.array(next(iter(graph.paths(before[0], [evader.destination]))), dtype=np.int64)


def along(network: Network, arc: int, share: Floats) -> Floats:
    """Return how far along its segment one is, from the end where the segment's first
    arc begins, `share` of the way along an arc.
    """
    return (
        share
        if network.tail[arc] == network.tail[network.segment_arc[network.segment[arc]]]
        else 1 - share
    )


def meetings(
    network: Network, field: PatrolField, beat: Beat, path: Sequence[int], begun: Floats
) -> tuple[Ints, Ints]:
    """Return how often each evader, who sets out when `begun` says, comes past a team
    that dwells, and meets one that drives.
    """
    team = field.patrols[0].team
    own = seconds_of(network, team)
    standing, driving = np.zeros(begun.size, dtype=np.int64), np.zeros(begun.size, dtype=np.int64)
    legs = team_legs(field, beat, own)
    enter = begun.copy()
    for arc in path:
        leave = enter + network.time_s[arc]
        for shift in range(-2, 3):  # shift follows upon shift
            for stop in beat.stops:
                post = stop.post
                if network.segment[arc] == post.segment:
                    passing = enter if network.tail[arc] == post.node else leave
                    standing += (passing >= stop.arrive_s + shift * SHIFT) & (
                        passing < stop.leave_s + shift * SHIFT
                    )
            for driven, start in legs:
                if network.segment[driven] == network.segment[arc]:
                    begin = start + shift * SHIFT
                    first, last = np.maximum(enter, begin), np.minimum(leave, begin + own[driven])
                    together = first < last
                    apart = [
                        along(network, driven, (when - begin) / own[driven])
                        - along(network, arc, (when - enter) / network.time_s[arc])
                        for when in (first, last)
                    ]
                    driving += together & (np.sign(apart[0]) != np.sign(apart[1]))
        enter = leave
    return standing, driving


def team_legs(field: PatrolField, beat: Beat, own: Floats) -> list[tuple[int, float]]:
    """Return the arcs a team drives with the second at which it enters each."""
    patrol, legs = field.patrols[0], []
    leaves = [0, *(stop.leave_s for stop in beat.stops)]
    for leave, (i, j) in zip(leaves, pairwise((0, *beat.posts, 0)), strict=True):
        clock = float(leave)
        for arc in patrol.routes.get((i, j), ()):
            legs.append((arc, clock))
            clock += own[arc]
    return legs


def shares_found(seed: int) -> list[tuple[float, float]]:
    """Return what the product says and what the simulation finds, for the best tours of
    a town against its evaders.
    """
    network, field = field_of(seed)
    rng = np.random.default_rng(seed)
    beat = some_beat(field, seed)
    if beat is None:
        return []
    rows = []
    for _ in range(3):
        origin, destination = rng.permutation(9)[:2].tolist()
        path = first_answer(
            network, np.exp(-network.time_s / 36_000), Evader("e", origin, destination, 1.0)
        )
        standing, driving = meetings(
            network, field, beat, path.tolist(), rng.random(EVADERS) * SHIFT
        )
        survival = survivals(network, beat)[path]
        missed = (1 - 0.7) ** standing * (1 - 0.4) ** driving
        rows.append((float(1 - survival.prod()), float(1 - missed.mean())))
    return rows


def test_the_product_over_a_beat_says_a_little_less_than_the_simulation_finds() -> None:
    said, found = np.array([row for seed in range(12) for row in shares_found(seed)]).T
    met = found > 0.005
    doubt = np.sqrt(found * (1 - found) / EVADERS)
    assert met.sum() > 20
    assert (said <= found + 4 * doubt)[met].all()
    assert (said[~met] <= 0.01).all()
    ratio = said[met] / found[met]
    assert np.median(ratio) == pytest.approx(0.98, abs=0.01)
    assert ratio.min() == pytest.approx(0.84, abs=0.01)  # seed 6: 0.351 in place of 0.419


@pytest.mark.parametrize("teams", [2, 3, 5])
def test_equal_beats_set_out_so_that_together_they_find_what_the_product_says(teams: int) -> None:
    _, field = field_of(6)
    tour = max(tours(field), key=lambda tour: sum(tour[1]))
    beats = [make_beat(field, 0, *tour, f"b{k}") for k in range(teams)]
    later = departures(field, [beats])
    moment = np.random.default_rng(1).random(EVADERS) * SHIFT
    for k, stop in enumerate(beats[0].stops):
        product = (1 - 0.7 * tour[1][k] * SLOT / SHIFT) ** teams

        def found(departure: dict[str, int], stop: BeatStop = stop) -> float:
            clock = [(moment - departure[beat.id]) % SHIFT for beat in beats]
            there = sum(((at >= stop.arrive_s) & (at < stop.leave_s)).astype(int) for at in clock)
            return float(1 - np.mean(0.3**there))

        doubt = 4 * np.sqrt(product * (1 - product) / EVADERS)
        assert found(later) >= 1 - product - doubt
        assert found(dict.fromkeys(later, 0)) < 1 - product - doubt


@examples(30)
@given(SEEDS, SEEDS)
def test_a_beat_that_another_plan_has_too_sets_out_when_it_does_there(
    first: int, second: int
) -> None:
    _, field = field_of(first % 7)
    fitting = tours(field)
    assume(fitting)
    rng = np.random.default_rng(second)
    beats = [
        make_beat(field, 0, *fitting[int(k)], f"b{i}")
        for i, k in enumerate(rng.integers(len(fitting), size=4))
    ]
    alone = departures(field, [beats[:1]])
    assert alone == {"b0": 0}
    both = departures(field, [beats[:3], beats[1:]])
    assert departures(field, [beats[:3]]).items() <= both.items()
    assert all(0 <= later < SHIFT for later in both.values())


def test_a_post_is_one_place_on_its_own_road_and_named_by_it() -> None:
    network = town(3)
    posts = [post_on(network, segment) for segment in range(network.n_segments)]
    for post in posts:
        line = network.lines[post.segment]
        assert line.distance(shapely.Point(post.lon, post.lat)) < 1e-9
        assert f"({post.lat:.3f}, {post.lon:.3f})" in post.label
        here, junction = (
            np.array([[x, y]])
            for x, y in ((post.lon, post.lat), (network.lon[post.node], network.lat[post.node]))
        )
        assert (
            great_circle_m(here[:, 0], here[:, 1], junction[:, 0], junction[:, 1])[0]
            <= FROM_JUNCTION_M * 1.01
        )
    assert len({(post.lon, post.lat) for post in posts}) == len(posts)


def test_the_simulation_tells_which_way_a_team_drives() -> None:
    network, field = field_of(6)
    beat = some_beat(field, 6)
    assert beat is not None
    begun = np.random.default_rng(0).random(EVADERS) * SHIFT
    arc = next(
        a for a in beat.route if opposite(network, a) is not None and beat.route.count(a) == 1
    )
    towards = opposite(network, arc)
    assert towards is not None
    if towards not in beat.route:
        with_it, against = (
            meetings(network, field, beat, [a], begun)[1].mean() for a in (arc, towards)
        )
        own = seconds_of(network, field.patrols[0].team)[arc]
        opposing, same = (
            float(chance) for chance in drive_meeting(own, network.time_s[arc], SHIFT)
        )
        assert against == pytest.approx(opposing, abs=0.005)
        assert with_it == pytest.approx(same, abs=0.005)
        assert against > with_it


def instance_of(network: Network) -> Instance:
    """Return two evaders and a checkpoint in a town."""
    evaders = (Evader("e0", 3, 8, 1.0), Evader("e1", 6, 2, 0.5))
    options = (Option("c0", network.arcs_of(2), (0.5,) * len(network.arcs_of(2)), {"agents": 1.0}),)
    return Instance(
        name="town",
        node_id=network.node_id,
        tail=network.tail,
        head=network.head,
        reliability=np.exp(-network.time_s / 36_000),
        evaders=evaders,
        options=options,
        resources=(Resource("agents", 2.0),),
    )


@pytest.mark.parametrize("bases", [(0,), (0, 4)])
def test_a_base_from_which_no_post_can_be_reached_is_no_fault(bases: tuple[int, ...]) -> None:
    network, instance = town(6), instance_of(town(6))
    team = team_of(shift_s=SLOT + 60)
    posts = [post_on(network, int(np.flatnonzero(network.tail[network.segment_arc] == 4)[0]))]
    field = patrol_field(
        network, posts, [(team, TeamBase(f"b{node}", node, 0.0, 0.0), [0]) for node in bases]
    )
    assert [patrol.posts.size for patrol in field.patrols] == [node == 4 for node in bases]
    result = solve(replace(instance, patrols=field), gap=1e-6)
    beats = (
        [make_beat(field, 1, (1,), (1,), f"b{k}").option for k in range(2)] if 4 in bases else []
    )
    best = min(
        plan_value(replace(instance, options=tuple(chosen)), np.ones(len(chosen), dtype=bool))
        for count in range(len(beats) + 1)
        for chosen in (beats[:count], [*instance.options, *beats[:count]])
    )
    assert result.upper == pytest.approx(best, rel=1e-6)
    assert result.lower is not None
    assert result.lower <= best * (1 + 1e-9)


def test_a_resource_that_has_the_name_of_a_teams_is_refused() -> None:
    network, field = field_of(6)
    clash = replace(
        instance_of(network),
        resources=(Resource("agents", 2.0), Resource(team_resource("mobile"), 5.0)),
    )
    with pytest.raises(
        InputError, match=r"resource 'teams mobile': found a budget of 5 where there are 2 teams"
    ):
        solve(replace(clash, patrols=field))
    same = with_teams(replace(instance_of(network), patrols=field))
    assert with_teams(same) is same


def test_a_tour_whose_beat_an_interrupt_left_out_can_be_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, field = field_of(6)
    generation = ColumnGeneration(with_teams(replace(instance_of(network), patrols=field)), field)
    some = [Tour(*tour) for tour in tours(field)[:3]]
    made: list[str] = []

    def stopped(*arguments: object) -> Beat:
        made.append("")
        if len(made) == 2:
            raise KeyboardInterrupt
        return make_beat(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("optimizer.solvers.patrols.column_generation.make_beat", stopped)
    with pytest.raises(KeyboardInterrupt):
        generation._add(0, some)
    assert generation._add(0, some) == 3
    assert generation._add(0, some) == 0
    assert [(beat.posts, beat.slots) for beat in generation.beats] == [
        (tour.posts, tour.slots) for tour in some
    ]


def test_an_interrupt_while_beats_are_listed_still_gives_a_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object) -> bool:
        raise KeyboardInterrupt

    network, field = field_of(6)
    monkeypatch.setattr(ColumnGeneration, "add_all", stop)
    result = solve(replace(instance_of(network), patrols=field), gap=1e-6)
    assert result.plan is not None
    assert result.upper is not None
    assert result.lower is not None
    assert result.lower <= result.upper


def test_beats_are_listed_by_the_bound_that_their_duals_prove(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, field = field_of(6)
    tree = BranchAndPrice(
        ColumnGeneration(with_teams(replace(instance_of(network), patrols=field)), field)
    )
    assert not _completed(tree, PatrolParams.listed)  # without duals nothing is proven
    tree.cut_root()
    assert tree.proof is not None
    tree.upper = tree.proof.bound + 0.5
    tree.lower = tree.upper - 0.1  # from elsewhere
    slacks: list[float] = []

    def listed(_: ColumnGeneration, __: object, slack: float, ___: int) -> bool:
        slacks.append(slack)
        return True

    monkeypatch.setattr(ColumnGeneration, "add_all", listed)
    assert _completed(tree, PatrolParams.listed)
    assert slacks == [pytest.approx(0.5)]
    monkeypatch.setattr(
        "optimizer.solvers.patrols.joint.COPIES", 2 * len(tree.generation.beats) - 1
    )
    assert not _completed(
        tree, PatrolParams.listed
    )  # two teams could drive each: one too many for a placement problem that holds them all


@pytest.mark.parametrize("teams", [1, 2, 3])
def test_where_one_beat_is_all_there_is_the_bound_is_that_of_the_program(teams: int) -> None:
    network, instance = town(6), instance_of(town(6))
    instance = replace(instance, evaders=(Evader("e", 3, 4, 1.0),), options=(), resources=())
    used = network.segment[first_answer(network, instance.reliability, instance.evaders[0])]
    post = post_on(network, int(used[0]))
    base = TeamBase("yard", post.node, 0.0, 0.0)
    field = patrol_field(network, [post], [(team_of(number=teams, most_slots=1), base, [0])])
    tree = BranchAndPrice(ColumnGeneration(with_teams(replace(instance, patrols=field)), field))
    relaxed = tree.cut_root()
    assert relaxed is not None
    assert tree.lower == pytest.approx(relaxed.bound, rel=1e-6)
    # a team's marginal value is in the dual of its budget: were it in a bound of the
    # beat's own, pricing would count it again
    upper = tree.generation.master.program.bounds[1][-len(tree.generation.beats) :]
    assert (upper > teams).all()


@pytest.mark.parametrize(
    ("budget", "use", "most"),
    [(2.5, 1.0, 2), (0.3, 0.1, 3), (0.0, 1.0, 0), (9.0, 0.0, 7), (1e9, 1e-9, 7)],
)
def test_a_plan_can_have_as_many_teams_as_budgets_are_enough_for(
    budget: float, use: float, most: int
) -> None:
    network, field = field_of(6, team=team_of(number=7, uses={"agents": use}))
    instance = with_teams(
        replace(instance_of(network), resources=(Resource("agents", budget),), patrols=field)
    )
    generation = ColumnGeneration(instance, field)
    assert generation.most_teams == [most]
    assert (most_times(instance, field)[1:] == max(most, 1) * field.elements.times).all()


def test_a_dive_that_runs_out_of_time_leaves_what_it_placed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, field = field_of(6)
    generation = ColumnGeneration(with_teams(replace(instance_of(network), patrols=field)), field)
    BranchAndPrice(generation).cut_root()
    found = Recorder()
    tree = BranchAndPrice(generation, listener=found)
    solved: list[str] = []
    relax = generation.relax

    def hurried(until: float) -> Relaxed | None:
        solved.append("")
        return relax(until) if len(solved) < 4 else None

    monkeypatch.setattr(generation, "relax", hurried)
    assert tree.dive(generation.root) is None
    (placed,) = found.plans
    assert placed.sum() >= 1
    assert (
        found.values[0]
        == tree.upper
        < generation.value(np.zeros(1, dtype=bool), np.zeros(field.elements.size))
    )


def test_branching_bounds_no_node_that_the_budget_is_not_enough_for() -> None:
    network, field = field_of(6, team=team_of(number=0))
    instance = instance_of(network)
    way = first_answer(network, instance.reliability, instance.evaders[0]).tolist()
    options = tuple(
        Option(f"c{k}", (arc,), (0.1,), {"agents": 2.0}) for k, arc in enumerate(way[:2])
    )
    poor = replace(
        instance,
        evaders=instance.evaders[:1],
        options=options,
        resources=(Resource("agents", 1.0),),
    )
    generation = ColumnGeneration(with_teams(replace(poor, patrols=field)), field)
    nothing = generation.value(np.zeros(2, dtype=bool), np.zeros(field.elements.size))
    tree = BranchAndPrice(generation, gap=1e-9, upper=nothing)
    relaxed = tree.cut_root()
    assert relaxed is not None
    assert relaxed.x[:2].max() > 0.01  # the program would have some of one
    assert tree.lower < nothing * (1 - 1e-6)
    tree.branch()
    assert tree.lower == pytest.approx(nothing)  # nothing fits, and splitting proves it
