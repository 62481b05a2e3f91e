"""Built-in numbers of a region: each can be replaced in the scenario, and those that were used are listed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline.check import check_scenario_file
from optimizer.region import RegionTerms, load_region, read_region, save_region
from optimizer.region.model import terms_of_text
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.demand.risk_model import MODELS
from tests.standin import sample_world
from tests.tiny import SCENARIO, tiny_region, write_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.region import Region
    from optimizer.scenario.check.assumptions import Assumption


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


def test_a_saved_region_lists_the_numbers_that_it_was_built_with(tmp_path: Path) -> None:
    def assumed(region: str) -> list[Assumption]:
        text = SCENARIO[: SCENARIO.index("[region]")] + f"[region]\n{region}\n"
        text += SCENARIO[SCENARIO.index("[[agencies]]") :].replace('file = "sites.csv"', 'roads = 2\nagency = "police"')
        (tmp_path / "scenario.toml").write_text(text, encoding="utf-8")
        checked = check_scenario_file(tmp_path / "scenario.toml")
        assert not checked.problems
        return list(checked.assumed)

    numbers: Any = {"speed_kmh": {"track": 20.0}, "official_within_m": 450.0}
    region = built(tmp_path, **numbers)
    save_region(region, tmp_path / "saved.gpkg")
    assert load_region(tmp_path / "saved.gpkg").terms == region.terms == RegionTerms(**numbers)
    source = 'file = "world.osm"\nmodes = ["drive", "track"]\nspeed_kmh = { track = 20 }\nofficial_within_m = 450'
    of_source = assumed(source)
    assert any(item.value.startswith("450 m") for item in of_source)
    assert assumed('network = "saved.gpkg"') == of_source
    save_region(replace(region, terms=None), tmp_path / "saved.gpkg")
    assert any(item.value.startswith("not known") for item in assumed('network = "saved.gpkg"'))


def test_modes_of_a_network_that_is_taken_whole_are_not_used(tmp_path: Path) -> None:
    save_region(tiny_region(), tmp_path / "network.gpkg")
    text = SCENARIO.replace("[region]", '[region]\nmodes = ["track"]')
    write_scenario(tmp_path, text)
    checked = check_scenario_file(tmp_path / "scenario.toml")
    assert "region.modes" in {item.what for item in checked.unused}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"speed_kmh": 3}', '{"official_within_m": "x"}', '{"other": 1}', "[" * 100_000]
)
def test_numbers_of_a_saved_region_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="Build the region again"):
        terms_of_text(text, "saved.gpkg, layer metadata, terms")


@pytest.mark.parametrize("model", list(MODELS))
def test_the_numbers_of_the_risk_model_are_assumptions_where_there_is_a_record(tmp_path: Path, model: str) -> None:
    def listed(text: str) -> list[str]:
        return [
            item.value
            for item in check_scenario_file(write_scenario(tmp_path, text)).assumed
            if item.what == f"numbers of the risk model '{model}'"
        ]

    (numbers,) = listed(f"{SCENARIO}\n[risk]\nmodel = '{model}'\n")
    assert any(mark.isdigit() for mark in numbers)
    no_record = re.sub(r"\[\[records\.\w+\]\]\n(?:[^\[\n].*\n)*", "", SCENARIO)
    assert listed(f"{no_record}\n[risk]\nmodel = '{model}'\n") == []
