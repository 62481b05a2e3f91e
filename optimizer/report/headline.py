"""The one sentence a commander takes away: what the plan leaves open, and how much better any plan could be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, SPACE, decimal, known, number, percent, plain, plural
from optimizer.report.values import value

if TYPE_CHECKING:
    from optimizer.report.content import PlanSummary, ReportContent

PROVED = 1e-6
"""Relative gap at and below which a plan counts as best possible."""

WIDE = 0.05
"""Relative gap beyond which the headline warns that the bound says little."""


def headline(content: ReportContent) -> str:
    """Return the headline: the plan's value and, where one is proven, the bound on every other plan.

    The bound is rounded down: a bound rounded up would claim more than was proven.
    """
    summary = content.summary
    if summary.upper is None or not known(summary.upper):
        return _no_plan(summary)
    counts = ((len(content.chosen), "site"), (len(content.beats), "beat"))
    placed = " and ".join(plural(count, one) for count, one in counts if count)
    layout = f"With the {placed} below" if placed else "With nothing placed"
    return f"{layout}, the {plain(summary.unit)} is {value(summary, summary.upper)}; {_bound(summary)}."


def solve_sentence(content: ReportContent) -> str:
    """Say how the plan was found: method, time, how the search ended, gap."""
    summary = content.summary
    among = " among the beats weighed" if summary.beats is not None else ""
    ends = {
        "optimal": f"the search{among} ended with a proof",
        "feasible": "the search ended before the proof was complete",
        "infeasible": "no plan meets the constraints",
    }
    limits = {
        "time": "stopped by its time limit",
        "interrupted": "interrupted by the user",
        "memory": "stopped by its memory limit",
    }
    end = limits.get(summary.limit or "", "") or ends.get(summary.status, "the outcome is not known")
    parts = (
        f"Method {plain(summary.method)}" if summary.method else "Search",
        f"{decimal(summary.seconds)}{SPACE}s" if known(summary.seconds) else "",
        f"status {plain(summary.status)} ({end})",
        "" if summary.beats is not None else _gap(summary.gap),
    )
    return ", ".join(part for part in parts if part) + "."


def beats_sentence(content: ReportContent) -> str:
    """Say how good the plan is among the beats that were weighed, and against every beat there is; empty without teams."""
    summary = content.summary
    if summary.beats is None:
        return ""
    beats = summary.beats
    weighed = f"The plan drives {len(content.beats):,} of {plural(beats.weighed, 'beat')} that were weighed against one another"
    within = (
        f"no plan of those beats brings the value below {_rounded_down(summary, summary.lower)} ({_gap(summary.gap)})"
        if known(summary.lower)
        else "how much better another plan of those beats could be was not proven"
    )
    every = (
        f"Against every beat that the teams could drive, weighed or not, none goes below {_rounded_down(summary, beats.lower)} "
        f"({_gap(beats.gap)})"
        if known(beats.lower)
        else "Against every beat that the teams could drive, nothing was proven"
    )
    left = (
        ""
        if beats.exact
        else "; the search for better beats was cut short, and that bound allows for what it left open"
    )
    return f"{weighed}: {within}. {every}{left}."


def _gap(gap: float | None) -> str:
    return f"gap {percent(gap, 2)}" if known(gap) else "gap not known"


def _no_plan(summary: PlanSummary) -> str:
    if summary.status == "infeasible":
        return "No plan: no layout meets the budgets and the forced and forbidden sites together."
    stopped = (
        f" before the {plain(summary.limit)} limit ended the search" if summary.limit in {"time", "memory"} else ""
    )
    return f"No plan was found{stopped}."


def _bound(summary: PlanSummary) -> str:
    lower, upper = summary.bound, summary.upper
    if lower is None or upper is None or not known(lower):
        return "how much better another layout could be was not proven"
    if upper - lower <= PROVED * max(abs(upper), PROVED):
        return "no layout within these budgets does better"
    between = " (what lies between is not known)" if upper - lower > WIDE * abs(upper) else ""
    return f"no layout within these budgets can bring it below {_rounded_down(summary, lower)}{between}"


def _rounded_down(summary: PlanSummary, lower: float | None) -> str:
    if lower is None or not known(lower):
        return DASH
    if summary.share:
        return percent(math.floor(round(lower * 1000, 9)) / 1000)
    unit = 10.0 ** (math.floor(math.log10(abs(lower))) - 2) if lower else 1.0
    return number(math.floor(round(lower / unit, 9)) * unit)
