"""The table of who bears the searches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, number, plain
from optimizer.base.language import gettext as _
from optimizer.report.tables.report_table import Column, ReportTable

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent


def burden_table(content: ReportContent) -> ReportTable:
    """Show the searches on the roads of each community, and on each road."""
    headers = (
        _("Sites"),
        _("Searches a day"),
        _("Today"),
        _("Honest passages a day"),
        _("Searches per passage"),
        _("At most"),
    )
    return ReportTable(
        "burden",
        _(
            "Vehicles that sites of the plan inspect each day, by community and by road. Nothing is known about the people in them."
        ),
        (Column(_("Where")), Column(_("What")), *(Column(header, numeric=True) for header in headers)),
        tuple(
            (
                plain(row.place),
                _(row.what),
                number(row.sites),
                number(row.searches),
                number(row.today),
                number(row.passages),
                number(row.searches / row.passages if row.passages else None),
                DASH if row.cap is None else number(row.cap),
            )
            for row in content.burden
        ),
    )
