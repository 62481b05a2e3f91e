"""Generated road networks of any size, quick to make: what the contraction is measured on.

A perturbed grid of junctions loses streets at random until it has 1.55 a junction, still in one piece; streets get bends (nodes with two
neighbours) and dead ends. Every 25th line of the grid is a fast road. So the mean number of neighbours is about 2.6, half of the nodes have
one or two, and 5 % of the arcs are fast. All streets are two-way. The numbers are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

JUNCTIONS, BENDS = 0.55, 0.3
"""Shares of the nodes; the rest are dead ends."""
STREETS = 1.55
"""Streets a junction."""
FAST_EVERY = 25
"""Lines of the grid from one fast road to the next."""
BLOCK_M = 200.0
"""Metres between junctions."""
FAST_MS, SLOW_MS = 25.0, (8.0, 11.0, 14.0)
"""Metres a second on fast roads, and on others at random."""


@dataclass(frozen=True)
class ScalingRoads:
    """ScalingRoads whose two directions are two arcs.

    Attributes
    ----------
    n_nodes
        Number of nodes.
    tail, head
        (m,) node positions.
    time_s
        (m,) seconds of travel.
    segment
        (m,) road in [0, s): the two directions of one share it.
    major
        (s,) whether a segment is one where posts would stand.
    """

    n_nodes: int
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    time_s: NDArray[np.float64]
    segment: NDArray[np.int32]
    major: NDArray[np.bool_]


def scaling_roads(n_nodes: int, seed: int = 0) -> ScalingRoads:
    """Return a network of `n_nodes` >= 20 nodes; a seed gives the same one again."""
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(JUNCTIONS * n_nodes))
    ends, fast = _streets(side, rng)
    xy = np.stack(np.divmod(np.arange(side * side), side), axis=1) + rng.uniform(-0.35, 0.35, (side * side, 2))
    metres = BLOCK_M * np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T) * rng.uniform(1, 1.4, len(ends))
    seconds = metres / np.where(fast, FAST_MS, rng.choice(SLOW_MS, len(ends)))
    ends, street, pieces = _bent(ends, int(BENDS * n_nodes), side * side, rng)
    seconds, fast = seconds[street] / pieces * rng.uniform(0.7, 1.3, street.size), fast[street]
    grown = side * side + int(BENDS * n_nodes)
    stubs = np.column_stack((rng.integers(0, grown, n_nodes - grown), np.arange(grown, n_nodes)))
    tail, head = np.concatenate((ends, stubs)).astype(np.int32).T
    time_s = np.concatenate((seconds, rng.uniform(5, 60, len(stubs))))
    return ScalingRoads(
        n_nodes=n_nodes,
        tail=np.concatenate((tail, head)),
        head=np.concatenate((head, tail)),
        time_s=np.tile(time_s, 2),
        segment=np.tile(np.arange(time_s.size, dtype=np.int32), 2),
        major=np.concatenate((fast, np.zeros(len(stubs), dtype=bool))),
    )


def _streets(side: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the (streets, 2) ends, and which are fast: those, a random spanning tree, and others up to the number wanted."""
    node = np.arange(side * side).reshape(side, side)
    ends = np.concatenate(
        (
            np.column_stack((node[:, :-1].ravel(), node[:, 1:].ravel())),
            np.column_stack((node[:-1].ravel(), node[1:].ravel())),
        )
    )
    line = np.concatenate((np.repeat(np.arange(side), side - 1), np.tile(np.arange(side), side - 1)))
    fast = line % FAST_EVERY == FAST_EVERY // 2
    chance = np.where(fast, 1e-9, rng.uniform(1e-6, 1, len(ends)))
    tree = minimum_spanning_tree(csr_array((chance, ends.T), shape=(node.size, node.size))).tocoo()
    kept = fast | np.isin(ends @ [node.size, 1], tree.row.astype(np.int64) * node.size + tree.col)
    others = np.flatnonzero(~kept)
    more = min(max(0, int(STREETS * node.size) - int(kept.sum())), others.size)
    kept[rng.choice(others, more, replace=False)] = True
    return ends[kept], fast[kept]


def _bent(
    ends: NDArray[np.int64], bends: int, first: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Put nodes, numbered from `first`, into random streets; return ends of the pieces, the street of each, and how many it has."""
    pieces = np.bincount(rng.integers(0, len(ends), bends), minlength=len(ends)) + 1
    street = np.repeat(np.arange(len(ends)), pieces)
    place = np.arange(street.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    tail = np.where(place == 0, ends[street, 0], first + np.cumsum(place > 0) - 1)
    head = np.where(place == pieces[street] - 1, ends[street, 1], np.roll(tail, -1))
    return np.column_stack((tail, head)), street, pieces[street]
