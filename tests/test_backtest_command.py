"""`risk backtest`: what it reads, refuses, writes and prints; and a look at real searches."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from optimizer.base.errors import InputError
from optimizer.cli.risk import backtest
from optimizer.lab.backtest import forces as forces_module
from optimizer.lab.backtest.forces import MODELS, ForecastTask, backtest_forces, same_everywhere
from optimizer.lab.backtest.run import write_backtest
from optimizer.lab.backtest.scenario import backtest_scenario, cells_of_rows
from optimizer.lab.backtest.searches import read_searches
from optimizer.lab.backtest.statistics import permutation_p
from optimizer.records.importers.frames import write_import
from optimizer.records.importers.stop_search import import_stop_search
from tests.output_cases import csv_rows, output_folder
from tests.risk_cases import effort_of, line_network, records_of
from tests.shared_data import DATA, needs
from tests.tiny import SCENARIO, write_scenario

pytestmark = pytest.mark.lab

REAL = DATA / "stop-search"
HEADER = "time,lon,lat,source,group,size,weight,found"


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resample and shuffle a little only: what is tested here is not the figures."""
    monkeypatch.setattr("optimizer.lab.backtest.engine.resamples", _few_resamples)
    monkeypatch.setattr(
        "optimizer.lab.backtest.forces.permutation_p", partial(permutation_p, shuffles=99)
    )


def _few_resamples(n_cells: int, rng: np.random.Generator) -> np.ndarray:
    return rng.multinomial(n_cells, np.full(n_cells, 1 / n_cells), size=50)


def lines(
    seed: int = 1,
    source: str = "essex",
    months: tuple[str, ...] = ("2020-01", "2020-02", "2020-03"),
) -> list[str]:
    """Return rows of searches at twelve points, of which some find more than others."""
    rng = np.random.default_rng(seed)
    out = []
    for number in range(60 * len(months)):
        point = int(rng.integers(0, 12))
        found = int(rng.random() < 0.1 + 0.05 * point)
        out.append(
            f"{months[number // 60]},{0.1 + 0.01 * point:.2f},51.5,{source},{number},1,1.0,{found}"
        )
    return out


def write(folder: Path, rows: list[str], header: str = HEADER) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "searches.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(backtest)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_folder_is_written_and_a_table_printed(tmp_path: Path) -> None:
    write(tmp_path, [*lines(), *lines(2, "kent")])
    done = run(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "essex" in done.stdout
    assert "kent: 2020-03" in done.stderr  # progress is told, not to those who read standard output
    assert "kent: 2020-03" not in done.stdout
    content = json.loads((tmp_path / "out" / "backtest.json").read_text())
    assert [one["name"] for one in content["judged"]] == ["essex", "kent"]
    assert [one["label"] for one in content["judged"][0]["periods"]] == ["2020-02", "2020-03"]
    page = (tmp_path / "out" / "backtest.md").read_text()
    assert "| essex | field |" in page
    assert "](calibration.png)" in page
    assert (tmp_path / "out" / "calibration.png").read_bytes().startswith(b"\x89PNG")
    rows = csv_rows(tmp_path / "out" / "backtest.csv")
    assert len(rows) == 2 * 3 * (1 + 2)  # forces, models, and all periods with each
    total = next(
        row
        for row in rows
        if row["force"] == "kent" and row["model"] == "field" and row["period"] == "all"
    )
    assert float(total["gain_mnats"]) == pytest.approx(
        content["judged"][1]["gain"]["field"]["value"]
    )
    assert float(total["searches"]) == 120


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, lines())
    done = run(tmp_path / "searches.csv", "--json", "--period", "month")
    content = json.loads(done.stdout)
    assert done.stderr == ""
    assert content["out"] is None
    assert set(content["judged"][0]["gain"]) == {"field", "points", "squares"}
    assert len(done.stdout.splitlines()) == 1


def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    write(tmp_path, lines())
    assert (
        run(tmp_path, "--json", "--seed", 3).stdout == run(tmp_path, "--json", "--seed", 3).stdout
    )


def test_rows_out_of_order_give_the_same_figures(tmp_path: Path) -> None:
    rows = lines()
    write(tmp_path / "a", rows)
    write(tmp_path / "b", [rows[k] for k in np.random.default_rng(5).permutation(len(rows))])
    (one,), _ = read_searches([tmp_path / "a"])
    (two,), _ = read_searches([tmp_path / "b"])
    first, second = (backtest_forces([force]).judged[0] for force in (one, two))
    assert first.gain["field"].value == pytest.approx(second.gain["field"].value, rel=1e-6)
    assert first.gain["points"].value == pytest.approx(second.gain["points"].value, rel=1e-6)


def test_names_that_a_spreadsheet_would_run_are_made_safe(tmp_path: Path) -> None:
    write(tmp_path, lines(source="=cmd|' /C calc'!A0"))
    forces, _ = read_searches([tmp_path])
    write_backtest(output_folder(tmp_path / "out"), backtest_forces(forces))
    rows = csv_rows(tmp_path / "out" / "backtest.csv")
    assert {row["force"][:2] for row in rows} == {"'="}
    assert "\\|" in (tmp_path / "out" / "backtest.md").read_text()  # and no bar breaks a table


def faults(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_searches([path])
    return str(caught.value)


def test_a_file_without_outcomes_is_refused(tmp_path: Path) -> None:
    said = faults(
        write(tmp_path, ["2020-01,0.1,51.5,essex,1,1.0"], "time,lon,lat,source,group,weight")
    )
    assert "no column 'found'" in said
    assert len(said.splitlines()) == 1


def test_a_file_as_the_police_publish_it_is_to_be_imported_first(tmp_path: Path) -> None:
    said = faults(write(tmp_path, ["a,b"], "Date,Outcome linked to object of search"))
    assert "Import it first" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("2020-13,0.1,51.5,essex,1,1,1.0,0", "2020-01 or 2020-01-31"),
        ("2020-01,0.1,51.5,essex,1,1,0,1", "a find needs one"),  # a find without effort
        ("2020-01,0.1,51.5,essex,1,1,1.0,2", "from 0 to 1"),
        ("2020-01,0.1,51.5,essex,1,1,1.0,", "found ''"),
        ("2020-01,0.1,91,essex,1,1,1.0,0", "from -90 to 90"),
        ("2020-01,0.1,51.5,,1,1,1.0,0", "name of the force"),
        ("2020-01,0.1,51.5,essex,1,1,-1,0", "from 0 to 1"),
    ],
)
def test_a_cell_that_cannot_be_understood_is_told_with_its_line(
    tmp_path: Path, row: str, word: str
) -> None:
    said = faults(write(tmp_path, [*lines(), row]))
    assert word in said
    assert "line 182" in said
    assert len(said.splitlines()) == 1


def test_one_month_in_two_files_is_refused(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, lines()) for name in ("a", "b")]
    with pytest.raises(
        InputError, match="3 months of a force in several files, such as 2020-01 of essex"
    ):
        read_searches(paths)


def test_two_files_of_different_months_are_one_record(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a", lines(months=("2020-01",))),
        write(tmp_path / "b", lines(2, months=("2020-02",))),
    ]
    (force,), _ = read_searches(paths)
    assert len(force) == 120
    assert np.unique(force.group).size == 120  # number 1 of one file is not number 1 of the other
    assert len(backtest_forces([force]).judged[0].periods) == 1


def test_one_month_alone_gets_one_message(tmp_path: Path) -> None:
    write(tmp_path, lines(months=("2020-01",)))
    done = run(tmp_path)
    assert isinstance(done.exception, InputError)
    assert len(str(done.exception).splitlines()) == 1
    assert "all searches lie in one month (2020-01)" in str(done.exception)


def test_a_year_of_one_quarter_is_too_little_for_quarters(tmp_path: Path) -> None:
    write(tmp_path, lines())
    done = run(tmp_path, "--period", "quarter")
    assert "all searches lie in one quarter (2020-01 to 2020-03)" in str(done.exception)


def test_a_force_without_finds_is_left_out_and_the_others_judged(tmp_path: Path) -> None:
    nothing = [line[:-1] + "0" for line in lines(2, "kent")]
    write(tmp_path, [*lines(), *nothing])
    content = json.loads(run(tmp_path, "--json").stdout)
    assert [one["name"] for one in content["judged"]] == ["essex"]
    assert content["excluded"] == [
        {
            "force": "kent",
            "reason": (
                "none of 180 searches found anything: there is no rate, and nothing to tell places"
                " apart"
            ),
        }
    ]


def test_a_period_without_finds_before_it_is_still_judged(tmp_path: Path) -> None:
    rows = [line[:-1] + "0" if line.startswith("2020-01") else line for line in lines()]
    (force,), _ = read_searches([write(tmp_path, rows)])
    judged = backtest_forces([force]).judged[0]
    assert judged.periods[0].chance == pytest.approx(0.5 / 60)
    assert all(np.isfinite(gain.value) for gain in judged.gain.values())


def test_forces_that_the_import_left_out_are_named(tmp_path: Path) -> None:
    write(tmp_path, lines())
    summary = {
        "dropped": {
            "no date": 3,
            "outcome not filled in, leicestershire": 445,
            "outcome unknown, essex": 2,
        }
    }
    (tmp_path / "import.json").write_text(json.dumps(summary))
    _, excluded = read_searches([tmp_path])
    assert [(one.force, one.reason) for one in excluded] == [
        ("leicestershire", "outcome not filled in: the import left out its 445 searches")
    ]
    assert "leicestershire: outcome not filled in" in run(tmp_path).stdout


def test_ctrl_c_keeps_the_periods_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, [*lines(), *lines(2, "kent")])
    calls = 0

    def interrupted(task: ForecastTask) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return same_everywhere(task)

    monkeypatch.setattr(forces_module, "MODELS", MODELS | {"field": interrupted})
    done = run(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "Periods scored and kept: 1." in done.stderr
    content = json.loads((tmp_path / "out" / "backtest.json").read_text())
    assert content["interrupted"]
    assert [one["label"] for one in content["judged"][0]["periods"]] == ["2020-02"]
    assert "Interrupted" in (tmp_path / "out" / "backtest.md").read_text()


def test_ctrl_c_before_anything_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, lines())

    def interrupted(_: ForecastTask) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(forces_module, "MODELS", MODELS | {"field": interrupted})
    done = run(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 3
    assert not (tmp_path / "out").exists()


EVERY_MONTH = [f"2024-{month:02}" for month in range(1, 4)]


def scenario(folder: Path, seizures: list[str], effort: list[str], text: str = SCENARIO) -> Path:
    path = write_scenario(folder, text)
    (folder / "seizures.csv").write_text("\n".join(["time,lon,lat,area,count", *seizures]) + "\n")
    (folder / "effort.csv").write_text("\n".join(["time,lon,lat,area,amount", *effort]) + "\n")
    return path


def test_a_scenario_with_records_on_roads_is_judged(tmp_path: Path) -> None:
    effort = [f"{month},{lon},50.05,,{30}" for month in EVERY_MONTH for lon in (10.0, 10.2, 10.4)]
    seizures = [f"{month},10.0,50.05,,4" for month in EVERY_MONTH] + [
        "2024-03,10.4,50.05,,1",
        "2024-02,10.1,50.1,,2",
    ]
    done = backtest_scenario(scenario(tmp_path, seizures, effort))
    judged = done.judged[0]
    assert judged.outcome == "find"
    assert [one.label for one in judged.periods] == EVERY_MONTH[1:]
    assert judged.gain["field-flow"].value > 0  # one road finds everything, again and again
    assert judged.gain["counts-over-effort"].value > 0
    assert judged.finds == 13  # what lies where nobody searched is left out ...
    # ... and told
    assert any("2 later seizures have no effort" in remark for remark in judged.remarks)
    assert judged.hot_spots is not None
    write_backtest(output_folder(tmp_path / "out"), done)
    assert (tmp_path / "out" / "calibration.png").is_file()


def test_the_score_of_counts_equals_a_hand_computation(tmp_path: Path) -> None:
    effort = [
        f"{month},{lon},50.05,,{amount}"
        for month in EVERY_MONTH[:2]
        for lon, amount in ((10.0, 9), (10.4, 3))
    ]
    seizures = ["2024-01,10.0,50.05,,3", "2024-01,10.4,50.05,,1", "2024-02,10.0,50.05,,2"]
    judged = backtest_scenario(scenario(tmp_path, seizures, effort)).judged[0]
    rate = 4 / 12
    by_hand = 2 * np.log(9 * rate) - 12 * rate - np.log(2)
    posterior = {0: (0.5 + 3, 0.5 + 9 * rate), 1: (0.5 + 1, 0.5 + 3 * rate)}
    told = 0.0
    for place, (count, amount) in {0: (2, 9), 1: (0, 3)}.items():
        shape, inverse = posterior[place]
        chance = inverse / (inverse + amount * rate)
        told += float(
            np.log([shape * (shape + 1) / 2, 1.0][place])
            + count * np.log(1 - chance)
            + shape * np.log(chance)
        )
    assert judged.gain["counts-over-effort"].value == pytest.approx(1000 * (told - by_hand) / 2)


def test_areas_are_scored_as_sums_and_said_to_be(tmp_path: Path) -> None:
    effort = [
        f"{month},,,{area},{amount}"
        for month in EVERY_MONTH
        for area, amount in (("south", 90), ("north", 30))
    ]
    seizures = [f"{month},,,south,{30 + k % 2}" for k, month in enumerate(EVERY_MONTH)]
    judged = backtest_scenario(scenario(tmp_path, seizures, effort)).judged[0]
    assert judged.remarks[0].startswith("Areas are scored as sums")
    assert judged.gain["field-flow"].value > 0
    assert judged.cells == 2


def test_an_area_with_rows_is_one_cell() -> None:
    network = line_network(40)
    apart = cells_of_rows(network, records_of({0: 1.0}), effort_of({0: 1.0}))
    assert np.unique(apart).size > 20
    joined = cells_of_rows(
        network, records_of({0: 1.0}), effort_of({"a": 1.0}, {"a": range(10), "b": range(20)})
    )
    assert np.unique(joined[:10]).size == 1
    assert np.unique(joined[10:]).size > 20


def test_a_scenario_whose_effort_is_one_year_gets_one_message(tmp_path: Path) -> None:
    path = write_scenario(tmp_path)
    with pytest.raises(InputError, match="0 of 2 rows that lie within one month") as caught:
        backtest_scenario(path)
    assert len(caught.value.problems) == 1


def test_a_scenario_without_effort_gets_one_message(tmp_path: Path) -> None:
    start, end = SCENARIO.index("[[records.effort]]"), SCENARIO.index("[evaders]")
    with pytest.raises(InputError, match="no search effort"):
        backtest_scenario(write_scenario(tmp_path, SCENARIO[:start] + SCENARIO[end:]))


def test_a_scenario_and_searches_do_not_mix(tmp_path: Path) -> None:
    done = run(tmp_path / "scenario.toml", tmp_path)
    assert done.exit_code == 2
    assert "alone" in done.output


@needs("stop-search")
def test_real_searches_of_merseyside_tell_more_than_the_global_rate(tmp_path: Path) -> None:
    files = [REAL / f"{month}-{force}-stop-and-search.csv" for month in ("2019-12", "2020-01") for force in (
        "merseyside", "leicestershire"
    )]  # fmt: skip
    write_import(output_folder(tmp_path), import_stop_search(files))
    forces, excluded = read_searches([tmp_path])
    assert [one.force for one in excluded] == ["leicestershire"]
    judged = backtest_forces(forces, excluded=excluded).judged
    assert [one.name for one in judged] == ["merseyside"]
    assert judged[0].gain["field"].value > 0
    assert judged[0].heterogeneity["cells"] < 0.05
    assert 0.4 < judged[0].unseen < 0.7


@needs("stop-search")
@pytest.mark.parametrize("force", ["city-of-london", "essex"])
def test_no_real_force_is_foretold_worse_than_by_two_mnats_a_search(
    tmp_path: Path, force: str
) -> None:
    write_import(output_folder(tmp_path), import_stop_search(sorted(REAL.glob(f"*{force}*"))))
    forces, excluded = read_searches([tmp_path])
    (judged,) = backtest_forces(forces, excluded=excluded).judged
    assert judged.gain["field"].value > -2
