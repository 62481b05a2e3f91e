"""What a plan needs in several places is computed once and passed on."""

from __future__ import annotations

import cProfile
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from optimizer.pipeline.plan import plan_scenario
from tests.tiny import SCENARIO, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

ONCE = {
    "gather_evidence": "risk/evidence.py",
    "spread_effort": "records/exposure.py",
    "check_scenario": "scenario/check.py",
    "load_areas": "records/areas.py",
    "travel_hours": "risk/demand.py",
    "road_layers": "report/road_layers.py",
    "map_layers": "report/map_layers.py",
    "drawn_beats": "report/drawn_beats.py",
    "map_bounds": "report/geography.py",
}
"""Functions that one plan calls once, and where they are defined."""
MONTHLY = "time,area,amount\n" + "".join(
    f"2024-{month:02d},{area},{amount}\n" for month in range(1, 13) for area, amount in (("south", 75), ("north", 25))
)


def calls(scenario: Path, out: Path) -> Counter[tuple[str, str]]:
    """Return how often each function of the package is called while a scenario is planned, by file and name."""
    profile = cProfile.Profile()
    profile.runcall(plan_scenario, scenario, out)
    count: Counter[tuple[str, str]] = Counter()
    for entry in profile.getstats():
        if not isinstance(entry.code, str):
            file = entry.code.co_filename.replace("\\", "/").rpartition("optimizer/")[2]
            count[file, entry.code.co_name] += entry.callcount
    return count


@pytest.mark.parametrize("model", ["field-flow", "flow-regression", "shrunk", "raw-counts"])
def test_a_plan_gathers_records_spreads_effort_and_makes_layers_once(tmp_path: Path, model: str) -> None:
    made = calls(write_scenario(tmp_path, f'{SCENARIO}\n[risk]\nmodel = "{model}"\n'), tmp_path / "out")
    assert {name: made[file, name] for name, file in ONCE.items()} == dict.fromkeys(ONCE, 1)
    assert made["scenario/model.py", "read_content"] == 2  # first for what can be refused before any work
    assert made["report/traffic.py", "traffic"] == 3  # with nothing placed, as it is today, and with the plan


def test_a_season_sets_the_records_against_one_more_kind_of_effort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Effort as recorded, and effort in average months: two quantities, each spread once."""
    factors = [0.5] * 6 + [1.5] * 6
    monkeypatch.setattr("optimizer.risk.field_flow.model.fit_season", lambda *_: np.array(factors))
    scenario = write_scenario(tmp_path)
    (tmp_path / "effort.csv").write_text(MONTHLY, encoding="utf-8")
    made = calls(scenario, tmp_path / "out")
    assert made["risk/evidence.py", "gather_evidence"] == 2
    assert made["records/exposure.py", "spread_effort"] == 2
