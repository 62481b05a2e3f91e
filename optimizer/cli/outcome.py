"""How the result of a solve is printed: a JSON line, or a verdict in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.cli.console import bounds_text

if TYPE_CHECKING:
    from optimizer.problem.result import Result
    from optimizer.solvers.patrols.joint import Joint


def result_line(instance: str, result: Result) -> dict[str, Any]:
    """Return what `solve` and `plan` print with --json."""
    from optimizer.pipeline.outputs import package_version, result_summary

    plan = list(result.plan.options) if result.plan else []
    summary = {"instance": instance, **result_summary(result), "plan": plan, "seed": result.seed}
    return summary | {"version": package_version()}


def all_beats(joint: Joint | None) -> dict[str, Any]:
    """Return what `plan` prints with --json of every beat there is; nothing without teams."""
    return {} if joint is None else {"lower_all": joint.lower_all, "gap_all": joint.gap_all}


def verdict(result: Result, joint: Joint | None = None) -> str:
    """Return status, limit and bounds in a phrase; with teams also the bounds against every beat there is."""
    limit = result.limit
    ended = {None: "", "interrupted": " (interrupted)"}.get(limit, f" (stopped by its {limit} limit)")
    words = f"{result.status}{ended}, {bounds_text(result.lower, result.upper)}"
    if joint is None:
        return words
    return f"{words} within the beats weighed; against every beat {bounds_text(joint.lower_all, result.upper)}"
