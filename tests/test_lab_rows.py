"""Rows that are planned are the rows that are made: alerts, exploration, tours, the overlay and commands, each on a small case."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.lab.benchmark import command_times, overlay_scaling, tours
from optimizer.lab.benchmark.rows import CommandRow
from optimizer.lab.benchmark.suites import SUITES, SuiteOptions
from optimizer.lab.machine import own_peak_mb, stamp
from optimizer.lab.pages import PageTable, interval, page_text, short
from optimizer.lab.rows import PlannedRow, RunKey, add_missing
from optimizer.lab.study import alerts, exploration
from optimizer.lab.study.alerts import alert_store, exploration_store, write_alert_page
from optimizer.lab.study.cells import Cell, StudyRoads, read_study_roads
from optimizer.lab.study.study import map_store
from tests.study_cases import map_row, save_small_region

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.lab


@pytest.fixture
def roads(tmp_path: Path) -> StudyRoads:
    return read_study_roads(save_small_region(tmp_path / "roads"), "small")


def test_alerts_are_counted_record_by_record(roads: StudyRoads, tmp_path: Path) -> None:
    cells = [Cell("small", "mixed", "feedback", 300, seed) for seed in (0, 1)]
    store = alert_store(tmp_path)
    rows = list(add_missing(store, alerts.planned_rows(roads, cells)))
    assert [row.seed for row in rows] == [0, 1]
    assert list(add_missing(store, alerts.planned_rows(roads, cells))) == []
    for row in rows:
        assert {(test.by, test.widening) for test in row.quiet} == {
            (by, widening) for by in ("segment", "neighbourhood", "whole") for widening in alerts.WIDENINGS
        }
        for test in row.quiet:
            assert test.mid.more + test.mid.fewer <= test.tested
        for planted in row.planted:
            for counts in planted.planted.values():
                assert 0 <= counts.false <= counts.alarms
                assert all(0 <= found <= put for put, found in counts.hits.values())
    again = alerts.alert_row(roads, cells[0])
    assert (again.quiet, again.planted, again.found) == (rows[0].quiet, rows[0].planted, rows[0].found)


def test_exploration_starts_each_way_from_one_record(roads: StudyRoads, tmp_path: Path) -> None:
    (row,) = add_missing(exploration_store(tmp_path), exploration.planned_rows(roads, truths=1))
    assert tuple(row.ways) == exploration.WAYS
    assert row.start.found is None
    assert all(0 <= outcome.rel5 <= 1 and (outcome.found or 0) >= 0 for outcome in row.ways.values())
    files = write_alert_page(tmp_path)
    assert files is not None
    assert "1 mixed worlds" in files.page.read_text(encoding="utf-8")


def test_tours_proven_by_both_methods_have_one_value(tmp_path: Path) -> None:
    (planned,) = tours.planned_proofs(sizes=(5,), problems=2)
    row = planned.make()
    assert row.key == planned.key
    assert (row.proven, row.circuit_proven, row.agree, row.both) == (2, 2, 2, 2)
    assert 0 < row.quick_least <= row.quick_median <= 1 + 1e-9
    page = tours.write_tour_page(tmp_path / "tours.md", [row], []).page
    assert "2 of 2" in page.read_text(encoding="utf-8")


def test_an_overlay_case_has_the_key_it_was_planned_by() -> None:
    (planned,) = overlay_scaling.planned_rows(sizes=(2000,), options=(20,))
    assert overlay_scaling.measure_case("2000", 20).key == planned.key


def test_a_command_is_measured_and_one_that_fails_says_why() -> None:
    row = command_times.measure(command_times.TimedCommand("--help", 0.5, ("--help",)))
    assert row.seconds is not None
    assert row.note == ""
    if hasattr(os, "wait4"):  # its own peak, not the larger one of this process
        assert row.peak_mb is not None
        assert row.peak_mb < (own_peak_mb() or math.inf)
    failed = command_times.measure(command_times.TimedCommand("nothing", 0.5, ("nothing",)))
    assert failed.seconds is None
    assert failed.note
    assert row.command in {one.name for one in command_times.timed_commands()}


def test_a_suite_runs_what_its_folder_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def measure(command: command_times.TimedCommand) -> CommandRow:
        made.append(command.name)
        fields: dict[str, Any] = {"command": command.name, "goal_s": 1.0, "seconds": 0.1, "peak_mb": 1.0, "cores": 1}
        return CommandRow(**fields, **stamp())

    monkeypatch.setattr(command_times, "measure", measure)
    rows = list(SUITES["commands"].run(tmp_path / "commands", SuiteOptions()))
    assert [row.key.content for row in rows] == made
    assert list(SUITES["commands"].run(tmp_path / "commands", SuiteOptions())) == []
    page = SUITES["commands"].page(tmp_path / "commands").page
    assert page == tmp_path / "commands.md"
    assert all(name in page.read_text(encoding="utf-8") for name in made)


def test_a_row_of_another_run_is_not_kept(tmp_path: Path) -> None:
    store = map_store(tmp_path)
    with pytest.raises(ValueError, match="was to be run"):
        list(add_missing(store, [PlannedRow(RunKey.of("1", "content", "method"), map_row)]))
    assert store.read() == []


def test_tables_and_intervals_have_one_format() -> None:
    table = PageTable.of(("name", "value"), [("a|b", 0.5), ("c", None), ("d", float("nan"))], {"value": short})
    assert str(table).splitlines()[2:] == ["| a\\|b | .500 |", "| c | \N{EN DASH} |", "| d | \N{EN DASH} |"]
    assert interval(0.5, 0.25, 1.5, short) == ".500 [.250, 1.50]"
    assert interval(0.5, None, None, short) == ".500"
    assert interval(None, 0.1, 0.2, short) == "\N{EN DASH}"
    with pytest.raises(Exception, match="undefined"):
        page_text("commands.md.j2", table=table)
