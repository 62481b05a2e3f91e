"""What a planner changes before a solve: budgets, sites forced and forbidden, few
changes against today, a plan to begin from.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.base.errors import InputError
from optimizer.base.params import parsed_settings
from optimizer.base.schema import validated
from optimizer.base.text.names import unknown_name
from optimizer.pipeline import plan_scenario
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Resource
from optimizer.problem.plan.plan import violations
from optimizer.scenario.file.model import AdaptModel, with_settings
from optimizer.solvers.solve import solve
from tests.cases import enumerated_values, random_instance
from tests.command import Outcome
from tests.examples import quick_first
from tests.test_scenario_patrols import WITH_TEAMS
from tests.tiny import SCENARIO, write_scenario


def sited(seed: int) -> Instance:
    """Return a random instance with two options at each of three sites, those of one or
    two sites standing today.
    """
    instance = random_instance(seed)
    rng = np.random.default_rng(seed)
    today = {0, 3} if rng.random() < 0.5 else {2}
    options = [
        replace(
            o,
            id=f"s{j // 2}:{'ab'[j % 2]}",
            site=f"s{j // 2}",
            type="ab"[j % 2],
            existing=j in today,
            forced=False,
            forbidden=False,
        )
        for j, o in enumerate(instance.options)
    ]
    return replace(instance, options=tuple(options), exclusions=())


def masks(instance: Instance) -> list[NDArray[np.bool_]]:
    return [np.array(bits) for bits in product((False, True), repeat=len(instance.options))]


def differing(instance: Instance, placed: NDArray[np.bool_]) -> int:
    """Count the sites that differ from today, in words: gone or of another kind, or new."""
    count = 0
    for site in {option.site for option in instance.options}:
        here = [j for j, option in enumerate(instance.options) if option.site == site]
        before = [j for j in here if instance.options[j].existing]
        after = [j for j in here if placed[j]]
        count += before != after
    return count


@pytest.mark.parametrize("seed", quick_first(range(12), 4))
def test_few_changes_hold_by_trying_every_plan(seed: int) -> None:
    instance = sited(seed)
    for most in (0, 1, 2):
        changed = Changes(change_at_most=most).applied(instance)
        allowed = [
            m
            for m in masks(instance)
            if not violations(instance, m) and differing(instance, m) <= most
        ]
        assert [m.tolist() for m in allowed] == [
            m.tolist() for m in masks(changed) if not violations(changed, m)
        ]
        if allowed:
            best = enumerated_values(instance, np.array(allowed)).min()
            assert solve(changed).upper == pytest.approx(best, rel=1.1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_a_site_of_two_kinds_that_is_forced_has_either(seed: int) -> None:
    instance = sited(seed)
    changed = Changes(forced=["s1"], forbidden=["s2:b"]).applied(instance)
    allowed = [
        m for m in masks(instance) if not violations(instance, m) and (m[2] or m[3]) and not m[5]
    ]
    assert [m.tolist() for m in allowed] == [
        m.tolist() for m in masks(changed) if not violations(changed, m)
    ]


def test_budgets_are_named_alone_or_with_their_agency() -> None:
    instance = sited(2)
    pools = (
        Resource("agents@north", 3.0, "north", name="agents"),
        Resource("agents@south", 4.0, "south", name="agents"),
    )
    money = next(each for each in instance.resources if each.id == "money")
    options = tuple(replace(o, uses={}, agency="") for o in instance.options)
    instance = replace(instance, resources=(*pools, money), options=options)
    changed = Changes(budgets={"agents@south": 9, "money": 1.5}).applied(instance)
    assert [each.budget for each in changed.resources] == [3.0, 9.0, 1.5]
    with pytest.raises(InputError, match=r"2 agencies have.*'agents@north', 'agents@south'"):
        Changes(budgets={"agents": 5}).applied(instance)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (Changes(budgets={"monny": 5}), "Did you mean 'money'"),
        (Changes(budgets={"money": -1}), "a number from 0"),
        (Changes(forced=["s9"]), "one of s0"),
        (Changes(forced=["s1"], forbidden=["s1"]), "forced as well as forbidden"),
        (Changes(keep_today=True, forbidden=["s0:a", "s1"]), "what stands today is to stay"),
        (Changes(change_at_most=-1), "at least 0"),
    ],
)
def test_what_cannot_be_is_said(changes: Changes, message: str) -> None:
    instance = sited(next(seed for seed in range(99) if sited(seed).options[0].existing))
    with pytest.raises(InputError, match=message):
        changes.applied(instance)


def test_nothing_to_keep_is_said() -> None:
    instance = random_instance(3)
    bare = replace(instance, options=tuple(replace(o, existing=False) for o in instance.options))
    with pytest.raises(InputError, match="no site is marked as existing"):
        Changes(keep_today=True).applied(bare)
    assert Changes().applied(bare) is bare


def test_settings_reach_tables_and_entries_of_lists() -> None:
    content = {
        "evaders": {"decay_minutes": 60},
        "kinds": [{"id": "post", "uses": {"teams": 1}}, {"id": "gate"}],
    }
    texts = [
        "evaders.habitual_share=0.25",
        "kinds.post.detection = [0.2, 0.5]",
        "kinds.1.label=Main gate",
        "solve.gap=1e-3",
    ]
    changed = with_settings(content, parsed_settings(texts), "s.toml")
    assert changed["evaders"] == {"decay_minutes": 60, "habitual_share": 0.25}
    assert changed["kinds"][0]["detection"] == [0.2, 0.5]
    assert changed["kinds"][1]["label"] == "Main gate"
    assert changed["solve"] == {"gap": 0.001}
    assert str(content).count("detection") == 0


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["evaders"], "path.to.field=value"),
        (["a..b=1"], "path.to.field=value"),
        (["a=1", "a=2"], "twice"),
        (["kinds.pots.detection=1"], "Did you mean 'post'"),
        (["evaders.decay_minutes.x.y=1"], "a table or a list"),
        (["evaders.decay_minutes.x=1"], "a table that has this field"),
    ],
)
def test_settings_that_lead_nowhere(texts: list[str], message: str) -> None:
    content = {"evaders": {"decay_minutes": 60}, "kinds": [{"id": "post"}]}
    with pytest.raises(InputError, match=message):
        with_settings(content, parsed_settings(texts), "s.toml")


@pytest.mark.slow
@pytest.mark.report
def test_a_plan_as_asked(command: Callable[..., Outcome], tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    plain = command("plan", scenario, "--out", tmp_path / "plain", "--json", "--no-report").objects[
        0
    ]
    assert len(plain["plan"]) > 1
    asked = [
        "--budget",
        "teams@police=1",
        "--forbid",
        plain["plan"][0],
        "--set",
        "kinds.post.detection=0.4",
    ]
    outcome = command(
        "plan",
        scenario,
        "--out",
        tmp_path / "asked",
        "--start",
        tmp_path / "plain",
        *asked,
        "--json",
    )
    line = outcome.objects[0]
    assert outcome.code == 0
    assert len(line["plan"]) == 1
    assert plain["plan"][0] not in line["plan"]
    assert line["upper"] > plain["upper"]
    assert any("departs from the scenario" in warning for warning in line["warnings"])
    assert any("not feasible here" in warning for warning in line["warnings"])
    stored = json.loads((tmp_path / "asked/run.json").read_text())
    assert stored["changes"] == {"budgets": {"teams@police": 1.0}, "forbidden": [plain["plan"][0]]}
    assert stored["settings"] == {"kinds.post.detection": 0.4}
    assert stored["start"] == "plain"
    assert "departs from the scenario" in (tmp_path / "asked/report.html").read_text()
    kept = command(
        "plan",
        scenario,
        "--out",
        tmp_path / "kept",
        "--change-at-most",
        "0",
        "--json",
        "--no-report",
    ).objects[0]
    assert kept["plan"] == ["a"]  # what stands today


def test_a_fault_of_what_is_asked_writes_nothing(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path)
    outcome = command(
        "plan",
        scenario,
        "--out",
        tmp_path / "out",
        "--force",
        "bb",
        "--budget",
        "tems=1",
        "--no-report",
    )
    assert outcome.code == 1
    assert "Did you mean" in outcome.err
    assert not (tmp_path / "out").exists()


def test_solve_takes_changes_and_a_start(command: Callable[..., Outcome], tmp_path: Path) -> None:
    instance = sited(5)
    write_instance(tmp_path / "i.json", instance)
    first = command("solve", tmp_path / "i.json", "--json").objects[0]
    (tmp_path / "plan.json").write_text(json.dumps({"options": [*first["plan"], "gone"]}))
    again = command(
        "solve",
        tmp_path / "i.json",
        "--start",
        tmp_path / "plan.json",
        "--budget",
        "money=0",
        "--json",
    )
    assert again.code == 0
    assert again.objects[0]["upper"] >= first["upper"]


def test_a_misspelt_budget_is_refused_before_the_scenario_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "optimizer.pipeline.plan.read_evidence", lambda *_, **__: pytest.fail("read")
    )
    with pytest.raises(
        InputError, match=r"found 'teamz'; expected one of teams.*Did you mean 'teams'\?"
    ):
        plan_scenario(
            write_scenario(tmp_path),
            tmp_path / "out",
            changes=Changes(budgets={"teamz": 1}),
            settings={"resources.teams.budget": 2},
            report=False,
        )
    assert not (tmp_path / "out").exists()


def test_a_budget_that_several_agencies_have_is_told_before_the_scenario_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "optimizer.pipeline.plan.read_evidence", lambda *_, **__: pytest.fail("read")
    )
    own = '[[resources]]\nname = "cars"\nagency = "police"\nbudget = 1\n'
    text = SCENARIO.replace(
        "[[resources]]", own + own.replace("police", "customs") + "[[resources]]", 1
    )
    with pytest.raises(
        InputError,
        match="'cars', which 2 agencies have; expected the budget of one of them: 'cars@police'",
    ):
        plan_scenario(
            write_scenario(tmp_path, text),
            tmp_path / "out",
            changes=Changes(budgets={"cars": 1}),
            report=False,
        )


def test_a_misspelt_resource_of_a_curve_is_told_before_risk_is_estimated(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "optimizer.plans.problem_source.compile_evidence", lambda *_, **__: pytest.fail("compiled")
    )
    outcome = command(
        "frontier", write_scenario(tmp_path), "--resource", "teamz", "--from", "0", "--to", "2"
    )
    assert outcome.code == 1
    assert "Did you mean 'teams'?" in outcome.err


@pytest.mark.parametrize("text", [SCENARIO, WITH_TEAMS])
def test_a_misspelt_site_is_refused_before_risk_is_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(
        "optimizer.pipeline.plan.compile_evidence", lambda *_, **__: pytest.fail("compiled")
    )
    for changes in (Changes(forced=["nowhere"]), Changes(forbidden=["nowhere"])):
        with pytest.raises(InputError, match="found 'nowhere'"):
            plan_scenario(
                write_scenario(tmp_path, text), tmp_path / "out", changes=changes, report=False
            )


def test_the_nearest_of_many_names_comes_first_and_most_are_counted() -> None:
    sites = [f"site-{at}" for at in range(100)]
    assert (
        str(unknown_name("x", "site-770", sites))
        == "x: found 'site-770'; expected one of site-77, site-0, site-1, site-2, site-3, site-4"
        " and 94 more. Did you mean 'site-77'?"
    )
    owned = [f"agents@{sector}-sector" for sector in ("el-paso", "laredo", "del-rio", "yuma")]
    remedy = unknown_name("x", "agentz", [*owned, "money"]).remedy
    assert (
        remedy == "Did you mean 'agents@el-paso-sector' or 'agents@laredo-sector' or"
        " 'agents@del-rio-sector'?"
    )
    assert unknown_name("x", "zzz", owned).remedy == ""


def test_the_field_nearest_to_a_misspelt_one_is_listed_first() -> None:
    with pytest.raises(
        InputError,
        match=r"expected one of supply_response, .* and \d+ more\. Did you mean 'supply_",
    ):
        validated(AdaptModel, {"suply_response": 0.5}, "adapt")
