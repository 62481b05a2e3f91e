"""`risk alerts` and `risk look`: on the smaller scenario, whose records know areas
alone, and on a tiny one like it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer
from typer.testing import CliRunner

from optimizer.analysis.search_advice import alerts as risk_alerts
from optimizer.analysis.search_advice import search_advice
from optimizer.base.errors import InputError
from optimizer.cli.risk import alerts, look
from optimizer.report.geodata.files import write_csv, write_geojson
from optimizer.scenario.check import check
from optimizer.scenario.demand.stages import ScenarioEvidence
from tests.english import left_in
from tests.output_cases import csv_rows
from tests.tiny import write_areas_scenario

SCENARIO = Path("scenario.toml")
"""Read once, by `read`."""
APP = typer.Typer()
APP.command("alerts")(alerts)
APP.command("look")(look)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> ScenarioEvidence:
    return check.read_evidence(write_areas_scenario(tmp_path_factory.mktemp("areas")))


@pytest.fixture
def once(read: ScenarioEvidence, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (risk_alerts, search_advice):
        monkeypatch.setattr(module, "read_evidence", lambda _: read)


def run(*words: str) -> str:
    outcome = CliRunner().invoke(APP, [*words], env={"COLUMNS": "160"})
    if outcome.exception is not None:
        raise outcome.exception
    return outcome.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("once")
@pytest.mark.parametrize("language", ["es", "pt"])
def test_alerts_in_another_language_hold_no_english(tmp_path: Path, language: str) -> None:
    run("alerts", str(SCENARIO), "--by", "every", "--language", language, "--out", str(tmp_path))
    page, picture = (
        (tmp_path / name).read_text(encoding="utf-8") for name in ("alerts.html", "trends.svg")
    )
    assert left_in(page) == []
    for text in (page, picture):
        assert not re.search(r"everywhere|around|expected|\d to \d", text, re.IGNORECASE)
    assert {row["name"] for row in csv_rows(tmp_path / "trends.csv")} >= {"everywhere"}


@pytest.mark.slow
@pytest.mark.usefixtures("once")
def test_alerts_by_area_of_yearly_records(tmp_path: Path) -> None:
    said = run("alerts", str(SCENARIO), "--by", "area", "--out", str(tmp_path / "out"))
    assert "of 2 places stand" in said.splitlines()[0]
    assert ": alerts, 2024-01-01 to 2024-12-31</h1>" in (
        tmp_path / "out" / "alerts.html"
    ).read_text(encoding="utf-8")
    line = json.loads(run("alerts", str(SCENARIO), "--by", "area", "--json"))
    assert line["window"] == "2024-01-01 to 2024-12-31"
    assert line["judged"] == 2
    areas = {row["place"] for row in line["trends"]}
    assert areas == {"whole", *(row["place"] for row in csv_rows(tmp_path / "out" / "alerts.csv"))}
    assert len(csv_rows(tmp_path / "out" / "alerts.csv")) == 2
    assert {row["first"] for row in line["trends"] if row["window"] == "yes"} == {"2024-01-01"}
    yearly = [
        row for row in line["trends"] if row["place"] == "south" and row["first"] == "2023-01-01"
    ]
    assert yearly[0]["last"] == "2023-12-31"
    assert 0.5 < yearly[0]["ratio"] < 2
    features = json.loads((tmp_path / "out" / "alerts.geojson").read_text(encoding="utf-8"))[
        "features"
    ]
    assert {feature["geometry"]["type"] for feature in features} == {"MultiLineString"}
    assert ET.parse(tmp_path / "out" / "trends.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own file
    header = (tmp_path / "out" / "unrecorded.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "place,segment,first,last,found"


def test_alerts_by_crossing_say_that_areas_alone_are_known_and_people_get_a_table(
    tmp_path: Path,
) -> None:
    words = run("alerts", str(write_areas_scenario(tmp_path)), "--by", "crossing", "--memory", "24")
    said = " ".join(words.split())
    assert re.match(r"In \S+ to \S+ \d+ seizures were made in all, where [\d.]+ were", said)
    assert "Give rows of [[records.effort]] a point (lon, lat) or a segment" in said
    assert "test by area" in said
    assert "Everywhere, over time" in words


@pytest.mark.usefixtures("once")
def test_areas_are_judged_where_no_road_has_effort_of_its_own() -> None:
    said = " ".join(run("alerts", str(SCENARIO), "--memory", "24").split())
    assert re.match(r"In \S+ to \S+ \d of 2 places stand|No alert in .* none of 2 places", said)
    assert "No road has search effort of its own in the window, so that areas are judged." in said


@pytest.mark.parametrize(
    ("amount", "unit", "said"),
    [
        (0.114, "agent-years", "240 hours of work (0.114 agent-years)"),
        (2, "Officer days", "16 hours of work (2 Officer days)"),
        (10, "hours", "10 hours"),
        (3, "vehicles", "3 vehicles"),
        (12, "agent hours", "12 agent hours"),
    ],
)
def test_a_patrol_is_told_in_hours_of_work(amount: float, unit: str, said: str) -> None:
    assert search_advice.PatrolEffort(amount, unit).said.replace("\xa0", " ") == said


@pytest.mark.slow
def test_look_ranks_every_road_and_names_the_top(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    scenario = write_areas_scenario(tmp_path / "in")
    (tmp_path / "in" / "effort.csv").write_text(
        "time,area,amount\n2024,south,900\n", encoding="utf-8"
    )
    words = [
        "look",
        str(scenario),
        "--unit",
        "hours",
        "--effort",
        "10",
        "--top",
        "3",
        "--language",
        "es",
        "--out",
        str(tmp_path),
    ]
    said = run(*words[:-2])
    assert said.startswith("A patrol of 10")
    line = json.loads(run(*words, "--json"))
    assert (
        line["roads"][0]["road"].partition(" (")[0] in said
    )  # on the console by what it is near to, not by its number
    assert ": dónde revisar después</h1>" in (tmp_path / "look.html").read_text(encoding="utf-8")
    assert len(line["roads"]) == 3
    assert [row["look_rank"] for row in line["roads"]] == [1, 2, 3]
    table = csv_rows(tmp_path / "look.csv")
    assert len(table) == len(
        json.loads((tmp_path / "look.geojson").read_text(encoding="utf-8"))["features"]
    )
    assert {row["known"] for row in table} == {"searched", "unknown"}
    assert any(row["reason"].startswith("unknown: never searched") for row in table)


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("alerts", str(SCENARIO), "--since", "1999-01"), "no effort before it"),
        (("alerts", str(SCENARIO), "--since", "2030-01"), "Begin the window earlier"),
        (("alerts", str(SCENARIO), "--since", "spring"), "--since: found 'spring'; expected a day"),
        (("look", str(SCENARIO), "--effort", "-3"), "above 0"),
        (("look", str(SCENARIO), "--unit", "dogs"), "'dogs'"),
    ],
)
def test_input_that_cannot_be_used_gets_one_clear_message(
    words: tuple[str, ...], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        run(*words)


def test_a_cell_that_a_spreadsheet_would_run_is_made_text(tmp_path: Path) -> None:
    write_csv(
        tmp_path / "a.csv",
        [
            {"name": "=1+1", "found": -2.5, "segment": None},
            {"name": "@x", "found": 1.0, "segment": 4},
        ],
    )
    assert [row["name"] for row in csv_rows(tmp_path / "a.csv")] == ["'=1+1", "'@x"]
    assert [float(row["found"]) for row in csv_rows(tmp_path / "a.csv")] == [-2.5, 1.0]
    write_csv(tmp_path / "b.csv", [])
    assert csv_rows(tmp_path / "b.csv") == []


def test_geojson_refuses_what_is_no_number(tmp_path: Path, read: ScenarioEvidence) -> None:
    network = read.region.network
    with pytest.raises(ValueError, match="JSON"):
        write_geojson(tmp_path / "a.geojson", [{"q": float("nan")}], [network.lines[0]])
    assert not (tmp_path / "a.geojson").exists()


@pytest.mark.parametrize(
    "given",
    [
        ("--by", "every", "--fdr", "0.2"),
        ("--by", "every", "--any-dependence"),
        ("--false-a-year", "1"),
    ],
)
def test_a_rule_that_would_not_be_used_is_refused(given: tuple[str, ...]) -> None:
    refused = CliRunner().invoke(APP, ["alerts", "scenario.toml", *given])
    assert refused.exit_code == 2
    assert "--false-a-year" in refused.output
