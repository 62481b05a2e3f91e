"""Patrol teams in the simulation over time: beats of a pool among what policies place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from optimizer.lab.adaptive.analysis.adapt import adapt
from optimizer.lab.adaptive.simulation.routes import passage
from optimizer.lab.adaptive.simulation.simulate import simulate
from optimizer.lab.adaptive.simulation.world import adaptive_world, with_team_pool
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.teams import team_resource
from optimizer.problem.plan.plan import violations
from optimizer.scenario.file.adapt_model import AdaptModel
from tests.test_joint import small_case

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.lab

TERMS = AdaptModel(beats=8, loads=100, history=2)


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_policies_place_beats_within_the_number_of_teams(seed: int) -> None:
    instance = small_case(seed)[0]
    world = adaptive_world(instance, TERMS)
    fixed = len(instance.options)
    assert fixed < len(world.instance.options) <= fixed + 8
    assert {option.kind for option in world.instance.options[fixed:]} == {"patrol"}
    driven = 0
    for policy in ("exact", "explore", "coverage", "random", "fpl-ue"):
        for layout in simulate(world, policy, 0, periods=3).layouts[world.history :]:
            for plan in layout.plans:
                assert not violations(world.instance, plan)
                assert plan[fixed:].sum() <= 2
                driven += int(plan[fixed:].sum())
    assert driven
    assert any(resource.id == team_resource("mobile") for resource in world.instance.resources)
    alone = adaptive_world(instance, replace_beats(0))
    assert world.overlay.value(world.first.single) < alone.overlay.value(alone.first.single)


@pytest.mark.parametrize("seed", range(5))
def test_what_gets_through_is_the_product_over_the_arcs(seed: int) -> None:
    instance, rng = small_case(seed)[0], np.random.default_rng(seed)
    world = adaptive_world(instance, TERMS)
    n = len(world.instance.options)
    for _ in range(10):
        plan = rng.random(n) < 0.5
        found, survival = passage(world.sets.routes, plan), world.instance.survival(plan)
        assert found.through == pytest.approx([survival[list(arcs)].prod() for arcs in world.sets.arcs])
        assert (found.seized.sum(axis=1) + found.through <= 1 + 1e-9).all()
        assert (found.seized >= 0).all()
    met = world.sets.routes.option
    for row in met:
        beats = row[(row >= len(instance.options)) & (row < n)]
        assert beats.size == np.unique(beats).size


def test_without_a_pool_teams_change_nothing() -> None:
    instance = small_case(2)[0]
    with_teams, without = (
        adaptive_world(each, replace_beats(0)) for each in (instance, replace(instance, patrols=None))
    )
    for policy in ("exact", "explore"):
        assert simulate(with_teams, policy, 0, periods=3).rows == simulate(without, policy, 0, periods=3).rows


def test_the_pool_is_the_same_each_time() -> None:
    instance = small_case(2)[0]
    pools = [[(o.arcs, o.survival) for o in with_team_pool(instance, 5).options] for _ in range(2)]
    assert pools[0] == pools[1]
    assert len(pools[0]) == len(instance.options) + 5


def test_the_command_says_what_becomes_of_teams(tmp_path: Path) -> None:
    write_instance(tmp_path / "i.json", small_case(2)[0])
    for beats, said in ((0, "2 patrol teams are left out"), (5, "2 patrol teams drive a pool of 5 beats")):
        found = adapt(tmp_path / "i.json", policies=["exact"], periods=1, runs=1, terms={"beats": beats})
        notes = [note for note in found.notes if "patrol teams" in note]
        assert len(notes) == 1
        assert said in notes[0]
        assert "--beats" in notes[0]


def replace_beats(number: int) -> AdaptModel:
    return TERMS.model_copy(update={"beats": number})
