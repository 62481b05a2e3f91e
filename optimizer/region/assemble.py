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
from optimizer.region.ways import ranges

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
    node: NDArray[np.int64]
    dropped: list[Dropped]


@dataclass(frozen=True)
class _Pieces:
    """Pieces of ways between joints: the (k,) entries of `Ways.point` at which each begins and ends."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]

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
    tail, head = ways.point[pieces.first], ways.point[pieces.last]
    kept = _largest_component(len(ways.points), tail, head)[tail]
    lost = np.setdiff1d(ways.way[line[~kept]], ways.way[line[kept]])
    dropped = [Dropped(f"way {way}", _UNCONNECTED) for way in lost.tolist()]
    used = np.unique(np.concatenate((tail[kept], head[kept])))
    node = np.full(len(ways.points), -1, dtype=np.int64)
    node[used] = np.arange(used.size)
    return Assembled(_network(ways, pieces.take(kept), used, node), node, dropped)


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
    at = np.flatnonzero(joint[ways.point])
    owner = ways.owner[at]
    same = owner[1:] == owner[:-1]
    return _Pieces(at[:-1][same], at[1:][same])


def _largest_component(n_points: int, tail: NDArray[np.int64], head: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n_points,) whether a point belongs to the weakly connected component with most nodes (the first of equals)."""
    matrix = coo_array((np.ones(tail.size, dtype=np.int8), (tail, head)), shape=(n_points, n_points))
    label = connected_components(matrix, directed=True, connection="weak")[1]
    return np.asarray(label == np.argmax(np.bincount(label)))


def _network(ways: Ways, pieces: _Pieces, used: NDArray[np.int64], node: NDArray[np.int64]) -> Network:
    """Return the network of some pieces, on the points that they use; `node` is the node of each point."""
    points, first, last = ways.points, pieces.first, pieces.last
    line = ways.owner[first]
    measures = _measures(ways, pieces)
    forward, backward = np.flatnonzero(ways.forward[line]), np.flatnonzero(ways.backward[line])
    piece = np.concatenate((forward, backward))
    against = np.repeat([False, True], [forward.size, backward.size])
    order = np.lexsort((against, piece))
    piece, against = piece[order], against[order]
    begin = np.where(against, last[piece], first[piece])
    end = np.where(against, first[piece], last[piece])
    count = np.abs(end - begin) + 1
    shape = ways.point[ranges(begin, count, np.where(against, -1, 1))]
    return Network(
        node_id=points.id[used],
        lon=points.lon[used],
        lat=points.lat[used],
        tail=node[ways.point[begin]].astype(np.int32),
        head=node[ways.point[end]].astype(np.int32),
        length_m=measures.length_m[piece],
        time_s=measures.time_s[piece],
        road_class=ways.road_class[line[piece]],
        name=ways.name[line[piece]],
        way=ways.way[line[piece]],
        segment=np.unique(piece, return_inverse=True)[1].astype(np.int32),
        shape_start=np.concatenate(([0], np.cumsum(count))).astype(np.int64),
        shape=np.column_stack((points.lon[shape], points.lat[shape])),
        ref=ways.ref[line[piece]],
    )


def _measures(ways: Ways, pieces: _Pieces) -> _Measures:
    """Return each piece's share of what the whole line states, or else its own length at the line's speed."""
    first, last = pieces.first, pieces.last
    travelled = ways.travelled_m()
    line = ways.owner[first]
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
