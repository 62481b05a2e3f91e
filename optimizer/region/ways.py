"""Ways: road lines on shared points, the one shape every source is brought to, and how
they become a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.base.text.language import marked
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.polylines import ARCS_AT_ONCE, PORTION, LonLat, Polylines, ranges
from optimizer.region.model import Dropped


@dataclass(frozen=True)
class Points:
    """The points that ways run through."""

    #: (p,) integers or strings; unique among points that become nodes.
    id: NDArray[Any]
    #: Where the p points are.
    lonlat: LonLat
    #: (p,) whether the point must become a node of the network, whatever meets there.
    joint: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return p."""
        return len(self.lonlat)


@dataclass(frozen=True)
class Ways:
    """Lines with one set of attributes each."""

    #: What the lines run through.
    points: Points
    #: (w + 1,) where each line starts in `point`; every line has at least two points,
    #: and no point twice in a row.
    start: NDArray[np.int64]
    #: (r,) positions in `points`.
    point: NDArray[np.integer]
    #: (w,) OSM way; 0 where there is none. Several lines may come from one way.
    way: NDArray[np.int64]
    #: `road_class`, `name`, `ref`: (w,) strings as in `Network`; `ref` is the number of
    #: the road.
    road_class: NDArray[Any]
    name: NDArray[Any]
    ref: NDArray[Any]
    #: `forward`, `backward`: (w,) whether the line is travelled in and against its
    #: order.
    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    #: (w,) km/h, > 0.
    speed_kmh: NDArray[np.float64]
    #: `length_m`, `time_s`: (w,) metres and seconds where the source states them for
    #: the whole line, else NaN.
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
        """(s,) entries of `point` that are followed by another of the same line: the
        straight pieces.
        """
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
        """(r,) great-circle metres from the start of the first line, summed over all
        lines; only differences within a line mean anything.
        """
        travelled = np.zeros(self.point.size)
        for first in range(0, self.point.size - 1, PORTION):
            lon, lat = self.points.lonlat.degrees(self.point[first : first + PORTION + 1]).T
            travelled[first + 1 : first + lon.size] = great_circle_m(
                lon[:-1], lat[:-1], lon[1:], lat[1:]
            )
        travelled[self.start[:-1]] = 0.0
        return np.cumsum(travelled, out=travelled)

    def with_insertions(
        self,
        after: NDArray[np.int64],
        along: NDArray[np.float64],
        lonlat: NDArray[np.float64],
        ids: NDArray[Any],
    ) -> Ways:
        """Return the ways with k new points put into them; no joints yet.

        Parameters
        ----------
        after
            (k,) the entry of `point` each new point follows.
        along
            (k,) how far along that straight piece it lies, in (0, 1): orders several on
            one piece.
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
        return replace(
            self,
            points=points,
            point=np.insert(self.point, after[order] + 1, new[order]),
            start=shifted,
        )


class Growing:
    """An array that parts are put to, in place of `numpy.concatenate`: the memory grows
    where it stands, so that no part stands twice.
    """

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


_SHORTEST_M = 0.01
"""Two nodes may share one spot; a segment between them gets OSM's own resolution of
about a centimetre.
"""

_UNCONNECTED = marked("not connected to the main network")

_COLUMNS = ("road_class", "name", "way", "ref", "forward", "backward")


@dataclass(frozen=True)
class Pieces:
    """Roads between nodes as they lie on the map, before they become arcs."""

    #: `node_id`, `lonlat`: (n,) ids of the nodes, and (n, 2) degrees.
    node_id: NDArray[Any]
    lonlat: NDArray[np.float64]
    #: `tail`, `head`: (k,) node at which each piece begins and ends, in the order of
    #: its way.
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    #: `length_m`, `time_s`: (k,) metres and seconds.
    length_m: NDArray[np.float64]
    time_s: NDArray[np.float64]
    #: The lines of the pieces.
    polylines: Polylines
    #: (k,) line of `Ways` that each is part of.
    line: NDArray[np.int32]
    #: Name -> (w,) attributes of these lines, as in `Ways`.
    columns: Mapping[str, NDArray[Any]]

    def network(self) -> Network:
        """Return the network: an arc for each direction in which a piece is travelled,
        forward first; both share the line.
        """
        ways = np.column_stack((self.columns["forward"], self.columns["backward"]))
        turn = np.flatnonzero(ways[self.line].ravel())
        piece, back = (turn >> 1).astype(np.int32), (turn & 1).astype(bool)
        del turn
        line = self.line[piece]
        segment = np.cumsum(np.append(False, piece[1:] != piece[:-1]), dtype=np.int32)
        if segment.size and segment[-1] + 1 == len(self.polylines):
            piece = segment  # every piece is travelled: one array for both
        return Network(
            node_id=self.node_id,
            lon=np.ascontiguousarray(self.lonlat[:, 0]),
            lat=np.ascontiguousarray(self.lonlat[:, 1]),
            tail=np.where(back, self.head[piece], self.tail[piece]),
            head=np.where(back, self.tail[piece], self.head[piece]),
            length_m=self.length_m[piece],
            time_s=self.time_s[piece],
            road_class=self.columns["road_class"][line],
            name=self.columns["name"][line],
            way=self.columns["way"][line],
            ref=self.columns["ref"][line],
            segment=segment,
            polylines=self.polylines.take(piece, back),
        )


@dataclass(frozen=True)
class Assembled:
    """What ways become."""

    #: The largest part that hangs together; nodes in the order of the points, pieces in
    #: that of the ways.
    pieces: Pieces
    #: (p,) position among its nodes of each point, -1 for those that are no node of it.
    node: NDArray[np.int32]
    #: Ways that it holds no piece of.
    dropped: list[Dropped]


@dataclass(frozen=True)
class _Stretches:
    """Stretches of ways between joints: the (k,) entries of `Ways.point` at which each
    begins and ends.
    """

    first: NDArray[np.int32]
    last: NDArray[np.int32]

    def take(self, chosen: NDArray[np.bool_]) -> _Stretches:
        """Return some of them."""
        return _Stretches(self.first[chosen], self.last[chosen])


@dataclass(frozen=True)
class _Measures:
    """Metres and seconds of each of k pieces, both (k,)."""

    length_m: NDArray[np.float64]
    time_s: NDArray[np.float64]


def assemble(ways: Ways) -> Assembled:
    """Take ways apart into the pieces of a network, and return the largest weakly
    connected part.

    Ways are split where two meet, where one ends, and at joints. A piece that comes
    back to its own start is split half way, so that no arc is a loop. Each piece is a
    segment with one or two arcs, and comes from one way: nothing is merged across ways,
    so that an arc keeps its way's number. What is returned refers to no point of the
    ways: of a large map they fit beside the pieces, not beside the network.
    """
    stretches = _stretches(ways)
    line = ways.owner[stretches.first]
    kept = _largest_component(
        len(ways.points), ways.point[stretches.first], ways.point[stretches.last]
    )
    kept = kept[ways.point[stretches.first]]
    lost = np.setdiff1d(ways.way[line[~kept]], ways.way[line[kept]])
    dropped = [Dropped(f"way {way}", _UNCONNECTED) for way in lost.tolist()]
    stretches, line = stretches.take(kept), line[kept]
    used = np.zeros(len(ways.points), dtype=bool)
    used[ways.point[stretches.first]] = used[ways.point[stretches.last]] = True
    node = np.where(used, np.cumsum(used, dtype=np.int32) - 1, np.int32(-1))
    nodes = np.flatnonzero(used)
    measures = _measures(ways, stretches, line)
    pieces = Pieces(
        node_id=ways.points.id[nodes],
        lonlat=ways.points.lonlat.degrees(nodes),
        tail=node[ways.point[stretches.first]],
        head=node[ways.point[stretches.last]],
        length_m=measures.length_m,
        time_s=measures.time_s,
        polylines=_polylines(ways, stretches),
        line=line,
        columns={name: getattr(ways, name) for name in _COLUMNS},
    )
    return Assembled(pieces, node, dropped)


def _stretches(ways: Ways) -> _Stretches:
    joint = ways.points.joint | (np.bincount(ways.point, minlength=len(ways.points)) > 1)
    joint[ways.point[ways.start[:-1]]] = True
    joint[ways.point[ways.start[1:] - 1]] = True
    found = _between(ways, joint)
    loop = ways.point[found.first] == ways.point[found.last]
    if loop.any():
        joint[ways.point[(found.first[loop] + found.last[loop]) // 2]] = True
        found = _between(ways, joint)
    return found


def _between(ways: Ways, joint: NDArray[np.bool_]) -> _Stretches:
    at = np.flatnonzero(joint[ways.point]).astype(np.int32)
    owner = ways.owner[at]
    same = owner[1:] == owner[:-1]
    return _Stretches(at[:-1][same], at[1:][same])


def _largest_component(
    n_points: int, tail: NDArray[np.integer], head: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """(n_points,) whether a point belongs to the weakly connected component with most
    nodes (the first of equals).
    """
    matrix = coo_array(
        (np.ones(tail.size, dtype=np.int8), (tail, head)), shape=(n_points, n_points)
    )
    label = connected_components(matrix, directed=True, connection="weak")[1]
    return np.asarray(label == np.argmax(np.bincount(label)))


def _polylines(ways: Ways, stretches: _Stretches) -> Polylines:
    count = stretches.last - stretches.first + 1
    start = np.append(0, np.cumsum(count, dtype=np.int64))
    portions = (slice(first, first + ARCS_AT_ONCE) for first in range(0, count.size, ARCS_AT_ONCE))
    points = (ways.point[ranges(stretches.first[some], count[some])] for some in portions)
    return Polylines(start, ways.points.lonlat.gathered(points, int(start[-1])))


def _measures(ways: Ways, stretches: _Stretches, line: NDArray[np.int32]) -> _Measures:
    """Return each piece's share of what the whole line states, or else its own length
    at the line's speed.
    """
    first, last = stretches.first, stretches.last
    travelled = ways.travelled_m()
    whole = np.maximum(travelled[ways.start[1:] - 1] - travelled[ways.start[:-1]], _SHORTEST_M)[
        line
    ]
    drawn = np.maximum(travelled[last] - travelled[first], _SHORTEST_M)
    del travelled
    share = np.minimum(drawn / whole, 1.0)
    length = np.where(np.isnan(ways.length_m[line]), drawn, ways.length_m[line] * share)
    time = np.where(
        np.isnan(ways.time_s[line]),
        length / (ways.speed_kmh[line] / 3.6),
        ways.time_s[line] * share,
    )
    return _Measures(length, time)


def with_joints(ways: Ways, point: NDArray[np.int64]) -> Ways:
    """Return the ways with some of their points marked to become nodes."""
    joint = ways.points.joint.copy()
    joint[point] = True
    return replace(ways, points=replace(ways.points, joint=joint))
