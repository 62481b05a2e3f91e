"""A quarter: the tutorial of docs/tutorials/quarter.md on the smaller scenario, and on
the tiny border what the next check and plan say.
"""

from __future__ import annotations

import json
import shlex
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from optimizer.operations.audit import read_audit
from optimizer.operations.trial import read_trial
from optimizer.pipeline.plan import plan_scenario
from optimizer.scenario.compile.compile import compile_scenario
from results.measure.__main__ import main as measure
from tests.command import Outcome, run
from tests.operations_cases import planned_case
from tests.output_cases import csv_rows
from tests.test_trial import fill
from tests.tiny import write_scenario

ROOT = Path(__file__).parents[1]


def tutorial_lines() -> list[list[str]]:
    """Return the words of each command of the tutorial, after `python`."""
    text = (ROOT / "docs" / "tutorials" / "quarter.md").read_text()
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("python ")]


def fill_sheets(path: Path, rng: np.random.Generator) -> None:
    """Fill in the sheets of an audit, with errors: a tenth is missed, a tenth late, and
    one vehicle in fifty has a load.
    """
    planned = {row.audit: row for row in read_audit(path / "audit.json").rows}
    for sheet in sorted((path / "sheets").glob("*.csv")):
        if sheet.name == "counts.csv":
            fill(sheet, lambda *_: {"passed": 5000, "found": 30})
            continue

        def inspected(row: dict[str, str], _: int) -> dict[str, object]:
            one, chance = planned[int(row["audit"])], rng.random()
            if chance < 0.1:
                return {"audited": 0}
            done = min(one.drawn + timedelta(minutes=40 if chance < 0.2 else 5), one.end)
            return {"done": f"{done:%H:%M}", "audited": 1, "found": int(rng.random() < 0.02)}

        fill(sheet, inspected)


@pytest.mark.slow
def test_the_tutorial_walks_through_a_quarter_of_the_smaller_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "instances").mkdir()
    shutil.copytree(ROOT / "instances" / "rio-grande", tmp_path / "instances" / "rio-grande")
    (tmp_path / "results" / "quarter").mkdir(parents=True)
    made, rng = Path("results/quarter"), np.random.default_rng(0)
    said: dict[str, Outcome] = {}
    for line in tutorial_lines():
        # a trial is sealed before it begins
        words = [word.replace("2026-12-01", "2099-01-05") for word in line]
        if "mixed" in words:
            words[words.index("--time-limit") + 1] = "1"  # what is asserted hangs on no search
        if words[0] == "-m":
            measure(words[2:])
            continue
        command = " ".join(words[1:3])
        if command == "audit results":
            fill_sheets(made, rng)
        elif command == "trial analyse":
            fill(
                made / "trial" / "outcomes.csv",
                lambda *_: {"found": int(rng.poisson(2)), "of": 100},
            )
        elif command == "plan instances/rio-grande/next.toml":
            write_next(tmp_path / "instances" / "rio-grande", made)
        said[command] = run(capsys, monkeypatch, *words[1:])
        assert said[command].code == 0, f"{words}: {said[command].err}"
    (effect,) = json.loads((made / "effect" / "trial-results.json").read_text())["rows"]
    assert effect["low"] < effect["effect"] < effect["high"]
    rows = json.loads((made / "passes" / "passes.json").read_text())["rows"]
    whole = next(row for row in rows if row["kind"] == "all")
    assert 0 < whole["rate_low"] <= whole["rate"] <= whole["rate_high"] < 1
    assert json.loads((made / "delivered" / "delivered.json").read_text())["effort_hours"] > 0
    told = said["plan instances/rio-grande/next.toml"]
    # from the first day with effort: a beat of the night may set out some minutes
    # before the day that it was drawn for
    first = min(row["time"] for row in csv_rows(made / "delivered" / "effort.csv"))[:10]
    assert first in {"2099-01-04", "2099-01-05"}
    for sentence in (
        f"delivered duty, {first} to",
        "With the delivered effort",
        "Audits: the detection chance of",
    ):
        assert sentence in told.out + told.err


def write_next(folder: Path, made: Path) -> None:
    """Write the next scenario: what was delivered and audited, named as the tutorial says."""
    entry = (made / "delivered" / "records.toml").read_text()
    entry = entry.replace('"effort.csv"', '"../../results/quarter/delivered/effort.csv"')
    audits = '[records]\naudits = ["../../results/quarter/audited/audit-results.json"]\n'
    text = (folder / "scenario.toml").read_text()
    (folder / "next.toml").write_text(
        text.replace("[background]", f"{entry}\n{audits}\n[background]", 1)
    )


@pytest.mark.slow
def test_what_was_delivered_reaches_the_next_check_and_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = planned_case(tmp_path)
    monkeypatch.setattr(
        "optimizer.plans.plan_folder.PlanFolder.scenario_told", lambda *_: case.scenario
    )
    measure(
        [
            "tracks",
            str(case.folder),
            "--days",
            "7",
            "--out",
            str(tmp_path / "practice"),
            "--seed",
            "2",
        ]
    )
    words = (
        "--tracks",
        tmp_path / "practice" / "tracks.csv",
        "--effort-unit",
        "hours",
        "--out",
        tmp_path / "week",
    )
    done = run(capsys, monkeypatch, "delivered", case.folder, *words)
    assert done.code == 0, done.err
    assert "Weeks: planned against delivered" in done.out
    entry = (
        (tmp_path / "week" / "records.toml")
        .read_text()
        .replace('"effort.csv"', '"week/effort.csv"')
    )
    text = case.scenario.read_text()
    case.scenario.write_text(
        text.replace("[evaders]", entry + "\n[background]\nper_hour = 0.05\n[evaders]", 1)
    )

    checked = run(capsys, monkeypatch, "check", case.scenario, "--json").objects[0]
    hours = json.loads((tmp_path / "week" / "delivered.json").read_text())["effort_hours"]
    (said,) = [
        sentence
        for sentence in checked["warnings"]
        if sentence.startswith("delivered duty, 2026-12-01 to")
    ]
    assert f"{hours:.3g}"[:2] in said

    told = plan_scenario(
        case.scenario, tmp_path / "next", options={"method": "greedy"}, report=False
    ).compiled.warnings
    (moved,) = [sentence for sentence in told if sentence.startswith("With the delivered effort")]
    assert (
        "roads moves by more than 5 %" in moved.replace("\N{NO-BREAK SPACE}", " ")
        or "0 roads" in moved
    )
    # Only a plan says it, as it takes another fit of the risk.
    fits: list[object] = []
    monkeypatch.setattr(
        "optimizer.scenario.demand.delivered_effort.fitted_risk", lambda *given: fits.append(given)
    )
    assert not any(
        "With the delivered effort" in sentence
        for sentence in compile_scenario(case.scenario).warnings
    )
    assert not fits


def test_a_blind_test_of_the_risk_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_scenario(
        write_scenario(tmp_path), tmp_path / "plan", options={"method": "greedy"}, report=False
    )
    (tmp_path / "seed").write_text("a secret of the tests")
    (tmp_path / "seed").chmod(0o600)
    asked = (
        "--kind",
        "risk",
        "--from",
        "2027-01-04",
        "--seed-file",
        tmp_path / "seed",
        "--places",
        2,
        "--visits",
        3,
    )
    made = run(
        capsys,
        monkeypatch,
        "trial",
        "design",
        tmp_path / "plan",
        *asked,
        "--out",
        tmp_path / "trial",
    )
    assert made.code == 0, made.err
    file = read_trial(tmp_path / "trial")
    level = {unit.id: unit.group for unit in file.units}
    form = tmp_path / "trial" / "outcomes.csv"
    assert "high" not in form.read_text()
    fill(
        form,
        lambda row, _: {"found": {"low": 0, "middle": 1, "high": 3}[level[row["place"]]], "of": 2},
    )
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
    scenario.write_text(
        scenario.read_text() + "\n[adapt]\nloads = 200\nhistory = 2\nmobility = 0\n"
    )
    plan_scenario(scenario, tmp_path / "plan", options={"method": "greedy"}, report=False)
    (tmp_path / "seed").write_text("a secret of the tests")
    (tmp_path / "seed").chmod(0o600)
    monkeypatch.setattr("optimizer.cli.operations.LASTING_RUNS", 1)
    asked = (
        "--from",
        "2027-01-04",
        "--seed-file",
        tmp_path / "seed",
        "--runs",
        10,
        "--own-evaders",
        "--json",
    )
    (tmp_path / "sectors.csv").write_text("cluster\nA\nB\nC\nD\n")
    blocks: tuple[object, ...] = (
        "--kind",
        "switch-back",
        "--blocks",
        4,
        "--block-days",
        14,
        "--washout",
        7,
    )
    blocks += ("--amount", 100_000, "--clusters", tmp_path / "sectors.csv", "--redrawn", 99)
    made = run(
        capsys,
        monkeypatch,
        "trial",
        "design",
        tmp_path / "plan",
        *asked,
        *blocks,
        "--out",
        tmp_path / "trial",
    )
    assert made.code == 0, made.err
    (own,) = [line for line in made.objects if line.get("evaders") == "own"]
    # the plan stops more than today's one post, and 100,000 vehicles a block show it
    assert -1 < own["effect"] < -0.05
    assert -1 < own["at_first"] <= own["effect"] + 0.02  # who has learned it loses less
    assert own["power"] > 0.5
    monkeypatch.setattr(
        "optimizer.lab.adaptive.simulation.simulate.TrialTraffickers.lasting", lambda *_: (5.0, 5.0)
    )
    none = run(
        capsys,
        monkeypatch,
        "trial",
        "design",
        tmp_path / "plan",
        *asked,
        *blocks,
        "--out",
        tmp_path / "same",
    )
    assert none.code == 0, none.err
    assert "no effect of it to find" in none.err
    assert not any("evaders" in line for line in none.objects)
    refused = run(
        capsys,
        monkeypatch,
        "trial",
        "design",
        tmp_path / "plan",
        *asked,
        "--kind",
        "risk",
        "--out",
        tmp_path / "no",
    )
    assert refused.code == 1
    assert "--kind switch-back or stepped" in refused.err
    assert not (tmp_path / "no").exists()
