"""Tables of the run itself: what was left out, how long each step took, and what it takes to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, decimal, number, plain
from optimizer.report.tables.report_table import Column, ReportTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.report.content import CountRow, ReportContent


def unused_table(content: ReportContent) -> ReportTable:
    """Count the records that were not used, by reason."""
    return _counts("unused", "Records that were read and not used.", "Records", content.unused)


def dropped_table(content: ReportContent) -> ReportTable:
    """Count the roads and places that did not reach the network, by reason."""
    return _counts(
        "dropped", "Roads and places of the source that did not reach the network.", "Count", content.dropped
    )


def steps_table(content: ReportContent) -> ReportTable:
    """Show how long each step took."""
    rows = tuple((plain(row.name), decimal(row.seconds)) for row in content.steps)
    return ReportTable("steps", "Steps of the run.", (Column("Step"), Column("Time (s)", numeric=True)), rows)


def provenance_table(content: ReportContent) -> ReportTable:
    """Show what it takes to make the report again."""
    source = content.provenance
    facts = (
        ("Created", plain(content.created)),
        ("Program version", plain(source.version) or DASH),
        ("Method", plain(content.summary.method) or DASH),
        ("Seed", DASH if source.seed is None else str(source.seed)),
        *((plain(name), plain(setting)) for name, setting in source.options.items()),
        *((f"SHA-256 of {plain(file.name)}", plain(file.sha256)) for file in source.inputs),
    )
    return ReportTable(
        "provenance",
        "Version, settings and inputs: what it takes to make this report again.",
        (Column("What"), Column("Value")),
        facts,
    )


def _counts(table: str, caption: str, header: str, counts: Iterable[CountRow]) -> ReportTable:
    columns = (Column("Reason"), Column(header, numeric=True), Column("For example"))
    rows = tuple((plain(row.reason), number(row.count), plain("; ".join(row.examples))) for row in counts)
    return ReportTable(table, caption, columns, rows)
