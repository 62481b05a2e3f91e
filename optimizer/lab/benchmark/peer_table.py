"""The table of the placement benchmark's page that sets this package beside other solvers: stated times, and those measured again here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH
from optimizer.lab.benchmark.published import NOW, PEERS, PEERS_COLUMNS
from optimizer.lab.pages import PageTable, seconds, small_share
from optimizer.lab.rows import date_range, distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.lab.benchmark.rows import PlacementRow
    from optimizer.lab.benchmark.summary import Score

REMADE = ("scip", "highs", "auto")
"""Methods whose processor seconds stand in columns of their own, where there are rows of them."""


def peer_table(table: Sequence[Score], remade: Sequence[PlacementRow]) -> PageTable:
    """Return the stated times of other solvers, `auto` of this benchmark, and the processor seconds of peers that were run again."""
    ours = {score.instance: score for score in table if score.method == "auto"}
    cells = {(row.instance, row.method): _remade_cell(row) for row in remade}
    methods = [method for method in REMADE if any(method == run for _, run in cells)]
    rows = [
        (
            name,
            *(DASH if each is None else f"{each:g}" for each in (*PEERS.get(name, _NOT_STATED), NOW.get(name))),
            _own_cell(ours.get(name)),
            *(cells.get((name, method), DASH) for method in methods),
        )
        for name in dict.fromkeys((*PEERS, *(row.instance for row in remade)))
    ]
    head = (*PEERS_COLUMNS, "this package now, processor s", "its rows below, s")
    return PageTable.of((*head, *(f"remade here: {method}, processor s" for method in methods)), rows, {})


_NOT_STATED = (None,) * (len(PEERS_COLUMNS) - 1)


def remade_setting(rows: Sequence[PlacementRow]) -> str:
    """Return how the runs of peers were made, as a sentence; nothing where there are none."""
    if not rows:
        return ""
    loads = [row.load for row in rows if row.load is not None]
    load = f", under a load of {min(loads):.1f} to {max(loads):.1f} on {rows[0].cores} cores" if loads else ""
    packages = distinct(f"{row.method} by {row.package}" for row in rows if row.package)
    return (
        f"Remade here, {date_range(rows)}: each run in a process of its own, once, one thread, gap {rows[0].gap_asked:g}, at most "
        f"{rows[0].time_limit:g} s by the clock{load}; contraction and loading of compiled kernels are in the processor seconds. "
        f"{packages + '; ' if packages else ''}HiGHS by OR-Tools {distinct(row.ortools for row in rows)} and SciPy"
    )


def _own_cell(score: Score | None) -> str:
    if score is None:
        return DASH
    return seconds(score.seconds) if score.proven else f"limit ({small_share(score.gap)})"


def _remade_cell(row: PlacementRow) -> str:
    if row.status == "optimal":
        return DASH if row.processor_s is None else seconds(row.processor_s)
    return row.status if row.gap is None else f"limit ({small_share(row.gap)})"
