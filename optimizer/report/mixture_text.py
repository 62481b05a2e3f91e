"""What the report says of a mixture, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import percent
from optimizer.base.language import counted
from optimizer.base.language import gettext as _
from optimizer.report.tables.mixture_table import ALWAYS
from optimizer.report.values import unit, value

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent


def mixture_sentences(content: ReportContent) -> list[str]:
    """Return what a mixture achieves and how it differs from one plan; nothing where there is none."""
    facts, summary = content.mixture, content.summary
    if facts is None:
        return []
    always = sum(row.share >= ALWAYS for row in facts.rows)
    drawn = _("One of {plans} is drawn each day: {always} of {placements} stand always, the others alternate.").format(
        plans=counted("{count} plan", "{count} plans", facts.plans),
        always=always,
        placements=counted("{count} placement", "{count} placements", len(facts.rows)),
    )
    if facts.plans == 1:
        drawn = _("The mixture found is one plan, the same every day.")
    known = _(
        "Against evaders who know these shares but not the draw, the {unit} is {mixed}; with the best plan found that is the same every day it "
        "is {single}: randomising takes {share} off it."
    ).format(
        unit=unit(summary),
        mixed=value(summary, facts.upper),
        single=value(summary, facts.single),
        share=percent(facts.gain, 2),
    )
    proven = (
        _("Against every plan that is the same every day at least {share} less is proven.").format(
            share=percent(facts.proven_gain, 2)
        )
        if facts.proven_gain > 0
        else _("It is not proven that no plan that is the same every day does as well.")
    )
    bound = (
        ""
        if facts.lower is None
        else _("Proven: no random choice among plans within the budgets goes below {value}.").format(
            value=value(summary, facts.lower)
        )
    )
    full = (
        _("The roads around all candidate sites decide this value: more sites would lower it, more units would not.")
        if facts.saturated
        else ""
    )
    return [sentence for sentence in (drawn, known, proven, bound, full) if sentence]
