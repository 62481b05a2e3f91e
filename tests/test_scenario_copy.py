"""The scenario in a plan folder: a folder that is copied answers as before, what has changed
is told, and an archive that is not as `plan` wrote it is refused.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.analysis.desk.shown import DeskGround
from optimizer.base.errors import InputError
from optimizer.pipeline.export import reopen_plan
from optimizer.plans import scenario_copy
from optimizer.plans.plan_folder import PlanFolder
from optimizer.plans.scenario_copy import CONTENT_FILE, SCENARIO_COPY, ScenarioCopy
from tests.command import Outcome
from tests.tiny import write_scenario


@pytest.fixture
def made(command: Callable[..., Outcome], tmp_path: Path) -> Path:
    """Return the folder of a plan, made of a scenario in a folder beside it."""
    out = tmp_path / "first" / "out"
    outcome = command("plan", write_scenario(tmp_path / "first"), "--out", out, "--no-report")
    assert outcome.code == 0, outcome.err
    assert "scenario.zip in it holds the scenario with its records" in " ".join(outcome.out.split())
    return out


def moved(folder: Path, tmp_path: Path) -> Path:
    """Return a copy of a plan folder; what it was made of is gone."""
    other = tmp_path / "other" / "plan"
    shutil.copytree(folder, other)
    shutil.rmtree(tmp_path / "first")
    return other


def archive_of(path: Path, entries: dict[str, bytes]) -> ScenarioCopy:
    with zipfile.ZipFile(path / SCENARIO_COPY, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return ScenarioCopy(path / SCENARIO_COPY)


def listed(scenario: str, files: dict[str, str]) -> bytes:
    content = {"schema_version": 1, "scenario": scenario, "files": files, "absolute": {}}
    return json.dumps(content).encode()


def test_a_copied_folder_is_exported_and_opened_as_before(
    command: Callable[..., Outcome], made: Path, tmp_path: Path
) -> None:
    before = reopen_plan(made)
    opened = PlanFolder(moved(made, tmp_path))
    after = reopen_plan(opened.path)
    assert not before.notes
    (note,) = after.notes
    assert "not where it was when the plan was made: what follows is of the copy in" in note
    assert after.plan == before.plan
    assert not opened.changed_inputs(after.compiled.inputs)
    ground = DeskGround.of(opened, opened.instance)
    assert ground is not None
    assert not ground.bare
    outcome = command("export", opened.path, "--out", tmp_path / "layers", "--no-figures")
    assert outcome.code == 0, outcome.err
    assert "of the copy in" in " ".join((outcome.out + outcome.err).split())


def test_the_record_behind_a_copied_plan_can_be_asked_for(
    command: Callable[..., Outcome], made: Path, tmp_path: Path
) -> None:
    other = moved(made, tmp_path)
    outcome = command("explain", other, "--record", 1, "--time-limit", 5)
    assert outcome.code == 0, outcome.err


def test_a_scenario_without_one_of_its_files_gives_way_to_the_copy(made: Path) -> None:
    (made.parent / "sites.csv").unlink()
    told: list[str] = []
    path = PlanFolder(made).scenario_told(told.append)
    assert path.parent != made.parent
    assert (path.parent / "sites.csv").is_file()
    assert len(told) == 1


def test_what_has_changed_since_is_told_and_the_copy_can_be_asked_for(made: Path) -> None:
    told: list[str] = []
    assert PlanFolder(made).scenario_told(told.append).parent.samefile(made.parent)
    assert not told
    sites = made.parent / "sites.csv"
    before = sites.read_bytes()
    sites.write_bytes(before + b"f,New,10.3,50.05,police,,40,post\n")
    assert PlanFolder(made).scenario_told(told.append).parent.samefile(made.parent)
    assert told.pop().startswith("sites.csv changed since the plan was made")
    as_made = PlanFolder(made).scenario_told(told.append, as_made=True)
    assert (as_made.parent / "sites.csv").read_bytes() == before
    assert "what follows is of the copy in" in told.pop()


def test_paths_from_the_root_and_files_elsewhere_are_found_in_the_copy(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path / "first" / "scenario")
    (tmp_path / "first" / "shared").mkdir()
    text = scenario.read_text()
    for name, path in (
        ("seizures.csv", f"{tmp_path}/first/shared/seizures.csv"),
        ("effort.csv", "../shared/effort.csv"),
    ):
        (scenario.parent / name).rename(tmp_path / "first" / "shared" / name)
        text = text.replace(f'"{name}"', f'"{path}"')
    scenario.write_text(text)
    out = tmp_path / "first" / "out"
    assert command("plan", scenario, "--out", out, "--no-report").code == 0
    before = reopen_plan(out)
    opened = PlanFolder(moved(out, tmp_path))
    after = reopen_plan(opened.path)
    assert after.plan == before.plan
    assert not opened.changed_inputs(after.compiled.inputs)


def test_the_same_scenario_makes_the_same_archive(
    command: Callable[..., Outcome], made: Path
) -> None:
    first = (made / SCENARIO_COPY).read_bytes()
    (made.parent / "sites.csv").touch()
    again = made.parent / "again"
    assert command("plan", made.parent / "scenario.toml", "--out", again, "--no-report").code == 0
    assert (again / SCENARIO_COPY).read_bytes() == first


def test_no_copy_is_kept_where_nobody_wants_it_or_it_is_too_large(
    command: Callable[..., Outcome], made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = made.parent / "scenario.toml"
    outcome = command("plan", scenario, "--out", made, "--no-report", "--no-copy")
    assert not (made / SCENARIO_COPY).exists()
    assert SCENARIO_COPY not in outcome.out
    monkeypatch.setattr(scenario_copy, "LARGEST", 1000)
    outcome = command("plan", scenario, "--out", made, "--no-report")
    assert not (made / SCENARIO_COPY).exists()
    assert "No scenario.zip: the files of the scenario are too large" in " ".join(
        outcome.err.split()
    )
    other = moved(made, tmp_path)
    with pytest.raises(InputError, match="Name it with --scenario FILE"):
        reopen_plan(other)


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ({}, "cannot be read"),
        ({CONTENT_FILE: b"{"}, "cannot be read"),
        ({CONTENT_FILE: listed("a.toml", {})}, "may not be there"),
        ({CONTENT_FILE: listed("a.toml", {"a.toml": "0" * 64})}, "cannot be read"),
        ({CONTENT_FILE: listed("a.toml", {"a.toml": "0" * 64}), "a.toml": b"x"}, "another a.toml"),
        *(
            ({CONTENT_FILE: listed(name, {name: "0" * 64}), name: b"x"}, "may not be there")
            for name in ("../a.toml", "/a.toml", "b/../../a.toml", "c:a.toml", "..\\a.toml")
        ),
    ],
)
def test_an_archive_that_plan_did_not_write_is_refused(
    tmp_path: Path, entries: dict[str, bytes], found: str
) -> None:
    with pytest.raises(InputError, match=found):
        archive_of(tmp_path, entries).unpacked()
    assert [path.name for path in tmp_path.iterdir()] == [SCENARIO_COPY]


def test_what_is_no_archive_or_far_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = ScenarioCopy(tmp_path / SCENARIO_COPY)
    copy.path.write_bytes(b"PK no archive")
    with pytest.raises(InputError, match="cannot be read"):
        copy.unpacked()
    monkeypatch.setattr(scenario_copy, "LARGEST", 100_000)
    large = {CONTENT_FILE: listed("a.toml", {"a.toml": "0" * 64}), "a.toml": b"x" * 200_000}
    with pytest.raises(InputError, match="too large"):
        archive_of(tmp_path, large).unpacked()
