"""Tables of plans over draws, and of assumptions varied one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, percent, plain
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
        "Plans over the draws. Regret is the excess over the best plan of this table in the same draw. A smaller value is better.",
        (
            Column("Best for"),
            Column("Mean", numeric=True),
            Column("Nine draws in ten", numeric=True),
            Column(f"Mean of the worst {left_out}", numeric=True),
            Column("Worst draw", numeric=True),
            Column("Better than today", numeric=True),
            Column(f"Mean regret ({difference_unit(summary)})", numeric=True),
            Column("Largest regret", numeric=True),
            Column("Note"),
        ),
        ()
        if facts is None
        else tuple(
            (
                plain(row.name),
                value(summary, row.mean),
                f"{value(summary, row.low)} to {value(summary, row.high)}",
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
        "Assumptions varied one by one, that which moves the value of the plan most first.",
        (
            Column("Assumption"),
            Column("From"),
            Column("To"),
            Column("Range"),
            Column("This plan", numeric=True),
            Column("Best plan found", numeric=True),
            Column("What a better plan changes"),
        ),
        ()
        if facts is None
        else tuple(
            (
                plain(row.name),
                plain(row.low),
                plain(row.high),
                plain(row.source),
                f"{value(summary, row.plan_low)} to {value(summary, row.plan_high)}",
                f"{value(summary, row.best_low)} to {value(summary, row.best_high)}",
                plain(row.flips) or DASH,
            )
            for row in facts.rows
        ),
    )
