"""Bounds of the tree beside any beats, against every plan with every beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.plan import make_beat, with_teams
from optimizer.solvers.branch_and_cut.lp.relaxed_options import prepared, tangent_losses
from optimizer.solvers.branch_and_cut.tree.node import Node
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.patrols.beat_tree import (
    BeatTreeProblem,
    MergedSlots,
    TourLimits,
    TourPrizes,
    TourRows,
    tour_prizes,
)
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration, most_times
from optimizer.solvers.place import place
from tests.beat_tree_cases import EveryPlan, check_beat_tree, every_plan, false_floors, option_case
from tests.examples import quick_first
from tests.test_joint import every_tour, small_case


@pytest.mark.parametrize("seed", quick_first([0, 4_500_468, *range(1, 12)], 1))
def test_no_plan_with_any_beats_is_below_a_bound_that_is_told(seed: int) -> None:
    assert not [what for what in check_beat_tree(seed, whole=True) if what.startswith("false")]


def _cut_generation(seed: int) -> ColumnGeneration:
    instance = with_teams(option_case(seed))
    assert instance.patrols is not None
    generation = ColumnGeneration(instance, instance.patrols)
    BranchAndPrice(generation).cut_root()
    return generation


def _columns_of(plans: EveryPlan, merged: MergedSlots) -> NDArray[np.float64]:
    z = np.zeros((plans.value.size, merged.size))
    np.add.at(z.T, merged.column, (plans.present * merged.slots).T)
    return z


def test_what_beats_take_off_floors_is_not_too_little_and_not_nothing() -> None:
    faults = []
    for seed in range(6):
        generation = _cut_generation(seed)
        plans = every_plan(generation)
        assert plans is not None
        problem = BeatTreeProblem.of(generation)
        node = prepared(
            BranchAndCut(problem.instance, problem.overlay, master=problem.master).root,
            problem.master,
        )
        assert [*false_floors(node, problem, plans)] == ["floors"]
        faults += [*false_floors(replace(node, loss=None), problem, plans)]
    assert any(what.startswith("false") for what in faults)


def test_tangents_of_losses_hold_where_next_to_nothing_is_left_beside_an_option_that_leaves_nothing() -> (
    None
):
    none = np.zeros(2, dtype=bool)
    node = Node(none, none, np.ones(1), loss=csr_array([[1.0, 1 - 1e-15]]))
    for point in ([0.5, 30.0], [0.5, 0.5], [0.0, 1.0], [0.0, 0.0]):
        lost = tangent_losses(node, np.array(point))
        for present in np.ndindex(2, 4):
            left = 1 - lost.constant - lost.entry @ np.array(present)
            assert left <= np.prod([0.0, 1e-15] ** np.array(present)) + 1e-15


def test_rows_that_are_carried_over_are_not_stronger_for_any_plan() -> None:
    compared = 0
    for seed in range(4):
        generation = _cut_generation(seed)
        plans = every_plan(generation)
        assert plans is not None
        merged = BeatTreeProblem.of(generation).merged
        fixed, elements, before = (
            plans.placed.shape[1],
            merged.column.size,
            generation.master.value_rows,
        )
        others = before.rows.shape[1] - fixed - elements - len(generation.beats)
        after = merged.merged_rows(before, fixed, others)
        z = _columns_of(plans, merged)
        was, now = before.rows.toarray(), after.rows.toarray()
        least = was[:, fixed : fixed + elements] @ plans.present.T
        assert (now[:, fixed : fixed + merged.size] @ z.T >= least).all()
        assert (now[:, :fixed] >= was[:, :fixed]).all()
        assert (
            now[:, fixed + merged.size :] >= was[:, fixed + elements : fixed + elements + others]
        ).all()
        assert (after.side <= before.side).all()
        compared += int((least > 0).sum())
    assert compared > 0


def test_a_dive_leaves_the_tree_the_rows_of_the_root() -> None:
    def rows(generation: ColumnGeneration) -> NDArray[np.float64]:
        found = BeatTreeProblem.of(generation).master.value_rows
        return np.column_stack((found.rows.toarray(), found.side))

    others = 0
    for seed in range(4):
        generation = _cut_generation(seed)
        before, in_use = rows(generation), generation.master.value_rows.side.size
        root = generation.root
        BranchAndPrice(generation).dive(replace(root, zeros=~root.ones))
        assert np.array_equal(rows(generation), before)
        others += generation.master.value_rows.side.size != in_use
    assert others


def test_every_plan_obeys_the_rows_of_tours() -> None:
    generation = next(
        each for each in map(_cut_generation, range(20)) if each.proven_prices[-1].any()
    )
    made = tour_prizes(generation, MergedSlots.of(generation.patrols))
    plans = every_plan(generation)
    assert plans is not None
    teams = generation.most_teams[0]
    for share, obeyed in ((1.0, True), (0.5, False)):
        found = [TourPrizes(each.price, share * each.prize) for each in made]
        rows = TourRows.of(found, generation.patrols)
        spent, most = np.asarray(rows.price @ plans.present.T), rows.prize.toarray() * teams
        assert bool((spent <= most * (1 + 1e-9)).all()) is obeyed


def test_no_time_beside_beats_goes_to_searches_around_plans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generation = _cut_generation(3)
    problem = BeatTreeProblem.of(generation)

    def searched(*_: object, **__: object) -> None:
        raise AssertionError("a search around a plan")

    monkeypatch.setattr(
        "optimizer.solvers.branch_and_cut.improve.local_search.PlanImprover.near_node", searched
    )
    monkeypatch.setattr("optimizer.solvers.branch_and_cut.tree.tree.BranchAndCut.dive", searched)
    start = np.zeros(len(problem.instance.options), dtype=bool)
    found = place(
        problem.instance,
        SolveOptions(threads=1),
        overlay=problem.overlay,
        master=problem.master,
        starts=[start],
    )
    assert found.lower is not None


def test_rows_of_tours_hold_where_pricing_has_no_time() -> None:
    generation = _cut_generation(0)
    plans = every_plan(generation)
    assert plans is not None
    rows = TourRows.of(
        tour_prizes(generation, MergedSlots.of(generation.patrols), until=0.0), generation.patrols
    )
    most = rows.prize.toarray() * generation.most_teams[0]
    assert (np.asarray(rows.price @ plans.present.T) <= most * (1 + 1e-9)).all()


def _second_team(instance: Instance, row: Sequence[int]) -> Instance:
    """Return an instance with another type of team, which dwells one slot at each post,
    by these elements of the first, and only there.
    """
    field = instance.patrols
    assert field is not None
    (first,) = field.patrols
    short = replace(first.team, id="short", most_slots=1, number=1)
    dwell = first.dwell[np.arange(len(row)), row][:, None]
    second = replace(first, team=short, dwell=dwell, drives=csr_array(first.drives.shape))
    return replace(instance, patrols=replace(field, patrols=(first, second)))


def test_teams_of_two_types_with_the_same_elements_have_them_together() -> None:
    """An element of two types of one team each could come once in the program: where
    both watch one road, its bound was above the best plan.
    """
    instance = with_teams(_second_team(small_case(1, teams=1)[0], (0, 0, 0)))
    field = instance.patrols
    assert field is not None
    beats = [make_beat(field, q, (1,), (1,), f"b{q}") for q in (0, 1)]
    times = most_times(instance, field)[len(instance.options) :]
    assert (beats[0].elements + beats[1].elements).max() == 2
    assert (beats[0].elements + beats[1].elements <= times).all()


def test_slots_are_merged_by_one_rule_where_a_shorter_dwell_is_shared() -> None:
    """Two slots here are more than twice one; a second team with the one slot alone
    made it count as twice.
    """
    instance, _ = small_case(1, teams=1)
    field = instance.patrols
    assert field is not None
    elements = field.elements
    longer = np.isin(elements.element, field.patrols[0].dwell[:, 1])
    deeper = replace(elements, survival=np.where(longer, elements.survival**3, elements.survival))
    instance = replace(instance, patrols=replace(field, elements=deeper))
    shared = _second_team(instance, (0, 0, 0)).patrols
    assert instance.patrols is not None
    assert shared is not None
    alone, both = MergedSlots.of(instance.patrols), MergedSlots.of(shared)
    assert alone.power.max() > 1
    assert (both.power == alone.power).all()
    assert (both.column == alone.column).all()


def test_rows_of_tours_hold_where_an_idle_team_shares_a_longer_dwell() -> None:
    """What the idle team holds was left out of the prices, but not of the slots: two
    slots counted, and cost what one does.
    """
    instance = _second_team(small_case(1, teams=1)[0], (1, 1, 1))
    field = instance.patrols
    assert field is not None
    merged = MergedSlots.of(field)
    worth, present = np.zeros(merged.size), np.zeros(merged.size)
    driven = merged.column[np.unique(field.patrols[0].drives.indices)]
    worth[merged.column[field.patrols[0].dwell[0, 0]]] = present[driven] = 1.0
    worth[driven] = 0.01
    rows = TourLimits(field, merged)(worth, present, np.zeros(2)).toarray()
    for tour in every_tour(field):
        beat = make_beat(field, 0, *tour, "b")
        columns = np.bincount(merged.column, beat.elements * merged.slots, merged.size)
        assert (rows @ np.append(columns, (1.0, 0.0)) >= -1e-9).all()


@pytest.mark.slow
def test_rows_of_tours_at_any_prices_cut_off_too_much_but_no_plan() -> None:
    rng = np.random.default_rng(1)
    made = 0
    for seed in range(6):
        generation = _cut_generation(seed)
        plans = every_plan(generation)
        assert plans is not None
        merged = MergedSlots.of(generation.patrols)
        limits, teams = (
            TourLimits(generation.patrols, merged),
            np.array(generation.most_teams, dtype=float),
        )
        times = merged.slots * generation.times[plans.placed.shape[1] :]
        most = np.bincount(merged.column, times, merged.size).astype(np.float64)
        for _ in range(5):
            worth = rng.normal(size=merged.size)
            rows = limits(worth, most, teams)
            assert (rows @ np.append(most, teams) < 0).all()
            held = np.column_stack(
                (_columns_of(plans, merged), np.tile(teams, (plans.value.size, 1)))
            )
            assert (rows @ held.T >= -1e-9).all()
            assert limits(worth, np.zeros(merged.size), teams).shape[0] == 0
            made += rows.shape[0]
    assert made > 0


def test_rows_of_tours_at_the_prices_of_a_node_raise_its_bound() -> None:
    def bound(seed: int, *, limited: bool) -> float:
        problem = BeatTreeProblem.of(_cut_generation(seed))
        tree = BranchAndCut(problem.instance, problem.overlay, master=problem.master)
        if not limited:
            tree.master.limit = lambda *_: False  # type: ignore[method-assign]
        tree.cut_root()
        return tree.lower

    assert any(
        bound(seed, limited=True) > bound(seed, limited=False) * (1 + 1e-6) for seed in range(30)
    )


@pytest.mark.slow
def test_no_child_has_a_lower_program_than_its_node() -> None:
    """Rows hold below their node whatever floors and losses are there, so deciding one
    more option only adds to them.
    """
    compared = 0
    for seed in range(8):
        problem = BeatTreeProblem.of(_cut_generation(seed))
        tree = BranchAndCut(problem.instance, problem.overlay, master=problem.master)
        assert tree.cut_root() is not None
        master, root = problem.master, tree.root
        master.enter(root)
        relaxed = master.relax()
        assert relaxed is not None
        for option in np.flatnonzero(root.undecided).tolist():
            chosen = np.arange(root.zeros.size) == option
            for decided in (
                replace(root, ones=root.ones | chosen),
                replace(root, zeros=root.zeros | chosen),
            ):
                child = prepared(decided, master)
                master.separate_below(child, relaxed)
                master.enter(child)
                below = master.relax()
                assert below is not None
                assert below.bound >= relaxed.bound - 1e-9 * master.total
                compared += not np.array_equal(child.floor, root.floor)
    assert compared > 0
