"""Compiled shortest-path searches on an overlay: Dijkstra's algorithm with a binary heap, from every root, as far as the leaves of it.

They agree with SciPy's (`problem.graph`) but for the choice among paths of equal cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Found(NamedTuple):
    """New paths: (paths,) key, commodity and value; (steps,) path and arc of each step along a watched arc."""

    key: NDArray[np.int64]
    commodity: NDArray[np.int64]
    value: NDArray[np.float64]
    path: NDArray[np.int64]
    arc: NDArray[np.int64]


@njit(cache=True)
def _grow_tree(  # noqa: C901, PLR0912 - one loop over a heap
    first: NDArray[np.int64],
    end: NDArray[np.int64],
    arcs: NDArray[np.int64],
    cost: NDArray[np.float64],
    root: int,
    leaves: NDArray[np.int64],
    heap: NDArray[np.int64],
    key: NDArray[np.float64],
    wanted: NDArray[np.bool_],
    distance: NDArray[np.float64],
    entering: NDArray[np.int64],
) -> None:
    """Fill (n,) `distance` and `entering` (the arc by which the tree enters a node, -1) until all leaves are settled."""
    distance[:] = np.inf
    entering[:] = -1
    wanted[:] = False
    left = 0
    for leaf in leaves:
        if not wanted[leaf]:
            wanted[leaf] = True
            left += 1
    distance[root] = 0.0
    heap[0], key[0] = root, 0.0
    size = 1
    while size > 0:
        node, least = heap[0], key[0]
        size -= 1
        if size > 0:
            last_key, last = key[size], heap[size]
            place = 0
            while True:
                child = 2 * place + 1
                if child >= size:
                    break
                if child + 1 < size and key[child + 1] < key[child]:
                    child += 1
                if key[child] >= last_key:
                    break
                key[place], heap[place] = key[child], heap[child]
                place = child
            key[place], heap[place] = last_key, last
        if least > distance[node]:
            continue
        if wanted[node]:
            wanted[node] = False
            left -= 1
            if left == 0:
                return
        for q in range(first[node], first[node + 1]):
            arc, other = arcs[q], end[q]
            far = least + cost[arc]
            if far < distance[other]:
                distance[other], entering[other] = far, arc
                place = size
                size += 1
                while place > 0:
                    parent = (place - 1) >> 1
                    if key[parent] <= far:
                        break
                    key[place], heap[place] = key[parent], heap[parent]
                    place = parent
                key[place], heap[place] = far, other


@njit(cache=True)
def leaf_costs(
    first: NDArray[np.int64],
    end: NDArray[np.int64],
    arcs: NDArray[np.int64],
    cost: NDArray[np.float64],
    roots: NDArray[np.int64],
    start: NDArray[np.int64],
    order: NDArray[np.int64],
    leaf: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the (leaves,) costs of cheapest paths; infinity where there is none.

    Parameters
    ----------
    first, end, arcs
        Forward star: where the arcs out of each node start, their other ends, and their positions in `cost`.
    cost
        (arcs,) costs >= 0; infinite where blocked.
    roots, start, order
        Roots, where the leaves of each start in `order`, and the leaves by root.
    leaf
        (leaves,) nodes.
    """
    n = first.size - 1
    heap, key = np.empty(arcs.size + 1, dtype=np.int64), np.empty(arcs.size + 1)
    wanted, distance, entering = np.empty(n, dtype=np.bool_), np.empty(n), np.empty(n, dtype=np.int64)
    costs = np.empty(leaf.size)
    for r in range(roots.size):
        own = order[start[r] : start[r + 1]]
        _grow_tree(first, end, arcs, cost, roots[r], leaf[own], heap, key, wanted, distance, entering)
        for k in own:
            costs[k] = distance[leaf[k]]
    return costs


@njit(cache=True)
def new_paths(  # noqa: C901 - two walks along each path
    first: NDArray[np.int64],
    end: NDArray[np.int64],
    arcs: NDArray[np.int64],
    roots: NDArray[np.int64],
    start: NDArray[np.int64],
    order: NDArray[np.int64],
    leaf: NDArray[np.int64],
    cost: NDArray[np.float64],
    watched: NDArray[np.float64],
    prices: NDArray[np.float64],
    begin: NDArray[np.int64],
    reliability: NDArray[np.float64],
    option: NDArray[np.int64],
    mark: NDArray[np.int64],
    mark_of_leaf: NDArray[np.int64],
    known: NDArray[np.int64],
) -> Found:
    """Return the cheapest paths, at cost + price * watched for every price, whose keys are not known; a path may be there several times.

    Parameters
    ----------
    first, end, arcs, roots, start, order, leaf, cost
        As in `leaf_costs`.
    watched
        (arcs,) what prices are multiplied with.
    prices
        Prices, rising.
    begin, reliability, option
        (arcs,) the node that the search comes from, r, and the option on the arc or -1.
    mark, mark_of_leaf
        (arcs,) and (leaves,): their sum along a path is its key.
    known
        Keys, sorted.
    """
    n, most = first.size - 1, 1024
    heap, heap_key = np.empty(arcs.size + 1, dtype=np.int64), np.empty(arcs.size + 1)
    wanted, distance, entering = np.empty(n, dtype=np.bool_), np.empty(n), np.empty(n, dtype=np.int64)
    keys, owner = np.empty(prices.size * leaf.size, dtype=np.int64), np.empty(prices.size * leaf.size, dtype=np.int64)
    values = np.empty(prices.size * leaf.size)
    path, step = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    paths = steps = 0
    for price in prices:
        priced = cost + price * watched
        for r in range(roots.size):
            own = order[start[r] : start[r + 1]]
            _grow_tree(first, end, arcs, priced, roots[r], leaf[own], heap, heap_key, wanted, distance, entering)
            for k in own:
                node, value, total, length = leaf[k], 1.0, mark_of_leaf[k], 0
                if entering[node] < 0:
                    continue
                while entering[node] >= 0:
                    arc = entering[node]
                    value *= reliability[arc]
                    if option[arc] >= 0:
                        total += mark[arc]
                        length += 1
                    node = begin[arc]
                place = np.searchsorted(known, total)
                if value <= 0 or (place < known.size and known[place] == total):
                    continue
                while steps + length > most:
                    most *= 2
                    path, step = np.append(path, np.empty_like(path)), np.append(step, np.empty_like(step))
                node = leaf[k]
                while entering[node] >= 0:
                    arc = entering[node]
                    if option[arc] >= 0:
                        path[steps], step[steps] = paths, arc
                        steps += 1
                    node = begin[arc]
                keys[paths], owner[paths], values[paths] = total, k, value
                paths += 1
    return Found(
        keys[:paths].copy(), owner[:paths].copy(), values[:paths].copy(), path[:steps].copy(), step[:steps].copy()
    )
