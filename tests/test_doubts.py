"""Values that hardly anybody means are said with what was found, expected and to do; values
that people mean are not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.pipeline import check_scenario_file
from tests.mistakes import TOML, Mistake, answer
from tests.tiny import write_scenario

TEAMS = """
[[bases]]
id = "base"
lon = 10.2
lat = 50.1

[[teams]]
id = "patrol"
agency = "police"
number = 1
detection = 0.5
farthest_minutes = 2

[sites]"""
YEARS = "cost_years = 60\nopen_cost = { teams = 6 }\n"


def _warnings(folder: Path, old: str = "", new: str = "", **files: str) -> list[str]:
    write_scenario(folder)
    path = folder / "scenario.toml"
    path.write_text(path.read_text().replace(old, new, 1) if old else path.read_text())
    for name, rows in files.items():
        file = folder / f"{name}.csv"
        file.write_text(file.read_text() + rows)
    checked = check_scenario_file(path)
    assert checked.ok, checked.problems
    return [str(warning) for warning in checked.warnings]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("detection = 0.5", "detection = [0.0, 0.0]", "kinds[0].detection: found 0;"),
        ("capacity = 30", "capacity = 0", "kinds[0].capacity: found 0;"),
        ("decay_minutes = 60", "decay_minutes = 7200", "If these are seconds, write 120."),
        ("[sites]", TEAMS, "teams[0].farthest_minutes: found 2; expected minutes. If these are hours, write 120."),
        ("uses = {", YEARS + "uses = {", "kinds[0].cost_years: found 60; expected years. If these are months, write 5."),
        ("budget = 3", "budget = 501", "all sites, teams and measures together could use 5 at most"),
    ],
)  # fmt: skip
def test_a_doubtful_value_is_said(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert any(said in warning for warning in _warnings(tmp_path, old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("budget = 3", "budget = 500"),
        ("budget = 3", 'budget = "existing"'),
        ("budget = 3", "budget = 0"),
        ("detection = 0.5", "detection = [0.0, 0.1]"),
        ("decay_minutes = 60", "decay_minutes = 15"),
        ("decay_minutes = 60", "decay_minutes = 4320"),
    ],
)
def test_a_value_that_people_mean_is_not_doubted(old: str, new: str, tmp_path: Path) -> None:
    assert not [each for each in _warnings(tmp_path, old, new) if "; expected" in each]


SAME = "f,Again,10.1,50.1,police,,400,post\n"


@pytest.mark.parametrize(
    ("rows", "old", "new", "said"),
    [
        (SAME, "", "", True),
        (SAME, 'name = "Tiny border"', 'name = "Tiny border"\nexclusions = [["a", "f"]]', False),
        ("f,Elsewhere,10.15,50.1,police,,400,post\n", "", "", False),
    ],
    ids=["twice", "excluded", "apart"],
)
def test_two_sites_at_one_place_are_said_unless_they_exclude_each_other(
    rows: str, old: str, new: str, said: bool, tmp_path: Path
) -> None:
    warnings = _warnings(tmp_path, old, new, sites=rows)
    assert any("sites at one place" in warning for warning in warnings) == said


def test_a_plan_says_what_check_says(tmp_path: Path) -> None:
    command = ("plan", "{folder}/scenario.toml", "--out", "{folder}/out", "--no-report")
    told = answer(
        Mistake("a budget", "", "", TOML, "budget = 3", "budget = 3000000", command), tmp_path
    )
    assert told.code == 0
    assert "this budget limits nothing" in told.text
