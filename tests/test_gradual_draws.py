"""Draws of which little changes from one to the next: every limit, every frequency, and
by brute force whether any walk keeps to a limit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import combinations, islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline.plan import plan_scenario
from optimizer.pipeline.roster.draw import draw_from_plan
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Resource
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.plan.plan import Mixture, Plan, violations
from optimizer.problem.plan.result import Randomised, Result
from optimizer.roster.draws import GradualDraw, GradualRounds, drawn_mixture, most_changed
from optimizer.scenario.file.model import SolveModel
from tests.cases import side_by_side
from tests.examples import quick_first
from tests.tiny import SCENARIO, write_scenario

SECRET = b"a secret of these tests alone"
OPTIONS = 8


def problem(seed: int, *, needs: bool = False) -> tuple[Instance, Mixture]:
    """Return roads side by side with an option each, budgets of two resources, an
    exclusion, and a random mixture of feasible plans.
    """
    rng = np.random.default_rng(seed)
    uses = [{"units": 1.0, "dogs": float(rng.integers(0, 3))} for _ in range(OPTIONS)]
    roads = side_by_side(uses, [Resource("units", 4.0), Resource("dogs", 5.0)])
    instance = replace(roads, exclusions=((0, 1), (2, 3, 4)))
    if needs:
        least = Requirement("some", tuple(range(4)), (1.0,) * 4, 2.0)
        instance = replace(instance, requirements=(least,))
    feasible = [mask for mask in every_mask() if not violations(instance, mask)]
    full = [mask for mask in feasible if mask.sum() >= 3]
    count = int(rng.integers(2, 7))
    chosen = rng.choice(len(full), min(count, len(full)), replace=False).tolist()
    plans = tuple(Plan.from_mask(instance, full[k]) for k in chosen)
    return instance, Mixture(plans, tuple(rng.dirichlet(np.ones(len(plans))).tolist()))


def every_mask() -> list[np.ndarray]:
    return [
        np.isin(np.arange(OPTIONS), group)
        for size in range(5)
        for group in combinations(range(OPTIONS), size)
    ]


def near(a: np.ndarray, b: np.ndarray, most: int) -> bool:
    return int((a & ~b).sum()) <= most and int((b & ~a).sum()) <= most


def reachable(instance: Instance, mixture: Mixture, most: int) -> bool:
    """Return whether any walk over feasible plans, of so many changes at a time, passes
    all plans of a mixture.
    """
    feasible = [mask for mask in every_mask() if not violations(instance, mask)]
    wanted = {instance.placed(plan.options).tobytes() for plan in mixture.plans}
    first = instance.placed(mixture.plans[0].options)
    seen, queue = {first.tobytes()}, deque([first])
    while queue:
        here = queue.popleft()
        for mask in feasible:
            if mask.tobytes() not in seen and near(here, mask, most):
                seen.add(mask.tobytes())
                queue.append(mask)
    return wanted <= seen


@pytest.mark.parametrize("change", [0.34, 0.67, 1.0])
@pytest.mark.parametrize("seed", quick_first(range(12), 4))
def test_no_draw_changes_more_than_the_limit_and_frequencies_keep_to_the_share_of_steps(
    seed: int, change: float
) -> None:
    instance, mixture = problem(seed)
    most = most_changed(mixture, change)
    rounds = GradualRounds.of(mixture, instance, change, 30)
    drawn = whole_rounds(rounds, 8, str(seed))
    masks = np.array([instance.placed(one.plan) for one in drawn])
    assert all(near(a, b, most) for a, b in pairwise(masks))
    assert not any(violations(instance, mask) for mask in masks)
    assert all(
        Plan.of(instance, one.plan) == mixture.plans[one.drawn] for one in drawn if not one.step
    )
    wanted = np.array(mixture.probabilities) @ rounds.masks
    often = np.bincount([one.drawn for one in drawn if not one.step], minlength=len(mixture.plans))
    assert (np.abs(often - 8 * rounds.length * np.array(mixture.probabilities)) < 8).all()
    steps = sum(one.step for one in drawn) / len(drawn)
    worst = np.abs(rounds.masks.T @ often / often.sum() - wanted).max()
    assert worst <= 2 / rounds.length
    assert np.abs(masks.mean(axis=0) - wanted).max() <= steps + (1 - steps) * worst + 1e-9
    if most >= 4:
        assert steps == 0
    known = drawn_mixture(drawn, instance)
    assert np.allclose(
        np.array(known.probabilities) @ [instance.placed(p.options) for p in known.plans],
        masks.mean(axis=0),
    )


def whole_rounds(rounds: GradualRounds, number: int, purpose: str) -> list[GradualDraw]:
    """Return the draws of so many rounds, the last plan of which is drawn to its end."""
    drawn, plans = [], 0
    for one in rounds.draws(SECRET, purpose):
        plans += not one.step
        drawn.append(one)
        if plans == number * rounds.length:
            break
    return drawn


def test_draws_follow_from_the_secret() -> None:
    instance, mixture = problem(0)
    rounds = GradualRounds.of(mixture, instance, 0.34, 30)
    first, again, other = (
        list(islice(rounds.draws(secret, "p"), 200))
        for secret in (SECRET, SECRET, b"another secret, as long")
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", range(12))
def test_steps_are_found_wherever_any_walk_keeps_to_the_limit(seed: int) -> None:
    """Without requirements always, by brute force too; with them what is refused may
    have a walk by plans that are farther round.
    """
    instance, mixture = problem(seed)
    assert reachable(instance, mixture, 1)
    assert refusal(instance, mixture) is None
    instance, mixture = problem(seed, needs=True)
    refused = refusal(instance, mixture)
    assert "no feasible plan on the way" in refused if refused else reachable(instance, mixture, 1)


def refusal(instance: Instance, mixture: Mixture) -> str | None:
    """Return why one placement at a time cannot change; None where it can."""
    assert most_changed(mixture, 0.34) == 1
    try:
        GradualRounds.of(mixture, instance, 0.34, 30)
    except InputError as error:
        return str(error)
    return None


def test_less_than_one_site_is_refused_and_says_how_much_it_takes() -> None:
    instance, mixture = problem(1)
    largest = max(len(plan.options) for plan in mixture.plans)
    with pytest.raises(
        InputError, match=rf"no mixture keeps to it.*at least {np.ceil(1000 / largest) / 1000:g}"
    ):
        GradualRounds.of(mixture, instance, 0.2, 30)
    alone = GradualRounds.of(Mixture.pure(mixture.plans[0]), instance, 0.2, 30)
    assert {one.drawn for one in alone.measured()} == {0}


def test_the_terms_of_the_scenario_hold_for_draws(tmp_path: Path) -> None:
    instance, mixture = problem(2)
    write_instance(tmp_path / "instance.json", instance)
    result = Result(
        "mixed",
        "feasible",
        None,
        mixture.plans[0],
        0.6,
        0.8,
        1.0,
        0,
        mixed=Randomised(mixture, 0.9, 0.95, saturated=False),
    )
    PlanFolder(tmp_path).write_mixture("Roads", instance, result, stay=2, change=0.34)
    seed = tmp_path.parent / f"{tmp_path.name}.seed"
    drawn = draw_from_plan(tmp_path, "2026-12-01", seed, days=60, new_seed=True)
    assert (drawn.draws.stay, drawn.draws.change) == (2, 0.34)
    masks = [instance.placed(row.plan) for row in drawn.draws.rows]
    assert all(near(a, b, most_changed(mixture, 0.34)) for a, b in pairwise(masks))
    assert all((masks[k] == masks[k + 1]).all() for k in range(0, 60, 2))
    assert drawn.gradual is not None
    assert drawn.gradual.after is not None
    later = draw_from_plan(
        tmp_path,
        "2026-12-21",
        seed,
        days=5,
        begun="2026-12-01",
        out=tmp_path.parent / f"{tmp_path.name}.json",
    )
    assert [row.plan for row in later.draws.rows] == [row.plan for row in drawn.draws.rows[20:25]]
    free = draw_from_plan(tmp_path, "2026-12-01", seed, days=60, stay=1, change=1.0, overwrite=True)
    assert free.draws.stay == 1
    with pytest.raises(InputError, match="--change"):
        draw_from_plan(tmp_path, "2026-12-01", seed, change=1.5, overwrite=True)


def test_terms_of_draws_are_refused_for_other_methods(tmp_path: Path) -> None:
    assert "change" not in SolveModel(method="mixed", change=0.2).of_search()
    scenario = write_scenario(tmp_path, SCENARIO + "[solve]\nchange = 0.2\n")
    with pytest.raises(InputError, match=r"change with the method 'auto'.*'mixed'"):
        plan_scenario(scenario, tmp_path / "out", report=False)
