"""Tables that set the plan beside other layouts and beside its budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, amounts, number, plain, sentence
from optimizer.base.language import gettext as _
from optimizer.report.tables.report_table import Column, ReportTable, minus
from optimizer.report.values import difference, difference_unit, unit, value

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent


def layouts_table(content: ReportContent) -> ReportTable:
    """Compare layouts: nothing placed, today's, this plan, everything placed."""
    summary = content.summary
    patrolled = any(row.beats for row in content.layouts)
    return ReportTable(
        "layouts",
        _("Layouts on the same model. A smaller value is better for the defender."),
        (
            Column(_("Layout")),
            Column(sentence(unit(summary)), numeric=True),
            Column(_("Less than today ({unit})").format(unit=difference_unit(summary)), numeric=True),
            Column(_("Less than with nothing placed ({unit})").format(unit=difference_unit(summary)), numeric=True),
            Column(_("Sites"), numeric=True),
            *([Column(_("Beats"), numeric=True)] if patrolled else []),
            Column(_("Uses")),
            Column(_("Note")),
        ),
        tuple(
            (
                plain(row.name),
                value(summary, row.value),
                difference(summary, minus(summary.existing, row.value)),
                difference(summary, minus(summary.nothing, row.value)),
                number(row.sites),
                *([number(row.beats)] if patrolled else []),
                amounts(row.costs),
                plain(row.note),
            )
            for row in content.layouts
        ),
    )


def budgets_table(content: ReportContent) -> ReportTable:
    """Show what each agency may use and what the plan uses."""
    return ReportTable(
        "budgets",
        _("Budgets, and what the plan uses of them."),
        (
            Column(_("Resource")),
            Column(_("Agency")),
            Column(_("Unit")),
            Column(_("Used"), numeric=True),
            Column(_("Budget"), numeric=True),
            Column(_("Left"), numeric=True),
        ),
        tuple(
            (
                plain(row.resource),
                plain(row.agency) or DASH,
                plain(row.unit) or DASH,
                number(row.used),
                _("no limit") if row.budget is None else number(row.budget),
                number(minus(row.budget, row.used)),
            )
            for row in content.budgets
        ),
    )


def agencies_table(content: ReportContent) -> ReportTable:
    """Show what each agency's sites and beats bring, and on whose roads."""
    summary = content.summary
    rows = content.agencies.rows if content.agencies else ()
    names = content.agencies.names if content.agencies else ()
    others = any(row.relieved[-1] > 0 for row in rows)
    return ReportTable(
        "agencies",
        _(
            "What is lost without all sites and beats of an agency, and on whose roads: those where an agency has options, by what evaders "
            "travel with nothing placed. An evader on roads of several counts in equal parts."
        ),
        (
            Column(_("Agency")),
            Column(_("Sites and beats"), numeric=True),
            Column(_("Lost without them ({unit})").format(unit=difference_unit(summary)), numeric=True),
            *(Column(_("On roads of {agency}").format(agency=plain(name)), numeric=True) for name in names),
            *([Column(_("On other roads"), numeric=True)] if others else []),
        ),
        tuple(
            (
                plain(row.agency) or DASH,
                number(row.placements),
                difference(summary, row.lost),
                *(difference(summary, amount) for amount in row.relieved[: None if others else -1]),
            )
            for row in rows
        ),
    )
