"""Plant faults in the program and have each found: `python -m tests.planted`.

Each fault of `faults` is planted by itself, and its referees look for it until it is
found or a number of seeds is used up. With `--page` the table goes on
results/hostile.md. The exit code is 1 where a fault was not found.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.planted.faults import FAULTS
from tests.planted.planting import Fault
from tests.planted.referees import Found, looked_for

PAGE = Path(__file__).parents[2] / "results" / "hostile.md"
BEGIN, END = "<!-- planted: begin -->\n", "<!-- planted: end -->\n"


def row_of(fault: Fault, found: Found) -> str:
    """Return the row of a fault in the table."""
    by = f"{found.referee}: {found.step}" if found.referee else "**not found**"
    return f"| {fault.name} | {fault.about} | {by} | {found.seeds} |"


def write(rows: list[str]) -> None:
    """Write the table on the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    head = ["| fault | what is wrong | found by | seeds |", "|---|---|---|---|"]
    table = "".join(f"{line}\n" for line in [*head, *rows])
    PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")


def main() -> int:
    """Plant, look, and print; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.planted", description=__doc__.split("\n")[0] if __doc__ else ""
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="may be given again"
    )
    parser.add_argument("--seeds", type=int, default=60, help="after which a fault is given up")
    parser.add_argument("--page", action="store_true", help="write the table")
    parser.add_argument("--list", action="store_true", help="print the names alone")
    asked = parser.parse_args()
    unknown = {*asked.only} - {fault.name for fault in FAULTS}
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; --list names all")
    chosen = [fault for fault in FAULTS if not asked.only or fault.name in asked.only]
    if asked.list:
        print("\n".join(fault.name for fault in chosen))
        return 0
    rows = []
    for fault in chosen:
        began = time.process_time()
        found = looked_for(fault, asked.seeds)
        rows.append((fault, found))
        print(f"{row_of(fault, found)} {time.process_time() - began:.1f} s", flush=True)
        print(f"    {found.line[:200]}", flush=True)
    missed = [fault.name for fault, found in rows if not found.referee]
    print(f"{len(rows)} faults planted, {len(rows) - len(missed)} found")
    if asked.page:
        write([row_of(*each) for each in rows])
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
