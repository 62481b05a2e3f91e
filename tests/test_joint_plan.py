"""Joint plans without pooling: cuts that hold for every plan, bounds around the pooled
optimum, and what the exchange shows.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.plan.plan import violations
from optimizer.sharing.agencies_plan import MESSAGES, JointPlan, LoadKeeper, plan_jointly
from tests.cases import enumerated_value, random_instance
from tests.command import run


def parts(seed: int) -> dict[str, Instance]:
    """Return a random problem whose evaders two agencies know, a part each."""
    whole = random_instance(seed, n_options=7)
    half = max(1, len(whole.evaders) // 2)
    return {
        "a": replace(whole, evaders=whole.evaders[:half]),
        "b": replace(whole, evaders=whole.evaders[half:] or whole.evaders[:1]),
    }


def joint_value(own: dict[str, Instance], placed: np.ndarray) -> float:
    """Return the joint value from the definition: every path of every evader."""
    weights = {name: sum(evader.weight for evader in each.evaders) for name, each in own.items()}
    return sum(
        0.5 * enumerated_value(each, placed) / (weights[name] or 1) for name, each in own.items()
    )


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
                cut.value
                - sum(cut.slopes.get(name, 0) for name, on in zip(names, other, strict=True) if on)
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


def two_roads(
    survival: float, reliability: float = 0.5, budget: float = 2.0
) -> dict[str, Instance]:
    """Return two agencies with an evader each on two parallel roads, of which each can
    have a post.
    """
    posts = tuple(Option(f"o{j}", (j,), (survival,), {"teams": 1.0}) for j in range(2))
    whole = Instance(
        name="two roads",
        node_id=np.array(["a", "b"]),
        tail=np.zeros(2, dtype=np.int32),
        head=np.ones(2, dtype=np.int32),
        reliability=np.array([reliability, reliability / 2]),
        evaders=(Evader("e", 0, 1, 1.0),),
        options=posts,
        resources=(Resource("teams", budget),),
    )
    return {"a": whole, "b": whole}


def test_nothing_gets_through_where_every_road_is_blocked(tmp_path: Path) -> None:
    """An evader without a way through counts as 0, not as one who travels no road."""
    own = two_roads(0.0)
    both = np.ones(2, dtype=bool)
    assert sum(cut.value for cut in LoadKeeper("a", own["a"], 0.5, 1).answer(both)) == 0
    made = plan_jointly(tmp_path, own, gap=0.001)
    assert (made.lower, made.upper, made.plan) == (0.0, 0.0, ("o0", "o1"))


@pytest.mark.parametrize("reliability", [1e-9, 1e-10, 1e-30])
def test_the_bound_holds_where_hardly_anything_gets_through(
    reliability: float, tmp_path: Path
) -> None:
    """HiGHS takes coefficients below 1e-9 for 0, which would make cuts stronger than they are."""
    own = two_roads(0.5, reliability)
    best = min(joint_value(own, placed) for placed in plans(own["a"]))
    made = plan_jointly(tmp_path, own, gap=0.001)
    assert made.lower <= best * (1 + 1e-9)
    assert made.lower >= best * 0.999
    assert made.upper == pytest.approx(best)


@pytest.mark.parametrize("seed", range(3))
def test_cuts_in_the_file_are_no_stronger_than_the_exact_ones(seed: int, tmp_path: Path) -> None:
    own = parts(seed)
    plan_jointly(tmp_path, own, rounds=3, groups=2)
    exact = {name: LoadKeeper(name, each, 0.5, 2) for name, each in own.items()}
    lines = [json.loads(line) for line in (tmp_path / MESSAGES).read_text().splitlines()]
    proposed = {
        line["round"]: own["a"].placed(line["plan"]) for line in lines if line["plan"] is not None
    }
    held = [line for line in lines if line["value"] is not None]
    assert held
    for line in held:
        cuts = exact[line["agency"]].answer(proposed[line["round"]])
        cut = next(one for one in cuts if one.group == line["group"])
        assert line["slopes"].keys() == cut.slopes.keys()
        assert all(line["slopes"][name] >= slope for name, slope in cut.slopes.items())


@pytest.mark.slow
def test_an_answer_that_a_crash_cut_off_is_given_again(tmp_path: Path) -> None:
    """The groups that arrived are no value of the whole: the upper bound would be too low."""
    own = parts(5)
    whole = plan_jointly(tmp_path / "whole", own, rounds=2, groups=3)
    lines = (tmp_path / "whole" / MESSAGES).read_text().splitlines(keepends=True)
    of_b = [
        k
        for k, line in enumerate(lines)
        if json.loads(line)["agency"] == "b" and json.loads(line)["round"] == 0
    ]
    cuts = [k for k in of_b if json.loads(lines[k])["value"] is not None]
    assert len(cuts) > 1
    for kept in range(1, len(cuts)):
        torn = tmp_path / f"torn-{kept}"
        torn.mkdir()
        (torn / "terms.json").write_bytes((tmp_path / "whole" / "terms.json").read_bytes())
        (torn / MESSAGES).write_text("".join(lines[: cuts[kept]]))
        assert "b" in plan_jointly(torn, {"a": own["a"]}, rounds=2).waiting
        again = plan_jointly(torn, own, rounds=2)
        assert again.upper is not None
        assert again.upper == pytest.approx(joint_value(own, own["a"].placed(again.plan)))
        assert again.upper == pytest.approx(whole.upper)


def test_of_two_plans_of_one_round_the_first_counts(tmp_path: Path) -> None:
    """Agencies that propose at the same time: answers to one plan are never added to
    those of the other.
    """
    own = two_roads(0.5)
    plan_jointly(tmp_path, {"a": own["a"]}, shares={"a": 1, "b": 1}, rounds=3)
    with (tmp_path / MESSAGES).open("a", encoding="utf-8") as stream:
        stream.write('{"round": 1, "plan": ["o0"], "agency": "b"}\n')
    made = plan_jointly(tmp_path, own, rounds=3)
    assert made.upper == pytest.approx(joint_value(own, own["a"].placed(made.plan)))


def test_requirements_are_part_of_the_problem_and_of_every_plan(tmp_path: Path) -> None:
    plain = two_roads(0.5, budget=1.0)
    asked = (Requirement("second", (1,), (1.0,), 1.0),)
    own = {name: replace(each, requirements=asked) for name, each in plain.items()}
    made = plan_jointly(tmp_path, own)
    assert made.plan == ("o1",)
    with pytest.raises(InputError, match="other roads, options or resources"):
        plan_jointly(tmp_path, plain)
    with (tmp_path / MESSAGES).open("a", encoding="utf-8") as stream:
        stream.write('{"round": 9, "plan": ["o0"]}\n')
    with pytest.raises(InputError, match="a plan that no agency may place: requirement 'second'"):
        plan_jointly(tmp_path, own)


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
        "cuts",
    }
    assert not any(f'"{name}"' in shown for name in ids)


def test_problems_that_do_not_fit_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = parts(1)
    plan_jointly(tmp_path / "x", own, rounds=1)
    other = replace(
        own["a"],
        resources=tuple(replace(each, budget=each.budget + 1) for each in own["a"].resources),
    )
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


def test_lost_messages_of_an_exchange_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = parts(3)
    for name, instance in own.items():
        write_instance(tmp_path / f"{name}.json", instance)
    words = ["--share", "a=1", "--share", "b=1"]
    line = ["joint", tmp_path / "z", f"a={tmp_path / 'a.json'}", *words]
    begun = run(capsys, monkeypatch, *line)
    assert begun.code == 0
    assert "lost" not in begun.err
    (tmp_path / "z" / MESSAGES).write_bytes(b"")
    assert f"terms and no message in {MESSAGES}" in run(capsys, monkeypatch, *line).err
    (tmp_path / "z" / MESSAGES).write_bytes(b"<html></html>")
    assert run(capsys, monkeypatch, *line).code == 1
