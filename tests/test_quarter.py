"""A quarter on the tiny border: roster, tracks with errors, delivered, passes, and what the next check and plan say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from optimizer.operations.simulated_tracks import main
from optimizer.operations.trial import read_trial
from optimizer.pipeline.plan import plan_scenario
from optimizer.scenario.compile.compile import compile_scenario
from tests.command import run
from tests.operations_cases import planned_case
from tests.test_trial import fill
from tests.tiny import write_scenario

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_a_quarter_from_roster_to_the_next_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = planned_case(tmp_path)
    monkeypatch.setattr("optimizer.plans.plan_folder.PlanFolder.scenario", case.scenario)
    main([str(case.folder), "--days", "7", "--out", str(tmp_path / "practice"), "--seed", "2"])
    words = ("--tracks", tmp_path / "practice" / "tracks.csv", "--effort-unit", "hours", "--out", tmp_path / "week")
    done = run(capsys, monkeypatch, "delivered", case.folder, *words)
    assert done.code == 0, done.err
    assert "Weeks: planned against delivered" in done.out
    entry = (tmp_path / "week" / "records.toml").read_text().replace('"effort.csv"', '"week/effort.csv"')
    text = case.scenario.read_text()
    case.scenario.write_text(text.replace("[evaders]", entry + "\n[background]\nper_hour = 0.05\n[evaders]", 1))

    checked = run(capsys, monkeypatch, "check", case.scenario, "--json").objects[0]
    hours = json.loads((tmp_path / "week" / "delivered.json").read_text())["effort_hours"]
    (said,) = [sentence for sentence in checked["warnings"] if sentence.startswith("delivered duty, 2026-12-01 to")]
    assert f"{hours:.3g}"[:2] in said

    told = plan_scenario(case.scenario, tmp_path / "next", options={"method": "greedy"}, report=False).compiled.warnings
    (moved,) = [sentence for sentence in told if sentence.startswith("With the delivered effort")]
    assert "roads moves by more than 5%" in moved.replace("\N{NO-BREAK SPACE}", " ") or "0 roads" in moved
    # Only a plan says it, as it takes another fit of the risk.
    fits: list[object] = []
    monkeypatch.setattr("optimizer.scenario.demand.delivered_effort.fitted_risk", lambda *given: fits.append(given))
    assert not any("With the delivered effort" in sentence for sentence in compile_scenario(case.scenario).warnings)
    assert not fits

    lines = run(capsys, monkeypatch, "passes", case.scenario, "--draws", 20, "--quarters", 1, "--json").objects
    whole = next(line for line in lines if line["kind"] == "all")
    assert whole["rate_low"] <= whole["rate"] <= whole["rate_high"]

    (tmp_path / "seed").write_text("a secret of the tests")
    secret = ("--seed-file", tmp_path / "seed", "--from", "2027-01-04")
    drawn = ("--vehicles", 60, "--out", tmp_path / "audit.json")
    assert run(capsys, monkeypatch, "audit", "plan", tmp_path / "next", *secret, *drawn).code == 0
    assert run(capsys, monkeypatch, "audit", "sheets", tmp_path / "audit.json", "--out", tmp_path / "sheets").code == 0
    asked = ("--kind", "switch-back", "--blocks", 12, "--runs", 20, "--out", tmp_path / "trial")
    made = run(capsys, monkeypatch, "trial", "design", tmp_path / "next", *secret, *asked)
    assert made.code == 0, made.err
    form = tmp_path / "trial" / "outcomes.csv"
    fill(form, lambda _, k: {"found": 4 + k % 2, "of": 100})
    (line,) = run(capsys, monkeypatch, "trial", "analyse", tmp_path / "trial", form, "--json").objects
    assert line["low"] <= line["effect"] <= line["high"]
    assert 0 < line["p"] <= 1


def test_a_blind_test_of_the_risk_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_scenario(write_scenario(tmp_path), tmp_path / "plan", options={"method": "greedy"}, report=False)
    (tmp_path / "seed").write_text("a secret of the tests")
    asked = ("--kind", "risk", "--from", "2027-01-04", "--seed-file", tmp_path / "seed", "--places", 2, "--visits", 3)
    made = run(capsys, monkeypatch, "trial", "design", tmp_path / "plan", *asked, "--out", tmp_path / "trial")
    assert made.code == 0, made.err
    file = read_trial(tmp_path / "trial")
    level = {unit.id: unit.group for unit in file.units}
    form = tmp_path / "trial" / "outcomes.csv"
    assert "high" not in form.read_text()
    fill(form, lambda row, _: {"found": {"low": 0, "middle": 1, "high": 3}[level[row["place"]]], "of": 2})
    lines = run(capsys, monkeypatch, "trial", "analyse", tmp_path / "trial", form, "--json").objects
    assert [(line["contrast"], line["effect"]) for line in lines] == [
        ("middle against low index", pytest.approx(0.5)),
        ("high against low index", pytest.approx(1.5)),
    ]


@pytest.mark.slow
def test_power_on_the_evaders_of_the_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = write_scenario(tmp_path)
    scenario.write_text(scenario.read_text() + "\n[adapt]\nloads = 200\nhistory = 2\nmobility = 0\n")
    plan_scenario(scenario, tmp_path / "plan", options={"method": "greedy"}, report=False)
    (tmp_path / "seed").write_text("a secret of the tests")
    monkeypatch.setattr("optimizer.cli.trial.LASTING_RUNS", 1)
    asked = ("--from", "2027-01-04", "--seed-file", tmp_path / "seed", "--runs", 10, "--own-evaders", "--json")
    (tmp_path / "sectors.csv").write_text("cluster\nA\nB\nC\nD\n")
    blocks = ("--kind", "switch-back", "--blocks", 4, "--block-days", 14, "--washout", 7, "--amount", 100_000)
    blocks += ("--clusters", tmp_path / "sectors.csv", "--redrawn", 99)
    made = run(capsys, monkeypatch, "trial", "design", tmp_path / "plan", *asked, *blocks, "--out", tmp_path / "trial")
    assert made.code == 0, made.err
    (own,) = [line for line in made.objects if line.get("evaders") == "own"]
    # the plan stops more than today's one post, and 100,000 vehicles a block show it
    assert -1 < own["effect"] < -0.05
    assert own["power"] > 0.5
    monkeypatch.setattr("optimizer.lab.adaptive.simulation.trial.TrialTraffickers.lasting", lambda *_: (5.0, 5.0))
    none = run(capsys, monkeypatch, "trial", "design", tmp_path / "plan", *asked, *blocks, "--out", tmp_path / "same")
    assert none.code == 0, none.err
    assert "no effect of it to find" in none.err
    assert not any("evaders" in line for line in none.objects)
    refused = run(
        capsys, monkeypatch, "trial", "design", tmp_path / "plan", *asked, "--kind", "risk", "--out", tmp_path / "no"
    )
    assert refused.code == 1
    assert "--kind switch-back or stepped" in refused.err
    assert not (tmp_path / "no").exists()
