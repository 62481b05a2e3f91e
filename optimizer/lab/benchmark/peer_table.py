"""The table of the placement benchmark's page that sets this package beside other solvers: stated times, and those of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH
from optimizer.lab.benchmark.published import PEERS, PEERS_COLUMNS
from optimizer.lab.benchmark.summary import by_problem
from optimizer.lab.pages import PageTable, seconds, small_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.lab.benchmark.summary import Score

MEASURED = ("auto", "auto-old", "scip", "highs")
"""Methods that have a column of their own, where there are rows of them."""


def peer_table(table: Sequence[Score]) -> PageTable:
    """Return the stated times of other solvers, and those of `auto` and of peers by this benchmark's own rows."""
    rows = by_problem(table)
    methods = [method for method in MEASURED if any(method in row for row in rows.values())]
    remade = [name for name, row in rows.items() if "highs" in row]
    lines = [
        (
            name,
            *(DASH if each is None else f"{each:g}" for each in PEERS.get(name, (None,) * (len(PEERS_COLUMNS) - 1))),
            *(_own_cell(rows.get(name, {}).get(method)) for method in methods),
        )
        for name in dict.fromkeys((*PEERS, *remade))
    ]
    return PageTable.of((*PEERS_COLUMNS, *(f"here: {method}, s" for method in methods)), lines, {})


def _own_cell(score: Score | None) -> str:
    if score is None:
        return DASH
    return seconds(score.seconds) if score.proven else f"limit ({small_share(score.gap)})"
