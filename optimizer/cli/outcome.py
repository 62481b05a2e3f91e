"""How the result of a solve is printed: a JSON line, or a phrase for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.cli.console import bounds_text

if TYPE_CHECKING:
    from optimizer.problem.result import Result


def result_line(instance: str, result: Result) -> dict[str, Any]:
    """Return what `solve` and `plan` print with --json."""
    from optimizer.base.version import package_version
    from optimizer.pipeline.outputs import result_summary

    plan = list(result.plan.options) if result.plan else []
    summary = {"instance": instance, **result_summary(result), "plan": plan, "seed": result.seed}
    return summary | {"tolerance": result.tolerance, "version": package_version()} | weighed_beats(result)


def weighed_beats(result: Result) -> dict[str, Any]:
    """Return the bounds within the beats that were generated, for --json; nothing without teams."""
    if result.weighed is None:
        return {}
    return {"weighed_lower": result.weighed_lower, "weighed_gap": result.weighed_gap}


def verdict(result: Result) -> str:
    """Return status, limit and bounds in a phrase; with teams both the bounds over every beat and within those weighed."""
    limit = result.limit
    ended = {None: "", "interrupted": " (interrupted)"}.get(limit, f" (stopped by its {limit} limit)")
    words = f"{result.status}{ended}, {bounds_text(result.lower, result.upper)}"
    if result.weighed is None:
        return words
    return f"{words} against every beat; within the beats weighed {bounds_text(result.weighed_lower, result.upper)}"
