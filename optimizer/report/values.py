"""Values and their differences in the unit of a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, decimal, known, number, percent, plain

if TYPE_CHECKING:
    from optimizer.report.content import PlanSummary


def value(summary: PlanSummary, amount: float | None) -> str:
    """Return a value in the unit of the summary."""
    return percent(amount) if summary.share else number(amount)


def difference(summary: PlanSummary, amount: float | None) -> str:
    """Return a difference of two values: percentage points where values are shares."""
    if amount is None or not known(amount):
        return DASH
    return decimal(amount * 100) if summary.share else number(amount)


def difference_with_unit(summary: PlanSummary, amount: float | None) -> str:
    """Return a difference and what it counts, or a dash."""
    return f"{difference(summary, amount)} {difference_unit(summary)}" if known(amount) else DASH


def difference_unit(summary: PlanSummary) -> str:
    """Return what `difference` counts."""
    return "percentage points" if summary.share else plain(summary.unit)
