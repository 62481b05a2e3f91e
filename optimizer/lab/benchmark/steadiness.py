"""The page of the suite `steadiness`: by how much the values of joint plans of one case differ from seed to seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.lab.pages import PageFiles, PageTable, fixed, page_text, save_text, share
from optimizer.lab.rows import date_range, distinct, newest_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optimizer.lab.benchmark.rows import PatrolRow

STEADY = 0.005
"""Largest relative difference between the best and the worst plan value of a case, under one time limit."""


def write_steadiness_page(path: Path, rows: Sequence[PatrolRow]) -> PageFiles:
    """Write the page of the rows of the newest version.

    Raises
    ------
    InputError
        If there are no rows.
    """
    if not rows:
        raise InputError(Problem(str(path.with_suffix("")), "no rows", "rows of runs", "Run some first"))
    chosen = newest_version(rows)
    groups: dict[tuple[str, float, int], list[PatrolRow]] = {}
    for row in chosen:
        groups.setdefault((row.case, row.time_limit, row.threads), []).append(row)
    each = PageTable.of(
        ("case", "limit s", "processes", "seed", "value", "bound over all beats", "seconds", "load"),
        [
            (row.case, f"{row.time_limit:g}", row.threads, row.seed, row.value, row.lower_all, row.seconds, row.load)
            for row in sorted(chosen, key=lambda row: (row.case, row.time_limit, row.threads, row.seed))
        ],
        {"value": fixed(5), "bound over all beats": fixed(5), "seconds": fixed(1), "load": fixed(1)},
    )
    text = page_text(
        "steadiness.md.j2",
        cpu=distinct(row.cpu for row in chosen),
        cores=distinct(str(row.cores) for row in chosen),
        dates=date_range(chosen),
        version=chosen[0].version,
        ortools=distinct(row.ortools for row in chosen),
        steady=f"{100 * STEADY:g}",
        spread=_spread(groups),
        each=each,
    )
    save_text(path, text)
    return PageFiles(path, [])


def _spread(groups: dict[tuple[str, float, int], list[PatrolRow]]) -> PageTable:
    lines = []
    for (case, limit, threads), rows in sorted(groups.items()):
        values = [row.value for row in rows if row.value is not None]
        if values:
            width = (max(values) - min(values)) / max(values) if max(values) > 0 else 0.0
            held = "yes" if width <= STEADY else "no"
            lines.append((case, f"{limit:g}", threads, len(values), min(values), max(values), width, held))
    columns = ("case", "limit s", "processes", "runs", "best", "worst", "difference", "held")
    return PageTable.of(columns, lines, {"best": fixed(5), "worst": fixed(5), "difference": share(2)})
