"""Sealed forecasts: shares and scores by hand, what is sealed is scored, and no period
is left out, late or changed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.operations.forecast import (
    COLUMNS,
    FORECAST,
    MODELS,
    ForecastPeriod,
    _shares,
    forecast_shares,
    in_top,
    score,
    score_forecasts,
    seal_forecast,
    sealed_forecasts,
)
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.plan_file import PLAN_FILE
from optimizer.sharing.ledger.store import Entry, EntryFile, LedgerFolder
from tests.command import run
from tests.operations_cases import keeps_contract
from tests.tiny import write_scenario

SEALED, AFTER = datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 7, 2, tzinfo=UTC)


def test_periods() -> None:
    quarter, month = ForecastPeriod.parsed("2024-Q4"), ForecastPeriod.parsed("2024-12")
    assert (str(quarter.begin), str(quarter.end)) == ("2024-10-01", "2025-01-01")
    assert (str(month.begin), str(month.end)) == ("2024-12-01", "2025-01-01")
    assert ForecastPeriod.next_quarter(datetime(2024, 11, 2, tzinfo=UTC)).name == "2025-Q1"
    for text in ("2024", "2024-Q5", "2024-13", "next"):
        with pytest.raises(InputError, match="a quarter or month"):
            ForecastPeriod.parsed(text)


def test_shares_and_scores_by_hand() -> None:
    length, index = np.array([100.0, 100.0, 1800.0]), np.array([4.0, 1.0, 0.5])
    risk, uniform, last = forecast_shares(index, length, np.array([1, 1, 2]))
    assert risk == pytest.approx(np.array([400, 100, 900]) / 1400)
    assert last == pytest.approx((np.array([0, 2, 1]) + uniform) / 4)
    for share in (risk, uniform, last):
        assert share.sum() == pytest.approx(1)
        assert in_top(share, length) @ length == pytest.approx(100)
    assert in_top(risk, length) == pytest.approx([1, 0, 0])
    assert in_top(uniform, length) == pytest.approx([0.05] * 3)
    found = score("2024-Q2", "risk map", risk, length, np.array([0, 0, 2]))
    assert found.log_score is not None
    assert found.share_top5 is not None
    assert found.log_score[0] == pytest.approx(np.log([risk[0], risk[0], risk[2]]).mean())
    assert found.share_top5[0] == pytest.approx(2 / 3)
    assert 0 <= found.share_top5[1] <= 2 / 3 <= found.share_top5[2] <= 1
    assert (
        score("2024-Q2", "risk map", risk, length, np.array([], dtype=int)).line()["log_score"]
        is None
    )


@pytest.mark.parametrize(
    ("cell", "value", "words"),
    [
        ((1, 2), "nan", "line 3, column 'risk_map': found 'nan'; expected a finite number above 0"),
        ((0, 3), "-0.5", "a finite number above 0"),
        ((0, 2), "0", "a finite number above 0"),
        ((1, 1), "inf", "a finite number above 0"),
        ((1, 4), "x", "a finite number above 0"),
        ((1, 4), "1e999", "a finite number above 0"),
        ((1, 0), "0", "the roads of another network"),
        ((1, 1), "7", "the roads of another network"),
    ],
)
def test_cells_of_a_forecast_that_are_no_shares_are_refused(
    tmp_path: Path, cell: tuple[int, int], value: str, words: str
) -> None:
    rows = [["0", "100", "0.4", "0.5", "0.5"], ["1", "100", "0.6", "0.5", "0.5"]]
    path, length = tmp_path / FORECAST, np.array([100.0, 100.0])
    path.write_text("\n".join(map(",".join, [COLUMNS, *rows])))
    assert _shares(path, length) == pytest.approx(np.array([[0.4, 0.6], [0.5, 0.5], [0.5, 0.5]]))
    rows[cell[0]][cell[1]] = value
    path.write_text("\n".join(map(",".join, [COLUMNS, *rows])))
    with pytest.raises(InputError, match=words):
        _shares(path, length)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a scenario, a plan folder made without planning, and a ledger."""
    scenario = write_scenario(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / PLAN_FILE).write_text("[]")
    monkeypatch.setattr(PlanFolder, "scenario", scenario)
    monkeypatch.setattr(PlanFolder, "settings", {})
    LedgerFolder.made(tmp_path / "log")
    return tmp_path


def sealed(folder: Path, period: str = "2024-Q2") -> None:
    seal_forecast(folder / "out", folder / "log", folder / "forecasts", period=period, now=SEALED)


def scored(folder: Path, now: datetime = AFTER) -> tuple[object, ...]:
    return score_forecasts(folder / "scenario.toml", folder / "log", folder / "forecasts", now=now)[
        0
    ]


def test_what_was_sealed_is_scored_and_what_has_not_ended_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(folder)
    sealed(folder, "2024-Q3")
    one, _ = sealed_forecasts(LedgerFolder.opened(folder / "log"))
    assert (one.period.name, one.time) == ("2024-Q2", SEALED)
    rows = score_forecasts(
        folder / "scenario.toml", folder / "log", folder / "forecasts", now=AFTER
    )[0]
    assert [(row.period, row.model) for row in rows] == [
        (p, model) for p in ("2024-Q2", "2024-Q3") for model in MODELS
    ]
    assert [row.finds for row in rows] == [2, 2, 2, None, None, None]
    assert rows[1].line()["share_top5"] == pytest.approx(0.05)
    words = ("--ledger", folder / "log", "--sealed", folder / "forecasts", "--json")
    done = run(capsys, monkeypatch, "forecast", "score", folder / "scenario.toml", *words)
    keeps_contract("forecast score", done)
    assert len(done.objects) == 6


def test_a_period_that_began_is_sealed_twice_or_leaves_a_gap_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="which began on 2024-01-01"):
        sealed(folder, "2024-Q1")
    sealed(folder)
    for period, words in (
        ("2024-Q2", "2024-Q2 twice"),
        ("2024-Q4", "none left out"),
        ("2024-05", "none left out"),
    ):
        with pytest.raises(InputError, match=words):
            sealed(folder, period)
    assert [path.name for path in (folder / "forecasts").iterdir()] == ["2024-Q2"]


def test_a_forecast_that_was_changed_lost_or_sealed_late_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="no sealed forecast"):
        scored(folder)
    sealed(folder)
    path = folder / "forecasts" / "2024-Q2" / FORECAST
    content = path.read_text()
    path.write_text(content.replace("0", "1", 1))
    with pytest.raises(InputError, match="another file than was sealed"):
        scored(folder)
    path.unlink()
    with pytest.raises(InputError, match="none can be left out"):
        scored(folder)
    late = folder / "forecasts" / "2024-Q3" / FORECAST
    late.parent.mkdir()
    path.write_text(content)
    late.write_text(content)
    entry = Entry("model", "late", [EntryFile.of(late)], {"forecast": "2024-Q3"}, time=AFTER)
    LedgerFolder.opened(folder / "log").append([entry])
    with pytest.raises(InputError, match="2024-Q3 sealed on 2024-07-02"):
        scored(folder)
