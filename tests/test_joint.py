"""Checkpoints and beats together, against every plan of every beat on small roads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations_with_replacement, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.base.work.listener import SilentListener, Stopping
from optimizer.base.work.work_clock import limited
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance, layered_instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.instance.teams import PatrolField, TeamBase, TeamType
from optimizer.problem.network.network import Network
from optimizer.problem.plan.evaluation import evaluate, plan_value
from optimizer.problem.plan.plan import (
    Plan,
    make_beat,
    violations,
    with_beats,
    with_plan,
    with_teams,
)
from optimizer.scenario.demand.patrols import patrol_field, post_on
from optimizer.solvers.params import ClockParams, PatrolParams, SolveOptions, SolveParams
from optimizer.solvers.patrols.beat_pool import given_tour
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration, element_instance
from optimizer.solvers.patrols.exact_steps import ExactSteps, improved_exactly
from optimizer.solvers.patrols.joint import solve_joint
from optimizer.solvers.solve import solve
from tests.cases import Recorder
from tests.examples import examples

SHIFT, SLOT = 6 * 3600, 3600

BY_WORK = SolveParams(clock=ClockParams(by_work=True))
"""Limits count what the search has done: other programs do not shorten it."""


def small_case(seed: int, *, teams: int = 2, shift: int = SHIFT) -> tuple[Instance, PatrolField]:
    """Return a ring with chords, three evaders, two checkpoints, and teams of one type
    at one base with three posts.
    """
    rng = np.random.default_rng(seed)
    n = 7
    ends = [(k, (k + 1) % n) for k in range(n)] + [(0, 3), (1, 5), (2, 6)]
    tail, head = np.array(ends + [(b, a) for a, b in ends], dtype=np.int32).T
    time = np.tile(rng.integers(1200, 5400, len(ends)), 2).astype(np.float64)
    angle = 2 * np.pi * np.arange(n) / n
    lonlat = np.column_stack((np.cos(angle), np.sin(angle)))
    network = Network.from_arrays(
        tail,
        head,
        time * 15,
        time,
        lon=lonlat[:, 0],
        lat=lonlat[:, 1],
        road_class="primary",
        segment=np.tile(np.arange(len(ends)), 2),
    )
    pairs = rng.permutation(n)[:6].reshape(3, 2)
    evaders = tuple(
        Evader(f"e{k}", int(o), int(d), float(rng.uniform(0.5, 2)))
        for k, (o, d) in enumerate(pairs)
    )
    watched = rng.permutation(len(ends))
    options = tuple(
        Option(f"c{j}", network.arcs_of(int(s)), (0.5, 0.5), {"agents": 2.0})
        for j, s in enumerate(watched[:2])
    )
    instance = Instance(
        name=f"small-{seed}",
        node_id=network.node_id,
        tail=network.tail,
        head=network.head,
        reliability=np.exp(-0.02 * time / 3600),
        evaders=evaders,
        options=options,
        resources=(Resource("agents", float(rng.integers(2, 6))),),
    )
    team = TeamType("mobile", teams, shift, SLOT, 2, 0.6, {"agents": 1.0}, passing=0.4)
    posts = [post_on(network, int(s)) for s in watched[2:5]]
    field = patrol_field(network, posts, [(team, TeamBase("home", 0, 1.0, 0.0), range(len(posts)))])
    return replace(instance, patrols=field), field


def every_tour(field: PatrolField) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return all tours of the only patrol that can be made into a beat."""
    patrol = field.patrols[0]
    tours = []
    for length in range(1, patrol.posts.size + 1):
        for posts in permutations(range(1, patrol.posts.size + 1), length):
            for slots in product(range(1, patrol.team.most_slots + 1), repeat=length):
                try:
                    make_beat(field, 0, posts, slots, "b")
                except ValueError:
                    continue
                tours.append((posts, slots))
    return tours


def true_optimum(instance: Instance, field: PatrolField) -> float:
    """Return the least value over all fixed options and all sets of tours, one team at
    most for each.
    """
    tours, teams = every_tour(field), field.patrols[0].team.number
    copies = [
        make_beat(field, 0, *tour, f"b{k} {c}")
        for k, tour in enumerate(tours)
        for c in range(teams)
    ]
    whole = with_beats(with_teams(instance), copies)
    n, best = len(instance.options), np.inf
    for count in range(teams + 1):
        for chosen in combinations_with_replacement(range(len(tours)), count):
            names = {f"b{k} {chosen[:i].count(k)}" for i, k in enumerate(chosen)}
            for bits in product((False, True), repeat=n):
                mask = np.array([*bits, *(beat.option.id in names for beat in copies)])
                if not violations(whole, mask):
                    best = min(best, plan_value(whole, mask))
    return best


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_the_joint_optimum_is_the_true_one_where_every_beat_can_be_tried(seed: int) -> None:
    instance, field = small_case(seed)
    result = solve(instance, gap=1e-6)
    best = true_optimum(instance, field)
    assert result.upper == pytest.approx(best, rel=1e-6)
    assert result.lower is not None
    assert result.lower <= best * (1 + 1e-9)
    assert result.plan is not None
    whole = with_plan(instance, result.plan)
    placed = whole.placed(result.plan.options)
    assert plan_value(whole, placed) == pytest.approx(best, rel=1e-6)
    assert evaluate(instance, result.plan).value == pytest.approx(result.upper, rel=1e-12)
    assert not violations(whole, placed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2, 3])
def test_no_more_teams_stand_at_a_post_than_may_and_the_optimum_is_the_true_one(seed: int) -> None:
    """Without the limit the best plans of these seeds have both teams at one post. The
    second search cannot list all beats.
    """
    free, field = small_case(seed)
    uncrowded = replace(free, patrols=(field := replace(field, teams_at_post=1)))
    best, crowded = true_optimum(uncrowded, field), solve(free, gap=1e-6).plan
    assert crowded is not None
    whole = with_plan(uncrowded, crowded)
    assert any(
        "is exceeded: 2 of at most 1" in each
        for each in violations(whole, whole.placed(crowded.options))
    )
    for params in (SolveParams(), SolveParams(patrols=PatrolParams(listed=0))):
        with limited(60.0, 1.0):  # a second of work, however busy the machine is
            found = solve(uncrowded, gap=1e-6, time_limit=1.0, params=params)
        assert found.plan is not None
        assert found.lower is not None
        assert found.upper is not None
        assert found.lower <= best * (1 + 1e-9)
        assert found.upper >= best * (1 - 1e-9)
        whole = with_plan(uncrowded, found.plan)
        assert not violations(whole, whole.placed(found.plan.options))
        assert params.patrols.listed == 0 or found.upper == pytest.approx(best, rel=1e-6)


def test_elements_of_layers_watch_their_arcs_in_every_layer() -> None:
    """As robust plans of teams need them, whose draws of detection chances are layers:
    else bounds over draws are false.
    """
    instance, field = small_case(0)
    layered, m = layered_instance([instance, instance]), instance.tail.size
    assert layered.patrols is not None
    whole = element_instance(layered, layered.patrols)
    for one, two in zip(element_instance(instance, field).options, whole.options, strict=True):
        assert two.arcs == (*one.arcs, *(arc + m for arc in one.arcs))
        assert two.survival == 2 * one.survival


@pytest.mark.parametrize("least", [-5.0, -1.0])
def test_a_requirement_with_the_name_of_a_limit_at_a_post_is_refused(least: float) -> None:
    """Beats counted in its sum before: the first let both teams stand at one post, the
    second gave a bound above the least value.
    """
    instance, field = small_case(3)
    field = replace(field, teams_at_post=1)
    same = tuple(
        Requirement(field.limit_at(post), (0,), (-1.0,), least) for post in range(len(field.posts))
    )
    with pytest.raises(InputError, match="name of the limit of 1 teams at a post"):
        solve(replace(instance, patrols=field, requirements=same))


@pytest.mark.parametrize("most", [0, 1.5])
def test_a_limit_of_teams_at_a_post_is_a_whole_number_from_1(most: float) -> None:
    instance, field = small_case(3)
    with pytest.raises(InputError, match="teams_at_post"):
        solve(replace(instance, patrols=replace(field, teams_at_post=most)))  # type: ignore[arg-type]


def test_a_team_that_must_stand_at_a_post_counts_towards_its_limit() -> None:
    instance, field = small_case(3)
    field = replace(field, teams_at_post=1)
    beat = make_beat(field, 0, *every_tour(field)[0], "b")
    whole = with_beats(with_teams(replace(instance, patrols=field)), [beat]).with_forced("b")
    found = solve(whole, gap=1e-6)
    assert found.plan is not None
    posts = [stop.post.segment for each in (beat, *found.plan.beats) for stop in each.stops]
    assert len(found.plan.beats) == 1
    assert len(set(posts)) == len(posts)


@pytest.mark.slow
@examples(8)
@given(st.integers(0, 10_000))
def test_no_plan_is_below_the_bound_over_all_beats(seed: int) -> None:
    instance, field = small_case(seed)
    result = solve(instance, gap=0.0, time_limit=2.0, params=BY_WORK)
    best = true_optimum(instance, field)
    assert result.upper is not None
    assert result.weighed_lower is not None
    assert result.lower is not None
    assert result.lower <= result.weighed_lower * (1 + 1e-12)
    assert result.lower is not None
    assert result.lower <= best * (1 + 1e-9) <= result.upper * (1 + 2e-9)


@pytest.mark.slow
def test_more_teams_and_longer_shifts_never_hurt() -> None:
    values = []
    for teams, shift in ((1, SHIFT), (2, SHIFT), (2, SHIFT + SLOT)):
        instance, _ = small_case(3, teams=teams, shift=shift)
        upper = solve(replace(instance, resources=(Resource("agents", 9.0),)), gap=1e-6).upper
        assert upper is not None
        values.append(upper)
    shorter = [
        field.elements.survival.min()
        for field in (small_case(3)[1], small_case(3, shift=SHIFT + SLOT)[1])
    ]
    assert values[1] <= values[0] * (1 + 1e-6)
    # a dwell of an hour meets fewer in a longer shift: longer shifts are not compared
    assert shorter[0] < shorter[1]


def test_a_plan_without_teams_is_the_plan_of_fixed_options() -> None:
    instance, _ = small_case(5)
    poor = replace(instance, resources=(Resource("agents", 0.5),))
    result = solve(poor, gap=1e-6)
    assert result.plan is not None
    assert result.plan.options == ()
    assert result.upper == pytest.approx(plan_value(poor, np.zeros(2, dtype=bool)))
    assert result.status == "optimal"


def test_the_whole_instance_values_beats_as_elements_do() -> None:
    instance, field = small_case(1)
    generation = ColumnGeneration(with_teams(instance), field)
    rng = np.random.default_rng(0)
    beats = [make_beat(field, 0, *tour, f"b{k}") for k, tour in enumerate(every_tour(field)[:6])]
    whole = with_beats(with_teams(instance), beats)
    bundled = generation.overlay_of(whole, beats)
    for _ in range(20):
        mask = rng.random(len(whole.options)) < 0.4
        exact = plan_value(whole, mask)
        assert bundled.value(mask) == pytest.approx(exact, rel=1e-9)
        present = np.zeros(field.elements.size)
        for beat, there in zip(beats, mask[2:], strict=True):
            present += there * beat.elements
        assert generation.value(mask[:2], present) == pytest.approx(exact, rel=1e-9)


def test_an_interrupt_while_beats_are_made_still_gives_a_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(BranchAndPrice, "cut_root", stop)
    instance, field = small_case(2)
    result = solve(instance, gap=1e-6)
    assert result.plan is not None
    assert result.lower is not None
    assert result.lower <= true_optimum(instance, field)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_search_begins_from_a_plan_with_beats(seed: int) -> None:
    instance, field = small_case(seed)
    best = solve(instance, gap=1e-6)
    assert best.plan is not None
    again = solve(instance, time_limit=1e-6, start=best.plan)  # no time to find it by itself
    assert again.upper == pytest.approx(best.upper, rel=1e-9)
    assert again.lower is not None
    assert again.lower <= true_optimum(instance, field) * (1 + 1e-9)
    more = Changes({"agents": 20.0}).applied(instance)
    richer = solve(more, time_limit=1e-6, start=best.plan).upper
    assert richer is not None
    assert best.upper is not None
    assert richer <= best.upper * (1 + 1e-9)
    # the plan does not fit: only its tours are taken
    none = Changes({"agents": 0.0}).applied(instance)
    found = solve(none, time_limit=1e-6, start=best.plan)
    assert found.plan is not None
    whole = with_plan(none, found.plan)
    assert not violations(whole, whole.placed(found.plan.options))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_plans_that_are_awaited_are_asked_for_once_and_taken(seed: int) -> None:
    instance, field = small_case(seed)
    best = solve(instance, gap=1e-6)
    asked = []

    def awaited() -> Sequence[Plan]:
        asked.append(1)
        return () if best.plan is None else (best.plan,)

    found = solve_joint(
        instance, SolveOptions(gap=1e-6, time_limit=60.0, params=BY_WORK), awaited=awaited
    )
    assert asked == [1]
    assert found.upper == pytest.approx(best.upper, rel=1e-9)
    nothing = solve_joint(
        instance, SolveOptions(gap=1e-6, time_limit=60.0, params=BY_WORK), awaited=tuple
    )
    assert nothing.upper is not None
    assert nothing.lower is not None
    assert nothing.lower <= true_optimum(instance, field) * (1 + 1e-9) <= nothing.upper * (1 + 2e-9)


def test_nothing_is_awaited_once_a_search_was_stopped() -> None:
    class Stops(SilentListener):
        def step_started(self, name: str) -> None:
            self.stopped = name == "making beats"

        def cancelled(self) -> bool:
            return getattr(self, "stopped", False)

    instance, _ = small_case(2)
    result = solve_joint(instance, awaited=lambda: pytest.fail("it waits"), listener=Stops())
    assert result.limit == "interrupted"
    assert result.plan is not None


@pytest.mark.slow
@pytest.mark.parametrize("bounding", [0.65, 0.95])
def test_the_tree_over_any_beats_can_be_left_out_and_no_greedy_plan_is_made_twice(
    bounding: float,
) -> None:
    instance, field = small_case(1)
    told, params = Recorder(), SolveParams(patrols=PatrolParams(listed=0, bounding=bounding))
    result = solve_joint(instance, SolveOptions(gap=1e-6, params=params), listener=told)
    best = true_optimum(instance, field)
    assert result.upper is not None
    assert result.lower is not None
    assert result.lower <= best * (1 + 1e-9) <= result.upper * (1 + 2e-9)
    steps = set(told.steps)
    assert "improving fixed options and beats in turn" in steps
    assert ("placing fixed options beside any beats" in steps) == (bounding > 0.65)
    assert "greedy" not in told.steps


@pytest.mark.slow
@pytest.mark.parametrize("another", ["is not asked for", "makes them", "cannot be started"])
def test_exact_steps_find_the_best_plan_from_today_s(
    another: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if another == "cannot be started":
        monkeypatch.setattr("sys.executable", "/nowhere/python")
    instance, field = small_case(3)
    generation = ColumnGeneration(with_teams(instance), field)
    tree = BranchAndPrice(generation)
    told, aside = Recorder(), another != "is not asked for"
    options = SolveOptions(gap=1e-6, threads=1)
    with ExactSteps(tree, options, np.inf, Stopping(told), aside=aside) as steps:
        steps.take()
    assert ["No process beside this one can be started" in each for each in told.sentences] == [
        True
    ] * (another == "cannot be started")
    present = tree.number @ np.array([beat.elements for beat in generation.beats])
    assert tree.upper == pytest.approx(generation.value(tree.placed, present))
    assert true_optimum(instance, field) <= tree.upper * (1 + 1e-9)
    assert tree.upper < generation.value(instance.forced, np.zeros_like(present))


def _value_of(instance: Instance, plan: Plan) -> float:
    whole = with_plan(instance, plan)
    return plan_value(whole, whole.placed(plan.options))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_exact_steps_never_lose_and_keep_what_is_banned_out(seed: int) -> None:
    """And their plan is one of the best of its beats, and of its options."""
    instance, field = small_case(seed)
    instance = with_teams(instance)
    options = SolveOptions(gap=1e-9, threads=1)
    empty = Plan.from_mask(instance, instance.forced)
    *_, plan = improved_exactly(instance, empty, options, np.inf)
    value = _value_of(instance, plan)
    assert true_optimum(instance, field) <= value * (1 + 1e-9)
    assert value <= _value_of(instance, empty) * (1 + 1e-9)
    *_, again = improved_exactly(instance, plan, options, np.inf)
    assert _value_of(instance, again) <= value * (1 + 1e-9)
    *_, without = improved_exactly(instance, empty, options, np.inf, banned=plan.beats)
    tours = {(beat.patrol, beat.posts, beat.slots) for beat in plan.beats}
    assert not tours & {(beat.patrol, beat.posts, beat.slots) for beat in without.beats}


def test_exact_steps_without_time_return_the_plan_that_they_got() -> None:
    instance = with_teams(small_case(1)[0])
    plan = Plan.from_mask(instance, instance.forced)
    assert list(improved_exactly(instance, plan, SolveOptions(threads=1), 0.0)) == [plan]


@pytest.mark.parametrize("aside", [False, True])
def test_an_interrupt_keeps_what_the_steps_have_found(
    aside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the second step is broken off; in another process all steps have ended, and
    nobody waits for them any more.
    """
    instance, field = small_case(3)
    tree = BranchAndPrice(ColumnGeneration(with_teams(instance), field))
    stopping = Stopping(SilentListener())

    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    if not aside:
        monkeypatch.setattr(
            "optimizer.solvers.patrols.exact_steps._beats_beside_options", broken_off
        )
    with ExactSteps(tree, SolveOptions(threads=1), np.inf, stopping, aside=aside) as steps:
        if steps._aside is not None:
            steps._aside._process.process.wait()
            for thread in steps._aside._process._threads[1:]:
                thread.join()
        stopping.stopped = True
        steps.take()
    nothing = np.zeros(field.elements.size)
    assert tree.upper < tree.generation.value(instance.forced, nothing) * (1 - 1e-6)


@pytest.mark.slow
def test_a_bound_that_is_known_is_kept_and_may_close_the_gap() -> None:
    instance, field = small_case(1)
    best = true_optimum(instance, field)
    plan = solve(instance, gap=1e-6).plan
    assert plan is not None
    result = solve_joint(
        instance,
        SolveOptions(gap=1e-6, time_limit=5.0, params=BY_WORK),
        starts=[plan],
        proven=best * (1 - 1e-9),
    )
    assert result.lower == pytest.approx(best, rel=1e-8)
    assert result.upper == pytest.approx(best, rel=1e-8)
    assert result.status == "optimal"


def test_a_greedy_plan_that_the_first_step_cuts_short_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Recorder()
    monkeypatch.setattr("optimizer.solvers.branch_and_cut.improve.local_search.LEAST_OVER", 0.0)
    solve_joint(small_case(3)[0], SolveOptions(time_limit=1e-6), listener=told)
    assert "ended after 0 s of work beyond the time limit" in told.sentences[0]


def test_a_lost_process_of_exact_steps_is_told_and_its_plan_left_out() -> None:
    instance, field = small_case(3)
    tree = BranchAndPrice(ColumnGeneration(with_teams(instance), field))
    told = Recorder()
    options = SolveOptions(threads=1)
    with ExactSteps(tree, options, np.inf, Stopping(told), aside=True) as steps:
        assert steps._aside is not None
        steps._aside._process.process.kill()
        steps.take()
    assert "Improving the plan in another process failed" in told.sentences[0]
    assert tree.upper == np.inf


def test_tours_of_other_posts_teams_and_shifts_are_left_out() -> None:
    _, field = small_case(2)
    beat = make_beat(field, 0, *every_tour(field)[-1], "b")
    assert given_tour(field, beat) is not None
    stranger = replace(beat, team=replace(beat.team, id="others"))
    assert given_tour(field, stranger) is None
    away = replace(beat, stops=tuple(replace(s, post=replace(s.post, node=99)) for s in beat.stops))
    assert given_tour(field, away) is None
    _, short = small_case(2, shift=SLOT)
    assert given_tour(short, beat) is None


def test_each_note_is_told_once_however_many_steps_contract_the_network() -> None:
    instance, _ = small_case(1)
    first = instance.evaders[0]
    tiny = replace(first, id="tiny", weight=1e-310)
    told = Recorder()
    solve(replace(instance, evaders=(*instance.evaders, tiny)), listener=told)
    notes = [sentence for sentence in told.sentences if "left out of the search" in sentence]
    assert len(notes) == 1
