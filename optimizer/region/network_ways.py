"""Networks made elsewhere, such as from a networkx graph in memory, as ways: a border can then cut them, and places can be put on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.language import marked
from optimizer.problem.lonlat import LonLat
from optimizer.region.model import Dropped
from optimizer.region.ways import Points, SourceWays, Ways

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network import Network


def ways_of_network(network: Network) -> SourceWays:
    """Return the segments of a network as lines: one for both directions where they have the same length and time, else one for each.

    Loops without a line of their own are left out.
    """
    n = network.n_nodes
    arc, backward = _lines(network)
    count = network.polylines.count[arc]
    loop = (network.tail[arc] == network.head[arc]) & (count <= 2)
    tail, head = (network.node_id[ends[arc[loop]]].tolist() for ends in (network.tail, network.head))
    dropped = [Dropped(f"edge {u}-{v}", marked("a loop of no length")) for u, v in zip(tail, head, strict=True)]
    arc, backward, count = arc[~loop], backward[~loop], count[~loop]
    start = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    drawn = network.polylines.take(arc).shape()
    point = np.empty(int(start[-1]), dtype=np.int64)
    within = np.ones(point.size, dtype=bool)
    within[start[:-1]] = within[start[1:] - 1] = False
    point[start[:-1]], point[start[1:] - 1] = network.tail[arc], network.head[arc]
    point[within] = n + np.arange(np.count_nonzero(within))
    inner = drawn[within]
    nothing = np.zeros(len(inner), dtype=network.node_id.dtype)
    points = Points(
        id=np.concatenate((network.node_id, nothing)),
        lonlat=LonLat.of(np.concatenate((np.column_stack((network.lon, network.lat)), inner))),
        joint=np.arange(n + len(inner)) < n,
    )
    return SourceWays(
        Ways(
            points=points,
            start=start,
            point=point,
            way=network.way[arc],
            road_class=network.road_class[arc],
            name=network.name[arc],
            ref=np.full(arc.size, "") if network.ref is None else network.ref[arc],
            forward=np.ones(arc.size, dtype=bool),
            backward=backward,
            speed_kmh=network.length_m[arc] / network.time_s[arc] * 3.6,
            length_m=network.length_m[arc],
            time_s=network.time_s[arc],
        ),
        dropped,
    )


def _lines(network: Network) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the arc that each line is drawn as, and whether it stands for both directions."""
    order = np.argsort(network.segment, kind="stable")
    first = np.ones(order.size, dtype=bool)
    first[1:] = network.segment[order[1:]] != network.segment[order[:-1]]
    leader = order[np.flatnonzero(first)[np.cumsum(first) - 1]]
    same = (
        ~first
        & (network.tail[order] == network.head[leader])
        & (network.head[order] == network.tail[leader])
        & (network.length_m[order] == network.length_m[leader])
        & (network.time_s[order] == network.time_s[leader])
    )
    both = np.zeros(network.n_arcs, dtype=bool)
    both[leader[same]] = True
    arc = np.sort(order[~same])
    return arc, both[arc]
