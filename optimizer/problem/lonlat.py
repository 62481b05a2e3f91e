"""Longitudes and latitudes of many points, in the narrowest form that loses nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

GRID = 10_000_000
"""Steps of OpenStreetMap's grid in one degree."""

PORTION = 1 << 17
"""Entries that are computed on at once where all of them would take too much memory."""

_MOST_OFF = 0.25
"""Share of points off the grid above which all are kept in degrees: from there on whole steps with exceptions take more memory."""


def _nowhere() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class LonLat:
    """Longitude and latitude of p points in WGS 84: 8 bytes a point where most stand on OpenStreetMap's grid, 16 elsewhere.

    Attributes
    ----------
    values
        (p, 2) 4-byte integers: whole steps of the grid (1e-7 degree); or degrees, where few points are on the grid.
    off
        (k,) positions, rising, of points that are not on the grid; none where `values` are degrees.
    off_degrees
        (k, 2) degrees of these.
    """

    values: NDArray[Any]
    off: NDArray[np.int64] = field(default_factory=_nowhere)
    off_degrees: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))

    @classmethod
    def of(cls, degrees: NDArray[np.float64]) -> Self:
        """Return (p, 2) degrees, in steps where most of them are whole steps to the bit; arrays of another shape as they are."""
        if degrees.ndim != 2 or degrees.shape[1] != 2:
            return cls(degrees)
        steps, off = np.empty(degrees.shape, dtype=np.int32), []
        for first in range(0, len(degrees), PORTION):
            part = degrees[first : first + PORTION]
            steps[first : first + PORTION] = np.rint(np.where(np.abs(part) <= 180, part, 0.0) * GRID)  # NaN is not
            wrong = steps[first : first + PORTION] / GRID != part
            off.append(first + np.flatnonzero(wrong[:, 0] | wrong[:, 1]))
        apart = np.concatenate([_nowhere(), *off])
        return cls(degrees) if apart.size > _MOST_OFF * len(degrees) else cls(steps, apart, degrees[apart])

    def __len__(self) -> int:
        """Return p."""
        return len(self.values)

    def degrees(self, at: NDArray[np.integer] | None = None) -> NDArray[np.float64]:
        """Return the (k, 2) degrees of the points at some positions (k,); of all where None."""
        values = self.values if at is None else self.values[at]
        if values.dtype.kind == "f":
            return np.asarray(values)
        found = values / GRID
        if at is None:
            found[self.off] = self.off_degrees
        elif self.off.size:
            hit = self._off_among(at)
            found[hit] = self.off_degrees[np.searchsorted(self.off, at[hit])]
        return found

    def steps(self, at: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the (k, 2) places of some points (k,) in steps of the grid, rounded."""
        if self.values.dtype.kind == "f" or self.off.size:
            return np.rint(self.degrees(at) * GRID).astype(np.int64)
        return np.asarray(self.values[at].astype(np.int64))

    def take(self, at: NDArray[np.integer]) -> LonLat:
        """Return the points at some positions (k,), in their order."""
        return self.gathered([at], at.size)

    def gathered(self, lists: Iterable[NDArray[np.integer]], size: int) -> LonLat:
        """Return the points at several lists of positions, `size` in all, one after the other; lists may be made as they are asked for."""
        values, done = np.empty((size, 2), dtype=self.values.dtype), 0
        off, off_degrees = [_nowhere()], [np.empty((0, 2))]
        for at in lists:
            values[done : done + at.size] = self.values[at]
            if self.off.size:
                hit = self._off_among(at)
                off.append(done + hit)
                off_degrees.append(self.off_degrees[np.searchsorted(self.off, at[hit])])
            done += at.size
        return LonLat(values, np.concatenate(off), np.concatenate(off_degrees))

    def with_more(self, degrees: NDArray[np.float64]) -> LonLat:
        """Return these points and (k, 2) more behind them."""
        if self.values.dtype.kind == "f":
            return LonLat(np.concatenate((self.values, degrees)))
        more = np.arange(len(self), len(self) + len(degrees))
        return LonLat(
            np.concatenate((self.values, np.zeros(degrees.shape, dtype=np.int32))),
            np.concatenate((self.off, more)),
            np.concatenate((self.off_degrees, degrees)),
        )

    def _off_among(self, at: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return which of some positions are those of points off the grid."""
        return np.flatnonzero(self.off[np.minimum(np.searchsorted(self.off, at), self.off.size - 1)] == at)
