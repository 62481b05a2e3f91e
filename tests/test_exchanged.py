"""Longitude and latitude that are exchanged are named as that, wherever places come in."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.base.errors import InputError
from optimizer.base.schema import validated
from optimizer.problem.network.exchanged import EXCHANGE
from optimizer.scenario.check.check import check_scenario
from optimizer.scenario.file.model import SiteModel, read_content
from tests.tiny import AREAS, SCENARIO, write_scenario

BASE = """
[[bases]]
id = "station"
lon = 50.1
lat = 10.2

[[teams]]
id = "crew"
agency = "police"
bases = ["station"]
number = 1

shift_hours = 8
detection = 0.4
capacity = 20
"""
TIPS = "time,lon,lat\n2024-01-01,50.2,10.2\n2024-02-01,50.1,10.1\n"


def faults(path: Path, about: str) -> list[str]:
    return [str(problem) for problem in check_scenario(path).problems if about in problem.where]


def test_a_base_with_exchanged_degrees(tmp_path: Path) -> None:
    (fault,) = faults(write_scenario(tmp_path, SCENARIO + BASE), "base ")
    assert "lon 50.1, lat 10.2" in fault
    assert "with longitude and latitude exchanged it is 0 m from a road" in fault
    assert EXCHANGE in fault


def test_a_base_that_is_merely_far_is_not_said_to_be_exchanged(tmp_path: Path) -> None:
    (fault,) = faults(
        write_scenario(tmp_path, SCENARIO + BASE.replace("50.1", "12.1").replace("10.2", "50.2")),
        "base ",
    )
    assert "exchange" not in fault.casefold()


def test_one_area_with_exchanged_degrees(tmp_path: Path) -> None:
    path = write_scenario(tmp_path)
    south = "[[9.9, 49.9], [10.5, 49.9], [10.5, 50.12], [9.9, 50.12], [9.9, 49.9]]"
    assert south in AREAS
    turned = "[[49.9, 9.9], [49.9, 10.5], [50.12, 10.5], [50.12, 9.9], [49.9, 9.9]]"
    (tmp_path / "areas.geojson").write_text(AREAS.replace(south, turned), encoding="utf-8")
    (fault,) = faults(path, "areas.geojson")
    assert "exchanged: south" in fault
    assert EXCHANGE in fault


def test_tips_with_exchanged_degrees(tmp_path: Path) -> None:
    path = write_scenario(
        tmp_path, SCENARIO.replace("[evaders]", '[records]\ntips = "tips.csv"\n\n[evaders]')
    )
    (tmp_path / "tips.csv").write_text(TIPS, encoding="utf-8")
    (fault,) = faults(path, "tips.csv")
    assert "2 of 2 tips" in fault
    assert EXCHANGE in fault


def test_a_latitude_beyond_the_poles_may_be_a_longitude() -> None:
    site = {"id": "a", "lon": 26.2, "lat": -98.2}
    with pytest.raises(InputError, match="Exchange lon and lat"):
        validated(SiteModel, site, "site")
    with pytest.raises(InputError) as refused:
        validated(SiteModel, site | {"lat": 2911403.0}, "site")
    assert "Exchange" not in str(refused.value)


def test_the_tiny_scenario_has_no_fault(tmp_path: Path) -> None:
    """So that each fault above is of what was exchanged."""
    path = write_scenario(tmp_path)
    assert read_content(path)
    assert not check_scenario(path).problems
