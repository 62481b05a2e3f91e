"""The page of today's layout that stands beside the folder while a plan is searched for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optimizer.base.errors import InputError, Problem
from optimizer.pipeline import plan as steps
from optimizer.report import today
from tests.command import Outcome
from tests.tiny import SITES, write_scenario

pytestmark = pytest.mark.report

SAID = "To look at while the search runs, today's layout: "


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Let a network of any size have the page; what stands beside the folder when the
    search begins, by name.
    """
    found: list[dict[str, str]] = []
    searched = steps._searched

    def looked(asked: Any, compiled: Any, times: Any) -> Any:
        beside = Path(asked.path).parent.glob("*-today.html")
        found.append({file.name: file.read_text(encoding="utf-8") for file in beside})
        return searched(asked, compiled, times)

    monkeypatch.setattr(steps, "PICTURED_NODES", 0)
    monkeypatch.setattr(steps, "_searched", looked)
    return found


@pytest.mark.slow
def test_todays_layout_can_be_looked_at_while_the_search_runs(
    command: Callable[..., Outcome], tmp_path: Path, seen: list[dict[str, str]]
) -> None:
    scenario, out = write_scenario(tmp_path), tmp_path / "out"
    evil = SITES.replace("North road", "<script>alert(1)</script>")
    (tmp_path / "sites.csv").write_text(evil, encoding="utf-8")
    outcome = command("plan", scenario, "--out", out)
    assert outcome.code == 0, outcome.err
    assert f"{SAID}{tmp_path / 'out-today.html'}" in outcome.err
    [beside] = seen
    page = beside["out-today.html"]
    plan = json.loads((out / "plan.json").read_text())
    assert f"{100 * plan['values']['existing']:.1f}\N{NO-BREAK SPACE}%" in page
    assert f"{100 * plan['values']['nothing']:.1f}\N{NO-BREAK SPACE}%" in page
    assert "This page is no plan." in page
    assert str(out / "report.html") in page
    assert "data:image/png;base64," in page
    assert "<script" not in page
    # it gave way to the report, and left nothing else behind
    assert (out / "report.html").is_file()
    assert not list(tmp_path.glob("*-today.html"))
    assert not list(tmp_path.glob(".*today*"))


@pytest.mark.slow
def test_it_goes_also_where_the_search_fails(
    command: Callable[..., Outcome],
    tmp_path: Path,
    seen: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> None:
        raise InputError(Problem("the search", "a fault", "none"))

    monkeypatch.setattr(steps, "_evaluated", refused)
    outcome = command("plan", write_scenario(tmp_path), "--out", tmp_path / "out")
    assert outcome.code == 1
    assert "out-today.html" in seen[0]
    assert not list(tmp_path.glob("*-today.html"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_file_of_somebody_else_in_its_place_stays(
    command: Callable[..., Outcome], tmp_path: Path, seen: list[dict[str, str]]
) -> None:
    mine = tmp_path / "out-today.html"
    mine.write_text("mine", encoding="utf-8")
    outcome = command("plan", write_scenario(tmp_path), "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert seen == [{"out-today.html": "mine"}]
    assert mine.read_text(encoding="utf-8") == "mine"
    assert f"{mine} is another file" in outcome.err
    assert SAID not in outcome.err


@pytest.mark.slow
def test_what_a_killed_run_left_is_replaced(
    command: Callable[..., Outcome], tmp_path: Path, seen: list[dict[str, str]]
) -> None:
    left = tmp_path / "out-today.html"
    left.write_bytes(b"of yesterday" + today.MARK)
    outcome = command("plan", write_scenario(tmp_path), "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert "of yesterday" not in seen[0]["out-today.html"]
    assert not left.exists()


@pytest.mark.slow
def test_a_small_network_and_a_plan_without_a_report_have_none(
    command: Callable[..., Outcome],
    tmp_path: Path,
    seen: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = write_scenario(tmp_path)
    bare = command("plan", scenario, "--out", tmp_path / "bare", "--no-report")
    monkeypatch.setattr(steps, "PICTURED_NODES", 1_000)
    small = command("plan", scenario, "--out", tmp_path / "small")
    assert (bare.code, small.code) == (0, 0)
    assert seen == [{}, {}]
    assert SAID not in bare.err + small.err


@pytest.mark.slow
def test_where_nothing_stands_today_it_says_so(
    command: Callable[..., Outcome], tmp_path: Path, seen: list[dict[str, str]]
) -> None:
    scenario = write_scenario(tmp_path)
    header, *rows = SITES.splitlines()
    place = header.split(",").index("existing")
    fields = [row.split(",") for row in rows]
    emptied = [",".join([*row[:place], "", *row[place + 1 :]]) for row in fields]
    (tmp_path / "sites.csv").write_text("\n".join([header, *emptied, ""]), encoding="utf-8")
    outcome = command("plan", scenario, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert "No site is in use today" in seen[0]["out-today.html"]
