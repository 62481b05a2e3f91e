"""Run the commands of the page of questions (docs/questions.md) on the scenario that it names, as they are printed, and say how each ended.

`python -m tests.questions [--out FILE]`: each command runs in a process of its own, in an empty folder that has the repository's `instances`,
in the order of the page. Searches get 20 s (`LESS`). The table has the seconds by the clock, the exit status and the last line printed.
Commands that read files of the planner's own are not run here (`APART`).
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

ROW = re.compile(r"^\| ([^|]+) \| `interdict ([^`]+)` \|", re.MULTILINE)

LESS = {"plan ": "--time-limit 20", "frontier ": "--time-limit 20", "cooperate ": "--time-limit 20"}
"""How a command begins, and what is added so that all of them end within half an hour."""

APART = {
    "duplicates ": "reads two feeds of the planner's own; tests/test_help_examples.py",
    "delivered ": "reads tracks and logs; tests/test_delivered.py",
    "desk ": "runs until it is stopped; tests/test_desk_page.py",
}

FIRST = {"forecast seal": "ledger init results/ledger"}
"""Which command comes before one, as the page says."""


@dataclass(frozen=True)
class Answer:
    """What came of one command."""

    question: str
    command: str
    seconds: float
    status: int
    last: str


def asked() -> list[tuple[str, str]]:
    """Return the questions of the page with their commands."""
    return ROW.findall((ROOT / "docs" / "questions.md").read_text(encoding="utf-8"))


def answered(question: str, command: str, folder: Path) -> Answer:
    """Run one command and return what came of it."""
    more = next((words for begins, words in LESS.items() if command.startswith(begins)), "")
    before = next((words for begins, words in FIRST.items() if command.startswith(begins)), "")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(folder)}
    for words in filter(None, (before, f"{command} {more}")):
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, ROOT / "cli.py", *shlex.split(words)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - begun
    lines = [
        line.strip() for line in (done.stdout if done.returncode == 0 else done.stderr).splitlines() if line.strip()
    ]
    return Answer(question, command, seconds, done.returncode, lines[-1] if lines else "")


def main(arguments: list[str] | None = None) -> int:
    """Run all commands, print the table and return 1 if one failed."""
    parser = argparse.ArgumentParser(prog="tests.questions", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="File for the table, in Markdown.")
    given = parser.parse_args(arguments)
    rows = ["| question | command | seconds | exit | last line |", "|---|---|---|---|---|"]
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "instances").symlink_to(ROOT / "instances")
        for question, command in asked():
            apart = next((reason for begins, reason in APART.items() if command.startswith(begins)), "")
            if apart:
                rows.append(f"| {question} | `{command}` | | not run | {apart} |")
            else:
                found = answered(question, command, folder)
                failed |= found.status != 0
                last = found.last.replace("|", "\\|")
                rows.append(f"| {question} | `{command}` | {found.seconds:.0f} | {found.status} | {last} |")
            print(rows[-1], flush=True)
    if given.out:
        given.out.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
