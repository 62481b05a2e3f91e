"""Files that would crash a reader, fill memory or spoil what is printed: each ends in
one message, or is shown as text.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.json_lines import append_json_lines, read_json_lines
from optimizer.base.files.readwrite import read_json, read_text
from optimizer.base.files.tables import csv_text
from optimizer.base.schema import Strict
from optimizer.cli import app, console
from optimizer.lab.converters.snip import snip_instance
from optimizer.lab.pages import PageTable, markdown
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.region.extract import check_expansion, read_extract
from optimizer.scenario.file.model import read_scenario
from optimizer.solvers.mip.backend import stdout_closed
from tests.cases import random_instance
from tests.marathon.damages import DAMAGES, workbook_of
from tests.tiny import SCENARIO, write_scenario

OSM = (
    '<osm version="0.6"><node id="1" lat="50" lon="10" version="1"/><node id="2" lat="50.1"'
    ' lon="10" version="1"/><way id="1" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway"'
    ' v="primary"/><tag k="name" v="NAME"/></way></osm>'
)


@pytest.mark.parametrize("node", ["inf", "nan", "3.5", "-1", "1e300"])
def test_snip_nodes_that_are_none_are_faults(tmp_path: Path, node: str) -> None:
    (tmp_path / "arcgain0.txt").write_text(f"1 2 0.5\n{node} 3 0.5\n")
    (tmp_path / "intd_arc0.txt").write_text("1 3 0.5 0.2\n")
    (tmp_path / "Scenarios.txt").write_text("1 3 1.0\n")
    with pytest.raises(
        InputError,
        match=r"arcgain0.txt, row 2(, number 1)?: found .*; expected (a node|two node numbers)",
    ):
        snip_instance(tmp_path, number=0, snipno=1, budget=1)


def test_a_compressed_extract_that_unpacks_too_far_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.osm.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(64):
            stream.write(b" " * (1 << 20))
    assert path.stat().st_size < 1 << 17
    with pytest.raises(InputError, match="unpack to more than 200 times their size"):
        read_extract(path)
    check_expansion(path, "a file", 2000)


def test_damaged_compressed_data_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "cut.osm.gz"
    path.write_bytes(gzip.compress(OSM.encode() * 10)[:-10])
    with pytest.raises(InputError, match="damaged compressed data"):
        read_extract(path)


@pytest.mark.slow
def test_a_pbf_with_text_that_is_not_utf8_is_a_fault(tmp_path: Path) -> None:
    import osmium

    (tmp_path / "x.osm").write_text(OSM.replace("NAME", "aaaaaaaa"))
    path = tmp_path / "x.osm.pbf"
    writer = osmium.SimpleWriter(osmium.io.File(str(path), "pbf,pbf_compression=none"))
    for each in osmium.FileProcessor(str(tmp_path / "x.osm")):
        writer.add(each)
    writer.close()
    content = path.read_bytes()
    assert content.count(b"aaaaaaaa") == 1
    path.write_bytes(content.replace(b"aaaaaaaa", b"aaa\xff\xfeaaa"))
    with pytest.raises(InputError, match="text that is not UTF-8"):
        read_extract(path)
    # what a library keeps of it must not end the process later
    code = (
        "import gc, sys, pathlib; from optimizer.region.extract import read_extract; from"
        " optimizer.base.errors import InputError\n"
    )
    code += (
        "try: read_extract(pathlib.Path(sys.argv[1]))\nexcept InputError: gc.collect();"
        " print('still here')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "still here\n"), done.stderr


def test_what_a_library_prints_does_not_reach_standard_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with stdout_closed():
        os.write(1, b"from C\n")
    os.write(1, b"after\n")
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("after\n", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("1.6 GB in the sheet", "1,611 MB unpacked"),
        ("one there, size not said", "row 1,048,576 and column 16,384"),
        ("one there, a false size", "row 1,048,576 and column 16,384"),
        ("one there, elsewhere", "row 1,048,576 and column 16,384"),
        ("cells without names far down", "row 1,048,576 and column 5,000"),
    ],
)
def test_a_workbook_that_memory_does_not_hold_is_refused(
    damage: str, found: str, tmp_path: Path
) -> None:
    pytest.importorskip("python_calamine")
    path = tmp_path / "table.xlsx"
    path.write_bytes(workbook_of(b"time,lon,lat\n2024-01-01,1,2\n"))
    assert csv_text(path, "a table").text.startswith("time,lon,lat\n")
    next(each for each in DAMAGES if each.name == damage).apply(path, random.Random(0))  # noqa: S311 - no secret
    with pytest.raises(InputError, match=found):
        csv_text(path, "a table")


MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="/"'
    ' manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
)


def ods(rows: str) -> bytes:
    packed = io.BytesIO()
    name = "urn:oasis:names:tc:opendocument:xmlns"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{name}:office:1.0" xmlns:table="{name}:table:1.0"'
            f' xmlns:text="{name}:text:1.0"><office:body><office:spreadsheet><table:table table:name="s">'
            f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return packed.getvalue()


CELL = '<table:table-cell{} office:value-type="string"><text:p>x</text:p></table:table-cell>'
EMPTY = (
    '<table:table-row table:number-rows-repeated="1048570"><table:table-cell'
    ' table:number-columns-repeated="16384"/></table:table-row>'
)


def test_cells_of_an_ods_that_stand_for_many_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    path = tmp_path / "table.ods"
    row = f"<table:table-row>{CELL.format('')}</table:table-row>"
    path.write_bytes(ods(row + EMPTY))
    assert csv_text(path, "a table").text.startswith("x\n")
    many = CELL.format(' table:number-columns-repeated="16384"')
    for rows in (
        f'<table:table-row table:number-rows-repeated="9999">{many}</table:table-row>',
        EMPTY + f"<table:table-row>{many}</table:table-row>",
    ):
        path.write_bytes(ods(rows))
        with pytest.raises(InputError, match="and column 16,384; expected at most"):
            csv_text(path, "a table")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes of this kind")
def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 1 << 32)
    for name, found in (
        ("link", "a named pipe"),
        ("circle", "a link that leads to itself"),
        ("/dev/zero", "a device"),
        ("x" * 300, "File name too long"),
        ("large", "4,295 MB; expected text of at most 537 MB"),
    ):
        with pytest.raises(InputError, match=f"found {found}"):
            read_text(tmp_path / name, "text")


def test_a_message_leaves_out_the_middle_of_a_long_name() -> None:
    told = str(InputError(Problem("a" * 9000 + "b", "x", "y")))
    assert len(told) < 700
    assert told.startswith("aaa")
    assert "aaab: found x" in told


def test_a_truth_value_is_no_number(tmp_path: Path) -> None:
    text = SCENARIO.replace("capacity = 30", "capacity = true")
    path = write_scenario(tmp_path, text.replace("budget = 3", "budget = false"))
    with pytest.raises(InputError) as caught:
        read_scenario(path)
    assert [str(problem).partition("scenario.toml, ")[2] for problem in caught.value.problems] == [
        "resources[0].budget: found false; expected a number. Write a number.",
        "kinds[0].capacity: found true; expected a number. Write a number.",
    ]


def test_names_from_records_are_text_on_a_page() -> None:
    hostile = "<img src=x>[a](b) `c` *d* _e_ | \x1b[31m\n# f"
    shown = markdown(hostile)
    assert "<" not in shown
    assert "\x1b" not in shown
    assert "\n" not in shown
    table = str(PageTable.of(["force"], [[shown]], {}))
    assert table.splitlines()[2].count("|") == 3
    assert "\\|" in table.splitlines()[2]


def test_an_interrupt_within_a_library_ends_as_any_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    monkeypatch.setattr(app, "app", interrupted)
    monkeypatch.setattr(sys, "argv", ["cli.py"])
    with pytest.raises(SystemExit) as stop:
        app.main()
    assert stop.value.code == 3
    assert "Interrupted" in capsys.readouterr().err


def test_numbers_that_floating_point_does_not_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(f'{{"a": 1e400, "b": [{"1" + "0" * 400}, -1E+999], "c": 1e300, "d": 1e-400}}')
    with pytest.raises(InputError) as caught:
        read_json(path, "numbers")
    assert [problem.found for problem in caught.value.problems] == [
        "1e400",
        "a number of 401 digits",
        "-1E+999",
    ]


def test_half_a_letter_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "instance.json"
    write_instance(path, random_instance(5))
    path.write_text(path.read_text().replace('"name": "', '"name": "a\\ud800', 1))
    with pytest.raises(InputError, match=r"expected JSON of whole letters. Replace halves"):
        read_instance(path)


class Row(Strict):
    """A row of a file of JSON lines."""

    a: int


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b'{"a": 1}\n', 1),
        (b'{"a": 1}\n{"a"', 1),
        (b'{"a": 1}\n\0\0\0', 1),
        (b'{"a": 1}\r{"a": 2}\r', None),
        (b"<html></html>", None),
        (b'{"a": 1}', 0),
    ],
)
def test_the_unfinished_end_of_json_lines_is_told_from_another_file(
    content: bytes, rows: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    if rows is None:
        with pytest.raises(InputError, match="expected one JSON object a line"):
            read_json_lines(path, Row)
    else:
        assert len(read_json_lines(path, Row)) == rows


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such devices")
def test_rows_are_neither_read_from_a_device_nor_added_to_it(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="found a device"):
        read_json_lines(tmp_path / "rows.jsonl", Row)
    with pytest.raises(InputError, match="found a device"):
        append_json_lines(tmp_path / "rows.jsonl", [Row(a=1)])


def test_marks_of_a_merge_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n<<<<<<< HEAD\n1,2\n=======\n1,3\n>>>>>>> other\n")
    with pytest.raises(InputError, match=r"table.csv, line 2: found a mark of a merge"):
        csv_text(path, "a table")
    path.write_text("a,b\n======,2\n")
    assert csv_text(path, "a table").text == "a,b\n======,2\n"


def test_a_terminal_of_one_column_has_a_letter_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_columns", lambda _: 1)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert console._wrapped("ab c", stream).split() == ["a", "b", "c"]
