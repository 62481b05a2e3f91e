"""Traffic past sites: given, by class, or not known; what each means for a post, and
that nothing of it is hidden.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline.check import check_scenario_file
from optimizer.pipeline.plan import plan_scenario
from optimizer.problem.instance.options import Option
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.traffic import TrafficModel
from tests.tiny import SCENARIO, SITES, write_scenario

DELAY = (
    SCENARIO.replace(
        "uses = { teams = 1 }", 'uses = { teams = 1 }\ndelay = { resource = "delay", minutes = 2 }'
    )
    + """
[[resources]]
name = "delay"
budget = 1000
"""
)
TEAM = """
[[bases]]
id = "yard"
lon = 10.2
lat = 50.1
[[teams]]
id = "mobile"
number = 1
detection = 0.5
capacity = 30
slot_minutes = 60
most_slots = 1
"""


def options(folder: Path, text: str, sites: str = SITES) -> Mapping[str, Option]:
    scenario = write_scenario(folder, text)
    (folder / "sites.csv").write_text(sites, encoding="utf-8")
    return {option.site: option for option in compile_scenario(scenario).instance.options}


def without_traffic(sites: str = SITES) -> str:
    rows = [line.split(",") for line in sites.splitlines()]
    return "\n".join(
        ",".join([*row[:6], row[6] if row[0] == "id" else "", *row[7:]]) for row in rows
    )


def test_posts_on_roads_of_every_class_are_alike_where_the_traffic_is_not_known(
    tmp_path: Path,
) -> None:
    found = options(tmp_path, DELAY, without_traffic())
    survivals = {site: option.survival[0] for site, option in found.items()}
    assert len(survivals) == 5
    # the detection that the scenario states, on a track and on a primary road
    assert set(survivals.values()) == {0.5}
    assert {option.uses["delay"] for option in found.values()} == {30 * 16 * 2 / 60}


def test_traffic_by_class_is_used_where_a_site_gives_none_and_a_site_s_own_goes_first(
    tmp_path: Path,
) -> None:
    sites = SITES.replace("police,,800,post", "police,,,post")
    found = options(
        tmp_path, SCENARIO + "\n[traffic]\nby_class = { primary = 1920 }\nbusy_hours = 16\n", sites
    )
    assert found["b"].survival[0] == pytest.approx(1 - 30 / 120 * 0.5)
    assert found["d"].survival[0] == pytest.approx(1 - 30 / (500 / 16) * 0.5)


def test_a_table_under_its_older_name_is_still_read_and_both_names_at_once_are_a_fault(
    tmp_path: Path,
) -> None:
    sites = SITES.replace("police,,800,post", "police,,,post")
    older = SCENARIO.replace(
        "[sites]", "[sites]\ntraffic_by_class = { primary = 1920 }\nbusy_hours = 16"
    )
    assert options(tmp_path, older, sites)["b"].survival[0] == pytest.approx(1 - 30 / 120 * 0.5)
    with pytest.raises(InputError, match="traffic_by_class"):
        compile_scenario(
            write_scenario(tmp_path, older + "\n[traffic]\nby_class = { primary = 1920 }\n")
        )


def test_a_team_inspects_all_where_the_traffic_is_not_known_and_its_share_where_a_class_is_given(
    tmp_path: Path,
) -> None:
    def smallest(text: str) -> float:
        field = compile_scenario(write_scenario(tmp_path, text)).instance.patrols
        assert field is not None
        dwelling = np.flatnonzero(field.elements.post >= 0)
        return float(field.elements.survival[np.isin(field.elements.element, dwelling)].min())

    by_class = "[traffic]\nby_class = { primary = 1920, secondary = 1920, track = 1920 }\n"
    assert smallest(SCENARIO + TEAM) == pytest.approx(1 - 60 / 480 * 0.5)
    assert smallest(SCENARIO + TEAM + by_class) == pytest.approx(1 - 60 / 480 * 30 / 120 * 0.5)


def test_capacity_of_zero_inspects_nobody() -> None:
    traffic = TrafficModel().past(None, "primary")
    assert (traffic.hourly(0.0) > 0, traffic.source) == (True, "")


@pytest.mark.slow
@pytest.mark.report
def test_check_report_and_plan_say_which_traffic_was_taken(tmp_path: Path) -> None:
    text = SCENARIO + "\n[traffic]\nby_class = { secondary = 1500 }\n"
    scenario = write_scenario(tmp_path, text)
    # a on a secondary road gives none, e on a track gives none, the others give theirs
    sites = SITES.replace("police,post,400,post", "police,post,,post").replace(
        "police,,40,post", "police,,,post"
    )
    (tmp_path / "sites.csv").write_text(sites, encoding="utf-8")
    assumed = {item.what: item.value for item in check_scenario_file(scenario).assumed}
    assert assumed["traffic past 1 of 5 sites"].startswith(
        "not known: a post there inspects every vehicle"
    )
    assert "secondary 1,500" in assumed["traffic past 1 of 5 sites, by road class"]

    plan_scenario(scenario, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    meaning = html.unescape(page[page.index(">It assumes<") :])
    assert all(f"{what}: " in meaning for what in assumed)
    assert "1,500 (by class, secondary road)" in page
    assert "800 (given)" in page
    assert "not known" in page[page.index('id="sites"') : page.index('id="comparison"')]
    plan = json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))
    found = {site["site"]: site for site in (*plan["sites"], *plan["candidates"])}
    assert {name: (site["traffic"], site["traffic_source"]) for name, site in found.items()} == {
        "a": (1500.0, "class"), "b": (800.0, "site"), "c": (300.0, "site"), "d": (500.0, "site"), "e": (None, ""),
    }  # fmt: skip
    assert (found["b"]["inspected"], found["e"]["inspected"]) == (30 / 50, 1.0)
