"""The pictures of docs/answers: what the commands of docs/questions.md print on a walk,
and the commit and day of that walk, which the page says.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from tests.walk.steps import BORDERS, REAL, SMALL, STEPS, Border, Step

if TYPE_CHECKING:
    from tests.walk.walk import Row

ROOT = Path(__file__).parents[2]

PAGE = ROOT / "docs" / "questions.md"

ANSWERS = ROOT / "docs" / "answers"

QUESTION = re.compile(r"^\| ([^|]+) \| `interdict ([^`]+)` \|", re.MULTILINE)

DATED = re.compile(r"They date from .+, commit \w+\.")

WIDTH, LINES = 100, 24
"""Characters of a line, and lines, that a picture shows."""


def questions() -> dict[str, str]:
    """Return the questions of the page, by their commands."""
    return {
        command: question
        for question, command in QUESTION.findall(PAGE.read_text(encoding="utf-8"))
    }


def step_of(command: str) -> Step | None:
    """Return the step that runs a command of the page; None where there is none."""
    same = [
        step
        for step in STEPS
        for name in step.borders
        if shlex.split(BORDERS[name].said(step.words)) == shlex.split(command)
    ]
    return same[0] if same else None


def borders() -> list[Border]:
    """Return the borders whose steps answer the questions, with these steps and what
    comes before them alone.
    """
    asked = [step for command in questions() if (step := step_of(command)) and not step.by]
    return [
        replace(
            BORDERS["rio-grande"],
            scenario=f"{SMALL}/scenario.toml",
            only=(*(step.words for step in asked), "ledger init"),
        ),
        replace(
            BORDERS["stand-ins"],
            only=tuple(step.words for step in asked if "stand-ins" in step.borders),
        ),
    ]


def picture_name(command: str) -> str:
    """Return the name of a command's picture."""
    words = [word.rpartition("/")[2] for word in command.split() if not word.endswith(".toml")]
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")[:60] + ".svg"


def parts(line: str) -> list[str]:
    """Return a line in parts of at most `WIDTH` characters; one of a table is never that long."""
    return [line] if len(line) <= WIDTH else textwrap.wrap(line, WIDTH)


def picture(question: str, command: str, row: Row) -> str:
    """Return an answer as an SVG of text: the command as it was run, then the first lines
    and the last.
    """
    texts = [part for line in (f"$ interdict {row.command}", *row.lines) for part in parts(line)]
    if len(texts) > LINES:
        last = texts[-1:] if len(parts(row.lines[-1])) == 1 else []
        texts[LINES - 1 - len(last) :] = [f"… {len(texts) - LINES + 1} more lines", *last]
    lines = [
        f'<text x="12" y="{24 + 18 * k}" xml:space="preserve">{escape(text)}</text>\n'
        for k, text in enumerate(texts)
    ]
    lines[0] = lines[0].replace("<text", '<text fill="#8cf"')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {8 * WIDTH + 24}'
        f' {18 * len(texts) + 20}" role="img" font-family="monospace" font-size="13"'
        f' fill="#eee">\n<title>{escape(question)}</title>\n<desc>{escape(command)}</desc>\n<rect'
        f' width="100%" height="100%" rx="6" fill="#1d2229"/>\n{"".join(lines)}</svg>\n'
    )


def write_pictures(rows: Iterable[Row]) -> None:
    """Write a picture of each row that answers a question of the page, in place of those
    that there are, and on the page the commit at which this was done; what serves a page
    has no picture.
    """
    asked = questions()
    run = {command.replace(REAL, SMALL): command for command in asked}
    for row in rows:
        if row.command in run and not row.status:
            command = run[row.command]
            drawn = picture(asked[command], command, row)
            (ANSWERS / picture_name(command)).write_text(drawn, encoding="utf-8")
    commit, day = subprocess.run(
        ["git", "log", "-1", "--format=%h %cs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(DATED.sub(f"They date from {day}, commit {commit}.", page), encoding="utf-8")
