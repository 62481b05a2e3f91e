"""Tables of what evaders do under the plan: who still gets through, on which routes, and where traffic moves to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import decimal, number, percent, plain
from optimizer.report.tables.report_table import Column, ReportTable, largest_first
from optimizer.report.values import value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.report.content import OpenRow, ReportContent, RouteRow


def open_ends_table(content: ReportContent) -> ReportTable:
    """List the evaders the plan leaves a way through, those who contribute most first."""
    summary = content.summary

    def cells(row: OpenRow) -> tuple[str, ...]:
        places = (plain(row.start), plain(row.end), plain(row.kind))
        return (
            *places,
            value(content.summary, row.weight),
            percent(row.before),
            percent(row.today),
            percent(row.after),
            value(summary, row.contribution),
        )

    return ReportTable(
        "open-ends",
        "Who still gets through, the largest contributions first. Chances are per load.",
        (
            Column("From"),
            Column("To"),
            Column("Kind of evader"),
            Column("Weight", numeric=True),
            Column("Chance with nothing placed", numeric=True),
            Column("Chance today", numeric=True),
            Column("Chance with the plan", numeric=True),
            Column(f"Adds to the {plain(summary.unit)}", numeric=True),
        ),
        tuple(cells(row) for row in largest_first(content.open_ends, lambda row: row.contribution)),
    )


def routes_table(content: ReportContent) -> ReportTable:
    """List the main routes with their lengths and chances without and with the plan."""

    def cells(row: RouteRow) -> tuple[str, ...]:
        kilometres = [
            number(_length_km(content, arcs)) if len(arcs) else "no route" for arcs in (row.arcs_before, row.arcs_after)
        ]
        return (
            plain(row.start),
            plain(row.end),
            value(content.summary, row.weight),
            *kilometres,
            percent(row.before),
            percent(row.today),
            percent(row.after),
        )

    return ReportTable(
        "routes",
        "Main routes without and with the plan, the heaviest first. Chances are per load.",
        (
            Column("From"),
            Column("To"),
            Column("Weight", numeric=True),
            Column("Length with nothing placed (km)", numeric=True),
            Column("Length with the plan (km)", numeric=True),
            Column("Chance with nothing placed", numeric=True),
            Column("Chance today", numeric=True),
            Column("Chance with the plan", numeric=True),
        ),
        tuple(cells(row) for row in largest_first(content.routes, lambda row: row.weight)),
    )


def displacement_table(content: ReportContent) -> ReportTable:
    """List roads and crossings that carry more under the plan."""
    return ReportTable(
        "displacement",
        "Roads and crossings that more evaders choose under the plan than with nothing placed (share of all loads that set out).",
        (
            Column("Road or crossing"),
            Column("With nothing placed", numeric=True),
            Column("Today", numeric=True),
            Column("With the plan", numeric=True),
            Column("Rise (percentage points)", numeric=True),
        ),
        tuple(
            (
                plain(row.name),
                percent(row.before),
                percent(row.today),
                percent(row.after),
                decimal((row.after - row.before) * 100),
            )
            for row in largest_first(content.displacement, lambda row: row.after - row.before)
        ),
    )


def _length_km(content: ReportContent, arcs: NDArray[np.integer]) -> float:
    return float(content.network.length_m[arcs].sum()) / 1000
