"""Values and their differences in the unit of a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, decimal, known, number, percent, plain
from optimizer.base.language import gettext as _

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


def difference_in_points(summary: PlanSummary, amount: float | None) -> str:
    """Return a difference in words: `2.5 percentage points` where values are shares, else the number alone."""
    text = difference(summary, amount)
    return _("{number} percentage points").format(number=text) if summary.share else text


def difference_short(summary: PlanSummary, amount: float | None) -> str:
    """Return a difference where space is short: `2.5 points` where values are shares, else the number alone."""
    text = difference(summary, amount)
    return _("{number} points").format(number=text) if summary.share else text


def unit(summary: PlanSummary) -> str:
    """Return what a value counts: `share of loads that get through`."""
    return plain(_(summary.unit))


def difference_unit(summary: PlanSummary) -> str:
    """Return what `difference` counts."""
    return _("percentage points") if summary.share else unit(summary)
