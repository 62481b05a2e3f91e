"""The planner's desk against brute force: values, bounds, demands, undo, searches and variants."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

from optimizer.analysis.desk.desk import Desk, shortfalls, tour_name
from optimizer.analysis.desk.session import DeskSearch, DeskSession, DeskWorth, save_variant
from optimizer.base.errors import InputError
from optimizer.cli.app import app
from optimizer.plans.changes import plan_command, whole_changes
from optimizer.plans.plan_folder import KnownPlan, PlanFolder
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.files.plan_file import read_plan_file
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import (
    Plan,
    make_beat,
    posts_of,
    violations,
    with_beats,
    with_plan,
    with_teams,
    without_beats,
)
from optimizer.problem.plan.result import Result
from tests.cases import brute_force, enumerated_value, random_instance
from tests.test_compare_plans import on_a_map, written
from tests.test_joint import every_tour, small_case


def opened(path: Path) -> KnownPlan:
    """Return a plan as a desk opens it."""
    folder = PlanFolder(path)
    folder.check_version()
    return folder.known


def desk_of(instance: Instance) -> Desk:
    value, placed = brute_force(instance)
    return Desk(
        KnownPlan("it", instance, Plan.from_mask(instance, placed), placed, value, value, value)
    )


def searched(desk: Desk, gap: float) -> None:
    search = DeskSearch(desk, time_limit=600, gap=gap)
    search.start()
    search.wait()
    search.take()


def some_action(desk: Desk, rng: np.random.Generator) -> None:
    """Do what a planner might: a click, a demand on a site or an option, a budget, back
    and forth.
    """
    name = str(rng.choice([*desk.sites, *desk.base.option_index]))
    kind = int(rng.integers(0, 8))
    if kind == 0 and desk.can_undo:
        desk.undo()
    elif kind == 1 and desk.can_redo:
        desk.redo()
    elif kind <= 3:
        resource = desk.base.resources[int(rng.integers(0, len(desk.base.resources)))]
        desk.set_budget(resource.id, float(rng.integers(0, 8)))
    elif kind == 4:
        desk.forbid(name)
    elif kind == 5:
        desk.release(name)
    elif kind == 6:
        desk.turn(name)
    else:
        desk.force(name)


def checked(desk: Desk) -> None:
    """Hold everything that the desk says against the definition."""
    case, placed = desk.case, desk.placed
    assert desk.value == pytest.approx(enumerated_value(case, placed), rel=1e-9, abs=1e-12)
    assert desk.state.plan.options == tuple(
        o.id for o, x in zip(case.options, placed, strict=True) if x
    )
    broken = violations(case, placed)
    assert desk.feasible == (not broken)
    optimum, _ = brute_force(case)
    assert desk.lower <= optimum * (1 + 1e-9) + 1e-12
    budgets = {resource.id: resource.budget for resource in case.resources}
    for name, amount in desk.state.changes.budgets.items():
        assert budgets[name] == amount
    for name in desk.state.changes.forced:
        assert any(placed[j] for j in desk.options_of(name))
    for name in desk.state.changes.forbidden:
        assert not any(placed[j] for j in desk.options_of(name))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15))
def test_whatever_a_planner_does_value_bound_and_faults_are_right(seed: int) -> None:
    instance = random_instance(seed) if seed % 2 else on_a_map(seed)
    desk, rng = desk_of(instance), np.random.default_rng(seed)
    checked(desk)
    for _ in range(12):
        before = desk.state
        try:
            some_action(desk, rng)
        except InputError:
            assert desk.state is before
        checked(desk)


@pytest.mark.parametrize("seed", range(10))
def test_a_search_finds_the_best_plan_of_what_is_asked(seed: int) -> None:
    desk, rng = desk_of(random_instance(seed)), np.random.default_rng(seed)
    for _ in range(4):
        some_action(desk, rng)
        optimum, _ = brute_force(desk.case)
        search = DeskSearch(desk, time_limit=60, gap=0)
        search.start()
        search.wait()
        assert search.done
        if optimum == np.inf:
            assert search.failure
            with pytest.raises(InputError):
                search.take()
            continue
        search.take()
        assert desk.feasible
        assert desk.value == pytest.approx(optimum, rel=1e-6, abs=1e-9)
        assert desk.lower == pytest.approx(optimum, rel=1e-6, abs=1e-9)
        checked(desk)


def test_every_action_can_be_taken_back_and_done_again() -> None:
    desk = desk_of(on_a_map(4))
    first = desk.state
    seen = [first]
    for name in ("a", "o3", "d"):
        desk.turn(name)
        seen.append(desk.state)
    desk.set_budget("teams", 1)
    seen.append(desk.state)
    values = []
    while desk.can_undo:
        values.append(desk.value)
        assert desk.state is seen.pop()
        desk.undo()
    assert desk.state is first
    assert not desk.actions
    with pytest.raises(InputError):
        desk.undo()
    again = []
    while desk.can_redo:
        desk.redo()
        again.append(desk.value)
    assert again == values[::-1]
    desk.undo()
    desk.turn("b")
    assert not desk.can_redo
    with pytest.raises(InputError):
        desk.redo()


def test_a_click_goes_through_the_demands_in_turn() -> None:
    desk = desk_of(on_a_map(1))
    seen = []
    for _ in range(3):
        desk.turn("a")
        seen.append(dict(desk.mark("a")))
    assert seen == [{"a": True}, {"a": False}, {}]
    desk.force("o0")
    assert dict(desk.mark("a")) == {"o0": True}
    desk.forbid("o1")
    assert dict(desk.mark("a")) == {"o1": False}
    desk.force("a")
    assert dict(desk.mark("a")) == {"a": True}
    with pytest.raises(InputError, match="Did you mean"):
        desk.force("o00")
    with pytest.raises(InputError, match="budget"):
        desk.set_budget("taems", 1)
    before = desk.state
    for amount in (-1.0, np.nan, np.inf):
        with pytest.raises(InputError):
            desk.set_budget("teams", amount)
    assert desk.state is before


def test_of_the_kinds_of_a_site_the_one_that_lets_least_through_comes() -> None:
    tried = 0
    for seed in range(12):
        instance = on_a_map(seed)
        enough = tuple(replace(r, budget=1e3) for r in instance.resources)
        instance = replace(instance, resources=enough)
        nothing = np.zeros(len(instance.options), dtype=bool)
        value = plan_value(instance, nothing)
        desk = Desk(KnownPlan("it", instance, Plan(()), nothing, value, 0.0, 0.0))
        alone = [plan_value(instance, np.arange(nothing.size) == j) for j in desk.sites["a"]]
        assert desk.adds("a") == pytest.approx(value - min(alone))
        desk.force("a")
        assert desk.value == pytest.approx(min(alone))
        assert desk.placed.sum() == 1
        assert desk.adds("a") == pytest.approx(value - min(alone))
        tried += alone[0] != alone[1]
    assert tried > 3


@pytest.mark.parametrize(
    ("coefficients", "least", "used", "said"),
    [
        (
            (1.0, -1.0, -1.0),
            0.0,
            "bc",
            ["Post a must be used beside Post b, Post c, and the plan shown does not use it."],
        ),
        (
            (1.0, -1.0, -1.0),
            0.0,
            "abc",
            [
                (
                    "Post a can stand by for 1 at most, and the plan shown asks it for 2: Post b,"
                    " Post c."
                )
            ],
        ),
        ((1.0, -1.0, -1.0), 0.0, "ab", []),
        ((1.0, 1.0, 1.0), 2.0, "a", ["Not reached: a rule (1 of at least 2)."]),
        ((-2.0, -1.0, -1.0), -1.0, "ab", ["Exceeded: a rule (3 of at most 1)."]),
    ],
)
def test_what_does_not_stand_together_is_said_by_name(
    coefficients: tuple[float, ...], least: float, used: str, said: list[str]
) -> None:
    instance = on_a_map(1)
    options = tuple(
        replace(option, id=name, site=name, uses={}, label=f"Post {name}")
        for name, option in zip("abc", instance.options[:3], strict=True)
    )
    rule = Requirement("a rule", (0, 1, 2), coefficients, least)
    instance = replace(instance, options=options, requirements=(rule,))
    assert list(shortfalls(instance, instance.placed(list(used)), {})) == said


def test_what_is_exceeded_is_said_with_its_amount() -> None:
    instance = on_a_map(1)
    options = tuple(replace(o, uses={"teams": 2.0}, label=f"Post {o.id}") for o in instance.options)
    agencies = tuple(replace(r, budget=5.0, unit="teams a day") for r in instance.resources)
    instance = replace(instance, options=options, resources=agencies)
    desk = Desk(
        KnownPlan(
            "it",
            instance,
            Plan(()),
            instance.placed(()),
            plan_value(instance, instance.placed(())),
            0,
            0,
        )
    )
    desk.force("b")
    desk.force("c")
    assert desk.feasible
    desk.force("d")
    assert (
        "No plan can have all that must be used: it alone needs 6 of 5 teams (north): 1 too much"
        in desk.shortfalls[0]
    )
    assert "The plan shown uses 6 of 5 teams (north): 1 too much (teams a day)." in desk.shortfalls
    desk.set_budget("teams", 6)
    assert desk.feasible
    desk.set_budget("teams", 3.5)
    desk.release("d")
    assert desk.shortfalls[-1].startswith(
        "The plan shown uses 6 of 3.5 teams (north): 2.5 too much"
    )
    desk.force("a")
    desk.set_budget("teams", 100)
    both = replace(desk.case, exclusions=((0, 2),))
    assert not desk.shortfalls
    beside = Desk(
        KnownPlan("it", both, Plan(()), both.placed(()), plan_value(both, both.placed(())), 0, 0)
    )
    beside.force("b")
    beside.force("o0")
    assert "Post o2 must be used, and the plan shown does not use it." in beside.shortfalls


def test_saving_takes_what_the_page_has_worked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a thousand options it takes far longer than an action may."""
    instance = on_a_map(4)
    _, best = brute_force(instance)
    placed = [o.id for o, x in zip(instance.options, best, strict=True) if x]
    folder = written(tmp_path / "best", instance, placed)
    desk = Desk(opened(folder))
    worth = DeskWorth(desk)
    whole = list(worth.whole())

    def again(_: Desk, options: Sequence[int]) -> float:
        raise AssertionError(options)

    monkeypatch.setattr(Desk, "option_adds", again)
    file = read_plan_file(save_variant(desk, PlanFolder(folder), "same", worth) / "plan.json")
    saved = {row.id: row.worth for row in (*file.sites, *file.candidates)}
    for option, adds in zip(instance.options, whole, strict=True):
        assert saved[option.id] == pytest.approx(max(0.0, adds))


def test_a_variant_is_a_plan_folder_that_reads_back(tmp_path: Path) -> None:
    instance = on_a_map(4)
    _, best = brute_force(instance)
    folder = written(
        tmp_path / "best",
        instance,
        [o.id for o, x in zip(instance.options, best, strict=True) if x],
    )
    desk = Desk(opened(folder))
    desk.forbid(next(o.id for o, x in zip(instance.options, best, strict=True) if x))
    desk.set_budget("teams", 3)
    searched(desk, 0)
    place = save_variant(desk, PlanFolder(folder), "no-1")
    assert place == folder / "variants" / "no-1"
    assert {path.name for path in place.iterdir()} == {
        "plan.json",
        "plan.geojson",
        "instance.json",
        "run.json",
    }
    back = opened(place)
    assert back.value == pytest.approx(desk.value)
    assert back.lower == pytest.approx(desk.lower)
    assert back.plan.options == desk.state.plan.options
    case = read_instance(place / "instance.json")
    assert case.options == desk.case.options
    assert [r.budget for r in case.resources] == [r.budget for r in desk.case.resources]
    file = read_plan_file(place / "plan.json")
    assert {row.id for row in file.sites} == set(desk.state.plan.options)
    assert {row.id for row in (*file.sites, *file.candidates)} == set(instance.option_index)
    for row in (*file.sites, *file.candidates):
        assert row.worth == pytest.approx(max(0.0, desk.adds(row.id)))
    run = json.loads((place / "run.json").read_text())
    assert run["changes"] == desk.state.changes.content
    assert run["desk"] == list(desk.actions)
    features = json.loads((place / "plan.geojson").read_text())["features"]
    assert {f["properties"]["id"] for f in features if f["properties"]["chosen"]} == set(
        desk.state.plan.options
    )
    further = Desk(back)
    further.set_budget("teams", 4)
    further.force(next(o.id for o in instance.options if o.id not in desk.state.changes.forbidden))
    searched(further, 0)
    again = save_variant(further, PlanFolder(place), "again")
    assert again.parent == place / "variants"
    whole = json.loads((again / "run.json").read_text())["changes"]
    assert whole["budgets"] == {"teams": 4}
    from_the_first = Changes(**whole).applied(instance)
    assert from_the_first.options == further.case.options
    assert [r.budget for r in from_the_first.resources] == [
        r.budget for r in further.case.resources
    ]


def test_the_command_that_plans_a_variant_is_one_of_the_command_line(tmp_path: Path) -> None:
    folder = written(tmp_path / "a plan", on_a_map(1), ["o3"], schema_version=2)
    (folder / "plan.json").write_text('{"options": ["o3"]}')
    scenario = tmp_path / "it.toml"
    marker = {"schema_version": 1, "command": "plan", "sources": ["../it.toml"], "files": []}
    (folder / ".interdict.json").write_text(json.dumps(marker))
    changes = Changes({"teams": 2.5}, ("a", "o 3"), ("b:post",), keep_today=True, change_at_most=3)
    said = shlex.split(
        plan_command(folder / "variants/x", changes, {"kinds.post.detection": 0.4, "name": "x y"})
    )
    assert said[3] == "SCENARIO.toml"
    scenario.write_text("")
    said = shlex.split(
        plan_command(folder / "variants/x", changes, {"kinds.post.detection": 0.4, "name": "x y"})
    )
    assert said[:4] == ["python", "cli.py", "plan", str(scenario)]
    asked = get_command(app).commands["plan"].make_context("plan", said[3:]).params  # type: ignore[attr-defined]
    assert asked["budget"] == ["teams=2.5"]
    assert asked["force"] == ["a", "o 3"]
    assert asked["forbid"] == ["b:post"]
    assert asked["keep_today"] is True
    assert asked["change_at_most"] == 3
    assert asked["settings"] == ["kinds.post.detection=0.4", 'name="x y"']
    odd = {"changes": {"budgets": [1], "forced": 3, "forbidden": ["a", 4], "change_at_most": "x"}}
    assert whole_changes(odd, Changes(forced=("a",)), on_a_map(1)) == Changes(
        forced=("a",), forbidden=()
    )
    one = {"changes": {"budgets": {"teams": 1}, "forced": ["a"], "forbidden": ["d"]}}
    found = whole_changes(one, Changes({"teams": 2}, forbidden=("a",)), on_a_map(1))
    assert (dict(found.budgets), found.forced, found.forbidden) == ({"teams": 2}, (), ("d", "a"))


def test_what_cannot_be_saved_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = on_a_map(4)
    folder = written(tmp_path / "here", instance, ["o3"])
    desk = Desk(opened(folder))
    for name in ("", ".", "..", "../x", "a/b", "a\\b", "x" * 61, "-x", "é", "a\n", "a\x00"):
        with pytest.raises(InputError, match="name of the variant"):
            save_variant(desk, PlanFolder(folder), name)
    desk.set_budget("money", 0)
    desk.force("b")
    with pytest.raises(InputError, match="too much"):
        save_variant(desk, PlanFolder(folder), "x")
    while desk.can_undo:
        desk.undo()
    assert not (folder / "variants").exists()
    save_variant(desk, PlanFolder(folder), "x")
    with pytest.raises(InputError, match="which exists"):
        save_variant(desk, PlanFolder(folder), "x")
    monkeypatch.setattr(
        "optimizer.plans.plan_folder.write_instance",
        lambda *_: (_ for _ in ()).throw(OSError("full")),
    )
    with pytest.raises((InputError, OSError)):
        save_variant(desk, PlanFolder(folder), "y")
    assert [path.name for path in (folder / "variants").iterdir()] == ["x"]
    monkeypatch.undo()
    if hasattr(os, "symlink"):
        other = written(tmp_path / "other", instance, ["o3"])
        (tmp_path / "outside").mkdir()
        (other / "variants").symlink_to(tmp_path / "outside", target_is_directory=True)
        with pytest.raises(InputError, match="outside of the plan folder"):
            save_variant(Desk(opened(other)), PlanFolder(other), "x")
        assert not list((tmp_path / "outside").iterdir())


def test_folders_that_are_no_plan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        opened(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"without instance\.json and plan\.json"):
        opened(tmp_path)
    folder = written(tmp_path / "old", on_a_map(1), ["o3"], schema_version=1)
    with pytest.raises(InputError, match=r"version 1.*Plan again"):
        opened(folder)
    (folder / "plan.json").write_text("[1]")
    with pytest.raises(InputError):
        opened(folder)


def test_a_stopped_search_keeps_its_plan_and_a_bad_limit_is_refused() -> None:
    desk = desk_of(random_instance(3))
    for limit in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="time limit"):
            DeskSearch(desk, time_limit=limit)
    value = desk.value
    search = DeskSearch(desk, time_limit=60)
    search.stop()
    search.start()
    search.wait()
    assert search.done
    search.take()
    assert desk.feasible
    assert desk.value <= value * (1 + 1e-9)


def test_beats_stay_with_the_plan_and_a_search_drives_others(tmp_path: Path) -> None:
    instance, _ = small_case(1)
    folder = written(tmp_path / "crews", instance, [])
    desk = Desk(opened(folder))
    nothing = desk.value
    searched(desk, 0.01)
    beats = desk.state.plan.beats
    assert beats
    assert desk.value < nothing
    assert desk.value == pytest.approx(plan_value(desk.model.instance, desk.placed))
    assert desk.lower <= desk.value
    desk.turn("c0")
    assert desk.state.plan.beats == beats
    assert desk.value == pytest.approx(plan_value(desk.model.instance, desk.placed))
    while desk.placed[desk.base.option_index["c0"]]:
        desk.turn("c0")
    assert desk.state.plan.beats == beats
    if not desk.feasible:
        searched(desk, 0.01)
    place = save_variant(desk, PlanFolder(folder), "crews")
    back = opened(place)
    assert back.value == pytest.approx(desk.value)
    assert [(b.posts, b.slots) for b in back.plan.beats] == [
        (b.posts, b.slots) for b in desk.state.plan.beats
    ]
    told: list[str] = []
    begun = PlanFolder(place).start_for(instance, told.append)
    assert begun is not None
    assert [(b.posts, b.slots) for b in begun.beats] == [
        (b.posts, b.slots) for b in desk.state.plan.beats
    ]
    assert not told
    PlanFolder(place).start_for(replace(instance, patrols=None), told.append)
    assert "nor beats that its teams could drive" in "".join(told)
    while desk.can_undo:
        desk.undo()
    assert not desk.state.plan.beats
    assert desk.value == pytest.approx(nothing)


def test_a_plan_with_limits_at_posts_opens_and_its_variant_too(tmp_path: Path) -> None:
    plain, field = small_case(1)
    limited = replace(plain, patrols=replace(field, teams_at_post=1))
    first = Desk(opened(written(tmp_path / "nothing", limited, [])))
    searched(first, 0.0)
    folder = save_variant(first, PlanFolder(tmp_path / "nothing"), "crews")
    known = opened(folder)
    assert len(known.plan.beats) == 2
    assert known.instance.requirements
    desk = Desk(known)
    assert not desk.base.requirements
    assert desk.feasible
    assert desk.value == pytest.approx(first.value)
    desk.turn("c0")
    searched(desk, 0.0)
    assert desk.feasible
    stands = [post for beat in desk.state.plan.beats for post in posts_of(field, beat).tolist()]
    assert len(stands) == len(set(stands))
    again = Desk(opened(save_variant(desk, PlanFolder(folder), "crews-again")))
    assert again.value == pytest.approx(desk.value)


def rules(instance: Instance) -> tuple[object, ...]:
    """Return what an instance has of options, resources, exclusions and requirements."""
    return (instance.options, instance.resources, instance.exclusions, instance.requirements)


def test_beats_taken_away_leave_the_options_of_every_rule() -> None:
    plain, field = small_case(1)
    rule = Requirement("one of them", (0, 1), (1.0, 2.0), 1.0)
    limited = replace(
        plain,
        patrols=replace(field, teams_at_post=1),
        exclusions=((0, 1),),
        requirements=(rule,),
    )
    tours = every_tour(field)
    plan = Plan(tuple(make_beat(field, 0, *tours[k], f"b{k}") for k in range(2)))
    whole = with_plan(limited, plan)
    assert len(whole.requirements) > 1
    assert rules(without_beats(whole, plan)) == rules(limited)
    # beats in front of the options: what stays is renumbered
    order = [2, 3, 0, 1]
    turned = replace(
        whole,
        options=tuple(whole.options[j] for j in order),
        exclusions=((2, 3),),
        requirements=tuple(
            replace(each, options=tuple(order.index(j) for j in each.options))
            for each in whole.requirements
        ),
    )
    assert rules(without_beats(turned, plan)) == rules(limited)


def test_a_search_has_the_parameters_of_the_plan_or_those_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path / "plan", on_a_map(4), ["o3"])
    (folder / "run.json").write_text(json.dumps({"options": {"params": {"tree.splits": 1}}}))
    monkeypatch.setattr(DeskSearch, "start", lambda search: asked.append(search.params.changed()))
    asked: list[dict[str, object]] = []
    for params in ({}, {"root.patience": 2}):
        DeskSession(folder, params=params).search(1.0)
    assert asked == [{"tree.splits": 1}, {"root.patience": 2, "tree.splits": 1}]


def test_a_plan_shown_that_is_better_than_what_was_found_stays() -> None:
    desk = desk_of(random_instance(4))
    shown, value = desk.state.plan, desk.value
    search = DeskSearch(desk, time_limit=60)
    nothing = Plan.of(desk.base, [o.id for o in desk.base.options if o.forced])
    worse = plan_value(desk.base, desk.base.placed(nothing.options))
    assert worse > value
    search.result = Result("auto", "feasible", "time", nothing, value / 2, worse, 1.0, 0)
    search.take()
    assert desk.state.plan == shown
    assert desk.state.result is not None
    assert desk.state.result.upper == desk.value == value


def best_with(instance: Instance, must: tuple[str, ...], banned: tuple[str, ...]) -> float:
    """Return the least value of all plans of a small case that drive some tours, and not others."""
    field = instance.patrols
    assert field is not None
    teams = field.patrols[0].team.number
    copies = [
        make_beat(field, 0, *tour, f"b{k} {c}")
        for k, tour in enumerate(every_tour(field))
        for c in range(teams)
    ]
    whole, best = with_beats(with_teams(instance), copies), np.inf
    for count in range(teams + 1):
        for chosen in combinations(range(len(copies)), count):
            names = [tour_name(copies[i]) for i in chosen]
            if not set(must) <= set(names) or set(banned) & set(names):
                continue
            for bits in product((False, True), repeat=len(instance.options)):
                mask = np.array([*bits, *(i in chosen for i in range(len(copies)))])
                if not violations(whole, mask):
                    best = min(best, plan_value(whole, mask))
    return best


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_beats_that_must_and_must_not_be_driven_against_every_plan(seed: int) -> None:
    instance, field = small_case(seed)
    first = make_beat(field, 0, *every_tour(field)[-1], "mobile from home 1")
    other = make_beat(field, 0, *every_tour(field)[0], "mobile from home 2")
    plan = Plan((first, other))
    value = plan_value(with_plan(instance, plan), with_plan(instance, plan).placed(plan.options))
    desk = Desk(
        KnownPlan(
            "it",
            with_plan(instance, plan),
            plan,
            np.array([False, False, True, True]),
            value,
            0.0,
            0.0,
        )
    )
    assert list(desk.tours()) == [tour_name(first), tour_name(other)]
    desk.demand_beat(tour_name(other), must=False)
    assert [tour_name(beat) for beat in desk.state.plan.beats] == [tour_name(first)]
    assert desk.value > value - 1e-12
    desk.demand_beat(tour_name(first), must=True)
    free = best_with(instance, (), ())
    asked = best_with(instance, (tour_name(first),), (tour_name(other),))
    searched(desk, 1e-6)
    driven = [tour_name(beat) for beat in desk.state.plan.beats]
    assert tour_name(first) in driven
    assert tour_name(other) not in driven
    assert desk.feasible
    assert desk.value == pytest.approx(asked, rel=1e-6)
    assert desk.lower <= asked * (1 + 1e-9)
    desk.demand_beat(tour_name(first), must=None)
    desk.demand_beat(tour_name(other), must=None)
    # what was proven under demands is not claimed without them
    assert desk.lower <= free * (1 + 1e-9)
    searched(desk, 1e-6)
    assert desk.value == pytest.approx(free, rel=1e-6)
    desk.undo()
    desk.undo()
    assert desk.state.beats.mark(tour_name(other)) is False
    with pytest.raises(InputError, match="beat"):
        desk.demand_beat("nobody's tour", must=True)


def test_a_beat_that_was_banned_comes_back_when_it_must_be_driven() -> None:
    instance, field = small_case(2)
    beat = make_beat(field, 0, *every_tour(field)[0], "mobile from home 1")
    twice = Plan((beat, make_beat(field, 0, *every_tour(field)[0], "mobile from home 2")))
    whole = with_plan(instance, twice)
    desk = Desk(KnownPlan("it", whole, twice, whole.placed(twice.options), 1.0, 0.0, 0.0))
    desk.demand_beat(tour_name(beat), must=False)
    assert not desk.state.plan.beats
    assert list(desk.tours()) == [tour_name(beat)]
    desk.demand_beat(tour_name(beat), must=True)
    assert [b.id for b in desk.state.plan.beats] == [tour_name(beat)]
    assert desk.state.beats.mark(tour_name(beat)) is True
