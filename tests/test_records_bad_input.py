"""Records that say one thing twice, or in several units: found, explained, and counted
once or refused with the choice to make.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from optimizer.base.errors import InputError, Problem
from optimizer.pipeline.check import check_scenario_file
from optimizer.records import (
    Area,
    Effort,
    EffortSource,
    Seizures,
    SeizureSource,
    read_effort,
    read_seizures,
)
from tests.command import Outcome
from tests.risk_cases import WEST, line_network
from tests.tiny import SCENARIO, SEIZURES, write_scenario

NETWORK = line_network(10)
AREAS = (
    Area("Sierra", shapely.box(WEST, 42, WEST + 0.1, 43)),
    Area("Sierra East", shapely.box(WEST + 0.05, 42, WEST + 0.1, 43)),
    Area("Middle", shapely.box(WEST + 0.03, 42, WEST + 0.07, 43)),
)


def seizures(folder: Path, text: str, **more: Any) -> Seizures:
    (folder / "finds.csv").write_text(text, encoding="utf-8")
    source = SeizureSource.model_validate({"file": "finds.csv", "source": "Guard", **more})
    return read_seizures([source], NETWORK, AREAS, folder=folder)


def effort(folder: Path, *texts: str, **more: Any) -> Effort:
    sources = []
    for number, text in enumerate(texts):
        (folder / f"effort{number}.csv").write_text(text, encoding="utf-8")
        entry = {"file": f"effort{number}.csv", "source": "Guard", "unit": "hours", **more}
        sources.append(EffortSource.model_validate(entry))
    return read_effort(sources, NETWORK, AREAS, folder=folder)


def refused(read: Callable[..., object], *args: Any, **more: Any) -> Problem:
    with pytest.raises(InputError) as caught:
        read(*args, **more)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("column", ["quantity_unit", "unit", "uom"])
def test_quantities_in_a_column_of_units_become_kilograms(tmp_path: Path, column: str) -> None:
    text = f"time,segment,quantity,{column}\n2024,1,2,kg\n2024,2,500,Grams\n2024,3,40,tablets\n2024,4,1,\n2024,5,,g\n"
    read = seizures(tmp_path, text)
    np.testing.assert_allclose(read.quantity_kg, [2, 0.5, np.nan, 1, np.nan])
    assert read.count.sum() == 5
    said = " ".join(read.warnings)
    assert "kg (2), g (1); all were converted to kg" in said
    assert "1 row give a quantity that is no weight: tablets (1)" in said.replace("\xa0", " ")


def test_units_behind_numbers_are_understood(tmp_path: Path) -> None:
    read = seizures(
        tmp_path,
        "time,segment,quantity\n2024,1,2 kg\n2024,2,500 g\n2024,3,3 pieces\n2024,4,1e3\n",
        quantity_unit="g",
    )
    np.testing.assert_allclose(read.quantity_kg, [2, 0.5, np.nan, 1])
    problem = refused(seizures, tmp_path, "time,segment,quantity\n2024,1,2 stone\n")
    assert problem.found == "'2 stone'"
    assert "kg, g, t, lb, oz behind it" in problem.expected


def test_a_word_that_is_no_unit_among_units_is_refused_and_a_column_about_something_else_is_not(
    tmp_path: Path,
) -> None:
    problem = refused(
        seizures, tmp_path, "time,segment,quantity,unit\n2024,1,2,kg\n2024,2,5,bushel\n"
    )
    assert "line 3" in problem.where
    assert problem.found == "'bushel'"
    read = seizures(tmp_path, "time,segment,quantity,unit\n2024,1,2,K9\n2024,2,5,coast\n")
    assert read.quantity_kg.tolist() == [2, 5]


def test_effort_in_several_units_is_refused_with_the_entries_to_write(tmp_path: Path) -> None:
    text = "time,segment,amount,unit\n2024,1,2,hours\n2024,2,900,vehicles\n2024,2,3,hours\n"
    problem = refused(effort, tmp_path, text)
    assert (
        problem.found.replace("\xa0", " ")
        == "effort in 2 units: 'hours' (2 rows), 'vehicles' (1 row)"
    )
    assert 'where = { unit = "hours" }' in problem.remedy
    chosen = effort(tmp_path, text, where={"unit": "hours"})
    assert chosen.amount.tolist() == [2, 3]
    other = effort(tmp_path, "time,segment,amount,unit\n2024,1,2,minutes\n")
    assert any("'minutes' (1" in warning and "'hours'" in warning for warning in other.warnings)
    assert len(effort(tmp_path, "time,segment,amount,unit\n2024,1,2,K9\n2024,2,2,coast\n")) == 2


POINTS = "time,segment,amount\n2024-01,0,30\n2024-01,9,20\n2024-02,5,10\n"


def test_effort_by_point_and_as_the_areas_total_counts_once(tmp_path: Path) -> None:
    read = effort(tmp_path, POINTS, "time,area,amount\n2024-01,Sierra,50\n2024-02,Sierra,10\n")
    assert read.amount.tolist() == [30, 20, 10, 0, 0]
    (warning,) = read.warnings
    assert "60 hours in Sierra (2" in warning
    assert "counted once" in warning


def test_effort_by_point_and_area_that_differ_is_refused_unless_told_which(tmp_path: Path) -> None:
    areas = "time,area,amount\n2024-01,Sierra,80\n2024-02,Sierra,10\n2024-03,Sierra,7\n"
    problem = refused(effort, tmp_path, POINTS, areas)
    assert problem.where == "effort of Guard"
    said = problem.found.replace("\xa0", " ")
    assert said == "97 hours in Sierra (3 rows), and 60 inside it then: 3 rows at points"
    assert 'overlap = "once"' in problem.remedy
    assert effort(tmp_path, POINTS, areas, overlap="once").amount.tolist() == pytest.approx(
        [30, 20, 10, 30, 0, 7]
    )
    assert effort(tmp_path, POINTS, areas, overlap="add").amount.tolist() == [30, 20, 10, 80, 10, 7]


def test_other_times_places_sources_and_units_do_not_overlap(tmp_path: Path) -> None:
    elsewhere = "time,area,amount\n2024-01,Sierra East,80\n"
    points = "time,segment,amount\n2024-01,0,30\n2023,9,20\n"
    assert effort(tmp_path, points, elsewhere).amount.sum() == 130
    (tmp_path / "a.csv").write_text(POINTS, encoding="utf-8")
    (tmp_path / "b.csv").write_text("time,area,amount\n2024-01,Sierra,80\n", encoding="utf-8")
    for name, unit in (("Police", "hours"), ("Guard", "patrols")):
        first = EffortSource.model_validate({"file": "a.csv", "source": "Guard", "unit": "hours"})
        second = EffortSource.model_validate({"file": "b.csv", "source": name, "unit": unit})
        assert read_effort([first, second], NETWORK, AREAS, folder=tmp_path).amount.sum() == 140


def test_overlapping_areas_of_one_source(tmp_path: Path) -> None:
    nested = "time,area,amount\n2024,Sierra,100\n2024-01,Sierra East,40\n"
    assert "40 inside it then: Sierra East" in refused(effort, tmp_path, nested).found
    assert effort(tmp_path, nested, overlap="once").amount.tolist() == pytest.approx([60, 40])
    partly = "time,area,amount\n2024,Sierra East,100\n2024,Middle,40\n"
    assert "20 inside it then: Middle" in refused(effort, tmp_path, partly).found
    assert effort(tmp_path, partly, overlap="once").amount.tolist() == pytest.approx([80, 40])
    deep = "time,area,segment,amount\n2024,Sierra,,100\n2024,Sierra East,,40\n2024,,9,30\n"
    assert effort(tmp_path, deep, overlap="once").amount.tolist() == pytest.approx([60, 10, 30])


def test_totals_of_seizures_for_an_area_and_one_inside_it(tmp_path: Path) -> None:
    text = "time,area,count\n2024,Sierra,12\n2024,Sierra East,5\n"
    assert "12 seizures in Sierra (1" in refused(seizures, tmp_path, text).found
    assert seizures(tmp_path, text, overlap="once").count.tolist() == [7, 5]
    assert seizures(tmp_path, text, overlap="add").count.tolist() == [12, 5]
    rows = "time,area\n2024,Sierra\n2024,Sierra East\n2024,Sierra\n"
    assert seizures(tmp_path, rows).count.sum() == 3
    drugs = "time,area,count,drug\n2024,Sierra,12,heroin\n2024,Sierra East,5,cocaine\n"
    assert seizures(tmp_path, drugs).count.sum() == 17


PLACED_EFFORT = (
    "time,area,lon,lat,amount\n2024,south,,,900\n2024,north,,,300\n2024-02,,10.0,50.05,33\n"
)
MIXED_SEIZURES = (
    SEIZURES.replace("quantity", "quantity,unit").replace("2.5", "2500,g").replace("1.0", "1,kg")
)
MIXED_SEIZURES = MIXED_SEIZURES.replace("heroin,\n", "heroin,4,pieces\n").replace(
    "heroin,1\n", "heroin,1,kg\n"
)


@pytest.mark.parametrize(
    "words", [["check"], ["plan"], ["risk", "look"], ["risk", "backtest"], ["risk", "alerts"]]
)
def test_every_command_refuses_effort_that_may_be_told_twice(
    command: Callable[..., Outcome], tmp_path: Path, words: list[str]
) -> None:
    path = write_scenario(tmp_path)
    (tmp_path / "effort.csv").write_text(PLACED_EFFORT, encoding="utf-8")
    out = [] if words == ["check"] else ["--out", tmp_path / "out"]
    refusal = command(*words, path, *out, "--json")
    assert refusal.code == 1
    said = (refusal.err + refusal.out).replace("\xa0", " ")
    assert "900 hours in south (1 row), and 33 inside it then: 1 row at points" in said
    assert "overlap = " in said
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.report
@pytest.mark.parametrize("words", [["check"], ["plan", "--time-limit", "5"]])
def test_the_choice_is_taken_and_told(
    command: Callable[..., Outcome], tmp_path: Path, words: list[str]
) -> None:
    path = write_scenario(
        tmp_path, SCENARIO.replace('unit = "hours"', 'unit = "hours"\noverlap = "once"')
    )
    (tmp_path / "effort.csv").write_text(PLACED_EFFORT, encoding="utf-8")
    (tmp_path / "seizures.csv").write_text(MIXED_SEIZURES, encoding="utf-8")
    out = [] if words == ["check"] else ["--out", tmp_path / "out"]
    taken = command(*words, path, *out)
    assert taken.code == 0
    said = " ".join((taken.err + taken.out).replace("\xa0", " ").split())
    assert "They are counted once" in said
    assert "no weight: pieces (1)" in said
    if out:
        page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8").replace("\xa0", " ")
        assert "They are counted once" in page
        assert "no weight: pieces (1)" in page


def test_a_file_named_twice_counts_once_and_a_copy_of_another_source_is_told(
    tmp_path: Path,
) -> None:
    text = "time,area,amount\n2024,Sierra,900\n2024,Sierra East,300\n2025,Sierra,100\n"
    rows = "time,segment,amount\n2024,1,5\n2024,2,7\n"
    once = effort(tmp_path, rows, rows)
    assert once.amount.sum() == 12
    assert "are all in an earlier entry of this source" in once.warnings[-1]
    assert effort(tmp_path, rows, rows, overlap="add").amount.sum() == 24
    assert effort(tmp_path, rows, rows.replace("7", "8")).amount.sum() == 25
    assert effort(tmp_path, text, overlap="add").amount.sum() == 1300
    (tmp_path / "other.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "own.csv").write_text(rows, encoding="utf-8")
    entries = [
        EffortSource.model_validate({"file": f"{name}.csv", "source": name, "unit": "hours"})
        for name in ("own", "other")
    ]
    both = read_effort(entries, NETWORK, AREAS, folder=tmp_path)
    assert both.amount.sum() == 24
    assert "are all in own.csv of own too" in both.warnings[-1]


def test_a_year_and_its_months_count_once_or_are_refused(tmp_path: Path) -> None:
    months = "".join(f"2024-{month:02d},Sierra,10\n" for month in range(1, 13))
    head = "time,area,amount\n"
    agreed = effort(tmp_path, f"{head}2024,Sierra,120\n{months}")
    assert agreed.amount.sum() == pytest.approx(120)
    assert agreed.amount[0] == 0
    assert "in rows there of shorter times within. They are counted once" in agreed.warnings[-1]
    nested = effort(tmp_path, f"{head}2024,Sierra,120\n2024-01-01/2024-06-30,Sierra,60\n{months}")
    assert nested.amount.sum() == pytest.approx(120)
    problem = refused(effort, tmp_path, f"{head}2024,Sierra,200\n{months}")
    assert (
        problem.found
        == "200 hours in Sierra (1\xa0row), and 120 in rows there of shorter times within"
    )
    assert effort(
        tmp_path, f"{head}2024,Sierra,200\n{months}", overlap="once"
    ).amount.sum() == pytest.approx(200)
    assert effort(
        tmp_path, f"{head}2024,Sierra,200\n{months}", overlap="add"
    ).amount.sum() == pytest.approx(320)
    assert effort(tmp_path, head + months).warnings == ()


def test_check_says_that_few_seizures_away_from_all_effort_make_a_weak_map(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path)
    (tmp_path / "effort.csv").write_text(
        "time,lon,lat,amount\n2024,10.0,50.05,900\n", encoding="utf-8"
    )
    rows = "".join(
        f"2024-0{1 + day % 9}-1{day % 9},{lon},50.05,cocaine,{day}\n"
        for day in range(12)
        for lon in (10.0, 10.4)
    )
    (tmp_path / "seizures.csv").write_text(f"time,lon,lat,drug,quantity\n{rows}", encoding="utf-8")
    said = command("check", scenario).out
    assert (
        "12 of only 24 seizures lie where no effort in hours is recorded: the risk map is weak"
        in " ".join(said.split())
    )


def test_names_of_areas_fit_however_their_accents_are_coded_or_left_out(tmp_path: Path) -> None:
    areas = tuple(
        Area(name, shapely.box(WEST + shift, 42, WEST + shift + 0.02, 43))
        for name, shift in (("C\u00f3rdoba", 0.0), ("Pe\u00f1a", 0.03), ("Pena", 0.06))
    )

    def read(text: str) -> Seizures:
        (tmp_path / "finds.csv").write_text(text, encoding="utf-8")
        source = SeizureSource.model_validate({"file": "finds.csv", "source": "Guard"})
        return read_seizures([source], NETWORK, areas, folder=tmp_path)

    same = read("time,area\n2024-01,Co\u0301rdoba\n2024-02,pen\u0303a\n2024-03,PENA\n")
    assert same.area.tolist() == [0, 1, 2]
    assert same.warnings == ()
    without = read("time,area\n2024-01,Cordoba\n2024-02,CORDOBA\n")
    assert without.area.tolist() == [0, 0]
    (warning,) = without.warnings
    assert warning.startswith("finds.csv, line 2: Cordoba is taken for the area C\u00f3rdoba")
    with pytest.raises(InputError) as caught:
        read("time,area\n2024-01,P\u00e9na\n")  # of two that fit without accents
    assert "such as Pe\u00f1a, Pena" in str(caught.value)


def test_effort_of_nothing_and_of_seconds_is_said(tmp_path: Path) -> None:
    head = "time,lon,lat,amount\n"
    rows = [f"2024-0{month},{WEST + 0.005},42.5," for month in range(1, 5)]
    nothing = effort(tmp_path, head + "".join(f"{row}0\n" for row in rows))
    (said,) = [text for text in nothing.warnings if "is 0" in text]
    assert "nobody searched anywhere" in said
    hours = effort(tmp_path, head + "".join(f"{row}80\n" for row in rows))
    assert not [text for text in hours.warnings if "on duty day and night" in text]
    seconds = effort(tmp_path, head + "".join(f"{row}{80 * 3600}\n" for row in rows))
    (said,) = [text for text in seconds.warnings if "on duty day and night" in text]
    assert "line 2: 288,000 hours in 31 days are 387 units" in said
    assert "rows with so many: 4" in said
    assert "3,600" in said


@pytest.mark.parametrize(
    ("turn", "mistake"),
    [
        (lambda lon, lat: (-lon, lat), "the sign of lon changed"),
        (lambda lon, lat: (lon, -lat), "the sign of lat changed"),
        (lambda lon, lat: (-lon, -lat), "both signs changed"),
        (lambda lon, lat: (lat, lon), "lon and lat exchanged"),
    ],
)
def test_a_row_with_another_sign_or_exchanged_is_told_so(
    tmp_path: Path, turn: Any, mistake: str
) -> None:
    lon, lat = (float(value) for value in NETWORK.segment_midpoint[0])
    right = "".join(f"2024-0{month},{lon},{lat}\n" for month in range(1, 6))
    x, y = turn(lon, lat)
    read = seizures(tmp_path, f"time,lon,lat\n{right}2024-06,{x},{y}\n")
    assert len(read) == 5
    (said,) = [text for text in read.warnings if "is on no road of the map" in text]
    assert f"line 7: {x:.10g}, {y:.10g} is on no road of the map, but with {mistake} it is" in said
    assert not [t for t in seizures(tmp_path, f"time,lon,lat\n{right}").warnings if "no road" in t]


def test_a_record_and_effort_of_different_years_are_told_so(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    assert not [t for t in check_scenario_file(scenario).warnings if "no day in common" in t]
    path = tmp_path / "seizures.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("2024-", "2019-"), encoding="utf-8")
    (said,) = [t for t in check_scenario_file(scenario).warnings if "no day in common" in t]
    assert "(2019-" in said
    assert "Check the years of both files" in said


def test_a_unit_of_quantities_that_nobody_states_is_an_assumption(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)

    def assumed() -> list[str]:
        found = check_scenario_file(scenario).assumed
        return [item.value for item in found if item.what.startswith("unit of quantities")]

    assert assumed() == ["kg in 1 of 1 files (quantity_unit under [[records.seizures]])"]
    text = scenario.read_text(encoding="utf-8")
    head = "[[records.seizures]]\n"
    scenario.write_text(text.replace(head, f'{head}quantity_unit = "g"\n'), encoding="utf-8")
    assert assumed() == []
