"""Parana 2024: the facts as shipped, and the Poisson model of finds that is fitted to them."""

from __future__ import annotations

import csv
import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from scipy.optimize import minimize

from tests.shared_data import DATA, needs
from tests.standin import EAST, NORTH, SOUTH, WEST, sample_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.command import Outcome

HERE = Path(__file__).parents[1] / "instances" / "foz-do-iguacu"


@pytest.fixture(scope="module")
def fit() -> Any:
    spec = importlib.util.spec_from_file_location("foz_fit", HERE / "fit.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def test_facts_are_whole() -> None:
    with (HERE / "facts" / "municipalities.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (HERE / "facts" / "months.csv").open(encoding="utf-8") as file:
        months = list(csv.DictReader(file))
    assert (len(rows), len(months)) == (399, 12)
    for drug in ("cannabis", "cocaine", "crack"):
        of_places = sum(float(row[f"{drug}_kg"]) for row in rows)
        assert of_places == pytest.approx(sum(float(row[f"{drug}_kg"]) for row in months), abs=0.5)
        assert all(int(row[f"{drug}_large_months"]) <= int(row[f"{drug}_months"]) <= 12 for row in rows)
    assert all(-54.7 < float(row["lon"]) < -48 and -26.8 < float(row["lat"]) < -22.5 for row in rows)
    assert min(float(row["population"]) for row in rows) > 1000


def test_the_flow_leads_from_both_crossings_to_the_markets(fit: Any) -> None:
    facts = fit.read_facts()
    share = dict(zip(facts.names, np.exp(facts.covariate["flow"]) - fit.LEAST_FLOW, strict=True))
    assert share["CAMBARA"] == pytest.approx(44e6 / sum(fit.MARKETS.values()), abs=0.01)
    assert min(share["FOZ DO IGUACU"], share["GUAIRA"]) > 0.49
    assert share["ADRIANOPOLIS"] == pytest.approx(0, abs=1e-9)


def test_finds_are_more_where_people_are_many_and_a_crossing_near_and_scipy_agrees(fit: Any) -> None:
    facts = fit.read_facts()
    x, months = fit.design(facts, fit.MODELS["population, distance, flow"]), facts.large["cannabis"]
    made = fit.finds(x, months, 12)
    _, people, distance, flow = made.params
    assert people > 0 > distance
    assert flow > 0

    def loss(b: np.ndarray) -> float:
        rate = np.exp(np.clip(x @ b, -30, 30))
        return float(-(months * np.log(-np.expm1(-rate)) - (12 - months) * rate).sum())

    # the log likelihood at scipy's optimum is no better, and its gradient at ours is none
    found = minimize(
        loss, np.asarray(made.params) * 0.9, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-9}
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
def test_an_extract_and_kilograms_without_effort_make_a_plan(tmp_path: Path, command: Callable[..., Outcome]) -> None:
    """The steps of the instance's README, on a made-up extract: a polygon of one side, kilograms by area and month, no effort."""
    side = shapely.to_geojson(shapely.box(WEST, SOUTH, EAST, NORTH))
    outline = '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "FOZ"}, "geometry": %s}]}'
    (tmp_path / "side.geojson").write_text(outline % side)
    extract = sample_world().save(tmp_path / "foz.osm")
    folder = tmp_path / "foz"
    assert command("init", folder, "--file", extract, "--border", tmp_path / "side.geojson").code == 0
    (folder / "kilograms.csv").write_text(
        "month,municipality,drug,kg\n2024-01,FOZ,cannabis,3000\n2024-02,FOZ,cannabis,4\n"
    )
    (folder / "municipalities.geojson").write_text(outline % side)
    table = re.search(r"   ```toml\n(.*?)   ```", (HERE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert table is not None
    text = (folder / "scenario.toml").read_text(encoding="utf-8")
    text = text.replace("[region]", '[region]\nareas = "municipalities.geojson"', 1)
    text = text.replace("[evaders]", f'{table[1]}\n[evaders]\nweights_by = "quantity"\nleast_quantity = "10 kg"', 1)
    (folder / "scenario.toml").write_text(text, encoding="utf-8")
    planned = command("plan", folder / "scenario.toml", "--time-limit", "1", "--no-report", "--out", tmp_path / "out")
    assert planned.code == 0, planned.err
    assert "No search effort was given" in planned.err
