"""What one test period asks of a model: to learn from the searches before it, and to forecast what its own searches find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.lab.backtest.points import squares
from optimizer.lab.backtest.sums import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.lab.backtest.periods import Fold
    from optimizer.lab.backtest.searches import ForceSearches

    Floats = NDArray[np.float64]

LEAST = 0.5
"""Finds, or searches without one, that stand for none in the global chance."""


@dataclass(frozen=True)
class ForecastTask:
    """One test period of one force, on the m points that were searched before or during it.

    The points of the period are known, for its effort is given; its finds are for the scores alone (`later_finds`).

    Attributes
    ----------
    lon, lat
        (m,) degrees.
    cell
        (m,) square of each point.
    point, month, amount, found
        (k,) the rows to learn from, one a point and month: searches and how many of them found something.
    searches, finds
        (m,) the same by point.
    later_searches, later_finds
        (m,) those of the test period.
    later_by_month
        (m, 12) searches of the test period by month of the year.
    first
        (m,) a row of the searches at each point.
    """

    lon: Floats
    lat: Floats
    cell: NDArray[np.int64]
    point: NDArray[np.int64]
    month: NDArray[np.datetime64]
    amount: Floats
    found: Floats
    searches: Floats
    finds: Floats
    later_searches: Floats
    later_finds: Floats
    later_by_month: Floats
    first: NDArray[np.int64]

    @property
    def chance(self) -> float:
        """The global chance that a search finds something, from the searches before the period."""
        total = float(self.searches.sum())
        return float(np.clip(self.finds.sum(), LEAST, max(total - LEAST, total / 2)) / total)

    @property
    def judged(self) -> NDArray[np.int64]:
        """Points that are searched in the period."""
        return np.flatnonzero(self.later_searches)


def make_task(rows: ForceSearches, fold: Fold) -> ForecastTask:
    """Return what a test period asks; rows of other periods after it leave no trace."""
    chosen = fold.before | fold.during
    points = np.column_stack((rows.lon, rows.lat))[chosen]
    place, first, point = np.unique(points, axis=0, return_index=True, return_inverse=True)
    point = point.ravel()
    before = fold.before[chosen]
    weight, found = rows.weight[chosen], (rows.weight * rows.found)[chosen]
    m = len(place)
    later_month = 12 * point[~before] + rows.month[chosen][~before].astype(np.int64) % 12
    month = rows.month[chosen][before].astype(np.int64)
    key, row = np.unique(np.column_stack((point[before], month)), axis=0, return_inverse=True)
    row = row.ravel()
    return ForecastTask(
        lon=place[:, 0],
        lat=place[:, 1],
        cell=squares(place[:, 0], place[:, 1]),
        point=key[:, 0],
        month=key[:, 1].astype("datetime64[M]"),
        amount=sums(row, weight[before], len(key)),
        found=sums(row, found[before], len(key)),
        searches=sums(point[before], weight[before], m),
        finds=sums(point[before], found[before], m),
        later_searches=sums(point[~before], weight[~before], m),
        later_finds=sums(point[~before], found[~before], m),
        later_by_month=sums(later_month, weight[~before], 12 * m).reshape(m, 12),
        first=np.flatnonzero(chosen)[first],
    )
