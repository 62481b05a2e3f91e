"""Candidate pairs of two feeds: what may be one event, found without comparing everything with everything.

Pairs within `WINDOW` days. Where there would be more than `MOST` of these, only those that agree in the drug, or in the cell of the map or
the name of the place, are kept (two blocks, each pair once).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

WINDOW = 3
"""Days between the days of two reports of one event at most."""
MOST = 6_000_000
"""Pairs within the window from which on a further agreement is asked for."""


@dataclass(frozen=True)
class Candidates:
    """Pairs: (k,) positions of the one report and of the other."""

    one: Ints
    other: Ints

    @property
    def size(self) -> int:
        """Number of pairs."""
        return self.one.size

    def take(self, chosen: Ints | NDArray[np.bool_]) -> Candidates:
        """Return the chosen pairs (a mask (k,) or positions)."""
        return Candidates(self.one[chosen], self.other[chosen])


def candidate_pairs(day: Floats, one: Ints, other: Ints, keys: tuple[Ints, ...], *, most: int = MOST) -> Candidates:
    """Return the pairs of two feeds that may be one event.

    Parameters
    ----------
    day
        (n,) day of each report.
    one, other
        Reports of the two feeds, positions among the n.
    keys
        (n,) integers, -1 where unknown: pairs must agree in one of them at least where there are too many pairs.
    most
        As `MOST`.
    """
    low, high = _reach(day, one, other)
    if (high - low).sum() <= most:
        return _pairs(one, other[np.argsort(day[other], kind="stable")], low, high)
    blocks = []
    for key in keys:
        for value in np.unique(key[one][key[one] >= 0]).tolist():
            mine, theirs = one[key[one] == value], other[key[other] == value]
            if mine.size and theirs.size:
                low, high = _reach(day, mine, theirs)
                blocks.append(_pairs(mine, theirs[np.argsort(day[theirs], kind="stable")], low, high))
    if not blocks:
        return Candidates(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    code = np.unique(np.concatenate([block.one * day.size + block.other for block in blocks]))
    return Candidates(code // day.size, code % day.size)


def _reach(day: Floats, one: Ints, other: Ints) -> Ints:
    """Return (2, len(one)) first position, and that after the last, of the others in order of time that lie within `WINDOW`."""
    ordered = np.sort(day[other])
    return np.stack(
        [
            np.searchsorted(ordered, day[one] - WINDOW, side="left"),
            np.searchsorted(ordered, day[one] + WINDOW, side="right"),
        ]
    )


def _pairs(one: Ints, ordered: Ints, low: Ints, high: Ints) -> Candidates:
    count = high - low
    start = np.repeat(low - (np.cumsum(count) - count), count)
    return Candidates(np.repeat(one, count), ordered[start + np.arange(count.sum())])
