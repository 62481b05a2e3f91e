"""Foreign records: what is read, what is dropped and why, and that nothing about a
person comes through.
"""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from optimizer.base.choices import Unfilled
from optimizer.base.errors import InputError
from optimizer.base.files.output_folder import MARKER
from optimizer.cli.import_ import import_app
from optimizer.lab.backtest.searches import read_searches
from optimizer.records import (
    Area,
    Effort,
    EffortSource,
    Seizures,
    SeizureSource,
    read_effort,
    read_seizures,
)
from optimizer.records.importers.cbp import OFFICE_OF_REGION, import_cbp
from optimizer.records.importers.frames import Imported, read_columns, safe_text, write_import
from optimizer.records.importers.mapped_csv import checked_mapping, import_csv
from optimizer.records.importers.stop_search import Filling, filling, import_stop_search
from optimizer.records.personal import is_personal
from optimizer.roster.model import safe_cell
from tests.examples import examples
from tests.output_cases import csv_rows, output_folder
from tests.risk_cases import SOUTH, WEST, line_network
from tests.shared_data import DATA, needs

ROOT = Path(__file__).parents[1]
STOP_SEARCH = DATA / "stop-search"
CBP = DATA / "cbp"
TRAFFIC = CBP / "tx-mx-yearly-crossings-2008-2025.csv"
real_searches = needs("stop-search")
real_cbp = needs("cbp")

HEAD = (
    "Type,Date,Part of a policing operation,Latitude,Longitude,Legislation,Object of"
    " search,Outcome,Outcome linked to object of search"
)
NFA, ARREST = "A no further action disposal", "Arrest"
CBP_HEAD = (
    "FY,Month (abbv),Component,Region,Land Filter,Area of Responsibility,Drug Type,Count of"
    " Event,Sum Qty (lbs)"
)
CBP_ROWS = (
    (
        "2020,OCT,Office of Field Operations,Southwest Border,Land Only,LAREDO FIELD"
        " OFFICE,Cocaine,3,10.5"
    ),
    "2020,OCT,Office of Field Operations,Southwest Border,Other,LAREDO FIELD OFFICE,Cocaine,1,0.5",
    "2020,JAN,U.S. Border Patrol,Southwest Border,Land Only,LAREDO SECTOR,Heroin,2,1.25",
    (
        "2021 (FYTD),DEC,Office of Field Operations,Southwest Border,Land Only,LAREDO FIELD"
        " OFFICE,Cocaine,4,2"
    ),
)


def search(
    date: str = "2020-01-01T10:00:00+00:00",
    at: tuple[object, object] = (SOUTH, WEST + 0.005),
    outcome: str = NFA,
    linked: str = "False",
    what: str = "Controlled drugs",
) -> str:
    return f"Person search,{date},False,{at[0]},{at[1]},An Act,{what},{outcome},{linked}"


def searches(
    folder: Path,
    rows: Sequence[str],
    name: str = "2020-01-essex-stop-and-search.csv",
    head: str = HEAD,
) -> Path:
    (folder / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return folder / name


def cbp_file(folder: Path, rows: Sequence[str] = CBP_ROWS, name: str = "cbp.csv") -> Path:
    return searches(folder, rows, name, CBP_HEAD)


def table(folder: Path, text: str, name: str = "table.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def complaint(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    return str(caught.value)


def read_back(folder: Path, areas: Sequence[Area] = ()) -> tuple[Seizures, Effort]:
    """Read what an import wrote as a scenario would, through its own `records.toml`."""
    entries = tomllib.loads((folder / "records.toml").read_text(encoding="utf-8"))["records"]
    network = line_network(10)
    found = [SeizureSource.model_validate(entry) for entry in entries.get("seizures", [])]
    sought = [EffortSource.model_validate(entry) for entry in entries.get("effort", [])]
    return read_seizures(found, network, areas, folder=folder), read_effort(
        sought, network, areas, folder=folder
    )


def balanced(imported: Imported) -> bool:
    summary = imported.summary
    return summary.rows == summary.kept + sum(summary.dropped.values())


def told(imported: Imported) -> str:
    return " ".join(imported.summary.notes)


def test_every_search_is_effort_and_its_outcome_a_seizure(tmp_path: Path) -> None:
    rows = [
        search("2020-01-01T10:00:00+00:00", linked="True"),
        search("2020-01-02T10:00:00+00:00"),
        search("2020-01-02T10:00:59+00:00", (SOUTH, WEST + 0.015), linked="True"),
        search("2020-02-02T10:00:00+00:00", linked="True"),
    ]
    imported = import_stop_search([searches(tmp_path, rows)])
    write_import(output_folder(tmp_path / "out"), imported)
    records, effort = read_back(tmp_path / "out")
    assert balanced(imported)
    assert sorted(
        zip(effort.segment.tolist(), effort.start.astype(str), effort.amount.tolist(), strict=True)
    ) == [
        (0, "2020-01-01", 2.0),
        (0, "2020-02-01", 1.0),
        (1, "2020-01-01", 1.0),
    ]
    assert sorted(
        zip(
            records.segment.tolist(), records.start.astype(str), records.count.tolist(), strict=True
        )
    ) == [
        (0, "2020-01-01", 1.0),
        (0, "2020-02-01", 1.0),
        (1, "2020-01-01", 1.0),
    ]
    assert records.effort_unit == effort.unit == ("searches by essex",)
    assert records.warnings == effort.warnings == ()


def test_why_searches_are_dropped_is_counted(tmp_path: Path) -> None:
    rows = [
        search(),
        search(),
        search("2020-01-03T10:00:00+00:00", what="Stolen goods"),
        search("2020-01-03T10:00:00+00:00", what=""),
        search("2020-01-03T10:00:00+00:00", at=("", "")),
        search(""),
        search("2020-01-02T10:00:00+00:00"),
    ]
    imported = import_stop_search([searches(tmp_path, rows)])
    assert imported.summary.dropped == {
        "no object of search": 1,
        "another object of search": 1,
        "copy of an earlier row, essex": 1,
        "no date": 1,
        "no coordinates": 1,
    }
    assert balanced(imported)
    assert imported.summary.counts["rows_out_of_date_order"] == 1
    every = import_stop_search([tmp_path / "2020-01-essex-stop-and-search.csv"], objects=["all"])
    assert every.summary.kept == 4


def test_people_searched_together_are_one_search(tmp_path: Path) -> None:
    together = [
        search("2020-01-01T10:00:01+00:00", linked="True"),
        search("2020-01-01T10:00:31+00:00"),
        search("2020-01-01T10:00:45+00:00"),
    ]
    alone = search("2020-01-01T10:01:00+00:00")
    path = searches(tmp_path, [*together, alone])
    one, each = import_stop_search([path]), import_stop_search([path], groups="each")
    assert one.summary.counts["groups"] == 1
    assert one.summary.counts["people_in_groups"] == 3
    assert "3 people were searched in 1 groups" in told(one)
    assert one.tables["effort.csv"]["amount"].tolist() == [2]
    assert one.tables["seizures.csv"]["count"].tolist() == [1]
    assert each.tables["effort.csv"]["amount"].tolist() == [4]
    people = one.tables["searches.csv"]
    assert people["size"].tolist() == [3, 3, 3, 1]
    assert people["weight"].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])
    assert people["found"].tolist() == [1, 0, 0, 0]


def test_other_forces_at_the_same_minute_and_point_are_another_group(tmp_path: Path) -> None:
    files = [
        searches(tmp_path, [search()], f"2020-01-{force}-stop-and-search.csv")
        for force in ("essex", "kent")
    ]
    imported = import_stop_search(files)
    assert imported.summary.counts["groups"] == 0
    assert imported.summary.dropped == {}
    assert imported.tables["effort.csv"]["source"].tolist() == ["essex", "kent"]


moments = st.sampled_from(
    [
        f"2020-0{month}-01T10:0{minute}:{second}+00:00"
        for month in (1, 2)
        for minute in (0, 1)
        for second in ("00", "30")
    ]
)
points = st.sampled_from([(42.5, 1.5), (42.5, 1.6), ("", "")])
outcomes = st.sampled_from(["True", "False"])


@pytest.mark.slow
@examples(20)
@given(st.lists(st.tuples(moments, points, outcomes), min_size=1, max_size=12))
def test_tables_are_those_of_a_loop_and_a_file_given_twice_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, tuple[object, object], str]]
) -> None:
    drawn = [*drawn, ("2020-03-01T00:00:00+00:00", (42.5, 1.5), "True")]
    folder = tmp_path_factory.mktemp("searches")
    path = searches(folder, [search(date, at, linked=linked) for date, at, linked in drawn])
    found: dict[tuple[str, object], dict[str, bool]] = defaultdict(dict)
    for date, at, linked in drawn:
        if at[0] != "":
            minutes = found[date[:7], at[1]]
            minutes[date[:16]] = minutes.get(date[:16], False) or linked == "True"
    imported = import_stop_search([path])
    effort = imported.tables["effort.csv"]
    assert {(row.time, row.lon): row.amount for row in effort.itertuples()} == {
        key: len(by) for key, by in found.items()
    }
    seizures = imported.tables["seizures.csv"]
    expected = {key: sum(by.values()) for key, by in found.items() if any(by.values())}
    assert (
        dict(
            zip(zip(seizures["time"], seizures["lon"], strict=True), seizures["count"], strict=True)
        )
        == expected
    )
    people = imported.tables["searches.csv"]
    assert people.groupby("group")["weight"].sum().to_numpy() == pytest.approx(1)
    twice = import_stop_search([path, path])
    assert balanced(imported)
    assert balanced(twice)
    for name in imported.tables:
        pd.testing.assert_frame_equal(imported.tables[name], twice.tables[name])


POSITIVE_ONLY = [
    *(search(f"2020-01-0{day}T10:00:00+00:00", outcome=NFA, linked="") for day in range(1, 6)),
    *(
        search(f"2020-01-0{day}T11:00:00+00:00", outcome=ARREST, linked="True")
        for day in range(1, 4)
    ),
]
NOT_FILLED = [
    search(f"2020-01-0{day}T10:00:00+00:00", outcome=ARREST, linked="") for day in range(1, 6)
]


@pytest.mark.parametrize(
    ("unfilled", "kept", "found"), [("auto", 9, 3), ("drop", 1, 0), ("negative", 14, 3)]
)
def test_forces_that_do_not_fill_the_outcome_are_named(
    tmp_path: Path, unfilled: Unfilled, kept: int, found: int
) -> None:
    files = [
        searches(tmp_path, [search()], "2020-01-city-stop-and-search.csv"),
        searches(tmp_path, POSITIVE_ONLY, "2020-01-mersey-stop-and-search.csv"),
        searches(tmp_path, NOT_FILLED, "2020-01-leicester-stop-and-search.csv"),
    ]
    imported = import_stop_search(files, unfilled=unfilled)
    assert imported.summary.kept == kept
    assert imported.tables["searches.csv"]["found"].sum() == found
    assert balanced(imported)
    assert (
        "mersey: outcome filled in only where the search led to action (5 of 8 searches without)"
        in told(imported)
    )
    assert "leicester: outcome not filled in (5 of 5 searches without)" in told(imported)
    assert "city:" not in told(imported)


def test_a_force_without_any_find_leaves_no_entry_that_cannot_be_read(tmp_path: Path) -> None:
    files = [
        searches(tmp_path, [search()], "2020-01-city-stop-and-search.csv"),
        searches(tmp_path, [search(linked="True")], "2020-01-kent-stop-and-search.csv"),
    ]
    write_import(output_folder(tmp_path / "out"), import_stop_search(files))
    records, effort = read_back(tmp_path / "out")
    assert records.source_name == ("kent",)
    assert effort.source_name == ("city", "kent")


CANARY = "CANARY"


def test_personal_columns_come_out_nowhere(tmp_path: Path) -> None:
    head = (
        f"{HEAD},Gender,Age range,Self-defined ethnicity,Officer-defined ethnicity,Removal of more"
        " than just outer clothing"
    )
    planted = "," + ",".join([CANARY] * 5)
    path = searches(
        tmp_path,
        [search(linked="True") + planted, search("2020-01-02T10:00:00+00:00") + planted],
        head=head,
    )
    out = tmp_path / "out"
    done = CliRunner().invoke(import_app, ["stop-search", str(path), "--out", str(out), "--json"])
    assert done.exit_code == 0
    written = {file.name: file.read_text(encoding="utf-8") for file in out.iterdir()}
    assert set(written) == {
        MARKER,
        "seizures.csv",
        "effort.csv",
        "searches.csv",
        "records.toml",
        "import.json",
    }
    for text in (*written.values(), done.output):
        assert CANARY not in text
        assert "thnicity" not in text
    broken = searches(
        tmp_path,
        [search() + planted + "," + CANARY, search(linked=CANARY + "?") + planted[:-7] + ","],
        head=head,
    )
    assert CANARY not in complaint(import_stop_search, [broken]).replace(f"{CANARY}?", "")
    named = CliRunner().invoke(
        import_app,
        [
            "csv",
            str(path),
            "--date",
            "Date",
            "--lon",
            "Longitude",
            "--lat",
            "Latitude",
            "--outcome",
            "Gender",
            "--out",
            str(out),
        ],
    )
    assert isinstance(named.exception, InputError)
    assert "looks like one about people" in str(named.exception)
    assert CANARY not in str(named.exception)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (search("2020-13-01T10:00:00+00:00"), "line 3: found Date '2020-13-01T10:00:00+00:00'"),
        (search("01/02/2020 10:00"), "line 3: found Date '01/02/2020 10:00'"),
        (search(at=("north", 1.5)), "line 3: found Latitude 'north'"),
        (search(at=(142.5, 1.5)), "line 3: found Latitude '142.5'"),
        (search(linked="perhaps"), "line 3: found Outcome linked to object of search 'perhaps'"),
        (search() + ",more", "line 3: found 10 cells; expected 9"),
        ('"', "line 3: found unexpected end of data"),
    ],
)
def test_bad_rows_are_named_by_line(tmp_path: Path, row: str, words: str) -> None:
    assert words in complaint(import_stop_search, [searches(tmp_path, [search(), row])])


def test_lines_are_told_where_cells_span_several(tmp_path: Path) -> None:
    rows = [search().replace("An Act", '"An\nAct"'), "", search("never")]
    assert "line 5: found Date 'never'" in complaint(import_stop_search, [searches(tmp_path, rows)])


def test_one_fault_of_a_column_is_told_once(tmp_path: Path) -> None:
    rows = [search(f"never {k}") for k in range(25)]
    (line,) = complaint(import_stop_search, [searches(tmp_path, rows)]).splitlines()
    assert "lines 2, 3, 4 and 22 more" in line
    assert "found 25 faults of one kind, such as Date 'never 0'" in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"\n\n", "an empty file"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "a web page"),
        (HEAD.encode() + b"\n", "a header and no row"),
        (HEAD.encode() + b"\nA caf\x82,,,,,,,,\n", "line 2: found bytes that are not UTF-8"),
        (HEAD.encode("utf-16"), "a header and no row"),
        (b"PK\x03\x04abc", "found a ZIP archive"),
        (HEAD.replace(",", ";").encode() + b"\n1;2\n", "Quote cells that hold semicolons"),
        (HEAD.replace("Latitude", "Lattitude").encode() + b"\n", "Did you mean 'Lattitude'?"),
    ],
)
def test_files_of_another_kind_get_one_message(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "file.csv").write_bytes(content)
    assert words in complaint(import_stop_search, [tmp_path / "file.csv"])


def test_what_cannot_be_imported_is_told(tmp_path: Path) -> None:
    path = searches(tmp_path, [search()])
    assert "Did you mean 'Controlled drugs'?" in complaint(
        import_stop_search, [path], objects=["controled drugs"]
    )
    assert "no search left" in complaint(
        import_stop_search, [searches(tmp_path, [search(at=("", ""))])]
    )
    assert "no file *stop-and-search.csv" in complaint(import_stop_search, [ROOT / "tests"])
    assert "no such file" in complaint(import_stop_search, [tmp_path / "none.csv"])


@real_searches
def test_the_real_searches() -> None:
    imported = import_stop_search([STOP_SEARCH])
    summary = imported.summary
    assert (summary.rows, summary.kept) == (16566, 9195)
    assert (
        summary.rows
        - summary.dropped["another object of search"]
        - summary.dropped["no object of search"]
        == 12054
    )
    assert balanced(imported)
    assert "leicestershire: outcome not filled in" in told(imported)
    assert "merseyside: outcome filled in only where the search led to action" in told(imported)
    assert "essex: outcome" not in told(imported)
    again = pd.concat(
        pd.read_csv(file, dtype=str, keep_default_na=False)
        for file in sorted(STOP_SEARCH.glob("*essex*"))
    )
    drugs = again[again["Object of search"] == "Controlled drugs"]
    assert summary.dropped["copy of an earlier row, essex"] == drugs.duplicated().sum() == 702
    placed = drugs[drugs["Latitude"] != ""]
    groups = placed.groupby([placed["Date"].str[:16], "Latitude", "Longitude"])[
        "Outcome linked to object of search"
    ].max()
    assert summary.counts["searches_by_force"]["essex"] == len(groups)
    seizures = imported.tables["seizures.csv"]
    assert seizures.loc[seizures["source"] == "essex", "count"].sum() == (groups == "True").sum()


def test_events_and_pounds_are_added_up_by_month_and_area(tmp_path: Path) -> None:
    imported = import_cbp([cbp_file(tmp_path)], constant=2)
    seizures = imported.tables["seizures.csv"]
    assert seizures.drop(columns=["component", "effort_proxy"]).to_numpy().tolist() == [
        ["2019-10", "LAREDO FIELD OFFICE", "Cocaine", 4, 11.0],
        ["2020-01", "LAREDO SECTOR", "Heroin", 2, 1.25],
        ["2020-12", "LAREDO FIELD OFFICE", "Cocaine", 4, 2.0],
    ]
    effort = imported.tables["effort.csv"]
    # October 2019 to December 2020, also the months in which nothing was found
    assert len(effort) == 2 * 15
    assert set(effort["amount"]) == {2.0}
    assert imported.summary.counts["events_read"] == imported.summary.counts["events_kept"] == 10


@pytest.mark.parametrize("given", [{}, {"constant": 1.0, "staffing": Path("staff.csv")}])
def test_a_proxy_of_effort_must_be_stated(tmp_path: Path, given: dict[str, Any]) -> None:
    message = complaint(import_cbp, [cbp_file(tmp_path)], **given)
    assert "search effort, which CBP's files do not carry" in message
    assert "exactly one of --crossings FILE, --staffing FILE and --constant AMOUNT" in message


@pytest.mark.parametrize("amount", [0.0, -1.0, float("inf"), float("nan")])
def test_a_constant_is_a_number_above_zero(tmp_path: Path, amount: float) -> None:
    assert "a number above zero" in complaint(import_cbp, [cbp_file(tmp_path)], constant=amount)


STAFF = (
    "area,time,staff\nlaredo field office,FY2020,100\nLaredo Sector,2020-01,30\nLAREDO FIELD"
    " OFFICE,FY2021,200\n"
)


def test_staff_becomes_staff_months_within_the_records_time(tmp_path: Path) -> None:
    imported = import_cbp([cbp_file(tmp_path)], staffing=table(tmp_path, STAFF))
    effort = imported.tables["effort.csv"]
    assert effort[["area", "time"]].to_numpy().tolist() == [
        ["LAREDO FIELD OFFICE", "2019-10/2020-09"],
        ["LAREDO FIELD OFFICE", "2020-10/2020-12"],
        ["LAREDO SECTOR", "2020-01"],
    ]
    assert effort["amount"].tolist() == pytest.approx([1200, 2400 * 92 / 365, 30])
    assert imported.summary.counts["effort_spans_cut"] == 1


def test_the_proxy_is_named_in_every_output(tmp_path: Path) -> None:
    path, staff = cbp_file(tmp_path), table(tmp_path, STAFF, "staff.csv")
    out = tmp_path / "out"
    done = CliRunner().invoke(
        import_app, ["cbp", str(path), "--staffing", str(staff), "--out", str(out)]
    )
    assert done.exit_code == 0, done.exception
    for file in (path for path in out.iterdir() if path.name != MARKER):
        assert "staff of staff.csv" in file.read_text(encoding="utf-8"), file.name
    assert "A proxy stands in for it: staff of staff.csv." in done.output
    for name in ("seizures.csv", "effort.csv"):
        assert set(pd.read_csv(out / name)["effort_proxy"]) == {"staff of staff.csv"}


def test_seizures_that_the_proxy_says_nothing_of_are_counted_and_marked(tmp_path: Path) -> None:
    staff = table(tmp_path, "area,time,staff\nLAREDO FIELD OFFICE,2019-10,100\n")
    imported = import_cbp([cbp_file(tmp_path)], staffing=staff)
    assert imported.tables["seizures.csv"]["effort_proxy"].tolist() == [
        "staff of table.csv",
        "none",
        "none",
    ]
    assert imported.summary.counts["events_without_effort"] == 6
    assert imported.summary.counts["areas_without_effort"] == ["LAREDO SECTOR"]
    write_import(output_folder(tmp_path / "out"), imported)
    areas = [Area("Laredo Field Office", shapely.box(WEST, 42, WEST + 1, 43))]
    records, effort = read_back(tmp_path / "out", areas)
    assert records.count.tolist() == [4]
    assert records.quantity_kg.tolist() == pytest.approx([11 * 0.45359237])
    assert effort.amount.tolist() == [100]
    assert records.effort_unit == effort.unit == ("staff-months (proxy)",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "area,time,staff\nLAREDO SECTR,2020,1\n",
            "line 2: found area 'LAREDO SECTR'; expected an area of the records. Did you mean",
        ),
        ("area,time,staff\nLAREDO SECTOR,2020,-1\n", "line 2: found staff '-1'"),
        ("area,time,staff\nLAREDO SECTOR,2020-01-05,1\n", "expected whole months"),
        ("area,time,staff\nLAREDO SECTOR,soon,1\n", "line 2: found time 'soon'"),
        ("area,time,staff\nLAREDO SECTOR,,1\n", "line 2: found time ''"),
        ("area,time,staff\nLAREDO SECTOR,2020,\n", "line 2: found staff ''"),
        (
            "area,time,staff\nLAREDO SECTOR,2020,1\nLAREDO SECTOR,2020-12,1\n",
            "line 3: found time '2020-12'; expected times of one area",
        ),
        ("area,time,staff\nLAREDO SECTOR,2010,1\n", "found no area and month of the records"),
    ],
)
def test_bad_staff_is_told(tmp_path: Path, text: str, words: str) -> None:
    assert words in complaint(import_cbp, [cbp_file(tmp_path)], staffing=table(tmp_path, text))


CROSSINGS = """ID,Year,Region,POE,Crossing,Modes,Northbound Crossing
a,2019,Laredo,Laredo,Bridge I,Buses,365
b,2019,Rio Grande Valley,Roma,Roma,Commercial Trucks,365
c,2019,Laredo,Laredo,Bridge I,Passenger Vehicles,730
d,2019,Laredo,Laredo,Bridge I,Railcars,7000
e,2020,El Paso,El Paso,Stanton,Buses,5
"""


def test_traffic_is_the_effort_of_the_ports_field_office(tmp_path: Path) -> None:
    imported = import_cbp([cbp_file(tmp_path)], crossings=table(tmp_path, CROSSINGS))
    effort = imported.tables["effort.csv"]
    assert effort[["area", "time"]].to_numpy().tolist() == [
        ["LAREDO FIELD OFFICE", "2019-10/2019-12"]
    ]
    assert effort["amount"].tolist() == pytest.approx([4 * 92])
    assert "says how much was there to be looked at" in told(imported)
    assert "consider --land-only" in told(imported)
    rail = import_cbp(
        [cbp_file(tmp_path)],
        crossings=table(tmp_path, CROSSINGS),
        modes=["Railcars"],
        land_only=True,
    )
    assert rail.tables["effort.csv"]["amount"].tolist() == pytest.approx([7000 * 92 / 365])
    assert rail.summary.dropped == {"not by land": 1}
    assert "consider --land-only" not in told(rail)


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        (
            CROSSINGS.replace("Laredo,Laredo", "Larredo,Laredo"),
            {},
            "line 2: found Region 'Larredo'",
        ),
        (CROSSINGS.replace("365", "-365"), {}, "line 2: found Northbound Crossing '-365'"),
        (CROSSINGS.replace("365", '"1,365"'), {}, "without separators of thousands"),
        (CROSSINGS, {"modes": ["Busses"]}, "Did you mean 'Buses'?"),
        (
            CROSSINGS,
            {"office_of": OFFICE_OF_REGION | {"Laredo": "LARDO FIELD OFFICE"}},
            "Did you mean 'LAREDO FIELD OFFICE'?",
        ),
    ],
)
def test_bad_traffic_is_told(tmp_path: Path, text: str, more: dict[str, Any], words: str) -> None:
    assert words in complaint(
        import_cbp, [cbp_file(tmp_path)], crossings=table(tmp_path, text), **more
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2020,OCT", "20,OCT", "line 2: found FY '20'"),
        ("2020,JAN", "2020,JANUARY", "line 4: found Month (abbv) 'JANUARY'"),
        ("Cocaine,3,", "Cocaine,-3,", "line 2: found Count of Event '-3'"),
        ("Cocaine,3,", "Cocaine,3.5,", "a whole number"),
        ("Cocaine,3,", "Cocaine,,", "line 2: found Count of Event ''"),
        ("10.5", "ten", "line 2: found Sum Qty (lbs) 'ten'"),
        ("LAREDO SECTOR", "", "line 4: found Area of Responsibility ''"),
    ],
)
def test_bad_rows_of_cbp_are_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    rows = "\n".join(CBP_ROWS).replace(old, new).split("\n")
    assert words in complaint(import_cbp, [cbp_file(tmp_path, rows)], constant=1)


@pytest.mark.parametrize(
    ("encoding", "separator", "said"),
    [
        ("utf-8", ";", "semicolons between cells, decimal commas"),
        ("utf-16", "\t", "UTF-16, tabs between cells, decimal commas"),
        ("utf-8-sig", "|", "vertical bars between cells, decimal commas"),
    ],
)
def test_tables_of_cbp_may_be_written_as_spreadsheets_write_them(
    tmp_path: Path, encoding: str, separator: str, said: str
) -> None:
    def respelt(text: str, name: str) -> Path:
        text = re.sub(r"(?<=[0-9])\.(?=[0-9])", ",", text.replace(",", separator))
        (tmp_path / name).write_text(text, encoding=encoding)
        return tmp_path / name

    pounds = [row.rsplit(",", 1)[0] + ",0.5" for row in CBP_ROWS]
    staff = STAFF.replace(",30", ",30.25")
    plain = import_cbp([cbp_file(tmp_path, pounds)], staffing=table(tmp_path, staff))
    cbp = respelt("\n".join([CBP_HEAD, *pounds]), "other.csv")
    other = import_cbp([cbp], staffing=respelt(staff, "table.csv"))
    for name in plain.tables:
        pd.testing.assert_frame_equal(other.tables[name], plain.tables[name])
    assert other.summary.notes[:2] == (
        f"other.csv: read with {said}.",
        f"table.csv: read with {said}.",
    )


def test_a_file_given_twice_counts_once_and_a_revised_figure_is_a_fault(tmp_path: Path) -> None:
    path = cbp_file(tmp_path)
    imported = import_cbp([path, path], constant=1)
    assert imported.summary.dropped == {"copy of an earlier row": 4}
    assert imported.summary.counts["events_kept"] == 10
    revised = cbp_file(tmp_path, [CBP_ROWS[0].replace(",3,", ",5,")], "revised.csv")
    message = complaint(import_cbp, [path, revised], constant=1)
    assert "revised.csv, line 2: found 5 events and 10.5 pounds" in message
    assert "cbp.csv, line 2" in message


def test_choices_are_counted_and_names_checked(tmp_path: Path) -> None:
    imported = import_cbp(
        [cbp_file(tmp_path)], constant=1, areas=["laredo sector"], drugs=["HEROIN"]
    )
    assert imported.summary.dropped == {"left out by --area": 3}
    # the months of the whole file were watched in this area too
    assert len(imported.tables["effort.csv"]) == 15
    assert "Did you mean 'heroin'?" in complaint(
        import_cbp, [cbp_file(tmp_path)], constant=1, drugs=["herion"]
    )


@real_cbp
def test_the_real_seizures() -> None:
    imported = import_cbp(sorted(CBP.glob("cbp-nationwide-*.csv")), crossings=TRAFFIC)
    counts = imported.summary.counts
    assert (imported.summary.rows, counts["events_kept"], counts["areas"], counts["months"]) == (
        17987,
        461129,
        41,
        87,
    )
    assert imported.tables["seizures.csv"]["count"].sum() == 461129
    rows = csv_rows(ROOT / "instances" / "rio-grande" / "facts" / "effort.csv")
    shipped = {
        (row["area"], row["time"]): float(row["amount"])
        for row in rows
        if row["unit"] == "vehicles"
    }
    effort = imported.tables["effort.csv"]
    ours = {
        (area, f"{year}"): amount
        for area, year, amount in zip(
            effort["area"], effort["time"].str[:4], effort["amount"], strict=True
        )
    }
    whole = [key for key in ours if "2019" <= key[1] <= "2025" and key in shipped]
    assert len(whole) >= 12
    assert [ours[key] for key in whole] == pytest.approx([shipped[key] for key in whole])


FREE = """when,x,y,zone,hit,hours,who,kind,Gender
31/01/2020,1.505,42.5,,yes,2.5,guard,hours,CANARY
01/02/2020,1.515,42.5,,no,1,guard,hours,CANARY
01/02/2020,,,Sierra,yes,3,customs,staff-hours,CANARY
,1.5,42.5,,yes,1,guard,hours,CANARY
02/02/2020,,,,yes,1,guard,hours,CANARY
02/02/2020,1.5,42.5,,,1,guard,hours,CANARY
"""
MAPPING = """date_format = "%d/%m/%Y"
[columns]
date = "when"
lon = "x"
lat = "y"
area = "zone"
outcome = "hit"
effort = "hours"
source = "who"
unit = "kind"
"""


def mapped(**columns: str) -> Any:
    return checked_mapping({"columns": columns, "unit": "hours"}, "mapping")


def test_a_mapping_says_which_column_is_what(tmp_path: Path) -> None:
    path, mapping = table(tmp_path, FREE, "free.csv"), table(tmp_path, MAPPING, "mapping.toml")
    out = tmp_path / "out"
    done = CliRunner().invoke(
        import_app, ["csv", str(path), "--mapping", str(mapping), "--out", str(out), "--json"]
    )
    assert done.exit_code == 0, done.exception
    told = json.loads(done.stdout)
    assert told["rows"] == 6
    assert told["kept"] == 3
    assert told["dropped"] == {"no date": 1, "no place": 1, "no outcome": 1}
    assert told["effort_by_unit"] == {"hours": 3.5, "staff-hours": 3.0}
    assert (
        json.loads((out / "import.json").read_text(encoding="utf-8"))["dropped"] == told["dropped"]
    )
    assert not any(CANARY in file.read_text(encoding="utf-8") for file in out.iterdir())
    records, effort = read_back(out, [Area("sierra", shapely.box(WEST, 42, WEST + 1, 43))])
    assert sorted(
        zip(records.segment.tolist(), records.area.tolist(), records.start.astype(str), strict=True)
    ) == [
        (-1, 0, "2020-02-01"),
        (0, -1, "2020-01-31"),
    ]
    assert sorted(effort.amount.tolist()) == [1.0, 2.5, 3.0]
    assert sorted(effort.unit) == ["hours", "staff-hours"]
    found = import_csv(path, checked_mapping(tomllib.loads(MAPPING.partition("\n")[2]), "mapping"))
    stated = import_csv(path, checked_mapping(tomllib.loads(MAPPING), "mapping"))
    assert all(found.tables[name].equals(stated.tables[name]) for name in stated.tables), (
        "31/01 tells the order"
    )
    assert any("days are read as %d/%m/%Y" in note for note in found.summary.notes)
    assert sorted(unit or "" for unit in records.effort_unit) == ["hours", "staff-hours"]


def test_options_alone_can_be_the_mapping(tmp_path: Path) -> None:
    path = table(tmp_path, "day,road,found,lb,what\n2020-01,3,2,10,heroin\n2019-01,4,0,,\n")
    options = [
        "--date",
        "day",
        "--segment",
        "road",
        "--count",
        "found",
        "--quantity",
        "lb",
        "--quantity-unit",
        "lb",
        "--drug",
        "what",
    ]
    out = tmp_path / "out"
    done = CliRunner().invoke(import_app, ["csv", str(path), *options, "--out", str(out)])
    assert done.exit_code == 0, done.exception
    assert "carries no search effort" in done.output
    text = (out / "seizures.csv").read_text(encoding="utf-8")
    assert text == "time,segment,count,drug,quantity,source\n2020-01,3,2,heroin,10.0,records\n"
    assert not (out / "effort.csv").exists()
    records, _ = read_back(out)
    assert records.segment.tolist() == [3]
    assert records.quantity_kg.tolist() == pytest.approx([4.5359237])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"columns": {"date": "d", "lon": "x", "count": "n"}}, "one of lon and lat"),
        ({"columns": {"date": "d", "count": "n"}}, "no place"),
        (
            {"columns": {"date": "d", "area": "a", "count": "n", "outcome": "o"}},
            "count and outcome",
        ),
        ({"columns": {"date": "d", "area": "a", "effort": "e"}}, "unit: found nothing"),
        (
            {"columns": {"date": "d", "area": "a", "count": "n", "sex": "s"}},
            "a field that is not known",
        ),
        (
            {
                "columns": {
                    "date": "d",
                    "area": "a",
                    "count": "n",
                    "source": "Officer-defined ethnicity",
                }
            },
            "about people",
        ),
        (
            {"columns": {"date": "d", "area": "a", "count": "n"}, "where": {"Age range": "18-24"}},
            "about people",
        ),
        (
            {"columns": {"date": "d", "area": "a", "outcome": "o"}, "no": ["YES"]},
            "words that are in one of them",
        ),
        ({}, "columns: found nothing"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_told(content: dict[str, Any], words: str) -> None:
    assert words in complaint(checked_mapping, content, "mapping")


@pytest.mark.parametrize(
    "name",
    [
        "Gender",
        "Age range",
        "AgeRange",
        "driver_name",
        "Self-defined ethnicity",
        "DATE OF BIRTH",
        "name",
        "first name",
        "nationality",
        "officerDefinedEthnicity",
        "plate",
        "suspect_id",
        "Tel\N{LATIN SMALL LETTER E WITH ACUTE}fono",
        "nome do motorista",
        "Officer",
        "driver",
        "leader_name",
        "nome do l\N{LATIN SMALL LETTER I WITH ACUTE}der",
        "drivers_names",
        "id de los conductores",
        "FechaNacimiento",
        "nombre",
    ],
)
def test_columns_about_people_are_known_by_their_names(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize(
    "name",
    [
        "tonnage",
        "village",
        "area name",
        "origin",
        "Crossing",
        "agency",
        "percentage",
        "Type",
        "packages",
        "station name",
        "Area of Responsibility",
        "people searched",
        "officers",
        "driver hours",
        "leader_vehicle",
        "driver side",
        "personnel",
        "nombre del municipio",
        "cantidad",
        "quantidade",
    ],
)
def test_other_columns_are_not(name: str) -> None:
    assert not is_personal(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("d,a,e\n2020,X,-1\n", "line 2: found e '-1'"),
        ("d,a,e\n2020,X,1_000\n", "line 2: found e '1_000'"),
        ("d,a,e\n2020,X,nan\n", "line 2: found e 'nan'"),
        ("d,a,e\n2020,X,1e999\n", "line 2: found e '1e999'"),
        ("d,a,e\n2020-02-30,X,1\n", "line 2: found d '2020-02-30'"),
        ("d,a,e\n0001,X,1\n", "line 2: found d '0001'"),
        (
            "d,a,e\n2020,Sierra Nort,1\n",
            (
                "line 2: found a 'Sierra Nort'; expected the name of an area. Did you mean 'Sierra"
                " North'?"
            ),
        ),
        ("d,a,e\n2020,,1\n", "no row that can be used: 1 no place"),
        ("d,a,a\n2020,X,1\n", "column 'a' 2 times"),
        ("d,a,e\n", "a header and no row"),
    ],
)
def test_bad_rows_of_any_csv_are_told(tmp_path: Path, text: str, words: str) -> None:
    mapping = mapped(date="d", area="a", effort="e")
    assert words in complaint(
        import_csv, table(tmp_path, text), mapping, areas=["Sierra North", "X"]
    )


def test_repeats_are_counted_or_dropped_and_seizures_without_effort_told(tmp_path: Path) -> None:
    path = table(tmp_path, "d,a,n,e\n2020,X,1,0\n2020,X,1,0\n2019,X,0,5\n")
    columns = {"date": "d", "area": "a", "count": "n", "effort": "e"}
    kept = import_csv(path, mapped(**columns))
    assert kept.summary.counts["rows_like_an_earlier_one"] == 1
    assert kept.summary.counts["rows_out_of_date_order"] == 1
    assert "2 rows have seizures and an effort of zero" in told(kept)
    dropped = import_csv(
        path, checked_mapping({"columns": columns, "unit": "h", "duplicates": "drop"}, "mapping")
    )
    assert dropped.summary.dropped == {"copy of an earlier row": 1}
    assert balanced(dropped)
    picked = import_csv(
        path, checked_mapping({"columns": columns, "unit": "h", "where": {"e": "5"}}, "mapping")
    )
    assert picked.summary.dropped == {"left out by where: e": 2}
    assert "No row has a seizure" in told(picked)


risky = st.text(st.sampled_from("=+-@\t\rab1. ,'\"\n"), max_size=6)


@examples(25)
@given(st.lists(st.tuples(risky, st.floats(-180, 180)), min_size=1, max_size=5))
def test_no_cell_that_is_written_is_a_formula(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, float]]
) -> None:
    folder = tmp_path_factory.mktemp("formulas")
    rows = StringIO()
    writer = csv.writer(rows, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["d", "x", "y", "n", "s"])
    writer.writerows(("2020", lon, 42.5, 1, source) for source, lon in drawn)
    columns = {"date": "d", "lon": "x", "lat": "y", "count": "n", "source": "s"}
    mapping = checked_mapping({"columns": columns, "unit": "hours", "missing": []}, "mapping")
    out = folder / "out"
    changed = write_import(output_folder(out), import_csv(table(folder, rows.getvalue()), mapping))
    written = csv_rows(out / "seizures.csv")
    assert np.array([float(row["lon"]) for row in written]) == pytest.approx(
        [lon for _, lon in drawn]
    )
    for row, (source, _) in zip(written, drawn, strict=True):
        text = re.sub(r"[\r\n\t]+", " ", source.strip()) or "records"
        plain = text[0] not in "=+-@" or (
            text[0] in "+-" and text[1:].replace(".", "", 1).isdigit()
        )
        assert row["source"] == (text if plain else "'" + text)
    sources = ["records" if source.strip() in {"", "-"} else source.strip() for source, _ in drawn]
    assert changed == sum(
        row["source"] != source for row, source in zip(written, sources, strict=True)
    )
    entries = tomllib.loads((out / "records.toml").read_text(encoding="utf-8"))["records"][
        "seizures"
    ]
    assert {entry["where"]["source"] for entry in entries} == {row["source"] for row in written}


def test_nothing_is_written_when_something_is_wrong(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(
        import_app, ["stop-search", str(searches(tmp_path, [search("never")])), "--out", str(out)]
    )
    assert isinstance(done.exception, InputError)
    assert not out.exists()
    imported = import_stop_search([searches(tmp_path, [search()])])
    spoilt = replace(imported, summary=replace(imported.summary, counts={"share": float("nan")}))
    with pytest.raises(ValueError, match="JSON"):
        write_import(output_folder(out), spoilt)
    assert not out.exists()
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []


def test_tables_of_another_import_are_not_left_beside_new_ones(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_import(output_folder(out), import_stop_search([searches(tmp_path, [search()])]))
    other = import_cbp([cbp_file(tmp_path)], constant=1)
    assert "what `test` made of" in complaint(write_import, output_folder(out, "cbp"), other)
    write_import(replace(output_folder(out, "cbp"), overwrite=True), other)
    assert not (out / "searches.csv").exists()


def test_only_the_columns_asked_for_are_kept(tmp_path: Path) -> None:
    frame = read_columns(table(tmp_path, "a,b,c\n1,2,3\n"), "a table", ["c"], ["a", "z"])
    assert frame.columns[:2].tolist() == ["c", "a"]
    assert "2" not in frame.astype(str).to_numpy().ravel()[:2]


def test_how_a_force_fills_its_outcomes(tmp_path: Path) -> None:
    partly = [
        *POSITIVE_ONLY[:4],
        *POSITIVE_ONLY[5:],
        *NOT_FILLED[:2],
        search("2020-01-09T10:00:00+00:00", outcome=NFA),
    ]
    path = searches(tmp_path, partly)
    assert filling(pd.read_csv(path, dtype=str, keep_default_na=False)) is Filling.PARTLY


def test_words_for_missing_values_are_read_as_missing_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(
        "when,x,y,n\n2024-01-01,10,50,1\n2024-01-02,NA,null,2\n2024-01-03,10,50,-\n2024-01-04,?,?,1\n"
    )
    columns = {"date": "when", "lon": "x", "lat": "y", "count": "n"}
    with pytest.raises(InputError, match=r"found x '\?'"):
        import_csv(path, checked_mapping({"columns": columns}, "mapping"))
    words = ["NA", "NULL", "-", "?"]
    summary = import_csv(
        path, checked_mapping({"columns": columns, "missing": words}, "mapping")
    ).summary
    assert (summary.kept, summary.dropped) == (1, {"no place": 2, "no count": 1})
    assert (
        summary.notes[0]
        == "5\N{NO-BREAK SPACE}cells read as missing values (-, ?, NA, null); state other words"
        " under missing."
    )


def test_a_word_that_is_an_outcome_is_none_for_a_missing_value(tmp_path: Path) -> None:
    path = table(tmp_path, "when,area,hit\n2024-01-01,A,-\n2024-01-02,A,found\n2024-01-03,A,NA\n")
    content = {
        "columns": {"date": "when", "area": "area", "outcome": "hit"},
        "yes": ["found"],
        "no": ["-"],
    }
    imported = import_csv(path, checked_mapping(content, "mapping"))
    assert imported.tables["seizures.csv"]["count"].tolist() == [1]
    assert imported.summary.dropped == {"no outcome": 1}


def test_a_row_is_a_seizure_where_no_column_counts(tmp_path: Path) -> None:
    path = table(tmp_path, "when,area,kilos\n2024-01-01,A,2\n2024-01-01,A,3\n2024-01-03,B,\n")
    columns = {"date": "when", "area": "area", "quantity": "kilos"}
    imported = import_csv(path, checked_mapping({"columns": columns}, "mapping"))
    assert list(imported.tables) == ["seizures.csv"]
    assert imported.tables["seizures.csv"]["count"].tolist() == [1, 1, 1]
    assert any(
        "each of the 3 rows counts as one seizure" in note for note in imported.summary.notes
    )
    effort = import_csv(
        path,
        checked_mapping(
            {"columns": {"date": "when", "area": "area", "effort": "kilos"}, "unit": "h"}, "m"
        ),
    )
    assert list(effort.tables) == ["effort.csv"]


def test_searches_with_an_outcome_are_what_a_backtest_reads(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("when,x,y,hit\n2024-02-01,10,50,no\n2024-01-02,11,51,yes\n2023,11,51,yes\n")
    columns = {"date": "when", "lon": "x", "lat": "y", "outcome": "hit"}
    imported = import_csv(path, checked_mapping({"columns": columns, "source": "Guard"}, "mapping"))
    write_import(output_folder(tmp_path / "out"), imported)
    (force,), excluded = read_searches([tmp_path / "out"])
    assert not excluded
    assert (force.force, force.found.tolist(), force.lon.tolist()) == (
        "Guard",
        [1.0, 0.0],
        [11.0, 10.0],
    )
    assert any(
        "1 searches without a point, or of more than a month" in note
        for note in imported.summary.notes
    )


def test_stops_without_a_search_are_no_searches_and_what_they_found_is_told(tmp_path: Path) -> None:
    """One row a stop, `search_conducted` and `contraband_found`, NA where there is
    none: Stanford's open policing.
    """
    path = tmp_path / "stops.csv"
    rows = (
        "2019-05-01,50,10,TRUE,TRUE",
        "2019-05-02,51,11,TRUE,FALSE",
        "2019-05-03,51,11,FALSE,NA",
    )
    more = (
        "2019-05-04,51,11,FALSE,TRUE",
        "2019-05-05,51,11,NA,NA",
        "2019-05-06,51,11,TRUE,NA",
        "2019-05-07,NA,NA,TRUE,TRUE",
    )
    path.write_text(
        "\n".join(("date,lat,lng,search_conducted,contraband_found", *rows, *more)) + "\n"
    )
    columns = {
        "date": "date",
        "lon": "lng",
        "lat": "lat",
        "searched": "search_conducted",
        "outcome": "contraband_found",
    }
    imported = import_csv(
        path, checked_mapping({"columns": columns, "source": "Patrol"}, "mapping")
    )
    assert imported.summary.dropped == {"stop without a search": 3, "no place": 1, "no outcome": 1}
    assert any(
        "1 stops without a search found something" in note for note in imported.summary.notes
    )
    assert imported.tables["effort.csv"]["amount"].tolist() == [1, 1]
    write_import(output_folder(tmp_path / "out"), imported)
    (force,), _ = read_searches([tmp_path / "out"])
    assert (force.found.tolist(), force.lon.tolist()) == ([1.0, 0.0], [10.0, 11.0])
    with pytest.raises(InputError, match="Name the outcome"):
        checked_mapping(
            {"columns": {"date": "date", "area": "a", "searched": "s", "effort": "e"}, "unit": "h"},
            "mapping",
        )


def test_a_force_with_an_implausible_outcome_or_without_points_is_remarked_on(
    tmp_path: Path,
) -> None:
    day = "2024-01-{:02d}T10:00:00+00:00"
    rows = [
        f"Person search,{day.format(k + 1)},,50.{k},10.{k},,Controlled drugs,A no further action"
        f" disposal,{k > 0}"
        for k in range(10)
    ]
    (tmp_path / "2024-01-north-stop-and-search.csv").write_text("\n".join([HEAD, *rows]))
    bare = [row.replace(f"50.{k},10.{k}", ",") if k else row for k, row in enumerate(rows)]
    (tmp_path / "2024-01-south-stop-and-search.csv").write_text("\n".join([HEAD, *bare]))
    notes = import_stop_search([tmp_path]).summary.notes
    assert any(
        "north: the outcome is true on 9 of the 10 searches that ended in no further action" in note
        for note in notes
    )
    assert any("south: 9 of 10 searches have no coordinates" in note for note in notes)


def test_no_cell_that_is_written_steers_a_terminal() -> None:
    text = pd.Series(["a\x1b[31m\u202eb\r\nc\x9b", "=1+1\x00", "Łódź"], dtype=object)
    assert safe_text(text).tolist() == ["a [31m b c ", "'=1+1 ", "Łódź"]


def test_wide_forms_of_a_formula_are_text_as_well() -> None:
    wide = "\N{FULLWIDTH EQUALS SIGN}1+1"
    assert safe_text(pd.Series([wide, "1.5", "-2"], dtype=object)).tolist() == [
        f"'{wide}",
        "1.5",
        "-2",
    ]
    assert safe_cell(wide) == f"'{wide}"


def test_units_behind_quantities_and_in_a_column_are_converted(tmp_path: Path) -> None:
    amounts = ("58.39 kg,", "10,lb", "500 g,lb", "3,pieces", "2,", "7 lbs,")
    text = "when,area,how much,uom\n" + "".join(
        f"2024-01-0{k + 1},A,{each}\n" for k, each in enumerate(amounts)
    )
    columns = {"date": "when", "area": "area", "quantity": "how much", "quantity_unit": "uom"}
    mapping = checked_mapping({"columns": columns, "quantity_unit": "g"}, "mapping")
    found = import_csv(table(tmp_path, text), mapping).tables["seizures.csv"]
    expected = [58390.0, 4535.9237, 500.0, np.nan, 2.0, 7 * 453.59237]
    assert found["quantity"].astype(float).tolist() == pytest.approx(expected, nan_ok=True)
    assert found["count"].tolist() == [1] * 6
    with pytest.raises(InputError, match="stones"):
        import_csv(table(tmp_path, "when,area,how much,uom\n2024-01-01,A,5,stones\n"), mapping)
