"""What a plan needs in several places is computed once and passed on."""

from __future__ import annotations

import cProfile
from collections import Counter
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pytest

from optimizer.analysis.explain.record import PERMUTATIONS
from optimizer.pipeline.plan import plan_scenario
from optimizer.records.areas import load_areas
from optimizer.records.model import spread_effort
from optimizer.report.maps.geography import map_bounds
from optimizer.report.maps.map_layers import drawn_beats, map_layers, road_layers, traffic
from optimizer.risk.demand import travel_hours
from optimizer.risk.evidence import gather_evidence
from optimizer.scenario.check.check import check_scenario
from optimizer.scenario.file.model import read_content
from tests.tiny import write_scenario

pytestmark = pytest.mark.usefixtures("made_anew")

ONCE = [gather_evidence, spread_effort, check_scenario, load_areas, travel_hours]
"""What one plan calls once."""
OF_A_RECORD = [gather_evidence, spread_effort]
DRAWN_ONCE = [road_layers, map_layers, drawn_beats, map_bounds]
"""What its report calls once."""
MONTHLY = "time,area,amount\n" + "".join(
    f"2024-{month:02d},{area},{amount}\n"
    for month in range(1, 13)
    for area, amount in (("south", 75), ("north", 25))
)


def calls(scenario: Path, out: Path) -> Counter[CodeType]:
    """Return how often each function is called while a scenario is planned."""
    profile = cProfile.Profile()
    profile.runcall(plan_scenario, scenario, out)
    return Counter(
        {
            entry.code: entry.callcount
            for entry in profile.getstats()
            if not isinstance(entry.code, str)
        }
    )


def counted(made: Counter[CodeType], functions: list[Any]) -> dict[str, int]:
    return {function.__qualname__: made[function.__code__] for function in functions}


def wanted(functions: list[Any]) -> dict[str, int]:
    """Return once for each function; those that read a record as often again as records
    with exchanged places are asked for a report.
    """
    return {
        function.__qualname__: 1 + PERMUTATIONS * (function in OF_A_RECORD)
        for function in functions
    }


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gather what a report says, and draw nothing."""
    monkeypatch.setattr("optimizer.report.write_report", lambda *_: None)


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_plan_gathers_records_and_spreads_effort_once(tmp_path: Path) -> None:
    made = calls(write_scenario(tmp_path), tmp_path / "out")
    assert counted(made, ONCE) == wanted(ONCE)


@pytest.mark.slow
@pytest.mark.report
def test_a_report_makes_layers_once(tmp_path: Path) -> None:
    made = calls(write_scenario(tmp_path), tmp_path / "out")
    once = ONCE + DRAWN_ONCE
    assert counted(made, once) == wanted(once)
    assert made[read_content.__code__] == 2  # first for what can be refused before any work
    assert made[traffic.__code__] == 3  # with nothing placed, as it is today, and with the plan


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_season_sets_the_records_against_one_more_kind_of_effort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Effort as recorded, and effort in average months: two quantities, each spread once."""
    factors = [0.5] * 6 + [1.5] * 6
    monkeypatch.setattr("optimizer.risk.field_flow.model.fit_season", lambda *_: np.array(factors))
    scenario = write_scenario(tmp_path)
    (tmp_path / "effort.csv").write_text(MONTHLY, encoding="utf-8")
    made = calls(scenario, tmp_path / "out")
    assert made[gather_evidence.__code__] == 2 + PERMUTATIONS
    assert made[spread_effort.__code__] == 2 * (1 + PERMUTATIONS)
