"""How good the plan is and how well that is known: its value, the proven bounds, and how the search ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedBound:
    """What is proven of a plan with patrols within the beats that were weighed against one another.

    Attributes
    ----------
    number
        How many beats were weighed, >= 0.
    lower
        Proven: no layout of those beats within the budgets has a smaller value; None where nothing is proven.
    gap
        (upper - lower) / upper with it, in [0, 1]; None where unknown.
    pricing_proven
        Whether the search for better beats ended with a proof; else the bound over all beats allows for what that search left open.
    """

    number: int
    lower: float | None
    gap: float | None
    pricing_proven: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """How good the plan is, and how well that is known.

    Attributes
    ----------
    status
        `optimal`, `feasible`, `infeasible` or `unknown`.
    limit
        Limit that ended the solve: `time`, `interrupted` or `memory`; None where none did.
    lower
        Proven: no layout within the budgets, with any beats that its teams could drive, has a smaller value; None where nothing is proven.
    upper
        Value of the plan as evaluated on the full network; None where there is no plan.
    gap
        (upper - lower) / upper, in [0, 1]; None where unknown.
    nothing, existing
        Values with nothing placed and with today's layout; None where unknown.
    seconds
        Time the solve took.
    method
        Solver method.
    unit
        What a value counts, as a singular phrase without an article: `share of loads that get through`, `number of loads that get through
        a month`.
    share
        Whether values lie in [0, 1] and read as percentages.
    weighed
        What is proven within the beats that were weighed; None without teams.
    """

    status: str
    limit: str | None = None
    lower: float | None = None
    upper: float | None = None
    gap: float | None = None
    nothing: float | None = None
    existing: float | None = None
    seconds: float | None = None
    method: str = ""
    unit: str = "share of loads that get through"
    share: bool = True
    weighed: WeighedBound | None = None
