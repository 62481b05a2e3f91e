"""The table of a mixture: on what share of days each placement stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import percent, plain
from optimizer.report.tables.report_table import Column, ReportTable

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent

ALWAYS = 1 - 1e-9
"""Share of days from which on something stands always."""


def mixture_table(content: ReportContent) -> ReportTable:
    """Show the placements of a mixture, the most frequent first."""
    rows = tuple(
        (
            plain(row.label),
            plain(row.kind),
            plain(row.agency),
            "always" if row.share >= ALWAYS else percent(row.share),
            "yes" if row.today else "",
        )
        for row in (content.mixture.rows if content.mixture is not None else ())
    )
    columns = (
        Column("Site or beat"),
        Column("Kind"),
        Column("Agency"),
        Column("Share of days", numeric=True),
        Column("Stands today"),
    )
    return ReportTable("mixture", "What stands on what share of days under the randomised plan.", columns, rows)
