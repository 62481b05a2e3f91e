"""Processor seconds of tests, and which of the slow ones carry no mark.

`python -m pytest --junitxml=times.xml; python -m tests.times times.xml` prints how long each selection takes and the tests of `SLOW` processor
seconds or more that the inner loop (`INNER`) runs; their names go to those who mark them. The exit status is 1 if there are any.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from defusedxml.ElementTree import parse

SLOW = 1.0
INNER = "not (slow or report or lab)"


@dataclass(frozen=True)
class Timed:
    """A test's name, processor seconds (elapsed ones where none are known) and marks."""

    name: str
    seconds: float
    marks: frozenset[str]


def read_times(file: Path) -> list[Timed]:
    """Return the tests of a file of --junitxml."""
    tests = []
    for case in parse(file).iter("testcase"):
        values = {p.get("name"): p.get("value", "") for p in case.iter("property")}
        name = f"{case.get('classname') or ''}::{case.get('name')}"
        tests.append(
            Timed(
                name, float(values.get("processor_s", case.get("time", 0))), frozenset(values.get("marks", "").split())
            )
        )
    return tests


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--files", action="store_true", help="the seconds of each file of tests")
    given = parser.parse_args()
    tests = sorted(read_times(given.file), key=lambda test: -test.seconds)
    print(f"{sum(test.seconds for test in tests):8.1f} s  {len(tests)} tests")
    for mark in ("slow", "report", "lab"):
        marked = [test for test in tests if mark in test.marks]
        print(f"{sum(test.seconds for test in marked):8.1f} s  {len(marked)} with the mark {mark}")
    inner = [test for test in tests if not test.marks]
    print(f"{sum(test.seconds for test in inner):8.1f} s  {len(inner)} of the inner loop, -m '{INNER}'")
    if given.files:
        by_file: defaultdict[str, float] = defaultdict(float)
        for test in tests:
            by_file[test.name.partition("::")[0]] += test.seconds
        for file, seconds in sorted(by_file.items(), key=lambda item: -item[1]):
            print(f"{seconds:8.1f} s  {file}")
    unmarked = [test for test in inner if test.seconds >= SLOW]
    for test in unmarked:
        print(f"{test.seconds:8.1f} s  without a mark: {test.name}")
    sys.exit(bool(unmarked))


if __name__ == "__main__":
    main()
