"""The walk has a step for every command and every question, and its loop sees what is
wrong.
"""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from optimizer.cli.app import app
from optimizer.cli.purposes import LAB, PURPOSES, SYNONYMS
from tests.walk import walk
from tests.walk.answers import ANSWERS, picture_name, questions, step_of
from tests.walk.openers import faults_of_files
from tests.walk.people import USERS, WORK
from tests.walk.steps import BORDERS, STEPS, Border, Step
from tests.walk.walk import LIMITED

ROOT = Path(__file__).parents[1]
TREE = get_command(app)
WALKED = [step.words for step in STEPS]


def leaves(words: str) -> Iterator[str]:
    """Return the commands that words of README's tables name: those of a group, one by one."""
    node: Any = TREE
    for word in words.split():
        node = node.commands[word]
    names = getattr(node, "commands", None)
    if names is None:
        yield words
    else:
        for name in names:
            yield from leaves(f"{words} {name}")


def test_every_command_of_the_readme_has_a_step() -> None:
    table = [words for purpose in (*PURPOSES, LAB) for words in purpose.commands]
    for command in (*SYNONYMS, *(leaf for words in table for leaf in leaves(words))):
        assert any(f"{words} ".startswith(f"{command} ") for words in WALKED), command


def test_every_question_has_a_step_on_the_shipped_border_and_a_picture() -> None:
    asked = questions()
    assert len(asked) >= 20
    page = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    pictures = {picture_name(command): command for command in asked}
    for command in asked:
        assert (step := step_of(command)) is not None, command
        assert set(step.borders) & {"rio-grande", "my-border", "stand-ins"}
        assert step.by or picture_name(command) in page or step.before or "feed" in command
    # a command that has changed since wants another picture: `python -m tests.walk --answers`
    drawn = sorted(ANSWERS.iterdir())
    assert len(drawn) >= 10
    for path in drawn:
        described = f"<desc>{html.escape(pictures[path.name])}</desc>"
        assert described in path.read_text(encoding="utf-8"), path.name
        assert f"(answers/{path.name})" in page, path.name


def test_steps_are_words_of_the_command_line_and_name_what_there_is() -> None:
    for step in STEPS:
        assert set(step.borders) <= set(BORDERS)
        assert set(step.refused) <= set(BORDERS)
        assert not step.before or step.before in WORK
        assert not step.by or step.by in USERS
        for name in step.borders:
            words = BORDERS[name].said(step.words)
            assert "{" not in words
            first, _, rest = words.partition(" ")
            typed, node = shlex.split(f"{SYNONYMS.get(first, first)} {rest}"), TREE
            while hasattr(node, "commands"):
                node = node.commands[typed.pop(0)]
            assert node.make_context("step", typed).params, words
    commands = {step.words.split()[0] for step in STEPS}
    assert set(LIMITED) <= commands


@pytest.mark.parametrize(
    ("words", "refused", "fault"),
    [
        ("schema plan --out results/plan.json", {}, ""),
        ("schema nothing", {}, "exit 2 where README says 0"),
        ("check nowhere.toml", {"it": "nowhere.toml"}, ""),
        ("check nowhere.toml", {"it": "another fault"}, "and not 1 with a message of"),
        ("schema plan", {"it": "refused"}, "exit 0, and not 1"),
    ],
)
def test_the_loop_says_how_a_command_ended(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    refused: dict[str, str],
    fault: str,
) -> None:
    steps = (Step(words, ("it",), refused=refused),)
    monkeypatch.setattr("tests.walk.steps.STEPS", steps)
    monkeypatch.setattr(walk, "write_standins", lambda _: None)
    (row,) = walk.walked(Border("it", "", ""), tmp_path, lambda _: None)
    assert bool(row.faults) == bool(fault)
    assert fault in "\n".join(row.faults)
    assert row.opened == ("--out" in words)
    assert row.first or row.opened


def test_a_page_that_does_not_end_is_a_fault_and_no_end_of_the_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_: str) -> list[str]:
        return []

    (tmp_path / "cli.py").write_text(
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        'print(\'{"address": ""}\', flush=True)\n'
        "while True:\n"
        "    time.sleep(1)\n"
    )
    monkeypatch.setattr(walk, "ROOT", tmp_path)
    monkeypatch.setattr(walk, "PATIENCE_S", 0.2)
    monkeypatch.setitem(USERS, "nobody", nobody)
    faults: list[str] = []
    status, _, _ = walk._served(Step("desk", ("it",), by="nobody"), "desk", tmp_path, "", faults)
    assert status
    assert "after Ctrl-C" in faults[0]


DAMAGED = {
    "a.csv": b"x,y\n1,2\n3\n",
    "a.json": b"{",
    "a.gpx": b"<gpx>",
    "a.ics": b"BEGIN:VCALENDAR\nno",
    "a.xlsx": b"PK",
    "a.gpkg": b"SQLite",
    "a.png": b"\x89PNG",
    "a.pdf": b"PDF",
    "a.zip": b"PK",
    "a.toml": b"= 1",
    "a.jsonl": b"{}\n{",
    "a.svg": b"<svg>",
    "a.md": b"\xff",
    "a.strange": b"",
}


@pytest.mark.parametrize("name", sorted(DAMAGED))
def test_a_damaged_file_is_a_fault(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(DAMAGED[name])
    (fault,) = faults_of_files([tmp_path / name])
    assert re.match(rf"{re.escape(name)}: .+", fault)
