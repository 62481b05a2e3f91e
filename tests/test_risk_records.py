"""Files of seizures and effort: what is read, where it lands, and what is said of the rest."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from contextlib import suppress
from csv import writer
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from optimizer.base.errors import FileProblems, InputError, Problem
from optimizer.problem.network.network import Network
from optimizer.problem.network.polylines import Polylines
from optimizer.records import Area, EffortSource, Period, SeizureSource, read_effort, read_seizures
from tests.examples import examples
from tests.risk_cases import SOUTH, WEST, line_network
from tests.shared_data import DATA, needs

NETWORK = line_network(10)
AREAS = (
    Area("Sierra North", shapely.box(WEST, 42, WEST + 0.03, 43)),
    Area("Sierra South", shapely.box(WEST + 0.025, 42, WEST + 0.1, 43)),
    Area("Far away", shapely.box(0, 0, 1, 1)),
)
STOP_SEARCH = DATA / "stop-search"


def csv(folder: Path, text: str, name: str = "finds.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return name


def moved(network: Network, east: float, north: float) -> Network:
    """Return a network some degrees away."""
    polylines = Polylines.of(network.shape_start, network.shape + np.array([east, north]))
    return replace(network, lon=network.lon + east, lat=network.lat + north, polylines=polylines)


def seizures(file: str, **more: Any) -> SeizureSource:
    return SeizureSource.model_validate({"file": file, "source": "Guard", **more})


def effort(file: str, **more: Any) -> EffortSource:
    return EffortSource.model_validate({"file": file, "source": "Guard", "unit": "hours", **more})


def problems(
    folder: Path, source: SeizureSource | EffortSource, **more: Any
) -> tuple[Problem, ...]:
    read: Any = read_seizures if isinstance(source, SeizureSource) else read_effort
    with pytest.raises(InputError) as caught:
        read([source], NETWORK, AREAS, folder=folder, **more)
    return caught.value.problems


def test_rows_land_on_segments_points_and_areas(tmp_path: Path) -> None:
    file = csv(
        tmp_path,
        "time,lon,lat,segment,area,drug,quantity,count\n"
        f"2023-05-01,{WEST + 0.005},{SOUTH},,,cocaine,2.5,1\n"
        "2023-05,,,7,Sierra North,heroin,,3\n"
        "FY2023,,,,sierra  NORTH,cannabis,10,12\n",
    )
    records = read_seizures([seizures(file, quantity_unit="lb")], NETWORK, AREAS, folder=tmp_path)
    np.testing.assert_array_equal(records.segment, [0, 7, -1])
    np.testing.assert_array_equal(records.area, [-1, -1, 0])
    np.testing.assert_array_equal(records.area_segment[0], [0, 1, 2])
    np.testing.assert_allclose(records.quantity_kg, [1.133980925, np.nan, 4.5359237])
    np.testing.assert_array_equal(records.count, [1, 3, 12])
    np.testing.assert_array_equal(records.drug, ["cocaine", "heroin", "cannabis"])
    assert records.start.tolist() == [date(2023, 5, 1), date(2023, 5, 1), date(2022, 10, 1)]
    assert records.end.tolist() == [date(2023, 5, 2), date(2023, 6, 1), date(2023, 10, 1)]
    assert (records.unused, records.warnings, len(records)) == ((), (), 3)


def test_columns_are_mapped_and_the_others_never_kept(tmp_path: Path) -> None:
    file = csv(tmp_path, "Day,Where,Suspect,Kilos\n2023-01-01,Sierra South,Jane Roe,1\n")
    columns = {"time": "Day", "area": "Where", "quantity": "Kilos"}
    records = read_seizures([seizures(file, columns=columns)], NETWORK, AREAS, folder=tmp_path)
    assert "Jane Roe" not in repr(records)
    np.testing.assert_array_equal(records.count, [1])
    np.testing.assert_array_equal(records.drug, [""])


def test_several_files_become_one_record(tmp_path: Path) -> None:
    first = seizures(csv(tmp_path, "time,segment\n2023,1\n2023,2\n", "a.csv"), effort_unit="hours")
    second = seizures(csv(tmp_path, "time,segment\n2023,3\n", "b.csv"), source="Customs")
    records = read_seizures([first, second], NETWORK, folder=tmp_path)
    np.testing.assert_array_equal(records.source, [0, 0, 1])
    assert records.source_name == ("Guard", "Customs")
    assert records.effort_unit == ("hours", None)
    later = records.take(records.segment > 1)
    np.testing.assert_array_equal(later.segment, [2, 3])
    assert len(read_seizures([], NETWORK)) == 0


def test_effort_takes_days_from_and_to_and_amounts_or_one_a_row(tmp_path: Path) -> None:
    spans = csv(
        tmp_path, "from,to,segment,amount\n2023-01-01,2023-01-31,4,8.5\n2023-02,2023-03,4,0\n"
    )
    read = read_effort([effort(spans)], NETWORK, folder=tmp_path)
    assert read.start.tolist() == [date(2023, 1, 1), date(2023, 2, 1)]
    assert read.end.tolist() == [date(2023, 2, 1), date(2023, 4, 1)]
    np.testing.assert_array_equal(read.amount, [8.5, 0])
    single = csv(tmp_path, f"lon,lat\n{WEST},{SOUTH}\n{WEST},{SOUTH}\n", "searches.csv")
    each = read_effort(
        [effort(single, amount_per_row=1, period="2023", unit="searches")], NETWORK, folder=tmp_path
    )
    np.testing.assert_array_equal(each.amount, [1, 1])
    assert each.unit == ("searches",)
    assert "1 row repeats an earlier row" in each.warnings[0].replace("\xa0", " ")


def test_every_row_that_is_not_used_is_listed_with_its_reason(tmp_path: Path) -> None:
    file = csv(
        tmp_path,
        "time,lon,lat,area,kind,count\n"
        f"2023-05-01,{WEST},{SOUTH},,drugs,1\n"
        f"2023-05-02,{WEST},{SOUTH + 0.1},,drugs,1\n"
        f"2019-05-01,{WEST},{SOUTH},,drugs,1\n"
        f"2022/2023,{WEST},{SOUTH},,drugs,1\n"
        f"2023-05-01,{WEST},{SOUTH},,arms,a few\n"
        "2023-05-01,,,Far away,drugs,1\n"
        "2023-05-01,,,,drugs,1\n"
        f"2023-05-01,{WEST},,,drugs,1\n"
        f",{WEST},{SOUTH},,drugs,1\n"
        "\n"
        f"2023-05-01,{WEST},{SOUTH},,drugs,\n",
    )
    period = Period(date(2023, 1, 1), date(2024, 1, 1))
    records = read_seizures(
        [seizures(file, where={"kind": "drugs"})], NETWORK, AREAS, folder=tmp_path, period=period
    )
    assert len(records) == 1
    assert [(item.file, item.row, item.reason, item.detail) for item in records.unused] == [
        ("finds.csv", 3, "farther than 500 m from every segment", "11120 m from the nearest"),
        ("finds.csv", 4, "outside the period", "2019-05-01"),
        ("finds.csv", 5, "only partly inside the period", "2022-01-01 to 2023-12-31"),
        ("finds.csv", 6, "left out by where: kind", "arms"),
        ("finds.csv", 7, "the area holds no segment of the network", "Far away"),
        ("finds.csv", 8, "no place", ""),
        ("finds.csv", 9, "no place", ""),
        ("finds.csv", 10, "no time", ""),
        ("finds.csv", 12, "no count", ""),
    ]


def test_effort_partly_inside_the_period_counts_by_its_days(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,segment,amount\nFY2023,1,365\n2023,2,365\n2022-12,3,5\n")
    period = Period(date(2023, 1, 1), date(2024, 1, 1))
    read = read_effort([effort(file)], NETWORK, folder=tmp_path, period=period)
    np.testing.assert_allclose(read.amount, [273, 365])
    assert read.warnings == (
        (
            "finds.csv: 1 rows lie partly inside 2023-01-01 to 2023-12-31; they count by their"
            " share of days inside."
        ),
    )
    assert [(item.row, item.reason) for item in read.unused] == [(4, "outside the period")]


def test_repeated_rows_count_and_are_told_or_are_dropped(tmp_path: Path) -> None:
    file = csv(
        tmp_path,
        "time,segment,officer\n2023-05-01,1,a\n2023-05-01,1,b\n2023-05-02,1,a\n2023-05-01,1,a\n",
    )
    kept = read_seizures([seizures(file)], NETWORK, folder=tmp_path)
    assert len(kept) == 4
    assert "2 rows repeat an earlier row" in kept.warnings[0].replace("\xa0", " ")
    assert "lines 3, 5" in kept.warnings[0]
    dropped = read_seizures([seizures(file, duplicates="drop")], NETWORK, folder=tmp_path)
    assert len(dropped) == 2
    assert [(item.row, item.reason) for item in dropped.unused] == [
        (3, "repeats an earlier row"),
        (5, "repeats an earlier row"),
    ]
    assert dropped.warnings == ()


HOURS_APART = (
    "time,lon,lat,drug,quantity\n"
    f"2023-05-01 22:10,{WEST + 0.005},{SOUTH},cocaine,2.5\n"
    f"2023-05-01 23:10,{WEST + 0.005},{SOUTH},cocaine,2.5\n"  # 3: summer time
    f"2023-05-02 04:10,{WEST + 0.005},{SOUTH},cocaine,2.5\n"  # 4: six hours, over midnight
    f"2023-05-01 22:40,{WEST + 0.005},{SOUTH},cocaine,2.5\n"  # half an hour: another find
    f"2023-05-01 23:10,{WEST + 0.005},{SOUTH},cocaine,2.6\n"  # another quantity
    f"2023-05-01 23:10,{WEST + 0.015},{SOUTH},cocaine,2.5\n"  # another place
    f"2023-05-03 08:00,{WEST + 0.005},{SOUTH},heroin,1\n"
    f"2023-05-03 11:00,{WEST + 0.005},{SOUTH},heroin,1\n"  # rounded to hours: another find
    f"2023-05-03 09:00,{WEST + 0.005},{SOUTH},heroin,1\n"  # 10: an hour
    f"2023-05-03 08:30,{WEST + 0.005},{SOUTH},heroin,\n"
    f"2023-05-03 09:30,{WEST + 0.005},{SOUTH},heroin,\n"  # no quantity tells them apart
    f"2023-05-04T08:30-06:00,{WEST + 0.005},{SOUTH},heroin,3\n"
    f"2023-05-04T14:30Z,{WEST + 0.005},{SOUTH},heroin,3\n"  # 14: the same moment
)


def test_copies_whole_hours_apart_are_told_with_number_and_cure(tmp_path: Path) -> None:
    file = csv(tmp_path, HOURS_APART)
    kept = read_seizures([seizures(file)], NETWORK, folder=tmp_path)
    assert len(kept) == 13
    (told,) = kept.warnings
    assert "4 finds repeat an earlier one" in told.replace("\xa0", " ")
    assert "lines 3, 4, 10, 14; 2 of them by 1 h" in told
    assert 'duplicates = "drop"' in told
    dropped = read_seizures([seizures(file, duplicates="drop")], NETWORK, folder=tmp_path)
    assert [(item.row, item.detail) for item in dropped.unused] == [
        (3, "1 h"),
        (4, "6 h"),
        (10, "1 h"),
        (14, "0 h"),
    ]
    assert dropped.warnings == ()


def test_copies_an_hour_apart_are_found_in_other_forms_of_days(tmp_path: Path) -> None:
    row = f",{WEST + 0.005},{SOUTH},cocaine,2.5\n"
    head = "time,lon,lat,drug,quantity\n"
    file = csv(tmp_path, f"{head}31/05/2023 22:10{row}31/05/2023 23:10{row}")
    kept = read_seizures([seizures(file)], NETWORK, folder=tmp_path)
    assert "1 find repeats" in kept.warnings[0].replace("\xa0", " ")


def test_patrols_of_hour_after_hour_are_no_copies(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,segment,amount\n2023-05-01 08:10,1,1\n2023-05-01 09:10,1,1\n")
    read = read_effort([effort(file)], NETWORK, folder=tmp_path)
    assert (len(read), read.warnings) == (2, ())


def test_geojson_points_and_rows_without_a_point(tmp_path: Path) -> None:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [WEST + 0.015, SOUTH]},
            "properties": {"when": "2023", "n": 2},
        },
        {
            "type": "Feature",
            "geometry": None,
            "properties": {"when": "2023", "area": "Sierra South", "n": 4},
        },
    ]
    (tmp_path / "finds.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    source = seizures("finds.geojson", columns={"time": "when", "count": "n"})
    records = read_seizures([source], NETWORK, AREAS, folder=tmp_path)
    np.testing.assert_array_equal(records.segment, [1, -1])
    np.testing.assert_array_equal(records.area, [-1, 1])
    np.testing.assert_array_equal(records.count, [2, 4])


@pytest.mark.parametrize(
    "text", ["=1+1", "+SUM(A1)", "-x", "@cmd", "<script>alert(1)</script>", '"a, ""b"""']
)
def test_text_stays_text(tmp_path: Path, text: str) -> None:
    file = csv(tmp_path, f"time,segment,drug\n2023,1,{text}\n")
    records = read_seizures([seizures(file)], NETWORK, folder=tmp_path)
    assert records.drug.tolist() == ['a, "b"' if text.startswith('"') else text]


def test_a_byte_order_mark_and_spaces_do_not_matter(tmp_path: Path) -> None:
    file = csv(tmp_path, "\ufefftime , segment\n 2023 , 1 \n")
    assert len(read_seizures([seizures(file)], NETWORK, folder=tmp_path)) == 1


def test_all_bad_rows_of_all_files_are_told_together(tmp_path: Path) -> None:
    first = csv(
        tmp_path,
        "time,lon,lat,segment,area,quantity,count\n"
        "yesterday,,,1,,,1\n"
        "2023,east,42.5,,,,1\n"
        "2023,1.5,95,,,,1\n"
        "2023,,,99,,,1\n"
        "2023,,,,Sierra Nord,,1\n"
        '2023,,,1,,"1,5",1\n'
        "2023,,,1,,nan,1\n"
        "2023,,,1,,,1.5\n"
        "2023,,,1,,,-1\n"
        "2023,,,1,,,1_0\n",
    )
    second = csv(tmp_path, "time,segment,amount\n2023,1,-4\n2023,1,=2+2\n2023,1,inf\n", "work.csv")
    told = problems(tmp_path, seizures(first))
    path = tmp_path / first
    assert Counter(problem.where for problem in told) == Counter(
        f"{path}, line {line}, column {column!r}"
        for line, column in [
            (2, "time"),
            (3, "lon"),
            (4, "lat"),
            (5, "segment"),
            (6, "area"),
            (7, "quantity"),
            (8, "quantity"),
            (9, "count"),
            (10, "count"),
            (11, "count"),
        ]
    )
    by_line = {problem.where: problem for problem in told}
    assert "Sierra North" in by_line[f"{path}, line 6, column 'area'"].expected
    assert by_line[f"{path}, line 7, column 'quantity'"].found == "'1,5'"
    assert "from 0 to 9" in by_line[f"{path}, line 5, column 'segment'"].expected
    assert [problem.found for problem in problems(tmp_path, effort(second))] == [
        "'-4'",
        "'=2+2'",
        "'inf'",
    ]
    with pytest.raises(InputError) as caught:
        read_seizures(
            [seizures(first), seizures(second), seizures("none.csv")],
            NETWORK,
            AREAS,
            folder=tmp_path,
        )
    assert len(caught.value.problems) == 11


def test_one_fault_of_a_column_is_told_once_with_its_count(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,segment\n" + "1/2/2023,1\n" * 50)
    (told,) = problems(tmp_path, seizures(file, duplicates="keep"))
    assert told.where.endswith("finds.csv, lines 2, 3, 4 and 47 more, column 'time'")
    assert told.found == "50 faults of one kind, such as '1/2/2023'"
    assert told.remedy.startswith("State date_format")


def test_three_rows_with_one_fault_are_told_each_by_itself(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,segment\n" + "".join(f"1/{k}/2023,1\n" for k in (1, 2, 3)))
    told = problems(tmp_path, seizures(file))
    assert [problem.found for problem in told] == ["'1/1/2023'", "'1/2/2023'", "'1/3/2023'"]


def test_many_kinds_of_faults_of_a_column_are_counted_after_the_first_ten() -> None:
    faults = FileProblems("finds.csv")
    for line in reversed(range(2, 62)):
        faults.add(line, f"'a{line}'", f"a name like b{line}", column="area")
    told = faults.problems()
    assert [problem.where for problem in told[:-1]] == [
        f"finds.csv, line {line}, column 'area'" for line in range(2, 12)
    ]
    assert told[-1].found == "50 more faults, 60 in all"


def test_exchanged_coordinates_are_recognised(tmp_path: Path) -> None:
    file = csv(
        tmp_path, "time,lon,lat\n" + "".join(f"2023,{SOUTH},{WEST + x / 100}\n" for x in range(5))
    )
    (problem,) = problems(tmp_path, seizures(file))
    assert problem.remedy == "Exchange lon and lat in the columns mapping"
    assert "1.550, 42.500" in problem.expected


def test_exchanged_coordinates_beyond_the_poles_are_one_fault(tmp_path: Path) -> None:
    network = moved(line_network(3), -100.0, 0.0)
    file = csv(tmp_path, "time,lon,lat\n" + f"2023,{SOUTH},{WEST - 100}\n" * 4)
    with pytest.raises(InputError) as caught:
        read_seizures([seizures(file)], network, folder=tmp_path)
    assert [problem.remedy for problem in caught.value.problems] == [
        "Exchange lon and lat in the columns mapping"
    ]


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        ("", "an empty file", "a file of records"),
        ("\n\n", "an empty file", "a file of records"),
        ("\ntime,segment\n", "no row", "at least one record"),
        ("time,segment\n", "no row", "at least one record"),
        ("segment\n1\n", "no time", "a column of times"),
        ("time,lon\n2023,1.5\n", "no place", "lon and lat, or segment, or area"),
        ("tim;segmen\n2023;1\n", "no time among 'tim', 'segmen'", "a column of times"),
        ("time,segment\n2023\n", "1 cells", "2, one a column"),
        ("time,segment\n2023,1,2\n", "3 cells", "2, one a column"),
        ('time,segment\n"2023,1\n', "unexpected end of data", "quotes that are closed"),
        ("time,time,segment\n2023,2023,1\n", "column 'time' 2 times", "each column once"),
        (
            f"time,lon,lat\n2023,{WEST},{SOUTH + 1}\n",
            "no row that can be used: 1 of 1 farther than 500 m from every segment",
            "at least one",
        ),
    ],
)
def test_files_that_cannot_be_used_say_why(
    tmp_path: Path, text: str, found: str, expected: str
) -> None:
    told = problems(tmp_path, seizures(csv(tmp_path, text)))
    assert told[0].where.startswith(str(tmp_path / "finds.csv"))
    assert found in told[0].found
    assert expected in told[0].expected


def test_rows_left_out_by_where_do_not_hide_why_the_others_cannot_be_used(tmp_path: Path) -> None:
    """An extract without the far side leaves the strips of field offices without roads:
    that is the fault, not the rows of other agencies.
    """
    file = csv(
        tmp_path,
        f"time,lon,lat,kind\n2023,{WEST},{SOUTH},y\n2023,{WEST},{SOUTH},y\n2023,{WEST},{SOUTH + 1},x\n",
    )
    (problem,) = problems(tmp_path, seizures(file, where={"kind": "x"}))
    assert "1 of 3 farther than 500 m" in problem.found


def test_a_column_that_was_named_must_be_there(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,segment\n2023,1\n")
    told = problems(
        tmp_path, seizures(file, columns={"count": "events", "drug": "type"}, where={"kind": "x"})
    )
    assert [problem.found for problem in told] == [
        f"no column {name!r} among 'time', 'segment'" for name in ("type", "events", "kind")
    ]
    semicolons = csv(tmp_path, "when;segment\n2023;1\n", "semicolons.csv")
    (problem,) = problems(tmp_path, seizures(semicolons, columns={"time": "Date"}))
    assert problem.found == "no column 'Date' among 'when', 'segment'"


def test_effort_needs_an_amount(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, effort(csv(tmp_path, "time,segment\n2023,1\n")))
    assert "amount_per_row" in problem.remedy


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, seizures("none.csv"))[0].found == "no such file"


@pytest.mark.parametrize(
    "word", ["caña", "cocaína en La Peña", "¿?, Ibáñez", "Größe", "ação", "forêt à l'été, 5€"]
)
def test_what_excel_writes_is_read_and_said(tmp_path: Path, word: str) -> None:
    (tmp_path / "excel.csv").write_bytes(f'time,segment,drug\n2023,1,"{word}"\n'.encode("cp1252"))
    read = read_seizures([seizures("excel.csv")], NETWORK, folder=tmp_path)
    assert read.drug.tolist() == [word]
    assert any(
        "excel.csv: read with Windows-1252 as its encoding" in warning for warning in read.warnings
    )


@pytest.mark.parametrize(
    ("word", "encoding"),
    [
        *(("кокаин", name) for name in ("cp1251", "koi8_r", "cp866", "mac_cyrillic")),
        ("κοκαΐνη", "cp1253"),
        ("eroin, Edirne dağ", "cp1254"),
        ("Żółć, ogórek", "cp1250"),
        ("Příbor", "cp1250"),
        *(("cocaína de la caña", name) for name in ("cp437", "cp850", "mac_roman")),
        ("コカイン", "shift_jis"),
    ],
)
def test_another_encoding_is_refused_and_not_guessed(
    tmp_path: Path, word: str, encoding: str
) -> None:
    (tmp_path / "other.csv").write_bytes(f"time,segment,drug\n2023,1,{word}\n".encode(encoding))
    assert "bytes that are not UTF-8" in problems(tmp_path, seizures("other.csv"))[0].found


def test_dates_and_quantities_that_nobody_means_are_told_with_their_line(tmp_path: Path) -> None:
    rows = (
        "2023-05-01,1,2",
        "2203-05-01,1,2",
        "2204,1,2",
        "0202-05-01,1,2",
        "2023,1,5000000",
        "FY2026,1,10",
    )
    file = csv(tmp_path, "\n".join(("time,segment,quantity", *rows)) + "\n")
    future, past, large = read_seizures([seizures(file)], NETWORK, folder=tmp_path).warnings
    assert "line 3: 2203-05-01 is in the future; rows so dated: 2" in future
    assert "line 5: 0202-05-01 is long past" in past
    assert re.search(r"line 6: 5.000 t in one seizure; rows with more than 50 t: 1", large)


def test_geojson_of_lines_is_no_record(tmp_path: Path) -> None:
    line = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]},
        "properties": {},
    }
    (tmp_path / "finds.geojson").write_text(json.dumps({"features": [line]}))
    (problem,) = problems(tmp_path, seizures("finds.geojson"))
    assert (problem.found, problem.where) == (
        "LineString",
        f"{tmp_path / 'finds.geojson'}, feature 1",
    )


def test_an_area_name_without_any_area_is_a_fault(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,area\n2023,Somewhere\n")
    with pytest.raises(InputError, match="the scenario has none"):
        read_seizures([seizures(file)], NETWORK, folder=tmp_path)


def test_days_whose_order_the_file_tells_are_read_and_said(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,segment\n31/12/2023,7\n02/01/2024,7\n")
    records = read_seizures([seizures(file)], NETWORK, folder=tmp_path)
    assert records.start.astype(str).tolist() == ["2023-12-31", "2024-01-02"]
    (said,) = records.warnings
    assert "finds.csv: days are read as %d/%m/%Y" in said
    problem, _ = problems(
        tmp_path, seizures(csv(tmp_path, "time,segment\n03/01/2024,7\n02/01/2024,7\n"))
    )
    assert "does not tell the day from the month" in problem.remedy
    both = csv(tmp_path, "time,segment,agency\n31/12/2023,7,army\n03/01/2024,7,police\n")
    (problem,) = problems(tmp_path, seizures(both, where={"agency": ["police"]}))
    assert "does not tell the day from the month" in problem.remedy, (
        "rows of another agency say nothing of these"
    )


def test_sources_come_from_toml_and_refuse_what_they_do_not_know() -> None:
    content = tomllib.loads("""
        [[seizures]]
        file = "s.csv"
        source = "CBP"
        columns = { time = "fy", area = "sector", count = "events" }
        where = { component = "U.S. Border Patrol", drug = ["Cocaine", "Heroin"] }
        date_format = "fiscal-year"
        [[effort]]
        file = "e.csv"
        source = "CBP"
        unit = "agent-years"
        columns = { from = "first", to = "last" }
        """)
    source = SeizureSource.model_validate(content["seizures"][0])
    assert source.where == {"component": ("U.S. Border Patrol",), "drug": ("Cocaine", "Heroin")}
    assert EffortSource.model_validate(content["effort"][0]).columns.start == "first"
    for wrong in (
        {"file": "a", "source": "b", "colums": {}},
        {"file": "a", "source": "b", "columns": {"name": "suspect"}},
        {"file": "a", "source": "b", "max_distance_m": -1},
        {"file": "a", "source": "b", "period": "someday"},
        {"file": "a", "source": "b", "date_format": "%d/%m"},
        {"file": "a", "source": "b", "quantity_unit": "stone"},
        {"file": "a"},
    ):
        with pytest.raises(ValidationError):
            SeizureSource.model_validate(wrong)


@needs("stop-search")
def test_one_file_of_searches_gives_effort_and_finds() -> None:
    columns = {"time": "Date", "lon": "Longitude", "lat": "Latitude"}
    shared: dict[str, Any] = {
        "file": "2020-01-essex-stop-and-search.csv",
        "source": "data.police.uk",
        "columns": columns,
        "max_distance_m": 200_000,
        "duplicates": "drop",
    }
    network = moved(line_network(10), 0.55 - WEST, 51.75 - SOUTH)
    drugs = {"Object of search": "Controlled drugs"}
    searches = read_effort(
        [EffortSource(**shared, unit="searches", amount_per_row=1, where=drugs)],
        network,
        folder=STOP_SEARCH,
    )
    finds = read_seizures(
        [SeizureSource(**shared, where=drugs | {"Outcome linked to object of search": "True"})],
        network,
        folder=STOP_SEARCH,
    )
    assert 0 < len(finds) < len(searches)
    assert {item.reason for item in searches.unused} == {
        "farther than 200,000 m from every segment",
        "left out by where: Object of search",
        "no place",
        "repeats an earlier row",
    }
    rows = len((STOP_SEARCH / shared["file"]).read_text(encoding="utf-8").splitlines()) - 1
    assert len(searches) + len(searches.unused) == rows
    assert len(finds) + len(finds.unused) == rows


CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            "2023",
            "FY2023",
            "1",
            "-1",
            "1e999",
            "0x1",
            "nan",
            "Sierra North",
            f"{WEST}",
            f"{SOUTH}",
            "=1+1",
            '"',
            "1.5",
        ]
    ),
    st.text(max_size=6),
)


@examples(200)
@given(
    rows=st.lists(st.lists(CELLS, min_size=7, max_size=7), max_size=4), tail=st.text(max_size=10)
)
def test_whatever_a_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], tail: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    with (folder / "finds.csv").open(
        "w", encoding="utf-8", newline="", errors="surrogatepass"
    ) as stream:
        write_rows = writer(stream)
        write_rows.writerow(["time", "lon", "lat", "segment", "area", "quantity", "count"])
        write_rows.writerows(rows)
        stream.write(tail)
    with suppress(InputError):  # refused: any other exception fails
        records = read_seizures([seizures("finds.csv")], NETWORK, AREAS, folder=folder)
        assert len(records) + len(records.unused) >= len(rows)
        assert ((records.segment >= 0) != (records.area >= 0)).all()
        assert (records.count >= 0).all()
        assert (records.start < records.end).all()


PLAIN = "time,lon,lat,drug,quantity\n2024-03-01,1.51,42.5,cocaine,2.5\n2024-03-02,1.53,42.5,heroin,1.25\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PLAIN.replace(",", ";").encode(), "semicolons between cells"),
        (PLAIN.replace(",", "\t").encode(), "tabs between cells"),
        (PLAIN.replace(",", "|").encode(), "vertical bars between cells"),
        (
            PLAIN.replace(",", ";").replace(".", ",").encode(),
            "semicolons between cells, decimal commas",
        ),
        (PLAIN.replace(",", "\t").encode("utf-16"), "UTF-16, tabs between cells"),
        (
            PLAIN.replace("lon,lat", "lng,Latitude").encode(),
            "the column 'lng' for 'lon', the column 'Latitude' for 'lat'",
        ),
        (PLAIN.replace("time", "Time").encode(), "the column 'Time' for 'time'"),
    ],
)
def test_a_table_that_can_be_read_in_one_way_only_is_read_and_that_is_said(
    tmp_path: Path, content: bytes, said: str
) -> None:
    plain = read_seizures([seizures(csv(tmp_path, PLAIN, "plain.csv"))], NETWORK, folder=tmp_path)
    (tmp_path / "other.csv").write_bytes(content)
    other = read_seizures([seizures("other.csv")], NETWORK, folder=tmp_path)
    assert other.warnings == (f"other.csv: read with {said}.",)
    assert plain.warnings == ()
    for name in ("segment", "start", "quantity_kg", "drug"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(other, name))


@pytest.mark.parametrize(
    ("others", "said"),
    [("3", True), ("2.750", True), ("2.5", False), ("1200", False), ("0.750", False)],
)
@pytest.mark.parametrize("unit", ["", " kg"])
def test_a_point_that_may_stand_between_thousands_is_said(
    tmp_path: Path, others: str, said: bool, unit: str
) -> None:
    file = csv(tmp_path, f"time,segment,quantity\n2024,1,{others}\n2024,1,1.400{unit}\n")
    found = read_seizures([seizures(file)], NETWORK, folder=tmp_path)
    assert found.quantity_kg[1] == 1.4
    assert len(found.warnings) == said
    if said and others == "3":
        assert all(
            word in found.warnings[0]
            for word in (
                "line 3, column 'quantity': 1.400 is read as 1.4",
                "number of the column",
                "write 1400",
            )
        )


@pytest.mark.parametrize("count", ["1.000", "1.400", "1.000.000"])
def test_a_count_with_a_point_between_thousands_is_refused(tmp_path: Path, count: str) -> None:
    file = csv(tmp_path, f"time,segment,count\n2024,1,3.0\n2024,1,{count}\n")
    (problem,) = problems(tmp_path, seizures(file))
    assert "line 3" in problem.where
    assert count in problem.found
    assert "thousands without a mark" in problem.remedy


def test_a_number_that_may_have_a_comma_for_thousands_is_refused(tmp_path: Path) -> None:
    file = csv(tmp_path, "time;segment;quantity\n2024;1;1,250\n2024;1;2,500\n")
    (problem,) = problems(tmp_path, seizures(file))[:1]
    assert problem.found == "'1,250'"


def test_two_columns_that_can_be_the_longitude_are_not_guessed_at(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,lng,longitude,lat\n2024,1,1,42\n")
    (problem,) = problems(tmp_path, seizures(file))
    assert problem.found == "no place among 'lng', 'longitude'"


def test_a_cell_that_is_too_long_is_a_fault(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,segment,drug\n2024,1," + "x" * 140_000 + "\n")
    (problem,) = problems(tmp_path, seizures(file))
    assert "field larger" in problem.found


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"PK\x03\x04" + bytes(30) + b"xl/workbook.xml", "an Excel workbook (.xlsx)"),
        (b'{"features": []}', "JSON: GeoJSON"),
    ],
)
def test_records_of_another_kind_are_named(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "finds.csv").write_bytes(content)
    assert problems(tmp_path, seizures("finds.csv"))[0].found.startswith(found)


def test_metres_are_one_fault_that_names_the_reference_system(tmp_path: Path) -> None:
    file = csv(tmp_path, "time,lon,lat\n2024,456789.5,4650000\n2024,456780,4650001\n")
    (problem,) = problems(tmp_path, seizures(file))
    assert problem.found == "2 positions such as 456789.5, 4650000"
    assert "projected reference system" in problem.expected
    assert "EPSG:4326" in problem.remedy


def test_words_for_missing_values_empty_a_cell_and_are_counted(tmp_path: Path) -> None:
    file = csv(
        tmp_path,
        "time,lon,lat,drug,quantity,agency\n"
        f"2023-01-01,{WEST},{SOUTH},NA,n/a,-\n"
        f"2023-01-02,{WEST},{SOUTH},cocaine,-,-\n"
        "2023-01-03,NULL,-,cocaine,1,-\n"
        f"NA,{WEST},{SOUTH},cocaine,1,-\n"
        f"2023-01-05,{WEST},{SOUTH},cocaine,1,Guard\n",
    )
    read = read_seizures([seizures(file, where={"agency": "-"})], NETWORK, folder=tmp_path)
    assert read.drug.tolist() == ["", "cocaine"]
    assert np.isnan(read.quantity_kg).all()
    reasons = Counter(item.reason for item in read.unused)
    assert reasons == {"no place": 1, "no time": 1, "left out by where: agency": 1}
    said = (
        "finds.csv: 6\N{NO-BREAK SPACE}cells read as missing values (-, NA, NULL, n/a); state other"
        " words under missing."
    )
    assert read.warnings[0] == said


def test_other_words_for_missing_values_are_named_by_the_scenario(tmp_path: Path) -> None:
    rows = (
        f"time,lon,lat,quantity\n2023-01-01,{WEST},{SOUTH},unknown\n2023-01-02,{WEST},{SOUTH},-\n"
    )
    file = csv(tmp_path, rows)
    (problem,) = problems(tmp_path, seizures(file))
    assert (problem.found, problem.remedy) == (
        "'unknown'",
        "If the word means that the value is missing, name it in missing",
    )
    assert (
        len(read_seizures([seizures(file, missing=["Unknown", "-"])], NETWORK, folder=tmp_path))
        == 2
    )
    assert {problem.found for problem in problems(tmp_path, seizures(file, missing=[]))} == {
        "'unknown'",
        "'-'",
    }


def test_properties_of_features_may_hold_words_for_missing_values(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [WEST, SOUTH]}
    feature = {
        "type": "Feature",
        "geometry": point,
        "properties": {"time": "2023", "quantity": "NA"},
    }
    (tmp_path / "a.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]})
    )
    assert np.isnan(
        read_seizures([seizures("a.geojson")], NETWORK, folder=tmp_path).quantity_kg
    ).all()


def test_points_far_from_their_road_are_named_with_distance_and_line(tmp_path: Path) -> None:
    metres = [0, 99, 150, 480, 101, 600]  # the last is too far to be used
    rows = "".join(
        f"2023-01-0{k},{WEST + 0.01},{SOUTH + each / 111_195}\n"
        for k, each in enumerate(metres, start=1)
    )
    file = csv(tmp_path, "time,lon,lat\n" + rows)
    read = read_seizures([seizures(file)], NETWORK, folder=tmp_path)
    (said,) = (warning for warning in read.warnings if "nearest road" in warning)
    assert (
        said
        == "finds.csv: 3 of 5\N{NO-BREAK SPACE}points lie more than 100 m from the nearest road,"
        " which they count for: 480 m (line 5), 150 m (line 4), 101 m (line 6). Check them and"
        " the modes of the region; max_distance_m = 100 leaves them out."
    )
    assert len(read_seizures([seizures(file, max_distance_m=100)], NETWORK, folder=tmp_path)) == 2
    near = csv(tmp_path, "time,lon,lat\n" + "".join(rows.splitlines(keepends=True)[:2]), "near.csv")
    assert read_seizures([seizures(near)], NETWORK, folder=tmp_path).warnings == ()
