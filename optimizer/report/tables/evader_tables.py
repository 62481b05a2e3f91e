"""Tables of what evaders do under the plan: who still gets through, on which routes, and where traffic moves to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import decimal, number, percent, plain
from optimizer.base.language import gettext as _
from optimizer.report.tables.report_table import Column, ReportTable, largest_first
from optimizer.report.values import unit, value
from optimizer.report.words import word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optimizer.report.content import OpenRow, ReportContent, RouteRow


def open_ends_table(content: ReportContent) -> ReportTable:
    """List the evaders the plan leaves a way through, those who contribute most first."""
    summary = content.summary

    def cells(row: OpenRow) -> tuple[str, ...]:
        places = (plain(row.start), plain(row.end), plain(word(row.kind)))
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
        _("Who still gets through, the largest contributions first. Chances are per load."),
        (
            Column(_("From")),
            Column(_("To")),
            Column(_("Kind of evader")),
            Column(_("Weight"), numeric=True),
            Column(_("Chance with nothing placed"), numeric=True),
            Column(_("Chance today"), numeric=True),
            Column(_("Chance with the plan"), numeric=True),
            Column(_("Adds to the {unit}").format(unit=unit(summary)), numeric=True),
        ),
        tuple(cells(row) for row in largest_first(content.open_ends, lambda row: row.contribution)),
    )


def routes_table(content: ReportContent) -> ReportTable:
    """List the main routes with their lengths and chances without and with the plan."""

    def cells(row: RouteRow) -> tuple[str, ...]:
        kilometres = [
            number(_length_km(content, arcs)) if len(arcs) else _("no route")
            for arcs in (row.arcs_before, row.arcs_after)
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
        _("Main routes without and with the plan, the heaviest first. Chances are per load."),
        (
            Column(_("From")),
            Column(_("To")),
            Column(_("Weight"), numeric=True),
            Column(_("Length with nothing placed (km)"), numeric=True),
            Column(_("Length with the plan (km)"), numeric=True),
            Column(_("Chance with nothing placed"), numeric=True),
            Column(_("Chance today"), numeric=True),
            Column(_("Chance with the plan"), numeric=True),
        ),
        tuple(cells(row) for row in largest_first(content.routes, lambda row: row.weight)),
    )


def displacement_table(content: ReportContent) -> ReportTable:
    """List roads and crossings that carry more under the plan."""
    return ReportTable(
        "displacement",
        _(
            "Roads and crossings that more evaders choose under the plan than with nothing placed (share of all loads that set out)."
        ),
        (
            Column(_("Road or crossing")),
            Column(_("With nothing placed"), numeric=True),
            Column(_("Today"), numeric=True),
            Column(_("With the plan"), numeric=True),
            Column(_("Rise (percentage points)"), numeric=True),
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
