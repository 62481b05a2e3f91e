"""What two reports are compared by: time, place, drug and amount, each at the level at which they agree.

How two reports can be compared depends on what they state: two hours or two days, two points or a point and the name of a town. Each such way
is a `Way` with levels of its own, and a theme has as many ways as there are. Level 0 of a theme means that nothing can be compared; the others
are numbered through the ways. `stated` is the share of true pairs at each level that is assumed before any pair is seen, and counts as
`optimizer.records.fusion.scores.STATED_PAIRS` pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Way:
    """One way of comparing two reports.

    Attributes
    ----------
    name
        What is compared.
    bounds
        Upper bounds of the levels but the last, ascending, in the way's unit.
    stated
        Share of true pairs at each level, one more than there are bounds; sums to 1.
    """

    name: str
    bounds: tuple[float, ...]
    stated: tuple[float, ...]


@dataclass(frozen=True)
class Theme:
    """A theme and its ways."""

    name: str
    ways: tuple[Way, ...]

    @property
    def size(self) -> int:
        """Number of levels, that of "nothing to compare" among them."""
        return 1 + sum(len(way.stated) for way in self.ways)

    @cached_property
    def first(self) -> dict[str, int]:
        """Way -> its first level."""
        starts = np.cumsum([1, *(len(way.stated) for way in self.ways)])
        return {way.name: int(start) for way, start in zip(self.ways, starts[:-1], strict=True)}

    def slices(self) -> list[slice]:
        """Return the levels of each way."""
        return [slice(self.first[way.name], self.first[way.name] + len(way.stated)) for way in self.ways]

    def way(self, name: str) -> Way:
        """Return the way of a name."""
        return next(way for way in self.ways if way.name == name)

    def stated(self) -> np.ndarray:
        """Return the (size,) stated shares of true pairs, way by way; 1 at level 0."""
        return np.concatenate([[1.0], *(np.array(way.stated) for way in self.ways)])


TIME = Theme(
    "time",
    (
        Way("hours", (0.26, 1.01, 3.0, 12.0, 36.0), (0.35, 0.35, 0.12, 0.08, 0.08, 0.02)),
        Way("days", (0.5, 1.5), (0.80, 0.16, 0.04)),
    ),
)
"""Hours between two hours, less the difference of the clocks; days between two days."""
PLACE = Theme(
    "place",
    (
        Way("points", (0.3, 1.0, 3.0, 10.0, 30.0), (0.45, 0.20, 0.15, 0.12, 0.05, 0.03)),
        Way("point and a town", (1.0, 2.0, 3.5), (0.55, 0.30, 0.10, 0.05)),
        Way("point and a district", (1.0, 2.0, 3.5), (0.55, 0.33, 0.08, 0.04)),
        Way("point and a sector", (1.0, 2.0, 3.5), (0.58, 0.34, 0.05, 0.03)),
        Way("names", (0.02, 0.3, 0.6), (0.6, 0.2, 0.1, 0.1)),
        Way("segments", (0.5,), (0.8, 0.2)),
    ),
)
"""Kilometres between points; distance of a point from the place of a name over how widely that name is used (a town up to 3 km, a sector from
15 km on); unlikeness of two names."""
DRUG = Theme("drug", (Way("drug", (0.5,), (0.95, 0.05)),))
"""Equal, or not."""
AMOUNT = Theme(
    "amount",
    (
        Way("weights", (0.01, 0.05, 0.2, 0.7), (0.35, 0.25, 0.2, 0.1, 0.1)),
        Way("weight and parcels", (0.25, 0.7, 1.5), (0.45, 0.35, 0.15, 0.05)),
        Way("parcels", (0.01, 0.2, 0.7), (0.7, 0.15, 0.1, 0.05)),
    ),
)
"""Logarithm of the ratio of two weights, of a weight and what so many parcels weigh, of two numbers of parcels."""
THEMES = (TIME, PLACE, DRUG, AMOUNT)
