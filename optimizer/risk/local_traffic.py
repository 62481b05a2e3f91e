"""Traffic that keeps to a place: what flows leave of the risk, as loads on the way from a segment to the nearest through road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optimizer.problem.graph import ways_to

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.network import Network

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ROUNDS = 50


@dataclass(frozen=True, eq=False)
class LocalTraffic:
    """Loads that keep to a place.

    Attributes
    ----------
    ways
        Arcs of each way, in order of travel: the segment, and from it to the nearest through road.
    weight
        (len(ways),) share of the local loads on each, sum 1; the heaviest first.
    dropped
        Share of the local loads on ways that are left out, given to the others in proportion.
    left_out
        How many ways those are.
    """

    ways: tuple[tuple[int, ...], ...]
    weight: Floats
    dropped: float
    left_out: int


def local_traffic(network: Network, residual: Floats, through: NDArray[np.bool_], most: int) -> LocalTraffic:
    """Return the heaviest local loads.

    Each segment has one way: the quickest one over it to a through road, or the segment alone where it is part of one or none can be reached.
    The loads on the ways are those whose sums come nearest to the residual (Richardson and Lucy's iteration), so that the segments
    on the way from a place do not count as places again.

    Parameters
    ----------
    network
        The roads.
    residual
        (n_segments,) risk that flows leave, >= 0.
    through
        (n_segments,) whether a segment is part of a through road.
    most
        Ways to keep, >= 0.
    """
    ways = _ways(network, np.flatnonzero(residual > 0), through)
    if not ways or not most:
        return LocalTraffic((), np.empty(0), float(bool(ways)), len(ways))
    weight = _explained(network, ways, residual)
    order = np.argsort(-weight, kind="stable")[:most]
    order = order[weight[order] > 0]
    kept = weight[order] / weight.sum()
    return LocalTraffic(
        tuple(ways[k] for k in order.tolist()), kept / kept.sum(), float(1 - kept.sum()), len(ways) - order.size
    )


def _ways(network: Network, places: Ints, through: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """Return the way of each segment in `places`, as arcs."""
    ends = np.unique(np.concatenate((network.tail[through[network.segment]], network.head[through[network.segment]])))
    onward = ways_to(network.n_nodes, network.tail, network.head, network.time_s, ends)
    outward = network.segment_arc.copy()  # the arc of each segment that leads to a through road sooner
    nearer = np.lexsort((onward.cost[network.head], network.segment))
    outward[network.segment[nearer[::-1]]] = nearer[::-1]
    head, then = network.head.tolist(), onward.arc.tolist()
    ways = []
    for segment, arc in zip(places.tolist(), outward[places].tolist(), strict=True):
        way = [arc]
        while not through[segment] and (arc := then[head[arc]]) >= 0:
            way.append(arc)
        ways.append(tuple(way))
    return ways


def _explained(network: Network, ways: list[tuple[int, ...]], residual: Floats) -> Floats:
    """Return the (ways,) loads whose sums on the segments come nearest to the residual."""
    length = np.array([len(way) for way in ways])
    arcs = np.fromiter((arc for way in ways for arc in way), dtype=np.int64, count=int(length.sum()))
    at = (network.segment[arcs], np.repeat(np.arange(len(ways)), length))
    on = csr_array((np.ones(arcs.size), at), shape=(residual.size, len(ways)))
    back = csr_array(on.T)
    load = residual[network.segment[[way[0] for way in ways]]].copy()
    for _ in range(ROUNDS):
        passing = np.asarray(on @ load)
        ratio = np.divide(residual, passing, out=np.zeros_like(passing), where=passing > 0)
        load = load * (back @ ratio) / length
    return np.asarray(load)
