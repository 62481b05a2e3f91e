"""Planning over draws of a scenario: what is drawn, what a plan folder says of it, and
what is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from optimizer.analysis.uncertainty import sensitivity
from optimizer.analysis.uncertainty.sensitivity import sensitivity_of, variations
from optimizer.analysis.uncertainty.uncertainty import (
    MIDDLE,
    NOTHING,
    TODAY,
    UncertaintyRequest,
    plan_name,
    plans_over_draws,
)
from optimizer.base.errors import InputError
from optimizer.base.work.executor import Executor
from optimizer.cli.plan import show_doubt, show_sensitivity
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan
from optimizer.problem.plan.weight_scenarios import Objective
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.compile.uncertainty import LEVELS, scenario_draws
from optimizer.scenario.demand import record_demand
from optimizer.solvers.solve import solve
from tests.command import Outcome
from tests.tiny import SCENARIO, write_scenario

RANGE = SCENARIO.replace("detection = 0.5", "detection = [0.2, 0.8]")
TEAMS = """
[[bases]]
id = "station"
lon = 10.2
lat = 50.1
agency = "police"

[[teams]]
id = "mobile"
agency = "police"
number = 1
detection = [0.3, 0.9]
passing = 0.2
posts = 4
"""


def compiled(folder: Path, text: str = SCENARIO) -> Compiled:
    return compile_scenario(write_scenario(folder, text))


@pytest.mark.slow
def test_a_range_of_detection_is_drawn_in_levels_of_one_instance(tmp_path: Path) -> None:
    scenario = compiled(
        tmp_path, RANGE.replace("decay_minutes = 60", 'decay_minutes = 60\nweights = "gravity"')
    )
    made = scenario_draws(scenario, 12, seed=1)
    chances = made.detection["kinds.post.detection"]
    assert sorted(chances) == pytest.approx(0.2 + 0.6 * (np.arange(LEVELS) + 0.5) / LEVELS)
    everything = np.ones(len(scenario.instance.options), dtype=bool)
    values = made.draws.values(everything)
    for d in (0, 3, 9):  # a draw is the scenario with this chance
        chance = float(chances[d % LEVELS])
        alone = compile_scenario(
            tmp_path / "scenario.toml", settings={"kinds.post.detection": chance}
        )
        assert values[d] == pytest.approx(plan_value(alone.instance, everything), rel=1e-9)
    assert any("kinds.post.detection" in each for each in made.drawn)


def test_flows_that_explain_draws_of_the_record_have_all_loads(tmp_path: Path) -> None:
    scenario = compiled(tmp_path)
    made = scenario_draws(scenario, 20, seed=1)
    weight = made.draws.weight.toarray()
    assert weight.sum(axis=1) == pytest.approx(np.ones(20))
    assert np.ptp(weight, axis=0).max() > 0.01
    assert weight.mean(axis=0) == pytest.approx([e.weight for e in made.draws.instance.evaders])
    assert any("flows" in each for each in made.drawn)
    assert any("detection" in each for each in made.fixed)


def test_draws_that_are_all_alike_have_the_value_of_the_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = compiled(tmp_path)
    assert scenario.record.flows is not None
    flows = scenario.record.flows

    def alike(_: object, draws: int, __: object) -> record_demand.ExplainedFlows:
        shares = np.broadcast_to(scenario.record.shares, (draws, *scenario.record.shares.shape))
        on_route = np.concatenate(
            [[r.share for r in scenario.record.routes[pair]] for pair in flows.usual.ends]
        )
        return record_demand.ExplainedFlows(
            shares, np.tile(on_route, (draws, 1)), np.full(draws, scenario.record.local_share)
        )

    monkeypatch.setattr(record_demand.RecordFlows, "explained", alike)
    made = scenario_draws(scenario, 3, seed=1)
    for placed in (scenario.instance.forced, ~scenario.instance.forced):
        assert made.draws.values(placed) == pytest.approx(
            np.full(3, plan_value(scenario.instance, placed))
        )


def test_risk_at_gateways_is_drawn_where_it_decides_weights(tmp_path: Path) -> None:
    text = SCENARIO.replace("decay_minutes = 60", 'decay_minutes = 60\nweights = "gateways"')
    made = scenario_draws(compiled(tmp_path, text), 10, seed=0)
    assert np.ptp(made.draws.weight.toarray(), axis=0).max() > 0.01
    assert any("risk at the gateways" in each for each in made.drawn)


def test_nothing_to_draw_and_numbers_out_of_range_are_refused(tmp_path: Path) -> None:
    scenario = compiled(
        tmp_path, SCENARIO.replace("decay_minutes = 60", 'decay_minutes = 60\nweights = "gravity"')
    )
    with pytest.raises(InputError, match="nothing that differs between draws"):
        scenario_draws(scenario, 5, seed=0)
    with pytest.raises(InputError, match="from 1 to"):
        scenario_draws(scenario, 0, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["mean", "cvar:0.7", "worst"])
def test_each_plan_is_best_by_its_objective_and_figures_are_those_of_its_values(
    tmp_path: Path, objective: str
) -> None:
    scenario = compiled(tmp_path, RANGE)
    doubt = plans_over_draws(scenario, UncertaintyRequest(10, Objective.parsed(objective)))
    plans = {plan.name: plan for plan in doubt.plans}
    assert next(iter(plans)) == objective
    assert {MIDDLE, "mean", "worst", TODAY, NOTHING} <= set(plans)
    assert plans["mean"].mean == min(plan.mean for plan in doubt.plans if not plan.violations)
    assert plans["worst"].worst == pytest.approx(
        min(plan.worst for plan in doubt.plans if not plan.violations)
    )
    best = np.min([plan.values for plan in doubt.plans], axis=0)
    for plan in doubt.plans:
        assert plan.mean <= plan.cvar + 1e-12
        assert plan.cvar <= plan.worst + 1e-12
        assert plan.low <= plan.high
        assert plan.regret == pytest.approx(float((plan.values - best).mean()))
        assert plan.beats_today == pytest.approx(float((plan.values < plans[TODAY].values).mean()))
        if plan.result is not None and plan.name != MIDDLE:
            assert plan.result.lower is not None
            assert plan.result.upper is not None
            assert plan.result.lower <= plan.result.upper
    own = doubt.as_planned(scenario.instance, 1e-4)
    placed = scenario.instance.placed(doubt.chosen.options)
    assert own.upper == pytest.approx(plan_value(scenario.instance, placed))
    assert own.lower is not None
    assert own.upper is not None
    assert own.lower <= own.upper


@pytest.mark.slow
def test_teams_with_a_range_have_bounds_over_every_beat(tmp_path: Path) -> None:
    scenario = compiled(tmp_path, RANGE + TEAMS)
    doubt = plans_over_draws(scenario, UncertaintyRequest(3, Objective.parsed("worst")))
    result = doubt.result
    assert result.plan is not None
    assert result.lower is not None
    assert result.weighed_lower is not None
    assert result.lower <= result.weighed_lower + 1e-12
    assert result.weighed_lower <= (result.upper or 0.0) + 1e-12
    assert doubt.chosen.beats
    field = scenario.instance.patrols
    assert field is not None
    made = scenario_draws(scenario, 3, seed=scenario.scenario.solve.seed)
    alone = compile_scenario(
        tmp_path / "scenario.toml",
        settings={path: float(chances[0]) for path, chances in made.detection.items()},
    ).instance
    assert alone.patrols is not None
    own = made.draws.instance.patrols
    assert own is not None
    first = own.elements.arc < alone.tail.size  # the first copy is the scenario at the first level
    assert own.elements.survival[first] == pytest.approx(alone.patrols.elements.survival)


@pytest.mark.slow
def test_processes_find_the_same(tmp_path: Path) -> None:
    scenario = compile_scenario(write_scenario(tmp_path, RANGE), solve={"time_limit": None})
    request = UncertaintyRequest(3, Objective.parsed("cvar:0.5"))
    here, there = (plans_over_draws(scenario, request, executor=Executor(jobs)) for jobs in (1, 2))
    assert [plan.options for plan in here.plans] == [plan.options for plan in there.plans]
    assert here.result.lower == there.result.lower


@pytest.mark.slow
def test_the_console_has_a_row_for_each_plan_over_draws_and_each_assumption(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensitivity, "variations", lambda compiled: variations(compiled)[:2])
    monkeypatch.setenv("COLUMNS", "240")  # no name is folded
    path = write_scenario(tmp_path, RANGE)
    scenario = compile_scenario(path)
    doubt = plans_over_draws(scenario, UncertaintyRequest(3, Objective.parsed("worst")))
    show_doubt(doubt)
    told = capsys.readouterr().out
    assert "Plans over 3 draws" in told
    assert all(plan_name(plan, doubt) in told for plan in doubt.plans)
    found = sensitivity_of(path, scenario, doubt.chosen)
    show_sensitivity(found)
    told = capsys.readouterr().out
    assert all(str(each.variation.name) in told for each in found.varied)


@pytest.mark.slow
@pytest.mark.report
def test_the_folder_and_the_console_say_what_is_drawn(
    tmp_path: Path, command: Callable[..., Outcome]
) -> None:
    scenario = write_scenario(tmp_path, RANGE)
    folder = tmp_path / "out"
    told = command(
        "plan", scenario, "--out", folder, "--draws", 3, "--objective", "cvar:0.5", "--json"
    )
    assert told.code == 0, told.err
    doubt = json.loads(told.out.splitlines()[-1])["doubt"]
    assert doubt["objective"] == "cvar:0.5"
    assert doubt["objective_lower"] <= doubt["objective_upper"] * (1 + 1e-9)
    assert doubt == {
        k: v
        for k, v in json.loads((folder / "doubt.json").read_text()).items()
        if k != "schema_version"
    }
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "What is not known, and the plan" in page
    assert "The same in all draws" in page
    assert "kinds.post.detection, 0.2 to 0.8" in told.err
    assert "its middle" not in told.err.replace("every range at its middle", "")
    assert (folder / "doubt.png").is_file()
    assert json.loads((folder / "run.json").read_text())["objective"] == "cvar:0.5"


def test_a_range_without_draws_is_taken_at_its_middle_and_says_so(tmp_path: Path) -> None:
    ranged, plain = compiled(tmp_path, RANGE), compiled(tmp_path)
    assert ranged.instance.options == plain.instance.options
    assert any("its middle, 0.5, is used" in warning for warning in ranged.warnings)
    assert not any("its middle" in warning for warning in plain.warnings)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--objective", "worst"), "Give --draws"),
        (("--draws", "0"), "from 1 to 1000"),
        (("--draws", "5", "--objective", "cvar:1"), "cvar:ALPHA"),
        (("--draws", "5", "--set", "kinds.post.detection=[0.8, 0.2]"), "smaller first"),
        (("--draws", "5", "--set", 'evaders.weights="gravity"'), "nothing that differs"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(
    tmp_path: Path, command: Callable[..., Outcome], arguments: tuple[str, ...], words: str
) -> None:
    scenario = write_scenario(tmp_path)
    told = command("plan", scenario, "--out", tmp_path / "out", *arguments, "--no-report")
    assert told.code == 1
    assert words in told.err.replace("\n", " ")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_each_assumption_is_varied_alone_and_what_moves_most_comes_first(tmp_path: Path) -> None:
    path = write_scenario(tmp_path, RANGE)
    scenario = compile_scenario(path)
    plan = solve(scenario.instance).plan
    assert plan is not None
    found = sensitivity_of(path, scenario, plan)
    assert not found.faults
    swings = [each.swing(found.value) for each in found.varied]
    assert swings == sorted(swings, reverse=True)
    known = {each.variation.name: each for each in found.varied}
    assert {"kinds.post.detection", "evaders.habitual_share", "evaders.population_power"} <= set(
        known
    )
    assert known["kinds.post.detection"].variation.source == "stated"
    own = scenario.instance.placed(plan.options)
    for name, at in (("kinds.post.detection", 0.8), ("evaders.habitual_share", 0.5)):
        there = compile_scenario(path, settings={name: at}).instance
        end = known[name].high
        assert end is not None
        assert end.value == pytest.approx(plan_value(there, own))
        assert end.upper == pytest.approx(solve(there).upper, rel=1e-4)
        assert end.lower <= end.upper
    fewer = known["budget of teams@police"].low
    assert fewer is not None
    assert fewer.value is None  # the plan breaks it
    assert fewer.goes


@pytest.mark.slow
def test_a_better_plan_for_a_changed_assumption_says_what_comes_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensitivity, "variations", lambda compiled: variations(compiled)[::4])
    path = write_scenario(tmp_path, RANGE)
    scenario = compile_scenario(path)
    found = sensitivity_of(
        path, scenario, Plan.of(scenario.instance, ["e"])
    )  # a poor plan: the search, not the assumption, finds better ones
    for each in found.varied:
        for end in (each.low, each.high):
            assert end is not None
            if end.value is not None:
                assert end.upper <= end.value
    assert not any(
        end.comes
        for each in found.varied
        if "evaders" in each.variation.name
        for end in (each.low, each.high)
        if end
    )


@pytest.mark.slow
@pytest.mark.report
def test_the_folder_has_the_sensitivity(
    tmp_path: Path, command: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensitivity, "variations", lambda compiled: variations(compiled)[:2])
    scenario = write_scenario(tmp_path)
    told = command("plan", scenario, "--out", tmp_path / "out", "--sensitivity", "--json")
    assert told.code == 0, told.err
    rows = json.loads(told.out.splitlines()[-1])["sensitivity"]
    assert rows == json.loads((tmp_path / "out" / "sensitivity.json").read_text())["varied"]
    assert {"assumption", "range", "from", "to", "swing", "low", "high"} == set(rows[0])
    assert (tmp_path / "out" / "sensitivity.png").is_file()
    assert "Which assumption moves the value most" in (tmp_path / "out" / "report.html").read_text(
        encoding="utf-8"
    )
    assert "moves the value most" in told.err
