"""What commands record of themselves in the ledger of a scenario."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.base.errors import InputError
from optimizer.base.files.readwrite import sha256
from optimizer.pipeline.import_records import import_to_folder
from optimizer.pipeline.solve import solve_files
from optimizer.records.importers import frames
from optimizer.sharing.ledger.store import EntryModel, LedgerFolder, read_entry
from optimizer.sharing.ledger.verifying import verify_ledger
from tests.command import Outcome
from tests.tiny import write_scenario


def with_ledger(folder: Path) -> Path:
    scenario = write_scenario(folder)
    scenario.write_text(
        scenario.read_text() + '\n[ledger]\nfolder = "log"\nagency = "guard"\n', encoding="utf-8"
    )
    return scenario


def entries_of(folder: Path) -> list[EntryModel]:
    entries = [read_entry(line) for line in LedgerFolder.opened(folder).lines()]
    assert None not in entries
    return [entry for entry in entries if entry is not None]


def test_a_plan_records_what_it_rests_on_and_itself(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario, out = with_ledger(tmp_path), tmp_path / "out"
    first = command("plan", scenario, "--out", out, "--method", "greedy", "--no-report")
    assert first.code == 0, first.err
    assert "began the ledger log" in first.err
    again = command(
        "plan",
        scenario,
        "--out",
        out,
        "--method",
        "greedy",
        "--budget",
        "teams=0",
        "--set",
        "solve.gap=0.1",
        "--no-report",
    )
    assert again.code == 0, again.err
    assert "recorded as entries" in again.err
    found = entries_of(tmp_path / "log")
    kinds = [entry.kind for entry in found]
    assert kinds.count("plan") == kinds.count("model") == kinds.count("records") == 2
    override = found[kinds.index("override")]
    assert override.facts == {"changes.budgets.teams": 1, "settings.solve.gap": 1}
    last = found[-1]
    assert last.kind == "plan"
    assert last.agency == "guard"
    hashes = {file.name: file.sha256 for file in last.files}
    assert hashes["plan.json"] == sha256(out / "plan.json")
    assert last.facts["upper"] is not None
    model = found[kinds.index("model")]
    assert scenario.name in {file.name for file in model.files}
    assert verify_ledger(tmp_path / "log").ok


def test_a_plan_that_there_is_not_begins_no_ledger(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = with_ledger(tmp_path)
    outcome = command(
        "plan",
        scenario,
        "--out",
        tmp_path / "out",
        "--force",
        "a",
        "--budget",
        "teams=0",
        "--no-report",
    )
    assert outcome.code == 3, outcome.err
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("folder", "asked", "found"),
    [
        ("log", (), "found a folder without a ledger"),
        ("other", ("--set", 'ledger.folder="other"'), "found a folder without a ledger"),
        ("log", ("--set", 'ledger.folder="log/notes.txt"'), "found a file; expected a new folder"),
        (
            "log",
            ("--set", 'ledger.folder="new"', "--set", 'ledger.origin="a b"'),
            "ledger.origin: found 'a b'",
        ),
    ],
)
def test_a_folder_that_is_no_ledger_ends_the_command_before_the_work(
    command: Callable[..., Outcome], tmp_path: Path, folder: str, asked: tuple[str, ...], found: str
) -> None:
    scenario = with_ledger(tmp_path)
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "notes.txt").write_text("x")
    outcome = command("plan", scenario, "--out", tmp_path / "out", *asked, "--no-report")
    assert outcome.code == 1
    assert found in outcome.err
    assert "reading" not in outcome.err
    assert not (tmp_path / "out").exists()


GRID = Path(__file__).parents[1] / "instances" / "grid" / "grid-10-plain-6.json"
ROWS = "date,lon,lat,count\n2026-01-02,1.0,42.0,1\n2026-01-03,1.1,42.1,2\n"


@pytest.mark.slow
def test_a_solve_records_its_file_and_its_plan(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    LedgerFolder.made(tmp_path / "log")
    outcome = command("solve", GRID, "--ledger", tmp_path / "log", "--seed", 7, "--json")
    assert outcome.code == 0, outcome.err
    assert "recorded as entry 1 of the ledger" in outcome.err
    printed = json.loads(outcome.out)
    entry = entries_of(tmp_path / "log")[-1]
    assert entry.kind == "plan"
    assert [(file.name, file.sha256) for file in entry.files] == [(GRID.name, sha256(GRID))]
    assert entry.facts["upper"] == printed["upper"]
    assert entry.facts["seed"] == 7
    assert (
        entry.facts["options_sha256"]
        == hashlib.sha256(json.dumps(printed["plan"]).encode()).hexdigest()
    )


def test_what_was_asked_of_a_solve_is_counted(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    LedgerFolder.made(tmp_path / "log")
    resource = json.loads(GRID.read_text())["resources"][0]["id"]
    outcome = command(
        "solve", GRID, GRID, "--ledger", tmp_path / "log", "--budget", f"{resource}=1"
    )
    assert outcome.code == 0, outcome.err
    kinds = [entry.kind for entry in entries_of(tmp_path / "log")]
    assert kinds == ["ledger", "override", "plan", "override", "plan"]
    assert verify_ledger(tmp_path / "log").ok


def test_a_solve_without_a_plan_records_nothing(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    LedgerFolder.made(tmp_path / "log")
    content = json.loads(GRID.read_text())
    for option in content["options"]:
        option["forced"] = True
    (tmp_path / "all.json").write_text(json.dumps(content))
    assert command("solve", tmp_path / "all.json", "--ledger", tmp_path / "log").code == 3
    assert len(entries_of(tmp_path / "log")) == 1


def broken_ledgers(folder: Path) -> dict[str, Path]:
    """Return ledgers to which nothing can be added, and the words that say so."""
    cut, empty, later = (
        LedgerFolder.made(folder / name, "log").path for name in ("cut", "empty", "later")
    )
    (cut / "entries.jsonl").write_bytes((cut / "entries.jsonl").read_bytes()[:-9] + b"}\n")
    (empty / "entries.jsonl").unlink()
    (later / "ledger.json").write_text('{"schema_version": 2, "origin": "log"}')
    return {
        "no folder": folder / "nowhere",
        "an end that is no entry": cut,
        "without entries.jsonl": empty,
        "schema_version": later,
    }


def test_a_ledger_at_fault_ends_solve_and_import_before_the_work(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    monkeypatch.setattr(
        "optimizer.pipeline.solve.solve", lambda *_, **__: pytest.fail("the search has begun")
    )
    for words, ledger in broken_ledgers(tmp_path / "logs").items():
        before = {path: path.read_bytes() for path in ledger.rglob("*") if path.is_file()}
        read = (
            "import",
            "csv",
            tmp_path / "rows.csv",
            "--date",
            "date",
            "--lon",
            "lon",
            "--lat",
            "lat",
        )
        for arguments in (("solve", GRID), (*read, "--out", tmp_path / "out")):
            outcome = command(*arguments, "--ledger", ledger)
            assert outcome.code == 1, words
            assert words in outcome.err
        assert not (tmp_path / "out").exists()
        assert before == {path: path.read_bytes() for path in ledger.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_plan_that_cannot_be_recorded_is_given_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LedgerFolder.made(tmp_path / "log")
    before = (tmp_path / "log" / "entries.jsonl").read_bytes()
    monkeypatch.setattr("optimizer.sharing.ledger.store.os.fsync", full)
    series = solve_files([GRID], ledger=tmp_path / "log")
    assert next(series).result.plan is not None
    with pytest.raises(InputError, match=r"no space left on device.*Make room"):
        next(series)
    assert (tmp_path / "log" / "entries.jsonl").read_bytes() == before


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_import_records_what_was_read_and_what_was_made(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    LedgerFolder.made(tmp_path / "log")
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "map.toml").write_text(
        'source = "customs"\n[columns]\ndate="date"\nlon="lon"\nlat="lat"\ncount="count"\n'
    )
    arguments = (
        "import",
        "csv",
        tmp_path / "rows.csv",
        "--mapping",
        tmp_path / "map.toml",
        "--out",
        tmp_path / "out",
    )
    outcome = command(*arguments, "--ledger", tmp_path / "log", "--json")
    assert outcome.code == 0, outcome.err
    _, given, made = entries_of(tmp_path / "log")
    assert {file.name: file.sha256 for file in given.files} == {
        name: sha256(tmp_path / name) for name in ("rows.csv", "map.toml")
    }
    assert {file.name: file.sha256 for file in made.files} == {
        path.name: sha256(path)
        for path in (tmp_path / "out").iterdir()
        if path.name in frames.FILES
    }
    assert (made.facts["rows"], made.facts["kept"]) == (2, 2)


def test_an_import_that_fails_records_nothing(tmp_path: Path) -> None:
    LedgerFolder.made(tmp_path / "log")

    def read() -> frames.Imported:
        raise InputError

    with pytest.raises(InputError):
        import_to_folder(tmp_path / "out", [GRID], read, ledger=tmp_path / "log")
    assert len(entries_of(tmp_path / "log")) == 1
