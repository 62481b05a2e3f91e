"""What commands record of themselves in the ledger of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from optimizer.base.files import sha256
from optimizer.ledger.entries import read_entry
from optimizer.ledger.store import LedgerFolder
from optimizer.ledger.verifying import verify_ledger
from tests.command import Outcome, run
from tests.tiny import write_scenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optimizer.ledger.entries import EntryModel


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    return lambda *arguments: run(capsys, monkeypatch, *arguments)


def with_ledger(folder: Path) -> Path:
    scenario = write_scenario(folder)
    scenario.write_text(scenario.read_text() + '\n[ledger]\nfolder = "log"\nagency = "guard"\n', encoding="utf-8")
    return scenario


def entries_of(folder: Path) -> list[EntryModel]:
    entries = [read_entry(line) for line in LedgerFolder.opened(folder).lines()]
    assert None not in entries
    return [entry for entry in entries if entry is not None]


def test_a_plan_records_what_it_rests_on_and_itself(command: Callable[..., Outcome], tmp_path: Path) -> None:
    scenario, out = with_ledger(tmp_path), tmp_path / "out"
    first = command("plan", scenario, "--out", out, "--method", "greedy")
    assert first.code == 0, first.err
    assert "began the ledger log" in first.err
    again = command(
        "plan", scenario, "--out", out, "--method", "greedy", "--budget", "teams=0", "--set", "solve.gap=0.1"
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


def test_a_folder_that_is_no_ledger_ends_the_command_before_the_work(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = with_ledger(tmp_path)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "notes.txt").write_text("x")
    outcome = command("plan", scenario, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert "a folder without a ledger" in outcome.err
    assert not (tmp_path / "out").exists()
