"""Plans over draws in words, rows and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.base.language import gettext as _
from optimizer.base.said import all_translated, said
from optimizer.pipeline.doubt import MIDDLE, NOTHING, TODAY
from optimizer.report.content import DoubtFacts, DoubtRow

if TYPE_CHECKING:
    from optimizer.pipeline.doubt import Doubt, JudgedPlan

MEAN, WORST = said("the mean of the draws"), said("the worst draw")


def doubt_sentences(doubt: Doubt) -> tuple[str, ...]:
    """Return what the plan is best for, with bounds, what is drawn and what is held fixed."""
    request, result = doubt.request, doubt.result
    objective = request.objective
    words = {"mean": MEAN, "worst": WORST}
    worst = said("the mean of the worst {share:.3g} of the draws", share=1 - objective.level)
    return (
        said(
            "This plan is the best found for {what} ({objective}), over {draws} draws: {upper:.6g}, and no plan is below {lower:.6g}. Its "
            "other figures are those with every range at its middle and flows at their means.",
            what=words.get(objective.text, worst),
            objective=objective.text,
            draws=request.draws,
            upper=result.upper,
            lower=result.lower,
        ),
        said("Drawn: {parts}.", parts=list(doubt.drawn)),
        said("The same in all draws: {parts}.", parts=list(doubt.fixed)),
    )


def doubt_facts(doubt: Doubt) -> DoubtFacts:
    """Return what the report says of draws."""
    rows = tuple(
        DoubtRow(
            name=plan_name(plan, doubt),
            mean=plan.mean,
            cvar=plan.cvar,
            worst=plan.worst,
            low=plan.low,
            high=plan.high,
            beats_today=plan.beats_today,
            regret=plan.regret,
            most_regret=plan.most_regret,
            note="; ".join(plan.violations),
        )
        for plan in doubt.plans
    )
    return DoubtFacts(
        draws=doubt.request.draws, says=all_translated(doubt_sentences(doubt)), level=doubt.level, rows=rows
    )


def plan_name(plan: JudgedPlan, doubt: Doubt) -> str:
    """Return what people call a plan."""
    if plan.name in {TODAY, NOTHING}:
        return _("today's layout") if plan.name == TODAY else _("nothing placed")
    name = _("every range at its middle") if plan.name == MIDDLE else plan.name
    return _("{plan} (this plan)").format(plan=name) if plan.name == doubt.request.objective.text else name


def doubt_content(doubt: Doubt) -> dict[str, Any]:
    """Return what --json, run.json and doubt.json say of draws."""
    result = doubt.result
    return {
        "draws": doubt.request.draws,
        "objective": doubt.request.objective.text,
        "objective_lower": result.lower,
        "objective_upper": result.upper,
        "objective_gap": result.gap,
        "objective_limit": result.limit,
        "drawn": list(doubt.drawn),
        "fixed": list(doubt.fixed),
        "cvar_level": doubt.level,
        "plans": [_plan_content(plan) for plan in doubt.plans],
    }


def _plan_content(plan: JudgedPlan) -> dict[str, Any]:
    result = plan.result
    return {
        "best_for": plan.name,
        "plan": list(plan.options),
        "lower": None if result is None else result.lower,
        "upper": None if result is None else result.upper,
        "mean": plan.mean,
        "low": plan.low,
        "high": plan.high,
        "cvar": plan.cvar,
        "worst": plan.worst,
        "beats_today": plan.beats_today,
        "regret": plan.regret,
        "most_regret": plan.most_regret,
        "violations": list(plan.violations),
        "values": plan.values.tolist(),
    }
