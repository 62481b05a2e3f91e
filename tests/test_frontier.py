"""The budget curve: held by trying every plan at every budget, with bounds, monotone
whatever the search misses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from optimizer.analysis.frontier.frontier import (
    CHANGES,
    STRETCH,
    BudgetRange,
    frontier,
    tasks_of,
    up_to_changes_made,
)
from optimizer.analysis.frontier.output import _budgets, fall_sentence
from optimizer.base.errors import InputError
from optimizer.base.text.formatting import SPACE
from optimizer.base.work.executor import Executor
from optimizer.plans.comparison import first_changes
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.changes import Changes, changes_made
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan, violations, with_plan
from optimizer.scenario.file.model import SolveModel
from tests.cases import Recorder, brute_force, random_instance
from tests.command import Outcome
from tests.referees.compact import COMPACT
from tests.test_changes import sited
from tests.test_joint import small_case, true_optimum
from tests.tiny import write_scenario

TERMS = SolveModel(gap=1e-4, time_limit=None)


@pytest.mark.parametrize("seed", [2, 5, 8, 11, 16])
@pytest.mark.parametrize("method", ["auto", COMPACT, "greedy"])
def test_a_curve_has_the_best_plan_of_every_budget(seed: int, method: str) -> None:
    instance = random_instance(seed)
    found = frontier(
        instance,
        [BudgetRange.between("money", 0, 12, 5)],
        TERMS.model_copy(update={"method": method}),
    )
    assert found.complete
    assert [point.budgets[0] for point in found.points] == [0, 3, 6, 9, 12]
    for point in found.points:
        case = Changes({"money": point.budgets[0]}).applied(instance)
        optimum, _ = brute_force(case)
        assert not violations(case, case.placed(point.plan.options))
        assert point.lower <= optimum * (1 + 1e-9) <= point.upper * (1 + 2e-9)
        assert method == "greedy" or point.upper <= optimum * (1 + 1.1e-4)
    uppers = [point.upper for point in found.points]
    assert uppers == sorted(uppers, reverse=True)
    lowers = [point.lower for point in found.points]
    assert lowers == sorted(lowers, reverse=True)
    for gain in found.gains():
        assert -1e-12 <= gain.low <= gain.high + 1e-12
        assert gain.low - 1e-12 <= gain.found <= gain.high + 1e-12


def test_a_grid_of_two_resources() -> None:
    instance = random_instance(11)
    ranges = [BudgetRange.between("teams", 0, 2, 3), BudgetRange.between("money", 0, 8, 3)]
    found = frontier(instance, ranges, TERMS)
    assert len(found.points) == 9
    for point in found.points:
        case = Changes(dict(zip(("teams", "money"), point.budgets, strict=True))).applied(instance)
        assert point.upper == pytest.approx(brute_force(case)[0], rel=1.1e-4)
    assert found.knee() is None


@pytest.mark.slow
def test_a_curve_with_teams_never_rises() -> None:
    instance, _ = small_case(1)
    found = frontier(
        instance, [BudgetRange.between("agents", 0, 6, 4)], TERMS.model_copy(update={"gap": 0.01})
    )
    uppers = [point.upper for point in found.points]
    assert uppers == sorted(uppers, reverse=True)
    for point in found.points:
        case = with_plan(Changes({"agents": point.budgets[0]}).applied(instance), point.plan)
        assert not violations(case, case.placed(point.plan.options))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 8, 16])
def test_points_of_several_stretches_hold_against_every_plan_and_are_the_same_in_two_processes(
    seed: int,
) -> None:
    instance = random_instance(seed)
    span = BudgetRange("money", tuple(0.5 * k for k in range(2 * STRETCH)))
    terms = TERMS.model_copy(update={"gap": 0.02})
    found = frontier(instance, [span], terms)
    optima = [
        brute_force(Changes({"money": amount}).applied(instance))[0] for amount in span.amounts
    ]
    for point, optimum in zip(found.points, optima, strict=True):
        assert point.lower <= optimum * (1 + 1e-9)
        assert optimum <= point.upper * (1 + 1e-9)
        assert point.gap <= 0.02 + 1e-9
    for bounds in ([p.upper for p in found.points], [p.lower for p in found.points]):
        assert bounds == sorted(bounds, reverse=True)
    if seed == 2:
        assert frontier(instance, [span], terms, executor=Executor(2)).points == found.points


def test_stretches_are_solved_by_turns() -> None:
    parts = [piece.argument for piece in tasks_of([[float(k) for k in range(20)]], linked=True)]
    assert [len(part) for part in parts] == [10, 10]
    assert [budget for (budget,) in parts[0]] == [0, 9, 4, 2, 6, 1, 3, 5, 7, 8]
    grid = [piece.argument for piece in tasks_of([[1.0, 4.0], [2.0, 3.0]], linked=True)]
    assert sorted(grid) == [((a, b),) for a in (1.0, 4.0) for b in (2.0, 3.0)]


def test_stopped_early_it_keeps_what_is_proven() -> None:
    instance = random_instance(11)
    whole = frontier(instance, [BudgetRange.between("money", 0, 12, 7)], TERMS)
    told = Recorder(patience=12)
    part = frontier(
        instance, [BudgetRange.between("money", 0, 12, 7)], TERMS, time_limit=600, listener=told
    )
    assert told.searches == [(abs(instance.weight.sum() - 1) < 1e-9, 600)]
    assert not part.complete
    for early, late in zip(part.points, whole.points, strict=True):
        assert early.lower <= late.upper * (1 + 1e-9)
        assert early.upper >= late.lower * (1 - 1e-9)


@pytest.mark.parametrize(
    ("first", "last", "points", "message"),
    [
        (9, 3, 5, "--from 3 --to 9"),
        (-1, 3, 5, "numbers from 0"),
        (3, 3, 5, "the smaller"),
        (1, 3, 1, "at least 2"),
    ],
)
def test_ranges_that_are_none(first: float, last: float, points: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        BudgetRange.between("money", first, last, points)


def test_resources_that_are_none() -> None:
    span = BudgetRange.between("monny", 0, 3, 2)
    with pytest.raises(InputError, match="Did you mean 'money'"):
        frontier(random_instance(3), [span], TERMS)
    for ranges in ([], [span, span]):
        with pytest.raises(InputError, match="one resource, or two different ones"):
            frontier(random_instance(3), ranges, TERMS)


@pytest.mark.slow
def test_the_command(command: Callable[..., Outcome], tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    where = ["--resource", "teams", "--from", "0", "--to", "4", "--points", "5"]
    outcome = command("frontier", scenario, *where, "--out", tmp_path / "curve", "--json")
    assert outcome.code == 0
    lines = outcome.objects
    assert [line["budget"] for line in lines] == [0, 1, 2, 3, 4]
    assert all(
        {"resource", "budget", "lower", "upper", "gap", "plan"} <= set(line) for line in lines
    )
    assert lines[0]["plan"] == []
    text = (tmp_path / "curve/frontier.csv").read_text().splitlines()
    assert text[0].startswith("teams,lower,upper,gap")
    assert len(text) == 6
    assert (tmp_path / "curve/frontier.png").stat().st_size > 1000
    assert (tmp_path / "curve/frontier.svg").exists()
    assert json.loads((tmp_path / "curve/frontier.json").read_text())["points"][4]["budgets"] == [
        4.0
    ]
    shown = command("frontier", scenario, *where)
    assert "one more" in shown.out
    assert " more" in shown.out


@pytest.mark.slow
def test_points_have_certificates_that_hold(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    """Each point is certified within its bounds, against every plan; `verify` checks
    all of the folder, and tells the one that was changed.
    """
    instance, file, curve = random_instance(5), tmp_path / "problem.json", tmp_path / "curve"
    write_instance(file, instance)
    asked = ["--resource", "money", "--from", "0", "--to", "12", "--points", "4", "--certificate"]
    outcome = command("frontier", file, *asked, "--out", curve, "--json")
    assert outcome.code == 0
    for line in outcome.objects:
        optimum, _ = brute_force(Changes({"money": line["budget"]}).applied(instance))
        proven = line["certified"]
        assert line["upper"] * (1 - 2e-4) <= proven["lower"] <= optimum * (1 + 1e-9)
        assert optimum * (1 - 1e-9) <= proven["value"] <= line["upper"] * (1 + 1e-9)
    told = command("verify", curve)
    assert told.code == 0
    assert told.out.count("proved: value in") == 4
    assert "4 of 4 points have a certificate" in (curve / "frontier.html").read_text()
    (curve / "point-2.jsonl.gz").write_bytes((curve / "point-3.jsonl.gz").read_bytes())
    told = command("verify", curve)
    assert told.code == 1
    assert told.out.count("proved: value in") == 3
    command("frontier", file, *asked[:-1], "--out", curve)
    assert not list(curve.glob("point-*"))


def test_what_has_no_certificate_is_said_before_the_search(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    file = tmp_path / "problem.json"
    write_instance(file, small_case(1)[0])
    asked = ["frontier", file, "--resource", "agents", "--from", "0", "--to", "6", "--certificate"]
    assert "--out FOLDER" in command(*asked).err
    outcome = command(*asked, "--out", tmp_path / "curve")
    assert outcome.code == 1
    assert "patrol teams: bounds over all their beats have no certificate yet" in outcome.err
    assert "no certificate" in command("verify", tmp_path).err


def test_swapped_ends_write_nothing(command: Callable[..., Outcome], tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    outcome = command(
        "frontier",
        scenario,
        "--resource",
        "teams",
        "--from",
        "4",
        "--to",
        "0",
        "--out",
        tmp_path / "curve",
    )
    assert outcome.code == 1
    assert "the smaller budget first" in outcome.err
    assert not (tmp_path / "curve").exists()


def test_a_range_of_changes_is_no_misspelt_resource(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    asked = ["--resource", "changes", "--from", "0", "--to", "1", "--points", "2"]
    outcome = command("frontier", write_scenario(tmp_path), *asked, "--json")
    assert outcome.code == 0
    assert [one["budget"] for one in outcome.objects] == [0, 1]


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_a_curve_of_changes_has_the_best_plan_of_every_number(seed: int) -> None:
    instance = sited(seed)
    instance = replace(
        instance, resources=tuple(replace(r, budget=20.0) for r in instance.resources)
    )
    span = BudgetRange.of_changes(instance)
    whole = frontier(instance, [span], TERMS)
    assert whole.complete
    for point in whole.points:
        case = Changes(change_at_most=int(point.budgets[0])).applied(instance)
        optimum, _ = brute_force(case)
        assert not violations(case, case.placed(point.plan.options))
        assert point.lower <= optimum * (1 + 1e-9) <= point.upper * (1 + 2e-9)
        assert point.upper <= optimum * (1 + 1.1e-4)
    found = up_to_changes_made(whole, instance)
    last = found.points[-1]
    assert last.budgets[0] == changes_made(instance.options, instance.placed(last.plan.options))
    for k, point in enumerate(found.points):
        share = found.share(k)
        if found.fall.says == "less":
            best = [
                brute_force(Changes(change_at_most=int(p.budgets[0])).applied(instance))[0]
                for p in found.points
            ]
            true = (best[0] - best[k]) / (best[0] - best[-1])
            assert share.low - 1e-9 <= true <= share.high + 1e-9, point


def test_a_curve_of_changes_has_every_step_where_more_may_open_than_stands_today() -> None:
    instance = random_instance(2)
    options = tuple(
        replace(instance.options[0], id=f"o{j}", site=f"s{j}", existing=j == 0) for j in range(12)
    )
    span = BudgetRange.of_changes(
        replace(instance, options=options, exclusions=(), requirements=())
    )
    assert span.amounts == (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 12.0)


def test_changes_need_something_that_stands_today() -> None:
    with pytest.raises(InputError, match="no option that stands today"):
        BudgetRange.of_changes(random_instance(2))
    with pytest.raises(InputError, match="whole numbers"):
        BudgetRange.between(CHANGES, 0, 1, 3)


@pytest.mark.slow
def test_teams_are_a_resource() -> None:
    instance, field = small_case(1)
    found = frontier(
        instance, [BudgetRange.between("mobile", 0, 2, 3)], TERMS.model_copy(update={"gap": 0.01})
    )
    assert [len(point.plan.beats) <= k for k, point in enumerate(found.points)] == [True] * 3
    for point in (found.points[0], found.points[-1]):
        case = Changes({"mobile": point.budgets[0]}).applied(instance)
        assert case.patrols is not None
        optimum = true_optimum(case, case.patrols)
        assert point.lower <= optimum * (1 + 1e-9) <= point.upper * (1 + 2e-9)
    assert field.patrols[0].team.number == 2
    with pytest.raises(InputError, match=r"teams of mobile: found 0\.5; expected a whole number"):
        frontier(
            instance, [BudgetRange.between("mobile", 0, 2, 5)], TERMS, listener=(told := Recorder())
        )
    assert not told.steps  # it is refused before anything is searched
    for amount in (1.5, -1, 2000):
        with pytest.raises(InputError, match=r"a (whole )?number from 0"):
            Changes({"mobile": amount}).applied(instance)


@pytest.mark.slow
def test_the_command_of_changes(command: Callable[..., Outcome], tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    outcome = command("frontier", scenario, "--changes", "--out", tmp_path / "curve")
    assert outcome.code == 0
    assert "From 0 changes to " in " ".join(outcome.out.split())
    content = json.loads((tmp_path / "curve" / "frontier.json").read_text())
    assert content["resources"] == ["changes"]
    assert content["points"][0]["budgets"] == [0]
    for wrong in (["--changes", "--resource", "teams"], []):
        outcome = command("frontier", scenario, *wrong)
        assert outcome.code == 2
        assert "or --changes" in outcome.err or "--changes alone" in outcome.err


def test_an_open_fall_begins_with_what_was_found() -> None:
    """The best plans found come first; the range and the cure come after them."""
    found = frontier(random_instance(3), [BudgetRange.between("money", 0, 12, 2)], TERMS)
    first, last = found.points[0], found.points[-1]
    points = (replace(first, lower=0.0), *found.points[1:-1], replace(last, lower=0.0))
    said = fall_sentence(replace(found, points=points))
    assert said.startswith("From ")
    assert "as found" in said
    assert said.endswith("try a longer --time-limit.")


def test_points_without_a_search_have_the_best_changes_of_the_known_plan() -> None:
    """With no time a curve of changes still says what the first changes of a plan bring:
    each point is no worse than the plan with all but its best changes taken back.
    """
    better = 0
    for seed in range(8):
        instance = sited(seed)
        enough = tuple(replace(r, budget=12.0) for r in instance.resources)
        instance = replace(instance, resources=enough)
        value, placed = brute_force(instance)
        start, span = Plan.from_mask(instance, placed), BudgetRange.of_changes(instance)
        found = frontier(instance, [span], TERMS, starts=[start], time_limit=1e-9)
        fewer = first_changes(
            instance, placed, placed.size, partial(plan_value, instance), few=(2, 1, 0)
        )
        for layout in fewer.layouts:
            point = found.points[layout.most]
            assert point.budgets == (layout.most,)
            assert point.upper <= layout.value * (1 + 1e-9)
            better += layout.most > 0 and point.upper < found.points[0].upper
        for point in found.points:
            case = Changes(change_at_most=int(point.budgets[0])).applied(instance)
            assert not violations(case, case.placed(point.plan.options))
            assert brute_force(case)[0] <= point.upper * (1 + 1e-9)
        assert found.points[-1].upper == pytest.approx(value)
    assert better


def test_a_curve_without_a_better_plan_says_so_and_keeps_its_points() -> None:
    """From no changes to no changes nothing is told; what was asked for is."""
    instance = sited(2)
    enough = tuple(replace(r, budget=12.0) for r in instance.resources)
    instance = replace(instance, resources=enough)
    today = Plan.of(instance, [o.id for o in instance.options if o.existing])
    span = BudgetRange.of_changes(instance)
    found = frontier(instance, [span], TERMS)
    points = tuple(
        replace(point, lower=0.0, upper=found.points[0].upper, plan=today) for point in found.points
    )
    poor = up_to_changes_made(replace(found, points=points), instance)
    assert len(poor.points) == len(found.points) > 1
    said = fall_sentence(poor).replace(SPACE, " ")
    assert said.startswith("No layout that lets less through than today's was found in this time")
    assert f"with {int(span.amounts[-1])} changes at most" in said
    assert "From 0 changes to 0 changes" not in said
    best = tuple(replace(point, lower=point.upper) for point in points)
    said = fall_sentence(up_to_changes_made(replace(found, points=best), instance))
    assert said.startswith("No change of today's layout brings anything")


@pytest.mark.parametrize(
    ("name", "unit", "said"),
    [
        ("agents@laredo-sector", "agents a shift", "50 agents a shift (laredo-sector)"),
        ("agents", "agents a shift", "50 agents a shift"),
        ("teams", "", "50 teams"),
    ],
)
def test_a_resource_is_named_once(name: str, unit: str, said: str) -> None:
    assert _budgets([50.0], [name], [unit]).replace(SPACE, " ") == said
