"""How good the plan is and how well that is known: its value, the proven bounds, and how the search ended."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.base.language import marked


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatBound:
    """What is proven of a plan with patrols against every beat that its teams could drive.

    Attributes
    ----------
    lower
        Proven: no layout within the budgets, with any beats, has a smaller value; None where nothing is proven.
    gap
        (upper - lower) / upper with it, in [0, 1]; None where unknown.
    exact
        Whether the search for better beats ended with a proof; else `lower` allows for what that search left open.
    weighed
        How many beats were weighed against one another, >= 0.
    """

    lower: float | None
    gap: float | None
    exact: bool
    weighed: int


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
        Proven: no layout within the budgets has a smaller value; None where nothing is proven.
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
    beats
        What is proven against every beat; None without teams. Then `lower` and `gap` hold for layouts of the beats that were weighed.
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
    unit: str = marked("share of loads that get through")
    share: bool = True
    beats: BeatBound | None = None

    @property
    def bound(self) -> float | None:
        """What no layout within the budgets has a smaller value than, whatever beats its teams drive; None where nothing is proven."""
        return self.lower if self.beats is None else self.beats.lower
