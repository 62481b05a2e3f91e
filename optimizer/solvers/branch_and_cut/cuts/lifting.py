"""Lifted rows: the coefficients of a row on the value of an evader, made as small as
its known paths allow.

A row theta >= a - sum_{j in B} b_j x_j that `separation` makes holds at every plan, but
not tightly: a star adds up what an option takes off each of its paths, although the
evader loses a path but once. Its options B are few, so that the least of what it
compares can be found exactly:

    v_j = min { f(S) + sum_{i in S - j} b_i : j in S, S in B }          f(S) = max(L, max_P g_P(S + all options outside B)), P the known paths

Then the row holds with a - v_j in place of b_j: nothing changes at plans without j, and
at those with j the right side is v_j - sum_{i in S - j} b_i <= f(S), which is at most
the value of the evader. So does the row with min { f(S) + sum_{i in S} b_i } in place
of a. This is sequential lifting (Padberg 1973), one option after another, those that
count most at the point first.

The minimum: a set S is either all that is placed, or it holds one of the options on the
best path under what is placed; so a search places these in turn, and leaves out in each
branch those placed in the ones before. It ends where no set can be less than what is
known of v_j before, a - b_j. What takes more than some nodes stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.work.kernels import Floats, Floats2, Ints, Ints2, part, rare_kernel
from optimizer.solvers.branch_and_cut.cuts.separation import ROUNDING, Cuts, by_commodity

if TYPE_CHECKING:
    from optimizer.solvers.branch_and_cut.paths.path_pool import Paths

MOST_OPTIONS, MOST_PATHS = 60, 150
"""Options of a row above which it is left as it is, and paths of an evader, the best
ones, that count.
"""
MOST_NODES, MOST_IN_ALL = 300, 6_000
"""Nodes of the search for one minimum, and for all those of a row, above which options
keep their coefficients.
"""

AT_ONCE = 8
"""Rows of one call of the kernel. Without a compiler a row takes up to a second, and
only between two calls is the kernel compiled, or loaded once another process has it.
"""

UNKNOWN = -1.0
"""Stands for a minimum that was not found."""


def lifted(cuts: Cuts, paths: Paths, x: NDArray[np.float64], floor: NDArray[np.float64]) -> Cuts:
    """Return the rows with smaller coefficients, those of options that count most at a
    point lowered first.

    Parameters
    ----------
    cuts
        Rows that hold where each commodity has its floor, row by row; rows of fixed
        routes are left as they are.
    paths
        Known paths of informed commodities.
    x
        (options,) point.
    floor
        (commodities,) L.
    """
    order = by_commodity(paths)
    start = np.searchsorted(paths.commodity[order], np.arange(floor.size + 1))
    first = np.searchsorted(cuts.row, np.arange(cuts.side.size + 1))
    side, entry = cuts.side.copy(), cuts.entry.copy()
    for row in range(0, side.size, AT_ONCE):
        rows = slice(row, min(row + AT_ONCE, side.size))
        entries = slice(first[rows.start], first[rows.stop])
        side[rows], entry[entries] = _lifted(
            first[rows.start : rows.stop + 1] - entries.start,
            cuts.commodity[rows],
            side[rows],
            cuts.option[entries],
            entry[entries],
            x,
            start,
            order,
            paths.value,
            paths.option,
            paths.survival,
            floor,
        )
    return Cuts(cuts.commodity, side * (1 - ROUNDING), cuts.row, cuts.option, entry, cuts.n_options)


class _PathsOfRow(NamedTuple):
    """The paths of a commodity that count for a row, by falling value with all options
    outside the row placed.
    """

    #: `value`, `first`: (paths,) values, and (paths + 1,) where the entries of each
    #: begin.
    value: Floats
    first: Ints
    #: `option`, `survival`: (entries,) positions in the row of its options on the path,
    #: and what each leaves.
    option: Ints
    survival: Floats
    #: (1,) number of paths.
    size: Ints


class _LeastSearch(NamedTuple):
    """What a search for a minimum has decided."""

    #: (options,) 0 undecided, 1 placed, 2 left out.
    state: Ints
    #: `child`, `children`, `at`: (depths, options) options that are placed in turn at
    #: each depth, (depths,) how many, and which one is.
    child: Ints2
    children: Ints
    at: Ints
    #: (depths,) sum of the coefficients of what is placed.
    cost: Floats
    #: (1,) nodes so far.
    nodes: Ints


@rare_kernel
def _lifted(
    first: Ints,
    commodity: Ints,
    side: Floats,
    option: Ints,
    entry: Floats,
    x: Floats,
    start: Ints,
    order: Ints,
    value: Floats,
    options: Ints2,
    survival: Floats2,
    floor: Floats,
) -> tuple[Floats, Floats]:
    """Return (rows,) sides and (entries,) coefficients.

    Parameters
    ----------
    first, commodity, side
        (rows + 1,) where the entries of each row begin, and (rows,) commodities and
        sides.
    option, entry
        (entries,) of each row.
    x
        (options,) point.
    start, order, value, options, survival
        (commodities + 1,) where the paths of each commodity begin in an order by
        commodity, this order, and paths as in `path_pool.Paths`.
    floor
        (commodities,) L.
    """
    n = x.size
    width = options.shape[1]
    m = MOST_OPTIONS
    sides, entries = side.copy(), entry.copy()
    place = np.full(n + 1, -1)
    known = _PathsOfRow(
        np.empty(MOST_PATHS + 1),
        np.empty(MOST_PATHS + 1, dtype=np.int64),
        np.empty(MOST_PATHS * width + 1, dtype=np.int64),
        np.empty(MOST_PATHS * width + 1),
        np.zeros(1, dtype=np.int64),
    )
    search = _LeastSearch(
        np.zeros(m, dtype=np.int64),
        np.empty((m + 1, m), dtype=np.int64),
        np.zeros(m + 1, dtype=np.int64),
        np.zeros(m + 1, dtype=np.int64),
        np.zeros(m + 2),
        np.zeros(1, dtype=np.int64),
    )
    best, ranked = np.empty(MOST_PATHS + 1, dtype=np.int64), np.empty(m, dtype=np.int64)
    for k in range(side.size):
        u = commodity[k]
        begin = first[k]
        size = first[k + 1] - first[k]
        if size == 0 or size > m or start[u] == start[u + 1]:
            continue
        for i in range(size):
            place[option[begin + i]] = i
        _gather(
            start[u], start[u + 1], order, value, options, survival, place, floor[u], best, known
        )
        for i in range(size):
            place[option[begin + i]] = -1
        search.nodes[0] = 0
        least = _least(known, search, entries, begin, size, -1, floor[u], sides[k])
        sides[k] = max(sides[k], least)
        for i in range(size):  # by falling x times b, then by falling b
            at = i
            while at > 0 and _counts_more(begin + i, begin + ranked[at - 1], option, entries, x):
                ranked[at] = ranked[at - 1]
                at -= 1
            ranked[at] = i
        for at in range(size):
            if search.nodes[0] > MOST_IN_ALL:
                break
            i = ranked[at]
            before = sides[k] - entries[begin + i]
            least = _least(known, search, entries, begin, size, i, floor[u], before)
            if least > before:
                # less than it might be by what rounding can take from sums and products
                entries[begin + i] = min(
                    entries[begin + i], max(0.0, sides[k] - least * (1 - ROUNDING))
                )
    return sides, entries


@part
def _counts_more(i: int, other: int, option: Ints, entry: Floats, x: Floats) -> bool:
    """Whether one entry comes before another."""
    here, there = x[option[i]] * entry[i], x[option[other]] * entry[other]
    return bool(here > there or (here == there and entry[i] > entry[other]))


@part
def _gather(  # noqa: C901 - one loop over paths, and one over their entries
    begin: int,
    end: int,
    order: Ints,
    value: Floats,
    options: Ints2,
    survival: Floats2,
    place: Ints,
    floor: float,
    best: Ints,
    known: _PathsOfRow,
) -> None:
    """Set `known` to the best paths of a commodity, with the options placed that have
    no (options + 1,) place in the row.
    """
    padding, count = place.size - 1, 0
    for at in range(begin, end):
        p, left = order[at], value[order[at]]
        for w in range(options.shape[1]):
            j = options[p, w]
            if j == padding or left <= floor:
                break
            if place[j] < 0:
                left *= survival[p, w]
        if left <= floor or (count == MOST_PATHS and left <= known.value[count - 1]):
            continue
        count = min(count + 1, MOST_PATHS)
        rank = count - 1
        while rank > 0 and known.value[rank - 1] < left:
            known.value[rank], best[rank] = known.value[rank - 1], best[rank - 1]
            rank -= 1
        known.value[rank], best[rank] = left, p
    n = 0
    for rank in range(count):
        known.first[rank] = n
        for w in range(options.shape[1]):
            j = options[best[rank], w]
            if j == padding:
                break
            if place[j] >= 0 and survival[best[rank], w] < 1:
                known.option[n], known.survival[n] = place[j], survival[best[rank], w]
                n += 1
    known.first[count], known.size[0] = n, count


@part
def _least(  # noqa: C901, PLR0912 - a search from its first node to its last
    known: _PathsOfRow,
    search: _LeastSearch,
    entry: Floats,
    begin: int,
    size: int,
    must: int,
    floor: float,
    enough: float,
) -> float:
    """Return the least of f(S) and the coefficients of S, but for that of an option
    `must` which S holds; -1 is none.

    `enough` is a lower bound of it, at which the search ends. `UNKNOWN` where it takes
    too many nodes.
    """
    state = search.state
    child = search.child
    children = search.children
    at = search.at
    cost = search.cost
    for i in range(size):
        state[i] = 0
    if must >= 0:
        state[must] = 1
    best = np.inf
    depth = 0
    until = search.nodes[0] + MOST_NODES
    cost[0], fresh = 0.0, True
    while depth >= 0:
        if fresh:
            search.nodes[0] += 1
            if search.nodes[0] > until:
                return UNKNOWN
            # the best path under what is placed, and the value that is left with all
            # that is undecided
            most = floor
            first = -1
            least = floor
            for p in range(known.size[0]):
                if known.value[p] <= least:
                    break
                here = rest = known.value[p]
                for e in range(known.first[p], known.first[p + 1]):
                    decided = state[known.option[e]]
                    if decided == 1:
                        here *= known.survival[e]
                    if decided != 2:
                        rest *= known.survival[e]
                if here > most:
                    most, first = here, p
                least = max(least, rest)
            best = min(best, cost[depth] + most)
            if best <= enough:
                return enough
            count = 0
            if first >= 0:
                for e in range(known.first[first], known.first[first + 1]):
                    i = known.option[e]
                    if state[i] != 0 or cost[depth] + entry[begin + i] + least >= best:
                        continue
                    rank = count
                    while rank > 0 and entry[begin + child[depth, rank - 1]] > entry[begin + i]:
                        child[depth, rank] = child[depth, rank - 1]
                        rank -= 1
                    child[depth, rank] = i
                    count += 1
            children[depth], at[depth], fresh = count, -1, False
        if at[depth] >= 0:
            state[child[depth, at[depth]]] = 2
        at[depth] += 1
        # children come by rising coefficient: where one costs too much, so do those
        # after it
        if (
            at[depth] < children[depth]
            and cost[depth] + entry[begin + child[depth, at[depth]]] + floor < best
        ):
            state[child[depth, at[depth]]] = 1
            cost[depth + 1] = cost[depth] + entry[begin + child[depth, at[depth]]]
            depth, fresh = depth + 1, True
        else:
            for rank in range(min(at[depth], children[depth])):
                state[child[depth, rank]] = 0
            depth -= 1
    return best
