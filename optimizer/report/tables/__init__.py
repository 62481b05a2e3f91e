"""The report's tables as plain text: the template adds the markup, autoescaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.report.tables.burden_table import burden_table
from optimizer.report.tables.comparison_tables import agencies_table, budgets_table, layouts_table
from optimizer.report.tables.doubt_tables import doubt_table, sensitivity_table
from optimizer.report.tables.evader_tables import displacement_table, open_ends_table, routes_table
from optimizer.report.tables.mixture_table import mixture_table
from optimizer.report.tables.placement_tables import beats_table, chosen_table, not_chosen_table
from optimizer.report.tables.risk_tables import look_next_table, riskiest_table, tips_table
from optimizer.report.tables.run_tables import dropped_table, provenance_table, steps_table, unused_table

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent
    from optimizer.report.tables.report_table import ReportTable

TABLES = (
    riskiest_table,
    look_next_table,
    tips_table,
    layouts_table,
    doubt_table,
    sensitivity_table,
    chosen_table,
    not_chosen_table,
    beats_table,
    mixture_table,
    budgets_table,
    burden_table,
    agencies_table,
    open_ends_table,
    routes_table,
    displacement_table,
    unused_table,
    dropped_table,
    steps_table,
    provenance_table,
)
"""A function from the content to its table, for every table of the page."""


def report_tables(content: ReportContent) -> dict[str, ReportTable]:
    """Return every table of the page by its id, with underscores as the template names it."""
    return {table.id.replace("-", "_"): table for table in (make(content) for make in TABLES)}
