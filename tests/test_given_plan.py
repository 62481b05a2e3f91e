"""A plan that is given is reported as it is: its value, its bound where that holds, and
nothing that breaks a budget.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.analysis.uncertainty.uncertainty import UncertaintyRequest
from optimizer.base.errors import InputError
from optimizer.pipeline.plan import plan_scenario
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.plan_file import read_plan_file
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.weight_scenarios import Objective
from optimizer.scenario.compile.compile import compile_scenario
from tests.tiny import write_scenario


@pytest.mark.slow
@pytest.mark.report
def test_a_given_plan_has_a_report_without_a_search(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    instance = compile_scenario(scenario).instance
    (tmp_path / "mine.json").write_text('{"options": ["b", "e"]}')
    planned = plan_scenario(scenario, tmp_path / "out", given=tmp_path / "mine.json")
    assert planned.result.plan is not None
    assert planned.result.plan.options == ("b", "e")
    assert planned.result.upper is not None
    assert planned.result.upper == pytest.approx(plan_value(instance, instance.placed(["b", "e"])))
    assert planned.result.lower == 0.0
    assert "report.html" in planned.files
    run = json.loads((tmp_path / "out/run.json").read_text())
    assert run["given"] == "mine.json"
    file = read_plan_file(tmp_path / "out/plan.json")
    assert file.method == "given"
    content = json.loads((tmp_path / "out/plan.json").read_text())
    (tmp_path / "out/plan.json").write_text(
        json.dumps(content | {"lower": 0.25 * planned.result.upper})
    )
    again = PlanFolder(tmp_path / "out").result_in(instance)
    assert again.lower == pytest.approx(0.25 * planned.result.upper)
    assert (
        PlanFolder(tmp_path / "out")
        .result_in(instance.with_budget(instance.resources[0].id, 2.0))
        .lower
        == 0.0
    )


def test_what_cannot_be_given_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    out = tmp_path / "out"
    plan = tmp_path / "mine.json"
    for options, message in ((["a", "b", "c", "d"], "over its budget"), (["x"], "an option id")):
        plan.write_text(json.dumps({"options": options}))
        with pytest.raises(InputError, match=message):
            plan_scenario(scenario, out, given=plan, report=False)
    with pytest.raises(InputError, match="one of them"):
        plan_scenario(scenario, out, given=plan, start=plan, report=False)
    with pytest.raises(InputError, match="--draws"):
        plan_scenario(
            scenario, out, given=plan, doubt=UncertaintyRequest(2, Objective("mean")), report=False
        )
    assert not out.exists()
