"""What a report says of a mixture: which placements stand on what share of days, and what randomising buys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MixtureRow:
    """A placement of a mixture.

    Attributes
    ----------
    label, kind, agency
        As people call them; the agency empty where all share it.
    share
        Share of days on which it stands.
    today
        Whether it stands today.
    """

    label: str
    kind: str
    agency: str
    share: float
    today: bool


@dataclass(frozen=True)
class MixtureFacts:
    """A mixture and its bounds.

    Attributes
    ----------
    plans
        How many plans it has.
    upper, lower
        What evaders achieve who know it, and a proven lower bound over all mixtures; None where nothing is proven.
    single
        Value of the best plan found that is the same every day.
    gain, proven_gain
        By what share it gets below that plan, and below every such plan, in [0, 1].
    saturated
        Whether the ways around all candidates decide.
    rows
        Its placements, the most frequent first.
    """

    plans: int
    upper: float
    lower: float | None
    single: float
    gain: float
    proven_gain: float
    saturated: bool
    rows: tuple[MixtureRow, ...]
