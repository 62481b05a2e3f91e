"""Parana 2024: the facts as shipped, the network and the plan that they make, and the
Poisson model of finds that is fitted to them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from scipy.optimize import minimize

from instances import build_scenario as build
from instances import take_roads
from instances.borders import read_border
from optimizer.pipeline import check_scenario_file, plan_scenario
from optimizer.region import Region
from tests.border_cases import assert_made_of_facts, assert_numbers_have_their_length, ways_between
from tests.command import Outcome
from tests.output_cases import csv_rows
from tests.shared_data import DATA, needs
from tests.standin import EAST, NORTH, SOUTH, WEST, sample_world

HERE = Path(__file__).parents[1] / "instances" / "foz-do-iguacu"


BORDER = read_border(HERE)


def script(name: str) -> Any:
    """Return a script of the instance as a module."""
    return import_module(f"instances.foz-do-iguacu.{name}")


@pytest.fixture(scope="module")
def fit() -> Any:
    return script("fit")


@pytest.fixture(scope="module")
def region() -> Region:
    return build.region_of(HERE)


def test_committed_files_are_what_the_tables_build() -> None:
    assert_made_of_facts(build.build(build.read_facts(BORDER)), HERE)


def test_areas_accesses_and_finds_are_those_of_the_towns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    towns = script("take_towns")
    shutil.copytree(BORDER.facts, tmp_path / "facts")
    monkeypatch.setattr(towns, "FACTS", tmp_path / "facts")
    towns.main()
    for name in ("areas.geojson", "more_roads.csv", "seizures.csv"):
        assert (tmp_path / "facts" / name).read_bytes() == (BORDER.facts / name).read_bytes(), name


def test_points_at_one_place_join_roads_and_shared_pieces_bear_both_numbers(tmp_path: Path) -> None:
    def road(path: str, *points: tuple[str, float, float]) -> None:
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            "".join(f"{name} http://x/?lat={lat}&lon={lon}\n" for name, lat, lon in points)
        )

    fork, end = ("BR376", -25.0, -53.0), ("+X1", -25.0, -52.9)
    road("brabr/brapr.br277.wpt", ("BRA/PRY", -25.0, -53.2), fork, end)
    road(
        "brabr/brapr.br376.wpt",
        ("BR277", -25.0, -53.0),
        ("BR277_E", -25.0, -52.9),
        ("x", -24.9, -52.9),
    )
    road("prypy/pry.py02.wpt", ("x", -25.0, -53.4), ("PRY/BRA", -25.0, -53.2))
    script("take_points").main(tmp_path)
    source = take_roads.read_source(tmp_path, BORDER.roads)
    assert {source.place[point] for point in source.border} == {(-53.2, -25.0)}
    stretches = take_roads.stretches_of(source, BORDER.roads.shorter)
    assert sorted((stretch.edge.state, stretch.edge.numbers) for stretch in stretches) == [
        ("PR", ("BR-277",)),
        ("PR", ("BR-277", "BR-376")),
        ("PR", ("BR-376",)),
        ("PRY", ("PY-02",)),
    ]
    east = 111.195 * np.cos(np.radians(25))
    assert sorted(stretch.km for stretch in stretches) == pytest.approx(
        [0.1 * east, 0.1 * 111.195, 0.2 * east, 0.2 * east], rel=1e-3
    )


def test_a_file_of_another_name_or_without_a_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "brabr").mkdir()
    file = tmp_path / "brabr" / "brapr.br277.wpt"
    file.write_text("A nowhere\n")
    with pytest.raises(SystemExit, match="no place in 'A nowhere'"):
        script("take_points").main(tmp_path)
    file.rename(file.with_name("roads.wpt"))
    with pytest.raises(SystemExit, match=r"REGION\.ROAD\.wpt is expected"):
        script("take_points").main(tmp_path)


def test_every_road_number_has_its_length_in_the_network(region: Region) -> None:
    numbers = assert_numbers_have_their_length(region.network, csv_rows(BORDER.facts / "roads.csv"))
    assert numbers >= {"BR-277", "BR-163", "BR-369", "BR-376", "PY-02", "PY-07"}


def test_distances_drawn_from_the_roads_come_out_within_one_percent(region: Region) -> None:
    rows = csv_rows(BORDER.facts / "distances.csv")
    assert len(rows) == 30
    way = region.network.way
    numbered = (way >= build.FIRST_ROAD) | (
        way < build.FIRST_FORD
    )  # the source has no others, and goes over the bridge
    found = ways_between(region.network, [(row["from"], row["to"]) for row in rows], numbered)
    assert found == pytest.approx([float(row["km"]) for row in rows], rel=0.01)


def test_both_bridges_and_eight_stretches_of_water_are_the_gateways(region: Region) -> None:
    kinds = [gateway.kind for gateway in region.gateways]
    assert (kinds.count("port"), kinds.count("unofficial")) == (2, 8)


def test_the_scenario_has_no_fault_with_the_record_and_without(tmp_path: Path) -> None:
    checked = check_scenario_file(HERE / "scenario.toml")
    assert checked.ok
    assert any("[[records.seizures]]" in line for line in checked.missing)
    text = (HERE / "scenario.toml").read_text(encoding="utf-8")
    lines = text[text.index("# [[records.seizures]]") : text.index("[background]")]
    folder = shutil.copytree(HERE, tmp_path / "foz")
    (folder / "scenario.toml").write_text(
        text.replace(lines, lines.replace("# ", "")), encoding="utf-8"
    )
    with_record = check_scenario_file(folder / "scenario.toml")
    assert with_record.ok
    assert not any("[[records.seizures]]" in line for line in with_record.missing)
    assert any("No [[records.effort]]" in line for line in with_record.missing)


@pytest.mark.slow
def test_the_plan_holds_the_roads_from_both_bridges(tmp_path: Path) -> None:
    planned = plan_scenario(
        HERE / "scenario.toml", tmp_path / "plan", options={"gap": 0.01}, report=False
    )
    assert planned.result.status == "optimal"
    placed = {str(option).split(":")[0] for option in planned.plan.options}
    from_foz = {"br277-santa-terezinha", "br277-ceu-azul", "br277-cascavel"}
    from_guaira = {"br163-guaira", "br163-rondon", "br163-toledo", "br272-terra-roxa"}
    assert placed & from_foz
    assert placed & from_guaira


def test_facts_are_whole() -> None:
    rows, months = (
        csv_rows(HERE / "facts" / f"{name}.csv") for name in ("municipalities", "months")
    )
    assert (len(rows), len(months)) == (399, 12)
    for drug in ("cannabis", "cocaine", "crack"):
        of_places = sum(float(row[f"{drug}_kg"]) for row in rows)
        assert of_places == pytest.approx(sum(float(row[f"{drug}_kg"]) for row in months), abs=0.5)
        assert all(
            int(row[f"{drug}_large_months"]) <= int(row[f"{drug}_months"]) <= 12 for row in rows
        )
    assert all(
        -54.7 < float(row["lon"]) < -48 and -26.8 < float(row["lat"]) < -22.5 for row in rows
    )
    assert min(float(row["population"]) for row in rows) > 1000


def test_the_flow_leads_from_both_bridges_to_the_destinations(fit: Any) -> None:
    facts = fit.read_facts()
    share = dict(zip(facts.names, np.exp(facts.covariate["flow"]) - fit.LEAST_FLOW, strict=True))
    people = {
        row["name"]: float(row["population"]) for row in csv_rows(BORDER.facts / "destinations.csv")
    }
    assert share["CAMBARA"] == pytest.approx(
        people["Sao Paulo (BR-369)"] / sum(people.values()), abs=0.01
    )
    assert min(share["FOZ DO IGUACU"], share["GUAIRA"]) > 0.4
    assert share["ADRIANOPOLIS"] == pytest.approx(0, abs=1e-9)


def test_finds_are_more_where_people_are_many_and_a_crossing_near_and_scipy_agrees(
    fit: Any,
) -> None:
    facts = fit.read_facts()
    x, months = fit.design(facts, fit.MODELS["population, distance, flow"]), facts.large["cannabis"]
    made = fit.finds(x, months, 12)
    _, people, distance, flow = made.params
    assert people > 0 > distance
    assert flow > 0

    def loss(b: np.ndarray) -> float:
        rate = np.exp(np.clip(x @ b, -30, 30))
        return float(-(months * np.log(-np.expm1(-rate)) - (12 - months) * rate).sum())

    # the log likelihood at scipy's optimum is no better, and its gradient at ours is
    # none
    found = minimize(
        loss,
        np.asarray(made.params) * 0.9,
        method="Nelder-Mead",
        options={"maxiter": 4000, "fatol": 1e-9},
    )
    assert found.fun == pytest.approx(loss(np.asarray(made.params)), rel=1e-6)


@needs("brazil")
def test_facts_are_those_of_the_monthly_figures(fit: Any) -> None:
    facts = fit.read_facts()
    for drug in fit.DRUGS:
        kg = fit.monthly(DATA / "brazil", drug, facts.names)
        assert kg.sum(axis=1) == pytest.approx(facts.kg[drug], abs=0.001)
        assert ((kg >= fit.LARGE_KG[drug]).sum(axis=1) == facts.large[drug]).all()


@pytest.mark.slow
def test_an_extract_and_kilograms_without_effort_make_a_plan(
    tmp_path: Path, command: Callable[..., Outcome]
) -> None:
    """The steps of the instance's README, on a made-up extract: a polygon of one side,
    kilograms by area and month, no effort.
    """
    side = shapely.to_geojson(shapely.box(WEST, SOUTH, EAST, NORTH))
    outline = (
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name":'
        ' "FOZ"}, "geometry": %s}]}'
    )
    (tmp_path / "side.geojson").write_text(outline % side)
    extract = sample_world().save(tmp_path / "foz.osm")
    folder = tmp_path / "foz"
    assert (
        command("init", folder, "--file", extract, "--border", tmp_path / "side.geojson").code == 0
    )
    (folder / "kilograms.csv").write_text(
        "month,municipality,drug,kg\n2024-01,FOZ,cannabis,3000\n2024-02,FOZ,cannabis,4\n"
    )
    (folder / "municipalities.geojson").write_text(outline % side)
    table = re.search(
        r"   ```toml\n(.*?)   ```", (HERE / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert table is not None
    text = (folder / "scenario.toml").read_text(encoding="utf-8")
    text = text.replace("[region]", '[region]\nareas = "municipalities.geojson"', 1)
    text = text.replace(
        "[evaders]", f'{table[1]}\n[evaders]\nweights_by = "quantity"\nleast_quantity = "10 kg"', 1
    )
    (folder / "scenario.toml").write_text(text, encoding="utf-8")
    planned = command(
        "plan",
        folder / "scenario.toml",
        "--time-limit",
        "1",
        "--no-report",
        "--out",
        tmp_path / "out",
    )
    assert planned.code == 0, planned.err
    assert "No search effort was given" in planned.err
