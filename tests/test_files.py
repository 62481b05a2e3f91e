"""Files are written whole or not at all, and hostile ones end with a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from optimizer.base.errors import InputError
from optimizer.base.files import existing_file, folder_written_whole, read_json, read_text, write_json, written_whole

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_failed_folder_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with folder_written_whole(tmp_path / "out") as temporary:
            (temporary / "a").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_filled_and_strangers_stay(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    (tmp_path / "out/a").write_text("old")
    with folder_written_whole(tmp_path / "out") as temporary:
        (temporary / "a").write_text("new")
    assert (tmp_path / "out/a").read_text() == "new"
    assert (tmp_path / "out/mine.txt").read_text() == "mine"


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
