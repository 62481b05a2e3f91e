"""`simulate`: the files are the truth and the history that were made, and the program's
own readers read them back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.base.errors import InputError
from optimizer.cli.simulate import simulate
from optimizer.lab.simulate import (
    Exercise,
    make_exercise,
    read_changes,
    read_ground,
    write_exercise,
)
from optimizer.records import Effort, Seizures
from optimizer.risk.simulation.observation import FIRST_MONTH
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import compile_scenario
from tests.output_cases import csv_rows, output_folder
from tests.study_cases import save_small_region, small_region
from tests.tiny import write_scenario

pytestmark = pytest.mark.lab


def by_month(
    records: Seizures | Effort, amount: NDArray[np.float64], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    assert (records.segment >= 0).all()
    table = np.zeros(shape)
    months = (records.start.astype("datetime64[M]") - FIRST_MONTH).astype(int)
    np.testing.assert_array_equal(
        records.end.astype("datetime64[M]") - records.start.astype("datetime64[M]"), 1
    )
    np.add.at(table, (months, records.segment), amount)
    return table


def made(folder: Path, **asked: Any) -> Exercise:
    ground = read_ground(save_small_region(folder))
    terms: dict[str, Any] = {
        "world": "mixed",
        "effort": "tips",
        "seizures": 300,
        "months": 6,
        "seed": 1,
    } | asked
    return make_exercise(ground, **terms)


def test_the_files_read_back_are_the_history_that_was_made(tmp_path: Path) -> None:
    exercise = made(tmp_path)
    write_exercise(output_folder(tmp_path / "out"), exercise)
    evidence = read_evidence(tmp_path / "out" / "scenario.toml")
    assert evidence.records is not None
    assert evidence.effort is not None
    history = exercise.history
    assert history.tipped.sum() > 0
    np.testing.assert_array_equal(
        by_month(evidence.records, evidence.records.count, history.found.shape), history.found
    )
    np.testing.assert_array_equal(
        by_month(evidence.effort, evidence.effort.amount, history.effort.shape), history.effort
    )
    assert evidence.effort.unit == ("searches",)
    assert evidence.records.unused == evidence.effort.unused == ()
    np.testing.assert_allclose(evidence.demand.prior().weight, exercise.ground.prior.weight)
    truth = csv_rows(tmp_path / "out" / "truth.csv")
    np.testing.assert_array_equal([float(row["index"]) for row in truth], exercise.world.rate)
    np.testing.assert_allclose(
        [float(row["finds_per_search"]) for row in truth], exercise.per_search * exercise.world.rate
    )
    middle = evidence.region.network.segment_midpoint
    np.testing.assert_allclose(
        [(float(row["lon"]), float(row["lat"])) for row in truth], middle, atol=1e-6
    )


def test_one_seed_makes_one_truth_whatever_the_effort(tmp_path: Path) -> None:
    first, same, other = made(tmp_path), made(tmp_path, effort="uniform"), made(tmp_path, seed=2)
    np.testing.assert_array_equal(first.world.rate, same.world.rate)
    assert (first.history.effort != same.history.effort).any()
    assert (first.world.rate != other.world.rate).any()
    np.testing.assert_array_equal(first.history.found, made(tmp_path).history.found)


def command(capsys: pytest.CaptureFixture[str], source: Path, out: Path, **asked: Any) -> str:
    terms: dict[str, Any] = {"seizures": 300, "months": 6, "out": out, "as_json": True} | asked
    simulate(source, **terms)
    return capsys.readouterr().out


def test_the_command_says_in_one_line_what_the_files_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = json.loads(
        command(
            capsys,
            save_small_region(tmp_path),
            tmp_path / "out",
            world="flows",
            effort="uniform",
            change=["port-0:2023-03:0", "12:2023-05:7"],
        )
    )
    found, searched = (
        csv_rows(tmp_path / "out" / "seizures.csv"),
        csv_rows(tmp_path / "out" / "effort.csv"),
    )
    assert said["seizures"] == sum(int(row["count"]) for row in found)
    assert said["searches"] == sum(int(row["searches"]) for row in searched) == 6 * 350
    assert said["segments_searched"] == len({row["segment"] for row in searched})
    assert said["changes"] == 2
    changes = csv_rows(tmp_path / "out" / "changes.csv")
    network = small_region().network
    at_port = set(network.segment[(network.tail == 0) | (network.head == 0)].tolist())
    assert {int(row["segment"]) for row in changes if row["from"] == "2023-03"} == at_port
    assert [(row["segment"], row["factor"]) for row in changes if row["from"] == "2023-05"] == [
        ("12", "7")
    ]
    assert not [row for row in found if int(row["segment"]) in at_port and row["time"] >= "2023-03"]
    command(capsys, tmp_path / "small.gpkg", tmp_path / "out")
    assert not (tmp_path / "out" / "changes.csv").exists()


def test_a_scenario_keeps_its_evaders_and_loses_its_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_scenario(tmp_path)
    command(capsys, source, tmp_path / "out")
    before, after = read_evidence(source), read_evidence(tmp_path / "out" / "scenario.toml")
    assert after.demand.terms.model_copy(update={"unreachable": "error"}) == before.demand.terms
    np.testing.assert_allclose(after.demand.prior().weight, before.demand.prior().weight)
    assert after.records is not None
    assert after.records.source_name == ("simulated",)


def test_the_scenario_of_an_exercise_can_be_planned(tmp_path: Path) -> None:
    write_exercise(output_folder(tmp_path / "out"), made(tmp_path))
    compiled = compile_scenario(tmp_path / "out" / "scenario.toml")
    assert compiled.risk is not None
    assert compiled.instance.options


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("12", "PLACE:FROM:FACTOR"),
        ("9999:2023-02:3", "a segment, 0 to"),
        ("nowhere:2023-02:3", "id of a gateway"),
        ("2.9,10.0:2023-02:3", "from the nearest road"),
        ("nan,nan:2023-02:3", "longitude first"),
        ("42.5,190:2023-02:3", "longitude first"),
        ("42.5,1.5:2023-02:3", "Exchange lon and lat"),
        ("12:2023-13:3", "a month of the record"),
        ("12:2022-12:3", "2023-01 to 2023-06"),
        ("12:2023-02:many", "a factor"),
        ("12:2023-02:-1", "a factor"),
        ("12:2023-02:nan", "a factor"),
    ],
)
def test_a_change_that_cannot_be_understood_is_said(word: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        read_changes([word], small_region(), 6)


def test_all_faults_of_changes_are_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        read_changes(["12", "9999:2023-02:3"], small_region(), 6)
    assert len(caught.value.problems) == 2


def test_a_point_stands_for_the_nearest_segment() -> None:
    region = small_region()
    lon, lat = region.network.segment_midpoint[20]
    (change,) = read_changes([f"{lon},{lat}:2023-04:2"], region, 6)
    assert (change.segments.tolist(), change.month, change.factor) == ([20], 3, 2.0)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "roads.shp"
    path.write_text("")
    with pytest.raises(InputError, match=r"\.gpkg"):
        read_ground(path)
    with pytest.raises(InputError, match="no such file"):
        read_ground(tmp_path / "none.gpkg")
