"""The lines that arcs are drawn as, in the narrowest form that loses nothing; the two
directions of a road share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.base.read_only import ReadOnlyFields

PORTION = 1 << 17
"""Entries that are computed on at once where all of them would take too much memory."""

ARCS_AT_ONCE = PORTION // 4


@dataclass(frozen=True, eq=False)
class Polylines(ReadOnlyFields):
    """Lines of m arcs."""

    #: (l + 1,) where each of l lines starts in `points`.
    start: NDArray[np.integer]
    #: The points of all lines, one after the other.
    points: LonLat
    #: (m,) line of each arc; None where arc i has line i.
    line: NDArray[np.integer] | None = None
    #: (m,) whether the arc runs against its line; None where none does, as where each
    #: has its own.
    back: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, shape_start: NDArray[np.int64], shape: NDArray[np.float64]) -> Polylines:
        """Return the lines of arcs that have one each: (m + 1,) where it starts in the
        (p, 2) degrees of their points.
        """
        return cls(shape_start, LonLat.of(shape))

    def __len__(self) -> int:
        """Return m."""
        return self.start.size - 1 if self.line is None else self.line.size

    @property
    def count(self) -> NDArray[np.integer]:
        """(m,) points of each arc's line."""
        count = self.start[1:] - self.start[:-1]
        return count if self.line is None else count[self.line]

    @property
    def shape_start(self) -> NDArray[np.int64]:
        """(m + 1,) where each arc's line would start if every arc had its own."""
        return np.append(0, np.cumsum(self.count, dtype=np.int64))

    def nth(self, number: int) -> NDArray[np.float64]:
        """(m, 2) degrees of the point `number` of each arc's line, in the direction of
        travel, from 0.
        """
        return self.points.degrees(self.begin + number * self.step)

    def take(self, arcs: NDArray[np.integer], turned: NDArray[np.bool_] | None = None) -> Polylines:
        """Return the lines of some arcs, those that a mask marks turned round; no point
        is copied.
        """
        back = None if self.back is None else self.back[arcs]
        if turned is not None and turned.any():
            back = turned if back is None else back ^ turned
        return Polylines(
            self.start, self.points, arcs if self.line is None else self.line[arcs], back
        )

    def own(self) -> Polylines:
        """Return the same with a line for each arc, in its direction."""
        if self.line is None:
            return self
        start = self.shape_start
        return Polylines(start, self.points.gathered(self._positions(), int(start[-1])))

    def shape(self) -> NDArray[np.float64]:
        """Return the (p, 2) degrees of the points of all arcs' lines, one after the
        other, in the direction of travel.
        """
        return self.own().points.degrees()

    def drawn(self) -> NDArray[np.object_]:
        """Return the (m,) shapely lines in degrees, in the direction of travel."""
        owner = np.repeat(np.arange(len(self)), self.count)
        return np.asarray(shapely.linestrings(self.shape(), indices=owner), dtype=object)

    @property
    def begin(self) -> NDArray[np.integer]:
        """(m,) first point of each arc's line, in the direction of travel."""
        line = slice(None) if self.line is None else self.line
        first = self.start[:-1][line]
        return first if self.back is None else np.where(self.back, self.start[1:][line] - 1, first)

    @property
    def step(self) -> NDArray[np.int8] | int:
        """(m,) 1, or -1 where the arc runs against its line."""
        return 1 if self.back is None else np.where(self.back, -1, 1).astype(np.int8)

    def _positions(self) -> Iterator[NDArray[np.int64]]:
        """Give the positions of the points of each arc's line, of some arcs at a time."""
        for first in range(0, len(self), ARCS_AT_ONCE):
            part = self.take(np.arange(first, min(first + ARCS_AT_ONCE, len(self))))
            yield ranges(part.begin, part.count, part.step)


def ranges(
    first: NDArray[np.integer], count: NDArray[np.integer], step: NDArray[np.integer] | int = 1
) -> NDArray[np.int64]:
    """Return `first[i], first[i] + step[i], ...` (`count[i]` of them) for every i, one
    after the other.
    """
    before = np.cumsum(count) - count
    within = np.arange(int(count.sum())) - np.repeat(before, count)
    return np.asarray(
        np.repeat(first, count) + np.repeat(np.broadcast_to(step, first.shape), count) * within
    )


# Longitudes and latitudes of many points, in the narrowest form that loses nothing.

GRID = 10_000_000
"""Steps of OpenStreetMap's grid in one degree."""

_MOST_OFF = 0.25
"""Share of points off the grid above which all are kept in degrees: from there on whole
steps with exceptions take more memory.
"""


def _nowhere() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class LonLat(ReadOnlyFields):
    """Longitude and latitude of p points in WGS 84: 8 bytes a point where most stand on
    OpenStreetMap's grid, 16 elsewhere.
    """

    #: (p, 2) 4-byte integers: whole steps of the grid (1e-7 degree); or degrees, where
    #: few points are on the grid.
    values: NDArray[Any]
    #: (k,) positions, rising, of points that are not on the grid; none where `values`
    #: are degrees.
    off: NDArray[np.int64] = field(default_factory=_nowhere)
    #: (k, 2) degrees of these.
    off_degrees: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))

    @classmethod
    def of(cls, degrees: NDArray[np.float64]) -> Self:
        """Return (p, 2) degrees, in steps where most of them are whole steps to the
        bit; arrays of another shape as they are.
        """
        if degrees.ndim != 2 or degrees.shape[1] != 2:
            return cls(degrees)
        steps, off = np.empty(degrees.shape, dtype=np.int32), []
        for first in range(0, len(degrees), PORTION):
            part = degrees[first : first + PORTION]
            # NaN is not
            steps[first : first + PORTION] = np.rint(
                np.where(np.abs(part) <= 180, part, 0.0) * GRID
            )
            wrong = steps[first : first + PORTION] / GRID != part
            off.append(first + np.flatnonzero(wrong[:, 0] | wrong[:, 1]))
        apart = np.concatenate([_nowhere(), *off])
        return (
            cls(degrees)
            if apart.size > _MOST_OFF * len(degrees)
            else cls(steps, apart, degrees[apart])
        )

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

    def gathered(self, lists: Iterable[NDArray[np.integer]], size: int) -> LonLat:
        """Return the points at several lists of positions, `size` in all, one after the
        other; lists may be made as they are asked for.
        """
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
        return np.flatnonzero(
            self.off[np.minimum(np.searchsorted(self.off, at), self.off.size - 1)] == at
        )
