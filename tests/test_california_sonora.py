"""California and Sonora: a second border by the scripts of the first, with counted
traffic, planned as it ships and from `init` alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from instances import backtest_areas, take_counts, take_roads
from instances import build_scenario as build
from instances.borders import read_border
from optimizer.pipeline import check_scenario_file, init_scenario, plan_scenario
from optimizer.records.traffic_counts import CountedRoads, read_traffic_counts
from optimizer.scenario.file.model import RegionModel
from tests.border_cases import assert_made_of_facts
from tests.output_cases import csv_rows
from tests.shared_data import DATA, needs

FOLDER = Path(__file__).parents[1] / "instances" / "california-sonora"
BORDER = read_border(FOLDER)


def table(name: str) -> list[dict[str, str]]:
    return csv_rows(BORDER.facts / f"{name}.csv")


def test_committed_files_are_what_the_tables_build() -> None:
    assert_made_of_facts(build.build(build.read_facts(BORDER)), FOLDER)


@needs("roads")
def test_roads_are_those_of_the_files(tmp_path: Path) -> None:
    source = take_roads.read_source(DATA / "roads", BORDER.roads)
    take_roads.widen(source, take_roads.read_rows(BORDER.facts / "wider_roads.csv"))
    take_roads.write_tables(source, take_roads.stretches_of(source, BORDER.roads.shorter), tmp_path)
    for name in ("junctions.csv", "roads.csv"):
        assert (tmp_path / name).read_bytes() == (BORDER.facts / name).read_bytes(), name


@pytest.mark.slow
@needs("cbp")
@needs("border-patrol")
def test_counts_are_those_of_the_agencies_tables(tmp_path: Path) -> None:
    shutil.copy(BORDER.facts / "ports.csv", tmp_path)
    take_counts.write_counts(BORDER.counts, DATA, tmp_path)
    for name in (
        "exposure",
        "exposure_months",
        "port_years",
        "agents",
        "sector_years",
        "effort",
        "seizures",
    ):
        assert (tmp_path / f"{name}.csv").read_bytes() == (
            BORDER.facts / f"{name}.csv"
        ).read_bytes(), name


def test_nine_tenths_of_californias_state_routes_have_a_count() -> None:
    network = build.region_of(FOLDER).network
    first = build.FIRST_ROAD - 1
    ours = {
        first + int(row["id"])
        for row in table("roads")
        if row["state"] == "CA"
        and any(n[:2] in {"I-", "US", "CA"} and "Hist" not in n for n in row["numbers"].split(";"))
    }
    mine = np.isin(network.way[network.segment_arc], list(ours))
    counted = np.isfinite(
        CountedRoads(read_traffic_counts(BORDER.facts / "traffic.csv"), network, 30.0).of_segments
    )
    length = network.length_m[network.segment_arc]
    assert length[mine].sum() > 4e6
    assert length[mine & counted].sum() / length[mine].sum() >= 0.9


@pytest.mark.slow
def test_the_plan_is_proven_and_stands_on_the_roads_to_los_angeles_and_indio(
    tmp_path: Path,
) -> None:
    planned = plan_scenario(
        FOLDER / "scenario.toml", tmp_path / "plan", options={"gap": 0.01}, report=False
    )
    assert planned.result.status == "optimal"
    placed = {str(option).split(":")[0] for option in planned.plan.options}
    for one_of in ({"i5-san-clemente"}, {"i15-temecula", "i15-escondido"}, {"sr111-niland"}):
        assert placed & one_of, one_of


def test_init_alone_makes_a_scenario_of_the_extract(tmp_path: Path) -> None:
    source = RegionModel(
        file=FOLDER / "roads.osm.gz",
        border=str(FOLDER / "border.geojson"),
        modes=["drive", "service", "track", "foot"],
    )
    written = init_scenario(source, tmp_path / "first")
    text = written.scenario.read_text(encoding="utf-8")
    counts = BORDER.facts / "traffic.csv"
    written.scenario.write_text(
        text.replace(
            "\n[traffic.by_class]", f'\n[traffic]\ncounts = "{counts}"\n\n[traffic.by_class]'
        ),
        encoding="utf-8",
    )
    checked = check_scenario_file(written.scenario)
    assert checked.ok
    assert len(written.region.gateways) == len(table("ports")) + len(table("reaches"))


def test_the_back_test_of_areas_finds_the_law_that_made_the_years() -> None:
    rng = np.random.default_rng(0)
    flow, agents = rng.uniform(1, 9, (5, 4)), rng.uniform(1, 9, (5, 4))
    made = backtest_areas.SectorYears(
        3 * flow**1.5 * agents**0.5, agents, entering=agents, flow=flow
    )
    errors = backtest_areas.errors_of(made)
    assert np.exp(errors["persistence"][0]) == pytest.approx(
        np.maximum(made.pounds[1] / made.pounds[0], made.pounds[0] / made.pounds[1])
    )
    # x is the law itself, the level is that of the year before
    law = backtest_areas.levelled(made.pounds, made.pounds)
    assert law == pytest.approx(made.pounds[1:])
    assert errors["fitted flow and effort"] == pytest.approx(0, abs=1e-9)
    assert backtest_areas.interval(np.full(4, 0.25)) == (0.25, 0.25)
