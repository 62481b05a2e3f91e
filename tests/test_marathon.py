"""A slice of the marathon (`python -m tests.marathon`), and that it finds what it looks for."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.base.errors import InputError, OptimizerError, Problem, SolverError
from optimizer.problem.plan.result import Result
from optimizer.solvers.solve import solve_with
from tests.marathon import page
from tests.marathon.commands import leftovers, state
from tests.marathon.damages import ANY, DAMAGES, REFUSED, SAME
from tests.marathon.features import run_features
from tests.marathon.judge import Read, verdict
from tests.marathon.kills import run_kills
from tests.marathon.mutations import damaged
from tests.marathon.page import MarathonRow
from tests.marathon.readers import run_readers
from tests.marathon.tally import HangError, Tally, at_most
from tests.output_cases import output_folder


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.mark.slow
def test_damaged_files_are_refused_clearly_or_accepted_without_harm(tally: Tally) -> None:
    """Of four kinds of files; the marathon damages every kind in every way."""
    run_readers(tally, 0, 0, None, ["tips", "ledger: entries", "exchange: tips.json", "border"])
    assert tally.faults == []
    assert tally.total("refused") > 100
    assert tally.total("accepted") > 50


def test_every_row_of_the_table_is_a_damage_of_its_own() -> None:
    names = [(damage.name, kind) for damage in DAMAGES for kind in damage.formats]
    assert len(set(names)) == len(names)
    assert {damage.allowed for damage in DAMAGES} == {REFUSED, SAME, ANY}


GOOD = Read({"a": "1"}, frozenset())


@pytest.mark.parametrize(
    ("allowed", "found", "outcome"),
    [
        (REFUSED, GOOD, "accepted"),
        (REFUSED, Read({"a": "2"}, frozenset({"x.csv: told."})), "silent"),
        (SAME, GOOD, "accepted"),
        (SAME, Read({"a": "2"}, frozenset()), "silent"),
        (SAME, Read({"a": "2"}, frozenset({"x.csv: read with commas."})), "accepted"),
        (ANY, Read({"a": "2"}, frozenset()), "accepted"),
        (ANY, InputError(Problem("x.csv, line 2", "3", "4")), "refused"),
        (ANY, InputError(Problem("x.csv", "3", "4")), "unclear"),
        (ANY, InputError(Problem("x.csv", "3", "4", "Write 4")), "refused"),
        (ANY, InputError(Problem("y.csv", "3", "4", "Write 4")), "unclear"),
        (ANY, SolverError("no"), "unclear"),
    ],
)
def test_what_comes_of_a_damage_is_judged(
    allowed: str, found: Read | OptimizerError, outcome: str
) -> None:
    assert verdict(allowed, GOOD, found, ["x.csv"])[0] == outcome


@pytest.mark.slow
def test_killed_commands_leave_whole_files_and_folders(tally: Tally) -> None:
    """Of a command that writes a folder and one that adds to a ledger; the marathon ends
    every command in every way.
    """
    run_kills(tally, 2, seed=0, only=["ledger append", "import"])
    assert tally.faults == []


def test_damage_is_the_same_for_the_same_seed_and_other_for_another() -> None:
    content = json.dumps({"a": [1, 2, {"b": "text"}], "c": 1.5}).encode()
    copies = [damaged(content, random.Random(seed)) for seed in [*range(40), *range(40)]]  # noqa: S311 - no secret
    assert copies[:40] == copies[40:]
    assert len(set(copies)) > 30


def test_a_case_that_never_ends_is_broken_off() -> None:
    with pytest.raises(HangError), at_most(1):
        time.sleep(10)


def test_the_state_of_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert state(out) == "absent"
    with output_folder(out).written() as folder:
        (folder / "plan.json").write_text("{}")
    assert state(out) == "whole"
    (out / "plan.json").unlink()
    assert state(out) == "half-written"
    (tmp_path / ".out-00c0ffee.new").mkdir()
    assert leftovers(out) == [".out-00c0ffee.new"]


def test_the_page_shows_the_rows(
    tally: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "ROWS", tmp_path / "rows.jsonl")
    monkeypatch.setattr(page, "PAGE", tmp_path / "marathon.md")
    tally.add("x", "accepted")
    tally.add("x", "traceback", "here")
    row = MarathonRow.of("readers", 12_345, 6, tally, 1.23)
    assert "1 tracebacks" in row.line
    assert row.line.endswith("; 1.2 processor s")
    page.add_row(row)
    text = page.write_marathon_page().read_text(encoding="utf-8")
    assert "| damaged files | 12,345 | 6 | 0 | 1 | 1 | 0 | 0 |" in text


def test_features_are_held_against_enumeration_and_a_wrong_bound_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tally = Tally()
    run_features(tally, 1, 70_000)
    assert tally.faults == []
    assert tally.total("right") > 2

    def bold(*arguments: Any, **options: Any) -> Result:
        result = solve_with(*arguments, **options)
        return replace(result, lower=1.1 * (result.upper or 0.0))

    monkeypatch.setattr("tests.hostile.checks.solve_with", bold)
    run_features(tally, 1, 70_000)
    assert tally.total("wrong") > 0
