"""Warnings: one list, on the console, in the report and in run.json; borders that are
not there; why nothing is placed.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline.briefing.guarantees import plan_warnings
from optimizer.pipeline.check import check_scenario_file
from optimizer.plans.comparison import compare
from optimizer.problem.plan.plan import Plan
from optimizer.problem.plan.result import Result
from optimizer.region import border_warnings, load_region, read_region, save_region
from optimizer.scenario.compile.compile import compile_scenario
from tests.command import Outcome
from tests.standin import World, sample_world
from tests.tiny import SCENARIO, tiny_region, write_scenario

OPEN = """
schema_version = 1
name = "Cut off"
[region]
file = "world.osm"
[[resources]]
name = "teams"
budget = 1
[[kinds]]
id = "post"
survival = 0.5
uses = { teams = 1 }
[sites]
roads = 3
"""


def cut_world() -> World:
    """Return the sample world without one of the two lines that its border is made of."""
    world = sample_world()
    del world.ways[901]
    return world


def test_a_border_that_does_not_close_is_named_with_what_mends_it(tmp_path: Path) -> None:
    region = read_region(cut_world().save(tmp_path / "world.osm"), modes=["drive", "track"])
    assert (region.border, region.crossings) == (None, ())
    (warning,) = border_warnings(region)
    assert warning.startswith("No border: that of Testland, Otherland does not close in this map")
    assert all(
        words in warning
        for words in ("larger extract", 'border = "border.geojson"', "other country")
    )
    save_region(region, tmp_path / "saved.gpkg")
    assert border_warnings(load_region(tmp_path / "saved.gpkg")) == [warning]
    whole = read_region(sample_world().save(tmp_path / "whole.osm"), modes=["drive", "track"])
    assert whole.border is not None
    assert not border_warnings(whole)


@pytest.mark.slow
@pytest.mark.report
def test_check_plan_and_region_say_on_the_console_and_in_the_report_that_there_is_no_border(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    cut_world().save(tmp_path / "world.osm")
    (tmp_path / "scenario.toml").write_text(OPEN, encoding="utf-8")
    words = "No border: that of Testland, Otherland does not close"
    assert any(
        words in warning for warning in check_scenario_file(tmp_path / "scenario.toml").warnings
    )
    planned = command("plan", tmp_path / "scenario.toml", "--out", tmp_path / "out")
    assert words in planned.err
    assert words in read_first(tmp_path / "out")
    built = command(
        "region", "--file", tmp_path / "world.osm", "--out", tmp_path / "region", "--json"
    )
    assert words in built.err
    assert any(words in warning for warning in built.objects[0]["warnings"])


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ({"crossings": (), "gateways": ()}, "No road crosses the border"),
        ({"gateways": ()}, "No road leads in over the border: none of its 3 crossings"),
    ],
)
def test_a_border_that_nobody_enters_over_is_a_fault_that_says_why(
    tmp_path: Path, without: dict[str, Any], words: str
) -> None:
    scenario = write_scenario(
        tmp_path, SCENARIO.replace("[evaders]", "[evaders]\nexposure = { west-port = 2, ford = 1 }")
    )
    save_region(replace(tiny_region(), **without), tmp_path / "network.gpkg")
    with pytest.raises(InputError) as raised:
        compile_scenario(scenario)
    assert [words in problem.remedy for problem in raised.value.problems] == [
        True
    ]  # exposures of no gateway say nothing more


def test_costs_of_a_far_side_that_the_map_does_not_have_are_warned_of(tmp_path: Path) -> None:
    words = "no road beyond the border joins two crossings"
    for loss, warned in ((0, False), (0.1, True)):
        path = write_scenario(tmp_path, SCENARIO + f"\n[background]\nfar_side_loss = {loss}\n")
        assert any(words in warning for warning in check_scenario_file(path).warnings) == warned


@pytest.mark.slow
@pytest.mark.report
def test_console_report_and_run_file_hold_the_same_warnings(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    text = SCENARIO.replace("capacity = 30", "capacity = 0")  # posts that inspect nobody
    text += (
        '[[site]]\nid = "off"\nlabel = "Old mill"\nlon = 10.205\nlat = 50.2\nagency = "police"\n'
    )
    scenario = write_scenario(tmp_path, text)
    outcome = command("plan", scenario, "--out", tmp_path / "out")
    warnings = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["warnings"]
    for words in (
        "Today's layout stops nothing",
        "The plan places nothing",
        "Some sites lie off the road",
    ):
        assert any(words in warning for warning in warnings), words
    told = [
        line.removeprefix("Warning: ")
        for line in outcome.err.splitlines()
        if line.startswith("Warning: ")
    ]
    assert told == warnings
    page = read_first(tmp_path / "out")
    assert all(warning in page for warning in warnings)
    (line,) = command("plan", scenario, "--out", tmp_path / "out", "--json", "--no-report").objects
    assert line["warnings"] == warnings


@pytest.mark.parametrize(
    ("changes", "lower_share", "words"),
    [
        ({"budget = 3": "budget = 0.5"}, 0.5, "no site fits the budgets by itself"),
        ({}, 1.0, "proven that no choice within the budgets lets less through"),
        ({"capacity = 30": "capacity = 0"}, 0.5, "as much gets through with every site used"),
        ({}, 0.9, "it is not proven that none would"),
    ],
)
def test_why_nothing_is_placed_is_said_as_far_as_it_is_proven(
    tmp_path: Path, changes: dict[str, str], lower_share: float, words: str
) -> None:
    text = SCENARIO
    for old, new in changes.items():
        text = text.replace(old, new)
    instance = compile_scenario(write_scenario(tmp_path, text)).instance
    comparison = compare(instance, Plan.of(instance, ()))
    value = comparison.plan.value
    result = Result(
        "auto", "optimal", None, Plan.of(instance, ()), lower_share * value, value, 0.0, 0
    )
    (warning,) = [
        each
        for each in plan_warnings(result, comparison)
        if each.startswith("The plan places nothing")
    ]
    assert words in warning


def read_first(folder: Path) -> str:
    """Return the report's warnings as text."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    start = page.index('class="warnings"')
    return html.unescape(page[start : page.index("</aside>", start)])
