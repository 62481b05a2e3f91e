"""The table of a mixture: on what share of days each placement stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import percent, plain
from optimizer.base.language import gettext as _
from optimizer.report.tables.report_table import Column, ReportTable
from optimizer.report.words import word

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent

ALWAYS = 1 - 1e-9
"""Share of days from which on something stands always."""


def mixture_table(content: ReportContent) -> ReportTable:
    """Show the placements of a mixture, the most frequent first."""
    rows = tuple(
        (
            plain(row.label),
            plain(word(row.kind)),
            plain(row.agency),
            _("always") if row.share >= ALWAYS else percent(row.share),
            _("yes") if row.today else "",
        )
        for row in (content.mixture.rows if content.mixture is not None else ())
    )
    columns = (
        Column(_("Site or beat")),
        Column(_("Kind")),
        Column(_("Agency")),
        Column(_("Share of days"), numeric=True),
        Column(_("Stands today")),
    )
    return ReportTable("mixture", _("What stands on what share of days under the randomised plan."), columns, rows)
