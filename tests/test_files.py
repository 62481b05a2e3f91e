"""Files are written whole or not at all, and hostile ones end with a message."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import (
    check_file,
    existing_file,
    read_json,
    read_text,
    read_toml,
    write_json,
    written_whole,
)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "plan.json"
    target.write_text("old")

    def fail() -> None:
        with written_whole(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


def test_nan_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "x.json", {"gap": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "line 1, column 2"),
        (b'{"gap": NaN}', "a finite number"),
        (b"\xff\xfe", "bytes that are not UTF-8"),
        (b"[" * 200_000, "too deep"),
    ],
)
def test_bad_json_is_said_where(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_json(tmp_path / "x.json", "a plan")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        existing_file(tmp_path / "nowhere", "a plan")
    with pytest.raises(InputError, match="found a folder"):
        read_text(tmp_path, "a plan")


@pytest.mark.parametrize("given", ["my-border/scenarioo.toml", "my-bordr/scenario.toml"])
def test_a_misspelt_file_or_folder_is_told_its_neighbour(tmp_path: Path, given: str) -> None:
    (tmp_path / "my-border").mkdir()
    (tmp_path / "my-border" / "scenario.toml").touch()
    near = "scenario.toml" if "scenarioo" in given else "my-border"
    with pytest.raises(InputError, match=f"Did you mean '{near}'"):
        existing_file(tmp_path / given, "a scenario")


@pytest.mark.parametrize("rows", [3, 2000])
def test_long_lists_have_a_line_an_entry_and_read_back_the_same(tmp_path: Path, rows: int) -> None:
    entry = {"id": 'a "b"\n', "list": [1, 2.5, None], "none": []}
    content = {"name": "x\ny", "rows": [entry] * rows, "nested": {"deep": [entry]}, "empty": {}}
    write_json(tmp_path / "x.json", content)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "x.json", "content") == content
    assert (
        len(text.splitlines())
        == rows + len(json.dumps(content | {"rows": 0}, indent=2).splitlines()) + 1
        if rows > 1000
        else (text == json.dumps(content, indent=2) + "\n")
    )


def test_no_nan_is_written_in_a_long_list(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "x.json", {"rows": [float("nan")] * 2000})


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"PK\x03\x04" + bytes(30) + b"xl/workbook.xml", "an Excel workbook"),
        (b"\0\0\x27\x0a" + bytes(90), "a shapefile"),
        (b"PK\x03\x04roads.shp", "a zipped shapefile"),
        (b"SQLite format 3\0", "a GeoPackage"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b'schema_version = 1\nname = "x"\n[region]\n', "a scenario"),
        (b'name = "x"', "TOML"),
        ('{"name": "Stra\u00dfe"}'.encode("latin-1"), "0xDF, '\u00df' in Windows-1252"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_json(path, "an instance")
    assert f"found {name}" in str(caught.value) or name in str(caught.value)


@pytest.mark.parametrize("content", ["a = " + "[" * 5000, "a = " + "1" * 10_000])
def test_toml_that_python_cannot_hold_is_a_fault(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.toml").write_text(content)
    with pytest.raises(InputError, match="as TOML"):
        read_toml(tmp_path / "x.toml", "a mapping")


def test_equal_problems_are_one_with_a_count() -> None:
    problems = ProblemList()
    for line in range(62):
        problems.add(f"sites.csv, line {line}", "'army'", "one of police")
    problems.add("sites.csv, line 99", "'navy'", "one of police")
    first, other = problems.problems()
    assert (
        str(first) == "sites.csv, line 0, and 61 more places: found 'army'; expected one of police."
    )
    assert other.where == "sites.csv, line 99"


def test_a_problem_is_one_line_without_control_characters() -> None:
    line = str(Problem("a\nb", "\x1b[2J\u202e", "c\r", "d\x07"))
    assert line.isprintable()


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seizures.csv").write_text("time")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InputError, match="no permission to read"):
        existing_file(tmp_path / "seizures.csv", "seizures")


def test_a_full_disk_ends_with_a_message(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"no space left on device.*Make room"),
        written_whole(tmp_path / "x"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_of_a_file_is_removed(tmp_path: Path) -> None:
    left, other = tmp_path / ".x.json-00c0ffee.new", tmp_path / ".y.json-00c0ffee.new"
    left.mkdir()
    other.mkdir()
    write_json(tmp_path / "x.json", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "x.json"]


def test_a_place_for_a_file_is_checked(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    check_file(tmp_path / "new" / "x.json")
    for place, message in (
        (tmp_path, "found a folder"),
        (tmp_path / "link", "does not exist"),
        (tmp_path / "link" / "x.json", "does not exist"),
        (tmp_path / "file" / "x.json", "found a file"),
        (tmp_path / ("y" * 300), "name too long"),
    ):
        with pytest.raises(InputError, match=message):
            check_file(place)
    assert not (tmp_path / "new").exists()
