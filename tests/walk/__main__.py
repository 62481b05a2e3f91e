"""`python -m tests.walk`: take borders through every command, print a table, and return 1
where something is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from tests.browser import CHROMIUM
from tests.pages import AXE
from tests.walk import answers
from tests.walk.steps import BORDERS
from tests.walk.walk import Row, walked

SHORT_S, ANSWERS_S = 1.0, 5.0
"""Seconds of a search with `--short`, and with `--answers`."""

HEAD = (
    "| border | command | exit | seconds | files | first line |",
    "|---|---|---:|---:|---:|---|",
)


def line(row: Row) -> str:
    """Return a row of the table."""
    first = row.first.replace("|", "\\|")[:160]
    wrong = f" **{len(row.faults)} faults**" if row.faults else ""
    return (
        f"| {row.border} | `{row.command}` | {row.status} | {row.seconds:.0f} | {row.opened} |"
        f" {first}{wrong} |"
    )


def _tell(row: Row) -> None:
    print(line(row), *(f"    {each}" for each in row.faults), sep="\n", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk, print the table and return 1 where something is wrong."""
    parser = argparse.ArgumentParser(
        prog="tests.walk", description="Take borders through every command, and open what it wrote."
    )
    parser.add_argument("--short", action="store_true", help="Small borders, 1 s a search.")
    parser.add_argument("--border", action="append", choices=list(BORDERS), help="This one alone.")
    parser.add_argument("--only", default="", help="Commands that begin with these words.")
    parser.add_argument(
        "--from", default="", dest="begin", help="The first command that begins so, and the rest."
    )
    parser.add_argument("--time-limit", type=float, help="Seconds of a search.")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="Folder of all that is made; what an earlier walk left there stays, for --only and --from.",
    )
    parser.add_argument("--jobs", type=int, default=1, help="Borders at the same time.")
    parser.add_argument("--out", type=Path, help="File for the table, in Markdown.")
    parser.add_argument(
        "--answers", action="store_true", help="Make the pictures of docs/answers anew."
    )
    given = parser.parse_args(arguments)
    short = given.short
    limit = given.time_limit or (ANSWERS_S if given.answers else SHORT_S if short else None)
    borders = answers.borders() if given.answers else list(BORDERS.values())
    borders = [border for border in borders if border.name in (given.border or BORDERS)]
    borders = [border for border in borders if not short or border.short]
    if not (CHROMIUM and AXE):
        print("There is no Chromium here, or AXE names no axe.min.js: less is looked at.")
    place: AbstractContextManager[Path | str] = (
        nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory()
    )
    print(*HEAD, sep="\n", flush=True)
    with place as name, ThreadPoolExecutor(given.jobs) as pool:
        walk = partial(
            walked,
            place=Path(name),
            tell=_tell,
            short=short,
            time_limit=limit,
            reports=not given.answers,
            only=given.only,
            begin=given.begin,
        )
        rows = [row for each in pool.map(walk, borders) for row in each]
    if given.answers:
        answers.write_pictures(rows)
    if given.out:
        given.out.write_text("\n".join([*HEAD, *map(line, rows)]) + "\n", encoding="utf-8")
    wrong = [row for row in rows if row.faults]
    print(f"{len(rows)} commands, {sum(row.opened for row in rows)} files; {len(wrong)} at fault")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
