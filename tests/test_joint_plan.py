"""Joint plans without pooling: cuts that hold for every plan, bounds around the pooled optimum, and what the exchange shows."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline.joint_cuts import LoadKeeper
from optimizer.pipeline.joint_plan import MESSAGES, JointPlan, plan_jointly
from optimizer.problem.instance_file import write_instance
from optimizer.problem.plan import violations
from tests.cases import random_instance
from tests.command import run

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.problem.instance import Instance


def parts(seed: int) -> dict[str, Instance]:
    """Return a random problem whose evaders two agencies know, a part each."""
    whole = random_instance(seed, n_options=7)
    half = max(1, len(whole.evaders) // 2)
    return {
        "a": replace(whole, evaders=whole.evaders[:half]),
        "b": replace(whole, evaders=whole.evaders[half:] or whole.evaders[:1]),
    }


def joint_value(own: dict[str, Instance], placed: np.ndarray) -> float:
    return sum(LoadKeeper(name, each, 0.5, 1).value(placed) for name, each in own.items())


def plans(instance: Instance) -> list[np.ndarray]:
    every = (np.array(x, dtype=bool) for x in product((0, 1), repeat=len(instance.options)))
    return [placed for placed in every if not violations(instance, placed)]


@pytest.mark.parametrize("seed", range(6))
def test_cuts_hold_for_every_plan_and_are_equal_at_their_own(seed: int) -> None:
    own = parts(seed)
    keeper = LoadKeeper("a", own["a"], 0.5, 3)
    names = [option.id for option in own["a"].options]
    every = plans(own["a"])
    for placed in every[:: max(1, len(every) // 6)]:
        cuts = keeper.answer(placed)
        assert sum(cut.value for cut in cuts) == pytest.approx(keeper.value(placed))
        for other in every:
            bound = sum(
                cut.value - sum(cut.slopes.get(name, 0) for name, on in zip(names, other, strict=True) if on)
                for cut in cuts
            )
            assert bound <= keeper.value(other) + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_the_joint_plan_is_the_pooled_optimum_within_its_gap(seed: int, tmp_path: Path) -> None:
    own = parts(seed)
    best = min(joint_value(own, placed) for placed in plans(own["a"]))
    made = plan_jointly(tmp_path, own, gap=0.001, rounds=60, groups=3)
    assert made.lower <= best + 1e-9
    assert made.upper is not None
    assert best <= made.upper + 1e-9
    assert made.upper == pytest.approx(joint_value(own, own["a"].placed(made.plan)))
    assert made.upper - made.lower <= 0.001 * made.upper + 1e-9
    assert not violations(own["a"], own["a"].placed(made.plan))


def test_agencies_apart_come_to_the_same_plan_as_together(tmp_path: Path) -> None:
    own = parts(3)
    together = plan_jointly(tmp_path / "together", own, gap=0.01)
    state: JointPlan | None = None
    for turn in range(60):
        name = "ab"[turn % 2]
        shares = {"a": 1.0, "b": 1.0} if turn == 0 else None
        state = plan_jointly(tmp_path / "apart", {name: own[name]}, gap=0.01, shares=shares)
        if not state.waiting and state.gap is not None and state.gap <= 0.01:
            break
    assert state is not None
    assert (state.plan, state.rounds) == (together.plan, together.rounds)
    shown = (tmp_path / "apart" / MESSAGES).read_text()
    ids = {evader.id for each in own.values() for evader in each.evaders}
    assert {key for line in shown.splitlines() for key in json.loads(line)} == {
        "round",
        "plan",
        "lower",
        "agency",
        "group",
        "value",
        "slopes",
    }
    assert not any(f'"{name}"' in shown for name in ids)


def test_problems_that_do_not_fit_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = parts(1)
    plan_jointly(tmp_path / "x", own, rounds=1)
    other = replace(own["a"], resources=tuple(replace(each, budget=each.budget + 1) for each in own["a"].resources))
    with pytest.raises(InputError, match="other roads, options or resources"):
        plan_jointly(tmp_path / "x", {"a": other})
    with pytest.raises(InputError, match="one of a, b"):
        plan_jointly(tmp_path / "x", {"c": own["a"]})
    with pytest.raises(InputError, match="two at least"):
        plan_jointly(tmp_path / "y", {"a": own["a"]})
    with (tmp_path / "x" / MESSAGES).open("a", encoding="utf-8") as stream:
        stream.write('{"round": 0, "agency": "b", "group": 0, "value": 1, "slopes": {"zz": 1}}\n')
    with pytest.raises(InputError, match="the option 'zz'"):
        plan_jointly(tmp_path / "x", own)
    for name, instance in own.items():
        write_instance(tmp_path / f"{name}.json", instance)
    words = [f"{name}={tmp_path / name}.json" for name in own]
    outcome = run(capsys, monkeypatch, "joint", tmp_path / "z", *words, "--json")
    assert outcome.code == 0, outcome.err
    assert list(outcome.objects[0])[:4] == ["lower", "upper", "gap", "rounds"]
    assert run(capsys, monkeypatch, "joint", tmp_path / "z", *words).code == 0
    assert run(capsys, monkeypatch, "joint", tmp_path / "z", "a").code == 1
