"""What the seizure record knows: risk and search effort of each segment, facts of the record, and where a search would inform most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEffort:
    """Search effort in one unit.

    Attributes
    ----------
    unit
        `search hours`, `vehicles`.
    amount
        (n_segments,) effort on each segment over the whole record, >= 0; 0 where there was none in this unit.
    """

    unit: str
    amount: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRisk:
    """Risk of each road segment, with its uncertainty.

    Attributes
    ----------
    median, low, high
        (n_segments,) rate and the ends of its interval, >= 0, in `unit`; NaN where unknown.
    searched
        (n_segments,) bool: whether anybody ever searched there. Where nobody did, the rate is a guess and is drawn as one.
    unit
        What the rate counts: `seizures per 100 search hours`.
    interval
        Probability the interval holds, in (0, 1).
    efforts
        Search effort, one entry a unit; empty where none was recorded.
    average
        The rate of an average place in `unit`; None where it has none.
    how
        How the rate was estimated, to be read after "Estimated from"; empty where it is not said.
    """

    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    searched: NDArray[np.bool_]
    unit: str
    interval: float = 0.9
    efforts: tuple[UnitEffort, ...] = ()
    average: float | None = None
    how: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFacts:
    """What must be known of a seizure record to say what it cannot tell.

    Attributes
    ----------
    seizures
        How many it holds, >= 0.
    without_effort
        How many of them have no effort behind them, there or then.
    area_only
        How many of the others name an area and no road.
    areas
        How many areas those name.
    seizure_sources
        Who kept the record.
    effort_sources
        Source and unit of each record of effort.
    effort_by_area
        Whether every row of effort names an area and no road.
    """

    seizures: float
    without_effort: float = 0.0
    area_only: float = 0.0
    areas: int = 0
    seizure_sources: tuple[str, ...] = ()
    effort_sources: tuple[tuple[str, str], ...] = ()
    effort_by_area: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """A road where a search would give much information.

    Attributes
    ----------
    segment
        Segment of the network.
    label
        What people call it.
    score
        Expected information of a search there, higher is better; None or NaN where unknown.
    reason
        Why, in a few plain words.
    """

    segment: int
    label: str
    score: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TipRow:
    """What tips of one place and time, which weigh as one, do to the risk of the road nearest to them.

    Attributes
    ----------
    label
        The road, or the point where no road is near.
    segment
        Segment of the network; -1 where none is near or they do not count.
    day
        Of the first of them.
    copies
        How many they are.
    grade
        Class of their grade, A to E, or "?" where it is unknown.
    false_share
        Share of such tips that is taken as false, in (0, 1].
    before, after
        Risk index of the segment without tips, and with all of them; None where no segment is.
    alone
        Factor by which these alone would raise it, in [1, 1.25].
    cure
        What makes them count more, or settles them, in a few plain words.
    """

    label: str
    segment: int
    day: str
    copies: int
    grade: str
    false_share: float
    before: float | None
    after: float | None
    alone: float
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TipFacts:
    """Tips by what they do, those that raise most first (`rows`), and how many more there are (`more`)."""

    rows: tuple[TipRow, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LookNext:
    """Where to look next: `rows` in any order, and what their scores count (`score_unit`, as it stands in a column's header)."""

    rows: tuple[LookRow, ...]
    score_unit: str = "score"

    @property
    def in_order(self) -> tuple[LookRow, ...]:
        """Rows by score, the highest first; those without a score come last."""
        return tuple(
            sorted(
                self.rows,
                key=lambda row: -row.score if row.score is not None and math.isfinite(row.score) else math.inf,
            )
        )
