"""Ways become a network: split where they meet, measured, directed, and reduced to the part that hangs together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.base.language import marked
from optimizer.problem.network import Network
from optimizer.region.model import Dropped
from optimizer.region.ways import PORTION, ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.region.ways import Ways

_SHORTEST_M = 0.01
"""Two nodes may share one spot; a segment between them gets OSM's own resolution of about a centimetre."""

_UNCONNECTED = marked("not connected to the main network")


@dataclass(frozen=True)
class Assembled:
    """A network made of ways.

    Attributes
    ----------
    network
        The network; nodes in the order of the points, segments in the order of the ways.
    node
        (p,) position in the network of each point, -1 for those that are no node of it.
    dropped
        Ways that the network holds no piece of.
    """

    network: Network
    node: NDArray[np.int32]
    dropped: list[Dropped]


@dataclass(frozen=True)
class _Pieces:
    """Pieces of ways between joints: the (k,) entries of `Ways.point` at which each begins and ends."""

    first: NDArray[np.int32]
    last: NDArray[np.int32]

    def take(self, chosen: NDArray[np.bool_]) -> _Pieces:
        """Return some of the pieces."""
        return _Pieces(self.first[chosen], self.last[chosen])


@dataclass(frozen=True)
class _Measures:
    """Metres and seconds of each of k pieces, both (k,)."""

    length_m: NDArray[np.float64]
    time_s: NDArray[np.float64]


def assemble(ways: Ways) -> Assembled:
    """Build the network of the largest weakly connected part.

    Ways are split where two meet, where one ends, and at joints. A piece that comes back to its own start is split half way, so
    that no arc is a loop. Each piece is a segment with one or two arcs, and comes from one way: nothing is merged across ways, so
    that an arc keeps its way's number.
    """
    pieces = _pieces(ways)
    line = ways.owner[pieces.first]
    kept = _largest_component(len(ways.points), ways.point[pieces.first], ways.point[pieces.last])
    kept = kept[ways.point[pieces.first]]
    lost = np.setdiff1d(ways.way[line[~kept]], ways.way[line[kept]])
    dropped = [Dropped(f"way {way}", _UNCONNECTED) for way in lost.tolist()]
    pieces = pieces.take(kept)
    used = np.zeros(len(ways.points), dtype=bool)
    used[ways.point[pieces.first]] = used[ways.point[pieces.last]] = True
    node = np.where(used, np.cumsum(used, dtype=np.int32) - 1, np.int32(-1))
    return Assembled(_network(ways, pieces, np.flatnonzero(used), node), node, dropped)


def _pieces(ways: Ways) -> _Pieces:
    joint = ways.points.joint | (np.bincount(ways.point, minlength=len(ways.points)) > 1)
    joint[ways.point[ways.start[:-1]]] = True
    joint[ways.point[ways.start[1:] - 1]] = True
    pieces = _between(ways, joint)
    loop = ways.point[pieces.first] == ways.point[pieces.last]
    if loop.any():
        joint[ways.point[(pieces.first[loop] + pieces.last[loop]) // 2]] = True
        pieces = _between(ways, joint)
    return pieces


def _between(ways: Ways, joint: NDArray[np.bool_]) -> _Pieces:
    at = np.flatnonzero(joint[ways.point]).astype(np.int32)
    owner = ways.owner[at]
    same = owner[1:] == owner[:-1]
    return _Pieces(at[:-1][same], at[1:][same])


def _largest_component(n_points: int, tail: NDArray[np.integer], head: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(n_points,) whether a point belongs to the weakly connected component with most nodes (the first of equals)."""
    matrix = coo_array((np.ones(tail.size, dtype=np.int8), (tail, head)), shape=(n_points, n_points))
    label = connected_components(matrix, directed=True, connection="weak")[1]
    return np.asarray(label == np.argmax(np.bincount(label)))


def _network(ways: Ways, pieces: _Pieces, used: NDArray[np.int64], node: NDArray[np.int32]) -> Network:
    """Return the network of some pieces, on the points that they use; `node` is the node of each point."""
    points = ways.points
    line = ways.owner[pieces.first]
    measures = _measures(ways, pieces, line)
    arcs = _Arcs.of(pieces, ways.forward[line], ways.backward[line])
    piece = arcs.piece
    line = line[piece]
    return Network(
        node_id=points.id[used],
        lon=points.lon[used],
        lat=points.lat[used],
        tail=node[ways.point[arcs.begin]],
        head=node[ways.point[arcs.end]],
        length_m=measures.length_m[piece],
        time_s=measures.time_s[piece],
        road_class=ways.road_class[line],
        name=ways.name[line],
        way=ways.way[line],
        segment=(np.cumsum(np.append(False, piece[1:] != piece[:-1]), dtype=np.int32)),
        shape_start=arcs.start,
        shape=_shape(ways, arcs),
        ref=ways.ref[line],
    )


@dataclass(frozen=True)
class _Arcs:
    """Directed arcs, those of a piece next to each other: (m,) piece, first and last entry of `Ways.point`; (m + 1,) starts of lines."""

    piece: NDArray[np.int32]
    begin: NDArray[np.int32]
    end: NDArray[np.int32]
    start: NDArray[np.int64]

    @classmethod
    def of(cls, pieces: _Pieces, forward: NDArray[np.bool_], backward: NDArray[np.bool_]) -> _Arcs:
        """Return an arc for each direction in which a piece is travelled, forward first."""
        piece, against = np.divmod(np.flatnonzero(np.column_stack((forward, backward)).ravel()), 2)
        back = against.astype(bool)
        begin = np.where(back, pieces.last[piece], pieces.first[piece])
        end = np.where(back, pieces.first[piece], pieces.last[piece])
        start = np.append(0, np.cumsum(np.abs(end - begin) + 1, dtype=np.int64))
        return cls(piece.astype(np.int32), begin, end, start)


def _shape(ways: Ways, arcs: _Arcs) -> NDArray[np.float64]:
    """Return the points of all lines one after the other, as `Network.shape`."""
    shape = np.empty((int(arcs.start[-1]), 2))
    for first in range(0, arcs.piece.size, PORTION // 4):
        begin, end = arcs.begin[first : first + PORTION // 4], arcs.end[first : first + PORTION // 4]
        at = ways.point[ranges(begin, np.abs(end - begin) + 1, np.where(end < begin, -1, 1))]
        here = slice(arcs.start[first], arcs.start[first] + at.size)
        shape[here, 0], shape[here, 1] = ways.points.lon[at], ways.points.lat[at]
    return shape


def _measures(ways: Ways, pieces: _Pieces, line: NDArray[np.int32]) -> _Measures:
    """Return each piece's share of what the whole line states, or else its own length at the line's speed."""
    first, last = pieces.first, pieces.last
    travelled = ways.travelled_m()
    whole = np.maximum(travelled[ways.start[1:] - 1] - travelled[ways.start[:-1]], _SHORTEST_M)[line]
    drawn = np.maximum(travelled[last] - travelled[first], _SHORTEST_M)
    share = np.minimum(drawn / whole, 1.0)
    length = np.where(np.isnan(ways.length_m[line]), drawn, ways.length_m[line] * share)
    time = np.where(np.isnan(ways.time_s[line]), length / (ways.speed_kmh[line] / 3.6), ways.time_s[line] * share)
    return _Measures(length, time)


def with_joints(ways: Ways, point: NDArray[np.int64]) -> Ways:
    """Return the ways with some of their points marked to become nodes."""
    joint = ways.points.joint.copy()
    joint[point] = True
    return replace(ways, points=replace(ways.points, joint=joint))
