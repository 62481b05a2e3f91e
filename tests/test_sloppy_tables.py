"""Tables as people have them: workbooks, titles above the header, degrees with minutes
and seconds.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.base.files import tables
from optimizer.base.files.tables import WantedColumns, csv_header, decimal_degrees, read_csv
from optimizer.records.record_parser import read_record_file
from optimizer.records.sources import USUAL_NAMES, SeizureSource

WANTED = WantedColumns(("time", "lon", "lat"), ("drug",), numeric=("lon", "lat"), show_header=True)

ROWS: list[list[object]] = [
    ["time", "lon", "lat", "drug"],
    [date(2024, 3, 1), -98.25, 26.5, "cocaína"],
    [datetime.fromisoformat("2024-03-02T14:30"), -98, 26, None],
]


def saved(path: Path, *sheets: Sequence[Sequence[object]]) -> Path:
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet(f"More {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_with_its_stored_values_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    path = saved(
        tmp_path / "finds.xlsx", [["Finds of the south sector"], [], *ROWS], [["note"]], []
    )
    table = read_csv(path, "a file", WANTED, typed_by_hand=True, remarks=said)
    assert table.number == [4, 5]
    assert table.text == {
        "time": ["2024-03-01", "2024-03-02 14:30"],
        "lon": ["-98.25", "-98"],
        "lat": ["26.5", "26"],
        "drug": ["cocaína", ""],
    }
    (remark,) = said
    assert "the sheet 'Sheet' of a workbook (1\N{NO-BREAK SPACE}other sheet was not read)" in remark
    assert "its header on line 3" in remark


def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["secret"])
    book.active.sheet_state = "hidden"
    shown = book.create_sheet("Finds")
    for row in ROWS:
        shown.append(row)
    book.save(tmp_path / "finds.xlsx")
    said: list[str] = []
    assert len(read_csv(tmp_path / "finds.xlsx", "a file", WANTED, remarks=said)) == 2
    assert (
        "the sheet 'Finds' of a workbook (1\N{NO-BREAK SPACE}other sheet was not read)" in said[0]
    )


def test_cells_with_errors_are_counted(tmp_path: Path) -> None:
    said: list[str] = []
    path = saved(tmp_path / "finds.xlsx", [*ROWS, ["2024", "#N/A", 1, "#REF!"]])
    assert read_csv(path, "a file", WANTED, remarks=said).text["lon"] == ["-98.25", "-98", ""]
    assert "2\N{NO-BREAK SPACE}cells of the workbook hold errors" in said[0]


def test_a_sheet_with_a_stray_cell_far_off_is_refused_before_it_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.active["XFD9000"] = " "
    book.save(tmp_path / "finds.xlsx")
    with pytest.raises(InputError, match="last filled cell is in row 9,000 and column 16,384"):
        read_csv(tmp_path / "finds.xlsx", "a file", WANTED, remarks=[])


def test_workbooks_that_cannot_be_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "finds.xlsx", ROWS)
    with pytest.raises(InputError, match="the sheet 'Sheet' of a workbook"):
        read_csv(path, "a file", WANTED)
    empty = saved(tmp_path / "empty.xlsx", [])
    with pytest.raises(InputError, match="without a filled cell"):
        read_csv(empty, "a file", WANTED, remarks=[])
    damaged = tmp_path / "damaged.xlsx"
    damaged.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"an Excel workbook \(\.xlsx\) \(.*one that is whole"):
        read_csv(damaged, "a file", WANTED, remarks=[])
    whole = path.read_bytes()
    # the directory, and a version in it
    for at in (whole.rindex(b"PK\x01\x02"), whole.rindex(b"PK\x01\x02") + 6):
        damaged.write_bytes(whole[:at] + b"\xff\xff" + whole[at + 2 :])
        with pytest.raises(InputError, match=r"an Excel workbook \(\.xlsx\) \(.*one that is whole"):
            read_csv(damaged, "a file", WANTED, remarks=[])
    monkeypatch.setattr(tables, "LARGEST", 1000)
    with pytest.raises(InputError, match="MB unpacked"):
        read_csv(path, "a file", WANTED, remarks=[])
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(InputError, match=r"border-interdiction\[sheets\]"):
        read_csv(path, "a file", WANTED, remarks=[])


@pytest.mark.slow
def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/sheet.xml", "w") as part,
    ):
        for _ in range(600):
            part.write(bytes(1 << 20))
    with pytest.raises(InputError, match="629 MB unpacked"):
        read_csv(path, "a file", WANTED, remarks=[])


def test_titles_above_the_header_are_passed_over_and_lines_keep_their_numbers(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    path = tmp_path / "finds.csv"
    path.write_text(
        "Office of the South;;\nprinted"
        " 2024-05-01\n\nDate;Drug;lat;lon\ntime;lon;lat\n2024;1,5;2,5\n"
    )
    with pytest.raises(InputError, match="its header on line 5"):
        read_csv(path, "a file", WANTED)
    table = read_csv(path, "a file", WANTED, remarks=said)
    assert (table.number, table.text["lon"]) == ([6], ["1.5"])
    assert "its header on line 5" in said[0]


@pytest.mark.parametrize(
    "title", ["Office of the South", "Office\x0c of the South", "Office\u2028of the South"]
)
def test_titles_stand_above_headers_whose_columns_nobody_named(tmp_path: Path, title: str) -> None:
    path, said = tmp_path / "finds.csv", list[str]()
    path.write_text(f"{title}\n\ntime,lon,lat,amount\n2024-05-01,1,2,3\n", encoding="utf-8")
    table = read_record_file(path, SeizureSource(file=path, source="South"), said)
    assert (table.number, table.text["lon"]) == ([4], ["1"])
    assert "its header on line 3" in said[0]
    assert "amount" in csv_header(path, "a file", USUAL_NAMES)


def test_a_header_at_fault_is_named_by_its_line_and_sheet(tmp_path: Path) -> None:
    (tmp_path / "finds.csv").write_text("title\ntime,lon,lon,lat\n2024,1,2,3\n")
    with pytest.raises(InputError, match=r"finds\.csv, line 2: found column 'lon' 2 times"):
        read_csv(tmp_path / "finds.csv", "a file", WANTED, remarks=[])
    path = saved(tmp_path / "finds.xlsx", [["About these finds"]], ROWS)
    with pytest.raises(
        InputError,
        match=r"the sheet 'Sheet' of a workbook \(1.other sheet was not read\), line 1: found no",
    ):
        read_csv(path, "a file", WANTED, remarks=[])


@pytest.mark.parametrize(
    "text",
    [
        "time,lon\n2024,1\ntime,lon,lat\n",
        "title\ntime,lon,lat\n2024,1,2\ntime,lon,lat\n",
        'a "title\ntime,lon,lat\n2024,1,2\n',
    ],
)
def test_a_header_that_is_not_clear_is_not_guessed(tmp_path: Path, text: str) -> None:
    (tmp_path / "finds.csv").write_text(text)
    with pytest.raises(InputError, match=r"no column|unexpected end|closed"):
        read_csv(tmp_path / "finds.csv", "a file", WANTED, remarks=[])


@pytest.mark.parametrize(
    ("cell", "degrees"),
    [
        ("98° 14' 30.5\" W", "-98.2418056"),
        ("N26 12.5", "26.2083333"),
        ("26°12\u201930\u2033S", "-26.2083333"),
        ("-98 14 30", "-98.2416667"),
        ("26:12:30", "26.2083333"),
        ("26 12,5 N", "26.2083333"),
        ("-26° 12' S", ""),
        ("26 75 N", ""),
        ("26 12 30 O", ""),
        ("26 12 30s", "-26.2083333"),
        ("26.5", ""),
        ("2024-01-02", ""),
    ],
)
def test_degrees_minutes_and_seconds(cell: str, degrees: str) -> None:
    assert decimal_degrees(cell) == degrees


@given(st.integers(0, 179), st.integers(0, 59), st.integers(0, 599), st.sampled_from("NSEW"))
def test_degrees_are_those_that_were_written(
    whole: int, minutes: int, tenths: int, letter: str
) -> None:
    sign = -1 if letter in "SW" else 1
    value = sign * (whole + minutes / 60 + tenths / 36000)
    assert float(decimal_degrees(f"{whole}° {minutes}' {tenths / 10}\" {letter}")) == pytest.approx(
        value, abs=1e-7
    )


def test_a_column_of_degrees_is_changed_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "finds.csv"
    path.write_text("time;lon;lat\n2024;98°14'30\" W;26 12 N\n2024;-98.5;26.5\n", encoding="utf-8")
    table = read_csv(path, "a file", WANTED, remarks=said)
    assert table.text["lon"] == ["-98.2416667", "-98.5"]
    assert table.text["lat"] == ["26.2", "26.5"]
    assert "degrees, minutes and seconds" in said[0]
