"""Dijkstra's algorithm with a binary heap: values and paths of informed evaders on an
overlay, and the connections that an overlay has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import Floats, Ints, Mask, kernel, part
from optimizer.problem.instance.evaders import Searches, arc_costs
from optimizer.problem.network.shortest_paths import cost_graph

if TYPE_CHECKING:
    from optimizer.solvers.overlay.overlay import Overlay


SAMPLE = 32
"""Fixed nodes searched from first, to see whether there would be too many connections."""

TIE = 1e-13
"""Cost of an arc that a search for new paths adds: of paths that cost the same it finds
the one with fewest arcs, whose cut has fewest options.
"""

SURELY = 1.25
"""How many times too many a sample must find."""


class Arranged(NamedTuple):
    """The arcs of an overlay as searches from some roots follow them, and the leaves by
    root, as the kernels take them.

    A *section* is a longest run of arcs whose inner nodes have no other arc: an arc that
    several options watch is one of the network, and as many arcs in series of the
    overlay. A search takes a section in one step.
    """

    #: `first`, `end`: Forward star of the sections: where those out of each node start,
    #: and their other ends. Nodes are those at the ends of sections.
    first: NDArray[np.int64]
    end: NDArray[np.int64]
    #: `begin`, `last`: (sections,) the node that a section comes from, and its last arc.
    begin: NDArray[np.int64]
    last: NDArray[np.int64]
    #: `section`, `before`: (arcs,) the section that an arc is on, and the arc before it
    #: there or -1. Arcs that no search reaches are on a section behind all others.
    section: NDArray[np.int64]
    before: NDArray[np.int64]
    #: `roots`, `start`, `order`: Roots, where the leaves of each start in `order`, and
    #: the leaves by root.
    roots: NDArray[np.int64]
    start: NDArray[np.int64]
    order: NDArray[np.int64]
    #: (leaves,) nodes.
    leaf: NDArray[np.int64]

    @classmethod
    def of(cls, overlay: Overlay, searches: Searches) -> Arranged:
        """Arrange the arcs of an overlay; those out of a node stay in their order."""
        tail, head = (
            (overlay.head, overlay.tail) if searches.reverse else (overlay.tail, overlay.head)
        )
        n = overlay.n_nodes
        inner = (np.bincount(tail, minlength=n) == 1) & (np.bincount(head, minlength=n) == 1)
        inner[searches.roots] = inner[searches.leaf] = False
        onward = np.full(n, -1)
        onward[tail] = np.arange(tail.size)
        at = np.flatnonzero(~inner[tail])
        at = at[np.argsort(tail[at], kind="stable")]
        begin = tail[at]
        section = np.full(tail.size, at.size)
        before = np.full(tail.size, -1)
        last = at.copy()
        number = np.arange(at.size)
        while at.size:
            section[at] = number
            last[number] = at
            further = inner[head[at]]
            number, behind = number[further], at[further]
            at = onward[head[behind]]
            before[at] = behind
        node = np.cumsum(~inner) - 1
        return cls(
            np.searchsorted(begin, np.flatnonzero(np.append(~inner, True))),
            node[head[last]],
            node[begin],
            last,
            section,
            before,
            node[searches.roots],
            np.searchsorted(np.sort(searches.row), np.arange(searches.roots.size + 1)),
            np.argsort(searches.row, kind="stable"),
            node[searches.leaf],
        )

    def only(self, leaves: NDArray[np.bool_]) -> Arranged:
        """Return the same with some of the (leaves,) alone."""
        kept = leaves[self.order]
        return self._replace(
            start=np.append(0, np.cumsum(kept))[self.start], order=self.order[kept]
        )


def arranged(overlay: Overlay, searches: Searches) -> Arranged:
    """Return the arcs and leaves, arranged once for an overlay and its searches."""
    kept: dict[int, tuple[Searches, Arranged]] = overlay.arrangements
    held = kept.get(id(searches))
    # an overlay that another process has sent holds the ids of that one
    if held is None or held[0] is not searches:
        held = kept[id(searches)] = (searches, Arranged.of(overlay, searches))
    return held[1]


def search_values(
    overlay: Overlay, searches: Searches, placed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the (evaders,) largest chances to get through under an (options,) mask.

    SciPy finds the same costs, to the last bit, and needs no compiler; compiled
    searches end at the leaves.
    """
    at = arranged(overlay, searches)
    cost = arc_costs(overlay.arc_survival(placed))
    if leaf_costs.compiled is None:
        n_sections = at.end.size
        whole = np.bincount(at.section, cost, n_sections)[:n_sections].astype(np.float64)
        graph = cost_graph(at.first.size - 1, at.begin, at.end, whole)
        return replace(searches, roots=at.roots, leaf=at.leaf, reverse=False).values_on(graph)
    return np.asarray(np.exp(-leaf_costs(*at, cost)))


class Found(NamedTuple):
    """Paths: commodity and value of each, path and arc of each step along a watched
    arc, how many of either there are; and (leaves,) `weighed`.

    Leaves are weighed whose cheapest path has an arc of positive weight.
    """

    commodity: NDArray[np.int64]
    value: NDArray[np.float64]
    steps: NDArray[np.int64]
    n_paths: int
    n_steps: int
    weighed: NDArray[np.bool_]


@kernel
def leaf_costs(
    first: Ints,
    end: Ints,
    begin: Ints,  # noqa: ARG001 - as `Arranged` has them
    last: Ints,  # noqa: ARG001
    section: Ints,
    before: Ints,  # noqa: ARG001
    roots: Ints,
    start: Ints,
    order: Ints,
    leaf: Ints,
    cost: Floats,
) -> Floats:
    """Return the (leaves,) costs of cheapest paths; infinity where there is none.

    Parameters
    ----------
    first, end, begin, last, section, before, roots, start, order, leaf
        As in `Arranged`.
    cost
        (arcs,) costs >= 0; infinite where blocked.
    """
    n = first.size - 1
    heap, key = np.empty(end.size + 1, dtype=np.int64), np.empty(end.size + 1)
    wanted = np.empty(n, dtype=np.bool_)
    distance = np.empty(n)
    entering = np.empty(n, dtype=np.int64)
    costs = np.empty(leaf.size)
    whole = _section_costs(section, cost, end.size, 0.0)
    for r in range(roots.size):
        if start[r] == start[r + 1]:
            continue
        _grow_tree(
            first,
            end,
            roots[r],
            start[r],
            start[r + 1],
            order,
            leaf,
            whole,
            heap,
            key,
            wanted,
            distance,
            entering,
        )
        for at in range(start[r], start[r + 1]):
            costs[order[at]] = distance[leaf[order[at]]]
    return costs


@kernel
def new_paths(  # noqa: C901, PLR0912 - two walks along each path
    first: Ints,
    end: Ints,
    begin: Ints,
    last: Ints,
    section: Ints,
    before: Ints,
    roots: Ints,
    start: Ints,
    order: Ints,
    leaf: Ints,
    cost: Floats,
    reliability: Floats,
    option: Ints,
    weight: Floats,
    mark: Ints,
    mark_of_leaf: Ints,
    known: Ints,
) -> Found:
    """Return the cheapest paths whose keys are not known.

    Parameters
    ----------
    first, end, begin, last, section, before, roots, start, order, leaf, cost
        As in `leaf_costs`.
    reliability, option, weight
        (arcs,) r, the option on the arc or -1, and what `weighed` tells of, >= 0.
    mark, mark_of_leaf
        (arcs,) and (leaves,): their sum along a path is its key; it may wrap around.
    known
        Keys, sorted.
    """
    n = first.size - 1
    heap, key = np.empty(end.size + 1, dtype=np.int64), np.empty(end.size + 1)
    wanted = np.empty(n, dtype=np.bool_)
    distance = np.empty(n)
    entering = np.empty(n, dtype=np.int64)
    owner = np.empty(leaf.size, dtype=np.int64)
    values = np.empty(leaf.size)
    steps = np.empty((2, 1024), dtype=np.int64)
    weighed = np.zeros(leaf.size, dtype=np.bool_)
    whole = _section_costs(section, cost, end.size, TIE)
    n_paths = n_steps = 0
    for r in range(roots.size):
        if start[r] == start[r + 1]:
            continue
        _grow_tree(
            first,
            end,
            roots[r],
            start[r],
            start[r + 1],
            order,
            leaf,
            whole,
            heap,
            key,
            wanted,
            distance,
            entering,
        )
        for at in range(start[r], start[r + 1]):
            k = order[at]
            # back to the root, once for the key, the value and the length of the path,
            # and once more, if it is new, for its steps
            node = leaf[k]
            value = 1.0
            total = mark_of_leaf[k]
            length = 0
            if entering[node] < 0:
                continue
            while entering[node] >= 0:
                arc = last[entering[node]]
                while arc >= 0:
                    value *= reliability[arc]
                    if option[arc] >= 0:
                        total += mark[arc]
                        length += 1
                        weighed[k] |= weight[arc] > 0
                    arc = before[arc]
                node = begin[entering[node]]
            low, high = 0, known.size
            while low < high:
                middle = (low + high) // 2
                if known[middle] < total:
                    low = middle + 1
                else:
                    high = middle
            if value <= 0 or (low < known.size and known[low] == total):
                continue
            while n_steps + length > steps.shape[1]:
                wider = np.empty((2, 2 * steps.shape[1]), dtype=np.int64)
                for i in range(n_steps):
                    wider[0, i], wider[1, i] = steps[0, i], steps[1, i]
                steps = wider
            node = leaf[k]
            while entering[node] >= 0:
                arc = last[entering[node]]
                while arc >= 0:
                    if option[arc] >= 0:
                        steps[0, n_steps], steps[1, n_steps] = n_paths, arc
                        n_steps += 1
                    arc = before[arc]
                node = begin[entering[node]]
            owner[n_paths], values[n_paths] = k, value
            n_paths += 1
    return Found(owner, values, steps, n_paths, n_steps, weighed)


@part
def _section_costs(section: Ints, cost: Floats, n_sections: int, each: float) -> Floats:
    """Return the (sections + 1,) costs of sections, and of the arcs on none, with some
    cost more for each arc.
    """
    whole = np.zeros(n_sections + 1)
    for arc in range(cost.size):
        whole[section[arc]] += cost[arc] + each
    return whole


class Connections(NamedTuple):
    """Connections: the first `n_found` of (connections,) ends and costs, which watched
    arcs may be of use, and whether these are all.
    """

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    cost: NDArray[np.float64]
    n_found: int
    useful: NDArray[np.bool_]
    all: bool


@kernel
def connections(  # noqa: C901, PLR0912 - one search
    first: Ints,
    end: Ints,
    cost: Floats,
    by_option: Mask,
    sources: Ints,
    watched: Ints,
    watched_end: Ints,
    watched_cost: Floats,
    most: int,
) -> Connections:
    """Return the cheapest paths between fixed nodes that pass no other and are no
    option arc.

    The search from a node ends where every label left is of a path that passes a fixed
    node: its work grows with what lies between the node and the fixed nodes around it,
    not with the network.

    Parameters
    ----------
    first, end, cost, by_option
        (nodes + 1,), (arcs,), (arcs,) and (arcs,): where the arcs out of each node
        start, their other ends, costs >= 0, and whether each is of an option; those
        start and end at fixed nodes.
    sources
        (fixed,) the fixed nodes, some that are spread evenly first.
    watched, watched_end, watched_cost
        (nodes + 1,), (watched,) and (watched,): where the watched arcs out of each node
        start, their other ends, and their least costs. Such an arc may be of use where
        no path is cheaper than that.
    most
        Number of connections beyond which no more are looked for; nor where the first
        sources have so many that there would be.
    """
    n, size = first.size - 1, 0
    heap, key = np.empty(end.size + 1, dtype=np.int64), np.empty(end.size + 1)
    distance, touched = np.empty(n), np.empty(n, dtype=np.int64)
    clear, fixed = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    for i in range(n):
        distance[i] = np.inf
    for i in range(sources.size):
        fixed[sources[i]] = True
    tails = np.empty(1024, dtype=np.int64)
    heads = np.empty(1024, dtype=np.int64)
    costs = np.empty(1024)
    useful, count = np.zeros(watched_end.size, dtype=np.bool_), 0
    for i in range(sources.size):
        if count > most or (i >= SAMPLE and count * sources.size > SURELY * most * i):
            return Connections(tails, heads, costs, count, useful, False)
        source = sources[i]
        reach = -1.0
        for w in range(watched[source], watched[source + 1]):
            reach = max(reach, watched_cost[w])
        distance[source], touched[0], n_touched, waiting = 0.0, source, 1, 1
        clear[source] = True
        heap[0], key[0], size = source, 0.0, 1
        while size > 0:
            node, least = heap[0], key[0]
            size = _without_top(heap, key, size)
            if least > distance[node]:
                continue
            if waiting == 0 and least > reach:
                break
            on = clear[node]
            waiting -= on
            if on and fixed[node] and node != source:
                if count == tails.size:
                    tails = _longer(tails)
                    heads = _longer(heads)
                    costs = _longer_floats(costs)
                tails[count], heads[count], costs[count] = source, node, least
                count += 1
                on = False
            for q in range(first[node], first[node + 1]):
                far, other = least + cost[q], end[q]
                if far < distance[other]:
                    if distance[other] == np.inf:
                        touched[n_touched] = other
                        n_touched += 1
                    waiting -= clear[other]
                    distance[other], clear[other] = far, on and not by_option[q]
                    waiting += clear[other]
                    size = _with_entry(heap, key, size, other, far)
        for w in range(watched[source], watched[source + 1]):
            useful[w] = watched_cost[w] <= distance[watched_end[w]]
        for k in range(n_touched):
            distance[touched[k]], clear[touched[k]] = np.inf, False
    return Connections(tails, heads, costs, count, useful, count <= most)


@part
def _longer(values: Ints) -> Ints:
    """Return a copy with as much room again behind it."""
    longer = np.empty(2 * values.size, dtype=np.int64)
    for i in range(values.size):
        longer[i] = values[i]
    return longer


@part
def _longer_floats(values: Floats) -> Floats:
    """Return a copy with as much room again behind it."""
    longer = np.empty(2 * values.size)
    for i in range(values.size):
        longer[i] = values[i]
    return longer


@part
def _without_top(heap: Ints, key: Floats, size: int) -> int:
    """Take the first entry off a heap: the last one sinks from there, and children move
    up as long as they are nearer.
    """
    size -= 1
    last_key = key[size]
    last = heap[size]
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
    return size


@part
def _with_entry(heap: Ints, key: Floats, size: int, node: int, far: float) -> int:
    """Put an entry into a heap: it rises from the end, and parents move down as long as
    they are farther.
    """
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if key[parent] <= far:
            break
        key[place], heap[place] = key[parent], heap[parent]
        place = parent
    key[place], heap[place] = far, node
    return size + 1


@part
def _grow_tree(
    first: Ints,
    end: Ints,
    root: int,
    begin: int,
    stop: int,
    order: Ints,
    leaf: Ints,
    cost: Floats,
    heap: Ints,
    key: Floats,
    wanted: Mask,
    distance: Floats,
    entering: Ints,
) -> None:
    """Fill (n,) `distance` and `entering` (the section by which the tree enters a node, -1)
    until all leaves of a root are settled.

    (sections + 1,) `heap` and `key` hold nodes with a distance that they were reached at:
    not lowered in place but put in again, at most once for each section, so that an entry
    above the node's distance is out of date. (n,) `wanted` marks leaves that are not
    settled yet.
    """
    for i in range(distance.size):
        distance[i], entering[i], wanted[i] = np.inf, -1, False
    left = 0
    for at in range(begin, stop):
        if not wanted[leaf[order[at]]]:
            wanted[leaf[order[at]]] = True
            left += 1
    distance[root] = 0.0
    heap[0], key[0] = root, 0.0
    size = 1
    while size > 0:
        node, least = heap[0], key[0]
        size = _without_top(heap, key, size)
        if least > distance[node]:
            continue
        if wanted[node]:
            wanted[node] = False
            left -= 1
            if left == 0:
                return
        for q in range(first[node], first[node + 1]):
            other = end[q]
            far = least + cost[q]
            if far < distance[other]:
                distance[other], entering[other] = far, q
                size = _with_entry(heap, key, size, other, far)
