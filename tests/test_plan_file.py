"""Plans as files: a plan with beats comes back as it was, and what belongs to another
instance is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline.plan import Planned, plan_scenario
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.files.plan_file import (
    PlanFile,
    beat_entries,
    plan_schema,
    read_plan,
    read_plan_file,
)
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import evaluate
from optimizer.problem.plan.plan import Plan, violations, with_plan
from optimizer.solvers.solve import solve
from tests.cases import put
from tests.test_joint import small_case
from tests.test_patrols_file import same_fields
from tests.test_scenario_patrols import WITH_TEAMS
from tests.tiny import write_scenario

UNHURRIED = 1e6
"""Seconds that no run comes near to: a scenario cannot say that there is no limit."""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    folder = tmp_path_factory.mktemp("plan")
    options = {"gap": 1e-6, "time_limit": UNHURRIED}
    return plan_scenario(
        write_scenario(folder, WITH_TEAMS), folder / "out", options=options, report=False
    )


@pytest.fixture(scope="module")
def instance(planned: Planned) -> Instance:
    return read_instance(planned.folder / "instance.json")


@pytest.mark.slow
def test_the_plan_of_a_folder_comes_back_with_its_beats(
    planned: Planned, instance: Instance
) -> None:
    plan = read_plan(planned.folder / "plan.json", instance)
    assert plan == planned.result.plan
    assert plan.beats
    assert [beat.elements.tolist() for beat in plan.beats] == [
        beat.elements.tolist()
        for beat in (planned.result.plan.beats if planned.result.plan else ())
    ]
    assert evaluate(instance, plan).value == pytest.approx(planned.plan.upper, rel=1e-12)
    assert not violations(with_plan(instance, plan), with_plan(instance, plan).placed(plan.options))


@pytest.mark.slow
def test_solving_the_instance_of_a_folder_gives_its_plan(
    planned: Planned, instance: Instance
) -> None:
    assert planned.compiled.instance.patrols is not None
    assert instance.patrols is not None
    same_fields(instance.patrols, planned.compiled.instance.patrols)
    again, first = solve(instance, gap=1e-6), planned.result
    for name in ("status", "plan", "lower", "upper", "weighed", "weighed_lower", "pricing_proven"):
        assert getattr(again, name) == getattr(first, name)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_solving_an_instance_read_from_its_file_gives_the_same(seed: int, tmp_path: Path) -> None:
    instance, _ = small_case(seed)
    write_instance(tmp_path / "a.json", instance)
    first, again = (
        solve(problem, gap=1e-6) for problem in (instance, read_instance(tmp_path / "a.json"))
    )
    for name in ("status", "plan", "lower", "upper", "weighed", "weighed_lower", "pricing_proven"):
        assert getattr(again, name) == getattr(first, name)


def test_the_file_is_what_its_model_and_schema_say(planned: Planned) -> None:
    content = json.loads((planned.folder / "plan.json").read_text(encoding="utf-8"))
    read = read_plan_file(planned.folder / "plan.json")
    assert read == planned.plan
    assert read.model_dump(mode="json") == content
    schema = plan_schema()
    assert set(schema["properties"]) == set(content)
    assert schema["additionalProperties"] is False
    assert PlanFile.model_validate_json(read.model_dump_json()) == read


def test_rows_carry_what_ids_are_made_of(planned: Planned) -> None:
    plan, compiled = planned.plan, planned.compiled
    assert {site.id for site in (*plan.sites, *plan.candidates)} == set(
        compiled.instance.option_index
    )
    for site in (*plan.sites, *plan.candidates):
        option = compiled.instance.options[compiled.instance.option_index[site.id]]
        assert (site.site, site.kind, site.type, site.agency) == (
            option.site,
            option.kind,
            "post",
            "police",
        )
        assert set(site.segments) == {compiled.region.network.segment[arc] for arc in option.arcs}
    assert [site.id for site in plan.sites] + [beat.id for beat in plan.beats] == plan.options
    names = {resource.id: (resource.name, resource.agency) for resource in plan.resources}
    assert names["teams@police"] == ("teams", "police")
    used = {resource.id: resource.used for resource in plan.resources}
    placed: list[Any] = [*plan.sites, *plan.beats]
    for resource in plan.resources:
        assert used[resource.id] == pytest.approx(
            sum(row.uses.get(resource.id, 0.0) for row in placed)
        )


def test_two_kinds_at_a_site_are_told_apart_by_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optimizer.scenario.compile.compile import compile_scenario

    monkeypatch.setattr("optimizer.report.write_report", lambda *_: None)
    kind = '[[kinds]]\nid = "post:2"\ncapacity = 60\ndetection = 0.7\nuses = { teams = 2 }\n'
    path = write_scenario(tmp_path, WITH_TEAMS.replace("[sites]", kind + "\n[sites]"))
    sites = (tmp_path / "sites.csv").read_text(encoding="utf-8")
    (tmp_path / "sites.csv").write_text(
        sites.replace("800,post", "800,post post:2"), encoding="utf-8"
    )
    options = [option for option in compile_scenario(path).instance.options if option.site == "b"]
    assert [(option.id, option.type) for option in options] == [
        ("b:post", "post"),
        ("b:post:2", "post:2"),
    ]


def test_a_plan_is_its_placements() -> None:
    instance, _ = small_case(3)
    plan = solve(instance, gap=1e-6).plan
    assert plan is not None
    assert [*plan.fixed, *plan.beats] == list(plan.placements)
    assert plan.options == tuple(placement.id for placement in plan.placements)
    beat = plan.beats[0]
    assert (beat.kind, beat.type, beat.team.id, beat.base.id) == (
        "patrol",
        "mobile",
        "mobile",
        "home",
    )
    assert beat.uses == {"agents": 1.0, "teams mobile": 1.0}
    assert [stop.leave_s - stop.arrive_s for stop in beat.stops] == [
        beat.team.slot_s * slots for slots in beat.slots
    ]
    fixed = Plan.of(instance, ["c1", "c0"])
    assert fixed.options == ("c0", "c1")
    assert with_plan(instance, fixed).options == instance.options


@pytest.fixture(scope="module")
def small_plan() -> tuple[Instance, Plan]:
    instance, _ = small_case(1)
    plan = solve(instance, gap=1e-6).plan
    assert plan is not None
    assert plan.beats
    return instance, plan


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            put("options.0", "nowhere"),
            r"options\[0\]: found 'nowhere'; expected an option id of instance",
        ),
        (put("options.0", ["c0"]), r"options\[0\]"),
        (put("options", ["c0", "c0"]), "each option once"),
        (put("options", {"c0": 1}), 'an object with a list "options"'),
        (put("beats.0.team", "moblie"), r"beats\[0\]: found team 'moblie' at base 'home'"),
        (put("beats.0.stops.0.post", 7), r"beats\[0\]: found posts"),
        (put("beats.0.stops.0.slots", 9), r"beats\[0\]: found posts"),
        (put("beats.0.back_minute", 1.0), r"beats\[0\].back_minute: found back after 1 minutes"),
        (put("beats.0.stosp", []), "Did you mean 'stops'"),
        (put("beats", []), "plan again if that has changed since"),
        (put("options.0", "c2x"), "plan again if that has changed since"),
        (
            put("schema_version", 1),
            "found a plan of version 1; expected one of version 2.*Plan again",
        ),
    ],
)
def test_a_plan_of_another_instance_is_refused(
    change: Callable[[dict[str, Any]], None],
    message: str,
    tmp_path: Path,
    small_plan: tuple[Instance, Plan],
) -> None:
    instance, plan = small_plan
    beats = [each.model_dump(mode="json") for each in beat_entries(instance, [plan])]
    content: dict[str, Any] = {"schema_version": 2, "options": list(plan.options), "beats": beats}
    (tmp_path / "plan.json").write_text(json.dumps(content))
    assert read_plan(tmp_path / "plan.json", instance) == plan
    change(content)
    (tmp_path / "plan.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_plan(tmp_path / "plan.json", instance)


def test_any_list_of_option_ids_is_a_plan(tmp_path: Path) -> None:
    instance, _ = small_case(1)
    (tmp_path / "plan.json").write_text('{"options": ["c1"], "by": "hand"}')
    for problem in (instance, replace(instance, patrols=None)):
        assert read_plan(tmp_path / "plan.json", problem) == Plan.of(instance, ["c1"])
