"""What draws and changed assumptions say of plans: rows and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.text.formatting import DASH, percent, plain
from optimizer.base.text.language import gettext as _
from optimizer.report.content.report_table import Column, ReportTable
from optimizer.report.content.summary import difference, difference_unit, value

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertaintyRow:
    """A plan over draws."""

    #: What it is best for, or what it is.
    name: str
    #: `mean`, `cvar`, `worst`: Mean over the draws, mean of the worst draws, and worst
    #: draw.
    mean: float
    cvar: float
    worst: float
    #: `low`, `high`: Interval that holds nine draws in ten.
    low: float
    high: float
    #: Share of the draws in which it is better than today's layout; None where nothing
    #: stands today.
    beats_today: float | None
    #: `regret`, `most_regret`: Mean and largest excess over the best plan of the table
    #: in each draw.
    regret: float
    most_regret: float
    #: What to keep in mind.
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertaintyFacts:
    """The plan over draws."""

    #: How many.
    draws: int
    #: Sentences: the objective with its bounds, what is drawn, what is not.
    says: tuple[str, ...]
    #: Share of the draws that `cvar` leaves out.
    level: float
    #: Plans, that of the report first.
    rows: tuple[UncertaintyRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityRow:
    """An assumption at the two ends of a range."""

    #: `name`, `low`, `high`: What is varied, and its ends in words.
    name: str
    low: str
    high: str
    #: Whether the scenario states the range, or it is a default one.
    source: str
    #: `plan_low`, `plan_high`: Value of the plan as it is at the ends; None where it
    #: breaks a budget there, or nothing was solved.
    plan_low: float | None
    plan_high: float | None
    #: `best_low`, `best_high`: Value of the best plan found there; None where none was
    #: searched for.
    best_low: float | None
    best_high: float | None
    #: What enters or leaves the plan there, in words; empty where no better plan was
    #: found.
    flips: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityFacts:
    """Which assumption moves the value most: rows in that order, from the value as it
    is, and sentences on what was varied.

    `leads` says whether it is proven that the first does.
    """

    value: float
    rows: tuple[SensitivityRow, ...]
    says: tuple[str, ...]
    leads: bool = True


def uncertainty_table(content: ReportContent) -> ReportTable:
    """Set plans beside each other over draws."""
    facts, summary = content.doubt, content.summary
    left_out = percent(1 - facts.level) if facts is not None else ""
    return ReportTable(
        "doubt",
        _(
            "Plans over the draws. Regret is the excess over the best plan of this table in the"
            " same draw. A smaller value is better."
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
        (
            ()
            if facts is None
            else tuple(
                (
                    plain(row.name),
                    value(summary, row.mean),
                    _("{low} to {high}").format(
                        low=value(summary, row.low), high=value(summary, row.high)
                    ),
                    value(summary, row.cvar),
                    value(summary, row.worst),
                    DASH if row.beats_today is None else percent(row.beats_today),
                    difference(summary, row.regret),
                    difference(summary, row.most_regret),
                    plain(row.note),
                )
                for row in facts.rows
            )
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
        (
            ()
            if facts is None
            else tuple(
                (
                    plain(row.name),
                    plain(row.low),
                    plain(row.high),
                    plain(row.source),
                    _("{low} to {high}").format(
                        low=value(summary, row.plan_low), high=value(summary, row.plan_high)
                    ),
                    _("{low} to {high}").format(
                        low=value(summary, row.best_low), high=value(summary, row.best_high)
                    ),
                    plain(row.flips) or DASH,
                )
                for row in facts.rows
            )
        ),
    )
