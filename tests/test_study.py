"""The study: its cells and streams, its measures against plain sums, its rows kept and
resumed, its page made from rows alone.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from optimizer.base.errors import InputError
from optimizer.cli.risk import study
from optimizer.lab.rows import matching
from optimizer.lab.study.cells import (
    MAPS,
    Cell,
    MapRow,
    Stream,
    plan,
    roads_file,
    study_roads,
    world_of,
)
from optimizer.lab.study.page import study_text, write_study_page
from optimizer.lab.study.study import (
    ESTIMATORS,
    HABIT,
    LATER,
    LOOP_ROUNDS,
    MONTHS,
    OURS,
    PLACEMENTS,
    RAW,
    ROUND_MONTHS,
    CellTask,
    EndedCell,
    carry_out,
    coverage,
    follow,
    loop_store,
    make_trial,
    map_store,
    measure,
    missing_cells,
    ranks,
    run,
    scores,
)
from optimizer.lab.study.summary import (
    GOALS,
    Goal,
    Sample,
    Statistic,
    audit_share,
    lost,
    over,
    samples,
    share,
    statistic,
)
from optimizer.risk import History, RawCounts, World, as_records
from optimizer.risk.simulation.searching import SEARCHES_A_MONTH
from results.measure.alerts import FOREIGN_ROWS, STUDIES, mean_of, share_of, write_alert_page
from tests.study_cases import loop_row, map_row, save_small_region

pytestmark = pytest.mark.lab

CELL = Cell("small", "mixed", "feedback", 300, 3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("roads")
    save_small_region(folder)
    return folder


def truth_of(data: Path, cell: Cell) -> World:
    return world_of(study_roads(data, "small"), cell)


def test_the_goals_cells_come_first_and_none_comes_twice() -> None:
    cells = plan()
    assert len({cell.key for cell in cells}) == len(cells)
    first = cells[:160]
    assert {(cell.effort, cell.seizures) for cell in first} == {("feedback", 400)}
    assert {cell.seed for cell in first} == set(range(20))
    assert {(cell.effort, cell.seizures) for cell in cells[160:320]} == {("uniform", 400)}
    assert [cell.seed for cell in first] == sorted(cell.seed for cell in first)
    assert {(cell.effort, cell.seizures) for cell in cells if not cell.is_loop} == {
        ("feedback", 400),
        ("uniform", 400),
    }
    assert [cell.name for cell in matching(cells, ["andorra-local-uniform-400-1?"])] == [
        f"andorra-local-uniform-400-{seed}" for seed in range(10, 20)
    ]


def test_streams_are_shared_by_ways_to_search_and_by_nothing_else() -> None:
    def first(cell: Cell, part: Stream = Stream.WORLD) -> float:
        return float(cell.stream(part).random())

    base = first(CELL)
    assert first(Cell("small", "mixed", "uniform", 100, 3)) == base
    others = [
        first(Cell("small", "mixed", "feedback", 300, 4)),
        first(Cell("small", "local", "feedback", 300, 3)),
        first(Cell("other", "mixed", "feedback", 300, 3)),
        *(first(CELL, part) for part in Stream if part is not Stream.WORLD),
    ]
    assert len({base, *others}) == len(others) + 1


@given(
    median=arrays(np.float64, st.integers(1, 30), elements=st.sampled_from([0.0, 1.0, 2.5])),
    seed=st.integers(0, 99),
)
def test_ranks_follow_medians_and_break_every_tie(median: NDArray[np.float64], seed: int) -> None:
    place = ranks(median, np.random.default_rng(seed).random(median.size))
    assert sorted(place.tolist()) == list(range(median.size))
    assert (np.diff(median[np.argsort(place)]) >= 0).all()


def test_ties_fall_by_lot() -> None:
    rng = np.random.default_rng(1)
    assert len({tuple(ranks(np.zeros(5), rng.random(5)).tolist()) for _ in range(50)}) > 20


def test_a_trial_sees_two_years_and_is_judged_by_what_effort_explains(data: Path) -> None:
    cell = Cell("small", "mixed", "tips", 300, 3)
    trial = make_trial(cell, truth_of(data, cell))
    assert trial.past.effort.shape[0] == MONTHS
    assert trial.later.effort.shape[0] == trial.audit.effort.shape[0] == LATER
    assert trial.past.tipped.sum() > 0
    assert trial.later.tipped.sum() == 0
    assert (trial.later.found[trial.later.effort == 0] == 0).all()
    length = trial.world.network.length_m[trial.world.network.segment_arc]
    spread = np.corrcoef(trial.audit.effort.sum(axis=0), length)[0, 1]
    assert spread > np.corrcoef(trial.later.effort.sum(axis=0), length)[0, 1]


def test_all_ways_to_search_have_one_truth(data: Path) -> None:
    worlds = [
        truth_of(data, Cell("small", "mixed", effort, finds, 3))
        for effort in ("tips", "uniform")
        for finds in (100, 400)
    ]
    for world in worlds[1:]:
        np.testing.assert_array_equal(world.rate, worlds[0].rate)


def test_measures_agree_with_plain_sums(data: Path) -> None:
    roads = study_roads(data, "small")
    world = world_of(roads, CELL)
    found = {row["estimator"]: row for row in measure(CELL, roads, world, tuple(ESTIMATORS))}
    assert found.keys() == ESTIMATORS.keys()
    trial = make_trial(CELL, world)
    row = found[RAW]
    assert row["found"] == trial.past.found.sum()
    length = world.network.length_m[world.network.segment_arc]
    order = sorted(range(length.size), key=lambda s: (-trial.past.found[:, s].sum(), -trial.lot[s]))

    def held(ranking: list[int]) -> float:
        room, total = 0.05 * length.sum(), 0.0
        for s in ranking:
            total += world.rate[s] * min(length[s], room)
            room -= min(length[s], room)
        return total

    best = sorted(range(length.size), key=lambda s: -world.rate[s])
    assert row["rel5"] == pytest.approx(held(order) / held(best), abs=1e-6)
    effort, finds = trial.later.effort.sum(axis=0), trial.later.found.sum(axis=0)
    mean = effort * world.rate * trial.per_search
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(mean > 0, finds * np.log(mean) - mean, 0.0) - np.array(
            [math.lgamma(y + 1) for y in finds]
        )
    assert row["log_truth"] == pytest.approx(logs.sum() / finds.sum(), abs=1e-5)
    assert {r["log_truth"] for r in found.values()} == {row["log_truth"]}
    model = RawCounts().fit(*as_records(trial.past), roads.network)
    assert row["log_model"] == pytest.approx(model.score(*as_records(trial.later)), abs=1e-6)


class Oracle:
    """A model that was told the truth, with intervals of a stated width."""

    def __init__(self, rate: NDArray[np.float64], width: float = 0.0) -> None:
        self.rate = rate
        self.width = width
        self.level = 0.9

    def fit(self, *_: object) -> Oracle:
        """Return the same: there is nothing to learn."""
        return self

    def predict(self) -> Any:
        """Return the truth, as much to either side as the level asks."""
        reach = self.width * self.level
        return SimpleNamespace(
            median=self.rate, low=self.rate - reach, high=self.rate + reach, global_rate=[1.0]
        )

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the truth n times."""
        del rng
        return np.tile(np.log(np.maximum(self.rate, 1e-300)), (n, 1))


def test_coverage_counts_active_segments_inside_each_interval() -> None:
    model: Any = Oracle(np.zeros(4), width=1.0)
    index = np.array([0.4, 0.85, 0.94, 50.0])
    active = np.array([True, True, True, False])
    assert coverage(model, index, active) == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1.0])
    assert model.level == 0.9
    assert coverage(model, index, np.zeros(4, dtype=bool)) is None


def test_later_months_without_a_find_say_nothing() -> None:
    effort, none = np.ones((2, 3)), np.zeros((2, 3))
    model: Any = Oracle(np.ones(3))
    found = scores("log", model, History(effort, none, none), np.ones(3))
    assert set(found.values()) == {None}


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_loop_that_knows_the_truth_finds_what_its_oracle_finds(
    data: Path, monkeypatch: pytest.MonkeyPatch, placement: str
) -> None:
    cell = Cell("small", "local", "loop", 300, 0)
    roads = study_roads(data, "small")
    world = world_of(roads, cell)
    told = {
        "told": lambda _: Oracle(world.rate),
        "blind": lambda _: Oracle(np.ones(world.rate.size)),
    }
    monkeypatch.setattr("optimizer.lab.study.study.ESTIMATORS", told)
    knows, blind = follow(cell, roads, world, (("told", placement), ("blind", placement)))
    assert knows["expected"] == pytest.approx(knows["oracle"], rel=1e-6)
    assert knows["rel5"] == pytest.approx([1.0] * LOOP_ROUNDS)
    assert sum(blind["expected"]) < sum(knows["expected"]) < LOOP_ROUNDS * knows["best"]


def test_a_loop_learns_from_all_that_was_found(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell("small", "local", "loop", 300, 0)
    roads = study_roads(data, "small")
    world = world_of(roads, cell)
    seen: list[float] = []

    class Watcher(Oracle):
        def fit(self, records: Any, effort: Any, network: object) -> Watcher:  # type: ignore[override]
            del records, network
            seen.append(float(effort.amount.sum()))
            return self

    monkeypatch.setattr(
        "optimizer.lab.study.study.ESTIMATORS", {"watcher": lambda _: Watcher(world.rate)}
    )
    follow(cell, roads, world, (("watcher", "top"),))
    assert seen == [SEARCHES_A_MONTH * (HABIT + ROUND_MONTHS * k) for k in range(LOOP_ROUNDS)]


def test_an_interrupted_study_goes_on_where_it_stopped(data: Path, tmp_path: Path) -> None:
    first, second = CELL, Cell("small", "local", "uniform", 100, 0)
    todo = missing_cells([first, second], data, tmp_path)
    assert [set(task.wanted) for task in todo] == [{(name,) for name in ESTIMATORS}] * 2
    rows = run(CellTask(first, data, ((RAW,), ("ShrunkRate",))))
    map_store(tmp_path).append(*(row for row in rows if isinstance(row, MapRow)))
    with (tmp_path / MAPS).open("ab") as stream:
        stream.write(b'{"region": "sma')
    left = missing_cells([first, second], data, tmp_path)
    assert set(left[0].wanted) == {(name,) for name in ESTIMATORS.keys() - {RAW, "ShrunkRate"}}
    assert left[1].wanted == todo[1].wanted
    map_store(tmp_path).append()
    assert map_store(tmp_path).read() == rows
    again = run(CellTask(first, data, ((RAW,),)))[0]
    assert isinstance(again, MapRow)
    assert isinstance(rows[0], MapRow)
    assert again.model_copy(update={"seconds": 0, "date": ""}) == rows[0].model_copy(
        update={"seconds": 0, "date": ""}
    )


def test_a_pool_keeps_rows_and_a_fault_costs_its_own_alone(data: Path, tmp_path: Path) -> None:
    lost_cell = Cell("nowhere", "mixed", "uniform", 100, 0)
    ended: list[EndedCell] = []
    carry_out(
        [CellTask(lost_cell, data, ((RAW,),)), CellTask(CELL, data, ((RAW,),))],
        tmp_path,
        jobs=1,
        on_end=ended.append,
    )
    assert [bool(one.fault) for one in ended] == [True, False]
    assert "nowhere*" in ended[0].fault
    (row,) = map_store(tmp_path).read()
    here = run(CellTask(CELL, data, ((RAW,),)))[0]
    assert isinstance(here, MapRow)
    assert (row.rel5, row.log_model, row.key) == (here.rel5, here.log_model, here.key)
    carry_out([CellTask(CELL, data, (("ShrunkRate",),))], tmp_path, time_limit=0)
    assert len(map_store(tmp_path).read()) == 1


def test_a_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    (tmp_path / MAPS).write_text(json.dumps(map_row().model_dump()) + "\nnothing\n")
    with pytest.raises(InputError, match="line 2"):
        map_store(tmp_path).read()


def test_a_region_without_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="andorra"):
        roads_file(tmp_path, "andorra")
    for name in ("andorra-1.osm.pbf", "andorra-2.gpkg"):
        (tmp_path / name).write_text("")
    assert roads_file(tmp_path, "andorra").name == "andorra-2.gpkg"


def sample(**values: list[float]) -> Sample:
    names = {OURS: "ours", "KernelDensity 0.1 km": "near", "KernelDensity 1 km": "far"}
    rows = [
        map_row(name, seed=seed, rel5=values.get(names.get(name, ""), [0.5] * 9)[seed])
        for name in ESTIMATORS
        for seed in range(len(values["ours"]))
    ]
    return Sample(rows)


def test_ratios_are_of_means_over_the_better_of_the_others() -> None:
    known = sample(ours=[0.8, 0.6], near=[0.5, 0.1], far=[0.2, 0.5])
    found = over(known, ("KernelDensity 0.1 km", "KernelDensity 1 km"))
    assert found is not None
    assert found.value == pytest.approx(1.4 / 0.7)
    # the second truth alone, over its own better kernel
    assert found.low == pytest.approx(0.6 / 0.5)
    assert found.high == pytest.approx(2.0)
    assert found.truths == 2


def test_an_interval_of_a_mean_is_about_as_wide_as_it_should_be() -> None:
    values = np.random.default_rng(2).normal(5.0, 2.0, 400)
    found = statistic(400, lambda at: values[at].mean(axis=-1))
    assert found is not None
    assert (found.high - found.low) / 2 == pytest.approx(1.645 * values.std() / 20, rel=0.08)
    assert statistic(0, lambda at: at.sum(axis=-1)) is None


def test_truths_without_every_estimator_are_left_out_and_losses_are_paired() -> None:
    chased = sample(ours=[0.8, 0.6, 0.1])
    even = Sample(
        map_row(name, seed=seed, effort="uniform", rel5=0.9)
        for name in ESTIMATORS
        for seed in (0, 1)
    )
    found = lost(even, chased)
    assert found is not None
    assert found.value == pytest.approx(0.2)
    assert found.truths == 2
    partial = Sample([map_row(OURS, seed=0)])
    assert len(partial) == 0


def test_shares_are_of_the_truths_own_gain() -> None:
    assert share(map_row(log_model=-2.1, log_truth=-2.0, log_global=-3.0)) == pytest.approx(0.9)
    assert audit_share(
        map_row(audit_model=-2.5, audit_truth=-2.0, audit_global=-3.0)
    ) == pytest.approx(0.5)
    assert share(map_row(log_model=None)) is None
    assert share(map_row(log_truth=-3.0, log_global=-3.0)) is None


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.90, 0.88, 0.92, "met"),
        (0.90, 0.86, 0.92, "met, within chance"),
        (0.86, 0.80, 0.865, "missed"),
        (0.86, 0.80, 0.90, "missed, within chance"),
        (0.94, 0.80, 0.99, "missed, within chance"),
    ],
)
def test_a_goal_says_whether_it_is_met(value: float, low: float, high: float, verdict: str) -> None:
    goal = Goal("coverage", 0.87, 0.93, lambda _: None)
    assert goal.verdict(Statistic(value, low, high, 5)) == verdict
    assert goal.verdict(None) == "not measured"


def all_rows() -> list[MapRow]:
    return [
        map_row(
            name,
            world=world,
            effort=effort,
            region=region,
            seed=seed,
            rel5=0.9 if name == OURS else 0.5,
        )
        for name in ESTIMATORS
        for world in ("flows", "uninformed", "mixed", "local")
        for effort in ("feedback", "uniform")
        for region in ("andorra", "liechtenstein")
        for seed in (0, 1)
    ]


def test_every_goal_is_measured_by_the_goals_rows() -> None:
    known = samples(all_rows())
    figures = [goal.figure(known) for goal in GOALS]
    assert None not in figures
    assert [found.value for found in figures[:6] if found] == pytest.approx(
        [1.8, 1.8, 1.8, 1.8, 0.0, 0.0]
    )


@pytest.mark.slow
def test_the_page_is_made_from_rows_and_names_the_pages_beside_them(tmp_path: Path) -> None:
    folder = tmp_path / "risk"
    map_store(folder).append(*all_rows())
    loop_store(folder).append(loop_row())
    (folder / "alerts.md").write_text("# Alerts\n\nOf another.\n")
    (folder / "backtest.md").write_text("# Backtest\n\nOf a third.\n")
    files = write_study_page(folder)
    page, pictures = files.page, files.pictures
    text = page.read_text(encoding="utf-8")
    assert page == tmp_path / "risk.md"
    assert sorted(path.name for path in pictures) == [
        "risk-calibration.png",
        "risk-loss.png",
        "risk-rel5.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.name in text for path in pictures)
    assert (
        "| rel5 over network kernel density, mixed world | \N{GREATER-THAN OR EQUAL TO} 1.5 | 1.80"
        " [1.80, 1.80] | met |" in text
    )
    assert "**missed**" not in text.split("rel5 over raw counts")[0]
    assert (
        "| **FieldFlow** | \N{EN DASH} | .800 [.800, .800] | \N{EN DASH} |" in text
    )  # of the later half of the rounds
    assert (
        text.index("## Goals")
        < text.index("## The closed loop")
        < text.index("- [Backtest](risk/backtest.md)")
        < text.index("- [Alerts](risk/alerts.md)")
    )
    assert "Left out" not in text
    names = {path.stem.removeprefix("risk-"): path.name for path in pictures}
    others = ["[Backtest](risk/backtest.md)", "[Alerts](risk/alerts.md)"]
    assert study_text(all_rows(), [loop_row()], names, others) == text


def test_a_page_takes_the_rows_of_the_newest_version() -> None:
    newer = map_row(version="1", date="2027-01-01T00:00:00+00:00", python="3.99")
    text = study_text([map_row(), newer, map_row(seed=1)], [], {}, [])
    assert "This package 1, Python 3.99. 1 rows of maps" in text
    assert "Left out: 2 rows of other versions" in text


def test_a_page_marks_rows_that_are_older_than_the_model() -> None:
    new = map_row(date="2027-01-01T00:00:00+00:00")
    old = map_row(date="2026-11-24T22:42:44+00:00", seed=1)
    mixed = study_text([new, old], [], {}, [])
    assert "**Of an earlier model**: 1 of these rows" in mixed
    assert "Of an earlier model" not in study_text([new], [], {}, [])


def test_no_rows_no_page(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rows"):
        write_study_page(tmp_path / "risk")


def test_the_command_runs_what_is_asked_for_and_says_so(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {
        "data": data,
        "region": ["small"],
        "out": tmp_path / "risk",
        "as_json": True,
    }
    with pytest.raises(InputError, match="--only"):
        study(**asked, only=["andorra-*"])
    monkeypatch.setattr("optimizer.lab.study.study.ESTIMATORS", {RAW: ESTIMATORS[RAW]})
    study(**asked, only=["small-mixed-feedback-400-0"])
    assert json.loads(capsys.readouterr().out) == {
        "cell": "small-mixed-feedback-400-0",
        "rows": 1,
        "fault": None,
    }
    study(**asked, only=["small-mixed-feedback-400-0"])
    assert not capsys.readouterr().out
    study(**asked, table=True)
    assert json.loads(capsys.readouterr().out)["page"] == str(tmp_path / "risk.md")


def test_a_row_is_keyed_by_version_roads_cell_and_estimator() -> None:
    first = map_row()
    assert (
        map_row(
            date="2030-01-01",
            cpu="another",
            seconds=9.0,
            rel5=0.1,
            region="renamed",
            roads="andorra",
        ).key
        == first.key
    )
    changes: list[dict[str, Any]] = [
        {"version": "1"},
        {"roads": "others"},
        {"world": "local"},
        {"effort": "tips"},
        {"seizures": 100},
        {"seed": 1},
        {"estimator": RAW},
    ]
    keys = {map_row(**change).key for change in changes} | {
        loop_row().key,
        loop_row(placement="thompson").key,
    }
    assert len({first.key, *keys}) == 3 + len(changes)


def test_moved_roads_keep_their_rows_and_changed_roads_do_not(data: Path, tmp_path: Path) -> None:
    rows = run(CellTask(CELL, data, ((RAW,),)))
    map_store(tmp_path / "rows").append(*(row for row in rows if isinstance(row, MapRow)))
    moved = tmp_path / "moved"
    moved.mkdir()
    content = next(data.glob("small*")).read_bytes()
    (moved / "small-2.gpkg").write_bytes(content)
    (left,) = missing_cells([CELL], moved, tmp_path / "rows")
    assert (RAW,) not in left.wanted
    changed = tmp_path / "changed"
    changed.mkdir()
    (changed / "small.gpkg").write_bytes(content + b"x")
    (left,) = missing_cells([CELL], changed, tmp_path / "rows")
    assert (RAW,) in left.wanted


def test_alerts_of_a_record_are_counted_as_they_were() -> None:
    assert share_of(0, 0) == "none"
    assert share_of(5, 50) == "10% [3%, 22%]"
    assert mean_of([1.0, 2.0, 3.0], 1) == "2.0 [0.9, 3.1]"


def test_the_stored_pages_of_alerts_are_those_of_the_stored_rows(tmp_path: Path) -> None:
    results = Path(__file__).parents[1] / "results"
    for name in (*(f"{each}.jsonl" for each in STUDIES), FOREIGN_ROWS):
        shutil.copy(results / "risk" / name, tmp_path)
    files = write_alert_page(tmp_path)
    assert files is not None
    page = files.page.read_text(encoding="utf-8")
    assert page == (results / "risk" / "alerts.md").read_text(encoding="utf-8")
    assert re.search(
        r"^\| ten times \| segments, [^|]*\|( [0-9]+% \[[^|]*\|){5}$", page, re.MULTILINE
    )
