"""The best path of one evader against a mixture, by label setting: plain Python that numba compiles (`evader`).

A label is a path from the origin to a node, with its survival against each plan. Labels are taken by falling bound: the expectation over plans
of its survival times the best survival from the node on, which is what an evader could reach who sees the plan from here on. A label is left
out where another one at its node has no smaller survival against any plan, and where its bound is not above the value that is known.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BestPath(NamedTuple):
    """What a search found: a proven bound, the best value, its arcs from the destination back to the origin, and the number of labels."""

    bound: float
    value: float
    arcs: NDArray[np.int64]
    labels: int


def best_path(  # noqa: C901, PLR0912, PLR0915 - one search, compiled as one function
    start: NDArray[np.int64],
    head: NDArray[np.int64],
    into: NDArray[np.int64],
    entering: NDArray[np.int64],
    tail: NDArray[np.int64],
    survival: NDArray[np.float64],
    probability: NDArray[np.float64],
    origin: int,
    destination: int,
    known: float,
    most: int,
) -> BestPath:
    """Return the best path, if its value is above `known`, and a bound of the value of every path.

    Parameters
    ----------
    start, head
        Arcs sorted by tail: those of node i are start[i] to start[i + 1] - 1.
    into, entering, tail
        The same arcs by head: those into node i are entering[into[i]] to entering[into[i + 1] - 1], by position; (arcs,) tails.
    survival, probability
        (arcs, plans) chance to pass each arc under each plan, and (plans,) mu.
    known
        Paths up to this value are not looked for: the bound is then at least this.
    most
        Most labels; the bound is then the largest of those left.
    """
    n, plans = start.size - 1, probability.size
    onward = np.zeros((n, plans))
    for x in range(plans):
        done = np.zeros(n, dtype=np.bool_)
        onward[destination, x] = 1.0
        queue = [(-1.0, destination)]
        while queue:
            less, node = heappop(queue)
            if done[node]:
                continue
            done[node] = True
            for e in range(into[node], into[node + 1]):
                a = entering[e]
                chance = -less * survival[a, x]
                if chance > onward[tail[a], x]:
                    onward[tail[a], x] = chance
                    heappush(queue, (-chance, tail[a]))
    onward *= probability
    size = 256
    chance = np.empty((size, plans))
    chance[0] = 1.0
    place = np.full(size, origin)
    parent, by = np.full(size, -1), np.full(size, -1)
    dead = np.zeros(size, dtype=np.bool_)
    latest, earlier = np.full(n, -1), np.full(size, -1)
    latest[origin] = 0
    count, best, winner = 1, known, -1
    first = 0.0
    for x in range(plans):
        first += onward[origin, x]
    heap = [(-first, 0)]
    bound = known
    trial = np.empty(plans)
    while heap:
        less, label = heappop(heap)
        if -less <= best:
            break
        if count > most:
            bound = -less
            break
        if dead[label]:
            continue
        node = place[label]
        for a in range(start[node], start[node + 1]):
            after = head[a]
            promise = 0.0
            for x in range(plans):
                trial[x] = chance[label, x] * survival[a, x]
                promise += trial[x] * onward[after, x]
            if promise <= best:
                continue
            dominated = False
            other, following = latest[after], -1
            while other >= 0:
                no_less, no_more = True, True
                for x in range(plans):
                    if chance[other, x] < trial[x]:
                        no_less = False
                    elif chance[other, x] > trial[x]:
                        no_more = False
                    if not (no_less or no_more):
                        break
                if no_less:
                    dominated = True
                    break
                if no_more:
                    dead[other] = True
                    if following < 0:
                        latest[after] = earlier[other]
                    else:
                        earlier[following] = earlier[other]
                else:
                    following = other
                other = earlier[other]
            if dominated:
                continue
            if count == size:
                size *= 2
                wider = np.empty((size, plans))
                wider[:count] = chance
                chance = wider
                place = np.append(place, np.full(size - count, -1))
                parent = np.append(parent, np.full(size - count, -1))
                by = np.append(by, np.full(size - count, -1))
                earlier = np.append(earlier, np.full(size - count, -1))
                dead = np.append(dead, np.zeros(size - count, dtype=np.bool_))
            chance[count] = trial
            place[count], parent[count], by[count] = after, label, a
            earlier[count] = latest[after]
            latest[after] = count
            if after == destination:
                best, winner = promise, count
            else:
                heappush(heap, (-promise, count))
            count += 1
    arcs = [0 for _ in range(0)]
    label = winner
    while label >= 0 and by[label] >= 0:
        arcs.append(by[label])
        label = parent[label]
    return BestPath(max(bound, best), best if winner >= 0 else 0.0, np.array(arcs, dtype=np.int64), count)
