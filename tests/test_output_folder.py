"""Folders of output are swapped in whole, whenever a run is killed, and only over what
the same command made of the same sources.
"""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from optimizer.base.errors import InputError
from optimizer.base.files.output_folder import MARKER, OutputFolder
from optimizer.base.files.temporary import folder_beside, scratch_folder

NAMES = ("plan.json", "report.html", "map-*.png")


def folder(path: Path, source: str = "one", **options: bool) -> OutputFolder:
    return OutputFolder(path, "plan", (source,), NAMES, **options)


def fill(target: OutputFolder, text: str, *names: str) -> None:
    with target.written() as temporary:
        for name in names or ("plan.json", "report.html"):
            (temporary / name).write_text(text)


def texts(path: Path) -> dict[str, str]:
    return {item.name: item.read_text() for item in path.iterdir() if item.name != MARKER}


def test_a_failed_folder_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with folder(tmp_path / "out").written() as temporary:
            (temporary / "plan.json").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_files_of_other_people_stay_and_those_of_an_earlier_run_go(tmp_path: Path) -> None:
    (tmp_path / "out/roster").mkdir(parents=True)
    (tmp_path / "out/mine.txt").write_text("mine")
    fill(folder(tmp_path / "out"), "old", "plan.json", "map-risk.png")
    fill(folder(tmp_path / "out"), "new")
    assert (tmp_path / "out/roster").is_dir()
    shutil.rmtree(tmp_path / "out/roster")
    assert texts(tmp_path / "out") == {"mine.txt": "mine", "plan.json": "new", "report.html": "new"}
    assert [item.name for item in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a copy of this process")
@pytest.mark.parametrize("killed_at", range(8))
def test_a_kill_leaves_one_whole_folder_and_the_next_run_cleans_up(
    tmp_path: Path, killed_at: int
) -> None:
    fill(folder(tmp_path / "out"), "old")
    (tmp_path / "out/mine.txt").write_text("mine")
    child = os.fork()
    if child == 0:
        try:
            _die_at_rename(killed_at)
            fill(folder(tmp_path / "out"), "new")
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    if (tmp_path / "out").exists():
        assert (
            len({text for name, text in texts(tmp_path / "out").items() if name != "mine.txt"}) == 1
        )
    folder(tmp_path / "out").check()
    there = texts(tmp_path / "out")
    assert there.pop("mine.txt") == "mine"
    assert there in [dict.fromkeys(("plan.json", "report.html"), text) for text in ("old", "new")]
    assert [item.name for item in tmp_path.iterdir()] == ["out"]


def _die_at_rename(number: int) -> None:
    """Make this process end at its rename of that number: the even ones before it, the
    odd ones after.
    """
    rename, left = Path.rename, [number // 2]

    def deadly(path: Path, target: Path) -> Path:
        if left[0] == 0 and number % 2 == 0:
            os._exit(1)
        done = rename(path, target)
        if left[0] == 0:
            os._exit(1)
        left[0] -= 1
        return done

    Path.rename = deadly  # type: ignore[method-assign, assignment]


@pytest.mark.skipif(os.name == "nt", reason="no locks of folders")
def test_what_a_living_run_holds_is_left_alone(tmp_path: Path) -> None:
    with folder_beside(tmp_path / "out") as held:
        fill(folder(tmp_path / "out"), "new")
        assert held.is_dir()
    with scratch_folder() as held, scratch_folder() as other:
        assert held.is_dir()
        assert other.is_dir()


@pytest.mark.skipif(os.name == "nt", reason="no locks of folders")
def test_scratch_folders_of_killed_runs_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "interdict-abcdefgh").mkdir()
    (tmp_path / "interdict-my-own-notes").mkdir()
    with scratch_folder():
        pass
    assert [item.name for item in tmp_path.iterdir()] == ["interdict-my-own-notes"]


def test_only_what_the_same_command_made_of_the_same_source_is_replaced(tmp_path: Path) -> None:
    fill(folder(tmp_path / "out"), "first")
    for other in (
        folder(tmp_path / "out", "two"),
        OutputFolder(tmp_path / "out", "roster", ("one",), NAMES),
    ):
        with pytest.raises(InputError, match=r"what `plan` made of one.*--overwrite"):
            other.check()
    assert texts(tmp_path / "out")["plan.json"] == "first"
    fill(folder(tmp_path / "out", "two", overwrite=True), "second")
    assert texts(tmp_path / "out")["plan.json"] == "second"


def test_a_foreign_file_of_our_name_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/map-of-the-zoo.png").write_text("mine")
    with pytest.raises(
        InputError, match=r"map-of-the-zoo.png, which this program did not write there.*--overwrite"
    ):
        folder(tmp_path / "out").check()
    (tmp_path / "out" / MARKER).write_text("no mark")
    with pytest.raises(InputError, match="did not write there"):
        folder(tmp_path / "out").check()


def test_a_source_is_the_same_when_both_were_moved_together(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/scenario.toml").write_text("")

    def target(base: Path) -> OutputFolder:
        return OutputFolder(base / "out", "plan", (base / "scenario.toml",), NAMES)

    fill(target(tmp_path / "a"), "old")
    (tmp_path / "a").rename(tmp_path / "b")
    fill(target(tmp_path / "b"), "new")
    assert texts(tmp_path / "b/out")["plan.json"] == "new"


def test_the_folder_one_is_in_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "out/deep")
    for place in (Path(), Path(".."), tmp_path):
        with pytest.raises(InputError, match="the folder you are in"):
            folder(place).check()


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk/real").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "disk/real")
    for text in ("old", "new"):
        fill(folder(tmp_path / "out"), text)
    assert (tmp_path / "out").is_symlink()
    assert texts(tmp_path / "disk/real")["plan.json"] == "new"


def test_places_that_cannot_be_written_are_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    (tmp_path / "out/plan.json").mkdir(parents=True)
    for place, message in (
        ("link", "does not exist"),
        ("link/out", "does not exist"),
        ("file", "found a file"),
        ("file/out", "found a file"),
        ("out", "found a folder"),
        ("x" * 300, "name too long"),
        ("x/" + "y" * 300, "name too long"),
    ):
        with pytest.raises(InputError, match=message):
            folder(tmp_path / place).check()
    usage = namedtuple("usage", ["total", "used", "free"])  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(InputError, match=r"0\.0 MB free"):
        folder(tmp_path / "new").check()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "link", "out"]
