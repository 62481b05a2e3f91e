"""The best paths of evaders with one destination against a mixture, by label setting: plain Python that numba compiles (`evader`).

Data      mu_x probability of plan x; g_x(Q) survival of a path Q under it; h_x(i) the best survival from node i to the destination under x;
          W(i) = max over Q from i to the destination of sum_x mu_x g_x(Q)
Label     a path from a source to node i, with its survival s_x under each plan; its best completion is worth max_Q sum_x mu_x s_x g_x(Q)

Bounds of a completion. An evader who sees the plan from here on reaches sum_x mu_x s_x h_x(i). And for any c >= 0, as s_x <= c + (s_x - c)^+,

    sum_x mu_x s_x g_x(Q) <= c W(i) + sum_x mu_x (s_x - c)^+ h_x(i),

which is convex in c and least where the plans with s_x > c have sum mu_x h_x(i) = W(i); with c = 0 it is the first bound.

W is found by the same search, with one node after another as the source, those near the destination first, so that each search has the bounds
of the nodes before it. Last come the origins. Labels are taken by falling bound. A label is left out where another one at its node has no
smaller survival under any plan, and where its bound is not above the value that is known, times 1 + a slack: bounds are then within the slack.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BestPaths(NamedTuple):
    """What a search found.

    Attributes
    ----------
    bound, value
        (origins,) proven bound, and value of the best path above the one that was known; 0 where there is none.
    stop, arcs
        (origins,) where the arcs of each path end in (arcs,) all of them, each path from the destination back to its origin.
    labels
        Number of labels.
    steps
        Number of steps: multiplications of survivals, and comparisons of labels.
    """

    bound: NDArray[np.float64]
    value: NDArray[np.float64]
    stop: NDArray[np.int64]
    arcs: NDArray[np.int64]
    labels: int
    steps: float


HALVINGS = 7
"""Bisections for c."""
COMPARED = 4
"""Steps that one comparison of two labels counts for: most end after a few plans."""


def best_paths(  # noqa: C901, PLR0912, PLR0915 - one search, compiled as one function
    start: NDArray[np.int64],
    head: NDArray[np.int64],
    into: NDArray[np.int64],
    entering: NDArray[np.int64],
    tail: NDArray[np.int64],
    survival: NDArray[np.float64],
    probability: NDArray[np.float64],
    origins: NDArray[np.int64],
    destination: int,
    known: NDArray[np.float64],
    slack: float,
    most: int,
    outward: int,
    most_steps: float,
) -> BestPaths:
    """Return the best path from each origin, if its value is above the one that is known, and a bound of the value of every path.

    Parameters
    ----------
    start, head
        Arcs sorted by tail: those of node i are start[i] to start[i + 1] - 1.
    into, entering, tail
        The same arcs by head: those into node i are entering[into[i]] to entering[into[i + 1] - 1], by position; (arcs,) tails.
    survival, probability
        (arcs, plans) chance to pass each arc under each plan, and (plans,) mu.
    origins, known
        (origins,) none of them the destination, and the value that is known to be achieved from each, or 0: the bound is at least this.
    slack
        By how much, relative, a bound may exceed the best value.
    most
        Most labels from one origin; the bound is then the largest of those left.
    outward
        Most labels of the search for W of a node, likewise.
    most_steps
        Most steps of all label setting, or infinity: half of them for W, the rest for the origins in turn. Once they are used up, bounds are
        those of labels that are left, which for an origin not yet begun is what an evader reaches who sees the plan.
    """
    n, plans, count_origins = start.size - 1, probability.size, origins.size
    onward, so_far = np.zeros((n, plans)), np.zeros((n, plans))
    through = np.zeros(
        (count_origins + 1, n)
    )  # what a path over each node could be worth; last the union of all that matters
    for way in range(count_origins + 1):
        best_here = so_far if way else onward
        first = origins[way - 1] if way else destination
        best_here[:] = 0.0
        for x in range(plans):
            done = np.zeros(n, dtype=np.bool_)
            best_here[first, x] = 1.0
            queue = [(-1.0, first)]
            while queue:
                less, node = heappop(queue)
                if done[node]:
                    continue
                done[node] = True
                if way:
                    for a in range(start[node], start[node + 1]):
                        value = -less * survival[a, x]
                        if value > best_here[head[a], x]:
                            best_here[head[a], x] = value
                            heappush(queue, (-value, head[a]))
                else:
                    for e in range(into[node], into[node + 1]):
                        a = entering[e]
                        value = -less * survival[a, x]
                        if value > best_here[tail[a], x]:
                            best_here[tail[a], x] = value
                            heappush(queue, (-value, tail[a]))
        if way:
            for i in range(n):
                for x in range(plans):
                    through[way - 1, i] += so_far[i, x] * onward[i, x]
                if through[way - 1, i] > known[way - 1] * (1 + slack):
                    through[count_origins, i] = 1.0
        else:
            onward *= probability
    seen = onward.sum(axis=1)
    worth = seen.copy()
    reached = np.zeros((n, plans))
    reached[destination] = 1.0
    fixed = np.zeros(n, dtype=np.bool_)
    fixed[destination] = True
    order = np.argsort(-seen)
    inner_nodes = order[(order != destination) & (through[count_origins, order] > 0)]
    inner = inner_nodes.size
    sources = np.append(inner_nodes, origins)
    size = 256
    chance = np.empty((size, plans))
    place = np.full(size, destination)
    parent, by = np.full(size, -1), np.full(size, -1)
    dead = np.zeros(size, dtype=np.bool_)
    earlier = np.full(size, -1)
    latest = np.full(n, -1)
    trial = np.empty(plans)
    labels, steps, bound, best, winner = 0, 0.0, 0.0, 0.0, -1
    bounds, values = np.zeros(count_origins), np.zeros(count_origins)
    stop = np.zeros(count_origins, dtype=np.int64)
    arcs = [0 for _ in range(0)]
    for turn in range(sources.size):
        source, own = sources[turn], max(turn - inner, -1)
        last = own >= 0
        least = known[own] * (1 + slack) if last else 0.0
        until_step = most_steps * (1 + (own + 1) / count_origins) / 2
        latest[:] = -1
        latest[source] = 0
        chance[0] = 1.0
        place[0], parent[0], by[0], earlier[0], dead[0] = source, -1, -1, -1, False
        count, winner = 1, -1
        best = known[own] if last else 0.0
        if not last:
            for a in range(start[source], start[source + 1]):
                value = 0.0
                for x in range(plans):
                    value += probability[x] * survival[a, x] * reached[head[a], x]
                if value > best:
                    best = value
                    reached[source] = survival[a] * reached[head[a]]
        bound = best * (1 + slack)
        heap = [(-worth[source], 0)]
        while heap:
            less, label = heappop(heap)
            if -less <= best * (1 + slack):
                break
            if count > (most if last else outward) or steps > until_step:
                bound = -less
                break
            if dead[label]:
                continue
            node = place[label]
            for a in range(start[node], start[node + 1]):
                after = head[a]
                if through[own, after] <= least:
                    continue
                promise, high = 0.0, 0.0
                steps += plans
                for x in range(plans):
                    trial[x] = chance[label, x] * survival[a, x]
                    promise += trial[x] * onward[after, x]
                    high = max(high, trial[x])
                if promise <= best * (1 + slack):
                    continue
                if fixed[after] and after != destination:
                    low = 0.0
                    steps += HALVINGS * plans
                    for _ in range(HALVINGS):
                        c = (low + high) / 2
                        above, blend = 0.0, c * worth[after]
                        for x in range(plans):
                            if trial[x] > c:
                                above += onward[after, x]
                                blend += (trial[x] - c) * onward[after, x]
                        promise = min(promise, blend)
                        if above > worth[after]:
                            low = c
                        else:
                            high = c
                    if promise <= best * (1 + slack):
                        continue
                dominated = False
                other, following = latest[after], -1
                while other >= 0:
                    no_less, no_more = True, True
                    steps += COMPARED
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
                dead[count], earlier[count] = False, latest[after]
                latest[after] = count
                if after == destination:
                    if promise > best:
                        best, winner = promise, count
                        if not last:
                            reached[source] = trial
                else:
                    heappush(heap, (-promise, count))
                count += 1
        labels += count
        bound = max(bound, best * (1 + slack))
        if last:
            bounds[own], values[own] = min(bound, max(worth[source], best * (1 + slack))), best if winner >= 0 else 0.0
            label = winner
            while label >= 0 and by[label] >= 0:
                arcs.append(by[label])
                label = parent[label]
            stop[own] = len(arcs)
        else:
            worth[source], fixed[source] = min(bound, seen[source]), True
    return BestPaths(bounds, values, stop, np.array(arcs, dtype=np.int64), labels, steps)
