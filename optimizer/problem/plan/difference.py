"""What bounds say of the difference of two values: the one place that decides what a page may state of it.

Of a value V as good as it can be only l <= V <= u is known: u is that of the best plan found, l is proven. So V_before - V_after lies in
[l_before - u_after, u_before - l_after]. Nothing but this interval decides: values of plans found, which say what a search came to, do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

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
class Difference:
    """By how much less gets through after than before.

    Attributes
    ----------
    low, high
        Proven: it lies between them.
    found
        By the plans found.
    scale
        The value before, that differences are measured by.
    """

    low: float
    found: float
    high: float
    scale: float

    @property
    def says(self) -> Says:
        """What may be stated: `less` or `more` gets through after, the difference is `nothing`, or it is `open`: not yet known.

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

    It is where what a better plan may save on it is little, or no more than it saves itself on the layout before, whose value is given.
    """
    left = plan.upper - plan.lower
    gained = 0.0 if before is None else before - plan.upper
    return left <= max(WIDE * abs(plan.upper), gained)


def difference(before: Bounded, after: Bounded, *, rising: bool = False) -> Difference:
    """Return what is known of the difference of two values; `rising` where it cannot be below 0, as a plan before is one after too."""
    low, high = before.lower - after.upper, before.upper - after.lower
    return Difference(
        max(low, 0.0) if rising else low, before.upper - after.upper, max(high, 0.0) if rising else high, before.upper
    )
