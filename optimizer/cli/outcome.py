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
    more = weighed_beats(result) | mixture_line(result)
    return summary | {"tolerance": result.tolerance, "version": package_version()} | more


def mixture_line(result: Result) -> dict[str, Any]:
    """Return the mixture and what it is compared with, for --json; nothing for other methods than `mixed`."""
    mixed, upper = result.mixed, result.upper
    if mixed is None or upper is None:
        return {}
    mixture = mixed.mixture
    return {
        "support": [
            {"plan": list(plan.options), "probability": probability}
            for plan, probability in zip(mixture.plans, mixture.probabilities, strict=True)
        ],
        "marginals": mixture.marginals,
        "pure_lower": mixed.pure_lower,
        "pure_upper": mixed.pure_upper,
        "gain": mixed.gain(upper),
        "proven_gain": mixed.proven_gain(upper),
        "saturated": mixed.saturated,
    }


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
