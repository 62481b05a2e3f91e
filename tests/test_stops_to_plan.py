"""Files of one row a stop, from import to backtest and plan; nothing about people, and
no claim where the record makes none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from optimizer.scenario.compile.compile import compile_scenario
from tests.command import Outcome
from tests.tiny import PLACES, ROADS, SCENARIO, write_scenario

CANARY = "Xq7-person"
HEADER = (
    "raw_row_number,date,time,location,lat,lng,subject_age,subject_race,subject_sex,subject_last_name,officer_id_hash,type,"
    "search_conducted,contraband_found,search_basis"
)
IMPORT = [
    "--date",
    "date",
    "--lon",
    "lng",
    "--lat",
    "lat",
    "--searched",
    "search_conducted",
    "--outcome",
    "contraband_found",
]
RISKY = ("junction", "east-town", "secondary")


def write_stops(path: Path, *, shuffled: bool, stops: int = 1500) -> int:
    """Write stops on the tiny border's roads, half of them searches; one road finds ten
    times what others do. Return the searches.
    """
    rng = np.random.default_rng(5)
    road = rng.integers(len(ROADS), size=stops)
    searched = rng.random(stops) < 0.5
    chance = np.array([0.6 if one == RISKY else 0.06 for one in ROADS])[road]
    found = searched & (rng.random(stops) < chance)
    if shuffled:
        found[searched] = rng.permutation(found[searched])
    lines = [HEADER]
    for number in range(stops):
        (x, y), (u, v) = (PLACES[name] for name in ROADS[road[number]][:2])
        at = rng.uniform(0.2, 0.8)
        place = f"{y + at * (v - y):.5f},{x + at * (u - x):.5f}"
        outcome = str(bool(found[number])).upper() if searched[number] else "NA"
        lines.append(
            f"{number},2024-{1 + number % 12:02d}-{1 + number % 28:02d},10:00:00,somewhere,{place},33,{CANARY},NA,{CANARY},{CANARY},vehicular,"
            f"{str(bool(searched[number])).upper()},{outcome},NA"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(searched.sum())


def planned(
    command: Callable[..., Outcome], folder: Path, *, shuffled: bool, report: bool
) -> tuple[str, Path]:
    """Import stops, put the records into the tiny scenario and plan; return what the
    console said and the plan's folder.
    """
    searches = write_stops(folder / "stops.csv", shuffled=shuffled)
    records = folder / "records"
    done = command(
        "import",
        "csv",
        *IMPORT,
        folder / "stops.csv",
        "--source-column",
        "type",
        "--out",
        records,
        "--json",
    )
    assert done.code == 0, done.err
    told = json.loads(done.out.splitlines()[-1])
    assert told["dropped"] == {"stop without a search": 1500 - searches}
    path = write_scenario(folder)
    start, end = SCENARIO.index("[[records.seizures]]"), SCENARIO.index("[evaders]")
    entries = (records / "records.toml").read_text(encoding="utf-8")
    for name in ("seizures.csv", "effort.csv"):
        (folder / name).write_bytes((records / name).read_bytes())
    path.write_text(SCENARIO[:start] + entries + SCENARIO[end:], encoding="utf-8")
    more = [] if report else ["--no-report"]
    plan = command(
        "plan", path, "--out", folder / "out", "--json", "--gap", "0.1", "--time-limit", "30", *more
    )
    assert plan.code == 0, plan.err
    return plan.err.replace("\xa0", " "), folder / "out"


def evader_weights(folder: Path) -> dict[str, list[float]]:
    """Return the weights of the plan's evaders, by the record and by gravity alone."""
    path, said = folder / "scenario.toml", {"evaders.weights": "gravity"}
    compiled = {"record": compile_scenario(path), "gravity": compile_scenario(path, settings=said)}
    return {
        name: sorted(evader.weight for evader in one.instance.evaders)
        for name, one in compiled.items()
    }


@pytest.mark.slow
def test_stops_become_records_a_backtest_and_a_plan(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    said, out = planned(command, tmp_path, shuffled=False, report=False)
    assert "does not tell places apart" not in said
    assert len(set(map(str, evader_weights(tmp_path).values()))) == 2
    backtest = command(
        "risk",
        "backtest",
        tmp_path / "records",
        "--period",
        "quarter",
        "--out",
        tmp_path / "backtest",
        "--json",
    )
    assert backtest.code == 0, backtest.err
    for file in [
        *(tmp_path / "records").iterdir(),
        *out.rglob("*"),
        *(tmp_path / "backtest").iterdir(),
    ]:
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file


@pytest.mark.slow
@pytest.mark.report
def test_a_shuffled_record_says_nothing_of_where_and_the_plan_says_so(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    said, out = planned(command, tmp_path, shuffled=True, report=True)
    for text in (said, (out / "report.html").read_text(encoding="utf-8").replace("\xa0", " ")):
        assert "does not tell places apart" in text
        assert "no spatial signal" in text
    of = evader_weights(tmp_path)
    np.testing.assert_allclose(of["record"], of["gravity"])
