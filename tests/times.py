"""Processor seconds of tests, and which of the slow ones carry no mark.

`python -m pytest --junitxml=times.xml; python -m tests.times times.xml` prints how long
each selection takes, and the tests of `SLOW` processor seconds or more that lack the
mark `slow`. The exit status is 1 if there are any; with --mark they get it where they
are written, all cases of a test together.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from defusedxml.ElementTree import parse

SLOW = 0.5
INNER = "not (slow or report or lab)"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Timed:
    """A test's module, name, processor seconds (elapsed ones where none are known) and marks."""

    module: str
    name: str
    seconds: float
    marks: frozenset[str]


def read_times(file: Path) -> list[Timed]:
    """Return the tests of a file of --junitxml, the slowest first."""
    tests = []
    for case in parse(file).iter("testcase"):
        values = {each.get("name"): each.get("value", "") for each in case.iter("property")}
        seconds = float(values.get("processor_s") or case.get("time") or 0)
        marks = frozenset(values.get("marks", "").split())
        tests.append(Timed(case.get("classname") or "", case.get("name") or "", seconds, marks))
    return sorted(tests, key=lambda test: -test.seconds)


def mark_slow(tests: list[Timed]) -> None:
    """Write `@pytest.mark.slow` above the functions of tests, which import pytest (ruff
    says where one does not).
    """
    by_module: defaultdict[str, set[str]] = defaultdict(set)
    for test in tests:
        by_module[test.module].add(test.name.partition("[")[0])
    for module, names in by_module.items():
        path = ROOT / Path(*module.split(".")).with_suffix(".py")
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        functions = [
            f for f in ast.parse(text).body if isinstance(f, ast.FunctionDef) and f.name in names
        ]
        for function in reversed(functions):
            if "pytest.mark.slow" not in map(ast.unparse, function.decorator_list):
                first = min(
                    [function.lineno, *(decorator.lineno for decorator in function.decorator_list)]
                )
                lines.insert(first - 1, "@pytest.mark.slow\n")
        path.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--files", action="store_true", help="print the seconds of each file of tests as well"
    )
    parser.add_argument("--mark", action="store_true", help="mark the slow tests")
    given = parser.parse_args()
    tests = read_times(given.file)
    inner = [test for test in tests if not test.marks]
    selections = {
        mark: [test for test in tests if mark in test.marks] for mark in ("slow", "report", "lab")
    }
    for name, selected in {
        "all": tests,
        **selections,
        f"the inner loop, -m '{INNER}'": inner,
    }.items():
        print(f"{sum(test.seconds for test in selected):8.1f} s  {len(selected):5} tests: {name}")
    if given.files:
        by_module: defaultdict[str, float] = defaultdict(float)
        for test in tests:
            by_module[test.module] += test.seconds
        for module, seconds in sorted(by_module.items(), key=lambda item: -item[1]):
            print(f"{seconds:8.1f} s  {module}")
    unmarked = [test for test in tests if test.seconds >= SLOW and "slow" not in test.marks]
    for test in unmarked:
        print(f"{test.seconds:8.1f} s  without a mark: {test.module}::{test.name}")
    if given.mark:
        mark_slow(unmarked)
    sys.exit(bool(unmarked))


if __name__ == "__main__":
    main()
