"""What the report says of a mixture, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import percent, plain, plural
from optimizer.report.tables.mixture_table import ALWAYS
from optimizer.report.values import value

if TYPE_CHECKING:
    from optimizer.report.content import ReportContent


def mixture_sentences(content: ReportContent) -> list[str]:
    """Return what a mixture achieves and how it differs from one plan; nothing where there is none."""
    facts, summary = content.mixture, content.summary
    if facts is None:
        return []
    always = sum(row.share >= ALWAYS for row in facts.rows)
    unit = plain(summary.unit)
    drawn = (
        f"One of {plural(facts.plans, 'plan')} is drawn each day: {always} of {plural(len(facts.rows), 'placement')} stand always, "
        "the others alternate."
    )
    if facts.plans == 1:
        drawn = "The mixture found is one plan, the same every day."
    known = (
        f"Against evaders who know these shares but not the draw, the {unit} is {value(summary, facts.upper)}; with the best plan found that "
        f"is the same every day it is {value(summary, facts.single)}: randomising takes {percent(facts.gain, 2)} off it."
    )
    proven = (
        f"Against every plan that is the same every day at least {percent(facts.proven_gain, 2)} less is proven."
        if facts.proven_gain > 0
        else "It is not proven that no plan that is the same every day does as well."
    )
    bound = (
        ""
        if facts.lower is None
        else f"Proven: no random choice among plans within the budgets goes below {value(summary, facts.lower)}."
    )
    full = (
        "The roads around all candidate sites decide this value: more sites would lower it, more units would not."
        if facts.saturated
        else ""
    )
    return [sentence for sentence in (drawn, known, proven, bound, full) if sentence]
