"""Tables of plans over draws, and of assumptions varied one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, percent, plain
from optimizer.base.language import gettext as _
from optimizer.report.tables.report_table import Column, ReportTable
from optimizer.report.values import difference, difference_unit, value

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent


def doubt_table(content: ReportContent) -> ReportTable:
    """Set plans beside each other over draws."""
    facts, summary = content.doubt, content.summary
    left_out = percent(1 - facts.level) if facts is not None else ""
    return ReportTable(
        "doubt",
        _(
            "Plans over the draws. Regret is the excess over the best plan of this table in the same draw. A smaller value is better."
        ),
        (
            Column(_("Best for")),
            Column(_("Mean"), numeric=True),
            Column(_("Nine draws in ten"), numeric=True),
            Column(_("Mean of the worst {share}").format(share=left_out), numeric=True),
            Column(_("Worst draw"), numeric=True),
            Column(_("Better than today"), numeric=True),
            Column(_("Mean regret ({unit})").format(unit=difference_unit(summary)), numeric=True),
            Column(_("Largest regret"), numeric=True),
            Column(_("Note")),
        ),
        ()
        if facts is None
        else tuple(
            (
                plain(row.name),
                value(summary, row.mean),
                _("{low} to {high}").format(low=value(summary, row.low), high=value(summary, row.high)),
                value(summary, row.cvar),
                value(summary, row.worst),
                DASH if row.beats_today is None else percent(row.beats_today),
                difference(summary, row.regret),
                difference(summary, row.most_regret),
                plain(row.note),
            )
            for row in facts.rows
        ),
    )


def sensitivity_table(content: ReportContent) -> ReportTable:
    """Show what the plan is worth, and what the best plan is, at the ends of each assumption."""
    facts, summary = content.sensitivity, content.summary
    return ReportTable(
        "sensitivity",
        _("Assumptions varied one by one, that which moves the value of the plan most first."),
        (
            Column(_("Assumption")),
            Column(_("From")),
            Column(_("To")),
            Column(_("Range")),
            Column(_("This plan"), numeric=True),
            Column(_("Best plan found"), numeric=True),
            Column(_("What a better plan changes")),
        ),
        ()
        if facts is None
        else tuple(
            (
                plain(row.name),
                plain(row.low),
                plain(row.high),
                plain(row.source),
                _("{low} to {high}").format(low=value(summary, row.plan_low), high=value(summary, row.plan_high)),
                _("{low} to {high}").format(low=value(summary, row.best_low), high=value(summary, row.best_high)),
                plain(row.flips) or DASH,
            )
            for row in facts.rows
        ),
    )
