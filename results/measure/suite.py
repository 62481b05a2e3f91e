"""A measurement whose rows are kept, and whose page is made from them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from optimizer.lab.benchmark.rows import RunOptions
from optimizer.lab.benchmark.suites import Suite


def add_suite_arguments(parser: argparse.ArgumentParser, out: Path) -> None:
    """Say what every suite takes."""
    parser.add_argument(
        "--out", type=Path, default=out, help=f"folder of the rows; {out} if not given"
    )
    parser.add_argument("--table", action="store_true", help="make the page from the rows")


def run_suite(suite: Suite, asked: argparse.Namespace) -> None:
    """Add the rows that a suite lacks, or make its page."""
    if asked.table:
        print(suite.page(asked.out).page)
        return
    for row in suite.run(asked.out, RunOptions()):
        sys.stderr.write(f"{row.model_dump_json()}\n")
