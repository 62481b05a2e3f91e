"""`python -m tests.marathon --only PART --count N --seed S`: prints faults and counts;
`--page` keeps the figures.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.marathon.page import MarathonRow, add_row, write_marathon_page
from tests.marathon.tally import Tally

COUNTS = {
    "readers": 0,
    "solvers": 10_000,
    "features": 5_000,
    "kills": 0,
    "surroundings": 0,
    "names": 0,
}
"""What a whole marathon runs of each part; 0 is its whole table once."""

FUZZ_SECONDS = 60
"""Seconds of fuzzing of each kind of file, where no count is given."""


def run_part(
    part: str, count: int, seed: int, keep: Path | None = None, kinds: Sequence[str] = ()
) -> Tally:
    """Run a part of the marathon, of readers those of some kinds of files alone, and
    return its counts.
    """
    tally = Tally(loud=True)
    run = getattr(import_module(f"tests.marathon.{part}"), f"run_{part}")
    more: dict[str, tuple[Any, ...]] = {
        "readers": (keep, kinds),
        "kills": (kinds,),
        "surroundings": (kinds,),
        "names": (kinds,),
        "fuzz": (kinds,),
    }
    # SIGTERM, as commands that run in this process take Ctrl-C
    before = signal.signal(signal.SIGTERM, lambda *_: setattr(tally, "stopped", True))
    try:
        run(tally, count, seed, *more.get(part, ()))
    finally:
        signal.signal(signal.SIGTERM, before)
    return tally


def _processor_seconds() -> float:
    """Return the processor seconds of this process and of those that it has started and
    that have ended.
    """
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> int:
    """Run the parts asked for; return 1 where there was any fault."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.marathon",
        description="Damaged inputs, brute force, kills and faults.",
    )
    parser.add_argument(
        "--only",
        choices=[*COUNTS, "fuzz"],
        action="append",
        help="a part; all but fuzz where not given",
    )
    parser.add_argument(
        "--count",
        type=int,
        help=(
            "cases of each part; by default every row of its table, 10,000 instances, 5,000 with"
            " features; of fuzz seconds a kind"
        ),
    )
    parser.add_argument("--seed", type=int, default=0, help="number of the first case")
    parser.add_argument("--keep", type=Path, help="folder for damaged files that make a fault")
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        help=(
            "a kind of file, a word of a damage, a command that is ended, a fault of the"
            " surroundings; all where not given"
        ),
    )
    parser.add_argument(
        "--page", action="store_true", help="add the figures to results/marathon.md"
    )
    parser.add_argument("--note", default="", help="what the page is to say of these figures")
    asked = parser.parse_args()
    words = [word for word in sys.argv[1:] if word != "--page"]
    if "--note" in words:
        at = words.index("--note")
        del words[at : at + 2]
    faults = 0
    for part in asked.only or [*COUNTS]:
        count, began = asked.count or COUNTS.get(part, FUZZ_SECONDS), _processor_seconds()
        tally = run_part(part, count, asked.seed, asked.keep, asked.kind)
        if tally.stopped or not count or part == "fuzz":
            count = tally.total()
        row = MarathonRow.of(
            part,
            count,
            asked.seed,
            tally,
            _processor_seconds() - began,
            asked.note,
            shlex.join(words),
        )
        for (group, outcome), number in sorted(tally.counts.items()):
            print(f"{part}: {group}: {number} {outcome}")
        for fault, number in Counter(line.split(": ", 3)[-1] for line in tally.faults).most_common(
            40
        ):
            print(f"{part}: FAULT {number} x {fault}")
        print(row.line, flush=True)
        faults += len(tally.faults)
        if asked.page:
            add_row(row)
    if asked.page:
        print(write_marathon_page())
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
