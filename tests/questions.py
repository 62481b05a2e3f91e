"""Run the commands of the page of questions (docs/questions.md), and say how each ended
or keep a picture of its answer.

`python -m tests.questions [--out FILE]`: each command runs in a process of its own, in
an empty folder that has the repository's `instances`, in the order of the page.
Searches get 20 s (`LESS`). The table has the seconds by the clock, the exit status and
the last line printed. Commands that read files of the planner's own are not run here
(`APART`).

`python -m tests.questions --pictures docs/answers --small` writes what each command
prints as a picture (SVG) that the page shows. `--small` takes the scenario of 515 nodes
in place of the real roads, 5 s a search and no report. `--only WORDS` runs the commands
that begin so, and `--in FOLDER` keeps the folder in which they run, for the others.
Each picture holds its command: tests/test_command_line.py compares it with the page.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]

ROW = re.compile(r"^\| ([^|]+) \| `interdict ([^`]+)` \|", re.MULTILINE)

LESS = ("plan ", "frontier ", "cooperate ", "explain ")
"""How a command begins whose search is shortened, so that all of them end within half an hour."""

APART = {
    "duplicates ": "reads two feeds of the planner's own; tests/test_help_examples.py",
    "delivered ": "reads tracks and logs; tests/test_delivered.py",
    "desk ": "runs until it is stopped; tests/test_desk_page.py",
}

FIRST = {"forecast seal": "ledger init results/ledger"}
"""Which command comes before one, as the page says."""

REAL, SMALL = "instances/rio-grande-roads", "instances/rio-grande"
WIDTH, LINES = 100, 24
"""Characters of a line, and lines, that a picture shows."""


@dataclass(frozen=True)
class Answer:
    """What came of one command."""

    question: str
    command: str
    seconds: float
    status: int
    lines: list[str]


def asked() -> list[tuple[str, str]]:
    """Return the questions of the page with their commands."""
    return ROW.findall((ROOT / "docs" / "questions.md").read_text(encoding="utf-8"))


def apart(command: str) -> str:
    """Return why a command is not run here; empty for one that is."""
    return next((reason for begins, reason in APART.items() if command.startswith(begins)), "")


def picture_name(command: str) -> str:
    """Return the name of a command's picture."""
    words = [word.rpartition("/")[2] for word in command.split() if not word.endswith(".toml")]
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")[:60] + ".svg"


def answered(question: str, command: str, folder: Path, *, small: bool) -> Answer:
    """Run one command and return what came of it."""
    limit = f" --time-limit {5 if small else 20}" if command.startswith(LESS) else ""
    limit += " --no-report" if small and command.startswith("plan ") else ""
    before = next((words for begins, words in FIRST.items() if command.startswith(begins)), "")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(folder), "COLUMNS": str(WIDTH)}
    for words in filter(None, (before, command + limit)):
        begun = time.monotonic()
        done = subprocess.run(
            [
                sys.executable,
                ROOT / "cli.py",
                *shlex.split(words.replace(REAL, SMALL) if small else words),
            ],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - begun
    lines = [
        line.rstrip()
        for line in (done.stdout if done.returncode == 0 else done.stderr).splitlines()
    ]
    return Answer(
        question, command, seconds, done.returncode, [line for line in lines if line.strip()]
    )


def parts(line: str) -> list[str]:
    """Return a line in parts of at most `WIDTH` characters; one of a table is never that long."""
    return [line] if len(line) <= WIDTH else textwrap.wrap(line, WIDTH)


def picture(answer: Answer, *, small: bool) -> str:
    """Return the answer as an SVG of text: the command as it was run, then the first
    lines and the last.
    """
    run = answer.command.replace(REAL, SMALL) if small else answer.command
    texts = [part for line in (f"$ interdict {run}", *answer.lines) for part in parts(line)]
    if len(texts) > LINES:
        last = texts[-1:] if len(parts(answer.lines[-1])) == 1 else []
        texts[LINES - 1 - len(last) :] = [f"… {len(texts) - LINES + 1} more lines", *last]
    lines = [
        f'<text x="12" y="{24 + 18 * k}" xml:space="preserve">{escape(text)}</text>\n'
        for k, text in enumerate(texts)
    ]
    lines[0] = lines[0].replace("<text", '<text fill="#8cf"')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {8 * WIDTH + 24}'
        f' {18 * len(texts) + 20}" role="img" font-family="monospace" font-size="13"'
        f' fill="#eee">\n<title>{escape(answer.question)}</title>\n<desc>{escape(answer.command)}</desc>\n<rect'
        f' width="100%" height="100%" rx="6" fill="#1d2229"/>\n{"".join(lines)}</svg>\n'
    )


def main(arguments: list[str] | None = None) -> int:
    """Run all commands, print the table and return 1 if one failed."""
    parser = argparse.ArgumentParser(
        prog="tests.questions", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--out", type=Path, help="File for the table, in Markdown.")
    parser.add_argument("--pictures", type=Path, help="Folder for a picture of each answer.")
    parser.add_argument(
        "--small", action="store_true", help="The scenario of 515 nodes, 5 s a search."
    )
    parser.add_argument("--only", default="", help="Commands that begin with these words.")
    parser.add_argument(
        "--in", type=Path, dest="place", help="Folder in which commands run, which stays."
    )
    given = parser.parse_args(arguments)
    rows = ["| question | command | seconds | exit | last line |", "|---|---|---|---|---|"]
    failed = False
    place: AbstractContextManager[Path | str] = (
        nullcontext(given.place) if given.place else tempfile.TemporaryDirectory()
    )
    with place as name:
        folder = Path(name)
        folder.mkdir(exist_ok=True)
        if not (folder / "instances").exists():
            (folder / "instances").symlink_to(ROOT / "instances")
        for question, command in asked():
            if not command.startswith(given.only):
                continue
            if reason := apart(command):
                rows.append(f"| {question} | `{command}` | | not run | {reason} |")
            else:
                found = answered(question, command, folder, small=given.small)
                failed |= found.status != 0
                last = found.lines[-1].strip().replace("|", "\\|") if found.lines else ""
                rows.append(
                    f"| {question} | `{command}` | {found.seconds:.0f} | {found.status} | {last} |"
                )
                if given.pictures and not found.status:
                    given.pictures.mkdir(exist_ok=True)
                    drawn = picture(found, small=given.small)
                    (given.pictures / picture_name(command)).write_text(drawn, encoding="utf-8")
            print(rows[-1], flush=True)
    if given.out:
        given.out.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
