"""Bounds of the tree beside any beats, against every plan with every beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optimizer.problem.beats import with_teams
from optimizer.solvers.branch_and_cut.floor_losses import prepared
from optimizer.solvers.branch_and_cut.tree import BranchAndCut
from optimizer.solvers.patrols.beat_tree import BeatTreeProblem, tour_prizes
from optimizer.solvers.patrols.branch_and_price import BranchAndPrice
from optimizer.solvers.patrols.column_generation import ColumnGeneration
from optimizer.solvers.patrols.merged_slots import MergedSlots
from optimizer.solvers.patrols.tour_rows import TourPrizes, TourRows
from tests.beat_tree_cases import check_beat_tree, every_plan, false_floors, option_case


@pytest.mark.parametrize("seed", range(12))
def test_no_plan_with_any_beats_is_below_the_bound_of_the_tree(seed: int) -> None:
    assert not [what for what in check_beat_tree(seed) if what.startswith("false")]


def _cut_generation(seed: int) -> ColumnGeneration:
    instance = with_teams(option_case(seed))
    assert instance.patrols is not None
    generation = ColumnGeneration(instance, instance.patrols)
    BranchAndPrice(generation).cut_root()
    return generation


def test_what_beats_take_off_floors_is_not_too_little_and_not_nothing() -> None:
    faults = []
    for seed in range(6):
        generation = _cut_generation(seed)
        plans = every_plan(generation)
        assert plans is not None
        problem = BeatTreeProblem.of(generation)
        node = prepared(BranchAndCut(problem.instance, problem.overlay, master=problem.master).root, problem.master)
        assert [*false_floors(node, problem, plans)] == ["floors"]
        faults += [*false_floors(replace(node, loss=None), problem, plans)]
    assert any(what.startswith("false") for what in faults)


def test_rows_that_are_carried_over_are_not_stronger_for_any_plan() -> None:
    compared = 0
    for seed in range(4):
        generation = _cut_generation(seed)
        plans = every_plan(generation)
        assert plans is not None
        merged = BeatTreeProblem.of(generation).merged
        fixed, elements, before = plans.placed.shape[1], merged.column.size, generation.master.value_rows
        others = before.rows.shape[1] - fixed - elements - len(generation.beats)
        after = merged.merged_rows(before, fixed, others)
        z = np.zeros((plans.value.size, merged.size))
        np.add.at(z.T, merged.column, (plans.present * merged.slots).T)
        was, now = before.rows.toarray(), after.rows.toarray()
        least = was[:, fixed : fixed + elements] @ plans.present.T
        assert (now[:, fixed : fixed + merged.size] @ z.T >= least).all()
        assert (now[:, :fixed] >= was[:, :fixed]).all()
        assert (now[:, fixed + merged.size :] >= was[:, fixed + elements : fixed + elements + others]).all()
        assert (after.side <= before.side).all()
        compared += int((least > 0).sum())
    assert compared > 0


def test_every_plan_obeys_the_rows_of_tours() -> None:
    generation = next(each for each in map(_cut_generation, range(20)) if each.proven_prices[-1].any())
    made = tour_prizes(generation, MergedSlots.of(generation.patrols))
    plans = every_plan(generation)
    assert plans is not None
    teams = generation.most_teams[0]
    for share, obeyed in ((1.0, True), (0.5, False)):
        found = [TourPrizes(each.price, share * each.prize) for each in made]
        rows = TourRows.of(found, generation.patrols)
        spent, most = np.asarray(rows.price @ plans.present.T), rows.prize.toarray() * teams
        assert bool((spent <= most * (1 + 1e-9)).all()) is obeyed


def test_rows_of_tours_hold_where_pricing_has_no_time() -> None:
    generation = _cut_generation(0)
    plans = every_plan(generation)
    assert plans is not None
    rows = TourRows.of(tour_prizes(generation, MergedSlots.of(generation.patrols), until=0.0), generation.patrols)
    most = rows.prize.toarray() * generation.most_teams[0]
    assert (np.asarray(rows.price @ plans.present.T) <= most * (1 + 1e-9)).all()
