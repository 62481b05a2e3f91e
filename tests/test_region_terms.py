"""Built-in numbers of a region: each can be replaced in the scenario, and those that were used are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline.check import check_scenario_file
from optimizer.region import RegionTerms, read_region, save_region
from optimizer.scenario.compile import compile_scenario
from tests.standin import sample_world
from tests.tiny import SCENARIO, tiny_region, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.region import Region


def built(folder: Path, **terms: Any) -> Region:
    return read_region(sample_world().save(folder / "world.osm"), modes=["drive", "track"], terms=RegionTerms(**terms))


def test_speeds_replace_the_built_in_ones_and_not_a_limit(tmp_path: Path) -> None:
    usual, changed = built(tmp_path).network, built(tmp_path, speed_kmh={"track": 30, "primary": 90}).network
    track = usual.road_class == "track"
    assert changed.time_s[track] == pytest.approx(usual.time_s[track] * 15 / 30)
    assert changed.time_s[~track] == pytest.approx(usual.time_s[~track])  # the primary road has a limit


def test_populations_and_distances_replace_the_built_in_ones(tmp_path: Path) -> None:
    def population(region: Region) -> dict[str, float]:
        return {place.name: place.population for place in region.settlements}

    assert population(built(tmp_path))["Outside"] == 10_000
    assert population(built(tmp_path, population={"town": 7.0}))["Outside"] == 7
    assert population(built(tmp_path, population={"town": 7.0}))["Middle"] == 1234
    assert not population(built(tmp_path, settlement_within_m=1.0))
    assert any(crossing.official for crossing in built(tmp_path).crossings)
    assert not any(crossing.official for crossing in built(tmp_path, official_within_m=1.0).crossings)


def test_a_saved_region_takes_no_numbers(tmp_path: Path) -> None:
    save_region(tiny_region(), tmp_path / "saved.gpkg")
    with pytest.raises(InputError, match="built already"):
        read_region(tmp_path / "saved.gpkg", terms=RegionTerms(speed_kmh={"track": 30}))


def test_exposures_replace_those_of_the_region(tmp_path: Path) -> None:
    text = SCENARIO.replace("[evaders]", '[evaders]\nexposure = { "west-port" = 0.0 }')
    origins = {gateway.id: gateway.exposure for gateway in compile_scenario(write_scenario(tmp_path, text)).gateways}
    assert origins == {"west-port": 0.0, "east-port": 1.0, "ford": 1.0}
    with pytest.raises(InputError, match="west-port"):
        compile_scenario(write_scenario(tmp_path, text.replace('"west-port" =', '"west-prt" =')))


def test_check_lists_the_numbers_that_stood_in(tmp_path: Path) -> None:
    sample_world().save(tmp_path / "world.osm")
    text = SCENARIO[: SCENARIO.index("[region]")] + '[region]\nfile = "world.osm"\nmodes = ["drive", "track"]\n'
    text += "speed_kmh = { track = 20 }\n"
    text += SCENARIO[SCENARIO.index("[[agencies]]") :].replace('file = "sites.csv"', 'roads = 2\nagency = "police"')
    (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
    checked = check_scenario_file(tmp_path / "scenario.toml")
    assert not checked.problems
    assumed = {item.what: item.value for item in checked.assumed}
    speeds = assumed["speed on roads without a limit of their own, km/h by class"]
    assert "residential 25" in speeds
    assert "track" not in speeds
    assert assumed["a crossing is official where a border control stands within"].startswith("500 m")
    assert any(what.startswith("exposure of") for what in assumed)
