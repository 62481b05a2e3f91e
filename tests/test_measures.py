"""Measures at the source: loads that they lower, held by trying every plan with the
loads scaled by hand; one budget, one bound.
"""

from __future__ import annotations

import html
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.analysis.frontier.frontier import BudgetRange, frontier
from optimizer.analysis.uncertainty import sensitivity
from optimizer.analysis.uncertainty.sensitivity import variations
from optimizer.base.errors import InputError
from optimizer.pipeline.check import check_scenario_file
from optimizer.pipeline.plan import plan_scenario
from optimizer.problem.plan.evaluation import evaluate
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.compile.uncertainty import at_chances
from optimizer.scenario.file.model import SolveModel
from optimizer.solvers.solve import solve
from tests.referees.compact import COMPACT
from tests.tiny import SCENARIO, write_scenario

MEASURES = """
[[measures]]
id = "eradicate"
label = "Eradication upstream"
what = "eradication"
gateways = ["{gateway}"]
reduction = {reduction}
source = "made up for a test"
uses = {{ teams = 1 }}
agency = "police"
{more}

[[measures]]
id = "villages"
what = "community programme"
gateway_kinds = ["unofficial"]
reduction = 0.1
tips = 0.25
delay_months = 3
source = "made up for a test"
uses = {{ teams = 2 }}
agency = "police"
"""


def gateways(folder: Path) -> list[str]:
    return [g.id for g in compile_scenario(write_scenario(folder, SCENARIO)).gateways]


def scenario(folder: Path, *, reduction: str = "0.4", more: str = "", gateway: str = "") -> Path:
    first = gateway or gateways(folder)[0]
    text = MEASURES.format(gateway=first, reduction=reduction, more=more)
    return write_scenario(folder, SCENARIO.replace("[sites]", text + "\n[sites]"))


def by_hand(plain: Compiled, plan: tuple[str, ...], reduction: float = 0.4) -> float:
    """Return what gets through under a plan: of a scenario without measures, with the
    loads of gateways scaled.
    """
    sites = [name for name in plan if name not in {"eradicate", "villages"}]
    total = 0.0
    for response, pair in zip(evaluate(plain.instance, sites).evaders, plain.pairs, strict=True):
        load = response.weight
        if pair is not None and "eradicate" in plan and pair.gateway == 0:
            load *= 1 - reduction
        if (
            pair is not None
            and "villages" in plan
            and plain.gateways[pair.gateway].kind == "unofficial"
        ):
            load *= 1 - 0.75 * (1 - 0.9 * 0.75)
        total += load * response.value
    return total


def cost(plan: tuple[str, ...]) -> int:
    return sum(2 if name == "villages" else 1 for name in plan)


@pytest.mark.slow
def test_every_plan_is_worth_what_scaled_loads_are_and_every_method_finds_the_best(
    tmp_path: Path,
) -> None:
    plain = compile_scenario(write_scenario(tmp_path, SCENARIO))
    compiled = compile_scenario(scenario(tmp_path))
    instance = compiled.instance
    assert [o.id for o in instance.options] == ["a", "b", "c", "d", "e", "eradicate", "villages"]
    assert instance.habits is not None
    names = [option.id for option in instance.options]
    values = {}
    for size in range(4):
        for plan in itertools.combinations(names, size):
            values[plan] = by_hand(plain, plan)
            assert evaluate(instance, plan).value == pytest.approx(values[plan], rel=1e-12)
    best = min(value for plan, value in values.items() if cost(plan) <= 3)
    for method in ("cuts", COMPACT, "greedy"):
        result = solve(instance, method=method, gap=1e-6)
        assert result.lower is not None
        assert result.upper is not None
        assert result.lower <= best * (1 + 1e-9) <= result.upper * (1 + 2e-9)
        assert method == "greedy" or result.upper <= best * (1 + 1e-5)


@pytest.mark.slow
def test_checkpoints_and_measures_share_a_budget_and_a_curve(tmp_path: Path) -> None:
    plain = compile_scenario(write_scenario(tmp_path, SCENARIO))
    instance = compile_scenario(scenario(tmp_path, reduction="0.9")).instance
    names = [option.id for option in instance.options]
    curve = frontier(instance, [BudgetRange.between("teams", 0, 3, 4)], SolveModel(gap=1e-6))
    for point in curve.points:
        plans = [
            p
            for size in range(4)
            for p in itertools.combinations(names, size)
            if cost(p) <= point.budgets[0]
        ]
        best = min(by_hand(plain, plan, 0.9) for plan in plans)
        assert point.lower <= best * (1 + 1e-9) <= point.upper * (1 + 2e-9)
        assert point.upper <= best * (1 + 1e-5)
    assert "eradicate" in curve.points[1].plan.options


def test_a_mixture_counts_a_measure_for_those_who_cannot_avoid_it(tmp_path: Path) -> None:
    instance = compile_scenario(scenario(tmp_path)).instance
    result = solve(instance, method="mixed", gap=0.02)
    assert result.lower is not None
    assert result.upper is not None
    pure = solve(instance, gap=1e-6)
    assert pure.upper is not None
    assert result.lower <= result.upper <= pure.upper * (1 + 1e-9)


def test_the_draws_take_a_range_apart(tmp_path: Path) -> None:
    compiled = compile_scenario(scenario(tmp_path, reduction="[0.2, 0.6]"))
    assert any("measures.eradicate.reduction" in warning for warning in compiled.warnings)
    first = compiled.instance.options[compiled.instance.option_index["eradicate"]]
    assert first.survival[0] == pytest.approx(0.6)
    drawn = at_chances(compiled, compiled.instance, {"measures.eradicate.reduction": 0.2})
    assert drawn.options[drawn.option_index["eradicate"]].survival[0] == pytest.approx(0.8)
    assert drawn.options[:5] == compiled.instance.options[:5]


@pytest.mark.slow
@pytest.mark.report
def test_the_plan_folder_has_measures_and_roads_alone_on_its_maps(tmp_path: Path) -> None:
    path = scenario(tmp_path, more="forced = true")
    planned = plan_scenario(path, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))
    [measure] = [site for site in found["sites"] if site["id"] == "eradicate"]
    assert measure["kind"] == "measure"
    assert measure["segments"] == []
    assert measure["worth"] > 0
    layer = json.loads((tmp_path / "out" / "plan.geojson").read_text(encoding="utf-8"))
    assert {f["properties"]["id"] for f in layer["features"] if "chosen" in f["properties"]} >= {
        "eradicate",
        "a",
    }
    page = html.unescape((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "source: made up for a test" in page
    assert "Eradication upstream" in page
    assert planned.result.lower is not None
    assert planned.result.upper is not None
    assert planned.result.lower <= planned.result.upper


@pytest.mark.slow
def test_assumptions_are_varied_with_measures_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensitivity, "variations", lambda compiled: variations(compiled)[2::3])
    planned = plan_scenario(
        scenario(tmp_path, more="forced = true"), tmp_path / "out", sensitivity=True, report=False
    )
    assert planned.sensitivity is not None
    assert planned.sensitivity.faults == ()
    value = planned.sensitivity.value
    assert value == pytest.approx(planned.comparison.plan.value)
    found = [
        (each.variation.low, each.low)
        for each in planned.sensitivity.varied
        if each.variation.low.settings
    ]
    for end, low in found:
        again = compile_scenario(
            scenario(tmp_path, more="forced = true"), settings=dict(end.settings)
        )
        assert low is not None
        assert evaluate(again.instance, planned.plan.options).value == pytest.approx(low.value)
    assert any(low is not None and low.value != pytest.approx(value) for _, low in found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": "1.4"}, "a chance from 0 to 1"),
        ({"reduction": "[0.3, 1.2]"}, "a chance from 0 to 1"),
        ({"gateway": "atlantis"}, "atlantis"),
        ({"more": "delay_months = 12"}, "fewer than horizon_months"),
        ({"reduction": "0"}, "a reduction or tips above 0"),
        ({"more": 'gateway_kinds = ["bridge"]'}, "gateway_kinds"),
        ({"more": "effect = 3"}, "effect"),
    ],
)
def test_what_is_wrong_is_one_message(
    tmp_path: Path, options: dict[str, str], message: str
) -> None:
    checked = check_scenario_file(scenario(tmp_path, **options))
    assert any(message in f"{p.where} {p.found} {p.expected}" for p in checked.problems), (
        checked.problems
    )


def test_a_measure_on_no_origin_or_without_a_source_is_refused(tmp_path: Path) -> None:
    text = scenario(tmp_path).read_text(encoding="utf-8")
    for gone, message in (('gateways = ["', "without an origin"), ('source = "made', "source")):
        lines = [line for line in text.splitlines() if not line.startswith(gone)]
        checked = check_scenario_file(write_scenario(tmp_path, "\n".join(lines)))
        assert any(message in f"{p.where} {p.found} {p.expected}" for p in checked.problems), (
            message,
            checked.problems,
        )
    with pytest.raises(InputError, match="no gateway"):
        compile_scenario(
            write_scenario(
                tmp_path, text.replace('gateway_kinds = ["unofficial"]', 'gateway_kinds = ["edge"]')
            )
        )


def test_measures_forced_on_scale_what_all_else_is_worth(tmp_path: Path) -> None:
    compiled = compile_scenario(scenario(tmp_path))
    instance = compiled.instance
    with_it = replace(
        instance, options=tuple(replace(o, forced=o.id == "eradicate") for o in instance.options)
    )
    result = solve(with_it, gap=1e-6)
    assert result.plan is not None
    assert "eradicate" in result.plan.options
    assert np.isfinite(result.upper or np.nan)
