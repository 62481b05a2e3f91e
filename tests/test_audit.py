"""Audits: the interval covers, times follow from the seed alone, filled sheets read
back, and what chance did not choose is refused.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from optimizer.base.errors import InputError
from optimizer.operations.audit import (
    RESULTS,
    AuditFile,
    AuditRow,
    AuditStratum,
    FilledSheets,
    _detection,
    audit_results,
    expected_width,
    plan_audit,
    power_of_change,
    read_audit,
    write_results,
)
from optimizer.problem.files.plan_file import PLAN_FILE
from optimizer.risk.numerics.likelihood import clopper_pearson
from optimizer.scenario.check.check import check_scenario
from optimizer.scenario.compile.compile import compile_scenario
from tests.command import run
from tests.operations_cases import keeps_contract, planned_case
from tests.output_cases import csv_rows, csv_text
from tests.tiny import SCENARIO, write_scenario

FIRST = "2026-12-01"
AUDITED = '[records]\naudits = ["found/audit-results.json"]\n\n[evaders]'


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """Return a plan folder of two sites with traffic, one without, and a roster by day;
    a seed lies beside it.
    """
    folder = planned_case(tmp_path).folder
    site = {"label": "", "kind": "checkpoint", "type": "post"}
    sites = [
        site | {"id": "a", "label": "=West", "traffic": 4000.0},
        site | {"id": "d", "label": "East", "traffic": 12000.0},
        site | {"id": "b"},
    ]
    content = {
        "schema_version": 2, "name": "Tiny border", "method": "greedy", "status": "feasible", "limit": None, "lower": 0.0,
        "upper": 1.0, "gap": 1.0, "seconds": 0.0, "options": ["a", "d", "b"], "seed": 0, "version": "0",
        "values": {"nothing": 1.0, "plan": 1.0, "everything": 0.0}, "resources": [], "sites": sites,
    }  # fmt: skip
    (folder / PLAN_FILE).write_text(json.dumps(content))
    (tmp_path / "seed").write_text("a secret of the tests")
    (tmp_path / "seed").chmod(0o600)
    return folder


@pytest.mark.parametrize("n", [1, 4, 11])
def test_the_interval_covers_every_share_by_enumeration(n: int) -> None:
    k = np.arange(n + 1)
    low, high = clopper_pearson(k, n)
    for p in np.linspace(0, 1, 101):
        assert stats.binom.pmf(k, n, p)[(low <= p) & (p <= high)].sum() >= 0.9 - 1e-12
    referee = [stats.binomtest(int(each), n).proportion_ci(0.9) for each in k]
    assert low == pytest.approx([one.low for one in referee])
    assert high == pytest.approx([one.high for one in referee])


@pytest.mark.parametrize("carrying", range(0, 31, 3))
def test_the_interval_covers_vehicles_chosen_without_replacement(carrying: int) -> None:
    for n in (2, 6, 15):
        k = np.arange(n + 1)
        low, high = clopper_pearson(k, n)
        chance = stats.hypergeom.pmf(k, 30, carrying, n)
        assert chance[(low <= carrying / 30) & (carrying / 30 <= high)].sum() >= 0.9 - 1e-12


def test_the_interval_over_strata_covers_by_enumeration() -> None:
    n, weight = (3, 5), np.array([0.8, 0.2])
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(6), indexing="ij"), -1).reshape(-1, 2)
    low, high = (end @ weight for end in clopper_pearson(grid, np.array(n), 0.1 / 2))
    for p in ((0.02, 0.5), (0.3, 0.05), (0.6, 0.6), (0.0, 0.9)):
        chance = np.prod(stats.binom.pmf(grid, n, p), axis=1)
        truth = weight @ p
        assert chance[(low <= truth) & (truth <= high)].sum() >= 0.9


def test_width_and_power_are_those_of_the_definitions() -> None:
    k = np.arange(21)
    low, high = clopper_pearson(k, 20)
    assert expected_width(20, 0.2) == pytest.approx(
        stats.binom.pmf(k, 20, 0.2) @ (high - low), rel=1e-4
    )
    chance = [stats.binom.pmf(np.arange(13), 12, p) for p in (0.2, 0.6)]
    seen = [
        [2 * np.min(stats.hypergeom.cdf((a, b), 24, a + b, 12)) <= 0.1 for b in range(13)]
        for a in range(13)
    ]
    assert power_of_change(12, 0.2, 3) == pytest.approx(
        chance[0] @ np.array(seen) @ chance[1], abs=1e-6
    )
    assert power_of_change(60, 0.05, 1.0001) < 0.1
    assert power_of_change(60, 0.05, 2) < power_of_change(60, 0.05, 6) < 1


def test_times_follow_from_the_seed(planned: Path, tmp_path: Path) -> None:
    one, same = (
        plan_audit(planned, FIRST, tmp_path / "seed", days=7, vehicles=40) for _ in range(2)
    )
    assert one.file == same.file
    (tmp_path / "other").write_text("another secret of the tests")
    (tmp_path / "other").chmod(0o600)
    assert (
        plan_audit(planned, FIRST, tmp_path / "other", days=7, vehicles=40).file.rows
        != one.file.rows
    )
    assert [(row.site, row.shift, row.vehicles) for row in one.file.strata] == [
        ("a", "day", 10),
        ("d", "day", 30),
    ]
    assert one.file.strata[0].passing == pytest.approx(4000 * 7 / 4)
    assert one.delay == 400
    assert all(6 <= row.drawn.hour < 12 and row.drawn < row.end for row in one.file.rows)
    assert len({row.drawn.date() for row in one.file.rows}) == 7
    assert any("1\N{NO-BREAK SPACE}site of the plan" in warning for warning in one.warnings)
    with pytest.raises(InputError, match="in the plan folder"):
        plan_audit(planned, FIRST, planned / "seed", new_seed=True)


def filled(
    folder: Path,
    audit: AuditFile,
    change: Callable[[list[dict[str, str]]], object] = lambda _: None,
) -> list[Path]:
    """Fill in the sheets: each audit five minutes late, a load in each tenth; then
    change what stands there.
    """
    planned = {row.audit: row for row in audit.rows}
    for path in sorted(folder.glob("*.csv")):
        rows = csv_rows(path)
        for k, row in enumerate(rows):
            if path.name == "counts.csv":
                row |= {"passed": "5000", "found": "30"}
            else:
                one = planned[int(row["audit"])]
                row |= {
                    "done": f"{min(one.drawn + timedelta(minutes=5), one.end):%H:%M}",
                    "audited": "1",
                    "found": str(int(k % 10 == 0)),
                }
        change(rows)
        path.write_text(csv_text(rows), newline="")
    return [folder]


@pytest.fixture
def audit(
    planned: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    path = tmp_path / "audit.json"
    words = (
        "--from",
        FIRST,
        "--seed-file",
        tmp_path / "seed",
        "--days",
        28,
        "--vehicles",
        80,
        "--out",
        path,
    )
    made = run(capsys, monkeypatch, "audit", "plan", planned, *words, "--json")
    keeps_contract("audit plan", made)
    lines = made.objects
    assert [(line["site"], line["shift"], line["vehicles"]) for line in lines] == [
        ("a", "day", 20),
        ("d", "day", 60),
    ]
    assert all(0 < line["expected_width"] < 1 and 0 <= line["power"] <= 1 for line in lines)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    done = run(capsys, monkeypatch, "audit", "sheets", path, "--out", tmp_path / "sheets")
    assert done.code == 0, done.err
    return path


def test_filled_sheets_read_back(
    audit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sorted(path.name for path in (tmp_path / "sheets").glob("*.csv")) == [
        "counts.csv",
        "sheet-01-west.csv",
        "sheet-02-east.csv",
    ]
    assert ",'=West," in (tmp_path / "sheets" / "sheet-01-west.csv").read_text()
    filled(tmp_path / "sheets", read_audit(audit))
    words = ("--json", "--out", tmp_path / "found")
    done = run(capsys, monkeypatch, "audit", "results", audit, tmp_path / "sheets", *words)
    keeps_contract("audit results", done)
    lines = done.objects
    west, east, every = lines
    assert [(line["site"], line["audited"], line["found"]) for line in lines] == [
        ("a", 20, 2),
        ("d", 60, 6),
        ("all", 80, 8),
    ]
    low, high = map(float, clopper_pearson(2, 20))
    assert (west["rate_low"], west["rate_high"]) == pytest.approx((low, high))
    assert west["passed_undetected_low"] == pytest.approx(max(0, 5000 * low - 32))
    assert west["passed_undetected_high"] == pytest.approx(5000 * high - 32)
    assert west["effectiveness_low"] == pytest.approx(30 / (5000 * high))
    assert every["rate"] == pytest.approx(0.1)
    assert every["rate_low"] < min(west["rate_low"], east["rate_low"]) + 0.05
    assert len(json.loads((tmp_path / "found" / "audit-results.json").read_text())["rows"]) == 3
    shown = run(capsys, monkeypatch, "audit", "results", audit, tmp_path / "sheets")
    assert shown.code == 0
    assert "20 of 20" in shown.out


def test_deviations_are_counted_and_shown(audit: Path, tmp_path: Path) -> None:
    def late_and_missed(rows: list[dict[str, str]]) -> None:
        for row in rows[:2] if "audit" in rows[0] else []:
            row |= {"done": "", "audited": "", "found": ""}
        for row in rows if "passed" in rows[0] else []:
            row |= {"passed": "", "found": ""}

    sheets = filled(tmp_path / "sheets", read_audit(audit), late_and_missed)
    found = audit_results(audit, sheets, on_time=4)
    every = found.rows[-1]
    assert (every.missed, every.audited) == (4, 80 - 4 - every.late)
    assert every.late > 60
    assert (every.any_low, every.any_high) <= (every.rate_low, 1.0)
    assert every.any_high >= every.rate_high or every.audited == 0
    assert every.line()["passed_undetected_low"] == 0
    said = " ".join(found.warnings)
    for words in (
        "drawn times, 4 have no inspection",
        "Nobody counted the vehicles",
        "Finds of ordinary inspection",
    ):
        assert words in said.replace("\N{NO-BREAK SPACE}", " ")


def test_loads_of_late_inspections_are_not_undetected(audit: Path, tmp_path: Path) -> None:
    sheets = filled(tmp_path / "sheets", read_audit(audit))
    in_time, late = (audit_results(audit, sheets, on_time=minutes).rows[-1] for minutes in (5, 4))
    assert (in_time.found, in_time.late_found) == (8, 0)
    assert late.found + late.late_found == 8
    assert late.late_found > 0
    assert late.line()["found_late"] == late.late_found
    assert late.undetected(0.5) == in_time.undetected(0.5) == 10000 * 0.5 - 8 - 60


def test_detection_chances_of_audits_reach_the_next_plan(audit: Path, tmp_path: Path) -> None:
    found = audit_results(audit, filled(tmp_path / "sheets", read_audit(audit)))
    (one,) = found.detection
    assert (one.kind, one.found) == ("post", 60)
    assert one.loads == pytest.approx(10_000 * 0.1, rel=0.2)
    assert one.alpha / (one.alpha + one.beta) == pytest.approx(60 / 1000, rel=0.25)
    folder = RESULTS.folder(tmp_path / "found", audit, overwrite=False)
    write_results(folder, found)
    scenario = write_scenario(tmp_path, SCENARIO.replace("[evaders]", AUDITED, 1))
    checked = check_scenario(scenario)
    assert not checked.problems
    assert any("60 of about" in text and "states 0.5" in text for text in checked.warnings)
    assert checked.scenario is not None
    low, high = getattr(checked.scenario.kinds[0], "detection", (0, 0))
    assert (low, high) == pytest.approx(stats.beta.ppf((0.05, 0.95), one.alpha, one.beta))
    twice = SCENARIO.replace("[evaders]", AUDITED.replace('json"]', 'json", "again.json"]'), 1)
    (tmp_path / "again.json").write_bytes((tmp_path / "found" / "audit-results.json").read_bytes())
    assert "each audit once" in str(check_scenario(write_scenario(tmp_path, twice)).problems)
    write_scenario(tmp_path, SCENARIO.replace("[evaders]", AUDITED, 1))
    (tmp_path / "found" / "audit-results.json").write_text('{"rows": []}')
    assert "no detection chance" in str(check_scenario(scenario).problems)


@pytest.mark.parametrize("kind", ["survival = 0.9", "survival = 0.9\ndetection = 0.5"])
def test_an_audit_leaves_a_survival_that_is_stated(tmp_path: Path, kind: str) -> None:
    stated = SCENARIO.replace("[evaders]", AUDITED, 1).replace(
        "capacity = 30\ndetection = 0.5", kind
    )
    assert kind in stated
    measured = {"kind": "post", "alpha": 500.5, "beta": 500.5, "found": 500, "loads": 1000.0}
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "audit-results.json").write_text(json.dumps({"detection": [measured]}))
    compiled = compile_scenario(write_scenario(tmp_path, stated))
    assert {chance for option in compiled.instance.options for chance in option.survival} == {0.9}
    (said,) = (text for text in compiled.warnings if "Audits" in text)
    assert "not used" in said


@pytest.mark.parametrize(
    ("sites", "vehicles", "passed", "rate", "runs"),
    [pytest.param(2, 300, 9000, 0.05, 100, marks=pytest.mark.slow), (30, 10, 450, 0.02, 20)],
)
def test_the_detection_chance_of_an_audit_holds_the_truth(
    sites: int, vehicles: int, passed: int, rate: float, runs: int
) -> None:
    rng, held = np.random.default_rng(1), 0
    names = [f"s{k}" for k in range(sites)]
    terms = {"shift": "", "passing": passed, "vehicles": vehicles, "kind": "post", "inspected": 0.5}
    strata = [AuditStratum(site=name, label=name, **terms) for name in names]
    moment = datetime(2026, 12, 1)  # noqa: DTZ001 - by the clock of the place
    rows = [
        AuditRow(audit=1 + vehicles * s + k, site=name, shift="", drawn=moment, end=moment)
        for s, name in enumerate(names)
        for k in range(vehicles)
    ]
    audit = AuditFile(name="a", begin=FIRST, days=1, minutes=1, strata=strata, rows=rows)
    for _ in range(runs):
        done = {row.audit: (True, int(rng.random() < rate)) for row in rows}
        counts: dict[tuple[str, str], tuple[int | None, int | None]] = {
            (k, ""): (passed, int(rng.binomial(rng.binomial(passed, rate), 0.5 * 0.4)))
            for k in names
        }
        (one,) = _detection(FilledSheets(done, counts).strata(audit))
        low, high = (float(stats.beta.ppf(level, one.alpha, one.beta)) for level in (0.05, 0.95))
        held += int(low <= 0.4 <= high)
    assert 0.8 <= held / runs <= 0.98


def test_more_vehicles_than_were_asked_for_are_said(planned: Path, tmp_path: Path) -> None:
    made = plan_audit(planned, FIRST, tmp_path / "seed", days=7, vehicles=1)
    assert len(made.file.rows) == 2
    said = [text.replace("\N{NO-BREAK SPACE}", " ") for text in made.warnings]
    assert any(
        "2 vehicles are drawn where 1 were asked for: each of 2 sites and shifts" in text
        for text in said
    )


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("drawn", "2026-12-02 06:01", "a drawn time of this audit"),
        ("audit", "999", "a drawn time of this audit"),
        ("done", "03:00", "to the end of the shift"),
        ("done", "soon", "when it was done"),
        ("audited", "-1", "0 or 1"),
        ("audited", "2", "one vehicle for a drawn time"),
        ("found", "many", "a count"),
        ("found", "3", "no more than were audited"),
        ("found", "", "a vehicle without a result"),
        ("site", "dd", "one of a, d"),
        ("driver_name", "X", "columns about people"),
        ("passed", "3.5", "a count"),
        ("passed", "12", "no more than passed"),
    ],
)
def test_sheets_that_cannot_be_used_are_refused(
    audit: Path, tmp_path: Path, column: str, cell: str, words: str
) -> None:
    def change(rows: list[dict[str, str]]) -> None:
        if column in rows[0] or ("audit" in rows[0] and column == "driver_name"):
            for row in rows:
                row.setdefault(column, "")
            rows[1][column] = cell

    with pytest.raises(InputError) as refused:
        audit_results(audit, filled(tmp_path / "sheets", read_audit(audit), change))
    assert words in str(refused.value)


def test_a_plan_without_traffic_is_refused(planned: Path, tmp_path: Path) -> None:
    path = planned / PLAN_FILE
    content = json.loads(path.read_text())
    for site in content["sites"]:
        site["traffic"] = None
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="none with traffic"):
        plan_audit(planned, FIRST, tmp_path / "new-seed", new_seed=True)
    assert not (tmp_path / "new-seed").exists()
    with pytest.raises(InputError, match="--vehicles"):
        plan_audit(planned, FIRST, tmp_path / "seed", vehicles=0)
