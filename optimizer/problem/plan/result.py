"""What a solver returns: a plan with proven bounds, and how it was found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from optimizer.base.read_only import ReadOnlyFields
from optimizer.base.summary import Facts, Summarised

if TYPE_CHECKING:
    from optimizer.problem.plan.plan import Mixture, Plan


Status = Literal["optimal", "feasible", "infeasible", "unknown"]
Limit = Literal["time", "interrupted", "memory"]

GIVEN = "given"
"""Method of a plan that was not searched for."""

PROVEN = 1e-7
"""Bounds closer than this, relative to the upper one, have met: no smaller gap is asked
of any method, whatever its argument.
"""


@dataclass(frozen=True, slots=True)
class Randomised:
    """What a solve by the method `mixed` adds to a result."""

    #: The distribution over plans, of value `Result.upper`.
    mixture: Mixture
    #: `pure_lower`, `pure_upper`: Proven lower bound over single plans that are the
    #: same every day, and the value of the best one found, `Result.plan`.
    pure_lower: float
    pure_upper: float
    #: Whether the value is, to within the tolerance, that with every option placed:
    #: then the ways around all candidates decide, and more sites would lower it, not
    #: more units.
    saturated: bool

    def gain(self, upper: float) -> float:
        """Return by what share a mixture of this value gets below the best single plan
        found; 0 where that is 0.
        """
        return 1 - upper / self.pure_upper if self.pure_upper > 0 else 0.0

    def proven_gain(self, upper: float) -> float:
        """Return by what share at least a mixture of this value gets below every single
        plan, >= 0.
        """
        return max(0.0, 1 - upper / self.pure_lower) if self.pure_lower > 0 else 0.0


@dataclass(frozen=True, slots=True)
class BoundsAt:
    """What was proven at a time of a search."""

    #: Since `solve` was called.
    seconds: float
    #: `lower`, `upper`: Proven lower bound, and the value of the best plan; infinite
    #: while none is known.
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, repr=False)
class Result(Summarised, ReadOnlyFields):
    """The outcome of a solve."""

    #: Solver that made the plan.
    method: str
    #: `optimal` (`gap` at most `tolerance`), `feasible`, `infeasible` or `unknown`.
    status: Status
    #: What ended the solve early; None when nothing did.
    limit: Limit | None
    #: The best plan found; None when there is none. With the method `mixed` the best
    #: single plan, which need not be in the mixture.
    plan: Plan | None
    #: Proven lower bound of the optimal value, over everything that a plan could place:
    #: with patrol teams over every beat that they could drive, with the method `mixed`
    #: over every mixture. None when nothing is proven.
    lower: float | None
    #: Exact value of `plan` on the full network; None without a plan. With the method
    #: `mixed` the value of the mixture, or a proven upper bound of it within a fraction
    #: of the tolerance.
    upper: float | None
    #: Wall-clock time.
    seconds: float
    #: Seed of every random choice.
    seed: int
    #: Counts of the method (overlay nodes, rows, branch-and-bound nodes).
    statistics: Mapping[str, float] = field(default_factory=dict)
    #: The gap up to which a plan counts as optimal: the one asked for, at least
    #: `PROVEN`.
    tolerance: float = PROVEN
    #: How many beats were weighed against one another in the last placement problem;
    #: None without patrol teams.
    weighed: int | None = None
    #: Proven lower bound within the beats that were weighed, >= `lower`; None without
    #: patrol teams.
    weighed_lower: float | None = None
    #: Whether pricing was solved to proof for `lower`; else the bound allows for what
    #: pricing left open. True without patrol teams.
    pricing_proven: bool = True
    #: The mixture, and what it is compared with; None for other methods than `mixed`.
    mixed: Randomised | None = None
    #: The bounds each time that they moved, from `solve`; empty where nothing was told.
    #: `optimizer.plot_history` draws them.
    history: tuple[BoundsAt, ...] = ()

    def _facts(self) -> Facts:
        gap = "not known" if self.gap is None else f"{100 * self.gap:.2f} %"
        facts = [
            ("status", self.status),
            ("value", "not known" if self.upper is None else f"{self.upper:.6g}"),
            ("proven bound", "not known" if self.lower is None else f"{self.lower:.6g}"),
            ("gap", gap),
            ("method", self.method),
            ("seconds", f"{self.seconds:.1f}"),
        ]
        if self.limit is not None:
            facts.append(("ended by", self.limit))
        if self.plan is not None:
            facts.append(("placed", f"{len(self.plan.placements)}"))
        return facts

    @property
    def gap(self) -> float | None:
        """(upper - lower) / upper; 0 where upper is 0; None where a bound is unknown."""
        return relative_gap(self.lower, self.upper)

    @property
    def nothing_helps(self) -> bool:
        """Whether the plan is empty and proven best to within `PROVEN`: no option fits,
        or none that fits lowers the value.
        """
        return (
            self.plan is not None
            and not self.plan.placements
            and self.gap is not None
            and self.gap <= PROVEN
        )

    @property
    def weighed_gap(self) -> float | None:
        """The same gap within the beats that were weighed; None without patrol teams."""
        return relative_gap(self.weighed_lower, self.upper)


def single_plan(result: Result) -> Result:
    """Return what a solve by the method `mixed` says of the best plan that is the same
    every day; any other result as it is.
    """
    if result.mixed is None:
        return result
    lower, upper = result.mixed.pure_lower, result.mixed.pure_upper
    closed = (relative_gap(lower, upper) or 0.0) <= result.tolerance
    return replace(
        result, lower=lower, upper=upper, status="optimal" if closed else "feasible", mixed=None
    )


def tolerance_of(gap: float) -> float:
    """Return the gap up to which a plan counts as optimal where this one is asked for."""
    return max(gap, PROVEN)


def relative_gap(lower: float | None, upper: float | None) -> float | None:
    """Return (upper - lower) / upper, 0 where upper is 0, and None where either is None
    or not finite.
    """
    if lower is None or upper is None or not (math.isfinite(lower) and math.isfinite(upper)):
        return None
    return (upper - lower) / upper if upper > 0 else 0.0


def result_summary(result: Result) -> dict[str, Any]:
    """Return the fields of a result that every output shares; unknown numbers are None."""
    return {
        "method": result.method,
        "status": result.status,
        "limit": result.limit,
        "lower": result.lower,
        "upper": result.upper,
        "gap": result.gap,
        "seconds": round(result.seconds, 3),
    }


# What bounds say of the difference of two values: the one place that decides what a
# page may state of it.
#
# Of a value V as good as it can be only l <= V <= u is known: u is that of the best
# plan found, l is proven. So V_before - V_after lies in [l_before - u_after, u_before -
# l_after]. Nothing but this interval decides: values of plans found, which say what a
# search came to, do not.

Says = Literal["less", "more", "nothing", "open"]

NOTHING = 0.005
"""A difference that may be none, and is at most this share of the value before, counts as none."""

ROUNDING = 1e-9
"""Differences below this share of the value before are rounding."""


class Bounded(Protocol):
    """A value that lies between two."""

    @property
    def lower(self) -> float:
        """Proven bound."""

    @property
    def upper(self) -> float:
        """Value of the best plan found."""


@dataclass(frozen=True, slots=True)
class ValueBounds:
    """A value that lies between two; one that is known has both ends equal."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class ProvenInterval:
    """A number that is made of values."""

    #: `low`, `high`: Proven: it lies between them.
    low: float
    #: By the plans found.
    found: float
    #: `low`, `high`: Proven: it lies between them.
    high: float


@dataclass(frozen=True, slots=True)
class Difference(ProvenInterval):
    """By how much less gets through after than before; `scale` is the value before,
    that differences are measured by.
    """

    scale: float

    @property
    def says(self) -> Says:
        """What may be stated: `less` or `more` gets through after, the difference is
        `nothing`, or it is `open`: not yet known.

        >>> difference(ValueBounds(0.5, 0.9), ValueBounds(0.5, 0.9)).says
        'open'
        >>> difference(ValueBounds(0.9, 0.9), ValueBounds(0.8, 0.85)).says
        'less'
        """
        if self.low > ROUNDING * self.scale:
            return "less"
        if self.high < -ROUNDING * self.scale:
            return "more"
        return "nothing" if max(abs(self.low), abs(self.high)) <= NOTHING * self.scale else "open"


WIDE = 0.05
"""Relative gap up to which a plan is known well enough, whatever it gains."""


def searched_enough(plan: Bounded, before: float | None) -> bool:
    """Return whether a plan is known well enough to be ordered.

    It is where what a better plan may save on it is little, or no more than it saves
    itself on the layout before, whose value is given.
    """
    left = plan.upper - plan.lower
    gained = 0.0 if before is None else before - plan.upper
    return left <= max(WIDE * abs(plan.upper), gained)


def difference(before: Bounded, after: Bounded, *, rising: bool = False) -> Difference:
    """Return what is known of the difference of two values; `rising` where it cannot be
    below 0, as a plan before is one after too.
    """
    low, high = before.lower - after.upper, before.upper - after.lower
    return Difference(
        max(low, 0.0) if rising else low,
        before.upper - after.upper,
        max(high, 0.0) if rising else high,
        before.upper,
    )
