"""Ways: road lines on shared points, the one shape every source is brought to before it becomes a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.problem.lonlat import PORTION
from optimizer.problem.network import great_circle_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.lonlat import LonLat
    from optimizer.region.model import Dropped


@dataclass(frozen=True)
class Points:
    """The points that ways run through.

    Attributes
    ----------
    id
        (p,) integers or strings; unique among points that become nodes.
    lonlat
        Where the p points are.
    joint
        (p,) whether the point must become a node of the network, whatever meets there.
    """

    id: NDArray[Any]
    lonlat: LonLat
    joint: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return p."""
        return len(self.lonlat)


@dataclass(frozen=True)
class Ways:
    """Lines with one set of attributes each.

    Attributes
    ----------
    points
        What the lines run through.
    start
        (w + 1,) where each line starts in `point`; every line has at least two points, and no point twice in a row.
    point
        (r,) positions in `points`.
    way
        (w,) OSM way; 0 where there is none. Several lines may come from one way.
    road_class, name, ref
        (w,) strings as in `Network`; `ref` is the number of the road.
    forward, backward
        (w,) whether the line is travelled in and against its order.
    speed_kmh
        (w,) km/h, > 0.
    length_m, time_s
        (w,) metres and seconds where the source states them for the whole line, else NaN.
    """

    points: Points
    start: NDArray[np.int64]
    point: NDArray[np.integer]
    way: NDArray[np.int64]
    road_class: NDArray[Any]
    name: NDArray[Any]
    ref: NDArray[Any]
    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    speed_kmh: NDArray[np.float64]
    length_m: NDArray[np.float64]
    time_s: NDArray[np.float64]

    def __len__(self) -> int:
        """Return w."""
        return self.way.size

    @property
    def owner(self) -> NDArray[np.int32]:
        """(r,) the line each entry of `point` belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.start))

    @property
    def steps(self) -> NDArray[np.int64]:
        """(s,) entries of `point` that are followed by another of the same line: the straight pieces."""
        last = np.zeros(self.point.size, dtype=bool)
        last[self.start[1:] - 1] = True
        return np.flatnonzero(~last)

    def bounds(self) -> NDArray[np.float64]:
        """(4,) west, south, east and north of the points that the lines run through, in degrees."""
        low, high = np.full(2, np.inf), np.full(2, -np.inf)
        for first in range(0, self.point.size, PORTION):
            lonlat = self.points.lonlat.degrees(self.point[first : first + PORTION])
            low, high = np.minimum(low, lonlat.min(axis=0)), np.maximum(high, lonlat.max(axis=0))
        return np.append(low, high)

    def travelled_m(self) -> NDArray[np.float64]:
        """(r,) great-circle metres from the start of the first line, summed over all lines; only differences within a line mean anything."""
        travelled = np.zeros(self.point.size)
        for first in range(0, self.point.size - 1, PORTION):
            lon, lat = self.points.lonlat.degrees(self.point[first : first + PORTION + 1]).T
            travelled[first + 1 : first + lon.size] = great_circle_m(lon[:-1], lat[:-1], lon[1:], lat[1:])
        travelled[self.start[:-1]] = 0.0
        return np.cumsum(travelled, out=travelled)

    def with_insertions(
        self, after: NDArray[np.int64], along: NDArray[np.float64], lonlat: NDArray[np.float64], ids: NDArray[Any]
    ) -> Ways:
        """Return the ways with k new points put into them; no joints yet.

        Parameters
        ----------
        after
            (k,) the entry of `point` each new point follows.
        along
            (k,) how far along that straight piece it lies, in (0, 1): orders several on one piece.
        lonlat
            (k, 2) degrees.
        ids
            (k,) what to call them.
        """
        order = np.lexsort((along, after))
        new = len(self.points) + np.arange(after.size)
        points = Points(
            id=np.concatenate((self.points.id, ids)),
            lonlat=self.points.lonlat.with_more(lonlat),
            joint=np.concatenate((self.points.joint, np.zeros(after.size, dtype=bool))),
        )
        shifted = self.start + np.searchsorted(after[order], self.start)
        return replace(self, points=points, point=np.insert(self.point, after[order] + 1, new[order]), start=shifted)


class Growing:
    """An array that parts are put to, in place of `numpy.concatenate`: the memory grows where it stands, so that no part stands twice."""

    def __init__(self) -> None:
        self._whole: NDArray[Any] | None = None
        self._size = 0

    def put(self, part: NDArray[Any]) -> None:
        """Add rows at the end."""
        if self._whole is None:
            self._whole = np.array(part)
        end = self._size + len(part)
        if end > len(self._whole):
            self._whole.resize((end + end // 16, *part.shape[1:]), refcheck=False)
        self._whole[self._size : end] = part
        self._size = end

    def taken(self) -> NDArray[Any]:
        """Return the array; nothing more is put to it."""
        whole, self._whole = self._whole, None
        assert whole is not None  # noqa: S101 - at least one part was put
        whole.resize((self._size, *whole.shape[1:]), refcheck=False)
        return whole


@dataclass(frozen=True)
class SourceWays:
    """The ways of a source, and what was left out of it with its reason."""

    ways: Ways
    dropped: list[Dropped]
