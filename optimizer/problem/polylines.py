"""The lines that arcs are drawn as; the two directions of a road share one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from optimizer.problem.lonlat import PORTION, LonLat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ARCS_AT_ONCE = PORTION // 4


@dataclass(frozen=True, eq=False)
class Polylines:
    """Lines of m arcs.

    Attributes
    ----------
    start
        (l + 1,) where each of l lines starts in `points`.
    points
        The points of all lines, one after the other.
    line
        (m,) line of each arc; None where arc i has line i.
    back
        (m,) whether the arc runs against its line; None where none does, as where each has its own.
    """

    start: NDArray[np.integer]
    points: LonLat
    line: NDArray[np.integer] | None = None
    back: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, shape_start: NDArray[np.int64], shape: NDArray[np.float64]) -> Polylines:
        """Return the lines of arcs that have one each: (m + 1,) where it starts in the (p, 2) degrees of their points."""
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
        """(m, 2) degrees of the point `number` of each arc's line, in the direction of travel, from 0."""
        return self.points.degrees(self.begin + number * self.step)

    def take(self, arcs: NDArray[np.integer], turned: NDArray[np.bool_] | None = None) -> Polylines:
        """Return the lines of some arcs, those that a mask marks turned round; no point is copied."""
        back = None if self.back is None else self.back[arcs]
        if turned is not None and turned.any():
            back = turned if back is None else back ^ turned
        return Polylines(self.start, self.points, arcs if self.line is None else self.line[arcs], back)

    def own(self) -> Polylines:
        """Return the same with a line for each arc, in its direction."""
        if self.line is None:
            return self
        start = self.shape_start
        return Polylines(start, self.points.gathered(self._positions(), int(start[-1])))

    def shape(self) -> NDArray[np.float64]:
        """Return the (p, 2) degrees of the points of all arcs' lines, one after the other, in the direction of travel."""
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
    """Return `first[i], first[i] + step[i], ...` (`count[i]` of them) for every i, one after the other."""
    before = np.cumsum(count) - count
    within = np.arange(int(count.sum())) - np.repeat(before, count)
    return np.asarray(np.repeat(first, count) + np.repeat(np.broadcast_to(step, first.shape), count) * within)
