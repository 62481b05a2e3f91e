"""Positions of a vehicle matched to roads by a hidden Markov model (Newson and Krumm
2009, doi:10.1145/1653771.1653818).

States of a position are the places on segments within reach of it, the nearest ones.
With d the distance of position t to such a place, the emission has density proportional
to exp(-d^2 / (2 sigma^2)). Between two positions in a row, a transition has density
proportional to exp(-|r - s| / beta): r is the shortest way by road between their
places, s the great-circle distance between the positions. The most probable states are
found by Viterbi's recursion. Positions out of reach of every road, and transitions that
no road makes, end a chain.

Ways by road come from searches of Dijkstra's algorithm in batches, cut at the farthest
that any transition of the batch may go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from optimizer.problem.network.geodesy import METRES_PER_DEGREE, great_circle_m
from optimizer.problem.network.network import Network
from optimizer.problem.network.shortest_paths import CostGraph

BATCH = 64
"""Searches in a batch."""


@dataclass(frozen=True, slots=True)
class MatchParams:
    """Parameters of the model."""

    #: Standard deviation sigma of positions across the road, metres.
    noise_m: float = 15.0
    #: Mean beta of the difference between the way by road and the straight line,
    #: metres.
    detour_m: float = 30.0
    #: Reach: a position farther than this from every road is off the roads.
    within_m: float = 100.0
    #: Places on roads that are weighed for each position, the nearest.
    candidates: int = 8
    #: `slack`, `slack_m`: A way by road may be 1 + `slack` times the straight line and
    #: `slack_m` metres.
    slack: float = 0.5
    slack_m: float = 2000.0
    #: No way by road is driven faster.
    fastest_kmh: float = 200.0


@dataclass(frozen=True)
class MatchedPath:
    """The most probable ways of a vehicle with positions at T times."""

    #: (T,) segment of each position; -1 off the roads.
    segment: NDArray[np.int64]
    #: (T - 1,) whether a way by road leads from a position to the next.
    linked: NDArray[np.bool_]
    #: `leg`, `leg_segment`, `leg_m`: (p,) parts of those ways: the position that the
    #: way sets out from, a segment, and metres on it; in the order of driving.
    leg: NDArray[np.int64]
    leg_segment: NDArray[np.int64]
    leg_m: NDArray[np.float64]


def match_path(
    network: Network,
    graph: CostGraph,
    seconds: NDArray[np.float64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    params: MatchParams = MatchParams(),
) -> MatchedPath:
    """Match the positions of one vehicle.

    Parameters
    ----------
    network
        The roads.
    graph
        Lengths of its arcs in metres, as `length_graph` gives them.
    seconds
        (T - 1,) from each position to the next; infinity where they are not of one
        drive.
    lon, lat
        (T,) degrees, in order of time.
    params
        Of the model.
    """
    states = _States.near(network, lon, lat, params)
    straight = great_circle_m(lon[:-1], lat[:-1], lon[1:], lat[1:])
    farthest = np.minimum(
        (1 + params.slack) * straight + params.slack_m, params.fastest_kmh / 3.6 * seconds + 100.0
    )
    farthest[~np.isfinite(seconds)] = 0.0
    route = _routes(network, graph, states, farthest)
    with np.errstate(invalid="ignore"):
        step = -np.abs(route - straight[:, None, None]) / params.detour_m
    step[~np.isfinite(route) | ~np.isfinite(seconds)[:, None, None]] = -np.inf
    chosen, linked = _viterbi(-0.5 * (states.off_m / params.noise_m) ** 2, step)
    at = np.arange(lon.size)
    on = chosen >= 0
    legs = _legs(network, graph, states, chosen, linked, farthest)
    return MatchedPath(
        segment=np.where(on, states.segment[at, chosen], -1),
        linked=linked,
        leg=legs[0],
        leg_segment=legs[1],
        leg_m=legs[2],
    )


def length_graph(network: Network) -> CostGraph:
    """Return the graph of lengths in metres that `match_path` searches."""
    from optimizer.problem.network.shortest_paths import cost_graph

    return cost_graph(network.n_nodes, network.tail, network.head, network.length_m)


@dataclass(frozen=True)
class _States:
    """Places on roads near T positions, K columns each; unused ones lie at an infinite
    distance.

    A place is left by the head of the segment's arc and, on a two-way road, by its
    tail; it is reached the other way round. (T, K, 2) nodes and metres of both; a way
    that the road does not have is infinitely long.
    """

    segment: NDArray[np.int64]
    along_m: NDArray[np.float64]
    off_m: NDArray[np.float64]
    leave_node: NDArray[np.int64]
    leave_m: NDArray[np.float64]
    reach_node: NDArray[np.int64]
    reach_m: NDArray[np.float64]

    @classmethod
    def near(
        cls,
        network: Network,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        params: MatchParams,
    ) -> _States:
        # the query's plane is that of the whole network
        reach = np.full(lon.size, 1.2 * params.within_m)
        point, segment = network.segments_near(lon, lat, reach)
        along, off = _places(network, point, segment, lon, lat)
        order = np.lexsort((off, point))
        point = point[order]
        segment = segment[order]
        along = along[order]
        off = off[order]
        rank = np.arange(point.size) - np.searchsorted(point, point)
        kept = (off <= params.within_m) & (rank < params.candidates)
        point = point[kept]
        segment = segment[kept]
        along = along[kept]
        off = off[kept]
        rank = rank[kept]
        shape = (lon.size, int(rank.max(initial=0)) + 1)
        table = np.zeros(shape, dtype=np.int64)
        table[point, rank] = segment
        away, position = np.full(shape, np.inf), np.zeros(shape)
        away[point, rank], position[point, rank] = off, along
        arc = network.segment_arc[table]
        both = np.bincount(network.segment, minlength=network.n_segments)[table] > 1
        left = np.maximum(network.length_m[arc] - position, 0.0)
        ends = np.stack((network.head[arc], network.tail[arc]), axis=-1).astype(np.int64)
        back, ahead = np.where(both, position, np.inf), np.where(both, left, np.inf)
        return cls(
            table,
            position,
            away,
            ends,
            np.stack((left, back), axis=-1),
            ends[..., ::-1],
            np.stack((position, ahead), axis=-1),
        )


def _places(
    network: Network,
    point: NDArray[np.int64],
    segment: NDArray[np.int64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return metres along each segment to the place nearest to a point, and from there
    to the point, in a plane around the points.
    """
    if not point.size:
        return np.empty(0), np.empty(0)
    middle = np.array([lon.mean(), lat.mean()])
    scale = METRES_PER_DEGREE * np.array([np.cos(np.radians(middle[1])), 1.0])
    which, line = np.unique(segment, return_inverse=True)
    lines = shapely.transform(network.lines[which], lambda degrees: (degrees - middle) * scale)[
        line
    ]
    points = shapely.points((np.column_stack((lon, lat))[point] - middle) * scale)
    share = shapely.line_locate_point(lines, points, normalized=True)
    return share * network.length_m[network.segment_arc[segment]], np.asarray(
        shapely.distance(lines, points)
    )


def _same(states: _States, t: slice, after: slice) -> NDArray[np.float64]:
    """Return the (steps, K, K) metres between places of one segment; infinity between
    segments.

    On a one-way road a step back is allowed too: it is noise, for a vehicle would have
    to drive all the way round.
    """
    apart = np.abs(states.along_m[t, :, None] - states.along_m[after, None, :])
    return np.asarray(
        np.where(states.segment[t, :, None] == states.segment[after, None, :], apart, np.inf)
    )


def _routes(
    network: Network, graph: CostGraph, states: _States, farthest: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the (T - 1, K, K) metres by road from each place to each of the next
    position; infinity beyond (T - 1,) `farthest`.
    """
    steps, k = farthest.size, states.segment.shape[1]
    if not steps:
        return np.empty((0, k, k))
    usable = np.isfinite(states.off_m)
    found = _same(states, slice(0, -1), slice(1, None))
    found[~(usable[:-1, :, None] & usable[1:, None, :])] = np.inf
    shape = (steps, k, 2, k, 2)
    ends = states.leave_m[:-1, :, :, None, None] + states.reach_m[1:, None, None, :, :]
    ends = np.where(
        usable[:-1, :, None, None, None] & usable[1:, None, None, :, None], ends, np.inf
    )
    wanted = np.flatnonzero((ends <= farthest[:, None, None, None, None]).ravel())
    step = wanted // (4 * k * k)
    source = np.broadcast_to(states.leave_node[:-1, :, :, None, None], shape).reshape(-1)[wanted]
    target = np.broadcast_to(states.reach_node[1:, None, None, :, :], shape).reshape(-1)[wanted]
    metres = ends.reshape(-1)[wanted] + _between(network, graph, step, source, target, farthest)
    every = np.full(shape, np.inf)
    every.reshape(-1)[wanted] = metres
    shortest = np.minimum(found, every.min(axis=(2, 4)))
    return np.asarray(np.where(shortest <= farthest[:, None, None], shortest, np.inf))


def _between(
    network: Network,
    graph: CostGraph,
    step: NDArray[np.int64],
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    farthest: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the (p,) metres from nodes to nodes, each within what its step allows."""
    metres = np.full(step.size, np.inf)
    for chosen, search in _searches(network, graph, step, source, farthest):
        column = search.local[target[chosen]]
        here = column >= 0
        metres[chosen[here]] = search.metres[search.row[source[chosen[here]]], column[here]]
    return metres


@dataclass(frozen=True)
class _RoadSearch:
    """A batch of searches on the roads around its sources: `row` of a source and
    `local` number of a node by number in the network.
    """

    local: NDArray[np.int64]
    row: NDArray[np.int64]
    metres: NDArray[np.float64]
    before: NDArray[np.int32]
    graph: CostGraph

    def way(self, source: int, target: int) -> tuple[int, ...]:
        """Return the arcs from one node to another, in order."""
        return self.graph.paths(self.before[self.row[source]], [int(self.local[target])])[0]


def _searches(
    network: Network,
    graph: CostGraph,
    step: NDArray[np.int64],
    source: NDArray[np.int64],
    farthest: NDArray[np.float64],
) -> Iterator[tuple[NDArray[np.int64], _RoadSearch]]:
    """Yield the positions of wanted ways, (p,) steps and sources, in batches, each with
    its searches.

    Sources are taken in the order in which the vehicle comes by, so that those of a
    batch lie together and the roads around them are few.
    """
    nodes, first, which = np.unique(source, return_index=True, return_inverse=True)
    turn = np.empty(nodes.size, dtype=np.int64)
    turn[np.argsort(first, kind="stable")] = np.arange(nodes.size)
    order = np.argsort(turn[which], kind="stable")
    bounds = np.searchsorted(turn[which][order] // BATCH, np.arange(-(-nodes.size // BATCH) + 1))
    numbered = csr_array(
        (graph.arc + 1, graph.matrix.indices, graph.matrix.indptr), shape=graph.matrix.shape
    )
    for begin, end in pairwise(bounds.tolist()):
        chosen = order[begin:end]
        sources, limit = np.unique(source[chosen]), float(farthest[step[chosen]].max())
        around = _around(network, sources, limit)
        local = np.full(network.n_nodes, -1, dtype=np.int64)
        local[around] = np.arange(around.size)
        row = np.full(network.n_nodes, -1, dtype=np.int64)
        row[sources] = np.arange(sources.size)
        matrix, arcs = graph.matrix[around][:, around], numbered[around][:, around]
        for part in (matrix, arcs):
            part.sort_indices()
        metres, before = dijkstra(
            matrix, indices=local[sources].astype(np.int32), limit=limit, return_predecessors=True
        )
        yield (
            chosen,
            _RoadSearch(
                local, row, metres, before, replace(graph, matrix=matrix, arc=arcs.data - 1)
            ),
        )


def _around(network: Network, nodes: NDArray[np.int64], metres: float) -> NDArray[np.int64]:
    """Return the nodes within a box around some nodes that no way of so many metres leaves."""
    lat_edge = metres / METRES_PER_DEGREE
    low, high = network.lat[nodes].min() - lat_edge, network.lat[nodes].max() + lat_edge
    lon_edge = lat_edge / max(0.01, float(np.cos(np.radians(max(abs(low), abs(high))))))
    west, east = network.lon[nodes].min() - lon_edge, network.lon[nodes].max() + lon_edge
    inside = (
        (network.lat >= low) & (network.lat <= high) & (network.lon >= west) & (network.lon <= east)
    )
    return np.flatnonzero(inside)


def _viterbi(
    emission: NDArray[np.float64], step: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the (T,) most probable states, -1 for none, and (T - 1,) whether two in a
    row are of one chain.

    Parameters
    ----------
    emission
        (T, K) logarithms; -inf for no state.
    step
        (T - 1, K, K) logarithms; -inf for none.
    """
    n = len(emission)
    chosen, linked = np.full(n, -1, dtype=np.int64), np.zeros(max(0, n - 1), dtype=bool)
    if not n:
        return chosen, linked
    best = emission[0]
    back = np.zeros(emission.shape, dtype=np.int64)
    ends = np.zeros(n)
    score = np.empty_like(emission)
    score[0] = best
    for t in range(1, n):
        reached = best[:, None] + step[t - 1]
        come = reached.argmax(axis=0)
        value = reached[come, np.arange(come.size)] + emission[t]
        if np.isfinite(value).any():
            best, back[t] = value, come
        else:
            best, ends[t] = emission[t], 1.0  # a new chain
        score[t] = best
    state = -1
    for t in range(n - 1, -1, -1):
        if state < 0:
            state = int(score[t].argmax()) if np.isfinite(score[t]).any() else -1
        chosen[t] = state
        if state < 0 or t == 0:
            continue
        linked[t - 1] = not ends[t]
        state = int(back[t, state]) if linked[t - 1] else -1
    return chosen, linked


def _legs(
    network: Network,
    graph: CostGraph,
    states: _States,
    chosen: NDArray[np.int64],
    linked: NDArray[np.bool_],
    farthest: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the parts of the ways between chosen states: the step, the segment, and
    metres on it.
    """
    t = np.flatnonzero(linked)
    a, b = chosen[t], chosen[t + 1]
    segment, after = states.segment[t, a], states.segment[t + 1, b]
    same = np.abs(states.along_m[t, a] - states.along_m[t + 1, b])
    same[segment != after] = np.inf
    # Of the four ways to leave and reach two places, all searches are made anew: only
    # those of the chosen states, with their roads.
    out, into = np.divmod(np.arange(4), 2)
    ends = states.leave_m[t, a][:, out] + states.reach_m[t + 1, b][:, into]
    step = np.repeat(t, 4)
    source, target = (
        states.leave_node[t, a][:, out].ravel(),
        states.reach_node[t + 1, b][:, into].ravel(),
    )
    usable = np.flatnonzero((ends <= farthest[t][:, None]).ravel())
    metres = np.full(4 * t.size, np.inf)
    metres[usable] = ends.ravel()[usable] + _between(
        network, graph, step[usable], source[usable], target[usable], farthest
    )
    way = metres.reshape(-1, 4).argmin(axis=1) if t.size else np.empty(0, dtype=np.int64)
    shortest = metres.reshape(-1, 4)[np.arange(t.size), way]
    parts: dict[int, list[tuple[int, float]]] = {
        int(k): [(int(segment[k]), float(same[k]))] for k in np.flatnonzero(same <= shortest)
    }
    driven = np.flatnonzero(same > shortest)
    flat = 4 * driven + way[driven]
    for some, search in _searches(network, graph, step[flat], source[flat], farthest):
        for position in some.tolist():
            k, choice = int(driven[position]), int(flat[position])
            arcs = search.way(int(source[choice]), int(target[choice]))
            first, last = (
                states.leave_m[t[k], a[k], out[way[k]]],
                states.reach_m[t[k] + 1, b[k], into[way[k]]],
            )
            parts[k] = [
                (int(segment[k]), float(first)),
                *((int(network.segment[arc]), float(network.length_m[arc])) for arc in arcs),
                (int(after[k]), float(last)),
            ]
    rows = [(int(t[k]), *part) for k in sorted(parts) for part in parts[k]]
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2]
